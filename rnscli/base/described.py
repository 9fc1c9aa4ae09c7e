"""Objects that say what they are: to a terminal in lines, to a notebook in a table."""

import textwrap
from abc import ABC, abstractmethod
from collections.abc import Sequence
from html import escape

_WIDTH = 100
# Of the middle between white and black, so that they are read on both.
_TONES = {"good": "#2b8a3e", "bad": "#e03131", "doubtful": "#c2670a"}
# What a notebook has for tables of data frames is undone; colours are its own.
_STYLE = "".join(
    f".rnscli {selector}{{{rules}}}"
    for selector, rules in {
        "table,.rnscli pre": "font-size:max(12px,.75em)",
        "table": "border-collapse:collapse;margin:0 0 .6em;width:auto;max-width:none",
        "caption": "caption-side:top;text-align:left;padding:.2em .5em;color:inherit;opacity:.85",
        "th,.rnscli td": "padding:.2em .5em;border:0;text-align:right;white-space:pre;"
        "vertical-align:top;color:inherit;background:none",
        ".list td": "white-space:pre-wrap",
        "td": "font-family:ui-monospace,Menlo,Consolas,monospace",
        "thead th": "border-bottom:1px solid currentColor",
        ".left": "text-align:left",
        "pre": "margin:0 .5em;padding:0;color:inherit;background:none;opacity:.85;"
        "white-space:pre-wrap",
    }.items()
)


class Described(ABC):
    """An object with a few facts about it: `str` has them in lines, a notebook in a table."""

    @abstractmethod
    def facts(self) -> list[tuple[str, str]]:
        """Names and values, as people read them."""

    def __str__(self) -> str:
        return facts_text(type(self).__name__, self.facts())

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        cells = [list(fact) for fact in self.facts()]
        return notebook_html([table_html([], cells, [True, True], type(self).__name__)])


def facts_text(title: str, facts: Sequence[tuple[str, str]]) -> str:
    """Lines of names and values below a title."""
    width = max((len(name) for name, _ in facts), default=0)
    lines = [title]
    for name, value in facts:
        start, rest = f"{name:<{width}}  ", " " * (width + 2)
        lines += textwrap.wrap(
            value, _WIDTH, initial_indent=start, subsequent_indent=rest, break_on_hyphens=False
        ) or [start.rstrip()]
    return "\n".join(lines)


def notebook_html(tables: Sequence[str], notes: Sequence[str] = ()) -> str:
    """What a notebook shows: tables, and lines of text below them."""
    text = escape("\n".join(notes).strip("\n"), quote=False)
    below = [f"<pre>{text}</pre>"] if text else []
    lines = [f"<style>{_STYLE}</style>", *tables, *below]
    return '<div class="rnscli" style="overflow-x:auto">\n' + "\n".join(lines) + "\n</div>"


def table_html(
    titles: Sequence[str],
    cells: Sequence[Sequence[str]],
    left: Sequence[bool],
    caption: str = "",
    tones: Sequence[Sequence[str]] | None = None,
) -> str:
    """A table of texts; without titles the first cell of each line is one.

    ``left`` says of each column whether it stands to the left; ``tones`` of cells are as `Column`
    has them.
    """
    sides = [' class="left"' if is_left else "" for is_left in left]
    heads = [f'<th scope="col"{s}>{escape(t)}</th>' for t, s in zip(titles, sides, strict=False)]
    lines = [f"<caption>{escape(caption)}</caption>"] if caption else []
    if heads:
        lines.append(f"<thead><tr>{''.join(heads)}</tr></thead>")
    lines.append("<tbody>")
    toned = tones or [[""] * len(line) for line in cells]
    for line, line_tones in zip(cells, toned, strict=True):
        made = []
        for place, (cell, side, tone) in enumerate(zip(line, sides, line_tones, strict=True)):
            colour = f' style="color:{_TONES[tone]}"' if tone else ""
            name = 'th scope="row"' if place == 0 and not titles else "td"
            made.append(f"<{name}{side}{colour}>{escape(cell)}</{name.partition(' ')[0]}>")
        lines.append(f"<tr>{''.join(made)}</tr>")
    opening = "<table>" if titles else '<table class="list">'
    return "\n".join([opening, *lines, "</tbody>", "</table>"])
