"""``rnscli train``."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rnscli.analysis.training_rows import FP32, EpochRow, TrainingRow
from rnscli.cli import network_options as networks
from rnscli.cli import options as shared
from rnscli.cli import running
from rnscli.cli.command import AnswerCommand
from rnscli.cli.core_options import CORE_AXES, CoreOfPoint, check_noise, core_of, core_options
from rnscli.cli.question import Answer, Bar, Question, prepared
from rnscli.cli.sweep import FloatSweep, IntSweep, Point, points
from rnscli.core.cores import CORES
from rnscli.core.errors import InputError, NoSolutionError
from rnscli.report.figure import check_number
from rnscli.report.table import Layout
from rnscli.report.training_plots import MAX_CURVES, plot_training
from rnscli.runtime.runner import Runner

if TYPE_CHECKING:
    from rnscli.analysis.training import Training
    from rnscli.analysis.training_parameters import TrainingParameters

_CORE = (
    "vector_size", "granularity", "residue_error_probability", "sigma", "model", "core", "bits",
    "input_bits", "weight_bits", "moduli", "redundant_moduli", "redundant", "decoder", "attempts",
    "slice_bits", "adc_bits",
)  # fmt: skip
LAYOUT = Layout(
    parameters=("epochs", "seeds", *_CORE),
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
    parameters=(*_CORE, "seed"),
    results=("epoch", "train_loss", "test_loss", "test_accuracy"),
    optional=("adc_bits", "slice_bits", "redundant_moduli", "moduli", "decoder"),
    essential=("epoch", "train_loss"),
)
_RECIPE = ("epochs", "batch_size", "learning_rate")
AXES = (*CORE_AXES, *_RECIPE, "model", "core")


@click.command(
    "train",
    cls=AnswerCommand,
    row_type=TrainingRow,
    layout=LAYOUT,
    plot="the training loss, epoch by epoch",
    instead={"curves": (EpochRow, EPOCH_LAYOUT)},
    axes=AXES,
    keys={"p": None},  # which residue_error_probability is
    beside={"core": (FP32,)},
)
@shared.stacked(
    networks.model("digits-cnn"),
    networks.data,
    networks.weights,
    shared.cores(CORES, "Cores to train on, besides FP32.", "rns"),
    core_options("7"),
    click.option(
        "--epochs",
        type=IntSweep(1, 10**6),
        help="Times that every sample is seen.  [default: that of a shipped network, else 20]",
    ),
    click.option(
        "--batch-size",
        type=IntSweep(1, 10**6),
        help="Samples in a step.  [default: 32]",
    ),
    click.option(
        "--learning-rate",
        type=FloatSweep(1e-12, 1e6, "a number above 0"),
        help="The highest one, of a cosine.  [default: 2e-3]",
    ),
    click.option(
        "--curves",
        is_flag=True,
        help="Instead of a row for each core one for each epoch and seed.",
    ),
    click.option(
        "--seed",
        type=IntSweep(0, 2**63 - 1),
        default="0",
        show_default=True,
        help="Seeds of first weights, order of samples and noise; rows are means over them.",
    ),
    click.option(
        "--checkpoint",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Keep every training in this folder after each epoch, and go on from there.",
    ),
    running.run_options,
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
    networks.check_torch("rnscli train")
    networks.check_weights(options)
    check_noise(options)
    _check_folder(options["checkpoint"])
    filled = shared.with_defaults(options, bits=(7,))
    every, problems = prepared(list(points(filled, AXES)), core_of)
    ready = _distinct(every)
    if drawn:
        check_number((len(ready) + 1) * len(options["seed"]), MAX_CURVES, "curves")

    def compute(runner: Runner | None, bar: Bar) -> Answer:
        from rnscli.analysis.training import trainings

        asked = _trainings(filled, ready)
        with bar(sum(one.recipe.epochs for one in asked.values()), "epochs") as advance:
            done = 0

            def watch(update: Any) -> None:
                nonlocal done
                done += update.samples
                advance(done)

            found = dict(zip(asked, trainings(list(asked.values()), runner, watch), strict=True))
        return _answer(filled, ready, found, problems)

    return Question(filled, compute, in_blocks=True)


_Key = tuple[Any, ...]


def _check_folder(path: Path | None) -> None:
    if path is not None and path.exists() and not path.is_dir():
        raise InputError(f"--checkpoint {path} is a file; give the name of a folder")


def _distinct(found: Sequence[tuple[Point, CoreOfPoint]]) -> list[tuple[Point, CoreOfPoint]]:
    """Points that differ in more than what does not concern their core, as redundancy may."""
    kept: dict[_Key, tuple[Point, CoreOfPoint]] = {}
    for point, core in found:
        kept.setdefault((core, *_training_of(point)), (point, core))
    return list(kept.values())


def _training_of(point: Point) -> _Key:
    """What a training of a point shares with that in FP32."""
    return tuple(point[name] for name in ("model", *_RECIPE))


def _trainings(
    options: Mapping[str, Any], ready: Sequence[tuple[Point, CoreOfPoint]]
) -> "dict[_Key, TrainingParameters]":
    """All trainings by core, what FP32 shares with it, and seed; FP32 first, as core ``None``."""
    from rnscli.analysis.training_parameters import TrainingParameters
    from rnscli.networks.portable import start_of
    from rnscli.networks.recipe import Recipe
    from rnscli.networks.shipped import shipped

    folder = options["checkpoint"]
    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"--checkpoint {folder} cannot be made: {error.strerror}") from None
    asked = {}
    starts = {
        name: start_of(name, options["data"], options["weights"]) for name in options["model"]
    }
    for point, core in ready:
        start = starts[point["model"]]
        recipe = shipped(point["model"]).recipe if start.shipped else Recipe()
        given = {name: point[name] for name in _RECIPE if point[name] is not None}
        for of in (None, core):
            for seed in options["seed"]:
                asked[of, *_training_of(point), seed] = TrainingParameters(
                    model=point["model"],
                    data=start.data,
                    recipe=replace(recipe, **given, seed=seed),
                    flow=None if of is None else of.flow,
                    bits=None if of is None else of.bits,
                    weights=start.weights,
                    checkpoint=folder,
                )
    return asked


def _answer(
    options: Mapping[str, Any],
    ready: Sequence[tuple[Point, CoreOfPoint]],
    found: "Mapping[_Key, Training]",
    problems: Sequence[str],
) -> Answer:
    from rnscli.analysis.training import training_row

    seeds = options["seed"]
    rows: list[tuple[Point, Any]] = []
    curves: list[EpochRow] = []
    failed: list[str] = []
    shown: set[_Key] = set()
    for point, core in ready:
        in_fp32 = [found[None, *_training_of(point), seed] for seed in seeds]
        for of in (None, core):
            several = [found[of, *_training_of(point), seed] for seed in seeds]
            if of is None and _training_of(point) in shown:
                continue
            shown.add(_training_of(point))
            ended = [one for one in several if one.record.failure]
            failed.extend(_failure(one) for one in ended)
            epochs = [row for one in several for row in one.epochs]
            curves.extend(epochs)
            if options["curves"]:
                rows.extend((point, row) for row in epochs)
            elif not ended and not any(one.record.failure for one in in_fp32):
                rows.append((point, training_row(several, in_fp32)))
    if not rows:
        raise NoSolutionError(failed[0])
    return Answer(
        rows,
        lambda _, file_format: plot_training(curves, file_format),
        (*problems, *failed),
    )


def _failure(training: "Training") -> str:
    parameters = training.parameters
    core = FP32 if parameters.flow is None else parameters.flow.core.name
    bits = "" if parameters.bits is None else f", bits {parameters.bits}"
    return (
        f"for model {parameters.model}, core {core}{bits}, seed {parameters.recipe.seed}: "
        f"{training.record.failure}"
    )
