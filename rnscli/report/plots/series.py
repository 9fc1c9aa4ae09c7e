"""Series of a picture: which rows make one, how it looks, and what is along the axis."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from rnscli.base import InputError
from rnscli.report.plots.figure import (
    COLOURS,
    CORE_COLOURS,
    CORE_MARKERS,
    LINES,
    MARKERS,
    engineering_axis,
)
from rnscli.report.table import Columns, Row

MAX_SERIES = 28
MAX_BARS = 60
MAX_PANELS = 6
MAX_LINES = 32  # as many as there are pairs of a colour and a kind of line
# What may be along an axis, with its title.
ALONG = {
    "bits": "bits b of the converters",
    "vector_size": "vector size h",
    "p": "probability p that a residue is wrong",
    "sigma": "sigma, in steps of a residue",
    "snr_db": "SNR of the residues (dB)",
    "static_share": "share of the noise that stays",
    "redundant": "redundant moduli k",
    "attempts": "attempts R",
    "samples": "samples",
    "adc_bits": "bits of the ADC",
    "slice_bits": "bits of a slice",
    "sparsity": "share of zeros among the operands",
}
LEVELS = ("snr_db", "sigma", "p")  # of noise: one is given, and others follow from it
_LOGARITHMIC = ("vector_size", "p", "sigma", "samples")
_DARKEST, _LIGHTEST = -0.45, 0.35  # shades of the colour of a core


def check_number(count: int, highest: int, what: str) -> None:
    """Refuse more series than a reader can tell apart."""
    if count > highest:
        raise InputError(
            f"--plot would draw {count} {what}; sweep less: at most {highest} can be told apart"
        )


def check_panels(panels: int, lines: int) -> None:
    """Refuse more panels, or more lines in one of them, than a reader can tell apart."""
    check_number(panels, MAX_PANELS, "panels")
    check_number(lines, MAX_LINES, "lines")


def number(value: object) -> float:
    """A value of a row that is a number."""
    assert isinstance(value, int | float)
    return float(value)


def distinguishing(rows: Sequence[Row], keys: Sequence[str]) -> list[str]:
    """Of these keys, the first ones that tell apart all rows that any of them tells apart."""
    chosen: list[str] = []
    apart = 1
    for key in keys:
        with_key = len({tuple(str(row[k]) for k in [*chosen, key]) for row in rows})
        if with_key > apart:
            chosen.append(key)
            apart = with_key
    return chosen


def label(row: Row, keys: Sequence[str], columns: Columns, otherwise: str = "") -> str:
    """Values of a row that it has, each with its title unless it is a name.

    That of the column ``otherwise`` where there are none.
    """
    keys = [key for key in keys if row[key] is not None] or [otherwise] * bool(otherwise)
    return ", ".join(
        str(row[key])
        if isinstance(row[key], str)
        else f"{columns[key].title} {columns[key].shown(row[key])}"
        for key in keys
    )


def grouped(
    rows: Sequence[Row],
    along: Sequence[str],
    keys: Sequence[str],
    columns: Columns,
    otherwise: str = "core",
) -> dict[str, list[Row]]:
    """Rows of each series by its label; what follows from ``along`` tells no series apart.

    Those of a core stand together. ``otherwise`` is the column that names the only series.
    """
    chosen = [key for key in distinguishing(rows, [*along, *keys]) if key not in along]
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(label(row, chosen, columns, otherwise), []).append(row)
    cores = list(dict.fromkeys(row.get("core") for row in rows))
    return dict(sorted(groups.items(), key=lambda group: cores.index(group[1][0].get("core"))))


def with_same_p(rows: Sequence[Row]) -> list[Row]:
    """Rows in which the probabilities that laws of the noise were given alike are equal.

    A law whose own level is another one has it but for the last digits, which no picture shows.
    """
    return [
        row if row["p"] is None else {**row, "p": float(f"{number(row['p']):.9g}")} for row in rows
    ]


def most_swept(rows: Sequence[Row], keys: Sequence[str], swept: Collection[str] = ()) -> str | None:
    """Of what may be along an axis, what has the most finite values; ``None`` if nothing has two.

    Only what is ``swept``, where that is known: of p and sigma one follows from the other. Of
    equals it is the first one, but h goes before b: there is a line for each b then.
    """
    # A line must have a place on the axis for all of its rows.
    known = [key for key in keys if rows and key in rows[0] and (not swept or key in swept)]
    found = {key: {row[key] for row in rows} for key in known}
    counts = {
        key: len(values)
        for key, values in found.items()
        if None not in values and math.inf not in values
    }
    if counts.get("vector_size", 1) > 1:  # as accuracy against h is published
        counts.pop("bits", None)
    best = max(counts, key=lambda key: counts[key], default=None)
    return best if best is not None and counts[best] > 1 else None


def without_derived(keys: Sequence[str], swept: Collection[str], rows: Sequence[Row]) -> list[str]:
    """Of these keys all but the levels of noise that follow from one that is swept in all rows."""
    given = [
        key for key in LEVELS if key in swept and all(row.get(key) is not None for row in rows)
    ]
    return [key for key in keys if not given or key not in LEVELS or key in given]


def looks(groups: Mapping[str, Sequence[Row]], by_range: bool = True) -> list[dict[str, str]]:
    """Colour, line and marker of each series.

    A core has the same ones in every picture; shades of its colour tell its series apart. Where
    there is one core, or none, colours do. Where it is not for something else, a kind of line is
    for a range of the ADCs, as far as that is enough.
    """
    firsts = [members[0] for members in groups.values()]
    cores = [str(row.get("core")) for row in firsts]
    ranges = list(
        dict.fromkeys(row["adc_range"] for row in firsts if row.get("adc_range") and by_range)
    )
    places = [
        ranges.index(row["adc_range"]) if row.get("adc_range") in ranges else 0 for row in firsts
    ]
    # A label says the range as a part of its own.
    parts = [tuple(part for part in name.split(", ") if part not in ranges) for name in groups]
    one = len(set(cores)) <= 1
    if one and len({(part, place) for part, place in zip(parts, places, strict=True)}) < len(parts):
        parts = [(name,) for name in groups]
    variants = [
        list(dict.fromkeys(p for p, core in zip(parts, cores, strict=True) if one or core == name))
        for name in cores
    ]
    numbers = [every.index(part) for part, every in zip(parts, variants, strict=True)]
    if one and (len(groups) != 1 or cores[0] not in CORE_COLOURS):
        return [
            look_of(place, line if len(ranges) > 1 else place // len(COLOURS))
            for place, line in zip(numbers, places, strict=True)
        ]
    return [
        {
            "color": shade(CORE_COLOURS.get(core, COLOURS[-1]), at, len(every)),
            "linestyle": LINES[(line if len(ranges) > 1 else at) % len(LINES)],
            "marker": CORE_MARKERS.get(core, MARKERS[0]),
        }
        for core, at, every, line in zip(cores, numbers, variants, places, strict=True)
    ]


def look_of(place: int, line: int) -> dict[str, str]:
    """Colour, line and marker of a series by numbers."""
    return {
        "color": COLOURS[place % len(COLOURS)],
        "linestyle": LINES[line % len(LINES)],
        "marker": MARKERS[place % len(MARKERS)],
    }


def shade(colour: str, place: int, count: int) -> str:
    """A colour, darker for the first of several, lighter for the last; as it is for the only one.

    Examples
    --------
    >>> shade("#0072B2", 0, 1), shade("#0072B2", 0, 2), shade("#0072B2", 1, 2)
    ('#0072B2', '#003f62', '#59a3cd')
    """
    if count == 1:
        return colour
    share = _DARKEST + (_LIGHTEST - _DARKEST) * place / (count - 1)
    towards = 255 if share > 0 else 0
    parts = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    mixed = [round(part + abs(share) * (towards - part)) for part in parts]
    return "#" + "".join(f"{part:02x}" for part in mixed)


def scale(axes: Any, along: str, values: Sequence[float]) -> None:
    """The axis along which ``values`` are swept, in order: its scale, ticks and title."""
    positive = [value for value in values if value > 0]
    if along in _LOGARITHMIC and len(positive) > 1 and positive[-1] > 8 * positive[0]:
        if len(positive) == len(values):
            axes.set_xscale("log")
        else:
            axes.set_xscale("symlog", linthresh=positive[0])
            axes.set_xlim(left=-0.3 * positive[0])  # nothing is below zero
            axes.set_xticks([one for one in axes.get_xticks() if one >= 0])
    if all(value == int(value) for value in values) and len(values) <= 12:
        axes.set_xticks(values, [f"{value:.0f}" for value in values])
        axes.set_xticks([], minor=True)


def in_prefixes(value: float, unit: str) -> str:
    """A value at a tick, with an engineering prefix."""
    return engineering_axis(unit)(value)  # type: ignore[no-any-return]


def log_ticks(axis: Any, form: Callable[[float], str] = "{:g}".format) -> None:
    """Numbers such as 0.2 at the ticks of a logarithmic axis, not at too many of them."""
    from matplotlib.ticker import LogFormatter

    class Plain(LogFormatter):
        def __call__(self, value: float, position: int | None = None) -> str:
            return form(value) if super().__call__(value, position) else ""

    axis.set_major_formatter(Plain(minor_thresholds=(2, 0.5)))
    axis.set_minor_formatter(Plain(minor_thresholds=(2, 0.5)))
