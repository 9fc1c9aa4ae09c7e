"""ADCs that fit the cycle of the array, where nothing else is asked for."""

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnscli.analysis.energy.bill import energy, parts_of
from rnscli.analysis.energy.parameters import EnergyParameters
from rnscli.core.arithmetic.dot_product import DotProduct
from rnscli.hardware.adc.surveyed import MurmannAdc, SurveyAdc, WaldenAdc
from rnscli.hardware.adc.table import ListedAdc, TableAdc
from rnscli.hardware.expression import Expression
from rnscli.hardware.technology import Part, Technology


def array(time: float, *, overlapped: bool = True, more: float = 0.0) -> Technology:
    """Stages of so many seconds, with an ADC of none."""
    stages = [time, more] if more else [time]
    parts = tuple(
        Part(name=f"stage {i}", group="array", per="array", time=Expression(repr(one)))
        for i, one in enumerate(stages)
    )
    return Technology(
        name="t", kind="analog", node=45e-9, rows=10**6, columns=10**6, overlapped=overlapped,
        parts=parts,
    )  # fmt: skip


def design(technology: Technology, bits: int = 6, columns: int = 128, **more: Any) -> Any:
    return EnergyParameters(
        core="fixed-lp", dot_product=DotProduct(64, bits, bits), bits=bits, technology=technology,
        columns=columns, **more,
    ).design  # fmt: skip


def test_as_many_columns_as_the_cycle_allows() -> None:
    """28 ns at 1 GHz are 28 columns, whatever 28e-9 is in binary; 128 take five converters."""
    made = design(array(28e-9))
    assert made.readout == (1e9, 28)
    assert made.timing.cycle == pytest.approx(28e-9, rel=1e-12)
    (adc,) = (one for one in made.items if one.group == "adc")
    assert (adc.units, adc.count) == (5, 128)
    # 28.5 ns are no more than 28 columns, at a rate that takes all of that time.
    assert design(array(28.5e-9)).readout == (pytest.approx(28 / 28.5e-9), 28)
    # No array has more columns than it has.
    assert design(array(28e-9), columns=7).readout == (pytest.approx(0.25e9), 7)


def test_stages_that_overlap_or_follow_each_other() -> None:
    """The cycle without the readout is that of the longest stage, or of both."""
    assert design(array(8e-9, more=3e-9)).readout == (1e9, 8)
    apart = design(array(8e-9, more=3e-9, overlapped=False))
    assert apart.readout == (1e9, 11)
    assert apart.timing.cycle == pytest.approx(22e-9, rel=1e-12)


def test_an_array_that_is_faster_than_its_adcs() -> None:
    fast = array(0.2e-9)
    # Walden's model has converters of 5 GHz; Murmann's ends at 1 GHz, so that the array waits.
    assert design(fast, adc=WaldenAdc()).readout == (5e9, 1)
    waiting = design(fast, adc=MurmannAdc())
    assert (waiting.readout, waiting.timing.cycle) == ((1e9, 1), 1e-9)


def test_a_model_that_ends_before_1_ghz() -> None:
    """Ten columns in 20 ns are what converters of 0.5 GHz read."""
    slow = TableAdc((ListedAdc(8.0, 1e-12, 1e-9, 0.5e9),))
    assert design(array(20e-9), adc=slow).readout == (0.5e9, 10)


def test_models_that_end_below_the_rate_of_the_array() -> None:
    """The array waits for the fastest ADC that there is."""
    ends = TableAdc((ListedAdc(8.0, 1e-12, 1e-9, 2e9),))
    made = design(array(0.2e-9), adc=ends)
    assert (made.readout, made.timing.cycle) == ((2e9, 1), 0.5e-9)
    slow = TableAdc((ListedAdc(8.0, 1e-12, 1e-9, 1e7),))
    assert design(array(8e-9), adc=slow).readout == (1e7, 1)
    assert design(array(8e-9), adc=slow, columns_per_adc=4).readout == (1e7, 4)
    # Of 14 bits the fastest that is published has 40 MS/s.
    fine = EnergyParameters(
        core="fixed-hp", dot_product=DotProduct(128, 4, 4), bits=4, technology=array(8e-9),
        adc=SurveyAdc(),
    )  # fmt: skip
    assert (fine.design.converters.adc_bits, fine.design.readout) == (14, (40e6, 1))


def test_what_is_given_stays() -> None:
    technology = array(8e-9)
    assert design(technology, adc_rate=0.5e9).readout == (0.5e9, 4)
    assert design(technology, columns_per_adc=2).readout == (pytest.approx(0.25e9), 2)
    assert design(technology, adc_rate=3e8, columns_per_adc=5).readout == (3e8, 5)
    assert design(technology, adc_rate=1e6).readout == (1e6, 1)
    assert design(technology, columns_per_adc=1000).readout == (1e9, 1000)


@pytest.mark.parametrize("kernel", ["vmm", "mvm", "update", "cycle"])
def test_the_array_is_the_same_whatever_it_does(kernel: str) -> None:
    # 2^4 - 1 steps of 2 ns and a clock of 1 ns: docs/energy.md.
    from rnscli.hardware.profile import load_technology

    made = EnergyParameters(
        core="fixed-hp", dot_product=DotProduct(100, 4, 4), bits=4, columns=50, kernel=kernel,
        technology=load_technology("reram-analog"),
    )  # fmt: skip
    assert made.design.readout == (1e9, 8)
    (adc,) = (one for one in parts_of(made) if one.group == "adc")
    assert adc.units == math.ceil(50 / 8)


def test_digital_cores_and_arrays_with_their_own_have_none() -> None:
    dot = DotProduct(128, 8, 8)
    for core in ("digital-int8", "fixed-lp"):
        made = EnergyParameters(core=core, dot_product=dot, bits=8)
        assert made.design.readout is None


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    nanoseconds=st.floats(0.05, 500),
    columns=st.integers(1, 300),
    bits=st.integers(4, 8),
    model=st.sampled_from([MurmannAdc(), WaldenAdc(), SurveyAdc()]),
)
def test_no_more_columns_would_do(nanoseconds: float, columns: int, bits: int, model: Any) -> None:
    """Of all numbers of columns, by trying each of them."""
    cycle = nanoseconds * 1e-9
    made = design(array(cycle), bits, columns, adc=model)

    def does(shared: int) -> bool:
        rate = shared / cycle
        return rate <= 1e9 * (1 + 1e-9) and model.outside(bits, min(rate, 1e9)) is None

    most = max((n for n in range(1, columns + 1) if does(n)), default=1)
    assert made.readout.columns == most
    assert made.timing.cycle == pytest.approx(max(cycle, most / made.readout.rate), rel=1e-9)
    assert model.outside(bits, made.readout.rate) is None
    if not does(1):  # as fast as the model is, if not as the array
        assert made.readout.rate <= 1 / cycle * (1 + 1e-9)
        faster = made.readout.rate * 1.001
        assert faster > 1 / cycle or model.outside(bits, faster) is not None
    else:
        assert made.timing.cycle == pytest.approx(cycle, rel=1e-9)


def test_sharing_saves_area_and_no_energy() -> None:
    """The model of Murmann has one energy at all rates."""
    technology, dot = array(100e-9), DotProduct(64, 6, 6)
    made = EnergyParameters(core="fixed-lp", dot_product=dot, bits=6, technology=technology)
    alone, shared = energy(replace(made, columns_per_adc=1)), energy(made)
    assert shared.adc_energy_j == alone.adc_energy_j
    assert shared.area_m2 < alone.area_m2
    assert shared.throughput_macs_per_s == pytest.approx(alone.throughput_macs_per_s)
