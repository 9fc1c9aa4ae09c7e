"""What holds for the bill of every design."""

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from made_cores import CONVENTIONAL
from simple_arrays import CAPACITORS, CROSSBAR, LIGHT, simple

from rnscli.analysis.energy.bill import energy, parts_of
from rnscli.analysis.energy.parameters import EnergyParameters
from rnscli.analysis.energy.rows import ENERGY_PARTS, EnergyRow
from rnscli.analysis.moduli import ModuliRequest
from rnscli.base.errors import NoSolutionError
from rnscli.core.arithmetic.dot_product import DotProduct
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.cores import CORES
from rnscli.hardware.adc.surveyed import MurmannAdc
from rnscli.hardware.adc.table import ListedAdc, TableAdc
from rnscli.hardware.dac import CapacitiveDac
from rnscli.hardware.operations import ENERGIES, OperationPrices
from rnscli.hardware.profile import load_technology, technology_names
from rnscli.hardware.surroundings import MEMORIES, SCALES
from rnscli.hardware.technology import Technology

QUICK = settings(max_examples=60, deadline=None, derandomize=True)
SIX_BITS = ModuliSet((63, 62, 61, 59))
SIMPLE = {one.name: one for one in (CROSSBAR, LIGHT, CAPACITORS)}
SHIPPED = {name: load_technology(name) for name in technology_names()}
MODULO = 5e-15  # J for a circuit that folds, where nothing else does


def bill(core: str, bits: int = 6, vector_size: int = 128, **settings_: Any) -> EnergyRow:
    dot = DotProduct(vector_size, bits, bits)
    kind = "digital" if core.startswith("digital") else "analog"
    settings_ = {"technology": CROSSBAR if kind == "analog" else simple(kind=kind)} | settings_
    return energy(EnergyParameters(core=core, dot_product=dot, bits=bits, **settings_))


def chosen(bits: int, vector_size: int, redundant: int = 0) -> ModuliSet:
    return ModuliRequest(bits=bits, vector_size=vector_size, redundant=redundant).choose()[0]


def runs(core: str, technology: Technology) -> bool:
    """By what docs/energy.md says of cores and technologies."""
    if core == "rns":
        return technology.kind == "analog"  # where nothing wraps a circuit is priced
    if core in CONVENTIONAL:
        return technology.kind == "analog" and technology.modulo != "phase"
    low, high = technology.input_bits
    operands = {"digital-int4": 4, "digital-int8": 8, "digital-fp32": 32}[core]
    return technology.kind == "digital" and low <= operands <= high


PAIRS = [
    (core, name)
    for name, technology in (SHIPPED | SIMPLE).items()
    for core in CORES.own
    if runs(core, technology) and (core, name) != ("fixed-hp", "photonic-incoherent")  # too noisy
]


def test_every_core_and_every_technology_is_among_them() -> None:
    assert {core for core, _ in PAIRS} == set(CORES.own)
    assert {name for _, name in PAIRS} == {*SHIPPED, *SIMPLE}


@pytest.mark.parametrize(("core", "name"), PAIRS)
@settings(max_examples=15, deadline=None, derandomize=True)
@given(data=st.data())
def test_the_total_is_the_sum_of_its_parts(core: str, name: str, data: st.DataObject) -> None:
    """Of each group, of each part of a pass; and areas are those beside, or over, each other."""
    technology = (SHIPPED | SIMPLE)[name]
    light = bool(technology.link)
    bits = data.draw(st.integers(3, 4 if name == "photonic-incoherent" else 6 if light else 7))
    most = 16 if name == "photonic-incoherent" else 300 if CORES[core].exact else 128
    vector_size = data.draw(st.integers(1, most))
    columns = data.draw(st.integers(1, 8 if name == "photonic-incoherent" else 128))
    redundant = data.draw(st.integers(0, 2)) if core == "rns" else 0
    kernels = [k for k in ("vmm", "mvm", "update", "cycle") if technology.does(k)]
    try:
        moduli = chosen(bits, vector_size, redundant)
    except NoSolutionError:
        assume(core != "rns")
        moduli = None
    attempts = data.draw(st.floats(1, 50))
    shared: dict[str, Any] = {
        "technology": technology,
        "moduli": moduli,
        "columns": columns,
        "expected_attempts": attempts,
        "pass_attempts": data.draw(st.none() | st.floats(attempts, 99)),
        "search_probability": data.draw(st.floats(0, 1)),
        "slice_bits": data.draw(st.integers(1, bits - 1)),
        "columns_per_adc": data.draw(st.integers(1, 64)),
        "kernel": "vmm" if core == "rns" else data.draw(st.sampled_from(kernels)),
        "memory": data.draw(st.sampled_from(list(MEMORIES))),
        "scales": data.draw(st.sampled_from(list(SCALES))),
        "modulo_energy": MODULO if technology.modulo == "none" and core == "rns" else None,
        "adc": data.draw(st.sampled_from([None, MurmannAdc(node=14e-9)])),
    }
    dot = DotProduct(vector_size, bits, bits)
    parameters = EnergyParameters(core=core, dot_product=dot, bits=bits, **shared)
    row, parts = energy(parameters), parts_of(parameters)
    groups = {column: getattr(row, column) for column in ENERGY_PARTS}
    assert all(part >= 0 for part in groups.values())
    total = row.energy_per_dot_product_j
    assert total == pytest.approx(math.fsum(groups.values()), rel=1e-14, abs=0)
    assert row.converter_energy_j == row.dac_energy_j + row.adc_energy_j
    macs = vector_size * (3 if row.kernel == "cycle" else 1)
    assert row.energy_per_mac_j * macs == pytest.approx(total, rel=1e-14, abs=0)
    assert 0 <= row.retry_energy_j < total or total == 0
    # Part by part.
    in_pass = [one.energy_j for one in parts]
    assert math.fsum(in_pass) == pytest.approx(total * columns, rel=1e-12, abs=0)
    for column, expected in groups.items():
        group = column.removesuffix("_energy_j")
        found = math.fsum(one.energy_j for one in parts if one.group == group) / columns
        assert found == pytest.approx(expected, rel=1e-12, abs=0)
    for one in parts:
        assert one.energy_j == pytest.approx(
            one.count * one.energy_each_j * one.repeats, rel=1e-14, abs=0
        )
        assert one.area_m2 == pytest.approx(one.units * one.area_each_m2, rel=1e-14, abs=0)
        assert one.repeats in (1.0, row.pass_attempts)
    assert total == 0 or math.fsum(one.share for one in parts) == pytest.approx(1, rel=1e-12, abs=0)
    beside = math.fsum(one.area_m2 for one in parts if not one.over)
    over = math.fsum(one.area_m2 for one in parts if one.over)
    assert row.area_m2 == pytest.approx(max(beside, over), rel=1e-12, abs=0)
    # What of a residue core is repeated, and nothing of another.
    coded = core == "rns"
    once = row.forward_energy_j + row.scaling_energy_j + row.memory_energy_j
    repeated = (total - once) * (1 - 1 / row.pass_attempts)
    assert row.retry_energy_j == pytest.approx(repeated, rel=1e-12, abs=1e-15 * total)
    assert coded or (row.pass_attempts, row.expected_attempts, row.retry_energy_j) == (1, 1, 0)
    assert row.pass_attempts >= row.expected_attempts * (1 - 1e-12)
    assert row.segments == 1 or (CORES[core].exact and vector_size > technology.rows) or light


@QUICK
@given(
    core=st.sampled_from(tuple(CORES)),
    bits=st.integers(6, 7),
    vector_size=st.integers(1, 512),
    attempts=st.floats(1, 50),
)
def test_ratios_are_those_of_two_bills(
    core: str, bits: int, vector_size: int, attempts: float
) -> None:
    moduli = chosen(bits, vector_size)
    shared: dict[str, Any] = {"moduli": moduli, "expected_attempts": attempts, "slice_bits": 2}
    rns = bill("rns", bits, vector_size, **shared)
    assert (rns.relative_to_rns, rns.adc_relative_to_rns) == (1.0, 1.0)
    if core.startswith("digital"):
        dot = DotProduct(vector_size, bits, bits)
        given = {"technology": CROSSBAR, "dot_product": dot, "bits": bits, **shared}
        reference = EnergyParameters(core="rns", **given)
        given["technology"] = simple(kind="digital")
        row = energy(EnergyParameters(core=core, **given), reference)
    else:
        row = bill(core, bits, vector_size, **shared)
        assert row.adc_relative_to_rns is not None
        assert row.adc_relative_to_rns * rns.adc_energy_j == pytest.approx(
            row.adc_energy_j, rel=1e-13, abs=0
        )
    assert row.relative_to_rns is not None
    assert row.relative_to_rns * rns.energy_per_dot_product_j == pytest.approx(
        row.energy_per_dot_product_j, rel=1e-13, abs=0
    )


RESIDUES: dict[str, dict[str, Any]] = {name: {"technology": one} for name, one in SIMPLE.items()}
RESIDUES["photonic-phase"] = {"technology": SHIPPED["photonic-phase"]}
RESIDUES["switched-capacitor"] = {
    "technology": SHIPPED["switched-capacitor"], "modulo_energy": MODULO
}  # fmt: skip
RESIDUES["reram-analog"] = {"technology": SHIPPED["reram-analog"], "modulo_energy": MODULO}


def widest(technology: str) -> int:
    """Bits of the residues that a technology is for."""
    return 6 if technology == "photonic-phase" else 8 if technology in SHIPPED else 10


@pytest.mark.parametrize("technology", RESIDUES)
@QUICK
@given(data=st.data())
def test_more_attempts_never_cost_less(technology: str, data: st.DataObject) -> None:
    bits = data.draw(st.integers(5, widest(technology)))
    redundant = data.draw(st.integers(0, 3))
    attempts = data.draw(st.lists(st.floats(1, 1e4), min_size=2, max_size=4))
    shared: dict[str, Any] = RESIDUES[technology] | {
        "moduli": chosen(bits, 128, redundant),
        "columns": data.draw(st.integers(1, 128)),
        "search_probability": data.draw(st.floats(0, 1)),
    }
    once = bill("rns", bits, **shared).energy_per_dot_product_j
    rows = [bill("rns", bits, expected_attempts=a, **shared) for a in sorted([1.0, *attempts])]
    for fewer, more in pairwise(rows):
        assert more.pass_attempts >= fewer.pass_attempts
        assert more.energy_per_dot_product_j >= fewer.energy_per_dot_product_j
        assert more.latency_s >= fewer.latency_s
        assert more.throughput_macs_per_s <= fewer.throughput_macs_per_s
        for part in ("forward", "scaling", "memory"):
            assert getattr(more, f"{part}_energy_j") == getattr(fewer, f"{part}_energy_j")
        assert more.area_m2 == fewer.area_m2
    for row in rows:
        spent = row.energy_per_dot_product_j - once
        scale = 1e-13 * row.energy_per_dot_product_j
        assert row.retry_energy_j == pytest.approx(spent, rel=1e-9, abs=scale)


def test_attempts_cost_in_proportion_but_for_the_inputs() -> None:
    rows = [bill("rns", moduli=SIX_BITS, pass_attempts=a) for a in (1.0, 1.001, 1.5, 2.0, 1e6)]
    repeated = [
        row.energy_per_dot_product_j
        - row.forward_energy_j
        - row.scaling_energy_j
        - row.memory_energy_j
        for row in rows
    ]
    assert [one / repeated[0] for one in repeated] == pytest.approx([1, 1.001, 1.5, 2, 1e6])


@pytest.mark.parametrize("technology", RESIDUES)
@pytest.mark.parametrize("bits", range(4, 11))
@pytest.mark.parametrize("reverse", ["mixed-radix", "crt"])
def test_more_redundant_moduli_never_cost_less(technology: str, bits: int, reverse: str) -> None:
    """Before the same others: a set that is chosen anew may have narrower ones, which cost less.

    Where words are in error, more redundancy may leave a decoder of the same radius fewer groups of
    residues to try, so that this is for one which tries none.
    """
    if bits > widest(technology):
        pytest.skip("more bits than it is for")
    most = 3 if bits > 4 else 1
    full = chosen(bits, 128, most)
    redundant, information = full.redundant_moduli, full.information
    for wrong, corrects in ((0.0, True), (1.0, False)):
        costs = [
            bill(
                "rns",
                bits,
                moduli=ModuliSet((*redundant[most - count :], *information), count),
                decoder="bounded-distance" if corrects else "detect",
                search_probability=wrong,
                reverse=reverse,
                **RESIDUES[technology],
            ).energy_per_dot_product_j
            for count in range(most + 1)
        ]
        assert costs == sorted(costs)


def test_redundancy_costs_channels_in_proportion() -> None:
    members = (61, 59, 55, 53)
    rows = [bill("rns", moduli=ModuliSet((*m, *members), len(m))) for m in ((), (62,), (63, 62))]
    for name in ("dac", "adc", "array"):
        costs = [getattr(row, f"{name}_energy_j") for row in rows]
        assert [c / costs[0] for c in costs] == pytest.approx([1, 5 / 4, 6 / 4], rel=1e-14, abs=0)


@pytest.mark.parametrize("technology", RESIDUES)
@pytest.mark.parametrize("vector_size", [1, 16, 128])
def test_more_bits_at_the_same_number_of_moduli(technology: str, vector_size: int) -> None:
    last = 14 if technology in SIMPLE else widest(technology)
    sets = {bits: chosen(bits, vector_size) for bits in range(4, last + 1)}
    costs = {
        bits: bill("rns", bits, vector_size, moduli=moduli, **RESIDUES[technology])
        for bits, moduli in sets.items()
    }
    compared = 0
    for fewer, more in pairwise(sets):
        if sets[fewer].count == sets[more].count:
            compared += 1
            assert costs[more].energy_per_dot_product_j > costs[fewer].energy_per_dot_product_j
    assert compared >= (5 if technology in SIMPLE else 0)


@pytest.mark.filterwarnings("ignore:.*murmann holds from 1 to 22 bits")
@pytest.mark.parametrize("core", CONVENTIONAL)
@pytest.mark.parametrize(
    "technology", [*SIMPLE, "reram-analog", "switched-capacitor", "photonic-incoherent"]
)
def test_more_bits_in_conventional_cores(core: str, technology: str) -> None:
    """With one model of ADCs: a ramp of 8 bits takes more than a converter of 9 bits without."""
    array = (SHIPPED | SIMPLE)[technology]
    if (core, technology) == ("fixed-hp", "photonic-incoherent"):
        pytest.skip("its light is too noisy")
    bits = {"photonic-incoherent": range(2, 5)}.get(technology, range(2, 9))
    bits = range(2, 17) if technology in SIMPLE else bits
    size = 16 if technology == "photonic-incoherent" else 128
    shared = {"technology": array, "adc": MurmannAdc(node=14e-9), "columns": size // 2}
    shared["extrapolate"] = True
    costs = [bill(core, b, size, **shared).energy_per_dot_product_j for b in bits]
    assert all(more > fewer for fewer, more in pairwise(costs))
    if array.own_adc and core != "fixed-hp":
        del shared["adc"]
        costs = [bill(core, b, size, **shared).energy_per_dot_product_j for b in bits]
        assert all(more > fewer for fewer, more in pairwise(costs))


def test_an_adc_of_more_bits_may_take_less_than_a_ramp() -> None:
    """Its own of 8 bits takes 20 uA x 1.8 V x 256 ns = 9.2 pJ, Murmann's of 9 bits 1.2 pJ."""
    rows = [
        bill("fixed-hp", 3, size, technology=SHIPPED["reram-analog"]) for size in (8, 16)
    ]  # fmt: skip
    assert [(row.adc_model, row.adc_bits) for row in rows] == [("own", 8), ("murmann", 9)]
    assert [row.adc_energy_j for row in rows] == pytest.approx(
        [9.216e-12, 1.162144e-12], rel=1e-9, abs=0
    )


@pytest.mark.parametrize(("core", "name"), PAIRS)
@settings(max_examples=15, deadline=None, derandomize=True)
@given(data=st.data())
def test_longer_and_wider_arrays_never_cost_less(core: str, name: str, data: st.DataObject) -> None:
    """Of a pass: its energy, area and latency rise with the rows and with the columns.

    With the same moduli and as many segments. Where another segment is added, its rows may be
    fewer, and the ADC of fixed-hp may then have a bit less than before. Another block of memory is
    read at the same time as those before, so that latency may fall; and the faster a pass is, the
    more scaling has to keep up with it, which is left out.
    """
    technology = (SHIPPED | SIMPLE)[name]
    small = name == "photonic-incoherent"
    bits = 4 if technology.link else 6
    moduli = chosen(bits, 128)
    sizes, widths = (
        sorted(data.draw(st.tuples(*[st.integers(1, most)] * 2)))
        for most in ((16, 8) if small else (128, 128))
    )
    shared: dict[str, Any] = {
        "technology": technology,
        "moduli": moduli,
        "scales": "none",
        "modulo_energy": MODULO if technology.modulo == "none" and core == "rns" else None,
    }
    if core in ("rns", "fixed-hp"):
        shared["segments"] = 1
    if core == "fixed-hp":
        shared["adc"] = MurmannAdc(node=14e-9)

    def cost(rows: int, columns: int) -> tuple[float, ...]:
        row = bill(core, bits, rows, columns=columns, **shared)
        blocks = name in ("sram-digital", "reram-digital")
        latency = 0.0 if blocks else row.latency_s
        return row.energy_per_dot_product_j * columns, row.area_m2, latency

    costs = [[cost(rows, columns) for columns in widths] for rows in sizes]
    for rows in (0, 1):
        for less, more in zip(costs[rows][0], costs[rows][1], strict=True):
            assert less <= more * (1 + 1e-12)
        for less, more in zip(costs[0][rows], costs[1][rows], strict=True):
            assert less <= more * (1 + 1e-12)


@pytest.mark.parametrize("name", [name for name in SHIPPED if SHIPPED[name].link])
def test_light_reads_fewer_rows_the_finer_it_is_read(name: str) -> None:
    """More rows, more bits and larger moduli need more light; more light reads more rows."""
    array = SHIPPED[name]
    core = "rns" if array.modulo == "phase" else "fixed-lp"

    def sigma(bits: int, rows: int, **values: float) -> float:
        row = bill(
            core, bits, rows, columns=8, technology=array.with_values(values), segments=1,
            moduli=chosen(bits, rows),
        )  # fmt: skip
        assert row.link_sigma is not None
        return row.link_sigma

    for bits in (4, 5, 6):
        sigmas = [sigma(bits, rows) for rows in (1, 2, 5, 9, 16)]
        assert sigmas == sorted(set(sigmas))
        assert sigma(bits, 5) < sigma(bits + 1, 5)
        assert sigma(bits, 5, laser_power=0.02) < sigma(bits, 5)
        assert sigma(bits, 5, rate=1e9) < sigma(bits, 5)


def test_segments_follow_the_light() -> None:
    """More segments with longer products and finer residues, fewer with more light."""
    array = SHIPPED["photonic-phase"]
    sizes = [bill("rns", 6, h, technology=array, columns=8, moduli=SIX_BITS).segments
             for h in range(1, 400, 13)]  # fmt: skip
    assert sizes == sorted(sizes) and sizes[0] == 1 < sizes[-1]
    powers = [
        bill("rns", technology=array.with_values({"laser_power": p}), moduli=SIX_BITS).segments
        for p in (0.008, 0.01, 0.02, 0.05, 0.2)
    ]
    assert powers == sorted(powers, reverse=True) and powers[0] > powers[-1]
    wanted = [
        bill("rns", technology=array, moduli=SIX_BITS, max_link_sigma=s).segments
        for s in (0.07, 0.1, 0.2, 0.5)
    ]
    assert wanted == sorted(wanted, reverse=True)


def test_with_a_modulus_less_a_bit_more_may_cost_less() -> None:
    """4 x 604.096 fJ are more than 3 x 716.384, and three residues are read sooner than four."""
    shared: dict[str, Any] = {
        "technology": simple(node=14e-9, energy_per_mac=0.0),
        "memory": "none",
    }
    six, seven = (bill("rns", bits, moduli=chosen(bits, 128), **shared) for bits in (6, 7))
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
    rows = [bill("fixed-lp", technology=LIGHT, columns_per_adc=shared) for shared in (1, 2, 8, 128)]
    assert all(more.latency_s > fewer.latency_s for fewer, more in pairwise(rows))
    assert all(more.area_m2 < fewer.area_m2 for fewer, more in pairwise(rows))
    assert len({row.energy_per_dot_product_j for row in rows}) == 1


# Slices -------------------------------------------------------------------------------------------


def test_one_slice_with_all_the_bits_is_the_exact_conventional_core() -> None:
    sliced = bill("bit-sliced", slice_bits=5, adc_bits=64)
    exact = bill("fixed-hp")
    assert replace(sliced, core="fixed-hp", adc_range=None) == exact


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
            core="bit-sliced",
            dot_product=dot,
            bits=4,
            slice_bits=slice_bits,
            adc_bits=64,
            technology=CROSSBAR,
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
    prices = OperationPrices()
    energies = {name: joule * getattr(prices, name) for name in ENERGIES}
    areas = {f"{name}_area": square_metre * getattr(prices, f"{name}_area") for name in ENERGIES}
    technology = simple(
        kind="digital" if core.startswith("digital") else "analog",
        modulo="none",
        energy_per_mac=10e-15 * joule,
        cycle_time=100e-9 * second,
        cell_area=1e-14 * square_metre,
        cell_power=2e-12 * joule / second,
        operations=replace(prices, **energies, **areas),
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
        search_probability=0.2,
        memory="none",
        modulo_energy=3e-15 * joule if core == "rns" else None,
    )


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("unit", ["joule", "second", "square_metre"])
def test_units(core: str, unit: str) -> None:
    """Seven times every energy is seven times the energy and nothing else; so for time, area."""
    base, scaled = scaled_design(core), scaled_design(core, **{unit: 7.0})
    powers = {
        "energy_per_dot_product_j": (1, 0, 0),
        **dict.fromkeys(ENERGY_PARTS, (1, 0, 0)),
        "latency_s": (0, 1, 0),
        "throughput_macs_per_s": (0, -1, 0),
        "area_m2": (0, 0, 1),
        "tops_per_w": (-1, 0, 0),
        "tops_per_mm2": (0, -1, -1),
    }
    index = ["joule", "second", "square_metre"].index(unit)
    assert base.array_energy_j > 128 * 10e-15  # with what it takes as a power
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
    free = simple(energy_per_mac=0.0, cell_area=0.0)
    dac = CapacitiveDac(dac_unit_capacitance=0.0)
    shared: dict[str, Any] = {"memory": "none", "scales": "none", "dac": dac, "moduli": SIX_BITS}
    row = bill("fixed-lp", technology=free, adc=MurmannAdc(0.0, 0.0), **shared)
    assert (row.energy_per_dot_product_j, row.area_m2, row.relative_to_rns) == (0, 0, 0)
    assert (row.tops_per_w, row.tops_per_mm2, row.adc_relative_to_rns) == (None, None, None)
