"""``rnscli energy``."""

import math
from typing import Any

import click

from rnscli.analysis.energy import (
    CORE_CONVERSIONS,
    EnergyParameters,
    EnergyRow,
    MurmannConverters,
    converter_energy,
)
from rnscli.cli import options as shared
from rnscli.cli.output import Output, output_options, prepared
from rnscli.cli.sweep import IntSweep, Point, QuantitySweep, points
from rnscli.core.errors import InputError, NoSolutionError
from rnscli.report.plots import MAX_BARS, plot_energy
from rnscli.report.table import Layout

LAYOUT = Layout(
    parameters=(
        "vector_size", "columns", "bits", "input_bits", "weight_bits", "core", "moduli",
        "redundant_moduli", "expected_attempts",
    ),
    results=(
        "dac_bits", "adc_bits", "dac_conversions",
        "adc_conversions", "dac_energy_j", "adc_energy_j", "converter_energy_j",
        "energy_per_mac_j", "relative_to_rns", "adc_relative_to_rns",
    ),
    optional=(
        "dac_bits", "dac_conversions", "adc_conversions", "moduli", "converter_energy_j",
        "redundant_moduli", "expected_attempts",
    ),
)  # fmt: skip
# Keys of swept constants in the rows, with their units.
KEYS = {
    "adc_k1": "adc_k1_j",
    "adc_k2": "adc_k2_j",
    "dac_unit_capacitance": "dac_unit_capacitance_f",
    "supply_voltage": "supply_voltage_v",
}
CONSTANTS = tuple(KEYS)
AXES = (
    *shared.MODULI_AXES, "decoder", "legitimate_range", "attempts", "p", "columns", "slice_bits",
    "adc_bits", *CONSTANTS, "core",
)  # fmt: skip


def _constant(name: str, unit: str, default: str, what: str) -> Any:
    return click.option(
        name, type=QuantitySweep(unit, default), default=default, show_default=True, help=what
    )


@click.command("energy")
@shared.stacked(
    shared.cores(CORE_CONVERSIONS, "Cores to compare."),
    shared.bits("4..8"),
    shared.input_bits,
    shared.weight_bits,
    shared.vector_size,
    click.option(
        "--columns",
        type=IntSweep(1, 2**40),
        help="Columns c of the array, which share its DACs.  [default: h, a square array]",
    ),
    shared.moduli,
    shared.redundancy("0"),
    shared.error_probability("0"),
    shared.attempts("inf"),
    shared.decoder,
    shared.legitimate_range,
    shared.rule,
    shared.max_modulus,
    _constant("--adc-k1", "J", "100fJ", "ADC energy per bit: k1 ENOB + k2 4^ENOB."),
    _constant("--adc-k2", "J", "1aJ", "ADC energy of thermal noise: k1 ENOB + k2 4^ENOB."),
    _constant("--dac-unit-capacitance", "F", "0.5fF", "C_u of the DAC: ENOB^2 C_u V_dd^2."),
    _constant("--supply-voltage", "V", "1V", "V_dd of the DAC: ENOB^2 C_u V_dd^2."),
    shared.slice_bits,
    shared.adc_bits,
)
@output_options("energy", EnergyRow, LAYOUT, "the energy by part")
def command(output: Output, options: dict[str, Any]) -> None:
    """Estimate the energy of the data converters for one dot product.

    ADC: k1 ENOB + k2 4^ENOB per conversion; DAC: ENOB^2 C_u V_dd^2. With --p, the core rns is
    charged for the attempts that its code needs on average.

    \b
    rnscli energy --bits 4..8 --vector-size 128
    rnscli energy --bits 6 --core rns --redundant 0..3 --p 1e-2 --adc-k1 80fJ --format json
    """
    options = shared.with_defaults(options, bits=(4, 5, 6, 7, 8))
    ready, problems = prepared(points(options, AXES), _parameters)

    output.check_plot(len(ready), MAX_BARS, "bars")
    rows = [(point, converter_energy(parameters)) for point, parameters in ready]
    output.finish(rows, options, problems, plot_energy, KEYS)


def _parameters(point: Point) -> EnergyParameters:
    request = shared.moduli_request(point).with_operands()
    try:
        moduli = request.choose()[0]
    except NoSolutionError:
        if point["core"] == "rns":
            raise
        moduli = None  # other cores are told without the ratio to rns
    attempts = 1.0  # in the mean
    if moduli is not None and point["p"]:
        from rnscli.analysis.fault_probability import FaultParameters, fault_probability

        attempts = fault_probability(
            FaultParameters(
                moduli=moduli,
                p=point["p"],
                attempts=point["attempts"],
                decoder=point["decoder"],
                legitimate_range=request.legitimate_range(moduli, point["legitimate_range"]),
            )
        ).expected_attempts
        if math.isinf(attempts):
            raise InputError(
                f"`attempts` is inf, and at `p` {point['p']:g} every word is rejected, so that "
                "the energy has no bound; give a finite number of attempts"
            )
    return EnergyParameters(
        core=point["core"],
        dot_product=request.dot_product,
        bits=request.converter_bits,
        moduli=moduli,
        columns=point["columns"],
        expected_attempts=attempts,
        slice_bits=point["slice_bits"],
        adc_bits=point["adc_bits"],
        converters=MurmannConverters(**{name: point[name] for name in CONSTANTS}),
    )
