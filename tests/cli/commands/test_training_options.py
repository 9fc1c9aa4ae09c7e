"""Recipes, cores of gradients and roundings of ``rnscli train`` on the command line."""

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import rnscli
from rnscli.core.updates.cells import CellUpdates
from rnscli.core.updates.exponential import Exponential
from rnscli.matrix import Dataflow
from rnscli.networks.recipe import Recipe
from rnscli.networks.sources.open_data import open_data
from rnscli.networks.training import Trainer
from rnscli.torch import convert

Run = Callable[..., Any]
Rows = Callable[..., list[dict[str, Any]]]
Refusal = Callable[..., str]

SOURCE = """
import torch
from torch import nn

def make():
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
"""
TRAIN = ("train", "--model", "mine:make", "--data", "drawn.npz", "--epochs", 2)
FIXED = Recipe(epochs=2)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_mine: None) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "mine.py").write_text(SOURCE)
    rng = np.random.default_rng(8)
    arrays = {"x": rng.normal(size=(40, 6)), "x_train": rng.normal(size=(90, 6))}
    labels = {"y" + name[1:]: (x[:, :3]).argmax(1) for name, x in arrays.items()}
    np.savez("drawn.npz", **arrays, **labels)


def by_python(recipe: Recipe, flow: Dataflow | None = None, **gradients: Any) -> float:
    """The test loss of the same training."""
    torch.manual_seed(3)
    model: nn.Module = importlib.import_module("mine").make()
    if flow is not None:
        model = convert(model, flow, **gradients)
    *_, last = Trainer(model, open_data("drawn.npz"), recipe).run()
    return last.test_loss


def test_every_option_of_a_recipe_is_followed(rows: Rows) -> None:
    given = {
        "batch_size": 16,
        "optimiser": "momentum",
        "learning_rate": 0.05,
        "momentum": 0.5,
        "weight_decay": 0.01,
        "schedule": "step",
        "warm_up": 3,
        "clip": 0.7,
        "clip_weights": 1.5,
    }
    options: list[object] = []
    for name, value in given.items():
        options += ["--" + name.replace("_", "-"), value]
        # One more decides each time, but for the momentum, which waits for its optimiser.
        found = rows(*TRAIN, "--bits", 6, *options)
        recipe = Recipe(epochs=2, **{n: given[n] for n in list(given)[: len(options) // 2]})
        flow = Dataflow(rnscli.analog_core("rns", bits=6, vector_size=128))
        assert [row["test_loss"] for row in found] == [by_python(recipe), by_python(recipe, flow)]


def test_sweeps_of_recipes_have_columns(rows: Rows) -> None:
    found = rows(*TRAIN, "--optimiser", "sgd,adam", "--warm-up", "0,0.5", "--bits", 5)
    asked = [(name, share) for name in ("sgd", "adam") for share in (0, 0.5)]
    assert [(row["optimiser"], row["warm_up"], row["core"]) for row in found] == [
        (*one, core) for one in asked for core in ("fp32", "rns")
    ]
    assert len({row["test_loss"] for row in found}) == 8


def test_cores_of_gradients(rows: Rows) -> None:
    found = rows(
        *TRAIN, "--bits", 4, "--input-gradient-bits", "6,fp32", "--weight-gradient-bits", 8,
        "--gradient-rounding", "truncate",
    )  # fmt: skip
    described = [
        (row["input_gradient_bits"], row["weight_gradient_bits"], row["gradient_rounding"])
        for row in found
    ]
    assert described == [(None, None, None), (6, 8, "truncate"), (32, 8, "truncate")]
    four, six, eight = (
        Dataflow(rnscli.analog_core("rns", bits=b), rounding="nearest" if b == 4 else "truncate")
        for b in (4, 6, 8)
    )
    expected = [
        by_python(FIXED, four, input_gradient=one, weight_gradient=eight) for one in (six, "fp32")
    ]
    assert [row["test_loss"] for row in found] == [by_python(FIXED), *expected]


def test_the_core_of_the_forward_pass_is_not_trained_twice(rows: Rows) -> None:
    found = rows(*TRAIN, "--bits", 5, "--gradient-rounding", "nearest,stochastic")
    assert [row["gradient_rounding"] for row in found] == [None, "nearest", "stochastic"]
    assert found[1]["test_loss"] == rows(*TRAIN, "--bits", 5)[1]["test_loss"]


def test_all_of_it_is_in_the_digest_of_stored_work(rnscli: Run) -> None:
    each: list[tuple[object, ...]] = [
        (),
        ("--optimiser", "adam"),
        ("--schedule", "linear"),
        ("--warm-up", 2),
        ("--clip", 0.01),
        ("--clip-weights", 1),
        ("--weight-decay", 1),
        ("--rounding", "truncate"),
        ("--gradient-rounding", "truncate"),
        ("--input-gradient-bits", "fp32"),
        ("--weight-gradient-bits", 9),
    ]
    asked = (*TRAIN, "--bits", 4, "--format", "json", "--store", "store.sqlite")
    first = [rnscli(*asked, *more).out for more in each]
    losses = {json.loads(one)["rows"][1]["train_loss"] for one in first}
    assert len(losses) == len(each)
    listed = json.loads(rnscli("store", "store.sqlite", "--format", "json").out)
    assert len(listed["rows"]) >= len(each)
    found = [row for one in first for row in json.loads(one)["rows"]]
    assert {(row["value"], row["test_loss"]) for row in listed["rows"]} == {
        (row["test_accuracy"], row["test_loss"]) for row in found
    }
    assert [rnscli(*asked, *more).out for more in each] == first


def test_rounding_of_accuracy(rows: Rows) -> None:
    asked = ("accuracy", "--model", "mine:make", "--data", "drawn.npz", "--core", "rns", "--bits")
    found = rows(*asked, 4, "--rounding", "nearest,stochastic,truncate")
    assert [row["rounding"] for row in found] == ["nearest", "stochastic", "truncate"]
    again = rows(*asked, 4, "--rounding", "stochastic")
    assert again == found[1:2]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("--optimiser", "adagrad"), "--optimiser: 'adagrad' is not accepted; it must be one of"),
        (("--warm-up", 1.5), "--warm-up is 1.5; it must be a share of all steps from 0 to below"),
        (("--clip", 0), "--clip: '0' is not accepted; it must be a number above 0"),
        (("--clip-weights", 0.5), "--clip-weights: '0.5' is not accepted; it must be a number"),
        (("--input-gradient-bits", 1), "'1' is not accepted; it must be fp32, a whole number"),
        (("--rounding", "up"), "--rounding: 'up' is not accepted; it must be one of nearest"),
        (
            ("--moduli", "63,62,61,59", "--weight-gradient-bits", 8),
            "--moduli are those of one core",
        ),
    ],
)
def test_refused(refusal: Refusal, given: tuple[object, ...], says: str) -> None:
    assert says in refusal(*TRAIN, *given)


def test_a_momentum_without_an_optimiser_that_has_one(rnscli: Run) -> None:
    ran = rnscli(*TRAIN, "--bits", 5, "--momentum", 0.5)
    assert ran.code == 0
    assert "--momentum changes nothing without --optimiser momentum or" in ran.err


PLAIN = ("--optimiser", "sgd", "--weight-decay", 0, "--learning-rate", 0.1, "--bits", 6)


def test_updates_are_those_of_cores(rows: Rows) -> None:
    """FP32 has none; each law once, though a nonlinearity is none of linear cells."""
    given = ("--update", "ideal,linear,exponential", "--update-nonlinearity", "1,4")
    found = rows(*TRAIN, *PLAIN, *given, "--cells", 2, "--carry-every", 2)
    assert [(row["core"], row["update"], row["update_nonlinearity"]) for row in found] == [
        ("fp32", None, None),
        ("rns", "ideal", None),
        ("rns", "linear", None),
        ("rns", "exponential", 1),
        ("rns", "exponential", 4),
    ]
    torch.manual_seed(3)
    flow = Dataflow(rnscli.analog_core("rns", bits=6, vector_size=128))
    model = convert(importlib.import_module("mine").make(), flow)
    recipe = Recipe(epochs=2, optimiser="sgd", weight_decay=0.0, learning_rate=0.1)
    updates = CellUpdates(law=Exponential(4.0), cells=2, carry_every=2)
    *_, last = Trainer(model, open_data("drawn.npz"), recipe, updates).run()
    assert found[-1]["test_loss"] == last.test_loss


def test_updates_of_a_file(rows: Rows) -> None:
    lines = ("conductance,up,up_deviation,down,down_deviation", "1e-6,2e-8,0,-2e-8,0")
    Path("cell.csv").write_text("\n".join((*lines, "3e-6,2e-8,0,-2e-8,0")))
    found = rows(*TRAIN, *PLAIN, "--update", "linear,cell.csv")
    assert found[1]["test_loss"] == pytest.approx(found[2]["test_loss"], rel=1e-6)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--update", "linear"), "--optimiser adamw and --weight-decay 0.05"),
        ((*PLAIN, "--update", "exponential"), "--update-nonlinearity"),
        ((*PLAIN, "--update", "linea"), "linear"),
        ((*PLAIN, "--update", "none.csv"), "none.csv"),
        ((*PLAIN, "--update", "linear", "--update-noise", "11"), "--update-noise"),
    ],
)
def test_refused_updates(refusal: Refusal, options: tuple[object, ...], said: str) -> None:
    assert said in refusal(*TRAIN, *options)


def test_updates_that_change_nothing(rnscli: Run) -> None:
    given = ("--update", "linear", "--update-nonlinearity", 2, "--carry-every", 7)
    told = rnscli(*TRAIN, *PLAIN, *given).err
    assert "--update-nonlinearity changes nothing without" in told
    assert "--carry-every changes nothing without --cells" in told
