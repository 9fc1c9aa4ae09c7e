"""Pictures of networks on cores, from rows to the bytes of a file."""

import itertools
from collections.abc import Sequence
from typing import Any

from rnscli.analysis.network_series import AccuracyPoint, EpochPoint
from rnscli.analysis.network_study import CORES
from rnscli.report.plots.figure import (
    COLOURS,
    CORE_COLOURS,
    CORE_MARKERS,
    LINES,
    PLAIN,
    SIZE,
    Look,
    clean,
    figure,
    handle,
    legend_above,
    powers,
)

_KEPT = 0.99
_TOP = 1.03  # what the stretched axis never reaches
_TICKS = (0.1, 0.5, 0.8, 0.9, 0.95, 0.99, 1.0)
_AXIS = "accuracy over FP32"


def draw_sizes(rows: Sequence[AccuracyPoint], file_format: str, look: Look = PLAIN) -> bytes:
    """Accuracy in a conventional core against h, a line for each b."""

    def draw(axes: Any) -> None:
        several = sorted({row.bits for row in rows})
        for bits in several:
            members = [row for row in rows if row.bits == bits]
            colour, alpha = CORE_COLOURS[members[0].core], _strength(bits, several)
            sizes = [row.vector_size for row in members]
            axes.plot(sizes, _ratios(members), "s-", color=colour, alpha=alpha, markersize=4,
                      linewidth=1.8)  # fmt: skip
            _band(axes, sizes, members, colour)
        sizes = sorted({row.vector_size for row in rows})
        axes.set_xscale("log", base=2)
        axes.set_xticks(sizes, list(map(str, sizes)))
        axes.set_xlim(sizes[0] / 1.15, sizes[-1] * 1.5)
        axes.minorticks_off()
        axes.set_xlabel("terms h of a dot product")
        _accuracy_axis(axes, look)
        _label_falls(axes, rows, several)

    return figure(draw, file_format, size=SIZE, look=look)


def _label_falls(axes: Any, rows: Sequence[AccuracyPoint], several: Sequence[int]) -> None:
    """The name of each line where it has lost half; one name for those that never had it."""
    never = []
    for bits in several:
        members = [row for row in rows if row.bits == bits]
        place = _half_lost(members)
        if place is not None:
            axes.annotate(f"b = {bits}", (place, 0.5), xytext=(4, 0), textcoords="offset points",
                          va="center")  # fmt: skip
        elif members[0].relative_accuracy < 0.5:
            never.append(bits)
        else:
            axes.annotate(f"b = {bits}", (members[-1].vector_size, members[-1].relative_accuracy),
                          xytext=(6, 0), textcoords="offset points", va="center")  # fmt: skip
    if never:
        first = min(row.vector_size for row in rows)
        height = max(row.relative_accuracy for row in rows
                     if row.bits in never and row.vector_size == first)  # fmt: skip
        axes.annotate(f"b = {', '.join(map(str, never))}", (first, height), xytext=(2, 6),
                      textcoords="offset points")  # fmt: skip


def _half_lost(members: Sequence[AccuracyPoint]) -> float | None:
    """The h at which a line, on its axes, falls through one half."""
    for before, after in itertools.pairwise(members):
        if before.relative_accuracy >= 0.5 > after.relative_accuracy:
            high, middle, low = (
                _stretched(value) for value in (before.relative_accuracy, 0.5,
                                                after.relative_accuracy)
            )  # fmt: skip
            share = (high - middle) / (high - low)
            return float(before.vector_size * (after.vector_size / before.vector_size) ** share)
    return None


def draw_bits(rows: Sequence[AccuracyPoint], file_format: str, look: Look = PLAIN) -> bytes:
    """Accuracy of each network on each core against b."""
    models = list(dict.fromkeys(row.model for row in rows))

    def draw(panels: Any) -> None:
        every = [panels] if len(models) == 1 else list(panels)
        for axes, model in zip(every, models, strict=True):
            for core in CORES:
                members = [row for row in rows if (row.model, row.core) == (model, core)]
                places = [row.bits + 0.09 * (CORES.index(core) - 1) for row in members]
                _with_intervals(axes, places, members, look)
            axes.set_xticks(sorted({row.bits for row in rows}))
            axes.set_title(model, fontsize="medium", loc="left")
            _accuracy_axis(axes, look, _AXIS if model == models[len(models) // 2] else "")
        every[-1].set_xlabel("bits b of the converters")
        legend_above(
            every[0],
            [
                handle(core, CORE_COLOURS[core], 1.8, marker=CORE_MARKERS[core], markersize=6)
                for core in CORES
            ],
        )

    return figure(draw, file_format, (0.8,) * len(models), SIZE, look)


def _with_intervals(
    axes: Any, places: Sequence[float], members: Sequence[AccuracyPoint], look: Look
) -> None:
    core = members[0].core
    colour = CORE_COLOURS[core]
    low, high = _ends(members)
    axes.plot(places, _ratios(members), color=colour, linewidth=1.8, zorder=3)
    axes.vlines(places, low, high, color=colour, linewidth=1.6, zorder=3)
    axes.plot(places, _ratios(members), CORE_MARKERS[core], color=colour, markersize=6,
              markeredgecolor=look.paper, markeredgewidth=0.6, zorder=4)  # fmt: skip


def draw_noise(rows: Sequence[AccuracyPoint], file_format: str, look: Look = PLAIN) -> bytes:
    """Accuracy on residues against p: a colour for each k, a line for each R."""
    numbers = sorted({row.redundant for row in rows})
    colours = dict(zip(numbers, COLOURS, strict=False))
    attempts = sorted({row.attempts for row in rows})
    lines = dict(zip(attempts, LINES, strict=False))

    def draw(axes: Any) -> None:
        for redundant, limit in dict.fromkeys((row.redundant, row.attempts) for row in rows):
            members = [row for row in rows if (row.redundant, row.attempts) == (redundant, limit)]
            places = [row.p for row in members]
            colour = colours[redundant]
            axes.plot(places, _ratios(members), color=colour, linestyle=lines[limit],
                      linewidth=1.8)  # fmt: skip
            _band(axes, places, members, colour)
        axes.set_xscale("log")
        powers(axes.xaxis)
        axes.set_xlabel("probability p that a residue is wrong")
        _accuracy_axis(axes, look)
        handles = [handle(f"k = {k}", colours[k], linewidth=5) for k in numbers]
        handles += [
            handle(f"R = {limit}", look.ink, linewidth=1.8, linestyle=lines[limit])
            for limit in attempts
        ]
        axes.legend(handles=handles, loc="lower left", frameon=False)

    return figure(draw, file_format, size=SIZE, look=look)


def draw_training(rows: Sequence[EpochPoint], file_format: str, look: Look = PLAIN) -> bytes:
    """Losses of trainings, and below how far those on residues are from FP32."""
    several = sorted({row.bits for row in rows if row.bits is not None})
    by_bits = {bits: [row for row in rows if row.bits == bits] for bits in several}
    in_fp32 = [row for row in rows if row.bits is None]
    colour = CORE_COLOURS["rns"]
    alphas = {bits: _strength(bits, several) for bits in several}

    def draw(panels: Any) -> None:
        losses, ratios = panels
        epochs = [row.epoch for row in in_fp32]
        losses.plot(epochs, [row.train_loss for row in in_fp32], color=look.ink, alpha=0.25,
                    linewidth=7, solid_capstyle="round")  # fmt: skip
        losses.fill_between(
            epochs, [row.train_loss_lowest for row in in_fp32],
            [row.train_loss_highest for row in in_fp32], color=look.ink, alpha=0.12, linewidth=0,
        )  # fmt: skip
        for bits, members in by_bits.items():
            losses.plot([row.epoch for row in members], [row.train_loss for row in members],
                        color=colour, alpha=alphas[bits], linewidth=1.6)  # fmt: skip
            offset = 0.2 * (several.index(bits) - (len(several) - 1) / 2)
            places = [row.epoch + offset for row in members]
            ratios.vlines(places, [row.loss_over_fp32_lowest for row in members],
                          [row.loss_over_fp32_highest for row in members], color=colour,
                          alpha=alphas[bits], linewidth=2.4)  # fmt: skip
            ratios.plot(places, [row.loss_over_fp32 for row in members], "D", color=look.paper,
                        markeredgecolor=colour, markersize=4)  # fmt: skip
        ratios.axhline(1.0, color=look.ink, alpha=0.5, linewidth=1)
        losses.set_yscale("log")
        losses.set_ylabel("training loss in nats")
        ratios.set_ylabel("loss over FP32")
        ratios.set_xlabel("epoch")
        for axes in panels:
            clean(axes)
            axes.set_xlim(0.5, max(epochs) + 0.5)
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.grid(visible=False, axis="x")
        powers(losses.yaxis)
        handles = [handle("FP32", look.ink, alpha=0.25, linewidth=7)]
        handles += [
            handle(f"rns, b = {bits}", colour, linewidth=2.4, alpha=alphas[bits])
            for bits in several
        ]
        legend_above(losses, handles)

    return figure(draw, file_format, (0.8, 0.6), SIZE, look)


def _accuracy_axis(axes: Any, look: Look, title: str = _AXIS) -> None:
    """An axis of ratios to FP32 on which what is next to 1 is seen, with a line at 99 %."""
    axes.set_yscale("function", functions=(_stretched, _squeezed))
    axes.set_yticks(_TICKS, [f"{100 * tick:g} %" for tick in _TICKS])
    axes.minorticks_off()
    axes.set_ylim(0.0, 1.016)
    axes.set_ylabel(title)
    clean(axes)
    axes.axhline(_KEPT, color=look.ink, linewidth=1, linestyle=(0, (4, 3)), zorder=2)


def _stretched(value: Any) -> Any:
    import numpy as np

    return -np.log10(_TOP - np.minimum(value, _TOP - 1e-3))


def _squeezed(place: Any) -> Any:
    import numpy as np

    return _TOP - np.power(10.0, -np.asarray(place))


def _strength(bits: int, several: Sequence[int]) -> float:
    """How dark a line is: the more bits, the darker."""
    span = several[-1] - several[0]
    return 1.0 if not span else 0.35 + 0.65 * (bits - several[0]) / span


def _band(axes: Any, places: Sequence[Any], members: Sequence[AccuracyPoint], colour: str) -> None:
    low, high = _ends(members)
    axes.fill_between(places, low, high, color=colour, alpha=0.08, linewidth=0)


def _ratios(members: Sequence[AccuracyPoint]) -> list[float]:
    return [row.relative_accuracy for row in members]


def _ends(members: Sequence[AccuracyPoint]) -> tuple[list[float], list[float]]:
    low, high = zip(*(row.relative_accuracy_ci95 for row in members), strict=True)
    return list(low), [min(value, _TOP) for value in high]
