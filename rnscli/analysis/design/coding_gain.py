"""How much light, and energy, a redundant code is worth: the least of both that reach a target."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from rnscli.analysis.design.evaluation import (
    Evaluator,
    Group,
    SimulatedError,
    Tell,
    simulated_errors,
)
from rnscli.analysis.design.limits import NOISE_OBJECTIVES, OBJECTIVES, Limits, Metrics
from rnscli.analysis.design.rows import GainRow
from rnscli.analysis.design.space import Design, DesignSpace
from rnscli.base import InputError, NoSolutionError, RnscliError
from rnscli.core import CORES, DEVICE, decoder_named
from rnscli.hardware import KNOWN
from rnscli.runtime import Runner

TARGETS = tuple(
    f"max_{name.replace('-', '_')}"
    for name, metric in (OBJECTIVES | NOISE_OBJECTIVES).items()
    if metric in ("p_err", "output_error")
)
_STEP = 2.0  # dB, by which a power is first looked for
_LEAST = -120.0  # dB of 1 W
_FIRST = -20.0
_EXACT = 1e-4  # dB
_TINY = 1e-320  # a probability that has a logarithm
_FINER = 1.25  # ratio of numbers of arrays that are looked at
_RISEN = 1.3  # energy over the least one, from which more arrays are not looked at
_GOLDEN = (math.sqrt(5) - 1) / 2


class Reached(NamedTuple):
    """A design that reaches a target, at a laser power in W."""

    power: float
    group: Group
    metrics: Metrics


@dataclass(frozen=True)
class _Code:
    """A code on arrays of which the light, and how many there are, is left open."""

    space: DesignSpace
    errors: Mapping[Any, SimulatedError | RnscliError]
    design: Design
    limits: Limits

    def at(self, power: float, segments: int) -> Reached:
        """With a laser power in W."""
        evaluator = Evaluator(self.space, self.errors)
        design = replace(self.design, laser_power=power, segments=segments)
        group = evaluator.group(replace(design, attempts=None))
        return Reached(power, group, group.metrics(design.attempts))

    def excess(self, level: float, segments: int) -> float:
        """Logarithm of what is reached over what is wanted, at a power in dB of 1 W."""
        try:
            metrics = self.at(10 ** (level / 10), segments).metrics
        except RnscliError:  # no light is left
            return math.inf
        (limit,) = self.limits
        value = max(_TINY, getattr(metrics, limit.metric))
        return math.log(value) - math.log(max(_TINY, limit.value))

    def least_power(self, segments: int, near: float | None = None) -> Reached | None:
        """That with the least light that reaches the target, if any does."""
        first = _FIRST if near is None else 10 * math.log10(near)
        found = least_level(lambda level: self.excess(level, segments), first)
        return None if found is None else self.at(10 ** (found / 10), segments)

    def leanest(self, segments: int, reached: Reached) -> Reached:
        """That with the least energy: attempts may cost more than light."""
        rejected = reached.group.outcome.detected * reached.group.parameters.design.width
        if (self.design.attempts or 1) == 1 or rejected < 1e-3:
            return reached
        low = 10 * math.log10(reached.power)
        ends, best = (low, low + 6.0), reached
        while ends[1] - ends[0] > 0.05:
            inner = [
                ends[1] - _GOLDEN * (ends[1] - ends[0]),
                ends[0] + _GOLDEN * (ends[1] - ends[0]),
            ]
            one, two = (self.at(10 ** (level / 10), segments) for level in inner)
            best = min((best, one, two), key=_energy)
            ends = (ends[0], inner[1]) if _energy(one) <= _energy(two) else (inner[0], ends[1])
        return best

    def best(self) -> tuple[int, Reached] | None:
        """With the least energy, of all numbers of arrays: more of them take less light each."""
        found: tuple[int, Reached] | None = None
        near = None
        for segments in _numbers(self.design.vector_size):
            reached = self.least_power(segments, near)
            if reached is None:
                continue
            near = reached.power
            leanest = self.leanest(segments, reached)
            if found is None or _energy(leanest) < _energy(found[1]):
                found = segments, leanest
            elif _energy(leanest) > _RISEN * _energy(found[1]):
                break
        return found


def least_level(excess: Callable[[float], float], first: float = _FIRST) -> float | None:
    """The least level in dB at which a falling excess is not above 0; ``None`` without one.

    Examples
    --------
    >>> round(least_level(lambda level: -level / 10 - 1.25), 3)
    -12.5
    """
    from scipy.optimize import brentq

    most = 10 * math.log10(KNOWN["laser_power"].high)
    known: dict[float, float] = {}

    def of(level: float) -> float:
        if level not in known:
            known[level] = excess(level)
        return known[level]

    low = high = first
    step = _STEP
    while of(high) > 0:
        if high >= most:
            return None
        low, high, step = high, min(most, high + step), 2 * step
    while of(low) <= 0:
        if low <= _LEAST:
            return low
        low, high, step = low - step, low, 2 * step
    while math.isinf(of(low)):  # which has no root in between
        middle = (low + high) / 2
        low, high = (middle, high) if of(middle) > 0 else (low, middle)
        if high - low < _EXACT:
            return high
    found = float(brentq(of, low, high, xtol=_EXACT / 2, rtol=1e-12))
    while of(found) > 0:
        found += _EXACT / 2
    return found


def _energy(reached: Reached) -> float:
    return reached.metrics.energy_per_mac_j


def _numbers(size: int) -> Iterator[int]:
    """Numbers of arrays for a dot product, each some more than the one before."""
    segments = 1
    while segments <= size:
        yield segments
        segments = max(segments + 1, math.floor(segments * _FINER))


def coding_gain(
    space: DesignSpace,
    limits: Mapping[str, float],
    runner: Runner | None = None,
    progress: Tell | None = None,
) -> tuple[GainRow, ...]:
    """What light, and energy, each code of a space takes to reach a target, and what that is worth.

    The noise is that of the technology. Without redundancy, in one attempt, a dot product is cut
    over as many arrays as take the least energy. ``gain_db`` is how much less light a code takes
    on as many arrays; ``gain_j`` how much less energy for a MAC, all parts, redundant channels and
    attempts included, where each code has the light and the arrays that are best for it. Where no
    light is enough without redundancy, there is no gain to be told, and arrays are those of the
    first code that reaches the target.

    Parameters
    ----------
    space
        Codes, bits, lengths, rates and technologies; laser power and arrays are looked for.
    limits
        The target: ``max_p_err`` or ``max_output_error``.
    runner
        Where codes are computed; in this process if not given.
    progress
        Called with what is counted, how many are done, and of how many.

    Returns
    -------
    tuple of GainRow
        For each of the other axes the reference without redundancy, and the codes.

    Raises
    ------
    InputError
        If there is not one target, or no core and technology that have codes and light.
    NoSolutionError
        If no light is enough, for the reference nor for one of the codes.

    Examples
    --------
    >>> space = DesignSpace(
    ...     core=("rns",), bits=(4,), vector_size=(16,), redundant=(1,), attempts=(2,),
    ...     decoder=("detect",), legitimate_range=("operands",), columns_per_adc=(None,), pairs=100)
    >>> plain, coded = coding_gain(space, {"max_p_err": 1e-12})
    >>> plain.redundant, coded.redundant, coded.gain_db > 1
    (0, 1, True)
    """
    (limit,) = _target(limits)
    space = replace(
        space, noise=DEVICE, laser_power=(None,), max_link_sigma=(None,), segments=(None,)
    )
    errors = simulated_errors(space, runner, None)
    setups = _setups(space, errors, Limits((limit,)))
    calls = [(code,) for codes in setups for code in codes]
    solved = []
    for best in (runner or Runner()).each(_best, calls):
        solved.append(best)
        if progress is not None:
            progress("codes", len(solved), len(calls))
    answers, more = iter(solved), []
    by_setup = [[(code, next(answers)) for code in codes] for codes in setups]
    for found in by_setup:
        arrays = _arrays(found)
        more += [(code, arrays) for code, _ in found]
    alike = (runner or Runner()).each(_least, more)
    rows: list[GainRow] = []
    for found in by_setup:
        same = [next(alike) for _ in found]
        plain = same[0], found[0][1]
        rows.extend(
            _row(code, _arrays(found), one, best, plain)
            for (code, best), one in zip(found, same, strict=True)
        )
    return tuple(rows)


def _arrays(found: list[tuple[_Code, tuple[int, Reached] | None]]) -> int:
    """How many arrays the reference takes, or the first of the codes that reaches the target."""
    best = next((best for _, best in found if best is not None), None)
    if best is None:
        code, _ = found[0]
        (limit,) = code.limits
        raise NoSolutionError(
            f"no laser power up to {KNOWN['laser_power'].high:g} W brings {code.design}, nor one "
            f"of its codes, to {limit}, on however many arrays"
        )
    return best[0]


def _target(limits: Mapping[str, float]) -> Limits:
    if len(limits) != 1 or next(iter(limits)) not in TARGETS:
        raise InputError(f"a coding gain is for one target; give one of {', '.join(TARGETS)}")
    return Limits.of(limits)


def _best(code: _Code) -> tuple[int, Reached] | None:
    return code.best()


def _least(code: _Code, segments: int) -> Reached | None:
    return code.least_power(segments)


def _setups(
    space: DesignSpace, errors: Mapping[Any, SimulatedError | RnscliError], limits: Limits
) -> list[list[_Code]]:
    """The reference, and the codes, of each combination of the other axes."""
    evaluator = Evaluator(space, errors)
    found: dict[Design, dict[Any, _Code]] = {}
    for group, attempts in space.groups():
        if not CORES[group.core].coded or "laser_power" not in space.technology_of(group).constants:
            continue
        plain = replace(group, redundant=0, attempts=1)
        setup = replace(plain, decoder=None, legitimate_range=None)
        codes = found.setdefault(setup, {})
        for design in (plain, *(replace(group, attempts=most) for most in attempts)):
            try:
                key = _key(evaluator, design)
            except RnscliError:
                continue  # no such code
            if plain is design and codes:
                continue
            codes.setdefault(key, _Code(space, errors, design, limits))
    if not found:
        raise InputError(
            "a coding gain is of a core of residues on a technology with `laser_power`; none of "
            "these designs has both"
        )
    return [list(codes.values()) for codes in found.values() if codes]


def _key(evaluator: Evaluator, design: Design) -> Any:
    """What tells codes apart: where nothing is rejected, or is not tried again, less of it."""
    moduli, decoder, size = evaluator.code_of(design)
    attempts = design.attempts if size < moduli.total_range else 1
    return moduli, decoder_named(decoder).key(moduli), attempts, size if attempts != 1 else None


def _row(
    code: _Code,
    segments: int,
    same: Reached | None,
    best: tuple[int, Reached] | None,
    plain: tuple[Reached | None, tuple[int, Reached] | None],
) -> GainRow:
    """Of a code with the least light on the arrays of the reference, and with the least energy."""
    least, leanest = plain
    design, (limit,) = code.design, code.limits
    technology = code.space.technology_of(design)
    moduli = Evaluator(code.space, code.errors).code_of(design)[0]
    return GainRow(
        core=design.core,
        bits=design.bits,
        vector_size=design.vector_size,
        technology=design.technology,
        columns=design.columns or design.vector_size,
        rate_hz=technology.value_of("rate") if "rate" in technology.constants else None,
        redundant=design.redundant or 0,
        attempts=design.attempts or 1,
        decoder=design.decoder,
        legitimate_range=design.legitimate_range,
        moduli=moduli.information,
        redundant_moduli=moduli.redundant_moduli,
        max_p_err=limit.value if limit.metric == "p_err" else None,
        max_output_error=limit.value if limit.metric == "output_error" else None,
        segments=segments,
        laser_power_w=same.power if same else None,
        link_sigma=same.group.parameters.design.link_sigma if same else None,
        static_share=same.group.static_share if same else None,
        p_err=same.metrics.p_err if same else None,
        output_error=same.metrics.output_error if same else None,
        gain_db=10 * math.log10(least.power / same.power) if same and least else None,
        best_segments=best[0] if best else None,
        best_laser_power_w=best[1].power if best else None,
        light_per_mac_j=_light(best[1]) if best else None,
        energy_per_mac_j=_energy(best[1]) if best else None,
        gain_j=_energy(leanest[1]) - _energy(best[1]) if best and leanest else None,
    )


def _light(reached: Reached) -> float:
    """Energy of light for a MAC, in all attempts."""
    group, metrics = reached.group, reached.metrics
    made = group.parameters.design
    once = made.energies
    # What is repeated is so for all groups alike.
    repeated = (metrics.energy_per_mac_j * made.dot_product.vector_size - once.once) / (
        once.total - once.once
    )
    return repeated * once.light / made.dot_product.vector_size
