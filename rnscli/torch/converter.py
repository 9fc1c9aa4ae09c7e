"""Models whose products are computed on a core."""

import copy
import warnings
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import nn
from torch.nn.modules.linear import NonDynamicallyQuantizableLinear

from rnscli.base import InputError, said
from rnscli.matrix import DIGITAL, Dataflow, GradientFlows
from rnscli.torch.choosing import (
    Choice,
    Cores,
    check_patterns,
    check_reached,
    flows_of,
    left_out,
)
from rnscli.torch.functional import AnalogForward
from rnscli.torch.mapped import contraction, convolutions, layers, recurrent
from rnscli.torch.mapped.layers import AnalogLayer
from rnscli.torch.modules import check_module
from rnscli.torch.product import CoreOrFlow, Place, flow_of

# Exact types: a subclass may compute anything. Its functions are taken to the core all the same.
_ANALOG: dict[type[nn.Module], type[nn.Module]] = {
    nn.Linear: layers.AnalogLinear,
    NonDynamicallyQuantizableLinear: layers.AnalogLinear,
    nn.Bilinear: contraction.AnalogBilinear,
    nn.Conv1d: convolutions.AnalogConv1d,
    nn.Conv2d: layers.AnalogConv2d,
    nn.Conv3d: convolutions.AnalogConv3d,
    nn.ConvTranspose1d: convolutions.AnalogConvTranspose1d,
    nn.ConvTranspose2d: convolutions.AnalogConvTranspose2d,
    nn.ConvTranspose3d: convolutions.AnalogConvTranspose3d,
    nn.MultiheadAttention: layers.AnalogMultiheadAttention,
    nn.RNN: recurrent.AnalogRNN,
    nn.LSTM: recurrent.AnalogLSTM,
    nn.GRU: recurrent.AnalogGRU,
    nn.RNNCell: recurrent.AnalogRNNCell,
    nn.LSTMCell: recurrent.AnalogLSTMCell,
    nn.GRUCell: recurrent.AnalogGRUCell,
}
_PLAIN = {analog: plain for plain, analog in reversed(_ANALOG.items())}
# Layers with products that no core computes.
_DIGITAL = nn.modules.lazy.LazyModuleMixin, torch.jit.ScriptModule

Model = TypeVar("Model", bound=nn.Module)


@dataclass(frozen=True)
class Conversion:
    """Which layers of a model compute on a core.

    Attributes
    ----------
    analog
        Names of the layers whose products are computed on a core.
    digital
        Names of layers with products that stay digital, with their types.
    functions
        Names of other modules with a ``forward`` that is not that of a container or an activation:
        products that they compute with functions are taken to the core when they are called.
    """

    analog: tuple[str, ...]
    digital: tuple[tuple[str, str], ...]
    functions: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The layers that stay digital, or nothing if there are none."""
        if not self.digital:
            return ""
        names = ", ".join(f"{name} ({kind})" for name, kind in self.digital)
        return f"layers that stay digital: {names}"


def convert(
    model: Model,
    core: Cores,
    *,
    input_gradient: CoreOrFlow | str | None = None,
    weight_gradient: CoreOrFlow | str | None = None,
    exclude: Collection[Choice] = (),
    strict: bool = False,
    inplace: bool = False,
) -> Model:
    """A model whose matrix products, and those of its gradients, are computed on a core.

    Linear, bilinear and recurrent layers, convolutions and multi-head attention become layers such
    as `AnalogLinear`. Products that other modules compute with functions, such as ``q @ k.T``,
    `torch.einsum` or scaled dot-product attention, are computed on the core, too, whenever the
    model is called, but not in methods other than ``forward`` that are called directly. Parameters
    stay what they are: ``state_dict`` is that of the original, and biases, normalisation and
    activations are in FP32. `to_digital` is the way back.

    Parameters
    ----------
    model
        Any model; a converted one is moved to the new core.
    core
        The core, or a `rnscli.Dataflow` on it. Layers have different ones by a mapping from names
        or patterns of names, as of ``exclude``, of which the first that fits a module or one that
        it is in decides; or by a function of name and module. Where that gives ``None``, or no
        pattern fits, a module is left as it is.
    input_gradient, weight_gradient
        The cores, or dataflows, of the products ``grad w^T`` and ``x^T grad`` of a backward pass:
        the same unless given; ``fp32`` for none, so that gradients are those of the rounded
        forward pass in full precision.
    exclude
        What is left as it is, with all that is within: digital, or on the core of an earlier
        conversion. Names as of ``named_modules``, patterns (``"layers.*.head"``, where ``*`` is
        any text), classes of modules, and functions of name and module that say so.
    strict
        Refuse other products that stay digital, instead of a warning that lists layers: a layer
        that is known for them here, and all that a forward pass computes when it is first called.
    inplace
        Convert the model itself instead of a copy.

    Raises
    ------
    InputError
        If model or core are none, a name, a pattern or a class fits no submodule, a pattern decides
        over none as earlier ones do, or by ``strict``.

    Examples
    --------
    >>> import rnscli, torch
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
    >>> core = rnscli.analog_core("rns", bits=6, vector_size=128)
    >>> analog = convert(model, core)
    >>> analog(torch.ones(2, 8, 8)).shape, conversion(analog).analog
    (torch.Size([2, 10]), ('1',))
    >>> conversion(convert(model, core, exclude=[torch.nn.Linear])).digital
    (('1', 'Linear'),)
    >>> other = convert(model, {"1": rnscli.analog_core("fixed-hp", bits=8)})
    >>> other[1].place.flow.core.name
    'fixed-hp'
    """
    check_module("model", model)
    flows = _flows(model, core, exclude)
    if isinstance(core, Mapping):
        check_reached("core", core, model)
    gradients = _gradients(input_gradient, weight_gradient)
    digital = tuple(
        (name or type(module).__name__, type(module).__name__)
        for name, module in model.named_modules()
        if flows.get(name) is not None and _is_unmapped(module)
    )
    stays = Conversion((), digital).sentence
    if strict and stays:
        raise InputError(f"the model has {stays}")
    found = model if inplace else _copy(model, "convert it with")
    for name, module in found.named_modules():
        flow = flows[name]
        _convert(module, name, flow, strict, None if flow is None else gradients(flow))
    if stays:
        warnings.warn(stays, stacklevel=2)
    return found


def converted(
    model: Model,
    core: Cores,
    exclude: Collection[Choice] = (),
    strict: bool = False,
    gradients: GradientFlows | None = None,
) -> Model:
    """The model itself, converted, and nothing said of what stays digital (see `convert`)."""
    flows = _flows(model, core, exclude)
    for name, module in model.named_modules():
        _convert(module, name, flows[name], strict, gradients)
    return model


def to_digital(model: Model, *, inplace: bool = False) -> Model:
    """The plain model of a converted one: classes, ``forward``, hooks and state as they were.

    Parameters
    ----------
    model
        A model of `convert`, or with layers such as `AnalogLinear`; a plain one is given back.
    inplace
        Change the model itself instead of a copy.

    Raises
    ------
    InputError
        If it is no model, cannot be copied, or has a layer that is analog by a class of its own.

    Examples
    --------
    >>> import rnscli, torch
    >>> analog = convert(torch.nn.Linear(4, 3), rnscli.analog_core("rns", bits=6))
    >>> type(analog).__name__, type(to_digital(analog)).__name__
    ('AnalogLinear', 'Linear')
    """
    check_module("model", model)
    for name, module in model.named_modules():
        if isinstance(module, AnalogLayer) and type(module) not in _PLAIN:
            raise InputError(
                f"`model` has the layer {name or 'itself'} of the class {type(module).__name__}, "
                "which is analog by itself; exchange that layer first"
            )
    found = model if inplace else _copy(model, "change it with")
    for module in found.modules():
        own = vars(module)
        if isinstance(module, AnalogLayer):
            module.__class__ = own.pop("plain", _PLAIN[type(module)])
            del own["place"]
        forward = _forward_of(module)
        if forward is not None:
            del own["forward"]
            if forward.own is not None:
                own["forward"] = forward.own
    return found


def _copy(model: Model, instead: str) -> Model:
    try:
        return copy.deepcopy(model)
    except Exception as error:  # as many kinds as there are of what a module may keep
        raise InputError(
            f"`model` cannot be copied ({said(error)}); {instead} `inplace`"
        ) from error


def _flows(
    model: nn.Module, core: Cores, exclude: Collection[Choice]
) -> dict[str, Dataflow | None]:
    """The dataflow of each module; ``None`` of those that are left as they are."""
    chosen, left = flows_of(core), left_out(model, exclude)
    if isinstance(core, Mapping):
        check_patterns("core", core, model)
    return {
        name: None if name in left else chosen(name, module)
        for name, module in model.named_modules()
    }


def _gradients(
    inputs: CoreOrFlow | str | None, weights: CoreOrFlow | str | None
) -> Callable[[Dataflow], GradientFlows | None]:
    """The dataflows of gradients, by that of the forward pass; ``None`` if they are the same."""
    for name, one in (("input_gradient", inputs), ("weight_gradient", weights)):
        if isinstance(one, str) and one != DIGITAL:
            accepted = f"{DIGITAL}, an analog core or a rnscli.Dataflow"
            raise InputError.of(name, one, accepted)
    if inputs is None and weights is None:
        return lambda flow: None

    def of(flow: Dataflow) -> GradientFlows:
        return GradientFlows(
            *(
                flow if one is None else None if isinstance(one, str) else flow_of(one)
                for one in (inputs, weights)
            )
        )

    return of


def conversion(model: nn.Module) -> Conversion:
    """Which layers of a model compute on a core, and which stay digital."""
    analog, digital, functions = [], [], []
    for name, module in model.named_modules():
        kind, forward = type(module).__name__, _forward_of(module)
        name = name or kind
        on_core = forward is not None and forward.place is not None
        if isinstance(module, AnalogLayer):
            analog.append(name)
        elif _is_unmapped(module):
            digital.append((name, kind))
        elif isinstance(module, tuple(_ANALOG)) or _has_weight(module):
            # A layer of another library, or with its own `forward`, or with a parametrized weight.
            if on_core:
                analog.append(name)
            else:
                digital.append((name, kind))
        elif on_core and not type(module).__module__.startswith("torch.nn.modules.container"):
            functions.append(name)
    return Conversion(tuple(analog), tuple(digital), tuple(functions))


def _convert(
    module: nn.Module,
    name: str,
    flow: Dataflow | None,
    strict: bool,
    gradients: GradientFlows | None,
) -> None:
    if flow is None:
        if not (isinstance(module, AnalogLayer) or _is_simple(module) or _forward_of(module)):
            # Its products stay digital within a model whose other ones do not.
            module.__dict__["forward"] = AnalogForward(module, None, strict)
        return
    place = Place(flow, name or type(module).__name__, gradients=gradients)
    forward, analog = vars(module).get("forward"), _ANALOG.get(type(module))
    if isinstance(forward, AnalogForward):
        forward = forward.own
    # A forward that a library has put on the module may do more than that of its class.
    if analog is not None and forward is None:
        if _PLAIN[analog] is not type(module):
            vars(module)["plain"] = type(module)
        # The very same object: hooks, tied weights and the parameters of optimisers stay valid.
        module.__class__ = analog
        vars(module).pop("forward", None)
    if isinstance(module, AnalogLayer):
        module.place = place
    elif not _is_simple(module):
        module.__dict__["forward"] = AnalogForward(module, place, strict)


def _is_simple(module: nn.Module) -> bool:
    """Whether there are no products: an activation or a normalisation need not be slower."""
    if isinstance(module, torch.jit.ScriptModule):
        return True  # compiled: there is nothing to intercept
    own = type(module).__module__.startswith("torch.nn.") and not list(module.children())
    return own and not isinstance(module, (*_ANALOG, *_DIGITAL))


def _is_unmapped(module: nn.Module) -> bool:
    """Whether a module computes products that are not taken to a core."""
    if isinstance(module, nn.MultiheadAttention) and not isinstance(module, AnalogLayer):
        # One function, which computes all of it: a subclass only adds to it.
        exact = type(module) is nn.MultiheadAttention
        return not exact and type(module).forward is nn.MultiheadAttention.forward
    return isinstance(module, _DIGITAL) or _is_quantised(module)


def _is_quantised(module: nn.Module) -> bool:
    """Whether it is a layer of PyTorch whose weights are packed for a library."""
    own = type(module).__module__.startswith("torch.ao.nn.quantized")
    return own and (hasattr(module, "weight") or hasattr(module, "get_weight"))


def _has_weight(module: nn.Module) -> bool:
    """Whether it is a layer with a matrix of weights of its own, no table to look up."""
    weight = module._parameters.get("weight")
    simple = _is_simple(module) or isinstance(module, nn.Embedding | nn.EmbeddingBag)
    return weight is not None and weight.dim() > 1 and not simple and not [*module.children()]


def _forward_of(module: nn.Module) -> AnalogForward | None:
    forward = vars(module).get("forward")
    return forward if isinstance(forward, AnalogForward) else None
