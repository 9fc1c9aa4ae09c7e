"""Networks that nobody has tested or trained, for what is made of their results."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

from rnscli.analysis.networks.rows import AccuracyRow
from rnscli.matrix.dataflow import ProductCounts
from rnscli.reproduction.cases import MeasuredAccuracy, NetworkStudy, TrainingPoint

NOTHING: dict[str, Any] = {field.name: None for field in fields(AccuracyRow)}
HALF_WIDTH = 0.004


def measured(ratio: float, products: ProductCounts | None = None) -> MeasuredAccuracy:
    """A ratio to FP32 with an interval around it."""
    row = replace(
        AccuracyRow(**NOTHING),
        samples=797,
        fp32_accuracy=0.98,
        relative_accuracy=ratio,
        relative_accuracy_ci95=(ratio - HALF_WIDTH, ratio + HALF_WIDTH),
    )
    return MeasuredAccuracy(row, products or ProductCounts())


def trainings(
    study: NetworkStudy,
    points: Any,
    accuracy: Callable[[TrainingPoint], float],
    failure: str = "",
    failing: tuple[int, ...] = (5, 7),
) -> dict[TrainingPoint, Any]:
    """Trainings that end with an accuracy; those of some bits with a failure, if there is one."""
    from rnscli.analysis.analog_core import analog_core
    from rnscli.analysis.networks.training import Training, TrainingParameters, TrainingRecord
    from rnscli.matrix.dataflow import Dataflow
    from rnscli.networks.portable import open_untrained

    found, recipes = {}, {one.model: one.recipe for one in study.trainings}
    for point in points:
        opened = open_untrained(point.model)
        flow = None if point.bits is None else Dataflow(analog_core("rns", bits=point.bits))
        epochs = tuple(
            (1 / (n + 1), 1.0, accuracy(point)) for n in range(recipes[point.model].epochs)
        )
        found[point] = Training(
            TrainingParameters(
                network=opened.network,
                data=opened.data,
                recipe=replace(recipes[point.model], seed=point.seed),
                flow=flow,
                bits=point.bits,
            ),
            TrainingRecord(epochs, failure if point.bits in failing else ""),
        )
    return found
