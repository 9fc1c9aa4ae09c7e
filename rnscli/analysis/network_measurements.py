"""Networks of a study, computed: accuracies on cores, and trainings on residues."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rnscli.analysis.measured_verdict import Interval
from rnscli.analysis.network_study import NetworkPoint, NetworkStudy, TrainingPoint
from rnscli.analysis.networks.rows import AccuracyRow
from rnscli.base.errors import RnscliError
from rnscli.matrix.dataflow import ProductCounts
from rnscli.networks.shipped import INSTALL, missing_package
from rnscli.runtime.runner import Progress, Runner

if TYPE_CHECKING:
    from rnscli.analysis.networks.accuracy import AccuracyParameters, AccuracyStatistics
    from rnscli.analysis.networks.training import Training, TrainingParameters, TrainingProgress


@dataclass(frozen=True)
class MeasuredAccuracy:
    """Accuracy of a network on a core, and what was computed for it."""

    row: AccuracyRow
    products: ProductCounts

    @property
    def ratio(self) -> float:
        """Accuracy over that in FP32, in which shipped networks are not always wrong."""
        assert self.row.relative_accuracy is not None
        return self.row.relative_accuracy

    @property
    def interval(self) -> Interval:
        """Its 95 % interval."""
        assert self.row.relative_accuracy_ci95 is not None
        return self.row.relative_accuracy_ci95


Accuracies = Mapping[NetworkPoint, MeasuredAccuracy]


class Done:
    """Adds up the samples that go through networks, of one thing after another."""

    def __init__(self, progress: Callable[[int], None]) -> None:
        """``progress`` is called with their number."""
        self._progress = progress
        self._before = 0

    def so_far(self, samples: int) -> None:
        """Of what is under way."""
        self._progress(self._before + samples)

    def all_of(self, samples: int) -> None:
        """What was under way is done."""
        self._before += samples
        self._progress(self._before)


def samples_of(
    study: NetworkStudy, points: Sequence[NetworkPoint], trainings: Sequence[TrainingPoint]
) -> int:
    """Samples that go through networks, those of trainings in every epoch."""
    from rnscli.networks.digits import digits
    from rnscli.networks.shipped import NETWORKS

    epochs = sum(NETWORKS[model].recipe.epochs for model in _models(points))
    epochs += study.epochs * len(trainings)
    tested = len(digits().test) if study.samples is None else study.samples
    return tested * len(points) + epochs * _train_samples()


def measure_accuracies(
    study: NetworkStudy,
    points: Sequence[NetworkPoint],
    seed: int,
    runner: Runner | None,
    done: Done,
) -> dict[NetworkPoint, MeasuredAccuracy]:
    """Test networks on cores; their weights in FP32 are trained unless the cache has them.

    Raises
    ------
    RnscliError
        If the extra ``rnscli[torch]`` is not installed.
    """
    _check_available()
    from rnscli.analysis.networks.accuracy import accuracies

    products: list[ProductCounts] = []

    def watch(update: "Progress[AccuracyStatistics]") -> None:
        if not update.finished:
            done.so_far(update.samples)
            return
        (statistics,) = update.total.values()
        products.append(statistics.products)
        done.all_of(update.samples)

    asked = _accuracy_parameters(study, points, seed, done)
    rows = list(accuracies(asked, runner, watch))
    return dict(zip(points, map(MeasuredAccuracy, rows, products), strict=True))


def run_trainings(
    study: NetworkStudy, points: Sequence[TrainingPoint], runner: Runner | None, done: Done
) -> "dict[TrainingPoint, Training]":
    """Train networks on residues and in FP32.

    Raises
    ------
    RnscliError
        If the extra ``rnscli[torch]`` is not installed.
    """
    _check_available()
    from rnscli.analysis.networks.training import trainings

    samples, before = _train_samples(), 0

    def watch(update: "TrainingProgress") -> None:
        done.so_far((before + len(update.record.epochs)) * samples)

    asked = [_training_parameters(study, point) for point in points]
    found = {}
    for point, training in zip(points, trainings(asked, runner, watch), strict=True):
        found[point] = training
        before += study.epochs
    done.all_of(before * samples)
    return found


def _check_available() -> None:
    missing = missing_package()
    if missing is not None:
        raise RnscliError(f"networks need {missing}; install it with: {INSTALL}")


def _models(points: Iterable[NetworkPoint]) -> list[str]:
    return list(dict.fromkeys(point.model for point in points))


def _train_samples() -> int:
    from rnscli.networks.digits import digits

    train = digits().train
    assert train is not None
    return len(train)


def _accuracy_parameters(
    study: NetworkStudy, points: Sequence[NetworkPoint], seed: int, done: Done
) -> "list[AccuracyParameters]":
    from rnscli.analysis.analog_core import analog_core
    from rnscli.analysis.networks.accuracy import AccuracyParameters
    from rnscli.matrix.dataflow import Dataflow
    from rnscli.networks.portable import open_network
    from rnscli.networks.shipped import NETWORKS

    opened, samples = {}, _train_samples()
    for model in _models(points):
        opened[model] = open_network(
            model, progress=lambda epochs, of: done.so_far(epochs * samples)
        )
        done.all_of(NETWORKS[model].recipe.epochs * samples)  # also where the cache had it
    return [
        AccuracyParameters(
            opened=opened[point.model],
            flow=Dataflow(
                analog_core(
                    point.core,
                    bits=point.bits,
                    vector_size=point.vector_size,
                    redundant=point.redundant,
                    attempts=point.attempts,
                    p=point.p,
                )
            ),
            bits=point.bits,
            samples=study.samples,
            seed=seed,
        )
        for point in points
    ]


def _training_parameters(study: NetworkStudy, point: TrainingPoint) -> "TrainingParameters":
    from rnscli.analysis.analog_core import analog_core
    from rnscli.analysis.networks.training import TrainingParameters
    from rnscli.matrix.dataflow import Dataflow
    from rnscli.networks.portable import open_untrained
    from rnscli.networks.shipped import NETWORKS

    model = study.training_model
    opened = open_untrained(model)
    return TrainingParameters(
        network=opened.network,
        data=opened.data,
        recipe=replace(NETWORKS[model].recipe, epochs=study.epochs, seed=point.seed),
        flow=None if point.bits is None else Dataflow(analog_core("rns", bits=point.bits)),
        bits=point.bits,
    )
