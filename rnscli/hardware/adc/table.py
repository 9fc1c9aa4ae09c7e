"""ADCs out of a table of the user's own."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, NamedTuple, Self

from rnscli.base import InputError, read_listing
from rnscli.hardware.adc import AdcModel
from rnscli.hardware.adc import headings as h
from rnscli.hardware.adc.surveyed import regressed_area
from rnscli.hardware.constants import NODE, Constant, check_constants


class ListedAdc(NamedTuple):
    """A converter of a table: effective bits, energy of a conversion, area, fastest rate.

    Without an area, it has that of the survey's regression for its energy and rate.
    """

    enob: float
    energy: float
    area: float | None
    rate: float


@dataclass(frozen=True)
class TableAdc(AdcModel):
    """The converter of a table that does a conversion with the least energy.

    Of those with at least the bits and the rate that are needed. If none has them, the model is
    outside of its range, and the one with the most bits (of these the fastest) is taken, at four
    times the energy for every bit that is missing.

    Parameters
    ----------
    converters
        The table, at least one.
    source
        What errors call it, such as the name of its file.
    skipped
        Rows of the file that are no converters: see `load_adc_table`.
    node
        Technology node in m, for the area of converters that are listed without one
        (`rnscli.hardware.adc.surveyed.regressed_area`).

    Raises
    ------
    InputError
        If the table is empty.

    Examples
    --------
    >>> model = TableAdc((ListedAdc(6.2, 5e-13, 1e-9, 1e9), ListedAdc(8.1, 9e-13, 3e-9, 1e9)))
    >>> model.energy(6, 1e9), model.energy(7, 5e8)
    (5e-13, 9e-13)
    """

    converters: tuple[ListedAdc, ...]
    source: str = "the table"
    skipped: int = 0
    node: float = field(default=45e-9, kw_only=True)

    name: ClassVar[str] = "table"
    summary: ClassVar[str] = "the cheapest adequate converter of a table of your own"
    constants: ClassVar[Mapping[str, Constant]] = {}
    takes_table: ClassVar[bool] = True

    @classmethod
    def made(cls, table: Path | None) -> Self:
        if table is None:
            raise InputError(f"the model {cls.name} takes its converters from `adc_table`; give it")
        converters, source, skipped = _read(table, None)
        if skipped:
            warnings.warn(
                f"{skipped} of {skipped + len(converters)} rows of {source} are left out: they "
                "have no resolution, energy or rate",
                RuntimeWarning,
                stacklevel=2,
            )
        return cls(converters, source, skipped)

    def __post_init__(self) -> None:
        if not self.converters:
            raise InputError(f"{self.source} has no converters; give at least one", "adc_table")
        check_constants(self, {"node": NODE})

    def energy(self, bits: float, rate: float) -> float:
        chosen = self._chosen(bits, rate)
        return float(chosen.energy * 4.0 ** max(0.0, bits - chosen.enob))

    def area(self, bits: float, rate: float) -> float:
        return self._area(self._chosen(bits, rate))

    def outside(self, bits: float, rate: float) -> str | None:
        if self._able(bits, rate):
            return None
        best = self._chosen(bits, rate)
        return (
            f"`adc_table` {self.source} has no converter of {bits:g} bits at {rate:g} Hz; the "
            f"nearest has {best.enob:g} bits at {best.rate:g} Hz"
        )

    def at_node(self, node: float) -> Self:
        # Otherwise its converters are what they are.
        return replace(self, node=node)

    def _area(self, one: ListedAdc) -> float:
        return one.area if one.area is not None else regressed_area(one.energy, one.rate, self.node)

    def _able(self, bits: float, rate: float) -> list[ListedAdc]:
        return [c for c in self.converters if c.enob >= bits and c.rate >= rate]

    def _chosen(self, bits: float, rate: float) -> ListedAdc:
        able = self._able(bits, rate)
        if able:
            return min(able, key=lambda c: (c.energy, self._area(c)))
        return max(self.converters, key=lambda c: (min(c.enob, bits), c.rate))


def load_adc_table(path: Path, columns: Mapping[str, str] | None = None) -> TableAdc:
    """The converters of a CSV file, with the columns enob, energy_j, area_m2 and rate_hz.

    Lists of others are read as they are, as far as their headings have a known name and a unit in
    brackets or parentheses, such as ``energy [pJ]``. Other columns do not count. Case, spaces and
    underscores of names do not matter; of several columns the first of these counts that is not
    empty:

    * resolution: enob; sndr_plot, sndr_hf or sndr in dB, ``ENOB = (SNDR - 1.76 dB) / 6.02 dB``;
      bits, number of bits, prec or resolution, taken to be effective;
    * energy of a conversion: energy, P/fsnyq; power or P, over the rate;
    * rate: rate, fsnyq, sample_rate, frequency, also in S/s; not fs, which oversampling converters
      have more of;
    * area, which may be missing: then it is that of the survey's regression for the energy and the
      rate, at the technology's node.

    A row that has no resolution, energy or rate, or an SNDR of less than half a bit, is skipped,
    and counted in `TableAdc.skipped`: published lists have such rows. What is no number, or out of
    range, is refused.

    Parameters
    ----------
    path
        The file.
    columns
        What headings are to be read as that are not known: ``{"Pwr": "power [mW]"}``.

    Raises
    ------
    InputError
        If it is no such file; the message names the row and the column.

    Examples
    --------
    >>> import tempfile
    >>> text = "part,SNDR_plot [dB],P [W],fsnyq [Hz],AREA [mm^2]\\nA,49.92,1e-3,1e9,0.01\\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "list.csv"
    ...     _ = file.write_text(text)
    ...     load_adc_table(file).converters
    (ListedAdc(enob=8.0, energy=1e-12, area=1e-08, rate=1000000000.0),)
    """
    return TableAdc(*_read(path, columns))


def _read(path: Path, columns: Mapping[str, str] | None) -> tuple[tuple[ListedAdc, ...], str, int]:
    """The converters of a file, its name, and how many rows are none."""
    headings = h.Headings(columns)
    rows = read_listing(path, headings.understood, h.ACCEPTED, what="`adc_table`")
    listed = [_converter(headings, row.cells) for row in rows]
    converters = tuple(one for one in listed if one is not None)
    if not converters:
        raise InputError(
            f"{path.name} has no row with a resolution, an energy and a rate; give at least one",
            "adc_table",
        )
    return converters, path.name, len(rows) - len(converters)


def _converter(headings: h.Headings, cells: Mapping[str, float]) -> ListedAdc | None:
    """That of a row."""
    rate = headings.value(h.RATE, cells)
    energy, power = headings.value(h.ENERGY, cells), headings.value(h.POWER, cells)
    enob, sndr = headings.value(h.ENOB, cells), headings.value(h.SNDR, cells)
    if enob is None and sndr is not None:
        enob = round((sndr - 1.76) / 6.02, 9)  # 49.92 dB are 8 bits
    elif enob is None:
        enob = headings.value(h.BITS, cells)
    if energy is None and power is not None and rate is not None:
        energy = power / rate
    if enob is None or energy is None or rate is None or enob < h.ENOB.low:
        return None
    return ListedAdc(enob, energy, headings.value(h.AREA, cells), rate)
