"""``rnscli noise``: its rows add up, and what it refuses."""

import io
import math
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest

from rnscli.analysis import NOISE_PARTS

Rows = Callable[..., list[dict[str, Any]]]
Run = Callable[..., Any]
FRESH = ("shot", "thermal", "intensity", "detector", "read")
ERRORS = {
    "cell-error": 1e-3, "cell-error-proportional": 1e-3, "read-noise": 1e-3, "stuck-on": 1e-6,
    "wire-resistance": 1e-8, "adc-offset-error": 0.1, "adc-gain-error": 1e-3, "adc-inl": 0.1,
    "dac-error": 1e-2, "on-off-ratio": 50,
}  # fmt: skip
ALL = [word for name, value in ERRORS.items() for word in (f"--{name}", str(value))]


def test_rows_add_up(rows: Rows) -> None:
    """In squares, in every core and every part, also where there is light."""
    found = rows("noise", *ALL, "--vector-size", 32)
    found += rows("noise", "--technology", "photonic-incoherent", "--vector-size", 8, *ALL)
    found += rows("noise", "--technology", "photonic-phase", "--vector-size", 8, "--adc-inl", 0.1)
    assert {row["core"] for row in found} == {"rns", "fixed-lp", "fixed-hp", "bit-sliced"}
    for row in found:
        parts = {name: row[f"sigma_{name}"] for name in NOISE_PARTS}
        fresh = math.hypot(*(parts[name] for name in FRESH))
        static = math.hypot(*(one for name, one in parts.items() if name not in FRESH))
        assert row["sigma_fresh"] == pytest.approx(fresh, rel=1e-12)
        assert row["sigma_static"] == pytest.approx(static, rel=1e-12)
        assert row["sigma"] == pytest.approx(math.hypot(fresh, static), rel=1e-12)
        coded = row["core"] == "rns"
        assert (row["modulus"] is not None, row["p"] is not None) == (coded, coded)
        assert (row["step"] is None, row["output_error"] is None) == (coded, coded)
    assert all(any(row[f"sigma_{name}"] for row in found) for name in {*NOISE_PARTS} - {"detector"})


def test_a_core_is_shown_on_its_technology(rows: Rows) -> None:
    found = {row["core"]: row["technology"] for row in rows("noise", "--bits", 4)}
    assert found == {
        "rns": "photonic-phase", "fixed-lp": "reram-analog", "fixed-hp": "reram-analog",
        "bit-sliced": "reram-analog",
    }  # fmt: skip
    given = {row["technology"] for row in rows("noise", "--bits", 4, "--cell-error", 0.1)}
    assert given == {None}
    named = rows("noise", "--bits", 4, "--technology", "photonic-phase", "--adc-inl", 0.1)
    assert {row["core"] for row in named} == {"rns"}


def test_what_is_given_goes_before_the_technology(rows: Rows) -> None:
    on = ("noise", "--technology", "reram-analog", "--core", "fixed-hp")
    (own,), (better,) = rows(*on), rows(*on, "--cell-error", 0.01)
    assert (own["cell_error"], better["cell_error"], better["on_off_ratio"]) == (0.1, 0.01, 10)
    assert own["sigma_cells"] == pytest.approx(10 * better["sigma_cells"])


def test_laser_power_is_swept(rows: Rows) -> None:
    line = ("noise", "--core", "rns", "--vector-size", 16, "--laser-power", "1mW,4mW")
    one, four = (
        [row for row in rows(*line) if row["laser_power_w"] == power] for power in (1e-3, 4e-3)
    )
    for row, brighter in zip(one, four, strict=True):
        assert row["sigma_shot"] == pytest.approx(2 * brighter["sigma_shot"], rel=1e-9)
        assert row["sigma_thermal"] == pytest.approx(4 * brighter["sigma_thermal"], rel=1e-9)
        assert row["sigma_intensity"] == pytest.approx(brighter["sigma_intensity"], rel=1e-9)
    (slow, *_) = rows(*line[:5], "--constant", "rate=1GHz")
    assert slow["rate_hz"] == 1e9


def test_solved(rows: Rows) -> None:
    """At what is found the budget has the probability that was wanted."""
    (row,) = rows("noise", "--vector-size", 16, "--solve", "laser-power", "--target", 1e-6)
    assert (row["unknown"], row["unit"], row["target"]) == ("laser-power", "W", 1e-6)
    power = f"{row['value']:.12g}W"
    found = rows("noise", "--core", "rns", "--vector-size", 16, "--laser-power", power)
    assert max(one["p"] for one in found) == pytest.approx(1e-6, rel=1e-6)
    (longest,) = rows("noise", "--vector-size", 16, "--solve", "vector-size", "--target", 1e-6)
    assert longest["vector_size"] == longest["value"] > 16


def test_requirements(rnscli: Run) -> None:
    line = ("noise", "--core", "rns", "--vector-size", 16)
    assert rnscli(*line, "--require", "p <= 1e-9").code == 0
    assert rnscli(*line, "--require", "p <= 1e-12").code == 1


def test_what_is_assumed_is_said(rnscli: Run) -> None:
    said = rnscli("noise", "--technology", "reram-analog", "--bits", 4).out
    assert "not cut off at 0" in said and "a circuit that reduces sums modulo m" in said
    assert "none is published of" in said
    light = rnscli("noise", "--core", "rns", "--vector-size", 8).out
    assert "assumed" not in light
    beyond = rnscli("noise", "--core", "rns", "--vector-size", 2000)
    assert beyond.code == 0 and "holds for arrays of up to 1024 rows" in beyond.err


@pytest.mark.parametrize("width", [1, 2, 5])
def test_tables_are_no_wider_than_a_page(rnscli: Run, width: int) -> None:
    sizes = ",".join(str(8 * 2**k) for k in range(width))
    ran = rnscli("noise", *ALL, "--vector-size", sizes, "--residues", "plain,symmetric")
    assert ran.code == 0 and max(map(len, ran.out.splitlines())) <= 100
    assert " sigma" in ran.out and "residues" in ran.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--technology digital-logic", "no analog core runs on --technology digital-logic"),
        ("--technology photonic-phase --cell-error 0.1", "--cell-error is of cells"),
        ("--technology photonic-phase --core fixed-lp", "holds a phase"),
        ("--solve laser-power --technology reram-analog", "reram-analog has no light"),
        ("--solve cell-error --cell-error 0.1", "is what --solve cell-error looks for"),
        ("--solve cell-error --technology photonic-phase", "has phases instead of cells"),
        ("--target 1e-3", "--target is about --solve"),
        ("--laser-power 3mW --technology reram-analog", "of none of these rows"),
        ("--constant rate=1GHz --cell-error 0.1", "give --technology, too"),
        ("--solve vector-size --core fixed-lp", "core fixed-lp has none"),
        ("--mapping offset --input-slice-bits 1 --core fixed-lp", "slices are read apart"),
        ("--bits 24 --core fixed-lp --cell-error 0.1", "magnitudes up to 8388607"),
        ("--solve read-noise --cell-error 0.1", "no read-noise brings the residues"),
        ("--cell-error 2", "a share from 0 to 1"),
        ("--solve watts", "one of vector-size, laser-power"),
    ],
)
def test_refused(rnscli: Run, words: str, said: str) -> None:
    ran = rnscli("noise", *words.split())
    assert (ran.code, ran.out) == (2, "") and said in ran.err
    assert len(ran.err.splitlines()) == 1


def test_measured_devices(rows: Rows, tmp_path: Any) -> None:
    cells, adc = tmp_path / "cells.csv", tmp_path / "adc.csv"
    cells.write_text("target,mean,deviation\n0,0,0.01\n1,1,0.01\n")
    adc.write_text("level,deviation\n-1,0.5\n1,0.5\n")
    on = ("noise", "--core", "fixed-hp", "--vector-size", 32)
    (measured,), (stated,) = rows(*on, "--device-table", cells), rows(*on, "--cell-error", 0.02)
    assert measured["sigma_cells"] == pytest.approx(stated["sigma_cells"], rel=1e-12)
    (bent,) = rows(*on, "--adc-inl-table", adc)
    assert bent["bias"] == pytest.approx(0.5) and bent["sigma_adc_inl"] < 1e-9
    (replaced,) = rows(*on, "--device-table", cells, "--technology", "reram-analog")
    assert replaced["cell_error"] == 0 and replaced["on_off_ratio"] == 10


def test_drawn(rnscli: Run, tmp_path: Any) -> None:
    pytest.importorskip("matplotlib")
    line = ("noise", "--vector-size", "8,16", "--core", "rns,fixed-lp", *ALL)
    pictures = []
    for name in ("one.svg", "two.svg"):
        assert rnscli(*line, "--plot", tmp_path / name).code == 0
        pictures.append((tmp_path / name).read_bytes())
    assert pictures[0] == pictures[1]
    texts = "".join(ElementTree.parse(io.BytesIO(pictures[0])).getroot().itertext())
    assert all(word in texts for word in ("rounding", "cells", "share of variance"))
    assert "clipping" not in texts  # of which there is next to nothing
    ran = rnscli("noise", "--solve", "vector-size", "--plot", tmp_path / "no.svg")
    assert ran.code == 2 and "leave --solve out" in ran.err
    many = rnscli("noise", "--core", "rns", "--vector-size", "2..60", "--plot", tmp_path / "no.svg")
    assert many.code == 2 and "bars" in many.err
    dark = ("noise", "--core", "rns", "--vector-size", 20000, "--plot", tmp_path / "dark.svg")
    assert rnscli(*dark).code == 0
