"""Ranges of ADCs and scales of inputs that a model needs to know, found on samples."""

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from rnscli.base import InputError, RnscliError, check_choice, said, shown
from rnscli.core import CALIBRATIONS, PERCENTILE, Core, CoreOptions
from rnscli.matrix import (
    Dataflow,
    DataflowOptions,
    ExactProduct,
    GradientFlows,
    Observed,
    ProductCounts,
    SiteRanges,
    has_calibrated_range,
    needs_calibration,
    observe_operands,
    uncalibrated,
)
from rnscli.torch.arrays import TorchArrays
from rnscli.torch.functional import AnalogForward
from rnscli.torch.mapped.layers import AnalogLayer
from rnscli.torch.modules import check_module, inference
from rnscli.torch.product import (
    FORWARD,
    INPUT_GRADIENT,
    WEIGHT_GRADIENT,
    Calibration,
    Place,
    observing,
)

Model = TypeVar("Model", bound=nn.Module)
Loss = Callable[[Any, Any], Tensor]


def calibrate(
    model: Model,
    inputs: Iterable[Any],
    *,
    method: str = CALIBRATIONS[0],
    percentile: float = PERCENTILE,
    input_scale: str | None = None,
    loss: Loss | None = None,
) -> Model:
    """Find the ranges of ADCs and the scales of inputs of a converted model, on samples.

    The samples go through the model with exact products: without what ADCs lose, and without
    noise. At each site, which is a product of a layer by its name, magnitudes of operands and
    exact partial sums of all tiles are kept (of more than 131 072 a random sample of that size,
    with a fixed seed). From the magnitudes follows the constant scale s of the site, where
    ``input_scale`` is ``static``; from the sums, formed with these scales, the range of its ADCs,
    where the core has ``adc_range="calibrated"``: by the method ``percentile`` each is the least
    that holds the inner ``percentile`` % of the values, by ``max`` all of them, and by
    ``least-squares`` that of the least mean square of the error. Operands of products of two
    activations, as in attention, have a scale each; stored weights are known, and need none.

    It belongs to the model: copies, pickles and what `torch.save` writes of it have it, its
    ``state_dict`` does not. Another conversion forgets it.

    Parameters
    ----------
    model
        A converted model, which is changed.
    inputs
        Batches, each a tensor of samples, or a tuple that begins with one; some hundreds of
        samples that the model is not tested with.
    method, percentile
        How ranges and scales are chosen.
    input_scale
        ``dynamic`` or ``static``; what the dataflow of each layer says if not given.
    loss
        A function of what the model returns for a batch and of the second entry of the batch, such
        as the labels. The products of its gradients are calibrated then, too, as sites of their
        own; the model runs in the mode that it is in. Else it runs in eval mode, and gradients
        that cannot do without a calibration are refused.

    Returns
    -------
    Module
        The model itself.

    Raises
    ------
    InputError
        If it is not converted or needs no calibration, there are no samples, or they do not fit.

    References
    ----------
    Xiao et al., arXiv:2109.01262: ADC ranges of each layer, from the inner 99.98 % of its outputs.

    Examples
    --------
    >>> import rnscli, rnscli.torch
    >>> core = rnscli.analog_core("fixed-lp", bits=6, adc_range="calibrated")
    >>> model = rnscli.torch.convert(torch.nn.Sequential(torch.nn.Linear(64, 10)), core)
    >>> samples = torch.linspace(-1, 1, 128 * 64).reshape(2, 64, 64)
    >>> calibrate(model, samples.unbind(), input_scale="static")(samples[0]).shape
    torch.Size([64, 10])
    >>> record = calibration(model)
    >>> record["samples"], list(record["sites"]), round(record["sites"]["0"]["input_scale"], 3)
    (128, ['0'], 1.0)
    """
    check_choice("method", method, CALIBRATIONS)
    CoreOptions.percentile.check(percentile)
    if input_scale is not None:
        DataflowOptions.input_scale.check(input_scale)
    batches, samples = _batches(inputs, loss)
    before = _places(model)
    places = [_uncalibrated(one, input_scale) for one in before]
    flows = [flow for one in places for flow in one.flows]
    if not any(map(needs_calibration, flows)):
        raise InputError(
            "`model` needs no calibration: no core has the `adc_range` calibrated, and "
            "`input_scale` is static nowhere"
        )
    _place(model, places)
    try:
        found: dict[str, SiteRanges] = {}
        if any(flow.seeks_scale for flow in flows):
            scales = _seen(model, batches, loss, _Scales())
            found = {site: one.ranges(method, percentile) for site, one in scales.items()}
        if any(map(has_calibrated_range, flows)):
            sums = _seen(model, batches, loss, _Sums(found))
            for site, one in sums.items():
                of_sums = one.ranges(method, percentile)
                found[site] = replace(found.get(site, SiteRanges()), shares=of_sums.shares)
    except BaseException:
        _place(model, before)
        raise
    record = {
        "method": method,
        "percentile": percentile,
        "input_scale": input_scale or _named(flows),
        "samples": samples,
        "sites": {site: _entry(one, places, site) for site, one in found.items()},
    }
    return _calibrated(model, places, record)


def calibration(model: nn.Module) -> dict[str, Any] | None:
    """What a model was calibrated to, in values of JSON; ``None`` if it is not calibrated.

    It has ``method``, ``percentile``, ``input_scale``, the number of ``samples``, and ``sites``: by
    the name of each its ``core``, the ``shares`` of the full range that its ADCs have, and
    ``input_scale`` and ``weight_scale``, or ``None`` where they are searched.
    """
    for place in _places(model):
        if place.calibration is not None:
            return copy.deepcopy(dict(place.calibration.record))
    return None


def apply_calibration(model: Model, record: Mapping[str, Any]) -> Model:
    """Calibrate a converted model by the `calibration` of another one of the same layers and cores.

    Parameters
    ----------
    model
        A converted model, which is changed, and returned.
    record
        What `calibration` gave, also by way of JSON.

    Raises
    ------
    InputError
        If it is no such record, or one of other layers or cores.

    Examples
    --------
    >>> import json, rnscli, rnscli.torch
    >>> core = rnscli.analog_core("rns", bits=6)
    >>> first, other = (rnscli.torch.convert(torch.nn.Linear(8, 2), core) for _ in range(2))
    >>> record = calibration(calibrate(first, [torch.ones(4, 8)], input_scale="static"))
    >>> apply_calibration(other, json.loads(json.dumps(record)))(torch.ones(4, 8)).shape
    torch.Size([4, 2])
    >>> calibration(other) == record
    True
    """
    places = _places(model)
    try:
        scale = record["input_scale"]
        DataflowOptions.input_scale.check(scale)
        sites = {site: dict(entry) for site, entry in record["sites"].items()}
        for entry in sites.values():
            _ = _ranges(entry), entry["core"]
    except (KeyError, TypeError, ValueError, AttributeError, InputError):
        raise InputError(
            "`record` is no calibration; give what rnscli.torch.calibration returned"
        ) from None
    places = [_uncalibrated(one, scale) for one in places]
    for site, entry in sites.items():
        place = _place_of(places, site)
        if place is None:
            known = ", ".join(one.layer for one in places)
            raise InputError(
                f"`record` is of another model: it has {shown(site)}, and the layers are {known}"
            )
        flow = _flow_at(place, site)
        if flow is None or entry["core"] != _core_named(flow.core):
            here = "none" if flow is None else _core_named(flow.core)
            raise InputError(
                f"`record` is of another core: at {site} of {shown(entry['core'])}, where the "
                f"model has {here}"
            )
    return _calibrated(model, places, dict(record))


def _calibrated(model: Model, places: list[Place], record: dict[str, Any]) -> Model:
    flows = {}
    for site, entry in record["sites"].items():
        place = _place_of(places, site)
        flow = None if place is None else _flow_at(place, site)
        assert flow is not None
        flows[site] = _ranges(entry).applied(flow)
    made = Calibration(copy.deepcopy(record), flows)
    _place(model, [replace(one, calibration=made) for one in places])
    return model


def _uncalibrated(place: Place, input_scale: str | None) -> Place:
    """The place with scales of inputs from there, and what must be known is not known."""

    def scaled(flow: Dataflow) -> Dataflow:
        return flow if input_scale is None else replace(flow, input_scale=input_scale)

    gradients = place.gradients
    if gradients is not None:
        inputs, weights = (
            None if one is None else scaled(one) for one in (gradients.inputs, gradients.weights)
        )
        gradients = GradientFlows(inputs, weights)
    return replace(place, flow=scaled(place.flow), gradients=gradients, calibration=None)


def _flow_at(place: Place, site: str) -> Dataflow | None:
    """The dataflow of a site of this place, which ends with its role if that is a gradient."""
    roles = (role for role in (INPUT_GRADIENT, WEIGHT_GRADIENT) if site.endswith(f" {role}"))
    return place.flow_of(next(roles, FORWARD))


def _named(flows: Iterable[Dataflow]) -> str:
    """``static`` if the scales of some layers are."""
    names = (one.scale_name for one in flows if one.seeks_scale)
    return next(names, DataflowOptions.input_scale.default)


def _entry(ranges: SiteRanges, places: list[Place], site: str) -> dict[str, Any]:
    place = _place_of(places, site)
    flow = None if place is None else _flow_at(place, site)
    assert flow is not None
    values = asdict(ranges)
    values["shares"] = None if ranges.shares is None else list(ranges.shares)
    return {"core": _core_named(flow.core), **values}


def _ranges(entry: Mapping[str, Any]) -> SiteRanges:
    shares, scales = entry["shares"], (entry["input_scale"], entry["weight_scale"])
    return SiteRanges(
        None if shares is None else tuple(map(float, shares)),
        *(None if one is None else float(one) for one in scales),
    )


def _core_named(core: Core) -> str:
    """What the ranges of a core depend on, but the numbers that come."""
    dot, slices = core.dot_product, core.settings.get("slice_bits")
    name = core.name if slices is None else f"{core.name}, slices of {slices} bits"
    return f"{name}, {dot.vector_size} terms of {dot.input_bits} and {dot.weight_bits} bits"


def _place_of(places: list[Place], site: str) -> Place | None:
    """The place that a site is of: a product or a part of its layer."""
    ends = ("", ".", "[", " ")
    fitting = [
        one for one in places
        if site.startswith(one.layer) and site[len(one.layer) :][:1] in ends
    ]  # fmt: skip
    return max(fitting, key=lambda one: len(one.layer), default=None)


def _holders(model: nn.Module) -> Iterator[AnalogLayer | AnalogForward]:
    """What has a place in the model."""
    check_module("model", model)
    for module in model.modules():
        forward = vars(module).get("forward")
        if isinstance(module, AnalogLayer):
            yield module
        elif isinstance(forward, AnalogForward) and forward.place is not None:
            yield forward


def _places(model: nn.Module) -> list[Place]:
    found = [one.place for one in _holders(model) if one.place is not None]
    if not found:
        raise InputError("`model` has no products on a core; convert it with rnscli.torch.convert")
    return found


def _place(model: nn.Module, places: list[Place]) -> None:
    for holder, place in zip(_holders(model), places, strict=True):
        holder.place = place


def _batches(inputs: Iterable[Any], loss: Loss | None) -> tuple[list[tuple[Any, ...]], int]:
    """Batches as tuples that begin with the samples, and how many these are."""
    accepted = "an iterable of batches, which are tensors" + (
        "" if loss is None else " with what the loss takes"
    )
    if isinstance(inputs, Tensor | Mapping | str) or not isinstance(inputs, Iterable):
        what = f"is of type {type(inputs).__name__}"
        raise InputError.of("inputs", inputs, accepted, what=what)
    batches = [tuple(one) if isinstance(one, tuple | list) else (one,) for one in inputs]
    for batch in batches:
        entries = 1 if loss is None else 2
        if len(batch) < entries or not isinstance(batch[0], Tensor) or not batch[0].dim():
            raise InputError.of("inputs", batches, accepted, what="holds something else")
    samples = sum(len(batch[0]) for batch in batches)
    if not samples:
        raise InputError("`inputs` holds no samples; some hundreds are needed")
    return batches, samples


def _seen(
    model: nn.Module, batches: list[tuple[Any, ...]], loss: Loss | None, observer: "_Scales | _Sums"
) -> dict[str, Observed]:
    """What an observer has seen of the samples; the model is then as it was."""
    kept = [(one, one.clone()) for one in model.buffers()]
    trained = [one for one in model.parameters() if one.requires_grad]
    token = observing.set(observer)
    try:
        with inference(model) if loss is None else torch.enable_grad():
            for batch in batches:
                try:
                    found = model(batch[0])
                    if loss is not None:
                        torch.autograd.grad(loss(found, batch[1]), trained, allow_unused=True)
                except RnscliError:
                    raise
                except Exception as error:  # of a model of a user, for batches that do not fit
                    raise InputError(
                        f"`inputs` has a batch of shape {tuple(batch[0].shape)}, which the model "
                        f"cannot compute: {said(error)}"
                    ) from error
    finally:
        observing.reset(token)
        with torch.no_grad():
            for one, value in kept:
                one.copy_(value)
    if not observer.sites:
        raise InputError("`model` has computed no product on a core with these `inputs`")
    return observer.sites


class _Scales:
    """Sees magnitudes of operands; scales are searched meanwhile."""

    def __init__(self) -> None:
        self.sites: dict[str, Observed] = {}

    def product(
        self, x: Tensor, w: Tensor, place: Place, role: str, stationary: bool
    ) -> tuple[Tensor, ProductCounts]:
        arrays = TorchArrays(x.device)
        flow = place.flow_of(role)
        assert flow is not None  # what no core computes is not observed
        observed = self.sites.setdefault(place.site(role), Observed(flow))
        if flow.seeks_scale:
            observe_operands(observed, arrays, x, w, stationary)
        return ExactProduct(uncalibrated(flow), arrays).exact(x, w)


class _Sums:
    """Sees partial sums, formed with the scales that are known by then."""

    def __init__(self, known: Mapping[str, SiteRanges]) -> None:
        self.sites: dict[str, Observed] = {}
        self._known = known

    def product(
        self, x: Tensor, w: Tensor, place: Place, role: str, stationary: bool
    ) -> tuple[Tensor, ProductCounts]:
        site, own = place.site(role), place.flow_of(role)
        assert own is not None
        flow = self._known.get(site, SiteRanges()).applied(own)
        observed = self.sites.setdefault(site, Observed(own))
        wanted = observed.sums if has_calibrated_range(own) else None
        return ExactProduct(flow, TorchArrays(x.device), wanted).exact(x, w)
