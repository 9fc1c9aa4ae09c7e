"""The floor of a chip: which layer has which arrays."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from rnscli.report.plots.chip.chip_runs import (
    ON_COLOUR,
    ChipDesign,
    ChipRuns,
    bare,
    on_canvas,
    short,
)
from rnscli.report.plots.figure import Canvas, Look
from rnscli.report.plots.series import number
from rnscli.report.table import Row

_LISTED = 64  # layers that are listed beside the floor; the smallest others are counted
_CELLS = 150  # copies that are drawn as cells of a layer
_FLOOR, _LIST = 7.2, 4.0  # inches across


class Region(NamedTuple):
    """A rectangle of the floor; ``row`` is the layer, ``None`` where arrays are unused."""

    row: Row | None
    arrays: int
    left: float
    top: float
    width: float
    height: float
    in_turn: bool = False


class Holding(NamedTuple):
    """Arrays of a chip by what they do: layers that stay, a pool that others share, the rest."""

    staying: Sequence[Row]
    in_turn: Sequence[Row]
    pool: int
    unused: int


def holding_of(design: ChipDesign) -> Holding:
    """How many arrays hold what.

    Layers that have arrays of their own, of which those that are written for each input hold one
    tile after the other, and layers that are loaded into the same arrays in turn. What uses tiles
    of another layer has none of its own, and what runs on digital units is no array.
    """
    own = [row for row in design.layers if number(row["arrays"]) and row["tiles_of"] is None]
    alone = design.total["schedule"] == "pipelined"
    staying = [row for row in own if alone or row["stays"]]
    in_turn = [row for row in own if not (alone or row["stays"])]
    pool = max((int(number(row["arrays"])) for row in in_turn), default=0)
    used = sum(int(number(row["arrays"])) for row in staying) + pool
    return Holding(staying, in_turn, pool, int(number(design.total["arrays"])) - used)


def floor_of(design: ChipDesign, width: float = 1.0) -> list[Region]:
    """Rectangles whose areas are as the arrays of the layers, in the order of the network.

    Those that are loaded in turn divide the arrays that they share as they divide their time.
    """
    holding = holding_of(design)
    shares: list[tuple[Row | None, int]] = [
        (row, int(number(row["arrays"]))) for row in holding.staying
    ]
    pool = ("pool", holding.pool)
    ordered: list[tuple[Any, int]] = [*shares, *([pool] if holding.pool else [])]
    if holding.unused > 0:
        ordered.append((None, holding.unused))
    total = sum(arrays for _, arrays in ordered)
    found = []
    for (row, arrays), place in zip(
        ordered, _strips([arrays / total for _, arrays in ordered], 0.0, 0.0, width, 1.0),
        strict=True,
    ):  # fmt: skip
        if row != "pool":
            found.append(Region(row, arrays, *place))
            continue
        times = [number(one["time_s"]) for one in holding.in_turn]
        whole = math.fsum(times)
        parts = _strips([time / whole for time in times], *place)
        found += [
            Region(one, arrays, *part, in_turn=True)
            for one, part in zip(holding.in_turn, parts, strict=True)
        ]
    return found


def _strips(
    shares: Sequence[float], left: float, top: float, width: float, height: float
) -> list[tuple[float, float, float, float]]:
    """Cut a rectangle in as many, of these shares of its area and in their order.

    Rows of rectangles from top to bottom; one more is put in a row as long as that makes their
    mean sides more alike (strip treemap, Bederson, Shneiderman and Wattenberg 2002).
    """
    found: list[tuple[float, float, float, float]] = []
    row: list[float] = []

    def aspect(members: Sequence[float]) -> float:
        tall = math.fsum(members) * height
        sides = [(share / math.fsum(members) * width, tall) for share in members]
        return math.fsum(max(a / b, b / a) for a, b in sides if a and b) / len(members)

    def close() -> None:
        nonlocal top
        tall, across = math.fsum(row) * height, left
        for share in row:
            wide = share / math.fsum(row) * width
            found.append((across, top, wide, tall))
            across += wide
        top += tall

    for share in shares:
        if row and aspect([*row, share]) > aspect(row):
            close()
            row = []
        row.append(share)
    if row:
        close()
    return found


def plot_chip_mapping(runs: ChipRuns, canvas: Canvas) -> bytes:
    """The arrays of each chip as a floor divided among its layers, and beside it their list.

    Single arrays are not drawn, of which there are thousands: areas are as their numbers. Lines
    divide the copies of a layer. Colours run with the depth of the network.
    """
    listed = min(_LISTED, runs.most_layers) + 2
    height = max(4.2, 0.4 + 0.135 * listed)

    def draw(picture: Any) -> None:
        grid = picture.subplots(
            len(runs.designs), 2, squeeze=False, gridspec_kw={"width_ratios": (_FLOOR, _LIST)}
        )
        for pair, design in zip(grid, runs.designs, strict=True):
            colours = _colours(design)
            _draw_floor(pair[0], design, colours, canvas.look, height - 0.6)
            _draw_list(pair[1], design, colours, canvas.look)

    return on_canvas(draw, canvas, (_FLOOR + _LIST, height * len(runs.designs)))


def _colours(design: ChipDesign) -> dict[int, tuple[float, ...]]:
    """A colour for each layer, by its place: along the network, neighbours lighter and darker."""
    from matplotlib import colormaps

    own = [place for place, row in enumerate(design.layers) if row["tiles_of"] is None]
    count = max(1, len(own) - 1)
    found = {}
    for order, place in enumerate(own):
        colour = colormaps["turbo"](0.06 + 0.86 * order / count)[:3]
        white = (0.45, 0.25, 0.6)[order % 3]
        found[place] = tuple(round(one + (1 - one) * white, 4) for one in colour)
    return found


def _place(design: ChipDesign, row: Row) -> int:
    return next(place for place, one in enumerate(design.layers) if one is row)


def _draw_floor(
    axes: Any, design: ChipDesign, colours: dict[int, tuple[float, ...]], look: Look, inches: float
) -> None:
    from matplotlib.patches import Rectangle

    width = _FLOOR / inches
    for region in floor_of(design, width):
        colour: Any = "none" if region.row is None else colours[_place(design, region.row)]
        axes.add_patch(Rectangle(
            (region.left, region.top), region.width, region.height, facecolor=colour,
            edgecolor=look.ink, linewidth=0.6, hatch="///" if region.in_turn else "",
            hatch_linewidth=0.3,
        ))  # fmt: skip
        if region.row is None:
            name, below = "unused", f"{region.arrays}"
        else:
            _draw_copies(axes, region)
            name, below = str(region.row["layer"]), _division(region.row)
        _write(axes, region, name, below, inches, colour, ON_COLOUR if region.row else look.ink)
    axes.set(xlim=(0, width), ylim=(1, 0), xticks=[], yticks=[])
    total, holding = design.total, holding_of(design)
    said = f"{int(number(total['arrays']))} arrays, areas as their numbers"
    if holding.pool:
        said += f"; hatched: {holding.pool} that are loaded in turn, areas as the times"
    axes.set_title(f"{design.name}\n{said}", fontsize=9, loc="left")
    bare(axes)


def _draw_copies(axes: Any, region: Region) -> None:
    """Lines between the copies of a layer, where they can be told apart."""
    assert region.row is not None
    copies = region.row["copies"]
    if region.in_turn or not isinstance(copies, int) or not 1 < copies <= _CELLS:
        return
    # As many columns as make the cells most like squares, of which the last row may be short.
    columns = min(copies, max(1, round(math.sqrt(copies * region.width / region.height))))
    rows = -(-copies // columns)
    tall = region.height / rows
    for line in range(1, rows):
        axes.hlines(region.top + line * tall, region.left, region.left + region.width,
                    color="white", linewidth=0.5)  # fmt: skip
    for line in range(rows):
        count = min(columns, copies - line * columns)
        top = region.top + line * tall
        for column in range(1, count):
            axes.vlines(region.left + column * region.width / count, top, top + tall,
                        color="white", linewidth=0.5)  # fmt: skip


def _write(
    axes: Any, region: Region, name: str, below: str, inches: float, behind: Any, ink: str
) -> None:
    """The name of a layer in its rectangle, and what it has there, if there is room."""
    wide, tall = region.width * inches * 72, region.height * inches * 72
    for text in (f"{name}\n{below}", name, name.split(".", 1)[-1]):
        lines = text.split("\n")
        size = min(9.0, 0.9 * wide / (0.63 * max(map(len, lines))), 0.8 * tall / (1.3 * len(lines)))
        if size >= 4.5:
            box = {"facecolor": behind, "edgecolor": "none", "pad": 0.5}
            axes.text(region.left + region.width / 2, region.top + region.height / 2, text,
                      ha="center", va="center", fontsize=size, color=ink, linespacing=1.1,
                      bbox=None if region.row is None else box)  # fmt: skip
            return


def _division(row: Row) -> str:
    """What fills the arrays of a layer, as tiles and copies."""
    tiles, copies = int(number(row["tiles"])), row["copies"]
    if copies is None:
        return f"{tiles} tiles in turn"
    return f"{tiles} x {copies}" if row["stays"] else f"{tiles} tiles"


def _draw_list(
    axes: Any, design: ChipDesign, colours: dict[int, tuple[float, ...]], look: Look
) -> None:
    """Every layer with its tiles, copies and arrays; of very many those with most arrays."""
    rows = [row for row in design.layers if row["tiles_of"] is None]
    reading = len(design.layers) - len(rows)
    largest = sorted(rows, key=lambda row: -number(row["arrays"]))[:_LISTED]
    shown = [row for row in rows if any(row is one for one in largest)]
    heads = ("layer", "tiles", "copies", "arrays", "used")
    places = (0.045, 0.56, 0.7, 0.85, 1.0)
    step = 1 / (max(len(shown), 20) + 2)
    axes.set(xlim=(0, 1), ylim=(1, 0), xticks=[], yticks=[])
    bare(axes)

    def line(height: float, cells: Sequence[str], **style: Any) -> None:
        for cell, place in zip(cells, places, strict=True):
            side = "left" if place == places[0] else "right"
            axes.text(place, height, cell, ha=side, va="center", fontsize=6.5, **style)

    line(step / 2, heads, fontweight="bold")
    for index, row in enumerate(shown, 1):
        height = (index + 0.5) * step
        colour = colours[_place(design, row)]
        used = number(row["arrays"])
        if used:
            axes.barh(height, 0.03, left=0.0, height=0.72 * step, color=[colour],
                      hatch="" if _alone(design, row) else "//////", linewidth=0)  # fmt: skip
        line(height, _cells(design, row))
    left = len(rows) - len(shown)
    said = [f"and {left} with fewer arrays"] * bool(left)
    said += [f"and {reading} that use tiles of these"] * bool(reading)
    line((len(shown) + 1.5) * step, ("; ".join(said), "", "", "", ""))


def _alone(design: ChipDesign, row: Row) -> bool:
    return design.total["schedule"] == "pipelined" or bool(row["stays"])


def _cells(design: ChipDesign, row: Row) -> tuple[str, ...]:
    name = short(row["layer"])
    if row["stays"] is None:
        return name, str(row["runs_on"]), "", "", ""
    tiles, arrays = f"{row['tiles']}", f"{row['arrays']}"
    used = f"{100 * number(row['utilisation']):.3g} %"
    copies = "in turn" if row["copies"] is None or not _alone(design, row) else str(row["copies"])
    return name, tiles, copies, arrays, used
