"""Computes the runs of a plan: one after the other, or spread with their blocks over an engine."""

import queue
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rnscli.base import RnscliError
from rnscli.cli.plan.check import (
    CheckedPlan,
    Ready,
    make_ready,
    run_alone,
    run_request,
    without_rows,
)
from rnscli.cli.plan.plan import PlannedRun
from rnscli.cli.terminal import Advance, complain, no_bar, with_options
from rnscli.report import FinishedRun
from rnscli.runtime import Engine, Here, Runner, SharedEngine, Store

_MOST_THREADS = 64


class BatchRuns:
    """The runs of a checked plan, computed or taken from those that are kept.

    Parameters
    ----------
    checked
        The plan.
    selected
        Names of the runs that are computed, if need be.
    kept
        Runs that were finished before, by name, which are taken if they are up to date.
    others
        Runs that were finished before, by name, and stay as they are if they are not selected.
    keep
        Called with each run that is finished.
    store
        Where blocks are recorded, if they are.
    advance
        Told how many runs are finished.
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
        self._keep = keep
        self._store = store
        self._advance = advance
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
        self._carry_over()

    def _carry_over(self) -> None:
        """Take the runs that are not selected as they are."""
        for run in self._checked.runs:
            if run.name not in self.finished and run.name in self._others:
                self.finished[run.name] = self._others[run.name].judged(run.requirements)

    def _known(self, names: Iterable[str]) -> bool:
        return all(name in self.finished for name in names)

    def _begin(self, run: PlannedRun) -> Ready | None:
        """What is to be computed of a run, unless it is finished or cannot be begun."""
        if run.name in self.finished:
            return None
        try:
            ready = self._ready(run)
        except RnscliError as error:
            line = run.command_line()
            refused = without_rows(run.name, str(run.command.name), line, run.requirements)
            self._finish(replace(refused, error=with_options(str(error))))
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
        return make_ready(run, {name: self.finished[name].table for name in run.needs})

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
        if self._store is None:
            yield Runner(engine)
            return
        with Store(self._store) as store:
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
                for run in [run for run in waiting if self._known(run.needs)]:
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
                    complain(f"warning: run {finished.name}: {message}")
            else:
                with self._runner(part) as runner:
                    finished = run_request(ready.request, runner, no_bar, ready.checked)
            done.put(finished)
        except BaseException as error:
            done.put(error)
