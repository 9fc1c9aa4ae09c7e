"""The interval of the ratio of two accuracies against its definition, and its coverage."""

import itertools
import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from rnscli.analysis.statistics import PairedCounts

LIMIT = stats.norm.ppf(0.975)
FALSE_ALARM = 1e-6

Cells = tuple[int, int, int, int]  # both right, only the first, only the second, neither


def counts(cells: Cells) -> PairedCounts:
    return PairedCounts(sum(cells), *cells[:3])


def interval(cells: Cells) -> tuple[float, float]:
    found = counts(cells).ratio_interval()
    assert found is not None
    return found


# By definition -----------------------------------------------------------------------------------


def restricted(cells: Cells, ratio: float) -> tuple[float, ...]:
    """Where the multinomial likelihood is largest if the first proportion is ratio x the second.

    By a search in two dimensions. With probabilities q of "both" and t of "only the second" the
    restriction says that "only the first" has r (q + t) - q.
    """

    def cell_probabilities(q: float, t: float) -> tuple[float, ...]:
        return q, ratio * (q + t) - q, t, 1 - ratio * q - (1 + ratio) * t

    def loss(q: float, t: float) -> float:
        pairs = zip(cells, cell_probabilities(q, t), strict=True)
        # Of nothing that was seen the logarithm does not count; else it must be finite to search.
        return -math.fsum(n * math.log(max(p, 1e-300)) for n, p in pairs if n)

    def best(q: float) -> tuple[float, float]:
        low, high = max(0.0, q * (1 - ratio) / ratio), (1 - ratio * q) / (1 + ratio)
        low = min(low, high)  # as they may be rounded
        found = optimize.minimize_scalar(
            lambda t: loss(q, t), bounds=(low, high), method="bounded", options={"xatol": 1e-13}
        )
        ends = [(loss(q, t), t) for t in (low, high)]
        return min([(found.fun, found.x), *ends])

    # t has room as long as q (1 - r) / r <= (1 - r q) / (1 + r), that is q <= r and r q <= 1.
    highest = min(ratio, 1 / ratio)
    found = optimize.minimize_scalar(
        lambda q: best(q)[0], bounds=(0, highest), method="bounded", options={"xatol": 1e-13}
    )
    q = min([(found.fun, found.x), *((best(q)[0], q) for q in (0.0, highest))])[1]
    return cell_probabilities(q, best(q)[1])


def score(cells: Cells, ratio: float) -> float:
    """Standardised sum of a - r b, of mean zero under the restriction."""
    both, first, second, _ = restricted(cells, ratio)
    variance = sum(cells) * (both * (1 - ratio) ** 2 + first + second * ratio**2)
    difference = (cells[0] + cells[1]) - ratio * (cells[0] + cells[2])
    return difference / math.sqrt(variance)


@pytest.mark.parametrize(
    "cells",
    [(90, 1, 4, 5), (20, 7, 3, 10), (150, 0, 0, 50), (5, 0, 9, 6), (0, 6, 8, 6), (0, 0, 12, 8),
     (30, 10, 0, 0), (12, 0, 0, 0), (700, 30, 12, 55), (1, 0, 0, 0), (1, 1, 1, 1), (9, 0, 1, 0)],
)  # fmt: skip
def test_ends_are_where_the_score_of_a_likelihood_that_is_searched_reaches_the_limit(
    cells: Cells,
) -> None:
    low, high = interval(cells)
    if low:
        assert score(cells, low) == pytest.approx(LIMIT, rel=1e-4)
    else:
        assert cells[0] + cells[1] == 0
    assert score(cells, high) == pytest.approx(-LIMIT, rel=1e-4)


def test_another_confidence() -> None:
    cells = (90, 1, 4, 5)
    low, high = counts(cells).ratio_interval(0.9) or (0, 0)
    assert score(cells, low) == pytest.approx(stats.norm.ppf(0.95), rel=1e-4)
    assert interval(cells)[0] < low < high < interval(cells)[1]


def test_equal_answers_leave_the_room_that_their_number_leaves() -> None:
    """With no discordant sample of n, all right, the variance is n r (1 - r) below r = 1.

    The score n (1 - r) / sqrt(n r (1 - r)) is the limit at r = n / (n + limit^2).
    """
    for n in (1, 10, 797):
        low, high = interval((n, 0, 0, 0))
        assert low == pytest.approx(n / (n + LIMIT**2), rel=1e-9)
        assert high == pytest.approx(1 / low, rel=1e-9)


# Coverage ----------------------------------------------------------------------------------------

SAMPLES = 25


@cache
def every_outcome() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every possible outcome of 25 samples, with both ends; an undefined interval holds all."""
    outcomes = [
        (a, b, c, SAMPLES - a - b - c)
        for a, b, c in itertools.product(range(SAMPLES + 1), repeat=3)
        if a + b + c <= SAMPLES
    ]
    ends = [counts(cells).ratio_interval() or (0.0, math.inf) for cells in outcomes]
    low, high = np.array(ends).T
    return np.array(outcomes), low, high


@pytest.mark.parametrize(
    "probabilities",
    [(0.9, 0.02, 0.05, 0.03), (0.8, 0.1, 0.05, 0.05), (0.5, 0.1, 0.2, 0.2), (0.3, 0.3, 0.2, 0.2),
     (0.95, 0.0, 0.03, 0.02), (0.6, 0.0, 0.0, 0.4), (0.2, 0.05, 0.6, 0.15), (0.9, 0.1, 0.0, 0.0)],
)  # fmt: skip
def test_coverage_of_small_samples_summed_over_every_outcome(
    probabilities: tuple[float, ...],
) -> None:
    """Exact, so nothing is drawn. As of any score interval it may be off for so few samples."""
    outcomes, low, high = every_outcome()
    ratio = (probabilities[0] + probabilities[1]) / (probabilities[0] + probabilities[2])
    held = (low <= ratio * (1 + 1e-12)) & (ratio * (1 - 1e-12) <= high)
    covered = stats.multinomial(SAMPLES, probabilities).pmf(outcomes)[held].sum()
    assert 0.93 <= covered <= 1


@pytest.mark.parametrize(
    "probabilities", [(0.975, 0.002, 0.005, 0.018), (0.2, 0.02, 0.73, 0.05), (0.6, 0.15, 0.2, 0.05)]
)
def test_coverage_of_as_many_samples_as_there_are_digits(probabilities: tuple[float, ...]) -> None:
    """3000 tests of 797 samples; 0.935 to 0.965 is what may remain of the nominal 0.95."""
    runs = 3000
    ratio = (probabilities[0] + probabilities[1]) / (probabilities[0] + probabilities[2])
    covered = 0
    for cells in np.random.default_rng(11).multinomial(797, probabilities, runs).tolist():
        low, high = interval(tuple(cells))
        covered += low <= ratio <= high
    assert stats.binom.ppf(FALSE_ALARM / 2, runs, 0.935) <= covered
    assert covered <= stats.binom.isf(FALSE_ALARM / 2, runs, 0.965)


# Properties --------------------------------------------------------------------------------------

cells_strategy = st.tuples(*[st.integers(0, 300)] * 4).filter(
    lambda cells: cells[0] + cells[1] > 0 and cells[0] + cells[2] > 0
)


@settings(deadline=None)
@given(cells_strategy)
def test_it_holds_the_ratio_and_is_finite(cells: Cells) -> None:
    low, high = interval(cells)
    ratio = counts(cells).ratio
    assert ratio is not None
    assert 0 < low < ratio < high < math.inf


@settings(deadline=None)
@given(cells_strategy)
def test_the_inverted_ratio_swaps_the_ends(cells: Cells) -> None:
    low, high = interval(cells)
    both, first, second, neither = cells
    other = interval((both, second, first, neither))
    assert other == pytest.approx((1 / high, 1 / low), rel=1e-6)


@settings(deadline=None)
@given(cells_strategy)
def test_a_sample_that_the_first_gets_right_as_well_moves_both_ends_up(cells: Cells) -> None:
    both, first, second, neither = cells
    low, high = interval((both, first, second, neither + 1))
    more = interval((both, first + 1, second, neither))
    assert more[0] > low and more[1] > high


@settings(deadline=None)
@given(cells_strategy, st.integers(2, 5))
def test_more_of_the_same_is_narrower(cells: Cells, times: int) -> None:
    low, high = interval(cells)
    more = interval(tuple(times * n for n in cells))  # type: ignore[arg-type]
    assert low < more[0] < more[1] < high


def test_a_model_that_is_never_right() -> None:
    assert counts((0, 0, 0, 9)).ratio is counts((0, 0, 0, 9)).ratio_interval() is None
    assert counts((0, 4, 0, 5)).ratio is counts((0, 4, 0, 5)).ratio_interval() is None
    assert counts((0, 0, 4, 5)).ratio == interval((0, 0, 4, 5))[0] == 0
    assert 0 < interval((0, 0, 4, 5))[1] < 1


def test_a_hundred_million_samples() -> None:
    low, high = interval((97_000_000, 40_000, 50_000, 2_910_000))
    # Of so many the logarithm is normal, with variance (b + c) / (x y).
    half = LIMIT * math.sqrt(90_000 / 97_040_000 / 97_050_000)
    middle = math.log(97_040_000 / 97_050_000)
    assert math.log(low) == pytest.approx(middle - half, abs=1e-8)
    assert math.log(high) == pytest.approx(middle + half, abs=1e-8)


def test_counts_add_up() -> None:
    assert counts((1, 2, 3, 4)) + counts((5, 6, 7, 8)) == PairedCounts(36, 6, 8, 10)
