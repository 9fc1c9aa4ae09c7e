"""A design whose energy, time and area are computed: what a user requests, and what then holds."""

import math
import warnings
from dataclasses import dataclass, field, fields, replace
from functools import cached_property

from rnscli import base, hardware
from rnscli.analysis.moduli import ModuliOptions
from rnscli.base import InputError, Option
from rnscli.core import (
    CORES,
    METHODS,
    RNS,
    AnalogKind,
    Converters,
    CoreKind,
    CoreOptions,
    CoreSettings,
    DigitalKind,
    DotProduct,
    Logic,
    ModuliSet,
    Operations,
    check_legitimate_range,
    check_moduli_set,
    check_slice_bits,
)

MAX_OUTPUT_BITS = 256
_MAX_COLUMNS = 2**40


class EnergyOptions:
    """What a user chooses of the hardware, besides the constants of its models."""

    technology = Option(
        base.NamesOrFiles(
            hardware.technology_names,
            (".toml",),
            "the name of a technology, a file .toml, or a list of these",
        ),
        "Array technology: {names}, or a profile of your own.",
        default=RNS.default_technology,
    )
    adc_model = Option(
        # The registry looks for models of other packages when it is loaded.
        base.Names(lambda: hardware.ADC_MODELS),
        "Model of the ADCs.",
        usual=f"{hardware.MurmannAdc.name}; with --adc-table: {hardware.TableAdc.name}",
    )
    adc_table = Option(
        base.Files(),
        "Your own converters, for --adc-model table: a CSV file with enob, energy_j, area_m2, "
        "rate_hz.",
    )
    columns = Option(
        base.WholeNumbers(1, _MAX_COLUMNS),
        "Columns c of the array, which share its DACs.",
        usual="h, a square array",
    )
    columns_per_adc = Option(
        base.WholeNumbers(1, _MAX_COLUMNS), "Columns that take turns at an ADC.", default="1"
    )
    reverse = Option(
        base.Names(METHODS), "How residues are turned into a number.", default=METHODS[0]
    )
    extrapolate = Option(
        base.Flags(),
        "Use models outside of the range they were made for, with a warning and a mark.",
    )
    adc_rate = Option(
        base.Quantities(1.0, 1e12, "a rate from 1 Hz to 1 THz", "Hz", "1GHz"),
        "Conversions of an ADC in a second.",
        usual="1GHz",
    )
    clock = Option(
        base.Quantities(1.0, 1e12, "a frequency from 1 Hz to 1 THz", "Hz", "1GHz"),
        "Clock of the digital logic.",
        usual="1GHz",
    )


class WorkloadOptions:
    """What a user chooses to see instead of the bill of a dot product."""

    workload = Option(
        base.NamesOrFiles(
            hardware.WORKLOADS, (".csv",), "a network, a file .csv, or a list of these"
        ),
        "Instead of one dot product a network: {names}, or a CSV file with layer, M, K, N and "
        "count; a row for each layer and the total.",
    )
    arrays = Option(
        base.WholeNumbers(1, 2**40), "With --workload: arrays that share its passes.", usual="1"
    )
    sensitivity = Option(
        base.Flags(),
        "Instead of the bill a row for each uncertain constant, such as --adc-k1 100fJ±30%, with "
        "the energy at its ends; --plot draws a tornado.",
    )


@dataclass(frozen=True, kw_only=True)
class EnergyParameters:
    """One design: a core on an array of some technology, with its converters and its logic.

    Parameters
    ----------
    core
        A name in `rnscli.core.cores.CORES`.
    dot_product
        Length h and operand bits.
    bits
        Bits b of the converters.
    technology
        Of the array; by default the one that its kind of core is shown on.
    moduli
        Set of the core ``rns``, which is also the reference of the others; may be ``None`` when
        that core is not requested.
    legitimate_range
        Number L of legitimate values; ``None`` for the product of the information moduli.
    columns
        Number c of dot products that share the DACs of an array; h if not given.
    expected_attempts
        Mean number of computations of a dot product in the core ``rns``, at least 1.
    radius
        Wrong residues that its decoder corrects.
    word_error_probability
        Probability that a word has a wrong residue, so that the decoder tries further groups.
    reverse
        How residues are turned into a number: ``mixed-radix`` or ``crt``.
    slice_bits
        Bits s of a weight slice in the core ``bit-sliced``.
    adc_bits
        Bits of that core's ADC; b if not given, the same converters as ``rns``.
    adc, dac
        Models of the converters; the default ADC is Murmann's at the technology's node.
    adc_rate
        Conversions of an ADC in a second.
    columns_per_adc
        Columns that take turns at an ADC.
    clock
        Frequency of the digital logic in Hz.
    extrapolate
        Go on, with a warning, where a model is used outside of its range.

    Raises
    ------
    InputError
        If a value is out of range, ``rns`` has no moduli, the core does not run on the technology,
        or a model is outside of its range.

    Warns
    -----
    RuntimeWarning
        If it is outside of its range and ``extrapolate`` is set.
    """

    core: str
    dot_product: DotProduct
    bits: int
    technology: hardware.Technology | None = None
    moduli: ModuliSet | None = None
    legitimate_range: int | None = None
    columns: int | None = None
    expected_attempts: float = 1.0
    radius: int = 0
    word_error_probability: float = 0.0
    reverse: str = "mixed-radix"
    slice_bits: int = 1
    adc_bits: int | None = None
    adc: hardware.AdcModel | None = None
    dac: hardware.CapacitiveDac = field(default_factory=hardware.CapacitiveDac)
    adc_rate: float = 1e9
    columns_per_adc: int = 1
    clock: float = 1e9
    extrapolate: bool = False

    def __post_init__(self) -> None:
        for sentence in self.design.beyond:
            if not self.extrapolate:
                raise InputError(f"{sentence}; `extrapolate` goes on with a warning")
            warnings.warn(sentence.replace("`", ""), RuntimeWarning, stacklevel=3)

    @cached_property
    def design(self) -> "EnergyDesign":
        """What holds, with nothing left open."""
        kind = CORES.named(self.core)
        ModuliOptions.bits.check(self.bits)
        at_least_1, chance = "a number of at least 1", "a probability from 0 to 1"
        base.check_float("expected_attempts", self.expected_attempts, 1.0, 1e300, at_least_1)
        base.check_float("word_error_probability", self.word_error_probability, 0.0, 1.0, chance)
        EnergyOptions.reverse.check(self.reverse)
        check_slice_bits(self.slice_bits, self.dot_product)
        if self.adc_bits is not None:
            CoreOptions.adc_bits.check(self.adc_bits)
        size = self.dot_product.vector_size
        width = size if self.columns is None else EnergyOptions.columns.check(self.columns)
        EnergyOptions.adc_rate.check(self.adc_rate)
        EnergyOptions.columns_per_adc.check(self.columns_per_adc)
        EnergyOptions.clock.check(self.clock)
        self._check_dot_product(kind)
        settings = CoreSettings(
            dot_product=self.dot_product,
            bits=self.bits,
            moduli=self.moduli,
            legitimate_range=self._legitimate_range(),
            radius=self.radius,
            reverse=self.reverse,
            word_error_probability=self.word_error_probability,
            slice_bits=self.slice_bits,
            adc_bits=self.adc_bits,
        )
        converters = kind.converters(settings)
        technology = self._technology_for(kind)
        return EnergyDesign(
            kind=kind,
            settings=settings,
            converters=converters,
            technology=technology,
            adc=self.adc or hardware.MurmannAdc(node=technology.node),
            dac=self.dac,
            width=width,
            # Only a code knows when to repeat a dot product.
            attempts=self.expected_attempts if kind.coded else 1.0,
            adc_rate=self.adc_rate,
            columns_per_adc=self.columns_per_adc,
            clock=self.clock,
        )

    def _check_dot_product(self, kind: CoreKind) -> None:
        dot = self.dot_product
        if isinstance(kind, DigitalKind) and dot.vector_size > (kind.max_terms or math.inf):
            raise InputError(
                f"`vector_size` is {dot.vector_size}; the sums of core {kind.name} hold up to "
                f"{kind.max_terms} products of {kind.operand_bits} bits"
            )
        if dot.output_bits > MAX_OUTPUT_BITS:
            raise InputError(
                f"the dot product has {dot.output_bits} output bits; "
                f"the energy of converters is computed for at most {MAX_OUTPUT_BITS}",
                "bits",
                "vector_size",
            )

    def _legitimate_range(self) -> int | None:
        """Number L of legitimate values of the set, if there is one; refuses one that is short."""
        if self.moduli is None:
            return None
        check_moduli_set(self.moduli)
        if self.moduli.residue_bits > self.bits:
            raise InputError(
                f"`bits` is {self.bits}, but residues of {self.moduli.moduli[0]} have "
                f"{self.moduli.residue_bits}"
            )
        needed = self.dot_product.dynamic_range
        if self.moduli.dynamic_range < needed:
            raise InputError(
                f"the information moduli cover {self.moduli.dynamic_range} values; "
                f"the dot product needs {needed}",
                "moduli",
            )
        base.check_int("radius", self.radius, 0, self.moduli.redundant // 2)
        if self.legitimate_range is None:
            return self.moduli.dynamic_range
        size = check_legitimate_range(self.moduli, self.legitimate_range)
        if size < needed:
            raise InputError(f"`legitimate_range` is {size}; the dot product has {needed} values")
        return size

    def _technology_for(self, kind: CoreKind) -> hardware.Technology:
        """The technology that is given, if the core runs on it, or the one that it is shown on."""
        technology = self.technology
        if technology is None:
            return hardware.load_technology(kind.default_technology)
        if kind.runs_on(technology.kind, technology.reference_bits):
            return technology
        analog = isinstance(kind, AnalogKind)
        if analog or technology.kind == "analog":
            fits = "an analog" if analog else "a digital"
            raise InputError(
                f"core {kind.name} needs {fits} array, and `technology` {technology.name} is "
                f"{technology.kind}"
            )
        raise InputError(
            f"`technology` {technology.name} is known for {technology.reference_bits}-bit "
            f"operands only; core {kind.name} needs another, such as {kind.default_technology}"
        )

    def as_rns(self) -> "EnergyParameters | None":
        """The design with the core ``rns`` that this one is compared with, if there is one."""
        if self.core == RNS.name:
            return self
        if self.moduli is None:
            return None
        # The array of a digital core is none that residues could be computed on.
        technology = self.technology if isinstance(self.design.kind, AnalogKind) else None
        try:
            return replace(self, core=RNS.name, technology=technology)
        except InputError:
            return None  # out of the range of a model


@dataclass(frozen=True, eq=False)
class Energies:
    """Energy in J of each part of one dot product, averaged over its attempts."""

    dac: float = 0.0
    adc: float = 0.0
    array: float = 0.0
    leakage: float = 0.0
    forward: float = 0.0
    reverse: float = 0.0
    decoding: float = 0.0
    shift_add: float = 0.0

    @cached_property
    def total(self) -> float:
        # Parts differ by orders of magnitude; their order shall not matter.
        return math.fsum(getattr(self, part.name) for part in fields(self))


@dataclass(frozen=True, eq=False)
class Timing:
    """Time of an array operation, in s."""

    before: float  # what comes once, before the first attempt
    attempt: float  # from there to the dot products, in one attempt
    cycle: float  # between two attempts, of the same or of different vectors
    attempts: float = 1.0

    @property
    def latency(self) -> float:
        """Mean time from an input vector to its dot products."""
        return self.before + self.attempts * self.attempt

    @property
    def interval(self) -> float:
        """Mean time between two input vectors."""
        return self.attempts * self.cycle


@dataclass(frozen=True, eq=False, kw_only=True)
class EnergyDesign:
    """A design with nothing left open, whose energy, time and area follow.

    A digital core has no converters; ``attempts`` is the mean number of computations of a dot
    product in an array of ``width`` columns. Arrays are modelled as in Marinella et al.,
    arXiv:1707.09952.
    """

    kind: CoreKind
    settings: CoreSettings
    converters: Converters | None
    technology: hardware.Technology
    adc: hardware.AdcModel
    dac: hardware.CapacitiveDac
    width: int
    attempts: float
    adc_rate: float
    columns_per_adc: int
    clock: float

    @property
    def dot_product(self) -> DotProduct:
        return self.settings.dot_product

    @property
    def constants(self) -> dict[str, float]:
        """Constants of its models, by name; a digital core has no converters."""
        models = (self.technology, self.adc, self.dac)
        known = models[:1] if self.converters is None else models
        return {name: getattr(model, name) for model in known for name in model.constants}

    @cached_property
    def logic(self) -> Logic:
        """The digital side of an analog core; nothing of a digital one, whose MACs are all."""
        return self.kind.logic(self.settings) if isinstance(self.kind, AnalogKind) else Logic()

    @property
    def mac(self) -> Operations:
        """A MAC of a digital core; nothing of an analog one."""
        return self.kind.mac if isinstance(self.kind, DigitalKind) else ()

    @property
    def beyond(self) -> tuple[str, ...]:
        """What of the design is outside of the range of a model, in sentences."""
        outside = [self.technology.outside(self.dot_product.vector_size, self.width)]
        if self.converters is not None:
            outside.append(self.adc.outside(self.converters.adc_bits, self.adc_rate))
        return tuple(sentence for sentence in outside if sentence)

    @property
    def conversions(self) -> tuple[float, float]:
        """Mean numbers of DAC and ADC conversions of a dot product.

        Weights stay in the array, so it takes one ADC conversion in each channel and attempt; c
        columns share the inputs, so there are h / c DAC conversions for each of these.
        """
        if self.converters is None:
            return 0.0, 0.0
        repeats = self.converters.channels * self.attempts
        return repeats * (self.dot_product.vector_size / self.width), repeats

    @cached_property
    def timing(self) -> Timing:
        """Cycle of the array, readout and digital stages, one after the other.

        Columns that share an ADC are read in turn. The stages work at the same time on vectors that
        follow each other, so the interval is that of the slowest, the array or the readout; there
        are as many digital units as that takes. An operation that waits for another takes a cycle
        of the clock; further groups are tried one after the other. Every stage but the forward
        conversion is repeated with every attempt.
        """
        array, rows, columns = self.technology, self.dot_product.vector_size, self.width
        if self.converters is None:
            steps = math.ceil(rows * columns / (array.parallel_macs or rows * columns))
            # A systolic array of logic takes a cycle for each row and column to fill.
            cycles = rows + columns - 1 if array.kind == "logic" else steps
            return Timing(0.0, cycles * array.cycle_time, steps * array.cycle_time)
        cycle = array.cycle_time * array.growth(array.time_scaling, self.converters.dac_bits)
        readout = min(self.columns_per_adc, columns) / self.adc_rate
        return Timing(
            before=self.logic.cycles_before / self.clock,
            attempt=cycle + readout + self.logic.cycles_after / self.clock,
            cycle=max(cycle, readout),
            attempts=self.attempts,
        )

    @cached_property
    def energies(self) -> Energies:
        """Energy of one dot product of h terms in an h x c array, by part.

        Residues of the inputs are kept, so that further attempts take no forward conversion.
        """
        array, prices, converters = self.technology, self.technology.operations, self.converters
        rows = self.dot_product.vector_size
        cells = (converters.channels if converters else 1) * rows * array.cells_per_weight
        leakage = cells * array.leakage * self.timing.interval
        if converters is None:
            mac = prices.energy(self.mac) if array.kind == "logic" else array.energy_per_mac
            return Energies(array=rows * mac, leakage=leakage)
        dacs, adcs = self.conversions
        growth = array.growth(array.energy_scaling, converters.dac_bits)
        return Energies(
            dac=dacs * self.dac.energy(converters.dac_bits),
            adc=adcs * self.adc.energy(converters.adc_bits, self.adc_rate),
            array=adcs * rows * array.energy_per_mac * growth,
            leakage=leakage,
            forward=rows / self.width * prices.energy(self.logic.inputs),
            reverse=self.attempts * prices.energy(self.logic.reverse),
            decoding=self.attempts * prices.energy(self.logic.decoding),
            shift_add=self.attempts * prices.energy(self.logic.shift_add),
        )

    @cached_property
    def area(self) -> float:
        """Area in m^2 of the arrays of all channels, their converters and the logic that keeps up.

        It keeps up with an array that never repeats anything, so retries do not change it.
        """
        array, prices, converters = self.technology, self.technology.operations, self.converters
        rows, columns = self.dot_product.vector_size, self.width
        units = rows * columns
        cells = units * array.cells_per_weight * array.cell_area
        if converters is None:
            if array.kind == "logic":
                return prices.area(self.mac, units)
            return cells + prices.area(self.mac, min(array.parallel_macs or units, units))
        cells *= array.growth(array.area_scaling, converters.dac_bits)
        adcs = math.ceil(columns / self.columns_per_adc)
        adc = self.adc.area(converters.adc_bits, self.adc_rate)
        channel = cells + rows * self.dac.area(converters.dac_bits) + adcs * adc
        logic = self.logic
        per_cycle = 1.0 / (self.timing.cycle * self.clock)
        outputs = (logic.reverse, logic.decoding, logic.shift_add)
        return math.fsum(
            (
                converters.channels * channel,
                prices.area(logic.inputs, rows * per_cycle),
                *(prices.area(part, columns * per_cycle) for part in outputs),
            )
        )
