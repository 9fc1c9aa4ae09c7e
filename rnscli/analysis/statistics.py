"""Statistics of a stream that can be added to each other, with intervals and quantiles."""

import math
from dataclasses import dataclass

import numpy as np

from rnscli.core.quantisation import FloatArray, IntArray

CONFIDENCE = 0.95

# A bin of the histogram is what shares the upper 18 bits of a double below the sign: the exponent
# and 7 bits of the mantissa, so 128 bins for each factor of two, over all that doubles can hold.
_SHIFT = 45
_MAGNITUDE = 2**63 - 1  # everything but the sign, which -0.0 has


@dataclass(frozen=True)
class Moments:
    """Count, mean and sum of squared deviations, which add exactly as pooled samples do.

    References
    ----------
    Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample
    variances", 1979.

    Examples
    --------
    >>> total = Moments.of(np.array([1.0, 2.0])) + Moments.of(np.array([6.0]))
    >>> total.mean, total.variance
    (3.0, 7.0)
    """

    count: int = 0
    mean: float = 0.0
    deviations: float = 0.0

    @classmethod
    def of(cls, sample: FloatArray) -> "Moments":
        """Moments of a sample."""
        if not sample.size:
            return cls()
        mean = float(sample.mean())
        return cls(sample.size, mean, float(np.square(sample - mean).sum()))

    def __add__(self, other: "Moments") -> "Moments":
        """Moments of both samples together."""
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
        """Mean of the squares."""
        return self.mean**2 + (self.deviations / self.count if self.count else 0.0)

    def mean_interval(self) -> tuple[float, float]:
        """95 % confidence interval of the mean, by Student's t; needs two values."""
        from scipy.special import stdtrit

        quantile = float(stdtrit(self.count - 1, (1 + CONFIDENCE) / 2))
        half = quantile * math.sqrt(self.variance / self.count)
        return self.mean - half, self.mean + half


@dataclass(frozen=True)
class LogHistogram:
    """Counts of non-negative values in logarithmic bins of at most 0.8 % width.

    Only bins that hold something are kept, ``bins`` ascending with their ``counts``: a stream
    fills a few thousand, however long it is. Histograms add bin by bin, so quantiles do not depend
    on how the stream was cut; a quantile is off by at most 0.4 % of its value.

    Examples
    --------
    >>> histogram = LogHistogram.of(np.array([1.0, 2.0, 3.0, 4.0]))
    >>> round(histogram.quantile(0.5), 2)
    2.01
    """

    bins: IntArray
    counts: IntArray

    @classmethod
    def of(cls, sample: FloatArray) -> "LogHistogram":
        """Histogram of finite values, none negative."""
        bits = np.ascontiguousarray(sample, dtype=np.float64).view(np.int64)
        bins, counts = np.unique((bits & _MAGNITUDE) >> _SHIFT, return_counts=True)
        return cls(bins, counts.astype(np.int64))

    def __add__(self, other: "LogHistogram") -> "LogHistogram":
        """Histogram of both samples together."""
        both = np.concatenate((self.bins, other.bins))
        bins, where = np.unique(both, return_inverse=True)
        counts = np.zeros(bins.size, dtype=np.int64)
        np.add.at(counts, where, np.concatenate((self.counts, other.counts)))
        return LogHistogram(bins, counts)

    @property
    def lower_edges(self) -> FloatArray:
        """Lower edges of the bins that hold anything."""
        return _edges(self.bins)

    @property
    def upper_edges(self) -> FloatArray:
        """Upper edges of the bins that hold anything."""
        return _edges(self.bins + 1)

    def quantile(self, share: float) -> float:
        """Middle of the bin that holds the smallest value which a share of the sample is below."""
        cumulative = np.cumsum(self.counts)
        rank = max(1, math.ceil(share * int(cumulative[-1])))
        found = int(np.searchsorted(cumulative, rank))
        if not self.bins[found]:
            return 0.0
        # The middle of the bits is the middle of the values, also where the upper edge is inf.
        middle = (self.bins[found : found + 1] << _SHIFT) + (1 << (_SHIFT - 1))
        return float(middle.view(np.float64)[0])


def _edges(bins: IntArray) -> FloatArray:
    edges: FloatArray = (bins << _SHIFT).view(np.float64)
    return edges


def proportion_interval(successes: int, trials: int) -> tuple[float, float]:
    """95 % Clopper-Pearson interval of a probability, from a number of successes.

    References
    ----------
    Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the
    binomial", Biometrika 1934.

    Examples
    --------
    >>> low, high = proportion_interval(0, 100)
    >>> low, round(high, 4)
    (0.0, 0.0362)
    """
    from scipy.special import betaincinv

    tail = (1 - CONFIDENCE) / 2
    low = float(betaincinv(successes, trials - successes + 1, tail)) if successes else 0.0
    if successes == trials:
        return low, 1.0
    return low, float(betaincinv(successes + 1, trials - successes, 1 - tail))
