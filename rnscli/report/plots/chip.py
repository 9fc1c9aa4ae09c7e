"""Pictures of a chip: where energy and time go, layer by layer, and how it compares."""

from collections.abc import Sequence
from typing import Any

from rnscli.analysis import CHIP_ENERGY_PARTS, ChipRow
from rnscli.base import columns_of
from rnscli.hardware import TOTAL
from rnscli.report.plots.figure import (
    COLOURS,
    distinguishing,
    engineering_axis,
    figure,
    label,
    number,
)
from rnscli.report.table import Columns, Row

MAX_CHIPS = 8
MAX_CHIP_LAYERS = 400
_BLUE, _RED, _GREEN, _PINK, _ORANGE, _SKY, _, _GREY = COLOURS
_YELLOW = "#F0E442"
_KEYS = (
    "workload", "core", "bits", "vector_size", "technology", "columns", "arrays", "schedule",
    "moduli",
)  # fmt: skip
# Colour and hatch of each part of the energy, and of each limit of a time, which go together.
_ENERGY_LOOKS = {
    "converter_energy_j": (_BLUE, ""), "array_energy_j": (_GREEN, ""),
    "logic_energy_j": (_PINK, ""), "digital_energy_j": (_YELLOW, ""),
    "write_energy_j": (_RED, ""), "vector_energy_j": (_PINK, "xxx"),
    "buffer_energy_j": (_SKY, ""), "network_energy_j": (_SKY, "///"),
    "dram_energy_j": (_ORANGE, ""),
}  # fmt: skip
_LIMIT_LOOKS = {
    "array": (_GREEN, ""), "converters": (_BLUE, ""), "writing": (_RED, ""),
    "digital units": (_YELLOW, ""), "vector lanes": (_PINK, "xxx"), "buffer": (_SKY, ""),
    "dram": (_ORANGE, ""),
}  # fmt: skip


def plot_chip(layers: Sequence[Row], more: Columns, rows: Sequence[Row], file_format: str) -> bytes:
    """Energy of each layer by its parts, and its time by what limits it; a column for each design.

    Layers run from top to bottom in the order of the network, so that fifty and more can be read;
    names are thinned out where they would touch.

    Parameters
    ----------
    layers
        Rows of layers and totals of all designs, one design after the other.
    more
        Further columns in which designs differ, of ``rows``.
    rows
        The rows of the table, of which the totals name the designs.
    file_format
        ``png``, ``svg`` or ``pdf``.
    """
    designs: list[list[Row]] = [[]]
    for row in layers:
        designs[-1].append(row)
        if row["layer"] == TOTAL:
            designs.append([])
    designs.pop()
    columns = {**columns_of(ChipRow), **more}
    titles = {key: column.title for key, column in columns.items()}
    totals = [row for row in rows if row["layer"] == TOTAL]
    keys = distinguishing(totals, [*_KEYS, *more])
    names = [label(total, keys, columns, "workload") for total in totals]
    most = max(len(design) - 1 for design in designs)

    def draw(*panels: Any) -> None:
        first = panels[0].figure
        for panel in panels:
            panel.remove()
        grid = first.subplots(len(designs), 2, squeeze=False, gridspec_kw={"width_ratios": (3, 2)})
        used: dict[str, tuple[str, tuple[str, str]]] = {}
        for pair, design, name in zip(grid, designs, names, strict=True):
            _draw_design(pair, design, name, titles, used)
        from matplotlib.patches import Patch

        handles = [
            Patch(facecolor=colour, hatch=hatch, edgecolor="black", linewidth=0.3, label=title)
            for title, (colour, hatch) in used.values()
        ]
        first.legend(handles=handles, loc="outside lower center", ncols=5, fontsize=7)

    height = min(12.0, 0.9 + 0.16 * most) * len(designs)
    return figure(draw, file_format, (max(1.0, height / 3.2),))


def _draw_design(
    pair: Sequence[Any],
    design: Sequence[Row],
    name: str,
    titles: dict[str, str],
    used: dict[str, tuple[str, tuple[str, str]]],
) -> None:
    energy, time = pair
    layers, total = design[:-1], design[-1]
    places = range(len(layers))
    left = [0.0] * len(layers)
    for key in CHIP_ENERGY_PARTS:
        parts = [number(row[key]) for row in layers]
        if not any(parts):
            continue
        colour, hatch = _ENERGY_LOOKS[key]
        used.setdefault(key, (titles[key], (colour, hatch)))
        energy.barh(
            places, parts, left=left, color=colour, hatch=hatch, height=0.8, edgecolor="black",
            linewidth=0.2,
        )  # fmt: skip
        left = [low + part for low, part in zip(left, parts, strict=True)]
    for place, row in zip(places, layers, strict=True):
        colour, hatch = _LIMIT_LOOKS[str(row["limited_by"])]
        limit = f"limited by {row['limited_by']}"
        used.setdefault(limit, (limit, (colour, hatch)))
        time.barh(
            place, number(row["time_s"]), color=colour, hatch=hatch, height=0.8, edgecolor="black",
            linewidth=0.2,
        )  # fmt: skip
    if total["schedule"] == "pipelined":
        time.axvline(number(total["time_s"]), color="black", linewidth=0.8, linestyle="--")
    every = max(1, len(layers) // 45)
    shown = list(places)[::every]
    energy.set_yticks(shown, [str(layers[place]["layer"])[:22] for place in shown], fontsize=6)
    time.set_yticks([])
    for axes in pair:
        axes.locator_params(axis="x", nbins=5)
        axes.set_ylim(len(layers) - 0.5, -0.5)
        axes.tick_params(axis="x", labelsize=7)
    energy.xaxis.set_major_formatter(engineering_axis("J"))
    time.xaxis.set_major_formatter(engineering_axis("s"))
    energy.set_xlabel("energy of a run", fontsize=8)
    time.set_xlabel("time (dashed: between two runs)", fontsize=8)
    energy.set_title(name, fontsize=9, loc="left")
