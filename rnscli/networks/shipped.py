"""The networks that are known by name, and how they are trained; torch need not be there.

Other packages add theirs as entry points of the group ``rnscli.networks``, which name a
`ShippedNetwork`.
"""

import importlib.util
import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

from rnscli.base import (
    InputError,
    Numbers,
    Option,
    Registry,
    WholeNumbers,
    check_choice,
    check_float,
    check_int,
    said,
)  # fmt: skip

if TYPE_CHECKING:
    from torch import nn

INSTALL = "pip install 'rnscli[torch]'"


def missing_package(needed: Sequence[str] = ("torch", "sklearn")) -> str | None:
    """The first of these packages that is not installed, if there is one."""
    return next((name for name in needed if importlib.util.find_spec(name) is None), None)


OPTIMIZERS = ("adamw", "sgd")
SCHEDULES = ("constant", "cosine")


class RecipeOptions:
    """What a user chooses of a recipe."""

    epochs = Option(
        WholeNumbers(1, 10**6),
        "Times that every sample is seen.",
        usual="that of a shipped network, else 20",
    )
    batch_size = Option(WholeNumbers(1, 10**6), "Samples in a step.", usual="32")
    learning_rate = Option(
        Numbers(0.0, 1e6, "a number from 0 to 1e6"), "The highest one, of a cosine.", usual="2e-3"
    )


@dataclass(frozen=True)
class Recipe:
    """All that a training depends on, but the model and the data.

    Parameters
    ----------
    epochs
        Times that every sample is seen.
    batch_size
        Largest number of samples in a step; those of one epoch differ by at most one.
    optimizer
        ``adamw`` (Loshchilov and Hutter, arXiv:1711.05101) or ``sgd`` with Nesterov's momentum.
    learning_rate
        The highest of all steps.
    schedule
        ``constant``, or ``cosine``: it falls to 0 in half a period of a cosine.
    warmup
        Share of all steps in which the learning rate rises linearly from 0, from 0 to 1.
    momentum
        Of ``sgd``.
    weight_decay
        Of matrices and kernels; biases and normalisations have none.
    seed
        Of the order of the samples and of whatever is random in the model.

    Raises
    ------
    InputError
        If a value is out of its range.

    Examples
    --------
    >>> recipe = Recipe(learning_rate=0.1, warmup=0.2)
    >>> [round(recipe.rate(step, 10), 3) for step in range(10)]
    [0.025, 0.071, 0.085, 0.073, 0.058, 0.042, 0.027, 0.015, 0.005, 0.001]
    """

    epochs: int = 20
    batch_size: int = 32
    optimizer: str = "adamw"
    learning_rate: float = 2e-3
    schedule: str = "cosine"
    warmup: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 0.05
    seed: int = 0

    def __post_init__(self) -> None:
        checks = {
            "epochs": RecipeOptions.epochs.check(self.epochs),
            "batch_size": RecipeOptions.batch_size.check(self.batch_size),
            "optimizer": check_choice("optimizer", self.optimizer, OPTIMIZERS),
            "learning_rate": RecipeOptions.learning_rate.check(self.learning_rate),
            "schedule": check_choice("schedule", self.schedule, SCHEDULES),
            "warmup": check_float("warmup", self.warmup, 0.0, 1.0, "a share from 0 to 1"),
            "momentum": check_float(
                "momentum", self.momentum, 0.0, 0.9999, "a number from 0 to 0.9999"
            ),
            "weight_decay": check_float(
                "weight_decay", self.weight_decay, 0.0, 1e6, "a number from 0 to 1e6"
            ),
            "seed": check_int("seed", self.seed, 0, 2**63 - 1),
        }
        for name, value in checks.items():
            object.__setattr__(self, name, value)

    def rate(self, step: int, steps: int) -> float:
        """Learning rate of a step, counted from 0, of all ``steps`` steps of all epochs."""
        # Both are taken in the middle of the step: a first or last step at rate 0 would be wasted.
        passed = (step + 0.5) / steps
        rising = min(1.0, passed / self.warmup) if self.warmup else 1.0
        falling = (1 + math.cos(math.pi * passed)) / 2 if self.schedule == "cosine" else 1.0
        return self.learning_rate * rising * falling


@dataclass(frozen=True)
class ShippedNetwork:
    """A network for the handwritten digits, and its default training.

    Parameters
    ----------
    name, summary
        Its name, and its line in lists.
    modules
        Names of the modules that it is written in, so that trained weights are kept until one of
        them changes. The first has a function ``make(seed=0)`` that makes it, untrained.
    recipe
        How its full-precision weights are trained.
    """

    name: str
    summary: str
    modules: tuple[str, ...]
    recipe: Recipe

    def make(self, seed: int = 0) -> "nn.Module":
        """The network, untrained, its weights drawn from the seed alone."""
        module = self.sources()[0]
        try:
            model: nn.Module = module.make(seed)
        except Exception as error:  # of a network of another package
            raise InputError(f"`model` {self.name} cannot be made: {said(error)}") from error
        return model

    def sources(self) -> tuple[ModuleType, ...]:
        try:
            return tuple(importlib.import_module(name) for name in self.modules)
        except ImportError as error:
            raise InputError(f"`model` {self.name} cannot be imported: {said(error)}") from error


_MODELS = "rnscli.networks.models"
NETWORKS: Registry[ShippedNetwork] = Registry(
    "model",
    "networks",
    ShippedNetwork,
    [
        ShippedNetwork(
            "digits-cnn",
            "2 convolutions and a linear layer, handwritten digits of 8 x 8 pixels",
            (f"{_MODELS}.cnn",),
            Recipe(epochs=20),
        ),
        ShippedNetwork(
            "digits-resnet",
            "residual network, 3 blocks with batch normalisation, handwritten digits",
            (f"{_MODELS}.residual_cnn",),
            Recipe(epochs=10),
        ),
        ShippedNetwork(
            "digits-transformer",
            "2 transformer blocks, 4 heads, rows of pixels as tokens, handwritten digits",
            (f"{_MODELS}.transformer",),
            Recipe(epochs=30),
        ),
    ],
)
