"""Runs work: blocks on any engine, in a store or not, added up in block order."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic

from rnscli.base import RnscliError
from rnscli.runtime.engines import Engine, Here, Token, local_engine
from rnscli.runtime.store import Entry, Store
from rnscli.runtime.work import Result, Work, digest


@dataclass(frozen=True)
class Progress(Generic[Result]):
    """What is known after another block, in order, of one of several works.

    ``total`` are the results of its blocks so far, for each part; ``samples`` is the number of
    samples in them, ``computed`` of those that did not come from a store.
    """

    index: int
    total: Mapping[str, Result]
    samples: int
    computed: int = field(compare=False)  # for those who tell the time, not a part of the result
    finished: bool = False


class Runner:
    """Computes blocks on an engine, and records each in a store as soon as it is finished.

    Whatever the engine and however many processes it has, and whether blocks are computed or come
    from the store: they are added in block order, so totals are the same bytes.

    Parameters
    ----------
    engine
        Where blocks are computed; in this process if not given.
    store
        Where results are kept, if they are.
    """

    def __init__(self, engine: Engine | None = None, store: Store | None = None) -> None:
        self._engine: Engine = Here() if engine is None else engine
        self._store = store
        self._running = False

    def run(self, works: Sequence[Work[Result]]) -> Iterator[Progress[Result]]:
        """Progress of each work in turn, after each of its blocks; the last one is finished.

        Later works are begun while the last blocks of earlier ones are under way, so that many
        small ones keep all processes busy.

        Raises
        ------
        RnscliError
            What a block has raised, after the progress of all blocks before it; or if an earlier
            iteration is neither finished nor closed.
        """
        if self._running:
            raise RnscliError(
                "this runner is still at other work; finish or close that first, or use another"
            )
        self._running = True
        blocks = _Blocks(works, self._engine, self._store)
        try:
            for index, work in enumerate(works):
                total: dict[str, Result] = {}
                samples = computed = 0
                for block in range(work.blocks):
                    part = blocks.result(index, block)
                    total = {
                        name: total[name] + part[name] if total else part[name] for name in part
                    }
                    samples += work.samples(block)
                    computed += 0 if blocks.was_kept(index, block) else work.samples(block)
                    finished = block + 1 == work.blocks or work.enough(total, samples)
                    yield Progress(index, total, samples, computed, finished)
                    if finished:
                        break
                blocks.leave(index)
        finally:
            self._running = False
            blocks.close()


class _Blocks(Generic[Result]):
    """Results of blocks by number, a bounded number of them begun ahead of time."""

    def __init__(self, works: Sequence[Work[Result]], engine: Engine, store: Store | None) -> None:
        self._works = works
        self._engine = engine
        self._store = store
        self._kept = _Kept(works, store)
        self._ready: dict[Token, dict[str, Result] | RnscliError] = {}
        # With the parts that were kept, and the digest of what the block reads.
        self._under_way: dict[Token, tuple[dict[str, Result], str]] = {}
        self._whole: set[Token] = set()  # blocks of which the store had every part
        self._next: Token = (0, 0)  # work and block to begin

    def result(self, index: int, block: int) -> dict[str, Result]:
        """All parts of a block, once they are there."""
        self._begin()
        while (index, block) not in self._ready:
            token, result = self._engine.next_done()
            kept, content = self._under_way.pop(token)
            if isinstance(result, RnscliError):
                self._ready[token] = result
            else:
                self._kept.save(token, content, result)
                every = kept | result
                # In the order of the work, whichever parts the store had.
                self._ready[token] = {name: every[name] for name in self._works[token[0]].parts}
            self._begin()
        ready = self._ready.pop((index, block))
        if isinstance(ready, RnscliError):
            raise ready
        return ready

    def was_kept(self, index: int, block: int) -> bool:
        """Whether a block that has been delivered came from the store; to be called once."""
        kept = (index, block) in self._whole
        self._whole.discard((index, block))
        return kept

    def leave(self, index: int) -> None:
        """Forget what was begun of a work beyond its last block."""
        stale = {token for token in self._under_way if token[0] <= index}
        self._engine.cancel(stale)
        self._under_way = {t: kept for t, kept in self._under_way.items() if t not in stale}
        self._ready = {t: result for t, result in self._ready.items() if t[0] > index}
        self._whole = {token for token in self._whole if token[0] > index}
        self._next = max(self._next, (index + 1, 0))

    def close(self) -> None:
        self._engine.cancel(set(self._under_way))

    def _begin(self) -> None:
        """Keep the engine busy, and look ahead in the store, but not far: that bounds memory."""
        capacity = self._engine.capacity
        while (
            self._next[0] < len(self._works)
            and len(self._under_way) < capacity
            and len(self._under_way) + len(self._ready) < 4 * capacity
        ):
            token = self._next
            index, block = token
            work = self._works[index]
            self._next = (index, block + 1) if block + 1 < work.blocks else (index + 1, 0)
            # What is recorded is what is sent: a file could change before a worker reads it.
            shares_files = self._engine.shares_files and self._store is None
            try:
                argument = work.argument(block, shares_files)
                content = "" if self._store is None else work.content(argument)
                kept = self._kept.load(token, content)
                missing = tuple(name for name in work.parts if name not in kept)
            except RnscliError as error:
                self._ready[token] = error
                continue
            if missing:
                self._engine.submit(token, _attempt, work.function, argument, block, missing)
                self._under_way[token] = kept, content
            else:
                self._ready[token] = kept
                self._whole.add(token)


def _attempt(
    function: Callable[[Any, int, tuple[str, ...]], dict[str, Result]],
    argument: Any,
    block: int,
    parts: tuple[str, ...],
) -> dict[str, Result] | RnscliError:
    """Results of a block, or what it refuses.

    A refusal is raised only when the block has its turn: how far an engine looks ahead must not
    decide whether a run that stops early ends well.
    """
    try:
        return function(argument, block, parts)
    except RnscliError as error:
        return error


class _Kept(Generic[Result]):
    """Results in a store, under the hash of all that determines them; or nothing."""

    def __init__(self, works: Sequence[Work[Result]], store: Store | None) -> None:
        self._works = works
        self._store = store
        self._descriptions: dict[int, dict[str, tuple[str, Mapping[str, Any]]]] = {}

    def _parts(self, index: int) -> dict[str, tuple[str, Mapping[str, Any]]]:
        """Key and description of each part of a work."""
        if index not in self._descriptions:
            made = {name: describe() for name, describe in self._works[index].parts.items()}
            self._descriptions[index] = {name: (digest(text), text) for name, text in made.items()}
        return self._descriptions[index]

    def load(self, token: Token, content: str) -> dict[str, Result]:
        """The parts of a block that are kept, in the order of the work."""
        if self._store is None:
            return {}
        index, block = token
        work = self._works[index]
        samples = work.samples(block)
        kept = {}
        for name, (key, _) in self._parts(index).items():
            record = self._store.load(key, block, samples, content)
            if record is None:
                continue
            try:
                kept[name] = work.result.of_record(record)
            except (KeyError, TypeError, ValueError, IndexError) as error:
                raise RnscliError(
                    f"store {self._store.path} is damaged (a record of {key[:12]}: {error!r}); "
                    "move it away and start a new one"
                ) from None
        return kept

    def save(self, token: Token, content: str, results: Mapping[str, Result]) -> None:
        if self._store is None:
            return
        index, block = token
        work = self._works[index]
        parts = self._parts(index)
        entries = [Entry(*parts[name], result.record()) for name, result in results.items()]
        self._store.save(entries, block, work.samples(block), content)


@contextmanager
def runner(jobs: int = 1, store: str | Path | None = None) -> Iterator[Runner]:
    """A `Runner` on ``jobs`` processes of this machine, with a store if one is named.

    Results are the same bytes for any number of processes, and whether or not blocks come from
    the store. The processes are not forked: a script that uses more than one guards its main part
    with ``if __name__ == "__main__":``.

    Raises
    ------
    InputError
        If the file is not a store, or cannot be written.
    """
    with ExitStack() as stack:
        kept = None if store is None else stack.enter_context(Store(store))
        yield Runner(stack.enter_context(local_engine(jobs)), kept)
