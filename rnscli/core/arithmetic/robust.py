r"""Decoding of sets with a common factor, for errors that are small, in every residue.

Residues of X modulo ``m_i = G mu_i`` all agree modulo G: ``r_i = r + G q_i`` with
``X = r + G Q``, ``q_i = Q mod mu_i``. Of residues with errors ``e_i`` the parts ``r_i mod G`` lie
round a circle of G steps, about r. Their mean on that circle, which minimises
``sum_i w_i d(r_i, r)^2``, is the maximum likelihood estimate of r for normal noise; it lies where
the circle is cut between two of the N points, so that N means are compared. What is left,
``q_i = (r_i - r) / G``, is a whole number by construction, and Q follows from the q_i by the
Chinese remainder theorem for the coprime mu_i: exactly if all ``|e_i - e| < G / 2``, with e the
mean of the errors, and so if all ``|e_i| < G / 4``. X is then off by e, rounded.

With k redundant members the q_i are a word of a redundant code, in which up to ``floor(k / 2)``
residues may be wrong by any amount: groups of n residues that avoid every such pattern are tried,
and the value that is far, by half of G, from the fewest residues is taken, if these are few enough.
Errors that lead beyond an end of the legitimate range, by less than half of G, belong to that end.
"""

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from rnscli.core.arithmetic.decoders import (
    CORRECTED,
    DETECTED,
    VALID,
    check_patterns,
    covering,
    is_unsure,
)
from rnscli.core.arithmetic.hamming import Statuses
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.arithmetic.residues import FloatArray, IntArray, RangeReader

_Bools = npt.NDArray[np.bool_]


class RobustReader:
    """Words of L integers ``[lowest, lowest + L)`` modulo a set with a common factor.

    Parameters
    ----------
    moduli
        The set.
    size
        Number L of legitimate values, at most its dynamic range.
    radius
        How many residues may be wrong by any amount, at most ``floor(k / 2)``.
    weights
        Weight w_i of each residue, in the order of ``moduli.moduli``; 1 if not given.
    retry_above
        Cost above which a word is rejected; none if not given.

    References
    ----------
    Wang and Xia, "A closed-form robust Chinese remainder theorem and its performance analysis",
    IEEE Trans. Signal Processing 2010; Wang, Li, Wang and Xia, "Maximum likelihood estimation based
    robust Chinese remainder theorem for real numbers and its fast algorithm", ibid. 2015 (the mean
    on the circle); Xiao, Huang, Ye and Xiao, "Robustness in Chinese remainder theorem for multiple
    numbers and remainder coding", ibid. 2018 (redundant members).
    """

    def __init__(
        self,
        moduli: ModuliSet,
        size: int,
        radius: int,
        weights: tuple[float, ...] | None = None,
        retry_above: float = math.inf,
    ) -> None:
        check_patterns(moduli.count, radius)
        self._moduli, self._size, self._radius = moduli, size, radius
        self._factor, self._lowest = moduli.factor, -(size // 2)
        self._weights = np.ones(moduli.count) if weights is None else np.array(weights)
        self._retry_above = retry_above
        self._members = np.array(moduli.moduli)[:, np.newaxis]
        self._cofactors = np.array(moduli.cofactors)[:, np.newaxis]
        self._all, *self._groups = _groups_of(moduli, size, radius)
        cofactors = moduli.cofactors[moduli.redundant :]
        middle = (size // moduli.factor + math.prod(cofactors) + 1) // 2
        self._nearer_above = RangeReader(cofactors, middle + 1, 1)

    def decode(self, residues: IntArray) -> tuple[IntArray, Statuses]:
        """Values and their status, of words ``(N, W)``.

        Small errors round about one value are `CORRECTED`, whether or not it is the right one.
        """
        shifted = (residues - self._lowest) % self._members
        quotients, parts = np.divmod(shifted, self._factor)
        remainder = parts[0].astype(np.float64)
        spread = np.flatnonzero((parts != parts[0]).any(axis=0))
        if spread.size:
            found, passed, cost = mean_on_circle(parts[:, spread], self._factor, self._weights)
            remainder[spread], unsure = found, spread[is_unsure(cost, self._retry_above)]
            quotients[:, spread] -= passed
        quotient, consistent = self._quotient(self._all, quotients % self._cofactors)
        values = self._value(quotient, remainder)
        status = np.full(residues.shape[1], VALID, dtype=np.uint8)
        status[spread] = CORRECTED
        consistent &= self._near_legitimate(values)
        pending = np.flatnonzero(~consistent)
        status[pending] = DETECTED
        if self._radius and pending.size:
            done, nearest = self._corrected(shifted[:, pending])
            values[pending[done]], status[pending[done]] = nearest, CORRECTED
            pending = pending[~done]
        if self._moduli.redundant and pending.size:
            values[pending] = self._rejected(shifted[:, pending])
        if spread.size:
            status[unsure] = DETECTED
        np.clip(values, 0, self._size - 1, out=values)
        return values + self._lowest, status

    def _near_legitimate(self, values: IntArray) -> _Bools:
        """Which values are legitimate, but for small errors; they are moved round the circle."""
        if not self._moduli.redundant:
            values %= self._moduli.dynamic_range
            beyond = self._size - 1 + (self._moduli.dynamic_range - self._size + 1) // 2
            values[values > beyond] -= self._moduli.dynamic_range
        away = np.maximum(-values, values - (self._size - 1))
        near: _Bools = 2 * away < self._factor
        return near

    def _quotient(self, group: "_Group", quotients: IntArray) -> tuple[IntArray, _Bools]:
        """Q by the residues of a group among those of all, and whether it is legitimate."""
        members, reader = group
        found, inside = reader.read(quotients[members])
        return found - reader.offset, inside

    def _value(self, quotient: IntArray, remainder: FloatArray) -> IntArray:
        """``G Q + r``, rounded, counted from the lowest value."""
        return self._factor * quotient + np.floor(remainder + 0.5).astype(np.int64)

    def _of_group(self, members: list[int], shifted: IntArray) -> tuple[IntArray, FloatArray]:
        """Quotients and common remainder by the residues of a group alone; 0 for all others."""
        quotients, parts = np.divmod(shifted[members], self._factor)
        remainder, passed, _ = mean_on_circle(parts, self._factor, self._weights[members])
        of_all = np.zeros_like(shifted)
        of_all[members] = (quotients - passed) % self._cofactors[members]
        return of_all, remainder

    def _rejected(self, shifted: IntArray) -> IntArray:
        """What the information residues say, or the nearer end if that is not legitimate."""
        group = self._groups[0]
        quotients, remainder = self._of_group(group[0], shifted)
        found, inside = self._quotient(group, quotients)
        _, above = self._nearer_above.read(quotients[group[0]])
        ends = np.where(above, self._size - 1, 0)
        return np.where(inside, self._value(found, remainder), ends)

    def _corrected(self, shifted: IntArray) -> tuple[_Bools, IntArray]:
        """Which words have a value far from at most t residues, and that of the nearest such."""
        words = shifted.shape[1]
        fewest = np.full(words, self._radius + 1)
        least = np.full(words, math.inf)
        values = np.zeros(words, dtype=np.int64)
        for group in self._groups:
            quotients, remainder = self._of_group(group[0], shifted)
            found, inside = self._quotient(group, quotients)
            value = self._value(found, remainder)
            off = self._off(shifted, value)
            near = 2 * np.abs(off) < self._factor
            counted = near * self._weights[:, np.newaxis]
            mean = (off * counted).sum(axis=0) / np.maximum(counted.sum(axis=0), 1e-300)
            value += np.floor(mean + 0.5).astype(np.int64)
            off = self._off(shifted, value)
            near = 2 * np.abs(off) < self._factor
            far = (~near).sum(axis=0)
            cost = self._weights @ np.where(near, off, 0).astype(np.float64) ** 2
            inside &= self._near_legitimate(value)
            better = inside & ((far < fewest) | ((far == fewest) & (cost < least)))
            better &= far <= self._radius
            fewest[better], least[better] = far[better], cost[better]
            values[better] = value[better]
        done = fewest <= self._radius
        return done, values[done]

    def _off(self, shifted: IntArray, value: IntArray) -> IntArray:
        """By how much residues are off those of values, the shorter way round."""
        half = self._members // 2
        off: IntArray = (shifted - value + half) % self._members - half
        return off


def mean_on_circle(
    parts: IntArray, factor: int, weights: FloatArray
) -> tuple[FloatArray, _Bools, FloatArray]:
    """Mean of N weighted points ``(N, W)`` in ``[0, G)`` on a circle of G steps.

    It is that of the points with G added to those that passed the cut of the circle, and minimises
    the weighted sum of their squared distances to it round the circle; it may be G and more. Of
    several such means it is the first one seen from the first point, wherever zero is. With it come
    the points that passed, and the sum.

    Examples
    --------
    >>> mean, passed, cost = mean_on_circle(np.array([[7], [1], [7]]), 8, np.ones(3))
    >>> mean.round(3).tolist(), passed[:, 0].tolist()  # 7, 9 and 7
    ([7.667], [False, True, False])
    """
    whole = float(weights.sum())
    scaled = weights[:, np.newaxis]
    points = parts.astype(np.float64)
    weighted = points * scaled
    total, squares = weighted.sum(axis=0), (weighted * points).sum(axis=0)
    # Times the sum of the weights all is whole where these are.
    least = whole * squares - total**2
    alike = 1e-14 * (whole * factor) ** 2  # but for rounding, where weights are not whole
    chosen, cut = total.copy(), np.full(points.shape[1], -1.0)
    ahead = total - whole * points[0]  # of the first point
    for first in points:  # the first one behind the cut; those below it have passed
        below = points < first
        passed = (below * scaled).sum(axis=0)
        sums = total + factor * passed
        moved = squares + 2 * factor * (weighted * below).sum(axis=0) + factor**2 * passed
        cost = whole * moved - sums**2
        further = sums - whole * (points[0] + factor * below[0])
        better = (cost < least - alike) | ((cost <= least + alike) & (further < ahead))
        least[better], ahead[better] = cost[better], further[better]
        chosen[better], cut[better] = sums[better], first[better]
    return chosen / whole, points < cut, least / whole


_Group = tuple[list[int], RangeReader]  # channels, and what reads their quotients


@lru_cache(maxsize=64)  # by value: a worker process gets a new code with every block
def _groups_of(moduli: ModuliSet, size: int, radius: int) -> list[_Group]:
    """The groups that are tried: all residues, the information ones, and others of n of them."""
    count, cofactors = moduli.count, moduli.cofactors
    # Quotients from -1 to one more than that of the last value, where errors lead beyond the ends.
    limit = (size - 1) // moduli.factor + 3
    if not moduli.redundant:
        return [(list(range(count)), RangeReader(cofactors, math.prod(cofactors), 1))]
    groups: list[_Group] = [(list(range(count)), RangeReader(cofactors, limit, 1))]
    for others in covering(count, moduli.redundant, radius):
        members = [i for i in range(count) if i not in others]
        chosen = tuple(cofactors[i] for i in members)
        if limit <= math.prod(chosen):
            groups.append((members, RangeReader(chosen, limit, 1)))
        else:  # the first of these quotients and the last one look alike
            groups.append((members, RangeReader(chosen, limit - 1, 0)))
            groups.append((members, RangeReader(chosen, 1, 1)))
    return groups
