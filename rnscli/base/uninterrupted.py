"""Steps that no signal may break into halves."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Keep SIGINT and SIGTERM back for a moment; they are raised when it is over.

    Python runs their handlers between any two instructions of the main thread. The exceptions that
    these raise would leave a lock held, a file without a name, or a process without a parent.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # no handler runs in another thread
        return
    kept: list[int] = []

    def keep(number: int, frame: FrameType | None) -> None:
        kept.append(number)

    before = {}
    for number in (signal.SIGINT, signal.SIGTERM):
        handler = signal.getsignal(number)
        if callable(handler):  # else the system ignores it, or ends the process at once
            before[number] = handler
    try:
        for number in before:
            signal.signal(number, keep)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for late in kept:
            signal.raise_signal(late)
