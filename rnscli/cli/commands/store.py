"""``rnscli store``."""

from collections.abc import Iterable
from typing import Any

import click

from rnscli import analysis, report
from rnscli.base import InputError, NoSolutionError, columns_of, nearest, numeric_keys, shown
from rnscli.cli import Answer, AnswerCommand, Background, Bar, Question, command_named, options
from rnscli.report import Layout
from rnscli.runtime import Store

LAYOUT = Layout(
    parameters=(
        "what", "model", "metric", "vector_size", "operands", "bits", "input_bits", "weight_bits",
        "seed", "noise", "p", "sigma", "core", "moduli", "redundant", "decoder", "legitimate_range",
        "attempts", "slice_bits", "adc_bits", "adc_range",
    ),
    results=(
        "blocks", "samples", "mean_abs_error", "mean_abs_error_ci95", "output_error_rate",
        "value", "value_ci95", "fp32_value", "test_loss", "created", "finished", "key",
    ),
    optional=(
        "created", "value_ci95", "legitimate_range", "mean_abs_error_ci95", "key", "moduli",
        "finished", "decoder", "blocks", "metric", "output_error_rate", "noise", "fp32_value",
        "adc_bits", "operands", "test_loss", "adc_range", "slice_bits",
    ),
)  # fmt: skip
BLOCKS_LAYOUT = Layout(
    parameters=("what", "key", "core"),
    results=("block", "samples", "content", "finished"),
    optional=("content",),
)


# What tasks are called in a store, by the command that records such.
RECORDED = {
    "error-sim": ("dot-error",),
    "fault-prob": ("fault-prob",),
    "accuracy": ("accuracy", "agreement"),
    "train": ("training",),
    "design": ("dot-error", "code-outcome"),
}
_WORDS = ("list", "query")  # which may stand before FILE


class StoreCommand(AnswerCommand):
    """The command, before whose file a word may say what is to be done."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        if args[:1] == ["merge"]:
            merge = command_named("store merge")
            return merge.make_context(f"{info_name} merge", args[1:], parent, **extra)
        if args[:1] and args[0] in _WORDS:
            args = args[1:]
        return super().make_context(info_name, args, parent, **extra)


@click.command(
    "store",
    cls=StoreCommand,
    background=Background(page="monte-carlo.md"),
    row_type=analysis.StoredTask,
    layout=LAYOUT,
    plot=None,
    instead={"blocks": lambda: (analysis.StoredRecord, BLOCKS_LAYOUT)},
)
@click.argument("file", type=options.PathName(), metavar="FILE")
@click.option("--blocks", is_flag=True, help="A row for every block, with all that it recorded.")
@click.option(
    "--command",
    "of_command",
    metavar="NAME",
    help=f"Only what this command records: one of {', '.join(RECORDED)}.",
)
@click.option(
    "--where",
    multiple=True,
    metavar="'COLUMN == VALUE'",
    help="Only rows with this value of a column, or in a range of it, such as 'bits >= 6 and core "
    "== rns'; repeatable.",
)
def command(given: dict[str, Any], drawn: bool) -> Question:
    """List what a store holds, query it, or merge several.

    rnscli store [list|query] FILE prints rows; rnscli store merge INTO.db A.db .. takes over what
    other stores hold, such as those of machines without a common disk (rnscli store merge --help).

    A store is the file that --store of other commands records finished blocks in. Each row is a
    task: blocks of samples with the same parameters, operands or network, core and seed.

    \b
    # What is known so far, of each task
    rnscli store runs.db
    # Every block that was recorded, for a program of your own
    rnscli store runs.db --blocks --output blocks.csv
    # What is known of dot products on 6 bits and more, for another program
    rnscli store query runs.db --command error-sim \\
        --where 'bits >= 6' --format csv
    # One store of what two machines have recorded
    rnscli store merge all.db first.db second.db
    """
    path = given["file"]
    row_type = analysis.StoredRecord if given["blocks"] else analysis.StoredTask
    columns = columns_of(row_type)
    conditions = [
        one
        for text in given["where"]
        for one in report.conditions_of("where", text, [*numeric_keys(columns.values())])
    ]
    name = given["of_command"]
    if name is not None and name not in RECORDED:
        hint = nearest(name, RECORDED) or f"; they are {', '.join(RECORDED)}"
        raise InputError(f"--command is {shown(name)}, which records nothing in a store{hint}")
    kinds = RECORDED.get(name)

    def is_wanted(row: Any) -> bool:
        if kinds is not None and row.what not in kinds:
            return False
        values = {key: getattr(row, key) for key in columns} if conditions else {}
        return all(one.fits(values) for one in conditions)

    def compute(runner: object, bar: Bar) -> Answer:
        with Store(path, read_only=True) as store:
            store.check()
            rows: Iterable[object] = (
                analysis.stored_records(store) if given["blocks"] else analysis.stored_tasks(store)
            )
            found = list(rows)
        wanted: list[tuple[options.Point, Any]] = [({}, row) for row in found if is_wanted(row)]
        if not wanted:
            other = f"nothing that fits, of {len(found)} rows" if found else "no blocks yet"
            raise NoSolutionError(f"store {path} holds {other}")
        return Answer(wanted)

    return Question(given, compute, reads={"the store FILE": [path]}, is_lasting=False)
