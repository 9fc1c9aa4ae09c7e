"""Digits that align, and Markdown and lists of what tables have."""

import re
from html import unescape
from typing import Annotated

from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from rnscli.base.columns import Column, column_of, number
from rnscli.base.units import engineering
from rnscli.report.arranged import aligned
from rnscli.report.layout import Layout, Row, View
from rnscli.report.table import table_text

QUICK = settings(max_examples=60, deadline=None, derandomize=True)
FLOATS = st.floats(-1e8, 1e8)


def columns_named(*keys: str) -> dict[str, Column]:
    return {key: column_of(Annotated[object, Column("Made up.", key, str)], key) for key in keys}


@QUICK
@given(st.lists(FLOATS, min_size=1, max_size=8))
def test_points_stand_below_one_another(values: list[float]) -> None:
    cells = [number(value) for value in values]
    found = aligned([*cells, "-"])
    assert [cell.strip() for cell in found] == [*cells, "-"]
    assert len({len(cell) for cell in found}) == 1
    ends = [re.match(r" *(-?\d+|-)", cell) for cell in found]
    assert len({end.end() for end in ends if end}) == 1


@QUICK
@given(st.lists(st.floats(1e-13, 1e-7), min_size=2, max_size=8))
def test_quantities_align_where_they_have_one_prefix(values: list[float]) -> None:
    cells = [engineering(value, "J") for value in values]
    found = aligned(cells)
    if len({cell[-2:] for cell in cells}) > 1:
        assert found == cells
    else:
        assert len({cell.index(".") for cell in found}) == 1
        assert all(cell.endswith(cells[0][-2:]) for cell in found)


def test_texts_and_intervals_stay_as_they_are() -> None:
    for cells in (["0.1 .. 0.2", "0.15"], ["1 - 2.00e-05", "0.5"], ["full", "-"], ["-", "-"]):
        assert aligned(cells) == cells


@QUICK
@given(st.lists(st.text(st.characters(codec="ascii", exclude_categories=["C"]), max_size=9),
                min_size=2, max_size=2))  # fmt: skip
def test_markdown_renders_what_the_cells_are(texts: list[str]) -> None:
    # No value begins or ends with a space, and one of nothing but dashes is no text.
    texts = [f"a{text}b" for text in texts]
    rows: list[Row] = [{"name": text, "place": n} for n, text in enumerate(texts)]
    layout = Layout((), ("name", "place"), asked=("name",))
    markdown = table_text(rows, columns_named("name", "place"), layout, "markdown")
    html = MarkdownIt("gfm-like", {"linkify": False}).render(markdown)
    cells = re.findall(r"<td[^>]*>(.*?)</td>", html)
    assert [unescape(cell).split() for cell in cells[::2]] == [text.split() for text in texts]
    assert cells[1::2] == ["0", "1"] and html.count("<table>") == 1
    assert 'style="text-align:right"' in html  # numbers


def test_rows_side_by_side() -> None:
    rows: list[Row] = [{"name": f"n{n:02}", "a": n, "b": 1} for n in range(30)]
    text = table_text(rows, columns_named("name", "a", "b"), Layout(("name",), ("a", "b")), "list")
    blocks = text.rstrip("\n").split("\n\n")
    assert len(blocks) > 1 and max(map(len, text.splitlines())) <= 100
    names = [name for block in blocks for name in block.splitlines()[0].split()[1:]]
    assert names == [row["name"] for row in rows]
    assert all([line.split()[0] for line in block.splitlines()] == ["name", "a", "b"]
               for block in blocks)  # fmt: skip


def test_rows_are_sorted_by_what_was_asked() -> None:
    rows: list[Row] = [
        {"name": "layer10", "p": 0.1, "moduli": (3, 2)},
        {"name": "layer2", "p": None, "moduli": (5, 4)},
        {"name": "layer2", "p": 0.2, "moduli": None},
    ]

    def places(*keys: str) -> list[int]:
        return [rows.index(row) for row in View(sort=keys).arranged(rows)]

    assert places("name") == [1, 2, 0] and places("-name") == [0, 1, 2]
    assert places("p") == [0, 2, 1] and places("-p") == [2, 0, 1]
    assert places("name", "-p") == [2, 1, 0] and places("-moduli") == [1, 0, 2]
