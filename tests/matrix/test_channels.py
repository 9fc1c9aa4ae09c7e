"""Remainders and Chinese remainders in floats, against integers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnscli.core.arithmetic.code import RedundantCode
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.matrix.product import NumPyArrays, modular_products, reduce, restore, words_of

QUICK = settings(max_examples=100, deadline=None, derandomize=True)
ARRAYS = NumPyArrays()


@pytest.mark.parametrize("modulus", [2, 3, 61, 127, 255, 4093, 2**20 + 7])
def test_remainders_of_every_float32(modulus: int) -> None:
    # All whole numbers below 2**24 that leave room for the multiple of m below.
    for start in range(-(2**24) + modulus, 2**24, 2**20):
        values = np.arange(start, min(start + 2**20, 2**24), dtype=np.int32)
        found = reduce(ARRAYS, values.astype(np.float32), modulus)
        assert found.dtype == np.float32
        assert np.array_equal(found, values % modulus)


@st.composite
def near_multiples(draw: st.DrawFn) -> tuple[int, int]:
    """Where a quotient might be rounded up: next to multiples, most of them large."""
    modulus = draw(st.one_of(st.integers(2, 2**10), st.integers(2, 2**31)))
    largest = 2**53 // modulus - 1
    quotient = draw(st.one_of(st.integers(-largest, largest), st.integers(largest - 99, largest)))
    sign = draw(st.sampled_from([-1, 1]))
    value = sign * quotient * modulus + draw(st.integers(-1, 1))
    return max(-(2**53) + modulus, min(value, 2**53 - 1)), modulus


@QUICK
@given(st.lists(near_multiples(), min_size=1))
def test_remainders_of_float64(cases: list[tuple[int, int]]) -> None:
    for value, modulus in cases:
        found = reduce(ARRAYS, np.array([[value]], dtype=np.float64), modulus)
        assert int(found[0, 0]) == value % modulus


def test_reducing_leaves_the_values_alone() -> None:
    values = np.array([[-5.0, 7.0]])
    assert reduce(ARRAYS, values, 3).tolist() == [[1.0, 1.0]]
    assert values.tolist() == [[-5.0, 7.0]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_modular_products(dtype: type) -> None:
    moduli = (255, 254, 253, 7)
    rng = np.random.default_rng(0)
    x, w = rng.integers(-127, 128, (9, 200)), rng.integers(-127, 128, (200, 5))
    residues = [(w % m).astype(dtype) for m in moduli]
    found = modular_products(ARRAYS, x.astype(dtype), residues, moduli)
    assert [f.dtype for f in found] == [dtype] * 4
    for channel, modulus in zip(found, moduli, strict=True):
        assert np.array_equal(channel, (x @ w) % modulus)


@pytest.mark.parametrize(
    ("members", "redundant", "size"),
    [
        ([7, 5, 3], 0, None),  # odd and even products, whose ranges are not symmetric alike
        ([7, 5, 4], 0, None),
        ([13, 11, 7, 5, 4], 2, None),
        ([13, 11, 7, 5, 4], 2, 33),
        ([63, 62, 61, 59], 0, None),
        ([2**13 - 1, 2**13, 2**13 - 3, 2**13 - 7], 0, None),  # weighted sums beyond 2**53
        ([2**13 - 1, 2**13, 2**13 - 3, 2**13 - 7, 8179], 0, 2**52),  # a product beyond 2**62
    ],
)
def test_words_are_restored(members: list[int], redundant: int, size: int | None) -> None:
    code = RedundantCode(ModuliSet(members, redundant), size)
    ends = [code.lowest, code.lowest + 1, -1, 0, 1, code.highest - 1, code.highest]
    some = np.random.default_rng(0).integers(code.lowest, code.highest + 1, 993).tolist()
    values = np.array(ends + some).reshape(20, 50)
    residues = [(values % m).astype(np.float32) for m in code.moduli.moduli]
    found = restore(ARRAYS, residues, code)
    assert np.array_equal(found.astype(np.int64), values)
    assert all((found == values).flat)
    words = words_of(ARRAYS, residues)
    index = np.array([3, 999, 3])
    assert np.array_equal(words(index), code.encode(values.reshape(-1)[index]))
    assert words(index).dtype == np.int64
    assert np.array_equal(words(None).reshape(-1, 20, 50), code.encode(values))
