"""``rnscli batch``."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click

from rnscli import cli, report
from rnscli.base import InputError, OptionGroup, check_writable, columns_of, write_atomically
from rnscli.cli import options
from rnscli.cli.plan import BatchRuns, CheckedPlan, PlanError, check_plan, read_plan
from rnscli.report import FinishedRun, ResultsFolder
from rnscli.runtime import Store


@click.command(
    "batch",
    cls=cli.SummaryCommand,
    background=cli.Background(page="batch.md"),
    row_types={None: report.BatchRow, "dry_run": report.DryRow},
    parameters={"plan": "File of the plan, without its folder.", "title": "Title of the plan."},
)
@click.argument("plan", type=options.PathName(), metavar="PLAN.toml")
@options.stacked(
    options.in_group(
        "--output",
        OptionGroup.OUTPUT,
        type=options.OutputPath("a folder"),
        metavar="DIR",
        help="Folder of the results, written whole at the end.  [default: the name of the "
        "plan with -results]",
    ),
    options.in_group(
        "--junit",
        OptionGroup.OUTPUT,
        type=options.OutputPath("a file"),
        metavar="FILE.xml",
        help="Write the verdicts there as JUnit XML, a test case for each requirement.",
    ),
    options.in_group(
        "--baseline",
        OptionGroup.OUTPUT,
        type=options.PathName(),
        metavar="DIR",
        help="Results of an earlier batch, with which each run is compared as by rnscli "
        "compare: one more requirement.",
    ),
    options.in_group(
        "--allow", OptionGroup.OUTPUT, type=cli.ToleranceType(), multiple=True, help=cli.ALLOWED
    ),
    options.in_group(
        "--only",
        OptionGroup.ASKED,
        multiple=True,
        metavar="NAME",
        help="Only this run and those that it refers to; a list, a pattern such as "
        "'error*', or repeated. Results of other runs in the folder stay as they are.",
    ),
    options.in_group(
        "--resume",
        OptionGroup.RUN,
        is_flag=True,
        help="Continue from runs that are finished and up to date.",
    ),
    options.in_group(
        "--force", OptionGroup.RUN, is_flag=True, help="Replace the results of an earlier batch."
    ),
    options.in_group(
        "--dry-run",
        OptionGroup.RUN,
        is_flag=True,
        help="Check the plan and print its command lines; compute and write nothing.",
    ),
    options.run_options,
    click.option("--quiet", **options.QUIET),
    options.in_group(
        "--format",
        OptionGroup.OUTPUT,
        type=click.Choice(cli.FORMATS),
        help="Form of the summary.  [default: table]",
    ),
)
def command(plan: Path, output: Path | None, only: tuple[str, ...], **given: Any) -> None:
    """Run a plan of many runs, and gate on its requirements.

    A plan names runs of the other commands, in TOML: [run.NAME] with command, the options of the
    command, requirements (require), pictures (plot); [defaults] for all. moduli = "@table.moduli"
    takes the sets that the run table has found. The plan is checked as a whole before anything
    runs.

    The folder gets JSON and CSV of every run, and a summary. Finished runs survive a kill in a
    folder beside it: --resume continues from there, and with --store from every finished block.

    \b
    # Does every requirement of the plan hold? For a system of CI
    rnscli batch plan.toml --output results --junit results.xml
    # Has anything changed since the last release?
    rnscli batch plan.toml --output results --force --baseline results
    # Go on after a kill, on two processes
    rnscli batch plan.toml --output results --resume --jobs 2 --store runs.db
    """
    if given["resume"] and given["force"]:
        raise InputError("--resume keeps results and --force replaces them; leave one of them out")
    form = command.output(given, None)
    file = output or Path(f"{plan.stem}-results")
    try:
        whole = read_plan(plan)
        names = [name for text in only for name in text.split(",")]
        selected = whole.with_needs(names) if only else {run.name for run in whole.runs}
        checked = check_plan(whole)
    except PlanError as error:
        cli.say(error.sentences, "more things are wrong with the plan", "bad")
        raise click.exceptions.Exit(2) from None
    baseline = cli.FolderBaseline.of(given["baseline"], given["allow"], selected)
    stated = {"plan": plan.name, "title": whole.title}
    if given["dry_run"]:
        kept = ResultsFolder(file, resume=True).kept() if given["resume"] else {}
        planned = [row for row in _dry_rows(checked, kept) if row["run"] in selected]
        lines = [f"\n# {row['run']}\n{row['command_line']}" for row in planned]
        columns, answer = columns_of(report.DryRow), cli.Answer([], footer=lines)
        result = cli.Result("batch", stated, columns, planned, report.DRY_LAYOUT, answer)
        cli.write_result(result, form.style, view=form.view)
        return
    _check_files(checked, file, given)
    folder = ResultsFolder(file, given["resume"], given["force"])
    if given["resume"] and folder.plan not in (None, plan.name):  # whose results would be lost
        raise InputError(
            f"--output {file} holds the results of {folder.plan}; give another name, or --force "
            "to replace them"
        )
    if given["store"] is not None:
        with Store(given["store"]):
            pass  # it is one, and can be written
    with folder.opened():
        runs = _computed(checked, selected, folder, given)
        if baseline is not None:
            runs = [baseline.judged(run) if run.name in selected else run for run in runs]
        rows = report.batch_rows(runs)
        folder.finish(runs, report.summary_files(rows, stated, checked.plan.file.text))
    chosen = [run for run in runs if run.name in selected]
    if given["junit"] is not None:
        write_atomically(given["junit"], report.junit_text(checked.plan.title, chosen))
    _say(chosen)
    columns = columns_of(report.BatchRow)
    result = cli.Result("batch", stated, columns, rows, report.LAYOUT, cli.Answer([]))
    # A paper has the reasons, as the summary in the folder.
    paper = form.style in ("markdown", "latex", "siunitx")
    view = replace(form.view, wide=form.view.wide or paper)
    cli.write_result(result, form.style, view=view)
    verdicts = {run.verdict for run in chosen}
    if "error" in verdicts:
        raise click.exceptions.Exit(2)
    if "failed" in verdicts:
        raise click.exceptions.Exit(1)


def _check_files(checked: CheckedPlan, folder: Path, given: dict[str, Any]) -> None:
    """Refuse to write over what is read, before anything is computed."""
    junit: Path | None = given["junit"]
    whole = [folder.resolve(), report.partial_of(folder)]
    if junit is not None:
        if any(map(junit.resolve().is_relative_to, whole)):
            raise InputError(
                f"--junit {junit} lies in the folder of the results, which is written whole; give "
                "a name outside of it"
            )
        check_writable(junit, "--junit")
    read = [checked.plan.file.path, *(file for run in checked.runs for file in run.files)]
    for path in [*read, *([given["store"]] if given["store"] else [])]:
        if junit is not None and path.resolve() == junit.resolve():
            raise InputError(f"--junit {junit} would be written over {path}; give another name")
        if any(map(path.resolve().is_relative_to, whole)):
            raise InputError(
                f"--output {folder}: {path} lies in it, and the folder is replaced as a whole; "
                "give another name"
            )


def _computed(
    checked: CheckedPlan, selected: set[str], folder: ResultsFolder, given: dict[str, Any]
) -> list[FinishedRun]:
    """The selected runs in the order of the plan, and others that the folder has."""
    before = folder.kept()
    kept = before if given["resume"] else {}
    others = {name: run for name, run in before.items() if name not in selected}
    with (
        options.engine_of(given) as engine,
        cli.progress_bar(len(selected), "runs", given["quiet"]) as advance,
    ):
        runs = BatchRuns(checked, selected, kept, others, folder.keep, given["store"], advance)
        try:
            runs.run(engine)
        except BaseException:
            if runs.finished:
                cli.complain(f"runs finished: {len(runs.finished)}; --resume goes on from there")
            raise
    return [runs.finished[run.name] for run in checked.plan.runs if run.name in runs.finished]


def _dry_rows(checked: CheckedPlan, kept: dict[str, FinishedRun]) -> list[report.Row]:
    rows = []
    for run in checked.plan.runs:
        ready = checked.ready.get(run.name)
        line = run.command_line() if ready is None else ready.request.command_line
        if ready is None:
            state = "to compute after " + ", ".join(run.needs)
        elif run.name in kept and ready.is_done_by(kept[run.name]):
            state = "kept"
        else:
            state = "to compute"
        rows.append(asdict(report.DryRow(run.name, state, line)))
    return rows


def _say(runs: Sequence[FinishedRun]) -> None:
    """Say what does not hold."""
    for run in runs:
        cli.say([f"{run.name}: {remark}" for remark in run.remarks], "more such remarks")
        problems = [run.error] if run.error is not None else []
        problems += [f"no answer {problem}" for problem in run.problems]
        failures = [line for case in run.cases for line in case.failures]
        for sentences in (problems, failures):
            cli.say([f"{run.name}: {one}" for one in sentences], f"more of {run.name}", "bad")
