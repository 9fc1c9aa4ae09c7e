"""What computes blocks: in this process, unless another engine is given."""

from collections.abc import Callable
from typing import Any, Protocol

Token = tuple[int, int]  # names a call: a work and a block of it


class Engine(Protocol):
    """Computes function calls that are named by tokens, and returns them as they finish."""

    @property
    def capacity(self) -> int:
        """How many calls are worth being under way at once."""

    @property
    def shares_files(self) -> bool:
        """Whether calls can read the files of this machine."""

    def submit(self, token: Token, function: Callable[..., Any], *arguments: Any) -> None:
        """Begin a call."""

    def next_done(self) -> tuple[Token, Any]:
        """A call that has finished, and its result; raises what the call raised."""

    def cancel(self, tokens: set[Token]) -> None:
        """Forget calls; those that run may run on, but are not returned."""


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
