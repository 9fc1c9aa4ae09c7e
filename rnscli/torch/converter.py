"""Models whose products are computed on a core."""

import copy
import warnings
from collections.abc import Collection
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import nn
from torch.nn.modules.linear import NonDynamicallyQuantizableLinear
from torch.nn.utils.parametrize import ParametrizationList

from rnscli.base import InputError, nearest, said, shown
from rnscli.matrix import DIGITAL, Dataflow, GradientFlows
from rnscli.torch import layers
from rnscli.torch.functional import AnalogForward
from rnscli.torch.layers import AnalogLayer
from rnscli.torch.product import CoreOrFlow, Place, flow_of

# Exact types: a subclass may compute anything. Its functions are taken to the core all the same.
_ANALOG: dict[type[nn.Module], type[nn.Module]] = {
    nn.Linear: layers.AnalogLinear,
    NonDynamicallyQuantizableLinear: layers.AnalogLinear,
    nn.Conv2d: layers.AnalogConv2d,
    nn.MultiheadAttention: layers.AnalogMultiheadAttention,
}
# Layers with products that no core computes yet.
_DIGITAL = (
    nn.RNNBase, nn.RNNCellBase, nn.Bilinear, nn.Conv1d, nn.Conv3d, nn.ConvTranspose1d,
    nn.ConvTranspose2d, nn.ConvTranspose3d, nn.modules.lazy.LazyModuleMixin, torch.jit.ScriptModule,
)  # fmt: skip

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
    """

    analog: tuple[str, ...]
    digital: tuple[tuple[str, str], ...]

    @property
    def sentence(self) -> str:
        """The layers that stay digital, or nothing if there are none."""
        if not self.digital:
            return ""
        names = ", ".join(f"{name} ({kind})" for name, kind in self.digital)
        return f"layers that stay digital: {names}"


def convert(
    model: Model,
    core: CoreOrFlow,
    *,
    input_gradient: CoreOrFlow | str | None = None,
    weight_gradient: CoreOrFlow | str | None = None,
    exclude: Collection[str] = (),
    strict: bool = False,
    inplace: bool = False,
) -> Model:
    """A model whose matrix products, and those of its gradients, are computed on a core.

    Linear layers, 2-D convolutions and multi-head attention become `AnalogLinear`, `AnalogConv2d`
    and `AnalogMultiheadAttention`. Products that other modules compute with functions, such as
    ``q @ k.T``, `torch.einsum` or scaled dot-product attention, are computed on the core, too,
    whenever the model is called, but not in methods other than ``forward`` that are called
    directly. Parameters stay what they are: ``state_dict`` is that of the original, and biases,
    normalisation and activations are in FP32.

    Parameters
    ----------
    model
        Any model; a converted one is moved to the new core.
    core
        The core, or a `rnscli.Dataflow` on it.
    input_gradient, weight_gradient
        The cores, or dataflows, of the products ``grad w^T`` and ``x^T grad`` of a backward pass:
        the same unless given; ``fp32`` for none, so that gradients are those of the rounded
        forward pass in full precision.
    exclude
        Names of submodules, as of ``named_modules``, that are left as they are with all within
        them: digital, or on the core of an earlier conversion, so that layers can have different
        ones.
    strict
        Refuse a model with other layers that stay digital, instead of a warning that lists them.
    inplace
        Convert the model itself instead of a copy.

    Raises
    ------
    InputError
        If model or core are none, a name in ``exclude`` is unknown, or by ``strict``.

    Examples
    --------
    >>> import rnscli, torch
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
    >>> analog = convert(model, rnscli.analog_core("rns", bits=6, vector_size=128))
    >>> analog(torch.ones(2, 8, 8)).shape, conversion(analog).analog
    (torch.Size([2, 10]), ('1',))
    """
    if not isinstance(model, nn.Module):
        what = f"is of type {type(model).__name__}"
        raise InputError.of("model", model, "a torch.nn.Module", what=what)
    flow, left = flow_of(core), _left(model, exclude)
    gradients = _gradients(flow, input_gradient, weight_gradient)
    digital = tuple(
        (name or type(module).__name__, type(module).__name__)
        for name, module in model.named_modules()
        if name not in left and _is_unmapped(module)
    )
    stays = Conversion((), digital).sentence
    if strict and stays:
        raise InputError(f"the model has {stays}")
    try:
        found = model if inplace else copy.deepcopy(model)
    except Exception as error:  # as many kinds as there are of what a module may keep
        raise InputError(
            f"`model` cannot be copied ({said(error)}); convert it with `inplace`"
        ) from error
    found = converted(found, flow, exclude, gradients)
    if stays:
        warnings.warn(stays, stacklevel=2)
    return found


def converted(
    model: Model,
    core: CoreOrFlow,
    exclude: Collection[str] = (),
    gradients: GradientFlows | None = None,
) -> Model:
    """The model itself, converted, and nothing said of what stays digital (see `convert`)."""
    flow, left = flow_of(core), _left(model, exclude)
    for name, module in model.named_modules():
        if name not in left:
            _convert(module, Place(flow, name or type(module).__name__, gradients=gradients))
        elif not (isinstance(module, AnalogLayer) or _is_simple(module) or _forward_of(module)):
            # Its products stay digital within a model whose other ones do not.
            module.__dict__["forward"] = AnalogForward(module, None)
    return model


def _gradients(
    flow: Dataflow, inputs: CoreOrFlow | str | None, weights: CoreOrFlow | str | None
) -> GradientFlows | None:
    """The dataflows of gradients; ``None`` if they are those of the forward pass."""
    if inputs is None and weights is None:
        return None
    found: list[Dataflow | None] = []
    for name, one in (("input_gradient", inputs), ("weight_gradient", weights)):
        if isinstance(one, str) and one != DIGITAL:
            accepted = f"{DIGITAL}, an analog core or a rnscli.Dataflow"
            raise InputError.of(name, one, accepted)
        of_core = flow if one is None else None if isinstance(one, str) else flow_of(one)
        found.append(of_core)
    return GradientFlows(*found)


def conversion(model: nn.Module) -> Conversion:
    """Which layers of a model compute on a core, and which stay digital."""
    analog, digital = [], []
    for name, module in model.named_modules():
        kind, forward = type(module).__name__, _forward_of(module)
        if isinstance(module, AnalogLayer):
            analog.append(name or kind)
        elif _is_unmapped(module):
            digital.append((name or kind, kind))
        elif isinstance(module, tuple(_ANALOG)) or _has_weight(module):
            # A layer of another library, or with its own `forward`, or with a parametrized weight.
            if forward is None or forward.place is None:
                digital.append((name or kind, kind))
            else:
                analog.append(name or kind)
    return Conversion(tuple(analog), tuple(digital))


def _convert(module: nn.Module, place: Place) -> None:
    forward, analog = vars(module).get("forward"), _ANALOG.get(type(module))
    if isinstance(forward, AnalogForward):
        forward = forward.own
    # A forward that a library has put on the module may do more than that of its class.
    if analog is not None and forward is None:
        # The very same object: hooks, tied weights and the parameters of optimisers stay valid.
        module.__class__ = analog
        vars(module).pop("forward", None)
    if isinstance(module, AnalogLayer):
        module.place = place
    elif not _is_simple(module):
        module.__dict__["forward"] = AnalogForward(module, place)


def _left(model: nn.Module, exclude: Collection[str]) -> frozenset[str]:
    """Names of the modules that are left as they are.

    A module of several names is left if one of them is excluded. What computes parameters out of
    parameters, such as a spectral norm, is no part of the forward pass.
    """
    if isinstance(exclude, str):
        raise InputError.of("exclude", exclude, "a list of names", what=f"is the text {exclude}")
    for other in exclude:
        if not isinstance(other, str):
            what = f"holds {shown(getattr(other, '__name__', other))}"
            raise InputError.of("exclude", other, "a list of names of submodules", what=what)
    modules = list(model.named_modules(remove_duplicate=False))
    names = [name for name, _ in modules]
    for other in exclude:
        if other not in names:
            hint = nearest(other, names)
            raise InputError(f"`exclude` names {other}, which is no submodule of the model{hint}")
    left = {
        id(inner)
        for name, module in modules
        if name in exclude or isinstance(module, ParametrizationList)
        for inner in module.modules()
    }
    return frozenset(name for name, module in model.named_modules() if id(module) in left)


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
