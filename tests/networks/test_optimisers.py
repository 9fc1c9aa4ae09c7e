"""Steps of every optimiser by hand, in NumPy; what is clipped; trainings that are resumed."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import rnscli
from rnscli.networks.data import Dataset, LabelledData
from rnscli.networks.recipe import OPTIMISERS, Recipe
from rnscli.networks.training import Trainer
from rnscli.torch import convert

Array = np.ndarray
STEPS = 5
RECIPE = Recipe(
    epochs=STEPS, batch_size=64, learning_rate=0.05, schedule="linear", warm_up=2, weight_decay=0.1
)
RNG = np.random.default_rng(4)
X, Y = RNG.normal(size=(12, 6)).astype(np.float32), RNG.integers(0, 3, 12)
PART = LabelledData(X, Y)
DATA = Dataset("drawn", PART, PART)


def model() -> nn.Linear:
    torch.manual_seed(1)
    return nn.Linear(6, 3)


def gradients(w: Array, b: Array) -> tuple[Array, Array]:
    """Of the mean cross-entropy of softmax(x w^T + b)."""
    logits = X.astype(float) @ w.T + b
    shares = np.exp(logits - logits.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    off = (shares - np.eye(3)[Y]) / len(Y)
    return off.T @ X, off.sum(0)


def by_hand(step: Callable[..., Array], recipe: Recipe) -> tuple[Array, Array]:
    """Weights and biases after all steps, each with a memory that ``step`` may use."""
    values = [one.detach().numpy().astype(float) for one in model().parameters()]
    memories: list[dict[str, Any]] = [{}, {}]
    for t in range(STEPS):
        # Warm-up over two steps, then a line to 0, both at the middle of a step.
        rate = recipe.learning_rate * min(1.0, (t + 0.5) / 2) * (1 - (t + 0.5) / STEPS)
        found = gradients(*values)
        norm = np.sqrt(sum((g**2).sum() for g in found))
        shrunk = 1.0 if recipe.clip is None else min(1.0, recipe.clip / norm)
        for index, decay in enumerate((recipe.weight_decay, 0.0)):
            value, grad = values[index], found[index] * shrunk
            values[index] = step(value, grad, rate, decay, memories[index], t + 1)
        if recipe.clip_weights is not None:
            limit = recipe.clip_weights * np.sqrt((values[0] ** 2).mean())
            values[0] = np.clip(values[0], -limit, limit)
    return values[0], values[1]


def sgd(w: Array, g: Array, rate: float, decay: float, kept: dict[str, Any], t: int) -> Array:
    return w - rate * (g + decay * w)


def momentum(w: Array, g: Array, rate: float, decay: float, kept: dict[str, Any], t: int) -> Array:
    kept["m"] = 0.9 * kept.get("m", 0.0) + g + decay * w
    return w - rate * kept["m"]


def nesterov(w: Array, g: Array, rate: float, decay: float, kept: dict[str, Any], t: int) -> Array:
    g = g + decay * w
    kept["m"] = 0.9 * kept.get("m", 0.0) + g
    return w - rate * (g + 0.9 * kept["m"])


def adam(w: Array, g: Array, rate: float, decay: float, kept: dict[str, Any], t: int) -> Array:
    g = g + decay * w
    kept["m"] = 0.9 * kept.get("m", 0.0) + 0.1 * g
    kept["v"] = 0.999 * kept.get("v", 0.0) + 0.001 * g**2
    mean, square = kept["m"] / (1 - 0.9**t), kept["v"] / (1 - 0.999**t)
    return w - rate * mean / (np.sqrt(square) + 1e-8)


def adamw(w: Array, g: Array, rate: float, decay: float, kept: dict[str, Any], t: int) -> Array:
    return adam(w, g, rate, 0.0, kept, t) - rate * decay * w


BY_HAND = {one.__name__: one for one in (sgd, momentum, nesterov, adam, adamw)}


def trained(recipe: Recipe) -> Trainer:
    trainer = Trainer(model(), DATA, recipe)
    for _ in trainer.run():
        pass
    return trainer


def assert_by_hand(recipe: Recipe) -> None:
    weights = trained(recipe).model.state_dict()
    expected = by_hand(BY_HAND[recipe.optimiser], recipe)
    for name, value in zip(("weight", "bias"), expected, strict=True):
        np.testing.assert_allclose(weights[name].numpy(), value, rtol=2e-4, atol=2e-6)


def test_every_optimiser_is_here() -> None:
    assert list(BY_HAND) == list(OPTIMISERS)


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_steps_by_hand(optimiser: str) -> None:
    assert_by_hand(replace(RECIPE, optimiser=optimiser))


@pytest.mark.parametrize("clip", [0.2, 0.5, 100.0])
def test_long_gradients_are_shortened(clip: float) -> None:
    assert_by_hand(replace(RECIPE, optimiser="momentum", clip=clip))


@pytest.mark.parametrize("clip_weights", [1.0, 1.3, 50.0])
def test_weights_are_clipped(clip_weights: float) -> None:
    assert_by_hand(replace(RECIPE, optimiser="sgd", clip_weights=clip_weights))


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_resumed_on_a_core_to_the_same_bytes(optimiser: str) -> None:
    core = rnscli.analog_core("rns", bits=6, p=0.02, vector_size=4)
    recipe = replace(RECIPE, optimiser=optimiser, clip=0.3, clip_weights=1.5, batch_size=5)

    def begun() -> Trainer:
        return Trainer(convert(model(), core), DATA, recipe)

    first, second = begun(), begun()
    first.advance()
    second.restore(first.state())
    for trainer in (first, second):
        for _ in trainer.run():
            torch.rand(3)
    assert first.results == second.results
    for one, other in zip(first.model.parameters(), second.model.parameters(), strict=True):
        assert torch.equal(one, other)
