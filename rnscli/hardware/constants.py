"""Constants of hardware models, which a user may change or state as ranges."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from rnscli.base import Column, Option, OptionGroup, Quantities, check_float, in_words, prefixed


@dataclass(frozen=True, eq=False)
class Constant:
    """A constant of a model, of which its option and its column in rows are made."""

    unit: str
    low: float  # the least and the largest value that are accepted, in this unit
    high: float
    wanted: str  # these in words
    example: str  # one of them, with a prefix
    meaning: str  # what it is, in a line
    default: str = ""  # its value if none is given, in words; the example if empty
    owner: str = ""  # a word before its name in rows, which have results of the same name

    @classmethod
    def of_unit(cls, unit: str, name: str, value: float) -> "Constant":
        """A constant of a profile, of which no more is known than what it is measured in."""
        # A loss that were a gain would leave more light with every row.
        low = -1e6 if unit.startswith("dB") and value < 0 else 0.0
        wanted = f"a number{'' if unit == '1' else f' in {unit}'} of at least {low:g}"
        example = f"{value:g}{unit}" if unit != "1" else f"{value:g}"
        return cls(unit, low, 1e30, wanted, example, f"{in_words(name).capitalize()}.")

    def key(self, name: str) -> str:
        """Key of the constant in rows: its name and unit."""
        return f"{self.owner}{name}_{self.unit.lower().replace('/', '_per_')}"

    def column(self, name: str) -> Column:
        text = f"{self.meaning[:-1]}, in {self.unit}."
        return Column(text, in_words(name), prefixed(self.unit), key=self.key(name))

    def option(self, name: str) -> Option:
        values = Quantities(self.low, self.high, self.wanted, self.unit, self.example, True)
        return Option(
            values,
            self.meaning,
            usual=self.default or self.example,
            name=name,
            group=OptionGroup.CONSTANTS,
        )


def check_constants(model: object, constants: Mapping[str, Constant]) -> None:
    """Refuse constants of a frozen model that are out of range, and make them floats."""
    for name, known in constants.items():
        value = check_float(name, getattr(model, name), known.low, known.high, known.wanted)
        object.__setattr__(model, name, value)


NODE = Constant(
    "m", 1e-9, 1e-4, "a length from 1 nm to 100 um", "14nm", "Technology node of ADCs and logic.",
    "the technology's",
)  # fmt: skip
# Known to every technology: what the prices of its surroundings, which are the same for all, are
# multiplied by. Their published spread is with the prices.
LOGIC_FACTOR, MEMORY_FACTOR = "logic_energy_factor", "memory_energy_factor"
_FACTOR = Constant("1", 0.0, 1e3, "a number from 0 to 1000", "1", "")
FACTORS = {
    LOGIC_FACTOR: replace(_FACTOR, meaning="Factor of the energies of digital operations."),
    MEMORY_FACTOR: replace(_FACTOR, meaning="Factor of the energy of the memory of operands."),
}
# Constants that profiles have, and for which there are options.
KNOWN = {
    "node": NODE,
    "laser_power": Constant(
        "W", 0.0, 1e3, "a power from 0 to 1 kW", "10mW",
        "Light that the laser of one column and channel gives.", "the technology's",
    ),
    "rate": Constant(
        "Hz", 1.0, 1e12, "a rate from 1 Hz to 1 THz", "5GHz",
        "Vectors that a photonic array takes in a second.", "the technology's",
    ),
}  # fmt: skip
