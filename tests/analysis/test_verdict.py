import math
from decimal import Decimal

import pytest

from rnscli.analysis.verdict import (
    AGREES,
    CLOSE,
    DIFFERENT,
    SAME,
    WITHIN,
    PrintedCurve,
    PrintedNumber,
    PrintedRange,
    PrintedSet,
    Verdict,
)


def printed(digits: str, tolerance: float = 0.01) -> PrintedNumber:
    return PrintedNumber(digits, Decimal(digits), tolerance)


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


def test_the_tolerance_is_inclusive() -> None:
    exact = PrintedRange("8 to 16", 8.0, 16.0, tolerance=0.125)
    assert exact.judge(18.0).word == CLOSE
    assert exact.judge(7.0).word == CLOSE
    assert exact.judge(18.0001).word == DIFFERENT
    assert exact.judge(6.9999).word == DIFFERENT


def test_ranges() -> None:
    published = PrintedRange("9 to 15", 9.0, 15.0, tolerance=0.1)
    for computed in (9.0, 12.0, 15.0):
        assert published.judge(computed) == Verdict(WITHIN, 0.0)
    assert published.judge(15.6) == Verdict(CLOSE, 0.04, "4 % above, 10 % is tolerated")
    assert published.judge(8.55) == Verdict(CLOSE, 0.05, "5 % below, 10 % is tolerated")
    assert published.judge(17.0).word == published.judge(8.0).word == DIFFERENT
    for computed in (math.nan, math.inf, -math.inf):
        assert published.judge(computed) == Verdict(DIFFERENT)


def test_sets_are_compared_in_order() -> None:
    published = PrintedSet((63, 62, 61, 59))
    assert published.text == "63 62 61 59"
    assert published.judge((63, 62, 61, 59)).word == SAME
    for other in ((63, 62, 59, 61), (63, 62, 61), (63, 62, 61, 59, 55), ()):
        assert published.judge(other).word == DIFFERENT


def test_curves_are_compared_with_a_simulation() -> None:
    good, bad = PrintedCurve().judge(True, 10), PrintedCurve().judge(False, 10)
    assert (good.word, bad.word) == (AGREES, DIFFERENT)
    assert "10 words" in good.remark and "not with" in bad.remark


def test_what_is_published_has_ends_where_it_is_a_number() -> None:
    assert printed("168").ends == (168.0, 168.0)
    assert PrintedRange("9 to 15", 9.0, 15.0).ends == (9.0, 15.0)
    assert PrintedSet((3, 2)).ends == PrintedCurve().ends == (None, None)
