"""The search of a space of designs: its Pareto front, a choice, and why its neighbours lose."""

import math
import warnings
from array import array
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rnscli.analysis.design.limits import (
    METRICS,
    MORE_OBJECTIVES,
    OBJECTIVES,
    LimitOptions,
    Limits,
    Metrics,
    Table,
)
from rnscli.analysis.design.nearest_noise import (
    Bearing,
    Coded,
    Uncoded,
    level_of,
    nearest_noise,
)
from rnscli.analysis.design.pareto import in_order, pareto_front, ranked, rounded
from rnscli.analysis.design.space import Design, DesignSpace, simulated_core
from rnscli.analysis.energy import EnergyParameters, Timing, attempts_of_pass
from rnscli.analysis.error import dot_errors
from rnscli.analysis.faults import MAX_RANGE, FaultParameters, after_attempts
from rnscli.analysis.faults.fault_probability import fault_probability
from rnscli.analysis.statistics import check_reals
from rnscli.base import NoSolutionError, RnscliError
from rnscli.core import CORES, AnalogKind, DigitalKind, ModuliSet, NoiseSetting, radius_of
from rnscli.runtime import Runner, Work, describe, versions

ALGORITHM = 1  # to be counted up whenever the same code would have another outcome
_PART = "outcome"
_GROUPS = 1024  # that are evaluated in one call
_OF_READOUT = ("columns_per_adc", "adc_rate")
# Axes on which p_err does not depend, each at a value.
_OF_COSTS: dict[str, Any] = {
    "technology": "", "columns": None, "columns_per_adc": None, "adc_rate": None, "clock": None,
    "reverse": None,
}  # fmt: skip
_LOOKED_AT = 100_000  # designs
_OF_CODE = ("redundant", "decoder", "legitimate_range")
_Tell = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Outcome:
    """How one attempt ends, and the probability that some residue of it is wrong."""

    correct: float = 1.0
    detected: float = 0.0
    undetected: float = 0.0
    wrong_word: float = 0.0

    def __add__(self, other: "Outcome") -> "Outcome":
        """Outcomes are whole: there is nothing to add up."""
        raise TypeError("outcomes of codes do not add up")

    def record(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> "Outcome":
        check_reals(*record.values())
        if not all(0 <= value < 1 + 1e-9 for value in record.values()):  # they are rounded
            raise ValueError("a probability is none")
        return cls(**record)

    def after(self, attempts: float) -> tuple[float, float]:
        """Output error probability and mean number of attempts, for up to R of them."""
        return after_attempts(self.correct, self.detected, self.undetected, attempts)


def _work_of(parameters: FaultParameters) -> Work[Outcome]:
    """The outcome of a code as work of a single block, so that it may go anywhere and be kept."""
    point = parameters.point
    description = {
        "what": "code-outcome",
        "algorithm": ALGORITHM,
        "versions": versions(),
        "code": {
            "moduli": describe(point.moduli),
            "decoder": point.decoder,
            "legitimate_range": point.legitimate_range,
        },
        "laws": describe(point.laws),
    }
    return Work(
        function=_compute,
        argument=lambda block, shares_files: parameters,
        blocks=1,
        samples=lambda block: 1,
        parts={_PART: lambda: description},
        result=Outcome,
    )


def _compute(parameters: FaultParameters, block: int, parts: tuple[str, ...]) -> dict[str, Outcome]:
    return dict.fromkeys(parts, outcome_of_code(parameters))


def outcome_of_code(parameters: FaultParameters) -> Outcome:
    """One attempt of a redundant code, exactly."""
    row = fault_probability(parameters)
    return Outcome(row.p_correct, row.p_detected, row.p_undetected, row.word_error_probability)


@dataclass(frozen=True)
class Group:
    """Designs that only differ in their attempts: what does not depend on these."""

    design: Design
    costs: tuple[EnergyParameters, ...]  # by each model of ADCs
    outcome: Outcome
    mean_abs_error: float
    space: DesignSpace

    @property
    def parameters(self) -> EnergyParameters:
        """Its costs by the first model of ADCs."""
        return self.costs[0]

    def metrics(self, attempts: float | None) -> Metrics:
        """The numbers with up to that many attempts, by the model of ADCs with the most energy."""
        return self._dearest(attempts)[1]

    def built(self, attempts: float | None) -> EnergyParameters:
        """Its costs by that model."""
        return self._dearest(attempts)[0]

    def energy_range(self, attempts: float | None) -> tuple[float, float] | None:
        """Least and largest energy per MAC in J, if there are several models of ADCs."""
        if len(self.costs) == 1:
            return None
        found = [self._metrics(costs, attempts).energy_per_mac_j for costs in self.costs]
        return min(found), max(found)

    def _dearest(self, attempts: float | None) -> tuple[EnergyParameters, Metrics]:
        every = ((costs, self._metrics(costs, attempts)) for costs in self.costs)
        return max(every, key=lambda one: one[1].energy_per_mac_j)

    def _metrics(self, costs: EnergyParameters, attempts: float | None) -> Metrics:
        p_err, _ = self.outcome.after(attempts or 1.0)
        made, size = costs.design, self.design.vector_size
        mean = attempts_of_pass(self.outcome.detected, attempts or 1.0, made.width)
        once, energies = made.timing, made.energies
        timing = Timing(once.before, once.attempt, once.after, once.cycle, mean)
        energy = energies.once + mean * (energies.total - energies.once)
        throughput = size * made.width / timing.interval
        arrays = self._arrays(throughput, made.area)
        # What is wanted, and no more, where arrays are as many as that takes.
        used = self.space.throughput or arrays * throughput
        return Metrics(
            energy_per_mac_j=energy / size,
            latency_s=timing.latency,
            area_m2=arrays * made.area,
            mean_abs_error=self.mean_abs_error,
            p_err=p_err,
            throughput_macs_per_s=arrays * throughput,
            power_w=energy / size * used if throughput else math.inf,
            edp_js=energy * timing.latency,
            area_per_throughput=made.area / throughput if throughput else math.inf,
            arrays=arrays,
        )

    def _arrays(self, throughput: float, area: float) -> float:
        """How many there are of the array."""
        if self.space.throughput is not None:
            needed = self.space.throughput / throughput if throughput else math.inf
            return max(1.0, math.ceil(needed)) if math.isfinite(needed) else math.inf
        if self.space.area is not None:
            return float(self.space.area // area) if area else 1.0
        return 1.0

    def expected_attempts(self, attempts: float | None) -> float:
        return self.outcome.after(attempts or 1.0)[1]


class Evaluator:
    """Evaluates the groups of a space; what many of them share is computed once.

    ``errors`` has the mean absolute error by `error_key`, or why there is none; ``outcomes`` those
    of codes by `code_key`, as far as they are known. Where a design does not exist, an
    `RnscliError` says why.
    """

    def __init__(
        self,
        space: DesignSpace,
        errors: Mapping[Any, float | RnscliError],
        outcomes: Mapping[Any, Outcome] | None = None,
    ) -> None:
        self._space, self._errors = space, errors
        self.outcomes: dict[Any, Outcome] = dict(outcomes or {})
        self._codes: dict[Any, tuple[ModuliSet, int] | RnscliError] = {}
        self._parameters: dict[Any, tuple[EnergyParameters, ...] | RnscliError] = {}

    def excluded(self, design: Design, limits: Mapping[str, float]) -> bool:
        """Whether upper limits of `Metrics`, by name, rule out a group whatever its errors.

        Costs are those of one attempt, below which none can be.
        """
        error = self._error(design)
        if error > limits.get("mean_abs_error", error):
            return True
        made = [costs.design for costs in self._costs(design)]
        # With several models of ADCs that with the most energy counts, but in one attempt it may be
        # another one.
        least = {
            "energy_per_mac_j": max(one.energies.total for one in made) / design.vector_size,
            "latency_s": min(one.timing.latency for one in made),
            "area_m2": min(one.area for one in made),
        }
        return any(value > limits.get(name, value) for name, value in least.items())

    def group(self, design: Design) -> Group:
        """The numbers of a group."""
        costs = self._costs(design)
        outcome = self._outcome(design, costs)
        if outcome.wrong_word and costs[0].radius:  # so that further groups of residues are tried
            costs = self._costs(design, outcome.wrong_word)
        return Group(design, costs, outcome, self._error(design), self._space)

    def code(self, design: Design) -> FaultParameters | None:
        """The code of a design and its noise, if there are any."""
        code, noise = self._code(design), self._space.noise
        if code is None or noise is None:
            return None
        moduli, decoder, size = code
        return FaultParameters(moduli=moduli, noise=noise, decoder=decoder, legitimate_range=size)

    def bearing(self, design: Design, noise: NoiseSetting, target: float) -> Bearing:
        """How its p_err depends on the level of the noise."""
        if code := self.code(design):
            return Coded(str(design), level_of(noise, code, design.attempts or 1.0, target))
        kind, settings = CORES[design.core], self._costs(design)[0].design.settings
        assert isinstance(kind, AnalogKind)
        return Uncoded(
            str(design),
            lambda at: kind.reading_error(settings, at.of_converter(design.bits, design.core)),
        )

    def _error(self, design: Design) -> float:
        error = self._errors[error_key(design)]
        if isinstance(error, RnscliError):
            raise error
        return error

    def _code(self, design: Design) -> tuple[ModuliSet, str, int] | None:
        """Moduli, decoder and number of legitimate values of a core that has a code."""
        decoder, rule = design.decoder, design.legitimate_range
        if design.redundant is None or decoder is None or rule is None:
            return None
        key = (design.bits, design.vector_size, design.redundant, rule)
        if key not in self._codes:
            try:
                request = self._space.moduli_request(design)
                moduli = request.choose()[0]
                self._codes[key] = moduli, request.legitimate_range(moduli, rule)
            except RnscliError as error:
                self._codes[key] = error
        found = self._codes[key]
        if isinstance(found, RnscliError):
            raise found
        return found[0], decoder, found[1]

    def _costs(self, design: Design, wrong_word: float = 0.0) -> tuple[EnergyParameters, ...]:
        """What its costs depend on; decoders of the same radius cost the same."""
        moduli, decoder, size = self._code(design) or (None, "", None)
        radius = 0 if moduli is None else radius_of(decoder, moduli)
        key = (replace(design, decoder=None), radius, wrong_word)
        if key not in self._parameters:
            try:
                self._parameters[key] = self._space.energy_parameters(
                    design, moduli, size, radius, wrong_word
                )
            except RnscliError as error:
                self._parameters[key] = error
        found = self._parameters[key]
        if isinstance(found, RnscliError):
            raise found
        return found

    def _outcome(self, design: Design, costs: tuple[EnergyParameters, ...]) -> Outcome:
        noise, kind = self._space.noise, CORES[design.core]
        if noise is None or not isinstance(kind, AnalogKind):
            return Outcome()
        code = self.code(design)
        if code is None:
            if isinstance(noise, NoiseSetting):
                noise = noise.of_converter(design.bits, design.core)
            wrong = kind.reading_error(costs[0].design.settings, noise)
            return Outcome(1.0 - wrong, 0.0, wrong, wrong)
        key = code_key(code)
        if key not in self.outcomes:
            self.outcomes[key] = outcome_of_code(code)
        return self.outcomes[key]


def code_key(code: FaultParameters) -> Any:
    """What the outcome of a code depends on: decoders of the same radius have the same."""
    point = code.point
    return point.moduli, radius_of(point.decoder, point.moduli), point.legitimate_range


def error_key(design: Design) -> Any:
    """What the error of a design depends on: where nothing is lost, on the operands alone."""
    kind = CORES[design.core]
    return (
        simulated_core(design.core),
        isinstance(kind, DigitalKind),  # whose operands have the bits of the core
        design.vector_size,
        design.bits,
        None if kind.exact else design.slice_bits,
        None if kind.exact else design.adc_bits,
        None if kind.exact else design.adc_range,
    )


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
    ``neighbours`` are those one step from the choice along one axis, by the axis; along that of
    cores it is the best design of each other core.
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
    progress: _Tell | None = None,
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
        The first objective: ``energy``, ``latency``, ``area``, ``error``, ``p-err``, ``edp``,
        ``area-per-throughput`` or ``power``.
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
    LimitOptions.minimise.check(minimise)
    kept = Limits.of(limits or {})
    # Costs have lower bounds, so that upper limits rule out designs early.
    upper = {limit.metric: limit.bound for limit in kept if limit.upper}
    runner = runner or Runner()
    errors = _errors(space, runner, progress)
    evaluator = Evaluator(space, errors)
    if space.noise is not None:
        _compute_codes(space, evaluator, upper, runner, progress)
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
    first = (OBJECTIVES | MORE_OBJECTIVES)[minimise]
    order = [first, *(m for n, m in OBJECTIVES.items() if n != minimise)]
    table = designs.table[feasible][:, [METRICS.index(metric) for metric in order]]
    # What differs in no digit that is printed is the same; of these the exact order decides.
    exact = in_order(table)
    feasible, costs = feasible[exact], ranked(rounded(table[exact]))
    front = pareto_front(costs)
    best_first = front[in_order(costs[front])]
    found = (designs.design(int(feasible[index])) for index in best_first)
    candidates = tuple(_candidate(evaluator, design) for design in found)
    chosen = candidates[0]
    in_turn = feasible[in_order(costs)]
    best_of = {
        design.core: design
        for design in (designs.design(int(place)) for place in designs.first_of_cores(in_turn))
    }
    neighbours = tuple(
        (axis, _neighbour(evaluator, kept, design, chosen))
        for axis, design in space.neighbours(chosen.design, best_of)
        # Where the technology brings its ADCs there is nothing to choose of them.
        if axis not in _OF_READOUT or chosen.group.parameters.design.readout is not None
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
    )


def _errors(
    space: DesignSpace, runner: Runner | None, progress: _Tell | None
) -> dict[object, float | RnscliError]:
    """Simulated errors of all designs, or why there is none; one simulation for the same ones."""
    simulations = {}
    errors: dict[object, float | RnscliError] = {}
    for design, _ in space.groups():
        key = error_key(design)
        if key not in simulations and key not in errors:
            try:
                simulations[key] = space.error_parameters(design)
            except RnscliError as error:
                errors[key] = error
    results = dot_errors(list(simulations.values()), runner)
    for key, result in zip(simulations, results, strict=True):
        (statistics,) = result.statistics.values()
        errors[key] = statistics.absolute.mean
        if progress is not None:
            progress("errors", len(errors), len(simulations))
    return errors


def _compute_codes(
    space: DesignSpace,
    evaluator: Evaluator,
    upper: Mapping[str, float],
    runner: Runner,
    progress: _Tell | None,
) -> None:
    """Compute the outcomes of all codes that take long, wherever the runner computes them."""
    codes: dict[Any, FaultParameters] = {}
    settled = set()
    for design, _ in space.groups():
        key = (design.bits, design.vector_size, *(getattr(design, name) for name in _OF_CODE))
        if key in settled:
            continue
        try:
            code = evaluator.code(design)
            if code is None or all(law.equiprobable for law in code.point.laws):
                settled.add(key)  # there is none, or it is a closed form
            elif not evaluator.excluded(design, upper):
                settled.add(key)
                if code.point.legitimate_range <= MAX_RANGE:  # others say so when evaluated
                    codes.setdefault(code_key(code), code)
        except RnscliError:
            continue
    works = [_work_of(code) for code in codes.values()]
    for update, key in zip(runner.run(works), codes, strict=True):
        evaluator.outcomes[key] = update.total[_PART]
        if progress is not None:
            progress("codes", update.index + 1, len(codes))


class Known(NamedTuple):
    """What is known of a space before its designs are evaluated."""

    space: DesignSpace
    errors: Mapping[Any, float | RnscliError]
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
        cores = np.searchsorted(self.space.group_ends, self.places[places, 0], side="right")
        return places[np.unique(cores, return_index=True)[1]]

    def design(self, place: int) -> Design:
        number, which = self.places[place]
        design, attempts = self.space.group(int(number))
        return replace(design, attempts=attempts[which])


def _evaluated(
    known: Known, upper: Mapping[str, float], runner: Runner, progress: _Tell | None
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
            numbers = [group.metrics(most) for most in attempts]
        except RnscliError as error:
            reasons[str(error).replace("`", "")] += len(attempts)
            continue
        for which, metrics in enumerate(numbers):
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
    """At which noise a design keeps the limits, where only that of p_err is in the way."""
    noise = designs.space.noise
    limit = next((one for one in limits if one.metric == "p_err"), None)
    if limit is None or f"keeps {limit}:" not in obstacle or not isinstance(noise, NoiseSetting):
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
    return "" if found is None else f"; {found}"


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
    against = limits.breach(metrics) or metrics.compared_with(chosen.metrics)
    return Candidate(design, metrics, group, against)


def _candidate(evaluator: Evaluator, design: Design) -> Candidate:
    group = evaluator.group(replace(design, attempts=None))
    return Candidate(design, group.metrics(design.attempts), group)
