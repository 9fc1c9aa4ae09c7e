"""Largest magnitudes, and steps that are powers of two."""

from fractions import Fraction

import numpy as np
import pytest
from plain_product import multiply, scales_of

import rnscli
from rnscli.base.errors import InputError
from rnscli.matrix.dataflow import GRANULARITIES, Dataflow
from rnscli.matrix.product import Levels, NumPyArrays, RowScales

FP32 = Levels(31, floating=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("stack", [(), (2,), (2, 3)])
@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_scales(granularity: str, stack: tuple[int, ...], dtype: type) -> None:
    size, rows, terms = 4, 10, 11
    values = np.random.default_rng(0).normal(size=(*stack, rows, terms)).astype(dtype)
    values[..., 4:8, 4:8] = 0  # a whole tile
    values[..., 9, :] = 0
    scales = RowScales("x", NumPyArrays(), values, granularity, size, FP32)
    for start in range(0, terms, size):
        found = scales.of(slice(start, min(start + size, terms)))
        assert found.dtype == dtype
        assert found.shape == (*stack, 1 if granularity == "tensor" else rows, 1)
        for index in np.ndindex(*stack):
            expected = [row[start] for row in scales_of(values[index], granularity, size)]
            np.testing.assert_array_equal(np.broadcast_to(found[index][:, 0], (rows,)), expected)


@pytest.mark.parametrize("granularity", GRANULARITIES)
@pytest.mark.parametrize(("value", "accepted"), [(-1e15, True), (1.0000001e15, False)])
def test_largest_magnitude(granularity: str, value: float, accepted: bool) -> None:
    values = np.ones((5, 5))
    values[4, 4] = value

    def last() -> np.ndarray:
        return RowScales("x", NumPyArrays(), values, granularity, 2, FP32).of(slice(4, 5))

    if accepted:
        assert last().max() == 1e15
    else:
        with pytest.raises(InputError, match=r"^`x` holds NaN or a magnitude above 1e\+15"):
            last()


def edges(bits: int, dtype: type) -> np.ndarray:
    """Largest magnitudes that are q of a power of two, and the numbers next to them."""
    kind = np.finfo(dtype)
    exponents = np.arange(kind.minexp - kind.nmant, 50 - bits)
    exact = ((2 ** (bits - 1) - 1) * 2.0**exponents).astype(dtype)
    every = np.concatenate([np.nextafter(exact, dtype(end)) for end in (0, 1e30)] + [exact])
    return every[(every > 0) & (every <= 1e15)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bits", [2, 3, 6, 8, 24, 25, 26, 31])
def test_steps_are_the_least_powers_of_two_that_clip_nothing(bits: int, dtype: type) -> None:
    """Down to the least denormal number, in fractions."""
    largest, q = edges(bits, dtype), 2 ** (bits - 1) - 1
    levels = Levels(q, floating=False)
    found = levels.scales(NumPyArrays(), largest)
    assert found.dtype == dtype and len(found) > 400
    for value, scale in zip(largest.tolist(), found.tolist(), strict=True):
        step = Fraction(scale) / levels.levels
        assert (step.numerator * step.denominator).bit_count() == 1
        assert q * step / 2 < Fraction(value) <= q * step


def test_steps_of_fp32_are_left_as_they_are() -> None:
    largest = np.array([1.0, 0.3, 7e-42], np.float32)
    assert FP32.scales(NumPyArrays(), largest) is largest
    assert FP32.levels == FP32.largest == 31


@pytest.mark.parametrize("scales", ["fp32", "power-of-two"])
def test_a_tile_of_zeros_beside_one_of_the_smallest_numbers(scales: str) -> None:
    """The scale of the zeros is 1, which over that of the row is beyond float32."""
    x = np.array([[0.0, 0.0, 2.0**-149, 2.0**-147]], np.float32)
    core = rnscli.analog_core("rns", bits=6, vector_size=2)
    found, _ = multiply(Dataflow(core, scales=scales), x, np.ones((4, 1), np.float32))
    assert found == pytest.approx(5 * 2.0**-149, rel=0.04)
    found, _ = multiply(Dataflow(core, scales=scales), np.ones((1, 4), np.float32), x.T)
    assert found == pytest.approx(5 * 2.0**-149, rel=0.04)
