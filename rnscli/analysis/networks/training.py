"""Training of networks on analog cores, beside FP32."""

import io
import math
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from rnscli.analysis.analog_core import core_columns, described_flow
from rnscli.analysis.networks.parameters import TrainingParameters, TrainingProgress, TrainingRecord
from rnscli.analysis.networks.rows import FP32, EpochRow, TrainingRow
from rnscli.analysis.statistics import Moments
from rnscli.base import InputError, RnscliError, write_atomically
from rnscli.networks import Trainer
from rnscli.runtime import Runner, Work, describe, digest, versions
from rnscli.torch import converted

ALGORITHM = 1  # to be counted up whenever the same parameters would give other results

Listener = Callable[[TrainingProgress], None]
_listener: ContextVar[Listener | None] = ContextVar("rnscli_listener", default=None)


def training_run(
    parameters: TrainingParameters, block: int, parts: tuple[str, ...]
) -> dict[str, TrainingRecord]:
    """Train a network; a pure function of its arguments, but that it need not begin anew."""
    del block
    trainer = Trainer(_model(parameters), parameters.data, parameters.recipe)
    failure = ""
    kept = _Checkpoint(parameters)
    kept.restore(trainer)
    before = len(trainer.results)
    tell = _listener.get()
    while not trainer.finished and not failure:
        try:
            trainer.advance()
        except RnscliError as error:  # of this training; others may do better
            failure = str(error)
        else:
            kept.save(trainer)
            if tell is not None:
                computed = len(trainer.results) - before
                tell(TrainingProgress(parameters, _record(trainer), computed))
    return dict.fromkeys(parts, _record(trainer, failure))


@contextmanager
def heard_by(listener: Listener | None) -> Iterator[None]:
    """Trainings in this process tell of every epoch; what they compute does not depend on it."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def _record(trainer: Trainer, failure: str = "") -> TrainingRecord:
    epochs = tuple((r.train_loss, r.test_loss, r.test_accuracy) for r in trainer.results)
    return TrainingRecord(epochs, failure)


def description(parameters: TrainingParameters) -> dict[str, Any]:
    """All that a training depends on."""
    return {
        "what": "training",
        "algorithm": ALGORITHM,
        "versions": {**versions(), "torch": str(torch.__version__)},
        "model": parameters.network.name,
        "network": parameters.network.digest(parameters.recipe.seed),
        "data": parameters.data.digest(),
        "recipe": describe(parameters.recipe),
        "seed": parameters.recipe.seed,
        **described_flow(parameters.flow),
    }


def _model(parameters: TrainingParameters) -> nn.Module:
    """The network before its first epoch."""
    model = parameters.network.made(parameters.recipe.seed)
    return model if parameters.flow is None else converted(model, parameters.flow)


class _Checkpoint:
    """The state of a training after its last epoch, in a separate file."""

    def __init__(self, parameters: TrainingParameters) -> None:
        self._path: Path | None = None
        self._key = ""
        if parameters.checkpoint is not None:
            self._key = digest(description(parameters))
            name = parameters.network.name.replace(":", ".").replace("/", ".")
            self._path = parameters.checkpoint / f"{name}-{self._key[:24]}.pt"

    def restore(self, trainer: Trainer) -> None:
        """Go on from the file, if there is one."""
        if self._path is None or not self._path.exists():
            return
        try:
            content = io.BytesIO(self._path.read_bytes())
            with zipfile.ZipFile(content) as archive:
                damaged = archive.testzip()  # torch does not look at the checksums
            content.seek(0)
            stored = torch.load(content, weights_only=True)
            if damaged is not None or stored["key"] != self._key:
                raise ValueError
            trainer.restore(stored["state"])
        except Exception:  # as many kinds as there are of damage
            raise InputError(
                f"`checkpoint` {self._path} is damaged or of another training; move it away to "
                "begin anew"
            ) from None

    def save(self, trainer: Trainer) -> None:
        """Replace the file by the state after another epoch."""
        if self._path is None:
            return
        stream = io.BytesIO()
        torch.save({"key": self._key, "state": trainer.state()}, stream)
        write_atomically(self._path, stream.getvalue())


_PART = "training"
_OF_FP32 = dict.fromkeys(
    (
        "bits", "vector_size", "input_bits", "weight_bits", "granularity", "moduli",
        "redundant_moduli", "redundant", "decoder", "slice_bits", "adc_bits",
        "noise", "p", "sigma", "residue_p", "residue_sigma", "attempts",
    )
)  # fmt: skip


@dataclass(frozen=True)
class Training:
    """A training that is done: its parameters and its epochs."""

    parameters: TrainingParameters
    record: TrainingRecord

    @property
    def epochs(self) -> tuple[EpochRow, ...]:
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
