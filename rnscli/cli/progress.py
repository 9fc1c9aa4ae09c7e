"""Progress on standard error: only for a person, and only for what takes a while."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

_PATIENCE = 1.0  # seconds without a word


class Advance(Protocol):
    """Says how far a command has come."""

    def __call__(self, done: float, total: float | None = None, note: str = "") -> None:
        """``done`` of ``total``, where that has changed, and a line about the result so far."""
        ...


def _silent(done: float, total: float | None = None, note: str = "") -> None:
    pass


@contextmanager
def progress_bar(total: float, what: str, quiet: bool = False) -> Iterator[Advance]:
    """A function to call with what is done; it draws nothing when stderr is piped."""
    if quiet or not sys.stderr.isatty():
        yield _silent
        return
    from rich.console import Console, Group
    from rich.live import Live
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.text import Text

    bar = Progress(
        TextColumn("{task.completed:>,.0f} of {task.total:,.0f} " + what),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(compact=True),
        TextColumn("left"),
    )
    task = bar.add_task(what, total=total, rate="")
    line = Text(style="dim", no_wrap=True, overflow="ellipsis")
    live = Live(
        Group(bar, line), console=Console(stderr=True), transient=True, refresh_per_second=4
    )
    begin = time.monotonic()

    def advance(done: float, total: float | None = None, note: str = "") -> None:
        seconds = time.monotonic() - begin
        if not live.is_started and seconds > _PATIENCE:
            live.start()
        rate = f"{done / seconds:,.0f} {what}/s" if done >= seconds > 0 else ""
        bar.update(task, completed=done, total=total, rate=rate)
        line.plain = note

    try:
        yield advance
    finally:
        if live.is_started:
            live.stop()
