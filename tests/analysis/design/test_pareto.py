"""The Pareto front against the definition, one pair of points after the other."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnscli.analysis.design import pareto
from rnscli.analysis.design.pareto import pareto_front, ranked

Point = Sequence[float]
BLOCK = pareto._BLOCK


def dominates(one: Point, other: Point) -> bool:
    no_larger = all(mine <= theirs for mine, theirs in zip(one, other, strict=True))
    return no_larger and any(mine < theirs for mine, theirs in zip(one, other, strict=True))


def by_definition(points: Sequence[Point]) -> list[int]:
    """Of equal points the first; of different ones those that none dominates."""
    return [
        index
        for index, point in enumerate(points)
        if tuple(point) not in {tuple(before) for before in points[:index]}
        and not any(dominates(other, point) for other in points)
    ]


few = st.sampled_from([0.0, 1.0, 2.0, 3.0, math.inf])
any_number = st.floats(min_value=0.0, allow_nan=False, allow_infinity=True)
sets = st.integers(1, 5).flatmap(
    lambda objectives: st.sampled_from([few, any_number, few | any_number]).flatmap(
        lambda numbers: st.lists(
            st.lists(numbers, min_size=objectives, max_size=objectives), min_size=1, max_size=30
        )
    )
)


@settings(derandomize=True, deadline=None, max_examples=70)
@given(sets)
def test_front_by_definition(points: list[list[float]]) -> None:
    assert pareto_front(np.array(points)).tolist() == by_definition(points)


@settings(derandomize=True, deadline=None, max_examples=70)
@given(sets, st.integers(1, 7))
def test_blocks_do_not_matter(points: list[list[float]], block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pareto, "_BLOCK", block)
        assert pareto_front(np.array(points)).tolist() == by_definition(points)


@pytest.mark.parametrize("objectives", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("size", [BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 3])
def test_sizes_across_the_internal_block(objectives: int, size: int) -> None:
    rng = np.random.default_rng(size + objectives)
    points = rng.integers(0, 12, (size, objectives)).astype(float)
    points[rng.random(points.shape) < 0.02] = math.inf
    assert pareto_front(points).tolist() == by_definition(points.tolist())


@pytest.mark.parametrize("size", [BLOCK + 1, 3 * BLOCK])
def test_a_front_larger_than_a_block_is_kept_whole(size: int) -> None:
    rising = np.arange(size, dtype=float)
    points = np.stack((rising, -rising), axis=1)[np.random.default_rng(0).permutation(size)]
    assert pareto_front(points).tolist() == list(range(size))
    beaten = np.concatenate((points + 1, points))  # each by its twin, and where they shift on
    assert pareto_front(beaten).tolist() == list(range(size, 2 * size))


def test_of_equal_points_the_first_is_kept() -> None:
    assert pareto_front(np.tile([[2.0, 1.0]], (BLOCK + 5, 1))).tolist() == [0]
    assert pareto_front(np.array([[3.0, 1.0], [1.0, 2.0], [3.0, 1.0], [1.0, 2.0]])).tolist() == [
        0,
        1,
    ]


def test_infinities_are_the_largest_values() -> None:
    points = np.array([[math.inf, 0.0], [math.inf, math.inf], [1.0, math.inf], [1.0, 5.0]])
    assert pareto_front(points).tolist() == [0, 3]
    assert pareto_front(np.full((3, 2), math.inf)).tolist() == [0]


@pytest.mark.parametrize("objectives", [1, 5])
def test_no_points(objectives: int) -> None:
    assert pareto_front(np.empty((0, objectives))).tolist() == []


@settings(derandomize=True, deadline=None, max_examples=60)
@given(sets, st.randoms(use_true_random=False))
def test_order_and_scale_do_not_matter(points: list[list[float]], shuffle) -> None:
    costs = np.array(points)
    order = list(range(len(points)))
    shuffle.shuffle(order)
    front = {tuple(point) for point in costs[pareto_front(costs)]}
    assert {tuple(point) for point in costs[order][pareto_front(costs[order])]} == front
    # Only the order of the values counts.
    ranks = np.stack([np.unique(column, return_inverse=True)[1] for column in costs.T], axis=1)
    assert pareto_front(ranks.astype(float)).tolist() == pareto_front(costs).tolist()


def test_what_only_rounding_tells_apart_has_one_rank() -> None:
    costs = np.array([[0.1 + 0.2, 0.0], [0.3, 1e-300], [0.3 * (1 + 1e-9), np.inf], [0.2, np.inf]])
    assert ranked(costs).tolist() == [[1, 0], [1, 1], [2, 2], [0, 2]]


@given(
    points=st.lists(st.tuples(*[st.integers(0, 6)] * 3), min_size=1, max_size=40),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_last_digits_do_not_change_the_front(points: list[tuple[int, ...]], seed: int) -> None:
    rng = np.random.default_rng(seed)
    exact = np.array(points, dtype=float)
    costs = exact * (1 + rng.integers(-3, 4, exact.shape) * np.finfo(float).eps)
    assert pareto_front(ranked(costs)).tolist() == pareto_front(exact).tolist()
