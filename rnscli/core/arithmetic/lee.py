r"""Decoding by the size of errors: the legitimate value that is nearest in circular distances.

Of a word with residues r_i the cost of a value X is ``sum_i w_i d_i^2``, d_i being the distance of
r_i and X on the circle of m_i steps. For normal noise of variances ``1 / w_i`` the value of least
cost is the most likely one.

Let C_i be 1 modulo m_i and 0 modulo the others. The Chinese remainder theorem for all N residues
turns a word into a number Y modulo the product M of the moduli, and errors e_i into a shift: it is
``Y = X + s(e)``, ``s(e) = sum_i e_i C_i`` modulo M. So the legitimate values ``0 <= X < L`` of a
word are the errors whose shifts lie in the window ``(Y - L, Y]``. Errors of a cost up to a reach
are listed once, by their shifts; the least cost within a window of the list is found from two
minima of runs of a power of two (a sparse table), whatever its length. If there is one, no other
value has a smaller cost, as all those are in the list; if there is none, a longer list is tried.
"""

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rnscli.base import InputError
from rnscli.core.arithmetic.decoders import CORRECTED, DETECTED, VALID, Lee, is_unsure
from rnscli.core.arithmetic.hamming import Statuses, information_values
from rnscli.core.arithmetic.moduli import ModuliSet, crt_weights
from rnscli.core.arithmetic.residues import MAX_SIMULATED_RANGE, FloatArray, IntArray, RangeReader

_Bools = npt.NDArray[np.bool_]
_MOST_LISTED = 1 << 20


class Ball(NamedTuple):
    """All errors ``(N, K)`` of a cost up to ``reach``, by their shifts, ascending."""

    errors: npt.NDArray[np.int32]
    costs: FloatArray
    shifts: IntArray
    reach: float
    complete: bool  # whether these are all errors that there are


class LeeReader:
    """Words of L integers ``[lowest, lowest + L)``, decoded to the nearest of them.

    Parameters
    ----------
    moduli
        A set of pairwise coprime moduli; the product of all of them is at most 2**62.
    size
        Number L of legitimate values.
    weights
        Weight w_i of each residue, in the order of ``moduli.moduli``; 1 if not given.
    retry_above
        Cost above which a word is rejected, so that it is computed again; none if not given. A
        word that is farther from all legitimate values than the longest list reaches is rejected
        in any case.

    Raises
    ------
    InputError
        If the product of the moduli is too large.
    """

    def __init__(
        self,
        moduli: ModuliSet,
        size: int,
        weights: tuple[float, ...] | None = None,
        retry_above: float = math.inf,
    ) -> None:
        check_lee(moduli)
        self._moduli, self._size, self._lowest = moduli, size, -(size // 2)
        self._weights = (1.0,) * moduli.count if weights is None else weights
        self._retry_above = retry_above
        self._reader = RangeReader(moduli.moduli, moduli.total_range, -self._lowest)

    def decode(self, residues: IntArray) -> tuple[IntArray, Statuses]:
        """Values and their status, of words ``(N, W)``."""
        numbers, _ = self._reader.read(residues)
        status = np.full(numbers.shape, CORRECTED, dtype=np.uint8)
        clean = numbers < self._size
        status[clean] = VALID
        values = numbers
        pending = np.flatnonzero(~clean)
        for table in self._tables():
            if not pending.size:
                break
            rank, found = table.least(numbers[pending] - self._size, numbers[pending])
            index, done = table.ranked[rank], pending[found]
            values[done] = (numbers[done] - table.ball.shifts[index]) % self._moduli.total_range
            status[done[is_unsure(table.ball.costs[index], self._retry_above)]] = DETECTED
            pending = pending[~found]
        values += self._lowest
        status[pending] = DETECTED
        values[pending] = information_values(self._moduli, self._size, residues[:, pending])
        return values, status

    def _tables(self) -> "Iterator[Windows]":
        """Lists of errors, each longer than the one before; the longer ones only where needed."""
        for most in (Lee.listed, _MOST_LISTED):
            table = windows_of(self._moduli, self._size, self._weights, most)
            yield table
            if table.ball.complete:
                return

    @property
    def reach(self) -> float:
        """Cost up to which the nearest value is found for certain."""
        *_, last = self._tables()
        return math.inf if last.ball.complete else last.ball.reach


class Windows:
    """The least cost in windows of the shifts of listed errors."""

    def __init__(self, ball: Ball, size: int, total: int) -> None:
        """For windows of less than twice ``size``, on a circle of ``total``."""
        self.ball, self._total = ball, total
        # Of errors of the same cost those with fewer wrong residues go first.
        self.ranked = np.lexsort((ball.shifts, (ball.errors != 0).sum(axis=0), ball.costs))
        self.rank = np.empty(self.ranked.size, dtype=np.int32)
        self.rank[self.ranked] = np.arange(self.ranked.size, dtype=np.int32)
        # Windows begin less than once round the circle before it.
        rounds = range(-1, 2 if 2 * size > total else 1)
        self._shifts = np.concatenate([ball.shifts + turn * total for turn in rounds])
        reach = min(2 * size, (len(rounds) - 1) * total)
        ends = np.searchsorted(self._shifts, self._shifts + reach, side="left")
        longest = int((ends - np.arange(ends.size)).max())
        levels = [np.tile(self.rank, len(rounds))]
        width = 1
        while 2 * width <= longest:
            last = levels[-1]
            doubled = last.copy()
            np.minimum(last[:-width], last[width:], out=doubled[:-width])
            levels.append(doubled)
            width *= 2
        self._least = np.concatenate(levels)
        lengths = np.arange(longest + 1)
        lengths[0] = 1
        self._level = np.floor(np.log2(lengths)).astype(np.int64)

    def least(self, before: IntArray, last: IntArray) -> tuple[IntArray, _Bools]:
        """Rank of the errors of least cost with a shift in ``(before, last]``, if there are any.

        The ranks are of those windows where there are.
        """
        starts = np.searchsorted(self._shifts, before, side="right")
        ends = np.searchsorted(self._shifts, last, side="right")
        found: _Bools = ends > starts
        starts, ends = starts[found], ends[found]
        level = self._level[ends - starts]
        base = level * self._shifts.size
        first, second = base + starts, base + ends - (1 << level)
        return np.minimum(self._least[first], self._least[second]), found


def check_lee(moduli: ModuliSet) -> None:
    """Refuse sets whose words are too large to decode by the size of errors."""
    if moduli.total_range > MAX_SIMULATED_RANGE:
        raise InputError(
            f"the moduli have a product of {moduli.total_range.bit_length()} bits; the `decoder` "
            "lee takes at most 2^62: give fewer or smaller ones",
            "decoder",
            "moduli",
        )


@lru_cache(maxsize=32)  # by value: a worker process gets a new code with every block
def windows_of(moduli: ModuliSet, size: int, weights: tuple[float, ...], most: int) -> Windows:
    """Those of the code of L legitimate values, with a list of at most so many errors."""
    return Windows(error_ball(moduli, weights, most), size, moduli.total_range)


@lru_cache(maxsize=32)
def error_ball(moduli: ModuliSet, weights: tuple[float, ...], most: int) -> Ball:
    """The errors of the smallest costs: as many as there are up to some cost, at most ``most``.

    Examples
    --------
    >>> ball = error_ball(ModuliSet([7, 5, 3]), (1.0, 1.0, 1.0), 20)
    >>> ball.errors.shape, ball.reach
    ((3, 19), 2.5)
    """
    reach = sum(weights)  # an error of one step in every residue
    while (found := _up_to(moduli, weights, reach, most)) is None:
        reach /= 1.5
    while not found.complete:
        larger = _up_to(moduli, weights, reach * 1.25, most)
        if larger is None:
            break
        reach, found = reach * 1.25, larger
    return found._replace(reach=float(found.costs.max()) if found.complete else reach)


def _up_to(moduli: ModuliSet, weights: tuple[float, ...], reach: float, most: int) -> Ball | None:
    """All errors of a cost up to a reach; ``None`` if there are more than ``most``."""
    total = moduli.total_range
    shifts_of_one = crt_weights(moduli.moduli)
    errors = np.zeros((0, 1), dtype=np.int32)
    costs, shifts = np.zeros(1), np.zeros(1, dtype=np.int64)
    complete = True
    for modulus, weight, shift in zip(moduli.moduli, weights, shifts_of_one, strict=True):
        lowest, highest = -((modulus - 1) // 2), modulus // 2
        left = np.sqrt((reach * (1 + 1e-12) - costs) / weight)
        complete &= bool(left.min() >= highest)
        above = np.minimum(np.floor(left), highest).astype(np.int64)
        below = np.maximum(-np.floor(left), lowest).astype(np.int64)
        count = above - below + 1
        if int(count.sum()) > most:
            return None
        before = np.repeat(np.arange(count.size), count)
        value = np.arange(before.size) - np.repeat(np.cumsum(count) - count, count) + below[before]
        reached = range(int(below.min()), int(above.max()) + 1)
        moved = np.array([error * shift % total for error in reached], dtype=np.int64)
        errors = np.vstack((errors[:, before], value.astype(np.int32)))
        costs = costs[before] + weight * value.astype(np.float64) ** 2
        shifts = (shifts[before] + moved[value - reached.start]) % total
    order = np.argsort(shifts)
    return Ball(errors[:, order], costs[order], shifts[order], reach, complete)
