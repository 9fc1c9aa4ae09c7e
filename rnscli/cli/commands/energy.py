"""``rnscli energy``."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, get_type_hints

import click

from rnscli import analysis, base, cli, core, report
from rnscli.analysis import EnergyOptions, WorkloadOptions
from rnscli.base import InputError
from rnscli.cli import options
from rnscli.hardware import TOTAL, TRAINING

LAYOUT = report.Layout(
    parameters=(
        "vector_size", "columns", "bits", "input_bits", "weight_bits", "technology", "adc_model",
        "kernel", "memory", "scales", "input_scale", "core", "adc_range", "moduli",
        "redundant_moduli", "segments", "link_sigma", "largest_rows", "expected_attempts",
        "pass_attempts",
    ),
    results=(
        "dac_bits", "adc_bits", "dac_conversions", "adc_conversions", "dac_energy_j",
        "adc_energy_j", "converter_energy_j", "array_energy_j", "periphery_energy_j",
        "light_energy_j", "modulo_energy_j", "forward_energy_j", "reverse_energy_j",
        "decoding_energy_j", "shift_add_energy_j", "accumulation_energy_j", "scaling_energy_j",
        "memory_energy_j", "retry_energy_j", "energy_per_dot_product_j",
    ),
    second=(
        "energy_per_mac_j", "energy_range_j",
        "latency_s", "latency_range_s", "throughput_macs_per_s", "area_m2", "area_range_m2",
        "tops_per_w", "tops_per_w_range", "tops_per_mm2", "tops_per_mm2_range",
        "relative_to_rns", "relative_to_rns_range", "compared_with_rns", "adc_relative_to_rns",
        "adc_over_best", "adc_over_median", "extrapolated",
    ),
    optional=(
        "dac_bits", "dac_conversions", "adc_conversions", "converter_energy_j", "adc_bits",
        "adc_range",
        "redundant_moduli", "moduli", "area_range_m2", "adc_relative_to_rns", "tops_per_w_range",
        "tops_per_mm2_range", "relative_to_rns_range", "adc_over_median", "adc_over_best",
        "latency_range_s", "expected_attempts", "pass_attempts", "retry_energy_j",
        "throughput_macs_per_s", "energy_range_j", "tops_per_mm2", "tops_per_w", "largest_rows",
        "link_sigma", "segments",
    ),
    essential=("energy_per_dot_product_j", "relative_to_rns", "extrapolated"),
)  # fmt: skip
WORKLOAD_LAYOUT = report.Layout(
    parameters=(
        "workload", "batch", "sequence", "image_size", "pass", "optimiser", "vector_size",
        "columns", "bits", "technology", "adc_model", "core", "expected_attempts", "pass_attempts",
    ),
    results=(
        "layer", "m", "k", "n", "times", "macs", "passes", "utilisation", "converter_energy_j",
        "array_energy_j", "digital_energy_j", "accumulation_energy_j", "energy_j",
        "energy_range_j", "energy_per_mac_j", "extrapolated",
    ),
    optional=(
        "expected_attempts", "pass_attempts", "passes", "accumulation_energy_j", "array_energy_j",
        "digital_energy_j", "converter_energy_j", "times", "energy_range_j", "n", "k", "m", "macs",
    ),
    essential=("energy_j", "extrapolated"),
)  # fmt: skip
SENSITIVITY_LAYOUT = report.Layout(
    parameters=("vector_size", "bits", "technology", "adc_model", "core"),
    results=(
        "constant", "constant_low", "constant_value", "constant_high", "energy_at_low_j",
        "energy_per_dot_product_j", "energy_at_high_j", "swing",
    ),
    optional=(
        "constant_value", "energy_per_dot_product_j", "energy_at_high_j", "energy_at_low_j",
        "constant_high", "constant_low",
    ),
    essential=("swing",),
)  # fmt: skip
BREAKDOWN_LAYOUT = report.Layout(
    parameters=("vector_size", "columns", "bits", "technology", "adc_model", "kernel", "core"),
    results=(
        "part", "group", "per", "count", "energy_each_j", "repeats", "energy_j", "share",
        "area_m2", "over",
    ),
    optional=("group", "per", "over", "count", "energy_each_j"),
    essential=("energy_j",),
)  # fmt: skip
_MOST_ROWS = 120  # of layers that a person is shown
_FEWEST_LAYERS = 10  # of a design
_LOST = 0.5  # probability of a wrong residue, of which nothing is left
AXES = (*options.DESIGN_AXES, *options.WORKLOAD_AXES, "core")
_OF_BILL = get_type_hints(analysis.EnergyRow, include_extras=True)
AXIS_COLUMNS = {
    **options.MODULI_COLUMNS,
    # What the bill has as its own; other rows could not be told apart without.
    **{
        name: _OF_BILL[name]
        for name in ("adc_bits", "adc_range", "kernel", "memory", "scales", "input_scale")
    },
    **options.DESIGN_COLUMNS,
    **options.WORKLOAD_COLUMNS,
}
_OF_WORKLOAD = ("input_shape", *options.SIZE_AXES, "size", "pass", "optimiser")


@click.command(
    "energy",
    cls=cli.AnswerCommand,
    background=cli.Background(
        "Data converters: Demirkiran et al., arXiv:2309.10759. ReRAM: Marinella et al., "
        "arXiv:1707.09952. --breakdown shows the source of every part.",
        page="energy.md",
    ),
    row_type=analysis.EnergyRow,
    layout=LAYOUT,
    plot="the energy by part",
    instead={
        "workload": lambda: (analysis.WorkloadRow, WORKLOAD_LAYOUT),
        "torch": lambda: (analysis.WorkloadRow, WORKLOAD_LAYOUT),
        "sensitivity": lambda: (analysis.SensitivityRow, SENSITIVITY_LAYOUT),
        "breakdown": lambda: (analysis.PartRow, BREAKDOWN_LAYOUT),
    },
    axes=AXIS_COLUMNS,
    needs={
        **options.DESIGN_NEEDS,
        # Without redundancy nothing is detected, and nothing repeated.
        **dict.fromkeys(core.LEVELS, ("redundant!=0", "decoder", "family", "factor")),
        "optimiser": (f"pass={TRAINING}",),
    },
)
@options.stacked(
    options.cores(core.CORES, "Cores to compare.", "rns,fixed-lp,fixed-hp,digital-int8"),
    options.bits("4..8"),
    *options.OPERANDS,
    EnergyOptions.columns,
    WorkloadOptions.workload,
    *options.WORKLOAD_OPTIONS,
    WorkloadOptions.sensitivity,
    WorkloadOptions.breakdown,
    EnergyOptions.kernel,
    *options.DESIGN_OPTIONS,
)
def command(given: dict[str, Any], drawn: bool) -> cli.Question:
    """Estimate energy, latency and area of one dot product, or of a network.

    The bill has converters, the array with what surrounds it, light, forward and reverse
    conversion, decoding, and additions; the core rns is charged for the attempts that its code
    needs on average. Constants may be ranges, and rows then carry intervals.

    \b
    # The bill of a dot product, of residues and of what they compete with
    rnscli energy --bits 4..6 --vector-size 128
    # What retries add where one residue in a hundred is wrong
    rnscli energy --bits 6 --core rns --redundant 0..3 --p 1e-2
    # What residues on light are made of, part by part
    rnscli energy --bits 6 --core rns --breakdown
    # How far more light carries
    rnscli energy --bits 6 --core rns --laser-power 3mW,10mW,30mW
    # Which uncertain constants matter
    rnscli energy --bits 6 --core fixed-lp --adc-model murmann \\
        --adc-k1 100fJ±30% --sensitivity
    # A whole network, layer by layer
    rnscli energy --bits 6 --workload resnet50 --core rns,digital-int8
    # A model in PyTorch, shipped or your own, as models:make
    rnscli energy --core rns --torch digits-cnn --input-shape 1x1x8x8
    # Text, token by token, and a step of training
    rnscli energy --core rns --workload llama-3-8b-decode --batch 1,16
    rnscli energy --core rns --workload bert-large --pass training
    """
    options.check_one_level(given)
    asked, given = given, options.with_code(given)
    given = options.with_attempts(given)
    instead = [name for name in ("workload", "sensitivity", "breakdown") if given[name]]
    if len(instead) > 1:
        flags = " and ".join(f"--{name}" for name in instead)
        raise InputError(f"{flags} ask for different rows; leave one out")
    options.check_workload_options(given, _OF_WORKLOAD)
    # Where each core is shown on its own technology, that tells no more than the core.
    axes = [name for name in AXES if name != "technology" or given["technology"] is not None]
    hardware, given = options.hardware_of(options.with_defaults(given))
    kind = "tornado" if given["sensitivity"] else instead[0] if instead else "energy"
    if drawn and kind == "breakdown":
        raise InputError("--plot draws the bill by groups of parts; leave --breakdown out")
    swept = [n for n in axes if isinstance(given[n], tuple) and len(given[n]) > 1]
    swept_points = options.workload_points(options.noise_points(given, AXES))
    workloads = options.Workloads(given, swept_points)
    points = options.on_technologies(swept_points, hardware)
    _check_mapping(points, hardware)
    ready, problems = cli.prepared(points, options.requested_array, swept)

    plot = partial(_plot, kind, [name for name in swept if name in AXIS_COLUMNS])

    def rows_of(
        progress: Callable[[int], object], requested: options.RequestedArray
    ) -> list[tuple[options.Point, Any]]:
        made = options.designed_array(requested, hardware, given["extrapolate"])
        point, design, constants = made.point, made.design, made.constants
        rows: Sequence[Any] = ()
        if point["workload"] is not None:
            workload = workloads.of(point)
            rows = analysis.workload_energy(design, workload, constants, progress)
        elif given["breakdown"]:
            rows = analysis.parts_of(design)
        elif not given["sensitivity"]:
            row = analysis.uncertain_energy(design, constants, made.reference)
            if made.reference is None and design.core != core.RNS.name:  # rns is out of range
                row = replace(row, relative_to_rns=None, adc_relative_to_rns=None)
            rows = (row,)
            progress(1)
        elif analysis.ranges_of(design, constants):
            rows = analysis.sensitivity(design, constants)
        return [(point, row) for row in rows]

    def compute(runner: object, bar: cli.Bar) -> cli.Answer:
        of_networks = [point for point, _ in ready if point["workload"] is not None]
        layers = sum(len(workloads.of(point).gemms) for point in of_networks)
        with bar(layers or len(ready), "layers" if layers else "designs") as advance:
            tables, more = cli.answered(ready, partial(rows_of, _added(advance)), swept)
        rows = [one for _, table in tables for one in table]
        if not rows:
            raise InputError(
                "--sensitivity is about uncertain constants; give one as a range, such as "
                "--adc-k1 100fJ±30%"
            )
        layout = _by_size([row for _, row in rows]) if kind == "energy" else None
        names = dict.fromkeys(row.technology for _, row in rows)
        footer = () if kind == "tornado" else _footer(names, hardware, kind)
        left = (*problems, *more)
        excerpt = _excerpt([row for _, row in rows]) if kind == "workload" else None
        said = (*workloads.remarks, *_of_whole_rows(tables, given))
        return cli.Answer(
            rows, plot, left, layout=layout, footer=footer, remarks=said, excerpt=excerpt
        )

    stated = options.with_model_defaults(given) | {"workload": asked["workload"]}
    return cli.Question(stated, compute, picture=plot)


def _of_whole_rows(
    tables: Sequence[tuple[options.Point, Sequence[tuple[options.Point, Any]]]],
    given: Mapping[str, Any],
) -> Iterator[str]:
    """A sentence where the noise of whole rows leaves nothing of a residue."""
    lost = [rows[0][0] for _, rows in tables if rows and (rows[0][0].get("p") or 0.0) > _LOST]
    if lost and options.is_of_devices(given) and given["max_link_sigma"] is None:
        worst = max(lost, key=lambda point: point["p"])
        yield (
            f"{worst['core']} at {worst['bits']} bits: with all {worst['vector_size']} rows in one "
            f"array a residue is wrong with a probability of {worst['p']:.2g}, and outputs are "
            "noise; `max_link_sigma` 0.1 cuts rows, as without --noise device"
        )


def _added(advance: cli.Advance) -> Callable[[int], None]:
    """Tells a bar how many more are done."""
    done = 0

    def progress(more: int) -> None:
        nonlocal done
        done += more
        advance(done)

    return progress


def _excerpt(rows: Sequence[analysis.WorkloadRow]) -> cli.Excerpt | None:
    """The layers that take most energy, of each design as many, where there are too many to read.

    The rows of a design are its layers and then the total.
    """
    ends = [place for place, row in enumerate(rows) if row.layer == TOTAL]
    most = max(_FEWEST_LAYERS, _MOST_ROWS // len(ends))
    if len(rows) - len(ends) <= _MOST_ROWS:
        return None
    places: list[int] = []
    left_out, least = 0, 1.0
    start = 0
    for end in ends:
        largest = sorted(range(start, end), key=lambda place: rows[place].energy_j, reverse=True)
        kept = sorted(largest[:most])
        left_out += end - start - len(kept)
        total = rows[end].energy_j
        if total > 0:
            least = min(least, math.fsum(rows[place].energy_j for place in kept) / total)
        places += [*kept, end]
        start = end + 1
    sentence = (
        f"{left_out} of {len(rows) - len(ends)} layers are left out (all in --format csv and "
        f"json): the largest {most} of each design are shown, with at least "
        f"{math.floor(1000 * least) / 10:g} % of its energy"
    )
    return cli.Excerpt(places, sentence) if left_out else None


def _check_mapping(points: Sequence[options.Point], hardware: options.Hardware) -> None:
    """Refuse a way to store weights in cells where no row has any."""
    given = {point["mapping"] for point in points} - {None, core.Devices().mapping}
    with_cells = (
        isinstance(core.CORES[point["core"]], core.AnalogKind)
        and hardware.technology_of(point).modulo != "phase"
        for point in points
    )
    if given and not any(with_cells):
        raise InputError(
            "`mapping` is of cells, and none of these rows has any; add a core, or give a "
            "--technology, that has them, or leave it out"
        )


def _footer(names: Iterable[str], hardware: options.Hardware, kind: str) -> list[str]:
    """What is not in the bill, and what is assumed: all of it where the parts are listed."""
    lines = ["", *cli.hanging("", f"not counted: {', '.join(analysis.NOT_COUNTED)}")]
    used = [hardware.technology_of({"technology": name}) for name in names]
    if kind == "breakdown":
        for one in used:
            for text in one.assumptions:
                lines += cli.hanging("  ", f"assumed of {one.name}: {text}")
    else:
        counts = [f"{len(o.assumptions)} of {o.name}" for o in used if o.assumptions]
        if counts:
            lines += cli.hanging("", f"assumptions: {', '.join(counts)}, listed by --breakdown")
    return lines


def _by_size(rows: Sequence[analysis.EnergyRow]) -> report.Layout:
    """The layout in which the parts that matter least are left out first where it is too wide.

    Those that are the same in all rows tell no designs apart.
    """

    def rank(part: str) -> tuple[bool, float]:
        shares = (getattr(row, part) / (row.energy_per_dot_product_j or 1.0) for row in rows)
        return len({getattr(row, part) for row in rows}) > 1, float(max(shares))

    parts = sorted(analysis.ENERGY_PARTS, key=rank)
    return replace(LAYOUT, optional=(*LAYOUT.optional, *parts))


def _plot(
    kind: str, swept: Sequence[str], rows: Sequence[report.Row], canvas: report.Canvas
) -> bytes:
    made = base.option_columns({name: AXIS_COLUMNS[name] for name in swept})
    differing = {column.key: column for column in made.values()}
    plots = {
        "workload": report.plot_workload,
        "tornado": report.plot_tornado,
        "energy": report.plot_energy,
    }
    return plots[kind](rows, canvas, differing)
