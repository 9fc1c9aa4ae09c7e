"""Blocks on a Dask cluster: the same results from more than one machine."""

import importlib.util
import math
import queue
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from rnscli.base import InputError, RnscliError, install_command, said
from rnscli.runtime.description import versions
from rnscli.runtime.engine import Engine, Token

if TYPE_CHECKING:
    from distributed import Client, Future

_PATIENCE = 10.0  # seconds for the scheduler to answer, and for a first worker
_RECOUNT = 2.0  # seconds after which workers may have come or gone
_ANSWER = 2.0  # seconds for a question to the scheduler
_RETRIES = 3  # times a block is sent again after several workers have died over it
_NO_WORKERS = (
    "the scheduler has no workers left; waiting for one to come back (one that lacks rnscli ends "
    "as soon as it is sent a block)"
)
_SILENT = f"the scheduler has not answered for {_PATIENCE:.0f} s; waiting for it"
_CANNOT = "the `scheduler` or a worker of it cannot run rnscli: {}; install it there"
_LOST = (
    "the connection to the `scheduler` is lost; start again when it is back "
    "(finished blocks are in the store, if there is one)"
)


class _Cluster:
    """Calls on the workers of a Dask scheduler.

    A call whose worker dies runs again on another one: the scheduler does that. The arguments
    travel with the call, so nothing that is lost with a worker is needed.
    """

    shares_files = False

    def __init__(self, client: "Client") -> None:
        self._client = client
        self._done: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()
        self._tokens: dict[Future[Any], Token] = {}
        self._calls: dict[Token, tuple[int, Callable[..., Any], tuple[Any, ...]]] = {}
        self._versions = _versions()
        self._threads = (0, -math.inf)  # and when they were counted
        self._heard = time.monotonic()  # of the scheduler

    @property
    def capacity(self) -> int:
        threads, counted = self._threads
        if time.monotonic() - counted > _RECOUNT:
            # A lost connection, which has several ways to fail, is for `next_done` to tell.
            with suppress(OSError, RuntimeError, AttributeError):
                threads = sum(self._client.nthreads(callback_timeout=_ANSWER).values())
                self._heard = time.monotonic()
            self._threads = threads, time.monotonic()
            if time.monotonic() - self._heard > _PATIENCE:
                warnings.warn(_SILENT, RuntimeWarning, stacklevel=2)
        return 2 * threads + 1

    def submit(self, token: Token, function: Callable[..., Any], *arguments: Any) -> None:
        self._send(token, _RETRIES, function, arguments)

    def _send(
        self, token: Token, retries: int, function: Callable[..., Any], arguments: tuple[Any, ...]
    ) -> None:
        self._check_connection()
        # Not pure: Dask would hash the arguments, and remember results of other clients. Some
        # versions take a tuple that begins with a function, in the arguments, for a call of it.
        call = partial(_call, self._versions, function, arguments)
        try:
            future = self._client.submit(call, pure=False)
        except Exception:
            self._check_connection()  # it may have been lost in between
            raise
        self._tokens[future] = token
        self._calls[token] = (retries, function, arguments)
        future.add_done_callback(self._done.put)

    def next_done(self) -> tuple[Token, Any]:
        from concurrent.futures import CancelledError

        from distributed import KilledWorker

        while True:
            try:
                future = self._done.get(timeout=_RECOUNT)
            except queue.Empty:
                self._check_connection()  # what is sent while it breaks is never done
                # Of a scheduler that does not answer nobody knows whether it has any.
                if self.capacity == 1 and self._heard >= self._threads[1] - _ANSWER / 2:
                    warnings.warn(_NO_WORKERS, RuntimeWarning, stacklevel=2)
                continue
            token = self._tokens.pop(future, None)
            if token is None:  # cancelled
                continue
            retries, function, arguments = self._calls.pop(token)
            try:
                return token, future.result()
            except RnscliError:
                raise
            except KilledWorker:
                if not retries:
                    raise RnscliError(
                        "a block has ended every worker that it ran on, perhaps for lack of memory"
                    ) from None
                self._send(token, retries - 1, function, arguments)
            except (CancelledError, OSError):
                if future.status == "error":  # it is what the call itself has raised
                    raise
                raise RnscliError(_LOST) from None
            except (ImportError, RuntimeError) as error:
                # A scheduler that cannot read a call answers with another error about it.
                missing = error if isinstance(error, ImportError) else error.__cause__
                if not isinstance(missing, ImportError):
                    raise
                raise RnscliError(_CANNOT.format(missing)) from None

    def _check_connection(self) -> None:
        # Dask may yet connect again, but it has forgotten all calls by then.
        if self._client.status != "running":
            raise RnscliError(_LOST)

    def cancel(self, tokens: set[Token]) -> None:
        stale = []
        for future, token in list(self._tokens.items()):
            # Another thread may have taken its result meanwhile.
            if token in tokens and self._tokens.pop(future, None) is not None:
                del self._calls[token]
                stale.append(future)
        if stale and self._client.status == "running":  # else Dask has forgotten them itself
            with suppress(Exception):  # or does so at this moment
                self._client.cancel(stale)


def _versions() -> dict[str, str]:
    from rnscli import __version__

    return {"rnscli": __version__, **versions()}


def _call(wanted: dict[str, str], function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """Run on a worker; refuse one whose results could differ."""
    here = _versions()
    for name, version in wanted.items():
        if here.get(name) != version:
            raise InputError(
                f"a worker of the `scheduler` has {name} {here.get(name)}, but here is {version}; "
                "results would differ, so install the same there"
            )
    return function(*arguments)


@contextmanager
def dask_engine(address: str) -> Iterator[Engine]:
    """The workers of the Dask scheduler at ``tcp://HOST:PORT``; needs the extra ``distributed``.

    A worker that dies costs only the blocks that it was computing: they run again elsewhere.

    Raises
    ------
    InputError
        If Dask is not installed, no scheduler answers, or it has no workers.
    """
    if importlib.util.find_spec("distributed") is None:
        raise InputError(
            f"`scheduler` needs Dask; install it with: {install_command('rnscli[distributed]')}"
        ) from None
    client = _client(address)
    try:
        try:
            client.wait_for_workers(1, timeout=_PATIENCE)
        except TimeoutError:
            raise InputError(f"`scheduler` {address} has no workers; start one there") from None
        except OSError:
            raise RnscliError(_LOST) from None
        _check_workers(client, address)
        yield _Cluster(client)
    finally:
        with suppress(OSError):  # also what it raises when it takes too long
            client.close(timeout=_PATIENCE)


def _check_workers(client: "Client", address: str) -> None:
    """Refuse workers without rnscli: Dask ends a worker that cannot read what it is sent."""
    call = partial(client.run, exec, f"import {__name__}", on_error="return")
    try:
        answers: dict[str, object] = _in_time(call, 2 * _PATIENCE)
    except OSError:
        raise InputError(f"`scheduler` {address} has a worker that does not answer") from None
    for worker, answer in answers.items():
        if isinstance(answer, BaseException):
            raise RnscliError(_CANNOT.format(f"{worker} says {said(answer)}"))


_Answer = TypeVar("_Answer")


def _in_time(call: Callable[[], _Answer], patience: float) -> _Answer:
    """What a call returns or raises; a TimeoutError where it may take for ever."""
    answers: queue.SimpleQueue[tuple[bool, Any]] = queue.SimpleQueue()

    def answer() -> None:
        try:
            answers.put((True, call()))
        except Exception as error:
            answers.put((False, error))

    threading.Thread(target=answer, daemon=True).start()
    try:
        succeeded, result = answers.get(timeout=patience)
    except queue.Empty:
        raise TimeoutError("it accepts the connection, but says nothing") from None
    if not succeeded:
        raise result
    found: _Answer = result
    return found


def _client(address: str) -> "Client":
    """A connection to a scheduler; in bounded time, whatever listens at the address."""
    from distributed import Client

    _silence()  # after the import, which sets levels of its own
    # A client that fails early would, when it is collected, wait for itself and then complain.
    kind = type("_Client", (Client,), {"__del__": lambda client: None})
    try:
        # Dask would wait for a program that accepts the connection and says nothing forever.
        client: Client = _in_time(
            partial(kind, address, timeout=_PATIENCE, set_as_default=False), 2 * _PATIENCE
        )
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"`scheduler` {address} does not answer ({reason})") from None
    return client


def _silence() -> None:
    """Dask's messages are for its own developers; what matters here is raised."""
    import logging

    for name in ["distributed", *logging.root.manager.loggerDict]:
        if name.partition(".")[0] in ("distributed", "tornado"):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    warnings.filterwarnings("ignore", module="distributed")
    warnings.filterwarnings("ignore", message="Sending large graph")
