"""``rnscli accuracy``."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from rnscli import report
from rnscli.analysis import (
    AccuracyRow,
    LegitimateRange,
    NetworkOptions,
    Seed,
    SimulationOptions,
)
from rnscli.base import InputError, columns_of
from rnscli.cli.answer import Answer, Bar, Question, prepared
from rnscli.cli.command import AnswerCommand
from rnscli.cli.options import (
    CORE_AXES,
    CORE_COLUMNS,
    check_one_level,
    core_of,
    core_options,
    distinct,
    networks,
    noise,
    noise_points,
    shared,
)
from rnscli.cli.options import hardware as hw
from rnscli.cli.terminal import Advance
from rnscli.core import analog_cores
from rnscli.hardware import load_technology, technology_names
from rnscli.networks import NETWORKS
from rnscli.report import Layout
from rnscli.runtime import Progress, Runner

if TYPE_CHECKING:
    from rnscli.analysis import AccuracyStatistics

LAYOUT = Layout(
    parameters=(
        "model", "samples", "fp32_accuracy", "gemms", "macs", "technology", *CORE_COLUMNS,
    ),
    results=(
        "accuracy", "accuracy_ci95", "relative_accuracy", "relative_accuracy_ci95",
        "output_error_rate", "output_error_rate_ci95", "expected_attempts",
        "energy_per_inference_j", "energy_j", "extrapolated",
    ),
    optional=(
        "output_error_rate_ci95", "accuracy_ci95", "macs", "energy_j", "adc_bits", "slice_bits",
        "redundant_moduli", "gemms", "moduli", "extrapolated", "decoder", "attempts",
    ),
    essential=("relative_accuracy", "relative_accuracy_ci95"),
)  # fmt: skip
_OTHERS = ("model", "samples", "seed", "technology")
AXES = (*_OTHERS, *CORE_AXES, "core")


@click.command(
    "accuracy",
    cls=AnswerCommand,
    row_type=AccuracyRow,
    layout=LAYOUT,
    plot="the accuracy relative to FP32",
    axes={
        **shared.MODULI_COLUMNS,
        "legitimate_range": LegitimateRange,
        **noise.MORE_COLUMNS,
        "seed": Seed,
    },
)
@shared.stacked(
    shared.take(
        NetworkOptions.model,
        ",".join(NETWORKS.own),
        help=NetworkOptions.model.text.replace(";", ", trained in FP32 once and kept;", 1),
    ),
    NetworkOptions.data,
    NetworkOptions.weights,
    shared.cores(analog_cores(), "Cores to compare, on the same samples.", "rns,fixed-lp"),
    core_options("6"),
    NetworkOptions.samples,
    NetworkOptions.strict,
    hw.technology,
    shared.take(SimulationOptions.seed.within(high=2**63), help="Seed of the noise."),
    shared.run_options,
)
def command(options: dict[str, Any], drawn: bool) -> Question:
    """Test neural networks whose matrix products are computed in each core.

    Linear layers, convolutions and attention are cut in tiles of h x h, quantised, multiplied in
    the core and added in FP32; all else stays in FP32. The accuracy is compared with that of the
    same network in FP32 on the same samples. Needs the extra rnscli[torch].

    \b
    # What an ADC of 6 bits costs three networks, and residues do not
    rnscli accuracy --bits 6 --core rns,fixed-lp --samples 100
    # How many bits a conventional core needs, drawn
    rnscli accuracy --model digits-cnn --bits 4..10 --core rns,fixed-lp \\
        --samples 100 --plot bits.svg
    # What redundancy and retries save where residues are wrong
    rnscli accuracy --model digits-cnn --core rns --p 1e-3..1e-1:3 \\
        --redundant 0..2 --attempts 2 --samples 100
    """
    networks.check_torch("rnscli accuracy", options)
    networks.check_weights(options)
    check_one_level(options)
    technologies = {name: load_technology(name) for name in options["technology"]}
    for technology in technologies.values():
        if technology.kind != "analog":
            known = (name for name in technology_names() if load_technology(name).kind == "analog")
            raise InputError(
                f"--technology {technology.name} is of kind {technology.kind}; these cores need an "
                f"analog one: {', '.join(known)}, or a profile of your own"
            )
    filled = shared.with_defaults(options)
    every, problems = prepared(list(noise_points(filled, AXES)), core_of)
    ready = distinct(every, _OTHERS)
    if drawn:
        report.check_plot([point for point, _ in ready])

    def compute(runner: Runner | None, bar: Bar) -> Answer:
        from rnscli.analysis import AccuracyParameters, accuracies

        opened = networks.opened_networks(filled, bar)
        asked = [
            AccuracyParameters(
                opened=opened[point["model"]],
                flow=core.flow,
                bits=core.bits,
                samples=point["samples"],
                strict=options["strict"],
                technology=technologies[point["technology"]],
                seed=point["seed"],
            )
            for point, core in ready
        ]
        samples = [one.count for one in asked]
        with bar(sum(samples), "samples") as advance:
            found = list(accuracies(asked, runner, _Watch(samples, advance)))
        remarks = {
            row.model: f"{row.model} has products that stay digital: {row.digital}"
            for row in found
            if row.digital
        }
        rows = [(point, row) for (point, _), row in zip(ready, found, strict=True)]
        return Answer(
            rows,
            lambda rows, file_format: report.plot_accuracy(rows, file_format),
            problems,
            remarks=list(remarks.values()),
        )

    return Question(filled, compute, in_blocks=True)


class _Watch:
    """Says how far the points have come, and how accurate the network is so far."""

    def __init__(self, samples: Sequence[int], advance: Advance) -> None:
        self._samples, self._advance = samples, advance
        self._before = self._recorded = 0

    def __call__(self, update: "Progress[AccuracyStatistics]") -> None:
        """After a block of a point."""
        self._advance(
            self._before + update.samples,
            note=lambda: self._note(update),
            recorded=self._recorded + update.samples - update.computed,
        )
        if update.finished:
            self._before += update.samples
            self._recorded += update.samples - update.computed

    def _note(self, update: "Progress[AccuracyStatistics]") -> str:
        (statistics,) = update.total.values()
        right = statistics.right
        shown = columns_of(AccuracyRow)["accuracy"].shown(
            (right.both + right.first) / right.samples
        )
        return f"{update.index + 1} of {len(self._samples)}: accuracy {shown}"
