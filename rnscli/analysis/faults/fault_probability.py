"""Output error probability of a redundant residue code with up to R attempts."""

import math
import sys
import warnings
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from rnscli.analysis.faults.rows import FaultProbability
from rnscli.analysis.faults.undetected import (
    CodeSpectrum,
    check_range,
    code_spectrum,
    undetected_by_differences,
    weight_distribution,
)
from rnscli.analysis.moduli import CodeOptions
from rnscli.base import IndexSets, InputError, Numbers, Option, WholeNumbers
from rnscli.core import (
    ModuliSet,
    NoiseLaw,
    NoiseSetting,
    Uniform,
    check_legitimate_range,
    check_moduli_set,
    decoder_named,
    error_probabilities,
    noise_columns,
    radius_of,
)

# Probabilities that one attempt ends correct, detected, undetected.
Outcome = tuple[float, float, float]


class FaultOptions:
    """What a user chooses of an error probability, besides the code and the noise."""

    erased = Option(
        IndexSets(),
        "Channels known to be dead, as indices into the set in descending order (0 is the largest "
        "modulus), such as 0,3; repeat it for several cases.",
        repeated=True,
    )
    target = Option(
        Numbers(5e-324, 1.0, "a probability above 0 and at most 1"),
        "Instead of given --redundant and --attempts: for each k the fewest attempts that reach "
        "p_err <= P, with the converter conversions they cost.",
    )
    validate = Option(
        WholeNumbers(1000, 10**12),
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
        Name of a decoder.
    legitimate_range
        Number L of legitimate values; ``None`` for the product of the information moduli.
    erased
        Channels known to be dead, as indices into ``moduli.moduli``; their laws do not matter.

    Raises
    ------
    InputError
        If a value is out of range.
    """

    moduli: ModuliSet
    noise: NoiseSetting | NoiseLaw | tuple[NoiseLaw, ...] | None = None
    p: float | None = None
    attempts: float = 1
    decoder: str = "bounded-distance"
    legitimate_range: int | None = None
    erased: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        _ = self.point

    @cached_property
    def point(self) -> "FaultPoint":
        """What holds, with nothing left open."""
        check_moduli_set(self.moduli)
        size = self.moduli.dynamic_range if self.legitimate_range is None else self.legitimate_range
        erased = tuple(self.erased)
        self.moduli.without(erased)
        return FaultPoint(
            moduli=self.moduli,
            laws=self._laws(),
            attempts=CodeOptions.attempts.check(self.attempts),
            decoder=decoder_named(self.decoder).name,
            legitimate_range=check_legitimate_range(self.moduli, size),
            erased=erased,
        )

    def _laws(self) -> tuple[NoiseLaw, ...]:
        if self.p is not None and self.noise is None:
            return (Uniform(self.p),) * self.moduli.count
        if self.noise is None or self.p is not None:
            raise InputError("give either `p` or `noise`")
        if isinstance(self.noise, NoiseSetting):
            return self.noise.laws(self.moduli)
        if not isinstance(self.noise, tuple):
            return (self.noise,) * self.moduli.count
        if len(self.noise) != self.moduli.count:
            raise InputError(
                f"`noise` has {len(self.noise)} laws; the set has {self.moduli.count} moduli"
            )
        return self.noise


@dataclass(frozen=True, kw_only=True)
class FaultPoint:
    """A code under noise with nothing left open.

    Attributes
    ----------
    moduli, attempts, decoder, erased
        As in `FaultParameters`.
    laws
        The law of each of ``moduli.moduli``.
    legitimate_range
        Number L of legitimate values.
    """

    moduli: ModuliSet
    laws: tuple[NoiseLaw, ...]
    attempts: float
    decoder: str
    legitimate_range: int
    erased: tuple[int, ...]

    @property
    def left(self) -> ModuliSet:
        """The moduli of the channels that are not dead."""
        return self.moduli.without(self.erased)

    @property
    def left_laws(self) -> tuple[NoiseLaw, ...]:
        return tuple(law for i, law in enumerate(self.laws) if i not in self.erased)


def fault_probability(parameters: FaultParameters) -> FaultProbability:
    r"""Exact probabilities of a code under independent residue errors.

    One attempt is correct if at most t residues are wrong, t being the radius of the decoder. The
    probability p_u of an undetected error is a sum of positive terms, so that it keeps its
    relative precision however small it is: over the sets of wrong residues for the uniform law
    (`code_spectrum`), over the differences of legitimate values for any other
    (`rnscli.analysis.faults.undetected`, for ranges up to 2**32, in time proportional to them).
    Detected words are computed again, up to R attempts in all:

    ``p_err(R) = p_u (1 - p_d^R) / (1 - p_d) + p_d^R`` and
    ``expected_attempts = (1 - p_d^R) / (1 - p_d)``.

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
        If the set has more than 16 moduli (uniform law) or the legitimate range is larger than
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
    correct, detected, undetected = _attempt_outcome(
        left, point.legitimate_range, radius_of(point.decoder, left), point.left_laws
    )
    p_err, expected = after_attempts(correct, detected, undetected, point.attempts)
    wrong = error_probabilities(point.laws, moduli.moduli)
    return FaultProbability(
        moduli=moduli.information,
        redundant_moduli=moduli.redundant_moduli,
        redundant=moduli.redundant,
        decoder=point.decoder,
        **noise_columns(point.laws, wrong),
        attempts=point.attempts,
        p_correct=correct,
        p_detected=detected,
        p_undetected=undetected,
        p_err=p_err,
        expected_attempts=expected,
        legitimate_range=point.legitimate_range,
        conversions=left.count * expected,
        cheapest=None,
        erased=point.erased or None,
    )


@lru_cache(maxsize=1024)
def _attempt_outcome(
    moduli: ModuliSet, size: int, radius: int, laws: tuple[NoiseLaw, ...]
) -> Outcome:
    """Outcome of one attempt; remembered, because it does not depend on the attempts."""
    uniform = all(law.equiprobable for law in laws)
    if not uniform:
        check_range(size)
    wrong = error_probabilities(laws, moduli.moduli)
    if not any(wrong):
        return 1.0, 0.0, 0.0
    if not uniform:
        return _general_outcome(moduli, size, radius, laws, wrong)
    spectrum = code_spectrum(moduli, size, radius)
    if min(wrong) == max(wrong):
        return attempt_outcome(spectrum, wrong[0])
    # The chance that exactly the residues of each set T are wrong.
    chances = np.ones(1)
    for p in wrong:
        chances = np.concatenate((chances * (1.0 - p), chances * p))
    return _capped(
        math.fsum(weight_distribution(wrong)[: radius + 1].tolist()),
        float(chances @ spectrum.detected_of),
        float(chances @ spectrum.undetected_of),
    )


def attempt_outcome(spectrum: CodeSpectrum, p: float) -> Outcome:
    """Probabilities that one attempt is correct, detected, undetected, for uniform errors.

    With the outcomes c_w, d_w, u_w of errors of weight w, ``p_undetected = sum_w u_w p^w
    (1 - p)^(N - w)`` and so on.
    """
    count = len(spectrum.correct) - 1
    weights = [p**w * (1.0 - p) ** (count - w) for w in range(count + 1)]
    correct, detected, undetected = (
        math.fsum(s * w for s, w in zip(shares, weights, strict=True))
        for shares in (spectrum.correct, spectrum.detected, spectrum.undetected)
    )
    lost = 0 < p < 1 and any(
        outcome < sys.float_info.min and any(shares)
        for outcome, shares in (
            (detected, spectrum.detected),
            (undetected, spectrum.undetected),
        )
    )
    if lost:
        warnings.warn(
            f"a probability at p = {p:g} is below 2.2e-308 and is given as 0",
            RuntimeWarning,
            stacklevel=2,
        )
        detected, undetected = (
            outcome if outcome >= sys.float_info.min else 0.0 for outcome in (detected, undetected)
        )
    return _capped(correct, detected, undetected)


def _general_outcome(
    moduli: ModuliSet, size: int, radius: int, laws: tuple[NoiseLaw, ...], wrong: tuple[float, ...]
) -> Outcome:
    """Outcome of one attempt under laws that are not uniform."""
    weights = weight_distribution(wrong)
    vectors = [law.error_distribution(m) for law, m in zip(laws, moduli.moduli, strict=True)]
    undetected = undetected_by_differences(vectors, size, radius)
    spoilt = math.fsum(weights[radius + 1 :].tolist())
    # From the tail of the weights and not as 1 - p_c - p_u. Where all errors are undetected, what
    # rounding leaves of the difference is no probability.
    detected = 0.0 if size == moduli.total_range else max(0.0, spoilt - undetected)
    return _capped(math.fsum(weights[: radius + 1].tolist()), detected, min(undetected, spoilt))


def _capped(correct: float, detected: float, undetected: float) -> Outcome:
    """The outcome without what rounding adds beyond 1."""
    return min(1.0, correct), min(1.0, detected), min(1.0, undetected)


def after_attempts(
    correct: float, detected: float, undetected: float, attempts: float
) -> tuple[float, float]:
    """Output error probability and expected number of attempts, for up to R attempts.

    A word that is always detected never gives an output: its error probability is 1.

    Examples
    --------
    >>> after_attempts(0.5, 0.25, 0.25, 2)
    (0.375, 1.25)
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
