"""Statistics of a stream that can be added to each other, with intervals and quantiles."""

import math
from dataclasses import dataclass
from itertools import zip_longest
from typing import Self

import numpy as np

from rnscli.base import Numbers, Option, OptionGroup, WholeNumbers, shown
from rnscli.core import FloatArray, IntArray

CONFIDENCE = 0.95


class SimulationOptions:
    """What a user chooses of every simulation."""

    group = OptionGroup.SIMULATION
    seed = Option(WholeNumbers(0, 2**128 - 1), "Seed.", default="0")
    rel_precision = Option(Numbers(1e-9, 1 - 1e-9, "a number above 0 and below 1"), "")


# A bin of the histogram is what shares the upper 18 bits of a double below the sign: the exponent
# and 7 bits of the mantissa, so 128 bins for each factor of two, over all that doubles can hold.
_SHIFT = 45
BINS = 1 << (63 - _SHIFT)  # of one sign
_MAGNITUDE = 2**63 - 1  # everything but the sign, which -0.0 has


def recorded_array(values: object) -> IntArray:
    """Whole numbers of a record."""
    array = np.array(values if values else np.empty(0, np.int64))
    if array.dtype.kind != "i" or array.ndim != 1:
        raise ValueError("a list of whole numbers is none")
    return array


def check_counts(*counts: object) -> None:
    """Refuse numbers of a record that count nothing."""
    for count in counts:
        if type(count) is not int or not 0 <= count < _MAGNITUDE:
            raise ValueError(f"a number of something is {shown(count)}")


def check_reals(*values: object) -> None:
    """Refuse what a record has in the place of finite numbers."""
    for value in values:
        whole = type(value) is int and abs(value) < _MAGNITUDE
        if not whole and not (isinstance(value, float) and math.isfinite(value)):
            raise ValueError(f"a number is {shown(value)}")


@dataclass(frozen=True)
class Moments:
    """Count, mean and sum of squared deviations, which add exactly as pooled samples do.

    Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample
    variances", 1979.
    """

    count: int = 0
    mean: float = 0.0
    deviations: float = 0.0

    @classmethod
    def of(cls, sample: FloatArray) -> "Moments":
        if not sample.size:
            return cls()
        mean = float(sample.mean())
        return cls(sample.size, mean, float(np.square(sample - mean).sum()))

    def __add__(self, other: "Moments") -> "Moments":
        count = self.count + other.count
        if not count:
            return self
        step = other.mean - self.mean
        share = other.count / count
        return Moments(
            count,
            self.mean + step * share,
            self.deviations + other.deviations + step * step * self.count * share,
        )

    @property
    def variance(self) -> float:
        """Unbiased sample variance; 0 for fewer than two values."""
        return self.deviations / (self.count - 1) if self.count > 1 else 0.0

    @property
    def mean_square(self) -> float:
        return self.mean * self.mean + (self.deviations / self.count if self.count else 0.0)

    @property
    def standard_error(self) -> float:
        """Standard deviation of the mean, estimated; 0 for fewer than two values."""
        return math.sqrt(self.variance / self.count) if self.count else 0.0

    def mean_interval(self) -> tuple[float, float]:
        """95 % confidence interval of the mean, by Student's t; needs two values."""
        from scipy.special import stdtrit

        half = float(stdtrit(self.count - 1, (1 + CONFIDENCE) / 2)) * self.standard_error
        return self.mean - half, self.mean + half


@dataclass(frozen=True)
class LogHistogram:
    """Counts of signed values in logarithmic bins of at most 0.8 % width.

    Only bins that hold something are kept, ``bins`` ascending with their ``counts``: a stream
    fills a few thousand, however long it is. Histograms add bin by bin, so quantiles do not depend
    on how the stream was cut; a quantile is off by at most 0.4 % of its value. A negative value
    lies in the bin ``-1 - b``, where b is the bin of its magnitude.
    """

    bins: IntArray
    counts: IntArray

    @classmethod
    def of(cls, sample: FloatArray) -> "LogHistogram":
        bits = np.ascontiguousarray(sample, dtype=np.float64).view(np.int64)
        magnitudes = (bits & _MAGNITUDE) >> _SHIFT
        if not sample.size:
            return cls(magnitudes, magnitudes)
        # Both signs of a magnitude side by side: few places to count in, at most 2^19.
        lowest = np.min(magnitudes)
        counts = np.bincount(((magnitudes - lowest) << 1) - (bits >> 63))
        held = np.flatnonzero(counts)
        bins = (held >> 1) + lowest
        signed = np.where(held & 1, ~bins, bins)
        order = np.argsort(signed)
        return cls(signed[order], counts[held][order])

    def __add__(self, other: "LogHistogram") -> "LogHistogram":
        return _gathered(
            np.concatenate((self.bins, other.bins)), np.concatenate((self.counts, other.counts))
        )

    def magnitudes(self) -> "LogHistogram":
        return _gathered(np.where(self.bins < 0, ~self.bins, self.bins), self.counts)

    @property
    def lower_edges(self) -> FloatArray:
        """Lower edges of the bins that hold anything; of magnitudes only."""
        return _values(self.bins << _SHIFT)

    @property
    def upper_edges(self) -> FloatArray:
        """Upper edges of the bins that hold anything; of magnitudes only."""
        return _values((self.bins + 1) << _SHIFT)

    def quantile(self, share: float) -> float:
        """Middle of the bin that holds the smallest value which a share of the sample is below."""
        cumulative = np.cumsum(self.counts)
        rank = max(1, math.ceil(share * int(cumulative[-1])))
        found = int(np.searchsorted(cumulative, rank))
        signed = self.bins[found : found + 1]
        magnitude = np.where(signed < 0, ~signed, signed)
        if not magnitude:
            return 0.0
        # The middle of the bits is the middle of the values, also where the upper edge is inf.
        middle = float(_values((magnitude << _SHIFT) + (1 << (_SHIFT - 1)))[0])
        return -middle if signed < 0 else middle


def _values(bits: IntArray) -> FloatArray:
    values: FloatArray = bits.view(np.float64)
    return values


def _gathered(bins: IntArray, counts: IntArray) -> LogHistogram:
    """A histogram from bins in any order, some of them more than once."""
    found, where = np.unique(bins, return_inverse=True)
    total = np.zeros(found.size, dtype=np.int64)
    np.add.at(total, where, counts)  # total[where] += counts would count a bin once
    return LogHistogram(found, total)


@dataclass(frozen=True)
class AttemptCounts:
    """How many dot products were computed at least once, at least twice, and so on."""

    counts: tuple[int, ...] = ()

    def __add__(self, other: "AttemptCounts") -> "AttemptCounts":
        return AttemptCounts(
            tuple(a + b for a, b in zip_longest(self.counts, other.counts, fillvalue=0))
        )

    @property
    def most(self) -> int:
        """The largest number of attempts that a dot product took."""
        return len(self.counts)

    def moments(self) -> Moments:
        """Exact moments of the number of attempts."""
        count = self.counts[0]
        total = sum(self.counts)
        # A number a of attempts is counted a times, and a^2 is the sum of the first a odd numbers.
        squares = sum((2 * step + 1) * n for step, n in enumerate(self.counts))
        return Moments(count, total / count, (squares * count - total * total) / count)

    def quantile(self, share: float) -> int:
        """Smallest number of attempts that was enough for a share of the dot products."""
        count = self.counts[0]
        enough = share * count  # not 1 - share, which is rounded: 1 - 0.9 is less than 0.1
        return next((a for a, n in enumerate(self.counts) if a and count - n >= enough), self.most)


def proportion_interval(
    successes: int, trials: int, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Interval of a probability, from a number of successes.

    Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the
    binomial", Biometrika 1934.
    """
    from scipy.special import betaincinv

    tail = (1 - confidence) / 2
    low = float(betaincinv(successes, trials - successes + 1, tail)) if successes else 0.0
    if successes == trials:
        return low, 1.0
    return low, float(betaincinv(successes + 1, trials - successes, 1 - tail))


_LOWEST, _HIGHEST = 1e-9, 1e9  # ratios within which a bound is looked for


@dataclass(frozen=True)
class PairedCounts:
    """Samples by whether each of two models is right: both, the first only, the second only.

    Parameters
    ----------
    samples
        All of them.
    both, first, second
        Samples that both models, only the first, and only the second get right.

    Examples
    --------
    >>> counts = PairedCounts(samples=100, both=90, first=1, second=4)
    >>> low, high = counts.ratio_interval()
    >>> f"{counts.ratio:.4f} from {low:.4f} to {high:.4f}"
    '0.9681 from 0.9047 to 1.0217'
    """

    samples: int
    both: int
    first: int
    second: int

    def __add__(self, other: "PairedCounts") -> Self:
        return type(self)(
            self.samples + other.samples,
            self.both + other.both,
            self.first + other.first,
            self.second + other.second,
        )

    @property
    def ratio(self) -> float | None:
        """Proportion of the first over that of the second; ``None`` if that is zero."""
        right = self.both + self.second
        return (self.both + self.first) / right if right else None

    def ratio_interval(self, confidence: float = CONFIDENCE) -> tuple[float, float] | None:
        """Score interval of the ratio; ``None`` if it is not defined.

        It holds the ratios ``r`` that a test does not reject: with a and b whether the models are
        right, ``a - r b`` has mean zero, and its variance is taken where the likelihood is largest
        under that restriction. Unlike Wald's, the interval keeps its coverage where models hardly
        differ, and is not empty where they agree on every sample.

        References
        ----------
        Nam and Blackwelder, "Analysis of the ratio of marginal probabilities in a matched-pair
        setting", Statistics in Medicine 2002; Tang, Tang and Chan, "On tests of equivalence via
        non-unity relative risk for matched-pair design", Statistics in Medicine 2003.
        """
        from scipy.optimize import brentq
        from scipy.special import ndtri

        if self.ratio is None:
            return None
        limit = float(ndtri((1 + confidence) / 2))

        def bound(sign: int) -> float:
            """Where the score passes the limit: above the ratio it falls below -limit."""

            def excess(log_ratio: float) -> float:
                return self._score(math.exp(log_ratio)) - sign * limit

            ends = math.log(_LOWEST), math.log(_HIGHEST)
            if excess(ends[0]) <= 0:  # the first model is never right
                return 0.0
            return math.exp(brentq(excess, *ends, xtol=1e-13))

        return bound(1), bound(-1)

    def _score(self, ratio: float) -> float:
        """Standardised ``sum(a - ratio b)``; it falls with the ratio."""
        n = self.samples
        right = self.both + self.first, self.both + self.second
        some = self.both + self.first + self.second
        # The likeliest probability that only the second is right solves A p^2 + B p + C = 0.
        a = n * (1 + ratio)
        b = right[1] * ratio**2 - (right[0] + 2 * self.second)
        c = self.second * (1 - ratio) * some / n
        root = math.sqrt(max(0.0, b * b - 4 * a * c))
        # Of two forms of the solution the one that does not cancel.
        only_second = (root - b) / (2 * a) if b <= 0 else -2 * c / (b + root)
        variance = n * ((1 + ratio) * only_second + some * (ratio - 1) / n)
        difference = right[0] - ratio * right[1]
        if variance <= 0:
            return math.copysign(math.inf, difference) if difference else 0.0
        return difference / math.sqrt(variance)
