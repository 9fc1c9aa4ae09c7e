"""Pictures of results that are curves or points, from rows to the bytes of a file."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rnscli import analysis
from rnscli.base import InputError, columns_of, option_columns
from rnscli.report.plots import figure as plot
from rnscli.report.plots.figure import COLOURS, LINES, distinguishing, figure, label, number
from rnscli.report.table import Columns, Row

if TYPE_CHECKING:
    from rnscli.analysis import LogHistogram

MAX_SERIES = 28
MAX_BARS = 60
MAX_PANELS = 6
MAX_LINES = 32  # as many as there are pairs of a colour and a kind of line
_LEAST_SHARE = 0.005  # %; the tail towards zero error is long and says nothing


def plot_moduli(rows: Sequence[Row], file_format: str) -> bytes:
    """Bits of the range that each set covers, and of the range that is required."""
    columns = columns_of(analysis.ModuliRow)

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

    return figure(draw, file_format)


def plot_error_histograms(
    rows: Sequence[Row], histograms: Sequence["LogHistogram"], file_format: str
) -> bytes:
    """Distribution of the absolute error of each row, in tenths of a decade; both axes log."""
    import numpy as np

    swept = option_columns({"calibration": analysis.Calibration, "percentile": analysis.Percentile})
    keys = distinguishing(
        rows,
        (
            "core", "bits", "input_bits", "weight_bits", "vector_size", "operands", "redundant",
            "attempts", "noise", "p", "decoder", "moduli", "pairs", "slice_bits", "adc_bits",
            "adc_range", *(key for key in swept if key in rows[0]), "degrees_of_freedom",
            "sparsity",
        ),
    )  # fmt: skip
    columns = {**columns_of(analysis.DotErrorRow), **swept}
    # A conventional core is simulated again for each redundancy of the other: it is drawn once.
    series = {
        label(row, keys, columns, "core"): histogram
        for row, histogram in zip(rows, histograms, strict=True)
    }

    def draw(axes: Any) -> None:
        for index, (name, histogram) in enumerate(series.items()):
            # Ten bins a decade are what an eye can use of the 425 that are stored.
            positive = histogram.bins > 0
            centres = np.log10((histogram.lower_edges + histogram.upper_edges)[positive] / 2)
            bins = np.floor(centres * 10).astype(int)
            if not bins.size:
                continue
            heights = np.bincount(bins - bins.min(), weights=histogram.counts[positive])
            edges = 10.0 ** (np.arange(bins.min(), bins.max() + 2) / 10)
            share = heights / histogram.counts.sum() * 100
            first = int(np.argmax(share >= _LEAST_SHARE))
            style = index if len(series) <= len(LINES) else index // len(COLOURS)
            look = plot.series_style(index, style)
            axes.stairs(share[first:], edges[first:], label=name, **look)
        axes.set_xscale("log")
        axes.set_xlabel("absolute error of the dot product")
        axes.set_ylabel("pairs in a tenth of a decade (%)")
        if axes.patches:
            axes.set_yscale("log")
            axes.set_ylim(bottom=_LEAST_SHARE)
            axes.legend()

    return figure(draw, file_format)


def plot_fault_probability(rows: Sequence[Row], file_format: str) -> bytes:
    """p_err against p, a line for each code and number of attempts."""
    rows = plot.with_same_p(rows)
    codes = distinguishing(
        rows, ("noise", "redundant", "decoder", "moduli", "redundant_moduli", "legitimate_range")
    )
    names = [*codes, *distinguishing(rows, ("attempts",))]
    columns = columns_of(analysis.FaultProbability)
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(label(row, names, columns, "attempts"), []).append(row)

    def draw(axes: Any) -> None:
        # A colour for each code and a line style for each number of attempts, if that is enough.
        colours = list(dict.fromkeys(label(rows[0], codes, columns) for rows in groups.values()))
        styles = list(dict.fromkeys(rows[0]["attempts"] for rows in groups.values()))
        both = len(colours) <= len(COLOURS) and len(styles) <= len(LINES)
        for index, (name, members) in enumerate(groups.items()):
            colour, style = index, index // len(COLOURS)
            if both:
                colour = colours.index(label(members[0], codes, columns))
                style = styles.index(members[0]["attempts"])
            points = sorted((number(row["p"]), number(row["p_err"])) for row in members)
            points = [point for point in points if min(point) > 0]
            if points:
                look = {"marker": "o" if len(points) <= 15 else "", "markersize": 4}
                look |= plot.series_style(colour, style)
                axes.plot(*zip(*points, strict=True), label=name, **look)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("residue error probability p")
        axes.set_ylabel("output error probability p_err")
        if axes.lines:
            axes.legend(fontsize=8)

    return figure(draw, file_format)


# The Pareto front of a search

_ENERGY = "energy_per_mac_j"
# Title and unit of what is drawn against the energy; an area has no engineering prefixes.
_AGAINST = {
    "p_err": ("output error probability", None),
    "output_error": ("output error (rms)", None),
    "mean_abs_error": ("mean absolute error", None),
    "latency_s": ("latency", "s"),
    "area_m2": ("area (m$^2$)", None),
}
_OF_INFERENCE = "energy_per_inference_j"
_AGAINST_OF_CHIPS = {
    key: _AGAINST[key] for key in ("p_err", "output_error", "mean_abs_error", "latency_s")
} | {"throughput_per_s": ("inferences/s", None), "area_m2": _AGAINST["area_m2"]}
_MARKERS = "os^Dv"


def plot_front(rows: Sequence[Row], file_format: str) -> bytes:
    """Each other objective of the front against the energy, by core; the choice and neighbours."""
    title = columns_of(analysis.DesignRow)[_ENERGY].title
    return _front(rows, _ENERGY, title, _AGAINST, file_format)


def plot_chip_front(rows: Sequence[Row], file_format: str) -> bytes:
    """The same of chips, against the energy of an inference."""
    chips = [row for row in rows if row["role"] != "network"]
    title = columns_of(analysis.ChipDesignRow)[_OF_INFERENCE].title
    return _front(chips, _OF_INFERENCE, title, _AGAINST_OF_CHIPS, file_format)


def _front(
    rows: Sequence[Row],
    energy: str,
    title_of_energy: str,
    all_against: Mapping[str, tuple[str, str | None]],
    file_format: str,
) -> bytes:
    drawn = [row for row in rows if row[energy] is not None]
    cores = list(dict.fromkeys(str(row["core"]) for row in drawn))
    front = [row for row in drawn if row["role"] != "neighbour"]
    against = [key for key in all_against if len({row[key] for row in front}) > 1]
    against = against or ["mean_abs_error"]

    def scatter(axes: Any, key: str, core: str | None, role: str, name: str, **look: Any) -> None:
        of_core = [row for row in drawn if core in (None, row["core"])]
        members = [row for row in of_core if row["role"] == role]
        if members or core is None:
            x, y = ([number(row[one]) for row in members] for one in (energy, key))
            axes.scatter(x, y, label=name, **look)

    def draw(*panels: Any) -> None:
        for axes, key in zip(panels, against, strict=True):
            for index, core in enumerate(cores):
                colour = COLOURS[index % len(COLOURS)]
                look = {"marker": _MARKERS[index % len(_MARKERS)], "s": 28, "edgecolor": colour}
                scatter(axes, key, core, "front", core, **look, facecolor=colour, zorder=3)
                name = f"{core}, neighbour"
                scatter(axes, key, core, "neighbour", name, **look, facecolor="none", zorder=2)
            scatter(axes, key, None, "chosen", "chosen", marker="*", s=220, facecolor="gold",
                    edgecolor="black", zorder=4)  # fmt: skip
            axes.set_xscale("log")
            values = [number(row[key]) for row in drawn]
            title, unit = all_against[key]
            axes.set_ylabel(title)
            axes.xaxis.set_major_formatter(plot.engineering_axis("J"))
            if min(values) > 0 and max(values) > 10 * min(values):
                axes.set_yscale("log")
            elif max(values) > 0 and key == "p_err":
                least = min(value for value in values if value > 0)
                axes.set_yscale("symlog", linthresh=least)
                axes.set_ylim(bottom=0)
            if unit is not None:
                axes.yaxis.set_major_formatter(plot.engineering_axis(unit))
        panels[-1].set_xlabel(f"energy {title_of_energy}")
        panels[0].legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))

    heights = (1.0,) if len(against) == 1 else (0.55,) * len(against)
    return figure(draw, file_format, heights)


def plot_gain(rows: Sequence[Row], file_format: str) -> bytes:
    """Light that codes save, and energy that they take, by the target."""
    columns = columns_of(analysis.GainRow)
    target = "max_p_err" if rows[0]["max_p_err"] is not None else "max_output_error"
    names = ("redundant", "attempts", "decoder", "legitimate_range")
    others = ("core", "technology", "bits", "vector_size", "columns", "rate_hz")
    keys = distinguishing(rows, (*others, *names)) or ["redundant"]
    codes: dict[str, list[Row]] = {}
    for row in rows:
        codes.setdefault(label(row, keys, columns), []).append(row)
    plot.check_number(len(codes), MAX_SERIES, "codes")
    shown = (("gain_db", "less light (dB)"), (_ENERGY, "energy of a MAC"))
    targets = [number(row[target]) for row in rows]

    def draw(*panels: Any) -> None:
        for axes, (key, title) in zip(panels, shown, strict=True):
            for index, (name, members) in enumerate(codes.items()):
                points = [(row[target], row[key]) for row in members if row[key] is not None]
                look = plot.series_style(index, index // len(COLOURS))
                if points:
                    x, y = zip(*sorted((number(a), number(b)) for a, b in points), strict=True)
                    axes.plot(x, y, label=name, marker="o", markersize=4, **look)
            axes.set_xscale("log")
            axes.set_xlim(min(targets) / 2, max(targets) * 2)
            axes.set_ylabel(title)
        panels[1].yaxis.set_major_formatter(plot.engineering_axis("J"))
        panels[1].set_xlabel(columns[target].title)
        panels[0].legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))

    return figure(draw, file_format, (0.6, 0.6))


# Networks: a panel for each, one legend for all

# What may tell lines apart, in the order in which a label says it.
OF_CORES = (
    "core", "bits", "vector_size", "input_bits", "weight_bits", "granularity", "scales",
    "input_scale", "rounding", "redundant", "attempts", "noise", "p", "sigma", "decoder",
    "slice_bits", "adc_bits", "adc_range", "calibration", "percentile", "calibration_samples",
    "moduli",
)  # fmt: skip


OF_GRADIENTS = ("input_gradient_bits", "weight_gradient_bits", "gradient_rounding")


def check_panels(panels: int, lines: int) -> None:
    """Refuse more panels, or more lines in one of them, than a reader can tell apart."""
    plot.check_number(panels, MAX_PANELS, "panels")
    plot.check_number(lines, MAX_LINES, "lines")


def grouped(
    rows: Sequence[Row], along: Sequence[str], keys: Sequence[str], columns: Columns
) -> dict[str, list[Row]]:
    """Rows of each line by its label; what follows from ``along`` tells no lines apart."""
    chosen = [key for key in distinguishing(rows, [*along, *keys]) if key not in along]
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(label(row, chosen, columns) or str(row["core"]), []).append(row)
    # Those of a core stand together.
    cores = list(dict.fromkeys(row["core"] for row in rows))
    return dict(sorted(groups.items(), key=lambda group: cores.index(group[1][0]["core"])))


def panels_of_networks(
    rows: Sequence[Row],
    draw: Callable[[Any, str], None],
    labels: tuple[str, str],
    file_format: str,
) -> bytes:
    """A panel for each network, below each other; ``draw`` gets one with the name of its network.

    ``labels`` are those of both axes.
    """
    models = list(dict.fromkeys(str(row["model"]) for row in rows)) or [""]

    def draw_all(*panels: Any) -> None:
        handles: dict[str, Any] = {}
        for axes, model in zip(panels, models, strict=True):
            draw(axes, model)
            axes.set_title(model, fontsize=10, loc="left")
            axes.set_ylabel(labels[1])
            found, names = axes.get_legend_handles_labels()
            handles |= dict(zip(names, found, strict=True))
        panels[-1].set_xlabel(labels[0])
        if len(handles) > 1:
            panels[0].figure.legend(
                handles.values(), handles, fontsize=8, loc="outside right upper"
            )

    heights = (1.0,) if len(models) == 1 else (0.6,) * len(models)
    return figure(draw_all, file_format, heights)


_SHARE = 0.99  # of FP32, which designs are most often required to keep
# What may be along the axis, with its title: what has the most values is, but h goes before b.
_ALONG = {
    "bits": "bits b of the converters",
    "vector_size": "vector size h",
    "p": "probability that a residue is wrong",
    "sigma": "sigma, in steps of a residue",
    "redundant": "redundant moduli k",
    "attempts": "attempts R",
    "samples": "samples",
}
_LOGARITHMIC = ("vector_size", "p", "sigma", "samples")


def check_plot(points: Sequence[Mapping[str, Any]]) -> None:
    """Refuse more panels and lines than can be told apart, by the points of a sweep."""
    rows: list[Row] = [dict(point) for point in points]
    metrics = sorted({str(row["metric"]) for row in rows})
    if len(metrics) > 1:
        raise InputError(
            f"a plot has one metric, and --metric names {', '.join(metrics)}; name one of them"
        )
    along, models = _along(rows), {row["model"] for row in rows}
    lines = {tuple(str(row[key]) for key in row if key not in (along, "model")) for row in rows}
    check_panels(len(models), len(lines))


def plot_accuracy(rows: Sequence[Row], file_format: str) -> bytes:
    """A panel for each network, a line for each core, with 95 % intervals.

    Where nothing is swept that could be along an axis, a point for each core. A metric that is
    told against FP32 itself, and has no ratio, is drawn as it is.
    """
    metric = str(rows[0]["metric"])
    shown = "relative_value" if analysis.METRICS[metric].has_ratio else "value"
    rows = [row for row in rows if row[shown] is not None and math.isfinite(number(row[shown]))]
    rows = plot.with_same_p(rows)

    def _ends(row: Row) -> tuple[float, float]:
        interval = row[f"{shown}_ci95"]
        ends = interval if isinstance(interval, tuple) else (row[shown], row[shown])
        return number(ends[0]), number(ends[1])

    along = _along(rows)
    same = () if along is None else ("model", along)
    groups = grouped(rows, same, (*OF_CORES, "samples"), columns_of(analysis.AccuracyRow))
    looks = _styles(groups)
    ends = [end for row in rows for end in _ends(row)]
    margin = 0.03 * (max(ends, default=1.0) - min(ends, default=0.0))
    limits = min(ends, default=0.0) - margin, max(ends, default=1.0) + margin

    def draw(axes: Any, model: str) -> None:
        for index, (name, members) in enumerate(groups.items()):
            here = [row for row in members if row["model"] == model]
            if along is not None:
                here.sort(key=lambda row: number(row[along]))
            x = [index if along is None else number(row[along]) for row in here]
            y = [number(row[shown]) for row in here]
            below = [value - _ends(row)[0] for value, row in zip(y, here, strict=True)]
            above = [_ends(row)[1] - value for value, row in zip(y, here, strict=True)]
            look = looks[index] | {"marker": "o"}
            axes.errorbar(x, y, yerr=(below, above), label=None if along is None else name,
                          markersize=4, elinewidth=0.8, capsize=2, **look)  # fmt: skip
        if shown == "relative_value":
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
            if analysis.METRICS[metric].larger_is_better:
                axes.axhline(_SHARE, color="0.5", linewidth=1, linestyle=":")
        if margin:
            axes.set_ylim(*limits)
        if along is None:
            axes.set_xticks(range(len(groups)), list(groups))
            axes.set_xlim(-0.5, max(len(groups), 1) - 0.5)
        else:
            _scale(axes, along, sorted({number(row[along]) for row in rows}))

    title = "" if along is None else _ALONG[along]
    upwards = metric if shown == "value" else f"{metric} over FP32"
    if shown == "relative_value" and analysis.METRICS[metric].larger_is_better:
        upwards += f" (dotted: {_SHARE:.0%})"
    labels = title, upwards
    return panels_of_networks(rows, draw, labels, file_format)


def _along(rows: Sequence[Row]) -> str | None:
    """What has the most values, all of them finite, but h before b; ``None`` if nothing has two."""
    # A line must have a place on the axis for all of its rows.
    found = {key: {row[key] for row in rows} for key in _ALONG}
    counts = {
        key: len(values)
        for key, values in found.items()
        if None not in values and math.inf not in values
    }
    if counts.get("vector_size", 1) > 1:  # a line for each b, as accuracy against h is published
        counts.pop("bits", None)
    best = max(counts, key=lambda key: counts[key], default=None)
    return best if best is not None and counts[best] > 1 else None


def _styles(groups: Mapping[str, Sequence[Row]]) -> list[dict[str, str]]:
    """A colour for each line; where that is enough, a kind of line for each range of the ADCs."""
    firsts = [members[0] for members in groups.values()]
    ranges = list(dict.fromkeys(row["adc_range"] for row in firsts if row["adc_range"] is not None))
    # A label says the range as a part of its own.
    parts = [tuple(part for part in name.split(", ") if part not in ranges) for name in groups]
    colours = list(dict.fromkeys(parts))
    places = [ranges.index(row["adc_range"]) if row["adc_range"] in ranges else 0 for row in firsts]
    pairs = [(colours.index(part), place) for part, place in zip(parts, places, strict=True)]
    if len(set(pairs)) < len(pairs) or len(colours) > len(COLOURS) or len(ranges) > len(LINES):
        pairs = [(index, index // len(COLOURS)) for index in range(len(pairs))]
    return [plot.series_style(colour, line) for colour, line in pairs]


def _scale(axes: Any, along: str, values: Sequence[float]) -> None:
    positive = [value for value in values if value > 0]
    if along in _LOGARITHMIC and len(positive) > 1 and positive[-1] > 8 * positive[0]:
        if len(positive) == len(values):
            axes.set_xscale("log")
        else:
            axes.set_xscale("symlog", linthresh=positive[0])
    if all(value == int(value) for value in values) and len(values) <= 12:
        axes.set_xticks(values, [f"{value:.0f}" for value in values])
        axes.set_xticks([], minor=True)


_BLACK = "#000000"
_COLOURS = [colour for colour in COLOURS if colour != _BLACK]


def plot_training(
    rows: Sequence[Row], file_format: str, fp32: str, recipe: Columns | None = None
) -> bytes:
    """A panel for each network; for each core the mean of the seeds, and their range.

    Rows are those of epochs, with the columns ``recipe`` of what else may differ from one training
    to the next; ``fp32`` is the name of the core that FP32 has, which is drawn over all others.
    """
    others = recipe or {}
    columns = {**columns_of(analysis.EpochRow), **others}
    groups = grouped(rows, ("model", "epoch", "seed"), (*OF_CORES, *OF_GRADIENTS, *others), columns)
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
                    epoch = int(number(row["epoch"]))
                    losses.setdefault(epoch, []).append(number(row["train_loss"]))
            epochs = sorted(losses)
            low, high = ([end(losses[epoch]) for epoch in epochs] for end in (min, max))
            means = [math.fsum(losses[epoch]) / len(losses[epoch]) for epoch in epochs]
            axes.plot(epochs, means, label=name, marker="o", markersize=3, **styles[name])
            if low != high:
                colour = styles[name]["color"]
                axes.fill_between(epochs, low, high, color=colour, alpha=0.15, linewidth=0)
            lowest = min([lowest, *low])
        if lowest > 0:
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(plain_ticks())
            axes.yaxis.set_minor_formatter(plain_ticks())
        axes.xaxis.get_major_locator().set_params(integer=True)

    # Of classes it is a cross-entropy; of values a square of whatever they are.
    unit = " (nats)" if all(row.get("test_r2") is None for row in rows) else ""
    return panels_of_networks(rows, draw, ("epoch", f"training loss{unit}"), file_format)


def _style(colour: str, line: int, order: int) -> dict[str, Any]:
    return {"color": colour, "linestyle": LINES[line % len(LINES)], "zorder": order}


def plain_ticks() -> Any:
    """Numbers such as 0.2, where a logarithmic axis has 2 x 10^-1; not at too many ticks."""
    from matplotlib.ticker import LogFormatter

    class Plain(LogFormatter):
        def __call__(self, value: float, position: int | None = None) -> str:
            return f"{value:g}" if super().__call__(value, position) else ""

    return Plain(minor_thresholds=(2, 0.5))
