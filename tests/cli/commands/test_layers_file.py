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
        assert row["core"] == {"a.toml": "fixed-hp", "b.json": "mixed"}[name]


def test_a_remark_says_which(rnscli: Run) -> None:
    Path("a.toml").write_text("[1]\nbits = 4\n", "utf-8")
    ran = rnscli(*ASKED, "--bits", 6, "--layers", "a.toml")
    assert ran.code == 0
    assert ran.err == "rnscli: --layers a.toml has cores of their own for 1\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[9]\nbits = 4\n", "--layers names 9, which is no submodule"),
        ('["9*"]\nbits = 4\n', "--layers names 9*, which fits no submodule"),
        ("[1]\nbit = 4\n", "1 has the option bit; it must be one of core, bits"),
        ("[1]\nbits = 99\n", "1: bits '99' is not accepted"),
        ('[1]\nbits = "4,5"\n', "1: bits is 4,5; a layer has one value of it"),
        ('[1]\nmoduli = "2,4"\nbits = 4\n', "--layers a.toml: 1: "),
        ("[1]\n", "--layers a.toml: 1 has no options"),
        ("[1]\ninput-bits = 4\ninput_bits = 5\n", "1 has input_bits twice"),
        ("[a.b]\nbits = 4\n", 'a name with dots stands in quotes, as in ["block.0.head"]'),
        ('["*"]\nbits = 4\n[1]\nbits = 5\n', "--layers has 1 behind *, which fits all"),
        ('[1]\ncore = "fp64"\n', "1: core 'fp64' is not accepted"),
        ('[1]\ncore = "fp32"\nbits = 4\n', "1 stays in fp32, which has no bits"),
        ('[1]\ntechnology = "reram-analog"\ncore = "rns"\n', "the core rns does not run on"),
        ('["*"]\ncore = "fp32"\n', "has no products that a core could compute"),
        ("1 = 4\n", "1 must be a table of options"),
        ("", "must name layers"),
        ("[1\n", "is neither TOML nor JSON"),
    ],
)
def test_files_that_are_refused(refusal: Refusal, text: str, words: str) -> None:
    Path("a.toml").write_text(text, "utf-8")
    assert words in refusal(*ASKED, "--bits", 6, "--layers", "a.toml")


def test_files_that_say_something_twice(refusal: Refusal) -> None:
    assert "cannot be read" in refusal(*ASKED, "--bits", 6, "--layers", "none.toml")
    for text, words in (
        ('{"1": {"bits": 4}, "1": {"bits": 5}}', "--layers a.json has 1 twice; leave one out"),
        ('{"1": {"bits": 4, "bits": 5}}', "--layers a.json has bits twice"),
    ):
        Path("a.json").write_text(text, "utf-8")
        assert words in refusal(*ASKED, "--bits", 6, "--layers", "a.json")


def test_energies_are_those_of_the_core_of_each_layer(rnscli: Run) -> None:
    """Each layer as a workload of its own, by `workload_energy` alone."""
    from rnscli.analysis import EnergyParameters, workload_energy
    from rnscli.core import DotProduct, ModuliSet
    from rnscli.hardware import Gemm, Workload, load_technology

    def energy(core: str, bits: int, k: int, n: int, **more: Any) -> float:
        design = EnergyParameters(core=core, dot_product=DotProduct(128, bits, bits), bits=bits,
                                  **more)  # fmt: skip
        return workload_energy(design, Workload("one", (Gemm("layer", 1, k, n),)))[-1].energy_j

    asked = ("accuracy", "--model", "own:make", "--data", "own.npz", "--bits", 6, "--adc-range",
             "full", "--layers", "a.toml")  # fmt: skip
    Path("a.toml").write_text('[3]\ncore = "fixed-hp"\nbits = 5\n', "utf-8")
    ran = rnscli(*asked, "--core", "rns,fixed-lp", "--format", "json")
    of_rns, of_lp = json.loads(ran.out)["rows"]
    last = energy("fixed-hp", 5, 12, 3)
    first = energy("rns", 6, 16, 12, moduli=ModuliSet(tuple(of_rns["moduli"])))
    assert of_rns["energy_per_inference_j"] == pytest.approx(first + last, rel=1e-9)
    assert of_lp["energy_per_inference_j"] == pytest.approx(
        energy("fixed-lp", 6, 16, 12) + last, rel=1e-9
    )
    assert of_lp["technology"] == "reram-analog" != of_rns["technology"]
    assert "reram-analog" in of_rns["technology"].split(", ")
    # A layer has a technology of its own.
    layer = '[3]\ncore = "fixed-hp"\ntechnology = "switched-capacitor"\n'
    Path("a.toml").write_text(layer, "utf-8")
    (row,) = json.loads(rnscli(*asked, "--core", "rns", "--format", "json").out)["rows"]
    sram = energy("fixed-hp", 6, 12, 3, technology=load_technology("switched-capacitor"))
    assert row["energy_per_inference_j"] == pytest.approx(first + sram, rel=1e-9)


def test_a_layer_stays_in_fp32(rnscli: Run) -> None:
    from rnscli import analog_core

    Path("a.toml").write_text('[3]\ncore = "fp32"\n', "utf-8")
    coarse = analog_core("rns", bits=4, vector_size=128)
    asked = ("accuracy", "--model", "own:make", "--data", "own.npz", "--core", "rns", "--bits", 4,
             "--layers", "a.toml", "--strict")  # fmt: skip
    ran = rnscli(*asked, "--format", "json")
    (row,) = json.loads(ran.out)["rows"]
    assert row["accuracy"] == pytest.approx(expected({"1": coarse}), abs=1e-12)
    assert (row["digital"], row["macs"]) == ("3 (Linear)", 16 * 12)
    assert ran.err == "rnscli: --layers a.toml leaves 3 in FP32\n"  # and no second sentence
    ran = rnscli(*asked, "--per-layer", "--format", "json")
    assert [row["layer"] for row in json.loads(ran.out)["rows"]] == ["1", "outputs"]


def test_attempts_and_errors_are_those_of_each_core(rnscli: Run) -> None:
    """Where a file has the core of the command line for a layer, nothing is another number."""
    asked = ("accuracy", "--model", "own:make", "--data", "own.npz", "--core", "rns", "--bits", 4,
             "--p", "0.02", "--redundant", 1, "--attempts", 2, "--format", "json")  # fmt: skip
    Path("a.toml").write_text("[3]\nbits = 4\n", "utf-8")
    (one,) = json.loads(rnscli(*asked).out)["rows"]
    (split,) = json.loads(rnscli(*asked, "--layers", "a.toml").out)["rows"]
    different = {key for key in one if one[key] != split[key]}
    assert different <= {"energy_per_inference_j", "energy_j"}  # of passes that are repeated
    assert split["energy_j"] == pytest.approx(one["energy_j"], rel=0.05)
    Path("a.toml").write_text('["*"]\ncore = "rns"\n', "utf-8")
    ran = rnscli(*asked, "--layers", "a.toml")
    assert json.loads(ran.out)["rows"] == [one]


def test_a_core_that_computes_nothing_is_told(rnscli: Run) -> None:
    Path("a.toml").write_text('["*"]\ncore = "rns"\nbits = 4\n', "utf-8")
    ran = rnscli(*ASKED, "--bits", 6, "--layers", "a.toml", "--format", "json")
    (row,) = json.loads(ran.out)["rows"]
    assert (row["core"], row["bits"]) == ("rns", 4)
    assert "--core fixed-hp computes nothing of own:make" in ran.err


def test_a_layer_without_a_price_is_told(rnscli: Run) -> None:
    Path("a.toml").write_text('[3]\ncore = "rns"\nbits = 16\nvector-size = 16\n', "utf-8")
    ran = rnscli(*ASKED, "--bits", 6, "--layers", "a.toml", "--format", "json")
    (row,) = json.loads(ran.out)["rows"]
    assert row["energy_j"] is None and row["unpriced"].startswith("3 on rns: ")
    assert "`" not in row["unpriced"]
    assert "own:make has no energy" in ran.err


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
    assert ran.code == 0 and "--layers a.toml has cores of their own for 3" in ran.err
    ran = rnscli(*ASKED, "--bits", 6, "--layers", "a.toml", "--per-layer", "--format", "json")
    cores = {row["layer"]: (row["core"], row["bits"]) for row in json.loads(ran.out)["rows"]}
    assert cores == {"1": ("fixed-hp", 6), "3": ("fixed-lp", 6), "outputs": ("fixed-hp", 6)}
    Path("b.toml").write_text("[heax]\nbits = 4\n", "utf-8")
    assert "--layers names heax" in refusal(*ASKED, "--bits", 6, "--layers", "b.toml",
                                            "--per-layer")  # fmt: skip
