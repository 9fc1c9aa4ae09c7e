r"""What up to R attempts come to: the same value meets fresh errors, and the static ones again.

Given the static parts s of the errors of all residues, attempts are independent. Let S(s) be the
probability of more wrong residues than the decoder corrects, u(s, X) that of an undetected error,
and d = S - u that of a detected one. Then ``p_err(R) = E[1 - (1 - S) (1 + d + ... + d^(R-1))]``,
which is linear in u, and so exact, up to R = 2: ``E[S] `` and ``E[S^2] + E[u (1 - S)]``. From
``S^i - i u S^(i-1) <= d^i <= S^i - u S^(i-1)`` follows for more attempts

``max(E[S^R] + E[u (1 - S)], E[u]) <= p_err(R) <=
E[S^r] + min(E[u] + (r - 2) E[u S], r (r - 1) / 2 E[u (1 - S)])`` for any 2 <= r <= R.

``E[S^r]`` is the probability that all of r attempts are spoilt, ``E[u (1 - S)]`` that of two
attempts the first is right, or corrected, and the second undetected: sums over joint laws of the
errors of a residue in several attempts, all of positive terms.

Where all errors are fresh, and a code has few values, the mean over X is formed of what each of
them comes to: ``u(X) = sum over 0 <= X + d < L, d != 0, of G(d)`` from sums of positive terms,
``d(X) = S - u(X)``, and ``u (1 - d^R) / (1 - d) + d^R``.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from rnscli.analysis.faults.halves import Tables
from rnscli.analysis.faults.undetected import undetected_after_right
from rnscli.analysis.faults.value_law import ValueLaw
from rnscli.core import FloatArray, ModuliSet, NoiseLaw

_NEGLIGIBLE = 1e-9  # share by which a bound may be off without being told
_MOST_ATTEMPTS = 64  # whose joint law is formed
_MOST_STATES = 500


class Retries(NamedTuple):
    """Error probability after up to R attempts, from ``low`` to ``p_err``, and their mean number.

    Where ``is_bound``, ``p_err`` and ``expected_attempts`` are not exact: an upper bound, and a
    lower one. ``rejected`` is the probability that the last attempt is rejected, too, and
    ``accepted`` how often as in one attempt something wrong is accepted, where that is known.
    """

    p_err: float
    low: float
    expected_attempts: float
    is_bound: bool = False
    rejected: float | None = None
    accepted: float | None = None


def independent(correct: float, detected: float, undetected: float, attempts: float) -> Retries:
    """Of attempts whose errors are all fresh, from the outcome of one."""
    p_err, expected = after_attempts(correct, detected, undetected, attempts)
    rejected = math.pow(detected, attempts)
    accepted = 1.0 if not correct + undetected else expected
    if attempts <= 2 or not detected:
        return Retries(p_err, p_err, expected, False, rejected, accepted)
    spoilt = detected + undetected
    if spoilt >= 1.0:
        return Retries(p_err, p_err, expected, True, rejected, accepted)
    # In proportion to the mean of p_u, but for what is spoilt every time.
    log_spoilt = math.log1p(-correct) if correct < 0.5 else math.log(spoilt)
    always = math.exp(attempts * log_spoilt)
    low = always - undetected * math.expm1((attempts - 1) * log_spoilt)
    is_bound = p_err - low > _NEGLIGIBLE * p_err
    return Retries(p_err, min(p_err, low), expected, is_bound, rejected, accepted)


def after_attempts(
    correct: float, detected: float, undetected: float, attempts: float
) -> tuple[float, float]:
    """Output error probability and expected number of attempts, for up to R attempts.

    A word that is always detected never gives an output: its error probability is 1.
    """
    ended = correct + undetected  # 1 - p_d, without its cancellation
    if not ended:
        return 1.0, attempts
    if attempts == 1 or not detected:
        return undetected + detected, 1.0
    if math.isinf(attempts):
        return undetected / ended, max(1.0, 1.0 / ended)
    log_detected = math.log1p(-ended) if ended < 0.5 else math.log(detected)
    expected = max(1.0, -math.expm1(attempts * log_detected) / ended)
    return undetected * expected + math.exp(attempts * log_detected), expected


@dataclass(frozen=True)
class StaticErrors:
    """What is known of several attempts at a word whose errors have a static part.

    ``spoilt[r]`` is E[S^r], ``spoilt[0]`` being 1; ``undetected`` E[u], and ``right_first``
    E[u (1 - S)]. ``all_static`` says that nothing is fresh: every attempt ends alike.
    """

    spoilt: tuple[float, ...]
    undetected: float
    right_first: float
    all_static: bool

    def after(self, attempts: float) -> Retries:
        """Of up to R attempts, at least 2."""
        spoilt, missed = self.spoilt, self.undetected
        detected = max(0.0, spoilt[1] - missed)
        if self.all_static:
            return Retries(spoilt[1], spoilt[1], missed + 1 - spoilt[1] + detected * attempts)
        if attempts == 2:
            p_err = spoilt[2] + self.right_first
            return Retries(p_err, p_err, 1.0 + detected)
        both = max(0.0, missed - self.right_first)  # E[u S]
        most = min(attempts, len(spoilt) - 1)
        high = min(
            spoilt[r] + min(missed + (r - 2) * both, r * (r - 1) / 2 * self.right_first)
            for r in range(2, int(most) + 1)
        )
        low = max(self._always_spoilt(attempts) + self.right_first, missed)
        mean = self._expected(attempts, detected, both)
        return Retries(high, min(low, high), mean, is_bound=True)

    def _always_spoilt(self, attempts: float) -> float:
        """At most E[S^R]: moments are convex in the logarithm."""
        most = len(self.spoilt) - 1
        if attempts <= most:
            return self.spoilt[int(attempts)]
        last, before = self.spoilt[most], self.spoilt[most - 1]
        if not last or math.isinf(attempts):
            return 0.0
        return last * math.pow(min(1.0, last / before), attempts - most)

    def _expected(self, attempts: float, detected: float, both: float) -> float:
        """At most 1 + E[d] + .. + E[d^(R-1)]."""
        most = len(self.spoilt) - 1
        powers = [
            max(detected**i, self.spoilt[i] - i * both)
            for i in range(2, int(min(attempts, most + 1)))
        ]
        expected = 1.0 + detected + math.fsum(powers)
        if attempts <= most + 1:
            return expected
        share = min(1.0, math.pow(powers[-1] if powers else detected, 1 / most))
        if share == 1.0:
            return expected + attempts - most - 1
        last = math.pow(share, attempts)
        return expected + (math.pow(share, most + 1) - last) / (1 - share)


def static_errors(
    laws: Sequence[NoiseLaw],
    moduli: Sequence[int],
    size: int,
    radius: int,
    undetected: float,
    most: int | None = None,
) -> StaticErrors:
    """What several attempts have in common under laws of which some have static errors.

    ``size`` is the number of legitimate values, ``radius`` that of the decoder, ``undetected`` the
    probability of an undetected error in one attempt. There are up to ``most`` attempts; any number
    if not given.

    Raises
    ------
    InputError
        If there are too many static parts to average over.
    """
    most = most or _attempts_of(radius)
    wrong, pairs = [], []
    for law, modulus in zip(laws, moduli, strict=True):
        weights, given = law.static_mixture(modulus, most)
        right, missed = given[:, 0], given[:, 1:].sum(axis=1)
        wrong.append(_numbers_wrong(weights, right, missed, most))
        pairs.append((((weights * right) @ given), ((weights * missed) @ given)))
    return StaticErrors(
        spoilt=_all_spoilt(wrong, radius, most),
        undetected=undetected,
        right_first=undetected_after_right(pairs, size, radius),
        all_static=all(law.is_static for law in laws),
    )


def _attempts_of(radius: int) -> int:
    """Of how many attempts the joint law is formed: its states grow with the radius."""
    most = _MOST_ATTEMPTS
    while most > 2 and math.comb(most + radius + 1, radius + 1) > _MOST_STATES:
        most //= 2
    return most


def _numbers_wrong(
    weights: FloatArray, right: FloatArray, wrong: FloatArray, most: int
) -> list[list[float]]:
    """For each number a of attempts the chance that certain j of them are wrong, and no others."""
    wrongs, rights = (np.vander(one, most + 1, increasing=True).T for one in (wrong, right))
    means = ((wrongs * weights) @ rights.T).tolist()
    return [[means[j][a - j] for j in range(a + 1)] for a in range(most + 1)]


def _all_spoilt(
    residues: Sequence[Sequence[Sequence[float]]], radius: int, most: int
) -> tuple[float, ...]:
    """Probabilities that r certain attempts have more wrong residues than the radius, r = 0 ...

    A state is how many attempts have 0, 1, .. wrong residues up to the radius; the others are
    spoilt, whatever follows.
    """
    states = {(most,) + (0,) * radius: 1.0}
    for chances in residues:
        following: defaultdict[tuple[int, ...], float] = defaultdict(float)
        for state, chance in states.items():
            for moved, ways in _moves(state):
                after = tuple(
                    here - away + come
                    for here, away, come in zip(state, moved, (0, *moved), strict=False)
                )
                following[after] += chance * ways * chances[sum(state)][sum(moved)]
        states = following
    by_spoilt = [0.0] * (most + 1)
    for state, chance in states.items():
        by_spoilt[most - sum(state)] += chance
    return tuple(
        math.fsum(
            chance * math.comb(n, r) / math.comb(most, r) for n, chance in enumerate(by_spoilt)
        )
        for r in range(most + 1)
    )


def _moves(state: tuple[int, ...]) -> list[tuple[tuple[int, ...], int]]:
    """How many attempts of each kind a residue may be wrong in, and in how many ways."""
    moves: list[tuple[tuple[int, ...], int]] = [((), 1)]
    for count in state:
        moves = [
            ((*moved, j), ways * math.comb(count, j))
            for moved, ways in moves
            for j in range(count + 1)
        ]
    return moves


MOST_VALUES = 1 << 19
_SLICE = 1 << 15


def retries_by_value(
    moduli: ModuliSet,
    size: int,
    radius: int,
    laws: tuple[NoiseLaw, ...],
    values: ValueLaw,
    correct: float,
    spoilt: float,
    attempts: float,
) -> Retries:
    """Means over the values of a code with few of them, of attempts that are independent.

    Parameters
    ----------
    moduli, size, radius, laws
        The code, and its noise.
    values
        Law of the values.
    correct, spoilt
        Probability that an attempt is right, and that it is not.
    attempts
        Largest number R of attempts.
    """
    missed = np.minimum(undetected_by_value(moduli, size, radius, laws), spoilt)
    index = np.arange(size)
    weights = values.between(index, index, size)
    detected = spoilt - missed
    ended = correct + missed  # 1 - d, without its cancellation
    always, never = ended <= 0, detected <= 0
    with np.errstate(divide="ignore"):
        logs = np.where(ended < 0.5, np.log1p(-ended), np.log(np.where(never, 1.0, detected)))
    some = ~(always | never)
    rejected = np.where(always, 1.0, 0.0)
    expected = np.where(always, attempts, 1.0)
    rejected[some] = np.exp(attempts * logs[some])
    expected[some] = np.maximum(1.0, -np.expm1(attempts * logs[some]) / ended[some])
    wrong = np.where(always, 0.0, missed * np.where(always, 1.0, expected)) + rejected
    total, last, mean = (
        float(np.einsum("i,i->", weights, one)) for one in (wrong, rejected, expected)
    )
    share = float(np.einsum("i,i->", weights, missed))
    accepted = (total - last) / share if share else 1.0
    total = min(1.0, total)
    return Retries(total, total, mean, False, last, accepted)


@lru_cache(maxsize=8)
def undetected_by_value(
    moduli: ModuliSet, size: int, radius: int, laws: tuple[NoiseLaw, ...]
) -> FloatArray:
    """Probability of an undetected error of each value, counted from the lowest one."""
    vectors = [law.error_distribution(m) for law, m in zip(laws, moduli.moduli, strict=True)]
    above = _sums(vectors, size, radius)  # of 0 .. n steps upwards
    below = _sums([np.concatenate((v[:1], v[:0:-1])) for v in vectors], size, radius)
    return above[::-1] + below


def _sums(laws: Sequence[FloatArray], size: int, radius: int) -> FloatArray:
    """Sums of G(d) over ``0 < d <= n``, for all n below L."""
    tables, terms = Tables.of(laws), np.zeros(size)
    for start in range(1, size, _SLICE):
        count = min(_SLICE, size - start)
        planes = tables.planes(start, count, radius)
        terms[start : start + count] = sum(planes[1:], planes[0])
    return np.cumsum(terms)
