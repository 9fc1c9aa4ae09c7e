"""The end of a command by Ctrl-C or SIGTERM: one line, and soon, whatever the command is at."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

from rnscli.cli.sentences import complain

_ENDS = {signal.SIGINT: ("interrupted", 130), signal.SIGTERM: ("terminated", 143)}
_AGAIN = 0.05  # seconds until an exception that was lost is raised again
_PATIENCE = 1.3  # seconds until a command ends that has not ended by itself
_LAST = 0.2  # seconds for its last line, which nobody may read


class EndedError(BaseException):
    """The user or the system has ended the command.

    Like KeyboardInterrupt nothing to be handled on the way.
    """

    def __init__(self, number: int = signal.SIGINT) -> None:
        """By this signal."""
        word, self.code = _ENDS[signal.Signals(number)]
        super().__init__(word)
        self.number = number
        self._untold = threading.Lock()

    def tell(self) -> int:
        """Say it, once, and return the code to exit with."""
        if self._untold.acquire(blocking=False):
            complain(str(self))
        return self.code


_ended: list[EndedError] = []  # by the first signal


def end_on_signals() -> None:
    """Raise `EndedError` in the main thread when one comes, so that a command can clear up."""
    for number in _ENDS:
        signal.signal(number, _end)


def ignore_signals() -> None:
    """They come too late: the command has ended."""
    for number in _ENDS:
        signal.signal(number, signal.SIG_IGN)


def _end(number: int, frame: FrameType | None) -> None:
    if not _ended:
        _ended.append(EndedError(number))
        # Objects that are half made or half gone have nothing more to say.
        sys.unraisablehook = _raise_again
        threading.excepthook = lambda _: None
        # A call into C may take long, and what waits for others may wait for ever.
        _later(_PATIENCE, _give_up)
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            # Modules in C that are being imported may clear the exception: when they are there.
            _later(_AGAIN, os.kill, os.getpid(), number)
            return
        frame = frame.f_back
    ignore_signals()  # the next one would break into the clearing up
    raise _ended[0]


def _raise_again(lost: "sys.UnraisableHookArgs") -> None:
    """Python drops what is raised in a destructor."""
    if isinstance(lost.exc_value, EndedError):
        end_on_signals()
        _later(_AGAIN, os.kill, os.getpid(), lost.exc_value.number)


def _later(seconds: float, function: Callable[..., object], *arguments: object) -> None:
    timer = threading.Timer(seconds, function, arguments)
    timer.daemon = True
    timer.start()


def _give_up() -> None:
    """End this process; workers end with it, as their pipes do."""
    last = threading.Thread(target=_clear_up, daemon=True)
    last.start()
    last.join(_LAST)
    os._exit(_ended[0].code)


def _clear_up() -> None:
    _ended[0].tell()
    if "multiprocessing.util" in sys.modules:
        from multiprocessing.util import get_temp_dir
        from shutil import rmtree

        rmtree(get_temp_dir(), ignore_errors=True)
