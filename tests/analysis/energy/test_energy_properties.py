"""What holds for the bill of every design."""

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_cores import CONVENTIONAL

from rnscli.analysis.energy.bill import energy
from rnscli.analysis.energy.parameters import EnergyParameters
from rnscli.analysis.energy.rows import EnergyRow
from rnscli.analysis.moduli import ModuliRequest
from rnscli.core.arithmetic.dot_product import DotProduct
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.cores import CORES
from rnscli.hardware.adc.surveyed import MurmannAdc
from rnscli.hardware.adc.table import ListedAdc, TableAdc
from rnscli.hardware.dac import CapacitiveDac
from rnscli.hardware.technology import (
    ENERGIES,
    OperationPrices,
    Technology,
    load_technology,
    technology_names,
)

QUICK = settings(max_examples=60, deadline=None, derandomize=True)
SIX_BITS = ModuliSet((63, 62, 61, 59))
ANALOG = tuple(name for name in technology_names() if load_technology(name).kind == "analog")


def bill(core: str, bits: int = 6, vector_size: int = 128, **settings_: Any) -> EnergyRow:
    dot = DotProduct(vector_size, bits, bits)
    return energy(EnergyParameters(core=core, dot_product=dot, bits=bits, **settings_))


def chosen(bits: int, vector_size: int, redundant: int = 0) -> ModuliSet:
    return ModuliRequest(bits=bits, vector_size=vector_size, redundant=redundant).choose()[0]


PARTS = ("dac", "adc", "array", "leakage", "forward", "reverse", "decoding", "shift_add")


@QUICK
@given(
    core=st.sampled_from(tuple(CORES)),
    bits=st.integers(6, 12),
    vector_size=st.integers(1, 1024),
    columns=st.none() | st.integers(1, 1024),
    attempts=st.floats(1, 50),
    slice_bits=st.integers(1, 5),
    columns_per_adc=st.integers(1, 64),
)
def test_the_total_is_the_sum_of_its_parts(
    core: str,
    bits: int,
    vector_size: int,
    columns: int | None,
    attempts: float,
    slice_bits: int,
    columns_per_adc: int,
) -> None:
    shared: dict[str, Any] = {
        "moduli": chosen(bits, vector_size),
        "columns": columns,
        "expected_attempts": attempts,
        "slice_bits": slice_bits,
        "columns_per_adc": columns_per_adc,
    }
    row = bill(core, bits, vector_size, **shared)
    parts = {name: getattr(row, f"{name}_energy_j") for name in PARTS}
    assert all(part >= 0 for part in parts.values())
    total = row.energy_per_dot_product_j
    assert total == pytest.approx(math.fsum(parts.values()), rel=1e-14, abs=0)
    assert row.converter_energy_j == row.dac_energy_j + row.adc_energy_j
    assert row.energy_per_mac_j * vector_size == pytest.approx(total, rel=1e-14, abs=0)
    assert row.dac_conversions * (columns or vector_size) == pytest.approx(
        row.adc_conversions * vector_size, rel=1e-13, abs=0
    )
    assert 0 <= row.retry_energy_j < total
    rns = bill("rns", bits, vector_size, **shared)
    assert row.relative_to_rns is not None
    assert row.relative_to_rns * rns.energy_per_dot_product_j == pytest.approx(total, rel=1e-13)
    assert (rns.relative_to_rns, rns.adc_relative_to_rns) == (1.0, 1.0)


@pytest.mark.parametrize("technology", ANALOG)
@QUICK
@given(
    bits=st.integers(5, 10),
    redundant=st.integers(0, 3),
    attempts=st.lists(st.floats(1, 1e4), min_size=2, max_size=4),
    wrong=st.floats(0, 1),
    columns=st.integers(1, 128),
)
def test_more_attempts_never_cost_less(
    technology: str,
    bits: int,
    redundant: int,
    attempts: list[float],
    wrong: float,
    columns: int,
) -> None:
    shared: dict[str, Any] = {
        "moduli": chosen(bits, 128, redundant),
        "technology": load_technology(technology),
        "columns": columns,
        "radius": redundant // 2,
        "word_error_probability": wrong,
    }
    once = bill("rns", bits, **shared).energy_per_dot_product_j
    rows = [bill("rns", bits, expected_attempts=a, **shared) for a in sorted([1.0, *attempts])]
    for fewer, more in pairwise(rows):
        assert more.energy_per_dot_product_j >= fewer.energy_per_dot_product_j
        assert more.latency_s >= fewer.latency_s
        assert more.throughput_macs_per_s <= fewer.throughput_macs_per_s
        assert more.forward_energy_j == fewer.forward_energy_j
        assert more.area_m2 == fewer.area_m2
    for row in rows:
        spent = row.energy_per_dot_product_j - once
        scale = 1e-13 * row.energy_per_dot_product_j
        assert row.retry_energy_j == pytest.approx(spent, rel=1e-9, abs=scale)


def test_attempts_cost_in_proportion_but_for_the_inputs() -> None:
    rows = [bill("rns", moduli=SIX_BITS, expected_attempts=a) for a in (1.0, 1.001, 1.5, 2.0, 1e6)]
    repeated = [row.energy_per_dot_product_j - row.forward_energy_j for row in rows]
    assert [one / repeated[0] for one in repeated] == pytest.approx([1, 1.001, 1.5, 2, 1e6])


@pytest.mark.parametrize("technology", ANALOG)
@pytest.mark.parametrize("bits", range(4, 11))
@pytest.mark.parametrize("reverse", ["mixed-radix", "crt"])
def test_more_redundant_moduli_never_cost_less(technology: str, bits: int, reverse: str) -> None:
    """With the largest radius and every word in error, the decoder at its dearest, and without."""
    array = load_technology(technology)
    for wrong in (0.0, 1.0):
        costs = [
            bill(
                "rns",
                bits,
                moduli=chosen(bits, 128, redundant),
                technology=array,
                radius=redundant // 2,
                word_error_probability=wrong,
                reverse=reverse,
            ).energy_per_dot_product_j
            for redundant in range(4 if bits > 4 else 2)
        ]
        assert costs == sorted(costs)


def test_redundancy_costs_channels_in_proportion() -> None:
    members = (61, 59, 55, 53)
    rows = [bill("rns", moduli=ModuliSet((*m, *members), len(m))) for m in ((), (62,), (63, 62))]
    for name in ("dac", "adc", "array"):
        costs = [getattr(row, f"{name}_energy_j") for row in rows]
        assert [c / costs[0] for c in costs] == pytest.approx([1, 5 / 4, 6 / 4], rel=1e-14, abs=0)


@pytest.mark.parametrize("technology", ANALOG)
@pytest.mark.parametrize("vector_size", [1, 16, 128])
def test_more_bits_at_the_same_number_of_moduli(technology: str, vector_size: int) -> None:
    array = load_technology(technology)
    sets = {bits: chosen(bits, vector_size) for bits in range(4, 15)}
    costs = {
        bits: bill("rns", bits, vector_size, moduli=moduli, technology=array)
        for bits, moduli in sets.items()
    }
    compared = 0
    for fewer, more in pairwise(sets):
        if sets[fewer].count == sets[more].count:
            compared += 1
            assert costs[more].energy_per_dot_product_j > costs[fewer].energy_per_dot_product_j
    assert compared >= 5


@pytest.mark.filterwarnings("ignore:.*murmann holds from 1 to 22 bits")
@pytest.mark.parametrize("core", CONVENTIONAL)
@pytest.mark.parametrize("technology", ANALOG)
def test_more_bits_in_conventional_cores(core: str, technology: str) -> None:
    shared = {"technology": load_technology(technology), "extrapolate": True}
    costs = [bill(core, b, **shared).energy_per_dot_product_j for b in range(2, 17)]
    assert all(more > fewer for fewer, more in pairwise(costs))


def test_with_a_modulus_less_a_bit_more_may_cost_less() -> None:
    """4 x 604.096 fJ are more than 3 x 716.384, and three residues are read sooner than four."""
    array = replace(load_technology("reram-analog"), energy_per_mac=0.0)
    six, seven = (bill("rns", bits, moduli=chosen(bits, 128), technology=array) for bits in (6, 7))
    assert (len(six.moduli or ()), len(seven.moduli or ())) == (4, 3)
    assert seven.adc_energy_j == pytest.approx(2149.152e-15, rel=1e-12, abs=0)
    assert seven.adc_energy_j < six.adc_energy_j == pytest.approx(2416.384e-15, rel=1e-12, abs=0)
    assert seven.energy_per_dot_product_j < six.energy_per_dot_product_j


def test_more_columns_share_the_dacs_and_leave_the_adcs() -> None:
    rows = [bill("rns", moduli=SIX_BITS, columns=c) for c in (1, 64, 128, 256)]
    assert [row.dac_conversions for row in rows] == [512.0, 8.0, 4.0, 2.0]
    assert len({row.adc_energy_j for row in rows}) == 1
    assert bill("rns", moduli=SIX_BITS) == rows[2]  # a square array by default


def test_columns_that_share_adcs_take_time_and_save_area() -> None:
    array = load_technology("photonic")
    rows = [bill("fixed-lp", technology=array, columns_per_adc=shared) for shared in (1, 2, 8, 128)]
    assert all(more.latency_s > fewer.latency_s for fewer, more in pairwise(rows))
    assert all(more.area_m2 < fewer.area_m2 for fewer, more in pairwise(rows))
    assert len({row.energy_per_dot_product_j for row in rows}) == 1


# Slices -------------------------------------------------------------------------------------------


def test_one_slice_with_all_the_bits_is_the_exact_conventional_core() -> None:
    sliced = bill("bit-sliced", slice_bits=5, adc_bits=64)
    exact = bill("fixed-hp")
    assert replace(sliced, core="fixed-hp") == exact


def test_the_default_adc_of_a_slice_is_that_of_the_other_cores() -> None:
    assert bill("bit-sliced", slice_bits=2) == bill("bit-sliced", slice_bits=2, adc_bits=6)
    assert bill("bit-sliced", slice_bits=2).adc_bits == bill("fixed-lp").adc_bits == 6


@pytest.mark.parametrize(("weight_bits", "slice_bits"), [(4, 1), (6, 2), (8, 3), (8, 4), (5, 4)])
@pytest.mark.parametrize("vector_size", [1, 5, 64])
def test_the_widest_adc_of_a_slice_holds_every_partial_sum(
    weight_bits: int, slice_bits: int, vector_size: int
) -> None:
    """Digits up to 2^s - 1 with the sign of the weight, which are enough to write it with."""
    dot = DotProduct(vector_size, 4, weight_bits)
    row = energy(
        EnergyParameters(
            core="bit-sliced", dot_product=dot, bits=4, slice_bits=slice_bits, adc_bits=64
        )
    )
    slices = int(row.adc_conversions)
    assert (slices - 1) * slice_bits < weight_bits - 1 <= slices * slice_bits
    digits = np.arange(2**slice_bits)
    magnitudes = np.zeros(1, dtype=np.int64)
    for place in range(slices):
        magnitudes = np.unique(np.add.outer(magnitudes, digits * 2 ** (slice_bits * place)))
    assert set(range(dot.max_weight + 1)) <= set(magnitudes.tolist())
    largest = vector_size * dot.max_input * int(digits.max())
    assert row.adc_bits is not None and 2 * largest + 1 <= 2**row.adc_bits
    # Not a bit more than the lengths and widths of the operands make necessary.
    assert row.adc_bits == 4 + slice_bits + math.ceil(math.log2(vector_size))


# Units --------------------------------------------------------------------------------------------


def scaled_design(
    core: str, *, joule: float = 1.0, second: float = 1.0, square_metre: float = 1.0
) -> EnergyRow:
    """A design in which every constant is in other units; watts follow from joules and seconds."""
    array = load_technology("digital-logic" if core.startswith("digital") else "reram-analog")
    prices = OperationPrices()
    energies = {name: joule * getattr(prices, name) for name in ENERGIES}
    areas = {f"{name}_area": square_metre * getattr(prices, f"{name}_area") for name in ENERGIES}
    technology = replace(
        array,
        energy_per_mac=array.energy_per_mac * joule,
        cycle_time=array.cycle_time * second,
        cell_area=array.cell_area * square_metre,
        leakage=2e-12 * joule / second,
        operations=replace(prices, node=array.node, **energies, **areas),
    )
    adc = ListedAdc(64.0, 3e-13 * joule, 2e-9 * square_metre, 1e9 / second)
    dac = CapacitiveDac(
        dac_unit_capacitance=0.5e-15 * joule, capacitor_density=2e-3 * joule / square_metre
    )
    return bill(
        core,
        moduli=ModuliSet((63, 62, 61, 59, 55, 53), 2),
        technology=technology,
        adc=TableAdc((adc,)),
        dac=dac,
        adc_rate=0.5e9 / second,
        clock=0.7e9 / second,
        columns=48,
        columns_per_adc=6,
        expected_attempts=1.5,
        radius=1,
        word_error_probability=0.2,
    )


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("unit", ["joule", "second", "square_metre"])
def test_units(core: str, unit: str) -> None:
    """Seven times every energy is seven times the energy and nothing else; so for time, area."""
    base, scaled = scaled_design(core), scaled_design(core, **{unit: 7.0})
    powers = {
        "energy_per_dot_product_j": (1, 0, 0),
        **{f"{name}_energy_j": (1, 0, 0) for name in PARTS},
        "latency_s": (0, 1, 0),
        "throughput_macs_per_s": (0, -1, 0),
        "area_m2": (0, 0, 1),
        "tops_per_w": (-1, 0, 0),
        "tops_per_mm2": (0, -1, -1),
    }
    index = ["joule", "second", "square_metre"].index(unit)
    assert base.leakage_energy_j > 0
    for name, power in powers.items():
        expected = getattr(base, name) * 7.0 ** power[index]
        assert getattr(scaled, name) == pytest.approx(expected, rel=1e-12, abs=0), name


class CountingAdc(MurmannAdc):
    """A conversion costs a joule."""

    def energy(self, bits: float, rate: float) -> float:
        return 1.0


class CountingDac(CapacitiveDac):
    """A conversion costs a thousand."""

    def energy(self, bits: float) -> float:
        return 1000.0


def test_converter_models_of_ones_own() -> None:
    row = bill("rns", moduli=SIX_BITS, columns=64, adc=CountingAdc(), dac=CountingDac())
    assert row.converter_energy_j == 8004.0


def test_a_design_that_costs_nothing_has_no_ratio() -> None:
    free = Technology(
        name="free", kind="analog", energy_per_mac=0.0, cycle_time=1e-9, cell_area=0.0,
        cells_per_weight=1, leakage=0.0, node=45e-9, rows=128, columns=128, reference_bits=6,
    )  # fmt: skip
    dac = CapacitiveDac(dac_unit_capacitance=0.0)
    row = bill("fixed-lp", technology=free, adc=MurmannAdc(0.0, 0.0), dac=dac, moduli=SIX_BITS)
    assert (row.energy_per_dot_product_j, row.area_m2, row.relative_to_rns) == (0, 0, 0)
    assert (row.tops_per_w, row.tops_per_mm2, row.adc_relative_to_rns) == (None, None, None)
