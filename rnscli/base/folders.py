"""Folders of results, which are written whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from rnscli.base.errors import InputError
from rnscli.base.files import mask, named
from rnscli.base.uninterrupted import uninterrupted


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


def _target(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _prefix(target: Path) -> str:
    return f".{target.name[:100]}."
