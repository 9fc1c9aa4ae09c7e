"""Analog-to-digital converters: what every model of them is. The registry is in `models`."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self

from rnscli.hardware.constants import Constant


class AdcModel(ABC):
    """A model of ADCs, for a resolution in effective bits and a rate in Hz.

    Attributes
    ----------
    name, summary
        Its name, and its line in lists.
    constants
        Arguments that a user may change or state as ranges; each has a default.
    takes_table
        Whether its converters are those of a table of the user.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    constants: ClassVar[Mapping[str, Constant]]
    takes_table: ClassVar[bool]

    @classmethod
    @abstractmethod
    def made(cls, table: Path | None) -> Self:
        """The model with its defaults; ``table`` is given if, and only if, it takes one."""

    @abstractmethod
    def energy(self, bits: float, rate: float) -> float:
        """Energy of a conversion in J."""

    @abstractmethod
    def area(self, bits: float, rate: float) -> float:
        """Area of a converter in m^2."""

    @abstractmethod
    def outside(self, bits: float, rate: float) -> str | None:
        """What of this is outside of the range the model was made for, in words; else None."""

    @abstractmethod
    def at_node(self, node: float) -> Self:
        """The model at a technology node in m."""
