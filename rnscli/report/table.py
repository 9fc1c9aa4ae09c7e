"""Rows as a table for a person: on a terminal, as plain text, in Markdown, in LaTeX, in HTML."""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rnscli.base import notebook_html, table_html
from rnscli.report.arranged import SEEN_BY, Arranged, Marked, arranged, left_out, width_of
from rnscli.report.latex import latex_text
from rnscli.report.layout import Columns as Columns
from rnscli.report.layout import Layout, View
from rnscli.report.layout import Row as Row

if TYPE_CHECKING:
    from rich.table import Table as RichTable

WIDTH = 100  # of what is no terminal
# Of the 256 colours that nearly all terminals have: with a contrast of 3.5 and more to black, to
# white, and to the dark and light grounds of themes.
STYLES = {"good": "color(64)", "bad": "bold color(196)", "doubtful": "color(166)"}
_NO_BREAK = "\N{NO-BREAK SPACE}"
_LATEX = {"latex": False, "siunitx": True}


def table_text(
    rows: Sequence[Row],
    columns: Columns,
    layout: Layout,
    style: str,
    view: View | None = None,
    *,
    width: int = WIDTH,
    seen_by: str = SEEN_BY,
) -> str:
    """A table as text.

    ``style`` is ``plain`` (a list if there is one row), ``table`` (a line for each row), ``list``
    (one for each key), ``markdown``, ``latex`` or ``siunitx``. In papers there are as many columns
    as in plain text.
    """
    markup = style in ("markdown", *_LATEX)
    form = "markup" if markup else "auto" if style == "plain" else style
    tables = arranged(rows, columns, layout, width, view=view, form=form)
    if style in _LATEX:
        return latex_text(tables, siunitx=_LATEX[style])
    if markup:
        tables = list(map(_escaped, tables))
    is_wide = view is not None and view.wide
    bodies = [_body(one, markup, None if markup or is_wide else width) for one in tables]
    # A title and its value stay in one line, if there is one for them.
    pairs = [f"{title} = {value}" for title, value in tables[0].common]
    common = ", ".join(p.replace(" ", _NO_BREAK) if len(p) < width else p for p in pairs)
    lines = (
        [*(line.replace(_NO_BREAK, " ") for line in _wrapped(common, width)), ""] if common else []
    )
    notes = _note(tables, width, seen_by)
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


def html_text(
    rows: Sequence[Row],
    columns: Columns,
    layout: Layout,
    seen_by: str,
    below: Sequence[str] = (),
    name: str = "",
) -> str:
    """Tables for a notebook, with lines of text below them; the cells are those of a terminal.

    ``name`` is that of a single row, which is shown as a list.
    """
    tables = arranged(rows, columns, layout, WIDTH)
    common = ", ".join(f"{title} = {value}" for title, value in tables[0].common)
    captions = [common or name, *("" for _ in tables[1:])]
    made = [
        table_html(one.titles, one.cells, one.left, caption, one.tones)
        for one, caption in zip(tables, captions, strict=True)
    ]
    more = left_out(tables, seen_by)
    return notebook_html(made, [*([more] if more else []), *below])


def _columns_of(table: Arranged) -> list[tuple[str, ...]]:
    """The cells of each column, below its title."""
    lines = [table.titles, *table.cells] if table.titles else table.cells
    return list(zip(*lines, strict=True))


def _note(tables: Sequence[Arranged], width: int, seen_by: str = SEEN_BY) -> list[str]:
    text = left_out(tables, seen_by)
    return _wrapped(text, width) if text else []


def _wrapped(text: str, width: int) -> list[str]:
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
