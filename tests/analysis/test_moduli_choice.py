import itertools
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from rnscli.analysis.moduli import ModuliRequest, longest_dot_products, moduli_table
from rnscli.base.errors import InputError, NoSolutionError, RnscliError
from rnscli.core.arithmetic.moduli import ModuliSet

PUBLISHED = [
    (4, (15, 14, 13, 11)),
    (5, (31, 29, 28, 27)),
    (6, (63, 62, 61, 59)),
    (7, (127, 126, 125)),
    (8, (255, 254, 253)),
]


def refusal(**request: Any) -> str:
    """Message of the refusal of a request; only the package's own exceptions will do."""
    with pytest.raises(InputError) as caught:
        ModuliRequest(**request)
    message = str(caught.value)
    assert "\n" not in message
    return message


# Selection ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["exact", "bits"])
@pytest.mark.parametrize(("bits", "moduli"), PUBLISHED)
def test_published_table(bits: int, moduli: tuple[int, ...], rule: str) -> None:
    (row,) = moduli_table(ModuliRequest(bits=bits, vector_size=128, rule=rule))
    assert (row.moduli, row.redundant_moduli) == (moduli, ())
    assert (row.bits, row.input_bits, row.weight_bits, row.vector_size) == (bits, bits, bits, 128)
    assert (row.count, row.rank) == (len(moduli), 1)
    assert row.dynamic_range == math.prod(moduli)
    assert row.log2_dynamic_range == pytest.approx(math.log2(math.prod(moduli)), rel=1e-15, abs=0)
    assert row.output_bits == 2 * bits + 6
    assert row.lost_bits == bits + 6
    exact = 2 * 128 * (2 ** (bits - 1) - 1) ** 2 + 1
    assert row.required_range == (exact if rule == "exact" else 2 ** (2 * bits + 6))
    assert row.dynamic_range >= row.required_range


def test_vector_size_defaults_to_128() -> None:
    assert moduli_table(ModuliRequest(bits=6)) == moduli_table(
        ModuliRequest(bits=6, vector_size=128)
    )


def test_the_rules_differ_where_only_the_range_rule_decides() -> None:
    """h = 33 needs 2 x 33 x 31^2 + 1 = 63 427 values, but 2^17 by its output bits."""
    exact, by_bits = (
        moduli_table(ModuliRequest(bits=6, vector_size=33, rule=rule))[0]
        for rule in ("exact", "bits")
    )
    assert (exact.required_range, by_bits.required_range) == (63_427, 131_072)
    assert exact.output_bits == by_bits.output_bits == 17


def test_operand_bits_replace_those_of_the_converters() -> None:
    (row,) = moduli_table(ModuliRequest(bits=8, vector_size=64, input_bits=6, weight_bits=4))
    assert (row.bits, row.input_bits, row.weight_bits) == (8, 6, 4)
    assert row.required_range == 2 * 64 * 31 * 7 + 1
    assert (row.output_bits, row.lost_bits) == (15, 7)
    assert row.moduli == (255, 254)


def test_a_wide_converter_loses_nothing() -> None:
    (row,) = moduli_table(ModuliRequest(bits=12, vector_size=4, input_bits=4, weight_bits=4))
    assert (row.output_bits, row.lost_bits) == (9, 0)


def test_precision_replaces_the_dot_product() -> None:
    (row,) = moduli_table(ModuliRequest(bits=6, precision_bits=16))
    assert (row.required_range, row.output_bits, row.lost_bits) == (65536, 16, 10)
    assert (row.input_bits, row.weight_bits, row.vector_size) == (None, None, None)
    assert row.moduli == (63, 62, 61)


def test_redundancy() -> None:
    (row,) = moduli_table(ModuliRequest(bits=4, vector_size=128, redundant=1))
    assert (row.moduli, row.redundant_moduli, row.count) == ((11, 9, 8, 7, 5), (13,), 6)
    assert row.dynamic_range == 11 * 9 * 8 * 7 * 5


@pytest.mark.parametrize(("max_modulus", "moduli"), [(None, (15, 14, 13)), (16, (16, 15, 13))])
def test_the_bound_moves_up_to_a_power_of_two(
    max_modulus: int | None, moduli: tuple[int, ...]
) -> None:
    request = ModuliRequest(bits=4, vector_size=16, max_modulus=max_modulus)
    assert request.choose()[0].moduli == moduli


def test_a_forced_count() -> None:
    (chosen,) = ModuliRequest(bits=8, vector_size=128, count=5).choose()
    assert chosen.count == 5
    assert chosen.dynamic_range >= 2 * 128 * 127**2 + 1


def test_several_sets_in_order() -> None:
    rows = moduli_table(ModuliRequest(bits=6, vector_size=128), top=5)
    assert [row.rank for row in rows] == [1, 2, 3, 4, 5]
    assert len({row.moduli for row in rows}) == 5
    ranges = [row.dynamic_range for row in rows]
    assert ranges == sorted(ranges, reverse=True)
    assert all(row.dynamic_range >= 246_017 for row in rows)


@pytest.mark.parametrize(
    ("bits", "vector_size", "moduli"),
    [(6, 8, (33, 32, 31)), (10, 512, (513, 512, 511)), (4, 1, (9, 8, 7))],
)
def test_special_family(bits: int, vector_size: int, moduli: tuple[int, ...]) -> None:
    request = ModuliRequest(bits=bits, vector_size=vector_size, family="special", input_bits=4)
    assert request.choose()[0].moduli == moduli


# No solution -------------------------------------------------------------------------------------


def coprime_sets(limit: int, members: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    """Every set of pairwise coprime numbers from 2 to ``limit``, descending."""
    yield members
    for number in range((members[-1] if members else limit + 1) - 1, 1, -1):
        if all(math.gcd(number, m) == 1 for m in members):
            yield from coprime_sets(limit, (*members, number))


def any_set_does(bits: int, needed: int, redundant: int, count: int | None) -> bool:
    """Whether there is an answer, by trying every set."""
    return any(
        len(members) > redundant
        and (count is None or len(members) == count + redundant)
        and math.prod(members[redundant:]) >= needed
        for members in coprime_sets(2**bits - 1)
    )


NO_SOLUTION: list[tuple[dict[str, Any], int]] = [
    ({"bits": 4, "vector_size": 128, "redundant": 2}, 5),
    ({"bits": 4, "vector_size": 128, "redundant": 2, "max_modulus": 16}, 5),
    ({"bits": 3, "vector_size": 128}, 4),
    ({"bits": 2, "vector_size": 3}, 3),
    ({"bits": 3, "precision_bits": 14}, 4),
    ({"bits": 2, "input_bits": 4, "weight_bits": 4, "vector_size": 8}, 4),
    ({"bits": 3, "input_bits": 4, "weight_bits": 4, "vector_size": 128, "redundant": 1}, 4),
    ({"bits": 4, "vector_size": 128, "count": 3}, 7),
    ({"bits": 4, "input_bits": 8, "weight_bits": 8, "vector_size": 128, "count": 2}, 11),
    ({"bits": 4, "vector_size": 128, "rule": "bits", "redundant": 1, "count": 3}, 7),
    ({"bits": 3, "vector_size": 128, "input_bits": 6}, 4),
    ({"bits": 4, "vector_size": 128, "family": "special"}, 9),
    ({"bits": 2, "precision_bits": 30, "family": "special"}, 12),
]


def named_bits(request: ModuliRequest) -> tuple[int, str]:
    with pytest.raises(NoSolutionError) as caught:
        request.choose()
    message = str(caught.value)
    found = re.search(r"the smallest bits with an answer is (\d+)", message)
    assert found, message
    return int(found[1]), message


@pytest.mark.parametrize(("request_", "fewest"), NO_SOLUTION)
def test_no_solution_names_the_fewest_bits_that_would_do(
    request_: dict[str, Any], fewest: int
) -> None:
    bits, message = named_bits(ModuliRequest(**request_))
    assert bits == fewest
    changed = {k: v for k, v in request_.items() if k != "max_modulus"}
    (answer,) = ModuliRequest(**{**changed, "bits": bits}).choose()
    assert message.endswith(": " + ",".join(map(str, answer.moduli)))
    for fewer in range(2, bits):
        with pytest.raises(NoSolutionError):
            ModuliRequest(**{**changed, "bits": fewer}).choose()


@pytest.mark.parametrize(("request_", "fewest"), [c for c in NO_SOLUTION if "family" not in c[0]])
def test_no_set_of_fewer_bits_exists(request_: dict[str, Any], fewest: int) -> None:
    """Every set up to 4 bits, and beyond that the product of the largest numbers as a bound."""
    changed = {k: v for k, v in request_.items() if k != "max_modulus"}
    redundant, count = changed.get("redundant", 0), changed.get("count")
    for bits in range(2, fewest):
        request = ModuliRequest(**{**changed, "bits": bits})
        if bits <= 4:
            assert not any_set_does(bits, request.required_range, redundant, count)
        else:
            assert count is not None
            top = 2**bits - 1 - redundant
            assert math.prod(range(top, top - count, -1)) < request.required_range


@pytest.mark.parametrize(
    ("request_", "grow"),
    [
        ({"bits": 3, "vector_size": 128}, True),
        ({"bits": 3, "vector_size": 128, "input_bits": 6}, True),
        ({"bits": 3, "vector_size": 128, "input_bits": 4, "weight_bits": 4}, False),
        ({"bits": 3, "precision_bits": 14}, False),
    ],
)
def test_no_solution_says_whether_operands_grow(request_: dict[str, Any], grow: bool) -> None:
    _, message = named_bits(ModuliRequest(**request_))
    assert ("(operands grow with it)" in message) is grow


def test_no_solution_whatever_the_bits() -> None:
    """One modulus below 2^b never covers the square of b-bit operands."""
    with pytest.raises(NoSolutionError, match="no bits up to 64 has an answer"):
        ModuliRequest(bits=8, vector_size=128, count=1).choose()


@pytest.mark.parametrize("bits", [4, 6])
def test_the_bits_named_respect_the_largest_modulus_asked_for(bits: int) -> None:
    """With moduli up to 10 no bits would do, so naming some would send the user in a circle."""
    request = {"vector_size": 128, "max_modulus": 10}
    with pytest.raises(NoSolutionError) as caught:
        ModuliRequest(bits=bits, **request).choose()
    found = re.search(r"the smallest bits with an answer is (\d+)", str(caught.value))
    if found and "max_modulus" not in str(caught.value):
        ModuliRequest(bits=int(found[1]), **request).choose()


# Explicit sets -----------------------------------------------------------------------------------


def test_an_explicit_set_without_a_range_is_only_examined() -> None:
    (row,) = moduli_table(ModuliRequest(moduli=(61, 63, 62)))
    assert (row.bits, row.moduli, row.count) == (6, (63, 62, 61), 3)
    assert row.dynamic_range == 238_266
    absent = (row.input_bits, row.weight_bits, row.vector_size, row.required_range)
    assert (*absent, row.output_bits, row.lost_bits) == (None,) * 6


def test_the_k_largest_of_an_explicit_set_are_redundant() -> None:
    (row,) = moduli_table(ModuliRequest(moduli=(5, 13, 7, 11, 8, 9), redundant=2))
    assert (row.moduli, row.redundant_moduli) == ((9, 8, 7, 5), (13, 11))
    assert row.dynamic_range == 9 * 8 * 7 * 5


@pytest.mark.parametrize(("moduli", "bits"), [((16, 15), 4), ((17, 16), 5), ((3, 2), 2)])
def test_bits_of_an_explicit_set_are_those_of_its_widest_residue(
    moduli: tuple[int, ...], bits: int
) -> None:
    assert ModuliRequest(moduli=moduli).converter_bits == bits


@pytest.mark.parametrize(
    "ranged",
    [
        {"vector_size": 64},
        {"bits": 6, "vector_size": 64},
        {"bits": 7, "input_bits": 4},
        {"precision_bits": 17},
    ],
)
def test_an_explicit_set_that_covers_its_range(ranged: dict[str, int]) -> None:
    (row,) = moduli_table(ModuliRequest(moduli=(63, 62, 61), **ranged))
    assert row.required_range is not None
    assert row.required_range <= row.dynamic_range == 238_266


def test_an_explicit_set_that_misses_its_range_by_a_little() -> None:
    message = refusal(moduli=(63, 62, 61), vector_size=128)
    assert "63,62,61" in message
    assert "238266" in message
    assert "246017" in message
    message = refusal(moduli=(63, 62, 61), precision_bits=18)
    assert "18 bits need 262144" in message
    assert "262144 (rule bits)" in refusal(moduli=(63, 62, 61), bits=6, rule="bits")


def test_an_explicit_set_is_held_against_the_defaults_only_on_demand() -> None:
    request = ModuliRequest(moduli=(63, 62, 61))
    with pytest.raises(InputError, match="246017"):
        request.with_operands()
    filled = ModuliRequest(moduli=(63, 62, 61, 59)).with_operands()
    assert (filled.bits, filled.vector_size, filled.required_range) == (6, 128, 246_017)


def test_an_explicit_set_has_no_second_best() -> None:
    with pytest.raises(InputError, match="`top` is 2"):
        ModuliRequest(moduli=(63, 62, 61)).choose(2)


# Refusals ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "named"),
    [
        ({}, "`bits` is missing"),
        ({"vector_size": 128}, "`bits` is missing"),
        ({"bits": 1}, "`bits` is 1"),
        ({"bits": 257}, "`bits` is 257"),
        ({"bits": 6, "rule": "tight"}, "`rule` is tight"),
        ({"bits": 6, "family": "mersenne"}, "`family` is mersenne"),
        ({"bits": 6, "redundant": -1}, "`redundant` is -1"),
        ({"bits": 6, "count": 0}, "`count` is 0"),
        ({"bits": 6, "max_modulus": 1}, "`max_modulus` is 1"),
        ({"bits": 6, "max_modulus": 65}, "`max_modulus` is 65"),
        ({"bits": 6, "precision_bits": 0}, "`precision_bits` is 0"),
        ({"bits": 6, "precision_bits": 16, "vector_size": 4}, "`vector_size` has no meaning"),
        ({"bits": 6, "precision_bits": 16, "input_bits": 4}, "`input_bits` has no meaning"),
        ({"bits": 6, "precision_bits": 16, "weight_bits": 4}, "`weight_bits` has no meaning"),
        ({"moduli": (7, 5), "max_modulus": 7}, "`max_modulus` has no meaning"),
        ({"moduli": (7, 5), "count": 2}, "`count` has no meaning"),
        ({"moduli": (7, 5), "family": "special"}, "`family` has no meaning"),
        ({"bits": 6, "family": "special", "redundant": 1}, "no redundant one"),
        ({"bits": 6, "family": "special", "count": 4}, "three information moduli"),
        ({"bits": 4, "moduli": (17, 15)}, "modulus 17 .* `bits` of at least 5"),
        ({"moduli": (2**300, 3)}, "300 bits"),
        ({"moduli": (15, 9)}, "15 and 9 are not coprime"),
        ({"moduli": (7, 5), "redundant": 2}, "`redundant` is 2"),
        ({"moduli": (7, 1)}, "`moduli` is 1"),
        ({"moduli": ()}, "`moduli` is empty"),
        ({"bits": 4, "moduli": ()}, "`moduli` is empty"),
        ({"bits": 4, "moduli": ("seven", 5)}, "`moduli` is seven"),
    ],
)
def test_refusals(request_: dict[str, Any], named: str) -> None:
    assert re.search(named, refusal(**request_))


@pytest.mark.parametrize("value", [0, -1, 2.5])
@pytest.mark.parametrize("name", ["vector_size", "input_bits", "weight_bits"])
def test_operands_out_of_range_are_refused(name: str, value: float) -> None:
    """At the latest when the request is used; and never replaced by a default in silence."""
    with pytest.raises(InputError, match=f"`{name}` is {value}"):
        moduli_table(ModuliRequest(bits=6, **{name: value}))


def test_both_kinds_of_refusal_can_be_caught_at_once() -> None:
    assert issubclass(InputError, RnscliError)
    assert issubclass(NoSolutionError, RnscliError)
    assert not issubclass(NoSolutionError, InputError)


# Legitimate range --------------------------------------------------------------------------------


def test_legitimate_range_rules() -> None:
    request = ModuliRequest(bits=6, vector_size=128, redundant=2)
    moduli = ModuliSet((63, 62, 61, 59, 55, 53), 2)
    assert request.legitimate_range(moduli, "product") == 61 * 59 * 55 * 53
    assert request.legitimate_range(moduli, "operands") == 246_017
    assert request.legitimate_range(moduli, 1000) == 1000
    assert request.legitimate_range(moduli, 61 * 59 * 55 * 53) == 61 * 59 * 55 * 53


def test_legitimate_range_of_operands_is_exact_under_either_rule() -> None:
    """The range rule decides what the moduli must cover, not what a dot product can be."""
    request = ModuliRequest(bits=6, vector_size=128, rule="bits")
    assert request.legitimate_range(ModuliSet((63, 62, 61, 59)), "operands") == 246_017


def test_legitimate_range_of_a_precision() -> None:
    request = ModuliRequest(bits=6, precision_bits=16)
    assert request.legitimate_range(ModuliSet((63, 62, 61)), "operands") == 65536


@pytest.mark.parametrize(
    ("rule", "named"),
    [
        ("everything", "`legitimate_range` is everything"),
        (0, "`legitimate_range` is 0"),
        (-5, "`legitimate_range` is -5"),
        (2.5, "`legitimate_range` is 2.5"),
        (238_267, "238267 is more than .* at most 238266"),
        ("operands", "246017 is more than .* at most 238266"),
    ],
)
def test_legitimate_range_refusals(rule: str | int, named: str) -> None:
    request = ModuliRequest(bits=6, vector_size=128)
    with pytest.raises(InputError, match=named):
        request.legitimate_range(ModuliSet((63, 62, 61)), rule)


def test_the_hint_is_the_smallest_also_for_many_moduli() -> None:
    with pytest.raises(NoSolutionError, match="smallest bits with an answer is 8 "):
        ModuliRequest(bits=6, vector_size=128, redundant=30).choose()
    with pytest.raises(NoSolutionError):
        ModuliRequest(bits=7, vector_size=128, redundant=30).choose()
    assert ModuliRequest(bits=8, vector_size=128, redundant=30).choose()


# The longest dot product --------------------------------------------------------------------------


@pytest.mark.thorough
@pytest.mark.parametrize("rule", ["exact", "bits"])
@pytest.mark.parametrize("moduli", [(15, 14), (15, 14, 13), (7, 5, 4, 3), (63, 62, 61)])
@pytest.mark.parametrize("bits", [(4, 4), (3, 4), (2, 2)])
def test_the_longest_is_the_last_that_is_accepted(
    moduli: tuple[int, ...], rule: str, bits: tuple[int, int]
) -> None:
    """A request refuses what its moduli do not cover: the first length that it refuses is next."""
    given: dict[str, Any] = {
        "moduli": moduli, "rule": rule, "input_bits": bits[0], "weight_bits": bits[1]
    }  # fmt: skip
    lengths = itertools.count(1)
    for refused in lengths:
        try:
            ModuliRequest(vector_size=refused, **given)
        except InputError:
            break
    if refused == 1:
        with pytest.raises(InputError, match="but a dot product of 1 terms"):
            longest_dot_products(ModuliRequest(vector_size=1, **given))
        return
    (row,) = longest_dot_products(ModuliRequest(vector_size=1, **given))
    assert row.vector_size == refused - 1
    assert row.required_range is not None and row.next_required_range is not None
    assert row.required_range <= row.dynamic_range < row.next_required_range


@pytest.mark.parametrize("count", [3, 4, 6])
@pytest.mark.parametrize("redundant", [0, 1])
def test_the_longest_of_the_best_set(count: int, redundant: int) -> None:
    """No set of as many moduli holds one more term, and the best of those for it is that set."""
    shared: dict[str, Any] = {"bits": 6, "count": count, "redundant": redundant}
    (row,) = longest_dot_products(ModuliRequest(**shared))
    assert row.vector_size is not None
    (again,) = moduli_table(ModuliRequest(vector_size=row.vector_size, **shared))
    assert again.moduli == row.moduli
    with pytest.raises(NoSolutionError):
        moduli_table(ModuliRequest(vector_size=row.vector_size + 1, **shared))


def test_the_longest_by_its_formula() -> None:
    wide = ModuliRequest(bits=8, count=10)
    (row,) = longest_dot_products(replace(wide, input_bits=30, weight_bits=30))
    assert row.vector_size == (row.dynamic_range - 1) // (2 * (2**29 - 1) ** 2)
    with pytest.raises(NoSolutionError, match=r"terms, which is as long as they may be"):
        longest_dot_products(wide)


def test_each_of_the_best_sets_has_its_longest() -> None:
    rows = longest_dot_products(ModuliRequest(bits=6, count=4), top=3)
    assert [row.rank for row in rows] == [1, 2, 3]
    assert [row.vector_size for row in rows] == [(row.dynamic_range - 1) // 1922 for row in rows]


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"bits": 6}, "`solve` needs a set"),
        ({"bits": 6, "precision_bits": 20, "count": 4}, "`precision_bits` leaves no `vector_size`"),
    ],
)
def test_what_has_no_longest(request_: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        longest_dot_products(ModuliRequest(**request_))
