"""Products without noise, against loops."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_product import assert_same_bytes, multiply, plain_product, scales_of

import rnscli
from rnscli.base.errors import InputError
from rnscli.core.arithmetic.code import RedundantCode
from rnscli.core.arithmetic.dot_product import DotProduct
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.cores.core import Core
from rnscli.core.cores.rns_core import RnsCore
from rnscli.matrix.dataflow import GRANULARITIES, PATHS, Dataflow, ProductCounts
from rnscli.matrix.product import NumPyArrays, TiledProduct

SCALES = ("fp32", "power-of-two")
QUICK = settings(max_examples=80, deadline=None, derandomize=True)

# Moduli of several widths that hold any sum below 2**53, and then some.
WIDE = [8191, 8190, 8189, 8179, 8171]
NARROW = [255, 254, 253, 251, 247, 241, 239]


def operand(rng: np.random.Generator, shape: tuple[int, ...], kind: str, dtype: str) -> np.ndarray:
    """Numbers with a distribution that is likely to find something."""
    values = rng.normal(size=shape)
    if kind == "ties":
        values = rng.integers(-8, 9, shape) / 4
    elif kind == "sparse":  # whole rows, columns and tiles of zeros
        values *= rng.random(shape) < 0.3
        values *= rng.random((shape[0], 1)) < 0.7
    elif kind == "scales":
        values *= 2.0 ** rng.integers(-30, 30, shape)
    elif kind == "tiny":  # denormal in float32
        values *= 1e-41
    return values.astype(dtype)


@st.composite
def products(draw: st.DrawFn, most_bits: int) -> tuple[Core, np.ndarray, np.ndarray]:
    """A core and two matrices whose shapes are no multiples of anything."""
    size = draw(st.integers(1, 9))
    input_bits = draw(st.integers(2, most_bits))
    weight_bits = draw(st.integers(2, min(most_bits, 51 - input_bits)))
    dot = DotProduct(size, input_bits, weight_bits)
    members = draw(st.sampled_from([NARROW, WIDE]))
    code = RedundantCode(ModuliSet(members), dot.dynamic_range)
    rows, terms, columns = (draw(st.integers(1, most)) for most in (7, 25, 7))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    x, w = (
        operand(
            rng,
            shape,
            draw(st.sampled_from(["normal", "ties", "sparse", "scales", "tiny"])),
            draw(st.sampled_from(["float32", "float64"])),
        )
        for shape in ((rows, terms), (terms, columns))
    )
    return RnsCore(dot, code), x, w


def check(case: tuple[Core, np.ndarray, np.ndarray], granularity: str, scales: str) -> None:
    core, x, w = case
    expected = plain_product(x, w, core, granularity, scales=scales)
    tiles = math.ceil(x.shape[1] / core.dot_product.vector_size)
    outputs = tiles * expected.size
    for path in PATHS:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found, counts = multiply(Dataflow(core, granularity, path, scales), x, w)
        assert_same_bytes(found, expected)
        assert counts == ProductCounts(1, outputs, 0, outputs)


@pytest.mark.parametrize("scales", SCALES)
@pytest.mark.parametrize("most_bits", [8, 31])
@settings(QUICK, max_examples=60)
@given(data=st.data(), granularity=st.sampled_from(GRANULARITIES))
def test_both_paths_are_exact(
    most_bits: int, scales: str, data: st.DataObject, granularity: str
) -> None:
    check(data.draw(products(most_bits)), granularity, scales)


@QUICK
@given(products(12), st.sampled_from(GRANULARITIES))
def test_powers_of_two_lose_no_more_than_half_a_step(
    case: tuple[Core, np.ndarray, np.ndarray], granularity: str
) -> None:
    """Of each operand, in each product; and steps are at most twice those of FP32."""
    core, x, w = case
    dot = core.dot_product
    found, _ = multiply(Dataflow(core, granularity, scales="power-of-two"), x, w)
    x, w = x.astype(np.float64), w.astype(np.float64)
    largest = [scales_of(m, granularity, dot.vector_size) for m in (x, w.T)]
    step_x, step_w = (
        2 * np.array(one) / levels
        for one, levels in zip(largest, (dot.max_input, dot.max_weight), strict=True)
    )
    off = (
        np.abs(x) @ step_w.T / 2 + step_x / 2 @ np.abs(w) + step_x / 2 @ step_w.T / 2
    )  # of each term: (x + a) (w + b) - x w
    rounding = x.shape[1] * 2.0**-23 * (np.abs(x) + step_x) @ (np.abs(w) + step_w.T)  # of FP32
    assert (np.abs(found - x @ w) <= (off + rounding) * (1 + 1e-12)).all()


def quantised_tile(
    matrix: np.ndarray, granularity: str, terms: slice, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Integers of 6 bits of some columns, and the scale of each row, by `rnscli.quantise`."""
    if granularity in ("channel", "tensor"):
        whole = rnscli.quantise(matrix, 6, -1 if granularity == "channel" else None)
        return whole.integers[:, terms], whole.scale
    tile = matrix[:, terms]
    if granularity == "vector":
        return (rows := rnscli.quantise(tile, 6)).integers, rows.scale
    blocks = [rnscli.quantise(tile[i : i + size], 6, None) for i in range(0, len(tile), size)]
    scales = [np.repeat(block.scale, len(block.integers), axis=0) for block in blocks]
    return np.concatenate([block.integers for block in blocks]), np.concatenate(scales)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_many_rows_in_pieces(granularity: str, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NumPyArrays, "chunk", 2**13)  # 117 rows
    size, levels = 48, 31
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(401, 130)), rng.normal(size=(130, 70))
    expected = np.zeros((401, 70), dtype=np.float32)
    for start in range(0, 130, size):
        terms = slice(start, start + size)
        of_x, scale_x = quantised_tile(x, granularity, terms, size)
        of_w, scale_w = quantised_tile(w.T, granularity, terms, size)
        sums = (of_x @ of_w.T).astype(np.float32)
        joint = granularity in ("channel", "tensor")  # which are scaled in the end
        if joint and start:
            sums += expected
        if not joint or terms.stop >= 130:
            sums = (sums * (scale_x / levels)).astype(np.float32)
            sums = (sums * (scale_w.T / levels)).astype(np.float32)
        expected = expected + sums if start and not joint else sums
    core = rnscli.analog_core("rns", bits=6, vector_size=size)
    found, counts = multiply(Dataflow(core, granularity, path), x, w)
    assert_same_bytes(found, expected)
    assert counts == ProductCounts(1, 3 * expected.size, 0, 3 * expected.size)


@pytest.mark.parametrize("scales", SCALES)
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("bits", [2, 6, 8, 20])
def test_integers_that_need_no_scale(bits: int, path: str, scales: str) -> None:
    # Every row and column reaches q, so that whole numbers stand for themselves.
    levels = 2 ** (bits - 1) - 1
    rng = np.random.default_rng(bits)
    x, w = (rng.integers(-levels, levels + 1, shape) for shape in ((9, 12), (12, 5)))
    x[:, 3], w[3] = levels, -levels
    core = rnscli.analog_core("rns", bits=6, input_bits=bits, weight_bits=bits, vector_size=12)
    flow = Dataflow(core, path=path, scales=scales)
    found, _ = multiply(flow, x.astype(float), w.astype(float))
    assert_same_bytes(found, (x @ w).astype(np.float32))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("bits", [2, 6, 8, 20])
def test_integers_in_any_power_of_two_come_back(bits: int, path: str) -> None:
    # A row needs to reach more than half of q only; what is the next power is a shift.
    levels = 2 ** (bits - 1) - 1
    rng = np.random.default_rng(bits)
    x, w = (rng.integers(-levels, levels + 1, shape) for shape in ((9, 12), (12, 5)))
    x[:, 3], w[3] = levels // 2 + 1, -levels
    shift_x, shift_w = 2.0 ** rng.integers(-40, 40, (9, 1)), 2.0 ** rng.integers(-40, 20, 5)
    core = rnscli.analog_core("rns", bits=6, input_bits=bits, weight_bits=bits, vector_size=12)
    found, _ = multiply(Dataflow(core, path=path, scales="power-of-two"), x * shift_x, w * shift_w)
    assert_same_bytes(found, ((x @ w) * shift_x * shift_w).astype(np.float32))


@pytest.mark.parametrize("scales", SCALES)
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("granularity", GRANULARITIES)
@pytest.mark.parametrize("stack", [(1,), (3,), (2, 3)])
def test_stack_of_weights(stack: tuple[int, ...], granularity: str, path: str, scales: str) -> None:
    core = rnscli.analog_core("rns", bits=6, vector_size=4)
    rng = np.random.default_rng(1)
    x, w = rng.normal(size=(*stack, 6, 11)), rng.normal(size=(*stack, 11, 5))
    found, counts = multiply(Dataflow(core, granularity, path, scales), x, w)
    for index in np.ndindex(stack):
        expected = plain_product(x[index], w[index], core, granularity, scales=scales)
        assert_same_bytes(found[index], expected)
    matrices = math.prod(stack)
    assert counts == ProductCounts(matrices, 90 * matrices, 0, 90 * matrices)


@pytest.mark.parametrize("path", PATHS)
def test_stack_in_pieces(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NumPyArrays, "chunk", 2**15)  # three matrices
    core = rnscli.analog_core("rns", bits=4, vector_size=100)
    rng = np.random.default_rng(2)
    x, w = rng.integers(-7, 8, (10, 100, 100)), rng.integers(-7, 8, (10, 100, 100))
    x[..., 0], w[..., 0, :] = 7, 7
    found, _ = multiply(Dataflow(core, path=path), x.astype(float), w.astype(float))
    assert_same_bytes(found, (x @ w).astype(np.float32))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_stack_of_inputs_is_one_operand(granularity: str, path: str) -> None:
    # Blocks of h rows, and the scale of the whole, are those of all rows.
    core = rnscli.analog_core("rns", bits=6, vector_size=4)
    rng = np.random.default_rng(3)
    x, w = rng.normal(size=(2, 3, 5, 11)), rng.normal(size=(11, 6))
    found, counts = multiply(Dataflow(core, granularity, path), x, w)
    expected = plain_product(x.reshape(30, 11), w, core, granularity)
    assert_same_bytes(found, expected.reshape(2, 3, 5, 6))
    assert counts == ProductCounts(1, 30 * 6 * 3, 0, 30 * 6 * 3)


@pytest.mark.parametrize("path", PATHS)
def test_memory_layout_makes_no_difference(path: str) -> None:
    core = rnscli.analog_core("rns", bits=6, vector_size=4)
    rng = np.random.default_rng(4)
    x, w = rng.normal(size=(7, 11)), rng.normal(size=(11, 5))
    expected = plain_product(x, w, core)
    for layout in (
        np.asfortranarray,
        lambda a: a.repeat(2, axis=1)[:, ::2],
        lambda a: a[::-1][::-1],
    ):
        given_x, given_w = layout(x), layout(w)
        given_x.flags.writeable = given_w.flags.writeable = False
        assert_same_bytes(multiply(Dataflow(core, path=path), given_x, given_w)[0], expected)


@pytest.mark.parametrize("scales", SCALES)
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_one_zero_part_does_not_spoil_the_rest(granularity: str, path: str, scales: str) -> None:
    core = rnscli.analog_core("rns", bits=6, vector_size=4)
    rng = np.random.default_rng(5)
    x, w = rng.normal(size=(9, 10)), rng.normal(size=(10, 9))
    x[2], w[:, 3] = 0, 0
    x[4:8, 4:8], w[:4, :4] = 0, 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found, _ = multiply(Dataflow(core, granularity, path, scales), x, w)
        assert not multiply(Dataflow(core, granularity, path, scales), 0 * x, 0 * w)[0].any()
    assert_same_bytes(found, plain_product(x, w, core, granularity, scales=scales))
    assert not found[2].any()
    assert not found[:, 3].any()


@pytest.mark.parametrize("scales", SCALES)
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("bits", [23, 24, 26])
def test_float32_operands_never_exceed_the_levels(bits: int, path: str, scales: str) -> None:
    # In float32, s q / s may be more than q by half and, from 25 bits, is q + 1: that is one too
    # many for a modulus of 2**bits, and becomes -(q + 1).
    core = RnsCore(DotProduct(1, bits, 2), RedundantCode(ModuliSet([2**bits])))
    x = np.random.default_rng(6).uniform(0.5, 1, (1000, 1)).astype(np.float32)
    flow = Dataflow(core, path=path, scales=scales)
    found, _ = multiply(flow, x, np.ones((1, 1), np.float32))
    np.testing.assert_allclose(found, x, rtol=2**-22)


def test_weights_are_quantised_once_and_stay() -> None:
    core = rnscli.analog_core("rns", bits=6, vector_size=4)
    rng = np.random.default_rng(7)
    w = rng.normal(size=(10, 3))
    product = TiledProduct(Dataflow(core), NumPyArrays())
    weights = product.quantise_weights(w)
    for x in (rng.normal(size=(5, 10)), rng.normal(size=(2, 10)).astype(np.float32)):
        expected = plain_product(x, w, core)
        before = x.copy()
        for _ in range(2):
            found, _ = product.multiply(x, weights, np.random.default_rng)
            assert_same_bytes(found, expected)
        np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("granularity", GRANULARITIES)
@pytest.mark.parametrize(
    ("x", "w"),
    [
        ((0, 5), (5, 3)),
        ((4, 0), (0, 3)),
        ((4, 5), (5, 0)),
        ((0, 0), (0, 0)),
        ((0, 4, 5), (5, 3)),
        ((2, 4, 0), (2, 0, 3)),
        ((0, 4, 5), (0, 5, 3)),
    ],
)
def test_nothing_to_compute(
    x: tuple[int, ...], w: tuple[int, ...], granularity: str, path: str
) -> None:
    core = rnscli.analog_core("rns", bits=6, vector_size=4, p=0.5)
    found, counts = multiply(Dataflow(core, granularity, path), np.ones(x), np.ones(w))
    assert_same_bytes(found, (np.ones(x) @ np.ones(w)).astype(np.float32))
    assert (counts.dot_products, counts.wrong, counts.computed) == (0, 0, 0)


def test_noise_is_not_asked_for_where_there_is_none() -> None:
    def no_rng() -> np.random.Generator:
        raise AssertionError

    product = TiledProduct(Dataflow(rnscli.analog_core(bits=6, vector_size=4)), NumPyArrays())
    product.multiply(np.ones((2, 5)), product.quantise_weights(np.ones((5, 2))), no_rng)


@pytest.mark.parametrize(
    ("x", "w"),
    [((4, 5), (6, 3)), ((2, 4, 5), (3, 5, 3)), ((4, 5), (2, 5, 3)), ((1, 4, 5), (2, 5, 3))],
)
def test_refuses_shapes_that_do_not_fit(x: tuple[int, ...], w: tuple[int, ...]) -> None:
    flow = Dataflow(rnscli.analog_core(bits=6, vector_size=4))
    with pytest.raises(InputError) as error:
        multiply(flow, np.ones(x), np.ones(w))
    assert str(x) in str(error.value)
    assert str(w) in str(error.value)


@pytest.mark.parametrize("granularity", GRANULARITIES)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1.1e15, -1e300])
def test_refuses_what_is_not_finite(bad: float, granularity: str) -> None:
    flow = Dataflow(rnscli.analog_core(bits=6, vector_size=4), granularity)
    good, spoilt = np.ones((9, 9)), np.ones((9, 9))
    spoilt[5, 6] = bad
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name, x, w in (("x", spoilt, good), ("w", good, spoilt)):
            with pytest.raises(
                InputError, match=f"^`{name}` holds NaN or .* above 1e\\+15; .*finite"
            ):
                multiply(flow, x, w)


@pytest.mark.parametrize("scales", SCALES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_largest_operands(dtype: type, scales: str) -> None:
    x = np.full((3, 9), 1e15, dtype=np.float64).astype(dtype)
    x = np.minimum(x, dtype(1e15))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        core = rnscli.analog_core(bits=6, vector_size=4)
        found, _ = multiply(Dataflow(core, scales=scales), x, -x.T)
    # 1e15 is 28.4 steps of 2^45, and the largest of what is rounded in FP32.
    expected = {"fp32": 9e30, "power-of-two": 9 * (28 * 2.0**45) ** 2}[scales]
    np.testing.assert_allclose(found, -expected, rtol=1e-6)
