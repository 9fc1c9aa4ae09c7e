"""Static errors, which meet every attempt again: against fine quadrature of tiny codes.

The oracle is a product of Gauss-Legendre rules over the static part of each residue; for each of
their points, and each legitimate value, every word that can be received is decoded.
"""

import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy import stats

from rnscli.analysis.analog_core import analog_core
from rnscli.analysis.faults.fault_probability import (
    FaultParameters,
    fault_probability,
)
from rnscli.analysis.faults.redundancy import TargetParameters, redundancy_frontier
from rnscli.analysis.faults.validation import validate
from rnscli.analysis.moduli import ModuliRequest
from rnscli.analysis.statistics import proportion_interval
from rnscli.base.errors import InputError
from rnscli.core.arithmetic.code import DETECTED, RedundantCode
from rnscli.core.arithmetic.dot_product import DotProduct
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.cores.rns_core import RnsCore
from rnscli.core.noise import Gaussian, NoiseSetting, Uniform

Array = np.ndarray


def rule(law: Gaussian, modulus: int, panels: int) -> tuple[Array, Array]:
    """Weights of static parts, and the law of the errors given each."""
    static, fresh = (law.sigma * math.sqrt(x) for x in (law.static_share, 1 - law.static_share))
    nodes, weights = np.polynomial.legendre.leggauss(6)
    edges = np.linspace(-7 * static, 7 * static, panels + 1)
    middles, half = (edges[1:] + edges[:-1]) / 2, (edges[1] - edges[0]) / 2
    offsets = (middles[:, None] + half * nodes).ravel()
    chances = np.tile(weights * half, panels) * stats.norm.pdf(offsets, scale=static)
    given = np.zeros((offsets.size, modulus))
    for error in range(-8 * modulus, 8 * modulus + 1):
        ends = stats.norm.cdf(error + np.array([[-0.5], [0.5]]), loc=offsets, scale=fresh)
        given[:, error % modulus] += ends[1] - ends[0]
    return chances / chances.sum(), given


def enumerated(parameters: FaultParameters, attempts: list[float]) -> list[tuple[float, float]]:
    """p_err and the mean number of attempts, for each largest number of them."""
    point = parameters.point
    members = point.moduli.moduli
    code = RedundantCode(point.moduli, point.legitimate_range, point.decoder)
    words = np.array(list(product(*map(range, members)))).T
    decoded = code.decode(words)
    laws = [law for law in point.laws if isinstance(law, Gaussian)]
    panels = 40 if len(members) == 2 else 8
    rules = [rule(law, modulus, panels) for law, modulus in zip(laws, members, strict=True)]
    weights = np.ones(1)
    for chances, _ in rules:
        weights = np.multiply.outer(weights, chances).ravel()
    sums = np.zeros((len(attempts), 2))
    values = range(code.lowest, code.highest + 1)
    for value in values:
        missed, detected, right = np.zeros((3, weights.size))
        for place, word in enumerate(words.T):
            chance = np.ones(1)
            for residue, modulus, (_, given) in zip(word, members, rules, strict=True):
                chance = np.multiply.outer(chance, given[:, (residue - value) % modulus]).ravel()
            if decoded.status[place] == DETECTED:
                detected += chance
            elif decoded.values[place] != value:
                missed += chance
            else:
                right += chance
        for row, most in enumerate(attempts):
            if math.isinf(most):
                expected, left = 1 / np.maximum(missed + right, 1e-300), 0.0
            else:
                expected, left = sum(detected**i for i in range(int(most))), detected**most
            sums[row] += weights @ (missed * expected + left), weights @ expected
    return [(float(p), float(mean)) for p, mean in sums / len(values)]


CODES = [  # members, redundant, L, decoder
    ((3, 2), 1, 2, "bounded-distance"),
    ((5, 3), 1, 2, "bounded-distance"),
    ((5, 3, 2), 1, 4, "bounded-distance"),
    ((5, 4, 3), 2, 3, "bounded-distance"),
]


@pytest.mark.parametrize(("members", "redundant", "size", "decoder"), CODES)
@pytest.mark.parametrize(("sigma", "share"), [(0.3, 0.5), (0.5, 0.2), (0.4, 0.8)])
def test_tiny_codes_by_quadrature(
    members: tuple[int, ...], redundant: int, size: int, decoder: str, sigma: float, share: float
) -> None:
    near = 1e-9 if len(members) == 2 else 1e-4  # of the oracle's rule
    several: list[float] = [1, 2, 3, 5, 100, math.inf]
    made = [
        FaultParameters(
            moduli=ModuliSet(members, redundant), noise=Gaussian(sigma, share), attempts=attempts,
            decoder=decoder, legitimate_range=size,
        )
        for attempts in several
    ]  # fmt: skip
    for parameters, (p_err, expected) in zip(made, enumerated(made[0], several), strict=True):
        row = fault_probability(parameters)
        if parameters.attempts <= 2:
            assert not row.is_bound
            assert row.p_err == row.p_err_low == pytest.approx(p_err, rel=near)
            assert row.expected_attempts == pytest.approx(expected, rel=near)
        else:
            assert row.p_err_low * (1 - near) <= p_err <= row.p_err * (1 + near)
            assert row.expected_attempts <= expected * (1 + near)


def test_the_bounds_are_close_where_few_errors_are_undetected() -> None:
    parameters = FaultParameters(
        moduli=ModuliSet([15, 14, 13, 11], 1), noise=Gaussian(0.15, 0.5), attempts=3
    )
    row = fault_probability(parameters)
    assert row.is_bound
    assert row.p_err == pytest.approx(row.p_err_low, rel=1e-3)


def test_tiny_probabilities_keep_their_digits() -> None:
    """A code of two residues whose two values differ in both, by sums of positive terms alone."""
    sigma, share, members = 0.055, 0.3, (3, 2)
    static, fresh = (sigma * math.sqrt(x) for x in (share, 1 - share))
    nodes, weights = np.polynomial.legendre.leggauss(8)
    edges = np.linspace(-2, 2, 801)
    offsets = ((edges[1:] + edges[:-1])[:, None] / 2 + nodes * 0.0025).ravel()
    chances = np.tile(weights * 0.0025, 800) * stats.norm.pdf(offsets, scale=static)

    def of(error: int) -> Array:
        below = stats.norm.cdf(error + 0.5, offsets, fresh) - stats.norm.cdf(
            error - 0.5, offsets, fresh
        )
        above = stats.norm.sf(error - 0.5, offsets, fresh) - stats.norm.sf(
            error + 0.5, offsets, fresh
        )
        return np.where(offsets > error, below, above)

    given = [
        [sum(of(e) for e in range(-9, 10) if e % modulus == error) for error in range(modulus)]
        for modulus in members
    ]
    right = [errors[0] for errors in given]
    wrong = [sum(errors[1:]) for errors in given]
    kinds = [
        {
            "rr": chances @ r**2,
            "rw": chances @ (r * w),
            "wr": chances @ (r * w),
            "ww": chances @ w**2,
        }
        for r, w in zip(right, wrong, strict=True)
    ]
    spoilt = sum(
        kinds[0][one] * kinds[1][other]
        for one, other in product(("rr", "rw", "wr", "ww"), repeat=2)
        if all("w" in pair for pair in zip(one, other, strict=True))
    )
    after_right = sum(
        0.5 * (chances @ (right[0] * given[0][d % 3])) * (chances @ (right[1] * given[1][d % 2]))
        for d in (1, -1)
    )
    row = fault_probability(
        FaultParameters(
            moduli=ModuliSet(members, 1), noise=Gaussian(sigma, share), attempts=2,
            legitimate_range=2,
        )
    )  # fmt: skip
    assert 1e-40 < row.p_err < 1e-25
    assert row.p_err == pytest.approx(spoilt + after_right, rel=1e-9)


@pytest.mark.parametrize("redundant", [1, 2])
def test_errors_that_are_all_static_are_never_repaired(redundant: int) -> None:
    code = ModuliSet([15, 14, 13, 11], redundant)
    rows = [
        fault_probability(FaultParameters(moduli=code, noise=Gaussian(0.3, 1.0), attempts=attempts))
        for attempts in (1, 2, 7, math.inf)
    ]
    assert not any(row.is_bound for row in rows)
    for row in rows:
        assert row.p_err == pytest.approx(rows[0].p_err, rel=1e-12)
    assert rows[2].expected_attempts == pytest.approx(1 + 6 * rows[0].p_detected)
    assert math.isinf(rows[3].expected_attempts)


def test_a_share_close_to_none_is_as_none() -> None:
    def rows(share: float, attempts: float) -> tuple[float, float]:
        row = fault_probability(
            FaultParameters(
                moduli=ModuliSet([15, 14, 13, 11], 1), noise=Gaussian(0.25, share),
                attempts=attempts,
            )
        )  # fmt: skip
        return row.p_err_low, row.p_err

    assert rows(1e-9, 2) == pytest.approx(rows(0.0, 2), rel=1e-6)
    low, high = rows(0.0, 4)
    assert rows(1e-9, 4)[0] <= high and rows(1e-9, 4)[1] >= low


def test_the_more_is_static_the_less_a_second_attempt_helps() -> None:
    errors = [
        fault_probability(
            FaultParameters(
                moduli=ModuliSet([15, 14, 13, 11], 1), noise=Gaussian(0.15, share), attempts=2
            )
        ).p_err
        for share in (0.0, 0.1, 0.5, 0.9, 0.99, 1.0)
    ]
    assert errors == sorted(errors)
    assert errors[-1] > 200 * errors[0]


def test_the_fewest_attempts_for_a_target_under_static_errors() -> None:
    request = ModuliRequest(bits=4, vector_size=16)

    def least(share: float) -> dict[int, float]:
        noise = NoiseSetting(sigma=0.15, constants=(("static_share", share),))
        found = redundancy_frontier(TargetParameters(request=request, noise=noise, target=1e-6))
        for row in found:
            assert row.p_err <= 1e-6
        return {row.redundant: row.attempts for row in found}

    assert least(0.0)[1] < least(0.5)[1]


def test_what_is_refused() -> None:
    with pytest.raises(InputError, match=r"`static_share` is 1\.5; it must be a share from 0 to 1"):
        Gaussian(0.1, 1.5)
    with pytest.raises(InputError, match="takes too many values to average over"):
        fault_probability(
            FaultParameters(
                moduli=ModuliSet([63, 62, 61], 1), noise=Gaussian(0.2, 1 - 1e-9), attempts=2
            )
        )


# Simulations, with a fixed seed: intervals of 99.9 %, each of which errs once in a thousand seeds.


def simulated(share: float, attempts: float, formula_share: float) -> tuple[float, float, float]:
    """The interval of words that are wrong in the end, and what is computed."""
    code = RedundantCode(ModuliSet([13, 11, 9, 7], 1))
    made = RnsCore(DotProduct(2, 3, 3), code, Gaussian(0.3, share), attempts)
    rng = np.random.default_rng(5)
    words = 200_000
    sums = rng.integers(code.lowest, code.highest + 1, words)
    wrong = int(made.read(sums, rng).wrong.sum())
    low, high = proportion_interval(wrong, words, 0.999)
    parameters = FaultParameters(
        moduli=code.moduli, noise=Gaussian(0.3, formula_share), attempts=attempts
    )
    return low, high, fault_probability(parameters).p_err


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 1.0])
def test_a_core_meets_its_static_errors_again(share: float) -> None:
    low, high, p_err = simulated(share, 2, share)
    assert low <= p_err <= high


def test_a_core_with_static_errors_is_not_one_with_fresh_ones() -> None:
    low, _, independent = simulated(0.3, 2, 0.0)
    assert independent < low


@pytest.mark.parametrize("attempts", [3, 8])
def test_a_core_is_within_the_bounds_of_more_attempts(attempts: int) -> None:
    low, high, p_err = simulated(0.5, attempts, 0.5)
    parameters = FaultParameters(
        moduli=ModuliSet([13, 11, 9, 7], 1), noise=Gaussian(0.3, 0.5), attempts=attempts
    )
    assert low <= p_err
    assert fault_probability(parameters).p_err_low <= high


@pytest.mark.parametrize(
    ("attempts", "share"), [(1, 0.5), (2, 0.2), (2, 1.0), (4, 0.7), (math.inf, 0.5)]
)
def test_the_validation_has_static_errors(attempts: float, share: float) -> None:
    parameters = FaultParameters(
        moduli=ModuliSet([15, 14, 13, 11], 1), noise=Gaussian(0.2, share), attempts=attempts
    )
    exact = fault_probability(parameters)
    assert validate(parameters, 60_000, seed=3).beside(exact).agrees
    if attempts == 2:
        fresh = fault_probability(replace(parameters, noise=Gaussian(0.2)))
        assert not validate(parameters, 60_000, seed=3).beside(fresh).agrees


def test_a_mixed_code_of_laws_with_and_without_static_errors() -> None:
    laws = (Gaussian(0.3, 0.5), Uniform(0.05), Gaussian(0.2))
    parameters = FaultParameters(moduli=ModuliSet([7, 5, 3], 1), noise=laws, attempts=2)
    exact = fault_probability(parameters)
    assert validate(parameters, 60_000, seed=4).beside(exact).agrees
    every_fresh = FaultParameters(
        moduli=ModuliSet([7, 5, 3], 1), noise=(Gaussian(0.3), *laws[1:]), attempts=2
    )
    assert exact.p_err > fault_probability(every_fresh).p_err


def test_attempts_without_end_are_refused_by_a_core() -> None:
    code = RedundantCode(ModuliSet([13, 11, 9, 7], 1))
    made = RnsCore(DotProduct(2, 3, 3), code, Gaussian(0.25, 1.0), math.inf)
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match=r"attempts on average|rejected more than 10000 times"):
        made.read(np.zeros(100, dtype=np.int64), rng)


def test_an_analog_core_takes_the_share() -> None:
    made = analog_core(bits=4, vector_size=8, sigma=0.2, static_share=0.4, attempts=2)
    assert made.laws == (Gaussian(0.2, 0.4),) * len(made.laws)
    with pytest.raises(InputError, match="no constant of the noise uniform"):
        analog_core(bits=4, vector_size=8, p=0.2, static_share=0.4)
    with pytest.raises(InputError, match="`static_share` is of the noise"):
        analog_core(bits=4, vector_size=8, static_share=0.4)
