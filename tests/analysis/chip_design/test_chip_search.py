"""Chips of a search against `chip_run` for each, one after the other."""

import itertools
import math
from functools import cache
from typing import Any

import pytest

from rnscli import InputError
from rnscli.analysis import (
    ChipParameters,
    ChipSpace,
    DesignSpace,
    EnergyParameters,
    FaultParameters,
    ModuliRequest,
    attempts_of_pass,
    chip_run,
    fault_probability,
    search_chips,
    search_designs,
)
from rnscli.base import NoSolutionError
from rnscli.core import DotProduct, Uniform
from rnscli.hardware import Gemm, Workload

SMALL = Workload(
    "small", (Gemm("first", m=100, k=200, n=100), Gemm("second", m=25, k=100, n=130)), batch=2
)
LARGE = Workload(
    "large",
    (Gemm("one", m=64, k=640, n=640), Gemm("two", m=64, k=64, n=64, count=2, stationary=False)),
)
DESIGNS = DesignSpace(
    core=("fixed-lp", "bit-sliced", "digital-int8"), bits=(5, 7), vector_size=(64, 128),
    adc_range=("full", "1/8"), columns_per_adc=(None, 1), pairs=300,
)  # fmt: skip


def array(core: str, bits: int, size: int, adc_range: str, per_adc: int | None) -> EnergyParameters:
    return EnergyParameters(
        core=core, dot_product=DotProduct(size, bits, bits), bits=bits, adc_range=adc_range,
        columns_per_adc=per_adc,
    )  # fmt: skip


@cache
def error_of(core: str, bits: int, size: int, adc_range: str) -> float:
    one = DesignSpace(
        core=(core,), bits=(bits,), vector_size=(size,), adc_range=(adc_range,), pairs=300
    )
    return search_designs(one).chosen.metrics.mean_abs_error


def every_chip(workload: Workload, size: dict[str, Any]) -> dict[tuple[Any, ...], dict[str, float]]:
    """All designs of the space on one size of a chip, each by itself."""
    found = {}
    for core, bits, h, adc_range, per_adc in itertools.product(
        ("fixed-lp", "bit-sliced"), (5, 7), (64, 128), ("full", "1/8"), (None, 1)
    ):
        found[core, bits, h, adc_range, per_adc] = (core, bits, h, adc_range, per_adc)
    for h in (64, 128):
        found["digital-int8", 8, h, None, None] = ("digital-int8", 8, h, "full", None)
    numbers = {}
    for key, made in found.items():
        try:
            *_, total = chip_run(ChipParameters(array=array(*made), **size), workload)
        except (InputError, NoSolutionError):
            continue
        assert total.energy_per_inference_j is not None and total.throughput_per_s is not None
        assert total.area_m2 is not None and total.latency_s is not None
        numbers[key] = {
            "energy": total.energy_per_inference_j,
            "latency": total.latency_s,
            "time": 1 / total.throughput_per_s,
            "area": size.get("chip_area", total.area_m2),
            "error": error_of(*made[:4]),
        }
    return numbers


def key_of(design: Any) -> tuple[Any, ...]:
    return (
        design.core, design.bits, design.vector_size, design.adc_range, design.columns_per_adc
    )  # fmt: skip


def rounded(numbers: dict[str, float]) -> tuple[float, ...]:
    return tuple(float(f"{value:.3e}") for value in numbers.values())


@pytest.mark.parametrize("size", [{"chip_area": 5e-6}, {}], ids=str)
def test_the_front_of_all_chips(size: dict[str, Any]) -> None:
    every = every_chip(SMALL, size)
    (name, value), *_ = *size.items(), (None, None)
    space = ChipSpace(designs=DESIGNS, workloads=(SMALL,), size=name, sizes=(value,))
    result = search_chips(space, {"max_error": 3.0})
    kept = {key: rounded(one) for key, one in every.items() if one["error"] <= 3.0}
    assert result.feasible == len(kept)
    front = {
        one
        for one in kept.values()
        if not any(
            other != one and all(a <= b for a, b in zip(other, one, strict=True))
            for other in kept.values()
        )
    }
    assert {rounded(every[key_of(one.made.design)]) for one in result.front} == front
    assert len(result.front) == len(front)
    for one in result.front:
        mine = every[key_of(one.made.design)]
        assert one.metrics.energy_per_inference_j == pytest.approx(mine["energy"])
        assert one.metrics.latency_s == pytest.approx(mine["latency"])
        assert one.metrics.throughput_per_s == pytest.approx(1 / mine["time"])
    chosen = every[key_of(result.chosen.made.design)]["energy"]
    least = min(one["energy"] for one in every.values() if one["error"] <= 3.0)
    assert chosen == pytest.approx(least, rel=1e-3)


@pytest.mark.parametrize(
    ("minimise", "limits"),
    [("time", {}), ("area", {"min_inferences": 1e5}), ("energy", {"max_latency": 2e-5})],
)
def test_objectives_and_limits(minimise: str, limits: dict[str, float]) -> None:
    space = ChipSpace(designs=DESIGNS, workloads=(SMALL,), size="arrays", sizes=(10, 60))
    result = search_chips(space, limits, minimise)
    bound = {"min_inferences": ("time", 1e-5), "max_latency": ("latency", 2e-5)}
    every = [one for many in (10, 60) for one in every_chip(SMALL, {"arrays": many}).values()]
    kept = [
        one for one in every if all(one[bound[n][0]] <= bound[n][1] * (1 + 1e-9) for n in limits)
    ]
    assert 0 < len(kept) == result.feasible
    numbers = {
        "time": result.chosen.metrics.time_per_inference_s,
        "area": result.chosen.metrics.area_m2,
        "energy": result.chosen.metrics.energy_per_inference_j,
    }
    assert numbers[minimise] == pytest.approx(min(one[minimise] for one in kept), rel=1e-3)
    assert any(axis == "arrays" for axis, _ in result.neighbours)


@pytest.mark.parametrize("together", ["sum", "worst"])
def test_one_chip_for_two_networks(together: str) -> None:
    one = DesignSpace(core=("fixed-lp",), bits=(6,), pairs=100)
    limit = 2e-5
    space = ChipSpace(
        designs=one, workloads=(SMALL, LARGE), size="chip_area", sizes=(limit,), together=together
    )
    chosen = search_chips(space).chosen
    made = chosen.chip
    assert None not in (made.arrays, made.digital_units, made.vector_lanes, made.buffer_banks)
    totals = [chip_run(made, workload)[-1] for workload in (SMALL, LARGE)]
    areas = [total.area_m2 or math.inf for total in totals]
    more = ChipParameters(
        array=made.array, arrays=(made.arrays or 0) + 1, digital_units=made.digital_units,
        vector_lanes=made.vector_lanes, buffer_banks=made.buffer_banks,
    )  # fmt: skip
    assert max(areas) <= limit < (chip_run(more, LARGE)[-1].area_m2 or 0)
    energies = [total.energy_per_inference_j or 0 for total in totals]
    times = [1 / (total.throughput_per_s or 0) for total in totals]
    add = sum if together == "sum" else max
    metrics = chosen.metrics
    assert metrics.energy_per_inference_j == pytest.approx(add(energies))
    assert metrics.throughput_per_s == pytest.approx(1 / add(times))
    powers = [energy / time for energy, time in zip(energies, times, strict=True)]
    power = sum(energies) / sum(times) if together == "sum" else max(powers)
    assert metrics.power_w == pytest.approx(power)
    assert metrics.area_m2 == pytest.approx(max(areas))
    alone = [chosen.alone(network).energy_per_inference_j for network in chosen.networks]
    assert alone == pytest.approx(energies)


def test_what_differs_in_nothing_is_computed_once() -> None:
    """Without noise neither codes nor attempts say anything to a network."""
    designs = DesignSpace(core=("rns",), bits=(6,), redundant=(0,), pairs=50)
    found = search_chips(ChipSpace(designs=designs, workloads=(SMALL,)))
    assert found.designs == found.feasible == 24 and found.evaluated <= 2


def test_retries_are_paid_for() -> None:
    moduli = ModuliRequest(bits=6, vector_size=128, redundant=1).choose()[0]
    designs = DesignSpace(
        core=("rns",), bits=(6,), redundant=(1,), pairs=50, attempts=(1, 3), decoder=("detect",),
        legitimate_range=("product",), noise=Uniform(1e-2),
    )  # fmt: skip
    space = ChipSpace(designs=designs, workloads=(SMALL,), size="arrays", sizes=(100,))
    once = search_chips(space).chosen
    often = search_chips(space, {"max_p_err": once.metrics.p_err / 2}).chosen
    assert (once.made.design.attempts, often.made.design.attempts) == (1, 3)
    faults = FaultParameters(moduli=moduli, noise=Uniform(1e-2), decoder="detect", attempts=3)
    row = fault_probability(faults)
    mean = attempts_of_pass(row.p_detected, 3, 128)
    made = EnergyParameters(
        core="rns", dot_product=DotProduct(128, 6, 6), bits=6, moduli=moduli, decoder="detect",
        expected_attempts=row.expected_attempts, pass_attempts=mean,
    )  # fmt: skip
    *_, total = chip_run(ChipParameters(array=made, arrays=100), SMALL)
    assert mean > 2
    assert often.metrics.energy_per_inference_j == pytest.approx(total.energy_per_inference_j)
    assert often.metrics.latency_s == pytest.approx(total.latency_s)
    assert often.metrics.p_err == pytest.approx(row.p_err)


def test_refusals() -> None:
    designs = DesignSpace(core=("fixed-lp",), bits=(6,), pairs=50)
    space = ChipSpace(designs=designs, workloads=(SMALL,), size="arrays", sizes=(10,))
    with pytest.raises(NoSolutionError, match=r"no chip keeps `max_energy`.*per inference"):
        search_chips(space, {"max_energy": 1e-15})
    with pytest.raises(InputError, match="`minimise`"):
        search_chips(space, minimise="beauty")
    with pytest.raises(InputError, match="`chip_power` depends on the network"):
        ChipSpace(designs=designs, workloads=(SMALL, LARGE), size="chip_power", sizes=(1.0,))
    tiny = ChipSpace(designs=designs, workloads=(SMALL,), size="chip_area", sizes=(1e-9,))
    with pytest.raises(NoSolutionError, match=r"no chip of the space exists: `chip_area` 1000 um2"):
        search_chips(tiny)
