"""A design whose energy, time and area are asked for."""

import warnings
from dataclasses import dataclass, field, replace

from rnscli.base.checks import check_choice, check_float, check_int
from rnscli.base.errors import InputError
from rnscli.core.arithmetic.dot_product import DotProduct
from rnscli.core.arithmetic.moduli import ModuliSet, check_legitimate_range
from rnscli.core.cores.converters import ANALOG_CORES, ConverterChoice, Converters, converters_of
from rnscli.hardware.adc.model import AdcModel
from rnscli.hardware.adc.murmann import MurmannAdc
from rnscli.hardware.conversion import METHODS
from rnscli.hardware.dac import CapacitiveDac
from rnscli.hardware.technology import Technology, load_technology

DIGITAL_CORES = ("digital-int8", "digital-fp32")
ENERGY_CORES = (*ANALOG_CORES, *DIGITAL_CORES)
DEFAULT_ANALOG = "reram-analog"
DEFAULT_DIGITAL = "digital-logic"
MAX_OUTPUT_BITS = 256
MAX_INT8_TERMS = (2**31 - 1) // 127**2


@dataclass(frozen=True, kw_only=True)
class EnergyParameters:
    """One design: a core on an array of some technology, with its converters and its logic.

    Parameters
    ----------
    core
        ``rns``, ``fixed-lp``, ``fixed-hp``, ``bit-sliced``, ``digital-int8`` or ``digital-fp32``.
    dot_product
        Length h and operand bits.
    bits
        Bits b of the converters.
    technology
        Of the array; by default ``reram-analog``, and ``digital-logic`` for digital cores.
    moduli
        Set of the core ``rns``, which is also the reference of the others; may be ``None`` when
        that core is not asked for.
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
        """Refuse values out of range; fill in technology and ADC."""
        check_choice("core", self.core, ENERGY_CORES)
        check_int("bits", self.bits, 2, 256)
        check_float(
            "expected_attempts", self.expected_attempts, 1.0, 1e300, "a number of at least 1"
        )
        what = "a probability from 0 to 1"
        check_float("word_error_probability", self.word_error_probability, 0.0, 1.0, what)
        check_choice("reverse", self.reverse, METHODS)
        if self.columns is not None:
            check_int("columns", self.columns, 1, 2**40)
        check_int("slice_bits", self.slice_bits, 1, self.dot_product.max_slice_bits)
        if self.adc_bits is not None:
            check_int("adc_bits", self.adc_bits, 1, 64)
        check_float("adc_rate", self.adc_rate, 1.0, 1e12, "a rate from 1 Hz to 1 THz")
        check_int("columns_per_adc", self.columns_per_adc, 1, 2**40)
        check_float("clock", self.clock, 1.0, 1e12, "a frequency from 1 Hz to 1 THz")
        if self.core == "digital-int8" and self.dot_product.vector_size > MAX_INT8_TERMS:
            raise InputError(
                f"`vector_size` is {self.dot_product.vector_size}; the 32-bit sums of core "
                f"digital-int8 hold up to {MAX_INT8_TERMS} products of 8 bits"
            )
        if self.core == "rns" and self.moduli is None:
            raise InputError("core rns needs a moduli set, and none was given", "moduli")
        if self.dot_product.output_bits > MAX_OUTPUT_BITS:
            raise InputError(
                f"the dot product has {self.dot_product.output_bits} output bits; "
                f"the energy of converters is computed for at most {MAX_OUTPUT_BITS}",
                "bits",
                "vector_size",
            )
        if self.technology is None:
            name = DEFAULT_DIGITAL if self.digital else DEFAULT_ANALOG
            object.__setattr__(self, "technology", load_technology(name))
        if self.adc is None:
            object.__setattr__(self, "adc", MurmannAdc(node=self.array.node))
        self._check_moduli()
        self._check_technology()
        self._check_ranges()

    def _check_moduli(self) -> None:
        if self.moduli is None:
            return
        if self.moduli.residue_bits > self.bits:
            raise InputError(
                f"`bits` is {self.bits}, but residues of {self.moduli.moduli[0]} have "
                f"{self.moduli.residue_bits}"
            )
        if self.moduli.dynamic_range < self.dot_product.dynamic_range:
            raise InputError(
                f"the information moduli cover {self.moduli.dynamic_range} values; "
                f"the dot product needs {self.dot_product.dynamic_range}",
                "moduli",
            )
        check_int("radius", self.radius, 0, self.moduli.redundant // 2)
        size = self.legitimate_range
        size = self.moduli.dynamic_range if size is None else size
        object.__setattr__(self, "legitimate_range", check_legitimate_range(self.moduli, size))
        if size < self.dot_product.dynamic_range:
            raise InputError(
                f"`legitimate_range` is {size}; the dot product has "
                f"{self.dot_product.dynamic_range} values"
            )

    def _check_technology(self) -> None:
        kind = self.array.kind
        if self.digital != (kind != "analog"):
            fits = "an analog" if not self.digital else "a digital"
            raise InputError(
                f"core {self.core} needs {fits} array, and `technology` {self.array.name} is {kind}"
            )
        operands = 32 if self.core == "digital-fp32" else 8
        if kind == "digital" and self.array.reference_bits != operands:
            raise InputError(
                f"`technology` {self.array.name} is known for {self.array.reference_bits}-bit "
                f"operands only; core {self.core} needs another, such as {DEFAULT_DIGITAL}"
            )

    def _check_ranges(self) -> None:
        for sentence in self.beyond:
            if not self.extrapolate:
                raise InputError(f"{sentence}; `extrapolate` goes on with a warning")
            warnings.warn(sentence.replace("`", ""), RuntimeWarning, stacklevel=4)

    @property
    def digital(self) -> bool:
        """Whether the core has no converters."""
        return self.core in DIGITAL_CORES

    @property
    def array(self) -> Technology:
        """The technology, which is filled in if it is not given."""
        assert self.technology is not None
        return self.technology

    @property
    def adc_model(self) -> AdcModel:
        """The model of ADCs, which is filled in if it is not given."""
        assert self.adc is not None
        return self.adc

    @property
    def width(self) -> int:
        """Number c of columns."""
        return self.columns or self.dot_product.vector_size

    @property
    def converters(self) -> Converters | None:
        """Converters of the core; a digital one has none."""
        if self.digital:
            return None
        count = self.moduli.count if self.moduli is not None else None
        choice = ConverterChoice(self.dot_product, self.bits, count, self.slice_bits, self.adc_bits)
        return converters_of(self.core, choice)

    @property
    def attempts(self) -> float:
        """Mean number of computations of a dot product; only ``rns`` knows when to repeat one."""
        return self.expected_attempts if self.core == "rns" else 1.0

    @property
    def beyond(self) -> tuple[str, ...]:
        """What of the design is outside of the range of a model, in sentences."""
        found = [self.array.outside(self.dot_product.vector_size, self.width)]
        converters = self.converters
        if converters is not None:
            found.append(self.adc_model.outside(converters.adc_bits, self.adc_rate))
        return tuple(sentence for sentence in found if sentence)

    def as_rns(self) -> "EnergyParameters | None":
        """The design with the core ``rns`` that this one is compared with, if there is one."""
        if self.core == "rns":
            return self
        if self.moduli is None:
            return None
        technology = None if self.digital else self.technology
        try:
            return replace(self, core="rns", technology=technology)
        except InputError:
            return None  # out of the range of a model
