"""``rnscli compare``."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from rnscli import base, cli, report
from rnscli.cli import options


@click.command(
    "compare",
    cls=cli.SummaryCommand,
    background=cli.Background(page="batch.md"),
    row_types={None: report.ComparedRow},
    parameters={
        "old": "File of the earlier result, without its folder.",
        "new": "File of the later result, without its folder.",
        "allow": "Tolerances, separated by commas.",
    },
    may_be_empty=True,
)
@click.argument("old", type=options.PathName(), metavar="OLD.json")
@click.argument("new", type=options.PathName(), metavar="NEW.json")
@options.stacked(
    options.in_group(
        "--allow",
        base.OptionGroup.ASKED,
        type=cli.ToleranceType(),
        multiple=True,
        help=cli.ALLOWED.replace("from the baseline", "in NEW"),
    ),
    options.in_group(
        "--junit",
        base.OptionGroup.OUTPUT,
        type=options.OutputPath("a file"),
        metavar="FILE.xml",
        help="Write the verdicts there as JUnit XML, a test case for each column.",
    ),
    *cli.SummaryCommand.FORM,
)
def command(old: Path, new: Path, **given: Any) -> None:
    """Compare two results of one command, and say what has changed.

    Both are JSON documents, as --format json or --output FILE.json writes them. Rows are matched
    by the parameters that they are of, such as bits and core. Each value that has changed by more
    than it may is a row; the exit code is 1 if there is any, or if a row is in one result only.

    \b
    # What has changed since the last release, for a system of CI
    rnscli compare old.json new.json --junit changes.xml
    # Energies may grow by 5 % and fall by any, areas may be anything
    rnscli compare old.json new.json --allow '*energy*=+5%' \\
        --allow area_m2=any
    """
    named = {"OLD.json": old, "NEW.json": new}
    for option in ("output", "junit"):
        path: Path | None = given[option]
        if path is None:
            continue
        for name, read in named.items():
            if path.resolve() == read.resolve():
                raise base.InputError(
                    f"--{option} {path} would be written over {name}; give another name"
                )
        base.check_writable(path, f"--{option}")
    if given["output"] is not None and given["output"] == given["junit"]:
        raise base.InputError(
            f"--output and --junit are both {given['junit']}; give them different names"
        )
    output = command.output(given, given["output"])
    before, after = (report.read_saved(path) for path in (old, new))
    found = report.compare(before, after, cli.known_columns(after), given["allow"])
    cli.say(found.remarks, "more things differ")
    rows = [asdict(one) for one in found.rows]
    places, more = found.excerpt()
    told = found.told(old.name, new.name)
    excerpt = cli.Excerpt(places, more) if more else None
    stated = {
        "old": old.name,
        "new": new.name,
        "allow": ",".join(f"{one.columns}={one.written}" for one in given["allow"]),
    }
    answer = cli.Answer([], footer=[told] if rows else [], excerpt=excerpt)
    columns = base.columns_of(report.ComparedRow)
    result = cli.Result("compare", stated, columns, rows, report.COMPARED_LAYOUT, answer)
    if rows or output.style in ("json", "csv"):
        cli.write_result(result, output.style, output.output, output.view)
    else:
        mark = "% " if output.style in ("latex", "siunitx") else ""
        cli.write_text(f"{mark}{told}\n", output.output)
    if given["junit"] is not None:
        base.write_atomically(given["junit"], _junit(found, before, old, new))
    if found.broken:
        raise click.exceptions.Exit(1)


def _junit(found: report.Comparison, before: report.SavedResult, old: Path, new: Path) -> bytes:
    """A test case for each column, and one for the rows."""
    cases = tuple(report.Case(name, lines) for name, lines in found.cases())
    run = report.FinishedRun(
        before.command,
        before.command,
        f"rnscli compare {old} {new}",
        "",
        rows=found.matched,
        cases=cases,
    )
    return report.junit_text(f"compare {old.name} {new.name}", [run])
