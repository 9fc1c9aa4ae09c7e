"""Rows as a table for a person: on a terminal, as plain text, in Markdown and in LaTeX."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rnscli.report.columns import column, show_value

Row = dict[str, object]

WIDTH = 100
_TABULATE_FORMATS = {"plain": "simple", "markdown": "github", "latex": "latex_booktabs"}


@dataclass(frozen=True)
class Layout:
    """Keys that a command's table shows, in order.

    A parameter that is the same in all rows is said once, above the table; ``optional`` keys are
    left out, first first, where the table would be too wide.
    """

    parameters: tuple[str, ...]
    results: tuple[str, ...]
    optional: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Table:
    """Cells of a table, with what all rows have in common taken out; a list has no titles."""

    common: list[tuple[str, str]]
    titles: list[str]
    cells: list[list[str]]
    left: list[bool]
    dropped: list[str]


def table_text(rows: Sequence[Row], layout: Layout, style: str) -> str:
    """A table as text; ``style`` is ``plain``, ``markdown`` or ``latex``."""
    import tabulate

    tabulate.MIN_PADDING = 0  # it would make columns wider than their titles
    table = _arranged(rows, layout, WIDTH if style == "plain" else None)
    if style == "markdown":
        table = _escaped(table)
    body = tabulate.tabulate(
        table.cells,
        headers=table.titles,
        tablefmt="plain" if style == "plain" and not table.titles else _TABULATE_FORMATS[style],
        disable_numparse=True,
        colalign=["left" if left else "right" for left in table.left],
        maxcolwidths=_wrapping(table) if style == "plain" else None,
    )
    common = ", ".join(f"{title} = {value}" for title, value in table.common)
    if style == "latex":
        return f"% {common}\n{body}\n" if common else f"{body}\n"
    lines = [*_wrapped(common), ""] if common else []
    return "\n".join([*lines, body, *_note(table)]) + "\n"


def _escaped(table: _Table) -> _Table:
    """With the bars of titles and cells escaped, which would end a cell in Markdown."""
    return replace(
        table,
        titles=[title.replace("|", r"\|") for title in table.titles],
        cells=[[cell.replace("|", r"\|") for cell in cells] for cells in table.cells],
    )


def print_table(rows: Sequence[Row], layout: Layout) -> None:
    """Print a table to a terminal, in its width."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    table = _arranged(rows, layout, min(WIDTH, console.width))
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
    if table.common:
        line = Text()
        for title, value in table.common:
            line.append(f"{title} ", style="dim").append(value).append("   ")
        console.print(line)
    console.print(view)
    for line_of_note in _note(table, min(WIDTH, console.width)):
        console.print(Text(line_of_note, style="dim"))


def _note(table: _Table, width: int = WIDTH) -> list[str]:
    if not table.dropped:
        return []
    return _wrapped(f"also in --format csv and json: {', '.join(table.dropped)}", width)


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


def _arranged(rows: Sequence[Row], layout: Layout, width: int | None) -> _Table:
    listed = (*layout.parameters, *layout.results)
    keys = [key for key in listed if any(row[key] is not None for row in rows)]
    if len(rows) == 1 and width is not None:
        # One result reads best downwards; then there is room for everything.
        cells = [[key.replace("_", " "), show_value(key, rows[0][key], rows[0])] for key in keys]
        return _Table(common=[], titles=[], cells=cells, left=[True, True], dropped=[])
    keys = [key for key in keys if not _repeats(rows, key)]
    common = [
        key
        for key in keys
        if key in layout.parameters
        and len(rows) > 1
        and all(row[key] == rows[0][key] for row in rows)
    ]
    shown = [key for key in keys if key not in common]
    dropped: list[str] = []
    for key in layout.optional:
        if width is None or _width(rows, shown) <= width:
            break
        if key in shown:
            shown.remove(key)
            dropped.append(key)
    return _Table(
        common=[(column(key).title, show_value(key, rows[0][key], rows[0])) for key in common],
        titles=[column(key).title for key in shown],
        cells=[[show_value(key, row[key], row) for key in shown] for row in rows],
        left=[isinstance(_first(rows, key), str | tuple) for key in shown],
        dropped=dropped,
    )


def _repeats(rows: Sequence[Row], key: str) -> bool:
    """Whether a column says nothing new, or nothing but the usual."""
    same_as, usual = column(key).same_as, column(key).usual
    if usual is not None and all(row[key] in (usual, None) for row in rows):
        return True
    return same_as is not None and all(row[key] in (row.get(same_as), None) for row in rows)


def _first(rows: Sequence[Row], key: str) -> object:
    return next((row[key] for row in rows if row[key] is not None), None)


def _width(rows: Sequence[Row], keys: list[str]) -> int:
    widths = [
        max(len(column(key).title), *(len(show_value(key, row[key], row)) for row in rows))
        for key in keys
    ]
    return sum(widths) + 2 * len(widths)
