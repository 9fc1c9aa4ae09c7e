"""Pictures of energy: stacked bars of the bill, a network's layers, a tornado of constants."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rnscli.analysis import ENERGY_PARTS, ONCE, EnergyRow, SensitivityRow, WorkloadRow
from rnscli.base import columns_of, engineering
from rnscli.hardware import TOTAL
from rnscli.report.plots.figure import COLOURS, Canvas, engineering_axis, figure
from rnscli.report.plots.series import MAX_BARS, check_number, distinguishing, label, looks, number
from rnscli.report.table import Columns, Row

MAX_TORNADOS = 6
_NAMED = 60  # layers whose names find room below the axis
_LINEAR_UP_TO = 30.0  # ratio of bars that can still be read side by side on a linear scale
_RETRIES = "retry_energy_j"
_WORKLOAD_PARTS = (
    "converter_energy_j", "array_energy_j", "digital_energy_j", "accumulation_energy_j"
)  # fmt: skip
_BLUE, _RED, _GREEN, _PINK, _ORANGE, _SKY, _, _GREY = COLOURS
_YELLOW = "#F0E442"  # for black, on which nothing could be seen
# Colour and hatch of each part, whatever else is drawn. Eight colours can be told apart: what is
# mostly small has that of what it belongs to, hatched. Without colours the hatches tell large parts
# from one another.
_LOOKS: dict[str, tuple[str, str]] = {
    "dac_energy_j": (_BLUE, "\\\\\\"), "adc_energy_j": (_RED, ""),
    "array_energy_j": (_GREEN, "..."),
    "periphery_energy_j": (_GREY, "---"), "light_energy_j": (_YELLOW, ""),
    "modulo_energy_j": (_GREY, "xxx"), "forward_energy_j": (_SKY, "///"),
    "reverse_energy_j": (_SKY, ""), "decoding_energy_j": (_SKY, "xxx"),
    "shift_add_energy_j": (_PINK, "..."), "accumulation_energy_j": (_PINK, "xxx"),
    "scaling_energy_j": (_PINK, "///"), "memory_energy_j": (_ORANGE, "++"),
    "converter_energy_j": (_BLUE, "\\\\\\"), "digital_energy_j": (_PINK, "///"),
    _RETRIES: ("white", "oo"),
}  # fmt: skip
_MOST_LINES = 20  # designs whose layers can be told apart
_KEYS = (
    "workload", "core", "bits", "vector_size", "technology", "adc_model", "redundant_moduli",
    "moduli", "columns",
)  # fmt: skip


def plot_energy(rows: Sequence[Row], canvas: Canvas, more: Columns | None = None) -> bytes:
    """The bill of one dot product as stacked bars; ``more`` are further columns that differ.

    Where the totals are too different for one scale, they are drawn on a logarithmic one, and the
    parts of each below as shares: lengths inside a logarithmic bar would say nothing.
    """
    check_number(len(rows), MAX_BARS, "bars")
    columns = {**columns_of(EnergyRow), **(more or {})}
    bars, names = [_parts_of(row) for row in rows], _names(rows, columns, more or ())
    return _stacked(rows, bars, names, columns, "energy of one dot product", canvas)


def bars_of_workload(rows: Sequence[Row]) -> list[Row]:
    """The rows that are drawn: the layers of one design, or the totals of several."""
    totals = [row for row in rows if row["layer"] == TOTAL]
    layers = [row for row in rows if row["layer"] != TOTAL]
    return layers if layers and len(totals) < 2 else totals


def plot_workload(rows: Sequence[Row], canvas: Canvas, more: Columns | None = None) -> bytes:
    """Energy of every layer of one design; of several that of the network, and of their layers."""
    columns = {**columns_of(WorkloadRow), **(more or {})}
    shown = bars_of_workload(rows)
    check_number(len(shown), MAX_BARS, "bars")
    bars = [{key: number(row[key]) for key in _WORKLOAD_PARTS} for row in shown]
    layers = [str(row["layer"]) for row in shown]
    names = layers if len(set(layers)) > 1 else _names(shown, columns, more or ())
    designs: dict[str, list[Row]] = {}
    if names is not layers and 1 < len(names) <= _MOST_LINES:
        # The rows of a design are its layers and then the total.
        parts: list[list[Row]] = [[]]
        for row in rows:
            if row["layer"] == TOTAL:
                parts.append([])
            else:
                parts[-1].append(row)
        if all(parts[: len(names)]):  # else only totals are drawn
            designs = dict(zip((n.replace("\n", " ") for n in names), parts, strict=False))
    return _stacked(shown, bars, names, columns, "energy", canvas, designs)


def _draw_layers(axes: Any, designs: Mapping[str, Sequence[Row]]) -> None:
    """The energy of each layer of each design, as lines over the layers in order."""
    for (name, layers), style in zip(designs.items(), looks(designs), strict=True):
        energies = [number(row["energy_j"]) or math.nan for row in layers]
        axes.plot(range(len(layers)), energies, label=name, markersize=3, linewidth=1, **style)
    names = {tuple(str(row["layer"]) for row in layers) for layers in designs.values()}
    longest = max(names, key=len)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(engineering_axis("J"))
    axes.yaxis.set_minor_formatter("")
    axes.set_ylabel("energy of a layer")
    if len(names) == 1 and len(longest) <= _NAMED:
        axes.set_xticks(range(len(longest)), longest, rotation=90, fontsize=6)
    else:  # many, or of several networks
        axes.set_xlabel(f"up to {len(longest)} layers in order")
    axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))


def plot_tornado(rows: Sequence[Row], canvas: Canvas, more: Columns | None = None) -> bytes:
    """For each design the energy over the range of each constant, the widest on top."""
    from matplotlib.patches import Patch

    columns = {**columns_of(SensitivityRow), **(more or {})}
    designs: dict[str, list[Row]] = {}
    for name, row in zip(_names(rows, columns, more or ()), rows, strict=True):
        designs.setdefault(name, []).append(row)
    check_number(len(designs), MAX_TORNADOS, "tornados")

    def draw(*panels: Any) -> None:
        for axes, (name, members) in zip(panels, designs.items(), strict=True):
            middle = number(members[0]["energy_per_dot_product_j"])
            reached = [
                number(row[f"energy_at_{end}_j"]) for row in members for end in ("low", "high")
            ]
            finite = [one for one in (*reached, middle) if math.isfinite(one)]
            # Where a design no longer exists, the bar ends at the edge of the picture.
            edge = max(finite) + 0.15 * (max(finite) - min(finite) or middle)
            if len(finite) <= len(reached):
                axes.set_xlim(right=edge)
            for place, row in enumerate(reversed(members)):
                for end, colour in (("low", COLOURS[0]), ("high", COLOURS[1])):
                    energy = min(number(row[f"energy_at_{end}_j"]), edge)
                    column = columns[f"energy_at_{end}_j"]
                    said = (
                        f"{row['constant']}\n{column.title}: {column.shown(row[column.key], row)}"
                    )
                    axes.barh(place, energy - middle, left=middle, color=colour, label=said)
                    if not math.isfinite(number(row[column.key])):
                        where: dict[str, Any] = {
                            "ha": "right",
                            "va": "center",
                            "fontsize": 8,
                            "color": "white",
                        }
                        axes.annotate(
                            "without end →", (edge, place), (-4, 0), textcoords="offset points",
                            **where,
                        )  # fmt: skip
            axes.axvline(middle, color="black", linewidth=1)
            titles = [
                f"{str(row['constant']).replace('_', ' ')}\n"
                f"{columns['constant_low'].shown(row['constant_low'], row)} to "
                f"{columns['constant_high'].shown(row['constant_high'], row)}"
                for row in reversed(members)
            ]
            axes.set_yticks(range(len(members)), titles, fontsize=8)
            axes.xaxis.set_major_formatter(engineering_axis("J"))
            if len(designs) > 1:
                axes.set_title(name, fontsize=9, loc="left")
        panels[-1].set_xlabel("energy of one dot product")
        ends = (("constant at its lower end", COLOURS[0]), ("at its upper end", COLOURS[1]))
        handles = [Patch(color=colour, label=name) for name, colour in ends]
        panels[-1].figure.legend(handles=handles, loc="outside lower center", ncols=2, fontsize=8)

    panels = tuple(0.35 + 0.12 * len(members) for members in designs.values())
    return figure(draw, canvas, panels)


def _stacked(
    rows: Sequence[Row],
    bars: list[dict[str, float]],
    names: list[str],
    columns: Columns,
    what: str,
    canvas: Canvas,
    designs: Mapping[str, Sequence[Row]] | None = None,
) -> bytes:
    """A bar for each row, of parts that have all the same keys; below them layers of designs."""
    ranges = [ends if isinstance(ends := row["energy_range_j"], tuple) else None for row in rows]
    titles = {key: columns[key].title for key in bars[0]}
    totals = [sum(bar.values()) for bar in bars]
    positive = [total for total in totals if total > 0]
    highest = max(*totals, *(ends[1] for ends in ranges if ends is not None), 0.0)
    logarithmic = bool(positive) and max(positive) > _LINEAR_UP_TO * min(positive)
    used = [key for key in titles if any(bar[key] > 0 for bar in bars)]
    places = range(len(bars))

    def stack(axes: Any, heights: list[dict[str, float]]) -> None:
        below = [0.0] * len(bars)
        for key in used:
            colour, hatch = _LOOKS[key]
            look = {"facecolor": colour, "hatch": hatch, "edgecolor": canvas.look.ink}
            parts = [height[key] for height in heights]
            seen = [place for place in places if parts[place] > 0]  # no edge round nothing
            axes.bar(seen, [parts[place] for place in seen], width=0.7, label=titles[key],
                     linewidth=0.4, bottom=[below[place] for place in seen], **look)  # fmt: skip
            below = [low + part for low, part in zip(below, parts, strict=True)]

    def draw(*panels: Any) -> None:
        if designs:
            _draw_layers(panels[-1], designs)
            panels = panels[:-1]
        first, last = panels[0], panels[-1]
        if logarithmic:
            for place, (name, total) in enumerate(zip(names, totals, strict=True)):
                said = f"{name}\n{what}: {engineering(total, 'J')}"
                first.bar(place, total, color=COLOURS[-1], width=0.7, label=said)
            first.set_yscale("log")
            lows = [ends[0] for ends in ranges if ends is not None and ends[0] > 0]
            least = math.log10(min([*positive, *lows]))
            first.set_ylim(10.0 ** math.floor(least - 0.1), 1.5 * highest)
            first.set_xticks([])
            shares = [
                {key: 100 * value / total if total else 0.0 for key, value in bar.items()}
                for bar, total in zip(bars, totals, strict=True)
            ]
            stack(last, shares)
            last.set_ylabel("share (%)")
            last.set_ylim(0, 100)
        else:
            stack(first, bars)
            first.set_ylim(0, 1.06 * highest or 1.0)
        first.yaxis.set_major_formatter(engineering_axis("J"))
        for place, total, ends in zip(places, totals, ranges, strict=True):
            if ends is not None:  # rounding may make lengths of whiskers negative
                error = [[max(0.0, total - ends[0])], [max(0.0, ends[1] - total)]]
                first.errorbar(place, total, error, color="dimgrey", capsize=4, zorder=5)
        first.set_ylabel(what)
        if any(ends is not None for ends in ranges):
            first.set_title("whiskers: the range of uncertain constants", fontsize=8, loc="left")
        if used:
            last.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
        widest = max(len(line) for name in names for line in name.splitlines())
        long = widest * len(names) > 90
        many = len(names) > 30
        last.set_xticks(
            places, names, rotation=90 if many else 60 if long else 0,
            ha="center" if many or not long else "right", fontsize=6 if many else 8,
        )  # fmt: skip
        margin = 0.6 if len(names) > 1 else 1.0
        for axes in panels:
            axes.set_xlim(-margin, len(names) - 1 + margin)
        if long and not many:
            for text in last.get_xticklabels():
                text.set_rotation_mode("anchor")

    heights = (0.6, 0.7) if logarithmic else (1.0,)
    return figure(draw, canvas, (*heights, *([1.0] if designs else [])), size=(9.5, 5))


def _parts_of(row: Row) -> dict[str, float]:
    """The parts of a bill for the first attempt, and one part of the others."""
    attempts = number(row["pass_attempts"])
    parts = {key: number(row[key]) / (1.0 if key in ONCE else attempts) for key in ENERGY_PARTS}
    return {**parts, _RETRIES: number(row[_RETRIES])}


def _names(rows: Sequence[Row], columns: Columns, more: Iterable[str]) -> list[str]:
    # What follows from the options comes after them: it may be the same to all digits shown.
    listed = [key for key in (*_KEYS, *more, "expected_attempts") if key in rows[0]]
    keys = distinguishing(rows, listed)
    names = [label(row, keys, columns, "core") for row in rows]
    # Each core may stand on a technology of its own: that is no less of a difference.
    if "technology" in keys or len({row["technology"] for row in rows}) == 1:
        return names
    return [f"{name}\n({row['technology']})" for name, row in zip(names, rows, strict=True)]
