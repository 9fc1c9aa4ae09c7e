"""The interface of every model of analog-to-digital converters, and what such models share."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Self

from rnscli.hardware.constants import Constant, check_constants, check_node


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


@dataclass(frozen=True)
class SurveyedAdc(AdcModel):
    """What models share that have an energy of their own and the area of the survey.

    ``bits_range`` and ``rate_range`` are the resolutions and rates that a model was made for.
    """

    node: float = field(default=45e-9, kw_only=True)

    takes_table: ClassVar[bool] = False
    bits_range: ClassVar[tuple[float, float]]
    rate_range: ClassVar[tuple[float, float]]

    def __post_init__(self) -> None:
        check_constants(self, self.constants)
        check_node(self.node)

    @classmethod
    def made(cls, table: Path | None) -> Self:
        del table
        return cls()

    def area(self, bits: float, rate: float) -> float:
        """Area of a converter in m^2: the survey's for this energy."""
        return regressed_area(self.energy(bits, rate), rate, self.node)

    def outside(self, bits: float, rate: float) -> str | None:
        low, high = self.bits_range
        if not low <= bits <= high:
            return f"`adc_model` {self.name} holds from {low:g} to {high:g} bits, not for {bits:g}"
        slow, fast = self.rate_range
        if not slow <= rate <= fast:
            return (
                f"`adc_model` {self.name} holds from {slow:g} to {fast:g} Hz, not for {rate:g} Hz"
            )
        return None

    def at_node(self, node: float) -> Self:
        return replace(self, node=node)


def corner(meaning: str, example: str) -> Constant:
    """A constant for the rate from which on the energy of a conversion rises."""
    return Constant("Hz", 1.0, 1e12, "a rate from 1 Hz to 1 THz", example, meaning)


def sndr_db(bits: float) -> float:
    """Signal to noise and distortion of an ideal converter, ``6.02 ENOB + 1.76`` dB.

    Examples
    --------
    >>> sndr_db(8)
    49.919999999999995
    """
    return 6.02 * bits + 1.76


def schreier_energy(sndr: float, figure_of_merit: float) -> float:
    """Energy of a conversion in J from a Schreier figure of merit in dB.

    The figure is ``SNDR + 10 log10(f / (2 P))``, so that ``P / f = 10^((SNDR - F) / 10) / 2``.
    """
    return float(10.0 ** ((sndr - figure_of_merit) / 10) / 2)


def regressed_area(energy: float, rate: float, node: float) -> float:
    """Area of an ADC in m^2, by the regression published with the Accelergy ADC plug-in.

    ``area / um^2 = exp(1.34619 + 0.99328 ln(node / nm) + 0.18072 ln(f / Hz) +
    0.29912 ln(energy / pJ))``, fitted to Murmann's ADC survey 1997-2023. It takes the energy as an
    argument, and so gives an area to every model of energies.

    Parameters
    ----------
    energy, rate, node
        Energy of a conversion in J, rate in Hz, technology node in m.

    References
    ----------
    Andrulis, Chen, Lee, Emer and Sze, "Modeling analog-digital-converter energy and area for
    compute-in-memory accelerator design", arXiv:2404.06553.

    Examples
    --------
    >>> f"{regressed_area(1.711e-12, 1e9, 32e-9):.2e} m^2"
    '5.97e-09 m^2'
    """
    if not energy:
        return 0.0
    return 1e-12 * math.exp(
        1.34619
        + 0.99328 * math.log(node * 1e9)
        + 0.18072 * math.log(rate)
        + 0.29912 * math.log(energy * 1e12)
    )
