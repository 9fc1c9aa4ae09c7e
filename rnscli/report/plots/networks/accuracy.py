"""Pictures of networks: a panel for each, one legend for all; their accuracy on cores."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rnscli.analysis import METRICS, AccuracyRow
from rnscli.base import InputError, columns_of
from rnscli.report.plots.figure import Canvas, figure
from rnscli.report.plots.series import (
    ALONG,
    check_panels,
    grouped,
    looks,
    most_swept,
    number,
    scale,
    with_same_p,
)
from rnscli.report.table import Row

# What may tell lines apart, in the order in which a label says it.
OF_CORES = (
    "core", "bits", "vector_size", "input_bits", "weight_bits", "granularity", "scales",
    "input_scale", "rounding", "redundant", "attempts", "noise", "p", "sigma", "decoder",
    "slice_bits", "adc_bits", "adc_range", "calibration", "percentile", "calibration_samples",
    "moduli",
)  # fmt: skip


OF_GRADIENTS = ("input_gradient_bits", "weight_gradient_bits", "gradient_rounding")


def panels_of_networks(
    rows: Sequence[Row],
    draw: Callable[[Any, str], None],
    labels: tuple[str, str],
    canvas: Canvas,
    has_legend: bool = True,
) -> bytes:
    """A panel for each network, below each other; ``draw`` gets one with the name of its network.

    ``labels`` are those of both axes.
    """
    models = list(dict.fromkeys(str(row["model"]) for row in rows)) or [""]

    def draw_all(*panels: Any) -> None:
        handles: dict[str, Any] = {}
        for axes, model in zip(panels, models, strict=True):
            draw(axes, model)
            axes.set_title(model, fontsize=10, loc="left")
            axes.set_ylabel(labels[1])
            found, names = axes.get_legend_handles_labels()
            handles |= dict(zip(names, found, strict=True)) if has_legend else {}
        panels[-1].set_xlabel(labels[0])
        if len(handles) > 1:
            panels[0].figure.legend(
                handles.values(), handles, fontsize=8, loc="outside right upper"
            )

    heights = (1.0,) if len(models) == 1 else (0.6,) * len(models)
    return figure(draw_all, canvas, heights)


_ALONG = ("bits", "vector_size", "p", "sigma", "redundant", "attempts", "samples")
_SHARE = 0.99  # of FP32, which designs are most often required to keep


def check_plot(points: Sequence[Mapping[str, Any]]) -> None:
    """Refuse more panels and lines than can be told apart, by the points of a sweep."""
    rows: list[Row] = [dict(point) for point in points]
    metrics = sorted({str(row["metric"]) for row in rows})
    if len(metrics) > 1:
        raise InputError(
            f"a plot has one metric, and --metric names {', '.join(metrics)}; name one of them"
        )
    along, models = most_swept(rows, _ALONG), {row["model"] for row in rows}
    lines = {tuple(str(row[key]) for key in row if key not in (along, "model")) for row in rows}
    check_panels(len(models), len(lines))


def plot_accuracy(rows: Sequence[Row], canvas: Canvas) -> bytes:
    """A panel for each network, a line for each core, with 95 % intervals.

    Where nothing is swept that could be along an axis, a point for each core. A metric that is
    told against FP32 itself, and has no ratio, is drawn as it is.
    """
    metric = str(rows[0]["metric"])
    shown = "relative_value" if METRICS[metric].has_ratio else "value"
    rows = [row for row in rows if row[shown] is not None and math.isfinite(number(row[shown]))]
    rows = with_same_p(rows)

    def _ends(row: Row) -> tuple[float, float]:
        interval = row[f"{shown}_ci95"]
        ends = interval if isinstance(interval, tuple) else (row[shown], row[shown])
        return number(ends[0]), number(ends[1])

    along = most_swept(rows, _ALONG, canvas.swept)
    same = () if along is None else ("model", along)
    groups = grouped(rows, same, (*OF_CORES, "samples"), columns_of(AccuracyRow))
    styles = looks(groups)
    ends = [end for row in rows for end in _ends(row)]
    margin = 0.03 * (max(ends, default=1.0) - min(ends, default=0.0))
    limits = min(ends, default=0.0) - margin, max(ends, default=1.0) + margin

    def draw(axes: Any, model: str) -> None:
        for index, (name, members) in enumerate(groups.items()):
            # Of equal ones, one can be seen behind the other.
            here = [row for row in members if row["model"] == model]
            if along is not None:
                here.sort(key=lambda row: number(row[along]))
            x = [index if along is None else number(row[along]) for row in here]
            y = [number(row[shown]) for row in here]
            below = [value - _ends(row)[0] for value, row in zip(y, here, strict=True)]
            above = [_ends(row)[1] - value for value, row in zip(y, here, strict=True)]
            look = styles[index]
            axes.errorbar(x, y, yerr=(below, above), label=name,
                          linewidth=max(1.0, 3.0 - 0.5 * index), elinewidth=0.8, capsize=2,
                          markersize=max(4.0, 7.0 - index), **look)  # fmt: skip
        if shown == "relative_value":
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
            if METRICS[metric].larger_is_better:
                axes.axhline(_SHARE, color="0.5", linewidth=1, linestyle=":")
        if margin:
            axes.set_ylim(*limits)
        if along is None:
            axes.set_xticks(range(len(groups)), list(groups))
            axes.set_xlim(-0.5, max(len(groups), 1) - 0.5)
        else:
            scale(axes, along, sorted({number(row[along]) for row in rows}))

    title = "" if along is None else ALONG[along]
    upwards = metric if shown == "value" else f"{metric} over FP32"
    if shown == "relative_value" and METRICS[metric].larger_is_better:
        upwards += f" (dotted: {_SHARE:.0%})"
    labels = title, upwards
    return panels_of_networks(rows, draw, labels, canvas, has_legend=along is not None)
