"""Wires against a network of resistors that is solved as one."""

import numpy as np
import pytest

from rnscli.analysis.noise.cells import Sampled, wire_errors
from rnscli.analysis.noise.operand_law import OperandLaw, uniform_law
from rnscli.core import Channel, Devices, FloatArray


def current(inputs: FloatArray, conductances: FloatArray, resistance: float) -> float:
    """Current out of a line of cells, by nodal analysis: the last is a wire from the ADC."""
    rows = inputs.size
    matrix, right = np.zeros((rows, rows)), inputs * conductances
    for k in range(rows):
        matrix[k, k] += conductances[k] + 1 / resistance  # to the next node, or to the end at 0
        if k + 1 < rows:
            matrix[k + 1, k + 1] += 1 / resistance
            matrix[k, k + 1] -= 1 / resistance
            matrix[k + 1, k] -= 1 / resistance
    return float(np.linalg.solve(matrix, right)[-1] / resistance)


@pytest.mark.parametrize("mapping", ["differential", "offset"])
@pytest.mark.parametrize("ratio", [5.0, 1e9])
def test_what_a_column_loses(mapping: str, ratio: float) -> None:
    rng, rows, low, high = np.random.default_rng(0), 12, -4, 3
    devices = Devices(mapping=mapping, wire_resistance=0.01, on_off_ratio=ratio)
    values = np.arange(low, high + 1.0)
    law = OperandLaw(values, np.full(values.size, 1 / values.size))
    sample = Sampled.of(law, rows)
    errors = wire_errors(devices, Channel(low, high, -3, 3), values, sample)
    least = 1 / ratio
    for column in range(0, sample.drawn.shape[1], 40):
        weights, inputs = values[sample.drawn[:, column]], rng.integers(-3, 4, rows) * 1.0
        if mapping == "offset":
            span, lines = 7.0, [(weights + 4) / 7]
        else:
            span, lines = 4.0, [weights.clip(min=0) / 4, (-weights).clip(min=0) / 4]
        total = 0.0
        for sign, target in zip((1, -1), lines, strict=False):
            held = least + target * (1 - least)
            lost = current(inputs, held, 0.01) - float(inputs @ held)
            total += sign * lost * span / (1 - least)
        assert float(inputs @ errors[:, column]) == pytest.approx(total, rel=1e-9, abs=1e-12)


def test_columns_are_drawn_by_their_law() -> None:
    law = uniform_law(3, 50)
    drawn = Sampled.of(law, 1000).drawn
    assert drawn.shape == (1000, 256)
    shares = np.bincount(drawn.ravel(), minlength=7) / drawn.size
    assert np.abs(shares - law.chances).max() < 5 * (0.25 / drawn.size) ** 0.5
    assert np.array_equal(drawn, Sampled.of(law, 1000).drawn)
    assert Sampled.of(law, 2**17).drawn.shape == (2**17, 16)
