import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnscli.base.errors import InputError
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.arithmetic.residues import (
    RangeReader,
    exact_dot,
    from_residues,
    modular_dot,
    modular_matmul,
    to_residues,
)

QUICK = settings(max_examples=80, deadline=None, derandomize=True)

# Around 2**31 two products fit in int64 and three do not; the others straddle the same limit
# for more terms, and the one at which sums of products stop being exact in float64.
HAZARDS = (2**31, 2**31 - 1, 2**31 - 3, 1_753_413_057, 1_518_500_249, 2**30 + 1, 2**26, 2**24, 2)


@st.composite
def coprime_lists(draw: st.DrawFn, limit: int) -> list[int]:
    """Pairwise coprime moduli up to 2**31, in any order, with a product of at most ``limit``."""
    largest = draw(st.sampled_from([16, 255, 2**16, 2**31]))
    near_top = st.integers(max(2, largest - 40), largest)
    members: list[int] = []
    for number in draw(
        st.lists(st.one_of(near_top, st.integers(2, largest)), min_size=3, max_size=14)
    ):
        coprime = all(math.gcd(number, member) == 1 for member in members)
        if coprime and math.prod(members) * number <= limit:
            members.append(number)
    return members


def python_crt(residues: list[int], moduli: list[int]) -> int:
    """The X in [0, M) with these residues, found modulus by modulus."""
    value, step = 0, 1
    for residue, modulus in zip(residues, moduli, strict=True):
        value += step * ((residue - value) * pow(step, -1, modulus) % modulus)
        step *= modulus
    return value


@QUICK
@given(coprime_lists(2**62), st.data())
def test_round_trip(members: list[int], data: st.DataObject) -> None:
    moduli = ModuliSet(members)
    product = math.prod(members)
    low, high = -(product // 2), (product + 1) // 2 - 1
    inner = data.draw(st.lists(st.integers(low, high), max_size=10))
    values = [low, high, 0, *inner]
    residues = to_residues(np.array(values), moduli.moduli)
    assert residues.tolist() == [[v % m for v in values] for m in moduli.moduli]
    assert from_residues(residues, moduli).tolist() == values


def test_round_trip_at_the_largest_range() -> None:
    moduli = ModuliSet([2**31, 2**31 - 1])  # product 2**62 - 2**31
    assert moduli.dynamic_range <= 2**62
    high = moduli.dynamic_range // 2 - 1
    values = np.array([high, -high - 1, 0, -1, 1])
    np.testing.assert_array_equal(from_residues(to_residues(values, moduli.moduli), moduli), values)


@QUICK
@given(coprime_lists(2**62), st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=10))
def test_values_outside_the_range_wrap(members: list[int], values: list[int]) -> None:
    moduli = ModuliSet(members)
    half = moduli.dynamic_range // 2
    wrapped = [(v + half) % moduli.dynamic_range - half for v in values]
    residues = to_residues(np.array(values), moduli.moduli)
    assert residues.tolist() == [[v % m for v in values] for m in moduli.moduli]
    assert from_residues(residues, moduli).tolist() == wrapped


def test_only_information_residues_are_read() -> None:
    moduli = ModuliSet([3, 5, 7, 11], redundant=2)
    values = np.arange(-7, 8)
    residues = to_residues(values, moduli.moduli)
    residues[:2] = 1
    np.testing.assert_array_equal(from_residues(residues, moduli), values)


@pytest.mark.parametrize("shape", [(), (0,), (4,), (2, 0, 3), (2, 1, 3)])
def test_any_shape(shape: tuple[int, ...]) -> None:
    moduli = ModuliSet([7, 5, 3])
    values = np.random.default_rng(0).integers(-52, 53, shape)
    residues = to_residues(values, moduli.moduli)
    assert residues.shape == (3, *shape)
    assert residues.dtype == np.int64
    result = from_residues(residues, moduli)
    assert np.shape(result) == shape
    np.testing.assert_array_equal(result, values)


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.uint8, np.uint16, np.uint64])
def test_any_integer_dtype(dtype: type[np.integer]) -> None:
    values = np.array([0, 1, 100, np.iinfo(dtype).max, np.iinfo(dtype).min], dtype=dtype)
    moduli = (2**31 - 1, 65535, 256, 251, 3)
    expected = [[int(v) % m for v in values] for m in moduli]
    assert to_residues(values, moduli).tolist() == expected


def test_reals_are_refused() -> None:
    with pytest.raises(InputError, match="dtype float64"):
        to_residues(np.array([1.0]), (7, 5))


def test_too_large_to_simulate() -> None:
    with pytest.raises(InputError, match=f"modulus {2**31 + 1} is too large"):
        to_residues(np.array([1]), (2**31 + 1, 5))
    with pytest.raises(InputError, match=f"modulus {2**31 + 1} is too large"):
        modular_dot(np.ones((1, 1), np.int64), np.ones((1, 1), np.int64), (2**31 + 1,))
    moduli = ModuliSet([2**31, 2**31 - 1, 3])
    with pytest.raises(InputError, match=f"dynamic range {moduli.dynamic_range} .*2\\^62"):
        from_residues(np.zeros((3, 1), np.int64), moduli)


def hazard_operands(
    rng: np.random.Generator, moduli: tuple[int, ...], shape: tuple[int, ...]
) -> np.ndarray:
    """Residues, most of them the largest ones."""
    channels = []
    for m in moduli:
        top = m - 1 - rng.integers(0, min(2, m), shape)
        channels.append(np.where(rng.random(shape) < 0.8, top, rng.integers(0, m, shape)))
    return np.stack(channels)


def expected_dot(x: np.ndarray, w: np.ndarray, moduli: tuple[int, ...]) -> np.ndarray:
    """Python integers throughout."""
    channels = []
    for i, m in enumerate(moduli):
        product = x[i].astype(object) * w[i].astype(object)
        channels.append(product.sum(axis=-1) % m)
    return np.array(channels, dtype=object)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 9, 64, 129])
def test_dot_against_python_integers(size: int) -> None:
    rng = np.random.default_rng(size)
    x = hazard_operands(rng, HAZARDS, (6, size))
    w = hazard_operands(rng, HAZARDS, (6, size))
    result = modular_dot(x, w, HAZARDS)
    assert result.shape == (len(HAZARDS), 6)
    assert result.dtype == np.int64
    np.testing.assert_array_equal(result, expected_dot(x, w, HAZARDS))


@QUICK
@given(
    st.lists(st.integers(2, 2**31), min_size=1, max_size=4),
    st.integers(0, 40),
    st.integers(0, 2**32 - 1),
)
def test_dot_of_the_largest_residues(moduli: list[int], size: int, seed: int) -> None:
    top = np.array(moduli)[:, None] - 1
    full = np.broadcast_to(top, (len(moduli), size))
    expected = [size * (m - 1) ** 2 % m for m in moduli]
    assert modular_dot(full, full, moduli).tolist() == expected
    other = hazard_operands(np.random.default_rng(seed), tuple(moduli), (size,))
    expected = list(expected_dot(full, other, tuple(moduli)))
    assert modular_dot(full, other, moduli).tolist() == expected


@pytest.mark.parametrize(
    ("x_shape", "w_shape"),
    [((5,), (5,)), ((3, 5), (5,)), ((2, 1, 5), (1, 4, 5)), ((0, 5), (0, 5)), ((3, 0), (3, 0))],
)
def test_dot_of_any_shape(x_shape: tuple[int, ...], w_shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(2)
    moduli = (2**31 - 1, 65535, 16)
    x, w = hazard_operands(rng, moduli, x_shape), hazard_operands(rng, moduli, w_shape)
    result = modular_dot(x, w, moduli)
    assert result.shape == (3, *np.broadcast_shapes(x_shape[:-1], w_shape[:-1]))
    np.testing.assert_array_equal(result, expected_dot(x, w, moduli))


@pytest.mark.parametrize(
    ("rows", "size", "columns"),
    [(2, 3, 4), (1, 1, 1), (3, 130, 2), (2, 0, 3), (0, 3, 2), (3, 5, 0)],
)
@pytest.mark.parametrize("batch", [(), (2,)])
def test_matmul_against_python_integers(
    rows: int, size: int, columns: int, batch: tuple[int, ...]
) -> None:
    rng = np.random.default_rng(rows + size)
    x = hazard_operands(rng, HAZARDS, (*batch, rows, size))
    w = hazard_operands(rng, HAZARDS, (*batch, size, columns))
    result = modular_matmul(x, w, HAZARDS)
    assert result.shape == (len(HAZARDS), *batch, rows, columns)
    assert result.dtype == np.int64
    columns_first = np.swapaxes(w, -1, -2)
    expected = expected_dot(x[..., :, None, :], columns_first[..., None, :, :], HAZARDS)
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("modulus", [2**21, 2**23 + 9, 2**26, 2**26 + 1])
def test_matmul_on_both_sides_of_exact_floats(modulus: int) -> None:
    switch = 2**53 // (modulus - 1) ** 2
    rng = np.random.default_rng(modulus)
    for size in (max(0, switch - 1), switch, switch + 1):
        x = hazard_operands(rng, (modulus,), (1, size))
        w = hazard_operands(rng, (modulus,), (size, 1))
        expected = sum(int(a) * int(b) for a, b in zip(x[0, 0], w[0, :, 0], strict=True)) % modulus
        assert modular_matmul(x, w, (modulus,)).tolist() == [[[expected]]]


@QUICK
@given(coprime_lists(2**300), st.data(), st.randoms(use_true_random=False))
def test_range_reader(members: list[int], data: st.DataObject, rnd: random.Random) -> None:
    product = math.prod(members)
    limit = data.draw(st.integers(1, min(product, 2**62)), "limit")
    offset = data.draw(st.one_of(st.just(limit // 2), st.integers(0, limit)), "offset")
    reader = RangeReader(tuple(members), limit, offset)
    # What the reader must return: on and next to every boundary, and anywhere.
    shifted = [0, limit - 1, limit % product, (limit + 1) % product, product - 1]
    shifted += [rnd.randrange(limit) for _ in range(5)] + [rnd.randrange(product) for _ in range(5)]
    residues = np.array([[(v - offset) % m for v in shifted] for m in members])
    values, inside = reader.read(residues)
    assert inside.tolist() == [v < limit for v in shifted]
    assert values.tolist() == [v if v < limit else 0 for v in shifted]
    # Words that were not made from a value.
    words = [[rnd.randrange(m) for m in members] for _ in range(5)]
    wanted = [(python_crt(word, members) + offset) % product for word in words]
    values, inside = reader.read(np.array(words).T)
    assert inside.tolist() == [v < limit for v in wanted]
    assert values.tolist() == [v if v < limit else 0 for v in wanted]


@pytest.mark.parametrize("members", [(7, 5), (2**31, 2**31 - 1, 2**31 - 3)])
@pytest.mark.parametrize("limit", [1, 20, 35])
def test_range_reader_by_digits_and_by_sum(members: tuple[int, ...], limit: int) -> None:
    # A product below 2**63 and one far beyond: two representations, one meaning.
    reader = RangeReader(members, limit, limit // 2)
    near = list(range(-40, 41))
    residues = np.array([[v % m for v in near] for m in members])
    values, inside = reader.read(residues)
    wanted = [(v + limit // 2) % math.prod(members) for v in near]
    assert values.tolist() == [v if v < limit else 0 for v in wanted]
    assert inside.tolist() == [v < limit for v in wanted]


def test_range_reader_where_a_weighted_sum_is_about_as_large_as_int64() -> None:
    rnd = random.Random(11)
    near = {False: 0, True: 0}
    while min(near.values()) < 20:
        members: list[int] = []
        while math.prod(members) < 2**55:
            number = rnd.randint(2, 60)
            if all(math.gcd(number, m) == 1 for m in members):
                members.append(number)
        product = math.prod(members)
        # The largest sum of residues and Chinese-remainder weights; the weights are the numbers
        # that are 1 modulo one member and 0 modulo the others.
        units = [[int(m == own) for m in members] for own in members]
        weights = [python_crt(unit, members) for unit in units]
        largest = product + sum((m - 1) * w for m, w in zip(members, weights, strict=True))
        if product > 2**62 or not 2**63 - 2 * product < largest < 2**63 + 2 * product:
            continue
        near[largest >= 2**63] += 1
        values, inside = RangeReader(tuple(members), product, product).read(
            np.array([[m - 1] for m in members])
        )
        assert (values.tolist(), inside.tolist()) == ([product - 1], [True])


@pytest.mark.parametrize("magnitude", [1, 2**20, 2**26, 2**29])
def test_exact_dot(magnitude: int) -> None:
    rng = np.random.default_rng(3)
    x = rng.integers(-magnitude, magnitude + 1, (4, 7))
    w = rng.integers(-magnitude, magnitude + 1, (4, 7))
    x[0], w[0] = magnitude, magnitude
    x[1], w[1] = magnitude - 1, magnitude - 1  # odd, so no double holds it beyond 2**53
    result = exact_dot(x.astype(np.float64), w.astype(np.float64), 7 * magnitude**2)
    assert result.dtype == np.int64
    expected = [
        sum(int(a) * int(b) for a, b in zip(p, q, strict=True)) for p, q in zip(x, w, strict=True)
    ]
    assert result.tolist() == expected


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32])
def test_products_of_narrow_residues_do_not_wrap(dtype: type) -> None:
    modulus = 251 if dtype is np.uint8 else 2**14 + 1
    residues = np.full((1, 3), modulus - 1).astype(dtype)
    assert modular_dot(residues, residues, (modulus,)).tolist() == [3]
    product = modular_matmul(residues[:, None, :], residues[:, :, None], (modulus,))
    assert product.tolist() == [[[3]]]
    moduli = ModuliSet([251, 256])
    assert from_residues(np.array([[255], [250]], np.uint8), moduli).tolist() == [-1]


@pytest.mark.parametrize("bad", [np.ones((2, 3)), np.ones((3, 3), int), 5])
def test_residues_of_another_shape_or_kind_are_refused(bad: object) -> None:
    with pytest.raises(InputError, match="`x` has"):
        modular_dot(bad, np.ones((2, 3), int), (7, 5))
