"""Picture of moduli sets."""

import math
from collections.abc import Sequence
from typing import Any

from rnscli.analysis import ModuliRow
from rnscli.base import columns_of
from rnscli.report.plots.figure import COLOURS, Canvas, figure, handle
from rnscli.report.plots.series import distinguishing, label, number
from rnscli.report.table import Row

_KEYS = ("bits", "vector_size", "redundant", "rank", "moduli", "redundant_moduli")


def plot_moduli(rows: Sequence[Row], canvas: Canvas) -> bytes:
    """Bits of the range that each set covers, and of the range that is required."""
    columns = {**columns_of(ModuliRow), **canvas.columns}
    keys = [key for key in _KEYS if key in rows[0] and key in columns]
    keys = distinguishing(rows, keys) or ["bits"]
    names = [label(row, keys, columns, "bits") for row in rows]
    places = range(len(rows))

    def draw(axes: Any) -> None:
        for place, (name, row) in enumerate(zip(names, rows, strict=True)):
            covered, required = number(row["log2_dynamic_range"]), row["required_range"]
            parts = [
                columns[key].shown(row[key]) for key in ("moduli", "redundant_moduli") if row[key]
            ]
            moduli = " + ".join(parts)  # without and with redundancy
            said = [name, f"moduli: {moduli}", f"covered: {covered:.2f} bits"]
            if isinstance(required, int):
                needed = math.log2(required)
                said.append(f"required: {needed:.2f} bits")
                axes.vlines(needed, place - 0.4, place + 0.4, color=COLOURS[1], linewidth=2.5)
            axes.barh(place, covered, height=0.8, color=COLOURS[0], label="\n".join(said))
            axes.annotate(moduli, (0.01, place), xycoords=axes.get_yaxis_transform(), va="center",
                          color="white", fontsize=8)  # fmt: skip
        axes.set_yticks(places, names, fontsize=8)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlabel("log2 of the dynamic range (bits)")
        axes.grid(visible=False, axis="y")
        handles = [handle("covered", COLOURS[0], 6), handle("required", COLOURS[1], 2.5)]
        axes.figure.legend(handles=handles, fontsize=8, loc="outside right upper")

    return figure(draw, canvas, size=(8, max(2.4, min(14.0, 1.4 + 0.3 * len(rows)))))
