"""On which cores the products of a backward pass are computed."""

from dataclasses import dataclass

from rnscli.base import Names, NamesOrWholeNumbers, Option, OptionGroup
from rnscli.matrix.dataflow import Dataflow
from rnscli.matrix.rounding import ROUNDINGS

DIGITAL = "fp32"  # in the place of bits


@dataclass(frozen=True)
class GradientFlows:
    """The dataflows of the gradients of a product ``x w``; ``None`` for FP32, without a core.

    Parameters
    ----------
    inputs
        Of ``grad w^T``, the gradient of the inputs.
    weights
        Of ``x^T grad``, the gradient of the weights.
    """

    inputs: Dataflow | None
    weights: Dataflow | None


_BITS = NamesOrWholeNumbers((DIGITAL,), 2, 31)


class GradientOptions:
    """What a user chooses of the products of a backward pass."""

    group = OptionGroup.TRAINING
    input_gradient_bits = Option(
        _BITS,
        "Bits b of the core that computes the gradients of inputs, with moduli and ADCs of its "
        "own; or fp32, without a core.",
        usual="the core of the forward pass",
    )
    weight_gradient_bits = Option(
        _BITS, "The same for the gradients of weights.", usual="the core of the forward pass"
    )
    gradient_rounding = Option(
        Names(ROUNDINGS),
        "How operands of both gradients are rounded: one of {names}.",
        usual="that of --rounding",
    )
