"""Normal noise on a residue, which wraps: an analog modulo is a phase."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, Self

from rnscli.base import InputError, Option
from rnscli.core.noise.law import MAX_TABLED_MODULUS, Adc, NoiseLaw, NoiseOptions, check_modulus

if TYPE_CHECKING:
    import numpy as np

    from rnscli.core.arithmetic import FloatArray, IntArray
    from rnscli.core.noise.draws import ErrorTable

MAX_GAUSSIAN_MODULUS = 2**31
_REACH = 39  # standard deviations, beyond which a double has no smaller probability
MAX_PROBABILITY = 0.999  # for which a sigma is looked up


@dataclass(frozen=True)
class Gaussian(NoiseLaw):
    """The residue plus N(0, sigma^2) in residue steps, rounded, and wrapped at m.

    Analog modulo is a phase, so an error past either end of ``[0, m)`` comes in at the other.
    A conventional ADC sees noise of the same fraction of its full scale before it rounds.

    Examples
    --------
    >>> round(Gaussian(0.2).error_probability(63), 6)
    0.012419
    """

    name: ClassVar[str] = "gaussian"
    summary: ClassVar[str] = "normal noise, rounded and wrapped"
    level: ClassVar[str] = "sigma"
    equiprobable: ClassVar[bool] = False
    constants: ClassVar[Mapping[str, Option]] = {}

    sigma: float

    def __post_init__(self) -> None:
        """Refuse what is not a standard deviation."""
        object.__setattr__(self, "sigma", NoiseOptions.sigma.check(self.sigma))

    @classmethod
    def of_level(
        cls, level: str, value: float, modulus: int, constants: Mapping[str, float]
    ) -> Self:
        """A probability is that of leaving half a step, and not by a multiple of m."""
        del constants
        if level == "sigma":
            return cls(value)
        from scipy.special import ndtri

        if value > MAX_PROBABILITY:
            raise InputError(
                f"`p` is {value:g}; Gaussian noise reaches an error probability of up to "
                f"{MAX_PROBABILITY:g}"
            )
        law = cls(float(-0.5 / ndtri(value / 2)) if value else 0.0)
        if math.ceil(_REACH * law.sigma) < modulus:
            return law  # which no noise wraps round

        def lacking(sigma: float) -> float:
            return cls(sigma).error_probability(modulus) - value

        if abs(lacking(law.sigma)) <= 1e-12 * value:  # or too seldom to tell
            return law
        from scipy.optimize import brentq

        # With as many steps as there are residues, all of these are alike.
        if lacking(modulus) < 0:
            raise InputError(
                f"`p` is {value:g}; Gaussian noise makes a residue modulo {modulus} wrong with a "
                f"probability below {1 - 1 / modulus:.4g}"
            )
        return cls(brentq(lacking, law.sigma * (1 - 1e-9), modulus, xtol=1e-15, rtol=1e-14))

    @property
    def standard_deviation(self) -> float:
        return self.sigma

    def error_probability(self, modulus: int) -> float:
        """``1 - P(0)``, summed over the wrong values so that small ones keep their precision."""
        return _gaussian_errors(self.sigma, modulus).probability

    def error_distribution(self, modulus: int) -> FloatArray:
        """Differences of the normal distribution function, wrapped at m."""
        import numpy as np

        check_modulus(modulus, MAX_TABLED_MODULUS)
        table = _gaussian_errors(self.sigma, modulus)
        chances: FloatArray = np.zeros(modulus)
        np.add.at(chances, table.errors, table.weights)
        chances[0] = 1.0 - table.probability
        return chances

    def draw_errors(self, rng: np.random.Generator, modulus: int, size: int) -> IntArray:
        """Rounded, wrapped noise, given that it is not a multiple of m."""
        return _gaussian_errors(self.sigma, modulus).draw(rng, size)

    def residues(self, rng: np.random.Generator, levels: FloatArray, modulus: int) -> IntArray:
        """The noise is added before they are rounded."""
        import numpy as np

        noisy = levels + self.sigma * rng.standard_normal(levels.shape)
        found: IntArray = np.rint(noisy).astype(np.int64) % modulus
        return found

    def convert(
        self,
        rng: np.random.Generator,
        codes: IntArray,
        remainders: FloatArray | float,
        adc: Adc,
    ) -> IntArray:
        """Add the noise, round, clip."""
        import numpy as np

        if self.sigma:
            noise = rng.standard_normal(codes.shape) * (self.sigma * adc.full_scale_ratio)
            # Noise beyond this leads out of the converter's range from any code.
            reach = float(adc.high - adc.low)
            codes = codes + np.rint(np.clip(noise + remainders, -reach, reach)).astype(np.int64)
        return np.clip(codes, adc.low, adc.high)

    def changed(
        self, codes: IntArray | FloatArray, remainders: FloatArray | float, adc: Adc
    ) -> FloatArray | float:
        """With r the remainders and s the noise, both in steps of this ADC,
        ``Phi((-1/2 - r) / s) + Phi((r - 1/2) / s)``; no code beyond the range is returned.
        """
        import numpy as np
        from scipy.special import ndtr

        sigma = self.sigma * adc.full_scale_ratio
        if not sigma:
            return 0.0
        below = ndtr((-0.5 - remainders) / sigma)
        above = ndtr((remainders - 0.5) / sigma)
        changed: FloatArray = np.where(codes > adc.low, below, 0.0)
        changed += np.where(codes < adc.high, above, 0.0)
        return changed


@lru_cache(maxsize=64)
def _gaussian_errors(sigma: float, modulus: int) -> ErrorTable:
    """Errors modulo m that rounded noise makes.

    The weights are differences of the normal distribution function, taken in the lower tail: there
    they keep their relative precision down to the smallest double.
    """
    import numpy as np
    from scipy.special import ndtr

    from rnscli.core.noise.draws import ErrorTable

    check_modulus(modulus, MAX_GAUSSIAN_MODULUS)
    if not sigma:
        return ErrorTable.of(np.empty(0, dtype=np.int64), np.empty(0))
    reach = math.ceil(_REACH * sigma) + 1
    size = np.arange(1, reach + 1)
    with np.errstate(over="ignore"):  # of a tiny sigma; the tail beyond is 0 all the same
        tails = ndtr(-(np.arange(reach + 1) + 0.5) / sigma)
    weight = tails[:-1] - tails[1:]
    wrong = size % modulus != 0
    size, weight = size[wrong], weight[wrong]
    return ErrorTable.of(np.concatenate((size, -size)) % modulus, np.concatenate((weight, weight)))
