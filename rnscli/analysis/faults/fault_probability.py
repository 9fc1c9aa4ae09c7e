"""Output error probability of a redundant residue code with up to R attempts.

And the designer's question: how much redundancy and how many attempts reach one that is wanted.
"""

import itertools
import math
import warnings
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

from rnscli import base, core
from rnscli.analysis.faults import undetected
from rnscli.analysis.faults.attempt import Attempt, attempt
from rnscli.analysis.faults.retries import (
    MOST_VALUES,
    Retries,
    StaticErrors,
    independent,
    retries_by_value,
    static_errors,
)
from rnscli.analysis.faults.rows import FaultProbability
from rnscli.analysis.faults.value_law import DOT_PRODUCT, UNIFORM, UNIFORM_VALUES, ValueLaw
from rnscli.analysis.moduli import CodeOptions, ModuliRequest
from rnscli.core import ModuliSet, NoiseLaw, NoiseSetting

_NEGLIGIBLE = 1e-9  # share of p_err that may be open without being told


class FaultOptions:
    """What a user chooses of an error probability, besides the code and the noise."""

    erased = base.Option(
        base.IndexSets(),
        "Channels known to be dead, as indices into the set in descending order (0 is the largest "
        "modulus), such as 0,3; repeat it for several cases.",
        repeated=True,
    )
    target = base.Option(
        base.Numbers(5e-324, 1.0, "a probability above 0 and at most 1"),
        "Instead of given --redundant and --attempts: for each k the fewest attempts that reach "
        "p_err <= P, with the converter conversions they cost. With --solve: the p_err to keep.",
    )
    solve = base.Option(
        base.Names(("p", "sigma", "snr-db")),
        "Instead of a given level of the noise: for each code the most noise with which "
        "p_err <= --target, as its p, sigma or SNR.",
    )
    values = base.Option(
        base.NamesOrFiles(
            (UNIFORM, DOT_PRODUCT),
            (".csv", ".npy"),
            "uniform, dot-product, or a file .csv or .npy of values",
        ),
        "Law of the values that words stand for: uniform in the legitimate range; dot-product, "
        "sums of --vector-size products of uniform operands; or a file of values that were seen.",
        default=UNIFORM,
    )
    validate = base.Option(
        base.WholeNumbers(1000, 10**12),
        "Simulate this many words with the real code beside each exact value, stratified by the "
        "number of errors; exit with code 1 where the 99.9 % interval does not hold it.",
    )


@dataclass(frozen=True, kw_only=True)
class FaultParameters:
    """A code, a decoder, noise, and the number of attempts.

    Parameters
    ----------
    moduli
        The set with its redundant members.
    noise
        Law of the errors of every residue, a tuple of laws, one for each of ``moduli.moduli``, or
        a setting from which these follow.
    p
        Short for ``noise=Uniform(p)``; one of the two is given.
    attempts
        Largest number R of attempts, or ``math.inf``.
    decoder
        Name of a decoder; the usual one of the set if not given.
    legitimate_range
        Number L of legitimate values; ``None`` for the product of the information moduli.
    erased
        Channels known to be dead, as indices into ``moduli.moduli``; their laws do not matter.
    tolerance
        Steps by which an output may be off without being grossly wrong.
    values
        Law of the values that words stand for.
    retry_above
        Cost above which a decoder that looks at the size of errors rejects a word; none if not
        given.

    Raises
    ------
    InputError
        If a value is out of range.
    """

    moduli: ModuliSet
    noise: NoiseSetting | NoiseLaw | tuple[NoiseLaw, ...] | None = None
    p: float | None = None
    attempts: float = 1
    decoder: str | None = None
    legitimate_range: int | None = None
    erased: tuple[int, ...] = ()
    tolerance: int = core.TOLERANCE
    values: ValueLaw = UNIFORM_VALUES
    retry_above: float | None = None

    def __post_init__(self) -> None:
        _ = self.point

    @cached_property
    def point(self) -> "FaultPoint":
        """What holds, with nothing left open."""
        core.check_moduli_set(self.moduli)
        size = self.moduli.dynamic_range if self.legitimate_range is None else self.legitimate_range
        erased = tuple(self.erased)
        self.moduli.without(erased)
        decoder = core.decoder_for(self.moduli, self.decoder)
        cost = core.check_retry_above(self.retry_above)
        return FaultPoint(
            moduli=self.moduli,
            laws=self._laws(),
            attempts=CodeOptions.attempts.check(self.attempts),
            decoder=decoder.name,
            legitimate_range=core.check_legitimate_range(self.moduli, size),
            erased=erased,
            tolerance=CodeOptions.tolerance.check(self.tolerance),
            values=self.values,
            retry_above=decoder.check_retry_above(cost),
        )

    def _laws(self) -> tuple[NoiseLaw, ...]:
        if self.p is not None and self.noise is None:
            return (core.Uniform(self.p),) * self.moduli.count
        if self.noise is None or self.p is not None:
            raise base.InputError("give either `p` or `noise`")
        return core.law_of_each(self.noise, self.moduli)


@dataclass(frozen=True, kw_only=True)
class FaultPoint:
    """A code under noise with nothing left open: ``laws`` has the law of each of its moduli."""

    moduli: ModuliSet
    laws: tuple[NoiseLaw, ...]
    attempts: float
    decoder: str
    legitimate_range: int
    erased: tuple[int, ...]
    tolerance: int
    values: ValueLaw
    retry_above: float

    @property
    def left(self) -> ModuliSet:
        """The moduli of the channels that are not dead."""
        return self.moduli.without(self.erased)

    @property
    def radius(self) -> int:
        """Number of residues that the decoder corrects, of the channels that are left."""
        return core.decoder_named(self.decoder).radius_of(self.left)

    @property
    def left_laws(self) -> tuple[NoiseLaw, ...]:
        return tuple(law for i, law in enumerate(self.laws) if i not in self.erased)


def fault_probability(parameters: FaultParameters) -> FaultProbability:
    r"""Probabilities of a code under independent residue errors, exact up to two attempts.

    One attempt is correct if at most t residues are wrong, t being the radius of the decoder. The
    probability p_u of an undetected error is a sum of positive terms, so that it keeps its
    relative precision however small it is: over the sets of wrong residues for the uniform law
    (`code_spectrum`), over the differences of legitimate values for any other
    (`rnscli.analysis.faults.undetected`, for ranges up to 2**32, in time proportional to them).
    Detected words are computed again, up to R attempts in all:

    ``p_err(R) = p_u (1 - p_d^R) / (1 - p_d) + p_d^R`` and
    ``expected_attempts = (1 - p_d^R) / (1 - p_d)``.

    Both are exact up to R = 2. A retry keeps its value X, and p_d depends on it, while
    p_c does not: ``p_err = 1 - p_c E[1 + p_d(X) + ... + p_d(X)^(R-1)]``. With the mean of p_d(X) in
    place of that of its powers, which are convex, p_err is an upper bound from R = 3 on, and
    expected_attempts a lower one; the row then says that it ``is_bound``, and ``p_err_low`` bounds
    p_err from below.

    A retry also meets the static errors of a law again, and p_c, p_d and p_u depend on these. p_err
    is the mean over them: exact up to R = 2, and between bounds beyond
    (`rnscli.analysis.faults.retries`).

    Parameters
    ----------
    parameters
        Code, noise and attempts.

    Returns
    -------
    FaultProbability

    Raises
    ------
    InputError
        If the set has more than 18 moduli (uniform law) or the legitimate range is larger than
        2**32 (any other law).

    Warns
    -----
    RuntimeWarning
        If a probability is too small for a double (below 2.2e-308) and is given as 0.

    References
    ----------
    arXiv:2309.10759, Methods; James, Yang and Sinha, "Redundant residue number system code for
    fault-tolerant hybrid memories", ACM JETC 2015.

    Examples
    --------
    >>> from rnscli.core.noise import Gaussian
    >>> moduli = ModuliSet([63, 62, 61, 59, 55, 53], redundant=2)
    >>> result = fault_probability(FaultParameters(moduli=moduli, p=1e-3, attempts=2))
    >>> f"{result.p_err:.3e}"
    '9.157e-07'
    >>> small = ModuliSet([15, 14, 13, 11], redundant=1)
    >>> result = fault_probability(FaultParameters(moduli=small, noise=Gaussian(0.2)))
    >>> f"{result.p:.3e} {result.p_undetected:.3e}"
    '1.242e-02 8.992e-07'
    """
    point = parameters.point
    moduli, left = point.moduli, point.left
    attempt = attempt_at(point)
    found = retries(point, point.attempts)
    wrong = core.error_probabilities(point.laws, moduli.moduli)
    if attempt.underflows:
        warnings.warn(
            f"a probability at p = {max(wrong):g} is below 2.2e-308 and is given as 0",
            RuntimeWarning,
            stacklevel=2,
        )
    return FaultProbability(
        **core.moduli_columns(moduli),
        decoder=point.decoder,
        **core.noise_columns(point.laws, wrong),
        attempts=point.attempts,
        p_correct=attempt.correct,
        p_detected=attempt.detected + _perhaps_detected(point, attempt, found.p_err),
        p_undetected=attempt.undetected + attempt.open,
        **_of_retries(found, left.count),
        **_sizes(attempt, found),
        tolerance=point.tolerance,
        legitimate_range=point.legitimate_range,
        cheapest=None,
        erased=point.erased or None,
    )


def search_probability(point: FaultPoint) -> float:
    """Probability that a decoder does not believe the first group of residues, or an upper bound.

    Of most that is whenever a residue is wrong.
    """
    left = point.left
    borne = core.decoder_named(point.decoder).borne(left)
    return core.far_word(point.left_laws, left.moduli, borne)


def _of_retries(found: Retries, count: int) -> dict[str, Any]:
    """What rows of a code of so many residues say of its retries."""
    return {
        "p_err": found.p_err,
        "p_err_low": found.low,
        "is_bound": found.is_bound,
        "expected_attempts": found.expected_attempts,
        "conversions": count * found.expected_attempts,
    }


def attempt_at(point: FaultPoint) -> Attempt:
    """How one attempt at a code ends."""
    left, size = point.left, point.legitimate_range
    return attempt(
        left, size, point.decoder, point.left_laws, point.tolerance, point.values, point.retry_above
    )


def _sizes(once: Attempt, found: Retries) -> dict[str, Any]:
    """How far outputs are off; what is rejected to the last counts as grossly wrong."""
    accepted, rejected = found.accepted, found.rejected
    if accepted is None or rejected is None:
        small = max(0.0, once.undetected - once.gross)
        return {
            "p_gross": max(0.0, found.p_err - small),
            "mean_abs_output_error": None,
            "rms_output_error": None,
        }
    absolute, square = once.absolute, once.square
    return {
        "p_gross": min(found.p_err, (once.gross + once.open) * accepted + rejected),
        "mean_abs_output_error": None if absolute is None else absolute * accepted,
        "rms_output_error": None if square is None else math.sqrt(square * accepted),
    }


def retries(point: FaultPoint, attempts: float) -> Retries:
    """What up to so many attempts at a code come to."""
    once = attempt_at(point)
    wrong = once.undetected + once.open
    if attempts > 1:
        several = static_part(replace(point, attempts=attempts))
        if several is not None:
            return several.after(attempts)
        if _has_static(point):
            # Each attempt may be like the first one, or better.
            spoilt = once.detected + wrong
            return Retries(spoilt, once.undetected, 1.0 + once.detected, is_bound=True)
    found = independent(once.correct, once.detected, wrong, attempts)
    if found.is_bound and _is_small(point):
        left, laws = point.left, point.left_laws
        return retries_by_value(
            left, point.legitimate_range, point.radius, laws, point.values,
            once.correct, once.detected + wrong, attempts,
        )  # fmt: skip
    if once.open <= _NEGLIGIBLE * found.p_err:
        return found
    least = independent(once.correct + once.open, once.detected, once.undetected, attempts)
    rejected = once.detected + _perhaps_detected(point, once, found.p_err)
    most = independent(once.correct, rejected, once.undetected, attempts)
    return found._replace(low=least.low, expected_attempts=most.expected_attempts, is_bound=True)


def _perhaps_detected(point: FaultPoint, once: Attempt, p_err: float) -> float:
    """The probability of errors that the decoder may reject, or not, where that matters."""
    rule = core.decoder_named(point.decoder)
    rejects = rule.rejects(point.left, point.legitimate_range, point.retry_above)
    return once.open if rejects and once.open > _NEGLIGIBLE * p_err else 0.0


def _is_small(point: FaultPoint) -> bool:
    """Whether there are few values, of which each has probabilities of its own."""
    counts = core.decoder_named(point.decoder).counts_residues
    return counts and point.legitimate_range <= MOST_VALUES


def _has_static(point: FaultPoint) -> bool:
    """Whether several attempts have something in common."""
    return bool(attempt_at(point).detected) and any(
        law.has_static_errors for law in point.left_laws
    )


def static_part(point: FaultPoint) -> StaticErrors | None:
    """What several attempts have in common, of a decoder that counts wrong residues.

    ``None`` where they are independent.
    """
    once = attempt_at(point)
    if not core.decoder_named(point.decoder).counts_residues or not _has_static(point):
        return None
    most = 2 if point.attempts == 2 else None
    return _several(
        point.left, point.legitimate_range, point.radius, point.left_laws, once.undetected, most
    )


@lru_cache(maxsize=256)
def _several(
    moduli: ModuliSet,
    size: int,
    radius: int,
    laws: tuple[NoiseLaw, ...],
    undetected: float,
    most: int | None,
) -> StaticErrors:
    """Of several attempts; remembered, because more than two are alike."""
    return static_errors(laws, moduli.moduli, size, radius, undetected, most)


@dataclass(frozen=True, kw_only=True)
class TargetParameters:
    """A range, noise, and the output error probability that is wanted.

    Parameters
    ----------
    request
        What the moduli are for; its ``redundant`` is not used, and it may not name the set.
    noise
        Law of the errors, or a setting from which the laws of the residues of any set follow.
    target
        Wanted p_err, above 0 and below 1.
    decoder, tolerance, values, retry_above, legitimate_range
        As in `FaultParameters` and `ModuliRequest.legitimate_range`.

    Raises
    ------
    InputError
        If a value is out of range.
    """

    request: ModuliRequest
    noise: NoiseSetting | NoiseLaw
    target: float
    decoder: str | None = None
    tolerance: int = core.TOLERANCE
    values: ValueLaw = UNIFORM_VALUES
    retry_above: float | None = None
    legitimate_range: str | int = "product"

    def __post_init__(self) -> None:
        FaultOptions.target.check(self.target)
        if self.request.moduli is not None:
            raise base.InputError("`target` chooses the moduli, so leave `moduli` out")


def redundancy_frontier(parameters: TargetParameters) -> tuple[FaultProbability, ...]:
    """For each number of redundant moduli k the fewest attempts R that reach a target.

    The best moduli set for each k is taken, and k grows until one attempt is enough: from there
    on more redundancy only costs. p_err falls with R towards p_u / (p_u + p_c), so a k whose limit
    is above the target is left out.

    Parameters
    ----------
    parameters
        Range, noise and target.

    Returns
    -------
    tuple of FaultProbability
        One for each k that reaches the target, in the order of k; ``cheapest`` marks the one with
        the fewest converter conversions.

    Raises
    ------
    InputError
        If there is no noise.
    NoSolutionError
        If no k within the width of the converters reaches it; says what the best one reaches.

    Warns
    -----
    RuntimeWarning
        If a k that might need fewer attempts takes more moduli than are computed (18).

    Examples
    --------
    >>> from rnscli.core.noise import Uniform
    >>> request = ModuliRequest(bits=6, vector_size=128)
    >>> for row in redundancy_frontier(
    ...     TargetParameters(request=request, noise=Uniform(1e-3), target=1e-6)
    ... ):
    ...     print(row.redundant, row.attempts, f"{row.conversions:.4f}", row.cheapest)
    1 3 5.0251 True
    2 2 6.0001 False
    3 2 7.0001 False
    4 1 8.0000 False
    """
    found: list[FaultProbability] = []
    limits: list[FaultProbability] = []  # with any number of attempts
    more = ""  # redundancy that is not computed, though there is a set
    for redundant in itertools.count():
        request = replace(parameters.request, redundant=redundant)
        try:
            moduli = request.choose()[0]
        except base.NoSolutionError:
            if not limits:  # there is no set at all
                raise
            break
        if limits and moduli.count > undetected.MAX_COUNT:
            more = f"k from {redundant} on takes more than {undetected.MAX_COUNT} moduli"
            break
        code = FaultParameters(
            moduli=moduli,
            noise=parameters.noise,
            attempts=math.inf,
            decoder=parameters.decoder,
            tolerance=parameters.tolerance,
            values=parameters.values,
            retry_above=parameters.retry_above,
            legitimate_range=request.legitimate_range(moduli, parameters.legitimate_range),
        )
        limit = fault_probability(code)
        if not limit.p:
            raise base.InputError("without noise every code reaches a `target`; give some noise")
        limits.append(limit)
        attempts = _least_attempts(code.point, parameters.target)
        if attempts is None:
            continue
        several = retries(code.point, attempts)
        reached = _of_retries(several, moduli.count) | _sizes(attempt_at(code.point), several)
        found.append(replace(limit, attempts=attempts, **reached))
        if attempts == 1:
            break
    if not found:
        nearest = min(limits, key=lambda limit: limit.p_err)
        raise base.NoSolutionError(
            f"no redundancy of moduli within {parameters.request.converter_bits} bits reaches "
            f"p_err <= {parameters.target:g} at p = {nearest.p:.3g}; the nearest is "
            f"{nearest.redundant} redundant moduli with any number of attempts, "
            f"p_err = {nearest.p_err:.3g}" + (f" ({more}, which is not computed)" if more else ""),
            "target",
            "bits",
        )
    if more:
        warnings.warn(f"{more}, which is not computed", RuntimeWarning, stacklevel=2)
    fewest = min(row.conversions for row in found)
    return tuple(replace(row, cheapest=row.conversions == fewest) for row in found)


def _least_attempts(point: FaultPoint, target: float) -> float | None:
    """Fewest attempts with ``p_err <= target``; ``None`` if no number of them is enough."""

    def misses(attempts: float) -> bool:
        return retries(point, attempts).p_err > target

    if not misses(1):
        return 1
    if misses(math.inf):
        return None
    low, high = 1, 2  # too few, and perhaps enough
    while misses(high):
        low, high = high, 2 * high
        if high > base.MAX_ATTEMPTS:
            return math.inf
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if misses(middle) else (low, middle)
    return high
