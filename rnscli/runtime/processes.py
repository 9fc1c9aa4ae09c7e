"""Processes of this machine as an engine, and one engine that several threads share."""

import atexit
import math
import multiprocessing
import os
import pickle
import queue
import signal
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnscli.base import EngineError, RnscliError, uninterrupted
from rnscli.runtime.engine import Engine, Here, Token

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext


_SIGNALS = {signal.SIGINT, signal.SIGTERM}
_UNSTARTED = "rnscli.runtime.unstarted"
_PATIENCE = 0.5  # seconds for processes that are just being started as a run ends
_DIED = (
    "a worker process has died, perhaps for lack of memory, or because a script lacks its "
    '`if __name__ == "__main__":`; start again with fewer `jobs` (finished blocks are in the '
    "store, if there is one)"
)
_Call = tuple[int, Callable[..., Any], tuple[Any, ...]]  # with its number
_Outcome = tuple[bool, Any]  # whether a call has succeeded, and its result or what it has raised


class _WorkerError(Exception):
    """Where a worker has raised an error: its traceback, which cannot be sent otherwise."""


class _Processes:
    """Calls in processes, one at a time in each.

    A thread of this process belongs to each of them: it sends a call, waits for the result, and
    takes the next call. Processes share nothing with each other, neither a queue nor a lock, but
    have a pipe each; so any of them may be killed at any moment, in the midst of sending a result
    too, and nobody waits for the rest of it. (A `ProcessPoolExecutor` does, as all its processes
    write into one pipe, which it holds open itself.) And the main thread only ever waits for
    results: a signal, whose handler it runs, breaks into nothing.
    """

    shares_files = True

    def __init__(self, context: "ForkServerContext | SpawnContext", jobs: int) -> None:
        self.capacity = 2 * jobs + 1  # each has its next call at hand
        self._context = context
        self._jobs = jobs
        self._numbers = count()
        self._tokens: dict[int, Token] = {}
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        # In the order in which they end: results come before the news of a process that has died.
        self._done: queue.SimpleQueue[tuple[int, _Outcome]] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._processes: list[BaseProcess] = []
        self._closed = False
        atexit.register(self.close)  # at exit Python waits for all processes that still run

    def submit(self, token: Token, function: Callable[..., Any], *arguments: Any) -> None:
        number = next(self._numbers)
        self._tokens[number] = token
        self._calls.put((number, function, arguments))
        if len(self._threads) < self._jobs:
            thread = threading.Thread(target=self._serve, daemon=True)
            self._threads.append(thread)
            thread.start()

    def next_done(self) -> tuple[Token, Any]:
        token = None
        while token is None:
            number, outcome = self._done.get()
            token = self._tokens.pop(number, None)  # none for what was cancelled
        succeeded, result = outcome
        if not succeeded:
            error, place = result  # where a worker has raised it, as text
            raise error from _WorkerError(place) if place else None
        return token, result

    def cancel(self, tokens: set[Token]) -> None:
        for number, token in list(self._tokens.items()):
            if token in tokens:
                self._tokens.pop(number, None)  # another thread may have taken its result meanwhile

    def close(self) -> None:
        """End all processes, whatever they are at."""
        self._closed = True
        atexit.unregister(self.close)
        for _ in self._threads:
            self._calls.put(None)
        for process in list(self._processes):
            process.kill()  # they do not see SIGTERM
        patience = time.monotonic() + _PATIENCE
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, patience - time.monotonic()))
        for process in self._processes:
            process.join(max(0.0, patience - time.monotonic()))

    def _serve(self) -> None:
        """Compute calls, in a process that is started for the first of them."""
        pipe: Connection | None = None
        while (call := self._calls.get()) is not None:
            number, function, arguments = call
            if self._closed or number not in self._tokens:
                continue
            try:
                message = pickle.dumps((function, arguments), pickle.HIGHEST_PROTOCOL)
                pipe = pipe or self._start()
                try:
                    pipe.send_bytes(message)
                    answer = pipe.recv_bytes()
                except (EOFError, OSError):
                    pipe = None
                    raise RnscliError(_DIED) from None
                outcome: _Outcome = pickle.loads(answer)
            except Exception as error:  # results of other versions of a module, say
                outcome = False, (error, "")
            self._done.put((number, outcome))

    def _start(self) -> Connection:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_compute, args=(theirs,))
        process.start()
        theirs.close()  # so that the end of the process is the end of the pipe
        self._processes.append(process)
        if self._closed:  # meanwhile
            process.kill()
        return ours


def _compute(pipe: Connection) -> None:
    """Compute the calls that come from a pipe, until the process at its other end has ended.

    Killed, that could not say so; and an interrupted user does not wait for calls under way.
    """
    calls: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def read() -> None:
        while True:
            try:
                calls.put(pipe.recv_bytes())
            except (EOFError, OSError):
                os._exit(1)

    threading.Thread(target=read, daemon=True).start()
    while True:
        answer = _answer(calls.get())
        with suppress(OSError):  # nobody wants it any more
            pipe.send_bytes(answer)


def _answer(message: bytes) -> bytes:
    try:
        function, arguments = pickle.loads(message)
        result = function(*arguments)
        print(end="", flush=True)  # what the call has printed, as this process may be killed
        return pickle.dumps((True, result), pickle.HIGHEST_PROTOCOL)
    except BaseException as error:
        text = traceback.format_exc()
        try:
            return pickle.dumps((False, (error, text)))
        except Exception:
            return pickle.dumps((False, (RnscliError(repr(error)), text)))


_QUOTA = Path("/sys/fs/cgroup/cpu.max")  # of Linux, cgroup v2: microseconds in a period


def available_cores() -> int:
    """Cores that this process may use, within what a container allows."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on macOS and Windows
    cores = len(affinity(0)) if affinity is not None else os.cpu_count() or 1
    with suppress(OSError, ValueError):  # no such file, or no limit: max
        allowed, period = map(int, _QUOTA.read_text().split())
        cores = min(cores, math.ceil(allowed / period))
    return max(1, cores)


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
    context: ForkServerContext | SpawnContext
    if "forkserver" in multiprocessing.get_all_start_methods():
        with uninterrupted():
            _start_forkserver()
        context = multiprocessing.get_context("forkserver")
    else:
        context = multiprocessing.get_context("spawn")
    engine = _Processes(context, jobs)
    try:
        yield engine
    finally:
        with uninterrupted():
            engine.close()


def _start_forkserver() -> None:
    """Start what the workers are forked from, so that they do not see Ctrl-C or SIGTERM.

    A whole group of processes is sent these, and it is for this one to end the others. What is
    blocked here is blocked in what is started; it reaches this process when the block is lifted.
    """
    resource_tracker.ensure_running()  # would lift the block when it is started later
    others = getattr(forkserver._forkserver, "_preload_modules", ["__main__"])  # as scripts may set
    if _UNSTARTED not in others:
        forkserver.set_forkserver_preload([*others, _UNSTARTED])
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        forkserver.ensure_running()
    except OSError as error:  # the name of a socket may be too long, say
        raise RnscliError(
            f"worker processes cannot be started: {error} (in {tempfile.gettempdir()}); set TMPDIR "
            "to another folder, or leave out `jobs`"
        ) from None
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


class SharedEngine:
    """An engine whose processes compute for several threads, in the order of their calls.

    Each thread has a part of it, which sees its own calls only; the parts use what stands here.
    The engine itself is used by nobody else meanwhile.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.changed = threading.Condition()  # is held to look at or change anything else
        self.numbers = count()
        self.owners: dict[Token, tuple[_Part, Token]] = {}
        self.somebody_waits = False  # for the engine
        self.broken: BaseException | None = None

    @property
    def capacity(self) -> int:
        return self.engine.capacity

    def part(self) -> Engine:
        """The engine as one thread sees it."""
        return _Part(self)

    def close(self) -> None:
        """End the threads that wait: nobody wants their results any more."""
        with self.changed:
            self.broken = self.broken or EngineError("the engine is closed")
            self.changed.notify_all()


def _outcome(function: Callable[..., Any], *arguments: Any) -> _Outcome:
    """What comes of a call, so that all that the engine raises is its own."""
    try:
        return True, function(*arguments)
    except Exception as error:
        return False, error


class _Part:
    """An engine of which the calls of others are not seen."""

    def __init__(self, shared: SharedEngine) -> None:
        self._shared = shared
        self._received: list[tuple[Token, _Outcome]] = []  # by whichever thread has waited

    @property
    def capacity(self) -> int:
        return self._shared.capacity

    @property
    def shares_files(self) -> bool:
        return self._shared.engine.shares_files

    def submit(self, token: Token, function: Callable[..., Any], *arguments: Any) -> None:
        shared = self._shared
        with shared.changed:
            number = (next(shared.numbers), 0)
            shared.owners[number] = self, token
            try:
                shared.engine.submit(number, _outcome, function, *arguments)
            except RnscliError as error:
                raise EngineError(str(error)) from None

    def cancel(self, tokens: set[Token]) -> None:
        shared = self._shared
        with shared.changed:
            stale = {
                number
                for number, (owner, token) in shared.owners.items()
                if owner is self and token in tokens
            }
            self._received = [pair for pair in self._received if pair[0] not in tokens]
            shared.engine.cancel(stale)
            for number in stale:
                del shared.owners[number]

    def next_done(self) -> tuple[Token, Any]:
        """A call that has finished, and its result; raises what it has raised.

        One of the waiting threads waits for the engine, and hands on what is not its own. If the
        engine is lost, all of them end with an EngineError.
        """
        shared = self._shared
        while True:
            with shared.changed:
                while not self._received and shared.broken is None and shared.somebody_waits:
                    shared.changed.wait()
                if self._received:
                    token, (succeeded, result) = self._received.pop(0)
                    if not succeeded:
                        raise result
                    return token, result
                if shared.broken is not None:
                    raise shared.broken
                shared.somebody_waits = True
            broken: BaseException | None = None
            try:
                number, outcome = shared.engine.next_done()
            except BaseException as error:  # nobody can tell whose it is
                broken = EngineError(str(error)) if isinstance(error, RnscliError) else error
            with shared.changed:
                shared.somebody_waits = False
                if broken is not None:
                    shared.broken = broken
                elif number in shared.owners:  # else it was cancelled
                    part, token = shared.owners.pop(number)
                    part._received.append((token, outcome))
                shared.changed.notify_all()
            if broken is not None:
                raise broken
