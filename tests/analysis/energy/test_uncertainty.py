"""Intervals of uncertain constants, against every corner and many points inside."""

import math
import random
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

import prices_by_hand
import pytest
from simple_arrays import simple

from rnscli.analysis.energy.bill import energy, sensitivity, uncertain_energy
from rnscli.analysis.energy.parameters import EnergyParameters
from rnscli.analysis.energy.rows import EnergyRow
from rnscli.base.errors import InputError
from rnscli.base.units import Uncertain
from rnscli.core.arithmetic.dot_product import DotProduct
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.cores import CORES
from rnscli.hardware.adc import AdcModel
from rnscli.hardware.adc.surveyed import MurmannAdc, SchreierAdc, SurveyAdc, WaldenAdc
from rnscli.hardware.dac import CapacitiveDac
from rnscli.hardware.profile import load_technology, technology_names

Design = Callable[..., EnergyParameters]


def murmann(node: float, adc_k1: float = 100e-15, adc_k2: float = 1e-18) -> AdcModel:
    return MurmannAdc(adc_k1, adc_k2, node=node)


def schreier(node: float, schreier_fom: float = 180.0, schreier_corner: float = 5e7) -> AdcModel:
    return SchreierAdc(schreier_fom, schreier_corner, node=node)


def walden(node: float, walden_fom: float = 0.67e-15, walden_corner: float = 4.42e8) -> AdcModel:
    return WaldenAdc(walden_fom, walden_corner, node=node)


def survey(node: float) -> AdcModel:
    return SurveyAdc(node=node)


def design(
    core: str = "rns",
    model: Callable[..., AdcModel] = murmann,
    *,
    energy_per_mac: float = 5e-15,
    cycle_time: float = 2e-9,
    cell_area: float = 1e-14,
    cell_power: float = 0.0,
    node: float = 22e-9,
    dac_unit_capacitance: float = 0.5e-15,
    supply_voltage: float = 1.0,
    capacitor_density: float = 2e-3,
    adc_rate: float = 0.5e9,
    columns_per_adc: int = 1,
    clock: float = 1e9,
    **of_adc: float,
) -> EnergyParameters:
    """Built from its constants; each is put where it belongs without the package's help."""
    technology = simple(
        "mine",
        energy_per_mac=energy_per_mac,
        cycle_time=cycle_time,
        cell_area=cell_area,
        cell_power=cell_power,
        node=node,
    )
    return EnergyParameters(
        core=core,
        dot_product=DotProduct(128, 6, 6),
        bits=6,
        technology=technology,
        moduli=ModuliSet((63, 62, 61, 59, 55), 1),
        adc=model(node, **of_adc),
        dac=CapacitiveDac(dac_unit_capacitance, supply_voltage, capacitor_density),
        adc_rate=adc_rate,
        columns_per_adc=columns_per_adc,
        clock=clock,
        columns=64,
    )


def quantities(parameters: EnergyParameters) -> tuple[float, ...]:
    row = energy(parameters)
    assert row.tops_per_mm2 is not None
    return row.energy_per_dot_product_j, row.latency_s, row.area_m2, row.tops_per_mm2


def intervals_of(row: EnergyRow) -> list[tuple[float, float]]:
    """Those of the `quantities`."""
    found = (
        row.energy_range_j, row.latency_range_s, row.area_range_m2, row.tops_per_mm2_range
    )  # fmt: skip
    return [one for one in found if one is not None]


def around(value: float, share: float) -> Uncertain:
    return Uncertain(value, value * (1 - share), value * (1 + share))


def without_ranges(row: EnergyRow) -> EnergyRow:
    ranges = (
        "energy_range_j", "latency_range_s", "area_range_m2", "relative_to_rns_range",
        "tops_per_w_range", "tops_per_mm2_range", "compared_with_rns",
    )  # fmt: skip
    return replace(row, **dict.fromkeys(ranges))


CASES: dict[str, tuple[dict[str, Any], dict[str, Uncertain]]] = {
    "energies and node": (
        {},
        {
            "energy_per_mac": around(5e-15, 0.3),
            "adc_k1": around(100e-15, 0.5),
            "adc_k2": Uncertain(1e-18, 0.0, 9e-18),
            "node": Uncertain(22e-9, 14e-9, 28e-9),
        },
    ),
    "a figure of merit, with which the energy falls": (
        {"core": "fixed-lp", "model": schreier},
        {
            "schreier_fom": Uncertain(180.0, 170.0, 187.0),
            "schreier_corner": around(5e7, 0.5),
            "supply_voltage": Uncertain(1.0, 0.8, 1.2),
            "node": around(22e-9, 0.2),
        },
    ),
    "rates": (
        {"model": walden, "cycle_time": 1e-9},
        {
            "walden_fom": around(0.67e-15, 0.4),
            "walden_corner": around(4.42e8, 0.4),
        },
    ),
    "times, of which the array's is longer": (
        {"cycle_time": 20e-9},
        {
            "cycle_time": around(20e-9, 0.5),
        },
    ),
    "power": (
        {"cell_power": 1e-9, "cycle_time": 9e-9},
        {
            "cell_power": around(1e-9, 0.9),
            "cycle_time": around(9e-9, 0.5),
            "cell_area": around(1e-14, 0.5),
            "node": around(22e-9, 0.3),
        },
    ),
    "areas": (
        {"core": "bit-sliced", "model": survey},
        {
            "cell_area": around(1e-14, 0.5),
            "capacitor_density": around(2e-3, 0.5),
            "dac_unit_capacitance": around(0.5e-15, 0.5),
            "node": around(22e-9, 0.5),
        },
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_intervals_are_those_of_all_corners(case: str) -> None:
    settings, constants = CASES[case]
    ends = [(one.low, one.high) for one in constants.values()]
    corners = [
        quantities(design(**{**settings, **dict(zip(constants, corner, strict=True))}))
        for corner in product(*ends)
    ]
    row = uncertain_energy(design(**settings), constants)
    *found, per_area = intervals_of(row)
    *others, of_corners = zip(*corners, strict=True)
    for interval, values in zip(found, others, strict=True):
        assert interval == pytest.approx((min(values), max(values)), rel=1e-12, abs=0)
    # With a longer cycle the area of the logic falls: no corner has the extremes of both.
    low, high = min(of_corners), max(of_corners)
    if "cycle_time" in constants:
        assert 0.8 * low < per_area[0] <= low <= high <= per_area[1] < 1.2 * high
    else:
        assert per_area == pytest.approx((low, high), rel=1e-12, abs=0)
    # Nothing else changes.
    plain = energy(design(**settings))
    assert (plain.energy_range_j, plain.latency_range_s, plain.area_range_m2) == (None,) * 3
    assert without_ranges(row) == without_ranges(plain)


@pytest.mark.parametrize("case", CASES)
def test_nothing_inside_is_outside_of_the_interval(case: str) -> None:
    settings, constants = CASES[case]
    row = uncertain_energy(design(**settings), constants)
    chance = random.Random(5)
    for _ in range(100):
        inside = {name: chance.uniform(one.low, one.high) for name, one in constants.items()}
        values = quantities(design(**{**settings, **inside}))
        for interval, value in zip(intervals_of(row), values, strict=True):
            assert interval[0] * (1 - 1e-12) <= value <= interval[1] * (1 + 1e-12)


def test_by_hand() -> None:
    """128 terms in five residues of 6 bits: 640 x 5 fJ = 3.2 pJ in the array, +-20% 0.64 pJ."""
    row = uncertain_energy(design(), {"energy_per_mac": around(5e-15, 0.2)})
    assert row.energy_range_j is not None
    low, high = row.energy_range_j
    assert row.energy_per_dot_product_j - low == pytest.approx(0.64e-12, rel=1e-9, abs=0)
    assert high - row.energy_per_dot_product_j == pytest.approx(0.64e-12, rel=1e-9, abs=0)
    assert row.latency_range_s == (row.latency_s, row.latency_s)


def test_ranges_of_the_technology_count_too() -> None:
    """A range that is given takes the place of the technology's own."""
    own = around(5e-15, 0.2)
    base = design()
    array = replace(
        base.design.technology,
        uncertain=(*base.design.technology.uncertain, ("energy_per_mac", own)),
    )
    parameters = replace(base, technology=array)
    of_array, given = (
        uncertain_energy(*arguments).energy_range_j
        for arguments in ((parameters, {}), (base, {"energy_per_mac": own}))
    )
    assert of_array == given
    narrower = uncertain_energy(parameters, {"energy_per_mac": around(5e-15, 0.1)}).energy_range_j
    assert of_array is not None and narrower is not None
    assert of_array[0] < narrower[0] < narrower[1] < of_array[1]
    both = uncertain_energy(parameters, {"adc_k1": around(100e-15, 0.1)}).energy_range_j
    assert both is not None
    assert both[0] < of_array[0] and of_array[1] < both[1]


def test_the_nominal_row_is_that_at_the_values() -> None:
    """Whatever the design says: a value in the middle of neither its range nor the others' takes
    the place of the constant in all that the row says, and so do the values of a technology.

    640 MACs of 7 fJ instead of 5 fJ are 1.28 pJ more, 5 ADCs of 6 bits x (120 - 100) fJ 0.6 pJ;
    at the lower ends 640 x 4 fJ and 30 x 110 fJ are 1.92 and 0.3 pJ less than at the values, at
    the upper ones 640 x 1 fJ and 30 x 10 fJ are 0.64 and 0.3 pJ more.
    """
    constants = {
        "energy_per_mac": Uncertain(7e-15, 4e-15, 8e-15),
        "adc_k1": Uncertain(120e-15, 110e-15, 130e-15),
    }
    row = uncertain_energy(design(), constants)
    before = energy(design()).energy_per_dot_product_j
    nominal = row.energy_per_dot_product_j
    assert nominal - before == pytest.approx(1.88e-12, rel=1e-9, abs=0)
    assert row.energy_range_j == pytest.approx(
        (nominal - 1.92e-12 - 0.3e-12, nominal + 0.64e-12 + 0.3e-12), rel=1e-12, abs=0
    )
    plain = energy(design(energy_per_mac=7e-15, adc_k1=120e-15))
    assert without_ranges(row) == without_ranges(plain)
    # The node is one for all models.
    moved = uncertain_energy(design(), {"node": Uncertain(28e-9, 14e-9, 40e-9)})
    assert moved.area_m2 == energy(design(node=28e-9)).area_m2 != energy(design()).area_m2
    # A technology with a range of its own, at another value than its own number.
    base = design()
    array = base.design.technology
    own = replace(
        array, uncertain=(*array.uncertain, ("energy_per_mac", constants["energy_per_mac"]))
    )
    of_array = uncertain_energy(replace(base, technology=own), {})
    assert of_array.energy_per_dot_product_j - before == pytest.approx(1.28e-12, rel=1e-9, abs=0)


def test_sensitivity_starts_from_the_values() -> None:
    """Both are set first, so that each is moved with the other at its value, not the design's.

    Ends of 640 MACs x (4 - 7) and (8 - 7) fJ: 1.92 pJ below and 0.64 pJ above the nominal energy,
    which is 1.28 + 0.6 pJ above that of the design.
    """
    constants = {
        "energy_per_mac": Uncertain(7e-15, 4e-15, 8e-15),
        "adc_k1": Uncertain(120e-15, 120e-15, 120e-15),
    }
    array, adc = sensitivity(design(), constants)
    before = energy(design()).energy_per_dot_product_j
    nominal = array.energy_per_dot_product_j
    assert (array.constant, adc.constant) == ("energy_per_mac", "adc_k1")
    assert nominal - before == pytest.approx(1.88e-12, rel=1e-9, abs=0)
    assert nominal - array.energy_at_low_j == pytest.approx(1.92e-12, rel=1e-9, abs=0)
    assert array.energy_at_high_j - nominal == pytest.approx(0.64e-12, rel=1e-9, abs=0)
    assert array.swing == pytest.approx(2.56e-12 / nominal, rel=1e-9, abs=0)
    assert adc.energy_at_low_j == adc.energy_at_high_j == adc.energy_per_dot_product_j == nominal
    assert adc.swing == 0.0


@pytest.mark.parametrize(
    "model", [MurmannAdc, WaldenAdc, SchreierAdc, SurveyAdc], ids=lambda model: model.name
)
def test_a_node_is_given_by_its_name(model: Any) -> None:
    """Else the first number of a model could be taken for it, or it for a constant."""
    assert model(node=22e-9).node == 22e-9
    numbers = len(model.constants) - ("node" in model.constants)
    with pytest.raises(TypeError, match="positional argument"):
        model(*[1.0] * numbers, 22e-9)


def test_without_ranges_there_is_no_interval() -> None:
    assert uncertain_energy(design(), {}) == energy(design())


def test_the_reference_stays_as_it_is() -> None:
    other = design(adc_k1=200e-15)
    row = uncertain_energy(design("fixed-lp"), {"adc_k1": around(100e-15, 0.1)}, other)
    assert row.relative_to_rns == energy(design("fixed-lp"), other).relative_to_rns


# Sensitivity --------------------------------------------------------------------------------------


def test_sensitivity_by_hand() -> None:
    """Each alone: 5 ADCs x 6 bits x +-10 fJ is 0.6 pJ wide, 640 MACs x +-1 fJ 1.28 pJ.

    DACs take 5 x 128/64 x 36 x 0.5 fF x (1.2^2 - 0.8^2) V^2 = 0.144 pJ; the cell area none.
    """
    constants = {
        "cell_area": around(1e-14, 0.5),
        "adc_k1": around(100e-15, 0.1),
        "supply_voltage": Uncertain(1.0, 0.8, 1.2),
        "energy_per_mac": around(5e-15, 0.2),
    }
    rows = sensitivity(design(), constants)
    total = energy(design()).energy_per_dot_product_j
    assert [row.constant for row in rows] == [
        "energy_per_mac",
        "adc_k1",
        "supply_voltage",
        "cell_area",
    ]
    widths = [1.28e-12, 0.6e-12, 0.144e-12, 0.0]
    assert [row.swing for row in rows] == pytest.approx(
        [w / total for w in widths], rel=1e-9, abs=0
    )
    for row, width in zip(rows, widths, strict=True):
        constant = constants[row.constant]
        assert (row.constant_low, row.constant_value, row.constant_high) == (
            constant.low,
            constant.value,
            constant.high,
        )
        assert row.energy_per_dot_product_j == total
        assert row.energy_at_high_j - row.energy_at_low_j == pytest.approx(
            width, rel=1e-9, abs=1e-24
        )
    assert {(row.core, row.bits, row.vector_size) for row in rows} == {("rns", 6, 128)}
    assert {(row.technology, row.adc_model) for row in rows} == {("mine", "murmann")}


def test_where_the_energy_falls_the_swing_is_still_positive() -> None:
    (row,) = sensitivity(
        design("fixed-lp", schreier), {"schreier_fom": Uncertain(180.0, 179.0, 181.0)}
    )
    assert row.energy_at_low_j > row.energy_per_dot_product_j > row.energy_at_high_j
    assert row.swing == pytest.approx(
        (row.energy_at_low_j - row.energy_at_high_j) / row.energy_per_dot_product_j,
        rel=1e-12,
        abs=0,
    )


def test_digital_designs_have_uncertain_constants_too() -> None:
    """A product of 8 bits, a sum of 32, and 40 registers of 1.7 fJ at 28 nm, each by its node."""
    parameters = EnergyParameters(
        core="digital-int8", dot_product=DotProduct(128, 8, 8), bits=8, memory="none", scales="none"
    )
    constants = {
        "node": Uncertain(14e-9, 9e-9, 18e-9),
        "register_energy": Uncertain(1.7e-15, 1e-15, 2e-15),
    }

    def cells(at: float, register: float, factor: float = 1.0) -> float:
        mac = prices_by_hand.product(8, 8, at) + prices_by_hand.addition(32, at)
        return 128 * (factor * mac + 40 * register * at / 28e-9)

    rows = sensitivity(parameters, constants)
    logic, node, register, area = rows
    assert [row.constant for row in rows] == [
        "logic_energy_factor", "node", "register_energy", "register_area"
    ]  # fmt: skip
    assert [row.unit for row in rows] == ["", "m", "J", "m2"]
    assert node.adc_model is None
    for row, ends in (
        (logic, (cells(14e-9, 1.7e-15, 0.195), cells(14e-9, 1.7e-15, 4.09))),
        (node, (cells(9e-9, 1.7e-15), cells(18e-9, 1.7e-15))),
        (register, (cells(14e-9, 1e-15), cells(14e-9, 2e-15))),
        (area, (cells(14e-9, 1.7e-15), cells(14e-9, 1.7e-15))),
    ):
        assert (row.energy_at_low_j, row.energy_at_high_j) == pytest.approx(ends, rel=1e-12, abs=0)
    interval = uncertain_energy(parameters, constants).energy_range_j
    assert interval == pytest.approx(
        (cells(9e-9, 1e-15, 0.195), cells(18e-9, 2e-15, 4.09)), rel=1e-12, abs=0
    )


# Refusals -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({}, "adc_k3"),
        ({}, "walden_fom"),
        ({"model": walden}, "adc_k1"),
        ({}, "vector_size"),
        ({}, "expected_attempts"),
    ],
)
def test_no_such_constant(settings: dict[str, Any], name: str) -> None:
    for function in (uncertain_energy, sensitivity):
        with pytest.raises(InputError, match=f"`{name}` is no constant of this design"):
            function(design(**settings), {name: Uncertain(1.0, 0.5, 1.5)})


def test_ranges_that_reach_where_a_constant_may_not() -> None:
    for name, constant in {
        "node": Uncertain(22e-9, 0.0, 30e-9),
        "supply_voltage": Uncertain(1.0, 0.5, 2e4),
    }.items():
        with pytest.raises(InputError, match=f"`{name}`"):
            uncertain_energy(design(), {name: constant})
    # An array may take no time where a readout does, and not where nothing does.
    fast = uncertain_energy(design(), {"cycle_time": Uncertain(2e-9, 0.0, 4e-9)})
    assert fast.latency_range_s == pytest.approx(
        (fast.latency_s - 2e-9, fast.latency_s + 2e-9), rel=1e-12, abs=0
    )
    digital = EnergyParameters(core="digital-int8", dot_product=DotProduct(8, 8, 8), bits=8)
    with pytest.raises(InputError, match="take no time"):
        uncertain_energy(digital, {"clock_period": Uncertain(1e-9, 0.0, 2e-9)})


@pytest.mark.parametrize("name", ["adc_rate", "clock"])
def test_what_a_designer_chooses_is_not_uncertain(name: str) -> None:
    """With the rate of ADCs energy may fall and rise again: its ends would not be the extremes."""
    with pytest.raises(InputError, match=f"`{name}` is no constant of this design"):
        uncertain_energy(design(), {name: Uncertain(1e9, 0.9e9, 1.1e9)})


def test_sensitivity_to_nothing() -> None:
    with pytest.raises(InputError, match="no constant is uncertain"):
        sensitivity(design(), {})


# Ranges of technologies ---------------------------------------------------------------------------

RANGED = [
    (core, name, bits)
    for name in technology_names()
    for core, bits in (
        ("rns", 6), ("rns", 4), ("fixed-lp", 4), ("fixed-hp", 4), ("bit-sliced", 4),
        ("digital-int8", 8), ("digital-int4", 8),
    )
    if CORES[core].runs_on(load_technology(name))
    # Its light reads no row in all of the b_out bits.
    and (core, name) != ("fixed-hp", "photonic-incoherent")
]  # fmt: skip
MODULI = {4: ModuliSet((15, 14, 13, 11)), 6: ModuliSet((63, 62, 61, 59)), 8: None}


def shipped(core: str, name: str, bits: int, **changed: Any) -> EnergyParameters:
    return EnergyParameters(
        core=core,
        dot_product=DotProduct(16 if name == "photonic-incoherent" else 64, bits, bits),
        bits=bits,
        moduli=MODULI[bits],
        columns=16,
        **{"technology": load_technology(name)} | changed,
    )


# What is published of the prices of digital operations, and of a memory of 32 KB.
SPREADS = {
    "logic_energy_factor": Uncertain(1.0, 0.195, 4.09),
    "memory_energy_factor": Uncertain(1.0, 0.387, 2.732),
}


@pytest.mark.parametrize(("core", "name", "bits"), RANGED)
def test_intervals_of_shipped_technologies(core: str, name: str, bits: int) -> None:
    """They hold what any values inside the ranges give, of the arrays that were built."""
    row = uncertain_energy(shipped(core, name, bits), {})
    intervals = intervals_of(row)
    nominal = quantities(shipped(core, name, bits))
    array = load_technology(name)
    uncertain = dict(array.uncertain) | SPREADS
    chance = random.Random(7)
    for trial in range(40):
        inside = {
            key: chance.choice((one.low, one.high)) if trial % 2 else
            chance.uniform(one.low, one.high)
            for key, one in uncertain.items()
        }  # fmt: skip
        values = tuple((key, one._replace(value=inside.get(key, one.value)))
                       for key, one in array.values)  # fmt: skip
        other = replace(array, values=values, **{key: inside[key] for key in SPREADS})
        found = quantities(shipped(core, name, bits, technology=other, segments=row.segments))
        for interval, value, middle in zip(intervals, found, nominal, strict=True):
            assert interval[0] * (1 - 1e-12) <= value <= interval[1] * (1 + 1e-12)
            assert interval[0] <= middle <= interval[1]
    assert row.tops_per_w_range is not None and row.tops_per_w is not None
    assert row.tops_per_w_range[0] <= row.tops_per_w <= row.tops_per_w_range[1]


def test_there_are_such_technologies() -> None:
    assert {name for _, name, _ in RANGED} == set(technology_names())
    assert {core for core, _, _ in RANGED} == set(CORES.own) - {"digital-fp32"}


def test_an_interval_keeps_the_arrays_that_were_built() -> None:
    """Less light would allow fewer rows; the array is that of the nominal light."""
    array = load_technology("photonic-phase")
    darkest = {"shifter_loss": 0.91, "coupling_loss": 2.0, "margin": 5.0}
    dim = array.with_values(darkest)
    design_ = shipped("rns", "photonic-phase", 6)
    assert shipped("rns", "photonic-phase", 6, technology=dim).design.segments > (
        design_.design.segments
    )
    row = uncertain_energy(design_, {})
    assert row.segments == design_.design.segments
    assert row.largest_rows == design_.design.largest_rows < 64
    # Sensitivity is about what one would build: with the loss at its end, in more pieces.
    for name in darkest:
        (found,) = (r for r in sensitivity(design_, {}) if r.constant == name)
        worse = array.with_values({name: dict(array.uncertain)[name].high})
        rebuilt = shipped("rns", "photonic-phase", 6, technology=worse)
        assert found.energy_at_high_j == pytest.approx(
            rebuilt.design.energies.total, rel=1e-12, abs=0
        )
    assert shipped("rns", "photonic-phase", 6, technology=worse).design.segments > (
        design_.design.segments
    )


def test_a_constant_at_which_no_row_is_read() -> None:
    """More intensity noise than 6 bits stand: nothing that one could build has a finite energy."""
    rows = sensitivity(shipped("rns", "photonic-phase", 6), {})
    (noise,) = (row for row in rows if row.constant == "intensity_noise")
    assert noise.energy_at_high_j == noise.swing == math.inf
    assert rows[0] is noise and math.isfinite(noise.energy_at_low_j)


def priced(core: str, name: str, **factors: float) -> tuple[float, float]:
    """The interval of a design with prices of logic and of memory that are known."""
    array = load_technology(name)
    known = {key: Uncertain(value, value, value) for key, value in factors.items()}
    array = replace(array, **factors, uncertain=(*array.uncertain, *known.items()))
    found = uncertain_energy(shipped(core, name, 4, technology=array), {}).energy_range_j
    assert found is not None
    return found


def test_the_interval_of_a_ratio_holds_that_of_all_points() -> None:
    """Both designs anywhere in their ranges, but at the same prices of logic and of memory."""
    row = uncertain_energy(shipped("fixed-lp", "reram-analog", 4), {})
    rns = shipped("rns", "photonic-phase", 4)
    assert row.relative_to_rns == pytest.approx(
        row.energy_per_dot_product_j / energy(rns).energy_per_dot_product_j, rel=1e-12, abs=0
    )
    chance, ratios, corners = random.Random(11), [], []
    for trial in range(24):
        factors = {
            name: (one.low, one.high)[trial >> place & 1] if trial < 4
            else chance.uniform(one.low, one.high)
            for place, (name, one) in enumerate(SPREADS.items())
        }  # fmt: skip
        mine = priced("fixed-lp", "reram-analog", **factors)
        base = priced("rns", "photonic-phase", **factors)
        (corners if trial < 4 else ratios).append((mine[0] / base[1], mine[1] / base[0]))
    low, high = min(low for low, _ in corners), max(high for _, high in corners)
    assert row.relative_to_rns_range == pytest.approx((low, high), rel=1e-12, abs=0)
    assert all(low <= least <= most <= high for least, most in ratios)
    # Narrower than of ends that are not at the same prices.
    base = uncertain_energy(rns, {}).energy_range_j
    assert row.energy_range_j is not None and base is not None
    assert row.energy_range_j[0] / base[1] < low and high < row.energy_range_j[1] / base[0]
    assert row.compared_with_rns == "less" and high < 1


def test_a_price_that_both_share_does_not_leave_their_order_open() -> None:
    """Twice as much logic takes more, whatever it costs; two prices could be apart by 20 times."""
    array = simple(kind="digital", energy_per_mac=0.0, uncertain=SPREADS)
    less, more = (
        EnergyParameters(
            core="digital-int8", dot_product=DotProduct(size, 8, 8), bits=8, technology=array,
            columns=8,
        )
        for size in (8, 16)
    )  # fmt: skip
    assert uncertain_energy(less, {}, more).compared_with_rns == "less"
    assert uncertain_energy(more, {}, less).compared_with_rns == "more"
    assert uncertain_energy(less, {}, less).compared_with_rns == "equal"
    ends = uncertain_energy(more, {}, more).relative_to_rns_range
    assert ends == (1.0, 1.0)


def test_a_factor_that_is_known_has_no_spread() -> None:
    """One that is set, and one that is said to be 1; prices of one's own have none either."""
    array = load_technology("switched-capacitor")
    assert set(shipped("fixed-lp", array.name, 4).design.uncertain) == set(SPREADS)
    twice = array.with_values({"logic_energy_factor": 2.0})
    said = replace(array, uncertain=(("logic_energy_factor", Uncertain(1.0, 1.0, 1.0)),))
    own = replace(array, operations=replace(array.operations, add_8=0.04e-12))
    for changed in (twice, said, own):
        made = shipped("fixed-lp", array.name, 4, technology=changed)
        assert made.design.uncertain == {"memory_energy_factor": SPREADS["memory_energy_factor"]}
    made = shipped("fixed-lp", array.name, 4, technology=twice)
    before = energy(shipped("fixed-lp", array.name, 4))
    assert energy(made).scaling_energy_j == pytest.approx(2 * before.scaling_energy_j, rel=1e-12)
    assert energy(made).memory_energy_j == before.memory_energy_j
    assert energy(made).area_m2 == before.area_m2
