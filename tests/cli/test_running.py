"""--jobs, --store, --rel-precision: the same bytes however a run is cut, spread, and killed."""

import json
import os
import pty
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnscli.base.errors import InputError
from rnscli.runtime.store import Store

Run = Callable[..., Any]
Rows = Callable[..., list[dict[str, Any]]]
Refusal = Callable[..., str]

# Five blocks of 65 536 pairs, the last one smaller.
SIMULATION = (
    "error-sim", "--bits", "6", "--core", "rns,fixed-lp,bit-sliced", "--pairs", "300000",
    "--p", "1e-3", "--redundant", "1", "--attempts", "2", "--adc-range", "full",
    "--format", "json",
)  # fmt: skip
VALIDATION = (
    "fault-prob", "--redundant", "2", "--attempts", "2", "--validate", "900000",
    "--format", "json",
)  # fmt: skip


def rnscli_process(*arguments: object) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "rnscli", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def count_of_blocks(store: Path) -> int:
    if not store.exists() or not store.stat().st_size:
        return 0
    try:
        with Store(store, read_only=True) as opened:
            return sum(1 for task in opened.tasks() for _ in opened.blocks(task))
    except InputError as error:  # another process is just about to make it
        assert "is empty" in str(error)
        return 0


@pytest.mark.parametrize("command", [SIMULATION, VALIDATION])
def test_any_number_of_jobs_and_a_store_give_the_same_bytes(
    command: tuple[str, ...], rnscli: Run, tmp_path: Path
) -> None:
    alone = rnscli(*command)
    assert alone.code == 0
    store = tmp_path / "runs.db"
    for more in (("--jobs", 2), ("--store", store), ("--store", store, "--jobs", 2)):
        assert rnscli(*command, *more) == alone
    assert count_of_blocks(store) > 4


def test_what_is_in_the_store_is_not_computed_again(
    rnscli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "runs.db"
    first = rnscli(*SIMULATION, "--store", store)

    def never(*arguments: object) -> None:
        raise AssertionError("a block is computed")

    monkeypatch.setattr("rnscli.analysis.error.dot_error.simulate_block", never)
    assert rnscli(*SIMULATION, "--store", store) == first
    fewer = list(SIMULATION)
    fewer[fewer.index("rns,fixed-lp,bit-sliced")] = "fixed-lp"
    assert rnscli(*fewer, "--store", store).code == 0  # with rns beside it for the ratio
    fewer[fewer.index("300000")] = "131072"  # two whole blocks
    assert rnscli(*fewer, "--store", store).code == 0
    fewer[fewer.index("1e-3")] = "2e-3"
    with pytest.raises(AssertionError, match="a block is computed"):
        rnscli(*fewer, "--store", store)


def test_a_longer_run_takes_up_a_shorter_one(rnscli: Run, tmp_path: Path) -> None:
    store = tmp_path / "runs.db"
    longer = [*SIMULATION]
    longer[longer.index("300000")] = "400000"
    rnscli(*SIMULATION, "--store", store)
    before = count_of_blocks(store)
    assert rnscli(*longer, "--store", store) == rnscli(*longer)
    # Of seven blocks, four whole ones were there, for each of three cores.
    assert count_of_blocks(store) - before == 3 * 3


@pytest.mark.thorough
@pytest.mark.parametrize("jobs", [1, 2])
def test_killed_six_times(jobs: int, rnscli: Run, tmp_path: Path) -> None:
    """SIGKILL at random moments (fixed seed): nothing recorded is lost, the result is the same."""
    command = [*SIMULATION, "--jobs", jobs]
    endless = [*command]
    endless[endless.index("300000")] = "1e9"
    store, moments = tmp_path / "runs.db", random.Random(jobs)
    held, kills = 0, 0
    while kills < 6:
        process = rnscli_process(*endless, "--store", store)
        # Some are killed before they have begun, others while they record another block.
        while kills % 2 and count_of_blocks(store) <= held:
            time.sleep(0.01)
        time.sleep(moments.random() * 0.3)
        assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kills += 1
        if not count_of_blocks(store):
            continue
        with sqlite3.connect(store) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()
        found = count_of_blocks(store)
        assert found >= held
        held = found
    assert held > 0
    finished = rnscli(*command, "--store", store)
    assert finished == rnscli(*command)


@pytest.mark.thorough
def test_two_commands_share_a_store(rnscli: Run, tmp_path: Path) -> None:
    store = tmp_path / "runs.db"
    processes = [rnscli_process(*SIMULATION, "--store", store) for _ in range(2)]
    outputs = [process.communicate(timeout=60) for process in processes]
    expected = rnscli(*SIMULATION)
    assert {(out.decode(), err) for out, err in outputs} == {(expected.out, b"")}
    assert count_of_blocks(store) == 5 * 3


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_precision_is_reached_at_the_same_block(jobs: int, rows: Rows) -> None:
    found = rows(
        "error-sim", "--bits", 6, "--core", "rns,fixed-lp", "--adc-range", "full",
        "--rel-precision", "3e-3,1e-2",
        "--jobs", jobs,
    )  # fmt: skip
    assert [row["rel_precision"] for row in found] == [3e-3, 3e-3, 1e-2, 1e-2]
    assert [row["pairs"] for row in found] == [4 * 65536, 4 * 65536, 65536, 65536]
    for row in found:
        low, high = row["mean_abs_error_ci95"]
        assert (high - low) / 2 <= row["rel_precision"] * row["mean_abs_error"]
        assert row["precision_reached"] == pytest.approx(
            (high - low) / 2 / row["mean_abs_error"], rel=1e-6
        )


def test_a_precision_that_is_not_reached(rnscli: Run) -> None:
    ran = rnscli(
        "error-sim", "--bits", 6, "--core", "rns", "--p", 1e-9, "--rel-precision", 0.1,
        "--precision-of", "output_error_rate", "--max-pairs", 5000, "--format", "json",
    )  # fmt: skip
    assert ran.code == 0
    (row,) = json.loads(ran.out)["rows"]
    assert (row["pairs"], row["precision_reached"]) == (5000, None)
    assert ran.err.count("\n") == 1
    assert "--max-pairs" in ran.err and "5000" in ran.err


def test_validation_stops_when_it_is_precise(rows: Rows) -> None:
    (coarse,) = rows(
        "fault-prob", "--redundant", 2, "--attempts", 1, "--validate", 10**7,
        "--rel-precision", 0.1,
    )  # fmt: skip
    for name in ("p_undetected", "p_err"):
        low, high = coarse[f"simulated_{name}_ci999"]
        value = coarse[f"simulated_{name}"]
        assert max(high - value, value - low) <= 0.1 * value
    low, high = coarse["simulated_p_undetected_ci999"]
    assert high - low > 0.05 * coarse["p_undetected"]  # not all of the words were simulated
    assert coarse["agrees"] is True


def on_a_terminal(*arguments: str) -> str:
    """What an impatient person sees on stderr while stdout goes to a file."""
    leader, follower = pty.openpty()
    program = (
        "from rnscli.cli import terminal; terminal.PATIENCE = 0.0; "
        "from rnscli.cli.main import main; main()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=follower,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "100"},
    )
    os.close(follower)
    seen = b""
    while True:
        try:
            read = os.read(leader, 65536)
        except OSError:  # how a closed terminal ends on Linux
            break
        if not read:
            break
        seen += read
    assert process.wait(timeout=60) == 0
    os.close(leader)
    return seen.decode(errors="replace")


def test_progress_is_for_a_person() -> None:
    long = ("error-sim", "--bits", "6", "--core", "rns,fixed-lp", "--pairs", "2e5")
    seen = on_a_terminal(*long)
    assert "of 200,000 pairs" in seen
    assert "pairs/s" in seen and "left" in seen
    assert "rns 0.0" in seen and "fixed-lp 1.0" in seen and "±" in seen
    assert on_a_terminal(*long, "--quiet") == ""


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("noise --core rns --vector-size 8,16", (2, "points", [1, 2])),
        ("moduli --bits 4..6", (3, "sets", [1, 2, 3])),
        ("fault-prob --target 1e-5 --p 1e-3 --bits 5", (1, "points", [1])),
        ("energy --bits 4,5 --core fixed-lp", (2, "designs", [1, 2])),
    ],
)
def test_every_point_is_progress(
    line: str, told: tuple[Any, ...], rnscli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[Any, ...]] = []

    @contextmanager
    def bar(total: float, what: str, quiet: bool) -> Iterator[Callable[..., None]]:
        done: list[float] = []
        seen.append((total, what, done))
        yield lambda number, *_, **__: done.append(number)

    monkeypatch.setattr("rnscli.cli.command.progress_bar", bar)
    assert rnscli(*line.split()).code == 0
    assert seen == [told]


def test_a_total_that_is_known_is_said_in_full() -> None:
    assert "of 143,210 pairs" in on_a_terminal(
        "error-sim", "--bits", "6", "--core", "fixed-lp", "--pairs", "143210"
    )


@pytest.mark.thorough
def test_without_a_standard_error(tmp_path: Path) -> None:
    """The result and the code are the same, and nothing strays into standard output."""
    for arguments, code in (("--pairs 100", 0), ("--pairs 99 --jobs 2", 0), ("--pairs abc", 2)):
        command = f"'{sys.executable}' -m rnscli error-sim --bits 6 --format csv {arguments}"
        for nowhere in ("2>&-", "2>/dev/full"):
            ran = subprocess.run(
                f"{command} {nowhere}", shell=True, stdout=subprocess.PIPE, text=True, timeout=60
            )
            assert ran.returncode == code
            assert len(ran.stdout.splitlines()) == (5 if code == 0 else 0)


# The store command


def test_a_store_is_listed_and_exported(rnscli: Run, rows: Rows, tmp_path: Path) -> None:
    store = tmp_path / "runs.db"
    simulated = json.loads(rnscli(*SIMULATION, "--store", store).out)["rows"]
    rnscli(*VALIDATION, "--store", store)
    tasks = rows("store", store)
    by_core = {row["core"]: row for row in tasks if row["what"] == "dot-error"}
    assert set(by_core) == {"rns", "fixed-lp", "bit-sliced"}
    for row in simulated:
        listed = by_core[row["core"]]
        for key in ("mean_abs_error", "mean_abs_error_ci95", "output_error_rate", "vector_size"):
            assert listed[key] == row[key]
        assert (listed["blocks"], listed["samples"]) == (5, 300_000)
        assert (listed["noise"], listed["p"], listed["operands"]) == ("uniform", 1e-3, "uniform")
        assert json.loads(listed["description"])["seed"] == listed["seed"] == 0
    assert (by_core["rns"]["moduli"], by_core["rns"]["redundant"]) == ([63, 62, 61, 59, 55], 1)
    (words,) = (row for row in tasks if row["what"] == "fault-prob")  # all strata in one row
    assert 890_000 < words["samples"] <= 900_000
    assert (words["redundant"], words["p"], words["mean_abs_error"]) == (2, 1e-3, None)
    blocks = rows("store", store, "--blocks")
    assert len(blocks) == sum(row["blocks"] for row in tasks)
    first = json.loads(blocks[0]["record"])
    assert first["signed"][0] == blocks[0]["samples"] == 65536
    table = rnscli("store", store)
    assert (table.code, table.err) == (0, "")
    assert max(map(len, table.out.splitlines())) <= 100
    exported = tmp_path / "tasks.csv"
    assert rnscli("store", store, "--output", exported).code == 0
    assert len(exported.read_text().splitlines()) == len(tasks) + 1


def test_of_runs_of_different_length_the_larger_block_counts(
    rnscli: Run, rows: Rows, tmp_path: Path
) -> None:
    store = tmp_path / "runs.db"
    for pairs in (100_000, 70_000, 200_000):
        (row,) = rows("error-sim", "--bits", 6, "--core", "rns", "--pairs", pairs, "--store", store)
    (task,) = rows("store", store)
    assert (task["blocks"], task["samples"]) == (4, 200_000)
    assert task["mean_abs_error"] == row["mean_abs_error"]


def test_operands_of_a_file_are_known_by_their_content(rnscli: Run, tmp_path: Path) -> None:
    store, rng = tmp_path / "runs.db", np.random.default_rng(5)
    x, w = rng.normal(size=(2, 50, 32))
    np.savez(tmp_path / "a.npz", x=x, w=w)
    np.save(tmp_path / "b.npy", np.stack((x, w)))
    np.savez(tmp_path / "c.npz", x=x, w=np.where(w == w[7, 7], 0, w))
    simulate = ("error-sim", "--bits", 6, "--store", store, "--format", "csv", "--operands")
    first = rnscli(*simulate, tmp_path / "a.npz")
    assert count_of_blocks(store) == 4
    same = rnscli(*simulate, tmp_path / "b.npy")
    assert count_of_blocks(store) == 4
    assert same.out.replace("b.npy", "a.npz") == first.out
    other = rnscli(*simulate, tmp_path / "c.npz")
    assert count_of_blocks(store) == 8
    assert other.out.replace("c.npz", "a.npz") != first.out


# Bad input


@pytest.mark.parametrize("command", [SIMULATION, VALIDATION])
def test_files_that_are_no_store(
    command: tuple[str, ...], refusal: Refusal, tmp_path: Path
) -> None:
    command = command[: command.index("--format")]
    text, other, newer = tmp_path / "text.db", tmp_path / "other.db", tmp_path / "newer.db"
    text.write_text("no database, but long enough to be looked at " * 40)
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE cats (name TEXT)")
    connection.close()
    Store(newer).close()
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = {path: path.read_bytes() for path in (text, other, newer)}
    for path, said in ((text, "not a store"), (other, "another program"), (newer, "99")):
        for arguments in ((*command, "--store", path), ("store", path)):
            sentence = refusal(*arguments)
            assert path.name in sentence and said in sentence
    assert {path: path.read_bytes() for path in before} == before
    assert "folder" in refusal(*command, "--store", tmp_path / "none" / "runs.db")
    assert "directory" in refusal(*command, "--store", tmp_path)
    assert "regular" in refusal(*command, "--store", "/dev/null")


def test_stores_that_cannot_be_listed(refusal: Refusal, tmp_path: Path) -> None:
    assert "missing.db" in refusal("store", tmp_path / "missing.db")
    assert "directory" in refusal("store", tmp_path)
    (tmp_path / "empty.db").touch()
    assert "empty" in refusal("store", tmp_path / "empty.db")
    Store(tmp_path / "new.db").close()
    assert "no blocks" in refusal("store", tmp_path / "new.db")
    assert "FILE" in refusal("store")
    assert "--require" in refusal("store", tmp_path / "new.db", "--require", "nothing <= 1")


def test_nothing_is_written_over_what_is_read(
    refusal: Refusal, rnscli: Run, tmp_path: Path
) -> None:
    store, operands = tmp_path / "runs.json", tmp_path / "a.npz"
    np.savez(operands, x=np.ones((4, 8)), w=np.ones((4, 8)))
    simulate = ("error-sim", "--bits", 6, "--operands", operands)
    assert rnscli(*simulate, "--store", store).code == 0
    before = store.read_bytes(), operands.read_bytes()
    (tmp_path / "link.json").symlink_to(store)
    for output in (store, tmp_path / "link.json"):
        assert "--store" in refusal(*simulate, "--store", store, "--output", output)
        assert "FILE" in refusal("store", store, "--output", output)
    csv = ("--format", "csv", "--output", operands)
    assert "--operands" in refusal(*simulate, *csv)
    assert (store.read_bytes(), operands.read_bytes()) == before


def test_operands_that_are_changed_between_two_runs(rows: Rows, tmp_path: Path) -> None:
    """The same name, other numbers: another result, and another row in the store."""
    store, operands = tmp_path / "runs.db", tmp_path / "a.npz"
    rng = np.random.default_rng(3)
    found = []
    for scale in (1.0, 100.0):
        np.savez(operands, x=scale * rng.normal(size=(50, 8)), w=rng.normal(size=(50, 8)))
        found += rows(
            "error-sim", "--bits", 6, "--core", "rns", "--operands", operands, "--store", store
        )
    listed = sorted(row["mean_abs_error"] for row in rows("store", store))
    assert listed == [row["mean_abs_error"] for row in found]
    assert listed[1] > 10 * listed[0]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ("error-sim --jobs 2 --scheduler tcp://127.0.0.1:1", "--jobs --scheduler"),
        ("error-sim --pairs 100 --rel-precision 0.1", "--pairs --rel-precision"),
        ("error-sim --max-pairs 100", "--max-pairs --rel-precision"),
        ("error-sim --precision-of mean_abs_error", "--precision-of --rel-precision"),
        (
            "error-sim --rel-precision 0.1 --precision-of output_error_rate",
            "--precision-of output_error_rate noise",
        ),
        ("error-sim --degrees-of-freedom 3", "--degrees-of-freedom student-t"),
        ("fault-prob --jobs 2", "--jobs --validate"),
        ("fault-prob --store runs.db", "--store --validate"),
        ("fault-prob --rel-precision 0.1", "--rel-precision --validate"),
        ("fault-prob --validate 1000 --rel-precision 0.1,0.2", "--rel-precision sweep"),
    ],
)
def test_contradictions(arguments: str, named: str, refusal: Refusal) -> None:
    sentence = refusal(*arguments.split())
    assert all(name in sentence for name in named.split())


def test_a_scheduler_that_is_not_there(refusal: Refusal, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("rnscli.runtime.cluster._PATIENCE", 0.3)
    sentence = refusal("error-sim", "--scheduler", "tcp://127.0.0.1:9")
    assert "--scheduler" in sentence and "127.0.0.1:9" in sentence
