"""A design whose energy, time and area are computed."""

import math
import warnings
from dataclasses import dataclass, field, replace
from functools import cached_property

from rnscli.analysis.moduli import ModuliOptions
from rnscli.base import (
    Files,
    Flags,
    InputError,
    Names,
    NamesOrFiles,
    Option,
    Quantities,
    Registry,
    WholeNumbers,
    check_float,
    check_int,
)
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
from rnscli.hardware import (
    AdcModel,
    CapacitiveDac,
    MurmannAdc,
    TableAdc,
    Technology,
    load_technology,
    technology_names,
)

MAX_OUTPUT_BITS = 256
_MAX_COLUMNS = 2**40


def _adc_models() -> Registry[type[AdcModel]]:
    from rnscli.hardware import ADC_MODELS  # which looks for those of other packages at once

    return ADC_MODELS


class EnergyOptions:
    """What a user chooses of the hardware, besides the constants of its models."""

    technology = Option(
        NamesOrFiles(
            technology_names,
            (".toml",),
            "the name of a technology, a file .toml, or a list of these",
        ),
        "Array technology: {names}, or a profile of your own.",
        default=RNS.default_technology,
    )
    adc_model = Option(
        Names(_adc_models),
        "Model of the ADCs.",
        usual=f"{MurmannAdc.name}; with --adc-table: {TableAdc.name}",
    )
    adc_table = Option(
        Files(),
        "Your own converters, for --adc-model table: a CSV file with enob, energy_j, area_m2, "
        "rate_hz.",
    )
    columns = Option(
        WholeNumbers(1, _MAX_COLUMNS),
        "Columns c of the array, which share its DACs.",
        usual="h, a square array",
    )
    columns_per_adc = Option(
        WholeNumbers(1, _MAX_COLUMNS), "Columns that take turns at an ADC.", default="1"
    )
    reverse = Option(Names(METHODS), "How residues are turned into a number.", default=METHODS[0])
    extrapolate = Option(
        Flags(), "Use models outside of the range they were made for, with a warning and a mark."
    )
    adc_rate = Option(
        Quantities(1.0, 1e12, "a rate from 1 Hz to 1 THz", "Hz", "1GHz"),
        "Conversions of an ADC in a second.",
        usual="1GHz",
    )
    clock = Option(
        Quantities(1.0, 1e12, "a frequency from 1 Hz to 1 THz", "Hz", "1GHz"),
        "Clock of the digital logic.",
        usual="1GHz",
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
    technology: Technology | None = None
    moduli: ModuliSet | None = None
    legitimate_range: int | None = None
    columns: int | None = None
    expected_attempts: float = 1.0
    radius: int = 0
    word_error_probability: float = 0.0
    reverse: str = "mixed-radix"
    slice_bits: int = 1
    adc_bits: int | None = None
    adc: AdcModel | None = None
    dac: CapacitiveDac = field(default_factory=CapacitiveDac)
    adc_rate: float = 1e9
    columns_per_adc: int = 1
    clock: float = 1e9
    extrapolate: bool = False

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        _ = self.design
        for sentence in self.design.beyond:
            if not self.extrapolate:
                raise InputError(f"{sentence}; `extrapolate` goes on with a warning")
            warnings.warn(sentence.replace("`", ""), RuntimeWarning, stacklevel=3)

    @cached_property
    def design(self) -> "EnergyDesign":
        """What holds, with nothing left open."""
        kind = CORES.named(self.core)
        ModuliOptions.bits.check(self.bits)
        at_least_1 = "a number of at least 1"
        check_float("expected_attempts", self.expected_attempts, 1.0, 1e300, at_least_1)
        what = "a probability from 0 to 1"
        check_float("word_error_probability", self.word_error_probability, 0.0, 1.0, what)
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
            adc=self.adc or MurmannAdc(node=technology.node),
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
        check_int("radius", self.radius, 0, self.moduli.redundant // 2)
        if self.legitimate_range is None:
            return self.moduli.dynamic_range
        size = check_legitimate_range(self.moduli, self.legitimate_range)
        if size < needed:
            raise InputError(f"`legitimate_range` is {size}; the dot product has {needed} values")
        return size

    def _technology_for(self, kind: CoreKind) -> Technology:
        """The technology that is given, if the core runs on it, or the one that it is shown on."""
        technology = self.technology
        if technology is None:
            return load_technology(kind.default_technology)
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
        technology = self.technology if isinstance(self.design.kind, AnalogKind) else None
        try:
            return replace(self, core=RNS.name, technology=technology)
        except InputError:
            return None  # out of the range of a model


@dataclass(frozen=True, kw_only=True)
class EnergyDesign:
    """A design with nothing left open, whose energy, time and area follow.

    Attributes
    ----------
    kind, settings, converters
        The core, what it is built of, and its converters; ``None`` for a digital one.
    technology, adc, dac
        What it is made of.
    width
        Number c of columns.
    attempts
        Number of computations of a dot product on average.
    adc_rate, columns_per_adc, clock
        As in `EnergyParameters`.
    """

    kind: CoreKind
    settings: CoreSettings
    converters: Converters | None
    technology: Technology
    adc: AdcModel
    dac: CapacitiveDac
    width: int
    attempts: float
    adc_rate: float
    columns_per_adc: int
    clock: float

    @property
    def dot_product(self) -> DotProduct:
        return self.settings.dot_product

    @property
    def logic(self) -> Logic:
        """The digital side of an analog core; nothing of a digital one, whose MACs are all."""
        return self.kind.logic(self.settings) if isinstance(self.kind, AnalogKind) else Logic()

    @property
    def mac(self) -> Operations:
        """A MAC of a digital core."""
        if not isinstance(self.kind, DigitalKind):
            raise InputError(f"core {self.kind.name} computes no MAC digitally")
        return self.kind.mac

    @property
    def beyond(self) -> tuple[str, ...]:
        """What of the design is outside of the range of a model, in sentences."""
        outside = [self.technology.outside(self.dot_product.vector_size, self.width)]
        if self.converters is not None:
            outside.append(self.adc.outside(self.converters.adc_bits, self.adc_rate))
        return tuple(sentence for sentence in outside if sentence)
