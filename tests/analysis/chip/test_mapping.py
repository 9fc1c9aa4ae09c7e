"""Copies of layers against all numbers of copies that fit, in small cases."""

import math
from collections.abc import Sequence
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnscli import NoSolutionError
from rnscli.analysis.chip.mapping import Stage, balanced_copies, least_latency, spread_copies

STAGES = st.lists(
    st.builds(
        Stage,
        tiles=st.integers(1, 4),
        waves=st.integers(1, 9),
        time=st.sampled_from([1.0, 0.3, 1e-9, 7.0]),
        steps=st.integers(1, 3),
        depth=st.integers(1, 3),
    ),
    min_size=1,
    max_size=3,
)


def all_copies(stages: Sequence[Stage], units: int) -> list[tuple[int, ...]]:
    return [
        copies
        for copies in product(*(range(1, min(stage.waves, units) + 1) for stage in stages))
        if sum(s.tiles * c for s, c in zip(stages, copies, strict=True)) <= units
    ]


def slowest(stages: Sequence[Stage], copies: Sequence[int]) -> float:
    return max(
        s.steps * math.ceil(s.waves / c) * s.time for s, c in zip(stages, copies, strict=True)
    )


def latency(stages: Sequence[Stage], copies: Sequence[int]) -> float:
    return math.fsum(
        s.depth * s.steps * math.ceil(s.waves / c) * s.time
        for s, c in zip(stages, copies, strict=True)
    )


@given(STAGES, st.integers(0, 14))
def test_balanced_is_the_best_of_all(stages: list[Stage], spare: int) -> None:
    units = sum(stage.tiles for stage in stages) + spare
    copies = balanced_copies(stages, units)
    best = min(slowest(stages, one) for one in all_copies(stages, units))
    assert slowest(stages, copies) == pytest.approx(best, rel=1e-12)
    # And the fewest units that are as fast.
    fewest = min(
        sum(s.tiles * c for s, c in zip(stages, one, strict=True))
        for one in all_copies(stages, units)
        if slowest(stages, one) <= best * (1 + 1e-12)
    )
    assert sum(s.tiles * c for s, c in zip(stages, copies, strict=True)) == fewest


@given(STAGES, st.integers(0, 14))
def test_spread_is_between_its_bound_and_the_best(stages: list[Stage], spare: int) -> None:
    units = sum(stage.tiles for stage in stages) + spare
    copies = spread_copies(stages, units)
    assert copies in all_copies(stages, units)
    best = min(latency(stages, one) for one in all_copies(stages, units))
    bound = least_latency(stages, units)
    assert bound <= best * (1 + 1e-9)
    # Rounding down a number of copies, and rounding up waves, each cost less than a factor of two.
    assert best * (1 - 1e-12) <= latency(stages, copies) <= 4 * bound * (1 + 1e-9)


@given(STAGES, st.integers(0, 14))
def test_more_units_never_make_it_slower(stages: list[Stage], spare: int) -> None:
    units = sum(stage.tiles for stage in stages) + spare
    times = [slowest(stages, balanced_copies(stages, units + more)) for more in range(3)]
    assert times == sorted(times, reverse=True)


def test_too_few_units() -> None:
    with pytest.raises(NoSolutionError, match="one copy of each layer takes 5 units of 4"):
        balanced_copies([Stage(2, 1, 1.0), Stage(3, 1, 1.0)], 4)


def test_many_layers() -> None:
    """Of 10^4 layers, so that a bisection which does not end is noticed."""
    stages = [Stage(1 + i % 7, 1 + i % 1000, 1e-9 * (1 + i % 3)) for i in range(10_000)]
    copies = balanced_copies(stages, 10**6)
    assert sum(s.tiles * c for s, c in zip(stages, copies, strict=True)) <= 10**6
    assert max(copies) > 1
