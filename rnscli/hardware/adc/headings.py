"""What the columns of lists of ADCs hold, by their headings."""

import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from rnscli.base import InputError, Kind, listed, parse_quantity, quantity, shown

ACCEPTED = "enob, energy_j, area_m2, rate_hz, or others with their units"

_BITS = ("", "b", "bit", "bits")
_OF_ONE = r"/(op|operation|conv|conversion|convert|sample)$"  # of energy: that of a conversion
_SAMPLES = r"(S/s|SPS|Sps|samples/s|conversions/s)$"  # of a rate: Hz


class Quantity(NamedTuple):
    """Something that a column holds, in a base unit of its own."""

    own: str  # the heading of this package, which is in the base unit
    names: tuple[str, ...]  # headings of others, beside their unit; the first goes before the next
    unit: str
    low: float  # the least and the largest value that are accepted, in the base unit
    high: float
    example: str


ENOB = Quantity("enob", (), "", 0.5, 64.0, "enob")
# From 0 dB: Murmann's survey has 1 dB where nothing was measured.
SNDR = Quantity("sndr_db", ("sndr_plot", "sndr_hf", "sndr"), "dB", 0.0, 387.0, "SNDR [dB]")
BITS = Quantity("bits", ("number of bits", "prec", "resolution"), "", 0.5, 64.0, "number of bits")
ENERGY = Quantity("energy_j", ("energy", "P/fsnyq"), "J", 0.0, 1.0, "energy [pJ]")
POWER = Quantity("power_w", ("power", "P"), "W", 0.0, 1e3, "power [mW]")
RATE = Quantity("rate_hz", ("rate", "fsnyq", "sample_rate", "frequency"), "Hz", 1.0, 1e12,
                "sample_rate [GS/s]")  # fmt: skip
AREA = Quantity("area_m2", ("area",), "m2", 0.0, 1.0, "area [um^2]")

# What a list says of a converter, by the quantities that it may be taken from, the best first.
_NEEDED = {"resolution": (ENOB, SNDR, BITS), "energy": (ENERGY, POWER), "rate": (RATE,)}
_OPTIONAL = {"area": (AREA,)}


class Headings:
    """The columns of a list that count.

    Parameters
    ----------
    renamed
        What headings that are not known are to be read as: ``{"ENOB at Nyquist": "enob"}``.

    Examples
    --------
    >>> found = Headings()
    >>> kinds = found.understood(["part", "SNDR_hf [dB]", "P [mW]", "fsnyq [MHz]"])
    >>> kinds["fsnyq [MHz]"].convert("250")
    250000000.0
    >>> cells = {"SNDR_hf [dB]": 61.96, "P [mW]": 0.5e-3, "fsnyq [MHz]": 250e6}
    >>> [found.value(one, cells) for one in (SNDR, POWER, AREA)]
    [61.96, 0.0005, None]
    """

    def __init__(self, renamed: Mapping[str, str] | None = None) -> None:
        self._renamed = renamed or {}
        self._kinds: dict[str, Kind] = {}
        self._columns: dict[Quantity, list[str]] = {}

    def understood(self, headings: list[str]) -> Mapping[str, Kind]:
        """What those of a file hold, of the columns that count.

        Raises
        ------
        InputError
            If one is missing, in no unit that is known, or renamed and not there.
        """
        meanings = self._meanings(headings)
        for what, quantities in (_NEEDED | _OPTIONAL).items():
            unitless = {one: self._add(one, meanings) for one in quantities}
            if any(self._columns[one] for one in quantities):
                continue
            for one, columns in unitless.items():
                if columns:
                    raise InputError(
                        f"has column {shown(columns[0])}, in no unit that is known; name it such "
                        f"as {one.example}"
                    )
            if what in _NEEDED:
                examples = [quantities[0].own, *(one.example for one in quantities if one.names)]
                raise InputError(
                    f"has no column of the {what}, such as {' or '.join(examples)}; it has, "
                    f"separated by commas: {listed(headings)}"
                )
        return self._kinds

    def value(self, wanted: Quantity, cells: Mapping[str, Any]) -> float | None:
        """That of a row in the base unit: of its first column which is not empty there."""
        for heading in self._columns[wanted]:
            if heading in cells:
                value: float = cells[heading]
                return value
        return None

    def _meanings(self, headings: list[str]) -> dict[str, str]:
        for heading, meaning in self._renamed.items():
            if heading not in headings:
                raise InputError(
                    f"has no column {shown(heading)} to be read as {shown(meaning)}; it has, "
                    f"separated by commas: {listed(headings)}"
                )
        return {heading: self._renamed.get(heading, heading) for heading in headings}

    def _add(self, wanted: Quantity, meanings: Mapping[str, str]) -> list[str]:
        """Note the columns of a quantity; return those with its name, but without its unit."""
        names = [_plain(one) for one in (wanted.own, *wanted.names)]
        found: list[tuple[int, str]] = []
        unitless = []
        for heading, meaning in meanings.items():
            name, unit = _parts(meaning)
            if name not in names:
                continue
            place = names.index(name)
            power = 0 if place == 0 and not unit else _power(unit, wanted.unit)
            if power is None:
                unitless.append(heading)
                continue
            found.append((place, heading))
            self._kinds[heading] = _kind(wanted, power)
        self._columns[wanted] = [heading for _, heading in sorted(found)]
        return unitless


def _parts(heading: str) -> tuple[str, str]:
    """Name, whatever its case and spaces, and unit of a heading such as ``AREA [mm^2]``."""
    match = re.fullmatch(r"(.+?)\s*[\[(]([^\])]*)[\])]", heading)
    name, unit = match.groups() if match else (heading, "")
    return _plain(name), "".join(unit.split())


def _plain(name: str) -> str:
    return re.sub(r"[\s_]", "", name).casefold()


def _power(unit: str, base: str) -> int | None:
    """The power of ten that a unit is of the base unit; None if it is no such unit."""
    if base in ("", "dB"):
        return 0 if unit in (_BITS if not base else (base,)) else None
    if base == "Hz":
        unit = re.sub(_SAMPLES, base, unit)
    elif base == "J":
        unit = re.sub(_OF_ONE, "", unit)
    unit = unit.replace("m^2", "m2").replace("m²", "m2")
    if not unit.endswith(base):
        return None  # a prefix alone, which parse_quantity would take
    try:
        return round(math.log10(parse_quantity(f"1{unit}", base)))
    except InputError:
        return None


def _kind(wanted: Quantity, power: int) -> Kind:
    """Cells of a quantity in a unit that is this power of ten of its base unit."""
    any_number = quantity(-math.inf, math.inf)

    def convert(text: str) -> float:
        any_number.convert(text)
        digits, _, exponent = text.lower().partition("e")
        value = float(f"{digits}e{int(exponent or 0) + power}")  # rounded once
        if not wanted.low <= value <= wanted.high:
            raise ValueError
        return value

    scale = 10.0**power
    return Kind(convert, f"a number from {wanted.low / scale:g} to {wanted.high / scale:g}")
