"""Picture of noise: how much of a reading is wrong, and what share of it each part has."""

import math
from collections.abc import Sequence
from typing import Any

from rnscli.analysis import NOISE_PARTS, NoiseRow
from rnscli.base import columns_of
from rnscli.report.plots.figure import COLOURS, Canvas, figure
from rnscli.report.plots.series import MAX_BARS, check_number, distinguishing, label, number
from rnscli.report.table import Columns, Row

_BLUE, _RED, _GREEN, _PINK, _ORANGE, _SKY, _BLACK, _GREY = COLOURS
# Parts of one place have one colour: light, cells, converters, and what numbers are rounded to.
_LOOKS: dict[str, tuple[str, str]] = {
    "shot": (_ORANGE, ""), "thermal": (_RED, ""), "intensity": (_PINK, ""),
    "detector": (_ORANGE, "xxx"), "phase": (_ORANGE, "///"), "cells": (_BLUE, ""),
    "stuck": (_BLUE, "xxx"), "read": (_SKY, ""), "wires": (_SKY, "///"), "dac": (_GREEN, ""),
    "adc_offset": (_GREEN, "///"), "adc_gain": (_GREEN, "xxx"), "adc_inl": (_GREEN, "..."),
    "quantisation": (_GREY, ""), "clipping": (_GREY, "xxx"),
}  # fmt: skip
_SEEN = 0.05  # per cent, of what is named
_KEYS = (
    "core", "bits", "vector_size", "technology", "moduli", "redundant_moduli", "columns",
    "adc_bits", "modulus", "slice",
)  # fmt: skip


def plot_noise(rows: Sequence[Row], canvas: Canvas, more: Columns | None = None) -> bytes:
    """A bar for each reading, on a logarithmic scale, and below the shares of its variance.

    ``more`` are further columns that differ.
    """
    check_number(len(rows), MAX_BARS, "bars")
    columns = {**columns_of(NoiseRow), **(more or {})}
    keys = distinguishing(rows, [key for key in (*_KEYS, *(more or ())) if key in rows[0]])
    names = [label(row, keys, columns, "core") for row in rows]
    sigmas = [number(row["sigma"]) for row in rows]
    seen = [one for one in sigmas if 0 < one < math.inf]
    shares = [_shares(row) for row in rows]
    used = [part for part in NOISE_PARTS if any(one[part] > _SEEN for one in shares)]
    places = range(len(rows))

    def draw(first: Any, last: Any) -> None:
        for place, (name, sigma) in enumerate(zip(names, sigmas, strict=True)):
            said = f"{name}\nsigma: {sigma:.4g}"
            first.bar(place, min(sigma, max(seen, default=1.0)), color=_GREY, label=said)
        if seen:
            first.set_yscale("log")
            first.set_ylim(10.0 ** math.floor(math.log10(min(seen)) - 0.1), 2 * max(seen))
        first.set_xticks([])
        first.set_ylabel("sigma (steps of the ADC)")
        below = [0.0] * len(rows)
        for part in used:
            colour, hatch = _LOOKS[part]
            look = {"facecolor": colour, "hatch": hatch, "edgecolor": "black"} if hatch else {
                "color": colour
            }  # fmt: skip
            heights = [one[part] for one in shares]
            title = columns[f"sigma_{part}"].title
            last.bar(places, heights, width=0.7, bottom=below, label=title, **look)
            below = [low + height for low, height in zip(below, heights, strict=True)]
        last.set_ylabel("share of variance (%)")
        last.set_ylim(0, 100)
        if used:
            last.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
        many = len(names) > 30
        long = many or max(map(len, names)) * len(names) > 90
        last.set_xticks(
            places, names, rotation=90 if long else 0, fontsize=6 if many else 8, ha="center"
        )
        for axes in (first, last):
            axes.set_xlim(-0.6, len(names) - 0.4)

    return figure(draw, canvas, (0.6, 0.7))


def _shares(row: Row) -> dict[str, float]:
    """Shares of the variance in per cent; an infinite part is all of it."""
    squares = {part: number(row[f"sigma_{part}"]) ** 2 for part in NOISE_PARTS}
    infinite = [part for part, one in squares.items() if math.isinf(one)]
    if infinite:
        squares = {part: float(part in infinite) for part in squares}
    total = math.fsum(squares.values())
    return {part: 100 * one / total if total else 0.0 for part, one in squares.items()}
