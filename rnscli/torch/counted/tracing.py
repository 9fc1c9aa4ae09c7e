"""The products that a model computes, found where PyTorch dispatches them."""

import math
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from rnscli.hardware import Workload
from rnscli.hardware.workloads.formats.recurrence import WORK
from rnscli.hardware.workloads.formats.tally import Operand, Tally
from rnscli.hardware.workloads.formats.windows import Axis
from rnscli.torch.counted.operators import MOVING, NORMALISING, SCALING, work_of

META = torch.device("meta")


class _Origin(NamedTuple):
    """Where a constant is from: which it is, its name, and whether it is a parameter."""

    key: Hashable
    name: str
    parameter: bool
    numel: int


class Counting(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts products and vector work of all that is computed within it.

    A product is of stored weights where one operand is a parameter, or follows from constants
    alone; what follows from constants alone is not counted.
    """

    supports_higher_order_operators = True

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False

    def __init__(self, name: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.tally = Tally(name)
        self.path = ""  # of the module that runs
        # Of storages, which are kept, so that none is taken for another one at the same address.
        self._constants: dict[int, tuple[Any, _Origin]] = {}
        self._sums: tuple[Any, int] | None = None  # of the last product, with its channels
        self._loose = 0

    def store(self, tensor: Tensor, name: str, parameter: bool) -> None:
        """Declare a constant."""
        self._mark(tensor, _Origin(("stored", id(tensor), name), name, parameter, tensor.numel()))

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is torch.ops.aten.addmm.default:  # which PyTorch infers a hundred times slower
            result = args[1].new_empty((args[1].shape[0], args[2].shape[1]))
        else:
            result = func(*args, **kwargs)
        self._seen(func, args, kwargs, result)
        return result

    def _seen(self, func: Any, args: tuple[Any, ...], kwargs: Any, result: Any) -> None:
        packet = getattr(func, "overloadpacket", func)
        name = packet.__name__
        name = name if name.startswith("__") else name.rstrip("_")
        given = [*_tensors((*args, *kwargs.values()))]
        made = [*_tensors((result,))]
        origins = [self._origin(one) for one in given]
        product = _PRODUCTS.get(name)
        schema = getattr(func, "_schema", None)
        if product is None or not self._counts(origins):
            if all(origin is not None for origin in origins):
                self._follow(given, origins, made)
                return
            if schema is not None and schema.is_mutable:
                for one in made:  # written in place
                    self._constants.pop(_key(one), None)
        if not made:
            return
        if product is not None:
            product(self, args, kwargs, made[0])
        elif name == "embedding" and origins[0] is not None:
            weights = self.operand(given[0])
            assert weights is not None
            self.tally.table(weights, given[0].numel())
            self.tally.vector("gather", made[0].numel())
        elif not (getattr(func, "is_view", False) or name in MOVING):
            if name in SCALING and self._folds(name, args, made[0]):
                return
            work = work_of(name, args, made[0])
            if work is None:
                self.tally.unknown(str(packet))
            for kind, elements in work or ():
                self.tally.vector(kind, elements)

    def _counts(self, origins: Sequence[_Origin | None]) -> bool:
        """Whether a product with these operands is one of the network, and no constant.

        Zeros that a recurrent layer begins with stand for its outputs.
        """
        if any(origin is None for origin in origins):
            return True
        stored = [origin for origin in origins if origin is not None and origin.name]
        return 0 < len(stored) < len(origins)

    # Constants

    def _mark(self, tensor: Tensor, origin: _Origin) -> None:
        storage = tensor.untyped_storage()
        self._constants[storage._cdata] = (storage, origin)

    def _origin(self, tensor: Tensor) -> _Origin | None:
        found = self._constants.get(_key(tensor))
        return None if found is None else found[1]

    def _follow(
        self, given: list[Tensor], origins: Sequence[_Origin | None], made: list[Tensor]
    ) -> None:
        named = [one for one in origins if one is not None and one.name]
        for one in made:
            if _key(one) in self._constants:
                continue  # a view
            self._loose += 1
            if len(named) == 1 and named[0].numel == one.numel():
                self._mark(one, named[0])  # the same, written otherwise
            else:
                name = named[0].name if named else ""
                parameter = any(origin.parameter for origin in named)
                self._mark(one, _Origin(("made", self._loose), name, parameter, one.numel()))

    def operand(self, tensor: Tensor) -> Operand | None:
        """The stored weights that a tensor is, if it is any."""
        origin = self._origin(tensor)
        if origin is None:
            return None
        # A part of a parameter is another matrix than the rest.
        place = (tensor.storage_offset(), tensor.numel())
        return Operand((origin.key, *place), origin.name, origin.parameter)

    def _folds(self, name: str, args: tuple[Any, ...], result: Tensor) -> bool:
        """Whether it is part of how the sums of the last product are scaled back."""
        if self._sums is None:
            return False
        storage, channels = self._sums
        tensors = [*_tensors(args)]
        sums = [one for one in tensors if _key(one) == storage._cdata]
        others = [one for one in tensors if _key(one) != storage._cdata]
        if len(sums) != 1 or (name not in NORMALISING and not others):
            return False
        if not all(self._origin(one) and one.numel() in (0, 1, channels) for one in others):
            return False
        self._sums = (result.untyped_storage(), channels)
        return True

    # Products

    def multiply(self, first: Tensor, second: Tensor, result: Tensor) -> None:
        """``(B, M, K)`` times ``(B, K, N)``, or without B."""
        rows, length, columns = first.shape[-2], first.shape[-1], second.shape[-1]
        stored, other = self.operand(second), self.operand(first)
        batch = first.shape[0] if first.dim() == 3 else 1
        kept = second
        if other is not None and (stored is None or (other.parameter and not stored.parameter)):
            rows, columns, stored, kept = columns, rows, other, first
        if stored is not None and batch > 1 and kept.stride(0) == 0:  # the same for all
            rows, batch = rows * batch, 1
        self.tally.product(self._named("matmul"), rows, length, columns, batch, None, stored)
        self.sums(result, columns * batch if stored else 0)

    def _named(self, what: str) -> str:
        return f"{self.path}.{what}" if self.path else what

    def sums(self, result: Tensor, channels: int) -> None:
        """Remember what the last product gave, if its weights are stored."""
        self._sums = (result.untyped_storage(), channels) if channels else None

    def convolve(
        self, images: Tensor, weight: Tensor, stride: Sequence[int], padding: Sequence[int],
        dilation: Sequence[int], transposed: bool, groups: int, result: Tensor,
    ) -> None:  # fmt: skip
        stored = self.operand(weight)
        batch, channels, *sizes = images.shape
        if transposed:
            outputs = weight.shape[1] * groups
            self.tally.transposed(
                self._named("convolution"), batch, channels, outputs, groups, math.prod(sizes),
                math.prod(weight.shape[2:]), result.numel(), stored,
            )  # fmt: skip
        else:
            outputs = weight.shape[0]
            number = len(sizes)
            axes = [
                Axis(size, window, made, step, pad, gap)
                for size, window, made, step, pad, gap in zip(
                    sizes, weight.shape[2:], result.shape[2:], _each(stride, number),
                    _each(padding, number), _each(dilation, number), strict=True,
                )
            ]  # fmt: skip
            self.tally.convolution(
                self._named("convolution"), batch, channels, outputs, groups, axes, stored
            )
        self.sums(result, outputs if stored else 0)

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> None:
        """Scores and context of heads, in full, whatever a mask hides."""
        batch, heads, rows, size = query.shape
        groups, length = heads // key.shape[1], key.shape[2]
        count = batch * key.shape[1]
        self.tally.vector("multiply", query.numel())
        self.tally.product(self._named("scores"), groups * rows, size, length, count)
        self.tally.vector("softmax", batch * heads * rows * length)
        self.tally.product(self._named("context"), groups * rows, length, value.shape[3], count)
        self._sums = None

    def repeat(
        self, kind: str, given: Tensor, state: Any, weights: Sequence[Tensor], biased: bool,
        layers: int, dropout: float, train: bool, both: bool, batch_first: bool,
    ) -> tuple[Tensor, ...]:  # fmt: skip
        """Recurrent layers, one above the other: what ``torch.lstm`` and its like return."""
        batch, steps = given.shape[:2] if batch_first else given.shape[1::-1]
        directions = 2 if both else 1
        first = state[0] if isinstance(state, list | tuple) else state
        hidden = weights[1].shape[0] // WORK[kind].gates
        projected = first.shape[2] != hidden
        each = 2 + 2 * biased + projected
        rows = batch * steps
        for one in range(layers * directions):
            of_inputs, of_outputs, *rest = weights[one * each : (one + 1) * each]
            matrices = [(of_inputs, "input", 1), (of_outputs, "recurrent", steps)]
            if projected:
                matrices.append((rest[-1], "projection", steps))
            for matrix, what, waits in matrices:
                columns, length = matrix.shape
                self.tally.product(
                    self._named(what), rows, length, columns, 1, None, self.operand(matrix), waits
                )
            for work, number in WORK[kind].of_outputs.items():
                self.tally.vector(work, number * rows * hidden)
        width = first.shape[2] * directions
        shape = (batch, steps, width) if batch_first else (steps, batch, width)
        self._sums = None
        states = state if isinstance(state, list | tuple) else [state]
        return (given.new_empty(shape), *(torch.empty_like(one) for one in states))


def _key(tensor: Tensor) -> int:
    key: int = tensor.untyped_storage()._cdata
    return key


def _each(sizes: Sequence[int], number: int) -> Sequence[int]:
    return sizes if len(sizes) == number else [sizes[0]] * number


def _tensors(values: Sequence[Any]) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)


# Of ATen, by name


def _mm(at: Counting, args: Any, kwargs: Any, result: Tensor) -> None:
    at.multiply(args[0], args[1], result)


def _added(at: Counting, args: Any, kwargs: Any, result: Tensor) -> None:
    at.multiply(args[1], args[2], result)


def _mv(at: Counting, args: Any, kwargs: Any, result: Tensor) -> None:
    matrix, vector = args[-2:]
    at.multiply(matrix, vector.unsqueeze(1), result)


def _dot(at: Counting, args: Any, kwargs: Any, result: Tensor) -> None:
    at.multiply(args[0].unsqueeze(0), args[1].unsqueeze(1), result)


def _linear(at: Counting, args: Any, kwargs: Any, result: Tensor) -> None:
    at.multiply(args[0].reshape(-1, args[0].shape[-1]), args[1].t(), result)


def _convolution(at: Counting, args: Any, kwargs: Any, result: Tensor) -> None:
    images, weight, _, stride, padding, dilation, transposed, _, groups, *_ = args
    at.convolve(images, weight, stride, padding, dilation, transposed, groups, result)


def _attention(at: Counting, args: Any, kwargs: Any, result: Tensor) -> None:
    at.attend(*args[:3])


def _grouped(at: Counting, args: Any, kwargs: Any, result: Tensor) -> None:
    """Rows of inputs that are shared out, here evenly, among matrices, as among experts."""
    rows, weights = args[:2]
    if rows.dim() == 3 or weights.dim() == 2:
        at.multiply(rows, weights, result)
        return
    number, length, columns = weights.shape
    used = min(number, rows.shape[0])  # the others have no row
    at.tally.product(
        at._named("experts"), -(-rows.shape[0] // used), length, columns, used, None,
        at.operand(weights), idle=number - used,
    )  # fmt: skip
    at.sums(result, 0)


def _deformable(at: Counting, args: Any, kwargs: Any, result: Tensor) -> None:
    """Of torchvision: every window reads values at offsets of its own, between pixels."""
    images, weight, _, mask = args[:4]
    groups = images.shape[1] // weight.shape[1]
    taps = math.prod(weight.shape[2:])
    pixels = result.shape[0] * math.prod(result.shape[2:])
    at.tally.vector("sample", pixels * taps * images.shape[1])
    if mask.numel():
        at.tally.vector("multiply", pixels * taps * images.shape[1])
    stored = at.operand(weight)
    at.tally.product(
        at._named("convolution"), pixels, weight.shape[1] * taps, weight.shape[0] // groups,
        groups, None, stored,
    )  # fmt: skip
    at.sums(result, weight.shape[0] if stored else 0)


_PRODUCTS: dict[str, Callable[[Counting, Any, Any, Tensor], None]] = {
    "mm": _mm,
    "bmm": _mm,
    "_int_mm": _mm,
    "_scaled_mm": _mm,
    "addmm": _added,
    "baddbmm": _added,
    "mv": _mv,
    "addmv": _mv,
    "dot": _dot,
    "vdot": _dot,
    "linear": _linear,
    "convolution": _convolution,
    "_convolution": _convolution,
    "_grouped_mm": _grouped,
    "deform_conv2d": _deformable,
    "_scaled_dot_product_flash_attention": _attention,
    "_scaled_dot_product_flash_attention_for_cpu": _attention,
    "_scaled_dot_product_efficient_attention": _attention,
    "_scaled_dot_product_cudnn_attention": _attention,
    "_scaled_dot_product_fused_attention_overrideable": _attention,
}
_RECURRENT = ("lstm", "gru", "rnn_tanh", "rnn_relu")


def is_recurrent(name: str, args: Sequence[Any]) -> bool:
    """Whether a call is that of a recurrent layer, of sequences that are all of one length.

    Those of several lengths have another signature, and are computed step by step.
    """
    return name in _RECURRENT and len(args) == 9 and isinstance(args[3], bool)


class _Recurrent(TorchFunctionMode):
    """Takes recurrent layers as they are called: dispatched, each step is products of its own."""

    def __init__(self, counting: Counting) -> None:
        super().__init__()
        self._counting = counting

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        name = getattr(func, "__name__", "")
        if is_recurrent(name, args):
            return self._counting.repeat(name, *args)
        return func(*args, **(kwargs or {}))


@contextmanager
def counting(name: str) -> Iterator[Counting]:
    """Count what is computed within."""
    made = Counting(name)
    with ExitStack() as stack:
        for one in (torch.no_grad(), META, _Recurrent(made), made):
            stack.enter_context(one)
        yield made


def traced_workload(
    name: str,
    model: nn.Module,
    inputs: Sequence[Tensor],
    named: Mapping[str, Tensor] | None = None,
) -> Workload:
    """The products and the vector work of a model, run once on the meta device, in evaluation.

    The model is moved there, and loses its weights. Layers have the names of their weights, or of
    the module that computes a product without any. Attention is counted in full: what a mask hides
    is computed and dropped.

    Parameters
    ----------
    name
        What reports call the workload.
    model
        The model.
    inputs, named
        What it takes, by place and by name; only shapes and types matter.

    Raises
    ------
    InputError
        If it computes no products.

    Examples
    --------
    >>> import torch
    >>> model = torch.nn.Sequential(torch.nn.Linear(20, 30), torch.nn.ReLU())
    >>> made = traced_workload("net", model, [torch.empty(5, 20, device="meta")])
    >>> made.gemms[0].layer, made.macs, made.parameters, made.vectors[0].elements
    ('0', 3000, 630, 150)
    """
    model = model.to(META).eval()
    parts = dict(model.named_modules())
    handles = []
    with counting(name) as made:
        for path, parameter in model.named_parameters():
            made.store(parameter, path, True)
        for path, buffer in model.named_buffers():
            made.store(buffer, path, False)
        stack = [""]
        for path, part in parts.items():
            handles += _watched(part, path, stack, made)
        try:
            model(*(one.to(META) for one in inputs), **(named or {}))
        finally:
            for handle in handles:
                handle.remove()
    return made.tally.workload(sum(one.numel() for one in model.parameters()))


def _watched(part: nn.Module, path: str, stack: list[str], made: Counting) -> list[Any]:
    def enter(*_: Any) -> None:
        stack.append(path)
        made.path = path

    def leave(*_: Any) -> None:
        stack.pop()
        made.path = stack[-1] if stack else ""

    return [
        part.register_forward_pre_hook(enter),
        part.register_forward_hook(leave, always_call=True),
    ]
