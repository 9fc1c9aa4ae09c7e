"""Options of the core on which the products of a network are computed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rnscli.cli import options as shared
from rnscli.cli.network_options import granularity
from rnscli.cli.sweep import Point
from rnscli.core.errors import InputError
from rnscli.core.quantisation import MAX_SIMULATED_BITS
from rnscli.matrix.dataflow import Dataflow

CORE_AXES = (
    "granularity", *shared.MODULI_AXES, "slice_bits", "adc_bits", "decoder", "legitimate_range",
    "attempts", "p", "sigma",
)  # fmt: skip

# Columns of a table that say what a core is, in the order in which they are read.
CORE_COLUMNS = (
    "vector_size", "granularity", "bits", "input_bits", "weight_bits",
    "residue_error_probability", "sigma", "core", "moduli", "redundant_moduli", "redundant",
    "decoder", "attempts", "slice_bits", "adc_bits",
)  # fmt: skip


def core_options(bits: str) -> shared.Decorator[Any]:
    """Converters, moduli and noise; ``bits`` is the default of ``--bits``."""
    return shared.stacked(
        shared.bits(bits, MAX_SIMULATED_BITS),
        shared.input_bits,
        shared.weight_bits,
        shared.vector_size,
        granularity,
        shared.moduli,
        shared.redundancy("0"),
        shared.error_probability(None),
        shared.sigma,
        shared.attempts("1"),
        shared.decoder,
        shared.legitimate_range,
        shared.rule,
        shared.max_modulus,
        shared.slice_bits,
        shared.adc_bits,
    )


def check_noise(options: Mapping[str, Any]) -> None:
    """Refuse two kinds of noise at once.

    Raises
    ------
    InputError
        Naming both options.
    """
    if options["p"] is not None and options["sigma"] is not None:
        raise InputError("--p and --sigma are two kinds of noise; leave one of them out")


@dataclass(frozen=True)
class CoreOfPoint:
    """The core of a point, and the bits of its converters."""

    flow: Dataflow
    bits: int


def distinct(
    found: Sequence[tuple[Point, CoreOfPoint]], others: Sequence[str]
) -> list[tuple[Point, CoreOfPoint]]:
    """Points that differ in their core or in ``others``: redundancy concerns only some cores."""
    kept: dict[tuple[object, ...], tuple[Point, CoreOfPoint]] = {}
    for point, core in found:
        kept.setdefault((core, *(point[name] for name in others)), (point, core))
    return list(kept.values())


def core_of(point: Point) -> CoreOfPoint:
    """The core that a point of a sweep asks for.

    Raises
    ------
    RnscliError
        If there is none.
    """
    from rnscli.analysis.analog_core import analog_core

    request = shared.moduli_request(point)
    if request.moduli is not None:
        request.choose()  # a set that no tile could use is wrong whichever core is compared
    core = analog_core(
        point["core"],
        bits=request.bits,
        vector_size=request.with_operands().dot_product.vector_size,
        input_bits=request.input_bits,
        weight_bits=request.weight_bits,
        moduli=request.moduli,
        redundant=request.redundant,
        p=point["p"],
        sigma=point["sigma"],
        attempts=point["attempts"],
        decoder=point["decoder"],
        legitimate_range=point["legitimate_range"],
        rule=request.rule,
        max_modulus=request.max_modulus,
        slice_bits=point["slice_bits"],
        adc_bits=point["adc_bits"],
    )
    return CoreOfPoint(Dataflow(core, point["granularity"]), request.converter_bits)
