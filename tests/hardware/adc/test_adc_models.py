"""Models of ADCs and DACs against numbers worked out by hand, and what must hold for all."""

import itertools
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnscli.base.errors import InputError
from rnscli.hardware.adc import AdcModel
from rnscli.hardware.adc.models import ADC_MODELS
from rnscli.hardware.adc.surveyed import (
    MurmannAdc,
    SchreierAdc,
    SurveyAdc,
    WaldenAdc,
    regressed_area,
)
from rnscli.hardware.dac import CapacitiveDac

QUICK = settings(max_examples=80, deadline=None, derandomize=True)

MODELS: list[AdcModel] = [
    model.made(None) for model in ADC_MODELS.values() if not model.takes_table
]


def approximately(value: float, rel: float = 1e-12) -> Any:
    return pytest.approx(value, rel=rel, abs=0)


# By hand ------------------------------------------------------------------------------------------


def test_constants_of_the_converters_each_in_its_place() -> None:
    adc = MurmannAdc(adc_k1=2.0e-15, adc_k2=3.0e-18)
    assert adc.energy(3, 1e9) == approximately(6e-15 + 192e-18)
    assert adc.energy(3, 1e3) == adc.energy(3, 1e9)
    assert MurmannAdc().energy(1, 1e9) == approximately(100.004e-15)
    dac = CapacitiveDac(dac_unit_capacitance=5.0e-15, supply_voltage=0.5, capacitor_density=1e-3)
    assert dac.energy(3) == approximately(9 * 5e-15 * 0.25)
    assert dac.area(3) == approximately(40e-12)  # 8 capacitors of 5 fF at 1 fF/um^2
    assert CapacitiveDac().energy(1) == approximately(0.5e-15)


def test_the_survey_regression_has_the_published_check_value() -> None:
    """8 bits, 1 GS/s, 32 nm: 1.711 pJ and 5970 um^2."""
    model = SurveyAdc(node=32e-9)
    assert f"{model.energy(8, 1e9) * 1e12:.3f}" == "1.711"
    assert f"{model.area(8, 1e9) * 1e12:.0f}" == "5970"


def test_the_survey_regression_where_resolution_bounds_it() -> None:
    """8 bits at 1 GS/s and 32 nm, with ln 10^9 = 20.72327, ln 32 = 3.46574, ln 8 = 2.07944.

    By the rate F is 213.7807 - 2.8719 x 20.72327 = 154.2655, by the resolution 128.3068 + 8 x
    3.22054 = 154.07112, the smaller. SNDR is 49.92 dB, so 10^(-10.415112) / 2 = 1.922452e-11 pJ,
    times exp(26.0496 + 6.515722 - 5.883006 - 1.4702) = exp(25.212116) = 8.901e10.
    """
    exponent = 26.0496 + 1.88004 * 5 * math.log(2) - 2.82913 * 3 * math.log(2) - 1.4702
    assert exponent == pytest.approx(25.212116, abs=1e-5)
    expected = 1e-12 * 10 ** (-10.415112) / 2 * math.exp(exponent)
    assert SurveyAdc(node=32e-9).energy(8, 1e9) == approximately(expected, rel=1e-9)
    # At lower rates the resolution bounds it all the more, and the rate does not count.
    assert SurveyAdc(node=32e-9).energy(8, 1e6) == SurveyAdc(node=32e-9).energy(8, 1e9)


@pytest.mark.parametrize(("bits", "whole"), [(7.25, 8), (7.75, 8), (8.0, 8), (8.01, 9)])
def test_the_survey_regression_takes_the_next_whole_resolution(bits: float, whole: int) -> None:
    """For the figure of merit only; at 1 kS/s the rate would allow 193.9 dB.

    Published as ceil(ENOB): 7.25 bits have that of 8 bits, 154.07112 dB, and 8.01 that of 9.
    """
    merit = 128.3068 + whole * 3.22054
    power = 26.0496 + 1.88004 * math.log(32) - 2.82913 * math.log(bits) - 1.4702
    expected = 1e-12 * 10 ** ((6.02 * bits + 1.76 - merit) / 10) / 2 * math.exp(power)
    assert SurveyAdc(node=32e-9).energy(bits, 1e3) == approximately(expected, rel=1e-9)


def test_the_survey_regression_where_the_rate_bounds_it() -> None:
    """10 bits at 10 GS/s and 45 nm, with ln 10^10 = 23.025851.

    By the rate F is 213.7807 - 66.127941 = 147.652759; by the resolution it could be 160.5122.
    SNDR is 61.96 dB, so 10^(-8.5692759) / 2 pJ, times the same power of node and bits.
    """
    exponent = 26.0496 + 1.88004 * math.log(45) - 2.82913 * math.log(10) - 1.4702
    expected = 1e-12 * 10 ** (-8.5692759) / 2 * math.exp(exponent)
    assert SurveyAdc().energy(10, 1e10) == approximately(expected, rel=1e-6)
    # Ten times the rate is then 10 x 2.8719 / 10 x ln 10 / ln 10 powers of ten: 10^0.66128.
    assert SurveyAdc().energy(10, 1e10) / SurveyAdc().energy(10, 1e9) == approximately(
        10 ** (0.28719 * math.log(10)), rel=1e-9
    )


def test_walden_by_hand() -> None:
    """0.6694 fJ x 2^8 = 171.3664 fJ at low rates; sqrt(2) times that at the corner, 1.2211 GHz."""
    assert WaldenAdc().energy(8, 1.0) == approximately(171.3664e-15)
    assert WaldenAdc().energy(8, 1.2211e9) == approximately(171.3664e-15 * math.sqrt(2))
    # 3 f_c: sqrt(10).
    assert WaldenAdc(2e-15, 1e6).energy(3.5, 3e6) == approximately(
        2e-15 * 8 * math.sqrt(2) * math.sqrt(10)
    )


def test_schreier_by_hand() -> None:
    """10 bits: SNDR 61.96 dB, less 186.723 dB is -124.763 dB, 10^-12.4763 / 2 = 1.6702e-13 J."""
    assert SchreierAdc().energy(10, 1.0) == approximately(10**-12.4763 / 2, rel=1e-10)
    assert f"{SchreierAdc().energy(10, 1.0):.3e}" == "1.670e-13"
    assert SchreierAdc().energy(10, 4.6735e7) == approximately(
        10**-12.4763 / 2 * math.sqrt(2), rel=1e-10
    )
    # 4 bits (25.84 dB) at F = 175.84 dB: 10^-15 / 2; at 3/4 of the corner 5/4 of it.
    assert SchreierAdc(175.84, 1e8).energy(4, 7.5e7) == approximately(0.625e-15)


def test_the_figure_of_merit_of_an_energy_is_the_one_it_came_from() -> None:
    """F = SNDR + 10 log10(f / (2 P)), with P the energy of a conversion times the rate."""
    rate, bits = 1e4, 12
    power = SchreierAdc(schreier_fom=181.5).energy(bits, rate) * rate
    sndr = 20 * math.log10(2**bits) + 10 * math.log10(1.5)  # 6.0206 N + 1.7609, before rounding
    assert sndr + 10 * math.log10(rate / (2 * power)) == pytest.approx(181.5, abs=0.01)


def test_area_by_hand() -> None:
    """Where all logarithms vanish, 1 nm, 1 Hz, 1 pJ: e^1.34619 = 3.8428 um^2."""
    assert regressed_area(1e-12, 1.0, 1e-9) == approximately(math.exp(1.34619) * 1e-12)
    assert f"{regressed_area(1e-12, 1.0, 1e-9) * 1e12:.4f}" == "3.8428"
    base = regressed_area(1e-12, 1e6, 1e-8)
    assert regressed_area(1e-12, 1e6, 2e-8) / base == approximately(2**0.99328)
    assert regressed_area(1e-12, 2e6, 1e-8) / base == approximately(2**0.18072)
    assert regressed_area(2e-12, 1e6, 1e-8) / base == approximately(2**0.29912)


def test_every_model_has_the_area_of_its_energy() -> None:
    """Published: ln(area) = 1.34619 + 0.99328 ln(nm) + 0.18072 ln(Hz) + 0.29912 ln(pJ)."""
    for model in (MurmannAdc(node=7e-9), WaldenAdc(node=7e-9), SchreierAdc(node=7e-9)):
        energy = model.energy(9, 1e8) * 1e12
        logarithm = 1.34619 + 0.99328 * math.log(7) + 0.18072 * math.log(1e8)
        logarithm += 0.29912 * math.log(energy)
        assert math.log(model.area(9, 1e8) * 1e12) == pytest.approx(logarithm, rel=1e-12)


def test_a_converter_that_costs_nothing_has_no_area() -> None:
    assert MurmannAdc(0.0, 0.0).area(8, 1e9) == 0.0


# What holds for all -------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
@QUICK
@given(data=st.data())
def test_energy_and_area_do_not_fall_with_bits(model: AdcModel, data: st.DataObject) -> None:
    """In whole bits, as converters have: the survey's regression rounds them up in one place."""
    low, high = (int(end) for end in model.bits_range)
    bits = data.draw(st.integers(low, high - 1))
    rate = math.exp(data.draw(st.floats(*(math.log(end) for end in model.rate_range))))
    assert model.energy(bits + 1, rate) >= model.energy(bits, rate) > 0
    assert model.area(bits + 1, rate) >= model.area(bits, rate) > 0


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
@QUICK
@given(data=st.data())
def test_energy_and_area_do_not_fall_with_the_rate(model: AdcModel, data: st.DataObject) -> None:
    low, high = (int(end) for end in model.bits_range)
    bits = data.draw(st.integers(low, high))
    rates = st.floats(*(math.log(end) for end in model.rate_range))
    slow, fast = sorted(math.exp(data.draw(rates)) for _ in range(2))
    assert model.energy(bits, slow) <= model.energy(bits, fast)
    assert model.area(bits, slow) <= model.area(bits, fast)


def test_below_its_range_the_survey_regression_does_fall() -> None:
    """Which is why the range starts there."""
    assert SurveyAdc().energy(3, 1e6) > SurveyAdc().energy(4, 1e6)


@pytest.mark.parametrize(
    ("model", "bits", "rates", "rate_of_most_bits"),
    [
        (MurmannAdc(), (1, 22), (1.0, 1e9), 1e9),
        (WaldenAdc(), (3, 12), (1.0, 2e11), 3.000001e8),
        (SchreierAdc(), (3, 19.74), (1.0, 2e11), 2e3),
        (SurveyAdc(), (4, 19.74), (1.0, 1e10), 2e3),
    ],
)
def test_outside_at_and_beyond_the_ends(
    model: AdcModel,
    bits: tuple[float, float],
    rates: tuple[float, float],
    rate_of_most_bits: float,
) -> None:
    for corner in itertools.product(bits[:1], rates):
        assert model.outside(*corner) is None
    for rate in (rates[0], rate_of_most_bits):
        assert model.outside(bits[1], rate) is None
    for beyond in (math.nextafter(bits[0], 0), math.nextafter(bits[1], math.inf)):
        sentence = model.outside(beyond, rates[0])
        assert sentence is not None
        assert model.name in sentence
        assert f"from {bits[0]} to {bits[1]} bits" in sentence
    for beyond in (math.nextafter(rates[0], 0), math.nextafter(rates[1], math.inf)):
        sentence = model.outside(bits[0], beyond)
        assert sentence is not None
        assert model.name in sentence
        assert f"from {rates[0]:g} to {rates[1]:g} Hz" in sentence


@pytest.mark.parametrize("model", [WaldenAdc(), SchreierAdc(), SurveyAdc()])
def test_a_model_of_the_survey_ends_where_no_converter_is_published(model: AdcModel) -> None:
    """Of 12 bits the fastest has 300 MS/s, of 8 bits 12 GS/s (ISSCC 2012 8.3 and 2024 22.1)."""
    assert model.outside(12, 3e8) is None
    sentence = model.outside(12, 1e9)
    assert sentence is not None
    for part in (model.name, "12 bits", "1e+09 Hz", "3.00e+08 Hz", "2025-06-09"):
        assert part in sentence
    assert model.outside(8, 1e10) is None
    assert MurmannAdc().outside(12, 1e9) is None


def test_models_are_registered_by_their_names() -> None:
    assert {name: model.name for name, model in ADC_MODELS.items()} == {
        name: name for name in ("murmann", "walden", "schreier", "survey", "table")
    }


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_every_constant_of_a_model_changes_something(model: AdcModel) -> None:
    at = (10, 1e8)
    for name in model.constants:
        changed = type(model)(**{name: 1.01 * getattr(model, name)})
        assert (changed.energy(*at), changed.area(*at)) != (model.energy(*at), model.area(*at))


# Refusals -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [-1e-18, math.nan, math.inf, "much"])
@pytest.mark.parametrize(
    ("model", "name"),
    [
        (MurmannAdc, "adc_k1"),
        (MurmannAdc, "adc_k2"),
        (MurmannAdc, "node"),
        (CapacitiveDac, "dac_unit_capacitance"),
        (CapacitiveDac, "supply_voltage"),
        (CapacitiveDac, "capacitor_density"),
        (WaldenAdc, "walden_fom"),
        (WaldenAdc, "walden_corner"),
        (WaldenAdc, "node"),
        (SchreierAdc, "schreier_fom"),
        (SchreierAdc, "schreier_corner"),
        (SchreierAdc, "node"),
        (SurveyAdc, "node"),
    ],
)
def test_refused_constants(model: type[Any], name: str, value: object) -> None:
    with pytest.raises(InputError, match=f"`{name}` is {value}"):
        model(**{name: value})


@pytest.mark.parametrize(
    ("model", "name", "value"),
    [
        (MurmannAdc, "adc_k1", 1.1),
        (MurmannAdc, "node", 0.9e-9),
        (MurmannAdc, "node", 1.1e-4),
        (CapacitiveDac, "capacitor_density", 0.0),
        (WaldenAdc, "walden_corner", 0.0),
        (SchreierAdc, "schreier_fom", 251.0),
        (SchreierAdc, "schreier_fom", 49.0),
    ],
)
def test_constants_out_of_range(model: type[Any], name: str, value: float) -> None:
    with pytest.raises(InputError, match=f"`{name}` is"):
        model(**{name: value})
