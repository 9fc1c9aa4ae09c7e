"""The RNS core: a converter for each modulus, a redundant code, retries."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rnscli.base import InputError, check_attempts
from rnscli.core.arithmetic import (
    DETECTED,
    DotProduct,
    FloatArray,
    IntArray,
    RedundantCode,
    modular_dot,
    to_residues,
)
from rnscli.core.cores.core import (
    Changes,
    PartsOf,
    Readout,
    WholeWeights,
    WordsOf,
    check_dacs,
)
from rnscli.core.devices import IDEAL, OFFSET, SYMMETRIC, Devices
from rnscli.core.devices.built import Channel, Conversion
from rnscli.core.noise import NoiseLaw, law_of_each
from rnscli.core.noise.draws import draw_positions
from rnscli.core.noise.law import weights_of

# With no limit on the attempts, a simulation that needs more of them on average is stuck.
MAX_MEAN_ATTEMPTS = 200
MAX_STATIC_ATTEMPTS = 10_000  # of any one


@dataclass(frozen=True)
class RnsCore(WholeWeights):
    """One low-precision channel per modulus, a redundant code, and up to R attempts.

    Parameters
    ----------
    dot_product
        Shape of the operands.
    code
        The code; its legitimate range covers every value of S.
    noise
        Law of the errors of every residue, or a tuple of one for each modulus; ``None`` for none.
    attempts
        Largest number R of attempts; ``math.inf`` repeats until no error is detected.
    devices
        What its arrays are built of. What is wrong with these once and for all meets each attempt.

    Raises
    ------
    InputError
        If the code does not cover the results.

    Examples
    --------
    >>> from rnscli.core.arithmetic.moduli import ModuliSet
    >>> core = RnsCore(DotProduct(2, 4, 4), RedundantCode(ModuliSet([15, 14])))
    >>> core.read(np.array([98, -13]), np.random.default_rng(0)).values.tolist()
    [98, -13]
    """

    dot_product: DotProduct
    code: RedundantCode
    noise: NoiseLaw | tuple[NoiseLaw, ...] | None = None
    attempts: float = 1
    devices: Devices = IDEAL
    name = "rns"

    def __post_init__(self) -> None:
        """Refuse a code that loses results."""
        object.__setattr__(self, "attempts", check_attempts(self.attempts))
        if self.noise is not None:
            laws = law_of_each(self.noise, self.code.moduli)
            object.__setattr__(self, "code", self.code.weighted(weights_of(laws)))
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
        if self.devices.input_slice_bits is not None:
            raise InputError(
                f"`input_slice_bits` is {self.devices.input_slice_bits}; core {self.name} applies "
                "a residue as a whole: leave it out"
            )
        check_dacs(self)

    def dot(self, x: IntArray, w: IntArray, rng: np.random.Generator) -> Readout:
        """Dot products of quantised operands, channel by channel."""
        moduli = self.code.moduli.moduli
        words = modular_dot(to_residues(x, moduli), to_residues(w, moduli), moduli)
        return self._read(self.code.decode(words).values, lambda index: words[:, index], rng)

    def read(self, sums: IntArray, rng: np.random.Generator) -> Readout:
        """The same from exact dot products: only words with an error are ever formed."""
        return self._read(sums, lambda index: self._words(sums[index]), rng)

    def _read(self, clean: IntArray, words_of: WordsOf, rng: np.random.Generator) -> Readout:
        values, wrong = clean, np.zeros(clean.shape, dtype=np.bool_)
        if self.noise is None:
            return Readout(values, wrong, (clean.size,))
        index, _, hit = self._receive(clean.size, lambda index: clean[index], words_of, rng)
        values, rejected = clean.copy(), np.zeros_like(wrong)
        values[index], wrong[index], rejected[index] = hit.values, hit.wrong, hit.rejected
        return Readout(values, wrong, hit.attempts, rejected)

    @property
    def lossless(self) -> bool:
        """The legitimate range covers every sum."""
        return True

    def _words(self, sums: IntArray) -> IntArray:
        return to_residues(sums, self.code.moduli.moduli)

    @property
    def reach(self) -> int:
        """The farther end of the legitimate range."""
        return max(-self.code.lowest, self.code.highest)

    @property
    def laws(self) -> tuple[NoiseLaw, ...]:
        return () if self.noise is None else law_of_each(self.noise, self.code.moduli)

    @property
    def channels(self) -> tuple[int, ...]:
        return self.code.moduli.moduli

    @property
    def settings(self) -> Mapping[str, Any]:
        code = self.code
        return {
            "moduli": code.moduli,
            "legitimate_range": code.size,
            "radius": code.radius,
            "decoder": code.decoder,
            "attempts": self.attempts,
        }

    def ideal(self, sums: Sequence[Any]) -> Any:
        """Exact."""
        return sums[0]

    @property
    def arrays(self) -> tuple[Channel, ...]:
        symmetric, single = self.devices.residues == SYMMETRIC, self.devices.mapping == OFFSET
        made = []
        for modulus in self.channels:
            below = modulus // 2 if symmetric else 0
            bounds = (-below, modulus - 1 - below)
            held = (0, modulus - 1) if single else bounds
            made.append(Channel(*held, *bounds, modulus, below if single else 0))
        return tuple(made)

    def applied(self, x: Any) -> tuple[Any, ...]:
        return tuple(_residues(x, one) for one in self.arrays)

    def stored(self, w: Any) -> tuple[Any, ...]:
        held = zip(self.applied(w), self.arrays, strict=True)
        return tuple(one + of.offset if of.offset else one for one, of in held)

    def receive(
        self, conversions: Iterable[Conversion], sums: IntArray, rng: np.random.Generator
    ) -> Readout:
        """Residues of the levels, decoded; what is detected is read again, up to R times."""
        read = []
        for one in conversions:
            off = self.laws[one.part].static_levels(rng, sums.size) if self.laws else 0.0
            read.append(one._replace(means=one.means + off))
        values, wrong = sums.copy(), np.zeros(sums.shape, dtype=np.bool_)
        pending = np.arange(sums.size)
        attempts: list[int] = []
        while pending.size and len(attempts) < self.attempts:
            attempts.append(pending.size)
            self._check_ending(attempts)
            words = np.stack([self._residues(one, pending, rng) for one in read])
            decoded = self.code.decode(words)
            detected = decoded.status == DETECTED
            values[pending] = decoded.values
            wrong[pending] = (decoded.values != sums[pending]) | detected
            pending = pending[detected]
        rejected = np.zeros_like(wrong)
        rejected[pending] = True
        return Readout(values, wrong, tuple(attempts), rejected)

    def _residues(self, one: Conversion, index: IntArray, rng: np.random.Generator) -> IntArray:
        modulus = self.channels[one.part]
        # An ADC sees a level within its range, whose middle is that of the residues.
        levels = np.mod(one.levels(rng, index), modulus) - modulus / 2
        seen = one.seen(levels, 1.0, modulus / 2, index) + modulus / 2
        if self.laws:
            found = self.laws[one.part].residues(rng, seen, modulus)
        else:
            found = np.rint(seen).astype(np.int64)
        if one.excess is not None:
            found -= one.excess[index].astype(np.int64)
        residues: IntArray = found % modulus
        return residues

    def changes(
        self, size: int, sums_of: PartsOf, rng: np.random.Generator, words_of: WordsOf | None = None
    ) -> Changes:
        """From those sums alone that are hit, or from the words ``(N, ...)`` of the channels."""
        words = words_of or (lambda index: self._words(sums_of(index)))
        index, sent, hit = self._receive(size, sums_of, words, rng)
        # A wrong result may be what was sent, if it was rejected to the last.
        changed, wrong = hit.values != sent, int(np.count_nonzero(hit.wrong))
        found = index[changed], hit.values[changed]
        return Changes(*found, wrong, hit.attempts, hit.errors(sent))

    def _receive(
        self, size: int, clean_of: PartsOf, words_of: WordsOf, rng: np.random.Generator
    ) -> tuple[IntArray, IntArray, Readout]:
        """Perturb, decode, and repeat what is detected, up to the number of attempts.

        Positions of the words that were hit in the first attempt at least, what was sent there,
        and what is read, with the attempts of all words.
        """
        attempts = [size]
        index, errors = self._draw(size, rng)
        clean, words = clean_of(index), words_of(index)
        values, detected = self._decoded(words, errors)
        wrong = (values != clean) | detected
        static = None
        if self.attempts > 1 and any(law.has_static_errors for law in self.laws):
            static = self._static_of(errors, rng)
        while detected.any() and len(attempts) < self.attempts:
            pending = np.flatnonzero(detected)
            attempts.append(pending.size)
            self._check_ending(attempts)
            if static is None:
                hit, errors = self._draw(pending.size, rng)
            else:
                hit, errors = self._draw_again(static[:, pending], rng)
            again = pending[hit]
            values[pending], detected[pending], wrong[pending] = clean[pending], False, False
            values[again], detected[again] = self._decoded(words[:, again], errors)
            wrong[again] = (values[again] != clean[again]) | detected[again]
        return index, clean, Readout(values, wrong, tuple(attempts), detected)

    def _check_ending(self, attempts: Sequence[int]) -> None:
        """Refuse attempts that do not end, after so many words in each."""
        if not math.isinf(self.attempts):
            return
        if sum(attempts) > MAX_MEAN_ATTEMPTS * attempts[0]:
            raise InputError(
                f"`attempts` is inf, but with this noise a dot product takes more than "
                f"{MAX_MEAN_ATTEMPTS} attempts on average; give a finite number of attempts "
                "or less noise"
            )
        static = self.devices.static or any(law.has_static_errors for law in self.laws)
        if static and len(attempts) > MAX_STATIC_ATTEMPTS:
            raise InputError(
                f"`attempts` is inf, but with errors that are static a dot product is rejected "
                f"more than {MAX_STATIC_ATTEMPTS} times; give a finite number of attempts, or "
                "smaller static errors"
            )

    def _static_of(self, errors: IntArray, rng: np.random.Generator) -> FloatArray:
        """Static parts of the words ``(N, words)`` that have these errors in one attempt."""
        channels = zip(self.laws, self.code.moduli.moduli, errors, strict=True)
        return np.array([law.draw_static(rng, m, of_one) for law, m, of_one in channels])

    def _draw_again(
        self, static: FloatArray, rng: np.random.Generator
    ) -> tuple[IntArray, IntArray]:
        """As `_draw`, for words of which the static parts of the errors are known."""
        channels = zip(self.laws, self.code.moduli.moduli, static, strict=True)
        errors = np.array([law.draw_again(rng, m, of_one) for law, m, of_one in channels])
        hit = np.flatnonzero(errors.any(axis=0))
        return hit, errors[:, hit]

    def _decoded(self, words: IntArray, errors: IntArray) -> tuple[IntArray, npt.NDArray[np.bool_]]:
        """Values of words with errors, and which are detected as wrong."""
        moduli = np.array(self.code.moduli.moduli)[:, np.newaxis]
        decoded = self.code.decode((words + errors) % moduli)
        return decoded.values, decoded.status == DETECTED

    def _draw(self, size: int, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
        """Which of ``size`` words are hit, and their errors ``(N, hit)``, mostly zero."""
        positions, drawn = [], []
        for law, modulus in zip(self.laws, self.code.moduli.moduli, strict=True):
            where = draw_positions(rng, law.error_probability(modulus), size)
            positions.append(where)
            drawn.append(law.draw_errors(rng, modulus, where.size))
        hit = np.unique(np.concatenate(positions))
        errors = np.zeros((len(positions), hit.size), dtype=np.int64)
        for channel, (where, error) in enumerate(zip(positions, drawn, strict=True)):
            errors[channel, np.searchsorted(hit, where)] = error
        return hit, errors


def _residues(values: FloatArray, channel: Channel) -> FloatArray:
    """Those of whole numbers, in the range that a channel applies; NumPy's own way is slower."""
    found = values - channel.input_low
    found /= channel.modulus
    np.floor(found, out=found)
    found *= -channel.modulus
    found += values
    return found
