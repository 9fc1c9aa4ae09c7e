"""Noise laws: what an analog channel does to a residue, and a conventional ADC to its code.

Errors are rare where a design is any good, so they are drawn sparsely: first the positions that
are hit, by geometric gaps, then an error for each of these.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Protocol

import numpy as np

from rnscli.base.checks import MAX_SIGMA, check_float
from rnscli.base.errors import InputError
from rnscli.core.arithmetic.quantisation import FloatArray, IntArray

MAX_TABLED_MODULUS = 2**26  # of a law written out as one probability for each error
MAX_GAUSSIAN_MODULUS = 2**31


@dataclass(frozen=True)
class Adc:
    """A conventional converter: codes from ``low`` to ``high``.

    ``full_scale_ratio`` is how many of its steps make one step of a b-bit converter with the same
    full scale, ``2**(bits - b)``.
    """

    low: int
    high: int
    full_scale_ratio: float


class NoiseLaw(Protocol):
    """What every noise law offers."""

    @property
    def name(self) -> str:
        """Name on the command line."""
        ...

    def error_probability(self, modulus: int) -> float:
        """Probability that a residue of this modulus is read wrong."""
        ...

    def error_distribution(self, modulus: int) -> FloatArray:
        """Probabilities of the errors ``0 .. m - 1``."""
        ...

    def draw_errors(self, rng: np.random.Generator, modulus: int, size: int) -> IntArray:
        """Errors in ``[1, m)``, given that there is one."""
        ...

    def convert(
        self, rng: np.random.Generator, codes: IntArray, remainders: FloatArray | float, adc: Adc
    ) -> IntArray:
        """Codes that a conventional ADC returns for levels ``codes + remainders`` in its steps.

        ``codes`` are the levels rounded, which may exceed 2**53 and the range of the converter;
        ``remainders`` lie in [-0.5, 0.5].
        """
        ...


@dataclass(frozen=True)
class Uniform:
    """Each residue is wrong with probability p, and then uniform over the m - 1 wrong values.

    A conventional ADC returns, with probability p, another of its codes, chosen uniformly.

    Examples
    --------
    >>> Uniform(1e-3).error_probability(63)
    0.001
    """

    name: ClassVar[str] = "uniform"
    p: float

    def __post_init__(self) -> None:
        """Refuse what is not a probability."""
        p = check_float("p", self.p, 0.0, 1.0, "a probability from 0 to 1")
        object.__setattr__(self, "p", p)

    def error_probability(self, modulus: int) -> float:
        """The parameter p."""
        del modulus
        return self.p

    def error_distribution(self, modulus: int) -> FloatArray:
        """``1 - p``, then ``p / (m - 1)`` for every other value."""
        _check_modulus(modulus, MAX_TABLED_MODULUS)
        chances = np.full(modulus, self.p / (modulus - 1))
        chances[0] = 1.0 - self.p
        return chances

    def draw_errors(self, rng: np.random.Generator, modulus: int, size: int) -> IntArray:
        """Uniform over ``[1, m)``."""
        return rng.integers(1, modulus, size=size)

    def convert(
        self, rng: np.random.Generator, codes: IntArray, remainders: FloatArray | float, adc: Adc
    ) -> IntArray:
        """Clip, and replace a share p of the codes."""
        del remainders
        codes = np.clip(codes, adc.low, adc.high)
        hit = draw_positions(rng, self.p, codes.size)
        # A nonzero distance round the circle of codes is uniform over the other codes.
        width = adc.high - adc.low + 1
        distance = rng.integers(1, width, size=hit.size)
        codes[hit] = (codes[hit] - adc.low + distance) % width + adc.low
        return codes


@dataclass(frozen=True)
class Gaussian:
    """The residue plus N(0, sigma^2) in residue steps, rounded, and wrapped at m.

    Analog modulo is a phase, so an error past either end of ``[0, m)`` comes in at the other.
    A conventional ADC sees noise of the same fraction of its full scale before it rounds.

    Examples
    --------
    >>> round(Gaussian(0.2).error_probability(63), 6)
    0.012419
    """

    name: ClassVar[str] = "gaussian"
    sigma: float

    def __post_init__(self) -> None:
        """Refuse what is not a standard deviation."""
        sigma = check_float(
            "sigma",
            self.sigma,
            0.0,
            MAX_SIGMA,
            f"a number of residue steps from 0 to {MAX_SIGMA:g}",
        )
        object.__setattr__(self, "sigma", sigma)

    def error_probability(self, modulus: int) -> float:
        """``1 - P(0)``, summed over the wrong values so that small ones keep their precision."""
        return _gaussian_errors(self.sigma, modulus).probability

    def error_distribution(self, modulus: int) -> FloatArray:
        """Differences of the normal distribution function, wrapped at m."""
        _check_modulus(modulus, MAX_TABLED_MODULUS)
        table = _gaussian_errors(self.sigma, modulus)
        chances: FloatArray = np.zeros(modulus)
        np.add.at(chances, table.errors, table.weights)
        chances[0] = 1.0 - table.probability
        return chances

    def draw_errors(self, rng: np.random.Generator, modulus: int, size: int) -> IntArray:
        """Rounded, wrapped noise, given that it is not a multiple of m."""
        return _gaussian_errors(self.sigma, modulus).draw(rng, size)

    def convert(
        self, rng: np.random.Generator, codes: IntArray, remainders: FloatArray | float, adc: Adc
    ) -> IntArray:
        """Add the noise, round, clip."""
        if self.sigma:
            noise = rng.standard_normal(codes.shape) * (self.sigma * adc.full_scale_ratio)
            # Noise beyond this leads out of the converter's range from any code.
            reach = float(adc.high - adc.low)
            codes = codes + np.rint(np.clip(noise + remainders, -reach, reach)).astype(np.int64)
        return np.clip(codes, adc.low, adc.high)


@dataclass(frozen=True)
class Tabulated:
    """Any error law of a residue: the probabilities of the errors ``0 .. m - 1``.

    It belongs to one modulus, so a code takes a tuple of them, one for each of its moduli.

    Examples
    --------
    >>> Tabulated((0.9, 0.08, 0.02)).error_probability(3)
    0.1
    """

    name: ClassVar[str] = "tabulated"
    probabilities: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse what is not a distribution."""
        vector = check_distribution("probabilities", self.probabilities)
        object.__setattr__(self, "probabilities", tuple(vector.tolist()))

    def error_probability(self, modulus: int) -> float:
        """Sum over the wrong values."""
        return min(1.0, math.fsum(self.error_distribution(modulus)[1:].tolist()))

    def error_distribution(self, modulus: int) -> FloatArray:
        """The probabilities.

        Raises
        ------
        InputError
            If there are not m of them.
        """
        if len(self.probabilities) != modulus:
            raise InputError(
                f"`probabilities` has {len(self.probabilities)} entries; "
                f"modulus {modulus} needs as many as its value"
            )
        return np.array(self.probabilities)

    def draw_errors(self, rng: np.random.Generator, modulus: int, size: int) -> IntArray:
        """Wrong values in proportion to their probabilities."""
        weights = self.error_distribution(modulus)[1:]
        return _ErrorTable.of(np.arange(1, modulus), weights).draw(rng, size)

    def convert(
        self, rng: np.random.Generator, codes: IntArray, remainders: FloatArray | float, adc: Adc
    ) -> IntArray:
        """Not defined: a table for a residue says nothing about a conventional converter."""
        del rng, codes, remainders, adc
        raise InputError("a tabulated law is of residues; it does not apply to a conventional core")


def mean_error_probability(noise: NoiseLaw, moduli: Sequence[int]) -> float:
    """Probability that a residue is read wrong, in the mean over the moduli.

    Examples
    --------
    >>> mean_error_probability(Uniform(1e-3), (63, 62))
    0.001
    """
    chances = [noise.error_probability(m) for m in moduli]
    if min(chances) == max(chances):
        return chances[0]  # to the last digit
    return math.fsum(chances) / len(chances)


def check_distribution(name: str, probabilities: Sequence[float]) -> FloatArray:
    """Return probabilities as an array if they are a distribution.

    Raises
    ------
    InputError
        If one is negative or not a number, or they do not sum to 1.

    Examples
    --------
    >>> check_distribution("q", [0.9, 0.05])
    Traceback (most recent call last):
        ...
    rnscli.base.errors.InputError: `q` sums to 0.95; probabilities must sum to 1
    """
    vector = np.asarray(probabilities, dtype=np.float64)
    if vector.ndim != 1 or not vector.size:
        raise InputError(f"`{name}` has shape {vector.shape}; it must be a list of probabilities")
    refused = np.flatnonzero(~(vector >= 0))  # NaN is refused, too
    if refused.size:
        raise InputError(
            f"`{name}` holds {vector[refused[0]]} as entry {refused[0]}; none may be negative"
        )
    total = math.fsum(vector.tolist())
    if not abs(total - 1) <= 1e-9:
        raise InputError(f"`{name}` sums to {total:.12g}; probabilities must sum to 1")
    return vector


def _check_modulus(modulus: int, highest: int) -> None:
    if modulus > highest:
        raise InputError(
            f"modulus {modulus} is too large for a law that is not uniform; at most "
            f"2^{highest.bit_length() - 1} is accepted"
        )


@dataclass(frozen=True, eq=False)
class _ErrorTable:
    """Wrong values and their weights, to draw from; ``probability`` is the sum of the weights."""

    errors: IntArray
    weights: FloatArray
    cumulative: FloatArray
    probability: float

    @classmethod
    def of(cls, errors: IntArray, weights: FloatArray) -> "_ErrorTable":
        probability = min(1.0, math.fsum(weights.tolist()))
        return cls(errors, weights, np.cumsum(weights), probability)

    def draw(self, rng: np.random.Generator, size: int) -> IntArray:
        if not size:
            return self.errors[:0]
        picks = np.searchsorted(
            self.cumulative, rng.random(size) * self.cumulative[-1], side="right"
        )
        drawn: IntArray = self.errors[np.minimum(picks, self.errors.size - 1)]
        return drawn


@lru_cache(maxsize=64)
def _gaussian_errors(sigma: float, modulus: int) -> _ErrorTable:
    """Errors modulo m that rounded noise makes.

    The weights are differences of the normal distribution function, taken in the lower tail: there
    they keep their relative precision down to the smallest double.
    """
    from scipy.special import ndtr

    _check_modulus(modulus, MAX_GAUSSIAN_MODULUS)
    if not sigma:
        return _ErrorTable.of(np.empty(0, dtype=np.int64), np.empty(0))
    reach = math.ceil(39 * sigma) + 1
    size = np.arange(1, reach + 1)
    with np.errstate(over="ignore"):  # of a tiny sigma; the tail beyond is 0 all the same
        tails = ndtr(-(np.arange(reach + 1) + 0.5) / sigma)
    weight = tails[:-1] - tails[1:]
    wrong = size % modulus != 0
    size, weight = size[wrong], weight[wrong]
    return _ErrorTable.of(np.concatenate((size, -size)) % modulus, np.concatenate((weight, weight)))


def draw_positions(rng: np.random.Generator, probability: float, size: int) -> IntArray:
    """Which of ``size`` independent trials succeed, ascending.

    Gaps between successes are geometric, so the cost is that of the successes and not of the
    trials.

    Examples
    --------
    >>> draw_positions(np.random.default_rng(0), 1.0, 3).tolist()
    [0, 1, 2]
    """
    if probability <= 0 or not size:
        return np.empty(0, dtype=np.int64)
    if probability > 0.25:
        return np.flatnonzero(rng.random(size) < probability)
    expected = size * probability
    batch = int(expected + 4 * math.sqrt(expected)) + 8
    log_miss = math.log1p(-probability)
    parts: list[IntArray] = []
    last = -1
    while last < size:
        with np.errstate(over="ignore"):  # of a tiny probability; the gap is cut below
            failures = np.floor(np.log1p(-rng.random(batch)) / log_miss)
        steps = np.minimum(failures, size).astype(np.int64) + 1
        positions = last + np.cumsum(steps)
        parts.append(positions)
        last = int(positions[-1])
    found = np.concatenate(parts)
    return found[: np.searchsorted(found, size)]
