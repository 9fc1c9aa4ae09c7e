"""Gradients pass the rounding straight through, and their products are computed on the core."""

import itertools

import pytest
import torch
from comparison import COARSE, FINE, Calls, assert_near, normal, numpy_product
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

import rnscli
from rnscli.torch import AnalogConv2d, AnalogLinear, convert, recording

SIX_BITS = rnscli.analog_core("rns", bits=6, vector_size=32)


def test_of_a_linear_layer_bit_for_bit() -> None:
    torch.manual_seed(0)
    layer = AnalogLinear(50, 9, core=COARSE)
    x, grad = normal(7, 50).requires_grad_(), normal(7, 9, seed=1)
    layer(x).backward(grad)
    assert torch.equal(x.grad, numpy_product(grad, layer.weight, COARSE))
    assert torch.equal(layer.weight.grad, numpy_product(x.t(), grad, COARSE).t())
    assert torch.equal(layer.bias.grad, grad.sum(0))
    assert not torch.equal(x.grad, grad @ layer.weight)


def test_of_all_rows_of_a_batch_together() -> None:
    """The weight gradient is one product over all of them, in tiles of its own."""
    torch.manual_seed(0)
    layer = AnalogLinear(12, 9, core=COARSE)
    x, grad = normal(3, 7, 12), normal(3, 7, 9, seed=1)
    layer(x).backward(grad)
    expected = numpy_product(x.reshape(21, 12).t(), grad.reshape(21, 9), COARSE)
    assert torch.equal(layer.weight.grad, expected.t())


def test_of_a_stack_bit_for_bit() -> None:
    x, w = normal(3, 7, 20).requires_grad_(), normal(3, 20, 9, seed=1).requires_grad_()
    grad = normal(3, 7, 9, seed=2)
    convert(Calls(torch.bmm), COARSE)(x, w).backward(grad)
    for one in range(3):
        assert torch.equal(x.grad[one], numpy_product(grad[one], w[one].t(), COARSE))
        assert torch.equal(w.grad[one], numpy_product(x[one].t(), grad[one], COARSE))


def test_of_a_convolution_bit_for_bit() -> None:
    torch.manual_seed(0)
    layer = AnalogConv2d(2, 5, 3, padding=1, core=COARSE)
    images, grad = normal(2, 2, 4, 6).requires_grad_(), normal(2, 5, 4, 6, seed=1)
    layer(images).backward(grad)
    patches = functional.unfold(images.detach(), 3, padding=1).transpose(1, 2).reshape(48, 18)
    rows = grad.permute(0, 2, 3, 1).reshape(48, 5)
    expected = numpy_product(patches.t(), rows, COARSE).t().view(5, 2, 3, 3)
    assert torch.equal(layer.weight.grad, expected)
    to_patches = numpy_product(rows, layer.weight.reshape(5, 18), COARSE)
    folded = functional.fold(to_patches.view(2, 24, 18).transpose(1, 2), (4, 6), 3, padding=1)
    # Up to nine numbers are added for each pixel, in an order that is PyTorch's.
    assert torch.allclose(images.grad, folded, rtol=0, atol=1e-5)


def test_rounding_has_no_gradient_of_its_own() -> None:
    """So flat is rounding to 7 levels that its true gradient is zero nearly everywhere."""
    model = convert(Calls(lambda x, w: (x * 2) @ w), FINE)
    x, w = normal(6, 40).requires_grad_(), normal(40, 5, seed=1).requires_grad_()
    model(x, w).sum().backward()
    assert_near(x.grad, 2 * w.detach().sum(1).expand(6, 40))
    assert_near(w.grad, 2 * x.detach().sum(0).unsqueeze(1).expand(40, 5))


def test_what_needs_no_gradient_has_no_product() -> None:
    layer = AnalogLinear(12, 9, core=COARSE)
    roles = []
    for x_needs, w_needs in itertools.product((False, True), repeat=2):
        layer.weight.requires_grad_(w_needs)
        with recording() as made:
            layer(normal(7, 12).requires_grad_(x_needs)).sum().backward()
        roles.append([kind.role for kind in made.kinds])
    forward, to_x, to_w = "forward", "input-gradient", "weight-gradient"
    assert roles == [[forward], [forward, to_w], [forward, to_x], [forward, to_x, to_w]]


def test_gradients_add_up_over_uses_of_one_layer() -> None:
    torch.manual_seed(0)
    layer = AnalogLinear(12, 12, core=FINE)
    plain = nn.Linear(12, 12)
    plain.load_state_dict(layer.state_dict())
    for one in (layer, plain):
        one(one(normal(7, 12))).sum().backward()
    assert_near(layer.weight.grad, plain.weight.grad)


@pytest.mark.parametrize(
    "model",
    [
        nn.Linear(8, 5),
        nn.Sequential(nn.Unflatten(1, (2, 2, 2)), nn.Conv2d(2, 4, 2, groups=2, padding=1)),
        nn.Sequential(nn.Linear(8, 5), nn.Tanh(), nn.Linear(5, 1)),
        Calls(lambda x: x.view(3, 2, 4) @ x.view(3, 4, 2)),
    ],
)
def test_second_derivatives(model: nn.Module) -> None:
    """Rounding is passed straight through there, too: also where the first is constant in x."""
    torch.manual_seed(0)
    for layer in model.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            layer.reset_parameters()
    found = []
    for one in (convert(model, FINE), model):
        x = normal(3, 8).requires_grad_()
        (first,) = torch.autograd.grad(one(x).sum(), x, create_graph=True)
        (first.square().sum() + 0 * one(x).sum()).backward()
        found.append([x.grad, *(p.grad for p in one.parameters() if p.dim() > 1)])
        one.zero_grad()
    for analog, digital in zip(*found, strict=True):
        assert digital is not None
        assert_near(analog, digital)


def test_a_network_learns_on_few_bits() -> None:
    """Two clouds of points, apart by four standard deviations: 6 bits learn to tell them."""
    torch.manual_seed(0)
    labels = torch.arange(200) % 2
    points = normal(200, 10) + 4 / 10**0.5 * labels.unsqueeze(1)
    model = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 2))
    optimiser = torch.optim.Adam(model.parameters(), 0.01)
    analog = convert(model, SIX_BITS, inplace=True)  # ... of which the optimiser knows nothing
    for _ in range(60):
        optimiser.zero_grad()
        functional.cross_entropy(analog(points), labels).backward()
        optimiser.step()
    right = (analog(points).argmax(1) == labels).float().mean()
    assert float(right) > 0.95


@pytest.mark.parametrize("reentrant", [False, True])
def test_layers_under_checkpoints(reentrant: bool) -> None:
    """Computed again in the backward pass, with the same noise."""
    core = rnscli.analog_core("rns", bits=6, vector_size=16, p=0.01)

    class Model(nn.Module):
        def __init__(self, saves: bool) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.body = nn.Sequential(nn.Linear(20, 20), nn.Tanh(), nn.Linear(20, 4))
            self.saves = saves

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            found = (
                checkpoint(self.body, x, use_reentrant=reentrant) if self.saves else self.body(x)
            )
            assert isinstance(found, torch.Tensor)
            return found

    results = []
    for saves in (False, True):
        model, x = convert(Model(saves), core), normal(7, 20).requires_grad_()
        torch.manual_seed(5)
        y = model(x)
        torch.manual_seed(6)
        y.sum().backward()
        results.append((y.detach(), [p.grad.shape for p in model.parameters()]))
    assert torch.equal(results[0][0], results[1][0])
    assert results[0][1] == results[1][1]
