"""Pictures of results; matplotlib is an extra and loaded only here."""

import importlib
import io
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from rnscli.core.errors import InputError
from rnscli.report.columns import column, show_value
from rnscli.report.table import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rnscli.analysis.statistics import LogHistogram

# Okabe and Ito's palette, which colour-blind readers can tell apart.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_LINES = ("-", "--", ":", "-.")
MAX_SERIES = 28
_LEAST_SHARE = 0.005  # %; the tail towards zero error is long and says nothing
MAX_BARS = 60


def check_number(count: int, highest: int, what: str) -> None:
    """Refuse more series than a reader can tell apart.

    Raises
    ------
    InputError
        With the number and the limit.
    """
    if count > highest:
        raise InputError(
            f"--plot would draw {count} {what}; sweep less: at most {highest} can be told apart"
        )


def check_available() -> None:
    """Refuse a plot where matplotlib is not installed.

    Raises
    ------
    InputError
        With the command that installs it.
    """
    try:
        importlib.import_module("matplotlib")
    except ImportError:
        raise InputError(
            "--plot needs matplotlib; install it with: pip install 'rnscli[plot]'"
        ) from None


def plot_moduli(rows: Sequence[Row], file_format: str) -> bytes:
    """Bits of the range that each set covers, and of the range that is required."""

    def draw(axes: Any) -> None:
        keys = _distinguishing(rows, ("bits", "vector_size", "redundant_moduli", "rank", "moduli"))
        names = [_label(row, keys or ["bits"]) for row in rows]
        places = range(len(rows))
        axes.bar(
            places, [row["log2_dynamic_range"] for row in rows], color=_COLOURS[0], label="covered"
        )
        for place, row in zip(places, rows, strict=True):
            required = row["required_range"]
            if isinstance(required, int):
                axes.hlines(math.log2(required), place - 0.45, place + 0.45, color=_COLOURS[1])
            moduli = show_value("moduli", row["moduli"])
            axes.annotate(
                moduli,
                (place, 0.3),
                rotation=90,
                ha="center",
                va="bottom",
                color="white",
                fontsize=8,
            )
        axes.plot([], [], color=_COLOURS[1], label="required")
        axes.set_xticks(places, names, rotation=0 if len(rows) <= 8 else 90)
        axes.set_ylabel("log2 of the dynamic range (bits)")
        axes.legend(loc="upper left")

    return _figure(draw, file_format)


def plot_error_histograms(
    rows: Sequence[Row], histograms: Sequence["LogHistogram"], file_format: str
) -> bytes:
    """Distribution of the absolute error of each row, in tenths of a decade; both axes log."""
    keys = _distinguishing(
        rows,
        (
            "core", "bits", "input_bits", "weight_bits", "vector_size", "operands", "redundant",
            "attempts", "residue_error_probability", "decoder", "moduli", "pairs",
        ),
    )  # fmt: skip
    # A conventional core is simulated again for each redundancy of the other: it is drawn once.
    series = {
        _label(row, [key for key in keys if row[key] is not None] or ["core"]): histogram
        for row, histogram in zip(rows, histograms, strict=True)
    }
    import numpy as np

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
            seen = share >= _LEAST_SHARE
            first = int(np.argmax(seen))
            share, edges = share[first:], edges[first:]
            style = index if len(series) <= len(_LINES) else index // len(_COLOURS)
            axes.stairs(share, edges, label=name, **_style(index, style))
        axes.set_xscale("log")
        axes.set_xlabel("absolute error of the dot product")
        axes.set_ylabel("pairs in a tenth of a decade (%)")
        if axes.patches:
            axes.set_yscale("log")
            axes.set_ylim(bottom=_LEAST_SHARE)
            axes.legend()

    return _figure(draw, file_format)


def plot_fault_probability(rows: Sequence[Row], file_format: str) -> bytes:
    """p_err against p, a line for each code and number of attempts."""
    codes = _distinguishing(
        rows, ("redundant", "decoder", "moduli", "redundant_moduli", "legitimate_range")
    )
    names = [*codes, *_distinguishing(rows, ("attempts",))]
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(_label(row, names or ["attempts"]), []).append(row)

    def draw(axes: Any) -> None:
        # A colour for each code and a line style for each number of attempts, if that is enough.
        colours = list(dict.fromkeys(_label(rows[0], codes) for rows in groups.values()))
        styles = list(dict.fromkeys(rows[0]["attempts"] for rows in groups.values()))
        both = len(colours) <= len(_COLOURS) and len(styles) <= len(_LINES)
        for index, (name, members) in enumerate(groups.items()):
            colour, style = index, index // len(_COLOURS)
            if both:
                colour = colours.index(_label(members[0], codes))
                style = styles.index(members[0]["attempts"])
            points = sorted((_float(row["p"]), _float(row["p_err"])) for row in members)
            points = [point for point in points if min(point) > 0]
            if points:
                p, p_err = zip(*points, strict=True)
                marker = "o" if len(points) <= 15 else ""
                axes.plot(
                    p, p_err, label=name, marker=marker, markersize=4, **_style(colour, style)
                )
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("residue error probability p")
        axes.set_ylabel("output error probability p_err")
        if axes.lines:
            axes.legend(fontsize=8)

    return _figure(draw, file_format)


def plot_energy(rows: Sequence[Row], file_format: str) -> bytes:
    """Converter energy of one dot product by part, on a logarithmic scale."""

    def draw(axes: Any) -> None:
        keys = _distinguishing(
            rows, ("core", "bits", "vector_size", "redundant_moduli", "moduli", "columns")
        )
        names = [_label(row, keys or ["core"]) for row in rows]
        places = range(len(rows))
        for shift, key in ((-0.2, "dac_energy_j"), (0.2, "adc_energy_j")):
            axes.bar(
                [place + shift for place in places],
                [_float(row[key]) for row in rows],
                width=0.4,
                label=column(key).title,
                color=_COLOURS[int(shift > 0)],
            )
        if any(_float(row[key]) > 0 for row in rows for key in ("dac_energy_j", "adc_energy_j")):
            axes.set_yscale("log")
        axes.set_xticks(
            places,
            names,
            rotation=0 if len(rows) <= 4 else 60,
            ha="right" if len(rows) > 4 else "center",
        )
        axes.set_ylabel("energy of one dot product (J)")
        axes.legend()

    return _figure(draw, file_format)


def _figure(draw: Callable[["Axes"], None], file_format: str) -> bytes:
    import matplotlib
    from matplotlib.figure import Figure

    # The same rows give the same bytes: no date, no random ids.
    with matplotlib.rc_context({"svg.hashsalt": "rnscli", "svg.fonttype": "none"}):
        figure = Figure(figsize=(8, 5), layout="constrained")
        axes = figure.subplots()
        axes.grid(visible=True, which="major", alpha=0.3)
        axes.set_axisbelow(True)
        draw(axes)
        content = io.BytesIO()
        metadata = {"png": None, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[file_format]
        figure.savefig(content, format=file_format, dpi=150, metadata=metadata)
    return content.getvalue()


def _style(colour: int, line: int) -> dict[str, str]:
    return {"color": _COLOURS[colour % len(_COLOURS)], "linestyle": _LINES[line % len(_LINES)]}


def _distinguishing(rows: Sequence[Row], keys: Sequence[str]) -> list[str]:
    """Of these keys, the first ones that tell apart all rows that any of them tells apart."""
    chosen: list[str] = []
    for key in keys:
        with_key = {tuple(str(row[k]) for k in [*chosen, key]) for row in rows}
        if len(with_key) > len({tuple(str(row[k]) for k in chosen) for row in rows}):
            chosen.append(key)
    return chosen


def _label(row: Row, keys: Sequence[str]) -> str:
    """Values of a row, each with its title unless it is a name."""
    return ", ".join(
        str(row[key])
        if isinstance(row[key], str)
        else f"{column(key).title} {show_value(key, row[key])}"
        for key in keys
    )


def _float(value: object) -> float:
    assert isinstance(value, int | float)
    return float(value)
