"""Which matrix products a network consists of."""

import copy
from dataclasses import dataclass

from rnscli.analysis.analog_core import analog_core
from rnscli.core.errors import InputError
from rnscli.hardware.gemm import Workload
from rnscli.matrix.dataflow import Dataflow
from rnscli.networks.evaluation import evaluate
from rnscli.networks.portable import OpenedNetwork
from rnscli.networks.random_stream import RandomStream
from rnscli.torch.convert import conversion, converted
from rnscli.torch.record import recording


@dataclass(frozen=True)
class NetworkProducts:
    """The products of one inference, and those that stay digital, in words."""

    workload: Workload
    digital: tuple[str, ...]

    @property
    def count(self) -> int:
        """Matrix products of one inference."""
        return sum(gemm.count for gemm in self.workload.gemms)


def network_products(opened: OpenedNetwork, strict: bool = False) -> NetworkProducts:
    """The matrix products of one inference, found by computing one.

    Raises
    ------
    InputError
        If there are none; by ``strict``, if some stay digital.
    """
    # Which core it is makes no difference; this one is fast and loses little.
    core = analog_core("fixed-hp", bits=8)
    model = converted(copy.deepcopy(opened.network.model()), Dataflow(core))
    with RandomStream(0).in_use(), recording() as made:
        evaluate(model, opened.data.test.inputs[:1])
    layers = dict(conversion(model).digital)
    # What a layer computes is told by its name; the functions of others by theirs.
    functions = (one for one in made.unmapped if one.partition(":")[0] not in layers)
    digital = (*(f"{name} ({kind})" for name, kind in layers.items()), *functions)
    name = opened.network.name
    if not made.kinds:
        raise InputError(f"`model` {name} has no products that a core could compute")
    if digital and strict:
        raise InputError(
            f"`model` {name} has products that no core computes, which --strict refuses: "
            f"{', '.join(digital)}"
        )
    return NetworkProducts(made.workload(name), digital)
