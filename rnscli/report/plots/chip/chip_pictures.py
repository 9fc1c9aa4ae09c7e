"""The pictures of chips by name."""

from collections.abc import Callable
from dataclasses import dataclass

from rnscli.base import InputError
from rnscli.report.plots.chip.chip_busy import plot_chip_busy
from rnscli.report.plots.chip.chip_layers import plot_chip_layers
from rnscli.report.plots.chip.chip_mapping import plot_chip_mapping
from rnscli.report.plots.chip.chip_parts import plot_chip_parts
from rnscli.report.plots.chip.chip_roofline import plot_chip_roofline
from rnscli.report.plots.chip.chip_runs import ChipRuns
from rnscli.report.plots.chip.chip_sweep import plot_chip_sweep, sweep_lines
from rnscli.report.plots.figure import Canvas
from rnscli.report.plots.series import check_number


@dataclass(frozen=True, eq=False)
class ChipPicture:
    """A picture of one chip or several.

    ``title`` stands over it; ``summary`` says what it is of, in a list of pictures, and ``caption``
    how it is read. ``highest`` is how many chips it is readable for.
    """

    title: str
    summary: str
    caption: str
    plot: Callable[[ChipRuns, Canvas], bytes]
    highest: int


_MAX_CHIPS = 8
MAX_CHIP_LAYERS = 400
CHIP_PICTURES = {
    "layers": ChipPicture(
        "Energy and time by layer",
        "energy and time of each layer",
        "Energy of each layer by its parts, and its time by what limits it, in the order of the "
        "network.",
        plot_chip_layers,
        _MAX_CHIPS,
    ),
    "roofline": ChipPicture(
        "Roofline",
        "MACs in a second against MACs for each byte of DRAM and buffer",
        "Each layer is a point, larger the longer it takes, in the colour of what limits it. The "
        "lines above are what the memory and all arrays could do; the one from a point upwards "
        "ends at what the layer's own arrays could.",
        plot_chip_roofline,
        _MAX_CHIPS,
    ),
    "busy": ChipPicture(
        "What keeps layers busy",
        "how much of its time each layer needs each part of the chip",
        "How long each layer keeps each part of the chip busy: of layers that take turns as the "
        "share of their own time, so that what limits one has 100 %, and of layers that work at "
        "the same time as the share of the time between two runs, which sum up to the last row. "
        "Arrays that are written do not compute, so these two add up.",
        plot_chip_busy,
        _MAX_CHIPS,
    ),
    "mapping": ChipPicture(
        "Arrays of the layers",
        "which layer has which arrays",
        "The arrays of the chip divided among the layers, tiles x copies; areas are as the numbers "
        "of arrays, not as where they are on the chip.",
        plot_chip_mapping,
        _MAX_CHIPS,
    ),
    "parts": ChipPicture(
        "Area, energy and time by parts",
        "area, energy and time of each chip by parts",
        "Area by parts of the chip, energy of an inference by what takes it, and time of an "
        "inference by what limits it.",
        plot_chip_parts,
        24,
    ),
    "sweep": ChipPicture(
        "Along what is swept",
        "throughput and energy along what is swept",
        "Throughput and energy of an inference along what is swept. Markers say what limits each.",
        plot_chip_sweep,
        200,
    ),
}


def usual_chip_picture(runs: ChipRuns) -> str:
    """What is drawn unless another picture is named: it depends on what is compared."""
    if len(runs.designs) == 1:
        return "layers"
    return "parts" if runs.axis is None else "sweep"


def check_chip_picture(name: str, runs: ChipRuns) -> None:
    """Refuse a picture that there is not of these chips, or that could not be read.

    Raises
    ------
    InputError
        If nothing with an order is swept, or there are too many chips, layers or lines.
    """
    if name == "sweep":
        if runs.axis is None:
            raise InputError(
                "`picture` is sweep, and nothing is swept whose values have an order; give several "
                "`arrays`, say, or another picture"
            )
        check_number(len(sweep_lines(runs)), 12, "lines")
    check_number(len(runs.designs), CHIP_PICTURES[name].highest, "chips")
    if name not in ("sweep", "parts"):
        check_number(sum(len(one.layers) for one in runs.designs), MAX_CHIP_LAYERS, "layers")


def plot_chip(runs: ChipRuns, name: str | None, canvas: Canvas) -> bytes:
    """A picture of chips, the usual one if no name is given.

    Parameters
    ----------
    runs
        The chips.
    name
        Of `CHIP_PICTURES`.
    canvas
        What it is drawn on.

    Raises
    ------
    InputError
        As `check_chip_picture`.
    """
    name = name or usual_chip_picture(runs)
    check_chip_picture(name, runs)
    return CHIP_PICTURES[name].plot(runs, canvas)
