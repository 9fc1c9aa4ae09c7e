"""``rnscli accuracy --per-layer``: its rows, its table, its remarks, and what it needs not."""

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_networks

Run = Callable[..., Any]
Refusal = Callable[..., str]

SOURCE = """
import torch
from torch import nn

def deep():
    torch.manual_seed(0)
    layers = [nn.Sequential(nn.Linear(16, 16), nn.ReLU()) for _ in range(49)]
    return nn.Sequential(nn.Flatten(), *layers, nn.Linear(16, 3))

def zero():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.Linear(8, 3))
    with torch.no_grad():
        model[1].weight.zero_()
        model[1].bias.zero_()
    return model
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_mine: None) -> Path:
    """The current directory, with networks of a user and data without labels."""
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(SOURCE)
    arrays = np.load(tiny_networks.write_images(tmp_path / "images.npz"))
    np.savez("only_x.npz", x=arrays["x"][:40], x_train=arrays["x_train"])
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("mine")
    return tmp_path


def test_a_row_for_each_layer_and_core_without_labels(rnscli: Run) -> None:
    asked = ("--model", tiny_networks.READY, "--data", "only_x.npz", "--core", "rns,fixed-lp")
    ran = rnscli("accuracy", "--per-layer", *asked, "--bits", "4,8", "--format", "json")
    assert ran.err == ""
    rows = json.loads(ran.out)["rows"]
    # Of fixed-lp with the full range and a calibrated one; those of a layer stand together.
    assert [row["layer"] for row in rows[::6]] == [
        "convolution", "TinyCnn", "TinyCnn[2]", "linear", "outputs"
    ]  # fmt: skip
    assert len(rows) == 5 * 6
    for start in range(0, 30, 6):
        of_layer = rows[start : start + 6]
        assert len({row["layer"] for row in of_layer}) == 1
        assert [(row["bits"], row["core"], row["adc_range"]) for row in of_layer[:3]] == [
            (4, "rns", None), (4, "fixed-lp", "full"), (4, "fixed-lp", "calibrated")
        ]  # fmt: skip
        rns = [row["snr_accumulated_db"] for row in of_layer if row["core"] == "rns"]
        assert rns[1] - rns[0] == pytest.approx(4 * 6.02, abs=6)  # a bit is worth 6 dB
    assert [row["top_class"] for row in rows[:24]] == [None] * 24
    assert all(0 <= row["top_class_ci95"][0] <= row["top_class"] for row in rows[24:])


def test_fifty_layers_fit_a_hundred_columns(rnscli: Run) -> None:
    asked = ("--model", "mine:deep", "--data", "only_x.npz", "--core", "rns", "--bits", "6,8")
    ran = rnscli("accuracy", "--per-layer", *asked)
    lines = ran.out.splitlines()
    assert max(map(len, lines)) <= 100
    start = next(n for n, line in enumerate(lines) if set(line) == {"-", " "})
    assert "in place" in lines[start - 1] and "accumulated" in lines[start - 1]
    assert len(lines[start + 1 :]) >= 2 * 51
    assert lines[start + 1].startswith("1.0") and " dB" in lines[start + 1]


def test_it_says_what_is_zero_and_takes_requirements(rnscli: Run) -> None:
    asked = ("--model", "mine:zero", "--data", "only_x.npz", "--core", "rns")
    ran = rnscli("accuracy", "--per-layer", *asked, "--require", "snr_accumulated_db >= 200")
    assert ran.code == 1
    assert "1 of mine:zero gives nothing but zeros in FP32, so that it has no SNR" in ran.err
    ran = rnscli("accuracy", "--per-layer", *asked, "--format", "json")
    rows = json.loads(ran.out)["rows"]
    assert [row["is_zero"] for row in rows] == [True, False, False]
    assert rows[0]["snr_in_place_db"] is None


def test_without_labels_the_outputs_are_compared(rnscli: Run, refusal: Refusal) -> None:
    asked = ("accuracy", "--model", "mine:deep", "--data", "only_x.npz", "--core", "rns")
    ran = rnscli(*asked)
    assert ran.code == 0 and " dB" in ran.out
    assert "judged by snr, the first metric of its task, unlabelled" in ran.err
    assert "needs labels that are classes" in refusal(*asked, "--metric", "accuracy")


def test_requirements_are_about_some_rows(rnscli: Run) -> None:
    asked = ("accuracy", "--model", "mine:deep", "--data", "only_x.npz", "--core", "rns",
             "--per-layer", "--require")  # fmt: skip
    assert rnscli(*asked, "top_class >= 0.1 where layer == outputs").code == 0
    ran = rnscli(*asked, "top_class >= 0.1")
    assert ran.code == 1 and "rows are left out by a condition behind it" in ran.err
    assert "column layr does not exist; did you mean layer?" in (
        rnscli(*asked, "top_class >= 0.1 where layr == outputs").err
    )


def test_labels_that_do_not_fit_do_not_matter(rnscli: Run, refusal: Refusal) -> None:
    """Of more classes than the network has; without labels the rows are the same."""
    x = np.load("only_x.npz")["x"]
    np.savez("others.npz", x=x, y=np.arange(len(x)))
    asked = ("accuracy", "--model", "mine:deep", "--core", "rns", "--format", "json", "--data")
    assert "has a label of 39" in refusal(*asked, "others.npz")
    found = [rnscli(*asked, data, "--per-layer") for data in ("others.npz", "only_x.npz")]
    rows = [json.loads(one.out)["rows"] for one in found]
    assert rows[0] == rows[1]
    assert {row["weights"] for row in rows[0]} == {"own"}
