"""Products on the conventional cores against the same hardware pair by pair."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_cores import CONVENTIONAL, made
from plain_product import multiply, plain_product, reading

from rnscli.core.arithmetic.dot_product import DotProduct
from rnscli.core.cores.conventional_core import BitSlicedCore, FixedPointCore, convert_clean
from rnscli.core.cores.core import Core
from rnscli.core.noise import Gaussian, NoiseLaw, Uniform
from rnscli.matrix.dataflow import GRANULARITIES, PATHS, Dataflow

QUICK = settings(max_examples=100, deadline=None, derandomize=True)

NOISES = [None, Uniform(0.0), Uniform(0.2), Gaussian(0.0), Gaussian(0.4), Gaussian(20.0)]


def operands(kind: str, shape: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(len(kind))
    rows, terms, columns = shape
    x, w = rng.normal(size=(rows, terms)), rng.normal(size=(terms, columns))
    if kind == "signs":  # the largest sums, which are clipped, and zeros
        x, w = np.sign(x).round(), np.sign(w) * (rng.random(w.shape) < 0.7)
        x[0], w[:, 0] = 1, 1
    return x, w


def check(core: Core, kind: str, granularity: str, path: str, rows: int = 6) -> None:
    x, w = operands(kind, (rows, 20, 5))
    expected = plain_product(x, w, core, granularity, read=reading(core, np.random.default_rng(4)))
    found, counts = multiply(Dataflow(core, granularity, path), x, w, seed=4)
    assert found.dtype == np.float32
    # By value: a small negative sum that is rounded to zero leaves a zero with a sign.
    np.testing.assert_array_equal(found, expected)
    assert counts.dot_products == counts.computed == 3 * expected.size
    assert (counts.wrong > 0) == (core.noise not in (None, Uniform(0.0), Gaussian(0.0)))


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("kind", ["normal", "signs"])
@pytest.mark.parametrize("bits", [2, 3, 4])
@pytest.mark.parametrize("name", CONVENTIONAL)
def test_as_the_hardware_does_it(name: str, bits: int, kind: str, noise: NoiseLaw | None) -> None:
    core = made(name, DotProduct(8, 4, 4), bits, noise=noise, slice_bits=2)
    check(core, kind, "vector", "homomorphic", rows=30)


@pytest.mark.parametrize("granularity", GRANULARITIES)
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", CONVENTIONAL)
def test_both_paths_are_one(name: str, path: str, granularity: str) -> None:
    core = made(name, DotProduct(8, 4, 4), 4, noise=Uniform(0.1))
    check(core, "normal", granularity, path, rows=30)


@pytest.mark.parametrize("dot", [DotProduct(8, 12, 12), DotProduct(8, 20, 24)])
@pytest.mark.parametrize("noise", [None, Uniform(0.1), Gaussian(0.4)])
@pytest.mark.parametrize("name", CONVENTIONAL)
def test_sums_that_float32_does_not_hold(
    name: str, noise: NoiseLaw | None, dot: DotProduct
) -> None:
    core = made(name, dot, 8, noise=noise)
    assert Dataflow(core).wide_products
    check(core, "normal", "vector", "homomorphic", rows=30)


@QUICK
@given(st.data())
def test_slices_sum_up_to_the_weights(data: st.DataObject) -> None:
    bits = data.draw(st.integers(2, 24))
    slice_bits = data.draw(st.integers(1, bits - 1))
    core = BitSlicedCore(DotProduct(4, 4, bits), 4, slice_bits, 6)
    levels = 2 ** (bits - 1) - 1
    weights = data.draw(st.lists(st.integers(-levels, levels), min_size=1))
    weights += [levels, -levels, 0]
    for dtype in (np.float32, np.float64):
        given_weights = np.array(weights, dtype=dtype)[:, np.newaxis]
        parts = core.parts(given_weights)
        assert len(parts) == -(-(bits - 1) // slice_bits)
        assert all(part.dtype == dtype for part in parts)
        for index, weight in enumerate(weights):
            digits = [int(part[index, 0]) for part in parts]
            assert sum(2 ** (slice_bits * place) * d for place, d in enumerate(digits)) == weight
            assert all(0 <= d * (1 if weight >= 0 else -1) < 2**slice_bits for d in digits)
        np.testing.assert_array_equal(given_weights[:, 0], weights)


def adc(total: int, output_bits: int, adc_bits: int) -> int:
    """Rounded to a step of the ADC, ties to even, and clipped."""
    step, half = 2 ** (output_bits - adc_bits), 2 ** (adc_bits - 1)
    return step * max(-half, min(half - 1, round(Fraction(total, step))))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("adc_bits", [2, 3, 4, 11])
def test_every_sum_without_noise(adc_bits: int, dtype: type) -> None:
    dot = DotProduct(8, 4, 4)
    sums = np.arange(-dot.max_sum, dot.max_sum + 1)
    core = FixedPointCore("fixed", dot, 4, min(adc_bits, dot.output_bits))
    expected = [adc(int(s), dot.output_bits, core.adc_bits) for s in sums]
    assert core.ideal([sums.astype(dtype)]).tolist() == expected
    assert core.read(sums, np.random.default_rng(0)).values.tolist() == expected


@QUICK
@given(st.data())
def test_slices_are_read_shifted_and_added(data: st.DataObject) -> None:
    dot = DotProduct(data.draw(st.integers(1, 9)), *data.draw(st.tuples(*[st.integers(2, 8)] * 2)))
    slice_bits = data.draw(st.integers(1, dot.weight_bits - 1))
    output_bits = dot.input_bits + slice_bits + (dot.vector_size - 1).bit_length()
    adc_bits = data.draw(st.integers(1, output_bits))
    core = BitSlicedCore(dot, 4, slice_bits, adc_bits)
    most = dot.vector_size * dot.max_input * (2**slice_bits - 1)
    sums = data.draw(st.lists(st.tuples(*[st.integers(-most, most)] * core.slices), min_size=1))
    expected = [
        sum(adc(s, output_bits, adc_bits) << (slice_bits * i) for i, s in enumerate(column))
        for column in sums
    ]
    rows = np.array(sums).T
    assert core.ideal([row.astype(np.float64) for row in rows]).tolist() == expected
    assert core.read(rows, np.random.default_rng(0)).values.tolist() == expected


def test_converting_leaves_the_sums_alone() -> None:
    sums = np.array([98.0, 13.0, 3.0], dtype=np.float32)
    for adc_bits in (4, 8):
        convert_clean(sums, 8, adc_bits)
        assert sums.tolist() == [98.0, 13.0, 3.0]


@pytest.mark.parametrize("noise", [Uniform(1.0), Gaussian(50.0)])
@pytest.mark.parametrize("name", CONVENTIONAL)
def test_no_result_is_beyond_reach(name: str, noise: NoiseLaw) -> None:
    # `Dataflow.wide_results` counts on it.
    dot = DotProduct(8, 4, 4)
    core = made(name, dot, 4, noise=noise, slice_bits=2)
    rng = np.random.default_rng(5)
    x, w = rng.integers(-7, 8, (20_000, 8)), rng.integers(-7, 8, (20_000, 8))
    values = core.dot(x, w, rng).values
    assert np.abs(values).max() <= core.reach
    assert np.abs(values).max() > core.reach / 4
