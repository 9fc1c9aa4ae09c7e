"""Products that PyTorch computes, found where it computes them."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import (
    TorchDispatchMode,
    _get_current_dispatch_mode,
    _get_current_dispatch_mode_stack,
    _pop_mode,
    _pop_mode_temporarily,
    _push_mode,
)

# Operators of PyTorch with products, by their names without that of the library; none that pool,
# interpolate or convert.
_PRODUCTS = re.compile(
    r"mm(_|$)|matmul|einsum|(?<!bi)(?<!tri)(?<!upsample_)linear|^(_tri|bi)linear$|conv(?!ert)"
    r"|attention|transformer_|rnn|lstm|gru|(^|_)(add)?mv$|(^|_|tensor)v?dot$|^addr$|cdist|^inner$"
)


@cache
def _is_product(name: str) -> bool:
    return _PRODUCTS.search(name) is not None


# Whether no `Watch` should tell anything, where one cannot be taken off.
_unwatched: ContextVar[bool] = ContextVar("rnscli_unwatched", default=False)


class Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees what products PyTorch computes, whoever calls them, and tells their names."""

    supports_higher_order_operators = True

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # it is not compiled, and to make sure of that takes seconds of imports

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._tell = tell

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        name = getattr(func, "overloadpacket", func).__name__
        if _is_product(name) and not _unwatched.get():
            self._tell(name)
        return func(*args, **(kwargs or {}))


def unwatched() -> AbstractContextManager[Any]:
    """Without a `Watch`, for the simulation."""
    if isinstance(_get_current_dispatch_mode(), Watch):
        return _pop_mode_temporarily()
    watched = any(isinstance(mode, Watch) for mode in _get_current_dispatch_mode_stack())
    return _not_told() if watched else nullcontext()


@contextmanager
def _not_told() -> Iterator[None]:
    token = _unwatched.set(True)
    try:
        yield
    finally:
        _unwatched.reset(token)


def watch_gradients(results: Iterable[Any], begin: int, tell: Callable[[int, str], None]) -> None:
    """Watch what computes the gradients of results.

    Parameters
    ----------
    results
        Tensors, and whatever else there is.
    begin
        The number (`torch.autograd.graph.Node`) of the first operation that is watched.
    tell
        Gets the number of an operation, and the name of a product in its backward pass.
    """
    ahead = [one.grad_fn for one in results if isinstance(one, Tensor)]
    seen = set()
    while ahead:
        node: Any = ahead.pop()
        if node is None or node in seen or node._sequence_nr() < begin:
            continue
        seen.add(node)
        ahead += [behind for behind, _ in node.next_functions]
        # Hooks before and after an operation run in its thread, and the engine puts the modes of
        # that back, also where it fails. Those of a leaf only add gradients up.
        if node.name() != "torch::autograd::AccumulateGrad":
            _watch(node, tell)


def _watch(node: Any, tell: Callable[[int, str], None]) -> None:
    number = node._sequence_nr()
    mode = Watch(lambda name: tell(number, name))

    def before(_: Any) -> None:
        _push_mode(mode)

    def after(*_: Any) -> None:
        if _get_current_dispatch_mode() is mode:
            _pop_mode()

    node.register_prehook(before)
    node.register_hook(after)


def operations() -> int:
    """How many operations with a gradient there have been in this thread."""
    number: int = torch.autograd._get_sequence_nr()  # type: ignore[attr-defined]
    return number
