"""Depthwise convolutions on a core, by shifts of whole images.

A patch has the terms of one channel, such as 9, and there is next to nothing to multiply: the time
goes into quantising each term of each patch. With the images in memory as they are, a term of all
patches is the image from some pixel on, so no patch is formed: each term is quantised, multiplied
with its weight and added to what the others gave, some planes at a time, which stay in a cache.
Between the rows of the output are positions of no patch, which are computed along.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from rnscli.matrix import MAX_OPERAND, TINY, QuantisedWeights, TiledProduct
from rnscli.torch.mapped.patches import Cut, steps

_VALUES = 1 << 18  # of planes at a time: fewer take longer to be asked for than to be computed
_MOST_PRODUCTS = 4  # of a term, with all outputs of a channel and all parts of their weights


class Planes(NamedTuple):
    """The channels of all images, and where in each the terms of the first patch are.

    With strides pixels that many apart are next to each other. Values ``(planes, pixels)``; the
    positions of the patches are rows of ``width``, of which the last is not whole.
    """

    values: Tensor
    shifts: tuple[int, ...]
    rows: int
    columns: int
    width: int

    @classmethod
    def of(cls, images: Tensor, cut: Cut) -> "Planes":
        """Those of padded images ``(N, C, H, W)``."""
        (height, wide), (down, right) = cut.kernel, cut.stride
        rows, columns = cut.positions(images.shape[2:])
        lines, width = (-(-n // step) for n, step in zip(images.shape[2:], cut.stride, strict=True))
        planes = len(images) * images.shape[1]
        if cut.stride != (1, 1):
            more = (0, width * right - images.shape[3], 0, lines * down - images.shape[2])
            apart = functional.pad(images, more).view(planes, lines, down, width, right)
            images = apart.permute(0, 2, 4, 1, 3)
        shifts = []
        for row in range(0, height * cut.dilation[0], cut.dilation[0]):
            for column in range(0, wide * cut.dilation[1], cut.dilation[1]):
                phase = row % down * right + column % right
                shifts.append((phase * lines + row // down) * width + column // right)
        return cls(images.reshape(planes, -1), tuple(shifts), rows, columns, width)

    @property
    def length(self) -> int:
        """From the first position to the last."""
        return (self.rows - 1) * self.width + self.columns

    def term(self, values: Tensor, index: int) -> Tensor:
        """One term of all patches, from values of some planes."""
        begin = self.shifts[index]
        return values[:, begin : begin + self.length]

    def largest(self, magnitudes: Tensor, cut: Cut) -> Tensor:
        """The largest of each patch, from those of the pixels of some planes."""
        length, shifts = self.length, self.shifts
        if cut.stride == (1, 1):  # first along each row of a kernel
            wide = cut.kernel[1]
            rows = magnitudes.shape[1] - shifts[wide - 1]
            magnitudes = _largest(magnitudes, shifts[:wide], rows)
            shifts = shifts[::wide]
        return _largest(magnitudes, shifts, length)


def _largest(values: Tensor, shifts: Sequence[int], length: int) -> Tensor:
    found = values[:, shifts[0] : shifts[0] + length].clone()
    for shift in shifts[1:]:
        torch.maximum(found, values[:, shift : shift + length], out=found)
    return found


def suits(weights: QuantisedWeights, product: TiledProduct, images: Tensor) -> bool:
    """Whether it is depthwise, and sums of all terms of a patch are exact in float32."""
    if len(weights.shape) < 3 or images.shape[1] != weights.shape[0] or len(weights.tiles) != 1:
        return False
    products = weights.shape[2] * len(weights.tiles[0].parts)
    few = products <= _MOST_PRODUCTS and weights.powers is None
    return product.plain and few and images.device.type == "cpu"


def by_shifts(
    images: Tensor,
    cut: Cut,
    weights: QuantisedWeights,
    product: TiledProduct,
    largest: Tensor | None,
) -> Tensor | None:
    """Padded images ``(N, G, H, W)`` with weights ``(G, K, N)`` on a core, if that `suits`.

    ``largest`` are the largest magnitudes of each channel ``(G, 1, 1)``, if patches share them.
    ``None`` where scales are so small or large that the whole dataflow has to see to them.
    """
    planes, flow, count = Planes.of(images, cut), product.flow, len(images)
    matrices, terms, outputs = weights.shape
    levels, constant = product.input_levels, flow.input_constant
    (tile,) = weights.tiles
    # A column for each plane: of each part, term and output, and of the units of each output.
    parts = torch.stack([part.float() for part in tile.parts]).permute(0, 2, 3, 1)
    every = parts.repeat(1, 1, 1, count)[..., None]
    units = tile.unit.expand(matrices, 1, outputs).permute(2, 0, 1).repeat(1, count, 1)
    shared = None
    if constant is not None:
        shared = torch.full((matrices, 1), constant)
    elif flow.granularity == "tensor":
        assert largest is not None
        shared = largest[..., 0]
    if shared is not None:
        found_scales = _scales(shared.clone(), product)
        if found_scales is None:
            return None
        shared = found_scales.repeat(count, 1)
    found = images.new_empty((count * matrices, outputs, planes.rows, planes.columns))
    for some in steps(len(planes.values), max(1, _VALUES // planes.values.shape[1])):
        values = planes.values[some]
        made = images.new_empty((outputs, len(parts), len(values), planes.rows * planes.width))
        sums = made[..., : planes.length]
        whole = torch.empty_like(sums[0, 0])
        raised = values * levels.levels
        if shared is None:
            scales = _scales(planes.largest(values.abs(), cut), product)
        else:
            scales = shared[some]
            if constant is not None and not _finite(values):
                return None
            raised /= scales
            raised = flow.rounds.apply(product.arrays, raised)
            if constant is not None:
                raised.clamp_(-levels.largest, levels.largest)
        if scales is None:
            return None
        for term in range(terms):
            of_term = planes.term(raised, term)
            if shared is None:
                of_term = torch.div(of_term, scales, out=whole)
                of_term = flow.rounds.apply(product.arrays, of_term)
            for output in range(outputs):
                for part in range(len(parts)):
                    column, into = every[part, term, output, some], sums[output, part]
                    if term:
                        into.addcmul_(of_term, column)
                    else:
                        torch.mul(of_term, column, out=into)
        step = scales / levels.levels
        for output in range(outputs):
            first, *others = sums[output]
            read = product.read([first, *others])
            read *= step
            read *= units[output, some]
            if read is not first:
                first.copy_(read)
            result = made[output, 0].view(-1, planes.rows, planes.width)
            found[some, output] = result[..., : planes.columns]
    return found.view(count, matrices * outputs, planes.rows, planes.columns)


def _finite(values: Tensor) -> bool:
    low, high = values.aminmax()
    return bool(low >= -MAX_OPERAND) and bool(high <= MAX_OPERAND)


def _scales(largest: Tensor, product: TiledProduct) -> Tensor | None:
    """Scales of magnitudes, which are overwritten; ``None`` if one is tiny or beyond all bounds."""
    low, high = largest.aminmax()
    if not high <= MAX_OPERAND:
        return None
    if low < TINY:
        largest.masked_fill_(largest == 0, 1.0)
        if largest.min() < TINY:
            return None
    found: Tensor = product.input_levels.scales(product.arrays, largest)
    return found
