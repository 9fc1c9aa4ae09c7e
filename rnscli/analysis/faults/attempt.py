"""How one attempt at a word of a code ends, and how far its output is off."""

import math
import sys
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from rnscli.analysis.faults import undetected
from rnscli.analysis.faults.error_strata import weight_distribution
from rnscli.analysis.faults.lee_errors import lee_outcome
from rnscli.analysis.faults.robust_errors import robust_outcome
from rnscli.analysis.faults.small_errors import Judge, outcome_at_ends, sized_outcome
from rnscli.analysis.faults.value_law import UNIFORM_VALUES, ValueLaw
from rnscli.base import InputError
from rnscli.core import (
    Decoder,
    FloatArray,
    Lee,
    ModuliSet,
    NoiseLaw,
    Plurality,
    RedundantCode,
    Robust,
    decoder_named,
    error_probabilities,
    weights_of,
)


class Attempt(NamedTuple):
    """Probabilities that an attempt ends correct, detected or undetected.

    ``open`` is the probability of errors whose outcome is not known, beside these three. ``gross``
    is that of an output that is accepted and further off than a tolerance, ``absolute`` and
    ``square`` the means of how far accepted outputs are off, and of the square of that, 0 where
    nothing is accepted, ``None`` where they may be too large for a double. ``underflows`` says
    whether some probability is too small for a double, and given as 0.
    """

    correct: float
    detected: float
    undetected: float
    open: float = 0.0
    gross: float = 0.0
    absolute: float | None = 0.0
    square: float | None = 0.0
    underflows: bool = False


@lru_cache(maxsize=1024)
def attempt(
    moduli: ModuliSet,
    size: int,
    decoder: str,
    laws: tuple[NoiseLaw, ...],
    tolerance: int,
    values: ValueLaw = UNIFORM_VALUES,
    retry_above: float = math.inf,
) -> Attempt:
    """Outcome of one attempt at a word, on average over its values.

    Remembered, because it does not depend on the attempts.

    Parameters
    ----------
    moduli, size, decoder
        The code.
    laws
        Those of the errors of each residue.
    tolerance
        Steps by which an output may be off without being grossly wrong.
    values
        Law of the values.
    retry_above
        Cost above which a decoder that looks at the size of errors rejects a word.

    Raises
    ------
    InputError
        If the code is too large.
    """
    rule, uniform = decoder_named(decoder), all(law.equiprobable for law in laws)
    closed = uniform and values == UNIFORM_VALUES
    wrong = error_probabilities(laws, moduli.moduli)
    if not any(wrong):
        return Attempt(1.0, 0.0, 0.0, underflows=any(law.standard_deviation for law in laws))
    if not rule.counts_residues:
        code = RedundantCode(moduli, size, decoder, weights_of(laws), retry_above)
        found = sized_outcome(_judge(rule), code, laws, tolerance, values)
        return Attempt(**found._asdict())
    radius = rule.radius_of(moduli)
    if closed:
        return _of_uniform(moduli, size, radius, laws, tolerance)
    return _of_any(moduli, size, radius, laws, tolerance, values)


_JUDGES: dict[type[Decoder], Judge] = {
    Robust: robust_outcome,
    Lee: lee_outcome,
    Plurality: outcome_at_ends,
}


def _judge(decoder: Decoder) -> Judge:
    for kind, judge in _JUDGES.items():
        if isinstance(decoder, kind):
            return judge
    raise InputError(f"no error probability is known of the `decoder` {decoder.name}: simulate it")


def _of_any(
    moduli: ModuliSet,
    size: int,
    radius: int,
    laws: Sequence[NoiseLaw],
    tolerance: int,
    values: ValueLaw,
) -> Attempt:
    """By the sum over differences."""
    wrong = error_probabilities(laws, moduli.moduli)
    vectors = [law.error_distribution(m) for law, m in zip(laws, moduli.moduli, strict=True)]
    sums = undetected.sums_by_differences(vectors, size, radius, tolerance, values)
    missed, may_miss = sums.probability, sums.probability > 0
    if missed < sys.float_info.min:  # whether the laws make such errors at all
        some = [(vector > 0) / vector.size for vector in vectors]
        may_miss = undetected.sums_by_differences(some, size, radius, 0, values).probability > 0
    weights = weight_distribution(wrong).tolist()
    spoilt = math.fsum(weights[radius + 1 :])
    # From the tail of the weights and not as 1 - p_c - p_u. Where all errors are undetected, what
    # rounding leaves of the difference is no probability.
    rejects = size < moduli.total_range
    detected = max(0.0, spoilt - missed) if rejects else 0.0
    # Of larger ones a difference of zero is one.
    may_reject = rejects and spoilt < sys.float_info.min and sum(p > 0 for p in wrong) > radius
    correct = math.fsum(weights[: radius + 1])
    return _held(correct, (detected, may_reject), (min(missed, spoilt), may_miss), sums)


def _of_uniform(
    moduli: ModuliSet, size: int, radius: int, laws: Sequence[NoiseLaw], tolerance: int
) -> Attempt:
    """By the sets of wrong residues.

    With the outcomes c_w, d_w, u_w of errors of weight w, ``p_undetected = sum_w u_w p^w
    (1 - p)^(N - w)`` and so on, where every residue is wrong with the same p.
    """
    spectrum = undetected.code_spectrum(moduli, size, radius)
    wrong = error_probabilities(laws, moduli.moduli)
    chances, possible = joint_chances(wrong)
    of_sets = undetected.undetected_sizes(moduli, size, radius, tolerance)
    gross, *means = (float(chances @ one) for one in of_sets)
    absolute, square = means or (None, None)
    p, count = wrong[0], moduli.count
    if min(wrong) == max(wrong):
        weights = [p**w * (1.0 - p) ** (count - w) for w in range(count + 1)]
        correct, detected, missed = (
            math.fsum(s * w for s, w in zip(shares, weights, strict=True))
            for shares in (spectrum.correct, spectrum.detected, spectrum.undetected)
        )
        may = [p < 1 and any(shares) for shares in (spectrum.detected, spectrum.undetected)]
    else:
        correct = math.fsum(weight_distribution(wrong)[: radius + 1])
        shares_of = (spectrum.detected_of, spectrum.undetected_of)
        detected, missed = (float(chances @ shares) for shares in shares_of)
        may = [bool((shares > 0)[possible].any()) for shares in shares_of]
    sums = undetected.DifferenceSums(missed, gross, absolute, square)
    return _held(correct, (detected, may[0]), (missed, may[1]), sums)


def joint_chances(wrong: Sequence[float]) -> tuple[FloatArray, Any]:
    """The chance that exactly the residues of each set T are wrong, and whether there is one."""
    chances, possible = np.ones(1), np.ones(1, dtype=bool)
    for p in wrong:
        chances = np.concatenate((chances * (1.0 - p), chances * p))
        possible = np.concatenate((possible & (p < 1), possible & (p > 0)))
    return chances, possible


def _held(
    correct: float,
    detected: tuple[float, bool],
    missed: tuple[float, bool],
    sums: undetected.DifferenceSums,
) -> Attempt:
    """Of chances, and whether there is one at all; without what rounding adds beyond 1.

    A chance is 0, and that is told, where it has lost digits.
    """
    lost = [possible and chance < sys.float_info.min for chance, possible in (detected, missed)]
    rejected, unnoticed = (
        0.0 if gone else min(1.0, chance)
        for gone, (chance, _) in zip(lost, (detected, missed), strict=True)
    )
    gross = min(sums.gross, unnoticed)
    return Attempt(
        min(1.0, correct), rejected, unnoticed, 0.0, gross, sums.absolute, sums.square, any(lost)
    )
