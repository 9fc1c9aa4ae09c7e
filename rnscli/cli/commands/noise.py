"""``rnscli noise``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Annotated, Any

import click

from rnscli import analysis, cli, core, report
from rnscli.analysis import (
    DISTRIBUTIONS,
    SUFFIXES,
    EnergyOptions,
    FileOperands,
    ModuliOptions,
    NoiseParameters,
    Operands,
    SolveOptions,
)
from rnscli.base import (
    Column,
    InputError,
    OptionGroup,
    nearest,
    option_columns,
    options_of,
    probability,
)
from rnscli.cli import options
from rnscli.hardware import KNOWN, Technology

_LIGHT = {
    name: KNOWN[name].option(name).within(uncertain=False) for name in ("laser_power", "rate")
}
_DEVICES = tuple(name for name in options.DEVICE_AXES if name != "chip_seed")  # of a mean over all
_ERRORS = tuple(name for name in options.DEVICE_ERRORS if name not in _LIGHT)
AXES = (
    *options.MODULI_AXES, "columns", "slice_bits", "adc_bits", "adc_range", "calibration",
    "percentile", "operands", *_LIGHT, *_DEVICES, "solve", "target", "technology", "core",
)  # fmt: skip
LAYOUT = report.Layout(
    parameters=(
        "operands", "vector_size", "columns", "bits", "input_bits", "weight_bits", "technology",
        "core", "adc_range", "moduli", "redundant_moduli",
    ),
    results=(
        "modulus", "slice", "adc_bits", "step", "sigma", "sigma_static", "sigma_fresh", "bias", "p",
        "p_fresh", "sigma_shot", "sigma_thermal", "sigma_intensity", "sigma_detector",
        "sigma_phase", "sigma_cells", "sigma_stuck", "sigma_read", "sigma_wires", "sigma_dac",
        "sigma_adc_offset", "sigma_adc_gain", "sigma_adc_inl", "sigma_quantisation",
        "sigma_clipping", "output_error", "snr_db",
    ),
    optional=(
        "redundant_moduli", "moduli", "adc_bits", "sigma_clipping", "output_error", "p_fresh",
        "sigma_static", "sigma_fresh", "step", "columns", "sigma_adc_offset", "sigma_adc_gain",
        "sigma_adc_inl",
    ),
    essential=("sigma", "p"),
)  # fmt: skip
SOLVE_LAYOUT = report.Layout(
    parameters=(
        "vector_size",
        "columns",
        "bits",
        "input_bits",
        "weight_bits",
        "technology",
        "core",
        "moduli",
        "redundant_moduli",
        "target",
        "unknown",
        "wanted",
    ),
    results=("value", "at_limit", "p", "modulus", "sigma"),
    optional=("redundant_moduli", "moduli", "wanted", "columns"),
    essential=("value", "p"),
)
UNIFORM = "uniform"  # whose law is exact
COLUMNS: dict[str, Any] = {
    **options.MODULI_COLUMNS,
    "redundant": analysis.Redundant,
    "operands": Annotated[str, Column("Distribution of the operands, or their file.")],
    "slice_bits": analysis.SliceBits,
    "adc_range": analysis.AdcRange,
    "calibration": analysis.Calibration,
    "percentile": analysis.Percentile,
    **{name: options.HARDWARE_COLUMNS[name] for name in _LIGHT},
    **{name: options.DEVICE_COLUMNS[name] for name in _DEVICES},
    "target": Annotated[float, Column("Wanted probability.", form=probability, high=1)],
}
_CUT = "conductances are normal about what is programmed, and not cut off at 0"
_CIRCUIT = "a circuit that reduces sums modulo m without errors of its own"


@click.command(
    "noise",
    cls=cli.AnswerCommand,
    background=cli.Background(
        "Cells: Xiao et al., arXiv:2109.01262. Light: the profile of the technology, whose sources "
        "rnscli energy --breakdown shows.",
        page="devices.md",
    ),
    row_type=analysis.NoiseRow,
    layout=LAYOUT,
    plot="the noise, and the share of each part",
    instead={"solve": lambda: (analysis.SolvedRow, SOLVE_LAYOUT)},
    axes=COLUMNS,
)
@options.stacked(
    options.take(
        core.CoreOptions.core.within(listed={n: core.CORES[n] for n in core.analog_cores()}),
        usual="all that run on the technology",
        help="Cores whose readings are examined.",
    ),
    options.bits("6"),
    *options.OPERANDS,
    options.in_group(
        "--operands",
        OptionGroup.CORE,
        default=UNIFORM,
        show_default=True,
        metavar=f"{'|'.join(DISTRIBUTIONS)}|FILE",
        shell_complete=options.names_or_files(DISTRIBUTIONS, SUFFIXES),
        help="Distribution of the operands, or a file of matrices x and w, as of error-sim; or a "
        "list of these.",
    ),
    ModuliOptions.moduli,
    options.redundancy("0"),
    options.take(
        EnergyOptions.technology,
        usual="that which each core is shown on; with errors of devices: none",
    ),
    EnergyOptions.constant,
    *_LIGHT.values(),
    EnergyOptions.columns,
    SolveOptions.solve,
    SolveOptions.target,
    *(one for n, one in options_of(core.DeviceOptions).items() if n != "chip_seed"),
    core.CoreOptions.slice_bits,
    core.CoreOptions.adc_bits,
    core.CoreOptions.adc_range,
    core.CoreOptions.calibration,
    core.CoreOptions.percentile,
    core.DotProductOptions.rule,
    ModuliOptions.max_modulus,
    ModuliOptions.family,
    ModuliOptions.factor,
)
def command(given: dict[str, Any], drawn: bool) -> cli.Question:
    """Compute what devices make of readings, part by part.

    A row for each modulus, or each slice of the weights: the standard deviation of what its ADC
    reads wrong, in steps of it, and how often a residue is wrong, for an array with all rows of a
    dot product. --solve looks for what a wanted probability allows.

    \b
    # Where the noise of light comes from, and how it grows with the rows
    rnscli noise --core rns --vector-size 8,16,32
    # Residues in ReRAM cells beside a conventional core
    rnscli noise --technology reram-analog --vector-size 64
    # How exact cells must be for residues, plain and symmetric ones
    rnscli noise --solve cell-error --target 1e-3 --vector-size 64 \\
        --residues plain,symmetric
    # The least light for a p of 1e-6, and the longest sum
    rnscli noise --solve laser-power,vector-size --target 1e-6 \\
        --vector-size 16
    # What the noise of three lengths is made of, drawn
    rnscli noise --core rns --vector-size 8,16,32 --plot noise.svg
    """
    if drawn and given["solve"]:
        raise InputError("--plot draws the noise part by part; leave --solve out")
    named, tables = given["technology"], options.device_tables(given)
    unknowns = given["solve"] or ()
    _check_solved(given)
    sources = {name: _operands(name) for name in given["operands"].split(",")}
    first = next(iter(sources.values()))
    if len(sources) == 1 and isinstance(first, FileOperands) and not given["vector_size"]:
        given = given | {"vector_size": (first.shape[1],)}
    given = options.with_defaults(given)
    kinds = {name: core.analog_core_named(name) for name in given["core"] or core.analog_cores()}
    if unknowns and not given["core"]:
        kinds = {name: kind for name, kind in kinds.items() if kind.coded}
    bare = bool(tables) or any(given[name] is not None for name in _ERRORS)
    bare = bare or any(map(analysis.of_devices, unknowns))
    technologies: dict[str | None, Technology | None] = {None: None}
    if named or not bare:
        names = named or dict.fromkeys(kind.default_technology for kind in kinds.values())
        technologies = {one.name: one for one in options.opened(names, given["constant"])}
    elif given["constant"]:
        raise InputError("`constant` is of a technology; give `technology`, too, or leave it out")
    usual = {} if named or bare else {n: kind.default_technology for n, kind in kinds.items()}
    filled = {**given, "core": tuple(kinds), "technology": tuple(technologies)}
    filled["operands"] = tuple(sources)
    if unknowns:
        filled["target"] = given["target"] or (1e-3,)
    points = [
        point
        for point in options.points(filled, AXES)
        if usual.get(point["core"], point["technology"]) == point["technology"]
        and (given["core"] or _runs(point["core"], technologies[point["technology"]]))
    ]
    if not points:
        only = next(iter(technologies))
        raise InputError(f"no analog core runs on `technology` {only}; give another")
    _check_light(given, [technologies[point["technology"]] for point in points])

    swept = [name for name in AXES if isinstance(filled[name], tuple) and len(filled[name]) > 1]
    plot = partial(_plot, [name for name in swept if name in COLUMNS])

    def parameters_of(point: options.Point) -> NoiseParameters:
        technology = technologies[point["technology"]]
        return _parameters(point, technology, tables, sources[point["operands"]])

    ready, problems = cli.prepared(points, parameters_of)

    def rows_of(pair: tuple[options.Point, NoiseParameters]) -> list[tuple[options.Point, Any]]:
        point, parameters = pair
        held = point | _held(parameters)
        if unknowns:
            row = analysis.solved(parameters, point["solve"], point["target"])
            return [(held, row)]
        return [(held, row) for row in analysis.noise_table(parameters)]

    def compute(runner: object, bar: cli.Bar) -> cli.Answer:
        pairs = [(point, (point, parameters)) for point, parameters in ready]
        with bar(len(pairs), "points") as advance:
            tables, more = cli.answered(pairs, rows_of, advance=advance)
        rows = [one for _, table in tables for one in table]
        every = [parameters for _, parameters in ready]
        outside = dict.fromkeys(one.outside for one in every)
        return cli.Answer(
            rows,
            plot,
            (*problems, *more),
            remarks=[sentence for sentence in outside if sentence],
            footer=_footer(every),
        )

    stated = filled | {"operands": given["operands"]}
    return cli.Question(stated, compute, picture=plot)


def _plot(swept: Sequence[str], rows: Sequence[report.Row], canvas: report.Canvas) -> bytes:
    made = option_columns({name: COLUMNS[name] for name in swept})
    return report.plot_noise(rows, canvas, {one.key: one for one in made.values()})


def _runs(name: str, technology: Technology | None) -> bool:
    return technology is None or analysis.runs_on(core.CORES[name], technology, 0.0)


def _check_solved(given: Mapping[str, Any]) -> None:
    """Refuse what contradicts --solve, or is nothing without."""
    if given["target"] and not given["solve"]:
        raise InputError("`target` is about --solve; give that, too, or leave it out")
    for unknown in given["solve"] or ():
        name = unknown.replace("-", "_")
        if name != "vector_size" and given[name] is not None:  # that is of the moduli
            raise InputError(f"`{name}` is what --solve {unknown} looks for; leave one of them out")


def _check_light(given: Mapping[str, Any], used: Iterable[Technology | None]) -> None:
    """Refuse constants that no technology has."""
    known = {name for one in used if one is not None for name in one.constants}
    for name in _LIGHT:
        if given[name] is not None and name not in known:
            raise InputError(
                f"`{name}` is a constant of none of these rows; give a technology that has it, or "
                "leave it out"
            )


def _parameters(
    point: options.Point,
    technology: Technology | None,
    tables: Mapping[str, Any],
    operands: Operands | None,
) -> NoiseParameters:
    request = options.moduli_request(point).with_operands()
    devices = {name: point[name] for name in _DEVICES if point[name] is not None}
    if technology is not None:
        light = {name: point[name] for name in _LIGHT if point[name] is not None}
        technology = technology.with_values(light)
    same = ("columns", "slice_bits", "adc_bits", "adc_range", "calibration", "percentile")
    return NoiseParameters(
        core=point["core"],
        dot_product=request.dot_product,
        bits=request.converter_bits,
        moduli=request.choose()[0] if core.CORES[point["core"]].coded else None,
        technology=technology,
        devices=analysis.devices_of(technology, {**devices, **tables}),
        operands=operands,
        **{name: point[name] for name in same},
    )


def _operands(name: str) -> Operands | None:
    """The source of operands; ``None`` for uniform ones, whose law is exact."""
    if name in DISTRIBUTIONS:
        return None if name == UNIFORM else DISTRIBUTIONS[name]
    if not name.lower().endswith(SUFFIXES):
        raise InputError(
            f"--operands {options.shown(name)} is not accepted; it must be one of "
            f"{', '.join(DISTRIBUTIONS)}, or a file that ends in {', '.join(SUFFIXES)}"
            f"{nearest(name, DISTRIBUTIONS)}"
        )
    return analysis.load_operands(name)


def _held(parameters: NoiseParameters) -> dict[str, Any]:
    """What holds where an option leaves it to the technology."""
    technology, devices = parameters.technology, asdict(parameters.held_devices)
    known = {} if technology is None else technology.numbers
    found: dict[str, Any] = {name: known.get(name) for name in _LIGHT}
    found |= {name: devices[name] for name in _DEVICES}
    if parameters.held_devices.lowest == 0:
        found["on_off_ratio"] = None
    if parameters.moduli is not None:
        found["redundant"] = parameters.moduli.redundant
    return found


def _footer(every: Iterable[NoiseParameters]) -> list[str]:
    """What is assumed."""
    said: dict[str, None] = {}
    for one in every:
        if one.held_devices.static_cells:
            said[_CUT] = None
        if one.assumes_circuit:
            said[f"of {one.core}, {_CIRCUIT}"] = None
        if one.technology is not None:
            for text in one.technology.device_assumptions:
                said[f"of {one.technology.name}, {text}"] = None
    lines = [line for text in said for line in cli.hanging("", f"assumed: {text}")]
    return ["", *lines] if lines else []
