"""``rnscli rerun``."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click

from rnscli import base, cli, report
from rnscli.cli import options
from rnscli.cli.asked_again import check_files, words_again

SAVED, COMPUTED = "saved", "computed"


@click.command(
    "rerun",
    cls=cli.WithExamples,
    background=cli.Background(page="batch.md"),
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": True},
)
@click.argument("file", type=options.PathName(), metavar="FILE.json")
@click.argument("more", nargs=-1, type=click.UNPROCESSED, metavar="[OPTIONS OF THE COMMAND]")
@click.option(
    "--rows",
    type=click.Choice((SAVED, COMPUTED)),
    help="Whether rows are those of the file, or computed again.  [default: saved for --plot where "
    "the picture takes no more than these, else computed]",
)
@click.pass_context
def command(context: click.Context, file: Path, more: tuple[str, ...], rows: str | None) -> None:
    """Compute a saved result again, or draw it.

    FILE is a JSON document, as --format json or --output FILE.json of a command writes it: it has
    the command and its options. Options of the command may stand behind it: --format, --output,
    --plot, --require and --jobs, and others go before those of the file.

    \b
    # Draw what has been computed before
    rnscli rerun faults.json --plot faults.svg
    # Is the result still the same?
    rnscli rerun faults.json --baseline faults.json
    # The same with another number of bits, as CSV
    rnscli rerun faults.json --bits 7 --format csv
    """
    saved = report.read_saved(file)
    command = _command_of(saved)
    own = {name: one for one in command.params for name in (*one.opts, *one.secondary_opts)}
    words = [word.partition("=")[0] for word in more]
    given = {str(own[word].name) for word in words if word in own}
    ways = (*cli.OUTPUT_OPTIONS, *cli.RUN_OPTIONS, "force")
    changed = given.difference(ways)
    check_files(saved, changed)
    found, arguments = words_again(command, saved, changed)
    line = [*found, *more, *(["--", *arguments] if arguments else [])]
    with command.make_context(command.name, line, parent=context.parent) as running:
        output_path = running.params.get("output")
        if output_path is not None and output_path.resolve() == file.resolve():
            raise base.InputError(f"{file} would be written over; give another name")
        if rows is None and (running.params.get("plot") is None or changed):
            rows = COMPUTED
        if rows == SAVED and changed:
            name = sorted(changed)[0].replace("_", "-")
            raise base.InputError(f"--rows saved are not those of another --{name}; leave one out")
        if rows != COMPUTED and _is_shown(command, saved, running, rows == SAVED):
            return
        if rows is None:
            what = f"the picture or page of {command.name}"
            cli.say([f"{what} takes more than rows: computing again"], "")
        command.invoke(running)


def _command_of(saved: report.SavedResult) -> cli.AnswerCommand:
    """The command that a document is of."""
    if saved.schema != report.SCHEMA:
        raise base.InputError(
            f"{saved.path} has schema {saved.schema} of the documents, and this rnscli writes "
            f"schema {report.SCHEMA}, whose options may have other names; compute it with its "
            "command again"
        )
    found = cli.command_named(saved.command) if saved.command in cli.ANSWERING else None
    if not isinstance(found, cli.AnswerCommand):
        raise base.InputError(
            f"{saved.path} is of the command {saved.command}, whose document does not say all that "
            "it takes to compute it again"
        )
    return found


def _is_shown(
    command: cli.AnswerCommand, saved: report.SavedResult, running: click.Context, wanted: bool
) -> bool:
    """Write the saved rows; or say no, where the picture takes more than these."""
    _, output, question = command.asked(running.params)
    pictured = output.plot is not None and question.picture is None
    if pictured or output.style == cli.PAGE:
        if wanted:
            what = f"--plot of {command.name}" if pictured else "a page"
            raise base.InputError(f"{what} takes more than rows; leave --rows out to compute them")
        return False
    if output.folder is not None:
        raise base.InputError("--output is a folder here, which takes more than rows")
    row_type, _ = command.rows(question.options)
    columns = command.columns(question.options)
    _check_rows(saved, columns)
    axes = command.axes(row_type)
    results: list[tuple[dict[str, Any], Any]] = [
        ({name: row[axis.key] for name, axis in axes.items()}, SimpleNamespace(**row))
        for row in saved.rows
    ]
    answer = cli.Answer(results, question.picture)
    result = command.result(question, answer)
    what = "drawn from" if output.plot is not None else "rows of"
    cli.say([f"{what} {saved.path}; nothing is computed (--rows computed does)"], "")
    output.finish(result)
    return True


def _check_rows(saved: report.SavedResult, columns: dict[str, base.Column]) -> None:
    """Refuse rows that this version would not have written."""
    if saved.rows[0].keys() != columns.keys():
        others = sorted(saved.rows[0].keys() ^ columns.keys())
        raise base.InputError(
            f"{saved.path}, which rnscli {saved.version} has written, has other columns than this "
            f"version ({', '.join(others[:3])}{', ..' if len(others) > 3 else ''}); give --rows "
            "computed"
        )
    for place, row in enumerate(saved.rows, 1):
        for key, column in columns.items():
            if not column.fits(row[key]):
                raise base.InputError(
                    f"{saved.path}: row {place}: {key} is {base.shown(row[key])}, which it cannot "
                    "be"
                )
