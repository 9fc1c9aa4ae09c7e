"""Where no design keeps a limit of p_err: the most noise with which one does."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from rnscli.analysis.faults import FaultParameters, LevelParameters, most_noise
from rnscli.analysis.faults.fault_probability import fault_probability
from rnscli.base import RnscliError
from rnscli.core import NoiseSetting

_LEAST = 1e-4  # of the given level, below which none is looked for without a code
_STEPS = 40


class Bearing(ABC):
    """A design and the noise that it bears; levels are those of one measure."""

    name: str

    @abstractmethod
    def p_err(self, noise: NoiseSetting) -> float:
        """Output error probability at a noise."""

    @abstractmethod
    def level(self, noise: NoiseSetting, target: float) -> float | None:
        """Level of the most noise with which p_err keeps a target, which the given one misses."""


@dataclass(frozen=True)
class Coded(Bearing):
    """A design with a redundant code."""

    name: str
    code: LevelParameters

    def p_err(self, noise: NoiseSetting) -> float:
        return fault_probability(self.code.with_level(_value(noise))).p_err

    def level(self, noise: NoiseSetting, target: float) -> float:
        return most_noise(self.code)


@dataclass(frozen=True)
class Uncoded(Bearing):
    """A design whose ADCs are read as they are: the more noise, the more often they err."""

    name: str
    reading_error: Callable[[NoiseSetting], float]

    def p_err(self, noise: NoiseSetting) -> float:
        return self.reading_error(noise)

    def level(self, noise: NoiseSetting, target: float) -> float | None:
        name, given = noise.level[0], _value(noise)

        def at(share: float) -> float:
            return given - 20 * math.log10(share) if name == "snr_db" else given * share

        def keeps(logarithm: float) -> bool:
            return self.p_err(_at_level(noise, at(math.exp(logarithm)))) <= target

        low, high = math.log(_LEAST), 0.0
        if not keeps(low):
            return None
        for _ in range(_STEPS):
            middle = (low + high) / 2
            low, high = (middle, high) if keeps(middle) else (low, middle)
        return at(math.exp(low))


def level_of(
    noise: NoiseSetting, code: FaultParameters, attempts: float, target: float
) -> LevelParameters:
    """The question for the level of the noise of a code."""
    return LevelParameters(
        moduli=code.moduli,
        solve=noise.level[0].replace("_", "-"),
        target=target,
        noise=noise.noise,
        constants=noise.constants,
        attempts=attempts,
        decoder=code.decoder,
        legitimate_range=code.legitimate_range,
    )


def nearest_noise(noise: NoiseSetting, target: float, designs: Iterable[Bearing]) -> str | None:
    """At how much noise which design keeps a target that none of them keeps at a given noise.

    Of these the one that bears the most, the level being rounded to less noise; the nearest are to
    be the first, as another one is looked at closely only if it bears more than the best so far.
    ``None`` if there is none.
    """
    best: tuple[float, Bearing] | None = None
    for design in designs:
        try:
            if best is not None and design.p_err(_with_more(noise, best[0])) > target:
                continue
            level = design.level(noise, target)
        except RnscliError:  # the law does not reach a level, or the code is too large
            continue
        if level is not None:
            best = level, design
    if best is None:
        return None
    name = noise.level[0]
    upwards = name == "snr_db"
    exact = Decimal(best[0])
    unit = Decimal(1).scaleb(exact.adjusted() - 2)
    said = float(exact.quantize(unit, ROUND_CEILING if upwards else ROUND_FLOOR))
    side = "more" if upwards else "less"
    return f"at `{name}` {said:g} or {side} it is kept by {best[1].name}"


def _at_level(noise: NoiseSetting, value: float) -> NoiseSetting:
    return NoiseSetting(noise=noise.noise, constants=noise.constants, **{noise.level[0]: value})


def _with_more(noise: NoiseSetting, level: float) -> NoiseSetting:
    """A trace more than a level."""
    more = level - 1e-5 if noise.level[0] == "snr_db" else level * (1 + 1e-6)
    return _at_level(noise, more)


def _value(noise: NoiseSetting) -> float:
    value = noise.level[1]
    assert not isinstance(value, tuple)
    return value
