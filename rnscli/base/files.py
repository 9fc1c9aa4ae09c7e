"""Files that are written whole or not at all."""

import os
import tempfile
from pathlib import Path

from rnscli.base.errors import InputError
from rnscli.base.uninterrupted import uninterrupted


@uninterrupted()
def check_writable(path: Path, option: str) -> None:
    """Refuse a path that `write_atomically` could not write, before anything is computed.

    Raises
    ------
    InputError
        If the folder does not exist or cannot be written to, or the path is not a regular file.
    """
    target = _target(path)
    if target.is_dir():
        raise InputError(f"{option} {path} is a directory; give the name of a file")
    if target.exists() and not target.is_file():
        raise InputError(f"{option} {path} is not a regular file; give the name of a file")
    if not target.parent.is_dir():
        raise InputError(f"{option} {path}: the folder {target.parent} does not exist")
    try:
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:100]}.")
    except OSError as error:
        raise InputError(f"{option} {path} cannot be written: {error.strerror}") from None
    os.close(descriptor)
    Path(name).unlink()


@uninterrupted()
def write_atomically(path: Path, content: bytes) -> None:
    """Write a file under a temporary name beside it, then move it to its place.

    Whatever happens meanwhile, the path holds the old content or the new, never a part.
    """
    target = _target(path)
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:100]}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(_mode(target))
        temporary.replace(target)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        raise named(error, path) from None


def _target(path: Path) -> Path:
    """The file itself where the path is a symbolic link, which then stays one."""
    return Path(os.path.realpath(path))


def _mode(target: Path) -> int:
    """Permissions of the file that is replaced, or what a new file would get."""
    if target.exists():
        return target.stat().st_mode & 0o777
    return 0o666 & ~mask()


def named(error: BaseException, path: Path) -> BaseException:
    """The error with the path that a user knows: a full disk names none."""
    if isinstance(error, OSError):
        error.filename = str(path)
    return error


def mask() -> int:
    """Permissions that this process takes from new files."""
    taken = os.umask(0)
    os.umask(taken)
    return taken


def regular_file(argument: str, path: str | Path, wanted: str) -> Path:
    """The path of a file that can be opened.

    Parameters
    ----------
    argument, path
        What named it.
    wanted
        What it must be, in words that follow a semicolon.

    Raises
    ------
    InputError
        If there is no such file, or it is a directory or a device.
    """
    file = Path(path)
    try:
        if file.is_file():
            return file
        problem = "does not exist"
        if file.exists():
            problem = "is a directory" if file.is_dir() else "is not a regular file"
    except (OSError, ValueError) as error:  # no file can have this name
        raise InputError(
            f"`{argument}` {str(path)[:60]}... cannot be a file: {error.args[-1]}; {wanted}"
        ) from None
    raise InputError(f"`{argument}` {path} {problem}; {wanted}")
