"""The search of a chip within limits, against all chips of a small space."""

import itertools
from dataclasses import replace
from typing import Any

import pytest

from rnscli.analysis import ChipParameters, ChipRow, EnergyParameters, chip_run
from rnscli.core import DotProduct
from rnscli.hardware import Gemm, VectorWork, Workload, load_technology, load_workload

ARRAY = EnergyParameters(
    core="fixed-lp",
    dot_product=DotProduct(64, 6, 6),
    bits=6,
    technology=load_technology("switched-capacitor"),
)
MANY = Workload(
    "many tiles",
    (
        Gemm("first", m=64, k=256, n=256),
        Gemm("second", m=16, k=512, n=256),
        Gemm("scores", m=64, k=64, n=64, count=2, stationary=False),
        Gemm("last", m=1, k=512, n=100),
    ),
    vectors=(VectorWork("first", "relu", 16_384), VectorWork("scores", "softmax", 8192)),
)


def total_of(workload: Workload, **settings: Any) -> ChipRow:
    array = settings.pop("array", ARRAY)
    return chip_run(ChipParameters(array=array, **settings), workload)[-1]


@pytest.mark.parametrize(
    ("area", "power"), [(9.5e-6, None), (15e-6, None), (20e-6, 1.0), (14e-6, 3.0), (12e-6, 0.05)]
)
def test_layers_in_turn_on_the_best_chip(area: float, power: float | None) -> None:
    """No chip of 1 to 12 units, 1 to 3 digital ones and 1 to 200 lanes is 2 % faster."""
    limits = {"chip_area": area, "chip_power": power, "schedule": "sequential"}
    found = total_of(MANY, **limits)
    assert found.area_m2 is not None and found.area_m2 <= area
    assert found.power_w is not None
    assert power is None or found.power_w <= power * (1 + 1e-9)
    best = float("inf")
    lanes = (1, 2, 3, 4, 6, 8, 12, 16, 24, 40, 60, 100, 200)
    for units, digital, many in itertools.product(range(1, 13), range(1, 4), lanes):
        other = total_of(
            MANY, arrays=units, digital_units=digital, vector_lanes=many, schedule="sequential"
        )
        assert other.area_m2 is not None
        if other.area_m2 > area:
            continue
        # One that takes too much power rests.
        best = min(best, max(other.time_s, other.energy_j / power if power else 0.0))
    assert found.time_s <= best * 1.02


def test_a_small_power_takes_a_small_chip() -> None:
    """At 2 W a large digital chip would rest most of the time, and be read from far away."""
    digital = replace(ARRAY, core="digital-int8", technology=load_technology("digital-logic"))
    network = load_workload("resnet50")
    limits = {"chip_area": 400e-6, "chip_power": 2.0, "array": digital}
    found = total_of(network, **limits)
    assert found.limited_by == "power"
    assert found.area_m2 is not None and found.area_m2 < 100e-6
    for arrays in (100, 1000):
        more = total_of(network, array=digital, arrays=arrays, chip_power=None)
        assert found.time_s <= more.energy_j / 2.0


def test_the_search_ends_where_chips_are_nearly_alike() -> None:
    """It went in a circle of chips each of which was a little better than the one before."""
    array = replace(ARRAY, adc_range="calibrated")
    network = load_workload("llama-2-7b")
    found = total_of(network, array=array, chip_area=400e-6, chip_power=20.0, dram="hbm2")
    assert found.schedule == "sequential"
    assert found.area_m2 is not None and found.area_m2 <= 400e-6


def test_given_lanes_are_a_limit_of_the_search() -> None:
    """More arrays help nothing where lanes that are given take the time, and that is said."""
    alone = total_of(MANY, vector_lanes=2, buffer_banks=8)
    found = total_of(MANY, vector_lanes=2, buffer_banks=8, chip_area=1e-3)
    assert alone.limited_by == found.limited_by == "vector lanes"
    assert found.time_s == pytest.approx(alone.time_s)
    assert found.arrays == alone.arrays
