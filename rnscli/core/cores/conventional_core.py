"""The conventional cores as they are simulated: ADCs that read sums of ordinary numbers."""

import math
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from rnscli.base import InputError, check_float
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
    CALIBRATED,
    FULL,
    CoreOptions,
    applied_bits,
    check_slice_bits,
    full_bits,
    range_bits,
    range_share,
    slices_of,
)
from rnscli.core.devices import IDEAL, OFFSET, Devices
from rnscli.core.devices.built import Channel, Conversion, digits_of
from rnscli.core.noise import Adc, NoiseLaw

_SHARES = "a share above 0 and at most 1"
MAX_OUTPUT_BITS = 62  # a result fits int64, with room for a rounding


class ConventionalCore(Core):
    """A core with ADCs of as many bits, under one law of noise stated for those of b bits.

    Each part of its weights has an ADC, whose range is a share of the full one: the range of that
    part's sums which ``full_bits`` have.
    """

    bits: int
    adc_bits: int
    noise: NoiseLaw | None
    adc_range: str
    calibrated: tuple[float, ...]
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

    def applied(self, x: Any) -> tuple[Any, ...]:
        return (x,) * len(self.arrays)

    def receive(
        self, conversions: Iterable[Conversion], sums: IntArray, rng: np.random.Generator
    ) -> Readout:
        """Round and clip what is left of the noise, add slices, subtract the offset."""
        values, ideal = np.zeros(sums.shape), np.zeros(sums.shape)
        for one in conversions:
            bits, step = step_of(self.full_bits, self.adc_bits, self.shares[one.part])
            adc = adc_of(bits, self.bits)
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
        return Readout(values, values != ideal, (sums.size,))

    def offset_sums(self, x: FloatArray, w: FloatArray) -> IntArray:
        """What the ADCs of pairs read where weights have an offset, for each array.

        Of inputs that are applied in slices, one after the other.
        """
        found = []
        for stored, channel in zip(self.stored(w), self.arrays, strict=True):
            slices = [part for _, part in digits_of(self.devices, channel, x)]
            largest = x.shape[1] * channel.high * channel.input_high
            found.append(np.concatenate([exact_dot(one, stored, largest) for one in slices]))
        return np.stack(found)

    @property
    @abstractmethod
    def full_bits(self) -> int:
        """Bits of the full range of an ADC."""

    @property
    def part_count(self) -> int:
        """Number of parts of the weights."""
        return 1

    @property
    def shares(self) -> tuple[float, ...]:
        """Share of the full range that the ADC of each part has."""
        return self.calibrated or (range_share(self.adc_range),) * self.part_count

    def with_shares(self, shares: Sequence[float]) -> Self:
        """The core with calibrated ranges: their shares of the full range, one for each part.

        Raises
        ------
        InputError
            If a share is not above 0 and at most 1, or there is not one for each part.

        Examples
        --------
        >>> core = FixedPointCore("fixed-lp", DotProduct(2, 4, 4), bits=4, adc_bits=4)
        >>> made = core.with_shares([0.375])  # steps of 6 instead of 16
        >>> made.read(np.array([98, 13, 3]), np.random.default_rng(0)).values.tolist()
        [42.0, 12.0, 0.0]
        >>> made.settings["adc_range"], made.settings["adc_share"]
        ('calibrated', 0.375)
        """
        found = tuple(check_float("shares", one, 0.0, 1.0, _SHARES) for one in shares)
        widest = max((range_bits(self.full_bits, one) for one in found if one), default=1)
        made: Any = self  # one of the dataclasses below
        core: Self = replace(
            made, adc_bits=min(self.adc_bits, widest), adc_range=CALIBRATED, calibrated=found
        )
        return core

    def _check_range(self) -> None:
        CoreOptions.adc_range.check(self.adc_range)
        if (self.adc_range == CALIBRATED) != bool(self.calibrated):
            raise InputError(
                f"`adc_range` is {self.adc_range}; a core {self.name} with shares of its own, and "
                "no other, is calibrated (`with_shares`)"
            )
        if self.calibrated and (
            len(self.calibrated) != self.part_count or not all(map(_is_share, self.calibrated))
        ):
            raise InputError.of(
                "shares", self.calibrated, f"{self.part_count} of them, each {_SHARES}"
            )

    @property
    def _ranges(self) -> dict[str, Any]:
        return {
            "adc_bits": self.adc_bits,
            "adc_range": self.adc_range,
            "adc_share": max(self.shares),
        }

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
    two's complement range. With ``adc_bits = b_out`` nothing is lost. With a share of the full
    range steps are finer by that share, down to 1, and what is beyond the range is clipped; results
    are float64 where a step is no power of two (`convert_sums`).

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
        Range of the ADC: ``full`` or a fraction of it, as a text.
    calibrated
        The share of it that a ``calibrated`` one has: see `with_shares`.
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
    calibrated: tuple[float, ...] = ()
    devices: Devices = IDEAL

    def __post_init__(self) -> None:
        self._check_range()
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

    @property
    def lossless(self) -> bool:
        """With the full range, and codes for all that is in it."""
        used, step = step_of(self.full_bits, self.adc_bits, *self.shares)
        adc = adc_of(used, used)
        return step == 1.0 and -adc.low >= self.dot_product.max_sum <= adc.high

    def stored(self, w: Any) -> tuple[Any, ...]:
        (channel,) = self.arrays
        return (w + channel.offset,)

    def partial_sums(self, x: FloatArray, w: FloatArray, sums: IntArray) -> IntArray:
        return self.offset_sums(x, w)[0] if self.devices.mapping == OFFSET else sums

    @property
    def reach(self) -> int:
        """Half of the two's complement range."""
        return int(2 ** (self.dot_product.output_bits - 1))

    @property
    def settings(self) -> Mapping[str, Any]:
        return self._ranges

    def dot(self, x: IntArray, w: IntArray, rng: np.random.Generator) -> Readout:
        return self.read(np.einsum("...j,...j->...", x, w, dtype=np.int64), rng)

    def read(self, sums: IntArray, rng: np.random.Generator) -> Readout:
        """What the ADC makes of exact dot products."""
        values, ideal = convert_sums(
            sums, self.full_bits, self.adc_bits, self.bits, self.noise, rng, *self.shares
        )
        return Readout(values, values != ideal, (sums.size,))

    def ideal(self, sums: Sequence[Any]) -> Any:
        """Rounded and clipped."""
        return convert_clean(sums[0], self.full_bits, self.adc_bits, *self.shares)


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
        Range of the ADCs: ``full``, which is that full scale, or a fraction of it, as a text.
    calibrated
        The shares of it that the ADCs of the slices have, the lowest first: see `with_shares`. They
        differ by powers of two, so that readings are still shifted and added.
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
    calibrated: tuple[float, ...] = ()
    devices: Devices = IDEAL
    name = "bit-sliced"

    def __post_init__(self) -> None:
        check_dacs(self)
        check_slice_bits(self.slice_bits, self.dot_product)
        CoreOptions.adc_bits.check(self.adc_bits)
        self._check_range()
        _check_output_bits(self._reached_bits)
        if any(math.frexp(one / max(self.shares))[0] != 0.5 for one in self.shares):
            raise InputError.of("shares", self.calibrated, "shares that differ by powers of two")

    @property
    def _reached_bits(self) -> int:
        # Noise may put any code in the place of the highest slice's.
        return self.full_bits + self.slice_bits * (self.slices - 1)

    @property
    def reach(self) -> int:
        """All slices at the lowest code."""
        return int(2**self._reached_bits)

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"slice_bits": self.slice_bits, **self._ranges}

    @property
    def slices(self) -> int:
        """Number of slices of a weight; with an offset it has one more bit."""
        return slices_of(self.dot_product, self.slice_bits, self.devices)

    @property
    def part_count(self) -> int:
        return self.slices

    @property
    def full_bits(self) -> int:
        dot = self.dot_product
        full = dot.slice_output_bits(self.slice_bits)
        return full - dot.input_bits + applied_bits(dot, self.devices)

    @property
    def places(self) -> tuple[int, ...]:
        return tuple(2 ** (self.slice_bits * index) for index in range(self.slices))

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
        if self.devices.mapping == OFFSET:
            return self.offset_sums(x, w)
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
        total, *more = (
            convert_clean(partial, self.full_bits, self.adc_bits, share) * place
            for partial, share, place in zip(sums, self.shares, self.places, strict=True)
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
        values: Any = np.zeros(sums.shape[1:], dtype=np.int64)
        ideal = values
        for partial, share, place in zip(sums, self.shares, self.places, strict=True):
            read, exact = convert_sums(
                partial, self.full_bits, self.adc_bits, self.bits, self.noise, rng, share
            )
            values = values + read * place
            ideal = ideal + exact * place
        return Readout(values, values != ideal, (values.size,))


def _is_share(value: float) -> bool:
    return 0.0 < value <= 1.0


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


def step_of(full_bits: int, adc_bits: int, share: float) -> tuple[int, float]:
    """Bits that an ADC with a share of a range of ``full_bits`` uses, and its step, at least 1.

    The step is ``share 2**full_bits / 2**adc_bits``. As sums are whole numbers, none is finer than
    1: an ADC with more codes than there are numbers in its range uses as many bits as these need.

    Examples
    --------
    >>> step_of(14, 6, 1 / 8), step_of(14, 6, 0.1), step_of(14, 12, 0.1)
    ((6, 32.0), (6, 25.6), (11, 1.0))
    """
    bits = min(adc_bits, range_bits(full_bits, share))
    return bits, max(1.0, math.ldexp(share, full_bits - bits))


def convert_sums(
    sums: IntArray,
    full_bits: int,
    adc_bits: int,
    bits: int,
    noise: NoiseLaw | None,
    rng: np.random.Generator,
    share: float = 1.0,
) -> tuple[Any, Any]:
    """What an ADC makes of exact sums, in their unit, with its noise and without.

    Its range is a share of ``2**full_bits`` values: a sum is rounded to a multiple of the step
    (`step_of`), ties to even, and clipped to the two's complement range. In integers where a step
    is a power of two, and else in float64. The noise is stated for converters of ``bits`` bits.
    """
    used, step = step_of(full_bits, adc_bits, share)
    adc = adc_of(used, bits)
    lost = _log2(step)
    if lost is None:
        scaled = sums / step
        levels = np.rint(scaled)
        codes = np.clip(levels, adc.low, adc.high)
        if noise is None:
            return codes * step, codes * step
        read = noise.convert(rng, levels.astype(np.int64), scaled - levels, adc)
        return read * step, codes * step
    rounded = _rounded(sums, lost)
    ideal = np.clip(rounded, adc.low, adc.high) << lost
    if noise is None:
        return ideal, ideal
    remainders = (sums - (rounded << lost)) / 2**lost if lost else 0.0
    return noise.convert(rng, rounded, remainders, adc) << lost, ideal


def convert_clean(sums: Any, full_bits: int, adc_bits: int, share: float = 1.0) -> Any:
    """What the same ADC makes of whole-numbered floats of any array library, without noise.

    Exact, as long as the sums are and the step is a power of two.
    """
    used, step = step_of(full_bits, adc_bits, share)
    adc = adc_of(used, used)
    if step == 1.0:
        return sums.clip(adc.low, adc.high)
    lost = _log2(step)
    scaled = sums / step if lost is None else sums * 2.0**-lost
    return scaled.round().clip(adc.low, adc.high) * step


def _log2(step: float) -> int | None:
    """The power of two that a step is."""
    mantissa, exponent = math.frexp(step)
    return exponent - 1 if mantissa == 0.5 else None


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


_MOST_VALUES = 1 << 17  # of a sum over the values of an operand


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
