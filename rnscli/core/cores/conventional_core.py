"""The conventional cores as they are simulated: ADCs that read sums of ordinary numbers."""

import math
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from rnscli.base import InputError
from rnscli.core.arithmetic import DotProduct, FloatArray, IntArray, exact_dot
from rnscli.core.cores.core import (
    Changes,
    Core,
    PartsOf,
    Readout,
    WholeWeights,
    WordsOf,
    check_dacs,
)
from rnscli.core.cores.kind import (
    FULL,
    ConventionalKind,
    CoreOptions,
    CoreSettings,
    applied_bits,
    check_slice_bits,
    full_bits,
    range_bits,
    slices_of,
)
from rnscli.core.devices import IDEAL, OFFSET, Devices
from rnscli.core.devices.built import Channel, Conversion
from rnscli.core.noise import Adc, NoiseLaw, wrong_word

MAX_OUTPUT_BITS = 62  # a result fits int64, with room for a rounding


class ConventionalCore(Core):
    """A core with ADCs that are alike, under one law of noise stated for those of b bits."""

    bits: int
    adc_bits: int
    adc_range: str
    noise: NoiseLaw | None
    devices: Devices
    code = None

    @property
    def physical(self) -> bool:
        """An offset makes a difference even of ideal devices: it takes a part of the range."""
        return self.devices.mapping == OFFSET or not self.devices.ideal

    @property
    @abstractmethod
    def places(self) -> tuple[int, ...]:
        """What a step of each array is worth."""

    @property
    @abstractmethod
    def full_bits(self) -> int:
        """Bits of what could occur at the ADC of an array."""

    def applied(self, x: Any) -> tuple[Any, ...]:
        return (x,) * len(self.arrays)

    def receive(
        self, conversions: Iterable[Conversion], sums: IntArray, rng: np.random.Generator
    ) -> Readout:
        """Round and clip what is left of the noise, add slices, subtract the offset."""
        values, ideal = np.zeros(sums.shape), np.zeros(sums.shape)
        within = range_bits(self.full_bits, self.adc_range)
        adc_bits = min(self.adc_bits, within)
        step, adc = 2.0 ** (within - adc_bits), adc_of(adc_bits, self.bits)
        for one in conversions:
            seen = one.seen(one.levels(rng), step, -adc.low, None)
            codes = np.rint(seen)
            exact = np.rint(one.exact / step).clip(adc.low, adc.high)
            if self.noise is None:
                read = codes.clip(adc.low, adc.high)
            else:
                whole = codes.astype(np.int64)
                read = self.noise.convert(rng, whole, seen - codes, adc).astype(np.float64)
            worth = float(one.place * self.places[one.part])
            for total, codes_read in ((values, read), (ideal, exact)):
                found = codes_read * step
                if one.excess is not None:
                    found -= one.excess
                total += worth * found
        return Readout(values.astype(np.int64), values != ideal, (sums.size,))

    @property
    def laws(self) -> tuple[NoiseLaw, ...]:
        return () if self.noise is None else (self.noise,)

    @property
    def channels(self) -> tuple[int, ...]:
        """As of a converter of b bits, for which noise is stated."""
        return (2**self.bits,)


@dataclass(frozen=True)
class FixedPointCore(ConventionalCore, WholeWeights):
    """A conventional core: one ADC keeps the top ``adc_bits`` bits of the b_out of a result.

    ``S`` is rounded to a multiple of ``2**(b_out - adc_bits)`` (ties to even) and clipped to the
    two's complement range. With ``adc_bits = b_out`` nothing is lost. With a range of ``1 / 2**r``
    of the full one steps are ``2**r`` times finer, and what is beyond the range is clipped.

    Parameters
    ----------
    name
        ``fixed-lp`` or ``fixed-hp``.
    dot_product
        Shape of the operands.
    bits
        Bits b of the converters that noise is stated for.
    adc_bits
        Bits of this core's ADC.
    noise
        Noise at the ADC, or none.
    adc_range
        Share of the full range that the ADC has, one of `rnscli.core.ADC_RANGES`.
    devices
        What its array is built of.

    Raises
    ------
    InputError
        If results exceed 2**62, or the range is none of these.

    Examples
    --------
    >>> core = FixedPointCore("fixed-lp", DotProduct(2, 4, 4), bits=4, adc_bits=4)
    >>> core.read(np.array([98, 13, 3]), np.random.default_rng(0)).values.tolist()
    [96, 16, 0]
    >>> core = FixedPointCore("fixed-lp", DotProduct(2, 4, 4), 4, adc_bits=4, adc_range="1/4")
    >>> core.read(np.array([98, 13, 3]), np.random.default_rng(0)).values.tolist()
    [28, 12, 4]
    """

    name: str
    dot_product: DotProduct
    bits: int
    adc_bits: int
    noise: NoiseLaw | None = None
    adc_range: str = FULL
    devices: Devices = IDEAL

    def __post_init__(self) -> None:
        CoreOptions.adc_range.check(self.adc_range)
        _check_output_bits(self.dot_product.output_bits)
        check_dacs(self)

    @property
    def places(self) -> tuple[int, ...]:
        return (1,)

    @property
    def full_bits(self) -> int:
        return full_bits(self.dot_product, self.devices)

    @property
    def arrays(self) -> tuple[Channel, ...]:
        dot, offset = self.dot_product, self.dot_product.max_weight + 1
        inputs = (-dot.max_input, dot.max_input)
        if self.devices.mapping == OFFSET:
            return (Channel(0, 2 * offset - 1, *inputs, offset=offset),)
        return (Channel(-dot.max_weight, dot.max_weight, *inputs),)

    def stored(self, w: Any) -> tuple[Any, ...]:
        (channel,) = self.arrays
        return (w + channel.offset,)

    @property
    def _range_bits(self) -> int:
        return range_bits(self.dot_product.output_bits, self.adc_range)

    @property
    def reach(self) -> int:
        """Half of the two's complement range."""
        return int(2 ** (self.dot_product.output_bits - 1))

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"adc_bits": self.adc_bits, "adc_range": self.adc_range}

    def dot(self, x: IntArray, w: IntArray, rng: np.random.Generator) -> Readout:
        return self.read(np.einsum("...j,...j->...", x, w, dtype=np.int64), rng)

    def read(self, sums: IntArray, rng: np.random.Generator) -> Readout:
        """What the ADC makes of exact dot products."""
        values, ideal = convert_sums(
            sums, self._range_bits, self.adc_bits, self.bits, self.noise, rng
        )
        return Readout(values, values != ideal, (sums.size,))

    def ideal(self, sums: Sequence[Any]) -> Any:
        """Rounded and clipped."""
        return convert_clean(sums[0], self._range_bits, self.adc_bits)


@dataclass(frozen=True)
class BitSlicedCore(ConventionalCore):
    """What designers do today: a weight is spread over several low-precision devices.

    The magnitude of ``W_j`` is cut in digits ``d_ij`` of s bits, ``|W_j| = sum_i 2**(s i) d_ij``.
    Each slice forms ``P_i = sum_j X_j sign(W_j) d_ij`` in the array, an ADC of ``adc_bits`` bits
    reads it, and the readings are shifted and added digitally, ``S = sum_i 2**(s i) P_i``.

    Weights are signed by differential pairs: a positive and a negative device for each digit, on
    two lines whose difference is converted. The other way, an offset added to every weight and
    subtracted digitally, makes ``P_i`` grow with the sum of the inputs, which takes half of the
    ADC's range and is large where the weights are all zero; with pairs, small sums stay small.

    Parameters
    ----------
    dot_product
        Shape of the operands.
    bits
        Bits b of the converters that noise is stated for.
    slice_bits
        Bits s of a slice, at most those of a magnitude.
    adc_bits
        Bits a of the ADCs, which are alike: their full scale is that of an exact sum of s-bit
        digits, also where the highest slice has fewer bits.
    noise
        Noise at each conversion, or none.
    adc_range
        Share of that full scale that the ADCs have, one of `rnscli.core.ADC_RANGES`.
    devices
        What its arrays are built of, and how signs are mapped to them.

    Raises
    ------
    InputError
        If a number of bits or the range is none that is accepted, or results exceed 2**62.

    References
    ----------
    Xiao et al., "On the accuracy of analog neural network inference accelerators", IEEE Circuits
    and Systems Magazine 2022, arXiv:2109.01262, on differential pairs against offsets.

    Examples
    --------
    >>> core = BitSlicedCore(DotProduct(2, 4, 4), bits=4, slice_bits=2, adc_bits=5)
    >>> x, w = np.array([[7, -3]]), np.array([[6, 5]])
    >>> core.dot(x, w, np.random.default_rng(0)).values.tolist(), int((x * w).sum())
    ([28], 27)
    """

    dot_product: DotProduct
    bits: int
    slice_bits: int
    adc_bits: int
    noise: NoiseLaw | None = None
    adc_range: str = FULL
    devices: Devices = IDEAL
    name = "bit-sliced"

    def __post_init__(self) -> None:
        CoreOptions.adc_range.check(self.adc_range)
        check_slice_bits(self.slice_bits, self.dot_product)
        CoreOptions.adc_bits.check(self.adc_bits)
        _check_output_bits(self._reached_bits)
        check_dacs(self)

    @property
    def places(self) -> tuple[int, ...]:
        return tuple(2 ** (self.slice_bits * index) for index in range(self.slices))

    @property
    def full_bits(self) -> int:
        dot = self.dot_product
        return self._sum_bits - dot.input_bits + applied_bits(dot, self.devices)

    @property
    def arrays(self) -> tuple[Channel, ...]:
        dot, most = self.dot_product, 2**self.slice_bits - 1
        offset = dot.max_weight + 1 if self.devices.mapping == OFFSET else 0
        low, inputs = 0 if offset else -most, (-dot.max_input, dot.max_input)
        alike = Channel(low, most, *inputs)
        return (alike._replace(offset=offset), *(alike,) * (self.slices - 1))

    def stored(self, w: Any) -> tuple[Any, ...]:
        """Signed digits, or those of the weight with its offset."""
        offset = self.arrays[0].offset
        if not offset:
            return self.parts(w)
        base = 2**self.slice_bits
        return tuple((w + offset) // place % base for place in self.places)

    @property
    def _reached_bits(self) -> int:
        # Noise may put any code in the place of the highest slice's.
        return self._sum_bits + self.slice_bits * (self.slices - 1)

    @property
    def reach(self) -> int:
        """All slices at the lowest code."""
        return int(2**self._reached_bits)

    @property
    def settings(self) -> Mapping[str, Any]:
        return {
            "slice_bits": self.slice_bits,
            "adc_bits": self.adc_bits,
            "adc_range": self.adc_range,
        }

    @property
    def slices(self) -> int:
        """Number of slices of a weight; with an offset it has one more bit."""
        return slices_of(self.dot_product, self.slice_bits, self.devices)

    @property
    def _sum_bits(self) -> int:
        return self.dot_product.slice_output_bits(self.slice_bits)

    @property
    def _range_bits(self) -> int:
        return range_bits(self._sum_bits, self.adc_range)

    def dot(self, x: IntArray, w: IntArray, rng: np.random.Generator) -> Readout:
        # The digits of `parts`, by shifts, which integers have and floats do not.
        magnitude, sign, mask = np.abs(w), np.sign(w), 2**self.slice_bits - 1
        shifts = [self.slice_bits * index for index in range(self.slices)]
        digits = [sign * ((magnitude >> shift) & mask) for shift in shifts]
        sums = [np.einsum("...j,...j->...", x, part, dtype=np.int64) for part in digits]
        return self.read(np.stack(sums), rng)

    def partial_sums(self, x: FloatArray, w: FloatArray, sums: IntArray) -> IntArray:
        """Exact sums of the slices, of shape ``(slices, pairs)``, the lowest first.

        Without their i lowest digits the weights are ``T_i = trunc(W / 2**(s i))``, so that
        ``P_i = X T_i - 2**s X T_(i+1)``: that takes fewer operations than the digits.
        """
        whole = [sums]
        shortened = w
        for _ in range(1, self.slices):
            shortened = np.multiply(shortened, 2.0**-self.slice_bits)
            np.trunc(shortened, out=shortened)
            whole.append(exact_dot(x, shortened, self.dot_product.max_sum))
        above = [*whole[1:], np.zeros_like(sums)]
        return np.stack(whole) - (np.stack(above) << self.slice_bits)

    def parts(self, w: Any) -> tuple[Any, ...]:
        """The signed digits, the lowest first."""
        positive, negative, base = w.clip(min=0), (-w).clip(min=0), 2**self.slice_bits
        return tuple(
            (positive // place) % base - (negative // place) % base for place in self.places
        )

    def ideal(self, sums: Sequence[Any]) -> Any:
        """Each slice rounded and clipped, shifted and added."""
        adc_bits = min(self.adc_bits, self._range_bits)
        total, *more = (
            convert_clean(partial, self._range_bits, adc_bits) * place
            for partial, place in zip(sums, self.places, strict=True)
        )
        for term in more:
            total += term
        return total

    def changes(
        self, size: int, sums_of: PartsOf, rng: np.random.Generator, words_of: WordsOf | None = None
    ) -> Changes:
        # A single part comes without its axis, which `read` has for any number of slices.
        return Changes.of(self.read(sums_of(None).reshape(self.slices, size), rng))

    def read(self, sums: IntArray, rng: np.random.Generator) -> Readout:
        """Convert the sum of each slice, shift and add."""
        adc_bits = min(self.adc_bits, self._range_bits)
        values = np.zeros(sums.shape[1:], dtype=np.int64)
        ideal = np.zeros_like(values)
        for index, partial in enumerate(sums):
            read, exact = convert_sums(
                partial, self._range_bits, adc_bits, self.bits, self.noise, rng
            )
            values += read << (self.slice_bits * index)
            ideal += exact << (self.slice_bits * index)
        return Readout(values, values != ideal, (values.size,))


def _check_output_bits(output_bits: int) -> None:
    if output_bits > MAX_OUTPUT_BITS:
        raise InputError(
            f"the dot product has {output_bits} output bits; "
            f"at most {MAX_OUTPUT_BITS} can be simulated"
        )


def adc_of(adc_bits: int, bits: int) -> Adc:
    """An ADC of ``adc_bits`` bits, under noise that is stated for converters of ``bits`` bits."""
    half = 2 ** (adc_bits - 1)
    return Adc(-half, half - 1, full_scale_ratio=2.0 ** (adc_bits - bits))


def convert_sums(
    sums: IntArray,
    output_bits: int,
    adc_bits: int,
    bits: int,
    noise: NoiseLaw | None,
    rng: np.random.Generator,
) -> tuple[IntArray, IntArray]:
    """What an ADC makes of exact sums, in their unit, with its noise and without.

    Its range has ``output_bits`` bits, of which it keeps the top ``adc_bits``: a sum is rounded to
    a multiple of ``2**(output_bits - adc_bits)``, ties to even, and clipped to the two's complement
    range. The noise is stated for converters of ``bits`` bits.
    """
    lost = max(0, output_bits - adc_bits)
    adc = adc_of(adc_bits, bits)
    rounded = _rounded(sums, lost)
    ideal = np.clip(rounded, adc.low, adc.high) << lost
    if noise is None:
        return ideal, ideal
    remainders = (sums - (rounded << lost)) / 2**lost if lost else 0.0
    return noise.convert(rng, rounded, remainders, adc) << lost, ideal


def convert_clean(sums: Any, output_bits: int, adc_bits: int) -> Any:
    """What the same ADC makes of whole-numbered floats of any array library, without noise.

    Exact, as long as the sums are: factors are powers of two.
    """
    lost = max(0, output_bits - adc_bits)
    adc = adc_of(adc_bits, adc_bits)
    if not lost:
        return sums.clip(adc.low, adc.high)
    return (sums * 2.0**-lost).round().clip(adc.low, adc.high) * 2.0**lost


def _rounded(sums: IntArray, bits: int) -> IntArray:
    """``sums / 2**bits`` rounded, ties to even.

    In integers: a double would round sums beyond 2**53 a second time.
    """
    if not bits:
        return sums
    # Less than a half is added, and just a half to what lies above an odd number: a tie moves on.
    raised = sums >> bits
    raised &= 1
    raised += (1 << (bits - 1)) - 1
    raised += sums
    raised >>= bits
    return raised


_FEWEST_NORMAL = 10  # products in a sum that is taken to be normal
_SAMPLE = 1 << 14
_MOST_VALUES = 1 << 17  # of a sum over the values of an operand, or of a result


def reading_error(kind: ConventionalKind, settings: CoreSettings, law: NoiseLaw) -> float:
    """Probability that a code of some converter changes, for uniform operands.

    A sum of h products is close to normal from some ten terms on, with the variance
    ``h E[X^2] E[W^2]``; the law says how often it changes the code of one that is rounded to
    a multiple of ``2**lost``. Sums of fewer terms, and how those of several slices go together,
    which share their inputs, are those of a sample.
    """
    dot, adc_bits = settings.dot_product, kind.converters(settings).adc_bits
    inputs = dot.vector_size * mean_square(dot.max_input, dot.vector_size)
    adc = adc_of(adc_bits, settings.bits)
    read = [(max(0, bits - adc_bits), square) for bits, square in kind.conversions(settings)]
    alone = wrong_word(
        [_changed_of_normal(law, adc, (inputs * square) ** 0.5, lost) for lost, square in read]
    )
    normal = dot.vector_size >= _FEWEST_NORMAL
    if law.equiprobable or (normal and len(read) == 1):
        return alone  # errors have nothing to do with what is read, or with other converters
    together, apart = _changed_in_sample(kind, settings, law, adc, [lost for lost, _ in read])
    if not normal:
        return together
    return alone * together / apart if apart else alone


def _changed_of_normal(law: NoiseLaw, adc: Adc, deviation: float, lost: int) -> float:
    """How often noise changes the code of normal sums of which the last ``lost`` bits are dropped.

    It may be seldom where nearly all sums are rounded to zero.
    """
    if not lost or not deviation:
        return float(np.mean(law.changed(np.zeros(1), 0.0, adc)))
    reach = math.ceil(8 * deviation)
    step = max(1.0, 2 * reach / _MOST_VALUES)  # a grid is as good as all of them
    sums = np.arange(-(reach // step), reach // step + 1) * step
    density = np.exp(-0.5 * (sums / deviation) ** 2)
    changed = law.changed(*_levels(sums, lost), adc)
    if np.ndim(changed) == 0:  # whatever is read
        return float(changed)
    return min(1.0, float(density @ changed / density.sum()))


def _changed_in_sample(
    kind: ConventionalKind, settings: CoreSettings, law: NoiseLaw, adc: Adc, lost: Sequence[int]
) -> tuple[float, float]:
    """How often noise changes some code of a sample, and would if codes were independent."""
    sums = _sampled_sums(kind, settings)
    changed = np.array(
        [
            np.broadcast_to(law.changed(*_levels(part, bits), adc), part.shape)
            for part, bits in zip(sums, lost, strict=True)
        ]
    )
    with np.errstate(divide="ignore"):  # of a chance of 1
        together = -np.expm1(np.log1p(-changed).sum(axis=0)).mean()
    return float(together), wrong_word(changed.mean(axis=1).tolist())


def _levels(sums: FloatArray, lost: int) -> tuple[FloatArray, FloatArray]:
    """Codes of sums, and what is rounded away, in steps."""
    codes = sums / 2.0**lost
    rounded = np.rint(codes)
    return rounded, codes - rounded


@lru_cache(maxsize=16)
def _sampled_sums(kind: ConventionalKind, settings: CoreSettings) -> FloatArray:
    """What the converters of a core read of uniform operands, one row for each slice."""
    dot = settings.dot_product
    rng = np.random.default_rng(0)
    core = kind.build(settings, None, None, 1)
    rows, size = [], max(1, _MOST_VALUES // dot.vector_size)
    for _ in range(-(-_SAMPLE // size)):
        x, w = rng.uniform(-1.0, 1.0, (2, size, dot.vector_size))
        for values, largest in ((x, dot.max_input), (w, dot.max_weight)):
            values *= largest / np.abs(values).max(axis=1, keepdims=True)
            np.rint(values, out=values)
        sums = exact_dot(x, w, dot.max_sum)
        rows.append(core.partial_sums(x, w, sums).reshape(-1, size))
    found: FloatArray = np.concatenate(rows, axis=1)[:, :_SAMPLE].astype(np.float64)
    return found


def mean_square(largest: int, size: int, slice_bits: int | None = None, index: int = 0) -> float:
    """Mean square of a quantised uniform operand, or of one slice of its magnitude.

    One of the h numbers is the largest, q, by the choice of the scale; the others are uniform
    between -q and q before they are rounded.

    Examples
    --------
    >>> mean_square(1, 1), round(mean_square(31, 10**9) / 31**2, 3)
    (1.0, 0.334)
    """
    values = np.arange(largest + 1, dtype=np.float64)
    if largest > _MOST_VALUES:  # a grid is as good as all of them
        values = np.linspace(0, largest, _MOST_VALUES)
    weights = np.full(values.size, 2.0)
    weights[[0, -1]] = 1.0  # zero has no other sign, and what is rounded to q half the width
    weights *= (size - 1) / size / weights.sum()
    weights[-1] += 1 / size
    if slice_bits is not None:
        values = np.floor(values / 2.0 ** (slice_bits * index)) % 2.0**slice_bits
    return float(weights @ values**2)
