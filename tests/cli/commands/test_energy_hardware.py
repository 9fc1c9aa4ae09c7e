"""``rnscli energy``: technologies, converters, and the ranges that models hold in."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
Rows = Callable[..., list[dict[str, Any]]]
Refusal = Callable[..., str]

PROFILE = """
name = "mine"
kind = "analog"
modulo = "circuit"
[node]
value = "45nm"
source = "process"
[limits]
rows = 256
columns = 256
source = "layout"
[constants.cell_energy]
value = "20fJ"
range = ["10fJ", "30fJ"]
source = "measured"
[constants.pulse]
value = "5ns"
source = "measured"
[[parts]]
name = "cells"
group = "array"
per = "cell"
energy = "cell_energy"
source = "measured"
[[parts]]
name = "lines"
group = "periphery"
per = "row"
power = "cell_energy / pulse"
time = "pulse"
source = "measured"
"""
ADCS = "enob,energy_j,area_m2,rate_hz\n4.5,2e-13,1e-9,2e9\n6.2,5e-13,2e-9,1e9\n8,3e-12,4e-9,1e9\n"


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(PROFILE)
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "adcs.csv"
    path.write_text(ADCS)
    return path


# Cores and technologies


def placed(found: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(row["core"], row["technology"]) for row in found]


def test_cores_are_paired_with_the_technologies_that_they_run_on(rows: Rows) -> None:
    found = rows(
        "energy", "--bits", 6, "--core", "rns,fixed-lp,digital-int8,digital-fp32", "--technology",
        "switched-capacitor,photonic-phase,reram-analog,sram-digital,digital-logic",
    )  # fmt: skip
    assert placed(found) == [
        ("fixed-lp", "switched-capacitor"),
        ("rns", "photonic-phase"),
        ("fixed-lp", "reram-analog"),
        ("digital-int8", "sram-digital"),
        ("digital-int8", "digital-logic"),
        ("digital-fp32", "digital-logic"),
    ]


def test_a_core_that_runs_on_none_is_shown_once_on_its_default(rows: Rows) -> None:
    found = rows("energy", "--bits", 6, "--technology", "photonic-phase,switched-capacitor")
    assert placed(found) == [
        ("rns", "photonic-phase"),
        ("digital-int8", "digital-logic"),
        ("fixed-lp", "switched-capacitor"),
        ("fixed-hp", "switched-capacitor"),
    ]
    found = rows(
        "energy", "--bits", 6, "--technology", "sram-digital", "--core", "rns,digital-int8"
    )
    assert placed(found) == [("rns", "photonic-phase"), ("digital-int8", "sram-digital")]
    found = rows("energy", "--bits", 6, "--core", "digital-fp32")
    assert placed(found) == [("digital-fp32", "digital-logic")]


@pytest.mark.parametrize(
    ("core", "technology", "add"),
    [
        ("rns", "sram-digital", "digital-int8"),
        ("digital-int8", "photonic-phase", "rns"),
        ("digital-int8", "reram-analog", "fixed-lp"),
        ("digital-fp32", "reram-digital", "digital-int8"),
        ("rns,fixed-lp", "photonic-phase,reram-analog,digital-logic", "digital-int8"),
    ],
)
def test_a_technology_that_no_core_runs_on(
    core: str, technology: str, add: str, refusal: Refusal
) -> None:
    sentence = refusal("energy", "--core", core, "--technology", technology)
    assert "--technology " + technology.split(",")[-1] in sentence
    assert f"--core {add}" in sentence


def test_a_digital_row_is_compared_with_rns_on_the_analog_technology(rows: Rows) -> None:
    rns, digital = rows(
        "energy", "--bits", 6, "--core", "rns,digital-int8", "--technology", "switched-capacitor",
        "--modulo-energy", "1pJ",
    )  # fmt: skip
    assert rns["technology"] == "switched-capacitor"
    assert digital["relative_to_rns"] == pytest.approx(
        digital["energy_per_dot_product_j"] / rns["energy_per_dot_product_j"], rel=1e-12
    )


# A profile of one's own


def test_a_profile_of_ones_own(profile: Path, rows: Rows) -> None:
    (row,) = rows("energy", "--bits", 6, "--core", "fixed-lp", "--technology", profile)
    assert row["technology"] == "mine"
    assert row["array_energy_j"] == pytest.approx(128 * 20e-15, rel=1e-12, abs=0)
    # As many lines as columns, for as long as an operation takes: 5 ns, and the readings of 5
    # columns that an ADC of 1 GHz has by default.
    assert (row["columns_per_adc"], row["adc_rate_hz"]) == (5, 1e9)
    lines = 20e-15 / 5e-9 * 10e-9
    assert row["periphery_energy_j"] == pytest.approx(lines, rel=1e-12, abs=0)
    low, high = row["energy_range_j"]  # from 10 to 30 fJ a cell, and what is published of prices
    half, scaling, memory = (
        (128 * 20e-15 + lines) / 2,
        row["scaling_energy_j"],
        row["memory_energy_j"],
    )
    total = row["energy_per_dot_product_j"]
    assert total - low == pytest.approx(
        half + (1 - 0.195) * scaling + (1 - 0.387) * memory, rel=1e-12, abs=0
    )
    assert high - total == pytest.approx(half + 3.09 * scaling + 1.732 * memory, rel=1e-12, abs=0)
    found = rows(
        "energy", "--bits", 6, "--core", "fixed-lp", "--technology", f"{profile},reram-analog"
    )
    assert placed(found) == [("fixed-lp", "mine"), ("fixed-lp", "reram-analog")]


def test_an_option_goes_before_the_range_of_a_profile(profile: Path, rows: Rows) -> None:
    energy = ("energy", "--bits", 6, "--core", "fixed-lp", "--technology", profile, "--constant",
              "logic_energy_factor=1", "--constant", "memory_energy_factor=1")  # fmt: skip
    (row,) = rows(*energy, "--constant", "cell_energy=20fJ±10%")
    low, high = row["energy_range_j"]
    cells = 128 + 10 / 5
    assert high - low == pytest.approx(2 * cells * 2e-15, rel=1e-9, abs=0)
    (row,) = rows(*energy, "--constant", "cell_energy=10fJ")  # known, and so without a range
    assert row["array_energy_j"] == pytest.approx(128 * 10e-15, rel=1e-12, abs=0)
    assert row["energy_range_j"] is None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('value = "5ns"', 'value = "5V"', "lines: power cell_energy / pulse is not in W"),
        ('value = "5ns"', "value = 5", "constants.pulse"),
        ('value = "5ns"', 'value = "-5ns"', "-5ns"),
        ('value = "5ns"', 'value = "nans"', "nans"),
        ('time = "pulse"', 'time = "cell_energy"', "lines: time cell_energy is not in s"),
        ('["10fJ", "30fJ"]', '["30fJ", "40fJ"]', "constants.cell_energy"),
        ('["10fJ", "30fJ"]', '["10fJ", "30nm"]', "constants.cell_energy"),
        ("rows = 256", "rows = 0", "limits.rows"),
        ("rows = 256", "rows = 1.5", "limits.rows"),
        ("rows = 256", "", "limits.rows"),
        ('kind = "analog"', 'kind = "quantum"', "quantum"),
        ('modulo = "circuit"', 'modulo = "magic"', "magic"),
        ("[constants.pulse]", "[constants.pause]", "pulse"),
        ('energy = "cell_energy"', 'energy = "cell_energy +"', "no formula"),
        ('energy = "cell_energy"', 'energy = "open(1)"', "a formula may call"),
        ('group = "array"', 'group = "others"', "others"),
        ('per = "cell"', 'per = "atom"', "atom"),
        ('name = "mine"', "name = mine", "line 2"),
    ],
)
def test_profiles_that_make_no_sense(
    old: str, new: str, said: str, profile: Path, refusal: Refusal
) -> None:
    text = profile.read_text()
    assert old in text
    profile.write_text(text.replace(old, new, 1))
    sentence = refusal("energy", "--technology", profile)
    assert "mine.toml" in sentence and said in sentence, sentence


def test_a_profile_names_its_keys_and_not_options(profile: Path, refusal: Refusal) -> None:
    profile.write_text(PROFILE.replace('kind = "analog"\n', ""))
    assert "--kind" not in refusal("energy", "--technology", profile)
    profile.write_text(PROFILE + "parallel = 3\n")
    sentence = refusal("energy", "--technology", profile)
    assert "parts[1].parallel" in sentence


def test_two_profiles_of_one_name(profile: Path, refusal: Refusal, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text(PROFILE)
    assert "same name" in refusal("energy", "--technology", f"{profile},{tmp_path / 'other.toml'}")


# Models of converters


def test_converters_of_ones_own(table: Path, rows: Rows) -> None:
    found = rows("energy", "--core", "fixed-lp", "--bits", "4,6,7", "--adc-table", table)
    assert [row["adc_energy_j"] for row in found] == [2e-13, 5e-13, 3e-12]
    assert {row["adc_model"] for row in found} == {"table"}
    found = rows(
        "energy", "--core", "fixed-lp", "--bits", 6, "--adc-table", table, "--adc-model",
        "table,murmann",
    )  # fmt: skip
    assert [row["adc_model"] for row in found] == ["table", "murmann"]


def test_every_model_counts(rows: Rows) -> None:
    (own,) = rows("energy", "--bits", 6, "--core", "fixed-lp")
    assert own["adc_model"] == "own"
    named = rows("energy", "--bits", 6, "--core", "fixed-lp", "--adc-model", "own,murmann")
    assert [row["adc_model"] for row in named] == ["own", "murmann"]
    assert named[0]["adc_energy_j"] == own["adc_energy_j"] != named[1]["adc_energy_j"]
    energy = ("energy", "--bits", 6, "--core", "fixed-lp,digital-int8")
    found = rows(*energy, "--adc-model", "murmann,walden,schreier,survey")
    assert [row["adc_model"] for row in found] == ["murmann", None, "walden", "schreier", "survey"]
    assert len({row["adc_energy_j"] for row in found}) == 5
    (walden,) = rows(
        "energy", "--bits", 6, "--core", "fixed-lp", "--adc-model", "walden", "--walden-fom",
        "1.34fJ",
    )  # fmt: skip
    assert walden["adc_energy_j"] == pytest.approx(2 * found[2]["adc_energy_j"], rel=1e-12)
    (schreier,) = rows(
        "energy", "--bits", 6, "--core", "fixed-lp", "--adc-model", "schreier", "--schreier-fom",
        "176.723dB",
    )  # fmt: skip
    assert schreier["adc_energy_j"] == pytest.approx(10 * found[3]["adc_energy_j"], rel=1e-12)


def test_columns_that_take_turns(rows: Rows) -> None:
    murmann = ("energy", "--bits", 6, "--core", "fixed-lp", "--adc-model", "murmann")
    alone, shared = rows(*murmann, "--columns-per-adc", "1,8", "--adc-rate", "1GHz")
    assert (alone["columns_per_adc"], shared["columns_per_adc"]) == (1, 8)
    assert shared["latency_s"] == pytest.approx(alone["latency_s"] + 7e-9, rel=1e-12)
    assert shared["area_m2"] < alone["area_m2"]
    assert shared["adc_energy_j"] == alone["adc_energy_j"]


def test_ways_to_restore_a_number(rows: Rows) -> None:
    found = rows("energy", "--bits", 6, "--core", "rns", "--reverse", "mixed-radix,crt")
    assert [row["reverse"] for row in found] == ["mixed-radix", "crt"]
    assert found[0]["reverse_energy_j"] != found[1]["reverse_energy_j"]


def test_swept_constants_carry_their_unit(rows: Rows) -> None:
    fixed = ("--core", "fixed-lp", "--technology", "switched-capacitor")
    light = ("--core", "rns")
    for design, option, key, values in (
        (fixed, "--adc-k1", "adc_k1_j", (1e-13, 2e-13)),
        (fixed, "--supply-voltage", "supply_voltage_v", (1.0, 2.0)),
        (fixed, "--node", "node_m", (1.4e-8, 4.5e-8)),
        (fixed, "--adc-rate", "adc_rate_hz", (5e8, 1e9)),
        (light, "--laser-power", "laser_power_w", (1e-2, 3e-2)),
        (light, "--rate", "rate_hz", (1e9, 5e9)),
        (light, "--max-link-sigma", "max_link_sigma", (0.1, 0.2)),
        (("--core", "rns", *fixed[2:]), "--modulo-energy", "modulo_circuit_j", (0.0, 1e-12)),
    ):
        found = rows("energy", "--bits", 6, *design, option, ",".join(map(repr, values)))
        assert tuple(row[key] for row in found) == values
        assert found[0] != found[1] | {key: values[0]}


# Outside of the ranges of models


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ("--adc-model murmann --adc-rate 2GHz", "--adc-model murmann 2e+09 1e+09"),
        ("--adc-model survey --bits 3 --core fixed-lp", "--adc-model survey 3 4 19.74"),
        ("--adc-model walden --bits 8 --core fixed-hp", "--adc-model walden 22 12"),
        (
            "--adc-model survey --core fixed-hp --adc-rate 1MHz",
            "--adc-model survey 18 2.00e+03 2025-06-09",
        ),
        ("--vector-size 2048 --core fixed-lp", "--vector-size --technology reram-analog 2048 1024"),
        ("--columns 2048 --core fixed-lp", "--columns --technology reram-analog 2048 1024"),
        ("--columns 1025", "--technology photonic-phase --columns 1025 1024"),
        ("--adc-table TABLE --bits 8 --core fixed-hp", "adcs.csv --adc-table 22 8"),
    ],
)
def test_out_of_range_is_refused(arguments: str, named: str, table: Path, refusal: Refusal) -> None:
    core = () if "--core" in arguments else ("--core", "rns")
    bits = () if "--bits" in arguments else ("--bits", 6)
    words = arguments.replace("TABLE", str(table)).split()
    sentence = refusal("energy", *words, *core, *bits)
    for name in (*named.split(), "--extrapolate"):
        assert name in sentence


def test_extrapolation_warns_once_and_marks_the_rows(rnscli: Run) -> None:
    energy = ("energy", "--bits", "5,6", "--core", "rns,fixed-lp,digital-int8", "--adc-model",
              "murmann")  # fmt: skip
    beyond = (*energy, "--adc-rate", "1GHz,3GHz", "--extrapolate", "--format", "csv")
    ran = rnscli(*beyond)
    assert ran.code == 0
    assert ran.err == (
        "rnscli: warning: adc_model murmann holds from 1 to 1e+09 Hz, not for 3e+09 Hz\n"
    )
    header, *lines = (line.split(",") for line in ran.out.splitlines())
    assert len(lines) == 12
    for line in lines:
        core, rate, mark = (
            line[header.index(key)] for key in ("core", "adc_rate_hz", "extrapolated")
        )
        assert mark == str(core != "digital-int8" and rate == "3000000000.0")
    table = rnscli(*energy, "--adc-rate", "3GHz", "--extrapolate").out
    assert table.count("extrapolated") == 1 and table.count("  yes") == 4
    assert "extrapolated" not in rnscli(*energy, "--adc-rate", "1GHz", "--extrapolate").out


def test_extrapolation_of_what_is_in_range_changes_nothing(rnscli: Run) -> None:
    plain = rnscli("energy", "--bits", 6, "--format", "csv")
    assert plain.code == 0
    assert rnscli("energy", "--bits", 6, "--format", "csv", "--extrapolate") == plain


def test_survey_leaves_out_only_what_is_out_of_range(rnscli: Run) -> None:
    sweep = ("energy", "--core", "fixed-lp,digital-int8", "--adc-model", "survey")
    ran = rnscli(*sweep, "--bits", "2..6", "--format", "csv")
    assert ran.code == 2
    assert [line.split(",")[:2] for line in ran.out.splitlines()[1:]] == [
        ["digital-int8", "2"],
        ["digital-int8", "3"],
        *([core, str(bits)] for bits in (4, 5, 6) for core in ("fixed-lp", "digital-int8")),
    ]
    lines = ran.err.splitlines()
    assert len(lines) == 2
    for line, bits in zip(lines, (2, 3), strict=True):
        assert f"bits {bits}" in line and f"not for {bits}" in line and "--extrapolate" in line
    all_rows = rnscli(*sweep, "--bits", "2..6", "--extrapolate", "--format", "csv")
    assert all_rows.code == 0 and len(all_rows.out.splitlines()) == 11


def test_a_missing_point_is_named_by_what_was_swept(rnscli: Run) -> None:
    ran = rnscli("energy", "--core", "fixed-lp,digital-int8", "--adc-model", "survey", "--bits", 3)
    assert ran.code == 2
    assert "for core fixed-lp:" in ran.err  # one technology was asked for


def test_rows_of_a_list_that_are_left_out_are_told(rnscli: Run, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("enob,energy [pJ],rate [GHz],area [mm2]\n8,1,2,0.01\n7,,2,0.01\n6,1,,\n")
    ran = rnscli("energy", "--bits", 6, "--core", "fixed-lp", "--adc-table", path)
    assert ran.code == 0
    assert "2 of 3 rows of mine.csv are left out: they have no resolution, energy" in ran.err
