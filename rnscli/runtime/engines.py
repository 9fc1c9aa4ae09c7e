"""Where blocks are computed: in this process, or in others of this machine."""

import multiprocessing
import multiprocessing.connection
import os
import queue
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection
from typing import Any, Protocol

from rnscli.base.errors import EngineError, RnscliError

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

    def submit(self, token: Token, function: Callable[..., Any], *arguments: Any) -> None: ...

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
        self._calls: dict[Token, Callable[[], Any]] = {}

    def submit(self, token: Token, function: Callable[..., Any], *arguments: Any) -> None:
        self._calls[token] = lambda: function(*arguments)

    def next_done(self) -> tuple[Token, Any]:
        token = next(iter(self._calls))
        return token, self._calls.pop(token)()

    def cancel(self, tokens: set[Token]) -> None:
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
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may decide that
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class SharedEngine:
    """An engine whose processes compute for several threads, in the order in which they ask.

    Parameters
    ----------
    engine
        What computes; used by nobody else meanwhile.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._numbers = count()
        self._owners: dict[Token, tuple[_Part, Token]] = {}
        self._changed = threading.Condition()
        self._somebody_waits = False
        self._broken: BaseException | None = None

    @property
    def capacity(self) -> int:
        return self._engine.capacity

    @property
    def shares_files(self) -> bool:
        return self._engine.shares_files

    def part(self) -> Engine:
        """The engine as one thread sees it."""
        return _Part(self)

    def submit(
        self, part: "_Part", token: Token, function: Callable[..., Any], *arguments: Any
    ) -> None:
        with self._changed:
            number = (next(self._numbers), 0)
            self._owners[number] = part, token
            try:
                self._engine.submit(number, _outcome, function, *arguments)
            except RnscliError as error:
                raise EngineError(str(error)) from None

    def cancel(self, part: "_Part", tokens: set[Token]) -> None:
        with self._changed:
            numbers = {
                number
                for number, (owner, token) in self._owners.items()
                if owner is part and token in tokens
            }
            part.done = deque(pair for pair in part.done if pair[0] not in tokens)
            self._engine.cancel(numbers)
            for number in numbers:
                del self._owners[number]

    def close(self) -> None:
        """End the threads that wait: nobody wants their results any more."""
        with self._changed:
            self._broken = self._broken or EngineError("the engine is closed")
            self._changed.notify_all()

    def next_done(self, part: "_Part") -> tuple[Token, Any]:
        """A call of a part that has finished, and its result.

        One of the waiting threads waits for the engine, and hands on what is not its own.

        Raises
        ------
        EngineError
            If the engine is lost, in all threads.
        Exception
            What the call has raised, in the thread whose call it is.
        """
        while True:
            with self._changed:
                while not part.done and self._broken is None and self._somebody_waits:
                    self._changed.wait()
                if part.done:
                    token, result = part.done.popleft()
                    if isinstance(result, _Raised):
                        raise result.error
                    return token, result
                if self._broken is not None:
                    raise self._broken
                self._somebody_waits = True
            try:
                number, result = self._engine.next_done()
            except BaseException as error:
                broken = EngineError(str(error)) if isinstance(error, RnscliError) else error
                with self._changed:
                    self._somebody_waits = False
                    self._broken = broken  # nobody can tell whose it is
                    self._changed.notify_all()
                raise broken from None
            with self._changed:
                self._somebody_waits = False
                owner = self._owners.pop(number, None)
                if owner is not None:
                    owner[0].done.append((owner[1], result))
                self._changed.notify_all()


@dataclass(frozen=True)
class _Raised:
    """What a call has raised, on its way to the thread whose call it is."""

    error: Exception


def _outcome(function: Callable[..., Any], *arguments: Any) -> Any:
    """The result of a call, or what it has raised: all that the engine raises is its own then."""
    try:
        return function(*arguments)
    except Exception as error:
        return _Raised(error)


class _Part:
    """An engine of which the calls of others are not seen."""

    def __init__(self, shared: SharedEngine) -> None:
        self._shared = shared
        self.done: deque[tuple[Token, Any]] = deque()

    @property
    def capacity(self) -> int:
        return self._shared.capacity

    @property
    def shares_files(self) -> bool:
        return self._shared.shares_files

    def submit(self, token: Token, function: Callable[..., Any], *arguments: Any) -> None:
        self._shared.submit(self, token, function, *arguments)

    def next_done(self) -> tuple[Token, Any]:
        return self._shared.next_done(self)

    def cancel(self, tokens: set[Token]) -> None:
        self._shared.cancel(self, tokens)
