"""What all pictures share; matplotlib is an extra and loaded only here."""

import importlib
import io
import math
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

from rnscli.base import InputError, install_command
from rnscli.core import CORES
from rnscli.report.layout import Columns, Row
from rnscli.report.plots.marks import marks_of

# Okabe and Ito's palette, which colour-blind readers can tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
LINES = ("-", "--", ":", "-.")
MARKERS = "osd^vP*X"


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


PLAIN = Look()


@dataclass(frozen=True)
class Canvas:
    """What a picture is drawn on, and where its words come from.

    Parameters
    ----------
    file_format
        ``png``, ``svg`` or ``pdf``.
    fixed
        What is the same of all that is drawn, in words; it stands above the picture.
    columns
        All columns of the rows, those of the options among them.
    swept
        Names of the options with several values, where they are known.
    look
        Its colours, but for those of data.
    marks
        Whether an SVG says the values of a point that a reader points at.
    """

    file_format: str
    fixed: str = ""
    columns: Columns = field(default_factory=dict)
    swept: tuple[str, ...] = ()
    look: Look = PLAIN
    marks: bool = False


Plot = Callable[[Sequence[Row], Canvas], bytes]  # draws rows

# Settings of everything that would be black, or white.
_INKS = (
    "text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color", "grid.color"
)  # fmt: skip
_LETTERS_OF_AN_INCH = 11.5  # of the line of what is fixed
_LINE = 0.16  # inches of each of its lines
_PAPERS = ("figure.facecolor", "axes.facecolor", "savefig.facecolor")


def figure(
    draw: Callable[..., None],
    canvas: Canvas,
    panels: tuple[float, ...] = (1.0,),
    size: tuple[float, float] = (8, 5),
) -> bytes:
    """A picture with panels of these heights below each other, of which ``draw`` gets each.

    ``size`` is that of a panel of height 1, in inches.
    """
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    ink, paper = canvas.look.ink, canvas.look.paper
    # The same rows give the same bytes: no date, no random ids.
    settings = {"svg.hashsalt": "rnscli", "svg.fonttype": "none", "hatch.linewidth": 0.7}
    settings |= dict.fromkeys(_INKS, ink) | dict.fromkeys(_PAPERS, paper)
    with matplotlib.rc_context(settings):
        lines = textwrap.wrap(canvas.fixed, int(size[0] * _LETTERS_OF_AN_INCH))
        height = size[1] * sum(panels) + _LINE * len(lines)
        picture = Figure(figsize=(size[0], height), layout="constrained")
        axes = picture.subplots(len(panels), squeeze=False, height_ratios=panels)[:, 0]
        for panel in axes:
            panel.grid(visible=True, which="major", alpha=0.15)
            panel.set_axisbelow(True)
        # Before all else, as it takes room.
        look: dict[str, Any] = {"fontsize": 8, "x": 0.01, "ha": "left"}
        if lines:
            picture.suptitle("\n".join(lines), **look)
        draw(*axes)
        heading = picture.get_suptitle()
        if lines and heading != "\n".join(lines):  # the picture has one of its own
            picture.suptitle("\n".join([*([heading] if heading else []), *lines]), **look)
        for text in picture.findobj(Text):  # names are no mathematics
            if "$" in text.get_text() and "\\math" not in text.get_text():
                text.set_parse_math(False)
        content = io.BytesIO()
        metadata = {"svg": {"Date": None, "Creator": None}, "pdf": {"CreationDate": None}}
        kept = metadata.get(canvas.file_format)
        picture.savefig(content, format=canvas.file_format, dpi=150, metadata=kept)
        written = content.getvalue()
        if canvas.marks:
            written = written.replace(b"</svg>", _marked(picture).encode() + b"</svg>")
    return written


def _marked(picture: Any) -> str:
    """Circles that are not seen, with titles that browsers show."""
    circles = "".join(
        f'<circle class="mark" cx="{one.x:.2f}" cy="{one.y:.2f}" r="5">'
        f"<title>{escape(one.text)}</title></circle>\n"
        for one in marks_of(picture)
    )
    return f'<g class="marks" style="fill-opacity: 0">\n{circles}</g>\n'


def engineering_axis(unit: str) -> Any:
    """A formatter of ticks with engineering prefixes."""
    from matplotlib.ticker import EngFormatter

    return EngFormatter(unit=unit)


SIZE = (5.6, 4.0)  # small, so that the text is large where the picture fills a phone
# By the place of a core among all of them, so that it looks the same in every picture.
CORE_COLOURS = {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(CORES)}
CORE_MARKERS = {name: MARKERS[place % len(MARKERS)] for place, name in enumerate(CORES)}
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
