"""`AnalogMatrix` where a NumPy array was."""

import copy
import pickle
import warnings
from collections.abc import Callable

import numpy as np
import pytest
from plain_product import assert_same_bytes, plain_product
from scipy.sparse.linalg import aslinearoperator, cg, lsqr

import rnscli
from rnscli.base.errors import InputError
from rnscli.core.cores.core import Core
from rnscli.matrix.analog_matrix import AnalogMatrix
from rnscli.matrix.dataflow import GRANULARITIES, PATHS, Dataflow, ProductCounts

CORE = rnscli.analog_core("rns", bits=6, vector_size=4)
NOISY = rnscli.analog_core("rns", bits=6, vector_size=4, redundant=1, p=0.1, attempts=2)
FINE = rnscli.analog_core(
    "rns", bits=8, input_bits=22, weight_bits=22, vector_size=32, legitimate_range="operands"
)


def values(*shape: int, dtype: object = np.float64) -> np.ndarray:
    return np.random.default_rng(len(shape)).normal(size=shape).astype(dtype)


@pytest.mark.parametrize("granularity", GRANULARITIES)
@pytest.mark.parametrize("path", PATHS)
def test_both_sides_and_all_shapes(path: str, granularity: str) -> None:
    flow = Dataflow(CORE, granularity, path)
    a = values(7, 11)
    matrix = AnalogMatrix(a, flow)

    def left(x: np.ndarray) -> np.ndarray:  # a @ x
        return plain_product(x.T, a.T, CORE, granularity).T.astype(np.float64)

    def right(x: np.ndarray) -> np.ndarray:  # x @ a
        return plain_product(x, a, CORE, granularity).astype(np.float64)

    x = values(11, 3)
    for transposed, of in ((matrix, left), (matrix.T, lambda v: right(v.T).T)):
        x = values(transposed.shape[1], 3)
        for found in (transposed @ x, transposed.matmat(x), transposed.T.rmatmat(x)):
            np.testing.assert_array_equal(found, of(x))
        for found in (
            transposed @ x[:, 0],
            transposed.matvec(x[:, 0]),
            transposed.T.rmatvec(x[:, 0]),
        ):
            assert found.shape == (transposed.shape[0],)
            np.testing.assert_array_equal(found, of(x[:, :1])[:, 0])
        np.testing.assert_array_equal(transposed @ x[:, :1], of(x[:, :1]))
    x = values(3, 7)
    np.testing.assert_array_equal(x @ matrix, right(x))
    np.testing.assert_array_equal(x[0] @ matrix, right(x[:1])[0])
    np.testing.assert_array_equal(x @ matrix, (matrix.T @ x.T).T)
    # A stack of inputs is one operand of all rows.
    x = values(2, 5, 7)
    np.testing.assert_array_equal(x @ matrix, right(x.reshape(10, 7)).reshape(2, 5, 11))
    x = values(2, 11, 5)
    rows = x.swapaxes(1, 2).reshape(10, 11)
    np.testing.assert_array_equal(matrix @ x, left(rows.T).T.reshape(2, 5, 7).swapaxes(1, 2))


@pytest.mark.parametrize(
    "operand",
    [[1.0, -2.0, 0.5], (1, 2, 3), [[1, 2], [3, 4], [5, 6]], [True, False, True], range(3)],
)
def test_other_operands(operand: object) -> None:
    x = np.asarray(operand, dtype=np.float64)
    for a in ([[1, 2, 3], [4, 5, 6]], ((1.0, 2.5, -3.0), (0.0, 0.1, 7.0))):
        matrix = AnalogMatrix(a, FINE)
        for found, exact in (
            (matrix @ operand, np.array(a) @ x),
            (matrix.T.rmatvec(operand), np.array(a) @ x),
        ):
            assert found.shape == exact.shape
            np.testing.assert_allclose(found, exact, rtol=1e-5)
    np.testing.assert_allclose([3, 4] @ matrix, [3, 4] @ np.array(a), rtol=1e-5)


def test_two_analog_matrices() -> None:
    a, b = values(3, 5), values(5, 4)
    found = AnalogMatrix(a, FINE) @ AnalogMatrix(b, CORE)
    np.testing.assert_allclose(found, a @ b, atol=1e-5)


def test_noncontiguous_operands() -> None:
    a, x = values(7, 22)[:, ::2], values(3, 22)[::-1, 1::2]
    np.testing.assert_array_equal(
        AnalogMatrix(a, CORE) @ x.T, AnalogMatrix(a.copy(), CORE) @ x.T.copy()
    )


TYPES = ["bool", "int8", "uint8", "int16", "int32", "int64", "uint64", "float32", "float64"]


@pytest.mark.parametrize("of_matrix", TYPES)
@pytest.mark.parametrize("of_x", TYPES)
def test_types_of_results(of_matrix: str, of_x: str) -> None:
    a, x = np.ones((3, 5), dtype=of_matrix), np.ones(5, dtype=of_x)
    matrix = AnalogMatrix(a, CORE)
    exact = a @ x
    # As NumPy has it, if a float is among them; what it has of integers is no analog result.
    wanted = exact.dtype if exact.dtype.kind == "f" else np.result_type(exact.dtype, np.float32)
    if exact.dtype.kind != "f" and np.result_type(a, np.float32) == np.float32 == np.result_type(
        x, np.float32
    ):
        wanted = np.dtype(np.float32)
    for found in (matrix @ x, x @ matrix.T):
        assert found.dtype == wanted
        np.testing.assert_allclose(found, 5.0, rtol=1e-6)


def test_half_precision_becomes_single() -> None:
    a, x = values(3, 9, dtype=np.float16), values(9, dtype=np.float16)
    matrix = AnalogMatrix(a, CORE)
    expected = plain_product(x[np.newaxis].astype(np.float32), a.T.astype(np.float32), CORE)[0]
    assert matrix.dtype == np.float32
    assert_same_bytes(matrix @ x, expected)
    assert (matrix @ x.astype(np.float64)).dtype == np.float64


def test_attributes() -> None:
    a = values(3, 5, dtype=np.float32)
    flow = Dataflow(CORE, "tile", "channels")
    matrix = AnalogMatrix(a, flow)
    assert (matrix.shape, matrix.ndim, matrix.dtype) == ((3, 5), 2, np.float32)
    assert (matrix.T.shape, matrix.T.T is matrix) == ((5, 3), True)
    assert matrix.flow is matrix.T.flow is flow
    assert AnalogMatrix(a, CORE).flow == Dataflow(CORE)
    assert repr(matrix) == "AnalogMatrix(shape=(3, 5), core='rns')"
    assert_same_bytes(np.asarray(matrix), a)
    assert_same_bytes(np.asarray(matrix, dtype=np.float64), a.astype(np.float64))
    assert_same_bytes(np.asarray(matrix.T), a.T)
    with pytest.raises(TypeError):
        np.ones((3, 5)) + matrix


def test_values_cannot_be_changed_from_outside() -> None:
    a = values(3, 5)
    before, x = a.copy(), values(5)
    matrix = AnalogMatrix(a, FINE)
    a[:] = 0
    np.asarray(matrix)[:] = 0
    np.testing.assert_allclose(matrix @ x, before @ x, rtol=1e-4)
    np.testing.assert_allclose(matrix.T @ x[:3], before.T @ x[:3], rtol=1e-4)


def test_counts_of_both_sides() -> None:
    matrix = AnalogMatrix(values(7, 11), CORE)
    assert matrix.counts == ProductCounts()
    matrix @ values(11)  # 3 tiles of 4 terms
    assert matrix.counts == ProductCounts(1, 21, 0, 21)
    values(5, 7) @ matrix  # 2 tiles
    assert matrix.counts == ProductCounts(2, 21 + 5 * 11 * 2, 0, 131)
    matrix.T @ values(7)
    matrix.T.T @ values(2, 11, 3)
    assert matrix.counts == matrix.T.counts == ProductCounts(4, 131 + 22 + 126, 0, 279)


def test_a_refused_product_is_not_counted() -> None:
    matrix = AnalogMatrix(values(7, 11), NOISY)
    for bad in (np.full(11, np.nan), np.ones(10)):
        with pytest.raises(InputError):
            matrix @ bad
    assert matrix.counts == ProductCounts()


@pytest.mark.parametrize("path", PATHS)
def test_seeds(path: str) -> None:
    a, x = values(30, 50), values(50, 20)

    def run(seed: int | np.random.Generator) -> list[bytes]:
        matrix = AnalogMatrix(a, Dataflow(NOISY, path=path), seed)
        return [r.tobytes() for r in (matrix @ x, matrix @ x, x.T @ matrix.T, matrix.T @ a)]

    first = run(0)
    assert len(set(first)) == 4  # every product draws on
    assert run(0) == first
    assert run(np.random.default_rng(0)) == first
    assert run(np.int64(1)) != first
    assert AnalogMatrix(a, NOISY).counts == ProductCounts()


def test_a_generator_is_drawn_from() -> None:
    rng = np.random.default_rng(5)
    AnalogMatrix(values(3, 5), CORE, rng) @ values(5)
    assert rng.bit_generator.state == np.random.default_rng(5).bit_generator.state
    AnalogMatrix(values(3, 5), NOISY, rng) @ values(5)
    assert rng.bit_generator.state != np.random.default_rng(5).bit_generator.state


@pytest.mark.parametrize("again", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("used", [False, True])
def test_copies(
    again: Callable[[AnalogMatrix], AnalogMatrix], transposed: bool, used: bool
) -> None:
    matrix = AnalogMatrix(values(30, 50), NOISY, seed=3)
    x = values(50, 20)
    if used:
        matrix @ x
    chosen = matrix.T if transposed else matrix
    twin = again(chosen)
    if transposed:
        assert twin.T.T is twin
        x = x[:30]
    assert twin.counts == matrix.counts
    assert (chosen @ x).tobytes() == (twin @ x).tobytes()
    assert (chosen.T @ values(chosen.shape[0])).tobytes() == (
        twin.T @ values(chosen.shape[0])
    ).tobytes()
    assert twin.counts == matrix.counts
    chosen @ x
    assert twin.counts != matrix.counts


@pytest.mark.parametrize(("rows", "columns"), [(0, 5), (5, 0), (0, 0), (1, 1)])
def test_empty_dimensions(rows: int, columns: int) -> None:
    a = np.ones((rows, columns))
    matrix = AnalogMatrix(a, NOISY)
    for shape in ((columns,), (columns, 3), (columns, 0), (2, columns, 3), (0, columns, 3)):
        found, exact = matrix @ np.ones(shape), a @ np.ones(shape)
        assert found.shape == exact.shape
        assert found.dtype == exact.dtype
    for shape in ((rows,), (3, rows), (0, rows), (2, 3, rows)):
        found, exact = np.ones(shape) @ matrix, np.ones(shape) @ a
        assert found.shape == exact.shape
        assert rows or not found.any()


def test_as_a_linear_operator() -> None:
    a = values(12, 7)
    operator = aslinearoperator(AnalogMatrix(a, FINE))
    assert operator.shape == (12, 7)
    assert operator.dtype == np.float64
    x, y = values(7, 3), values(12, 3)
    for found, exact in (
        (operator @ x, a @ x),
        (operator.matvec(x[:, 0]), a @ x[:, 0]),
        (operator.matvec(x[:, :1]), a @ x[:, :1]),
        (operator.rmatvec(y[:, 0]), a.T @ y[:, 0]),
        (operator.rmatmat(y), a.T @ y),
        (operator.H @ y, a.T @ y),
        ((2 * operator.T) @ y, 2 * a.T @ y),
    ):
        assert found.shape == exact.shape
        np.testing.assert_allclose(found, exact, atol=2e-5)


def test_solvers() -> None:
    rng = np.random.default_rng(6)
    a = rng.normal(size=(60, 60))
    spd = a @ a.T / 60 + np.eye(60)
    exact = rng.normal(size=60)
    found, info = cg(AnalogMatrix(spd, FINE), spd @ exact, rtol=1e-6, maxiter=200)
    assert info == 0
    np.testing.assert_allclose(found, exact, atol=1e-4)
    tall = rng.normal(size=(90, 40))
    matrix = AnalogMatrix(tall, FINE)
    found = lsqr(matrix, tall @ exact[:40], atol=1e-9, btol=1e-9)[0]
    np.testing.assert_allclose(found, exact[:40], atol=1e-4)
    assert matrix.counts.products > 10


@pytest.mark.parametrize(
    "core", [CORE, FINE, rnscli.analog_core("fixed-lp", bits=6, vector_size=4)]
)
@pytest.mark.parametrize("scale", [5e-324, 1e-310, 1e-44, 1e-38, 1e-30, 1e-20, 1e14])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_any_scale_without_a_warning(dtype: type, scale: float, core: Core) -> None:
    a = np.clip(values(5, 9), -2, 2)
    with np.errstate(all="raise", under="ignore"), warnings.catch_warnings():
        warnings.simplefilter("error")
        one = AnalogMatrix(a.astype(dtype), core) @ a[0].astype(dtype)
        small = AnalogMatrix((a * scale).astype(dtype), core) @ a[0].astype(dtype)
        other = AnalogMatrix(a.astype(dtype), core) @ (a[0] * scale).astype(dtype)
        both = AnalogMatrix((a * scale).astype(dtype), core) @ (a[0] * scale).astype(dtype)
    # What q steps reach must be a normal FP32 number for one step to be precise; and what is
    # below all normal ones underflows, as FP32 does.
    for found, factor in ((small, scale), (other, scale), (both, scale * scale)):
        if scale >= 1e-30:
            np.testing.assert_allclose(found, one * factor, rtol=1e-5, atol=1e-38)
        else:
            assert np.abs(found).max() <= 20 * scale + 1e-38


def test_very_different_scales() -> None:
    # Each row and each tile has a scale of its own, so that small ones do not drown.
    rng = np.random.default_rng(7)
    rows = 10.0 ** rng.integers(-14, 14, (9, 1))
    a, x = rng.normal(size=(9, 8)) * rows, rng.normal(size=8)
    exact = AnalogMatrix(a / rows, FINE) @ x
    np.testing.assert_allclose((AnalogMatrix(a, FINE) @ x) / rows[:, 0], exact, atol=1e-5)
    coarse = AnalogMatrix(a, Dataflow(FINE, "tensor")) @ x
    small = rows[:, 0] < 1e-9 * rows.max()
    assert small.any()
    assert not coarse[small].any()


def test_functions_of_numpy() -> None:
    """Products are on the core, or refused: never those of its values, without a word."""
    values = np.linspace(-1, 1, 60).reshape(3, 20)
    core = rnscli.analog_core("rns", bits=4, vector_size=16)
    x, y = np.linspace(0, 1, 20), np.ones(3)
    for product in (np.matmul, np.dot):
        matrix, other = (rnscli.AnalogMatrix(values, core) for _ in range(2))
        assert np.array_equal(product(matrix, x), other @ x)
        assert np.array_equal(product(y, matrix), y @ other)
        assert matrix.counts.products == 2
    matrix = rnscli.AnalogMatrix(values, core)
    refused = (
        lambda: np.inner(matrix, x),
        lambda: np.einsum("ij,j", matrix, x),
        lambda: np.linalg.multi_dot([matrix, values.T, y]),
        lambda: np.matmul(matrix, x, out=np.empty(3)),
    )
    for function in refused:
        with pytest.raises(rnscli.InputError, match="of an analog matrix is not computed"):
            function()
    assert np.linalg.norm(matrix) == np.linalg.norm(values)
    assert np.array_equal(np.concatenate([matrix, values]), np.concatenate([values, values]))
    assert np.allclose(matrix, values)


@pytest.mark.parametrize("scales", ["fp32", "power-of-two"])
@pytest.mark.parametrize("granularity", ["vector", "tile", "channel", "tensor"])
@pytest.mark.parametrize(("of_x", "of_w"), [(-80, -75), (-140, 30), (-300, -500), (40, -400)])
def test_tiny_operands(granularity: str, of_x: int, of_w: int, scales: str) -> None:
    """Powers of two are exact: a product of operands that have them has them, bit for bit."""
    flow = Dataflow(CORE, granularity, scales=scales)
    rng = np.random.default_rng(3)
    a, x = rng.normal(size=(70, 5)), rng.normal(size=(2, 6, 70))
    x[0, 2, :40] = 0
    expected = x @ AnalogMatrix(a, flow)
    found = (x * 2.0**of_x) @ AnalogMatrix(a * 2.0**of_w, flow)
    assert_same_bytes(found, expected * 2.0 ** (of_x + of_w))
    if granularity in ("vector", "channel"):  # rows and columns each by themselves
        rows, columns = 2.0 ** np.arange(-6 * 40, 0, 40), 2.0 ** np.arange(-5 * 60, 0, 60)
        found = (x * rows[:, None]) @ AnalogMatrix(a * columns, flow)
        assert_same_bytes(found, expected * rows[:, None] * columns)


@pytest.mark.parametrize("scales", ["fp32", "power-of-two"])
def test_tiny_operands_of_float32(scales: str) -> None:
    a = np.random.default_rng(3).normal(size=(70, 5)).astype(np.float32)
    x = np.random.default_rng(4).normal(size=(6, 70)).astype(np.float32)
    wide = Dataflow(rnscli.analog_core("rns", bits=16, vector_size=128), scales=scales)
    expected = x @ AnalogMatrix(a, wide)
    power = np.float32(2.0**-110)
    assert_same_bytes(
        (x * power) @ AnalogMatrix(a / np.float32(2.0**-47), wide), expected * np.float32(2.0**-63)
    )


def test_a_product_in_place_is_refused() -> None:
    x = np.ones((1, 3))
    with pytest.raises(InputError, match=r"not computed on its core in place .* y = x @ matrix"):
        x @= AnalogMatrix(np.eye(3), CORE)
