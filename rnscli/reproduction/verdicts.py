"""What is published, and the verdicts on what is computed beside it.

A measurement with an interval decides only where all of its interval is on one side. What is
published of larger networks may fail on a small one without a contradiction: less precision is
enough for less. What passes with fewer bits as well does not discriminate.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, Context, Decimal
from typing import Any

SAME, WITHIN, CLOSE, AGREES = "same", "within", "close", "agrees"
UNDECIDED, NOT_HERE, EXPLAINED, DIFFERENT = "undecided", "not-here", "explained", "different"
FULL_ONLY, TOO_EASY = "full-only", "too-easy"
GIVEN = "given"
VERDICTS = {
    SAME: "equal to the digits printed",
    WITHIN: "inside the published range",
    CLOSE: "outside, by no more than the tolerance that is stated",
    AGREES: "published as a curve; confirmed by a simulation, with its interval",
    TOO_EASY: "inside, but does not discriminate: two bits fewer pass the same criterion",
    UNDECIDED: "measured, and the 95 % intervals do not decide",
    NOT_HERE: "published of larger networks; less is enough for this small one",
    FULL_ONLY: "published of ADCs of the full range; not so of calibrated ones, which need less",
    EXPLAINED: "further off than is tolerated, no more than its remark gives a reason for",
    GIVEN: "not compared: what others are computed from",
    DIFFERENT: "none of these",
}
# As a terminal colours them: what is further off needs a look, the others say what they are.
TONES = {
    **dict.fromkeys((SAME, WITHIN, CLOSE, AGREES), "good"),
    **dict.fromkeys((TOO_EASY, UNDECIDED, NOT_HERE, FULL_ONLY, EXPLAINED), "doubtful"),
    DIFFERENT: "bad",
}
Interval = tuple[float, float]

_EXACT = Context(prec=1000)  # more digits than any float has
_HALF = Decimal("0.5000000005")  # what is half a unit on paper may be a bit more in binary


@dataclass(frozen=True)
class Verdict:
    """How a computed value compares with the published one.

    ``deviation`` is the distance from it, or from the nearer end of its range, as a share of it;
    ``None`` where nothing can be measured.
    """

    word: str
    deviation: float | None = None
    remark: str = ""


@dataclass(frozen=True)
class Published:
    """A published value, as ``published.toml`` describes it; ``judge_as`` is one of `KINDS`.

    One that is missed by more than ``tolerance`` is explained up to ``explained``. ``of_larger``
    says that it is of larger networks only, ``of_full_range`` that it is of ADCs that have all of
    the full range.
    """

    judge_as: Callable[..., Verdict]
    text: str
    paper: str
    where: str
    value: str = ""
    low: float | None = None
    high: float | None = None
    tolerance: float = 0.01
    explained: float = 0.0
    of_larger: bool = False
    of_full_range: bool = False

    @property
    def ends(self) -> tuple[float | None, float | None]:
        """Lowest and highest value, where it is a number."""
        return (float(self.value),) * 2 if self.value else (self.low, self.high)

    def judge(self, *evidence: Any) -> Verdict:
        """The verdict on what was computed, of which each kind needs something else."""
        return self.judge_as(self, *evidence)


def judge_number(published: Published, computed: float) -> Verdict:
    """Whether a value, rounded or cut to the digits printed, is the printed one."""
    verdict = judge_rounded(published, computed)
    if verdict.word == SAME or not math.isfinite(computed):
        return verdict
    value = Decimal(published.value)
    if Decimal(computed).quantize(value, ROUND_DOWN, _EXACT) == value:
        return Verdict(SAME, verdict.deviation, "digits cut, not rounded")
    return verdict


def judge_rounded(published: Published, computed: float) -> Verdict:
    """Whether a value is the printed one by no more than half a unit of its last digit."""
    if not math.isfinite(computed):
        return Verdict(DIFFERENT)
    value = Decimal(published.value)
    deviation = abs(computed / float(value) - 1)
    unit = Decimal(1).scaleb(value.adjusted() + 1 - len(value.as_tuple().digits))
    if abs(Decimal(computed) - value) <= _HALF * unit:
        return Verdict(SAME, deviation)
    return _off(published, computed > value, deviation)


def judge_factor(published: Published, computed: float) -> Verdict:
    """Whether a value is the printed one, or off by a factor up or down that is tolerated."""
    verdict = judge_rounded(published, computed)
    if verdict.word == SAME:
        return verdict
    if not computed > 0.0 or not math.isfinite(computed):
        return Verdict(DIFFERENT, verdict.deviation)
    factor = computed / float(published.value)
    away = max(factor, 1 / factor)
    word = CLOSE if away <= 1 + published.tolerance else DIFFERENT
    if word == DIFFERENT and away <= published.explained:
        word = EXPLAINED
    return Verdict(word, verdict.deviation, f"x {factor:.3g}")


def judge_range(published: Published, computed: float) -> Verdict:
    """Whether a value is in the range."""
    low, high = published.ends
    assert low is not None and high is not None
    if not math.isfinite(computed):
        return Verdict(DIFFERENT)
    if low <= computed <= high:
        return Verdict(WITHIN, 0.0)
    end = high if computed > high else low
    return _off(published, computed > high, round(abs(computed - end) / end, 12))


def _off(published: Published, above: bool, deviation: float) -> Verdict:
    side, tolerance = "above" if above else "below", published.tolerance
    remark = f"{100 * deviation:.2g} % {side}, {100 * tolerance:g} % is tolerated"
    word = CLOSE if deviation <= tolerance else DIFFERENT
    if word == DIFFERENT and deviation <= published.explained:
        word = EXPLAINED
    return Verdict(word, deviation, remark)


def judge_below(published: Published, computed: float) -> Verdict:
    """Whether a value is below what is printed as an upper bound."""
    assert published.high is not None
    return Verdict(WITHIN if computed < published.high else DIFFERENT)


def judge_given(published: Published, computed: float) -> Verdict:
    """None: the value is computed from itself."""
    return Verdict(GIVEN)


def judge_set(published: Published, computed: tuple[int, ...]) -> Verdict:
    """Whether whole numbers are the same, in the same order."""
    return Verdict(SAME if published.text == " ".join(map(str, computed)) else DIFFERENT)


def judge_curve(published: Published, agrees: bool, words: int | None = None) -> Verdict:
    """Whether the interval of a simulation, of so many words, holds the computed value."""
    said = "with" if agrees else "not with"
    remark = "" if words is None else f"{said} a simulation of {words} words"
    return Verdict(AGREES if agrees else DIFFERENT, None, remark)


def judge_bound(published: Published, measured: float, interval: Interval) -> Verdict:
    """Whether all of the interval is at least the bound."""
    assert published.low is not None
    deviation = max(0.0, 1 - measured / published.low)
    if interval[0] >= published.low:
        return Verdict(WITHIN, deviation)
    if interval[1] >= published.low:
        return Verdict(UNDECIDED, deviation, f"the interval is on both sides of {published.text}")
    if published.of_full_range:
        remark = f"{published.text} is of the full range of the ADC, and not so of a calibrated one"
        return Verdict(FULL_ONLY, deviation, remark)
    if published.of_larger:
        return Verdict(NOT_HERE, deviation, "less is enough for this small network")
    return Verdict(DIFFERENT, deviation)


def judge_fall(published: Published, first: Interval, last: Interval) -> Verdict:
    """Whether the last interval is below the first one."""
    if last[1] < first[0]:
        return Verdict(AGREES)
    return Verdict(DIFFERENT if last[0] > first[1] else UNDECIDED)


def judge_comparison(
    published: Published, difference: float, interval: Interval, standard_error: float
) -> Verdict:
    """Whether a difference is no worse than one standard error of the reference."""
    if difference >= -standard_error:
        return Verdict(WITHIN)
    return Verdict(UNDECIDED if interval[1] >= -standard_error else DIFFERENT)


KINDS: dict[str, Callable[..., Verdict]] = {
    "number": judge_number, "rounded": judge_rounded, "factor": judge_factor,
    "below": judge_below, "given": judge_given,
    "range": judge_range, "set": judge_set, "curve": judge_curve, "bound": judge_bound,
    "fall": judge_fall, "comparison": judge_comparison,
}  # fmt: skip


def beside_fewer(
    published: Published, verdict: Verdict, said: str, evidence: tuple[Any, ...]
) -> Verdict:
    """A verdict that says what fewer bits come to; one that they pass as well shows nothing."""
    fewer = published.judge(*evidence).word
    word, remark = verdict.word, f"{said} is {fewer}"
    if verdict.word == fewer == WITHIN:
        word, remark = TOO_EASY, f"does not discriminate: {said} passes as well"
    return replace(verdict, word=word, remark="; ".join(filter(None, (verdict.remark, remark))))
