"""What is published, and the verdicts."""

import math
from typing import Any

import pytest

from rnscli.reproduction.cases import (
    EVERY_RESULT,
    PUBLISHED,
    STUDY,
    cases_of,
)
from rnscli.reproduction.verdicts import (
    AGREES,
    CLOSE,
    DIFFERENT,
    EXPLAINED,
    FULL_ONLY,
    GIVEN,
    KINDS,
    NOT_HERE,
    SAME,
    TOO_EASY,
    UNDECIDED,
    VERDICTS,
    WITHIN,
    Published,
    Verdict,
)


def of_kind(kind: str, text: str = "", **more: Any) -> Published:
    return Published(KINDS[kind], text, "arXiv:0000.00000", "table 1", **more)


def printed(digits: str, tolerance: float = 0.01) -> Published:
    return of_kind("number", digits, value=digits, tolerance=tolerance)


# The file


def test_every_value_says_where_it_is_published() -> None:
    for name, published in PUBLISHED.items():
        assert published.paper.startswith(("arXiv:", "doi:")), name
        assert published.where and published.text, name


def test_every_value_is_compared_with_something() -> None:
    assert {case.value for case in cases_of(EVERY_RESULT, STUDY)} == set(PUBLISHED)


def test_every_kind_is_in_use() -> None:
    assert {published.judge_as for published in PUBLISHED.values()} == set(KINDS.values())


# The verdicts


def test_every_verdict_is_explained() -> None:
    assert set(VERDICTS) == {
        SAME, WITHIN, CLOSE, AGREES, TOO_EASY, UNDECIDED, NOT_HERE, FULL_ONLY, EXPLAINED, GIVEN,
        DIFFERENT,
    }  # fmt: skip
    assert all(VERDICTS.values())


@pytest.mark.parametrize(
    ("digits", "computed", "word"),
    [
        ("168", 168.0, SAME),
        ("168", 167.6, SAME),  # rounded
        ("168", 168.99, SAME),  # cut
        ("168", 169.0, CLOSE),
        ("168", 167.4, CLOSE),
        ("168", 168 * 1.011, DIFFERENT),
        ("168", 168 / 1.011, DIFFERENT),
        ("6.8E6", 6_775_065.0, SAME),
        ("6.8E6", 6_899_999.0, SAME),
        ("6.8E6", 6_740_000.0, CLOSE),
        ("6.8E6", 7_000_000.0, DIFFERENT),
        ("6.80E6", 6_775_065.0, CLOSE),  # a zero that is printed counts
        ("270", 270.99, SAME),
        ("270", 274.0, DIFFERENT),  # 1.5 %
        ("2.7E2", 274.0, SAME),
        ("11E-15", 1.1e-14, SAME),
        ("11E-15", 1.0999999999999e-14, SAME),  # would be 10 if it were only cut
        ("11E-15", 1.3e-14, DIFFERENT),
        ("1", 0.0, DIFFERENT),
        ("1", -1.0, DIFFERENT),
        ("1", math.inf, DIFFERENT),
        ("1", -math.inf, DIFFERENT),
        ("1", math.nan, DIFFERENT),
        ("1", 1e308, DIFFERENT),
        ("1E-300", 1e308, DIFFERENT),
        ("1E-300", 5e-324, DIFFERENT),
    ],
)
def test_numbers(digits: str, computed: float, word: str) -> None:
    assert printed(digits).judge(computed).word == word


def test_a_number_says_how_far_off_it_is() -> None:
    assert printed("200").judge(200.0) == Verdict(SAME, 0.0)
    assert printed("200").judge(200.5).remark == ""  # to even
    cut = printed("200").judge(200.9)
    assert cut.word == SAME and "cut" in cut.remark
    assert cut.deviation == pytest.approx(0.0045)
    above = printed("200").judge(201.0)
    assert (above.word, above.remark) == (CLOSE, "0.5 % above, 1 % is tolerated")
    below = printed("200", tolerance=0.1).judge(150.0)
    assert (below.word, below.remark) == (DIFFERENT, "25 % below, 10 % is tolerated")
    assert below.deviation == pytest.approx(0.25)
    assert printed("200").judge(math.nan).deviation is None


@pytest.mark.parametrize(
    ("digits", "computed", "word"),
    [
        ("168", 168.5, SAME),  # half a unit of the last digit, on both sides
        ("168", 167.5, SAME),
        ("168", 168.501, CLOSE),  # what is cut is not the same
        ("168", 167.499, CLOSE),
        ("8.6E-9", 8.649e-9, SAME),
        ("8.6E-9", 8.66e-9, CLOSE),
        ("1E-11", 5e-12, SAME),  # a bit less than half a unit away, or more, in binary
        ("1E-11", 4.99e-12, DIFFERENT),
        ("168", math.inf, DIFFERENT),
        ("168", math.nan, DIFFERENT),
    ],
)
def test_rounded_numbers(digits: str, computed: float, word: str) -> None:
    assert of_kind("rounded", digits, value=digits).judge(computed).word == word


def test_what_is_explained_goes_no_further_than_is_said() -> None:
    published = of_kind("rounded", "200", value="200", tolerance=0.1, explained=0.25)
    words = [published.judge(value).word for value in (200.4, 219.0, 221.0, 250.0, 251.0, 149.0)]
    assert words == [SAME, CLOSE, EXPLAINED, EXPLAINED, DIFFERENT, DIFFERENT]
    assert published.judge(250.0).remark == "25 % above, 10 % is tolerated"


def test_an_upper_bound() -> None:
    published = of_kind("below", "< 0.01", high=0.01)
    words = [published.judge(value).word for value in (0.0, 0.0099, 0.01, 0.02, math.nan)]
    assert words == [WITHIN, WITHIN, DIFFERENT, DIFFERENT, DIFFERENT]
    assert published.ends == (None, 0.01)


def test_what_is_given_is_not_compared() -> None:
    published = of_kind("given", "54 000 um2", value="5.4E-8")
    assert published.judge(5.4e-8) == published.judge(1.0) == Verdict(GIVEN)


def test_the_tolerance_is_inclusive() -> None:
    exact = of_kind("range", "8 to 16", low=8.0, high=16.0, tolerance=0.125)
    assert exact.judge(18.0).word == CLOSE
    assert exact.judge(7.0).word == CLOSE
    assert exact.judge(18.0001).word == DIFFERENT
    assert exact.judge(6.9999).word == DIFFERENT


def test_ranges() -> None:
    published = of_kind("range", "9 to 15", low=9.0, high=15.0, tolerance=0.1)
    for computed in (9.0, 12.0, 15.0):
        assert published.judge(computed) == Verdict(WITHIN, 0.0)
    assert published.judge(15.6) == Verdict(CLOSE, 0.04, "4 % above, 10 % is tolerated")
    assert published.judge(8.55) == Verdict(CLOSE, 0.05, "5 % below, 10 % is tolerated")
    assert published.judge(17.0).word == published.judge(8.0).word == DIFFERENT
    for computed in (math.nan, math.inf, -math.inf):
        assert published.judge(computed) == Verdict(DIFFERENT)


def test_sets_are_compared_in_order() -> None:
    published = of_kind("set", "63 62 61 59")
    assert published.judge((63, 62, 61, 59)).word == SAME
    for other in ((63, 62, 59, 61), (63, 62, 61), (63, 62, 61, 59, 55), ()):
        assert published.judge(other).word == DIFFERENT


def test_curves_are_compared_with_a_simulation() -> None:
    curve = of_kind("curve", "a curve")
    good, bad = curve.judge(True, 10), curve.judge(False, 10)
    assert (good.word, bad.word) == (AGREES, DIFFERENT)
    assert good.remark == "with a simulation of 10 words"
    assert bad.remark == "not with a simulation of 10 words"
    assert curve.judge(True) == Verdict(AGREES) and curve.judge(False) == Verdict(DIFFERENT)


def test_what_is_published_has_ends_where_it_is_a_number() -> None:
    assert printed("168").ends == (168.0, 168.0)
    assert of_kind("range", "9 to 15", low=9.0, high=15.0).ends == (9.0, 15.0)
    assert of_kind("set", "3 2").ends == of_kind("curve", "a curve").ends == (None, None)
    assert PUBLISHED["adc-energy-8"].ends == (6.8e6, 6.8e6)
    assert PUBLISHED["reram-block-abstract-mac"].ends == (11e-15, 11e-15)
    assert PUBLISHED["reram-block-energy-row-logic-2"].ends == (None, 1e-11)
    assert PUBLISHED["accuracy-b-rns"].ends == (0.99, None)


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
    assert of_kind("bound", ">= 0.99", low=0.99).judge(0.99, interval).word == word


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
    published = of_kind("bound", "> 8", low=9.0, of_larger=True)
    verdict = published.judge(interval[0], interval)
    assert verdict.word == word
    assert bool(verdict.remark) == (word != WITHIN)


def test_a_bound_says_how_far_a_value_is_below_it() -> None:
    published = of_kind("bound", ">= 0.5", low=0.5)
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
    assert of_kind("fall", "falls").judge(first, last).word == word


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
    assert of_kind("comparison", "comparable").judge(difference, interval, 0.002).word == word
