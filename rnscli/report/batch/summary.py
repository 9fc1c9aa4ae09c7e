"""The summary of a batch: a row for each run, and the files that hold them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated
from xml.etree import ElementTree

from rnscli.base import Column, columns_of
from rnscli.report.batch.results_folder import FinishedRun
from rnscli.report.document import csv_text, json_text
from rnscli.report.table import Layout, Row, table_text

LAYOUT = Layout(
    parameters=(),
    results=("run", "command", "rows", "requirements", "failed", "verdict", "reason"),
    optional=("reason",),
    essential=("verdict",),
)
DRY_LAYOUT = Layout(parameters=(), results=("run", "state"))

RunName = Annotated[str, Column("Name of the run in the plan.")]
CommandLine = Annotated[str, Column("Command line that gives the same rows in a shell.")]


@dataclass(frozen=True)
class BatchRow:
    """A run of a plan, as `rnscli batch` reports it.

    ``verdict`` is ``passed``, ``failed`` where a requirement does not hold, or ``error`` where
    there are no rows, or points without an answer; ``reason`` says why. ``command_line`` gives the
    same rows in a shell.
    """

    run: RunName
    command: Annotated[str, Column("The command of the run.")]
    rows: Annotated[int, Column("Number of rows that the run found.")]
    requirements: Annotated[int, Column("Number of requirements on the run.")]
    failed: Annotated[int, Column("Number of requirements that do not hold.")]
    verdict: Annotated[
        str, Column("passed, failed (a requirement does not hold) or error (rows are missing).")
    ]
    reason: Annotated[str | None, Column("Why the run has not passed.", "against it")]
    command_line: CommandLine


@dataclass(frozen=True)
class DryRow:
    """A run of a plan that would be computed, or is kept from before."""

    run: RunName
    state: Annotated[str, Column("Whether the run would be computed, or is kept from before.")]
    command_line: CommandLine


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
        "summary.md": table_text(rows, columns_of(BatchRow), LAYOUT, "markdown").encode(),
    }


# What XML 1.0 has no way to write.
_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_text(title: str, runs: Sequence[FinishedRun]) -> bytes:
    """A suite for each run, in it a test case for each requirement.

    A run without rows is an error in each of its cases, or in one of its own if it has none; points
    without an answer are an error in a case of their own. Runs that were kept took no time.
    """
    suites = [_suite(title, run) for run in runs]
    whole = ElementTree.Element("testsuites", name=_clean(title))
    for name in ("tests", "failures", "errors"):
        whole.set(name, str(sum(int(suite.get(name, "0")) for suite in suites)))
    whole.set("time", f"{sum(run.seconds for run in runs):.3f}")
    whole.extend(suites)
    ElementTree.indent(whole)
    text: bytes = ElementTree.tostring(whole, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _suite(title: str, run: FinishedRun) -> ElementTree.Element:
    suite = ElementTree.Element("testsuite", name=run.name)
    cases = [(case.requirement, "failure", case.failures) for case in run.cases]
    if run.error is not None:
        names = [case.requirement for case in run.cases] or ["has rows"]
        cases = [(name, "error", (run.error,)) for name in names]
    elif run.problems:
        cases.append(("has an answer at every point", "error", run.problems))
    for name, kind, lines in cases:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=_clean(f"{title}.{run.name}"),
            name=_clean(name),
            time=f"{run.seconds / len(cases):.3f}",
        )
        if lines:
            _explain(case, kind, lines, run)
    suite.set("tests", str(len(cases)))
    for kind in ("failure", "error"):
        suite.set(f"{kind}s", str(len(suite.findall(f"testcase/{kind}"))))
    suite.set("time", f"{run.seconds:.3f}")
    return suite


def _explain(
    case: ElementTree.Element, kind: str, sentences: Sequence[str], run: FinishedRun
) -> None:
    found = ElementTree.SubElement(case, kind, message=_clean(sentences[0]), type=kind)
    found.text = _clean("\n".join([*sentences, "", run.command_line]))


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text.replace("`", ""))
