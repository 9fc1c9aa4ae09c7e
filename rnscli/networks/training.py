"""Training, epoch by epoch: the same bytes however often it is interrupted and resumed.

Networks that are shipped are trained once; their weights are then kept in the user's cache.
"""

import copy
import hashlib
import inspect
import io
import json
import math
import os
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rnscli.base import DivergenceError, InputError, NotFiniteError, write_atomically
from rnscli.core import Cells, CellUpdates
from rnscli.networks.data import Dataset
from rnscli.networks.evaluation import RandomStream, one_thread, score
from rnscli.networks.outputs import training_loss
from rnscli.networks.recipe import OPTIMISERS, Recipe, check_plain
from rnscli.networks.shipped import NETWORKS, ShippedNetwork


@dataclass(frozen=True)
class EpochResult:
    """What an epoch, counted from 1, has come to.

    Mean cross-entropies in nats, of values mean square errors: of the epoch's samples, each in the
    step that it was part of, and of the test samples after the epoch; and the share of these, or
    of their places, that is right then (`rnscli.networks.evaluation.Score`), ``None`` of values.
    """

    epoch: int
    train_loss: float
    test_loss: float
    test_accuracy: float | None


class Trainer:
    """Trains a model, which it changes in place.

    The order of the samples and all that the model draws from torch's global random numbers
    (dropout, noise) come from the recipe's seed, and the caller's random numbers stay as they
    were. Everything is computed on one thread.

    Parameters
    ----------
    model
        Any module whose outputs belong to the labels (`rnscli.networks.task_of`), converted or
        not.
    data
        With a part to train with.
    recipe
        How it is trained.
    updates
        In what cells matrices and kernels are held, and how these follow the steps of the recipe;
        numbers if not given. Biases and normalisations are numbers, as are inputs and gradients.

    Raises
    ------
    InputError
        If the data have no part to train with, the model has nothing to train, or the recipe has
        steps that cells cannot follow.

    Examples
    --------
    >>> from rnscli.networks.models.cnn import make
    >>> from rnscli.networks.data import digits
    >>> trainer = Trainer(make(), digits(), Recipe(epochs=2))
    >>> [result.epoch for result in trainer.run()]
    [1, 2]
    >>> trainer.results[1].test_accuracy > 0.8
    True
    """

    def __init__(
        self,
        model: nn.Module,
        data: Dataset,
        recipe: Recipe,
        updates: CellUpdates | None = None,
    ) -> None:
        train = data.part_to_train()
        self.model, self.recipe, self._data = model, recipe, data
        self.results: tuple[EpochResult, ...] = ()
        self._inputs, self._labels = torch.from_numpy(train.inputs), torch.from_numpy(train.labels)
        self._batches = sum(recipe.steps(len(train)).values())
        self._optimizer = _optimizer(model, recipe)
        self._order = torch.Generator().manual_seed(recipe.seed)
        # Not the same numbers twice: a model may draw a permutation, too.
        self._random = RandomStream(recipe.seed ^ 0x5EED)
        self._torn = False
        self._cells: list[_CellWeights] = []
        if updates is not None:
            check_plain(recipe, updates.law.name)
            matrices = self._optimizer.param_groups[0]["params"]
            self._cells = [_CellWeights(one, updates) for one in matrices]

    @property
    def finished(self) -> bool:
        """Whether all epochs of the recipe are done."""
        return len(self.results) >= self.recipe.epochs

    def run(self) -> Iterator[EpochResult]:
        """The epochs that are left, each when it is done.

        Raises
        ------
        DivergenceError
            If a loss, or an operand of a core, is not finite.
        """
        while not self.finished:
            yield self.advance()

    def advance(
        self, training: Callable[[], AbstractContextManager[Any]] = nullcontext
    ) -> EpochResult:
        """Train for one epoch, then test.

        Parameters
        ----------
        training
            Makes a context for the steps, which the test is not in.

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
                with training():
                    train_loss = self._train(epoch)
                tested = score(self.model, self._data.test)
        except NotFiniteError as error:
            # Of a core, which computes no loss from such operands. It says where in the model, and
            # calls them `x` or `w`, which are no arguments of whoever trains.
            problem = str(error).partition("; it must be")[0].replace("`", "")
            of_epoch = f" in epoch {epoch} of {self.recipe.epochs}: "
            raise self._diverged(of_epoch + problem.replace(": ", ", ", 1)) from None
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
            **({"cells": [one.state() for one in self._cells]} if self._cells else {}),
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
            for one, kept in zip(self._cells, state.get("cells", []), strict=True):
                one.restore(kept)
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
        for step, batch in enumerate(torch.tensor_split(order, self._batches), start=first):
            rate = self.recipe.rate(step, self._batches * self.recipe.epochs)
            for group in self._optimizer.param_groups:
                group["lr"] = rate
            loss = self._step(self._inputs[batch], self._labels[batch], step)
            self._check_finite("training", loss, epoch)
            total += loss * len(batch)
        return total / len(order)

    def _step(self, inputs: Tensor, labels: Tensor, step: int) -> float:
        loss = training_loss(self.model(inputs), labels)
        value = loss.item()
        if math.isfinite(value):
            self._optimizer.zero_grad()
            torch.autograd.backward(loss)
            if self.recipe.clip is not None:
                trained = chain.from_iterable(g["params"] for g in self._optimizer.param_groups)
                nn.utils.clip_grad_norm_(trained, self.recipe.clip)
            self._optimizer.step()
            if self.recipe.clip_weights is not None:
                self._clip_weights(self.recipe.clip_weights)
            if self._cells:
                # By the number of the step, so that a training that goes on draws the same.
                rng = np.random.default_rng([self.recipe.seed, _OF_CELLS, step])
                for one in self._cells:
                    one.follow(step, rng)
        return value

    @torch.no_grad()
    def _clip_weights(self, largest: float) -> None:
        """Set weights beyond so many root mean squares of their matrix to that."""
        for weights in self._optimizer.param_groups[0]["params"]:
            limit = largest * weights.square().mean().sqrt()
            weights.clamp_(-limit, limit)

    def _check_finite(self, which: str, loss: float, epoch: int) -> None:
        if not math.isfinite(loss):
            of_epoch = f" in epoch {epoch} of {self.recipe.epochs}"
            raise self._diverged(f": the {which} loss is {loss}{of_epoch}")

    def _diverged(self, problem: str) -> DivergenceError:
        return DivergenceError(
            f"training has diverged{problem}, with a `learning_rate` of "
            f"{self.recipe.learning_rate:g}; a smaller one may keep it finite"
        )

    def _check_whole(self) -> None:
        if self._torn:
            raise RuntimeError("an epoch was left in its midst; restore a state first")


_OF_CELLS = 0xCE115  # another stream than that of anything else drawn from the seed


class _CellWeights:
    """A parameter whose values are in cells, which follow its steps as they can."""

    def __init__(self, parameter: nn.Parameter, updates: CellUpdates) -> None:
        self._parameter = parameter
        values = parameter.detach().cpu().numpy().astype(np.float64).ravel()
        self._cells = updates.program(values, updates.range * math.sqrt((values**2).mean()))
        self._held = self._cells.weights().astype(np.float32)
        self._show()

    @torch.no_grad()
    def _show(self) -> None:
        """Make the parameter what the cells hold."""
        self._parameter.copy_(torch.from_numpy(self._held).view_as(self._parameter))

    def follow(self, step: int, rng: np.random.Generator) -> None:
        """Take the step of the parameter, counted from 0, in the cells."""
        asked = self._parameter.detach().cpu().numpy().ravel() - self._held
        places: Any = self._cells.change(asked, rng)
        if self._cells.carry(step + 1, rng):
            places = ...
        self._held[places] = self._cells.weights(places)
        self._show()

    def state(self) -> dict[str, Any]:
        cells = torch.from_numpy(self._cells.state.copy())
        return {"cells": cells, "largest": self._cells.largest}

    def restore(self, state: dict[str, Any]) -> None:
        kept = state["cells"].numpy().copy()
        if kept.shape != self._cells.state.shape:
            raise ValueError("it has other cells")
        self._cells = Cells(self._cells.updates, kept, float(state["largest"]))
        self._held = self._cells.weights().astype(np.float32)
        self._show()


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
    return OPTIMISERS[recipe.optimiser].make(groups, recipe)


@dataclass(frozen=True)
class Cache:
    """A folder of files that are there whole or not at all; several processes may use it at once.

    It is made when it is first written to. Where it cannot be used, or there is no place for one,
    nothing is kept.
    """

    folder: Path | None

    def read(self, name: str) -> bytes | None:
        """Content of a file, or None if it is not there or cannot be read."""
        try:
            return None if self.folder is None else (self.folder / name).read_bytes()
        except OSError:
            return None

    def write(self, name: str, content: bytes) -> bool:
        """Write a file, and tell whether that was possible."""
        if self.folder is None:
            return False
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_atomically(self.folder / name, content)
        except OSError:
            return False
        return True


def user_cache() -> Cache:
    """The cache of this user: ``$RNSCLI_CACHE``, ``$XDG_CACHE_HOME/rnscli`` or ``~/.cache/rnscli``.

    The first of them that is set and not empty; a relative ``$XDG_CACHE_HOME`` is ignored, as the
    XDG base directory specification wants it.
    """
    if own := os.environ.get("RNSCLI_CACHE"):
        return Cache(Path(own).absolute())
    shared = os.environ.get("XDG_CACHE_HOME", "")
    if shared and Path(shared).is_absolute():
        return Cache(Path(shared) / "rnscli")
    try:
        return Cache(Path.home() / ".cache" / "rnscli")
    except RuntimeError:  # a user without a home
        return Cache(None)


# The modules of these determine the weights, beside those of the network itself.
_SOURCES = [sys.modules[one.__module__] for one in (Dataset, score, Recipe, Trainer)]


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """A shipped network with full-precision weights, in eval mode, and the data it goes with.

    ``from_cache`` says whether the weights were there already, ``cached`` whether they are there
    now: not if the cache cannot be written to.
    """

    name: str
    model: nn.Module
    data: Dataset
    results: tuple[EpochResult, ...]
    from_cache: bool
    cached: bool


def trained(
    name: str,
    recipe: Recipe | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
    cache: Cache | None = None,
) -> TrainedNetwork:
    """A shipped network with full-precision weights, trained unless the cache has them.

    Weights in the cache are looked up by a hash of all that they depend on: the source of the
    network and of its training, the recipe, the data and the version of torch. A file that is
    damaged is replaced; two processes that train at the same time write the same.

    ``progress`` is called with the epochs that are done, from 0, and all epochs, if it must be
    trained. The recipe is the network's own and the cache the user's unless they are given.
    """
    network = NETWORKS.named(name)
    recipe = network.recipe if recipe is None else recipe
    cache = user_cache() if cache is None else cache
    labelled = network.dataset()
    key = _key(network, recipe, labelled)
    file = f"{name}-{key[:32]}.pt"
    model, content = network.make().eval(), cache.read(file)
    results = None if content is None else _restore(model, key, content)
    if results is not None:
        return TrainedNetwork(name, model, labelled, results, from_cache=True, cached=True)
    trainer = Trainer(network.make(), labelled, recipe)  # a model that no damaged file has touched
    if progress is not None:
        progress(0, recipe.epochs)
    for result in trainer.run():
        if progress is not None:
            progress(result.epoch, recipe.epochs)
    cached = cache.write(file, _content(key, trainer))
    return TrainedNetwork(
        name, trainer.model.eval(), labelled, trainer.results, from_cache=False, cached=cached
    )


def _key(network: ShippedNetwork, recipe: Recipe, labelled: Dataset) -> str:
    """SHA-256 of all that the weights depend on, but the processor."""
    parts = {
        "sources": [inspect.getsource(module) for module in (*network.sources(), *_SOURCES)],
        "recipe": asdict(recipe),
        "data": labelled.digest(),
        "torch": str(torch.__version__),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _content(key: str, trainer: Trainer) -> bytes:
    """A file that is also one for `rnscli.networks.weights.load_weights`."""
    results = [asdict(result) for result in trainer.results]
    state, stream = dict(trainer.model.state_dict()), io.BytesIO()
    torch.save({"key": key, "state_dict": state, "results": results}, stream)
    return stream.getvalue()


def _restore(model: nn.Module, key: str, content: bytes) -> tuple[EpochResult, ...] | None:
    """Load the weights into the model; None if the file is damaged or another."""
    try:
        stream = io.BytesIO(content)
        with zipfile.ZipFile(stream) as archive:
            damaged = archive.testzip()  # torch does not look at the checksums
        stream.seek(0)
        stored = torch.load(stream, weights_only=True)
        if damaged is not None or stored["key"] != key:
            return None
        model.load_state_dict(stored["state_dict"])
        return tuple(EpochResult(**result) for result in stored["results"])
    except Exception:  # as many kinds as there are of damage
        return None
