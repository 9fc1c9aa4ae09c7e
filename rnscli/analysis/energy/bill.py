"""The parts of a design: energy of a dot product, its time, and the area of the array."""

import math
from dataclasses import dataclass, fields
from functools import lru_cache

from rnscli.analysis.energy.parameters import EnergyParameters
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.cores.converters import Converters
from rnscli.hardware.conversion import (
    forward_conversion,
    forward_cycles,
    merged,
    other_groups,
    reverse_conversion,
    reverse_cycles,
    syndrome,
    syndrome_cycles,
)
from rnscli.hardware.operations import Operation, Operations, add, multiply, times


@dataclass(frozen=True)
class Energies:
    """Energy in J of each part of one dot product, in the mean over its attempts.

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
        """Their sum."""
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


@dataclass(frozen=True)
class Logic:
    """Digital operations of a dot product: of its inputs, of one attempt, of one decoding.

    ``inputs`` is for one input; ``reverse``, ``decoding`` and ``shift_add`` for one attempt.
    """

    inputs: Operations = ()
    reverse: Operations = ()
    decoding: Operations = ()
    shift_add: Operations = ()


def logic_of(parameters: EnergyParameters) -> Logic:
    """Operations of the digital side of a core.

    In ``rns`` every input is reduced modulo each modulus; every output is restored from its
    information residues and checked, and where residues are wrong a decoder that corrects tries
    its further groups of n residues, each with a conversion and a check of its own. In
    ``bit-sliced`` the readings of the slices are added at the width of the result.

    Examples
    --------
    >>> from rnscli.core.arithmetic.dot_product import DotProduct
    >>> logic_of(EnergyParameters(
    ...     core="bit-sliced", dot_product=DotProduct(128, 6, 6), bits=6)).shift_add
    (Operation(kind='add', width=18, count=4.0),)
    """
    dot = parameters.dot_product
    if parameters.core == "bit-sliced":
        slices = dot.slices(parameters.slice_bits)
        return Logic(shift_add=add(dot.output_bits, float(slices - 1)))
    moduli = parameters.moduli
    if parameters.core != "rns" or moduli is None:
        return Logic()
    assert parameters.legitimate_range is not None
    return _residue_logic(
        moduli,
        dot.input_bits,
        parameters.reverse,
        parameters.legitimate_range,
        parameters.radius,
        parameters.word_error_probability,
    )


@lru_cache(maxsize=4096)
def _residue_logic(
    moduli: ModuliSet,
    input_bits: int,
    method: str,
    legitimate_range: int,
    radius: int,
    word_error_probability: float,
) -> Logic:
    reverse = reverse_conversion(moduli, method)
    check = syndrome(moduli, legitimate_range)
    groups = other_groups(moduli.count, moduli.redundant, radius)
    further = times(merged(reverse, check), groups * word_error_probability)
    return Logic(
        inputs=forward_conversion(input_bits, moduli),
        reverse=reverse,
        decoding=merged(check, further),
    )


def timing_of(parameters: EnergyParameters) -> Timing:
    """Time of an array operation: cycle, readout and digital stages, one after the other.

    Columns that share an ADC are read in turn. The stages work at the same time on vectors that
    follow each other, so the interval is that of the slowest, the array or the readout; there are
    as many digital units as that takes. An operation that waits for another takes a cycle of the
    clock; further groups are tried one after the other. Every stage but the forward conversion is
    repeated with every attempt. A systolic array of logic takes a cycle for each row and column to
    fill.
    """
    array, dot = parameters.array, parameters.dot_product
    rows, columns = dot.vector_size, parameters.width
    converters = parameters.converters
    if converters is None:
        if array.kind == "logic":
            return Timing(0.0, (rows + columns - 1) * array.cycle_time, array.cycle_time)
        steps = math.ceil(rows * columns / (array.parallel_macs or rows * columns))
        return Timing(0.0, steps * array.cycle_time, steps * array.cycle_time)
    cycle = array.cycle_time * array.growth(array.time_scaling, converters.dac_bits)
    readout = min(parameters.columns_per_adc, columns) / parameters.adc_rate
    before, after = 0.0, 0.0
    moduli, size = parameters.moduli, parameters.legitimate_range
    if parameters.core == "rns" and moduli is not None and size is not None:
        before = forward_cycles(dot.input_bits, moduli)
        restored = reverse_cycles(moduli, parameters.reverse) + syndrome_cycles(moduli, size)
        groups = other_groups(moduli.count, moduli.redundant, parameters.radius)
        after = restored * (1 + groups * parameters.word_error_probability)
    elif parameters.core == "bit-sliced":
        after = (converters.channels - 1).bit_length()
    return Timing(
        before=before / parameters.clock,
        attempt=cycle + readout + after / parameters.clock,
        cycle=max(cycle, readout),
        attempts=parameters.attempts,
    )


def energies_of(parameters: EnergyParameters) -> Energies:
    """Energy of one dot product of h terms in an h x c array, by part.

    Weights stay in the array, so a dot product takes one ADC conversion and, the inputs being
    shared by c columns, h / c DAC conversions and h / c forward conversions: in each channel, and
    for each attempt.
    """
    array, dot = parameters.array, parameters.dot_product
    rows, columns = dot.vector_size, parameters.width
    converters = parameters.converters
    prices = array.operations
    if converters is None:
        energy_per_mac = array.energy_per_mac
        if array.kind == "logic":
            energy_per_mac = prices.energy(_mac(parameters.core))
        return Energies(array=rows * energy_per_mac, leakage=_leakage(parameters, 1))
    attempts, channels = parameters.attempts, converters.channels
    logic = logic_of(parameters)
    growth = array.growth(array.energy_scaling, converters.dac_bits)
    adc = parameters.adc_model.energy(converters.adc_bits, parameters.adc_rate)
    return Energies(
        dac=dac_conversions(parameters, converters) * parameters.dac.energy(converters.dac_bits),
        adc=channels * attempts * adc,
        array=channels * attempts * rows * array.energy_per_mac * growth,
        leakage=_leakage(parameters, channels),
        forward=rows / columns * prices.energy(logic.inputs),
        reverse=attempts * prices.energy(logic.reverse),
        decoding=attempts * prices.energy(logic.decoding),
        shift_add=attempts * prices.energy(logic.shift_add),
    )


def dac_conversions(parameters: EnergyParameters, converters: Converters) -> float:
    """Mean number of DAC conversions of a dot product."""
    share = parameters.dot_product.vector_size / parameters.width
    return converters.channels * parameters.attempts * share


def area_of(parameters: EnergyParameters) -> float:
    """Area in m^2 of the arrays of all channels, their converters and the logic that keeps up.

    It keeps up with an array that never repeats anything, so retries do not change it.
    """
    array, dot = parameters.array, parameters.dot_product
    rows, columns = dot.vector_size, parameters.width
    converters = parameters.converters
    prices = array.operations
    if converters is None:
        units = rows * columns
        if array.kind == "logic":
            return prices.area(_mac(parameters.core), units)
        cells = units * array.cells_per_weight * array.cell_area
        parallel = min(array.parallel_macs or units, units)
        return cells + prices.area(_mac(parameters.core), parallel)
    growth = array.growth(array.area_scaling, converters.dac_bits)
    cells = rows * columns * array.cells_per_weight * array.cell_area * growth
    adcs = math.ceil(columns / parameters.columns_per_adc)
    adc = parameters.adc_model.area(converters.adc_bits, parameters.adc_rate)
    channel = cells + rows * parameters.dac.area(converters.dac_bits) + adcs * adc
    logic = logic_of(parameters)
    per_cycle = 1.0 / (timing_of(parameters).cycle * parameters.clock)
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


def _leakage(parameters: EnergyParameters, channels: int) -> float:
    array = parameters.array
    cells = channels * parameters.dot_product.vector_size * array.cells_per_weight
    return cells * array.leakage * timing_of(parameters).interval


def _mac(core: str) -> Operations:
    """A multiplication with its addition: 8 bits into 32, or in single precision."""
    if core == "digital-fp32":
        return (Operation("fp-multiply", 32), Operation("fp-add", 32))
    return (*multiply(8, 8), *add(32))
