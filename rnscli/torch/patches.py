"""Patches of images as rows of a matrix (im2col)."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

Pair = tuple[int, int]
# Where patches begin and what is in them is found once for so many images, and read for each.
_FEW = 4


def patches(images: Tensor, kernel: Pair, stride: Pair, dilation: Pair) -> Tensor:
    """Rows ``(N, positions, C * kernel area)`` of images ``(N, C, H, W)``, which are padded.

    The terms are in the order that weights ``(outputs, C, *kernel)`` have. It is what
    `torch.nn.functional.unfold` gives, transposed, in a third of the time.
    """
    found: Tensor = _Patches.apply(images, kernel, stride, dilation)  # type: ignore[no-untyped-call]
    return found


class _Patches(torch.autograd.Function):
    """Cut, and in the backward pass added up."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, kernel: Pair, stride: Pair, dilation: Pair) -> Tensor:
        ctx.shape, ctx.cut = images.shape, (kernel, stride, dilation)
        if len(images) < _FEW:
            return _rows(images, kernel, stride, dilation)
        _, channels, height, width = images.shape
        size = channels * height * width
        small = torch.int32 if size < 2**31 else torch.int64
        positions = torch.arange(size, dtype=small, device=images.device)
        read = _rows(positions.view(1, channels, height, width), kernel, stride, dilation)
        found = images.reshape(len(images), size).index_select(1, read.reshape(-1))
        return found.view(len(images), *read.shape[1:])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        images, channels, height, width = ctx.shape
        kernel, stride, dilation = ctx.cut
        rows, columns = (
            (length - spread * (size - 1) - 1) // step + 1
            for length, size, step, spread in zip(
                (height, width), kernel, stride, dilation, strict=True
            )
        )
        parts = grad.view(images, rows, columns, channels, *kernel)
        total = grad.new_zeros(images, height, width, channels)
        for i in range(kernel[0]):
            for j in range(kernel[1]):
                top, left = i * dilation[0], j * dilation[1]
                total[
                    :,
                    top : top + (rows - 1) * stride[0] + 1 : stride[0],
                    left : left + (columns - 1) * stride[1] + 1 : stride[1],
                ] += parts[..., i, j]
        return total.permute(0, 3, 1, 2), None, None, None


def _rows(images: Tensor, kernel: Pair, stride: Pair, dilation: Pair) -> Tensor:
    """By a window that slides."""
    windows = images
    for axis in (2, 3):
        spread = dilation[axis - 2]
        length = spread * (kernel[axis - 2] - 1) + 1
        windows = windows.unfold(axis, length, stride[axis - 2])[..., ::spread]
    count, channels, rows, columns, *_ = windows.shape
    terms = channels * kernel[0] * kernel[1]
    return windows.permute(0, 2, 3, 1, 4, 5).reshape(count, rows * columns, terms)
