"""Weights that are quantised once and kept until they change."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.weak import WeakIdKeyDictionary

from rnscli.matrix import QuantisedWeights
from rnscli.torch.modules import check_module

_LOOKED_AT = 1024  # values of a parameter that are compared
# Bytes of arrays with errors of devices that are kept, of all models together: they take 16 or more
# for each weight and channel, so that those of large networks would fill the memory.
_MOST_BUILT = 1 << 30


class Source(NamedTuple):
    """A parameter, and which view of it weights are."""

    parameter: nn.Parameter
    view: tuple[Any, ...]

    @classmethod
    def of(cls, w: Tensor) -> "Source | None":
        """Where weights are from, if they are a parameter or a view of one."""
        base = w if w._base is None else w._base
        if not isinstance(base, nn.Parameter) or base.dtype != w.dtype:
            return None
        if base.is_inference():  # which has no count of changes
            return None
        return cls(base, (w.storage_offset(), tuple(w.shape), w.stride()))


@dataclass(frozen=True)
class _Kept:
    """What was made of a view of a parameter, and how that was then."""

    made: QuantisedWeights
    made_for: Any
    version: int
    address: int
    values: Tensor | None

    def holds(self, parameter: nn.Parameter, made_for: Any) -> bool:
        same = self.version == parameter._version and self.address == parameter.data_ptr()
        if not same or self.made_for != made_for:
            return False
        return self.values is None or torch.equal(self.values, _some(parameter))


# By the parameter, and in each by which view of it.
_all: Any = WeakIdKeyDictionary()


def kept(
    source: Source | None, made_for: Any, make: Callable[[], QuantisedWeights]
) -> QuantisedWeights:
    """What ``make`` makes of weights, from before if the parameter that they view is unchanged.

    PyTorch counts the changes of a parameter, but not those of its ``data``. On a CPU some of its
    values are compared, too, which shows any that change all of it. Arrays that are built are kept
    as long as there is room for them. Those that come later are built each time, to the same
    errors: where layers take turns, what came last would be needed last.
    """
    if source is None:
        return make()
    parameter = source.parameter
    views = _all.setdefault(parameter, {})
    before = views.get(source.view)
    if before is not None and before.holds(parameter, made_for):
        found: QuantisedWeights = before.made
        return found
    views.pop(source.view, None)
    made = make()
    size = made.built_size
    if size:
        others = (one.made.built_size for every in _all.values() for one in every.values())
        if sum(others, size) > _MOST_BUILT:
            return made
    some = _some(parameter).clone() if parameter.device.type == "cpu" else None
    address = parameter.data_ptr()
    views[source.view] = _Kept(made, made_for, parameter._version, address, some)
    return made


def _some(parameter: nn.Parameter) -> Tensor:
    flat = parameter.detach().reshape(-1)
    return flat[:: max(1, flat.numel() // _LOOKED_AT)]


def requantise(model: nn.Module) -> None:
    """Quantise the weights of a converted model anew when they are next multiplied.

    In inference they are quantised once. Changes by an optimiser, ``load_state_dict``, or any
    operation on a parameter are seen; so are those of ``parameter.data`` that change many of its
    values. After one that changes a few of them, this has to be said.

    Raises
    ------
    InputError
        If it is no module.

    Examples
    --------
    >>> import rnscli, rnscli.torch
    >>> core = rnscli.analog_core("rns", bits=8)
    >>> layer = rnscli.torch.AnalogLinear(4096, 1, bias=False, core=core)
    >>> with torch.no_grad():
    ...     before = layer(torch.ones(1, 4096))
    >>> layer.weight.data[0, 1] += 1  # behind the back of PyTorch
    >>> requantise(layer)
    >>> with torch.no_grad():
    ...     bool(layer(torch.ones(1, 4096)) > before + 0.9)
    True
    """
    check_module("model", model)
    for parameter in model.parameters():
        _all.pop(parameter, None)
