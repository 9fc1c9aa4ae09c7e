"""How far a call from Python has come: a bar in a notebook, on a terminal, or none."""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from html import escape
from typing import TYPE_CHECKING, Any

from rnscli.base import InputError, shown
from rnscli.cli.terminal import (
    PATIENCE,
    Advance,
    after_a_moment,
    no_bar,
    progress_bar,
    progress_text,
)

if TYPE_CHECKING:
    from rnscli.cli.answer import Bar

_OFTEN, _SELDOM = 0.25, 5.0  # seconds between two pictures of a bar, or two lines in a pipe


def bar_for(progress: object) -> "Bar":
    """What ``progress`` of a call means: on, off, or (``None``) on where a person looks."""
    if progress is None:
        return notebook_bar if _in_notebook() else progress_bar
    if not isinstance(progress, bool):
        raise InputError.of(
            "progress", shown(progress), "True, False or None; functions are for parameter objects"
        )
    if not progress:
        return no_bar
    if _in_notebook():
        return notebook_bar
    return progress_bar if sys.stderr is not None and sys.stderr.isatty() else line_bar


def _in_notebook() -> bool:
    """Whether a notebook runs this, be it Jupyter, VS Code or Colab; and no IPython in a shell."""
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    return hasattr(get_ipython(), "kernel")


class _Seen:
    """Tells what to show of a bar, again and again and once it has taken a moment."""

    def __init__(self, total: float, what: str, every: float, show: Callable[..., None]) -> None:
        self._known, self._total, self._done, self._recorded = total, total, 0.0, 0.0
        self._what, self._every, self._show, self._note = what, every, show, ""
        self._begin, self._last = time.monotonic(), 0.0
        self._lock = threading.Lock()

    def advance(
        self,
        done: float,
        total: float | None = None,
        note: Callable[[], str] | None = None,
        recorded: float = 0,
    ) -> None:
        self._done, self._total, self._recorded = done, total or self._total, recorded
        if time.monotonic() - max(self._last, self._begin + PATIENCE - self._every) > self._every:
            self._note = note() if note is not None else self._note
            self.draw()

    def draw(self) -> None:
        """Also from a timer, as what is computed first may take long."""
        with self._lock:
            self._last = time.monotonic()
            seconds = self._last - self._begin
            rate = (self._done - self._recorded) / (seconds or 1.0)
            known = self._total == self._known
            text = progress_text(self._done, self._total or self._done, known, self._what, rate)
            self._show(self._done, self._total, text, self._note)


@contextlib.contextmanager
def notebook_bar(total: float, what: str) -> Iterator[Advance]:
    """A bar below a cell, which needs no widgets; it goes when all is done."""
    from IPython.display import display

    handles: list[Any] = []

    def put(text: str, html: str) -> None:
        both = {"text/plain": text, "text/html": html}
        if handles:
            handles[0].update(both, raw=True)
        else:
            handles.append(display(both, raw=True, display_id=True))

    def show(done: float, total: float, text: str, note: str) -> None:
        share = done / total if total else 0.0
        lines = "".join(f"<div>{escape(line)}</div>" for line in (text, note) if line)
        put(text, f'<progress value="{share:.4f}" max="1"></progress>{lines}')

    try:
        seen = _Seen(total, what, _OFTEN, show)
        with after_a_moment(seen.draw):
            yield seen.advance
    finally:
        if handles:
            put("", "")


@contextlib.contextmanager
def line_bar(total: float, what: str) -> Iterator[Advance]:
    """Now and then a line on standard error, where that is no terminal."""

    def show(done: float, total: float, text: str, note: str) -> None:
        with contextlib.suppress(OSError, AttributeError):
            sys.stderr.write(f"rnscli: {text}\n")
            sys.stderr.flush()

    seen = _Seen(total, what, _SELDOM, show)
    with after_a_moment(seen.draw):
        yield seen.advance
