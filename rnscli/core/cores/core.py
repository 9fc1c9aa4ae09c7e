"""What an analog core offers, and what it returns."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rnscli.base import InputError
from rnscli.core.arithmetic import DotProduct, FloatArray, IntArray, RedundantCode
from rnscli.core.devices import Devices
from rnscli.core.devices.built import BuiltArray, Channel, Conversion, Product, levels_of
from rnscli.core.devices.converters import MAX_DAC_LEVELS
from rnscli.core.noise.law import NoiseLaw, error_probabilities, noise_columns

# Exact sums at some flat positions, or at all; of several parts their axis comes first.
PartsOf = Callable[[IntArray | None], IntArray]
WordsOf = Callable[[IntArray], IntArray]  # words ``(N, ...)`` of residues at some flat positions


class ErrorSizes(NamedTuple):
    """How far results are off the exact sums.

    ``gross`` counts those that are further off than a tolerance, or rejected; ``absolute`` and
    ``square`` are the sums of ``|e|`` and ``e^2`` over those that are not rejected.
    """

    gross: int = 0
    absolute: int = 0
    square: int = 0


@dataclass(frozen=True)
class Errors:
    """By how much each of some results is off the exact sum, and whether it was rejected."""

    off: IntArray | FloatArray
    rejected: npt.NDArray[np.bool_]

    def sizes(self, tolerance: int) -> ErrorSizes:
        """Counts and sums, which are exact."""
        away = np.abs(self.off)
        gross = int(np.count_nonzero((away > tolerance) | self.rejected))
        accepted = away[~self.rejected].astype(np.int64)
        if accepted.size * float(accepted.max(initial=0)) ** 2 >= 2**62:
            accepted = accepted.astype(object)
        return ErrorSizes(gross, int(accepted.sum()), int((accepted**2).sum()))


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
    rejected
        Whether the decoder still rejected a result in the last attempt; ``None`` of a core that
        rejects nothing.
    """

    values: IntArray | FloatArray
    wrong: npt.NDArray[np.bool_]
    attempts: tuple[int, ...]
    rejected: npt.NDArray[np.bool_] | None = None

    @classmethod
    def joined(cls, parts: Sequence["Readout"]) -> "Readout":
        """Those of several vectors of dot products, one after the other."""
        rejected = [one.rejected for one in parts if one.rejected is not None]
        return cls(
            np.concatenate([one.values for one in parts]),
            np.concatenate([one.wrong for one in parts]),
            tuple(map(sum, zip_longest(*(one.attempts for one in parts), fillvalue=0))),
            None if not rejected else np.concatenate(rejected),
        )

    def errors(self, exact: IntArray) -> Errors:
        """How far all results are off the exact sums."""
        rejected = np.zeros_like(self.wrong) if self.rejected is None else self.rejected
        return Errors(self.values - exact, rejected)


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
    errors
        Of a core with a code: those of the results that were hit.
    """

    index: IntArray
    values: IntArray | FloatArray
    wrong: int
    attempts: tuple[int, ...]
    errors: Errors | None = None

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
    devices
        What its arrays are built of.
    """

    name: str
    dot_product: DotProduct
    code: RedundantCode | None
    devices: Devices

    @property
    def lossless(self) -> bool:
        """Whether `ideal` gives every sum as it is, so that it need not be asked."""
        return False

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

    # Where devices matter, products are those of arrays that are programmed first: `built`, then
    # `multiply`. The sums that all else begins with are exact.

    @property
    def physical(self) -> bool:
        """Whether its results depend on what its arrays are built of."""
        return not self.devices.ideal

    @property
    @abstractmethod
    def arrays(self) -> tuple[Channel, ...]:
        """The array of each channel."""

    @abstractmethod
    def stored(self, w: Any) -> tuple[Any, ...]:
        """What its cells hold for whole-numbered weights, for each array."""

    @abstractmethod
    def applied(self, x: Any) -> tuple[Any, ...]:
        """What its DACs are given for whole-numbered inputs, for each array."""

    @abstractmethod
    def receive(
        self, conversions: Iterable[Conversion], sums: IntArray, rng: np.random.Generator
    ) -> Readout:
        """What it makes of the levels that its ADCs see; ``sums`` are the exact dot products."""

    def built(
        self, w: FloatArray, cells: np.random.Generator, dacs: np.random.Generator
    ) -> BuiltArray:
        """Its arrays with weights ``(..., h, N)`` in them, whose errors are drawn."""
        return BuiltArray(self.devices, self.arrays, self.stored(w), cells, dacs)

    def multiply(
        self,
        x: FloatArray,
        built: BuiltArray,
        product: Product,
        sums: IntArray,
        rng: np.random.Generator,
    ) -> Readout:
        """Products of inputs ``(..., M, h)``, or ``(N, h)``, with what was built, flat."""
        return self.receive(built.conversions(self.applied(x), product), sums.reshape(-1), rng)

    @property
    @abstractmethod
    def laws(self) -> tuple[NoiseLaw, ...]:
        """The law of each of its converters; empty without noise."""

    @property
    def noisy(self) -> bool:
        """Whether results may differ from those of ideal devices without noise."""
        return bool(self.laws) or not self.devices.ideal

    @property
    def error_probabilities(self) -> tuple[float, ...]:
        """Probability that each of its converters is wrong; empty without noise."""
        return error_probabilities(self.laws, self.channels) if self.laws else ()

    @property
    def may_err(self) -> bool:
        """Whether a converter may be wrong at all."""
        return any(self.error_probabilities) or not self.devices.ideal

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


def check_dacs(core: Core) -> None:
    """Refuse errors of DACs that have too many levels to be drawn."""
    if not core.devices.dac_error:
        return
    most = max(levels_of(core.devices, channel) for channel in core.arrays)
    if most > MAX_DAC_LEVELS:
        raise InputError(
            f"`dac_error` is {core.devices.dac_error:g}, for DACs of {most} levels; it is drawn "
            f"for each of up to {MAX_DAC_LEVELS}"
        )
