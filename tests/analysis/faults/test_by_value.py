"""Retries of each value, against every value and every error, in exact fractions."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from rnscli.analysis.faults.fault_probability import FaultParameters, fault_probability
from rnscli.analysis.faults.retries import independent, undetected_by_value
from rnscli.analysis.faults.value_law import UNIFORM_VALUES, NormalValues, ValueLaw
from rnscli.core.arithmetic.code import DETECTED, RedundantCode
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.noise import Gaussian, NoiseLaw, Uniform

CODES = [
    (ModuliSet([5, 4, 3]), 41, "detect"),
    (ModuliSet([5, 4, 3], 1), 12, "detect"),
    (ModuliSet([7, 5, 3, 2], 1), 30, "detect"),
    (ModuliSet([7, 5, 4, 3], 1), 60, "bounded-distance"),
    (ModuliSet([7, 5, 4, 3], 2), 12, "bounded-distance"),
    (ModuliSet([7, 5, 4, 3], 2), 7, "detect"),
    (ModuliSet([8, 7, 5, 3], 2), 15, "bounded-distance"),
    (ModuliSet([7, 5, 3], 2), 3, "majority"),
    (ModuliSet([9, 8, 7], 1), 33, "detect"),
    (ModuliSet([11, 7, 5], 1), 35, "detect"),
]


def outcomes(code: RedundantCode, laws: tuple[NoiseLaw, ...]) -> list[tuple[float, float]]:
    """Probabilities of a detected and of an undetected error, for each value."""
    moduli = code.moduli.moduli
    vectors = [law.error_distribution(m) for law, m in zip(laws, moduli, strict=True)]
    errors = np.array(list(itertools.product(*map(range, moduli)))).T
    chances = np.prod([v[e] for v, e in zip(vectors, errors, strict=True)], axis=0)
    found = []
    for value in range(code.lowest, code.highest + 1):
        words = (code.encode(np.array([value])) + errors) % np.array(moduli)[:, np.newaxis]
        decoded = code.decode(words)
        rejected = decoded.status == DETECTED
        wrong = ~rejected & (decoded.values != value)
        found.append((math.fsum(chances[rejected]), math.fsum(chances[wrong])))
    return found


@pytest.mark.parametrize("values", [UNIFORM_VALUES, NormalValues(3.0)], ids=repr)
@pytest.mark.parametrize("law", [Uniform(0.2), Gaussian(0.4)], ids=repr)
@pytest.mark.parametrize(("moduli", "size", "decoder"), CODES)
def test_the_mean_over_values_of_what_each_comes_to(
    moduli: ModuliSet, size: int, decoder: str, law: NoiseLaw, values: ValueLaw
) -> None:
    code = RedundantCode(moduli, size, decoder)
    made = outcomes(code, (law,) * moduli.count)
    index = np.arange(size)
    weights = values.between(index, index, size).tolist()
    if law.name == "gaussian":
        by_value = undetected_by_value(moduli, size, code.radius, (law,) * moduli.count)
        assert by_value == pytest.approx([wrong for _, wrong in made], rel=1e-10, abs=1e-15)
    for attempts in (1, 2, 3, 7, math.inf):
        row = fault_probability(
            FaultParameters(
                moduli=moduli,
                noise=law,
                attempts=attempts,
                decoder=decoder,
                legitimate_range=size,
                values=values,
            )
        )
        p_err, expected = [], []
        for weight, (detected, wrong) in zip(weights, made, strict=True):
            d, u = Fraction(detected), Fraction(wrong)
            power = Fraction(0) if math.isinf(attempts) else d ** int(attempts)
            mean = (1 - power) / (1 - d)
            p_err.append(weight * float(u * mean + power))
            expected.append(weight * float(mean))
        assert row.p_err == pytest.approx(math.fsum(p_err), rel=1e-9)
        assert row.expected_attempts == pytest.approx(math.fsum(expected), rel=1e-9)
        assert not row.is_bound and row.p_err_low == row.p_err


@pytest.mark.parametrize("attempts", [3, 10, math.inf])
def test_the_formula_of_the_means_is_a_bound(attempts: float) -> None:
    """As Jensen has it: from the third attempt on p_err of the mean is more."""
    code = FaultParameters(
        moduli=ModuliSet([7, 5, 3, 2], 1), p=0.3, attempts=attempts, decoder="detect"
    )
    row = fault_probability(code)
    bound = independent(row.p_correct, row.p_detected, row.p_undetected, attempts)
    assert bound.is_bound and bound.low <= row.p_err < bound.p_err
    assert row.expected_attempts > bound.expected_attempts
