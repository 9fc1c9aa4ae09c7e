"""Published results, computed again: a selection of them, with or without neural networks."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from rnscli.analysis import (
    DotErrorParameters,
    DotErrorResult,
    ErrorStatistics,
    FaultParameters,
    FaultProbability,
    dot_errors,
    fault_probability,
    validate,
)
from rnscli.reproduction.cases import NETWORK_RESULTS, RESULTS, WORDS, Work, cases_of, works_of
from rnscli.reproduction.published import ReproducedRow
from rnscli.reproduction.study import (
    STUDY,
    Done,
    MeasuredAccuracy,
    NetworkPoint,
    NetworkStudy,
    TrainingPoint,
    measure_accuracies,
    run_trainings,
    samples_of,
)
from rnscli.runtime import Progress, Runner

if TYPE_CHECKING:
    from rnscli.analysis import Training

Kind = TypeVar("Kind", bound=Work)


@dataclass(frozen=True)
class Reproduction:
    """The rows, and what is behind them: simulations, and networks that were tested or trained."""

    rows: tuple[ReproducedRow, ...] = ()
    errors: tuple[DotErrorResult, ...] = ()
    faults: tuple[FaultProbability, ...] = ()
    accuracies: Mapping[NetworkPoint, MeasuredAccuracy] = field(default_factory=dict)
    trainings: "Mapping[TrainingPoint, Training]" = field(default_factory=dict)

    def __add__(self, other: "Reproduction") -> "Reproduction":
        return Reproduction(
            self.rows + other.rows,
            self.errors + other.errors,
            self.faults + other.faults,
            {**self.accuracies, **other.accuracies},
            {**self.trainings, **other.trainings},
        )


def names(results: Iterable[str] = RESULTS, study: NetworkStudy = STUDY) -> tuple[str, ...]:
    """The rows of these results, each of which can be computed alone."""
    return tuple(case.columns["name"] for case in cases_of(results, study))


def samples(
    only: Collection[str] = (), results: Iterable[str] = RESULTS, study: NetworkStudy = STUDY
) -> int:
    """Dot products and words that are simulated, and samples that go through networks."""
    works = works_of(cases_of(results, study, only=only), study, only=only)
    return (
        sum(parameters.pairs for parameters in _of(DotErrorParameters, works))
        + WORDS * len(_of(FaultParameters, works))
        + samples_of(study, _of(NetworkPoint, works), _of(TrainingPoint, works))
    )


def reproduce(
    only: Collection[str] = (),
    seed: int = 0,
    runner: Runner | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Reproduction:
    """Compute the published results of arXiv:2309.10759 and arXiv:1707.09952, without networks.

    Parameters
    ----------
    only
        Names of rows (`names`) or of results (`RESULTS`); everything if empty.
    seed
        Of the simulations.
    runner
        Where these are computed and recorded; it does not change the result.
    progress
        Called with the number of samples simulated so far, of `samples`.

    Examples
    --------
    >>> [(row.case, row.verdict) for row in reproduce(["moduli-6-exact"]).rows]
    [('b = 6, rule exact', 'same')]
    """
    return _reproduced(RESULTS, only, seed, runner, progress, STUDY)


def reproduce_networks(
    only: Collection[str] = (),
    seed: int = 0,
    runner: Runner | None = None,
    progress: Callable[[int], None] = lambda done: None,
    study: NetworkStudy = STUDY,
) -> Reproduction:
    """Compute the published results of networks of arXiv:2309.10759 at a small scale.

    Networks are those that are shipped, which tell handwritten digits apart; the published ones
    are much larger. Needs the extra ``rnscli[torch]``. As `reproduce`, but ``seed`` is that of
    noise, and the first one of trainings, and ``study`` says which networks, cores and trainings.

    Raises
    ------
    RnscliError
        If the extra is not installed.
    """
    return _reproduced(NETWORK_RESULTS, only, seed, runner, progress, study)


def _reproduced(
    results: Iterable[str],
    only: Collection[str],
    seed: int,
    runner: Runner | None,
    progress: Callable[[int], None],
    study: NetworkStudy,
) -> Reproduction:
    cases = cases_of(results, study, seed, only)
    works, done = works_of(cases, study, seed, only), Done(progress)
    errors = _simulated_errors(_of(DotErrorParameters, works), runner, done)
    faults = _simulated_faults(_of(FaultParameters, works), seed, runner, done)
    accuracies = measure_accuracies(study, _of(NetworkPoint, works), seed, runner, done)
    trainings = run_trainings(study, _of(TrainingPoint, works), runner, done)
    outcome: dict[Any, Any] = {**errors, **faults, **accuracies, **trainings}
    return Reproduction(
        rows=tuple(case.row(outcome) for case in cases),
        errors=tuple(errors.values()),
        faults=tuple(faults.values()),
        accuracies=accuracies,
        trainings=trainings,
    )


def _of(kind: type[Kind], works: Iterable[Work]) -> list[Kind]:
    return [work for work in works if isinstance(work, kind)]


def _simulated_errors(
    works: Sequence[DotErrorParameters], runner: Runner | None, done: Done
) -> dict[DotErrorParameters, DotErrorResult]:
    def watch(update: Progress[ErrorStatistics]) -> None:
        (done.all_of if update.finished else done.so_far)(update.samples)

    return dict(zip(works, dot_errors(list(works), runner, watch), strict=True))


def _simulated_faults(
    works: Iterable[FaultParameters], seed: int, runner: Runner | None, done: Done
) -> dict[FaultParameters, FaultProbability]:
    """The exact probabilities, each beside a simulation."""
    outcome = {}
    for work in works:
        simulated = validate(
            work, WORDS, seed, runner=runner, progress=lambda words, _: done.so_far(words)
        )
        outcome[work] = simulated.beside(fault_probability(work))
        done.all_of(WORDS)
    return outcome
