"""Random numbers of one owner, whatever others draw from the global generator of torch."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

# PyTorch's random numbers and number of threads, the module path and standard output belong to the
# whole process: whoever puts others in their place for a while is alone with them. Runs of a batch
# and tasks of a cluster are threads.
ALONE = threading.RLock()


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread, so that bytes do not depend on the number of processors.

    The number that there was before comes back at the end; until then other threads wait for it.

    Examples
    --------
    >>> with one_thread():
    ...     torch.get_num_threads()
    1
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
