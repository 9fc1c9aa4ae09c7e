"""A plan of 200 points: whole, killed and resumed, on two processes - the same folder."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from plans import contents, names, no_process_is_left, rnscli_process, sentences, write_plan

from rnscli.report.batch import RECORDS

pytestmark = pytest.mark.thorough

Run = Callable[..., Any]

HEAD = """\
title = "200 points"
[defaults]
vector-size = 64
[run.tables]
command = "moduli"
bits = [5, 6]
redundant = "0..2"
require = "count <= 6"
"""
SIMULATION = """
[run.sim{bits}]
command = "error-sim"
bits = {bits}
core = ["rns", "fixed-lp"]
p = [1e-4, 1e-3]
redundant = 1
pairs = [200_000, 20_000]
require = "mean_abs_error <= 2"
"""
OTHERS = """
[run.faults]
command = "fault-prob"
moduli = "@tables.moduli"
p = "1e-4..1e-1:9"
attempts = [1, 2]
require = ["p_err <= 1", "p_err <= 1e-3"]
[run.checked]
command = "fault-prob"
moduli = "@tables.moduli"
p = [1e-3, 1e-2]
attempts = 2
validate = 60_000
[run.gaussian]
command = "fault-prob"
bits = 6
redundant = [1, 2]
noise = "gaussian"
sigma = "0.1..0.5:5"
[run.cost]
command = "energy"
moduli = "@faults.moduli"
core = "rns"
[run.best]
command = "design"
bits = "4..6"
core = "rns"
[run.of_best]
command = "fault-prob"
moduli = "@best.moduli"
plot = "svg"
"""
PLAN = HEAD + "".join(SIMULATION.format(bits=bits) for bits in range(4, 8)) + OTHERS


@contextmanager
def ended(process: Any) -> Iterator[Any]:
    """Whatever the test does with it."""
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def progress(folder: Path) -> int:
    """Bytes that a batch has recorded."""
    found = 0
    for path in (folder / "blocks.db-wal", folder / "results.partial"):
        if path.is_dir():
            found += sum(1 for item in path.iterdir() if not item.name.startswith("."))
        elif path.exists():
            found += path.stat().st_size
    return found


def test_200_points_three_times(rnscli: Run, tmp_path: Path) -> None:
    whole, killed, spread = (tmp_path / name for name in ("whole", "killed", "spread"))
    for folder in (whole, killed, spread):
        folder.mkdir()
    plan = write_plan(tmp_path, PLAN)
    assert sentences(plan) == []
    assert rnscli("batch", plan, "--output", whole / "results").code == 1
    expected = contents(whole / "results")
    points = sum(
        len(content.splitlines()) - 1
        for name, content in expected.items()
        if name.endswith(".csv") and name != "summary.csv"
    )
    assert points >= 200
    spread_over = ("--jobs", 2, "--store", spread / "blocks.db")
    assert rnscli("batch", plan, "--output", spread / "results", *spread_over).code == 1
    assert contents(spread / "results") == expected

    resume = ("batch", plan, "--output", killed / "results", "--resume", "--store",
              killed / "blocks.db", "--jobs")  # fmt: skip
    moments = random.Random(5)
    kinds = [signal.SIGKILL, signal.SIGTERM, signal.SIGKILL, signal.SIGINT, signal.SIGKILL]
    codes = {signal.SIGKILL: -9, signal.SIGTERM: 143, signal.SIGINT: 130}
    for number, kind in enumerate(kinds):
        before = progress(killed)
        with ended(rnscli_process(*resume, 1 + number % 2)) as process:
            while number and progress(killed) <= before:  # the first one has hardly begun
                assert process.poll() is None, process.communicate()
                time.sleep(0.005)
            time.sleep(0.1 * moments.random())
            assert process.poll() is None, "it was so fast that it could not be killed"
            # A signal of a terminal is for the whole group; of others the batch itself is killed.
            (os.kill if kind == signal.SIGKILL else os.killpg)(process.pid, kind)
            _, err = process.communicate(timeout=60)
            assert process.returncode == codes[kind]
            no_process_is_left(process.pid)
            *said, word = err.splitlines() or [""]
            assert word in ("", "rnscli: terminated", "rnscli: interrupted")
            assert len(said) <= 1 and "".join(said).endswith(GO_ON if said else "")
        assert not (killed / "results").exists()
    assert rnscli(*resume, 1).code == 1
    assert contents(killed / "results") == expected
    for folder in (killed, spread, whole):
        assert [name for name in names(folder) if "blocks" not in name] == ["results"]


GO_ON = "--resume goes on from there"
SHORT = HEAD + SIMULATION.format(bits=5).replace("200_000", "4e5")


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
def test_a_signal_ends_it_and_it_says_how_to_go_on(
    jobs: int, number: signal.Signals, code: int, word: str, rnscli: Run, tmp_path: Path
) -> None:
    """To the whole group, as a terminal does; what is finished is kept, the old folder stays."""
    plan = write_plan(tmp_path, SHORT)
    output = tmp_path / "results"
    rnscli("batch", plan, "--output", output, "--only", "tables")
    before = contents(output)
    plan.write_text(SHORT.replace("[5, 6]", "5").replace("4e5", "1e9"))
    command = ("batch", plan, "--output", output, "--resume", "--jobs", jobs)
    with ended(rnscli_process(*command)) as process:
        while not (tmp_path / "results.partial" / "tables" / RECORDS).exists():
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        os.killpg(process.pid, number)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (code, "")
        assert err == f"rnscli: runs finished: 1; {GO_ON}\nrnscli: {word}\n"
        no_process_is_left(process.pid)
    assert contents(output) == before
    assert names(tmp_path) == ["plan.toml", "results", "results.partial"]
    assert names(tmp_path / "results.partial") == [RECORDS, "tables"]
    ran = rnscli("batch", plan, "--output", tmp_path / "results", "--only", "tables", "--resume")
    assert ran.code == 0
    assert names(tmp_path) == ["plan.toml", "results"]


def test_an_interrupted_batch_is_not_begun_again_by_mistake(rnscli: Run, tmp_path: Path) -> None:
    plan = write_plan(tmp_path, SHORT.replace("4e5", "1e9"))
    command = ("batch", plan, "--output", tmp_path / "results")
    with ended(rnscli_process(*command)) as process:
        while not (tmp_path / "results.partial" / "tables" / RECORDS).exists():
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        ran = rnscli(*command, "--resume")
        assert (ran.code, ran.out) == (2, "")
        assert "another batch is at work in" in ran.err
    before = contents(tmp_path)
    ran = rnscli(*command)
    assert (ran.code, ran.out) == (2, "")
    assert "holds 1 finished runs" in ran.err and "--resume" in ran.err and "--force" in ran.err
    assert contents(tmp_path) == before
    assert rnscli(*command, "--only", "tables", "--force").code == 0
    assert names(tmp_path) == ["plan.toml", "results"]


@pytest.mark.parametrize("moment", range(6))
def test_killed_as_the_folder_is_put_in_its_place(
    moment: int, rnscli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between any two of its steps: the old or the new one is there, or can be resumed."""

    class KilledError(BaseException):
        pass

    plan = write_plan(tmp_path, HEAD)
    command = ("batch", plan, "--output", tmp_path / "results")
    rnscli(*command)
    old = contents(tmp_path / "results")
    plan.write_text(HEAD.replace("[5, 6]", "6"))
    steps = iter(range(100))
    dead: list[bool] = []

    def step(call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **more: Any) -> Any:
            if dead or next(steps) == moment:  # nothing is cleared up by who is dead
                dead.append(True)
                raise KilledError
            return call(*arguments, **more)

        return counted

    with monkeypatch.context() as patched:
        for name in ("os.rename", "os.rmdir", "os.unlink", "os.fsync"):
            patched.setattr(name, step(getattr(os, name.split(".")[1])))
        with pytest.raises(BaseException, match=""):
            rnscli(*command, "--resume")
            raise KilledError
    results = tmp_path / "results"
    assert not results.exists() or old in (contents(results), old)
    assert rnscli(*command, "--resume").code == 0
    resumed = contents(results)
    assert rnscli(*command, "--force").code == 0
    assert contents(results) == resumed != old
    assert names(tmp_path) == ["plan.toml", "results"]
