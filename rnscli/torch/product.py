"""Matrix products of tensors on a core, with straight-through gradients, and records of them."""

import math
import zlib
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.utils.weak import WeakIdRef

from rnscli.base import InputError
from rnscli.core import Core
from rnscli.hardware import Gemm, Workload
from rnscli.matrix import (
    Dataflow,
    GradientFlows,
    ProductCounts,
    QuantisedWeights,
    TiledProduct,
    needs_calibration,
)
from rnscli.torch.arrays import TorchArrays
from rnscli.torch.stored import Source, kept
from rnscli.torch.watching import unwatched

CoreOrFlow = Core | Dataflow  # a core stands for the defaults of a dataflow on it


@dataclass(frozen=True)
class Calibration:
    """What a model is calibrated to: a record in plain values, and the dataflow of each site."""

    record: Mapping[str, Any]
    flows: Mapping[str, Dataflow]


@dataclass(frozen=True)
class Place:
    """Where a product belongs: the dataflow, and the layer that it is of.

    ``product`` counts the products that one call of a ``forward`` computes by functions, and
    ``calibration`` is that of the model, if it has one. ``gradients`` are the dataflows of a
    backward pass, if they are others.
    """

    flow: Dataflow
    layer: str
    product: int = 1
    calibration: Calibration | None = field(default=None, compare=False, repr=False)
    gradients: GradientFlows | None = None

    @property
    def flows(self) -> tuple[Dataflow, ...]:
        """All that compute something on a core."""
        every = (self.flow_of(role) for role in ROLES)
        return tuple(flow for flow in every if flow is not None)

    def flow_of(self, role: str) -> Dataflow | None:
        """The dataflow without what a calibration knows; ``None`` if no core computes it."""
        if self.gradients is None or role == FORWARD:
            return self.flow
        return self.gradients.inputs if role == INPUT_GRADIENT else self.gradients.weights

    def site(self, role: str) -> str:
        """The name by which its ranges are kept."""
        name = self.layer if self.product == 1 else f"{self.layer}[{self.product}]"
        return name if role == FORWARD else f"{name} {role}"

    def part(self, name: str) -> "Place":
        """The place of one of several products of a layer or a function."""
        return replace(self, layer=f"{self.layer}.{name}")

    def flow_for(self, role: str) -> Dataflow:
        """The dataflow with what its calibration knows of a product, which a core computes.

        Raises
        ------
        InputError
            If it was calibrated without this product.
        """
        flow = self.flow_of(role)
        assert flow is not None
        if self.calibration is None:
            return flow
        found = self.calibration.flows.get(self.site(role), flow)
        if found is flow and needs_calibration(found):
            raise InputError(
                "the model was calibrated without this product; calibrate it with samples, and "
                "for gradients with a loss, that have it"
            )
        return found


def flow_of(core: CoreOrFlow) -> Dataflow:
    """The dataflow, or that of a core with the defaults; refused if it is neither."""
    if isinstance(core, Dataflow):
        return core
    if not hasattr(core, "dot_product"):
        accepted = "an analog core, as rnscli.analog_core makes it, or a rnscli.Dataflow"
        raise InputError.of("core", core, accepted, what=f"is of type {type(core).__name__}")
    return Dataflow(core)


class Observer(Protocol):
    """Who computes the products of a model in the place of its core, to see what comes."""

    def product(
        self, x: Tensor, w: Tensor, place: Place, role: str, stationary: bool
    ) -> tuple[Tensor, ProductCounts]: ...


observing: ContextVar[Observer | None] = ContextVar("rnscli_observing", default=None)

FORWARD, INPUT_GRADIENT, WEIGHT_GRADIENT = "forward", "input-gradient", "weight-gradient"
ROLES = (FORWARD, INPUT_GRADIENT, WEIGHT_GRADIENT)


@dataclass(frozen=True)
class ProductKind:
    """Which product it was: of which layer, forward or for a gradient, and of which shape.

    ``k`` is the length of its dot products, ``n`` its number of columns, ``matrices`` how many
    matrices of weights it has, such as one for each group of a convolution; ``stationary`` says
    that these are stored parameters. ``rows`` are those that each matrix is multiplied with, or
    ``None`` for stored ones: all rows that come are multiplied with these. ``product`` counts those
    that one call of a ``forward`` computes by functions, where the same parameter counts once;
    what `torch.compile` has made of a ``forward`` does not count.
    """

    layer: str
    role: str
    k: int
    n: int
    stationary: bool
    matrices: int = 1
    rows: int | None = None
    product: int = 1


@dataclass
class Recorded:
    """All products of one kind: rows of inputs in total, matrices of weights, and results."""

    rows: int = 0
    matrices: int = 0
    counts: ProductCounts = field(default_factory=ProductCounts)


StoredPart = tuple[WeakIdRef, int]  # which parameter, and where in it a view begins


class Call(NamedTuple):
    """A call of a ``forward``: from which operation with a gradient on, and before which one."""

    begin: int
    end: int
    place: Place | None
    strict: bool


_BACKWARD = " (backward)"


@dataclass
class Recording:
    """What was computed within `recording`.

    Attributes
    ----------
    kinds
        The products, by kind, in the order in which they first occurred.
    unmapped
        Products that stayed digital, as ``layer: function``, each once: of functions that no core
        computes, and of operators of PyTorch that these, or others, call. Those of gradients, such
        as what `torch.utils.checkpoint` computes again, have ``(backward)`` behind; they are left
        out for layers of which others were told.
    """

    kinds: dict[ProductKind, Recorded] = field(default_factory=dict)
    unmapped: dict[str, None] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list, repr=False)
    _of_weights: dict[tuple[str, StoredPart], int] = field(
        default_factory=dict, repr=False, compare=False
    )

    def __getstate__(self) -> dict[str, Any]:
        """All but what tells parameters of this process apart."""
        return {**vars(self), "_of_weights": {}}

    def number_of(self, request: "Request") -> int:
        """Which product of its layer it is; with the same weights, the same one again."""
        place, weights = request.place, request.weights
        if weights is None:
            return place.product
        return self._of_weights.setdefault((place.layer, weights), place.product)

    def tell_backward(self, number: int, name: str) -> None:
        """Tell of a product in the backward pass of an operation, if it was for a core."""
        # Of calls that are within each other, the inner one ended first.
        first = bisect_right(self.calls, number, key=lambda one: one.end)
        call = next((one for one in self.calls[first:] if one.begin <= number), None)
        if call is None or call.place is None:
            return
        layer = f"{call.place.layer}: "
        known = (one for one in self.unmapped if one.startswith(layer))
        if all(one.endswith(_BACKWARD) for one in known):
            tell_unmapped(call.place, name + _BACKWARD, call.strict, self)

    @property
    def counts(self) -> ProductCounts:
        return sum((made.counts for made in self.kinds.values()), ProductCounts())

    def gemms(self) -> dict[ProductKind, Gemm]:
        """The products of each kind, but for empty batches, by the names of their layers.

        Weights that are stored are multiplied with all rows that came; products of two activations
        have their own weights each.
        """
        found = {}
        for kind, made in self.kinds.items():
            if made.rows:
                times = kind.matrices if kind.stationary else made.matrices
                found[kind] = Gemm(
                    kind.layer, made.rows // times, kind.k, kind.n, times, kind.stationary
                )
        return found

    def workload(self, name: str) -> Workload:
        """The products as `rnscli.workload_energy` takes them.

        Raises
        ------
        InputError
            If nothing was recorded.
        """
        return Workload(
            name,
            tuple(
                gemm if kind.role == FORWARD else replace(gemm, layer=f"{kind.layer} {kind.role}")
                for kind, gemm in self.gemms().items()
            ),
        )


active_recordings: ContextVar[tuple[Recording, ...]] = ContextVar("rnscli_recordings", default=())


@contextmanager
def recording() -> Iterator[Recording]:
    """Record the products of converted models, and those of the gradients that follow from them.

    It sees what its own thread calls. On the device ``meta``, products are counted as if nothing
    failed, and not computed: a way to the workload of a model of any size.

    Examples
    --------
    >>> import rnscli.torch, torch
    >>> layer = rnscli.torch.AnalogLinear(200, 10, core=rnscli.analog_core("rns", bits=6))
    >>> with rnscli.torch.recording() as made:
    ...     _ = layer(torch.ones(3, 200))
    >>> made.counts.products, made.counts.dot_products
    (1, 60)
    """
    made = Recording()
    token = active_recordings.set((*active_recordings.get(), made))
    try:
        yield made
    finally:
        active_recordings.reset(token)


# What `torch.compile` saw within a model: it cannot look into recordings, and notes this at each
# call of what it has compiled.
_compiled: dict[str, None] = {}


def tell_unmapped(
    place: Place, name: str, strict: bool = False, made: Recording | None = None
) -> None:
    """Record a product that stays digital, in all recordings or in this one.

    Raises
    ------
    InputError
        If ``strict``.
    """
    what = f"{place.layer}: {name}"
    if strict:
        raise InputError(
            f"in {place.layer}: the product {name} is computed by no core, which `strict` refuses"
        )
    if torch.compiler.is_dynamo_compiling():
        _compiled[what] = None
        return
    for one in active_recordings.get() if made is None else (made,):
        one.unmapped[what] = None


def tell_compiled() -> None:
    """Record what compiled parts of a model, which has been called, have noted."""
    while _compiled:
        what, _ = _compiled.popitem()
        for made in active_recordings.get():
            made.unmapped[what] = None


def check_plain(place: Place, *values: Any) -> None:
    """Refuse tensors of classes that say themselves what their values are, or what is done to them.

    Where PyTorch has asked them already, they are read as they are. Refused are, too, transforms
    that would need derivatives which a product does not have, and lists of tensors in one.
    """
    if torch._C._are_functorch_transforms_active():
        raise InputError(
            f"in {place.layer}: transforms of torch.func, such as vmap or grad, do not reach into "
            "a product on a core; take batches, and gradients by torch.autograd"
        )
    forward = forward_ad._current_level >= 0
    for value in values:
        kind = type(value)
        if isinstance(value, Tensor) and value.is_nested:
            raise InputError(
                f"in {place.layer}: an operand is a nested tensor, which no core computes with; "
                "it must be padded, as torch.nested.to_padded_tensor does"
            )
        if forward and isinstance(value, Tensor) and _has_tangent(value):
            raise InputError(
                f"in {place.layer}: a product on a core has no derivatives in forward mode; take "
                "gradients, by torch.autograd.grad or backward"
            )
        if kind in PLAIN or not isinstance(value, Tensor):
            continue
        function = kind.__torch_function__
        usual = function is PARAMETERS or (
            getattr(function, "__func__", None) is Tensor.__torch_function__.__func__  # type: ignore[attr-defined]
        )
        asked = usual or not torch._C._is_torch_function_enabled()
        if not asked or kind.__torch_dispatch__ is not Tensor.__torch_dispatch__:
            raise InputError(
                f"in {place.layer}: an operand or a mask is of type {kind.__name__}, which "
                "computes in a way of its own; it must be a plain torch.Tensor"
            )


def _has_tangent(value: Tensor) -> bool:
    found = forward_ad.unpack_dual(value)  # type: ignore[no-untyped-call]
    return found.tangent is not None


PLAIN = (Tensor, nn.Parameter)
PARAMETERS = nn.Parameter.__torch_function__  # of classes that leave everything to PyTorch


def placed_matmul(x: Tensor, w: Tensor, place: Place) -> Tensor:
    """`rnscli.torch.analog_matmul` at a place."""
    if w.dim() == 1:
        return placed_matmul(x, w.unsqueeze(-1), place).squeeze(-1)
    if x.dim() == 1:
        return placed_matmul(x.unsqueeze(0), w, place).squeeze(-2)
    if _is_stored(x) and not _is_stored(w):
        # What is stored belongs in the array.
        return _broadcast(w.mT, x.mT, place, True).mT
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
    return stored_matmul(x, w, place, stationary)


def stored_matmul(x: Tensor, w: Tensor, place: Place, stationary: bool = True) -> Tensor:
    """`placed_matmul` with weights ``(K, N)`` or ``(G, K, N)``, made from stored parameters."""
    check_plain(place, x, w)
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
    with torch._C.DisableTorchFunction():
        # What is computed here is the simulation: no interception looks at it, nor takes time.
        kept = torch.promote_types(product_type(x), product_type(w))
        request = request_for(place, w, stationary)
        result: Tensor = _Product.apply(_float(x), _float(w), request)  # type: ignore[no-untyped-call]
        return result.to(kept)


def product_type(values: Tensor) -> torch.dtype:
    """The type in which PyTorch would multiply them."""
    device = values.device.type
    if values.dtype is not torch.float64 and _has_autocast(device):
        return torch.get_autocast_dtype(device)
    return values.dtype


def _has_autocast(device: str) -> bool:
    return torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)


def _full_precision(device: str) -> AbstractContextManager[Any]:
    """Without autocast: it would round whole numbers."""
    return torch.autocast(device, enabled=False) if _has_autocast(device) else nullcontext()


def _float(values: Tensor) -> Tensor:
    return values if values.dtype in (torch.float32, torch.float64) else values.float()


class Request(NamedTuple):
    """Where a product is computed, whether of stored weights, in which role, and who looks on.

    ``source`` is where the weights are from, if they are quantised once for all products until
    they change, and ``weights`` tells which part of which parameter they are, if they are one.
    """

    place: Place
    stationary: bool
    role: str
    recordings: tuple[Recording, ...]
    observer: Observer | None
    source: Source | None = None
    weights: StoredPart | None = None


def request_for(place: Place, w: Tensor, stationary: bool) -> Request:
    """The request of a forward product."""
    # In training they change before they are used again.
    source = None if torch.is_grad_enabled() else Source.of(w)
    base = w if w._base is None else w._base
    is_parameter = isinstance(base, nn.Parameter)
    weights = (WeakIdRef(base), int(w.storage_offset())) if is_parameter else None
    return Request(
        place, stationary, FORWARD, active_recordings.get(), observing.get(), source, weights
    )


class _Product(torch.autograd.Function):
    """A product, or a stack of them, and those of its gradients, of any order."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, w: Tensor, request: Request) -> Tensor:
        ctx.save_for_backward(x, w)
        ctx.request = request
        found = _compute(x, w, request)
        # What is a view in the eyes of PyTorch must not be changed in place.
        return found.new_empty(0).set_(found) if found._is_view() else found  # type: ignore[call-overload]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, w = ctx.saved_tensors
        # With create_graph, gradients have gradients in turn.
        product = _Product.apply if torch.is_grad_enabled() else _compute
        to_x = to_w = None
        with torch._C.DisableTorchFunction():
            if ctx.needs_input_grad[0]:
                found = product(grad, w.mT, ctx.request._replace(role=INPUT_GRADIENT, source=None))
                to_x = found.to(x.dtype)
            if ctx.needs_input_grad[1]:
                if w.dim() == 2:
                    x, grad = x.flatten(0, -2), grad.flatten(0, -2)
                request = ctx.request._replace(role=WEIGHT_GRADIENT, stationary=False, source=None)
                to_w = product(x.mT, grad, request).to(w.dtype)
        return to_x, to_w, None


def _compute(x: Tensor, w: Tensor, request: Request) -> Tensor:
    place, stationary, role, observer = (
        request.place,
        request.stationary,
        request.role,
        request.observer,
    )
    x, w = x.detach(), w.detach()
    flow = place.flow_of(role)
    if flow is not None and x.device.type == "meta":
        # Operands without values: the product has a shape, and what it takes if nothing fails.
        found = x.new_empty((*x.shape[:-1], w.shape[-1]), dtype=torch.float32)
        tiles = math.ceil(x.shape[-1] / flow.core.dot_product.vector_size)
        dots = found.numel() * tiles
        counts = ProductCounts(max(1, w.shape[:-2].numel()), dots, 0, dots)
    elif flow is not None and observer is not None:
        with simulating(x.device, request):
            found, counts = observer.product(x, w, place, role, stationary)
    else:
        with simulating(x.device, request):
            multiply = Multiplication(request, x.device)
            found, counts = multiply(x, multiply.quantised(w))
    if torch.float64 not in (x.dtype, w.dtype):
        found = found.float()
    record(request, w.shape, x.shape[:-1].numel(), counts)
    return found


@contextmanager
def simulating(device: torch.device, request: Request) -> Iterator[None]:
    """Nobody looks at what is computed within, and errors say where in a model they are."""
    try:
        with _full_precision(device.type), unwatched():
            yield
    except InputError as error:
        # Where in a model a number has grown beyond all bounds is half of the answer.
        raise type(error)(f"in {request.place.layer} ({request.role}): {error}") from error


Weights = QuantisedWeights | Tensor  # of a product on a core, or in FP32


class Multiplication:
    """What multiplies inputs with weights ``(..., K, N)``: a core, or FP32 if no core does.

    Inputs and weights may come in parts, one after the other: their noise is drawn from one
    generator. Where parts of the inputs are what `at_once` says, it is that of one product.
    """

    def __init__(self, request: Request, device: torch.device) -> None:
        self._request = request
        self._drawn_from: np.random.Generator | None = None
        flow = request.place.flow_of(request.role) and request.place.flow_for(request.role)
        self.flow = flow
        self.product = None if flow is None else TiledProduct(flow, TorchArrays(device))

    def quantised(self, w: Tensor, start: int = 0) -> Weights:
        """Weights, or those from a row on."""
        product, request = self.product, self._request
        if product is None or self.flow is None:
            return w
        at = zlib.crc32(f"{request.place.layer} {request.role}".encode())
        # What chance has rounded is not what it would be the next time.
        source = None if self.flow.rounds.draws else request.source
        return kept(source, (self.flow, at), lambda: product.quantise_weights(w, at, start))

    def __call__(
        self,
        x: Tensor,
        weights: Weights,
        largest: Tensor | None = None,
        onto: Tensor | None = None,
    ) -> tuple[Tensor, ProductCounts]:
        """Products of inputs ``(..., M, K)``, as `TiledProduct.multiply` has them."""
        if self.product is None or isinstance(weights, Tensor):
            assert isinstance(weights, Tensor)
            return _in_fp32(x, weights), ProductCounts()
        return self.product.multiply(x, weights, self._rng, largest, onto)

    @property
    def draws(self) -> bool:
        """Whether chance has a part in the result."""
        return self.product is not None and self.product.draws

    def at_once(self, shape: Sequence[int], terms: int) -> int:
        """How much of the first axis of results is computed, and noise drawn for, at a time."""
        return shape[0] if self.product is None else self.product.at_once(shape, terms)

    def _rng(self) -> np.random.Generator:
        self._drawn_from = self._drawn_from or _generator()
        return self._drawn_from


def _in_fp32(x: Tensor, w: Tensor) -> Tensor:
    kind = torch.promote_types(x.dtype, w.dtype)
    return x.to(kind) @ w.to(kind)


def record(request: Request, weights: torch.Size, rows: int, counts: ProductCounts) -> None:
    """Note a product of so many rows in total with weights of a shape, or that it is on no core."""
    if request.place.flow_of(request.role) is None:
        for made in request.recordings:
            made.unmapped[f"{request.place.layer}: {request.role}"] = None
        return
    matrices = weights[:-2].numel()
    of_each = None if request.stationary else rows // max(1, matrices)
    layer, role, stationary = request.place.layer, request.role, request.stationary
    shape = weights[-2], weights[-1]
    for made in request.recordings:
        number = made.number_of(request)
        kind = ProductKind(layer, role, *shape, stationary, matrices, of_each, number)
        entry = made.kinds.setdefault(kind, Recorded())
        entry.rows += rows
        entry.matrices += counts.products
        entry.counts += counts


def _generator() -> np.random.Generator:
    """A source of noise, seeded from PyTorch's generator."""
    seed = torch.randint(2**63 - 1, (), dtype=torch.int64, device="cpu")
    return np.random.default_rng(int(seed))


def analog_matmul(x: Tensor, w: Tensor, core: CoreOrFlow, layer: str = "matmul") -> Tensor:
    """``torch.matmul(x, w)`` on a core; the inputs are x, the weights w.

    Both are quantised in their own precision (float32 at least), partial sums are added in FP32,
    and the result has the type that the operands promote to. Gradients pass the rounding straight
    through and are products on the same core: ``grad w^T`` and ``x^T grad``.

    Parameters
    ----------
    x, w
        Operands of any shapes that `torch.matmul` takes. A parameter on the left, or a view of
        one, is what the weights are if there is none on the right.
    core
        The core, or a `rnscli.Dataflow` on it.
    layer
        The name that the product has in records.

    Raises
    ------
    InputError
        If an operand is not finite, or not of floating-point numbers.
    RuntimeError
        If the shapes do not fit, as `torch.matmul` does.

    Notes
    -----
    Noise is drawn from a NumPy generator whose seed comes from PyTorch's own, so that
    `torch.manual_seed` fixes it and a saved state of that generator restores it.

    Examples
    --------
    >>> import rnscli, torch
    >>> core = rnscli.analog_core("rns", bits=8, vector_size=128)
    >>> x, w = torch.linspace(-1, 1, 20), torch.ones(20, 2)
    >>> analog_matmul(x + 1, w, core).round(decimals=1)
    tensor([20., 20.])
    """
    return placed_matmul(x, w, Place(flow_of(core), layer))
