"""What is published, as it is printed, and how a computed value compares with it."""

import math
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal
from typing import ClassVar, Protocol

SAME = "same"  # equal to the digits printed
WITHIN = "within"  # inside the range printed
CLOSE = "close"  # outside, but not by more than the tolerance
AGREES = "agrees"  # a simulation's interval holds it
UNDECIDED = "undecided"  # the interval of the measurement is on both sides
NOT_HERE = "not-here"  # published for larger networks, and not so for a small one
DIFFERENT = "different"
VERDICTS = (SAME, WITHIN, CLOSE, AGREES, UNDECIDED, NOT_HERE, DIFFERENT)

_EXACT = Context(prec=1000)  # more digits than any float has


class Published(Protocol):
    """What is published of a value: as a reader sees it, and the ends of its range."""

    @property
    def text(self) -> str:
        """As printed."""
        ...

    @property
    def ends(self) -> tuple[float | None, float | None]:
        """Lowest and highest value, where it is a number."""
        ...


@dataclass(frozen=True)
class Verdict:
    """How a computed value compares with the published one.

    ``word`` is one of `VERDICTS`; ``deviation`` the distance from the published value, or from the
    nearer end of its range, as a share of it (``None`` where nothing can be measured); ``remark``
    what a reader should know of it.
    """

    word: str
    deviation: float | None = None
    remark: str = ""


@dataclass(frozen=True)
class PrintedNumber:
    """A positive number of which some digits are printed.

    Attributes
    ----------
    text
        As a reader sees it.
    value
        The digits that count: ``Decimal("6.8E6")`` has two, ``Decimal("270")`` has three.
    tolerance
        Share of the value by which another one may be off and is still close.

    Examples
    --------
    >>> published = PrintedNumber("6.8 million", Decimal("6.8E6"))
    >>> published.judge(6_775_065.0).word, published.judge(6_740_000.0).word
    ('same', 'close')
    """

    text: str
    value: Decimal
    tolerance: float = 0.01

    @property
    def ends(self) -> tuple[float, float]:
        """The value, twice."""
        return float(self.value), float(self.value)

    def judge(self, computed: float) -> Verdict:
        """Whether a value, rounded or cut to the digits printed, is the printed one."""
        if not math.isfinite(computed):
            return Verdict(DIFFERENT)
        deviation = abs(computed / float(self.value) - 1)
        for rounding, remark in ((ROUND_HALF_EVEN, ""), (ROUND_DOWN, "digits cut, not rounded")):
            if Decimal(computed).quantize(self.value, rounding, _EXACT) == self.value:
                return Verdict(SAME, deviation, remark)
        return _off(computed > self.value, deviation, self.tolerance)


@dataclass(frozen=True)
class PrintedRange:
    """A range of positive numbers.

    Examples
    --------
    >>> published = PrintedRange("9 to 15", 9.0, 15.0, tolerance=0.1)
    >>> published.judge(15.0).word, published.judge(15.6)
    ('within', Verdict(word='close', deviation=0.04, remark='4 % above, 10 % is tolerated'))
    """

    text: str
    low: float
    high: float
    tolerance: float = 0.01

    @property
    def ends(self) -> tuple[float, float]:
        """The lowest and the highest value."""
        return self.low, self.high

    def judge(self, computed: float) -> Verdict:
        """Whether a value is in the range."""
        if not math.isfinite(computed):
            return Verdict(DIFFERENT)
        if self.low <= computed <= self.high:
            return Verdict(WITHIN, 0.0)
        end = self.high if computed > self.high else self.low
        deviation = round(abs(computed - end) / end, 12)
        return _off(computed > self.high, deviation, self.tolerance)


@dataclass(frozen=True)
class PrintedSet:
    """Whole numbers, all of which count.

    Examples
    --------
    >>> PrintedSet((63, 62, 61, 59)).judge((63, 62, 61)).word
    'different'
    """

    members: tuple[int, ...]
    ends: ClassVar = (None, None)

    @property
    def text(self) -> str:
        """As a reader sees it."""
        return " ".join(map(str, self.members))

    def judge(self, computed: tuple[int, ...]) -> Verdict:
        """Whether the members are the same, in the same order."""
        return Verdict(SAME if computed == self.members else DIFFERENT)


@dataclass(frozen=True)
class PrintedCurve:
    """A curve without numbers: what is computed is compared with a simulation instead.

    Examples
    --------
    >>> PrintedCurve().judge(True, 1000)
    Verdict(word='agrees', deviation=None, remark='with a simulation of 1000 words')
    """

    text: str = "a curve"
    ends: ClassVar = (None, None)

    def judge(self, agrees: bool, words: int) -> Verdict:
        """Whether the interval of so many simulated words holds the computed value."""
        said = "with" if agrees else "not with"
        return Verdict(
            AGREES if agrees else DIFFERENT, None, f"{said} a simulation of {words} words"
        )


def _off(above: bool, deviation: float, tolerance: float) -> Verdict:
    side = "above" if above else "below"
    remark = f"{100 * deviation:.2g} % {side}, {100 * tolerance:g} % is tolerated"
    return Verdict(CLOSE if deviation <= tolerance else DIFFERENT, deviation, remark)
