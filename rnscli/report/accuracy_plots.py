"""Accuracy of networks on cores, against whatever is swept."""

from collections.abc import Mapping, Sequence
from typing import Any

from rnscli.report.columns import column
from rnscli.report.figure import (
    check_number,
    distinguishing,
    figure,
    label,
    number,
    series_style,
)
from rnscli.report.table import Row

MAX_LINES = 96
MAX_PANELS = 6
_VALUE, _INTERVAL = "relative_accuracy", "relative_accuracy_ci95"
# What may be along the axis: the one with the most values is.
_ALONG = ("bits", "vector_size", "residue_error_probability", "sigma", "redundant", "attempts",
          "samples")  # fmt: skip
_LOGARITHMIC = ("vector_size", "residue_error_probability", "sigma", "samples")
_LINES = (
    "core", "bits", "vector_size", "input_bits", "weight_bits", "granularity", "redundant",
    "attempts", "residue_error_probability", "sigma", "decoder", "slice_bits", "adc_bits",
    "moduli", "samples",
)  # fmt: skip


def check_plot(options: Mapping[str, Any], rows: int) -> None:
    """Refuse more panels and lines than can be read."""
    check_number(len(options["model"]), MAX_PANELS, "panels")
    check_number(rows, MAX_LINES * 20, "points")


def plot_accuracy(rows: Sequence[Row], file_format: str) -> bytes:
    """A panel for each network, a line for each core, with 95 % intervals as bands."""
    models = list(dict.fromkeys(str(row["model"]) for row in rows))
    along = max(_ALONG, key=lambda key: len({row[key] for row in rows if row[key] is not None}))

    def draw(panels: Any) -> None:
        every = [panels] if len(models) == 1 else list(panels)
        for axes, model in zip(every, models, strict=True):
            _panel(axes, [row for row in rows if row["model"] == model], along)
            axes.set_title(model, fontsize=10, loc="left")
            axes.set_ylabel("accuracy over FP32")
        every[-1].set_xlabel(column(along).title)
        every[0].legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))

    heights = (1.0,) if len(models) == 1 else (0.6,) * len(models)
    return figure(draw, file_format, heights)


def _panel(axes: Any, rows: Sequence[Row], along: str) -> None:
    keys = distinguishing(rows, [key for key in _LINES if key != along])
    groups: dict[str, list[Row]] = {}
    for row in rows:
        if row[along] is not None and row[_VALUE] is not None:
            name = label(row, [key for key in keys if row[key] is not None] or ["core"])
            groups.setdefault(name, []).append(row)
    for index, (name, members) in enumerate(groups.items()):
        members.sort(key=lambda row: number(row[along]))
        x = [number(row[along]) for row in members]
        low, high = zip(*(_ends(row) for row in members), strict=True)
        style = series_style(index, index // 8)
        axes.plot(
            x, [number(row[_VALUE]) for row in members], marker="o", ms=4, label=name, **style
        )
        axes.fill_between(x, low, high, color=style["color"], alpha=0.15, linewidth=0)
    axes.axhline(0.99, color="0.5", linewidth=1, linestyle=":")
    if along in _LOGARITHMIC and all(number(row[along]) > 0 for row in rows if row[along]):
        axes.set_xscale("log", base=2 if along == "vector_size" else 10)
    elif along in ("bits", "redundant"):
        axes.xaxis.get_major_locator().set_params(integer=True)


def _ends(row: Row) -> tuple[float, float]:
    interval = row[_INTERVAL]
    assert isinstance(interval, tuple)
    return float(interval[0]), float(interval[1])
