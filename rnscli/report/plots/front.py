"""Pictures of the Pareto front of a search: what is bought with energy."""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from rnscli.analysis import ChipDesignRow, DesignRow
from rnscli.base import columns_of
from rnscli.core import analog_cores
from rnscli.report.plots.figure import CORE_COLOURS, CORE_MARKERS, Canvas, engineering_axis, figure
from rnscli.report.plots.series import distinguishing, in_prefixes, label, log_ticks, number
from rnscli.report.table import Row

_ENERGY = "energy_per_mac_j"
_OF_INFERENCE = "energy_per_inference_j"


class _Axis(NamedTuple):
    """Title of an axis, its unit where ticks have prefixes, and what values are multiplied by.

    What is further than ``widest`` from the chosen design, as a ratio, stands at the edge.
    """

    title: str
    unit: str | None = None
    factor: float = 1.0
    widest: float = 1e3


_AGAINST = {
    "p_err": _Axis("output error probability", widest=math.inf),
    "output_error": _Axis("output error (rms)"),
    "mean_abs_error": _Axis("mean absolute error"),
    "latency_s": _Axis("latency", "s"),
    "area_m2": _Axis("area (mm²)", factor=1e6),
}
_AGAINST_OF_CHIPS = {
    key: _AGAINST[key] for key in ("p_err", "output_error", "mean_abs_error", "latency_s")
} | {"throughput_per_s": _Axis("inferences/s"), "area_m2": _AGAINST["area_m2"]}
_NAMED = 12  # points with a label
# What a label says of a design, as far as it tells it from others.
_KEYS = (
    "core", "bits", "vector_size", "redundant", "adc_range", "attempts", "technology", "adc_bits",
    "slice_bits", "decoder", "moduli",
)  # fmt: skip
# Where labels may stand, in points from theirs; the first that is free is taken.
_OFFSETS = [(side * 9, up) for up in (0, 9, -9, 18, -18, 28, -28) for side in (1, -1)] + [
    (side * 16, up) for up in (0, 12, -12) for side in (1, -1)
]


def plot_front(rows: Sequence[Row], canvas: Canvas) -> bytes:
    """Each other objective of the front against the energy, by core; the choice and neighbours."""
    title = columns_of(DesignRow)[_ENERGY].title
    return _front(rows, _ENERGY, title, _AGAINST, canvas)


def plot_chip_front(rows: Sequence[Row], canvas: Canvas) -> bytes:
    """The same of chips, against the energy of an inference."""
    chips = [row for row in rows if row["role"] != "network"]
    title = columns_of(ChipDesignRow)[_OF_INFERENCE].title
    return _front(chips, _OF_INFERENCE, title, _AGAINST_OF_CHIPS, canvas)


def _front(
    rows: Sequence[Row],
    energy: str,
    title_of_energy: str,
    all_against: Mapping[str, _Axis],
    canvas: Canvas,
) -> bytes:
    drawn = [row for row in rows if row[energy] is not None]
    front = [row for row in drawn if row["role"] != "neighbour"]
    against = [key for key in all_against if len({row[key] for row in front}) > 1]
    against = against or ["mean_abs_error"]
    names = _labels(drawn)

    def draw(*panels: Any) -> None:
        placed: list[tuple[Any, _Values, _Values, str]] = []
        for axes, key in zip(panels, against, strict=True):
            axis = all_against[key]
            x = _within(drawn, energy, _Axis(title_of_energy))
            y = _within(drawn, key, axis)
            placed.append((axes, x, y, key))
            _points(axes, drawn, x, y, (energy, key), canvas)
            _scale_of(axes, x, y, key == "p_err")
            axes.set_ylabel(axis.title)
            log_ticks(axes.xaxis, partial(in_prefixes, unit="J"))
            if axis.unit is not None and axes.get_yscale() == "log":
                log_ticks(axes.yaxis, partial(in_prefixes, unit=axis.unit))
            elif axis.unit is not None:
                axes.yaxis.set_major_formatter(engineering_axis(axis.unit))
            elif axes.get_yscale() == "log":
                log_ticks(axes.yaxis, _tick)
        panels[-1].set_xlabel(f"energy {title_of_energy}")
        beyond = any(any((*x.beyond, *y.beyond)) for _, x, y, _ in placed)
        _legend(panels[0], drawn, beyond, canvas)
        panels[0].figure.draw_without_rendering()  # so that places in pixels are known
        for axes, x, y, key in placed:
            _write(axes, drawn, x, y, names, (energy, key), canvas)

    heights = (1.0,) if len(against) == 1 else (0.62,) * len(against)
    return figure(draw, canvas, heights, size=(9.5, 5))


_Box = tuple[float, float, float, float]  # left, bottom, right, top


class _Values(NamedTuple):
    """Where points stand along an axis, and of each whether it is beyond the edge: -1, 0 or 1."""

    places: list[float]
    beyond: list[int]
    limits: tuple[float, float]

    def margin(self, side: int, usual: float) -> float:
        """What is left free beyond the values at an edge, as a share of the axis."""
        return 0.0 if side in self.beyond else usual


def _within(rows: Sequence[Row], key: str, axis: _Axis) -> _Values:
    """Values along an axis, of which those too far from the chosen design are moved to the edge."""
    values = [number(row[key]) * axis.factor for row in rows]
    middle = next(
        (value for value, row in zip(values, rows, strict=True) if row["role"] == "chosen"), 0.0
    )
    positive = [one for one in values if 0 < one < math.inf]
    if not positive:
        return _Values([max(0.0, one) for one in values], [0] * len(values), (0.0, 1.0))
    low, high = min(positive), max(positive)
    if middle > 0:
        low, high = max(low, middle / axis.widest), min(high, middle * axis.widest)
    places = [one if not one else min(max(one, low), high) for one in values]
    beyond = [0 if not one else (one > high) - (one < low) for one in values]
    return _Values(places, beyond, (low, high))


def _points(
    axes: Any, rows: Sequence[Row], x: _Values, y: _Values, keys: tuple[str, str], canvas: Canvas
) -> None:
    columns, names = {**columns_of(DesignRow), **canvas.columns}, _names(rows)
    for place, row in enumerate(rows):
        core, role = str(row["core"]), row["role"]
        colour = CORE_COLOURS[core]
        look: dict[str, Any] = {"marker": CORE_MARKERS[core], "s": 34, "zorder": 3}
        look |= {"facecolor": "none" if role == "neighbour" else colour, "edgecolor": colour}
        if role == "chosen":
            look |= {"s": 90, "edgecolor": canvas.look.ink, "linewidth": 1.6, "zorder": 5}
        said = [f"{columns[one].title}: {_shown(row, one, canvas)}" for one in keys]
        look["label"] = "\n".join([f"{names[place]}, {role}", *said])
        arrows = {-1: "<", 1: ">"}[x.beyond[place]] if x.beyond[place] else None
        arrows = {-1: "v", 1: "^"}[y.beyond[place]] if y.beyond[place] else arrows
        if arrows is not None:
            look |= {"marker": arrows, "s": 50}
        axes.scatter(x.places[place], y.places[place], clip_on=False, **look)
        if role == "chosen":
            ring = {"facecolor": "none", "edgecolor": canvas.look.ink, "s": 260, "zorder": 4}
            axes.scatter(x.places[place], y.places[place], clip_on=False, **ring)


def _scale_of(axes: Any, x: _Values, y: _Values, is_probability: bool) -> None:
    """Logarithmic, but where values are close together; with room for markers and labels."""
    low, high = x.limits
    wide = max(high / low, 2.0)
    axes.set_xscale("log")
    # What is beyond stands at the edge.
    axes.set_xlim(low / wide ** x.margin(-1, 0.06), high * wide ** x.margin(1, 0.22))
    low, high = y.limits
    wide = max(high / low, 3.0) if low else 3.0
    if any(not one for one in y.places) and is_probability and high > 0:
        axes.set_yscale("symlog", linthresh=low)
        axes.set_ylim(-0.4 * low, min(high * wide**0.15, 2.0))
        axes.set_yticks([one for one in axes.get_yticks() if one == 0 or one > 1.5 * low])
    elif all(y.places) and high > 3 * low:
        axes.set_yscale("log")
        top = high * wide ** y.margin(1, 0.15)
        axes.set_ylim(low / wide ** y.margin(-1, 0.1), min(top, 2.0) if is_probability else top)
    else:
        low, high = min(y.places), max(y.places)
        reach = (high - low) or 0.1 * abs(high) or 1.0
        axes.set_ylim(low - 0.12 * reach, high + 0.2 * reach)


def _tick(value: float) -> str:
    return f"{value:g}" if 1e-4 <= value < 1e5 else f"{value:.0e}"


def _labels(rows: Sequence[Row]) -> dict[int, str]:
    """Names of the chosen design, its neighbours, and of some of the front, by their places."""
    wanted = [place for place, row in enumerate(rows) if row["role"] in ("chosen", "neighbour")]
    front = [place for place, row in enumerate(rows) if row["role"] == "front"]
    room = max(0, _NAMED - len(wanted))
    if len(front) > room:  # spread over the front, which is in order of energy
        step = len(front) / max(room, 1)
        front = [front[int(index * step)] for index in range(room)]
    every = _names(rows)
    return {place: every[place] for place in [*wanted, *front]}


def _names(rows: Sequence[Row]) -> list[str]:
    """Designs by what tells them from others."""
    keys = distinguishing(rows, [key for key in _KEYS if key in rows[0]])
    return [_name_of(row, [key for key in keys if key not in ("core", "bits")]) for row in rows]


def _name_of(row: Row, keys: Sequence[str]) -> str:
    # A digital unit has no converters.
    bits = f" {row['bits']} b" if row["core"] in analog_cores() else ""
    more = label(row, [key for key in keys if row[key]], columns_of(DesignRow))
    return f"{row['core']}{bits}" + (f", {more}" if more else "")


def _write(
    axes: Any, rows: Sequence[Row], x: _Values, y: _Values, names: Mapping[int, str],
    keys: tuple[str, str], canvas: Canvas,
) -> None:  # fmt: skip
    """Labels beside points, each where no other label is; a point beyond an edge has its value."""
    from matplotlib.text import Text

    taken: list[_Box] = []
    written = set()
    points = axes.transData.transform(list(zip(x.places, y.places, strict=True)))
    for (column, height), row in zip(points, rows, strict=True):
        reach = 14 if row["role"] == "chosen" else 5
        taken.append((column - reach, height - reach, column + reach, height + reach))
    edge = axes.get_window_extent().extents
    line = {"arrowstyle": "-", "linewidth": 0.4, "shrinkA": 0, "shrinkB": 3}
    for place, name in names.items():
        where = x.places[place], y.places[place]
        if (name, where) in written:  # a neighbour on the front
            continue
        written.add((name, where))
        beyond = [
            f"{_shown(rows[place], key, canvas)} {arrows[values.beyond[place] > 0]}"
            for key, values, arrows in zip(keys, (x, y), ("←→", "↓↑"), strict=True)
            if values.beyond[place]
        ]
        text = ", ".join([name, *beyond])
        for right, up in _OFFSETS:
            label = axes.annotate(
                text, where, (right, up), textcoords="offset points", fontsize=7.5, va="center",
                ha="right" if right < 0 else "left", annotation_clip=False,
                arrowprops=line if abs(up) > 9 else None,
            )  # fmt: skip
            label.set_in_layout(False)
            label.get_window_extent()  # which finds its place
            box: Any = Text.get_window_extent(label).extents  # without the line
            inside = box[0] >= edge[0] and box[1] >= edge[1]
            inside = inside and box[2] <= edge[2] and box[3] <= edge[3]
            if inside and not _hits(box, taken):
                taken.append(box)
                break
            label.remove()


def _hits(box: _Box, others: Sequence[_Box]) -> bool:
    return any(
        box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]
        for other in others
    )


def _shown(row: Row, key: str, canvas: Canvas) -> str:
    columns = {**columns_of(DesignRow), **canvas.columns}
    return columns[key].shown(row[key], row)


def _legend(axes: Any, rows: Sequence[Row], beyond: bool, canvas: Canvas) -> None:
    from matplotlib.lines import Line2D

    def mark(name: str, marker: str, colour: str, face: str, size: float = 6) -> Any:
        look: dict[str, Any] = {"linestyle": "", "markerfacecolor": face, "markeredgecolor": colour}
        return Line2D([], [], marker=marker, markersize=size, label=name, **look)

    cores = dict.fromkeys(str(row["core"]) for row in rows)
    handles = [mark(c, CORE_MARKERS[c], CORE_COLOURS[c], CORE_COLOURS[c]) for c in cores]
    if any(row["role"] == "neighbour" for row in rows):
        handles.append(mark("hollow: neighbour", "o", canvas.look.ink, "none"))
    if any(row["role"] == "chosen" for row in rows):
        handles.append(mark("in a ring: chosen", "o", canvas.look.ink, "none", 12))
    if beyond:
        handles.append(mark("triangle: beyond the edge", "^", canvas.look.ink, canvas.look.ink))
    axes.figure.legend(handles=handles, fontsize=8, loc="outside right upper")
