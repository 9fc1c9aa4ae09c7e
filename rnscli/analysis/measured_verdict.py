"""What is published of networks, and how a measurement with its 95 % interval compares with it.

A measurement decides only where all of its interval is on one side. What is published of larger
networks may fail on a small one without a contradiction: less precision is enough for less.
"""

from dataclasses import dataclass
from typing import ClassVar

from rnscli.analysis.verdict import AGREES, DIFFERENT, NOT_HERE, UNDECIDED, WITHIN, Verdict

Interval = tuple[float, float]


@dataclass(frozen=True)
class PrintedBound:
    """The least value of something.

    Attributes
    ----------
    text
        As a reader sees it.
    lowest
        The least value that keeps to it.
    of_larger
        Whether it is published of larger networks, so that a small one may fall below it.

    Examples
    --------
    >>> published = PrintedBound(">= 0.99", 0.99)
    >>> [published.judge(0.992, (low, 0.999)).word for low in (0.991, 0.985)]
    ['within', 'undecided']
    >>> PrintedBound("> 8", 9.0, of_larger=True).judge(7.0, (7.0, 8.0)).word
    'not-here'
    """

    text: str
    lowest: float
    of_larger: bool = False

    @property
    def ends(self) -> tuple[float, None]:
        """The bound, and no other."""
        return self.lowest, None

    def judge(self, measured: float, interval: Interval) -> Verdict:
        """Whether all of the interval keeps to the bound."""
        low, high = interval
        deviation = max(0.0, 1 - measured / self.lowest)
        if low >= self.lowest:
            return Verdict(WITHIN, deviation)
        if high >= self.lowest:
            return Verdict(UNDECIDED, deviation, f"the interval is on both sides of {self.text}")
        if self.of_larger:
            return Verdict(NOT_HERE, deviation, "less is enough for this small network")
        return Verdict(DIFFERENT, deviation)


@dataclass(frozen=True)
class PrintedFall:
    """A curve without numbers that falls.

    Examples
    --------
    >>> PrintedFall("falls with h").judge((0.98, 1.0), (0.1, 0.2)).word
    'agrees'
    """

    text: str
    ends: ClassVar = (None, None)

    def judge(self, first: Interval, last: Interval) -> Verdict:
        """Whether the last interval is below the first one."""
        if last[1] < first[0]:
            return Verdict(AGREES)
        return Verdict(DIFFERENT if last[0] > first[1] else UNDECIDED)


@dataclass(frozen=True)
class PrintedComparison:
    """Words by which something is as good as a reference.

    Examples
    --------
    >>> published = PrintedComparison("comparable with FP32")
    >>> published.judge(-0.001, (-0.003, 0.001), standard_error=0.002).word
    'within'
    """

    text: str
    ends: ClassVar = (None, None)

    def judge(self, difference: float, interval: Interval, standard_error: float) -> Verdict:
        """Whether a difference is no worse than one standard error of the reference."""
        if difference >= -standard_error:
            return Verdict(WITHIN)
        return Verdict(UNDECIDED if interval[1] >= -standard_error else DIFFERENT)
