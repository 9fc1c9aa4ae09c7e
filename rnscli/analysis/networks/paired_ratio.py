"""Interval of the ratio of two proportions of the same samples, such as two accuracies."""

import math
from dataclasses import dataclass

from rnscli.analysis.statistics import CONFIDENCE

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

    def __add__(self, other: "PairedCounts") -> "PairedCounts":
        return PairedCounts(
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
