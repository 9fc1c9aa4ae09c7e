"""Patches of images, a block of them at a time, and products with each block.

A convolution is a product of patches, rows of K terms, with kernels ``(K, outputs)``. All patches
of an image are K / C times as large as the image. Where each row is quantised by itself, a block
of rows that fits in a cache is formed, multiplied and forgotten.

Within, patches are the columns of a matrix: terms ``(C, *kernel)``, then positions. So whole lines
of an image are copied, and products come out as images.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

Pair = tuple[int, int]
Sizes = int | Sequence[int]

_BLOCK = 1 << 19  # values of patches at a time, on a CPU
_FEW = 256  # positions: with fewer in an image, several images are taken together


class Cut(NamedTuple):
    """How kernels move over padded images."""

    kernel: Pair
    stride: Pair
    dilation: Pair

    def positions(self, size: Sequence[int]) -> Pair:
        """How often a kernel fits along each axis."""
        rows, columns = (
            (length - spread * (area - 1) - 1) // step + 1
            for length, area, step, spread in zip(
                size, self.kernel, self.stride, self.dilation, strict=True
            )
        )
        return rows, columns


def each(value: Sizes, axes: int) -> tuple[int, ...]:
    """A number for each axis, where one stands for all."""
    if isinstance(value, int):
        return (value,) * axes
    return tuple(value) if len(value) == axes else (value[0],) * axes


def around(padding: str | Sizes, kernel: Sequence[int], dilation: Sequence[int]) -> list[int]:
    """What `torch.nn.functional.pad` adds, from the last axis on."""
    if padding == "valid":
        return [0, 0] * len(kernel)
    if isinstance(padding, str):
        totals = [n * (width - 1) for width, n in zip(kernel, dilation, strict=True)]
        return [n for total in reversed(totals) for n in (total // 2, total - total // 2)]
    return [n for n in reversed(each(padding, len(kernel))) for _ in range(2)]


def padded(images: Tensor, border: Sequence[int], mode: str = "constant") -> Tensor:
    """With what `around` says; PyTorch copies images even if it adds nothing."""
    return functional.pad(images, [*border], mode=mode) if any(border) else images


class Block(NamedTuple):
    """Some rows of the output of some images."""

    images: slice
    rows: slice


def blocks(images: Tensor, cut: Cut) -> Iterator[Block]:
    """Blocks of patches of ``(N, C, H, W)``, which fit in a cache on a CPU."""
    count, channels = images.shape[:2]
    rows, columns = cut.positions(images.shape[2:])
    if images.device.type != "cpu":
        yield Block(slice(0, count), slice(0, rows))
        return
    terms = channels * math.prod(cut.kernel)
    most = max(columns, _FEW, _BLOCK // terms)
    if rows * columns <= most:
        together = max(1, most // (rows * columns))
        for start in range(0, count, together):
            yield Block(slice(start, min(start + together, count)), slice(0, rows))
        return
    step = max(1, most // columns)
    for image in range(count):
        for start in range(0, rows, step):
            yield Block(slice(image, image + 1), slice(start, min(start + step, rows)))


def patches(images: Tensor, cut: Cut, block: Block, into: Tensor | None = None) -> Tensor:
    """The patches of a block, ``(K, images, rows, columns)``; a buffer may be given for them."""
    kernel, (down, right), (spread_down, spread_right) = cut
    taken = block.images.stop - block.images.start
    rows = block.rows.stop - block.rows.start
    shape = (images.shape[1], *kernel, taken, rows, cut.positions(images.shape[2:])[1])
    to_image, to_channel, to_row, to_column = images.stride()
    strides = (
        to_channel, to_row * spread_down, to_column * spread_right,
        to_image, to_row * down, to_column * right,
    )  # fmt: skip
    first = block.images.start * to_image + block.rows.start * down * to_row
    size = math.prod(shape)
    if into is None or into.numel() < size:
        into = images.new_empty(size)
    every = images.as_strided(shape, strides, images.storage_offset() + first)
    found = into[:size].view(shape).copy_(every)
    return found.flatten(0, 2)


def add_patches(into: Tensor, cut: Cut, block: Block, values: Tensor) -> None:
    """Add values ``(K, images, rows, columns)`` to the images where patches are from."""
    rows, columns = values.shape[2:]
    channels = into.shape[1]
    values = values.reshape(channels, *cut.kernel, *values.shape[1:])
    for i in range(cut.kernel[0]):
        for j in range(cut.kernel[1]):
            top = i * cut.dilation[0] + block.rows.start * cut.stride[0]
            left = j * cut.dilation[1]
            into[
                block.images,
                :,
                top : top + (rows - 1) * cut.stride[0] + 1 : cut.stride[0],
                left : left + (columns - 1) * cut.stride[1] + 1 : cut.stride[1],
            ] += values[:, i, j].transpose(0, 1)


def channel_blocks(images: Tensor, cut: Cut) -> Iterator[slice]:
    """Blocks of channels whose patches, at all positions of all images, are multiplied at once."""
    rows, columns = cut.positions(images.shape[2:])
    each = math.prod(cut.kernel) * len(images) * rows * columns
    step = images.shape[1] if images.device.type != "cpu" else max(1, 8 * _BLOCK // each)
    for start in range(0, images.shape[1], step):
        yield slice(start, min(start + step, images.shape[1]))


def all_positions(images: Tensor, cut: Cut) -> Block:
    """The block of all patches."""
    return Block(slice(0, len(images)), slice(0, cut.positions(images.shape[2:])[0]))


def covered(images: Tensor, cut: Cut) -> Tensor | None:
    """The values of images that are in a patch; ``None`` where that is no rectangle."""
    sizes = cut.positions(images.shape[2:])
    found = images
    for axis in (2, 3):
        area, step, spread = (one[axis - 2] for one in cut)
        count = sizes[axis - 2]
        found = found.narrow(axis, 0, (count - 1) * step + spread * (area - 1) + 1)
        if area == 1:
            found = found[(slice(None),) * axis + (slice(None, None, step),)]
        elif not (spread == 1 and step <= area) and not (step == 1 and count >= spread):
            return None
    return found


class AllPatches(torch.autograd.Function):
    """Those of padded images ``(N, C, H, W)``, of shape ``(K, N, rows, columns)``."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, cut: Cut) -> Tensor:
        ctx.shape, ctx.cut = images.shape, cut
        return patches(images, cut, all_positions(images, cut))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        found = grad.new_zeros(ctx.shape)
        add_patches(found, ctx.cut, all_positions(found, ctx.cut), grad)
        return found, None
