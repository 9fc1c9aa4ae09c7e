"""``rnscli error-sim``."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import click

from rnscli import report
from rnscli.analysis import (
    DISTRIBUTIONS,
    PRECISION_OF,
    SUFFIXES,
    CodeOptions,
    DotErrorParameters,
    DotErrorResult,
    DotErrorRow,
    ErrorOptions,
    ErrorStatistics,
    FileOperands,
    LegitimateRange,
    LogHistogram,
    ModuliOptions,
    OperandOptions,
    Operands,
    RelPrecision,
    Seed,
    SimulationOptions,
    SparseOperands,
    StudentTOperands,
    dot_errors,
    load_operands,
    proportion_interval,
)
from rnscli.base import Column, InputError, RnscliError, columns_of
from rnscli.cli.answer import Answer, Bar, Question, prepared
from rnscli.cli.command import AnswerCommand
from rnscli.cli.options import (
    Point,
    names_or_files,
    shared,
    shown,
)
from rnscli.cli.options import noise as noise_options
from rnscli.cli.terminal import Advance
from rnscli.core import (
    CORES,
    CoreOptions,
    DotProductOptions,
    RedundantCode,
    analog_cores,
)
from rnscli.report import Layout
from rnscli.runtime import Progress, Runner

LAYOUT = Layout(
    parameters=(
        "vector_size", "pairs", "operands", "degrees_of_freedom", "sparsity", "bits", "input_bits",
        "weight_bits", "p", "sigma", "core", "moduli", "redundant_moduli",
        "redundant", "decoder", "attempts", "slice_bits", "adc_bits",
    ),
    results=(
        "mean_abs_error", "mean_abs_error_ci95", "precision_reached", "mean_error", "rms_error",
        "p50_abs_error", "p95_abs_error", "p99_abs_error", "max_abs_error", "relative_to_rns",
        "output_error_rate", "output_error_rate_ci95", "expected_attempts", "max_attempts",
    ),
    optional=(
        "redundant_moduli", "precision_reached", "max_attempts", "adc_bits", "mean_error", "moduli",
        "p50_abs_error", "p95_abs_error", "decoder", "rms_error", "p99_abs_error",
        "mean_abs_error_ci95", "max_abs_error",
    ),
)  # fmt: skip
DEFAULT_PAIRS = 10_000
DEFAULT_MAX_PAIRS = 10**8
AXES = (
    *shared.MODULI_AXES, "slice_bits", "adc_bits", "decoder", "legitimate_range", "attempts",
    *noise_options.AXES, "degrees_of_freedom", "sparsity", "operands", "rel_precision",
    "precision_of", "max_pairs", "pairs", "seed",
)  # fmt: skip


@click.command(
    "error-sim",
    cls=AnswerCommand,
    row_type=DotErrorRow,
    layout=LAYOUT,
    plot="the distribution of the error",
    axes={
        **shared.MODULI_COLUMNS,
        "legitimate_range": LegitimateRange,
        **noise_options.MORE_COLUMNS,
        "rel_precision": RelPrecision,
        "precision_of": Annotated[str, Column("The value that the precision is asked of.")],
        "max_pairs": Annotated[
            int, Column("Where the simulation stops at the latest, in pairs.", low=1)
        ],
        "seed": Seed,
    },
)
@shared.stacked(
    shared.cores(analog_cores(), "Cores to compare, on the same operands."),
    shared.bits("4..8", ErrorOptions.bits),
    DotProductOptions.input_bits,
    DotProductOptions.weight_bits,
    DotProductOptions.vector_size,
    ErrorOptions.pairs,
    shared.take(
        SimulationOptions.rel_precision,
        help="Instead of --pairs: run until the 95 % interval of every core reaches no further "
        "than this share of its value, such as 0.01.",
    ),
    ErrorOptions.precision_of,
    ErrorOptions.max_pairs,
    click.option(
        "--operands",
        default="uniform",
        show_default=True,
        metavar=f"{'|'.join(DISTRIBUTIONS)}|FILE",
        shell_complete=names_or_files(DISTRIBUTIONS, SUFFIXES),
        help="Distribution of the operands, or a file of matrices x and w of shape (N, h): .npz or "
        ".safetensors with x and w, .npy of shape (2, N, h), or two joined as x.npy+w.npy; or a "
        "list of these. Files may be larger than memory.",
    ),
    OperandOptions.degrees_of_freedom,
    OperandOptions.sparsity,
    ModuliOptions.moduli,
    shared.redundancy("0"),
    noise_options.noise_options("no errors"),
    shared.take(CodeOptions.attempts, "1"),
    CodeOptions.decoder,
    CodeOptions.legitimate_range,
    DotProductOptions.rule,
    ModuliOptions.max_modulus,
    CoreOptions.slice_bits,
    CoreOptions.adc_bits,
    shared.take(SimulationOptions.seed.within(high=2**63)),
    shared.run_options,
)
def command(options: dict[str, Any], drawn: bool) -> Question:
    """Simulate the dot-product error of each core (Monte Carlo).

    Real operands are quantised, multiplied in each core and scaled back; errors are against the
    float64 dot product. With --p or --sigma every residue is noisy, the core rns decodes and
    retries, and the conventional cores see the equal noise at their ADC.

    \b
    # What a conventional ADC of b bits loses that residues keep
    rnscli error-sim --bits 4..8 --core rns,fixed-lp --pairs 1e5
    # How often the output is wrong when one residue in a hundred is
    rnscli error-sim --bits 6 --p 1e-2 --redundant 0..2 --attempts 2
    # The mean error to 1 %, recorded, so that nothing is computed twice
    rnscli error-sim --bits 6 --rel-precision 0.01 --jobs 2 --store runs.db
    """
    _check(options)
    sources = _sources(options)
    swept = [_axes(options, name, source) for name, source in sources.items()]
    ready, problems = prepared(
        [point for axes in swept for point in noise_options.noise_points(axes, AXES)],
        lambda point: _parameters(point, options["core"], sources[point["operands"]]),
    )
    if drawn:
        report.check_number(len(ready) * len(options["core"]), report.MAX_SERIES, "lines")
    simulated = [parameters for _, parameters in ready]

    def compute(runner: Runner | None, bar: Bar) -> Answer:
        rows: list[tuple[Point, DotErrorRow]] = []
        histograms: list[LogHistogram] = []
        imprecise: list[str] = []
        with bar(sum(p.pairs for p in simulated), "pairs") as advance:
            results = dot_errors(simulated, runner, _Watch(simulated, advance))
            for (point, parameters), result in zip(ready, results, strict=True):
                for row in result.rows:
                    rows.append((point, row))
                    if drawn:  # as they take memory
                        histograms.append(result.statistics[row.core].histogram.magnitudes())
                imprecise.extend(_imprecise(parameters, result))
        return Answer(
            rows,
            lambda rows, file_format: report.plot_error_histograms(rows, histograms, file_format),
            problems,
            remarks=imprecise,
        )

    said = swept[0] | {"operands": options["operands"]} if len(swept) == 1 else options
    return Question(
        said,
        compute,
        reads={"--operands": [Path(n) for n, source in sources.items() if source is not None]},
        in_blocks=True,
    )


def _check(options: Mapping[str, Any]) -> None:
    """Refuse options that contradict each other."""
    noise_options.check_one_level(options)
    if options["rel_precision"] is not None:
        if options["pairs"] is not None:
            raise InputError(
                "--rel-precision decides how many --pairs there are; leave one of them out, or "
                "give --max-pairs"
            )
        return
    for name in ("precision_of", "max_pairs"):
        if options[name] is not None:
            raise InputError(f"`{name}` belongs to --rel-precision; give that, too")


def _sources(options: Mapping[str, Any]) -> dict[str, FileOperands | None]:
    """The distributions and the opened files of ``--operands``."""
    names = options["operands"].split(",")
    if options["operands"].lower().endswith(SUFFIXES) and Path(options["operands"]).exists():
        names = [options["operands"]]  # whose name may have a comma
    for name in names:
        if name not in DISTRIBUTIONS and not name.lower().endswith(SUFFIXES):
            raise InputError(
                f"--operands {shown(name)} is not accepted; it must be one of "
                f"{', '.join(DISTRIBUTIONS)}, a file that ends in {', '.join(SUFFIXES)}, or a list "
                "of these"
            )
    if options["degrees_of_freedom"] is not None and StudentTOperands.name not in names:
        raise InputError("--degrees-of-freedom belongs to --operands student-t; give that, too")
    sources = {name: None if name in DISTRIBUTIONS else load_operands(name) for name in names}
    if options["sparsity"] is not None and any(sources.values()):
        raise InputError("--sparsity is of drawn operands; those of a file are taken as they are")
    return sources


def _axes(options: Mapping[str, Any], name: str, source: FileOperands | None) -> dict[str, Any]:
    """What is swept for one source of operands, with the defaults that it sets."""
    axes = dict(options) | {"operands": (name,)}
    rows, columns = (DEFAULT_PAIRS, None) if source is None else source.shape
    if columns is not None:
        axes["vector_size"] = options["vector_size"] or (columns,)
    if options["rel_precision"] is None:
        axes["pairs"] = options["pairs"] or (rows,)
    else:
        most = options["max_pairs"] or (DEFAULT_MAX_PAIRS,)
        axes["max_pairs"] = most if source is None else tuple(min(rows, n) for n in most)
        axes["precision_of"] = options["precision_of"] or PRECISION_OF[:1]
    if name != StudentTOperands.name:
        axes["degrees_of_freedom"] = None
    return shared.with_defaults(axes)


def _parameters(
    point: Point, cores: tuple[str, ...], source: FileOperands | None
) -> DotErrorParameters:
    request = shared.moduli_request(point).with_operands()
    code = None
    try:
        moduli = request.choose()[0]
        size = request.legitimate_range(moduli, point["legitimate_range"])
        code = RedundantCode(moduli, size, point["decoder"])
    except RnscliError:
        if any(CORES[core].coded for core in cores):
            raise  # else it is only the reference of the others, which do without
    return DotErrorParameters(
        dot_product=request.dot_product,
        bits=request.converter_bits,
        cores=cores,
        pairs=point["pairs"] or point["max_pairs"],
        code=code,
        noise=noise_options.noise_of(point),
        attempts=point["attempts"],
        slice_bits=point["slice_bits"],
        adc_bits=point["adc_bits"],
        operands=source or _distribution(point),
        seed=point["seed"],
        rel_precision=point["rel_precision"],
        precision_of=point["precision_of"] or PRECISION_OF[0],
    )


def _distribution(point: Point) -> Operands:
    operands: Operands = DISTRIBUTIONS[point["operands"]]
    if point["degrees_of_freedom"] is not None:
        operands = StudentTOperands(point["degrees_of_freedom"])
    return operands if point["sparsity"] is None else SparseOperands(operands, point["sparsity"])


_COLUMNS = columns_of(DotErrorRow)


class _Watch:
    """Says how far the points have come, and what is known of each core."""

    def __init__(self, points: Sequence[DotErrorParameters], advance: Advance) -> None:
        self._points = points
        self._advance = advance
        self._before = 0  # pairs of the points before the one at hand
        self._recorded = 0

    def __call__(self, update: Progress[ErrorStatistics]) -> None:
        """After a block of a point."""
        point = self._points[update.index]
        # Nobody knows how long points take that are not begun: they are taken to be alike.
        here = _needed(point, update)
        later = len(self._points) - update.index - 1
        self._advance(
            self._before + update.samples,
            self._before + here * (1 + later) if point.rel_precision is not None else None,
            note=partial(self._note, point, update),
            recorded=self._recorded + update.samples - update.computed,
        )
        if update.finished:
            self._before += update.samples
            self._recorded += update.samples - update.computed

    def _note(self, point: DotErrorParameters, update: Progress[ErrorStatistics]) -> str:
        number = f"{update.index + 1} of {len(self._points)}: " if len(self._points) > 1 else ""
        rate = point.precision_of == "output_error_rate"
        known = []
        for name in point.cores:
            statistics = update.total[name]
            if rate:
                interval = proportion_interval(statistics.wrong, update.samples)
                known.append(f"{name} {_COLUMNS['output_error_rate_ci95'].shown(interval)}")
            else:
                interval = statistics.absolute.mean_interval()
                row = {"mean_abs_error_ci95": interval}
                mean = _COLUMNS["mean_abs_error"].shown(statistics.absolute.mean, row)
                half = _COLUMNS["mean_abs_error_ci95"].shown(interval)
                known.append(f"{name} {mean} {half}")
        return number + "   ".join(known)


def _needed(point: DotErrorParameters, update: Progress[ErrorStatistics]) -> float:
    """Pairs that a point takes in all: intervals narrow with their square root."""
    if update.finished:
        return update.samples
    if point.rel_precision is None:
        return point.pairs
    reached = [update.total[name].precision(point.precision_of) for name in point.cores]
    if None in reached:
        return point.pairs
    worst = max((share for share in reached if share is not None), default=1.0)
    return min(point.pairs, update.samples * max(1.0, (worst / point.rel_precision) ** 2))


def _imprecise(parameters: DotErrorParameters, result: DotErrorResult) -> Iterator[str]:
    """A sentence for each core that is less precise than was asked for."""
    if parameters.rel_precision is None:
        return
    for row in result.rows:
        reached = row.precision_reached
        if reached is None and parameters.noise is None:
            continue  # every error is zero
        if reached is None or reached > parameters.rel_precision:
            so_far = "no wrong output was seen" if reached is None else f"{reached:.2g} is reached"
            more = "give more --max-pairs"
            if isinstance(parameters.operands, FileOperands):
                more = f"{parameters.operands.name} has {parameters.operands.shape[0]}"
            yield (
                f"{row.core} at {row.bits} bits: {so_far} after {row.pairs} pairs, not "
                f"--rel-precision {parameters.rel_precision:g}; {more}"
            )
