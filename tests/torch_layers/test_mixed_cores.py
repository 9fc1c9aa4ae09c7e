"""Gradients on cores of their own, or on none: each product against the one it should be."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import rnscli
from rnscli.matrix import Dataflow, GradientFlows
from rnscli.torch import calibrate, calibration, convert, recording
from rnscli.torch.mapped import convolution, patches

BITS = {"forward": 4, "inputs": 5, "weights": 7}
ROLES = ("input-gradient", "weight-gradient")
SIZE = 8
RNG = np.random.default_rng(2)
X, W, GRAD = (RNG.normal(size=s).astype(np.float32) for s in ((6, 20), (5, 20), (6, 5)))


def flow(bits: int, **more: object) -> Dataflow:
    core = rnscli.analog_core("rns", bits=8, input_bits=bits, weight_bits=bits, vector_size=SIZE)
    return Dataflow(core, **more)  # type: ignore[arg-type]


def quantised(a: np.ndarray, b: np.ndarray, bits: int) -> np.ndarray:
    """``a @ b`` tile by tile, each row of a and column of b rounded to its largest value."""
    q = 2 ** (bits - 1) - 1
    out = np.zeros((len(a), b.shape[1]))
    for start in range(0, a.shape[1], SIZE):
        rows, columns = a[:, start : start + SIZE], b[start : start + SIZE]
        d_a = np.abs(rows).max(1, keepdims=True) / q
        d_b = np.abs(columns).max(0, keepdims=True) / q
        out += np.rint(rows / d_a) @ np.rint(columns / d_b) * d_a * d_b
    return out


def products(**gradients: object) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outputs, gradient of the inputs and gradient of the weights."""
    model = nn.Linear(20, 5, bias=False)
    model.weight.data = torch.from_numpy(W)
    analog = convert(model, flow(BITS["forward"]), **gradients)  # type: ignore[arg-type]
    x = torch.from_numpy(X).requires_grad_()
    y = analog(x)
    y.backward(torch.from_numpy(GRAD))
    assert x.grad is not None and analog.weight.grad is not None
    return y.detach().numpy(), x.grad.numpy(), analog.weight.grad.numpy()


def product(a: np.ndarray, b: np.ndarray, bits: int | None) -> np.ndarray:
    return a @ b if bits is None else quantised(a, b, bits)


def expected(inputs: int | None, weights: int | None) -> tuple[np.ndarray, ...]:
    return (
        quantised(X, W.T, BITS["forward"]),
        product(GRAD, W, inputs),
        product(X.T, GRAD, weights).T,
    )


@pytest.mark.parametrize(
    ("given", "bits"),
    [
        ({}, (4, 4)),
        ({"input_gradient": flow(5)}, (5, 4)),
        ({"weight_gradient": flow(7)}, (4, 7)),
        ({"input_gradient": flow(5), "weight_gradient": flow(7)}, (5, 7)),
        ({"input_gradient": "fp32", "weight_gradient": flow(7).core}, (None, 7)),
        ({"input_gradient": "fp32", "weight_gradient": "fp32"}, (None, None)),
    ],
)
def test_every_product_is_on_its_own_core(given: dict, bits: tuple[int | None, ...]) -> None:
    for found, right in zip(products(**given), expected(*bits), strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-5, atol=1e-5)


def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that an image has several."""
    monkeypatch.setattr(patches, "_BLOCK", 1 << 7)
    monkeypatch.setattr(patches, "_FEW", 4)


@pytest.mark.parametrize(
    ("given", "bits"),
    [
        ({"input_gradient": flow(5), "weight_gradient": flow(7)}, (5, 7)),
        ({"input_gradient": "fp32", "weight_gradient": flow(7)}, (None, 7)),
        ({"input_gradient": flow(5), "weight_gradient": "fp32"}, (5, None)),
    ],
)
def test_convolutions_in_blocks_use_the_cores_of_gradients(
    given: dict, bits: tuple[int | None, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    small_blocks(monkeypatch)
    torch.manual_seed(1)
    model = convert(nn.Conv2d(2, 3, (3, 2), bias=False), flow(4), **given)
    images, grad = torch.randn(3, 2, 6, 5, requires_grad=True), torch.randn(3, 3, 4, 4)
    with recording() as made:
        y = model(images)
        assert y.grad_fn is not None and y.grad_fn.name() == "ConvolvedBackward"
        y.backward(grad)
    rows = nn.functional.unfold(images.detach(), (3, 2)).mT.reshape(-1, 12).numpy()
    weight, out = model.weight.detach().flatten(1).numpy(), grad.movedim(1, -1).reshape(-1, 3)
    to_rows = product(out.numpy(), weight, bits[0]).reshape(3, -1, 12).swapaxes(1, 2)
    expected = (
        product(rows, weight.T, 4).reshape(3, 4, 4, 3).transpose(0, 3, 1, 2),
        nn.functional.fold(torch.from_numpy(to_rows), (6, 5), (3, 2)).numpy(),
        product(rows.T, out.numpy(), bits[1]).T.reshape(model.weight.shape),
    )
    assert images.grad is not None and model.weight.grad is not None
    for found, right in zip((y.detach(), images.grad, model.weight.grad), expected, strict=True):
        np.testing.assert_allclose(found.numpy(), right, rtol=1e-5, atol=1e-5)
    told = {f"Conv2d: {role}" for role, of in zip(ROLES, bits, strict=True) if of is None}
    assert set(made.unmapped) == told
    assert {kind.role for kind in made.kinds} == {
        "forward", *(role for role, of in zip(ROLES, bits, strict=True) if of is not None)
    }  # fmt: skip


@pytest.mark.parametrize(
    "gradient",
    [
        flow(5, granularity="tensor"),
        flow(5, granularity="channel"),
        flow(5, granularity="tile"),
        flow(5, rounding="truncate"),
        flow(5, rounding="stochastic"),
        Dataflow(rnscli.analog_core("rns", bits=5, p=0.1, vector_size=SIZE)),
    ],
    ids=["tensor", "channel", "tile", "truncate", "stochastic", "noise"],
)
@pytest.mark.parametrize("role", ["input_gradient", "weight_gradient"])
def test_convolutions_are_in_blocks_only_where_every_role_gives_the_same(
    role: str, gradient: Dataflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chance, noise and scales of several rows included, of a gradient alone."""
    small_blocks(monkeypatch)
    model = convert(nn.Conv2d(2, 4, 3, groups=2, padding=1), flow(6), **{role: gradient})
    images = torch.randn(3, 2, 6, 5, requires_grad=True)

    def run() -> tuple[Tensor, ...]:
        torch.manual_seed(3)
        y = model(images)
        return y, *torch.autograd.grad(y.square().sum(), [images, model.weight])

    found = run()
    monkeypatch.setattr(convolution.Convolution, "fits", lambda *_: False)
    for one, other in zip(found, run(), strict=True):
        assert torch.equal(one, other)


def test_products_in_fp32_are_told_and_not_counted() -> None:
    model = convert(nn.Linear(20, 5), flow(4), input_gradient="fp32", weight_gradient=flow(7))
    with recording() as made:
        model(torch.from_numpy(X).requires_grad_()).sum().backward()
    assert [kind.role for kind in made.kinds] == ["forward", "weight-gradient"]
    assert list(made.unmapped) == ["Linear: input-gradient"]
    with recording() as empty:
        x = torch.empty(6, 20, device="meta", requires_grad=True)
        model.to("meta")(x).sum().backward()
    assert empty.counts.products == 2
    assert x.grad is not None and x.grad.shape == (6, 20)


class Several(nn.Module):
    """A convolution, functions, attention."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 3, 3, padding=1)
        self.attention = nn.MultiheadAttention(6, 2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x).flatten(2)
        y = (y @ y.mT).flatten(1)
        y = torch.cat([y, y, y], 1)[:, :18].reshape(-1, 3, 6)
        return self.attention(y, y, y)[0]


def test_of_all_layers_and_functions() -> None:
    """With gradients in FP32 nothing but the forward pass is on a core; outputs are the same."""
    torch.manual_seed(0)
    model, images = Several(), torch.randn(2, 1, 4, 4)
    plain = convert(model, flow(4))
    analog = convert(model, flow(4), input_gradient="fp32", weight_gradient="fp32")
    with recording() as made:
        out = analog(images)
        assert torch.equal(out, plain(images))
        out.square().sum().backward()
    assert {kind.role for kind in made.kinds} == {"forward"}
    assert {name.rpartition(" ")[2] for name in made.unmapped} == {
        "input-gradient", "weight-gradient"
    }  # fmt: skip
    assert all(one.grad is not None for one in analog.parameters())


def test_layers_of_several_cores_have_gradients_on_their_own_unless_given() -> None:
    model = nn.Sequential(nn.Linear(20, 5), nn.Linear(5, 2))
    found = convert(model, {"0": flow(4), "1": flow(6)}, weight_gradient=flow(7))
    assert [one.place.gradients for one in found] == [
        GradientFlows(flow(4), flow(7)), GradientFlows(flow(6), flow(7))
    ]  # fmt: skip


def test_ranges_are_found_of_those_on_a_core() -> None:
    core = rnscli.analog_core("fixed-lp", bits=6, adc_range="calibrated")
    other = rnscli.analog_core("fixed-lp", bits=8, adc_range="calibrated")
    model = convert(nn.Linear(20, 5), core, input_gradient="fp32", weight_gradient=other)
    batches = [(torch.from_numpy(X), torch.from_numpy(GRAD))]
    calibrate(model, batches, loss=nn.functional.mse_loss)
    record = calibration(model)
    assert record is not None
    assert {site: entry["core"].split()[-2] for site, entry in record["sites"].items()} == {
        "Linear": "6", "Linear weight-gradient": "8"
    }  # fmt: skip
    nn.functional.mse_loss(model(batches[0][0]), batches[0][1]).backward()


def test_stochastic_rounding_is_fixed_by_pytorchs_seed() -> None:
    model = convert(nn.Linear(20, 5), flow(4, rounding="stochastic"))
    x, found = torch.from_numpy(X), []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        found.append(model(x))
    assert torch.equal(found[0], found[1]) and not torch.equal(found[0], found[2])
    mean = torch.stack([model(x) for _ in range(2000)]).mean(0)
    exact = nn.functional.linear(x, model.weight, model.bias)
    # Steps are about 1/3 of an operand: 2000 draws leave a 45th of the spread of one.
    spread = (torch.stack([model(x) for _ in range(200)]) - exact).std()
    assert (mean - exact).abs().max() < 5 * spread / 2000**0.5


def test_weights_that_chance_rounds_are_rounded_in_each_call() -> None:
    """In inference, too, where those that are rounded to the nearest are kept."""
    layer = nn.Linear(2, 1, bias=False)
    layer.weight.data = torch.tensor([[7.0, 2.25]])  # in steps of 4 bits
    x, seen = torch.tensor([[0.0, 1.0]]), {}
    for rounding in ("nearest", "stochastic"):
        model = convert(layer, flow(4, rounding=rounding))
        with torch.no_grad():
            seen[rounding] = torch.cat([model(x) for _ in range(400)])
    assert seen["nearest"].unique().tolist() == [2.0]
    assert seen["stochastic"].round().unique().tolist() == [2.0, 3.0]
    up = int((seen["stochastic"] > 2.5).sum())
    assert abs(up - 100) < 4 * (400 * 0.25 * 0.75) ** 0.5


def test_chance_rounds_each_patch_of_a_convolution_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same pixel in two patches; in as many draws as there are of whole patches."""
    small_blocks(monkeypatch)
    torch.manual_seed(0)
    layer = nn.Conv2d(1, 1, (1, 3), bias=False)
    layer.weight.data = torch.tensor([0.0, 1.0, 0.0]).view(1, 1, 1, 3)
    model = convert(layer, flow(4, rounding="stochastic"))
    images = torch.tensor([7.0, 2.5, 7.0]).expand(100, 1, 20, 3).contiguous()
    with torch.no_grad():
        found = model(images)
    assert found.round().unique().tolist() == [2.0, 3.0]
    assert abs(int((found > 2.5).sum()) - 1000) < 4 * (2000 * 0.25) ** 0.5


def test_refused() -> None:
    with pytest.raises(rnscli.InputError, match="`weight_gradient` is FP16; it must be fp32, an"):
        convert(nn.Linear(2, 2), flow(4), weight_gradient="FP16")
    with pytest.raises(rnscli.InputError, match="`core` is of type int"):
        convert(nn.Linear(2, 2), flow(4), input_gradient=4)  # type: ignore[arg-type]
    with pytest.raises(rnscli.InputError, match="without one all is in FP32"):
        rnscli.TrainingParameters(
            network=None,
            data=None,
            recipe=rnscli.Recipe(),
            gradients=GradientFlows(None, None),  # type: ignore[arg-type]
        )
