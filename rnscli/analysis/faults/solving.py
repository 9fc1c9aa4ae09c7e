"""The inverse question: the most noise with which a code keeps an output error probability."""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from scipy.optimize import brentq

from rnscli import base, core
from rnscli.analysis.faults.error_strata import weight_distribution
from rnscli.analysis.faults.fault_probability import (
    FaultOptions,
    FaultParameters,
    fault_probability,
)
from rnscli.analysis.faults.value_law import UNIFORM_VALUES, ValueLaw
from rnscli.core import ModuliSet, NoiseSetting

_DIGITS = 10  # of a level that is found
_LEAST_TARGET = 1e-300  # what is smaller has lost digits of a double
_QUIETEST = 1e-2  # sigma, below which a double knows no error
_LEAST_P = 1e-304
_STEP = 0.5  # of the logit of a wrong word, where p_err itself does not say how far it is


@dataclass(frozen=True, kw_only=True)
class LevelParameters:
    """A code, a law of noise whose level is open, and the output error probability to keep.

    Parameters
    ----------
    solve
        The measure of the level: ``p``, ``sigma`` or ``snr-db``, as in `NoiseSetting`.
    target
        The largest p_err that is accepted, at least 1e-300 and below 1.
    noise
        Name of the law; ``None`` for the one whose own parameter the level is.
    constants
        Name and value of each constant of the law that differs from its default.
    moduli, attempts, decoder, legitimate_range, erased, tolerance, values, retry_above
        As in `FaultParameters`.

    Raises
    ------
    InputError
        If a value is out of range, or rows of the law have no such level.
    """

    moduli: ModuliSet
    solve: str
    target: float
    noise: str | None = None
    constants: tuple[tuple[str, float], ...] = ()
    attempts: float = 1
    decoder: str | None = None
    legitimate_range: int | None = None
    erased: tuple[int, ...] = ()
    tolerance: int = core.TOLERANCE
    values: ValueLaw = UNIFORM_VALUES
    retry_above: float | None = None

    def __post_init__(self) -> None:
        FaultOptions.solve.check(self.solve)
        accepted = f"with `solve` a probability from {_LEAST_TARGET:g} to below 1"
        highest = math.nextafter(1.0, 0.0)
        base.check_float("target", self.target, _LEAST_TARGET, highest, accepted)
        law = self.with_level(0.1).point.left_laws[0]
        if self.level == "sigma" and law.standard_deviation is None:
            raise base.InputError(
                f"`solve` is sigma, which the noise {law.name} does not have; solve p, or leave "
                "`noise` out"
            )

    @property
    def level(self) -> str:
        """Name of the measure among the arguments of `NoiseSetting`."""
        return base.option_name(self.solve)

    def with_level(self, value: float) -> FaultParameters:
        """The code under noise of a level."""
        return FaultParameters(
            moduli=self.moduli,
            noise=NoiseSetting(
                noise=self.noise, constants=self.constants, **{self.level: float(value)}
            ),
            attempts=self.attempts,
            decoder=self.decoder,
            legitimate_range=self.legitimate_range,
            erased=self.erased,
            tolerance=self.tolerance,
            values=self.values,
            retry_above=self.retry_above,
        )


def most_noise(parameters: LevelParameters) -> float:
    """The level of the most noise with which p_err keeps a target.

    Every attempt is right where no more residues are wrong than the decoder corrects, so p_err is
    at most the probability of more, which rises with the noise: from where that is the target,
    p_err is followed up to the first level that is found to miss it, and the root between the two
    taken. That p_err rises until then is assumed; where it falls again far beyond, as some do near
    saturation, the smaller root is the answer. Where p_err is a bound, the bound keeps the target.

    Parameters
    ----------
    parameters
        Code, law, measure of the level, and target.

    Returns
    -------
    float
        The level to ten digits, rounded to less noise: `fault_probability` of
        ``parameters.with_level`` it is at most the target. In the unit of the measure: a
        probability, steps of a residue, or dB.

    Raises
    ------
    InputError
        As of `fault_probability`.
    NoSolutionError
        If p_err keeps the target at any level.

    Examples
    --------
    >>> code = LevelParameters(
    ...     moduli=ModuliSet([63, 62, 61, 59, 55, 53], redundant=2),
    ...     solve="p",
    ...     target=1e-9,
    ...     attempts=2,
    ... )
    >>> p = most_noise(code)
    >>> print(f"p {p:.4g}, p_err {fault_probability(code.with_level(p)).p_err:.4g}")
    p 3.302e-05, p_err 1e-09
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of what is far below the target
        return _Search(parameters).found()


class _Search:
    """Levels by their height, which grows with the noise: ln p, ln sigma, or -ln of m / sigma."""

    def __init__(self, parameters: LevelParameters) -> None:
        self._parameters = parameters
        moduli = parameters.moduli.moduli
        if parameters.level == "p":
            self._lowest, self._highest = math.log(_LEAST_P), 0.0
        elif parameters.level == "sigma":
            # With as many steps as there are residues, all of these are alike.
            self._lowest, self._highest = math.log(_QUIETEST), math.log(min(moduli[0], 1e4))
        else:
            self._lowest, self._highest = math.log(_QUIETEST / moduli[0]), 0.0
        if not self._exists(self._highest):
            self._highest = _last(self._exists, -1.0, self._highest)

    def found(self) -> float:
        target = self._parameters.target
        if self._wrong_word(self._highest) <= target:
            raise self._never(self._wrong_word(self._highest))
        start = _last(
            lambda height: self._wrong_word(height) <= target, self._lowest, self._highest
        )
        low, high = self._bracket(start)
        root = low if high == low else self._root(low, high)
        return self._rounded(root)

    def _bracket(self, height: float) -> tuple[float, float]:
        """The last height that was seen to keep the target, and the first that was not."""
        lacking = self._beyond(height)
        if lacking > 0:  # by rounding: all errors are wrong outputs
            return height, height
        while height < self._highest:
            # log p_err rises at least as fast as that of a wrong word, so this is far enough.
            logit = self._logit(height)
            further = logit - lacking if logit < -_STEP else logit
            following = self._height_of(max(logit + _STEP, min(further, 0.0)))
            following = max(following, min(height + 1e-6, self._highest))
            beyond = self._beyond(following)
            if beyond > 0:
                return height, following
            height, lacking = following, beyond
        raise self._never(fault_probability(self._at(height)).p_err)

    def _root(self, low: float, high: float) -> float:
        """In the logit of a wrong word, of which the logarithm of p_err is nearly linear."""
        ends = self._logit(low), self._logit(high)
        if not ends[0] < ends[1]:  # where every word is wrong
            return float(brentq(self._beyond, low, high, xtol=1e-12, rtol=1e-12))
        root = brentq(
            lambda logit: self._beyond(min(max(self._height_of(logit), low), high)),
            *ends,
            xtol=1e-10,
            rtol=1e-12,
        )
        return self._height_of(root)

    def _rounded(self, height: float) -> float:
        """The nearest level of so many digits that keeps the target."""
        level = Decimal(self._level(height))
        unit = Decimal(1).scaleb(level.adjusted() - _DIGITS + 1)
        quieter = 1 if self._parameters.level == "snr_db" else -1
        level = level.quantize(unit, ROUND_CEILING if quieter > 0 else ROUND_FLOOR)
        while True:
            made = self._parameters.with_level(float(level))
            if fault_probability(made).p_err <= self._parameters.target:
                return float(level)
            level += quieter * unit
            unit *= 2

    def _beyond(self, height: float) -> float:
        """By how much the logarithm of p_err is beyond that of the target."""
        p_err = fault_probability(self._at(height)).p_err
        return math.log(p_err or 5e-324) - math.log(self._parameters.target)

    def _wrong_word(self, height: float) -> float:
        """Probability of more wrong residues than the decoder corrects in any case."""
        point = self._at(height).point
        wrong = core.error_probabilities(point.left_laws, point.left.moduli)
        radius = point.radius if core.decoder_named(point.decoder).counts_residues else 0
        return min(1.0, math.fsum(weight_distribution(wrong)[radius + 1 :].tolist()))

    def _logit(self, height: float) -> float:
        wrong = min(max(self._wrong_word(height), 1e-307), 1 - 1e-15)
        return math.log(wrong) - math.log1p(-wrong)

    def _height_of(self, logit: float) -> float:
        return self._last(lambda height: self._logit(height) <= logit)

    def _last(self, holds: Callable[[float], bool]) -> float:
        return _last(holds, self._lowest, self._highest)

    def _exists(self, height: float) -> bool:
        """Whether the law can have the level."""
        try:
            self._at(height)
        except base.InputError:
            return False
        return True

    def _at(self, height: float) -> FaultParameters:
        return self._parameters.with_level(self._level(height))

    def _level(self, height: float) -> float:
        if self._parameters.level == "snr_db":
            return -height * 20 / math.log(10)
        return math.exp(height)

    def _never(self, most: float) -> base.NoSolutionError:
        """That no level misses the target."""
        of = self._parameters
        return base.NoSolutionError(
            f"p_err keeps the `target` {of.target:g} at any {of.solve}: it is {most:.6g} where "
            "there is the most noise; give a smaller target"
        )


def _last(holds: Callable[[float], bool], low: float, high: float) -> float:
    """The last number for which something holds that does at low, and does not from there on."""
    if holds(high):
        return high
    while (middle := (low + high) / 2) not in (low, high) and high - low > 1e-14 * abs(low):
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
