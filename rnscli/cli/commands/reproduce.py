"""``rnscli reproduce``."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import click

from rnscli import reproduction
from rnscli.analysis import SimulationOptions
from rnscli.base import InputError, columns_of, install_command
from rnscli.cli import (
    Answer,
    AnswerCommand,
    Background,
    Bar,
    Question,
    Result,
    Runner,
    hanging,
    options,
)
from rnscli.networks import EXTRA, missing_package
from rnscli.report import Layout, check_available
from rnscli.reproduction import EVERY_RESULT, STUDY, ReproducedRow, Request, report_files

_JSON, _CSV = "reproduction.json", "reproduction.csv"
LAYOUT = Layout(
    parameters=(),
    results=(
        "result", "case", "computed", "computed_ci95", "published", "verdict", "deviation",
        "remark", "source", "command",
    ),
    optional=("command", "source", "remark", "computed_ci95"),
)  # fmt: skip


class _Names(options.NameSweep):
    """Rows, or results with all their rows."""

    def items(self, text: str) -> Sequence[str]:
        if not Request(EVERY_RESULT, [text], study=STUDY).cases:
            raise ValueError
        return [text]


@click.command(
    "reproduce",
    cls=AnswerCommand,
    background=Background(
        "Each row names its paper and the place there.",
        page="validation.md",
    ),
    row_type=ReproducedRow,
    layout=LAYOUT,
    plot=None,
    folder="a web page (index.html), report.md, all figures and their data",
    own=(_JSON, _CSV, *reproduction.NAMES),
)
@options.stacked(
    options.take(
        reproduction.ReproductionOptions.only,
        kind=_Names(
            f"one of {', '.join(EVERY_RESULT)}, the name of a row (which --format csv and json "
            "show), or a list of these",
            "NAME[,..]",
            EVERY_RESULT,
        ),
        help=f"Only these rows, by name, or all of {', '.join(EVERY_RESULT)}.",
    ),
    options.take(
        SimulationOptions.seed.within(high=2**63), help="Seed of the simulations.", swept=False
    ),
    options.run_options,
)
def command(given: dict[str, Any], drawn: bool) -> Question:
    """Compute published results, beside what is printed.

    Those of arXiv:2309.10759; of the ReRAM block of arXiv:1707.09952 and of published chips, which
    are so many that a table of everything only counts them. Accuracies of neural networks are
    computed at a small scale, which takes minutes, if the extra rnscli[torch] is installed. The
    verdict is same (equal to the digits printed), within (the published range), close (by a stated
    tolerance), agrees (with a simulation, where curves are published), undecided (the measured
    interval is on both sides), too-easy (within, but two bits fewer pass as well), not-here
    (published of larger networks, and less is enough for a small one), full-only (published of the
    full range of the ADCs, and not so of a calibrated one), explained (further off, for the reason
    in the remark), given (not compared: what others are computed from) or different; exit with code
    1 if any is different. Each row has the command that prints that row alone.

    \b
    # Does rnscli still find what is published?
    rnscli reproduce
    # The same as a web page with figures and their data
    rnscli reproduce --output reproduction --jobs 2
    # The energy alone, for a text of your own
    rnscli reproduce --only adc-energy --format markdown
    # Every number of an analog block, from its parts
    rnscli reproduce --only reram-block
    # ISAAC, RAELLA, HERMES and NeuRRAM from their components
    rnscli reproduce --only chips
    """
    only, seed = given["only"] or (), given["seed"]
    of_networks = Request(reproduction.NETWORK_RESULTS, only, seed, STUDY)
    named = [name for name in only if replace(of_networks, only=[name]).cases]
    missing = missing_package()
    if named and missing is not None:
        raise InputError(
            f"--only {','.join(named)} needs {missing}; install it with: {install_command(EXTRA)}"
        )
    if drawn:
        rows = [name for name in only if name not in EVERY_RESULT]
        if rows:
            raise InputError(
                f"--output writes whole results, and --only {rows[0]} is one row; name some of "
                f"{', '.join(EVERY_RESULT)}"
            )
        check_available("--output", ("matplotlib", "jinja2"))
    lacking = reproduction.missing_of_results() if missing is None else {}
    for result in (one for one in lacking if replace(of_networks, results=[one]).cases and only):
        raise InputError(
            f"--only {','.join(only)} needs {lacking[result]}; install it with: "
            f"{install_command(lacking[result])}"
        )
    results = [one for one in reproduction.NETWORK_RESULTS if one not in lacking]
    of_networks = replace(of_networks, results=results)
    left_out = None if only else missing
    remarks = [] if left_out is None else [
        f"accuracies of neural networks are left out, as they need {left_out}; install it with: "
        f"{install_command(EXTRA)}"
    ]  # fmt: skip
    if not only:
        remarks += [
            f"{result} is left out, as it needs {package}; install it with: "
            f"{install_command(package)}"
            for result, package in lacking.items()
        ]
    requests = {"samples": Request(reproduction.RESULTS, only, seed)}
    if of_networks.cases and left_out is None:
        requests["samples through networks"] = of_networks

    def compute(runner: Runner | None, bar: Bar) -> Answer:
        reproduced = reproduction.Reproduction()
        for what, request in requests.items():
            with bar(request.samples, what) as advance:
                reproduced += request.computed(runner, advance)

        rows = sorted(reproduced.rows, key=lambda row: row.result in reproduction.LONG_RESULTS)
        summary = reproduction.summary_sentence(list(map(asdict, rows)))
        shown, footer = len(rows), hanging("", summary)
        for name in () if only else reproduction.LONG_RESULTS:
            counted = [asdict(row) for row in rows if row.result == name]
            shown -= len(counted)
            of_it = reproduction.long_sentence(counted)
            footer += hanging("", f"{len(counted)} of them only with --only {name}: {of_it}")

        footer = ["", *_explanations(rows[:shown]), *footer]

        def files(result: Result) -> dict[str, bytes]:
            documents = {_JSON: result.json, _CSV: result.csv}
            return report_files(result.rows, reproduced, STUDY, documents, left_out)

        return Answer(
            [({}, row) for row in rows],
            disagreements=[_sentence(row) for row in rows if row.verdict == reproduction.DIFFERENT],
            remarks=remarks,
            listed=shown,
            shown=shown,
            footer=footer,
            folder=files,
        )

    return Question(given, compute, in_blocks=True)


def _explanations(rows: Sequence[ReproducedRow]) -> list[str]:
    """Why the numbers of a table that are further off are so, each reason once."""
    reasons: dict[str, list[str]] = {}
    for row in rows:
        if row.verdict == reproduction.EXPLAINED:
            reasons.setdefault(row.remark, []).append(row.case)
    if not reasons:
        return []
    lines = ["Why some are further off:"]
    for remark, cases in reasons.items():
        lines += hanging("  ", f"{'; '.join(cases)}: {remark}")
    return [*lines, ""]


def _sentence(row: ReproducedRow) -> str:
    remark = f" ({row.remark})" if row.remark else ""
    computed = columns_of(ReproducedRow)["computed"].shown(row.computed, asdict(row))
    return f"{row.name} is {computed}, which is different from {row.published}{remark}"
