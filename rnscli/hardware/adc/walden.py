"""ADC energy by Walden's figure of merit."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from rnscli.hardware.adc.model import SurveyedAdc, corner
from rnscli.hardware.constants import Constant


@dataclass(frozen=True)
class WaldenAdc(SurveyedAdc):
    """``F 2^ENOB sqrt(1 + (f / f_c)^2)`` per conversion.

    F is an energy per conversion step, and the root the envelope of Murmann's survey: constant up
    to the corner f_c, then in proportion to the rate. The defaults are the means of the five best
    converters of the survey of June 2021. Doubling with every bit describes converters whose
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
    Murmann, "ADC performance survey", https://github.com/bmurmann/ADC-survey.

    Examples
    --------
    >>> f"{WaldenAdc(walden_corner=1e12).energy(8, 1e6):.4e}"
    '1.7152e-13'
    """

    walden_fom: float = 0.67e-15
    walden_corner: float = 4.42e8

    name: ClassVar[str] = "walden"
    summary: ClassVar[str] = "a figure of merit in joules per conversion step"
    bits_range: ClassVar[tuple[float, float]] = (3.0, 12.0)
    rate_range: ClassVar[tuple[float, float]] = (1.0, 1e11)
    constants: ClassVar[Mapping[str, Constant]] = {
        "walden_fom": Constant(
            "J", 0.0, 1.0, "an energy per conversion step from 0 to 1 J", "0.67fJ",
            "walden: energy per conversion step.",
        ),
        "walden_corner": corner("walden: rate from which on it rises.", "442MHz"),
    }  # fmt: skip

    def energy(self, bits: float, rate: float) -> float:
        return self.walden_fom * math.pow(2.0, bits) * math.hypot(1.0, rate / self.walden_corner)
