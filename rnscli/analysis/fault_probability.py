"""Output error probability of a redundant residue code with up to R attempts."""

import math
import sys
import warnings
from dataclasses import dataclass

from rnscli.analysis.code_spectrum import CodeSpectrum, code_spectrum
from rnscli.core.checks import check_attempts, check_float
from rnscli.core.decoders import decoder_named
from rnscli.core.moduli import ModuliSet, check_legitimate_range


@dataclass(frozen=True, kw_only=True)
class FaultParameters:
    """A code, a decoder, noise, and the number of attempts.

    Parameters
    ----------
    moduli
        The set with its redundant members.
    p
        Probability that a residue is wrong, uniformly over its other values; 0 to 1.
    attempts
        Largest number R of attempts, or ``math.inf``.
    decoder
        Name of a decoder.
    legitimate_range
        Number L of legitimate values; ``None`` for the product of the information moduli.

    Raises
    ------
    InputError
        If a value is out of range.
    """

    moduli: ModuliSet
    p: float
    attempts: float = 1
    decoder: str = "bounded-distance"
    legitimate_range: int | None = None

    def __post_init__(self) -> None:
        """Refuse values out of range; fix L."""
        size = self.moduli.dynamic_range if self.legitimate_range is None else self.legitimate_range
        p = check_float("p", self.p, 0.0, 1.0, "a probability from 0 to 1")
        object.__setattr__(self, "p", p)
        object.__setattr__(self, "attempts", check_attempts(self.attempts))
        object.__setattr__(self, "legitimate_range", check_legitimate_range(self.moduli, size))
        decoder_named(self.decoder)


@dataclass(frozen=True)
class FaultProbability:
    """How one attempt ends, and the output after R attempts, as `rnscli fault-prob` reports it.

    ``p_correct``, ``p_detected`` and ``p_undetected`` are of one attempt and add up to 1;
    ``p_err`` is the probability that the output is wrong or still rejected after ``attempts``.
    """

    moduli: tuple[int, ...]
    redundant_moduli: tuple[int, ...]
    redundant: int
    decoder: str
    noise: str
    p: float
    sigma: float | None
    attempts: float
    p_correct: float
    p_detected: float
    p_undetected: float
    p_err: float
    expected_attempts: float
    legitimate_range: int


def fault_probability(parameters: FaultParameters) -> FaultProbability:
    r"""Exact probabilities of a code under independent uniform residue errors.

    With u_w, d_w, c_w the exact outcomes of errors of weight w (`code_spectrum`),
    ``p_undetected = sum_w u_w p^w (1 - p)^(N - w)`` and so on: sums of positive terms, so that
    each keeps its relative precision however small it is. Then, with detected words computed
    again up to R attempts in all,

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
        If the set has more than 16 moduli.

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
    >>> moduli = ModuliSet([63, 62, 61, 59, 55, 53], redundant=2)
    >>> result = fault_probability(FaultParameters(moduli=moduli, p=1e-3, attempts=2))
    >>> f"{result.p_err:.3e}"
    '9.157e-07'
    """
    moduli, p = parameters.moduli, parameters.p
    assert parameters.legitimate_range is not None
    radius = decoder_named(parameters.decoder).radius(moduli.information_count, moduli.redundant)
    spectrum = code_spectrum(moduli, parameters.legitimate_range, radius)
    correct, detected, undetected = attempt_outcome(spectrum, p)
    p_err, expected = after_attempts(correct, detected, undetected, parameters.attempts)
    return FaultProbability(
        moduli=moduli.information,
        redundant_moduli=moduli.redundant_moduli,
        redundant=moduli.redundant,
        decoder=parameters.decoder,
        noise="uniform",
        p=p,
        sigma=None,
        attempts=parameters.attempts,
        p_correct=correct,
        p_detected=detected,
        p_undetected=undetected,
        p_err=p_err,
        expected_attempts=expected,
        legitimate_range=parameters.legitimate_range,
    )


def attempt_outcome(spectrum: CodeSpectrum, p: float) -> tuple[float, float, float]:
    """Probabilities that one attempt is correct, detected, undetected."""
    count = len(spectrum.correct) - 1
    weights = [p**w * (1.0 - p) ** (count - w) for w in range(count + 1)]
    outcomes = []
    for shares in (spectrum.correct, spectrum.detected, spectrum.undetected):
        outcome = math.fsum(s * w for s, w in zip(shares, weights, strict=True))
        if outcome < sys.float_info.min and 0 < p < 1 and any(shares):
            warnings.warn(
                f"a probability at p = {p:g} is below 2.2e-308 and is given as 0",
                RuntimeWarning,
                stacklevel=3,
            )
            outcome = 0.0
        outcomes.append(min(1.0, outcome))
    return outcomes[0], outcomes[1], outcomes[2]


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
    if math.isinf(attempts):
        return undetected / ended, 1.0 / ended
    if attempts == 1 or not detected:
        return undetected + detected, 1.0
    log_detected = math.log1p(-ended) if ended < 0.5 else math.log(detected)
    expected = -math.expm1(attempts * log_detected) / ended
    return undetected * expected + math.exp(attempts * log_detected), expected
