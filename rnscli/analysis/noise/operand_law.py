"""Quantised operands: their values and how likely these are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rnscli.analysis.error.operand_files import FileOperands
from rnscli.analysis.error.operands import GivenOperands, Operands
from rnscli.analysis.error.tiles import quantise_tile, stream, tiles
from rnscli.base import InputError
from rnscli.core import DotProduct, FloatArray

MAX_LARGEST = 2**17  # of operands whose values are all looked at
_SAMPLED_VALUES, _FEWEST_PAIRS = 2**20, 64  # of operands whose law is taken from a sample
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
    _check_largest(largest)
    values = np.arange(-largest, largest + 1, dtype=np.float64)
    chances = np.full(values.size, (size - 1) / size / (2 * largest))
    chances[[0, -1]] /= 2
    chances[[0, -1]] += 1 / (2 * size)
    return OperandLaw(values, chances)


def sampled_laws(operands: Operands, dot: DotProduct, rows: int) -> tuple[OperandLaw, OperandLaw]:
    """The laws of both operands of a source, from pairs of vectors that are quantised.

    The values of a vector are taken as independent. The sample is always the same: of a file its
    first rows.

    Parameters
    ----------
    operands
        Where pairs of vectors come from.
    dot
        Bits of the operands.
    rows
        Number h of values that share a scale.

    Raises
    ------
    InputError
        If there are too many values, or a file has vectors of another length.
    """
    counts = []
    for largest in (dot.max_input, dot.max_weight):
        _check_largest(largest)
        counts.append(np.zeros(2 * largest + 1))
    if isinstance(operands, GivenOperands | FileOperands):
        pairs, size = operands.shape
        if size != rows:
            raise InputError(
                f"`operands` {operands.name} has vectors of {size} values, and sums of {rows} are "
                "looked at; leave `vector_size` out, or give other operands"
            )
    else:
        pairs = max(_FEWEST_PAIRS, _SAMPLED_VALUES // rows)
    pairs = min(pairs, max(_FEWEST_PAIRS, _SAMPLED_VALUES // rows))
    rng = stream(0, 0, "noise")
    for _, tile, spare in tiles(operands, rows, rng, 0, pairs):
        for values, count in zip(tile, counts, strict=True):
            largest = count.size // 2
            quantise_tile(values, spare, largest, not operands.drawn)
            whole = values.astype(np.int64).reshape(-1) + largest
            count += np.bincount(whole, minlength=count.size)
    first, second = (
        OperandLaw(np.arange(-(one.size // 2), one.size // 2 + 1.0), one / one.sum())
        for one in counts
    )
    return first, second


def _check_largest(largest: int) -> None:
    if largest > MAX_LARGEST:
        raise InputError(
            f"the operands have magnitudes up to {largest}; noise is computed up to {MAX_LARGEST}: "
            "give fewer `bits`"
        )


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
