"""``rnscli train``."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import click

from rnscli import report
from rnscli.analysis import (
    FP32,
    EpochRow,
    Epochs,
    LegitimateRange,
    NetworkOptions,
    SimulationOptions,
    TrainingRow,
)
from rnscli.base import Column, InputError, NoSolutionError, columns_of, option_columns
from rnscli.cli.answer import Answer, Bar, Question, prepared
from rnscli.cli.command import AnswerCommand
from rnscli.cli.options import (
    CORE_AXES,
    CORE_COLUMNS,
    CoreOfPoint,
    Point,
    check_one_level,
    core_of,
    core_options,
    distinct,
    networks,
    noise,
    noise_points,
    shared,
)
from rnscli.cli.terminal import Advance
from rnscli.core import analog_cores
from rnscli.networks import NETWORKS, RecipeOptions
from rnscli.report import Layout
from rnscli.runtime import Runner

if TYPE_CHECKING:
    from rnscli.analysis import Training, TrainingParameters, TrainingProgress

LAYOUT = Layout(
    parameters=("model", "epochs", "seeds", *CORE_COLUMNS),
    results=(
        "train_loss", "test_loss", "test_accuracy", "test_accuracy_ci95", "accuracy_difference",
        "accuracy_difference_ci95", "fp32_standard_error", "within_standard_error",
    ),
    optional=(
        "adc_bits", "slice_bits", "redundant_moduli", "moduli", "decoder", "test_accuracy_ci95",
        "test_loss", "fp32_standard_error",
    ),
    essential=("test_accuracy", "accuracy_difference"),
)  # fmt: skip
EPOCH_LAYOUT = Layout(
    parameters=("model", *CORE_COLUMNS, "seed"),
    results=("epoch", "train_loss", "test_loss", "test_accuracy"),
    optional=("adc_bits", "slice_bits", "redundant_moduli", "moduli", "decoder"),
    essential=("epoch", "train_loss"),
)
_RECIPE = ("epochs", "batch_size", "learning_rate")
_OTHERS = ("model", *_RECIPE)  # what trainings on different cores share with one in FP32
AXES = (*_OTHERS, *CORE_AXES, "core")
AXIS_COLUMNS = {
    "epochs": Epochs,
    "batch_size": Annotated[int, Column("Samples in a step.", low=1)],
    "learning_rate": Annotated[
        float, Column("The highest learning rate of the schedule.", form=str)
    ],
    **shared.MODULI_COLUMNS,
    "legitimate_range": LegitimateRange,
    **noise.MORE_COLUMNS,
}


@click.command(
    "train",
    cls=AnswerCommand,
    row_type=TrainingRow,
    layout=LAYOUT,
    plot="the training loss, epoch by epoch",
    instead={"curves": (EpochRow, EPOCH_LAYOUT)},
    axes=AXIS_COLUMNS,
)
@shared.stacked(
    shared.take(NetworkOptions.model, "digits-cnn"),
    NetworkOptions.data,
    NetworkOptions.weights,
    shared.cores(analog_cores(), "Cores to train on, besides FP32.", "rns"),
    core_options("7"),
    RecipeOptions.epochs,
    RecipeOptions.batch_size,
    RecipeOptions.learning_rate.within(low=1e-12, accepted="a number above 0"),
    click.option(
        "--curves",
        is_flag=True,
        help="Instead of a row for each core one for each epoch and seed.",
    ),
    shared.take(
        SimulationOptions.seed.within(high=2**63 - 1),
        help="Seeds of first weights, order of samples and noise; rows are means over them.",
    ),
    click.option(
        "--checkpoint",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Keep every training in this folder after each epoch, and go on from there.",
    ),
    shared.run_options,
)
def command(options: dict[str, Any], drawn: bool) -> Question:
    """Train networks with every matrix product in a core, beside FP32.

    The products of the forward pass and of both gradients are computed in the core; gradients pass
    its rounding straight through, and all else stays in FP32. With the same seed, FP32 and every
    core begin with the same weights and see the same samples in the same order. Needs the extra
    rnscli[torch].

    \b
    # Training at 7 bits beside FP32, from two first weights
    rnscli train --bits 7 --epochs 1 --seed 0,1
    # The loss at two precisions, epoch by epoch
    rnscli train --bits 5,7 --epochs 2 --curves --plot loss.png
    # A long training, which may be killed and goes on
    rnscli train --bits 6 --epochs 2 --checkpoint training
    """
    networks.check_torch("rnscli train", options)
    networks.check_weights(options)
    check_one_level(options)
    _check_folder(options["checkpoint"])
    filled = shared.with_defaults(options)
    filled["seed"] = tuple(dict.fromkeys(options["seed"]))
    every, problems = prepared(list(noise_points(filled, AXES)), core_of)
    ready = distinct(every, _OTHERS)
    if drawn:
        _check_plot(ready)

    def compute(runner: Runner | None, bar: Bar) -> Answer:
        from rnscli.analysis import trainings

        asked = _trainings(filled, ready)
        with bar(sum(one.recipe.epochs for one in asked.values()), "epochs") as advance:
            done = trainings(list(asked.values()), runner, _Watch(advance))
            found = dict(zip(asked, done, strict=True))
        return _answer(filled, ready, found, problems)

    return Question(filled, compute, in_blocks=True)


_Key = tuple[Any, ...]  # of a training: the core, or None for FP32, what FP32 shares, and the seed


def _check_folder(path: Path | None) -> None:
    if path is not None and path.exists() and not path.is_dir():
        raise InputError(f"--checkpoint {path} is a file; give the name of a folder")


def _check_plot(ready: Sequence[tuple[Point, CoreOfPoint]]) -> None:
    """Refuse more lines than can be told apart: one for each core, and for what FP32 shares."""
    models = {point["model"] for point, _ in ready}
    lines = {(core, _key(None, point, 0)) for point, core in ready}
    references = {key for _, key in lines}
    report.check_panels(len(models), -(-(len(lines) + len(references)) // len(models)))


def _key(core: CoreOfPoint | None, point: Point, seed: int) -> _Key:
    return core, *(point[name] for name in _OTHERS), seed


def _trainings(
    options: Mapping[str, Any], ready: Sequence[tuple[Point, CoreOfPoint]]
) -> "dict[_Key, TrainingParameters]":
    """All trainings, each once; those in FP32 come first of what is compared with them."""
    from rnscli.analysis import TrainingParameters
    from rnscli.networks import Recipe, open_untrained

    opened = {
        name: open_untrained(name, options["data"], options["weights"]) for name in options["model"]
    }
    folder = options["checkpoint"]
    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"--checkpoint {folder} cannot be made: {error.strerror}") from None
    asked = {}
    for point, core in ready:
        name = point["model"]
        recipe = NETWORKS[name].recipe if name in NETWORKS else Recipe()
        given = {name: point[name] for name in _RECIPE if point[name] is not None}
        for seed, of in itertools.product(options["seed"], (None, core)):
            asked[_key(of, point, seed)] = TrainingParameters(
                network=opened[name].network,
                data=opened[name].data,
                recipe=replace(recipe, **given, seed=seed),
                flow=None if of is None else of.flow,
                bits=None if of is None else of.bits,
                checkpoint=folder,
            )
    return asked


def _answer(
    options: Mapping[str, Any],
    ready: Sequence[tuple[Point, CoreOfPoint]],
    found: "Mapping[_Key, Training]",
    problems: Sequence[str],
) -> Answer:
    """Rows of FP32 and of each core, but of those with a training that did not come to its end."""
    from rnscli.analysis import training_row

    rows: list[tuple[Point, Any]] = []
    curves: list[dict[str, Any]] = []
    failed = [_failure(one) for one in found.values() if one.record.failure]
    shown: set[_Key] = set()
    for point, core in ready:
        in_fp32 = [found[_key(None, point, seed)] for seed in options["seed"]]
        for of in (None, core):
            key = _key(of, point, 0)
            if key in shown:
                continue
            shown.add(key)
            several = [found[_key(of, point, seed)] for seed in options["seed"]]
            # Options of cores, which a sweep makes columns of, do not concern FP32.
            here = dict(point) if of is not None else point | dict.fromkeys(CORE_AXES)
            epochs = [row for one in several for row in one.epochs]
            recipe = several[0].parameters.recipe
            trained = {name: getattr(recipe, name) for name in _RECIPE}
            here |= trained
            curves.extend(asdict(row) | trained for row in epochs)
            if options["curves"]:
                rows.extend((here, row) for row in epochs)
            elif not any(one.record.failure for one in (*several, *in_fp32)):
                rows.append((here, training_row(several, in_fp32)))
    if not rows:
        raise NoSolutionError(failed[0])
    recipe_columns = option_columns({name: AXIS_COLUMNS[name] for name in _RECIPE})
    return Answer(
        rows,
        lambda _, file_format: report.plot_training(curves, file_format, FP32, recipe_columns),
        (*problems, *failed),
    )


def _failure(training: "Training") -> str:
    return f"for {_named(training.parameters)}: {training.record.failure}"


def _named(parameters: "TrainingParameters") -> str:
    core = FP32 if parameters.flow is None else parameters.flow.core.name
    bits = "" if parameters.bits is None else f", bits {parameters.bits}"
    return f"model {parameters.network.name}, core {core}{bits}, seed {parameters.recipe.seed}"


class _Watch:
    """Says how many epochs are done, and what the training at hand has come to."""

    def __init__(self, advance: Advance) -> None:
        self._advance = advance
        self._known: dict[TrainingParameters, TrainingProgress] = {}

    def __call__(self, update: "TrainingProgress") -> None:
        """After an epoch, or a whole training."""
        self._known[update.parameters] = update
        # One that has failed is done, too.
        done = sum(
            of.recipe.epochs if known.record.failure else len(known.record.epochs)
            for of, known in self._known.items()
        )
        computed = sum(known.computed for known in self._known.values())
        self._advance(done, note=lambda: self._note(update), recorded=max(0, done - computed))

    def _note(self, update: "TrainingProgress") -> str:
        name, epochs = _named(update.parameters), update.record.epochs
        if not epochs:
            return f"{name}: {update.record.failure}"
        loss, _, accuracy = epochs[-1]
        columns = columns_of(EpochRow)
        shown = f"loss {columns['train_loss'].shown(loss)}"
        return f"{name}: {shown}, accuracy {columns['test_accuracy'].shown(accuracy)}"
