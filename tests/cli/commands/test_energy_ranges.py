"""``rnscli energy`` with constants that are only known to lie in a range."""

import csv
import io
import itertools
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
Rows = Callable[..., list[dict[str, Any]]]
Document = Callable[..., dict[str, Any]]
Refusal = Callable[..., str]

FIXED = ("energy", "--bits", 6, "--core", "fixed-lp")
# Prices without the spread that is published of them.
KNOWN = ("--constant", "logic_energy_factor=1", "--constant", "memory_energy_factor=1")
LOW = (*FIXED, "--technology", "switched-capacitor", *KNOWN)  # which has no ranges of its own


@pytest.mark.parametrize(
    "written",
    ["100fJ±30%", "100fJ+-30%", "100fJ+/-30%", "100fJ±30fJ", "1e-13±3e-14", "0.1pJ ± 30 %"],
)
def test_a_range_gives_intervals(written: str, document: Document) -> None:
    found = document(*LOW, "--adc-k1", written)
    asked = found["parameters"]["adc_k1"]
    assert asked == {"value": 1e-13, "low": 7e-14, "high": 1.3e-13}
    (row,) = found["rows"]
    total = row["energy_per_dot_product_j"]
    assert row["energy_range_j"] == pytest.approx([total - 6 * 3e-14, total + 6 * 3e-14], rel=1e-9)
    # An ADC of more energy is larger in the regression; its time is not known to change.
    assert row["area_range_m2"][0] < row["area_m2"] < row["area_range_m2"][1]
    assert row["latency_range_s"] == pytest.approx([row["latency_s"]] * 2, rel=1e-12)


def test_the_middle_is_that_of_the_value(rows: Rows) -> None:
    (known,) = rows(*LOW, "--adc-k1", "80fJ")
    (ranged,) = rows(*LOW, "--adc-k1", "80fJ±20%")
    ranges = (
        "energy_range_j", "latency_range_s", "area_range_m2", "tops_per_w_range",
        "tops_per_mm2_range",
    )  # fmt: skip
    compared = ("relative_to_rns_range", "compared_with_rns")  # with the ranges of rns, too
    expected = ranged | dict.fromkeys(ranges) | {"adc_k1_j": 80e-15}
    assert {k: v for k, v in known.items() if k not in compared} == {
        k: v for k, v in expected.items() if k not in compared
    }


def test_what_follows_from_the_range_of_the_energy(rows: Rows) -> None:
    """Operations per joule, and the ratio to what rns takes wherever its constants are."""
    (row,), (rns,) = rows(*LOW, "--adc-k1", "80fJ±20%"), rows(*LOW[:3], "--core", "rns", *KNOWN)
    low, high = row["energy_range_j"]
    assert row["tops_per_w_range"] == pytest.approx(
        [2 * 128 / 1e12 / high, 2 * 128 / 1e12 / low], rel=1e-12
    )
    least, most = rns["energy_range_j"]
    assert row["relative_to_rns_range"] == pytest.approx([low / most, high / least], rel=1e-12)
    assert row["compared_with_rns"] == "less" and high < least


def with_constants(texts: dict[str, str]) -> list[str]:
    """Options of the constants of an ADC or node, and of those of the technology `simple`."""
    return [
        word
        for name, text in texts.items()
        for word in ((name, text) if name.startswith("-") else ("--constant", f"{name}={text}"))
    ]


def test_ends_are_runs_of_their_own(simple: Path, rows: Rows) -> None:
    low = (*FIXED, "--technology", simple, "--adc-rate", "1GHz", "--columns-per-adc", 1)
    constants = {"--adc-k1": (100e-15, 0.3), "energy_per_mac": (10e-15, 0.5),
                 "cycle_time": (50e-9, 0.2), "cell_area": (4e-15, 0.1)}  # fmt: skip
    ranged = {name: f"{value!r}±{100 * share:g}%" for name, (value, share) in constants.items()}
    (row,) = rows(*low, *with_constants(ranged))
    found = []
    # All corners: an area falls where operations take longer, and fewer units of logic keep up.
    for signs in itertools.product((-1, 1), repeat=len(constants)):
        corner = {
            name: repr(value * (1 + sign * share))
            for sign, (name, (value, share)) in zip(signs, constants.items(), strict=True)
        }
        found += rows(*low, *with_constants(corner))
    for key, value in (
        ("energy_range_j", "energy_per_dot_product_j"),
        ("latency_range_s", "latency_s"),
        ("area_range_m2", "area_m2"),
    ):
        ends = [best(one[value] for one in found) for best in (min, max)]
        assert row[key] == pytest.approx(ends, rel=1e-9, abs=0)


def test_a_swept_range(rows: Rows, rnscli: Run) -> None:
    found = rows(*LOW, "--adc-k1", "100fJ±30%,50fJ")
    assert found[0]["adc_k1_j"] == {"value": 1e-13, "low": 7e-14, "high": 1.3e-13}
    assert found[1]["adc_k1_j"] == 5e-14
    assert found[0]["energy_range_j"] and found[1]["energy_range_j"] is None
    ran = rnscli(*LOW, "--adc-k1", "100fJ±30%,50fJ", "--format", "csv")
    lines = list(csv.DictReader(io.StringIO(ran.out)))
    keys = [f"adc_k1_j{end}" for end in ("", "_low", "_high")]
    assert [lines[0][key] for key in keys] == ["1e-13", "7e-14", "1.3e-13"]
    assert [lines[1][key] for key in keys] == ["5e-14", "", ""]
    ends = [[line[f"energy_range_j_{end}"] for end in ("low", "high")] for line in lines]
    assert [float(end) for end in ends[0]] == found[0]["energy_range_j"] and ends[1] == ["", ""]


def test_a_range_of_another_core_is_none(rows: Rows) -> None:
    known = (*KNOWN, "--technology", "photonic-phase,sram-digital", "--constant",
             "wire_capacitance=200pF/m")  # fmt: skip
    rns, digital = rows("energy", "--bits", 6, "--core", "rns,digital-int8", *known)
    assert rns["energy_range_j"] and digital["energy_range_j"] is None


def test_prices_have_the_spread_that_is_published(rows: Rows) -> None:
    """Of logic from a fifth to four times, of a memory of 32 KB from 0.39 to 2.7 times."""
    energy = ("energy", "--bits", 6, "--core", "digital-int8", "--technology", "sram-digital",
              "--constant", "wire_capacitance=200pF/m")  # fmt: skip
    (row,) = rows(*energy)
    total, scaling, memory = (
        row[key] for key in ("energy_per_dot_product_j", "scaling_energy_j", "memory_energy_j")
    )
    low = total - 0.805 * scaling - 0.613 * memory
    high = total + 3.09 * scaling + 1.732 * memory
    assert row["energy_range_j"] == pytest.approx([low, high], rel=1e-12)
    assert row["area_range_m2"] == [row["area_m2"]] * 2
    found = {one["constant"]: one for one in rows(*energy, "--sensitivity")}
    assert set(found) == {"logic_energy_factor", "memory_energy_factor"}
    assert found["logic_energy_factor"]["swing"] == pytest.approx(3.895 * scaling / total)
    # Another memory has another spread, and a factor that is given goes before it.
    (other,) = rows(*energy, "--memory", "sram-1m", "--constant", "logic_energy_factor=2")
    parts = (other["energy_per_dot_product_j"], other["memory_energy_j"])
    assert other["scaling_energy_j"] == pytest.approx(2 * scaling, rel=1e-12)
    assert other["energy_range_j"] == pytest.approx([parts[0] - 0.52 * parts[1], parts[0]])
    (given,) = rows(*energy, *KNOWN[:2], "--constant", "memory_energy_factor=1±10%")
    assert given["energy_range_j"] == pytest.approx([total - memory / 10, total + memory / 10])


def test_a_factor_of_prices_is_that_of_the_reference_too(rows: Rows) -> None:
    """Also where its technology is not named: of ten times the logic rns takes more as well."""
    low = (*FIXED, "--technology", "switched-capacitor", "--constant")
    (row,) = rows(*low, "logic_energy_factor=10", "--moduli", "63,62,61,59")
    (rns,) = rows("energy", "--bits", 6, "--core", "rns", "--constant", "logic_energy_factor=10")
    assert row["relative_to_rns"] == pytest.approx(
        row["energy_per_dot_product_j"] / rns["energy_per_dot_product_j"], rel=1e-12
    )


def test_intervals_are_shown(simple: Path, rnscli: Run) -> None:
    energy = ("energy", "--bits", 6, "--core", "rns,fixed-lp", "--technology", simple, "--memory",
              "none", "--scales", "none", "--constant", "energy_per_mac=1fJ", "--adc-k1",
              "100fJ±30%")  # fmt: skip
    # 128 fJ of cells, 18 fJ of the DAC, and 6 times 70 to 130 fJ with 4 fJ of the ADC.
    for style in ("table", "markdown"):
        assert "570.1 fJ .. 930.1 fJ" in rnscli(*energy, "--format", style, "--wide").out
    latex = rnscli(*energy, "--format", "latex", "--show", "energy_range_j").out
    assert r"$570.1$\,fJ \ldots\ $930.1$\,fJ" in latex
    assert "total range" not in rnscli(*energy[:-2]).out


# Sensitivity

KEYS = (
    "core bits vector_size technology adc_model constant constant_low constant_value "
    "constant_high energy_at_low_j energy_per_dot_product_j energy_at_high_j swing"
)
FOUR = {
    "--adc-k1": "100fJ±30%", "energy_per_mac": "10fJ±50%", "--node": "14nm±10%",
    "--supply-voltage": "1V±10%",
}  # fmt: skip


@pytest.fixture
def four(simple: Path) -> tuple[object, ...]:
    """A technology, and four uncertain constants."""
    return ("--technology", simple, *with_constants(FOUR))


def test_sensitivity_sorts_by_the_swing(four: Sequence[object], rows: Rows) -> None:
    found = rows("energy", "--bits", 6, "--core", "rns,fixed-lp", *four, "--sensitivity")
    assert set(KEYS.split()) <= set(found[0])
    assert len(found) == 8
    for core in ("rns", "fixed-lp"):
        swings = [row["swing"] for row in found if row["core"] == core]
        assert swings == sorted(swings, reverse=True)
    for row in found:
        width = row["energy_at_high_j"] - row["energy_at_low_j"]
        assert row["swing"] == pytest.approx(abs(width) / row["energy_per_dot_product_j"])
        assert row["constant_low"] < row["constant_value"] < row["constant_high"]


def test_sensitivity_moves_one_constant_at_a_time(
    simple: Path, four: Sequence[object], rows: Rows
) -> None:
    found = {row["constant"]: row for row in rows(*FIXED, *four, "--sensitivity")}
    plain = {name: text.split("±")[0] for name, text in FOUR.items()}
    for name in FOUR:
        row = found[name.removeprefix("--").replace("-", "_")]
        for end in ("low", "high"):
            there = with_constants(plain | {name: repr(row[f"constant_{end}"])})
            (alone,) = rows(*FIXED, "--technology", simple, *there)
            assert row[f"energy_at_{end}_j"] == pytest.approx(
                alone["energy_per_dot_product_j"], rel=1e-12, abs=0
            )


@pytest.mark.parametrize("style", ["table", "csv", "markdown", "latex"])
def test_sensitivity_in_every_form(style: str, four: Sequence[object], rnscli: Run) -> None:
    ran = rnscli(*FIXED, *four, "--sensitivity", "--format", style)
    assert (ran.code, ran.err) == (0, "")
    assert all(name in ran.out.replace("\\", "") for name in ("adc_k1", "energy_per_mac", "node"))


def test_the_two_totals_of_a_sensitivity_table_are_told_apart(
    four: Sequence[object], rnscli: Run
) -> None:
    header = rnscli(*FIXED, *four, "--sensitivity").out.splitlines()[2]
    titles = [title.strip() for title in header.split("  ") if title.strip()]
    assert len(set(titles)) == len(titles)


def test_requirements_on_sensitivity(
    four: Sequence[object], rows: Rows, rnscli: Run, refusal: Refusal
) -> None:
    # The largest is that of the cells, of which 50 % less or more is all of their energy.
    (row,) = rows(*FIXED, *four)
    largest = 128 * 10e-15 / row["energy_per_dot_product_j"]
    ran = rnscli(*FIXED, *four, "--sensitivity", "--require", f"swing < {0.999 * largest}")
    assert ran.code == 1 and "swing" in ran.err and "energy_per_mac" in ran.err
    above = f"swing < {1.001 * largest}"
    assert rnscli(*FIXED, *four, "--sensitivity", "--require", above).code == 0
    assert "latency_s" in refusal(*FIXED, *four, "--sensitivity", "--require", "latency_s < 1")


def test_ranges_of_the_technology_are_there_without_being_given(rows: Rows) -> None:
    """A published constant with a range moves the energy as an option with that range does."""
    light = ("energy", "--bits", 6, "--core", "rns")
    found = {row["constant"]: row for row in rows(*light, "--sensitivity")}
    (row,) = rows(*light)
    assert {"efficiency", "shifter_capacitance", "heater_power"} <= set(found)
    efficiency = found["efficiency"]
    light_at = {end: row["light_energy_j"] * efficiency["constant_value"] / efficiency[
        f"constant_{end}"] for end in ("low", "high")}  # fmt: skip
    for end, energy in light_at.items():
        moved = row["energy_per_dot_product_j"] - row["light_energy_j"] + energy
        assert efficiency[f"energy_at_{end}_j"] == pytest.approx(moved, rel=1e-12, abs=0)
    (known,) = rows(*light, "--constant", "efficiency=0.15")
    assert known["energy_range_j"][1] < row["energy_range_j"][1]
    assert known["energy_per_dot_product_j"] == row["energy_per_dot_product_j"]


def test_a_gain_in_decibels_and_an_area_are_shown_in_their_units(rnscli: Run) -> None:
    out = rnscli("energy", "--bits", 6, "--core", "rns", "--sensitivity").out
    assert re.search(r"shifter_area +4500 um2 +5200 um2 +0\.0275 mm2 ", out)  # 27500 um2
    assert re.search(r"intensity_noise +-150 dB/Hz +-140 dB/Hz +-135 dB/Hz ", out)
    assert re.search(r"shifter_loss +0\.1 dB +0\.33 dB +0\.91 dB ", out)
    assert re.search(r"\bnm2|[a-zA-Z]dB", out) is None


def test_sensitivity_without_a_range(refusal: Refusal) -> None:
    sentence = refusal(*LOW, "--adc-k1", "100fJ", "--sensitivity")
    assert "--sensitivity" in sentence and "±" in sentence


def test_a_tornado_of_more_designs_than_are_drawn_is_refused(
    simple: Path, refusal: Refusal, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    sweep = ("energy", "--bits", "4..10", "--core", "fixed-lp", "--technology", simple,
             "--adc-k1", "1fJ±9%")  # fmt: skip
    sentence = refusal(*sweep, "--sensitivity", "--plot", tmp_path / "a.svg")
    assert "--plot" in sentence and "7" in sentence and "6" in sentence
