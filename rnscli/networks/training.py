"""Training, epoch by epoch: the same bytes however often it is interrupted and resumed."""

import copy
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from rnscli.base import DivergenceError, InputError, NotFiniteError
from rnscli.networks.data import Dataset
from rnscli.networks.determinism import RandomStream, one_thread
from rnscli.networks.evaluation import score
from rnscli.networks.recipe import Recipe


@dataclass(frozen=True)
class EpochResult:
    """What an epoch has come to.

    Parameters
    ----------
    epoch
        Its number, from 1.
    train_loss
        Mean cross-entropy of the epoch's samples, each in the step it was part of, in nats.
    test_loss
        Mean cross-entropy of the test samples after the epoch, in nats.
    test_accuracy
        Share of the test samples that are right after the epoch, from 0 to 1.
    """

    epoch: int
    train_loss: float
    test_loss: float
    test_accuracy: float


class Trainer:
    """Trains a model, which it changes in place.

    The order of the samples and all that the model draws from torch's global random numbers
    (dropout, noise) come from the recipe's seed, and the caller's random numbers stay as they
    were. Everything is computed on one thread.

    Parameters
    ----------
    model
        Any module that gives logits ``(N, classes)``, converted or not.
    data
        With a part to train with.
    recipe
        How it is trained.

    Raises
    ------
    InputError
        If the data have no part to train with, or the model has nothing to train.

    Examples
    --------
    >>> from rnscli.networks.models.cnn import make
    >>> from rnscli.networks.digits import digits
    >>> trainer = Trainer(make(), digits(), Recipe(epochs=2))
    >>> [result.epoch for result in trainer.run()]
    [1, 2]
    >>> trainer.results[1].test_accuracy > 0.8
    True
    """

    def __init__(self, model: nn.Module, data: Dataset, recipe: Recipe) -> None:
        if data.train is None:
            raise InputError(
                f"`data` {data.name} has no samples to train with; give them as arrays x_train "
                "and y_train"
            )
        self.model = model
        self.recipe = recipe
        self.results: tuple[EpochResult, ...] = ()
        self._data = data
        self._inputs = torch.from_numpy(data.train.inputs)
        self._labels = torch.from_numpy(data.train.labels)
        self._batches = math.ceil(len(data.train) / recipe.batch_size)
        self._optimizer = _optimizer(model, recipe)
        self._order = torch.Generator().manual_seed(recipe.seed)
        # Not the same numbers twice: a model may draw a permutation, too.
        self._random = RandomStream(recipe.seed ^ 0x5EED)
        self._torn = False

    @property
    def finished(self) -> bool:
        """Whether all epochs of the recipe are done."""
        return len(self.results) >= self.recipe.epochs

    def run(self) -> Iterator[EpochResult]:
        """The epochs that are left, each when it is done.

        Raises
        ------
        DivergenceError
            If a loss is not finite.
        """
        while not self.finished:
            yield self.advance()

    def advance(self) -> EpochResult:
        """Train for one epoch, then test.

        Raises
        ------
        DivergenceError
            If a loss, or an operand of a core, is not finite.
        """
        self._check_whole()
        self._torn = True  # whatever ends the epoch early leaves weights that belong to none
        epoch = len(self.results) + 1
        try:
            with one_thread(), self._random.in_use():
                train_loss = self._train(epoch)
                tested = score(self.model, self._data.test)
        except NotFiniteError as error:  # of a core, which computes no loss from such operands
            raise DivergenceError(
                f"training has diverged in epoch {epoch} of {self.recipe.epochs}: {error}"
            ) from None
        self._check_finite("test", tested.loss, epoch)
        result = EpochResult(epoch, train_loss, tested.loss, tested.accuracy)
        self.results = (*self.results, result)
        self._torn = False
        return result

    def state(self) -> dict[str, Any]:
        """All that the epochs to come depend on, as a copy that they do not change.

        Of the model it has what ``state_dict`` has: a module that keeps more (a generator of its
        own, a count) must give it as ``get_extra_state``. All is tensors, numbers, texts, lists
        and dicts: ``torch.save`` writes it, and ``torch.load(weights_only=True)`` reads it.
        """
        self._check_whole()
        return {
            "recipe": asdict(self.recipe),
            "data": self._data.digest(),
            "results": [asdict(result) for result in self.results],
            "model": copy.deepcopy(self.model.state_dict()),
            "optimizer": copy.deepcopy(self._optimizer.state_dict()),
            "order": self._order.get_state(),
            "random": self._random.state.clone(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state that a trainer of the same model, data and recipe was in.

        Raises
        ------
        InputError
            If the state is of another model, of other data or of another recipe.
        """
        for name, mine in asdict(self.recipe).items():
            if state["recipe"].get(name) != mine:
                raise InputError(
                    f"the state is of a training with a `{name}` of {state['recipe'].get(name)}, "
                    f"and this one has {mine}; both must follow the same recipe"
                )
        if state["data"] != self._data.digest():
            raise InputError(
                f"the state is of a training with other data than `data` {self._data.name}; "
                "to go on from it they must be the same"
            )
        self._torn = True
        try:
            self.model.load_state_dict(state["model"])
            self._optimizer.load_state_dict(state["optimizer"])
        except (RuntimeError, ValueError, KeyError) as error:
            raise InputError(
                "the state is of the training of another model: " + str(error).splitlines()[0]
            ) from None
        self._order.set_state(state["order"])
        self._random.state = state["random"].clone()
        self.results = tuple(EpochResult(**result) for result in state["results"])
        self._torn = False

    def _train(self, epoch: int) -> float:
        """Mean loss of an epoch of steps."""
        self.model.train()
        order = torch.randperm(len(self._labels), generator=self._order)
        first = (epoch - 1) * self._batches
        total = 0.0
        # Equal parts: the batch normalisation of a single sample that is left over has no variance.
        for step, batch in enumerate(torch.tensor_split(order, self._batches), start=first):
            rate = self.recipe.rate(step, self._batches * self.recipe.epochs)
            for group in self._optimizer.param_groups:
                group["lr"] = rate
            loss = self._step(self._inputs[batch], self._labels[batch])
            self._check_finite("training", loss, epoch)
            total += loss * len(batch)
        return total / len(order)

    def _step(self, inputs: Tensor, labels: Tensor) -> float:
        loss = nn.functional.cross_entropy(self.model(inputs), labels)
        value = loss.item()
        if math.isfinite(value):
            self._optimizer.zero_grad()
            torch.autograd.backward(loss)
            self._optimizer.step()
        return value

    def _check_finite(self, which: str, loss: float, epoch: int) -> None:
        if not math.isfinite(loss):
            raise DivergenceError(
                f"training has diverged: the {which} loss is {loss} in epoch {epoch} of "
                f"{self.recipe.epochs}, with a `learning_rate` of {self.recipe.learning_rate:g}; "
                "a smaller one may keep it finite"
            )

    def _check_whole(self) -> None:
        if self._torn:
            raise RuntimeError("an epoch was left in its midst; restore a state first")


def _optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not trained:
        raise InputError(
            "the model has no parameters that require a gradient: nothing to train", "model"
        )
    groups = [
        {"params": [one for one in trained if one.dim() >= 2], "weight_decay": recipe.weight_decay},
        {"params": [one for one in trained if one.dim() < 2], "weight_decay": 0.0},
    ]
    if recipe.optimizer == "sgd":
        momentum = recipe.momentum
        return torch.optim.SGD(
            groups, lr=recipe.learning_rate, momentum=momentum, nesterov=momentum > 0
        )
    return torch.optim.AdamW(groups, lr=recipe.learning_rate)
