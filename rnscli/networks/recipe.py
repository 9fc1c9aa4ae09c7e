"""How a network is trained: optimiser, learning rates, what is clipped; torch need not be there."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from rnscli.base import InputError, Names, Numbers, Option, OptionGroup, WholeNumbers, check_int

if TYPE_CHECKING:
    import torch

    from rnscli.core import Operations

    Groups = list[dict[str, Any]]  # of parameters, each with its weight decay


@dataclass(frozen=True)
class Optimiser:
    """How gradients change weights.

    Parameters
    ----------
    summary
        What it does, in a line.
    make
        The optimiser of PyTorch for groups of parameters, by a recipe.
    work
        Which of ``VECTOR_KINDS`` a step is, if no weights decay.
    decayed
        Which it is if they do; ``None`` where a share of them is added to the gradients before.
    has_momentum
        Whether it depends on the momentum of a recipe.
    plain
        Whether a step is the gradient times the rate, which an array can write as an outer product
        without a memory beside its cells.
    """

    summary: str
    make: "Callable[[Groups, Recipe], torch.optim.Optimizer]"
    work: str
    decayed: str | None = None
    has_momentum: bool = False
    plain: bool = False

    def operations(self, decays: bool) -> "Operations":
        """What a step computes for a parameter, all of which decay or none."""
        from rnscli.core import merged
        from rnscli.hardware import VECTOR_KINDS

        kinds = [self.work]
        if decays:
            kinds = [self.work, "multiply", "add"] if self.decayed is None else [self.decayed]
        return merged(*(VECTOR_KINDS[kind].operations for kind in kinds))

    @property
    def words(self) -> int:
        """Numbers of FP32 that a step reads or writes of a parameter, its gradient among them."""
        from rnscli.hardware import VECTOR_KINDS

        return 1 + round(VECTOR_KINDS[self.work].dram_bits / 32)


def _descent(groups: "Groups", recipe: "Recipe", **momentum: Any) -> "torch.optim.Optimizer":
    import torch

    return torch.optim.SGD(groups, lr=recipe.learning_rate, **momentum)


def _adam(groups: "Groups", recipe: "Recipe") -> "torch.optim.Optimizer":
    import torch

    return torch.optim.Adam(groups, lr=recipe.learning_rate)


def _adamw(groups: "Groups", recipe: "Recipe") -> "torch.optim.Optimizer":
    import torch

    return torch.optim.AdamW(groups, lr=recipe.learning_rate)


OPTIMISERS: Mapping[str, Optimiser] = MappingProxyType({
    "sgd": Optimiser("gradients times the rate", _descent, "sgd", plain=True),
    "momentum": Optimiser(
        "a sum of gradients that decays, the heavy ball",
        lambda groups, recipe: _descent(groups, recipe, momentum=recipe.momentum),
        "momentum", has_momentum=True,
    ),
    "nesterov": Optimiser(
        "the same, a step ahead",
        # Without momentum there is nothing to look ahead with, and PyTorch refuses it.
        lambda groups, recipe: _descent(
            groups, recipe, momentum=recipe.momentum, nesterov=recipe.momentum > 0
        ),
        "nesterov", has_momentum=True,
    ),
    "adam": Optimiser("gradients over their size", _adam, "adam"),
    "adamw": Optimiser(
        "the same, with a decay of weights of its own", _adamw, "adam", decayed="adamw"
    ),
})  # fmt: skip


@dataclass(frozen=True)
class Schedule:
    """What becomes of the learning rate: ``factor`` of the share of all steps that has passed."""

    summary: str
    factor: Callable[[float], float]


SCHEDULES: Mapping[str, Schedule] = MappingProxyType({
    "constant": Schedule("as it is", lambda passed: 1.0),
    "cosine": Schedule(
        "to 0 in half a period", lambda passed: (1 + math.cos(math.pi * passed)) / 2
    ),
    # He et al., arXiv:1512.03385, section 4.2: after 32 000 and 48 000 of 64 000 steps.
    "step": Schedule(
        "a tenth after half of the steps, a hundredth after three quarters",
        lambda passed: 1.0 if passed < 0.5 else 0.1 if passed < 0.75 else 0.01,
    ),
    "linear": Schedule("to 0 in a line", lambda passed: 1.0 - passed),
})  # fmt: skip

_WARM_UP = "a share of all steps from 0 to below 1, or a whole number of steps up to 1e9"


class RecipeOptions:
    """What a user chooses of a recipe."""

    group = OptionGroup.TRAINING
    epochs = Option(
        WholeNumbers(1, 10**6),
        "Number of passes over the samples.",
        usual="that of a shipped network, else 20",
    )
    batch_size = Option(WholeNumbers(1, 10**6), "Samples in a step.", usual="32")
    optimiser = Option(
        Names(OPTIMISERS), "How gradients change weights: {summaries}.", usual="adamw"
    )
    learning_rate = Option(
        Numbers(0.0, 1e6, "a number from 0 to 1e6"),
        "The highest learning rate of the schedule.",
        usual="2e-3",
    )
    momentum = Option(
        Numbers(0.0, 0.9999, "a number from 0 to 0.9999"),
        "Share of the last step that is added to the next one.",
        usual="0.9",
    )
    weight_decay = Option(
        Numbers(0.0, 1e6, "a number from 0 to 1e6"),
        "Decay of matrices and kernels: of adamw this share, times the rate, of a weight in a "
        "step; of others times the weight, added to the gradient.",
        usual="0.05",
    )
    schedule = Option(
        Names(SCHEDULES), "What becomes of the learning rate: {summaries}.", usual="cosine"
    )
    warm_up = Option(
        Numbers(0.0, 1e9, _WARM_UP),
        "Steps in which the learning rate rises from 0; below 1, the share of all steps.",
        usual="0.05",
    )
    clip = Option(
        Numbers(math.ulp(0.0), 1e6, "a number above 0"),
        "Largest norm of the gradient of all parameters; a longer one is scaled down.",
        usual="none",
    )
    clip_weights = Option(
        Numbers(1.0, 1e6, "a number from 1 to 1e6"),
        "Largest magnitude of a weight, in root mean squares of its matrix or kernel; weights "
        "beyond it after a step are set to it.",
        usual="none",
    )


@dataclass(frozen=True)
class Recipe:
    """All that a training depends on, but the model and the data.

    Parameters
    ----------
    epochs
        Number of passes over the samples.
    batch_size
        Largest number of samples in a step; those of one epoch differ by at most one.
    optimiser
        ``sgd``; ``momentum`` (Polyak's); ``nesterov``; ``adam`` (Kingma and Ba, arXiv:1412.6980)
        or ``adamw`` (Loshchilov and Hutter, arXiv:1711.05101), both with the constants of PyTorch.
    learning_rate
        The highest of all steps.
    schedule
        ``constant``; ``cosine``: it falls to 0 in half a period of a cosine; ``linear``: in a
        line; ``step``: to a tenth after half of the steps and to a hundredth after three quarters
        (He et al., arXiv:1512.03385).
    warm_up
        Steps in which the learning rate rises linearly from 0; below 1, the share of all steps.
    momentum
        Of ``momentum`` and ``nesterov``.
    weight_decay
        Of matrices and kernels; biases and normalisations have none.
    clip
        Largest Euclidean norm of the gradient of all parameters; ``None`` for any.
    clip_weights
        Largest magnitude of a weight after a step, in root mean squares of its matrix or kernel, as
        Joshi et al. (arXiv:1906.03138) clip them for noisy arrays; ``None`` for any.
    seed
        Of the order of the samples and of whatever is random in the model.

    Raises
    ------
    InputError
        If a value is out of its range.

    Examples
    --------
    >>> recipe = Recipe(learning_rate=0.1, warm_up=0.2)
    >>> [round(recipe.rate(step, 10), 3) for step in range(10)]
    [0.025, 0.071, 0.085, 0.073, 0.058, 0.042, 0.027, 0.015, 0.005, 0.001]
    >>> recipe = Recipe(learning_rate=0.1, schedule="step", warm_up=2)
    >>> [round(recipe.rate(step, 10), 3) for step in range(10)]
    [0.025, 0.075, 0.1, 0.1, 0.1, 0.01, 0.01, 0.001, 0.001, 0.001]
    """

    epochs: int = 20
    batch_size: int = 32
    optimiser: str = "adamw"
    learning_rate: float = 2e-3
    schedule: str = "cosine"
    warm_up: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 0.05
    clip: float | None = None
    clip_weights: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.warm_up, int | float) and self.warm_up >= 1 and self.warm_up % 1:
            raise InputError.of("warm_up", self.warm_up, _WARM_UP)
        for name, option in vars(RecipeOptions).items():
            value = getattr(self, name, None)
            if isinstance(option, Option) and (value is not None or name not in _ABSENT):
                object.__setattr__(self, name, option.check(value))
        object.__setattr__(self, "seed", check_int("seed", self.seed, 0, 2**63 - 1))

    def steps(self, samples: int) -> dict[int, int]:
        """Sizes of the steps of an epoch of so many samples, and how many there are of each.

        Examples
        --------
        >>> Recipe(batch_size=32).steps(100)
        {25: 4}
        >>> Recipe(batch_size=32).steps(90)
        {30: 3}
        >>> Recipe(batch_size=40).steps(101)
        {34: 2, 33: 1}
        """
        # Equal parts: the batch normalisation of a single sample that is left over has no variance.
        count = math.ceil(samples / self.batch_size)
        size, larger = divmod(samples, count)
        sizes = {size + 1: larger, size: count - larger}
        return {size: times for size, times in sizes.items() if times}

    def rate(self, step: int, steps: int) -> float:
        """Learning rate of a step, counted from 0, of all ``steps`` steps of all epochs."""
        # Both are taken in the middle of the step: a first or last step at rate 0 would be wasted.
        passed = (step + 0.5) / steps
        risen = (step + 0.5) / self.warm_up if self.warm_up >= 1 else 1.0
        if 0 < self.warm_up < 1:
            risen = passed / self.warm_up
        return self.learning_rate * min(1.0, risen) * SCHEDULES[self.schedule].factor(passed)


def check_plain(recipe: Recipe, update: str) -> None:
    """Refuse a recipe whose steps are not gradients alone, where cells are to follow them."""
    wanted = {
        f"`optimiser` {recipe.optimiser}": OPTIMISERS[recipe.optimiser].plain,
        f"`weight_decay` {recipe.weight_decay:g}": recipe.weight_decay == 0,
        f"`clip_weights` {recipe.clip_weights}": recipe.clip_weights is None,
    }
    wrong = " and ".join(said for said, holds in wanted.items() if not holds)
    if wrong:
        plain = ", ".join(name for name, one in OPTIMISERS.items() if one.plain)
        raise InputError(
            f"`update` {update} has gradients written into cells as they are, which {wrong} would "
            f"change; give `optimiser` {plain}, `weight_decay` 0 and no `clip_weights`"
        )


_ABSENT = ("clip", "clip_weights")  # which may be `None`
