"""Operations of residue conversion, against arithmetic that counts what it does."""

import math
import random
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from counting import (
    Counts,
    Machine,
    by_adders,
    by_common_factor,
    by_mixed_radix,
    by_remainders,
    by_shared_factors,
    codeword,
    forward,
    reduced,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from rnscli.analysis.moduli import ModuliRequest
from rnscli.core.arithmetic.code import RedundantCode
from rnscli.core.arithmetic.decoders import _other_groups as other_groups
from rnscli.core.arithmetic.hamming import _groups_of
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.arithmetic.shared_factors import table_of
from rnscli.core.cores.kind import Operation, Operations, merged
from rnscli.core.cores.residue_logic import (
    forward_conversion,
    forward_cycles,
    reduction,
    residue_width,
    reverse_conversion,
    reverse_cycles,
    syndrome,
    syndrome_cycles,
)
from rnscli.core.cores.robust_logic import robust_conversion, robust_cycles
from rnscli.core.cores.shared_logic import shared_conversion, shared_cycles
from rnscli.hardware.operations import OperationPrices

QUICK = settings(max_examples=100, deadline=None, derandomize=True)
PRICES = OperationPrices()

PUBLISHED = [
    (15, 14, 13, 11),
    (31, 29, 28, 27),
    (63, 62, 61, 59),
    (127, 126, 125),
    (255, 254, 253),
]
# Of one width; with and without 2^j and 2^j + 1 among them, and just above a power of two.
SAME_WIDTH = [*PUBLISHED, (61, 59, 55, 53), (128, 127, 125), (125, 113, 71, 67, 66), (37, 35)]


def counted(operations: Operations) -> Counts:
    counts: Counts = Counter()
    for one in operations:
        counts[one.kind, one.width] += round(one.count)
        assert one.count == round(one.count) > 0
    return counts


# Into residues ------------------------------------------------------------------------------------


@QUICK
@given(st.integers(2, 40), st.integers(2, 2000), st.data())
def test_a_reduction_is_counted_as_it_is_done(
    width: int, modulus: int, data: st.DataObject
) -> None:
    number = data.draw(st.integers(-(2 ** (width - 1)), 2 ** (width - 1) - 1))
    machine = Machine()
    assert reduced(machine, number, width, modulus) == number % modulus
    assert machine.done == counted(reduction(width, modulus))


@pytest.mark.parametrize("modulus", range(2, 70))
def test_every_number_of_ten_bits(modulus: int) -> None:
    """The count is the same for all, and so that of the worst one."""
    for number in range(-512, 512):
        machine = Machine()
        assert reduced(machine, number, 10, modulus) == number % modulus
        assert machine.done == counted(reduction(10, modulus))


@pytest.mark.parametrize("moduli", [*SAME_WIDTH, (65, 64, 63), (257, 255, 2), (13, 11, 7, 5, 3, 2)])
@pytest.mark.parametrize("input_bits", [2, 6, 8, 16])
def test_forward_conversion(moduli: tuple[int, ...], input_bits: int) -> None:
    chance = random.Random(1)
    limit = 2 ** (input_bits - 1)
    for number in (-limit, -1, 0, limit - 1, *(chance.randrange(-limit, limit) for _ in range(50))):
        machine = Machine()
        residues = forward(machine, number, input_bits, moduli)
        assert residues == [number % modulus for modulus in moduli]
        assert machine.done == counted(forward_conversion(input_bits, ModuliSet(moduli)))


@pytest.mark.parametrize("cofactors", [(31, 29, 28, 27), (31, 29, 27), (61, 59, 55, 53, 47, 43)])
@pytest.mark.parametrize("part", [2, 3, 4])
def test_robust_reconstruction(cofactors: tuple[int, ...], part: int) -> None:
    """Counted as it is done, of words with and without errors that it corrects."""
    moduli = ModuliSet([m << part for m in cofactors], factor=1 << part)
    code, chance = RedundantCode(moduli), random.Random(4)
    for reach in (0, 1, 2 ** (part - 2) - 1, 2**part):
        for _ in range(60):
            value = chance.randrange(-(moduli.dynamic_range // 3), moduli.dynamic_range // 3)
            errors = [chance.randint(-reach, reach) for _ in cofactors]
            word = [(value + e) % m for e, m in zip(errors, moduli.moduli, strict=True)]
            machine = Machine()
            found = by_common_factor(machine, word, cofactors, part)
            assert machine.done == counted(robust_conversion(moduli))
            if reach < 2**part / 4:
                assert found == value + math.floor(sum(errors) / len(errors) + 0.5)
                assert code.decode(np.array(word)[:, np.newaxis]).values == found


def test_robust_reconstruction_takes_longer() -> None:
    moduli = ModuliSet([248, 232, 224, 216], factor=8)
    inner = ModuliSet(moduli.cofactors)
    assert robust_cycles(moduli) > reverse_cycles(inner)
    assert PRICES.energy(robust_conversion(moduli)) > PRICES.energy(reverse_conversion(inner))
    odd = ModuliSet([7 * m for m in moduli.cofactors], factor=7)
    assert robust_cycles(odd) > robust_cycles(moduli)  # as residues are to be divided


@pytest.mark.parametrize(
    ("members", "factor"),
    [
        ((63, 60, 55, 54, 49), 1),
        ((64, 62, 60), 2),
        ((64, 63, 56), 1),
        ((248, 244, 236, 232), 4),
        ((33, 32, 31, 30), 1),
        ((30, 30, 20, 15), 5),
    ],
)
def test_moduli_that_share_factors(members: tuple[int, ...], factor: int) -> None:
    """Counted as it is done, of any words: those without errors, and all others."""
    moduli = ModuliSet(members, factor=factor)
    code, chance = RedundantCode(moduli), random.Random(6)
    table = table_of(moduli, (1.0,) * moduli.count).moved.tolist()
    for reach in (0, 1, 2, 100):
        for _ in range(60):
            value = chance.randrange(moduli.dynamic_range)
            word = [(value + chance.randint(-reach, reach)) % m for m in members]
            machine = Machine()
            found = by_shared_factors(machine, word, members, table)
            assert machine.done == counted(shared_conversion(moduli))
            assert code.decode(np.array(word)[:, np.newaxis]).values == found


def test_joining_residues_takes_longer_than_coprime_ones() -> None:
    moduli = ModuliSet([63, 60, 55, 54, 49], factor=1)
    coprime = ModuliSet([63, 62, 61, 59])
    assert shared_cycles(moduli) > reverse_cycles(coprime)


def test_redundant_residues_are_converted_too() -> None:
    members = (63, 62, 61, 59)
    assert forward_conversion(9, ModuliSet(members)) == forward_conversion(9, ModuliSet(members, 1))


SPECIAL = [2**j + offset for j in range(3, 12) for offset in (-1, 0, 1)]


@pytest.mark.parametrize("modulus", SPECIAL)
def test_special_moduli_are_cheaper(modulus: int) -> None:
    """No products, fewer operations and less energy than any other modulus of their width."""
    bits = residue_width(modulus)
    others = [m for m in range(2 ** (bits - 1) + 2, 2**bits - 1) if m not in SPECIAL]
    for width in (bits + 2, 2 * bits, 2 * bits + 1):
        special = reduction(width, modulus)
        assert all(one.kind == "add" for one in special)
        for other in others:
            general = reduction(width, other)
            assert sum(one.count for one in special) < sum(one.count for one in general)
            assert PRICES.energy(special) < PRICES.energy(general)
            assert any(one.kind == "multiply" for one in general)


@QUICK
@given(st.integers(2, 60), st.integers(2, 10_000))
def test_a_wider_number_takes_no_less(width: int, modulus: int) -> None:
    narrow, wide = (PRICES.energy(reduction(w, modulus)) for w in (width, width + 1))
    assert wide >= narrow


# Out of residues ----------------------------------------------------------------------------------

Reverse = Callable[[Machine, list[int], tuple[int, ...]], int]


@pytest.mark.parametrize("moduli", SAME_WIDTH)
@pytest.mark.parametrize(
    ("method", "convert"), [("mixed-radix", by_mixed_radix), ("crt", by_remainders)]
)
def test_reverse_conversion(moduli: tuple[int, ...], method: str, convert: Reverse) -> None:
    product = math.prod(moduli)
    lowest = -(product // 2)
    chance = random.Random(2)
    numbers = [lowest, -1, 0, 1, lowest + product - 1]
    for number in (*numbers, *(chance.randrange(lowest, lowest + product) for _ in range(100))):
        machine = Machine()
        assert convert(machine, [number % m for m in moduli], moduli) == number
        assert machine.done == counted(reverse_conversion(ModuliSet(moduli), method))


@pytest.mark.parametrize("exponent", range(2, 9))
@pytest.mark.parametrize("method", ["mixed-radix", "crt"])
def test_three_special_moduli_need_adders_only(exponent: int, method: str) -> None:
    moduli = (2**exponent + 1, 2**exponent, 2**exponent - 1)
    product = math.prod(moduli)
    chance = random.Random(3)
    lowest = -(product // 2)
    numbers = [lowest, -1, 0, 1, lowest + product - 1]
    for number in (*numbers, *(chance.randrange(lowest, lowest + product) for _ in range(300))):
        machine = Machine()
        assert by_adders(machine, [number % m for m in moduli], exponent) == number
        assert machine.done == counted(reverse_conversion(ModuliSet(moduli), method))


@pytest.mark.parametrize(
    "moduli", [(17, 16, 7), (33, 31, 16), (65, 64, 61), (64, 63), (63, 31, 32)]
)
def test_not_three_of_one_exponent_is_no_such_set(moduli: tuple[int, ...]) -> None:
    assert any(one.kind == "multiply" for one in reverse_conversion(ModuliSet(moduli)))


def test_redundant_residues_are_not_needed() -> None:
    """Only the information residues are turned into the number."""
    for method in ("mixed-radix", "crt"):
        with_spare = reverse_conversion(ModuliSet((65, 64, 63, 61, 59), 2), method)
        assert with_spare == reverse_conversion(ModuliSet((63, 61, 59)), method)


@pytest.mark.parametrize(
    ("moduli", "mixed_radix", "crt"),
    [
        # One level of 1 + 5, one product with its sum, the sign; 5 + 1 + 1 + 1 + 1.
        ((63, 62), 6 + 2 + 1, 9),
        ((61, 59, 53), 2 * 6 + 2 * 2 + 1, 5 + 1 + 2 * 2 + 1),
        ((63, 62, 61, 59), 3 * 6 + 3 * 2 + 1, 5 + 1 + 2 * 2 + 1),
        ((63, 62, 61, 59, 55), 4 * 6 + 4 * 2 + 1, 5 + 1 + 2 * 3 + 1),
        # Modulo 63: a product of 13 bits is 3 groups of 6, 1 + 3. Times 64 is no operation.
        ((64, 63), (1 + 4) + 1 + 1, 4 + 1 + 2 * 1 + 1),
        # Modulo 127: a product of 15 bits is 3 groups of 7. Modulo 31: of 11 bits, 3 of 5.
        ((127, 31), (1 + 4) + 2 + 1, 4 + 1 + 2 * 1 + 1),
        # 2^j - 1, 2^j, 2^j + 1 take four additions and the sign.
        ((33, 32, 31), 5, 5),
        ((257, 256, 255), 5, 5),
    ],
)
def test_cycles_by_hand(moduli: tuple[int, ...], mixed_radix: int, crt: int) -> None:
    """A product modulo m by Barrett is the product and 4 more, 5 cycles.

    By mixed radix n - 1 levels of a subtraction and such a product; n - 1 products with a modulus,
    each with a sum; the sign. By remainders such a product, one more, the levels of a tree of sums,
    as many conditional subtractions, the sign.
    """
    assert reverse_cycles(ModuliSet(moduli), "mixed-radix") == mixed_radix
    assert reverse_cycles(ModuliSet(moduli), "crt") == crt


@pytest.mark.parametrize(
    ("moduli", "mixed_radix"),
    [
        # 61 is the first: only modulo 32 there is a subtraction and a product, 2 cycles.
        ((61, 32), 2 + 2 + 1),
        # Modulo 59 in the first level, 1 + 5; in the second only modulo 32, 1 + 1.
        ((61, 59, 32), 6 + 2 + 2 * 2 + 1),
    ],
)
def test_a_level_takes_as_long_as_the_moduli_that_are_in_it(
    moduli: tuple[int, ...], mixed_radix: int
) -> None:
    """Of n moduli the first has no digit to be worked out, and each level has one less."""
    assert reverse_cycles(ModuliSet(moduli), "mixed-radix") == mixed_radix


def test_cycles_of_one_residue() -> None:
    """By mixed radix it is the number but for the sign.

    By remainders M / m is 1: the residue is multiplied modulo m, 5 cycles, and by nothing else.
    """
    assert reverse_cycles(ModuliSet((61,)), "mixed-radix") == 1
    assert reverse_cycles(ModuliSet((61,)), "crt") == 5 + 1


@pytest.mark.parametrize("moduli", [*SAME_WIDTH, (33, 32, 31), (61, 32), (61, 59, 32), (61,)])
@pytest.mark.parametrize("method", ["mixed-radix", "crt"])
def test_no_more_cycles_than_operations(moduli: tuple[int, ...], method: str) -> None:
    """Where they all wait for each other there are as many."""
    operations = reverse_conversion(ModuliSet(moduli), method)
    assert reverse_cycles(ModuliSet(moduli), method) <= sum(one.count for one in operations)


@pytest.mark.parametrize(
    ("input_bits", "moduli", "cycles"),
    [
        # Below 32 in magnitude, and so below all of them: m is added if it is negative.
        (6, (63, 62, 61, 59), 1),
        # Below 128: Barrett modulo 61 takes 4; modulo 63 there are 2 groups of 6 bits, 2.
        (8, (63, 61), 4),
        (8, (65, 64, 63), 2),
        (8, (255, 254, 253), 1),
        # 16 bits modulo 15 are 4 groups, modulo 7 they are 6: longer than Barrett modulo 13.
        (16, (16, 15), 4),
        (16, (13, 7), 6),
        # The lowest bits are the residue.
        (16, (64,), 0),
        (16, (64, 61), 4),
    ],
)
def test_forward_cycles_by_hand(input_bits: int, moduli: tuple[int, ...], cycles: int) -> None:
    """The slowest modulus, redundant or not; the others are done at the same time."""
    for redundant in range(len(moduli)):
        assert forward_cycles(input_bits, ModuliSet(moduli, redundant)) == cycles


# Decoding -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moduli", "redundant", "size", "cycles"),
    [
        # Nothing redundant: whether the number is in the range, if that is smaller.
        ((63, 62, 61, 59), 0, 14057694, 0),
        ((63, 62, 61, 59), 0, 246017, 1),
        # 62 x 61 x 59 x 55 = 12272590 has 24 bits, 4 groups of 6, and a comparison.
        ((63, 62, 61, 59, 55), 1, 12272590, 5),
        # In the meantime the number is compared with the range.
        ((63, 62, 61, 59, 55), 1, 246017, 5),
        # 61 x 59 x 55 = 197945 has 18 bits: 3 groups modulo 63; by Barrett modulo 62 4; and 1.
        ((63, 61, 59, 55), 1, 197945, 4),
        ((62, 61, 59, 55), 1, 197945, 5),
        ((63, 62, 61, 59, 55), 2, 197945, 5),
        # The lowest 6 bits are compared as they are.
        ((64, 63, 61, 59), 1, 226737, 1),
        # 7 x 5 x 3 = 105 has 7 bits, and up to 64 in magnitude it is below 127.
        ((127, 7, 5, 3), 1, 105, 2),
    ],
)
def test_syndrome_cycles_by_hand(
    moduli: tuple[int, ...], redundant: int, size: int, cycles: int
) -> None:
    """A reduction and a comparison modulo each redundant modulus, all at the same time."""
    assert syndrome_cycles(ModuliSet(moduli, redundant), size) == cycles


@pytest.mark.parametrize(
    ("moduli", "redundant", "share"),
    [
        ((63, 62, 61, 59, 55, 53), 2, 0.02),
        ((63, 62, 61, 59, 55, 53), 2, 1.0),
        ((65, 64, 63, 61, 59), 2, 0.5),
        ((63, 62, 61, 59), 1, 0.3),
        ((63, 62, 61, 59), 0, 0.3),
        ((63, 62, 61, 59), 0, 1.0),
    ],
)
def test_syndrome(moduli: tuple[int, ...], redundant: int, share: float) -> None:
    """Right for codewords, for wrong residues, and for numbers just outside of the range."""
    members = ModuliSet(moduli, redundant)
    product = members.dynamic_range
    for size in {int(product * share), int(product * share) - 1}:
        lowest = -(size // 2)
        least, most = -(product // 2), (product - 1) // 2
        chance = random.Random(4)
        edges = [lowest - 1, lowest, -1, 0, lowest + size - 1, lowest + size]
        for number in (*edges, *(chance.randint(least, most) for _ in range(60))):
            if not least <= number <= most:
                continue
            read = [number % m for m in members.redundant_moduli]
            for wrong in range(-1, redundant):
                if wrong >= 0:
                    read[wrong] = (read[wrong] + 1) % members.redundant_moduli[wrong]
                machine = Machine()
                legitimate = codeword(
                    machine, number, read, members.redundant_moduli, (product, size)
                )
                assert legitimate == (wrong < 0 and lowest <= number < lowest + size)
                assert machine.done == counted(syndrome(members, size))


@pytest.mark.parametrize("redundant", range(1, 7))
@pytest.mark.parametrize("bits", [6, 8])
def test_groups_are_those_of_the_decoder(redundant: int, bits: int) -> None:
    moduli = ModuliRequest(bits=bits, vector_size=128, redundant=redundant).choose()[0]
    code = RedundantCode(moduli, 1000)
    assert code.radius == redundant // 2
    for radius in range(code.radius + 1):
        groups = _groups_of(moduli, 1000, radius)
        assert other_groups(moduli.count, redundant, radius) == len(groups) - 1


def test_groups_by_hand() -> None:
    """Without correction none; 2 redundant of 6 cover pairs, of which three hold all six."""
    assert other_groups(6, 2, 0) == other_groups(4, 0, 0) == 0
    assert other_groups(6, 2, 1) == 2
    assert other_groups(5, 2, 1) == 2  # ceil(5 / 2) - 1


def test_merging_adds_counts_of_one_kind_and_width() -> None:
    groups = (
        (Operation("add", 6, 2.0), Operation("multiply", 6, 1.0)),
        (Operation("add", 7, 1.0), Operation("add", 6, 0.5)),
    )
    assert set(merged(*groups)) == {
        Operation("add", 6, 2.5),
        Operation("add", 7, 1.0),
        Operation("multiply", 6, 1.0),
    }
    assert merged() == ()
