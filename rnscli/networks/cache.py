"""Files of a user's cache: they save time, and nothing depends on them."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rnscli.core.files import write_atomically


@dataclass(frozen=True)
class Cache:
    """A folder of files that are there whole or not at all.

    Several processes may use it at once. Where it cannot be used it keeps nothing, and says so.

    Parameters
    ----------
    folder
        Made when it is first written to; None if there is no place for one.

    Examples
    --------
    >>> Cache(None).write("name", b"content"), Cache(None).read("name")
    (False, None)
    """

    folder: Path | None

    def read(self, name: str) -> bytes | None:
        """Content of a file, or None if it is not there or cannot be read."""
        if self.folder is None:
            return None
        with suppress(OSError):
            return (self.folder / name).read_bytes()
        return None

    def write(self, name: str, content: bytes) -> bool:
        """Write a file, and tell whether that was possible."""
        if self.folder is None:
            return False
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            write_atomically(self.folder / name, content)
            return True
        return False


def user_cache() -> Cache:
    """The cache of this user: ``$RNSCLI_CACHE``, ``$XDG_CACHE_HOME/rnscli`` or ``~/.cache/rnscli``.

    The first of them that is set and not empty; a relative ``$XDG_CACHE_HOME`` is ignored, as the
    XDG base directory specification asks for.
    """
    if own := os.environ.get("RNSCLI_CACHE"):
        return Cache(Path(own).absolute())
    shared = os.environ.get("XDG_CACHE_HOME", "")
    if shared and Path(shared).is_absolute():
        return Cache(Path(shared) / "rnscli")
    try:
        return Cache(Path.home() / ".cache" / "rnscli")
    except RuntimeError:  # a user without a home
        return Cache(None)
