"""``rnscli accuracy``."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import click

from rnscli import analysis, cli, report
from rnscli.analysis import METRICS, NetworkOptions, SimulationOptions
from rnscli.base import InputError
from rnscli.cli import options
from rnscli.cli.commands.layer_comparison import LAYER_LAYOUT, layer_answer
from rnscli.core import CALIBRATED, CORES, DEVICE, FULL, CoreOptions
from rnscli.hardware import Technology
from rnscli.matrix import has_calibrated_range
from rnscli.networks import DIGITS_NETWORKS

LAYOUT = report.Layout(
    parameters=(
        "model", "weights", "task", "samples", "metric", "better", "fp32_accuracy", "fp32_value",
        "gemms", "macs", "technology", *options.CORE_COLUMNS,
        "tolerance",
    ),
    results=(
        "accuracy", "accuracy_ci95", "relative_accuracy", "relative_accuracy_ci95", "value",
        "value_ci95", "relative_value", "relative_value_ci95", "output_error_rate",
        "output_error_rate_ci95", "gross_error_rate", "gross_error_rate_ci95",
        "mean_abs_output_error", "rms_output_error", "expected_attempts",
        "energy_per_inference_j", "energy_j", "energy_at_accuracy_j",
        "energy_surely_at_accuracy_j", "energy_at_accuracy_to_rns", "extrapolated",
    ),
    optional=(
        "energy_surely_at_accuracy_j", "energy_at_accuracy_to_rns", "energy_at_accuracy_j",
        "rms_output_error", "mean_abs_output_error", "gross_error_rate_ci95", "tolerance",
        "output_error_rate_ci95", "accuracy_ci95", "macs", "energy_j", "calibration", "percentile",
        "calibration_samples", "adc_bits", "slice_bits", "redundant_moduli", "gemms", "moduli",
        "extrapolated", "decoder", "attempts", "technology", "accuracy", "adc_range",
    ),
    essential=("relative_accuracy", "relative_accuracy_ci95", "value", "relative_value"),
)  # fmt: skip
# Of several metrics `value` has the accuracy, too.
_OF_ACCURACY = (
    "accuracy", "accuracy_ci95", "fp32_accuracy", "relative_accuracy", "relative_accuracy_ci95",
)  # fmt: skip
# The answer of --at-accuracy: in the table where that is given.
_AT_ACCURACY = ("energy_at_accuracy_j", "energy_at_accuracy_to_rns")
_RANGES = f"{FULL},{CALIBRATED}"  # what is published, and what would be built
_OF_LAYERS = ("model", "samples", "seed")
_OTHERS = (*_OF_LAYERS, "metric", "technology")
AXES = (*_OTHERS, *options.CORE_AXES, "tolerance", "core")
# What is no choice of a designer: energies are compared with those under the same.
_CONDITIONS = [n for n in AXES if n in ("seed", *options.NOISE_AXES, *options.DEVICE_ERRORS)]


@click.command(
    "accuracy",
    cls=cli.AnswerCommand,
    background=cli.Background(
        "Dataflow: Demirkiran et al., arXiv:2309.10759. Calibrated ranges and cells: Xiao et al., "
        "arXiv:2109.01262.",
        page="networks.md",
    ),
    row_type=analysis.AccuracyRow,
    layout=LAYOUT,
    plot="the metric relative to FP32, or the SNR of each layer,",
    answers={"tolerance": ("gross_error_rate",)},
    needs={
        **dict.fromkeys(("attempts", "tolerance"), options.NOISY),
        **options.DEVICE_NEEDS,
        **options.CALIBRATION_SAMPLES_NEEDS,
        "metric": ("!per_layer",),
        **dict.fromkeys(("technology", "constant"), ("!per_layer", f"noise={DEVICE}")),
    },
    axes={
        **options.MODULI_COLUMNS,
        **options.DECODER_COLUMNS,
        "legitimate_range": analysis.LegitimateRange,
        **options.MORE_NOISE_COLUMNS,
        **options.DEVICE_COLUMNS,
        "seed": analysis.Seed,
    },
    instead={"per_layer": lambda: (analysis.LayerRow, LAYER_LAYOUT)},
)
@options.stacked(
    options.take(
        NetworkOptions.model,
        ",".join(DIGITS_NETWORKS),
        more=" Named networks are trained in FP32 once and kept.",
    ),
    options.libraries,
    NetworkOptions.data,
    options.take(NetworkOptions.image_size, swept=False),
    NetworkOptions.weights,
    NetworkOptions.metric,
    options.core_options(
        "Cores to compare, on the same samples.",
        "rns,fixed-lp",
        bits="6",
        adc_range=options.take(CoreOptions.adc_range, usual=_RANGES),
    ),
    NetworkOptions.layers,
    NetworkOptions.samples,
    options.take(NetworkOptions.at_accuracy, swept=False),
    options.take(analysis.CodeOptions.tolerance, usual=analysis.CodeOptions.tolerance.default),
    NetworkOptions.strict,
    click.option(
        "--per-layer",
        is_flag=True,
        help="Instead of a row for each core, one for each layer, with its SNR against FP32; data "
        "need no labels.",
    ),
    options.technology,
    analysis.EnergyOptions.constant,
    options.take(SimulationOptions.seed.within(high=2**63), help="Seed of the noise."),
    options.run_options,
)
def command(given: dict[str, Any], drawn: bool) -> cli.Question:
    """Test neural networks whose matrix products are computed in each core.

    Linear layers, convolutions and attention are cut in tiles of h x h, quantised, multiplied in
    the core and added in FP32; all else stays in FP32. The accuracy, or another metric, is compared
    with that of the same network in FP32 on the same samples. Needs the extra rnscli[torch].

    \b
    # What an ADC of 6 bits costs three networks, and residues do not
    rnscli accuracy --bits 6 --core rns,fixed-lp --samples 100
    # How far outputs are off, which needs no labels
    rnscli accuracy --model digits-cnn --metric snr --core rns --bits 4,6 \\
        --samples 100
    # How many bits a conventional core needs, and energies at 99 % of FP32
    rnscli accuracy --model digits-cnn --bits 4..10 --core rns,fixed-lp \\
        --samples 100 --at-accuracy 0.99 --plot bits.svg
    # What redundancy and retries save where residues are wrong
    rnscli accuracy --model digits-cnn --core rns --p 1e-3..1e-1:3 \\
        --redundant 0..2 --attempts 2 --samples 100
    # Which layers lose most, alone and as the network runs
    rnscli accuracy --model digits-cnn --per-layer --bits 4,8 --core rns \\
        --samples 100 --plot layers.svg
    """
    options.check_torch("rnscli accuracy", given)
    given = options.with_libraries(given)
    options.check_weights(given)
    options.check_one_level(given)
    tables = options.device_tables(given)
    layers = options.read_layers(given["layers"])
    named = given["technology"] or ()
    names = dict.fromkeys((*named, *(() if layers is None else layers.technologies)))
    technologies = dict(zip(names, options.opened(names, given["constant"]), strict=True))
    _check_technologies(given["core"], {name: technologies[name] for name in named})
    by_default, compared = given["adc_range"] is None, given["at_accuracy"] is not None
    if compared and given["per_layer"]:
        raise InputError(
            f"`at_accuracy` {given['at_accuracy']:g} compares energies of cores, and the layers of "
            "--per-layer have none; leave one of them out"
        )
    given = options.with_usual(options.with_defaults(given), "adc_range", "at_accuracy")
    given = given | {"technology": given["technology"] or (None,)}
    points = [
        point
        for point in options.noise_points(given, AXES)
        if (one := technologies.get(point["technology"])) is None
        or analysis.runs_on(CORES[point["core"]], one, None)
    ]
    # Where a range is no choice, the others would only say again what has no answer.
    first = given["adc_range"][0]
    points = [
        point
        for point in points
        if point["adc_range"] == first
        or "adc_range" in CORES[point["core"]].axes
        or (not by_default and layers is not None and layers.chooses_range)
    ]
    made = partial(options.core_of, tables=tables, technologies=technologies, layers=layers)
    every, problems = cli.prepared(points, made)
    per_layer = given["per_layer"]
    # Without chance all seeds come to the same.
    seeded = [
        (point if options.is_random(one) else point | {"seed": given["seed"][0]}, one)
        for point, one in every
    ]
    chosen = options.distinct(seeded, _OF_LAYERS if per_layer else _OTHERS)
    spare = len(given["seed"]) > 1 and not all(options.is_random(one) for _, one in chosen)
    once = ["--seed changes nothing without noise; such rows are there once"] if spare else []
    if drawn:
        check = report.check_layers if per_layer else report.check_plot
        check([point for point, _ in chosen])

    def plot(rows: Sequence[report.Row], canvas: report.Canvas) -> bytes:
        draw = report.plot_layers if per_layer else report.plot_accuracy
        return draw(rows, canvas)

    def compute(runner: cli.Runner | None, bar: cli.Bar) -> cli.Answer:
        opened = options.opened_networks(given, bar, labelled=not per_layer)
        at_random = [options.said_of_drawn(name) for name, one in opened.items() if one.drawn]
        if at_random and given["strict"]:
            raise InputError(f"{at_random[0]}, which --strict refuses")
        data = next(iter(opened.values())).data
        # What nobody has asked for is left out if there are no samples for it.
        left_out = by_default and data.train is None
        left_out &= any(map(_has_calibrated_range, (one for _, one in chosen)))
        lacking = [
            f"--adc-range {CALIBRATED} is left out, as --data {data.name} has no samples to "
            "calibrate with; give them as arrays x_train and y_train"
        ]
        ready = [
            (point, one) for point, one in chosen if not (left_out and _has_calibrated_range(one))
        ]
        every = [
            analysis.AccuracyParameters(
                opened=opened[point["model"]],
                flow=one.flow,
                bits=one.bits,
                plan=one.plan,
                layers=one.layers,
                samples=point["samples"],
                strict=given["strict"],
                technology=technologies.get(point["technology"]),
                seed=point["seed"],
                metric=point["metric"],
            )
            for point, one in ready
        ]
        pairs = [(point, one) for (point, _), one in zip(ready, every, strict=True)]
        prepared, clipped = cli.answered(pairs, _within_range)
        warnings = [f"WARNING: {one}" for one in at_random]
        notes = options.said_of_data(opened.values())
        told = [*warnings, *notes, *once, *(lacking if left_out else ()), *_told(layers)]
        if per_layer:
            return layer_answer(prepared, (*problems, *clipped), told, layers, runner, bar)
        parameters = [one for _, one in prepared]
        with bar(sum(one.count for one in parameters), "samples") as advance:
            watch = cli.watch_blocks(advance, partial(_note, len(parameters)))
            rows = list(analysis.accuracies(parameters, runner, watch))
        share = given["at_accuracy"]
        conditions = [tuple(point[name] for name in _CONDITIONS) for point, _ in prepared]
        rows = analysis.with_energy_at(rows, conditions, share)
        remarks = options.said_of_digital(rows, layers)
        usual = dict.fromkeys(
            f"{row.model} is judged by {row.metric}, the first metric of its task, {row.task}"
            for row in rows
            if given["metric"] is None and row.metric != METRICS.own[0]
        )
        covered = dict.fromkeys(
            f"--core {point['core']} computes nothing of {row.model}: --layers has a core for all"
            for (point, _), row in zip(prepared, rows, strict=True)
            if layers is not None and row.core != point["core"]
        )
        unpriced = dict.fromkeys(
            f"{row.model} has no energy, as one core has none: {row.unpriced}"
            for row in rows
            if layers is not None and row.unpriced
        )
        return cli.Answer(
            [(point, row) for (point, _), row in zip(prepared, rows, strict=True)],
            plot,
            (*problems, *clipped),
            remarks=[
                *told,
                *usual,
                *remarks,
                *unpriced,
                *covered,
                *(_kept_by_none(rows, share) if compared else ()),
            ],
            layout=_layout({row.metric for row in rows}, compared),
        )

    return cli.Question(given, compute, in_blocks=True, picture=plot)


def _kept_by_none(rows: Sequence[analysis.AccuracyRow], share: float) -> list[str]:
    """A sentence about the cores that have no energy at that share of FP32."""
    lost = dict.fromkeys(
        f"{row.core} on {row.technology}"
        for row in rows
        if row.energy_per_inference_j is not None and row.energy_at_accuracy_j is None
    )
    if not lost:
        return []
    return [f"no row of {', '.join(lost)} keeps {share:g} of FP32: no energy at that accuracy"]


def _has_calibrated_range(one: options.CoreOfPoint) -> bool:
    return any(map(has_calibrated_range, one.flows))


def _told(layers: options.LayersFile | None) -> list[str]:
    """What rows do not say: which layers are on other cores than theirs."""
    if layers is None:
        return []
    own = [name for name, given in layers.layers.items() if given is not None]
    digital = [name for name in layers.layers if name not in own]
    said = [f"has cores of their own for {', '.join(own)}"] if own else []
    said += [f"leaves {', '.join(digital)} in FP32"] if digital else []
    return [f"--layers {layers.path} {' and '.join(said)}"]


def _within_range(parameters: analysis.AccuracyParameters) -> analysis.AccuracyParameters:
    parameters.check_clipping()
    return parameters


def _check_technologies(cores: Sequence[str], technologies: Mapping[str, Technology]) -> None:
    """Refuse technologies on which a core, or no core, runs."""
    for core in cores if technologies else ():
        kind = CORES[core]
        if not any(analysis.runs_on(kind, one, None) for one in technologies.values()):
            raise InputError(
                f"--core {core} runs on none of --technology {', '.join(technologies)}; it is "
                f"shown on {kind.default_technology} if that is left out"
            )


def _layout(metrics: Collection[str], compared: bool) -> report.Layout:
    """The table of one metric or several, with energies at an accuracy where they are compared."""
    layout = LAYOUT
    if compared:
        layout = replace(
            layout,
            optional=tuple(key for key in layout.optional if key not in _AT_ACCURACY),
            essential=(*layout.essential, *_AT_ACCURACY),
        )
    if len(metrics) < 2:
        return layout

    def left(keys: Sequence[str]) -> tuple[str, ...]:
        return tuple(key for key in keys if key not in _OF_ACCURACY)

    return report.Layout(
        parameters=left(layout.parameters),
        results=left(layout.results),
        optional=(*left(layout.optional), "fp32_value", "relative_value_ci95", "value_ci95"),
        essential=left(layout.essential),
    )


def _note(count: int, update: cli.Progress[analysis.AccuracyStatistics]) -> str:
    """How accurate the network at hand is so far."""
    (statistics,) = update.total.values()
    try:
        value = statistics.comparison.value
    except InputError:  # the labels so far do not count
        value = None
    if value is None:
        return f"{update.index + 1} of {count}"
    metric = METRICS[statistics.metric]
    return f"{update.index + 1} of {count}: {metric.name} {metric.shown(value)}"
