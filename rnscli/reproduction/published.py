"""What is published, as it is printed, and how a computed value compares with it.

The values stand in ``published.toml``. A measurement with an interval decides only where all of
its interval is on one side. What is published of larger networks may fail on a small one without a
contradiction: less precision is enough for less.
"""

import math
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal
from importlib.resources import files
from typing import Annotated, Any

from rnscli.analysis import SimulatedPErr, SimulatedPErrInterval, SimulatedWords
from rnscli.base import Column, ends, number, percent, sequence

SAME, WITHIN, CLOSE, AGREES = "same", "within", "close", "agrees"
UNDECIDED, NOT_HERE, DIFFERENT = "undecided", "not-here", "different"
VERDICTS = {
    SAME: "equal to the digits printed",
    WITHIN: "inside the published range",
    CLOSE: "outside, by no more than the tolerance that is stated",
    AGREES: "published as a curve; confirmed by a simulation, with its interval",
    UNDECIDED: "measured, and the 95 % intervals do not decide",
    NOT_HERE: "published of larger networks; less is enough for this small one",
    DIFFERENT: "none of these",
}
Interval = tuple[float, float]

_EXACT = Context(prec=1000)  # more digits than any float has


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
    """A published value, as ``published.toml`` describes it; ``judge_as`` is one of `KINDS`."""

    judge_as: Callable[..., Verdict]
    text: str
    paper: str
    where: str
    value: str = ""
    low: float | None = None
    high: float | None = None
    tolerance: float = 0.01
    of_larger: bool = False

    @property
    def ends(self) -> tuple[float | None, float | None]:
        """Lowest and highest value, where it is a number."""
        return (float(self.value),) * 2 if self.value else (self.low, self.high)

    def judge(self, *evidence: Any) -> Verdict:
        """The verdict on what was computed, of which each kind needs something else."""
        return self.judge_as(self, *evidence)


def judge_number(published: Published, computed: float) -> Verdict:
    """Whether a value, rounded or cut to the digits printed, is the printed one."""
    if not math.isfinite(computed):
        return Verdict(DIFFERENT)
    value = Decimal(published.value)
    deviation = abs(computed / float(value) - 1)
    for rounding, remark in ((ROUND_HALF_EVEN, ""), (ROUND_DOWN, "digits cut, not rounded")):
        if Decimal(computed).quantize(value, rounding, _EXACT) == value:
            return Verdict(SAME, deviation, remark)
    return _off(published, computed > value, deviation)


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
    tolerance = published.tolerance
    side = "above" if above else "below"
    remark = f"{100 * deviation:.2g} % {side}, {100 * tolerance:g} % is tolerated"
    return Verdict(CLOSE if deviation <= tolerance else DIFFERENT, deviation, remark)


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
    "number": judge_number, "range": judge_range, "set": judge_set, "curve": judge_curve,
    "bound": judge_bound, "fall": judge_fall, "comparison": judge_comparison,
}  # fmt: skip
_FILE = tomllib.loads((files(__package__) / "published.toml").read_text(encoding="utf-8"))
CONDITIONS: dict[str, Any] = _FILE["conditions"]
PUBLISHED = {
    name: Published(KINDS[value.pop("kind")], **value) for name, value in _FILE["value"].items()
}
CASES: dict[str, dict[str, Any]] = _FILE["case"]
# The share of the accuracy in FP32 that counts as kept.
KEPT: float = _FILE["value"]["accuracy-b-rns"]["low"]


def as_often_printed(value: float | tuple[int, ...]) -> str:
    """A set of moduli or a number, large ones in full as they are often printed."""
    if isinstance(value, tuple):
        return sequence(value)
    if not 1e3 <= value < 1e9:
        return number(value)
    return f"{value:.0f}" if value >= 1e5 else f"{value:.6g}"


@dataclass(frozen=True)
class ReproducedRow:
    """A published value beside the computed one, as `rnscli reproduce` reports it.

    ``computed`` is in the base unit ``unit``, and so are ``computed_ci95``, the interval of what is
    measured with networks, and ``published_low`` and ``published_high``, the ends of what is
    ``published`` (as printed). ``verdict``, ``deviation`` and ``remark`` are those of
    `rnscli.reproduction.published.Verdict`. Where only a curve is published, ``simulated_p_err`` is
    the value of a simulation of so many words, with its 99.9 % interval. ``command`` prints this
    value alone, in its ``column``, and ``name`` is what ``--only`` takes.
    """

    result: Annotated[str, Column("The published result, as --only takes it.")]
    case: Annotated[str, Column("What the row is about, in words.")]
    computed: Annotated[float | tuple[int, ...], Column(
        "The value that rnscli computes, in the base unit.",
        form=as_often_printed, low=None, infinite=True, unit="unit",
    )]  # fmt: skip
    computed_ci95: Annotated[Interval | None, Column(
        "95 % confidence interval of what is measured with networks.", "95 % interval", ends(),
        low=None, infinite=True,
    )]  # fmt: skip
    unit: Annotated[
        str, Column("Base SI unit of the value; empty for a ratio, a probability and moduli.")
    ]
    published: Annotated[str, Column("What is published, as it is printed.")]
    published_low: Annotated[float | None, Column("Lower end of what is published.")]
    published_high: Annotated[float | None, Column("Upper end of what is published.")]
    verdict: Annotated[str, Column(
        "same (as the digits printed), within (the published range), close (by a stated "
        "tolerance), agrees (with a simulation), undecided (the interval is on both sides), "
        "not-here (published of larger networks) or different."
    )]  # fmt: skip
    deviation: Annotated[float | None, Column(
        "How far the value lies from what is published, as a share of that.", "off by", percent(2)
    )]  # fmt: skip
    remark: Annotated[
        str, Column("How the verdict comes about, where that is not plain; may be empty.")
    ]
    simulated_p_err: SimulatedPErr | None
    simulated_p_err_ci999: SimulatedPErrInterval | None
    simulated_words: SimulatedWords | None
    source: Annotated[str, Column("Where it is published.")]
    command: Annotated[str, Column("Command line that prints this value alone.")]
    column: Annotated[str, Column("Row key under which the command line prints the value.")]
    name: Annotated[str, Column("Name of the row, as --only takes it.")]
