"""Matrix products of tensors on a core, with straight-through gradients."""

import math
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from rnscli.base import InputError
from rnscli.matrix import Dataflow, ProductCounts, TiledProduct
from rnscli.torch.arrays import TorchArrays
from rnscli.torch.record import (
    FORWARD,
    INPUT_GRADIENT,
    WEIGHT_GRADIENT,
    ProductKind,
    Recorded,
    Recording,
    active,
)


@dataclass(frozen=True)
class Place:
    """Where a product belongs: the dataflow, and the layer that it is of."""

    flow: Dataflow
    layer: str


def placed_matmul(x: Tensor, w: Tensor, place: Place) -> Tensor:
    """`rnscli.torch.analog_matmul` at a place."""
    if w.dim() == 1:
        return placed_matmul(x, w.unsqueeze(-1), place).squeeze(-1)
    if x.dim() == 1:
        return placed_matmul(x.unsqueeze(0), w, place).squeeze(-2)
    if _is_stored(x) and not _is_stored(w):
        # What is stored belongs in the array.
        return _broadcast(w.mT, x.mT, place, stationary=True).mT
    return _broadcast(x, w, place, _is_stored(w))


def _is_stored(values: Tensor) -> bool:
    """Whether it is a parameter, or a view of one."""
    base = values if values._base is None else values._base
    return isinstance(base, nn.Parameter)


def _broadcast(x: Tensor, w: Tensor, place: Place, stationary: bool) -> Tensor:
    if w.dim() > 2:
        stack = torch.broadcast_shapes(x.shape[:-2], w.shape[:-2])  # type: ignore[no-untyped-call]
        x = x.expand(*stack, *x.shape[-2:])
        w = w.expand(*stack, *w.shape[-2:])
    return _multiply(x, w, place, stationary)


def stored_matmul(x: Tensor, w: Tensor, place: Place) -> Tensor:
    """`placed_matmul` with weights ``(K, N)`` or ``(G, K, N)`` made from stored parameters."""
    return _multiply(x, w, place, stationary=True)


def _multiply(x: Tensor, w: Tensor, place: Place, stationary: bool) -> Tensor:
    if not (x.is_floating_point() and w.is_floating_point()):
        raise InputError(
            f"operands of a product on a core are of type {x.dtype} and {w.dtype}; they must be "
            "real floating-point numbers"
        )
    if x.shape[-1] != w.shape[-2]:
        raise RuntimeError(
            f"shapes {tuple(x.shape)} and {tuple(w.shape)} cannot be multiplied: "
            f"{x.shape[-1]} columns meet {w.shape[-2]} rows"
        )
    with _simulated():
        kept = torch.promote_types(x.dtype, w.dtype)
        result: Tensor = _Product.apply(_float(x), _float(w), place, stationary)  # type: ignore[no-untyped-call]
        return result.to(kept)


def _simulated() -> AbstractContextManager[Any]:
    """What is computed within is the simulation: no interception looks at it, nor takes time."""
    return torch._C.DisableTorchFunction()


def _full_precision(device: str) -> AbstractContextManager[Any]:
    """Without autocast: it would round whole numbers."""
    if torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device):
        return torch.autocast(device, enabled=False)
    return nullcontext()


def _float(values: Tensor) -> Tensor:
    return values if values.dtype in (torch.float32, torch.float64) else values.float()


class _Product(torch.autograd.Function):
    """A product, or a stack of them, and those of its gradients."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, w: Tensor, place: Place, stationary: bool) -> Tensor:
        ctx.save_for_backward(x, w)
        ctx.place, ctx.stationary, ctx.recordings = place, stationary, active()
        return _compute(x, w, place, FORWARD, stationary, ctx.recordings)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, w = ctx.saved_tensors
        place, recordings = ctx.place, ctx.recordings
        to_x = to_w = None
        with _simulated():
            if ctx.needs_input_grad[0]:
                weights = w.transpose(-1, -2)
                to_x = _compute(
                    grad, weights, place, INPUT_GRADIENT, ctx.stationary, recordings
                ).to(x.dtype)
            if ctx.needs_input_grad[1]:
                rows = (x, grad) if w.dim() > 2 else (x.flatten(0, -2), grad.flatten(0, -2))
                to_w = _compute(
                    rows[0].transpose(-1, -2), rows[1], place, WEIGHT_GRADIENT, False, recordings
                ).to(w.dtype)
        return to_x, to_w, None, None


def _compute(
    x: Tensor,
    w: Tensor,
    place: Place,
    role: str,
    stationary: bool,
    recordings: tuple[Recording, ...],
) -> Tensor:
    x, w = x.detach(), w.detach()
    if x.device.type == "meta":
        found, counts = _counted(x, w, place)
    else:
        product = TiledProduct(place.flow, TorchArrays(x.device))
        try:
            with _full_precision(x.device.type):
                found, counts = product.multiply(x, product.quantise_weights(w), _generator)
        except InputError as error:
            # Where in a model a number has grown beyond all bounds is half of the answer.
            raise type(error)(f"in {place.layer} ({role}): {error}") from error
    rows, matrices = x.shape[:-1].numel(), w.shape[:-2].numel()
    kind = ProductKind(
        place.layer, role, w.shape[-2], w.shape[-1], stationary, matrices,
        None if stationary else rows // max(1, matrices),
    )  # fmt: skip
    for made in recordings:
        entry = made.kinds.setdefault(kind, Recorded())
        entry.rows += rows
        entry.matrices += counts.products
        entry.counts += counts
    return found


def _counted(x: Tensor, w: Tensor, place: Place) -> tuple[Tensor, ProductCounts]:
    """The product of operands without values: its shape, and what it takes if nothing fails."""
    found = x.new_empty((*x.shape[:-1], w.shape[-1]), dtype=torch.float32)
    size = place.flow.core.dot_product.vector_size
    dots = found.numel() * math.ceil(x.shape[-1] / size)
    return found, ProductCounts(max(1, w.shape[:-2].numel()), dots, 0, dots)


def _generator() -> np.random.Generator:
    """A source of noise, seeded from PyTorch's generator."""
    seed = torch.randint(2**63 - 1, (), dtype=torch.int64, device="cpu")
    return np.random.default_rng(int(seed))
