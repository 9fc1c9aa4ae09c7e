"""The fastest chip within an area, a power, or both."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from rnscli import base
from rnscli.analysis.chip.built_chip import BuiltChip
from rnscli.analysis.chip.chip_parameters import SCHEDULES, SEQUENTIAL
from rnscli.analysis.chip.mapping import Stage
from rnscli.analysis.chip.rows import AREA, POWER
from rnscli.base import NoSolutionError

_PRECISE = 1e-3  # of a time
# What layers that follow one another may take less of.
_SAVED_IN_TURNS = ("buffer", "dram", POWER)
_NEAR = 0.97  # of a limit, from which on a search was held back by it
# Factors by which units, digital units and lanes are changed in turn.
_STEPS = (4.0, 2.0, 1.4, 1.15, 1.05)


def fastest_within(chip: BuiltChip) -> BuiltChip:
    """The chip with the least time between two runs that keeps the limits of its parameters.

    If layers work at the same time, the time between two runs decides how many copies, digital
    units and lanes there must be, and with these the area and the power: the least time that fits
    is found by bisection. If one copy of each tile does not fit, layers follow one another, and
    units, digital units and lanes are changed in turn as long as that helps, from a large and from
    a small chip, which need not find the best. Where power, buffer or DRAM are short both are
    compared, unless a schedule is asked for: layers that follow one another take a smaller chip,
    and less of the memories. A chip that takes too much power rests between two runs.

    Without limits it is the chip of the arrays that are given, or of one copy of each tile.

    Raises
    ------
    NoSolutionError
        If nothing fits in the area.
    """
    parameters = chip.parameters
    asked = SCHEDULES[parameters.schedule].pipelined
    limited = parameters.chip_area is not None or parameters.chip_power is not None
    if not limited and not chip.pipelined:
        return chip
    made = _pipelined(chip) if limited else chip
    if made is not None:
        if asked is not None or made.total_time[1] not in _SAVED_IN_TURNS:
            return made
        turns = _sequential(chip) if limited else _in_turns(chip)
        return turns if turns is not None and _is_better(turns, made) else made
    area = "" if parameters.chip_area is None else base.area(parameters.chip_area)
    if asked:
        raise NoSolutionError(
            f"`chip_area` {area} is too little for one copy of each tile, with what is beside them"
        )
    made = _sequential(chip)
    if made is None:
        raise NoSolutionError(
            f"`chip_area` {area} is less than the {parameters.unit.arrays} arrays of one tile "
            "take, with what is beside them"
        )
    return made


def _fits(chip: BuiltChip) -> bool:
    area = chip.parameters.chip_area
    return area is None or chip.area <= area


def _keeps_power(chip: BuiltChip) -> bool:
    power = chip.parameters.chip_power
    return power is None or chip.full_power <= power


# Layers at the same time


def _pipelined(chip: BuiltChip) -> BuiltChip | None:
    if not chip.occupancy.may_be_pipelined:
        return None
    # With one copy of each tile; its stages are the same for all times.
    stages = replace(chip, given=None).placement.stages
    high = _longest_time(chip, stages)
    best = _keeping(chip, stages, high)
    if best is None or not _fits(best):
        return None
    if not _keeps_power(best):  # it rests, and takes less energy than any larger one
        return replace(best, bound=POWER)
    sized = {
        "digital units": chip.parameters.digital_units,
        "vector lanes": chip.parameters.vector_lanes,
    }
    chosen = {name for name, many in sized.items() if many is None}
    low = best.least_time(chosen)
    while high - low > _PRECISE * high:
        middle = (low + high) / 2
        made = _keeping(chip, stages, middle)
        if made is not None and _fits(made) and _keeps_power(made):
            best, high = made, middle
        else:
            low = middle
    beyond = _keeping(chip, stages, low * (1 - _PRECISE))
    if beyond is None or low <= best.least_time(chosen):
        bound = best.fixed_limit(chosen)  # no copies, units or lanes make it faster
    elif not _fits(beyond):
        bound = AREA
    else:  # which may be faster even so, if it rests
        best, bound = (beyond if _is_better(beyond, best) else best), POWER
    return replace(best, bound=bound)


def _longest_time(chip: BuiltChip, stages: Sequence[Stage]) -> float:
    """Time in s between two runs with one copy of each tile, one digital unit, and one lane."""
    slowest = max((stage.duration(1) for stage in stages), default=0.0)
    return max(slowest, chip.digital_time, chip.vector_time)


def _keeping(chip: BuiltChip, stages: Sequence[Stage], time: float) -> BuiltChip | None:
    """The smallest chip of one copy of each tile at least that keeps a time between runs."""
    units = 0
    for stage in stages:
        copies = stage.copies_within(time)
        if copies is None:
            return None
        units += copies * stage.tiles
    given = chip.parameters
    parameters = replace(
        given,
        digital_units=given.digital_units or max(1, math.ceil(chip.digital_time / time)),
        vector_lanes=given.vector_lanes or max(1, math.ceil(chip.vector_time / time)),
    )
    return replace(chip, parameters=parameters, given=max(1, units) * given.unit.arrays)


# Layers in turn


class _Size(NamedTuple):
    """How many of each there are."""

    units: int
    digital: int
    lanes: int


def _in_turns(chip: BuiltChip) -> BuiltChip:
    return replace(chip, parameters=replace(chip.parameters, schedule=SEQUENTIAL))


def _sequential(chip: BuiltChip) -> BuiltChip | None:
    chip = _in_turns(chip)
    given, known = chip.parameters, dict[_Size, BuiltChip | None]()

    def built(size: _Size) -> BuiltChip | None:
        """A chip of a size, with fewer units if these do not fit; ``None`` if not one does."""
        if size not in known:
            parameters = replace(given, digital_units=size.digital or None, vector_lanes=size.lanes)
            sized = replace(chip, parameters=parameters)
            units = min(size.units, _most_units(sized))
            made = replace(sized, given=units * given.unit.arrays)
            known[size] = made if units else None
        return known[size]

    # From a large chip, which holds much, and from a small one, in which ways are short.
    first = _first(chip)
    least = _Size(1, min(1, first.digital), given.vector_lanes or 1)
    found = (_climbed(built, size, chip) for size in (first, least))
    ended = [one for one in found if one is not None]
    if not ended:
        return None
    best = ended[0]
    for one in ended[1:]:
        best = one if _is_better(one, best) else best
    if not _keeps_power(best) or _nearly(best.full_power, given.chip_power):
        return replace(best, bound=POWER)
    return replace(best, bound=AREA) if _nearly(best.area, given.chip_area) else best


def _climbed(
    built: Callable[[_Size], BuiltChip | None], size: _Size, chip: BuiltChip
) -> BuiltChip | None:
    """The chip at which no change helps any more."""
    best = built(size)
    for factor in _STEPS if best is not None else ():
        improved = True
        while improved:
            improved = False
            for other in _neighbours(size, factor, chip):
                made = built(other)
                if made is not None and best is not None and _is_better(made, best):
                    best, size, improved = made, other, True
    return best


def _nearly(value: float, limit: float | None) -> bool:
    return limit is not None and value >= _NEAR * limit


def _first(chip: BuiltChip) -> _Size:
    """Where the search begins: as many units as fit, or as make sense, and what keeps up."""
    least = replace(chip, parameters=replace(chip.parameters, digital_units=1, vector_lanes=1))
    # Beyond a copy for each vector of each layer more units do nothing.
    useful = sum(one.stage.tiles * one.stage.waves for one in chip.demands if one.on_arrays)
    units = max(1, min(useful, _most_units(least), chip.occupancy.needed * 4))
    made = replace(chip, given=units * chip.parameters.unit.arrays)
    return _Size(units, made.digital_units, made.lanes)


def _most_units(chip: BuiltChip) -> int:
    """How many units fit beside the digital units and lanes that are given."""
    limit = chip.parameters.chip_area
    if limit is None:
        return 2**40
    unit = chip.parameters.unit
    one = replace(chip, given=unit.arrays)
    each = unit.area + chip.parameters.router_area
    return max(0, math.floor((limit - one.area) / each) + 1)


def _neighbours(size: _Size, factor: float, chip: BuiltChip) -> Iterator[_Size]:
    given = chip.parameters
    fixed = {"digital": given.digital_units is not None, "lanes": given.vector_lanes is not None}
    change: tuple[Callable[[int], int], ...] = (
        lambda many: max(many + 1, round(many * factor)),
        lambda many: min(many - 1, round(many / factor)),
    )
    for name in _Size._fields:
        for changed in change:
            many = changed(getattr(size, name))
            if many >= 1 and not fixed.get(name, False) and getattr(size, name):
                yield size._replace(**{name: many})


def _is_better(one: BuiltChip, than: BuiltChip) -> bool:
    return _weighed(one) < _weighed(than)


def _weighed(chip: BuiltChip) -> float:
    """The time, and a little of the area: half of it is worth 0.07 % of the time."""
    return chip.total_time[0] * math.pow(chip.area, _PRECISE)
