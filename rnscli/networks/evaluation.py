"""Networks computed so that the rest of the process does not matter, and how often they are right.

On one thread, with random numbers of their own, in eval mode.
"""

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from rnscli.networks.data import Inputs, LabelledData, Labels, Logits

# PyTorch's random numbers and number of threads, the module path and standard output belong to the
# whole process: whoever puts others in their place for a while is alone with them. Runs of a batch
# and tasks of a cluster are threads.
ALONE = threading.RLock()


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread, so that bytes do not depend on the number of processors.

    The number that there was before comes back at the end; until then other threads wait for it.
    """
    with ALONE:
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)


class RandomStream:
    """A sequence that takes the place of torch's global random numbers while it is in use.

    Initialisers and dropout of torch, and modules of users, draw from the global generator. With
    a stream in its place they neither depend on what was drawn before, nor disturb what is drawn
    after. Other threads that use a stream wait until it is not in use any more.

    Parameters
    ----------
    seed
        Seed of the sequence.

    Examples
    --------
    >>> stream = RandomStream(1)
    >>> with stream.in_use():
    ...     first = torch.rand(2)
    >>> with RandomStream(1).in_use():
    ...     bool((torch.rand(2) == first).all()), bool((torch.rand(2) == first).any())
    (True, False)
    """

    def __init__(self, seed: int) -> None:
        self.state = torch.Generator().manual_seed(seed).get_state()

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Draw from this sequence, from where it was left."""
        with ALONE:
            before = torch.get_rng_state()
            torch.set_rng_state(self.state)
            try:
                yield
            finally:
                self.state = torch.get_rng_state()
                torch.set_rng_state(before)


BATCH_SIZE = 256


@dataclass(frozen=True)
class Score:
    """Mean cross-entropy, in nats, and samples whose largest logit is that of their class."""

    loss: float
    correct: int
    samples: int

    @property
    def accuracy(self) -> float:
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
    """Loss and accuracy of a network."""
    return score_logits(evaluate(model, data.inputs, batch_size), data.labels)


def score_logits(logits: Logits, labels: Labels) -> Score:
    """Loss and accuracy of logits ``(N, classes)``."""
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
