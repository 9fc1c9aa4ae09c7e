"""Picture of the error probability of a code: by what is swept of the noise, or code by code."""

from collections.abc import Sequence
from typing import Any

from rnscli.analysis import FaultProbability
from rnscli.base import columns_of
from rnscli.report.plots.figure import COLOURS, LINES, MARKERS, Canvas, figure, handle
from rnscli.report.plots.series import (
    ALONG,
    LEVELS,
    MAX_BARS,
    MAX_SERIES,
    check_number,
    distinguishing,
    grouped,
    label,
    most_swept,
    number,
    scale,
    with_same_p,
    without_derived,
)
from rnscli.report.table import Row

_LEVELS = (*LEVELS, "static_share")
_ALONG = (*_LEVELS, "vector_size", "bits")
_CODES = (
    "noise", "redundant", "decoder", "moduli", "redundant_moduli", "legitimate_range", "erased",
)  # fmt: skip
_SIMULATED = "simulated_p_err"
_FEW = 15  # points of a line, of which each has a marker


def plot_fault_probability(rows: Sequence[Row], canvas: Canvas) -> bytes:
    """p_err against the level of the noise that was swept, a line for each code and R.

    Where no level was swept, a dot for each row on a logarithmic axis. Simulated values have their
    99.9 % intervals.
    """
    rows = with_same_p(rows)
    levels = [key for key in _LEVELS if most_swept(rows, (key,), canvas.swept)]
    along = levels[0] if levels else most_swept(rows, _ALONG, canvas.swept)
    if along is None:
        check_number(len(rows), MAX_BARS, "rows")
        return _dots(rows, canvas)
    return _lines(rows, along, canvas)


def _lines(rows: Sequence[Row], along: str, canvas: Canvas) -> bytes:
    columns = {**columns_of(FaultProbability), **canvas.columns}
    keys = without_derived((*_CODES, "sigma", "p", *_options(canvas)), canvas.swept, rows)
    codes = grouped(rows, (along, "attempts"), keys, columns, "decoder")
    groups = {
        (code, attempts): [row for row in members if row["attempts"] == attempts]
        for code, members in codes.items()
        for attempts in dict.fromkeys(row["attempts"] for row in members)
    }
    check_number(len(groups), MAX_SERIES, "lines")
    several = list(dict.fromkeys(attempts for _, attempts in groups))
    # A colour for each code and a kind of line for each number of attempts, if that is enough.
    both = len(codes) <= len(COLOURS) and len(several) <= len(LINES)

    def draw(axes: Any) -> None:
        handles, hollow_seen = [], False
        for index, ((code, attempts), members) in enumerate(groups.items()):
            place = list(codes).index(code) if both else index
            line = several.index(attempts) if both else index // len(COLOURS)
            colour, kind = COLOURS[place % len(COLOURS)], LINES[line % len(LINES)]
            marker = MARKERS[line % len(MARKERS)]  # of a line that is a point only
            members = sorted(members, key=lambda row: number(row[along]))
            known = [row for row in members if number(row["p_err"]) > 0]
            x = [number(row[along]) for row in known]
            y = [number(row["p_err"]) for row in known]
            few = len(members) <= _FEW
            look: dict[str, Any] = {"color": colour, "linestyle": kind, "markersize": 4}
            parts = [code] if len(codes) > 1 else []
            parts += [label(members[0], ["attempts"], columns)] * (len(several) > 1)
            name = ", ".join(parts) or code
            axes.plot(x, y, marker=marker if few else "", zorder=2, label=name, **look)
            bounds = [(a, b) for a, b, row in zip(x, y, known, strict=True) if row["is_bound"]]
            if few and bounds:
                hollow = {"markerfacecolor": canvas.look.paper, "linestyle": "", "color": colour}
                axes.plot(*zip(*bounds, strict=True), marker=marker, markersize=4, **hollow)
            _simulated(axes, [(number(row[along]), row) for row in members], colour, False)
            shown = marker if few else ""
            handles.append(handle(name, colour, 1.5, linestyle=kind, marker=shown, markersize=4))
            hollow_seen |= bool(few and bounds)
        axes.set_yscale("log")
        axes.set_xlabel(ALONG[along])
        axes.set_ylabel("output error probability p_err")
        scale(axes, along, sorted({number(row[along]) for row in rows}))
        zeros = [number(row[along]) for row in rows if not number(row["p_err"])]
        if zeros:
            axes.plot(zeros, [0.0] * len(zeros), "v", color="0.4", clip_on=False,
                      transform=axes.get_xaxis_transform())  # fmt: skip
            handles.append(handle("0", "0.4", marker="v"))
        _legend(axes, [*handles, *_readings(rows, hollow_seen, canvas)])

    return figure(draw, canvas, size=(9.5, 5))


def _dots(rows: Sequence[Row], canvas: Canvas) -> bytes:
    columns = {**columns_of(FaultProbability), **canvas.columns}
    keys = distinguishing(rows, without_derived((*_CODES, *_options(canvas)), canvas.swept, rows))
    names = [*keys, *distinguishing(rows, ("attempts",))]
    titles = [label(row, names, columns, "attempts") for row in rows]
    codes = [label(row, keys, columns) for row in rows]
    several = list(dict.fromkeys(codes))

    def draw(axes: Any) -> None:
        for place, row in enumerate(rows):
            colour = COLOURS[several.index(codes[place]) % len(COLOURS)]
            value = number(row["p_err"])
            if value > 0:
                face = canvas.look.paper if row["is_bound"] else colour
                look = {"color": colour, "markerfacecolor": face, "zorder": 3}
                axes.plot(value, place, "o", markersize=8, label=titles[place], **look)
            text = columns["p_err"].shown(row["p_err"], row)
            at = (value, place) if value > 0 else (0.0, place)
            kind = "data" if value > 0 else axes.get_yaxis_transform()
            axes.annotate(text, at, (9, 0), xycoords=kind, textcoords="offset points",
                          va="center", fontsize=8)  # fmt: skip
            _simulated(axes, [(place, row)], colour, True)
        seen = [number(row["p_err"]) for row in rows if number(row["p_err"]) > 0]
        if seen:
            axes.set_xscale("log")
            low, high = axes.get_xlim()
            # Room for the number beside the largest one.
            low, high = min(low, min(seen) / 3), max(high, max(seen) * 3)
            axes.set_xlim(low, high * (high / low) ** 0.14)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_yticks(range(len(rows)), titles, fontsize=8)
        axes.set_xlabel("output error probability p_err")
        readings = _readings(rows, any(row["is_bound"] for row in rows), canvas)
        if readings:
            _legend(axes, readings)

    return figure(draw, canvas, size=(8, max(2.2, min(14.0, 1.4 + 0.3 * len(rows)))))


def _simulated(axes: Any, points: Sequence[tuple[float, Row]], colour: str, turned: bool) -> None:
    """Simulated values with their intervals, along the x axis where that is ``turned``."""
    for at, row in points:
        ends = row.get(f"{_SIMULATED}_ci999")
        value = row.get(_SIMULATED)
        if not isinstance(ends, tuple) or value is None:
            continue
        low, high, middle = number(ends[0]), number(ends[1]), number(value)
        mark = "x" if middle > 0 else "none"  # the interval alone says what is known
        middle = middle if middle > 0 else high
        error = [[max(0.0, middle - low)], [max(0.0, high - middle)]]
        x, y = (middle, at + 0.28) if turned else (at, middle)
        axes.errorbar(
            x, y, **{"xerr" if turned else "yerr": error}, fmt=mark, color=colour, capsize=3,
            markersize=6, elinewidth=1, zorder=4,
        )  # fmt: skip


def _readings(rows: Sequence[Row], hollow: bool, canvas: Canvas) -> list[Any]:
    """What the legend says of marks that not all pictures have."""
    found = []
    if hollow:
        look: dict[str, Any] = {"markerfacecolor": canvas.look.paper, "marker": "o"}
        found.append(handle("upper bound", canvas.look.ink, **look))
    if any(row.get(_SIMULATED) is not None for row in rows):
        found.append(handle("simulated, 99.9 %", canvas.look.ink, marker="x"))
    return found


def _legend(axes: Any, handles: Sequence[Any]) -> None:
    axes.figure.legend(handles=handles, fontsize=8, loc="outside right upper")


def _options(canvas: Canvas) -> list[str]:
    """Keys of options, which a row of the computation does not have."""
    return [key for key in canvas.columns if key not in columns_of(FaultProbability)]
