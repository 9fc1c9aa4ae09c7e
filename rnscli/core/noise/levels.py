"""How far off an ADC is, on average, with noise and without."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rnscli.core.arithmetic import FloatArray
    from rnscli.core.noise.law import Adc

_SPREAD = 2.0  # steps, of levels whose remainders are all alike to the last digit
_REACH = 39  # standard deviations, beyond which a double has no smaller probability


@dataclass(frozen=True)
class Levels:
    """Normal levels about the middle of an ADC.

    Parameters
    ----------
    deviation
        Their standard deviation, in steps of the ADC.
    whole
        Whether they are whole numbers, and not rounded to codes.
    """

    deviation: float
    whole: bool = False

    @property
    def grid(self) -> tuple[FloatArray, FloatArray]:
        """Levels, and their weights."""
        import numpy as np

        if not self.deviation:
            return np.zeros(1), np.ones(1)
        places = np.linspace(-8, 8, 801)
        density = np.exp(-(places**2) / 2)
        found: FloatArray = places * self.deviation
        return found, density / density.sum()

    def square(self, adc: Adc) -> float:
        """Mean square of what is lost of them in codes of an ADC: rounded away, and clipped.

        Examples
        --------
        >>> from rnscli.core.noise import Adc
        >>> round(12 * Levels(10.0).square(Adc(-128, 127, 1.0)), 6)
        1.0
        """
        import numpy as np

        levels, weights = self.grid
        lost = np.clip(levels, adc.low, adc.high) - levels
        clipped = float(weights @ lost**2)
        if self.whole:
            return clipped
        if self.deviation > _SPREAD:
            return clipped + 1 / 12
        codes = np.clip(np.rint(levels), adc.low, adc.high)
        return float(weights @ (codes - levels) ** 2)

    def noisy_square(self, adc: Adc, sigma: float) -> float:
        """The same with normal noise that is added to them before.

        In an ADC that clips nothing a level of many steps is off by ``1/12 + sigma^2``, and a
        whole number by rounded noise.
        """
        from scipy.special import ndtr

        if not sigma:
            return self.square(adc)
        levels, weights = self.grid
        if not self.whole and self.deviation <= _SPREAD:
            return float(weights @ _about(levels, adc, sigma))
        low, high = (adc.low - levels) / sigma, (adc.high - levels) / sigma
        inside = ndtr(high) - ndtr(low) - high * _density(high) + low * _density(low)
        off = sigma**2 * (inside + low**2 * ndtr(low) + high**2 * ndtr(-high))
        found = float(weights @ off)
        return found * rounded_square(sigma) / sigma**2 if self.whole else found + 1 / 12


def rounded_square(sigma: float) -> float:
    """Mean square of normal noise that is rounded to whole numbers.

    Examples
    --------
    >>> round(rounded_square(0.2), 6), round(rounded_square(3.0), 6)
    (0.012419, 9.083333)
    """
    if sigma > _SPREAD:
        return sigma**2 + 1 / 12
    import numpy as np
    from scipy.special import ndtr

    if not sigma:
        return 0.0
    sizes = np.arange(1, math.ceil(_REACH * sigma) + 2, dtype=np.float64)
    chances = ndtr((0.5 - sizes) / sigma) - ndtr((-0.5 - sizes) / sigma)
    return float(2 * chances @ sizes**2)


def _density(places: FloatArray) -> FloatArray:
    import numpy as np

    found: FloatArray = np.exp(-(places**2) / 2) / math.sqrt(2 * math.pi)
    return found


def _about(levels: FloatArray, adc: Adc, sigma: float) -> FloatArray:
    """Mean square of how far the codes of noisy levels are from each of them."""
    import numpy as np
    from scipy.special import ndtr

    reach = math.ceil(_REACH * sigma + float(np.abs(levels).max())) + 1
    low, high = max(-reach, adc.low), min(reach, adc.high)
    found: FloatArray = np.zeros(levels.size)
    for code in range(low, high + 1):
        below = (code - 0.5 - levels) / sigma if code > adc.low else np.full(levels.size, -np.inf)
        above = (code + 0.5 - levels) / sigma if code < adc.high else np.full(levels.size, np.inf)
        tail = below > 0  # where differences of the other side keep their digits
        chance = np.where(tail, ndtr(-below) - ndtr(-above), ndtr(above) - ndtr(below))
        found += chance * (code - levels) ** 2
    return found
