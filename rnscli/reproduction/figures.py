"""The pictures of the reproduced results: the data of each, and how it is drawn."""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from rnscli.analysis import fault_probability
from rnscli.analysis.energy.bill import energy
from rnscli.base import engineering, number, probability
from rnscli.report import (
    COLOURS,
    CORE_COLOURS,
    CORE_MARKERS,
    LINES,
    Look,
    csv_text,
    engineering_axis,
    figure,
    handle,
)
from rnscli.report.plots import figure as parts
from rnscli.reproduction.cases import BITS, REDUNDANCIES, bill_of, faults_of
from rnscli.reproduction.published import KEPT, as_often_printed
from rnscli.reproduction.reproduce import Reproduction
from rnscli.reproduction.study import CORES as NETWORK_CORES
from rnscli.reproduction.study import NetworkPoint, NetworkStudy, TrainingPoint

Row = dict[str, Any]
Rows = Sequence[Row]

CORES = ("fixed-lp", "rns", "fixed-hp")
_TENTHS = range(-50, -9)  # of decades of p
_TOP = 1.03  # what the stretched axis of accuracies never reaches
_TICKS = (0.1, 0.5, 0.8, 0.9, 0.95, 0.99, 1.0)
_AXIS = "accuracy over FP32"
_NOISE = "probability p that a residue is wrong"


@dataclass(frozen=True)
class Figure:
    """The picture of a result.

    ``data`` gives its rows, one for a point that is drawn; ``series`` and ``value`` say in words
    which curve a point belongs to, and where it is; ``paint`` draws the rows on axes, or on
    several below each other, of the heights ``panels``.
    """

    name: str
    data: Callable[[Reproduction, NetworkStudy], Iterable[Row]]
    series: Callable[[Row], str]
    value: Callable[[Row], str]
    paint: Callable[[Any, Rows, Look], None]
    panels: Callable[[Rows], tuple[float, ...]] = lambda rows: (1.0,)
    rows: tuple[Row, ...] = ()

    def of(self, reproduced: Reproduction, study: NetworkStudy) -> "Figure":
        return replace(self, rows=tuple(self.data(reproduced, study)))

    @property
    def csv(self) -> str:
        return csv_text(list(self.rows[0]), self.rows)

    @property
    def in_words(self) -> str:
        """From where to where each curve goes."""
        curves: dict[str, list[str]] = {}
        for row in self.rows:
            curves.setdefault(self.series(row), []).append(self.value(row))
        return "; ".join(f"{name} from {v[0]} to {v[-1]}" for name, v in curves.items()) + "."

    def draw(self, file_format: str, look: Look = parts.PLAIN) -> bytes:
        """The picture in a format and look."""
        panels, size = self.panels(self.rows), parts.SIZE
        return figure(
            lambda axes: self.paint(axes, self.rows, look), file_format, panels, size, look
        )


# The data


def _energy_rows(reproduced: Reproduction, study: NetworkStudy) -> Iterator[Row]:
    for bits, core in itertools.product(BITS, CORES):
        yield _picked(
            energy(bill_of(core, bits)), "bits", "core", "adc_bits", "adc_conversions",
            "adc_energy_j", "energy_per_dot_product_j", "adc_relative_to_rns",
        )  # fmt: skip


def _error_rows(reproduced: Reproduction, study: NetworkStudy) -> Iterator[Row]:
    for result, core in itertools.product(reproduced.errors, CORES):
        (row,) = (row for row in result.rows if row.core == core)
        shares = (5, 25, 50, 75, 95)
        quantiles = result.statistics[core].absolute_quantiles(*(share / 100 for share in shares))
        yield {
            **_picked(row, "bits", "core", "pairs", "mean_abs_error", "mean_abs_error_ci95"),
            **{f"p{share}_abs_error": q for share, q in zip(shares, quantiles, strict=True)},
            **_picked(row, "max_abs_error", "relative_to_rns"),
        }


def _fault_rows(reproduced: Reproduction, study: NetworkStudy) -> Iterator[Row]:
    """Each code and number of attempts over four decades of p, simulated where that was done."""
    checked = {(row.redundant, row.attempts, row.p): row for row in reproduced.faults}
    for (redundant, attempts), tenth in itertools.product(REDUNDANCIES, _TENTHS):
        p = float(f"{10 ** (tenth / 10):.6g}")
        exact = fault_probability(faults_of(redundant, attempts, p))
        yield _picked(
            checked.get((redundant, attempts, p), exact), "redundant", "attempts", "p", "p_err",
            "simulated_p_err", "simulated_p_err_ci999", "simulated_words",
        )  # fmt: skip


def _accuracies(
    points_of: Callable[[NetworkStudy], Iterable[NetworkPoint]],
) -> Callable[[Reproduction, NetworkStudy], Iterator[Row]]:
    """The data of networks on cores."""

    def rows(reproduced: Reproduction, study: NetworkStudy) -> Iterator[Row]:
        for point in points_of(study):
            yield asdict(point) | _picked(
                reproduced.accuracies[point].row, "samples", "fp32_accuracy", "relative_accuracy",
                "relative_accuracy_ci95", "output_error_rate",
            )  # fmt: skip

    return rows


def _epoch_rows(reproduced: Reproduction, study: NetworkStudy) -> Iterator[Row]:
    """FP32 and each b, epoch by epoch, as far as all seeds have come; ratios are seed by seed."""
    epochs = {point: training.record.epochs for point, training in reproduced.trainings.items()}
    seeds = list(dict.fromkeys(point.seed for point in epochs))
    in_fp32 = [epochs[TrainingPoint(None, seed)] for seed in seeds]
    for bits in (None, *study.training_bits):
        several = [epochs[TrainingPoint(bits, seed)] for seed in seeds]
        for index in range(min(map(len, (*several, *in_fp32)))):
            losses, _, accuracies = zip(*(one[index] for one in several), strict=True)
            ratios = [loss / one[index][0] for loss, one in zip(losses, in_fp32, strict=True)]
            core = "fp32" if bits is None else "rns"
            yield {
                "model": study.training_model, "core": core, "bits": bits, "epoch": index + 1,
                "seeds": len(seeds), **_spread("train_loss", losses),
                **_spread("loss_over_fp32", ratios),
                "test_accuracy": math.fsum(accuracies) / len(seeds),
            }  # fmt: skip


def _spread(key: str, values: Sequence[float]) -> Row:
    mean = math.fsum(values) / len(values)
    return {key: mean, f"{key}_lowest": min(values), f"{key}_highest": max(values)}


def _picked(source: object, *keys: str) -> Row:
    return {key: getattr(source, key) for key in keys}


# The drawing


def _paint_energy(axes: Any, rows: Rows, look: Look) -> None:
    """Energy of the ADCs of each core at each b; between two of them the published ratio."""
    bits = _distinct(rows, "bits")
    for b in bits:
        by_core = {row["core"]: row for row in rows if row["bits"] == b}
        low, high = (by_core[core]["adc_energy_j"] for core in ("rns", "fixed-hp"))
        ratio = as_often_printed(by_core["fixed-hp"]["adc_relative_to_rns"])
        axes.hlines(b, low, high, color=look.ink, alpha=0.4, linewidth=1.2)
        axes.annotate(f"× {ratio}", (math.sqrt(low * high), b), xytext=(0, 4),
                      textcoords="offset points", ha="center")  # fmt: skip
        for core, row in by_core.items():
            axes.plot(row["adc_energy_j"], b, CORE_MARKERS[core], color=CORE_COLOURS[core],
                      markersize=9, zorder=3)  # fmt: skip
    axes.set(
        xscale="log", yticks=bits, ylim=(bits[-1] + 0.5, bits[0] - 0.6),
        xlabel="energy of the ADC conversions of one dot product",
        ylabel="bits b of the converters",
    )  # fmt: skip
    axes.xaxis.set_major_formatter(engineering_axis("J"))
    axes.xaxis.set_minor_formatter("")
    parts.clean(axes)
    axes.grid(visible=False, axis="y")
    _core_legend(axes, CORES, markersize=8)


def _paint_errors(axes: Any, rows: Rows, look: Look) -> None:
    """Ranges of the absolute error of each core at each b; on top the published ratio."""
    for row in rows:
        place = row["bits"] + 0.25 * (CORES.index(row["core"]) - 1)
        colour = CORE_COLOURS[row["core"]]
        axes.vlines(place, row["p5_abs_error"], row["p95_abs_error"], color=colour, linewidth=1.6)
        axes.vlines(place, row["p25_abs_error"], row["p75_abs_error"], color=colour, linewidth=10)
        axes.plot(place, row["mean_abs_error"], "D", color=look.paper, markersize=5)
    lossy = _columns(rows, core="fixed-lp")
    axes.set(
        xticks=lossy.bits, xlabel="bits b of the converters",
        ylabel="absolute error of a dot product", yscale="log",
    )  # fmt: skip
    parts.powers(axes.yaxis)
    top = axes.secondary_xaxis("top")
    top.set_xticks(lossy.bits, [f"× {ratio:.1f}" for ratio in lossy.relative_to_rns])
    top.set_xlabel("mean of fixed-lp over mean of rns")
    parts.clean(axes, top)
    axes.grid(visible=False, axis="x")
    parts.legend_above(axes, [handle(core, CORE_COLOURS[core], linewidth=6) for core in CORES])
    marks = [
        handle("mean", look.paper, marker="D", markersize=5, markeredgecolor=look.ink),
        handle("25 to 75 %", look.ink, linewidth=6),
        handle("5 to 95 %", look.ink, linewidth=1.6),
    ]
    axes.legend(handles=marks, loc="lower left", frameon=False)


def _paint_faults(axes: Any, rows: Rows, look: Look) -> None:
    """Output error probability against p, with the simulations."""
    for members, style in _codes(rows):
        axes.plot(members.p, members.p_err, linewidth=1.8, **style)
        colour = style["color"]
        for p, p_err, interval in zip(
            members.p, members.simulated_p_err, members.simulated_p_err_ci999, strict=True
        ):
            if interval is not None:
                axes.plot(p, p_err, "o", color=look.paper, markeredgecolor=colour, markersize=6,
                          markeredgewidth=1.6, zorder=3)  # fmt: skip
                axes.vlines(p, *interval, color=colour, zorder=4)
    axes.set(
        xscale="log", yscale="log", xlabel=_NOISE, ylabel="probability p_err of a wrong output"
    )
    parts.powers(axes.xaxis)
    parts.powers(axes.yaxis)
    parts.clean(axes)
    circle = handle("simulated", look.paper, marker="o", markersize=6, markeredgecolor=look.ink)
    _code_legend(axes, rows, look, "lower right", circle)


def _paint_noise(axes: Any, rows: Rows, look: Look) -> None:
    for members, style in _codes(rows):
        axes.plot(members.p, members.relative_accuracy, linewidth=1.8, **style)
        _band(axes, members.p, members, style["color"])
    axes.set(xscale="log", xlabel=_NOISE)
    parts.powers(axes.xaxis)
    _accuracy_axis(axes, look)
    _code_legend(axes, rows, look, "lower left")


def _paint_sizes(axes: Any, rows: Rows, look: Look) -> None:
    """Accuracy in a conventional core against h, a line for each b, with its name."""
    several, sizes = _distinct(rows, "bits"), _distinct(rows, "vector_size")
    names = []
    never = []  # of those that never had half of the accuracy there is one
    for bits in several:
        members = _columns(rows, bits=bits)
        ratios, colour = members.relative_accuracy, CORE_COLOURS["fixed-lp"]
        axes.plot(sizes, ratios, "s-", color=colour, alpha=_strength(bits, several), markersize=4,
                  linewidth=1.8)  # fmt: skip
        _band(axes, sizes, members, colour)
        half = _half_lost(sizes, ratios)
        if half is not None:
            names.append((f"b = {bits}", (half, 0.5), (4, 0), "center"))
        elif ratios[0] < 0.5:
            never.append((bits, ratios[0]))
        else:
            names.append((f"b = {bits}", (sizes[-1], ratios[-1]), (6, 0), "center"))
    if never:
        height = max(ratio for _, ratio in never)
        listed = ", ".join(str(bits) for bits, _ in never)
        names.append((f"b = {listed}", (sizes[0], height), (2, 6), "baseline"))
    axes.set_xscale("log", base=2)
    axes.set_xticks(sizes, list(map(str, sizes)))
    axes.set_xlim(sizes[0] / 1.15, sizes[-1] * 1.5)
    axes.minorticks_off()
    axes.set_xlabel("terms h of a dot product")
    _accuracy_axis(axes, look)
    for name, place, offset, side in names:
        axes.annotate(name, place, xytext=offset, textcoords="offset points", va=side)


def _half_lost(sizes: Sequence[int], ratios: Sequence[float]) -> float | None:
    """The h at which a line, on its axes, falls through one half."""
    for (before, high), (after, low) in itertools.pairwise(zip(sizes, ratios, strict=True)):
        if high >= 0.5 > low:
            top, middle, bottom = map(_stretched, (high, 0.5, low))
            return float(before * (after / before) ** ((top - middle) / (top - bottom)))
    return None


def _paint_bits(panels: Any, rows: Rows, look: Look) -> None:
    """Accuracy of each network on each core against b."""
    models = _models(rows)
    every = np.atleast_1d(panels)
    for axes, model in zip(every, models, strict=True):
        for index, core in enumerate(NETWORK_CORES):
            members, colour = _columns(rows, model=model, core=core), CORE_COLOURS[core]
            places = [bits + 0.09 * (index - 1) for bits in members.bits]
            ratios = members.relative_accuracy
            axes.plot(places, ratios, color=colour, linewidth=1.8, zorder=3)
            axes.vlines(places, *_ends(members), color=colour, linewidth=1.6, zorder=3)
            axes.plot(places, ratios, CORE_MARKERS[core], color=colour, markersize=6,
                      markeredgecolor=look.paper, markeredgewidth=0.6, zorder=4)  # fmt: skip
        axes.set_xticks(_distinct(rows, "bits"))
        axes.set_title(model, fontsize="medium", loc="left")
        _accuracy_axis(axes, look, _AXIS if model == models[len(models) // 2] else "")
    every[-1].set_xlabel("bits b of the converters")
    _core_legend(every[0], NETWORK_CORES, linewidth=1.8, markersize=6)


def _paint_training(panels: Any, rows: Rows, look: Look) -> None:
    """Losses of trainings, and below how far those on residues are from FP32."""
    losses, ratios = panels
    several, colour = _distinct(rows, "bits"), CORE_COLOURS["rns"]
    in_fp32 = _columns(rows, bits=None)
    losses.plot(in_fp32.epoch, in_fp32.train_loss, color=look.ink, alpha=0.25, linewidth=7,
                solid_capstyle="round")  # fmt: skip
    losses.fill_between(in_fp32.epoch, in_fp32.train_loss_lowest, in_fp32.train_loss_highest,
                        color=look.ink, alpha=0.12, linewidth=0)  # fmt: skip
    handles = [handle("FP32", look.ink, alpha=0.25, linewidth=7)]
    for index, bits in enumerate(several):
        members, alpha = _columns(rows, bits=bits), _strength(bits, several)
        losses.plot(members.epoch, members.train_loss, color=colour, alpha=alpha, linewidth=1.6)
        places = [epoch + 0.2 * (index - (len(several) - 1) / 2) for epoch in members.epoch]
        ratios.vlines(places, members.loss_over_fp32_lowest, members.loss_over_fp32_highest,
                      color=colour, alpha=alpha, linewidth=2.4)  # fmt: skip
        ratios.plot(places, members.loss_over_fp32, "D", color=look.paper,
                    markeredgecolor=colour, markersize=4)  # fmt: skip
        handles.append(handle(f"rns, b = {bits}", colour, linewidth=2.4, alpha=alpha))
    ratios.axhline(1.0, color=look.ink, alpha=0.5, linewidth=1)
    losses.set(yscale="log", ylabel="training loss in nats")
    ratios.set(xlabel="epoch", ylabel="loss over FP32")
    for axes in panels:
        parts.clean(axes)
        axes.set_xlim(0.5, max(in_fp32.epoch) + 0.5)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(visible=False, axis="x")
    parts.powers(losses.yaxis)
    parts.legend_above(losses, handles)


def _core_legend(axes: Any, cores: Iterable[str], **look: float) -> None:
    parts.legend_above(
        axes, [handle(c, CORE_COLOURS[c], marker=CORE_MARKERS[c], **look) for c in cores]
    )


def _codes(rows: Rows) -> Iterator[tuple[SimpleNamespace, dict[str, str]]]:
    """The rows of each k and R, and their look: a colour for each k, a line for each R."""
    colours, lines = _code_looks(rows)
    for k, r in dict.fromkeys((row["redundant"], row["attempts"]) for row in rows):
        yield _columns(rows, redundant=k, attempts=r), {"color": colours[k], "linestyle": lines[r]}


def _code_legend(axes: Any, rows: Rows, look: Look, place: str, *more: Any) -> None:
    colours, lines = _code_looks(rows)
    handles = [handle(f"k = {k}", colour, linewidth=5) for k, colour in colours.items()]
    for r, line in lines.items():
        shown = "∞" if math.isinf(r) else f"{r:g}"
        handles.append(handle(f"R = {shown}", look.ink, linewidth=1.8, linestyle=line))
    axes.legend(handles=[*handles, *more], loc=place, frameon=False)


def _code_looks(rows: Rows) -> tuple[dict[int, str], dict[float, str]]:
    colours = dict(zip(_distinct(rows, "redundant"), COLOURS, strict=False))
    return colours, dict(zip(_distinct(rows, "attempts"), LINES, strict=False))


def _accuracy_axis(axes: Any, look: Look, title: str = _AXIS) -> None:
    """An axis of ratios to FP32 on which what is next to 1 is seen, with a line at 99 %."""
    axes.set_yscale("function", functions=(_stretched, _squeezed))
    axes.set_yticks(_TICKS, [f"{100 * tick:g} %" for tick in _TICKS])
    axes.minorticks_off()
    axes.set(ylim=(0.0, 1.016), ylabel=title)
    parts.clean(axes)
    axes.axhline(KEPT, color=look.ink, linewidth=1, linestyle=(0, (4, 3)), zorder=2)


def _stretched(value: Any) -> Any:
    return -np.log10(_TOP - np.minimum(value, _TOP - 1e-3))


def _squeezed(place: Any) -> Any:
    return _TOP - np.power(10.0, -np.asarray(place))


def _strength(bits: int, several: Sequence[int]) -> float:
    """How dark a line is: the more bits, the darker."""
    span = several[-1] - several[0]
    return 1.0 if not span else 0.35 + 0.65 * (bits - several[0]) / span


def _band(axes: Any, places: Sequence[Any], members: SimpleNamespace, colour: str) -> None:
    axes.fill_between(places, *_ends(members), color=colour, alpha=0.08, linewidth=0)


def _ends(members: SimpleNamespace) -> tuple[list[float], list[float]]:
    low, high = zip(*members.relative_accuracy_ci95, strict=True)
    return list(low), [min(value, _TOP) for value in high]


def _columns(rows: Rows, **equal: Any) -> SimpleNamespace:
    """The columns of the rows in which these keys have these values."""
    members = [row for row in rows if equal.items() <= row.items()]
    return SimpleNamespace(**{key: [row[key] for row in members] for key in rows[0]})


def _distinct(rows: Rows, key: str) -> list[Any]:
    return sorted({row[key] for row in rows if row[key] is not None})


def _models(rows: Rows) -> list[str]:
    return list(dict.fromkeys(row["model"] for row in rows))


# All of them


def _code(row: Row) -> str:
    return f"k = {row['redundant']}, R = {number(row['attempts'])}"


def _ratio(row: Row) -> str:
    return f"{row['relative_accuracy']:.3f}"


FIGURES = {
    "adc-energy": Figure(
        "energy", _energy_rows, lambda row: str(row["core"]),
        lambda row: engineering(row["adc_energy_j"], "J"), _paint_energy,
    ),
    "error": Figure(
        "errors", _error_rows, lambda row: str(row["core"]),
        lambda row: f"{row['mean_abs_error']:.2g}", _paint_errors,
    ),
    "p-err": Figure(
        "faults", _fault_rows, _code, lambda row: probability(row["p_err"]), _paint_faults
    ),
    "accuracy-h": Figure(
        "accuracy-h", _accuracies(NetworkStudy.at_every_size), lambda row: f"b = {row['bits']}",
        _ratio, _paint_sizes,
    ),
    "accuracy-b": Figure(
        "accuracy-b", _accuracies(NetworkStudy.on_every_core),
        lambda row: f"{row['model']} with {row['core']}", _ratio, _paint_bits,
        lambda rows: (0.8,) * len(_models(rows)),
    ),
    "training": Figure(
        "training", _epoch_rows,
        lambda row: "FP32" if row["bits"] is None else f"b = {row['bits']}",
        lambda row: f"{row['train_loss']:.3g}", _paint_training, lambda rows: (0.8, 0.6),
    ),
    "accuracy-p": Figure(
        "accuracy-p", _accuracies(NetworkStudy.under_all_noise), _code, _ratio, _paint_noise
    ),
}  # fmt: skip
