"""The web page of a run of ``rnscli chip``."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from rnscli import analysis, base, report

if TYPE_CHECKING:
    from rnscli.cli import Result

# Chips whose layers are shown, one by one: what a page can hold.
_MOST = 4


def chip_page(
    result: Result, runs: report.ChipRuns, layout: report.Layout, layer_layout: report.Layout
) -> report.RunPage:
    """The question, the chips, their pictures, their layers, and what is not in the numbers."""
    totals = [one.total for one in runs.designs]
    words = dict.fromkeys(str(total["workload"]) for total in totals)
    cores = dict.fromkeys(str(total["core"]) for total in totals)
    one, several = len(totals) == 1, f"{len(totals)} chips"
    columns = base.columns_of(analysis.ChipRow)
    keys = [key for key in (*layout.parameters, *layout.results, *layout.second) if key in columns]
    if not one:  # what is the same in all is in the question
        same = [key for key in layout.parameters if len({str(row.get(key)) for row in totals}) == 1]
        keys = [key for key in keys if key not in same]
    more = [key for key in runs.swept if key not in keys and key not in layout.parameters]
    tables = [report.PageTable("Chip" if one else "Chips", totals, runs.columns, [*more, *keys])]
    detailed = runs.designs if len(totals) <= _MOST else ()
    for design in detailed:
        title = "Layers" if one else f"Layers of {design.name}"
        every = [key for key in layer_layout.results if key in columns]
        tables.append(report.PageTable(title, design.layers, columns, every, folded=True))
    notes = {
        "Not counted": analysis.CHIP_NOT_COUNTED,
        "Assumed": analysis.CHIP_ASSUMPTIONS,
        "Remarks": result.answer.remarks,
        "No answer": result.answer.problems,
    }
    layers: list[dict[str, Any]] = [
        base.flat_row(columns.values(), row) for design in runs.designs for row in design.layers
    ]
    return report.RunPage(
        title=f"{' and '.join(words)} on {'a chip' if one else several}: {', '.join(cores)}",
        lead="Throughput, latency, energy, power and area of a network on a chip of many arrays.",
        command=result.command_line,
        options=result.stated,
        tables=tables,
        pictures=_pictures(runs, bool(detailed)),
        notes=notes,
        documents={
            "chip.json": result.json,
            "chip.csv": result.csv,
            "layers.csv": report.csv_text(list(layers[0]), layers),
        },
    )


def _pictures(runs: report.ChipRuns, detailed: bool) -> list[report.PagePicture]:
    """All that there are of these chips; those of layers if the page has these."""

    def drawn(name: str, canvas: report.Canvas) -> bytes:
        return report.plot_chip(runs, name, canvas)

    found = []
    for name, picture in report.CHIP_PICTURES.items():
        if name in ("sweep", "parts") or detailed:
            try:
                report.check_chip_picture(name, runs)
            except base.InputError:  # there is nothing along an axis, or too much to be read
                continue
            draw = partial(drawn, name)
            found.append(report.PagePicture(name, picture.title, picture.caption, draw))
    first = ("sweep", "parts")  # what is of all chips, before what is of layers
    return sorted(found, key=lambda one: (*first, one.name).index(one.name))
