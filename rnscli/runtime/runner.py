"""Work that is cut in blocks, which run on any engine, in a store or not; sums are in order."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar

from rnscli.base import RnscliError
from rnscli.runtime.description import digest
from rnscli.runtime.engine import Engine, Here, Token

if TYPE_CHECKING:
    from rnscli.runtime.store import Store


# What `of_record` raises of what `record` has not made.
NOT_AS_RECORDED = (LookupError, TypeError, ValueError, ArithmeticError, RecursionError)


class Mergeable(Protocol):
    """Statistics of samples: two of them add up, and each can be written down exactly."""

    def __add__(self, other: Self, /) -> Self: ...

    def record(self) -> dict[str, Any]:
        """All of it as what JSON holds; finite numbers only."""

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Self:
        """The inverse of `record`; a ValueError for what that cannot have made."""


Result = TypeVar("Result", bound=Mergeable)
Value = TypeVar("Value")


@dataclass(frozen=True, kw_only=True)
class Work(Generic[Result]):
    """Blocks of samples whose results are added in block order.

    A block is a pure function of its arguments, so that it is the same in any process, on any
    machine, and when it is computed again. Its results come in parts, such as the cores that are
    compared: a part does not depend on which other parts are wanted.
    """

    # function(argument, block, parts), importable by name: the result of each part.
    function: Callable[[Any, int, tuple[str, ...]], dict[str, Result]]
    # argument(block, shared): what a block needs; ``shared`` says that the block is computed where
    # this machine's files can be read, so that it may name a file instead of carrying its content.
    argument: Callable[[int, bool], Any]
    blocks: int  # how many, at least one
    samples: Callable[[int], int]  # of a block
    # Each part, with what makes its description, in plain JSON values, of everything that
    # determines its results but the block: parameters, seed, version of the algorithm.
    parts: Mapping[str, Callable[[], Mapping[str, Any]]]
    result: type[Result]
    # Digest of what the argument of a block holds and the description does not say, such as rows
    # of a file.
    content: Callable[[Any], str] = lambda argument: ""
    # Whether, after some blocks in order, the total is precise enough to leave out the rest.
    enough: Callable[[Mapping[str, Result], int], bool] = lambda total, samples: False


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

    def __init__(self, engine: Engine | None = None, store: "Store | None" = None) -> None:
        self._engine: Engine = Here() if engine is None else engine
        self._store = store
        self._running = False

    def each(
        self, function: Callable[..., Value], calls: Sequence[tuple[Any, ...]]
    ) -> Iterator[Value]:
        """What a function returns of each of some calls, in their order; nothing is stored.

        Raises
        ------
        RnscliError
            What a call has raised, after the results before it; or as `run`.
        """
        with self._alone():
            ready: dict[int, Value | RnscliError] = {}
            under_way: set[Token] = set()
            begun = 0
            try:
                for index in range(len(calls)):
                    while index not in ready:
                        capacity = self._engine.capacity
                        ahead = min(len(calls), index + 4 * capacity)  # which bounds memory
                        while begun < ahead and len(under_way) < capacity:
                            token = (begun, 0)
                            self._engine.submit(token, _attempt, function, *calls[begun])
                            under_way.add(token)
                            begun += 1
                        token, value = self._engine.next_done()
                        under_way.discard(token)
                        ready[token[0]] = value
                    one = ready.pop(index)
                    if isinstance(one, RnscliError):
                        raise one
                    yield one
            finally:
                self._engine.cancel(under_way)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """While something is computed; it would get the results of something else."""
        if self._running:
            raise RnscliError(
                "this runner is still at other work; finish or close that first, or use another"
            )
        self._running = True
        try:
            yield
        finally:
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
        with self._alone():
            blocks = _Blocks(works, self._engine, self._store)
            try:
                for index, work in enumerate(works):
                    yield from self._progress(blocks, index, work)
                    blocks.leave(index)
            finally:
                blocks.close()

    def _progress(
        self, blocks: "_Blocks[Result]", index: int, work: Work[Result]
    ) -> Iterator[Progress[Result]]:
        total: dict[str, Result] = {}
        samples = computed = 0
        for block in range(work.blocks):
            part, was_kept = blocks.result(index, block)
            total = {name: total[name] + part[name] if total else part[name] for name in part}
            samples += work.samples(block)
            computed += 0 if was_kept else work.samples(block)
            finished = block + 1 == work.blocks or work.enough(total, samples)
            yield Progress(index, total, samples, computed, finished)
            if finished:
                return


class _Blocks(Generic[Result]):
    """Results of blocks by number, a bounded number of them begun ahead of time.

    A store keeps them under the hash of all that determines them.
    """

    def __init__(
        self, works: Sequence[Work[Result]], engine: Engine, store: "Store | None"
    ) -> None:
        self._works, self._engine, self._store = works, engine, store
        # With whether the store had every part.
        self._ready: dict[Token, tuple[dict[str, Result], bool] | RnscliError] = {}
        # With the parts that the store had, and the digest of what the block reads.
        self._under_way: dict[Token, tuple[dict[str, Result], str]] = {}
        self._next: Token = (0, 0)  # work and block to begin
        self._described: dict[int, dict[str, tuple[str, Mapping[str, Any]]]] = {}

    def result(self, index: int, block: int) -> tuple[dict[str, Result], bool]:
        """All parts of a block, once they are there, and whether they come from the store."""
        self._begin()
        while (index, block) not in self._ready:
            token, result = self._engine.next_done()
            kept, content = self._under_way.pop(token)
            if isinstance(result, RnscliError):
                self._ready[token] = result
            else:
                self._save(token, content, result)
                every = kept | result
                # In the order of the work, whichever parts the store had.
                parts = {name: every[name] for name in self._works[token[0]].parts}
                self._ready[token] = parts, False
            self._begin()
        ready = self._ready.pop((index, block))
        if isinstance(ready, RnscliError):
            raise ready
        return ready

    def leave(self, index: int) -> None:
        """Forget what was begun of a work beyond its last block."""
        stale = {token for token in self._under_way if token[0] <= index}
        self._engine.cancel(stale)
        self._under_way = {t: kept for t, kept in self._under_way.items() if t not in stale}
        self._ready = {t: result for t, result in self._ready.items() if t[0] > index}
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
                kept = self._load(token, content)
            except RnscliError as error:
                self._ready[token] = error
                continue
            missing = tuple(name for name in work.parts if name not in kept)
            if missing:
                self._engine.submit(token, _attempt, work.function, argument, block, missing)
                self._under_way[token] = kept, content
            else:
                self._ready[token] = kept, True

    def _load(self, token: Token, content: str) -> dict[str, Result]:
        """The parts of a block that the store has, in the order of the work."""
        kept: dict[str, Result] = {}
        if self._store is None:
            return kept
        index, block = token
        work = self._works[index]
        for name, (key, _) in self._parts(index).items():
            record = self._store.load(key, block, work.samples(block), content)
            if record is None:
                continue
            try:
                kept[name] = work.result.of_record(record)
            except NOT_AS_RECORDED as error:
                where = f"block {block} of task {key[:12]}"
                raise self._store.damaged(where, error) from None
        return kept

    def _save(self, token: Token, content: str, results: Mapping[str, Result]) -> None:
        if self._store is None:
            return
        index, block = token
        from rnscli.runtime.store import Entry

        parts = self._parts(index)
        entries = [Entry(*parts[name], result.record()) for name, result in results.items()]
        self._store.save(entries, block, self._works[index].samples(block), content)

    def _parts(self, index: int) -> dict[str, tuple[str, Mapping[str, Any]]]:
        """Key and description of each part of a work."""
        if index not in self._described:
            made = {name: describe() for name, describe in self._works[index].parts.items()}
            self._described[index] = {name: (digest(text), text) for name, text in made.items()}
        return self._described[index]


def _attempt(function: Callable[..., Value], *arguments: Any) -> Value | RnscliError:
    """What a call returns, or what it refuses.

    A refusal is raised only when the call has its turn: how far an engine looks ahead must not
    decide whether a run that stops early ends well.
    """
    try:
        return function(*arguments)
    except RnscliError as error:
        return error


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
    # They take as long to import as all else that a simulation in this process needs of Python.
    from rnscli.runtime.processes import local_engine
    from rnscli.runtime.store import Store

    with ExitStack() as stack:
        kept = None if store is None else stack.enter_context(Store(store))
        yield Runner(stack.enter_context(local_engine(jobs)), kept)
