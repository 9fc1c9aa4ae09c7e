"""Training of networks on analog cores, beside FP32."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from rnscli.analysis.core_columns import core_columns
from rnscli.analysis.statistics import Moments
from rnscli.analysis.training_parameters import (
    TrainingParameters,
    TrainingProgress,
    TrainingRecord,
)
from rnscli.analysis.training_rows import FP32, EpochRow, TrainingRow
from rnscli.analysis.training_run import description, heard_by, training_run
from rnscli.runtime.runner import Runner
from rnscli.runtime.work import Work

_PART = "training"
_OF_FP32 = dict.fromkeys(
    (
        "bits", "vector_size", "input_bits", "weight_bits", "granularity", "moduli",
        "redundant_moduli", "redundant", "decoder", "slice_bits", "adc_bits",
        "residue_error_probability", "sigma", "attempts",
    )
)  # fmt: skip


@dataclass(frozen=True)
class Training:
    """A training that is done: what was asked, and its epochs."""

    parameters: TrainingParameters
    record: TrainingRecord

    @property
    def epochs(self) -> tuple[EpochRow, ...]:
        """A row for each epoch."""
        columns = _columns(self.parameters)
        return tuple(
            EpochRow(
                model=self.parameters.network.name,
                seed=self.parameters.recipe.seed,
                epoch=index + 1,
                train_loss=train,
                test_loss=test,
                test_accuracy=accuracy,
                **columns,
            )
            for index, (train, test, accuracy) in enumerate(self.record.epochs)
        )


def trainings(
    asked: Sequence[TrainingParameters],
    runner: Runner | None = None,
    progress: Callable[[TrainingProgress], None] | None = None,
) -> Iterator[Training]:
    """Train networks, each from its first epoch, or from its checkpoint, to its last.

    On a core every matrix product is computed there: forward, of the gradient of the inputs, and
    of that of the weights; gradients pass the rounding straight through, and everything else, the
    optimiser included, is in FP32.

    Parameters
    ----------
    asked
        What to train.
    runner
        Where trainings are computed and recorded (`rnscli.runner`); it does not change the result.
        In this process if not given.
    progress
        Called after each training, and after each epoch of one that is done in this process.

    Raises
    ------
    InputError
        If data and network do not fit, or a checkpoint is damaged.
    """
    updates = (runner or Runner()).run([_work(parameters) for parameters in asked])
    for parameters in asked:
        heard: list[TrainingProgress] = []

        def listener(epoch: TrainingProgress, heard: list[TrainingProgress] = heard) -> None:
            heard.append(epoch)
            if progress is not None:
                progress(epoch)

        with heard_by(listener):
            update = next(updates)
        record = update.total[_PART]
        if progress is not None:
            computed = heard[-1].computed if heard else update.computed
            progress(TrainingProgress(parameters, record, computed))
        yield Training(parameters, record)


def training_row(on_core: Sequence[Training], in_fp32: Sequence[Training]) -> TrainingRow:
    """Trainings of several seeds on one core, or in FP32, beside those in FP32."""
    reference = {one.parameters.recipe.seed: _last(one)[2] for one in in_fp32}
    accuracies = {one.parameters.recipe.seed: _last(one)[2] for one in on_core}
    differences = [accuracy - reference[seed] for seed, accuracy in accuracies.items()]
    first = on_core[0].parameters
    several = len(accuracies) > 1
    error = _moments(list(reference.values())).standard_error if several else None
    # Shares of some thousand samples: beyond 15 decimals there is nothing but rounding.
    difference = round(math.fsum(differences) / len(differences), 15)
    return TrainingRow(
        model=first.network.name,
        seeds=len(accuracies),
        epochs=first.recipe.epochs,
        train_loss=_mean(on_core, 0),
        test_loss=_mean(on_core, 1),
        test_accuracy=_mean(on_core, 2),
        test_accuracy_ci95=_interval(list(accuracies.values())),
        accuracy_difference=difference,
        accuracy_difference_ci95=None if first.flow is None else _interval(differences),
        fp32_standard_error=error,
        within_standard_error=None if error is None else abs(difference) <= error,
        **_columns(first),
    )


def _work(parameters: TrainingParameters) -> Work[TrainingRecord]:
    return Work(
        function=training_run,
        argument=lambda block, shared: parameters,
        blocks=1,
        samples=lambda block: parameters.recipe.epochs,
        parts={_PART: partial(description, parameters)},
        result=TrainingRecord,
    )


def _columns(parameters: TrainingParameters) -> dict[str, Any]:
    if parameters.flow is None:
        return {"core": FP32, **_OF_FP32}
    assert parameters.bits is not None
    return core_columns(parameters.flow, parameters.bits)


def _last(training: Training) -> tuple[float, float, float]:
    return training.record.epochs[-1]


def _mean(several: Sequence[Training], index: int) -> float:
    return math.fsum(_last(one)[index] for one in several) / len(several)


def _moments(values: Sequence[float]) -> Moments:
    import numpy as np

    return Moments.of(np.array(values))


def _interval(values: Sequence[float]) -> tuple[float, float] | None:
    return _moments(values).mean_interval() if len(values) > 1 else None
