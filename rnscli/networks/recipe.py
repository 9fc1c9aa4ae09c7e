"""How a network is trained; torch need not be there to read or check a recipe."""

import math
from dataclasses import dataclass

from rnscli.base import Numbers, Option, WholeNumbers, check_choice, check_float, check_int

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
