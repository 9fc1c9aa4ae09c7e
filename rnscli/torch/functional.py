"""Products that a model computes with functions instead of layers, taken to the core."""

import inspect
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils._pytree import tree_leaves

from rnscli.base import InputError
from rnscli.torch.compiling import apart
from rnscli.torch.interception import Interception
from rnscli.torch.mapped.contraction import (
    analog_bilinear,
    analog_chain,
    analog_einsum,
    analog_grouped,
    analog_inner,
    analog_tensordot,
    analog_vecdot,
)
from rnscli.torch.mapped.convolutions import (
    analog_conv1d,
    analog_conv3d,
    analog_conv_tbc,
    analog_conv_transpose,
    analog_convolution,
)
from rnscli.torch.mapped.layers import analog_attention, analog_conv2d, analog_linear
from rnscli.torch.mapped.recurrent import RECURRENT
from rnscli.torch.product import (
    Call,
    Place,
    Recording,
    active_recordings,
    placed_matmul,
    tell_compiled,
)
from rnscli.torch.watching import Watch, operations, watch_gradients


def _matmul(place: Place, *operands: Any, **named: Any) -> Any:
    """Two operands; PyTorch calls the second one other, mat2, vec or tensor2."""
    if "input" in named:
        operands = (named.pop("input"), *operands)
    operands = (*operands, *named.values())
    if len(operands) != 2 or not _tensors(operands):
        return NotImplemented
    return placed_matmul(*operands, place)


def _added(multiply: Callable[..., Any] = placed_matmul) -> Callable[..., Any]:
    def added(
        place: Place, input: Any, *operands: Any, beta: float = 1, alpha: float = 1, **named: Any
    ) -> Any:
        """``beta * input + alpha * a @ b``; a and b are mat1 and mat2, batch1 and batch2, ..."""
        operands = (*operands, *(named[name] for name in sorted(named)))
        if len(operands) != 2 or not _tensors((input, *operands)):
            return NotImplemented
        product = multiply(*operands, place)
        scaled = product if alpha == 1 else alpha * product
        # PyTorch does not look at what beta = 0 leaves out, which may be NaN.
        return (beta * input + scaled).to(product.dtype) if beta else scaled

    return added


def _summed_matmul(a: Tensor, b: Tensor, place: Place) -> Tensor:
    """Dot products over the terms of all matrices of a stack."""
    terms = a.shape[0] * a.shape[2]
    x = a.transpose(0, 1).reshape(a.shape[1], terms)
    return placed_matmul(x, b.reshape(terms, b.shape[2]), place)


def _in_place(mapped: Callable[..., Any]) -> Callable[..., Any]:
    """A function that writes into its first operand."""

    def written(place: Place, input: Any, *operands: Any, **named: Any) -> Any:
        found = mapped(place, input, *operands, **named)
        if found is NotImplemented:
            return found
        if found.shape != input.shape:
            raise RuntimeError(
                f"a result of shape {tuple(found.shape)} cannot be written into a tensor of shape "
                f"{tuple(input.shape)}"
            )
        return input.copy_(found)

    return written


def _with_vector(mapped: Callable[..., Any]) -> Callable[..., Any]:
    """On a CPU, autocast leaves functions for a matrix and a vector alone."""

    def product(place: Place, *operands: Any, **named: Any) -> Any:
        with torch.autocast("cpu", enabled=False):
            return mapped(place, *operands, **named)

    return product


def _tensors(values: Iterable[Any]) -> bool:
    return all(isinstance(value, Tensor) for value in values)


# Mixtures of experts; not every PyTorch has it.
GROUPED: Mapping[Any, Callable[..., Any]] = {
    getattr(home, name): analog_grouped
    for home, name in ((torch, "_grouped_mm"), (functional, "grouped_mm"))
    if hasattr(home, name)
}
# Functions of which some operands are no numbers to multiply, but say where what is.
INDEXED = dict.fromkeys((*RECURRENT, *GROUPED, torch.tensordot))

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
        (torch.addmm, torch.baddbmm, Tensor.addmm, Tensor.baddbmm), _added()
    ),
    **dict.fromkeys((torch.addmv, Tensor.addmv), _with_vector(_added())),
    **dict.fromkeys((torch.addbmm, Tensor.addbmm), _added(_summed_matmul)),
    **dict.fromkeys((Tensor.addmm_, Tensor.baddbmm_), _in_place(_added())),
    Tensor.addmv_: _with_vector(_in_place(_added())),
    Tensor.addbmm_: _in_place(_added(_summed_matmul)),
    torch.einsum: analog_einsum,
    torch.tensordot: analog_tensordot,
    **dict.fromkeys((torch.inner, Tensor.inner), analog_inner),
    **dict.fromkeys(
        (torch.dot, torch.vdot, Tensor.dot, Tensor.vdot), _with_vector(_matmul)
    ),
    torch.linalg.vecdot: analog_vecdot,
    **dict.fromkeys((torch.chain_matmul, torch.linalg.multi_dot), analog_chain),
    **dict.fromkeys((torch.bilinear, functional.bilinear), analog_bilinear),
    torch.conv1d: analog_conv1d,
    torch.conv2d: analog_conv2d,
    torch.conv3d: analog_conv3d,
    **dict.fromkeys(
        (torch.conv_transpose1d, torch.conv_transpose2d, torch.conv_transpose3d),
        analog_conv_transpose,
    ),
    torch.convolution: analog_convolution,
    torch.conv_tbc: analog_conv_tbc,
    **RECURRENT,
    **GROUPED,
    functional.linear: analog_linear,
    functional.scaled_dot_product_attention: analog_attention,
}  # fmt: skip


# Products that stay digital, which a recording then tells; not every PyTorch has all of them.
UNMAPPED = frozenset(
    getattr(home, name)
    for home, names in (
        (torch, "addr cdist outer ger kron matrix_power smm spmm dsmm hsmm hspmm saddmm sspaddmm"),
        (Tensor, "addr outer ger kron matrix_power smm sspaddmm addr_"),
        (torch.linalg, "matrix_power"),
        (torch.sparse, "mm addmm sampled_addmm"),
        (torch.ops.higher_order, "flex_attention"),
        (functional, "multi_head_attention_forward linear_cross_entropy"),
    )
    for name in names.split()
    if hasattr(home, name)
)  # fmt: skip


_EVERY = {**dict.fromkeys(UNMAPPED, lambda *_, **__: NotImplemented), **MAPPED}


class _Everywhere(Interception):
    def mapped(self, func: Any) -> Callable[..., Any] | None:
        return _EVERY.get(func)  # `torch.compile` could not look into a table of an instance

    def is_indexed(self, func: Any) -> bool:
        return func in INDEXED


# The interception of this thread as `mode`, if a converted model is under way in it.
_current = threading.local()


class AnalogForward:
    """The ``forward`` of a module that is no analog layer itself, with its products on a core.

    It stands in the place of the method on the module alone, so that class, parameters and state
    are what they were. Without a place the products of the module stay digital. Where the module
    already had its own ``forward``, which is not that of its class, this one calls it.
    """

    strict = False  # of pickles from before there was it

    def __init__(self, module: nn.Module, place: Place | None, strict: bool = False) -> None:
        own = vars(module).get("forward")
        self.module, self.place, self.strict = module, place, strict
        self.own: Any = own.own if isinstance(own, AnalogForward) else own

    @apart
    def __call__(self, *arguments: Any, **options: Any) -> Any:
        # One interception for a model and all modules within it, which take turns.
        outer = getattr(_current, "mode", None)
        with _Everywhere() if outer is None else nullcontext(outer) as mode:
            before = mode.place, mode.strict, mode.products
            mode.place, mode.strict, mode.products = self.place, self.strict, 0
            _current.mode = mode
            begin = operations()
            try:
                with self._watched(mode):
                    if self.own is not None:
                        found = self.own(*arguments, **options)
                    else:
                        found = type(self.module).forward(self.module, *arguments, **options)
                if made := active_recordings.get():
                    self._note(made, begin, found, outer is None)
                return found
            finally:
                mode.place, mode.strict, mode.products = before
                _current.mode = outer
                tell_compiled()

    @contextmanager
    def _watched(self, mode: Interception) -> Iterator[None]:
        """With an eye on all that is computed, whoever calls it, where others are refused."""
        if mode.watched or not self.strict:
            yield
            return
        mode.watched = True
        try:
            with Watch(mode.tell):
                yield
        except RuntimeError as error:
            if mode.refusal is not None:  # in the words of who called the function
                raise mode.refusal from error
            if "already associated to a python object" in str(error):
                raise InputError(
                    f"in {mode.place.layer if mode.place else 'the model'}: a tensor of a class of "
                    "its own is made there, where `strict` cannot see what is computed; convert "
                    "the model without it"
                ) from error
            raise
        finally:
            mode.watched = False

    def _note(self, made: Iterable[Recording], begin: int, found: Any, outermost: bool) -> None:
        """Which operations belong to this call, so that recordings know whose gradients come."""
        end = operations()
        if end == begin:
            return
        for one in made:
            one.calls.append(Call(begin, end, self.place, self.strict))
            if outermost:
                watch_gradients(tree_leaves(found), begin, one.tell_backward)

    @property
    def __code__(self) -> Any:
        """That of the original, where exporters look for names of inputs."""
        return (self.own or type(self.module).forward).__code__

    @property
    def __signature__(self) -> inspect.Signature:
        """That of the original: trainers look there for the names of a model's inputs."""
        return inspect.signature(self.own or type(self.module).forward.__get__(self.module))
