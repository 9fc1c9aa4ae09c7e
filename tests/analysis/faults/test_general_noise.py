"""Laws that are not uniform, different laws per modulus, and erasures, against full enumeration."""

import itertools
import math
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest

from rnscli.analysis.faults.fault_probability import FaultParameters, fault_probability
from rnscli.analysis.faults.undetected import sums_by_differences
from rnscli.analysis.faults.value_law import NormalValues
from rnscli.base.errors import InputError
from rnscli.core.arithmetic.decoders import DECODERS
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.arithmetic.selection import select_moduli
from rnscli.core.noise import Gaussian, NoiseLaw, Tabulated, Uniform


class Case(NamedTuple):
    members: tuple[int, ...]
    redundant: int
    size: int | None


CASES = [
    Case((5, 4, 3), 0, None),
    Case((7, 5, 3), 0, 60),
    Case((7, 5, 4, 3), 1, None),
    Case((7, 5, 4, 3), 1, 41),
    Case((11, 7, 5, 3), 2, None),
    Case((9, 7, 5, 4), 2, 13),
    Case((8, 7, 5, 3), 3, None),
    Case((11, 9, 8, 7), 1, 50),
    Case((13, 11, 9), 2, None),
    Case((7, 5, 3, 2), 2, 5),
    Case((11, 9, 7, 4), 3, 4),
]


def random_laws(members: tuple[int, ...], seed: int) -> tuple[NoiseLaw, ...]:
    """Arbitrary laws, not symmetric, some entries zero."""
    rng = np.random.default_rng(seed)
    laws = []
    for modulus in members:
        weights = rng.random(modulus) * (rng.random(modulus) < 0.8)
        weights[0] += 3.0
        laws.append(Tabulated(tuple(weights / weights.sum())))
    return tuple(laws)


def enumerated(
    members: tuple[int, ...], size: int, radius: int, vectors: list[np.ndarray]
) -> tuple[float, float, float]:
    """Every codeword, every error, decoded by comparing with every codeword."""
    totals = [0.0, 0.0, 0.0]
    for error, shares in decoded(members, size, radius):
        chance = math.prod(v[e] for v, e in zip(vectors, error, strict=True))
        for i, share in enumerate(shares):
            totals[i] += chance * share
    return totals[0], totals[1], totals[2]


@cache
def decoded(
    members: tuple[int, ...], size: int, radius: int
) -> list[tuple[tuple[int, ...], tuple[float, float, float]]]:
    """Of each error the shares of codewords that it leaves right, detected and wrong."""
    code = np.array([[x % m for m in members] for x in range(size)])
    found = []
    for error in itertools.product(*(range(m) for m in members)):
        words = (code + error) % members
        distance = (words[:, None, :] != code[None, :, :]).sum(axis=2)
        near = distance <= radius
        assert near.sum(axis=1).max() <= 1
        own = np.diagonal(near)
        some = near.any(axis=1)
        found.append((error, (own.mean(), (~some).mean(), (some & ~own).mean())))
    return found


def laws_of(kind: str, members: tuple[int, ...]) -> tuple[NoiseLaw, ...]:
    if kind == "gaussian":
        return (Gaussian(0.6),) * len(members)
    if kind == "gaussian-each":
        return tuple(Gaussian(0.3 + 0.2 * i) for i in range(len(members)))
    if kind == "uniform-each":
        return tuple(Uniform(0.05 * (i + 1)) for i in range(len(members)))
    return random_laws(members, seed=len(members))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", ["gaussian", "gaussian-each", "uniform-each", "random"])
def test_outcomes_equal_full_enumeration(case: Case, kind: str) -> None:
    moduli = ModuliSet(case.members, case.redundant)
    laws = laws_of(kind, moduli.moduli)
    vectors = [law.error_distribution(m) for law, m in zip(laws, moduli.moduli, strict=True)]
    size = case.size or moduli.dynamic_range
    by_radius = {}
    counting = {name: one for name, one in DECODERS.items() if one.counts_residues}
    for name, decoder in counting.items():
        radius = decoder.radius(moduli.information_count, moduli.redundant)
        if radius not in by_radius:
            by_radius[radius] = enumerated(moduli.moduli, size, radius, vectors)
        result = fault_probability(
            FaultParameters(moduli=moduli, noise=laws, decoder=name, legitimate_range=size)
        )
        outcome = (result.p_correct, result.p_detected, result.p_undetected)
        assert outcome == pytest.approx(by_radius[radius], rel=1e-12, abs=1e-15)
        assert sum(outcome) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("redundant", [0, 1, 2, 3])
@pytest.mark.parametrize("p", [1e-18, 1e-9, 1e-3, 0.3, 1 - 1e-9, 1.0])
def test_both_routes_agree_for_the_uniform_law(redundant: int, p: float) -> None:
    moduli = select_moduli(12_545, 31, redundant=redundant)[0]
    by_sets = fault_probability(FaultParameters(moduli=moduli, p=p))
    vectors = [Uniform(p).error_distribution(m) for m in moduli.moduli]
    by_differences = sums_by_differences(
        vectors, moduli.dynamic_range, redundant // 2, 0
    ).probability
    assert by_differences == pytest.approx(by_sets.p_undetected, rel=1e-12, abs=0)


def test_a_table_of_the_uniform_law_is_the_uniform_law() -> None:
    moduli = ModuliSet([11, 9, 8, 7], 2)
    tables = tuple(
        Tabulated(tuple(Uniform(0.02).error_distribution(m).tolist())) for m in moduli.moduli
    )
    tabulated = fault_probability(FaultParameters(moduli=moduli, noise=tables, attempts=3))
    uniform = fault_probability(FaultParameters(moduli=moduli, p=0.02, attempts=3))
    assert tabulated.p_err == pytest.approx(uniform.p_err, rel=1e-12)
    assert tabulated.p_detected == pytest.approx(uniform.p_detected, rel=1e-12)


@pytest.mark.parametrize("erased", [(0,), (3,), (4,), (1, 3), (0, 4)])
def test_erasures_are_a_code_over_the_other_residues(erased: tuple[int, ...]) -> None:
    members = (7, 5, 4, 3, 11)
    moduli = ModuliSet(members, 2)
    laws = laws_of("gaussian-each", moduli.moduli)
    size = moduli.dynamic_range
    left = [i for i in range(5) if i not in erased]
    vectors = [laws[i].error_distribution(moduli.moduli[i]) for i in left]
    radius = (2 - len(erased)) // 2
    expected = enumerated(tuple(moduli.moduli[i] for i in left), size, radius, vectors)
    result = fault_probability(FaultParameters(moduli=moduli, noise=laws, erased=erased))
    outcome = (result.p_correct, result.p_detected, result.p_undetected)
    assert outcome == pytest.approx(expected, rel=1e-12, abs=1e-15)
    assert result.erased == erased


def test_a_gaussian_law_is_remembered_over_attempts_and_reported() -> None:
    moduli = ModuliSet([15, 14, 13, 11], 1)
    results = [
        fault_probability(FaultParameters(moduli=moduli, noise=Gaussian(0.2), attempts=attempts))
        for attempts in (1, 2, math.inf)
    ]
    assert [r.noise for r in results] == ["gaussian"] * 3
    assert [r.sigma for r in results] == [0.2] * 3
    assert results[0].p == pytest.approx(0.012419330651552318, rel=1e-12)
    assert results[0].p_err > results[1].p_err > results[2].p_err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({}, "either `p` or `noise`"),
        ({"p": 0.1, "noise": Uniform(0.1)}, "either `p` or `noise`"),
        ({"noise": (Uniform(0.1),)}, "`noise` has 1 laws; the set has 3 moduli"),
        ({"p": 0.1, "erased": (3,)}, "`erased` is 3; it must be a whole number from 0 to 2"),
        ({"p": 0.1, "erased": (0, 1)}, "survives at most 1"),
        ({"p": 0.1, "erased": (0, 0)}, "`erased` names a residue twice"),
    ],
)
def test_refusals(more: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        FaultParameters(moduli=ModuliSet([7, 5, 4], 1), **more)


@pytest.mark.parametrize(
    ("probabilities", "message"),
    [
        ((0.9, 0.2), "sums to 1.1; probabilities must sum to 1"),
        ((1.1, -0.1), "holds -0.1 as entry 1; none may be negative"),
        ((math.nan, 1.0), "holds nan as entry 0"),
        ((), "must be a list"),
    ],
)
def test_tables_that_are_no_distribution(probabilities: tuple[float, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Tabulated(probabilities)


def test_a_table_belongs_to_its_modulus() -> None:
    with pytest.raises(InputError, match="modulus 5 needs as many"):
        fault_probability(
            FaultParameters(moduli=ModuliSet([5, 3], 0), noise=Tabulated((0.9, 0.05, 0.05)))
        )


def test_ranges_too_large_for_the_sum_are_refused() -> None:
    moduli = select_moduli(2**33, 255)[0]
    with pytest.raises(InputError, match=r"up to 2\^32.*smaller `legitimate_range`"):
        fault_probability(
            FaultParameters(moduli=moduli, noise=Gaussian(0.1), values=NormalValues(1e4))
        )


@pytest.mark.parametrize("law", [Gaussian(0.1), Gaussian(0.0)])
def test_moduli_too_large_for_a_table_are_refused(law: NoiseLaw) -> None:
    moduli = ModuliSet([2**64, 3])
    for size, highest in ((None, 31), (6, 31), (1, 31)):
        with pytest.raises(InputError, match=rf"at most 2\^{highest}"):
            fault_probability(FaultParameters(moduli=moduli, noise=law, legitimate_range=size))
    with pytest.raises(InputError, match=r"at most 2\^26"):
        fault_probability(
            FaultParameters(moduli=ModuliSet([2**27, 3]), noise=Gaussian(0.1), legitimate_range=6)
        )


def test_without_noise_nothing_is_summed() -> None:
    moduli = select_moduli(2**31, 2**16 - 1)[0]
    result = fault_probability(
        FaultParameters(moduli=moduli, noise=Gaussian(0.0), legitimate_range=2**31)
    )
    assert (result.p_correct, result.p_detected, result.p_undetected) == (1.0, 0.0, 0.0)


SMALL_SET = ModuliSet([15, 14, 13, 11], 2)


@pytest.mark.parametrize(
    "noise",
    [
        Gaussian(0.012),  # whose tails are below the least double themselves
        Gaussian(0.017),
        tuple(Uniform(p) for p in (1e-200, 2e-200, 1e-200, 1e-200)),
    ],
)
def test_what_underflows_is_told_every_time(noise: NoiseLaw | tuple[NoiseLaw, ...]) -> None:
    for attempts in (1, 2):
        with pytest.warns(RuntimeWarning, match=r"below 2.2e-308 and is given as 0"):
            row = fault_probability(
                FaultParameters(moduli=SMALL_SET, noise=noise, attempts=attempts)
            )
        assert row.p_undetected == 0


@pytest.mark.filterwarnings("error")
def test_what_cannot_happen_is_not_told() -> None:
    """Errors of two steps never lead from one of two values to the other."""
    chances = [
        (0.9, *(0.1 if error == 2 else 0.0 for error in range(1, m))) for m in SMALL_SET.moduli
    ]
    laws = tuple(Tabulated(one) for one in chances)
    design = FaultParameters(moduli=SMALL_SET, noise=laws, legitimate_range=2)
    assert fault_probability(design).p_undetected == 0
