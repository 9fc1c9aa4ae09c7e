r"""Undetected errors under any residue error law, summed exactly over differences of values.

Let residue i be wrong by e with probability ``q_i(e)``, ``e = 0 .. m_i - 1``, independently. A
received word lies within distance t of the codeword at difference d from the true one with
probability

``G(d) = sum of the coefficients up to z^t of prod_i (q_i(d mod m_i) + (1 - q_i(d mod m_i)) z)``,

and for X uniform over L legitimate values a share ``(L - |d|) / L`` of them has a codeword at
difference d. Spheres of radius t are disjoint, so

``p_undetected = sum over 0 < |d| < L of (L - |d|) / L * G(d)``:

a sum of positive terms, nothing cancels. It is computed in slices of the differences; each
residue's ``q_i(d mod m_i)`` is periodic, so a slice of it is a view of a table. There is a faster
way for large ranges (`rnscli.analysis.faults.halves`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import comb, fsum
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from rnscli.analysis.faults.halves import (
    Tables,
    check_halves,
    far_sums,
    halves_for,
    terms_of_halves,
)
from rnscli.analysis.faults.value_law import UNIFORM_VALUES, ValueLaw
from rnscli.base import InputError
from rnscli.core import FloatArray, IntArray, ModuliSet

MAX_RANGE = 2**32
_SLICE = 1 << 15  # differences at a time: their terms stay in the cache
_STEP = 1 << 12  # a slice has a multiple of so many
_NEAR = 1 << 22  # differences that are summed one by one, where the others are not


def check_range(size: int) -> None:
    """Refuse a legitimate range that is too large to sum over one by one."""
    if size > MAX_RANGE:
        raise InputError(
            f"the legitimate range has {size} values; the sum over their differences that this "
            "noise needs is computed up to 2^32, so give a smaller `legitimate_range`, or `noise` "
            "uniform"
        )


class DifferenceSums(NamedTuple):
    """Of undetected errors the probability, and that of those beyond a tolerance.

    And the means of how far outputs are off, and of the square of that, 0 where none is undetected.
    """

    probability: float
    gross: float
    absolute: float | None
    square: float | None


def sums_by_differences(
    laws: Sequence[FloatArray],
    size: int,
    radius: int,
    tolerance: int,
    values: ValueLaw = UNIFORM_VALUES,
) -> DifferenceSums:
    """What one attempt is wrongly decoded to.

    ``laws`` are the ``q_i(e)`` of each residue, ``size`` is L, ``radius`` that of the decoder, and
    ``values`` the law of X, with which the weight of a difference is the probability that X + d is
    legitimate. For values that are uniform, the larger differences are summed in two halves of the
    moduli (`rnscli.analysis.faults.halves`), where that is faster; else one by one.

    Raises
    ------
    InputError
        If there are too many differences to sum over.
    """
    mirrored = [_mirrored(law) for law in laws]
    symmetric = all(np.array_equal(*pair) for pair in zip(laws, mirrored, strict=True))
    # Where every law is symmetric, d and -d meet the same errors.
    directions = [(laws, (1, -1))] if symmetric else [(laws, (1,)), (mirrored, (-1,))]
    end = size
    if values == UNIFORM_VALUES and size - 1 > _NEAR:
        halves = halves_for(laws, size, radius, _NEAR)
        if halves and terms_of_halves(halves, size - 1 - _NEAR) < size - 1 - _NEAR:
            check_halves(halves, size)
            end = _NEAR + 1
    check_range(end)
    parts = [np.zeros((1, 4))]
    for direction, signs in directions:
        for differences, terms in _near(direction, end, radius):
            if not terms.any():
                continue
            weights = sum(_legitimate(sign * differences, size, values) for sign in signs)
            if not np.any(weights):  # they fall with the distance
                break
            weighted = terms * weights
            off = differences.astype(np.float64)
            beyond = max(0, min(tolerance + 1 - int(differences[0]), differences.size))
            # Not by BLAS, whose threads get in the way of other processes.
            moments = (np.einsum("i,i->", weighted, power) for power in (off, off**2))
            parts.append(np.array([[weighted.sum(), weighted[beyond:].sum(), *moments]]))
        if end < size:
            far = _far(direction, size, radius, end - 1, tolerance)
            parts.append(len(signs) * np.array([far]))
    return DifferenceSums(*np.concatenate(parts).sum(axis=0).tolist())


def _far(
    laws: Sequence[FloatArray], size: int, radius: int, start: int, tolerance: int
) -> tuple[float, float, float, float]:
    """Sums over the differences from behind one up to L, of one sign."""
    probability, *moments = far_sums(laws, size, radius, start, moments=True)
    gross = probability
    if tolerance > start:
        gross = 0.0
        if halves_for(laws, size, radius, tolerance) is not None:
            gross, *_ = far_sums(laws, size, radius, tolerance, moments=False)
    return probability, gross, moments[0], moments[1]


def _legitimate(differences: IntArray, size: int, values: ValueLaw) -> FloatArray | float:
    """Probability that ``0 <= X + d < L``, for differences of one sign, in order."""
    if values == UNIFORM_VALUES:
        shares: FloatArray = (size - np.abs(differences)) / size
        return shares
    ends = values.between(-differences[[0, -1]], size - 1 - differences[[0, -1]], size)
    if ends[0] == ends[1]:  # it falls with the distance
        return float(ends[0])
    return values.between(-differences, size - 1 - differences, size)


def _near(
    laws: Sequence[FloatArray], end: int, radius: int
) -> Iterator[tuple[IntArray, FloatArray]]:
    """Slices of ``0 < d < end`` with their G(d)."""
    tables = Tables.of(laws)
    for start in range(1, end, _SLICE):
        count = min(_SLICE, end - start)
        whole = -(-count // _STEP) * _STEP
        # Codes with the same residues share them, whatever their ranges are.
        terms = (_kept_terms if start < _NEAR else _terms)(tables, start, whole, radius)
        yield np.arange(start, start + count), terms[:count]


def _terms(tables: Tables, start: int, count: int, radius: int) -> FloatArray:
    first, *others = tables.planes(start, count, radius)
    return sum(others, first)


_kept_terms = lru_cache(maxsize=_NEAR // _SLICE)(_terms)


_Pairs = Sequence[tuple[FloatArray, FloatArray]]


def undetected_after_right(pairs: _Pairs, size: int, radius: int) -> float:
    """Probability that one attempt is right or corrected, and another one decoded wrong.

    For each residue the chances that it is right in the first attempt, or is not, and wrong by
    ``0 .. m - 1`` in the second.
    """
    check_range(size)
    mirrored = [(_mirrored(right), _mirrored(wrong)) for right, wrong in pairs]
    symmetric = all(
        np.allclose(one, other, rtol=1e-9, atol=0.0)
        for pair, mirror in zip(pairs, mirrored, strict=True)
        for one, other in zip(pair, mirror, strict=True)
    )
    once = _after_right(pairs, size, radius)
    return once + (once if symmetric else _after_right(mirrored, size, radius))


def _mirrored(law: FloatArray) -> FloatArray:
    """That of the negative errors."""
    return np.concatenate((law[:1], law[:0:-1]))


def _after_right(pairs: _Pairs, size: int, radius: int) -> float:
    """Sum over ``0 < d < L``."""
    tables = []
    for right, wrong in pairs:
        of_residue = [right, _of_others(right), wrong, _of_others(wrong)]
        repeated = right.size + _SLICE
        tables.append((right.size, [np.resize(one, repeated) for one in of_residue]))
    parts = []
    for start in range(1, size, _SLICE):
        count = min(_SLICE, size - start)
        # By the numbers of wrong residues in the first attempt, and of other ones in the second.
        planes = np.zeros((radius + 1, radius + 1, count))
        planes[0, 0] = 1.0
        for modulus, of_residue in tables:
            first = start % modulus
            both, other, hit, hit_other = (one[first : first + count] for one in of_residue)
            following = planes * both
            following[:, 1:] += planes[:, :-1] * other
            following[1:] += planes[:-1] * hit
            following[1:, 1:] += planes[:-1, :-1] * hit_other
            planes = following
        weights = (size - np.arange(start, start + count)) / size
        parts.append(float(np.einsum("abi,i->", planes, weights)))
    return float(np.sum(parts)) if parts else 0.0


def _of_others(chances: FloatArray) -> FloatArray:
    """For each entry the sum of all others, without the cancellation of a difference."""
    below, above = np.cumsum(chances), np.cumsum(chances[::-1])[::-1]
    others: FloatArray = np.zeros_like(chances)
    others[1:] += below[:-1]
    others[:-1] += above[1:]
    return others


MAX_COUNT = 18
_LARGEST_RANGE = 1 << 510

_Exact = npt.NDArray[np.object_]
_Numbers = TypeVar("_Numbers", _Exact, FloatArray)


@dataclass(frozen=True, eq=False)
class CodeSpectrum:
    """Outcome of errors by their weight w, the number of wrong residues.

    ``undetected[w]`` and ``detected[w]`` are the sums over the C(N, w) sets T of w residues of
    U_T and, for w > t, of 1 - U_T; ``correct[w]`` is C(N, w) up to w = t and 0 beyond. For every
    w the three add up to C(N, w).

    ``undetected_of`` and ``detected_of`` are U_T and, for more than t residues, 1 - U_T for each
    set T, a bit mask over the moduli in their order.
    """

    correct: tuple[float, ...]
    detected: tuple[float, ...]
    undetected: tuple[float, ...]
    undetected_of: FloatArray
    detected_of: FloatArray


@lru_cache(maxsize=128)
def code_spectrum(moduli: ModuliSet, legitimate_range: int, radius: int) -> CodeSpectrum:
    """Exact outcome of uniform residue errors, by weight.

    Parameters
    ----------
    moduli
        The N moduli, at most 18.
    legitimate_range
        Number L of codewords, at most the product of the information moduli.
    radius
        Radius t of the decoder, at most ``floor(k / 2)``.

    Raises
    ------
    InputError
        If the set has more than 18 moduli: the work grows as ``N 2^N``.

    Examples
    --------
    >>> spectrum = code_spectrum(ModuliSet([5, 4, 3], redundant=1), 12, 0)
    >>> [round(u, 6) for u in spectrum.undetected]
    [0.0, 0.0, 0.75, 0.1875]
    """
    count = moduli.count
    if count > MAX_COUNT:
        raise InputError(
            f"the set has {count} moduli; error probabilities are computed for at most {MAX_COUNT}",
            "moduli",
        )
    wrong, words = _wrong_words(moduli.moduli, legitimate_range, radius)
    weights = np.array([int(mask).bit_count() for mask in range(2**count)])
    undetected = (wrong / words).astype(np.float64)
    detected = np.where(weights > radius, ((words - wrong) / words).astype(np.float64), 0.0)
    return CodeSpectrum(
        correct=tuple(float(comb(count, w)) if w <= radius else 0.0 for w in range(count + 1)),
        detected=tuple(fsum(detected[weights == w]) for w in range(count + 1)),
        undetected=tuple(fsum(undetected[weights == w]) for w in range(count + 1)),
        undetected_of=undetected,
        detected_of=detected,
    )


@lru_cache(maxsize=128)
def undetected_squares(moduli: ModuliSet, legitimate_range: int, radius: int) -> FloatArray:
    """For each set T of wrong residues, a bit mask, the mean square of undetected errors.

    It is that of a difference which is not 0 where the error is undetected, and 0 elsewhere, for a
    value in the middle of the range: of codewords at ``j P`` from there, ``sum (j P)^2``.
    """
    by_difference = _squares_by_difference(moduli.moduli, legitimate_range)
    squares = _within(moduli.moduli, by_difference, radius)
    words = _products([m - 1 for m in moduli.moduli])
    found: FloatArray = (squares / words).astype(np.float64)
    return found


@lru_cache(maxsize=128)
def undetected_sizes(
    moduli: ModuliSet, legitimate_range: int, radius: int, tolerance: int
) -> tuple[FloatArray, ...]:
    """For each set T of wrong residues, a bit mask, how far an undetected error is off.

    The probability that it is, by more than a tolerance, and the means of the difference and of its
    square, 0 where there is none; for values that are uniform in the legitimate range. The means
    are left out of ranges of which the squares may be too large for a double.
    """
    size, products = legitimate_range, _products(list(moduli.moduli))
    steps, within = (size - 1) // products, min(size - 1, tolerance) // products
    # Sums over j of 1, j, j^2, j^3.
    ones, firsts = steps - within, steps * (steps + 1) // 2
    beyond = firsts - within * (within + 1) // 2
    seconds, thirds = firsts * (2 * steps + 1) // 3, firsts**2
    sums = (
        size * ones - products * beyond,
        products * (size * firsts - products * seconds),
        products**2 * (size * seconds - products * thirds),
    )
    words = _products([m - 1 for m in moduli.moduli])
    if size > _LARGEST_RANGE:
        far = _within(moduli.moduli, _exactly(moduli.moduli, sums[0]), radius)
        return ((2 * far / (size * words)).astype(np.float64),)
    found = []
    for power, one in enumerate(sums):
        # Differences of exact numbers; then doubles will do for what are sums of positive terms.
        shares = (2 * _exactly(moduli.moduli, one) / size ** (power + 1)).astype(np.float64)
        within = _within(moduli.moduli, shares, radius)
        found.append(within / words.astype(np.float64) * float(size**power))
    return tuple(found)


def _wrong_words(moduli: tuple[int, ...], size: int, radius: int) -> tuple[_Exact, _Exact]:
    """For each set T of wrong residues (a bit mask), L times the mean number of wrongly decoded
    words and L times the number of words.
    """
    wrong = _within(moduli, _codewords_by_difference(moduli, size), radius)
    return wrong, size * _products([m - 1 for m in moduli])


def _within(moduli: tuple[int, ...], by_difference: _Numbers, radius: int) -> _Numbers:
    """What is known of codewords by where they differ, of the words within the radius of them."""
    total: list[_Numbers] = [np.zeros_like(by_difference) for _ in range(radius + 1)]
    total[0] = by_difference
    for bit, modulus in enumerate(moduli):
        # Axis 1 is whether the residue is in S; it becomes whether it is in T.
        old = [plane.reshape(-1, 2, 2**bit) for plane in total]
        total = []
        for distance in range(radius + 1):
            same, differs = old[distance][:, 0], old[distance][:, 1]
            right, wrong = same, differs
            if distance:
                nearer_same, nearer_differs = old[distance - 1][:, 0], old[distance - 1][:, 1]
                right = right + nearer_differs
                wrong = wrong + (modulus - 1) * nearer_same + (modulus - 2) * nearer_differs
            total.append(np.stack((right, wrong), axis=1).reshape(-1))
    found: _Numbers = sum(total[1:], total[0])
    return found


def _codewords_by_difference(moduli: tuple[int, ...], size: int) -> _Exact:
    """``L A_S`` for each set S of residues (a bit mask): exact integers."""
    products = _products(list(moduli))
    steps = (size - 1) // products
    # L B(P): ordered pairs of different legitimate values that are congruent modulo a product P.
    return _exactly(moduli, 2 * steps * size - products * steps * (steps + 1))


def _squares_by_difference(moduli: tuple[int, ...], size: int) -> _Exact:
    """For each set S of residues the sum of ``d^2`` over what differs in these, from the middle."""
    products = _products(list(moduli))
    total: _Exact = 0 * products
    for reach in (size // 2, (size - 1) // 2):  # below and above
        steps = reach // products
        total += products**2 * (steps * (steps + 1) * (2 * steps + 1) // 6)
    return _exactly(moduli, total)


def _exactly(moduli: tuple[int, ...], agreement: _Exact) -> _Exact:
    """From what agrees at least on V, and is not the same, to what differs exactly in S."""
    for bit in range(len(moduli)):
        # From "agree at least on V" to "agree on exactly V".
        pairs = agreement.reshape(-1, 2, 2**bit)
        agreement = np.stack((pairs[:, 0] - pairs[:, 1], pairs[:, 1]), axis=1).reshape(-1)
    return agreement[::-1]  # S is the complement of V


def _products(factors: list[int]) -> _Exact:
    """Product of the factors in each subset, by bit mask."""
    products: _Exact = np.array([1], dtype=object)
    for factor in factors:
        products = np.concatenate((products, products * factor))
    return products
