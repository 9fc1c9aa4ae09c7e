"""The RNS core: a converter for each modulus, a redundant code, retries."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from rnscli.core.checks import check_attempts
from rnscli.core.code import DETECTED, RedundantCode
from rnscli.core.dot_product import DotProduct
from rnscli.core.errors import InputError
from rnscli.core.noise import NoiseLaw, draw_positions
from rnscli.core.quantisation import FloatArray, IntArray
from rnscli.core.readout import Readout
from rnscli.core.residues import modular_dot, to_residues

# With no limit on the attempts, a simulation that needs more of them in the mean is stuck.
MAX_MEAN_ATTEMPTS = 200


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

    def partial_sums(self, x: FloatArray, w: FloatArray, sums: IntArray) -> IntArray:
        """The dot products themselves: their residues are what the channels compute."""
        del x, w
        return sums

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
            return Readout(clean, wrong, (clean.size,))
        values = clean.copy()
        pending = np.arange(clean.size)
        attempts: list[int] = []
        while len(attempts) < self.attempts:
            attempts.append(pending.size)
            if math.isinf(self.attempts) and sum(attempts) > MAX_MEAN_ATTEMPTS * clean.size:
                raise InputError(
                    f"`attempts` is inf, but with this noise a dot product takes more than "
                    f"{MAX_MEAN_ATTEMPTS} attempts in the mean; give a finite number of attempts "
                    "or less noise"
                )
            hit, errors = self._draw(pending.size, rng)
            index = pending[hit]
            values[pending] = clean[pending]
            wrong[pending] = False
            if not hit.size:
                return Readout(values, wrong, tuple(attempts))
            words = words_of(index)
            for channel, modulus in enumerate(self.code.moduli.moduli):
                words[channel] = (words[channel] + errors[channel]) % modulus
            decoded = self.code.decode(words)
            values[index] = decoded.values
            detected = decoded.status == DETECTED
            wrong[index] = (decoded.values != clean[index]) | detected
            pending = index[detected]
            if not pending.size:
                break
        return Readout(values, wrong, tuple(attempts))

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
