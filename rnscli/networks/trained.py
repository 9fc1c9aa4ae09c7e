"""Shipped networks with full-precision weights: trained once, then kept in the user's cache."""

import hashlib
import inspect
import io
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from rnscli.networks import (
    data,
    digits,
    evaluation,
    random_stream,
    threads,
    training,
)
from rnscli.networks import (
    recipe as recipes,
)
from rnscli.networks.cache import Cache, user_cache
from rnscli.networks.data import Dataset
from rnscli.networks.recipe import Recipe
from rnscli.networks.shipped import ShippedNetwork, shipped
from rnscli.networks.training import EpochResult, Trainer

# Whatever is in there decides over the weights, beside the source of the network itself.
_SOURCES = (data, digits, evaluation, random_stream, recipes, threads, training)

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """A shipped network with full-precision weights, and the data it goes with.

    Parameters
    ----------
    name
        Its name.
    model
        A module of the caller's own, in eval mode.
    data
        What it was trained and tested with.
    results
        The epochs of its training.
    from_cache
        Whether the weights were there already.
    cached
        Whether they are there now: not if the cache cannot be written to.
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
    progress: Progress | None = None,
    cache: Cache | None = None,
) -> TrainedNetwork:
    """A shipped network with full-precision weights, trained unless the cache has them.

    Weights in the cache are found by a hash of all that they depend on: the source of the network
    and of its training, the recipe, the data and the version of torch. A file that is damaged is
    replaced; two processes that train at the same time write the same.

    Parameters
    ----------
    name
        A name in `rnscli.networks.names.SHIPPED`.
    recipe
        How it is trained; by default the network's own recipe.
    progress
        Called with the epochs that are done, from 0, and all epochs, if it must be trained.
    cache
        Where weights are kept; by default `rnscli.networks.cache.user_cache`.

    Raises
    ------
    InputError
        If there is no such network.
    DivergenceError
        If the recipe is one that diverges.
    RnscliError
        If scikit-learn, which has the data, is not installed.
    """
    network = shipped(name)
    recipe = network.recipe if recipe is None else recipe
    cache = user_cache() if cache is None else cache
    labelled = digits.digits()
    key = _key(network, recipe, labelled)
    file = f"{name}-{key[:32]}.pt"
    model = network.make().eval()
    content = cache.read(file)
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
        "sources": [inspect.getsource(module) for module in (*network.sources, *_SOURCES)],
        "recipe": asdict(recipe),
        "data": labelled.digest(),
        "torch": str(torch.__version__),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _content(key: str, trainer: Trainer) -> bytes:
    """A file that is also one for `rnscli.networks.weights.load_weights`."""
    weights = dict(trainer.model.state_dict())
    results = [asdict(result) for result in trainer.results]
    stream = io.BytesIO()
    torch.save(
        {"key": key, "digest": _digest(weights), "state_dict": weights, "results": results}, stream
    )
    return stream.getvalue()


def _restore(model: nn.Module, key: str, content: bytes) -> tuple[EpochResult, ...] | None:
    """Load the weights into the model; None if the file is damaged or another."""
    try:
        stored: dict[str, Any] = torch.load(io.BytesIO(content), weights_only=True)
        # The checksums of the format are not looked at by torch.
        if stored["key"] != key or stored["digest"] != _digest(stored["state_dict"]):
            return None
        model.load_state_dict(stored["state_dict"])
        return tuple(EpochResult(**result) for result in stored["results"])
    except Exception:  # as many kinds as there are of damage
        return None


def _digest(weights: dict[str, Tensor]) -> str:
    found = hashlib.sha256()
    for name, tensor in sorted(weights.items()):
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        found.update(tensor.numpy().tobytes())
    return found.hexdigest()
