import os
import time
from collections.abc import Iterator

import pytest
from rnscli.runtime.blocks import block_mapper, map_here

from rnscli.core.errors import InputError


def scaled(factor: int, block: int) -> tuple[int, int]:
    """Early blocks take longest, so that they finish out of order."""
    time.sleep(0.02 if block % 4 == 0 else 0.0)
    return block, factor * block


def worker(_: object, block: int) -> int:
    time.sleep(0.05)
    return os.getpid()


def slow(_: object, block: int) -> int:
    time.sleep(0.05)
    return block


def fails_at(bad: int, block: int) -> int:
    if block == bad:
        raise InputError(f"block {block} is bad")
    return block


def dies(_: object, block: int) -> int:
    if block == 2:
        os._exit(1)
    return block


@pytest.mark.parametrize("jobs", [1, 2, 3])
@pytest.mark.parametrize("blocks", [0, 1, 2, 25])
def test_results_come_in_block_order(jobs: int, blocks: int) -> None:
    with block_mapper(jobs) as map_blocks:
        results = list(map_blocks(scaled, 10, blocks))
    assert results == [(block, 10 * block) for block in range(blocks)]


def test_one_pool_serves_several_maps() -> None:
    with block_mapper(2) as map_blocks:
        first = list(map_blocks(scaled, 1, 9))
        second = list(map_blocks(scaled, 2, 9))
    assert first == [(b, b) for b in range(9)]
    assert second == [(b, 2 * b) for b in range(9)]


def test_two_maps_at_once_do_not_mix() -> None:
    with block_mapper(2) as map_blocks:
        pairs = list(zip(map_blocks(scaled, 1, 12), map_blocks(scaled, 3, 12), strict=True))
    assert pairs == [((b, b), (b, 3 * b)) for b in range(12)]


def test_work_is_spread_over_processes() -> None:
    with block_mapper(3) as map_blocks:
        processes = set(map_blocks(worker, None, 12))
    assert len(processes) in (2, 3)  # the third may start too late to find work
    assert os.getpid() not in processes


def test_one_job_stays_in_this_process() -> None:
    with block_mapper(1) as map_blocks:
        assert set(map_blocks(worker, None, 2)) == {os.getpid()}


def test_map_here_is_lazy() -> None:
    calls: list[int] = []

    def record(_: object, block: int) -> int:
        calls.append(block)
        return block

    results = map_here(record, None, 10**12)
    assert calls == []
    assert [next(results), next(results)] == [0, 1]
    assert calls == [0, 1]


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_abandoned_iterator_does_not_hang(jobs: int) -> None:
    """All blocks would take years; those already handed out take well under a second."""
    start = time.monotonic()
    with block_mapper(jobs) as map_blocks:
        for block in map_blocks(slow, None, 10**9):
            if block == 2:
                break
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_iterator_still_held_does_not_hang_either(jobs: int) -> None:
    start = time.monotonic()
    with block_mapper(jobs) as map_blocks:
        held: Iterator[int] = map_blocks(slow, None, 10**9)
        assert next(held) == 0
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_error_in_the_consumer_does_not_hang(jobs: int) -> None:
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt), block_mapper(jobs) as map_blocks:
        for _ in map_blocks(slow, None, 10**9):
            raise KeyboardInterrupt
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("bad", [0, 3, 19])
def test_an_exception_arrives_after_the_results_before_it(jobs: int, bad: int) -> None:
    with block_mapper(jobs) as map_blocks:
        results: Iterator[int] = map_blocks(fails_at, bad, 20)
        assert [next(results) for _ in range(bad)] == list(range(bad))
        with pytest.raises(InputError) as caught:
            next(results)
    assert str(caught.value) == f"block {bad} is bad"


def test_the_pool_works_on_after_an_exception() -> None:
    with block_mapper(2) as map_blocks:
        with pytest.raises(InputError):
            list(map_blocks(fails_at, 1, 5))
        assert list(map_blocks(fails_at, 99, 5)) == [0, 1, 2, 3, 4]


def test_a_worker_that_dies_is_an_error_and_not_a_hang() -> None:
    with pytest.raises(RuntimeError), block_mapper(2) as map_blocks:
        list(map_blocks(dies, None, 50))
