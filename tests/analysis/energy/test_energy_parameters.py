"""Designs that are refused, defaults, and what a design is compared with."""

import math
import warnings
from dataclasses import replace
from typing import Any

import pytest
from simple_arrays import LIGHT, simple

from rnscli.analysis.energy.bill import energy, uncertain_energy
from rnscli.analysis.energy.parameters import EnergyParameters
from rnscli.base.errors import InputError, NoSolutionError
from rnscli.core.arithmetic.dot_product import DotProduct
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.hardware.adc.surveyed import MurmannAdc, SurveyAdc, WaldenAdc
from rnscli.hardware.profile import load_technology

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
        ({"search_probability": 1.1}, "`search_probability` is 1.1"),
        ({"search_probability": -0.1}, "`search_probability` is -0.1"),
        ({"search_probability": math.nan}, "`search_probability` is nan"),
        ({"reverse": "magic"}, "`reverse` is magic; it must be one of mixed-radix, crt"),
        ({"decoder": "robust"}, "`decoder` robust is for moduli with a common factor"),
        ({"decoder": "never"}, "`decoder` is never"),
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
        ({"pass_attempts": 0.5}, "`pass_attempts` is 0.5; it must be a number of at least 1"),
        ({"pass_attempts": math.nan}, "`pass_attempts` is nan"),
        (
            {"expected_attempts": 2.0, "pass_attempts": 1.9},
            "`pass_attempts` is 1.9; it must be a number of at least 2",
        ),
        ({"kernel": "vmv"}, "`kernel` is vmv; it must be one of vmm, mvm, update, cycle"),
        ({"kernel": "mvm"}, "`kernel` is mvm; core rns computes products with a vector"),
        ({"memory": "tape"}, "`memory` is tape"),
        ({"scales": "int4"}, "`scales` is int4"),
        ({"modulo_energy": -1e-12}, "`modulo_energy` is"),
        ({"modulo_energy": math.inf}, "`modulo_energy` is inf"),
        ({"max_link_sigma": 0.0}, "`max_link_sigma` is 0"),
        ({"segments": 0}, "`segments` is 0"),
        ({"segments": 129}, "`segments` is 129; it must be a whole number from 1 to 128"),
        ({"segments": 2.0}, "`segments` is 2.0"),
        ({"core": "fixed-lp", "segments": 2}, "`segments` is 2; core fixed-lp loses a part"),
        ({"core": "bit-sliced", "segments": 2}, "`segments` is 2; core bit-sliced loses a part"),
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
        ("fixed-hp", "digital-logic", "fixed-hp needs an analog array.*is digital"),
        ("digital-int8", "photonic-phase", "digital-int8 needs a digital.*photonic-phase is ana"),
        ("digital-fp32", "reram-digital", "operands of 2 to 8 bits only.*digital-logic"),
        ("fixed-lp", "photonic-phase", "fixed-lp needs .* do not wrap.*photonic-phase holds a ph"),
        ("rns", "reram-analog", "rns needs an array that wraps at m.*`modulo_energy` prices"),
        ("rns", "photonic-incoherent", "rns needs an array that wraps at m"),
    ],
)
def test_cores_that_do_not_run_on_a_technology(core: str, technology: str, named: str) -> None:
    with pytest.raises(InputError, match=named):
        design(core=core, technology=load_technology(technology))


def test_a_circuit_with_a_price_wraps_what_does_not_wrap_by_itself() -> None:
    array = load_technology("switched-capacitor")
    made = design(technology=array, modulo_energy=3e-15)
    row = energy(made)
    assert row.modulo_energy_j == pytest.approx(4 * 3e-15, rel=1e-14, abs=0)
    assert energy(design(technology=array, modulo_energy=0.0)).modulo_energy_j == 0
    # It is one of the technology, and no other core has it.
    other = design(core="fixed-lp", technology=array, modulo_energy=3e-15)
    assert energy(other).modulo_energy_j == 0
    assert energy(other).relative_to_rns == pytest.approx(
        energy(other).energy_per_dot_product_j / row.energy_per_dot_product_j, rel=1e-14, abs=0
    )


@pytest.mark.parametrize(("low", "high"), [(4, 4), (7, 7), (9, 16), (32, 32)])
def test_digital_profiles_of_other_operands(low: int, high: int) -> None:
    other = replace(load_technology("sram-digital"), name="other", input_bits=(low, high))
    said = f"`technology` other is known for operands of {low} to {high} bits only; core digital-"
    with pytest.raises(InputError, match=f"{said}int8"):
        design(core="digital-int8", technology=other)
    if high == 32:
        assert design(core="digital-fp32", technology=other).design.technology == other
    else:
        with pytest.raises(InputError, match=f"{said}fp32"):
            design(core="digital-fp32", technology=other)


def test_kernels_that_a_technology_is_not_described_for() -> None:
    array = simple()
    only = replace(array, parts=tuple(replace(p, kernels=("vmm",)) for p in array.parts))
    for kernel in ("mvm", "update", "cycle"):
        said = f"`kernel` is {kernel}; `technology` simple is described for vmm only"
        with pytest.raises(InputError, match=said):
            design(core="fixed-lp", technology=only, kernel=kernel)
    assert design(core="fixed-lp", technology=only).design.kernel == "vmm"


def test_arrays_that_take_no_time() -> None:
    """No throughput follows, nor how much logic keeps up."""
    array = simple(kind="digital", cycle_time=0.0)
    said = "parts of `technology` simple take no time"
    for technology in (array, replace(array, parts=array.parts[:1])):
        for overlapped in (True, False):
            timeless = replace(technology, overlapped=overlapped)
            with pytest.raises(InputError, match=said):
                energy(design(core="digital-int8", technology=timeless))


def test_sums_of_8_bits_that_32_hold() -> None:
    """Operands of up to 127: 133144 x 127^2 = 2147479576 is below 2^31, one more is not."""
    assert 133144 * 127**2 < 2**31 <= 133145 * 127**2
    shared: dict[str, Any] = {"moduli": None, "columns": 1, "extrapolate": True}
    array = load_technology("digital-logic")
    for core, rows in (("digital-int8", 133144), ("digital-fp32", 133145)):
        dot = DotProduct(rows, 8, 8)
        design(core=core, bits=8, dot_product=dot, technology=array, **shared)
    with pytest.raises(InputError, match=r"`vector_size` is 133145.* up to 133144 products"):
        dot = DotProduct(133145, 8, 8)
        design(core="digital-int8", bits=8, dot_product=dot, technology=array, **shared)


CROSSBAR: dict[str, Any] = {"technology": load_technology("reram-analog"), "core": "fixed-lp"}
LONG = DotProduct(2048, 5, 5)
BEYOND: list[tuple[dict[str, Any], str]] = [
    (CROSSBAR | {"dot_product": LONG, "columns": 1, "moduli": None}, "up to 1024 rows.* 2048"),
    ({"core": "digital-int8", "dot_product": DotProduct(128, 8, 8), "bits": 8, "moduli": None,
      "technology": load_technology("sram-digital"), "columns": 1025}, "up to 1024 columns.* 1025"),
    ({"columns": 1025}, "photonic-phase .* up to 1024 columns.* 1025"),
    (CROSSBAR | {"dot_product": DotProduct(128, 9, 6)}, "operands of 2 to 8 bits, not of 9"),
    ({"adc": MurmannAdc(), "adc_rate": 1.1e9}, "murmann holds from 1 to 1e[+]09 Hz"),
    (CROSSBAR | {"core": "fixed-hp", "adc": WaldenAdc()}, "walden holds from 3 to 12 bits, not"),
    ({"core": "fixed-lp", "technology": load_technology("photonic-incoherent")},
     "the light of `?technology`? photonic-incoherent reads a row with a deviation of 16.6 steps"),
    ({"core": "fixed-lp", "technology": load_technology("photonic-incoherent"), "bits": 4,
      "dot_product": DotProduct(128, 4, 4), "moduli": None, "columns": 16},
     "photonic-incoherent allows at most .* rows, not a `?vector_size`? of 128"),
]  # fmt: skip


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
        assert uncertain_energy(parameters, {}).extrapolated


def test_within_the_models_nothing_is_extrapolated() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Residues, with which it would be compared, are for 128 columns.
        for columns, changed in ((128, {}), (1024, CROSSBAR | {"moduli": None})):
            assert not energy(design(columns=columns, extrapolate=True, **changed)).extrapolated


def test_defaults() -> None:
    analog, light, digital = design(core="fixed-lp"), design(), design(core="digital-int8")
    assert analog.design.technology == load_technology("reram-analog")
    assert light.design.technology == load_technology("photonic-phase")
    assert digital.design.technology == load_technology("digital-logic")
    assert analog.design.adc is light.design.adc is None
    assert analog.design.adc_name == light.design.adc_name == "own"
    # 18 bits are not among those of its own ADC, and a technology may have none.
    assert design(core="fixed-hp").design.adc == MurmannAdc(node=14e-9)
    assert design(technology=LIGHT).design.adc == MurmannAdc(node=45e-9)
    assert (analog.design.width, design(columns=7).design.width) == (128, 7)
    assert analog.design.settings.legitimate_range == 63 * 62 * 61 * 59


def test_the_widest_converters_accepted_stay_finite() -> None:
    wide = DotProduct(2, 128, 128)
    array = simple(input_bits=(1, 256))
    with pytest.warns(RuntimeWarning, match="murmann holds from 1 to 22 bits, not for 256"):
        row = energy(
            EnergyParameters(
                core="fixed-hp", dot_product=wide, bits=128, technology=array, extrapolate=True
            )
        )
    assert row.adc_bits == 256
    assert row.adc_energy_j == pytest.approx(1e-18 * 2.0**512, rel=1e-12, abs=0)
    assert all(math.isfinite(one) for one in (row.energy_per_dot_product_j, row.area_m2))


# Segments -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "segments"), [(1024, 1), (1025, 2), (2048, 2), (2049, 3)])
def test_rows_of_a_technology_cut_what_is_exact(size: int, segments: int) -> None:
    """An ADC reads ceil(h / segments) products, and the sums of these have the bits of the whole.

    1025 products of 6 by 6 bits have 6 + 6 + 11 - 1 = 22 bits, 513 of them 21.
    """
    exact = {"core": "fixed-hp", "moduli": None, "columns": 8, "technology": simple(node=45e-9)}
    row = energy(design(dot_product=DotProduct(size, 6, 6), **exact))
    rows = math.ceil(size / segments)
    assert row.segments == segments
    assert row.adc_bits == 11 + math.ceil(math.log2(rows))
    assert row.adc_conversions == segments
    assert row.dac_conversions == segments * rows / 8
    width = 11 + math.ceil(math.log2(size))
    addition = 30e-15 * (100 / 30) ** math.log(width / 8, 4)
    assert row.accumulation_energy_j == pytest.approx((segments - 1) * addition, rel=1e-12, abs=0)
    # By hand, also where it is not needed.
    cut = energy(design(dot_product=DotProduct(1024, 6, 6), segments=4, **exact))
    assert (cut.segments, cut.adc_bits, cut.adc_conversions) == (4, 19, 4)


def test_light_cuts_what_it_cannot_read_at_once() -> None:
    """As many rows as it reads with the wanted deviation, and not one more."""
    row = energy(design())
    assert row.largest_rows is not None and row.link_sigma is not None
    assert row.segments == math.ceil(128 / row.largest_rows) > 1
    assert row.link_sigma <= 0.1
    fits = energy(design(dot_product=DotProduct(row.largest_rows, 6, 6), columns=4))
    more = energy(design(dot_product=DotProduct(row.largest_rows + 1, 6, 6), columns=4))
    assert (fits.segments, more.segments) == (1, 2)
    assert fits.link_sigma is not None and more.link_sigma is not None
    assert more.link_sigma < fits.link_sigma <= 0.1
    generous = energy(design(max_link_sigma=1.0))
    assert generous.largest_rows is not None and generous.largest_rows > row.largest_rows
    with pytest.raises(NoSolutionError, match=r"reads a row with a deviation .* and 0.001 is want"):
        design(max_link_sigma=1e-3)
    # What cannot be read has no price, which would be less than that of what can be.
    with pytest.raises(NoSolutionError, match=r"deviation of 0\.0621 steps, and 0\.001 is wanted"):
        design(max_link_sigma=1e-3, extrapolate=True)
    # Whatever light allows, if it is said how many.
    assert energy(design(segments=1)).segments == 1


# What a design is compared with -------------------------------------------------------------------


def test_analog_designs_are_compared_on_the_same_array() -> None:
    shared = {"technology": LIGHT, "adc": SurveyAdc(), "columns": 40}
    row, rns = energy(design(core="fixed-lp", **shared)), energy(design(**shared))
    assert row.relative_to_rns is not None and row.adc_relative_to_rns == pytest.approx(1 / 4)
    assert row.relative_to_rns == pytest.approx(
        row.energy_per_dot_product_j / rns.energy_per_dot_product_j, rel=1e-14, abs=0
    )


@pytest.mark.parametrize("core", ["digital-int8", "fixed-lp", "fixed-hp"])
def test_others_are_compared_with_rns_on_light(core: str) -> None:
    """With its own ADCs and segments, whatever those of the design are, uncertain or not."""
    parameters = design(core=core)
    rns = energy(design())
    for row in (energy(parameters), uncertain_energy(parameters, {})):
        assert row.relative_to_rns == pytest.approx(
            row.energy_per_dot_product_j / rns.energy_per_dot_product_j, rel=1e-14, abs=0
        )
        if core == "digital-int8":
            assert row.adc_relative_to_rns is None
        else:
            assert row.adc_relative_to_rns == pytest.approx(
                row.adc_energy_j / rns.adc_energy_j, rel=1e-14, abs=0
            )


def test_a_cycle_is_compared_with_a_product() -> None:
    """Residues are for products only."""
    row = energy(design(core="fixed-lp", kernel="cycle"))
    assert row.relative_to_rns == pytest.approx(
        row.energy_per_dot_product_j / energy(design()).energy_per_dot_product_j, rel=1e-14, abs=0
    )


def test_without_moduli_or_beyond_a_model_there_is_none() -> None:
    assert energy(design(core="fixed-lp", moduli=None)).relative_to_rns is None
    wide = design(core="digital-int8", columns=1025)  # light is for 1024
    assert wide.as_rns() is None
    assert energy(wide).relative_to_rns is None


def test_a_reference_of_ones_own() -> None:
    shared = {"technology": LIGHT}
    other = design(expected_attempts=2.0, pass_attempts=2.0, **shared)
    row = energy(design(core="fixed-lp", **shared), other)
    assert row.adc_relative_to_rns == pytest.approx(1 / 8, rel=1e-14, abs=0)
