"""Accuracies and trainings of calibrated networks: the same anywhere, and on other samples."""

import dataclasses
import gc
import json
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_networks
import torch

import rnscli
from rnscli.analysis.networks import training
from rnscli.analysis.networks.accuracy import AccuracyParameters, accuracies, description
from rnscli.analysis.networks.calibrating import _record, every_flow, record_of
from rnscli.analysis.networks.plan import CalibrationPlan
from rnscli.analysis.networks.training import TrainingParameters, trainings
from rnscli.base import InputError
from rnscli.matrix.dataflow import Dataflow
from rnscli.networks.data import Dataset, LabelledData
from rnscli.networks.evaluation import evaluate
from rnscli.networks.portable import OpenedNetwork, open_network, open_untrained
from rnscli.networks.recipe import Recipe
from rnscli.runtime.runner import runner
from rnscli.torch import calibrate, calibration, convert

LP = rnscli.analog_core("fixed-lp", bits=4, vector_size=128, adc_range="calibrated")


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> OpenedNetwork:
    """300 samples to test with, 100 to train with; labels are what a network says in FP32."""
    path = tiny_networks.write_images(tmp_path_factory.mktemp("data") / "images.npz")
    found = open_network("tiny_networks:dropping", path)
    data = found.data
    answers = evaluate(found.network.model(), data.test.inputs).argmax(1)
    test = LabelledData(data.test.inputs, answers)
    return OpenedNetwork(found.network, Dataset(data.name, test, data.train))


def asked(opened: OpenedNetwork, **more: Any) -> AccuracyParameters:
    flow = more.pop("flow", Dataflow(LP, input_scale="static"))
    return AccuracyParameters(opened=opened, flow=flow, bits=4, **more)


@pytest.mark.thorough
def test_same_for_any_number_of_jobs(opened: OpenedNetwork) -> None:
    found = []
    for jobs in (1, 2):
        _record.cache_clear()
        with runner(jobs=jobs) as on:
            found += accuracies([asked(opened)], on)
    assert found[0] == found[1]


def test_same_in_a_second_run(opened: OpenedNetwork, tmp_path: Path) -> None:
    found = []
    for store in (None, None, tmp_path / "store", tmp_path / "store"):
        _record.cache_clear()
        with runner(store=store) as on:
            found += accuracies([asked(opened)], on)
    assert len(found) == 4 and len(set(map(str, found))) == 1
    assert found[0].adc_range == "calibrated" and found[0].input_scale == "static"
    assert (found[0].calibration, found[0].percentile) == ("percentile", 99.98)
    assert found[0].calibration_samples == 100
    (full,) = accuracies([asked(opened, flow=Dataflow(rnscli.analog_core("fixed-lp", bits=4)))])
    assert full.accuracy < found[0].accuracy - 0.2
    assert full.calibration is full.percentile is full.calibration_samples is None
    assert full.input_scale == "dynamic"


def test_it_is_that_of_the_first_samples_to_train_with(opened: OpenedNetwork) -> None:
    assert opened.data.train is not None
    flow, plan = Dataflow(LP, input_scale="static"), CalibrationPlan("max", samples=40)
    found = record_of(opened, flow, plan)
    first = torch.from_numpy(opened.data.train.inputs[:40])
    model = calibrate(convert(opened.network.model(), flow), [first], method="max")
    assert found is not None and json.loads(found) == calibration(model)
    assert record_of(opened, Dataflow(rnscli.analog_core(bits=4)), plan) is None


def test_data_that_were_described_are_let_go_in_the_end(opened: OpenedNetwork) -> None:
    gone = []
    for _ in range(70):
        data = Dataset(opened.data.name, opened.data.test[:2], opened.data.train)
        description(asked(OpenedNetwork(opened.network, data)))
        gone.append(weakref.ref(data))
    del data
    gc.collect()
    assert [one() for one in gone[:5]] == [None] * 5


def test_a_store_tells_calibrations_apart(opened: OpenedNetwork) -> None:
    data = opened.data
    assert data.train is not None
    others = LabelledData(data.train.inputs[::-1], data.train.labels[::-1])
    points = [
        asked(opened),
        asked(opened, plan=CalibrationPlan("max")),
        asked(opened, plan=CalibrationPlan(percentile=99.0)),
        asked(opened, plan=CalibrationPlan(samples=50)),
        asked(opened, flow=Dataflow(LP)),
        asked(OpenedNetwork(opened.network, Dataset(data.name, data.test, others))),
    ]
    told = [json.dumps(description(point), sort_keys=True) for point in points]
    assert len(set(told)) == len(points)
    # ... but none of what is not calibrated.
    plain = Dataflow(rnscli.analog_core("fixed-lp", bits=4))
    told = [description(asked(opened, flow=plain, plan=CalibrationPlan(one)))
            for one in ("max", "percentile")]  # fmt: skip
    assert told[0] == told[1]


def test_without_samples_to_train_with(opened: OpenedNetwork) -> None:
    lacking = OpenedNetwork(opened.network, Dataset("mine.npz", opened.data.test))
    with pytest.raises(InputError, match=r"`data` mine.npz has no samples to calibrate .* x_train"):
        asked(lacking)
    asked(lacking, flow=Dataflow(rnscli.analog_core(bits=4)))


@pytest.mark.parametrize("plan", [{"method": "mean"}, {"percentile": 101.0}, {"samples": 0}])
def test_plans_that_are_none(plan: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        CalibrationPlan(**plan)


def test_trainings_are_calibrated_before_each_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the weights of that moment; gone on with from a checkpoint, to the same bytes."""
    path = tiny_networks.write_images(tmp_path / "images.npz")
    opened = open_untrained("tiny_networks:dropping", path)
    records = []

    def watched(model: Any, *others: Any) -> None:
        calibrate_epoch(model, *others)
        records.append(calibration(model))

    calibrate_epoch = training.calibrate_epoch
    monkeypatch.setattr(training, "calibrate_epoch", watched)
    parameters = TrainingParameters(
        network=opened.network, data=opened.data, recipe=Recipe(epochs=3, batch_size=25),
        flow=Dataflow(LP, input_scale="static"), bits=4, plan=CalibrationPlan(samples=50),
    )  # fmt: skip
    (whole,) = trainings([parameters])
    assert len(records) == 3 and all(one["samples"] == 50 for one in records)
    shares = [[site["shares"] for site in one["sites"].values()] for one in records]
    assert shares[0] != shares[1] != shares[2]
    assert any("weight-gradient" in site for site in records[0]["sites"])
    assert whole.record.failure == "" and len(whole.epochs) == 3
    assert whole.epochs[0].calibration_samples == 50
    # As if it had been killed after its second epoch.
    kept = dataclasses.replace(parameters, checkpoint=tmp_path)
    trainer = training.Trainer.advance
    done = []

    def killed(self: Any, *others: Any) -> Any:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(trainer(self, *others))
        return done[-1]

    monkeypatch.setattr(training.Trainer, "advance", killed)
    with pytest.raises(KeyboardInterrupt):
        list(trainings([kept]))
    monkeypatch.setattr(training.Trainer, "advance", trainer)
    (resumed,) = trainings([kept])
    assert resumed.record == whole.record


def test_first_weights_are_those_without_calibration(tmp_path: Path) -> None:
    """The random numbers of the training are its own: exact products give the same losses."""
    path = tiny_networks.write_images(tmp_path / "images.npz")
    opened = open_untrained("tiny_networks:dropping", path)
    wide = rnscli.analog_core("fixed-lp", bits=4, adc_bits=12, adc_range="calibrated")
    losses = []
    for core in (wide, rnscli.analog_core("fixed-hp", bits=4)):
        parameters = TrainingParameters(
            network=opened.network, data=opened.data, recipe=Recipe(epochs=1), flow=Dataflow(core),
            bits=4, plan=CalibrationPlan("max"),
        )  # fmt: skip
        (found,) = trainings([parameters])
        losses.append(found.epochs[0].train_loss)
    np.testing.assert_allclose(*losses, rtol=2e-3)


@pytest.mark.thorough
@pytest.mark.parametrize("model", ["digits-cnn", "digits-resnet", "digits-transformer"])
def test_a_calibrated_adc_of_6_bits_keeps_the_accuracy(model: str) -> None:
    """As Xiao et al. find of larger networks, where the full range loses most of it."""
    opened = open_network(model)
    rows = {
        adc_range: next(accuracies([asked(
            opened, flow=Dataflow(rnscli.analog_core("fixed-lp", bits=6, adc_range=adc_range))
        )]))
        for adc_range in ("full", "calibrated")
    }  # fmt: skip
    assert rows["full"].relative_accuracy < 0.9
    assert rows["calibrated"].relative_accuracy_ci95[0] > 0.985
    prices = [row.energy_per_inference_j for row in rows.values()]
    assert prices[0] == prices[1]


def test_what_another_core_stands_before_needs_no_calibration() -> None:
    """The cores of --layers stand before those of --core, which may be left with nothing."""
    rns = Dataflow(rnscli.analog_core("rns", bits=6))
    calibrated = Dataflow(rnscli.analog_core("fixed-lp", bits=6, adc_range="calibrated"))
    assert every_flow((("*", rns), ("*", calibrated))) == (rns,)
    assert every_flow((("head", rns), ("*", calibrated), ("body", None))) == (rns, calibrated)
