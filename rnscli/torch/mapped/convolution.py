"""Convolutions on a core, block by block: no operand has all patches of all images.

The products are those of patches with kernels, of which each group has its own: forward ``(P, K)``
times ``(K, O)``, for the gradient of the images ``(P, O)`` times ``(O, K)``, and for that of the
weights ``(K, P)`` times ``(P, O)``, with P positions, K terms of a patch and O outputs.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from rnscli.matrix import Dataflow, ProductCounts, TinyScalesError
from rnscli.torch.mapped.depthwise import by_shifts, suits
from rnscli.torch.mapped.patches import (
    AllPatches,
    Cut,
    WholeImages,
    add_patches,
    all_positions,
    blocks,
    channel_blocks,
    covered,
    fits,
    gathered,
    largest_of_tiles,
    patches,
    position_blocks,
    scattered,
    steps,
)
from rnscli.torch.product import (
    FORWARD,
    INPUT_GRADIENT,
    WEIGHT_GRADIENT,
    Multiplication,
    Place,
    Request,
    Weights,
    check_plain,
    product_type,
    record,
    request_for,
    simulating,
    stored_matmul,
)

# Of these a row can be quantised without the others, but for the largest magnitude of all.
_BY_ROWS = ("vector", "channel", "tensor")
_TOTALS = 1 << 17  # values of a gradient that stay in a cache while positions are gone through


def convolve(place: Place, images: Tensor, weight: Tensor, cut: Cut, groups: int) -> Tensor:
    """Padded images ``(N, C, H, W)`` with kernels ``(O, C / groups, *kernel)`` on a core."""
    made = Convolution(cut, groups, request_for(place, weight, True))
    if not made.fits(images, weight):
        return made.by_all_patches(images, weight)
    check_plain(place, images, weight)
    with torch._C.DisableTorchFunction():
        kept = torch.promote_types(product_type(images), product_type(weight))
        found: Tensor = Convolved.apply(images, weight, made)  # type: ignore[no-untyped-call]
        return found.to(kept)


class Convolution(NamedTuple):
    """How images are cut, and where the products are computed."""

    cut: Cut
    groups: int
    request: Request

    def by_all_patches(self, images: Tensor, weight: Tensor) -> Tensor:
        """Patches of all images in one product for each group."""
        every: Tensor = AllPatches.apply(images, self.cut)  # type: ignore[no-untyped-call]
        kernels = self.operand(weight).mT
        found = stored_matmul(self.operand(every).mT, kernels, self.request.place)
        found = found.mT.reshape(len(weight), *every.shape[1:])
        # In the order of PyTorch's own result, which decides how what follows is rounded.
        return found.transpose(0, 1).contiguous()

    def fits(self, images: Tensor, weight: Tensor) -> bool:
        """Whether it can be computed in blocks, with the same result."""
        flows = self.request.place.flows  # of all roles
        plain = self.request.observer is None
        granularities = {flow.granularity for flow in flows}
        single = images.dtype == weight.dtype == torch.float32 and images.device.type != "meta"
        if not plain or not single or not len(images) or not granularities.issubset(_BY_ROWS):
            return False
        return "tensor" not in granularities or covered(images, self.cut) is not None

    def operand(self, values: Tensor, group: slice | None = None) -> Tensor:
        """Values ``(rows or terms, ...)`` of all or some groups as a matrix, or a stack of them."""
        flat, groups = values.flatten(1), self.groups
        if groups == 1:
            return flat
        groups = groups if group is None else group.stop - group.start
        return flat.view(groups, len(flat) // groups, flat.shape[1])

    def of(self, group: slice | None, length: int) -> slice:
        """Which of so many channels, or outputs, are those of some groups."""
        each = length // self.groups
        return slice(None) if group is None else slice(group.start * each, group.stop * each)

    def some(self, weights: Weights, group: slice | None) -> Weights:
        """Those of some groups."""
        if group is None:
            return weights
        return weights[group] if isinstance(weights, Tensor) else weights.of(group)

    def parts(
        self, images: Tensor, multiply: Multiplication, weights: torch.Size
    ) -> Iterator[tuple[slice | None, slice]]:
        """Groups, if not all, and positions that are multiplied together with ``(..., K, N)``."""
        if not multiply.draws:
            yield from ((None, positions) for positions in blocks(images, self.cut))
            return
        # For as many at a time as if all patches were multiplied at once noise is drawn; but for
        # groups of which each has more than that.
        every, (terms, columns) = all_positions(images, self.cut).stop, weights[-2:]
        groups: list[slice | None] = [None]
        if self.groups > 1:
            together = multiply.at_once((self.groups, every, columns), terms)
            groups = [*steps(self.groups, together)]
        for group in groups:
            for positions in steps(every, multiply.at_once((every, columns), terms)):
                yield group, positions

    def largest_of_patches(
        self, images: Tensor, flow: Dataflow | None
    ) -> Callable[[slice | None, slice], Tensor | None]:
        """Largest magnitudes of patches, of their tiles, or of all, where they make the scale.

        ``flow`` is that of the product, with what a calibration knows.
        """
        if flow is None or flow.input_constant is not None:  # nothing is searched
            return lambda group, positions: None
        if flow.granularity == "tensor":
            of_all = self.largest(covered(images, self.cut), FORWARD)
            return lambda group, _: of_all if of_all is None or group is None else of_all[group]
        terms = images.shape[1] // self.groups * math.prod(self.cut.kernel)
        size = terms if flow.granularity == "channel" else flow.core.dot_product.vector_size
        grouped = images.view(len(images), self.groups, -1, *images.shape[2:])
        every = largest_of_tiles(grouped, self.cut, size)
        if every is None:
            return lambda group, positions: None

        def of_part(group: slice | None, positions: slice) -> Tensor:
            found = every[slice(None) if group is None else group, :, positions].mT
            return found if self.groups > 1 else found[0]

        return of_part

    def largest(self, values: Tensor | None, role: str) -> Tensor | None:
        """Largest magnitude of ``(N, C, ...)``, of each group, where it makes the scale."""
        flow = self.request.place.flow_of(role)
        if flow is None or flow.granularity != "tensor" or values is None:
            return None
        parts = values.reshape(len(values), self.groups, -1).transpose(0, 1).flatten(1)
        found = torch.maximum(parts.amax(1), -parts.amin(1))
        return found[:, None, None] if self.groups > 1 else found[:, None]


class Convolved(torch.autograd.Function):
    """Padded images ``(N, C, H, W)`` with kernels ``(O, C / groups, *kernel)``, without bias."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, weight: Tensor, convolution: Convolution) -> Tensor:
        ctx.save_for_backward(images, weight)
        ctx.convolution = convolution
        return _forward(images.detach(), weight.detach(), convolution)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        images, weight = ctx.saved_tensors
        convolution: Convolution = ctx.convolution
        needed = ctx.needs_input_grad[:2]
        if torch.is_grad_enabled():  # gradients have gradients in turn
            both = zip((images, weight), needed, strict=True)
            result = convolution.by_all_patches(images, weight)
            operands = [one for one, is_needed in both if is_needed]
            found = iter(torch.autograd.grad(result, operands, grad, create_graph=True))
            return *(next(found) if is_needed else None for is_needed in needed), None
        with torch._C.DisableTorchFunction():
            grad, images, weight = grad.contiguous(), images.detach(), weight.detach()
            to_images = _to_images(grad, images, weight, convolution) if needed[0] else None
            to_weight = _to_weight(grad, images, weight, convolution) if needed[1] else None
        return to_images, to_weight, None


def _forward(images: Tensor, weight: Tensor, convolution: Convolution) -> Tensor:
    cut, request, outputs = convolution.cut, convolution.request, len(weight)
    kernels = convolution.operand(weight).mT
    every = all_positions(images, cut).stop
    with simulating(images.device, request):
        multiply = Multiplication(request, images.device)
        weights = multiply.quantised(kernels)
        found = _shifted(images, weights, convolution, multiply)
        if found is not None:
            counts = ProductCounts(0, found.numel(), 0, found.numel())
            _record(request, kernels.shape, every, counts)
            return found
        found = images.new_empty((len(images), outputs, *cut.positions(images.shape[2:])))
        counts, buffer = ProductCounts(), None
        largest = convolution.largest_of_patches(images, multiply.flow)
        for group, positions in convolution.parts(images, multiply, kernels.shape):
            part = patches(
                images[:, convolution.of(group, images.shape[1])], cut, positions, buffer
            )
            buffer = part.view(-1) if buffer is None else buffer
            rows = convolution.operand(part, group).mT
            made, one = multiply(rows, convolution.some(weights, group), largest(group, positions))
            into = found[:, convolution.of(group, outputs)]
            scattered(into, positions, made.mT.reshape(into.shape[1], -1))
            counts += one
    _record(request, kernels.shape, every, counts)
    return found


def _shifted(
    images: Tensor, weights: Weights, convolution: Convolution, multiply: Multiplication
) -> Tensor | None:
    """The result where that is computed without patches."""
    product, cut = multiply.product, convolution.cut
    if product is None or isinstance(weights, Tensor) or not suits(weights, product, images):
        return None
    largest = convolution.largest(covered(images, cut), FORWARD)
    return by_shifts(images, cut, weights, product, largest)


def _to_images(grad: Tensor, images: Tensor, weight: Tensor, convolution: Convolution) -> Tensor:
    cut = convolution.cut
    request = convolution.request._replace(role=INPUT_GRADIENT, source=None)
    kernels = convolution.operand(weight)
    found = torch.zeros_like(images)
    counts = ProductCounts()
    with simulating(images.device, request):
        multiply = Multiplication(request, images.device)
        weights = multiply.quantised(kernels)
        largest = convolution.largest(grad, request.role)
        parts = [*convolution.parts(images, multiply, kernels.shape)]
        whole = WholeImages(grad.shape[2] * grad.shape[3], keep=multiply.draws)
        if not multiply.draws:
            # The last rows first: so each pixel adds up its gradients in the order of the kernel.
            parts.reverse()
        for group, positions in parts:
            part = gathered(grad[:, convolution.of(group, grad.shape[1])], positions)
            rows = convolution.operand(part, group).mT
            most = largest if largest is None or group is None else largest[group]
            made, one = multiply(rows, convolution.some(weights, group), most)
            into = found[:, convolution.of(group, images.shape[1])]
            for some, values in whole.add(positions, made.mT.reshape(-1, made.shape[-2])):
                add_patches(into, cut, some, values)
            counts += one
    _record(request, kernels.shape, all_positions(images, cut).stop, counts)
    return found


def _to_weight(grad: Tensor, images: Tensor, weight: Tensor, convolution: Convolution) -> Tensor:
    request = convolution.request._replace(role=WEIGHT_GRADIENT, stationary=False, source=None)
    with simulating(images.device, request):
        multiply = Multiplication(request, images.device)
        flow = multiply.flow
        whole = multiply.draws and fits(images, convolution.cut)
        own_scales = flow is not None and flow.granularity == "vector" and not flow.joint_inputs
        found = None
        if flow is not None and own_scales and not whole and weight.numel() <= _TOTALS:
            size = flow.core.dot_product.vector_size
            with suppress(TinyScalesError):
                found, counts = _by_positions(grad, images, weight, convolution, multiply, size)
        if found is None:
            found, counts = _by_channels(grad, images, weight, convolution, multiply)
    stack = () if convolution.groups == 1 else (convolution.groups,)
    every = all_positions(images, convolution.cut).stop
    shape = torch.Size((*stack, every, len(weight) // convolution.groups))
    _record(request, shape, weight[0].numel(), counts)
    return found


def _by_positions(
    grad: Tensor,
    images: Tensor,
    weight: Tensor,
    convolution: Convolution,
    multiply: Multiplication,
    size: int,
) -> tuple[Tensor, ProductCounts]:
    """The gradient of the weights from all terms of a patch at some positions after the others."""
    cut, counts, buffer = convolution.cut, ProductCounts(), None
    kernels = convolution.operand(weight)
    # Zeros to which -0.0 can be added.
    total = torch.full_like(kernels.mT, -0.0, memory_format=torch.contiguous_format)
    for positions in position_blocks(images, cut, size):
        part = patches(images, cut, positions, buffer)
        buffer = part.view(-1) if buffer is None else buffer
        columns = convolution.operand(gathered(grad, positions)).mT
        weights = multiply.quantised(columns, positions.start)
        _, one = multiply(convolution.operand(part), weights, onto=total)
        counts += one
    return total.mT.reshape(weight.shape), counts


def _by_channels(
    grad: Tensor, images: Tensor, weight: Tensor, convolution: Convolution, multiply: Multiplication
) -> tuple[Tensor, ProductCounts]:
    """The gradient of the weights from all positions of some channels, or groups, at a time."""
    cut, groups = convolution.cut, convolution.groups
    columns = convolution.operand(grad.transpose(0, 1)).mT
    found, every = torch.empty_like(weight), all_positions(images, cut)
    counts, buffer = ProductCounts(), None
    weights = multiply.quantised(columns)
    largest = convolution.largest(covered(images, cut), WEIGHT_GRADIENT)
    whole = multiply.draws and fits(images, cut)
    parts = [slice(0, groups if groups > 1 else images.shape[1])]
    for some in parts if whole else channel_blocks(images, cut, groups):
        group = some if groups > 1 else None
        channels = some if group is None else convolution.of(group, images.shape[1])
        part = patches(images[:, channels], cut, every, buffer)
        buffer = part.view(-1) if buffer is None else buffer
        most = largest if largest is None or group is None else largest[group]
        made, one = multiply(
            convolution.operand(part, group), convolution.some(weights, group), most
        )
        if group is None:
            found[:, channels] = made.mT.reshape(len(weight), -1, *cut.kernel)
        else:
            outputs = convolution.of(group, len(weight))
            found[outputs] = made.mT.reshape(-1, *weight.shape[1:])
        counts += one
    return found, counts


def _record(request: Request, weights: torch.Size, rows: int, counts: ProductCounts) -> None:
    matrices = weights[:-2].numel()
    record(request, weights, matrices * rows, replace(counts, products=matrices))
