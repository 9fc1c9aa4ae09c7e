"""Which share of a chip's arrays each layer of a network gets."""

import heapq
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnscli.base import NoSolutionError


@dataclass(frozen=True)
class Stage:
    """A layer as it is mapped to units, each of which holds one tile of weights.

    With c copies of its tiles each of its steps takes ``ceil(waves / c)`` times ``time``; a step
    that needs the outputs of the one before also takes ``wait``.

    Parameters
    ----------
    tiles
        Units that one copy takes.
    waves
        Vectors that each tile is given in a step; copies share them.
    time
        Time in s from one vector to the next.
    steps
        How often the layer waits for its own outputs, as a recurrent one does.
    depth
        How many such layers follow one another: all of ``tiles`` are in one of them, or spread
        over them; only the latency of the network counts them apart.
    wait
        Time in s from the last vector of a step to its outputs.
    idle
        Of ``tiles`` those that compute nothing, as of experts to which no vector goes.
    """

    tiles: int
    waves: int
    time: float
    steps: int = 1
    depth: int = 1
    wait: float = 0.0
    idle: int = 0

    def rounds(self, copies: int) -> int:
        """Vectors that the busiest copy is given, one after the other."""
        return self.steps * -(-self.waves // copies)

    def _taking(self, rounds: int) -> float:
        """Time in s of all steps, with so many rounds in each."""
        chained = self.wait if self.steps > 1 else 0.0
        return self.steps * (rounds * self.time + chained)

    def duration(self, copies: int) -> float:
        """Time in s of one of the layers until the next input may enter."""
        return self._taking(-(-self.waves // copies))

    def latency(self, copies: int) -> float:
        """Time in s of one of the layers from its first input to its last output."""
        return self.duration(copies) + (self.wait if self.steps == 1 else 0.0)

    def copies_within(self, limit: float, strictly: bool = False) -> int | None:
        """The fewest copies that take at most, or less than, a time; ``None`` if none do."""

        def fits(rounds: int) -> bool:
            duration = self._taking(rounds)
            return duration < limit if strictly else duration <= limit

        chained = self._taking(0)
        rounds = min(self.waves, int(max(0.0, limit - chained) / (self.steps * self.time)) + 1)
        # A quotient of floating point is off by one at most.
        while rounds and not fits(rounds):
            rounds -= 1
        return -(-self.waves // rounds) if rounds else None

    def more(self, copies: int) -> int | None:
        """The fewest copies that are faster than these; ``None`` if none are."""
        rounds = -(-self.waves // copies)
        return -(-self.waves // (rounds - 1)) if rounds > 1 else None


def _units(stages: Sequence[Stage], copies: Sequence[int]) -> int:
    return sum(stage.tiles * many for stage, many in zip(stages, copies, strict=True))


def balanced_copies(stages: Sequence[Stage], units: int) -> tuple[int, ...]:
    """Copies of each layer with which the slowest layer takes the least time.

    Layers work at the same time, each on another input, so that the slowest one decides how often
    an input can enter. Exact: no other numbers of copies that fit make the slowest layer faster,
    and of those that are as fast these are the fewest. Of a time t the fewest copies that keep it
    follow for each layer alone; t is found by bisection, and is the best one when there is none
    below it whose copies fit.

    Parameters
    ----------
    stages
        The layers.
    units
        Units of the chip.

    Raises
    ------
    NoSolutionError
        If one copy of each layer needs more units.

    Examples
    --------
    >>> first, second = Stage(tiles=1, waves=100, time=1.0), Stage(tiles=2, waves=25, time=1.0)
    >>> balanced_copies([first, second], units=10)
    (6, 2)
    """
    copies = (1,) * len(stages)
    if not stages:
        return copies
    needed = _units(stages, copies)
    if needed > units:
        raise NoSolutionError(f"one copy of each layer takes {needed} units of {units}")

    def within(limit: float, strictly: bool = False) -> tuple[int, ...] | None:
        made: list[int] = []
        left = units
        for stage in stages:
            many = stage.copies_within(limit, strictly)
            if many is None or (left := left - many * stage.tiles) < 0:
                return None
            made.append(many)
        return tuple(made)

    def slowest(copies: tuple[int, ...]) -> float:
        return max(stage.duration(many) for stage, many in zip(stages, copies, strict=True))

    low, high = 0.0, slowest(copies)
    while (better := within(high, strictly=True)) is not None:
        copies, high = better, slowest(better)
        while high - low > 1e-3 * high:
            middle = (low + high) / 2
            found = within(middle)
            if found is None:
                low = middle
            else:
                copies, high = found, slowest(found)
    return copies


def spread_copies(
    stages: Sequence[Stage], units: int, least: Sequence[int] | None = None
) -> tuple[int, ...]:
    """Copies of each layer with which all layers, one after the other, take little time.

    The sum of ``depth duration`` is least for real numbers of copies where ``c^2`` is in proportion
    to ``depth steps waves time / tiles`` (of a Lagrange multiplier, found by bisection), which also
    bounds it from below: `least_latency`. These numbers are rounded down, and the units that are
    left go where they save most for each. ``least`` are copies that a layer must have.

    Examples
    --------
    >>> first, second = Stage(tiles=1, waves=100, time=1.0), Stage(tiles=4, waves=100, time=1.0)
    >>> spread_copies([first, second], units=14)
    (6, 2)
    """
    copies = list(least or (1,) * len(stages))
    left = units - _units(stages, copies)
    if left < 0:
        raise NoSolutionError(f"one copy of each layer takes {units - left} units of {units}")
    relaxed = _relaxed(stages, units, copies)
    copies = [max(low, math.floor(real)) for low, real in zip(copies, relaxed, strict=True)]
    left = units - _units(stages, copies)

    def candidate(index: int) -> tuple[float, int, int] | None:
        stage, many = stages[index], copies[index]
        more = stage.more(many)
        if more is None:
            return None
        saved = stage.depth * (stage.duration(many) - stage.duration(more))
        return (-saved / (stage.tiles * (more - many)), index, more)

    heap = [one for one in map(candidate, range(len(stages))) if one]
    heapq.heapify(heap)
    while heap and left > 0:
        _, index, more = heapq.heappop(heap)
        cost = stages[index].tiles * (more - copies[index])
        if cost <= left:
            left -= cost
            copies[index] = more
            if (following := candidate(index)) is not None:
                heapq.heappush(heap, following)
    # What rounding up of the waves leaves without use.
    return tuple(
        max(low, -(-stage.waves // -(-stage.waves // many)))
        for stage, many, low in zip(stages, copies, least or (1,) * len(stages), strict=True)
    )


def least_latency(stages: Sequence[Stage], units: int) -> float:
    """What no mapping of the layers, one after the other, is faster than, in s."""
    copies = _relaxed(stages, units, (1,) * len(stages))
    return math.fsum(
        stage.depth * stage.steps * max(1.0, stage.waves / many) * stage.time
        for stage, many in zip(stages, copies, strict=True)
    )


def _relaxed(stages: Sequence[Stage], units: int, least: Sequence[int]) -> list[float]:
    """The best real numbers of copies, from those that there must be to one for each wave."""
    weights = np.array([math.sqrt(s.depth * s.steps * s.waves * s.time / s.tiles) for s in stages])
    tiles, waves = (np.array([float(getattr(s, of)) for s in stages]) for of in ("tiles", "waves"))
    low = np.array(least, dtype=float)

    def copies(level: float) -> NDArray[np.float64]:
        found: NDArray[np.float64] = np.maximum(low, np.minimum(waves, level * weights))
        return found

    found = copies(_largest(lambda level: float(tiles @ copies(level)), units))
    return [float(one) for one in found]


def _largest(taken: Callable[[float], float], units: int) -> float:
    """The largest level at which no more is taken than there is; taken rises with it."""
    low, high = 0.0, 1e-30
    while taken(high) <= units and high < 1e30:
        low, high = high, high * 1e3
    for _ in range(200):
        middle = math.sqrt(max(low, high * 1e-4) * high)
        if taken(middle) <= units:
            low = middle
        else:
            high = middle
        if high <= low * (1 + 1e-12):
            break
    return low
