"""Standard output, which may be a terminal, a pipe that nobody reads, or closed."""

import sys

from rnscli.core.errors import InputError


class ReaderGoneError(Exception):
    """Nobody reads standard output any more, as after ``| head``.

    Not an OSError: click would take that for an error of its own and exit with code 1.
    """


def is_terminal() -> bool:
    """Whether a person reads standard output."""
    return sys.stdout is not None and sys.stdout.isatty()


def write_standard_output(text: str) -> None:
    """Write and flush.

    Raises
    ------
    ReaderGoneError
        If the reader has gone.
    InputError
        If standard output is closed.
    """
    if sys.stdout is None:
        raise InputError("standard output is closed; give --output FILE")
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise ReaderGoneError from None
