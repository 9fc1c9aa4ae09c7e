"""How far a converted model is from the one in FP32, layer by layer, without labels."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from rnscli.base import InputError, RnscliError, said
from rnscli.matrix import ProductCounts
from rnscli.torch.mapped.layers import AnalogLayer
from rnscli.torch.modules import check_module, inference
from rnscli.torch.product import FORWARD, Place, active_recordings, observing, stored_matmul

_HELD_BYTES = 2**28
_PIECE = 2**20  # values that are compared in float64 at once
_NORMAL_975 = 1.959963984540054  # quantile of the normal distribution, for 95 %
_LEAST_DB = 20.0  # of a conversion with exact products: bfloat16 has more, other weights less


@dataclass(frozen=True)
class Deviation:
    """Energies of what FP32 gives and of what differs from it: ``sum y^2``, ``sum (y' - y)^2``.

    Examples
    --------
    >>> Deviation(100.0, 1.0).snr_db, Deviation(1.0, 0.0).snr_db, Deviation(0.0, 0.0).snr_db
    (20.0, inf, None)
    """

    signal: float = 0.0
    error: float = 0.0

    def __add__(self, other: "Deviation") -> "Deviation":
        return Deviation(self.signal + other.signal, self.error + other.error)

    @property
    def snr_db(self) -> float | None:
        """``10 log10(sum y^2 / sum (y' - y)^2)`` in dB.

        Infinite where nothing differs, minus infinity where y' is not finite, and ``None`` where
        FP32 gives nothing but zeros, of which no ratio can be formed.
        """
        if not self.signal:
            return None
        if not self.error:
            return math.inf
        if math.isinf(self.error):
            return -math.inf
        return 10 * (math.log10(self.signal) - math.log10(self.error))


@dataclass(frozen=True)
class LayerAgreement:
    """A layer of a converted model beside FP32.

    Attributes
    ----------
    name
        Of the layer in the model; of a product that a ``forward`` computes by functions, that of
        its site, such as ``block.attention.scores``.
    kind
        Type of the layer, or of the module whose ``forward`` computes the product.
    shape
        ``K x N`` of its product with the most MACs: K terms, N columns.
    macs
        Multiplications of all calls on all samples, each with its addition.
    calls
        How often it was called.
    unmatched
        Calls without a counterpart of the same shape in the converted model as it runs, such as
        where a mixture of experts chose others; ``accumulated`` is of the rest.
    in_place
        With the inputs that the layer has in FP32: what it loses alone.
    accumulated
        In the converted model as it runs: with what the layers before it have lost.
    """

    name: str
    kind: str
    shape: str
    macs: int
    calls: int
    unmatched: int
    in_place: Deviation
    accumulated: Deviation

    @property
    def is_silent(self) -> bool:
        """Whether its output is zero throughout in FP32, so that no SNR can be given."""
        return not self.in_place.signal

    def __add__(self, other: "LayerAgreement") -> "LayerAgreement":
        return replace(
            self,
            macs=self.macs + other.macs,
            calls=self.calls + other.calls,
            unmatched=self.unmatched + other.unmatched,
            in_place=self.in_place + other.in_place,
            accumulated=self.accumulated + other.accumulated,
        )


@dataclass(frozen=True)
class Agreement:
    """A converted model beside FP32 on the same samples; those of several parts are added.

    Attributes
    ----------
    layers
        In the order in which they were first called.
    outputs
        Of the logits, or of what the model returns; always accumulated.
    decisions
        Rows of logits, one a sample unless a model gives several, as one of tokens does.
    same
        Decisions whose largest logit is the same in both.
    """

    layers: tuple[LayerAgreement, ...]
    outputs: Deviation
    decisions: int
    same: int

    @property
    def macs(self) -> int:
        """Multiplications of all layers."""
        return sum(one.macs for one in self.layers)

    def macs_share(self, layer: LayerAgreement) -> float:
        """Share of the MACs that a layer has."""
        return layer.macs / self.macs

    @property
    def top_class(self) -> float | None:
        """Share of the decisions that are the same; ``None`` where there is nothing to decide."""
        return self.same / self.decisions if self.decisions else None

    @property
    def top_class_ci95(self) -> tuple[float, float] | None:
        """Wilson's interval of ``top_class``.

        References
        ----------
        E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA
        1927.

        Examples
        --------
        >>> low, high = Agreement((), Deviation(), decisions=100, same=95).top_class_ci95
        >>> round(low, 4), round(high, 4)
        (0.8882, 0.9785)
        """
        if not self.decisions:
            return None
        n, share, z = self.decisions, self.same / self.decisions, _NORMAL_975
        centre = share + z**2 / (2 * n)
        half = z * math.sqrt(share * (1 - share) / n + (z / (2 * n)) ** 2)
        both = ((centre - half) / (1 + z**2 / n), (centre + half) / (1 + z**2 / n))
        low, high = both
        # Rounding must not leave a little beside the ends.
        return (0.0 if self.same == 0 else low), (1.0 if self.same == n else high)

    def __add__(self, other: "Agreement") -> "Agreement":
        every = {(one.name, one.kind): one for one in self.layers}
        for one in other.layers:
            key = one.name, one.kind
            every[key] = every[key] + one if key in every else one
        return Agreement(
            tuple(every.values()),
            self.outputs + other.outputs,
            self.decisions + other.decisions,
            self.same + other.same,
        )


def agreement(
    model: nn.Module,
    converted: nn.Module,
    batches: Iterable[Any],
    *,
    output: Callable[[Any], Tensor] | None = None,
    held_bytes: int = _HELD_BYTES,
) -> Agreement:
    """Compare a converted model with FP32 on samples, at its outputs and at every analog layer.

    With y what FP32 gives and y' what the core gives, summed over all values of all samples,
    ``SNR = 10 log10(sum y^2 / sum (y' - y)^2)`` in dB: of the first tensor that a layer returns,
    bias included, and of every product that a ``forward`` computes by functions. It is read twice:
    *in place*, where each layer gets the input that it has in FP32, so that it is what this layer
    alone loses; and *accumulated*, of the converted model as it runs.

    Both models run in eval mode, without gradients. Energies are summed as the values come, in
    float64; of the outputs in FP32 as many are held as fit ``held_bytes``, and where more of a
    batch are to be compared it runs again with the same noise, which is that of one
    ``converted(batch)``.

    Parameters
    ----------
    model
        In FP32.
    converted
        The same model converted by `rnscli.torch.convert`, and calibrated where its core needs it.
    batches
        Each a tensor of samples, a tuple that begins with one, or a mapping of arguments by name.
    output
        What of a result is compared, a tensor whose last axis are classes. If not given it is the
        tensor itself, ``.logits``, ``["logits"]``, ``["out"]``, or the first tensor of floats.
    held_bytes
        How many bytes of outputs of layers are held at once; one output always is.

    Raises
    ------
    InputError
        If ``converted`` is no conversion of ``model``, has computed nothing on a core, there are no
        samples, or these do not fit.

    Notes
    -----
    Values that are not finite in FP32, such as masked logits, are left out; where only y' is not
    finite, the SNR is minus infinity.

    Examples
    --------
    >>> import rnscli, rnscli.torch
    >>> _ = torch.manual_seed(0)
    >>> model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    >>> analog = rnscli.torch.convert(model, rnscli.analog_core("rns", bits=6))
    >>> found = agreement(model, analog, torch.randn(100, 64).split(25))
    >>> [(one.name, round(found.macs_share(one), 2)) for one in found.layers]
    [('0', 0.86), ('2', 0.14)]
    >>> all(one.accumulated.snr_db > 25 for one in found.layers), found.decisions
    (True, 100)
    """
    for name, one in (("model", model), ("converted", converted)):
        check_module(name, one)
    if any(isinstance(one, AnalogLayer) for one in model.modules()):
        raise InputError("`model` is converted itself; give the one in FP32")
    # A tensor could be iterated, too: over its samples, each of which would lack its first axis.
    if isinstance(batches, Tensor | Mapping | str) or not isinstance(batches, Iterable):
        what = f"is of type {type(batches).__name__}"
        raise InputError.of(
            "batches", batches, "an iterable of batches, such as a list of one", what=what
        )
    total: Agreement | None = None
    with inference(model), inference(converted), ExitStack() as stack:
        # What runs here is no inference of the user's, and must not be counted as such.
        stack.callback(active_recordings.reset, active_recordings.set(()))
        comparison = _Comparison(converted, output or _first_logits, held_bytes)
        for batch in batches:
            found = comparison.of_batch(model, batch)
            total = found if total is None else total + found
    if total is None:
        raise InputError("`batches` holds no samples")
    return total


def _first_logits(found: Any) -> Tensor:
    tensor = _first_tensor(found)
    if tensor is None:
        raise InputError(
            f"`model` returns {type(found).__name__} without a tensor of floats; give a function "
            "as `output` that finds what is compared"
        )
    return tensor


def _first_tensor(found: Any) -> Tensor | None:
    """What is most likely to be meant of whatever a layer or a model returns."""
    if isinstance(found, Tensor):
        return found if found.is_floating_point() else None
    named = getattr(found, "logits", None)
    if isinstance(named, Tensor):
        return named
    if isinstance(found, Mapping):
        keys = ("logits", "out", *found)
        inner: Sequence[Any] = [found[key] for key in keys if key in found]
    elif isinstance(found, tuple | list):
        inner = found
    elif is_dataclass(found):
        inner = [getattr(found, one.name) for one in fields(found)]
    else:
        return None
    tensors = map(_first_tensor, inner)
    return next((one for one in tensors if one is not None), None)


def _deviation(reference: Tensor, found: Tensor) -> Deviation:
    """In pieces, so that copies in float64 take little room."""
    signal = error = 0.0
    reference, found = reference.detach().reshape(-1), found.detach().reshape(-1)
    for start in range(0, reference.numel(), _PIECE):
        y = reference[start : start + _PIECE].double()
        off = found[start : start + _PIECE].double() - y
        finite = torch.isfinite(y)
        if not finite.all():
            y, off = y[finite], off[finite]
        signal += float(y.square().sum())
        error += float(off.square().sum())
    return Deviation(signal, math.inf if math.isnan(error) else error)


_Key = tuple[str, str]  # name and kind


class _Seen:
    """What is known of a layer or a product within a batch."""

    def __init__(self) -> None:
        self.macs = self.calls = self.unmatched = 0
        self.products: Counter[str] = Counter()  # MACs by shape
        self.in_place, self.accumulated = Deviation(), Deviation()

    def agreement(self, key: _Key) -> LayerAgreement:
        ((shape, _),) = self.products.most_common(1) or [("", 0)]
        counts = self.macs, self.calls, self.unmatched
        return LayerAgreement(*key, shape, *counts, self.in_place, self.accumulated)


class _Comparison:
    """Runs a converted model in the ways that are compared, and looks on.

    As an observer of its products it lets them be computed in FP32, where ``reference`` is set, or
    on the core. What is compared is the output of the outermost analog layer, or a product that is
    in none; ``layers`` are those under way.
    """

    def __init__(
        self, converted: nn.Module, output: Callable[[Any], Tensor], held_bytes: int
    ) -> None:
        self._model, self._output, self._bytes = converted, output, held_bytes
        self._kinds = {
            name: type(one).__name__.removeprefix("Analog")
            for name, one in converted.named_modules()
        }
        self._own_noise = torch.get_rng_state()  # of layers in place

    def of_batch(self, model: nn.Module, batch: Any) -> Agreement:
        drawn = torch.get_rng_state()
        reference = self._output(_run(model, batch))
        self._seen: dict[_Key, _Seen] = {}
        first, done = 0, False
        while not done:
            # Whatever a model draws itself is the same in all runs.
            torch.set_rng_state(drawn)
            exact = self._output(self._watched(batch, first, reference=True))
            if first == 0:
                _check_conversion(reference, exact)
            del exact
            torch.set_rng_state(drawn)
            found = self._output(self._watched(batch, first, reference=False))
            for key, _ in self._held:
                self._seen[key].unmatched += 1  # what the run has not asked for
            first, done = self._last, self._last >= self._index
        if not self._seen:
            raise InputError(
                "`converted` has computed no product on a core; convert it with "
                "rnscli.torch.convert"
            )
        layers = tuple(one.agreement(key) for key, one in self._seen.items())
        decisions, same = _decisions(reference, found)
        return Agreement(layers, _deviation(reference, found), decisions, same)

    def _watched(self, batch: Any, first: int, reference: bool) -> Any:
        """A run of the converted model; that with FP32 holds its outputs from the ``first`` on."""
        self._reference, self._first = reference, first
        self._calls: Counter[_Key] = Counter()
        self._under_way: list[_Key] = []
        if reference:
            self._held: dict[tuple[_Key, int], Tensor] = {}
            self._index, self._room, self._last = 0, self._bytes, -1
        with ExitStack() as stack:
            for name, one in self._model.named_modules():
                if isinstance(one, AnalogLayer):
                    key = name or type(one).__name__, self._kinds[name]
                    before, after = partial(self._enter, key), partial(self._leave, key)
                    # Ours is the last to see the inputs, and the first to see the output: hooks
                    # of others are not run again with a layer in place.
                    enter = one.register_forward_pre_hook(before)
                    leave = one.register_forward_hook(after, with_kwargs=True, prepend=True)
                    stack.callback(enter.remove)
                    stack.callback(leave.remove)
            stack.callback(observing.reset, observing.set(self))
            found = _run(self._model, batch)
        if reference and self._last < 0:
            self._last = self._index  # all of it found room
        return found

    def _enter(self, key: _Key, module: nn.Module, inputs: Any) -> None:
        self._under_way.append(key)

    def _leave(
        self, key: _Key, module: nn.Module, inputs: Any, named: Mapping[str, Any], output: Any
    ) -> None:
        self._under_way.pop()
        found = _first_tensor(output)
        if self._under_way or found is None:
            return

        def alone() -> Tensor | None:
            self._under_way.append(key)  # its products are no others' business
            try:
                return _first_tensor(module.forward(*inputs, **named))
            finally:
                self._under_way.pop()

        self._compare(key, found, alone)

    def product(
        self, x: Tensor, w: Tensor, place: Place, role: str, stationary: bool
    ) -> tuple[Tensor, ProductCounts]:
        simulated = partial(_on_core, x, w, place, stationary)
        if not self._reference:
            found = simulated()
        else:
            kind = torch.promote_types(x.dtype, w.dtype)
            found = x.to(kind) @ w.to(kind)
        key = self._under_way[0] if self._under_way else self._product_key(place)
        if self._reference and not self._first:
            seen = self._seen.setdefault(key, _Seen())
            macs = x.shape.numel() * w.shape[-1]
            seen.macs += macs
            seen.products[f"{w.shape[-2]} x {w.shape[-1]}"] += macs
        if not self._under_way:
            self._compare(key, found, simulated)
        return found, ProductCounts()

    def _product_key(self, place: Place) -> _Key:
        """The site of a product, and the type of the module that it is of."""
        name = place.layer
        while name and name not in self._kinds:
            name = name.rpartition(".")[0]
        return place.site(FORWARD), self._kinds[name]

    def _compare(self, key: _Key, found: Tensor, alone: Callable[[], Tensor | None]) -> None:
        call = key, self._calls[key]
        self._calls[key] += 1
        if not self._reference:
            before = self._held.pop(call, None)
            if before is None:
                return
            seen = self._seen[key]
            if before.shape == found.shape:
                seen.accumulated += _deviation(before, found)
            else:
                seen.unmatched += 1
            return
        index, self._index = self._index, self._index + 1
        if not self._first:
            seen = self._seen.setdefault(key, _Seen())
            seen.calls += 1
            with self._noise(), _computing():
                in_place = alone()
            assert in_place is not None
            seen.in_place += _deviation(found, in_place)
        if index < self._first or self._last >= 0:
            return
        size = found.numel() * found.element_size()
        if self._held and size > self._room:
            self._last = index  # the next run goes on here
            return
        self._room -= size
        self._held[call] = found.detach().clone()

    @contextmanager
    def _noise(self) -> Iterator[None]:
        """Noise of layers in place, which leaves that of the model alone."""
        before = torch.get_rng_state()
        torch.set_rng_state(self._own_noise)
        try:
            yield
        finally:
            self._own_noise = torch.get_rng_state()
            torch.set_rng_state(before)


@contextmanager
def _computing() -> Iterator[None]:
    """Products on their core, whoever looks on."""
    token = observing.set(None)
    try:
        yield
    finally:
        observing.reset(token)


def _on_core(x: Tensor, w: Tensor, place: Place, stationary: bool) -> Tensor:
    with _computing():
        return stored_matmul(x, w, place, stationary)


def _run(model: nn.Module, batch: Any) -> Any:
    """What a model makes of a batch."""
    try:
        if isinstance(batch, Mapping):
            return model(**batch)
        samples = batch[0] if isinstance(batch, tuple | list) and batch else batch
        if not isinstance(samples, Tensor):
            accepted = "batches that are tensors, tuples that begin with one, or mappings"
            raise InputError.of("batches", batch, accepted, what="holds something else")
        return model(samples)
    except RnscliError:
        raise
    except Exception as error:  # of a model of a user, for batches that do not fit
        raise InputError(
            f"`batches` has one that the model cannot compute: {said(error)}"
        ) from error


def _check_conversion(reference: Tensor, exact: Tensor) -> None:
    """Refuse a model of other weights: with exact products it would have to do the same."""
    if reference.shape == exact.shape:
        snr = _deviation(reference, exact).snr_db
        if snr is None or snr >= _LEAST_DB:
            return
    raise InputError(
        "`converted` is no conversion of `model`: with exact products its outputs are others; "
        "give the model that it was converted from"
    )


def _decisions(reference: Tensor, found: Tensor) -> tuple[int, int]:
    """Rows of logits, and those whose largest logit is the same; none of a single output."""
    if not reference.dim() or reference.shape[-1] < 2:
        return 0, 0
    same = reference.argmax(-1) == found.argmax(-1)
    same &= ~found.isnan().any(-1)
    return same.numel(), int(same.sum())
