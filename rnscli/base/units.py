"""Quantities with engineering prefixes: for people in and out; machines get base SI."""

import math
import re
from dataclasses import dataclass
from decimal import Decimal

from rnscli.base.errors import InputError

_PREFIXES = {
    -30: "q", -27: "r", -24: "y", -21: "z", -18: "a", -15: "f", -12: "p", -9: "n", -6: "u",
    -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P",
}  # fmt: skip
_EXPONENTS = {prefix: exponent for exponent, prefix in _PREFIXES.items()} | {"µ": -6, "μ": -6}
_QUANTITY = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(\S*)\s*")


def parse_quantity(text: str, unit: str) -> float:
    """A number with an optional prefix and unit, such as ``100 fJ`` or ``100f``, in base SI.

    Examples
    --------
    >>> parse_quantity("100fJ", "J"), parse_quantity("0.5f", "F"), parse_quantity("1e-18", "J")
    (1e-13, 5e-16, 1e-18)
    >>> parse_quantity("2.5 mm2", "m2")
    2.5e-06
    """
    match = _QUANTITY.fullmatch(text)
    if match is not None:
        number, suffix = match.groups()
        prefix = _plain(suffix).removesuffix(_plain(unit))
        if prefix in _EXPONENTS and len(number) <= 100:
            # One decimal string is rounded once: 100 * 1e-15 would not be 1e-13.
            digits, _, exponent = number.lower().partition("e")
            power = _EXPONENTS[prefix] * (2 if unit == "m2" else 1)  # 1 um2 is 1e-12 m2
            value = float(f"{digits}e{int(exponent or 0) + power}")
            if math.isfinite(value):
                return value
    raise InputError(f"{text!r} is not a number with the unit {unit}, such as 100f{unit} or 1e-13")


def _plain(suffix: str) -> str:
    """A unit with its square written in one way."""
    return suffix.replace("m^2", "m2").replace("m²", "m2")


@dataclass(frozen=True)
class Uncertain:
    """A value that is only known to lie between two others.

    Examples
    --------
    >>> Uncertain(1.0, 0.7, 1.3).low
    0.7
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """As rows show it."""
        return f"{self.value:g} ({self.low:g} to {self.high:g})"


_SPREAD = r"(.*?)(?:±|\+/-|\+-)(.*)"
_PERCENTAGE = r"\s*(\d+\.?\d*|\.\d+)\s*%\s*"


def parse_uncertain(text: str, unit: str) -> float | Uncertain:
    """A quantity, or one with its uncertainty: ``100fJ``, ``100fJ±30%``, ``100fJ±20fJ``.

    The sign may also be written ``+-`` or ``+/-``. No uncertainty may reach below zero.

    Examples
    --------
    >>> parse_uncertain("100fJ", "J")
    1e-13
    >>> parse_uncertain("2V+-10%", "V")
    Uncertain(value=2.0, low=1.8, high=2.2)
    """
    match = re.fullmatch(_SPREAD, text, re.DOTALL)
    if match is None:
        return parse_quantity(text, unit)
    nominal = match[1]
    share = re.fullmatch(_PERCENTAGE, match[2])
    first, last = _QUANTITY.fullmatch(nominal), _QUANTITY.fullmatch(match[2])
    if share is None and first is not None and last is not None and not first[2]:
        nominal += last[2]  # a unit that is given once, at the end, is that of both
    value = parse_quantity(nominal, unit)
    spread = abs(value) * float(share[1]) / 100 if share else parse_quantity(match[2], unit)
    # What is a round number in decimal stays one.
    low, high = (float(f"{end:.15g}") for end in (value - spread, value + spread))
    low, high = min(low, value), max(high, value)
    if spread < 0 or (low < 0 <= value) or not math.isfinite(high):
        raise InputError(
            f"{text!r} is not accepted: the spread must be positive and may not reach below zero, "
            f"such as 100f{unit}±30%"
        )
    return Uncertain(value, low, high)


def engineering(value: float, unit: str, digits: int = 4) -> str:
    """A value with an engineering prefix, to some significant digits.

    Examples
    --------
    >>> engineering(1.601024e-12, "J"), engineering(0.0, "J"), engineering(9.9999e-10, "J")
    ('1.601 pJ', '0 J', '1.000 nJ')
    """
    if math.isinf(value):
        return f"{value:.0f}"
    if value == 0:
        return f"0 {unit}"
    if unit.startswith("dB"):  # of which nobody says milli
        return f"{value:.{digits}g} {unit}"
    rounded = float(f"{value:.{digits - 1}e}")
    exponent = math.floor(math.log10(abs(rounded)) / 3 + 1e-9) * 3
    if exponent not in _PREFIXES:
        return f"{value:.{digits - 1}e} {unit}"
    scaled = rounded / 10.0**exponent
    whole = len(str(int(abs(scaled))))
    return f"{scaled:.{max(0, digits - whole)}f} {_PREFIXES[exponent]}{unit}"


def exact_quantity(value: float, unit: str) -> str:
    """A finite value with an engineering prefix and all of its digits: `parse_quantity` undoes it.

    Examples
    --------
    >>> exact_quantity(5e-06, "m2"), exact_quantity(0.003, "W"), exact_quantity(1.25e9, "Hz")
    ('5mm2', '3mW', '1.25GHz')
    >>> exact_quantity(5.25e-06, "m2"), exact_quantity(1e-5 / 3, "W"), exact_quantity(0.0, "J")
    ('5.25mm2', '3.3333333333333337uW', '0J')
    """
    digits = Decimal(repr(float(value)))
    squared = 2 if unit == "m2" else 1
    exponent = 0 if not digits else math.floor(digits.adjusted() / (3 * squared)) * 3
    if exponent not in _PREFIXES:
        return f"{value!r}{unit}"
    scaled = digits.scaleb(-exponent * squared)
    text = f"{scaled:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{text}{_PREFIXES[exponent]}{unit}"
