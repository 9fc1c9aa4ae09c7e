"""Layers of a network on cores of their own, or on none."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from rnscli import analysis
from rnscli.analysis.analog_core import analog_core
from rnscli.analysis.networks.rows import MIXED
from rnscli.base import InputError
from rnscli.hardware import Technology
from rnscli.matrix import Dataflow
from rnscli.networks import OpenedNetwork
from rnscli.torch import Recording, check_patterns, check_reached, conversion, fits_within


@dataclass(frozen=True)
class LayerCore:
    """What computes the layers of a name or a pattern of names.

    Parameters
    ----------
    pattern
        As of `rnscli.torch.convert`.
    flow
        The core, and how products are mapped to it; ``None`` where they stay in FP32.
    bits
        Bits of the converters, for the energy.
    technology
        Of the array, for the energy; that which its core is shown on if not given.
    """

    pattern: str
    flow: Dataflow | None
    bits: int | None = None
    technology: Technology | None = None


def probe() -> Dataflow:
    """What products are recorded on: which core it is makes no difference to their shapes.

    This one is fast and loses little.
    """
    return Dataflow(analog_core("fixed-hp", bits=8))


def digital_products(model: nn.Module, made: Recording) -> dict[str, str]:
    """Products of a converted model that a recording found on no core, each with its layer.

    A layer is identified by its name; functions of other packages by theirs.
    """
    layers = dict(conversion(model).digital)
    named = {f"{layer} ({kind})": layer for layer, kind in layers.items()}
    functions = {one: one.partition(":")[0] for one in made.unmapped}
    return named | {one: layer for one, layer in functions.items() if layer not in layers}


def place_of(layers: Sequence[LayerCore], layer: str) -> int:
    """Which of the layers' cores computes a layer, or a product of one, such as ``head[2]``.

    The first that fits; the number of all of them where none does.

    Examples
    --------
    >>> layers = [LayerCore("head", None), LayerCore("block*", None)]
    >>> [place_of(layers, name) for name in ("head[2]", "blocks.0.fc", "stem")]
    [0, 1, 2]
    """
    name = layer.partition("[")[0]
    fitting = (n for n, one in enumerate(layers) if fits_within(one.pattern, name))
    return next(fitting, len(layers))


def check_layers(layers: Sequence[LayerCore], opened: OpenedNetwork) -> None:
    """Refuse names and patterns that no layer of a network has, or that apply to none.

    Raises
    ------
    InputError
        If there is one, or two are the same.
    """
    patterns = [one.pattern for one in layers]
    twice = [one for one in patterns if patterns.count(one) > 1]
    if twice:
        raise InputError(f"`layers` has {twice[0]} twice; the first one decides, so leave one out")
    if patterns:
        name, model = f"the model {opened.network.name}", opened.network.model()
        check_patterns("layers", patterns, model, name)
        check_reached("layers", patterns, model, name)


def core_columns_of(cores: Sequence[LayerCore]) -> dict[str, Any]:
    """Columns of the core of a row; of several cores what they have in common."""
    every = [analysis.core_columns(one.flow, one.bits) for one in cores if one.flow is not None]
    first, *others = every
    if not others:
        return first
    common = {
        key: value if all(one[key] == value for one in others) else None
        for key, value in first.items()
    }
    return common | ({} if common["core"] else {"core": MIXED})
