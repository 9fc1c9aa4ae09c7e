"""Laws of the value X that a word stands for, which decide what errors of some steps lead to.

X is counted from the lowest legitimate value, ``0 <= X < L``; zero is ``floor(L / 2)``.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnscli.base import InputError, read_table, regular_file, shown, signed_number, whole_number
from rnscli.core import DotProduct, FloatArray, IntArray, mean_square

if TYPE_CHECKING:
    import numpy.typing as npt

MAX_VALUE = 2**62


class ValueLaw(ABC):
    """A law of the values of a code of L legitimate ones."""

    @abstractmethod
    def between(self, low: Any, high: Any, size: int) -> FloatArray:
        """Probability that ``low <= X <= high``, for arrays of whole numbers; 0 if none is."""

    @abstractmethod
    def draw(self, rng: np.random.Generator, count: int, size: int) -> IntArray:
        """So many values."""


@dataclass(frozen=True)
class UniformValues(ValueLaw):
    """All legitimate values alike.

    Examples
    --------
    >>> UniformValues().between(np.array([0, 3]), np.array([4, 20]), 10).tolist()
    [0.5, 0.7]
    """

    def between(self, low: Any, high: Any, size: int) -> FloatArray:
        inside = np.minimum(high, size - 1) - np.maximum(low, 0) + 1
        found: FloatArray = np.maximum(inside, 0) / size
        return found

    def draw(self, rng: np.random.Generator, count: int, size: int) -> IntArray:
        return rng.integers(0, size, count)


UNIFORM_VALUES = UniformValues()


@dataclass(frozen=True)
class NormalValues(ValueLaw):
    """Sums of many terms about zero: a normal law, with the first correction of its shape.

    ``P(X <= x) = Phi(z) - phi(z) k (z^3 - 3 z) / 24`` with ``z = (x + 1/2) / deviation`` and k the
    excess of the kurtosis (Edgeworth). What it leaves beyond the ends of the range is at these.

    Examples
    --------
    >>> law = NormalValues(10.0)
    >>> law.between(np.array([0, 490]), np.array([999, 510]), 1000).round(4).tolist()
    [1.0, 0.7063]
    """

    deviation: float
    excess: float = 0.0

    def between(self, low: Any, high: Any, size: int) -> FloatArray:
        low, high, zero = np.asarray(low), np.asarray(high), size // 2
        if np.all(low <= 0):  # P(X <= high), whose tail is on either side
            upto = np.where(high >= size - 1, 1.0, self._tail(zero - high - 0.5))
            return np.where((low > high) | (high < 0), 0.0, upto)
        if np.all(high >= size - 1):
            return np.where((low > high) | (low >= size), 0.0, self._tail(low - zero - 0.5))
        beyond = np.where(high >= size - 1, 0.0, self._tail(high - zero + 0.5))
        before = np.where(low <= 0, 0.0, self._tail(zero - low + 0.5))
        # Of a window on one side of zero the difference of two tails.
        from_low, upto_high = self._tail(low - zero - 0.5), self._tail(zero - high - 0.5)
        one_side = np.where(low > zero, from_low - beyond, upto_high - before)
        inside = np.where((low > zero) | (high < zero), one_side, 1.0 - before - beyond)
        empty = (low > high) | (high < 0) | (low >= size)
        found: FloatArray = np.where(empty, 0.0, np.clip(inside, 0.0, 1.0))
        return found

    def draw(self, rng: np.random.Generator, count: int, size: int) -> IntArray:
        """Without the correction of the shape."""
        drawn = np.rint(self.deviation * rng.standard_normal(count)) + size // 2
        values: IntArray = np.clip(drawn, 0, size - 1).astype(np.int64)
        return values

    def _tail(self, distance: FloatArray) -> FloatArray:
        """Probability of more than a distance above zero."""
        from scipy.special import ndtr

        z = distance / max(self.deviation, 1e-9)
        tail: FloatArray = ndtr(-z)
        if self.excess:
            density = np.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)
            tail = np.clip(tail + density * self.excess * (z**3 - 3 * z) / 24, 0.0, 1.0)
        return tail


@dataclass(frozen=True)
class HistogramValues(ValueLaw):
    """Values that were seen, signed, and how often each was.

    Examples
    --------
    >>> law = HistogramValues((-2, 0, 5), (1, 2, 1))
    >>> law.between(np.array([0, 6]), np.array([5, 99]), 12).tolist()
    [0.25, 0.75]
    """

    values: tuple[int, ...]
    counts: tuple[int, ...]

    def __post_init__(self) -> None:
        """Refuse what is no histogram."""
        if not self.values or len(self.values) != len(self.counts):
            raise InputError("`values` is no histogram: it needs as many counts as values")
        if list(self.values) != sorted(set(self.values)):
            raise InputError("`values` of a histogram must ascend")
        if min(self.counts) < 0 or not sum(self.counts):
            raise InputError("`counts` of a histogram may not be negative, or all be 0")

    @classmethod
    def of(cls, values: npt.ArrayLike) -> HistogramValues:
        """That of whole numbers."""
        found, counts = np.unique(np.asarray(values, dtype=np.int64), return_counts=True)
        return cls(tuple(found.tolist()), tuple(counts.tolist()))

    def between(self, low: Any, high: Any, size: int) -> FloatArray:
        if self.values[0] < -(size // 2) or self.values[-1] >= size - size // 2:
            raise InputError(
                f"the values reach from {self.values[0]} to {self.values[-1]}, and the code has "
                f"{size} legitimate ones about 0; give a larger `legitimate_range`"
            )
        seen = self._seen
        first = np.searchsorted(seen[0], np.asarray(low) - size // 2, side="left")
        behind = np.searchsorted(seen[0], np.asarray(high) - size // 2, side="right")
        found: FloatArray = np.maximum(seen[1][behind] - seen[1][first], 0) / seen[1][-1]
        return found

    def draw(self, rng: np.random.Generator, count: int, size: int) -> IntArray:
        values, behind = self._seen
        picked = rng.integers(0, behind[-1], count)
        drawn: IntArray = values[np.searchsorted(behind, picked, side="right") - 1] + size // 2
        return drawn

    @cached_property
    def _seen(self) -> tuple[IntArray, IntArray]:
        return np.array(self.values), np.concatenate(([0], np.cumsum(self.counts)))


UNIFORM, DOT_PRODUCT = "uniform", "dot-product"


def value_law(name: str, dot: DotProduct) -> ValueLaw:
    """The law of that name, for a dot product, or of a file of values (`load_values`)."""
    if name == UNIFORM:
        return UNIFORM_VALUES
    return normal_values(dot) if name == DOT_PRODUCT else load_values(name)


def load_values(path: str | Path) -> HistogramValues:
    """Values that were seen: an ``.npy`` array of whole numbers, or a CSV file.

    The CSV file has a column ``value``, and may have a column ``count``.

    Raises
    ------
    InputError
        If the file cannot be read, or holds something else.
    """
    path = Path(path)
    if path.suffix.lower() == ".csv":
        kinds = {"value": signed_number(MAX_VALUE)}
        more = {"count": whole_number(0, MAX_VALUE)}
        rows = [row.cells for row in read_table(path, kinds, more, what="`values`")]
        counts: Counter[int] = Counter()
        for row in rows:
            counts[row["value"]] += row.get("count", 1)
        ordered = sorted(counts)
        return HistogramValues(tuple(ordered), tuple(counts[value] for value in ordered))
    path = regular_file("values", path, "it must be a .csv or .npy file")
    try:
        array = np.load(path, allow_pickle=False)
        whole = np.issubdtype(array.dtype, np.integer) and array.size
    # Whatever a damaged file makes NumPy raise.
    except Exception:
        whole = False
    if not whole or np.abs(array).max() > MAX_VALUE:
        raise InputError(
            f"`values` file {shown(path)} holds no array of whole numbers up to 2^62; save the "
            "sums with numpy.save, or give a CSV file with a column value"
        )
    return HistogramValues.of(array.ravel())


@lru_cache(maxsize=4096)
def sum_deviation(dot: DotProduct) -> float:
    """Standard deviation of the sum S of uniform operands, in its units."""
    h = dot.vector_size
    return math.sqrt(h * mean_square(dot.max_input, h) * mean_square(dot.max_weight, h))


@lru_cache(maxsize=256)
def normal_values(dot: DotProduct) -> NormalValues:
    """Sums of h products of operands that are uniform, and quantised together by their largest.

    Examples
    --------
    >>> law = normal_values(DotProduct(128, 6, 6))
    >>> round(law.deviation), round(law.excess, 4)
    (3683, 0.0019)
    """
    from rnscli.analysis.noise.operand_law import uniform_law

    h = dot.vector_size
    fourths = seconds = 1.0
    for largest in (dot.max_input, dot.max_weight):
        law = uniform_law(largest, h)
        fourths *= law.mean(law.values**4)
        seconds *= law.mean(law.values**2)
    return NormalValues(sum_deviation(dot), (fourths / seconds**2 - 3) / h)
