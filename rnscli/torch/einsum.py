"""`torch.einsum` of two operands as a product on a core."""

from typing import Any

import torch
from torch import Tensor

from rnscli.torch.product import Place, analog_matmul


def analog_einsum(place: Place, equation: Any, *operands: Any) -> Tensor:
    """As `torch.einsum`; two operands are multiplied on the core, everything else is digital.

    Letters of both operands and the result are a stack of products, those of both operands only
    are the terms, those of one operand its rows or columns.
    """
    operands = tuple(operands[0]) if len(operands) == 1 and _listed(operands[0]) else operands
    letters = _letters(equation, operands)
    if letters is None:
        return torch.einsum(equation, *operands)
    (first, second), result = letters
    stack = [c for c in result if c in first and c in second]
    terms = [c for c in first if c in second and c not in result]
    rows = [c for c in first if c not in second]
    columns = [c for c in second if c not in first]
    if not terms or set(rows + columns) - set(result):
        return torch.einsum(equation, *operands)  # no product, or sums over one operand alone
    sizes = dict(zip(first, operands[0].shape, strict=True))
    sizes |= dict(zip(second, operands[1].shape, strict=True))
    x = _arranged(operands[0], first, stack, rows, terms, sizes)
    w = _arranged(operands[1], second, stack, terms, columns, sizes)
    found = analog_matmul(x, w, place)
    order = stack + rows + columns
    found = found.reshape([sizes[c] for c in order])
    return found.permute([order.index(c) for c in result])


def _listed(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _letters(equation: Any, operands: tuple[Any, ...]) -> tuple[list[str], str] | None:
    """The subscripts of two operands and of the result, if they are plain."""
    if not isinstance(equation, str) or len(operands) != 2:
        return None
    left, arrow, result = equation.replace(" ", "").partition("->")
    parts = left.split(",")
    if "." in equation or len(parts) != 2:
        return None
    if not arrow:
        every = parts[0] + parts[1]
        result = "".join(sorted(c for c in set(every) if every.count(c) == 1))
    repeated = any(len(set(part)) < len(part) for part in (*parts, result))
    fits = all(
        isinstance(operand, Tensor) and operand.dim() == len(part)
        for part, operand in zip(parts, operands, strict=True)
    )
    return None if repeated or not fits else (parts, result)


def _arranged(
    operand: Tensor,
    letters: str,
    stack: list[str],
    rows: list[str],
    columns: list[str],
    sizes: dict[str, int],
) -> Tensor:
    """An operand as a stack of matrices with these rows and columns."""
    moved = operand.permute([letters.index(c) for c in stack + rows + columns])
    shape = [sizes[c] for c in stack]
    for group in (rows, columns):
        length = 1
        for c in group:
            length *= sizes[c]
        shape.append(length)
    return moved.reshape(shape)
