"""Which functions of PyTorch are computed on the core, and which products are not."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from rnscli.torch.attention import analog_attention
from rnscli.torch.convolution import analog_conv2d
from rnscli.torch.einsum import analog_einsum
from rnscli.torch.linear import analog_linear
from rnscli.torch.product import Place, placed_matmul

# What a mapped function returns is a tensor, or `NotImplemented` where it has to stay digital.


def _matmul(place: Place, *operands: Any, **named: Any) -> Any:
    """Two operands; PyTorch calls the second one other, mat2, vec or tensor2."""
    if "input" in named:
        operands = (named.pop("input"), *operands)
    operands = (*operands, *named.values())
    if len(operands) != 2 or not _tensors(operands):
        return NotImplemented
    return placed_matmul(*operands, place)


def _reversed(place: Place, other: Any, input: Any) -> Any:
    return _matmul(place, input, other)


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


def _linear(place: Place, input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return analog_linear(input, weight, bias, place)


def _conv2d(place: Place, *arguments: Any, **options: Any) -> Tensor:
    return analog_conv2d(*arguments, **options, place=place)


def _attention(place: Place, *arguments: Any, **options: Any) -> Tensor:
    return analog_attention(*arguments, **options, place=place)


def _tensors(values: Iterable[Any]) -> bool:
    return all(isinstance(value, Tensor) for value in values)


MAPPED: Mapping[Callable[..., Any], Callable[..., Any]] = {
    torch.matmul: _matmul,
    torch.linalg.matmul: _matmul,
    torch.Tensor.matmul: _matmul,
    torch.Tensor.__matmul__: _matmul,
    torch.Tensor.__rmatmul__: _reversed,
    torch.mm: _matmul,
    torch.Tensor.mm: _matmul,
    torch.mv: _matmul,
    torch.Tensor.mv: _matmul,
    torch.bmm: _matmul,
    torch.Tensor.bmm: _matmul,
    torch.addmm: _added,
    torch.Tensor.addmm: _added,
    torch.addmv: _added,
    torch.Tensor.addmv: _added,
    torch.baddbmm: _added,
    torch.Tensor.baddbmm: _added,
    torch.einsum: analog_einsum,
    torch.conv2d: _conv2d,
    functional.linear: _linear,
    functional.scaled_dot_product_attention: _attention,
}


def _functions(*where: tuple[Any, Iterable[str]]) -> frozenset[Callable[..., Any]]:
    found = (getattr(home, name, None) for home, names in where for name in names)
    return frozenset(function for function in found if function is not None)


# Products that stay digital, which a recording then tells.
UNMAPPED = _functions(
    (torch, ("conv1d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
             "conv_tbc", "convolution", "bilinear", "addbmm", "addr", "chain_matmul", "tensordot",
             "cdist", "inner", "dot", "vdot", "outer", "ger", "kron", "matrix_power", "lstm",
             "gru", "rnn_tanh", "rnn_relu", "lstm_cell", "gru_cell", "rnn_tanh_cell",
             "rnn_relu_cell", "smm", "spmm", "dsmm", "hsmm", "hspmm", "saddmm", "sspaddmm")),
    (torch.Tensor, ("addbmm", "addr", "dot", "inner", "vdot", "outer", "ger", "kron",
                    "matrix_power", "smm", "sspaddmm", "addmm_", "addmv_", "addbmm_", "baddbmm_",
                    "addr_")),
    (torch.linalg, ("multi_dot", "matrix_power", "vecdot")),
    (torch.sparse, ("mm", "addmm", "sampled_addmm")),
    (functional, ("bilinear", "multi_head_attention_forward", "linear_cross_entropy")),
)  # fmt: skip
