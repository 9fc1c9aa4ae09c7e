"""What an analog core offers, and what it returns."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rnscli.core.arithmetic import DotProduct, FloatArray, IntArray, RedundantCode
from rnscli.core.noise.law import NoiseLaw, error_probabilities, noise_columns

# Exact sums at some flat positions, or at all; of several parts their axis comes first.
PartsOf = Callable[[IntArray | None], IntArray]
WordsOf = Callable[[IntArray], IntArray]  # words ``(N, ...)`` of residues at some flat positions


@dataclass(frozen=True)
class Readout:
    """What a core returned for a vector of dot products.

    Attributes
    ----------
    values
        The results: int64, or float64 of ADCs whose steps are no powers of two.
    wrong
        Whether noise spoilt a result: it differs from what the core gives without noise, or the
        decoder still rejected it in the last attempt.
    attempts
        How many dot products were computed at least once, at least twice, and so on; their sum is
        the number of computations.
    """

    values: IntArray | FloatArray
    wrong: npt.NDArray[np.bool_]
    attempts: tuple[int, ...]


@dataclass(frozen=True)
class Changes:
    """Where noise has changed what a core reads, among a number of dot products.

    Attributes
    ----------
    index, values
        Positions, and what is read there as in `Readout`; elsewhere it is what the core reads
        without noise.
    wrong
        How many results noise spoilt (see `Readout`).
    attempts
        As in `Readout`.
    """

    index: IntArray
    values: IntArray | FloatArray
    wrong: int
    attempts: tuple[int, ...]

    @classmethod
    def of(cls, readout: Readout) -> "Changes":
        """The wrong results of a core that reads all others as without noise."""
        index = np.flatnonzero(readout.wrong)
        return cls(index, readout.values[index], index.size, readout.attempts)


class Core(ABC):
    """What every simulated core offers.

    `dot` and `read` are about pairs of vectors. Of a matrix product a core reads the products of
    the inputs with each of the `parts` of the weights: `ideal` says what it makes of them without
    noise, in floats of any array library, and `changes` where noise makes a difference.

    Attributes
    ----------
    name
        Name on the command line.
    dot_product
        Length and operands of a dot product.
    code
        The code of a core that computes in residues; ``None`` for all others.
    """

    name: str
    dot_product: DotProduct
    code: RedundantCode | None

    @property
    @abstractmethod
    def reach(self) -> int:
        """Largest magnitude of a result, right or wrong."""

    @property
    @abstractmethod
    def channels(self) -> tuple[int, ...]:
        """Number of values that each of its converters tells apart, as far as noise goes."""

    @property
    @abstractmethod
    def settings(self) -> Mapping[str, Any]:
        """Settings that it has besides its dot product, by the names of `CoreSettings`."""

    @abstractmethod
    def dot(self, x: IntArray, w: IntArray, rng: np.random.Generator) -> Readout:
        """Dot products of quantised operands of shape ``(pairs, h)``, as the hardware does it."""

    @abstractmethod
    def partial_sums(self, x: FloatArray, w: FloatArray, sums: IntArray) -> IntArray:
        """What `read` needs: the exact dot products ``sums``, or those of parts of the weights.

        ``x`` and ``w`` hold whole numbers, of shape ``(pairs, h)``; the last axis of the result
        is that of the pairs.
        """

    @abstractmethod
    def read(self, sums: IntArray, rng: np.random.Generator) -> Readout:
        """The same as `dot`, from `partial_sums`."""

    @abstractmethod
    def parts(self, w: Any) -> tuple[Any, ...]:
        """What is in the array for whole-numbered weights: they themselves, or their slices."""

    @abstractmethod
    def ideal(self, sums: Sequence[Any]) -> Any:
        """What is read without noise from exact products with the parts, which may be changed."""

    def changes(
        self, size: int, sums_of: PartsOf, rng: np.random.Generator, words_of: WordsOf | None = None
    ) -> Changes:
        """Where noise changes the results of ``size`` dot products; by reading all of them.

        ``sums_of`` gives the exact products at some positions, or at all; with several parts
        their axis comes first. ``words_of`` gives the words ``(N, ...)`` at some positions of a
        core with a code, where its channels were computed.
        """
        return Changes.of(self.read(sums_of(None), rng))

    @property
    @abstractmethod
    def laws(self) -> tuple[NoiseLaw, ...]:
        """The law of each of its converters; empty without noise."""

    @property
    def noisy(self) -> bool:
        return bool(self.laws)

    @property
    def error_probabilities(self) -> tuple[float, ...]:
        """Probability that each of its converters is wrong; empty without noise."""
        return error_probabilities(self.laws, self.channels) if self.laws else ()

    @property
    def may_err(self) -> bool:
        """Whether a converter may be wrong at all."""
        return any(self.error_probabilities)

    @property
    def noise_columns(self) -> dict[str, Any]:
        """What rows say of its noise, as `rnscli.core.noise.law.noise_columns` has it."""
        keys = ("noise", "p", "sigma", "residue_p", "residue_sigma")
        if not self.laws:
            return dict.fromkeys(keys)
        found = noise_columns(self.laws, self.error_probabilities)
        return found if self.code is not None else found | dict.fromkeys(keys[3:])


class WholeWeights(Core):
    """A core whose array holds the weights as they are: its only part."""

    def partial_sums(self, x: FloatArray, w: FloatArray, sums: IntArray) -> IntArray:
        return sums

    def parts(self, w: Any) -> tuple[Any, ...]:
        return (w,)
