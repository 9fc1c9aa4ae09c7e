"""What pictures of results have in common: colours of cores, axes and legends."""

import math
from collections.abc import Sequence
from typing import Any

from rnscli.report.figure import COLOURS, Look

PLAIN = Look()
SIZE = (5.6, 4.0)  # small, so that the text is large where the picture fills a phone
CORE_COLOURS = {
    "rns": COLOURS[0],
    "fixed-lp": COLOURS[1],
    "fixed-hp": COLOURS[2],
    "bit-sliced": COLOURS[3],
}
CORE_MARKERS = {"rns": "o", "fixed-lp": "s", "fixed-hp": "d", "bit-sliced": "^"}
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def powers(axis: Any) -> None:
    """Plain powers of ten at the ticks, which need no font of mathematics."""
    from matplotlib.ticker import FuncFormatter

    def power(value: float, place: int) -> str:
        return "10" + str(round(math.log10(value))).translate(_SUPERSCRIPTS)

    axis.set_major_formatter(FuncFormatter(power))
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
    axes.figure.legend(
        handles=handles, loc="outside upper center", ncols=len(handles), frameon=False,
        handlelength=1.4,
    )  # fmt: skip


def handle(name: str, colour: str, linewidth: float = 0.0, **look: Any) -> Any:
    """A line or marker of a legend."""
    from matplotlib.lines import Line2D

    return Line2D([], [], color=colour, label=name, linewidth=linewidth, **look)
