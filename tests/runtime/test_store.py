"""What a store holds, and what it refuses without damage."""

import json
import os
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnscli.base.errors import InputError, RnscliError
from rnscli.runtime.store import SCHEMA_VERSION, Entry, Store

NOBODY = 65534


def entry(name: str = "k", value: Any = 1) -> Entry:
    return Entry(name, {"name": name}, {"value": value})


def content_of(folder: Path) -> dict[str, bytes]:
    """Every file with its bytes, but for the index of a log, which is no data."""
    return {
        path.name: path.read_bytes()
        for path in sorted(folder.iterdir())
        if not path.name.endswith("-shm")
    }


def raw(path: Path) -> "closing[sqlite3.Connection]":
    return closing(sqlite3.connect(path, isolation_level=None))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "blocks.db"


@contextmanager
def nobody(folder: Path, folder_mode: int = 0o555) -> Iterator[None]:
    """As a user who may read the files of the folder but not write them."""
    if os.name != "posix":
        pytest.skip("needs the permissions of POSIX")
    modes = {each: each.stat().st_mode for each in (folder, *folder.iterdir())}
    as_root = os.geteuid() == 0
    if as_root:
        for parent in folder.parents:
            if not parent.stat().st_mode & 1:  # as the folders of pytest are
                modes[parent] = parent.stat().st_mode
                parent.chmod(modes[parent] | 0o011)
    for each in (folder, *folder.iterdir()):
        each.chmod(folder_mode if each == folder else 0o444)
    try:
        if as_root:
            os.seteuid(NOBODY)
        yield
    finally:
        if as_root:
            os.seteuid(0)
        for each, mode in modes.items():
            if each.exists():
                each.chmod(mode)


# What it holds


def test_what_is_saved_is_loaded(path: Path) -> None:
    with Store(path) as store:
        assert store.load("k", 0, 10, "") is None
        store.save([entry("k"), entry("l", [2.5, None, "é", 10**30])], 0, 10, "")
        assert store.load("k", 0, 10, "") == {"value": 1}
        assert store.load("l", 0, 10, "") == {"value": [2.5, None, "é", 10**30]}
    with Store(path) as store:
        assert store.load("k", 0, 10, "") == {"value": 1}
        assert [(task.key, task.description) for task in store.tasks()] == [
            ("k", {"name": "k"}),
            ("l", {"name": "l"}),
        ]


def test_key_block_samples_and_content_distinguish(path: Path) -> None:
    places = [("k", 0, 10, ""), ("l", 0, 10, ""), ("k", 1, 10, ""), ("k", 0, 9, "")]
    places += [("k", 0, 10, "x"), ("k", 10**15, 10**15, "x")]
    with Store(path) as store:
        for number, (key, *place) in enumerate(places):
            assert store.load(key, *place) is None
            store.save([entry(key, number)], *place)
        for number, (key, *place) in enumerate(places):
            assert store.load(key, *place) == {"value": number}


def test_what_is_there_already_stays(path: Path) -> None:
    with Store(path) as store:
        store.save([entry("k", "first")], 0, 10, "")
        store.save([entry("k", "second"), entry("l", "new")], 0, 10, "")
        assert store.load("k", 0, 10, "") == {"value": "first"}
        assert store.load("l", 0, 10, "") == {"value": "new"}
        assert len(store.tasks()) == 2


def test_blocks_by_number_samples_and_content(path: Path) -> None:
    places = [(2, 10, ""), (0, 10, "b"), (1, 7, ""), (0, 10, "a"), (1, 10, "")]
    with Store(path) as store:
        for place in places:
            store.save([entry("k", list(place))], *place)
        (task,) = store.tasks()
        found = list(store.blocks(task))
    assert [(kept.block, kept.samples, kept.content) for kept in found] == sorted(places)
    assert [kept.record["value"] for kept in found] == [list(place) for place in sorted(places)]
    assert all(kept.finished.endswith("+00:00") for kept in found)
    assert task.created <= min(kept.finished for kept in found)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)  # fmt: skip


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=3), json_values, max_size=3))
def test_records_come_back_exactly(
    tmp_path_factory: pytest.TempPathFactory, record: dict[str, Any]
) -> None:
    with Store(tmp_path_factory.getbasetemp() / "any.db") as store:
        key = json.dumps(record)
        store.save([Entry(key, {}, record)], 0, 1, "")
        assert store.load(key, 0, 1, "") == record


def test_a_block_is_recorded_whole_or_not_at_all(path: Path) -> None:
    with Store(path) as store:
        with pytest.raises(ValueError, match="JSON"):
            store.save([entry("k"), entry("l", float("nan"))], 0, 10, "")
        assert store.tasks() == []
        store.save([entry("k")], 0, 10, "")  # and it works on
        assert len(store.tasks()) == 1


def test_two_stores_at_once_see_each_other(path: Path) -> None:
    with Store(path) as one, Store(path) as two, Store(path, read_only=True) as reader:
        one.save([entry("k", 1)], 0, 10, "")
        two.save([entry("k", 2)], 1, 10, "")
        assert one.load("k", 1, 10, "") == {"value": 2}
        assert two.load("k", 0, 10, "") == {"value": 1}
        assert len(list(reader.blocks(reader.tasks()[0]))) == 2


def test_closing_leaves_one_file(path: Path) -> None:
    with Store(path) as store:
        store.save([entry()], 0, 10, "")
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    "name", ["a?mode=ro", "a#b", "100%41", "two words.db", "Größe 光.db", "'\""]
)
def test_any_name_of_a_file(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    folder.mkdir()
    for where in (tmp_path / f"{name}.db", folder / name):
        with Store(where) as store:
            store.save([entry()], 0, 10, "")
        assert where.read_bytes().startswith(b"SQLite format 3\0")
        with Store(str(where), read_only=True) as store:
            assert store.load("k", 0, 10, "") == {"value": 1}
    assert {each.name for each in folder.iterdir()} == {name}


def test_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Store("blocks.db") as store:
        store.save([entry()], 0, 10, "")
    assert list(content_of(tmp_path)) == ["blocks.db"]


def test_a_file_of_no_bytes_is_a_new_store(path: Path) -> None:
    path.touch()
    with Store(path) as store:
        store.save([entry()], 0, 10, "")
    with Store(path, read_only=True) as store:
        assert len(store.tasks()) == 1


# What it refuses


def foreign_database(path: Path) -> None:
    with raw(path) as other:
        other.execute("CREATE TABLE precious (x)")
        other.execute("INSERT INTO precious VALUES (1)")


def foreign_application(path: Path) -> None:
    with raw(path) as other:
        other.execute("PRAGMA application_id = 7")


def foreign_with_a_log(path: Path) -> None:
    """As a program leaves it that was killed."""
    with raw(path) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("CREATE TABLE precious (x)")
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        other.execute("INSERT INTO precious VALUES (1)")
        kept = {p: p.read_bytes() for p in (path, path.with_name(path.name + "-wal"))}
    for each, content in kept.items():
        each.write_bytes(content)


def other_version(path: Path) -> None:
    with Store(path) as store:
        store.save([entry()], 0, 10, "")
    with raw(path) as own:
        own.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")


def truncated(path: Path) -> None:
    with Store(path) as store:
        store.save([entry("k", list(range(1000)))], 0, 10, "")
    path.write_bytes(path.read_bytes()[:5000])


def damaged_header(path: Path) -> None:
    with Store(path):
        pass
    path.write_bytes(b"X" + path.read_bytes()[1:])


REFUSED = {
    "another program": foreign_database,
    "database of another": foreign_application,
    "of another program": foreign_with_a_log,
    f"schema version {SCHEMA_VERSION + 1}; this rnscli knows": other_version,
    "malformed": truncated,
    "is not a store": damaged_header,
    "not a store: file": lambda path: path.write_text("bits,mean\n4,0.5\n" * 100),
    "not a store: file is": lambda path: path.write_text("x"),
    "store: file is not a database": lambda path: path.write_text("SQLite format 3\0"),
}


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("said", REFUSED)
def test_what_is_no_store_stays_as_it_is(said: str, read_only: bool, path: Path) -> None:
    REFUSED[said](path)
    before = content_of(path.parent)
    with pytest.raises(RnscliError) as caught:
        Store(path, read_only)
    assert said in str(caught.value)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    assert content_of(path.parent) == before
    assert not list(path.parent.glob("*-shm"))


def test_the_log_of_another_program_is_still_good(path: Path) -> None:
    foreign_with_a_log(path)
    with pytest.raises(InputError):
        Store(path)
    with raw(path) as other:
        assert other.execute("SELECT x FROM precious").fetchall() == [(1,)]


@pytest.mark.parametrize("read_only", [False, True])
def test_paths_that_are_no_file(read_only: bool, tmp_path: Path) -> None:
    for where, said in (
        (tmp_path, "is a directory"),
        (tmp_path / "missing" / "blocks.db", "missing does not exist"),
        (Path(os.devnull), "is not a regular file"),
        (tmp_path / ("x" * 300), "File name too long"),
    ):
        with pytest.raises(InputError, match=said):
            Store(where, read_only)
    assert list(tmp_path.iterdir()) == []


def test_to_look_at_there_must_be_something(path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        Store(path, read_only=True)
    assert not path.exists()
    path.touch()
    with pytest.raises(InputError, match="is empty"):
        Store(path, read_only=True)
    assert path.read_bytes() == b""


@pytest.mark.parametrize(
    "packed", [b"not compressed", b"", "text", 5, zlib.compress(b"{"), zlib.compress(b"\xff")]
)
def test_a_damaged_record_is_one_sentence(packed: object, path: Path) -> None:
    with Store(path) as store:
        store.save([entry()], 0, 10, "")
        store.save([entry()], 1, 10, "")
    with raw(path) as own:
        own.execute("UPDATE block SET record = ? WHERE block = 1", (packed,))
    with Store(path) as store:
        assert store.load("k", 0, 10, "") == {"value": 1}
        with pytest.raises(RnscliError, match="a record is damaged"):
            store.load("k", 1, 10, "")
        with pytest.raises(RnscliError, match="a record is damaged"):
            list(store.blocks(store.tasks()[0]))


def test_a_damaged_description_is_one_sentence(path: Path) -> None:
    with Store(path) as store:
        store.save([entry()], 0, 10, "")
    with raw(path) as own:
        own.execute("UPDATE task SET description = '{'")
    with Store(path) as store, pytest.raises(RnscliError, match="a record is damaged"):
        store.tasks()


# Without permission


def test_a_read_only_folder(path: Path) -> None:
    with nobody(path.parent), pytest.raises(InputError, match="perhaps for lack of permission"):
        Store(path)
    assert content_of(path.parent) == {}


def test_a_read_only_store(path: Path) -> None:
    with Store(path) as store:
        store.save([entry()], 0, 10, "")
    before = content_of(path.parent)
    with nobody(path.parent):
        with pytest.raises(InputError, match=r"cannot be (opened|written)"):
            Store(path)
        with Store(path, read_only=True) as store:
            assert store.load("k", 0, 10, "") == {"value": 1}
    assert content_of(path.parent) == before
    path.chmod(0o644)
    with Store(path) as store:
        store.save([entry()], 1, 10, "")  # it is as good as before


def test_a_read_only_file_in_a_folder_that_is_not(path: Path) -> None:
    with Store(path) as store:
        store.save([entry()], 0, 10, "")
    before = content_of(path.parent)
    with nobody(path.parent, folder_mode=0o777):
        with pytest.raises(InputError, match="cannot be written"):
            Store(path)
        with Store(path, read_only=True) as store:
            assert store.load("k", 0, 10, "") == {"value": 1}
    assert content_of(path.parent) == before
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_looking_writes_nothing(path: Path) -> None:
    with Store(path) as store:
        store.save([entry()], 0, 10, "")
    before = content_of(path.parent)
    with Store(path, read_only=True) as store:
        assert len(store.tasks()) == 1
        with pytest.raises(InputError, match="cannot be written"):
            store.save([entry("l")], 0, 10, "")
    assert content_of(path.parent) == before
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_looking_at_the_store_of_a_killed_command_sees_all_and_writes_nothing(
    path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    killed = tmp_path_factory.mktemp("killed") / "blocks.db"
    with Store(path) as store:
        store.save([entry()], 0, 10, "")
        for each in path.parent.iterdir():  # as they are while a command runs
            killed.with_name(each.name).write_bytes(each.read_bytes())
    before = content_of(killed.parent)
    assert "blocks.db-wal" in before
    with Store(killed, read_only=True) as store:
        assert store.load("k", 0, 10, "") == {"value": 1}
    assert content_of(killed.parent) == before


# A full disk


def test_a_full_database_keeps_what_it_has(path: Path) -> None:
    with Store(path) as store:
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
        store._connection.execute(f"PRAGMA max_page_count = {pages + 4}")
        kept = 0
        with pytest.raises(RnscliError, match="full; blocks that were recorded before are kept"):
            while kept < 1000:
                store.save([entry("k", os.urandom(500).hex()), entry("l")], kept, 10, "")
                kept += 1
        assert 0 < kept < 1000
        for _ in range(2):  # it fails again, and not for another reason
            with pytest.raises(RnscliError, match="full"):
                store.save([entry("k", os.urandom(9000).hex())], 5000, 10, "")
        store._connection.execute(f"PRAGMA max_page_count = {pages + 400}")
        store.save([entry("k", os.urandom(9000).hex())], 5000, 10, "")  # there is room again
    with Store(path) as store:
        for task, more in zip(store.tasks(), ([5000], []), strict=True):
            assert [found.block for found in store.blocks(task)] == [*range(kept), *more]
