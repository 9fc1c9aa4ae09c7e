"""Results compared with earlier ones: what is known of the columns of a command, and baselines."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
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


def known_columns(result: report.SavedResult) -> report.ComparedColumns:
    """What is known of the columns of a result: of its command, and of the rows that fit best."""
    from rnscli.cli import ANSWERING, AnswerCommand, cli

    if result.command not in ANSWERING:
        near = base.nearest(result.command, ANSWERING)
        raise base.InputError(f"{result.path} is of a command that is unknown{near}")
    command = cli.get_command(click.Context(cli), result.command)
    by_type = getattr(command, "columns_by_type")  # noqa: B009
    keys = set(result.rows[0])
    row_type, columns = max(by_type.items(), key=lambda one: len(keys & set(one[1])))
    names: dict[str, str] = {}
    if isinstance(command, AnswerCommand):
        names = {one.name: one.name for one in command.stated if one.name}
        names |= {axis.key: option for option, axis in command.axes(row_type).items()}
    return report.ComparedColumns(columns, names)
