"""Patches of images as rows of a matrix (im2col)."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

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
