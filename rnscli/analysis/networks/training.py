"""Training of networks on analog cores, beside FP32."""

import io
import math
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rnscli import analysis
from rnscli.analysis.networks.calibrating import calibrate_epoch
from rnscli.analysis.networks.plan import CalibrationPlan, described_plan, plan_columns
from rnscli.analysis.networks.rows import FP32, EpochRow, TrainingRow
from rnscli.analysis.statistics import check_reals
from rnscli.base import InputError, RnscliError, shown, write_atomically
from rnscli.core import CellUpdates
from rnscli.matrix import Dataflow, GradientFlows, needs_calibration
from rnscli.networks import Dataset, PortableNetwork, Recipe, Trainer, check_plain, running
from rnscli.runtime import Runner, Work, describe, digest, versions
from rnscli.torch import converted

ALGORITHM = 1  # to be counted up whenever the same parameters would give other results

_PART = "training"
_OF_FP32 = dict.fromkeys(
    (
        "bits", "vector_size", "input_bits", "weight_bits", "granularity", "scales", "input_scale",
        "rounding", "input_gradient_bits", "weight_gradient_bits", "gradient_rounding",
        "moduli", "redundant_moduli", "redundant", "decoder", "slice_bits", "adc_bits", "adc_range",
        "calibration", "percentile", "calibration_samples", "noise", "p", "sigma", "residue_p",
        "residue_sigma", "attempts",
    )
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class TrainingParameters:
    """One training: a network, its data, its recipe with a seed, and a core, or FP32.

    Parameters
    ----------
    network
        With the weights to begin with, or none: drawn from the seed of the recipe.
    data
        With a part to train with.
    recipe
        How it is trained; its seed decides over the first weights, too.
    flow
        The core on which every product is computed, forward and of gradients; FP32 if ``None``.
    gradients
        Those of gradients, if these are computed on other cores than the forward pass.
    bits
        Bits b of the converters.
    plan
        How the products are calibrated at the start of every epoch, with the weights of that
        moment, where the core or the dataflow needs it.
    updates
        In what cells weights are held, and how they follow the steps of the recipe; numbers if
        ``None``.
    checkpoint
        Folder in which a training is kept after every epoch, and from which it goes on.
    save
        File that gets the weights after the last epoch, a ``state_dict`` of the network.

    Raises
    ------
    InputError
        If a value is out of range.
    """

    network: PortableNetwork
    data: Dataset
    recipe: Recipe
    flow: Dataflow | None = None
    gradients: GradientFlows | None = None
    bits: int | None = None
    plan: CalibrationPlan = field(default_factory=CalibrationPlan)
    updates: CellUpdates | None = None
    checkpoint: Path | None = None
    save: Path | None = None

    def __post_init__(self) -> None:
        if self.bits is not None:
            analysis.ModuliOptions.bits.check(self.bits)
        if self.flow is None and self.gradients is not None:
            raise InputError("`gradients` are beside a `flow`; without one all is in FP32")
        if self.updates is not None:
            check_plain(self.recipe, self.updates.law.name)

    @property
    def flows(self) -> tuple[Dataflow | None, Dataflow | None, Dataflow | None]:
        """Of the forward pass, of gradients of inputs and of those of weights."""
        if self.gradients is None:
            return self.flow, self.flow, self.flow
        return self.flow, self.gradients.inputs, self.gradients.weights


@dataclass(frozen=True)
class TrainingRecord:
    """What a training has come to: its epochs, and a sentence if it ended before the last one.

    ``epochs`` are training loss, test loss and test accuracy, in order.
    """

    epochs: tuple[tuple[float, float, float], ...]
    failure: str = ""

    def __add__(self, other: "TrainingRecord") -> "TrainingRecord":
        return TrainingRecord(self.epochs + other.epochs, other.failure)

    def record(self) -> dict[str, Any]:
        return {"epochs": [list(epoch) for epoch in self.epochs], "failure": self.failure}

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> "TrainingRecord":
        epochs = [(a, b, c) for a, b, c in record["epochs"]]
        check_reals(*chain(*epochs))
        failure = record["failure"]
        if not (isinstance(failure, str) and failure.isprintable()):
            raise ValueError(f"its failure is {shown(failure)}")
        return cls(tuple(epochs), failure)


@dataclass(frozen=True)
class TrainingProgress:
    """What is known of a training, and how many of its epochs were computed in this run."""

    parameters: TrainingParameters
    record: TrainingRecord
    computed: int


_Listener = Callable[[TrainingProgress], None]
# Trainings in this process tell of every epoch; what they compute does not depend on it.
_listener: ContextVar[_Listener | None] = ContextVar("rnscli_listener", default=None)


def training_run(
    parameters: TrainingParameters, block: int, parts: tuple[str, ...]
) -> dict[str, TrainingRecord]:
    """Train a network; a pure function of its arguments, but that it need not begin anew."""
    model = parameters.network.made(parameters.recipe.seed)
    flow = parameters.flow
    if flow is not None:
        model = converted(model, flow, gradients=parameters.gradients)
    trainer = Trainer(model, parameters.data, parameters.recipe, parameters.updates)
    failure = ""
    kept = _Checkpoint(parameters)
    kept.restore(trainer)
    before = len(trainer.results)
    tell = _listener.get()
    while not trainer.finished and not failure:
        try:
            with running(parameters.network.name, "cannot be trained"):
                if any(one is not None and needs_calibration(one) for one in parameters.flows):
                    calibrate_epoch(trainer.model, parameters.data, trainer.recipe, parameters.plan)
                trainer.advance()
        except RnscliError as error:  # of this training; others may do better
            failure = str(error)
        else:
            kept.save(trainer)
            if tell is not None:
                computed = len(trainer.results) - before
                tell(TrainingProgress(parameters, _record(trainer), computed))
    if parameters.save is not None and not failure:
        stream = io.BytesIO()
        torch.save(trainer.model.state_dict(), stream)
        write_atomically(parameters.save, stream.getvalue())
    return dict.fromkeys(parts, _record(trainer, failure))


def _record(trainer: Trainer, failure: str = "") -> TrainingRecord:
    epochs = tuple((r.train_loss, r.test_loss, r.test_accuracy) for r in trainer.results)
    return TrainingRecord(epochs, failure)


def _description(parameters: TrainingParameters) -> dict[str, Any]:
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
        **analysis.described_flow(parameters.flow),
        "gradients": [analysis.described_flow(one) for one in parameters.flows[1:]],
        "calibration": described_plan(parameters.plan, parameters.flows, parameters.data),
        # Only where there are any: what was stored before is still what it was.
        **({"updates": describe(parameters.updates)} if parameters.updates is not None else {}),
    }


class _Checkpoint:
    """The state of a training after its last epoch, in a separate file."""

    def __init__(self, parameters: TrainingParameters) -> None:
        self._path: Path | None = None
        self._key = ""
        if parameters.checkpoint is not None:
            self._key = digest(_description(parameters))
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
    points: Sequence[TrainingParameters],
    runner: Runner | None = None,
    progress: Callable[[TrainingProgress], None] | None = None,
) -> Iterator[Training]:
    """Train networks, each from its first epoch, or from its checkpoint, to its last.

    On a core every matrix product is computed there: forward, of the gradient of the inputs, and
    of that of the weights; gradients pass the rounding straight through, and everything else, the
    optimiser included, is in FP32.

    Parameters
    ----------
    points
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
    updates = (runner or Runner()).run([_work(parameters) for parameters in points])
    epochs: list[TrainingProgress] = []

    def listener(epoch: TrainingProgress) -> None:
        epochs.append(epoch)
        if progress is not None:
            progress(epoch)

    for parameters in points:
        epochs.clear()
        token = _listener.set(listener)
        try:
            update = next(updates)
        finally:
            _listener.reset(token)
        record = update.total[_PART]
        if progress is not None:
            computed = epochs[-1].computed if epochs else update.computed
            progress(TrainingProgress(parameters, record, computed))
        yield Training(parameters, record)


def training_row(on_core: Sequence[Training], in_fp32: Sequence[Training]) -> TrainingRow:
    """Trainings of several seeds on one core, or in FP32, beside those in FP32."""
    (reference, accuracies), (loss_before, losses) = (
        [
            {one.parameters.recipe.seed: one.record.epochs[-1][place] for one in several}
            for several in (in_fp32, on_core)
        ]
        for place in (2, 1)
    )
    differences = [accuracy - reference[seed] for seed, accuracy in accuracies.items()]
    added = [loss - loss_before[seed] for seed, loss in losses.items()]
    first = on_core[0].parameters
    error = _moments(reference.values()).standard_error if len(accuracies) > 1 else None
    # Shares of some thousand samples: beyond 15 decimals there is nothing but rounding.
    difference = round(math.fsum(differences) / len(differences), 15)
    last = [one.record.epochs[-1] for one in on_core]
    train_loss, test_loss, test_accuracy = (
        math.fsum(values) / len(values) for values in zip(*last, strict=True)
    )
    return TrainingRow(
        model=first.network.name,
        seeds=len(accuracies),
        epochs=first.recipe.epochs,
        train_loss=train_loss,
        test_loss=test_loss,
        test_accuracy=test_accuracy,
        test_accuracy_ci95=_interval(accuracies.values()),
        loss_difference=math.fsum(added) / len(added),
        loss_difference_ci95=None if first.flow is None else _interval(added),
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
        parts={_PART: partial(_description, parameters)},
        result=TrainingRecord,
    )


def _columns(parameters: TrainingParameters) -> dict[str, Any]:
    if parameters.flow is None:
        return {"core": FP32, **_OF_FP32}
    columns = analysis.core_columns(parameters.flow, parameters.bits)
    bits = [one.core.dot_product.input_bits if one else 32 for one in parameters.flows[1:]]
    columns |= dict(zip(("input_gradient_bits", "weight_gradient_bits"), bits, strict=True))
    # Both are rounded alike, where a core computes them.
    roundings = (one.rounding for one in parameters.flows[1:] if one is not None)
    columns["gradient_rounding"] = next(roundings, None)
    return plan_columns(parameters.plan, parameters.flows, parameters.data) | columns


def _moments(values: Collection[float]) -> analysis.Moments:
    return analysis.Moments.of(np.array(list(values)))


def _interval(values: Collection[float]) -> tuple[float, float] | None:
    return _moments(values).mean_interval() if len(values) > 1 else None
