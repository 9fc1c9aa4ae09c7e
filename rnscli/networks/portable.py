"""A network that any process can make, and the data that belong to it."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from rnscli.base import InputError
from rnscli.networks.data import Dataset, digits
from rnscli.networks.shipped import NETWORKS
from rnscli.networks.sources.open_data import open_data

if TYPE_CHECKING:
    from torch import nn


# Weights: of a shipped network that is trained; in a file; of a function that makes the same ones
# whatever is drawn; and at random.
TRAINED, GIVEN, OWN, DRAWN = "trained", "given", "own", "drawn"


@dataclass(frozen=True)
class PortableNetwork:
    """A network by its name and its weights.

    Parameters
    ----------
    name
        A name in `NETWORKS`, or ``package.module:function``.
    shape
        Shape of a single input; layers that infer their size have it from there.
    weights
        Its state, as ``torch.save`` writes it; drawn from a seed if ``None``.
    whole
        Whether inputs are whole numbers, as tokens are.
    """

    name: str
    shape: tuple[int, ...]
    weights: bytes | None = None
    whole: bool = field(default=False, repr=False)

    def made(self, seed: int = 0) -> "nn.Module":
        """A model of the caller's own; the seed decides over all that is drawn for it.

        Raises
        ------
        InputError
            If the code of a user no longer makes a network that has these weights.
        """
        import torch

        from rnscli.networks.user_code import running
        from rnscli.networks.user_model import make_model, settle

        model = make_model(self.name, seed=seed)
        with running(self.name, f"cannot take inputs of shape {self.shape}"):
            settle(model, self.shape, seed, self.whole)
        if self.weights is not None:
            try:
                model.load_state_dict(torch.load(io.BytesIO(self.weights), weights_only=True))
            except Exception as error:  # of torch, or of a method of the user
                raise InputError(
                    f"`model` {self.name} does not make the same network twice: its weights "
                    f"cannot be loaded again ({type(error).__name__})"
                ) from None
        return model

    def model(self) -> "nn.Module":
        """One in eval mode, the same object as long as few others are used."""
        return _model(self)

    def digest(self, seed: int = 0) -> str:
        """SHA-256 of all that decides what it computes: code, structure and weights.

        Of the code it has the modules of the function and of all layers: whoever changes the
        ``forward`` of a network must not be answered from a store with what it was before.
        """
        return _digest(self, seed)


@dataclass(frozen=True, eq=False)
class OpenedNetwork:
    """A network and its data, checked to belong together.

    ``weights`` tells where these are from: one of `TRAINED`, `GIVEN`, `OWN` and `DRAWN`.
    """

    network: PortableNetwork
    data: Dataset
    weights: str = "own"

    @property
    def drawn(self) -> bool:
        """Whether a network of the user came with weights that are drawn at random."""
        return self.weights == DRAWN


def open_network(
    name: str,
    data: str | Path | None = None,
    weights: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    image_size: int | None = None,
    labelled: bool = True,
) -> OpenedNetwork:
    """A shipped network, trained unless that was done before, or one of the user's own.

    Parameters
    ----------
    name
        A name in `NETWORKS`, or ``package.module:function`` of a function that makes the network.
    data
        A name, file or folder (`open_data`); if not given those of the network, or the handwritten
        digits.
    weights
        A file with the ``state_dict`` of the network; as it is made, or trained, if not given.
    progress
        Called with the epochs done and all epochs, if a shipped network must be trained.
    image_size
        As of `rnscli.networks.sources.open_data.open_data`.
    labelled
        Whether labels are read; if not, the network need not fit those that there may be.

    Raises
    ------
    InputError
        If the network cannot be made, the data or the weights cannot be read, or they do not fit.

    Examples
    --------
    >>> opened = open_network("rnscli.networks.models.cnn:make")
    >>> len(opened.data.test), type(opened.network.model()).__name__
    (797, 'DigitsCnn')
    """
    from rnscli.networks.training import trained
    from rnscli.networks.user_model import fitting, make_model

    dataset = _usual_data(name) if data is None else open_data(data, image_size)
    if not labelled:
        dataset = dataset.without_labels()
    if name not in NETWORKS or weights is not None:
        model = make_model(name, weights)
        origin = GIVEN
        if weights is None:
            origin = DRAWN if _differ(model, make_model(name, seed=1)) else OWN
        return replace(_opened(name, dataset, model, keep=True), weights=origin)
    if data is not None:
        fitting(make_model(name), dataset, name)  # rather than after its training
    found = _opened(name, dataset, trained(name, progress=progress).model, keep=True)
    return replace(found, weights=TRAINED)


def _usual_data(name: str) -> Dataset:
    shipped = NETWORKS.get(name)
    return digits() if shipped is None else shipped.dataset()


def open_untrained(
    name: str,
    data: str | Path | None = None,
    weights: str | Path | None = None,
    image_size: int | None = None,
) -> OpenedNetwork:
    """A network to train, which begins with weights of a seed unless they are given.

    Parameters
    ----------
    name, data, weights, image_size
        As of `open_network`; the data must have a part to train with.

    Raises
    ------
    InputError
        If the network cannot be made, the data or the weights cannot be read, or they do not fit.

    Examples
    --------
    >>> open_untrained("digits-cnn").network
    PortableNetwork(name='digits-cnn', shape=(1, 8, 8), weights=None)
    """
    from rnscli.networks.user_model import make_model

    labelled = _usual_data(name) if data is None else open_data(data, image_size)
    if labelled.train is None or labelled.train.labels is None:
        labelled.part_to_train()  # which refuses them, before a network is made
    return _opened(name, labelled, make_model(name, weights), keep=weights is not None)


def _opened(name: str, data: Dataset, model: "nn.Module", keep: bool) -> OpenedNetwork:
    """The network with the weights of a model, if they are to be kept, checked to fit the data."""
    import torch

    from rnscli.networks.user_model import fitting

    data = fitting(model, data, name)
    stream = io.BytesIO()
    if keep:
        torch.save(model.state_dict(), stream)
    shape = data.test.inputs.shape[1:]
    kept = stream.getvalue() if keep else None
    return OpenedNetwork(PortableNetwork(name, shape, kept, data.whole), data)


def _differ(first: "nn.Module", second: "nn.Module") -> bool:
    """Whether two models that were made with different seeds have different weights."""
    from torch.nn.parameter import is_lazy

    pairs = zip(first.parameters(), second.parameters(), strict=False)
    return any(is_lazy(one) or not one.equal(other) for one, other in pairs)


@lru_cache(maxsize=8)
def _model(network: PortableNetwork) -> "nn.Module":
    return network.made().eval()


@lru_cache(maxsize=64)
def _digest(network: PortableNetwork, seed: int) -> str:
    from rnscli.networks.user_model import digest_of

    return digest_of(network.name, network.made(seed))
