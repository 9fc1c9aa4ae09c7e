"""What analog layers have in common."""

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
    return Place(core if isinstance(core, Dataflow) else Dataflow(core), layer)


def described(place: Place) -> str:
    """The core as a layer's representation tells it."""
    core = place.flow.core
    text = f"core={core.name}, vector_size={core.dot_product.vector_size}"
    if isinstance(core, RnsCore):
        text += f", moduli={core.code.moduli.moduli}"
        if core.code.moduli.redundant:
            text += f", redundant={core.code.moduli.redundant}"
    return text if core.noise is None else f"{text}, noise={core.noise}"
