"""The summary of a batch: a row for each run, and the files that hold them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from rnscli.report.document import csv_text, json_text
from rnscli.report.finished_run import FinishedRun
from rnscli.report.table import Layout, Row, table_text

LAYOUT = Layout(
    parameters=(),
    results=("run", "command", "rows", "requirements", "failed", "verdict", "reason"),
    optional=("reason",),
    essential=("verdict",),
)
DRY_LAYOUT = Layout(parameters=(), results=("run", "state"))


@dataclass(frozen=True)
class BatchRow:
    """A run of a plan, as `rnscli batch` reports it.

    ``verdict`` is ``passed``, ``failed`` where a requirement does not hold, or ``error`` where
    there are no rows, or points without an answer; ``reason`` says why. ``command_line`` gives the
    same rows in a shell.
    """

    run: str
    command: str
    rows: int
    requirements: int
    failed: int
    verdict: str
    reason: str | None
    command_line: str


@dataclass(frozen=True)
class DryRow:
    """A run of a plan that would be computed, or is kept from before."""

    run: str
    state: str
    command_line: str


def batch_rows(runs: Sequence[FinishedRun]) -> list[Row]:
    """A row for each run."""
    return [
        asdict(
            BatchRow(
                run=run.name,
                command=run.command,
                rows=run.rows,
                requirements=len(run.cases),
                failed=run.failed,
                verdict=run.verdict,
                reason=run.reason,
                command_line=run.command_line,
            )
        )
        for run in runs
    ]


def summary_files(
    rows: Sequence[Row], parameters: Mapping[str, object], plan: str
) -> dict[str, bytes]:
    """Files of the batch as a whole, beside those of its runs; ``plan`` is the text of it."""
    return {
        "plan.toml": plan.encode(),
        "summary.json": json_text("batch", parameters, rows).encode(),
        "summary.csv": csv_text(list(rows[0]), rows).encode(),
        "summary.md": table_text(rows, LAYOUT, "markdown").encode(),
    }
