"""Finished blocks in an SQLite file: nothing that was computed is ever computed again.

The file is in WAL mode: a commit is a write to the log and needs no fsync, so recording a block
costs little, a process that is killed loses nothing that it has recorded, and several commands may
read and write one store at once.
"""

import json
import os
import sqlite3
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from rnscli.core.errors import InputError, RnscliError

SCHEMA_VERSION = 1
_APPLICATION_ID = 0x726E7363  # "rnsc", in the header of the file
_PATIENCE = 60.0  # seconds that another command may hold the file
_TABLES = (
    """
    CREATE TABLE task (
        id INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,   -- SHA-256 of the description
        description TEXT NOT NULL,  -- JSON: all that determines the results but the block
        created TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE block (
        task INTEGER NOT NULL REFERENCES task (id),
        block INTEGER NOT NULL,
        samples INTEGER NOT NULL,
        content TEXT NOT NULL,      -- digest of what was read from a file
        record BLOB NOT NULL,       -- JSON, compressed by zlib
        finished TEXT NOT NULL,
        PRIMARY KEY (task, block, samples, content)
    ) WITHOUT ROWID
    """,
)


@dataclass(frozen=True)
class Entry:
    """A result to record: its task's key and description, and the result itself."""

    key: str
    description: Mapping[str, Any]
    record: Mapping[str, Any]


@dataclass(frozen=True)
class Task:
    """A series of blocks that a store holds."""

    key: str
    description: dict[str, Any]
    created: str


@dataclass(frozen=True)
class StoredBlock:
    """A block that a store holds."""

    block: int
    samples: int
    content: str
    record: dict[str, Any]
    finished: str


class Store:
    """Blocks by task, block number, number of samples, and content of what was read.

    Parameters
    ----------
    path
        The file; made if there is none.
    read_only
        Open an existing store to look at, without writing anything.

    Raises
    ------
    InputError
        If the path is not a store of this version, or cannot be opened or written.
    """

    def __init__(self, path: str | Path, read_only: bool = False) -> None:
        """Open the file and make sure that it is a store, before anything is changed in it."""
        self.path = Path(path)
        if self.path.is_dir():
            raise InputError(f"store {path} is a directory; give the name of a file")
        if not self.path.parent.is_dir():
            raise InputError(f"store {path}: the folder {self.path.parent} does not exist")
        if read_only and not self.path.exists():
            raise InputError(f"store {path} does not exist")
        if self.path.exists() and not self.path.is_file():
            raise InputError(f"store {path} is not a regular file; give the name of a file")
        with self._explained():
            self._connection = self._connected("ro" if read_only else "rwc")
            try:
                self._check(read_only)
            except BaseException:
                self._connection.close()
                raise

    def __enter__(self) -> Self:
        """The store itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def load(self, key: str, block: int, samples: int, content: str) -> dict[str, Any] | None:
        """The record of a block, if the store holds it."""
        with self._explained():
            found = self._connection.execute(
                "SELECT record FROM block JOIN task ON task.id = block.task "
                "WHERE key = ? AND block = ? AND samples = ? AND content = ?",
                (key, block, samples, content),
            ).fetchone()
            return None if found is None else _record(found[0])

    def save(self, entries: Sequence[Entry], block: int, samples: int, content: str) -> None:
        """Record a block of several tasks, all or none; what is there already stays.

        Raises
        ------
        RnscliError
            If the file cannot be written, for instance because the disk is full; it stays as it
            was.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self._explained(), self._transaction():
            for entry in entries:
                self._connection.execute(
                    "INSERT OR IGNORE INTO task (key, description, created) VALUES (?, ?, ?)",
                    (entry.key, json.dumps(entry.description), now),
                )
                packed = zlib.compress(json.dumps(entry.record, allow_nan=False).encode())
                self._connection.execute(
                    "INSERT OR IGNORE INTO block SELECT id, ?, ?, ?, ?, ? FROM task WHERE key = ?",
                    (block, samples, content, packed, now, entry.key),
                )

    def tasks(self) -> list[Task]:
        """All tasks, the oldest first."""
        with self._explained():
            found = self._connection.execute(
                "SELECT key, description, created FROM task ORDER BY id"
            ).fetchall()
        return [Task(key, json.loads(text), created) for key, text, created in found]

    def blocks(self, task: Task) -> Iterator[StoredBlock]:
        """The blocks of a task by number; of a number with fewer and with more samples, both."""
        with self._explained():
            found = self._connection.execute(
                "SELECT block, samples, content, record, block.finished FROM block "
                "JOIN task ON task.id = block.task WHERE key = ? "
                "ORDER BY block, samples, content",
                (task.key,),
            )
            for block, samples, content, packed, finished in found:
                yield StoredBlock(block, samples, content, _record(packed), finished)

    def _connected(self, mode: str) -> sqlite3.Connection:
        # Absolute, and quoted: a question mark would begin the options.
        address = f"file:{quote(str(self.path.absolute()))}?mode={mode}"
        if mode == "ro" and not os.access(self.path.absolute().parent, os.W_OK):
            address += "&immutable=1"  # else a reader, too, makes a file for the locks
        return sqlite3.connect(
            address, uri=True, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
        )

    def _check(self, read_only: bool) -> None:
        application = self._pragma("application_id")
        version = self._pragma("user_version")
        objects = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if not application and not version and not objects:
            if read_only:
                raise InputError(f"store {self.path} is empty")
            self._create()
            return
        if application != _APPLICATION_ID:
            raise InputError(f"store {self.path} is a database of another program")
        if version != SCHEMA_VERSION:
            raise InputError(
                f"store {self.path} has schema version {version}; this rnscli knows version "
                f"{SCHEMA_VERSION} (another version of rnscli has made it)"
            )
        if not read_only:
            self._write_ahead()
            with self._transaction():  # refused where the file is read-only
                pass

    def _create(self) -> None:
        self._write_ahead()
        with self._transaction():
            if self._pragma("application_id"):  # another command was faster
                return
            for table in _TABLES:
                self._connection.execute(table)
            self._connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            self._connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _write_ahead(self) -> None:
        """Switch to WAL mode; where the file system cannot, the store works as well but slower."""
        give_up = time.monotonic() + _PATIENCE
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
                break
            except sqlite3.OperationalError as error:
                # SQLite does not wait by itself while another connection switches.
                if "locked" not in str(error) or time.monotonic() > give_up:
                    raise
                time.sleep(0.01)
        self._connection.execute("PRAGMA synchronous = NORMAL")

    def _pragma(self, name: str) -> int:
        value: int = self._connection.execute(f"PRAGMA {name}").fetchone()[0]
        return value

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self._connection.in_transaction:  # a full disk has ended it already
                self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Errors of SQLite as one sentence."""
        try:
            yield
        except sqlite3.Error as error:
            text = str(error)
            if "readonly" in text or "unable to open" in text:
                raise InputError(f"store {self.path} cannot be written: {text}") from None
            if "not a database" in text:
                raise InputError(f"store {self.path} is not a store: {text}") from None
            if "locked" in text:
                raise RnscliError(
                    f"store {self.path} has been locked by another program for {_PATIENCE:.0f} s"
                ) from None
            raise RnscliError(
                f"store {self.path}: {text}; blocks that were recorded before are kept"
            ) from None


def _record(packed: bytes) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads(zlib.decompress(packed))
    except (zlib.error, ValueError) as error:
        raise sqlite3.DatabaseError(f"a record is damaged ({error})") from None
    return record
