"""Map a function over block numbers, in order, on one or more processes."""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

Result = TypeVar("Result")
# What a block needs of the argument, where that is less than all of it.
Narrow = Callable[[Any, int], Any]


def map_here(
    function: Callable[..., Result], argument: object, blocks: int, narrow: Narrow | None = None
) -> Iterator[Result]:
    """Results of ``function(argument, block)`` for each block, in this process."""
    del narrow  # nothing is sent anywhere
    for block in range(blocks):
        yield function(argument, block)


@contextmanager
def block_mapper(jobs: int) -> "Iterator[Callable[..., Iterator[Result]]]":
    """A `map_here` that uses ``jobs`` processes; the pool lives as long as the context.

    Results come in block order whatever order they finish in, so what is made of them does not
    depend on ``jobs``. Only a few blocks a process are under way at once, which bounds memory; each
    is sent ``narrow(argument, block)`` in the place of the argument.

    Processes are not forked from this one, whose threads they would not have: as everywhere with
    multiprocessing, a script that uses more than one guards its main part with
    ``if __name__ == "__main__":``.

    Examples
    --------
    >>> with block_mapper(1) as map_blocks:
    ...     list(map_blocks(pow, 2, 4))
    [1, 2, 4, 8]
    """
    if jobs == 1:
        yield map_here
        return
    available = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in available else "spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:

        def map_pool(
            function: Callable[..., Result],
            argument: object,
            blocks: int,
            narrow: Narrow | None = None,
        ) -> Iterator[Result]:
            waiting: deque[Future[Result]] = deque()
            try:
                for block in range(blocks):
                    sent = argument if narrow is None else narrow(argument, block)
                    waiting.append(pool.submit(function, sent, block))
                    if len(waiting) > 3 * jobs:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()

        yield map_pool
