"""One engine for several threads: to each its own results, whatever the others do."""

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from toys import die, expected, fail_to_read, pause, refuse, slow, square, uneven, work

from rnscli.base.errors import EngineError, InputError, RnscliError
from rnscli.runtime.cluster import _Cluster
from rnscli.runtime.engine import Engine, Token
from rnscli.runtime.processes import SharedEngine, local_engine
from rnscli.runtime.runner import Runner

PATIENCE = 30.0  # seconds until a test is given up for a deadlock


def in_threads(functions: list[Callable[[], Any]]) -> list[Any]:
    """Results of functions, each in a thread of its own; what one raises is its result."""

    def caught(function: Callable[[], Any]) -> Any:
        try:
            return function()
        except Exception as error:
            return error

    pool = ThreadPoolExecutor(len(functions))
    try:
        futures = [pool.submit(caught, function) for function in functions]
        return [future.result(timeout=PATIENCE) for future in futures]
    finally:
        pool.shutdown(wait=False)


class Shuffled:
    """An engine whose calls finish in random order, and which checks how it is used."""

    capacity = 7
    shares_files = True

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._calls: list[tuple[Token, Callable[[], Any]]] = []
        self._changed = threading.Condition()
        self._waiting = 0
        self.cancelled: set[Token] = set()

    def submit(self, token: Token, function: Callable[..., Any], *arguments: Any) -> None:
        with self._changed:
            assert token not in [other for other, _ in self._calls]
            self._calls.append((token, lambda: function(*arguments)))
            self._changed.notify()

    def next_done(self) -> tuple[Token, Any]:
        with self._changed:
            assert self._waiting == 0, "two threads wait for the engine"
            self._waiting += 1
            try:
                while not self._calls:
                    assert self._changed.wait(PATIENCE), "it waits for nothing"
                number = self._random.randrange(len(self._calls))
                token, call = self._calls.pop(number)
            finally:
                self._waiting -= 1
        time.sleep(self._random.choice((0, 0, 1e-4)))  # lets others in
        return token, call()

    def cancel(self, tokens: set[Token]) -> None:
        with self._changed:
            self._calls = [pair for pair in self._calls if pair[0] not in tokens]
            self.cancelled |= tokens


def echo(*words: object) -> tuple[object, ...]:
    return words


def user(part: Engine, name: int, calls: int, seed: int) -> Callable[[], int]:
    """A thread that keeps some calls under way and cancels a few; it sees its own only."""

    def use() -> int:
        stream, under_way, begun, seen = random.Random(seed), set[Token](), 0, 0
        while begun < calls or under_way:
            if begun < calls and (not under_way or stream.random() < 0.6):
                part.submit((0, begun), echo, name, begun)  # the tokens of all threads are the same
                under_way.add((0, begun))
                begun += 1
            elif stream.random() < 0.2:
                stale = {token for token in under_way if stream.random() < 0.5}
                part.cancel(stale | {(9, 9)})
                under_way -= stale
            else:
                token, result = part.next_done()
                assert token in under_way, "it was cancelled, or is another's"
                assert result == (name, token[1])
                under_way.remove(token)
                seen += 1
        return seen

    return use


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_random_interleavings(seed: int, threads: int) -> None:
    shared = SharedEngine(Shuffled(seed))
    seen = in_threads([user(shared.part(), name, 60, 100 * seed + name) for name in range(threads)])
    assert all(isinstance(number, int) and number > 0 for number in seen), seen


@pytest.mark.parametrize("seed", range(3))
def test_random_use_of_processes(seed: int) -> None:
    with local_engine(2) as engine:
        shared = SharedEngine(engine)
        seen = in_threads([user(shared.part(), name, 80, 10 * seed + name) for name in range(4)])
    assert all(isinstance(number, int) and number > 0 for number in seen), seen


def test_parts_in_turn_in_one_process() -> None:
    with local_engine(1) as engine:
        shared = SharedEngine(engine)
        parts = [shared.part() for _ in range(3)]
        assert {part.capacity for part in parts} == {1}
        for number in range(4):
            for index, part in enumerate(parts):
                part.submit((0, number), echo, index, number)
        for index, part in reversed(list(enumerate(parts))):
            for number in range(4):
                assert part.next_done() == ((0, number), (index, number))


@pytest.mark.parametrize("jobs", [2, 3])
def test_runs_are_the_same_as_alone(jobs: int) -> None:
    """Works that stop early, and so cancel what they have begun ahead of time."""

    def works(index: int) -> list[Any]:
        enough = [lambda total, samples: samples >= 60, lambda total, samples: False]
        return [
            work(10 * index + seed, 12, function=uneven, enough=enough[seed % 2])
            for seed in range(3)
        ]

    alone = [list(Runner().run(works(index))) for index in range(4)]
    with local_engine(jobs) as engine:
        shared = SharedEngine(engine)
        found = in_threads(
            [
                lambda index=index: list(Runner(shared.part()).run(works(index)))
                for index in range(4)
            ]
        )
    assert found == alone


def test_a_refusal_is_for_its_owner_alone() -> None:
    """As the runner sends calls: what they refuse is their result."""

    def bad() -> Any:
        return list(Runner(shared.part()).run([work(3, 6, argument=refuse_argument)]))

    def refuse_argument(block: int, shared: bool) -> int:
        if block == 3:
            raise InputError("no")
        return 3

    with local_engine(2) as engine:
        shared = SharedEngine(engine)
        refused, good = in_threads(
            [bad, lambda: list(Runner(shared.part()).run([work(5, 40, function=uneven)]))[-1]]
        )
    assert isinstance(refused, InputError)
    assert good.total == expected(5, 40)


@pytest.mark.parametrize(
    ("function", "error"), [(refuse, InputError), (fail_to_read, FileNotFoundError)]
)
def test_what_a_call_raises_is_for_its_owner(function: Any, error: type[Exception]) -> None:
    with local_engine(2) as engine:
        shared = SharedEngine(engine)
        parts = [shared.part() for _ in range(3)]
        for number, part in enumerate(parts):
            part.submit((0, number), function if number == 1 else square, number)
        found = in_threads([part.next_done for part in parts])
        assert type(found[1]) is error
        assert [found[0], found[2]] == [((0, 0), 0), ((0, 2), 4)]
        parts[1].submit((1, 0), square, 3)  # and it goes on
        assert parts[1].next_done() == ((1, 0), 9)


def test_an_error_of_the_engine_ends_all() -> None:
    """Nobody can tell whose it is; nobody waits forever."""
    function, error = die, EngineError

    def wait(part: Engine) -> Any:
        while True:
            part.next_done()

    with local_engine(2) as engine:
        shared = SharedEngine(engine)
        parts = [shared.part() for _ in range(4)]
        for number, part in enumerate(parts):
            part.submit((0, number), square, number)
        parts[2].submit((1, 0), function, "no")
        found = in_threads([lambda part=part: wait(part) for part in parts])
        assert [type(one) for one in found] == [error] * 4
        assert len({str(one) for one in found}) == 1
        with pytest.raises(error):
            shared.part().next_done()


def test_closing_wakes_those_that_wait() -> None:
    """All but the one that waits for the engine, which its end wakes."""
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt), local_engine(2) as engine:
        shared = SharedEngine(engine)
        parts = [shared.part() for _ in range(5)]
        for number, part in enumerate(parts):
            for call in range(10):
                part.submit((number, call), pause, 600.0)
        ended: list[BaseException] = []

        def wait(part: Engine) -> None:
            try:
                part.next_done()
            except BaseException as error:
                ended.append(error)

        threads = [threading.Thread(target=wait, args=(part,), daemon=True) for part in parts]
        for thread in threads:
            thread.start()
        shared.close()
        while len(ended) < 4:
            assert time.monotonic() - begin < PATIENCE
            time.sleep(0.01)
        assert all("closed" in str(error) for error in ended)
        raise KeyboardInterrupt
    for thread in threads:
        thread.join(PATIENCE)
    assert len(ended) == 5


def test_what_is_closed_stays_closed() -> None:
    shared = SharedEngine(Shuffled(0))
    part = shared.part()
    shared.close()
    with pytest.raises(RnscliError, match="closed"):
        part.next_done()


def test_a_cancelled_call_may_be_begun_again() -> None:
    with local_engine(2) as engine:
        shared = SharedEngine(engine)
        part, other = shared.part(), shared.part()
        for number in range(20):
            part.submit((0, number), pause, 0.01)
            other.submit((0, number), square, number)
        part.cancel({(0, number) for number in range(20)})
        for number in range(20):
            part.submit((0, number), echo, number)
        assert sorted(part.next_done() for _ in range(20)) == [
            ((0, number), (number,)) for number in range(20)
        ]
        assert sorted(other.next_done() for _ in range(20)) == [
            ((0, number), number**2) for number in range(20)
        ]


class Racing(dict[Any, Any]):
    """Calls under way, of which another thread takes one while they are looked through."""

    def items(self) -> Any:
        found = list(super().items())
        self.pop(found[0][0])
        return iter(found)


class Client:
    """Of Dask, which has nothing to do here."""

    status = "running"

    def submit(self, *arguments: Any, **more: Any) -> Any:
        return Future()

    def cancel(self, futures: list[Any]) -> None:
        assert len(futures) == 2


@pytest.mark.parametrize("kind", ["processes", "cluster"])
def test_a_result_is_taken_while_another_thread_cancels(kind: str) -> None:
    with local_engine(2) as processes:
        client: Any = Client()
        engine: Any = processes if kind == "processes" else _Cluster(client)
        for number in range(3):
            engine.submit((0, number), pause, 0.0)
        engine._tokens = Racing(engine._tokens)
        engine.cancel({(0, number) for number in range(3)})
        assert engine._tokens == {}


def test_a_slow_run_does_not_hold_up_a_quick_one() -> None:
    with local_engine(2) as engine:
        shared = SharedEngine(engine)
        order: list[str] = []

        def run(name: str, blocks: int) -> None:
            list(Runner(shared.part()).run([work(1, blocks, function=slow)]))
            order.append(name)

        in_threads([lambda: run("long", 40), lambda: run("short", 2)])
    assert order == ["short", "long"]
