"""What is reported of the energy of a dot product, and of uncertain constants."""

from dataclasses import dataclass, fields, replace
from typing import Annotated

from rnscli.analysis import columns as c
from rnscli.analysis.energy.energy_design import ONCE_GROUPS, Energies
from rnscli.base import Column, ResultRow, area, ends, joules, mark, percent, prefixed

# Declarations take as few lines as they need: these are tables.
# fmt: off


def energy_of(what: str, heading: str) -> Column:
    """Column of an energy."""
    return Column(f"Energy {what}, in J.", heading, joules)


def part(what: str, heading: str) -> Column:
    """Of energies that many designs do not have."""
    return replace(energy_of(what, heading), usual=0.0)


ConverterEnergy = Annotated[float, energy_of("of DACs and ADCs together", "converters")]
EnergyPerDotProduct = Annotated[
    float, Column("Energy of one dot product, in J: the sum of its parts.", "total", joules)
]


# Keys of the groups of parts, which add up to the total.
PART_KEYS = {group.name: f"{group.name}_energy_j" for group in fields(Energies)}
ENERGY_PARTS = tuple(PART_KEYS.values())
ONCE = tuple(PART_KEYS[group] for group in ONCE_GROUPS)  # those that attempts do not repeat


@dataclass(frozen=True, repr=False)
class EnergyRow(ResultRow):
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
    ``energy_range_j``, ``latency_range_s`` and ``area_range_m2`` hold all that they allow, and so
    do the ranges of ``tops_per_w``, ``tops_per_mm2`` and ``relative_to_rns``.
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
    adc_range: c.AdcRange | None
    dac_conversions: Annotated[float, Column(
        "DAC conversions of a dot product, averaged over its attempts.", "DACs/dot"
    )]
    adc_conversions: Annotated[float, Column(
        "ADC conversions of a dot product, averaged over its attempts.", "ADCs/dot"
    )]
    dac_energy_j: Annotated[float, energy_of("of the DACs", "DAC")]
    adc_energy_j: Annotated[float, energy_of("of the ADCs", "ADC")]
    converter_energy_j: ConverterEnergy
    array_energy_j: Annotated[float, energy_of("of the multiplications in the array", "array")]
    periphery_energy_j: Annotated[float, part(
        "of drivers, integrators, amplifiers, tuning and wires around the array", "periphery"
    )]
    light_energy_j: Annotated[float, part("of lasers, from the wall plug", "light")]
    modulo_energy_j: Annotated[float, part("of circuits that reduce sums modulo m", "modulo")]
    forward_energy_j: Annotated[float, part("of turning inputs into residues", "forward")]
    reverse_energy_j: Annotated[float, part("of turning residues into a number", "reverse")]
    decoding_energy_j: Annotated[float, part("of checking and decoding the code", "decoding")]
    shift_add_energy_j: Annotated[float, part("of adding the slices of weights", "shift+add")]
    accumulation_energy_j: Annotated[
        float, part("of joining the segments of a dot product", "accumulation")
    ]
    scaling_energy_j: Annotated[float, part("of scaling outputs back and rounding them", "scaling")]
    memory_energy_j: Annotated[float, part("of reading inputs and writing outputs", "memory")]
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
    compared_with_rns: Annotated[str | None, Column(
        "less, more, equal, or undecided where the ranges of constants allow several.", "than rns"
    )]
    relative_to_rns_range: Annotated[c.Range | None, Column(
        "Least and largest ratio that the ranges of both designs allow.", form=ends()
    )]
    tops_per_w_range: Annotated[c.Range | None, Column(
        "Least and largest TOPS/W that uncertain constants allow.", "TOPS/W range", ends()
    )]
    tops_per_mm2_range: Annotated[c.Range | None, Column(
        "Least and largest TOPS for each mm^2 that uncertain constants allow.", "TOPS/mm2 range",
        ends()
    )]
    energy_range_j: c.EnergyRange | None
    latency_range_s: Annotated[c.Range | None, Column(
        "Least and largest latency that uncertain constants allow, in s.", form=ends(prefixed("s"))
    )]
    area_range_m2: Annotated[c.Range | None, Column(
        "Least and largest area that uncertain constants allow, in m^2.", form=ends(area)
    )]
    adc_over_best: Annotated[float | None, Column(
        "Energy of an ADC's conversion over the least that is published for its bits and rate; "
        "null where no converter gets there.", "ADC / best"
    )]
    adc_over_median: Annotated[float | None, Column(
        "Energy of an ADC's conversion over the median that is published since 2015 for about its "
        "bits and rate; null with fewer than three.", "ADC / median"
    )]
    input_bits: c.InputBits | None
    weight_bits: c.WeightBits | None
    columns: c.ArrayColumns
    expected_attempts: c.ExpectedAttempts
    pass_attempts: c.PassAttempts
    kernel: Annotated[
        str, Column("What the array does: vmm, mvm, update or cycle.", usual="vmm", identity=True)
    ]
    memory: Annotated[
        str, Column("What inputs are read from and outputs written to.", "operands in",
                    usual="sram-32k")
    ]
    scales: Annotated[str, Column("How outputs are scaled back and rounded.", usual="fp32")]
    input_scale: c.InputScale
    segments: c.Segments
    link_sigma: c.LinkSigma | None
    largest_rows: Annotated[int | None, Column(
        "The most rows that the light of an array reads with the wanted deviation.", "most rows"
    )]
    extrapolated: c.Extrapolated


@dataclass(frozen=True, repr=False)
class PartRow(ResultRow):
    """A part of the bill of a pass: how many there are, and what each takes; base SI units.

    ``energy_j`` is ``count`` times ``energy_each_j`` times ``repeats``, the attempts of a pass that
    it takes part in; the sum over the parts is that of a pass, and over ``columns`` that of a dot
    product. ``area_m2`` is ``units`` times ``area_each_m2``; what lies ``over`` the rest counts
    only if it is larger.
    """

    core: c.Core
    bits: c.Bits
    vector_size: c.VectorSize
    technology: c.Technology
    adc_model: c.AdcModel | None
    columns: c.ArrayColumns
    kernel: Annotated[
        str, Column("What the array does: vmm, mvm, update or cycle.", usual="vmm", identity=True)
    ]
    part: Annotated[str, Column("The part.", identity=True)]
    group: Annotated[str, Column("The group of parts of the bill that it is in.")]
    per: Annotated[str, Column("What it is counted by: cell, row, column or array.")]
    count: Annotated[float, Column("How many work in an attempt of a pass.")]
    energy_each_j: Annotated[
        float, Column("Energy of one in an attempt, in J.", "each", joules)
    ]
    repeats: Annotated[float, Column("Attempts that it takes part in, on average.", usual=1.0)]
    energy_j: Annotated[float, energy_of("in a pass", "energy")]
    share: Annotated[float, Column("Share of the energy of the pass.", form=percent(1), high=1)]
    units: Annotated[float, Column("How many there are.")]
    area_each_m2: Annotated[float, Column("Area of one, in m^2.", "area each", form=area)]
    area_m2: Annotated[float, Column("Area of all, in m^2.", "area", form=area)]
    over: Annotated[bool, Column("Whether it lies over the others.", form=mark("yes"), usual=False)]
    source: Annotated[str, Column("Where its numbers are from.")]
    assumption: Annotated[str | None, Column("What is assumed.")]
    input_bits: c.InputBits | None
    weight_bits: c.WeightBits | None
    moduli: c.Moduli | None
    redundant_moduli: c.RedundantModuli | None


@dataclass(frozen=True, repr=False)
class SensitivityRow(ResultRow):
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
        float, Column("Least value of the constant, in its unit.", "from", unit="unit", low=None)
    ]
    constant_value: Annotated[
        float, Column("Value of the constant, in its unit.", "value", unit="unit", low=None)
    ]
    constant_high: Annotated[
        float, Column("Largest value of the constant, in its unit.", "to", unit="unit", low=None)
    ]
    energy_at_low_j: Annotated[
        float, replace(
            energy_of("of the dot product with the constant at its least", "at low"), infinite=True
        )
    ]
    energy_per_dot_product_j: EnergyPerDotProduct
    energy_at_high_j: Annotated[
        float, replace(
            energy_of("of the dot product with the constant at its largest", "at high"),
            infinite=True,
        )
    ]
    swing: Annotated[
        float, Column(
            "Width of the interval of the energy over the energy.", form=percent(1), infinite=True
        )
    ]
    input_bits: c.InputBits | None
    weight_bits: c.WeightBits | None
    columns: c.ArrayColumns
    moduli: c.Moduli | None
    redundant_moduli: c.RedundantModuli | None
