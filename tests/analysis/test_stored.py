"""What a store of somebody else holds: each value in it is checked before it is used."""

import json
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from rnscli.cli.main import run
from rnscli.runtime import NOT_AS_RECORDED

COMMANDS = {
    "error-sim": "--bits 4 --p 1e-3 --redundant 1 --attempts 2 --pairs 100 --core rns",
    "fault-prob": "--redundant 2 --p 1e-2 --attempts 2 --validate 2000",
    "design": "--bits 5 --vector-size 64 --p 1e-3 --pairs 100 --core rns --max-error 1",
}
HOSTILE: list[Any] = [
    None, True, -1, 10**20, 10**400, 1e308, "5", "\ud800", "\x1b[31m", [], {}, [[1]]
]  # fmt: skip
PACKED = {
    "no bytes": "text",
    "not packed": b"x",
    "cut": zlib.compress(b"{}")[:-3],
    "deep": zlib.compress(b'{"a":' * 100_000),
    "not UTF-8": zlib.compress(b'{"\xff": 1}'),
    "not a number": zlib.compress(b'{"words": NaN}'),
    "infinite": zlib.compress(b'{"words": 1e999}'),
    "many digits": zlib.compress(b'{"words": ' + b"9" * 10**6 + b"}"),
    "all of memory": zlib.compress(b" " * (1 << 27)),
    "a list": zlib.compress(b"[]"),
}


def places(value: Any, *path: Any) -> Iterator[tuple[Any, ...]]:
    """Every value in a JSON value; of a list the first and the last one."""
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], *path, key)
    elif isinstance(value, list):
        for index in {0, len(value) - 1} if value else ():
            yield from places(value[index], *path, index)


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = put(value[path[0]], path[1:], new)
    return copy


def spoilt(content: bytes, path: Path, column: str, value: object) -> Path:
    """The store with another value in a column of its first row."""
    path.write_bytes(content)
    table = "task" if column in ("key", "description", "created") else "block"
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        key = "id" if table == "task" else "task"
        raw.execute(f"UPDATE {table} SET {column} = ? WHERE {key} = 1", (value,))
    return path


@pytest.fixture(scope="module", params=COMMANDS)
def recorded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, bytes]:
    """A command, and the store that it makes."""
    path = tmp_path_factory.mktemp("recorded") / "runs.db"
    line = f"{request.param} {COMMANDS[request.param]} --store"
    assert run([*line.split(), str(path)]) == 0
    return line, path.read_bytes()


Check = Callable[[Path], list[int]]


@pytest.fixture
def checked(recorded: tuple[str, bytes], capsys: pytest.CaptureFixture[str]) -> Check:
    """Codes of all commands that read a store; each refuses it in one sentence, or goes on."""

    def check(path: Path) -> list[int]:
        codes = []
        for line in ("store --format json", "store --blocks", recorded[0]):
            content = path.read_bytes()
            begin = time.monotonic()
            codes.append(run([*line.split(), str(path)]))
            out, err = capsys.readouterr()
            assert time.monotonic() - begin < 10
            assert "\x1b" not in out + err
            if codes[-1]:
                assert codes[-1] == 2 and not out
                assert err.startswith(f"rnscli: store {path}") and err.count("\n") == 1
                assert path.read_bytes() == content
        return codes

    return check


@pytest.mark.parametrize("column", ["record", "description"])
def test_any_value_of_a_row(
    column: str, recorded: tuple[str, bytes], checked: Check, tmp_path: Path
) -> None:
    content, path = recorded[1], tmp_path / "runs.db"
    path.write_bytes(content)
    table, key = ("block", "task") if column == "record" else ("task", "id")
    with closing(sqlite3.connect(path)) as raw:
        (text,) = raw.execute(f"SELECT {column} FROM {table} WHERE {key} = 1").fetchone()
    value = json.loads(zlib.decompress(text) if column == "record" else text)
    refused = tried = 0
    for place in places(value):
        for new in HOSTILE[tried % 24 :: 24]:
            changed = json.dumps(put(value, place, new))
            packed = zlib.compress(changed.encode()) if column == "record" else changed
            refused += any(checked(spoilt(content, path, column, packed)))
            tried += 1
    assert refused >= tried / 5


@pytest.mark.parametrize("kind", PACKED)
def test_what_is_no_record(
    kind: str, recorded: tuple[str, bytes], checked: Check, tmp_path: Path
) -> None:
    path = spoilt(recorded[1], tmp_path / "runs.db", "record", PACKED[kind])
    assert checked(path)[1:] == [2, 2]


@pytest.mark.parametrize("column", ["key", "created", "samples", "content", "finished"])
@pytest.mark.parametrize("value", [b"\xff", "\x1b[31m", "\ud800"])
def test_texts_that_are_none(
    column: str, value: Any, recorded: tuple[str, bytes], checked: Check, tmp_path: Path
) -> None:
    if isinstance(value, str):
        value = value.encode(errors="surrogatepass")
    content = recorded[1]
    path = spoilt(content, tmp_path / "runs.db", column, value)
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        if value != b"\xff":
            table = "task" if column in ("key", "created") else "block"
            raw.execute(f"UPDATE {table} SET {column} = CAST({column} AS TEXT)")
    codes = checked(path)
    assert codes[:2] == [2, 2] or column == "created"


def test_a_row_that_does_not_fit_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "runs.db"
    line = f"error-sim {COMMANDS['error-sim']} --store {path}".split()
    assert run(line) == 0
    spoilt(path.read_bytes(), path, "record", zlib.compress(b"[]"))
    with closing(sqlite3.connect(path)) as raw:
        (key,) = raw.execute("SELECT key FROM task").fetchone()
    capsys.readouterr()
    for command in (["store", str(path)], ["store", str(path), "--blocks"], line):
        assert run(command) == 2
        assert f"block 0 of task {key[:12]}: a record is damaged" in capsys.readouterr().err


def test_a_store_that_would_compute_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "runs.db"
    assert run(f"error-sim {COMMANDS['error-sim']} --store {path}".split()) == 0
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("CREATE VIEW more AS SELECT 1")
    capsys.readouterr()
    assert run(["store", str(path)]) == 2
    assert "of another program" in capsys.readouterr().err


PRODUCTS = {
    "products": 2,
    "dot_products": 20,
    "wrong": 1,
    "computed": 21,
    "gross": 1,
    "absolute": 9,
    "square": 81,
}
FOUND = {
    "accuracy": {"samples": 10, "both": 8, "first": 1, "second": 1},
    "snr": {"count": 3, "means": [0.5, 2.0], "products": [[1.0, 0.25], [0.25, 3.0]], "lost": 1},
    "f1": {"counts": [[0, 0, 1, 3], [2, -1, 2, 1]], "number": 4, "places": "one"},
}
RECORDS = [
    (
        "TrainingRecord",
        {"epochs": [[0.5, 0.25, 1.0]], "failure": "", "attempts": [[1.0, 1.0, 1.5]]},
    ),
    *(
        ("AccuracyStatistics", {"metric": name, "found": found, "products": [PRODUCTS, PRODUCTS]})
        for name, found in FOUND.items()
    ),
]


@pytest.mark.parametrize(("kind", "record"), RECORDS)
def test_records_of_networks(kind: Any, record: dict[str, Any]) -> None:
    pytest.importorskip("torch")
    from rnscli.analysis.networks import accuracy, training

    kind = getattr(training if kind == "TrainingRecord" else accuracy, kind)
    assert kind.of_record(record).record() == record
    for place in places(record):
        for new in (None, True, 10**400, float("inf"), "\x1b", [[1]], {"a": 1}):
            if new is None and place == ("epochs", 0, 2):
                continue  # an accuracy, of which values have none
            with pytest.raises(NOT_AS_RECORDED):
                kind.of_record(put(record, place, new))
