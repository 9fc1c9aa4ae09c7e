"""What all pictures share; matplotlib is an extra and loaded only here."""

import importlib
import io
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rnscli.base import InputError, install_command
from rnscli.core import CORES
from rnscli.report.table import Columns, Row

# Okabe and Ito's palette, which colour-blind readers can tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
LINES = ("-", "--", ":", "-.")


def check_number(count: int, highest: int, what: str) -> None:
    """Refuse more series than a reader can tell apart."""
    if count > highest:
        raise InputError(
            f"--plot would draw {count} {what}; sweep less: at most {highest} can be told apart"
        )


def check_available(option: str = "--plot", modules: Sequence[str] = ("matplotlib",)) -> None:
    """Refuse an option whose picture or page needs a module that is not installed."""
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError:
            raise InputError(
                f"{option} needs {module}; install it with: {install_command('rnscli[plot]')}"
            ) from None


@dataclass(frozen=True)
class Look:
    """Colours of lines and text, and of what is behind them."""

    ink: str = "black"
    paper: str = "white"


# Settings of everything that would be black, or white.
_INKS = (
    "text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color", "grid.color"
)  # fmt: skip
_PAPERS = ("figure.facecolor", "axes.facecolor", "savefig.facecolor")


def figure(
    draw: Callable[..., None],
    file_format: str,
    panels: tuple[float, ...] = (1.0,),
    size: tuple[float, float] = (8, 5),
    look: Look | None = None,
) -> bytes:
    """A picture with panels of these heights below each other, of which ``draw`` gets each.

    ``size`` is that of a panel of height 1, in inches.
    """
    import matplotlib
    from matplotlib.figure import Figure

    # The same rows give the same bytes: no date, no random ids.
    settings = {"svg.hashsalt": "rnscli", "svg.fonttype": "none"}
    if look is not None:
        settings |= dict.fromkeys(_INKS, look.ink) | dict.fromkeys(_PAPERS, look.paper)
    with matplotlib.rc_context(settings):
        picture = Figure(figsize=(size[0], size[1] * sum(panels)), layout="constrained")
        axes = picture.subplots(len(panels), squeeze=False, height_ratios=panels)[:, 0]
        for panel in axes:
            panel.grid(visible=True, which="major", alpha=0.3)
            panel.set_axisbelow(True)
        draw(*axes)
        content = io.BytesIO()
        metadata = {"svg": {"Date": None, "Creator": None}, "pdf": {"CreationDate": None}}
        picture.savefig(content, format=file_format, dpi=150, metadata=metadata.get(file_format))
    return content.getvalue()


def series_style(colour: int, line: int) -> dict[str, str]:
    """Colour and line of a series, by number."""
    return {"color": COLOURS[colour % len(COLOURS)], "linestyle": LINES[line % len(LINES)]}


def distinguishing(rows: Sequence[Row], keys: Sequence[str]) -> list[str]:
    """Of these keys, the first ones that tell apart all rows that any of them tells apart."""
    chosen: list[str] = []
    apart = 1
    for key in keys:
        with_key = len({tuple(str(row[k]) for k in [*chosen, key]) for row in rows})
        if with_key > apart:
            chosen.append(key)
            apart = with_key
    return chosen


def label(row: Row, keys: Sequence[str], columns: Columns, otherwise: str = "") -> str:
    """Values of a row that it has, each with its title unless it is a name.

    That of the column ``otherwise`` where there are none.
    """
    keys = [key for key in keys if row[key] is not None] or [otherwise] * bool(otherwise)
    return ", ".join(
        str(row[key])
        if isinstance(row[key], str)
        else f"{columns[key].title} {columns[key].shown(row[key])}"
        for key in keys
    )


def with_same_p(rows: Sequence[Row]) -> list[Row]:
    """Rows in which the probabilities that laws of the noise were given alike are equal.

    A law whose own level is another one has it but for the last digits, which no picture shows.
    """
    return [
        row if row["p"] is None else {**row, "p": float(f"{number(row['p']):.9g}")} for row in rows
    ]


def number(value: object) -> float:
    """A value of a row that is a number."""
    assert isinstance(value, int | float)
    return float(value)


def engineering_axis(unit: str) -> Any:
    """A formatter of ticks with engineering prefixes."""
    from matplotlib.ticker import EngFormatter

    return EngFormatter(unit=unit)


PLAIN = Look()
SIZE = (5.6, 4.0)  # small, so that the text is large where the picture fills a phone
# By the place of a core among all of them, so that it looks the same in every picture.
CORE_COLOURS = {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(CORES)}
CORE_MARKERS = {name: "osd^vP*X"[place % 8] for place, name in enumerate(CORES)}
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def powers(axis: Any) -> None:
    """Plain powers of ten at the ticks, which need no font of mathematics."""

    def power(value: float, place: int) -> str:
        return "10" + str(round(math.log10(value))).translate(_SUPERSCRIPTS)

    axis.set_major_formatter(power)
    axis.set_minor_formatter("")


def clean(axes: Any, top: Any = None) -> None:
    """Nothing but the axes that are read, and a grid that stays behind the data."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(visible=True, which="major", alpha=0.15)
    if top is not None:
        top.spines["top"].set_visible(False)
        top.tick_params(length=0)


def legend_above(axes: Any, handles: Sequence[Any]) -> None:
    """A legend in one line over the picture."""
    look: dict[str, Any] = {"loc": "outside upper center", "frameon": False, "handlelength": 1.4}
    axes.figure.legend(handles=handles, ncols=len(handles), **look)


def handle(name: str, colour: str, linewidth: float = 0.0, **look: Any) -> Any:
    """A line or marker of a legend."""
    from matplotlib.lines import Line2D

    return Line2D([], [], color=colour, label=name, linewidth=linewidth, **look)


# In a web page, a picture takes its font and colours, light or dark. These stand for those of the
# page; nothing else has them.
PLACEHOLDERS = Look(ink="#010203", paper="#fdfcfb")
# The variables of the page's style that take the place of colours.
_VARIABLES = {
    PLACEHOLDERS.ink: "currentColor",
    PLACEHOLDERS.paper: "var(--paper)",
    **{colour.lower(): f"var(--series-{n})" for n, colour in enumerate(COLOURS, start=1)},
}
_SVG = "{http://www.w3.org/2000/svg}"
_XLINK_HREF = "{http://www.w3.org/1999/xlink}href"


def inline_svg(name: str, draw: Callable[[Look], bytes], label: str) -> str:
    """A picture as an element of a page, which says how large it is.

    ``name`` is the prefix of all ids in it, so that pictures of a page do not share any; ``draw``
    draws it as SVG in colours of ink and paper; ``label`` is for those who cannot see it.
    """
    from xml.etree import ElementTree  # which commands without a page do not need

    root = ElementTree.fromstring(draw(PLACEHOLDERS))
    for child in root.findall(f"{_SVG}metadata"):
        root.remove(child)
    for definitions in root.iter(f"{_SVG}defs"):
        for style_sheet in definitions.findall(f"{_SVG}style"):  # it would be one of the page
            definitions.remove(style_sheet)
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        if identity := element.get("id"):
            element.set("id", f"{name}-{identity}")
        if target := element.attrib.pop(_XLINK_HREF, None):
            element.set("href", target.replace("#", f"#{name}-"))
        if clip := element.get("clip-path"):
            element.set("clip-path", clip.replace("#", f"#{name}-"))
        if style := element.get("style"):
            style = re.sub(r"font-family:[^;]*;?\s*", "", style)
            style = style.replace("url(#", f"url(#{name}-")  # of hatches
            themed = re.sub(r"#[0-9a-f]{6}", lambda hit: _VARIABLES.get(hit[0], hit[0]), style)
            element.set("style", themed)
    root.attrib = {"viewBox": root.attrib["viewBox"], "role": "img", "aria-label": label}
    return ElementTree.tostring(root, encoding="unicode")
