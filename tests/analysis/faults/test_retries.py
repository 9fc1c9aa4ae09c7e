"""Retries keep their value: the mean over all values, against what is made of mean probabilities.

The oracle decodes every word that can be received, or sums the differences to every other
legitimate value, for each X on its own.
"""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rnscli
from rnscli.analysis.faults import validation
from rnscli.analysis.faults.fault_probability import FaultParameters, fault_probability
from rnscli.analysis.faults.retries import Retries, independent
from rnscli.analysis.faults.rows import FaultProbability
from rnscli.analysis.faults.validation import validate
from rnscli.core.arithmetic.code import DETECTED, RedundantCode
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.noise import Gaussian, Uniform

ISSUED = FaultParameters(  # whose error probability varies much with X
    moduli=ModuliSet([11, 9, 8, 7, 5], 2),
    noise=Gaussian(0.68),
    legitimate_range=76,
    attempts=math.inf,
)


def by_value(parameters: FaultParameters) -> tuple[np.ndarray, np.ndarray]:
    """p_u and p_d of every legitimate X, by decoding all words."""
    point = parameters.point
    members = point.moduli.moduli
    code = RedundantCode(point.moduli, point.legitimate_range, point.decoder)
    words = np.array(list(product(*(range(m) for m in members)))).T
    decoded = code.decode(words)
    missed, detected = [], []
    for value in range(code.lowest, code.highest + 1):
        chance = np.ones(words.shape[1])
        for law, modulus, residues in zip(point.laws, members, words, strict=True):
            chance *= law.error_distribution(modulus)[(residues - value) % modulus]
        rejected = decoded.status == DETECTED
        missed.append(chance[~rejected & (decoded.values != value)].sum())
        detected.append(chance[rejected].sum())
    return np.array(missed), np.array(detected)


def after(missed: np.ndarray, detected: np.ndarray, attempts: float) -> tuple[float, float]:
    """Mean over X of the error probability and of the number of attempts."""
    if math.isinf(attempts):
        expected, left = 1 / (1 - detected), 0 * detected
    else:
        expected, left = sum(detected**r for r in range(int(attempts))), detected**attempts
    return float(np.mean(missed * expected + left)), float(np.mean(expected))


def of_means(row: FaultProbability) -> Retries:
    """What is said of a code with too many values to look at each."""
    return independent(row.p_correct, row.p_detected, row.p_undetected, row.attempts)


def test_by_enumeration() -> None:
    p_err, expected = after(*by_value(ISSUED), math.inf)
    assert (p_err, expected) == (pytest.approx(0.18178, abs=5e-6), pytest.approx(3.4326, abs=5e-5))
    row = fault_probability(ISSUED)
    assert not row.is_bound
    assert row.p_err == pytest.approx(p_err, rel=1e-12)
    assert row.expected_attempts == pytest.approx(expected, rel=1e-12)
    bound = of_means(row)
    assert bound.is_bound
    assert bound.p_err > 1.01 * p_err and bound.expected_attempts < 0.99 * expected


def test_every_attempt_is_simulated() -> None:
    """Within the interval of 99.9 %, and far from what mean probabilities say."""
    found = validate(ISSUED, 2_000_000, seed=1).p_err
    p_err, _ = after(*by_value(ISSUED), math.inf)
    assert found.contains(p_err)
    assert abs(found.value - p_err) < 0.25 * (of_means(fault_probability(ISSUED)).p_err - p_err)


@pytest.mark.parametrize("attempts", [3, 4, 10])
def test_a_number_of_attempts_is_simulated(attempts: int) -> None:
    design = FaultParameters(
        moduli=ModuliSet([7, 5, 4, 3], 2), p=0.3, legitimate_range=9, attempts=attempts
    )
    p_err, expected = after(*by_value(design), attempts)
    assert validate(design, 100_000, seed=2).p_err.contains(p_err)
    row = fault_probability(design)
    assert row.p_err == pytest.approx(p_err, rel=1e-12)
    assert row.expected_attempts == pytest.approx(expected, rel=1e-12)


@given(
    p=st.floats(1e-3, 0.9),
    size=st.integers(2, 12),
    redundant=st.integers(1, 2),
    attempts=st.sampled_from([1, 2, 3, 7, math.inf]),
)
@settings(max_examples=40, deadline=None)
def test_exact_for_few_values_and_a_bound_from_means(
    p: float, size: int, redundant: int, attempts: float
) -> None:
    design = FaultParameters(
        moduli=ModuliSet([7, 5, 4, 3], redundant),
        noise=Uniform(p),
        legitimate_range=size,
        attempts=attempts,
    )
    p_err, expected = after(*by_value(design), attempts)
    row = fault_probability(design)
    assert not row.is_bound
    assert row.p_err == pytest.approx(p_err, rel=1e-9)
    assert row.expected_attempts == pytest.approx(expected, rel=1e-9)
    bound = of_means(row)
    if attempts <= 2:
        assert not bound.is_bound
        assert bound.p_err == pytest.approx(p_err, rel=1e-9)
        assert bound.expected_attempts == pytest.approx(expected, rel=1e-9)
    assert bound.low * (1 - 1e-9) <= p_err <= bound.p_err * (1 + 1e-9)
    assert bound.expected_attempts <= expected * (1 + 1e-9)


@pytest.mark.parametrize(
    ("given_", "of_the_means", "right"),
    [
        ({"redundant": 1, "sigma": 0.4, "attempts": math.inf}, 0.03588, 0.03537),
        ({"redundant": 0, "sigma": "[0.1,0.5,0.1,0.1]", "attempts": 3}, 0.08236, 0.07885),
    ],
)
def test_sets_of_four_bits(given_: dict[str, object], of_the_means: float, right: float) -> None:
    """No decoder of these corrects, so that u_X is the sum over all other legitimate values."""
    row = rnscli.fault_probability(bits=4, legitimate_range="operands", **given_)
    members = (*row.redundant_moduli, *row.moduli)
    sigmas = row.residue_sigma or (row.sigma,) * len(members)
    laws = [Gaussian(sigma).error_distribution(m) for sigma, m in zip(sigmas, members, strict=True)]
    size = row.legitimate_range
    differences = np.arange(1 - size, size)
    chance = np.prod([law[differences % m] for law, m in zip(laws, members, strict=True)], axis=0)
    correct = chance[size - 1]
    sums = np.concatenate(([0.0], np.cumsum(chance)))
    ended = np.array([sums[2 * size - 1 - x] - sums[size - 1 - x] for x in range(size)])
    p_err, _ = after(ended - correct, 1 - ended, given_["attempts"])
    assert not row.is_bound
    assert row.p_err == pytest.approx(p_err, rel=1e-12)
    assert p_err == pytest.approx(right, rel=2e-4)
    assert of_means(row).p_err == pytest.approx(of_the_means, rel=2e-4)


def test_what_is_first_rejected_in_a_late_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """One word in 21 367 is, for errors of all three residues: that of the one illegal value."""
    monkeypatch.setattr(validation, "_BLOCK_WORDS", 1 << 12)
    design = FaultParameters(
        moduli=ModuliSet([37, 35, 33]), p=0.5, legitimate_range=42_734, attempts=2
    )
    exact = fault_probability(design)
    for seed in range(12):
        assert validate(design, 100_000, seed=seed).p_err.contains(exact.p_err)
