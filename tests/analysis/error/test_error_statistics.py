import json
import math
from itertools import pairwise

import numpy as np
import pytest
from dot_error_points import same_statistics
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rnscli.analysis.error.error_statistics import PRECISION_OF, ErrorStatistics

QUICK = settings(max_examples=80, deadline=None, derandomize=True)

# The squares of errors stay finite: operands are limited so that they do.
ERRORS = st.floats(-1e150, 1e150) | st.sampled_from((0.0, -0.0, 1.0, -1.0, 5e-324))


@st.composite
def samples(draw: st.DrawFn) -> tuple[np.ndarray, int, tuple[int, ...]]:
    errors = draw(st.lists(ERRORS, min_size=1, max_size=30))
    again = draw(st.lists(st.integers(0, len(errors)), max_size=3))
    attempts = len(errors), *sorted((n for n in again if n), reverse=True)
    return np.array(errors), draw(st.integers(0, len(errors))), attempts


def written(statistics: ErrorStatistics) -> ErrorStatistics:
    """Through the text that a store keeps."""
    return ErrorStatistics.of_record(json.loads(json.dumps(statistics.record(), allow_nan=False)))


@QUICK
@given(samples(), samples())
def test_a_record_is_read_back_bit_for_bit(
    one: tuple[np.ndarray, int, tuple[int, ...]], other: tuple[np.ndarray, int, tuple[int, ...]]
) -> None:
    first, second = ErrorStatistics.of(*one), ErrorStatistics.of(*other)
    for statistics in (first, second, first + second):
        back = written(statistics)
        assert same_statistics(back, statistics)
        assert repr(back) == repr(statistics)  # the sign of a zero, too
        assert back.histogram.bins.dtype == back.histogram.counts.dtype == np.int64
        assert back.record() == statistics.record()
    assert same_statistics(written(first) + written(second), first + second)


@QUICK
@given(samples(), samples())
def test_samples_add_up(
    one: tuple[np.ndarray, int, tuple[int, ...]], other: tuple[np.ndarray, int, tuple[int, ...]]
) -> None:
    total = ErrorStatistics.of(*one) + ErrorStatistics.of(*other)
    errors = np.concatenate((one[0], other[0]))
    assert (total.lowest, total.highest) == (errors.min(), errors.max())
    assert (total.smallest, total.largest) == (np.abs(errors).min(), np.abs(errors).max())
    assert total.wrong == one[1] + other[1]
    assert total.signed.count == total.absolute.count == total.attempts.counts[0] == errors.size
    whole = ErrorStatistics.of(errors, total.wrong, total.attempts.counts)
    np.testing.assert_array_equal(total.histogram.bins, whole.histogram.bins)
    np.testing.assert_array_equal(total.histogram.counts, whole.histogram.counts)
    largest = max(1.0, float(np.abs(errors).max()))
    assert total.signed.mean == pytest.approx(whole.signed.mean, abs=1e-13 * largest)
    assert total.absolute.mean == pytest.approx(whole.absolute.mean, abs=1e-13 * largest)


@pytest.mark.parametrize("share", [0.01, 0.05, 0.5, 0.95, 0.99])
def test_quantiles_against_numpy(share: float) -> None:
    errors = np.random.default_rng(6).laplace(0.2, 1.0, size=20_000)
    statistics = ErrorStatistics.of(errors, 0, (20_000,))
    for got, sample in (
        (statistics.quantile(share), errors),
        (statistics.absolute_quantiles(share)[0], np.abs(errors)),
    ):
        exact = np.quantile(sample, share, method="inverted_cdf")
        assert got == pytest.approx(exact, rel=0.004, abs=0)


@QUICK
@given(st.lists(ERRORS, min_size=1, max_size=20), st.floats(0, 1))
def test_quantiles_stay_within_the_extremes(values: list[float], share: float) -> None:
    """The middle of a bin may lie beyond all that is in it."""
    errors = np.array(values)
    statistics = ErrorStatistics.of(errors, 0, (errors.size,))
    assert errors.min() <= statistics.quantile(share) <= errors.max()
    magnitudes = np.abs(errors)
    assert magnitudes.min() <= statistics.absolute_quantiles(share)[0] <= magnitudes.max()


def test_a_single_value_is_its_own_quantile() -> None:
    statistics = ErrorStatistics.of(np.array([-1.2345]), 0, (1,))
    assert [statistics.quantile(0.5), *statistics.absolute_quantiles(0.5)] == [-1.2345, 1.2345]


# Precision ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [2, 30, 1000])
def test_precision_of_the_mean_is_half_of_its_interval(size: int) -> None:
    errors = np.random.default_rng(7).normal(size=size)
    magnitudes = np.abs(errors)
    interval = stats.ttest_1samp(magnitudes, 0.0).confidence_interval(0.95)
    expected = (interval.high - interval.low) / 2 / magnitudes.mean()
    got = ErrorStatistics.of(errors, 0, (size,)).precision("mean_abs_error", noisy=False)
    assert got == pytest.approx(expected, rel=1e-10, abs=0)


@pytest.mark.parametrize(("wrong", "size"), [(1, 1000), (7, 30), (500, 1000), (1000, 1000)])
def test_precision_of_the_error_rate_is_its_farther_end(wrong: int, size: int) -> None:
    interval = stats.binomtest(wrong, size).proportion_ci(0.95, method="exact")
    rate = wrong / size
    expected = max(interval.high - rate, rate - interval.low) / rate
    got = ErrorStatistics.of(np.ones(size), wrong, (size,)).precision(
        "output_error_rate", noisy=True
    )
    assert got == pytest.approx(expected, rel=1e-8, abs=0)


def test_precision_where_nothing_varies() -> None:
    """There is no share of zero; a mean of the same error again and again is known."""
    for value, precision in ((0.0, None), (3.0, 0.0)):
        constant = ErrorStatistics.of(np.full(100, value), 0, (100,))
        assert constant.precision("mean_abs_error", noisy=False) == precision
        assert constant.precision("output_error_rate", noisy=True) is None


@pytest.mark.parametrize("of", PRECISION_OF)
def test_precision_grows_with_the_sample(of: str) -> None:
    errors = np.random.default_rng(9).normal(size=64)
    total = ErrorStatistics.of(errors, 5, (64,))
    reached = [total.precision(of, noisy=False)]
    for _ in range(4):
        total += total
        reached.append(total.precision(of, noisy=False))
    # Twice as many halve the square of the width, but for what few values add to their quantiles.
    ratios = [a / b for a, b in pairwise(reached) if a and b]
    assert len(ratios) == 4
    assert all(math.sqrt(2) * 0.95 < ratio < math.sqrt(2) * 1.25 for ratio in ratios)
