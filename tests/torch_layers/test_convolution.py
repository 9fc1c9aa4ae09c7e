"""`AnalogConv2d` beside `torch.nn.Conv2d`."""

from typing import Any

import pytest
import torch
from comparison import COARSE, FINE, Calls, assert_near, assert_same_as_digital, normal
from torch import Tensor, nn
from torch.nn import functional

import rnscli
from rnscli.torch import AnalogConv2d, convert, recording


def convolution(*arguments: Any, **options: Any) -> nn.Conv2d:
    torch.manual_seed(0)
    return nn.Conv2d(*arguments, **options)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"bias": False},
        {"stride": 2},
        {"stride": (1, 3), "padding": (2, 1)},
        {"padding": 1},
        {"padding": "valid", "dilation": 2},
        {"padding": "same"},
        {"padding": "same", "dilation": (2, 3)},
        {"padding": 1, "padding_mode": "reflect"},
        {"padding": (2, 1), "padding_mode": "circular", "stride": 2},
        {"padding": "same", "padding_mode": "replicate"},
        {"groups": 2, "padding": 1},
        {"groups": 4, "bias": False},
        {"groups": 4, "stride": 2, "dilation": (1, 2)},
    ],
    ids=str,
)
def test_options(options: dict[str, Any]) -> None:
    assert_same_as_digital(convolution(4, 8, 3, **options), normal(3, 4, 9, 8))


# PyTorch warns once about what its own convolution does with even kernels.
@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("kernel", [1, (1, 4), (4, 1), (2, 4)])
@pytest.mark.parametrize("padding", [0, "same"])
def test_kernels(kernel: Any, padding: Any) -> None:
    assert_same_as_digital(convolution(4, 6, kernel, padding=padding), normal(2, 4, 6, 7))


@pytest.mark.parametrize("mode", ["zeros", "reflect", "circular"])
def test_one_image_without_a_batch(mode: str) -> None:
    layer = convolution(4, 6, 3, padding=1, padding_mode=mode)
    assert_same_as_digital(layer, normal(4, 5, 6))


@pytest.mark.parametrize("groups", [1, 2])
def test_batch_of_none(groups: int) -> None:
    assert_same_as_digital(convolution(4, 6, 3, groups=groups), normal(0, 4, 5, 6))


def test_images_of_any_layout() -> None:
    layer, images = convolution(4, 6, 3, padding=1), normal(2, 4, 5, 6)
    assert_same_as_digital(layer, images.to(memory_format=torch.channels_last))
    assert_same_as_digital(layer, normal(2, 5, 6, 4).permute(0, 3, 1, 2))
    assert_same_as_digital(layer, normal(2, 4, 10, 12)[:, :, ::2, ::2])
    assert_same_as_digital(layer.to(memory_format=torch.channels_last), images)


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_every_patch_is_a_row_of_a_product(groups: int) -> None:
    """Bit for bit what NumPy makes of patches that are cut out one by one."""
    layer = convolution(4, 8, (3, 2), stride=(2, 1), padding=(1, 0), groups=groups, bias=False)
    images = normal(2, 4, 5, 6)
    padded = functional.pad(images, (0, 0, 1, 1)).numpy()
    expected = torch.empty(layer(images).shape)
    each = 4 // groups
    for group in range(groups):
        mine = slice(group * 8 // groups, (group + 1) * 8 // groups)
        weights = layer.weight[mine].detach().reshape(8 // groups, -1).T.numpy()
        matrix = rnscli.AnalogMatrix(weights, COARSE)
        for image, row, column in torch.cartesian_prod(*map(torch.arange, (2, 3, 5))).tolist():
            window = padded[image, :, 2 * row : 2 * row + 3, column : column + 2]
            patch = window[group * each : (group + 1) * each].reshape(-1)
            expected[image, mine, row, column] = torch.from_numpy(patch @ matrix)
    assert torch.equal(convert(layer, COARSE)(images), expected)


def test_the_function_in_a_forward() -> None:
    weight = normal(6, 2, 3, 3)

    def given(x: Tensor, bias: Tensor, weight: Tensor) -> Tensor:
        return functional.conv2d(x, weight, bias, (2, 1), padding=(1, 2), groups=2)

    def named(x: Tensor, weight: Tensor) -> Tensor:
        return torch.conv2d(input=x, weight=weight, groups=2, padding="same", dilation=2)

    assert_same_as_digital(Calls(given, weight), normal(2, 4, 7, 6), normal(6))
    assert_same_as_digital(Calls(named, weight), normal(2, 4, 7, 6))


def test_made_without_a_model() -> None:
    torch.manual_seed(0)
    layer = AnalogConv2d(4, 8, 3, padding="same", groups=2, core=FINE)
    expected = convolution(4, 8, 3, padding="same", groups=2)
    assert_near(layer(normal(1, 4, 5, 5)), expected(normal(1, 4, 5, 5)))
    assert "padding=same, groups=2, core=rns" in repr(layer)


def test_images_that_do_not_fit_are_refused_as_by_pytorch() -> None:
    layer = convert(convolution(4, 6, 3), FINE)
    with pytest.raises(RuntimeError, match="4 channels got an input of shape"):
        layer(normal(2, 3, 5, 5))
    with pytest.raises(RuntimeError):
        layer(normal(2, 4, 2, 2))
    with pytest.raises(RuntimeError):
        layer(normal(4, 4))


def test_as_many_groups_as_channels_take_no_more_work_than_a_full_convolution() -> None:
    """Counted, not timed: nothing grows with the square of the channels."""
    layer = convert(convolution(256, 256, 3, groups=256, padding=1, bias=False), COARSE)
    with recording() as made, torch.no_grad():
        layer(normal(1, 256, 6, 6))
    (kind,) = made.kinds
    assert (kind.k, kind.n, kind.matrices, made.kinds[kind].rows) == (9, 1, 256, 256 * 36)
    assert made.counts.dot_products == 256 * 36
