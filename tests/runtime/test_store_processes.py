"""A store that several processes write, that are killed, or whose disk is full."""

import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from rnscli.runtime.store import Store

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs signals and limits of POSIX")

# For each file that it is told: blocks of its own and some that all write.
WRITER = """
import sys
from rnscli.runtime.store import Entry, Store

print("ready", flush=True)
for line in sys.stdin:
    path, name = line.split()
    with Store(path) as store:
        for block in range(4):
            store.save([Entry(name, {"of": name}, {"block": block})], block, 10, "")
            store.save([Entry("all", {"of": "all"}, {"block": block})], block, 10, "")
    print(path, flush=True)
"""

# Says which blocks it has saved.
ENDLESS = """
import itertools, os, sys
from rnscli.runtime.store import Entry, Store

path, first = sys.argv[1], int(sys.argv[2])
print("ready", flush=True)
with Store(path) as store:
    for block in itertools.count(first):
        noise = os.urandom(300).hex()
        store.save([Entry(key, {"of": key}, {"block": block, "noise": noise}) for key in "kl"],
                   block, 10, "")
        print(block, flush=True)
"""

LIMITED = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
from rnscli.base.errors import RnscliError
try:
    exec({ENDLESS!r})
except RnscliError as error:
    print(f"{{type(error).__name__}}: {{error}}")
"""


@contextmanager
def started(code: str, *arguments: object) -> "Iterator[subprocess.Popen[str]]":
    """A program that has said that it is ready; it does not outlive the context."""
    program = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        yield program
    finally:
        program.kill()
        program.communicate()


def said_by(program: "subprocess.Popen[str]", lines: int) -> list[int]:
    """The next blocks that it says it has saved, so many of them."""
    assert program.stdout is not None
    return [int(program.stdout.readline()) for _ in range(lines)]


def rest_of(program: "subprocess.Popen[str]") -> list[int]:
    """What a killed one has said since; communicate() would miss what is in the buffer."""
    assert program.stdout is not None
    whole_lines = program.stdout.read().split("\n")[:-1]
    program.wait()
    return [int(line) for line in whole_lines]


def check(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def blocks(path: Path) -> dict[str, list[int]]:
    """Numbers of the blocks of each task, all of which can be read."""
    with Store(path) as store:
        found = {task.key: list(store.blocks(task)) for task in store.tasks()}
    assert all(kept.record["block"] == kept.block for each in found.values() for kept in each)
    return {key: [kept.block for kept in each] for key, each in found.items()}


def test_processes_that_create_and_write_one_store_at_once(tmp_path: Path) -> None:
    with started(WRITER) as one, started(WRITER) as two, started(WRITER) as three:
        writers = {"one": one, "two": two, "three": three}
        for number in range(60):
            path = tmp_path / f"{number}.db"
            for name, writer in writers.items():
                assert writer.stdin is not None
                writer.stdin.write(f"{path} {name}\n")
            for writer in writers.values():  # as close to each other as can be
                assert writer.stdin is not None
                writer.stdin.flush()
            for writer in writers.values():
                assert writer.stdout is not None
                assert writer.stdout.readline() == f"{path}\n"
    for number in range(60):
        path = tmp_path / f"{number}.db"
        assert blocks(path) == {key: [0, 1, 2, 3] for key in ("one", "two", "three", "all")}
        check(path)


def test_a_killed_writer_loses_nothing_that_it_has_recorded(tmp_path: Path) -> None:
    chance = random.Random(20)
    path = tmp_path / "blocks.db"
    saved: list[int] = []
    for turn in range(20):
        with started(ENDLESS, path, len(saved)) as writer:
            saved += said_by(writer, chance.randrange(10) if turn % 4 else 0)
            time.sleep(chance.uniform(0, 0.01))  # to strike at any step of the next one
            writer.kill()
            saved += rest_of(writer)
        found = blocks(path) if path.exists() else {}
        assert found.get("k", []) == found.get("l", [])  # of both parts or of none
        known = found.get("k", [])
        assert known[: len(saved)] == saved
        assert len(known) <= len(saved) + 1  # killed before it could say so
        saved = known
        if path.exists():
            check(path)
    assert saved


def test_of_two_writers_one_is_killed(tmp_path: Path) -> None:
    chance = random.Random(21)
    path = tmp_path / "blocks.db"
    for turn in range(3):
        with started(ENDLESS, path, 10**6 * turn) as one:
            with started(ENDLESS, path, 10**9 + 10**6 * turn) as two:
                lost = said_by(two, chance.randrange(1, 6))
                time.sleep(chance.uniform(0, 0.01))
                two.kill()
                lost += rest_of(two)
            before = max(block for block in blocks(path)["k"] if block < 10**9)
            kept = said_by(one, 1)
            while kept[-1] <= before + 3:  # it goes on
                kept += said_by(one, 1)
            one.kill()
            kept += rest_of(one)
        found = blocks(path)
        assert {*lost, *kept} <= set(found["k"])
        assert found["k"] == found["l"]
        check(path)


@pytest.mark.parametrize("limit", [0, 3000, 6000, 20_000, 100_000, 300_000])
def test_a_disk_that_fills_up(limit: int, tmp_path: Path) -> None:
    """At any moment: as the file is made, and as blocks are written."""
    path = tmp_path / "blocks.db"
    ran = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path), "0", str(limit)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    ready, *saved, complaint = ran.stdout.splitlines()
    assert ready == "ready"
    assert "Error: store " in complaint and str(path) in complaint
    assert bool(saved) == (limit > 50_000)
    found = blocks(path)  # it opens where there is room
    assert found == ({key: [int(block) for block in saved] for key in "kl"} if saved else {})
    check(path)
