"""Output error probability of a redundant residue code with up to R attempts.

And the designer's question: how much redundancy and how many attempts reach one that is wanted.
"""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

from rnscli import base, core
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
from rnscli.analysis.moduli import CodeOptions
from rnscli.core import ModuliSet, NoiseLaw, NoiseSetting
from rnscli.networks import NETWORKS

_NEGLIGIBLE = 1e-9  # share of p_err that may be open without being told


class FaultOptions:
    """What a user chooses of an error probability, besides the code and the noise."""

    group = base.OptionGroup.ASKED
    erased = base.Option(
        base.IndexSets(),
        "Channels known to be dead, as indices into the set in descending order (0 is the largest "
        "modulus), such as 0,3; repeat it for several cases.",
        repeated=True,
        group=base.OptionGroup.NOISE,
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
            lambda: (UNIFORM, DOT_PRODUCT, *NETWORKS),
            (".csv", ".npy"),
            "uniform, dot-product, a network, or a file .csv or .npy of values",
        ),
        "Law of the values that words stand for: uniform in the legitimate range; dot-product, "
        "sums of --vector-size products of uniform operands; the sums that a network comes to; or "
        "a file of observed values.",
        default=UNIFORM,
    )
    target_of = base.Option(
        base.Names(("p_err", "p_gross")),
        "Which probability --target limits: that an output is wrong, or that it is off by more "
        "than --tolerance or rejected.",
        default="p_err",
    )
    validate = base.Option(
        base.WholeNumbers(1000, 10**12),
        "Simulate this many words with the real code beside each exact value, stratified by the "
        "number of errors; exit with code 1 where the 99.9 % interval does not hold it.",
        group=base.OptionGroup.SIMULATION,
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
        return FaultPoint(
            moduli=self.moduli,
            laws=self._laws(),
            attempts=CodeOptions.attempts.check(self.attempts),
            decoder=decoder.name,
            legitimate_range=core.check_legitimate_range(self.moduli, size),
            erased=erased,
            tolerance=CodeOptions.tolerance.check(self.tolerance),
            values=self.values,
            retry_above=decoder.check_retry_above(self.retry_above),
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
    moduli, attempt = point.moduli, attempt_at(point)
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
        **after_attempts(point, point.attempts),
        tolerance=point.tolerance,
        legitimate_range=point.legitimate_range,
        cheapest=None,
        erased=point.erased or None,
    )


def search_probability(decoder: str, moduli: ModuliSet, laws: Sequence[NoiseLaw]) -> float:
    """Probability that a decoder does not believe the first group of residues, or an upper bound.

    Of most that is whenever a residue is wrong; 0 of those that try nothing else.
    """
    rule = core.decoder_named(decoder)
    if not (rule.listed or rule.groups_tried(moduli)):
        return 0.0
    return core.far_word(laws, moduli.moduli, rule.borne(moduli))


def after_attempts(point: FaultPoint, attempts: float) -> dict[str, Any]:
    """What rows say of the output after up to so many attempts."""
    found = retries(point, attempts)
    return {
        "p_err": found.p_err,
        "p_err_low": found.low,
        "is_bound": found.is_bound,
        "expected_attempts": found.expected_attempts,
        "conversions": point.left.count * found.expected_attempts,
        **_sizes(attempt_at(point), found),
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
    if once.open > _NEGLIGIBLE * found.p_err:  # how far the others are off is not known either
        absolute = square = None
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
