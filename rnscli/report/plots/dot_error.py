"""Pictures of errors of dot products: how large they are, or how they are distributed."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rnscli.analysis import DotErrorRow
from rnscli.base import columns_of
from rnscli.report.plots.figure import LINES, Canvas, figure, handle
from rnscli.report.plots.series import (
    ALONG,
    MAX_BARS,
    check_number,
    distinguishing,
    grouped,
    label,
    looks,
    most_swept,
    number,
    without_derived,
)
from rnscli.report.table import Columns, Row

if TYPE_CHECKING:
    from rnscli.analysis import LogHistogram

# What may be along the axis: of what has as many values, the first.
_ALONG = (
    "bits", "vector_size", "snr_db", "sigma", "p", "redundant", "attempts", "slice_bits",
    "adc_bits", "sparsity",
)  # fmt: skip
_KEYS = (
    "core", "adc_range", "bits", "input_bits", "weight_bits", "vector_size", "operands",
    "redundant", "attempts", "noise", "decoder", "moduli", "pairs", "slice_bits", "adc_bits",
    "degrees_of_freedom", "sparsity", "sigma", "p",
)  # fmt: skip
_LEAST_SHARE = 0.005  # %; the tail towards zero error is long and says nothing
_WIDTH = 0.8  # of all boxes at one place of the axis
_READ = "dot: mean; box: median to 95 % of the pairs; line: up to the largest"


def plot_dot_errors(rows: Sequence[Row], canvas: Canvas) -> bytes:
    """The absolute error by what is swept, beside one another for each core; else by core.

    A dot is the mean, a box reaches from the median to 95 % of the pairs, a line up to the largest
    error. What is nowhere above zero stands as a triangle at the lower edge.
    """
    columns = _columns(canvas)
    keys = _keys(rows, canvas)
    along = most_swept(rows, _ALONG, canvas.swept)
    groups = grouped(rows, () if along is None else (along,), keys, columns)
    values = sorted({number(row[along]) for row in rows}) if along is not None else [0.0]
    check_number(len(values) * len(groups), 4 * MAX_BARS, "boxes")
    positive = [
        number(row[key])
        for row in rows
        for key in ("mean_abs_error", "p50_abs_error", "p95_abs_error", "max_abs_error")
        if number(row[key]) > 0
    ]
    low, high = min(positive, default=1.0) / 1.6, max(positive, default=1.0) * 1.6
    # Without an axis each series has a place of its own.
    slots = len(groups) if along is not None else 1
    wide = _WIDTH / slots

    def draw(axes: Any) -> None:
        handles = []
        for index, (name, style) in enumerate(zip(groups, looks(groups), strict=True)):
            members = groups[name]
            # A conventional core is simulated again for each redundancy of the other.
            once = {values.index(number(row[along])) if along else index: row for row in members}
            shift = (index - (slots - 1) / 2) * wide if along else 0.0
            places = [place + shift for place in sorted(once)]
            ordered = [once[place] for place in sorted(once)]
            colour, marker = style["color"], style["marker"]
            for place, row in zip(places, ordered, strict=True):
                middle, upper, largest = (
                    max(number(row[f"{key}_abs_error"]), low) for key in ("p50", "p95", "max")
                )
                axes.vlines(place, middle, largest, color=colour, linewidth=1.2)
                axes.bar(place, upper - middle, bottom=middle, width=0.72 * wide, color=colour,
                         alpha=0.35, label=_said(name, row, columns))  # fmt: skip
            means = [number(row["mean_abs_error"]) for row in ordered]
            seen = [(place, mean) for place, mean in zip(places, means, strict=True) if mean > 0]
            # Not joined by lines, which would be higher for what stands further to the right. Of
            # one core, a second range of the ADCs is hollow.
            face = colour if style["linestyle"] == LINES[0] else canvas.look.paper
            look: dict[str, Any] = {"color": colour, "marker": marker, "linestyle": ""}
            look |= {"markerfacecolor": face, "markersize": 6, "zorder": 4}
            if seen:
                axes.plot(*zip(*seen, strict=True), label=name, **look)
            exact = [place for place, mean in zip(places, means, strict=True) if not mean]
            if exact:  # an empty line would take room
                axes.plot(exact, [low] * len(exact), "v", color=colour, clip_on=False)
            marks: dict[str, Any] = {"marker": marker, "markersize": 6, "markerfacecolor": face}
            handles.append(handle(name, colour, **marks))
        axes.set_yscale("log")
        axes.set_ylim(low, high)
        axes.set_ylabel("absolute error of the dot product")
        axes.set_title(_READ, fontsize=8, loc="left")
        axes.grid(visible=False, axis="x")
        if along is None:
            _names(axes, list(groups))
            return
        axes.set_xlabel(ALONG[along])
        axes.set_xticks(range(len(values)), [columns[along].shown(_plain(one)) for one in values])
        axes.set_xlim(-0.5, len(values) - 0.5)
        for place in range(1, len(values)):
            axes.axvline(place - 0.5, color="0.5", linewidth=0.5, alpha=0.4)
        if len(groups) > 1:
            axes.figure.legend(handles=handles, fontsize=8, loc="outside right upper")

    wanted = 0.12 * len(values) * slots if along else 0.4 * len(groups)
    return figure(draw, canvas, size=(min(14.0, max(8.0, 2.0 + wanted)), 5))


def plot_error_histograms(
    rows: Sequence[Row], histograms: Sequence["LogHistogram"], canvas: Canvas
) -> bytes:
    """Distribution of the absolute error of each row, in tenths of a decade; both axes log."""
    import numpy as np

    columns, keys = _columns(canvas), distinguishing(rows, _keys(rows, canvas))
    # A conventional core is simulated again for each redundancy of the other: it is drawn once.
    groups = {label(row, keys, columns, "core"): [row] for row in rows}
    series = {
        label(row, keys, columns, "core"): histogram
        for row, histogram in zip(rows, histograms, strict=True)
    }

    def draw(axes: Any) -> None:
        widths = (max(1.0, 3.0 - 0.5 * place) for place in range(len(series)))
        for (name, histogram), style in zip(series.items(), looks(groups), strict=True):
            wide = next(widths)  # of equal ones, one can be seen behind the other
            # Ten bins a decade are what an eye can use of the 425 that are stored.
            positive = histogram.bins > 0
            centres = np.log10((histogram.lower_edges + histogram.upper_edges)[positive] / 2)
            bins = np.floor(centres * 10).astype(int)
            if not bins.size:
                continue
            heights = np.bincount(bins - bins.min(), weights=histogram.counts[positive])
            edges = 10.0 ** (np.arange(bins.min(), bins.max() + 2) / 10)
            share = heights / histogram.counts.sum() * 100
            first = int(np.argmax(share >= _LEAST_SHARE))
            look = {"color": style["color"], "linestyle": style["linestyle"], "linewidth": wide}
            axes.stairs(share[first:], edges[first:], label=name, **look)
        axes.set_xscale("log")
        axes.set_xlabel("absolute error of the dot product")
        axes.set_ylabel("pairs in a tenth of a decade (%)")
        if axes.patches:
            axes.set_yscale("log")
            axes.set_ylim(bottom=_LEAST_SHARE)
            axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))

    return figure(draw, canvas, size=(9.5, 5))


def _columns(canvas: Canvas) -> Columns:
    return {**columns_of(DotErrorRow), **canvas.columns}


def _keys(rows: Sequence[Row], canvas: Canvas) -> list[str]:
    """What may tell series apart: what is known of them first, then what else is swept."""
    swept = [key for key in canvas.columns if key not in (*columns_of(DotErrorRow), *_KEYS)]
    return without_derived([*_KEYS, *swept], canvas.swept, rows)


def _said(name: str, row: Row, columns: Columns) -> str:
    """What a box says to a reader who points at it."""
    keys = ("mean_abs_error", "p50_abs_error", "p95_abs_error", "max_abs_error")
    return "\n".join(
        [name, *(f"{columns[k].title}: {columns[k].shown(row[k], row)}" for k in keys)]
    )


def _plain(value: float) -> int | float:
    return int(value) if math.isfinite(value) and value == int(value) else value


def _names(axes: Any, names: Sequence[str]) -> None:
    turned = len(names) > 6 or sum(map(len, names)) > 70
    look = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"} if turned else {}
    axes.set_xticks(range(len(names)), names, fontsize=8, **look)
    axes.set_xlim(-0.6, len(names) - 0.4)


@dataclass(frozen=True)
class ErrorPicture:
    """A picture of the errors of dot products; ``summary`` says what it is of.

    ``plot`` takes the distribution of each row where ``takes_histograms`` says so, else nothing.
    """

    summary: str
    plot: Callable[[Sequence[Row], Sequence["LogHistogram"], Canvas], bytes]
    takes_histograms: bool = False


ERROR_PICTURES = {
    "errors": ErrorPicture(
        "mean, median, 95 % and largest error of each core by what is swept",
        lambda rows, histograms, canvas: plot_dot_errors(rows, canvas),
    ),
    "distribution": ErrorPicture(
        "how the errors of each row are distributed", plot_error_histograms, takes_histograms=True
    ),
}
