"""Symmetric signed quantisation of real vectors, and the way back."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rnscli.base import InputError, check_int
from rnscli.core.arithmetic.dot_product import quantisation_levels

MAX_SIMULATED_BITS = 31
MAX_MAGNITUDE = 1e150  # the products of two operands, and sums of them, stay finite

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Quantised:
    """Integers ``X`` in ``[-q, q]`` and the scale ``s``; the real value is ``X s / q``.

    ``integers`` has the shape of the input; ``scale`` keeps the reduced axes with length 1, so
    that the two broadcast.
    """

    integers: IntArray
    scale: FloatArray
    levels: int

    def dequantise(self) -> FloatArray:
        """The real values that the integers stand for."""
        return self.integers * (self.scale / self.levels)


def quantise(
    values: npt.ArrayLike, bits: int, axis: int | tuple[int, ...] | None = -1
) -> Quantised:
    """Quantise real values symmetrically to ``bits`` bits.

    ``X = round(x q / s)`` with ``q = 2**(bits - 1) - 1`` and ``s = max |x|``, ties to even; a
    slice that is all zero has scale 1.

    Parameters
    ----------
    values
        Real array of any shape.
    bits
        Bits of the result, sign included, from 2 to 31.
    axis
        Axes that share one scale: ``-1`` for a scale per vector, ``None`` for one per tensor.

    Raises
    ------
    InputError
        If a value is NaN, infinite or larger than 1e150 in magnitude, or ``bits`` is out of range.

    References
    ----------
    arXiv:2309.10759, Methods.

    Examples
    --------
    >>> quantise([0.5, -1.0, 0.25], bits=4).integers
    array([ 4, -7,  2])
    """
    bits = check_int("bits", bits, 2, MAX_SIMULATED_BITS)
    array = np.asarray(values, dtype=np.float64)
    if not np.all(np.abs(array) <= MAX_MAGNITUDE):
        raise InputError(
            f"`values` holds NaN or a magnitude above {MAX_MAGNITUDE:g}; it must be finite"
        )
    integers, scale = round_to_levels(array, quantisation_levels(bits), axis)
    return Quantised(integers.astype(np.int64), scale, quantisation_levels(bits))


def round_to_levels(
    values: FloatArray, levels: int, axis: int | tuple[int, ...] | None = -1
) -> tuple[FloatArray, FloatArray]:
    """Whole-numbered floats in ``[-levels, levels]`` and their scale; finite input only.

    The unchecked inside of `quantise`: float64 holds these integers exactly, and exact products
    of floats are what BLAS is fast at.
    """
    scale = np.abs(values).max(axis=axis, keepdims=True, initial=0.0)
    scale = np.where(scale > 0, scale, 1.0)
    # In this order a tie stays a tie; `levels / scale` would be rounded first.
    scaled = values * levels
    scaled /= scale
    return np.rint(scaled, out=scaled), scale
