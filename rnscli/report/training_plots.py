"""Losses of trainings, epoch by epoch."""

import math
from collections.abc import Sequence
from typing import Any

from rnscli.report.figure import COLOURS, LINES, number
from rnscli.report.network_plots import LINES as OF_CORES
from rnscli.report.network_plots import grouped, panels_of_networks
from rnscli.report.table import Row

_BLACK = "#000000"
_COLOURS = [colour for colour in COLOURS if colour != _BLACK]


def plot_training(rows: Sequence[Row], file_format: str, fp32: str) -> bytes:
    """A panel for each network; for each core the mean of the seeds, and their range.

    Rows are those of epochs, with the options of the training that are swept; ``fp32`` is the
    name of the core that FP32 has, which is drawn over all others.
    """
    others = [key for key in rows[0] if key in ("epochs", "batch_size", "learning_rate")]
    groups = grouped(rows, ("model", "epoch", "seed"), (*OF_CORES, *others))
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
