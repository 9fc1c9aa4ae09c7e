"""Ranges of ADCs for the operands of a simulation, found on a sample of their own.

The sample is drawn from a random stream that is not that of the pairs, and is the same however many
of these there are and wherever they are computed. Operands of a file are their own sample: all
rows, or some of them, evenly spread.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from rnscli import core
from rnscli.analysis.error.operand_files import FileOperands
from rnscli.analysis.error.operands import GivenOperands, Operands
from rnscli.analysis.error.tiles import quantise_tile, stream, tiles
from rnscli.core import ConventionalCore, FloatArray, IntArray

_CHECKED = 16  # parts of a sample, of which one tells how much is clipped
_RUNS = 64  # of successive rows of a file, at most

Cores = Mapping[str, ConventionalCore]


def calibrated(
    cores: Cores, operands: Operands, seed: int, method: str, percentile: float
) -> dict[str, core.Core]:
    """The cores with calibrated ranges, by the same labels."""
    count = core.sample_size(next(iter(cores.values())).dot_product.vector_size)
    quiet = _without_noise(cores)
    shares = _kept(_shares, operands)(quiet, operands, seed, count, method, percentile)
    return {
        label: one.with_shares(found)
        for (label, one), found in zip(cores.items(), shares, strict=True)
    }


def clipped_shares(cores: Cores, operands: Operands, seed: int) -> dict[str, float]:
    """How many outputs of each core are clipped, in a smaller sample.

    Raises
    ------
    InputError
        If these are nearly all.
    """
    count = core.sample_size(next(iter(cores.values())).dot_product.vector_size) // _CHECKED
    found = _kept(_clipped, operands)(_without_noise(cores), operands, seed, count)
    return dict(zip(cores, found, strict=True))


def _kept(function: Any, operands: Operands) -> Callable[..., Any]:
    """A function that keeps what it found, but not for rows, which are large."""
    kept = operands.drawn and _is_hashable(operands)
    made: Callable[..., Any] = function if kept else function.__wrapped__
    return made


def _is_hashable(value: object) -> bool:
    try:
        hash(value)
    except TypeError:  # of a distribution of another package
        return False
    return True


def _without_noise(cores: Cores) -> tuple[ConventionalCore, ...]:
    made: tuple[Any, ...] = tuple(cores.values())  # dataclasses
    return tuple(replace(one, noise=None) for one in made)


@lru_cache(maxsize=256)
def _shares(
    cores: tuple[ConventionalCore, ...],
    operands: Operands,
    seed: int,
    count: int,
    method: str,
    percentile: float,
) -> list[tuple[float, ...]]:
    sums = _sampled(cores, operands, seed, count)
    return [core.calibrated_shares(one, sums[one.name], method, percentile) for one in cores]


@lru_cache(maxsize=256)
def _clipped(
    cores: tuple[ConventionalCore, ...], operands: Operands, seed: int, count: int
) -> list[float]:
    sums = _sampled(cores, operands, seed, count)
    return [core.check_clipping(one, sums[one.name]) for one in cores]


def _sampled(
    cores: Sequence[ConventionalCore], operands: Operands, seed: int, count: int
) -> dict[str, IntArray]:
    """What the ADCs of each kind of core read of a sample, of shape ``(parts, n)``."""
    alike = {one.name: one for one in cores}  # but for their ranges
    dot = cores[0].dot_product
    levels = core.quantisation_levels(dot.input_bits), core.quantisation_levels(dot.weight_bits)
    found: dict[str, list[IntArray]] = {name: [] for name in alike}
    for tile, spare in _sample(operands, dot.vector_size, seed, count):
        for values, most in zip(tile, levels, strict=True):
            quantise_tile(values, spare, most, not operands.drawn)
        x, w = tile
        sums = core.exact_dot(x, w, dot.max_sum)
        for name, one in alike.items():
            found[name].append(one.partial_sums(x, w, sums).reshape(one.part_count, -1))
    return {name: np.concatenate(parts, axis=1) for name, parts in found.items()}


def _sample(
    operands: Operands, size: int, seed: int, count: int
) -> Iterator[tuple[FloatArray, FloatArray]]:
    rng = stream(seed, 0, "calibration")
    runs = [(0, count)]
    if isinstance(operands, GivenOperands | FileOperands):
        rows = operands.shape[0]
        count = min(count, rows)
        number = 1 if count == rows else min(_RUNS, count)
        each = count // number
        runs = [(round(i * (rows - each) / max(1, number - 1)), each) for i in range(number)]
    for start, pairs in runs:
        for _, tile, spare in tiles(operands, size, rng, start, pairs):
            yield tile, spare
