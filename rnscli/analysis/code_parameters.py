"""What a code can do: its distances, and what becomes of errors by the number of wrong residues."""

import math
import operator
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from rnscli.analysis.faults.undetected import MAX_COUNT, code_spectrum
from rnscli.base import InputError
from rnscli.core import ModuliSet, decoder_for, error_ball

_EVERY = 1 << 26  # differences that are looked at one by one
_SLICE = 1 << 16
_LISTED = 1 << 19


class CodeParameters(NamedTuple):
    """Parameters of a code of L legitimate values.

    Attributes
    ----------
    minimum_distance
        The fewest residues in which two values differ: N less the largest number of moduli whose
        least common multiple is below L.
    radius
        How many residues may be wrong by any amount and are corrected.
    minimum_square
        The least sum over the residues of the squares of their circular distances, between two
        values; ``None`` if the range is too large to find it.
    minimum_square_gross
        The same between values that are further apart than a tolerance: errors whose squares add up
        to less than a quarter lead to no such value.
    corrected, detected, undetected
        Of errors in w residues, ``w = 1 .. N``, uniform in place and amount, the shares that are
        corrected, rejected and taken for another value, on average over all values; ``None`` of a
        decoder that looks at the size of errors.
    """

    minimum_distance: int
    radius: int
    minimum_square: int | None
    minimum_square_gross: int | None
    corrected: tuple[float, ...] | None
    detected: tuple[float, ...] | None
    undetected: tuple[float, ...] | None


def code_parameters(
    moduli: ModuliSet, size: int, decoder: str | None = None, tolerance: int = 0
) -> CodeParameters:
    """Parameters of the code of a set over a legitimate range, with a decoder.

    The shares of errors of weight w are those of `code_spectrum`: ``u_w / C(N, w)``, where
    ``u_w = sum over |T| = w of U_T`` and U_T is the mean number of legitimate values within the
    radius of a word that is wrong in the residues T, over the ``prod (m_i - 1)`` words.

    Examples
    --------
    >>> found = code_parameters(ModuliSet([15, 14, 13, 11, 17], redundant=1), 30030 // 15)
    >>> found.minimum_distance, found.minimum_square, [round(u, 4) for u in found.undetected]
    (3, 3, [0.0, 0.0, 0.0044, 0.0039, 0.0039])
    """
    rule = decoder_for(moduli, decoder)
    together = _most_below(moduli, size)
    least, gross = least_squares(moduli, size, tolerance)
    radius = rule.radius_of(moduli)
    shares: list[tuple[float, ...] | None] = [None] * 3
    if rule.counts_residues and moduli.coprime and moduli.count <= MAX_COUNT:
        spectrum = code_spectrum(moduli, size, radius)
        shares = [
            tuple(one[w] / math.comb(moduli.count, w) for w in range(1, moduli.count + 1))
            for one in (spectrum.correct, spectrum.detected, spectrum.undetected)
        ]
    return CodeParameters(moduli.count - together, radius, least, gross, *shares)


def _most_below(moduli: ModuliSet, size: int) -> int:
    """The most members whose least common multiple is below L: so many residues two values share.

    Examples
    --------
    >>> _most_below(ModuliSet([30, 28, 24, 15], factor=1), 130)  # 30, 24 and 15
    3
    """
    if not moduli.shared:  # the smallest ones
        multiples = accumulate(sorted(moduli.cofactors), operator.mul, initial=moduli.factor)
        return sum(one < size for one in multiples) - 1 if moduli.factor < size else 0
    most = {1: 0}  # of each multiple below L
    for member in moduli.moduli:
        for multiple, count in list(most.items()):
            joined = math.lcm(multiple, member)
            if joined < size:
                most[joined] = max(most.get(joined, 0), count + 1)
        if len(most) > _LISTED:
            raise InputError(
                f"the moduli have more than {_LISTED} common multiples below the legitimate range, "
                "too many to find the distance of their code; give fewer",
                "moduli",
            )
    return max(most.values())


@lru_cache(maxsize=256)
def least_squares(moduli: ModuliSet, size: int, tolerance: int) -> tuple[int | None, int | None]:
    """Least sums of squares of any difference below L, and of one beyond the tolerance."""
    if size == 1:
        return None, None
    if size > _EVERY:
        return _least_listed(moduli, size, tolerance)
    found = [math.inf, math.inf]
    for start in range(1, size, _SLICE):
        differences = np.arange(start, min(start + _SLICE, size))
        squares = np.zeros_like(differences)
        for modulus in moduli.moduli:
            residue = differences % modulus
            squares += np.minimum(residue, modulus - residue) ** 2
        found[0] = min(found[0], squares.min())
        if differences[-1] > tolerance:
            found[1] = min(found[1], squares[differences > tolerance].min())
    least, gross = (None if math.isinf(one) else int(one) for one in found)
    return least, gross


def _least_listed(moduli: ModuliSet, size: int, tolerance: int) -> tuple[int | None, int | None]:
    """The same from a list of errors of coprime moduli, by where these lead."""
    if not moduli.coprime or moduli.total_range > 2**62:
        return None, None
    ball = error_ball(moduli, (1.0,) * moduli.count, _LISTED)
    above, below = ball.shifts, moduli.total_range - ball.shifts
    away = np.where(ball.shifts < size, above, np.where(below < size, below, 0))
    found = []
    for beyond in (0, tolerance):
        some = ball.costs[away > beyond]
        found.append(int(some.min()) if some.size else None)
    return found[0], found[1]
