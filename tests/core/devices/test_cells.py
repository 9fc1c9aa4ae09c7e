"""Cells and bit lines, against solved networks of resistors, closed forms and samples."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnscli.base import InputError
from rnscli.core import Devices
from rnscli.core.devices.cells import line_factors, programmed
from rnscli.core.devices.devices import check_points, check_states
from rnscli.core.devices.tables import load_adc_points, load_states


def currents(conductances: np.ndarray, resistance: float, volts: np.ndarray) -> float:
    """The current at the end of a bit line, by Kirchhoff's law at every node.

    Node 0 is the far end; behind the last one a wire leads to the ADC, which is at 0.
    """
    rows = conductances.size
    nodes, sources = np.zeros((rows, rows)), conductances * volts
    for node in range(rows):
        nodes[node, node] += conductances[node]
        for other in (node - 1, node + 1):
            if other >= 0:
                nodes[node, node] += 1 / resistance
            if 0 <= other < rows:
                nodes[node, other] -= 1 / resistance
    return float(np.linalg.solve(nodes, sources)[-1] / resistance)


@given(
    st.lists(st.floats(0.0, 1.0), min_size=1, max_size=9),
    st.floats(1e-4, 2.0),
    st.integers(0, 2**32),
)
def test_a_line_is_the_network_that_it_stands_for(
    states: list[float], resistance: float, seed: int
) -> None:
    conductances = np.array(states)
    volts = np.random.default_rng(seed).uniform(-1, 1, conductances.size)
    factors = line_factors(conductances[:, np.newaxis], resistance)[:, 0]
    expected = currents(conductances, resistance, volts)
    assert float(factors * conductances @ volts) == pytest.approx(expected, abs=1e-9)


def test_small_resistances_keep_their_digits() -> None:
    """To first order a cell loses the current of all cells in the wires that it goes through."""
    conductances, r = np.linspace(0.1, 1.0, 50)[:, np.newaxis], 1e-13
    lost = -np.log(line_factors(conductances, r))
    first = r * np.cumsum(np.cumsum(conductances, axis=0)[::-1], axis=0)[::-1]
    assert lost == pytest.approx(first, rel=1e-3)  # of numbers below 1e-9


@pytest.mark.parametrize("mapping", ["differential", "offset"])
@pytest.mark.parametrize("ratio", [math.inf, 20.0])
def test_errors_of_cells_are_those_of_their_laws(mapping: str, ratio: float) -> None:
    """Mean and deviation of 40 000 cells in each state; six times the deviation of a sample."""
    devices = Devices(
        mapping=mapping, on_off_ratio=ratio, cell_error=0.02, cell_error_proportional=0.05
    )
    low, high, count = (-7, 7, 40_000) if mapping == "differential" else (0, 15, 40_000)
    stored = np.repeat(np.arange(low, high + 1.0), count).reshape(-1, count).T
    found = programmed(devices, stored, low, high, np.random.default_rng(7)).weights
    least = 1 / ratio
    for index, weight in enumerate(range(low, high + 1)):
        if mapping == "differential":
            scale = 7 / (1 - least)
            states = [max(weight, 0) / 7, max(-weight, 0) / 7]
        else:
            scale, states = 15 / (1 - least), [weight / 15]
        conductances = [least + one * (1 - least) for one in states]
        variance = sum(0.01**2 + (0.05 * one) ** 2 for one in conductances) * scale**2
        deviation, column = math.sqrt(variance), found[:, index]
        assert abs(column.mean() - weight) < 6 * deviation / math.sqrt(count)
        assert column.std() == pytest.approx(deviation, rel=6 / math.sqrt(2 * count))


def test_stuck_cells() -> None:
    devices = Devices(stuck_on=0.02, stuck_off=0.03, on_off_ratio=10)
    stored = np.full((1000, 100), 3.0)
    found = programmed(devices, stored, -7, 7, np.random.default_rng(1)).weights.round(9)
    # Either cell of a pair is stuck: the positive one at full or at none, the negative one at full.
    counts = {value: int((found == value).sum()) for value in (7.0, 0.0, 3.0, -4.0, -7.0)}
    expected = {7.0: 0.02 * 0.98, 0.0: 0.03 * 0.98 + 0.02**2, 3.0: 0.95 * 0.98, -4.0: 0.95 * 0.02}
    for value, share in expected.items():
        assert abs(counts[value] - share * 1e5) < 6 * math.sqrt(share * 1e5)
    assert sum(counts.values()) == stored.size


def test_a_measured_cell_is_interpolated() -> None:
    devices = Devices(states=((0.0, 0.1, 0.0), (0.5, 0.4, 0.02), (1.0, 1.0, 0.0)))
    stored = np.tile(np.array([[0.0, 2.0, 4.0, 6.0, 8.0]]), (20_000, 1))
    cells = programmed(
        Devices(mapping="offset", states=devices.states), stored, 0, 8, np.random.default_rng(3)
    ).weights
    means, deviations = np.array([0.1, 0.25, 0.4, 0.7, 1.0]) * 8, np.array([0, 1, 2, 1, 0]) * 0.08
    assert cells.std(axis=0) == pytest.approx(deviations, rel=0.03, abs=1e-9)
    assert np.abs(cells.mean(axis=0) - means).max() < 6 * 0.16 / math.sqrt(20_000)


@pytest.mark.parametrize(
    ("states", "problem"),
    [
        ([(0, 0, 0)], "from 0 to 0"),
        ([(0, 0, 0), (0.9, 1, 0)], "from 0 to 0.9"),
        ([(0, 0.5, 0), (1, 0.4, 0)], "means of 0.5 and then 0.4"),
        ([(0, 0, 0), (0, 0, 0), (1, 1, 0)], "targets of 0 and then 0"),
        ([(0, 0, 0), (1, math.nan, 0)], "the row 1,nan,0"),
        ([(0, 0, 0), (1, 1, -1)], "the row 1,1,-1"),
    ],
)
def test_tables_of_cells_that_are_none(states: list[tuple[float, ...]], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        check_states(states)


@pytest.mark.parametrize(
    ("points", "problem"),
    [
        ([(-1, 0)], "from -1 to -1"),
        ([(-1, 0), (1, math.inf)], "the row 1,inf"),
        ([(-1, 0), (0.5, 0), (0.2, 0), (1, 0)], "0.5 and then 0.2"),
    ],
)
def test_tables_of_converters_that_are_none(points: list[tuple[float, ...]], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        check_points(points)


def test_tables_from_files(tmp_path) -> None:
    cell, adc = tmp_path / "cell.csv", tmp_path / "adc.csv"
    cell.write_text("Target,Mean,Deviation\n1,0.9,0.1\n0,0,0.01\n")
    adc.write_text("# bow\nlevel,deviation\n-1,0\n0,0.7\n1,0\n")
    assert load_states(cell) == ((0.0, 0.0, 0.01), (1.0, 0.9, 0.1))
    assert load_adc_points(adc) == ((-1.0, 0.0), (0.0, 0.7), (1.0, 0.0))
    cell.write_text("target,mean,deviation\n0,nan,0\n")
    with pytest.raises(InputError, match="line 2, column mean"):
        load_states(cell)
