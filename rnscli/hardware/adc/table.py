"""ADCs out of a table of the user's own."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple, Self

from rnscli import base
from rnscli.base import InputError
from rnscli.hardware.adc import AdcModel
from rnscli.hardware.constants import Constant

_LIMITS = {  # of the columns of a file, in the order of the fields of `ListedAdc`
    "enob": (0.5, 64.0),
    "energy_j": (0.0, 1.0),
    "area_m2": (0.0, 1.0),
    "rate_hz": (1.0, 1e12),
}


class ListedAdc(NamedTuple):
    """A converter of a table: effective bits, energy of a conversion, area, fastest rate."""

    enob: float
    energy: float
    area: float
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

    name: ClassVar[str] = "table"
    summary: ClassVar[str] = "the cheapest adequate converter of a table of your own"
    constants: ClassVar[Mapping[str, Constant]] = {}
    takes_table: ClassVar[bool] = True

    @classmethod
    def made(cls, table: Path | None) -> Self:
        if table is None:
            raise InputError(f"the model {cls.name} takes its converters from `adc_table`; give it")
        columns = {name: base.quantity(*limits) for name, limits in _LIMITS.items()}
        rows = [row.cells for row in base.read_table(table, columns, what="`adc_table`")]
        converters = (ListedAdc(*(cells[name] for name in columns)) for cells in rows)
        return cls(tuple(converters), table.name)

    def __post_init__(self) -> None:
        if not self.converters:
            raise InputError(f"{self.source} has no converters; give at least one", "adc_table")

    def energy(self, bits: float, rate: float) -> float:
        chosen = self._chosen(bits, rate)
        return float(chosen.energy * 4.0 ** max(0.0, bits - chosen.enob))

    def area(self, bits: float, rate: float) -> float:
        return self._chosen(bits, rate).area

    def outside(self, bits: float, rate: float) -> str | None:
        if self._able(bits, rate):
            return None
        best = self._chosen(bits, rate)
        return (
            f"`adc_table` {self.source} has no converter of {bits:g} bits at {rate:g} Hz; the "
            f"nearest has {best.enob:g} bits at {best.rate:g} Hz"
        )

    def at_node(self, node: float) -> Self:
        return self  # its converters are what they are

    def _able(self, bits: float, rate: float) -> list[ListedAdc]:
        return [c for c in self.converters if c.enob >= bits and c.rate >= rate]

    def _chosen(self, bits: float, rate: float) -> ListedAdc:
        able = self._able(bits, rate)
        if able:
            return min(able, key=lambda c: (c.energy, c.area))
        return max(self.converters, key=lambda c: (min(c.enob, bits), c.rate))


def load_adc_table(path: Path) -> TableAdc:
    """The converters of a CSV file with the columns enob, energy_j, area_m2 and rate_hz.

    Raises
    ------
    InputError
        If it is no such file; the message names the row and the column.
    """
    return TableAdc.made(path)
