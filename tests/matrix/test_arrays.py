import warnings

import numpy as np
import pytest

from rnscli.matrix.product import NumPyArrays

ARRAYS = NumPyArrays()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_largest_magnitude(dtype: type) -> None:
    values = np.array([[[1, -3], [2, 0]], [[0, 0], [-7, 5]]], dtype=dtype)
    for axes in ((-1,), (-2,), (-2, -1)):
        found = ARRAYS.largest(values, axes)
        assert found.dtype == dtype
        assert np.array_equal(found, np.abs(values).max(axis=axes, keepdims=True))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_not_below_a_limit(bad: float) -> None:
    values = np.array([[1.0, 2.0], [3.0, bad]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for axes in ((-1,), (-2,), (-2, -1)):
            assert not ARRAYS.all_below(ARRAYS.largest(values, axes), 1e300)
    assert ARRAYS.all_below(values[:1], 2.0)
    assert not ARRAYS.all_below(values[:1], 1.9)


def test_rounding_in_place() -> None:
    values = np.array([[0.5, 1.5, -2.5, -1.1]])
    ARRAYS.round(values)
    assert values.tolist() == [[0.0, 2.0, -2.0, -1.0]]
    values = np.array([[0.5, -0.5, 3.0]])
    ARRAYS.floor(values)
    assert values.tolist() == [[0.0, -1.0, 3.0]]


def test_types_are_kept() -> None:
    values = np.ones((2, 3), dtype=np.float32)
    assert ARRAYS.where(values > 0, values, 1.0).dtype == np.float32
    assert ARRAYS.product(values, values.T).dtype == np.float32
    assert ARRAYS.exact(values, wide=False) is values
    assert ARRAYS.exact(values, wide=True).dtype == np.float64
    assert ARRAYS.empty((4, 5), like=values).dtype == np.float32


@pytest.mark.parametrize("layout", ["C", "F"])
def test_positions_are_in_row_order(layout: str) -> None:
    values = np.array(np.arange(12.0).reshape(3, 4), order=layout)
    pieces = ARRAYS.pieces(values)
    assert pieces(None).tolist() == list(range(12))
    assert pieces(np.array([5, 0, 5])).tolist() == [5, 0, 5]
    assert pieces(np.array([], dtype=np.int64)).dtype == pieces(None).dtype == np.int64
    changed = ARRAYS.put(values, np.array([1, 11]), np.array([-1, -11]))
    assert changed.tolist() == [[0, -1, 2, 3], [4, 5, 6, 7], [8, 9, 10, -11]]
