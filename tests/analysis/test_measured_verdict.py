import math

import pytest

from rnscli.analysis.measured_verdict import PrintedBound, PrintedComparison, PrintedFall
from rnscli.analysis.verdict import AGREES, DIFFERENT, NOT_HERE, UNDECIDED, WITHIN


@pytest.mark.parametrize(
    ("interval", "word"),
    [
        ((0.99, 1.0), WITHIN),
        ((0.995, 1.01), WITHIN),
        ((0.9899, 1.0), UNDECIDED),
        ((0.5, 0.99), UNDECIDED),
        ((0.5, 0.9899), DIFFERENT),
    ],
)
def test_a_bound_is_kept_by_all_of_the_interval(interval: tuple[float, float], word: str) -> None:
    assert PrintedBound(">= 0.99", 0.99).judge(0.99, interval).word == word


@pytest.mark.parametrize(
    ("interval", "word"),
    [
        ((9.0, 9.0), WITHIN),
        ((9.0, math.inf), WITHIN),
        ((8.0, 9.0), UNDECIDED),
        ((8.0, math.inf), UNDECIDED),
        ((7.0, 8.0), NOT_HERE),
    ],
)
def test_what_larger_networks_need_may_not_be_needed_here(
    interval: tuple[float, float], word: str
) -> None:
    published = PrintedBound("> 8", 9.0, of_larger=True)
    verdict = published.judge(interval[0], interval)
    assert verdict.word == word
    assert bool(verdict.remark) == (word != WITHIN)


def test_a_bound_says_how_far_a_value_is_below_it() -> None:
    published = PrintedBound(">= 0.5", 0.5)
    assert published.judge(0.25, (0.2, 0.3)).deviation == 0.5
    assert published.judge(0.75, (0.7, 0.8)).deviation == 0.0
    assert published.ends == (0.5, None)


@pytest.mark.parametrize(
    ("first", "last", "word"),
    [
        ((0.98, 1.0), (0.1, 0.97), AGREES),
        ((0.98, 1.0), (0.1, 0.98), UNDECIDED),
        ((0.1, 0.12), (0.1, 0.12), UNDECIDED),
        ((0.1, 0.12), (0.13, 0.2), DIFFERENT),
    ],
)
def test_a_fall(first: tuple[float, float], last: tuple[float, float], word: str) -> None:
    assert PrintedFall("falls").judge(first, last).word == word


@pytest.mark.parametrize(
    ("difference", "interval", "word"),
    [
        (0.0, (-0.001, 0.001), WITHIN),
        (-0.002, (-0.003, -0.001), WITHIN),  # one standard error below
        (0.01, (0.005, 0.015), WITHIN),  # better than the reference
        (-0.003, (-0.006, 0.0), UNDECIDED),
        (-0.005, (-0.006, -0.004), DIFFERENT),
    ],
)
def test_a_comparison(difference: float, interval: tuple[float, float], word: str) -> None:
    verdict = PrintedComparison("comparable").judge(difference, interval, standard_error=0.002)
    assert verdict.word == word
