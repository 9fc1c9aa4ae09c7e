"""``rnscli fault-prob``."""

from typing import Any

import click

from rnscli.analysis.fault_probability import (
    FaultParameters,
    FaultProbability,
    fault_probability,
)
from rnscli.cli import options as shared
from rnscli.cli.output import Output, output_options, prepared
from rnscli.cli.sweep import Point, points
from rnscli.report.plots import plot_fault_probability
from rnscli.report.table import Layout

LAYOUT = Layout(
    parameters=(
        "moduli", "redundant_moduli", "redundant", "decoder", "legitimate_range", "noise", "p",
        "attempts",
    ),
    results=(
        "p_correct", "p_detected", "p_undetected", "p_err", "expected_attempts",
    ),
    optional=("redundant_moduli", "moduli", "p_correct"),
)  # fmt: skip
AXES = (*shared.MODULI_AXES, "decoder", "legitimate_range", "attempts", "p")


@click.command("fault-prob")
@output_options("fault-prob", FaultProbability, LAYOUT, "p_err against p")
@shared.stacked(
    shared.bits("6"),
    shared.input_bits,
    shared.weight_bits,
    shared.vector_size,
    shared.moduli,
    shared.redundancy("0..2"),
    shared.error_probability("1e-3"),
    shared.attempts("1,2,inf"),
    shared.decoder,
    shared.legitimate_range,
    shared.rule,
    shared.max_modulus,
)
def command(output: Output, options: dict[str, Any]) -> None:
    """Compute the output error probability of a redundant code, exactly.

    Each residue is wrong with probability p. A detected error is computed again, up to R attempts;
    p_err is the probability that the output is then wrong or still rejected.

    \b
    rnscli fault-prob --bits 6 --redundant 0..3 --attempts 1,2,inf --p 1e-6..1e-1:6
    rnscli fault-prob --moduli 63,62,61,59,55,53 --redundant 2 --require 'p_err <= 1e-4'
    """
    options = shared.with_defaults(options, bits=(6,), redundant=(0, 1, 2))
    ready, problems = prepared(points(options, AXES), _parameters)

    rows = [(point, fault_probability(parameters)) for point, parameters in ready]
    output.finish(rows, options, problems, plot_fault_probability)


def _parameters(point: Point) -> FaultParameters:
    request = shared.moduli_request(point)
    moduli = request.choose()[0]
    return FaultParameters(
        moduli=moduli,
        p=point["p"],
        attempts=point["attempts"],
        decoder=point["decoder"],
        legitimate_range=request.legitimate_range(moduli, point["legitimate_range"]),
    )
