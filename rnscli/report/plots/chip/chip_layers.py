"""Energy and time of a chip, layer by layer."""

from collections.abc import Sequence
from typing import Any

from rnscli.analysis import ChipRow
from rnscli.base import columns_of
from rnscli.report.plots.chip.chip_runs import (
    ENERGY_COLOURS,
    LIMIT_COLOURS,
    ROW,
    ChipDesign,
    ChipRuns,
    Part,
    bare,
    draw_times,
    limit_title,
    name_layers,
    on_canvas,
    patch,
    stacked,
    values,
)
from rnscli.report.plots.figure import Canvas, Look, engineering_axis
from rnscli.report.plots.series import number


def plot_chip_layers(runs: ChipRuns, canvas: Canvas) -> bytes:
    """Energy of each layer by its parts, and its time by what limits it; a row for each chip.

    Layers run from top to bottom in the order of the network, so that fifty and more can be read.
    """
    most = runs.most_layers
    height = min(ROW, 12.0 / most)

    def draw(picture: Any) -> None:
        grid = picture.subplots(
            len(runs.designs), 2, squeeze=False, gridspec_kw={"width_ratios": (3, 2)}
        )
        for pair, design in zip(grid, runs.designs, strict=True):
            _draw_design(pair, design, height, canvas.look)
        layers = [row for design in runs.designs for row in design.layers]
        parts = [
            patch(runs.title(key), colour)
            for key, colour in ENERGY_COLOURS.items()
            if any(values(layers, key))
        ]
        limits = dict.fromkeys(str(row["limited_by"]) for row in layers)
        names = [
            patch(limit_title(one), LIMIT_COLOURS[one]) for one in LIMIT_COLOURS if one in limits
        ]
        _legend_below(grid[-1][0], parts, "energy")
        _legend_below(grid[-1][1], names, "time, limited by")

    return on_canvas(draw, canvas, (9.5, (1.1 + height * most) * len(runs.designs) + 0.7))


def _draw_design(pair: Sequence[Any], design: ChipDesign, height: float, look: Look) -> None:
    energy, time = pair
    layers, total = design.layers, design.total
    places = range(len(layers))
    columns = columns_of(ChipRow)
    parts = [
        Part(columns[key].title, colour, values(layers, key))
        for key, colour in ENERGY_COLOURS.items()
    ]
    stacked(energy, places, [part for part in parts if any(part.widths)])
    draw_times(time, layers)
    if total["schedule"] == "pipelined":
        between = number(total["time_s"])
        time.axvline(between, color=look.ink, linewidth=0.9, linestyle=(0, (4, 2)))
        time.set_title("dashed: between two runs", fontsize=7.5, loc="right")
    name_layers(energy, [row["layer"] for row in layers], height)
    time.set_yticks([])
    for axes in pair:
        axes.locator_params(axis="x", nbins=5)
        axes.set_ylim(len(layers) - 0.5, -0.5)
        axes.tick_params(axis="x", labelsize=8)
        axes.grid(visible=True, axis="x", alpha=0.25)
        axes.set_axisbelow(True)
        bare(axes, "left", "bottom")
    energy.xaxis.set_major_formatter(engineering_axis("J"))
    time.xaxis.set_major_formatter(engineering_axis("s"))
    energy.set_xlabel("energy in a run", fontsize=9)
    time.set_xlabel("time in a run", fontsize=9)
    energy.set_title(design.name, fontsize=10, loc="left")


def _legend_below(axes: Any, handles: Sequence[Any], title: str) -> None:
    axes.legend(
        handles=handles, title=title, loc="upper left", ncols=4, fontsize=7.5, title_fontsize=8,
        bbox_to_anchor=(0.0, -0.55 / axes.figure.get_figheight() * 1.0), frameon=False,
        alignment="left", borderaxespad=0.0, columnspacing=1.2, handlelength=1.2,
    )  # fmt: skip
