"""Functions of PyTorch that are taken to the core wherever they are called."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from rnscli.base import InputError
from rnscli.torch.product import (
    PLAIN,
    Place,
    active_recordings,
    check_plain,
    observing,
    tell_unmapped,
)
from rnscli.torch.watching import Watch, unwatched


class Interception(TorchFunctionMode):
    """Computes mapped functions on the core; leaves all others as they are.

    What ``mapped`` gives is called with the place before the arguments, and returns
    `NotImplemented` where the function has to stay digital, which is told. Operands of functions
    that ``is_indexed`` says yes to may be whole numbers, which say where what is. ``place`` is that
    of the module whose ``forward`` runs, or ``None`` where it stays digital; ``products`` counts
    what was taken to the core there, which calibrations and recordings tell apart. What stays
    digital is refused where it is ``strict``.
    """

    mapped: Callable[[Any], Callable[..., Any] | None]
    place: Place | None = None
    strict: bool = False
    watched: bool = False
    refusal: InputError | None = None
    products: int = 0

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
        if not all(map(_is_known, types)) and torch._C._is_torch_function_enabled():
            return self._asked(func, types, args, kwargs)
        mapped = self.mapped(func)
        if mapped is None:
            # Not around all of a model: within, some classes of tensors cannot be made.
            if not self.watched and (active_recordings.get() or self.strict):
                with Watch(self.tell):
                    return func(*args, **kwargs)
            return func(*args, **kwargs)
        if _is_real((*args, *kwargs.values()), self.is_indexed(func)):
            named = {name: value for name, value in kwargs.items() if name != "out"}
            found = mapped(self._counted(self.place), *args, **named)
            if found is not NotImplemented:
                out = kwargs.get("out")
                return found if out is None else _written(out, found)
        self.tell(func.__name__)
        if torch.compiler.is_dynamo_compiling():
            return func(*args, **kwargs)
        with unwatched():  # all has been said
            return func(*args, **kwargs)

    def tell(self, name: str) -> None:
        """Tell of a product that stays digital, unless all of the module does."""
        if self.place is not None:
            try:
                tell_unmapped(self.place, name, self.strict)
            except InputError as error:
                self.refusal = error
                raise

    def is_indexed(self, func: Any) -> bool:
        return False

    def _counted(self, place: Place) -> Place:
        """The place of the next product of this call."""
        if place.calibration is None and (
            torch.compiler.is_dynamo_compiling()
            or (observing.get() is None and not active_recordings.get())
        ):
            return place
        self.products += 1
        return replace(place, product=self.products)

    def _asked(self, func: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
        """What classes of tensors make of a function; what they call in turn comes here again."""
        with self:
            for kind in types:
                found = kind.__torch_function__(func, types, args, kwargs)
                if found is not NotImplemented:
                    return found
        names = ", ".join(kind.__name__ for kind in types)
        raise TypeError(f"{func.__name__} is not implemented for operands of type {names}")


def _is_known(kind: type) -> bool:
    """Whether there is nothing to ask of a class; a causal bias is a tensor in name only."""
    return kind in PLAIN or kind.__module__ == "torch.nn.attention.bias"


def _is_real(arguments: Iterable[Any], indexed: bool) -> bool:
    """Whether operands are dense floats, or where it is ``indexed`` whole numbers, too.

    Whole numbers and complex ones are not for an analog core; sparse matrices, nested tensors and
    subclasses that stand for other tensors have products of their own.
    """
    return all(
        tensor.layout is torch.strided
        and not tensor.is_nested
        # A mask may be Boolean: no operand.
        and (tensor.is_floating_point() or tensor.dtype is torch.bool or _counts(tensor, indexed))
        and type(tensor).__torch_dispatch__ is Tensor.__torch_dispatch__
        for tensor in _tensors(arguments)
    )


def _counts(tensor: Tensor, indexed: bool) -> bool:
    return indexed and not tensor.is_complex()


def _tensors(arguments: Iterable[Any]) -> Iterator[Tensor]:
    for value in arguments:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)


def _written(out: Tensor, found: Tensor) -> Tensor:
    """A result in the tensor that was given for it, as any function of PyTorch does it."""
    if torch.is_grad_enabled() and (found.requires_grad or out.requires_grad):
        raise RuntimeError("a product with `out` has no gradients; call it without, or in no_grad")
    if not torch.can_cast(found.dtype, out.dtype):
        raise RuntimeError(f"a result of type {found.dtype} cannot be written as {out.dtype}")
    if out.shape != found.shape:
        out.resize_(found.shape)
    return out.copy_(found)


def called(
    place: Place, function: Callable[..., Any], analog: Callable[..., Any], *operands: Any
) -> Any:
    """A function on the core; classes of operands have their say first, as of any function."""
    kinds = {type(value) for value in operands if isinstance(value, Tensor)}
    if kinds <= {*PLAIN} or not torch._C._is_torch_function_enabled():
        return analog(place, *operands)
    with torch._C.DisableTorchFunctionSubclass():
        check_plain(place, *operands)  # that none stands for another tensor
    mode = Interception()
    mode.mapped, mode.place = {function: analog}.get, place
    with mode:
        return function(*operands)
