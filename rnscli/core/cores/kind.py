"""What a core says of itself to whoever compares, simulates, prices or draws cores."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple, Protocol

from rnscli.base import (
    InputError,
    Names,
    NamesOrFractions,
    Numbers,
    Option,
    OptionGroup,
    Registry,
    WholeNumbers,
    fraction,
)
from rnscli.core.arithmetic import DotProduct, ModuliSet
from rnscli.core.devices import IDEAL, OFFSET, Devices
from rnscli.core.noise import NoiseLaw

if TYPE_CHECKING:  # the others load NumPy
    from rnscli.core.arithmetic import RedundantCode
    from rnscli.core.cores.core import Core

Laws = NoiseLaw | tuple[NoiseLaw, ...] | None  # of all converters, or one law for each modulus


# Operations of digital logic, counted with their widths.


@dataclass(frozen=True)
class Operation:
    """Additions or multiplications of one kind.

    Parameters
    ----------
    kind
        ``add``, ``multiply``, ``fp-add`` or ``fp-multiply``.
    width
        Bits of the operands; of a multiplication the geometric mean of both.
    count
        How many, on average.
    """

    kind: str
    width: float
    count: float = 1.0


Operations = tuple[Operation, ...]


def add(width: int, count: float = 1.0) -> Operations:
    """Additions, subtractions and comparisons of integers; none if ``count`` is zero."""
    return (Operation("add", width, count),) if count else ()


def multiply(first: int, second: int, count: float = 1.0) -> Operations:
    """Products of integers of two widths; none if ``count`` is zero."""
    return (Operation("multiply", math.sqrt(first * second), count),) if count else ()


def times(operations: Iterable[Operation], factor: float) -> Operations:
    """Operations that happen ``factor`` times."""
    return tuple(Operation(one.kind, one.width, one.count * factor) for one in operations if factor)


def merged(*groups: Operations) -> Operations:
    """All operations, those of one kind and width together."""
    counts: dict[tuple[str, float], float] = {}
    for one in chain(*groups):
        counts[one.kind, one.width] = counts.get((one.kind, one.width), 0.0) + one.count
    return tuple(Operation(kind, width, count) for (kind, width), count in counts.items())


# What cores say of themselves.


def _kinds() -> Registry[CoreKind]:
    from rnscli.core.cores import CORES  # which are made of what is here

    return CORES


FULL, CALIBRATED = "full", "calibrated"
ADC_RANGES = (FULL, CALIBRATED)  # those that have a name; any fraction of the full one is a range
CALIBRATIONS = ("percentile", "max", "least-squares")
PERCENTILE = 99.98  # Xiao et al. (arXiv:2109.01262)


def range_share(adc_range: str) -> float:
    """What share of the full range an ADC has by a name or a fraction; not of a calibrated one.

    Examples
    --------
    >>> range_share("full"), range_share("1/8"), range_share("0.01")
    (1.0, 0.125, 0.01)
    """
    return 1.0 if adc_range == FULL else fraction(adc_range)


def range_bits(full: int, share: float) -> int:
    """Bits of a share of a range of so many bits: the least that tell all whole numbers in it.

    Examples
    --------
    >>> range_bits(18, 1 / 8), range_bits(18, 0.1), range_bits(4, 1 / 1024)
    (15, 15, 1)
    """
    mantissa, exponent = math.frexp(share)
    return max(1, full + exponent - (mantissa == 0.5))


def log2_range(full: int, share: float) -> float:
    """The same as a real number, of a share that is no power of two; at least 1."""
    mantissa, exponent = math.frexp(share)
    return max(1.0, full + exponent + math.log2(mantissa))


class CoreOptions:
    """What a user chooses of a core itself."""

    group = OptionGroup.CORE
    core = Option(Names(_kinds), "Cores to compare.", explained=True)
    slice_bits = Option(
        WholeNumbers(1, 64), "Bits of a weight slice in the core bit-sliced.", default="1"
    )
    adc_bits = Option(
        WholeNumbers(1, 64),
        "ADC bits of the cores fixed-lp and bit-sliced.",
        usual="b, the same converters as rns",
    )
    adc_range = Option(
        NamesOrFractions(ADC_RANGES),
        "Range of the ADCs of the cores fixed-lp and bit-sliced: all values that could occur, "
        "those that do occur, or a fraction of the full range such as 1/8; values beyond it are "
        "clipped.",
        default=FULL,
    )
    calibration = Option(
        Names(CALIBRATIONS),
        "What a calibrated range covers of the values that occur: the inner --percentile, all, or "
        "what leaves the least mean square of rounding and clipping.",
        default=CALIBRATIONS[0],
    )
    percentile = Option(
        Numbers(math.nextafter(50.0, 51.0), 100.0, "a number above 50 and at most 100"),
        "Percentage of the values that occur that --calibration percentile covers.",
        default=f"{PERCENTILE:g}",
    )


def applied_bits(dot: DotProduct, devices: Devices) -> int:
    """Bits of the inputs, with their sign, that are applied at a time and read apart."""
    slices = devices.input_slice_bits
    if slices is None or devices.mapping != OFFSET:
        return dot.input_bits
    return min(dot.input_bits, slices + 1)


def sliced_inputs(dot: DotProduct, devices: Devices) -> tuple[int, int, int]:
    """Bits of the DACs, and how often inputs are applied and read for one result.

    Slices of inputs that are added in the array are read once.

    Examples
    --------
    >>> dot = DotProduct(128, 6, 6)
    >>> sliced_inputs(dot, Devices(input_slice_bits=2))
    (3, 3, 1)
    """
    bits, width = devices.input_slice_bits, dot.input_bits - 1
    if bits is None or bits >= width:
        return dot.input_bits, 1, 1
    count = -(-width // bits)
    return bits + 1, count, count if devices.mapping == OFFSET else 1


def full_bits(dot: DotProduct, devices: Devices) -> int:
    """Bits of what could occur at the ADC of whole weights: b_out, one more with an offset.

    Examples
    --------
    >>> dot = DotProduct(128, 6, 6)
    >>> full_bits(dot, IDEAL), full_bits(dot, Devices(mapping="offset", input_slice_bits=1))
    (18, 15)
    """
    offset = devices.mapping == OFFSET
    return dot.output_bits - dot.input_bits + applied_bits(dot, devices) + offset


def slices_of(dot: DotProduct, slice_bits: int, devices: Devices) -> int:
    """Slices of s bits that hold a weight: its magnitude, or with an offset all of its bits.

    Examples
    --------
    >>> dot = DotProduct(128, 6, 6)
    >>> slices_of(dot, 5, IDEAL), slices_of(dot, 5, Devices(mapping="offset"))
    (1, 2)
    """
    if devices.mapping == OFFSET:
        return -(-dot.weight_bits // slice_bits)
    return dot.slices(slice_bits)


def check_slice_bits(bits: int, dot_product: DotProduct) -> None:
    """Refuse slices that are wider than the weights."""
    CoreOptions.slice_bits.within(high=dot_product.max_slice_bits).check(bits)


class Converters(NamedTuple):
    """Bits of a core's widest converters, and its number of channels.

    A channel is an array with its own converters: one for each modulus of a residue core, whose
    converters have the width of that modulus, or for each slice of a sliced one. Where inputs are
    no residues, DACs have as many bits as they.
    """

    dac_bits: int
    adc_bits: int
    channels: int
    moduli: tuple[int, ...] = ()  # of the channels, if they compute in residues
    applied: int = 1
    read: int = 1


class Array(Protocol):
    """What a core must know of a technology, to say whether it runs on it."""

    @property
    def kind(self) -> str:
        """``analog`` or ``digital``."""

    @property
    def modulo(self) -> str:
        """What reduces sums modulo m; ``none`` if nothing does."""

    @property
    def input_bits(self) -> tuple[int, int]:
        """Least and most bits of operands."""


@dataclass(frozen=True, kw_only=True)
class CoreSettings:
    """Everything that a core may depend on; each kind takes what concerns it.

    Parameters
    ----------
    dot_product
        Length h and operand bits.
    bits
        Bits b of the converters.
    moduli
        The set of a residue core; ``None`` where there is none.
    legitimate_range, decoder, reverse, search_probability
        What is legitimate, the name of a decoder, the usual one of the set if not given, how
        residues are turned into a number, and how often the decoder does not believe them, so that
        it tries further groups of residues, or reads a list of errors.
    slice_bits, adc_bits
        Bits of a weight slice, and of the ADCs; ``adc_bits`` of ``None`` is b.
    adc_range
        Range of the ADCs: one of ``ADC_RANGES`` or a fraction of the full one, such as ``1/8``.
    calibration, percentile
        How a ``calibrated`` one is found: see `rnscli.core.calibrated_shares`. The sums are those
        of uniform operands, unless the core is told others (`with_shares`).
    devices
        What its arrays are built of.
    """

    dot_product: DotProduct
    bits: int
    moduli: ModuliSet | None = None
    legitimate_range: int | None = None
    decoder: str | None = None
    reverse: str = "mixed-radix"
    search_probability: float = 0.0
    slice_bits: int = 1
    adc_bits: int | None = None
    adc_range: str = FULL
    calibration: str = CALIBRATIONS[0]
    percentile: float = PERCENTILE
    devices: Devices = IDEAL


class Logic(NamedTuple):
    """Digital operations of a dot product: of its inputs, of one attempt, of one decoding.

    ``inputs`` is for one input; ``reverse``, ``decoding`` and ``shift_add`` for one attempt.
    ``cycles_before`` come once, before the first attempt, and ``cycles_after`` in every attempt,
    when the converters have been read. ``bits_looked_up`` are read from a memory in every attempt.
    """

    inputs: Operations = ()
    reverse: Operations = ()
    decoding: Operations = ()
    shift_add: Operations = ()
    cycles_before: float = 0.0
    cycles_after: float = 0.0
    bits_looked_up: float = 0.0


class CoreKind(ABC):
    """A kind of core: one of these is registered for each name.

    Attributes
    ----------
    name
        Name on the command line.
    summary
        What it is, in a line of the help.
    axes
        Names of the settings of a design that concern it, besides its core, length and technology.
    exact
        Whether, without noise, it loses nothing of a sum.
    coded
        Whether it computes in residues, so that a code detects errors and words are repeated.
    """

    name: str
    summary: str
    axes: tuple[str, ...]
    exact: bool
    coded: bool
    # Whether its operands are integers, whose scales are found, applied and undone.
    quantised: bool = True

    @abstractmethod
    def converters(self, settings: CoreSettings) -> Converters | None:
        """Its data converters; ``None`` if it has none.

        Raises
        ------
        InputError
            If a setting that it needs is missing or out of range.
        """

    @abstractmethod
    def accumulation(self, dot: DotProduct, tiles: int) -> Operations:
        """One addition of the partial sums of ``tiles`` tiles."""

    def joining(self, settings: CoreSettings, segments: int) -> Operations:
        """One addition of the partial sums of a dot product that is cut into segments.

        However many there are, the total is the dot product, of the width that this has.
        """
        return self.accumulation(settings.dot_product, 1)

    @abstractmethod
    def runs_on(self, array: Array) -> bool:
        """Whether it runs on arrays of a technology."""

    @property
    @abstractmethod
    def default_technology(self) -> str:
        """Name of the technology that it is shown on if none is named."""


CONVERTER_AXES = ("bits", "columns_per_adc", "adc_rate", "clock", "mapping")  # with converters


class AnalogKind(CoreKind):
    """A core that multiplies in an analog array, between DACs and ADCs."""

    @property
    def default_technology(self) -> str:
        """The only analog one that is published part by part."""
        return "reram-analog"

    def runs_on(self, array: Array) -> bool:
        """Where sums of ordinary numbers are not wrapped, as a phase is."""
        return array.kind == "analog" and array.modulo != "phase"

    @abstractmethod
    def converters(self, settings: CoreSettings) -> Converters: ...

    @abstractmethod
    def build(
        self, settings: CoreSettings, code: RedundantCode | None, noise: Laws, attempts: float
    ) -> Core:
        """The core as it is simulated.

        Parameters
        ----------
        code, attempts
            Of a residue core; the others have no use for them.
        noise
            Noise at every conversion, or none.

        Raises
        ------
        InputError
            If a setting that it needs is missing or out of range.
        """

    @abstractmethod
    def logic(self, settings: CoreSettings) -> Logic:
        """Its digital side."""

    @abstractmethod
    def reading_error(self, settings: CoreSettings, law: NoiseLaw) -> float:
        """Probability that noise changes what its converters say of uniform operands.

        Raises
        ------
        InputError
            If it is `coded`: what the code makes of its errors is for the code to say.
        """

    def accumulation(self, dot: DotProduct, tiles: int) -> Operations:
        """At the width that the total needs."""
        return add(dot.output_bits + (tiles - 1).bit_length())


class ConventionalKind(AnalogKind):
    """An analog core whose ADCs read sums of ordinary numbers."""

    coded = False

    @abstractmethod
    def conversions(self, settings: CoreSettings) -> Sequence[tuple[float, float]]:
        """What its converters read: log2 of their range, and mean square of the weights in it."""

    def reading_error(self, settings: CoreSettings, law: NoiseLaw | tuple[NoiseLaw, ...]) -> float:
        """Probability that a code of some converter changes, for uniform operands.

        There may be a law for each part of the weights.

        Examples
        --------
        >>> from rnscli.core.cores import CORES
        >>> from rnscli.core.noise import Gaussian
        >>> settings = CoreSettings(dot_product=DotProduct(128, 6, 6), bits=6)
        >>> f"{CORES['fixed-lp'].reading_error(settings, Gaussian(0.1)):.3f}"
        '0.080'
        """
        from rnscli.core.cores.uniform_operands import reading_error

        return reading_error(self, settings, law)

    def noise_square(self, settings: CoreSettings, law: NoiseLaw | tuple[NoiseLaw, ...]) -> float:
        """Mean square of what noise adds to the error of a sum S of uniform operands.

        Examples
        --------
        >>> from rnscli.core.cores import CORES
        >>> from rnscli.core.noise import Gaussian
        >>> settings = CoreSettings(dot_product=DotProduct(128, 6, 6), bits=6, adc_range="1/16")
        >>> found = CORES["fixed-lp"].noise_square(settings, Gaussian(0.1))
        >>> round(found / 256**2, 4)  # in steps of its ADC
        0.0097
        """
        from rnscli.core.cores.uniform_operands import noise_square

        return noise_square(self, settings, law)


class DigitalKind(CoreKind):
    """A core that multiplies digitally; it loses nothing of the operands that it takes.

    Attributes
    ----------
    operand_bits
        Bits of its operands.
    simulated_bits
        Bits of integer operands by which its error is simulated; ``None`` where it is not.
    max_terms
        Longest dot product that its sums hold; ``None`` for any.
    """

    exact = True
    coded = False
    axes = ()
    operand_bits: int
    simulated_bits: int | None
    max_terms: int | None

    @property
    def default_technology(self) -> str:
        return "digital-logic"

    def converters(self, settings: CoreSettings) -> None:
        return None

    def runs_on(self, array: Array) -> bool:
        low, high = array.input_bits
        return array.kind == "digital" and low <= self.operand_bits <= high

    @property
    @abstractmethod
    def mac(self) -> Operations:
        """A multiplication with its addition."""

    @property
    def sum_bits(self) -> int:
        """Bits of the sums that are kept, which are those of the addition of a MAC.

        Examples
        --------
        >>> from rnscli.core.cores import CORES
        >>> [CORES[name].sum_bits for name in ("digital-int4", "digital-int8", "digital-fp32")]
        [24, 32, 32]
        """
        return math.ceil(max(one.width for one in self.mac if one.kind in ("add", "fp-add")))


def single_law(kind: CoreKind, noise: Laws) -> NoiseLaw | None:
    """The law of the converters of a core that has no residues.

    Raises
    ------
    InputError
        If there is one for each modulus.
    """
    if isinstance(noise, tuple):
        raise InputError(f"core {kind.name} has no moduli; give one law of the noise")
    return noise
