"""``rnscli moduli``."""

from typing import Annotated, Any

import click

from rnscli import report
from rnscli.analysis import ModuliOptions, ModuliRow, moduli_table
from rnscli.base import Column
from rnscli.cli.answer import Answer, Bar, Question, answered, prepared
from rnscli.cli.command import AnswerCommand
from rnscli.cli.options import points, shared
from rnscli.core import DotProductOptions
from rnscli.report import Layout

LAYOUT = Layout(
    parameters=(
        "vector_size", "bits", "input_bits", "weight_bits", "required_range", "output_bits",
        "lost_bits", "rank",
    ),
    results=("moduli", "redundant_moduli", "count", "dynamic_range", "log2_dynamic_range"),
    optional=("log2_dynamic_range", "lost_bits", "output_bits"),
)  # fmt: skip
AXES = (*shared.MODULI_AXES, "precision_bits", "count", "family")


@click.command(
    "moduli",
    cls=AnswerCommand,
    row_type=ModuliRow,
    layout=LAYOUT,
    plot="the range covered and required",
    axes={
        **shared.MODULI_COLUMNS,
        "precision_bits": Annotated[
            int, Column("Bits P of the 2^P values that the moduli cover.", low=1)
        ],
        "family": Annotated[str, Column("Family of sets that were searched.")],
    },
)
@shared.stacked(
    shared.bits("4..8"),
    DotProductOptions.input_bits,
    DotProductOptions.weight_bits,
    DotProductOptions.vector_size,
    ModuliOptions.precision_bits,
    ModuliOptions.moduli,
    shared.redundancy("0"),
    DotProductOptions.rule,
    ModuliOptions.max_modulus,
    ModuliOptions.count,
    ModuliOptions.family,
    shared.take(ModuliOptions.top, swept=False),
)
def command(options: dict[str, Any], drawn: bool) -> Question:
    """Choose moduli sets for a target precision.

    The search is exact: no set has fewer moduli or, with as many, a larger range. With redundant
    moduli the n smallest cover the range and the k largest are redundant.

    \b
    # The sets of 6-bit converters, with no, one and two redundant moduli
    rnscli moduli --bits 6 --vector-size 128 --redundant 0..2
    # A range of 64 bits, with moduli of at most 8
    rnscli moduli --bits 8 --precision-bits 64 --redundant 4
    # What the five best sets cover beyond what is required, drawn
    rnscli moduli --bits 6 --top 5 --plot moduli.svg
    """
    options = shared.with_defaults(options)
    top = options["top"]
    ready, problems = prepared(
        points(options, AXES),
        lambda point: shared.moduli_request(
            point,
            precision_bits=point["precision_bits"],
            count=point["count"],
            family=point["family"],
        ),
    )
    if drawn:
        report.check_number(len(ready) * top, report.MAX_BARS, "bars")

    def compute(runner: object, bar: Bar) -> Answer:
        tables, more = answered(ready, lambda request: moduli_table(request, top))
        rows = [(point, row) for point, table in tables for row in table]
        return Answer(
            rows,
            lambda rows, file_format: report.plot_moduli(rows, file_format),
            (*problems, *more),
        )

    return Question(options, compute, is_quick=True)
