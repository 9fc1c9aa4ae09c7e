"""What is reported of a chip that runs a network."""

from dataclasses import dataclass
from typing import Annotated

from rnscli.analysis import columns as c
from rnscli.analysis.energy.rows import energy_of, part
from rnscli.base import Column, ResultRow, area, percent, prefixed, span

# fmt: off

AREA, POWER = "area", "power"  # limits that a chip keeps, and would be faster without
LIMITS = (
    "array", "converters", "writing", "digital units", "vector lanes", "buffer", "dram", AREA, POWER
)
_TIME = prefixed("s")


def busy(what: str, heading: str) -> Column:
    """A column of a time in s for which a layer keeps a part of the chip busy."""
    return Column(f"Time in a run in which {what}.", heading, _TIME)


@dataclass(frozen=True, repr=False)
class ChipRow(ResultRow):
    """A layer of a network on a chip, or all of it (``layer`` is then ``total``); base SI units.

    Energies are for one run of the workload, a batch, in the rows of layers and in the total;
    those of a layer hold what follows it, too: vector work, and its outputs on their way to the
    buffer. Their sum is ``energy_j``. ``time_s`` of a layer is how long its arrays, and whatever
    else it needs, are busy; that of the total is the time between two runs, and ``latency_s`` from
    the first input of a run to its last output. ``limited_by`` is what takes this time.
    """

    workload: Annotated[str, Column("The network.", identity=True)]
    layer: Annotated[str, Column("The layer, or total for all of them.", identity=True)]
    core: c.Core
    bits: c.Bits
    vector_size: c.VectorSize
    columns: c.ArrayColumns
    technology: c.Technology
    adc_model: c.AdcModel | None
    schedule: Annotated[str, Column(
        "Whether layers work at the same time, on successive inputs (pipelined), or one "
        "after the other (sequential)."
    )]
    m: Annotated[int | None, Column("Rows M of the inputs.", low=1)]
    k: Annotated[int | None, Column("Length K of the dot products.", low=1)]
    n: Annotated[int | None, Column("Outputs N for each row of inputs.", low=1)]
    times: Annotated[int | None, Column("How often the layer is done.", low=1)]
    macs: Annotated[int, Column("Multiplications that are needed, each with its addition.", low=1)]
    runs_on: Annotated[str | None, Column(
        "Where it is computed: on arrays that hold its weights, on arrays that are written, or on "
        "digital units.", "on"
    )]
    tiles: Annotated[int, Column("Tiles of h x c that hold its weights.")]
    copies: Annotated[int | None, Column("Copies of each tile.", low=0)]
    arrays: Annotated[int, Column(
        "Arrays that work for it, of all channels, slices and copies; of the total those of the "
        "chip."
    )]
    written_tiles: Annotated[int, Column(
        "Tiles that are written in a run, copies counted.", "tiles written", usual=0
    )]
    utilisation: Annotated[float, Column(
        "MACs that are needed, over those that its arrays could do in the time of the chip.",
        "used", percent(1), high=1
    )]
    time_s: Annotated[float, Column(
        "Time that the layer takes; of the total that between two runs.", form=_TIME
    )]
    limited_by: Annotated[str, Column(f"What takes this time: {', '.join(LIMITS)}.", "limit")]
    converter_energy_j: Annotated[float, part("of DACs and ADCs of the arrays", "converters")]
    array_energy_j: Annotated[float, part(
        "of the arrays, with periphery, light and circuits of the modulo", "array"
    )]
    logic_energy_j: Annotated[float, part(
        "of the logic at the arrays: conversion, decoding, slices, scales, partial sums, and the "
        "memory of operands beside them", "logic"
    )]
    digital_energy_j: Annotated[float, part("of products on digital units", "digital")]
    write_energy_j: Annotated[float, part("of writing tiles into arrays", "writing")]
    vector_energy_j: Annotated[float, part("of what is no product, on vector lanes", "vector")]
    buffer_energy_j: Annotated[float, part("of the buffer of activations", "buffer")]
    network_energy_j: Annotated[float, part("of the way between buffer and arrays", "network")]
    dram_energy_j: Annotated[float, part("of the DRAM", "DRAM")]
    energy_j: Annotated[float, energy_of("of a run", "total")]
    energy_share: Annotated[float, Column(
        "Share of the energy of the network.", "of energy", percent(1), high=1
    )]
    compute_time_s: Annotated[float | None, busy(
        "its arrays compute; null of all layers where they work at the same time", "computing"
    )]
    write_time_s: Annotated[float | None, busy(
        "its arrays are written; null of all layers where they work at the same time", "written"
    )]
    digital_time_s: Annotated[float, busy("it keeps the digital units busy", "units busy")]
    vector_time_s: Annotated[float, busy("it keeps the vector lanes busy", "lanes busy")]
    buffer_time_s: Annotated[float, busy("it keeps the buffer busy", "buffer busy")]
    dram_time_s: Annotated[float, busy("it keeps the DRAM busy", "DRAM busy")]
    buffer_traffic_bytes: Annotated[float, Column(
        "Bytes to and from the buffer in a run.", "buffer traffic", prefixed("B")
    )]
    dram_traffic_bytes: Annotated[float, Column(
        "Bytes to and from the DRAM in a run.", "DRAM traffic", prefixed("B")
    )]
    stays: Annotated[bool | None, Column(
        "Whether its tiles stay in their arrays, or are loaded in turn with others; null where it "
        "has none."
    )]
    tiles_of: Annotated[str | None, Column(
        "The layer whose tiles it uses, as gradients of inputs do; null where they are its own.",
        "tiles of",
    )]
    expected_attempts: c.ExpectedAttempts
    pass_attempts: c.PassAttempts
    extrapolated: c.Extrapolated
    input_bits: c.InputBits | None
    weight_bits: c.WeightBits | None
    moduli: c.Moduli | None
    redundant_moduli: c.RedundantModuli | None
    # Of the total only, but for power, area of the arrays and operations.
    batch: Annotated[int | None, Column("Inferences in a run.", low=1, usual=1)] = None
    latency_s: Annotated[float | None, Column(
        "Time from the first input of a run to its last output.", form=_TIME
    )] = None
    throughput_per_s: Annotated[float | None, Column(
        "Inferences in a second.", "inferences/s"
    )] = None
    tokens_per_s: Annotated[float | None, Column("Tokens in a second.", "tokens/s")] = None
    energy_per_inference_j: Annotated[
        float | None, energy_of("of an inference", "per inference")
    ] = None
    power_w: Annotated[float | None, Column(
        "Power at the throughput of the chip, in W; what rests takes none.", "power", prefixed("W")
    )] = None
    area_m2: Annotated[float | None, Column(
        "Area of arrays, digital units, vector lanes, buffer and routers, in m^2.", form=area
    )] = None
    arrays_area_m2: Annotated[float | None, Column(
        "Area of its arrays with their converters and logic, in m^2.", "array area", area
    )] = None
    digital_area_m2: Annotated[float | None, Column(
        "Area of the digital units, in m^2.", "digital area", area
    )] = None
    vector_area_m2: Annotated[float | None, Column(
        "Area of the vector lanes, in m^2.", "vector area", area
    )] = None
    buffer_area_m2: Annotated[float | None, Column(
        "Area of the buffer, in m^2.", "buffer area", area
    )] = None
    router_area_m2: Annotated[float | None, Column(
        "Area of the routers, in m^2.", "router area", area
    )] = None
    peak_macs_per_s: Annotated[float | None, Column(
        "MACs in a second that the arrays of the chip do where every cell is always used.",
        "peak of arrays", prefixed("MAC/s")
    )] = None
    digital_peak_macs_per_s: Annotated[float | None, Column(
        "The same of the digital units; null where there are none.",
        "peak of units", prefixed("MAC/s")
    )] = None
    buffer_bytes_per_s: Annotated[float | None, Column(
        "Bytes in a second that the buffer gives or takes.", "buffer rate", prefixed("B/s")
    )] = None
    dram_bytes_per_s: Annotated[float | None, Column(
        "Bytes in a second that the DRAM gives or takes.", "DRAM rate", prefixed("B/s")
    )] = None
    tops: Annotated[float | None, Column(
        "Tera-operations in a second, at the throughput of the chip; a MAC is two.", "TOPS"
    )] = None
    tops_per_w: Annotated[float | None, Column("Tera-operations per joule.", "TOPS/W")] = None
    tops_per_mm2: Annotated[float | None, Column(
        "TOPS for each mm^2: of the chip, and of a layer for each of its arrays.", "TOPS/mm2"
    )] = None
    digital_units: Annotated[int | None, Column(
        "Digital units for products of two activations, each an array of h x c.", usual=0
    )] = None
    vector_lanes: Annotated[int | None, Column("Lanes of the vector unit.", "lanes")] = None
    buffer_bytes: Annotated[float | None, Column(
        "Size of the buffer, in bytes.", "buffer", prefixed("B")
    )] = None
    lifetime_s: Annotated[float | None, Column(
        "Time until cells that are written in every run have worn out, in s; null where none is, "
        "or nothing wears.", "lifetime", span
    )] = None

# fmt: on


CHIP_ENERGY_PARTS = (
    "converter_energy_j", "array_energy_j", "logic_energy_j", "digital_energy_j",
    "write_energy_j", "vector_energy_j", "buffer_energy_j", "network_energy_j", "dram_energy_j",
)  # fmt: skip
CHIP_AREA_PARTS = (
    "arrays_area_m2", "digital_area_m2", "vector_area_m2", "buffer_area_m2", "router_area_m2",
)  # fmt: skip
CHIP_BUSY_PARTS = (
    "compute_time_s", "write_time_s", "digital_time_s", "vector_time_s", "buffer_time_s",
    "dram_time_s",
)  # fmt: skip
