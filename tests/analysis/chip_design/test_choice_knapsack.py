"""Choices of least cost against all combinations, and a bound where not all are looked at."""

import itertools
import math
import random
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnscli import InputError
from rnscli.analysis.chip_design.choice_knapsack import Selection, least_cost
from rnscli.base import NoSolutionError

# Few different numbers, so that there are ties; and any.
NUMBERS = st.one_of(st.integers(0, 4).map(float), st.floats(0, 4))
ITEMS = st.lists(
    st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=4), min_size=1, max_size=5
)


def solved(items: list[list[tuple[float, float]]], budget: float, most: int = 10**6) -> Selection:
    costs = [[cost for cost, _ in item] for item in items]
    weights = [[weight for _, weight in item] for item in items]
    return least_cost(costs, weights, budget, most)


def by_brute_force(items: list[list[tuple[float, float]]], budget: float) -> float | None:
    fitting = [
        math.fsum(cost for cost, _ in chosen)
        for chosen in itertools.product(*items)
        if math.fsum(weight for _, weight in chosen) <= budget * (1 + 1e-12)
    ]
    return min(fitting, default=None)


@settings(max_examples=70, deadline=None)
@given(ITEMS, st.floats(0, 12))
def test_the_least_of_all_combinations(
    items: list[list[tuple[float, float]]], budget: float
) -> None:
    least = by_brute_force(items, budget)
    if least is None:
        with pytest.raises(NoSolutionError, match="the lightest choices weigh"):
            solved(items, budget)
        return
    found = solved(items, budget)
    assert found.cost == pytest.approx(least, abs=1e-12)
    assert found.gap == 0 and found.bound == found.cost
    assert found.weight <= budget * (1 + 1e-9)
    chosen = [item[place] for item, place in zip(items, found.choices, strict=True)]
    assert found.cost == math.fsum(cost for cost, _ in chosen)
    assert found.weight == math.fsum(weight for _, weight in chosen)


@settings(max_examples=40, deadline=None)
@given(ITEMS, st.floats(1, 12), st.integers(1, 3))
def test_a_bound_where_few_are_kept(
    items: list[list[tuple[float, float]]], budget: float, most: int
) -> None:
    least = by_brute_force(items, budget)
    if least is None:
        return
    found = solved(items, budget, most)
    assert found.bound <= least * (1 + 1e-9) + 1e-12
    assert found.cost >= least - 1e-12
    assert 0 <= found.gap <= 1


def test_a_hundred_layers_are_solved_exactly() -> None:
    """Costs and errors as of converters: the one doubles with a bit, the other is a quarter."""
    rng = random.Random(0)
    items = []
    for _ in range(100):
        size, noise = 10 ** rng.uniform(-2, 2), 10 ** rng.uniform(-2, 2)
        items.append([(size * 2**bits, noise * 4.0**-bits) for bits in range(2, 9)])
    budget = math.fsum(item[3][1] for item in items)
    found = solved(items, budget, 50_000)
    assert found.gap == 0 and found.weight <= budget
    # Better than one number of bits for all, which just fits.
    assert found.cost < 0.9 * math.fsum(item[3][0] for item in items)


def test_weights_that_hardly_differ() -> None:
    """A slope between them is more than a float can be."""
    items = [[(4.0, 0.0), (1.0, 5e-324), (0.5, 1e-320)], [(3.0, 0.0), (2.0, 5e-324), (0.0, 2.0)]]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for budget in (0.0, 5e-324, 1e-320, 2.0):
            assert solved(items, budget).cost == by_brute_force(items, budget)


def test_infinite_noise_is_no_choice() -> None:
    assert solved([[(1.0, math.inf), (2.0, 1.0)]], 1.0).choices == (1,)
    with pytest.raises(NoSolutionError, match="no choice of a finite weight"):
        solved([[(1.0, math.inf)]], 1.0)
    assert not issubclass(NoSolutionError, InputError)
