"""Products that a model computes with functions instead of layers, taken to the core."""

import inspect
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from rnscli.torch.mapped import MAPPED, UNMAPPED
from rnscli.torch.product import Place
from rnscli.torch.record import active


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
        if self.place is None:
            return func(*args, **kwargs)
        mapped = MAPPED.get(func)
        if mapped is not None and "out" not in kwargs and _is_real((*args, *kwargs.values())):
            found = mapped(self.place, *args, **kwargs)
            if found is not NotImplemented:
                return found
        if mapped is not None or func in UNMAPPED:
            for made in active():
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


class _Current(threading.local):
    """The interception of this thread, if a converted model is under way in it."""

    mode: _Interception | None = None


_current = _Current()


class AnalogForward:
    """The ``forward`` of a module that is no analog layer itself, with its products on a core.

    It stands in the place of the method on the module alone, so that class, parameters and state
    are what they were. Without a place the products of the module stay digital. Where the module
    already had a ``forward`` of its own, which is not that of its class, this one calls it.
    """

    def __init__(self, module: nn.Module, place: Place | None) -> None:
        """Of the module that calls it."""
        own = vars(module).get("forward")
        self.module, self.place = module, place
        self.own: Any = own.own if isinstance(own, AnalogForward) else own

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """What the class computes."""
        with self._at_place():
            if self.own is not None:
                return self.own(*arguments, **options)
            return type(self.module).forward(self.module, *arguments, **options)

    @property
    def __signature__(self) -> inspect.Signature:
        """That of the original: trainers look there for the names of a model's inputs."""
        return inspect.signature(self.own or type(self.module).forward.__get__(self.module))

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
