import dataclasses
import math
import random
from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnscli.base.errors import InputError
from rnscli.core.arithmetic.moduli import ModuliSet

QUICK = settings(max_examples=100, deadline=None, derandomize=True)


@st.composite
def coprime_lists(draw: st.DrawFn) -> list[int]:
    """One to ten pairwise coprime numbers, from tiny to larger than any machine word."""
    largest = draw(st.sampled_from([20, 255, 2**31, 2**100]))
    members: list[int] = []
    for number in draw(st.lists(st.integers(2, largest), min_size=1, max_size=10)):
        if all(math.gcd(number, member) == 1 for member in members):
            members.append(number)
    return members


def test_information_and_redundant_members() -> None:
    moduli = ModuliSet([5, 13, 7, 11, 8, 9], redundant=2)
    assert moduli.moduli == (13, 11, 9, 8, 7, 5)
    assert moduli.information == (9, 8, 7, 5)
    assert moduli.redundant_moduli == (13, 11)
    assert (moduli.count, moduli.information_count, moduli.redundant) == (6, 4, 2)
    assert moduli.dynamic_range == 9 * 8 * 7 * 5
    assert moduli.total_range == 13 * 11 * 9 * 8 * 7 * 5


def test_without_redundancy() -> None:
    moduli = ModuliSet([3, 2])
    assert (moduli.information, moduli.redundant_moduli) == ((3, 2), ())
    assert moduli.dynamic_range == moduli.total_range == 6


@pytest.mark.parametrize(
    ("moduli", "pair", "common", "told"),
    [
        ([6, 9], "9 and 6", 3, "with a common factor give a `factor` of 3"),
        ([248, 232, 224, 216], "248 and 232", 8, "with a common factor give a `factor` of 8"),
        ([60, 62, 64], "64 and 62", 2, "that share factors give a `factor` of 2"),
        ([15, 7, 8, 35], "35 and 15", 5, "that share factors give a `factor` of 1"),
        ([63, 62, 61, 42], "63 and 42", 21, "that share factors give a `factor` of 1"),
        ([7, 11, 7], "7 and 7", 7, "that share factors give a `factor` of 1"),
        ([7, 7], "7 and 7", 7, None),
        ([2**40, 3, 2**70], f"{2**70} and {2**40}", 2**40, "factors give a `factor` of 1"),
    ],
)
def test_a_shared_factor_is_named(
    moduli: list[int], pair: str, common: int, told: str | None
) -> None:
    more = f"; for moduli .*{told}" if told else ""
    said = f"moduli {pair} are not coprime.* multiples of {common}{more}$"
    with pytest.raises(InputError, match=said):
        ModuliSet(moduli)
    if told:
        factor = int(told.split()[-1])
        assert ModuliSet(moduli, factor=factor).factor == factor


def test_what_shares_factors_has_no_redundant_members() -> None:
    with pytest.raises(InputError, match=r"both are multiples of 5$"):
        ModuliSet([15, 7, 8, 35], redundant=1)
    with pytest.raises(InputError, match=r"64 and 60 share the factor 4, .*`redundant` is 1$"):
        ModuliSet([60, 62, 64], 1, 2)
    assert ModuliSet([63, 62, 61], 1, 1) == ModuliSet([63, 62, 61], 1)


@given(coprime_lists(), st.integers(2, 60), st.data())
@QUICK
def test_a_common_factor(cofactors: list[int], factor: int, data: st.DataObject) -> None:
    redundant = data.draw(st.integers(0, len(cofactors) - 1))
    moduli = ModuliSet([factor * one for one in cofactors], redundant, factor)
    assert moduli.cofactors == tuple(sorted(cofactors, reverse=True))
    assert moduli.dynamic_range == math.lcm(*moduli.information) == math.prod(moduli.parts)
    assert moduli.total_range == math.lcm(*moduli.moduli)
    parts = moduli.parts
    assert all(m % part == 0 for m, part in zip(moduli.information, parts, strict=True))
    assert math.lcm(*parts) == math.prod(parts)  # so that they are coprime
    value = data.draw(st.integers(0, moduli.dynamic_range - 1))
    weighted = zip(moduli.information, moduli.crt_weights, strict=True)
    assert sum(value % m * weight for m, weight in weighted) % moduli.dynamic_range == value


@st.composite
def sharing_lists(draw: st.DrawFn) -> list[int]:
    """One to six numbers of few primes, so that most pairs share some."""
    powers = st.tuples(*(st.integers(0, most) for most in (4, 3, 2, 1, 1)))
    numbers = [
        math.prod(p**e for p, e in zip((2, 3, 5, 7, 2**61 - 1), exponents, strict=True))
        for exponents in draw(st.lists(powers, min_size=1, max_size=6))
    ]
    return [number for number in numbers if number > 1] or [2]


@given(sharing_lists(), st.data())
@QUICK
def test_shared_factors(members: list[int], data: st.DataObject) -> None:
    factor = math.gcd(*members)
    if factor in members:
        factor = 1
        members = [*members, 11]  # which shares nothing with any other
    moduli = ModuliSet(members, factor=factor)
    pairs = [math.gcd(a, b) for a, b in combinations(members, 2)]
    assert moduli.shared == any(common > factor for common in pairs)
    assert moduli.coprime == all(common == 1 for common in pairs)
    assert moduli.dynamic_range == moduli.total_range == math.lcm(*members)
    parts = moduli.parts
    assert math.lcm(*parts) == math.prod(parts) == moduli.dynamic_range
    assert all(m % part == 0 for m, part in zip(moduli.moduli, parts, strict=True))
    assert [m // factor for m in moduli.moduli] == list(moduli.cofactors)
    value = data.draw(st.integers(0, moduli.dynamic_range - 1))
    weighted = zip(moduli.moduli, moduli.crt_weights, strict=True)
    assert sum(value % m * weight for m, weight in weighted) % moduli.dynamic_range == value
    assert moduli.without([]) == moduli == eval(repr(moduli))


@pytest.mark.parametrize(
    ("moduli", "factor", "said"),
    [
        ([60, 62, 63], 2, "modulus 63 is not a multiple, by at least 2, of the `factor` 2"),
        ([8, 24, 40], 8, "modulus 8 is not a multiple, by at least 2, of the `factor` 8"),
        ([248, 232, 224, 216], 4, "^all moduli are multiples of 8; the `factor` is 4$"),
        ([60, 62, 64], 1, "^all moduli are multiples of 2; the `factor` is 1$"),
        ([63, 61], 3, "modulus 61 is not a multiple"),
        ([60, 62], 0, "`factor` is 0"),
    ],
)
def test_what_has_another_factor_is_refused(moduli: list[int], factor: int, said: str) -> None:
    with pytest.raises(InputError, match=said):
        ModuliSet(moduli, factor=factor)


def test_every_pair_is_checked() -> None:
    for order in permutations([4, 9, 25, 10]):  # only 4 and 10, and 25 and 10, clash
        with pytest.raises(InputError, match=r"25 and 10|10 and 4"):
            ModuliSet(order)


@pytest.mark.parametrize("modulus", [1, 0, -7, 7.0, "7", True, None])
def test_members_must_be_whole_numbers_from_two(modulus: object) -> None:
    with pytest.raises(InputError, match=f"^`moduli` is {modulus}; .*at least 2"):
        ModuliSet([11, modulus])


def test_empty_and_too_many() -> None:
    with pytest.raises(InputError, match=r"^`moduli` is empty"):
        ModuliSet([])
    primes = [p for p in range(2, 2000) if all(p % d for d in range(2, math.isqrt(p) + 1))]
    assert ModuliSet(primes[:256]).count == 256
    with pytest.raises(InputError, match=r"^`moduli` has 257 members; at most 256"):
        ModuliSet(primes[:257])


@pytest.mark.parametrize("redundant", [3, 4, 1000])
def test_an_information_modulus_must_be_left(redundant: int) -> None:
    with pytest.raises(InputError, match=f"^`redundant` is {redundant}, .*at most 2"):
        ModuliSet([3, 5, 7], redundant=redundant)


@pytest.mark.parametrize("redundant", [-1, 1.0, True, "1"])
def test_redundant_must_be_a_whole_number(redundant: object) -> None:
    with pytest.raises(InputError, match=f"^`redundant` is {redundant}; "):
        ModuliSet([3, 5, 7], redundant=redundant)


def test_numpy_integers_become_python_integers() -> None:
    moduli = ModuliSet(np.array([7, 5, 3], dtype=np.int16), redundant=np.int8(1))
    assert all(type(member) is int for member in (*moduli.moduli, moduli.redundant))


def test_frozen() -> None:
    moduli = ModuliSet([7, 5, 3])
    for name in ("moduli", "redundant", "dynamic_range", "anything"):
        with pytest.raises((dataclasses.FrozenInstanceError, AttributeError)):
            setattr(moduli, name, 1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        del moduli.moduli
    source = [7, 5, 3]
    kept = ModuliSet(source)
    source.append(11)
    assert kept.moduli == (7, 5, 3)


def test_equality_and_hash() -> None:
    reference = ModuliSet([7, 5, 3], redundant=1)
    used = ModuliSet([7, 5, 3], redundant=1)
    assert used.dynamic_range == 15
    assert used.crt_weights
    assert used.mixed_radix_inverses  # cached constants must not enter the comparison
    for order in permutations([3, 5, 7]):
        assert ModuliSet(order, redundant=1) == used
        assert hash(ModuliSet(order, redundant=1)) == hash(used)
    others = {ModuliSet([7, 5, 3]), ModuliSet([7, 5, 3], redundant=2), ModuliSet([7, 5])}
    assert len(others | {reference, used}) == 4


@pytest.mark.parametrize(
    ("moduli", "bits"), [([2], 1), ([3], 2), ([4, 3], 2), ([255, 2], 8), ([256], 8), ([257], 9)]
)
def test_residue_bits(moduli: list[int], bits: int) -> None:
    assert ModuliSet(moduli).residue_bits == bits
    assert max(moduli) - 1 in range(2 ** (bits - 1), 2**bits)


@QUICK
@given(coprime_lists(), st.randoms(use_true_random=False))
def test_chinese_remainder_weights(members: list[int], rnd: random.Random) -> None:
    moduli = ModuliSet(members, redundant=len(members) // 3)
    product = math.prod(moduli.information)
    assert len(moduli.crt_weights) == moduli.information_count
    for weight, own in zip(moduli.crt_weights, moduli.information, strict=True):
        assert 0 <= weight < product
        assert [weight % m for m in moduli.information] == [m == own for m in moduli.information]
    for value in (0, product - 1, rnd.randrange(product)):
        terms = zip(moduli.information, moduli.crt_weights, strict=True)
        assert sum((value % m) * w for m, w in terms) % product == value


@QUICK
@given(coprime_lists())
def test_mixed_radix_inverses(members: list[int]) -> None:
    moduli = ModuliSet(members, redundant=len(members) // 3)
    assert [len(row) for row in moduli.mixed_radix_inverses] == list(range(len(moduli.information)))
    for row, modulus in zip(moduli.mixed_radix_inverses, moduli.information, strict=True):
        for inverse, earlier in zip(row, moduli.information, strict=False):
            assert 0 <= inverse < modulus
            assert inverse * earlier % modulus == 1
