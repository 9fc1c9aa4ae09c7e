"""The front of numbers that are better when smaller, as they are printed."""

import numpy as np
import numpy.typing as npt

from rnscli.analysis.design.limits import TOLERANCE, Table

_BLOCK = 512


def ranked(costs: Table) -> Table:
    """Ranks of numbers within each column; those that only rounding tells apart have the same.

    Designs that cost the same are computed by different sums, and differ in their last digits.
    """
    ranks = np.empty_like(costs)
    for column, values in enumerate(costs.T):
        distinct, place = np.unique(values, return_inverse=True)
        rises = distinct[1:] > distinct[:-1] * (1 + TOLERANCE)
        ranks[:, column] = np.concatenate(([0], np.cumsum(rises)))[place]
    return ranks


def rounded(costs: Table, digits: int = 4) -> Table:
    """Numbers to so many significant digits, as tables print them.

    Examples
    --------
    >>> rounded(np.array([[44.1812, 0.0, np.inf]])).tolist()
    [[44.18, 0.0, inf]]
    """
    known = (costs != 0) & np.isfinite(costs)
    scale = np.zeros_like(costs)
    scale[known] = digits - 1 - np.floor(np.log10(np.abs(costs[known])))
    # Products of powers of ten overflow for numbers that are small enough.
    halves = 10.0 ** np.floor(scale / 2), 10.0 ** (scale - np.floor(scale / 2))
    made = costs.copy()
    made[known] = np.rint(costs[known] * halves[0][known] * halves[1][known])
    made[known] = made[known] / halves[0][known] / halves[1][known]
    return made


def in_order(costs: Table) -> npt.NDArray[np.int64]:
    """Indices of rows in the order of their first column, then of the second, and so on."""
    # The last key of lexsort is the first that it sorts by.
    return np.lexsort(costs[:, ::-1].T)


def pareto_front(costs: Table) -> npt.NDArray[np.int64]:
    """Indices of the points that no other point dominates, in order.

    A point dominates another if it is nowhere larger and somewhere smaller. Of equal points the
    first one is kept; there may be no NaN. Time is proportional to the points times the front.
    """
    if not len(costs):
        return np.empty(0, dtype=np.int64)
    distinct, first = np.unique(costs, axis=0, return_index=True)
    # In lexicographic order a point can only be dominated by one before it.
    kept = np.empty((0, costs.shape[1]))
    indices: list[npt.NDArray[np.int64]] = []
    for start in range(0, len(distinct), _BLOCK):
        block, where = distinct[start : start + _BLOCK], first[start : start + _BLOCK]
        alive = ~_dominated(block, kept)
        block, where = block[alive], where[alive]
        alive = ~_dominated(block, block)
        kept = np.concatenate((kept, block[alive]))
        indices.append(where[alive])
    return np.sort(np.concatenate(indices))


def by_fronts(costs: Table, most: int) -> npt.NDArray[np.int64]:
    """Indices of at most so many points: the front, the front of the others, and so on.

    Of the last of these that fits in part, the first points in order are taken.

    Examples
    --------
    >>> by_fronts(np.array([[1.0, 1.0], [4.0, 4.0], [2.0, 3.0], [3.0, 2.0]]), 3).tolist()
    [0, 2, 3]
    """
    left = np.arange(len(costs))
    found = np.empty(0, dtype=np.int64)
    while left.size and len(found) < most:
        front = pareto_front(costs[left])
        front = front[in_order(costs[left[front]])]
        found = np.concatenate((found, left[front]))
        left = np.delete(left, front)
    return found[:most]


def _dominated(points: Table, by: Table) -> npt.NDArray[np.bool_]:
    """Whether each point is dominated by one of the others; all are different."""
    dominated = np.zeros(len(points), dtype=bool)
    if not len(by):
        return dominated
    for start in range(0, len(by), _BLOCK):
        others = by[start : start + _BLOCK]
        left = np.flatnonzero(~dominated)
        if not left.size:
            break
        no_larger = np.ones((left.size, len(others)), dtype=bool)
        equal = np.ones_like(no_larger)
        for column in range(points.shape[1]):
            mine, theirs = points[left, column, None], others[None, :, column]
            no_larger &= theirs <= mine
            equal &= theirs == mine
        dominated[left] = (no_larger & ~equal).any(axis=1)
    return dominated
