"""What the tests of simulations share: points with the moduli of the search, and comparisons."""

from typing import Any

import numpy as np
from scipy import stats

from rnscli.analysis.error.dot_error import DotErrorParameters, DotErrorResult
from rnscli.analysis.error.error_statistics import ErrorStatistics
from rnscli.analysis.moduli import ModuliRequest
from rnscli.core.arithmetic.code import RedundantCode

# Probability that an interval misses the true value; the seeds are fixed.
FALSE_ALARM = 1e-6


def point(
    bits: int = 6, vector_size: int = 128, redundant: int = 0, **changed: Any
) -> DotErrorParameters:
    """Parameters with the moduli that the search chooses."""
    request = ModuliRequest(bits=bits, vector_size=vector_size, redundant=redundant)
    accepted = {
        "dot_product": request.dot_product,
        "bits": bits,
        "code": RedundantCode(request.choose()[0]),
    }
    return DotErrorParameters(**{**accepted, **changed})


def same_statistics(one: ErrorStatistics, other: ErrorStatistics) -> bool:
    """Bit for bit."""
    return (
        (one.signed, one.absolute, one.lowest, one.highest, one.smallest, one.wrong, one.attempts)
        == (
            other.signed, other.absolute, other.lowest, other.highest, other.smallest,
            other.wrong, other.attempts,
        )
        and np.array_equal(one.histogram.bins, other.histogram.bins)
        and np.array_equal(one.histogram.counts, other.histogram.counts)
    )  # fmt: skip


def same_result(one: DotErrorResult, other: DotErrorResult) -> bool:
    """Rows and statistics, bit for bit, in the same order."""
    return (
        one.rows == other.rows
        and list(one.statistics) == list(other.statistics)
        and all(same_statistics(one.statistics[n], other.statistics[n]) for n in one.statistics)
    )


def clopper_pearson(successes: int, trials: int) -> tuple[float, float]:
    """Interval that misses the probability of a success as rarely as FALSE_ALARM."""
    interval = stats.binomtest(successes, trials).proportion_ci(1 - FALSE_ALARM, method="exact")
    return float(interval.low), float(interval.high)
