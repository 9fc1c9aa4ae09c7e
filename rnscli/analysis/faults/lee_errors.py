"""What decoding to the nearest value makes of errors of all residues.

A word X + e is decoded to another value X + D where an error f of smaller cost than e has a shift
``s(f) = s(e) - D`` (`rnscli.core.arithmetic.lee`) and X + D is legitimate. Of all such f the one of
least cost takes the values at one end of the range, those with ``X + D`` in it, and what is left is
a range again, in which a smaller D is needed: until none is left, or no such f.
"""

import math

import numpy as np

from rnscli.analysis.faults.small_errors import SizedOutcome
from rnscli.analysis.faults.value_law import ValueLaw
from rnscli.core import FloatArray, IntArray, RedundantCode, crt_weights, is_unsure, windows_of

_LISTED = 1 << 18


def lee_outcome(
    code: RedundantCode, errors: IntArray, chances: FloatArray, tolerance: int, values: ValueLaw
) -> SizedOutcome:
    """What becomes of errors ``(N, K)`` with their chances, on average over values."""
    moduli, size = code.moduli, code.size
    weights = (1.0,) * moduli.count if code.weights is None else code.weights
    table = windows_of(moduli, size, weights, _LISTED)
    ball, total = table.ball, moduli.total_range
    shifts = _shifts(code, errors)
    place = np.minimum(np.searchsorted(ball.shifts, shifts), ball.shifts.size - 1)
    listed = ball.shifts[place] == shifts
    left_open = math.fsum(chances[~listed].tolist())
    shifts, chances, own = shifts[listed], chances[listed], table.rank[place[listed]]
    low, high = np.zeros_like(shifts), np.full_like(shifts, size)  # of the values that are left
    found = dict.fromkeys(SizedOutcome._fields, 0.0)
    index = np.arange(shifts.size)  # errors of which some values are left
    while index.size:
        shift, first, behind = shifts[index], low[index], high[index]
        # D from -behind + 1 to size - first - 1: windows begin once round before them.
        before = shift - (size - first)
        turns = before // total + 1
        rank, there = table.least(before - turns * total, shift + behind - 1 - turns * total)
        assert there.all()  # the error itself is in the list
        nearer = rank < own[index]
        _add(found, code, ball.costs[table.ranked[own[index[~nearer]]]], chances[index[~nearer]],
             np.zeros(int((~nearer).sum()), dtype=np.int64), first[~nearer], behind[~nearer],
             tolerance, values)  # fmt: skip
        index, rank = index[nearer], rank[nearer]
        first, behind = first[nearer], behind[nearer]
        moved = (shifts[index] - ball.shifts[table.ranked[rank]]) % total
        # The shorter way if both lead to values that are left.
        moved = np.where(moved < size - first, moved, moved - total)
        start = np.where(moved > 0, first, np.maximum(first, -moved))
        end = np.where(moved > 0, np.minimum(behind, size - moved), behind)
        costs = ball.costs[table.ranked[rank]]
        _add(found, code, costs, chances[index], moved, start, end, tolerance, values)
        low[index] = np.where(moved > 0, end, first)
        high[index] = np.where(moved > 0, behind, start)
        index = index[low[index] < high[index]]
    return SizedOutcome(**found | {"open": left_open})


def _shifts(code: RedundantCode, errors: IntArray) -> IntArray:
    """What errors add to the number that all residues of a word stand for."""
    moduli = code.moduli
    shifts = np.zeros(errors.shape[1], dtype=np.int64)
    weights = crt_weights(moduli.moduli)
    for row, weight in zip(errors, weights, strict=True):
        lowest, highest = int(row.min()), int(row.max())
        of_each = [error * weight % moduli.total_range for error in range(lowest, highest + 1)]
        shifts = (shifts + np.array(of_each, dtype=np.int64)[row - lowest]) % moduli.total_range
    return shifts


def _add(
    found: dict[str, float],
    code: RedundantCode,
    costs: FloatArray,
    chances: FloatArray,
    moved: IntArray,
    start: IntArray,
    end: IntArray,
    tolerance: int,
    values: ValueLaw,
) -> None:
    """Count values from start to before end that are moved by so much."""
    share = chances * values.between(start, end - 1, code.size)
    accepted = ~is_unsure(costs, code.retry_above)
    off = np.abs(moved).astype(np.float64)
    right = moved == 0
    for name, of in (
        ("detected", ~accepted),
        ("correct", accepted & right),
        ("undetected", accepted & ~right),
        ("gross", accepted & (off > tolerance)),
        ("absolute", np.where(accepted, off, 0.0)),
        ("square", np.where(accepted, off**2, 0.0)),
    ):
        found[name] += float(np.einsum("i,i->", share, of))
