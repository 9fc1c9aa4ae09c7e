"""The data behind the pictures of networks, each a row for a point that is drawn."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rnscli.analysis.measured_verdict import Interval
from rnscli.analysis.network_measurements import Accuracies, MeasuredAccuracy
from rnscli.analysis.network_study import CORES, NetworkPoint, NetworkStudy, TrainingPoint

if TYPE_CHECKING:
    from rnscli.analysis.networks.training import Training


@dataclass(frozen=True)
class AccuracyPoint:
    """Accuracy of a network on a core over that in FP32, with its 95 % interval."""

    model: str
    core: str
    bits: int
    vector_size: int
    redundant: int
    attempts: int
    p: float | None
    samples: int
    fp32_accuracy: float
    relative_accuracy: float
    relative_accuracy_ci95: Interval
    output_error_rate: float | None


@dataclass(frozen=True)
class EpochPoint:
    """An epoch of trainings on residues of b bits, or in FP32, over some seeds.

    ``train_loss`` is the mean of the seeds, between the lowest and the highest of them; so is
    ``loss_over_fp32``, the ratio to FP32, seed by seed.
    """

    model: str
    core: str
    bits: int | None
    epoch: int
    seeds: int
    train_loss: float
    train_loss_lowest: float
    train_loss_highest: float
    loss_over_fp32: float
    loss_over_fp32_lowest: float
    loss_over_fp32_highest: float
    test_accuracy: float


def size_points(study: NetworkStudy, found: Accuracies) -> tuple[AccuracyPoint, ...]:
    """The conventional core at each b and h."""
    return tuple(
        _accuracy_point(point, found[point])
        for bits in study.size_bits
        for point in study.in_conventional_core(bits)
    )


def bits_points(study: NetworkStudy, found: Accuracies) -> tuple[AccuracyPoint, ...]:
    """Each network on each core at each b."""
    return tuple(
        _accuracy_point(point, found[point])
        for model in study.models
        for core in CORES
        for point in study.on_core(model, core)
    )


def noise_points(study: NetworkStudy, found: Accuracies) -> tuple[AccuracyPoint, ...]:
    """Each k and R at each p."""
    return tuple(
        _accuracy_point(point, found[point])
        for redundant, attempts in study.redundancies
        for point in study.under_noise(redundant, attempts)
    )


def epoch_points(
    study: NetworkStudy, found: "Mapping[TrainingPoint, Training]"
) -> tuple[EpochPoint, ...]:
    """FP32 and each b, epoch by epoch, as far as all seeds have come."""
    return tuple(_epoch_points(study, found))


def _epoch_points(
    study: NetworkStudy, found: "Mapping[TrainingPoint, Training]"
) -> Iterator[EpochPoint]:
    seeds = list(dict.fromkeys(point.seed for point in found))
    for bits in (None, *study.training_bits):
        several = [found[TrainingPoint(bits, seed)].record.epochs for seed in seeds]
        in_fp32 = [found[TrainingPoint(None, seed)].record.epochs for seed in seeds]
        for index in range(min(map(len, (*several, *in_fp32)))):
            losses = [epochs[index][0] for epochs in several]
            ratios = [loss / epochs[index][0] for loss, epochs in zip(losses, in_fp32, strict=True)]
            yield EpochPoint(
                model=study.training_model,
                core="fp32" if bits is None else "rns",
                bits=bits,
                epoch=index + 1,
                seeds=len(seeds),
                train_loss=math.fsum(losses) / len(losses),
                train_loss_lowest=min(losses),
                train_loss_highest=max(losses),
                loss_over_fp32=math.fsum(ratios) / len(ratios),
                loss_over_fp32_lowest=min(ratios),
                loss_over_fp32_highest=max(ratios),
                test_accuracy=math.fsum(epochs[index][2] for epochs in several) / len(several),
            )


def _accuracy_point(point: NetworkPoint, measured: MeasuredAccuracy) -> AccuracyPoint:
    return AccuracyPoint(
        model=point.model,
        core=point.core,
        bits=point.bits,
        vector_size=point.vector_size,
        redundant=point.redundant,
        attempts=point.attempts,
        p=point.p,
        samples=measured.row.samples,
        fp32_accuracy=measured.row.fp32_accuracy,
        relative_accuracy=measured.ratio,
        relative_accuracy_ci95=measured.interval,
        output_error_rate=measured.row.output_error_rate,
    )
