"""``rnscli reproduce``."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from rnscli.analysis.reproduction import (
    RESULTS,
    ReproducedRow,
    Reproduction,
    names,
    reproduce,
    samples,
)
from rnscli.analysis.reproduction_series import energy_points, error_ranges, fault_points
from rnscli.analysis.verdict import DIFFERENT
from rnscli.cli import options as shared
from rnscli.cli import running
from rnscli.cli.command import AnswerCommand
from rnscli.cli.file_values import NameSweep
from rnscli.cli.question import Answer, Bar, Question
from rnscli.cli.result import Result
from rnscli.cli.sweep import WholeNumber
from rnscli.core.errors import InputError
from rnscli.report.columns import show_value
from rnscli.report.figure import check_available
from rnscli.report.reproduction_report import NAMES, report_files
from rnscli.report.reproduction_sections import sections, summary_sentence
from rnscli.report.table import Layout

if TYPE_CHECKING:
    from rnscli.runtime.runner import Runner

_JSON, _CSV = "reproduction.json", "reproduction.csv"
LAYOUT = Layout(
    parameters=(),
    results=(
        "result",
        "case",
        "computed",
        "published",
        "verdict",
        "deviation",
        "remark",
        "source",
        "command",
    ),
    optional=("command", "source", "remark"),
)


class _Names(NameSweep):
    """Rows, or results with all their rows."""

    def __init__(self) -> None:
        """Accept what can be computed alone."""
        super().__init__(
            f"one of {', '.join(RESULTS)}, the name of a row (which --format csv and json show), "
            "or a list of these",
            "NAME[,..]",
            RESULTS,
        )

    def items(self, text: str) -> Sequence[str]:
        """One name."""
        if text not in (*RESULTS, *names()):
            raise ValueError
        return [text]


@click.command(
    "reproduce",
    cls=AnswerCommand,
    row_type=ReproducedRow,
    layout=LAYOUT,
    plot=None,
    folder="a web page (index.html), report.md, all figures and their data",
    own=(_JSON, _CSV, *NAMES),
)
@shared.stacked(
    click.option(
        "--only",
        type=_Names(),
        help=f"Only these rows, by name, or all of {', '.join(RESULTS)}.",
    ),
    click.option(
        "--seed",
        type=WholeNumber(0, 2**63),
        default="0",
        show_default=True,
        help="Seed of the simulations.",
    ),
    running.run_options,
)
def command(options: dict[str, Any], drawn: bool) -> Question:
    """Compute published results, beside what is printed.

    Those of arXiv:2309.10759 that need no neural network, and of the analog block of
    arXiv:1707.09952. The verdict is same (equal to the digits printed), within (the published
    range), close (by a stated tolerance), agrees (with a simulation, where curves are published) or
    different; exit with code 1 if any is different. Each row has the command that prints just it.

    \b
    # Does rnscli still find what is published?
    rnscli reproduce
    # The same as a web page with figures and their data
    rnscli reproduce --output reproduction --jobs 2
    # The energy alone, for a text of your own
    rnscli reproduce --only adc-energy,array --format markdown
    """
    only = options["only"] or ()
    if drawn:
        if only:
            raise InputError("--output writes the whole report, so leave out --only")
        check_available("--output", ("matplotlib", "jinja2"))

    def compute(runner: "Runner | None", bar: Bar) -> Answer:
        with bar(samples(only), "samples") as advance:
            found = reproduce(only, options["seed"], runner, advance)
        rows = [row for row in found.rows if row.verdict == DIFFERENT]
        return Answer(
            [({}, row) for row in found.rows],
            disagreements=[_sentence(row) for row in rows],
            footer=("", summary_sentence([asdict(row) for row in found.rows])),
            folder=partial(_files, found),
        )

    return Question(options, compute, in_blocks=True)


def _sentence(row: ReproducedRow) -> str:
    remark = f" ({row.remark})" if row.remark else ""
    computed = show_value("computed", row.computed, asdict(row))
    return f"{row.name} is {computed}, which is different from {row.published}{remark}"


def _files(found: Reproduction, result: Result) -> dict[str, bytes]:
    """Of the folder."""
    return report_files(
        result.rows,
        sections(error_ranges(found.errors), energy_points(), fault_points(found.faults)),
        {_JSON: result.json, _CSV: result.csv},
    )
