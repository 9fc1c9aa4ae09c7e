"""One engine for several threads, each of which sees only its own calls."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

from rnscli.base import EngineError, RnscliError
from rnscli.runtime.engines import Engine, Token


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
