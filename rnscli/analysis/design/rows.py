"""What is reported of a search of designs."""

from dataclasses import dataclass
from typing import Annotated

from rnscli.analysis.columns import (
    AdcBits,
    AdcModel,
    Area,
    Attempts,
    Bits,
    ColumnsPerAdc,
    Core,
    Decoder,
    EnergyPerMac,
    ExpectedAttempts,
    Extrapolated,
    Latency,
    LegitimateRange,
    Moduli,
    PErr,
    Redundant,
    RedundantModuli,
    Reverse,
    SliceBits,
    Technology,
    Throughput,
    VectorSize,
)
from rnscli.base import Column


@dataclass(frozen=True)
class DesignRow:
    """A design of a search, as `rnscli design` reports it; base SI units.

    ``role`` is ``chosen``, ``front`` or ``neighbour``; a neighbour differs from the chosen one
    along ``axis``, and ``reason`` says why it is not chosen. What does not concern the core is
    ``None``, and so are the numbers of a neighbour that does not exist. ``commands`` are command
    lines that reproduce the numbers, of the chosen design only.
    """

    role: Annotated[
        str,
        Column(
            "chosen, front (Pareto-optimal) or neighbour (of the chosen design).", "", identity=True
        ),
    ]
    axis: Annotated[
        str | None, Column("The axis along which a neighbour differs from the chosen design.")
    ]
    core: Core
    bits: Bits
    vector_size: VectorSize
    technology: Technology
    adc_model: AdcModel | None
    columns_per_adc: ColumnsPerAdc | None
    reverse: Reverse | None
    slice_bits: SliceBits | None
    adc_bits: AdcBits | None
    redundant: Redundant | None
    attempts: Attempts | None
    decoder: Decoder | None
    legitimate_range: LegitimateRange | None
    moduli: Moduli | None
    redundant_moduli: RedundantModuli | None
    expected_attempts: ExpectedAttempts | None
    energy_per_mac_j: EnergyPerMac | None
    latency_s: Latency | None
    area_m2: Area | None
    mean_abs_error: Annotated[
        float | None,
        Column(
            "Mean absolute error of right outputs against float64, in units of the operands' "
            "product.",
            "mean |e|",
        ),
    ]
    p_err: PErr | None
    throughput_macs_per_s: Throughput | None
    extrapolated: Extrapolated | None
    reason: Annotated[str | None, Column("Why a neighbour is not chosen.", "against it")]
    commands: Annotated[
        tuple[str, ...] | None,
        Column("Command lines that reproduce the numbers of the chosen design."),
    ]
