"""The designer's question: how much redundancy and how many attempts reach an error probability."""

import math
from dataclasses import dataclass, replace

from rnscli.analysis.faults import undetected
from rnscli.analysis.faults.fault_probability import (
    FaultOptions,
    FaultParameters,
    after_attempts,
    fault_probability,
)
from rnscli.analysis.faults.rows import FaultProbability
from rnscli.analysis.moduli import ModuliRequest
from rnscli.base import MAX_ATTEMPTS, InputError, NoSolutionError
from rnscli.core import NoiseLaw, NoiseSetting


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
    decoder, legitimate_range
        As in `FaultParameters` and `ModuliRequest.legitimate_range`.

    Raises
    ------
    InputError
        If a value is out of range.
    """

    request: ModuliRequest
    noise: NoiseSetting | NoiseLaw
    target: float
    decoder: str = "bounded-distance"
    legitimate_range: str | int = "product"

    def __post_init__(self) -> None:
        FaultOptions.target.check(self.target)
        if self.request.moduli is not None:
            raise InputError("`target` chooses the moduli, so leave `moduli` out")


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
    nearest: FaultProbability | None = None
    redundant = 0
    while not found or found[-1].attempts > 1:
        request = replace(parameters.request, redundant=redundant)
        try:
            moduli = request.choose()[0]
        except NoSolutionError:
            break
        if moduli.count > undetected.MAX_COUNT:
            break
        limit = fault_probability(
            FaultParameters(
                moduli=moduli,
                noise=parameters.noise,
                attempts=math.inf,
                decoder=parameters.decoder,
                legitimate_range=request.legitimate_range(moduli, parameters.legitimate_range),
            )
        )
        if nearest is None or limit.p_err < nearest.p_err:
            nearest = limit
        if not limit.p:
            raise InputError("without noise every code reaches a `target`; give some noise")
        attempts = least_attempts(limit, parameters.target)
        if attempts is not None:
            p_err, expected = after_attempts(
                limit.p_correct, limit.p_detected, limit.p_undetected, attempts
            )
            found.append(
                replace(
                    limit,
                    attempts=attempts,
                    p_err=p_err,
                    expected_attempts=expected,
                    conversions=moduli.count * expected,
                )
            )
        redundant += 1
    if nearest is None:
        parameters.request.choose()  # says why there is no set at all
        raise AssertionError("the search has another result than before")
    if not found:
        raise NoSolutionError(
            f"no redundancy of moduli within {parameters.request.converter_bits} bits reaches "
            f"p_err <= {parameters.target:g} at p = {nearest.p:.3g}; the nearest is "
            f"{nearest.redundant} redundant moduli with any number of attempts, "
            f"p_err = {nearest.p_err:.3g}",
            "target",
            "bits",
        )
    fewest = min(row.conversions for row in found)
    return tuple(replace(row, cheapest=row.conversions == fewest) for row in found)


def least_attempts(outcome: FaultProbability, target: float) -> float | None:
    """Fewest attempts with ``p_err <= target``; ``None`` if no number of them is enough."""

    def p_err(attempts: float) -> float:
        return after_attempts(
            outcome.p_correct, outcome.p_detected, outcome.p_undetected, attempts
        )[0]

    if p_err(1) <= target:
        return 1
    if p_err(math.inf) > target:
        return None
    low, high = 1, 2  # p_err(low) is too large
    while p_err(high) > target:
        low, high = high, 2 * high
        if high > MAX_ATTEMPTS:
            return math.inf
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if p_err(middle) > target else (low, middle)
    return high
