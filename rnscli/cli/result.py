"""The rows of a command with what they were computed with, and the forms that they have."""

import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from rnscli import base, report
from rnscli.cli.answer import Answer

PAGE = "html"  # of commands that make a page of a run


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """Rows of a command with the parameters that they were computed with.

    ``given`` are names of the options that are not left to their defaults, ``files`` what they
    name, and ``command_line`` is what was typed, where the command was run in a shell; ``summary``
    says what the command is for.
    """

    command: str
    parameters: Mapping[str, object]
    columns: Mapping[str, base.Column]
    rows: Sequence[report.Row]
    layout: report.Layout
    answer: Answer
    given: Sequence[str] | None = None
    files: Sequence[report.NamedFile] = ()
    command_line: str = ""
    summary: str = ""

    @property
    def json(self) -> str:
        return report.json_text(self.command, self.parameters, self.rows, self.given, self.files)

    @property
    def csv(self) -> str:
        """The rows as CSV, with two columns for each interval."""
        return self.csv_of(())

    def csv_of(self, keys: Sequence[str]) -> str:
        """The rows as CSV with these columns only, or with all; an interval stands for its ends."""
        rows = [base.flat_row(self.columns.values(), row) for row in self.rows]
        flat = [one for key in keys or self.columns for one in self._flat(key)]
        return report.csv_text(flat, [{key: row[key] for key in flat} for row in rows])

    def _flat(self, key: str) -> tuple[str, ...]:
        return self.columns[key].flat_keys if key in self.columns else (key,)

    @property
    def identity(self) -> tuple[str, ...]:
        """Keys of the values that tell a row from others, lists last."""
        marked = [column for column in self.columns.values() if column.identity]
        return tuple(column.key for column in sorted(marked, key=lambda one: one.is_list))

    @property
    def draw(self) -> Callable[[str], bytes] | None:
        """Draws the rows in one of `PICTURES`; ``None`` where there is no picture."""
        return (
            None if self.answer.plot is None else partial(self.drawn, self.answer.plot, self.rows)
        )

    def drawn(self, plot: report.Plot, rows: Sequence[report.Row], kind: str) -> bytes:
        """A picture of rows of the result, in one of `PICTURES`."""
        fixed = report.fixed(rows, self.columns, self.layout)
        canvas = report.Canvas(kind, fixed, self.columns, self.swept)
        if kind == PAGE:
            return report.page_html(self._page_of_picture(plot, rows, canvas)).encode()
        return plot(rows, canvas)

    def _page_of_picture(
        self, plot: report.Plot, rows: Sequence[report.Row], canvas: report.Canvas
    ) -> report.RunPage:
        def draw(on_page: report.Canvas) -> bytes:
            return plot(rows, replace(on_page, columns=canvas.columns, swept=canvas.swept))

        part = replace(self, rows=rows)
        # What is the same in all rows stands below the picture.
        shown = report.differing(rows, self.columns, self.layout)
        return report.RunPage(
            title=f"rnscli {self.command}",
            lead=self.summary,
            command=self.command_line,
            options=self.stated,
            tables=[report.PageTable("Rows", rows, self.columns, shown)],
            pictures=[report.PagePicture("picture", "Picture", canvas.fixed, draw)],
            notes={
                "Below the table": _sentences(self.answer.footer),
                "Remarks": self.answer.remarks,
                "No answer": self.answer.problems,
            },
            documents={f"{self.command}.json": part.json, f"{self.command}.csv": part.csv},
            picture_first=True,
        )

    @property
    def stated(self) -> list[tuple[str, str, bool]]:
        """Options that have a value, by their flags, and whether they were given; these first."""
        found = []
        for name, value in self.parameters.items():
            if value is None or value is False or value == ():
                continue
            values = value if isinstance(value, tuple | list) else (value,)
            shown = "yes" if value is True else _listed(values)
            flag = f"--{name.replace('_', '-')}"
            found.append((flag, textwrap.shorten(shown, 400), name in (self.given or ())))
        return sorted(found, key=lambda one: not one[2])

    @property
    def swept(self) -> tuple[str, ...]:
        """Names of the options with several values."""
        several = self.parameters.items()
        return tuple(n for n, one in several if isinstance(one, tuple | list) and len(one) > 1)


_MOST = 8  # values of an option that are listed


def _listed(values: Sequence[object]) -> str:
    """Values of an option, of which a person reads the first and the last where there are many."""
    texts = [f"{one:.6g}" if isinstance(one, float) else str(one) for one in values]
    if len(texts) > _MOST:
        texts = [*texts[:3], "..", f"{texts[-1]} ({len(texts)} values)"]
    return ", ".join(texts)


def _sentences(lines: Sequence[str]) -> list[str]:
    """The paragraphs of a footer, whose lines are as long as a terminal's."""
    made: list[list[str]] = [[]]
    for line in lines:
        begins = re.match(r"\S+(?: \S+)?: ", line) is not None
        if not line.strip() or begins:
            made.append([])
        if line.strip():
            made[-1].append(line.strip())
    return [" ".join(one) for one in made if one]
