"""``rnscli accuracy`` and ``train``: metrics, tasks, and weights that one leaves for the other."""

import importlib
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_networks
import torch
from sklearn.metrics import r2_score

Run = Callable[..., Any]
Rows = Callable[..., list[dict[str, Any]]]
Refusal = Callable[..., str]

SOURCE = """
import torch
from torch import nn

class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.head = nn.Embedding(11, 6), nn.Linear(6, 11)

    def forward(self, tokens):
        return {"loss": None, "logits": self.head(self.table(tokens))}

def reader():
    torch.manual_seed(3)
    return Reader()

class Pointer(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.ends = nn.Embedding(11, 6), nn.Linear(6, 2)

    def forward(self, tokens):
        return self.ends(self.table(tokens))

def pointer():
    torch.manual_seed(3)
    return Pointer()

def values():
    torch.manual_seed(3)
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 2))

def explodes():
    class Explodes(nn.Linear):
        def forward(self, x):
            found = super().forward(x.flatten(1))
            return torch.where(x.flatten(1)[:, :1] > 1.0, found / 0, found)
    torch.manual_seed(3)
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 16), Explodes(16, 3))
"""
IMAGES = ("--data", "images.npz")
CNN = ("--model", tiny_networks.CNN, *IMAGES)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_mine: None) -> Path:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    (here / "mine.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(here)
    arrays = dict(np.load(tiny_networks.write_images(here / "images.npz", 150)))
    np.savez(here / "inputs.npz", x=arrays["x"])
    np.savez(here / "values.npz", x=arrays["x"], y=arrays["x"][:, 0, 0, :2])
    random = np.random.default_rng(2)
    np.savez(here / "text.npz", x=random.integers(0, 11, (40, 7)))
    return here


# Weights -----------------------------------------------------------------------------------------


def test_what_train_leaves_accuracy_takes(rows: Rows, folder: Path) -> None:
    """On its core, with its weights, a network is as accurate as after its training."""
    options = (*CNN, "--core", "rns", "--bits", "4,5")
    trained = rows("train", *options, "--epochs", 2, "--save", "w.pt")
    files = sorted(path.name for path in folder.glob("w*"))
    assert files == ["w-fp32-seed0.pt", "w-rns-bits4-seed0.pt", "w-rns-bits5-seed0.pt"]
    for row in trained:
        if row["core"] == "fp32":
            continue
        file = f"w-rns-bits{row['bits']}-seed0.pt"
        (found,) = rows("accuracy", *CNN, "--core", "rns", "--bits", row["bits"], "--weights", file)
        assert (found["accuracy"], found["weights"]) == (row["test_accuracy"], "given")
    fp32 = next(row["test_accuracy"] for row in trained if row["core"] == "fp32")
    (found,) = rows("accuracy", *CNN, "--core", "rns", "--weights", "w-fp32-seed0.pt")
    assert found["fp32_accuracy"] == fp32


def test_names_of_weights(rows: Rows, folder: Path) -> None:
    (folder / "kept").mkdir()
    rows(
        "train", *CNN, "--epochs", "1,2", "--seed", "0,3", "--core", "rns,fixed-lp", "--save",
        "kept/my w.bin",
    )  # fmt: skip
    names = {path.name for path in (folder / "kept").iterdir()}
    assert names == {
        f"my w-{core}-epochs{epochs}-seed{seed}.bin"
        for core in ("fp32", "rns", "fixed-lp")
        for epochs in (1, 2)
        for seed in (0, 3)
    }
    state = torch.load(folder / "kept" / "my w-rns-epochs1-seed3.bin", weights_only=True)
    assert set(state) == set(tiny_networks.cnn().state_dict())


def test_weights_that_nobody_gave(rnscli: Run, refusal: Refusal, rows: Rows) -> None:
    asked = ("accuracy", *CNN, "--core", "rns", "--samples", 8)
    ran = rnscli(*asked)
    assert ran.code == 0
    assert f"WARNING: --model {tiny_networks.CNN} comes with weights that are drawn" in ran.err
    assert "drawn" in ran.out
    (row,) = json.loads(rnscli(*asked, "--format", "json").out)["rows"]
    assert row["weights"] == "drawn"
    assert "drawn at random" in refusal(*asked, "--strict")
    ready = ("--model", tiny_networks.READY, *IMAGES, "--core", "rns", "--samples", 8, "--strict")
    assert rows("accuracy", *ready)[0]["weights"] == "own"


# Metrics -----------------------------------------------------------------------------------------


def test_a_language_model(rows: Rows, folder: Path) -> None:
    """Perplexity is the exponential of the mean cross-entropy of the tokens that follow."""
    asked = ("--model", "mine:reader", "--data", "text.npz", "--core", "rns")
    found = rows("accuracy", *asked, "--metric", "perplexity,snr,accuracy")
    by_metric = {row["metric"]: row for row in found}
    tokens = torch.from_numpy(np.load(folder / "text.npz")["x"])
    with torch.no_grad():
        logits = importlib.import_module("mine").reader()(tokens)["logits"][:, :-1].double()
    loss = torch.nn.functional.cross_entropy(logits.transpose(1, 2), tokens[:, 1:])
    row = by_metric["perplexity"]
    assert row["fp32_value"] == pytest.approx(math.exp(loss), rel=1e-6)
    assert row["relative_value"] == pytest.approx(row["value"] / row["fp32_value"])
    assert row["relative_value_ci95"][0] < row["relative_value"] < row["relative_value_ci95"][1]
    assert (row["task"], row["better"], row["samples"]) == ("language", "smaller", 40)
    assert row["accuracy"] is row["relative_accuracy"] is None
    right = (logits.argmax(-1) == tokens[:, 1:]).double().mean()
    assert by_metric["accuracy"]["fp32_accuracy"] == pytest.approx(float(right))
    assert by_metric["snr"]["value"] > 30
    assert by_metric["snr"]["fp32_value"] is None


def test_values(rows: Rows, refusal: Refusal, rnscli: Run) -> None:
    asked = ("--model", "mine:values", "--data", "values.npz", "--core", "rns,fixed-lp")
    exact, coarse = rows("accuracy", *asked, "--metric", "mse", "--adc-range", "full")
    assert exact["task"] == "regression"
    assert exact["relative_value"] == pytest.approx(1, abs=0.05)
    assert coarse["value"] > exact["value"]
    usual = rows_of(rnscli("accuracy", *asked, "--adc-range", "full", "--format", "json"))
    assert [row["value"] for row in usual] == [exact["value"], coarse["value"]]
    assert "needs labels that are classes" in refusal("accuracy", *asked, "--metric", "f1")


def rows_of(ran: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(ran.out)["rows"]
    return found


@pytest.mark.parametrize("more", [(), ("--sigma", "0.1,0.2", "--redundant", 1, "--attempts", 2)])
def test_tables_of_several_metrics(rnscli: Run, more: tuple[Any, ...]) -> None:
    """Each value in the form of its metric, once, and no table wider than a page."""
    asked = ("accuracy", *CNN, "--core", "rns,fixed-lp", "--metric", "accuracy,snr,f1", *more)
    table = rnscli(*asked).out
    assert max(map(len, table.splitlines())) <= 100
    (titles,) = (line for line in table.splitlines() if line.lstrip().startswith("metric"))
    assert titles.split().count("FP32") <= 2 and titles.count("95 % interval") <= 2
    lines = [line.split() for line in table.splitlines() if line.startswith(("snr", "accuracy"))]
    assert {"dB" in line for line in lines if line[0] == "snr"} == {True}


def test_outputs_without_labels(rows: Rows, rnscli: Run) -> None:
    asked = ("--model", tiny_networks.READY, "--data", "inputs.npz", "--core", "rns")
    few, many = rows("accuracy", *asked, "--metric", "snr", "--bits", "4,8")
    assert few["task"] == "unlabelled"
    assert 15 < many["value"] - few["value"] < 33  # 6 dB for a bit, of inputs and of weights
    kept = ("accuracy", *asked, "--metric", "snr", "--bits", 6, "--require")
    assert rnscli(*kept, "value >= 10").code == 0
    assert rnscli(*kept, "value >= 90").code == 1


def test_a_core_that_loses_nothing(rows: Rows, folder: Path) -> None:
    """Its noise is zero: the ratio is infinite, and said so."""
    tiny_networks.write_signs(folder / "signs.npz")
    asked = ("--model", tiny_networks.SIGNS, "--data", "signs.npz", "--core", "rns")
    (row,) = rows("accuracy", *asked, "--metric", "snr")
    assert (row["value"], row["value_ci95"]) == ("inf", None)


@pytest.mark.parametrize("metric", ["f1", "snr", "perplexity"])
def test_the_same_bytes_in_blocks_and_stores(metric: str, rnscli: Run, folder: Path) -> None:
    of = ("mine:reader", "text.npz") if metric == "perplexity" else (tiny_networks.CNN, IMAGES[1])
    asked = ("accuracy", "--model", of[0], "--data", of[1], "--metric", metric, "--p", 1e-2)
    asked = (*asked, "--core", "rns", "--format", "json")
    one = json.loads(rnscli(*asked).out)["rows"]
    for _ in range(2):
        assert json.loads(rnscli(*asked, "--store", "runs.db").out)["rows"] == one


def test_a_sample_that_is_spoilt_in_fp32_names_the_layer(refusal: Refusal) -> None:
    told = refusal("accuracy", "--model", "mine:explodes", *IMAGES, "--core", "rns")
    assert "gives NaN or infinity in FP32" in told
    assert "the first layer that does is 2 (Explodes)" in told


@pytest.mark.parametrize(
    ("command", "options", "says"),
    [
        (
            "accuracy",
            (*CNN, "--metric", "mse"),
            "--metric is mse, which needs labels that",
        ),
        ("accuracy", (*CNN, "--metric", "top5"), "the network has 3 outputs"),
        ("accuracy", (*CNN, "--metric", "f2"), "f1"),
        ("accuracy", ("--model", "mine:reader", "--data", "values.npz"), "mine:reader"),
        ("accuracy", (*CNN, "--image-size", 8), "--image-size concerns folders of images"),
        ("accuracy", ("--model", tiny_networks.CNN, "--image-size", 8), "--image-size concerns"),
        ("accuracy", ("--hf", "nowhere/none"), "--model hf:nowhere/none"),
        ("accuracy", (*CNN, "--torchvision", "resnet18"), "both say which networks are meant"),
        ("train", (*CNN, "--hf", "nowhere/none"), "both say which networks are meant"),
        ("train", (*CNN, "--save", "w.pt", "--store", "runs.db"), "--save writes weights"),
        ("train", (*CNN, "--save", "nowhere/w.pt"), "nowhere does not exist"),
        ("train", ("--model", "mine:values", "--data", "inputs.npz"), "no samples to train with"),
    ],
)
def test_refusals(command: str, options: tuple[Any, ...], says: str, refusal: Refusal) -> None:
    assert says in refusal(command, *options)


def test_values_are_trained(rows: Rows, folder: Path) -> None:
    """FP32 against gradient descent in plain PyTorch, and R^2 against scikit-learn."""
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(90, 1, 4, 4)), rng.normal(size=(90, 2))
    y[:, 0] += x[:, 0, 0].sum(1)
    np.savez(folder / "both.npz", x=x[:40], y=y[:40], x_train=x[40:], y_train=y[40:])
    recipe: dict[str, Any] = {
        "--epochs": 3, "--batch-size": 25, "--optimiser": "sgd", "--learning-rate": 0.05,
        "--schedule": "constant", "--warm-up": 0, "--weight-decay": 0,
    }  # fmt: skip
    asked = ("train", "--model", "mine:values", "--data", "both.npz", "--bits", 6)
    fp32, rns = rows(*asked, *(one for pair in recipe.items() for one in pair))
    model = importlib.import_module("mine").values()
    order = torch.Generator().manual_seed(0)
    descent = torch.optim.SGD(model.parameters(), lr=0.05)
    inputs, labels = (torch.from_numpy(one.astype(np.float32)) for one in (x, y))
    for _ in range(3):
        for batch in torch.tensor_split(torch.randperm(50, generator=order), 2):
            descent.zero_grad()
            loss = torch.nn.functional.mse_loss(model(inputs[40:][batch]), labels[40:][batch])
            torch.autograd.backward(loss)
            descent.step()
    with torch.no_grad():
        given = model(inputs[:40])
    assert fp32["task"] == "regression" and fp32["test_accuracy"] is None
    assert fp32["test_loss"] == pytest.approx(float(((given - labels[:40]) ** 2).mean()), rel=1e-5)
    explained = r2_score(labels[:40], given, multioutput="variance_weighted")
    assert fp32["test_r2"] == pytest.approx(explained, rel=1e-5)
    assert rns["loss_difference"] == pytest.approx(rns["test_loss"] - fp32["test_loss"])
    assert 0 < abs(rns["loss_difference"]) < 0.05 * fp32["test_loss"]
    assert rns["accuracy_difference"] is rns["fp32_standard_error"] is None


def test_spans_are_trained(rows: Rows, folder: Path) -> None:
    """A span is right if both ends are, which is told by a loop from weights that are kept."""
    x = np.random.default_rng(6).integers(0, 11, (60, 5))
    y = np.stack([x.argmin(1), x.argmax(1)], 1)
    y[::4, 0] = -100
    np.savez(folder / "spans.npz", x=x[:30], y=y[:30], x_train=x[30:], y_train=y[30:])
    asked = ("--model", "mine:pointer", "--data", "spans.npz", "--epochs", 20, "--save", "w.pt")
    fp32, _ = rows("train", *asked, "--bits", 6, "--learning-rate", 0.1)
    model = importlib.import_module("mine").pointer()
    model.load_state_dict(torch.load("w-fp32-seed0.pt"))
    with torch.no_grad():
        answers = model(torch.from_numpy(x[:30])).argmax(1).numpy()
    right = [
        all(answer == label for answer, label in zip(one, asked, strict=True) if label != -100)
        for one, asked in zip(answers, y[:30], strict=True)
    ]
    assert fp32["test_accuracy"] == sum(right) / 30
    assert fp32["task"] == "spans" and 0 < sum(right) < 30


def test_technologies_of_one_training(rows: Rows, rnscli: Run) -> None:
    """A row for each that a core runs on; what is trained is the same."""
    asked = ("train", *CNN, "--epochs", 1, "--bits", 6, "--core", "rns,fixed-lp")
    found = rows(*asked, "--technology", "reram-analog,switched-capacitor")
    assert [(row["core"], row["technology"]) for row in found] == [
        ("fp32", "digital-logic"),
        ("rns", "photonic-phase"),
        ("fixed-lp", "reram-analog"),
        ("fixed-lp", "switched-capacitor"),
    ]
    assert found[2]["test_loss"] == found[3]["test_loss"]
    assert found[2]["energy_j"] != found[3]["energy_j"]
    parts = ("forward", "input_gradient", "weight_gradient", "update")
    for row in found:
        total = sum(row[f"{one}_energy_j"] for one in parts)
        assert row["energy_j"] == pytest.approx(total)
        assert row["energy_per_sample_j"] == pytest.approx(total / 50)
        # Only the crossbar's weights are known to change while it computes.
        assert (row["outer_product_energy_j"] is None) == (row["technology"] != "reram-analog")
    told = rnscli(*asked[:-1], "rns", "--bits", 7)
    assert "energy: rns on photonic-phase has none: the light of technology" in told.out


def test_tokens_are_trained(rows: Rows, folder: Path) -> None:
    """Labels that every network of tokens learns at once: the token itself."""
    x = np.random.default_rng(3).integers(0, 11, (60, 5))
    y = np.where(np.arange(5) == 2, -100, x)
    np.savez(folder / "same.npz", x=x[:20], y=y[:20], x_train=x[20:], y_train=y[20:])
    asked = ("--model", "mine:reader", "--data", "same.npz", "--epochs", 40, "--core", "rns")
    for row in rows("train", *asked, "--learning-rate", 0.05):
        assert row["test_accuracy"] > 0.95
