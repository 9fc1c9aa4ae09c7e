"""What analog layers have in common."""

import torch
from torch import Tensor, nn

from rnscli.base import InputError
from rnscli.core import Core
from rnscli.matrix import Dataflow
from rnscli.torch.product import Place, placed_matmul, stored_matmul


class AnalogLayer:
    """A layer whose products are computed on a core.

    Attributes
    ----------
    place
        The dataflow, and the name that the layer has in records.
    """

    place: Place


def placed(core: Core | Dataflow, layer: str) -> Place:
    """A place on a core, or on a dataflow."""
    return Place(flow_of(core), layer)


def flow_of(core: Core | Dataflow) -> Dataflow:
    """The dataflow, or that of a core with the defaults.

    Raises
    ------
    InputError
        If it is neither.
    """
    if isinstance(core, Dataflow):
        return core
    if not hasattr(core, "dot_product"):
        accepted = "an analog core, as rnscli.analog_core makes it, or a rnscli.Dataflow"
        raise InputError.of("core", core, accepted, what=f"is of type {type(core).__name__}")
    return Dataflow(core)


def described(place: Place) -> str:
    """The core as a layer's representation tells it."""
    core = place.flow.core
    text = f"core={core.name}, vector_size={core.dot_product.vector_size}"
    if core.code is not None:
        text += f", moduli={core.code.moduli.moduli}"
        if core.code.moduli.redundant:
            text += f", redundant={core.code.moduli.redundant}"
    if core.noisy:
        laws = core.laws if len(set(core.laws)) > 1 else core.laws[0]
        text += f", noise={laws}"
    return text


class AnalogLinear(AnalogLayer, nn.Linear):
    """A linear layer whose product is computed on a core; the bias is added in FP32.

    Parameters, ``state_dict`` and the random initialisation are those of `torch.nn.Linear`.

    Parameters
    ----------
    in_features, out_features, bias, device, dtype
        As of `torch.nn.Linear`.
    core
        The core, or a `rnscli.Dataflow` on it.

    Examples
    --------
    >>> import rnscli
    >>> layer = AnalogLinear(64, 10, core=rnscli.analog_core("rns", bits=6, vector_size=64))
    >>> layer(torch.ones(2, 64)).shape, sorted(layer.state_dict())
    (torch.Size([2, 10]), ['bias', 'weight'])
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        core: Core | Dataflow,
    ) -> None:
        """As `torch.nn.Linear`."""
        super().__init__(in_features, out_features, bias, device, dtype)
        self.place = placed(core, "linear")

    def forward(self, input: Tensor) -> Tensor:
        """``input @ weight.T + bias``."""
        return analog_linear(input, self.weight, self.bias, self.place)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, {described(self.place)}"


def analog_linear(input: Tensor, weight: Tensor, bias: Tensor | None, place: Place) -> Tensor:
    """`torch.nn.functional.linear` on a core."""
    if weight.dim() == 1:
        result = placed_matmul(input, weight, place)
        return result if bias is None else result + bias
    result = stored_matmul(input if input.dim() > 1 else input.unsqueeze(0), weight.t(), place)
    if bias is not None:
        result = result + bias
    return result if input.dim() > 1 else result.squeeze(0)
