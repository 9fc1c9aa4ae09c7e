"""What robust reconstruction, of moduli that share factors, makes of errors of all residues."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rnscli.analysis.faults.small_errors import SizedOutcome
from rnscli.analysis.faults.value_law import ValueLaw
from rnscli.core import (
    DETECTED,
    FloatArray,
    IntArray,
    RangeReader,
    RedundantCode,
    SharedReader,
    guard_of,
    is_unsure,
    mean_on_circle,
)

_Bools = npt.NDArray[np.bool_]


class _Differences(NamedTuple):
    """By how much errors move values, whether these are rejected, and where that is not known.

    Some is known only of values that are far enough from the ends of the range.
    """

    moved: IntArray
    rejected: _Bools
    unknown: _Bools
    within: _Bools


def robust_outcome(
    code: RedundantCode, errors: IntArray, chances: FloatArray, tolerance: int, values: ValueLaw
) -> SizedOutcome:
    """What robust reconstruction makes of errors ``(N, K)`` with their chances.

    With up to one redundant member, what the decoder makes of an error is a difference that does
    not depend on the value, and what it rejects follows from that. With more of them, what it makes
    of values near either end of the range tells for all between them, where both agree.
    """
    size = code.size
    moved, rejected, unknown, within = _differences(code, errors)
    inset = 2 * code.moduli.factor
    at_ends = 1.0 - float(values.between(inset, size - 1 - inset, size))
    away = np.where(unknown, 1.0, np.where(within, at_ends, 0.0))
    left_open = _sum(chances, away)
    chances = chances * (1.0 - away)
    always = math.fsum(chances[rejected].tolist())
    known = ~(rejected | unknown)
    differences, place = np.unique(moved[known], return_inverse=True)
    weights = np.bincount(place.ravel(), chances[known], differences.size)
    shares = _Shares.of(code, differences, tolerance, values)
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

    And what wrong ones are off, on average over all values.
    """

    correct: FloatArray
    wrong: FloatArray
    gross: FloatArray
    rejected: FloatArray
    absolute: FloatArray
    square: FloatArray

    @classmethod
    def of(
        cls, code: RedundantCode, differences: IntArray, tolerance: int, values: ValueLaw
    ) -> "_Shares":
        """Of values that are moved by differences; one for each."""
        moduli, size = code.moduli, code.size
        numbers = np.zeros((6, differences.size))
        gap = moduli.total_range - size
        near = (guard_of(moduli) - 1) // 2
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


def _differences(code: RedundantCode, errors: IntArray) -> _Differences:
    """What robust reconstruction makes of errors."""
    moduli, size = code.moduli, code.size
    if moduli.shared:
        reader = SharedReader(moduli, size, 0, code.weights, code.retry_above)
        found, unsure = reader.differences(errors)
        return _Differences(found, unsure, *np.zeros((2, *unsure.shape), dtype=np.bool_))
    weights = np.ones(moduli.count) if code.weights is None else np.array(code.weights)
    factor = moduli.factor
    cofactors = np.array(moduli.cofactors)[:, np.newaxis]
    quotients, parts = np.divmod(errors, factor)
    remainder, passed, cost = mean_on_circle(parts, factor, weights)
    quotients = (quotients - passed) % cofactors
    reach = size // factor + 3
    limit, offset = (2 * reach + 1, reach) if moduli.redundant else (math.prod(moduli.cofactors), 0)
    found, together = RangeReader(moduli.cofactors, limit, offset).read(quotients)
    moved = factor * (found - offset) + np.floor(remainder + 0.5).astype(np.int64)
    unknown, within = np.zeros((2, *together.shape), dtype=np.bool_)
    rejected = ~together
    if code.radius:
        # Where the first step may fail, groups are tried, with other candidates at either end.
        open_ones = np.flatnonzero(rejected | (np.abs(moved) >= factor))
        ends = _at_ends(code, errors[:, open_ones])
        (low, rejected_low), (high, rejected_high) = ends
        same = (low == high) & ~rejected_low & ~rejected_high & (np.abs(low) < factor)
        both = rejected_low & rejected_high
        moved[open_ones] = low
        rejected[open_ones], unknown[open_ones] = both, ~(same | both)
        within[open_ones] = True
    unsure = is_unsure(cost, code.retry_above)
    return _Differences(moved, rejected | unsure, unknown & ~unsure, within & ~unsure)


def _at_ends(code: RedundantCode, errors: IntArray) -> Iterator[tuple[IntArray, _Bools]]:
    """By how much values near either end are moved, and whether they are rejected.

    A value in between has no candidate that neither of these has.
    """
    members = np.array(code.moduli.moduli)[:, np.newaxis]
    inset = min(code.moduli.factor, code.size // 2)
    for value in (code.lowest + inset, code.highest - inset):
        word = code.encode(np.array([value]))
        decoded = code.decode((word + errors) % members)
        yield decoded.values - value, decoded.status == DETECTED
