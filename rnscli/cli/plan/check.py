"""Checks every run of a plan as its command would, before anything runs."""

import hashlib
import sys
import threading
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import click

import rnscli
from rnscli.base import EngineError, InputError, RnscliError
from rnscli.cli.answer import Bar, Question, Result
from rnscli.cli.command import OUTPUT_OPTIONS, AnswerCommand
from rnscli.cli.options import files_read
from rnscli.cli.plan.plan import Plan, PlanError, PlannedRun
from rnscli.cli.terminal import no_bar, sentence_of, with_options
from rnscli.report import SCHEMA, Case, FinishedRun, Requirement, Row
from rnscli.runtime import digest, versions

if TYPE_CHECKING:
    from rnscli.runtime import Runner

_drawing = threading.Lock()  # matplotlib has settings that all threads share


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
    contents: tuple[tuple[str, str | None], ...]  # of the files that it reads, when it was checked


def check(command: AnswerCommand, arguments: Sequence[str], drawn: bool) -> CheckedCommand:
    """Check the arguments of a command.

    Raises
    ------
    RnscliError
        If they are refused, or have no answer.
    """
    try:
        with command.make_context(command.name, list(arguments)) as context:
            options = {k: v for k, v in context.params.items() if k not in OUTPUT_OPTIONS}
            question = command.prepare(options, drawn)
            named = [*files_read().values(), *question.reads.values()]
            return CheckedCommand(
                command, question, tuple(path for paths in named for path in paths)
            )
    except click.ClickException as error:
        raise InputError(sentence_of(error)) from None


def run_alone(request: RunRequest) -> tuple[FinishedRun, list[str]]:
    """Run a request in a process of its own; with the warnings, for another to print."""
    sys.set_int_max_str_digits(0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("once", RuntimeWarning)
        finished = run_request(request, None, no_bar)
    texts = [str(one.message) for one in caught if issubclass(one.category, RuntimeWarning)]
    return finished, list(dict.fromkeys(texts))


def run_request(
    request: RunRequest, runner: "Runner | None", bar: Bar, checked: CheckedCommand | None = None
) -> FinishedRun:
    """Compute a run and what its files hold; an error is a part of the result.

    Raises
    ------
    EngineError
        If what computes is lost, which says nothing about the run.
    """
    begin = time.monotonic()
    try:
        finished = _computed(request, runner, bar, checked)
    except EngineError:
        raise
    except RnscliError as error:
        finished = replace(_without_rows(request), error=with_options(str(error)))
    return replace(finished, seconds=time.monotonic() - begin)


def _computed(
    request: RunRequest, runner: "Runner | None", bar: Bar, checked: CheckedCommand | None
) -> FinishedRun:
    try:
        if checked is None:
            checked = check(command_of(request.command), request.arguments, bool(request.plots))
        answer = checked.question.compute(runner, bar)
        finished = _finished(request, checked.command.result(checked.question, answer))
    except OSError as error:  # a file that it reads has gone
        raise RnscliError(f"{error.strerror or error}: {error.filename}") from None
    except MemoryError:
        raise RnscliError("not enough memory; ask for fewer or smaller points") from None
    for before, now in zip(request.contents, contents_of(checked.files), strict=True):
        if before != now:
            raise RnscliError(f"{before[0]} has changed while the batch ran")
    return finished


def _without_rows(request: RunRequest) -> FinishedRun:
    return without_rows(
        request.name, request.command, request.command_line, request.requirements, request.digest
    )


def without_rows(
    name: str,
    command: str,
    command_line: str,
    requirements: Sequence[Requirement],
    digest: str = "",
) -> FinishedRun:
    """A run without a result yet."""
    cases = tuple(Case(str(one), ()) for one in requirements)  # nothing is known to break them
    return FinishedRun(name, command, command_line, digest, cases=cases)


def contents_of(files: Sequence[Path]) -> tuple[tuple[str, str | None], ...]:
    """Names and hashes of files, which may be larger than memory."""
    return tuple((str(path), _content_hash(path)) for path in files)


def _content_hash(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None  # the command says what is wrong with it


def command_of(name: str) -> AnswerCommand:
    """The command of a name."""
    from rnscli.cli.main import cli

    command = cli.get_command(click.Context(cli), name)
    assert isinstance(command, AnswerCommand)
    return command


def _finished(request: RunRequest, result: Result) -> FinishedRun:
    files = {
        f"{request.name}.json": result.json.encode(),
        f"{request.name}.csv": result.csv.encode(),
    }
    draw = result.draw
    if draw is not None:
        with _drawing:
            files |= {f"{request.name}.{kind}": draw(kind) for kind in request.plots}
    compared = result.answer.disagreements
    finished = replace(
        _without_rows(request),
        rows=len(result.rows),
        identity=result.identity,
        required=result.answer.required,
        problems=tuple(map(with_options, result.answer.problems)),
        remarks=tuple(map(with_options, result.answer.remarks)),
        disagreements=None if compared is None else tuple(compared),
        files=files,
    )
    return finished.judged(request.requirements)


_EARLY = "moduli"  # which is quick, so that those who refer to it can be checked, too
_NEVER_KEPT = ("store",)  # whose rows change with what others record


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
    """Check the options of all runs, as far as what they refer to is known.

    Raises
    ------
    PlanError
        With a sentence for each run that is refused.
    """
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
            if run.name in needed and run.command.name == _EARLY:
                begin = time.monotonic()
                finished = _computed(one.request, None, no_bar, one.checked)
                early[run.name] = replace(finished, seconds=time.monotonic() - begin)
                rows[run.name] = finished.table[: finished.required]
        except RnscliError as error:
            wrong.append(plan.sentence(run, error))
    if wrong:
        raise PlanError(wrong)
    return CheckedPlan(plan, tuple(runs), ready, early)


def make_ready(run: PlannedRun, rows: Mapping[str, Sequence[Row]]) -> Ready:
    """A run with its references resolved and its options checked.

    Raises
    ------
    RnscliError
        If the command refuses its options, or they have no answer.
    """
    arguments = run.arguments(rows)
    checked = check(run.command, arguments, bool(run.plots))
    contents = contents_of(checked.files)
    described = {
        "command": run.command.name,
        "arguments": arguments,
        "plots": run.plots,
        "files": contents,
        "versions": {
            "rnscli": rnscli.__version__,
            "schema": str(SCHEMA),
            **versions(),
            **drawing_versions(run.plots),
        },
    }
    request = RunRequest(
        run.name,
        str(run.command.name),
        tuple(arguments),
        run.requirements,
        run.plots,
        run.command_line(arguments),
        "" if run.command.name in _NEVER_KEPT else digest(described),
        contents,
    )
    return Ready(request, checked)


def drawing_versions(plots: Sequence[str]) -> dict[str, str]:
    """The version of what draws, if anything is drawn."""
    return {"matplotlib": metadata.version("matplotlib")} if plots else {}
