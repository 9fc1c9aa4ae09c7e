"""Pictures of the reproduced results, from rows to the bytes of a file."""

import math
from collections.abc import Sequence
from typing import Any

from rnscli.analysis.reproduction_series import CORES, EnergyPoint, ErrorRange, FaultPoint
from rnscli.report.columns import show_value
from rnscli.report.figure import COLOURS, LINES, Look, engineering_axis, figure

PLAIN = Look()
_SIZE = (5.6, 4.0)  # small, so that the text is large where the picture fills a phone
_CORE_COLOURS = dict(zip(CORES, (COLOURS[1], COLOURS[0], COLOURS[2]), strict=True))
_CORE_MARKERS = dict(zip(CORES, "sod", strict=True))
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def draw_errors(rows: Sequence[ErrorRange], file_format: str, look: Look = PLAIN) -> bytes:
    """Ranges of the absolute error of each core at each b; on top the published ratio."""

    def draw(axes: Any) -> None:
        for row in rows:
            place = row.bits + 0.25 * (CORES.index(row.core) - 1)
            colour = _CORE_COLOURS[row.core]
            axes.vlines(place, row.p5_abs_error, row.p95_abs_error, color=colour, linewidth=1.6)
            axes.vlines(place, row.p25_abs_error, row.p75_abs_error, color=colour, linewidth=10)
            axes.plot(place, row.mean_abs_error, "D", color=look.paper, markersize=5)
        bits = sorted({row.bits for row in rows})
        ratios = {row.bits: row.relative_to_rns for row in rows if row.core == "fixed-lp"}
        axes.set_xticks(bits)
        axes.set_xlabel("bits b of the converters")
        axes.set_ylabel("absolute error of a dot product")
        axes.set_yscale("log")
        _powers(axes.yaxis)
        top = axes.secondary_xaxis("top")
        top.set_xticks(bits, [f"× {ratios[b]:.1f}" for b in bits])
        top.set_xlabel("mean of fixed-lp over mean of rns")
        _clean(axes, top)
        axes.grid(visible=False, axis="x")
        cores = [_handle(core, _CORE_COLOURS[core], linewidth=6) for core in CORES]
        _legend_above(axes, cores)
        marks = [
            _handle("mean", look.paper, marker="D", markersize=5, markeredgecolor=look.ink),
            _handle("25 to 75 %", look.ink, linewidth=6),
            _handle("5 to 95 %", look.ink, linewidth=1.6),
        ]
        axes.legend(handles=marks, loc="lower left", frameon=False)

    return figure(draw, file_format, size=_SIZE, look=look)


def draw_energy(rows: Sequence[EnergyPoint], file_format: str, look: Look = PLAIN) -> bytes:
    """Energy of the ADCs of each core at each b; between two of them the published ratio."""

    def draw(axes: Any) -> None:
        bits = sorted({row.bits for row in rows})
        for b in bits:
            by_core = {row.core: row for row in rows if row.bits == b}
            low, high = (by_core[core].adc_energy_j for core in ("rns", "fixed-hp"))
            axes.hlines(b, low, high, color=look.ink, alpha=0.4, linewidth=1.2)
            axes.annotate(
                f"× {show_value('computed', by_core['fixed-hp'].adc_relative_to_rns)}",
                (math.sqrt(low * high), b),
                xytext=(0, 4),
                textcoords="offset points",
                ha="center",
            )
            for core, row in by_core.items():
                axes.plot(
                    row.adc_energy_j, b, _CORE_MARKERS[core], color=_CORE_COLOURS[core],
                    markersize=9, zorder=3,
                )  # fmt: skip
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(engineering_axis("J"))
        axes.xaxis.set_minor_formatter("")
        axes.set_yticks(bits)
        axes.set_ylim(bits[-1] + 0.5, bits[0] - 0.6)
        axes.set_xlabel("energy of the ADC conversions of one dot product")
        axes.set_ylabel("bits b of the converters")
        _clean(axes)
        axes.grid(visible=False, axis="y")
        cores = [
            _handle(core, _CORE_COLOURS[core], marker=_CORE_MARKERS[core], markersize=8)
            for core in CORES
        ]
        _legend_above(axes, cores)

    return figure(draw, file_format, size=_SIZE, look=look)


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
        _powers(axes.xaxis)
        _powers(axes.yaxis)
        axes.set_xlabel("probability p that a residue is wrong")
        axes.set_ylabel("probability p_err of a wrong output")
        _clean(axes)
        handles = [_handle(f"k = {k}", colours[k], linewidth=5) for k in numbers]
        handles += [
            _handle(
                f"R = {'∞' if math.isinf(r) else f'{r:g}'}", look.ink, linewidth=1.8,
                linestyle=lines[r],
            )
            for r in attempts
        ]  # fmt: skip
        handles.append(
            _handle("simulated", look.paper, marker="o", markersize=6, markeredgecolor=look.ink)
        )
        axes.legend(handles=handles, loc="lower right", frameon=False)

    return figure(draw, file_format, size=_SIZE, look=look)


def _powers(axis: Any) -> None:
    """Plain powers of ten at the ticks, which need no font of mathematics."""
    from matplotlib.ticker import FuncFormatter

    def power(value: float, place: int) -> str:
        return "10" + str(round(math.log10(value))).translate(_SUPERSCRIPTS)

    axis.set_major_formatter(FuncFormatter(power))
    axis.set_minor_formatter("")


def _clean(axes: Any, top: Any = None) -> None:
    """Nothing but the axes that are read, and a grid that stays behind the data."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(visible=True, which="major", alpha=0.15)
    if top is not None:
        top.spines["top"].set_visible(False)
        top.tick_params(length=0)


def _legend_above(axes: Any, handles: Sequence[Any]) -> None:
    axes.figure.legend(
        handles=handles, loc="outside upper center", ncols=len(handles), frameon=False,
        handlelength=1.4,
    )  # fmt: skip


def _handle(name: str, colour: str, linewidth: float = 0.0, **look: Any) -> Any:
    """A line or marker of a legend."""
    from matplotlib.lines import Line2D

    return Line2D([], [], color=colour, label=name, linewidth=linewidth, **look)
