"""Any wrong value alike: the law of the published curves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from rnscli.base import Option
from rnscli.core.noise.law import MAX_TABLED_MODULUS, Adc, NoiseLaw, NoiseOptions, check_modulus

if TYPE_CHECKING:
    import numpy as np

    from rnscli.core.arithmetic import FloatArray, IntArray
    from rnscli.core.noise.levels import Levels


@dataclass(frozen=True)
class Uniform(NoiseLaw):
    """Each residue is wrong with probability p, and then uniform over the m - 1 wrong values.

    A conventional ADC returns, with probability p, another of its codes, chosen uniformly.

    Examples
    --------
    >>> Uniform(1e-3).error_probability(63)
    0.001
    """

    name: ClassVar[str] = "uniform"
    summary: ClassVar[str] = "any wrong value alike"
    level: ClassVar[str] = "p"
    equiprobable: ClassVar[bool] = True
    constants: ClassVar[Mapping[str, Option]] = {}

    p: float

    def __post_init__(self) -> None:
        """Refuse what is not a probability."""
        object.__setattr__(self, "p", NoiseOptions.p.check(self.p))

    @classmethod
    def of_level(
        cls, level: str, value: float, modulus: int, constants: Mapping[str, float]
    ) -> Self:
        from rnscli.core.noise.gaussian import Gaussian

        del constants
        return cls(value if level == "p" else Gaussian(value).error_probability(modulus))

    @property
    def standard_deviation(self) -> None:
        return None

    def error_probability(self, modulus: int) -> float:
        """The parameter p."""
        del modulus
        return self.p

    def error_distribution(self, modulus: int) -> FloatArray:
        """``1 - p``, then ``p / (m - 1)`` for every other value."""
        import numpy as np

        check_modulus(modulus, MAX_TABLED_MODULUS)
        chances = np.full(modulus, self.p / (modulus - 1))
        chances[0] = 1.0 - self.p
        return chances

    def draw_errors(self, rng: np.random.Generator, modulus: int, size: int) -> IntArray:
        """Uniform over ``[1, m)``."""
        return rng.integers(1, modulus, size=size)

    def convert(
        self,
        rng: np.random.Generator,
        codes: IntArray,
        remainders: FloatArray | float,
        adc: Adc,
    ) -> IntArray:
        """Clip, and replace a share p of the codes."""
        import numpy as np

        from rnscli.core.noise.draws import draw_positions

        del remainders
        codes = np.clip(codes, adc.low, adc.high)
        hit = draw_positions(rng, self.p, codes.size)
        # A nonzero distance round the circle of codes is uniform over the other codes.
        width = adc.high - adc.low + 1
        distance = rng.integers(1, width, size=hit.size)
        codes[hit] = (codes[hit] - adc.low + distance) % width + adc.low
        return codes

    def changed(
        self, codes: IntArray | FloatArray, remainders: FloatArray | float, adc: Adc
    ) -> FloatArray | float:
        """The parameter p, whatever is read."""
        return self.p

    def square_of(self, adc: Adc, levels: Levels) -> float:
        """Of W codes about 0 the mean square is ``(W^2 + 2) / 12``."""
        width = float(adc.high - adc.low + 1)
        others = (width**2 + 2) / 12 + levels.deviation**2 - levels.square(adc)
        return self.p * width / (width - 1) * others
