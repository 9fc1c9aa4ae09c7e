"""Rows as a table for a person: on a terminal, as plain text, in Markdown, in LaTeX; in Python."""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from rnscli.base import InputError, flat_row, nearest, value_of
from rnscli.report.arranged import Arranged, Marked, arranged, left_out, width_of
from rnscli.report.latex import latex_text
from rnscli.report.layout import Columns as Columns
from rnscli.report.layout import Layout, View
from rnscli.report.layout import Row as Row

if TYPE_CHECKING:
    import pandas
    from rich.table import Table as RichTable

T_co = TypeVar("T_co", covariant=True)

WIDTH = 100  # of what is no terminal
MAX_SHOWN = 60  # rows of a table in Python
# Of the 256 colours that nearly all terminals have: with a contrast of 3.5 and more to black, to
# white, and to the dark and light grounds of themes.
STYLES = {"good": "color(64)", "bad": "bold color(196)", "doubtful": "color(166)"}
_NO_BREAK = "\N{NO-BREAK SPACE}"
_LATEX = {"latex": False, "siunitx": True}


def table_text(
    rows: Sequence[Row], columns: Columns, layout: Layout, style: str, view: View | None = None
) -> str:
    """A table as text.

    ``style`` is ``plain`` (a list if there is one row), ``table`` (a line for each row), ``list``
    (one for each key), ``markdown``, ``latex`` or ``siunitx``. In papers there are as many columns
    as in plain text.
    """
    markup = style in ("markdown", *_LATEX)
    form = "markup" if markup else "auto" if style == "plain" else style
    tables = arranged(rows, columns, layout, WIDTH, view=view, form=form)
    if style in _LATEX:
        return latex_text(tables, siunitx=_LATEX[style])
    if markup:
        tables = list(map(_escaped, tables))
    is_wide = view is not None and view.wide
    bodies = [_body(one, markup, None if markup or is_wide else WIDTH) for one in tables]
    # A title and its value stay in one line, if there is one for them.
    pairs = [f"{title} = {value}" for title, value in tables[0].common]
    common = ", ".join(p.replace(" ", _NO_BREAK) if len(p) < WIDTH else p for p in pairs)
    lines = [*(line.replace(_NO_BREAK, " ") for line in _wrapped(common)), ""] if common else []
    notes = _note(tables)
    return (
        "\n".join([*lines, "\n\n".join(bodies), *([""] if markup and notes else []), *notes]) + "\n"
    )


def _body(table: Arranged, markup: bool, width: int | None) -> str:
    import tabulate

    tabulate.MIN_PADDING = 0  # it would make columns wider than their titles
    kept: dict[str, Any] = {"preserve_whitespace": True}  # which aligns digits
    text: str = tabulate.tabulate(
        table.cells,
        headers=table.titles,
        tablefmt="pipe" if markup else "simple" if table.titles else "plain",
        disable_numparse=True,
        colalign=["left" if left else "right" for left in table.left] or None,
        maxcolwidths=None if width is None else _wrapping(table, width),
        **kept,
    )
    return text if markup else "\n".join(map(str.rstrip, text.splitlines()))


def _escaped(table: Arranged) -> Arranged:
    """With what would be marks in Markdown, and end a cell, as it is."""

    def plain(text: str) -> str:
        return re.sub(r"[\\`*<|\[\]~]|(?<!\w)_|_(?!\w)", r"\\\g<0>", text)

    return replace(
        table,
        common=[(plain(title), plain(value)) for title, value in table.common],
        titles=list(map(plain, table.titles)),
        cells=[list(map(plain, cells)) for cells in table.cells],
    )


def print_table(
    rows: Sequence[Row],
    columns: Columns,
    layout: Layout,
    style: str = "plain",
    view: View | None = None,
    marked: Marked = (),
) -> None:
    """Print a table to a terminal, in its width; ``marked`` cells in the colour of failures."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    width = console.width
    form = "auto" if style == "plain" else style
    tables = arranged(rows, columns, layout, width, view=view, form=form, marked=marked)
    line = Text()
    for title, value in tables[0].common:
        pair = Text.assemble((f"{title} ", "dim"), value)
        if line and len(line) + 3 + len(pair) > width:
            console.print(line)
            line = pair  # both in one line
        else:
            line = Text("   ").join([line, pair]) if line else pair
    if line:
        console.print(line)
        if not tables[0].titles:
            console.print()
    is_wide = view is not None and view.wide
    for index, table in enumerate(tables):
        if index:
            console.print()
        natural = width_of([max(map(len, cells)) for cells in _columns_of(table)])
        place = Console(highlight=False, width=max(natural, width)) if is_wide else console
        place.print(_view(table))
    for note in _note(tables, width):
        console.print(Text(note, style="dim"))


def _view(table: Arranged) -> "RichTable":
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
        justify: Any = "left" if left else "right"
        # Cells of numbers have spaces to their right, which rich would take away; where there is no
        # room, texts and lists are wrapped before any number is.
        heading = Text(title, justify=justify)
        view.add_column(heading, justify="left", overflow="fold", no_wrap=not left)
    widths = [max(map(len, cells)) for cells in _columns_of(table)]
    for cells, tones in zip(table.cells, table.tones, strict=True):
        padded = [
            cell if left else cell.rjust(width)
            for cell, left, width in zip(cells, table.left, widths, strict=True)
        ]
        view.add_row(
            *(Text(cell, STYLES.get(tone, "")) for cell, tone in zip(padded, tones, strict=True))
        )
    return view


def _columns_of(table: Arranged) -> list[tuple[str, ...]]:
    """The cells of each column, below its title."""
    lines = [table.titles, *table.cells] if table.titles else table.cells
    return list(zip(*lines, strict=True))


def _note(tables: Sequence[Arranged], width: int = WIDTH) -> list[str]:
    text = left_out(tables)
    return _wrapped(text, width) if text else []


def _wrapped(text: str, width: int = WIDTH) -> list[str]:
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)


def _wrapping(table: Arranged, most: int) -> list[int | None]:
    """Where a table is too wide all the same, widths at which its widest columns are wrapped.

    Numbers are the last to be.
    """
    needed = [max(map(len, cells)) for cells in _columns_of(table)]
    widths = needed.copy()
    texts = [place for place, left in enumerate(table.left) if left]
    for places in (texts, range(len(widths))):
        while width_of(widths) > most and max((widths[one] for one in places), default=0) > 15:
            widths[max(places, key=lambda one: widths[one])] -= 1
    both = zip(widths, needed, strict=True)
    return [width if width < natural else None for width, natural in both]


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
