"""Outcomes of decoders that look at the size of errors, against every value and every error."""

import itertools
import math

import numpy as np
import pytest

from rnscli.analysis.faults.attempt import attempt
from rnscli.analysis.faults.fault_probability import FaultParameters, fault_probability
from rnscli.analysis.faults.small_errors import likely_errors
from rnscli.analysis.faults.solving import LevelParameters, most_noise
from rnscli.analysis.faults.validation import validate
from rnscli.core.arithmetic.code import DETECTED, RedundantCode
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.noise import Gaussian, NoiseLaw, Tabulated, Uniform
from rnscli.core.noise.law import weights_of

# Cofactors, how many of them are redundant, common factor, legitimate range.
CODES = [
    ([2, 3], 0, 4, None),
    ([2, 3], 0, 5, 22),
    ([3, 4], 0, 8, 90),
    ([2, 3, 5], 0, 3, None),
    ([2, 3, 5], 0, 3, 80),
    ([3, 4], 1, 6, None),
    ([2, 3, 5], 1, 4, None),
    ([3, 4, 5], 1, 3, 20),
    ([2, 3, 5], 2, 4, 8),
    ([9, 10, 11], 2, 2, 16),
    ([5, 6, 7], 2, 3, 12),
    ([7, 8, 9], 2, 3, 14),
]


def set_of(cofactors: list[int], redundant: int, factor: int) -> ModuliSet:
    return ModuliSet([factor * m for m in cofactors], redundant, factor)


def random_laws(moduli: ModuliSet, seed: int) -> tuple[NoiseLaw, ...]:
    """Any probabilities, of which some are zero."""
    rng = np.random.default_rng(seed)
    laws = []
    for modulus in moduli.moduli:
        weights = rng.random(modulus) ** 4 * (rng.random(modulus) < 0.7)
        weights[0] += 2
        laws.append(Tabulated(tuple(weights / math.fsum(weights))))
    return tuple(laws)


def cut_gaussian(sigma: float, modulus: int) -> NoiseLaw:
    """Without what is less likely than 1e-9."""
    law = Gaussian(sigma).error_distribution(modulus)
    law = np.where(law > 1e-9, law, 0)
    return Tabulated(tuple(law / math.fsum(law)))


def counted(
    moduli: ModuliSet,
    size: int,
    laws: tuple[NoiseLaw, ...],
    tolerance: int,
    retry_above: float | None = None,
) -> dict[str, float]:
    """The same by decoding every word."""
    code = RedundantCode(moduli, size, None, weights_of(laws), retry_above)
    values = np.arange(code.lowest, code.highest + 1)
    vectors = [law.error_distribution(m) for law, m in zip(laws, moduli.moduli, strict=True)]
    errors = np.array(list(itertools.product(*(np.flatnonzero(v) for v in vectors)))).T
    chances = np.prod([v[e] for v, e in zip(vectors, errors, strict=True)], axis=0)
    members = np.array(moduli.moduli)[:, np.newaxis]
    found = dict.fromkeys(("correct", "detected", "undetected", "gross", "absolute", "square"), 0.0)
    for value in values:
        decoded = code.decode((code.encode(np.array([value])) + errors) % members)
        rejected = decoded.status == DETECTED
        off = np.where(rejected, 0, np.abs(decoded.values - value)).astype(float)
        weights = chances / size
        found["detected"] += weights[rejected].sum()
        found["correct"] += weights[~rejected & (off == 0)].sum()
        found["undetected"] += weights[off > 0].sum()
        found["gross"] += weights[off > tolerance].sum()
        found["absolute"] += (weights * off).sum()
        found["square"] += (weights * off**2).sum()
    return found


@pytest.mark.parametrize("tolerance", [0, 1, 4])
@pytest.mark.parametrize(("cofactors", "redundant", "factor", "size"), CODES)
def test_every_value_and_every_error(
    cofactors: list[int], redundant: int, factor: int, size: int | None, tolerance: int
) -> None:
    moduli = set_of(cofactors, redundant, factor)
    size = size or moduli.dynamic_range
    laws = random_laws(moduli, 3 * redundant + factor)
    found = attempt(moduli, size, "robust", laws, tolerance)
    wanted = counted(moduli, size, laws, tolerance)
    total = found.correct + found.detected + found.undetected + found.open
    assert total == pytest.approx(1, abs=1e-12)
    for name, exact in wanted.items():
        low = getattr(found, name)
        if redundant < 2:
            assert low == pytest.approx(exact, rel=1e-11, abs=1e-15)
        else:  # what follows for any value is known, and the rest is open
            assert low <= exact * (1 + 1e-12) + 1e-15
            if name not in ("absolute", "square"):
                assert exact <= low + found.open + 1e-12
    if redundant < 2:
        assert found.open == pytest.approx(0, abs=1e-12)


SHARED = [
    (ModuliSet([12, 10, 8], factor=2), None),
    (ModuliSet([12, 10, 8], factor=2), 100),
    (ModuliSet([15, 10, 6], factor=1), 22),
    (ModuliSet([9, 6, 4], factor=1), None),
    (ModuliSet([14, 10, 8, 6], factor=2), 300),
    (ModuliSet([20, 15, 12], factor=1), 50),
    (ModuliSet([63, 56, 8], factor=1), 480),
]


@pytest.mark.parametrize("above", [math.inf, 0.6], ids=["all", "sure"])
@pytest.mark.parametrize("tolerance", [0, 2])
@pytest.mark.parametrize(("moduli", "size"), SHARED, ids=str)
def test_every_value_and_every_error_of_shared_factors(
    moduli: ModuliSet, size: int | None, tolerance: int, above: float
) -> None:
    """Of any laws where all words are few, of the likely errors of normal ones elsewhere."""
    size = size or moduli.dynamic_range
    laws = random_laws(moduli, 5 + moduli.count)
    if moduli.moduli[0] > 20 or tolerance:
        sigmas = (0.3, 0.5, 0.4, 0.45)[: moduli.count]
        laws = tuple(map(cut_gaussian, sigmas, moduli.moduli))
    found = attempt(moduli, size, "robust", laws, tolerance, retry_above=above)
    wanted = counted(moduli, size, laws, tolerance, above)
    assert found.open == pytest.approx(0, abs=1e-12)
    total = found.correct + found.detected + found.undetected
    assert total == pytest.approx(1, abs=1e-12)
    for name, exact in wanted.items():
        assert getattr(found, name) == pytest.approx(exact, rel=1e-9, abs=1e-12)
    # For two reasons a word may be rejected, and is.
    assert (found.detected > 0) == (size < moduli.dynamic_range or math.isfinite(above))


def test_more_noise_is_borne_by_what_fits_the_range() -> None:
    """A common factor of 4 and one pair of moduli that shares 18: values far off are rarer."""
    common = ModuliSet([64, 60, 52, 44, 28], factor=4)
    shared = ModuliSet([63, 60, 55, 54, 49], factor=1)
    gross = [
        fault_probability(
            FaultParameters(moduli=one, noise=Gaussian(0.6), legitimate_range=246_017)
        ).p_gross
        for one in (common, shared)
    ]
    assert gross[1] < gross[0] / 4
    sigma = LevelParameters(moduli=shared, solve="sigma", target=1e-3, legitimate_range=246_017)
    level = most_noise(sigma)
    assert fault_probability(sigma.with_level(level)).p_err == pytest.approx(1e-3, rel=1e-6)


def test_shared_factors_simulated() -> None:
    """Intervals of 99.9 %: a false alarm in 500."""
    given = FaultParameters(
        moduli=ModuliSet([63, 60, 55, 54, 49], factor=1),
        noise=tuple(Gaussian(s) for s in (0.5, 0.6, 0.7, 0.6, 0.5)),
        legitimate_range=246_017,
        retry_above=6.0,
        attempts=2,
    )
    exact = fault_probability(given)
    found = validate(given, 20_000, seed=2).beside(exact)
    assert found.agrees
    assert exact.p_err == pytest.approx(found.simulated_p_err, rel=0.1)


def test_what_is_left_out_is_what_is_not_there() -> None:
    laws = random_laws(set_of([3, 4, 5], 0, 3), 1)
    vectors = [law.error_distribution(m) for law, m in zip(laws, (15, 12, 9), strict=True)]
    before, known, seen = 0, 0.0, set()
    for errors, chances, others, count in likely_errors(vectors, 10**6):
        known += chances.sum()
        assert known + others == pytest.approx(1, rel=1e-12)
        seen |= set(map(tuple, errors.T.tolist()))
        assert len(seen) == count == before + chances.size > before
        exact = [v[e] for v, e in zip(vectors, errors, strict=True)]
        assert np.allclose(chances, np.prod(exact, axis=0), rtol=1e-12)
        before = count
    assert others == 0
    assert before == math.prod(np.count_nonzero(v) for v in vectors)


def test_the_rest_keeps_its_digits() -> None:
    """Of a law of two values, beside a binomial."""
    law = np.array([1 - 1e-9, 1e-9])
    sets = [(one.number, one.others) for one in likely_errors([law] * 5, 10**6)]
    for size, others in sets:
        weight = next(w for w in range(6) if sum(math.comb(5, i) for i in range(w + 1)) == size)
        tail = sum(math.comb(5, w) * 1e-9**w * (1 - 1e-9) ** (5 - w) for w in range(weight + 1, 6))
        assert others == pytest.approx(tail, rel=1e-10)
    assert [size for size, _ in sets][-1] == 32


def test_four_channels_of_8_bits() -> None:
    """The chance of a sum of errors that is rounded away from 0, from their law alone."""
    moduli = set_of([31, 29, 28, 27], 0, 8)
    for sigma, told in ((0.2, 2.28e-4), (0.3, 1.20e-2), (0.5, 0.0995)):
        law = Gaussian(sigma).error_distribution(216)
        chances = {e: law[e % 216] for e in range(-12, 13)}
        total = np.array([1.0])
        for _ in range(4):
            total = np.convolve(total, list(chances.values()))
        sums = np.arange(-48, 49)
        wrong = total[(sums >= 2) | (sums < -2)].sum()
        row = fault_probability(
            FaultParameters(moduli=moduli, noise=Gaussian(sigma), legitimate_range=5_000_000)
        )
        # Sums reach further than any one error may.
        assert row.p_err == pytest.approx(wrong, rel=1e-6)
        assert row.p_err == pytest.approx(told, rel=3e-3)
        assert row.p_gross < 1e-8 and not row.is_bound
        assert row.decoder == "robust" and row.p_detected < 1e-8


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("cofactors", "redundant", "sigma", "attempts"),
    [([31, 29, 28, 27], 0, 0.6, 1), ([31, 29, 28, 27], 1, 1.3, 2), ([19, 17, 16, 15, 13], 2, 1, 1)],
)
def test_simulated(cofactors: list[int], redundant: int, sigma: float, attempts: int) -> None:
    """Intervals of 99.9 % of three codes: a false alarm in 170."""
    code = FaultParameters(
        moduli=set_of(cofactors, redundant, 8), noise=Gaussian(sigma), attempts=attempts
    )
    row = fault_probability(code)
    checked = validate(code, 20_000, seed=1).beside(row)
    assert checked.agrees
    assert row.p_err == pytest.approx(checked.simulated_p_err, rel=0.1)


def test_noise_that_is_borne() -> None:
    code = LevelParameters(
        moduli=set_of([31, 29, 28, 27], 0, 8),
        solve="sigma",
        target=1e-3,
        legitimate_range=5_000_000,
    )
    sigma = most_noise(code)
    assert 0.2 < sigma < 0.3
    assert fault_probability(code.with_level(sigma)).p_err == pytest.approx(1e-3, rel=1e-6)


def test_uniform_errors_and_static_ones() -> None:
    moduli = set_of([31, 29, 28, 27], 1, 8)
    row = fault_probability(FaultParameters(moduli=moduli, noise=Uniform(1e-4), attempts=2))
    # One residue in four is wrong by any amount; small ones do not matter.
    assert 3e-4 < row.p_detected < 4e-4
    assert row.p_err_low <= row.p_err < 1e-4
    static = FaultParameters(moduli=moduli, noise=Gaussian(1.3, 0.5), attempts=3)
    bounded = fault_probability(static)
    once = fault_probability(FaultParameters(moduli=moduli, noise=Gaussian(1.3)))
    assert bounded.is_bound
    assert bounded.p_err_low == pytest.approx(once.p_undetected, rel=1e-9)
    assert bounded.p_err == pytest.approx(once.p_err, rel=1e-9)
    assert bounded.p_err_low < bounded.p_err


BROAD: list[tuple[list[int], int, str, NoiseLaw]] = [
    ([63, 62, 61, 59, 55, 53], 2, "lee", Gaussian(3.0)),
    ([248, 232, 224, 216, 200, 184], 0, "robust", Gaussian(2.0)),
    ([63, 62, 61, 59, 55, 53], 2, "plurality", Uniform(0.9)),
]


@pytest.mark.thorough
@pytest.mark.parametrize(("members", "redundant", "decoder", "noise"), BROAD, ids=str)
def test_laws_too_broad_for_any_list_have_a_bound(
    members: list[int], redundant: int, decoder: str, noise: NoiseLaw
) -> None:
    moduli = ModuliSet(members, redundant, factor=8 if decoder == "robust" else 1)
    row = fault_probability(FaultParameters(moduli=moduli, noise=noise, decoder=decoder))
    assert row.is_bound and 0 <= row.p_err_low <= row.p_err <= 1
    total = row.p_correct + row.p_detected + row.p_undetected
    # What a vote comes to is not known, and counts twice.
    assert total == pytest.approx(2 - row.p_correct if decoder == "plurality" else 1, abs=1e-12)
    assert row.mean_abs_output_error is row.rms_output_error is None
    several = FaultParameters(moduli=moduli, noise=noise, decoder=decoder, attempts=2)
    found = validate(several, 2000, seed=3)
    row = fault_probability(several)
    assert found.p_err.low <= row.p_err and row.p_err_low <= found.p_err.high
    code = RedundantCode(moduli, decoder=decoder)
    rng = np.random.default_rng(1)
    errors = np.array([noise.draw_errors(rng, m, 20_000) for m in moduli.moduli])
    words = (code.encode(np.zeros(20_000, dtype=np.int64)) + errors) % np.array([moduli.moduli]).T
    rejected = float((code.decode(words).status == DETECTED).mean())
    assert row.expected_attempts >= 1 and 1 + rejected <= row.expected_attempts + 4 * 0.5 / 141


def test_erased_channels_and_unsure_words_are_simulated() -> None:
    """Costs are by the laws of the channels that are left, whatever the erased ones had."""
    sigmas = (2.0, 0.3, 0.4, 0.2, 0.5, 0.25)
    given = FaultParameters(
        moduli=ModuliSet([63, 62, 61, 59, 55, 53], 2),
        noise=tuple(Gaussian(sigma) for sigma in sigmas),
        decoder="lee",
        legitimate_range=30_000,
        erased=(0,),
        retry_above=1.5,
    )
    exact = fault_probability(given)
    assert exact.p_detected == pytest.approx(0.1014, abs=5e-4)
    found = validate(given, 20_000, seed=0)
    assert found.p_undetected.contains(exact.p_undetected) and found.p_err.contains(exact.p_err)
