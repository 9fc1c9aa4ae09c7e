"""``rnscli train``."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from rnscli import analysis, base, cli, networks, report
from rnscli.analysis import FP32, NetworkOptions
from rnscli.base import InputError
from rnscli.cli import options
from rnscli.core import CORES, CoreOptions
from rnscli.hardware import Technology
from rnscli.matrix import GradientOptions

LAYOUT = report.Layout(
    parameters=(
        "model", "task", "epochs", "seeds", "technology", *options.CORE_COLUMNS,
        *options.GRADIENT_AXES,
    ),
    results=(
        "train_loss", "test_loss", "test_accuracy", "test_accuracy_ci95", "test_r2",
        "loss_difference", "loss_difference_ci95", "accuracy_difference",
        "accuracy_difference_ci95", "fp32_standard_error", "fp32_loss_standard_error",
        "within_standard_error", "expected_attempts", "macs", "forward_energy_j",
        "input_gradient_energy_j", "weight_gradient_energy_j", "update_energy_j", "energy_j",
        "energy_per_sample_j", "outer_product_energy_j", "extrapolated",
    ),
    optional=(
        "fp32_loss_standard_error", "loss_difference_ci95", "loss_difference",
        "outer_product_energy_j", "macs", "extrapolated", "energy_per_sample_j", "technology",
        "forward_energy_j", "input_gradient_energy_j", "weight_gradient_energy_j",
        "update_energy_j",
        *options.GRADIENT_AXES, "calibration", "percentile", "calibration_samples", "adc_bits",
        "adc_range", "slice_bits", "redundant_moduli", "moduli", "decoder", "test_accuracy_ci95",
        "test_loss", "fp32_standard_error",
    ),
    essential=("test_accuracy", "accuracy_difference"),
)  # fmt: skip
EPOCH_LAYOUT = report.Layout(
    parameters=("model", "technology", *options.CORE_COLUMNS, *options.GRADIENT_AXES, "seed"),
    results=(
        "epoch",
        "train_loss",
        "test_loss",
        "test_accuracy",
        "test_r2",
        "energy_j",
        "energy_per_sample_j",
    ),
    optional=(
        "energy_per_sample_j",
        "energy_j",
        "technology",
        *options.GRADIENT_AXES,
        "calibration",
        "percentile",
        "calibration_samples",
        "adc_bits",
        "adc_range",
        "slice_bits",
        "redundant_moduli",
        "moduli",
        "decoder",
    ),
    essential=("epoch", "train_loss"),
)
_RECIPE = tuple(base.options_of(networks.RecipeOptions))
_OTHERS = ("model", *_RECIPE)  # what trainings on different cores share with one in FP32
_OF_CORES = (*options.CORE_AXES, *options.GRADIENT_AXES, *options.UPDATE_AXES)
AXES = (*_OTHERS, *_OF_CORES, "technology", "core")
_OF_SHELL = {
    "learning_rate": networks.RecipeOptions.learning_rate.within(
        low=1e-12, accepted="a number above 0"
    )
}
AXIS_COLUMNS = {
    **analysis.RECIPE_COLUMNS,
    **options.MODULI_COLUMNS,
    **options.DECODER_COLUMNS,
    "legitimate_range": analysis.LegitimateRange,
    **options.MORE_NOISE_COLUMNS,
    **options.DEVICE_COLUMNS,
    **options.UPDATE_COLUMNS,
}


@click.command(
    "train",
    cls=cli.AnswerCommand,
    background=cli.Background(
        "Dataflow: Demirkiran et al., arXiv:2309.10759. Stochastic rounding: Gupta et al., "
        "arXiv:1502.02551. Cells: Marinella et al., arXiv:1707.09952.",
        page="networks.md",
    ),
    row_type=analysis.TrainingRow,
    layout=LAYOUT,
    plot="the training loss, epoch by epoch",
    needs={
        **dict.fromkeys(("attempts", *options.DECODER_AXES, "legitimate_range"), options.NOISY),
        **options.DEVICE_NEEDS,
        **options.CALIBRATION_SAMPLES_NEEDS,
        **options.UPDATE_NEEDS,
        "momentum": tuple(
            f"optimiser={name}" for name, one in networks.OPTIMISERS.items() if one.has_momentum
        ),
        "gradient_rounding": tuple(f"{name}!={FP32}" for name in options.GRADIENT_AXES[:2]),
    },
    instead={"curves": lambda: (analysis.EpochRow, EPOCH_LAYOUT)},
    axes=AXIS_COLUMNS,
)
@options.stacked(
    options.take(NetworkOptions.model, "digits-cnn"),
    options.libraries,
    NetworkOptions.data,
    options.take(NetworkOptions.image_size, swept=False),
    NetworkOptions.weights,
    options.core_options(
        "Cores to train on, besides FP32.",
        "rns",
        bits="7",
        adc_range=CoreOptions.adc_range,
    ),
    *base.options_of(GradientOptions).values(),
    options.technology,
    analysis.EnergyOptions.constant,
    *(_OF_SHELL.get(name, one) for name, one in base.options_of(networks.RecipeOptions).items()),
    options.update_options,
    click.option(
        "--curves",
        is_flag=True,
        help="Instead of a row for each core, one for each epoch and seed.",
    ),
    options.take(
        analysis.SimulationOptions.seed.within(high=2**63 - 1),
        help="Seeds of first weights, order of samples and noise; rows are means over them.",
    ),
    options.in_group(
        "--checkpoint",
        base.OptionGroup.RUN,
        type=options.OutputPath("a folder"),
        metavar="DIR",
        help="Keep every training in this folder after each epoch, and continue from there.",
    ),
    options.in_group(
        "--save",
        base.OptionGroup.OUTPUT,
        type=options.OutputPath("a file"),
        help="Write the weights of every training, for rnscli accuracy --weights: FILE with core, "
        "swept options and seed before its suffix, as in FILE-rns-seed0.pt.",
    ),
    options.run_options,
)
def command(given: dict[str, Any], drawn: bool) -> cli.Question:
    """Train networks with every matrix product in a core, beside FP32.

    The products of the forward pass and of both gradients are computed in the core, or the latter
    in others or in FP32; gradients pass the rounding straight through, and everything else stays in
    FP32.
    With the same seed, FP32 and every core begin with the same weights and see the same samples in
    the same order. Energies are of all steps. Needs the extra rnscli[torch].

    \b
    # Training at 7 bits beside FP32, from two first weights
    rnscli train --bits 7 --epochs 1 --seed 0,1
    # The loss at two precisions, epoch by epoch
    rnscli train --bits 5,7 --epochs 2 --curves --plot loss.png
    # A long training, which can be killed and continued
    rnscli train --bits 6 --epochs 2 --checkpoint training
    # Few bits forward, no core for gradients; and another recipe
    rnscli train --bits 4 --input-gradient-bits 8 --weight-gradient-bits fp32
    rnscli train --optimiser momentum --learning-rate 0.02,0.1 --clip 1
    # A task on which few bits lose, and what stochastic rounding saves
    rnscli train --model text-mlp --bits 4..6 --rounding nearest,stochastic
    # Weights in cells whose steps fade
    rnscli train --core fixed-hp --epochs 1 --optimiser sgd \\
        --learning-rate 0.1 --weight-decay 0 \\
        --update exponential --update-nonlinearity 3
    """
    options.check_torch("rnscli train", given)
    given = options.with_libraries(given)
    options.check_weights(given)
    options.check_one_level(given)
    tables, technologies = options.device_tables(given), options.noise_technologies(given, True)
    given = given | {"technology": tuple(technologies) or None}
    folder = given["checkpoint"]
    if folder is not None and folder.exists() and not folder.is_dir():
        raise InputError(f"--checkpoint {folder} is a file; give the name of a folder")
    if given["save"] is not None:
        if given["store"] is not None:
            raise InputError(
                "--save writes weights that a training computes, and --store may have its result "
                "without any; leave out one of them"
            )
        base.check_writable(given["save"], "--save")
        if given["save"].suffix == ".safetensors":
            raise InputError(
                f"--save {given['save']} would be a file of torch.save; let it end in .pt"
            )
    given = options.with_defaults(given)
    given["seed"] = tuple(dict.fromkeys(given["seed"]))
    every, problems = cli.prepared(
        options.noise_points(given, AXES),
        partial(options.core_of, tables=tables, technologies=technologies),
    )
    # A sweep of the momentum is none of optimisers that have none, nor one of what cells have not.
    trained = [options.with_updates(_with_momentum(point), one) for point, one in every]
    ready = options.distinct(_on_technologies(trained, technologies), (*_OTHERS, "technology"))
    if drawn:
        # One line for each core, and one for what FP32 shares.
        models = {point["model"] for point, _ in ready}
        lines = {_key(one, point, 0) for point, one in ready}
        lines |= {_key(None, point, 0) for point, _ in ready}
        report.check_panels(len(models), -(-len(lines) // len(models)))

    def compute(runner: cli.Runner | None, bar: cli.Bar) -> cli.Answer:
        wanted = _trainings(given, ready)
        with bar(sum(one.recipe.epochs for one in wanted.values()), "epochs") as advance:
            done = analysis.trainings(list(wanted.values()), runner, _watch(advance))
            trained = dict(zip(wanted, done, strict=True))
        return _answer(given, ready, trained, technologies, problems)

    return cli.Question(given, compute, in_blocks=True)


def _own_recipe(model: str) -> networks.Recipe:
    shipped = networks.NETWORKS.get(model)
    return networks.Recipe() if shipped is None else shipped.recipe


def _with_momentum(point: options.Point) -> options.Point:
    """The point without a momentum where its optimiser has none."""
    name = point["optimiser"] or _own_recipe(point["model"]).optimiser
    return point if networks.OPTIMISERS[name].has_momentum else point | {"momentum": None}


def _on_technologies(
    every: Sequence[tuple[options.Point, options.CoreOfPoint]],
    technologies: Mapping[str, Technology],
) -> list[tuple[options.Point, options.CoreOfPoint]]:
    """Each core on those of the named technologies that it runs on, or else on its usual one."""
    found = []
    for point, one in every:
        kind = CORES[point["core"]]
        runs = [name for name, array in technologies.items() if analysis.runs_on(kind, array, None)]
        if not runs or point["technology"] in (None, *runs):
            name = options.of_technology(point, point["core"], technologies)
            found.append((point | {"technology": name}, one))
    return found


_Key = tuple[Any, ...]  # of a training: the core, or None for FP32, what FP32 shares, and the seed


def _key(one: options.CoreOfPoint | None, point: options.Point, seed: int) -> _Key:
    return one, *(point[name] for name in _OTHERS), seed


def _trainings(
    given: Mapping[str, Any], ready: Sequence[tuple[options.Point, options.CoreOfPoint]]
) -> dict[_Key, analysis.TrainingParameters]:
    """All trainings, each once; those in FP32 come first of what is compared with them."""
    opened = {
        name: networks.open_untrained(name, given["data"], given["weights"], given["image_size"])
        for name in given["model"]
    }
    folder = given["checkpoint"]
    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"--checkpoint {folder} cannot be made: {error.strerror}") from None
    trainings = {}
    for point, core in ready:
        name = point["model"]
        recipe = _own_recipe(name)
        stated = {one: point[one] for one in _RECIPE if point[one] is not None}
        for seed, one in itertools.product(given["seed"], (None, core)):
            trainings[_key(one, point, seed)] = analysis.TrainingParameters(
                network=opened[name].network,
                data=opened[name].data,
                recipe=replace(recipe, **stated, seed=seed),
                flow=None if one is None else one.flow,
                gradients=None if one is None else one.gradients,
                bits=None if one is None else one.bits,
                plan=analysis.CalibrationPlan() if one is None else one.plan,
                updates=None if one is None else one.updates,
                checkpoint=folder,
                save=_saved_as(given, point, one, seed),
            )
    return trainings


def _saved_as(
    given: Mapping[str, Any], point: options.Point, core: options.CoreOfPoint | None, seed: int
) -> Path | None:
    """The file of the weights of one training: what tells it from the others is in its name."""
    file: Path | None = given["save"]
    if file is None:
        return None
    axes = [name for name in AXES if name not in ("model", "core")]
    if core is None:
        axes = list(_RECIPE)
    swept = [name for name in axes if isinstance(given.get(name), tuple) and len(given[name]) > 1]
    parts = [FP32 if core is None else str(point["core"])]
    parts = [str(point["model"]), *parts] if len(given["model"]) > 1 else parts
    parts += [f"{name}{point[name]}" for name in swept if point[name] is not None]
    name = "-".join([*parts, f"seed{seed}"])
    safe = "".join(one if one.isalnum() or one in "-_.+" else "_" for one in name)
    return file.with_name(f"{file.stem}-{safe}{file.suffix or '.pt'}")


def _answer(
    given: Mapping[str, Any],
    ready: Sequence[tuple[options.Point, options.CoreOfPoint]],
    trained: Mapping[_Key, analysis.Training],
    technologies: Mapping[str, Technology],
    problems: Sequence[str],
) -> cli.Answer:
    """Rows of FP32 and of each core, but of those with a training that did not come to its end.

    What arrays are made of does not change a training, unless it is noise.
    """
    rows: list[tuple[options.Point, Any]] = []
    curves: list[dict[str, Any]] = []
    failed = [
        f"for {_named(one.parameters)}: {one.record.failure}"
        for one in trained.values()
        if one.record.failure
    ]
    shown: set[_Key] = set()
    remarks: dict[str, None] = {}
    assumed: dict[str, None] = {}
    for point, core in ready:
        in_fp32 = [trained[_key(None, point, seed)] for seed in given["seed"]]
        for one in (None, core):
            key, array = _key(one, point, 0), point["technology"] if one else None
            if (array, *key) in shown:
                continue
            drawn = any((other, *key) in shown for other in (None, *technologies))
            shown.add((array, *key))
            several = [
                each.made_of(technologies.get(array or ""))
                for each in (trained[_key(one, point, seed)] for seed in given["seed"])
            ]
            recipe = {name: getattr(several[0].parameters.recipe, name) for name in _RECIPE}
            if not networks.OPTIMISERS[recipe["optimiser"]].has_momentum:
                recipe["momentum"] = None
            # Options of cores, which a sweep makes columns of, do not concern FP32.
            here = point | ({} if one else dict.fromkeys(_OF_CORES)) | recipe
            epochs = [row for each in several for row in each.epochs]
            curves.extend(asdict(row) | recipe for row in epochs if not drawn)
            assumed |= dict.fromkeys(several[0].assumptions)
            if (told := several[0].not_counted) is not None:
                remarks[told] = None
            if given["curves"]:
                rows.extend((here, row) for row in epochs)
            elif not any(each.record.failure for each in (*several, *in_fp32)):
                rows.append((here, analysis.training_row(several, in_fp32)))
    if not rows:
        raise base.NoSolutionError(failed[0])
    columns = base.option_columns({name: AXIS_COLUMNS[name] for name in _RECIPE})
    every = [one.parameters for one in trained.values()]
    return cli.Answer(
        rows,
        lambda _, canvas: report.plot_training(curves, canvas, FP32, columns),
        (*problems, *failed),
        remarks=[
            *options.said_of_data(every),
            *dict.fromkeys(filter(None, map(_warming, every))),
            *remarks,
        ],
        footer=_footer(assumed),
    )


def _warming(parameters: analysis.TrainingParameters) -> str:
    """What is said of a training that ends before its learning rate has risen; else nothing."""
    recipe, train = parameters.recipe, parameters.data.train
    assert train is not None
    steps = recipe.epochs * sum(recipe.steps(len(train)).values())
    if recipe.warm_up <= steps:
        return ""
    highest = max(recipe.rate(step, steps) for step in range(0, steps, 1 + steps // 1000))
    return (
        f"--warm-up {recipe.warm_up:g} is more than the {steps} steps of the training, in which "
        f"the learning rate comes to {highest:.2g} and not to {recipe.learning_rate:g}"
    )


def _footer(assumed: Collection[str]) -> list[str]:
    """What energies take for granted."""
    lines = [line for one in assumed for line in cli.hanging("  ", f"energy: {one}")]
    return ["", *lines] if lines else []


def _named(parameters: analysis.TrainingParameters) -> str:
    name = FP32 if parameters.flow is None else parameters.flow.core.name
    bits = "" if parameters.bits is None else f", bits {parameters.bits}"
    return f"model {parameters.network.name}, core {name}{bits}, seed {parameters.recipe.seed}"


def _watch(advance: cli.Advance) -> Callable[[analysis.TrainingProgress], None]:
    """Tells a bar how many epochs are done, and what the training at hand has come to."""
    known: dict[analysis.TrainingParameters, analysis.TrainingProgress] = {}

    def watch(update: analysis.TrainingProgress) -> None:
        known[update.parameters] = update
        # One that has failed is done, too.
        done = sum(
            of.recipe.epochs if one.record.failure else len(one.record.epochs)
            for of, one in known.items()
        )
        computed = sum(one.computed for one in known.values())
        advance(done, note=lambda: _note(update), recorded=max(0, done - computed))

    return watch


def _note(update: analysis.TrainingProgress) -> str:
    name, epochs = _named(update.parameters), update.record.epochs
    if not epochs:
        return f"{name}: {update.record.failure}"
    loss, _, accuracy = epochs[-1]
    columns = base.columns_of(analysis.EpochRow)
    loss_shown = columns["train_loss"].shown(loss)
    if accuracy is None:  # of values
        return f"{name}: loss {loss_shown}"
    return f"{name}: loss {loss_shown}, accuracy {columns['test_accuracy'].shown(accuracy)}"
