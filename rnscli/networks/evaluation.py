"""What a network answers, and how often it is right."""

import contextlib
import itertools
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from rnscli.base import InputError, said
from rnscli.networks.data import Dataset, Inputs, LabelledData, Labels, Logits
from rnscli.networks.determinism import RandomStream, one_thread

BATCH_SIZE = 256


@dataclass(frozen=True)
class Score:
    """How well a network does on labelled data.

    Parameters
    ----------
    loss
        Mean cross-entropy, in nats.
    correct
        Samples whose largest logit is that of their class.
    samples
        All samples.
    """

    loss: float
    correct: int
    samples: int

    @property
    def accuracy(self) -> float:
        """Share of correct samples, from 0 to 1."""
        return self.correct / self.samples


def evaluate(model: nn.Module, inputs: Inputs, batch_size: int = BATCH_SIZE) -> Logits:
    """Logits of all samples, ``(N, classes)``: on one thread, in eval mode, without gradients.

    Every module gets back the mode that it was in.

    Parameters
    ----------
    model
        A network, converted or not.
    inputs
        Samples, ``(N, ...)``.
    batch_size
        Largest number of samples that are computed together; batches differ by at most one.

    Examples
    --------
    >>> evaluate(nn.Linear(3, 2), np.zeros((5, 3), np.float32)).shape
    (5, 2)
    """
    with one_thread(), inference(model):
        # Equal parts: a model may treat a single sample that is left over in another way.
        batches = torch.from_numpy(inputs).tensor_split(math.ceil(len(inputs) / batch_size))
        logits: Logits = torch.cat([model(batch) for batch in batches]).float().numpy()
    return logits


def score(model: nn.Module, data: LabelledData, batch_size: int = BATCH_SIZE) -> Score:
    """Loss and accuracy of a network.

    Parameters
    ----------
    model, batch_size
        See `evaluate`.
    data
        Samples and their classes.
    """
    return score_logits(evaluate(model, data.inputs, batch_size), data.labels)


def score_logits(logits: Logits, labels: Labels) -> Score:
    """Loss and accuracy of logits ``(N, classes)``.

    Examples
    --------
    >>> found = score_logits(np.array([[2, 0], [0, 0.5]], np.float32), np.array([0, 0]))
    >>> round(found.loss, 4), found.correct, found.accuracy
    (0.5505, 1, 0.5)
    """
    with one_thread():  # of float64, whose rounding a few hundred terms do not show
        loss = nn.functional.cross_entropy(
            torch.from_numpy(logits).double(), torch.from_numpy(labels)
        )
    correct = int(np.count_nonzero(logits.argmax(1) == labels))
    return Score(loss=float(loss), correct=correct, samples=len(labels))


@contextmanager
def inference(model: nn.Module) -> Iterator[None]:
    """Eval mode, without gradients; at the end every module is in the mode that it was in."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, training in modes.items():
            module.training = training


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
    >>> from rnscli.networks.models.cnn import make
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
