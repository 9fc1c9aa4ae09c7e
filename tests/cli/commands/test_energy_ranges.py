"""``rnscli energy`` with constants that are only known to lie in a range."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
Rows = Callable[..., list[dict[str, Any]]]
Document = Callable[..., dict[str, Any]]
Refusal = Callable[..., str]

LOW = ("energy", "--bits", 6, "--core", "fixed-lp")


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
    ranges = ("energy_range_j", "latency_range_s", "area_range_m2")
    assert known == ranged | dict.fromkeys(ranges) | {"adc_k1_j": 80e-15}


def test_ends_are_runs_of_their_own(rows: Rows) -> None:
    constants = (("--adc-k1", 100e-15, 0.3), ("--energy-per-mac", 10e-15, 0.5),
                 ("--cycle-time", 50e-9, 0.2), ("--cell-area", 4e-15, 0.1))  # fmt: skip
    (row,) = rows(*LOW, *(w for o, v, s in constants for w in (o, f"{v!r}±{100 * s:g}%")))
    for end, sign in ((0, -1), (1, 1)):
        (there,) = rows(*LOW, *(w for o, v, s in constants for w in (o, repr(v * (1 + sign * s)))))
        for key, value in (
            ("energy_range_j", "energy_per_dot_product_j"),
            ("latency_range_s", "latency_s"),
            ("area_range_m2", "area_m2"),
        ):
            assert row[key][end] == pytest.approx(there[value], rel=1e-9)


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
    rns, digital = rows("energy", "--bits", 6, "--core", "rns,digital-int8", "--adc-k1", "1fJ±9%")
    assert rns["energy_range_j"] and digital["energy_range_j"] is None


def test_intervals_are_shown(rnscli: Run) -> None:
    energy = ("energy", "--bits", 6, "--core", "rns,fixed-lp", "--adc-k1", "100fJ±30%")
    for style in ("table", "markdown", "latex"):
        assert "766.0 fJ .. 1.126 pJ" in rnscli(*energy, "--format", style).out
    assert "total range" not in rnscli(*energy[:-2]).out


# Sensitivity

KEYS = (
    "core bits vector_size technology adc_model constant constant_low constant_value "
    "constant_high energy_at_low_j energy_per_dot_product_j energy_at_high_j swing"
)
FOUR = (
    "--adc-k1", "100fJ±30%", "--energy-per-mac", "10fJ±50%", "--node", "14nm±10%",
    "--supply-voltage", "1V±10%",
)  # fmt: skip


def test_sensitivity_sorts_by_the_swing(rows: Rows) -> None:
    found = rows("energy", "--bits", 6, "--core", "rns,fixed-lp", *FOUR, "--sensitivity")
    assert set(KEYS.split()) <= set(found[0])
    assert len(found) == 8
    for core in ("rns", "fixed-lp"):
        swings = [row["swing"] for row in found if row["core"] == core]
        assert swings == sorted(swings, reverse=True)
    for row in found:
        width = row["energy_at_high_j"] - row["energy_at_low_j"]
        assert row["swing"] == pytest.approx(abs(width) / row["energy_per_dot_product_j"])
        assert row["constant_low"] < row["constant_value"] < row["constant_high"]


def test_sensitivity_moves_one_constant_at_a_time(rows: Rows) -> None:
    (row,) = (
        row for row in rows(*LOW, *FOUR, "--sensitivity") if row["constant"] == "energy_per_mac"
    )
    plain = [word for word in FOUR if not word.startswith("10fJ")]
    plain = [word.split("±")[0] for word in plain if word != "--energy-per-mac"]
    for end in ("low", "high"):
        (there,) = rows(*LOW, *plain, "--energy-per-mac", repr(row[f"constant_{end}"]))
        assert row[f"energy_at_{end}_j"] == pytest.approx(there["energy_per_dot_product_j"])


@pytest.mark.parametrize("style", ["table", "csv", "markdown", "latex"])
def test_sensitivity_in_every_form(style: str, rnscli: Run) -> None:
    ran = rnscli(*LOW, *FOUR, "--sensitivity", "--format", style)
    assert (ran.code, ran.err) == (0, "")
    assert all(name in ran.out.replace("\\", "") for name in ("adc_k1", "energy_per_mac", "node"))


def test_the_two_totals_of_a_sensitivity_table_are_told_apart(rnscli: Run) -> None:
    header = rnscli(*LOW, *FOUR, "--sensitivity").out.splitlines()[2]
    titles = [title.strip() for title in header.split("  ") if title.strip()]
    assert len(set(titles)) == len(titles)


def test_requirements_on_sensitivity(rnscli: Run, refusal: Refusal) -> None:
    ran = rnscli(*LOW, *FOUR, "--sensitivity", "--require", "swing < 0.3")
    assert ran.code == 1 and "swing" in ran.err
    assert rnscli(*LOW, *FOUR, "--sensitivity", "--require", "swing < 0.5").code == 0
    assert "latency_s" in refusal(*LOW, *FOUR, "--sensitivity", "--require", "latency_s < 1")


def test_sensitivity_without_a_range(refusal: Refusal) -> None:
    sentence = refusal(*LOW, "--adc-k1", "100fJ", "--sensitivity")
    assert "--sensitivity" in sentence and "±" in sentence


def test_a_tornado_of_more_designs_than_are_drawn_is_refused(
    refusal: Refusal, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    sweep = ("energy", "--bits", "4..10", "--core", "fixed-lp", "--adc-k1", "1fJ±9%")
    sentence = refusal(*sweep, "--sensitivity", "--plot", tmp_path / "a.svg")
    assert "--plot" in sentence and "7" in sentence and "6" in sentence
