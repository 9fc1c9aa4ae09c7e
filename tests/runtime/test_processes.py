"""Engines alone: calls by token, results as they finish."""

import multiprocessing
import os
import subprocess
import sys
import time
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import pytest
from toys import (
    answer_unsendably,
    die,
    die_once,
    fail_unsendably,
    half_a_result,
    meet,
    pause,
    process,
    refuse,
    square,
)

from rnscli.base.errors import InputError, RnscliError
from rnscli.runtime.engine import Engine, Here, Token
from rnscli.runtime.processes import local_engine


def collect(engine: Engine, number: int) -> dict[Token, object]:
    """The results of the next calls that finish."""
    return dict(engine.next_done() for _ in range(number))


@pytest.mark.parametrize("jobs", [1, 2, 3])
@pytest.mark.parametrize("calls", [1, 2, 25])
def test_every_call_comes_back_under_its_token(jobs: int, calls: int) -> None:
    with local_engine(jobs) as engine:
        for number in range(calls):
            engine.submit((number % 3, number), square, number)
        found = collect(engine, calls)
    assert found == {(number % 3, number): number**2 for number in range(calls)}


def test_a_pool_serves_again_and_again() -> None:
    with local_engine(2) as engine:
        for start in (0, 100):
            for number in range(9):
                engine.submit((0, number), square, start + number)
            found = collect(engine, 9)
            assert found == {(0, number): (start + number) ** 2 for number in range(9)}


def test_calls_are_spread_over_processes(tmp_path: Path) -> None:
    with local_engine(3) as engine:
        for number in range(3):
            engine.submit((0, number), meet, str(tmp_path), 3)
        processes = set(collect(engine, 3).values())
    assert len(processes) == 3
    assert os.getpid() not in processes


def test_one_job_stays_in_this_process() -> None:
    with local_engine(1) as engine:
        assert isinstance(engine, Here)
        engine.submit((0, 0), process, None)
        assert collect(engine, 1) == {(0, 0): os.getpid()}


def test_where_processes_cannot_be_started_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server of processes has a socket, whose name a system bounds: to 107 bytes, or 103."""

    def begin() -> None:
        raise OSError("AF_UNIX path too long")

    monkeypatch.setattr(forkserver, "ensure_running", begin)
    with pytest.raises(RnscliError, match=r"path too long.*TMPDIR.*`jobs`"), local_engine(2):
        pass


def test_here_computes_nothing_before_it_is_asked() -> None:
    calls: list[int] = []
    engine = Here()
    engine.submit((0, 0), calls.append, 0)
    engine.submit((0, 1), calls.append, 1)
    assert calls == []
    assert engine.next_done() == ((0, 0), None)
    assert calls == [0]


def test_results_come_as_they_finish() -> None:
    with local_engine(2) as engine:
        engine.submit((1, 0), pause, 600.0)
        engine.submit((1, 1), pause, 0.0)
        assert engine.next_done() == ((1, 1), 0.0)


def test_capacity_keeps_every_process_busy() -> None:
    assert Here().capacity == 1
    with local_engine(2) as two, local_engine(5) as five:
        assert two.capacity >= 4
        assert five.capacity >= 10
        assert two.shares_files and five.shares_files and Here().shares_files


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_is_cancelled_never_comes_back(jobs: int) -> None:
    with local_engine(jobs) as engine:
        for number in range(10):
            engine.submit((number % 2, number), pause, 0.01)
        engine.cancel({(1, number) for number in range(1, 10, 2)} | {(7, 7)})
        assert set(collect(engine, 5)) == {(0, number) for number in range(0, 10, 2)}
        engine.submit((1, 1), square, 3)  # its token may be used again
        assert engine.next_done() == ((1, 1), 9)


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_exception_arrives_as_itself_and_the_engine_works_on(jobs: int) -> None:
    with local_engine(jobs) as engine:
        engine.submit((0, 0), refuse, "no")
        with pytest.raises(InputError, match=r"^no$"):
            engine.next_done()
        engine.submit((0, 1), square, 2)
        assert engine.next_done() == ((0, 1), 4)


def test_where_an_error_was_raised_is_told_with_it() -> None:
    with local_engine(2) as engine:
        engine.submit((0, 0), refuse, "no")
        with pytest.raises(InputError) as caught:
            engine.next_done()
    assert "in refuse" in str(caught.value.__cause__)


@pytest.mark.parametrize("function", [fail_unsendably, answer_unsendably])
def test_what_cannot_be_sent_back_is_an_error_of_its_call(function: Any) -> None:
    with local_engine(2) as engine:
        engine.submit((0, 0), function, None)
        with pytest.raises(Exception, match=r"pickle|UnsendableError"):
            engine.next_done()
        engine.submit((0, 1), square, 2)
        assert engine.next_done() == ((0, 1), 4)


def test_what_cannot_be_sent_out_is_an_error_of_its_call() -> None:
    with local_engine(2) as engine:
        engine.submit((0, 0), lambda number: number, 1)
        with pytest.raises(Exception, match="pickle"):
            engine.next_done()
        engine.submit((0, 1), square, 2)
        assert engine.next_done() == ((0, 1), 4)


def test_nobody_waits_for_the_rest_of_a_result(tmp_path: Path) -> None:
    """Of a process that is ended in the midst of sending it."""
    marks = [tmp_path / "one", tmp_path / "two"]
    with local_engine(2) as engine:
        for number, mark in enumerate(marks):
            engine.submit((0, number), half_a_result, str(mark))
        while not all(mark.exists() for mark in marks):
            time.sleep(0.01)


def test_an_engine_that_nobody_closes_does_not_keep_python_from_its_end() -> None:
    program = (
        "import sys; sys.path[:0] = sys.argv[1:]; import toys; from rnscli import local_engine; "
        "context = local_engine(2); engine = context.__enter__(); "
        "engine.submit((0, 0), toys.square, 3); engine.next_done(); "
        "engine.submit((0, 0), toys.pause, 600)"
    )
    folder = Path(__file__).parent
    ran = subprocess.run([sys.executable, "-c", program, folder], capture_output=True, timeout=60)
    assert (ran.returncode, ran.stderr) == (0, b"")


def test_a_process_that_is_just_being_started_is_ended_too() -> None:
    with local_engine(2) as engine:
        engine.submit((0, 0), pause, 600.0)
        engine.submit((0, 1), pause, 600.0)
    give_up = time.monotonic() + 60
    while multiprocessing.active_children():
        assert time.monotonic() < give_up
        time.sleep(0.01)


@pytest.mark.parametrize("jobs", [1, 2])
def test_closing_does_not_wait_for_calls_that_have_not_begun(jobs: int) -> None:
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt), local_engine(jobs) as engine:
        for number in range(10_000):
            engine.submit((0, number), pause, 0.1)
        engine.next_done()
        raise KeyboardInterrupt
    assert time.monotonic() - start < 60  # all would take 500 s


def test_a_process_that_dies_is_an_error_and_not_a_hang() -> None:
    with pytest.raises(RnscliError, match="worker process has died"), local_engine(2) as engine:
        for number in range(6):
            engine.submit((0, number), die if number == 2 else square, number)
        collect(engine, 6)


def test_a_process_that_dies_while_nobody_asks_is_not_a_hang(tmp_path: Path) -> None:
    start = time.monotonic()
    with local_engine(2) as engine:
        engine.submit((0, 0), pause, 600.0)
        engine.submit((0, 1), die_once, str(tmp_path / "dead"))
        while not (tmp_path / "dead").exists():
            time.sleep(0.01)
    assert time.monotonic() - start < 60


def ended(engine: Any, calls: int) -> None:
    """Wait until so many have, without taking their results."""
    while engine._done.qsize() < calls:
        time.sleep(0.01)


def test_results_come_before_the_news_of_a_dead_process() -> None:
    """They can then be recorded."""
    with local_engine(2) as engine:
        for number in range(2):
            engine.submit((0, number), square, number)
        ended(engine, 2)
        engine.submit((1, 0), die, None)
        ended(engine, 3)
        engine.submit((1, 1), square, 1)
        assert collect(engine, 2) == {(0, 0): 0, (0, 1): 1}
        with pytest.raises(RnscliError, match="worker process has died"):
            engine.next_done()


def test_a_function_of_a_script_that_changes_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Processes that are not forked find the modules that this one finds."""
    (tmp_path / "beside_the_script.py").write_text("def twice(n):\n    return 2 * n\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    module = __import__("beside_the_script")
    with local_engine(2) as engine:
        engine.submit((0, 0), module.twice, 21)
        assert engine.next_done() == ((0, 0), 42)
