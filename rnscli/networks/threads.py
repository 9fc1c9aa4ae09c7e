"""How many threads compute: sums that are split among threads round differently."""

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
