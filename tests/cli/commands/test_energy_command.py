"""``rnscli energy``: the published ratio, the formulas, the constants, and the noise."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rnscli.core.cores import CORES

Run = Callable[..., Any]
Rows = Callable[..., list[dict[str, Any]]]

PARTS = (
    "dac_energy_j", "adc_energy_j", "array_energy_j", "periphery_energy_j", "light_energy_j",
    "modulo_energy_j", "forward_energy_j", "reverse_energy_j", "decoding_energy_j",
    "shift_add_energy_j", "accumulation_energy_j", "scaling_energy_j", "memory_energy_j",
)  # fmt: skip
RATIOS = {4: 168.54, 5: 2143.9, 6: 28439.7, 7: 511603, 8: 6775065}


def adc(bits: int, k1: float = 100e-15, k2: float = 1e-18) -> float:
    return k1 * bits + k2 * 4.0**bits


def dac(bits: int, capacitance: float = 0.5e-15, voltage: float = 1.0) -> float:
    return bits**2 * capacitance * voltage**2


def test_the_published_adc_ratio(simple: Path, rows: Rows) -> None:
    found = rows("energy", "--bits", "4..8", "--vector-size", 128, "--core", "rns,fixed-hp",
                 "--technology", simple)  # fmt: skip
    energies = {(row["core"], row["bits"]): row["adc_energy_j"] for row in found}
    for bits, ratio in RATIOS.items():
        found_ratio = energies["fixed-hp", bits] / energies["rns", bits]
        assert found_ratio == pytest.approx(ratio, rel=1e-4)
    for row in found:
        expected = RATIOS[row["bits"]] if row["core"] == "fixed-hp" else 1
        assert row["adc_relative_to_rns"] == pytest.approx(expected, rel=1e-4)


def test_the_formulas(simple: Path, rows: Rows) -> None:
    cores = ("--core", "rns,fixed-lp,fixed-hp", "--technology", simple)
    for row in rows("energy", "--bits", "4..8", *cores):
        assert row["array_energy_j"] == pytest.approx(
            128 * 10e-15 * (len(row["moduli"]) if row["core"] == "rns" else 1), rel=1e-12
        )
        bits, core = row["bits"], row["core"]
        copies = len(row["moduli"]) if core == "rns" else 1
        assert row["adc_bits"] == (2 * bits + 6 if core == "fixed-hp" else bits)
        assert (row["dac_bits"], row["dac_conversions"]) == (bits, copies)
        assert row["adc_conversions"] == copies
        assert row["adc_energy_j"] == pytest.approx(copies * adc(row["adc_bits"]), rel=1e-12, abs=0)
        assert row["dac_energy_j"] == pytest.approx(copies * dac(bits), rel=1e-12, abs=0)
        converters = row["adc_energy_j"] + row["dac_energy_j"]
        assert row["converter_energy_j"] == pytest.approx(converters, rel=1e-12, abs=0)
        assert (row["moduli"] is None) == (core != "rns")


def test_the_parts_add_up(rows: Rows) -> None:
    noise = ("--redundant", 2, "--p", "0.05", "--modulo-energy", "1pJ", "--bits", "5,6")
    found = rows("energy", *noise, "--core", ",".join(CORES))
    assert len(found) == 2 * (len(CORES) + 1) >= 14  # rns on light, and on what a circuit wraps
    for row in found:
        total = math.fsum(row[part] for part in PARTS)
        assert row["energy_per_dot_product_j"] == pytest.approx(total, rel=1e-12, abs=0)
        assert row["energy_per_mac_j"] == pytest.approx(total / 128, rel=1e-12, abs=0)
        assert row["tops_per_w"] == pytest.approx(2e-12 * 128 / total, rel=1e-12, abs=0)
        assert (row["retry_energy_j"] > 0) == (row["core"] == "rns")
        assert row["retry_energy_j"] < total
    for part in PARTS:
        assert any(row[part] > 0 for row in found), part


def test_the_default_sweep(rnscli: Run) -> None:
    ran = rnscli("energy", "--format", "json")
    assert ran.code == 0
    found = json.loads(ran.out)["rows"]
    homes = {"rns": "photonic-phase", "digital-int8": "digital-logic"}
    cores = ("rns", "fixed-lp", "fixed-hp", "digital-int8")
    # A modulus of 7 or 8 bits is more than the light of the default tells apart.
    assert [(row["bits"], row["core"]) for row in found] == [
        (bits, core) for bits in (4, 5, 6, 7, 8) for core in cores if core != "rns" or bits < 7
    ]
    for row in found:
        home = homes.get(row["core"], "reram-analog")
        own = row["adc_bits"] is not None and row["adc_bits"] <= 8
        assert row["technology"] == home
        assert row["adc_model"] == (
            "own" if own else None if row["adc_bits"] is None else "murmann"
        )
        assert (row["vector_size"], row["columns"]) == (128, 128)
        assert row["extrapolated"] is False
        low, high = row["energy_range_j"]
        assert low < row["energy_per_dot_product_j"] < high
    lines = ran.err.splitlines()
    assert len(lines) == 2
    for line, bits in zip(lines, (7, 8), strict=True):
        assert line.startswith(f"rnscli: left out for bits {bits}, core rns: the light of")
        assert "--bits" in line and "--laser-power" in line


def test_light_that_is_asked_for_in_vain_is_refused(
    rnscli: Run, refusal: Callable[..., str]
) -> None:
    for bits in (7, 8):
        sentence = refusal("energy", "--bits", bits, "--core", "rns")
        assert "the light of --technology photonic-phase" in sentence
        assert all(f"--{name}" in sentence for name in ("laser-power", "bits", "max-link-sigma"))
    assert rnscli("energy", "--bits", "6,7", "--core", "rns").code == 2
    assert rnscli("energy", "--bits", 7, "--core", "rns", "--max-link-sigma", 0.2).code == 0


@pytest.mark.parametrize(
    "more",
    ["", "--laser-power 30mW", "--constant shifter_loss=0.1dB", "--redundant 2 --p 1e-2",
     "--technology reram-analog,photonic-phase", "--max-link-sigma 0.2"],
)  # fmt: skip
def test_every_ratio_is_that_of_the_rows(more: str, rows: Rows) -> None:
    """Also of a core on another technology than rns, which is the rns of the sweep."""
    found = rows(
        "energy", "--bits", 6, "--core", "rns,fixed-lp,fixed-hp,digital-int8", *more.split()
    )
    (rns,) = (row for row in found if row["core"] == "rns")
    for row in found:
        for ratio, key in (("relative_to_rns", "energy_per_dot_product_j"),
                           ("adc_relative_to_rns", "adc_energy_j")):  # fmt: skip
            if row[ratio] is None:
                assert row["core"] == "digital-int8" and ratio == "adc_relative_to_rns"
            else:
                assert row[ratio] == pytest.approx(row[key] / rns[key], rel=1e-12, abs=0), row[
                    "core"
                ]


def test_no_ratio_to_an_rns_that_has_no_light(rows: Rows) -> None:
    for row in rows("energy", "--bits", 7, "--core", "fixed-lp,digital-int8"):
        assert row["relative_to_rns"] is row["adc_relative_to_rns"] is None


def test_relative_to_rns_is_of_the_total(rows: Rows) -> None:
    rns, low, digital = rows("energy", "--bits", 6, "--core", "rns,fixed-lp,digital-int8")
    assert rns["relative_to_rns"] == 1
    for row in (low, digital):
        assert row["relative_to_rns"] == pytest.approx(
            row["energy_per_dot_product_j"] / rns["energy_per_dot_product_j"], rel=1e-12
        )
    assert low["adc_relative_to_rns"] == pytest.approx(
        low["adc_energy_j"] / rns["adc_energy_j"], rel=1e-12
    )
    assert digital["adc_relative_to_rns"] is None
    (alone,) = rows("energy", "--bits", 6, "--core", "fixed-lp")
    assert alone == low


def test_columns_share_the_dacs(rows: Rows) -> None:
    found = rows("energy", "--bits", 6, "--core", "fixed-lp", "--columns", "1,32,128,256")
    assert [row["dac_conversions"] for row in found] == [128, 4, 1, 0.5]
    assert [row["columns"] for row in found] == [1, 32, 128, 256]
    assert len({row["adc_energy_j"] for row in found}) == 1


def mean_of_the_slowest(rejected: float, columns: int) -> float:
    """How often c columns are computed until all of them are accepted."""
    return 1 + math.fsum(1 - (1 - rejected**i) ** columns for i in range(1, 1000))


def test_redundancy_and_retries_cost(simple: Path, rows: Rows) -> None:
    energy = ("energy", "--bits", 6, "--core", "rns", "--redundant", "0,2", "--technology", simple)
    plain, coded = rows(*energy)
    assert (plain["adc_conversions"], coded["adc_conversions"]) == (4, 6)
    assert len(coded["redundant_moduli"]) == 2
    retried = rows(*energy, "--p", "0.05", "--attempts", "inf", "--decoder", "detect")[1]
    (fault,) = rows(
        "fault-prob", "--bits", 6, "--redundant", 2, "--p", "0.05", "--attempts", "inf",
        "--decoder", "detect",
    )  # fmt: skip
    assert fault["expected_attempts"] > 1.2
    assert retried["expected_attempts"] == fault["expected_attempts"]
    passes = mean_of_the_slowest(fault["p_detected"], 128)
    assert passes > 2 * fault["expected_attempts"]
    assert retried["pass_attempts"] == pytest.approx(passes, rel=1e-9, abs=0)
    assert retried["adc_conversions"] == pytest.approx(6 * passes, rel=1e-9, abs=0)
    once = rows(*energy, "--p", "0.05", "--attempts", 1)[1]
    assert once["adc_conversions"] == 6


def test_bit_slicing(simple: Path, rows: Rows) -> None:
    sliced = ("energy", "--bits", 6, "--core", "bit-sliced", "--technology", simple)
    found = rows(*sliced, "--slice-bits", "1,4,5")
    # The sign is in the pair of devices, which leaves 5 bits of magnitude.
    assert [row["adc_conversions"] for row in found] == [5, 2, 1]
    assert [row["adc_bits"] for row in found] == [6, 6, 6]
    (row,) = rows(*sliced, "--adc-bits", 8)
    assert row["adc_energy_j"] == pytest.approx(5 * adc(8), rel=1e-12, abs=0)
    # An exact sum of 128 products of 6-bit inputs and one-bit digits has 14 bits.
    (row,) = rows(*sliced, "--adc-bits", 20)
    assert row["adc_bits"] == 14


@pytest.mark.parametrize(
    "written", ["80fJ", "80 fJ", "80f", "0.08pJ", "8e-14", "8e-14J", "80e-3pJ"]
)
def test_quantities_may_be_written_in_many_ways(written: str, simple: Path, rows: Rows) -> None:
    (row,) = rows(
        "energy", "--bits", 6, "--core", "rns", "--technology", simple, "--adc-k1", written
    )
    assert row["adc_energy_j"] == pytest.approx(4 * adc(6, k1=80e-15), rel=1e-14, abs=0)


def test_every_constant_counts(simple: Path, rows: Rows) -> None:
    (row,) = rows(
        "energy", "--bits", 8, "--core", "fixed-hp", "--technology", simple, "--adc-k1", "50fJ",
        "--adc-k2", "2aJ", "--dac-unit-capacitance", "1fF", "--supply-voltage", "800mV",
    )  # fmt: skip
    assert row["adc_energy_j"] == pytest.approx(adc(22, 50e-15, 2e-18), rel=1e-12, abs=0)
    assert row["dac_energy_j"] == pytest.approx(dac(8, 1e-15, 0.8), rel=1e-12, abs=0)


def test_converters_that_cost_nothing(simple: Path, rows: Rows) -> None:
    free = ("--adc-k1", 0, "--adc-k2", 0, "--supply-voltage", 0, "--technology", simple)
    for row in rows("energy", "--bits", 6, "--core", "rns,fixed-hp", *free):
        assert row["converter_energy_j"] == 0
        assert row["adc_relative_to_rns"] is None
        assert row["relative_to_rns"] > 0


def test_a_design_that_costs_nothing(simple: Path, rows: Rows) -> None:
    free = ("--adc-k1", 0, "--adc-k2", 0, "--supply-voltage", 0, "--constant", "energy_per_mac=0",
            "--memory", "none", "--scales", "none", "--technology", simple)  # fmt: skip
    (row,) = rows("energy", "--bits", 6, "--core", "fixed-lp", *free)
    assert row["energy_per_dot_product_j"] == row["relative_to_rns"] == 0
    assert row["tops_per_w"] is None


def test_parameters_are_in_base_units(document: Callable[..., dict[str, Any]]) -> None:
    asked = document("energy", "--bits", 6, "--adc-k1", "80fJ")["parameters"]
    assert asked["adc_k1"] == 80e-15
    asked = document("energy", "--bits", 6, "--node", "45nm", "--clock", "2GHz")["parameters"]
    assert (asked["node"], asked["clock"]) == (45e-9, 2e9)
    assert asked["technology"] == ["photonic-phase", "reram-analog", "digital-logic"]
    assert (asked["adc_model"], asked["kernel"]) == ("own", "vmm")
    assert (asked["memory"], asked["scales"]) == ("sram-32k", "fp32")
    assert [asked[name] for name in ("extrapolate", "sensitivity", "breakdown")] == [False] * 3


def test_the_table_shows_engineering_units(simple: Path, rnscli: Run) -> None:
    printed = rnscli("energy", "--bits", 6, "--core", "rns", "--technology", simple).out
    assert "2.416 pJ" in printed and "72.00 fJ" in printed


def test_energy_per_mac_falls_with_the_length(simple: Path, rows: Rows) -> None:
    found = rows("energy", "--bits", 8, "--core", "rns", "--vector-size", "16,128,1024",
                 "--technology", simple)  # fmt: skip
    per_mac = [row["energy_per_mac_j"] for row in found]
    assert per_mac == sorted(per_mac, reverse=True)
    assert all(math.isfinite(value) for value in per_mac)


# Noise


@pytest.mark.parametrize(
    "level",
    [
        ("--p", "0.02"),
        ("--sigma", "0.3"),
        ("--snr-db", "46"),
        ("--sigma", "0.3", "--noise", "uniform"),
        ("--p", "0.02", "--noise", "gaussian"),
        ("--p", "[0.1,0,0,0,0.01,0]"),
    ],
    ids=" ".join,
)
def test_attempts_are_those_of_fault_prob(level: tuple[str, ...], rows: Rows) -> None:
    code = ("--bits", 6, "--redundant", 2, *level)
    (row,) = rows("energy", "--core", "rns", *code)
    (fault,) = rows("fault-prob", *code, "--attempts", "inf")
    (clean,) = rows("energy", "--core", "rns", "--bits", 6, "--redundant", 2)
    assert row["expected_attempts"] == fault["expected_attempts"] > 1
    assert row["decoding_energy_j"] > clean["decoding_energy_j"] * row["expected_attempts"]
    assert row["energy_per_dot_product_j"] > clean["energy_per_dot_product_j"]
    assert row["forward_energy_j"] == clean["forward_energy_j"]


def test_noise_is_about_the_core_that_has_a_code(rows: Rows) -> None:
    cores = ("--core", "fixed-lp,bit-sliced,digital-int8", "--bits", 6, "--redundant", 2)
    for clean, noisy in zip(
        rows("energy", *cores), rows("energy", *cores, "--p", "0.1"), strict=True
    ):
        others = (
            "relative_to_rns", "adc_relative_to_rns", "relative_to_rns_range", "noise", "p"
        )  # fmt: skip
        assert {k: v for k, v in clean.items() if k not in others} == {
            k: v for k, v in noisy.items() if k not in others
        }
        assert (clean["noise"], clean["p"]) == (None, None)
        assert (noisy["noise"], noisy["p"]) == ("uniform", 0.1)
        assert noisy["relative_to_rns"] < clean["relative_to_rns"]
        ranges = [row["relative_to_rns_range"] for row in (noisy, clean)]
        for less, more in zip(*ranges, strict=True):
            assert less < more


def test_swept_noise_is_a_column(rows: Rows) -> None:
    found = rows(
        "energy", "--bits", 6, "--core", "rns", "--redundant", 1, "--p", "1e-3..1e-1:3",
        "--attempts", "1,inf",
    )  # fmt: skip
    assert [(row["p"], row["attempts"]) for row in found] == [
        (p, attempts) for attempts in (1, "inf") for p in (1e-3, 1e-2, 1e-1)
    ]
    forever = [row["energy_per_dot_product_j"] for row in found if row["attempts"] == "inf"]
    assert forever == sorted(set(forever))


def test_requirements_on_the_new_columns(simple: Path, rnscli: Run) -> None:
    energy = ("energy", "--bits", 6, "--core", "rns", "--technology", simple, "--memory", "none",
              "--scales", "none")  # fmt: skip
    holds = ("latency_s < 1e-6", "area_m2 <= 1e-6", "tops_per_w >= 20", "array_energy_j > 1e-12",
             "reverse_energy_j > 0", "throughput_macs_per_s > 1e11", "tops_per_mm2 < 20",
             "energy_per_dot_product_j < 1.2e-11", "extrapolated == 0")  # fmt: skip
    every = [word for requirement in holds for word in ("--require", requirement)]
    ran = rnscli(*energy, *every)
    assert (ran.err, ran.code) == ("", 0)
    for requirement in ("latency_s > 1e-6", "retry_energy_j > 0", "tops_per_w < 20"):
        ran = rnscli(*energy, "--require", requirement)
        assert ran.code == 1
        assert requirement.split()[0] in ran.err and ran.err.count("\n") == 1


def test_a_ratio_of_0_db_is_much_noise(rnscli: Run) -> None:
    ran = rnscli("energy", "--bits", 6, "--core", "rns", "--redundant", 1, "--attempts", 3,
                 "--snr-db", "0,60", "--format", "csv")  # fmt: skip
    header, loud, quiet = (line.split(",") for line in ran.out.splitlines())
    attempts = header.index("expected_attempts")
    assert float(loud[attempts]) > 2
    assert 1 <= float(quiet[attempts]) < 1.001


@pytest.mark.parametrize("cut", ["0.1", "0.09"])
def test_the_noise_of_devices_is_that_of_the_arrays_that_are_billed(cut: str, rows: Rows) -> None:
    """A dot product that is cut in segments: the same as `design` has, and not of one array."""
    of_light = ("--noise", "device", "--core", "rns", "--bits", 6, "--vector-size", 32)
    code = ("--redundant", 1, "--attempts", 2, "--legitimate-range", "product")
    (whole,) = rows("energy", *of_light, *code)
    (billed,) = rows("energy", *of_light, *code, "--max-link-sigma", cut)
    searched = rows("design", *of_light, *code, "--max-link-sigma", cut, "--decoder",
                    "bounded-distance", "--pairs", 100, "--columns-per-adc", 1)[0]  # fmt: skip
    assert whole["segments"] == 1 < billed["segments"] == searched["segments"]
    assert billed["link_sigma"] == searched["link_sigma"] < whole["link_sigma"]
    assert billed["expected_attempts"] == searched["expected_attempts"] < whole["expected_attempts"]


@pytest.mark.parametrize("cores", ["digital-int8", "rns", "rns,digital-int8"])
def test_a_mapping_where_nothing_has_cells(
    cores: str, rnscli: Run, refusal: Callable[..., str]
) -> None:
    sentence = refusal("energy", "--core", cores, "--bits", 6, "--mapping", "differential,offset")
    assert "--mapping is of cells, and none of these rows has any" in sentence
    with_cells = f"{cores},fixed-lp"
    assert rnscli("energy", "--core", with_cells, "--bits", 6, "--mapping", "offset").code == 0
