"""`torch.nn.Conv2d` on a core."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from rnscli.core import Core
from rnscli.matrix import Dataflow
from rnscli.torch.layers import AnalogLayer, described, placed
from rnscli.torch.product import Place, stored_matmul

Pair = tuple[int, int]
# Where patches begin and what is in them is found once for so many images, and read for each.
_FEW = 4


def patches(images: Tensor, kernel: Pair, stride: Pair, dilation: Pair, groups: int) -> Tensor:
    """Rows ``(N, groups, positions, C/groups * kernel area)`` of padded images ``(N, C, H, W)``.

    The terms are in the order that weights ``(outputs, C/groups, *kernel)`` have. It is what
    `torch.nn.functional.unfold` gives, transposed, in a third of the time.
    """
    cut = kernel, stride, dilation, groups
    found: Tensor = _Patches.apply(images, *cut)  # type: ignore[no-untyped-call]
    return found


class _Patches(torch.autograd.Function):
    """Cut, and in the backward pass added up."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, *cut: Any) -> Tensor:
        ctx.shape, ctx.cut = images.shape, cut
        if len(images) < _FEW:
            return _rows(images, *cut)
        size = images.shape[1:].numel()
        small = torch.int32 if size < 2**31 else torch.int64
        positions = torch.arange(size, dtype=small, device=images.device)
        read = _rows(positions.view(1, *images.shape[1:]), *cut)
        found = images.reshape(len(images), size).index_select(1, read.reshape(-1))
        return found.view(len(images), *read.shape[1:])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        images, channels, height, width = ctx.shape
        kernel, stride, dilation, groups = ctx.cut
        rows, columns = (
            (length - spread * (size - 1) - 1) // step + 1
            for length, size, step, spread in zip(
                (height, width), kernel, stride, dilation, strict=True
            )
        )
        each = channels // groups
        parts = grad.view(images, groups, rows, columns, each, *kernel).permute(0, 2, 3, 1, 4, 5, 6)
        total = grad.new_zeros(images, height, width, groups, each)
        for i in range(kernel[0]):
            for j in range(kernel[1]):
                top, left = i * dilation[0], j * dilation[1]
                total[
                    :,
                    top : top + (rows - 1) * stride[0] + 1 : stride[0],
                    left : left + (columns - 1) * stride[1] + 1 : stride[1],
                ] += parts[..., i, j]
        return total.flatten(3).permute(0, 3, 1, 2), None, None, None, None


def _rows(images: Tensor, kernel: Pair, stride: Pair, dilation: Pair, groups: int) -> Tensor:
    """By a window that slides."""
    each = images.shape[1] // groups
    windows = images
    for axis in (2, 3):
        spread = dilation[axis - 2]
        length = spread * (kernel[axis - 2] - 1) + 1
        windows = windows.unfold(axis, length, stride[axis - 2])[..., ::spread]
    count, _, rows, columns, *_ = windows.shape
    windows = windows.view(count, groups, each, *windows.shape[2:]).permute(0, 1, 3, 4, 2, 5, 6)
    return windows.reshape(count, groups, rows * columns, each * kernel[0] * kernel[1])


class AnalogConv2d(AnalogLayer, nn.Conv2d):
    """A convolution whose product is computed on a core; the bias is added in FP32.

    Patches of the image become rows of inputs (im2col), with dot products over the input channels
    and the area of the kernel; each group is a product of its own. Parameters and ``state_dict``
    are those of `torch.nn.Conv2d`.

    Parameters
    ----------
    *arguments, **options
        As of `torch.nn.Conv2d`.
    core
        The core, or a `rnscli.Dataflow` on it.

    Examples
    --------
    >>> import rnscli, torch
    >>> layer = AnalogConv2d(3, 8, 3, padding=1, core=rnscli.analog_core("rns", bits=6))
    >>> layer(torch.ones(2, 3, 5, 5)).shape, sorted(layer.state_dict())
    (torch.Size([2, 8, 5, 5]), ['bias', 'weight'])
    """

    def __init__(self, *arguments: Any, core: Core | Dataflow, **options: Any) -> None:
        """As `torch.nn.Conv2d`."""
        super().__init__(*arguments, **options)
        self.place = placed(core, "conv2d")

    def forward(self, input: Tensor) -> Tensor:
        """The convolution."""
        # As PyTorch keeps the padding for modes other than zeros, and for the padding "same".
        around, mode = self._reversed_padding_repeated_twice, self.padding_mode
        padded = _padded(input, around, "constant" if mode == "zeros" else mode)
        return analog_conv2d(
            padded, self.weight, self.bias, self.stride, 0, self.dilation, self.groups,
            place=self.place,
        )  # fmt: skip

    def extra_repr(self) -> str:
        """With the core."""
        return f"{super().extra_repr()}, {described(self.place)}"  # type: ignore[no-untyped-call]


def analog_conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | str | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    *,
    place: Place,
) -> Tensor:
    """`torch.nn.functional.conv2d` on a core."""
    if input.dim() == 3:
        batch = input.unsqueeze(0)
        return analog_conv2d(
            batch, weight, bias, stride, padding, dilation, groups, place=place
        ).squeeze(0)
    outputs, channels, *_ = weight.shape
    kernel = _pair(weight.shape[2:])
    strides, dilations = _pair(stride), _pair(dilation)
    input = _padded(input, _padding(padding, kernel, dilations))
    if input.dim() != 4 or input.shape[1] != channels * groups:
        raise RuntimeError(
            f"a convolution of {channels * groups} channels got an input of shape "
            f"{tuple(input.shape)}"
        )
    rows = patches(input, kernel, strides, dilations, groups)
    images, _, positions, terms = rows.shape
    width = outputs // groups
    columns = weight.reshape(groups, width, terms).transpose(-1, -2)
    if groups == 1:
        found = stored_matmul(rows.squeeze(1), columns[0], place)
    else:
        # No size is left to be found out, which a batch of no images would not allow.
        rows = rows.transpose(0, 1).reshape(groups, images * positions, terms)
        found = stored_matmul(rows, columns, place)
        found = found.view(groups, images, positions, width).permute(1, 2, 0, 3)
    size = [
        (length - spread * (area - 1) - 1) // step + 1
        for length, area, step, spread in zip(
            input.shape[2:], kernel, strides, dilations, strict=True
        )
    ]
    result = found.reshape(images, positions, outputs).transpose(1, 2)
    result = result.reshape(images, outputs, *size)
    return result if bias is None else result + bias.view(-1, 1, 1)


def _padded(images: Tensor, padding: list[int], mode: str = "constant") -> Tensor:
    """PyTorch copies images even if it adds nothing."""
    return functional.pad(images, padding, mode=mode) if any(padding) else images


def _pair(value: int | Sequence[int]) -> tuple[int, int]:
    if isinstance(value, int):
        return value, value
    first, second = value if len(value) == 2 else (value[0], value[0])
    return first, second


def _padding(
    padding: int | str | Sequence[int], kernel: Sequence[int], dilation: Sequence[int]
) -> list[int]:
    """Zeros at the left, right, top and bottom."""
    if padding == "valid":
        return [0, 0, 0, 0]
    if padding == "same":
        totals = [spread * (width - 1) for width, spread in zip(kernel, dilation, strict=True)]
        (top, bottom), (left, right) = ((n // 2, n - n // 2) for n in totals)
        return [left, right, top, bottom]
    assert not isinstance(padding, str)
    rows, columns = _pair(padding)
    return [columns, columns, rows, rows]
