"""``rnscli store``."""

from collections.abc import Iterable
from typing import Any

import click

from rnscli import analysis
from rnscli.base import NoSolutionError
from rnscli.cli import Answer, AnswerCommand, Background, Bar, Question, options
from rnscli.report import Layout
from rnscli.runtime import Store

LAYOUT = Layout(
    parameters=(
        "what", "model", "vector_size", "operands", "bits", "input_bits", "weight_bits", "seed",
        "noise", "p", "sigma", "core", "moduli", "redundant", "decoder", "legitimate_range",
        "attempts", "slice_bits", "adc_bits", "adc_range",
    ),
    results=(
        "blocks", "samples", "mean_abs_error", "mean_abs_error_ci95", "output_error_rate",
        "created", "finished", "key",
    ),
    optional=(
        "created", "legitimate_range", "mean_abs_error_ci95", "key", "moduli", "finished",
        "decoder", "output_error_rate", "noise", "adc_bits", "adc_range", "operands", "slice_bits",
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
    background=Background(page="monte-carlo.md"),
    row_type=analysis.StoredTask,
    layout=LAYOUT,
    plot=None,
    instead={"blocks": lambda: (analysis.StoredRecord, BLOCKS_LAYOUT)},
)
@click.argument("file", type=options.PathName(), metavar="FILE")
@click.option("--blocks", is_flag=True, help="A row for every block, with all that it recorded.")
def command(given: dict[str, Any], drawn: bool) -> Question:
    """List what a store holds, or export it (--format csv or json).

    A store is the file that --store of other commands records finished blocks in. Each row is a
    task: blocks of samples with the same parameters, operands or network, core and seed.

    \b
    # What is known so far, of each task
    rnscli store runs.db
    # Every block that was recorded, for a program of your own
    rnscli store runs.db --blocks --output blocks.csv
    """
    path = given["file"]

    def compute(runner: object, bar: Bar) -> Answer:
        with Store(path, read_only=True) as store:
            store.check()
            rows: Iterable[object] = (
                analysis.stored_records(store) if given["blocks"] else analysis.stored_tasks(store)
            )
            answer = Answer([({}, row) for row in rows])
        if not answer.results:
            raise NoSolutionError(f"store {path} holds no blocks yet")
        return answer

    return Question(given, compute, reads={"the store FILE": [path]}, is_lasting=False)
