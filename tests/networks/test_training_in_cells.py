"""Trainings whose weights are in cells: beside ordinary ones, in NumPy, resumed, refused."""

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from refusals import assert_one_sentence
from torch import nn

from rnscli.base.errors import InputError
from rnscli.core.updates.cells import CellUpdates
from rnscli.core.updates.exponential import Exponential
from rnscli.core.updates.linear import Linear
from rnscli.networks.data import Dataset, LabelledData
from rnscli.networks.recipe import OPTIMISERS, Recipe
from rnscli.networks.training import Trainer

RECIPE = Recipe(
    epochs=3, batch_size=4, optimiser="sgd", learning_rate=0.05, weight_decay=0.0, seed=6
)
RNG = np.random.default_rng(4)
PART = LabelledData(RNG.normal(size=(24, 6)).astype(np.float32), RNG.integers(0, 3, 24))
DATA = Dataset("drawn", PART, PART)
NOISY = CellUpdates(law=Exponential(3.0), noise=0.02, pulses=500, cells=2, carry_every=5)


def model() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(6, 5), nn.Sigmoid(), nn.Linear(5, 3))


def trained(updates: CellUpdates | None, recipe: Recipe = RECIPE) -> dict[str, torch.Tensor]:
    trainer = Trainer(model(), DATA, recipe, updates)
    for _ in trainer.run():
        pass
    return dict(trainer.model.state_dict())


def test_ideal_updates_are_ordinary_training_bit_for_bit() -> None:
    ideal, ordinary = CellUpdates.requested({"update": "ideal", "update_noise": 0.1}), trained(None)
    assert ideal is None
    for name, value in trained(ideal).items():
        assert torch.equal(value, ordinary[name])


@pytest.mark.parametrize("mapping", ["reference", "pair"])
def test_wide_linear_cells_are_ordinary_training(mapping: str) -> None:
    ordinary = trained(None)
    for name, value in trained(CellUpdates(law=Linear(), range=30, mapping=mapping)).items():
        torch.testing.assert_close(value, ordinary[name], rtol=1e-5, atol=1e-6)


def test_steps_by_hand() -> None:
    """One linear layer, in NumPy: each weight's step of plain descent through the formula."""
    a, rate = 2.0, 0.4
    torch.manual_seed(1)
    layer = nn.Linear(6, 3)
    w, b = (one.detach().numpy().astype(float) for one in layer.parameters())
    largest = 2.6 * np.sqrt((w**2).mean())
    w = np.clip(w, -largest, largest)
    for _ in range(3):
        logits = PART.inputs.astype(float) @ w.T + b
        shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        off = (shares - np.eye(3)[PART.labels]) / 24
        d = -rate * off.T @ PART.inputs / (2 * largest)
        g = (w / largest + 1) / 2
        up = (1 / (1 - np.exp(-a)) - g) * (1 - np.exp(-a * d))
        down = (1 - 1 / (1 - np.exp(-a)) - g) * (1 - np.exp(a * d))
        w = (2 * np.clip(g + np.where(d > 0, up, down), 0, 1) - 1) * largest
        b = b - rate * off.sum(0)
    recipe = replace(RECIPE, batch_size=24, learning_rate=rate, schedule="constant", warm_up=0.0)
    trainer = Trainer(layer, DATA, recipe, CellUpdates(law=Exponential(a)))
    for _ in trainer.run():
        pass
    np.testing.assert_allclose(layer.weight.detach().numpy(), w, rtol=2e-4, atol=1e-6)
    np.testing.assert_allclose(layer.bias.detach().numpy(), b, rtol=2e-4, atol=1e-6)


def test_a_training_that_is_resumed_is_the_same() -> None:
    whole = trained(NOISY)
    first = Trainer(model(), DATA, RECIPE, NOISY)
    first.advance()
    stream = io.BytesIO()
    torch.save(first.state(), stream)
    stream.seek(0)
    second = Trainer(model(), DATA, RECIPE, NOISY)
    second.restore(torch.load(stream, weights_only=True))
    first.advance()  # what is kept does not change with it
    for _ in second.run():
        pass
    for name, value in second.model.state_dict().items():
        assert torch.equal(value, whole[name])


def test_a_state_of_other_cells_is_refused() -> None:
    state = Trainer(model(), DATA, RECIPE, NOISY).state()
    for other in (None, CellUpdates(law=Linear())):
        with pytest.raises(InputError) as caught:
            Trainer(model(), DATA, RECIPE, other).restore(state)
        assert_one_sentence(caught.value, "the training of another model")


@pytest.mark.parametrize(
    ("change", "names"),
    [
        *(({"optimiser": name}, f"`optimiser` {name}") for name in OPTIMISERS if name != "sgd"),
        ({"weight_decay": 0.1}, "`weight_decay` 0.1"),
        ({"clip_weights": 2.0}, "`clip_weights` 2"),
    ],
)
def test_recipes_that_cells_cannot_follow(change: dict[str, Any], names: str) -> None:
    with pytest.raises(InputError) as caught:
        Trainer(model(), DATA, replace(RECIPE, **change), NOISY)
    assert_one_sentence(caught.value, names)


def test_zeros_have_no_range() -> None:
    zeros = model()
    nn.init.zeros_(zeros[0].weight)  # type: ignore[index,arg-type]
    with pytest.raises(InputError) as caught:
        Trainer(zeros, DATA, RECIPE, NOISY)
    assert_one_sentence(caught.value, "a range")
