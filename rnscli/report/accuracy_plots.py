"""Accuracy of networks on cores, against whatever is swept."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rnscli.report.figure import number, series_style
from rnscli.report.network_plots import LINES, check_panels, grouped, panels_of_networks
from rnscli.report.table import Row

_VALUE, _INTERVAL = "relative_accuracy", "relative_accuracy_ci95"
_SHARE = 0.99  # of FP32, which designs are most often asked for
# What may be along the axis, with its title: what has the most values is.
_ALONG = {
    "bits": "bits b of the converters",
    "vector_size": "vector size h",
    "residue_error_probability": "probability that a residue is wrong",
    "sigma": "sigma, in steps of a residue",
    "redundant": "redundant moduli k",
    "attempts": "attempts R",
    "samples": "samples",
}
_LOGARITHMIC = ("vector_size", "residue_error_probability", "sigma", "samples")
_OF_OPTIONS = {"p": "residue_error_probability"}  # where the name of an option is no column


def check_plot(points: Sequence[Mapping[str, Any]]) -> None:
    """Refuse more panels and lines than can be told apart, by the points of a sweep.

    Raises
    ------
    InputError
        With the number and the limit.
    """
    rows: list[Row] = [
        {_OF_OPTIONS.get(name, name): value for name, value in point.items()} for point in points
    ]
    along = _along(rows)
    models = {row["model"] for row in rows}
    lines = {tuple(str(row[key]) for key in row if key not in (along, "model")) for row in rows}
    check_panels(len(models), len(lines))


def plot_accuracy(rows: Sequence[Row], file_format: str) -> bytes:
    """A panel for each network, a line for each core, with 95 % intervals.

    Where nothing is swept that could be along an axis, a point for each core.
    """
    rows = [row for row in rows if row[_VALUE] is not None]
    along = _along(rows)
    groups = grouped(rows, () if along is None else ("model", along), (*LINES, "samples"))
    ends = [end for row in rows for end in _ends(row)]
    margin = 0.03 * (max(ends, default=1.0) - min(ends, default=0.0))
    limits = min(ends, default=0.0) - margin, max(ends, default=1.0) + margin

    def draw(axes: Any, model: str) -> None:
        for index, (name, members) in enumerate(groups.items()):
            here = [row for row in members if row["model"] == model]
            if along is not None:
                here.sort(key=lambda row: number(row[along]))
            x = [index if along is None else number(row[along]) for row in here]
            y = [number(row[_VALUE]) for row in here]
            low, high = zip(*(_ends(row) for row in here), strict=True) if here else ((), ())
            axes.errorbar(
                x,
                y,
                yerr=(
                    [value - end for value, end in zip(y, low, strict=True)],
                    [end - value for value, end in zip(y, high, strict=True)],
                ),
                label=name if along is not None else None,
                **(series_style(index, index // 8) | {"marker": "o"}),
                markersize=4,
                elinewidth=0.8,
                capsize=2,
            )
        axes.axhline(_SHARE, color="0.5", linewidth=1, linestyle=":")
        axes.set_ylim(*limits)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        if along is None:
            axes.set_xticks(range(len(groups)), list(groups))
            axes.set_xlim(-0.5, max(len(groups), 1) - 0.5)
        else:
            _scale(axes, along, sorted({number(row[along]) for row in rows}))

    title = "" if along is None else _ALONG[along]
    models = list(dict.fromkeys(str(row["model"]) for row in rows)) or [""]
    labels = title, f"accuracy over FP32 (dotted: {_SHARE:.0%})"
    return panels_of_networks(models, draw, labels, file_format)


def _along(rows: Sequence[Row]) -> str | None:
    """What has the most values, all of them finite; ``None`` if nothing has two."""

    def values(key: str) -> set[object]:
        found = {row[key] for row in rows if row[key] is not None}
        return set() if math.inf in found else found

    # A line must have a place on the axis for all of its rows.
    keys = [key for key in _ALONG if all(row[key] is not None for row in rows)]
    best = max(keys, key=lambda key: len(values(key)), default=None)
    return best if best is not None and len(values(best)) > 1 else None


def _scale(axes: Any, along: str, values: Sequence[float]) -> None:
    positive = [value for value in values if value > 0]
    if along in _LOGARITHMIC and len(positive) > 1 and positive[-1] > 8 * positive[0]:
        if len(positive) == len(values):
            axes.set_xscale("log")
        else:
            axes.set_xscale("symlog", linthresh=positive[0])
    if all(value == int(value) for value in values) and len(values) <= 12:
        axes.set_xticks(values, [f"{value:.0f}" for value in values])
        axes.set_xticks([], minor=True)


def _ends(row: Row) -> tuple[float, float]:
    interval = row[_INTERVAL]
    assert isinstance(interval, tuple)
    return float(interval[0]), float(interval[1])
