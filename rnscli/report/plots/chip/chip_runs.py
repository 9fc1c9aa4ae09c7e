"""What pictures of chips are drawn of: the rows of each chip, and what all pictures share."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from rnscli.analysis import ChipRow
from rnscli.base import columns_of, engineering
from rnscli.hardware import TOTAL
from rnscli.report.plots.figure import COLOURS, Canvas, figure
from rnscli.report.plots.series import distinguishing, label, number
from rnscli.report.table import Columns, Row

BLUE, RED, GREEN, PINK, ORANGE, SKY, _, GREY = COLOURS
YELLOW, PURPLE, DARK = "#F0E442", "#7B4FC4", "#555555"
ON_COLOUR = "#111111"  # of text on a light colour, also where a page is dark
_KEYS = (
    "workload", "core", "bits", "vector_size", "technology", "columns", "arrays", "schedule",
    "moduli",
)  # fmt: skip
# What is the same thing has one colour in all pictures: as a part, a price, or a limit.
ENERGY_COLOURS = {
    "converter_energy_j": BLUE, "array_energy_j": GREEN, "logic_energy_j": PINK,
    "digital_energy_j": YELLOW, "write_energy_j": RED, "vector_energy_j": PURPLE,
    "buffer_energy_j": SKY, "network_energy_j": GREY, "dram_energy_j": ORANGE,
}  # fmt: skip
AREA_COLOURS = {
    "arrays_area_m2": GREEN, "digital_area_m2": YELLOW, "vector_area_m2": PURPLE,
    "buffer_area_m2": SKY, "router_area_m2": GREY,
}  # fmt: skip
LIMIT_COLOURS = {
    "array": GREEN, "converters": BLUE, "writing": RED, "digital units": YELLOW,
    "vector lanes": PURPLE, "buffer": SKY, "dram": ORANGE, "area": GREY, "power": DARK,
}  # fmt: skip
AREA_NAMES = {
    "arrays_area_m2": "arrays, converters, logic", "digital_area_m2": "digital units",
    "vector_area_m2": "vector lanes", "buffer_area_m2": "buffer", "router_area_m2": "routers",
}  # fmt: skip
ROW = 0.135  # inches of a layer, where there is room
LONGEST = 24  # characters of the name of a layer


class ChipDesign(NamedTuple):
    """A chip: its name among those that are compared, its layers and its total."""

    name: str
    layers: Sequence[Row]
    total: Row


@dataclass(frozen=True)
class ChipRuns:
    """Chips with their layers.

    Parameters
    ----------
    designs
        The chips, in the order of the table.
    columns
        All columns of their totals.
    axis
        The column along which they are swept, if there is one whose values have an order.
    swept
        Columns of all that is swept.
    """

    designs: Sequence[ChipDesign]
    columns: Columns
    axis: str | None = None
    swept: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, layers: Sequence[Row], totals: Sequence[Row], more: Columns, swept: Collection[str]
    ) -> "ChipRuns":
        """From rows of all chips one after the other, each with its total at the end.

        ``totals`` are these totals with the columns ``more`` of what is swept; ``swept`` are the
        keys of all that is.
        """
        columns = {**columns_of(ChipRow), **more}
        keys = distinguishing(totals, [*_KEYS, *more, *(key for key in swept if key in columns)])
        parts: list[list[Row]] = [[]]
        for row in layers:
            if row["layer"] == TOTAL:
                parts.append([])
            else:
                parts[-1].append(row)
        if len(totals) == 1:
            keys = ["workload", "core", "arrays"]
        designs = [
            ChipDesign(label(total, keys, columns, "workload"), part, total)
            for part, total in zip(parts, totals, strict=False)
        ]
        # Of several the one with most values.
        ordered = {
            key: len({total[key] for total in totals})
            for key in swept
            if key in columns and all(_is_number(total[key]) for total in totals)
        }
        axis = max(ordered, key=ordered.__getitem__, default=None)
        swept = tuple(key for key in swept if key in columns)
        return cls(designs, columns, axis if axis and ordered[axis] > 1 else None, swept)

    @property
    def heading(self) -> str:
        """What is common to several chips, as far as a picture needs it."""
        names = {str(one.total["workload"]) for one in self.designs}
        return names.pop() if len(names) == 1 and len(self.designs) > 1 else ""

    @property
    def most_layers(self) -> int:
        return max(len(one.layers) for one in self.designs)

    def title(self, key: str) -> str:
        return self.columns[key].title


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def on_canvas(
    draw: Callable[[Any], None],
    canvas: Canvas,
    size: tuple[float, float],
) -> bytes:
    """A picture of this size in inches, whose axes ``draw`` makes itself."""

    def drawn(axes: Any) -> None:
        made = axes.figure
        axes.remove()
        draw(made)

    return figure(drawn, canvas, size=size)


def shown(value: float, unit: str) -> str:
    """A value as tables show it, with the sign for micro that axes have."""
    return engineering(value, unit).replace(" u", " µ")


def limit_title(limit: object) -> str:
    """A part that limits, as people write it."""
    return str(limit).replace("dram", "DRAM")


def limit_name(limit: object) -> str:
    """What limits a chip or layer, in a legend."""
    return f"limited by {limit_title(limit)}"


def short(name: object) -> str:
    """The name of a layer, its end where it is long: there names differ."""
    text = str(name)
    return text if len(text) <= LONGEST else f"…{text[1 - LONGEST :]}"


def name_layers(axes: Any, names: Sequence[object], height: float) -> None:
    """Layers from top to bottom on rows of an inch times ``height``, thinned out in small ones."""
    every = max(1, round(0.115 / height))
    shown = range(0, len(names), every)
    axes.set_yticks(shown, [short(names[place]) for place in shown], fontsize=6.5)
    axes.tick_params(axis="y", length=0, pad=2)
    axes.set_ylim(len(names) - 0.5, -0.5)


def patch(title: str, colour: str, **look: Any) -> Any:
    """An area of a legend."""
    from matplotlib.patches import Patch

    return Patch(facecolor=colour, label=title, **({"linewidth": 0} | look))


def bare(axes: Any, *sides: str) -> None:
    """Axes without lines but at these sides."""
    axes.spines[
        [one for one in ("top", "right", "left", "bottom") if one not in sides]
    ].set_visible(False)


class Part(NamedTuple):
    """A part of bars: its name, its colour, and how long it is in each."""

    name: str
    colour: str
    widths: list[float]


def stacked(axes: Any, places: Sequence[float], parts: Sequence[Part]) -> None:
    """Horizontal bars of parts."""
    left = [0.0] * len(places)
    for name, colour, widths in parts:
        look = {"color": colour, "height": 0.78, "linewidth": 0}
        axes.barh(places, widths, left=left, label=name, **look)
        left = [low + width for low, width in zip(left, widths, strict=True)]


def draw_times(axes: Any, layers: Sequence[Row]) -> None:
    """A bar for the time of each layer, in the colour of what limits it."""
    times = values(layers, "time_s")
    said = [
        f"{row['layer']}\ntime in a run: {shown(time, 's')}\n{limit_title(str(row['limited_by']))}"
        for row, time in zip(layers, times, strict=True)
    ]
    colours = [LIMIT_COLOURS[str(row["limited_by"])] for row in layers]
    look = {"color": colours, "height": 0.78, "linewidth": 0}
    axes.barh(range(len(layers)), times, label=said, **look)


def values(rows: Sequence[Row], key: str) -> list[float]:
    """A column of numbers, of which those that are missing are 0."""
    return [0.0 if row[key] is None else number(row[key]) for row in rows]
