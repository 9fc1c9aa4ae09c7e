"""Agreement of networks layer by layer: in blocks, from a store, by any number of processes."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_networks
import torch

from rnscli.analysis.analog_core import analog_core
from rnscli.analysis.networks.accuracy import AccuracyParameters
from rnscli.analysis.networks.layer_agreement import AgreementStatistics, layer_agreements
from rnscli.base import InputError
from rnscli.matrix.dataflow import Dataflow
from rnscli.networks.portable import OpenedNetwork, open_network
from rnscli.runtime.runner import runner
from rnscli.torch import Agreement, Deviation, LayerAgreement, agreement, convert

FLOW = Dataflow(analog_core("rns", bits=5, vector_size=16))


@pytest.fixture
def opened(tmp_path: Path) -> OpenedNetwork:
    return open_network(tiny_networks.CNN, tiny_networks.write_images(tmp_path / "i.npz"))


def asked(opened: OpenedNetwork, flow: Dataflow = FLOW, **values: Any) -> AccuracyParameters:
    return AccuracyParameters(opened=opened, flow=flow, bits=5, **values)


def test_rows_are_those_of_the_library_and_labels_do_not_matter(
    opened: OpenedNetwork, tmp_path: Path
) -> None:
    (rows,) = layer_agreements([asked(opened)])
    model = opened.network.model()
    found = agreement(model, convert(model, FLOW), [torch.from_numpy(opened.data.test.inputs)])
    assert [row.layer for row in rows] == [*(one.name for one in found.layers), "outputs"]
    assert [row.kind for row in rows] == ["Conv2d", "TinyCnn", "TinyCnn", "Linear", "logits"]
    for row, one in zip(rows, found.layers, strict=False):
        assert row.snr_in_place_db == pytest.approx(one.in_place.snr_db)
        assert row.snr_accumulated_db == pytest.approx(one.accumulated.snr_db)
        assert (row.macs, row.shape) == (one.macs // 300, one.shape)
    assert rows[-1].snr_accumulated_db == pytest.approx(found.outputs.snr_db)
    assert (rows[-1].top_class, rows[-1].samples) == (found.top_class, 300)
    assert sum(row.macs_share or 0 for row in rows) == pytest.approx(1)
    arrays = np.load(tmp_path / "i.npz")
    np.savez(tmp_path / "only_x.npz", x=arrays["x"])
    without = open_network(tiny_networks.CNN, tmp_path / "only_x.npz", labelled=False)
    assert list(layer_agreements([asked(without)])) == [rows]


def test_processes_and_stores_change_nothing(opened: OpenedNetwork, tmp_path: Path) -> None:
    noisy = Dataflow(analog_core("rns", bits=5, vector_size=16, p=0.01))
    points = [asked(opened, flow, seed=3) for flow in (FLOW, noisy)]
    expected = list(layer_agreements(points))
    store = tmp_path / "runs.db"
    with runner(store=store) as one:
        assert list(layer_agreements(points, one)) == expected
    computed: list[int] = []
    with runner(store=store) as one:
        again = layer_agreements(points, one, lambda update: computed.append(update.computed))
        assert list(again) == expected
    assert set(computed) == {0}


def test_a_record_is_what_it_was_also_of_what_is_not_finite() -> None:
    layer = LayerAgreement("a", "Linear", "2 x 3", 6, 1, 0, Deviation(1.5, math.inf), Deviation())
    made = AgreementStatistics(Agreement((layer,), Deviation(2.0, 0.25), 4, 3))
    record = json.loads(json.dumps(made.record(), allow_nan=False))
    assert AgreementStatistics.of_record(record) == made
    for broken in (record | {"same": 5}, record | {"layers": []}):
        with pytest.raises(ValueError, match="contradict"):
            AgreementStatistics.of_record(broken)


def test_strict_refuses_what_stays_digital(tmp_path: Path) -> None:
    path = tiny_networks.write_images(tmp_path / "i.npz")
    opened = open_network("tiny_networks:digital", path)
    (rows,) = layer_agreements([asked(opened, samples=8)])
    assert [row.digital for row in rows] == [None] * 4 + ["WithDistances: cdist"]
    with pytest.raises(InputError, match="--strict"):
        list(layer_agreements([asked(opened, samples=8, strict=True)]))
