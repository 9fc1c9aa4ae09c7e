"""Pictures of the reproduced results, from rows to the bytes of a file."""

import math
from collections.abc import Sequence
from typing import Any

from rnscli.analysis.reproduced_row import ReproducedRow
from rnscli.analysis.reproduction_series import CORES, EnergyPoint, ErrorRange, FaultPoint
from rnscli.base.columns import columns_of
from rnscli.report.plots.figure import (
    COLOURS,
    CORE_COLOURS,
    CORE_MARKERS,
    LINES,
    PLAIN,
    SIZE,
    Look,
    clean,
    engineering_axis,
    figure,
    handle,
    legend_above,
    powers,
)


def draw_errors(rows: Sequence[ErrorRange], file_format: str, look: Look = PLAIN) -> bytes:
    """Ranges of the absolute error of each core at each b; on top the published ratio."""

    def draw(axes: Any) -> None:
        for row in rows:
            place = row.bits + 0.25 * (CORES.index(row.core) - 1)
            colour = CORE_COLOURS[row.core]
            axes.vlines(place, row.p5_abs_error, row.p95_abs_error, color=colour, linewidth=1.6)
            axes.vlines(place, row.p25_abs_error, row.p75_abs_error, color=colour, linewidth=10)
            axes.plot(place, row.mean_abs_error, "D", color=look.paper, markersize=5)
        bits = sorted({row.bits for row in rows})
        ratios = {row.bits: row.relative_to_rns for row in rows if row.core == "fixed-lp"}
        axes.set_xticks(bits)
        axes.set_xlabel("bits b of the converters")
        axes.set_ylabel("absolute error of a dot product")
        axes.set_yscale("log")
        powers(axes.yaxis)
        top = axes.secondary_xaxis("top")
        top.set_xticks(bits, [f"× {ratios[b]:.1f}" for b in bits])
        top.set_xlabel("mean of fixed-lp over mean of rns")
        clean(axes, top)
        axes.grid(visible=False, axis="x")
        cores = [handle(core, CORE_COLOURS[core], linewidth=6) for core in CORES]
        legend_above(axes, cores)
        marks = [
            handle("mean", look.paper, marker="D", markersize=5, markeredgecolor=look.ink),
            handle("25 to 75 %", look.ink, linewidth=6),
            handle("5 to 95 %", look.ink, linewidth=1.6),
        ]
        axes.legend(handles=marks, loc="lower left", frameon=False)

    return figure(draw, file_format, size=SIZE, look=look)


def draw_energy(rows: Sequence[EnergyPoint], file_format: str, look: Look = PLAIN) -> bytes:
    """Energy of the ADCs of each core at each b; between two of them the published ratio."""

    def draw(axes: Any) -> None:
        computed = columns_of(ReproducedRow)["computed"]
        bits = sorted({row.bits for row in rows})
        for b in bits:
            by_core = {row.core: row for row in rows if row.bits == b}
            low, high = (by_core[core].adc_energy_j for core in ("rns", "fixed-hp"))
            axes.hlines(b, low, high, color=look.ink, alpha=0.4, linewidth=1.2)
            axes.annotate(
                f"× {computed.shown(by_core['fixed-hp'].adc_relative_to_rns)}",
                (math.sqrt(low * high), b),
                xytext=(0, 4),
                textcoords="offset points",
                ha="center",
            )
            for core, row in by_core.items():
                axes.plot(
                    row.adc_energy_j, b, CORE_MARKERS[core], color=CORE_COLOURS[core],
                    markersize=9, zorder=3,
                )  # fmt: skip
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(engineering_axis("J"))
        axes.xaxis.set_minor_formatter("")
        axes.set_yticks(bits)
        axes.set_ylim(bits[-1] + 0.5, bits[0] - 0.6)
        axes.set_xlabel("energy of the ADC conversions of one dot product")
        axes.set_ylabel("bits b of the converters")
        clean(axes)
        axes.grid(visible=False, axis="y")
        cores = [
            handle(core, CORE_COLOURS[core], marker=CORE_MARKERS[core], markersize=8)
            for core in CORES
        ]
        legend_above(axes, cores)

    return figure(draw, file_format, size=SIZE, look=look)


def draw_faults(rows: Sequence[FaultPoint], file_format: str, look: Look = PLAIN) -> bytes:
    """Output error probability against p: a colour for each k, a line for each R; simulations."""
    numbers = sorted({row.redundant for row in rows})
    colours = dict(zip(numbers, COLOURS, strict=False))
    attempts = sorted({row.attempts for row in rows})
    lines = dict(zip(attempts, LINES, strict=False))

    def draw(axes: Any) -> None:
        groups: dict[tuple[int, float], list[FaultPoint]] = {}
        for row in rows:
            groups.setdefault((row.redundant, row.attempts), []).append(row)
        for (redundant, limit), members in groups.items():
            colour = colours[redundant]
            axes.plot(
                [row.p for row in members],
                [row.p_err for row in members],
                color=colour,
                linestyle=lines[limit],
                linewidth=1.8,
            )
            for row in members:
                if row.simulated_p_err_ci999 is not None:
                    axes.plot(
                        row.p,
                        row.simulated_p_err,
                        "o",
                        color=look.paper,
                        markeredgecolor=colour,
                        markersize=6,
                        markeredgewidth=1.6,
                        zorder=3,
                    )
                    axes.vlines(row.p, *row.simulated_p_err_ci999, color=colour, zorder=4)
        axes.set_xscale("log")
        axes.set_yscale("log")
        powers(axes.xaxis)
        powers(axes.yaxis)
        axes.set_xlabel("probability p that a residue is wrong")
        axes.set_ylabel("probability p_err of a wrong output")
        clean(axes)
        handles = [handle(f"k = {k}", colours[k], linewidth=5) for k in numbers]
        handles += [
            handle(
                f"R = {'∞' if math.isinf(r) else f'{r:g}'}", look.ink, linewidth=1.8,
                linestyle=lines[r],
            )
            for r in attempts
        ]  # fmt: skip
        handles.append(
            handle("simulated", look.paper, marker="o", markersize=6, markeredgecolor=look.ink)
        )
        axes.legend(handles=handles, loc="lower right", frameon=False)

    return figure(draw, file_format, size=SIZE, look=look)
