"""What a network answers, and how often it is right."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from rnscli.networks.data import Inputs, LabelledData, Labels, Logits
from rnscli.networks.threads import one_thread

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
