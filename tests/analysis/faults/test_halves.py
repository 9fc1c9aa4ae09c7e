"""The sum over differences in two halves of the moduli, against the sum one by one."""

import math
from collections.abc import Sequence
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnscli.analysis.faults import halves, undetected
from rnscli.analysis.faults.fault_probability import FaultParameters, fault_probability
from rnscli.analysis.faults.halves import far_sums, halves_for, halves_of
from rnscli.base.errors import InputError
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.noise import Gaussian

SETS = [
    (15, 14, 13, 11), (11, 9, 8, 7, 5), (19, 17, 16, 15), (7, 5, 3, 2), (43, 42, 41),
    (13, 11, 9, 8, 7), (9, 8),
]  # fmt: skip


def one_by_one(
    laws: Sequence[np.ndarray], size: int, radius: int, start: int
) -> tuple[float, float, float]:
    """The same with every difference in a line of its own."""
    differences = np.arange(start + 1, size)
    planes = [np.ones(differences.size)] + [np.zeros(differences.size)] * radius
    for law in laws:
        same = law[differences % law.size]
        other = np.array([law.sum() - law[i] for i in range(law.size)])[differences % law.size]
        planes = [
            plane * same + (planes[i - 1] * other if i else 0.0) for i, plane in enumerate(planes)
        ]
    terms = sum(planes) * (size - differences) / size
    return tuple(math.fsum(terms * differences.astype(float) ** power) for power in range(3))


def laws_of(moduli: Sequence[int], kind: str, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    if kind == "gaussian":
        return [Gaussian(0.3).error_distribution(m) for m in moduli]
    if kind == "few":
        made = []
        for m in moduli:
            law = np.where(rng.random(m) < 4 / m, rng.random(m), 0.0)
            law[0] += 1.0
            made.append(law / law.sum())
        return made
    return [rng.dirichlet(np.full(m, 0.3)) for m in moduli]


@pytest.mark.parametrize("kind", ["gaussian", "few", "any"])
@pytest.mark.parametrize("moduli", SETS, ids=str)
def test_against_the_sum_one_by_one(moduli: tuple[int, ...], kind: str) -> None:
    """In blocks of any size."""
    rng = np.random.default_rng(len(moduli))
    total = math.prod(moduli)
    for radius in (0, 1, 2):
        if radius > len(moduli) - 1:
            continue
        for _ in range(3):
            size = int(rng.integers(2, total + 1))
            start = int(rng.integers(0, max(1, size // 3)))
            laws = laws_of(moduli, kind, size)
            wanted = None
            for block in (3, 64, 1 << 20):
                with mock.patch.object(halves, "_BLOCK", block):
                    halves_of.cache_clear()
                    if halves_for(laws, size, radius, start) is None:
                        continue
                    found = far_sums(laws, size, radius, start, moments=True)
                    (only, *none) = far_sums(laws, size, radius, start, moments=False)
                wanted = wanted or one_by_one(laws, size, radius, start)
                assert found == pytest.approx(wanted, rel=1e-11, abs=1e-280)
                assert only == pytest.approx(wanted[0], rel=1e-12, abs=1e-280)
                assert none == [0.0, 0.0]
    halves_of.cache_clear()


@given(
    moduli=st.sampled_from(SETS),
    share=st.floats(0.01, 1.0),
    begin=st.floats(0.0, 0.9),
    radius=st.integers(0, 2),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=80, deadline=None, derandomize=True)
def test_any_law_and_range(
    moduli: tuple[int, ...], share: float, begin: float, radius: int, seed: int
) -> None:
    size = max(2, int(share * math.prod(moduli)))
    start = int(begin * (size - 2))
    laws = laws_of(moduli, "any", seed)
    if halves_for(laws, size, radius, start) is not None:
        found = far_sums(laws, size, radius, start, moments=True)
        assert found == pytest.approx(one_by_one(laws, size, radius, start), rel=1e-11)


@pytest.mark.parametrize("differences", [1, 10, 1000, 30_000])
def test_the_halves_have_all_residues(differences: int) -> None:
    made = halves_of((15, 14, 13, 11), differences)
    if made is None:
        assert differences < 11
        return
    assert sorted((*made.first, *made.second)) == [0, 1, 2, 3]
    assert made.product * made.other == 30030 and made.product <= differences


@pytest.mark.parametrize("tolerance", [0, 8, 70_000])
@pytest.mark.parametrize(
    ("moduli", "redundant", "sigma"),
    [([63, 62, 61, 59], 0, 0.4), ([127, 126, 125, 121], 1, 0.3), ([63, 62, 61, 59, 55], 2, 0.35)],
)
def test_a_code_either_way(moduli: list[int], redundant: int, sigma: float, tolerance: int) -> None:
    """All numbers of a row, with the near differences one by one, and with all of them so."""
    made = ModuliSet(moduli, redundant)
    size = min(made.dynamic_range, 3_000_000)
    vectors = [Gaussian(sigma).error_distribution(m) for m in made.moduli]
    radius = redundant // 2
    whole = undetected.sums_by_differences(vectors, size, radius, tolerance)
    with (
        mock.patch.object(undetected, "_NEAR", 5000),
        mock.patch.object(undetected, "terms_of_halves", lambda *_: 0.0),
    ):
        quick = undetected.sums_by_differences(vectors, size, radius, tolerance)
    assert tuple(quick) == pytest.approx(tuple(whole), rel=1e-10)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("moduli", "redundant"),
    [([127, 126, 125, 121, 113, 109], 0), ([63, 62, 61, 59, 55, 53, 47], 2)],
)
def test_large_ranges_where_there_is_a_closed_form(moduli: list[int], redundant: int) -> None:
    """Of errors that are all alike, though the sum does not know it."""
    made, p = ModuliSet(moduli, redundant), 1e-3
    laws = [np.full(m, p / (m - 1)) for m in made.moduli]
    for law in laws:
        law[0] = 1 - p
    for decoder in ("detect", "bounded-distance"):
        code = FaultParameters(moduli=made, p=p, decoder=decoder)
        exact, size = fault_probability(code), made.dynamic_range
        assert size > 2**27
        found = undetected.sums_by_differences(laws, size, code.point.radius, 8)
        assert found.probability == pytest.approx(exact.p_undetected, rel=1e-10)
        assert found.absolute == pytest.approx(exact.mean_abs_output_error, rel=1e-6)
        assert found.square == pytest.approx(exact.rms_output_error**2, rel=1e-6)


def test_ranges_beyond_2_to_the_47() -> None:
    """Two ways to halve the moduli, and a range that no sum one by one would reach."""
    made = ModuliSet([255, 254, 253, 251, 247, 241, 239], 1)
    size, law = made.dynamic_range, Gaussian(0.25)
    assert size > 2**47
    laws = [law.error_distribution(m) for m in made.moduli]
    found = far_sums(laws, size, 0, 1 << 22, moments=False)[0]
    usual = halves_for(laws, size, 0, 1 << 22)
    assert usual is not None and usual.terms < usual.product
    others = usual._replace(
        first=(1, 3, 5, 6), second=(0, 2, 4), product=254 * 251 * 241 * 239, other=255 * 253 * 247
    )
    with mock.patch.object(halves, "halves_for", lambda *_: others):
        again = far_sums(laws, size, 0, 1 << 22, moments=False)[0]
    assert again == pytest.approx(found, rel=1e-10)


def test_what_would_take_too_long_is_refused() -> None:
    made = ModuliSet([131071, 131070, 131069, 131063], 0)
    with pytest.raises(InputError, match=r"two halves of the moduli.*smaller `legitimate_range`"):
        fault_probability(FaultParameters(moduli=made, noise=Gaussian(3000.0)))
