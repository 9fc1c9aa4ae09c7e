"""The networks that are shipped: how to make and how to train each."""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

from torch import nn

from rnscli.base.checks import check_choice
from rnscli.networks.models import attention, cnn, residual_cnn, transformer
from rnscli.networks.recipe import Recipe


@dataclass(frozen=True)
class ShippedNetwork:
    """A network and its default training.

    Parameters
    ----------
    make
        Makes it, untrained, from a seed (0 if not given).
    recipe
        How its full-precision weights are trained.
    sources
        Modules that it is written in.
    """

    make: Callable[..., nn.Module]
    recipe: Recipe
    sources: tuple[ModuleType, ...]


_NETWORKS = {
    "digits-cnn": ShippedNetwork(cnn.make, Recipe(epochs=20), (cnn,)),
    "digits-resnet": ShippedNetwork(residual_cnn.make, Recipe(epochs=10), (residual_cnn,)),
    "digits-transformer": ShippedNetwork(
        transformer.make, Recipe(epochs=30), (transformer, attention)
    ),
}


def shipped(name: str) -> ShippedNetwork:
    """A network by its name in `rnscli.networks.names.SHIPPED`.

    Raises
    ------
    InputError
        If there is no such network.

    Examples
    --------
    >>> shipped("digits-resnet").recipe.epochs
    10
    """
    return _NETWORKS[check_choice("model", name, tuple(_NETWORKS))]
