"""Bills of shipped technologies, part by part, written out from the numbers of their profiles."""

import math
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from prices_by_hand import (
    adder,
    addition,
    fp_addition,
    fp_product,
    fp_units,
    multiplier,
    product,
)

from rnscli.analysis.energy.bill import energy, parts_of
from rnscli.analysis.energy.parameters import EnergyParameters
from rnscli.analysis.energy.rows import ENERGY_PARTS, EnergyRow
from rnscli.core.arithmetic.dot_product import DotProduct
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.cores import CORES
from rnscli.hardware.adc.surveyed import MurmannAdc
from rnscli.hardware.expression import Expression
from rnscli.hardware.profile import load_technology, technology_names
from rnscli.hardware.technology import Part, Technology

Bill = dict[str, tuple[str, float]]  # by the part: its group, and its energy in a pass


def design(
    core: str, technology: str, bits: int, rows: int, columns: int, **changed: Any
) -> EnergyParameters:
    return EnergyParameters(
        core=core,
        dot_product=DotProduct(rows, bits, bits),
        bits=bits,
        technology=load_technology(technology),
        columns=columns,
        **{"adc_rate": 1e9, "columns_per_adc": 1} | changed,
    )


def close(value: float) -> Any:
    return pytest.approx(value, rel=1e-12, abs=0)


def check(
    parameters: EnergyParameters, bill: Bill, *, area: float, latency: float, interval: float
) -> EnergyRow:
    """Every part, every group, and what follows from them."""
    row = energy(parameters)
    columns, rows = parameters.design.width, parameters.dot_product.vector_size
    told = {one.part: (one.group, one.energy_j) for one in parts_of(parameters) if one.energy_j}
    assert set(told) == set(bill)
    for name, (group, joules) in bill.items():
        assert told[name] == (group, close(joules)), name
    for column in ENERGY_PARTS:
        group = column.removesuffix("_energy_j")
        expected = math.fsum(joules for other, joules in bill.values() if other == group) / columns
        assert getattr(row, column) == close(expected), group
    total = math.fsum(joules for _, joules in bill.values()) / columns
    assert row.energy_per_dot_product_j == close(total)
    assert row.energy_per_mac_j == close(total / rows)
    assert row.area_m2 == close(area)
    assert row.latency_s == close(latency)
    macs = rows * columns / interval
    assert row.throughput_macs_per_s == close(macs)
    assert row.tops_per_w == close(2 * rows / total / 1e12)
    assert row.tops_per_mm2 == close(2 * macs / 1e12 / (area * 1e6))
    return row


# What surrounds every array -----------------------------------------------------------------------


def scaling(node: float) -> float:
    """J an output: three products and a sum in FP32, a comparison and a rounding of 32 bits."""
    return 3 * fp_product(node) + fp_addition(node) + 2 * addition(32, node)


def scaling_area(outputs_per_cycle: float, node: float) -> float:
    """m^2 of the units that scale as many outputs in a cycle of the clock."""
    floating = fp_units(math.ceil(3 * outputs_per_cycle), math.ceil(outputs_per_cycle), node)
    return floating + math.ceil(2 * outputs_per_cycle) * adder(32, node)


def surroundings(rows: int, columns: int, bits: int, node: float) -> Bill:
    """Of a pass: inputs and outputs of a memory of 32 KB, 20 pJ for 64 bits; and the scales."""
    bit = 20e-12 / 64 * node / 45e-9
    return {
        "inputs, read": ("memory", rows * bits * bit),
        "outputs, written": ("memory", columns * bits * bit),
        "scaling and rounding": ("scaling", columns * scaling(node)),
    }


def murmann(bits: int) -> float:
    return 100e-15 * bits + 1e-18 * 4.0**bits


def adc_area(joules: float, node: float) -> float:
    """m^2 of an ADC of 1 GS/s, by the published regression."""
    logarithm = 1.34619 + 0.99328 * math.log(node * 1e9) + 0.18072 * math.log(1e9)
    return 1e-12 * math.exp(logarithm + 0.29912 * math.log(joules * 1e12))


# A crossbar of ReRAM ------------------------------------------------------------------------------

NODE = 14e-9
# 64 nm of a wire of 200 aF/um, and a cell of 35 aF.
CELL = 200e-12 * 64e-9 + 35e-18
RAIL = 0.35e-12  # a transistor of high voltage


def pulses(bits: int) -> float:
    """s: 2^(b - 1) - 1 of 1 ns each, 7 ns at least."""
    return max(7e-9, 1e-9 * (2 ** (bits - 1) - 1))


def crossbar_area(rows: int, columns: int, bits: int, own_adc: bool = True) -> float:
    """m^2 of one: drivers and readout, or the cells over them if those are larger."""
    row = 20 * RAIL + 8.6e-12 * bits / 8
    rails = 1 + 2 ** (max(2, bits / 2) - 1)
    column = (12 * 1.19 + 4) * RAIL + 8 * rails * RAIL + 17e-12 * bits / 8 + 8 * RAIL
    column += 5.7e-12 if own_adc else 0.0
    return max(rows * row + columns * column, rows * columns * 2 * (64e-9) ** 2)


def crossbar(
    rows: int, columns: int, bits: int, adc_bits: int | None, arrays: int = 1
) -> tuple[Bill, float]:
    """The parts of a pass and its area; no ADC if ``adc_bits`` is ``None``."""
    edge = math.sqrt(crossbar_area(rows, columns, bits, adc_bits is not None))
    each = {
        "array, charging lines": ("array", rows * columns * bits * CELL * 0.785**2),
        "array, current": ("array", rows * columns * 1e-9 * 0.785 * pulses(bits)),
        "row drivers": ("dac", rows * bits * 15e-15),
        "row logic": ("dac", rows * 35e-12 / 1024 * bits / 8),
        "integrators": ("periphery", columns * 12e-6 * 1.8 * pulses(bits)),
        "wires across the core": ("periphery", (rows + columns) * 200e-12 * edge * 0.8**2),
    }
    if adc_bits is not None:
        each["ramp ADC"] = ("adc", columns * 20e-6 * 1.8 * 1e-9 * 2**adc_bits)
    found = {name: (group, arrays * joules) for name, (group, joules) in each.items()}
    return found, arrays * crossbar_area(rows, columns, bits, adc_bits is not None)


@pytest.mark.parametrize(("bits", "cycle"), [(4, 8 + 16), (8, 128 + 256)])
def test_fixed_lp_with_ramps(bits: int, cycle: float) -> None:
    """4 bits: pulses of 7 ns after one of 1 ns, a ramp of 16 ns; 8 bits: 128 ns and 256 ns.

    A pass waits for the one before. Six operations of scaling wait for one another, at 1 GHz.
    Scaling keeps up with 50 outputs in a pass.
    """
    rows, columns = 100, 50
    bill, area = crossbar(rows, columns, bits, bits)
    bill |= surroundings(rows, columns, bits, NODE)
    row = check(
        design("fixed-lp", "reram-analog", bits, rows, columns),
        bill,
        area=area + scaling_area(columns / cycle, NODE),
        latency=(cycle + 6) * 1e-9,
        interval=cycle * 1e-9,
    )
    assert (row.adc_model, row.adc_bits, row.dac_bits) == ("own", bits, bits)


@pytest.mark.parametrize(("columns", "cells_are_larger"), [(2, False), (60, True)])
def test_cells_over_the_periphery(columns: int, cells_are_larger: bool) -> None:
    """400 rows with drivers of 10 um^2, and cells of 1 um^2 over these and over the one ADC.

    Wires are as long as the edge of an array, without what is outside of it.
    """
    rows = 400
    cells = Part(
        name="cells", group="array", per="cell", area=Expression("1e-12"), over=True
    )  # fmt: skip
    drivers = Part(
        name="drivers", group="dac", per="row", area=Expression("1e-11"), time=Expression("1e-8")
    )
    wires = Part(
        name="wires", group="periphery", per="array", energy=Expression("1e-6 * sqrt(core_area)")
    )
    array = Technology(
        name="t", kind="analog", node=45e-9, rows=1024, columns=1024, overlapped=True,
        parts=(cells, drivers, wires),
    )  # fmt: skip
    parameters = EnergyParameters(
        core="fixed-lp", dot_product=DotProduct(rows, 4, 4), bits=4, technology=array,
        columns=columns, columns_per_adc=1000, adc_rate=1e9, scales="none",
    )  # fmt: skip
    row = energy(parameters)
    over, beside = rows * columns * 1e-12, rows * 1e-11
    assert row.periphery_energy_j == close(1e-6 * math.sqrt(max(over, beside)) / columns)
    beside += adc_area(murmann(4), 45e-9)
    assert row.area_m2 == close(max(over, beside))
    assert (over > beside) == cells_are_larger
    units = {one.part: (one.over, one.area_m2) for one in parts_of(parameters)}
    assert units["cells"] == (True, close(over))
    assert units["drivers"] == (False, close(rows * 1e-11))


def test_fixed_lp_with_another_adc() -> None:
    """Four columns take turns at ADCs of 100 fJ x 4 + 256 aJ, 1 ns each; ramps are left out."""
    rows, columns, bits, node = 100, 50, 4, NODE
    bill, area = crossbar(rows, columns, bits, None)
    bill["ADC, murmann"] = ("adc", columns * murmann(bits))
    bill |= surroundings(rows, columns, bits, node)
    cycle = 8 + 4
    row = check(
        design(
            "fixed-lp", "reram-analog", bits, rows, columns, adc=MurmannAdc(node=node),
            columns_per_adc=4,
        ),
        bill,
        area=area + 13 * adc_area(murmann(bits), node) + scaling_area(columns / cycle, node),
        latency=(cycle + 6) * 1e-9,
        interval=cycle * 1e-9,
    )  # fmt: skip
    assert row.adc_model == "murmann"
    assert (row.dac_conversions, row.adc_conversions) == (2.0, 1.0)


def test_fixed_hp() -> None:
    """4 + 4 + 7 - 1 = 14 bits, which its own ADC has not: 1400 fJ + 4^14 aJ, 1 ns."""
    rows, columns, bits = 100, 50, 4
    bill, area = crossbar(rows, columns, bits, None)
    bill["ADC, murmann"] = ("adc", columns * (1400e-15 + 268435456e-18))
    bill |= surroundings(rows, columns, bits, NODE)
    cycle = 8 + 1
    area += 50 * adc_area(1400e-15 + 268435456e-18, NODE)
    row = check(
        design("fixed-hp", "reram-analog", bits, rows, columns),
        bill,
        area=area + scaling_area(columns / cycle, NODE),
        latency=(cycle + 6) * 1e-9,
        interval=cycle * 1e-9,
    )
    assert (row.adc_model, row.adc_bits) == ("murmann", 14)


def test_bit_sliced() -> None:
    """8 bits, weights of 7 bits and a sign in slices of 3: 3 arrays with ramps of 5 bits, 32 ns.

    Two additions at 8 + 8 + 7 - 1 = 22 bits of a result, two levels of them.
    """
    rows, columns, bits, clock = 100, 50, 8, 1.1e9
    bill, area = crossbar(rows, columns, bits, 5, arrays=3)
    bill["shift and add"] = ("shift_add", columns * 2 * addition(22, NODE))
    bill |= surroundings(rows, columns, bits, NODE)
    cycle = (128 + 32) * 1e-9
    outputs = columns / (cycle * clock)
    area += math.ceil(2 * outputs) * adder(22, NODE) + scaling_area(outputs, NODE)
    row = check(
        design(
            "bit-sliced", "reram-analog", bits, rows, columns, slice_bits=3, adc_bits=5,
            clock=clock,
        ),
        bill,
        area=area,
        latency=cycle + (2 + 6) / clock,
        interval=cycle,
    )  # fmt: skip
    assert (row.dac_bits, row.adc_bits) == (8, 5)
    assert (row.dac_conversions, row.adc_conversions) == (6.0, 3.0)


def test_update() -> None:
    """A write of 8 bits: four phases of 128 ns; nothing is read out, scaled or kept."""
    rows, columns, bits = 100, 50, 8
    share = 3 / 9 + 1 / 2 + 1 / 18 + 6 * (1 / 18 + 2 / 9)
    edge = math.sqrt(crossbar_area(rows, columns, bits))
    drivers = 2 * (bits * 15e-15 + 35e-12 / 1024)
    bill: Bill = {
        "array, charging lines in a write": ("array", rows * columns * CELL * 1.8**2 * share),
        "array, current of a write": ("array", rows * columns * 0.5 * 10.3e-9 * 1.8 * 127e-9),
        "row drivers in a write": ("periphery", rows * drivers),
        "column drivers": ("periphery", columns * 4 * 15e-15),
        "column logic": ("periphery", columns * 2 * 10e-12 / 1024),
        "wires across the core": ("periphery", (rows + columns) * 200e-12 * edge * 0.8**2),
    }
    row = check(
        design("fixed-lp", "reram-analog", bits, rows, columns, kernel="update"),
        bill,
        area=crossbar_area(rows, columns, bits),
        latency=512e-9,
        interval=512e-9,
    )
    assert (row.dac_conversions, row.adc_conversions, row.converter_energy_j) == (0.0, 0.0, 0.0)


# Digital arrays -----------------------------------------------------------------------------------


def test_digital_int8_on_logic() -> None:
    """A product of 8 bits and a sum of 32; 40 registers are written in a cycle, 48 are there.

    128 + 64 - 1 cycles of 1 ns through 128 x 64 cells, a vector in each; the scaling has 0.9 GHz.
    """
    rows, columns, clock = 128, 64, 0.9e9
    cells = rows * columns
    bill: Bill = {
        "multipliers and adders": ("array", cells * (product(8, 8, NODE) + addition(32, NODE))),
        "registers": ("array", cells * (8 + 32) * 1.7e-15 * 14 / 28),
    }
    bill |= surroundings(rows, columns, 8, NODE)
    area = cells * (multiplier(8, 8, NODE) + adder(32, NODE) + 48 * 3.7e-12 * (14 / 28) ** 2)
    check(
        design("digital-int8", "digital-logic", 6, rows, columns, clock=clock),
        bill,
        area=area + scaling_area(columns / 0.9, NODE),
        latency=191e-9 + 6 / clock,
        interval=1e-9,
    )


def test_digital_int4_on_logic() -> None:
    """A product of 4 bits and a sum of 24; 28 registers are written in a cycle, 32 are there.

    8 bits are to 4 as 16 to 8, so that the product takes sqrt(0.2 / 3.1) of that of 8.
    """
    rows, columns = 128, 64
    cells = rows * columns
    assert product(4, 4, 45e-9) == pytest.approx(0.2e-12 * (0.2 / 3.1) ** 0.5, rel=1e-12)
    bill: Bill = {
        "multipliers and adders": ("array", cells * (product(4, 4, NODE) + addition(24, NODE))),
        "registers": ("array", cells * (4 + 24) * 1.7e-15 * 14 / 28),
    }
    bill |= surroundings(rows, columns, 4, NODE)
    area = cells * (multiplier(4, 4, NODE) + adder(24, NODE) + 32 * 3.7e-12 * (14 / 28) ** 2)
    check(
        design("digital-int4", "digital-logic", 4, rows, columns),
        bill,
        area=area + scaling_area(columns, NODE),
        latency=191e-9 + 6e-9,
        interval=1e-9,
    )


@pytest.mark.parametrize("technology", ["sram-digital", "reram-digital", "digital-logic"])
def test_fewer_bits_take_less(technology: str) -> None:
    """Of energy and of area for each MAC, from 32 to 8 to 4 bits, and of a memory half at 4."""
    array = load_technology(technology)
    cores = [
        core for core in ("digital-int4", "digital-int8", "digital-fp32")
        if CORES[core].runs_on(array)
    ]  # fmt: skip
    rows = [energy(design(core, technology, 8, 128, 64)) for core in cores]
    assert len(rows) == (3 if technology == "digital-logic" else 2)
    for less, more in pairwise(rows):
        assert 0 < less.energy_per_mac_j < more.energy_per_mac_j
        assert 0 < less.array_energy_j < more.array_energy_j
        assert 0 < less.area_m2 < more.area_m2


def test_digital_int4_on_sram() -> None:
    """100 x 60 weights of 4 bits: 375 words of 64 bits, 2 ns each, are slower than the products.

    A multiplier of 4 x 4 bits with 18 of its sum has 34 full adders, of 86 at 8 x 8 bits with 22.
    """
    rows, columns = 100, 60
    core = 12103e-12 + 54000e-12 * 34 / 86 + rows * 20 * 4 * 0.04e-12
    bits = rows * columns * 4
    bill: Bill = {
        "memory, read": ("array", bits * 34e-15),
        "multipliers": ("array", rows * columns * 1.46e-12 * 34 / 86),
        "wires across the core": ("periphery", bits * 200e-12 * math.sqrt(core) * 0.8**2),
    }
    bill |= surroundings(rows, columns, 4, NODE)
    check(
        design("digital-int4", "sram-digital", 4, rows, columns),
        bill,
        area=core + scaling_area(columns / 750, NODE),
        latency=756e-9,
        interval=750e-9,
    )


def test_digital_fp32_on_logic() -> None:
    """Operands of 32 bits, which need no scales."""
    rows, columns = 10, 3
    bit = 20e-12 / 64 * 14 / 45
    bill: Bill = {
        "multipliers and adders": ("array", 30 * (fp_product(NODE) + fp_addition(NODE))),
        "registers": ("array", 30 * (32 + 32) * 1.7e-15 / 2),
        "inputs, read": ("memory", 10 * 32 * bit),
        "outputs, written": ("memory", 3 * 32 * bit),
    }
    check(
        design("digital-fp32", "digital-logic", 6, rows, columns),
        bill,
        area=30 * (fp_units(1, 1, NODE) + 96 * 3.7e-12 / 4),
        latency=12e-9,
        interval=1e-9,
    )


def test_digital_int8_on_sram() -> None:
    """100 x 60 weights of 8 bits in one block: 750 words of 64 bits, 2 ns each, are the slower.

    The 256 multipliers are done in 24 ns. All bits cross a core of 66 743 um^2.
    """
    rows, columns = 100, 60
    core = 12103e-12 + 54000e-12 + rows * 20 * 8 * 0.04e-12
    bits = rows * columns * 8
    bill: Bill = {
        "memory, read": ("array", bits * 34e-15),
        "multipliers": ("array", rows * columns * 1.46e-12),
        "wires across the core": ("periphery", bits * 200e-12 * math.sqrt(core) * 0.8**2),
    }
    bill |= surroundings(rows, columns, 8, NODE)
    check(
        design("digital-int8", "sram-digital", 8, rows, columns),
        bill,
        area=core + scaling_area(columns / 1500, NODE),
        latency=1506e-9,
        interval=1500e-9,
    )


# Residues in light --------------------------------------------------------------------------------

# By mixed radix of 59, 61, 62 and 63: 6 subtractions of 6 bits, 2 of 7 bits in each of 6
# reductions, sums of 12, 18 and 24 bits, times 63 and the sign of 24; products of 6 bits with
# constants and the one with 61, the two of each reduction of 13 bits, and that with 62.
ADDITIONS = {6: 6, 7: 12, 12: 1, 18: 1, 24: 3}
PRODUCTS = {(6, 6): 7, (13, 8): 6, (8, 6): 6, (12, 6): 1}


def logic_energy(additions: dict[int, float], products: dict[Any, float], node: float) -> float:
    found = sum(count * addition(width, node) for width, count in additions.items())
    return found + sum(count * product(*widths, node) for widths, count in products.items())


def logic_area(
    additions: dict[int, float], products: dict[Any, float], uses: float, node: float
) -> float:
    """Units that do all of it ``uses`` times in a cycle."""
    found = sum(math.ceil(count * uses) * adder(width, node) for width, count in additions.items())
    return found + sum(
        math.ceil(count * uses) * multiplier(*widths, node) for widths, count in products.items()
    )


def phase_sigma(modulus: int, rows: int) -> float:
    """Steps of a turn: 10 mW, less 1.6, 6 and 2 dB and 0.33 dB a row, on 1.1 A/W and 50 ohms.

    Noise of shot, of 300 K and of -140 dB/Hz in 5 GHz / sqrt 2, and 1 mrad for every row.
    """
    current = 1.1 * 10e-3 * 10 ** (-(1.6 + 6 + 2 + 0.33 * rows) / 10)
    density = 2 * 1.602176634e-19 * current + 4 * 1.380649e-23 * 300 / 50 + 1e-14 * current**2
    variance = density * 5e9 / math.sqrt(2)
    return modulus / (2 * math.pi) * math.sqrt(variance / current**2 + rows * 1e-6)


def test_rns_in_light() -> None:
    """128 terms in segments of 22 rows, of which light allows 24 for 63; 96 columns, 0.2 ns.

    A pass is done 1.3 times: all but the residues of the inputs, the scales and the memory.
    Before the first attempt a cycle; in each, 25 cycles out of residues, and to join 6 segments
    3 levels of a sum and a subtraction of m; after the last the six of scaling.
    """
    rows, columns, moduli, attempts, clock = 128, 96, (63, 62, 61, 59), 1.3, 0.77e9
    most = next(h for h in range(1, 200) if phase_sigma(63, h + 1) > 0.1)
    assert most == 24
    segments, height = 6, 22
    assert (segments - 1) * most < rows <= segments * height
    arrays, cycle = len(moduli) * segments, 0.2e-9
    lines = arrays * columns
    repeated: Bill = {
        "laser": ("light", lines * 10e-3 / 0.15 * cycle),
        "phase shifters": ("array", lines * height * 0.25 * 415e-15 * 2**2),
        "DACs with drivers": ("dac", arrays * height * 3.57e-12 * (64 / 6) / 32),
        "heaters": ("periphery", lines * 2.8e-3 * cycle),
        "detectors and transimpedance amplifiers": ("periphery", 2 * lines * 3e-3 * cycle),
        "ADCs": ("adc", 2 * lines * 1.48e-12 * 6 / 8),
        "reverse conversion": ("reverse", columns * logic_energy(ADDITIONS, PRODUCTS, NODE)),
        "joining segments": ("accumulation", columns * 5 * 4 * 2 * addition(6, NODE)),
    }
    bill = {name: (group, attempts * joules) for name, (group, joules) in repeated.items()}
    bill["forward conversion"] = ("forward", rows * 4 * addition(6, NODE))
    bill |= surroundings(rows, columns, 6, NODE)
    area = lines * height * 5200e-12 + arrays * height * 11000e-12 * (64 / 6) / 32
    area += 2 * lines * (50e-12 + 2850e-12)
    outputs = columns / (cycle * clock)
    area += logic_area(ADDITIONS, PRODUCTS, outputs, NODE) + scaling_area(outputs, NODE)
    area += logic_area({6: 8}, {}, 5 * outputs, NODE)
    area += logic_area({6: 4}, {}, rows / (cycle * clock), NODE)
    row = check(
        design(
            "rns", "photonic-phase", 6, rows, columns, moduli=ModuliSet(moduli), clock=clock,
            expected_attempts=1.1, pass_attempts=attempts,
        ),
        bill,
        area=area,
        latency=(1 + 6) / clock + attempts * (cycle + (25 + 6) / clock),
        interval=attempts * cycle,
    )  # fmt: skip
    assert (row.segments, row.largest_rows) == (segments, most)
    assert row.link_sigma == close(phase_sigma(63, height))
    assert row.adc_conversions == close(attempts * arrays * 2)
    assert row.dac_conversions == close(attempts * arrays * height / columns)
    again = sum(joules for _, joules in repeated.values()) * (attempts - 1) / columns
    assert row.retry_energy_j == pytest.approx(again, rel=1e-10, abs=0)


def test_moduli_have_converters_of_their_own_width() -> None:
    """17, 15 and 7 have 5, 4 and 3 bits: each its own shifters' drivers and ADCs."""
    rows, columns = 4, 16
    made = design(
        "rns", "photonic-phase", 3, rows, columns, adc_rate=1e9, memory="none", scales="none",
        moduli=ModuliSet((7, 5, 4)),
    )  # fmt: skip
    wide = EnergyParameters(
        core="rns",
        dot_product=DotProduct(rows, 4, 4),
        bits=5,
        technology=load_technology("photonic-phase"),
        moduli=ModuliSet((17, 15, 7)),
        columns=columns,
    )
    for parameters, widths in ((made, (3, 3, 2)), (wide, (5, 4, 3))):
        row = energy(parameters)
        assert row.segments == 1
        adc = 2 * sum(1.48e-12 * bits / 8 for bits in widths)
        dac = sum(rows / columns * 3.57e-12 * 2**bits / bits / 32 for bits in widths)
        assert row.adc_energy_j == close(adc)
        assert row.dac_energy_j == close(dac)
        assert (row.dac_bits, row.adc_bits) == (max(widths), max(widths))


# Residues in charge -------------------------------------------------------------------------------


def mean_of_largest(rejected: Fraction, columns: int) -> float:
    """Mean of the largest of c numbers of attempts, by inclusion and exclusion."""
    terms = (
        (-1) ** (k + 1) * math.comb(columns, k) / (1 - rejected**k) for k in range(1, columns + 1)
    )
    return float(sum(terms, Fraction(0)))


def test_rns_in_charge() -> None:
    """Two redundant moduli of six, by remainders; a circuit of 20 fJ folds each sum.

    A word is rejected with probability 1/5, so that 32 columns are repeated until the last is
    right. Eight columns take turns at an ADC: 8 ns, while the array takes 1 ns.
    Reverse: 4 products of 6 bits with the reductions of their 13 bits, 4 products 6 x 18, 3 sums
    and 2 subtractions of 24 bits, and the sign. A check: 4 additions of 6 bits modulo 63, Barrett
    modulo 62, two comparisons of 6 bits and one of 24. In one word of ten two further groups.
    """
    rows, columns, channels, node, clock = 128, 32, 6, 40e-9, 1.1e9
    attempts = mean_of_largest(Fraction(1, 5), columns)
    assert 3 < attempts < 4
    reverse: tuple[dict[int, float], dict[Any, float]] = (
        {7: 8, 24: 6},
        {(6, 6): 4, (13, 8): 4, (8, 6): 4, (6, 18): 4},
    )
    decoding: tuple[dict[int, float], dict[Any, float]] = (
        {6: 6 + 0.2 * 6, 7: 2 + 0.2 * (8 + 2), 24: 1 + 0.2 * (6 + 1)},
        {(24, 19): 1.2, (19, 6): 1.2} | dict.fromkeys(reverse[1], 0.2 * 4),
    )
    cycle = 8e-9
    repeated: Bill = {
        "capacitors": ("array", channels * rows * columns * 31 * 300e-18),
        "DAC": ("dac", channels * rows * 36 * 0.5e-15),
        "ADC, murmann": ("adc", channels * columns * 604.096e-15),
        "modulo circuit": ("modulo", channels * columns * 20e-15),
        "reverse conversion": ("reverse", columns * logic_energy(*reverse, node)),
        "check and decoding": ("decoding", columns * logic_energy(*decoding, node)),
    }
    bill = {name: (group, attempts * joules) for name, (group, joules) in repeated.items()}
    bill["forward conversion"] = ("forward", rows * 6 * addition(6, node))
    bill |= surroundings(rows, columns, 6, node)
    outputs = columns / (cycle * clock)
    area = channels * rows * columns * 31 * 300e-18 / 2e-3
    area += channels * (rows * 64 * 0.5e-15 / 2e-3 + 4 * adc_area(604.096e-15, node))
    area += logic_area(*reverse, outputs, node) + logic_area(*decoding, outputs, node)
    area += logic_area({6: 6}, {}, rows / (cycle * clock), node) + scaling_area(outputs, node)
    row = check(
        design(
            "rns", "switched-capacitor", 6, rows, columns, columns_per_adc=8, clock=clock,
            moduli=ModuliSet((63, 62, 61, 59, 55, 53), 2), modulo_energy=20e-15, reverse="crt",
            expected_attempts=1.25, search_probability=0.1, legitimate_range=246017,
        ),
        bill,
        area=area,
        latency=(1 + 6) / clock + attempts * (9e-9 + 16 * 1.2 / clock),
        interval=attempts * cycle,
    )  # fmt: skip
    assert row.pass_attempts == close(attempts)
    assert row.expected_attempts == 1.25
    assert row.adc_conversions == close(channels * attempts)


# Powers of light ----------------------------------------------------------------------------------


def power_sigma(bits: int, rows: int, columns: int) -> float:
    """Steps of 2^b: 10 mW a wavelength, less all losses, on 1.2 A/W and 50 ohms, twice."""
    loss = 1.6 + 4 + 2 * (rows - 1) * 0.01 + 300 * (rows * 20e-6 + 100e-6)
    loss += math.log2(columns) * 0.01 + 10 * math.log10(columns) + 4.8
    current = 1.2 * 10e-3 * 10 ** (-loss / 10)
    thermal, charge = 4 * 1.380649e-23 * 300 / 50, 1.602176634e-19
    lit = 2 * charge * (current + 35e-9) + thermal + 1e-14 * current**2
    dark = 2 * charge * 35e-9 + thermal
    noise = (math.sqrt(lit) + math.sqrt(dark)) * math.sqrt(5e9 / math.sqrt(2))
    return 2**bits * noise / current


def test_powers_of_light() -> None:
    """4 bits, 16 wavelengths on 8 columns, a vector in 0.2 ns; nothing of it is retried."""
    rows, columns, bits, cycle = 16, 8, 4, 0.2e-9
    bill: Bill = {
        "lasers": ("light", rows * 10e-3 / 0.15 * cycle),
        "input modulators": ("dac", rows * 419e-15),
        "weight rings": ("array", rows * columns * 2.8e-3 * cycle),
        "detectors and transimpedance amplifiers": ("periphery", columns * 3e-3 * cycle),
        "ADCs": ("adc", columns * 1.48e-12 * 4 / 8),
    }
    bill |= surroundings(rows, columns, bits, NODE)
    clock = 0.77e9
    area = (rows + rows * columns) * 410e-12 + columns * (50e-12 + 2850e-12)
    row = check(
        design(
            "fixed-lp", "photonic-incoherent", bits, rows, columns, clock=clock,
            expected_attempts=2.0,
        ),
        bill,
        area=area + scaling_area(columns / (cycle * clock), NODE),
        latency=cycle + 6 / clock,
        interval=cycle,
    )  # fmt: skip
    assert row.link_sigma == close(power_sigma(bits, rows, columns))
    most = max(h for h in range(1, 129) if power_sigma(bits, h, columns) <= 0.816)
    assert row.largest_rows == most >= rows
    assert (row.segments, row.pass_attempts, row.retry_energy_j) == (1, 1.0, 0.0)


# Kernels ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("core", "technology", "more"),
    [
        (core, name, more)
        for name in technology_names()
        for core, more in (
            ("fixed-lp", {}), ("fixed-lp", {"adc": MurmannAdc()}), ("fixed-hp", {}),
            ("bit-sliced", {}), ("digital-int8", {}), ("digital-int4", {}),
            ("digital-fp32", {}),
        )
        if CORES[core].runs_on(load_technology(name)) and load_technology(name).does("cycle")
        and (core, name) != ("fixed-hp", "photonic-incoherent")  # too noisy
    ],
    ids=str,
)  # fmt: skip
def test_a_cycle_is_the_sum_of_its_kernels(
    core: str, technology: str, more: dict[str, Any]
) -> None:
    made: Callable[[str], EnergyRow] = lambda kernel: energy(  # noqa: E731
        design(core, technology, 4, 16, 16, kernel=kernel, columns_per_adc=2, **more)
    )
    cycle, kernels = made("cycle"), [made(kernel) for kernel in ("vmm", "mvm", "update")]
    names = [*ENERGY_PARTS, "energy_per_dot_product_j", "latency_s", "dac_conversions",
             "adc_conversions"]  # fmt: skip
    for name in names:
        expected = math.fsum(getattr(row, name) for row in kernels)
        assert getattr(cycle, name) == pytest.approx(expected, rel=1e-12, abs=0), name
    assert 3 / cycle.throughput_macs_per_s == pytest.approx(
        math.fsum(1 / row.throughput_macs_per_s for row in kernels), rel=1e-12, abs=0
    )
    assert cycle.energy_per_mac_j == pytest.approx(
        cycle.energy_per_dot_product_j / 48, rel=1e-12, abs=0
    )
    assert kernels[2].scaling_energy_j == kernels[2].memory_energy_j == 0.0
