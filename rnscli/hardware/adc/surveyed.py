"""Models of the energy of ADCs, whose area is that of Murmann's survey for this energy."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Self

from rnscli.hardware.adc import AdcModel
from rnscli.hardware.adc.survey import FASTEST, MOST_BITS, unpublished
from rnscli.hardware.constants import NODE, Constant, check_constants


@dataclass(frozen=True)
class SurveyedAdc(AdcModel):
    """What models share that have an energy of their own and the area of the survey.

    ``bits_range`` and ``rate_range`` are the resolutions and rates that a model was made for; any
    converter may be used slowly. One that is ``fitted`` to the survey holds no further than what
    is published: there are fast ADCs and fine ones, but none that is both.
    """

    node: float = field(default=45e-9, kw_only=True)

    takes_table: ClassVar[bool] = False
    bits_range: ClassVar[tuple[float, float]]
    rate_range: ClassVar[tuple[float, float]]
    fitted: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_constants(self, {**self.constants, "node": NODE})

    @classmethod
    def made(cls, table: Path | None) -> Self:
        return cls()

    def area(self, bits: float, rate: float) -> float:
        # What the regression has for this energy.
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
        beyond = unpublished(bits, rate) if self.fitted else None
        if beyond is not None:
            return (
                f"`adc_model` {self.name} does not hold for {bits:g} bits at {rate:g} Hz: {beyond}"
            )
        return None

    def at_node(self, node: float) -> Self:
        return replace(self, node=node)


def regressed_area(energy: float, rate: float, node: float) -> float:
    """Area of an ADC in m^2, by the regression published with the Accelergy ADC plug-in.

    ``area / um^2 = exp(1.34619 + 0.99328 ln(node / nm) + 0.18072 ln(f / Hz) +
    0.29912 ln(energy / pJ))``, fitted to Murmann's ADC survey 1997-2023. It takes the energy as an
    argument, and so gives an area to every model of energies.

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


@dataclass(frozen=True)
class MurmannAdc(SurveyedAdc):
    """``k1 ENOB + k2 4^ENOB`` per conversion, at any rate up to 1 GS/s.

    The first term is the digital part, the second is set by thermal noise. The area is that of
    the survey's regression for this energy (`rnscli.hardware.adc.surveyed.regressed_area`).

    Parameters
    ----------
    adc_k1, adc_k2
        Constants in J.
    node
        Technology node in m, for the area.

    Raises
    ------
    InputError
        If a constant is negative, NaN or infinite.

    References
    ----------
    Murmann, "Mixed-signal computing for deep neural network inference", IEEE Trans. VLSI 2021;
    used in arXiv:2309.10759 at 1 GS/s, up to the 22 bits of an exact dot product of 128 terms of 8
    bits. Nothing like that is published: from 13 bits on no converter of the survey of June 2025
    reaches 50 MS/s, and none has 20 bits (`rnscli.hardware.adc.survey`).

    Examples
    --------
    >>> f"{MurmannAdc().energy(6, 1e9):.4e}"
    '6.0410e-13'
    """

    adc_k1: float = 100e-15
    adc_k2: float = 1e-18

    name: ClassVar[str] = "murmann"
    summary: ClassVar[str] = "a digital part and thermal noise: k1 ENOB + k2 4^ENOB"
    # As far as it is used in print, not as far as there are converters, which have 3 to 19.7 bits.
    bits_range: ClassVar[tuple[float, float]] = (1.0, 22.0)
    rate_range: ClassVar[tuple[float, float]] = (1.0, 1e9)
    constants: ClassVar[Mapping[str, Constant]] = {
        "adc_k1": Constant(
            "J", 0.0, 1.0, "an energy from 0 to 1 J", "100fJ",
            "murmann: ADC energy per bit, k1 ENOB + k2 4^ENOB.",
        ),
        "adc_k2": Constant(
            "J", 0.0, 1.0, "an energy from 0 to 1 J", "1aJ",
            "murmann: ADC energy of thermal noise, k1 ENOB + k2 4^ENOB.",
        ),
    }  # fmt: skip

    def energy(self, bits: float, rate: float) -> float:
        return self.adc_k1 * bits + self.adc_k2 * math.pow(4.0, bits)


def _corner(meaning: str, example: str) -> Constant:
    """The rate from which on the energy of a conversion rises."""
    return Constant("Hz", 1.0, 1e12, "a rate from 1 Hz to 1 THz", example, meaning)


def _schreier_energy(bits: float, figure_of_merit: float) -> float:
    """Energy of a conversion in J from a Schreier figure of merit in dB.

    The figure is ``SNDR + 10 log10(f / (2 P))``, so that ``P / f = 10^((SNDR - F) / 10) / 2``; an
    ideal converter has an SNDR, signal to noise and distortion, of ``6.02 ENOB + 1.76`` dB.
    """
    sndr = 6.02 * bits + 1.76
    return float(10.0 ** ((sndr - figure_of_merit) / 10) / 2)


@dataclass(frozen=True)
class WaldenAdc(SurveyedAdc):
    """``F 2^ENOB sqrt(1 + (f / f_c)^2)`` per conversion.

    F is an energy per conversion step, and the root the envelope of Murmann's survey: constant up
    to the corner f_c, then in proportion to the rate. The defaults are those of the revision of
    2025-06-09: F is the mean of the five best converters, f_c is F over the mean of the five least
    F / f. In June 2021 the corner was 442 MHz. Doubling with every bit describes converters whose
    energy goes into comparators and logic; beyond some 12 bits thermal noise makes it four times.

    Parameters
    ----------
    walden_fom
        F in J per conversion step.
    walden_corner
        f_c in Hz.
    node
        Technology node in m, for the area.

    Raises
    ------
    InputError
        If a constant is out of range.

    References
    ----------
    Walden, "Analog-to-digital converter survey and analysis", IEEE J. Sel. Areas Commun. 1999;
    Murmann, "ADC performance survey", https://github.com/bmurmann/ADC-survey, sheet "Jitter and
    FOM lines".

    Examples
    --------
    >>> f"{WaldenAdc(walden_corner=1e12).energy(8, 1e6):.4e}"
    '1.7137e-13'
    """

    walden_fom: float = 0.6694e-15
    walden_corner: float = 1.2211e9

    name: ClassVar[str] = "walden"
    summary: ClassVar[str] = "a figure of merit in joules per conversion step"
    bits_range: ClassVar[tuple[float, float]] = (3.0, 12.0)
    rate_range: ClassVar[tuple[float, float]] = (1.0, FASTEST)
    fitted: ClassVar[bool] = True
    constants: ClassVar[Mapping[str, Constant]] = {
        "walden_fom": Constant(
            "J", 0.0, 1.0, "an energy per conversion step from 0 to 1 J", "0.6694fJ",
            "walden: energy per conversion step.",
        ),
        "walden_corner": _corner("walden: rate above which it rises.", "1.2211GHz"),
    }  # fmt: skip

    def energy(self, bits: float, rate: float) -> float:
        return self.walden_fom * math.pow(2.0, bits) * math.hypot(1.0, rate / self.walden_corner)


@dataclass(frozen=True)
class SchreierAdc(SurveyedAdc):
    """``10^((6.02 ENOB + 1.76 - F(f)) / 10) / 2`` J per conversion.

    ``F(f) = F - 10 log10 sqrt(1 + (f / f_c)^2)`` is the envelope of Murmann's survey, constant up
    to the corner f_c; the defaults are its values of the revision of 2026-08-01, means of the five
    best (2025-06-09: the same F, 51.44 MHz). Four times the energy for every bit describes
    converters that thermal noise limits. Below some 10 bits real converters take more, so there it
    is a lower limit.

    Parameters
    ----------
    schreier_fom
        F in dB.
    schreier_corner
        f_c in Hz.
    node
        Technology node in m, for the area.

    Raises
    ------
    InputError
        If a constant is out of range.

    References
    ----------
    Schreier and Temes, "Understanding Delta-Sigma Data Converters", 2005; Murmann, "ADC
    performance survey", https://github.com/bmurmann/ADC-survey, plots/foms_plot.json.

    Examples
    --------
    >>> f"{SchreierAdc().energy(10, 1e6):.4e}"
    '1.6702e-13'
    """

    schreier_fom: float = 186.723
    schreier_corner: float = 4.6735e7

    name: ClassVar[str] = "schreier"
    summary: ClassVar[str] = "a figure of merit in decibels: the limit of thermal noise"
    bits_range: ClassVar[tuple[float, float]] = (3.0, MOST_BITS)
    rate_range: ClassVar[tuple[float, float]] = (1.0, FASTEST)
    fitted: ClassVar[bool] = True
    constants: ClassVar[Mapping[str, Constant]] = {
        "schreier_fom": Constant(
            "dB", 50.0, 250.0, "a ratio from 50 to 250 dB", "186.723dB",
            "schreier: figure of merit at low rates.",
        ),
        "schreier_corner": _corner("schreier: rate above which it falls.", "46.735MHz"),
    }  # fmt: skip

    def energy(self, bits: float, rate: float) -> float:
        at_low_rates = _schreier_energy(bits, self.schreier_fom)
        return at_low_rates * math.hypot(1.0, rate / self.schreier_corner)


@dataclass(frozen=True)
class SurveyAdc(SurveyedAdc):
    """The regression published with the Accelergy ADC plug-in: the best a designer may hope for.

    The figure of merit is bounded by the rate and by the resolution,
    ``F = min(213.7807 - 2.8719 ln(f / Hz), 128.3068 + 3.22054 ceil(ENOB))`` dB, and the energy in
    pJ is ``10^((6.02 ENOB + 1.76 - F) / 10) / 2 * exp(26.0496 + 1.88004 ln(node / nm) -
    2.82913 ln(ENOB) - 1.47020)``, fitted to Murmann's ADC survey 1997-2023.

    Parameters
    ----------
    node
        Technology node in m.

    Raises
    ------
    InputError
        If it is out of range.

    References
    ----------
    Andrulis, Chen, Lee, Emer and Sze, "Modeling analog-digital-converter energy and area for
    compute-in-memory accelerator design", arXiv:2404.06553.

    Examples
    --------
    >>> model = SurveyAdc(node=32e-9)
    >>> f"{model.energy(8, 1e9) * 1e12:.3f} pJ, {model.area(8, 1e9) * 1e12:.0f} um^2"
    '1.711 pJ, 5970 um^2'
    """

    name: ClassVar[str] = "survey"
    summary: ClassVar[str] = "a regression on Murmann's survey: the best a designer may hope for"
    constants: ClassVar[Mapping[str, Constant]] = {}
    # Below 4 bits the fit falls with resolution; 10 GS/s is the fastest that the plug-in names.
    bits_range: ClassVar[tuple[float, float]] = (4.0, MOST_BITS)
    rate_range: ClassVar[tuple[float, float]] = (1.0, 1e10)
    fitted: ClassVar[bool] = True

    def energy(self, bits: float, rate: float) -> float:
        figure_of_merit = min(
            213.7807 - 2.8719 * math.log(rate), 128.3068 + 3.22054 * math.ceil(bits)
        )
        correction = math.exp(
            26.0496 + 1.88004 * math.log(self.node * 1e9) - 2.82913 * math.log(bits) - 1.47020
        )
        return 1e-12 * _schreier_energy(bits, figure_of_merit) * correction
