"""ADC energy by Schreier's figure of merit: the limit of thermal noise."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from rnscli.hardware.adc.model import SurveyedAdc, corner, schreier_energy, sndr_db
from rnscli.hardware.constants import Constant


@dataclass(frozen=True)
class SchreierAdc(SurveyedAdc):
    """``10^((6.02 ENOB + 1.76 - F(f)) / 10) / 2`` J per conversion.

    ``F(f) = F - 10 log10 sqrt(1 + (f / f_c)^2)`` is the envelope of Murmann's survey, constant up
    to the corner f_c; the defaults are its values of August 2026, means of the five best. Four
    times the energy for every bit describes converters that thermal noise limits. Below some 10
    bits real converters take more, so there it is a lower limit.

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
    bits_range: ClassVar[tuple[float, float]] = (3.0, 20.0)
    rate_range: ClassVar[tuple[float, float]] = (1.0, 1e11)
    constants: ClassVar[Mapping[str, Constant]] = {
        "schreier_fom": Constant(
            "dB", 50.0, 250.0, "a ratio from 50 to 250 dB", "186.723dB",
            "schreier: figure of merit at low rates.",
        ),
        "schreier_corner": corner("schreier: rate from which on it falls.", "46.735MHz"),
    }  # fmt: skip

    def energy(self, bits: float, rate: float) -> float:
        at_low_rates = schreier_energy(sndr_db(bits), self.schreier_fom)
        return at_low_rates * math.hypot(1.0, rate / self.schreier_corner)
