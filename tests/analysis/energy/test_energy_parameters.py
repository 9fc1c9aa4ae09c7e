"""Designs that are refused, defaults, and what a design is compared with."""

import math
import warnings
from dataclasses import replace
from typing import Any

import pytest

from rnscli.analysis.energy.bill import energy
from rnscli.analysis.energy.parameters import EnergyParameters
from rnscli.base.errors import InputError
from rnscli.core.arithmetic.dot_product import DotProduct
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.hardware.adc.surveyed import MurmannAdc, SurveyAdc, WaldenAdc
from rnscli.hardware.technology import load_technology

SIX_BITS = ModuliSet((63, 62, 61, 59))
ACCEPTED: dict[str, Any] = {
    "core": "rns",
    "dot_product": DotProduct(128, 6, 6),
    "bits": 6,
    "moduli": SIX_BITS,
}


def design(**changed: Any) -> EnergyParameters:
    return EnergyParameters(**{**ACCEPTED, **changed})


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
        ({"columns_per_adc": 0}, "`columns_per_adc` is 0"),
        ({"columns_per_adc": 1.5}, "`columns_per_adc` is 1.5"),
        ({"expected_attempts": 0.5}, "`expected_attempts` is 0.5"),
        ({"expected_attempts": math.nan}, "`expected_attempts` is nan"),
        ({"expected_attempts": math.inf}, "`expected_attempts` is inf"),
        ({"word_error_probability": 1.1}, "`word_error_probability` is 1.1"),
        ({"word_error_probability": -0.1}, "`word_error_probability` is -0.1"),
        ({"word_error_probability": math.nan}, "`word_error_probability` is nan"),
        ({"reverse": "magic"}, "`reverse` is magic; it must be one of mixed-radix, crt"),
        ({"radius": 1}, "`radius` is 1"),
        ({"radius": -1}, "`radius` is -1"),
        ({"legitimate_range": 0}, "`legitimate_range` is 0"),
        ({"legitimate_range": 14057695}, "`legitimate_range` 14057695"),
        # Two times 128 x 31 x 31, and zero.
        ({"legitimate_range": 246016}, "`legitimate_range` is 246016.* 246017 values"),
        ({"slice_bits": 0}, "`slice_bits` is 0"),
        ({"slice_bits": 7}, "`slice_bits` is 7; it must be a whole number from 1 to 5"),
        ({"adc_bits": 0}, "`adc_bits` is 0"),
        ({"adc_bits": 65}, "`adc_bits` is 65"),
        ({"adc_rate": 0.0}, "`adc_rate` is 0.0"),
        ({"adc_rate": 2e12}, "`adc_rate` is 2000000000000.0"),
        ({"clock": 0.5}, "`clock` is 0.5"),
        ({"clock": math.nan}, "`clock` is nan"),
        ({"dot_product": DotProduct(2**40, 200, 200)}, "439 output bits.* at most 256"),
    ],
)
def test_refused_values(changed: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        design(**changed)


@pytest.mark.parametrize(
    ("moduli", "named"),
    [
        (ModuliSet([255, 254, 253]), "`bits` is 6, but residues of 255 have 8"),
        (ModuliSet([63, 62, 61]), "cover 238266 values; the dot product needs 246017"),
    ],
)
def test_moduli_that_do_not_fit_are_refused(moduli: ModuliSet, named: str) -> None:
    with pytest.raises(InputError, match=named):
        design(moduli=moduli)


@pytest.mark.parametrize(
    ("core", "technology", "named"),
    [
        ("rns", "sram-digital", "core rns needs an analog array.*sram-digital is digital"),
        ("fixed-hp", "digital-logic", "fixed-hp needs an analog array.*is logic"),
        ("digital-int8", "photonic", "digital-int8 needs a digital array.*photonic is analog"),
        ("digital-fp32", "reram-digital", "8-bit operands only.*digital-logic"),
    ],
)
def test_cores_that_do_not_run_on_a_technology(core: str, technology: str, named: str) -> None:
    with pytest.raises(InputError, match=named):
        design(core=core, technology=load_technology(technology))


@pytest.mark.parametrize("bits", [4, 7, 9, 16, 32])
def test_digital_profiles_of_other_operands(bits: int) -> None:
    """Their numbers do not grow with the bits, and so they hold for these operands only."""
    other = replace(load_technology("sram-digital"), name="other", reference_bits=bits)
    said = f"`technology` other is known for {bits}-bit operands only; core digital-int8"
    with pytest.raises(InputError, match=said):
        design(core="digital-int8", technology=other)
    if bits == 32:
        assert design(core="digital-fp32", technology=other).design.technology == other
    else:
        with pytest.raises(InputError, match=f"{bits}-bit operands only; core digital-fp32"):
            design(core="digital-fp32", technology=other)


def test_sums_of_8_bits_that_32_hold() -> None:
    """Operands of up to 127: 133144 x 127^2 = 2147479576 is below 2^31, one more is not."""
    assert 133144 * 127**2 < 2**31 <= 133145 * 127**2
    shared: dict[str, Any] = {"moduli": None, "columns": 1, "extrapolate": True}
    array = replace(load_technology("digital-logic"), rows=2**20)
    for core, rows in (("digital-int8", 133144), ("digital-fp32", 133145)):
        dot = DotProduct(rows, 8, 8)
        design(core=core, bits=8, dot_product=dot, technology=array, **shared)
    with pytest.raises(InputError, match=r"`vector_size` is 133145.* up to 133144 products"):
        dot = DotProduct(133145, 8, 8)
        design(core="digital-int8", bits=8, dot_product=dot, technology=array, **shared)


BEYOND: list[tuple[dict[str, Any], str]] = [
    ({"dot_product": DotProduct(2048, 5, 5), "columns": 1}, "up to 1024 rows.* 2048"),
    ({"columns": 1025}, "up to 1024 columns.* 1025"),
    ({"adc_rate": 1.1e9}, "murmann holds from 1 to 1e[+]09 Hz"),
    ({"core": "fixed-hp", "adc": WaldenAdc()}, "walden holds from 3 to 12 bits, not for 18"),
]


@pytest.mark.parametrize(("changed", "named"), BEYOND)
def test_beyond_a_model(changed: dict[str, Any], named: str) -> None:
    """Refused, with the word that lets it pass; then it warns, and the row says so."""
    with pytest.raises(InputError, match=f"{named}.*`extrapolate`"):
        design(**changed)
    with pytest.warns(RuntimeWarning, match=named):
        parameters = design(**changed, extrapolate=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert energy(parameters).extrapolated


def test_within_the_models_nothing_is_extrapolated() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not energy(design(columns=1024, extrapolate=True)).extrapolated


def test_defaults() -> None:
    analog, digital = design(), design(core="digital-int8")
    assert analog.design.technology == load_technology("reram-analog")
    assert digital.design.technology == load_technology("digital-logic")
    assert analog.design.adc.name == "murmann"
    assert design(technology=load_technology("photonic")).design.adc == MurmannAdc(node=45e-9)
    assert analog.design.adc == MurmannAdc(node=14e-9)
    assert (analog.design.width, design(columns=7).design.width) == (128, 7)
    assert analog.design.settings.legitimate_range == 63 * 62 * 61 * 59


def test_the_widest_converters_accepted_stay_finite() -> None:
    wide = DotProduct(2, 128, 128)
    with pytest.warns(RuntimeWarning, match="murmann holds from 1 to 22 bits, not for 256"):
        row = energy(
            EnergyParameters(core="fixed-hp", dot_product=wide, bits=128, extrapolate=True)
        )
    assert row.adc_bits == 256
    assert row.adc_energy_j == pytest.approx(1e-18 * 2.0**512, rel=1e-12, abs=0)
    assert all(math.isfinite(one) for one in (row.energy_per_dot_product_j, row.area_m2))


# What a design is compared with -------------------------------------------------------------------


def test_analog_designs_are_compared_on_the_same_array() -> None:
    photonic = load_technology("photonic")
    shared = {"technology": photonic, "adc": SurveyAdc(), "columns": 40}
    row, rns = energy(design(core="fixed-lp", **shared)), energy(design(**shared))
    assert row.relative_to_rns is not None and row.adc_relative_to_rns == pytest.approx(1 / 4)
    assert row.relative_to_rns == pytest.approx(
        row.energy_per_dot_product_j / rns.energy_per_dot_product_j, rel=1e-14
    )


def test_digital_designs_are_compared_with_the_default_array() -> None:
    row, rns = energy(design(core="digital-int8")), energy(design())
    assert row.relative_to_rns == pytest.approx(
        row.energy_per_dot_product_j / rns.energy_per_dot_product_j, rel=1e-14
    )
    assert row.adc_relative_to_rns is None


def test_without_moduli_or_beyond_a_model_there_is_none() -> None:
    assert energy(design(core="fixed-lp", moduli=None)).relative_to_rns is None
    wide = design(core="digital-int8", dot_product=DotProduct(2048, 5, 5))
    assert wide.as_rns() is None
    assert energy(wide).relative_to_rns is None


def test_a_reference_of_ones_own() -> None:
    other = design(expected_attempts=2.0)
    row = energy(design(core="fixed-lp"), other)
    assert row.adc_relative_to_rns == pytest.approx(1 / 8, rel=1e-14)
