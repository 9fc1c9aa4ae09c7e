"""Parameters of a simulation of dot products: operands, converters, cores, noise, precision."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from rnscli.analysis.error.operand_files import FileOperands
from rnscli.analysis.error.operands import GivenOperands, Operands, UniformOperands
from rnscli.analysis.error.statistics import PRECISION_OF
from rnscli.analysis.moduli import CodeOptions, ModuliOptions
from rnscli.analysis.statistics import SimulationOptions
from rnscli.base import InputError, Names, Option, WholeNumbers
from rnscli.core import (
    MAX_SIMULATED_BITS,
    RNS,
    AnalogKind,
    Core,
    CoreOptions,
    CoreSettings,
    DotProduct,
    DotProductOptions,
    NoiseLaw,
    NoiseSetting,
    RedundantCode,
    analog_core_named,
    laws_of,
)
from rnscli.runtime import describe

# Operand values in a block, of x or of w. Blocks are what is stored and sent to other machines, so
# they are large; those that carry their operands with them are smaller.
_BLOCK_VALUES = 2**23
_GIVEN_BLOCK_VALUES = 2**20
_BLOCK_PAIRS = 2**16  # at most, as what is known of each pair takes memory, too
_TELLING_ROWS = 2  # of given operands, that tell one file from another; there are at least so many


class ErrorOptions:
    """What a user chooses of a simulation of dot products, besides cores, moduli and noise."""

    bits = ModuliOptions.bits.within(high=MAX_SIMULATED_BITS)
    pairs = Option(
        WholeNumbers(2, 10**12),
        "Number of dot products.",
        usual="10000, or all rows of the operands file",
    )
    precision_of = Option(
        Names(PRECISION_OF), "Value that --rel-precision is about.", usual=PRECISION_OF[0]
    )
    max_pairs = Option(
        WholeNumbers(2, 10**12), "Where --rel-precision stops at the latest.", usual="1e8"
    )


# Operands of a pair are held in memory as a whole, and as floats.
_OPERANDS = (
    DotProductOptions.vector_size.within(high=2**20),
    DotProductOptions.input_bits.within(high=MAX_SIMULATED_BITS),
    DotProductOptions.weight_bits.within(high=MAX_SIMULATED_BITS),
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
        Bits of a weight slice and of the ADC in the core ``bit-sliced``; ``adc_bits`` is b if not
        given.
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
        If a value is out of range.
    """

    dot_product: DotProduct
    bits: int
    cores: tuple[str, ...] = ("rns", "fixed-lp", "fixed-hp")
    pairs: int = 10_000
    code: RedundantCode | None = None
    noise: NoiseSetting | NoiseLaw | None = None
    attempts: float = 1
    slice_bits: int = 1
    adc_bits: int | None = None
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
        for option in _OPERANDS:
            option.check(getattr(self.dot_product, option.name))
        if self.adc_bits is not None:
            CoreOptions.adc_bits.check(self.adc_bits)
        self._check_precision()
        if not self.cores:
            raise InputError("`cores` is empty; give at least one core")
        if isinstance(self.operands, GivenOperands | FileOperands):
            rows, size = self.operands.shape
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
        _ = self.point  # refuses cores that cannot be built

    def _check_precision(self) -> None:
        ErrorOptions.precision_of.check(self.precision_of)
        if self.rel_precision is None:
            return
        precision = SimulationOptions.rel_precision.check(self.rel_precision)
        object.__setattr__(self, "rel_precision", precision)
        if self.precision_of == "output_error_rate" and not self._is_noisy():
            raise InputError(
                "`precision_of` is output_error_rate, but without noise no output is wrong; "
                "give a level of noise"
            )

    def _is_noisy(self) -> bool:
        return any(any(core.error_probabilities) for core in self.point.cores.values())

    @cached_property
    def point(self) -> "DotErrorPoint":
        """What is simulated: the cores to report, and ``rns`` as the reference where it can be.

        Raises
        ------
        InputError
            If a core cannot be built, for instance because the code does not cover the results.
        """
        settings = CoreSettings(
            dot_product=self.dot_product,
            bits=self.bits,
            slice_bits=self.slice_bits,
            adc_bits=self.adc_bits,
        )
        kinds = {name: analog_core_named(name) for name in self.cores}
        if self.code is not None:
            kinds.setdefault(RNS.name, RNS)
        return DotErrorPoint(
            dot_product=self.dot_product,
            cores={
                name: kind.build(settings, self.code, self.noise_of(kind), self.attempts)
                for name, kind in kinds.items()
            },
            pairs=self.pairs,
            operands=self.operands,
            seed=self.seed,
        )

    def noise_of(self, kind: AnalogKind) -> NoiseLaw | tuple[NoiseLaw, ...] | None:
        """The law of the converters of a core."""
        moduli = self.code.moduli if kind.coded and self.code is not None else None
        return laws_of(self.noise, self.bits, moduli, kind.name)


@dataclass(frozen=True, kw_only=True)
class DotErrorPoint:
    """A simulation with nothing left open, as its blocks compute it.

    Attributes
    ----------
    dot_product, pairs, operands, seed
        As in `DotErrorParameters`.
    cores
        The cores by their names.
    """

    dot_product: DotProduct
    cores: Mapping[str, Core]
    pairs: int
    operands: Operands
    seed: int

    @property
    def block_pairs(self) -> int:
        values = _BLOCK_VALUES if self.operands.drawn else _GIVEN_BLOCK_VALUES
        return min(_BLOCK_PAIRS, max(1, values // self.dot_product.vector_size))

    @property
    def blocks(self) -> int:
        """Number of blocks; only the last may be smaller."""
        return -(-self.pairs // self.block_pairs)

    def pairs_of(self, block: int) -> int:
        """Pairs in one of the blocks."""
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
        if self.operands.drawn:
            return describe(self.operands)
        rows = self.operands.rows(0, min(self.pairs, _TELLING_ROWS))
        assert isinstance(rows, GivenOperands)
        return {"kind": "given", "begin": rows.content()}
