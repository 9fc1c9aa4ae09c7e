"""Files, and folders of results, that are written whole or not at all."""

import hashlib
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rnscli.base.errors import InputError


def content_hash(path: Path) -> str | None:
    """SHA-256 of a file, which may be larger than memory; ``None`` if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None  # who opens it says what is wrong with it


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

    def keep(number: int, frame: object) -> None:
        kept.append(number)

    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    # What is no function ignores the signal, or ends the process at once.
    before = {number: handler for number, handler in handlers.items() if callable(handler)}
    try:
        for number in before:
            signal.signal(number, keep)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for late in kept:
            signal.raise_signal(late)


def problem_of(path: Path) -> str:
    """Why a path is not a file that can be read, or nothing."""
    if path.is_file():
        return ""
    if not path.exists():
        return "does not exist"
    return "is a directory" if path.is_dir() else "is not a regular file"


def regular_file(argument: str, path: str | Path, wanted: str) -> Path:
    """The path of a file that can be opened; ``wanted`` says what it must be."""
    try:
        problem = problem_of(Path(path))
    except (OSError, ValueError) as error:  # no file can have this name
        raise InputError(
            f"`{argument}` {str(path)[:60]}... cannot be a file: {error.args[-1]}; {wanted}"
        ) from None
    if problem:
        raise InputError(f"`{argument}` {path} {problem}; {wanted}")
    return Path(path)


def check_place(place: Path, name: str) -> None:
    """Refuse a path, which errors call by a name, where no file can be."""
    if place.exists() and not place.is_file():
        raise InputError(f"{name} {problem_of(place)}; give the name of a file")
    if not place.parent.is_dir():
        raise InputError(f"{name}: the folder {place.parent} does not exist")


@uninterrupted()
def check_writable(path: Path, option: str) -> None:
    """Refuse a path that `write_atomically` could not write, before anything is computed."""
    target = _target(path)
    check_place(target, f"{option} {path}")
    try:
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=_prefix(target))
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
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=_prefix(target))
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~mask())
        temporary.replace(target)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        raise named(error, path) from None


def _target(path: Path) -> Path:
    """The file itself where the path is a symbolic link, which then stays one."""
    return Path(os.path.realpath(path))


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


def check_folder(path: Path, option: str, may_exist: bool, ways: str, own: Sequence[str]) -> None:
    """Refuse a folder that `write_folder` could not write, before anything is computed.

    ``may_exist`` says whether a folder of that name is replaced, and ``ways`` how the user can
    allow it. ``own`` are the files of such a folder, by relative path, of which the first is always
    there: a folder that has others is never replaced, as they would be lost.
    """
    target = _target(path)
    check_name(target, option, path)
    if target.exists():
        if not target.is_dir():
            raise InputError(f"{option} {path} is a file; give the name of a folder")
        if any(target.iterdir()) and not (target / own[0]).is_file():
            raise InputError(
                f"{option} {path} exists, and rnscli has not written it; give another name"
            )
        entries = (entry for entry in target.rglob("*") if entry.is_symlink() or not entry.is_dir())
        foreign = {str(entry.relative_to(target)) for entry in entries}.difference(own)
        if foreign:
            raise InputError(
                f"{option} {path} holds {min(foreign)}, which rnscli has not written; move it, or "
                "give another name"
            )
        if not may_exist:
            raise InputError(f"{option} {path} exists; {ways}")
    if not target.parent.is_dir():
        raise InputError(f"{option} {path}: the folder {target.parent} does not exist")
    try:
        tempfile.TemporaryFile(dir=target.parent).close()  # of which a kill leaves nothing
    except OSError as error:
        raise InputError(f"{option} {path} cannot be written: {error.strerror}") from None


def check_name(target: Path, option: str, path: Path) -> None:
    """Refuse a name that no folder can have, such as one that is too long."""
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
    """Write a folder, of contents by relative path, under a temporary name; then move it.

    A folder of that name is replaced: whatever happens meanwhile, the old one or the new one is
    there whole (killed between two renames, both are, under temporary names). ``durable`` waits
    until the contents are on the disk. Temporary names are in the folder ``within``, which is on
    the same file system; beside its place if not given.
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
