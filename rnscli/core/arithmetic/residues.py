"""Residue arithmetic on arrays: forward conversion, modular products, and back to integers.

Residue arrays carry the channel first: shape ``(N, ...)`` for N moduli. Everything is int64, and
every intermediate value is proven to fit: moduli are at most 2**31, so a product of two residues
stays below 2**62.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rnscli.base import InputError
from rnscli.core.arithmetic.moduli import (
    ModuliSet,
    check_moduli_set,
    crt_weights,
    mixed_radix_inverses,
)
from rnscli.core.arithmetic.quantisation import FloatArray, IntArray

MAX_SIMULATED_MODULUS = 2**31
MAX_SIMULATED_RANGE = 2**62
_FLOAT_EXACT = 2**53
_INT_LIMIT = 2**63


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
    members = _simulable(moduli)
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
    members = _simulable(moduli)
    x, w = check_residues("x", x, members), check_residues("w", w, members)
    channels = [_sum_of_products(x[i], w[i], modulus) for i, modulus in enumerate(members)]
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
    members = _simulable(moduli)
    x, w = check_residues("x", x, members), check_residues("w", w, members)
    channels = []
    for i, modulus in enumerate(members):
        step = _terms_that_fit(modulus)
        if x.shape[-1] * (modulus - 1) ** 2 < _FLOAT_EXACT:
            # BLAS; exact, because every partial sum is a whole number below 2**53.
            product = np.matmul(x[i].astype(np.float64), w[i].astype(np.float64))
            channels.append(np.remainder(product, modulus).astype(np.int64))
            continue
        total = np.matmul(x[i][..., :0], w[i][..., :0, :])
        for start in range(0, x.shape[-1], step):
            part = np.matmul(x[i][..., start : start + step], w[i][..., start : start + step, :])
            total = (total + part % modulus) % modulus
        channels.append(total)
    return np.stack(channels)


def _sum_of_products(x: IntArray, w: IntArray, modulus: int) -> IntArray:
    step = _terms_that_fit(modulus)
    total: IntArray | None = None
    for start in range(0, x.shape[-1], step):
        part = np.einsum(
            "...j,...j->...", x[..., start : start + step], w[..., start : start + step]
        )
        total = part % modulus if total is None else (total + part % modulus) % modulus
    if total is None:
        return np.zeros(np.broadcast_shapes(x.shape[:-1], w.shape[:-1]), dtype=np.int64)
    return total


def _terms_that_fit(modulus: int) -> int:
    """How many products of two residues can be summed in int64."""
    return max(1, (_INT_LIMIT - 1) // max(1, (modulus - 1) ** 2))


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


def _simulable(moduli: ModuliSet | Sequence[int]) -> Sequence[int]:
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
    reader = RangeReader(moduli.information, product, offset)
    return reader.read(residues[moduli.redundant :])[0] - offset


class RangeReader:
    """Chinese remaindering over some moduli, for values of a limited range, without overflow.

    Reads ``v = (X + offset) mod M`` from residues of X, with M the product of the given moduli,
    and says whether ``v < limit``. M itself may exceed int64 where ``limit`` does not: then only
    mixed-radix digits are formed, and they are compared with the digits of the limit.

    Parameters
    ----------
    moduli
        Pairwise coprime moduli, each at most 2**31.
    limit
        Size of the range, at most M and at most 2**62.
    offset
        Added to X; from 0 to ``limit``.

    Examples
    --------
    >>> reader = RangeReader((7, 5), limit=20, offset=10)
    >>> values, inside = reader.read(to_residues(np.array([-10, 9, 10]), (7, 5)))
    >>> values.tolist(), inside.tolist()
    ([0, 19, 0], [True, True, False])
    """

    def __init__(self, moduli: tuple[int, ...], limit: int, offset: int) -> None:
        """Choose the representation: one weighted sum where it fits, mixed radix elsewhere."""
        self._moduli = _simulable(moduli)
        self._limit = limit
        self._product = math.prod(moduli)
        self._offset = offset
        self._weights = crt_weights(moduli)
        largest_sum = offset + sum((m - 1) * w for m, w in zip(moduli, self._weights, strict=True))
        self._fits = largest_sum < _INT_LIMIT
        self._inverses = mixed_radix_inverses(moduli)
        self._last_digits = _digits_of(limit - 1, moduli)

    def read(self, residues: IntArray) -> tuple[IntArray, npt.NDArray[np.bool_]]:
        """Values (0 where they are outside) and whether each is inside, from ``(n, ...)``."""
        if self._fits:
            total = residues[0] * self._weights[0]
            for channel, weight in zip(residues[1:], self._weights[1:], strict=True):
                total += channel * weight
            total += self._offset
            total %= self._product
            if self._limit == self._product:
                return total, np.ones(total.shape, dtype=np.bool_)
            inside = total < self._limit
            return np.where(inside, total, 0), inside
        digits = self._mixed_radix(residues)
        inside = _at_most(digits, self._last_digits)
        value = np.zeros_like(digits[0])
        for digit, modulus in zip(reversed(digits), reversed(self._moduli), strict=True):
            # Outside the range the digits are replaced by zeros, so nothing can overflow.
            value = value * modulus + np.where(inside, digit, 0)
        return value, inside

    def _mixed_radix(self, residues: IntArray) -> list[IntArray]:
        """Digits d with ``X + offset = d_0 + m_0 (d_1 + m_1 (d_2 + ...))``."""
        digits: list[IntArray] = []
        for channel, modulus, inverses in zip(residues, self._moduli, self._inverses, strict=True):
            digit = (channel + self._offset % modulus) % modulus
            for earlier, inverse in zip(digits, inverses, strict=True):
                digit = (digit - earlier) * inverse % modulus
            digits.append(digit)
        return digits


def _digits_of(value: int, moduli: tuple[int, ...]) -> list[int]:
    digits = []
    for modulus in moduli:
        value, digit = divmod(value, modulus)
        digits.append(digit)
    return digits


def _at_most(digits: list[IntArray], bound: list[int]) -> npt.NDArray[np.bool_]:
    """Whether mixed-radix numbers are at most ``bound``; the last digit weighs most."""
    result = np.ones(digits[0].shape, dtype=np.bool_)
    for digit, limit in zip(digits, bound, strict=True):
        result = (digit < limit) | ((digit == limit) & result)
    return result


def exact_dot(x: FloatArray, w: FloatArray, largest: int) -> IntArray:
    """Dot products over the last axis of whole-numbered floats, as exact int64.

    ``largest`` bounds the magnitude of the result; below 2**53 the floats are summed as they are.
    """
    if largest >= _FLOAT_EXACT:
        x, w = x.astype(np.int64), w.astype(np.int64)
    sums: IntArray = np.einsum("...j,...j->...", x, w).astype(np.int64)
    return sums
