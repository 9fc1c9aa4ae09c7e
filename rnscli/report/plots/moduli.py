"""Picture of moduli sets."""

import math
from collections.abc import Sequence
from typing import Any

from rnscli.analysis import ModuliRow
from rnscli.base import columns_of
from rnscli.report.plots.figure import COLOURS, Canvas, figure
from rnscli.report.plots.series import distinguishing, label
from rnscli.report.table import Row


def plot_moduli(rows: Sequence[Row], canvas: Canvas) -> bytes:
    """Bits of the range that each set covers, and of the range that is required."""
    columns = columns_of(ModuliRow)

    def draw(axes: Any) -> None:
        keys = distinguishing(rows, ("bits", "vector_size", "redundant_moduli", "rank", "moduli"))
        names = [label(row, keys, columns, "bits") for row in rows]
        places = range(len(rows))
        axes.bar(
            places, [row["log2_dynamic_range"] for row in rows], color=COLOURS[0], label="covered"
        )
        for place, row in zip(places, rows, strict=True):
            required = row["required_range"]
            if isinstance(required, int):
                axes.hlines(math.log2(required), place - 0.45, place + 0.45, color=COLOURS[1])
            axes.annotate(columns["moduli"].shown(row["moduli"]), (place, 0.3), rotation=90,
                          ha="center", va="bottom", color="white", fontsize=8)  # fmt: skip
        axes.plot([], [], color=COLOURS[1], label="required")
        axes.set_xticks(places, names, rotation=0 if len(rows) <= 8 else 90)
        axes.set_ylabel("log2 of the dynamic range (bits)")
        axes.legend(loc="upper left")

    return figure(draw, canvas)
