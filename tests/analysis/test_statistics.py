import math
import statistics as reference
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rnscli.analysis.statistics import AttemptCounts, LogHistogram, Moments, proportion_interval

QUICK = settings(max_examples=80, deadline=None, derandomize=True)

SMALLEST_NORMAL = 2.0**-1022


@st.composite
def cut_samples(draw: st.DrawFn, low: float, high: float) -> list[np.ndarray]:
    """A sample of 1 to 60 values in arbitrary pieces, some of them perhaps empty."""
    values = draw(
        st.lists(st.floats(low, high) | st.sampled_from((0.0, 1.0)), min_size=1, max_size=60)
    )
    cuts = sorted(draw(st.lists(st.integers(0, len(values)), max_size=5)))
    return np.split(np.array(values), cuts)


# Moments -----------------------------------------------------------------------------------------


@QUICK
@given(cut_samples(-1e6, 1e6))
def test_moments_of_parts_add_up_to_those_of_the_whole(parts: list[np.ndarray]) -> None:
    values = [Fraction(v) for v in np.concatenate(parts).tolist()]
    largest = max(1.0, float(max(map(abs, values))))
    total = sum(map(Moments.of, parts), Moments())
    assert total.count == len(values)
    assert total.mean == pytest.approx(float(reference.mean(values)), abs=1e-13 * largest)
    exact = float(reference.variance(values)) if len(values) > 1 else 0.0
    assert total.variance == pytest.approx(exact, rel=1e-11, abs=1e-13 * largest**2)
    mean_square = float(sum(v * v for v in values) / len(values))
    assert total.mean_square == pytest.approx(mean_square, rel=1e-11, abs=1e-13 * largest**2)


def test_moments_keep_a_small_spread_beside_a_large_mean() -> None:
    """The sum of squares minus the square of the sum would have lost it all."""
    sample = 1e9 + np.array([-1.0, 0.0, 1.0] * 100)
    total = sum((Moments.of(part) for part in np.split(sample, 10)), Moments())
    assert total.variance == pytest.approx(200 / 299, rel=1e-9, abs=0)


def test_moments_of_nothing() -> None:
    nothing = Moments.of(np.array([]))
    assert nothing == Moments() == nothing + Moments()
    some = Moments.of(np.array([1.0, 4.0]))
    assert nothing + some == some == some + nothing
    assert Moments.of(np.array([3.0])).variance == 0.0


def test_mean_interval_is_student_t() -> None:
    sample = np.random.default_rng(5).normal(3.0, 2.0, size=17)
    low, high = Moments.of(sample).mean_interval()
    expected = stats.ttest_1samp(sample, 0.0).confidence_interval(0.95)
    assert (low, high) == pytest.approx((expected.low, expected.high), rel=1e-12, abs=0)


@pytest.mark.parametrize("exponent", [-500, -300, 300, 500])
def test_moments_of_tiny_and_huge_values(exponent: int) -> None:
    """A power of two changes no digit, so it must come out again: errors reach 1e300."""
    sample = np.array([1.0, 2.0, 4.0, -3.0])
    plain = Moments.of(sample) + Moments.of(sample + 1)
    scaled = Moments.of(np.ldexp(sample, exponent)) + Moments.of(np.ldexp(sample + 1, exponent))
    assert math.ldexp(scaled.mean, -exponent) == plain.mean
    assert math.ldexp(math.sqrt(scaled.variance), -exponent) == pytest.approx(
        math.sqrt(plain.variance), rel=1e-12, abs=0
    )


# Histogram ---------------------------------------------------------------------------------------


def exact_quantile(sample: np.ndarray, share: float) -> float:
    """The smallest value that a share of the sample does not exceed."""
    return float(np.sort(sample)[max(1, math.ceil(Fraction(share) * sample.size)) - 1])


@QUICK
@given(cut_samples(-1e300, 1e300))
def test_histograms_of_parts_add_up_to_that_of_the_whole(parts: list[np.ndarray]) -> None:
    whole = LogHistogram.of(np.concatenate(parts))
    total = sum(map(LogHistogram.of, parts), LogHistogram.of(np.array([])))
    np.testing.assert_array_equal(total.bins, whole.bins)
    np.testing.assert_array_equal(total.counts, whole.counts)
    assert total.counts.sum() == sum(part.size for part in parts)
    assert np.all(np.diff(total.bins) > 0)
    assert np.all(total.counts > 0)


@QUICK
@given(
    st.lists(st.floats(SMALLEST_NORMAL, 8e307) | st.just(0.0), min_size=1, max_size=80),
    st.sampled_from((0.0, 0.01, 0.5, 0.95, 0.99, 1.0)),
)
def test_quantiles_are_within_0_4_percent(values: list[float], share: float) -> None:
    sample = np.array(values)
    exact = exact_quantile(sample, share)
    assert LogHistogram.of(sample).quantile(share) == pytest.approx(exact, rel=0.004, abs=0)


SIGNED = st.floats(SMALLEST_NORMAL, 8e307) | st.just(0.0) | st.floats(-8e307, -SMALLEST_NORMAL)


@QUICK
@given(
    st.lists(SIGNED | st.sampled_from((-0.0, 1.0, -1.0, 1.7e308, -1.7e308)), min_size=1),
    st.sampled_from((0.0, 0.05, 0.25, 0.5, 0.95, 1.0)),
)
def test_quantiles_of_signed_values(values: list[float], share: float) -> None:
    sample = np.array(values)
    exact = exact_quantile(sample, share)
    assert LogHistogram.of(sample).quantile(share) == pytest.approx(exact, rel=0.004, abs=0)


@QUICK
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=60))
def test_magnitudes_are_the_histogram_of_absolute_values(values: list[float]) -> None:
    """Over all doubles, subnormal ones and both zeros among them."""
    sample = np.array(values)
    folded, direct = LogHistogram.of(sample).magnitudes(), LogHistogram.of(np.abs(sample))
    np.testing.assert_array_equal(folded.bins, direct.bins)
    np.testing.assert_array_equal(folded.counts, direct.counts)


def test_a_value_and_its_negative_lie_in_bins_that_mirror_each_other() -> None:
    sample = np.random.default_rng(8).normal(size=500)
    one, other = LogHistogram.of(sample), LogHistogram.of(-sample)
    np.testing.assert_array_equal(one.bins, ~other.bins[::-1])
    np.testing.assert_array_equal(one.counts, other.counts[::-1])


def test_a_sample_that_is_not_contiguous() -> None:
    sample = np.random.default_rng(9).normal(size=(40, 3))
    histogram, copy = LogHistogram.of(sample[:, 1]), LogHistogram.of(sample[:, 1].copy())
    np.testing.assert_array_equal(histogram.bins, copy.bins)
    np.testing.assert_array_equal(histogram.counts, copy.counts)


@pytest.mark.parametrize("share", [0.01, 0.3, 0.4, 0.5, 0.95, 0.99])
def test_quantiles_of_a_large_sample(share: float) -> None:
    rng = np.random.default_rng(3)
    sample = rng.lognormal(sigma=2.0, size=100_000) * rng.choice([-1, 0, 1], 100_000)
    parts = np.split(sample, [10, 5000, 60_000])
    total = sum(map(LogHistogram.of, parts), LogHistogram.of(np.array([])))
    exact = np.quantile(sample, share, method="inverted_cdf")
    assert total.quantile(share) == pytest.approx(exact, rel=0.004, abs=0)


@QUICK
@given(st.lists(st.floats(SMALLEST_NORMAL, 1e307), min_size=1, max_size=30))
def test_bins_hold_their_values_and_are_narrow(values: list[float]) -> None:
    sample = np.array(values)
    histogram = LogHistogram.of(sample)
    low, high = histogram.lower_edges, histogram.upper_edges
    for low_edge, high_edge, count in zip(low, high, histogram.counts, strict=True):
        assert ((sample >= low_edge) & (sample < high_edge)).sum() == count
    assert np.all((high - low) / low <= 0.008)


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_zeros_have_a_bin_of_their_own(zero: float) -> None:
    histogram = LogHistogram.of(np.array([zero, 1.0, zero, zero]))
    assert (histogram.counts.tolist(), histogram.quantile(0.75)) == ([3, 1], 0.0)
    assert histogram.quantile(0.76) == pytest.approx(1.0, rel=0.004, abs=0)


@QUICK
@given(st.lists(st.floats(-SMALLEST_NORMAL, SMALLEST_NORMAL), min_size=1, max_size=30))
def test_subnormal_values_are_off_by_less_than_a_normal_one(values: list[float]) -> None:
    sample = np.array(values)
    assert LogHistogram.of(sample).quantile(0.5) == pytest.approx(
        exact_quantile(sample, 0.5), abs=SMALLEST_NORMAL / 100
    )


def test_the_largest_values() -> None:
    """Bins reach over all that doubles can hold."""
    largest = np.finfo(np.float64).max
    for value in (1.5e308, largest):
        sample = np.array([-value, value, value])
        found = [LogHistogram.of(sample).quantile(share) for share in (0.3, 0.5)]
        assert found == pytest.approx([-value, value], rel=0.004, abs=0)


# Attempts ----------------------------------------------------------------------------------------

ATTEMPTS = st.lists(st.integers(1, 8), min_size=1, max_size=50)


def counted(attempts: list[int]) -> AttemptCounts:
    """How many took at least one, at least two, and so on."""
    most = range(1, max(attempts, default=0) + 1)
    return AttemptCounts(tuple(sum(a >= step for a in attempts) for step in most))


@QUICK
@given(ATTEMPTS, st.sampled_from((0.01, 0.1, 0.5, 0.9, 0.95, 0.99, 1.0)))
def test_attempts_against_the_list_of_them(attempts: list[int], share: float) -> None:
    counts = counted(attempts)
    moments = counts.moments()
    assert counts.most == max(attempts)
    assert moments.count == len(attempts)
    assert moments.mean == float(reference.mean(map(Fraction, attempts)))
    exact = float(reference.variance(map(Fraction, attempts))) if len(attempts) > 1 else 0.0
    assert moments.variance == pytest.approx(exact, rel=1e-14, abs=0)
    # As many as the share, rounded as a double is: nine of ten are 0.9 of them.
    enough = round(share * len(attempts), 9)
    assert counts.quantile(share) == sorted(attempts)[max(1, math.ceil(enough)) - 1]


@QUICK
@given(ATTEMPTS, ATTEMPTS, ATTEMPTS)
def test_attempts_add_up(one: list[int], other: list[int], third: list[int]) -> None:
    whole = counted(one + other + third)
    assert (counted(one) + counted(other)) + counted(third) == whole
    assert counted(one) + (counted(other) + counted(third)) == whole
    assert AttemptCounts() + whole == whole + AttemptCounts() == whole


def test_nine_of_ten_are_a_share_of_0_9() -> None:
    """Though 10 times 1 - 0.9 is a little less than 1."""
    assert AttemptCounts((10, 1)).quantile(0.9) == 1
    assert AttemptCounts((10, 1)).quantile(0.91) == 2


def test_moments_of_very_many_attempts_are_exact() -> None:
    """10^12 dot products of which one was computed twice: squares in doubles would lose it."""
    moments = AttemptCounts((10**12, 1)).moments()
    assert moments.mean == 1 + 1e-12
    assert moments.deviations == float(1 - Fraction(1, 10**12))
    assert AttemptCounts((10**12, 1)).quantile(0.99) == 1


# Proportions -------------------------------------------------------------------------------------


@pytest.mark.parametrize("trials", [1, 2, 10, 997, 10**6, 10**9])
@pytest.mark.parametrize("share", [0.0, 1e-3, 0.1, 0.5, 0.99, 1.0])
def test_proportion_interval_is_clopper_pearson(trials: int, share: float) -> None:
    """SciPy searches for its bounds, to an absolute 2e-12."""
    successes = round(share * trials)
    exact = stats.binomtest(successes, trials).proportion_ci(0.95, method="exact")
    low, high = proportion_interval(successes, trials)
    assert (low, high) == pytest.approx((exact.low, exact.high), rel=1e-9, abs=4e-12)
    assert low <= successes / trials <= high


@pytest.mark.parametrize("trials", [1, 2, 10, 997, 10**6, 10**12])
def test_proportion_interval_of_nothing_seen(trials: int) -> None:
    """No success in n trials leaves p up to where (1 - p)^n = 2.5 %."""
    bound = -math.expm1(math.log(0.025) / trials)
    assert proportion_interval(0, trials) == (0.0, pytest.approx(bound, rel=1e-12, abs=0))
    assert proportion_interval(trials, trials) == (pytest.approx(1 - bound, rel=1e-12, abs=0), 1.0)


@QUICK
@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_proportion_interval_of_any_count(case: tuple[int, int]) -> None:
    """At each end, so many successes or more, or fewer, have a probability of 2.5 %."""
    successes, trials = case
    low, high = proportion_interval(*case)
    tail = pytest.approx(0.025, rel=1e-8, abs=0)
    assert low == 0.0 if not successes else stats.binom.sf(successes - 1, trials, low) == tail
    assert high == 1.0 if successes == trials else stats.binom.cdf(*case, high) == tail
