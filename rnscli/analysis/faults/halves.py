r"""The sum over differences in about the square root of the time, in two halves of the moduli.

Let A and B be the products of two halves of the moduli, so that a difference d is
``d = b A - a B`` modulo A B for one ``0 <= a < A`` and one b modulo B. The term of d is a product:
``f(a) g(b)``, f of its residues modulo the first half, ``- a B``, and g of those modulo the second,
``b A``. For each a the legitimate differences, ``T < d < L``, are a run of b, and there
``L - d = r + k A`` is linear in the number k of terms behind it. So the sum over b is made of sums
``sum_k C(k, r) g`` over runs, and that over a of as many products as there are a: ``O(A + B)``.

Runs are sums of what is within one block of b, up to its end, of whole blocks, and of the first
terms of another one: all of positive terms, which keep the relative precision, where differences of
prefix sums would not. With more than t residues that may differ, both halves are counted by their
number.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

import numpy as np

from rnscli.base import InputError, RnscliError
from rnscli.core import FloatArray, IntArray, crt_weights

MAX_PRODUCT = 2**62
MAX_HALF = 2**33  # terms of a half, some minutes
_BLOCK = 1 << 20  # terms of the second half at a time
_SLICE = 1 << 15  # terms that stay in the cache
_PER_BLOCK = 10_000  # terms that take as long as what is done once for a block
_PER_LISTED = 10  # terms that take as long as one that is listed, and sorted
_PER_TERM = 4  # of the sum over differences, which take as long as one here


class Halves(NamedTuple):
    """Places of the residues in either half, the products of their moduli, terms of the first."""

    first: tuple[int, ...]
    second: tuple[int, ...]
    product: int
    other: int
    terms: int


@lru_cache(maxsize=1024)
def halves_of(
    moduli: tuple[int, ...], differences: int, supports: tuple[int, ...] | None = None
) -> Halves | None:
    """The two halves by which so many differences are summed in the least time.

    It grows with the sum of their products, and with the number of blocks; where each law has a
    probability for few errors only, its ``supports``, the first half is listed instead. ``None`` if
    there are no two, or too few differences for each number of any first half.

    Examples
    --------
    >>> halves_of((15, 14, 13, 11), 30_000)
    Halves(first=(0, 3), second=(1, 2), product=165, other=182, terms=165)
    >>> halves_of((15, 14, 13, 11), 30_000, (3, 3, 3, 3))
    Halves(first=(0, 1), second=(2, 3), product=210, other=143, terms=9)
    """
    total, least, best = math.prod(moduli), math.inf, None
    places = range(len(moduli))
    for size in range(1, len(moduli)):
        for first in combinations(places, size):
            product = math.prod(moduli[i] for i in first)
            width = min(differences // product, _BLOCK)
            if not width:
                continue
            other, terms = total // product, product
            if supports is not None:
                listed = math.prod(supports[i] for i in first)
                terms = listed if _PER_LISTED * listed < product else product
            cost = terms * (_PER_LISTED if terms < product else 1) + other
            cost += _PER_BLOCK * -(-other // width)
            if cost < least:
                second = tuple(i for i in places if i not in first)
                least, best = cost, Halves(first, second, product, other, terms)
    return best


def terms_of_halves(halves: Halves, differences: int) -> float:
    """How many terms of the sum one by one take as long as so many differences in two halves."""
    width = min(differences // halves.product, _BLOCK)
    first = halves.terms * (_PER_LISTED if halves.terms < halves.product else 1)
    return float(_PER_TERM * (first + halves.other + _PER_BLOCK * -(-halves.other // width)))


def far_sums(
    laws: Sequence[FloatArray], size: int, radius: int, start: int, moments: bool
) -> tuple[float, float, float]:
    """Sums of ``(L - d) / L G(d)`` over ``start < d < L``, and of these times d and d^2.

    Parameters
    ----------
    laws
        The probabilities of the errors of each residue.
    size
        L.
    radius
        That of the decoder, of which G(d) is the probability that a word comes within it.
    start
        Difference behind which the sum begins.
    moments
        Whether the last two are formed, or 0. They lose what is smaller than d by the factor of L.

    Raises
    ------
    InputError
        If the product of the moduli is above 2^62, or a half is above 2^33.
    """
    halves = halves_for(laws, size, radius, start)
    if halves is None:
        raise RnscliError(f"{size} differences are too few for two halves")
    check_halves(halves, size)
    count, other = halves.product, halves.other
    first = [_stepped(laws[i], -other) for i in halves.first]
    second = Tables.of([_stepped(laws[i], count) for i in halves.second])
    runs = _Runs(second, size, count, other, start, radius, 3 if moments else 1)
    terms = _listed_terms if halves.terms < count else _all_terms
    totals = [np.zeros(3)]
    for block, number, planes in terms(first, runs, radius):
        totals.append(runs.sums(block, number, planes))
    probability, absolute, square = np.sum(totals, axis=0).tolist()
    return probability, absolute, square


def check_halves(halves: Halves, size: int) -> None:
    """Refuse halves with too many terms."""
    count, other = halves.product, halves.other
    if count * other > MAX_PRODUCT or max(halves.terms, other) > MAX_HALF:
        raise InputError(
            f"the sum over {size} differences takes two halves of the moduli, of "
            f"2^{math.log2(halves.terms):.0f} and 2^{math.log2(other):.0f} terms; each is accepted "
            "up to 2^33, and a product of all moduli up to 2^62: give fewer or smaller moduli, a "
            "smaller `legitimate_range`, or `noise` uniform"
        )


def halves_for(laws: Sequence[FloatArray], size: int, radius: int, start: int) -> Halves | None:
    """The halves that are taken; if every residue must agree, those with few errors count less."""
    supports = None if radius else tuple(int(np.count_nonzero(law)) for law in laws)
    return halves_of(tuple(law.size for law in laws), size - 1 - start, supports)


_Terms = Iterator[tuple[int, IntArray, list[FloatArray]]]


def _all_terms(laws: Sequence[FloatArray], runs: "_Runs", radius: int) -> _Terms:
    """Blocks, numbers of the first half whose runs begin there, and the terms of these."""
    tables = Tables.of(laws)
    for block, numbers in runs.blocks():
        for begin in range(numbers.start, numbers.stop, _SLICE):
            number = np.arange(begin, min(begin + _SLICE, numbers.stop))
            planes = tables.planes(begin, number.size, radius)
            if not radius and 2 * np.count_nonzero(planes[0]) < number.size:
                some = np.flatnonzero(planes[0])
                number, planes = number[some], [planes[0][some]]
            if number.size:
                yield block, number, planes


def _listed_terms(laws: Sequence[FloatArray], runs: "_Runs", radius: int) -> _Terms:
    """The same where all residues agree with errors that have a probability, of which few do."""
    del radius
    moduli = tuple(law.size for law in laws)
    total = math.prod(moduli)
    numbers, terms = np.zeros(1, dtype=np.int64), np.ones(1)
    for law, weight in zip(laws, crt_weights(moduli), strict=True):
        some = np.flatnonzero(law)
        steps = np.array([error * weight % total for error in some.tolist()], dtype=np.int64)
        numbers = (np.add.outer(numbers, steps) % total).ravel()
        terms = np.multiply.outer(terms, law[some]).ravel()
    order = np.argsort(numbers)
    numbers, terms = numbers[order], terms[order]
    for block, whose in runs.blocks():
        begin, end = np.searchsorted(numbers, (whose.start, whose.stop)).tolist()
        for start in range(begin, end, _SLICE):
            chosen = slice(start, min(start + _SLICE, end))
            yield block, numbers[chosen], [terms[chosen]]


def _stepped(law: FloatArray, step: int) -> FloatArray:
    """Probabilities of the errors 0, step, 2 step .. modulo m."""
    return law[np.arange(law.size) * (step % law.size) % law.size]


@dataclass(frozen=True, eq=False)
class Tables:
    """Of each residue the modulus, and the chances that it agrees, and does not, repeated."""

    residues: tuple[tuple[int, FloatArray, FloatArray], ...]

    @classmethod
    def of(cls, laws: Sequence[FloatArray]) -> "Tables":
        """Of laws of which 0 is the right value; the same ones where they were asked for before."""
        return _tables(tuple(law.tobytes() for law in laws))

    def planes(self, start: int, count: int, radius: int) -> list[FloatArray]:
        """Products over the residues from a difference on, by how many do not agree."""
        planes = [np.ones(count)] + [np.zeros(count) for _ in range(radius)]
        for modulus, same, differs in self.residues:
            first = start % modulus
            agree, disagree = same[first : first + count], differs[first : first + count]
            for distance in range(radius, 0, -1):
                planes[distance] *= agree
                planes[distance] += planes[distance - 1] * disagree
            planes[0] *= agree
        return planes


@lru_cache(maxsize=8)
def _tables(laws: tuple[bytes, ...]) -> Tables:
    made = []
    for law in map(np.frombuffer, laws):
        # The complement of q(0) is summed: where errors are rare, 1 - q(0) has no digits left.
        other = 1.0 - law
        other[0] = law[1:].sum()
        repeated = law.size + _SLICE
        made.append((law.size, np.resize(law, repeated), np.resize(other, repeated)))
    return Tables(tuple(made))


class _Block(NamedTuple):
    """Sums within a block, by the number of residues that may differ, and by r.

    ``to_end[t, r, p]`` is the sum of ``C(k, r) g`` over the terms from p on, with k terms behind
    each in the block, and ``upto[t, r, c]`` that over the first c, with k behind each of these.
    """

    to_end: FloatArray
    upto: FloatArray


class _Runs:
    """Sums over runs of the second half, one for each number of the first."""

    def __init__(
        self,
        tables: Tables,
        size: int,
        count: int,
        other: int,
        start: int,
        radius: int,
        degree: int,
    ) -> None:
        self._tables, self._size, self._count, self._other = tables, size, count, other
        self._start, self._radius, self._degree = start, radius, degree
        self._begin = start // count + 1  # of the run of number 0
        # No run is shorter than a block, so that each ends in another one than it begins in.
        self._width = min((size - 1 - start) // count, _BLOCK)
        self._kept: dict[int, _Block] = {}
        # C(k, r), of terms with k behind them.
        self._ways: list[FloatArray | None] = [None]
        behind = np.arange(self._width - 1, -1, -1, dtype=np.float64)
        for r in range(1, degree + 1):
            last = self._ways[-1]
            self._ways.append((behind - (r - 1)) / r * (1.0 if last is None else last))

    def blocks(self) -> Iterator[tuple[int, range]]:
        """Blocks, and the numbers whose runs begin in them."""
        done = block = 0
        while done < self._count:
            following = (block + 1) * self._width + self._begin - 1
            last = -(-(following * self._count - self._start) // self._other)
            last = min(max(last, done), self._count)
            yield block, range(done, last)
            done, block = last, block + 1
            self._kept.pop(block - 1, None)

    def sums(self, block: int, number: IntArray, planes: Sequence[FloatArray]) -> FloatArray:
        """Of the numbers that begin in a block, whose terms of the first half are given."""
        size, count, width = self._size, self._count, self._width
        scaled = number * self._other
        # Of each run the terms before the first, and the last one, among all of the second half.
        before = (scaled + self._start) // count
        last = (scaled + (size - 1)) // count
        left = (scaled + size - last * count).astype(np.float64)  # L - d of the last term
        shift = 1 - self._begin - block * width
        before += shift
        last += shift
        total = np.zeros(3)
        done = 0
        while done < number.size:  # numbers ascend, and so do the ends of their runs
            end = int(last[done]) // width
            until = int(np.searchsorted(last, (end + 1) * width, side="left"))
            chosen, done = slice(done, until), until
            behind = last[chosen] - end * width
            tails = behind.astype(np.float64)
            for distance, plane in enumerate(planes):
                radius = self._radius - distance
                runs = self._run(block, end, before[chosen], behind, tails, radius)
                total += self._weighted(runs, left[chosen], plane[chosen])
        return total

    def _run(
        self,
        block: int,
        end: int,
        place: IntArray,
        behind: IntArray,
        tails: FloatArray,
        radius: int,
    ) -> list[FloatArray]:
        """Sums of ``C(k, r) g`` over runs from places of a block to before places of another."""
        begins, ends = self._block(block), self._block(block + end)
        parts = [begins.to_end[radius, r][place] for r in range(self._degree + 1)]
        for middle in range(block + 1, block + end):
            whole = self._block(middle).to_end[radius, :, 0]
            parts = [
                shifted + own
                for shifted, own in zip(_behind(parts, float(self._width)), whole, strict=True)
            ]
        parts = _behind(parts, tails)
        return [part + ends.upto[radius, r][behind] for r, part in enumerate(parts)]

    def _weighted(self, runs: list[FloatArray], left: FloatArray, plane: FloatArray) -> FloatArray:
        """Runs with the weights of their terms, times those of the first half."""
        size, step = float(self._size), float(self._count)
        found = np.zeros(3)
        found[0] = np.einsum("i,i->", plane, left * runs[0] + step * runs[1]) / size
        if self._degree == 3:
            # d = last - k A and L - d = left + k A, by the powers of k.
            last = size - left
            once, twice = runs[1], 2 * runs[2] + runs[1]
            thrice = 6 * runs[3] + 6 * runs[2] + runs[1]
            once_off = last * left * runs[0] + (last - left) * step * once - step**2 * twice
            found[1] = np.einsum("i,i->", plane, once_off) / size
            twice_off = (
                last**2 * left * runs[0]
                + (last**2 - 2 * last * left) * step * once
                + (left - 2 * last) * step**2 * twice
                + step**3 * thrice
            )
            found[2] = np.einsum("i,i->", plane, twice_off) / size
        return found

    def _block(self, block: int) -> _Block:
        if block not in self._kept:
            self._kept[block] = self._made(block)
        return self._kept[block]

    def _made(self, block: int) -> _Block:
        width, count = self._width, self._radius + 1
        terms = np.empty((count, width))
        begin = self._begin + block * width
        for start in range(0, width, _SLICE):
            end = min(start + _SLICE, width)
            planes = self._tables.planes(begin + start, end - start, self._radius)
            for distance, plane in enumerate(planes):
                terms[distance, start:end] = plane
        np.cumsum(terms, axis=0, out=terms)  # of at most so many that differ
        upto = np.zeros((count, self._degree + 1, width + 1))
        np.cumsum(terms, axis=1, out=upto[:, 0, 1:])
        for r in range(1, self._degree + 1):
            np.cumsum(upto[:, r - 1, 1:-1], axis=1, out=upto[:, r, 2:])
        to_end = np.empty((count, self._degree + 1, width))
        for r, ways in enumerate(self._ways):
            weighted = terms if ways is None else terms * ways
            np.cumsum(weighted[:, ::-1], axis=1, out=to_end[:, r, ::-1])
        return _Block(to_end, upto)


def _behind(sums: list[FloatArray], more: FloatArray | float) -> list[FloatArray]:
    """Sums of ``C(k, r) g`` where so many more terms are behind each: by Vandermonde's identity."""
    ways: list[FloatArray | float] = [1.0]
    for r in range(1, len(sums)):
        ways.append(ways[-1] * (more - (r - 1)) / r)
    return [
        sum((sums[q] * ways[r - q] for q in range(1, r + 1)), sums[0] * ways[r])
        for r in range(len(sums))
    ]
