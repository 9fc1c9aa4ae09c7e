"""Scales that are known before: the same numbers as NumPy, clipped where they are beyond."""

import numpy as np
import pytest

import rnscli
from rnscli.base import InputError
from rnscli.matrix.dataflow import Dataflow
from rnscli.matrix.product import NumPyArrays, TiledProduct

CORE = rnscli.analog_core("rns", bits=6, vector_size=16)
Q = 31
# Of 0.8, in FP32 and as the power of two of which 31 steps reach it.
STEPS = {"fp32": np.float32(0.8) / Q, "power-of-two": np.float32(2.0**-5)}


def rounded(values: np.ndarray, scales: str) -> np.ndarray:
    """Whole multiples of the step, from -q to q."""
    if scales == "fp32":
        multiples = values * np.float32(Q) / np.float32(0.8)
    else:
        multiples = values / STEPS[scales]
    return np.clip(np.rint(multiples), -Q, Q)


@pytest.mark.parametrize("scales", STEPS)
@pytest.mark.parametrize("granularity", ["vector", "tensor"])
def test_inputs_are_clipped(granularity: str, scales: str) -> None:
    """With weights that are whole numbers of their own steps, bit for bit."""
    rng = np.random.default_rng(0)
    x = rng.normal(0, 0.5, (50, 16)).astype(np.float32)
    x[0] = 0.4 * STEPS[scales]  # rounds to nothing, though it is the largest of its row
    w = rng.integers(-Q, Q + 1, (16, 5)).astype(np.float32)
    w[0] = Q
    flow = Dataflow(CORE, granularity, scales=scales, input_scale=0.8)
    found = x @ rnscli.AnalogMatrix(w, flow)
    sums = rounded(x, scales) @ w
    step = np.float32(0.8) / np.float32(Q) if scales == "fp32" else STEPS[scales]
    expected = sums.astype(np.float32) * step  # and the steps of the weights are 1
    assert np.abs(rounded(x, scales)).max() == Q and (np.abs(x) > 1).any() and not found[0].any()
    assert found.tobytes() == expected.tobytes()


@pytest.mark.parametrize("scales", STEPS)
def test_both_operands_of_a_stack(scales: str) -> None:
    """As in attention: a constant for each, one matrix of weights for each of inputs."""
    rng = np.random.default_rng(1)
    x, w = rng.normal(0, 1, (2, 3, 4, 20)), rng.normal(0, 1, (2, 3, 20, 6))
    x, w = x.astype(np.float32), w.astype(np.float32)
    flow = Dataflow(CORE, scales=scales, input_scale=0.8, weight_scale=0.8)
    product = TiledProduct(flow, NumPyArrays())
    found, _ = product.multiply(x, product.quantise_weights(w), np.random.default_rng)
    step = float(np.float32(0.8)) / Q if scales == "fp32" else 2.0**-5
    expected = rounded(x, scales).astype(float) @ rounded(w, scales).astype(float) * step**2
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_scales_that_float32_products_would_lose() -> None:
    x = np.full((3, 16), 1e-25, np.float32)
    flow = Dataflow(CORE, input_scale=2e-25)
    found = x @ rnscli.AnalogMatrix(np.full((16, 2), 1e-25), flow)
    np.testing.assert_allclose(found, 16e-50, rtol=0.05)


@pytest.mark.parametrize("value", [0, -1.0, float("nan"), "global", 1e16, 1e-40])
def test_refusals(value: object) -> None:
    with pytest.raises(InputError, match=r"^`input_scale` is .*dynamic, static or a number from"):
        Dataflow(CORE, input_scale=value)  # type: ignore[arg-type]
    if not isinstance(value, str):
        with pytest.raises(InputError, match=r"^`weight_scale` is "):
            Dataflow(CORE, weight_scale=value)  # type: ignore[arg-type]


def test_a_constant_that_nobody_gives() -> None:
    with pytest.raises(InputError, match=r"^`input_scale` is static, and the scale is not known"):
        rnscli.AnalogMatrix(np.ones((2, 2)), Dataflow(CORE, input_scale="static"))


def test_numbers_beyond_all_bounds_are_refused_all_the_same() -> None:
    matrix = rnscli.AnalogMatrix(np.ones((2, 2)), Dataflow(CORE, input_scale=1.0))
    for value in (float("nan"), 1e16):
        with pytest.raises(InputError, match=r"^`x` holds NaN or a magnitude above"):
            _ = np.array([value, 0.0]) @ matrix
