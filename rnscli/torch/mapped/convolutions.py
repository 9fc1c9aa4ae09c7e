"""Convolutions of one and three dimensions, and transposed ones, on a core."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnscli.torch.compiling import apart
from rnscli.torch.interception import called
from rnscli.torch.mapped.layers import AnalogConvolution, analog_conv2d, convolved
from rnscli.torch.mapped.patches import Sizes, around, each, padded
from rnscli.torch.product import Place, stored_matmul


def analog_conv1d(
    place: Place,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: str | Sizes = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """`torch.nn.functional.conv1d` on a core: that of images with one row."""
    _check(input, weight, 1)
    (step,), (spread,) = each(stride, 1), each(dilation, 1)
    border = padding if isinstance(padding, str) else (0, *each(padding, 1))
    images, kernels = input.unsqueeze(-2), weight.unsqueeze(-2)
    found = analog_conv2d(
        place, images, kernels, bias, (1, step), border, (1, spread), groups
    )  # fmt: skip
    return found.squeeze(-2)


def analog_conv3d(
    place: Place,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: str | Sizes = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """`torch.nn.functional.conv3d` on a core.

    Dot products run over the input channels of a group and all of the kernel: the layers of a
    volume that a kernel covers are channels of an image.
    """
    _check(input, weight, 3)
    if input.dim() == 4:
        batch = input.unsqueeze(0)
        return analog_conv3d(
            place, batch, weight, bias, stride, padding, dilation, groups
        ).squeeze(0)  # fmt: skip
    outputs, channels, depth, *area = weight.shape
    (step, *steps), (spread, *spreads) = each(stride, 3), each(dilation, 3)
    border = around(padding, weight.shape[2:], (spread, *spreads))
    volume = padded(input, border)
    windows = volume.unfold(2, spread * (depth - 1) + 1, step)[..., ::spread]
    images, count, layers = windows.shape[:3]
    slices = windows.permute(0, 2, 1, 5, 3, 4)
    slices = slices.reshape(images * layers, count * depth, *slices.shape[-2:])
    kernels = weight.reshape(outputs, channels * depth, *area)
    found = analog_conv2d(place, slices, kernels, bias, steps, 0, spreads, groups)
    return found.reshape(images, layers, *found.shape[1:]).transpose(1, 2)


def analog_conv_transpose(
    place: Place,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Tensor:
    """`torch.nn.functional.conv_transpose1d`, ``2d`` or ``3d`` on a core.

    The array holds a matrix (input channels, output channels x kernel) for each group: dot
    products run over the input channels of a position. Where kernels overlap, their results are
    added in FP32.
    """
    axes = weight.dim() - 2
    if input.dim() == axes + 1:
        single = input.unsqueeze(0)
        return analog_conv_transpose(
            place, single, weight, bias, stride, padding, output_padding, groups, dilation
        ).squeeze(0)  # fmt: skip
    channels, outputs, *kernel = weight.shape
    if input.dim() != axes + 2 or input.shape[1] != channels or channels % groups:
        raise RuntimeError(
            f"a transposed convolution of {channels} channels in {groups} groups got an input of "
            f"shape {tuple(input.shape)}"
        )
    steps, spreads, more = (each(one, axes) for one in (stride, dilation, output_padding))
    if any(extra >= max(*pair) for extra, *pair in zip(more, steps, spreads, strict=True)):
        raise RuntimeError("output_padding must be smaller than stride or dilation")
    images, _, *size = input.shape
    positions = math.prod(size)
    columns = weight.reshape(groups, channels // groups, outputs * math.prod(kernel))
    if groups == 1:
        found = stored_matmul(input.flatten(2).transpose(1, 2), columns[0], place)
        found = found.transpose(1, 2)
    else:
        rows = input.reshape(images, groups, channels // groups, positions).permute(1, 0, 3, 2)
        rows = rows.reshape(groups, images * positions, channels // groups)
        found = stored_matmul(rows, columns, place)
        found = found.view(groups, images, positions, columns.shape[-1]).permute(1, 0, 3, 2)
    found = found.reshape(images, groups * outputs, *kernel, *size)
    full = _overlapped(found, tuple(kernel), tuple(size), steps, spreads)
    # No more than what padding leaves, or some zeros that no kernel reaches.
    cut = [
        border
        for less, extra in zip(reversed(each(padding, axes)), reversed(more), strict=True)
        for border in (-less, extra - less)
    ]
    result = functional.pad(full, cut) if any(cut) else full
    return result if bias is None else result + bias.to(result.dtype).view(-1, *[1] * axes)


def _overlapped(
    parts: Tensor,
    kernel: tuple[int, ...],
    size: tuple[int, ...],
    steps: tuple[int, ...],
    spreads: tuple[int, ...],
) -> Tensor:
    """Results ``(N, C, *kernel, *size)`` of kernels, added where these overlap."""
    images, channels = parts.shape[:2]
    whole = tuple(
        (length - 1) * step + spread * (area - 1) + 1
        for length, area, step, spread in zip(size, kernel, steps, spreads, strict=True)
    )
    if not images:  # which fold refuses
        return parts.reshape(0, channels, *whole)
    if len(size) == 1:
        flat = parts.reshape(images, channels * kernel[0], size[0])
        return functional.fold(
            flat, (1, whole[0]), (1, kernel[0]), (1, spreads[0]), 0, (1, steps[0])
        ).squeeze(-2)  # fmt: skip
    if len(size) == 3:
        # First within each layer, then the layers.
        depth, layers = kernel[0], size[0]
        moved = parts.permute(0, 1, 2, 5, 3, 4, 6, 7)
        flat = moved.reshape(
            images * channels * depth * layers, math.prod(kernel[1:]), math.prod(size[1:])
        )
        plane = functional.fold(flat, whole[1:], kernel[1:], spreads[1:], 0, steps[1:])
        area = whole[1] * whole[2]
        found = functional.fold(
            plane.reshape(images, channels * depth, layers * area),
            (whole[0], area), (depth, 1), (spreads[0], 1), 0, (steps[0], 1),
        )  # fmt: skip
        return found.reshape(images, channels, *whole)
    flat = parts.reshape(images, channels * math.prod(kernel), math.prod(size))
    return functional.fold(flat, whole, kernel, spreads, 0, steps)


def analog_convolution(
    place: Place,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    transposed: bool,
    output_padding: Sizes,
    groups: int,
) -> Any:
    """`torch.convolution`, which is all of them, on a core."""
    if transposed:
        return analog_conv_transpose(
            place, input, weight, bias, stride, padding, output_padding, groups, dilation
        )
    found = {3: analog_conv1d, 4: analog_conv2d, 5: analog_conv3d}.get(weight.dim())
    if found is None:
        return NotImplemented
    return found(place, input, weight, bias, stride, padding, dilation, groups)


def analog_conv_tbc(
    place: Place, input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0
) -> Tensor:
    """`torch.conv_tbc` on a core: time, batch and channels in this order."""
    signal, kernels = input.permute(1, 2, 0), weight.permute(2, 1, 0)
    return analog_conv1d(place, signal, kernels, bias, 1, pad).permute(2, 0, 1)


def _check(input: Tensor, weight: Tensor, axes: int) -> None:
    if weight.dim() != axes + 2 or input.dim() not in (axes + 1, axes + 2):
        raise RuntimeError(
            f"a convolution of {axes} dimensions got an input of shape {tuple(input.shape)} and "
            f"weights of shape {tuple(weight.shape)}"
        )


def _spread(
    layer: Any, input: Tensor, output_size: list[int] | None, function: Callable[..., Any]
) -> Tensor:
    if layer.padding_mode != "zeros":
        raise ValueError("a transposed convolution is padded with zeros only")
    axes = len(layer.kernel_size)
    output_padding = layer._output_padding(
        input, output_size, layer.stride, layer.padding, layer.kernel_size, axes, layer.dilation
    )
    found: Tensor = called(
        layer.place, function, analog_conv_transpose, input, layer.weight, layer.bias,
        layer.stride, layer.padding, tuple(output_padding), layer.groups, layer.dilation,
    )  # fmt: skip
    return found


class AnalogConv1d(AnalogConvolution, nn.Conv1d):
    """As `rnscli.torch.AnalogConv2d`, for `torch.nn.Conv1d`.

    Examples
    --------
    >>> import rnscli
    >>> layer = AnalogConv1d(2, 4, 3, core=rnscli.analog_core("rns", bits=6))
    >>> layer(torch.ones(1, 2, 7)).shape
    torch.Size([1, 4, 5])
    """

    function = "conv1d"

    @apart
    def forward(self, input: Tensor) -> Tensor:
        return convolved(self, input, torch.conv1d, analog_conv1d)


class AnalogConv3d(AnalogConvolution, nn.Conv3d):
    """As `rnscli.torch.AnalogConv2d`, for `torch.nn.Conv3d`.

    Examples
    --------
    >>> import rnscli
    >>> layer = AnalogConv3d(1, 2, 3, core=rnscli.analog_core("rns", bits=6))
    >>> layer(torch.ones(1, 1, 5, 4, 3)).shape
    torch.Size([1, 2, 3, 2, 1])
    """

    function = "conv3d"

    @apart
    def forward(self, input: Tensor) -> Tensor:
        return convolved(self, input, torch.conv3d, analog_conv3d)


class AnalogConvTranspose1d(AnalogConvolution, nn.ConvTranspose1d):
    """A transposed convolution whose products are computed on a core.

    The array holds a matrix (input channels, output channels x kernel) for each group: dot
    products run over the input channels of one position. Where kernels overlap, results are added
    in FP32, and so is the bias. Parameters and ``state_dict`` are those of the original.

    Parameters
    ----------
    *arguments, **options
        As of `torch.nn.ConvTranspose1d`.
    core
        The core, or a `rnscli.Dataflow` on it.

    Examples
    --------
    >>> import rnscli
    >>> layer = AnalogConvTranspose1d(3, 2, 4, stride=2, core=rnscli.analog_core("rns", bits=6))
    >>> layer(torch.ones(1, 3, 5)).shape
    torch.Size([1, 2, 12])
    """

    function = "conv_transpose1d"

    @apart
    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        return _spread(self, input, output_size, torch.conv_transpose1d)


class AnalogConvTranspose2d(AnalogConvolution, nn.ConvTranspose2d):
    """As `AnalogConvTranspose1d`, for `torch.nn.ConvTranspose2d`.

    Examples
    --------
    >>> import rnscli
    >>> layer = AnalogConvTranspose2d(3, 2, 2, stride=2, core=rnscli.analog_core("rns", bits=6))
    >>> layer(torch.ones(1, 3, 5, 4)).shape
    torch.Size([1, 2, 10, 8])
    """

    function = "conv_transpose2d"

    @apart
    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        return _spread(self, input, output_size, torch.conv_transpose2d)


class AnalogConvTranspose3d(AnalogConvolution, nn.ConvTranspose3d):
    """As `AnalogConvTranspose1d`, for `torch.nn.ConvTranspose3d`.

    Examples
    --------
    >>> import rnscli
    >>> layer = AnalogConvTranspose3d(3, 2, 2, core=rnscli.analog_core("rns", bits=6))
    >>> layer(torch.ones(1, 3, 2, 3, 4)).shape
    torch.Size([1, 2, 3, 4, 5])
    """

    function = "conv_transpose3d"

    @apart
    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        return _spread(self, input, output_size, torch.conv_transpose3d)
