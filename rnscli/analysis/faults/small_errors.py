r"""Outcome of decoders that look at the size of errors, by enumerating the likely ones.

Such a decoder is a function of the received word, and a word X + e differs from another only in
where its candidates lie against the ends of the legitimate range. So an error e is decoded once, to
a difference d(e) of the value, and counts for the values X for which ``X + d(e)`` is legitimate:
the mean over X, uniform in the range, is exact. Errors are taken in the order of their
probability; what is left out bounds all results from both sides.
"""

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rnscli.analysis.faults.likely_errors import likely_errors
from rnscli.analysis.faults.value_law import ValueLaw
from rnscli.core import (
    DETECTED,
    FloatArray,
    IntArray,
    ModuliSet,
    NoiseLaw,
    RangeReader,
    RedundantCode,
    mean_on_circle,
)

MOST_ERRORS = 1 << 19
_ENOUGH = 1e-12  # share of the probability of an error that may be left out


_Bools = npt.NDArray[np.bool_]


class SizedOutcome(NamedTuple):
    """How one attempt ends, and how far what it puts out is off.

    ``open`` is the probability of errors whose outcome is not known; the other three and it add up
    to 1. ``gross`` is the probability of an accepted output that is further off than the tolerance,
    ``absolute`` and ``square`` the means of what accepted outputs are off, and of the square, 0
    where nothing is accepted.
    """

    correct: float
    detected: float
    undetected: float
    open: float
    gross: float
    absolute: float
    square: float


class _Differences(NamedTuple):
    """By how much errors move values, whether these are rejected, and where that is not known.

    Some is known only of values that are far enough from the ends of the range.
    """

    moved: IntArray
    rejected: _Bools
    unknown: _Bools
    within: _Bools


@lru_cache(maxsize=256)
def sized_outcome(
    moduli: ModuliSet,
    size: int,
    decoder: str,
    laws: tuple[NoiseLaw, ...],
    tolerance: int,
    values: ValueLaw,
) -> SizedOutcome:
    """Outcome of one attempt, in the mean over the values of words.

    Parameters
    ----------
    moduli, size, decoder
        A code with a decoder of its own.
    laws
        Those of the errors of each residue.
    tolerance
        Steps by which an output may be off without being grossly wrong.
    values
        Law of the values.
    """
    vectors = [law.error_distribution(m) for law, m in zip(laws, moduli.moduli, strict=True)]
    found = None
    for errors, chances, others in likely_errors(vectors, MOST_ERRORS):
        found = _outcome(moduli, size, decoder, errors, chances, others, tolerance, values)
        if others <= _ENOUGH * (found.undetected + found.detected):
            break
    assert found is not None  # the first set of errors is never too large
    return found


def _outcome(
    moduli: ModuliSet,
    size: int,
    decoder: str,
    errors: IntArray,
    chances: FloatArray,
    others: float,
    tolerance: int,
    values: ValueLaw,
) -> SizedOutcome:
    moved, rejected, unknown, within = _differences(moduli, size, decoder, errors)
    inset = 2 * moduli.factor
    at_ends = 1.0 - float(values.between(inset, size - 1 - inset, size))
    away = np.where(unknown, 1.0, np.where(within, at_ends, 0.0))
    left_open = others + _sum(chances, away)
    chances = chances * (1.0 - away)
    always = math.fsum(chances[rejected].tolist())
    known = ~(rejected | unknown)
    differences, place = np.unique(moved[known], return_inverse=True)
    weights = np.bincount(place.ravel(), chances[known], differences.size)
    shares = _Shares.of(moduli, size, differences, tolerance, values)
    return SizedOutcome(
        correct=_sum(weights, shares.correct),
        detected=always + _sum(weights, shares.rejected),
        undetected=_sum(weights, shares.wrong),
        open=left_open,
        gross=_sum(weights, shares.gross),
        absolute=_sum(weights, shares.absolute),
        square=_sum(weights, shares.square),
    )


def _sum(weights: Any, shares: FloatArray) -> float:
    return float(np.einsum("i,i->", weights, shares))


class _Shares(NamedTuple):
    """Of all values the shares that are decoded right, wrong and grossly so, or are rejected.

    And what wrong ones are off, in the mean over all values.
    """

    correct: FloatArray
    wrong: FloatArray
    gross: FloatArray
    rejected: FloatArray
    absolute: FloatArray
    square: FloatArray

    @classmethod
    def of(
        cls,
        moduli: ModuliSet,
        size: int,
        differences: IntArray,
        tolerance: int,
        values: ValueLaw,
    ) -> "_Shares":
        """Of values that are moved by differences; one for each."""
        numbers = np.zeros((6, differences.size))
        gap = moduli.total_range - size
        near = (moduli.factor - 1) // 2
        above = min(near, (gap + 1) // 2)
        below = min(near, gap - (gap + 1) // 2)
        ways: list[IntArray] = [differences]
        if not moduli.redundant:  # round the circle, to either side
            ways = [differences % moduli.total_range]
            ways.append(ways[0] - moduli.total_range)
        for off in ways:
            _count(numbers, off, values.between(-off, size - 1 - off, size), tolerance)
            for beyond in range(1, above + 1):
                value = size - 1 + beyond - off
                _count(numbers, off - beyond, values.between(value, value, size), tolerance)
            for beyond in range(1, below + 1):
                value = -beyond - off
                _count(numbers, off + beyond, values.between(value, value, size), tolerance)
        numbers[3] = np.maximum(0.0, 1.0 - numbers[0] - numbers[1])
        return cls(*numbers)


def _count(numbers: FloatArray, off: IntArray, values: FloatArray, tolerance: int) -> None:
    """Add the shares of values that are put out and are off by so much."""
    away = np.abs(off).astype(np.float64)
    numbers[0] += np.where(off == 0, values, 0)
    numbers[1] += np.where(off != 0, values, 0)
    numbers[2] += np.where(away > tolerance, values, 0)
    numbers[4] += values * away
    numbers[5] += values * away**2


def _differences(moduli: ModuliSet, size: int, decoder: str, errors: IntArray) -> _Differences:
    """What robust reconstruction makes of errors."""
    factor = moduli.factor
    cofactors = np.array(moduli.cofactors)[:, np.newaxis]
    quotients, parts = np.divmod(errors, factor)
    remainder, passed = mean_on_circle(parts, factor)
    quotients = (quotients - passed) % cofactors
    reach = size // factor + 3
    limit, offset = (2 * reach + 1, reach) if moduli.redundant else (math.prod(moduli.cofactors), 0)
    found, together = RangeReader(moduli.cofactors, limit, offset).read(quotients)
    moved = factor * (found - offset) + np.floor(remainder + 0.5).astype(np.int64)
    unknown, within = np.zeros((2, *together.shape), dtype=np.bool_)
    rejected = ~together
    radius = moduli.redundant // 2
    if radius:
        # Where the first step may fail, groups are tried, with other candidates at either end.
        open_ones = np.flatnonzero(rejected | (np.abs(moved) >= factor))
        ends = _at_ends(moduli, size, decoder, errors[:, open_ones])
        (low, rejected_low), (high, rejected_high) = ends
        same = (low == high) & ~rejected_low & ~rejected_high & (np.abs(low) < factor)
        both = rejected_low & rejected_high
        moved[open_ones] = low
        rejected[open_ones], unknown[open_ones] = both, ~(same | both)
        within[open_ones] = True
    return _Differences(moved, rejected, unknown, within)


def _at_ends(
    moduli: ModuliSet, size: int, decoder: str, errors: IntArray
) -> Iterator[tuple[IntArray, _Bools]]:
    """By how much values near either end are moved, and whether they are rejected.

    A value in between has no candidate that neither of these has.
    """
    code = RedundantCode(moduli, size, decoder)
    members = np.array(moduli.moduli)[:, np.newaxis]
    inset = min(moduli.factor, size // 2)
    for value in (code.lowest + inset, code.highest - inset):
        word = code.encode(np.array([value]))
        decoded = code.decode((word + errors) % members)
        yield decoded.values - value, decoded.status == DETECTED
