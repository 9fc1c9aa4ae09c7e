"""Products that a model computes with functions instead of layers, taken to the core."""

import inspect
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from rnscli.torch.layers import analog_attention, analog_conv2d, analog_linear
from rnscli.torch.product import Place, active_recordings, analog_einsum, placed_matmul

# What a mapped function returns is a tensor, or `NotImplemented` where it has to stay digital.


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
    return beta * input + scaled if beta else scaled


def _tensors(values: Iterable[Any]) -> bool:
    return all(isinstance(value, Tensor) for value in values)


MAPPED: Mapping[Callable[..., Any], Callable[..., Any]] = {
    **dict.fromkeys(
        (
            torch.matmul, torch.linalg.matmul, torch.mm, torch.mv, torch.bmm, Tensor.matmul,
            Tensor.__matmul__, Tensor.mm, Tensor.mv, Tensor.bmm,
        ),
        _matmul,
    ),
    Tensor.__rmatmul__: lambda place, other, input: _matmul(place, input, other),
    **dict.fromkeys(
        (torch.addmm, torch.addmv, torch.baddbmm, Tensor.addmm, Tensor.addmv, Tensor.baddbmm),
        _added,
    ),
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
        (functional, "bilinear multi_head_attention_forward linear_cross_entropy"),
    )
    for name in names.split()
    if hasattr(home, name)
)  # fmt: skip


class _Interception(TorchFunctionMode):
    """Computes mapped functions on the core; leaves all others as they are.

    ``place`` is that of the module whose ``forward`` runs, or ``None`` where it stays digital.
    """

    place: Place | None = None

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if self.place is None:
            return func(*args, **kwargs)
        mapped = MAPPED.get(func)
        if mapped is not None and "out" not in kwargs and _is_real((*args, *kwargs.values())):
            found = mapped(self.place, *args, **kwargs)
            if found is not NotImplemented:
                return found
        if mapped is not None or func in UNMAPPED:
            for made in active_recordings.get():
                made.unmapped[f"{self.place.layer}: {func.__name__}"] = None
        return func(*args, **kwargs)


def _is_real(arguments: Iterable[Any]) -> bool:
    """Whether operands are dense floats.

    Whole numbers and complex ones are not for an analog core; sparse matrices and nested tensors
    have products of their own.
    """
    tensors = (value for value in arguments if isinstance(value, Tensor))
    return all(
        tensor.layout is torch.strided
        and not tensor.is_nested
        # A mask may be Boolean: no operand.
        and (tensor.is_floating_point() or tensor.dtype is torch.bool)
        for tensor in tensors
    )


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
        with _Interception() if outer is None else nullcontext(outer) as mode:
            before, mode.place, _current.mode = mode.place, self.place, mode
            try:
                if self.own is not None:
                    return self.own(*arguments, **options)
                return type(self.module).forward(self.module, *arguments, **options)
            finally:
                mode.place, _current.mode = before, outer

    @property
    def __signature__(self) -> inspect.Signature:
        """That of the original: trainers look there for the names of a model's inputs."""
        return inspect.signature(self.own or type(self.module).forward.__get__(self.module))
