"""Convolutions of one and three dimensions, and transposed ones."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from comparison import COARSE, FINE, Calls, assert_near, assert_same_as_digital, normal
from torch import Tensor, nn
from torch.nn import functional

from rnscli.torch import ProductKind, conversion, convert, recording


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (lambda: nn.Conv1d(4, 6, 3), (2, 4, 9)),
        (lambda: nn.Conv1d(4, 6, 3, stride=2, padding=2, dilation=2, groups=2), (2, 4, 11)),
        (lambda: nn.Conv1d(4, 6, 4, padding="same", padding_mode="circular"), (4, 9)),
        (lambda: nn.Conv1d(4, 6, 2, padding="valid", bias=False), (5, 4, 9)),
        (lambda: nn.Conv3d(2, 4, (2, 3, 1)), (2, 2, 4, 5, 3)),
        (lambda: nn.Conv3d(4, 4, 3, (1, 2, 1), (2, 1, 0), (2, 1, 1), 2), (2, 4, 4, 5, 3)),
        (lambda: nn.Conv3d(2, 3, 2, padding="same", padding_mode="replicate"), (2, 3, 4, 3)),
        (lambda: nn.ConvTranspose1d(4, 6, 3), (2, 4, 9)),
        (lambda: nn.ConvTranspose1d(4, 6, 3, 3, 1, 2, 2, dilation=2), (2, 4, 5)),
        (lambda: nn.ConvTranspose1d(4, 6, 2, 2, bias=False), (4, 5)),
        (lambda: nn.ConvTranspose2d(4, 6, (2, 3), (2, 1), (0, 1), (1, 0)), (2, 4, 3, 5)),
        (lambda: nn.ConvTranspose2d(4, 6, 3, 1, 0, 1, 2, dilation=2), (2, 4, 3, 5)),
        (lambda: nn.ConvTranspose3d(4, 2, (2, 3, 2), (2, 1, 2), (1, 0, 1)), (1, 4, 3, 2, 3)),
        (lambda: nn.ConvTranspose3d(4, 2, 2, 2, 0, 1, 2, dilation=(1, 2, 1)), (4, 2, 2, 3)),
    ],
)
def test_layers(layer: Callable[[], nn.Module], shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    model = layer()
    assert_same_as_digital(model, normal(*shape))
    analog = convert(model, COARSE, strict=True)
    assert analog.state_dict().keys() == model.state_dict().keys()
    assert conversion(analog).digital == ()


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_transposed_layers_of_a_wanted_size(axes: int) -> None:
    torch.manual_seed(0)
    model = getattr(nn, f"ConvTranspose{axes}d")(2, 3, 3, stride=2)
    size = [8, 7, 8][:axes]
    x = normal(2, 2, *[3] * axes)
    assert_same_as_digital(model, x, output_size=size)
    assert list(convert(model, FINE)(x, output_size=size).shape) == [2, 3, *size]


@pytest.mark.parametrize(
    ("function", "shapes"),
    [
        (functional.conv1d, ((2, 4, 9), (6, 4, 3), (6,))),
        (lambda x, w: functional.conv1d(x, w, None, 2, "valid", groups=2), ((4, 9), (6, 2, 3))),
        (lambda x, w: functional.conv3d(x, w, padding=1), ((1, 2, 3, 4, 5), (3, 2, 2, 2, 2))),
        (lambda x, w: functional.conv3d(x, w, padding="same"), ((2, 3, 4, 5), (3, 2, 2, 3, 2))),
        (functional.conv_transpose1d, ((2, 4, 9), (4, 2, 3), (2,))),
        (lambda x, w: functional.conv_transpose2d(x, w, stride=2), ((4, 3, 3), (4, 2, 3, 2))),
        (functional.conv_transpose3d, ((1, 2, 2, 3, 3), (2, 3, 2, 2, 2))),
        (lambda x, w, b: torch.conv_tbc(x, w, b, 1), ((9, 2, 4), (3, 4, 6), (6,))),
        (
            lambda x, w: torch.convolution(x, w, None, [2], [1], [1], True, [1], 2),
            ((2, 4, 5), (4, 3, 3)),
        ),
        (
            lambda x, w: torch.convolution(x, w, None, [2, 1], [1, 0], [1, 1], False, [0, 0], 2),
            ((2, 4, 5, 6), (6, 2, 3, 3)),
        ),
        (functional.conv_transpose1d, ((0, 4, 9), (4, 2, 3))),
    ],
)
def test_functions(function: Callable[..., Tensor], shapes: tuple[tuple[int, ...], ...]) -> None:
    operands = [normal(*shape, seed=seed) for seed, shape in enumerate(shapes)]
    assert_same_as_digital(Calls(function), *operands)


def test_products_by_hand() -> None:
    """Rows, terms and columns, worked out by hand, and dot products in tiles of 16 terms."""
    layers = {
        "1d": (nn.Conv1d(6, 5, 3), (2, 6, 9), 2 * 7, 18, 5, 1),
        "3d": (nn.Conv3d(2, 5, (2, 3, 1)), (2, 2, 4, 5, 3), 2 * 3 * 3 * 3, 12, 5, 1),
        "up": (nn.ConvTranspose1d(20, 4, 3, 2), (2, 20, 9), 2 * 9, 20, 12, 1),
        "groups": (nn.ConvTranspose2d(4, 4, 2, groups=2), (1, 4, 3, 2), 2 * 6, 2, 8, 2),
    }
    for name, (layer, shape, rows, terms, columns, matrices) in layers.items():
        with recording() as made, torch.no_grad():
            convert(nn.ModuleDict({name: layer}), COARSE)[name](normal(*shape))
        ((kind, entry),) = made.kinds.items()
        assert kind == ProductKind(name, "forward", terms, columns, True, matrices)
        assert entry.rows == rows
        assert entry.counts.dot_products == rows * columns * -(-terms // 16)


def rounded_product(x: Any, w: Any) -> Any:
    """In plain NumPy, as a core of 4 bits and 16 terms computes it: steps, integers, sums."""
    total = np.zeros((x.shape[0], w.shape[1]))
    for begin in range(0, x.shape[1], 16):
        rows, columns = x[:, begin : begin + 16], w[begin : begin + 16]
        steps = [np.abs(rows).max(1, keepdims=True) / 7, np.abs(columns).max(0, keepdims=True) / 7]
        whole = [
            np.rint(values / step) for values, step in zip((rows, columns), steps, strict=True)
        ]
        total += (whole[0] @ whole[1]) * steps[0] * steps[1]
    return total


def test_a_transposed_convolution_is_a_product_whose_results_overlap() -> None:
    layer = nn.ConvTranspose1d(20, 3, 4, stride=2, padding=1, bias=False)
    x = normal(1, 20, 6)
    parts = rounded_product(
        x[0].T.double().numpy(), layer.weight.detach().flatten(1).double().numpy()
    ).reshape(6, 3, 4)
    full = np.zeros((3, 14))
    for position in range(6):
        full[:, 2 * position : 2 * position + 4] += parts[position]
    found = convert(layer, COARSE)(x)[0].detach()
    assert_near(found, torch.from_numpy(full[:, 1:-1]).float(), share=1e-6)


def test_a_convolution_of_signals_and_of_volumes_is_the_product_of_its_patches() -> None:
    signal, weight = normal(1, 7, 9), normal(4, 7, 3, seed=1)
    patches = signal[0].unfold(1, 3, 1).permute(1, 0, 2).reshape(7, 21)
    expected = rounded_product(patches.double().numpy(), weight.flatten(1).T.double().numpy())
    found = convert(Calls(functional.conv1d), COARSE)(signal, weight)[0]
    assert_near(found, torch.from_numpy(expected.T.copy()).float(), share=1e-6)
    volume, weight = normal(1, 2, 4, 3, 3), normal(5, 2, 3, 2, 2, seed=1)
    patches = volume[0].unfold(1, 3, 1).unfold(2, 2, 1).unfold(3, 2, 1)
    rows = patches.permute(1, 2, 3, 0, 4, 5, 6).reshape(8, 24)
    expected = rounded_product(rows.double().numpy(), weight.flatten(1).T.double().numpy())
    found = convert(Calls(functional.conv3d), COARSE)(volume, weight)[0].flatten(1)
    assert_near(found, torch.from_numpy(expected.T.copy()).float(), share=1e-6)


def test_shapes_that_do_not_fit_are_refused() -> None:
    for layer, shape in (
        (nn.Conv1d(4, 6, 3), (2, 3, 9)),
        (nn.Conv1d(4, 6, 3), (9,)),
        (nn.Conv3d(2, 6, 3), (1, 3, 4, 4, 4)),
        (nn.ConvTranspose2d(4, 6, 3), (2, 3, 9, 9)),
    ):
        with pytest.raises(RuntimeError):
            convert(layer, COARSE)(normal(*shape))
    with pytest.raises(RuntimeError, match="output_padding"):
        convert(nn.ConvTranspose1d(4, 6, 3, stride=2, output_padding=2), COARSE)(normal(2, 4, 5))


def test_second_derivatives_of_a_transposed_convolution() -> None:
    layer = nn.ConvTranspose1d(3, 2, 3, 2).double()
    found = []
    for model in (layer, convert(layer, FINE)):
        x = normal(1, 3, 4).double().requires_grad_()
        (first,) = torch.autograd.grad(model(x).pow(3).sum(), x, create_graph=True)
        (second,) = torch.autograd.grad(first.pow(2).sum(), x)
        found.append(second)
    assert_near(found[1], found[0], share=0.02)
