"""What a command has found, as plain rows: what is printed, written, drawn and required."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, get_type_hints

from rnscli.cli.number_sets import SplitSet
from rnscli.cli.question import Answer, Question
from rnscli.report.document import csv_text, json_text
from rnscli.report.requirements import Requirement, failures
from rnscli.report.table import Layout, Row


@dataclass(frozen=True)
class Result:
    """Rows of a command with the parameters that they were computed with, and the verdicts."""

    command: str
    parameters: Mapping[str, object]
    rows: Sequence[Row]
    layout: Layout
    answer: Answer

    @classmethod
    def of(
        cls,
        command: str,
        layout: Layout,
        columns: Mapping[str, str],
        stated: Sequence[str],
        question: Question,
        answer: Answer,
    ) -> "Result":
        """The rows of an answer, with what was swept and is no column of theirs.

        ``columns`` are the keys of columns that sweeps may add, by the option, and ``stated`` the
        options in the order of the help: both whatever the order on the command line.
        """
        options = question.options
        added = {
            name: key
            for name, key in columns.items()
            if isinstance(options[name], tuple) and len(options[name]) > 1
        }
        rows: list[Row] = [
            asdict(result) | {key: _plain(point[name]) for name, key in added.items()}
            for point, result in answer.results
        ]
        parameters = {name: _said(options[name]) for name in stated if name in options}
        shown = answer.layout or layout
        shown = replace(shown, parameters=(*added.values(), *shown.parameters))
        return cls(command, parameters, rows, shown, answer)

    @property
    def json(self) -> str:
        """The JSON document."""
        return json_text(self.command, self.parameters, self.rows)

    @property
    def csv(self) -> str:
        """The rows as CSV."""
        return csv_text(list(self.rows[0]), self.rows)

    def failures(self, requirements: Sequence[Requirement]) -> list[str]:
        """A line for each row and requirement that it does not meet."""
        return failures(requirements, self.rows[: self.answer.required])

    @property
    def draw(self) -> Callable[[str], bytes] | None:
        """Draws the rows in a format: png, svg or pdf; ``None`` where there is no picture."""
        plot = self.answer.plot
        return None if plot is None else lambda file_format: plot(self.rows, file_format)


def numeric_columns(row_type: type) -> dict[str, bool]:
    """Columns of a row type, each with whether it holds numbers."""
    hints = get_type_hints(row_type)
    return {
        field.name: not any(kind in str(hints[field.name]) for kind in ("tuple", "str"))
        for field in fields(row_type)
    }


def _said(value: Any) -> Any:
    """An option as the JSON document states it: a sweep of one value is that value."""
    if isinstance(value, tuple):
        said = tuple(map(_plain, value))
        return said[0] if len(said) == 1 else said or None
    return _plain(value)


def _plain(value: Any) -> Any:
    """What is a text in a document, as one."""
    return str(value) if isinstance(value, Path | SplitSet) else value
