"""``rnscli store merge``."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import click

from rnscli import base, cli, report
from rnscli.base import Column
from rnscli.cli import options
from rnscli.runtime import Merged, Store

LAYOUT = report.Layout(parameters=(), results=("store", "tasks", "blocks", "present", "conflicts"))


@dataclass(frozen=True)
class MergedRow:
    """A store that was merged into another one."""

    store: Annotated[str, Column("The file.", identity=True)]
    tasks: Annotated[int, Column("Tasks that were new.", "new tasks")]
    blocks: Annotated[int, Column("Blocks that were new.", "new blocks")]
    present: Annotated[int, Column("Blocks that were there already.", "there already")]
    conflicts: Annotated[int, Column("Blocks that were there with another record.")]


@click.command(
    "store merge",
    cls=cli.SummaryCommand,
    background=cli.Background(page="monte-carlo.md"),
    row_types={None: MergedRow},
    parameters={
        "into": "File of the store that took over, without its folder.",
        "sources": "Files of the others, without their folders, separated by commas.",
    },
)
@click.argument("into", type=options.PathName(), metavar="INTO.db")
@click.argument("sources", type=options.PathName(), nargs=-1, required=True, metavar="STORE.db ..")
@options.stacked(*cli.SummaryCommand.FORM)
def command(into: Path, sources: tuple[Path, ...], **given: Any) -> None:
    """Take over what other stores hold, all or nothing.

    INTO.db is made if there is none, and other commands may use it meanwhile. Commands that record
    in it then compute only what none of the machines has computed, with the numbers that they would
    have found alone. A merge that is killed has changed nothing, and can be run again.

    A block that two stores hold with different records is a conflict: what INTO.db holds stays, and
    the exit code is 1. It may be that machines round differently. What versions of rnscli or NumPy
    decide stands beside each other.

    \b
    # One store of what two machines have recorded
    rnscli store merge all.db first.db second.db
    # How much was new, for a program
    rnscli store merge all.db first.db second.db --format csv
    """
    output = command.output(given, given["output"])
    output.keep_apart("a store", into, *sources)
    for path in sources:
        same = path.exists() and into.exists() and path.samefile(into)
        if same or path.resolve() == into.resolve():
            raise base.InputError(f"{path} is INTO.db itself; leave it out")
    opened: list[Store] = []
    try:
        for path in dict.fromkeys(sources):
            opened.append(Store(path, read_only=True))
            opened[-1].check()
        with Store(into) as store:
            merged = store.merge(opened)
    finally:
        for one in opened:
            one.close()
    rows = [asdict(_row(one)) for one in merged]
    stated = {"into": into.name, "sources": ",".join(one.name for one in sources)}
    columns, answer = base.columns_of(MergedRow), cli.Answer([])
    result = cli.Result("store merge", stated, columns, rows, LAYOUT, answer)
    cli.write_result(result, output.style, output.output, output.view)
    conflicts = [
        f"block {block} of {key[:12]} in {one.path} is another one than in {into}, which stays"
        for one in merged
        for key, block in one.conflicts
    ]
    cli.say(conflicts, "more blocks differ")
    if conflicts:
        raise click.exceptions.Exit(1)


def _row(merged: Merged) -> MergedRow:
    return MergedRow(
        store=str(merged.path),
        tasks=merged.tasks,
        blocks=merged.blocks,
        present=merged.present,
        conflicts=len(merged.conflicts),
    )
