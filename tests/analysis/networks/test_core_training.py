"""Trainings on cores beside FP32: what they share, checkpoints, and the rows made of them."""

import dataclasses
import hashlib
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_networks
import torch
from made_cores import ANALOG
from scipy import stats

from rnscli.analysis.analog_core import analog_core
from rnscli.analysis.networks.training import (
    Training,
    TrainingParameters,
    TrainingProgress,
    TrainingRecord,
    training_row,
    trainings,
)
from rnscli.base.errors import InputError
from rnscli.matrix.dataflow import Dataflow
from rnscli.networks.data import digits
from rnscli.networks.portable import OpenedNetwork, PortableNetwork, open_untrained
from rnscli.networks.recipe import Recipe
from rnscli.networks.training import Trainer
from rnscli.runtime.runner import runner
from rnscli.torch import recording

RECIPE = Recipe(epochs=4, batch_size=25, learning_rate=0.02)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """100 images to train with, 300 to test with."""
    return tiny_networks.write_images(tmp_path_factory.mktemp("data") / "images.npz")


@pytest.fixture(scope="module")
def opened(images: Path) -> OpenedNetwork:
    return open_untrained(tiny_networks.CNN, images)


def asked(
    opened: OpenedNetwork,
    core: str | None = None,
    checkpoint: Path | None = None,
    recipe: Recipe = RECIPE,
    **options: Any,
) -> TrainingParameters:
    """In FP32, or on a core."""
    bits = options.setdefault("bits", 6) if core is not None else None
    flow = Dataflow(analog_core(core, **options)) if core is not None else None
    return TrainingParameters(
        network=opened.network,
        data=opened.data,
        recipe=recipe,
        flow=flow,
        bits=bits,
        checkpoint=checkpoint,
    )


def record_of(parameters: TrainingParameters) -> TrainingRecord:
    (training,) = trainings([parameters])
    return training.record


def losses(record: TrainingRecord) -> list[float]:
    return [loss for loss, _, _ in record.epochs]


# Beside FP32 -------------------------------------------------------------------------------------


def test_a_core_of_many_bits_trains_as_fp32(opened: OpenedNetwork) -> None:
    in_fp32 = record_of(asked(opened))
    coarse, fine = (record_of(asked(opened, "rns", bits=bits)) for bits in (4, 13))
    assert losses(in_fp32)[-1] < 0.9 * losses(in_fp32)[0]
    assert losses(fine) == pytest.approx(losses(in_fp32), rel=2e-3)
    assert losses(fine) != losses(in_fp32)
    assert abs(losses(coarse)[-1] - losses(in_fp32)[-1]) > abs(
        losses(fine)[-1] - losses(in_fp32)[-1]
    )


def test_a_core_that_loses_nothing_is_the_exact_core(opened: OpenedNetwork) -> None:
    assert record_of(asked(opened, "rns")) == record_of(asked(opened, "fixed-hp"))


@pytest.mark.parametrize("core", ANALOG)
def test_every_core_sees_the_samples_in_the_order_of_fp32(core: str, images: Path) -> None:
    network = open_untrained("tiny_networks:watched", images)
    seen = []
    for parameters in (asked(network), asked(network, core, p=0.001)):
        tiny_networks.SEEN.clear()
        record_of(parameters)
        seen.append([hashlib.sha256(x.numpy().tobytes()).digest() for x in tiny_networks.SEEN])
    assert seen[0] == seen[1]
    # 4 batches of 25 in each of 4 epochs, in another order each.
    assert len(set(seen[0])) == len(seen[0]) == 16


def test_first_weights_are_those_of_the_seed(opened: OpenedNetwork, tmp_path: Path) -> None:
    first, again, other = (opened.network.made(seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not any(torch.equal(first[name], other[name]) for name in first)
    at_seed = [
        record_of(asked(opened, recipe=dataclasses.replace(RECIPE, epochs=1, seed=seed)))
        for seed in (1, 1, 2)
    ]
    assert at_seed[0] == at_seed[1] != at_seed[2]


def test_given_weights_are_where_it_begins(images: Path, tmp_path: Path) -> None:
    weights = open_untrained(tiny_networks.CNN, images).network.made(7).state_dict()
    torch.save(weights, tmp_path / "mine.pt")
    network = open_untrained(tiny_networks.CNN, images, tmp_path / "mine.pt").network
    for seed in (0, 1):
        made = network.made(seed).state_dict()
        assert all(torch.equal(made[name], weights[name]) for name in weights)


def test_every_product_of_both_gradients_is_on_the_core(opened: OpenedNetwork) -> None:
    with recording() as in_fp32:
        record_of(asked(opened))
    assert not in_fp32.kinds
    with recording() as made:
        record_of(asked(opened, "rns"))
    roles: dict[str, set[str]] = {}
    for kind in made.kinds:
        roles.setdefault(kind.layer, set()).add(kind.role)
    every = {"forward", "input-gradient", "weight-gradient"}
    # The images need no gradient.
    assert roles.pop("convolution") == every - {"input-gradient"}
    assert roles == dict.fromkeys(("linear", "TinyCnn"), every)
    # Of each product of the forward pass of 4 epochs of 100 samples: as many in both gradients.
    forward, weights = (
        sum(one.matrices for kind, one in made.kinds.items() if kind.role == role)
        for role in ("forward", "weight-gradient")
    )
    assert weights == 4 * (4 * 2 + 100 * 2) and forward > weights  # tests have no gradients


def test_noise_of_the_core_depends_on_the_seed_alone(opened: OpenedNetwork) -> None:
    noisy = {"p": 1e-3, "redundant": 2, "attempts": 3}
    assert record_of(asked(opened, "rns", **noisy)) == record_of(asked(opened, "rns", **noisy))
    assert record_of(asked(opened, "rns", p=0.0)) == record_of(asked(opened, "rns"))


# Processes, stores, checkpoints ------------------------------------------------------------------


@pytest.mark.thorough
def test_any_number_of_processes_and_a_store_give_the_same(
    opened: OpenedNetwork, tmp_path: Path
) -> None:
    points = [asked(opened), asked(opened, "rns"), asked(opened, "fixed-lp", sigma=0.1)]
    alone = [one.record for one in trainings(points)]
    with runner(jobs=2) as two:
        assert [one.record for one in trainings(points, two)] == alone
    for computed in (4, 0):
        with runner(store=tmp_path / "runs.db") as stored:
            known: list[TrainingProgress] = []
            assert [one.record for one in trainings(points, stored, known.append)] == alone
        last = {update.parameters: update for update in known}
        assert [last[point].computed for point in points] == [computed] * 3


def test_epochs_of_this_process_are_told(opened: OpenedNetwork) -> None:
    points = [asked(opened), asked(opened, "rns")]
    known: list[TrainingProgress] = []
    list(trainings(points, progress=known.append))
    assert [points.index(update.parameters) for update in known] == [0] * 5 + [1] * 5
    assert [len(update.record.epochs) for update in known] == [1, 2, 3, 4, 4] * 2
    assert [update.computed for update in known] == [1, 2, 3, 4, 4] * 2


class Stop(BaseException):
    """Whatever ends a process."""


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_a_training_goes_on_where_its_checkpoint_ends(
    epochs: int, opened: OpenedNetwork, tmp_path: Path
) -> None:
    noisy = {"p": 1e-3, "redundant": 1, "attempts": 2, "checkpoint": tmp_path}
    points = [asked(opened, checkpoint=tmp_path), asked(opened, "rns", **noisy)]
    unkept = [dataclasses.replace(point, checkpoint=None) for point in points]
    whole = [one.record for one in trainings(unkept)]

    def stop(update: TrainingProgress) -> None:
        if update.parameters == points[1] and update.computed == epochs:
            raise Stop

    with pytest.raises(Stop):
        list(trainings(points, progress=stop))
    assert len(list(tmp_path.iterdir())) == 2
    known: list[TrainingProgress] = []
    assert [one.record for one in trainings(points, progress=known.append)] == whole
    on_core = [update for update in known if update.parameters == points[1]]
    assert [update.computed for update in on_core][:-1] == list(range(1, 5 - epochs))


def test_what_is_finished_is_not_computed_again(
    opened: OpenedNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = [asked(opened, checkpoint=tmp_path), asked(opened, "rns", checkpoint=tmp_path)]
    before = [one.record for one in trainings(points)]
    monkeypatch.setattr(Trainer, "advance", None)
    assert [one.record for one in trainings(points)] == before


def test_other_trainings_have_checkpoints_of_their_own(
    opened: OpenedNetwork, images: Path, tmp_path: Path
) -> None:
    short = dataclasses.replace(RECIPE, epochs=1)
    longer = open_untrained("tiny_networks:digital", images)
    different = [
        asked(opened, recipe=short),
        asked(opened, recipe=dataclasses.replace(short, seed=1)),
        asked(opened, recipe=dataclasses.replace(short, learning_rate=0.01)),
        asked(opened, recipe=RECIPE),
        asked(opened, "rns", recipe=short),
        asked(opened, "rns", recipe=short, bits=7),
        asked(opened, "rns", recipe=short, p=0.0),
        asked(longer, recipe=short),
    ]
    list(trainings([dataclasses.replace(one, checkpoint=tmp_path) for one in different]))
    assert len(list(tmp_path.iterdir())) == len(different)


@pytest.mark.parametrize("damage", ["empty", "text", "truncated", "flipped", "other", "folder"])
def test_damaged_checkpoints_are_named(damage: str, opened: OpenedNetwork, tmp_path: Path) -> None:
    slow = dataclasses.replace(RECIPE, epochs=1, learning_rate=1e-12)  # no weight changes
    parameters = asked(opened, recipe=slow, checkpoint=tmp_path)
    record_of(parameters)
    (path,) = tmp_path.iterdir()
    content = path.read_bytes()
    if damage == "other":
        other = dataclasses.replace(parameters, recipe=dataclasses.replace(RECIPE, epochs=2))
        record_of(other)
        (found,) = set(tmp_path.iterdir()) - {path}
        found.rename(path)
    elif damage == "folder":
        path.unlink()
        path.mkdir()
    else:
        flipped = bytearray(content)
        flipped[content.index(opened.network.made(0).linear.bias.detach().numpy().tobytes())] ^= 1
        bad = {"empty": b"", "text": b"hello", "truncated": content[:-200], "flipped": flipped}
        path.write_bytes(bad[damage])
    with pytest.raises(InputError, match=r"`checkpoint` .*\.pt .*move it away") as caught:
        record_of(parameters)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)


def test_layers_that_infer_their_size_are_trained(images: Path, tmp_path: Path) -> None:
    network = open_untrained("tiny_networks:lazy", images)
    fine = record_of(asked(network, "rns", bits=13, checkpoint=tmp_path))
    assert losses(fine) == pytest.approx(losses(record_of(asked(network))), rel=2e-3)
    with recording() as made:
        record_of(asked(network, "rns"))
    assert {kind.layer for kind in made.kinds} == {"1"}


# Divergence --------------------------------------------------------------------------------------


def test_a_training_that_diverges_says_so_and_others_go_on(images: Path, tmp_path: Path) -> None:
    network = open_untrained("tiny_networks:deep", images)
    points = [asked(network, "rns", p=0.5), asked(network, "rns", bits=8)]
    known: list[TrainingProgress] = []
    with runner(store=tmp_path / "runs.db") as stored:
        diverged, fine = trainings(points, stored, known.append)
    assert fine.record.failure == "" and len(fine.record.epochs) == 4
    assert diverged.record.failure.startswith("training has diverged in epoch 1 of 4: in ")
    assert diverged.epochs == ()
    with runner(store=tmp_path / "runs.db") as stored:
        assert [one.record for one in trainings(points, stored)] == [diverged.record, fine.record]


# Rows --------------------------------------------------------------------------------------------


def made(opened: OpenedNetwork, seed: int, accuracy: float, core: str | None = None) -> Training:
    recipe = dataclasses.replace(RECIPE, seed=seed, epochs=2)
    last = (0.1 * (seed + 1), 0.2 * (seed + 1), accuracy)
    return Training(asked(opened, core, recipe=recipe), TrainingRecord(((9.0, 9.0, 0.0), last)))


def test_rows_by_hand(opened: OpenedNetwork) -> None:
    fp32, cores = [0.9, 0.8, 0.85, 0.95], [0.89, 0.82, 0.8, 0.94]
    references = [made(opened, seed, one) for seed, one in enumerate(fp32)]
    on_core = [made(opened, seed, one, "rns") for seed, one in enumerate(cores)]
    row = training_row(on_core, references)
    assert (row.core, row.bits, row.seeds, row.epochs) == ("rns", 6, 4, 2)
    assert row.train_loss == pytest.approx(0.25) and row.test_loss == pytest.approx(0.5)
    assert row.test_accuracy == pytest.approx(0.8625)
    quantile = stats.t.ppf(0.975, 3)
    for interval, values in (
        (row.test_accuracy_ci95, cores),
        (row.accuracy_difference_ci95, [a - b for a, b in zip(cores, fp32, strict=True)]),
    ):
        mean = sum(values) / 4
        error = math.sqrt(sum((one - mean) ** 2 for one in values) / 3 / 4)
        assert interval == pytest.approx((mean - quantile * error, mean + quantile * error))
    assert row.accuracy_difference == pytest.approx(-0.0125)
    # Deviations of FP32 are +-0.025, -0.075 and 0.075 about 0.875.
    error = math.sqrt((2 * 0.025**2 + 2 * 0.075**2) / 3 / 4)
    assert row.fp32_standard_error == pytest.approx(error)
    assert row.within_standard_error is (error >= 0.0125) is True
    reference = training_row(references, references)
    assert reference.core == "fp32"
    assert (reference.accuracy_difference, reference.within_standard_error) == (0, True)
    assert reference.accuracy_difference_ci95 is None
    assert reference.fp32_standard_error == row.fp32_standard_error
    far = [made(opened, seed, one - 0.1, "rns") for seed, one in enumerate(fp32)]
    assert training_row(far, references).within_standard_error is False


def test_a_single_seed_has_no_intervals(opened: OpenedNetwork) -> None:
    row = training_row([made(opened, 0, 0.5, "rns")], [made(opened, 0, 0.75)])
    assert row.accuracy_difference == -0.25
    assert row.test_accuracy_ci95 is row.accuracy_difference_ci95 is None
    assert row.fp32_standard_error is row.within_standard_error is None


def test_a_row_for_each_epoch(opened: OpenedNetwork) -> None:
    rows = made(opened, 3, 0.5, "fixed-lp").epochs
    assert [(row.epoch, row.seed, row.core, row.bits) for row in rows] == [
        (1, 3, "fixed-lp", 6),
        (2, 3, "fixed-lp", 6),
    ]
    assert (rows[1].train_loss, rows[1].test_loss, rows[1].test_accuracy) == (0.4, 0.8, 0.5)


def test_differences_of_losses_seed_by_seed() -> None:
    """Student's interval of the differences by hand, from losses that are made up."""
    core = Dataflow(analog_core("rns", bits=6))
    losses = {None: [1.0, 1.5, 1.1], core: [1.25, 1.5, 1.5]}
    fp32, on_core = (
        [
            Training(
                TrainingParameters(
                    network=PortableNetwork("digits-cnn", (1, 8, 8)),
                    data=digits(),
                    recipe=Recipe(epochs=1, seed=seed),
                    flow=flow,
                ),
                TrainingRecord(((9.0, loss, 0.5),)),
            )
            for seed, loss in enumerate(of_flow)
        ]
        for flow, of_flow in losses.items()
    )
    row = training_row(on_core, fp32)
    assert row.loss_difference == pytest.approx((0.25 + 0.0 + 0.4) / 3)
    interval = stats.t(2, np.mean([0.25, 0, 0.4]), stats.sem([0.25, 0, 0.4])).interval(0.95)
    assert row.loss_difference_ci95 == pytest.approx(interval)
    of_itself = training_row(fp32, fp32)
    assert (of_itself.loss_difference, of_itself.loss_difference_ci95) == (0.0, None)
