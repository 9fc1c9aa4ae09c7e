"""Errors in strata, against all errors of small sets."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from rnscli.analysis.faults import error_strata
from rnscli.analysis.faults.error_strata import cost_distribution, errors_of_cost
from rnscli.analysis.faults.fault_probability import FaultParameters, fault_probability
from rnscli.analysis.faults.validation import validate
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.noise import Gaussian, NoiseLaw, Tabulated, Uniform

MODULI = (8, 7, 5)


def laws_of(kind: str) -> tuple[NoiseLaw, ...]:
    if kind == "gaussian":
        return (Gaussian(0.6), Gaussian(0.8), Gaussian(0.5))
    if kind == "uniform":
        return (Uniform(0.3),) * 3
    rng = np.random.default_rng(3)
    tables = [rng.random(m) * (rng.random(m) < 0.8) + (np.arange(m) == 0) for m in MODULI]
    return tuple(Tabulated(tuple(table / math.fsum(table))) for table in tables)


def every_error(laws: tuple[NoiseLaw, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All errors, about 0, with their chances and costs."""
    vectors = [law.error_distribution(m) for law, m in zip(laws, MODULI, strict=True)]
    errors = np.array(list(itertools.product(*map(range, MODULI)))).T
    chances = np.prod([v[e] for v, e in zip(vectors, errors, strict=True)], axis=0)
    members = np.array(MODULI)[:, np.newaxis]
    return errors, chances, (np.minimum(errors, members - errors) ** 2).sum(axis=0)


@pytest.mark.parametrize("most", [4, 12, 48])
@pytest.mark.parametrize("kind", ["gaussian", "uniform", "tabulated"])
def test_costs_of_all_errors(kind: str, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(error_strata, "COSTS", most)
    error_strata._costs.cache_clear()
    laws = laws_of(kind)
    _, chances, costs = every_error(laws)
    wanted = np.bincount(np.minimum(costs, most), chances, most + 1)
    assert cost_distribution(laws, MODULI) == pytest.approx(wanted.tolist(), rel=1e-12, abs=1e-18)
    error_strata._costs.cache_clear()


@pytest.mark.parametrize("kind", ["gaussian", "tabulated"])
@pytest.mark.parametrize("cost", [0, 1, 2, 5, 9, 12])
def test_errors_of_a_cost(kind: str, cost: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In proportion to their chances: chi-squared, a false alarm in 10 000 each."""
    monkeypatch.setattr(error_strata, "COSTS", 12)
    error_strata._costs.cache_clear()
    laws = laws_of(kind)
    _, chances, costs = every_error(laws)
    chosen = costs == cost if cost < 12 else costs >= 12
    share = chances * chosen
    members = np.array(MODULI)[:, np.newaxis]
    drawn = errors_of_cost(laws, MODULI, cost, np.random.default_rng(5), 20_000) % members
    index = (drawn[0] * MODULI[1] + drawn[1]) * MODULI[2] + drawn[2]
    counts = np.bincount(index, minlength=share.size)
    assert not counts[share == 0].any()
    expected = share / share.sum() * 20_000
    often = expected > 5
    rest = expected[~often].sum()
    seen = np.append(counts[often], counts[~often].sum()) if rest > 5 else counts[often]
    wanted = np.append(expected[often], rest) if rest > 5 else expected[often]
    if wanted.size > 1:
        statistic = ((seen - wanted) ** 2 / wanted).sum()
        assert stats.chi2.sf(statistic, wanted.size - 1) > 1e-4
    error_strata._costs.cache_clear()


@pytest.mark.parametrize(("sigma", "low", "high"), [(0.13, 1e-12, 1e-11), (0.2, 1e-6, 1e-5)])
def test_rare_errors_of_the_nearest_value(sigma: float, low: float, high: float) -> None:
    """Simulated beside the exact value, with a value that is close however rare they are."""
    code = FaultParameters(
        moduli=ModuliSet([255, 254, 253, 251, 247], 2), noise=Gaussian(sigma), decoder="lee"
    )
    row = fault_probability(code)
    assert low < row.p_err < high
    checked = validate(code, 100_000, seed=3).beside(row)
    assert checked.agrees
    assert checked.simulated_p_err == pytest.approx(row.p_err, rel=0.1)


@pytest.mark.parametrize("attempts", [1, 2])
def test_unsure_words_are_repeated(attempts: int) -> None:
    code = FaultParameters(
        moduli=ModuliSet([63, 62, 61, 59, 55], 1),
        noise=Gaussian(0.3),
        decoder="lee",
        attempts=attempts,
        retry_above=1.0,
    )
    checked = validate(code, 60_000, seed=4).beside(fault_probability(code))
    assert checked.agrees
