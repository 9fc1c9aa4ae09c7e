"""Whether a network and the data that it is to be tested with belong together."""

import contextlib
import itertools
import sys

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from rnscli.core.errors import InputError
from rnscli.networks.data import Dataset
from rnscli.networks.evaluation import inference
from rnscli.networks.random_stream import RandomStream
from rnscli.networks.sentences import said
from rnscli.networks.threads import one_thread

_SAMPLES = 2  # a model that forgets the axis of the samples may do well with one


def settle(model: nn.Module, shape: tuple[int, ...], seed: int) -> None:
    """Let the layers of a model infer their sizes, where any still have to.

    Until then they have no weights to be counted, and are of classes of their own.

    Parameters
    ----------
    model
        It is changed in place.
    shape
        Of a single input.
    seed
        Of the weights that are drawn.
    """
    if any(map(is_lazy, itertools.chain(model.parameters(), model.buffers()))):
        # Not the numbers again that the other layers had.
        with one_thread(), inference(model), RandomStream(seed ^ 0x1A27).in_use():
            model(torch.zeros(_SAMPLES, *shape))


def check_fit(model: nn.Module, data: Dataset, name: str) -> int:
    """Number of classes of a model, which is run on the first samples.

    Parameters
    ----------
    model
        In full precision.
    data
        Its test samples are shown to the model; labels to train with are looked at, too.
    name
        What the user calls the model.

    Raises
    ------
    InputError
        If the model raises an error, its output is not ``(N, classes)`` finite real numbers, or
        a label is of a class that it does not have.

    Examples
    --------
    >>> from rnscli.networks.cnn import make
    >>> from rnscli.networks.digits import digits
    >>> check_fit(make(), digits(), "mine")
    10
    """
    inputs = data.test.inputs[:_SAMPLES]
    shape = tuple(inputs.shape)
    with (
        one_thread(),
        inference(model),
        RandomStream(0).in_use(),
        contextlib.redirect_stdout(sys.stderr),
    ):
        try:
            logits: object = model(torch.from_numpy(inputs))
        except Exception as error:
            raise InputError(
                f"`model` {name} cannot take inputs of shape {shape} from `data` {data.name}: "
                f"{said(error)}"
            ) from None
    if not isinstance(logits, Tensor):
        raise InputError(
            f"`model` {name} gives a {type(logits).__name__} for inputs of shape {shape}; it must "
            "give a tensor of logits, (N, classes)"
        )
    good = logits.dim() == 2 and len(logits) == len(inputs) and logits.shape[1] > 0
    if not good or not logits.is_floating_point():
        raise InputError(
            f"`model` {name} gives {logits.dtype} of shape {tuple(logits.shape)} for inputs of "
            f"shape {shape}; it must give real logits of shape ({len(inputs)}, classes)"
        )
    if not torch.isfinite(logits).all():
        raise InputError(
            f"`model` {name} gives NaN or infinity for inputs of shape {shape}; its logits must "
            "be finite"
        )
    classes = logits.shape[1]
    for part in (data.test, data.train):
        if part is not None and part.classes > classes:
            raise InputError(
                f"`data` {data.name} has a label of {part.classes - 1}, and `model` {name} has "
                f"{classes} outputs; labels must be from 0 to {classes - 1}"
            )
    return classes
