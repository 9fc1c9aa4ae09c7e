"""What more of something brings: chips along what is swept."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from rnscli.report.plots.chip.chip_runs import ChipDesign, ChipRuns, bare, limit_name, on_canvas
from rnscli.report.plots.figure import Canvas, engineering_axis, handle
from rnscli.report.plots.series import distinguishing, label, looks, number

_PANELS = {
    "throughput_per_s": ("inferences in a second", ""),
    "energy_per_inference_j": ("energy of an inference", "J"),
}
# By what limits a chip, as colours are of the cores.
_MARKERS = {
    "array": "o", "converters": "s", "writing": "^", "digital units": "D", "vector lanes": "v",
    "buffer": "P", "dram": "X", "area": "<", "power": "*",
}  # fmt: skip


def sweep_lines(runs: ChipRuns) -> dict[str, list[ChipDesign]]:
    """Chips that differ only in what is along the axis, in its order, by the name of their line."""
    axis = runs.axis
    assert axis is not None
    keys = distinguishing([one.total for one in runs.designs], [k for k in runs.swept if k != axis])
    lines: dict[str, list[ChipDesign]] = {}
    for one in runs.designs:
        lines.setdefault(label(one.total, keys, runs.columns, "core"), []).append(one)
    return {
        name: sorted(found, key=lambda one: number(one.total[axis]))
        for name, found in lines.items()
    }


def plot_chip_sweep(runs: ChipRuns, canvas: Canvas) -> bytes:
    """Throughput and energy along what is swept; a line for each core and whatever else differs.

    Colours are of the cores, and markers say what limits a chip: where they change, more of what
    is swept no longer helps.
    """
    assert runs.axis is not None
    axis, column, lines = runs.axis, runs.columns[runs.axis], sweep_lines(runs)
    designed = {name: [one.total for one in found] for name, found in lines.items()}
    # Markers are for what limits a chip.
    styles = {
        name: {"color": look["color"], "linestyle": look["linestyle"], "linewidth": 1.6}
        for name, look in zip(designed, looks(designed), strict=True)
    }

    def draw(picture: Any) -> None:
        grid = picture.subplots(1, len(_PANELS))
        for axes, (key, (title, unit)) in zip(grid, _PANELS.items(), strict=True):
            for name, designs in lines.items():
                x = [number(one.total[axis]) for one in designs]
                y = [number(one.total[key]) for one in designs]
                style: dict[str, Any] = styles[name]
                axes.plot(x, y, label=name, **style)
                for a, b, one in zip(x, y, designs, strict=True):
                    axes.plot(a, b, _MARKERS[str(one.total["limited_by"])], color=style["color"],
                              markersize=6, markeredgewidth=0)  # fmt: skip
            places = [one.total[axis] for one in runs.designs]
            _scale(axes, column.form, places)
            both = [number(one.total[key]) for one in runs.designs]
            axes.set(xlabel=column.title, yscale="log" if max(both) > 10 * min(both) else "linear")
            if axes.get_yscale() == "linear":
                axes.set_ylim(0, 1.08 * max(both))
            axes.yaxis.set_major_formatter(engineering_axis(unit))
            if max(both) < 100 * min(both):
                axes.yaxis.set_minor_formatter("")
            axes.set_title(title, fontsize=10, loc="left")
            axes.grid(visible=True, which="major", alpha=0.25)
            bare(axes, "left", "bottom")
        picture.suptitle(runs.heading, fontsize=11, x=0.01, ha="left")
        limits = dict.fromkeys(str(one.total["limited_by"]) for one in runs.designs)
        ink = canvas.look.ink
        handles = [_line(name, style) for name, style in styles.items()]
        handles += [
            handle(limit_name(one), ink, marker=_MARKERS[one], markersize=6, alpha=0.7)
            for one in limits
        ]
        picture.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=8.5,
                      frameon=False)  # fmt: skip

    return on_canvas(draw, canvas, (10.5, 4.6))


def _line(name: str, style: dict[str, Any]) -> Any:
    return handle(name, style["color"], style["linewidth"], linestyle=style["linestyle"])


def _scale(axes: Any, form: Callable[[Any], str], places: Sequence[Any]) -> None:
    """Values that were swept at the ticks, on a logarithmic axis where they are far apart."""
    shown = sorted(set(places))
    if shown[0] > 0 and shown[-1] >= 4 * shown[0]:
        axes.set_xscale("log")
    low, high = axes.transData.transform([(shown[0], 1.0), (shown[-1], 1.0)])[:, 0]
    kept: list[Any] = []
    last = -math.inf
    for one in shown:  # values that are next to each other have one tick
        place = axes.transData.transform((one, 1.0))[0]
        if place - last >= 0.09 * (high - low):
            kept.append(one)
            last = place
    axes.set_xticks(kept, [form(one) for one in kept], fontsize=8)
    axes.minorticks_off()
