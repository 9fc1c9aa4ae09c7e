"""Bills worked out by hand, every term."""

import math
from dataclasses import replace
from typing import Any

import prices_by_hand
import pytest
from simple_arrays import CAPACITORS, CROSSBAR, LIGHT

from rnscli.analysis.energy.bill import energy
from rnscli.analysis.energy.parameters import EnergyParameters
from rnscli.analysis.energy.rows import ENERGY_PARTS, EnergyRow
from rnscli.core.arithmetic.dot_product import DotProduct
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.hardware.expression import Expression
from rnscli.hardware.technology import Part, Technology

SIX_BITS = ModuliSet((63, 62, 61, 59))
FEMTO = 1e-15


def bill(core: str, bits: int = 6, vector_size: int = 128, **settings: Any) -> EnergyRow:
    """Of arrays and converters, without what surrounds them."""
    dot = DotProduct(vector_size, bits, bits)
    array = LOGIC if core.startswith("digital") else CROSSBAR
    adcs = {"adc_rate": 1e9, "columns_per_adc": 1}
    settings = {"technology": array, "memory": "none", "scales": "none"} | adcs | settings
    return energy(EnergyParameters(core=core, dot_product=dot, bits=bits, **settings))


def approximately(value: float, rel: float = 1e-12) -> Any:
    return pytest.approx(value, rel=rel, abs=0)


def addition(width: float, node: float = 14) -> float:
    """fJ."""
    return prices_by_hand.addition(width, node * 1e-9) / FEMTO


def product(first: float, second: float, node: float = 14) -> float:
    """fJ."""
    return prices_by_hand.product(first, second, node * 1e-9) / FEMTO


def adder(width: float) -> float:
    """um^2."""
    return prices_by_hand.adder(width, 14e-9) * 1e12


def multiplier(first: float, second: float) -> float:
    """um^2."""
    return prices_by_hand.multiplier(first, second, 14e-9) * 1e12


def adc_area(energy_pj: float, node_nm: float) -> float:
    """um^2 of an ADC of 1 GS/s, as published."""
    logarithm = 1.34619 + 0.99328 * math.log(node_nm) + 0.18072 * math.log(1e9)
    return math.exp(logarithm + 0.29912 * math.log(energy_pj))


def assert_parts(row: EnergyRow, femtojoules: dict[str, float]) -> None:
    """Exactly these, and nothing else."""
    names = ENERGY_PARTS
    assert set(femtojoules) <= {name.removesuffix("_energy_j") for name in names}
    for column in names:
        name = column.removesuffix("_energy_j")
        expected = femtojoules.get(name, 0.0) * FEMTO
        assert getattr(row, column) == approximately(expected), name
    total = sum(femtojoules.values()) * FEMTO
    assert row.energy_per_dot_product_j == approximately(total)


# The core rns -------------------------------------------------------------------------------------

# Adds: 6 subtractions modulo m of 6 bits, 2 of 7 bits in each of 6 reductions, the sums of 12, 18
# and 24 bits, times 63 and the sign of 24. Products: 6 with constants and the one with 61, the two
# of each reduction (13 bits by 8, 8 by 6), and that with 62, 12 bits by 6.
ADDITIONS = {6: 6, 7: 12, 12: 1, 18: 1, 24: 3}
PRODUCTS = {(6, 6): 7, (13, 8): 6, (8, 6): 6, (12, 6): 1}


def test_rns_by_hand() -> None:
    """6 bits, moduli 63, 62, 61 and 59 on a 128 x 128 crossbar, without memory.

    DAC: 4 moduli x 128/128 x 36 x 0.5 fF x 1 V^2 = 4 x 18 fJ = 72 fJ.
    ADC: 4 x (6 x 100 fJ + 4096 aJ) = 4 x 604.096 fJ = 2416.384 fJ.
    Array: 4 x 128 x 10.1235 fJ x 2^(6 - 8) = 1295.808 fJ.
    Forward: an input of 6 bits is below 32 in magnitude, all moduli above: 4 additions of 6 bits
    at 23.3676 fJ, at 14 instead of 45 nm (14 / 45)^0.647 of it: 43.9109 fJ.
    Reverse, by mixed radix, moduli of 6 bits: 1 + 2 + 3 = 6 steps, each a subtraction and a product
    of 6 bits with the reduction of its 13 bits; 59 x 61 = 3599 has 12 bits, x 62 = 223138 has 18, x
    63 has 24; times 63 is a subtraction after a shift of 6, of 24 bits. 2372.099 fJ.
    Decoding: all numbers are legitimate and none redundant, so there is nothing to check.
    """
    row = bill("rns", moduli=SIX_BITS)
    reverse = sum(count * addition(width) for width, count in ADDITIONS.items())
    reverse += sum(count * product(*widths) for widths, count in PRODUCTS.items())
    parts = {
        "dac": 72,
        "adc": 2416.384,
        "array": 1295.808,
        "forward": 4 * addition(6),
        "reverse": reverse,
    }
    assert_parts(row, parts)
    assert f"{row.forward_energy_j / FEMTO:.4f}" == "43.9109"
    assert f"{row.reverse_energy_j / FEMTO:.3f}" == "2372.099"
    assert f"{row.energy_per_dot_product_j / FEMTO:.2f}" == "6200.20"
    assert row.converter_energy_j == approximately(2488.384 * FEMTO)
    assert row.energy_per_mac_j * 128 == approximately(row.energy_per_dot_product_j)
    assert row.retry_energy_j == 0.0
    assert (row.dac_bits, row.adc_bits) == (6, 6)
    assert (row.dac_conversions, row.adc_conversions) == (4.0, 4.0)
    assert (row.technology, row.adc_model, row.columns) == ("crossbar", "murmann", 128)
    assert (row.relative_to_rns, row.adc_relative_to_rns) == (1.0, 1.0)


def test_rns_time_and_area_by_hand() -> None:
    """The same core at 1 GHz.

    1 ns into residues, 425.6666666667 ns x 2^-2 = 106.4166666667 ns in the array, 1 ns for the
    readout, 25 cycles out of residues: three levels of a subtraction and a product modulo m, of
    which 62, 61 and 59 take the product and four operations of its reduction, 3 x (1 + 5) = 18;
    three products with a modulus, each with a sum, 6; the sign. One vector every 106.4166666667 ns,
    in which 128 inputs and 128 outputs take their turns: 1.2028 in a cycle. So it takes ceil(4 x
    1.2028) = 5 adders for the inputs; for the outputs 8 of 6 bits, 15 of 7, 2 of 12, 2 of 18 and 4
    of 24, and 9, 8, 8 and 2
    multipliers. Of 4 arrays each: 128 x 128 weights x 2 cells of 4.096e-3 um^2, 128 DACs of 2^6 x
    0.5 fF / (2 fF/um^2) = 16 um^2, and 128 ADCs of 1923.4 um^2.
    """
    row = bill("rns", moduli=SIX_BITS)
    cycle = 106.416666666675e-9
    assert row.latency_s == approximately(cycle + 27e-9)
    assert row.throughput_macs_per_s == approximately(128 * 128 / cycle)
    assert row.tops_per_w == approximately(2 * 128 / row.energy_per_dot_product_j / 1e12)
    assert f"{row.tops_per_w:.3f}" == "41.289"
    units = {6: 5 + 8, 7: 15, 12: 2, 18: 2, 24: 4}
    logic = sum(count * adder(width) for width, count in units.items())
    products = {(6, 6): 9, (13, 8): 8, (8, 6): 8, (12, 6): 2}
    logic += sum(count * multiplier(*widths) for widths, count in products.items())
    arrays = 4 * (128 * 128 * 2 * 4.096e-3 + 128 * 16 + 128 * adc_area(0.604096, 14))
    area = arrays + logic
    assert row.area_m2 == approximately(area * 1e-12)
    assert f"{row.area_m2 * 1e12:.0f}" == "995029"
    assert row.tops_per_mm2 == approximately(2 * 128 * 128 / cycle / 1e12 / (area * 1e-6))


def test_redundant_rns_by_hand() -> None:
    """6 bits, two redundant moduli of six, 1.25 attempts, 128 x 32 switched capacitors at 40 nm.

    DAC: 6 moduli x 1.25 attempts x 128/32 = 30 conversions of 18 fJ, 540 fJ.
    ADC: 7.5 x 604.096 fJ = 4530.72 fJ. Array: 7.5 x 128 x 9.3 fJ = 8928 fJ, as known at 6 bits.
    Forward: 4 inputs for each output, once: 4 x 6 additions of 6 bits.
    Reverse, by remainders of 61, 59, 55 and 53: 61 x 59 x 55 x 53 = 10491085 has 24 bits, a product
    of three of them 18. 4 products of 6 bits with the reductions of their 13 bits (13 x 8 and 8 x
    6, two additions of 7), 4 products 6 x 18, 3 sums and 2 conditional subtractions of 24 bits,
    and the sign.
    A check: 24 bits modulo 63 are 4 groups of 6 bits, 4 additions; modulo 62 they take products
    24 x 19 and 19 x 6 and two additions of 7; two comparisons of 6 bits with what was read; one of
    24 bits, since of the 10491085 numbers 246017 are legitimate.
    Decoding: a check, and in one word of ten 2 further groups with a conversion and a check each:
    pairs that leave any one of six residues out are three, the first of them the redundant ones.
    """
    row = bill(
        "rns",
        moduli=ModuliSet((63, 62, 61, 59, 55, 53), 2),
        technology=CAPACITORS,
        columns=32,
        expected_attempts=1.25,
        pass_attempts=1.25,
        search_probability=0.1,
        legitimate_range=246017,
        reverse="crt",
    )
    at_40 = {"node": 40.0}
    reduction = product(13, 8, **at_40) + product(8, 6, **at_40) + 2 * addition(7, **at_40)
    reverse = 4 * (product(6, 6, **at_40) + reduction + product(6, 18, **at_40))
    reverse += 6 * addition(24, **at_40)
    check = 4 * addition(6, **at_40) + 2 * addition(7, **at_40)
    check += product(24, 19, **at_40) + product(19, 6, **at_40)
    check += 2 * addition(6, **at_40) + addition(24, **at_40)
    parts = {
        "dac": 540,
        "adc": 4530.72,
        "array": 8928,
        "forward": 24 * addition(6, **at_40),
        "reverse": 1.25 * reverse,
        "decoding": 1.25 * (check + 0.2 * (reverse + check)),
    }
    assert_parts(row, parts)
    assert f"{row.reverse_energy_j / FEMTO:.2f}" == "5104.45"
    assert f"{row.decoding_energy_j / FEMTO:.2f}" == "3850.62"
    # A fifth of all but the inputs is of further attempts.
    retries = 0.2 * (sum(parts.values()) - parts["forward"])
    assert row.retry_energy_j == approximately(retries * FEMTO)
    assert (row.dac_conversions, row.adc_conversions) == (30.0, 7.5)
    assert (row.moduli, row.redundant_moduli) == ((61, 59, 55, 53), (63, 62))
    assert (row.columns, row.expected_attempts) == (32, 1.25)
    # 1 ns before; an attempt is 1 ns in the array, 1 for the readout, 11 cycles out of residues (a
    # product and the four operations of its reduction, one more product, two levels of sums, two
    # subtractions, the sign) and 5 for the check (four groups of 6 bits, or four operations by
    # Barrett, and a comparison). In a word of ten two further groups take these 16 each: 3.2.
    assert row.latency_s == approximately(1e-9 + 1.25 * 21.2e-9)
    assert row.throughput_macs_per_s == approximately(128 * 32 / 1.25e-9)


# Conventional cores -------------------------------------------------------------------------------


def test_fixed_hp_by_hand() -> None:
    """4 bits on a photonic array of 64 x 32, four columns an ADC.

    DAC: 64/32 = 2 conversions of 16 x 0.5 fJ, 16 fJ.
    ADC: 4 + 4 + 6 - 1 = 13 bits, 1300 fJ + 4^13 aJ = 1300 + 67108.864 fJ.
    Array: 64 x 17 fJ x 4^(4 - 5) = 272 fJ.
    Time: 83.33333333333 ps in the array and 4 ns for four conversions, which is the longer.
    Area: 64 x 32 cells of 1.0089e-7 m^2, 64 DACs of 2^4 x 0.5 / 2 = 4 um^2, 8 ADCs.
    """
    row = bill(
        "fixed-hp",
        bits=4,
        vector_size=64,
        technology=LIGHT,
        columns=32,
        columns_per_adc=4,
        moduli=ModuliSet((15, 14, 13, 11)),
        expected_attempts=3.0,
        pass_attempts=3.0,
    )
    assert_parts(row, {"dac": 16, "adc": 68408.864, "array": 272})
    assert (row.dac_bits, row.adc_bits) == (4, 13)
    assert (row.dac_conversions, row.adc_conversions) == (2.0, 1.0)
    assert (row.moduli, row.redundant_moduli, row.expected_attempts) == (None, None, 1.0)
    assert row.latency_s == approximately(4.08333333333333e-9)
    assert row.throughput_macs_per_s == approximately(5.12e11)  # 64 x 32 in 4 ns
    assert row.tops_per_w == approximately(2 * 64 / 68.696864)
    area = 64 * 32 * 1.0089e5 + 64 * 4 + 8 * adc_area(68.408864, 45)
    assert row.area_m2 == approximately(area * 1e-12)
    assert row.tops_per_mm2 == approximately(1.024 / (area * 1e-6))
    # rns repeats its conversions: 4 x 3 x (400 fJ + 0.256 fJ).
    assert row.adc_relative_to_rns == approximately(68408.864 / (12 * 400.256))


def test_bit_sliced_by_hand() -> None:
    """8 bits, weights of 7 bits and a sign in slices of 3 bits: 3 slices; 128 x 64 crossbars.

    DAC: 3 x 128/64 = 6 conversions of 64 x 0.5 = 32 fJ. ADC of 5 bits: 3 x (500 + 1.024) fJ.
    Array: 3 x 128 x 10.1235 fJ at 8 bits. Two additions at the 8 + 8 + 7 - 1 = 22 bits of a result.
    They take two levels, 2 cycles, after 425.6666666667 ns and 1 ns. Logic: 64 x 2 additions in
    425.67 cycles need a single adder.
    """
    row = bill("bit-sliced", bits=8, slice_bits=3, adc_bits=5, columns=64)
    parts = {
        "dac": 192,
        "adc": 1503.072,
        "array": 3887.424,
        "shift_add": 2 * addition(22),
    }
    assert_parts(row, parts)
    assert (row.dac_bits, row.adc_bits) == (8, 5)
    assert (row.dac_conversions, row.adc_conversions) == (6.0, 3.0)
    assert (row.relative_to_rns, row.adc_relative_to_rns) == (None, None)
    assert row.latency_s == approximately(428.6666666667e-9)
    channel = 128 * 64 * 2 * 4.096e-3 + 128 * 64 + 64 * adc_area(0.501024, 14)
    area = 3 * channel + adder(22)
    assert row.area_m2 == approximately(area * 1e-12)


def test_fixed_lp_by_hand() -> None:
    """One array of those that rns has four of, with 1.5 attempts each."""
    row = bill("fixed-lp", moduli=SIX_BITS, expected_attempts=1.5, pass_attempts=1.5)
    assert_parts(row, {"dac": 18, "adc": 604.096, "array": 323.952})
    assert row.adc_relative_to_rns == approximately(1 / 6)
    assert row.expected_attempts == 1.0
    assert row.latency_s == approximately(107.416666666675e-9)


LEAKING = Technology(
    name="leaking",
    kind="analog",
    modulo="circuit",
    node=45e-9,
    rows=1024,
    columns=1024,
    overlapped=True,
    parts=(
        Part(
            name="cells", group="array", per="cell", count=Expression("3"),
            energy=Expression("1e-15"), area=Expression("1e-12 * 4^(input_bits - 4)"),
        ),
        Part(
            name="leakage", group="periphery", per="cell", count=Expression("3"),
            power=Expression("1e-9"),
        ),
        Part(
            name="pulses", group="array", per="array", time=Expression("2e-9 * 2^(input_bits - 4)")
        ),
    ),
)  # fmt: skip


def test_power_by_hand() -> None:
    """Each of 3 x 128 cells takes 1 nW for 2 ns x 2^(6 - 4) = 8 ns: 3.072 fJ a modulus.

    Where 16 columns take turns at an ADC it is 16 ns, and with two attempts twice that.
    """
    assert bill("fixed-lp", technology=LEAKING).periphery_energy_j == approximately(3.072e-15)
    twice = {"expected_attempts": 2.0, "pass_attempts": 2.0}
    slow = bill("rns", technology=LEAKING, moduli=SIX_BITS, columns_per_adc=16, **twice)
    assert slow.periphery_energy_j == approximately(4 * 4 * 3.072e-15)
    # Where a pass waits for the one before, it takes as long as array and readout together.
    waits = replace(LEAKING, overlapped=False)
    slow = bill("rns", technology=waits, moduli=SIX_BITS, columns_per_adc=16, **twice)
    assert slow.periphery_energy_j == approximately(4 * 2 * 3 * 3.072e-15)
    # More columns an ADC than there are take no longer than all of them: 4 columns, 4 ns.
    few = bill("fixed-lp", technology=LEAKING, columns=4, columns_per_adc=1000)
    assert few.latency_s == approximately(12e-9)
    # Cells of 4^(6 - 4) times the area.
    cells = 3 * 128 * 4 * 16e-12
    assert few.area_m2 == approximately(cells + 1e-12 * (128 * 16 + adc_area(0.604096, 45)))


# Digital cores ------------------------------------------------------------------------------------


LOGIC = Technology(
    name="multipliers",
    kind="digital",
    node=14e-9,
    rows=2**20,
    columns=2**20,
    overlapped=True,
    parts=(
        Part(
            name="multipliers", group="array", per="cell", energy=Expression("mac_energy"),
            area=Expression("mac_area"),
        ),
        Part(
            name="clock", group="array", per="array", time=Expression("1e-9"),
            delay=Expression("(rows + columns - 2) * 1e-9"),
        ),
    ),
)  # fmt: skip


def test_digital_int8_by_hand() -> None:
    """A product and a sum for each of 128 terms; 128 + 64 - 1 cycles through 128 x 64 cells."""
    row = bill("digital-int8", columns=64)
    each = product(8, 8) + addition(32)
    assert_parts(row, {"array": 128 * each})
    assert (row.dac_bits, row.adc_bits, row.adc_model) == (None, None, None)
    assert (row.dac_conversions, row.adc_conversions) == (0.0, 0.0)
    assert row.latency_s == approximately(191e-9)
    assert row.throughput_macs_per_s == approximately(8192e9)
    area = 128 * 64 * (multiplier(8, 8) + adder(32))
    assert row.area_m2 == approximately(area * 1e-12)
    assert row.tops_per_w == approximately(2000 / each)
    assert row.tops_per_mm2 == approximately(16.384 / (area * 1e-6))


def test_digital_fp32_by_hand() -> None:
    """At 14 nm, between what is published at 45 and at 7 nm."""
    row = bill("digital-fp32", columns=1, vector_size=10)
    each = prices_by_hand.fp_product(14e-9) + prices_by_hand.fp_addition(14e-9)
    assert_parts(row, {"array": 10 * each / FEMTO})
    assert (0.38 + 1.31) * 1e-12 < each < (0.9 + 3.7) * 1e-12
    assert row.area_m2 == approximately(10 * (7700 + 4184) * 1e-12 * 0.17)


# Published ----------------------------------------------------------------------------------------

PUBLISHED = {
    4: (15, 14, 13, 11),
    5: (31, 29, 28, 27),
    6: (63, 62, 61, 59),
    7: (127, 126, 125),
    8: (255, 254, 253),
}


@pytest.mark.parametrize(
    ("bits", "ratio"),
    [(4, "168.54"), (5, "2143.9"), (6, "28439.7"), (7, "511603"), (8, "6775065")],
)
def test_published_ratio_of_adc_energy(bits: int, ratio: str) -> None:
    row = bill("fixed-hp", bits=bits, moduli=ModuliSet(PUBLISHED[bits]))
    decimals = len(ratio.partition(".")[2])
    assert f"{row.adc_relative_to_rns:.{decimals}f}" == ratio


@pytest.mark.parametrize(
    ("decoder", "moduli", "further"),
    [
        ("detect", ModuliSet([63, 62, 61, 59, 55, 53], 2), 0),
        ("majority", ModuliSet([63, 62, 61, 59, 55, 53], 2), 0),
        ("bounded-distance", ModuliSet([63, 62, 61, 59, 55, 53], 2), 2),
        ("plurality", ModuliSet([63, 62, 61, 59, 55, 53], 2), 14),
        ("robust", ModuliSet([62, 58, 54, 50, 46, 38, 34], 2, factor=2), 3),
    ],
)
def test_further_groups_are_paid_for(decoder: str, moduli: ModuliSet, further: int) -> None:
    """A vote is of all groups of n residues; others need as many as cover what they correct."""
    dot = DotProduct(16, 6, 6)
    bills = [
        energy(
            EnergyParameters(
                core="rns", dot_product=dot, bits=6, moduli=moduli, decoder=decoder,
                search_probability=share,
            )
        )
        for share in (0.0, 1.0)
    ]  # fmt: skip
    none, every = (bill.decoding_energy_j for bill in bills)
    group = none + bills[0].reverse_energy_j
    assert every - none == pytest.approx(further * group, rel=1e-9)
