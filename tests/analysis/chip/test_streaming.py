"""Loading of tiles against hand-computed cases, and against an account tile by tile."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnscli.analysis.chip.mapping import Stage
from rnscli.analysis.chip.streaming import (
    Loading,
    resident_share,
    sequential_shares,
    streamed_share,
)

STAGE = st.builds(
    Stage, tiles=st.integers(1, 30), waves=st.integers(1, 20), time=st.sampled_from([1.0, 0.25])
)
LOADING = st.builds(
    Loading, unit=st.sampled_from([0.0, 3.0, 100.0]), tile=st.sampled_from([0.0, 0.5, 7.0])
)


@given(STAGE, st.integers(1, 12), LOADING)
def test_rounds_one_by_one(stage: Stage, pool: int, loading: Loading) -> None:
    share = streamed_share(stage, pool, loading)
    left, compute, write, writes = stage.tiles, 0.0, 0.0, 0
    while left:
        now = min(left, pool)
        left -= now
        # With as many copies of each as fit, and the fewest that are as fast.
        rounds = min(-(-stage.waves // c) for c in range(1, pool // now + 1))
        copies = min(c for c in range(1, pool // now + 1) if -(-stage.waves // c) == rounds)
        compute += rounds * stage.time
        write += max(loading.unit, now * loading.tile)
        writes += now * copies
    assert share.compute == pytest.approx(compute)
    assert share.write == pytest.approx(write)
    assert share.writes == writes
    assert share.units <= pool


def test_128_tiles_in_one_array_are_loaded_one_by_one() -> None:
    (share,) = sequential_shares([Stage(128, 49, 2e-9)], 1, [Loading(1e-6, 0.0)], [False])
    assert share.writes == 128
    assert share.write == pytest.approx(128e-6)
    assert share.compute == pytest.approx(128 * 49 * 2e-9)


def test_what_fits_is_not_written() -> None:
    stages = [Stage(3, 10, 1.0), Stage(2, 5, 1.0)]
    shares = sequential_shares(stages, 5, [Loading(1.0, 1.0)] * 2, [False, False])
    assert [one.writes for one in shares] == [0, 0]
    assert [one.units for one in shares] == [3, 2]


def test_what_takes_most_to_load_stays() -> None:
    """Two layers of equal size, of which one computes long, so that loading it matters less."""
    stages = [Stage(4, 1, 1.0), Stage(4, 1, 1.0), Stage(4, 1, 1.0)]
    shares = sequential_shares(stages, 8, [Loading(50.0, 10.0)] * 3, [False] * 3)
    assert sum(one.resident for one in shares) == 1
    assert math.fsum(one.write for one in shares) == 100.0


@given(st.lists(STAGE, min_size=1, max_size=4), st.integers(1, 40), LOADING, st.data())
def test_never_more_units_than_there_are(
    stages: list[Stage], units: int, loading: Loading, data: st.DataObject
) -> None:
    written = [data.draw(st.booleans()) for _ in stages]
    shares = sequential_shares(stages, units, [loading] * len(stages), written)
    held = sum(one.units for one in shares if one.resident)
    moved = [one.units for one in shares if not one.resident]
    assert held + max(moved, default=0) <= units
    for share, stage, must in zip(shares, stages, written, strict=True):
        assert share.resident or share.writes >= stage.tiles
        assert not (must and share.resident)
    # Loading everything is among the choices.
    everything = math.fsum(streamed_share(one, units, loading).duration for one in stages)
    if sum(s.tiles for s, must in zip(stages, written, strict=True) if not must) > units:
        assert math.fsum(one.duration for one in shares) <= everything * (1 + 1e-12)


def test_layers_in_depth_follow_one_another() -> None:
    share = resident_share(Stage(6, 10, 1.0, depth=3), 2)
    assert share.compute == 15.0
    moved = streamed_share(Stage(6, 10, 1.0, depth=3), 2, Loading(1.0, 0.0))
    assert (moved.compute, moved.write, moved.writes) == (30.0, 3.0, 6)
