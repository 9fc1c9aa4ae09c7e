r"""Outcome of decoders that look at the size of errors, by enumerating the likely ones.

Such a decoder is a function of the received word, and a word X + e differs from another only in
where its candidates lie against the ends of the legitimate range. So an error e is decoded once, to
differences of the value, and counts for the values X that these leave legitimate: the mean over X
is exact. Errors of all residues are taken in the order of their probability; what is left out is
added up from positive terms, and bounds all results from both sides.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from rnscli.analysis.faults.value_law import ValueLaw
from rnscli.core import DETECTED, FloatArray, IntArray, NoiseLaw, RedundantCode

MOST_ERRORS = 1 << 19
_ENOUGH = 1e-12  # share of the probability of an error that may be left out
_FEW, _QUICK = 1e-3, 1 << 15  # of gross errors, which are looked for among so many
_STEP = 1e-2  # by which less likely errors are added
_FIRST, _BROAD = 1e-4, 0.9  # the first share, and the last where that has too many errors


class SizedOutcome(NamedTuple):
    """How one attempt ends, and how far what it puts out is off.

    ``open`` is the probability of errors whose outcome is not known; the other three and it add up
    to 1. ``gross`` is the probability of an accepted output that is further off than the tolerance,
    ``absolute`` and ``square`` the means of what accepted outputs are off, and of the square, 0
    where nothing is accepted.
    """

    correct: float
    detected: float
    undetected: float
    open: float
    gross: float
    absolute: float
    square: float


Judge = Callable[[RedundantCode, IntArray, FloatArray, int, ValueLaw], SizedOutcome]


def sized_outcome(
    judge: Judge,
    code: RedundantCode,
    laws: Sequence[NoiseLaw],
    tolerance: int,
    values: ValueLaw,
) -> SizedOutcome:
    """Outcome of one attempt, on average over the values of words.

    Parameters
    ----------
    judge
        What says of errors ``(N, K)`` with their chances what becomes of them, apart from others;
        ``open`` is then the probability of those among them of which it is not known.
    code
        A code with a decoder of its own.
    laws
        Those of the errors of each residue.
    tolerance
        Steps by which an output may be off without being grossly wrong.
    values
        Law of the values.
    """
    vectors = [law.error_distribution(m) for law, m in zip(laws, code.moduli.moduli, strict=True)]
    known, others = SizedOutcome(*7 * (0.0,)), 1.0
    for errors, chances, others, number in likely_errors(vectors, MOST_ERRORS):
        judged = judge(code, errors, chances, tolerance, values)
        known = SizedOutcome(*(a + b for a, b in zip(known, judged, strict=True)))
        wrong = known.undetected + known.detected + known.open
        if others <= _ENOUGH * wrong and (others <= _FEW * known.gross or number > _QUICK):
            break
    return known._replace(open=known.open + others)


def outcome_at_ends(
    code: RedundantCode, errors: IntArray, chances: FloatArray, tolerance: int, values: ValueLaw
) -> SizedOutcome:
    """Of a decoder that takes the nearest value: what is right at both ends is so for all values.

    A word of the lowest value has all candidates above, and one of the highest all of those below.
    Of other errors nothing is said: `validation` simulates them.
    """
    del tolerance, values
    members = np.array(code.moduli.moduli)[:, np.newaxis]
    right = np.ones(chances.size, dtype=np.bool_)
    for value in (code.lowest, code.highest):
        decoded = code.decode((code.encode(np.array([value])) + errors) % members)
        right &= (decoded.values == value) & (decoded.status != DETECTED)
    known = float(np.einsum("i,i->", chances, right))
    left = float(np.einsum("i,i->", chances, ~right))
    return SizedOutcome(known, 0.0, 0.0, left, 0.0, 0.0, 0.0)


class LikelyErrors(NamedTuple):
    """Errors ``(N, K)`` of N residues, about 0, and their chances.

    ``others`` is the chance of any but these and those before them, of which there are ``number``.
    """

    errors: IntArray
    chances: FloatArray
    others: float
    number: int


class _Law(NamedTuple):
    """Errors of a residue, the likeliest first, with the sums of the chances from each on."""

    errors: IntArray
    chances: FloatArray
    from_here: FloatArray


def likely_errors(laws: Sequence[FloatArray], most: int) -> Iterator[LikelyErrors]:
    """Sets of errors, each with less likely ones than that before it, up to ``most`` errors.

    All those are in one of them whose chance is at least a share of that of the likeliest. They are
    built residue by residue, and what is left out is added up where it is, from positive terms.

    Parameters
    ----------
    laws
        Probabilities of the errors ``0 .. m - 1`` of each residue.
    most
        Largest number of errors in all. Of laws that are so broad that not even the likeliest are
        fewer there are none.

    Examples
    --------
    >>> law = np.array([0.98, 0.01, 0.0, 0.01])
    >>> [(one.errors.shape, one.number, one.others) for one in likely_errors([law, law], 100)]
    [((2, 9), 9, 0.0)]
    """
    ordered = [_ordered(law) for law in laws]
    share, above = _FIRST, math.inf
    while share > 1e-300:
        found = _likelier(ordered, share, above, most)
        if found is not None:
            if found.chances.size:
                yield found
            if not found.others:
                return
            above = share
        elif math.isfinite(above) or share > _BROAD:
            return
        share = share * _STEP if math.isfinite(above) else math.sqrt(share)


def _ordered(law: FloatArray) -> _Law:
    order = np.argsort(-law, kind="stable")
    order = order[: np.count_nonzero(law)]
    chances = law[order]
    errors = np.where(order > law.size // 2, order - law.size, order)
    from_here = np.append(np.cumsum(chances[::-1])[::-1], 0.0)
    return _Law(errors, chances, from_here)


def _likelier(laws: Sequence[_Law], share: float, above: float, most: int) -> LikelyErrors | None:
    """Errors at least that share as likely as the likeliest; ``None`` if there are too many.

    Those that are as likely as the share ``above`` are left out.
    """
    errors = np.zeros((0, 1), dtype=np.int64)
    chances, shares, others = np.ones(1), np.ones(1), 0.0
    for law in laws:
        relative = law.chances / law.chances[0]
        count = np.searchsorted(-relative, -(share / shares) * (1 - 1e-12), side="right")
        others += float(np.einsum("i,i->", chances, law.from_here[count]))
        total = int(count.sum())
        if total > most:
            return None
        before = np.repeat(np.arange(count.size), count)
        place = np.arange(total) - np.repeat(np.cumsum(count) - count, count)
        errors = np.vstack((errors[:, before], law.errors[place]))
        chances = chances[before] * law.chances[place]
        shares = shares[before] * relative[place]
    new = shares < above * (1 - 1e-12)
    return LikelyErrors(errors[:, new], chances[new], others, chances.size)
