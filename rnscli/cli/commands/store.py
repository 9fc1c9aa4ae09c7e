"""``rnscli store``."""

from pathlib import Path
from typing import Any

import click

from rnscli.analysis import StoredRecord, StoredTask, stored_records, stored_tasks
from rnscli.base import NoSolutionError
from rnscli.cli.answer import Answer, Bar, Question
from rnscli.cli.command import AnswerCommand
from rnscli.cli.options import Point
from rnscli.report import Layout
from rnscli.runtime import Store

LAYOUT = Layout(
    parameters=(
        "what", "model", "vector_size", "operands", "bits", "input_bits", "weight_bits", "seed",
        "noise", "p", "sigma", "core", "moduli", "redundant", "decoder", "legitimate_range",
        "attempts", "slice_bits", "adc_bits",
    ),
    results=(
        "blocks", "samples", "mean_abs_error", "mean_abs_error_ci95", "output_error_rate",
        "created", "finished", "key",
    ),
    optional=(
        "created", "legitimate_range", "mean_abs_error_ci95", "key", "moduli", "finished",
        "decoder", "output_error_rate", "noise", "adc_bits", "operands", "slice_bits",
    ),
)  # fmt: skip
BLOCKS_LAYOUT = Layout(
    parameters=("what", "key", "core"),
    results=("block", "samples", "content", "finished"),
    optional=("content",),
)


@click.command(
    "store",
    cls=AnswerCommand,
    row_type=StoredTask,
    layout=LAYOUT,
    plot=None,
    instead={"blocks": (StoredRecord, BLOCKS_LAYOUT)},
)
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--blocks", is_flag=True, help="A row for every block, with all that it recorded.")
def command(options: dict[str, Any], drawn: bool) -> Question:
    """List what a store holds, or export it (--format csv or json).

    A store is the file that --store of other commands records finished blocks in. Each row is a
    task: blocks of samples with the same parameters, operands or network, core and seed.

    \b
    # What is known so far, of each task
    rnscli store runs.db
    # Every block that was recorded, for a program of your own
    rnscli store runs.db --blocks --output blocks.csv
    """
    path = options["file"]

    def compute(runner: object, bar: Bar) -> Answer:
        rows: list[tuple[Point, StoredTask | StoredRecord]] = []
        with Store(path, read_only=True) as store:
            store.check()
            if options["blocks"]:
                rows.extend(({}, row) for row in stored_records(store))
            else:
                rows.extend(({}, row) for row in stored_tasks(store))
        if not rows:
            raise NoSolutionError(f"store {path} holds no blocks yet")
        return Answer(rows)

    return Question(options, compute, reads={"the store FILE": [path]}, is_lasting=False)
