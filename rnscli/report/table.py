"""Rows as a table for a person: on a terminal, as plain text, in Markdown, in LaTeX; in Python."""

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from rnscli.base import Column, InputError, flat_row, nearest, value_of

if TYPE_CHECKING:
    import pandas
    from rich.table import Table as RichTable

Row = dict[str, object]
Columns = Mapping[str, Column]
T_co = TypeVar("T_co", covariant=True)

WIDTH = 100
MAX_SHOWN = 60  # rows of a table in Python
_NO_BREAK = "\N{NO-BREAK SPACE}"
_TABULATE_FORMATS = {"plain": "simple", "markdown": "github", "latex": "latex_booktabs"}

# What LaTeX's usual fonts have other letters for, and tabulate leaves as it is.
_LATEX = {
    r"\|": r"\\textbar{}",
    "±": r"\\ensuremath{\\pm}",
    r"(?<![\w.-])-(?=\d)": r"\\ensuremath{-}",
}


@dataclass(frozen=True, eq=False, repr=False)
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


@dataclass(frozen=True, eq=False, repr=False)
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
    if style == "markdown":
        tables = list(map(_escaped, tables))
    bodies = [_body(one, style) for one in tables]
    # A title and its value stay in one line, if there is one for them.
    pairs = [f"{title} = {value}" for title, value in tables[0].common]
    common = ", ".join(p.replace(" ", _NO_BREAK) if len(p) < WIDTH else p for p in pairs)
    if style == "latex":
        common = common.replace(_NO_BREAK, " ")
        return f"% {common}\n{bodies[0]}\n" if common else f"{bodies[0]}\n"
    lines = [*(line.replace(_NO_BREAK, " ") for line in _wrapped(common)), ""] if common else []
    return "\n".join([*lines, "\n\n".join(bodies), *_note(tables)]) + "\n"


def _body(table: _Table, style: str) -> str:
    import tabulate

    tabulate.MIN_PADDING = 0  # it would make columns wider than their titles
    text: str = tabulate.tabulate(
        table.cells,
        headers=table.titles,
        tablefmt="plain" if style == "plain" and not table.titles else _TABULATE_FORMATS[style],
        disable_numparse=True,
        colalign=["left" if left else "right" for left in table.left],
        maxcolwidths=_wrapping(table) if style == "plain" else None,
    )
    if style == "latex":
        for pattern, command in _LATEX.items():
            text = re.sub(pattern, command, text)
    return text


def _escaped(table: _Table) -> _Table:
    """With what would be marks in Markdown, and end a cell, as it is."""

    def plain(text: str) -> str:
        return re.sub(r"[\\`*<|]", r"\\\g<0>", text)

    return replace(
        table,
        common=[(plain(title), plain(value)) for title, value in table.common],
        titles=list(map(plain, table.titles)),
        cells=[list(map(plain, cells)) for cells in table.cells],
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
    for note in _note(tables, width):
        console.print(Text(note, style="dim"))


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
    for title, left in zip(table.titles or [""] * len(table.left), table.left, strict=True):
        view.add_column(title, justify="left" if left else "right", overflow="fold")
    for cells in table.cells:
        view.add_row(*(Text(cell) for cell in cells))
    return view


def _note(tables: Sequence[_Table], width: int = WIDTH) -> list[str]:
    dropped = dict.fromkeys(key for table in tables for key in table.dropped)
    text = f"also in --format csv and json: {', '.join(dropped)}"
    return _wrapped(text, width) if dropped else []


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
    while _width(widths) > WIDTH and max(widths) > 15:
        widths[widths.index(max(widths))] -= 1
    both = zip(widths, needed, strict=True)
    return [width if width < natural else None for width, natural in both]


def _arranged(rows: Sequence[Row], columns: Columns, layout: Layout, width: int | None) -> _Table:
    listed = (*layout.parameters, *layout.results)
    keys = [key for key in listed if any(_held(row, columns[key]) is not None for row in rows)]
    if len(rows) == 1 and width is not None:
        # One result reads best downwards; then there is room for everything.
        found = [(columns[key], columns[key].shown(rows[0][key], rows[0])) for key in keys]
        cells = [[column.name(value), value] for column, value in found if value]
        return _Table(common=[], titles=[], cells=cells, left=[True, True], dropped=[])
    keys = [key for key in keys if not _repeats(rows, columns[key])]
    parameters = layout.parameters if len(rows) > 1 else ()
    common = [key for key in keys if key in parameters and _agree(rows, columns[key])]
    shown = {  # the title of a column, and below it its values
        key: [columns[key].title, *(columns[key].shown(row[key], row) for row in rows)]
        for key in keys
        if key not in common
    }
    dropped: list[str] = []
    # Two results are left whatever their width.
    others = [key for key in layout.results[:1:-1] if key not in layout.essential]
    for key in (*layout.optional, *others):
        if width is None or _width([max(map(len, cells)) for cells in shown.values()]) <= width:
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
    values = [_held(row, column) for row in rows]
    if column.concerns_some:
        values = [value for value in values if value is not None]
    return all(value == values[0] for value in values)


def _held(row: Row, column: Column) -> object:
    """The value of a row, or the list that it has instead."""
    return column.each(row) if row[column.key] is None else row[column.key]


def _first(rows: Sequence[Row], key: str) -> object:
    return next((row[key] for row in rows if row[key] is not None), None)


def _width(columns: Sequence[int]) -> int:
    """Width of a table whose columns are so wide, with two spaces between them."""
    return sum(columns) + 2 * (len(columns) - 1)


@dataclass(frozen=True, repr=False)
class Rows(Sequence[T_co], Generic[T_co]):
    """Rows by their places, columns by their keys; printed as the table that a shell shows.

    Parameters
    ----------
    objects
        The rows as frozen objects.
    table
        The same rows by the keys of ``--format json``, those of the options included.
    columns, layout
        Meaning and heading of each column, and how the table shows them.
    shown
        How many rows it shows, the first ones; as many as can be read if not given.
    footer
        Lines below the table.

    Examples
    --------
    >>> import rnscli
    >>> rows = rnscli.moduli(bits=range(5, 8))
    >>> rows[1].moduli, rows["lost_bits"]
    ((63, 62, 61, 59), [11, 12, 13])
    >>> rows
    h = 128
    <BLANKLINE>
    bits  required  b_out  lost  moduli       N     range   log2
    ----  --------  -----  ----  -----------  -  --------  -----
       5     57601     16    11  31 29 28 27  4    679644  19.37
       6    246017     18    12  63 62 61 59  4  14057694  23.74
       7   1016065     20    13  127 126 125  3   2000250  20.93
    """

    objects: Sequence[T_co]
    table: Sequence[Row]
    columns: Columns
    layout: Layout
    shown: int | None = None
    footer: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.objects)

    @overload
    def __getitem__(self, place: int) -> T_co: ...
    @overload
    def __getitem__(self, place: slice) -> "Rows[T_co]": ...
    @overload
    def __getitem__(self, place: str) -> list[Any]: ...
    def __getitem__(self, place: int | slice | str) -> Any:
        """A row, several rows, or the values of a column.

        Raises
        ------
        InputError
            If there is no such column.
        """
        if isinstance(place, str):
            keys = [key for column in self.columns.values() for key in column.flat_keys]
            if place not in (*self.columns, *keys):
                raise InputError(f"there is no column {place!r}{nearest(place, self.columns)}")
            return [value_of(row, place) for row in self.table]
        if isinstance(place, slice):
            return Rows(self.objects[place], self.table[place], self.columns, self.layout)
        return self.objects[place]

    def to_dicts(self) -> list[Row]:
        """Each row by the keys of ``--format json``."""
        return [dict(row) for row in self.table]

    def to_pandas(self) -> "pandas.DataFrame":
        """A table with the columns of ``--format csv``: an interval is two of them.

        Raises
        ------
        InputError
            If pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise InputError(
                "to_pandas needs pandas; install it with: pip install pandas"
            ) from None
        columns = self.columns.values()
        keys = [key for column in columns for key in column.flat_keys]
        return pandas.DataFrame([flat_row(columns, row) for row in self.table], columns=keys)

    def __repr__(self) -> str:
        """The table, or how it begins where it is long."""
        if not self.table:
            return "no rows"
        text = table_text(
            self.table[: self.shown or MAX_SHOWN], self.columns, self.layout, "plain"
        ).rstrip("\n")
        cut = self.shown is None and len(self) > MAX_SHOWN
        return "\n".join([text, *([f"... {len(self)} rows in all"] if cut else []), *self.footer])
