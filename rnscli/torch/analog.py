"""What analog layers have in common."""

from rnscli.core.errors import InputError
from rnscli.core.readout import Core
from rnscli.core.rns_core import RnsCore
from rnscli.matrix.dataflow import Dataflow
from rnscli.torch.product import Place


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
        raise InputError(
            f"`core` is of type {type(core).__name__}; it must be an analog core, as "
            "rnscli.analog_core makes it, or a rnscli.Dataflow"
        )
    return Dataflow(core)


def described(place: Place) -> str:
    """The core as a layer's representation tells it."""
    core = place.flow.core
    text = f"core={core.name}, vector_size={core.dot_product.vector_size}"
    if isinstance(core, RnsCore):
        text += f", moduli={core.code.moduli.moduli}"
        if core.code.moduli.redundant:
            text += f", redundant={core.code.moduli.redundant}"
    return text if core.noise is None else f"{text}, noise={core.noise}"
