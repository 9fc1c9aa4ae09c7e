"""Map a function over block numbers, in order, on one or more processes."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Result = TypeVar("Result")
# map_blocks(function, argument, blocks): the results of function(argument, block), in order.
MapBlocks = Callable[[Callable[..., Result], object, int], Iterator[Result]]


def map_here(function: Callable[..., Result], argument: object, blocks: int) -> Iterator[Result]:
    """Results of ``function(argument, block)`` for each block, in this process."""
    for block in range(blocks):
        yield function(argument, block)


@contextmanager
def block_mapper(jobs: int) -> "Iterator[Callable[..., Iterator[Result]]]":
    """A `map_here` that uses ``jobs`` processes; the pool lives as long as the context.

    Results come in block order whatever order they finish in, so what is made of them does not
    depend on ``jobs``. Only a few blocks a process are under way at once, which bounds memory.

    Examples
    --------
    >>> with block_mapper(1) as map_blocks:
    ...     list(map_blocks(pow, 2, 4))
    [1, 2, 4, 8]
    """
    if jobs == 1:
        yield map_here
        return
    with ProcessPoolExecutor(jobs) as pool:

        def map_pool(
            function: Callable[..., Result], argument: object, blocks: int
        ) -> Iterator[Result]:
            waiting: deque[Future[Result]] = deque()
            try:
                for block in range(blocks):
                    waiting.append(pool.submit(function, argument, block))
                    if len(waiting) > 3 * jobs:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()

        yield map_pool
