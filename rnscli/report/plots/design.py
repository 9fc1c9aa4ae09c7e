"""The Pareto front of a search, against its energy."""

from collections.abc import Sequence
from typing import Any

from rnscli.analysis import DesignRow
from rnscli.base import columns_of
from rnscli.report.plots.figure import COLOURS, engineering_axis, figure, number
from rnscli.report.table import Row

_ENERGY = "energy_per_mac_j"
# Title and unit of what is drawn; an area has no engineering prefixes.
_AGAINST = {
    "p_err": ("output error probability", None),
    "mean_abs_error": ("mean absolute error", None),
    "latency_s": ("latency", "s"),
    "area_m2": ("area (m$^2$)", None),
}
_MARKERS = "os^Dv"


def plot_front(rows: Sequence[Row], file_format: str) -> bytes:
    """Each other objective of the front against the energy, by core; the choice and neighbours."""
    drawn = [row for row in rows if row[_ENERGY] is not None]
    cores = list(dict.fromkeys(str(row["core"]) for row in drawn))
    against = [
        key
        for key in _AGAINST
        if len({row[key] for row in drawn if row["role"] != "neighbour"}) > 1
    ] or ["mean_abs_error"]

    def draw(*panels: Any) -> None:
        for axes, key in zip(panels, against, strict=True):
            for index, core in enumerate(cores):
                _points(axes, key, [row for row in drawn if row["core"] == core], core, index)
            chosen = [row for row in drawn if row["role"] == "chosen"]
            axes.scatter(
                [number(row[_ENERGY]) for row in chosen],
                [number(row[key]) for row in chosen],
                marker="*",
                s=220,
                facecolor="gold",
                edgecolor="black",
                label="chosen",
                zorder=4,
            )
            axes.set_xscale("log")
            values = [number(row[key]) for row in drawn]
            title, unit = _AGAINST[key]
            axes.set_ylabel(title)
            axes.xaxis.set_major_formatter(engineering_axis("J"))
            if min(values) > 0 and max(values) > 10 * min(values):
                axes.set_yscale("log")
            elif max(values) > 0 and key == "p_err":
                least = min(value for value in values if value > 0)
                axes.set_yscale("symlog", linthresh=least)
                axes.set_ylim(bottom=0)
            if unit is not None:
                axes.yaxis.set_major_formatter(engineering_axis(unit))
        panels[-1].set_xlabel(f"energy {columns_of(DesignRow)[_ENERGY].title}")
        panels[0].legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))

    heights = (1.0,) if len(against) == 1 else (0.55,) * len(against)
    return figure(draw, file_format, heights)


def _points(axes: Any, key: str, rows: list[Row], core: str, index: int) -> None:
    for role, face in (("front", COLOURS[index % len(COLOURS)]), ("neighbour", "none")):
        members = [row for row in rows if row["role"] == role]
        if not members:
            continue
        axes.scatter(
            [number(row[_ENERGY]) for row in members],
            [number(row[key]) for row in members],
            marker=_MARKERS[index % len(_MARKERS)],
            s=28,
            facecolor=face,
            edgecolor=COLOURS[index % len(COLOURS)],
            label=core if role == "front" else f"{core}, neighbour",
            zorder=3 if role == "front" else 2,
        )
