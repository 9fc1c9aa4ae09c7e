"""Finished blocks in an SQLite file: nothing that was computed is ever computed again.

A block is known by the description of all that determines its result (see `describe`).

The file is in WAL mode: a commit is a write to the log and needs no fsync, so recording a block
costs little, a process that is killed loses nothing that it has recorded, and several commands may
read and write one store at once.
"""

import json
import math
import os
import sqlite3
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from rnscli.base import InputError, RnscliError, check_place, said, shown

SCHEMA_VERSION = 1
_APPLICATION_ID = 0x726E7363  # "rnsc", in the header of the file
_LEAST_SIZE = 512  # bytes of the smallest database: a page
_PATIENCE = 60.0  # seconds that another command may hold the file
_MOST_BYTES = 1 << 26  # of the JSON of a row: a few bytes can be packed that become all of memory
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
_MEANINGS = (  # of words in the errors of SQLite
    ("readonly", InputError, "cannot be written: {}"),
    ("unable to open", InputError, "cannot be opened, perhaps for lack of permission: {}"),
    ("not a database", InputError, "is not a store: {}"),
    ("locked", RnscliError, f"has been locked by another program for {_PATIENCE:.0f} s"),
    ("malformed", InputError, "is damaged ({}); move it away and start a new one"),
    ("damaged", InputError, "is damaged ({}); move it away and start a new one"),
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


@dataclass(frozen=True)
class Merged:
    """What came of a store that was merged into another one.

    ``conflicts`` are blocks that both hold with different records, by the key of their task.
    """

    path: Path
    tasks: int = 0  # that were new
    blocks: int = 0  # that were new
    present: int = 0  # blocks that were there already
    conflicts: tuple[tuple[str, int], ...] = ()


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
        self.path = Path(path)
        try:
            self._look_at_path(read_only)
        except OSError as error:
            raise InputError(f"store {path} cannot be opened: {error.strerror}") from None
        with self._explained():
            self._look_inside()
            self._connection = self._connected(self._mode(read_only))
            try:
                self._check(read_only)
            except BaseException:
                self._connection.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def damaged(self, where: str, problem: BaseException) -> InputError:
        """The error of a record that holds something else than it should."""
        why = f"({where}: {said(problem)})"
        return InputError(f"store {self.path} is damaged {why}; move it away and start a new one")

    def load(self, key: str, block: int, samples: int, content: str) -> dict[str, Any] | None:
        """The record of a block, if the store holds it."""
        with self._explained():
            row = self._connection.execute(
                "SELECT record FROM block JOIN task ON task.id = block.task "
                "WHERE key = ? AND block = ? AND samples = ? AND content = ?",
                (key, block, samples, content),
            ).fetchone()
            with _named(key, block):
                return None if row is None else _record(row[0])

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

    def merge(self, sources: "Sequence[Store]") -> list[Merged]:
        """Take over all that other stores hold, all or nothing.

        What is there already stays, also where another store has another record of the same block:
        that is a conflict, which nothing but different machines or a damaged file explains.

        Raises
        ------
        InputError
            If a store holds something else than it should; nothing is taken over then.
        """
        with self._explained(), self._transaction():
            return [self._taken_over(source) for source in sources]

    def _taken_over(self, source: "Store") -> Merged:
        execute = self._connection.execute
        merged = Merged(source.path)
        tasks, blocks, present = 0, 0, 0
        conflicts: list[tuple[str, int]] = []
        for task in source.tasks():
            description = json.dumps(task.description)
            made = (task.key, description, task.created)
            tasks += execute(
                "INSERT OR IGNORE INTO task (key, description, created) VALUES (?, ?, ?)", made
            ).rowcount
            number, known, created = execute(
                "SELECT id, description, created FROM task WHERE key = ?", (task.key,)
            ).fetchone()
            with _named(task.key):
                described = _parsed(known)
            if described != task.description:
                other = ValueError(f"{self.path} describes it otherwise")
                raise source.damaged(f"in {task.key[:12]}", other)
            if task.created < created:
                execute("UPDATE task SET created = ? WHERE id = ?", (task.created, number))
            for one in source.blocks(task):
                place = (number, one.block, one.samples, one.content)
                row = execute(
                    "SELECT record FROM block WHERE "
                    "task = ? AND block = ? AND samples = ? AND content = ?",
                    place,
                ).fetchone()
                if row is None:
                    packed = zlib.compress(json.dumps(one.record, allow_nan=False).encode())
                    execute(
                        "INSERT INTO block (task, block, samples, content, record, finished) "
                        "VALUES (?, ?, ?, ?, ?, ?)",
                        (*place, packed, one.finished),
                    )
                    blocks += 1
                    continue
                with _named(task.key, one.block):
                    if _record(row[0]) == one.record:
                        present += 1
                    else:
                        conflicts.append((task.key, one.block))
        return replace(
            merged, tasks=tasks, blocks=blocks, present=present, conflicts=tuple(conflicts)
        )

    def check(self) -> None:
        """Look through the whole file.

        Raises
        ------
        InputError
            If it is damaged.
        """
        with self._explained():
            verdict = self._connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if verdict != "ok":
                raise sqlite3.DatabaseError(f"damaged: {' '.join(verdict.split())}")

    def tasks(self) -> list[Task]:
        with self._explained():
            rows = self._connection.execute(
                "SELECT key, description, created FROM task ORDER BY id"
            ).fetchall()
            return [_task(*row) for row in rows]

    def blocks(self, task: Task) -> Iterator[StoredBlock]:
        """The blocks of a task by number; of a number with fewer and with more samples, both."""
        with self._explained():
            rows = self._connection.execute(
                "SELECT block, samples, content, record, block.finished FROM block "
                "JOIN task ON task.id = block.task WHERE key = ? "
                "ORDER BY block, samples, content",
                (task.key,),
            )
            for block, samples, content, packed, finished in rows:
                with _named(task.key, block):
                    _check("block", block, isinstance(block, int) and block >= 0)
                    _check("samples", samples, isinstance(samples, int) and samples >= 1)
                    _check_text("content", content)
                    _check_text("finished", finished)
                    record = _record(packed)
                yield StoredBlock(block, samples, content, record, finished)

    def _look_at_path(self, read_only: bool) -> None:
        check_place(self.path, f"store {self.path}")
        if not self.path.exists():
            if read_only:
                raise InputError(f"store {self.path} does not exist")
        elif not read_only and not _writable(self.path):
            # SQLite would tell only when the first block is to be recorded.
            raise InputError(f"store {self.path} cannot be written: it is read-only")

    def _look_inside(self) -> None:
        """Refuse what is not a store without any of the writing that comes with a real connection.

        That would for instance bring in the log that another program has left beside its file.
        """
        size = self.path.stat().st_size if self.path.exists() else 0
        if not size:
            return
        if size < _LEAST_SIZE:  # of a single byte SQLite would make a database
            raise InputError(f"store {self.path} is not a store: file is not a database")
        connection = self._connected("mode=ro&immutable=1")
        try:
            self._identify(connection)
        except sqlite3.Error as error:
            # It may be that another command writes just now; the real connection will tell.
            if error.sqlite_errorcode in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CANTOPEN):
                raise
        finally:
            connection.close()

    def _mode(self, read_only: bool) -> str:
        if not read_only:
            return "mode=rwc"
        real = self.path.resolve()
        log = real.with_name(real.name + "-wal")
        if log.exists() and log.stat().st_size:
            return "mode=ro"
        if _writable(real.parent) and _writable(real):
            # Only such a connection takes away the files for the locks that every one makes.
            return "mode=rw"
        return "mode=ro&immutable=1"  # neither can it make these files, nor do others write

    def _connected(self, options: str) -> sqlite3.Connection:
        address = f"{self.path.absolute().as_uri()}?{options}"
        connection = sqlite3.connect(
            address, uri=True, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
        )
        # What is no text is refused with the row that has it, and not by SQLite.
        connection.text_factory = lambda raw: raw.decode(errors="surrogateescape")
        return connection

    def _identify(self, connection: sqlite3.Connection) -> bool:
        """Whether the file is a store, or else empty; refuse any other."""
        connection.execute("BEGIN")  # in between, another command could make it a store
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        kinds = [kind for (kind,) in connection.execute("SELECT type FROM sqlite_master")]
        connection.execute("COMMIT")
        if not application and not version and not kinds:
            return False
        if application != _APPLICATION_ID or {*kinds} - {"table", "index"}:  # these would compute
            raise InputError(f"store {self.path} is a database of another program")
        if version != SCHEMA_VERSION:
            raise InputError(
                f"store {self.path} has schema version {version}; this rnscli knows version "
                f"{SCHEMA_VERSION} (another version of rnscli has made it)"
            )
        return True

    def _check(self, read_only: bool) -> None:
        """Make sure that it is a store, before anything is changed in it; make one if it may."""
        known = self._identify(self._connection)
        if read_only:
            if not known:
                raise InputError(f"store {self.path} is empty")
            self._connection.execute("PRAGMA query_only = ON")
            return
        self._write_ahead()
        if known:
            return
        with self._transaction():
            if self._connection.execute("PRAGMA application_id").fetchone()[0]:
                return  # another command was faster
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

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:  # a full disk has ended it already
                self._connection.execute("ROLLBACK")
            raise

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Errors of SQLite as one sentence."""
        try:
            yield
        except sqlite3.Error as error:
            text = str(error)
            for words, kind, meaning in _MEANINGS:
                if words in text:
                    raise kind(f"store {self.path} {meaning.format(text)}") from None
            raise RnscliError(
                f"store {self.path}: {text}; blocks that were recorded before are kept"
            ) from None


def _writable(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


@contextmanager
def _named(key: object, block: object = None) -> Iterator[None]:
    """Say which row it is that does not hold what it should."""
    try:
        yield
    except (ValueError, TypeError, RecursionError, zlib.error) as error:
        of = "" if block is None else f"block {shown(block)} of "
        row = f"{of}task {shown(str(key)[:12])}"
        raise sqlite3.DatabaseError(f"{row}: a record is damaged ({error})") from None


def _task(key: object, text: object, created: object) -> Task:
    with _named(key):
        description = _parsed(text)
        return Task(_check_text("key", key), description, _check_text("created", created))


def _check(name: str, value: object, fits: bool) -> None:
    if not fits:
        raise ValueError(f"{name} is {shown(value)}")


def _check_text(name: str, value: object) -> str:
    """A text that harms no terminal, and that can be written in any file."""
    if isinstance(value, str) and value.isprintable():
        return value
    raise ValueError(f"{name} is {shown(value)}")


def _record(packed: Any) -> dict[str, Any]:
    unpacker = zlib.decompressobj()
    text = unpacker.decompress(packed, _MOST_BYTES)
    if not unpacker.eof:
        raise ValueError(f"it is cut, or longer than {_MOST_BYTES} bytes")
    return _parsed(text)


def _parsed(text: Any) -> dict[str, Any]:
    if len(text) > _MOST_BYTES:
        raise ValueError(f"it is longer than {_MOST_BYTES} bytes")
    record = json.loads(text, parse_float=_finite, parse_constant=_finite)
    if not isinstance(record, dict):
        raise ValueError(f"it is {shown(record)}")
    return record


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is no finite number")
    return number
