"""The folder of a report on reproduced results: a page that needs no other file and no network, a
text, pictures and their data.
"""

import itertools
import math
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.resources import files
from types import SimpleNamespace
from typing import Any

import numpy as np

from rnscli import __version__, analysis, report
from rnscli.base import columns_of, engineering, number, probability
from rnscli.core import CALIBRATED, FULL
from rnscli.networks import EXTRA
from rnscli.report import CORE_COLOURS, CORE_MARKERS, Look, Row, handle
from rnscli.reproduction import cases
from rnscli.reproduction.cases import CONDITIONS, KEPT, NetworkStudy, ReproducedRow
from rnscli.reproduction.reproduce import Reproduction
from rnscli.reproduction.verdicts import (
    AGREES,
    FULL_ONLY,
    NOT_HERE,
    SAME,
    TOO_EASY,
    VERDICTS,
)

Point = dict[str, Any]
Points = Sequence[Point]

CORES = ("fixed-lp", "rns", "fixed-hp")
_TENTHS = range(-50, -9)  # of decades of p
_TOP = 1.03  # what the stretched axis of accuracies never reaches
_TICKS = (0.1, 0.5, 0.8, 0.9, 0.95, 0.99, 1.0)
_ACCURACY = "accuracy over FP32"
_BITS = "bits b of the converters"


@dataclass(frozen=True)
class Figure:
    """The picture of a result.

    ``data`` gives its rows, one for a point; ``words`` says which curve a point belongs to, and
    where it is; ``paint`` draws the rows on axes, one below the other, of the heights ``panels``.
    """

    name: str
    data: Callable[[Reproduction, NetworkStudy], Iterable[Point]]
    words: Callable[[Point], tuple[str, str]]
    paint: Callable[..., None]
    panels: Callable[[Points], tuple[float, ...]] = lambda rows: (1.0,)
    rows: tuple[Point, ...] = ()

    def of(self, reproduced: Reproduction, study: NetworkStudy) -> "Figure":
        return replace(self, rows=tuple(self.data(reproduced, study)))

    @property
    def csv(self) -> str:
        return report.csv_text(list(self.rows[0]), self.rows)

    @property
    def in_words(self) -> str:
        """From where to where each curve goes."""
        curves: dict[str, list[str]] = {}
        for curve, value in map(self.words, self.rows):
            curves.setdefault(curve, []).append(value)
        return "; ".join(f"{name} from {v[0]} to {v[-1]}" for name, v in curves.items()) + "."

    def draw(self, canvas: report.Canvas) -> bytes:
        paint = partial(self.paint, rows=self.rows, look=canvas.look)
        return report.figure(paint, canvas, self.panels(self.rows), report.SIZE)


# The data of the pictures


def _energy_rows(reproduced: Reproduction, study: NetworkStudy) -> Iterator[Point]:
    for bits, core in itertools.product(CONDITIONS["bits"], CORES):
        yield _picked(
            cases.dot_product_energy(core, bits), "bits", "core", "adc_bits", "adc_conversions",
            "adc_energy_j", "energy_per_dot_product_j", "adc_relative_to_rns",
        )  # fmt: skip


def _error_rows(reproduced: Reproduction, study: NetworkStudy) -> Iterator[Point]:
    done = [one for one in reproduced.done.values() if isinstance(one, analysis.DotErrorResult)]
    for result, core in itertools.product(done, CORES):
        (row,) = (row for row in result.rows if row.core == core)
        shares = (5, 25, 50, 75, 95)
        quantiles = result.statistics[core].absolute_quantiles(*(share / 100 for share in shares))
        yield {
            **_picked(row, "bits", "core", "pairs", "mean_abs_error", "mean_abs_error_ci95"),
            **{f"p{share}_abs_error": q for share, q in zip(shares, quantiles, strict=True)},
            **_picked(row, "max_abs_error", "relative_to_rns"),
        }


def _fault_rows(reproduced: Reproduction, study: NetworkStudy) -> Iterator[Point]:
    """Each code and number of attempts over four decades of p, simulated where that was done."""
    for code, tenth in itertools.product(CONDITIONS["fault_codes"], _TENTHS):
        faults = cases.faults_of(code, float(f"{10 ** (tenth / 10):.6g}"))
        yield _picked(
            reproduced.done.get(faults) or analysis.fault_probability(faults), "redundant",
            "attempts", "p", "p_err", "simulated_p_err", "simulated_p_err_ci999",
            "simulated_words",
        )  # fmt: skip


def _accuracy_rows(result: str, reproduced: Reproduction, study: NetworkStudy) -> Iterator[Point]:
    for point in study.points(result):
        yield vars(point) | _picked(
            reproduced.done[point].row, "samples", "fp32_accuracy", "relative_accuracy",
            "relative_accuracy_ci95", "output_error_rate",
        )  # fmt: skip


def _epoch_rows(reproduced: Reproduction, study: NetworkStudy) -> Iterator[Point]:
    """FP32 and each b, epoch by epoch, as far as all seeds have come; ratios are seed by seed."""
    epochs = {
        point: training.record.epochs
        for point, training in reproduced.done.items()
        if isinstance(point, cases.TrainingPoint)
    }
    seeds = list(dict.fromkeys(point.seed for point in epochs))
    for setup, bits in itertools.product(study.trainings, (None, *study.training_bits)):
        in_fp32, several = (
            [epochs[cases.TrainingPoint(setup.model, b, seed)] for seed in seeds]
            for b in (None, bits)
        )
        for index in range(min(map(len, (*several, *in_fp32)))):
            losses, tested, accuracies = zip(*(one[index] for one in several), strict=True)
            ratios = [loss / one[index][0] for loss, one in zip(losses, in_fp32, strict=True)]
            yield {
                "model": setup.model, "core": "rns" if bits else "fp32", "bits": bits,
                "epoch": index + 1, "seeds": len(seeds), **_spread("train_loss", losses),
                **_spread("loss_over_fp32", ratios), "test_loss": math.fsum(tested) / len(seeds),
                "test_accuracy": math.fsum(accuracies) / len(seeds),
            }  # fmt: skip


def _spread(key: str, values: Sequence[float]) -> Point:
    mean = math.fsum(values) / len(values)
    return {key: mean, f"{key}_lowest": min(values), f"{key}_highest": max(values)}


def _picked(source: object, *keys: str) -> Point:
    return {key: getattr(source, key) for key in keys}


# How they are drawn


def _paint_energy(axes: Any, rows: Points, look: Look) -> None:
    """Energy of the ADCs of each core at each b; between two of them the published ratio."""
    bits = _distinct(rows, "bits")
    for b in bits:
        by_core = {row["core"]: row for row in rows if row["bits"] == b}
        low, high = (by_core[core]["adc_energy_j"] for core in ("rns", "fixed-hp"))
        ratio = cases.as_often_printed(by_core["fixed-hp"]["adc_relative_to_rns"])
        axes.hlines(b, low, high, color=look.ink, alpha=0.4, linewidth=1.2)
        axes.annotate(f"× {ratio}", (math.sqrt(low * high), b), xytext=(0, 4),
                      textcoords="offset points", ha="center")  # fmt: skip
        for core, row in by_core.items():
            axes.plot(row["adc_energy_j"], b, CORE_MARKERS[core], color=CORE_COLOURS[core],
                      markersize=9, zorder=3)  # fmt: skip
    axes.set(xscale="log", xlabel="energy of the ADC conversions of one dot product")
    axes.set(yticks=bits, ylim=(bits[-1] + 0.5, bits[0] - 0.6), ylabel=_BITS)
    axes.xaxis.set_major_formatter(report.engineering_axis("J"))
    axes.xaxis.set_minor_formatter("")
    report.clean(axes)
    axes.grid(visible=False, axis="y")
    _core_legend(axes, CORES, markersize=8)


def _paint_errors(axes: Any, rows: Points, look: Look) -> None:
    """Ranges of the absolute error of each core at each b; on top the published ratio."""
    for row in rows:
        place = row["bits"] + 0.25 * (CORES.index(row["core"]) - 1)
        colour = CORE_COLOURS[row["core"]]
        axes.vlines(place, row["p5_abs_error"], row["p95_abs_error"], color=colour, linewidth=1.6)
        axes.vlines(place, row["p25_abs_error"], row["p75_abs_error"], color=colour, linewidth=10)
        axes.plot(place, row["mean_abs_error"], "D", color=look.paper, markersize=5)
    lossy = _columns(rows, core="fixed-lp")
    axes.set(xticks=lossy.bits, xlabel=_BITS)
    axes.set(ylabel="absolute error of a dot product", yscale="log")
    report.powers(axes.yaxis)
    top = axes.secondary_xaxis("top")
    top.set_xticks(lossy.bits, [f"× {ratio:.1f}" for ratio in lossy.relative_to_rns])
    top.set_xlabel("mean of fixed-lp over mean of rns")
    report.clean(axes, top)
    axes.grid(visible=False, axis="x")
    report.legend_above(axes, [handle(core, CORE_COLOURS[core], linewidth=6) for core in CORES])
    marks = [
        handle("mean", look.paper, marker="D", markersize=5, markeredgecolor=look.ink),
        handle("25 to 75 %", look.ink, linewidth=6),
        handle("5 to 95 %", look.ink, linewidth=1.6),
    ]
    axes.legend(handles=marks, loc="lower left", frameon=False)


def _paint_faults(axes: Any, rows: Points, look: Look) -> None:
    """Output error probability against p, with the simulations."""
    circle = handle("simulated", look.paper, marker="o", markersize=6, markeredgecolor=look.ink)
    for members, colour in _curves(axes, rows, "p_err", look, "lower right", circle):
        for row in members.rows:
            if row["simulated_p_err"] is not None:
                axes.plot(row["p"], row["simulated_p_err"], "o", color=look.paper, markersize=6,
                          markeredgecolor=colour, markeredgewidth=1.6, zorder=3)  # fmt: skip
                axes.vlines(row["p"], *row["simulated_p_err_ci999"], color=colour, zorder=4)
    axes.set(yscale="log", ylabel="probability p_err of a wrong output")
    report.powers(axes.yaxis)
    report.clean(axes)


def _paint_noise(axes: Any, rows: Points, look: Look) -> None:
    for members, colour in _curves(axes, rows, "relative_accuracy", look, "lower left"):
        _band(axes, members.p, members, colour)
    _accuracy_axis(axes, look)


def _curves(
    axes: Any, rows: Points, key: str, look: Look, place: str, *more: Any
) -> Iterator[tuple[SimpleNamespace, str]]:
    """Draw a curve against p for each k and R; gives the rows of each, and its colour.

    There is a colour for each k and a kind of line for each R; ``more`` is added to the legend.
    """
    colours = dict(zip(_distinct(rows, "redundant"), report.COLOURS, strict=False))
    lines = dict(zip(_distinct(rows, "attempts"), report.LINES, strict=False))
    for k, r in dict.fromkeys((row["redundant"], row["attempts"]) for row in rows):
        members = _columns(rows, redundant=k, attempts=r)
        axes.plot(members.p, vars(members)[key], lines[r], linewidth=1.8, color=colours[k])
        yield members, colours[k]
    axes.set(xscale="log", xlabel="probability p that a residue is wrong")
    report.powers(axes.xaxis)
    handles = [handle(f"k = {k}", colour, linewidth=5) for k, colour in colours.items()]
    for r, line in lines.items():
        shown = "∞" if math.isinf(r) else f"{r:g}"
        handles.append(handle(f"R = {shown}", look.ink, linewidth=1.8, linestyle=line))
    axes.legend(handles=[*handles, *more], loc=place, frameon=False)


def _paint_sizes(axes: Any, rows: Points, look: Look) -> None:
    """Accuracy in a conventional core against h, a line for each b, with its name.

    Those of calibrated ranges are broken, and have none, as they lie together.
    """
    several, sizes = _distinct(rows, "bits"), _distinct(rows, "vector_size")
    names, never = [], []  # of those that never had half of the accuracy there is one
    for bits in several:
        members = _columns(rows, bits=bits, adc_range=FULL)
        ratios, colour = members.relative_accuracy, CORE_COLOURS["fixed-lp"]
        calibrated = _columns(rows, bits=bits, adc_range=CALIBRATED)
        axes.plot(calibrated.vector_size, calibrated.relative_accuracy, "s--", color=colour,
                  alpha=_strength(bits, several), markersize=4, linewidth=1.4)  # fmt: skip
        axes.plot(sizes, ratios, "s-", color=colour, alpha=_strength(bits, several), markersize=4,
                  linewidth=1.8)  # fmt: skip
        _band(axes, sizes, members, colour)
        half = _half_lost(sizes, ratios)
        if half is not None:
            names.append((f"b = {bits}", (half, 0.5), (4, 0), "center"))
        elif ratios[0] < 0.5:
            never.append((ratios[0], str(bits)))
        else:
            names.append((f"b = {bits}", (sizes[-1], ratios[-1]), (6, 0), "center"))
    if never:
        listed = ", ".join(bits for _, bits in never)
        names.append((f"b = {listed}", (sizes[0], max(never)[0]), (2, 6), "baseline"))
    axes.set_xscale("log", base=2)
    axes.set_xticks(sizes, list(map(str, sizes)))
    axes.set(xlim=(sizes[0] / 1.15, sizes[-1] * 1.5), xlabel="terms h of a dot product")
    _accuracy_axis(axes, look)
    _range_legend(axes, [], rows, look)
    for name, place, offset, side in names:
        axes.annotate(name, place, xytext=offset, textcoords="offset points", va=side)


def _half_lost(sizes: Sequence[int], ratios: Sequence[float]) -> float | None:
    """The h at which a line, on its axes, falls through one half."""
    for (before, high), (after, low) in itertools.pairwise(zip(sizes, ratios, strict=True)):
        if high >= 0.5 > low:
            top, middle, bottom = map(_stretched, (high, 0.5, low))
            return float(before * (after / before) ** ((top - middle) / (top - bottom)))
    return None


def _paint_bits(*panels: Any, rows: Points, look: Look) -> None:
    """Accuracy of each network on each core against b; of calibrated ranges in broken lines."""
    models = list(dict.fromkeys(row["model"] for row in rows))
    for axes, model in zip(panels, models, strict=True):
        for index, (core, adc_range) in enumerate(cases.NETWORK_SERIES):
            members = _columns(rows, model=model, core=core, adc_range=adc_range)
            if not members.rows:
                continue
            colour, line = CORE_COLOURS[core], "-" if adc_range == FULL else "--"
            places = [bits + 0.07 * (index - 2) for bits in members.bits]
            ratios = members.relative_accuracy
            axes.plot(places, ratios, line, color=colour, linewidth=1.8, zorder=3)
            axes.vlines(places, *_ends(members), color=colour, linewidth=1.6, zorder=3)
            axes.plot(places, ratios, CORE_MARKERS[core], color=colour, markersize=6,
                      markeredgecolor=look.paper, markeredgewidth=0.6, zorder=4)  # fmt: skip
        axes.set_xticks(_distinct(rows, "bits"))
        axes.set_title(model, fontsize="medium", loc="left")
        _accuracy_axis(axes, look, _ACCURACY if model == models[len(models) // 2] else "")
    panels[-1].set_xlabel(_BITS)
    handles = _core_handles(cases.NETWORK_CORES, linewidth=1.8, markersize=6)
    _range_legend(panels[0], handles, rows, look)


def _range_legend(axes: Any, handles: Sequence[Any], rows: Points, look: Look) -> None:
    """A legend with the line of calibrated ranges, if there are some."""
    found = list(handles)
    if any(row["adc_range"] == CALIBRATED for row in rows):
        found.append(handle("calibrated range", look.ink, linewidth=1.4, linestyle="--"))
    if found:
        report.legend_above(axes, found)


def _paint_training(*panels: Any, rows: Points, look: Look) -> None:
    """Losses of trainings of each network, in FP32 and on residues; bands hold all seeds."""
    several, colour = _distinct(rows, "bits"), CORE_COLOURS["rns"]
    models = list(dict.fromkeys(row["model"] for row in rows))
    for axes, model in zip(panels, models, strict=True):
        for index, bits in enumerate((None, *several)):
            members = _columns(rows, model=model, bits=bits)
            line = {"color": look.ink, "alpha": 0.25, "linewidth": 7, "solid_capstyle": "round"}
            if bits is not None:
                line = {"color": colour, "alpha": _strength(bits, several), "linewidth": 1.8}
                line |= {"linestyle": report.LINES[len(several) - index], "marker": "o"}
            axes.plot(members.epoch, members.train_loss, markersize=4, **line)
            axes.fill_between(members.epoch, members.train_loss_lowest,
                              members.train_loss_highest, color=line["color"], alpha=0.12,
                              linewidth=0)  # fmt: skip
        report.clean(axes)
        axes.set(yscale="log", ylabel="loss in nats")
        report.log_ticks(axes.yaxis)
        axes.set_title(model, fontsize="medium", loc="left")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(visible=False, axis="x")
    panels[-1].set_xlabel("epoch")
    handles = [handle("FP32", look.ink, alpha=0.25, linewidth=7)]
    for index, bits in enumerate(several, 1):
        handles.append(handle(f"rns, b = {bits}", colour, linewidth=1.8, marker="o", markersize=4,
                              linestyle=report.LINES[len(several) - index],
                              alpha=_strength(bits, several)))  # fmt: skip
    report.legend_above(panels[0], handles)


def _core_legend(axes: Any, cores: Iterable[str], **look: float) -> None:
    report.legend_above(axes, _core_handles(cores, **look))


def _core_handles(cores: Iterable[str], **look: float) -> list[Any]:
    return [handle(c, CORE_COLOURS[c], marker=CORE_MARKERS[c], **look) for c in cores]


def _accuracy_axis(axes: Any, look: Look, title: str = _ACCURACY) -> None:
    """An axis of ratios to FP32 on which what is next to 1 is seen, with a line at 99 %."""
    axes.set_yscale("function", functions=(_stretched, _squeezed))
    axes.set_yticks(_TICKS, [f"{100 * tick:g} %" for tick in _TICKS])
    axes.minorticks_off()
    axes.set(ylim=(0.0, 1.016), ylabel=title)
    report.clean(axes)
    axes.axhline(KEPT, color=look.ink, linewidth=1, linestyle=(0, (4, 3)), zorder=2)


def _stretched(value: Any) -> Any:
    # Ratios of small samples may be above the axis, where the logarithm has no value.
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


def _columns(rows: Points, **equal: Any) -> SimpleNamespace:
    """The columns of the rows in which these keys have these values."""
    members = [row for row in rows if equal.items() <= row.items()]
    columns = {key: [row[key] for row in members] for key in rows[0]}
    return SimpleNamespace(rows=members, **columns)


def _distinct(rows: Points, key: str) -> list[Any]:
    return sorted({row[key] for row in rows if row[key] is not None})


# All of them


def _of_code(row: Point, value: str) -> tuple[str, str]:
    return f"k = {row['redundant']}, R = {number(row['attempts'])}", value


def _of_range(row: Point) -> str:
    return "" if row["adc_range"] == FULL else f", {row['adc_range']}"


FIGURES = {
    "adc-energy": Figure(
        "energy", _energy_rows, lambda row: (row["core"], engineering(row["adc_energy_j"], "J")),
        _paint_energy,
    ),
    "error": Figure(
        "errors", _error_rows, lambda row: (row["core"], f"{row['mean_abs_error']:.2g}"),
        _paint_errors,
    ),
    "p-err": Figure(
        "faults", _fault_rows, lambda row: _of_code(row, probability(row["p_err"])), _paint_faults
    ),
    **{
        result: Figure(
            result, partial(_accuracy_rows, result),
            lambda row: (f"b = {row['bits']}{_of_range(row)}", f"{row['relative_accuracy']:.3f}"),
            _paint_sizes,
        )
        for result in ("accuracy-h-mnist", "accuracy-h")
    },
    "accuracy-b": Figure(
        "accuracy-b", partial(_accuracy_rows, "accuracy-b"),
        lambda row: (
            f"{row['model']} with {row['core']}{_of_range(row)}",
            f"{row['relative_accuracy']:.3f}",
        ),
        _paint_bits, lambda rows: (0.8,) * len({row["model"] for row in rows}),
    ),
    "training": Figure(
        "training", _epoch_rows,
        lambda row: (
            f"{row['model']} " + (f"with b = {row['bits']}" if row["bits"] else "in FP32"),
            f"{row['train_loss']:.3g}",
        ),
        _paint_training, lambda rows: (0.7,) * len({row["model"] for row in rows}),
    ),
    "accuracy-p": Figure(
        "accuracy-p", partial(_accuracy_rows, "accuracy-p"),
        lambda row: _of_code(row, f"{row['relative_accuracy']:.3f}"), _paint_noise,
    ),
}  # fmt: skip


# The folder

# Of all files that there may be, beside the rows for machines.
NAMES = (
    "index.html", "report.md", *(f"data/{figure.name}.csv" for figure in FIGURES.values()),
    *(f"figures/{figure.name}.{kind}" for figure in FIGURES.values() for kind in ("svg", "png")),
)  # fmt: skip
_COLUMNS = columns_of(ReproducedRow)
_KINDS = {"case": "case", "verdict": "verdict", "remark": "text"}  # of columns; others are numbers
_IN_WORDS = {
    AGREES: "confirmed by simulation",
    TOO_EASY: "within without discriminating",
    NOT_HERE: "not at this scale",
    FULL_ONLY: "with the full range only",
}


def _template(name: str) -> str:
    return (files(__package__) / "templates" / name).read_text(encoding="utf-8")


_TEXTS = tomllib.loads(_template("sections.toml"))


def report_files(
    rows: Sequence[Row],
    reproduced: Reproduction,
    study: NetworkStudy,
    documents: Mapping[str, str],
    missing: str | None,
) -> dict[str, bytes]:
    """Contents of the folder by relative path.

    ``documents`` are the ``rows`` for machines, by the names of their files; ``missing`` is the
    package without which networks are left out, if that is why.
    """
    results = dict.fromkeys(str(row["result"]) for row in rows)
    sections = [_section(result, rows, reproduced, study) for result in results]
    measured = any(result in cases.NETWORK_RESULTS for result in results)
    about = "measured" if measured else "others" if missing is None else "missing"
    networks = _TEXTS["networks"][about].format(missing=missing, extra=EXTRA)
    lead = _TEXTS["lead"].format(networks=networks)
    found = {name: text.encode() for name, text in documents.items()}
    for name in ("report.md", "index.html"):
        found[name] = written(name, rows, sections, documents, lead).encode()
    for figure in (section["figure"] for section in sections if section["figure"] is not None):
        found[f"data/{figure.name}.csv"] = figure.csv.encode()
        for kind in ("svg", "png"):
            found[f"figures/{figure.name}.{kind}"] = figure.draw(report.Canvas(kind))
    return found


def _section(
    result: str, rows: Sequence[Row], reproduced: Reproduction, study: NetworkStudy
) -> dict[str, Any]:
    """One of the results: words, its table, and perhaps a picture.

    Its ``description`` is for those who cannot see the picture, and its ``summary`` says what is in
    a table that is folded beside others.
    """
    texts = _TEXTS["section"][result]
    members = [row for row in rows if row["result"] == result]
    layout = report.Layout((), (*texts["columns"], "command"))
    whole = report.View(wide=True)
    table = report.table_text(members, _COLUMNS, layout, "markdown", whole).rstrip()
    figure = FIGURES[result].of(reproduced, study) if result in FIGURES else None
    words = (row["simulated_words"] for row in members)
    facts: dict[str, Any] = {"words": min((n for n in words if isinstance(n, int)), default=0)}
    if figure is not None:
        facts |= {"first": figure.rows[0], "last": figure.rows[-1], "series": figure.in_words}
    long = result in cases.LONG_RESULTS and len(members) < len(rows)
    summary = f"{len(members)} rows: {long_sentence(members)}" if long else ""
    return {"result": result, "table": table, "figure": figure, "summary": summary} | {
        key: text.format(**facts) if isinstance(text, str) else text for key, text in texts.items()
    }


def summary_sentence(rows: Sequence[Row]) -> str:
    """How many rows have which verdict."""
    results = "results" if len(rows) != 1 else "result"
    return f"{len(rows)} published {results}: {_counted(rows)}"


def long_sentence(rows: Sequence[Row]) -> str:
    """How many rows of a result have which verdict, and how far off they are at most."""
    deviations = [float(str(row["deviation"] or 0.0)) for row in rows if row["verdict"] != SAME]
    most = _COLUMNS["deviation"].shown(max(deviations, default=0.0))
    return f"{_counted(rows)}; at most {most} off where not same"


def _counted(rows: Sequence[Row]) -> str:
    counts = Counter(str(row["verdict"]) for row in rows)
    return ", ".join(f"{counts[w]} {_IN_WORDS.get(w, w)}" for w in VERDICTS if counts[w])


def written(
    name: str,
    rows: Sequence[Row],
    sections: Sequence[dict[str, Any]],
    documents: Mapping[str, str],
    lead: str,
) -> str:
    """The page, or the text, by the name of its file and template; the page has the documents."""
    from markupsafe import Markup

    def svg(figure: Figure, description: str) -> str:
        return Markup(report.inline_svg(figure.name, figure.draw, description))

    environment = report.page_environment(autoescape=name.endswith(".html"))
    return environment.from_string(_template(name)).render(
        title=_TEXTS["title"], lead=lead, sentence=summary_sentence(rows), version=__version__,
        verdict_style=Markup(_template("reproduction.css")), meanings=VERDICTS, rows=rows,
        sections=sections, documents=documents, columns=_COLUMNS, kinds=_KINDS, formulas=_formulas,
        svg=svg, sorted_by=_sorted_by,
    )  # fmt: skip


def _formulas(text: str) -> str:
    """A paragraph with its powers and indices raised and lowered: 2^b, p_err."""
    from markupsafe import Markup, escape

    raised = re.sub(r"\^(\w+?)(?=_|\b)", r"<sup>\1</sup>", str(escape(text)))
    return Markup(re.sub(r"(?<=[bp])(</sup>)?_(out|err)\b", r"<sub>\2</sub>\1", raised))


def _sorted_by(row: Row, key: str) -> str | float:
    """What a cell is sorted by: its number, where it has one."""
    value = row["published_low"] if key == "published" else row[key]
    if key == "verdict":
        return list(VERDICTS).index(str(value))
    value = value[0] if isinstance(value, tuple) and value else value
    return float(value) if isinstance(value, int | float) else _COLUMNS[key].shown(row[key], row)
