"""``rnscli design --output front.html``: a page to look through the designs of a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rnscli import analysis, cli, report

# Designs of a page, which a browser redraws while a limit is moved.
MOST = 2000
# Numbers that are compared: their names, and whether less or more is better.
_MEASURES = {
    "energy_per_mac_j": ("energy per MAC", "less"),
    "energy_per_inference_j": ("energy per inference", "less"),
    "latency_s": ("latency", "less"),
    "throughput_per_s": ("inferences per second", "more"),
    "area_m2": ("area", "less"),
    "mean_abs_error": ("mean |error|", "less"),
    "output_error": ("output error", "less"),
    "output_snr_db": ("output SNR", "more"),
    "p_err": ("p_err", "less"),
    "p_gross": ("p of gross errors", "less"),
    "mean_abs_output_error": ("mean |output error|", "less"),
    "power_w": ("power", "less"),
    "throughput_macs_per_s": ("throughput", "more"),
    "edp_js": ("energy x latency", "less"),
    "area_per_throughput": ("area / throughput", "less"),
    "tops_per_w": ("TOPS/W", "more"),
    "tops_per_mm2": ("TOPS/mm2", "more"),
}
# What the plots show against each other, as far as it differs; a reader chooses others.
_AXES = (
    ("energy_per_mac_j", "mean_abs_error"), ("energy_per_inference_j", "output_snr_db"),
    ("area_m2", "latency_s"), ("area_m2", "throughput_per_s"), ("energy_per_mac_j", "p_err"),
    ("energy_per_inference_j", "latency_s"), ("energy_per_mac_j", "latency_s"),
    ("energy_per_inference_j", "p_err"), ("mean_abs_error", "p_err"), ("power_w", "area_m2"),
)  # fmt: skip
_PLOTS = 4
_NAMED = 3  # cores, in the title
_SAME = ("max_output_error",)  # as another limit


def explorer(
    made: cli.Result,
    result: analysis.DesignResult | analysis.ChipResult,
    designs: Sequence[Any],
    ranks: Sequence[Sequence[int]],
    neighbours: Sequence[tuple[str, str]],
    most: Mapping[str, float],
) -> str:
    """The page; `most` are limits that nobody gave."""
    rows: list[report.Row] = [dict(vars(one)) for one in designs]
    columns, layout = made.columns, made.layout
    every = (*layout.results, *_MEASURES)
    results = [key for key in dict.fromkeys(every) if key in columns]
    differing = {key for key in results if len({str(row[key]) for row in rows}) > 1}
    plots = [pair for pair in _AXES if differing.issuperset(pair)][:_PLOTS]
    of_chips = "energy_per_inference_j" in columns
    measures = analysis.OF_CHIPS if of_chips else analysis.OF_DOT_PRODUCT
    units = {"area_m2": "m2", **measures.units}
    return report.explorer_html(
        report.ExplorerPage(
            title=_title(rows, made),
            lead=_lead(result, len(rows), "chips" if of_chips else "designs"),
            command=made.command_line,
            rows=rows,
            columns=columns,
            parameters=[key for key in layout.parameters if key in columns and key != "role"],
            results=results,
            objectives=result.objectives,
            ranks=ranks,
            measures={
                key: (name, units.get(key, ""), better) for key, (name, better) in _MEASURES.items()
            },
            limits=[
                report.MovedLimit(f"--{name.replace('_', '-')}", key, upper, units.get(key, ""))
                for name, (key, upper) in measures.limits.items()
                if key in differing and name not in _SAME
            ],
            plots=plots,
            shown=layout.results,
            commands=[one.commands for one in designs],
            neighbours=neighbours,
            notes=_notes(made, measures, result, result.feasible - len(rows), most),
            documents={"design.json": made.json, "design.csv": made.csv},
        )
    )


def _title(rows: Sequence[report.Row], made: cli.Result) -> str:
    every = dict.fromkeys(str(row["core"]) for row in rows)
    cores = ", ".join(every) if len(every) <= _NAMED else f"{len(every)} cores"
    return (
        f"Chips for {rows[0]['workload']}: {cores}"
        if "workload" in rows[0]
        else f"Designs of {cores}"
    )


def _lead(result: Any, shown: int, what: str) -> str:
    text = f"{result.feasible} of {result.designs} {what} keep the limits of the search"
    if shown < result.feasible:
        text += f"; the page has the {shown} of them that are on the front and next to it"
    return f"{text}. Move the limits, and the front of what is left is drawn again."


def _notes(
    made: cli.Result, measures: Any, result: Any, further: int, most: Mapping[str, float]
) -> dict[str, Sequence[str]]:
    gone = []
    if further > 0:
        gone.append(
            f"{further} that keep the limits are further from the front; where cores or words are "
            "chosen, or a limit is moved that is about none of the objectives, one of them may be "
            "on the new front: search again within these limits"
        )
    if result.pruned:
        gone.append(f"{result.pruned} were ruled out by a limit of the search")
    if result.impossible:
        reason = cli.with_options(result.why_impossible)
        why = f"{result.impossible} are impossible, most of them because: {reason}"
        gone.append(why)
    limits = [
        f"--{name.replace('_', '-')} {measures.amount(metric, made.parameters[name])}"
        for name, (metric, _) in measures.limits.items()
        if name in (made.given or ())
    ]
    limits += [
        f"error at most {value:.4g}, that of digital-int8, as no other is given"
        for value in most.values()
    ]
    return {
        "Limits of the search": limits,
        "Not on this page": gone,
        "Not counted": analysis.CHIP_NOT_COUNTED if "workload" in made.columns else (),
        "Remarks": made.answer.remarks,
        "No answer": made.answer.problems,
    }
