"""Shipped networks with full-precision weights: trained once, then kept in the user's cache."""

import hashlib
import inspect
import io
import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from rnscli.base import write_atomically
from rnscli.networks import data, determinism, digits, evaluation, training
from rnscli.networks import recipe as recipes
from rnscli.networks.data import Dataset
from rnscli.networks.recipe import Recipe
from rnscli.networks.shipped import NETWORKS, ShippedNetwork
from rnscli.networks.training import EpochResult, Trainer


@dataclass(frozen=True)
class Cache:
    """A folder of files that are there whole or not at all.

    Several processes may use it at once. Where it cannot be used, nothing is kept.

    Parameters
    ----------
    folder
        Made when it is first written to; None if there is no place for one.

    Examples
    --------
    >>> Cache(None).write("name", b"content"), Cache(None).read("name")
    (False, None)
    """

    folder: Path | None

    def read(self, name: str) -> bytes | None:
        """Content of a file, or None if it is not there or cannot be read."""
        if self.folder is None:
            return None
        with suppress(OSError):
            return (self.folder / name).read_bytes()
        return None

    def write(self, name: str, content: bytes) -> bool:
        """Write a file, and tell whether that was possible."""
        if self.folder is None:
            return False
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            write_atomically(self.folder / name, content)
            return True
        return False


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


# Whatever is in there decides over the weights, beside the source of the network itself.
_SOURCES = (data, digits, evaluation, determinism, recipes, training)

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

    Weights in the cache are looked up by a hash of all that they depend on: the source of the
    network and of its training, the recipe, the data and the version of torch. A file that is
    damaged is replaced; two processes that train at the same time write the same.

    Parameters
    ----------
    name
        A name in `rnscli.networks.shipped.NETWORKS`.
    recipe
        How it is trained; by default the network's own recipe.
    progress
        Called with the epochs that are done, from 0, and all epochs, if it must be trained.
    cache
        Where weights are kept; by default `rnscli.networks.trained.user_cache`.

    Raises
    ------
    InputError
        If there is no such network.
    DivergenceError
        If the recipe is one that diverges.
    RnscliError
        If scikit-learn, which has the data, is not installed.
    """
    network = NETWORKS.named(name)
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
        "sources": [inspect.getsource(module) for module in (*network.sources(), *_SOURCES)],
        "recipe": asdict(recipe),
        "data": labelled.digest(),
        "torch": str(torch.__version__),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _content(key: str, trainer: Trainer) -> bytes:
    """A file that is also one for `rnscli.networks.user_model.load_weights`."""
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
    hasher = hashlib.sha256()
    for name, tensor in sorted(weights.items()):
        hasher.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        hasher.update(tensor.numpy().tobytes())
    return hasher.hexdigest()
