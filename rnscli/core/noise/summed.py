"""A residue that is the sum of several readings, as of a dot product that is cut in segments."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from rnscli.base import check_int
from rnscli.core.noise.law import NoiseLaw, ResidueLaw

if TYPE_CHECKING:
    from rnscli.core.arithmetic import FloatArray


@dataclass(frozen=True)
class Summed(ResidueLaw):
    """The sum modulo m of residues that are read apart, each with errors of one law.

    Readings are independent of each other. What of their errors is static is taken to be the same
    for all of them, which makes further attempts look worse than they are.

    Examples
    --------
    >>> from rnscli.core.noise import Gaussian
    >>> one = Gaussian(0.1)
    >>> round(Summed(one, 6).error_probability(63) / one.error_probability(63), 3)
    6.0
    """

    name: ClassVar[str] = "summed"
    summary: ClassVar[str] = "a sum of several readings"

    reading: NoiseLaw
    count: int

    def __post_init__(self) -> None:
        """Refuse no readings at all."""
        check_int("count", self.count, 1, 2**20)

    @property
    def told(self) -> str:
        """That of a reading: how many there are the segments of a design say."""
        return self.reading.told

    def error_distribution(self, modulus: int) -> FloatArray:
        """That of a reading, folded with itself round the circle of residues."""
        found: FloatArray = _summed(self, modulus).copy()
        return found

    @property
    def has_static_errors(self) -> bool:
        return self.reading.has_static_errors

    @property
    def is_static(self) -> bool:
        return self.reading.is_static

    def static_mixture(self, modulus: int, attempts: int) -> tuple[FloatArray, FloatArray]:
        weights, given = self.reading.static_mixture(modulus, attempts)
        return weights, _folded(given, self.count)


@lru_cache(maxsize=256)
def _summed(law: Summed, modulus: int) -> FloatArray:
    import numpy as np

    one = law.reading.error_distribution(modulus)
    (found,) = _folded(one[np.newaxis], law.count)
    mirrored = np.concatenate((one[:1], one[:0:-1]))
    if np.array_equal(one, mirrored):  # as it stays, but for rounding
        found = (found + np.concatenate((found[:1], found[:0:-1]))) / 2
    made: FloatArray = found
    return made


def _folded(laws: FloatArray, count: int) -> FloatArray:
    """Laws ``(K, m)``, each folded with itself: sums of positive terms, by powers of two."""
    made, power = None, laws
    while True:
        if count % 2:
            made = power if made is None else _both(made, power)
        count //= 2
        if not count:
            found: FloatArray = laws if made is None else made
            return found
        power = _both(power, power)


def _both(one: FloatArray, other: FloatArray) -> FloatArray:
    """Laws of sums, round the circle; of most laws few errors have a probability."""
    import numpy as np

    found: FloatArray = np.zeros_like(one)
    for error in np.flatnonzero(other.any(axis=0)).tolist():
        found += np.roll(one, error, axis=1) * other[:, error, np.newaxis]
    return found
