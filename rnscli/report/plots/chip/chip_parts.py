"""Where the area, the energy and the time of chips go, chip by chip."""

import math
from collections.abc import Sequence
from typing import Any

from rnscli.report.plots.chip.chip_runs import (
    AREA_COLOURS,
    AREA_NAMES,
    BLUE,
    DARK,
    ENERGY_COLOURS,
    GREEN,
    LIMIT_COLOURS,
    ON_COLOUR,
    PURPLE,
    RED,
    ChipDesign,
    ChipRuns,
    Part,
    bare,
    limit_title,
    on_canvas,
    patch,
    shown,
    stacked,
    values,
)
from rnscli.report.plots.figure import Canvas, engineering_axis
from rnscli.report.plots.series import number

Parts = dict[str, float]
_DARK_COLOURS = (BLUE, GREEN, RED, PURPLE, DARK)


def area_parts(design: ChipDesign) -> Parts:
    """Area in mm^2, by keys of rows."""
    return {key: values([design.total], key)[0] * 1e6 for key in AREA_COLOURS}


def energy_parts(design: ChipDesign) -> Parts:
    """Energy of an inference in J, by keys of rows."""
    batch = number(design.total["batch"])
    return {key: values([design.total], key)[0] / batch for key in ENERGY_COLOURS}


def time_parts(design: ChipDesign) -> Parts:
    """Time between two inferences in s, by what limits it.

    Layers that take turns add up to it, each with what limits it; of those that work at the same
    time one limit takes all of it. What a chip rests to keep a power is with that limit.
    """
    total, batch = design.total, number(design.total["batch"])
    time, limit = number(total["time_s"]), str(total["limited_by"])
    if total["schedule"] == "pipelined":
        return {limit: time / batch}
    found = dict.fromkeys(LIMIT_COLOURS, 0.0)
    for row in design.layers:
        found[str(row["limited_by"])] += number(row["time_s"]) / batch
    rest = time / batch - math.fsum(found.values())
    if rest > 1e-9 * time:
        found[limit] += rest
    return {key: value for key, value in found.items() if value}


def plot_chip_parts(runs: ChipRuns, canvas: Canvas) -> bytes:
    """A bar for each chip in three panels: area, energy and time, each by its parts."""
    panels = (
        ("area", "mm²", area_parts, AREA_COLOURS),
        ("energy of an inference", "J", energy_parts, ENERGY_COLOURS),
        ("time of an inference, by what limits it", "s", time_parts, LIMIT_COLOURS),
    )

    def draw(picture: Any) -> None:
        picture.suptitle(runs.heading, fontsize=11, x=0.01, ha="left")
        picture.get_layout_engine().set(h_pad=0.12)  # fonts of a page are larger
        grid = picture.subplots(1, 3, sharey=True)
        names = [one.name.replace(", ", ",\n", 1) for one in runs.designs]
        for axes, (title, unit, parts_of, colours) in zip(grid, panels, strict=True):
            parts = [parts_of(one) for one in runs.designs]
            used = [key for key in colours if any(one.get(key) for one in parts)]
            places = range(len(parts))
            bars = [Part(_title(runs, k), colours[k], [p.get(k, 0.0) for p in parts]) for k in used]
            totals = [math.fsum(one.values()) for one in parts]
            stacked(axes, places, bars)
            _write_shares(axes, bars, 1.3 * max(totals))
            _write_totals(axes, totals, unit)
            axes.set_title(title, fontsize=9.5, loc="left")
            axes.set_yticks(places, names, fontsize=8.5)
            axes.set_ylim(len(names) - 0.4, -0.6)
            handles = [patch(_title(runs, key), colours[key]) for key in used]
            axes.legend(handles=handles, loc="upper left", ncols=2, fontsize=8, frameon=False,
                        bbox_to_anchor=(0.0, -0.42 / axes.figure.get_figheight() * 2),
                        borderaxespad=0.0, handlelength=1.2, columnspacing=1.0)  # fmt: skip
            bare(axes, "left", "bottom")

    return on_canvas(draw, canvas, (11.5, 2.1 + 0.55 * len(runs.designs)))


def _title(runs: ChipRuns, key: str) -> str:
    if key in LIMIT_COLOURS:
        return limit_title(key)
    return AREA_NAMES.get(key) or runs.title(key)


def _write_shares(axes: Any, parts: Sequence[Part], highest: float) -> None:
    """In each part the share that it has of its bar, where there is room."""
    totals = [math.fsum(widths) for widths in zip(*(one.widths for one in parts), strict=True)]
    left = [0.0] * len(totals)
    for _, colour, widths in parts:
        dark = colour in _DARK_COLOURS
        for place, (low, width, total) in enumerate(zip(left, widths, totals, strict=True)):
            if width > 0.08 * highest:
                axes.text(low + width / 2, place, f"{100 * width / total:.0f} %", ha="center",
                          va="center", fontsize=7.5,
                          color="white" if dark else ON_COLOUR)  # fmt: skip
        left = [low + width for low, width in zip(left, widths, strict=True)]


def _write_totals(axes: Any, totals: Sequence[float], unit: str) -> None:
    for place, total in enumerate(totals):
        text = f"{total:.4g} {unit}" if unit == "mm²" else shown(total, unit)
        axes.annotate(text, (total, place), xytext=(3, 0), textcoords="offset points",
                      va="center", fontsize=8)  # fmt: skip
    axes.set_xlim(0, max(totals) * 1.3 or 1.0)
    axes.locator_params(axis="x", nbins=4)
    axes.tick_params(axis="x", labelsize=8)
    axes.grid(visible=True, axis="x", alpha=0.25)
    axes.set_axisbelow(True)
    if unit == "mm²":
        axes.set_xlabel("mm²", fontsize=9)
    else:
        axes.xaxis.set_major_formatter(engineering_axis(unit))
