"""Monte Carlo of the dot-product error of each core, on the same operands."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from rnscli import core
from rnscli.analysis.error.calibrated import calibrated, clipped_shares
from rnscli.analysis.error.error_statistics import PRECISION_OF, ErrorStatistics
from rnscli.analysis.error.operand_files import FileOperands
from rnscli.analysis.error.operands import GivenOperands, Operands, SparseOperands, UniformOperands
from rnscli.analysis.error.rows import DotErrorRow
from rnscli.analysis.error.tiles import quantise_tile, stream, tiles
from rnscli.analysis.moduli import CodeOptions, ModuliOptions
from rnscli.analysis.statistics import (
    SimulationOptions,
    proportion_interval,
)
from rnscli.base import (
    Described,
    InputError,
    Names,
    Option,
    OptionGroup,
    WholeNumbers,
    columns_of,
)
from rnscli.core import FloatArray, IntArray
from rnscli.runtime import Progress, Runner, Work, describe, versions

ALGORITHM = 3  # to be counted up whenever the same point would give other results

# Operand values in a block, of x or of w. Blocks are what is stored and sent to other machines, so
# they are large; those that carry their operands with them are smaller.
_BLOCK_VALUES = 2**23
_GIVEN_BLOCK_VALUES = 2**20
_BLOCK_PAIRS = 2**16  # at most, as what is known of each pair takes memory, too
_TELLING_ROWS = 2  # of given operands, that tell one file from another; there are at least so many

_LEAST_PAIRS = 1000  # before which an interval may be narrow by chance


OfDevices = Callable[[core.CoreSettings, core.AnalogKind], tuple[core.Laws, core.Devices]]


class ErrorOptions:
    """What a user chooses of a simulation of dot products, besides cores, moduli and noise."""

    group = OptionGroup.SIMULATION
    bits = ModuliOptions.bits.within(high=core.MAX_SIMULATED_BITS)
    pairs = Option(
        WholeNumbers(2, 10**12),
        "Number of dot products.",
        usual="10000, or all rows of the operands file",
    )
    precision_of = Option(
        Names(PRECISION_OF), "Value to which --rel-precision applies.", usual=PRECISION_OF[0]
    )
    max_pairs = Option(
        WholeNumbers(2, 10**12),
        "Number of pairs at which --rel-precision stops at the latest.",
        usual="1e8",
    )


# Operands of a pair are held in memory as a whole, and as floats.
_OPERANDS = (
    core.DotProductOptions.vector_size.within(high=2**20),
    core.DotProductOptions.input_bits.within(high=core.MAX_SIMULATED_BITS),
    core.DotProductOptions.weight_bits.within(high=core.MAX_SIMULATED_BITS),
)


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
        Number of dot products, at least 2; with ``rel_precision``, at most so many.
    code
        The code of the core ``rns``; without one that core is left out.
    noise
        Noise on each residue and, equally, at the conventional ADCs: a law, or a setting from which
        the law of each converter follows; ``None`` for none.
    attempts
        Largest number R of attempts, or ``math.inf``.
    slice_bits, adc_bits
        Bits of a weight slice in the core ``bit-sliced``, and bits of the ADCs there and in
        ``fixed-lp``, b if not given.
    adc_range
        Range of these ADCs, or several, with each of which the core is simulated: ``full``, a
        fraction of that such as ``1/8``, or ``calibrated`` on operands like those that are
        simulated (`rnscli.analysis.error.calibrated`).
    calibration, percentile
        How it is, as in `rnscli.core.calibrated_shares`.
    tolerance
        By how much an output of a core with a code may be off the exact sum of the quantised
        operands without being grossly wrong.
    devices
        What the arrays of all cores are built of; each pair is programmed in a column of its own.
    of_devices
        In the place of ``noise`` and ``devices`` what both are for a core with some settings.
    operands
        Source of the operands.
    seed
        Seed of all random streams.
    rel_precision
        Stop after the first block, in order, at which the 95 % interval of every core reported
        is within this share of its value, and at least 1000 pairs are done; ``None`` for never.
    precision_of
        The value that is meant: ``mean_abs_error`` or ``output_error_rate``.

    Raises
    ------
    InputError
        If a value is out of range, or a fraction of the range clips nearly all outputs.
    """

    dot_product: core.DotProduct
    bits: int
    cores: tuple[str, ...] = ("rns", "fixed-lp", "fixed-hp")
    pairs: int = 10_000
    code: core.RedundantCode | None = None
    noise: core.NoiseSetting | core.NoiseLaw | None = None
    attempts: float = 1
    slice_bits: int = 1
    adc_bits: int | None = None
    adc_range: str | tuple[str, ...] = core.FULL
    calibration: str = core.CALIBRATIONS[0]
    percentile: float = core.PERCENTILE
    tolerance: int = core.TOLERANCE
    devices: core.Devices = core.IDEAL
    of_devices: OfDevices | None = None
    operands: Operands = field(default_factory=UniformOperands)
    seed: int = 0
    rel_precision: float | None = None
    precision_of: str = PRECISION_OF[0]

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated."""
        ErrorOptions.bits.check(self.bits)
        ErrorOptions.pairs.check(self.pairs)
        SimulationOptions.seed.check(self.seed)
        CodeOptions.attempts.check(self.attempts)
        CodeOptions.tolerance.check(self.tolerance)
        for option in _OPERANDS:
            option.check(getattr(self.dot_product, option.name))
        if self.adc_bits is not None:
            core.CoreOptions.adc_bits.check(self.adc_bits)
        given = self.adc_range if isinstance(self.adc_range, tuple) else (self.adc_range,)
        if not given:
            raise InputError("`adc_range` is empty; give at least one range")
        ranges = tuple(core.CoreOptions.adc_range.check(one) for one in given)
        object.__setattr__(self, "adc_range", ranges[0] if len(ranges) == 1 else ranges)
        core.CoreOptions.calibration.check(self.calibration)
        core.CoreOptions.percentile.check(self.percentile)
        ErrorOptions.precision_of.check(self.precision_of)
        if self.rel_precision is not None:
            precision = SimulationOptions.rel_precision.check(self.rel_precision)
            object.__setattr__(self, "rel_precision", precision)
        if not self.cores:
            raise InputError("`cores` is empty; give at least one core")
        if isinstance(self.operands, GivenOperands | FileOperands):
            rows, size = self.operands.shape
            name = self.operands.name
            if size != self.dot_product.vector_size:
                raise InputError(
                    f"`vector_size` is {self.dot_product.vector_size}, but the operands {name} "
                    f"have {size} columns"
                )
            if self.pairs > rows:
                raise InputError(
                    f"`pairs` is {self.pairs}, but the operands {name} have {rows} rows"
                )
        # Refuses those that cannot be built, and those that clip everything.
        cores, _ = self._built.values(), self.clipped
        if (
            self.rel_precision is not None
            and self.precision_of == "output_error_rate"
            and not any(any(one.error_probabilities) for one in cores)
        ):
            raise InputError(
                "`precision_of` is output_error_rate, but without noise no output is wrong; "
                "give a level of noise"
            )

    def reached(self, total: Mapping[str, "ErrorStatistics"]) -> list[float | None]:
        """How precise each core is known, by `ErrorStatistics.precision`."""
        return [
            total[label].precision(self.precision_of, self.point.cores[label].may_err)
            for label in self.labels
        ]

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Of what is reported: each core with each of its ranges, which ``full`` leaves out."""
        return tuple(label for name in self.cores for label in self._labels_of(name))

    def _labels_of(self, name: str) -> dict[str, str]:
        """The ranges of a core, by its labels."""
        ranges = self.adc_range if isinstance(self.adc_range, tuple) else (self.adc_range,)
        if "adc_range" not in core.analog_core_named(name).axes:
            ranges = (core.FULL,)
        return {name if one == core.FULL else f"{name} {one}": one for one in ranges}

    @property
    def noisy(self) -> bool:
        """Whether results of some core may differ from those without noise, on ideal devices."""
        return any(one.noisy for one in self._built.values())

    @cached_property
    def clipped(self) -> Mapping[str, float]:
        """How many outputs a fraction of the range clips in a small sample, by the labels."""
        within = {
            label: one
            for label, one in self._built.items()
            if isinstance(one, core.ConventionalCore) and one.adc_range not in core.ADC_RANGES
        }
        return clipped_shares(within, self.operands, self.seed) if within else {}

    @cached_property
    def _built(self) -> dict[str, core.Core]:
        """The cores by their labels; those to be calibrated have the full range as yet.

        Raises
        ------
        InputError
            If a core cannot be built, for instance because the code does not cover the results.
        """
        settings = core.CoreSettings(
            dot_product=self.dot_product,
            bits=self.bits,
            slice_bits=self.slice_bits,
            adc_bits=self.adc_bits,
        )
        names = dict.fromkeys(self.cores)
        if self.code is not None:
            names.setdefault(core.RNS.name)
        cores = {}
        for name in names:
            kind = core.analog_core_named(name)
            moduli = self.code.moduli if kind.coded and self.code is not None else None
            noise, devices = core.laws_of(self.noise, self.bits, moduli, name), self.devices
            for label, within in self._labels_of(name).items():
                fixed = core.FULL if within == core.CALIBRATED else within
                made = replace(settings, adc_range=within, moduli=moduli)
                if self.of_devices is not None:
                    noise, devices = self.of_devices(made, kind)
                made = replace(made, adc_range=fixed, devices=devices)
                cores[label] = kind.build(made, self.code, noise, self.attempts)
        return cores

    @cached_property
    def point(self) -> "DotErrorPoint":
        """What is simulated: the cores to report, and ``rns`` as the reference where it can be."""
        cores = self._built
        open_ones = {
            label: made
            for name in self.cores
            for label, within in self._labels_of(name).items()
            if within == core.CALIBRATED and isinstance(made := cores[label], core.ConventionalCore)
        }
        if open_ones:
            method = self.calibration, self.percentile
            cores = cores | calibrated(open_ones, self.operands, self.seed, *method)
        return DotErrorPoint(
            dot_product=self.dot_product,
            cores=cores,
            pairs=self.pairs,
            operands=self.operands,
            seed=self.seed,
            tolerance=self.tolerance,
        )


@dataclass(frozen=True, kw_only=True)
class DotErrorPoint:
    """A simulation with nothing left open, as its blocks compute it; ``cores`` by their labels."""

    dot_product: core.DotProduct
    cores: Mapping[str, core.Core]
    pairs: int
    operands: Operands
    seed: int
    tolerance: int

    @property
    def block_pairs(self) -> int:
        """Pairs in a block; only the last one may be smaller."""
        values = _BLOCK_VALUES if self.operands.drawn else _GIVEN_BLOCK_VALUES
        return min(_BLOCK_PAIRS, max(1, values // self.dot_product.vector_size))

    @property
    def blocks(self) -> int:
        return -(-self.pairs // self.block_pairs)

    def pairs_of(self, block: int) -> int:
        return min(self.block_pairs, self.pairs - block * self.block_pairs)

    def for_block(self, block: int, shares_files: bool) -> "DotErrorPoint":
        """This point with only the operands that a block reads, where it carries them."""
        if isinstance(self.operands, FileOperands) and shares_files and self.operands.is_file:
            return self
        rows = self.operands.rows(block * self.block_pairs, self.pairs_of(block))
        return replace(self, operands=rows)

    def content(self) -> str:
        """Digest of given operands; nothing where they are drawn."""
        return self.operands.content() if isinstance(self.operands, GivenOperands) else ""

    def described_operands(self) -> Any:
        """The source of drawn operands; how given ones begin, whose content is for the blocks."""
        rows = self.operands.rows(0, min(self.pairs, _TELLING_ROWS))
        if isinstance(rows, GivenOperands):
            return {"kind": "given", "begin": rows.content()}
        return describe(rows)


def simulate_block(
    point: DotErrorPoint, block: int, cores: tuple[str, ...]
) -> dict[str, ErrorStatistics]:
    """Statistics of one block of pairs, for some cores; a pure function of its arguments.

    A block draws from separate random streams, one for the operands and one for each core, so
    that a core's result does not depend on which others are simulated.
    """
    built = point.cores
    dot, pairs = point.dot_product, point.pairs_of(block)
    levels = core.quantisation_levels(dot.input_bits), core.quantisation_levels(dot.weight_bits)
    ties = not point.operands.drawn
    scales, exact = np.empty(pairs), np.empty(pairs)
    # Cores that differ in their range alone get the same sums, and the same chip.
    exact_ones = [label for label in cores if not built[label].physical]
    alike = {built[label].name: built[label] for label in exact_ones}
    chips = [_Chip(built[label], point.seed, block) for label in cores if label not in exact_ones]
    sums_of: dict[str, list[IntArray]] = {name: [] for name in alike}
    exact_sums: list[IntArray] = []
    operands, start = stream(point.seed, block, "operands"), block * point.block_pairs
    for part, tile, spare in tiles(point.operands, dot.vector_size, operands, start, pairs):
        x, w = tile
        exact[part] = np.einsum("ij,ij->i", x, w)
        scales[part] = quantise_tile(x, spare, levels[0], ties)
        scales[part] *= quantise_tile(w, spare, levels[1], ties)
        sums = core.exact_dot(x, w, dot.max_sum)
        exact_sums.append(sums)
        for name, found in sums_of.items():
            found.append(alike[name].partial_sums(x, w, sums))
        for chip in chips:
            chip.multiply(x, w, sums)
    unit = point.operands.unit**2
    scales *= unit
    exact *= unit
    statistics = {}
    joined = {name: np.concatenate(found, axis=-1) for name, found in sums_of.items()}
    found_on = dict(zip((one for one in cores if one not in exact_ones), chips, strict=True))
    for label in cores:
        name = built[label].name
        if label in found_on:
            readout = core.Readout.joined(found_on[label].readouts)
        else:
            readout = built[label].read(joined[name], stream(point.seed, block, name))
        errors = readout.values * scales - exact
        wrong, gross = int(np.count_nonzero(readout.wrong)), 0
        if wrong and built[label].code is not None:
            gross = readout.errors(np.concatenate(exact_sums)).sizes(point.tolerance).gross
        statistics[label] = ErrorStatistics.of(errors, wrong, readout.attempts, gross)
    return statistics


class _Chip:
    """A core whose arrays are built, and what it has read; each pair has a column of its own."""

    def __init__(self, built: core.Core, seed: int, block: int) -> None:
        self._core = built
        self._noise = stream(seed, block, built.name)
        self._cells = stream(built.devices.chip_seed, block, f"{built.name} cells")
        self.readouts: list[core.Readout] = []

    def multiply(self, x: FloatArray, w: FloatArray, sums: IntArray) -> None:
        """Dot products of pairs, the second of each of which is programmed."""
        chip = self._core.devices.chip_seed
        dacs = stream(chip, 0, f"{self._core.name} DACs")  # which all columns share
        built = self._core.built(w.T, self._cells, dacs)
        self.readouts.append(self._core.multiply(x, built, _of_pairs, sums, self._noise))


def _of_pairs(x: FloatArray, columns: FloatArray) -> FloatArray:
    found: FloatArray = np.einsum("ij,ji->i", x, columns)
    return found


@dataclass(frozen=True, repr=False)
class DotErrorResult(Described):
    """The statistics of the requested cores, and the rows that they make, in the order of these.

    Statistics are by `DotErrorParameters.labels`, and those of the reference by its name.
    """

    parameters: DotErrorParameters
    statistics: Mapping[str, ErrorStatistics]

    @cached_property
    def rows(self) -> tuple[DotErrorRow, ...]:
        # Intervals need SciPy, which takes longer to import than a short simulation.
        labels = self.parameters.labels
        return tuple(_row(self.parameters, label, self.statistics) for label in labels)

    def facts(self) -> list[tuple[str, str]]:
        asked, column = self.parameters, columns_of(DotErrorRow)["mean_abs_error"]
        found = [
            ("h", str(asked.dot_product.vector_size)),
            ("bits", str(asked.bits)),
            ("pairs", str(self.rows[0].pairs)),
            ("operands", self.rows[0].operands),
        ]
        interval = columns_of(DotErrorRow)["mean_abs_error_ci95"]
        for label, row in zip(asked.labels, self.rows, strict=True):
            value = column.shown(row.mean_abs_error, vars(row))
            within = interval.shown(row.mean_abs_error_ci95, vars(row))
            found.append((f"{column.title} of {label}", f"{value} {within}"))
        return found


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
            yield DotErrorResult(points[update.index], update.total)


def _work(parameters: DotErrorParameters) -> Work[ErrorStatistics]:
    """The simulation of a point in blocks, and all that each core's results depend on."""
    point = parameters.point
    return Work(
        function=simulate_block,
        argument=point.for_block,
        blocks=point.blocks,
        samples=point.pairs_of,
        parts={label: partial(_description, point, label) for label in point.cores},
        result=ErrorStatistics,
        content=DotErrorPoint.content,
        enough=partial(_enough, parameters),
    )


def _description(point: DotErrorPoint, label: str) -> dict[str, Any]:
    return {
        "what": "dot-error",
        "algorithm": ALGORITHM,
        "versions": versions(),  # streams of random numbers and tables may change with these
        "core_name": point.cores[label].name,
        "core": describe(point.cores[label]),
        "dot_product": describe(point.dot_product),
        "operands": point.described_operands(),
        "seed": describe(point.seed),
        "block_pairs": point.block_pairs,
        "tolerance": None if point.cores[label].code is None else point.tolerance,
    }


def _enough(
    parameters: DotErrorParameters, total: Mapping[str, ErrorStatistics], pairs: int
) -> bool:
    if parameters.rel_precision is None or pairs < _LEAST_PAIRS:
        return False
    shares = parameters.reached(total)
    if not parameters.noisy:  # an error that is always zero is known, as no noise may strike
        shares = [share for share in shares if share is not None]
    return all(share is not None and share <= parameters.rel_precision for share in shares)


def _row(
    parameters: DotErrorParameters, label: str, total: Mapping[str, ErrorStatistics]
) -> DotErrorRow:
    """The row of a core, beside the statistics of the reference core if there is one."""
    statistics, reference = total[label], total.get(core.RNS.name)
    cores, operands = parameters.point.cores, parameters.operands
    dot, one = parameters.dot_product, cores[label]
    # The probability is that of the residues, also in rows of cores that are compared with them.
    compared = cores.get(core.RNS.name, cores[parameters.labels[0]])
    noise = one.noise_columns | {"p": compared.noise_columns["p"]}
    signed, absolute = statistics.signed, statistics.absolute
    pairs, attempts = absolute.count, statistics.attempts.moments()
    under_noise = {
        "attempts": one.settings.get("attempts"),
        "output_error_rate": statistics.wrong / pairs,
        "output_error_rate_ci95": proportion_interval(statistics.wrong, pairs),
        "tolerance": None,
        "gross_error_rate": None,
        "gross_error_rate_ci95": None,
        "expected_attempts": attempts.mean,
        "expected_attempts_ci95": statistics.attempts_interval(
            one.may_err and one.settings.get("attempts", 1) > 1
        ),
        "std_attempts": math.sqrt(attempts.variance),
        "max_attempts": statistics.attempts.most,
        "p99_attempts": statistics.attempts.quantile(0.99),
    }
    if one.code is not None:
        under_noise |= {
            "tolerance": parameters.tolerance,
            "gross_error_rate": statistics.gross / pairs,
            "gross_error_rate_ci95": proportion_interval(statistics.gross, pairs),
        }
    relative = None
    if reference is not None and reference.absolute.mean > 0:
        relative = absolute.mean / reference.absolute.mean
    dense = operands.dense if isinstance(operands, SparseOperands) else operands
    p50, p95, p99 = statistics.absolute_quantiles(0.50, 0.95, 0.99)
    return DotErrorRow(
        core=one.name,
        bits=parameters.bits,
        vector_size=dot.vector_size,
        pairs=pairs,
        mean_abs_error=absolute.mean,
        mean_abs_error_ci95=statistics.interval(absolute, one.may_err),
        mean_error=signed.mean,
        rms_error=math.sqrt(signed.mean_square),
        max_abs_error=statistics.largest,
        p50_abs_error=p50,
        p95_abs_error=p95,
        p99_abs_error=p99,
        relative_to_rns=relative,
        **noise,
        **core.moduli_columns(None if one.code is None else one.code.moduli),
        **(under_noise if one.noisy else dict.fromkeys(under_noise)),
        input_bits=dot.input_bits,
        weight_bits=dot.weight_bits,
        decoder=one.settings.get("decoder"),
        operands=operands.name,
        degrees_of_freedom=getattr(dense, "degrees_of_freedom", None),
        sparsity=getattr(operands, "sparsity", None),
        slice_bits=one.settings.get("slice_bits"),
        adc_bits=one.settings.get("adc_bits"),
        adc_range=one.settings.get("adc_range"),
        adc_share=one.settings.get("adc_share"),
        precision_reached=statistics.precision(parameters.precision_of, one.may_err),
        std_abs_error=math.sqrt(absolute.variance),
        min_abs_error=statistics.smallest,
        mean_error_ci95=statistics.interval(signed, one.may_err),
        std_error=math.sqrt(signed.variance),
        min_error=statistics.lowest,
        max_error=statistics.highest,
        p5_error=statistics.quantile(0.05),
        p50_error=statistics.quantile(0.50),
        p95_error=statistics.quantile(0.95),
    )
