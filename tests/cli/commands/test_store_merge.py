"""Stores of machines without a common disk: merged, they give what one machine would have."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from rnscli.runtime.store import Entry, Store

Run = Callable[..., Any]
Refusal = Callable[..., str]
LINE = ("error-sim", "--core", "rns,fixed-lp", "--adc-range", "full", "--p", "1e-2")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def everything(path: str) -> list[tuple[Any, ...]]:
    """All that a store holds, whatever the order in which it was recorded."""
    with Store(path, read_only=True) as store:
        return sorted(
            (task.key, str(task.description), task.created, one.block, one.samples, one.content,
             str(one.record), one.finished)
            for task in store.tasks()
            for one in store.blocks(task)
        )  # fmt: skip


def made(path: str, *tasks: tuple[str, int, Any]) -> str:
    with Store(path) as store:
        for name, block, value in tasks:
            store.save([Entry(name, {"what": name}, {"value": value})], block, 10, "")
    return path


def test_numbers_are_those_of_one_machine(rnscli: Run) -> None:
    parts = [("--bits", "4", "--pairs", "900"), ("--bits", "6", "--pairs", "600")]
    for name, part in zip(("a.db", "b.db"), parts, strict=True):
        assert rnscli(*LINE, *part, "--store", name).code == 0
    whole = (*LINE, "--bits", "4,6", "--pairs", "900")
    alone = rnscli(*whole, "--store", "alone.db", "--format", "json")
    merged = rnscli("store", "merge", "all.db", "a.db", "b.db")
    assert merged.code == 0 and [line.split()[-1] for line in merged.out.splitlines()[2:]] == [
        "0", "0",
    ]  # fmt: skip
    before = everything("all.db")
    assert before == sorted(everything("a.db") + everything("b.db"))
    assert rnscli(*whole, "--store", "all.db", "--format", "json").out == alone.out
    # What was recorded was not computed again.
    assert set(before) < set(everything("all.db"))
    rows = ("--where", "bits >= 4 and core == rns", "--command", "error-sim", "--format", "csv")
    listed = [rnscli("store", "query", name, *rows).out for name in ("alone.db", "all.db")]
    values = [[line.split(",")[1:20] for line in text.splitlines()] for text in listed]
    assert values[0] == values[1] and len(values[0]) == 3


def test_the_order_does_not_matter_and_twice_is_once(rnscli: Run) -> None:
    made("a.db", ("k", 0, 1), ("k", 1, 2), ("l", 0, 3))
    made("b.db", ("k", 1, 2), ("m", 0, 4))
    for into, sources in (("one.db", ("a.db", "b.db")), ("two.db", ("b.db", "a.db", "b.db"))):
        assert rnscli("store", "merge", into, *sources).code == 0
    assert len(everything("one.db")) == 4
    # But for the moment in which the block that both have was recorded.
    assert [one[:2] + one[3:7] for one in everything("one.db")] == [
        one[:2] + one[3:7] for one in everything("two.db")
    ]
    merging = ("store", "merge", "two.db", "a.db", "b.db", "--sort", "-store")
    found = json.loads(rnscli(*merging, "--format", "json").out)["rows"]
    assert [(one["store"], one["present"]) for one in found] == [("b.db", 2), ("a.db", 3)]
    assert '"const": "store merge"' in rnscli("schema", "store", "merge").out
    assert rnscli(*merging, "--show", "blocks", "--output", "x.csv").code == 0
    assert Path("x.csv").read_text() == "blocks\n0\n0\n"
    again = everything("one.db")
    assert rnscli("store", "merge", "one.db", "a.db", "b.db").code == 0
    assert everything("one.db") == again


def test_a_conflict_is_told_and_changes_nothing(rnscli: Run) -> None:
    made("into.db", ("k", 0, 1))
    made("a.db", ("k", 0, 1.5), ("k", 1, 2))
    ran = rnscli("store", "merge", "into.db", "a.db")
    assert ran.code == 1
    assert ran.err == ("rnscli: block 0 of k in a.db is another one than in into.db, which stays\n")
    with Store("into.db", read_only=True) as store:
        assert store.load("k", 0, 10, "") == {"value": 1}
        assert store.load("k", 1, 10, "") == {"value": 2}


def test_bad_stores_leave_all_as_it_was(rnscli: Run, tmp_path: Path) -> None:
    made("into.db", ("k", 0, 1))
    made("a.db", ("l", 0, 1))
    made("bad.db", ("m", 0, 1), ("n", 0, 2))
    with closing(sqlite3.connect("bad.db")) as raw, raw:
        raw.execute("UPDATE block SET record = x'00' WHERE task = 2")
    made("other.db", ("k", 1, 1))
    with closing(sqlite3.connect("other.db")) as raw, raw:
        raw.execute("UPDATE task SET description = '{}'")
    Path("text.db").write_text("no store" * 100)
    os.link("into.db", "same.db")
    before = everything("into.db")
    for source, said in (
        ("bad.db", "bad.db is damaged"),
        ("other.db", "into.db describes it otherwise"),
        ("text.db", "text.db is not a store"),
        ("none.db", "none.db does not exist"),
        ("into.db", "is INTO.db itself"),
        ("same.db", "is INTO.db itself"),
    ):
        ran = rnscli("store", "merge", "into.db", "a.db", source)
        assert (ran.code, ran.out) == (2, "") and said in ran.err and ran.err.count("\n") == 1
        assert everything("into.db") == before
    assert rnscli("store", "merge", "into.db").code == 2


def test_queries_that_are_none(rnscli: Run, refusal: Refusal) -> None:
    assert rnscli(*LINE, "--bits", "4", "--pairs", "100", "--store", "a.db").code == 0
    for words, said in (
        (("--where", "bitz == 4"), "column bitz does not exist; did you mean bits?"),
        (("--where", "bits"), "is no condition"),
        (("--where", "bits >= 5"), "nothing that fits, of 2 rows"),
        (("--command", "train"), "nothing that fits"),
        (("--command", "moduli"), "records nothing in a store"),
    ):
        assert said in refusal("store", "query", "a.db", *words)


@pytest.mark.thorough
@pytest.mark.skipif(os.name != "posix", reason="needs signals of POSIX")
def test_a_merge_that_is_killed_changed_nothing_or_all(rnscli: Run) -> None:
    with Store("a.db") as store:
        entries = [Entry(f"k{one}", {"what": one}, {"value": one}) for one in range(100)]
        for block in range(40):
            store.save(entries, block, 10, "")
    line = [sys.executable, "-m", "rnscli", "store", "merge", "into.db", "a.db"]
    outcomes = set()
    for wait in (0.0, 0.1, 0.3):
        merging = subprocess.Popen(line, stdout=subprocess.DEVNULL)
        give_up = time.monotonic() + 20
        while not Path("into.db-wal").exists() and time.monotonic() < give_up:
            time.sleep(0.005)
        time.sleep(wait)
        merging.send_signal(signal.SIGKILL)
        merging.wait()
        with closing(sqlite3.connect("into.db")) as raw:
            try:
                outcomes.add(raw.execute("SELECT count(*) FROM block").fetchone()[0])
            except sqlite3.OperationalError:  # killed before it had tables
                outcomes.add(0)
    assert outcomes <= {0, 4_000} and 0 in outcomes
    assert rnscli("store", "merge", "into.db", "a.db").code == 0
    assert len(everything("into.db")) == 4_000
