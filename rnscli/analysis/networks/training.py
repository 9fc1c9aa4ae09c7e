"""Training of networks on analog cores, beside FP32."""

import io
import math
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache, partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rnscli import analysis
from rnscli.analysis.networks.calibrating import calibrate_epoch
from rnscli.analysis.networks.plan import CalibrationPlan, described_plan, plan_columns
from rnscli.analysis.networks.priced_flow import PricedFlow
from rnscli.analysis.networks.rows import FP32, EpochRow, TrainingRow
from rnscli.analysis.networks.training_energy import (
    ONE_ATTEMPT,
    Attempts,
    EpochEnergy,
    EpochProducts,
    energy_assumptions,
    epoch_energy,
    epoch_products,
)
from rnscli.analysis.statistics import check_reals
from rnscli.base import InputError, RnscliError, shown, write_atomically
from rnscli.core import CellUpdates
from rnscli.hardware import Technology
from rnscli.matrix import Dataflow, GradientFlows, ProductCounts, needs_calibration
from rnscli.networks import (
    CLASSES,
    Dataset,
    PortableNetwork,
    Recipe,
    Task,
    Trainer,
    check_fit,
    check_plain,
    running,
)
from rnscli.runtime import Runner, Work, describe, digest, versions
from rnscli.torch import ROLES, Recording, converted, recording

ALGORITHM = 3  # to be counted up whenever the same parameters would give other results

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
    technology
        Of the arrays of these cores, for the energy; those that they are shown on if not given.
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
    technology: Technology | None = None
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

    @property
    def priced(self) -> tuple[PricedFlow, PricedFlow, PricedFlow]:
        """The same with their bits and what their arrays are made of."""
        forward, *others = (
            PricedFlow(
                one,
                self.bits if one and self.flow and one.core == self.flow.core else None,
                self.technology if one else None,
            )
            for one in self.flows
        )
        return forward, others[0], others[1]


@dataclass(frozen=True)
class TrainingRecord:
    """What a training has come to: its epochs, and a sentence if it ended before the last one.

    ``epochs`` are training loss, test loss and test accuracy, in order, this ``None`` of values;
    ``attempts`` how often a dot product of the steps of each was computed on average, forward and
    for both gradients.
    """

    epochs: tuple[tuple[float, float, float | None], ...]
    failure: str = ""
    attempts: tuple[Attempts, ...] = ()

    def __add__(self, other: "TrainingRecord") -> "TrainingRecord":
        attempts = self.attempts + other.attempts
        return TrainingRecord(self.epochs + other.epochs, other.failure, attempts)

    def record(self) -> dict[str, Any]:
        epochs, attempts = (list(map(list, one)) for one in (self.epochs, self.attempts))
        return {"epochs": epochs, "failure": self.failure, "attempts": attempts}

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> "TrainingRecord":
        epochs = [(a, b, c) for a, b, c in record["epochs"]]
        attempts = [(a, b, c) for a, b, c in record["attempts"]]
        check_reals(*(loss for a, b, _ in epochs for loss in (a, b)), *chain(*attempts))
        check_reals(*(accuracy for _, _, accuracy in epochs if accuracy is not None))
        failure = record["failure"]
        if not (isinstance(failure, str) and failure.isprintable()):
            raise ValueError(f"its failure is {shown(failure)}")
        if len(attempts) not in (0, len(epochs)) or any(one < 1 for one in chain(*attempts)):
            raise ValueError("its attempts are not those of its epochs")
        return cls(tuple(epochs), failure, tuple(attempts))


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
    kept, counter = _Checkpoint(parameters), _Counter(parameters)
    attempts = kept.restore(trainer)
    before = len(trainer.results)
    tell = _listener.get()
    while not trainer.finished and not failure:
        try:
            with running(parameters.network.name, "cannot be trained"):
                if any(one is not None and needs_calibration(one) for one in parameters.flows):
                    calibrate_epoch(trainer.model, parameters.data, trainer.recipe, parameters.plan)
                trainer.advance(counter.steps)
        except RnscliError as error:  # of this training; others may do better
            failure = str(error)
        else:
            attempts = (*attempts, counter.attempts)
            kept.save(trainer, attempts)
            if tell is not None:
                computed = len(trainer.results) - before
                tell(TrainingProgress(parameters, _record(trainer, attempts), computed))
    if parameters.save is not None and not failure:
        stream = io.BytesIO()
        torch.save(trainer.model.state_dict(), stream)
        write_atomically(parameters.save, stream.getvalue())
    return dict.fromkeys(parts, _record(trainer, attempts, failure))


class _Counter:
    """How often a dot product of the steps of an epoch is computed, on average."""

    def __init__(self, parameters: TrainingParameters) -> None:
        # Counting takes time, and without a second attempt there is nothing to count.
        self._repeated = any(
            one is not None and one.core.noisy and one.core.settings.get("attempts", 1) != 1
            for one in parameters.flows
        )
        self.attempts = ONE_ATTEMPT

    @contextmanager
    def steps(self) -> Iterator[None]:
        """Around the steps of an epoch."""
        with ExitStack() as stack:
            made = stack.enter_context(recording()) if self._repeated else Recording()
            yield
            totals = {
                role: sum(
                    (one.counts for kind, one in made.kinds.items() if kind.role == role),
                    ProductCounts(),
                )
                for role in ROLES
            }
        forward, inputs, weights = (totals[role].mean_attempts for role in ROLES)
        self.attempts = forward, inputs, weights


def _record(trainer: Trainer, attempts: tuple[Attempts, ...], failure: str = "") -> TrainingRecord:
    epochs = tuple((r.train_loss, r.test_loss, r.test_accuracy) for r in trainer.results)
    return TrainingRecord(epochs, failure, attempts)


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

    def restore(self, trainer: Trainer) -> tuple[Attempts, ...]:
        """Go on from the file, if there is one; the attempts of the epochs that are done."""
        if self._path is None or not self._path.exists():
            return ()
        try:
            content = io.BytesIO(self._path.read_bytes())
            with zipfile.ZipFile(content) as archive:
                damaged = archive.testzip()  # torch does not look at the checksums
            content.seek(0)
            stored = torch.load(content, weights_only=True)
            if damaged is not None or stored["key"] != self._key:
                raise ValueError
            trainer.restore(stored["state"])
            return tuple((a, b, c) for a, b, c in stored["attempts"])
        except Exception:  # as many kinds as there are of damage
            raise InputError(
                f"`checkpoint` {self._path} is damaged or of another training; move it away to "
                "begin anew"
            ) from None

    def save(self, trainer: Trainer, attempts: tuple[Attempts, ...]) -> None:
        """Replace the file by the state after another epoch."""
        if self._path is None:
            return
        stream = io.BytesIO()
        kept = {"key": self._key, "state": trainer.state(), "attempts": list(map(list, attempts))}
        torch.save(kept, stream)
        write_atomically(self._path, stream.getvalue())


@dataclass(frozen=True)
class Training:
    """A training that is done: its parameters and its epochs."""

    parameters: TrainingParameters
    record: TrainingRecord

    def made_of(self, technology: Technology | None) -> "Training":
        """The same, with arrays of a technology that are priced."""
        return replace(self, parameters=replace(self.parameters, technology=technology))

    @cached_property
    def products(self) -> EpochProducts | None:
        """What the steps of an epoch compute; ``None`` of a network that no core computes."""
        one = self.parameters
        try:
            found = epoch_products(one.network, one.data, one.recipe)
        except RnscliError:  # in FP32 it may be trained all the same
            return None
        return found if found.forward else None

    @cached_property
    def energies(self) -> tuple[EpochEnergy | None, ...]:
        """Of the steps of each epoch."""
        products, one = self.products, self.parameters
        often = self.record.attempts or (ONE_ATTEMPT,) * len(self.record.epochs)
        if products is None:
            return (None,) * len(often)
        # Without noise those of all epochs are alike.
        found = {
            each: epoch_energy(products, one.priced, one.recipe, each, one.updates)
            for each in dict.fromkeys(often)
        }
        return tuple(found[each] for each in often)

    @property
    def assumptions(self) -> list[str]:
        """What its energy takes for granted, in sentences."""
        one = self.parameters
        if self.products is None:
            return []
        return energy_assumptions(one.priced, one.recipe, one.updates)

    @property
    def not_counted(self) -> str | None:
        """A sentence about products that no energy has, if there are some."""
        products, name = self.products, self.parameters.network.name
        if products is None:
            return f"{name} has no energy: no core computes products of a step of it"
        if not products.digital:
            return None
        return f"{name} has products that stay digital: {'; '.join(products.digital)}"

    @property
    def epochs(self) -> tuple[EpochRow, ...]:
        columns = _columns(self.parameters)
        samples = len(self.parameters.data.part_to_train())
        return tuple(
            EpochRow(
                model=self.parameters.network.name,
                seed=self.parameters.recipe.seed,
                epoch=index + 1,
                train_loss=train,
                test_loss=test,
                test_accuracy=accuracy,
                test_r2=_explained(self.parameters, test),
                technology=self.parameters.priced[0].array.name,
                energy_j=None if energy is None else energy.total,
                energy_per_sample_j=_share(None if energy is None else energy.total, samples),
                **columns,
            )
            for index, ((train, test, accuracy), energy) in enumerate(
                zip(self.record.epochs, self.energies, strict=True)
            )
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
    # FP32 and the core, seed by seed.
    accuracies, references = (
        {
            one.parameters.recipe.seed: accuracy
            for one in several
            if (accuracy := one.record.epochs[-1][2]) is not None  # of values there is none
        }
        for several in (on_core, in_fp32)
    )
    losses, loss_before = (
        {one.parameters.recipe.seed: one.record.epochs[-1][1] for one in several}
        for several in (on_core, in_fp32)
    )
    first = on_core[0].parameters
    task = task_of_training(first.network, first.data)
    classes = task.compared == CLASSES
    differences = [one - references[seed] for seed, one in accuracies.items()]
    added = [loss - loss_before[seed] for seed, loss in losses.items()]
    error, loss_error = map(_standard_error, (references.values(), loss_before.values()))
    # Shares of some thousand samples: beyond 15 decimals there is nothing but rounding.
    difference = round(_mean(differences), 15) if classes else None
    loss_difference = _mean(added)
    apart, allowed = (difference, error) if classes else (loss_difference, loss_error)
    last = [one.record.epochs[-1] for one in on_core]
    test_loss = _mean([loss for _, loss, _ in last])
    return TrainingRow(
        model=first.network.name,
        seeds=len(losses),
        epochs=first.recipe.epochs,
        task=task.name,
        train_loss=_mean([loss for loss, _, _ in last]),
        test_loss=test_loss,
        test_accuracy=_mean(accuracies.values()) if classes else None,
        test_accuracy_ci95=_interval(accuracies.values()),
        test_r2=_explained(first, test_loss),
        loss_difference=loss_difference,
        loss_difference_ci95=None if first.flow is None else _interval(added),
        accuracy_difference=difference,
        accuracy_difference_ci95=None if first.flow is None else _interval(differences),
        fp32_standard_error=error,
        fp32_loss_standard_error=loss_error,
        within_standard_error=(None if apart is None or allowed is None else abs(apart) <= allowed),
        **_energy_columns(on_core),
        **_columns(first),
    )


def _energy_columns(several: Sequence[Training]) -> dict[str, Any]:
    """Of the steps of all epochs, on average over the seeds."""
    first, count = several[0].parameters, len(several)
    samples = first.recipe.epochs * len(first.data.part_to_train())
    energies = [one for each in several for one in each.energies if one is not None]
    made = EpochEnergy.mean(energies, count) if energies else None
    total, products = None if made is None else made.total, several[0].products
    attempts = [forward for one in several for forward, _, _ in one.record.attempts]
    repeated = any(flow is not None and flow.core.noisy for flow in first.flows) and attempts
    return {
        "technology": first.priced[0].array.name,
        "expected_attempts": _mean(attempts) if repeated else None,
        "macs": products.macs * first.recipe.epochs if products else None,
        "forward_energy_j": made and made.forward,
        "input_gradient_energy_j": made and made.input_gradient,
        "weight_gradient_energy_j": made and made.weight_gradient,
        "update_energy_j": made and made.update,
        "energy_j": total,
        "energy_per_sample_j": _share(total, samples),
        "outer_product_energy_j": made and made.outer_product,
        "extrapolated": bool(made and made.extrapolated),
    }


def _share(value: float | None, count: int) -> float | None:
    return None if value is None else value / count


@lru_cache(maxsize=64)
def task_of_training(network: PortableNetwork, data: Dataset) -> Task:
    """What a network is asked by data that it fits."""
    return check_fit(network.made().eval(), data, network.name)


def _explained(parameters: TrainingParameters, loss: float) -> float | None:
    """Share of the variance of the values that a mean square error leaves out of itself.

    ``1 - N loss / sum (y - mean y)^2``, the mean being that of each value over the N samples.
    """
    labels = parameters.data.test.labels
    if labels is None or labels.dtype.kind != "f":
        return None
    variance = float(labels.astype(np.float64).var(0).mean())
    return 1.0 - loss / variance if variance else None


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


def _mean(values: Collection[float]) -> float:
    return math.fsum(values) / len(values)


def _standard_error(values: Collection[float]) -> float | None:
    return _moments(values).standard_error if len(values) > 1 else None


def _interval(values: Collection[float]) -> tuple[float, float] | None:
    return _moments(values).mean_interval() if len(values) > 1 else None
