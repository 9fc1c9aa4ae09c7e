r"""How errors of each weight end in a redundant residue code, counted exactly.

For a code of N residues with L codewords and a decoder of radius t, let X be uniform over the
legitimate range and let exactly the residues in T be wrong, each uniformly over its ``m_i - 1``
wrong values. U_T is the probability that the received word is decoded to a wrong codeword. It
is a rational number:

* For P dividing the product of the moduli, the mean number of other legitimate values congruent
  to X modulo P is ``B(P) = 2J - P J (J + 1) / L`` with ``J = floor((L - 1) / P)``.
* The mean number A_S of codewords that differ from X in exactly the residues S follows by Moebius
  inversion over the residues in which two values agree.
* A word with exactly the residues T wrong lies within distance t of a codeword that differs in S:
  per residue, outside both S and T the word agrees; in T only, it is one of ``m_i - 1`` values at
  distance 1; in S only, it is at distance 1; in both, it is the codeword's own value or one of
  ``m_i - 2`` others at distance 1. So the counts are a product transform of A over the residues,
  of polynomials in the distance that are cut after t.

Everything is an integer over L until the very end. Hence ``1 - U_T``, the share of detected
errors, is exact too, and nothing cancels.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import comb, fsum

import numpy as np
import numpy.typing as npt

from rnscli.core.errors import InputError
from rnscli.core.moduli import ModuliSet
from rnscli.core.quantisation import FloatArray

MAX_COUNT = 16

_Exact = npt.NDArray[np.object_]


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
        The N moduli, at most 16.
    legitimate_range
        Number L of codewords, at most the product of the information moduli.
    radius
        Radius t of the decoder, at most ``floor(k / 2)``.

    Raises
    ------
    InputError
        If the set has more than 16 moduli: the work grows as ``N 2^N``.

    Examples
    --------
    >>> spectrum = code_spectrum(ModuliSet([5, 4, 3], redundant=1), 12, 0)
    >>> [round(u, 6) for u in spectrum.undetected]
    [0.0, 0.0, 0.75, 0.1875]
    """
    count = moduli.count
    if count > MAX_COUNT:
        raise InputError(
            f"the set has {count} moduli; error probabilities are computed for at most {MAX_COUNT}"
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


def _wrong_words(moduli: tuple[int, ...], size: int, radius: int) -> tuple[_Exact, _Exact]:
    """For each set T of wrong residues (a bit mask), L times the mean number of wrongly decoded
    words and L times the number of words.
    """
    total: list[_Exact] = [np.zeros(2 ** len(moduli), dtype=object) for _ in range(radius + 1)]
    total[0] = _codewords_by_difference(moduli, size)
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
    return sum(total[1:], total[0]), size * _products([m - 1 for m in moduli])


def _codewords_by_difference(moduli: tuple[int, ...], size: int) -> _Exact:
    """``L A_S`` for each set S of residues (a bit mask): exact integers."""
    agreement: _Exact = np.array(
        [_others_congruent(product, size) for product in _products(list(moduli))], dtype=object
    )
    for bit in range(len(moduli)):
        # From "agree at least on V" to "agree on exactly V".
        pairs = agreement.reshape(-1, 2, 2**bit)
        agreement = np.stack((pairs[:, 0] - pairs[:, 1], pairs[:, 1]), axis=1).reshape(-1)
    return agreement[::-1]  # S is the complement of V


def _others_congruent(product: int, size: int) -> int:
    """``L B(P)``: ordered pairs of different legitimate values that are congruent modulo P."""
    steps = (size - 1) // product
    return 2 * steps * size - product * steps * (steps + 1)


def _products(factors: list[int]) -> _Exact:
    """Product of the factors in each subset, by bit mask."""
    products: _Exact = np.array([1], dtype=object)
    for factor in factors:
        products = np.concatenate((products, products * factor))
    return products
