"""``rnscli store``."""

from pathlib import Path
from typing import Any

import click

from rnscli.analysis.store_contents import (
    StoredRecord,
    StoredTask,
    stored_records,
    stored_tasks,
)
from rnscli.cli.output import Output, output_options
from rnscli.cli.sweep import Point
from rnscli.core.errors import NoSolutionError
from rnscli.report.table import Layout
from rnscli.runtime.store import Store

LAYOUT = Layout(
    parameters=(
        "what", "vector_size", "operands", "bits", "seed", "noise", "p", "sigma", "key", "core",
        "moduli", "redundant", "decoder", "legitimate_range", "attempts", "wrong_residues",
    ),
    results=(
        "blocks", "samples", "mean_abs_error", "mean_abs_error_ci95", "output_error_rate",
        "detected", "undetected", "created", "finished",
    ),
    optional=(
        "created", "mean_abs_error_ci95", "decoder", "legitimate_range", "redundant", "seed",
        "moduli", "attempts", "finished", "undetected", "detected", "noise", "operands", "p",
        "bits",
    ),
)  # fmt: skip
BLOCKS_LAYOUT = Layout(
    parameters=("what", "key", "core"),
    results=("block", "samples", "content", "finished"),
    optional=("content",),
)


@click.command("store")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--blocks", is_flag=True, help="A row for every block, with all that it recorded.")
@output_options("store", StoredTask, LAYOUT, None)
def command(output: Output, options: dict[str, Any]) -> None:
    """List what a store holds, or export it (--format csv or json).

    A store is the file that --store of error-sim and fault-prob records finished blocks in. Each
    row is a task: blocks of samples with the same parameters, operands, core and seed.

    \b
    rnscli store runs.db
    rnscli store runs.db --blocks --output blocks.csv
    """
    rows: list[tuple[Point, StoredTask | StoredRecord]] = []
    with Store(options["file"], read_only=True) as store:
        if options["blocks"]:
            output = output.showing(StoredRecord, BLOCKS_LAYOUT)
            rows.extend(({}, row) for row in stored_records(store))
        else:
            rows.extend(({}, row) for row in stored_tasks(store))
    if not rows:
        raise NoSolutionError(f"store {options['file']} holds no blocks yet")
    output.finish(rows, {"file": str(options["file"]), "blocks": options["blocks"]}, ())
