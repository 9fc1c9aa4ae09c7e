"""What a simulation of dot products is told: operands, converters, cores, noise, precision."""

import copy
from dataclasses import dataclass, field
from typing import Any

from rnscli.analysis.error.operand_files import FileOperands
from rnscli.analysis.error.operands import GivenOperands, Operands, UniformOperands
from rnscli.analysis.error.statistics import PRECISION_OF
from rnscli.base.checks import check_attempts, check_choice, check_float, check_int
from rnscli.base.errors import InputError
from rnscli.core.arithmetic.code import RedundantCode
from rnscli.core.arithmetic.dot_product import DotProduct
from rnscli.core.arithmetic.quantisation import MAX_SIMULATED_BITS
from rnscli.core.cores.core import Core
from rnscli.core.cores.registry import CORES, CoreSpecification
from rnscli.core.noise.law import NoiseLaw
from rnscli.runtime.work import describe

MAX_VECTOR_SIZE = 2**20
MAX_PAIRS = 10**12
# Operand values in a block, of x or of w. Blocks are what is stored and sent to other machines, so
# they are large; those that carry their operands with them are smaller.
_BLOCK_VALUES = 2**23
_GIVEN_BLOCK_VALUES = 2**20
_BLOCK_PAIRS = 2**16  # at most, as what is known of each pair takes memory, too
_TELLING_ROWS = 2  # of given operands, that tell one file from another; there are at least so many

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
        Number of dot products, at least 2; with ``rel_precision``, at most so many.
    code
        The code of the core ``rns``; without one that core is left out.
    noise
        Noise on each residue and, equally, at the conventional ADCs; ``None`` for none.
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
    noise: NoiseLaw | None = None
    attempts: float = 1
    slice_bits: int = 1
    adc_bits: int | None = None
    operands: Operands = field(default_factory=UniformOperands)
    seed: int = 0
    rel_precision: float | None = None
    precision_of: str = PRECISION_OF[0]

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated."""
        check_int("bits", self.bits, 2, MAX_SIMULATED_BITS)
        check_int("pairs", self.pairs, 2, MAX_PAIRS)
        check_int("seed", self.seed, 0, 2**128 - 1)
        check_attempts(self.attempts)
        check_int("vector_size", self.dot_product.vector_size, 1, MAX_VECTOR_SIZE)
        check_int("input_bits", self.dot_product.input_bits, 2, MAX_SIMULATED_BITS)
        check_int("weight_bits", self.dot_product.weight_bits, 2, MAX_SIMULATED_BITS)
        if self.adc_bits is not None:
            check_int("adc_bits", self.adc_bits, 1, 64)
        self._check_precision()
        if not self.cores:
            raise InputError("`cores` is empty; give at least one core")
        for core in self.cores:
            check_choice("core", core, tuple(CORES))
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
        self.built_cores()

    def _check_precision(self) -> None:
        check_choice("precision_of", self.precision_of, PRECISION_OF)
        if self.rel_precision is None:
            return
        what = "a number above 0 and below 1"
        precision = check_float("rel_precision", self.rel_precision, 1e-9, 1 - 1e-9, what)
        object.__setattr__(self, "rel_precision", precision)
        if self.precision_of == "output_error_rate" and not self._is_noisy():
            raise InputError(
                "`precision_of` is output_error_rate, but without noise no output is wrong; "
                "give a level of noise"
            )

    def _is_noisy(self) -> bool:
        moduli = (2**self.bits,) if self.code is None else self.code.moduli.moduli
        return self.noise is not None and any(map(self.noise.error_probability, moduli))

    def built_cores(self) -> dict[str, Core]:
        """The cores to simulate: those asked for, and ``rns`` as the reference where it can be.

        Raises
        ------
        InputError
            If one cannot be built, for instance because the code does not cover the results.
        """
        spec = CoreSpecification(
            self.dot_product, self.bits, self.code, self.noise, self.attempts,
            self.slice_bits, self.adc_bits,
        )  # fmt: skip
        names = dict.fromkeys(self.cores)
        if self.code is not None:
            names[REFERENCE_CORE] = None
        return {name: CORES[name](spec) for name in names}

    @property
    def block_pairs(self) -> int:
        """Pairs in a block."""
        values = _BLOCK_VALUES if self.operands.drawn else _GIVEN_BLOCK_VALUES
        return min(_BLOCK_PAIRS, max(1, values // self.dot_product.vector_size))

    @property
    def blocks(self) -> int:
        """Number of blocks; only the last may be smaller."""
        return -(-self.pairs // self.block_pairs)

    def pairs_of(self, block: int) -> int:
        """Pairs in one of the blocks."""
        return min(self.block_pairs, self.pairs - block * self.block_pairs)

    def for_block(self, block: int, shares_files: bool) -> "DotErrorParameters":
        """These parameters with only the operands that a block reads, where it carries them."""
        if isinstance(self.operands, FileOperands) and shares_files and self.operands.is_file:
            return self
        narrowed = copy.copy(self)
        # Not through the constructor: the check that there are enough rows is of all of them.
        rows = self.operands.rows(block * self.block_pairs, self.pairs_of(block))
        object.__setattr__(narrowed, "operands", rows)
        return narrowed

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
