"""Published results, computed again: a selection of them, with or without neural networks."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any, TypeVar

from rnscli import analysis
from rnscli.analysis.analog_core import analog_core
from rnscli.base import Described, RnscliError, install_command
from rnscli.matrix import Dataflow, ProductCounts
from rnscli.networks import (
    EXTRA,
    NETWORKS,
    missing_package,
    open_network,
    open_untrained,
)  # fmt: skip
from rnscli.reproduction import cases
from rnscli.reproduction.cases import STUDY, NetworkPoint, NetworkStudy, TrainingPoint, Work
from rnscli.runtime import Progress, Runner

WORDS: int = cases.CONDITIONS["words"]
Kind = TypeVar("Kind", bound=Work)


@dataclass(frozen=True, repr=False)
class Reproduction(Described):
    """The rows, and what is behind them: what has come of each simulation, test and training."""

    rows: tuple[cases.ReproducedRow, ...] = ()
    done: Mapping[Work, Any] = field(default_factory=dict)

    def facts(self) -> list[tuple[str, str]]:
        verdicts = Counter(row.verdict for row in self.rows)
        return [("rows", str(len(self.rows))), *((name, str(n)) for name, n in verdicts.items())]

    def __add__(self, other: "Reproduction") -> "Reproduction":
        return Reproduction(self.rows + other.rows, {**self.done, **other.done})


@lru_cache(maxsize=16)  # a command asks for all cases of some results several times
def _every_case(
    results: tuple[str, ...], study: NetworkStudy, seed: int
) -> "tuple[cases.Case, ...]":
    return tuple(cases.cases_of(results, study, seed))


@dataclass(frozen=True)
class Request:
    """What is computed: some results, or of these only rows or results of some names."""

    results: Collection[str] = cases.RESULTS
    only: Collection[str] = ()
    seed: int = 0
    study: NetworkStudy = STUDY

    @cached_property
    def cases(self) -> "tuple[cases.Case, ...]":
        every, only = _every_case(tuple(self.results), self.study, self.seed), set(self.only)
        return tuple(
            case for case in every
            if not only or only & {case.columns["name"], case.columns["result"]}
        )  # fmt: skip

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(case.columns["name"] for case in self.cases)

    @cached_property
    def works(self) -> tuple[Work, ...]:
        """What the cases need, each once, and what pictures show beside it of whole results."""
        works = [work for case in self.cases for work in case.needs]
        for result in dict.fromkeys(case.columns["result"] for case in self.cases):
            if not self.only or result in self.only:
                works += self.study.points(result)
                if result == "training":
                    works += self.study.trained_with(self.study.training_bits, self.seed)
        return tuple(dict.fromkeys(works))

    def _of(self, kind: type[Kind]) -> list[Kind]:
        return [work for work in self.works if isinstance(work, kind)]

    @property
    def samples(self) -> int:
        """Dot products and words that are simulated, and samples that go through networks."""
        simulated = sum(parameters.pairs for parameters in self._of(analysis.DotErrorParameters))
        simulated += WORDS * len(self._of(analysis.FaultParameters))
        points, trainings = self._of(NetworkPoint), self._of(TrainingPoint)
        if not points and not trainings:
            return simulated
        opened = {point.model for point in points}
        simulated += sum(NETWORKS[one].recipe.epochs * _train_samples(one) for one in opened)
        epochs = {one.model: one.recipe.epochs for one in self.study.trainings}
        simulated += sum(epochs[one.model] * _train_samples(one.model) for one in trainings)
        most = self.study.samples
        for one in points:
            simulated += len(NETWORKS[one.model].dataset().test) if most is None else most
        return simulated

    def computed(self, runner: Runner | None, progress: Callable[[int], None]) -> Reproduction:
        """The rows, and what is behind them; ``progress`` is called with the samples so far."""
        done, points, trainings = Done(progress), self._of(NetworkPoint), self._of(TrainingPoint)
        missing = missing_package() if points or trainings else None
        if missing is not None:
            raise RnscliError(f"networks need {missing}; install it with: {install_command(EXTRA)}")
        errors = self._of(analysis.DotErrorParameters)
        results = analysis.dot_errors(
            errors, runner, lambda update: done.so_far(update.samples, update.finished)
        )
        outcome: dict[Any, Any] = dict(zip(errors, results, strict=True))
        outcome |= _simulated_faults(self._of(analysis.FaultParameters), self.seed, runner, done)
        if points:
            outcome |= measure_accuracies(self.study, points, self.seed, runner, done)
        if trainings:
            outcome |= run_trainings(self.study, trainings, runner, done)
        return Reproduction(tuple(case.row(outcome) for case in self.cases), outcome)


def reproduce(
    only: Collection[str] = (),
    seed: int = 0,
    runner: Runner | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Reproduction:
    """Compute published results, of arXiv:2309.10759 without the accuracies of networks.

    Parameters
    ----------
    only
        Names of rows or of results, as ``rnscli reproduce --only`` takes them; everything if
        empty.
    seed
        Of the simulations.
    runner
        Where these are computed and recorded; it does not change the result.
    progress
        Called with the number of samples simulated so far.

    Examples
    --------
    >>> [(row.case, row.verdict) for row in reproduce(["moduli-6-exact"]).rows]
    [('b = 6, rule exact', 'same')]
    """
    return Request(cases.RESULTS, only, seed).computed(runner, progress)


def reproduce_networks(
    only: Collection[str] = (),
    seed: int = 0,
    runner: Runner | None = None,
    progress: Callable[[int], None] = lambda done: None,
    study: NetworkStudy = STUDY,
) -> Reproduction:
    """Compute the published results of networks of arXiv:2309.10759 at a small scale.

    Networks are those that are shipped, which tell handwritten digits apart; the published ones
    are much larger. Unless it is named in ``only``, what needs a further package that is not
    installed is left out. Needs the extra ``rnscli[torch]``. As `reproduce`, but ``seed`` is that
    of noise, and the first one of trainings, and ``study`` says what networks, cores and trainings.

    Raises
    ------
    RnscliError
        If the extra is not installed.
    """
    missing = {} if only else missing_of_results()
    results = [one for one in cases.NETWORK_RESULTS if one not in missing]
    return Request(results, only, seed, study).computed(runner, progress)


def missing_of_results() -> dict[str, str]:
    """Results that need a package beside the extra of networks which is not installed."""
    return {
        result: package
        for result, package in cases.MORE_PACKAGES.items()
        if missing_package((package,)) is not None
    }


class Done:
    """Adds up the samples of one thing after another."""

    def __init__(self, progress: Callable[[int], None]) -> None:
        self._progress = progress
        self._before = 0

    def so_far(self, samples: int, finished: bool = False) -> None:
        """So many are done of what is under way, and all where it is ``finished``."""
        self._progress(self._before + samples)
        self._before += samples if finished else 0


def _simulated_faults(
    works: list[analysis.FaultParameters], seed: int, runner: Runner | None, done: Done
) -> dict[analysis.FaultParameters, analysis.FaultProbability]:
    """The exact probabilities, each beside a simulation."""
    outcome = {}
    for work in works:
        simulated = analysis.validate(
            work, WORDS, seed, runner=runner, progress=lambda words, _: done.so_far(words)
        )
        outcome[work] = simulated.beside(analysis.fault_probability(work))
        done.so_far(WORDS, finished=True)
    return outcome


def measure_accuracies(
    study: NetworkStudy, points: list[NetworkPoint], seed: int, runner: Runner | None, done: Done
) -> dict[NetworkPoint, cases.MeasuredAccuracy]:
    """Test networks on cores; their weights in FP32 are trained unless the cache has them."""
    products: list[ProductCounts] = []

    def watch(update: Progress[analysis.AccuracyStatistics]) -> None:
        if update.finished:
            products.extend(statistics.products for statistics in update.total.values())
        done.so_far(update.samples, update.finished)

    opened = {}
    for model in dict.fromkeys(point.model for point in points):
        samples = _train_samples(model)

        def so_far(epoch: int, of: int, samples: int = samples) -> None:
            done.so_far(epoch * samples)

        opened[model] = open_network(model, progress=so_far)
        # Also where the cache had it.
        done.so_far(NETWORKS[model].recipe.epochs * samples, finished=True)
    parameters = []
    for point in points:
        options = asdict(point)
        network, core = opened[options.pop("model")], analog_core(options.pop("core"), **options)
        parameters.append(analysis.AccuracyParameters(
            opened=network, flow=Dataflow(core), bits=point.bits, samples=study.samples, seed=seed
        ))  # fmt: skip
    rows = list(analysis.accuracies(parameters, runner, watch))
    return dict(zip(points, map(cases.MeasuredAccuracy, rows, products), strict=True))


def run_trainings(
    study: NetworkStudy, points: list[TrainingPoint], runner: Runner | None, done: Done
) -> "dict[TrainingPoint, analysis.Training]":
    """Train networks on residues and in FP32."""
    opened = {one.model: open_untrained(one.model) for one in study.trainings}
    recipes = {one.model: one.recipe for one in study.trainings}
    parameters = [
        analysis.TrainingParameters(
            network=opened[point.model].network,
            data=opened[point.model].data,
            recipe=replace(recipes[point.model], seed=point.seed),
            flow=None if point.bits is None else Dataflow(analog_core("rns", bits=point.bits)),
            bits=point.bits,
        )
        for point in points
    ]

    def watch(update: analysis.TrainingProgress) -> None:
        samples = _train_samples(update.parameters.network.name)
        done.so_far(len(update.record.epochs) * samples)

    trained = {}
    results = analysis.trainings(parameters, runner, watch)
    for point, training in zip(points, results, strict=True):
        trained[point] = training
        epochs = recipes[point.model].epochs
        done.so_far(epochs * _train_samples(point.model), finished=True)
    return trained


def _train_samples(model: str) -> int:
    return len(NETWORKS[model].dataset().part_to_train())
