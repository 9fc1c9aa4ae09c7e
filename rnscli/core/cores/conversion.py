"""A conventional converter that reads exact sums with fewer bits than they have."""

from typing import Any

import numpy as np

from rnscli.base import InputError
from rnscli.core.arithmetic import IntArray
from rnscli.core.noise import Adc, NoiseLaw

MAX_OUTPUT_BITS = 62  # a result fits int64, with room for a rounding


def check_output_bits(output_bits: int) -> None:
    """Refuse sums that int64 does not hold with room for a rounding.

    Raises
    ------
    InputError
        If there are more than 62 bits.
    """
    if output_bits > MAX_OUTPUT_BITS:
        raise InputError(
            f"the dot product has {output_bits} output bits; "
            f"at most {MAX_OUTPUT_BITS} can be simulated"
        )


def convert_sums(
    sums: IntArray,
    output_bits: int,
    adc_bits: int,
    bits: int,
    noise: NoiseLaw | None,
    rng: np.random.Generator,
) -> tuple[IntArray, IntArray]:
    """What an ADC of ``adc_bits`` bits makes of sums of ``output_bits`` bits.

    It keeps their top bits: a sum is rounded to a multiple of ``2**(output_bits - adc_bits)``,
    ties to even, and clipped to the two's complement range.

    Parameters
    ----------
    sums
        Exact sums, int64 of any shape.
    output_bits, adc_bits
        Bits of the sums, which are the full scale of the ADC, and of its codes.
    bits
        Bits of the converters that the noise is stated for; ``adc_bits`` may be others.
    noise
        Noise at the ADC, or none.
    rng
        Source of the noise.

    Returns
    -------
    converted, ideal
        What the ADC says, in the unit of the sums, and what it would say without noise.

    Examples
    --------
    >>> convert_sums(np.array([98, 13, 3]), 8, 4, 4, None, np.random.default_rng(0))[0].tolist()
    [96, 16, 0]
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

    Examples
    --------
    >>> convert_clean(np.array([98.0, 13.0, 3.0]), 8, 4).tolist()
    [96.0, 16.0, 0.0]
    """
    lost = max(0, output_bits - adc_bits)
    low, high = _codes(adc_bits)
    if not lost:
        return sums.clip(low, high)
    return (sums * 2.0**-lost).round().clip(low, high) * 2.0**lost


def adc_of(adc_bits: int, bits: int) -> Adc:
    """An ADC of ``adc_bits`` bits, under noise that is stated for converters of ``bits`` bits."""
    low, high = _codes(adc_bits)
    return Adc(low, high, full_scale_ratio=2.0 ** (adc_bits - bits))


def _codes(adc_bits: int) -> tuple[int, int]:
    """The lowest and the highest code of an ADC."""
    return -(2 ** (adc_bits - 1)), 2 ** (adc_bits - 1) - 1


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
