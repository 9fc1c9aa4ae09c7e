"""The search of a space of designs: its Pareto front, a choice, and why its neighbours lose."""

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from rnscli.analysis.design.limits import (
    METRICS,
    OBJECTIVES,
    Limit,
    comparison,
    keeping,
    limits_of,
    named,
    obstacle,
    plainly,
)
from rnscli.analysis.design.metrics import PART, Evaluator, Group, Metrics, error_key, work_of
from rnscli.analysis.design.space import Design, DesignSpace
from rnscli.analysis.error import dot_errors
from rnscli.analysis.faults import MAX_RANGE, FaultParameters
from rnscli.base import NoSolutionError, RnscliError, check_choice
from rnscli.core import FloatArray
from rnscli.runtime import Runner

_BLOCK = 512


def pareto_front(costs: FloatArray) -> npt.NDArray[np.int64]:
    """Indices of the points that no other point dominates, in order.

    A point dominates another if it is nowhere larger and somewhere smaller. Of equal points the
    first one is kept. Exact, in time proportional to the points times the front.

    Parameters
    ----------
    costs
        Array ``(points, objectives)``, to be minimised; no NaN.

    Examples
    --------
    >>> pareto_front(np.array([[1.0, 3.0], [2.0, 2.0], [2.0, 3.0], [1.0, 3.0]])).tolist()
    [0, 1]
    """
    if not len(costs):
        return np.empty(0, dtype=np.int64)
    distinct, first = np.unique(costs, axis=0, return_index=True)
    # In lexicographic order a point can only be dominated by one before it.
    kept = np.empty((0, costs.shape[1]))
    indices: list[npt.NDArray[np.int64]] = []
    for start in range(0, len(distinct), _BLOCK):
        block, where = distinct[start : start + _BLOCK], first[start : start + _BLOCK]
        alive = ~_dominated(block, kept)
        block, where = block[alive], where[alive]
        alive = ~_dominated(block, block)
        kept = np.concatenate((kept, block[alive]))
        indices.append(where[alive])
    return np.sort(np.concatenate(indices))


def _dominated(points: FloatArray, by: FloatArray) -> npt.NDArray[np.bool_]:
    """Whether each point is dominated by one of the others; all are different."""
    dominated = np.zeros(len(points), dtype=bool)
    if not len(by):
        return dominated
    for start in range(0, len(by), _BLOCK):
        others = by[start : start + _BLOCK]
        left = np.flatnonzero(~dominated)
        if not left.size:
            break
        no_larger = np.ones((left.size, len(others)), dtype=bool)
        equal = np.ones_like(no_larger)
        for column in range(points.shape[1]):
            mine, theirs = points[left, column, None], others[None, :, column]
            no_larger &= theirs <= mine
            equal &= theirs == mine
        dominated[left] = (no_larger & ~equal).any(axis=1)
    return dominated


Progress = Callable[[str, int, int], None]
_Places = npt.NDArray[np.int64]


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


@dataclass(frozen=True)
class DesignResult:
    """The outcome of a search.

    ``chosen`` has the least of the first objective among the designs that keep all limits, and of
    the others in their order where there are several. ``front`` are all that no other design
    within the limits beats in every objective, from the least of the first one upwards.
    ``neighbours`` are those one step from the choice along one axis, by the axis.
    ``designs`` counts the space; ``impossible`` those without a moduli set, or out of the range of
    a model, and ``why_impossible`` is the commonest reason; ``pruned`` those that were ruled out by
    a limit before their error probability was computed; ``feasible`` those that keep all limits.
    """

    chosen: Candidate
    front: tuple[Candidate, ...]
    neighbours: tuple[tuple[str, Candidate | Rejected], ...]
    designs: int
    impossible: int
    why_impossible: str
    pruned: int
    feasible: int


def search_designs(
    space: DesignSpace,
    limits: Mapping[str, float] | None = None,
    minimise: str = "energy",
    runner: Runner | None = None,
    progress: Progress | None = None,
) -> DesignResult:
    """All Pareto-optimal designs of a space, the best of them, and how it compares.

    Every design is evaluated, but those that a limit excludes whatever their error probability:
    nothing is sampled. The error is the mean absolute error of the outputs that are right, as
    `dot_error` simulates it without noise; ``p_err`` says how often they are not. Energies are per
    MAC, so that vector sizes can be compared.

    Parameters
    ----------
    space
        The designs.
    limits
        Values by the names in ``LIMITS``, in base SI units.
    minimise
        The first objective: ``energy``, ``latency``, ``area``, ``error`` or ``p-err``.
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
    check_choice("minimise", minimise, tuple(OBJECTIVES))
    limits_given = limits_of(limits or {})
    evaluator = Evaluator(space, _errors(space, runner, progress))
    search = _Search(space, evaluator, limits_given)
    search.compute_codes(runner or Runner(), progress)
    search.run(progress, prune=True)
    feasible = search.feasible()
    if not feasible.size:
        search.run(None, prune=False)
        raise NoSolutionError(search.obstacle())
    order = [OBJECTIVES[minimise], *(m for n, m in OBJECTIVES.items() if n != minimise)]
    costs = search.costs(feasible, order)
    front = pareto_front(costs)
    ranked = front[np.lexsort(costs[front][:, ::-1].T)]
    candidates = tuple(search.candidate(int(feasible[index])) for index in ranked)
    chosen = candidates[0]
    neighbours = tuple(
        (axis, search.neighbour(design, chosen)) for axis, design in space.neighbours(chosen.design)
    )
    return DesignResult(
        chosen=chosen,
        front=candidates,
        neighbours=neighbours,
        designs=space.size,
        impossible=search.impossible,
        why_impossible=search.why_impossible,
        pruned=search.pruned,
        feasible=len(feasible),
    )


def _errors(
    space: DesignSpace, runner: Runner | None, progress: Progress | None
) -> dict[object, float | RnscliError]:
    """Simulated errors of all designs, or why there is none; one simulation for the same ones."""
    simulations = {}
    errors: dict[object, float | RnscliError] = {}
    for design, _ in space.groups():
        key = error_key(space, design)
        if key not in simulations and key not in errors:
            try:
                simulations[key] = space.error_parameters(design)
            except RnscliError as error:
                errors[key] = error
    results = dot_errors(list(simulations.values()), runner)
    for key, result in zip(simulations, results, strict=True):
        errors[key] = result.rows[0].mean_abs_error
        if progress is not None:
            progress("errors", len(errors), len(simulations))
    return errors


class _Search:
    """All groups of a space and the numbers of their designs, as one table."""

    def __init__(
        self,
        space: DesignSpace,
        evaluator: Evaluator,
        limits: tuple[Limit, ...],
    ) -> None:
        self._space, self._evaluator, self._limits = space, evaluator, limits
        # Costs have lower bounds, so that upper limits rule out designs early.
        self._upper = {limit.metric: limit.value for limit in limits if limit.upper}
        self._places: list[tuple[Group, float | None]] = []
        self._table: FloatArray = np.empty((0, len(METRICS)))
        self.impossible = self.pruned = 0
        self._reasons: Counter[str] = Counter()

    def compute_codes(self, runner: Runner, progress: Progress | None) -> None:
        """Outcomes of all codes that take long, wherever the runner computes them."""
        codes: dict[Any, FaultParameters] = {}
        for design, _ in self._space.groups():
            try:
                code = self._evaluator.code_of(design, self._upper)
            except RnscliError:
                continue
            if code is None or all(law.equiprobable for law in code.point.laws):
                continue  # there is none, or it is a closed form
            if code.point.legitimate_range <= MAX_RANGE:  # others say so when they are evaluated
                codes.setdefault(self._evaluator.key(code), code)
        works = [work_of(code) for code in codes.values()]
        for update, code in zip(runner.run(works), codes.values(), strict=True):
            self._evaluator.add_outcome(code, update.total[PART])
            if progress is not None:
                progress("codes", update.index + 1, len(codes))

    def run(self, progress: Progress | None, prune: bool) -> None:
        self._places, self.impossible, self.pruned = [], 0, 0
        self._reasons.clear()
        rows: list[tuple[float, ...]] = []
        done = 0
        for design, attempts in self._space.groups():
            if progress is not None:
                progress("designs", done, self._space.size)
            done += len(attempts)
            try:
                group = self._evaluator.group_within(design, self._upper if prune else {})
            except RnscliError as error:
                self.impossible += len(attempts)
                self._reasons[str(error).replace("`", "")] += len(attempts)
                continue
            if group is None:
                self.pruned += len(attempts)
                continue
            for most in attempts:
                metrics = group.metrics(most)
                if math.isinf(metrics.energy_per_mac_j):
                    self.impossible += 1
                    self._reasons["every word is rejected, however often"] += 1
                    continue
                self._places.append((group, most))
                rows.append(tuple(vars(metrics).values()))
        self._table = np.array(rows).reshape(-1, len(METRICS))

    @property
    def why_impossible(self) -> str:
        """The commonest reason why a design does not exist."""
        return self._reasons.most_common(1)[0][0] if self._reasons else ""

    def feasible(self) -> _Places:
        """Places in the table that keep all limits."""
        return np.flatnonzero(keeping(self._limits, self._table))

    def costs(self, places: _Places, metrics: list[str]) -> FloatArray:
        """Numbers of some designs, in the order of the objectives."""
        chosen: FloatArray = self._table[places][:, [METRICS.index(metric) for metric in metrics]]
        return chosen

    def candidate(self, place: int, reason: str = "") -> Candidate:
        """A design of the table."""
        group, attempts = self._places[place]
        return _candidate(group, attempts, reason)

    def neighbour(self, design: Design, chosen: Candidate) -> Candidate | Rejected:
        """A neighbour of the choice, with what speaks against it."""
        attempts = design.attempts
        try:
            group = self._evaluator.group(replace(design, attempts=None))
        except RnscliError as error:
            return Rejected(design, plainly(error))
        metrics = group.metrics(attempts)
        if math.isinf(metrics.energy_per_mac_j):
            return Rejected(design, "every word is rejected")
        broken = "; ".join(filter(None, (limit.breach(metrics) for limit in self._limits)))
        return _candidate(group, attempts, broken or comparison(metrics, chosen.metrics))

    def obstacle(self) -> str:
        """Why no design keeps the limits."""
        if not len(self._table):
            return f"no design of the space exists: {self.why_impossible}"
        return obstacle(
            self._limits, self._table, lambda place: named(self.candidate(place).design)
        )


def _candidate(group: Group, attempts: float | None, reason: str) -> Candidate:
    return Candidate(
        replace(group.design, attempts=attempts), group.metrics(attempts), group, reason
    )
