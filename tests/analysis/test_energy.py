import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnscli.analysis.energy import (
    CORE_CONVERSIONS,
    EnergyParameters,
    EnergyRow,
    MurmannConverters,
    converter_energy,
)
from rnscli.analysis.moduli_choice import ModuliRequest
from rnscli.core.dot_product import DotProduct
from rnscli.core.errors import InputError
from rnscli.core.moduli import ModuliSet

QUICK = settings(max_examples=150, deadline=None, derandomize=True)

SIX_BITS = ModuliSet((63, 62, 61, 59))
PUBLISHED = {
    4: (15, 14, 13, 11),
    5: (31, 29, 28, 27),
    6: (63, 62, 61, 59),
    7: (127, 126, 125),
    8: (255, 254, 253),
}


def energy(core: str, bits: int = 6, vector_size: int = 128, **settings_: Any) -> EnergyRow:
    dot = DotProduct(vector_size, bits, bits)
    return converter_energy(EnergyParameters(core=core, dot_product=dot, bits=bits, **settings_))


# By hand -----------------------------------------------------------------------------------------


def test_rns_by_hand() -> None:
    """6 bits, 4 + 2 moduli, 1.25 attempts, 128 x 32 array.

    Conversions: 6 moduli x 1.25 = 7.5 by ADCs; DACs 128 / 32 = 4 times as many, 30.
    An ADC conversion takes 100 fJ x 6 + 1 aJ x 4096 = 604.096 fJ, one by a DAC
    36 x 0.5 fF x 1 V^2 = 18 fJ.
    """
    moduli = ModuliSet((63, 62, 61, 59, 55, 53), 2)
    row = energy("rns", moduli=moduli, columns=32, expected_attempts=1.25)
    assert (row.dac_bits, row.adc_bits) == (6, 6)
    assert (row.dac_conversions, row.adc_conversions) == (30.0, 7.5)
    assert row.dac_energy_j == pytest.approx(540e-15, rel=1e-14, abs=0)
    assert row.adc_energy_j == pytest.approx(4530.72e-15, rel=1e-14, abs=0)
    assert row.converter_energy_j == pytest.approx(5070.72e-15, rel=1e-14, abs=0)
    assert row.energy_per_mac_j == pytest.approx(39.615e-15, rel=1e-14, abs=0)
    assert (row.relative_to_rns, row.adc_relative_to_rns) == (1.0, 1.0)
    assert (row.moduli, row.redundant_moduli) == ((61, 59, 55, 53), (63, 62))
    assert (row.columns, row.expected_attempts) == (32, 1.25)


def test_fixed_hp_by_hand() -> None:
    """6 bits, h = 128: the ADC has 18 bits and takes 1.8 pJ + 1 aJ x 2^36 = 68.7212767 nJ."""
    row = energy("fixed-hp", moduli=SIX_BITS)
    assert (row.dac_bits, row.adc_bits) == (6, 18)
    assert (row.dac_conversions, row.adc_conversions) == (1.0, 1.0)
    assert row.dac_energy_j == pytest.approx(18e-15, rel=1e-14, abs=0)
    assert row.adc_energy_j == pytest.approx(68.721276736e-9, rel=1e-13, abs=0)
    assert row.converter_energy_j == pytest.approx(68.721294736e-9, rel=1e-13, abs=0)
    # rns: 4 x (604.096 + 18) fJ = 2.488384 pJ, of it 2.416384 pJ in the ADCs.
    assert row.relative_to_rns == pytest.approx(68.721294736e-9 / 2.488384e-12, rel=1e-13, abs=0)
    assert row.adc_relative_to_rns == pytest.approx(
        68.721276736e-9 / 2.416384e-12, rel=1e-13, abs=0
    )
    assert (row.moduli, row.redundant_moduli, row.expected_attempts) == (None, None, 1.0)


def test_bit_sliced_by_hand() -> None:
    """8-bit weights in slices of 3 bits: 3 slices; 5-bit ADCs: 500 fJ + 1.024 fJ each.

    128 x 64 array: 2 DAC conversions for each slice, of 64 x 0.5 fJ = 32 fJ.
    """
    row = energy("bit-sliced", bits=8, slice_bits=3, adc_bits=5, columns=64)
    assert (row.dac_bits, row.adc_bits) == (8, 5)
    assert (row.dac_conversions, row.adc_conversions) == (6.0, 3.0)
    assert row.dac_energy_j == pytest.approx(192e-15, rel=1e-14, abs=0)
    assert row.adc_energy_j == pytest.approx(1503.072e-15, rel=1e-14, abs=0)
    assert row.converter_energy_j == pytest.approx(1695.072e-15, rel=1e-14, abs=0)
    assert (row.relative_to_rns, row.adc_relative_to_rns) == (None, None)


def test_fixed_lp_by_hand() -> None:
    row = energy("fixed-lp", moduli=SIX_BITS, expected_attempts=1.5)
    assert (row.dac_bits, row.adc_bits) == (6, 6)
    assert row.adc_energy_j == pytest.approx(604.096e-15, rel=1e-14, abs=0)
    assert row.relative_to_rns == pytest.approx(1 / 6, rel=1e-14, abs=0)  # 4 moduli x 1.5 attempts
    assert row.expected_attempts == 1.0


@pytest.mark.parametrize(
    ("bits", "ratio"),
    [(4, "168.54"), (5, "2143.9"), (6, "28439.7"), (7, "511603"), (8, "6775065")],
)
def test_published_ratio_of_adc_energy(bits: int, ratio: str) -> None:
    row = energy("fixed-hp", bits=bits, moduli=ModuliSet(PUBLISHED[bits]))
    decimals = len(ratio.partition(".")[2])
    assert f"{row.adc_relative_to_rns:.{decimals}f}" == ratio


def test_constants_of_the_model_each_in_its_place() -> None:
    model = MurmannConverters(
        adc_k1=2.0e-15, adc_k2=3.0e-18, dac_unit_capacitance=5.0e-15, supply_voltage=0.5
    )
    assert model.adc_energy(3) == pytest.approx(6e-15 + 192e-18, rel=1e-14, abs=0)
    assert model.dac_energy(3) == pytest.approx(9 * 5e-15 * 0.25, rel=1e-14, abs=0)
    default = MurmannConverters()
    assert default.adc_energy(1) == pytest.approx(100.004e-15, rel=1e-14, abs=0)
    assert default.dac_energy(1) == pytest.approx(0.5e-15, rel=1e-14, abs=0)


class CountingConverters:
    """An ADC conversion costs a joule and one by a DAC a thousand: energies are counts."""

    def adc_energy(self, bits: float) -> float:
        return 1.0

    def dac_energy(self, bits: float) -> float:
        return 1000.0


def test_a_converter_model_of_ones_own() -> None:
    row = energy("rns", moduli=SIX_BITS, columns=64, converters=CountingConverters())
    assert row.converter_energy_j == 8004.0


def test_converters_that_cost_nothing_have_no_ratio() -> None:
    free = MurmannConverters(0.0, 0.0, 0.0, 0.0)
    row = energy("fixed-lp", moduli=SIX_BITS, converters=free)
    assert (row.converter_energy_j, row.relative_to_rns, row.adc_relative_to_rns) == (0, None, None)


# Slices ------------------------------------------------------------------------------------------


def test_one_slice_with_all_the_bits_is_the_exact_conventional_core() -> None:
    sliced = energy("bit-sliced", slice_bits=5, adc_bits=64)
    exact = energy("fixed-hp")
    assert (sliced.adc_bits, sliced.converter_energy_j) == (
        exact.adc_bits,
        exact.converter_energy_j,
    )


def test_the_default_adc_of_a_slice_is_that_of_the_other_cores() -> None:
    assert energy("bit-sliced", slice_bits=2) == energy("bit-sliced", slice_bits=2, adc_bits=6)
    assert energy("bit-sliced", slice_bits=2).adc_bits == energy("fixed-lp").adc_bits == 6


@pytest.mark.parametrize(("weight_bits", "slice_bits"), [(4, 1), (6, 2), (8, 3), (8, 4), (5, 4)])
@pytest.mark.parametrize("vector_size", [1, 5, 64])
def test_the_widest_adc_of_a_slice_holds_every_partial_sum(
    weight_bits: int, slice_bits: int, vector_size: int
) -> None:
    """Digits up to 2^s - 1 with the sign of the weight, which are enough to write it with."""
    dot = DotProduct(vector_size, 4, weight_bits)
    parameters = EnergyParameters(
        core="bit-sliced", dot_product=dot, bits=4, slice_bits=slice_bits, adc_bits=64
    )
    row = converter_energy(parameters)
    slices = int(row.adc_conversions)
    assert (slices - 1) * slice_bits < weight_bits - 1 <= slices * slice_bits
    digits = np.arange(2**slice_bits)
    magnitudes = np.zeros(1, dtype=np.int64)
    for place in range(slices):
        magnitudes = np.unique(np.add.outer(magnitudes, digits * 2 ** (slice_bits * place)))
    assert set(range(dot.max_weight + 1)) <= set(magnitudes.tolist())
    largest = vector_size * dot.max_input * int(digits.max())
    assert 2 * largest + 1 <= 2**row.adc_bits
    # Not a bit more than the lengths and widths of the operands make necessary.
    assert row.adc_bits == 4 + slice_bits + math.ceil(math.log2(vector_size))


# What must hold for every design -----------------------------------------------------------------


@QUICK
@given(
    core=st.sampled_from(sorted(CORE_CONVERSIONS)),
    bits=st.integers(6, 20),
    vector_size=st.integers(1, 4096),
    columns=st.none() | st.integers(1, 4096),
    attempts=st.floats(1, 50),
    slice_bits=st.integers(1, 5),
)
def test_the_total_is_the_sum_of_its_parts(
    core: str, bits: int, vector_size: int, columns: int | None, attempts: float, slice_bits: int
) -> None:
    moduli = ModuliRequest(bits=bits, vector_size=vector_size).choose()[0]
    row = energy(
        core,
        bits,
        vector_size,
        moduli=moduli,
        columns=columns,
        expected_attempts=attempts,
        slice_bits=slice_bits,
    )
    assert row.converter_energy_j == row.dac_energy_j + row.adc_energy_j
    assert row.energy_per_mac_j * vector_size == pytest.approx(
        row.converter_energy_j, rel=1e-14, abs=0
    )
    assert row.dac_conversions * (columns or vector_size) == pytest.approx(
        row.adc_conversions * vector_size, rel=1e-14, abs=0
    )
    rns = energy(
        "rns", bits, vector_size, moduli=moduli, columns=columns, expected_attempts=attempts
    )
    assert row.relative_to_rns is not None
    assert row.relative_to_rns * rns.converter_energy_j == pytest.approx(
        row.converter_energy_j, rel=1e-14, abs=0
    )
    assert (rns.relative_to_rns, rns.adc_relative_to_rns) == (1.0, 1.0)


def test_redundancy_costs_in_proportion() -> None:
    members = (61, 59, 55, 53)
    costs = [
        energy("rns", moduli=ModuliSet((*extra, *members), len(extra))).converter_energy_j
        for extra in ((), (62,), (63, 62))
    ]
    assert [c / costs[0] for c in costs] == pytest.approx([1, 5 / 4, 6 / 4], rel=1e-14, abs=0)


def test_attempts_cost_in_proportion() -> None:
    costs = [
        energy("rns", moduli=SIX_BITS, expected_attempts=a).converter_energy_j
        for a in (1.0, 1.001, 1.5, 2.0, 1e6)
    ]
    assert all(a < b for a, b in pairwise(costs))
    assert costs[3] == pytest.approx(2 * costs[0], rel=1e-14, abs=0)


def test_more_columns_share_the_dacs_and_leave_the_adcs() -> None:
    rows = [energy("rns", moduli=SIX_BITS, columns=c) for c in (1, 64, 128, 256)]
    assert [r.dac_conversions for r in rows] == [512.0, 8.0, 4.0, 2.0]
    assert len({r.adc_energy_j for r in rows}) == 1
    assert energy("rns", moduli=SIX_BITS) == rows[2]  # a square array by default


# Refusals ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"core": "optical"}, "`core` is optical; it must be one of"),
        ({"core": "rns", "moduli": None}, "core rns needs a moduli set"),
        ({"bits": 1}, "`bits` is 1"),
        ({"bits": 257}, "`bits` is 257"),
        ({"bits": 6.0}, "`bits` is 6.0"),
        ({"columns": 0}, "`columns` is 0"),
        ({"columns": -3}, "`columns` is -3"),
        ({"expected_attempts": 0.5}, "`expected_attempts` is 0.5"),
        ({"expected_attempts": math.nan}, "`expected_attempts` is nan"),
        ({"expected_attempts": math.inf}, "`expected_attempts` is inf"),
        ({"slice_bits": 0}, "`slice_bits` is 0"),
        ({"slice_bits": 7}, "`slice_bits` is 7; it must be a whole number from 1 to 5"),
        ({"adc_bits": 0}, "`adc_bits` is 0"),
        ({"adc_bits": 65}, "`adc_bits` is 65"),
        ({"dot_product": DotProduct(2**40, 200, 200)}, "439 output bits.* at most 256"),
    ],
)
def test_refused_values(changed: dict[str, Any], named: str) -> None:
    accepted = {
        "core": "rns",
        "dot_product": DotProduct(128, 6, 6),
        "bits": 6,
        "moduli": SIX_BITS,
    }
    with pytest.raises(InputError, match=named):
        EnergyParameters(**{**accepted, **changed})


@pytest.mark.parametrize(
    ("moduli", "named"),
    [
        (ModuliSet([255, 254, 253]), "`bits` is 6, but residues of 255 have 8"),
        (ModuliSet([63, 62, 61]), "cover 238266 values; the dot product needs 246017"),
    ],
)
def test_moduli_that_do_not_fit_are_refused(moduli: ModuliSet, named: str) -> None:
    with pytest.raises(InputError, match=named):
        EnergyParameters(core="rns", dot_product=DotProduct(128, 6, 6), bits=6, moduli=moduli)


@pytest.mark.parametrize("value", [-1e-18, math.nan, math.inf, "much"])
@pytest.mark.parametrize("name", ["adc_k1", "adc_k2", "dac_unit_capacitance", "supply_voltage"])
def test_refused_constants(name: str, value: object) -> None:
    with pytest.raises(InputError, match=f"`{name}` is {value}"):
        MurmannConverters(**{name: value})


def test_the_widest_converters_accepted_stay_finite() -> None:
    wide = DotProduct(2, 128, 128)
    row = converter_energy(EnergyParameters(core="fixed-hp", dot_product=wide, bits=128))
    assert row.adc_bits == 256
    assert row.adc_energy_j == pytest.approx(1e-18 * 2.0**512, rel=1e-12, abs=0)
