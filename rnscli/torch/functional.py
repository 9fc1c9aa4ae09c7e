"""Products that a model computes with functions instead of layers, taken to the core."""

import inspect
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnscli.torch.interception import Interception
from rnscli.torch.layers import analog_attention, analog_conv2d, analog_linear
from rnscli.torch.product import Place, analog_einsum, placed_matmul, tell_compiled


def _matmul(place: Place, *operands: Any, **named: Any) -> Any:
    """Two operands; PyTorch calls the second one other, mat2, vec or tensor2."""
    if "input" in named:
        operands = (named.pop("input"), *operands)
    operands = (*operands, *named.values())
    if len(operands) != 2 or not _tensors(operands):
        return NotImplemented
    return placed_matmul(*operands, place)


def _added(
    place: Place, input: Any, *operands: Any, beta: float = 1, alpha: float = 1, **named: Any
) -> Any:
    """``beta * input + alpha * a @ b``, where a and b are mat1 and mat2, batch1 and batch2, ..."""
    operands = (*operands, *(named[name] for name in sorted(named)))
    if len(operands) != 2 or not _tensors((input, *operands)):
        return NotImplemented
    product = placed_matmul(*operands, place)
    scaled = product if alpha == 1 else alpha * product
    # PyTorch does not look at what beta = 0 leaves out, which may be NaN.
    return (beta * input + scaled).to(product.dtype) if beta else scaled


def _with_vector(mapped: Callable[..., Any]) -> Callable[..., Any]:
    """On a CPU, autocast leaves functions for a matrix and a vector alone."""

    def product(place: Place, *operands: Any, **named: Any) -> Any:
        with torch.autocast("cpu", enabled=False):
            return mapped(place, *operands, **named)

    return product


def _tensors(values: Iterable[Any]) -> bool:
    return all(isinstance(value, Tensor) for value in values)


MAPPED: Mapping[Any, Callable[..., Any]] = {
    **dict.fromkeys(
        (
            torch.matmul, torch.linalg.matmul, torch.mm, torch.bmm, Tensor.matmul,
            Tensor.__matmul__, Tensor.mm, Tensor.bmm,
        ),
        _matmul,
    ),
    **dict.fromkeys((torch.mv, Tensor.mv), _with_vector(_matmul)),
    Tensor.__rmatmul__: lambda place, other, input: _matmul(place, input, other),
    **dict.fromkeys(
        (torch.addmm, torch.baddbmm, Tensor.addmm, Tensor.baddbmm), _added
    ),
    **dict.fromkeys((torch.addmv, Tensor.addmv), _with_vector(_added)),
    torch.einsum: analog_einsum,
    torch.conv2d: analog_conv2d,
    functional.linear: analog_linear,
    functional.scaled_dot_product_attention: analog_attention,
}  # fmt: skip


# Products that stay digital, which a recording then tells; not every PyTorch has all of them.
UNMAPPED = frozenset(
    getattr(home, name)
    for home, names in (
        (torch, "conv1d conv3d conv_transpose1d conv_transpose2d conv_transpose3d conv_tbc "
                "convolution bilinear addbmm addr chain_matmul tensordot cdist inner dot vdot "
                "outer ger kron matrix_power lstm gru rnn_tanh rnn_relu lstm_cell gru_cell "
                "rnn_tanh_cell rnn_relu_cell smm spmm dsmm hsmm hspmm saddmm sspaddmm"),
        (Tensor, "addbmm addr dot inner vdot outer ger kron matrix_power smm sspaddmm addmm_ "
                 "addmv_ addbmm_ baddbmm_ addr_"),
        (torch.linalg, "multi_dot matrix_power vecdot"),
        (torch.sparse, "mm addmm sampled_addmm"),
        (torch.ops.higher_order, "flex_attention"),
        (functional, "bilinear multi_head_attention_forward linear_cross_entropy"),
    )
    for name in names.split()
    if hasattr(home, name)
)  # fmt: skip


_EVERY = {**dict.fromkeys(UNMAPPED, lambda *_, **__: NotImplemented), **MAPPED}


class _Everywhere(Interception):
    def mapped(self, func: Any) -> Callable[..., Any] | None:
        return _EVERY.get(func)  # `torch.compile` could not look into a table of an instance


# The interception of this thread as `mode`, if a converted model is under way in it.
_current = threading.local()


class AnalogForward:
    """The ``forward`` of a module that is no analog layer itself, with its products on a core.

    It stands in the place of the method on the module alone, so that class, parameters and state
    are what they were. Without a place the products of the module stay digital. Where the module
    already had its own ``forward``, which is not that of its class, this one calls it.
    """

    def __init__(self, module: nn.Module, place: Place | None) -> None:
        own = vars(module).get("forward")
        self.module, self.place = module, place
        self.own: Any = own.own if isinstance(own, AnalogForward) else own

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        # One interception for a model and all modules within it, which take turns.
        outer = getattr(_current, "mode", None)
        with _Everywhere() if outer is None else nullcontext(outer) as mode:
            before, mode.place, _current.mode = (mode.place, mode.products), self.place, mode
            mode.products = 0
            try:
                if self.own is not None:
                    return self.own(*arguments, **options)
                return type(self.module).forward(self.module, *arguments, **options)
            finally:
                (mode.place, mode.products), _current.mode = before, outer
                tell_compiled()

    @property
    def __signature__(self) -> inspect.Signature:
        """That of the original: trainers look there for the names of a model's inputs."""
        return inspect.signature(self.own or type(self.module).forward.__get__(self.module))
