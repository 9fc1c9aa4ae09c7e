"""``rnscli accuracy`` and ``train``: networks of a user, what is refused, killed and resumed."""

import importlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_networks
import torch
from plans import contents, rnscli_process

Run = Callable[..., Any]
Rows = Callable[..., list[dict[str, Any]]]
Refusal = Callable[..., str]

SOURCE = """
import torch
from torch import nn

def make():
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 24), nn.ReLU(), nn.Linear(24, 3))

def other():
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 3))

def nan():
    model = make()
    with torch.no_grad():
        model[1].weight[0, 0] = float("nan")
    return model

def frozen():
    return make().requires_grad_(False)

def ready():
    torch.manual_seed(7)  # weights of its own
    return make()

def digital():
    torch.manual_seed(7)
    return nn.Sequential(nn.Flatten(), Distances(), nn.Linear(4, 3))

class Distances(nn.Module):
    def __init__(self):
        super().__init__()
        self.centres = nn.Parameter(torch.randn(4, 16))

    def forward(self, x):
        return torch.cdist(x, self.centres)
"""
SOURCE += """
class NotCopied(nn.Sequential):
    def forward(self, x):
        self.kept = super().forward(x)
        return self.kept * torch.ones(1, requires_grad=True)

def old():
    nn.utils.weight_norm(linear := nn.Linear(16, 3))
    return NotCopied(nn.Flatten(), linear)

class Fails(nn.Linear):
    def forward(self, x):
        if len(x) > 2:
            raise KeyError("three")
        return super().forward(x.flatten(1))

def fails():
    return Fails(16, 3)

def tokens():
    return nn.Sequential(nn.Embedding(9, 4), nn.Flatten(), nn.Linear(20, 3))
"""
MINE = ("--model", "mine:make", "--data", "images.npz")
READY = ("--model", "mine:ready", *MINE[2:])
each_command = pytest.mark.parametrize("command", ["accuracy", "train"])


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_mine: None) -> Path:
    """The current directory, with a module, data and weights of a user."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    (here / "mine.py").write_text(SOURCE)
    arrays = dict(np.load(tiny_networks.write_images(here / "images.npz")))
    np.savez(here / "nan.npz", **(arrays | {"x": np.where(arrays["x"] > 2, np.nan, arrays["x"])}))
    np.savez(here / "only_test.npz", x=arrays["x"], y=arrays["y"])
    np.savez(here / "wide.npz", x=np.ones((5, 7)), y=np.zeros(5, int))
    np.savez(here / "classes.npz", **(arrays | {"y": arrays["y"] + 1}))
    (here / "empty.npz").write_bytes(b"")
    (here / "empty.pt").write_bytes(b"")
    monkeypatch.syspath_prepend(here)
    mine = importlib.import_module("mine")
    torch.manual_seed(5)
    torch.save(mine.make().state_dict(), here / "mine.pt")
    torch.save(mine.nan().state_dict(), here / "nan.pt")
    return here


def stdout_of(*arguments: object) -> bytes:
    """Of a process of its own, which must succeed."""
    ran = subprocess.run(
        [sys.executable, "-m", "rnscli", *map(str, arguments)], capture_output=True, timeout=120
    )
    assert (ran.returncode, ran.stderr) == (0, b"")
    return ran.stdout


# Of a user ---------------------------------------------------------------------------------------


@pytest.mark.thorough
@each_command
def test_network_data_and_weights_of_a_user_in_worker_processes(command: str, rnscli: Run) -> None:
    """Workers, too, find the module in the current directory."""
    more = ("--epochs", 2) if command == "train" else ("--core", "rns,fixed-lp,bit-sliced")
    asked = (command, *MINE, "--weights", "mine.pt", *more, "--p", 1e-3, "--format", "json")
    one = rnscli(*asked)
    assert one.code == 0
    assert stdout_of(*asked, "--jobs", 2) == one.out.encode()
    assert json.loads(one.out)["parameters"]["weights"] == "mine.pt"


def test_weights_decide(rows: Rows) -> None:
    drawn = rows("accuracy", *READY, "--bits", 12)
    given = rows("accuracy", *READY, "--bits", 12, "--weights", "mine.pt")
    assert drawn[0]["fp32_accuracy"] != given[0]["fp32_accuracy"]


def test_energy_is_that_of_the_technology(rows: Rows, rnscli: Run, folder: Path) -> None:
    """Each core on its own, or on one that is named; light for so many bits there may be none."""
    (folder / "net.csv").write_text("layer,M,K,N\na,1,16,24\nb,1,24,3\n")
    asked = ("accuracy", *READY, "--core", "rns,fixed-lp", "--adc-range", "full")
    six, nine = rows(*asked, "--bits", 6), rows(*asked, "--bits", 9)
    homes = ["photonic-phase", "reram-analog"]
    for found in (six, nine):
        assert [row["technology"] for row in found] == homes
    priced = rnscli(
        "energy", "--bits", 6, "--core", "rns,fixed-lp", "--workload", "net.csv", "--format", "json"
    )
    total = [row for row in json.loads(priced.out)["rows"] if row["layer"] == "total"]
    for row, layer in zip(six, total, strict=True):
        assert row["energy_per_inference_j"] == layer["energy_j"] > 0
        assert row["energy_j"] == row["samples"] * row["energy_per_inference_j"]
        assert row["extrapolated"] is layer["extrapolated"] is False
    # What light cannot read has no price, which would flatter it; its accuracy is known.
    assert nine[0]["energy_per_inference_j"] is nine[0]["energy_j"] is None
    assert nine[0]["accuracy"] >= 0 and not nine[0]["extrapolated"]
    assert nine[1]["energy_j"] > six[1]["energy_j"] and nine[1]["extrapolated"]
    both = "photonic-phase,switched-capacitor"
    named = rows(*asked, "--bits", 6, "--technology", both)
    assert [(row["core"], row["technology"]) for row in named] == [
        ("rns", "photonic-phase"),
        ("fixed-lp", "switched-capacitor"),
    ]
    assert named[0]["energy_j"] == six[0]["energy_j"]
    assert named[1]["energy_j"] != six[1]["energy_j"]


def test_scales_are_swept_and_are_those_of_the_bill(rows: Rows, folder: Path) -> None:
    (folder / "net.csv").write_text("layer,M,K,N\na,1,16,24\nb,1,24,3\n")
    cores = ("--core", "rns,fixed-lp", "--bits", 6, "--adc-range", "full")
    found = rows("accuracy", *READY, *cores, "--scales", "fp32,power-of-two")
    assert [(row["scales"], row["core"]) for row in found] == [
        (scales, core) for scales in ("fp32", "power-of-two") for core in ("rns", "fixed-lp")
    ]
    for row in found:
        bill = ("energy", "--core", row["core"], "--bits", 6, "--scales", row["scales"])
        total = rows(*bill, "--workload", "net.csv")[-1]
        assert (total["layer"], total["scales"]) == ("total", row["scales"])
        assert row["energy_per_inference_j"] == total["energy_j"]
    for fp32, shifts in zip(found[:2], found[2:], strict=True):
        assert shifts["energy_j"] < fp32["energy_j"] and shifts["macs"] == fp32["macs"]
    # The default, but for what rows say of those that they are compared with.
    for row, alone in zip(found[:2], rows("accuracy", *READY, *cores), strict=True):
        assert {**row, **{key: alone[key] for key in row if "_at_accuracy_" in key}} == alone
    # Coarser steps make smaller numbers, of which an ADC of few bits loses more.
    asked = ("accuracy", *READY, "--core", "fixed-lp", "--bits", "4..8", "--adc-range", "full",
             "--scales")  # fmt: skip
    fp32, shifts = (rows(*asked, scales) for scales in ("fp32", "power-of-two"))
    assert [row["accuracy"] for row in fp32] != [row["accuracy"] for row in shifts]


def test_energies_at_an_accuracy_are_in_the_table_where_they_are_asked_for(
    rnscli: Run, refusal: Refusal
) -> None:
    asked = ("accuracy", *READY, "--core", "rns,fixed-lp", "--bits", "4,6,8")
    without, ran = (rnscli(*asked, *more).out for more in ((), ("--at-accuracy", 0.9)))
    assert "  energy at accuracy   to rns" in ran
    assert "  energy at accuracy   to rns" not in without
    assert max(map(len, ran.splitlines())) <= 100
    sentence = refusal(*asked, "--at-accuracy", 0.9, "--per-layer")
    assert "--at-accuracy 0.9" in sentence and "--per-layer" in sentence


def test_trainings_with_scales_that_are_powers_of_two(rows: Rows) -> None:
    found = rows(*MINE_TRAINING, "--bits", 5, "--scales", "fp32,power-of-two")
    assert [(row["core"], row["scales"]) for row in found] == [
        ("fp32", None), ("rns", "fp32"), ("rns", "power-of-two")
    ]  # fmt: skip
    losses = [row["train_loss"] for row in found]
    assert len(set(losses)) == 3  # one of the seed each, and another rounding
    curves = rows(*MINE_TRAINING, "--bits", 5, "--scales", "power-of-two", "--curves")
    assert [(row["core"], row["scales"]) for row in curves] == [
        ("fp32", None), ("rns", "power-of-two")
    ]  # fmt: skip
    assert [row["train_loss"] for row in curves] == [losses[0], losses[2]]


def test_scales_in_a_plan(rnscli: Run, folder: Path) -> None:
    (folder / "plan.toml").write_text(
        "[defaults]\nscales = ['fp32', 'power-of-two']\nbits = 6\n"
        "[run.priced]\ncommand = 'energy'\ncore = 'rns'\n"
        "[run.tested]\ncommand = 'accuracy'\nmodel = 'mine:ready'\ndata = 'images.npz'\n"
        "samples = 20\ncore = 'rns'\n"
    )
    ran = rnscli("batch", "plan.toml", "--output", "out")
    assert ran.code == 0, ran.err
    for name in ("priced", "tested"):
        document = json.loads((folder / "out" / f"{name}.json").read_text())
        assert [row["scales"] for row in document["rows"]] == ["fp32", "power-of-two"]
    text = (folder / "plan.toml").read_text().replace("'fp32', 'power", "'none', 'power")
    (folder / "plan.toml").write_text(text)
    ran = rnscli("batch", "plan.toml", "--output", "again")
    assert ran.code == 2
    assert "none" in ran.err and "fp32, power-of-two" in ran.err and "tested" in ran.err


def test_weights_of_a_shipped_network(rows: Rows, folder: Path) -> None:
    from rnscli.networks.models.cnn import make

    torch.save(make(9).state_dict(), folder / "cnn.pt")
    (row,) = rows("accuracy", "--model", "digits-cnn", "--weights", "cnn.pt", "--samples", 30,
                  "--core", "fixed-hp", "--bits", 12)  # fmt: skip
    assert row["fp32_accuracy"] < 0.5  # it is not trained


def test_digital_products_are_a_remark_or_refused(rnscli: Run, refusal: Refusal) -> None:
    asked = ("accuracy", "--model", "mine:digital", "--data", "images.npz", "--samples", 20)
    ran = rnscli(*asked)
    said = "rnscli: mine:digital has products that stay digital: 1: cdist\n"
    assert (ran.code, ran.err) == (0, said)
    sentence = refusal(*asked, "--strict")
    assert "--model mine:digital" in sentence and "--strict" in sentence and "cdist" in sentence


def test_a_row_for_each_seed_core_and_number_of_samples(rows: Rows) -> None:
    found = rows("accuracy", *READY, "--p", 0.01, "--seed", "0,1", "--samples", "20,30")
    assert [(row["samples"], row["seed"], row["core"], row["adc_range"]) for row in found] == [
        (samples, seed, core, adc_range)
        for samples in (20, 30)
        for seed in (0, 1)
        for core, adc_range in (("rns", None), ("fixed-lp", "full"), ("fixed-lp", "calibrated"))
    ]


def test_what_does_not_concern_a_core_makes_no_rows(rnscli: Run) -> None:
    asked = ("--redundant", "0..2", "--attempts", "1,2", "--samples", 20, "--format", "json")
    ran = rnscli("accuracy", *READY, *asked)
    assert ran.code == 0 and "--attempts changes nothing without --p" in ran.err
    found = json.loads(ran.out)["rows"]
    # Without noise there are no attempts, and redundancy is of residues.
    assert [(row["core"], row["redundant"]) for row in found] == [
        ("rns", 0), ("fixed-lp", None), ("rns", 0), ("fixed-lp", None),
        ("rns", 1), ("rns", 1), ("rns", 2), ("rns", 2),
    ]  # fmt: skip


def test_rows_and_curves_of_a_training(rows: Rows) -> None:
    asked = ("train", *MINE, "--bits", "5,6", "--epochs", 2, "--seed", "0,1,1")
    found = rows(*asked)
    assert [(row["core"], row["bits"], row["seeds"]) for row in found] == [
        ("fp32", None, 2), ("rns", 5, 2), ("rns", 6, 2)
    ]  # fmt: skip
    curves = rows(*asked, "--curves")
    assert [(row["core"], row["bits"], row["seed"], row["epoch"]) for row in curves] == [
        (core, bits, seed, epoch)
        for core, bits in (("fp32", None), ("rns", 5), ("rns", 6))
        for seed in (0, 1)
        for epoch in (1, 2)
    ]
    for row in found:
        last = [one for one in curves if (one["bits"], one["epoch"]) == (row["bits"], 2)]
        for key in ("train_loss", "test_loss", "test_accuracy"):
            assert row[key] == pytest.approx(sum(one[key] for one in last) / 2)
    assert [row["seeds"] for row in rows(*MINE_TRAINING)] == [1, 1]


MINE_TRAINING = ("train", *MINE, "--epochs", 1)


def test_requirements_on_differences_hold_in_the_row_of_fp32(rnscli: Run) -> None:
    asked = ("train", *MINE, "--bits", 12, "--epochs", 1, "--seed", "0,1")
    ran = rnscli(*asked, "--require", "accuracy_difference >= -0.2")
    assert ran.code == 0
    ran = rnscli(*asked, "--require", "accuracy_difference > 1")
    assert ran.code == 1 and ran.err.count("\n") == 2


def test_tables_fit_and_say_what_matters(rnscli: Run) -> None:
    noisy = ("--p", 1e-3, "--redundant", "1,2", "--attempts", 3)
    for arguments, titles in (
        (("accuracy", *READY), "core accuracy over_FP32 energy_each"),
        (("accuracy", *READY, *noisy), "core k accuracy over_FP32 error_rate mean_R energy_each"),
        (("accuracy", *READY, "--bits", "5..8", *noisy, "--seed", "0,1"), "seed bits over_FP32"),
        (MINE_TRAINING, "core training_loss test_loss accuracy to_FP32"),
        ((*MINE_TRAINING, *noisy, "--seed", "0,1"), "core k R accuracy to_FP32 within_it"),
        ((*MINE_TRAINING, "--curves", "--bits", "4,5"), "bits core epoch training_loss accuracy"),
    ):
        ran = rnscli(*arguments)
        assert (ran.code, ran.err) == (0, "")
        assert max(map(len, ran.out.splitlines())) <= 100
        for title in titles.split():
            assert title.replace("_", " ") in ran.out, arguments


# Refused -----------------------------------------------------------------------------------------


@each_command
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--model mine:ready", "--model mine:ready --data digits (2, 1, 8, 8)"),
        (
            "--model digits-cnn --data images.npz",
            "--model digits-cnn --data images.npz (2, 1, 4, 4)",
        ),
        ("--model mine:ready --data wide.npz", "wide.npz"),
        ("--model mine:ready --data nan.npz", "--data nan.npz NaN finite"),
        ("--model mine:ready --data classes.npz", "label 3 mine:ready outputs"),
        ("--model mine:ready --data empty.npz", "--data empty.npz arrays"),
        ("--model mine:ready --data .", "--data directory .npz"),
        ("--model mine:ready --data none.npz", "--data none.npz exist"),
        ("--model mine:nan --data images.npz", "--model mine:nan NaN finite"),
        ("--model mine:nothing --data images.npz", "--model mine.py nothing"),
        ("--model nowhere:make --data images.npz", "--model nowhere module"),
        ("--weights nan.pt", "--weights nan.pt 1.weight NaN"),
        ("--weights empty.pt", "--weights empty.pt state_dict"),
        ("--weights .", "--weights directory"),
        ("--weights images.npz", "--weights images.npz state_dict"),
        ("--weights none.pt", "--weights none.pt exist"),
        (
            "--model mine:other --data images.npz --weights mine.pt",
            "--weights mine.pt another model",
        ),
        (
            "--model mine:ready,mine:other --data images.npz --weights mine.pt",
            "--weights --model 2",
        ),
        ("--p 1e-3 --sigma 0.1", "--p --sigma"),
        ("--moduli 63,62,61", "63,62,61 238266 246017"),
        ("--moduli 63,62,60,61", "63 60 coprime"),
        ("--bits 4 --redundant 2 --core rns", "15 12545 5"),
        ("--core digital-int8", "--core rns"),
        ("--vector-size 128 --bits 24 --core fixed-hp", "--vector-size 2^53 bits"),
        ("--granularity row", "--granularity vector"),
        ("--scales none", "--scales none fp32, power-of-two"),
        ("--require moduli<=3", "--require moduli"),
        ("--plot loss.bmp", "--plot bmp"),
        ("--jobs 2 --scheduler tcp://localhost:1", "--jobs --scheduler"),
        ("--store .", "store directory"),
    ],
)
def test_refusals(command: str, arguments: str, said: str, refusal: Refusal) -> None:
    words = arguments.split()
    if "--model" not in words:
        words += MINE
    sentence = refusal(command, *words)
    assert all(word in sentence for word in said.split()), sentence
    assert len(sentence) < 400


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("accuracy --samples 301", "--samples 301 images.npz 300"),
        ("accuracy --samples 0", "--samples"),
        ("accuracy --technology digital-logic", "--core rns --technology digital-logic"),
        ("accuracy --technology reram-analog", "--core rns reram-analog photonic-phase"),
        ("accuracy --core fixed-lp --technology photonic-phase", "--core fixed-lp reram-analog"),
        ("accuracy --technology none.toml", "--technology none.toml"),
        ("accuracy --technology photonic-phase,nonsense", "--technology nonsense"),
        ("train --epochs 0", "--epochs 1"),
        ("train --learning-rate 0", "--learning-rate above"),
        ("train --batch-size 0", "--batch-size"),
        ("train --checkpoint mine.py", "--checkpoint mine.py file"),
        ("train --checkpoint mine.py/folder", "--checkpoint mine.py/folder"),
        ("train --curves --require accuracy_difference>=0", "--require accuracy_difference"),
        ("train --bits 4..31 --core rns,fixed-hp --plot loss.png", "--plot lines 32"),
        ("accuracy --redundant 0..5 --attempts 1..6 --p 1e-3..1e-1:6 --core rns --bits 8 "
         "--plot a.png", "--plot lines 32"),
    ],
)  # fmt: skip
def test_refusals_of_one(arguments: str, said: str, refusal: Refusal) -> None:
    sentence = refusal(*arguments.split(), *MINE)
    assert all(word in sentence for word in said.split()), sentence


def test_networks_that_cannot_be_trained(refusal: Refusal) -> None:
    sentence = refusal("train", "--model", "mine:frozen", "--data", "images.npz")
    assert "gradient" in sentence
    sentence = refusal("train", "--model", "mine:make", "--data", "only_test.npz")
    assert "--data only_test.npz" in sentence and "x_train" in sentence


@each_command
@pytest.mark.parametrize("missing", ["torch", "sklearn"])
def test_without_the_packages(
    command: str, missing: str, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    sentence = refusal(command, "--model", "digits-cnn", "--epochs" if command == "train" else
                       "--samples", 1)  # fmt: skip
    assert missing in sentence and "pip install 'rnscli[torch]'" in sentence


def test_own_data_need_no_scikit_learn(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    assert rows("accuracy", *READY, "--samples", 10)


def test_points_without_an_answer_leave_the_others(rnscli: Run) -> None:
    ran = rnscli("accuracy", *READY, "--bits", "3,6", "--core", "rns", "--format", "csv")
    assert ran.code == 2 and len(ran.out.splitlines()) == 2
    assert "bits 3" in ran.err and ran.err.count("\n") == 1


def test_a_training_that_diverges_leaves_the_others(rnscli: Run, refusal: Refusal) -> None:
    deep = ("train", "--model", "tiny_networks:deep", "--data", "images.npz", "--epochs", 1)
    ran = rnscli(*deep, "--p", "0,0.5", "--format", "csv")
    assert ran.code == 2 and len(ran.out.splitlines()) == 3
    assert "core rns, bits 7, seed 0: training has diverged in epoch 1 of 1" in ran.err
    assert "with a --learning-rate of 0.002; a smaller one may" in ran.err and "--x" not in ran.err
    ran = rnscli(*deep, "--p", "0.5", "--curves", "--format", "csv")
    assert ran.code == 2 and len(ran.out.splitlines()) == 2  # that of FP32


# Killed and resumed ------------------------------------------------------------------------------


@pytest.mark.thorough
def test_a_killed_training_goes_on_from_its_checkpoints(folder: Path, rnscli: Run) -> None:
    asked = ("train", *MINE, "--epochs", 20, "--batch-size", 10, "--p", 1e-3, "--redundant", 1,
             "--checkpoint", "kept", "--format", "json")  # fmt: skip
    whole = rnscli(*asked)
    assert whole.code == 0
    (folder / "kept").rename(folder / "whole")

    def kept() -> int:
        """What grows whenever a checkpoint is replaced."""
        return sum(path.stat().st_mtime_ns for path in (folder / "kept").glob("[!.]*.pt"))

    moments, killed = random.Random(5), 0
    for number in range(2):
        before = kept()
        process = rnscli_process(*asked, "--jobs", 1 + number % 2)
        while process.poll() is None and kept() <= before:
            time.sleep(0.002)
        time.sleep(0.05 * moments.random())
        killed += process.poll() is None
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert killed == 2, "it was so fast that it could not be killed"
    assert rnscli(*asked).out == whole.out
    names = {path.name for path in (folder / "kept").iterdir() if not path.name.startswith(".")}
    assert names == {path.name for path in (folder / "whole").iterdir()}


@pytest.mark.thorough
def test_a_killed_test_goes_on_from_its_store(folder: Path, rnscli: Run) -> None:
    asked = ("accuracy", *MINE, "--p", "1e-4..1e-1:8", "--redundant", "0,1", "--format", "json")
    whole = rnscli(*asked)

    def recorded() -> int:
        path = folder / "runs.db-wal"
        return path.stat().st_size if path.exists() else 0

    stored = (*asked, "--store", "runs.db")
    process = rnscli_process(*stored)
    while process.poll() is None and recorded() < 20_000:
        time.sleep(0.002)
    assert process.poll() is None, "it was so fast that it could not be killed"
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert rnscli(*stored) == whole


# In a plan ---------------------------------------------------------------------------------------

PLAN = """
[defaults]
model = "mine:make"
data = "images.npz"
[run.table]
command = "moduli"
bits = 6
redundant = 1
[run.tested]
command = "accuracy"
moduli = "@table.moduli"
p = [1e-4, 1e-2]
require = "samples >= 300"
plot = "svg"
[run.trained]
command = "train"
bits = 7
epochs = 1
seed = [0, 1]
require = ["accuracy_difference >= -0.5", "test_accuracy > 2"]
plot = "svg"
[run.curves]
command = "train"
moduli = "@tested.moduli"
epochs = 2
curves = true
"""


@pytest.mark.thorough
def test_in_a_plan_the_same_for_any_number_of_processes(rnscli: Run, folder: Path) -> None:
    (folder / "plan.toml").write_text(PLAN)
    found = []
    for jobs in (1, 2):
        output = folder / f"results-{jobs}"
        ran = rnscli("batch", "plan.toml", "--output", output, "--jobs", jobs)
        assert ran.code == 1 and "test_accuracy > 2" in ran.err
        found.append(contents(output))
    assert found[0] == found[1]
    assert {"tested.json", "tested.svg", "trained.csv", "curves.json"} <= set(found[0])


def test_models_that_cannot_be_copied(rnscli: Run) -> None:
    tested = rnscli("accuracy", "--model", "mine:old", "--data", "images.npz", "--core", "rns")
    assert tested.code == 0, tested.err


@each_command
def test_an_error_of_a_model_is_a_sentence_with_its_place(command: str, refusal: Refusal) -> None:
    told = refusal(command, "--model", "mine:fails", "--data", "images.npz")
    line = SOURCE.splitlines().index('            raise KeyError("three")') + 1
    assert told.rstrip().endswith(f"KeyError: 'three' (mine.py:{line})")
    assert "--model mine:fails cannot be" in told


def test_a_traceback_on_request(rnscli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNSCLI_TRACEBACK", "1")
    ran = rnscli("accuracy", "--model", "mine:fails", "--data", "images.npz")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("Traceback") and "KeyError: 'three'" in ran.err
    assert ran.err.splitlines()[-1].startswith("rnscli: --model mine:fails cannot be")


@each_command
def test_tokens(command: str, rnscli: Run, folder: Path) -> None:
    x, y = np.arange(30).reshape(6, 5) % 9, np.arange(6) % 3
    np.savez(folder / "tokens.npz", x=x, y=y, x_train=x, y_train=y)
    more = ("--epochs", "1") if command == "train" else ()
    ran = rnscli(command, "--model", "mine:tokens", "--data", "tokens.npz", "--core", "rns", *more)
    assert ran.code == 0, ran.err


def test_weights_that_nobody_trained_are_a_remark(rnscli: Run) -> None:
    arguments = ("accuracy", *MINE, "--core", "rns", "--samples", "4")
    assert "drawn at random" in rnscli(*arguments).err
    assert "drawn at random" not in rnscli(*arguments, "--weights", "mine.pt").err


@pytest.mark.thorough
def test_the_sums_of_a_network_are_values_of_words(rows: Rows) -> None:
    found = rows(
        "fault-prob", "--sigma", 0.4, "--redundant", 1, "--decoder", "lee", "--attempts", 1,
        "--legitimate-range", "operands", "--values", "uniform,dot-product,digits-cnn",
    )  # fmt: skip
    uniform, normal, network = found
    assert [row["values"] for row in found] == ["uniform", "dot-product", "digits-cnn"]
    # Near the ends of the range errors lead out of it, and few sums are there.
    assert normal["p_gross"] < 0.1 * uniform["p_gross"]
    assert network["p_gross"] == pytest.approx(normal["p_gross"], rel=0.2)
    assert network["p_gross"] != normal["p_gross"]
