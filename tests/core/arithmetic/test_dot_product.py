import dataclasses
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnscli.base.errors import InputError
from rnscli.core.arithmetic.dot_product import DotProduct, quantisation_levels

QUICK = settings(max_examples=80, deadline=None, derandomize=True)


@pytest.mark.parametrize(
    ("size", "input_bits", "weight_bits"), [*product((1, 2, 3), (2, 3), (2, 3))]
)
def test_range_of_every_dot_product(size: int, input_bits: int, weight_bits: int) -> None:
    x_values = range(-(2 ** (input_bits - 1)) + 1, 2 ** (input_bits - 1))
    w_values = range(-(2 ** (weight_bits - 1)) + 1, 2 ** (weight_bits - 1))
    terms = {x * w for x in x_values for w in w_values}
    sums = {sum(parts) for parts in product(terms, repeat=size)}
    dot = DotProduct(size, input_bits, weight_bits)
    assert (dot.max_input, dot.max_weight) == (max(x_values), max(w_values))
    assert dot.max_sum == max(sums) == -min(sums)
    assert dot.dynamic_range == len(range(min(sums), max(sums) + 1))


@pytest.mark.parametrize(
    ("size", "doublings"), [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (127, 7), (128, 7), (129, 8)]
)
def test_output_bits(size: int, doublings: int) -> None:
    assert DotProduct(size, 6, 6).output_bits == 6 + 6 + doublings - 1
    assert DotProduct(size, 3, 7).output_bits == 3 + 7 + doublings - 1


@QUICK
@given(st.integers(0, 39), st.integers(2, 1024), st.integers(2, 1024))
def test_output_bits_are_exact_next_to_powers_of_two(log: int, bits: int, more: int) -> None:
    base = bits + more - 1
    assert DotProduct(2**log, bits, more).output_bits == base + log
    assert DotProduct(2**log + 1, bits, more).output_bits == base + log + 1


@QUICK
@given(st.integers(1, 2**40), st.integers(2, 1024), st.integers(2, 1024))
def test_output_bits_hold_the_dynamic_range(size: int, input_bits: int, weight_bits: int) -> None:
    dot = DotProduct(size, input_bits, weight_bits)
    assert dot.dynamic_range <= dot.required_range("bits") == 1 << dot.output_bits
    assert dot.required_range("exact") == dot.dynamic_range


@QUICK
@given(st.integers(1, 2**40), st.integers(2, 64), st.integers(2, 64), st.data())
def test_slices_hold_every_weight_and_their_sums(
    size: int, input_bits: int, weight_bits: int, data: st.DataObject
) -> None:
    dot = DotProduct(size, input_bits, weight_bits)
    slice_bits = data.draw(st.integers(1, weight_bits))
    slices = dot.slices(slice_bits)
    assert 2 ** (slice_bits * (slices - 1)) <= dot.max_weight < 2 ** (slice_bits * slices)
    # A sum of signed digits, in two's complement with the bits that DotProduct states.
    largest = size * dot.max_input * (2**slice_bits - 1)
    assert largest < 2 ** (dot.slice_output_bits(slice_bits) - 1)
    assert (
        dot.slice_output_bits(slice_bits)
        == DotProduct(size, input_bits, slice_bits + 1).output_bits
    )


def test_published_example() -> None:
    dot = DotProduct(128, 6, 6)
    assert (dot.dynamic_range, dot.output_bits) == (246_017, 18)


def test_levels() -> None:
    assert [quantisation_levels(b) for b in (2, 3, 4, 8, 64)] == [1, 3, 7, 127, 2**63 - 1]


@pytest.mark.parametrize("name", ["vector_size", "input_bits", "weight_bits"])
@pytest.mark.parametrize("value", [0, -1, 2.0, True, "4", None, 10**40])
def test_sizes_that_make_no_sense_are_refused(name: str, value: object) -> None:
    sizes: dict[str, object] = {"vector_size": 4, "input_bits": 4, "weight_bits": 4}
    with pytest.raises(InputError, match=f"^`{name}` is "):
        DotProduct(**(sizes | {name: value}))


def test_one_bit_operands_are_refused() -> None:
    with pytest.raises(InputError, match=r"^`weight_bits` is 1; it must be a whole number from 2"):
        DotProduct(1, 2, 1)


def test_frozen_and_equal_by_value() -> None:
    dot = DotProduct(8, 4, 5)
    assert dot == DotProduct(8, 4, 5)
    assert hash(dot) == hash(DotProduct(8, 4, 5))
    assert dot != DotProduct(8, 5, 4)
    with pytest.raises(dataclasses.FrozenInstanceError):
        dot.vector_size = 9
