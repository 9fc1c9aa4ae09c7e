"""``rnscli error-sim``."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from rnscli.analysis.dot_error import (
    MAX_PAIRS,
    DotErrorParameters,
    DotErrorResult,
    DotErrorRow,
    dot_error,
)
from rnscli.analysis.operands import DISTRIBUTIONS, GivenOperands, load_operands
from rnscli.cli import options as shared
from rnscli.cli.output import Output, output_options, prepared
from rnscli.cli.progress import progress_bar
from rnscli.cli.sweep import (
    FloatSweep,
    IntSweep,
    Point,
    WholeNumber,
    points,
    shown,
)
from rnscli.core.code import RedundantCode
from rnscli.core.cores import CORES
from rnscli.core.errors import InputError, RnscliError
from rnscli.core.noise import MAX_SIGMA, Gaussian, NoiseLaw, Uniform
from rnscli.core.quantisation import MAX_SIMULATED_BITS
from rnscli.report.plots import MAX_SERIES, plot_error_histograms
from rnscli.report.table import Layout
from rnscli.runtime.blocks import block_mapper

LAYOUT = Layout(
    parameters=(
        "vector_size", "pairs", "operands", "bits", "input_bits", "weight_bits",
        "residue_error_probability", "sigma", "core", "moduli", "redundant_moduli", "redundant",
        "decoder", "attempts",
    ),
    results=(
        "mean_abs_error", "mean_abs_error_ci95", "mean_error", "rms_error",
        "p50_abs_error", "p95_abs_error", "p99_abs_error", "max_abs_error", "relative_to_rns",
        "output_error_rate",
        "output_error_rate_ci95", "mean_attempts",
    ),
    optional=(
        "redundant_moduli", "mean_error", "moduli",
        "p50_abs_error", "p95_abs_error", "decoder", "rms_error", "p99_abs_error",
        "mean_abs_error_ci95", "max_abs_error",
    ),
)  # fmt: skip
DEFAULT_PAIRS = 10_000
AXES = (
    *shared.MODULI_AXES, "decoder", "legitimate_range", "attempts", "p", "sigma", "distribution",
    "pairs", "seed",
)  # fmt: skip


@click.command("error-sim")
@shared.stacked(
    shared.cores(CORES, "Cores to compare, on the same operands."),
    shared.bits("4..8", MAX_SIMULATED_BITS),
    shared.input_bits,
    shared.weight_bits,
    shared.vector_size,
    click.option(
        "--pairs",
        type=IntSweep(2, MAX_PAIRS),
        help="Number of dot products.  [default: 10000, or all rows of the operands file]",
    ),
    click.option(
        "--operands",
        default="uniform",
        show_default=True,
        metavar=f"{'|'.join(DISTRIBUTIONS)}|FILE.npz",
        help="Distribution of the operands, or a list of them; or a file with arrays x and w of "
        "shape (N, h).",
    ),
    shared.moduli,
    shared.redundancy("0"),
    shared.error_probability(None),
    click.option(
        "--sigma",
        type=FloatSweep(0.0, MAX_SIGMA, f"a number of residue steps from 0 to {MAX_SIGMA:g}"),
        help="Gaussian noise on each residue instead of --p, in steps of a residue.",
    ),
    shared.attempts("1"),
    shared.decoder,
    shared.legitimate_range,
    shared.rule,
    shared.max_modulus,
    click.option("--seed", type=IntSweep(0, 2**63), default="0", show_default=True, help="Seed."),
    click.option(
        "--jobs",
        type=WholeNumber(1, 1024),
        default="1",
        show_default=True,
        help="Number of processes; the result is the same for any.",
    ),
)
@output_options("error-sim", DotErrorRow, LAYOUT, "the distribution of the error")
def command(output: Output, options: dict[str, Any]) -> None:
    """Simulate the dot-product error of each core (Monte Carlo).

    Real operands are quantised, multiplied in each core and scaled back; errors are against the
    float64 dot product. With --p or --sigma every residue is noisy, the core rns decodes and
    retries, and the conventional cores see the equal noise at their ADC.

    \b
    rnscli error-sim --bits 4..8 --core rns,fixed-lp --pairs 1e5
    rnscli error-sim --bits 6 --p 1e-2 --redundant 0..2 --attempts 2 --format json
    """
    if options["p"] is not None and options["sigma"] is not None:
        raise InputError("--p and --sigma are two kinds of noise; leave one of them out")
    axes, given = _with_operands(options)
    axes = shared.with_defaults(axes, bits=(4, 5, 6, 7, 8))
    ready, problems = prepared(
        points(axes, AXES), lambda point: _parameters(point, options["core"], given)
    )
    # Neither changes the result or says more, so neither is a parameter of it.
    jobs = axes.pop("jobs")
    axes.pop("distribution")
    output.check_plot(len(ready) * len(options["core"]), MAX_SERIES, "lines")
    total = sum(parameters.pairs for _, parameters in ready)
    workers = min(jobs, max(parameters.blocks for _, parameters in ready))
    results: list[tuple[Point, DotErrorResult]] = []
    done = 0
    with progress_bar(total, "pairs") as advance, block_mapper(workers) as map_blocks:
        for point, parameters in ready:
            result = dot_error(
                parameters,
                map_blocks,
                partial(advance, done),
            )
            results.append((point, result))
            done += parameters.pairs
    histograms = [
        result.statistics[row.core].histogram for _, result in results for row in result.rows
    ]
    output.finish(
        [(point, row) for point, result in results for row in result.rows],
        axes,
        problems,
        lambda rows, file_format: plot_error_histograms(rows, histograms, file_format),
    )


def _with_operands(options: dict[str, Any]) -> tuple[dict[str, Any], GivenOperands | None]:
    """The options with an axis of distributions, and the operands of a file if there is one."""
    axes = dict(options)
    names = options["operands"].split(",")
    if all(name in DISTRIBUTIONS for name in names):
        axes["distribution"] = tuple(names)
        axes["pairs"] = options["pairs"] or (DEFAULT_PAIRS,)
        return axes, None
    if not options["operands"].endswith(".npz"):
        raise InputError(
            f"--operands {shown(options['operands'])} is not accepted; it must be one of "
            f"{', '.join(DISTRIBUTIONS)}, a list of them, or a file that ends in .npz"
        )
    given = load_operands(Path(options["operands"]))
    rows, columns = given.x.shape
    axes["distribution"] = (given.name,)
    axes["pairs"] = options["pairs"] or (rows,)
    axes["vector_size"] = options["vector_size"] or (columns,)
    return axes, given


def _parameters(
    point: Point, cores: tuple[str, ...], given: GivenOperands | None
) -> DotErrorParameters:
    request = shared.moduli_request(point).with_operands()
    noise: NoiseLaw | None = None
    if point["p"] is not None:
        noise = Uniform(point["p"])
    elif point["sigma"] is not None:
        noise = Gaussian(point["sigma"])
    code = None
    try:
        moduli = request.choose()[0]
        size = request.legitimate_range(moduli, point["legitimate_range"])
        code = RedundantCode(moduli, size, point["decoder"])
    except RnscliError:
        if "rns" in cores:
            raise  # else it is only the reference of the others, which do without
    return DotErrorParameters(
        dot_product=request.dot_product,
        bits=request.converter_bits,
        cores=cores,
        pairs=point["pairs"],
        code=code,
        noise=noise,
        attempts=point["attempts"],
        operands=given or DISTRIBUTIONS[point["distribution"]],
        seed=point["seed"],
    )
