"""Quantised uniform operands: their values and how likely these are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rnscli.base import InputError
from rnscli.core import FloatArray

MAX_LARGEST = 2**17  # of operands whose values are all looked at
_MAX_MODULUS = 2**10  # of sums whose law is computed; those of larger ones are uniform


class OperandLaw(NamedTuple):
    """Whole numbers, and the probability of each."""

    values: FloatArray
    chances: FloatArray

    def mean(self, of: FloatArray) -> float:
        """Mean of what the values are turned into, one by one."""
        return float(self.chances @ of)


def uniform_law(largest: int, size: int) -> OperandLaw:
    """The law of an operand of which h are quantised together.

    One of the h numbers is the largest, plus or minus q, by the choice of the scale; the others are
    uniform between -q and q before they are rounded, so that the ends have half of the chance.

    Raises
    ------
    InputError
        If there are too many values.

    Examples
    --------
    >>> law = uniform_law(2, 4)
    >>> law.values.tolist(), law.chances.tolist()
    ([-2.0, -1.0, 0.0, 1.0, 2.0], [0.21875, 0.1875, 0.1875, 0.1875, 0.21875])
    """
    if largest > MAX_LARGEST:
        raise InputError(
            f"the operands have magnitudes up to {largest}; noise is computed up to {MAX_LARGEST}: "
            "give fewer `bits`"
        )
    values = np.arange(-largest, largest + 1, dtype=np.float64)
    chances = np.full(values.size, (size - 1) / size / (2 * largest))
    chances[[0, -1]] /= 2
    chances[[0, -1]] += 1 / (2 * size)
    return OperandLaw(values, chances)


def residue_of_sums(
    inputs: FloatArray, weights: FloatArray, of: tuple[OperandLaw, OperandLaw], rows: int, m: int
) -> FloatArray:
    """Probabilities of the residues of a sum of independent products, 0 to m - 1.

    The law of a product modulo m is folded h times with itself, which is a power of its transform.

    Parameters
    ----------
    inputs, weights
        What the values of both operands are turned into.
    of
        Their laws.
    rows
        Number h of products.
    m
        The modulus.
    """
    if m > _MAX_MODULUS:
        return np.full(m, 1.0 / m)
    one, two = (
        np.bincount(np.mod(held, m).astype(np.int64), law.chances, m)
        for held, law in zip((inputs, weights), of, strict=True)
    )
    products = np.multiply.outer(np.arange(m), np.arange(m)) % m
    law = np.bincount(products.ravel(), np.multiply.outer(one, two).ravel(), m)
    folded = np.fft.irfft(np.fft.rfft(law) ** rows, m).clip(min=0.0)
    found: FloatArray = folded / folded.sum()
    return found
