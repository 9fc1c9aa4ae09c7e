"""Energy, latency and area of one dot product in a core, and the parts that these consist of."""

import math
from dataclasses import dataclass, fields
from typing import Any

from rnscli.analysis.energy.parameters import EnergyDesign, EnergyParameters
from rnscli.analysis.energy.rows import EnergyRow
from rnscli.core import Converters


@dataclass(frozen=True)
class Energies:
    """Energy in J of each part of one dot product, averaged over its attempts.

    Attempts after the first repeat everything but the forward conversion, whose residues are
    kept.
    """

    dac: float = 0.0
    adc: float = 0.0
    array: float = 0.0
    leakage: float = 0.0
    forward: float = 0.0
    reverse: float = 0.0
    decoding: float = 0.0
    shift_add: float = 0.0

    @property
    def total(self) -> float:
        return math.fsum(getattr(self, field.name) for field in fields(self))

    def of_retries(self, attempts: float) -> float:
        """Energy of the attempts after the first."""
        return (self.total - self.forward) * (1.0 - 1.0 / attempts)


@dataclass(frozen=True)
class Timing:
    """Time of an array operation in s.

    Parameters
    ----------
    before
        What comes once, before the first attempt.
    attempt
        From there to the dot products, in one attempt.
    cycle
        Between two attempts, of the same or of different vectors.
    attempts
        Mean number of attempts.
    """

    before: float
    attempt: float
    cycle: float
    attempts: float = 1.0

    @property
    def latency(self) -> float:
        """Mean time from an input vector to its dot products."""
        return self.before + self.attempts * self.attempt

    @property
    def interval(self) -> float:
        """Mean time between two input vectors."""
        return self.attempts * self.cycle


def timing_of(design: EnergyDesign) -> Timing:
    """Time of an array operation: cycle, readout and digital stages, one after the other.

    Columns that share an ADC are read in turn. The stages work at the same time on vectors that
    follow each other, so the interval is that of the slowest, the array or the readout; there are
    as many digital units as that takes. An operation that waits for another takes a cycle of the
    clock; further groups are tried one after the other. Every stage but the forward conversion is
    repeated with every attempt. A systolic array of logic takes a cycle for each row and column to
    fill.
    """
    array, dot = design.technology, design.dot_product
    rows, columns = dot.vector_size, design.width
    converters = design.converters
    if converters is None:
        if array.kind == "logic":
            return Timing(0.0, (rows + columns - 1) * array.cycle_time, array.cycle_time)
        steps = math.ceil(rows * columns / (array.parallel_macs or rows * columns))
        return Timing(0.0, steps * array.cycle_time, steps * array.cycle_time)
    cycle = array.cycle_time * array.growth(array.time_scaling, converters.dac_bits)
    readout = min(design.columns_per_adc, columns) / design.adc_rate
    logic = design.logic
    return Timing(
        before=logic.cycles_before / design.clock,
        attempt=cycle + readout + logic.cycles_after / design.clock,
        cycle=max(cycle, readout),
        attempts=design.attempts,
    )


def energies_of(design: EnergyDesign) -> Energies:
    """Energy of one dot product of h terms in an h x c array, by part.

    Weights stay in the array, so a dot product takes one ADC conversion and, the inputs being
    shared by c columns, h / c DAC conversions and h / c forward conversions: in each channel, and
    for each attempt.
    """
    array, dot = design.technology, design.dot_product
    rows, columns = dot.vector_size, design.width
    converters = design.converters
    prices = array.operations
    if converters is None:
        energy_per_mac = array.energy_per_mac
        if array.kind == "logic":
            energy_per_mac = prices.energy(design.mac)
        return Energies(array=rows * energy_per_mac, leakage=_leakage(design, 1))
    attempts, channels = design.attempts, converters.channels
    logic = design.logic
    growth = array.growth(array.energy_scaling, converters.dac_bits)
    adc = design.adc.energy(converters.adc_bits, design.adc_rate)
    return Energies(
        dac=dac_conversions(design, converters) * design.dac.energy(converters.dac_bits),
        adc=channels * attempts * adc,
        array=channels * attempts * rows * array.energy_per_mac * growth,
        leakage=_leakage(design, channels),
        forward=rows / columns * prices.energy(logic.inputs),
        reverse=attempts * prices.energy(logic.reverse),
        decoding=attempts * prices.energy(logic.decoding),
        shift_add=attempts * prices.energy(logic.shift_add),
    )


def dac_conversions(design: EnergyDesign, converters: Converters) -> float:
    """Mean number of DAC conversions of a dot product."""
    share = design.dot_product.vector_size / design.width
    return converters.channels * design.attempts * share


def area_of(design: EnergyDesign) -> float:
    """Area in m^2 of the arrays of all channels, their converters and the logic that keeps up.

    It keeps up with an array that never repeats anything, so retries do not change it.
    """
    array, dot = design.technology, design.dot_product
    rows, columns = dot.vector_size, design.width
    converters = design.converters
    prices = array.operations
    if converters is None:
        units = rows * columns
        if array.kind == "logic":
            return prices.area(design.mac, units)
        cells = units * array.cells_per_weight * array.cell_area
        parallel = min(array.parallel_macs or units, units)
        return cells + prices.area(design.mac, parallel)
    growth = array.growth(array.area_scaling, converters.dac_bits)
    cells = rows * columns * array.cells_per_weight * array.cell_area * growth
    adcs = math.ceil(columns / design.columns_per_adc)
    adc = design.adc.area(converters.adc_bits, design.adc_rate)
    channel = cells + rows * design.dac.area(converters.dac_bits) + adcs * adc
    logic = design.logic
    per_cycle = 1.0 / (timing_of(design).cycle * design.clock)
    return math.fsum(
        (
            converters.channels * channel,
            prices.area(logic.inputs, rows * per_cycle),
            *(
                prices.area(part, columns * per_cycle)
                for part in (logic.reverse, logic.decoding, logic.shift_add)
            ),
        )
    )


def _leakage(design: EnergyDesign, channels: int) -> float:
    array = design.technology
    cells = channels * design.dot_product.vector_size * array.cells_per_weight
    return cells * array.leakage * timing_of(design).interval


def energy(parameters: EnergyParameters, reference: EnergyParameters | None = None) -> EnergyRow:
    """Energy, latency and area of one dot product of h terms in an h x c array.

    Parameters
    ----------
    parameters
        The design.
    reference
        The design with the core ``rns`` that it is compared with; the same one with that core if
        not given.

    Returns
    -------
    EnergyRow

    References
    ----------
    arXiv:2309.10759, energy of data converters; Marinella et al., arXiv:1707.09952, for arrays.

    Examples
    --------
    >>> from rnscli.core.arithmetic.dot_product import DotProduct
    >>> from rnscli.core.arithmetic.moduli import ModuliSet
    >>> row = energy(EnergyParameters(
    ...     core="fixed-hp", dot_product=DotProduct(128, 4, 4), bits=4,
    ...     moduli=ModuliSet([15, 14, 13, 11])))
    >>> round(row.adc_relative_to_rns, 2)
    168.54
    >>> row = energy(EnergyParameters(
    ...     core="fixed-lp", dot_product=DotProduct(1024, 8, 8), bits=8))
    >>> f"{row.energy_per_mac_j * 1e15:.3f} fJ"
    '11.000 fJ'
    """
    design = parameters.design
    size, columns, converters = design.dot_product.vector_size, design.width, design.converters
    parts, timing = energies_of(design), timing_of(design)
    total, area = parts.total, area_of(design)
    reference = reference or parameters.as_rns()
    base = energies_of(reference.design) if reference is not None else None
    macs_per_second = size * columns / timing.interval
    return EnergyRow(
        **design_columns(parameters),
        dac_bits=converters.dac_bits if converters else None,
        adc_bits=converters.adc_bits if converters else None,
        dac_conversions=dac_conversions(design, converters) if converters else 0.0,
        adc_conversions=converters.channels * design.attempts if converters else 0.0,
        dac_energy_j=parts.dac,
        adc_energy_j=parts.adc,
        converter_energy_j=parts.dac + parts.adc,
        array_energy_j=parts.array,
        leakage_energy_j=parts.leakage,
        forward_energy_j=parts.forward,
        reverse_energy_j=parts.reverse,
        decoding_energy_j=parts.decoding,
        shift_add_energy_j=parts.shift_add,
        retry_energy_j=parts.of_retries(design.attempts),
        energy_per_dot_product_j=total,
        energy_per_mac_j=total / size,
        latency_s=timing.latency,
        throughput_macs_per_s=macs_per_second,
        area_m2=area,
        tops_per_w=_ratio(2e-12 * size, total),
        tops_per_mm2=_ratio(2e-12 * macs_per_second, area * 1e6),
        relative_to_rns=_ratio(total, base.total) if base else None,
        adc_relative_to_rns=_ratio(parts.adc, base.adc) if base and converters else None,
        energy_range_j=None,
        latency_range_s=None,
        area_range_m2=None,
        expected_attempts=design.attempts,
        extrapolated=bool(design.beyond),
    )


def design_columns(parameters: EnergyParameters) -> dict[str, Any]:
    """Values of the columns that say which design a row is of, by their keys."""
    design = parameters.design
    moduli = parameters.moduli if design.kind.coded else None
    dot_product, analog = design.dot_product, design.converters is not None
    return {
        "core": parameters.core,
        "bits": parameters.bits,
        "vector_size": dot_product.vector_size,
        "input_bits": dot_product.input_bits if analog else None,
        "weight_bits": dot_product.weight_bits if analog else None,
        "moduli": moduli.information if moduli is not None else None,
        "redundant_moduli": moduli.redundant_moduli if moduli is not None else None,
        "technology": design.technology.name,
        "adc_model": design.adc.name if analog else None,
        "columns": design.width,
    }


def _ratio(value: float, reference: float) -> float | None:
    """A ratio, or ``None`` where all constants are zero."""
    return value / reference if reference > 0 and math.isfinite(reference) else None
