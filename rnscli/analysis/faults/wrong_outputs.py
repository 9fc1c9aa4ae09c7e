r"""How far the outputs of a redundant code are off where they are wrong.

Dot products lie about the middle of the legitimate range, X = 0, and there is nothing small about a
wrong word: one residue that is off by a step is off by a multiple of P / m in the value. In one
attempt, with E the difference of what is put out to X,

* undetected errors have ``E[d^2; undetected]``, the sum of 2.4 over differences d of legitimate
  values with their squares (`rnscli.analysis.faults.undetected`);
* what is rejected to the last is what the information residues say, clipped to the legitimate
  range: ``d = sum_i e_i M_i`` over the residues that are wrong, M_i being 1 modulo m_i and 0 modulo
  the others. Sums over one and over two of them are exact, more spread a value over the whole range
  P of the information residues, which is clipped to L: ``L^3 / (12 P) + (1 - L / P) L^2 / 4``.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

import numpy as np

from rnscli.analysis.faults.attempt import attempt, joint_chances
from rnscli.analysis.faults.error_strata import weight_distribution
from rnscli.analysis.faults.fault_probability import (
    FaultPoint,
)
from rnscli.analysis.faults.undetected import MAX_RANGE, undetected_squares
from rnscli.analysis.faults.value_law import UNIFORM_VALUES, NormalValues
from rnscli.core import FloatArray, NoiseLaw, decoder_named, error_probabilities

_MOST_PAIRS = 1 << 20  # of errors of two residues
_VALUES = 33  # by which a normal law is told


class WrongOutputs(NamedTuple):
    """Mean squares of the error of what one attempt puts out, 0 where it is not of that kind."""

    undetected: float
    rejected: float


def wrong_outputs(point: FaultPoint, deviation: float) -> WrongOutputs:
    """Mean squares of the errors of outputs, for values of a standard deviation about 0.

    Parameters
    ----------
    point
        A code under noise, none of its channels dead.
    deviation
        Standard deviation of X; of laws whose wrong values are all alike it is taken to be small
        against the range, as it is.

    Raises
    ------
    InputError
        If the legitimate range is too large to sum over.

    Examples
    --------
    >>> from rnscli.analysis.faults.fault_probability import FaultParameters
    >>> from rnscli.core import ModuliSet
    >>> code = FaultParameters(moduli=ModuliSet([63, 62, 61, 59], redundant=1), p=1e-3)
    >>> found = wrong_outputs(code.point, 0.0)
    >>> f"{found.undetected:.4g} {found.rejected:.4g}"
    '414 1.264e+07'
    """
    moduli, laws, size = point.moduli, point.laws, point.legitimate_range
    wrong = error_probabilities(laws, moduli.moduli)
    if not any(wrong):
        return WrongOutputs(0.0, 0.0)
    radius, closed = point.radius, all(law.equiprobable for law in laws)
    if closed and decoder_named(point.decoder).counts_residues:
        deviation = 0.0
        chances, _ = joint_chances(wrong)
        missed = float(chances @ undetected_squares(moduli, size, radius))
    else:
        # The larger a range, the less it matters where in it values are: if they are anywhere,
        # differences may be twice as large.
        values = NormalValues(deviation) if size <= MAX_RANGE else UNIFORM_VALUES
        once = attempt(
            moduli, size, point.decoder, laws, point.tolerance, values, point.retry_above
        )
        assert once.square is not None  # as it is where all errors are alike
        missed = once.square
    if size == moduli.total_range and math.isinf(point.retry_above):  # nothing is ever rejected
        return WrongOutputs(missed, 0.0)
    if not decoder_named(point.decoder).counts_residues:
        # A value anywhere in the range, which it is only if its residues are far off.
        return WrongOutputs(missed, (once.detected + once.open) * size**2 / 12)
    spoilt = _read_as_they_are(moduli.redundant, laws, moduli.moduli, size, radius, deviation)
    return WrongOutputs(missed, max(0.0, spoilt - missed))


@lru_cache(maxsize=1024)
def _read_as_they_are(
    redundant: int,
    laws: tuple[NoiseLaw, ...],
    moduli: tuple[int, ...],
    size: int,
    radius: int,
    deviation: float,
) -> float:
    """Mean square of what the information residues say where more residues than t are wrong."""
    spare = weight_distribution(error_probabilities(laws[:redundant], moduli[:redundant]))
    # That more than t - w of the redundant residues are wrong, by the w of the others.
    beyond = [math.fsum(spare[max(0, radius - w + 1) :]) for w in range(len(moduli) + 1)]
    members, of_members = moduli[redundant:], laws[redundant:]
    wrong = error_probabilities(of_members, members)
    product = math.prod(members)
    errors = [
        _fractions(law, m, product) for law, m in zip(of_members, members, strict=True)
    ]  # chances of errors, and the share of P that each of them makes
    spread = size**3 / (12 * product) + (1 - size / product) * size**2 / 4
    ends = -(size // 2) / product, ((size - 1) // 2) / product
    found = []
    for number in (1, 2):
        for places in combinations(range(len(members)), number):
            others = math.prod(1 - p for i, p in enumerate(wrong) if i not in places)
            squares = _squares([errors[i] for i in places], ends, deviation / product)
            together = math.prod(wrong[i] for i in places)
            mean = together * spread if squares is None else squares * product**2
            found.append(others * beyond[number] * mean)
    weights = weight_distribution(wrong)
    found += [float(weights[w]) * beyond[w] * spread for w in range(3, len(members) + 1)]
    return math.fsum(found)


def _fractions(law: NoiseLaw, modulus: int, product: int) -> tuple[FloatArray, FloatArray]:
    """Chances of the errors that a law makes, and the shares of P by which they move a value."""
    chances = law.error_distribution(modulus)
    errors = 1 + np.flatnonzero(chances[1:])
    inverse = pow(product // modulus, -1, modulus)
    return chances[errors], (errors * inverse % modulus) / modulus


def _squares(
    errors: Sequence[tuple[FloatArray, FloatArray]], ends: tuple[float, float], deviation: float
) -> float | None:
    """Mean square of how far values are moved round the circle, and clipped, in shares of P.

    Of normal values about 0; ``None`` if there are too many sums of errors.
    """
    count = math.prod(chances.size for chances, _ in errors)
    if count > _MOST_PAIRS:
        return None
    weights, moved = np.ones(1), np.zeros(1)
    for chances, shares in errors:
        weights = np.multiply.outer(weights, chances).ravel()
        moved = np.add.outer(moved, shares).ravel()
    values, density = np.zeros(1), np.ones(1)
    if deviation and count * _VALUES <= _MOST_PAIRS:
        values = np.linspace(-4, 4, _VALUES) * deviation
        density = np.exp(-(np.linspace(-4, 4, _VALUES) ** 2) / 2)
    total = 0.0
    for value, chance in zip(values.tolist(), density.tolist(), strict=True):
        found = moved + value
        off = np.clip(found - np.rint(found), *ends) - value
        total += chance * float(np.einsum("i,i->", weights, off**2))
    return total / float(density.sum())
