"""Files, and folders of results, that are written whole or not at all."""

import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from rnscli.base.errors import InputError


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


def check_folder(path: Path, option: str, may_exist: bool, ways: str, own: Sequence[str]) -> None:
    """Refuse a folder that `write_folder` could not write, before anything is computed.

    Parameters
    ----------
    may_exist
        Whether a folder of that name is replaced; ``ways`` says how the user can allow it.
    own
        The files of such a folder, by relative path; the first of them is always there. A folder
        that has others is never replaced, as they would be lost.

    Raises
    ------
    InputError
        If it exists and may not be replaced, is no folder or another one, or cannot be made.
    """
    target = _target(path)
    check_name(target, option, path)
    if target.exists() and not target.is_dir():
        raise InputError(f"{option} {path} is a file; give the name of a folder")
    if target.exists() and any(target.iterdir()) and not (target / own[0]).is_file():
        raise InputError(
            f"{option} {path} exists, and rnscli has not written it; give another name"
        )
    foreign = sorted(
        str(entry.relative_to(target))
        for entry in target.rglob("*")
        if entry.is_symlink() or not entry.is_dir()
        if str(entry.relative_to(target)) not in own
    )
    if foreign:
        raise InputError(
            f"{option} {path} holds {foreign[0]}, which rnscli has not written; move it, or give "
            "another name"
        )
    if target.exists() and not may_exist:
        raise InputError(f"{option} {path} exists; {ways}")
    if not target.parent.is_dir():
        raise InputError(f"{option} {path}: the folder {target.parent} does not exist")
    try:
        tempfile.TemporaryFile(dir=target.parent).close()  # of which a kill leaves nothing
    except OSError as error:
        raise InputError(f"{option} {path} cannot be written: {error.strerror}") from None


def check_name(target: Path, option: str, path: Path) -> None:
    """Refuse a name that no folder can have, for instance because it is too long.

    Raises
    ------
    InputError
        If the system knows no such names; ``path`` is what the user has given.
    """
    try:
        target.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise InputError(f"{option} {path} cannot be written: {error.strerror}") from None


@uninterrupted()
def write_folder(
    path: Path, files: Mapping[str, bytes], durable: bool = True, within: Path | None = None
) -> None:
    """Write a folder under a temporary name, then move it to its place.

    ``files`` are the contents by relative path. A folder of that name is replaced: whatever
    happens meanwhile, the old one or the new one is there whole (killed between two renames, both
    are, under temporary names). ``durable`` waits until the contents are on the disk.
    Temporary names are in the folder ``within``, which is on the same file system; beside its
    place if not given.
    """
    target = _target(path)
    within = within or target.parent
    made = Path(tempfile.mkdtemp(dir=within, prefix=_prefix(target)))
    try:
        made.chmod(0o777 & ~mask())
        for name, content in files.items():
            place = made / name
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("xb") as file:
                file.write(content)
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
        _replace(target, made, within)
    except BaseException as error:
        shutil.rmtree(made, ignore_errors=True)
        raise named(error, path) from None


def _replace(target: Path, made: Path, within: Path) -> None:
    if not target.exists():
        made.rename(target)
        return
    old = Path(tempfile.mkdtemp(dir=within, prefix=_prefix(target)))
    try:
        target.rename(old / target.name)
        made.rename(target)
    except BaseException:
        if not target.exists() and (old / target.name).exists():
            (old / target.name).rename(target)
        raise
    finally:
        if target.exists():
            shutil.rmtree(old, ignore_errors=True)


def _prefix(target: Path) -> str:
    return f".{target.name[:100]}."
