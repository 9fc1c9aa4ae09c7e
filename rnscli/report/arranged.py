"""The cells of tables: which columns there is room for, what stands above, what is aligned."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from rnscli.base import Column
from rnscli.report.layout import Columns, Layout, Row, View

Marked = Collection[tuple[int, str]]  # places of rows and keys of what does not keep a requirement

_NUMBER = re.compile(r"((?:± )?[+-]?\d+)((?:\.\d+)?(?:e[+-]\d+)?)(%| \S+)?")
_NEUTRAL = ("", "-", "inf")
# Stated in every picture, also where a table has no place for it.
_ALWAYS = ("bits", "vector_size", "technology")
SEEN_BY = "with --wide or --show"  # columns that there is no room for
_NAMED = 10  # columns that are left out


@dataclass(frozen=True, eq=False, repr=False)
class Arranged:
    """Cells of a table, with what all rows have in common taken out; a list has no titles.

    ``tones`` of cells are as `Column` has them, or empty.
    """

    common: list[tuple[str, str]]
    titles: list[str]
    cells: list[list[str]]
    left: list[bool]
    dropped: list[str]
    tones: list[list[str]]
    keys: Sequence[str] = ()  # of its columns


def arranged(
    rows: Sequence[Row],
    columns: Columns,
    layout: Layout,
    width: int | None,
    *,
    view: View | None = None,
    form: str = "auto",
    marked: Marked = (),
) -> list[Arranged]:
    """The tables that rows are shown in, side by side with what else fits into a width.

    ``form`` is ``list`` (a line for each key), ``table`` (one for each row), ``auto`` (a list of
    one row), or ``markup``, a table whose cells are not padded.
    """
    view = view or View()
    rows, columns, layout = view.applied(rows, columns, layout)
    if form == "list" or (form == "auto" and len(rows) == 1):
        return _lists(rows, columns, layout.joined, width, view, marked)
    limit = None if view.wide else width
    whole = _table(rows, columns, layout.joined, limit, view, form, marked)
    if not layout.second or len(rows) == 1 or not whole.dropped:
        return [whole]
    halves = [_table(rows, columns, half, limit, view, form, marked) for half in layout.halves]
    seen = {key for one in halves for key in one.keys}
    return [replace(one, dropped=[k for k in one.dropped if k not in seen]) for one in halves]


def fixed(rows: Sequence[Row], columns: Columns, layout: Layout) -> str:
    """What all rows have in common, or parameters of the only row, as a picture says it."""
    whole = layout.joined
    _, common = _keys(rows, columns, whole)
    if len(rows) == 1:
        held = [key for key in whole.parameters if _held(rows[0], columns[key]) is not None]
        known = [key for key in held if not _repeats(rows, columns[key])]
        common = [*known, *(key for key in common if key not in known)]
    # Columns of options that no table has: bits, where its moduli tell them.
    more = [key for key in _ALWAYS if key in columns and key not in common]
    stated = [key for key in more if _held(rows[0], columns[key]) is not None]
    common = [*(key for key in stated if _agree(rows, columns[key])), *common]
    pairs = _common(common, rows, columns, View())
    return ", ".join(f"{title} = {value}" for title, value in pairs)


def differing(rows: Sequence[Row], columns: Columns, layout: Layout) -> list[str]:
    """Keys of the columns of a table; without those that all rows have in common."""
    keys, _ = _keys(rows, columns, layout.joined)
    return keys


def left_out(tables: Sequence[Arranged], seen_by: str = SEEN_BY) -> str:
    """A line about the columns that there is no room for; empty if there are none."""
    keys = [*dict.fromkeys(key for table in tables for key in table.dropped)]
    more = f" and {len(keys) - _NAMED} more" if len(keys) > _NAMED + 1 else ""
    named = ", ".join(keys[:_NAMED] if more else keys)
    return f"also there, {seen_by}: {named}{more}" if keys else ""


def width_of(columns: Sequence[int]) -> int:
    """Width of a table whose columns are so wide, with two spaces between them."""
    return sum(columns) + 2 * (len(columns) - 1)


def _keys(rows: Sequence[Row], columns: Columns, layout: Layout) -> tuple[list[str], list[str]]:
    """Keys of the columns, and of what stands above as all rows have it in common."""
    filled = {
        key: any(_held(row, columns[key]) is not None for row in rows)
        for key in (*layout.parameters, *layout.results, *layout.fixed)
    }
    keys = [
        key
        for key in (*layout.parameters, *layout.results)
        if key in layout.asked or (filled[key] and not _repeats(rows, columns[key]))
    ]
    fixed = [
        key
        for key in layout.fixed
        if filled[key] and not _repeats(rows, columns[key]) and _agree(rows, columns[key], True)
    ]
    # One row has nothing in common with others.
    parameters = layout.parameters if len(rows) > 1 else ()
    common = [key for key in keys if key in parameters and _agree(rows, columns[key])]
    return [key for key in keys if key not in common], [*common, *fixed]


def _common(
    keys: Sequence[str], rows: Sequence[Row], columns: Columns, view: View
) -> list[tuple[str, str]]:
    return [
        (key if view.keys else columns[key].title, columns[key].shown(_first(rows, key), rows[0]))
        for key in keys
    ]


def _table(
    rows: Sequence[Row], columns: Columns, layout: Layout, width: int | None,
    view: View, form: str, marked: Marked,
) -> Arranged:  # fmt: skip
    keys, common = _keys(rows, columns, layout)
    plain, padded = {}, {}  # the title of a column, and below it its values
    for key in keys:
        column = columns[key]
        cells = [column.shown(row[key], row) for row in rows]
        plain[key] = [key if view.keys else column.title, *cells]
        padded[key] = [plain[key][0], *aligned(cells)]
    dropped = _dropped(padded, layout, width)
    titled = plain if form == "markup" else padded
    shown = {key: cells for key, cells in titled.items() if key not in dropped}
    return Arranged(
        common=_common(common, rows, columns, view),
        titles=[cells[0] for cells in shown.values()],
        cells=[[cells[place] for cells in shown.values()] for place in range(1, len(rows) + 1)],
        left=[isinstance(_first(rows, key), str | tuple) for key in shown],
        dropped=dropped,
        tones=[
            [_tone(columns[key], row, (place, key) in marked) for key in shown]
            for place, row in enumerate(rows)
        ],
        keys=list(shown),
    )


def _dropped(columns: dict[str, list[str]], layout: Layout, width: int | None) -> list[str]:
    """Keys of the columns that there is no room for, first those that matter least."""
    widths = {key: max(map(len, cells)) for key, cells in columns.items()}
    dropped: list[str] = []
    # Two results are left whatever their width.
    others = [key for key in layout.results[:1:-1] if key not in layout.essential]
    for key in (*layout.optional, *others):
        if width is None or width_of([*widths.values()]) <= width:
            break
        if key in widths:
            del widths[key]
            dropped.append(key)
    for key in reversed(dropped):  # a wide one may have made room for others
        needed = max(map(len, columns[key]))
        if width is not None and width_of([*widths.values(), needed]) <= width:
            widths[key] = needed
            dropped.remove(key)
    return dropped


def _lists(
    rows: Sequence[Row], columns: Columns, layout: Layout, width: int | None,
    view: View, marked: Marked,
) -> list[Arranged]:  # fmt: skip
    """A line for each key: there is room for everything; rows side by side, as many as fit."""
    keys, common = _keys(rows, columns, layout)
    if len(rows) == 1:
        every = (*layout.parameters, *layout.fixed, *layout.results)
        asked = [key for key in every if not layout.asked or key in layout.asked]
        keys = [key for key in asked if _held(rows[0], columns[key]) is not None]
        common = []
    lines, tones = [], []
    for key in keys:
        column = columns[key]
        values = [column.shown(row[key], row) for row in rows]
        if any(values):
            named = next(filter(None, values))
            lines.append([key if view.keys else column.name(named), *values])
            tones.append([_tone(column, row, (n, key) in marked) for n, row in enumerate(rows)])
    if not lines:
        return [Arranged(_common(common, rows, columns, view), [], [], [], [], [])]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    parts: list[list[int]] = [[]]
    for place in range(1, len(widths)):
        together = width_of([widths[0], *(widths[one] for one in parts[-1]), widths[place]])
        if parts[-1] and width is not None and not view.wide and together > width:
            parts.append([])
        parts[-1].append(place)
    return [
        Arranged(
            common=_common(common, rows, columns, view),
            titles=[],
            cells=[[line[0], *(line[place] for place in part)] for line in lines],
            left=[True, *(len(rows) == 1 for _ in part)],
            dropped=[],
            tones=[["", *(line[place - 1] for place in part)] for line in tones],
        )
        for part in parts
    ]


def aligned(cells: Sequence[str]) -> list[str]:
    """Numbers with their decimal points one below the other, where all have one unit.

    Examples
    --------
    >>> aligned(["423.4 pJ", "8.021 pJ", "-"])
    ['423.4   pJ', '  8.021 pJ', '  -       ']
    >>> aligned(["423.4 pJ", "0 J"])
    ['423.4 pJ', '  0     ']
    >>> aligned(["423.4 pJ", "8.021 nJ"])
    ['423.4 pJ', '8.021 nJ']
    """
    found = [(cell, "", "") if cell in _NEUTRAL else _parts(cell) for cell in cells]
    parts = [one for one in found if one is not None]
    # A zero has no prefix, and is one in any unit.
    units = {unit for head, tail, unit in parts if unit and (head, tail) != ("0", "")}
    if units:
        parts = [(*one[:2], "") if one[:2] == ("0", "") else one for one in parts]
    numbers = sum(cell not in _NEUTRAL for cell in cells)
    if len(parts) < len(cells) or len(units) > 1 or not numbers:
        return list(cells)
    head = max(len(one[0]) for one in parts)
    tail = max(len(one[1]) for one in parts)
    unit = max(len(one[2]) for one in parts)
    return [f"{one[0]:>{head}}{one[1]:<{tail}}{one[2]:>{unit}}" for one in parts]


def _parts(cell: str) -> tuple[str, str, str] | None:
    """A number before its point, from there on, and its unit."""
    match = _NUMBER.fullmatch(cell)
    return None if match is None else (match[1], match[2], match[3] or "")


def _tone(column: Column, row: Row, is_marked: bool) -> str:
    value = row[column.key]
    if is_marked:
        return "bad"
    return "" if isinstance(value, tuple | list) else column.tones.get(value, "")


def _repeats(rows: Sequence[Row], column: Column) -> bool:
    """Whether a column says nothing new, or nothing but the usual."""
    key, same_as = column.key, column.same_as
    if column.usual is not None and all(row[key] in (column.usual, None) for row in rows):
        return True
    return same_as is not None and all(row[key] in (row.get(same_as), None) for row in rows)


def _agree(rows: Sequence[Row], column: Column, concerns_some: bool = False) -> bool:
    """Whether a parameter is the same in all rows, or in all that it concerns."""
    values = [_held(row, column) for row in rows]
    if column.concerns_some or concerns_some:
        values = [value for value in values if value is not None]
    return all(value == values[0] for value in values)


def _held(row: Row, column: Column) -> object:
    """The value of a row, or the list that it has instead."""
    return column.each(row) if row[column.key] is None else row[column.key]


def _first(rows: Sequence[Row], key: str) -> object:
    return next((row[key] for row in rows if row[key] is not None), None)
