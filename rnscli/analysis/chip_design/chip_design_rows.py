"""What is reported of chips that a search has found, and of the bits of layers."""

from dataclasses import dataclass
from typing import Annotated

from rnscli.analysis import columns as c
from rnscli.analysis.chip.rows import LIMITS
from rnscli.analysis.design.rows import DesignChoice
from rnscli.analysis.energy.rows import energy_of
from rnscli.base import Column, ResultRow, area, decibels, percent, prefixed

# fmt: off


@dataclass(frozen=True, repr=False)
class ChipDesignRow(DesignChoice):
    """A chip of a search, as `rnscli design --workload` reports it; base SI units.

    ``role`` may be ``network`` as well: one of several networks on the chosen chip. The numbers of
    a neighbour that does not exist are ``None``. ``commands`` are of the chosen chip only.
    """

    workload: Annotated[str, Column("The network, or all of them.", identity=True)]
    schedule: Annotated[str | None, Column(
        "Whether layers work at the same time (pipelined) or one after the other (sequential).",
        concerns_some=True,
    )]
    arrays: Annotated[int | None, Column(
        "Arrays of the chip, of all channels, slices and copies."
    )]
    digital_units: Annotated[int | None, Column(
        "Digital units for products of two activations, each an array of h x c.", usual=0
    )]
    vector_lanes: Annotated[int | None, Column("Lanes of the vector unit.", "lanes")]
    buffer_bytes: Annotated[float | None, Column(
        "Size of the buffer, in bytes.", "buffer", prefixed("B")
    )]
    energy_per_inference_j: Annotated[
        float | None, energy_of("of an inference", "per inference")
    ]
    latency_s: Annotated[float | None, Column(
        "Time from the first input of a run to its last output.", form=prefixed("s")
    )]
    throughput_per_s: Annotated[float | None, Column("Inferences in a second.", "inferences/s")]
    limited_by: Annotated[str | None, Column(
        f"What limits the throughput: {', '.join(LIMITS)}.", "limit", concerns_some=True
    )]
    area_m2: Annotated[float | None, Column(
        "Area of the chip: arrays, digital units, vector lanes, buffer and routers, in m^2.",
        form=area,
    )]
    power_w: Annotated[float | None, Column(
        "Power at this throughput, in W.", "power", prefixed("W")
    )]
    tops_per_w: Annotated[float | None, Column("Tera-operations per joule.", "TOPS/W")]
    tops_per_mm2: Annotated[float | None, Column("TOPS for each mm^2.", "TOPS/mm2")]
    edp_js: Annotated[float | None, Column(
        "Energy times latency of an inference, in J s.", "EDP", prefixed("Js")
    )]
    area_per_throughput: Annotated[float | None, Column(
        "Area over throughput, in m^2 s for an inference.", "area/(1/s)"
    )]
    mean_abs_error: Annotated[float | None, Column(
        "Mean absolute error of right outputs of a dot product against float64, in units of the "
        "operands' product.", "mean |e|",
    )]
    output_error: c.OutputError | None
    output_snr_db: c.OutputSnrDb | None
    p_err: c.PErr | None
    extrapolated: c.Extrapolated | None
    reason: Annotated[str | None, Column("Why a neighbour is not chosen.", "against it")]
    commands: Annotated[tuple[str, ...] | None, Column(
        "Command lines that reproduce the numbers of the chosen design."
    )]


@dataclass(frozen=True, repr=False)
class LayerBitsRow(ResultRow):
    """A layer on arrays of its own kind, as `rnscli design --layer-bits` reports it.

    ``role`` is ``layer``, ``total`` for all of them, or ``uniform`` for the best single design of
    all layers; base SI units.
    """

    role: Annotated[str, Column(
        "layer, total (of all layers) or uniform (all layers on the best single design).", "",
        identity=True,
    )]
    workload: Annotated[str, Column("The network.", identity=True)]
    layer: Annotated[str, Column("The layer, or total for all of them.", identity=True)]
    core: c.Core | None
    bits: c.Bits | None
    vector_size: c.VectorSize | None
    columns: c.ArrayColumns | None
    technology: c.Technology | None
    columns_per_adc: c.ColumnsPerAdc | None
    slice_bits: c.SliceBits | None
    adc_bits: c.AdcBits | None
    adc_range: c.AdcRange | None
    redundant: c.Redundant | None
    attempts: c.Attempts | None
    moduli: c.Moduli | None
    redundant_moduli: c.RedundantModuli | None
    macs: Annotated[int, Column("Multiplications that are needed, each with its addition.", low=1)]
    tiles: Annotated[int, Column("Tiles of h x c that hold its weights.", low=1)]
    arrays: Annotated[int, Column("Arrays of these, of all channels and slices.", low=1)]
    area_m2: Annotated[float, Column(
        "Area of the arrays with their converters and logic, in m^2.", form=area
    )]
    energy_j: Annotated[float, energy_of("of its products in an inference", "energy")]
    time_s: Annotated[float, Column(
        "Time of its passes with one copy of each tile, in s.", form=prefixed("s")
    )]
    output_snr_db: Annotated[float, Column(
        "SNR of the outputs as far as this layer decides it, in dB; of the total that of all.",
        "SNR", decibels, low=None, infinite=True,
    )]
    noise_share: Annotated[float | None, Column(
        "Its share of the errors of the outputs, as squares.", "share of noise", percent(1), high=1
    )]
    gap: Annotated[float | None, Column(
        "By which share what is minimised may be above the least; 0 where that is proved.",
        form=percent(2), high=1,
    )]

# fmt: on
