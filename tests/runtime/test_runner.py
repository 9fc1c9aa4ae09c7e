"""Blocks in order, from any engine and any store."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from toys import Tally, dies_at, expected, fails_at, finals, slow, tallies, uneven, work

from rnscli.base.errors import InputError, RnscliError
from rnscli.runtime.engine import Here, Token
from rnscli.runtime.processes import local_engine
from rnscli.runtime.runner import Runner, runner
from rnscli.runtime.store import Store

many = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Scripted:
    """Finishes calls in random order, and writes down what it was asked for."""

    shares_files = False

    def __init__(self, seed: int = 0, capacities: tuple[int, ...] = (5,)) -> None:
        self.calls: dict[Token, Callable[[], Any]] = {}
        self.submitted: list[tuple[Token, tuple[str, ...]]] = []
        self.returned: list[Token] = []
        self.most = 0
        self.fails_after: int | None = None
        self._random = random.Random(seed)
        self._capacities = capacities

    @property
    def capacity(self) -> int:
        return self._random.choice(self._capacities)

    def submit(self, token: Token, function: Callable[..., Any], *arguments: Any) -> None:
        assert token not in self.calls
        self.submitted.append((token, arguments[-1]))
        self.calls[token] = lambda: function(*arguments)
        self.most = max(self.most, len(self.calls))

    def next_done(self) -> tuple[Token, Any]:
        if self.fails_after == len(self.returned):
            raise RnscliError("the engine is broken")
        token = self._random.choice(list(self.calls))
        self.returned.append(token)
        return token, self.calls.pop(token)()

    def cancel(self, tokens: set[Token]) -> None:
        for token in tokens:
            del self.calls[token]  # each of them has been under way


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "blocks.db") as kept:
        yield kept


def stops_at(block: int) -> Callable[[Any, int], bool]:
    return lambda total, samples: len(total["a"].blocks) > block


# Order


@pytest.mark.parametrize("jobs", [1, 2, 3])
@pytest.mark.parametrize("blocks", [1, 2, 25])
def test_blocks_are_added_in_order(jobs: int, blocks: int) -> None:
    with runner(jobs) as run:
        progress = list(run.run([work(3, blocks, function=uneven)]))
    assert [update.total["a"].blocks for update in progress] == [
        tuple(range(block + 1)) for block in range(blocks)
    ]
    assert progress[-1].total == expected(3, blocks)
    assert [update.finished for update in progress] == [False] * (blocks - 1) + [True]
    assert [update.samples for update in progress] == [
        *range(10, 10 * blocks, 10),
        10 * blocks - 3,
    ]


@many
@given(
    st.integers(0, 10**6),
    st.lists(st.integers(1, 9), min_size=1, max_size=3).map(tuple),
    st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), min_size=1, max_size=5),
)
def test_any_capacity_and_any_order_of_completion(
    seed: int, capacities: tuple[int, ...], sizes: list[tuple[int, int]]
) -> None:
    engine = Scripted(seed, capacities)
    works = [
        work(number, blocks, enough=stops_at(stop)) for number, (blocks, stop) in enumerate(sizes)
    ]
    progress = list(Runner(engine).run(works))
    assert progress == list(Runner().run(works))
    assert [update.index for update in progress if update.finished] == list(range(len(sizes)))
    for update in progress:
        if update.finished:
            blocks, stop = sizes[update.index]
            assert update.total == expected(update.index, min(blocks, stop + 1))
    assert engine.calls == {}  # nothing is left under way


def test_parts_are_in_the_order_of_the_work(store: Store) -> None:
    assert list(finals(Runner(), [work(parts=("b", "a"))])[0].total) == ["b", "a"]
    list(Runner(store=store).run([work(parts=("b",))]))
    for parts in (("a", "b"), ("c", "b", "a")):
        assert list(finals(Runner(store=store), [work(parts=parts)])[0].total) == list(parts)


def test_the_same_on_processes_as_here() -> None:
    works = [work(seed, 9, function=uneven, enough=stops_at(seed)) for seed in range(6)]
    here = list(Runner().run(works))
    with local_engine(3) as engine:
        assert list(Runner(engine).run(works)) == here


def test_one_runner_runs_again() -> None:
    with runner(2) as run:
        assert finals(run, [work(1)])[0].total == expected(1)
        assert finals(run, [work(2)])[0].total == expected(2)


def test_no_work_is_no_progress() -> None:
    assert list(Runner().run([])) == []


def test_two_iterations_at_once_are_refused_and_not_mixed() -> None:
    with runner(2) as run:
        with closing(run.run([work(1)])) as first:
            next(first)
            with pytest.raises(RnscliError, match="still at other work"):
                next(run.run([work(2)]))
            assert list(first)[-1].total == expected(1)
        assert finals(run, [work(2)])[0].total == expected(2)


# Stopping, and looking ahead


def test_each_work_stops_on_its_own() -> None:
    engine = Scripted(capacities=(3,))
    works = [work(seed, 10**9, enough=stops_at(seed)) for seed in (4, 0, 7)]
    assert [update.total for update in finals(Runner(engine), works)] == [
        expected(4, 5),
        expected(0, 1),
        expected(7, 8),
    ]


def test_the_rule_sees_complete_blocks_in_order_only() -> None:
    seen: list[tuple[tuple[int, ...], int]] = []

    def rule(total: Any, samples: int) -> bool:
        seen.append((total["a"].blocks, samples))
        return len(seen) == 6

    list(Runner(Scripted(seed=5)).run([work(blocks=50, enough=rule)]))
    assert seen == [(tuple(range(block + 1)), 10 * (block + 1)) for block in range(6)]


def test_later_works_begin_while_earlier_ones_finish() -> None:
    engine = Scripted(capacities=(6,))
    progress = Runner(engine).run([work(seed, 1) for seed in range(20)])
    next(progress)
    assert {token for token, _ in engine.submitted} >= {(index, 0) for index in range(6)}
    progress.close()


def test_the_look_ahead_is_bounded() -> None:
    engine = Scripted(capacities=(4,))
    progress = Runner(engine).run([work(blocks=10**9)])
    for done in range(1, 40):
        next(progress)
        assert len(engine.submitted) <= done + 16
    assert engine.most == 4
    progress.close()


def test_the_look_ahead_is_bounded_in_a_full_store_too(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    list(Runner(store=store).run([work(blocks=300)]))
    loaded: list[int] = []
    load = store.load

    def counted(key: str, block: int, samples: int, content: str) -> Any:
        loaded.append(block)
        return load(key, block, samples, content)

    monkeypatch.setattr(store, "load", counted)
    engine = Scripted(capacities=(4,))
    progress = Runner(engine, store).run([work(blocks=300)])
    for done in range(1, 100):
        next(progress)
        assert max(loaded) <= done + 16
    assert engine.submitted == []
    progress.close()


def test_nothing_is_computed_before_it_is_asked_for() -> None:
    calls: list[int] = []

    def argument(block: int, shared: bool) -> int:
        calls.append(block)
        return 0

    progress = Runner().run([work(blocks=10**12, argument=argument)])
    assert calls == []
    next(progress)
    assert len(calls) < 6


def test_blocks_beyond_a_stop_are_cancelled() -> None:
    engine = Scripted(seed=2, capacities=(8,))
    progress = Runner(engine).run([work(0, 100, enough=stops_at(2)), work(1, 30)])
    for update in progress:
        if update.index == 1:
            assert not any(index == 0 for index, _ in engine.calls)
    assert [index for index, _ in engine.returned].count(0) <= 3 + 32


def test_an_abandoned_iterator_cancels_what_is_under_way() -> None:
    engine = Scripted()
    progress = Runner(engine).run([work(blocks=10**9)])
    next(progress)
    assert engine.calls
    progress.close()
    assert engine.calls == {}


def test_an_argument_hears_whether_files_are_shared() -> None:
    for engine in (Here(), Scripted()):
        heard = set[bool]()

        def argument(block: int, shared: bool, heard: set[bool] = heard) -> int:
            heard.add(shared)
            return 0

        list(Runner(engine).run([work(argument=argument)]))
        assert heard == {engine.shares_files}


# All blocks would take years.


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_abandoned_iterator_does_not_hang(jobs: int) -> None:
    start = time.monotonic()
    with runner(jobs) as run:
        for update in run.run([work(blocks=10**9, function=slow)]):
            if len(update.total["a"].blocks) == 3:
                break
    assert time.monotonic() - start < 60


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_iterator_still_held_does_not_hang_either(jobs: int) -> None:
    start = time.monotonic()
    with runner(jobs) as run:
        held = run.run([work(blocks=10**9, function=slow)])
        assert next(held).total == expected(blocks=1)
    assert time.monotonic() - start < 60


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_error_in_the_consumer_does_not_hang(jobs: int) -> None:
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt), runner(jobs) as run:
        for _ in run.run([work(blocks=10**9, function=slow)]):
            raise KeyboardInterrupt
    assert time.monotonic() - start < 60


# Errors


@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.parametrize("bad", [0, 3, 19])
def test_a_refusal_arrives_after_the_results_before_it(jobs: int, bad: int) -> None:
    with runner(jobs) as run:
        progress = run.run([work(bad, 20, function=fails_at)])
        assert [len(next(progress).total["a"].blocks) for _ in range(bad)] == list(
            range(1, bad + 1)
        )
        with pytest.raises(InputError, match=rf"^block {bad} is bad$"):
            next(progress)
        assert finals(run, [work(1)])[0].total == expected(1)  # it works on


@pytest.mark.parametrize("seed", range(5))
def test_a_refusal_beyond_the_stop_does_not_matter(seed: int, store: Store) -> None:
    """How far an engine looks ahead must not decide whether it succeeds."""

    def argument(block: int, shared: bool) -> int:
        if block == 6:
            raise InputError("no argument")
        return 5

    bad = work(5, 20, function=fails_at, enough=stops_at(4))
    unreadable = work(5, 20, argument=argument, enough=stops_at(4))
    found = finals(Runner(Scripted(seed, (9,)), store), [bad, unreadable, work(1)])
    assert [len(update.total["a"].blocks) for update in found] == [5, 5, 12]


def test_a_refused_argument_arrives_after_the_results_before_it() -> None:
    def argument(block: int, shared: bool) -> int:
        if block == 2:
            raise InputError("no argument")
        return 0

    progress = Runner(Scripted(capacities=(9,))).run([work(argument=argument)])
    assert next(progress).total == expected(blocks=1)
    assert next(progress).total == expected(blocks=2)
    with pytest.raises(InputError, match="no argument"):
        next(progress)


def test_an_error_of_the_engine_leaves_finished_blocks_in_the_store(store: Store) -> None:
    engine = Scripted(seed=4)
    engine.fails_after = 7
    with pytest.raises(RnscliError, match="the engine is broken"):
        list(Runner(engine, store).run([work()]))
    (first, second) = store.tasks()
    blocks = [kept.block for kept in store.blocks(first)]
    assert blocks == sorted(block for _, block in engine.returned)
    assert [kept.block for kept in store.blocks(second)] == blocks

    after = Scripted(seed=8)
    assert finals(Runner(after, store), [work()])[0].total == expected()
    assert {block for (_, block), _ in after.submitted} == set(range(12)) - set(blocks)


def test_a_process_that_dies_leaves_finished_blocks_in_the_store(tmp_path: Path) -> None:
    """As with the others: those before it that had come back."""
    path = tmp_path / "blocks.db"
    with (
        pytest.raises(RnscliError, match="worker process has died"),
        runner(2, store=path) as run,
    ):
        list(run.run([work(30, 40, function=dies_at, argument=lambda block, shared: 30)]))
    with Store(path) as store:
        blocks = [kept.block for kept in store.blocks(store.tasks()[0])]
        assert len(blocks) >= 15
        assert 30 not in blocks


# The store


def halved(number: int, by: int) -> float:
    if by == 0:
        raise InputError(f"{number} by zero")
    return number / by


@pytest.mark.parametrize("jobs", [1, 2])
def test_calls_in_their_order(jobs: int) -> None:
    with runner(jobs) as its:
        found = list(its.each(halved, [(number, 2) for number in range(50)]))
        assert found == [number / 2 for number in range(50)]
        # A refusal comes after the results before it.
        begun = its.each(halved, [(4, 2), (3, 1), (7, 0), (1, 1)])
        assert [next(begun), next(begun)] == [2, 3]
        with pytest.raises(InputError, match="7 by zero"):
            next(begun)
        assert list(its.each(halved, [])) == []


@given(seed=st.integers(0, 2**32), capacities=st.lists(st.integers(1, 6), min_size=1, max_size=3))
def test_calls_in_any_order_of_completion(seed: int, capacities: list[int]) -> None:
    engine = Scripted(seed, tuple(capacities))
    its = Runner(engine)
    calls = [(number, 3) for number in range(40)]
    begun = its.each(halved, calls)
    assert [next(begun) for _ in range(20)] == [number / 3 for number in range(20)]
    with pytest.raises(RnscliError, match="still at other work"):
        next(iter(its.run([work(2)])))
    begun.close()
    assert not engine.calls  # what nobody waits for any more is cancelled
    assert len(engine.submitted) <= 20 + 4 * max(capacities)
    assert list(its.each(halved, calls)) == [number / 3 for number in range(40)]


def test_what_comes_from_the_store_equals_what_is_computed(store: Store) -> None:
    works = [work(seed, 9) for seed in range(5)]
    without = list(Runner().run(works))
    assert list(Runner(store=store).run(works)) == without
    engine = Scripted()
    assert list(Runner(engine, store).run(works)) == without
    assert engine.submitted == []


def test_only_missing_parts_are_computed(store: Store) -> None:
    list(Runner(store=store).run([work(blocks=4, parts=("b",))]))
    list(Runner(store=store).run([work(blocks=9, parts=("a",), enough=stops_at(1))]))
    engine = Scripted()
    found = finals(Runner(engine, store), [work(blocks=6, parts=("a", "b", "c"))])
    assert found[0].total == expected(blocks=6, parts=("a", "b", "c"))
    assert dict(engine.submitted) == {
        (0, 0): ("c",),
        (0, 1): ("c",),
        (0, 2): ("a", "c"),
        (0, 3): ("a", "b", "c"),  # it was smaller when it was the last one
        (0, 4): ("a", "b", "c"),
        (0, 5): ("a", "b", "c"),
    }


def test_more_blocks_compute_only_what_is_new(store: Store) -> None:
    list(Runner(store=store).run([work(blocks=5)]))
    engine = Scripted()
    assert finals(Runner(engine, store), [work(blocks=8)])[0].total == expected(blocks=8)
    assert sorted(block for (_, block), _ in engine.submitted) == [4, 5, 6, 7]


def test_another_content_is_another_block(store: Store) -> None:
    def read(content: Callable[[int], str]) -> Any:
        return work(argument=lambda block, shared: block, content=content)

    list(Runner(store=store).run([read(lambda rows: f"rows {rows}")]))
    engine = Scripted()
    changed = read(lambda rows: "other" if rows == 3 else f"rows {rows}")
    list(Runner(engine, store).run([changed]))
    assert [token for token, _ in engine.submitted] == [(0, 3)]


def test_a_block_that_two_works_share_is_kept_once(store: Store) -> None:
    works = [work(parts=("a", "b")), work(parts=("b", "c"))]
    found = finals(Runner(Scripted(), store), works)
    assert found[0].total["b"] == found[1].total["b"]
    assert [len(list(store.blocks(task))) for task in store.tasks()] == [12, 12, 12]


@settings(many, max_examples=20)
@given(seed=st.integers(0, 10**6), data=st.data())
def test_any_interruptions_leave_the_same_total(
    tmp_path_factory: pytest.TempPathFactory, seed: int, data: st.DataObject
) -> None:
    works = [work(seed, 6, enough=stops_at(4)), work(seed + 1, 5)]
    with Store(tmp_path_factory.mktemp("store") / "blocks.db") as store:
        for _ in range(data.draw(st.integers(0, 4), label="interruptions")):
            engine = Scripted(seed, (data.draw(st.integers(1, 6), label="capacity"),))
            engine.fails_after = data.draw(st.integers(0, 4), label="blocks before")
            with suppress(RnscliError):  # unless the rest was little
                list(Runner(engine, store).run(works))
        assert list(Runner(Scripted(seed), store).run(works)) == list(Runner().run(works))


def test_a_record_holds_the_very_bytes(store: Store) -> None:
    list(Runner(store=store).run([work(blocks=3)]))
    tasks = {task.description["part"]: task for task in store.tasks()}
    assert tasks["a"].description == {"what": "tally", "seed": 0, "part": "a"}
    for name in ("a", "b"):
        kept = list(store.blocks(tasks[name]))
        assert [block.samples for block in kept] == [10, 10, 7]
        assert [Tally.of_record(block.record) for block in kept] == [
            tallies(0, block, (name,))[name] for block in range(3)
        ]
