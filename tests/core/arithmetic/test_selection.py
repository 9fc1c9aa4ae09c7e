import itertools
import math
import random
from functools import cache

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import lil_matrix

from rnscli.base.errors import InputError, NoSolutionError
from rnscli.core.arithmetic.dot_product import DotProduct
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.arithmetic.selection import (
    common_factor_family,
    select_moduli,
    set_exists,
    special_family,
)

Score = tuple[int, int]


@cache
def coprime_sets(max_modulus: int) -> tuple[tuple[int, ...], ...]:
    """Every nonempty pairwise coprime subset of ``2..max_modulus``, each descending."""
    sets: list[tuple[int, ...]] = [()]
    for modulus in range(max_modulus, 1, -1):
        sets += [(*s, modulus) for s in sets if all(math.gcd(modulus, m) == 1 for m in s)]
    return tuple(sets[1:])


def brute_force(
    required: int, max_modulus: int, redundant: int, count: int | None, top: int
) -> list[Score]:
    """Scores of the best sets: product of the n smallest, then of the k largest."""
    by_count: dict[int, list[Score]] = {}
    for members in coprime_sets(max_modulus):
        n = len(members) - redundant
        product = math.prod(members[redundant:])
        if n >= 1 and product >= required and count in (None, n):
            by_count.setdefault(n, []).append((product, math.prod(members[:redundant])))
    if not by_count:
        return []
    return sorted(by_count[min(by_count)], reverse=True)[:top]


def scores_of(sets: tuple[ModuliSet, ...]) -> list[Score]:
    return [(math.prod(s.information), math.prod(s.redundant_moduli)) for s in sets]


def check(required: int, max_modulus: int, redundant: int, count: int | None, top: int) -> bool:
    """Compare one instance with brute force; whether it had a solution."""
    wanted = brute_force(required, max_modulus, redundant, count, top)
    options = {"redundant": redundant, "count": count, "top": top}
    if not wanted:
        with pytest.raises(NoSolutionError):
            select_moduli(required, max_modulus, **options)
        return False
    sets = select_moduli(required, max_modulus, **options)
    assert scores_of(sets) == wanted
    assert len({s.moduli for s in sets}) == len(sets)
    for found in sets:
        assert found.moduli in coprime_sets(max_modulus)
        assert found.redundant == redundant
    return True


@pytest.mark.parametrize("max_modulus", [*range(2, 13), 16, 20, 24])
def test_complete_ranking_against_brute_force(max_modulus: int) -> None:
    rng = random.Random(max_modulus)
    outcomes = set()
    for _ in range(150):
        required = int(10 ** rng.uniform(0, math.log10(max_modulus) * 5))
        count = rng.choice([None, None, None, 1, 2, 3, 4])
        top = rng.choice([1, 1, 2, 5, 30, 1000])
        outcomes.add(check(required, max_modulus, rng.randrange(4), count, top))
    assert outcomes == {True, False}  # both answers were exercised


@pytest.mark.parametrize("redundant", range(4))
@pytest.mark.parametrize("top", [1, 3, 1000])
def test_at_and_just_beyond_the_reach(redundant: int, top: int) -> None:
    products = {
        math.prod(s[redundant:]) for s in coprime_sets(15) if len(s) > redundant
    }  # every range at which the answer can change
    boundaries = random.Random(redundant).sample(sorted(products), min(30, len(products)))
    for product in [max(products), *boundaries]:
        assert check(product, 15, redundant, None, top)
    assert not check(max(products) + 1, 15, redundant, None, top)


PUBLISHED = {
    4: (15, 14, 13, 11),
    5: (31, 29, 28, 27),
    6: (63, 62, 61, 59),
    7: (127, 126, 125),
    8: (255, 254, 253),
}


@pytest.mark.parametrize("rule", ["exact", "bits"])
@pytest.mark.parametrize("bits", PUBLISHED)
def test_published_table(bits: int, rule: str) -> None:
    required = DotProduct(128, bits, bits).required_range(rule)
    (best,) = select_moduli(required, 2**bits - 1)
    assert best == ModuliSet(PUBLISHED[bits])


def test_three_six_bit_moduli_miss_by_a_little() -> None:
    required = DotProduct(128, 6, 6).dynamic_range
    (three,) = select_moduli(1, 63, count=3)
    assert three.moduli == (63, 62, 61)
    assert three.dynamic_range == 238_266 < required == 246_017
    with pytest.raises(NoSolutionError, match=r"exactly 3 .*246017"):
        select_moduli(required, 63, count=3)


def test_redundancy_is_a_real_search() -> None:
    four_bits = DotProduct(128, 4, 4).dynamic_range
    (one,) = select_moduli(four_bits, 15, redundant=1)
    assert one == ModuliSet([13, 11, 9, 8, 7, 5], redundant=1)
    with pytest.raises(NoSolutionError, match=r"up to 15 covers .* and 2 redundant moduli"):
        select_moduli(four_bits, 15, redundant=2)
    (three,) = select_moduli(DotProduct(128, 6, 6).dynamic_range, 63, redundant=3)
    assert three == ModuliSet([62, 61, 59, 57, 55, 53, 49], redundant=3)


def test_max_modulus_may_be_a_power_of_two() -> None:
    (best,) = select_moduli(256 * 255 * 253, 256)
    assert best.moduli == (256, 255, 253)
    assert select_moduli(256 * 255 * 253 + 1, 256)[0].count == 4


@pytest.mark.parametrize("count", [1, 2, 5, 8])
def test_forced_count(count: int) -> None:
    (best,) = select_moduli(2, 63, count=count, redundant=1)
    assert (best.information_count, best.redundant) == (count, 1)


def primes_up_to(number: int) -> list[int]:
    sieve = np.ones(number + 1, dtype=bool)
    sieve[:2] = False
    for p in range(2, math.isqrt(number) + 1):
        if sieve[p]:
            sieve[p * p :: p] = False
    return [int(p) for p in np.flatnonzero(sieve)]


def best_log_product(candidates: list[int], n: int, redundant: int) -> float:
    """Largest log-product of the n smallest of n + k coprime candidates, by linear programming.

    Pairwise coprime means: of the multiples of each prime at most one is taken. Binary variables
    y (taken as information), z (taken as redundant) and u, which is 1 above a threshold that
    separates the two. Minus infinity if there is no such set.
    """
    size = len(candidates)
    rows: list[tuple[dict[int, float], float, float]] = []
    for prime in primes_up_to(max(candidates)):
        multiples = [i for i, m in enumerate(candidates) if m % prime == 0]
        if len(multiples) > 1:
            rows.append(({j: 1 for i in multiples for j in (i, size + i)}, 0, 1))
    rows.append((dict.fromkeys(range(size), 1), n, n))
    rows.append((dict.fromkeys(range(size, 2 * size), 1), redundant, redundant))
    for i in range(size):
        rows.append(({i: 1, 2 * size + i: 1}, 0, 1))
        rows.append(({size + i: 1, 2 * size + i: -1}, -1, 0))
    # Candidates ascend, and so does u.
    rows += [({i: 1, i + 1: -1}, -1, 0) for i in range(2 * size, 3 * size - 1)]
    matrix = lil_matrix((len(rows), 3 * size))
    for index, (row, _, _) in enumerate(rows):
        for column, value in row.items():
            matrix[index, column] = value
    low, high = [r[1] for r in rows], [r[2] for r in rows]
    cost = np.zeros(3 * size)
    cost[:size] = [-math.log(m) for m in candidates]
    result = milp(
        cost,
        constraints=LinearConstraint(matrix.tocsr(), low, high),
        integrality=np.ones(3 * size),
        bounds=Bounds(0, 1),
        options={"mip_rel_gap": 0},
    )
    assert result.status in (0, 2), result.message  # optimal, or proven infeasible
    if result.status == 2:
        return -math.inf
    return -float(result.fun)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("required", "max_modulus", "redundant"),
    [
        (DotProduct(128, 6, 6).dynamic_range, 63, 2),
        (DotProduct(128, 6, 6).dynamic_range, 63, 4),
        (2**40, 127, 3),
        (2**64, 255, 0),
        (2**64, 255, 4),
        (2**64, 256, 2),
        (2**128, 65535, 0),
        (2**128, 65535, 4),
    ],
)
def test_larger_instances_against_linear_programming(
    required: int, max_modulus: int, redundant: int
) -> None:
    (best,) = select_moduli(required, max_modulus, redundant=redundant)
    n = best.information_count
    product = math.prod(best.information)
    assert product >= required
    assert max(best.moduli) <= max_modulus
    assert all(math.gcd(a, b) == 1 for a, b in itertools.combinations(best.moduli, 2))
    # A better set has no member below this: n - 1 others are at most max_modulus each.
    lowest = max(2, -(-product // max_modulus ** (n - 1)))
    bound = best_log_product(list(range(lowest, max_modulus + 1)), n, redundant)
    assert math.log(product) == pytest.approx(bound, rel=0, abs=1e-9)
    # Fewer members do not reach the range.
    if max_modulus ** (n - 1) >= required:
        lowest = max(2, -(-required // max_modulus ** (n - 2)))
        fewer = best_log_product(list(range(lowest, max_modulus + 1)), n - 1, redundant)
        assert fewer < math.log(required)


def test_ranking_of_a_large_instance_is_strictly_descending() -> None:
    sets = select_moduli(2**64, 255, redundant=2, top=20)
    scores = scores_of(sets)
    assert len(set(scores)) == 20
    assert scores == sorted(scores, reverse=True)
    assert select_moduli(2**64, 255, redundant=2, top=7) == sets[:7]


@pytest.mark.parametrize("max_modulus", [2, 4, 5, 8, 9, 63, 64, 65, 66, 2**31])
@pytest.mark.parametrize("required", [1, 60, 61, 504, 505, 30_000])
def test_special_family(max_modulus: int, required: int) -> None:
    triples = [(2**j + 1, 2**j, 2**j - 1) for j in range(2, 40)]
    wanted = [t for t in reversed(triples) if t[0] <= max_modulus and math.prod(t) >= required]
    if not wanted:
        with pytest.raises(NoSolutionError, match=f"up to {max_modulus} covers .*{required}"):
            special_family(required, max_modulus)
        return
    assert [s.moduli for s in special_family(required, max_modulus, top=100)] == wanted
    assert [s.moduli for s in special_family(required, max_modulus)] == wanted[:1]


@pytest.mark.parametrize("factor", [None, 2, 3, 4, 6])
@pytest.mark.parametrize("redundant", [0, 1, 2])
@pytest.mark.parametrize("max_modulus", [9, 16, 30, 48])
def test_common_factor_family(max_modulus: int, redundant: int, factor: int | None) -> None:
    """Against every set of multiples of every factor."""
    made = {}  # the range and redundancy of each set by its factor, of which no two are alike
    for common in range(2, max_modulus // 2 + 1) if factor is None else (factor,):
        for cofactors in coprime_sets(min(24, max_modulus // common)):
            n = len(cofactors) - redundant
            if n >= 1 and len(cofactors) > 1:
                score = common * math.prod(cofactors[redundant:]), math.prod(cofactors[:redundant])
                made[common, cofactors] = n, score
    for required in (2, 40, 150, 700, 3_000, 20_000):
        covering = [
            (n, -score[0], -common, -score[1])
            for (common, _), (n, score) in made.items()
            if score[0] >= required
        ]
        fewest = min((one[0] for one in covering), default=0)
        wanted = sorted(one for one in covering if one[0] == fewest)[:5]
        options = {"factor": factor, "redundant": redundant, "top": 5}
        if not wanted:
            with pytest.raises(NoSolutionError, match=f"up to {max_modulus} with"):
                common_factor_family(required, max_modulus, **options)
            continue
        sets = common_factor_family(required, max_modulus, **options)
        assert [
            (
                one.information_count,
                -one.dynamic_range,
                -one.factor,
                -math.prod(one.cofactors[:redundant]),
            )
            for one in sets
        ] == wanted
        assert all(one.dynamic_range == math.lcm(*one.information) for one in sets)
        assert all(one.total_range == math.lcm(*one.moduli) for one in sets)
        assert all(one.redundant == redundant for one in sets)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("required_range", 0),
        ("required_range", 1.5),
        ("max_modulus", 1),
        ("max_modulus", "63"),
        ("redundant", -1),
        ("count", 0),
        ("count", 2.0),
        ("top", 0),
        ("top", True),
    ],
)
def test_arguments_are_validated(name: str, value: object) -> None:
    arguments: dict[str, object] = {"required_range": 100, "max_modulus": 15} | {name: value}
    with pytest.raises(InputError, match=f"^`{name}` is {value}; "):
        select_moduli(**arguments)


def test_impossible_ranges_are_refused_quickly() -> None:
    with pytest.raises(NoSolutionError, match="up to 255 covers a range of at least 2\\^5000"):
        select_moduli(2**5000, 255)
    with pytest.raises(NoSolutionError, match="exactly 19 information moduli"):
        select_moduli(2, 63, count=19)  # there are 18 primes below 63


@pytest.mark.parametrize("count", [None, 1, 2, 3, 4])
@pytest.mark.parametrize("redundant", [0, 1, 2, 3])
@pytest.mark.parametrize("max_modulus", [2, 5, 9, 14, 20, 24])
def test_existence_is_that_of_an_answer(
    max_modulus: int, redundant: int, count: int | None
) -> None:
    for required in (1, 2, 50, 700, 6_000, 50_000, 10**6, 10**9):
        try:
            found = bool(select_moduli(required, max_modulus, redundant=redundant, count=count))
        except NoSolutionError:
            found = False
        assert set_exists(required, max_modulus, redundant=redundant, count=count) is found
