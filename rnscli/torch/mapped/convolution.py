"""Convolutions on a core, block by block: no operand has all patches of all images.

The products are those of patches with kernels, of which each group has its own: forward ``(P, K)``
times ``(K, O)``, for the gradient of the images ``(P, O)`` times ``(O, K)``, and for that of the
weights ``(K, P)`` times ``(P, O)``, with P positions, K terms of a patch and O outputs.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from rnscli.matrix import ProductCounts
from rnscli.torch.mapped.patches import (
    AllPatches,
    Block,
    Cut,
    add_patches,
    all_positions,
    blocks,
    channel_blocks,
    covered,
    patches,
)
from rnscli.torch.product import (
    FORWARD,
    INPUT_GRADIENT,
    WEIGHT_GRADIENT,
    Place,
    Request,
    check_plain,
    multiplication,
    product_type,
    record,
    request_for,
    simulating,
    stored_matmul,
)

# Of these a row can be quantised without the others, but for the largest magnitude of all.
_BY_ROWS = ("vector", "channel", "tensor")


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
        plain = self.request.observer is None and not any(
            # What chance rounds would be drawn in another order.
            flow.core.noisy or flow.core.physical or flow.rounds.draws
            for flow in flows
        )
        granularities = {flow.granularity for flow in flows}
        single = images.dtype == weight.dtype == torch.float32 and images.device.type != "meta"
        if not plain or not single or not len(images) or not granularities.issubset(_BY_ROWS):
            return False
        return "tensor" not in granularities or covered(images, self.cut) is not None

    def operand(self, values: Tensor) -> Tensor:
        """Values ``(rows or terms, ...)`` of all groups as a matrix, or a stack of them."""
        flat = values.flatten(1)
        return (
            flat
            if self.groups == 1
            else flat.view(self.groups, len(flat) // self.groups, flat.shape[1])
        )

    def largest_of_patches(self, images: Tensor) -> Callable[[Block], Tensor | None]:
        """The largest magnitude of each patch of a block, or of all, where it makes the scale."""
        if self.request.place.flow.granularity != "channel":
            of_all = self.largest(covered(images, self.cut), FORWARD)
            return lambda block: of_all
        # That of the pixels first, in each group: patches have all of them several times.
        pixels = images.view(len(images), self.groups, -1, *images.shape[2:])
        most = torch.maximum(pixels.amax(2), -pixels.amin(2))
        kernel, stride, spread = self.cut
        every = functional.max_pool2d(most, kernel, stride, 0, spread).transpose(0, 1)

        def of_block(block: Block) -> Tensor:
            found = every[:, block.images, block.rows].flatten(1)[..., None]
            return found if self.groups > 1 else found[0]

        return of_block

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
    size = cut.positions(images.shape[2:])
    kernels = convolution.operand(weight).mT
    found = images.new_empty((len(images), outputs, *size))
    counts, buffer = ProductCounts(), None
    with simulating(images.device, request):
        multiply = multiplication(kernels, request)
        largest = convolution.largest_of_patches(images)
        for block in blocks(images, cut):
            part = patches(images, cut, block, buffer)
            buffer = part.view(-1) if buffer is None else buffer
            rows = convolution.operand(part).mT
            made, one = multiply(rows, largest(block))
            made = made.mT.reshape(outputs, *part.shape[1:])
            found[block.images, :, block.rows] = made.transpose(0, 1)
            counts += one
    _record(request, kernels.shape, len(images) * size[0] * size[1], counts)
    return found


def _to_images(grad: Tensor, images: Tensor, weight: Tensor, convolution: Convolution) -> Tensor:
    cut = convolution.cut
    request = convolution.request._replace(role=INPUT_GRADIENT, source=None)
    kernels = convolution.operand(weight)
    found = torch.zeros_like(images)
    counts = ProductCounts()
    with simulating(images.device, request):
        multiply = multiplication(kernels, request)
        largest = convolution.largest(grad, request.role)
        # The last rows first: so each pixel adds up its gradients in the order of the kernel.
        for block in reversed([*blocks(images, cut)]):
            part = grad[block.images, :, block.rows].transpose(0, 1)
            rows = convolution.operand(part).mT
            made, one = multiply(rows, largest)
            add_patches(found, cut, block, made.mT.reshape(-1, *part.shape[1:]))
            counts += one
    _record(request, kernels.shape, len(images) * grad.shape[2:].numel(), counts)
    return found


def _to_weight(grad: Tensor, images: Tensor, weight: Tensor, convolution: Convolution) -> Tensor:
    cut, groups, outputs = convolution.cut, convolution.groups, len(weight)
    request = convolution.request._replace(role=WEIGHT_GRADIENT, stationary=False, source=None)
    columns = convolution.operand(grad.transpose(0, 1)).mT
    found = torch.empty_like(weight)
    counts, every, buffer = ProductCounts(), all_positions(images, cut), None
    with simulating(images.device, request):
        multiply = multiplication(columns, request)
        largest = convolution.largest(covered(images, cut), request.role)
        parts = [slice(None)] if groups > 1 else channel_blocks(images, cut)
        for channels in parts:
            part = patches(images[:, channels], cut, every, buffer)
            buffer = part.view(-1) if buffer is None else buffer
            made, one = multiply(convolution.operand(part), largest)
            found[:, channels] = made.mT.reshape(outputs, -1, *cut.kernel)
            counts += one
    _record(request, columns.shape, weight[0].numel(), counts)
    return found


def _record(request: Request, weights: torch.Size, rows: int, counts: ProductCounts) -> None:
    matrices = weights[:-2].numel()
    record(request, weights, matrices * rows, replace(counts, products=matrices))
