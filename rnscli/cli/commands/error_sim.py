"""``rnscli error-sim``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import click

from rnscli import analysis, cli, core, report
from rnscli.analysis import DISTRIBUTIONS, PRECISION_OF, SUFFIXES, ErrorOptions
from rnscli.base import (
    Column,
    InputError,
    Names,
    Option,
    OptionGroup,
    RnscliError,
    columns_of,
    nearest,
)
from rnscli.cli import options
from rnscli.hardware import Technology

LAYOUT = report.Layout(
    parameters=(
        "vector_size", "pairs", "operands", "degrees_of_freedom", "sparsity", "bits", "input_bits",
        "weight_bits", "technology", "p", "sigma", "core", "moduli", "redundant_moduli",
        "redundant", "decoder", "attempts", "slice_bits", "adc_bits", "adc_range",
        "adc_share", "calibration", "percentile",
    ),
    results=(
        "mean_abs_error", "mean_abs_error_ci95", "precision_reached", "mean_error", "rms_error",
        "p50_abs_error", "p95_abs_error", "p99_abs_error", "max_abs_error", "relative_to_rns",
        "output_error_rate", "output_error_rate_ci95", "gross_error_rate", "expected_attempts",
        "max_attempts",
    ),
    optional=(
        "redundant_moduli", "precision_reached", "max_attempts", "adc_share", "adc_bits",
        "mean_error", "moduli", "p50_abs_error", "p95_abs_error", "decoder", "rms_error",
        "p99_abs_error", "mean_abs_error_ci95", "max_abs_error",
    ),
)  # fmt: skip
_OTHERWISE = {"gaussian": "normal", "gauss": "normal"}  # called elsewhere, as --noise does
DEFAULT_PAIRS = 10_000
DEFAULT_MAX_PAIRS = 10**8
PICTURE = Option(
    Names(lambda: report.ERROR_PICTURES),
    "What --plot draws: {summaries}.",
    usual="errors",
    name="picture",
    group=OptionGroup.OUTPUT,
)
AXES = (
    *options.MODULI_AXES, "slice_bits", "adc_bits", *options.DECODER_AXES, "legitimate_range",
    "attempts", "tolerance",
    *options.NOISE_AXES, *options.DEVICE_AXES, "technology", "degrees_of_freedom", "sparsity",
    "operands", "rel_precision", "precision_of", "max_pairs", "pairs", "seed", "calibration",
    "percentile",
)  # fmt: skip


@click.command(
    "error-sim",
    cls=cli.AnswerCommand,
    background=cli.Background(
        "Demirkiran et al., arXiv:2309.10759, Methods. Calibrated ranges, cells and mappings: "
        "Xiao et al., arXiv:2109.01262.",
        page="monte-carlo.md",
    ),
    row_type=analysis.DotErrorRow,
    layout=LAYOUT,
    plot="the error of each core, or another --picture,",
    answers={
        "tolerance": ("gross_error_rate",),
        **dict.fromkeys(("rel_precision", "max_pairs"), ("precision_reached",)),
    },
    needs={
        **dict.fromkeys(
            ("attempts", *options.DECODER_AXES, "legitimate_range", "tolerance"), options.NOISY
        ),
        **options.DEVICE_NEEDS,
        **options.CALIBRATION_NEEDS,
    },
    axes={
        **options.MODULI_COLUMNS,
        **options.DECODER_COLUMNS,
        "legitimate_range": analysis.LegitimateRange,
        **options.MORE_NOISE_COLUMNS,
        **options.DEVICE_COLUMNS,
        "technology": analysis.Technology,
        **options.CALIBRATION_COLUMNS,
        "rel_precision": analysis.RelPrecision,
        "precision_of": Annotated[str, Column("The value that --rel-precision is about.")],
        "max_pairs": Annotated[
            int, Column("Where the simulation stops at the latest, in pairs.", low=1)
        ],
        "seed": analysis.Seed,
    },
)
@options.stacked(
    options.cores(core.analog_cores(), "Cores to compare, on the same operands."),
    options.bits("4..8", ErrorOptions.bits),
    *options.OPERANDS,
    ErrorOptions.pairs,
    options.take(
        analysis.SimulationOptions.rel_precision,
        help="Instead of --pairs: run until the 95 % interval of every core reaches no further "
        "than this share of its value, such as 0.01.",
    ),
    ErrorOptions.precision_of,
    ErrorOptions.max_pairs,
    options.in_group(
        "--operands",
        OptionGroup.CORE,
        default="uniform",
        show_default=True,
        metavar=f"{'|'.join(DISTRIBUTIONS)}|FILE",
        shell_complete=options.names_or_files(DISTRIBUTIONS, SUFFIXES),
        help="Distribution of the operands, or a file of matrices x and w of shape (N, h): .npz or "
        ".safetensors with x and w, .npy of shape (2, N, h), or two joined as x.npy+w.npy; or a "
        "list of these. Files may be larger than memory.",
    ),
    analysis.OperandOptions.degrees_of_freedom,
    analysis.OperandOptions.sparsity,
    analysis.ModuliOptions.moduli,
    options.redundancy("0"),
    options.noise_options("no errors"),
    options.take(analysis.CodeOptions.attempts, "1"),
    *options.DECODING,
    options.take(analysis.CodeOptions.tolerance, usual=analysis.CodeOptions.tolerance.default),
    core.CoreOptions.slice_bits,
    core.CoreOptions.adc_bits,
    options.take(core.CoreOptions.adc_range, ",".join(core.ADC_RANGES)),
    *options.CALIBRATION,
    options.device_options,
    options.noise_technology,
    options.take(analysis.SimulationOptions.seed.within(high=2**63)),
    PICTURE,
    options.run_options,
)
def command(given: dict[str, Any], drawn: bool) -> cli.Question:
    """Simulate the dot-product error of each core (Monte Carlo).

    Real operands are quantised, multiplied in each core and scaled back; errors are against the
    float64 dot product. With --p or --sigma every residue is noisy, the core rns decodes and
    retries, and the conventional cores see the same noise at their ADC.

    \b
    # What a conventional ADC of b bits loses that residues keep
    rnscli error-sim --bits 4..8 --core rns,fixed-lp --pairs 1e5
    # How often the output is wrong when one residue in a hundred is
    rnscli error-sim --bits 6 --p 1e-2 --redundant 0..2 --attempts 2
    # The mean error to 1 %, recorded, so that nothing is computed twice
    rnscli error-sim --bits 6 --rel-precision 0.01 --jobs 2 --store runs.db
    """
    _check(given)
    drawing = report.ERROR_PICTURES[options.picture_of(given, drawn) or "errors"]
    given = given | {"picture": None}
    tables, technologies = options.device_tables(given), options.noise_technologies(given)
    given = given | {"technology": tuple(technologies) or None}
    sources = _sources(given)
    swept = [_axes(given, name, source) for name, source in sources.items()]
    ready, problems = cli.prepared(
        [point for axes in swept for point in options.noise_points(axes, AXES)],
        lambda point: _parameters(point, given, sources[point["operands"]], tables, technologies),
    )
    keeps = drawn and drawing.takes_histograms
    if keeps:
        lines = sum(len(parameters.labels) for _, parameters in ready)
        report.check_number(lines, report.MAX_SERIES, "lines")
    simulated = [parameters for _, parameters in ready]
    # Rows that are not calibrated are the same however others are, which changes fastest.
    repeated = len(given["calibration"]) * len(given["percentile"]) * len(given["core"])
    repeated *= len(given["adc_range"])

    def compute(runner: cli.Runner | None, bar: cli.Bar) -> cli.Answer:
        rows: list[tuple[options.Point, analysis.DotErrorRow]] = []
        histograms: list[analysis.LogHistogram] = []
        remarks = [one for parameters in simulated for one in _clipped(parameters)]
        with bar(sum(p.pairs for p in simulated), "pairs") as advance:
            watch = cli.watch_blocks(advance, partial(_note, simulated), partial(_total, simulated))
            results = analysis.dot_errors(simulated, runner, watch)
            for (point, parameters), result in zip(ready, results, strict=True):
                remarks.extend(_imprecise(parameters, result))
                for label, row in zip(parameters.labels, result.rows, strict=True):
                    at = options.of_range(point, row.adc_range)
                    if point["noise"] == core.DEVICE:
                        # A core that does not run there has the noise of its own.
                        at["technology"] = options.of_technology(point, row.core, technologies)
                    made = at, row
                    if made in rows[-repeated:]:
                        continue
                    rows.append(made)
                    if keeps:  # as they take memory
                        histograms.append(result.statistics[label].histogram.magnitudes())
        return cli.Answer(
            rows,
            lambda rows, canvas: drawing.plot(rows, histograms, canvas),
            problems,
            remarks=remarks,
            footer=list(_footer(row for _, row in rows)),
        )

    stated = swept[0] | {"operands": given["operands"]} if len(swept) == 1 else given
    files = [Path(name) for name, source in sources.items() if source is not None]
    picture = None if drawing.takes_histograms else partial(_plot, drawing)
    reads = {"--operands": files}
    return cli.Question(stated, compute, reads=reads, in_blocks=True, picture=picture)


def _plot(drawing: report.ErrorPicture, rows: Sequence[report.Row], canvas: report.Canvas) -> bytes:
    return drawing.plot(rows, (), canvas)


def _check(given: Mapping[str, Any]) -> None:
    """Refuse options that contradict each other."""
    options.check_one_level(given)
    if given["rel_precision"] is not None:
        if given["pairs"] is not None:
            raise InputError(
                "--rel-precision decides how many --pairs there are; leave one of them out, or "
                "give --max-pairs"
            )
        return
    for name in ("precision_of", "max_pairs"):
        if given[name] is not None:
            raise InputError(f"`{name}` belongs to --rel-precision; give that, too")


def _sources(given: Mapping[str, Any]) -> dict[str, analysis.FileOperands | None]:
    """The distributions and the opened files of ``--operands``."""
    names = given["operands"].split(",")
    if given["operands"].lower().endswith(SUFFIXES) and Path(given["operands"]).exists():
        names = [given["operands"]]  # whose name may have a comma
    for name in names:
        if name not in DISTRIBUTIONS and not name.lower().endswith(SUFFIXES):
            near = nearest(_OTHERWISE.get(name, name), DISTRIBUTIONS)
            raise InputError(
                f"--operands {options.shown(name)} is not accepted; it must be one of "
                f"{', '.join(DISTRIBUTIONS)}, a file that ends in {', '.join(SUFFIXES)}, or a list "
                f"of these{near}"
            )
    if given["degrees_of_freedom"] is not None and analysis.StudentTOperands.name not in names:
        raise InputError("--degrees-of-freedom belongs to --operands student-t; give that, too")
    sources = {n: None if n in DISTRIBUTIONS else analysis.load_operands(n) for n in names}
    if given["sparsity"] is not None and any(sources.values()):
        raise InputError("--sparsity is of drawn operands; those of a file are taken as they are")
    return sources


def _axes(
    given: Mapping[str, Any], name: str, source: analysis.FileOperands | None
) -> dict[str, Any]:
    """What is swept for one source of operands, with the defaults that it sets."""
    axes = dict(given) | {"operands": (name,)}
    rows = DEFAULT_PAIRS
    if source is not None:
        rows, columns = source.shape
        if rows < 2:
            raise InputError(f"`operands` {name} has one pair of vectors; it must have at least 2")
        axes["vector_size"] = given["vector_size"] or (columns,)
    if given["rel_precision"] is None:
        axes["pairs"] = given["pairs"] or (rows,)
    else:
        most = given["max_pairs"] or (DEFAULT_MAX_PAIRS,)
        axes["max_pairs"] = most if source is None else tuple(min(rows, n) for n in most)
        axes["precision_of"] = given["precision_of"] or PRECISION_OF[:1]
    if name != analysis.StudentTOperands.name:
        axes["degrees_of_freedom"] = None
    return options.with_defaults(axes)


def _parameters(
    point: options.Point,
    given: Mapping[str, Any],
    source: analysis.FileOperands | None,
    tables: Mapping[str, Any],
    technologies: Mapping[str, Technology],
) -> analysis.DotErrorParameters:
    request = options.moduli_request(point).with_operands()
    code = None
    try:
        moduli = request.choose()[0]
        size = request.legitimate_range(moduli, point["legitimate_range"])
        code = core.RedundantCode(moduli, size, point["decoder"], retry_above=point["retry_above"])
    except RnscliError:
        if any(core.CORES[name].coded for name in given["core"]):
            raise  # else it is only the reference of the others, which do without
    of_devices = None
    if point["noise"] == core.DEVICE:
        technology = technologies.get(point["technology"])
        of_devices = partial(_of_devices, point=point, technology=technology, tables=tables)
    return analysis.DotErrorParameters(
        dot_product=request.dot_product,
        bits=request.converter_bits,
        cores=given["core"],
        pairs=point["pairs"] or point["max_pairs"],
        code=code,
        noise=options.noise_of(point),
        attempts=point["attempts"],
        tolerance=core.TOLERANCE if point["tolerance"] is None else point["tolerance"],
        slice_bits=point["slice_bits"],
        adc_bits=point["adc_bits"],
        devices=core.IDEAL if of_devices else options.devices_of(point, tables),
        of_devices=of_devices,
        adc_range=given["adc_range"],
        calibration=point["calibration"],
        percentile=point["percentile"],
        operands=source or _distribution(point),
        seed=point["seed"],
        rel_precision=point["rel_precision"],
        precision_of=point["precision_of"] or PRECISION_OF[0],
    )


def _of_devices(
    settings: core.CoreSettings,
    kind: core.AnalogKind,
    point: options.Point,
    technology: Technology | None,
    tables: Mapping[str, Any],
) -> tuple[core.Laws, core.Devices]:
    return options.noise_of_devices(point, settings, kind, technology, tables)


def _distribution(point: options.Point) -> analysis.Operands:
    operands: analysis.Operands = DISTRIBUTIONS[point["operands"]]
    if point["degrees_of_freedom"] is not None:
        operands = analysis.StudentTOperands(point["degrees_of_freedom"])
    sparsity = point["sparsity"]
    return operands if sparsity is None else analysis.SparseOperands(operands, sparsity)


def _note(
    points: Sequence[analysis.DotErrorParameters],
    update: cli.Progress[analysis.ErrorStatistics],
) -> str:
    """What is known of each core at a point."""
    point, columns = points[update.index], columns_of(analysis.DotErrorRow)
    known = []
    for name in point.labels:
        statistics, may_err = update.total[name], point.point.cores[name].may_err
        if point.precision_of == "output_error_rate":
            rate = analysis.proportion_interval(statistics.wrong, update.samples)
            known.append(f"{name} {columns['output_error_rate_ci95'].shown(rate)}")
        else:
            interval = statistics.interval(statistics.absolute, may_err)
            row = {"mean_abs_error_ci95": interval}
            mean = columns["mean_abs_error"].shown(statistics.absolute.mean, row)
            reach = "" if interval is None else columns["mean_abs_error_ci95"].shown(interval)
            known.append(f"{name} {mean} {reach}".rstrip())
    number = f"{update.index + 1} of {len(points)}: " if len(points) > 1 else ""
    return number + "   ".join(known)


def _total(
    points: Sequence[analysis.DotErrorParameters],
    before: float,
    update: cli.Progress[analysis.ErrorStatistics],
) -> float | None:
    """Pairs in all, estimated: an interval narrows with the square root of its pairs."""
    point = points[update.index]
    if point.rel_precision is None:
        return None
    here = float(update.samples if update.finished else point.pairs)
    reached = point.reached(update.total)
    known = [share for share in reached if share is not None]
    if not update.finished and len(known) == len(reached):
        here = min(here, update.samples * max(1.0, (max(known) / point.rel_precision) ** 2))
    # Nobody knows how long points take that are not begun: they are taken to be like this one.
    return before + here * (len(points) - update.index)


def _footer(rows: Iterable[analysis.DotErrorRow]) -> Iterator[str]:
    """Why there is no interval, where there is none."""
    if any(row.mean_abs_error_ci95 is None for row in rows):
        yield (
            f"no interval of a mean where noise spoilt fewer than {analysis.FEWEST_SPOILT} "
            "results: unseen errors may raise it"
        )


def _clipped(parameters: analysis.DotErrorParameters) -> Iterator[str]:
    """A sentence for each range that clips most outputs."""
    for label, share in parameters.clipped.items():
        if share > 0.5:
            yield (
                f"{label} at {parameters.bits} bits: the range clips {share:.0%} of the outputs; "
                "give a larger fraction, or calibrated"
            )


def _imprecise(
    parameters: analysis.DotErrorParameters, result: analysis.DotErrorResult
) -> Iterator[str]:
    """A sentence for each core that is less precise than --rel-precision."""
    if parameters.rel_precision is None:
        return
    for label, row in zip(parameters.labels, result.rows, strict=True):
        reached, spoilt = row.precision_reached, result.statistics[label].wrong
        if reached is None and not parameters.noisy:
            continue  # every error is zero
        if reached is None or reached > parameters.rel_precision:
            seen = f"{spoilt} wrong outputs were seen" if spoilt else "no wrong output was seen"
            so_far = seen if reached is None else f"{reached:.2g} is reached"
            more = "give more --max-pairs"
            if isinstance(parameters.operands, analysis.FileOperands):
                more = f"{parameters.operands.name} has {parameters.operands.shape[0]}"
            yield (
                f"{label} at {row.bits} bits: {so_far} after {row.pairs} pairs, not "
                f"--rel-precision {parameters.rel_precision:g}; {more}"
            )
