import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnscli.base.errors import InputError
from rnscli.core.arithmetic.residues import quantise

QUICK = settings(max_examples=80, deadline=None, derandomize=True)
REALS = st.floats(-1e150, 1e150)
VECTORS = st.one_of(
    st.lists(REALS, min_size=1, max_size=8),
    st.lists(st.floats(-1, 1), min_size=1, max_size=8),
    st.lists(st.floats(-1e-300, 1e-300), min_size=1, max_size=8),
)


def exact_levels(vector: list[float], bits: int) -> list[Fraction]:
    """The unrounded x q / s, in rational arithmetic."""
    scale = max(abs(Fraction(x)) for x in vector) or Fraction(1)
    return [Fraction(x) * (2 ** (bits - 1) - 1) / scale for x in vector]


@QUICK
@given(VECTORS, st.integers(2, 31))
def test_agrees_with_rational_arithmetic(vector: list[float], bits: int) -> None:
    result = quantise(vector, bits)
    for got, exact in zip(result.integers.tolist(), exact_levels(vector, bits), strict=True):
        tie_distance = abs(exact - math.floor(exact) - Fraction(1, 2))
        if tie_distance > Fraction(2 ** (bits - 1), 2**51):
            assert got == round(exact)
        else:  # so near a tie that a double may land on either side
            assert got in (math.floor(exact), math.ceil(exact))


@pytest.mark.parametrize("bits", range(2, 13))
def test_exact_ties_go_to_even(bits: int) -> None:
    ties = 0
    for largest in range(1, 101):
        numerators = list(range(largest + 1))
        wanted = [Fraction(x * (2 ** (bits - 1) - 1), largest) for x in numerators]
        got = quantise([[x, largest] for x in numerators], bits).integers[:, 0].tolist()
        assert got == [round(level) for level in wanted]
        ties += sum(level.denominator == 2 for level in wanted)
    assert ties >= 50


@pytest.mark.parametrize("exponent", [-1074, -1030, -500, 0, 1, 400])
@pytest.mark.parametrize("bits", [2, 4, 5, 8, 31])
def test_half_of_a_power_of_two_is_a_tie(exponent: int, bits: int) -> None:
    scale = math.ldexp(1.0, exponent)
    half = math.ldexp(1.0, max(exponent - 1, -1074))
    got = quantise([scale, half, -half], bits).integers.tolist()
    levels = 2 ** (bits - 1) - 1
    rounded = round(Fraction(half) / Fraction(scale) * levels)
    assert got == [levels, rounded, -rounded]


@QUICK
@given(VECTORS, st.integers(2, 31))
def test_symmetric_levels_use_the_full_range(vector: list[float], bits: int) -> None:
    result = quantise(vector, bits)
    levels = 2 ** (bits - 1) - 1
    assert result.levels == levels
    assert result.integers.dtype == np.int64
    assert np.abs(result.integers).max() == (levels if any(vector) else 0)
    mirrored = quantise([-x for x in vector], bits).integers
    np.testing.assert_array_equal(mirrored, -result.integers)


@pytest.mark.parametrize("axis", [-1, 0, None, (0, 1)])
def test_zero_has_scale_one(axis: int | tuple[int, ...] | None) -> None:
    result = quantise(np.zeros((2, 3)), 8, axis)
    assert np.all(result.integers == 0)
    assert np.all(result.scale == 1.0)
    assert np.all(result.dequantise() == 0)


def test_a_zero_vector_leaves_its_neighbours_alone() -> None:
    result = quantise([[0.0, 0.0], [3.0, -1.5], [5e-324, 0.0]], 4)
    assert result.scale[:, 0].tolist() == [1.0, 3.0, 5e-324]
    assert result.integers[0].tolist() == [0, 0]
    assert result.integers[1, 0] == 7
    assert result.integers[2].tolist() == [7, 0]


@pytest.mark.parametrize(
    ("axis", "scale_shape"),
    [(-1, (2, 3, 1)), (0, (1, 3, 4)), (1, (2, 1, 4)), ((0, 2), (1, 3, 1)), (None, (1, 1, 1))],
)
def test_axes_share_a_scale(
    axis: int | tuple[int, ...] | None, scale_shape: tuple[int, ...]
) -> None:
    values = np.random.default_rng(1).uniform(-3, 3, (2, 3, 4))
    result = quantise(values, 8, axis)
    assert result.integers.shape == values.shape
    assert result.scale.shape == scale_shape
    for index in np.ndindex(scale_shape):
        # A kept axis selects one slice, a reduced one (length 1 in the scale) all of it.
        where = tuple(
            i if kept == full else slice(None)
            for i, kept, full in zip(index, scale_shape, values.shape, strict=True)
        )
        alone = values[where].ravel().tolist()
        assert result.scale[index] == max(map(abs, alone))
        expected = [round(level) for level in exact_levels(alone, 8)]
        assert result.integers[where].ravel().tolist() == expected


@pytest.mark.parametrize("tiny", [5e-324, 1e-320, 2.3e-308, 1e-291, 1e-289])
def test_denormal_scales(tiny: float) -> None:
    vector = [tiny, -tiny, 0.0]
    result = quantise(vector, 8)
    assert result.integers.tolist() == [127, -127, 0]
    assert result.scale.tolist() == [tiny]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1.0001e150, -1e151, 1e308])
def test_unusable_values_are_refused(value: float) -> None:
    with pytest.raises(InputError, match=r"^`values` .*1e\+150.*finite"):
        quantise([0.5, value, 0.25], 8)


def test_the_largest_magnitude_is_accepted() -> None:
    assert quantise([1e150, -1e150, 0.0], 8).integers.tolist() == [127, -127, 0]


@pytest.mark.parametrize("bits", [1, 0, -3, 32, 8.0, True, "8", None])
def test_unusable_bits_are_refused(bits: object) -> None:
    with pytest.raises(InputError, match=f"^`bits` is {bits}; .* from 2 to 31"):
        quantise([1.0], bits)


@QUICK
@given(VECTORS, st.integers(2, 31))
def test_dequantised_values_are_within_half_a_step(vector: list[float], bits: int) -> None:
    result = quantise(vector, bits)
    step = result.scale[0] / result.levels
    # A denormal step is itself rounded, by at most half the smallest double for each level.
    slack = 1e-15 * result.scale[0] + 5e-324 * result.levels
    assert np.all(np.abs(result.dequantise() - vector) <= step / 2 + slack)


@QUICK
@given(st.data(), st.integers(2, 31), st.floats(1e-100, 1e100))
def test_quantising_again_changes_nothing(data: st.DataObject, bits: int, scale: float) -> None:
    levels = 2 ** (bits - 1) - 1
    integers = data.draw(st.lists(st.integers(-levels, levels), min_size=1, max_size=6))
    integers.append(levels)
    values = [scale * x / levels for x in integers]
    first = quantise(values, bits)
    assert first.integers.tolist() == integers
    assert quantise(first.dequantise(), bits).integers.tolist() == integers


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 3), (2, 0, 3)])
@pytest.mark.parametrize("axis", [-1, 0, None])
def test_empty_arrays(shape: tuple[int, ...], axis: int | None) -> None:
    result = quantise(np.empty(shape), 8, axis)
    assert result.integers.shape == shape
    assert result.dequantise().shape == shape
    assert np.all(result.scale == 1.0)


def test_the_input_is_not_changed() -> None:
    values = np.array([0.3, -0.7])
    quantise(values, 8)
    assert values.tolist() == [0.3, -0.7]
