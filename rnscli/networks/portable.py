"""A network with its weights as plain bytes, to be computed in any process."""

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from rnscli.core.errors import InputError
from rnscli.networks.data import Dataset
from rnscli.networks.names import SHIPPED

if TYPE_CHECKING:
    from torch import nn

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class PortableNetwork:
    """A network that any process can make.

    Parameters
    ----------
    name
        A name in `SHIPPED`, or ``package.module:function``.
    weights
        Its state, as ``torch.save`` writes it.
    """

    name: str
    weights: bytes

    def digest(self) -> str:
        """SHA-256 of name and weights."""
        return hashlib.sha256(self.name.encode() + b"\0" + self.weights).hexdigest()

    def model(self) -> "nn.Module":
        """The model, in eval mode; the same object as long as few others are asked for."""
        return _model(self.name, self.weights)


@dataclass(frozen=True, eq=False)
class OpenedNetwork:
    """A network and the data that it is tested with, found to belong together."""

    network: PortableNetwork
    data: Dataset


def open_network(
    name: str,
    data: str | Path | None = None,
    weights: str | Path | None = None,
    progress: Progress | None = None,
) -> OpenedNetwork:
    """A shipped network, trained unless that was done before, or one of the user's own.

    Parameters
    ----------
    name
        A name in `SHIPPED`, or ``package.module:function`` of a function that makes the network.
    data
        An ``.npz`` file with the test set as ``x`` and ``y``; the handwritten digits if not given.
    weights
        A file with the ``state_dict`` of the network; as it is made, or trained, if not given.
    progress
        Called with the epochs done and all epochs, if a shipped network must be trained.

    Raises
    ------
    InputError
        If the network cannot be made, the data or the weights cannot be read, or they do not fit.

    Examples
    --------
    >>> opened = open_network("rnscli.networks.cnn:make")
    >>> len(opened.data.test), type(opened.network.model()).__name__
    (797, 'DigitsCnn')
    """
    from rnscli.networks.fit import check_fit
    from rnscli.networks.trained import trained
    from rnscli.networks.weights import load_weights

    labelled = _data(data)
    if name in SHIPPED and weights is None:
        model = trained(name, progress=progress).model
    else:
        model = _made(name)
        if weights is not None:
            load_weights(model, weights)
    check_fit(model, labelled, name)
    return OpenedNetwork(PortableNetwork(name, _bytes(model)), labelled)


@dataclass(frozen=True, eq=False)
class Start:
    """Where trainings of a network begin: its data, and weights if they are given."""

    shipped: bool
    data: Dataset
    weights: bytes | None


def start_of(name: str, data: str | Path | None = None, weights: str | Path | None = None) -> Start:
    """What a network is trained with, found to fit.

    Parameters
    ----------
    name, data, weights
        As of `open_network`; weights that are not given are drawn from a seed.

    Raises
    ------
    InputError
        If the network cannot be made, the data or the weights cannot be read, or they do not fit.

    Examples
    --------
    >>> start_of("digits-cnn").shipped
    True
    """
    from rnscli.networks.fit import check_fit
    from rnscli.networks.weights import load_weights

    labelled, model = _data(data), _made(name)
    if labelled.train is None:
        raise InputError(
            f"`data` {labelled.name} has no samples to train with; give them as arrays x_train "
            "and y_train"
        )
    if weights is not None:
        load_weights(model, weights)
    check_fit(model, labelled, name)
    return Start(name in SHIPPED, labelled, _bytes(model) if weights is not None else None)


def _data(path: str | Path | None) -> Dataset:
    from rnscli.networks.data_file import load_data
    from rnscli.networks.digits import digits

    return digits() if path is None else load_data(path)


def _made(name: str) -> "nn.Module":
    from rnscli.networks.shipped import shipped
    from rnscli.networks.user_model import load_model

    return shipped(name).make() if name in SHIPPED else load_model(name)


def _bytes(model: "nn.Module") -> bytes:
    import torch

    stream = io.BytesIO()
    torch.save(model.state_dict(), stream)
    return stream.getvalue()


@lru_cache(maxsize=8)
def _model(name: str, weights: bytes) -> "nn.Module":
    import torch

    model = _made(name)
    model.load_state_dict(torch.load(io.BytesIO(weights), weights_only=True))
    return model.eval()
