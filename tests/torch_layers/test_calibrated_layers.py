"""Calibration of converted models: by hand, by its record, copied, and what is refused."""

import copy
import io
import json
from typing import Any

import numpy as np
import pytest
import torch
from comparison import normal
from torch import Tensor, nn

import rnscli
from rnscli.base import InputError
from rnscli.matrix.dataflow import Dataflow
from rnscli.torch import apply_calibration, calibrate, calibration, convert

LP = rnscli.analog_core("fixed-lp", bits=6, vector_size=16, adc_range="calibrated")
SLICED = rnscli.analog_core("bit-sliced", bits=6, vector_size=16, adc_range="calibrated")
RNS = rnscli.analog_core("rns", bits=6, vector_size=16)
Q = 31


class Attention(nn.Module):
    """Both products of attention by functions, and a linear layer before them."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(8, 8)
        self.norm = nn.BatchNorm1d(4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.first(x))
        scores: Tensor = (x @ x.transpose(1, 2)).softmax(-1)
        return scores @ x


def linear(terms: int = 40, outputs: int = 3, seed: int = 0) -> nn.Linear:
    torch.manual_seed(seed)
    return nn.Linear(terms, outputs)


def attention() -> Attention:
    torch.manual_seed(0)
    return Attention()


def quantised(values: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Whole steps of float32 values, with the largest magnitudes in double."""
    return np.rint(values * np.float32(Q) / scale.astype(np.float32)).astype(np.int64)


def sums_of(x: np.ndarray, w: np.ndarray, scale: float | None = None) -> np.ndarray:
    """Integer dot products of all tiles of 16 terms, of rows of x and of w, in NumPy."""
    found = []
    for start in range(0, x.shape[1], 16):
        part_x, part_w = x[:, start : start + 16], w[:, start : start + 16]
        of_x = np.abs(part_x).max(axis=1, keepdims=True) if scale is None else np.array(scale)
        whole_x = np.clip(quantised(part_x, of_x), -Q, Q)
        whole_w = quantised(part_w, np.abs(part_w).max(axis=1, keepdims=True))
        found.append((whole_x @ whole_w.T).ravel())
    return np.concatenate(found)


# Against NumPy ------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["percentile", "max"])
def test_shares_of_a_linear_layer_follow_from_its_sums(method: str) -> None:
    layer, x = linear(), normal(200, 40)
    model = calibrate(convert(layer, LP), x.split(64), method=method, percentile=99.0)
    sums = sums_of(x.numpy(), layer.weight.detach().numpy())
    ends = (0, 100) if method == "max" else (0.5, 99.5)
    magnitude = np.abs(np.percentile(sums, ends)).max()
    (share,) = calibration(model)["sites"]["Linear"]["shares"]
    full = 2.0**LP.dot_product.output_bits
    assert share == pytest.approx((2 * magnitude + 1) / full, rel=1e-12) and 0 < share < 0.4
    # ... and the ADC reads with it: 64 steps in the range, whatever is beyond is clipped.
    step = np.float64(share * full / 64)
    one = x[:1].numpy()
    scales = [np.abs(one[:, s : s + 16]).max() for s in (0, 16, 32)]
    weights = layer.weight.detach().numpy()
    expected = layer.bias.detach().numpy().astype(float)
    for start, scale in zip((0, 16, 32), scales, strict=True):
        part = weights[:, start : start + 16]
        largest = np.abs(part).max(axis=1)
        exact = sums_of(one[:, start : start + 16], part)
        read = np.clip(np.rint(exact / step), -32, 31) * step
        expected = expected + read * (scale / Q) * (largest / Q)
    np.testing.assert_allclose(model(x[:1]).detach().numpy()[0], expected, rtol=1e-5, atol=1e-6)


def test_static_scales_come_first_and_sums_are_formed_with_them() -> None:
    layer, x = linear(), normal(300, 40)
    model = calibrate(convert(layer, LP), [x], percentile=99.0, input_scale="static", method="max")
    site = calibration(model)["sites"]["Linear"]
    assert site["input_scale"] == float(x.abs().max()) and site["weight_scale"] is None
    calibrate(model, [x], percentile=98.0, input_scale="static")
    site = calibration(model)["sites"]["Linear"]
    scale = np.percentile(np.abs(x.numpy().astype(float)), 98.0)
    assert site["input_scale"] == pytest.approx(scale, rel=1e-12)
    sums = sums_of(x.numpy(), layer.weight.detach().numpy(), site["input_scale"])
    magnitude = np.abs(np.percentile(sums, [1, 99])).max()
    share = (2 * magnitude + 1) / 2.0**LP.dot_product.output_bits
    assert site["shares"] == [pytest.approx(share, rel=1e-12)]


@pytest.mark.parametrize("scales", ["fp32", "power-of-two"])
def test_least_squares_is_the_best_scale_of_a_grid(scales: str) -> None:
    x = normal(500, 40) ** 3  # with few large values
    flow = Dataflow(RNS, scales=scales, input_scale="static")
    model = calibrate(convert(linear(), flow), [x], method="least-squares")
    found = calibration(model)["sites"]["Linear"]["input_scale"]
    values = np.abs(x.numpy().astype(float).ravel())

    def error(scale: float) -> float:
        step = scale / Q
        if scales == "power-of-two":
            step = 2.0 ** np.ceil(np.log2(step))
        return float(np.mean((values - step * np.clip(np.rint(values / step), 0, Q)) ** 2))

    assert found < 0.8 * values.max()
    assert error(found) <= 1.02 * min(error(values.max() * 0.99**k) for k in range(400))


def test_a_sample_of_many_values_is_near_their_percentile() -> None:
    """Of more than are kept, with a fixed seed: 400 000 magnitudes, 131 072 of which are kept."""
    x = normal(10_000, 40)
    records = []
    for _ in range(2):
        model = calibrate(convert(linear(), RNS), x.split(999), input_scale="static")
        records.append(calibration(model))
    assert records[0] == records[1]
    found = records[0]["sites"]["Linear"]["input_scale"]
    assert found == pytest.approx(np.percentile(x.abs().numpy(), 99.98), rel=0.05)
    model = calibrate(convert(linear(), RNS), x.split(999), input_scale="static", method="max")
    assert calibration(model)["sites"]["Linear"]["input_scale"] == float(x.abs().max())


# Sites --------------------------------------------------------------------------------------------


def test_both_products_of_attention_are_sites_with_two_scales() -> None:
    model = calibrate(convert(attention(), LP), [normal(20, 4, 8)], input_scale="static")
    sites = calibration(model)["sites"]
    assert list(sites) == ["first", "Attention", "Attention[2]"]
    assert sites["first"]["weight_scale"] is None
    for name in ("Attention", "Attention[2]"):
        assert sites[name]["weight_scale"] > 0
    assert sites["Attention[2]"]["input_scale"] <= 1  # of a softmax
    layer = convert(nn.MultiheadAttention(8, 2, batch_first=True), LP)
    x = normal(20, 4, 8)
    model = Calls(layer)
    calibrate(model, [x])
    names = ["query", "key", "value", "scores", "context"]
    every = [*(f"MultiheadAttention.{name}" for name in names), "out_proj"]
    assert list(calibration(model)["sites"]) == every


class Calls(nn.Module):
    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Any:
        return self.layer(x, x, x)[0]


def test_gradients_are_sites_of_their_own_and_leave_nothing_behind() -> None:
    model = convert(attention(), LP).train()
    x, y = normal(32, 4, 8), normal(32, 4, 8, seed=1)
    before = copy.deepcopy(model.state_dict())
    pairs = list(zip(x.split(16), y.split(16), strict=True))
    calibrate(model, pairs, input_scale="static", loss=nn.functional.mse_loss)
    sites = calibration(model)["sites"]
    roles = ("", " input-gradient", " weight-gradient")
    # The input itself needs no gradient.
    wanted = {f"{one}{role}" for one in ("first", "Attention", "Attention[2]") for role in roles}
    assert set(sites) == wanted - {"first input-gradient"}
    assert len({tuple(site["shares"]) for site in sites.values()}) > 5
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])  # running means as well
    assert model.training and all(p.grad is None for p in model.parameters())
    nn.functional.mse_loss(model(x), y).backward()
    assert all(p.grad is not None for p in model.parameters())


def test_gradients_without_a_calibration_are_refused() -> None:
    model = calibrate(convert(attention(), LP), [normal(20, 4, 8)])
    loss = model(normal(20, 4, 8)).sum()
    with pytest.raises(InputError, match=r"^in Attention\[?2?\]? \(.*gradient\): .*with a loss"):
        loss.backward()


def test_layers_that_need_no_calibration_are_left_alone() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 4))
    model = convert(convert(model, RNS), LP, exclude=["0"])
    calibrate(model, [normal(20, 8)])
    assert calibration(model)["sites"]["0"]["shares"] is None
    loss = model(normal(20, 8).requires_grad_()).sum()
    with pytest.raises(InputError, match=r"^in 1 \(input-gradient\)"):
        loss.backward()


# Copies and records -------------------------------------------------------------------------------


@pytest.mark.parametrize("core", [LP, SLICED])
def test_record_through_json_and_copies(core: Any) -> None:
    x, flow = normal(64, 4, 8), Dataflow(core, input_scale="static")
    model = calibrate(convert(attention(), flow), [x]).eval()
    expected, record = model(x), calibration(model)
    assert not torch.equal(expected, convert(attention(), core).eval()(x))
    told = json.loads(json.dumps(record))
    other = apply_calibration(convert(attention(), core), told).eval()
    stream = io.BytesIO()
    torch.save(model, stream)
    stream.seek(0)
    loaded = torch.load(stream, weights_only=False)
    for one in (other, copy.deepcopy(model), loaded):
        assert torch.equal(one(x), expected)
        assert calibration(one) == record
    record["sites"].clear()  # a copy
    assert calibration(model)["sites"]
    assert calibration(convert(model, core)) is None


def test_record_of_another_model_or_core() -> None:
    record = calibration(calibrate(convert(linear(), LP), [normal(20, 40)]))
    with pytest.raises(InputError, match=r"^`record` is of another model: it has Linear, and the"):
        apply_calibration(convert(attention(), LP), record)
    finer = rnscli.analog_core("fixed-lp", bits=7, vector_size=16, adc_range="calibrated")
    with pytest.raises(
        InputError, match=r"^`record` is of another core: at Linear of .*6 bits, wh"
    ):
        apply_calibration(convert(linear(), finer), record)
    for wrong in ({}, {"sites": {}}, {**record, "sites": {"Linear": {}}}, [1], None):
        with pytest.raises(InputError, match=r"^`record` is no calibration"):
            apply_calibration(convert(linear(), LP), wrong)


# Refused ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ([normal(5, 41)], r"`inputs` has a batch of shape \(5, 41\), which the model cannot"),
        ([], "`inputs` holds no samples"),
        ([normal(0, 40)], "`inputs` holds no samples"),
        (normal(5, 40), "`inputs` is of type Tensor; it must be an iterable of batches"),
        ([np.ones((5, 40))], "`inputs` holds something else"),
        (5, "`inputs` is of type int"),
        ([normal(5, 40) * float("nan")], r"in Linear \(forward\): "),
    ],
)
def test_samples_that_do_not_fit(inputs: Any, said: str) -> None:
    model = calibrate(convert(linear(), LP), [normal(5, 40)])
    before = calibration(model)
    with pytest.raises(InputError, match=f"^{said}"):
        calibrate(model, inputs, input_scale="static")
    assert calibration(model) == before


def test_what_cannot_be_calibrated() -> None:
    x = [normal(5, 40)]
    with pytest.raises(InputError, match=r"^`model` has no products on a core"):
        calibrate(linear(), x)
    with pytest.raises(InputError, match=r"^`model` needs no calibration: "):
        calibrate(convert(linear(), RNS), x)
    with pytest.raises(InputError, match=r"^`method` is mean"):
        calibrate(convert(linear(), LP), x, method="mean")
    with pytest.raises(InputError, match=r"^`percentile` is 50"):
        calibrate(convert(linear(), LP), x, percentile=50)
    with pytest.raises(InputError, match=r"^`input_scale` is global"):
        calibrate(convert(linear(), LP), x, input_scale="global")
    model = convert(linear(), Dataflow(RNS, input_scale="static"))
    with pytest.raises(InputError, match=r"^in Linear \(forward\): `input_scale` is static, and"):
        model(x[0])


def test_numbers_that_are_given_are_left() -> None:
    flow = Dataflow(LP, input_scale=0.25)
    model = calibrate(convert(linear(), flow), [normal(50, 40)])
    site = calibration(model)["sites"]["Linear"]
    assert site["input_scale"] is None and site["shares"][0] > 0
    plain = convert(linear(), Dataflow(RNS, input_scale=0.25))
    off = (model(normal(5, 40)) - plain(normal(5, 40))).detach().abs()
    assert float(off.max()) < 0.1
