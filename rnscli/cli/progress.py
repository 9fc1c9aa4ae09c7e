"""A progress bar on standard error: only for a person, and only for what takes a while."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_PATIENCE = 1.0  # seconds without a bar


@contextmanager
def progress_bar(total: int, what: str) -> Iterator[Callable[..., None]]:
    """A function ``advance(before, done)``: what is done is both together, ``done`` counting since
    ``before``. It draws nothing when stderr is piped.
    """
    if not sys.stderr.isatty():
        yield lambda before, done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("{task.completed:>,.0f} of {task.total:,.0f} " + what),
        BarColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    task = bar.add_task(what, total=total)
    begin = time.monotonic()

    def advance(before: int, done: int) -> None:
        if not bar.live.is_started and time.monotonic() - begin > _PATIENCE:
            bar.start()
        bar.update(task, completed=before + done)

    try:
        yield advance
    finally:
        if bar.live.is_started:
            bar.stop()
