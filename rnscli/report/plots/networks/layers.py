"""A picture of how far each layer of a network on a core is from FP32."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rnscli import analysis
from rnscli.base import columns_of
from rnscli.report.plots.figure import Canvas, figure, handle
from rnscli.report.plots.networks.accuracy import OF_CORES
from rnscli.report.plots.series import check_panels, grouped, looks, number, with_same_p
from rnscli.report.table import Row

_IN_PLACE, _ACCUMULATED = "snr_in_place_db", "snr_accumulated_db"
_NAMED = 60  # layers whose names find room below the axis
_LONGEST = 28  # characters of a name


def check_layers(points: Sequence[Mapping[str, Any]]) -> None:
    """Refuse more panels and lines than can be told apart, by the points of a sweep."""
    models = {point["model"] for point in points}
    lines = {tuple(str(point[key]) for key in point if key != "model") for point in points}
    check_panels(len(models), len(lines))


def plot_layers(rows: Sequence[Row], canvas: Canvas) -> bytes:
    """A panel for each network, its layers in order along the axis; a colour for each core.

    In place dotted, accumulated solid. A layer that loses nothing stands at the upper edge, as a
    triangle; one that has no SNR is left out.
    """
    rows = with_same_p(rows)
    columns = columns_of(analysis.LayerRow)
    groups = grouped(rows, ("model", "layer", "kind"), (*OF_CORES, "samples"), columns)
    models = list(dict.fromkeys(str(row["model"]) for row in rows))
    names = {
        model: list(
            dict.fromkeys((str(row["layer"]), row["kind"]) for row in rows if row["model"] == model)
        )
        for model in models
    }
    finite = [
        number(row[key])
        for row in rows
        for key in (_IN_PLACE, _ACCUMULATED)
        if row[key] is not None and math.isfinite(number(row[key]))
    ]
    margin = 0.06 * (max(finite, default=1.0) - min(finite, default=0.0)) or 1.0
    low, high = min(finite, default=0.0) - margin, max(finite, default=1.0) + margin

    # The kind of line says how it was read.
    styles = looks(groups, by_range=False)

    def draw(*panels: Any) -> None:
        for axes, model in zip(panels, models, strict=True):
            places = {one: place for place, one in enumerate(names[model])}
            for style, (name, members) in zip(styles, groups.items(), strict=True):
                here = [row for row in members if row["model"] == model]
                for key, line in ((_IN_PLACE, ":"), (_ACCUMULATED, "-")):
                    _line(axes, [(places[_name(row)], row[key]) for row in here], style, line, name)
            axes.set_ylim(low, high)
            axes.set_title(model, fontsize=10, loc="left")
            axes.set_ylabel("SNR against FP32 (dB)")
            _ticks(axes, [name for name, _ in names[model]])
        handles = [
            handle(name, style["color"], 1.5, marker=style["marker"], markersize=4)
            for style, name in zip(styles, groups, strict=True)
        ]
        for name, line in (("in place", ":"), ("accumulated", "-")):
            handles.append(handle(name, "0.3", 1.5, linestyle=line))
        look = {"fontsize": 8, "loc": "outside right upper"}
        panels[0].figure.legend(handles=handles, **look)

    heights = (1.0,) if len(models) == 1 else (0.8,) * len(models)
    widest = max(map(len, names.values()), default=1)
    return figure(draw, canvas, heights, size=(min(14.0, 8.0 + max(0, widest - 20) * 0.12), 5))


def _name(row: Row) -> tuple[str, object]:
    return str(row["layer"]), row["kind"]


def _line(
    axes: Any, points: Sequence[tuple[int, Any]], style: Mapping[str, str], line: str, name: str
) -> None:
    """A line with gaps where there is no finite number."""
    points = sorted(points, key=lambda point: point[0])
    y = [
        float("nan") if one is None or math.isinf(number(one)) else number(one) for _, one in points
    ]
    look: dict[str, Any] = {**style, "linestyle": line, "linewidth": 1.4, "markersize": 3.5}
    axes.plot([place for place, _ in points], y, label=name, **look)
    exact = [place for place, one in points if one is not None and number(one) == math.inf]
    # In units of the axes along y: whatever its limits are.
    edge = {"transform": axes.get_xaxis_transform(), "clip_on": False, "linestyle": ""}
    if exact:
        axes.plot(exact, [0.98] * len(exact), color=style["color"], marker="^", **edge)


def _ticks(axes: Any, names: Sequence[str]) -> None:
    if len(names) > _NAMED:
        axes.set_xlabel(f"{len(names) - 1} layers in order, and the outputs")
        return
    short = [one if len(one) <= _LONGEST else f"…{one[1 - _LONGEST :]}" for one in names]
    turned = len(names) > 8 or sum(map(len, short)) > 70
    axes.set_xticks(range(len(short)), short, rotation=90 if turned else 0, fontsize=8)
    axes.set_xlim(-0.5, len(names) - 0.5)
