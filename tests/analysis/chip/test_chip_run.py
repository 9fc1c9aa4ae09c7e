"""A chip against an account by hand, sums of parts, and bounds that no mapping passes."""

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnscli import InputError, NoSolutionError
from rnscli.analysis import (
    CHIP_ENERGY_PARTS,
    ChipParameters,
    ChipRow,
    EnergyParameters,
    chip_run,
    uncertain_energy,
)
from rnscli.core import DotProduct
from rnscli.core.cores.kind import add
from rnscli.hardware import (
    MEMORIES,
    NETWORK_ON_CHIP,
    Gemm,
    VectorWork,
    Workload,
    load_technology,
)

SIZE = 128
ARRAY = EnergyParameters(
    core="fixed-lp",
    dot_product=DotProduct(SIZE, 8, 8),
    bits=8,
    technology=load_technology("switched-capacitor"),
)
SMALL = Workload(
    "small",
    (
        Gemm("first", m=100, k=200, n=100, inputs=5000),
        Gemm("second", m=25, k=100, n=130),
        Gemm("scores", m=25, k=64, n=25, count=2, stationary=False),
    ),
    vectors=(VectorWork("first", "relu", 10_000), VectorWork("scores", "softmax", 1250)),
)


def chip(**settings: Any) -> ChipParameters:
    return ChipParameters(array=ARRAY, **settings)


def total_of(rows: tuple[ChipRow, ...]) -> ChipRow:
    return rows[-1]


def test_the_account_by_hand() -> None:
    first, second, scores, total = chip_run(chip(arrays=20, buffer_banks=64), SMALL)
    unit = ARRAY.design
    interval = unit.timing.interval
    # first: ceil(200/128) x 1 = 2 tiles, 100 vectors; second: 1 x 2 tiles, 25 vectors. Of 20 units
    # eight copies of the first and two of the second: 13 vectors each. Then 16 + 4 units are full.
    assert (first.tiles, second.tiles, total.tiles) == (2, 2, 4)
    assert (first.copies, second.copies) == (8, 2)
    assert first.time_s == pytest.approx(13 * interval)
    assert second.time_s == pytest.approx(13 * interval)
    assert total.time_s == pytest.approx(13 * interval)
    assert scores.runs_on == "digital units"
    assert scores.digital_energy_j == pytest.approx(
        25 * 2 * SIZE * chip().digital.energies.total, rel=1e-9
    )
    row = uncertain_energy(ARRAY, {})
    passes = 100 * 2
    assert first.converter_energy_j == pytest.approx(passes * SIZE * row.converter_energy_j)
    # A comparison of 32 bits for each value.
    prices = unit.technology.operations
    assert first.vector_energy_j == pytest.approx(10_000 * prices.energy(add(32)))
    bits = 8 * (5000 + 100 * 100)
    assert first.buffer_energy_j == pytest.approx(
        bits * MEMORIES["sram-1m"].energy * unit.technology.node / 45e-9
    )
    assert total.area_m2 is not None
    distance = 2 / 3 * math.sqrt(total.area_m2)
    sums = 100 * 100 * unit.dot_product.output_bits
    assert first.network_energy_j == pytest.approx(
        NETWORK_ON_CHIP.energy(bits + sums, distance, unit.technology.node)
    )
    assert first.dram_energy_j == 0
    assert total.area_m2 > 20 * unit.area == pytest.approx(total.arrays_area_m2)


def test_one_copy_of_each_tile_is_the_default() -> None:
    *_, total = chip_run(chip(buffer_banks=64), SMALL)
    assert total.arrays == 4
    assert total.time_s == pytest.approx(100 * ARRAY.design.timing.interval)


def test_channels_take_arrays() -> None:
    """Residues of n channels hold an n-th of the tiles; slices alike."""
    slices = replace(ARRAY, core="bit-sliced", slice_bits=4)
    made = ChipParameters(array=slices, arrays=40, buffer_banks=64)
    *_, total = chip_run(made, SMALL)
    assert slices.design.arrays == 2
    assert total_of(chip_run(chip(arrays=20, buffer_banks=64), SMALL)).time_s == pytest.approx(
        total.time_s * ARRAY.design.timing.interval / slices.design.timing.interval
    )


GEMMS = st.lists(
    st.builds(
        Gemm,
        layer=st.sampled_from("abcdef"),
        m=st.integers(1, 200),
        k=st.integers(1, 300),
        n=st.integers(1, 300),
        count=st.integers(1, 3),
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=30, deadline=None)
@given(GEMMS, st.integers(0, 60))
def test_bounds(gemms: list[Gemm], spare: int) -> None:
    workload = Workload("any", tuple(gemms))
    *layers, total = chip_run(chip(), workload)
    units = total.arrays + spare
    *layers, total = chip_run(chip(arrays=units), workload)
    # Energy is the sum of its parts, and of its layers.
    for row in (*layers, total):
        parts = math.fsum(getattr(row, name) for name in CHIP_ENERGY_PARTS)
        assert row.energy_j == pytest.approx(parts)
    for name in ("energy_j", "power_w", "tops"):
        every = math.fsum(getattr(row, name) for row in layers)
        assert getattr(total, name) == pytest.approx(every)
    # No faster than the arrays could multiply, nor than the buffer gives.
    each = SIZE * SIZE / ARRAY.design.timing.interval
    assert total.time_s >= workload.macs / (units * each) * (1 - 1e-12)
    assert total.utilisation <= 1 + 1e-12
    assert total.buffer_bytes is not None
    bandwidth = total.buffer_bytes / 2**20 * MEMORIES["sram-1m"].bandwidth
    moved = sum(8 * (gemm.input_values + gemm.m * gemm.n * gemm.count) for gemm in gemms)
    assert total.time_s >= moved / bandwidth * (1 - 1e-12)
    assert total.latency_s is not None
    assert total.latency_s >= total.time_s * (1 - 1e-12)
    # More arrays never lengthen it.
    more = total_of(chip_run(chip(arrays=units + 7), workload))
    assert more.time_s <= total.time_s * (1 + 1e-12)


KEYS = {"chip_area": "area_m2", "chip_power": "power_w"}


@pytest.mark.parametrize(("limit", "value"), [("chip_area", 40e-6), ("chip_power", 3.0)])
def test_as_many_as_fit(limit: str, value: float) -> None:
    one_by_one = {"schedule": "sequential"}
    *_, total = chip_run(chip(**{limit: value}, **one_by_one), SMALL)
    assert getattr(total, KEYS[limit]) <= value
    *_, more = chip_run(chip(arrays=total.arrays + 1, **one_by_one), SMALL)
    assert getattr(more, KEYS[limit]) > value


@pytest.mark.parametrize(("limit", "value"), [("chip_area", 40e-6), ("chip_power", 3.0)])
def test_the_fastest_that_fits(limit: str, value: float) -> None:
    """No chip of one unit, or lane, more or less is faster and fits."""
    *_, total = chip_run(chip(**{limit: value}), SMALL)
    assert total.schedule == "pipelined"
    assert getattr(total, KEYS[limit]) <= value
    digital, lanes = total.digital_units, total.vector_lanes
    assert digital and lanes
    for arrays in range(total.arrays - 1, total.arrays + 2):
        for units in range(max(1, digital - 1), digital + 2):
            for many in range(max(1, lanes - 1), lanes + 2):
                other = chip(arrays=arrays, digital_units=units, vector_lanes=many)
                *_, found = chip_run(other, SMALL)
                fits = getattr(found, KEYS[limit]) <= value
                assert not fits or found.time_s >= total.time_s * (1 - 2e-3)


def test_a_chip_that_takes_too_much_rests() -> None:
    *_, total = chip_run(chip(chip_area=40e-6, chip_power=1e-3), SMALL)
    assert total.limited_by == "power"
    assert total.power_w == pytest.approx(1e-3)
    assert total.time_s == pytest.approx(total.energy_j / 1e-3)
    assert total.latency_s is not None
    assert total.latency_s < total.time_s


def test_an_area_that_is_too_small() -> None:
    with pytest.raises(NoSolutionError, match="`chip_area` 1000 um2 is less than the 1 arrays"):
        chip_run(chip(chip_area=1e-9), SMALL)
    with pytest.raises(NoSolutionError, match="too little for one copy of each tile"):
        chip_run(chip(chip_area=1e-9, schedule="pipelined"), SMALL)


def test_training_is_not_pipelined() -> None:
    backward = Gemm("gradient", m=100, k=100, n=200, shares="first", transposed=True)
    workload = Workload("training", (*SMALL.gemms, backward), trains=True)
    with pytest.raises(InputError, match="pipelined is not for training"):
        chip_run(chip(schedule="pipelined"), workload)


def test_bad_chips() -> None:
    with pytest.raises(InputError, match="`arrays` and `chip_area` both say"):
        chip(arrays=3, chip_area=1e-6)
    with pytest.raises(InputError, match="needs 4 arrays"):
        chip_run(chip(arrays=3, schedule="pipelined"), SMALL)
    with pytest.raises(InputError, match="vmm"):
        ChipParameters(array=replace(ARRAY, kernel="mvm"))
