"""Where blocks are computed: in this process, or in others of this machine."""

import multiprocessing
import multiprocessing.connection
import os
import queue
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection
from typing import Any, Protocol

from rnscli.core.errors import RnscliError

_SIGNALS = {signal.SIGINT, signal.SIGTERM}
_GRACE = 1.0  # seconds for blocks under way that nobody waits for, at the end of a run
Token = tuple[int, int]  # names a call: a work and a block of it


class Engine(Protocol):
    """Computes function calls that are named by tokens, and returns them as they finish."""

    @property
    def capacity(self) -> int:
        """How many calls are worth being under way at once."""
        ...

    @property
    def shares_files(self) -> bool:
        """Whether calls can read the files of this machine."""
        ...

    def submit(self, token: Token, function: Callable[..., Any], *arguments: Any) -> None:
        """Begin a call."""
        ...

    def next_done(self) -> tuple[Token, Any]:
        """A call that has finished, and its result; raises what the call raised."""
        ...

    def cancel(self, tokens: set[Token]) -> None:
        """Forget calls; those that run may run on, but are not returned."""
        ...


class Here:
    """One call after the other, in this process."""

    capacity = 1
    shares_files = True

    def __init__(self) -> None:
        """With nothing to do."""
        self._calls: dict[Token, Callable[[], Any]] = {}

    def submit(self, token: Token, function: Callable[..., Any], *arguments: Any) -> None:
        """Keep the call for `next_done`."""
        self._calls[token] = lambda: function(*arguments)

    def next_done(self) -> tuple[Token, Any]:
        """Compute the oldest call."""
        token = next(iter(self._calls))
        return token, self._calls.pop(token)()

    def cancel(self, tokens: set[Token]) -> None:
        """Drop calls."""
        for token in tokens:
            self._calls.pop(token, None)


class _Processes:
    """Calls in a pool of processes."""

    shares_files = True

    def __init__(self, pool: ProcessPoolExecutor, jobs: int) -> None:
        self.capacity = 2 * jobs + 1  # each has its next call at hand
        self._pool = pool
        self._tokens: dict[Future[Any], Token] = {}
        # In the order in which they end: results come before the error that ends the pool.
        self._done: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()

    def submit(self, token: Token, function: Callable[..., Any], *arguments: Any) -> None:
        try:
            future: Future[Any] = self._pool.submit(function, *arguments)
        except BrokenProcessPool as error:  # that is for `next_done` to tell, after all results
            future = Future()
            future.set_exception(error)
        self._tokens[future] = token
        future.add_done_callback(self._done.put)

    def next_done(self) -> tuple[Token, Any]:
        token = None
        while token is None:
            future = self._done.get()
            token = self._tokens.pop(future, None)  # none for what was cancelled
        try:
            return token, future.result()
        except BrokenProcessPool:
            raise RnscliError(
                "a worker process has died, perhaps for lack of memory, or because a script "
                'lacks its `if __name__ == "__main__":`; start again with fewer `jobs` '
                "(finished blocks are in the store, if there is one)"
            ) from None

    def cancel(self, tokens: set[Token]) -> None:
        for future, token in list(self._tokens.items()):
            # Another thread may have taken its result meanwhile.
            if token in tokens and self._tokens.pop(future, None) is not None:
                future.cancel()


def _end_when_told(alive: Connection) -> None:
    """End this process when the one that it works for closes its end of a pipe, or has ended.

    Killed, that could not tell it to; and an interrupted user does not wait for blocks.
    """

    def watch() -> None:
        multiprocessing.connection.wait([alive])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def local_engine(jobs: int) -> Iterator[Engine]:
    """``jobs`` processes of this machine, for as long as the context lives.

    Processes are not forked from this one, whose threads they would not have: as everywhere with
    multiprocessing, a script that uses more than one guards its main part with
    ``if __name__ == "__main__":``.
    """
    if jobs == 1:
        yield Here()
        return
    available = multiprocessing.get_all_start_methods()
    method = "forkserver" if "forkserver" in available else "spawn"
    if method == "forkserver":
        _start_forkserver()
    context = multiprocessing.get_context(method)
    theirs, ours = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(
        jobs, mp_context=context, initializer=_end_when_told, initargs=(theirs,)
    )
    try:
        yield _Processes(pool, jobs)
    finally:
        with _no_interrupts():
            ending = threading.Thread(target=pool.shutdown, kwargs={"cancel_futures": True})
            ending.start()
            # Not at once: the pool would wait for the rest of a result that a worker is just
            # sending. Nor forever: of a pool that has lost a worker, others do not end themselves.
            ending.join(_GRACE)
            ours.close()
            ending.join()
        theirs.close()


def _start_forkserver() -> None:
    """Start what the workers are forked from, so that they do not see Ctrl-C or SIGTERM.

    A whole group of processes is sent these, and it is for this one to end the others. What is
    blocked here is blocked in what is started; it reaches this process when the block is lifted.
    """
    resource_tracker.ensure_running()  # would lift the block when it is started later
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


@contextmanager
def _no_interrupts() -> Iterator[None]:
    """Ignore further interrupts."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may decide that
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
