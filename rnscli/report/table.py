"""Rows as a table for a person: on a terminal, as plain text, in Markdown and in LaTeX."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rnscli.base import Column, in_words

if TYPE_CHECKING:
    from rich.table import Table as RichTable

Row = dict[str, object]
Columns = Mapping[str, Column]

WIDTH = 100
_NO_BREAK = "\N{NO-BREAK SPACE}"
_TABULATE_FORMATS = {"plain": "simple", "markdown": "github", "latex": "latex_booktabs"}


@dataclass(frozen=True)
class Layout:
    """Keys that a command's table shows, in order.

    A parameter that is the same in all rows stands once, above the table; ``optional`` keys are
    left out, first first, where the table would be too wide. ``second`` are results of a second
    table below the first, where there are many rows and a limited width. Where that is still too
    wide, results are left out from the right, but ``essential`` ones.
    """

    parameters: tuple[str, ...]
    results: tuple[str, ...]
    optional: tuple[str, ...] = ()
    second: tuple[str, ...] = ()
    essential: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        return (*self.parameters, *self.results, *self.second)

    def tables(self, rows: int, limited: bool) -> "list[Layout]":
        """The layouts of the tables that rows are shown in."""
        if not self.second:
            return [self]
        if rows == 1 or not limited:
            return [replace(self, results=(*self.results, *self.second), second=())]
        return [replace(self, second=()), replace(self, results=self.second, second=())]


@dataclass(frozen=True)
class _Table:
    """Cells of a table, with what all rows have in common taken out; a list has no titles."""

    common: list[tuple[str, str]]
    titles: list[str]
    cells: list[list[str]]
    left: list[bool]
    dropped: list[str]


def table_text(rows: Sequence[Row], columns: Columns, layout: Layout, style: str) -> str:
    """A table as text; ``style`` is ``plain``, ``markdown`` or ``latex``."""
    width = WIDTH if style == "plain" else None
    parts = layout.tables(len(rows), bool(width))
    tables = [_arranged(rows, columns, part, width) for part in parts]
    bodies = [_body(_escaped(one) if style == "markdown" else one, style) for one in tables]
    common = ", ".join(_unbroken(f"{title} = {value}") for title, value in tables[0].common)
    if style == "latex":
        common = common.replace(_NO_BREAK, " ")
        return f"% {common}\n{bodies[0]}\n" if common else f"{bodies[0]}\n"
    lines = [*(line.replace(_NO_BREAK, " ") for line in _wrapped(common)), ""] if common else []
    return "\n".join([*lines, "\n\n".join(bodies), *_note(tables)]) + "\n"


def _unbroken(text: str) -> str:
    """A text that stays in one line, if there is one for it."""
    return text.replace(" ", _NO_BREAK) if len(text) < WIDTH else text


def _body(table: _Table, style: str) -> str:
    import tabulate

    tabulate.MIN_PADDING = 0  # it would make columns wider than their titles
    return tabulate.tabulate(
        table.cells,
        headers=table.titles,
        tablefmt="plain" if style == "plain" and not table.titles else _TABULATE_FORMATS[style],
        disable_numparse=True,
        colalign=["left" if left else "right" for left in table.left],
        maxcolwidths=_wrapping(table) if style == "plain" else None,
    )


def _escaped(table: _Table) -> _Table:
    """With the bars of titles and cells escaped, which would end a cell in Markdown."""
    return replace(
        table,
        titles=[title.replace("|", r"\|") for title in table.titles],
        cells=[[cell.replace("|", r"\|") for cell in cells] for cells in table.cells],
    )


def print_table(rows: Sequence[Row], columns: Columns, layout: Layout) -> None:
    """Print a table to a terminal, in its width."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    width = min(WIDTH, console.width)
    parts = layout.tables(len(rows), limited=True)
    tables = [_arranged(rows, columns, part, width) for part in parts]
    if tables[0].common:
        line = Text()
        for title, value in tables[0].common:
            line.append(f"{title} ", style="dim").append(value).append("   ")
        console.print(line)
    for index, table in enumerate(tables):
        if index:
            console.print()
        console.print(_view(table))
    for line_of_note in _note(tables, width):
        console.print(Text(line_of_note, style="dim"))


def _view(table: _Table) -> "RichTable":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    view = Table(
        box=box.SIMPLE_HEAD if table.titles else None,
        show_header=bool(table.titles),
        pad_edge=False,
        show_edge=False,
        padding=(0, 1, 0, 0),  # with the box's own column, two between columns as in plain text
        header_style="bold",
    )
    for index, left in enumerate(table.left):
        title = table.titles[index] if table.titles else ""
        view.add_column(title, justify="left" if left else "right", overflow="fold")
    for cells in table.cells:
        view.add_row(*(Text(cell) for cell in cells))
    return view


def _note(tables: Sequence[_Table], width: int = WIDTH) -> list[str]:
    dropped = dict.fromkeys(key for table in tables for key in table.dropped)
    if not dropped:
        return []
    return _wrapped(f"also in --format csv and json: {', '.join(dropped)}", width)


def _wrapped(text: str, width: int = WIDTH) -> list[str]:
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)


def _wrapping(table: _Table) -> list[int | None]:
    """Where a table is too wide all the same, widths at which its widest columns are wrapped."""
    titles = [len(title) for title in table.titles] or [0] * len(table.left)
    needed = [
        max(title, *(len(cells[index]) for cells in table.cells))
        for index, title in enumerate(titles)
    ]
    widths = needed.copy()
    while sum(widths) + 2 * len(widths) > WIDTH and max(widths) > 20:
        widths[widths.index(max(widths))] -= 1
    return [
        width if width < natural else None for width, natural in zip(widths, needed, strict=True)
    ]


def _arranged(rows: Sequence[Row], columns: Columns, layout: Layout, width: int | None) -> _Table:
    listed = (*layout.parameters, *layout.results)
    keys = [key for key in listed if any(row[key] is not None for row in rows)]
    if len(rows) == 1 and width is not None:
        # One result reads best downwards; then there is room for everything.
        found = [[in_words(key), columns[key].shown(rows[0][key], rows[0])] for key in keys]
        cells = [[name, value] for name, value in found if value]
        return _Table(common=[], titles=[], cells=cells, left=[True, True], dropped=[])
    keys = [key for key in keys if not _repeats(rows, columns[key])]
    common = [
        key
        for key in keys
        if key in layout.parameters and len(rows) > 1 and _agree(rows, columns[key])
    ]
    shown = {key: _shown(rows, columns[key]) for key in keys if key not in common}
    dropped: list[str] = []
    # Two results are left whatever their width.
    others = [key for key in layout.results[:1:-1] if key not in layout.essential]
    for key in (*layout.optional, *others):
        if width is None or _width(shown) <= width:
            break
        if key in shown:
            del shown[key]
            dropped.append(key)
    return _Table(
        common=[
            (columns[key].title, columns[key].shown(_first(rows, key), rows[0])) for key in common
        ],
        titles=[cells[0] for cells in shown.values()],
        cells=[[cells[place] for cells in shown.values()] for place in range(1, len(rows) + 1)],
        left=[isinstance(_first(rows, key), str | tuple) for key in shown],
        dropped=dropped,
    )


def _repeats(rows: Sequence[Row], column: Column) -> bool:
    """Whether a column says nothing new, or nothing but the usual."""
    key, same_as = column.key, column.same_as
    if column.usual is not None and all(row[key] in (column.usual, None) for row in rows):
        return True
    return same_as is not None and all(row[key] in (row.get(same_as), None) for row in rows)


def _agree(rows: Sequence[Row], column: Column) -> bool:
    """Whether a parameter is the same in all rows, or in all that it concerns."""
    values = [row[column.key] for row in rows]
    if column.concerns_some:
        values = [value for value in values if value is not None]
    return all(value == values[0] for value in values)


def _first(rows: Sequence[Row], key: str) -> object:
    return next((row[key] for row in rows if row[key] is not None), None)


def _shown(rows: Sequence[Row], column: Column) -> list[str]:
    """The title of a column, and below it its values."""
    return [column.title, *(column.shown(row[column.key], row) for row in rows)]


def _width(shown: Mapping[str, list[str]]) -> int:
    return sum(max(map(len, cells)) for cells in shown.values()) + 2 * (len(shown) - 1)
