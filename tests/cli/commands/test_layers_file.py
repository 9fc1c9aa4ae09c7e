"""``rnscli accuracy --layers``: cores of single layers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

Run = Callable[..., Any]
Refusal = Callable[..., str]

SOURCE = """
import torch
from torch import nn

def make():
    torch.manual_seed(3)
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 12), nn.ReLU(), nn.Linear(12, 3))
"""
ASKED = ("accuracy", "--model", "own:make", "--data", "own.npz", "--core", "fixed-hp")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("own.py").write_text(SOURCE, "utf-8")
    draw = np.random.default_rng(0)
    np.savez("own.npz", x=draw.normal(size=(200, 4, 4)).astype(np.float32), y=np.arange(200) % 3)
    return tmp_path


def expected(flows: Any) -> float:
    """The accuracy by `rnscli.torch.convert` alone."""
    import rnscli.torch

    space: dict[str, Any] = {}
    exec(SOURCE, space)
    data = np.load("own.npz")
    logits = rnscli.torch.convert(space["make"]().eval(), flows)(torch.from_numpy(data["x"]))
    return float((logits.argmax(1).numpy() == data["y"]).mean())


def test_each_layer_has_the_core_of_the_first_pattern_that_fits(rnscli: Run) -> None:
    from rnscli import analog_core

    coarse = analog_core("rns", bits=4, vector_size=8)
    fine = analog_core("fixed-hp", bits=6, vector_size=128)
    low = analog_core("rns", bits=5, vector_size=128, moduli=(31, 29, 27, 25))
    Path("a.toml").write_text('[1]\ncore = "rns"\nbits = 4\nvector-size = 8\n', "utf-8")
    layers = {"3": {"core": "rns", "bits": 5, "moduli": [31, 29, 27, 25]}, "*": {"bits": 2}}
    Path("b.json").write_text(json.dumps(layers), "utf-8")
    hp = analog_core("fixed-hp", bits=2, vector_size=128)
    for name, flows in (
        ("a.toml", {"1": coarse, "*": fine}),
        ("b.json", {"3": low, "*": hp}),
    ):
        ran = rnscli(*ASKED, "--bits", 6, "--layers", name, "--format", "json")
        (row,) = json.loads(ran.out)["rows"]
        assert row["accuracy"] == pytest.approx(expected(flows), abs=1e-12)
        assert row["energy_j"] is None


def test_a_remark_says_which(rnscli: Run) -> None:
    Path("a.toml").write_text("[1]\nbits = 4\n", "utf-8")
    ran = rnscli(*ASKED, "--bits", 6, "--layers", "a.toml")
    assert ran.code == 0
    assert "layers as of a.toml are on cores of their own, without energies: 1\n" in ran.err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[9]\nbits = 4\n", "--layers names 9, which is no submodule"),
        ('["9*"]\nbits = 4\n', "--layers names 9*, which fits no submodule"),
        ("[1]\nbit = 4\n", "1 has the option bit; it must be one of core, bits"),
        ("[1]\nbits = 99\n", "1: bits '99' is not accepted"),
        ('[1]\nbits = "4,5"\n', "1: bits is 4,5; a layer has one value of it"),
        ('[1]\nmoduli = "2,4"\nbits = 4\n', "--layers: 1: "),
        ("1 = 4\n", "1 must be a table of options"),
        ("", "must name layers"),
        ("[1\n", "is neither TOML nor JSON"),
    ],
)
def test_files_that_are_refused(refusal: Refusal, text: str, words: str) -> None:
    Path("a.toml").write_text(text, "utf-8")
    assert words in refusal(*ASKED, "--bits", 6, "--layers", "a.toml")


def test_what_goes_with_no_layers(refusal: Refusal) -> None:
    Path("a.toml").write_text("[1]\nbits = 4\n", "utf-8")
    assert "--technology" in refusal(
        *ASKED, "--bits", 6, "--layers", "a.toml", "--technology", "reram-analog"
    )
    assert "cannot be read" in refusal(*ASKED, "--bits", 6, "--layers", "none.toml")


def test_points_that_differ_in_a_layer_alone_are_rows(rnscli: Run) -> None:
    """Ranges are no choice of rns, but of the layer; and it is calibrated as it is asked."""
    np.savez("own.npz", **np.load("own.npz"), x_train=np.ones((32, 4, 4), np.float32),
             y_train=np.zeros(32, np.int64))  # fmt: skip
    Path("a.toml").write_text('[3]\ncore = "fixed-lp"\n', "utf-8")
    asked = ("accuracy", "--model", "own:make", "--data", "own.npz", "--core", "rns", "--bits", 4)
    ran = rnscli(*asked, "--layers", "a.toml", "--adc-range", "full,calibrated",
                 "--calibration-samples", "16", "--format", "json")  # fmt: skip
    found = json.loads(ran.out)["rows"]
    assert [row["calibration_samples"] for row in found] == [None, 16]


def test_layers_are_checked_and_told_layer_by_layer(rnscli: Run, refusal: Refusal) -> None:
    Path("a.toml").write_text('[3]\ncore = "fixed-lp"\nadc-range = "full"\n', "utf-8")
    ran = rnscli(*ASKED, "--bits", 6, "--layers", "a.toml", "--per-layer")
    assert ran.code == 0 and "layers as of a.toml are on cores of their own" in ran.err
    ran = rnscli(*ASKED, "--bits", 6, "--layers", "a.toml", "--per-layer", "--format", "json")
    cores = {row["layer"]: (row["core"], row["bits"]) for row in json.loads(ran.out)["rows"]}
    assert cores == {"1": ("fixed-hp", 6), "3": ("fixed-lp", 6), "outputs": ("fixed-hp", 6)}
    Path("b.toml").write_text("[heax]\nbits = 4\n", "utf-8")
    assert "--layers names heax" in refusal(*ASKED, "--bits", 6, "--layers", "b.toml",
                                            "--per-layer")  # fmt: skip
