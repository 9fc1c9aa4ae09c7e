"""``rnscli batch --jobs`` and ``--scheduler``: runs and blocks spread, the same folder."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plans import contents, names, rnscli_process, write_plan

import rnscli as package
from rnscli.report.batch import RECORDS
from rnscli.runtime.store import Store

pytestmark = pytest.mark.thorough

Run = Callable[..., Any]

MANY = """\
[defaults]
vector-size = 32
[run.table]
command = "moduli"
bits = [5, 6]
redundant = "0..1"
[run.chain]
command = "fault-prob"
moduli = "@table.moduli"
[run.end]
command = "energy"
core = "rns"
moduli = "@chain.moduli"
[run.file]
command = "error-sim"
bits = 5
operands = "operands.npy"
[run.drawn]
command = "energy"
bits = [4, 5]
plot = "svg"
[run.blocks]
command = "error-sim"
bits = 6
pairs = 400_000
core = ["rns", "fixed-lp"]
adc-range = "full"
require = "mean_abs_error <= 1e-3"
[run.checked]
command = "fault-prob"
moduli = "@table.moduli"
validate = 150_000
[run.best]
command = "design"
bits = "4..5"
core = "rns"
[run.bad]
command = "fault-prob"
moduli = "@none.moduli"
[run.none]
command = "design"
bits = 4
core = "rns"
max-energy = "1e-30J"
""" + "".join(
    f'[run.small{number}]\ncommand = "energy"\nbits = {4 + number % 3}\n' for number in range(20)
)


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a Dask scheduler with two workers."""
    pytest.importorskip("distributed")
    folder = tmp_path_factory.mktemp("cluster")
    told = folder / "scheduler.json"
    programs = []

    def start(kind: str, *arguments: str) -> "subprocess.Popen[bytes]":
        with (folder / f"{kind}.log").open("a") as log:
            command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *arguments]
            programs.append(
                subprocess.Popen(
                    [*command, "--host", "127.0.0.1", "--no-dashboard"],
                    stdout=log,
                    stderr=log,
                    cwd=folder,
                    env=os.environ | {"PYTHONPATH": str(Path(package.__file__).parents[1])},
                )
            )
        return programs[-1]

    try:
        first = start("scheduler", "--port", "0", "--scheduler-file", str(told))
        give_up = time.monotonic() + 30
        while not told.exists() or not told.read_text().endswith("}"):
            assert first.poll() is None and time.monotonic() < give_up
            time.sleep(0.02)
        address: str = json.loads(told.read_text())["address"]
        for _ in range(2):
            start("worker", address, "--no-nanny", "--nthreads", "1", "--memory-limit", "0")
        yield address
    finally:
        for program in reversed(programs):
            program.kill()
            program.wait()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the plan reads."""
    monkeypatch.chdir(tmp_path)
    np.save("operands.npy", np.random.default_rng(1).normal(size=(2, 20, 32)))
    return tmp_path


def blocks(path: Path) -> dict[str, int]:
    with Store(path, read_only=True) as store:
        return {task.key: len(list(store.blocks(task))) for task in store.tasks()}


def test_the_same_folder_wherever_it_is_computed(scheduler: str, rnscli: Run, here: Path) -> None:
    plan = write_plan(here, MANY)

    def batch(name: str, *options: object) -> tuple[Any, dict[str, Any]]:
        ran = rnscli("batch", plan, "--output", name, *options)
        return ran, contents(here / name)

    alone = batch("alone", "--store", "alone.db")
    assert alone[0].code == 2
    assert [line.split(": ")[1] for line in alone[0].err.splitlines()] == [
        "blocks", "blocks", "bad", "none",
    ]  # fmt: skip
    assert batch("two", "--jobs", 2) == alone
    for name, options in (("many", ("--jobs", 4)), ("cluster", ("--scheduler", scheduler))):
        assert batch(name, *options, "--store", f"{name}.db") == alone
        # The few blocks of a design are computed with it, elsewhere.
        assert blocks(here / f"{name}.db").items() <= blocks(here / "alone.db").items()
    assert sum(blocks(here / "alone.db").values()) > 15


def test_what_is_in_the_store_is_not_computed_again(
    scheduler: str, rnscli: Run, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = write_plan(here, MANY)
    only = ("batch", plan, "--only", "blocks,checked", "--store", "blocks.db", "--output")
    assert rnscli(*only, "first", "--jobs", 2).code == 1
    held = blocks(here / "blocks.db")

    def never(*arguments: object) -> None:
        raise AssertionError("a block is computed")

    monkeypatch.setattr("rnscli.runtime.engine.Here.submit", never)
    monkeypatch.setattr("rnscli.runtime.processes._Processes.submit", never)
    monkeypatch.setattr("rnscli.runtime.cluster._Cluster.submit", never)
    for name, options in (("a", ()), ("b", ("--jobs", 2)), ("c", ("--scheduler", scheduler))):
        assert rnscli(*only, name, *options).code == 1
        assert contents(here / name) == contents(here / "first")
    assert blocks(here / "blocks.db") == held


def test_warnings_of_runs_are_said_wherever_they_run(rnscli: Run, here: Path) -> None:
    text = '[run.{}]\ncommand = "fault-prob"\nbits = 6\nredundant = 2\np = {}\n'
    runs = (("a", 1e-200), ("b", 1e-3), ("c", 1e-250))
    plan = write_plan(here, "".join(text.format(*run) for run in runs))
    alone, spread = (rnscli("batch", plan, "--output", j, "--jobs", j) for j in (1, 2))
    assert (alone.code, alone.out) == (spread.code, spread.out) == (0, spread.out)
    for ran, names_of_runs in ((alone, ("", "")), (spread, ("run a: ", "run c: "))):
        assert sorted(ran.err.splitlines()) == [
            f"rnscli: warning: {name}a probability at p = {p} is below 2.2e-308 and is given as 0"
            for name, p in zip(names_of_runs, ("1e-200", "1e-250"), strict=True)
        ]
    assert contents(here / "1") == contents(here / "2")


def test_a_store_that_cannot_be_used(rnscli: Run, here: Path) -> None:
    """It is an error before anything is computed, or of each run that needs it."""
    plan = write_plan(here, MANY)
    (here / "no.db").write_text("this is not a store" * 100)
    for jobs in (1, 2):
        ran = rnscli(
            "batch", plan, "--output", "results", "--store", "no.db", "--jobs", jobs, "--force"
        )
        assert (ran.code, ran.out) == (2, "")
        assert ran.err.count("\n") == 1 and "no.db" in ran.err and "not a store" in ran.err
    assert names(here) == ["no.db", "operands.npy", "plan.toml"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--jobs", 2, "--scheduler", "tcp://127.0.0.1:9"), "--jobs and --scheduler"),
        (("--scheduler", "tcp://127.0.0.1:9"), "does not answer"),
    ],
)
def test_a_place_that_cannot_be_used(
    options: tuple[object, ...], said: str, rnscli: Run, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("rnscli.runtime.cluster._PATIENCE", 0.3)
    ran = rnscli("batch", write_plan(here, MANY), "--output", "results", *options)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.count("\n") == 1 and said in ran.err
    assert names(here) == ["operands.npy", "plan.toml"]


def test_a_worker_that_is_killed(rnscli: Run, here: Path) -> None:
    """The pool is gone with it: one sentence, what is finished is kept, nothing is written."""
    text = (
        '[run.a]\ncommand = "energy"\nbits = 5\n'
        '[run.b]\ncommand = "error-sim"\nbits = 5\ncore = "rns"\npairs = 1e9\n'
    )
    plan = write_plan(here, text)
    command = ("batch", plan, "--output", "results", "--jobs", 2)
    process = rnscli_process(*command)
    try:
        kept = here / "results.partial"
        while not (kept / "a").exists():
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        os.kill(_worker_of(process.pid), signal.SIGKILL)
        out, err = process.communicate(timeout=30)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    assert (process.returncode, out) == (2, "")
    assert err.splitlines()[0] == "rnscli: runs finished: 1; --resume goes on from there"
    assert err.count("\n") == 2 and "worker process has died" in err
    assert not (here / "results").exists()
    assert names(kept) == [RECORDS, "a"]
    plan.write_text(text.replace("1e9", "1000"))
    assert rnscli(*command, "--resume").code == 0
    assert names(here) == ["operands.npy", "plan.toml", "results"]


def _worker_of(parent: int) -> int:
    """A process that computes for a batch."""
    table = subprocess.check_output(["ps", "-ww", "-eo", "pid,pgid,args"], text=True)
    found = [
        int(line.split()[0])
        for line in table.splitlines()[1:]
        if int(line.split()[1]) == parent and "forkserver" in line
    ]
    return max(found)
