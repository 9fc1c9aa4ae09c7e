"""Losses of trainings, epoch by epoch."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rnscli.analysis.training_rows import EpochRow
from rnscli.report.figure import distinguishing, figure, label, number, series_style
from rnscli.report.table import Row

MAX_CURVES = 64
_LINES = (
    "core", "bits", "vector_size", "input_bits", "weight_bits", "granularity", "redundant",
    "attempts", "residue_error_probability", "sigma", "decoder", "slice_bits", "adc_bits",
    "moduli",
)  # fmt: skip


def plot_training(epochs: Sequence[EpochRow], file_format: str) -> bytes:
    """A panel for each network; for each core the mean of the seeds, and their range."""
    rows: list[Row] = [asdict(epoch) for epoch in epochs]
    models = list(dict.fromkeys(str(row["model"]) for row in rows))

    def draw(panels: Any) -> None:
        every = [panels] if len(models) == 1 else list(panels)
        for axes, model in zip(every, models, strict=True):
            _panel(axes, [row for row in rows if row["model"] == model])
            axes.set_title(model, fontsize=10, loc="left")
            axes.set_ylabel("training loss (nats)")
        every[-1].set_xlabel("epoch")
        every[0].legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))

    heights = (1.0,) if len(models) == 1 else (0.6,) * len(models)
    return figure(draw, file_format, heights)


def _panel(axes: Any, rows: Sequence[Row]) -> None:
    keys = distinguishing(rows, _LINES)
    groups: dict[str, dict[int, list[float]]] = {}
    for row in rows:
        name = label(row, [key for key in keys if row[key] is not None] or ["core"])
        of_epoch = groups.setdefault(name, {}).setdefault(int(number(row["epoch"])), [])
        of_epoch.append(number(row["train_loss"]))
    for index, (name, losses) in enumerate(groups.items()):
        epochs = sorted(losses)
        means = [math.fsum(losses[epoch]) / len(losses[epoch]) for epoch in epochs]
        style = series_style(index, index // 8)
        axes.plot(epochs, means, label=name, **style)
        low = [min(losses[epoch]) for epoch in epochs]
        high = [max(losses[epoch]) for epoch in epochs]
        axes.fill_between(epochs, low, high, color=style["color"], alpha=0.15, linewidth=0)
    axes.set_yscale("log")
    axes.xaxis.get_major_locator().set_params(integer=True)
