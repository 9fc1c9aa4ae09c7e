"""`torch.matmul` on a core."""

from torch import Tensor

from rnscli.core.readout import Core
from rnscli.matrix.dataflow import Dataflow
from rnscli.torch.analog import placed
from rnscli.torch.product import placed_matmul


def analog_matmul(x: Tensor, w: Tensor, core: Core | Dataflow, layer: str = "matmul") -> Tensor:
    """``torch.matmul(x, w)`` on a core; the inputs are x, the weights w.

    Both are quantised in their own precision (float32 at least), partial sums are added in FP32,
    and the result has the type that the operands promote to. Gradients pass the rounding straight
    through and are products on the same core: ``grad w^T`` and ``x^T grad``.

    Parameters
    ----------
    x, w
        Operands of any shapes that `torch.matmul` takes. A parameter on the left, or a view of
        one, is what the weights are if there is none on the right.
    core
        The core, or a `rnscli.Dataflow` on it.
    layer
        The name that the product has in records.

    Raises
    ------
    InputError
        If an operand is not finite, or not of floating-point numbers.
    RuntimeError
        If the shapes do not fit, as `torch.matmul` does.

    Notes
    -----
    Noise is drawn from a NumPy generator whose seed comes from PyTorch's own, so that
    `torch.manual_seed` fixes it and a saved state of that generator restores it.

    Examples
    --------
    >>> import rnscli, torch
    >>> core = rnscli.analog_core("rns", bits=8, vector_size=128)
    >>> x, w = torch.linspace(-1, 1, 20), torch.ones(20, 2)
    >>> analog_matmul(x + 1, w, core).round(decimals=1)
    tensor([20., 20.])
    """
    return placed_matmul(x, w, placed(core, layer))
