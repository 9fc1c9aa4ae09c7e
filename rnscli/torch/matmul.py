"""`torch.matmul` on a core."""

import math
from typing import Any

from torch import Tensor

from rnscli.core import Core
from rnscli.matrix import Dataflow
from rnscli.torch.layers import placed
from rnscli.torch.product import Place, placed_matmul


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


def analog_einsum(place: Place, equation: Any, *operands: Any) -> Any:
    """As `torch.einsum` of two operands, or `NotImplemented` if they are not multiplied so.

    Letters of both operands and the result are a stack of products, those of both operands only
    are the terms, those of one operand its rows or columns.
    """
    operands = tuple(operands[0]) if len(operands) == 1 and _listed(operands[0]) else operands
    letters = _letters(equation, operands)
    if letters is None:
        return NotImplemented
    (first, second), result = letters
    stack = [c for c in result if c in first and c in second]
    terms = [c for c in first if c in second and c not in result]
    rows = [c for c in first if c not in second]
    columns = [c for c in second if c not in first]
    if not terms or set(rows + columns) - set(result):
        return NotImplemented  # no product, or sums over one operand alone
    sizes = dict(zip(first, operands[0].shape, strict=True))
    for c, size in zip(second, operands[1].shape, strict=True):
        if sizes.setdefault(c, size) == 1:
            sizes[c] = size  # what is there once is multiplied with all of the other
    x = _arranged(operands[0], first, stack, rows, terms, sizes)
    w = _arranged(operands[1], second, stack, terms, columns, sizes)
    found = placed_matmul(x, w, place)
    order = stack + rows + columns
    found = found.reshape([sizes[c] for c in order])
    return found.permute([order.index(c) for c in result])


def _listed(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _letters(equation: Any, operands: tuple[Any, ...]) -> tuple[list[str], str] | None:
    """The subscripts of two operands and of the result, if no operand has a diagonal."""
    if not isinstance(equation, str) or len(operands) != 2:
        return None
    left, arrow, result = equation.replace(" ", "").partition("->")
    parts = left.split(",")
    if len(parts) != 2 or not all(isinstance(operand, Tensor) for operand in operands):
        return None
    if not arrow:
        every = (parts[0] + parts[1]).replace(".", "")
        once = sorted(c for c in set(every) if every.count(c) == 1)
        result = ("..." if "..." in left else "") + "".join(once)
    if "..." in equation:
        parts, result = _spelt_out(parts, result, operands)
    repeated = any(len(set(part)) < len(part) for part in (*parts, result))
    fits = all(operand.dim() == len(part) for part, operand in zip(parts, operands, strict=True))
    known = set(result) <= set(parts[0] + parts[1]) - {"."}
    return (parts, result) if fits and known and not repeated else None


def _spelt_out(
    parts: list[str], result: str, operands: tuple[Tensor, ...]
) -> tuple[list[str], str]:
    """The subscripts with letters in the place of ``...``, aligned at the last of its axes."""
    hidden = [
        operand.dim() - len(part.replace("...", "")) if "..." in part else 0
        for part, operand in zip(parts, operands, strict=True)
    ]
    # No letters that an equation has.
    letters = "".join(chr(0xE000 + index) for index in range(max(0, *hidden)))
    spelt = [
        part.replace("...", letters[len(letters) - count :] if count > 0 else "")
        for part, count in zip(parts, hidden, strict=True)
    ]
    return spelt, result.replace("...", letters)


def _arranged(
    operand: Tensor,
    letters: str,
    stack: list[str],
    rows: list[str],
    columns: list[str],
    sizes: dict[str, int],
) -> Tensor:
    """An operand as a stack of matrices with these rows and columns."""
    order = stack + rows + columns
    moved = operand.permute([letters.index(c) for c in order])
    moved = moved.expand([sizes[c] for c in order])
    lengths = (math.prod(sizes[c] for c in group) for group in (rows, columns))
    return moved.reshape([*(sizes[c] for c in stack), *lengths])
