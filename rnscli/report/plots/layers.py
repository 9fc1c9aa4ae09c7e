"""A picture of how far each layer of a network on a core is from FP32."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from rnscli import analysis
from rnscli.base import columns_of
from rnscli.report.plots import figure as plot
from rnscli.report.plots.curves import OF_CORES, check_panels, grouped
from rnscli.report.plots.figure import COLOURS, figure, number
from rnscli.report.table import Row

_IN_PLACE, _ACCUMULATED = "snr_in_place_db", "snr_accumulated_db"
_MARKERS = "osd^"  # a colour and one of these for each line, as its kind says how it was read
_NAMED = 60  # layers whose names find room below the axis
_LONGEST = 28  # characters of a name
_CAPTION = 110


def check_layers(points: Sequence[Mapping[str, Any]]) -> None:
    """Refuse more panels and lines than can be told apart, by the points of a sweep."""
    models = {point["model"] for point in points}
    lines = {tuple(str(point[key]) for key in point if key != "model") for point in points}
    check_panels(len(models), len(lines))


def plot_layers(rows: Sequence[Row], file_format: str) -> bytes:
    """A panel for each network, its layers in order along the axis; a colour for each core.

    In place dotted, accumulated solid. A layer that loses nothing stands at the upper edge, as a
    triangle; one that has no SNR is left out. What all lines have in common is in the caption.
    """
    rows = plot.with_same_p(rows)
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

    def draw(*panels: Any) -> None:
        for axes, model in zip(panels, models, strict=True):
            places = {one: place for place, one in enumerate(names[model])}
            for index, members in enumerate(groups.values()):
                here = [row for row in members if row["model"] == model]
                for key, line in ((_IN_PLACE, ":"), (_ACCUMULATED, "-")):
                    _line(axes, [(places[_name(row)], row[key]) for row in here], index, line)
            axes.set_ylim(low, high)
            axes.set_title(model, fontsize=10, loc="left")
            axes.set_ylabel("SNR against FP32 (dB)")
            _ticks(axes, [name for name, _ in names[model]])
        handles = [
            plot.handle(name or "SNR", _colour(index), 1.5, marker=_marker(index), markersize=4)
            for index, name in enumerate(groups)
        ]
        for name, line in (("in place", ":"), ("accumulated", "-")):
            handles.append(plot.handle(name, "0.3", 1.5, linestyle=line))
        look = {"fontsize": 8, "loc": "outside right upper"}
        panels[0].figure.legend(handles=handles, **look)
        panels[0].figure.supxlabel(_caption(rows), fontsize=8)

    heights = (1.0,) if len(models) == 1 else (0.8,) * len(models)
    widest = max(map(len, names.values()), default=1)
    return figure(draw, file_format, heights, size=(min(14.0, 8.0 + max(0, widest - 20) * 0.12), 5))


def _name(row: Row) -> tuple[str, object]:
    return str(row["layer"]), row["kind"]


def _colour(index: int) -> str:
    return COLOURS[index % len(COLOURS)]


def _marker(index: int) -> str:
    return _MARKERS[index // len(COLOURS) % len(_MARKERS)]


def _line(axes: Any, points: Sequence[tuple[int, Any]], index: int, line: str) -> None:
    """A line with gaps where there is no finite number."""
    points = sorted(points, key=lambda point: point[0])
    y = [
        float("nan") if one is None or math.isinf(number(one)) else number(one) for _, one in points
    ]
    look: dict[str, Any] = {"color": _colour(index), "marker": _marker(index), "markersize": 3.5}
    axes.plot([place for place, _ in points], y, linestyle=line, linewidth=1.4, **look)
    exact = [place for place, one in points if one is not None and number(one) == math.inf]
    # In units of the axes along y: whatever its limits are.
    edge = {"transform": axes.get_xaxis_transform(), "clip_on": False, "linestyle": ""}
    if exact:
        axes.plot(exact, [0.98] * len(exact), color=_colour(index), marker="^", **edge)


def _ticks(axes: Any, names: Sequence[str]) -> None:
    if len(names) > _NAMED:
        axes.set_xlabel(f"{len(names) - 1} layers in order, and the outputs")
        return
    short = [one if len(one) <= _LONGEST else f"…{one[1 - _LONGEST :]}" for one in names]
    turned = len(names) > 8 or sum(map(len, short)) > 70
    axes.set_xticks(range(len(short)), short, rotation=90 if turned else 0, fontsize=8)
    axes.set_xlim(-0.5, len(names) - 0.5)


def _caption(rows: Sequence[Row]) -> str:
    """What is the same of all lines that it concerns."""
    columns = columns_of(analysis.LayerRow)
    fixed = []
    for key in (*OF_CORES, "samples"):
        column = columns[key]
        concerned = [row for row in rows if row[key] is not None]
        if len({str(row[key]) for row in concerned}) != 1:
            continue
        row = concerned[0]
        if row[key] == column.usual or (
            column.same_as is not None and all(one[key] == one[column.same_as] for one in rows)
        ):
            continue
        shown = column.shown(row[key], row)
        fixed.append(shown if key == "core" else f"{column.title} {shown}")
    return "\n".join(textwrap.wrap("fixed: " + ", ".join(fixed), _CAPTION))
