"""What the report on reproduced results says of networks."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial

from rnscli.analysis.network_reproduction import NetworkReproduction
from rnscli.analysis.network_series import (
    AccuracyPoint,
    EpochPoint,
    bits_points,
    epoch_points,
    noise_points,
    size_points,
)
from rnscli.analysis.network_study import NetworkStudy
from rnscli.report.network_figures import draw_bits, draw_noise, draw_sizes, draw_training
from rnscli.report.reproduction_sections import Figure, Section, from_to
from rnscli.report.table import Row

_MEASURED = ("case", "computed", "computed_ci95", "published", "verdict", "remark")


def network_sections(
    rows: Sequence[Row], study: NetworkStudy, found: NetworkReproduction
) -> tuple[Section, ...]:
    """The sections of results of networks that have rows, in the order of these."""
    sections: dict[str, Callable[[], Section]] = {
        "accuracy-h": lambda: _sizes(size_points(study, found.accuracies)),
        "accuracy-b": lambda: _bits(bits_points(study, found.accuracies)),
        "training": lambda: _training(epoch_points(study, found.trainings)),
        "accuracy-p": lambda: _noise(noise_points(study, found.accuracies)),
    }
    there = {row["result"] for row in rows}
    return tuple(make() for result, make in sections.items() if result in there)


def _sizes(points: Sequence[AccuracyPoint]) -> Section:
    model, samples = points[0].model, points[0].samples
    return Section(
        result="accuracy-h",
        title="Accuracy of a conventional core against h",
        paragraphs=(
            f"Accuracy of {model} with the core fixed-lp over that in FP32, on {samples} test "
            "samples. A dot product of h terms has b_out bits, of which an ADC of b bits keeps the "
            "upper ones: the more terms, the more are lost. Products of a network that are longer "
            "than h are cut; those that are shorter leave rows of the array unused, and the full "
            "scale of the ADC is that of h terms all the same. Published as a curve, without "
            "numbers: a row agrees if the interval at the largest h is below that at the smallest. "
            "A network that is no better than chance at the smallest h has nothing to lose.",
        ),
        columns=_MEASURED,
        figure=Figure(
            name="accuracy-h",
            caption="Accuracy over FP32 by b and h, on an axis that is stretched next to 100 %; "
            "the broken line is 99 %. Bands are 95 % intervals.",
            description="Curves that fall with h, one for each b, on an axis of accuracies. From "
            f"h = {points[0].vector_size} to {points[-1].vector_size}: "
            + _from_to(points, lambda point: f"b = {point.bits}"),
            rows=tuple(map(asdict, points)),
            draw=partial(draw_sizes, points),
        ),
    )


def _bits(points: Sequence[AccuracyPoint]) -> Section:
    return Section(
        result="accuracy-b",
        title="Accuracy against b",
        paragraphs=(
            "Accuracy over that in FP32 of each network on each core, on the same "
            f"{points[0].samples} test samples. bit-sliced has slices of one bit and ADCs of b "
            "bits. On residues 6 bits are published to keep 99 %, where a conventional core needs "
            "more than 8: the fewest b from which on 99 % is kept are counted, and the interval "
            "counts those that the intervals of the accuracies allow. These networks have an "
            "easier task and shorter dot products than the published ones, so fewer bits may do.",
        ),
        columns=_MEASURED,
        figure=Figure(
            name="accuracy-b",
            caption="Accuracy over FP32 by core and b, on axes that are stretched next to 100 %; "
            "the broken lines are 99 %. Vertical lines are 95 % intervals.",
            description="Curves for each network and core on an axis of accuracies. From "
            f"b = {points[0].bits} to {points[-1].bits}: "
            + _from_to(points, lambda point: f"{point.model} with {point.core}"),
            rows=tuple(map(asdict, points)),
            draw=partial(draw_bits, points),
        ),
    )


def _training(points: Sequence[EpochPoint]) -> Section:
    last, first = points[-1], points[0]
    losses: dict[str, list[str]] = {}
    for point in points:
        name = "FP32" if point.bits is None else f"b = {point.bits}"
        losses.setdefault(name, []).append(f"{point.train_loss:.3g}")
    return Section(
        result="training",
        title="Training on residues",
        paragraphs=(
            f"{first.model}, trained with every product of the forward and of the backward pass on "
            f"the core rns, and in FP32, from the same weights and with the same samples in the "
            f"same order; {last.seeds} seeds, {last.epoch} epochs. The row is the mean difference "
            "of the accuracies after the last epoch, seed by seed, with its 95 % interval. "
            "Published in words: training with 7 bits is comparable with FP32. A row is within "
            "if it is not below FP32 by more than one standard error of the mean of FP32.",
        ),
        columns=_MEASURED,
        figure=Figure(
            name="training",
            caption="Training loss, mean of the seeds, and below its ratio to FP32, seed by seed: "
            "diamonds are means, lines reach from the lowest seed to the highest.",
            description="Curves of the training loss that fall together, and ratios close to 1. "
            f"Loss from epoch 1 to {last.epoch}: {from_to(losses)}",
            rows=tuple(map(asdict, points)),
            draw=partial(draw_training, points),
        ),
    )


def _noise(points: Sequence[AccuracyPoint]) -> Section:
    first = points[0]
    return Section(
        result="accuracy-p",
        title="Accuracy under noise",
        paragraphs=(
            f"Accuracy of {first.model} on the core rns over that in FP32, b = {first.bits}, where "
            "each residue is wrong with probability p, with k redundant moduli and up to R "
            "attempts. A row is the largest p of the grid up to which 99 % is kept, and the "
            "interval has those that the intervals of the accuracies allow. Published as curves, "
            "without numbers. What can be checked is what spoils the accuracy: at that p the share "
            "of wrong dot products in the network is compared with the exact probability p_err of "
            "the code, which is found without any network. Without redundancy (k = 0) R changes "
            "nothing.",
        ),
        columns=_MEASURED,
        figure=Figure(
            name="accuracy-p",
            caption="Accuracy over FP32 for k redundant moduli and up to R attempts, on an axis "
            "that is stretched next to 100 %; the broken line is 99 %. Bands are 95 % intervals.",
            description="Curves that fall with p, on an axis of accuracies. From "
            f"p = {first.p:g} to {points[-1].p:g}: "
            + _from_to(points, lambda point: f"k = {point.redundant}, R = {point.attempts}"),
            rows=tuple(map(asdict, points)),
            draw=partial(draw_noise, points),
        ),
    )  # fmt: skip


def _from_to(points: Sequence[AccuracyPoint], name: Callable[[AccuracyPoint], str]) -> str:
    series: dict[str, list[str]] = {}
    for point in points:
        series.setdefault(name(point), []).append(f"{point.relative_accuracy:.3f}")
    return from_to(series)
