"""What keeps each layer of a chip waiting: how long it needs every part."""

from collections.abc import Sequence
from typing import Any

from rnscli.analysis import CHIP_BUSY_PARTS
from rnscli.report.plots.chip.chip_runs import (
    LIMIT_COLOURS,
    ROW,
    ChipDesign,
    ChipRuns,
    bare,
    draw_times,
    limit_name,
    name_layers,
    on_canvas,
    patch,
    shown,
    values,
)
from rnscli.report.plots.figure import Canvas, Look, engineering_axis
from rnscli.report.plots.series import number
from rnscli.report.table import Row

_ARRAYS = ("compute_time_s", "write_time_s")
_HEADS = (
    "arrays\ncompute", "arrays are\nwritten", "digital\nunits", "vector\nlanes", "buffer", "DRAM"
)  # fmt: skip


def busy_shares(design: ChipDesign) -> list[list[float]]:
    """Shares of a time for which each layer keeps each part busy, and the chip in the last row.

    Of layers that take turns it is the share of the layer's own time: what limits it has 1. Where
    they work at the same time it is that of the time between two runs, so that shares of what all
    need add up to those of the chip; its arrays are then those of the busiest layer.
    """
    total = dict(design.total)
    time = number(total["time_s"])
    if total["schedule"] != "pipelined":
        shares = [_of_row(row, number(row["time_s"])) for row in design.layers]
        return [*shares, _of_row(total, time)]
    busiest = max(design.layers, key=lambda row: sum(values([row], k)[0] for k in _ARRAYS))
    total |= {key: busiest[key] for key in _ARRAYS}
    return [_of_row(row, time) for row in (*design.layers, total)]


def _of_row(row: Row, time: float) -> list[float]:
    return [values([row], key)[0] / time if time else 0.0 for key in CHIP_BUSY_PARTS]


def plot_chip_busy(runs: ChipRuns, canvas: Canvas) -> bytes:
    """A matrix of layers and parts: the share of a time that a layer needs each for.

    A roofline has the intensities of one memory along its axis, and a chip has seven roofs with
    five intensities: vector work and products on digital units are no MACs of the arrays. This
    shows all roofs at once, which is reached, and how far away the next is. Where the last row is
    dark, more of that part makes the chip faster; what is light there could be smaller.
    """
    most = runs.most_layers + 1
    height = min(ROW, 12.0 / most)

    def draw(picture: Any) -> None:
        grid = picture.subplots(
            len(runs.designs), 2, squeeze=False, gridspec_kw={"width_ratios": (5, 3)}
        )
        for pair, design in zip(grid, runs.designs, strict=True):
            _draw_matrix(pair[0], design, height, canvas.look)
            _draw_times(pair[1], design)
        limits = {str(row["limited_by"]) for one in runs.designs for row in one.layers}
        handles = [
            patch(limit_name(one), colour) for one, colour in LIMIT_COLOURS.items() if one in limits
        ]
        picture.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=8,
                      frameon=False)  # fmt: skip

    return on_canvas(draw, canvas, (9.5, (1.3 + height * most) * len(runs.designs)))


def _draw_matrix(axes: Any, design: ChipDesign, height: float, look: Look) -> None:
    shares = busy_shares(design)
    # Blue over the paper, whatever its colour.
    for place, row in enumerate(shares):
        for column, share in enumerate(row):
            if share < 0.005:
                continue
            axes.barh(place, 0.94, left=column - 0.47, height=0.92, color="#0072B2",
                      alpha=min(1.0, 0.08 + 0.92 * share), linewidth=0)  # fmt: skip
            if height > 0.1:
                dark = share > 0.5
                axes.text(column, place, f"{100 * share:.0f} %", ha="center", va="center",
                          fontsize=6, color="white" if dark else look.ink)  # fmt: skip
    name_layers(axes, [*(row["layer"] for row in design.layers), "all, of a run"], height)
    axes.axhline(len(shares) - 1.5, color=look.ink, linewidth=0.8)
    axes.set_xlim(-0.5, len(_HEADS) - 0.5)
    axes.set_xticks(range(len(_HEADS)), _HEADS, fontsize=8)
    axes.xaxis.tick_top()
    axes.tick_params(axis="x", length=0)
    in_turn = design.total["schedule"] != "pipelined"
    of = "of its time" if in_turn else "of the time between two runs"
    said = f"{design.name}: share {of} for which a layer keeps each part busy"
    axes.set_title(said, fontsize=9.5, loc="left")
    bare(axes)


def _draw_times(axes: Any, design: ChipDesign) -> None:
    rows: Sequence[Row] = [*design.layers, design.total]
    layers = rows[:-1]
    draw_times(axes, layers)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks([])
    axes.xaxis.set_major_formatter(engineering_axis("s"))
    axes.locator_params(axis="x", nbins=4)
    axes.tick_params(axis="x", labelsize=8)
    axes.grid(visible=True, axis="x", alpha=0.25)
    axes.set_axisbelow(True)
    axes.set_xlabel("time in a run", fontsize=9)
    total = design.total
    between = shown(number(total["time_s"]), "s")
    axes.text(0.02, len(layers), f"{between} between two runs, {limit_name(total['limited_by'])}",
              transform=axes.get_yaxis_transform(), va="center", fontsize=7)  # fmt: skip
    bare(axes, "left", "bottom")
