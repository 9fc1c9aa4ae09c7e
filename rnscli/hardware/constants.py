"""Constants of hardware models, which a user may change or state as ranges."""

from collections.abc import Mapping
from dataclasses import dataclass

from rnscli.base import Column, Option, Quantities, check_float, in_words, prefixed


@dataclass(frozen=True)
class Constant:
    """A constant of a model.

    Parameters
    ----------
    unit
        Its unit.
    low, high
        Values that are accepted, in this unit.
    wanted
        These in words.
    example
        One of them, with a prefix.
    meaning
        What it is, in a line.
    default
        Its value if none is given, in words; the example if empty.
    owner
        A word before its name in rows, which have results of the same name.
    """

    unit: str
    low: float
    high: float
    wanted: str
    example: str
    meaning: str
    default: str = ""
    owner: str = ""

    def key(self, name: str) -> str:
        """Key of the constant in rows: its name and unit."""
        return f"{self.owner}{name}_{self.unit.lower().replace('/', '_per_')}"

    def column(self, name: str) -> Column:
        """The column of rows that the constant is in."""
        text = f"{self.meaning[:-1]}, in {self.unit}."
        return Column(text, in_words(name), prefixed(self.unit), key=self.key(name))

    def option(self, name: str) -> Option:
        """The option that changes it."""
        values = Quantities(self.low, self.high, self.wanted, self.unit, self.example, True)
        return Option(values, self.meaning, usual=self.default or self.example, name=name)


def check_constants(model: object, constants: Mapping[str, Constant]) -> None:
    """Refuse constants of a frozen model that are out of range, and make them floats.

    Raises
    ------
    InputError
        If one is.
    """
    for name, known in constants.items():
        value = check_float(name, getattr(model, name), known.low, known.high, known.wanted)
        object.__setattr__(model, name, value)


NODE = Constant(
    "m", 1e-9, 1e-4, "a length from 1 nm to 100 um", "14nm", "Technology node of ADCs and logic.",
    "the technology's",
)  # fmt: skip


def check_node(value: object, name: str = "node") -> float:
    """A technology node in m.

    Raises
    ------
    InputError
        If it is not between 1 nm and 100 um.
    """
    return check_float(name, value, NODE.low, NODE.high, NODE.wanted)
