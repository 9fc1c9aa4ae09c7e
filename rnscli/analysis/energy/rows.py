"""What is reported of the energy of a dot product, of a network, and of uncertain constants."""

from dataclasses import dataclass, replace
from typing import Annotated

from rnscli.analysis import columns as c
from rnscli.base import Column, area, ends, joules, percent, prefixed

# Declarations take as few lines as they need: these are tables.
# fmt: off


def _energy(what: str, heading: str) -> Column:
    return Column(f"Energy {what}, in J.", heading, joules)


def _part(what: str, heading: str) -> Column:
    """Of energies that many designs do not have."""
    return replace(_energy(what, heading), usual=0.0)


ConverterEnergy = Annotated[float, _energy("of DACs and ADCs together", "converters")]
EnergyPerDotProduct = Annotated[
    float, Column("Energy of one dot product, in J: the sum of its parts.", "total", joules)
]


ENERGY_PARTS = (
    "dac_energy_j", "adc_energy_j", "array_energy_j", "leakage_energy_j", "forward_energy_j",
    "reverse_energy_j", "decoding_energy_j", "shift_add_energy_j",
)  # fmt: skip


@dataclass(frozen=True)
class EnergyRow:
    """The bill of one dot product of h terms in an h x c array; all in base SI units.

    `ENERGY_PARTS` are its parts, averaged over the attempts, and
    add up to ``energy_per_dot_product_j``; ``converter_energy_j`` is the sum of the first two, and
    ``retry_energy_j`` says how much of the total is of attempts after the first.
    ``energy_per_mac_j`` is the total over h. ``latency_s`` is the time of one dot product,
    ``throughput_macs_per_s`` that of the array which works on c of them at once; an operation of
    ``tops_per_w`` and ``tops_per_mm2`` is half a MAC. ``relative_to_rns`` is the ratio of the
    total to that of the core ``rns`` on the same operands, ``adc_relative_to_rns`` that of
    ``adc_energy_j`` (the ratio published in arXiv:2309.10759); ``None`` where there is none.
    ``extrapolated`` marks what a model says outside of its range. Where constants are ranges,
    ``energy_range_j``, ``latency_range_s`` and ``area_range_m2`` hold all that they allow.
    """

    core: c.Core
    bits: c.Bits
    vector_size: c.VectorSize
    moduli: c.Moduli | None
    redundant_moduli: c.RedundantModuli | None
    technology: c.Technology
    adc_model: c.AdcModel | None
    dac_bits: Annotated[int | None, Column("Bits of a DAC.", "DAC bits", low=1)]
    adc_bits: c.AdcBits | None
    dac_conversions: Annotated[float, Column(
        "DAC conversions of a dot product, averaged over its attempts.", "DACs/dot"
    )]
    adc_conversions: Annotated[float, Column(
        "ADC conversions of a dot product, averaged over its attempts.", "ADCs/dot"
    )]
    dac_energy_j: Annotated[float, _energy("of the DACs", "DAC")]
    adc_energy_j: Annotated[float, _energy("of the ADCs", "ADC")]
    converter_energy_j: ConverterEnergy
    array_energy_j: Annotated[float, _energy("of the multiplications in the array", "array")]
    leakage_energy_j: Annotated[float, _part("that the cells take at all times", "leakage")]
    forward_energy_j: Annotated[float, _part("of turning inputs into residues", "forward")]
    reverse_energy_j: Annotated[float, _part("of turning residues into a number", "reverse")]
    decoding_energy_j: Annotated[float, _part("of checking and decoding the code", "decoding")]
    shift_add_energy_j: Annotated[float, _part("of adding the slices of weights", "shift+add")]
    retry_energy_j: Annotated[float, Column(
        "What of the total is of attempts after the first, in J.", "retries", joules, usual=0.0
    )]
    energy_per_dot_product_j: EnergyPerDotProduct
    energy_per_mac_j: c.EnergyPerMac
    latency_s: c.Latency
    throughput_macs_per_s: c.Throughput
    area_m2: c.Area
    tops_per_w: Annotated[float | None, Column(
        "Tera-operations per joule, that is TOPS/W; a MAC is two operations.", "TOPS/W"
    )]
    tops_per_mm2: Annotated[
        float | None, Column("TOPS for each mm^2; a MAC is two operations.", "TOPS/mm2")
    ]
    relative_to_rns: Annotated[float | None, Column(
        "energy_per_dot_product_j over that of the core rns on the same operands.", "x rns"
    )]
    adc_relative_to_rns: Annotated[float | None, Column(
        "adc_energy_j over that of the core rns on the same operands.", "ADC x rns"
    )]
    energy_range_j: c.EnergyRange | None
    latency_range_s: Annotated[c.Range | None, Column(
        "Least and largest latency that uncertain constants allow, in s.", form=ends(prefixed("s"))
    )]
    area_range_m2: Annotated[c.Range | None, Column(
        "Least and largest area that uncertain constants allow, in m^2.", form=ends(area)
    )]
    input_bits: c.InputBits | None
    weight_bits: c.WeightBits | None
    columns: c.ArrayColumns
    expected_attempts: c.ExpectedAttempts
    extrapolated: c.Extrapolated


@dataclass(frozen=True)
class WorkloadRow:
    """A layer of a workload, or all of them (``layer`` is then ``total``); base SI units.

    ``passes`` are operations of the array, each with one vector of inputs; ``utilisation`` is the
    share of the multiplications in them that is not padding. A layer is done ``times`` times;
    where it is not ``stationary`` it multiplies two activations, whose writing into the array
    would have to be added. ``digital_energy_j`` joins forward
    and reverse conversion, decoding and the additions of slices; ``accumulation_energy_j`` is of
    the additions that join the partial sums of tiles. ``energy_per_mac_j`` is the energy over the
    MACs that are needed. ``time_s`` is for one network after the other, layer by layer.
    """

    workload: Annotated[str, Column("The network.", identity=True)]
    layer: Annotated[str, Column("The layer, or total for all of them.", identity=True)]
    core: c.Core
    bits: c.Bits
    vector_size: c.VectorSize
    columns: c.ArrayColumns
    technology: c.Technology
    adc_model: c.AdcModel | None
    m: Annotated[
        int | None, Column("Rows M of the inputs: dot products for each weight column.", low=1)
    ]
    k: Annotated[int | None, Column("Length K of the layer's dot products.", low=1)]
    n: Annotated[int | None, Column("Weight columns N: outputs for each row of inputs.", low=1)]
    times: Annotated[int | None, Column("How often the layer is done.", low=1)]
    stationary: Annotated[
        bool | None, Column("Whether the weights are stored parameters, and not activations.")
    ]
    macs: Annotated[int, Column("Multiplications that are needed, each with its addition.", low=1)]
    passes: Annotated[
        int, Column("Operations of the array, each with one vector of inputs.", low=1)
    ]
    utilisation: Annotated[float, Column(
        "Share of the multiplications in these passes that is no padding.", "used", percent(1),
        high=1
    )]
    converter_energy_j: ConverterEnergy
    array_energy_j: Annotated[float, Column(
        "Energy of the array, in J: multiplications and what the cells take at all times.", "array",
        joules
    )]
    digital_energy_j: Annotated[
        float, _part("of conversion, decoding and the adding of slices", "digital")
    ]
    accumulation_energy_j: Annotated[
        float, _part("of adding the partial sums of tiles", "accumulation")
    ]
    energy_j: Annotated[float, _energy("of the layer or network", "total")]
    energy_per_mac_j: Annotated[c.EnergyPerMac, _energy("over the MACs that are needed", "per MAC")]
    time_s: Annotated[
        float, Column("Time of the layer or network, layer by layer, in s.", form=prefixed("s"))
    ]
    energy_range_j: c.EnergyRange | None
    expected_attempts: c.ExpectedAttempts
    extrapolated: c.Extrapolated
    input_bits: c.InputBits | None
    weight_bits: c.WeightBits | None
    moduli: c.Moduli | None
    redundant_moduli: c.RedundantModuli | None
    arrays: Annotated[int, Column("Arrays that share the passes.", low=1)]


@dataclass(frozen=True)
class SensitivityRow:
    """How the energy of a dot product moves when one constant goes through its range.

    The others keep their values. ``swing`` is the width of the interval over the energy;
    rows come with the largest first. ``constant_low``, ``constant_value`` and ``constant_high``
    are in the base ``unit``.
    """

    core: c.Core
    bits: c.Bits
    vector_size: c.VectorSize
    technology: c.Technology
    adc_model: c.AdcModel | None
    constant: Annotated[str, Column("The uncertain constant.", identity=True)]
    unit: Annotated[str, Column("Unit of the constant.")]
    constant_low: Annotated[
        float, Column("Least value of the constant, in its unit.", "from", unit="unit")
    ]
    constant_value: Annotated[
        float, Column("Value of the constant, in its unit.", "value", unit="unit")
    ]
    constant_high: Annotated[
        float, Column("Largest value of the constant, in its unit.", "to", unit="unit")
    ]
    energy_at_low_j: Annotated[
        float, _energy("of the dot product with the constant at its least", "at low")
    ]
    energy_per_dot_product_j: EnergyPerDotProduct
    energy_at_high_j: Annotated[
        float, _energy("of the dot product with the constant at its largest", "at high")
    ]
    swing: Annotated[
        float, Column("Width of the interval of the energy over the energy.", form=percent(1))
    ]
    input_bits: c.InputBits | None
    weight_bits: c.WeightBits | None
    columns: c.ArrayColumns
    moduli: c.Moduli | None
    redundant_moduli: c.RedundantModuli | None
