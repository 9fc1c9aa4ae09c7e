"""Operands of dot products, a tile at a time, and their quantisation."""

import zlib
from collections.abc import Iterator

import numpy as np

from rnscli.analysis.error.operands import Operands
from rnscli.core import FloatArray

_TILE_VALUES = 2**17  # of x or of w; measured: half as many and twice as many are slower
_PADDING = 16  # pairs more than a power of two, where there are many
_SHORT = 1024  # up to this length the pairs are contiguous, and beyond it the vectors


def tiles(
    operands: Operands, size: int, rng: np.random.Generator, start: int, pairs: int
) -> Iterator[tuple[slice, FloatArray, FloatArray]]:
    """Pairs of vectors of a length, a tile of shape ``(2, pairs, h)`` at a time, and room for one.

    Both are written over for the next: fresh memory costs more than the work that is done in it.
    """
    operands = operands.rows(start, pairs)
    step = max(1, _TILE_VALUES // size)
    if step > _PADDING:  # rows a power of two apart would contend for the same lines of the cache
        step += _PADDING
    tile, spare = _empty_tiles(min(step, pairs), size)
    for first in range(0, pairs, step):
        part = slice(first, min(first + step, pairs))
        if part.stop - first < tile.shape[1]:
            tile, spare = _empty_tiles(part.stop - first, size)
        operands.fill(rng, start + first, tile)
        yield part, tile, spare


def _empty_tiles(pairs: int, size: int) -> tuple[FloatArray, FloatArray]:
    if size > _SHORT:
        room = np.empty((3, pairs, size))
    else:
        room = np.empty((3, size, pairs)).swapaxes(1, 2)
    return room[:2], room[2]


def quantise_tile(values: FloatArray, spare: FloatArray, levels: int, ties: bool) -> FloatArray:
    """Replace vectors by whole numbers in place; returns what 1 stands for in each.

    Where values may lie half-way between two levels, as whole numbers do, the order of operations
    keeps them there. Drawn values do not, and one multiplication is faster.
    """
    scale: FloatArray = np.abs(values, out=spare).max(axis=1)
    scale[scale == 0] = 1.0
    if ties:
        values *= levels
        values /= scale[:, np.newaxis]
    else:
        values *= (levels / scale)[:, np.newaxis]
    np.rint(values, out=values)
    return scale / levels


def stream(seed: int, block: int, name: str) -> np.random.Generator:
    """The random numbers of a name in a block."""
    # SFC64 draws a quarter faster than NumPy's default generator; streams differ by their seeds.
    seeds = np.random.SeedSequence(seed, spawn_key=(block, zlib.crc32(name.encode())))
    return np.random.Generator(np.random.SFC64(seeds))
