"""``rnscli batch``."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from rnscli.base import InputError, check_writable, columns_of, write_atomically
from rnscli.cli.answer import FORMATS, Answer, Result, write_result
from rnscli.cli.command import SummaryCommand
from rnscli.cli.options import running, shared
from rnscli.cli.plan.check import CheckedPlan, check_plan
from rnscli.cli.plan.plan import PlanError
from rnscli.cli.plan.reader import read_plan
from rnscli.cli.plan.runs import BatchRuns
from rnscli.cli.terminal import complain, progress_bar, say
from rnscli.report import (
    DRY_LAYOUT,
    LAYOUT,
    BatchRow,
    DryRow,
    FinishedRun,
    ResultsFolder,
    Row,
    batch_rows,
    junit_text,
    partial_of,
    summary_files,
)
from rnscli.runtime import Store


@click.command(
    "batch",
    cls=SummaryCommand,
    row_types={None: BatchRow, "dry_run": DryRow},
    parameters={"plan": "File of the plan, without its folder.", "title": "Title of the plan."},
)
@click.argument("plan", type=click.Path(path_type=Path), metavar="PLAN.toml")
@shared.stacked(
    click.option(
        "--output",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Folder of the results, written whole at the end.  [default: the name of the plan "
        "with -results]",
    ),
    click.option("--junit", type=click.Path(path_type=Path), metavar="FILE.xml",
                 help="Write the verdicts there as JUnit XML, a test case for each requirement."),
    click.option(
        "--only",
        multiple=True,
        metavar="NAME",
        help="Only this run and those that it refers to; a list, a pattern such as 'error*', or "
        "repeated. What the folder has of other runs stays as it is.",
    ),
    click.option("--resume", is_flag=True,
                 help="Go on from runs that are finished and up to date."),
    click.option("--force", is_flag=True, help="Replace the results of an earlier batch."),
    click.option("--dry-run", is_flag=True,
                 help="Check the plan and print its command lines; compute and write nothing."),
    running.run_options,
    click.option("--format", type=click.Choice(FORMATS), default="table", show_default=True,
                 help="Form of the summary."),
)  # fmt: skip
def command(plan: Path, output: Path | None, only: tuple[str, ...], **options: Any) -> None:
    """Run a plan of many runs, and gate on its requirements.

    A plan names runs of the other commands, in TOML: [run.NAME] with command, the options of the
    command, requirements (require), pictures (plot); [defaults] for all. moduli = "@table.moduli"
    takes the sets that the run table has found. The plan is checked as a whole before anything
    runs.

    The folder gets JSON and CSV of every run, and a summary. Finished runs survive a kill in a
    folder beside it: --resume goes on from there, and with --store from every finished block.

    \b
    # Does every requirement of the plan hold? For a system of CI
    rnscli batch plan.toml --output results --junit results.xml
    # Go on after a kill, on two processes
    rnscli batch plan.toml --output results --resume --jobs 2 --store runs.db
    """
    if options["resume"] and options["force"]:
        raise InputError("--resume keeps results and --force replaces them; leave one of them out")
    file = output or Path(f"{plan.stem}-results")
    try:
        whole = read_plan(plan)
        names = [name for text in only for name in text.split(",")]
        selected = whole.with_needs(names) if only else {run.name for run in whole.runs}
        checked = check_plan(whole)
    except PlanError as error:
        say(error.sentences, "more things are wrong with the plan")
        raise click.exceptions.Exit(2) from None
    stated = {"plan": plan.name, "title": whole.title}
    if options["dry_run"]:
        kept = ResultsFolder(file, resume=True).kept() if options["resume"] else {}
        planned = [row for row in _dry_rows(checked, kept) if row["run"] in selected]
        lines = [text for row in planned for text in ("", f"# {row['run']}", row["command_line"])]
        answer = Answer([], footer=list(map(str, lines)))
        write_result(
            Result("batch", stated, columns_of(DryRow), planned, DRY_LAYOUT, answer),
            options["format"],
        )
        return
    _check_files(checked, file, options)
    folder = ResultsFolder(file, options["resume"], options["force"])
    _check_plan_of(folder, plan, options)
    if options["store"] is not None:
        with Store(options["store"]):
            pass  # it is one, and can be written
    with folder.opened():
        runs = _computed(checked, selected, folder, options)
        rows = batch_rows(runs)
        folder.finish(runs, summary_files(rows, stated, checked.plan.file.text))
    asked = [run for run in runs if run.name in selected]
    if options["junit"] is not None:
        write_atomically(options["junit"], junit_text(checked.plan.title, asked))
    _say(asked)
    result = Result("batch", stated, columns_of(BatchRow), rows, LAYOUT, Answer([]))
    write_result(result, options["format"])
    _exit(asked)


def _check_files(checked: CheckedPlan, folder: Path, options: dict[str, Any]) -> None:
    """Refuse to write over what is read, before anything is computed."""
    junit: Path | None = options["junit"]
    whole = [folder.resolve(), partial_of(folder)]
    if junit is not None:
        if any(map(junit.resolve().is_relative_to, whole)):
            raise InputError(
                f"--junit {junit} lies in the folder of the results, which is written whole; give "
                "a name outside of it"
            )
        check_writable(junit, "--junit")
    read = [checked.plan.file.path, *(file for run in checked.runs for file in run.files)]
    for path in [*read, *([options["store"]] if options["store"] else [])]:
        if junit is not None and path.resolve() == junit.resolve():
            raise InputError(f"--junit {junit} would be written over {path}; give another name")
        if any(map(path.resolve().is_relative_to, whole)):
            raise InputError(
                f"--output {folder}: {path} lies in it, and the folder is replaced as a whole; "
                "give another name"
            )


def _check_plan_of(folder: ResultsFolder, plan: Path, options: dict[str, Any]) -> None:
    """Refuse to go on from the results of another plan, which would be lost."""
    other = folder.plan
    if options["resume"] and other not in (None, plan.name):
        raise InputError(
            f"--output {folder.given} holds the results of {other}; give another name, or --force "
            "to replace them"
        )


def _computed(
    checked: CheckedPlan,
    selected: set[str],
    folder: ResultsFolder,
    options: dict[str, Any],
) -> list[FinishedRun]:
    """The selected runs in the order of the plan, and others that the folder has."""
    before = folder.kept()
    kept = before if options["resume"] else {}
    others = {name: run for name, run in before.items() if name not in selected}
    with (
        running.engine_of(options) as engine,
        progress_bar(len(selected), "runs", options["quiet"]) as advance,
    ):
        runs = BatchRuns(checked, selected, kept, others, folder.keep, options["store"], advance)
        try:
            runs.run(engine)
        except BaseException:
            if runs.finished:
                complain(f"runs finished: {len(runs.finished)}; --resume goes on from there")
            raise
    return [runs.finished[run.name] for run in checked.plan.runs if run.name in runs.finished]


def _dry_rows(checked: CheckedPlan, kept: dict[str, FinishedRun]) -> list[Row]:
    rows: list[Row] = []
    for run in checked.plan.runs:
        ready = checked.ready.get(run.name)
        state = "to compute"
        line = run.command_line()
        if ready is None:
            state = "to compute after " + ", ".join(run.needs)
        else:
            line = ready.request.command_line
            if run.name in kept and ready.is_done_by(kept[run.name]):
                state = "kept"
        rows.append(asdict(DryRow(run.name, state, line)))
    return rows


def _say(runs: Sequence[FinishedRun]) -> None:
    """Say what does not hold."""
    for run in runs:
        say([f"{run.name}: {remark}" for remark in run.remarks], "more such remarks")
        problems = [run.error] if run.error is not None else []
        problems += [f"no answer {problem}" for problem in run.problems]
        say([f"{run.name}: {problem}" for problem in problems], f"more of {run.name}")
        lines = [line for case in run.cases for line in case.failures]
        say([f"{run.name}: {line}" for line in lines], f"more of {run.name}")


def _exit(runs: Sequence[FinishedRun]) -> None:
    """Exit with the verdict."""
    if any(run.verdict == "error" for run in runs):
        raise click.exceptions.Exit(2)
    if any(run.verdict == "failed" for run in runs):
        raise click.exceptions.Exit(1)
