"""Picture of what codes save."""

from collections.abc import Sequence
from typing import Any

from rnscli.analysis import GainRow
from rnscli.base import columns_of
from rnscli.report.plots.figure import Canvas, engineering_axis, figure
from rnscli.report.plots.series import (
    MAX_SERIES,
    check_number,
    distinguishing,
    label,
    looks,
    number,
)
from rnscli.report.table import Row


def plot_gain(rows: Sequence[Row], canvas: Canvas) -> bytes:
    """Light that codes save, and energy that they take, by the target."""
    columns = columns_of(GainRow)
    target = "max_p_err" if rows[0]["max_p_err"] is not None else "max_output_error"
    names = ("redundant", "attempts", "decoder", "legitimate_range")
    others = ("core", "technology", "bits", "vector_size", "columns", "rate_hz")
    keys = distinguishing(rows, (*others, *names)) or ["redundant"]
    codes: dict[str, list[Row]] = {}
    for row in rows:
        codes.setdefault(label(row, keys, columns), []).append(row)
    styles = looks(codes)
    check_number(len(codes), MAX_SERIES, "codes")
    shown = (("gain_db", "less light (dB)"), ("energy_per_mac_j", "energy of a MAC"))
    targets = [number(row[target]) for row in rows]

    def draw(*panels: Any) -> None:
        for axes, (key, title) in zip(panels, shown, strict=True):
            for index, (name, members) in enumerate(codes.items()):
                points = [(row[target], row[key]) for row in members if row[key] is not None]
                if points:
                    x, y = zip(*sorted((number(a), number(b)) for a, b in points), strict=True)
                    axes.plot(x, y, label=name, markersize=4, **styles[index])
            axes.set_xscale("log")
            axes.set_xlim(min(targets) / 2, max(targets) * 2)
            axes.set_ylabel(title)
        panels[1].yaxis.set_major_formatter(engineering_axis("J"))
        panels[1].set_xlabel(columns[target].title)
        panels[0].legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))

    return figure(draw, canvas, (0.6, 0.6))
