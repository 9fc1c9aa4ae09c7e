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

from rnscli.base import InputError
from rnscli.networks.data import Inputs, LabelledData, Labels, Logits
from rnscli.networks.outputs import tensor_of, training_loss
from rnscli.networks.tasks import IGNORED, VALUES, judged, right_of, task_of

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
    """How far outputs are from labels, and how many of what is judged is right.

    ``loss`` is the mean cross-entropy in nats, of values the mean square error. ``samples`` are
    what is judged and counts: samples, places of these, or spans; ``correct`` of them have their
    class as the largest score, which is ``None`` of values.
    """

    loss: float
    correct: int | None
    samples: int

    @property
    def accuracy(self) -> float | None:
        """The share that is right; ``None`` of values."""
        return None if self.correct is None else self.correct / self.samples


def evaluate(model: nn.Module, inputs: Inputs, batch_size: int = BATCH_SIZE) -> Logits:
    """Outputs of all samples, ``(N, ...)``: on one thread, in eval mode, without gradients.

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
        parts = _equal_parts(len(inputs), math.ceil(len(inputs) / batch_size))
        batches = (torch.from_numpy(inputs[part]) for part in parts)
        outputs: Logits = torch.cat([tensor_of(model(batch)) for batch in batches]).float().numpy()
    return outputs


def _equal_parts(samples: int, count: int) -> Iterator[slice]:
    """As ``tensor_split`` cuts, without a tensor of all."""
    size, more = divmod(samples, count)
    stop = 0
    for index in range(count):
        start, stop = stop, stop + size + (index < more)
        yield slice(start, stop)


def score(model: nn.Module, data: LabelledData, batch_size: int = BATCH_SIZE) -> Score:
    """Loss and accuracy of a network."""
    return score_logits(evaluate(model, data.inputs, batch_size), data.labels)


def score_logits(logits: Logits, labels: Labels | None) -> Score:
    """Loss of outputs, and how many of the samples, or of their places, that count are right.

    Raises
    ------
    InputError
        If there are no labels that belong to such outputs, or none that counts.
    """
    task = task_of(labels, logits.shape)
    if task is None or labels is None:
        raise InputError("`data` has no labels that the outputs of the network could be right by")
    wanted = task.wanted(labels)
    if task.compared != VALUES and not (wanted != IGNORED).any():
        raise InputError(f"`data` has no label that counts to test with; all are {IGNORED}")
    with one_thread():  # of float64, whose rounding a few hundred terms do not show
        loss = training_loss(torch.from_numpy(logits).double(), _doubles(labels))
    if task.compared == VALUES:
        return Score(loss=float(loss), correct=None, samples=len(labels))
    places = right_of(task, task.scores(logits), wanted)
    right, asked = (int(np.count_nonzero(one)) for one in judged(task, places, wanted))
    return Score(loss=float(loss), correct=right, samples=asked)


def _doubles(labels: Labels) -> torch.Tensor:
    found = torch.from_numpy(labels)
    return found.double() if found.is_floating_point() else found


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
