"""Products that a model computes with functions instead of layers, taken to the core."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from rnscli.torch.attention import analog_attention
from rnscli.torch.convolution import analog_conv2d
from rnscli.torch.einsum import analog_einsum
from rnscli.torch.linear import analog_linear
from rnscli.torch.product import Place, analog_matmul, busy
from rnscli.torch.record import active


def _matmul(place: Place, input: Tensor, other: Tensor) -> Tensor:
    return analog_matmul(input, other, place)


def _reversed(place: Place, other: Tensor, input: Tensor) -> Tensor:
    return analog_matmul(input, other, place)


def _added(
    place: Place, input: Tensor, first: Tensor, second: Tensor, *, beta: float = 1, alpha: float = 1
) -> Tensor:
    return beta * input + alpha * analog_matmul(first, second, place)


def _linear(place: Place, input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return analog_linear(input, weight, bias, place)


def _conv2d(place: Place, *arguments: Any, **options: Any) -> Tensor:
    return analog_conv2d(*arguments, **options, place=place)


def _attention(place: Place, *arguments: Any, **options: Any) -> Tensor:
    return analog_attention(*arguments, **options, place=place)


_MAPPED: Mapping[Callable[..., Any], Callable[..., Tensor]] = {
    torch.matmul: _matmul,
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
    torch.baddbmm: _added,
    torch.Tensor.baddbmm: _added,
    torch.einsum: analog_einsum,
    torch.conv2d: _conv2d,
    functional.linear: _linear,
    functional.scaled_dot_product_attention: _attention,
}  # fmt: skip


def _functions(*where: tuple[Any, Iterable[str]]) -> frozenset[Callable[..., Any]]:
    found = (getattr(home, name, None) for home, names in where for name in names)
    return frozenset(function for function in found if function is not None)


# Products that stay digital, which a recording then tells.
_UNMAPPED = _functions(
    (torch, ("conv1d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
             "bilinear", "addbmm", "addmv", "addr", "chain_matmul", "tensordot", "cdist", "inner",
             "dot", "vdot", "outer", "kron", "lstm", "gru", "rnn_tanh", "rnn_relu", "lstm_cell",
             "gru_cell", "rnn_tanh_cell", "rnn_relu_cell")),
    (torch.Tensor, ("addbmm", "addmv", "addr", "dot", "inner", "vdot", "outer")),
    (torch.linalg, ("multi_dot", "matrix_power", "vecdot")),
    (functional, ("bilinear", "multi_head_attention_forward")),
)  # fmt: skip


class _Interception(TorchFunctionMode):
    """Computes mapped functions on the core; leaves all others as they are.

    ``place`` is that of the module whose ``forward`` runs, or ``None`` where it stays digital.
    """

    def __init__(self) -> None:
        super().__init__()
        self.place: Place | None = None

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Called by PyTorch, with this mode off."""
        kwargs = kwargs or {}
        if busy.depth or self.place is None:
            return func(*args, **kwargs)
        mapped = _MAPPED.get(func)
        if mapped is not None and "out" not in kwargs and _is_real(args):
            return mapped(self.place, *args, **kwargs)
        if mapped is not None or func in _UNMAPPED:
            for made in active():
                made.unmapped[f"{self.place.layer}: {func.__name__}"] = None
        return func(*args, **kwargs)


def _is_real(arguments: Iterable[Any]) -> bool:
    """Whether operands are floats; whole numbers and complex ones are not for an analog core."""
    tensors = (value for value in arguments if isinstance(value, Tensor))
    return all(tensor.is_floating_point() for tensor in tensors)


class _Current(threading.local):
    """The interception of this thread, if a converted model is under way in it."""

    mode: _Interception | None = None


_current = _Current()


class AnalogForward:
    """The ``forward`` of a module that is no analog layer itself, with its products on a core.

    It stands in the place of the method on the module alone, so that class, parameters and state
    are what they were. Without a place the products of the module stay digital.
    """

    def __init__(self, module: nn.Module, place: Place | None) -> None:
        """Of the module that calls it."""
        self.module, self.place = module, place

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """What the class computes."""
        with self._at_place():
            return type(self.module).forward(self.module, *arguments, **options)

    @contextmanager
    def _at_place(self) -> Iterator[None]:
        """One interception for a model and all modules within it, which take turns."""
        outer = _current.mode
        if outer is None:
            with _Interception() as mode:
                mode.place, _current.mode = self.place, mode
                try:
                    yield
                finally:
                    _current.mode = None
        else:
            before, outer.place = outer.place, self.place
            try:
                yield
            finally:
                outer.place = before
