"""Work that is quick to compute; in a module of its own, which worker processes import."""

import os
import random
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from rnscli.base.errors import InputError
from rnscli.runtime.runner import Progress, Runner, Work


@dataclass(frozen=True)
class Tally:
    """Statistics that differ with the order of addition, in two ways."""

    blocks: tuple[int, ...]
    total: float

    def __add__(self, other: Self) -> Self:
        return type(self)(self.blocks + other.blocks, self.total + other.total)

    def record(self) -> dict[str, Any]:
        return {"blocks": list(self.blocks), "total": self.total.hex()}

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Self:
        return cls(tuple(record["blocks"]), float.fromhex(record["total"]))


def tallies(seed: int, block: int, parts: tuple[str, ...]) -> dict[str, Tally]:
    return {
        name: Tally((block,), random.Random(f"{seed} {name} {block}").uniform(-1, 1) ** 9)
        for name in reversed(parts)  # in an order of its own
    }


def uneven(seed: int, block: int, parts: tuple[str, ...]) -> dict[str, Tally]:
    """Early blocks take longest, so that they finish out of order."""
    time.sleep(0.03 if block % 4 == 0 else 0.0)
    return tallies(seed, block, parts)


def slow(seed: int, block: int, parts: tuple[str, ...]) -> dict[str, Tally]:
    time.sleep(0.05)
    return tallies(seed, block, parts)


def fails_at(bad: int, block: int, parts: tuple[str, ...]) -> dict[str, Tally]:
    """Blocks before the bad one take longer than it does."""
    if block == bad:
        raise InputError(f"block {block} is bad")
    time.sleep(0.01)
    return tallies(0, block, parts)


def dies_at(bad: int, block: int, parts: tuple[str, ...]) -> dict[str, Tally]:
    if block == bad:
        os._exit(1)
    return tallies(0, block, parts)


def many_threads(seed: int, block: int, parts: tuple[str, ...]) -> dict[str, Tally]:
    """Enough computing for the threads of a worker to take turns within it."""
    sums = dict.fromkeys(parts, 0.0)
    for name in parts:
        stream = random.Random(f"{seed} {name} {block}")
        for _ in range(20_000):
            sums[name] += stream.uniform(-1, 1)
    return {name: Tally((block,), total) for name, total in sums.items()}


def square(number: int) -> int:
    return number * number


def process(_: object) -> int:
    time.sleep(0.05)
    return os.getpid()


def meet(folder: str, number: int) -> int:
    """Wait until so many processes are here at once."""
    (Path(folder) / str(os.getpid())).touch()
    while len(list(Path(folder).iterdir())) < number:
        time.sleep(0.01)
    return os.getpid()


def pause(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def refuse(text: str) -> None:
    raise InputError(text)


def die(_: object) -> None:
    os._exit(1)


def die_once(mark: str) -> str:
    """End the process that is first to run this."""
    path = Path(mark)
    if not path.exists():
        path.touch()
        os._exit(1)
    return "alive"


def half_a_result(mark: str) -> None:
    """Send the beginning of one, as a process does that is about to be killed, and no more."""
    frame = sys._getframe()
    while "pipe" not in frame.f_locals:
        assert frame.f_back is not None
        frame = frame.f_back
    os.write(frame.f_locals["pipe"].fileno(), (1000).to_bytes(4, "big") + b"begin")
    Path(mark).touch()
    time.sleep(600)


class UnsendableError(Exception):
    """Holds what cannot be pickled."""

    def __init__(self) -> None:
        super().__init__("cannot be sent", lambda: None)


def fail_unsendably(_: object) -> None:
    raise UnsendableError


def answer_unsendably(_: object) -> object:
    return lambda: None


def fail_to_read(_: object) -> None:
    raise FileNotFoundError(2, "No such file or directory", "weights.npy")


def work(
    seed: int = 0,
    blocks: int = 12,
    parts: tuple[str, ...] = ("a", "b"),
    function: Callable[[Any, int, tuple[str, ...]], dict[str, Tally]] = tallies,
    **more: Any,
) -> Work[Tally]:
    """A work whose argument is its seed and whose last block is smaller."""
    settings: dict[str, Any] = {
        "function": function,
        "argument": lambda block, shared: seed,
        "blocks": blocks,
        "samples": lambda block: 10 if block + 1 < blocks else 7,
        "parts": {
            name: lambda name=name: {"what": "tally", "seed": seed, "part": name} for name in parts
        },
        "result": Tally,
    }
    return Work(**(settings | more))


def expected(seed: int = 0, blocks: int = 12, parts: tuple[str, ...] = ("a", "b")) -> Any:
    """The total of a work, added up in order by itself."""
    total = tallies(seed, 0, parts)
    for block in range(1, blocks):
        results = tallies(seed, block, parts)
        total = {name: total[name] + results[name] for name in parts}
    return {name: total[name] for name in parts}


def finals(runner: Runner, works: list[Work[Tally]]) -> list[Progress[Tally]]:
    """The last progress of each work."""
    return [progress for progress in runner.run(works) if progress.finished]
