"""``rnscli reproduce``."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from rnscli.analysis.network_cases import NETWORK_RESULTS, is_named, network_names
from rnscli.analysis.network_reproduction import (
    NetworkReproduction,
    network_samples,
    reproduce_networks,
)
from rnscli.analysis.network_study import STUDY
from rnscli.analysis.reproduced_row import ReproducedRow
from rnscli.analysis.reproduction import RESULTS, Reproduction, names, reproduce, samples
from rnscli.analysis.reproduction_series import energy_points, error_ranges, fault_points
from rnscli.analysis.verdict import DIFFERENT
from rnscli.base.columns import columns_of
from rnscli.base.errors import InputError
from rnscli.cli.answer import Answer, Bar, Question, Result
from rnscli.cli.command import AnswerCommand
from rnscli.cli.options import running, shared
from rnscli.cli.options.types import NameSweep, WholeNumber
from rnscli.networks.names import INSTALL, missing_package
from rnscli.report.network_sections import network_sections
from rnscli.report.plots.figure import check_available
from rnscli.report.reproduction_report import NAMES, report_files
from rnscli.report.reproduction_sections import lead, sections, summary_sentence
from rnscli.report.table import Layout

if TYPE_CHECKING:
    from rnscli.runtime.runner import Runner

_JSON, _CSV = "reproduction.json", "reproduction.csv"
_EVERY_RESULT = (*RESULTS, *NETWORK_RESULTS)
LAYOUT = Layout(
    parameters=(),
    results=(
        "result",
        "case",
        "computed",
        "computed_ci95",
        "published",
        "verdict",
        "deviation",
        "remark",
        "source",
        "command",
    ),
    optional=("command", "source", "remark", "computed_ci95"),
)


class _Names(NameSweep):
    """Rows, or results with all their rows."""

    def __init__(self) -> None:
        """Accept what can be computed alone."""
        super().__init__(
            f"one of {', '.join(_EVERY_RESULT)}, the name of a row (which --format csv and json "
            "show), or a list of these",
            "NAME[,..]",
            _EVERY_RESULT,
        )

    def items(self, text: str) -> Sequence[str]:
        """One name."""
        if text not in (*_EVERY_RESULT, *names(), *network_names(STUDY)):
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
        help=f"Only these rows, by name, or all of {', '.join(_EVERY_RESULT)}.",
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

    Those of arXiv:2309.10759, and of the analog block of arXiv:1707.09952. Accuracies of neural
    networks are computed at a small scale, which takes minutes, if the extra rnscli[torch] is
    installed. The verdict is same (equal to the digits printed), within (the published range),
    close (by a stated tolerance), agrees (with a simulation, where curves are published),
    undecided (the measured interval is on both sides), not-here (published of larger networks,
    and less is enough for a small one) or different; exit with code 1 if any is different. Each row
    has the command that prints just it.

    \b
    # Does rnscli still find what is published?
    rnscli reproduce
    # The same as a web page with figures and their data
    rnscli reproduce --output reproduction --jobs 2
    # The energy alone, for a text of your own
    rnscli reproduce --only adc-energy,array --format markdown
    """
    only = options["only"] or ()
    missing = missing_package()
    if is_named(STUDY, only) and missing is not None:
        networks = ",".join(name for name in only if is_named(STUDY, [name]))
        raise InputError(f"--only {networks} needs {missing}; install it with: {INSTALL}")
    if drawn:
        rows = [name for name in only if name not in _EVERY_RESULT]
        if rows:
            raise InputError(
                f"--output writes whole results, and --only {rows[0]} is one row; name some of "
                f"{', '.join(_EVERY_RESULT)}"
            )
        check_available("--output", ("matplotlib", "jinja2"))
    left_out = None if only else missing

    def compute(runner: "Runner | None", bar: Bar) -> Answer:
        with bar(samples(only), "samples") as advance:
            found = reproduce(only, options["seed"], runner, advance)
        networks = NetworkReproduction()
        if left_out is None and (not only or is_named(STUDY, only)):
            with bar(network_samples(only, STUDY), "samples through networks") as advance:
                networks = reproduce_networks(only, options["seed"], runner, advance, STUDY)
        rows = [*found.rows, *networks.rows]
        return Answer(
            [({}, row) for row in rows],
            disagreements=[_sentence(row) for row in rows if row.verdict == DIFFERENT],
            remarks=[] if left_out is None else [_left_out(left_out)],
            footer=("", summary_sentence([asdict(row) for row in rows])),
            folder=partial(_files, found, networks, left_out),
        )

    return Question(options, compute, in_blocks=True)


def _left_out(missing: str) -> str:
    return (
        f"accuracies of neural networks are left out, as they need {missing}; install it with: "
        f"{INSTALL}"
    )


def _sentence(row: ReproducedRow) -> str:
    remark = f" ({row.remark})" if row.remark else ""
    computed = columns_of(ReproducedRow)["computed"].shown(row.computed, asdict(row))
    return f"{row.name} is {computed}, which is different from {row.published}{remark}"


def _files(
    found: Reproduction, networks: NetworkReproduction, missing: str | None, result: Result
) -> dict[str, bytes]:
    """Of the folder."""
    rows = result.rows
    return report_files(
        rows,
        (
            *sections(
                rows, error_ranges(found.errors), energy_points(), fault_points(found.faults)
            ),
            *network_sections(rows, STUDY, networks),
        ),
        {_JSON: result.json, _CSV: result.csv},
        lead(rows, missing),
    )
