"""What pictures of networks have in common: a panel for each network, one legend for all."""

from collections.abc import Callable, Sequence
from typing import Any

from rnscli.report.figure import check_number, distinguishing, figure, label
from rnscli.report.table import Row

MAX_PANELS = 6
MAX_LINES = 32  # as many as there are pairs of a colour and a kind of line
# What may tell lines apart, in the order in which a label says it.
LINES = (
    "core", "bits", "vector_size", "input_bits", "weight_bits", "granularity", "redundant",
    "attempts", "residue_error_probability", "sigma", "decoder", "slice_bits", "adc_bits",
    "moduli",
)  # fmt: skip


def check_panels(panels: int, lines: int) -> None:
    """Refuse more panels, or more lines in one of them, than a reader can tell apart.

    Raises
    ------
    InputError
        With the number and the limit.
    """
    check_number(panels, MAX_PANELS, "panels")
    check_number(lines, MAX_LINES, "lines")


def grouped(rows: Sequence[Row], along: Sequence[str], keys: Sequence[str]) -> dict[str, list[Row]]:
    """Rows of each line by its label; what follows from ``along`` tells no lines apart."""
    chosen = [key for key in distinguishing(rows, [*along, *keys]) if key not in along]
    groups: dict[str, list[Row]] = {}
    for row in rows:
        name = label(row, [key for key in chosen if row[key] is not None])
        groups.setdefault(name or str(row["core"]), []).append(row)
    # Those of a core stand together.
    cores = list(dict.fromkeys(row["core"] for row in rows))
    return dict(sorted(groups.items(), key=lambda group: cores.index(group[1][0]["core"])))


def panels_of_networks(
    models: Sequence[str],
    draw: Callable[[Any, str], None],
    labels: tuple[str, str],
    file_format: str,
) -> bytes:
    """A panel for each network, below each other; ``draw`` gets one with the name of its network.

    ``labels`` are those of both axes.
    """

    def draw_all(panels: Any) -> None:
        every = [panels] if len(models) == 1 else list(panels)
        handles: dict[str, Any] = {}
        for axes, model in zip(every, models, strict=True):
            draw(axes, model)
            axes.set_title(model, fontsize=10, loc="left")
            axes.set_ylabel(labels[1])
            found, names = axes.get_legend_handles_labels()
            handles |= dict(zip(names, found, strict=True))
        every[-1].set_xlabel(labels[0])
        if len(handles) > 1:
            every[0].figure.legend(handles.values(), handles, fontsize=8, loc="outside right upper")

    heights = (1.0,) if len(models) == 1 else (0.6,) * len(models)
    return figure(draw_all, file_format, heights)
