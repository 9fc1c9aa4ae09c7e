"""Trajectories of single cells against closed forms, and write noise against its variance."""

import math
from pathlib import Path

import mpmath
import numpy as np
import pytest
from refusals import assert_one_sentence

from rnscli.base.errors import InputError
from rnscli.core.updates.cells import UPDATE_LAWS, CellUpdates
from rnscli.core.updates.exponential import Exponential
from rnscli.core.updates.law import UpdateLaw
from rnscli.core.updates.linear import Linear
from rnscli.core.updates.logistic import Logistic
from rnscli.core.updates.tabulated import Tabulated

PULSES = 50
RNG = np.random.default_rng(11)


def pulsed(law: UpdateLaw, first: float, x: float) -> list[float]:
    """Conductances of a cell after 0, 1, .. PULSES equal requests."""
    g = np.array([first])
    found = [first]
    for _ in range(PULSES):
        g = g + law.steps(g, np.array([x]))
        found.append(float(g[0]))
    return found


@pytest.mark.parametrize("a", [1e-9, 0.3, 3.0, 8.0])
def test_exponential_trajectory(a: float) -> None:
    """g(n) = (1 - e^(-a n / N)) / (1 - e^-a) upwards from 0, and its mirror image down from 1."""
    share = np.arange(PULSES + 1) / PULSES
    up = np.expm1(-a * share) / math.expm1(-a)
    law = Exponential(a)
    np.testing.assert_allclose(pulsed(law, 0.0, 1 / PULSES), up, atol=1e-9)
    np.testing.assert_allclose(pulsed(law, 1.0, -1 / PULSES), 1 - up, atol=1e-9)


@pytest.mark.parametrize("a", [1e-6, 0.3, 3.0, 8.0])
def test_logistic_trajectory(a: float) -> None:
    """The logistic curve of t - 1/2, scaled to go from 0 to 1, in both directions."""
    t = np.arange(PULSES + 1) / PULSES
    curve = np.tanh(a * (t - 0.5))
    curve = (curve / math.tanh(a / 2) + 1) / 2
    law = Logistic(a)
    np.testing.assert_allclose(pulsed(law, 0.0, 1 / PULSES), curve, atol=1e-8)
    np.testing.assert_allclose(pulsed(law, 1.0, -1 / PULSES), curve[::-1], atol=1e-8)


@pytest.mark.parametrize("a", [5e-324, 1e-16, 1e-9, 1.1e-8, 1e-6, 1e-3, 0.5, 5.0, 30.0, 50.0])
def test_logistic_steps_to_the_last_digits(a: float) -> None:
    """The curve of the docstring in 1000 digits, from the middle to both ends."""
    law = Logistic(a)
    with mpmath.workdps(1000):
        height, low = 1 / mpmath.tanh(mpmath.mpf(a) / 2), -1 / mpmath.expm1(a)
        for g in (0.0, 1e-20, 1e-9, 0.1, 0.5, 0.9, 1.0):
            for x in (-1.0, -0.9, -0.1, -1e-9, 1e-9, 1e-3, 0.1, 0.9, 1.0):
                left = height / (g - low) - 1
                expected = height / (1 + left * mpmath.exp(-2 * mpmath.mpf(a) * x)) + low - g
                (found,) = law.steps(np.array([g]), np.array([x]))
                assert abs(found / expected - 1) < 1e-14, (g, x)
    np.testing.assert_array_equal(law.steps(np.array([0.3]), np.zeros(1)), [0.0])


@pytest.mark.parametrize("law", [Exponential(0.0), Logistic(0.0), Linear()])
def test_without_nonlinearity_a_step_is_the_request(law: UpdateLaw) -> None:
    g, x = RNG.random(20), RNG.uniform(-1, 1, 20)
    np.testing.assert_array_equal(law.steps(g, x), x)


@pytest.mark.parametrize("law", [Exponential(4.0), Logistic(4.0)])
def test_steps_stay_in_the_range_and_add_up(law: UpdateLaw) -> None:
    g = RNG.random(1000)
    x = RNG.uniform(-1, 1, 1000)
    x = np.where(x > 0, np.minimum(x, 1 - g), np.maximum(x, -g)) * 0.9
    half = g + law.steps(g, x / 2)
    whole = g + law.steps(g, x)
    np.testing.assert_allclose(half + law.steps(half, x / 2), whole, atol=1e-12)


def test_tables_by_brute_force() -> None:
    """A constant table is linear, with the variance of so many pulses; lines lie in between."""
    law = Tabulated(((2.0, 0.01, 0.02, -0.04, 0.03), (4.0, 0.01, 0.02, -0.04, 0.03)))
    g, x = np.array([0.0, 0.3, 0.9]), np.array([0.5, -0.5, 0.1])
    np.testing.assert_allclose(law.steps(g, x), x)
    # 0.5 of a range of 2 are 100 pulses of 0.01 up, or 25 of 0.04 down; 0.1 are 20 up.
    expected = np.array([100 * 0.02**2, 25 * 0.03**2, 20 * 0.02**2]) / 2.0**2
    np.testing.assert_allclose(law.variances(g, x), expected)
    bent = Tabulated(((0.0, 3.0, 0, -1.0, 0), (1.0, 1.0, 0, -1.0, 0), (3.0, 1.0, 0, -4.0, 0)))
    up = (2.0 + 2.0) / 3  # mean of the lines over conductance: 1 wide at 2, 2 wide at 1
    np.testing.assert_allclose(bent.steps(np.array([1 / 6]), np.array([0.3])), [0.3 / up * 2.0])


@pytest.mark.parametrize("mapping", ["reference", "pair"])
def test_variance_of_write_noise(mapping: str) -> None:
    """s^2 R |d| of a weight; halved by a pair. Sample variances of 20 000 within 5 sigma: 6e-7."""
    draws, s, d, largest = 20_000, 0.02, 0.3, 2.0
    updates = CellUpdates(law=Linear(), noise=s, mapping=mapping)
    state = updates.program(np.zeros(draws), largest)
    state.change(np.full(draws, d), np.random.default_rng(3))
    found = state.weights()
    variance = s**2 * 2 * largest * d / (2 if mapping == "pair" else 1)
    assert abs(found.mean() - d) < 5 * math.sqrt(variance / draws)
    assert abs(found.var() / variance - 1) < 5 * math.sqrt(2 / draws)


def test_noise_of_pulses_adds_up() -> None:
    """Ten steps of a tenth have the variance of the whole one, where nothing is clipped."""
    draws, s = 20_000, 0.02
    state = CellUpdates(law=Linear(), noise=s).program(np.zeros(draws), 1.0)
    rng = np.random.default_rng(5)
    for _ in range(10):
        state.change(np.full(draws, 0.03), rng)
    assert abs(state.weights().var() / (s**2 * 2 * 0.3) - 1) < 5 * math.sqrt(2 / draws)


def test_pulses_are_whole_and_right_in_the_mean() -> None:
    draws, pulses = 20_000, 8
    state = CellUpdates(law=Linear(), pulses=pulses).program(np.zeros(draws), 1.0)
    state.change(np.full(draws, 0.1), np.random.default_rng(7))
    found = state.weights()
    assert set(found) == {0.0, 2 / pulses}
    share = 0.1 / (2 / pulses)
    assert abs(found.mean() / 0.25 - share) < 5 * math.sqrt(share * (1 - share) / draws)


def test_asymmetry_by_hand() -> None:
    state = CellUpdates(law=Linear(), asymmetry=0.2).program(np.zeros(2), 1.0)
    state.change(np.array([0.5, -0.5]), RNG)
    np.testing.assert_allclose(state.weights(), [0.6, -0.4])


def test_no_request_no_pulse() -> None:
    first = RNG.uniform(-1, 1, 9)
    state = CellUpdates(law=Exponential(3.0), noise=0.1).program(first, 1.0)
    before = state.state.copy()
    assert state.change(np.zeros(9), RNG).size == 0
    np.testing.assert_array_equal(state.state, before)


def test_ends_of_the_range() -> None:
    for law in (Linear(), Exponential(2.0), Logistic(2.0)):
        state = CellUpdates(law=law, noise=0.5, mapping="pair").program(np.zeros(500), 0.25)
        for _ in range(20):
            state.change(np.where(np.arange(500) % 2, 9.0, -9.0), RNG)
            assert np.isfinite(state.state).all()
            assert np.abs(state.weights()).max() <= 0.25


def test_every_law_is_here() -> None:
    assert list(UPDATE_LAWS) == ["ideal", "linear", "exponential", "logistic"]


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({"update": "exponental"}, "`update` is exponental"),
        ({"update": "exponential"}, "`update_nonlinearity`"),
        ({"update": "linear", "update_noise": -1.0}, "`update_noise` is -1"),
        ({"update": "linear", "update_asymmetry": 1.0}, "`update_asymmetry` is 1"),
        ({"update": "linear", "cells": 0}, "`cells` is 0"),
        ({"update": "linear", "cells": 9, "cell_base": 10.0}, "`cells` is 9"),
        ({"update": "linear", "update_mapping": "both"}, "`update_mapping` is both"),
        ({"update": "linear", "cells": 2, "carry": "often"}, "`carry` is often"),
        ({"update": "nowhere.csv"}, "nowhere.csv"),
    ],
)
def test_refused(given: dict[str, object], names: str) -> None:
    with pytest.raises(InputError) as caught:
        CellUpdates.requested(given)
    assert_one_sentence(caught.value, names)


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        ("0,1,0,-1,0", "two rows"),
        ("0,1,0,-1,0\n0,1,0,-1,0", "two rows"),
        ("0,1,-1,-1,0\n1,1,0,-1,0", "negative deviation"),
        ("0,1,0,1,0\n1,1,0,1,0", "do not go down"),
        ("0,-1,0,-1,0\n1,-1,0,-1,0", "do not go up"),
        ("0,1,0,-1,x\n1,1,0,-1,0", "line 2"),
    ],
)
def test_refused_tables(tmp_path: Path, lines: str, names: str) -> None:
    file = tmp_path / "cell.csv"
    file.write_text("conductance,up,up_deviation,down,down_deviation\n" + lines + "\n")
    with pytest.raises(InputError) as caught:
        CellUpdates.requested({"update": str(file)})
    assert_one_sentence(caught.value, "cell.csv")
    assert names in str(caught.value)
