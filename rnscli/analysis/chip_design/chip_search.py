"""The search of chips for networks: their Pareto front, a choice, and why its neighbours lose."""

import math
import warnings
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from rnscli.analysis.chip.chip_parameters import ChipParameters
from rnscli.analysis.chip_design.chip_metrics import (
    METRICS_OF_CHIPS,
    OF_CHIPS,
    SUM,
    ChipMetrics,
    Errors,
    NetworkFigures,
    chip_metrics,
)
from rnscli.analysis.chip_design.chip_space import ChipSpace
from rnscli.analysis.design.evaluation import Evaluator, Group, Tell, simulated_errors
from rnscli.analysis.design.limits import Limits, compared
from rnscli.analysis.design.pareto import by_fronts, in_order, pareto_front, ranked, rounded
from rnscli.analysis.design.search import OF_READOUT, Known, Ranks, compute_codes
from rnscli.analysis.design.space import Design
from rnscli.analysis.energy import EnergyParameters
from rnscli.base import NoSolutionError, RnscliError, check_choice
from rnscli.runtime import Runner

_GROUPS = 128  # that are evaluated in one call: few enough to be spread
# Errors that a limit may exclude before a chip is made.
_OF_ERRORS = ("mean_abs_error", "output_error")


@dataclass(frozen=True)
class ChipDesign:
    """A design, and the size of the chip of it."""

    design: Design
    size: float | None


@dataclass(frozen=True)
class ChipCandidate:
    """A chip with its numbers, those of each network, and why it is not the choice."""

    made: ChipDesign
    metrics: ChipMetrics
    group: Group
    array: EnergyParameters
    chip: ChipParameters
    networks: tuple[NetworkFigures, ...]
    reason: str = ""

    def alone(self, network: NetworkFigures) -> ChipMetrics:
        """The numbers of one of its networks."""
        mine = self.metrics
        errors = Errors(mine.mean_abs_error, mine.output_error, mine.p_err)
        return chip_metrics((network,), errors, SUM)


@dataclass(frozen=True)
class RejectedChip:
    """A neighbour of the choice that does not exist."""

    made: ChipDesign
    reason: str


@dataclass(frozen=True)
class ChipResult:
    """The outcome of a search of chips, as `DesignResult` has that of designs.

    ``neighbours`` are by the axis, that of the size among them. ``evaluated`` counts the chips that
    were computed: what differs in nothing that a chip depends on is computed once.
    """

    chosen: ChipCandidate
    front: tuple[ChipCandidate, ...]
    neighbours: tuple[tuple[str, ChipCandidate | RejectedChip], ...]
    designs: int
    impossible: int
    why_impossible: str
    pruned: int
    feasible: int
    evaluated: int
    objectives: tuple[str, ...]
    within: Callable[[int], tuple[tuple[ChipCandidate, ...], Ranks]] = field(
        compare=False, repr=False
    )


def search_chips(
    space: ChipSpace,
    limits: Mapping[str, float] | None = None,
    minimise: str = "energy",
    runner: Runner | None = None,
    progress: Tell | None = None,
) -> ChipResult:
    """All Pareto-optimal chips for one or several networks, the best of them, and how it compares.

    Each design of the space, on each size of a chip, runs the networks as `chip_run` has it:
    nothing is sampled. Errors are those of a dot product, as `search_designs` has them.

    Parameters
    ----------
    space
        Designs, sizes and networks.
    limits
        Values by the names in ``OF_CHIPS.limits``, in base SI units; of several networks they are
        about the numbers that are compared.
    minimise
        The first objective: ``energy``, ``latency``, ``time``, ``area``, ``error``, ``p-err``,
        ``output-error``, ``edp``, ``area-per-throughput`` or ``power``.
    runner, progress
        As in `search_designs`.

    Raises
    ------
    InputError
        If an argument is not accepted.
    NoSolutionError
        If no chip keeps all limits: names the limit that is the obstacle, and the nearest value.

    Examples
    --------
    >>> from rnscli.analysis.design.space import DesignSpace
    >>> from rnscli.hardware import Gemm, Workload
    >>> network = Workload("one", (Gemm("fc", 1000, 256, 128),))
    >>> designs = DesignSpace(core=("fixed-lp",), bits=(4, 6), pairs=500)
    >>> space = ChipSpace(designs=designs, workloads=(network,), size="arrays", sizes=(2, 20))
    >>> found = search_chips(space, {"min_inferences": 1e5})
    >>> found.chosen.made.design.bits, found.chosen.made.size
    (4, 20)
    """
    designs = space.designs
    objectives = space.objectives
    numbers = OF_CHIPS.objectives
    check_choice("minimise", minimise, tuple(numbers))
    kept = Limits.of(limits or {}, OF_CHIPS)
    upper = {one.metric: one.bound for one in kept if one.upper and one.metric in _OF_ERRORS}
    runner = runner or Runner()
    errors = simulated_errors(designs, runner, progress)
    evaluator = Evaluator(designs, errors)
    if designs.noise is not None:
        compute_codes(designs, evaluator, upper, runner, progress)
    known = Known(designs, errors, evaluator.outcomes)
    found = _evaluated(space, known, upper, runner, progress)
    feasible = np.flatnonzero(kept.kept_by(found.table))
    if not feasible.size:
        # Again, with what was ruled out early: the nearest chip may be one of these.
        every = _evaluated(space, known, {}, runner, None) if found.pruned else found
        if not len(every.table):
            raise NoSolutionError(f"no chip of the space exists: {every.why_impossible}")
        raise NoSolutionError(
            kept.obstacle(every.table, lambda place: str(every.chip(place).design)).replace(
                "no design keeps", "no chip keeps"
            )
        )
    order = {minimise: numbers[minimise]} | objectives
    table = found.table[feasible][:, [METRICS_OF_CHIPS.index(one) for one in order.values()]]
    exact = in_order(table)
    feasible, costs = feasible[exact], ranked(rounded(table[exact]))
    front = pareto_front(costs)
    best_first = front[in_order(costs[front])]
    single = _Numbers(space, evaluator)
    candidates = tuple(single.candidate(found.chip(int(feasible[index]))) for index in best_first)
    chosen = candidates[0]
    best_of: dict[str, Design] = {}
    for place in feasible[in_order(costs)].tolist():
        made = found.chip(place)
        if made.size == chosen.made.size:
            best_of.setdefault(made.design.core, made.design)
    neighbours = tuple(
        (axis, _neighbour(single, kept, made, chosen))
        for axis, made in _next_to(space, chosen, best_of)
    )

    def within(most: int) -> tuple[tuple[ChipCandidate, ...], Ranks]:
        near = by_fronts(costs, most)
        every = (found.chip(int(feasible[index])) for index in near)
        return tuple(map(single.candidate, every)), costs[near].astype(int).tolist()

    return ChipResult(
        chosen=chosen,
        front=candidates,
        neighbours=neighbours,
        designs=space.count,
        impossible=found.reasons.total(),
        why_impossible=found.why_impossible,
        pruned=found.pruned,
        feasible=len(feasible),
        evaluated=found.evaluated,
        objectives=tuple(order),
        within=within,
    )


def _next_to(
    space: ChipSpace, chosen: ChipCandidate, best_of: Mapping[str, Design]
) -> Iterator[tuple[str, ChipDesign]]:
    """Chips one step from the choice, along an axis of designs or that of sizes."""
    made = chosen.made
    for axis, design in space.designs.neighbours(made.design, best_of):
        # Where the technology brings its ADCs there is nothing to choose of them.
        if axis not in OF_READOUT or chosen.group.parameters.design.readout is not None:
            yield axis, ChipDesign(design, made.size)
    if space.size is not None and made.size is not None:
        sizes = sorted(one for one in space.sizes if one is not None)
        place = sizes.index(made.size)
        for size in (*sizes[:place][-1:], *sizes[place + 1 :][:1]):
            yield space.size, ChipDesign(made.design, size)


def _neighbour(
    numbers: "_Numbers", limits: Limits, made: ChipDesign, chosen: ChipCandidate
) -> ChipCandidate | RejectedChip:
    """A neighbour of the choice, with what speaks against it."""
    try:
        found = numbers.candidate(made)
    except RnscliError as error:
        return RejectedChip(made, str(error).split(";")[0].replace("`", ""))
    against = limits.breach(found.metrics) or compared(
        chosen.metrics, found.metrics, numbers.space.objectives
    )
    return replace(found, reason=against)


class _OfArray(NamedTuple):
    """Networks on a chip of an array."""

    array: EnergyParameters
    chip: ChipParameters
    networks: tuple[NetworkFigures, ...]

    @property
    def energy(self) -> float:
        return math.fsum(one.energy for one in self.networks)


class _Numbers:
    """The numbers of one chip after the other; what arrays have in common is computed once."""

    def __init__(self, space: ChipSpace, evaluator: Evaluator) -> None:
        self.space, self._evaluator = space, evaluator
        self._chips: dict[Any, _OfArray | RnscliError] = {}

    @property
    def computed(self) -> int:
        return len(self._chips)

    def candidate(self, made: ChipDesign) -> ChipCandidate:
        group = self._evaluator.group(replace(made.design, attempts=None))
        metrics, of_array = self.of(group, made.design.attempts, made.size)
        return ChipCandidate(made, metrics, group, *of_array)

    def of(
        self, group: Group, attempts: float | None, size: float | None
    ) -> tuple[ChipMetrics, _OfArray]:
        """A design, with so many attempts, on a chip of a size.

        Of several models of ADCs that counts with which the networks take most energy.
        """
        every = [self._of_array(one, group, attempts, size) for one in group.costs]
        found = max(every, key=lambda one: one.energy)
        p_err, _ = group.outcome.after(attempts or 1.0)
        errors = Errors(group.error.mean, group.output_error(attempts), p_err)
        area = size if self.space.size == "chip_area" else None
        return chip_metrics(found.networks, errors, self.space.together, area), found

    def _of_array(
        self, costs: EnergyParameters, group: Group, attempts: float | None, size: float | None
    ) -> _OfArray:
        mean = group.pass_attempts(costs, attempts)
        key = (_key(costs), mean, size)
        if key not in self._chips:
            try:
                made = group.repeated(costs, attempts, mean)
                self._chips[key] = _OfArray(made, *self.space.networks(made, size))
            except RnscliError as error:
                self._chips[key] = error
        found = self._chips[key]
        if isinstance(found, RnscliError):
            raise found
        return found


def _key(costs: EnergyParameters) -> Any:
    """What a chip depends on of its arrays: designs that agree in it are the same to a network."""
    made = costs.design
    timing = made.timing
    return (
        made.technology.name,
        tuple(sorted(made.constants.items())),
        tuple(vars(made.energies).get(name) for name in made.energies.__dataclass_fields__),
        (timing.before, timing.attempt, timing.after, timing.cycle),
        (made.area, made.width, made.segments, made.clock, made.converters_decide),
        (costs.bits, costs.dot_product, made.channels, made.kind.name),
    )


class _Part(NamedTuple):
    """Some chips of a space, with their numbers: group, attempts and size of each."""

    places: "array[int]"
    rows: "array[float]"
    pruned: int
    evaluated: int
    reasons: "Counter[str]"
    remarks: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Evaluated:
    """All of them."""

    space: ChipSpace
    places: Any
    table: Any
    pruned: int
    evaluated: int
    reasons: "Counter[str]"

    @property
    def why_impossible(self) -> str:
        return self.reasons.most_common(1)[0][0] if self.reasons else ""

    def chip(self, place: int) -> ChipDesign:
        number, which, size = self.places[place].tolist()
        design, attempts = self.space.designs.group(number)
        return ChipDesign(replace(design, attempts=attempts[which]), self.space.sizes[size])


def _evaluated(
    space: ChipSpace,
    known: Known,
    upper: Mapping[str, float],
    runner: Runner,
    progress: Tell | None,
) -> _Evaluated:
    places, rows = array("q"), array("d")
    reasons: Counter[str] = Counter()
    remarks: dict[str, None] = {}
    pruned = evaluated = 0
    calls = [(space, known, upper, start) for start in range(0, space.designs.group_count, _GROUPS)]
    for done, part in enumerate(runner.each(_evaluate, calls), start=1):
        places.extend(part.places)
        rows.extend(part.rows)
        pruned += part.pruned
        evaluated += part.evaluated
        reasons += part.reasons
        remarks |= dict.fromkeys(part.remarks)
        if progress is not None:
            progress("designs", space.count * done // len(calls), space.count)
    for remark in remarks:
        warnings.warn(remark, RuntimeWarning, stacklevel=3)
    return _Evaluated(
        space,
        np.frombuffer(places, dtype=np.int64).reshape(-1, 3),
        np.frombuffer(rows, dtype=float).reshape(-1, len(METRICS_OF_CHIPS)),
        pruned,
        evaluated,
        reasons,
    )


def _evaluate(space: ChipSpace, known: Known, upper: Mapping[str, float], start: int) -> _Part:
    """Evaluate as many groups as a call has, from one on; wherever this is, it only returns."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        part = _evaluate_quietly(space, known, upper, start)
    return part._replace(remarks=tuple({str(one.message): None for one in caught}))


def _evaluate_quietly(
    space: ChipSpace, known: Known, upper: Mapping[str, float], start: int
) -> _Part:
    evaluator = Evaluator(*known)
    numbers = _Numbers(space, evaluator)
    places, rows = array("q"), array("d")
    reasons: Counter[str] = Counter()
    pruned = 0

    def because(error: RnscliError, count: int) -> None:
        reasons[str(error)] += count

    for number in range(start, min(start + _GROUPS, space.designs.group_count)):
        design, attempts = space.designs.group(number)
        try:
            if evaluator.excluded(design, upper):
                pruned += len(attempts) * len(space.sizes)
                continue
            group = evaluator.group(design)
        except RnscliError as error:
            because(error, len(attempts) * len(space.sizes))
            continue
        for which, most in enumerate(attempts):
            for place, size in enumerate(space.sizes):
                try:
                    metrics, _ = numbers.of(group, most, size)
                except RnscliError as error:
                    because(error, 1)
                    continue
                places.extend((number, which, place))
                rows.extend(vars(metrics).values())
    return _Part(places, rows, pruned, numbers.computed, reasons, ())
