"""Calibrated ranges and static scales of ``rnscli accuracy``, ``train`` and ``energy``."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_networks

Run = Callable[..., Any]
Rows = Callable[..., list[dict[str, Any]]]
Refusal = Callable[..., str]

TINY = ("--model", tiny_networks.READY, "--data", "images.npz", "--bits", 4)
LACKING = ("--model", tiny_networks.READY, "--data", "only_test.npz", "--bits", 4)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    arrays = dict(np.load(tiny_networks.write_images(here / "images.npz")))
    np.savez(here / "only_test.npz", x=arrays["x"], y=arrays["y"])
    return here


def test_both_ranges_by_default_and_other_cores_once(rows: Rows) -> None:
    found = rows("accuracy", *TINY, "--core", "rns,fixed-lp,fixed-hp,bit-sliced")
    keys = ("core", "adc_range", "calibration", "percentile", "calibration_samples")
    assert [tuple(row[key] for key in keys) for row in found] == [
        ("rns", None, None, None, None),
        ("fixed-lp", "full", None, None, None),
        ("fixed-hp", found[2]["adc_range"], None, None, None),
        ("bit-sliced", "full", None, None, None),
        ("fixed-lp", "calibrated", "percentile", 99.98, 100),
        ("bit-sliced", "calibrated", "percentile", 99.98, 100),
    ]
    assert all(row["input_scale"] == "dynamic" for row in found)


def test_static_scales_are_swept_and_are_those_of_the_bill(rows: Rows) -> None:
    asked = ("--input-scale", "dynamic,static", "--scales", "fp32,power-of-two")
    found = rows("accuracy", *TINY, "--core", "rns,fixed-lp", "--adc-range", "full", *asked,
                 "--calibration-samples", 30)  # fmt: skip
    assert [(row["scales"], row["input_scale"], row["core"]) for row in found] == [
        (scales, scale, core)
        for scales in ("fp32", "power-of-two")
        for scale in ("dynamic", "static")
        for core in ("rns", "fixed-lp")
    ]
    for row in found:
        assert row["calibration_samples"] == (30 if row["input_scale"] == "static" else None)
    for dynamic, static in ((found[0], found[2]), (found[5], found[7])):
        assert static["energy_j"] < dynamic["energy_j"]
    bill = rows("energy", "--core", "rns", "--bits", 4, "--input-scale", "dynamic,static")
    assert [row["input_scale"] for row in bill] == ["dynamic", "static"]
    assert bill[1]["energy_per_mac_j"] < bill[0]["energy_per_mac_j"]


def test_methods_make_rows_of_what_they_concern(rows: Rows) -> None:
    found = rows("accuracy", *TINY, "--calibration", "percentile,max,least-squares")
    assert [(row["core"], row["adc_range"], row["calibration"]) for row in found] == [
        ("rns", None, None),
        ("fixed-lp", "full", None),
        *(("fixed-lp", "calibrated", one) for one in ("percentile", "max", "least-squares")),
    ]


def test_data_without_samples_to_calibrate_with(rows: Rows, rnscli: Run, refusal: Refusal) -> None:
    """Nothing is calibrated by default then, with a remark; asked for, it is refused."""
    ran = rnscli("accuracy", *LACKING, "--format", "csv")
    assert ran.code == 0 and len(ran.out.splitlines()) == 3
    assert ran.err == (
        "rnscli: --adc-range calibrated is left out, as --data only_test.npz has no samples to "
        "calibrate with; give them as arrays x_train and y_train\n"
    )
    for wanted in (("--adc-range", "calibrated"), ("--input-scale", "static")):
        sentence = refusal("accuracy", *LACKING, *wanted)
        for word in ("--data only_test.npz", "x_train", "--adc-range", "--input-scale"):
            assert word in sentence
    assert len(rows("accuracy", *LACKING, "--adc-range", "full")) == 2


def test_tables_say_on_how_many_samples(rnscli: Run) -> None:
    ran = rnscli("accuracy", *TINY)
    assert (ran.code, ran.err) == (0, "")
    assert "calibration samples = 100" in ran.out and "ADC range" in ran.out


@pytest.mark.thorough
def test_trainings(rows: Rows) -> None:
    asked = ("train", *TINY, "--core", "rns,fixed-lp", "--epochs", 1)
    found = rows(*asked, "--adc-range", "full,calibrated", "--input-scale", "static")
    assert [(row["core"], row["adc_range"], row["input_scale"]) for row in found] == [
        ("fp32", None, None), ("rns", None, "static"), ("fixed-lp", "full", "static"),
        ("fixed-lp", "calibrated", "static"),
    ]  # fmt: skip
    assert [row["calibration_samples"] for row in found] == [None, 100, 100, 100]
    assert len({row["train_loss"] for row in found}) == 4
    assert [row["adc_range"] for row in rows(*asked)] == [None, None, "full"]  # the default


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--calibration mean", "--calibration mean percentile, max, least-squares"),
        ("--percentile 50", "--percentile 50 above"),
        ("--input-scale 3.2", "--input-scale 3.2 dynamic, static"),
        ("--calibration-samples 0", "--calibration-samples 0 1"),
        ("--adc-range calibrate", "--adc-range calibrate full, calibrated"),
        ("--core fixed-lp --adc-range 1e-3", "--adc-range 1e-3 clips more than half every layer"),
    ],
)
def test_refusals(arguments: str, said: str, refusal: Refusal) -> None:
    sentence = refusal("accuracy", *TINY, *arguments.split())
    assert all(word in sentence for word in said.split()), sentence
