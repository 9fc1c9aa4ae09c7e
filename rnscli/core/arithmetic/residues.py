"""Integers on arrays: quantised operands, their residues, modular products, and the way back.

Residue arrays carry the channel first: shape ``(N, ...)`` for N moduli. Everything is int64, and
every intermediate value is proven to fit: moduli are at most 2**31, so a product of two residues
stays below 2**62.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt

from rnscli.base import InputError, check_int
from rnscli.core.arithmetic.dot_product import quantisation_levels
from rnscli.core.arithmetic.moduli import (
    ModuliSet,
    check_moduli_set,
    crt_weights,
    mixed_radix_inverses,
)

MAX_SIMULATED_BITS = 31
MAX_SIMULATED_MODULUS = 2**31
MAX_SIMULATED_RANGE = 2**62
MAX_MAGNITUDE = 1e150  # the products of two operands, and sums of them, stay finite
_FLOAT_EXACT = 2**53
_INT_LIMIT = 2**63

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
    levels = quantisation_levels(bits)
    scale = np.abs(array).max(axis=axis, keepdims=True, initial=0.0)
    scale = np.where(scale > 0, scale, 1.0)
    # In this order a tie stays a tie; `levels / scale` would be rounded first.
    scaled = array * levels
    scaled /= scale
    return Quantised(np.rint(scaled, out=scaled).astype(np.int64), scale, levels)


def to_residues(values: IntArray, moduli: ModuliSet | Sequence[int]) -> IntArray:
    """Residues of signed integers, in ``[0, m)``.

    Parameters
    ----------
    values
        Signed integers of any shape ``S``.
    moduli
        The N moduli, each at most 2**31, or a set of them.

    Returns
    -------
    array of shape ``(N, *S)``

    Examples
    --------
    >>> to_residues(np.array([-1, 8]), (7, 5)).tolist()
    [[6, 1], [4, 3]]
    """
    values = np.asarray(values)
    if not np.issubdtype(values.dtype, np.integer):
        raise InputError(f"`values` has dtype {values.dtype}; residues are taken of integers")
    members = check_simulable(moduli)
    residues = np.empty((len(members), *values.shape), dtype=np.int64)
    wide = np.uint64 if values.dtype == np.uint64 else np.int64  # holds every modulus
    values = values.astype(wide, copy=False)
    for channel, modulus in enumerate(members):
        residues[channel, ...] = values % wide(modulus)
    return residues


def modular_dot(x: IntArray, w: IntArray, moduli: ModuliSet | Sequence[int]) -> IntArray:
    """Dot product over the last axis in each channel, ``sum_j x_j w_j mod m``.

    Parameters
    ----------
    x, w
        Residues of shapes ``(N, ..., h)``, in ``[0, m)``; the middle axes broadcast.
    moduli
        The N moduli, or a set of them.

    Returns
    -------
    array of shape ``(N, ...)``

    Examples
    --------
    >>> x = to_residues(np.array([1, -2, 3]), (7, 5))
    >>> modular_dot(x, x, (7, 5)).tolist()
    [0, 4]
    """
    members = check_simulable(moduli)
    x, w = check_residues("x", x, members), check_residues("w", w, members)
    channels = []
    for a, b, modulus in zip(x, w, members, strict=True):
        cuts = _cuts(a.shape[-1], modulus)
        sums = (np.einsum("...j,...j->...", a[..., cut], b[..., cut]) for cut in cuts)
        channels.append(_total(sums, modulus))
    return np.stack(channels)


def modular_matmul(x: IntArray, w: IntArray, moduli: ModuliSet | Sequence[int]) -> IntArray:
    """Matrix product in each channel, ``x @ w mod m``.

    Parameters
    ----------
    x, w
        Residues of shapes ``(N, ..., r, h)`` and ``(N, ..., h, c)``, in ``[0, m)``.
    moduli
        The N moduli, or a set of them.

    Returns
    -------
    array of shape ``(N, ..., r, c)``

    Examples
    --------
    >>> a = to_residues(np.array([[1, 2], [3, 4]]), (7, 5))
    >>> modular_matmul(a, a, (7, 5)).tolist()
    [[[0, 3], [1, 1]], [[2, 0], [0, 2]]]
    """
    members = check_simulable(moduli)
    x, w = check_residues("x", x, members), check_residues("w", w, members)
    channels = []
    for a, b, modulus in zip(x, w, members, strict=True):
        if a.shape[-1] * (modulus - 1) ** 2 < _FLOAT_EXACT:
            # BLAS; exact, because every partial sum is a whole number below 2**53.
            product = np.matmul(a.astype(np.float64), b.astype(np.float64))
            channels.append(np.remainder(product, modulus).astype(np.int64))
        else:
            cuts = _cuts(a.shape[-1], modulus)
            sums = (np.matmul(a[..., cut], b[..., cut, :]) for cut in cuts)
            channels.append(_total(sums, modulus))
    return np.stack(channels)


def _cuts(terms: int, modulus: int) -> Iterator[slice]:
    """Cuts of a sum, each of as many products of two residues as fit in int64; at least one."""
    step = (_INT_LIMIT - 1) // max(1, (modulus - 1) ** 2)
    return (slice(start, start + step) for start in range(0, max(1, terms), step))


def _total(sums: Iterable[IntArray], modulus: int) -> IntArray:
    """Modulo m; the sums are reduced before they are added, and so is what they make."""
    return reduce(lambda total, part: (total + part) % modulus, (part % modulus for part in sums))


def check_residues(name: str, residues: IntArray, moduli: Sequence[int]) -> IntArray:
    """Residues as int64, in which products are proven to fit; a narrower type would wrap."""
    array = np.asarray(residues)
    if array.ndim < 1 or array.shape[0] != len(moduli):
        raise InputError(
            f"`{name}` has shape {array.shape}; its first axis must hold the {len(moduli)} residues"
        )
    if not np.issubdtype(array.dtype, np.integer):
        raise InputError(f"`{name}` has dtype {array.dtype}; residues are whole numbers")
    return array.astype(np.int64, copy=False)


def check_simulable(moduli: ModuliSet | Sequence[int]) -> Sequence[int]:
    """The moduli, whose residues have products that fit in int64."""
    if isinstance(moduli, ModuliSet):
        moduli = moduli.moduli
    if max(moduli) > MAX_SIMULATED_MODULUS:
        raise InputError(
            f"modulus {max(moduli)} is too large to simulate; at most 2^31 is accepted", "moduli"
        )
    return moduli


def from_residues(residues: IntArray, moduli: ModuliSet) -> IntArray:
    """Signed integers from the residues of the information moduli.

    Parameters
    ----------
    residues
        Array of shape ``(N, ...)`` in the order of ``moduli.moduli``; only the n information
        channels are read.
    moduli
        The set; its dynamic range M is at most 2**62.

    Returns
    -------
    array of shape ``(...)``
        Values in ``[-floor(M/2), ceil(M/2) - 1]``.

    Raises
    ------
    InputError
        If the dynamic range exceeds 2**62, or ``moduli`` is no `ModuliSet`.

    Examples
    --------
    >>> moduli = ModuliSet([7, 5, 3])
    >>> from_residues(to_residues(np.array([-52, 0, 52]), moduli), moduli).tolist()
    [-52, 0, 52]
    """
    product = check_moduli_set(moduli).dynamic_range
    if product > MAX_SIMULATED_RANGE:
        raise InputError(
            f"dynamic range {product} is too large to simulate; at most 2^62 is accepted", "moduli"
        )
    offset = product // 2
    residues = check_residues("residues", residues, moduli.moduli)
    reader = RangeReader(moduli.parts, product, offset, of=moduli.information)
    return reader.read(residues[moduli.redundant :])[0] - offset


class RangeReader:
    """Chinese remaindering over coprime moduli, for values of a limited range, without overflow.

    Residues may be ``of`` multiples of the moduli. Reads ``v = (X + offset) mod M`` from residues
    of X, with M the product of the given moduli, and says whether ``v < limit``, for a limit up to
    2**62 and an offset up to that. M itself may exceed int64 where ``limit`` does not: then only
    mixed-radix digits are formed, and they are compared with the digits of the limit.
    """

    def __init__(
        self, moduli: tuple[int, ...], limit: int, offset: int, of: tuple[int, ...] | None = None
    ) -> None:
        """Choose the representation: one weighted sum where it fits, mixed radix elsewhere."""
        self._moduli = check_simulable(moduli)
        self._limit = limit
        self._product = math.prod(moduli)
        self.offset = offset
        self._weights = crt_weights(moduli)
        weighted = zip(of or moduli, self._weights, strict=True)
        largest_sum = offset + sum((m - 1) * w for m, w in weighted)
        self._fits = largest_sum < _INT_LIMIT
        self._inverses = mixed_radix_inverses(moduli)
        last, self._last_digits = limit - 1, []
        for modulus in moduli:
            last, digit = divmod(last, modulus)
            self._last_digits.append(digit)

    def read(self, residues: IntArray) -> tuple[IntArray, npt.NDArray[np.bool_]]:
        """Values (0 where they are outside) and whether each is inside, from ``(n, ...)``."""
        if self._fits:
            total = residues[0] * self._weights[0]
            for channel, weight in zip(residues[1:], self._weights[1:], strict=True):
                total += channel * weight
            total += self.offset
            total %= self._product
            if self._limit == self._product:
                return total, np.ones(total.shape, dtype=np.bool_)
            inside = total < self._limit
            return np.where(inside, total, 0), inside
        digits = self._mixed_radix(residues)
        inside = np.ones(digits[0].shape, dtype=np.bool_)
        for digit, last in zip(digits, self._last_digits, strict=True):
            inside = (digit < last) | ((digit == last) & inside)  # later digits weigh more
        value = np.zeros_like(digits[0])
        for digit, modulus in zip(reversed(digits), reversed(self._moduli), strict=True):
            # Outside the range the digits are replaced by zeros, so nothing can overflow.
            value = value * modulus + np.where(inside, digit, 0)
        return value, inside

    def _mixed_radix(self, residues: IntArray) -> list[IntArray]:
        """Digits d with ``X + offset = d_0 + m_0 (d_1 + m_1 (d_2 + ...))``."""
        digits: list[IntArray] = []
        for channel, modulus, inverses in zip(residues, self._moduli, self._inverses, strict=True):
            digit = (channel + self.offset % modulus) % modulus
            for earlier, inverse in zip(digits, inverses, strict=True):
                digit = (digit - earlier) * inverse % modulus
            digits.append(digit)
        return digits


def exact_dot(x: FloatArray, w: FloatArray, largest: int) -> IntArray:
    """Dot products over the last axis of whole-numbered floats, as exact int64.

    ``largest`` bounds the magnitude of the result; below 2**53 the floats are summed as they are.
    """
    if largest >= _FLOAT_EXACT:
        x, w = x.astype(np.int64), w.astype(np.int64)
    sums: IntArray = np.einsum("...j,...j->...", x, w).astype(np.int64)
    return sums
