from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from rnscli.base import Option, WholeNumbers
from rnscli.core.noise.law import Adc, NoiseLaw

if TYPE_CHECKING:
    import numpy as np

    from rnscli.core.arithmetic import FloatArray, IntArray


@dataclass(frozen=True)
class Upwards(NoiseLaw):
    """With probability p, ``steps`` more."""

    name: ClassVar[str] = "upwards"
    summary: ClassVar[str] = "some steps more"
    level: ClassVar[str] = "p"
    equiprobable: ClassVar[bool] = False
    constants: ClassVar[Mapping[str, Option]] = {
        "steps": Option(WholeNumbers(1, 8), "upwards: steps more.")
    }

    p: float
    steps: int = 1

    @classmethod
    def of_level(
        cls, level: str, value: float, modulus: int, constants: Mapping[str, float]
    ) -> Self:
        from rnscli.core.noise import Gaussian

        p = value if level == "p" else Gaussian(value).error_probability(modulus)
        return cls(p, int(constants["steps"]))

    @property
    def standard_deviation(self) -> None:
        return None

    def error_probability(self, modulus: int) -> float:
        del modulus
        return self.p

    def error_distribution(self, modulus: int) -> FloatArray:
        import numpy as np

        chances = np.zeros(modulus)
        chances[0] = 1.0 - self.p
        chances[self.steps] = self.p
        return chances

    def draw_errors(self, rng: np.random.Generator, modulus: int, size: int) -> IntArray:
        import numpy as np

        del rng, modulus
        return np.full(size, self.steps, dtype=np.int64)

    def convert(
        self,
        rng: np.random.Generator,
        codes: IntArray,
        remainders: FloatArray | float,
        adc: Adc,
    ) -> IntArray:
        import numpy as np

        del remainders
        return np.clip(codes + self.steps * (rng.random(codes.shape) < self.p), adc.low, adc.high)

    def changed(
        self, codes: IntArray | FloatArray, remainders: FloatArray | float, adc: Adc
    ) -> float:
        del codes, remainders, adc
        return self.p
