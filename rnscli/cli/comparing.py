"""Results compared with earlier ones: what is known of the columns of a command, and baselines."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from rnscli import base, report
from rnscli.cli import options


class ToleranceType(options.ParamType):
    """A tolerance of `rnscli.report.Tolerance`."""

    name = "COLUMN=AMOUNT"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> report.Tolerance:
        return value if isinstance(value, report.Tolerance) else report.Tolerance.parse(value)


@dataclass(frozen=True, eq=False, repr=False)
class Baseline:
    """An earlier result that a command compares its own with."""

    saved: report.SavedResult
    tolerances: Sequence[report.Tolerance]

    @classmethod
    def of(
        cls,
        command: str,
        path: Path | None,
        tolerances: Sequence[report.Tolerance],
        columns: Collection[str],
    ) -> "Baseline | None":
        """The baseline of a file, if there is one; refused if it is none of this command."""
        if path is None:
            if tolerances:
                raise base.InputError(
                    "--allow is about --baseline; give that, too, or leave it out"
                )
            return None
        saved = report.read_saved(path, "--baseline")
        if saved.command != command:
            raise base.InputError(
                f"--baseline {path} is a result of rnscli {saved.command}; it must be one of "
                f"{command}, as --output FILE.json writes it"
            )
        report.check_tolerances(tolerances, columns)
        return cls(saved, tolerances)

    def compared(self, document: str) -> report.Comparison:
        """A JSON document compared with it."""
        new = report.saved_of(document, Path("this result"))
        return report.compare(self.saved, new, known_columns(new), self.tolerances)


@dataclass(frozen=True, eq=False, repr=False)
class FolderBaseline:
    """The results of an earlier batch, read before anything is written."""

    folder: Path
    saved: Mapping[str, report.SavedResult]  # by the name of the run
    tolerances: Sequence[report.Tolerance]

    @classmethod
    def of(
        cls, folder: Path | None, tolerances: Sequence[report.Tolerance], runs: Collection[str]
    ) -> "FolderBaseline | None":
        """What a folder has of these runs; refused if it has nothing of them."""
        if folder is None:
            if tolerances:
                message = "--allow is about --baseline; give that, too, or leave it out"
                raise base.InputError(message)
            return None
        if not folder.is_dir():
            what = "is no folder" if folder.exists() else "does not exist"
            raise base.InputError(
                f"--baseline {folder} {what}; it is what --output of a batch names"
            )
        files = {name: folder / f"{name}.json" for name in runs}
        saved = {
            name: report.read_saved(file, "--baseline")
            for name, file in files.items()
            if file.exists()
        }
        if not saved:
            raise base.InputError(f"--baseline {folder} has results of none of these runs")
        columns = dict.fromkeys(key for one in saved.values() for key in one.rows[0])
        report.check_tolerances(tolerances, columns)
        return cls(folder, saved, tolerances)

    def judged(self, run: report.FinishedRun) -> report.FinishedRun:
        """A run with one more verdict: whether it is as it was."""
        saved = self.saved.get(run.name)
        if run.error is not None:
            return run
        if saved is None:
            told = f"{self.folder} has no {run.name}.json to compare with"
            return replace(run, remarks=(*run.remarks, told))
        text = run.files[f"{run.name}.json"].decode()
        new = report.saved_of(text, Path(f"{run.name}.json"))
        if new.command != saved.command:
            lines = [f"it was of the command {saved.command} and is of {new.command}"]
        else:
            both = [key for key in new.rows[0] if key in saved.rows[0]]
            fitting = report.fitting_tolerances(self.tolerances, both)
            try:
                found = report.compare(saved, new, known_columns(new), fitting)
                lines = found.lines("the baseline", "this result")
            except base.InputError as error:  # rows of another kind than before
                lines = [str(error)]
        case = report.Case("is as in the baseline", tuple(lines))
        return replace(run, cases=(*run.cases, case))


def known_columns(result: report.SavedResult) -> report.ComparedColumns:
    """What is known of the columns of a result: of its command, and of the rows that fit best."""
    from rnscli.cli import ANSWERING, NESTED, AnswerCommand, SummaryCommand, command_named

    if result.command not in (*ANSWERING, *NESTED):
        near = base.nearest(result.command, ANSWERING)
        raise base.InputError(f"{result.path} is of a command that is unknown{near}")
    command = command_named(result.command)
    assert isinstance(command, AnswerCommand | SummaryCommand)  # as are all that answer with rows
    by_type = command.columns_by_type
    keys = set(result.rows[0])
    row_type, columns = max(by_type.items(), key=lambda one: len(keys & set(one[1])))
    names: dict[str, str] = {}
    if isinstance(command, AnswerCommand):
        names = {one.name: one.name for one in command.stated if one.name}
        names |= {axis.key: option for option, axis in command.axes(row_type).items()}
    return report.ComparedColumns(columns, names)
