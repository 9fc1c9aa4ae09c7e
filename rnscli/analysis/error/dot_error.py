"""Monte Carlo of the dot-product error of each core, on the same operands."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from rnscli.analysis.error.block import ALGORITHM, simulate_block
from rnscli.analysis.error.parameters import DotErrorParameters, DotErrorPoint
from rnscli.analysis.error.rows import DotErrorRow, row_of
from rnscli.analysis.error.statistics import ErrorStatistics
from rnscli.core.cores import RNS
from rnscli.runtime.runner import Progress, Runner
from rnscli.runtime.work import Work, describe, versions

_LEAST_PAIRS = 1000  # before which an interval may be narrow by chance


@dataclass(frozen=True)
class DotErrorResult:
    """Rows of the cores asked for, in that order, and the statistics behind each."""

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
                row_of(parameters, name, update.total[name], reference) for name in parameters.cores
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
