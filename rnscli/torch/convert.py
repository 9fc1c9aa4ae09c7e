"""Models whose products are computed on a core."""

import copy
import warnings
from collections.abc import Collection
from dataclasses import dataclass
from typing import TypeVar

from torch import nn
from torch.nn.modules.linear import NonDynamicallyQuantizableLinear

from rnscli.core.errors import InputError
from rnscli.core.readout import Core
from rnscli.matrix.dataflow import Dataflow
from rnscli.torch.analog import AnalogLayer
from rnscli.torch.attention import AnalogMultiheadAttention
from rnscli.torch.convolution import AnalogConv2d
from rnscli.torch.functional import AnalogForward
from rnscli.torch.linear import AnalogLinear
from rnscli.torch.product import Place

# Exact types: a subclass may compute anything. Its functions are taken to the core all the same.
_ANALOG: dict[type[nn.Module], type[nn.Module]] = {
    nn.Linear: AnalogLinear,
    NonDynamicallyQuantizableLinear: AnalogLinear,
    nn.Conv2d: AnalogConv2d,
    nn.MultiheadAttention: AnalogMultiheadAttention,
}
# Layers with products that no core computes yet.
_DIGITAL = (
    nn.RNNBase, nn.RNNCellBase, nn.Bilinear, nn.Conv1d, nn.Conv3d, nn.ConvTranspose1d,
    nn.ConvTranspose2d, nn.ConvTranspose3d, nn.modules.lazy.LazyModuleMixin,
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
    core: Core | Dataflow,
    *,
    exclude: Collection[str] = (),
    strict: bool = False,
    inplace: bool = False,
) -> Model:
    """A model whose matrix products, and those of its gradients, are computed on a core.

    Linear layers, 2-D convolutions and multi-head attention become `AnalogLinear`, `AnalogConv2d`
    and `AnalogMultiheadAttention`. Products that other modules compute with functions, such as
    ``q @ k.T``, `torch.einsum` or scaled dot-product attention, are computed on the core, too,
    whenever the model is called. Parameters stay what they are: ``state_dict`` is that of the
    original, and biases, normalisation and activations are in FP32.

    Parameters
    ----------
    model
        Any model; a converted one is moved to the new core.
    core
        The core, or a `rnscli.Dataflow` on it.
    exclude
        Names of submodules, as of ``named_modules``, that stay digital with all within them.
    strict
        Refuse a model with layers that stay digital, instead of a warning that lists them.
    inplace
        Convert the model itself instead of a copy.

    Raises
    ------
    InputError
        If the model is none, a name in ``exclude`` is unknown, or by ``strict``.

    Examples
    --------
    >>> import rnscli, torch
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
    >>> analog = convert(model, rnscli.analog_core("rns", bits=6, vector_size=128))
    >>> analog(torch.ones(2, 8, 8)).shape, conversion(analog).analog
    (torch.Size([2, 10]), ('1',))
    """
    if not isinstance(model, nn.Module):
        raise InputError(f"`model` is of type {type(model).__name__}; it must be a torch.nn.Module")
    known = dict(model.named_modules())
    for name in exclude:
        if name not in known:
            raise InputError(f"`exclude` names {name}, which the model does not have")
    flow = core if isinstance(core, Dataflow) else Dataflow(core)
    if strict:
        _check_all_mapped(model, exclude)
    found = converted(model if inplace else copy.deepcopy(model), flow, exclude)
    stays = conversion(found)
    if stays.digital and not strict:
        warnings.warn(stays.sentence, stacklevel=2)
    return found


def converted(model: Model, flow: Dataflow, exclude: Collection[str] = ()) -> Model:
    """The model itself, converted, and nothing said of what stays digital (see `convert`)."""
    for name, module in model.named_modules():
        if name in exclude:
            module.__dict__["forward"] = AnalogForward(module, None)
        elif not _is_within(name, exclude):
            _convert(module, Place(flow, name or type(module).__name__))
    return model


def conversion(model: nn.Module) -> Conversion:
    """Which layers of a model compute on a core, and which stay digital."""
    analog, digital = [], []
    for name, module in model.named_modules():
        if isinstance(module, AnalogLayer):
            analog.append(name)
        elif isinstance(module, (*_ANALOG, *_DIGITAL)) and _place_of(module) is None:
            digital.append((name, type(module).__name__))
    return Conversion(tuple(analog), tuple(digital))


def _convert(module: nn.Module, place: Place) -> None:
    analog = _ANALOG.get(type(module))
    if analog is not None:
        # The very same object: hooks, tied weights and the parameters of optimisers stay valid.
        module.__class__ = analog
    if isinstance(module, AnalogLayer):
        module.place = place
    elif isinstance(module, _DIGITAL):
        # What it computes is told by its name; else its functions would be told once more.
        module.__dict__["forward"] = AnalogForward(module, None)
    else:
        # An activation or a normalisation has no products, and need not be slower.
        simple = type(module).__module__.startswith("torch.nn.") and not list(module.children())
        if not simple or isinstance(module, tuple(_ANALOG)):
            module.__dict__["forward"] = AnalogForward(module, place)


def _place_of(module: object) -> Place | None:
    """Where the functions that a module calls are computed."""
    forward = vars(module).get("forward")
    return forward.place if isinstance(forward, AnalogForward) else None


def _check_all_mapped(model: nn.Module, exclude: Collection[str]) -> None:
    digital = tuple(
        (name, type(module).__name__)
        for name, module in model.named_modules()
        if isinstance(module, _DIGITAL) and not _is_within(name, exclude)
    )
    if digital:
        raise InputError(f"the model has {Conversion((), digital).sentence}")


def _is_within(name: str, modules: Collection[str]) -> bool:
    return any(name == other or name.startswith(f"{other}.") for other in modules)
