"""Loaded by what worker processes are forked from: one that is not started wholly ends silently.

Where the process that wants it ends meanwhile, there is nothing to read of what it shall do, and
multiprocessing would print that with a traceback.
"""

import pickle
import sys
from types import TracebackType


def _hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not issubclass(kind, EOFError | pickle.UnpicklingError):
        sys.__excepthook__(kind, error, trace)


sys.excepthook = _hook
