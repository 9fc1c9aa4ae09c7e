import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnscli.base.errors import InputError
from rnscli.core.arithmetic.code import CORRECTED, DETECTED, VALID, RedundantCode
from rnscli.core.arithmetic.moduli import ModuliSet

QUICK = settings(max_examples=100, deadline=None, derandomize=True)

# Small codes, all k from 0 to 4, with the legitimate range as large as it may be and smaller.
SMALL = [
    ([7, 5, 3], 0, None),
    ([7, 5, 3], 0, 40),
    ([16, 15, 13], 0, 1000),
    ([7, 5, 3], 1, None),
    ([7, 5, 4, 3], 1, 31),
    ([11, 9, 8, 7], 1, None),
    ([7, 5, 3], 2, None),
    ([7, 5, 4, 3], 2, None),
    ([7, 5, 4, 3], 2, 9),
    ([11, 7, 5, 3, 2], 2, 30),
    ([11, 7, 5, 3, 2], 2, 13),
    ([9, 7, 5, 4], 3, None),
    ([9, 7, 5, 4], 3, 1),
    ([11, 7, 5, 3, 2], 3, None),
    ([11, 7, 5, 3, 2], 3, 5),
    ([13, 7, 5, 3, 2], 4, None),
]
RADIUS = {"bounded-distance": lambda k: k // 2, "detect": lambda k: 0}


def all_words(moduli: tuple[int, ...]) -> np.ndarray:
    """Every received word, ``(N, number of words)``."""
    return np.indices(moduli).reshape(len(moduli), -1)


def codebook(code: RedundantCode, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Legitimate integers around zero, and their words ``(N, L)``."""
    values = np.arange(size) - size // 2
    return values, np.array([[int(v) % m for v in values] for m in code.moduli.moduli])


@pytest.mark.parametrize("decoder", ["bounded-distance", "detect"])
@pytest.mark.parametrize(("members", "redundant", "size"), SMALL)
def test_every_word_against_the_nearest_codeword(
    members: list[int], redundant: int, size: int | None, decoder: str
) -> None:
    code = RedundantCode(ModuliSet(members, redundant), size, decoder)
    size = math.prod(sorted(members)[: len(members) - redundant]) if size is None else size
    values, book = codebook(code, size)
    assert (code.size, code.lowest, code.highest) == (size, values[0], values[-1])
    np.testing.assert_array_equal(code.encode(values), book)
    words = all_words(code.moduli.moduli)
    distance = (words[:, :, None] != book[:, None, :]).sum(axis=0)
    nearest = distance.min(axis=1)
    radius = RADIUS[decoder](redundant)
    assert code.radius == radius
    near = nearest <= radius
    assert np.all((distance <= radius).sum(axis=1) <= 1)  # so that "the nearest" is one
    np.testing.assert_array_equal(code.is_codeword(words), nearest == 0)
    decoded = code.decode(words)
    expected = np.where(nearest == 0, VALID, np.where(near, CORRECTED, DETECTED))
    np.testing.assert_array_equal(decoded.status, expected)
    np.testing.assert_array_equal(decoded.values[near], values[distance.argmin(axis=1)][near])
    assert decoded.values.min() >= code.lowest
    assert decoded.values.max() <= code.highest


@pytest.mark.parametrize(("members", "redundant", "size"), SMALL)
def test_minimum_distance(members: list[int], redundant: int, size: int | None) -> None:
    code = RedundantCode(ModuliSet(members, redundant), size)
    _, book = codebook(code, code.size)
    distance = (book[:, :, None] != book[:, None, :]).sum(axis=0)
    np.fill_diagonal(distance, len(members) + 1)
    assert distance.min() >= redundant + 1


@pytest.mark.parametrize(("members", "redundant", "size"), SMALL)
def test_detected_value_is_the_saturated_information_reading(
    members: list[int], redundant: int, size: int | None
) -> None:
    # The information residues of a word say one signed integer in [-M/2, M/2), as
    # `from_residues` reads them; outside the legitimate range it saturates at the nearer end.
    code = RedundantCode(ModuliSet(members, redundant), size, "detect")
    information = sorted(members, reverse=True)[redundant:]
    product = math.prod(information)
    low = -(product // 2)
    reading = {tuple(v % m for m in information): v for v in range(low, low + product)}
    words = all_words(code.moduli.moduli)
    decoded = code.decode(words)
    detected = np.flatnonzero(decoded.status == DETECTED)
    for index in detected:
        value = reading[tuple(words[redundant:, index].tolist())]
        assert decoded.values[index] == min(max(value, code.lowest), code.highest)


@st.composite
def wide_codes(draw: st.DrawFn) -> tuple[list[int], int, int]:
    """Coprime moduli of about 16 bits, k, and L up to 2**62."""
    redundant = draw(st.integers(0, 4), "k")
    information = draw(st.integers(1, 5), "n")
    rnd = draw(st.randoms(use_true_random=False))
    members: list[int] = []
    while len(members) < redundant + information:
        modulus = rnd.randint(2**15, 2**16)
        if all(math.gcd(modulus, m) == 1 for m in members):
            members.append(modulus)
    largest = min(2**62, math.prod(sorted(members)[:information]))
    size = draw(st.one_of(st.just(largest), st.integers(1, largest)), "L")
    return members, redundant, size


def corrupt(word: list[int], moduli: tuple[int, ...], errors: int, rnd: random.Random) -> None:
    for position in rnd.sample(range(len(word)), errors):
        word[position] = (word[position] + rnd.randrange(1, moduli[position])) % moduli[position]


@pytest.mark.thorough
@QUICK
@given(wide_codes(), st.randoms(use_true_random=False))
def test_few_errors_in_wide_codes(wide: tuple[list[int], int, int], rnd: random.Random) -> None:
    members, redundant, size = wide
    code = RedundantCode(ModuliSet(members, redundant), size)
    detector = RedundantCode(ModuliSet(members, redundant), size, "detect")
    moduli = code.moduli.moduli
    low = -(size // 2)
    values = [low, low + size - 1, 0, *(low + rnd.randrange(size) for _ in range(20))]
    words, counts = [], []
    for value in values:
        word = [value % m for m in moduli]
        counts.append(rnd.randint(0, redundant))
        corrupt(word, moduli, counts[-1], rnd)
        words.append(word)
    received = np.array(words).T
    decoded = code.decode(received)
    assert code.is_codeword(received).tolist() == [e == 0 for e in counts]
    assert detector.decode(received).status.tolist() == [DETECTED if e else VALID for e in counts]
    assert decoded.values.min() >= low
    assert decoded.values.max() <= low + size - 1
    outcomes = zip(counts, values, decoded.values.tolist(), decoded.status.tolist(), strict=True)
    for errors, value, got, status in outcomes:
        assert (status == VALID) == (errors == 0)
        if errors <= redundant // 2:  # always put right
            assert got == value
            assert status == (CORRECTED if errors else VALID)
        elif status == CORRECTED:  # k or fewer errors may look like t, but never like none
            assert errors > redundant - redundant // 2
            assert got != value


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (2, 0), (2, 1, 2)])
@pytest.mark.parametrize("redundant", [0, 2])
def test_words_of_any_shape(shape: tuple[int, ...], redundant: int) -> None:
    code = RedundantCode(ModuliSet([13, 11, 7, 5], redundant), 31)
    values = np.random.default_rng(5).integers(-15, 16, shape)
    word = code.encode(values)
    assert word.shape == (4, *shape)
    if redundant:
        word[1] = (word[1] + 3) % 11
    before = word.copy()
    decoded = code.decode(word)
    np.testing.assert_array_equal(word, before)
    assert decoded.values.shape == decoded.status.shape == code.is_codeword(word).shape == shape
    assert (decoded.values.dtype, decoded.status.dtype) == (np.int64, np.uint8)
    np.testing.assert_array_equal(decoded.values, values)
    assert np.all(decoded.status == (CORRECTED if redundant else VALID))
    assert np.all(code.is_codeword(word) == (redundant == 0))


@pytest.mark.parametrize("size", [0, -1, 36, 10**40, 2.0, True])
def test_legitimate_range_is_checked(size: object) -> None:
    with pytest.raises(InputError, match=r"^`legitimate_range`"):
        RedundantCode(ModuliSet([11, 7, 5], 1), size)


def test_legitimate_range_is_limited_to_what_is_simulated() -> None:
    moduli = ModuliSet([2**31, 2**31 - 1, 2**31 - 3])
    with pytest.raises(InputError, match=r"at most 2\^62"):
        RedundantCode(moduli)
    with pytest.raises(InputError, match=r"at most 2\^62"):
        RedundantCode(moduli, 2**62 + 1)
    code = RedundantCode(moduli, 2**62)
    ends = np.array([-(2**61), 2**61 - 1])
    np.testing.assert_array_equal(code.decode(code.encode(ends)).values, ends)


@pytest.mark.parametrize("value", [-18, 18])
def test_illegitimate_values_are_not_encoded(value: int) -> None:
    code = RedundantCode(ModuliSet([11, 7, 5], 1))  # holds -17 to 17
    assert code.encode(np.array([-17, 17])).shape == (3, 2)
    with pytest.raises(InputError, match=f"{value}.* the code holds -17 to 17"):
        code.encode(np.array([0, value]))


@pytest.mark.parametrize("shape", [(), (2, 5), (4, 5)])
def test_the_first_axis_is_the_channel(shape: tuple[int, ...]) -> None:
    code = RedundantCode(ModuliSet([11, 7, 5], 1))
    for method in (code.decode, code.is_codeword):
        with pytest.raises(InputError, match=r"first axis must hold the 3 residues"):
            method(np.zeros(shape, np.int64))


def test_unknown_decoder() -> None:
    with pytest.raises(InputError, match=r"^`decoder` is nearest; .*bounded-distance.*detect"):
        RedundantCode(ModuliSet([11, 7, 5], 1), None, "nearest")
