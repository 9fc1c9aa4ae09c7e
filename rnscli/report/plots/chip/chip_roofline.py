"""Rooflines of a chip: how fast each layer is, against what it asks of the memories."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from rnscli.report.plots.chip.chip_runs import (
    LIMIT_COLOURS,
    ChipDesign,
    ChipRuns,
    bare,
    limit_name,
    limit_title,
    on_canvas,
    short,
    shown,
)
from rnscli.report.plots.figure import Canvas, Look, engineering_axis, handle
from rnscli.report.plots.series import number
from rnscli.report.table import Row

# Each memory with the columns of its bytes in a run and in a second.
ROOFS = {
    "DRAM": ("dram_traffic_bytes", "dram_bytes_per_s"),
    "buffer": ("buffer_traffic_bytes", "buffer_bytes_per_s"),
}
Box = tuple[float, float, float, float]
_NAMED = 9  # layers with names, those that take most time


def roofline_points(design: ChipDesign, traffic: str) -> Iterator[tuple[Row, float, float]]:
    """Layers with their MACs for each byte of a memory, and in a second while they take time.

    The intensity of a layer that needs nothing of the memory is infinite. A layer takes at least
    as long as its bytes and its MACs do, so that no point is above a roof.
    """
    for row in design.layers:
        macs, bytes_moved = number(row["macs"]), number(row[traffic])
        time = number(row["time_s"])
        if time:
            yield row, macs / bytes_moved if bytes_moved else math.inf, macs / time


def plot_chip_roofline(runs: ChipRuns, canvas: Canvas) -> bytes:
    """Layers as points under the roofs of arrays, digital units, DRAM and buffer.

    The roofs of a memory need MACs for each byte of it, so that each has a panel of its own. What
    is no roof of these two, such as vector lanes, is in the colours of the points; how near the
    next limit is shows `plot_chip_busy`.
    """

    used = [
        memory
        for memory, (traffic, _) in ROOFS.items()
        if any(one.total[traffic] for one in runs.designs)
    ]

    def draw(picture: Any) -> None:
        shape = (len(runs.designs), max(1, len(used)))
        grid = picture.subplots(*shape, squeeze=False, sharey="row")
        for pair, design in zip(grid, runs.designs, strict=True):
            for axes, memory in zip(pair, used, strict=False):
                if design.total[ROOFS[memory][0]]:
                    _draw_roofs(axes, design, memory, len(used), canvas.look)
                else:
                    axes.text(0.5, 0.5, f"nothing is moved to or from the {memory}", ha="center",
                              va="center", transform=axes.transAxes, fontsize=9)  # fmt: skip
                    axes.set_xticks([])
                    axes.tick_params(which="both", left=False)
                    bare(axes)
            pair[0].set_ylabel("MACs in a second while the layer runs", fontsize=9)
            pair[0].set_title(design.name, fontsize=10, loc="left")
        limits = {str(row["limited_by"]) for one in runs.designs for row in one.layers}
        handles = [
            handle(limit_name(one), colour, marker="o", markersize=6)
            for one, colour in LIMIT_COLOURS.items()
            if one in limits
        ]
        ink = canvas.look.ink
        handles += [
            handle("what its own arrays could do", ink, 1.0, alpha=0.5),
            handle("the network, between two runs", ink, marker="*", markersize=11),
        ]
        picture.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=8,
                      frameon=False)  # fmt: skip

    return on_canvas(draw, canvas, (10.5, 4.9 * len(runs.designs) + 0.4))


def _draw_roofs(axes: Any, design: ChipDesign, memory: str, panels: int, look: Look) -> None:
    traffic, bandwidth = ROOFS[memory]
    total = design.total
    points = list(roofline_points(design, traffic))
    rate, peak = number(total[bandwidth]), number(total["peak_macs_per_s"])
    units = total["digital_peak_macs_per_s"]
    highest = max(peak, number(units) if units is not None else 0.0)
    finite = [x for _, x, _ in points if math.isfinite(x)]
    low = min([*finite, peak / rate]) / 3
    high = max([*finite, highest / rate]) * 4
    bottom = min([y for _, _, y in points] or [peak]) / 3
    axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(bottom, highest * 3))
    axes.plot([low, highest / rate], [low * rate, highest], color=look.ink, linewidth=1.4)
    roofs = {"arrays": (peak, "-")}
    if units is not None:
        roofs["digital units"] = (number(units), "--")
    for name, (top, line) in roofs.items():
        axes.plot([top / rate, high], [top, top], color=look.ink, linewidth=1.4, linestyle=line)
        axes.annotate(f"{name}, {shown(top, 'MAC/s')}", (high, top), xytext=(-2, 3),
                      textcoords="offset points", ha="right", fontsize=8)  # fmt: skip
    longest = max((number(row["time_s"]) for row, *_ in points), default=1.0)
    drawn = set()  # equal layers once: blocks of a network repeat
    for row, x, y in points:
        place = min(x, high / 1.25)
        own = peak * number(row["arrays"]) / number(total["arrays"])
        if (place, y, own, row["time_s"]) in drawn:
            continue
        drawn.add((place, y, own, row["time_s"]))
        colour = LIMIT_COLOURS[str(row["limited_by"])]
        if own > y:
            axes.vlines(place, y, own, color=look.ink, linewidth=0.8, alpha=0.35)
            axes.plot(place, own, "_", color=look.ink, alpha=0.5, markersize=5)
        size = 3.5 + 7.0 * math.sqrt(number(row["time_s"]) / longest)
        said = f"{row['layer']}\n{shown(y, 'MAC/s')}\n{limit_title(str(row['limited_by']))}"
        axes.plot(place, y, "o" if math.isfinite(x) else ">", color=colour, markersize=size,
                  markeredgecolor=look.ink, markeredgewidth=0.4, alpha=0.85, zorder=3,
                  label=said)  # fmt: skip
    whole = number(total["macs"])
    axes.plot(whole / number(total[traffic]), whole / number(total["time_s"]), "*",
              color=look.ink, markersize=13, markeredgewidth=0, zorder=4)  # fmt: skip
    _name_points(axes, points, high / 1.25, panels)
    axes.xaxis.set_major_formatter(engineering_axis(""))
    axes.yaxis.set_major_formatter(engineering_axis("MAC/s"))
    axes.tick_params(labelsize=8)
    axes.grid(visible=True, which="major", alpha=0.2)
    axes.set_xlabel(
        f"MACs for each byte of the {memory}, {engineering_axis('B/s')(rate)}", fontsize=9
    )
    if any(math.isinf(x) for _, x, _ in points):
        axes.annotate(f"▷ nothing of the {memory}", (1.0, 0.01), xycoords="axes fraction",
                      xytext=(-3, 2), textcoords="offset points", ha="right",
                      fontsize=7.5)  # fmt: skip
    bare(axes, "left", "bottom")


def _name_points(
    axes: Any, points: Sequence[tuple[Row, float, float]], edge: float, panels: int
) -> None:
    """Names beside the points that take most time, where they touch nothing."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    places = [
        (
            math.log(min(x, edge) / left) / math.log(right / left),
            math.log(y / bottom) / math.log(top / bottom),
        )
        for _, x, y in points
    ]
    # Boxes of what is there, in shares of the axes.
    taken = [(x - 0.012, x + 0.012, y - 0.014, y + 0.014) for x, y in places]
    named: set[tuple[float, float]] = set()
    for index in sorted(range(len(points)), key=lambda i: -number(points[i][0]["time_s"])):
        name, (x, y) = short(points[index][0]["layer"]), places[index]
        if len(named) == _NAMED or (x, y) in named:
            continue
        wide = 0.0031 * len(name) * panels
        for across, up in (
            (x, y - 0.04),
            (x, y + 0.04),
            (x + wide + 0.02, y),
            (x - wide - 0.02, y),
        ):
            box = (across - wide, across + wide, up - 0.015, up + 0.015)
            if box[0] < 0 or box[1] > 1 or any(_touch(box, other) for other in taken):
                continue
            taken.append(box)
            named.add((x, y))
            axes.text(across, up, name, transform=axes.transAxes, fontsize=6.5, ha="center",
                      va="center", zorder=5)  # fmt: skip
            break


def _touch(one: Box, other: Box) -> bool:
    return one[0] < other[1] and other[0] < one[1] and one[2] < other[3] and other[2] < one[3]
