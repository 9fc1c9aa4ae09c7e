"""Engines alone: calls by token, results as they finish."""

import os
import sys
import time
from pathlib import Path

import pytest
from toys import die, pause, process, refuse, square

from rnscli.base.errors import InputError, RnscliError
from rnscli.runtime.engines import Engine, Here, Token, local_engine


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


def test_calls_are_spread_over_processes() -> None:
    with local_engine(3) as engine:
        for number in range(12):
            engine.submit((0, number), process, None)
        processes = set(collect(engine, 12).values())
    assert len(processes) in (2, 3)  # the third may start too late to find work
    assert os.getpid() not in processes


def test_one_job_stays_in_this_process() -> None:
    with local_engine(1) as engine:
        assert isinstance(engine, Here)
        engine.submit((0, 0), process, None)
        assert collect(engine, 1) == {(0, 0): os.getpid()}


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
        for number, seconds in enumerate((0.0, 0.0, 0.0, 0.0)):  # the processes start
            engine.submit((0, number), pause, seconds)
        collect(engine, 4)
        engine.submit((1, 0), pause, 1.0)
        engine.submit((1, 1), pause, 0.0)
        assert [engine.next_done()[0] for _ in range(2)] == [(1, 1), (1, 0)]


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


@pytest.mark.parametrize("jobs", [1, 2])
def test_closing_does_not_wait_for_calls_that_have_not_begun(jobs: int) -> None:
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt), local_engine(jobs) as engine:
        for number in range(1000):
            engine.submit((0, number), pause, 0.1)
        engine.next_done()
        raise KeyboardInterrupt
    assert time.monotonic() - start < 10


def test_a_process_that_dies_is_an_error_and_not_a_hang() -> None:
    with pytest.raises(RnscliError, match="worker process has died"), local_engine(2) as engine:
        for number in range(6):
            engine.submit((0, number), die if number == 2 else square, number)
        collect(engine, 6)


def test_a_process_that_dies_while_nobody_asks_is_not_a_hang() -> None:
    """The pool would wait for the others, which do not see its signal."""
    start = time.monotonic()
    with local_engine(2) as engine:
        engine.submit((0, 0), pause, 60.0)
        engine.submit((0, 1), die, None)
        time.sleep(1.0)
    assert time.monotonic() - start < 10


def test_results_come_before_the_news_of_a_dead_process() -> None:
    """They can then be recorded."""
    with local_engine(2) as engine:
        for number in range(2):
            engine.submit((0, number), square, number)
        time.sleep(1.0)
        engine.submit((1, 0), die, None)
        time.sleep(0.5)
        engine.submit((1, 1), square, 1)  # too late, but that is not the time to say so
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
