"""``rnscli chip``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

import click

from rnscli import analysis, base, cli, core, report
from rnscli.analysis import ChipOptions, EnergyOptions, WorkloadOptions
from rnscli.base import Column, InputError
from rnscli.cli import options
from rnscli.cli.commands.chip_page import chip_page
from rnscli.hardware import TOTAL, TRAINING

_PARTS = analysis.CHIP_ENERGY_PARTS
_AREAS = tuple(key for key in analysis.CHIP_AREA_PARTS if key != "arrays_area_m2")
_TRAFFIC = ("buffer_traffic_bytes", "dram_traffic_bytes")
LAYOUT = report.Layout(
    parameters=(
        "workload", "vector_size", "columns", "bits", "technology", "adc_model", "core",
        "schedule", "arrays", "batch", "dram", "activation_products",
    ),
    results=(
        "tiles", "written_tiles", "utilisation", "time_s", "limited_by", "latency_s",
        "throughput_per_s", "tokens_per_s", "energy_per_inference_j", "power_w",
    ),
    second=(
        "area_m2", "arrays_area_m2", *_AREAS, "digital_units", "vector_lanes", "buffer_bytes",
        "tops", "tops_per_w", "tops_per_mm2", "lifetime_s", *_PARTS,
    ),
    optional=(
        *_AREAS, "expected_attempts", "pass_attempts", "network_energy_j", "buffer_energy_j",
        "array_energy_j", "logic_energy_j", "converter_energy_j", "vector_energy_j",
        "digital_energy_j", "write_energy_j", "dram_energy_j", "arrays_area_m2", "buffer_bytes",
        "vector_lanes", "digital_units", "tops", "tiles", "time_s", "moduli", "redundant_moduli",
        "written_tiles", "technology", "schedule", "lifetime_s",
    ),
    essential=("throughput_per_s", "energy_per_inference_j", "extrapolated"),
)  # fmt: skip
LAYER_LAYOUT = report.Layout(
    parameters=(
        "workload", "vector_size", "columns", "bits", "technology", "adc_model", "core",
        "schedule",
    ),
    results=(
        "layer", "m", "k", "n", "times", "macs", "runs_on", "tiles", "copies", "arrays",
        "written_tiles", "utilisation", "time_s", "limited_by", "energy_j", "energy_share", *_PARTS,
        *analysis.CHIP_BUSY_PARTS, *_TRAFFIC,
    ),
    optional=(
        *analysis.CHIP_BUSY_PARTS, *_TRAFFIC, *_PARTS, "times", "m", "k", "n", "tiles", "energy_j",
        "macs", "runs_on", "copies",
    ),
    essential=("time_s", "energy_share"),
)  # fmt: skip
_CHIP = (
    "schedule", "activation_products", "dram", "buffer_banks", "digital_units", "vector_lanes",
    "arrays", "chip_area", "chip_power",
)  # fmt: skip
_AXES = (*options.DESIGN_AXES, *_CHIP, *options.WORKLOAD_AXES, "core")
AXIS_COLUMNS = {
    **options.MODULI_COLUMNS,
    "adc_bits": analysis.AdcBits,
    "adc_range": analysis.AdcRange,
    **options.DESIGN_COLUMNS,
    **options.WORKLOAD_COLUMNS,
    "activation_products": Annotated[str, Column(
        "Where products of two activations are computed.", "attention on", usual="digital"
    )],
    "dram": Annotated[str, Column("The DRAM that weights are loaded from.", usual="dram")],
    "chip_area": Annotated[float, Column(
        "Area that the chip may take, in m^2.", "area limit", base.area, key="chip_area_m2"
    )],
    "chip_power": Annotated[float, Column(
        "Power that the chip may take, in W.", "power limit", base.prefixed("W"),
        key="chip_power_w",
    )],
}  # fmt: skip
_USUAL = "resnet50"
_WORKLOAD = WorkloadOptions.workload.text.replace(
    "Instead of one dot product a network", "The network"
).replace("; a row for each layer and the total", "")
PER_LAYER = base.Option(
    base.Flags(),
    "A row for each layer instead of one for the chip: arrays, copies, time and what limits it.",
    name="per_layer",
    group=base.OptionGroup.ASKED,
)
PICTURE = base.Option(
    base.Names(lambda: report.CHIP_PICTURES),
    "What --plot draws: {summaries}.",
    usual="layers of one chip, a sweep if there is one, else parts",
    name="picture",
    group=base.OptionGroup.OUTPUT,
)


@click.command(
    "chip",
    cls=cli.AnswerCommand,
    background=cli.Background(
        "The bill of rnscli energy. Writes of cells: Wan et al., Nature 608, 2022. Memories: "
        "Marinella et al., arXiv:1707.09952. The schedule is a model of this tool.",
        page="chip.md",
    ),
    row_type=analysis.ChipRow,
    answers={"chip_area": ("area_m2",), "chip_power": ("power_w",)},
    layout=LAYOUT,
    plot="where energy and time go, or another --picture,",
    page="with all pictures",
    axes=AXIS_COLUMNS,
    needs={
        **options.DESIGN_NEEDS,
        "optimiser": (f"pass={TRAINING}",),
    },
)
@options.stacked(
    options.take(WorkloadOptions.workload, usual=_USUAL, help=_WORKLOAD),
    *options.WORKLOAD_OPTIONS,
    PER_LAYER,
    options.take(PICTURE, swept=False),
    ChipOptions.arrays,
    ChipOptions.chip_area,
    ChipOptions.chip_power,
    ChipOptions.schedule,
    ChipOptions.activation_products,
    ChipOptions.digital_units,
    ChipOptions.vector_lanes,
    ChipOptions.buffer_banks,
    ChipOptions.dram,
    options.cores(core.CORES, "Cores to compare.", "rns,fixed-lp,digital-int8"),
    options.bits("6"),
    *options.OPERANDS,
    EnergyOptions.columns,
    *options.DESIGN_OPTIONS,
)
def command(given: dict[str, Any], drawn: bool) -> cli.Question:
    """Run a network on a chip of many arrays: throughput, latency, energy, power, area.

    Layers get copies of their tiles so that the slowest is as fast as possible; what does not fit
    is loaded. Memories, transport over the chip, writes, and what is not a matrix product are in
    the bill, and each layer says what limits it.

    \b
    # ResNet-50 on residues, a conventional core, and digital arrays
    rnscli chip --workload resnet50
    # At equal area and power
    rnscli chip --workload resnet50 --chip-area 400mm2 --chip-power 20W
    # Layer by layer: which part limits each
    rnscli chip --workload resnet50 --core fixed-lp --arrays 4000 --per-layer
    # What more arrays bring
    rnscli chip --workload bert-large --core fixed-lp --arrays 20000,60000
    """
    options.check_one_level(given)
    if not given["workload"] and not given["torch"]:
        given = given | {"workload": (_USUAL,)}
    asked, given = given, options.with_code(given)
    given = options.with_attempts(given)
    given = given | {"kernel": ("vmm",)}
    picture = options.picture_of(given, drawn)
    context = click.get_current_context(silent=True)
    ways = {} if context is None else context.params
    if picture is not None and ways.get("output") and not ways.get("plot"):
        raise base.InputError(
            f"`picture` {picture} is what --plot draws; give that, too, or leave it out; a page "
            "has all pictures"
        )
    limits = [name for name in ("chip_area", "chip_power") if given[name] is not None]
    if given["arrays"] is not None and limits:
        raise InputError(
            f"`arrays` and `{limits[0]}` both say how many arrays there are; leave one out"
        )
    axes = [name for name in _AXES if name != "technology" or given["technology"] is not None]
    hardware, given = options.hardware_of(options.with_defaults(given))
    swept = [n for n in axes if isinstance(given[n], tuple) and len(given[n]) > 1]
    every_point = options.workload_points(options.noise_points(given, _AXES))
    workloads = options.Workloads(given, every_point)
    points = options.on_technologies(every_point, hardware)
    ready, problems = cli.prepared(points, options.requested_array, swept)
    per_layer = given["per_layer"]
    built: list[tuple[analysis.ChipParameters, analysis.ChipRow]] = []

    def rows_of(requested: options.RequestedArray) -> list[tuple[options.Point, Any]]:
        array = options.designed_array(requested, hardware, given["extrapolate"])
        point = array.point
        chip = analysis.ChipParameters(
            array=array.design, **{name: point[name] for name in _CHIP if point[name] is not None}
        )
        rows = analysis.chip_run(chip, workloads.of(point))
        built.append((chip, rows[-1]))
        return [(point, row) for row in rows]

    def compute(runner: object, bar: cli.Bar) -> cli.Answer:
        with bar(len(ready), "chips") as advance:
            tables, more = cli.answered(ready, rows_of, swept, advance)
        every = [one for _, table in tables for one in table]
        rows = [one for one in every if per_layer or one[1].layer == TOTAL]
        runs = _runs_of(every, swept)

        def draws(name: str | None) -> report.Plot:
            return lambda rows, canvas: report.plot_chip(runs, name, canvas)

        def page(result: cli.Result) -> str:
            return report.page_html(chip_page(result, runs, LAYOUT, LAYER_LAYOUT))

        layout = LAYER_LAYOUT if per_layer else LAYOUT
        left = (*problems, *more)
        said = (*workloads.remarks, *analysis.chip_remarks(built))
        return cli.Answer(
            rows, draws(picture), left, layout=layout, footer=_footer(), remarks=said, page=page,
            pictures={name: draws(name) for name in report.CHIP_PICTURES},
        )  # fmt: skip

    # Of the picture, as --plot itself is: a result is the same whatever is drawn.
    stated = options.with_model_defaults(given) | {"workload": asked["workload"], "picture": None}
    return cli.Question(stated, compute)


def _runs_of(rows: Sequence[tuple[options.Point, Any]], swept: Sequence[str]) -> report.ChipRuns:
    """What pictures are drawn of."""
    differing = base.option_columns({n: AXIS_COLUMNS[n] for n in swept if n in AXIS_COLUMNS})
    more = {column.key: column for column in differing.values()}
    totals = [
        {one.key: point[name] for name, one in differing.items()} | asdict(row)
        for point, row in rows
        if row.layer == TOTAL
    ]
    keys = [differing[name].key if name in differing else name for name in swept]
    return report.ChipRuns.of([asdict(row) for _, row in rows], totals, more, keys)


def _footer() -> list[str]:
    """What is not in the numbers, and what is assumed."""
    lines = ["", *cli.hanging("", f"not counted: {', '.join(analysis.CHIP_NOT_COUNTED)}")]
    for text in analysis.CHIP_ASSUMPTIONS:
        lines += cli.hanging("  ", f"assumed: {text}")
    return lines
