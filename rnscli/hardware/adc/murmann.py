"""ADC energy as a digital part and thermal noise, after Murmann."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from rnscli.hardware.adc.model import SurveyedAdc
from rnscli.hardware.constants import Constant


@dataclass(frozen=True)
class MurmannAdc(SurveyedAdc):
    """``k1 ENOB + k2 4^ENOB`` per conversion, at any rate up to 1 GS/s.

    The first term is the digital part, the second is set by thermal noise. The area is that of
    the survey's regression for this energy (`rnscli.hardware.adc.model.regressed_area`).

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
    used in arXiv:2309.10759 up to the 22 bits of an exact 8-bit dot product.

    Examples
    --------
    >>> f"{MurmannAdc().energy(6, 1e9):.4e}"
    '6.0410e-13'
    """

    adc_k1: float = 100e-15
    adc_k2: float = 1e-18

    name: ClassVar[str] = "murmann"
    summary: ClassVar[str] = "a digital part and thermal noise: k1 ENOB + k2 4^ENOB"
    # 4^ENOB overflows a double beyond 511 bits; no converter comes near.
    bits_range: ClassVar[tuple[float, float]] = (1.0, 256.0)
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
        del rate
        return self.adc_k1 * bits + self.adc_k2 * math.pow(4.0, bits)
