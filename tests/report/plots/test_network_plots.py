"""Pictures of accuracies and trainings: what lines they have, and where."""

import itertools
import math
from typing import Any

import pytest

from rnscli.base.columns import option_columns
from rnscli.base.errors import InputError
from rnscli.cli.commands.train import AXIS_COLUMNS
from rnscli.report.plots.figure import CORE_COLOURS, Canvas
from rnscli.report.plots.networks.accuracy import OF_CORES, OF_GRADIENTS, check_plot, plot_accuracy
from rnscli.report.plots.networks.training import plot_training

pytest.importorskip("matplotlib")

Rows = list[dict[str, Any]]


def point(model: str = "net", core: str = "rns", **values: Any) -> dict[str, Any]:
    row = dict.fromkeys((*OF_CORES, *OF_GRADIENTS, "samples"))
    row |= {"bits": 6, "input_bits": 6, "vector_size": 128, "samples": 100} | values
    accuracy = values.pop("accuracy", 0.9)
    ends = {"relative_value": accuracy, "relative_value_ci95": (accuracy - 0.1, 1.1)}
    ends |= {"metric": "accuracy"}
    return row | {"model": model, "core": core} | ends


def legend(picture: Any) -> list[str]:
    return [text.get_text() for one in picture.legends for text in one.get_texts()]


def test_bits_are_along_the_axis_and_what_follows_from_them_tells_no_lines_apart(
    drawn: list[Any],
) -> None:
    rows = [
        point(model, core, bits=bits, input_bits=bits, moduli=(bits,) if core == "rns" else None)
        for model, bits, core in itertools.product("ab", (4, 5, 6), ("rns", "fixed-lp"))
    ]
    assert plot_accuracy(rows, Canvas("png"))
    (picture,) = drawn
    assert legend(picture) == ["rns", "fixed-lp"]
    for panel, model in zip(picture.axes, "ab", strict=True):
        assert panel.get_title(loc="left") == model
        lines = [one[0] for one in panel.containers]
        assert [list(line.get_xdata()) for line in lines] == [[4, 5, 6]] * 2
        assert panel.get_ylim() == picture.axes[0].get_ylim()
    assert picture.axes[-1].get_xlabel() == "bits b of the converters"


def test_h_is_along_the_axis_with_a_colour_for_each_b_and_a_line_for_each_range(
    drawn: list[Any],
) -> None:
    """Also where there are more b than h, as accuracy against h is published."""
    sizes, several = (16, 32, 256), (2, 3, 4, 5)
    rows = [
        point(core="fixed-lp", bits=bits, vector_size=h, adc_range=adc_range)
        for bits, h, adc_range in itertools.product(several, sizes, ("full", "calibrated"))
    ]
    assert plot_accuracy(rows, Canvas("png"))
    (panel,) = drawn[0].axes
    assert panel.get_xlabel() == "vector size h" and panel.get_xscale() == "log"
    assert [text.get_text() for text in panel.get_xticklabels()] == ["16", "32", "256"]
    lines = [one[0] for one in panel.containers]
    assert all(list(line.get_xdata()) == list(sizes) for line in lines)
    looks = [(line.get_color(), line.get_linestyle()) for line in lines]
    assert len(set(looks)) == 8 and len({colour for colour, _ in looks}) == 4
    assert [line for _, line in looks] == ["-", "--"] * 4
    assert legend(drawn[0])[:2] == ["bits 2, full", "bits 2, calibrated"]


def test_without_a_sweep_every_core_has_a_place(drawn: list[Any]) -> None:
    plot_accuracy([point(core="rns"), point(core="fixed-lp", accuracy=0.3)], Canvas("svg"))
    (panel,) = drawn[0].axes
    assert [text.get_text() for text in panel.get_xticklabels()] == ["rns", "fixed-lp"]
    assert legend(drawn[0]) == []
    lines = [one[0] for one in panel.containers]
    assert [line.get_color() for line in lines] == [CORE_COLOURS["rns"], CORE_COLOURS["fixed-lp"]]


@pytest.mark.parametrize("values", [(0.0, 1e-4, 1e-2), (1e-4, 1e-3, 1e-2)])
def test_probabilities_are_logarithmic_and_may_be_zero(
    values: tuple[float, ...], drawn: list[Any]
) -> None:
    plot_accuracy([point(p=p, redundant=1) for p in values], Canvas("png"))
    assert drawn[0].axes[0].get_xscale() == ("log" if values[0] else "symlog")


def test_unlimited_attempts_have_no_place_on_an_axis(drawn: list[Any]) -> None:
    rows = [point(attempts=attempts, redundant=1) for attempts in (1, 2, float("inf"))]
    plot_accuracy(rows, Canvas("png"))
    assert [t.get_text() for t in drawn[0].axes[0].get_xticklabels()] == ["R 1", "R 2", "R inf"]


@pytest.mark.parametrize("lines", [1, 2, 28, 32])
def test_as_many_lines_as_can_be_told_apart(lines: int, drawn: list[Any]) -> None:
    rows = [
        point(bits=bits, granularity=f"kind {index}")
        for bits, index in itertools.product((4, 8), range(lines))
    ]
    plot_accuracy(rows, Canvas("png"))
    found = [one[0] for one in drawn[0].axes[0].containers]
    assert len({(one.get_color(), one.get_linestyle()) for one in found}) == lines
    assert len(legend(drawn[0])) == (lines if lines > 1 else 0)


def test_networks_that_are_never_right_leave_an_empty_picture() -> None:
    row = point() | {"relative_value": None, "relative_value_ci95": None}
    assert plot_accuracy([row], Canvas("png"))


def test_other_metrics_have_axes_of_their_own(drawn: list[Any]) -> None:
    """One that is told against FP32 is drawn as it is, without what is infinite."""
    values = {4: 12.5, 6: 25.0, 8: math.inf}
    rows = [
        point(bits=bits) | {"metric": "snr", "value": value, "value_ci95": None}
        for bits, value in values.items()
    ]
    assert plot_accuracy(rows, Canvas("png"))
    (line,) = (one[0] for one in drawn[0].axes[0].containers)
    assert list(line.get_ydata()) == [12.5, 25.0]
    assert drawn[0].axes[0].get_ylabel() == "snr" or drawn[0].get_supylabel() == "snr"
    assert plot_accuracy([point() | {"metric": "perplexity"}], Canvas("png"))
    both = [point() | {"metric": name} for name in ("snr", "accuracy")]
    with pytest.raises(InputError, match="--metric names accuracy, snr; name one"):
        check_plot(both)


def test_more_is_refused() -> None:
    every = [
        {"model": "net", "core": core, "bits": bits, "p": p}
        for core, bits, p in itertools.product(("rns", "fixed-lp"), range(2, 18), (0.1, 0.2))
    ]
    names = ("vector_size", "sigma", "redundant", "attempts", "samples")
    keys = dict.fromkeys(names) | {"metric": "accuracy"}
    check_plot([keys | one for one in every if one["p"] == 0.1])
    check_plot([keys | one for one in every])  # 4 lines along the bits
    with pytest.raises(InputError, match=r"--plot would draw 64 lines.*32"):
        check_plot([keys | one | {"seed": seed} for one in every for seed in range(16)])
    with pytest.raises(InputError, match="7 panels"):
        check_plot([keys | every[0] | {"model": str(index)} for index in range(7)])


def epochs(core: str, losses: list[float], seed: int = 0, **values: Any) -> Rows:
    row = (
        dict.fromkeys((*OF_CORES, *OF_GRADIENTS))
        | {"model": "net", "core": core, "seed": seed}
        | values
    )
    return [row | {"epoch": n, "train_loss": loss} for n, loss in enumerate(losses, start=1)]


def test_a_line_is_the_mean_of_its_seeds(drawn: list[Any]) -> None:
    rows = [
        *epochs("fp32", [2.0, 1.0]), *epochs("fp32", [4.0, 2.0], seed=1),
        *epochs("rns", [3.0, 2.0], bits=4), *epochs("rns", [3.0, 2.0], seed=1, bits=4),
        *epochs("rns", [3.0], bits=5),  # the others have diverged
    ]  # fmt: skip
    plot_training(rows, Canvas("png"), "fp32")
    (panel,) = drawn[0].axes
    lines = {line.get_label(): line for line in panel.get_lines()}
    assert legend(drawn[0]) == list(lines) == ["fp32", "rns, bits 4", "rns, bits 5"]
    assert list(lines["fp32"].get_ydata()) == [3.0, 1.5]
    assert len(lines["rns, bits 5"].get_ydata()) == 1
    assert len(panel.collections) == 1  # a band only where seeds differ
    assert lines["fp32"].get_zorder() > lines["rns, bits 4"].get_zorder()


def test_recipes_are_lines_of_their_own(drawn: list[Any]) -> None:
    rows = [
        row
        for rate, core in itertools.product((1e-3, 1e-2), ("fp32", "rns"))
        for row in epochs(core, [2.0], learning_rate=rate)
    ]
    columns = option_columns({"learning_rate": AXIS_COLUMNS["learning_rate"]})
    plot_training(rows, Canvas("png"), "fp32", columns)
    names = [f"{core}, learning rate {rate}" for core in ("fp32", "rns") for rate in (0.001, 0.01)]
    assert legend(drawn[0]) == names


def test_a_loss_of_zero_is_drawn(drawn: list[Any]) -> None:
    plot_training(epochs("fp32", [1.0, 0.0]), Canvas("png"), "fp32")
    assert drawn[0].axes[0].get_yscale() == "linear"
