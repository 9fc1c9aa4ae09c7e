"""The runs of a plan: checked as their commands would, and computed, here or over an engine."""

import itertools
import queue
import sys
import threading
import time
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

import click

import rnscli
from rnscli.base import EngineError, InputError, RnscliError, content_hash
from rnscli.cli import (
    OUTPUT_OPTIONS,
    Advance,
    AnswerCommand,
    Bar,
    Question,
    Result,
    complain,
    no_bar,
    reason_of,
    sentence_of,
    with_options,
)  # fmt: skip
from rnscli.cli.options import files_read
from rnscli.cli.plan.plan import Plan, PlanError, PlannedRun, command_of
from rnscli.report import SCHEMA, FinishedRun, Requirement, Row
from rnscli.runtime import Engine, Here, Runner, SharedEngine, Store, digest, versions

_MOST_THREADS = 64
_drawing = threading.Lock()  # matplotlib has settings that all threads share
_Contents = tuple[tuple[str, str | None], ...]  # names and hashes of files


@dataclass(frozen=True)
class CheckedCommand:
    """A command with checked options; ``files`` are those that it reads."""

    command: AnswerCommand
    question: Question
    files: tuple[Path, ...]


@dataclass(frozen=True)
class RunRequest:
    """A run of a plan with all that decides what is in its files; it can be sent elsewhere."""

    name: str
    command: str
    arguments: tuple[str, ...]
    requirements: tuple[Requirement, ...]
    plots: tuple[str, ...]
    command_line: str
    digest: str
    contents: _Contents  # of the files that it reads, when it was checked


@dataclass(frozen=True)
class Ready:
    """A run whose references are resolved, and whose options are accepted."""

    request: RunRequest
    checked: CheckedCommand

    def is_done_by(self, kept: FinishedRun) -> bool:
        """Whether a run that was finished before is what this one would give."""
        return bool(self.request.digest) and kept.digest == self.request.digest


@dataclass(frozen=True)
class CheckedPlan:
    """A plan with what is known of its runs before they run.

    ``ready`` are those whose options are all known, by name; ``early`` those that are computed
    already, because others refer to them.
    """

    plan: Plan
    runs: tuple[PlannedRun, ...]
    ready: Mapping[str, Ready]
    early: Mapping[str, FinishedRun]


def check_plan(plan: Plan) -> CheckedPlan:
    """Check the options of all runs, as far as what they refer to is known."""
    runs = plan.ordered()
    needed = {name for run in runs for name in run.needs}
    ready: dict[str, Ready] = {}
    early: dict[str, FinishedRun] = {}
    rows: dict[str, Sequence[Row]] = {}
    wrong: list[str] = []
    for run in runs:
        if any(name not in rows for name in run.needs):
            continue
        try:
            ready[run.name] = one = make_ready(run, rows)
            if run.name in needed and one.checked.question.is_quick:
                begin = time.monotonic()
                finished = _computed(one.request, None, no_bar, one.checked)
                early[run.name] = replace(finished, seconds=time.monotonic() - begin)
                rows[run.name] = finished.required_rows
        except RnscliError as error:
            wrong.append(plan.sentence(run, error))
    if wrong:
        raise PlanError(wrong)
    return CheckedPlan(plan, tuple(runs), ready, early)


def make_ready(run: PlannedRun, rows: Mapping[str, Sequence[Row]]) -> Ready:
    """A run with its references resolved and its options checked."""
    arguments = run.arguments(rows)
    checked = check(run.command, arguments, bool(run.plots))
    contents = _contents_of(checked.files)
    drawing = {"matplotlib": metadata.version("matplotlib")} if run.plots else {}
    decisive = {
        "command": run.command.name,
        "arguments": arguments,
        "plots": run.plots,
        "files": contents,
        "versions": {"rnscli": rnscli.__version__, "schema": str(SCHEMA), **versions(), **drawing},
    }
    request = RunRequest(
        run.name,
        str(run.command.name),
        tuple(arguments),
        run.requirements,
        run.plots,
        run.command_line(arguments),
        digest(decisive) if checked.question.is_lasting else "",
        contents,
    )
    return Ready(request, checked)


def check(command: AnswerCommand, arguments: Sequence[str], drawn: bool) -> CheckedCommand:
    """Check the arguments of a command."""
    try:
        with command.make_context(command.name, list(arguments)) as context:
            options = {k: v for k, v in context.params.items() if k not in OUTPUT_OPTIONS}
            question = command.prepare(options, drawn)
            named = (*files_read().values(), *question.reads.values())
            return CheckedCommand(command, question, tuple(itertools.chain(*named)))
    except click.ClickException as error:
        raise InputError(sentence_of(error)) from None


def _contents_of(files: Sequence[Path]) -> _Contents:
    return tuple((str(path), content_hash(path)) for path in files)


def run_alone(request: RunRequest) -> tuple[FinishedRun, list[str]]:
    """Run a request in a process of its own; with the warnings, for another to print."""
    sys.set_int_max_str_digits(0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("once", RuntimeWarning)
        finished = run_request(request, None, no_bar)
    texts = [str(one.message) for one in caught if issubclass(one.category, RuntimeWarning)]
    return finished, list(dict.fromkeys(texts))


def run_request(
    request: RunRequest, runner: Runner | None, bar: Bar, checked: CheckedCommand | None = None
) -> FinishedRun:
    """Compute a run and what its files hold; an error is a part of the result.

    An EngineError is raised: that what computes is lost is no result of the run.
    """
    begin = time.monotonic()
    try:
        finished = _computed(request, runner, bar, checked)
    except EngineError:
        raise
    except RnscliError as error:
        finished = _without_rows(request, request.command_line, error, request.digest)
    return replace(finished, seconds=time.monotonic() - begin)


def _without_rows(
    run: RunRequest | PlannedRun, command_line: str, error: RnscliError, digest: str = ""
) -> FinishedRun:
    command = run.command if isinstance(run.command, str) else str(run.command.name)
    said = with_options(str(error))
    return FinishedRun(run.name, command, command_line, digest, error=said).judged(run.requirements)


def _computed(
    request: RunRequest, runner: Runner | None, bar: Bar, checked: CheckedCommand | None
) -> FinishedRun:
    try:
        if checked is None:
            checked = check(command_of(request.command), request.arguments, bool(request.plots))
        answer = checked.question.compute(runner, bar)
        finished = _finished(request, checked.command.result(checked.question, answer))
    except OSError as error:  # a file that it reads has gone
        raise RnscliError(reason_of(error)) from None
    except MemoryError:
        raise RnscliError("not enough memory; ask for fewer or smaller points") from None
    for before, now in zip(request.contents, _contents_of(checked.files), strict=True):
        if before != now:
            raise RnscliError(f"{before[0]} has changed while the batch ran")
    return finished


def _finished(request: RunRequest, result: Result) -> FinishedRun:
    texts = {"json": result.json, "csv": result.csv}
    files = {f"{request.name}.{kind}": text.encode() for kind, text in texts.items()}
    draw = result.draw
    if draw is not None:
        with _drawing:
            files |= {f"{request.name}.{kind}": draw(kind) for kind in request.plots}
    compared = result.answer.disagreements
    finished = FinishedRun(
        request.name,
        request.command,
        request.command_line,
        request.digest,
        rows=len(result.rows),
        identity=result.identity,
        required=result.answer.required,
        problems=tuple(map(with_options, result.answer.problems)),
        remarks=tuple(map(with_options, result.answer.remarks)),
        disagreements=None if compared is None else tuple(compared),
        files=files,
    )
    return finished.judged(request.requirements)


class BatchRuns:
    """The runs of a checked plan, computed or taken from those that are kept.

    ``selected`` are names of those that are computed, if need be. Of the runs that were finished
    before, ``kept`` are taken if they are up to date, and ``others`` stay as they are if they are
    not selected. ``keep`` is called with each run that is finished, and ``advance`` with their
    number.
    """

    def __init__(
        self,
        checked: CheckedPlan,
        selected: Collection[str],
        kept: Mapping[str, FinishedRun],
        others: Mapping[str, FinishedRun],
        keep: Callable[[FinishedRun], None],
        store: Path | None,
        advance: Advance,
    ) -> None:
        self._checked = checked
        self._selected = [run for run in checked.runs if run.name in selected]
        self._kept, self._others = kept, others
        self._keep, self._store, self._advance = keep, store, advance
        self.finished: dict[str, FinishedRun] = {}

    def run(self, engine: Engine) -> None:
        """Compute all; an engine that takes one call at a time is used by one run at a time."""
        for run in self._selected:
            if run.name in self._checked.early:
                self._finish(self._checked.early[run.name])
        if isinstance(engine, Here):
            for run in self._selected:
                ready = self._begin(run)
                if ready is not None:
                    with self._runner(engine) as runner:
                        finished = run_request(ready.request, runner, self._bar, ready.checked)
                    self._finish(finished)
        else:
            self._spread(SharedEngine(engine))
        for run in self._checked.runs:  # that are not selected
            if run.name not in self.finished and run.name in self._others:
                self.finished[run.name] = self._others[run.name].judged(run.requirements)

    def _begin(self, run: PlannedRun) -> Ready | None:
        """What is to be computed of a run, unless it is finished or cannot be begun."""
        if run.name in self.finished:
            return None
        try:
            ready = self._ready(run)
        except RnscliError as error:
            self._finish(_without_rows(run, run.command_line(), error))
            return None
        kept = self._kept.get(run.name)
        if kept is None or not ready.is_done_by(kept):
            return ready
        line = ready.request.command_line
        self._finish(replace(kept.judged(run.requirements), command_line=line))
        return None

    def _ready(self, run: PlannedRun) -> Ready:
        if run.name in self._checked.ready:
            return self._checked.ready[run.name]
        for name in run.needs:
            if self.finished[name].error is not None:
                raise RnscliError(f"run {name}, which it refers to, has no rows")
        return make_ready(run, {name: self.finished[name].required_rows for name in run.needs})

    def _finish(self, run: FinishedRun) -> None:
        self.finished[run.name] = run
        kept = self._kept.get(run.name)
        if run.error is None and (kept is None or kept.digest != run.digest):
            self._keep(run)  # but no error, which may be tried again
        self._tell(len(self.finished))

    def _tell(self, done: float, note: Callable[[], str] | None = None) -> None:
        # Runs take different times, so that nobody knows how long the others will.
        self._advance(done, len(self._selected), note, recorded=done)

    @contextmanager
    def _runner(self, engine: Engine) -> Iterator[Runner]:
        with nullcontext() if self._store is None else Store(self._store) as store:
            yield Runner(engine, store)

    @contextmanager
    def _bar(self, total: float, what: str) -> Iterator[Advance]:
        """Of a run that is computed alone: its share of the bar of all."""

        def advance(
            done: float,
            total: float | None = total,
            note: Callable[[], str] | None = None,
            recorded: float = 0,
        ) -> None:
            share = done / total if total else 0.0
            self._tell(len(self.finished) + min(share, 1.0), note)

        yield advance

    def _spread(self, shared: SharedEngine) -> None:
        """A thread for each run that is under way, which begin in order.

        A run that has blocks is led by its thread, and its blocks go to the engine; another one
        goes there as a whole. So all processes are busy while there is anything to do.
        """
        done: queue.SimpleQueue[FinishedRun | BaseException] = queue.SimpleQueue()
        waiting = [run for run in self._selected if run.name not in self.finished]
        under_way = 0
        try:
            while waiting or under_way:
                most = min(shared.capacity, _MOST_THREADS)
                for run in [run for run in waiting if self.finished.keys() >= {*run.needs}]:
                    if under_way >= most:
                        break
                    waiting.remove(run)
                    ready = self._begin(run)
                    if ready is not None:
                        arguments = (ready, shared, done)
                        threading.Thread(target=self._lead, args=arguments, daemon=True).start()
                        under_way += 1
                if not under_way:
                    continue
                finished = done.get()
                under_way -= 1
                if isinstance(finished, BaseException):
                    raise finished
                self._finish(finished)
        except BaseException:
            # What they wait for ends with the engine; their results are not wanted any more.
            shared.close()
            raise

    def _lead(
        self,
        ready: Ready,
        shared: SharedEngine,
        done: "queue.SimpleQueue[FinishedRun | BaseException]",
    ) -> None:
        try:
            part = shared.part()
            reads = bool(ready.checked.files) or bool(ready.request.plots)
            if not ready.checked.question.in_blocks and (part.shares_files or not reads):
                part.submit((0, 0), run_alone, ready.request)
                _, (finished, warned) = part.next_done()
                for message in warned:
                    complain(f"warning: run {finished.name}: {message}", "doubtful")
            else:
                with self._runner(part) as runner:
                    finished = run_request(ready.request, runner, no_bar, ready.checked)
            done.put(finished)
        except BaseException as error:
            done.put(error)
