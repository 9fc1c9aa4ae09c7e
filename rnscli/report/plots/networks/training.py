"""Picture of trainings on cores."""

import math
from collections.abc import Sequence
from typing import Any

from rnscli.analysis import EpochRow
from rnscli.base import columns_of
from rnscli.report.plots.figure import LINES, Canvas
from rnscli.report.plots.networks.accuracy import OF_CORES, OF_GRADIENTS, panels_of_networks
from rnscli.report.plots.series import grouped, log_ticks, looks, number
from rnscli.report.table import Columns, Row

_BLACK = "#000000"


def plot_training(
    rows: Sequence[Row], canvas: Canvas, fp32: str, recipe: Columns | None = None
) -> bytes:
    """A panel for each network; for each core the mean of the seeds, and their range.

    Rows are those of epochs, with the columns ``recipe`` of what else may differ from one training
    to the next; ``fp32`` is the name of the core that FP32 has, which is drawn over all others.
    """
    others = recipe or {}
    columns = {**columns_of(EpochRow), **others}
    groups = grouped(rows, ("model", "epoch", "seed"), (*OF_CORES, *OF_GRADIENTS, *others), columns)
    references = [name for name, members in groups.items() if members[0]["core"] == fp32]
    cores = {name: members for name, members in groups.items() if name not in references}
    styles = dict(zip(cores, looks(cores), strict=True)) | {
        name: {"color": _BLACK, "linestyle": LINES[(index + 1) % len(LINES)], "marker": "o"}
        for index, name in enumerate(references)
    }

    def draw(axes: Any, model: str) -> None:
        lowest = math.inf
        for name, members in groups.items():
            losses: dict[int, list[float]] = {}
            for row in members:
                if row["model"] == model:
                    epoch = int(number(row["epoch"]))
                    losses.setdefault(epoch, []).append(number(row["train_loss"]))
            epochs = sorted(losses)
            low, high = ([end(losses[epoch]) for epoch in epochs] for end in (min, max))
            means = [math.fsum(losses[epoch]) / len(losses[epoch]) for epoch in epochs]
            axes.plot(epochs, means, label=name, markersize=3,
                      zorder=3 if name in references else 2, **styles[name])  # fmt: skip
            if low != high:
                colour = styles[name]["color"]
                axes.fill_between(epochs, low, high, color=colour, alpha=0.15, linewidth=0)
            lowest = min([lowest, *low])
        if lowest > 0:
            axes.set_yscale("log")
            log_ticks(axes.yaxis)
        axes.xaxis.get_major_locator().set_params(integer=True)

    # Of classes it is a cross-entropy; of values a square of whatever they are.
    unit = " (nats)" if all(row.get("test_r2") is None for row in rows) else ""
    return panels_of_networks(rows, draw, ("epoch", f"training loss{unit}"), canvas)
