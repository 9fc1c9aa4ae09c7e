"""Stratified simulation against the exact probabilities, and against a decoder that is broken.

Every interval holds with at least 99.9 %; seeds are fixed, so a failure means a change.
"""

import math
from dataclasses import replace

import numpy as np
import pytest

from rnscli.analysis.faults.fault_probability import FaultParameters, fault_probability
from rnscli.analysis.faults.validation import validate
from rnscli.base.errors import InputError
from rnscli.core.arithmetic.code import DETECTED, Decoded, RedundantCode
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.arithmetic.quantisation import IntArray
from rnscli.core.noise import Gaussian, Uniform

SIX = ModuliSet([63, 62, 61, 59, 55, 53], 2)
FOUR = ModuliSet([13, 11, 9, 8, 7, 5], 1)

DESIGNS = [
    FaultParameters(moduli=SIX, p=1e-6),
    FaultParameters(moduli=SIX, p=1e-2, attempts=3),
    FaultParameters(moduli=SIX, p=1e-2, attempts=math.inf, decoder="detect"),
    FaultParameters(moduli=SIX, p=1e-6, legitimate_range=246_017, attempts=2),
    FaultParameters(moduli=SIX, p=1e-4, erased=(1,)),
    FaultParameters(moduli=SIX, p=1.0),
    FaultParameters(moduli=SIX, noise=Gaussian(0.2), attempts=2),
    FaultParameters(moduli=FOUR, noise=tuple(Gaussian(0.1 * i) for i in range(1, 7))),
    FaultParameters(moduli=FOUR, noise=tuple(Uniform(10.0**-i) for i in range(1, 7)), attempts=2),
    FaultParameters(moduli=ModuliSet([13, 11, 7], 2), p=0.05, decoder="majority"),
    FaultParameters(moduli=ModuliSet([15, 14, 13, 11]), p=0.05),
]


@pytest.mark.parametrize("design", DESIGNS)
def test_exact_values_lie_in_the_intervals(design: FaultParameters) -> None:
    exact, found = fault_probability(design), validate(design, 60_000, seed=3)
    assert found.p_detected.contains(exact.p_detected)
    assert found.p_undetected.contains(exact.p_undetected)
    assert found.p_err.contains(exact.p_err)
    for estimate in (found.p_detected, found.p_undetected, found.p_err):
        assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1


def test_a_rare_event_is_found_to_ten_percent() -> None:
    design = FaultParameters(moduli=SIX, p=1e-6)
    found = validate(design, 300_000).p_undetected
    assert 1e-13 < found.value < 1e-12
    assert (found.high - found.low) / 2 < 0.1 * found.value


@pytest.mark.parametrize("design", DESIGNS[:2])
def test_another_p_is_not_in_the_intervals(design: FaultParameters) -> None:
    p = fault_probability(design).p
    found = validate(design, 300_000)
    wrong = fault_probability(replace(design, p=None, noise=Uniform(1.2 * p)))
    assert not found.p_undetected.contains(wrong.p_undetected)


def test_a_broken_decoder_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that reads every word with no error as valid and gives up on all others."""
    sound = RedundantCode.decode

    def broken(code: RedundantCode, words: IntArray) -> Decoded:
        decoded = sound(code, words)
        status = np.where(code.is_codeword(words), decoded.status, DETECTED).astype(np.uint8)
        return Decoded(decoded.values, status)

    design = FaultParameters(moduli=SIX, p=1e-6)
    exact = fault_probability(design)
    monkeypatch.setattr(RedundantCode, "decode", broken)
    found = validate(design, 20_000)
    assert not found.p_detected.contains(exact.p_detected)
    assert not found.p_err.contains(exact.p_err)


def test_without_noise_nothing_happens() -> None:
    found = validate(FaultParameters(moduli=SIX, p=0.0), 2000)
    assert (found.p_detected.high, found.p_undetected.high, found.p_err.high) == (0, 0, 0)


def test_the_seed_decides() -> None:
    design = FaultParameters(moduli=SIX, p=1e-2)
    assert validate(design, 5000, seed=1) == validate(design, 5000, seed=1)
    assert validate(design, 5000, seed=1) != validate(design, 5000, seed=2)


@pytest.mark.parametrize("samples", [0, 999, 1.5])
def test_too_few_samples_are_refused(samples: object) -> None:
    with pytest.raises(InputError, match="`samples` is"):
        validate(FaultParameters(moduli=SIX, p=0.1), samples)


@pytest.mark.parametrize("attempts", [1, 2, 3, math.inf])
@pytest.mark.parametrize("p", [1e-2, 0.2])
def test_retries_of_rejected_words(attempts: float, p: float) -> None:
    design = FaultParameters(moduli=FOUR, p=p, attempts=attempts)
    exact, found = fault_probability(design), validate(design, 200_000, seed=5)
    assert found.p_err.contains(exact.p_err)
    assert found.p_err.high < 1.3 * exact.p_err
