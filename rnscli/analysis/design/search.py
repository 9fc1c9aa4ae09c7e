"""The search of a space of designs: its Pareto front, a choice, and why its neighbours lose."""

import math
import warnings
from array import array
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rnscli.analysis.design.evaluation import (
    Evaluator,
    Group,
    SimulatedError,
    Tell,
    simulated_errors,
)
from rnscli.analysis.design.limits import (
    METRICS,
    OF_DOT_PRODUCT,
    Limits,
    Metrics,
    Table,
    compared,
)
from rnscli.analysis.design.nearest_noise import (
    Bearing,
    nearest_noise,
)
from rnscli.analysis.design.outcome import PART, CodeOutcome, Outcome
from rnscli.analysis.design.pareto import by_fronts, in_order, pareto_front, ranked, rounded
from rnscli.analysis.design.rows import DesignRow
from rnscli.analysis.design.space import LIGHT_AXES, Design, DesignSpace
from rnscli.analysis.error import dot_errors
from rnscli.analysis.faults import MAX_RANGE
from rnscli.base import Described, NoSolutionError, RnscliError, check_choice, columns_of
from rnscli.core import CORES, DEVICE, DigitalKind, NoiseSetting
from rnscli.runtime import Runner

Ranks = list[list[int]]  # of each design, in each objective: the lower, the better
_GROUPS = 1024  # that are evaluated in one call
OF_READOUT = ("columns_per_adc", "adc_rate")
# Axes on which p_err does not depend, each at a value.
_OF_COSTS: dict[str, Any] = {
    "technology": "", "columns": None, "columns_per_adc": None, "adc_rate": None, "clock": None,
    "reverse": None,
}  # fmt: skip
_LOOKED_AT = 100_000  # designs
_OF_CODE = ("factor", "redundant", "decoder", "legitimate_range")
_OF_LIGHT = ("technology", "columns", *LIGHT_AXES)


@dataclass(frozen=True)
class Candidate:
    """A design with its numbers, the group it is of, and why it is not the choice."""

    design: Design
    metrics: Metrics
    group: Group
    reason: str = ""


@dataclass(frozen=True)
class Rejected:
    """A neighbour of the choice that does not exist, or breaks a limit."""

    design: Design
    reason: str


@dataclass(frozen=True, repr=False)
class DesignResult(Described):
    """The outcome of a search.

    ``chosen`` has the least of the first objective among the designs that keep all limits, and of
    the others in their order where there are several. ``front`` are all that no other design
    within the limits beats in every objective, from the least of the first one upwards.
    ``neighbours`` are those one step from the choice along one axis, by the axis; along that of
    cores it is the best design of each other core.
    ``designs`` counts the space; ``impossible`` those without a moduli set, or out of the range of
    a model, and ``why_impossible`` is the commonest reason; ``pruned`` those that were ruled out by
    a limit before their error probability was computed; ``feasible`` those that keep all limits.
    ``within`` gives at most so many of these, the front first and then what is next to it, with the
    ranks of each in the ``objectives``: equal where no digit that is printed differs.
    """

    chosen: Candidate
    front: tuple[Candidate, ...]
    neighbours: tuple[tuple[str, Candidate | Rejected], ...]
    designs: int
    impossible: int
    why_impossible: str
    pruned: int
    feasible: int
    objectives: tuple[str, ...]
    within: Callable[[int], tuple[tuple[Candidate, ...], Ranks]] = field(compare=False)

    def facts(self) -> list[tuple[str, str]]:
        columns, numbers = columns_of(DesignRow), vars(self.chosen.metrics)
        found = [("chosen", str(self.chosen.design))]
        for key in columns.keys() & numbers.keys():
            shown = columns[key].shown(numbers[key])
            found.append((columns[key].name(shown), shown))
        order = [column.name("") for column in columns.values()]
        found[1:] = sorted(found[1:], key=lambda one: order.index(one[0]))
        counts = f"{self.feasible} of {self.designs} designs keep the limits"
        return [*found, ("front", f"{len(self.front)} designs"), ("space", counts)]


def digital_error(space: DesignSpace, runner: Runner | None = None) -> float:
    """Mean absolute error of 8-bit digital arithmetic, at the length where it is largest.

    That is what a designer can have for the price of a digital array.
    """
    name = next(
        name for name, kind in CORES.items()
        if isinstance(kind, DigitalKind) and kind.simulated_bits == 8
    )  # fmt: skip
    designs = [Design(name, size, "", 8) for size in space.vector_size]
    simulations = [space.error_parameters(design) for design in designs]
    results = dot_errors(simulations, runner)
    return max(one.absolute.mean for result in results for one in result.statistics.values())


def search_designs(
    space: DesignSpace,
    limits: Mapping[str, float] | None = None,
    minimise: str = "energy",
    runner: Runner | None = None,
    progress: Tell | None = None,
) -> DesignResult:
    """All Pareto-optimal designs of a space, the best of them, and how it compares.

    Every design is evaluated, but those that a limit excludes whatever their error probability:
    nothing is sampled. The error is the mean absolute error of the outputs that are right, as
    `dot_error` simulates it without noise; ``p_err`` says how often they are not, and
    ``output_error`` what comes of both: the root mean square of all errors over that of the
    outputs. Energies are per MAC, so that vector sizes can be compared.

    Parameters
    ----------
    space
        The designs.
    limits
        Values by the names in ``LIMITS``, in base SI units.
    minimise
        The first objective: ``energy``, ``latency``, ``area``, ``error``, ``p-err``,
        ``output-error``, ``edp``, ``area-per-throughput`` or ``power``.
    runner
        Where the errors are simulated; in this process if not given.
    progress
        Called with what is counted, how many are done, and of how many.

    Raises
    ------
    InputError
        If an argument is not accepted.
    NoSolutionError
        If no design keeps all limits: names the limit that is the obstacle, and the nearest value.

    Examples
    --------
    >>> space = DesignSpace(bits=(4, 6), core=("rns", "fixed-lp"), pairs=1000)
    >>> found = search_designs(space, {"max_error": 0.1})
    >>> found.chosen.design.core, found.chosen.design.bits
    ('rns', 6)
    """
    numbers = OF_DOT_PRODUCT.objectives
    check_choice("minimise", minimise, tuple(numbers))
    kept = Limits.of(limits or {})
    # Costs have lower bounds, so that upper limits rule out designs early.
    upper = {limit.metric: limit.bound for limit in kept if limit.upper}
    runner = runner or Runner()
    errors = simulated_errors(space, runner, progress)
    evaluator = Evaluator(space, errors)
    if space.noise is not None:
        compute_codes(space, evaluator, upper, runner, progress)
    known = Known(space, errors, evaluator.outcomes)
    designs = _evaluated(known, upper, runner, progress)
    feasible = np.flatnonzero(kept.kept_by(designs.table))
    if not feasible.size:
        # Again, with what was ruled out early: the nearest design may be one of these.
        every = _evaluated(known, {}, runner, None)
        if not len(every.table):
            raise NoSolutionError(f"no design of the space exists: {every.why_impossible}")
        obstacle = kept.obstacle(every.table, lambda place: str(every.design(place)))
        raise NoSolutionError(obstacle + _where_there_is_one(evaluator, kept, every, obstacle))
    first = numbers[minimise]
    objectives = {minimise: first} | space.objectives
    table = designs.table[feasible][:, [METRICS.index(metric) for metric in objectives.values()]]
    # What differs in no digit that is printed is the same; of these the exact order decides.
    exact = in_order(table)
    feasible, costs = feasible[exact], ranked(rounded(table[exact]))
    front = pareto_front(costs)
    best_first = front[in_order(costs[front])]
    found = (designs.design(int(feasible[index])) for index in best_first)
    candidates = tuple(_candidate(evaluator, design) for design in found)
    chosen = candidates[0]

    def within(most: int) -> tuple[tuple[Candidate, ...], Ranks]:
        near = by_fronts(costs, most)
        every = (designs.design(int(feasible[index])) for index in near)
        ranks = costs[near].astype(int).tolist()
        return tuple(_candidate(evaluator, design) for design in every), ranks

    in_turn = feasible[in_order(costs)]
    best_of = {
        design.core: design
        for design in (designs.design(int(place)) for place in designs.first_of_cores(in_turn))
    }
    neighbours = tuple(
        (axis, _neighbour(evaluator, kept, design, chosen))
        for axis, design in space.neighbours(chosen.design, best_of)
        # Where the technology brings its ADCs there is nothing to choose of them.
        if axis not in OF_READOUT or chosen.group.parameters.design.readout is not None
    )
    return DesignResult(
        chosen=chosen,
        front=candidates,
        neighbours=neighbours,
        designs=space.size,
        impossible=designs.reasons.total(),
        why_impossible=designs.why_impossible,
        pruned=designs.pruned,
        feasible=len(feasible),
        objectives=tuple(objectives),
        within=within,
    )


def compute_codes(
    space: DesignSpace,
    evaluator: Evaluator,
    upper: Mapping[str, float],
    runner: Runner,
    progress: Tell | None,
) -> None:
    """Compute the outcomes of all codes that take long, wherever the runner computes them."""
    codes: dict[Any, CodeOutcome] = {}
    settled = set()
    for design, _ in space.groups():
        axes = (*_OF_CODE, *_OF_LIGHT) if space.noise == DEVICE else _OF_CODE
        key = (design.bits, design.vector_size, *(getattr(design, name) for name in axes))
        if key in settled:
            continue
        try:
            code = evaluator.code(design)
            if code is None or code.equiprobable:
                settled.add(key)  # there is none, or it is a closed form
            elif not evaluator.excluded(design, upper):
                settled.add(key)
                size = code.code.point.legitimate_range
                if size <= MAX_RANGE:  # larger ones may be refused, as is said of each then
                    codes.setdefault(code.key, code)
        except RnscliError:
            continue
    # Those with the same residues in turn, which have much in common.
    in_turn = sorted(codes, key=lambda key: (key[0].moduli, repr(key[1])))
    works = [codes[key].work() for key in in_turn]
    for update, key in zip(runner.run(works), in_turn, strict=True):
        evaluator.outcomes[key] = update.total[PART]
        if progress is not None:
            progress("codes", update.index + 1, len(codes))


class Known(NamedTuple):
    """What is known of a space before its designs are evaluated."""

    space: DesignSpace
    errors: Mapping[Any, SimulatedError | RnscliError]
    outcomes: Mapping[Any, Outcome]


class _Part(NamedTuple):
    """Some designs of a space that exist and that no limit ruled out early, with their numbers."""

    places: "array[int]"  # number of the group, and which of its attempts, of each
    rows: "array[float]"
    pruned: int
    reasons: "Counter[str]"  # why designs do not exist
    remarks: tuple[str, ...]  # of what is outside of the range of a model


@dataclass(frozen=True)
class _Evaluated:
    """All of them."""

    space: DesignSpace
    places: npt.NDArray[np.int64]
    table: Table
    pruned: int
    reasons: "Counter[str]"

    @property
    def why_impossible(self) -> str:
        """The commonest of the reasons."""
        return self.reasons.most_common(1)[0][0] if self.reasons else ""

    def first_of_cores(self, places: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The first of some places for each core that has one."""
        cores = self.space.cores_of(self.places[places, 0])
        return places[np.unique(cores, return_index=True)[1]]

    def design(self, place: int) -> Design:
        number, which = self.places[place]
        design, attempts = self.space.group(int(number))
        return replace(design, attempts=attempts[which])


def _evaluated(
    known: Known, upper: Mapping[str, float], runner: Runner, progress: Tell | None
) -> _Evaluated:
    space = known.space
    places, rows = array("q"), array("d")  # a million designs in 100 MB
    reasons: Counter[str] = Counter()
    remarks: dict[str, None] = {}
    pruned = 0
    starts = range(0, space.group_count, _GROUPS)
    calls = [(known, upper, start) for start in starts]
    for done, part in enumerate(runner.each(_evaluate, calls), start=1):
        places.extend(part.places)
        rows.extend(part.rows)
        pruned += part.pruned
        reasons += part.reasons
        remarks |= dict.fromkeys(part.remarks)
        if progress is not None:
            progress("designs", space.size * done // len(calls), space.size)
    for remark in remarks:
        warnings.warn(remark, RuntimeWarning, stacklevel=3)
    return _Evaluated(
        space,
        np.frombuffer(places, dtype=np.int64).reshape(-1, 2),
        np.frombuffer(rows, dtype=float).reshape(-1, len(METRICS)),
        pruned,
        reasons,
    )


def _evaluate(known: Known, upper: Mapping[str, float], start: int) -> _Part:
    """Evaluate as many groups as a call has, from one on; wherever this is, it only returns."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        part = _evaluate_quietly(known, upper, start)
    return part._replace(remarks=tuple({str(one.message): None for one in caught}))


def _evaluate_quietly(known: Known, upper: Mapping[str, float], start: int) -> _Part:
    space = known.space
    evaluator = Evaluator(*known)
    places, rows = array("q"), array("d")
    reasons: Counter[str] = Counter()
    pruned = 0
    for number in range(start, min(start + _GROUPS, space.group_count)):
        design, attempts = space.group(number)
        try:
            if evaluator.excluded(design, upper):
                pruned += len(attempts)
                continue
            group = evaluator.group(design)
        except RnscliError as error:
            reasons[str(error)] += len(attempts)
            continue
        for which, most in enumerate(attempts):
            try:
                metrics = group.metrics(most)
            except RnscliError as error:
                reasons[str(error)] += 1
                continue
            if why := _no_design(metrics):
                reasons[why] += 1
                continue
            places.extend((number, which))
            rows.extend(vars(metrics).values())
    return _Part(places, rows, pruned, reasons, ())


def _no_design(metrics: Metrics) -> str:
    """Why there is no such design, although it has numbers; or nothing."""
    if math.isinf(metrics.energy_per_mac_j):  # attempts without end
        return "every word is rejected"
    return "" if metrics.arrays else "not one array fits in the given area"


def _where_there_is_one(
    evaluator: Evaluator, limits: Limits, designs: _Evaluated, obstacle: str
) -> str:
    """What else may keep the limits, where only that of p_err is in the way: at which noise."""
    space, noise = designs.space, designs.space.noise
    limit = next((one for one in limits if one.metric == "p_err"), None)
    if limit is None or f"keeps {limit}:" not in obstacle:
        return ""
    if noise == DEVICE and space.max_link_sigma == space.segments == (None,):
        return "; arrays of light read whole rows here, and `max_link_sigma` cuts them"
    if not isinstance(noise, NoiseSetting):
        return ""
    others = Limits(one for one in limits if one is not limit)
    places = np.flatnonzero(others.kept_by(designs.table))
    nearest_first = places[np.argsort(limit.column(designs.table)[places], kind="stable")]
    candidates: dict[Any, Bearing] = {}
    for place in nearest_first[:_LOOKED_AT].tolist():
        design = designs.design(place)
        key = replace(design, **_OF_COSTS)
        if key not in candidates:
            with suppress(RnscliError):  # where there is no such level of the law
                candidates[key] = evaluator.bearing(design, noise, limit.value)
    found = nearest_noise(noise, limit.value, candidates.values())
    coded = any(CORES[name].coded for name in space.core)
    looked = f" with at most {max(space.redundant)} `redundant` moduli" if coded else ""
    return looked if found is None else f"{looked}; {found}"


def _neighbour(
    evaluator: Evaluator, limits: Limits, design: Design, chosen: Candidate
) -> Candidate | Rejected:
    """A neighbour of the choice, with what speaks against it."""
    try:
        group = evaluator.group(replace(design, attempts=None))
        metrics = group.metrics(design.attempts)
    except RnscliError as error:
        # What is wrong with it, without what else would do.
        return Rejected(design, str(error).split(";")[0].replace("`", ""))
    if why := _no_design(metrics):
        return Rejected(design, why)
    objectives = group.space.objectives
    against = limits.breach(metrics) or compared(chosen.metrics, metrics, objectives)
    return Candidate(design, metrics, group, against)


def _candidate(evaluator: Evaluator, design: Design) -> Candidate:
    group = evaluator.group(replace(design, attempts=None))
    return Candidate(design, group.metrics(design.attempts), group)
