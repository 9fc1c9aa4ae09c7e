"""Pictures of results, from rows to the bytes of a file."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rnscli.analysis import DotErrorRow, FaultProbability, ModuliRow
from rnscli.base import columns_of
from rnscli.report.plots.figure import (
    COLOURS,
    LINES,
    distinguishing,
    figure,
    label,
    number,
    series_style,
    with_same_p,
)
from rnscli.report.table import Row

if TYPE_CHECKING:
    from rnscli.analysis import LogHistogram

MAX_SERIES = 28
_LEAST_SHARE = 0.005  # %; the tail towards zero error is long and says nothing
MAX_BARS = 60


def plot_moduli(rows: Sequence[Row], file_format: str) -> bytes:
    """Bits of the range that each set covers, and of the range that is required."""

    columns = columns_of(ModuliRow)

    def draw(axes: Any) -> None:
        keys = distinguishing(rows, ("bits", "vector_size", "redundant_moduli", "rank", "moduli"))
        names = [label(row, keys or ["bits"], columns) for row in rows]
        places = range(len(rows))
        axes.bar(
            places, [row["log2_dynamic_range"] for row in rows], color=COLOURS[0], label="covered"
        )
        for place, row in zip(places, rows, strict=True):
            required = row["required_range"]
            if isinstance(required, int):
                axes.hlines(math.log2(required), place - 0.45, place + 0.45, color=COLOURS[1])
            moduli = columns["moduli"].shown(row["moduli"])
            axes.annotate(
                moduli,
                (place, 0.3),
                rotation=90,
                ha="center",
                va="bottom",
                color="white",
                fontsize=8,
            )
        axes.plot([], [], color=COLOURS[1], label="required")
        axes.set_xticks(places, names, rotation=0 if len(rows) <= 8 else 90)
        axes.set_ylabel("log2 of the dynamic range (bits)")
        axes.legend(loc="upper left")

    return figure(draw, file_format)


def plot_error_histograms(
    rows: Sequence[Row], histograms: Sequence["LogHistogram"], file_format: str
) -> bytes:
    """Distribution of the absolute error of each row, in tenths of a decade; both axes log."""
    keys = distinguishing(
        rows,
        (
            "core", "bits", "input_bits", "weight_bits", "vector_size", "operands", "redundant",
            "attempts", "noise", "p", "decoder", "moduli", "pairs", "slice_bits", "adc_bits",
            "degrees_of_freedom", "sparsity",
        ),
    )  # fmt: skip
    columns = columns_of(DotErrorRow)
    # A conventional core is simulated again for each redundancy of the other: it is drawn once.
    series = {
        label(row, [key for key in keys if row[key] is not None] or ["core"], columns): histogram
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
            style = index if len(series) <= len(LINES) else index // len(COLOURS)
            axes.stairs(share, edges, label=name, **series_style(index, style))
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
    rows = with_same_p(rows)
    codes = distinguishing(
        rows, ("noise", "redundant", "decoder", "moduli", "redundant_moduli", "legitimate_range")
    )
    names = [*codes, *distinguishing(rows, ("attempts",))]
    columns = columns_of(FaultProbability)
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(label(row, names or ["attempts"], columns), []).append(row)

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
                p, p_err = zip(*points, strict=True)
                marker = "o" if len(points) <= 15 else ""
                axes.plot(
                    p, p_err, label=name, marker=marker, markersize=4, **series_style(colour, style)
                )
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("residue error probability p")
        axes.set_ylabel("output error probability p_err")
        if axes.lines:
            axes.legend(fontsize=8)

    return figure(draw, file_format)
