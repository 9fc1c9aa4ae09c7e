from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from rnscli.hardware.adc.surveyed import SurveyedAdc
from rnscli.hardware.constants import Constant


@dataclass(frozen=True)
class LinearAdc(SurveyedAdc):
    """``E ENOB`` J per conversion."""

    linear_energy: float = 1e-12

    name: ClassVar[str] = "linear"
    summary: ClassVar[str] = "an energy for each bit"
    bits_range: ClassVar[tuple[float, float]] = (1.0, 20.0)
    rate_range: ClassVar[tuple[float, float]] = (1.0, 1e10)
    constants: ClassVar[Mapping[str, Constant]] = {
        "linear_energy": Constant(
            "J", 0.0, 1.0, "an energy from 0 to 1 J", "1pJ", "linear: energy of a bit."
        )
    }

    def energy(self, bits: float, rate: float) -> float:
        del rate
        return self.linear_energy * bits
