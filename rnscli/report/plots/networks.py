"""What pictures of networks have in common: a panel for each network, one legend for all."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rnscli.analysis import AccuracyRow, EpochRow
from rnscli.base import columns_of
from rnscli.report.plots.figure import (
    COLOURS,
    LINES,
    check_number,
    distinguishing,
    figure,
    label,
    number,
    series_style,
    with_same_p,
)
from rnscli.report.table import Columns, Row

MAX_PANELS = 6
MAX_LINES = 32  # as many as there are pairs of a colour and a kind of line
# What may tell lines apart, in the order in which a label says it.
OF_CORES = (
    "core", "bits", "vector_size", "input_bits", "weight_bits", "granularity", "redundant",
    "attempts", "noise", "p", "sigma", "decoder", "slice_bits", "adc_bits", "moduli",
)  # fmt: skip


def check_panels(panels: int, lines: int) -> None:
    """Refuse more panels, or more lines in one of them, than a reader can tell apart."""
    check_number(panels, MAX_PANELS, "panels")
    check_number(lines, MAX_LINES, "lines")


def grouped(
    rows: Sequence[Row], along: Sequence[str], keys: Sequence[str], columns: Columns
) -> dict[str, list[Row]]:
    """Rows of each line by its label; what follows from ``along`` tells no lines apart."""
    chosen = [key for key in distinguishing(rows, [*along, *keys]) if key not in along]
    groups: dict[str, list[Row]] = {}
    for row in rows:
        name = label(row, [key for key in chosen if row[key] is not None], columns)
        groups.setdefault(name or str(row["core"]), []).append(row)
    # Those of a core stand together.
    cores = list(dict.fromkeys(row["core"] for row in rows))
    return dict(sorted(groups.items(), key=lambda group: cores.index(group[1][0]["core"])))


def panels_of_networks(
    models: Sequence[str],
    draw: Callable[[Any, str], None],
    labels: tuple[str, str],
    file_format: str,
) -> bytes:
    """A panel for each network, below each other; ``draw`` gets one with the name of its network.

    ``labels`` are those of both axes.
    """

    def draw_all(*panels: Any) -> None:
        handles: dict[str, Any] = {}
        for axes, model in zip(panels, models, strict=True):
            draw(axes, model)
            axes.set_title(model, fontsize=10, loc="left")
            axes.set_ylabel(labels[1])
            found, names = axes.get_legend_handles_labels()
            handles |= dict(zip(names, found, strict=True))
        panels[-1].set_xlabel(labels[0])
        if len(handles) > 1:
            panels[0].figure.legend(
                handles.values(), handles, fontsize=8, loc="outside right upper"
            )

    heights = (1.0,) if len(models) == 1 else (0.6,) * len(models)
    return figure(draw_all, file_format, heights)


_VALUE, _INTERVAL = "relative_accuracy", "relative_accuracy_ci95"
_SHARE = 0.99  # of FP32, which designs are most often required to keep
# What may be along the axis, with its title: what has the most values is.
_ALONG = {
    "bits": "bits b of the converters",
    "vector_size": "vector size h",
    "p": "probability that a residue is wrong",
    "sigma": "sigma, in steps of a residue",
    "redundant": "redundant moduli k",
    "attempts": "attempts R",
    "samples": "samples",
}
_LOGARITHMIC = ("vector_size", "p", "sigma", "samples")


def check_plot(points: Sequence[Mapping[str, Any]]) -> None:
    """Refuse more panels and lines than can be told apart, by the points of a sweep."""
    rows: list[Row] = [dict(point) for point in points]
    along = _along(rows)
    models = {row["model"] for row in rows}
    lines = {tuple(str(row[key]) for key in row if key not in (along, "model")) for row in rows}
    check_panels(len(models), len(lines))


def plot_accuracy(rows: Sequence[Row], file_format: str) -> bytes:
    """A panel for each network, a line for each core, with 95 % intervals.

    Where nothing is swept that could be along an axis, a point for each core.
    """
    rows = with_same_p([row for row in rows if row[_VALUE] is not None])
    along = _along(rows)
    same = () if along is None else ("model", along)
    groups = grouped(rows, same, (*OF_CORES, "samples"), columns_of(AccuracyRow))
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


_BLACK = "#000000"
_COLOURS = [colour for colour in COLOURS if colour != _BLACK]


def plot_training(
    rows: Sequence[Row], file_format: str, fp32: str, recipe: Columns | None = None
) -> bytes:
    """A panel for each network; for each core the mean of the seeds, and their range.

    Rows are those of epochs, with the columns ``recipe`` of what else may differ from one training
    to the next; ``fp32`` is the name of the core that FP32 has, which is drawn over all others.
    """
    others = recipe or {}
    columns = {**columns_of(EpochRow), **others}
    groups = grouped(rows, ("model", "epoch", "seed"), (*OF_CORES, *others), columns)
    references = [name for name, members in groups.items() if members[0]["core"] == fp32]
    cores = [name for name in groups if name not in references]
    styles = {name: _style(_BLACK, index + 1, 3) for index, name in enumerate(references)} | {
        name: _style(_COLOURS[index % len(_COLOURS)], index // len(_COLOURS), 2)
        for index, name in enumerate(cores)
    }

    def draw(axes: Any, model: str) -> None:
        lowest = math.inf
        for name, members in groups.items():
            losses: dict[int, list[float]] = {}
            for row in members:
                if row["model"] == model:
                    losses.setdefault(int(number(row["epoch"])), []).append(
                        number(row["train_loss"])
                    )
            epochs = sorted(losses)
            low, high = ([end(losses[epoch]) for epoch in epochs] for end in (min, max))
            means = [math.fsum(losses[epoch]) / len(losses[epoch]) for epoch in epochs]
            axes.plot(epochs, means, label=name, marker="o", markersize=3, **styles[name])
            if low != high:
                axes.fill_between(
                    epochs, low, high, color=styles[name]["color"], alpha=0.15, linewidth=0
                )
            lowest = min([lowest, *low])
        if lowest > 0:
            axes.set_yscale("log")
            for which in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
                which(_plain_ticks())
        axes.xaxis.get_major_locator().set_params(integer=True)

    models = list(dict.fromkeys(str(row["model"]) for row in rows))
    labels = "epoch", "training loss (nats)"
    return panels_of_networks(models, draw, labels, file_format)


def _style(colour: str, line: int, order: int) -> dict[str, Any]:
    return {"color": colour, "linestyle": LINES[line % len(LINES)], "zorder": order}


def _plain_ticks() -> Any:
    """Numbers such as 0.2, where a logarithmic axis has 2 x 10^-1; not at too many ticks."""
    from matplotlib.ticker import LogFormatter

    class Plain(LogFormatter):
        def __call__(self, value: float, position: int | None = None) -> str:
            shown = super().__call__(value, position)
            return f"{value:g}" if shown else ""

    return Plain(minor_thresholds=(2, 0.5))
