"""Monte Carlo of the dot-product error of each core, on the same operands.

The pairs are cut into blocks. A block draws from its own random streams, numbered by the seed,
the block and the core, so its result is the same in any process; block results are added in
order. Results are therefore the same bytes for any number of workers, and the result of a core
does not depend on which other cores are simulated beside it.
"""

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from rnscli.analysis.operands import GivenOperands, Operands, UniformOperands
from rnscli.analysis.statistics import LogHistogram, Moments, proportion_interval
from rnscli.core.checks import check_attempts, check_choice, check_int
from rnscli.core.code import RedundantCode
from rnscli.core.cores import CORES, Core, CoreSpecification
from rnscli.core.dot_product import DotProduct, quantisation_levels
from rnscli.core.errors import InputError
from rnscli.core.noise import NoiseLaw
from rnscli.core.quantisation import MAX_SIMULATED_BITS, FloatArray, IntArray, round_to_levels
from rnscli.core.residues import exact_dot

MAX_VECTOR_SIZE = 2**20
MAX_PAIRS = 10**12
_BLOCK_VALUES = 2**21  # operand values in a block, of x or of w
_TILE_VALUES = 2**15  # of these, how many are worked on at once: a tile stays in the cache

REFERENCE_CORE = "rns"


@dataclass(frozen=True, kw_only=True)
class DotErrorParameters:
    """One point of a simulation: operands, converters, cores, noise.

    Parameters
    ----------
    dot_product
        Length h (at most 2**20) and operand bits (at most 31).
    bits
        Bits b of the converters.
    cores
        Names of the cores to report.
    pairs
        Number of dot products, at least 2.
    code
        The code of the core ``rns``; without one that core is left out.
    noise
        Noise on each residue and, equally, at the conventional ADCs; ``None`` for none.
    attempts
        Largest number R of attempts, or ``math.inf``.
    operands
        Source of the operands.
    seed
        Seed of all random streams.

    Raises
    ------
    InputError
        If a value is out of range.
    """

    dot_product: DotProduct
    bits: int
    cores: tuple[str, ...] = ("rns", "fixed-lp", "fixed-hp")
    pairs: int = 10_000
    code: RedundantCode | None = None
    noise: NoiseLaw | None = None
    attempts: float = 1
    operands: Operands = field(default_factory=UniformOperands)
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated."""
        check_int("bits", self.bits, 2, MAX_SIMULATED_BITS)
        check_int("pairs", self.pairs, 2, MAX_PAIRS)
        check_int("seed", self.seed, 0, 2**128 - 1)
        check_attempts(self.attempts)
        check_int("vector_size", self.dot_product.vector_size, 1, MAX_VECTOR_SIZE)
        check_int("input_bits", self.dot_product.input_bits, 2, MAX_SIMULATED_BITS)
        check_int("weight_bits", self.dot_product.weight_bits, 2, MAX_SIMULATED_BITS)
        if not self.cores:
            raise InputError("`cores` is empty; give at least one core")
        for core in self.cores:
            check_choice("core", core, tuple(CORES))
        if isinstance(self.operands, GivenOperands):
            rows, size = self.operands.x.shape
            if size != self.dot_product.vector_size:
                raise InputError(
                    f"`vector_size` is {self.dot_product.vector_size}, but the operands "
                    f"{self.operands.name} have {size} columns"
                )
            if self.pairs > rows:
                raise InputError(
                    f"`pairs` is {self.pairs}, but the operands {self.operands.name} have "
                    f"{rows} rows"
                )
        self.built_cores()

    def built_cores(self) -> dict[str, Core]:
        """The cores to simulate: those asked for, and ``rns`` as the reference where it can be.

        Raises
        ------
        InputError
            If one cannot be built, for instance because the code does not cover the results.
        """
        spec = CoreSpecification(self.dot_product, self.bits, self.code, self.noise, self.attempts)
        names = dict.fromkeys(self.cores)
        if self.code is not None:
            names[REFERENCE_CORE] = None
        return {name: CORES[name](spec) for name in names}

    @property
    def block_pairs(self) -> int:
        """Pairs in a block."""
        return max(1, _BLOCK_VALUES // self.dot_product.vector_size)

    def for_block(self, block: int) -> "DotErrorParameters":
        """These parameters with only the given operands that a block reads."""
        if not isinstance(self.operands, GivenOperands):
            return self
        start = block * self.block_pairs
        narrowed = copy.copy(self)
        # Not through the constructor: the check that there are enough rows is of all of them.
        object.__setattr__(narrowed, "operands", self.operands.rows(start, self.block_pairs))
        return narrowed

    @property
    def blocks(self) -> int:
        """Number of blocks; only the last may be smaller."""
        return -(-self.pairs // self.block_pairs)


@dataclass(frozen=True)
class ErrorStatistics:
    """What is known of a core's errors; two of these add up to that of all pairs."""

    signed: Moments
    absolute: Moments
    largest: float
    histogram: LogHistogram
    wrong: int
    attempts: int

    @classmethod
    def of(cls, errors: FloatArray, wrong: int, attempts: int) -> "ErrorStatistics":
        """Statistics of a sample of errors."""
        magnitude = np.abs(errors)
        return cls(
            signed=Moments.of(errors),
            absolute=Moments.of(magnitude),
            largest=float(magnitude.max(initial=0.0)),
            histogram=LogHistogram.of(magnitude),
            wrong=wrong,
            attempts=attempts,
        )

    def __add__(self, other: "ErrorStatistics") -> "ErrorStatistics":
        """Statistics of both samples together."""
        return ErrorStatistics(
            signed=self.signed + other.signed,
            absolute=self.absolute + other.absolute,
            largest=max(self.largest, other.largest),
            histogram=self.histogram + other.histogram,
            wrong=self.wrong + other.wrong,
            attempts=self.attempts + other.attempts,
        )


@dataclass(frozen=True)
class DotErrorRow:
    """Errors of one core against the float64 dot product, as `rnscli error-sim` reports them.

    Errors are in the unit of the operands' products. ``mean_abs_error_ci95`` is a Student t
    interval, ``output_error_rate_ci95`` a Clopper-Pearson interval; quantiles are within 0.4 %.
    ``output_error_rate`` is the share of results that noise spoilt (`Readout.wrong`). Without
    noise its columns are ``None``; ``relative_to_rns`` is ``None`` without a moduli set.
    """

    core: str
    bits: int
    vector_size: int
    pairs: int
    mean_abs_error: float
    mean_abs_error_ci95: tuple[float, float]
    mean_error: float
    rms_error: float
    max_abs_error: float
    p50_abs_error: float
    p95_abs_error: float
    p99_abs_error: float
    relative_to_rns: float | None
    residue_error_probability: float | None
    sigma: float | None
    redundant: int | None
    attempts: float | None
    output_error_rate: float | None
    mean_attempts: float | None
    output_error_rate_ci95: tuple[float, float] | None
    input_bits: int
    weight_bits: int
    moduli: tuple[int, ...] | None
    redundant_moduli: tuple[int, ...] | None
    decoder: str | None
    operands: str


@dataclass(frozen=True)
class DotErrorResult:
    """Rows of the cores asked for, in that order, and the statistics behind each."""

    rows: tuple[DotErrorRow, ...]
    statistics: dict[str, ErrorStatistics]


def dot_error(
    parameters: DotErrorParameters,
    map_blocks: Callable[..., Iterator[dict[str, ErrorStatistics]]] | None = None,
    progress: Callable[[int], None] | None = None,
) -> DotErrorResult:
    """Simulate the error of dot products in each core.

    Real operands are quantised per vector, multiplied in the core, and scaled back; the error is
    the difference to the float64 dot product of the real operands.

    Parameters
    ----------
    parameters
        What to simulate.
    map_blocks
        How blocks are spread over processes (`rnscli.block_mapper`), if they are; it does not
        change the result.
    progress
        Called with the number of pairs done after each block.

    Returns
    -------
    DotErrorResult

    Raises
    ------
    InputError
        If, with unlimited attempts, errors do not cease.

    Examples
    --------
    >>> from rnscli.core.moduli import ModuliSet
    >>> parameters = DotErrorParameters(
    ...     dot_product=DotProduct(128, 6, 6), bits=6, pairs=2000,
    ...     code=RedundantCode(ModuliSet([63, 62, 61, 59])),
    ... )
    >>> rns, low, high = dot_error(parameters).rows
    >>> rns.mean_abs_error == high.mean_abs_error, 9 < low.relative_to_rns < 16.5
    (True, True)
    """
    total: dict[str, ErrorStatistics] = {}
    done = 0
    blocks: Iterator[dict[str, ErrorStatistics]]
    if map_blocks is None:
        blocks = (simulate_block(parameters, block) for block in range(parameters.blocks))
    else:
        blocks = map_blocks(
            simulate_block, parameters, parameters.blocks, DotErrorParameters.for_block
        )
    for block in blocks:
        total = {name: total[name] + block[name] if total else block[name] for name in block}
        done = min(done + parameters.block_pairs, parameters.pairs)
        if progress is not None:
            progress(done)
    reference = total.get(REFERENCE_CORE)
    rows = tuple(_row(parameters, name, total[name], reference) for name in parameters.cores)
    return DotErrorResult(rows, total)


def simulate_block(parameters: DotErrorParameters, block: int) -> dict[str, ErrorStatistics]:
    """Statistics of one block of pairs, for each core; a pure function of its arguments."""
    start = block * parameters.block_pairs
    pairs = min(parameters.block_pairs, parameters.pairs - start)
    sums, scales, exact = _operand_sums(parameters, block, start, pairs)
    statistics = {}
    for name, core in parameters.built_cores().items():
        readout = core.read(sums, _stream(parameters.seed, block, 1 + list(CORES).index(name)))
        errors = readout.values * scales - exact
        statistics[name] = ErrorStatistics.of(errors, int(readout.wrong.sum()), readout.attempts)
    return statistics


def _operand_sums(
    parameters: DotErrorParameters, block: int, start: int, pairs: int
) -> tuple[IntArray, FloatArray, FloatArray]:
    """Exact integer dot products, the real value of their unit, and the real dot products."""
    dot = parameters.dot_product
    rng = _stream(parameters.seed, block, 0)
    tile = max(1, _TILE_VALUES // dot.vector_size)
    sums = np.empty(pairs, dtype=np.int64)
    scales, exact = np.empty(pairs), np.empty(pairs)
    levels = quantisation_levels(dot.input_bits), quantisation_levels(dot.weight_bits)
    for first in range(0, pairs, tile):
        part = slice(first, min(first + tile, pairs))
        size = part.stop - first
        x, w = parameters.operands.draw(rng, start + first, size, dot.vector_size)
        exact[part] = np.einsum("ij,ij->i", x, w)
        integer_x, scale_x = round_to_levels(x, levels[0])
        integer_w, scale_w = round_to_levels(w, levels[1])
        sums[part] = exact_dot(integer_x, integer_w, dot.max_sum)
        scales[part] = (scale_x[:, 0] / levels[0]) * (scale_w[:, 0] / levels[1])
    return sums, scales, exact


def _stream(seed: int, block: int, number: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(block, number)))


def _row(
    parameters: DotErrorParameters,
    name: str,
    statistics: ErrorStatistics,
    reference: ErrorStatistics | None,
) -> DotErrorRow:
    absolute, noise, code = statistics.absolute, parameters.noise, parameters.code
    relative = None
    if reference is not None and reference.absolute.mean > 0:
        relative = absolute.mean / reference.absolute.mean
    coded = name == REFERENCE_CORE and code is not None
    pairs = parameters.pairs
    moduli = code.moduli if code is not None and coded else None
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
        p50_abs_error=_quantile(statistics, 0.50),
        p95_abs_error=_quantile(statistics, 0.95),
        p99_abs_error=_quantile(statistics, 0.99),
        relative_to_rns=relative,
        residue_error_probability=_error_probability(parameters),
        sigma=getattr(noise, "sigma", None),
        redundant=moduli.redundant if moduli is not None else None,
        attempts=parameters.attempts if coded and noise is not None else None,
        output_error_rate=statistics.wrong / pairs if noise is not None else None,
        mean_attempts=statistics.attempts / pairs if noise is not None else None,
        output_error_rate_ci95=(
            proportion_interval(statistics.wrong, pairs) if noise is not None else None
        ),
        input_bits=parameters.dot_product.input_bits,
        weight_bits=parameters.dot_product.weight_bits,
        moduli=moduli.information if moduli is not None else None,
        redundant_moduli=moduli.redundant_moduli if moduli is not None else None,
        decoder=code.decoder if code is not None and coded else None,
        operands=parameters.operands.name,
    )


def _quantile(statistics: ErrorStatistics, share: float) -> float:
    return min(statistics.histogram.quantile(share), statistics.largest)


def _error_probability(parameters: DotErrorParameters) -> float | None:
    """Mean over the channels, or over a converter of ``2**b`` codes where there are none."""
    if parameters.noise is None:
        return None
    code = parameters.code
    moduli = code.moduli.moduli if code is not None else (2**parameters.bits,)
    chances = [parameters.noise.error_probability(m) for m in moduli]
    if min(chances) == max(chances):
        return chances[0]
    return math.fsum(chances) / len(chances)
