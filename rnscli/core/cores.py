"""The analog cores, compared on the same operands behind one interface.

Reduction modulo m is a ring homomorphism: the residues of the exact sum S are what the channels
compute. `Core.read` starts from S and is fast; `Core.dot` runs every channel. Noise acts on the
residues in both, in the same order of draws, so the two agree bit for bit.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from rnscli.core.checks import check_attempts
from rnscli.core.code import DETECTED, RedundantCode
from rnscli.core.dot_product import DotProduct
from rnscli.core.errors import InputError
from rnscli.core.noise import Adc, NoiseLaw, draw_positions
from rnscli.core.quantisation import FloatArray, IntArray
from rnscli.core.residues import modular_dot, to_residues

# With no limit on the attempts, a simulation that still sees errors after so many is stuck.
MAX_SIMULATED_ATTEMPTS = 10_000


@dataclass(frozen=True)
class Readout:
    """What a core returned for a vector of dot products.

    Attributes
    ----------
    values
        The integer results, int64.
    wrong
        Whether noise spoilt a result: it differs from what the core gives without noise, or the
        decoder still rejected it in the last attempt.
    attempts
        Number of computations in all, at least one for each dot product.
    """

    values: IntArray
    wrong: npt.NDArray[np.bool_]
    attempts: int


class Core(Protocol):
    """What every core offers."""

    @property
    def name(self) -> str:
        """Name on the command line."""
        ...

    def dot(self, x: IntArray, w: IntArray, rng: np.random.Generator) -> Readout:
        """Dot products of quantised operands of shape ``(pairs, h)``, as the hardware does it."""
        ...

    def read(self, sums: IntArray, rng: np.random.Generator) -> Readout:
        """The same from the exact dot products, of shape ``(pairs,)``."""
        ...


@dataclass(frozen=True)
class FixedPointCore:
    """A conventional core: one ADC keeps the top ``adc_bits`` bits of the b_out of a result.

    ``S`` is rounded to a multiple of ``2**(b_out - adc_bits)`` (ties to even) and clipped to the
    two's complement range. With ``adc_bits = b_out`` nothing is lost.

    Parameters
    ----------
    name
        ``fixed-lp`` or ``fixed-hp``.
    dot_product
        Shape of the operands.
    bits
        Bits b of the converters that noise is stated for.
    adc_bits
        Bits of this core's ADC.
    noise
        Noise at the ADC, or none.

    Raises
    ------
    InputError
        If results exceed 2**62.

    Examples
    --------
    >>> core = FixedPointCore("fixed-lp", DotProduct(2, 4, 4), bits=4, adc_bits=4)
    >>> core.read(np.array([98, 13, 3]), np.random.default_rng(0)).values.tolist()
    [96, 16, 0]
    """

    name: str
    dot_product: DotProduct
    bits: int
    adc_bits: int
    noise: NoiseLaw | None = None

    def __post_init__(self) -> None:
        """Refuse results that int64 does not hold with room for a rounding."""
        if self.dot_product.output_bits > 62:
            raise InputError(
                f"the dot product has {self.dot_product.output_bits} output bits; "
                "at most 62 can be simulated"
            )

    @property
    def lost_bits(self) -> int:
        """Low bits of a result that the ADC drops."""
        return max(0, self.dot_product.output_bits - self.adc_bits)

    def dot(self, x: IntArray, w: IntArray, rng: np.random.Generator) -> Readout:
        """Dot products of quantised operands."""
        return self.read(np.einsum("...j,...j->...", x, w, dtype=np.int64), rng)

    def read(self, sums: IntArray, rng: np.random.Generator) -> Readout:
        """What the ADC makes of exact dot products."""
        adc = Adc(
            low=-(2 ** (self.adc_bits - 1)),
            high=2 ** (self.adc_bits - 1) - 1,
            full_scale_ratio=2.0 ** (self.adc_bits - self.bits),
        )
        rounded, remainders = _rounded(sums, self.lost_bits)
        ideal = np.clip(rounded, adc.low, adc.high)
        codes = ideal
        if self.noise is not None:
            codes = self.noise.convert(rng, rounded, remainders, adc)
        return Readout(codes << self.lost_bits, codes != ideal, sums.size)


def _rounded(sums: IntArray, bits: int) -> tuple[IntArray, FloatArray | float]:
    """``sums / 2**bits`` rounded, ties to even, and what the rounding took away.

    In integers: a double would round sums beyond 2**53 a second time.
    """
    if not bits:
        return sums, 0.0
    below, rest = sums >> bits, sums & (2**bits - 1)
    half = 1 << (bits - 1)
    rounded = below + ((rest > half) | ((rest == half) & (below & 1 == 1)))
    return rounded, (sums - (rounded << bits)) / 2**bits


@dataclass(frozen=True)
class RnsCore:
    """One low-precision channel per modulus, a redundant code, and up to R attempts.

    Parameters
    ----------
    dot_product
        Shape of the operands.
    code
        The code; its legitimate range covers every value of S.
    noise
        Noise on each residue, or none.
    attempts
        Largest number R of attempts; ``math.inf`` repeats until no error is detected.

    Raises
    ------
    InputError
        If the code does not cover the results.

    Examples
    --------
    >>> from rnscli.core.moduli import ModuliSet
    >>> core = RnsCore(DotProduct(2, 4, 4), RedundantCode(ModuliSet([15, 14])))
    >>> core.read(np.array([98, -13]), np.random.default_rng(0)).values.tolist()
    [98, -13]
    """

    dot_product: DotProduct
    code: RedundantCode
    noise: NoiseLaw | None = None
    attempts: float = 1
    name: ClassVar[str] = "rns"

    def __post_init__(self) -> None:
        """Refuse a code that loses results."""
        object.__setattr__(self, "attempts", check_attempts(self.attempts))
        needed = self.dot_product.dynamic_range
        if self.code.size < needed <= self.code.moduli.dynamic_range:
            raise InputError(
                f"`legitimate_range` is {self.code.size}; the dot product needs {needed} values"
            )
        if self.code.size < needed:
            raise InputError(
                f"the moduli {','.join(map(str, self.code.moduli.information))} hold "
                f"{self.code.size} legitimate values; the dot product needs {needed}"
            )

    def dot(self, x: IntArray, w: IntArray, rng: np.random.Generator) -> Readout:
        """Dot products of quantised operands, channel by channel."""
        moduli = self.code.moduli.moduli
        words = modular_dot(to_residues(x, moduli), to_residues(w, moduli), moduli)
        clean = self.code.decode(words).values
        return self._receive(clean, lambda index: words[:, index], rng)

    def read(self, sums: IntArray, rng: np.random.Generator) -> Readout:
        """The same from exact dot products: only words with an error are ever formed."""
        return self._receive(
            sums, lambda index: to_residues(sums[index], self.code.moduli.moduli), rng
        )

    def _receive(
        self, clean: IntArray, words_of: Callable[[IntArray], IntArray], rng: np.random.Generator
    ) -> Readout:
        """Perturb, decode, and repeat what is detected, up to the number of attempts."""
        wrong = np.zeros(clean.shape, dtype=np.bool_)
        if self.noise is None:
            return Readout(clean, wrong, clean.size)
        values = clean.copy()
        pending = np.arange(clean.size)
        attempts = 0
        limit = MAX_SIMULATED_ATTEMPTS if math.isinf(self.attempts) else int(self.attempts)
        for attempt in range(limit):
            attempts += pending.size
            hit, errors = self._draw(pending.size, rng)
            index = pending[hit]
            values[pending] = clean[pending]
            wrong[pending] = False
            if not hit.size:
                return Readout(values, wrong, attempts)
            words = words_of(index)
            for channel, modulus in enumerate(self.code.moduli.moduli):
                words[channel] = (words[channel] + errors[channel]) % modulus
            decoded = self.code.decode(words)
            values[index] = decoded.values
            detected = decoded.status == DETECTED
            wrong[index] = (decoded.values != clean[index]) | detected
            pending = index[detected]
            if not pending.size or attempt + 1 == limit:
                break
        if math.isinf(self.attempts) and pending.size:
            raise InputError(
                f"`attempts` is inf, but after {MAX_SIMULATED_ATTEMPTS} attempts {pending.size} "
                "dot products still show an error; give a finite number of attempts or less noise"
            )
        return Readout(values, wrong, attempts)

    def _draw(self, size: int, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
        """Which of ``size`` words are hit, and their errors ``(N, hit)``, mostly zero."""
        assert self.noise is not None
        positions, drawn = [], []
        for modulus in self.code.moduli.moduli:
            where = draw_positions(rng, self.noise.error_probability(modulus), size)
            positions.append(where)
            drawn.append(self.noise.draw_errors(rng, modulus, where.size))
        hit = np.unique(np.concatenate(positions))
        errors = np.zeros((len(positions), hit.size), dtype=np.int64)
        for channel, (where, error) in enumerate(zip(positions, drawn, strict=True)):
            errors[channel, np.searchsorted(hit, where)] = error
        return hit, errors


@dataclass(frozen=True)
class CoreSpecification:
    """Everything a core may need to be built; each takes what concerns it.

    ``code`` is ``None`` where no moduli set was asked for.
    """

    dot_product: DotProduct
    bits: int
    code: RedundantCode | None = None
    noise: NoiseLaw | None = None
    attempts: float = 1


def _fixed_lp(spec: CoreSpecification) -> Core:
    adc_bits = min(spec.bits, spec.dot_product.output_bits)
    return FixedPointCore("fixed-lp", spec.dot_product, spec.bits, adc_bits, spec.noise)


def _fixed_hp(spec: CoreSpecification) -> Core:
    adc_bits = spec.dot_product.output_bits
    return FixedPointCore("fixed-hp", spec.dot_product, spec.bits, adc_bits, spec.noise)


def _rns(spec: CoreSpecification) -> Core:
    if spec.code is None:
        raise InputError("core rns needs a moduli set, and none was given")
    return RnsCore(spec.dot_product, spec.code, spec.noise, spec.attempts)


CORES: dict[str, Callable[[CoreSpecification], Core]] = {
    "rns": _rns,
    "fixed-lp": _fixed_lp,
    "fixed-hp": _fixed_hp,
}
