"""The most noise for a target, against enumeration of small codes and against dense grids."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_retries import after, by_value

from rnscli.analysis.faults.fault_probability import fault_probability
from rnscli.analysis.faults.solving import LevelParameters, most_noise
from rnscli.base.errors import InputError, NoSolutionError
from rnscli.core.arithmetic.moduli import ModuliSet

SMALL = ModuliSet([7, 5, 4, 3], 1)
SIX_BITS = ModuliSet([63, 62, 61, 59, 55, 53], 2)


def enumerated(parameters: LevelParameters, level: float) -> float:
    """p_err of a small code, from every value and every word."""
    return after(*by_value(parameters.with_level(level)), parameters.attempts)[0]


def bisected(parameters: LevelParameters, low: float, high: float) -> float:
    """The first level of a grid from which on enumeration misses the target, then bisected."""
    grid = np.geomspace(low, high, 60)
    first = next(i for i, x in enumerate(grid) if enumerated(parameters, x) > parameters.target)
    low, high = grid[first - 1], grid[first]
    for _ in range(40):
        middle = (low + high) / 2
        missed = enumerated(parameters, middle) > parameters.target
        low, high = (low, middle) if missed else (middle, high)
    return low


@pytest.mark.parametrize("attempts", [1, 2])
@pytest.mark.parametrize(
    ("solve", "target", "low", "high"),
    [("p", 1e-4, 1e-6, 0.9), ("p", 0.2, 1e-3, 0.9), ("sigma", 1e-3, 0.05, 1.0)],
)
def test_a_small_code_by_enumeration(
    solve: str, target: float, low: float, high: float, attempts: float
) -> None:
    parameters = LevelParameters(
        moduli=SMALL, solve=solve, target=target, attempts=attempts, legitimate_range=10
    )
    assert most_noise(parameters) == pytest.approx(bisected(parameters, low, high), rel=1e-8)


@pytest.mark.thorough
@pytest.mark.filterwarnings("ignore:a probability")
@given(
    redundant=st.integers(0, 2),
    size=st.integers(2, 12),
    solve=st.sampled_from(["p", "sigma", "snr-db"]),
    attempts=st.sampled_from([1, 2, 3, math.inf]),
    exponent=st.floats(-18, -0.4),
    decoder=st.sampled_from(["bounded-distance", "detect"]),
)
@settings(max_examples=10, deadline=None)
def test_the_level_keeps_the_target_and_no_smaller_one_misses_it(
    redundant: int, size: int, solve: str, attempts: float, exponent: float, decoder: str
) -> None:
    parameters = LevelParameters(
        moduli=ModuliSet([7, 5, 4, 3], redundant), solve=solve, target=10.0**exponent,
        attempts=attempts, legitimate_range=size, decoder=decoder,
    )  # fmt: skip
    try:
        level = most_noise(parameters)
    except NoSolutionError:
        low, high = (-10.0, 60.0) if solve == "snr-db" else (1e-9, 0.999 if solve == "p" else 7.0)
        for level in np.linspace(low, high, 50):
            at = fault_probability(parameters.with_level(level))
            assert at.p_err <= parameters.target * (1 + 1e-12)
        return
    assert fault_probability(parameters.with_level(level)).p_err <= parameters.target
    if solve == "snr-db":
        noisier, quieter = level - 1e-5, level + np.linspace(0, 20, 20)
    else:
        noisier, quieter = level * (1 + 1e-6), level * np.geomspace(0.1, 1, 20)
    assert fault_probability(parameters.with_level(noisier)).p_err > parameters.target
    for one in quieter:
        assert fault_probability(parameters.with_level(one)).p_err <= parameters.target


@pytest.mark.thorough
def test_a_large_code_has_the_target_itself() -> None:
    for target in (1e-3, 1e-18):
        code = LevelParameters(moduli=SIX_BITS, solve="sigma", target=target, attempts=2)
        row = fault_probability(code.with_level(most_noise(code)))
        assert row.p_err == pytest.approx(target, rel=1e-6)


def test_one_attempt_by_the_binomial_law() -> None:
    """p_err(1) is the probability of more than one wrong residue of six."""
    p = most_noise(LevelParameters(moduli=SIX_BITS, solve="p", target=1e-12))
    several = sum(math.comb(6, w) * p**w * (1 - p) ** (6 - w) for w in range(2, 7))
    assert several == pytest.approx(1e-12, rel=1e-8)


def test_sigma_and_snr_are_the_same_noise_of_equal_moduli() -> None:
    only = ModuliSet([63])
    levels = {
        solve: most_noise(LevelParameters(moduli=only, solve=solve, target=1e-6))
        for solve in ("sigma", "snr-db")
    }
    assert levels["snr-db"] == pytest.approx(20 * math.log10(63 / levels["sigma"]), rel=1e-8)


def test_dead_channels_have_no_part() -> None:
    whole = LevelParameters(moduli=SIX_BITS, solve="p", target=1e-6, erased=(0, 1))
    left = LevelParameters(moduli=SIX_BITS.without((0, 1)), solve="p", target=1e-6)
    assert most_noise(whole) == most_noise(left)


def test_a_target_that_any_level_keeps() -> None:
    with pytest.raises(
        NoSolutionError, match=r"keeps the `target` 0\.99 at any sigma: it is 0\.75 "
    ):
        most_noise(LevelParameters(moduli=ModuliSet([4]), solve="sigma", target=0.99))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"target": 0.0}, "`target` is 0.0; it must be"),
        ({"target": 1.0}, "`target` is 1.0; it must be"),
        ({"target": math.nan}, "`target` is nan; it must be"),
        ({"target": 1e-301}, "`target` is 1e-301; it must be"),
        ({"solve": "level"}, "`solve` is level; it must be one of p, sigma, snr-db"),
        ({"noise": "uniform"}, "which the noise uniform does not have"),
    ],
)
def test_what_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        LevelParameters(**{"moduli": SMALL, "solve": "sigma", "target": 1e-3} | wrong)
