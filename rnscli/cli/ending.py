"""The end of a command by Ctrl-C or SIGTERM: one line, and soon, whatever the command is at."""

import atexit
import os
import signal
import sys
import threading
import time
from types import FrameType
from typing import NoReturn

from rnscli.cli.terminal import complain

_ENDS = {signal.SIGINT: ("interrupted", 130), signal.SIGTERM: ("terminated", 143)}
_AGAIN = 0.05  # seconds until an exception that was lost is raised again
_PATIENCE = 1.0  # seconds until a command ends that has not ended by itself
_LAST = 0.2  # seconds for its last line: where nobody reads it, that waits for ever


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


_ended: list[EndedError] = []  # the first one counts, whichever thread saw it first


def end_on_signals() -> None:
    """Raise `EndedError` in the main thread when one comes, so that a command can clear up."""
    if os.name == "posix":
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        # Tells of a signal while the main thread is in C, where it runs no handler.
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        threading.Thread(target=_watch, args=[reader], daemon=True).start()
    _listen()


def _listen() -> None:
    for number in _ENDS:
        signal.signal(number, _end)


def ignore_signals() -> None:
    """They come too late: the command has ended."""
    for number in _ENDS:
        signal.signal(number, signal.SIG_IGN)


def leave(code: int) -> NoReturn:
    """Exit; at once where a signal has ended the command.

    Python would take all modules down, one by one. With PyTorch that is seconds on a busy machine.
    """
    if _ended and code == _ended[0].code:
        atexit._run_exitfuncs()
        os._exit(code)
    sys.exit(code)


def _end(number: int, frame: FrameType | None) -> None:
    _ended.append(EndedError(number))
    # Objects that are half made or half gone have nothing more to say.
    sys.unraisablehook = _raise_again
    threading.excepthook = lambda _: None
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            # Modules in C that are being imported may clear the exception: when they are there.
            _send_again(number)
            return
        frame = frame.f_back
    ignore_signals()  # the next one would break into the clearing up
    raise _ended[0]


def _raise_again(lost: "sys.UnraisableHookArgs") -> None:
    """Python drops what is raised in a destructor."""
    if isinstance(lost.exc_value, EndedError):
        _listen()
        _send_again(lost.exc_value.number)


def _send_again(number: int) -> None:
    timer = threading.Timer(_AGAIN, os.kill, (os.getpid(), number))
    timer.daemon = True
    timer.start()


def _watch(signals: int) -> None:
    """End this process if it does not end by itself; workers end with it, as their pipes do."""
    while (number := os.read(signals, 1)[0]) not in _ENDS:
        pass
    _ended.append(EndedError(number))
    time.sleep(_PATIENCE)
    last = threading.Thread(target=_clear_up, daemon=True)
    last.start()
    last.join(_LAST)
    os._exit(_ended[0].code)


def _clear_up() -> None:
    if "multiprocessing.util" in sys.modules:
        from multiprocessing.util import get_temp_dir
        from shutil import rmtree

        rmtree(get_temp_dir(), ignore_errors=True)
    _ended[0].tell()
