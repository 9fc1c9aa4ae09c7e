"""Normal noise on a residue, which wraps: an analog modulo is a phase."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, Self

from rnscli.base import InputError, Numbers, Option
from rnscli.core.noise.law import MAX_TABLED_MODULUS, Adc, NoiseLaw, NoiseOptions, check_modulus

if TYPE_CHECKING:
    import numpy as np

    from rnscli.core.arithmetic import FloatArray, IntArray
    from rnscli.core.noise.draws import ErrorTable
    from rnscli.core.noise.levels import Levels

MAX_GAUSSIAN_MODULUS = 2**31
_REACH = 39  # standard deviations, beyond which a double has no smaller probability
MAX_PROBABILITY = 0.999  # for which a sigma is looked up
_MAX_MIXTURE = 2**23  # probabilities of errors given static parts, in each half of these


@dataclass(frozen=True)
class Gaussian(NoiseLaw):
    """The residue plus N(0, sigma^2) in residue steps, rounded, and wrapped at m.

    Analog modulo is a phase, so an error past either end of ``[0, m)`` comes in at the other.
    A conventional ADC sees noise of the same fraction of its full scale before it rounds.

    The noise is a sum of two: one of variance ``static_share sigma^2``, which is drawn once for a
    residue (as programming and mismatch are) and meets every attempt again, and a fresh one.

    Examples
    --------
    >>> round(Gaussian(0.2).error_probability(63), 6)
    0.012419
    """

    name: ClassVar[str] = "gaussian"
    summary: ClassVar[str] = "normal noise, rounded and wrapped"
    level: ClassVar[str] = "sigma"
    equiprobable: ClassVar[bool] = False
    constants: ClassVar[Mapping[str, Option]] = {
        "static_share": Option(
            Numbers(0.0, 1.0, "a share from 0 to 1"),
            "gaussian: share of the variance that is drawn once for a chip, as by programming and "
            "mismatch, and meets every attempt again.",
        )
    }

    sigma: float
    static_share: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what is not a standard deviation, or no share."""
        object.__setattr__(self, "sigma", NoiseOptions.sigma.check(self.sigma))
        share = self.constants["static_share"].values.check("static_share", self.static_share)
        object.__setattr__(self, "static_share", share)

    @classmethod
    def of_level(
        cls, level: str, value: float, modulus: int, constants: Mapping[str, float]
    ) -> Self:
        """A probability is that of leaving half a step, and not by a multiple of m."""
        share = constants.get("static_share", 0.0)
        if level == "sigma":
            return cls(value, share)
        from scipy.special import ndtri

        if value > MAX_PROBABILITY:
            raise InputError(
                f"`p` is {value:g}; Gaussian noise reaches an error probability of up to "
                f"{MAX_PROBABILITY:g}"
            )
        law = cls(float(-0.5 / ndtri(value / 2)) if value else 0.0, share)
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
        sigma = brentq(lacking, law.sigma * (1 - 1e-9), modulus, xtol=1e-15, rtol=1e-14)
        return cls(sigma, share)

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
        """The fresh part of the noise is added before they are rounded."""
        import numpy as np

        _, fresh = self._parts
        noisy = levels + fresh * rng.standard_normal(levels.shape)
        found: IntArray = np.rint(noisy).astype(np.int64) % modulus
        return found

    def static_levels(self, rng: np.random.Generator, size: int) -> FloatArray | float:
        static, _ = self._parts
        return static * rng.standard_normal(size) if static else 0.0

    @property
    def has_static_errors(self) -> bool:
        return self.sigma > 0 and self.static_share > 0

    @property
    def is_static(self) -> bool:
        return not self.sigma or self.static_share == 1

    def static_mixture(self, modulus: int, attempts: int) -> tuple[FloatArray, FloatArray]:
        """By the trapezoidal rule over the static part, which for such integrands converges as
        ``exp(-2 pi^2 w^2 / h^2)`` in the step h, w being the width of their narrowest feature.
        """
        import numpy as np
        from scipy.special import ndtr

        if not self.has_static_errors:
            return super().static_mixture(modulus, attempts)
        if self.static_share == 1:  # the static part is the error
            return self.error_distribution(modulus), np.eye(modulus)
        static, fresh = self._parts
        step = 0.6 / math.hypot(1 / static, math.sqrt(attempts) / fresh)
        # Beyond that, errors are far less likely than those that they are congruent to.
        farthest = modulus // 2 + 1 + math.ceil(9 * self.sigma)
        reach = min(_REACH * static, farthest + 10 * static)
        count, errors = math.ceil(reach / step), np.arange(-farthest, farthest + 1)
        if count * errors.size > _MAX_MIXTURE:
            raise InputError(
                f"`static_share` is {self.static_share:g}, which with `sigma` {self.sigma:g} and "
                f"modulus {modulus} takes too many values to average over; give 1, or a smaller "
                "one"
            )
        offsets = np.arange(-count, count + 1) * step
        weights: FloatArray = np.exp(-0.5 * (offsets / static) ** 2)
        weights *= step / (static * math.sqrt(2 * math.pi))
        given: FloatArray = np.zeros((offsets.size, modulus))
        for error in errors.tolist():
            distance = np.abs(error - offsets)
            low, high = ndtr((-0.5 - distance) / fresh), ndtr((0.5 - distance) / fresh)
            given[:, error % modulus] += high - low
        return weights, given

    @property
    def _parts(self) -> tuple[float, float]:
        """Standard deviations of the static and of the fresh part."""
        share = self.static_share
        return self.sigma * math.sqrt(share), self.sigma * math.sqrt(1 - share)

    def draw_static(self, rng: np.random.Generator, modulus: int, errors: IntArray) -> FloatArray:
        """The sum of both parts, given what it is rounded to, and then the static part of it."""
        import numpy as np

        if not self.has_static_errors:
            return super().draw_static(rng, modulus, errors)
        total = np.empty(errors.shape)
        for error in np.unique(errors).tolist():
            place = np.flatnonzero(errors == error)
            total[place] = self._drawn_to(rng, modulus, error, place.size)
        share = self.static_share
        spread = self.sigma * math.sqrt(share * (1 - share))
        return share * total + spread * rng.standard_normal(errors.shape)

    def _drawn_to(
        self, rng: np.random.Generator, modulus: int, error: int, size: int
    ) -> FloatArray:
        """Noise, given that it is rounded to an error, or to what is congruent to it."""
        import numpy as np
        from scipy.special import ndtr, ndtri

        reach = math.ceil(_REACH * self.sigma) + modulus
        every = np.arange(error - (reach + error) // modulus * modulus, reach + 1, modulus)
        far = ndtr((-0.5 - np.abs(every)) / self.sigma)
        chances = ndtr((0.5 - np.abs(every)) / self.sigma) - far
        picked = rng.choice(every.size, size=size, p=chances / chances.sum())
        tail = far[picked] + rng.random(size) * chances[picked]
        away: FloatArray = -self.sigma * ndtri(np.maximum(tail, 1e-308))
        return np.where(every[picked] < 0, -away, away)

    def draw_again(self, rng: np.random.Generator, modulus: int, static: FloatArray) -> IntArray:
        """The static part with fresh noise, rounded and wrapped."""
        import numpy as np

        if not self.has_static_errors:
            return super().draw_again(rng, modulus, static)
        _, fresh = self._parts
        noisy = np.rint(static + fresh * rng.standard_normal(static.shape))
        errors: IntArray = noisy.astype(np.int64) % modulus
        return errors

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

    def square_of(self, adc: Adc, levels: Levels) -> float:
        sigma = self.sigma * adc.full_scale_ratio
        return levels.noisy_square(adc, sigma) - levels.square(adc)


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
