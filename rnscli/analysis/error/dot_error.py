"""Monte Carlo of the dot-product error of each core, on the same operands."""

import math
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from rnscli.analysis.error.operands import SparseOperands
from rnscli.analysis.error.parameters import DotErrorParameters, DotErrorPoint
from rnscli.analysis.error.rows import DotErrorRow
from rnscli.analysis.error.statistics import ErrorStatistics
from rnscli.analysis.statistics import proportion_interval
from rnscli.core import RNS, FloatArray, IntArray, exact_dot, quantisation_levels
from rnscli.runtime import Progress, Runner, Work, describe, versions

ALGORITHM = 2  # to be counted up whenever the same point would give other results

_TILE_VALUES = 2**17  # of x or of w; measured: half as many and twice as many are slower
_PADDING = 16  # pairs more than a power of two, where there are many
_SHORT = 1024  # up to this length the pairs are contiguous, and beyond it the vectors


def simulate_block(
    point: DotErrorPoint, block: int, cores: tuple[str, ...]
) -> dict[str, ErrorStatistics]:
    """Statistics of one block of pairs, for some cores; a pure function of its arguments.

    A block draws from separate random streams, one for the operands and one for each core, so
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


_LEAST_PAIRS = 1000  # before which an interval may be narrow by chance


@dataclass(frozen=True)
class DotErrorResult:
    """Rows of the requested cores, in that order, and the statistics behind each."""

    rows: tuple[DotErrorRow, ...]
    statistics: Mapping[str, ErrorStatistics]


def dot_error(
    parameters: DotErrorParameters,
    runner: Runner | None = None,
    progress: Callable[[Progress[ErrorStatistics]], None] | None = None,
) -> DotErrorResult:
    """Simulate the error of dot products in each core.

    Real operands are quantised per vector, multiplied in the core, and scaled back; the error is
    the difference to the float64 dot product of the real operands.

    Parameters
    ----------
    parameters
        What to simulate.
    runner
        Where blocks of pairs are computed and recorded (`rnscli.runner`); it does not change the
        result. In this process if not given.
    progress
        Called after each block.

    Returns
    -------
    DotErrorResult

    Raises
    ------
    InputError
        If, with unlimited attempts, errors do not cease.

    Examples
    --------
    >>> from rnscli.core.arithmetic.code import RedundantCode
    >>> from rnscli.core.arithmetic.dot_product import DotProduct
    >>> from rnscli.core.arithmetic.moduli import ModuliSet
    >>> parameters = DotErrorParameters(
    ...     dot_product=DotProduct(128, 6, 6), bits=6, pairs=2000,
    ...     code=RedundantCode(ModuliSet([63, 62, 61, 59])),
    ... )
    >>> rns, low, high = dot_error(parameters).rows
    >>> rns.mean_abs_error == high.mean_abs_error, 9 < low.relative_to_rns < 16.5
    (True, True)
    """
    return next(iter(dot_errors([parameters], runner, progress)))


def dot_errors(
    points: Sequence[DotErrorParameters],
    runner: Runner | None = None,
    progress: Callable[[Progress[ErrorStatistics]], None] | None = None,
) -> Iterator[DotErrorResult]:
    """Simulate several points, each as `dot_error` does; small ones share the processes."""
    works = [_work(parameters) for parameters in points]
    for update in (runner or Runner()).run(works):
        if progress is not None:
            progress(update)
        if update.finished:
            parameters = points[update.index]
            reference = update.total.get(RNS.name)
            rows = [
                _row(parameters, name, update.total[name], reference) for name in parameters.cores
            ]
            yield DotErrorResult(tuple(rows), update.total)


def _work(parameters: DotErrorParameters) -> Work[ErrorStatistics]:
    """The simulation of a point in blocks, and all that each core's results depend on."""
    point = parameters.point
    return Work(
        function=simulate_block,
        argument=point.for_block,
        blocks=point.blocks,
        samples=point.pairs_of,
        parts={name: partial(_description, point, name) for name in point.cores},
        result=ErrorStatistics,
        content=DotErrorPoint.content,
        enough=partial(_enough, parameters),
    )


def _description(point: DotErrorPoint, name: str) -> dict[str, Any]:
    return {
        "what": "dot-error",
        "algorithm": ALGORITHM,
        "versions": versions(),  # streams of random numbers and tables may change with these
        "core_name": name,
        "core": describe(point.cores[name]),
        "dot_product": describe(point.dot_product),
        "operands": point.described_operands(),
        "seed": describe(point.seed),
        "block_pairs": point.block_pairs,
    }


def _enough(
    parameters: DotErrorParameters, total: Mapping[str, ErrorStatistics], pairs: int
) -> bool:
    if parameters.rel_precision is None or pairs < _LEAST_PAIRS:
        return False
    for name in parameters.cores:
        share = total[name].precision(parameters.precision_of)
        # An error that is always zero is known, unless noise may yet strike.
        if share is None and parameters.noise is None:
            continue
        if share is None or share > parameters.rel_precision:
            return False
    return True


def _row(
    parameters: DotErrorParameters,
    name: str,
    statistics: ErrorStatistics,
    reference: ErrorStatistics | None,
) -> DotErrorRow:
    """The row of a core, beside the statistics of the reference core if there is one."""
    absolute, core = statistics.absolute, parameters.point.cores[name]
    noisy, settings, told = core.noisy, core.settings, core.noise_columns
    relative = None
    if reference is not None and reference.absolute.mean > 0:
        relative = absolute.mean / reference.absolute.mean
    pairs = absolute.count
    moduli = core.code.moduli if core.code is not None else None
    attempts = statistics.attempts.moments() if noisy else None
    operands = parameters.operands
    dense = operands.dense if isinstance(operands, SparseOperands) else operands
    p50, p95, p99 = statistics.absolute_quantiles(0.50, 0.95, 0.99)
    return DotErrorRow(
        core=name,
        bits=parameters.bits,
        vector_size=parameters.dot_product.vector_size,
        pairs=pairs,
        mean_abs_error=absolute.mean,
        mean_abs_error_ci95=absolute.mean_interval(),
        mean_error=statistics.signed.mean,
        rms_error=math.sqrt(statistics.signed.mean_square),
        max_abs_error=statistics.largest,
        p50_abs_error=p50,
        p95_abs_error=p95,
        p99_abs_error=p99,
        relative_to_rns=relative,
        noise=told["noise"],
        p=_error_probability(parameters),
        sigma=told["sigma"],
        residue_p=told["residue_p"],
        residue_sigma=told["residue_sigma"],
        redundant=moduli.redundant if moduli is not None else None,
        attempts=settings.get("attempts") if noisy else None,
        output_error_rate=statistics.wrong / pairs if noisy else None,
        expected_attempts=attempts.mean if attempts is not None else None,
        output_error_rate_ci95=(proportion_interval(statistics.wrong, pairs) if noisy else None),
        input_bits=parameters.dot_product.input_bits,
        weight_bits=parameters.dot_product.weight_bits,
        moduli=moduli.information if moduli is not None else None,
        redundant_moduli=moduli.redundant_moduli if moduli is not None else None,
        decoder=settings.get("decoder"),
        operands=operands.name,
        degrees_of_freedom=getattr(dense, "degrees_of_freedom", None),
        sparsity=getattr(operands, "sparsity", None),
        slice_bits=settings.get("slice_bits"),
        adc_bits=settings.get("adc_bits"),
        precision_reached=statistics.precision(parameters.precision_of),
        std_abs_error=math.sqrt(absolute.variance),
        min_abs_error=statistics.smallest,
        mean_error_ci95=statistics.signed.mean_interval(),
        std_error=math.sqrt(statistics.signed.variance),
        min_error=statistics.lowest,
        max_error=statistics.highest,
        p5_error=statistics.quantile(0.05),
        p50_error=statistics.quantile(0.50),
        p95_error=statistics.quantile(0.95),
        expected_attempts_ci95=attempts.mean_interval() if attempts is not None else None,
        std_attempts=math.sqrt(attempts.variance) if attempts is not None else None,
        max_attempts=statistics.attempts.most if noisy else None,
        p99_attempts=statistics.attempts.quantile(0.99) if noisy else None,
    )


def _error_probability(parameters: DotErrorParameters) -> float | None:
    """That of the residues, also where a row is of a core that is compared with theirs."""
    cores = parameters.point.cores
    core = cores[RNS.name] if RNS.name in cores else cores[parameters.cores[0]]
    p: float | None = core.noise_columns["p"]
    return p
