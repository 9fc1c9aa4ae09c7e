"""A modular matrix product for each modulus, in floats that hold every number exactly.

The quotient of a whole number a below 2**24 in magnitude in float32 (2**53 in float64) by another
never rounds up to the next whole number, so ``floor(a / m)`` is exact. So is the remainder, as long
as the multiple of m below a is within these limits, too.
"""

from collections.abc import Callable, Sequence

import numpy as np

from rnscli.core import IntArray, RangeReader, RedundantCode
from rnscli.matrix.arrays import Array, Arrays
from rnscli.matrix.dataflow import FLOAT64_EXACT


def reduce(arrays: Arrays, values: Array, modulus: int) -> Array:
    """Residues in ``[0, m)`` of whole-numbered floats."""
    quotients = values / modulus
    arrays.floor(quotients)
    quotients *= -modulus
    quotients += values
    return quotients


def modular_products(
    arrays: Arrays, x: Array, w: Sequence[Array], moduli: Sequence[int]
) -> list[Array]:
    """``x w mod m`` for each modulus, from whole numbers x and the residues of w."""
    return [
        reduce(arrays, arrays.product(reduce(arrays, x, modulus), residues), modulus)
        for modulus, residues in zip(moduli, w, strict=True)
    ]


def words_of(arrays: Arrays, residues: Sequence[Array]) -> Callable[[IntArray | None], IntArray]:
    """A function that gives the words ``(N, ...)`` at flat positions, or all."""
    pieces = [arrays.pieces(channel) for channel in residues]
    return lambda index: np.stack([piece(index) for piece in pieces])


def restore(arrays: Arrays, residues: Sequence[Array], code: RedundantCode) -> Array:
    """Chinese remainders, signed, of words without errors, from their information residues."""
    moduli = code.moduli
    information = residues[moduli.redundant :]
    product, weights = moduli.dynamic_range, moduli.crt_weights
    offset = product // 2  # of the range around zero that `from_residues` has
    bound = offset + sum((m - 1) * w for m, w in zip(moduli.information, weights, strict=True))
    if bound >= FLOAT64_EXACT:
        # The product of the moduli may be beyond int64, the legitimate range is not.
        reader = RangeReader(moduli.information, code.size, -code.lowest)
        values = reader.read(words_of(arrays, information)(None))[0] + code.lowest
        into = arrays.exact(information[0], wide=True) * 0.0
        return arrays.put(into, np.arange(values.size), values)
    total, *more = (
        arrays.exact(channel, wide=True) * float(weight)
        for channel, weight in zip(information, weights, strict=True)
    )
    for term in more:
        total += term
    total += offset
    total = reduce(arrays, total, product)
    total -= offset
    return total
