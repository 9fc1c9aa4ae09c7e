"""Pictures of families of codes: their errors by the noise, or which is the best where."""

from collections.abc import Sequence
from typing import Any

from rnscli.analysis import FAMILIES, FamilyRow
from rnscli.base import columns_of
from rnscli.report.plots.figure import COLOURS, Canvas, engineering_axis, figure
from rnscli.report.plots.series import check_number, number
from rnscli.report.table import Row

MAX_MAPS = 8
_COLOUR = dict(zip(FAMILIES, (*COLOURS[:5], COLOURS[-1]), strict=True))
# In grey, too, regions are told apart.
_HATCH = dict(zip(FAMILIES, ("", "///", "...", "xxx", "\\\\\\", ""), strict=True))
_LINE = dict(zip(FAMILIES, ("-", "--", ":", "-.", "-", "--"), strict=True))


def plot_families(rows: Sequence[Row], canvas: Canvas) -> bytes:
    """Errors and energy of each family by sigma; of several sets a map of the best one of each."""
    groups = list(dict.fromkeys((number(row["vector_size"]), number(row["spare"])) for row in rows))
    sets = {(row["vector_size"], row["spare"], row["bits"]) for row in rows}
    if len(sets) == 1:
        return _lines(rows, canvas)
    check_number(len(groups), MAX_MAPS, "maps")
    return _maps(rows, groups, canvas)


def _lines(rows: Sequence[Row], canvas: Canvas) -> bytes:
    columns = columns_of(FamilyRow)
    series: dict[tuple[str, Any], list[Row]] = {}
    for row in rows:
        series.setdefault((str(row["family"]), row["attempts"]), []).append(row)
    shown = [
        ("p_gross", "p gross", True),
        ("output_error", columns["output_error"].title, True),
        ("energy_per_mac_j", "energy of a MAC", True),
    ]
    if any(row["accuracy"] is not None for row in rows):
        shown.insert(2, ("relative_accuracy", f"{rows[0]['model']}, over FP32", False))

    def draw(*panels: Any) -> None:
        for axes, (key, title, logarithmic) in zip(panels, shown, strict=True):
            for (family, attempts), members in series.items():
                points = [(row["sigma"], number(row[key])) for row in members if row[key]]
                if not points:
                    continue
                several = attempts not in (None, 1)
                axes.plot(
                    *zip(*points, strict=True),
                    label=f"{family}, R = {attempts}" if several else family,
                    color=_COLOUR[family],
                    linestyle=_LINE[family],
                    marker="os^Dv"[_rank(series, family, attempts) % 5],
                    markersize=4,
                )
            if logarithmic:
                axes.set_yscale("log")
            axes.set_ylabel(title)
        panels[0].set_ylim(bottom=max(1e-20, panels[0].get_ylim()[0]), top=2.0)
        panels[-1].yaxis.set_major_formatter(engineering_axis("J"))
        panels[-1].set_xlabel("sigma (steps of the converters)")
        one = rows[0]
        panels[0].set_title(f"{one['bits']} bits, h = {one['vector_size']}, k = {one['spare']}")
        panels[1].legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))

    return figure(draw, canvas, (0.5,) * len(shown))


def _rank(series: dict[tuple[str, Any], list[Row]], family: str, attempts: Any) -> int:
    """Which of the series of a family it is."""
    return [most for name, most in series if name == family].index(attempts)


def _maps(rows: Sequence[Row], groups: Sequence[tuple[float, float]], canvas: Canvas) -> bytes:
    sigmas = sorted({number(row["sigma"]) for row in rows})
    bits = sorted({number(row["bits"]) for row in rows})
    used = [
        family
        for family in FAMILIES
        if any(row["best"] and row["family"] == family for row in rows)
    ]

    def draw(*panels: Any) -> None:
        from matplotlib.patches import Patch

        for axes, (size, spare) in zip(panels, groups, strict=True):
            axes.grid(visible=False)
            for row in rows:
                if row["best"] and (row["vector_size"], row["spare"]) == (size, spare):
                    place = sigmas.index(number(row["sigma"])), bits.index(number(row["bits"]))
                    name = str(row["family"])
                    axes.bar(
                        place[0], 1.0, width=1.0, bottom=place[1] - 0.5,
                        facecolor=_COLOUR[name], hatch=_HATCH[name],
                        edgecolor="white", linewidth=0.5,
                    )  # fmt: skip
            axes.set_xlim(-0.5, len(sigmas) - 0.5)
            axes.set_ylim(-0.5, len(bits) - 0.5)
            axes.set_xticks(range(len(sigmas)), [f"{sigma:.3g}" for sigma in sigmas])
            axes.set_yticks(range(len(bits)), [f"{one:g}" for one in bits])
            axes.set_ylabel("bits of the converters")
            axes.set_title(f"least error of outputs: h = {size:g}, k = {spare:g}")
        panels[-1].set_xlabel("sigma (steps of the converters)")
        patches = [
            Patch(facecolor=_COLOUR[one], hatch=_HATCH[one], edgecolor="white", label=one)
            for one in used
        ]
        panels[0].legend(handles=patches, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))

    return figure(draw, canvas, (0.5,) * len(groups))
