"""What is computed of networks to compare it with what is published, how much of it, and how.

Networks and data are small, so that everything takes minutes; torch is loaded only to compute.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from rnscli.analysis import (
    AccuracyParameters,
    AccuracyRow,
    AccuracyStatistics,
    TrainingParameters,
    TrainingProgress,
)
from rnscli.analysis.analog_core import analog_core
from rnscli.base import RnscliError
from rnscli.matrix import Dataflow, ProductCounts
from rnscli.networks import INSTALL, NETWORKS, missing_package, open_network, open_untrained
from rnscli.networks.data import digits
from rnscli.reproduction.published import CONDITIONS, VECTOR_SIZE
from rnscli.runtime import Progress, Runner

if TYPE_CHECKING:
    from rnscli.analysis import Training

CORES = ("rns", "fixed-lp", "bit-sliced")


@dataclass(frozen=True)
class NetworkPoint:
    """A network on a core with converters of b bits and dot products of h terms."""

    model: str
    core: str
    bits: int
    vector_size: int = VECTOR_SIZE
    redundant: int = 0
    attempts: int = 1
    p: float | None = None


@dataclass(frozen=True)
class TrainingPoint:
    """A training on residues of b bits, or in FP32 without any."""

    bits: int | None
    seed: int


@dataclass(frozen=True)
class NetworkStudy:
    """What is computed of networks, and how much of it.

    Attributes
    ----------
    size_model, size_bits, sizes
        The network whose accuracy is measured for each b and h in a conventional core: the one
        with the longest dot products.
    models, bits
        The networks whose accuracy is measured for each core and b.
    noise_model, noise_bits, redundancies, probabilities
        The network whose accuracy is measured on residues under noise, for each (k, R) and p.
        Without redundancy nothing is detected, and further attempts change nothing.
    training_model, training_bits, epochs, seeds
        The network that is trained, and for how long: half of the epochs of its recipe, after
        which losses have come to rest.
    samples
        Test samples, all if not given.
    """

    size_model: str = "digits-resnet"
    size_bits: tuple[int, ...] = (2, 3, 4, 5, 6, 7, 8)
    sizes: tuple[int, ...] = (16, 32, 64, 128, 256, 512)
    models: tuple[str, ...] = NETWORKS.own
    bits: tuple[int, ...] = (4, 5, 6, 7, 8, 9, 10)
    noise_model: str = "digits-transformer"
    noise_bits: int = CONDITIONS["accuracy_bits"]
    redundancies: tuple[tuple[int, int], ...] = (
        (0, 1), (1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3),
    )  # fmt: skip
    # From 1e-6 to 1e-1, two in a decade.
    probabilities: tuple[float, ...] = tuple(
        float(f"{10 ** (half / 2):.6g}") for half in range(-12, -1)
    )
    training_model: str = "digits-cnn"
    training_bits: tuple[int, ...] = (5, 6, CONDITIONS["training_bits"])
    epochs: int = 10
    seeds: int = 5
    samples: int | None = None

    def in_conventional_core(self, bits: int) -> list[NetworkPoint]:
        return [NetworkPoint(self.size_model, "fixed-lp", bits, h) for h in self.sizes]

    def at_every_size(self) -> list[NetworkPoint]:
        return [point for bits in self.size_bits for point in self.in_conventional_core(bits)]

    def on_core(self, model: str, core: str) -> list[NetworkPoint]:
        """A network on a core at each b."""
        return [NetworkPoint(model, core, bits) for bits in self.bits]

    def on_every_core(self) -> list[NetworkPoint]:
        """Each network on each core at each b."""
        return [p for model in self.models for core in CORES for p in self.on_core(model, core)]

    def under_noise(self, redundant: int, attempts: int) -> list[NetworkPoint]:
        """One k and R at each p."""
        point = NetworkPoint(self.noise_model, "rns", self.noise_bits)
        return [
            replace(point, redundant=redundant, attempts=attempts, p=p) for p in self.probabilities
        ]

    def under_all_noise(self) -> list[NetworkPoint]:
        """Each k and R at each p."""
        return [point for code in self.redundancies for point in self.under_noise(*code)]

    def trained_with(self, bits: Iterable[int], seed: int) -> tuple[TrainingPoint, ...]:
        """Trainings in FP32, and with each of these bits, by each seed."""
        return tuple(TrainingPoint(b, s) for b in (None, *bits) for s in self.seeds_from(seed))

    def seeds_from(self, seed: int) -> tuple[int, ...]:
        """Seeds of trainings; after the largest one comes 0."""
        return tuple((seed + offset) % 2**63 for offset in range(self.seeds))


STUDY = NetworkStudy()


@dataclass(frozen=True)
class MeasuredAccuracy:
    """Accuracy of a network on a core, and what was computed for it."""

    row: AccuracyRow
    products: ProductCounts

    @property
    def ratios(self) -> tuple[float, float, float]:
        """Accuracy over that in FP32, with the ends of its 95 % interval."""
        ratio, interval = self.row.relative_accuracy, self.row.relative_accuracy_ci95
        assert ratio is not None and interval is not None  # in FP32 they are not always wrong
        return ratio, *interval


class Done:
    """Adds up the samples of one thing after another."""

    def __init__(self, progress: Callable[[int], None]) -> None:
        self._progress = progress
        self._before = 0

    def so_far(self, samples: int) -> None:
        self._progress(self._before + samples)

    def all_of(self, samples: int) -> None:
        """What was under way is done."""
        self._before += samples
        self._progress(self._before)


def samples_of(
    study: NetworkStudy, points: Sequence[NetworkPoint], trainings: Sequence[TrainingPoint]
) -> int:
    """Samples that go through networks, those of trainings in every epoch."""
    if not points and not trainings:
        return 0

    epochs = sum(NETWORKS[model].recipe.epochs for model in {point.model for point in points})
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
    """Test networks on cores; their weights in FP32 are trained unless the cache has them."""
    if not points:
        return {}
    _check_available()
    from rnscli.analysis import accuracies

    products: list[ProductCounts] = []

    def watch(update: Progress[AccuracyStatistics]) -> None:
        if not update.finished:
            done.so_far(update.samples)
            return
        (statistics,) = update.total.values()
        products.append(statistics.products)
        done.all_of(update.samples)

    opened, samples = {}, _train_samples()
    for model in dict.fromkeys(point.model for point in points):
        opened[model] = open_network(model, progress=lambda epoch, of: done.so_far(epoch * samples))
        done.all_of(NETWORKS[model].recipe.epochs * samples)  # also where the cache had it
    parameters = []
    for point in points:
        options = asdict(point)
        network, core = opened[options.pop("model")], analog_core(options.pop("core"), **options)
        parameters.append(AccuracyParameters(
            opened=network, flow=Dataflow(core), bits=point.bits, samples=study.samples, seed=seed
        ))  # fmt: skip
    rows = list(accuracies(parameters, runner, watch))
    return dict(zip(points, map(MeasuredAccuracy, rows, products), strict=True))


def run_trainings(
    study: NetworkStudy, points: Sequence[TrainingPoint], runner: Runner | None, done: Done
) -> "dict[TrainingPoint, Training]":
    """Train networks on residues and in FP32."""
    if not points:
        return {}
    _check_available()
    from rnscli.analysis import trainings

    opened, recipe = open_untrained(study.training_model), NETWORKS[study.training_model].recipe
    parameters = [
        TrainingParameters(
            network=opened.network,
            data=opened.data,
            recipe=replace(recipe, epochs=study.epochs, seed=point.seed),
            flow=None if point.bits is None else Dataflow(analog_core("rns", bits=point.bits)),
            bits=point.bits,
        )
        for point in points
    ]

    def watch(update: TrainingProgress) -> None:
        done.so_far(len(update.record.epochs) * _train_samples())

    trained = []
    for training in trainings(parameters, runner, watch):
        trained.append(training)
        done.all_of(study.epochs * _train_samples())
    return dict(zip(points, trained, strict=True))


def _check_available() -> None:
    missing = missing_package()
    if missing is not None:
        raise RnscliError(f"networks need {missing}; install it with: {INSTALL}")


def _train_samples() -> int:
    train = digits().train
    assert train is not None
    return len(train)
