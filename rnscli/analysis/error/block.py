"""One block of a simulation of dot products: the part that has to be fast.

Pairs are worked on in tiles that stay in the cache, in buffers that are made once. Per value a
tile is drawn, multiplied for the float64 result, searched for its largest magnitude, scaled,
rounded and multiplied again; all else is once per pair.
"""

import zlib
from collections.abc import Iterator

import numpy as np

from rnscli.analysis.error.parameters import DotErrorPoint
from rnscli.analysis.error.statistics import ErrorStatistics
from rnscli.core import FloatArray, IntArray, exact_dot, quantisation_levels

ALGORITHM = 2  # to be counted up whenever the same point would give other results

_TILE_VALUES = 2**17  # of x or of w; measured: half as many and twice as many are slower
_PADDING = 16  # pairs more than a power of two, where there are many
_SHORT = 1024  # up to this length the pairs are contiguous, and beyond it the vectors


def simulate_block(
    point: DotErrorPoint, block: int, cores: tuple[str, ...]
) -> dict[str, ErrorStatistics]:
    """Statistics of one block of pairs, for some cores; a pure function of its arguments.

    A block draws from random streams of its own, one for the operands and one for each core, so
    that a core's result does not depend on which others are simulated.
    """
    built = point.cores
    dot, pairs = point.dot_product, point.pairs_of(block)
    levels = quantisation_levels(dot.input_bits), quantisation_levels(dot.weight_bits)
    ties = not point.operands.drawn
    scales, exact = np.empty(pairs), np.empty(pairs)
    partial: dict[str, list[IntArray]] = {name: [] for name in cores}
    for part, tile, spare in _tiles(point, block):
        x, w = tile
        exact[part] = np.einsum("ij,ij->i", x, w)
        scales[part] = _quantise(x, spare, levels[0], ties) * _quantise(w, spare, levels[1], ties)
        sums = exact_dot(x, w, dot.max_sum)
        for name in cores:
            partial[name].append(built[name].partial_sums(x, w, sums))
    unit = point.operands.unit**2
    scales *= unit
    exact *= unit
    statistics = {}
    for name in cores:
        rng = _stream(point.seed, block, name)
        readout = built[name].read(np.concatenate(partial[name], axis=-1), rng)
        errors = readout.values * scales - exact
        wrong = int(np.count_nonzero(readout.wrong))
        statistics[name] = ErrorStatistics.of(errors, wrong, readout.attempts)
    return statistics


def _tiles(point: DotErrorPoint, block: int) -> Iterator[tuple[slice, FloatArray, FloatArray]]:
    """Operands of a block, a tile of shape ``(2, pairs, h)`` at a time, and room for one of them.

    Both are written over for the next: fresh memory costs more than the work that is done in it.
    """
    size = point.dot_product.vector_size
    start, pairs = block * point.block_pairs, point.pairs_of(block)
    operands = point.operands.rows(start, pairs)
    rng = _stream(point.seed, block, "operands")
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


def _quantise(values: FloatArray, spare: FloatArray, levels: int, ties: bool) -> FloatArray:
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


def _stream(seed: int, block: int, name: str) -> np.random.Generator:
    # SFC64 draws a quarter faster than NumPy's default generator; streams differ by their seeds.
    seeds = np.random.SeedSequence(seed, spawn_key=(block, zlib.crc32(name.encode())))
    return np.random.Generator(np.random.SFC64(seeds))
