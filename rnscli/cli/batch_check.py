"""Checks every run of a plan as its command would, before anything runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata

import rnscli
from rnscli.cli.plan import Plan
from rnscli.cli.plan_file import PlanError
from rnscli.cli.planned_run import PlannedRun
from rnscli.cli.progress import no_bar
from rnscli.cli.run_command import Asked, RunRequest, ask, contents_of, run_request
from rnscli.core.errors import RnscliError
from rnscli.report.finished_run import FinishedRun
from rnscli.report.table import Row
from rnscli.runtime.describe import digest, versions

_EARLY = "moduli"  # which is quick, so that those who refer to it can be checked, too
_NEVER_KEPT = ("store",)  # whose rows change with what others record


@dataclass(frozen=True)
class Ready:
    """A run whose references are resolved, and whose options are accepted."""

    request: RunRequest
    asked: Asked

    def is_done_by(self, kept: FinishedRun) -> bool:
        """Whether a run that was finished before is what this one would find."""
        return bool(self.request.digest) and kept.digest == self.request.digest


@dataclass(frozen=True)
class CheckedPlan:
    """A plan with what is known of its runs before they run.

    ``ready`` are those whose options are all known, by name; ``early`` those that are computed
    already, because others refer to them.
    """

    plan: Plan
    runs: tuple[PlannedRun, ...]
    ready: Mapping[str, Ready]
    early: Mapping[str, FinishedRun]


def check_plan(plan: Plan) -> CheckedPlan:
    """Check the options of all runs, as far as what they refer to is known.

    Raises
    ------
    PlanError
        With a sentence for each run that is refused.
    """
    runs = plan.ordered()
    needed = {name for run in runs for name in run.needs}
    ready: dict[str, Ready] = {}
    early: dict[str, FinishedRun] = {}
    rows: dict[str, Sequence[Row]] = {}
    wrong: list[str] = []
    for run in runs:
        if any(name not in rows for name in run.needs):
            continue
        try:
            ready[run.name] = make_ready(run, rows)
        except RnscliError as error:
            wrong.append(plan.sentence(run, str(error)))
            continue
        if run.name in needed and run.command.name == _EARLY:
            found = run_request(ready[run.name].request, None, no_bar, ready[run.name].asked)
            if found.error is not None:
                wrong.append(plan.sentence(run, found.error))
                continue
            early[run.name] = found
            rows[run.name] = found.table
    if wrong:
        raise PlanError(wrong)
    return CheckedPlan(plan, tuple(runs), ready, early)


def make_ready(run: PlannedRun, rows: Mapping[str, Sequence[Row]]) -> Ready:
    """A run with its references resolved and its options checked.

    Raises
    ------
    RnscliError
        If the command refuses its options, or they have no answer.
    """
    arguments = run.arguments(rows)
    asked = ask(run.command, arguments, bool(run.plots))
    contents = contents_of(asked.files)
    described = {
        "command": run.command.name,
        "arguments": arguments,
        "plots": run.plots,
        "files": contents,
        "versions": {"rnscli": rnscli.__version__, **versions(), **drawing_versions(run.plots)},
    }
    request = RunRequest(
        run.name,
        str(run.command.name),
        tuple(arguments),
        run.requirements,
        run.plots,
        run.command_line(arguments),
        "" if run.command.name in _NEVER_KEPT else digest(described),
        contents,
    )
    return Ready(request, asked)


def drawing_versions(plots: Sequence[str]) -> dict[str, str]:
    """The version of what draws, if anything is drawn."""
    return {"matplotlib": metadata.version("matplotlib")} if plots else {}
