"""Errors of the code of a user, in a sentence."""

import contextlib
import traceback
from collections.abc import Iterator
from pathlib import Path

import torch

import rnscli
from rnscli.base import InputError, RnscliError, said

# Packages whose code calls that of a user.
_CALLERS = tuple(str(Path(file).parent) for file in (torch.__file__, rnscli.__file__) if file)


def told(error: BaseException) -> str:
    """What an error says, and where in the code of a user it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [one for one in frames if not one.filename.startswith((*_CALLERS, "<frozen"))]
    if not own:
        return said(error)
    file = Path(own[-1].filename)
    if file.is_relative_to(Path.cwd()):
        file = file.relative_to(Path.cwd())
    return f"{said(error)} ({file}:{own[-1].lineno})"


@contextlib.contextmanager
def running(name: str, what: str, argument: str = "model") -> Iterator[None]:
    """Errors of the code of a model in a sentence, which begins with what it cannot do.

    ``argument`` is the one that names the model.
    """
    try:
        yield
    except (RnscliError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        raise InputError(f"`{argument}` {name} {what}: {told(error)}") from error


def kind_of(value: object) -> str:
    """The type of a value, with its article."""
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
