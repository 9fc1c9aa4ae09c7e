"""Random operands against their distributions, and one's own arrays."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import assert_one_sentence
from scipy import stats

from rnscli.analysis.error.operand_files import load_operands
from rnscli.analysis.error.operands import (
    DISTRIBUTIONS,
    GivenOperands,
    LaplaceOperands,
    NormalOperands,
    Operands,
    ReluNormalOperands,
    SparseOperands,
    StudentTOperands,
    UniformOperands,
)
from rnscli.base.errors import InputError

QUICK = settings(max_examples=100, deadline=None, derandomize=True)

GOOD = np.random.default_rng(1).normal(size=(5, 7))

# Every statistical test has a fixed seed, and would fail with this probability if it were drawn
# anew for code that is right.
FALSE_ALARM = 1e-6


# Random operands ---------------------------------------------------------------------------------


# What the numbers of each law are distributed as, once they are multiplied by the unit.
WEIGHTS = {
    "uniform": (UniformOperands(), stats.uniform(-1, 2)),
    "normal": (NormalOperands(), stats.norm()),
    "laplace": (LaplaceOperands(), stats.laplace()),
    "relu-normal": (ReluNormalOperands(), stats.norm()),
    "student-t": (StudentTOperands(), stats.t(5)),
    "student-t of 12": (StudentTOperands(12.0), stats.t(12)),
}


def short_tile(pairs: int, size: int) -> np.ndarray:
    """As tiles of short vectors are: the pairs are contiguous in memory."""
    return np.empty((2, size, pairs)).swapaxes(1, 2)


def long_tile(pairs: int, size: int) -> np.ndarray:
    return np.empty((2, pairs, size))


TILES = pytest.mark.parametrize("make", [short_tile, long_tile])
Make = Callable[[int, int], np.ndarray]


def filled(source: Operands, make: Make, pairs: int, size: int, seed: int) -> np.ndarray:
    """The real operands of a tile that held something else before."""
    tile = make(pairs, size)
    tile[...] = np.nan
    source.fill(np.random.default_rng(seed), 0, tile)
    return tile * source.unit


def reach(size: int) -> float:
    """Normal quantile of the false alarm, in standard errors."""
    return float(stats.norm.isf(FALSE_ALARM / 2)) / math.sqrt(size)


def assert_follows(sample: np.ndarray, law: Any) -> None:
    """Mean, variance and the distribution itself; each may raise a false alarm."""
    mean, variance, excess = law.stats(moments="mvk")
    assert abs(sample.mean() - mean) < reach(sample.size) * math.sqrt(variance)
    # The mean square is normal for so many values, but for the heavy tail of a t of 5: there the
    # fourth moment is finite and the eighth is not, so quantiles have to speak for it.
    if excess < 6:
        spread = variance * math.sqrt(excess + 2)
        assert abs(np.square(sample - mean).mean() - variance) < reach(sample.size) * spread
    assert stats.kstest(sample, law.cdf).pvalue > FALSE_ALARM
    for share in (0.01, 0.25, 0.5, 0.9, 0.999):
        below = int((sample <= law.ppf(share)).sum())
        assert stats.binomtest(below, sample.size, share).pvalue > FALSE_ALARM


@TILES
@pytest.mark.parametrize("name", WEIGHTS)
def test_distributions(name: str, make: Make) -> None:
    source, law = WEIGHTS[name]
    x, w = filled(source, make, 1000, 500, 2)
    assert_follows(w.ravel(), law)
    if name != "relu-normal":
        assert_follows(x.ravel(), law)
        return
    # A normal law of which the negative half is moved to 0.
    assert stats.binomtest(int((x == 0).sum()), x.size, 0.5).pvalue > FALSE_ALARM
    assert x.min() == 0.0
    assert_follows(x[x > 0], stats.halfnorm())


@TILES
def test_uniform_operands_reach_from_minus_1_to_below_1(make: Make) -> None:
    """Half of them are drawn, and the unit doubles them, without a rounding."""
    values = filled(UniformOperands(), make, 2000, 100, 3)
    assert -1 <= values.min() < -0.9999 < 0.9999 < values.max() < 1
    steps = values * 2.0**52
    np.testing.assert_array_equal(steps, np.rint(steps))


def test_every_distribution_is_tested() -> None:
    assert {type(source) for source, _ in WEIGHTS.values()} == {
        type(source) for source in DISTRIBUTIONS.values()
    }
    assert all(source.name == name for name, source in DISTRIBUTIONS.items())


@TILES
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_neighbours_are_independent(name: str, make: Make) -> None:
    """Inputs of weights, pairs of pairs, terms of terms: ranks, which have no heavy tails."""
    x, w = filled(DISTRIBUTIONS[name], make, 400, 100, 4)
    ranks = stats.rankdata(w).reshape(w.shape)
    pairs = [
        (stats.rankdata(x), ranks.ravel()),
        (ranks[1:].ravel(), ranks[:-1].ravel()),
        (ranks[:, 1:].ravel(), ranks[:, :-1].ravel()),
    ]
    for one, other in pairs:
        assert abs(np.corrcoef(one, other)[0, 1]) < reach(one.size)


@TILES
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_the_stream_alone_determines_a_tile(name: str, make: Make) -> None:
    source = DISTRIBUTIONS[name]
    assert source.drawn
    assert source.rows(7, 3) is source
    one, same, other = (filled(source, make, 30, 8, seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one, same)
    assert np.isfinite(one).all()
    assert not np.any((one == other) & (one != 0))
    assert np.unique(one[1]).size == one[1].size


@pytest.mark.parametrize("name", ["uniform", "normal"])
def test_tiles_are_filled_in_the_order_of_their_memory(name: str) -> None:
    tiles = [filled(DISTRIBUTIONS[name], make, 6, 4, 1) for make in (short_tile, long_tile)]
    drawn = [
        tile.swapaxes(1, 2).ravel() if i == 0 else tile.ravel() for i, tile in enumerate(tiles)
    ]
    np.testing.assert_array_equal(*drawn)


@TILES
@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1)])
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_tiles_of_a_single_row_or_column(name: str, shape: tuple[int, int], make: Make) -> None:
    for source in (DISTRIBUTIONS[name], SparseOperands(DISTRIBUTIONS[name], 0.5)):
        assert np.isfinite(filled(source, make, *shape, 1)).all()


# Sparse operands ---------------------------------------------------------------------------------


@TILES
@pytest.mark.parametrize("sparsity", [0.01, 0.2, 0.5, 0.93])
def test_sparsity_is_the_probability_of_a_zero(sparsity: float, make: Make) -> None:
    x, w = filled(SparseOperands(NormalOperands(), sparsity), make, 400, 100, 8)
    zeros = (x == 0).astype(float), (w == 0).astype(float)
    for zero, values in zip(zeros, (x, w), strict=True):
        assert stats.binomtest(int(zero.sum()), zero.size, sparsity).pvalue > FALSE_ALARM
        assert_follows(values[values != 0], stats.norm())
    pairs = [zeros, (zeros[0][1:], zeros[0][:-1]), (zeros[1][:, 1:], zeros[1][:, :-1])]
    for one, other in pairs:
        # Zeros of two operands coincide as often as independent ones do.
        both = int((one * other).sum())
        assert stats.binomtest(both, one.size, sparsity**2).pvalue > FALSE_ALARM / 4


@TILES
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_the_ends_of_sparsity(name: str, make: Make) -> None:
    dense = DISTRIBUTIONS[name]
    whole = filled(dense, make, 20, 30, 9)
    np.testing.assert_array_equal(filled(SparseOperands(dense, 0), make, 20, 30, 9), whole)
    assert not filled(SparseOperands(dense, 1), make, 20, 30, 9).any()
    half = SparseOperands(dense, 0.5)
    kept = filled(half, make, 20, 30, 9)
    np.testing.assert_array_equal(kept[kept != 0], whole[kept != 0])
    assert (half.name, half.unit, half.drawn) == (name, dense.unit, True)


@pytest.mark.parametrize("sparsity", [-0.1, 1.1, math.nan, math.inf, "half", None, True])
def test_refused_sparsities(sparsity: Any) -> None:
    with pytest.raises(InputError, match=f"`sparsity` is {sparsity}; .*a probability from 0 to 1"):
        SparseOperands(NormalOperands(), sparsity)


@pytest.mark.parametrize("degrees", [2, 2.0, 1.5, 0, -3, math.nan, math.inf, 1.1e6, "five", None])
def test_refused_degrees_of_freedom(degrees: Any) -> None:
    with pytest.raises(InputError, match=f"`degrees_of_freedom` is {degrees}.*above 2 and at most"):
        StudentTOperands(degrees)


def test_the_least_degrees_of_freedom() -> None:
    assert StudentTOperands(math.nextafter(2.0, 3.0)).degrees_of_freedom > 2
    assert StudentTOperands(3).degrees_of_freedom == 3.0
    assert isinstance(StudentTOperands(3).degrees_of_freedom, float)


# Given operands ----------------------------------------------------------------------------------


@TILES
@QUICK
@given(st.data())
def test_rows_of_rows(make: Make, data: st.DataObject) -> None:
    """A part keeps the numbers that its rows have in the whole."""
    x = np.arange(1.0, 21.0).reshape(10, 2)
    whole = GivenOperands(x, -x)
    part, first, last = whole, 0, 10
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(first, last - 1))
        count = data.draw(st.integers(1, last - start))
        part, first, last = part.rows(start, count), start, start + count
    start = data.draw(st.integers(first, last - 1))
    tile = make(data.draw(st.integers(1, last - start)), 2)
    part.fill(np.random.default_rng(0), start, tile)
    np.testing.assert_array_equal(tile[0], x[start : start + tile.shape[1]])
    np.testing.assert_array_equal(tile[1], -tile[0])
    assert part.shape == (last - first, 2)


@pytest.mark.parametrize("dtype", ["int8", "uint64", "float16", "float32", "bool", ">f8"])
def test_content_is_that_of_the_values(dtype: str) -> None:
    whole = np.array([[0, 1, 1], [1, 0, 1]])
    plain = GivenOperands(whole.astype(float), whole.astype(float))
    other = GivenOperands(whole.astype(dtype), np.asfortranarray(whole.astype(dtype)))
    assert other.content() == plain.content()
    assert plain.rows(1, 1).content() != plain.rows(0, 1).content()
    assert GivenOperands(whole, 1 - whole).content() != GivenOperands(1 - whole, whole).content()


def test_the_largest_magnitude_is_accepted() -> None:
    largest = np.array([[1e70, -1e70]])
    assert GivenOperands(largest, largest).x.tolist() == [[1e70, -1e70]]


def test_operands_whose_squared_errors_would_underflow_are_refused() -> None:
    tiny = np.array([[1e-71, -1e-300]])
    with pytest.raises(InputError, match="scale it to 1e-70 or more"):
        GivenOperands(tiny, np.ones((1, 2)))
    assert GivenOperands(np.zeros((1, 2)), np.ones((1, 2))).x.tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize("row", [0, 1, 2])
@pytest.mark.parametrize("value", [np.nan, np.inf, -2e70])
def test_a_value_is_refused_wherever_it_is(row: int, value: float) -> None:
    """Values are looked at in parts of about 2^20, and a comparison with NaN says nothing."""
    large = np.ones((3, 700_000))
    large[row, -1] = value
    with pytest.raises(InputError, match="operands given: w holds NaN"):
        GivenOperands(np.ones((3, 700_000), np.int8), large)


# Values that are refused -------------------------------------------------------------------------


def with_value(value: object) -> np.ndarray:
    changed = GOOD.astype(np.result_type(GOOD, np.asarray(value)))
    changed[3, 2] = value
    return changed


WRONG = [
    (np.arange(5.0), "shape (5,)"),
    (np.float64(3.0), "shape ()"),
    (GOOD[None], "shape (1, 5, 7)"),
    (np.empty((0, 7)), "shape (0, 7)"),
    (np.empty((5, 0)), "shape (5, 0)"),
    (with_value(np.nan), "NaN"),
    (with_value(np.inf), "infinity"),
    (with_value(-np.inf), "infinity"),
    (with_value(2e70), "1e+70"),
    (with_value(1j), "complex128"),
    (np.array([["1.0", "2.0"]]), "<U3"),
    (np.zeros((5, 7), dtype="datetime64[s]"), "datetime64[s]"),
    (np.zeros((5, 7), dtype=[("a", "f8")]), "dtype [('a', '<f8')]"),
]


@pytest.mark.parametrize(("array", "says"), WRONG, ids=[says for _, says in WRONG])
@pytest.mark.parametrize("label", ["x", "w"])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_wrong_arrays_are_refused(
    tmp_path: Path, save: Callable[..., None], label: str, array: np.ndarray, says: str
) -> None:
    """Shapes and types when the file is opened, values when they are read."""
    path = tmp_path / "operands.npz"
    arrays = {"x": GOOD, "w": GOOD, label: array}
    save(path, **arrays)
    with pytest.raises(InputError) as caught:
        load_operands(path).rows(0, 5)
    assert_one_sentence(caught.value, f"{path}: {label} ")
    assert says in str(caught.value)
    with pytest.raises(InputError):
        GivenOperands(**arrays)


def test_different_shapes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "operands.npz"
    np.savez(path, x=GOOD, w=GOOD[:4])
    with pytest.raises(InputError) as caught:
        load_operands(path)
    assert_one_sentence(caught.value, str(path))
    assert "(5, 7)" in str(caught.value)
    assert "(4, 7)" in str(caught.value)
