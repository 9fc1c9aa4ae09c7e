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

_BLOCK = 1 << 20  # values of patches at a time, on a CPU
_MOST = 1 << 22  # values of patches of some channels at all positions
_TILES = 1 << 20  # values of patches of all channels at some positions
_FEW_BETWEEN = 8  # of how many channels at most one may be in two tiles
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
    """A rectangle of the output of some images."""

    images: slice
    rows: slice
    columns: slice

    @property
    def shape(self) -> tuple[int, int, int]:
        """Images, rows and columns."""
        images, rows, columns = (one.stop - one.start for one in self)
        return images, rows, columns


def blocks(images: Tensor, cut: Cut) -> Iterator[slice]:
    """Positions, of all images one after the other, whose patches fit in a cache on a CPU.

    A block is some images, or some rows of one.
    """
    count, channels = images.shape[:2]
    rows, columns = cut.positions(images.shape[2:])
    of_each = rows * columns
    if images.device.type != "cpu":
        yield slice(0, count * of_each)
        return
    terms = channels * math.prod(cut.kernel)
    most = max(columns, _FEW, _BLOCK // terms)
    if of_each <= most:
        yield from steps(count * of_each, max(1, most // of_each) * of_each)
        return
    for start in range(0, count * of_each, of_each):
        for part in steps(of_each, max(1, most // columns) * columns):
            yield slice(start + part.start, start + part.stop)


def steps(length: int, step: int) -> Iterator[slice]:
    """Parts of so many, one after the other."""
    return (slice(start, min(start + step, length)) for start in range(0, length, step))


def spans(positions: slice, size: Pair) -> Iterator[tuple[slice, Block]]:
    """Rectangles that positions in a row make up, and which of the positions each has."""
    (rows, columns), start = size, positions.start
    while start < positions.stop:
        image, row = divmod(start // columns, rows)
        column, left = start % columns, positions.stop - start
        if not row and not column and left >= rows * columns:
            every = slice(image, image + left // (rows * columns))
            block = Block(every, slice(0, rows), slice(0, columns))
        elif not column and left >= columns:
            lines = slice(row, min(rows, row + left // columns))
            block = Block(slice(image, image + 1), lines, slice(0, columns))
        else:
            some = slice(column, min(columns, column + left))
            block = Block(slice(image, image + 1), slice(row, row + 1), some)
        end = start + math.prod(block.shape)
        yield slice(start - positions.start, end - positions.start), block
        start = end


def patches(images: Tensor, cut: Cut, positions: slice, into: Tensor | None = None) -> Tensor:
    """The patches at positions, ``(K, positions)``; a buffer may be given for them."""
    kernel, (down, right), (spread_down, spread_right) = cut
    channels, count = images.shape[1], positions.stop - positions.start
    to_image, to_channel, to_row, to_column = images.stride()
    strides = (
        to_channel, to_row * spread_down, to_column * spread_right,
        to_image, to_row * down, to_column * right,
    )  # fmt: skip
    size = channels * math.prod(kernel) * count
    if into is None or into.numel() < size:
        into = images.new_empty(size)
    found = into[:size].view(channels, *kernel, count)
    for part, block in spans(positions, cut.positions(images.shape[2:])):
        first = sum(one.start * step for one, step in zip(block, strides[3:], strict=True))
        shape = (channels, *kernel, *block.shape)
        every = images.as_strided(shape, strides, images.storage_offset() + first)
        _split(found[..., part], block).copy_(every)
    return found.flatten(0, 2)


def add_patches(into: Tensor, cut: Cut, positions: slice, values: Tensor) -> None:
    """Add values ``(K, positions)`` to the images where patches are from."""
    kernel, stride, spread = cut
    values = values.reshape(into.shape[1], *kernel, -1)
    # The last first: so each pixel adds up its values in the order of the kernel.
    for part, block in reversed([*spans(positions, cut.positions(into.shape[2:]))]):
        (images, rows, columns), (_, height, width) = block, block.shape
        for i in range(kernel[0]):
            for j in range(kernel[1]):
                top = i * spread[0] + rows.start * stride[0]
                left = j * spread[1] + columns.start * stride[1]
                into[
                    images,
                    :,
                    top : top + (height - 1) * stride[0] + 1 : stride[0],
                    left : left + (width - 1) * stride[1] + 1 : stride[1],
                ] += _split(values[:, i, j, part], block).transpose(0, 1)


class WholeImages:
    """Values ``(K, positions)`` of the same images together, where they come in order.

    So `add_patches` adds them in the same order whatever their parts are, unless those of an image
    are too many to be kept.
    """

    def __init__(self, of_each: int, keep: bool) -> None:
        self._of_each, self._keep = of_each, keep
        self._begun: list[tuple[slice, Tensor]] = []

    def add(self, positions: slice, values: Tensor) -> list[tuple[slice, Tensor]]:
        """What can be added now, in this order."""
        if not self._keep:
            return [(positions, values)]
        self._begun.append((positions, values))
        last = positions.stop - positions.stop % self._of_each  # where an image ends
        if last <= positions.start:
            if sum(values.numel() for _, values in self._begun) <= _MOST:
                return []
            last = positions.stop
        cut = last - positions.start
        *whole, _ = self._begun
        whole.append((slice(positions.start, last), values[:, :cut]))
        rest = (slice(last, positions.stop), values[:, cut:])
        self._begun = [rest] if last < positions.stop else []
        return whole[::-1]


def gathered(values: Tensor, positions: slice) -> Tensor:
    """Values ``(N, C, rows, columns)`` at positions, ``(C, positions)``."""
    size = values.shape[2], values.shape[3]
    parts = [
        values[images, :, rows, columns].transpose(0, 1).flatten(1)
        for _, (images, rows, columns) in spans(positions, size)
    ]
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)


def scattered(into: Tensor, positions: slice, values: Tensor) -> None:
    """Put values ``(C, positions)`` where `gathered` takes them from."""
    for part, block in spans(positions, (into.shape[2], into.shape[3])):
        images, rows, columns = block
        into[images, :, rows, columns] = _split(values[:, part], block).transpose(0, 1)


def _split(values: Tensor, block: Block) -> Tensor:
    return values.view(*values.shape[:-1], *block.shape)


def all_positions(images: Tensor, cut: Cut) -> slice:
    """All of them."""
    rows, columns = cut.positions(images.shape[2:])
    return slice(0, len(images) * rows * columns)


def fits(images: Tensor, cut: Cut) -> bool:
    """Whether all patches are so few values that they may be in memory together."""
    return images.device.type != "cpu" or _values_of_channel(images, cut) * images.shape[1] <= _MOST


def channel_blocks(images: Tensor, cut: Cut, groups: int) -> Iterator[slice]:
    """Channels, or groups if there are several, whose patches at all positions are together."""
    length, each = images.shape[1], _values_of_channel(images, cut)
    if groups > 1:
        length, each = groups, each * (length // groups)
    if images.device.type != "cpu":
        return steps(length, length)
    return steps(length, max(1, _MOST // each))


def _values_of_channel(images: Tensor, cut: Cut) -> int:
    positions = all_positions(images, cut)
    return int(math.prod(cut.kernel) * (positions.stop - positions.start))


def position_blocks(images: Tensor, cut: Cut, size: int) -> Iterator[slice]:
    """Positions whose patches are worked on at a time, in tiles of a size."""
    every = all_positions(images, cut).stop
    if images.device.type != "cpu":
        return steps(every, every)
    terms = images.shape[1] * math.prod(cut.kernel)
    return steps(every, max(1, _TILES // (terms * size)) * size)


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


def largest_of_tiles(images: Tensor, cut: Cut, size: int) -> Tensor | None:
    """Largest magnitudes of the terms of patches ``(N, G, C, H, W)`` in tiles of a size.

    Of shape ``(G, tiles, positions)``. Pixels of the channels that a tile has as a whole are
    compared before patches have them several times; of channels between two tiles the terms are.
    ``None`` where there are too many of these for that to be less.
    """
    channels, area = images.shape[2], math.prod(cut.kernel)
    tiles = [*steps(channels * area, size)]
    between = {tile.stop // area for tile in tiles if tile.stop % area}
    if len(between) * _FEW_BETWEEN > channels:
        return None
    found = []
    for tile in tiles:
        parts, first, last = [], -(-tile.start // area), tile.stop // area
        if first < last:
            some = images[:, :, first:last]  # without an array of magnitudes
            pixels = torch.maximum(some.amax(2), -some.amin(2))
            parts.append(_largest_of_areas(pixels, cut))
        for channel in sorted({tile.start // area, tile.stop // area} & between):
            begin, end = max(tile.start - channel * area, 0), min(tile.stop - channel * area, area)
            if begin < end:
                pixels = images[:, :, channel].abs()
                parts.append(_largest_of_terms(pixels, cut, range(begin, end)))
        for more in parts[1:]:
            torch.maximum(parts[0], more, out=parts[0])
        found.append(parts[0].transpose(0, 1).flatten(1))
    return torch.stack(found, dim=1)


def _largest_of_terms(pixels: Tensor, cut: Cut, terms: range) -> Tensor:
    """Of ``(..., H, W)`` at some places of the kernel, of one in its order, at each position."""
    (down, right), (below, beside) = cut.stride, cut.dilation
    rows, columns = cut.positions(pixels.shape[-2:])
    found = None
    for term in terms:
        i, j = divmod(term, cut.kernel[1])
        lines = pixels[..., i * below : i * below + (rows - 1) * down + 1 : down, :]
        one = lines[..., j * beside : j * beside + (columns - 1) * right + 1 : right]
        found = one.clone() if found is None else torch.maximum(found, one, out=found)
    assert found is not None
    return found


def _largest_of_areas(pixels: Tensor, cut: Cut) -> Tensor:
    """Of ``(..., H, W)`` within the kernel at each position: along its rows first."""
    for axis, positions in zip((-1, -2), cut.positions(pixels.shape[-2:])[::-1], strict=True):
        area, step, spread = (one[axis] for one in cut)
        length = (positions - 1) * step + 1
        lines = pixels.movedim(axis, -1)
        pixels = lines[..., :length:step].clone()
        for start in range(spread, area * spread, spread):
            torch.maximum(pixels, lines[..., start : start + length : step], out=pixels)
        pixels = pixels.movedim(-1, axis)
    return pixels


class AllPatches(torch.autograd.Function):
    """Those of padded images ``(N, C, H, W)``, of shape ``(K, N, rows, columns)``."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, cut: Cut) -> Tensor:
        ctx.shape, ctx.cut = images.shape, cut
        found = patches(images, cut, all_positions(images, cut))
        return found.view(len(found), len(images), *cut.positions(images.shape[2:]))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        found = grad.new_zeros(ctx.shape)
        add_patches(found, ctx.cut, all_positions(found, ctx.cut), grad.flatten(1))
        return found, None
