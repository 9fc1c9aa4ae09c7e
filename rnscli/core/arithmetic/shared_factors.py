r"""Decoding of moduli of which some share factors, for errors that are small, in every residue.

The residues of a number agree modulo the greatest common divisor of each pair of moduli. The words
that do are a group, with as many elements as the least common multiple L of the moduli, in that of
all words, so that ``prod m_i / L`` cosets, the syndromes, tell what is wrong. Residues are joined
one after the other: of the number X modulo ``L' = lcm(m_1, .., m_(k-1))`` that those before it make
residue k must agree with ``X mod gcd(m_k, L')``. What it has more, modulo that, is a digit of the
syndrome; without it the residue and X make a number modulo ``lcm(L', m_k)``.

A word is ``X + e`` modulo the m_i, and the errors e are determined up to those with the same
syndrome. For normal noise of variances ``1 / w_i``, of a mean that is not known, the most likely
ones are those of the least ``sum_i w_i (e_i - e)^2``, e being their weighted mean: all e_i may be
moved by the same, which the value then is, too. They are looked up in a table, together with what
they make of the number, so that a value is decoded exactly by one look-up.

The table is filled with all errors up to a cost, counted without those that differ by a constant.
With W the weights of some residues and e their mean, another one adds
``w W / (w + W) (e_k - e)^2`` to the cost: so they are listed residue by residue. Once there is one
for every syndrome nothing cheaper has been left out.

With a common factor alone this is what the mean on the circle finds (`robust`).
"""

import math
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rnscli.base import InputError
from rnscli.core.arithmetic.decoders import CORRECTED, DETECTED, VALID, is_unsure
from rnscli.core.arithmetic.hamming import Statuses
from rnscli.core.arithmetic.moduli import ModuliSet, joints
from rnscli.core.arithmetic.residues import MAX_SIMULATED_RANGE, FloatArray, IntArray

_Bools = npt.NDArray[np.bool_]
MOST_SYNDROMES = 1 << 20
_MOST_LISTED = 1 << 22
_GROWTH = 1.15  # of the cost up to which errors are listed
_ROUNDING = 1e-11  # of costs, relative to the largest
_MOST_CORNERS = 1 << 15


class Table(NamedTuple):
    """Of each syndrome the errors of least cost.

    ``moved`` is by how much they move a value, less the number that their residues make; ``tied``
    says where others cost as little.
    """

    moved: IntArray
    costs: FloatArray
    tied: _Bools


class SharedReader:
    """Words of L integers ``[lowest, lowest + L)`` modulo a set of which pairs share factors.

    Parameters
    ----------
    moduli
        The set, which has no redundant members.
    size
        Number L of legitimate values, at most its dynamic range.
    radius
        How many residues may be wrong by any amount: none.
    weights
        Weight w_i of each residue, in the order of ``moduli.moduli``; 1 if not given.
    retry_above
        Cost above which a word is rejected; none if not given.

    Raises
    ------
    InputError
        If the moduli have too large a range, or too many syndromes.

    References
    ----------
    Xiao, Xia and Wang, "Multi-stage robust Chinese remainder theorem", IEEE Trans. Signal
    Processing 2014 (the sets, decoded in stages).
    """

    def __init__(
        self,
        moduli: ModuliSet,
        size: int,
        radius: int = 0,
        weights: tuple[float, ...] | None = None,
        retry_above: float = math.inf,
    ) -> None:
        assert not radius and not moduli.redundant
        self._moduli, self._size, self._lowest = moduli, size, -(size // 2)
        self._retry_above, self._total = retry_above, moduli.total_range
        self._table = table_of(moduli, (1.0,) * moduli.count if weights is None else weights)
        self._guard = guard_of(moduli)
        self._shifts = (self._table.moved - self._lowest) % self._total

    def decode(self, residues: IntArray) -> tuple[IntArray, Statuses]:
        """Values and their status, of words ``(N, W)``.

        Small errors round about one value are `CORRECTED`, whether or not it is the right one.
        """
        numbers, syndromes = joined(self._moduli, residues)
        values = (numbers + self._shifts[syndromes]) % self._total
        # Those beyond an end belong to the nearer one, round the circle.
        beyond = self._size - 1 + (self._total - self._size + 1) // 2
        values[values > beyond] -= self._total
        away = np.maximum(-values, values - (self._size - 1))
        status = np.where(syndromes == 0, VALID, CORRECTED).astype(np.uint8)
        status[2 * away >= self._guard] = DETECTED
        if math.isfinite(self._retry_above):
            status[is_unsure(self._table.costs[syndromes], self._retry_above)] = DETECTED
        np.clip(values, 0, self._size - 1, out=values)
        return values + self._lowest, status

    def differences(self, errors: IntArray) -> tuple[IntArray, _Bools]:
        """By how much errors ``(N, K)`` move any value, modulo all, and which are rejected."""
        numbers, syndromes = joined(self._moduli, errors)
        moved = (numbers + self._table.moved[syndromes]) % self._total
        return moved, is_unsure(self._table.costs[syndromes], self._retry_above)


def joined(moduli: ModuliSet, residues: IntArray) -> tuple[IntArray, IntArray]:
    """The numbers that words ``(N, W)`` make, and their syndromes.

    A word is that of the number, and the digits of the syndrome on top of its residues.
    """
    numbers = residues[0].astype(np.int64) % moduli.moduli[0]
    syndromes = np.zeros_like(numbers)
    for (modulus, common, before, inverse), residue in zip(
        joints(moduli.moduli), residues[1:], strict=True
    ):
        ahead = (residue - numbers) % modulus
        if common > 1:
            ahead, digit = np.divmod(ahead, common)
            syndromes = syndromes * common + digit
        if modulus > common:
            numbers += ahead * inverse % (modulus // common) * before
    return numbers, syndromes


@lru_cache(maxsize=8)  # by value: a worker process gets a new code with every block
def table_of(moduli: ModuliSet, weights: tuple[float, ...]) -> Table:
    """The errors of least cost, of every syndrome.

    Examples
    --------
    >>> table = table_of(ModuliSet([6, 4], factor=2), (1.0, 1.0))
    >>> table.costs.tolist(), table.tied.tolist()
    ([0.0, 0.5], [False, True])
    """
    syndromes = _check_size(moduli)
    scaled = np.array(weights)
    reach = _first_reach(scaled, syndromes)
    while True:
        errors = _errors_up_to(scaled, reach)
        numbers, of_errors = joined(moduli, errors)
        sums, whole = scaled @ errors, float(scaled.sum())
        # Times the sum of the weights all is whole where these are.
        costs = (whole * (scaled @ errors.astype(np.float64) ** 2) - sums**2) / whole
        least = np.full(syndromes, math.inf)
        np.minimum.at(least, of_errors, costs)
        if math.isfinite(least.max()):
            break
        reach *= _GROWTH
    alike = np.flatnonzero(costs <= least[of_errors] + _ROUNDING * reach)
    # Of several the one whose mean is first seen from the first residue, as on the circle.
    errors, of_errors = errors[:, alike], of_errors[alike]
    ahead = np.round(sums[alike] / whole - errors[0], 9)
    order = np.lexsort((*(errors[:0:-1] - errors[0]), ahead, of_errors))
    count = np.bincount(of_errors, minlength=syndromes)
    chosen = alike[order[np.cumsum(count) - count]]
    moved = np.floor(sums[chosen] / whole + 0.5).astype(np.int64) - numbers[chosen]
    return Table(moved % moduli.total_range, least, count > 1)


def _check_range(moduli: ModuliSet) -> str:
    """The members, refused where their numbers are too large."""
    members = ",".join(map(str, moduli.moduli))
    if moduli.total_range > MAX_SIMULATED_RANGE:
        raise InputError(
            f"the moduli {members} have a least common multiple of "
            f"{moduli.total_range.bit_length()} bits; where some share factors at most 2^62 can be "
            "decoded",
            "moduli",
        )
    return members


def _check_size(moduli: ModuliSet) -> int:
    """The number of syndromes, refused where a table would be too large."""
    members = _check_range(moduli)
    syndromes = math.prod(moduli.moduli) // moduli.total_range
    if syndromes > MOST_SYNDROMES:
        raise InputError(
            f"the moduli {members} have 2^{math.log2(syndromes):.1f} syndromes, each with errors "
            "of its own; at most 2^20 are looked up: give moduli that share less",
            "moduli",
        )
    return syndromes


def _first_reach(weights: FloatArray, syndromes: int) -> float:
    """A cost up to which there are about as many errors as syndromes: a volume of that size."""
    free = weights.size - 1
    density = math.fsum(np.log(weights).tolist()) - math.log(weights.sum())
    ball = free / 2 * math.log(math.pi) - math.lgamma(free / 2 + 1)
    return math.exp((math.log(syndromes) + density / 2 - ball) * 2 / max(free, 1))


def _errors_up_to(weights: FloatArray, reach: float) -> IntArray:
    """All errors ``(N, K)`` of a cost up to a reach, one of those that differ by a constant.

    The heaviest residue has none.
    """
    order = np.argsort(-weights, kind="stable")
    rows = [np.zeros(1, dtype=np.int32)]
    costs, sums, whole = np.zeros(1), np.zeros(1), float(weights[order[0]])
    for weight in weights[order[1:]].tolist():
        scale = weight * whole / (weight + whole)
        mean = sums / whole
        left = np.sqrt(np.maximum(reach * (1 + 1e-9) - costs, 0.0) / scale)
        below, above = np.ceil(mean - left), np.floor(mean + left)
        count = np.maximum(above - below + 1, 0).astype(np.int64)
        total = int(count.sum())
        if total > _MOST_LISTED:
            raise InputError(
                f"more than {_MOST_LISTED} errors would have to be compared to decode moduli that "
                "share so much; give fewer of them, or moduli that share less",
                "moduli",
            )
        before = np.repeat(np.arange(count.size), count)
        value = np.arange(total) - np.repeat(np.cumsum(count) - count, count) + below[before]
        rows = [row[before] for row in rows]
        rows.append(value.astype(np.int32))
        costs = costs[before] + scale * (value - mean[before]) ** 2
        sums, whole = sums[before] + weight * value, whole + weight
    errors = np.empty((weights.size, rows[0].size), dtype=np.int64)
    for place, row in zip(order, rows, strict=True):
        errors[place] = row
    return errors


@lru_cache(maxsize=256)
def guard_of(moduli: ModuliSet) -> int:
    """The least spread, largest less smallest, of errors that lead from one value to another.

    Those that are the same in all residues are not meant. With a common factor alone it is that.

    Examples
    --------
    >>> guard_of(ModuliSet([248, 232, 224, 216], factor=8))
    8
    >>> guard_of(ModuliSet([63, 60, 55, 54, 49], factor=1))
    5
    """
    if not moduli.shared:
        return moduli.factor
    _check_range(moduli)
    spread = moduli.factor
    while not (found := _least_spread(moduli, spread)):
        spread += -(-spread // 4)
    return found


def _least_spread(moduli: ModuliSet, most: int) -> int:
    """The same, if it is at most so much, or 0."""
    numbers, low, high = np.zeros((3, 1), dtype=np.int64)
    for modulus, common, before, inverse in joints(moduli.moduli):
        # The first residue has no error; the next ones agree with those before them.
        first = high - most + (numbers - (high - most)) % common
        count = np.maximum((low + most - first) // common + 1, 0)
        total = int(count.sum())
        if total > _MOST_LISTED:
            raise InputError(
                "the least errors that lead from one value to another are not found of moduli that "
                f"share so little: there are more than {_MOST_LISTED} to compare",
                "moduli",
            )
        back = np.repeat(np.arange(count.size), count)
        error = np.arange(total) - np.repeat(np.cumsum(count) - count, count)
        error = first[back] + error * common
        numbers, low, high = numbers[back], np.minimum(low[back], error), high[back]
        high = np.maximum(high, error)
        ahead = (error - numbers) % modulus // common
        numbers += ahead * inverse % (modulus // common) * before
    spreads = high - low
    spreads = spreads[spreads > 0]
    return int(spreads.min()) if spreads.size else 0


@lru_cache(maxsize=256)
def borne(moduli: ModuliSet) -> int:
    """Errors of so many steps, in all residues, of which none is taken for another value.

    An error is told from another one with the same syndrome by its cost, on which side of a plane
    between them it lies: so the corners of a cube are the first to be lost.

    Examples
    --------
    >>> borne(ModuliSet([64, 62, 60], factor=2)), borne(ModuliSet([63, 60, 55, 54, 49], factor=1))
    (0, 1)
    """
    count = moduli.count
    if 2 ** (count - 1) > _MOST_CORNERS:
        # Q the least cost between two values, sum |e_i - e| is at most sqrt(N Q), and that less
        # than Q / (2 t); a spread s costs s^2 / 2 at least.
        return max(0, math.ceil(guard_of(moduli) / math.sqrt(8 * count)) - 1)
    table = table_of(moduli, (1.0,) * count)
    corners = np.array(list(product((-1, 1), repeat=count - 1))).T
    corners = np.vstack((np.ones((1, corners.shape[1]), dtype=np.int64), corners))
    costs = (corners.astype(np.float64) - corners.mean(axis=0)) ** 2
    steps = 1
    while True:
        _, syndromes = joined(moduli, steps * corners)
        least = table.costs[syndromes]
        other = steps**2 * costs.sum(axis=0) > least + _ROUNDING * (1 + least)
        if (other | table.tied[syndromes]).any():
            return steps - 1
        steps += 1
