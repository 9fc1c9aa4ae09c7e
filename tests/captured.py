"""What a command line prints."""

import io
import shlex
import warnings
from contextlib import redirect_stdout

from rnscli.cli.main import run


def output_of(command: str) -> str:
    """Standard output of ``rnscli`` with these arguments, which must succeed."""
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()) as printed:
        code = run(shlex.split(command))
    if code:
        raise RuntimeError(f"rnscli {command} ends with code {code}")
    return printed.getvalue()
