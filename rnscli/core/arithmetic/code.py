"""The redundant residue code: encode, check, and decode words of N residues."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from rnscli.base import Described, InputError, check_float, number
from rnscli.core.arithmetic.decoders import (
    CORRECTED,
    DETECTED,
    VALID,
    Reader,
    decoder_for,
    decoder_named,
)
from rnscli.core.arithmetic.moduli import (
    ModuliSet,
    check_legitimate_range,
    check_moduli_set,
    with_bits,
)
from rnscli.core.arithmetic.residues import (
    MAX_SIMULATED_RANGE,
    IntArray,
    RangeReader,
    check_residues,
    check_simulable,
    to_residues,
)

__all__ = ["CORRECTED", "DETECTED", "VALID", "Decoded", "RedundantCode"]


@dataclass(frozen=True)
class Decoded:
    """Outcome of decoding words of shape ``S``.

    ``values`` (int64) are the decoded integers; ``status`` (uint8) is `VALID` for codewords,
    `CORRECTED` where wrong residues were corrected, and `DETECTED` where no legitimate value is
    near enough. A detected word's value is the signed integer that its information residues say
    (`from_residues`), saturated to the legitimate range: the output of a system that has run out
    of attempts.
    """

    values: IntArray
    status: npt.NDArray[np.uint8]


@dataclass(frozen=True, init=False, repr=False)
class RedundantCode(Described):
    """The code of a moduli set over a legitimate range of signed integers.

    The codewords are the residues of the L integers in ``[lowest, highest]``, which lie around
    zero. Since L is at most the product of the n smallest moduli, two of them differ in at least
    k + 1 residues.

    Parameters
    ----------
    moduli
        The set, with its redundant members; each modulus at most 2**31.
    legitimate_range
        L, from 1 to the product of the information moduli, and at most 2**62; ``None`` is that
        product.
    decoder
        Name of a decoder (`rnscli.core.arithmetic.decoders`); the usual one of the set if not
        given.
    weights
        Of decoders that look at the size of errors: the weight of the square of that of each
        residue, in proportion to ``1 / sigma^2``, in the order of ``moduli.moduli``; alike if not
        given.
    retry_above
        Of these, too: cost, which is the weighted sum of squares, above which a word is rejected,
        to be computed again; none if not given.

    Raises
    ------
    InputError
        If L is out of range, the decoder unknown or not one for such a set, or ``moduli`` no
        `ModuliSet`.

    References
    ----------
    Szabo and Tanaka 1967; Krishna, Lin and Sun, "A coding theory approach to error control in
    redundant residue number systems", IEEE Trans. Circuits Syst. II, 1992; arXiv:2309.10759.

    Examples
    --------
    >>> code = RedundantCode(ModuliSet([3, 5, 7, 11, 13], redundant=2))
    >>> word = code.encode(np.array([-50, 17]))
    >>> word[3, 1] = (word[3, 1] + 2) % 5
    >>> decoded = code.decode(word)
    >>> decoded.values.tolist(), decoded.status.tolist()
    ([-50, 17], [0, 1])
    """

    moduli: ModuliSet
    legitimate_range: int
    decoder: str
    weights: tuple[float, ...] | None
    retry_above: float

    def __init__(
        self,
        moduli: ModuliSet,
        legitimate_range: int | None = None,
        decoder: str | None = None,
        weights: Sequence[float] | None = None,
        retry_above: float | None = None,
    ) -> None:
        check_moduli_set(moduli)
        given = moduli.dynamic_range if legitimate_range is None else legitimate_range
        size = check_legitimate_range(moduli, given)
        if size > MAX_SIMULATED_RANGE:
            hint = " (`legitimate_range` operands may take fewer)"
            raise InputError(
                f"the legitimate range has {size.bit_length()} bits; at most 2^62 can be simulated"
                + (hint if size == moduli.dynamic_range else ""),
                "legitimate_range",
            )
        check_simulable(moduli)
        object.__setattr__(self, "moduli", moduli)
        object.__setattr__(self, "legitimate_range", size)
        rule = decoder_for(moduli, decoder)
        object.__setattr__(self, "decoder", rule.name)
        if weights is not None:
            weights = tuple(check_weight(weight) for weight in weights)
            if len(weights) != moduli.count:
                raise InputError(
                    f"`weights` has {len(weights)} numbers; the set has {moduli.count} moduli"
                )
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "retry_above", rule.check_retry_above(retry_above))
        _ = self._reader  # which refuses what is too large to decode

    def __repr__(self) -> str:
        said = [repr(self.moduli)]
        if self.size != self.moduli.dynamic_range:
            said.append(f"legitimate_range={self.size}")
        said.append(f"decoder={self.decoder!r}")
        if self.weights is not None:
            said.append(f"weights={self.weights}")
        if self.retry_above != math.inf:
            said.append(f"retry_above={self.retry_above}")
        return f"RedundantCode({', '.join(said)})"

    def facts(self) -> list[tuple[str, str]]:
        found = self.moduli.facts()
        ends = f"{self.lowest} .. {self.highest}"
        found.append(("legitimate range L", f"{with_bits(self.size)}: {ends}"))
        found.append(("decoder", self.decoder))
        t, k = self.radius, self.moduli.redundant
        if decoder_named(self.decoder).counts_residues:
            found.append(("corrects", _any_wrong(t)))
            if k - t != t:  # else it knows of no more than it corrects
                found.append(("detects", _any_wrong(k - t)))
        elif t:
            found.append(("corrects", f"{t} residues wrong by any amount, more by small ones"))
        else:
            found.append(("corrects", "small errors in the residues"))
        if self.weights is not None:
            found.append(("weights", " ".join(map(number, self.weights))))
        if self.retry_above != math.inf:
            found.append(("retry above", number(self.retry_above)))
        return found

    @property
    def size(self) -> int:
        """Number L of codewords."""
        return self.legitimate_range

    @property
    def lowest(self) -> int:
        """Smallest legitimate integer, ``-floor(L / 2)``."""
        return -(self.size // 2)

    @property
    def highest(self) -> int:
        """Largest legitimate integer."""
        return self.lowest + self.size - 1

    @cached_property
    def radius(self) -> int:
        """Number t of residues that may be wrong by any amount and are corrected."""
        return decoder_named(self.decoder).radius_of(self.moduli)

    def encode(self, values: IntArray) -> IntArray:
        """Codewords ``(N, *S)`` of legitimate integers of shape ``S``.

        Raises
        ------
        InputError
            If a value is outside ``[lowest, highest]``.
        """
        values = np.asarray(values)
        if values.size and (np.min(values) < self.lowest or np.max(values) > self.highest):
            raise InputError(
                f"`values` reach from {np.min(values)} to {np.max(values)}; "
                f"the code holds {self.lowest} to {self.highest}"
            )
        return to_residues(values, self.moduli.moduli)

    def is_codeword(self, words: IntArray) -> npt.NDArray[np.bool_]:
        """Whether each word of ``(N, *S)`` is a codeword (zero syndrome)."""
        residues = self._flat(words)
        moduli = self.moduli
        reader = RangeReader(moduli.parts, self.size, -self.lowest, of=moduli.information)
        value, valid = reader.read(residues[moduli.redundant :])
        value += self.lowest
        for channel, modulus in zip(residues, moduli.moduli, strict=True):
            valid &= channel == value % modulus
        return valid.reshape(np.shape(words)[1:])

    def without(self, erased: Iterable[int]) -> "RedundantCode":
        """The code over the channels that are left when some are known to be dead.

        Same legitimate range, same decoder; its words are those of this code without the erased
        rows (`ModuliSet.without`).
        """
        dead = tuple(erased)
        weights = self.weights and [w for i, w in enumerate(self.weights) if i not in dead]
        left = self.moduli.without(dead)
        return RedundantCode(left, self.size, self.decoder, weights, self.retry_above)

    def weighted(self, weights: tuple[float, ...] | None) -> "RedundantCode":
        """The code with these weights, where its decoder has a use for them and none are given."""
        if weights is None or self.weights or decoder_named(self.decoder).counts_residues:
            return self
        return RedundantCode(self.moduli, self.size, self.decoder, weights, self.retry_above)

    def decode(self, words: IntArray, erased: Iterable[int] = ()) -> Decoded:
        """Decode words of shape ``(N, *S)`` with residues in ``[0, m)``.

        Residues of the ``erased`` channels, indices into the first axis, are not looked at.
        """
        residues, shape = self._flat(words), np.shape(words)[1:]
        dead = tuple(erased)
        if dead:
            left = self.without(dead).decode(np.delete(residues, dead, axis=0))
            return Decoded(left.values.reshape(shape), left.status.reshape(shape))
        values, status = self._reader.decode(residues)
        return Decoded(values.reshape(shape), status.reshape(shape))

    def _flat(self, words: IntArray) -> IntArray:
        return check_residues("words", words, self.moduli.moduli).reshape(self.moduli.count, -1)

    @cached_property
    def _reader(self) -> Reader:
        decoder = decoder_named(self.decoder)
        return decoder.reader(self.moduli, self.size, self.weights, self.retry_above)


def _any_wrong(residues: int) -> str:
    if not residues:
        return "nothing"
    return f"any {residues} wrong residue{'s' if residues > 1 else ''}"


def check_weight(weight: float) -> float:
    """A weight of errors, of a word of residues."""
    return check_float("weights", weight, 1e-12, 1e12, "numbers from 1e-12 to 1e12")
