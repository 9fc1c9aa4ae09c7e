"""Products of more than two operands, or along chosen axes, as matrix products on a core."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.backends import opt_einsum
from torch.nn import functional

from rnscli.torch.compiling import apart
from rnscli.torch.interception import called
from rnscli.torch.mapped.layers import AnalogLayer
from rnscli.torch.product import CoreOrFlow, Place, flow_of, placed_matmul


class _Step(NamedTuple):
    """Two operands, by where they are in the list that is left, and the letters of the result."""

    first: int
    second: int
    result: str


def analog_einsum(place: Place, equation: Any, *operands: Any) -> Any:
    """As `torch.einsum`, or `NotImplemented` if there is no sum over two operands.

    More than two operands are multiplied in pairs: along the path that ``opt_einsum`` finds, where
    it is installed and PyTorch would use it, otherwise from left to right. In a pair, letters of
    both and of what follows are a stack of products, those of both only are the terms of dot
    products, those of one its rows or columns. Sums over letters of one operand, diagonals, and
    pairs without a sum are computed in FP32.
    """
    if len(operands) == 1 and isinstance(operands[0], list | tuple):
        operands = tuple(operands[0])
    letters = _letters(equation, operands)
    if letters is None:
        return NotImplemented
    parts, result = letters
    steps = _steps(parts, result, _path(equation, operands))
    if steps is None:
        return NotImplemented  # no product of matrices
    left = [
        _summed(operand, part, {*result}.union(*parts[:index], *parts[index + 1 :]))
        for index, (operand, part) in enumerate(zip(operands, parts, strict=True))
    ]
    for number, step in enumerate(steps, start=1):
        second, first = left.pop(step.second), left.pop(step.first)
        at = place if len(steps) == 1 else place.part(f"pair{number}")
        left.insert(step.first, _pair(first, second, step.result, at))
    (found, order), = left  # fmt: skip
    return found.permute([order.index(c) for c in result])


_Named = tuple[Tensor, str]  # an operand, and a letter for each of its axes


def _pair(first: _Named, second: _Named, result: str, place: Place) -> _Named:
    """The product of two operands, with axes in the order of the result."""
    (x, left), (w, right) = first, second
    sizes = dict(zip(left, x.shape, strict=True))
    for c, size in zip(right, w.shape, strict=True):
        if sizes.setdefault(c, size) == 1:
            sizes[c] = size  # what is there once is multiplied with all of the other
    stack = [c for c in result if c in left and c in right]
    terms = [c for c in left if c in right and c not in result]
    rows = [c for c in left if c not in right]
    columns = [c for c in right if c not in left]

    def arranged(operand: Tensor, letters: str, rows: list[str], columns: list[str]) -> Tensor:
        """An operand as a stack of matrices with these rows and columns."""
        order = stack + rows + columns
        moved = operand.permute([letters.index(c) for c in order])
        moved = moved.expand([sizes[c] for c in order])
        lengths = (math.prod(sizes[c] for c in group) for group in (rows, columns))
        return moved.reshape([*(sizes[c] for c in stack), *lengths])

    order = stack + rows + columns
    matrices = arranged(x, left, rows, terms), arranged(w, right, terms, columns)
    found = placed_matmul(*matrices, place) if terms else matrices[0] * matrices[1]
    found = found.reshape([sizes[c] for c in order])
    return found.permute([order.index(c) for c in result]), result


def _summed(operand: Tensor, letters: str, others: set[str]) -> _Named:
    """An operand without letters that it has twice, or that nobody else has."""
    for c in sorted(c for c in set(letters) if letters.count(c) > 1):
        while letters.count(c) > 1:
            first = letters.index(c)
            second = letters.index(c, first + 1)
            operand = operand.diagonal(0, first, second)
            letters = letters.replace(c, "", 2) + c
    alone = [index for index, c in enumerate(letters) if c not in others]
    if alone:
        operand = operand.sum(alone)
    return operand, "".join(c for c in letters if c in others)


def _steps(
    parts: Sequence[str], result: str, path: Sequence[tuple[int, int]] | None
) -> list[_Step] | None:
    """Which operands are multiplied, one pair after another, if two have a sum in common."""
    left, steps, sums = list(parts), [], False
    for index in range(len(parts) - 1):
        first, second = (0, 1) if path is None else sorted(path[index])
        right = left.pop(second)
        pair = left.pop(first), right
        kept = {*result}.union(*left)
        found = "".join(dict.fromkeys(c for c in pair[0] + pair[1] if c in kept))
        sums |= any(c in pair[1] and c not in kept for c in pair[0])
        steps.append(_Step(first, second, found))
        left.insert(first, found)
    return steps if sums else None


def _path(equation: str, operands: tuple[Tensor, ...]) -> list[tuple[int, int]] | None:
    """In which order PyTorch multiplies, where it looks for a good one.

    Positions are those of a list into which results are put where the first operand was.
    """
    if len(operands) < 3 or not (opt_einsum.enabled and opt_einsum.is_available()):
        return None
    finder = opt_einsum.get_opt_einsum()
    steps = finder.contract_path(equation, *operands, optimize=opt_einsum.strategy)[0]
    # There results are put at the end.
    theirs, mine, path = list(range(len(operands))), list(range(len(operands))), []
    for count, pair in enumerate(steps, start=len(operands)):
        if len(pair) != 2:
            return None
        names = [theirs[index] for index in pair]
        at = sorted(mine.index(name) for name in names)
        path.append((at[0], at[1]))
        theirs = [*(name for name in theirs if name not in names), count]
        del mine[at[1]]
        mine[at[0]] = count
    return path


def _letters(equation: Any, operands: tuple[Any, ...]) -> tuple[list[str], str] | None:
    """The subscripts of the operands and of the result, if all of it fits."""
    if not isinstance(equation, str) or len(operands) < 2:
        return None
    left, arrow, result = equation.replace(" ", "").partition("->")
    parts = left.split(",")
    if len(parts) != len(operands) or not all(isinstance(one, Tensor) for one in operands):
        return None
    if not arrow:
        every = "".join(parts).replace(".", "")
        once = sorted(c for c in set(every) if every.count(c) == 1)
        result = ("..." if "..." in left else "") + "".join(once)
    if "..." in equation:
        parts, result = _spelt_out(parts, result, operands)
    fits = all(operand.dim() == len(part) for part, operand in zip(parts, operands, strict=True))
    known = set(result) <= set("".join(parts)) - {"."}
    return (parts, result) if fits and known and len(set(result)) == len(result) else None


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


def analog_chain(place: Place, *matrices: Any) -> Any:
    """As `torch.linalg.multi_dot`: in the order of the fewest multiplications."""
    if len(matrices) == 1 and isinstance(matrices[0], list | tuple):
        matrices = tuple(matrices[0])
    if len(matrices) < 2 or not all(isinstance(one, Tensor) for one in matrices):
        return NotImplemented
    first, last = matrices[0].dim() == 1, matrices[-1].dim() == 1
    operands = list(matrices)
    operands[0] = operands[0].unsqueeze(0) if first else operands[0]
    operands[-1] = operands[-1].unsqueeze(-1) if last else operands[-1]
    if any(one.dim() != 2 for one in operands):
        return NotImplemented
    sizes = [operands[0].shape[0], *(one.shape[1] for one in operands)]
    found, _ = _multiplied(operands, 0, len(operands), _splits(sizes), place, 0)
    found = found.squeeze(-1) if last else found
    return found.squeeze(0) if first else found


def _splits(sizes: Sequence[int]) -> dict[tuple[int, int], int]:
    """Where a chain of matrices is cut last, for each part of it from one to before another."""
    cost = {(begin, begin + 1): 0 for begin in range(len(sizes) - 1)}
    split = {}
    for length in range(2, len(sizes)):
        for begin in range(len(sizes) - length):
            end = begin + length
            costs = [
                (cost[begin, cut] + cost[cut, end] + sizes[begin] * sizes[cut] * sizes[end], cut)
                for cut in range(begin + 1, end)
            ]
            cost[begin, end], split[begin, end] = min(costs)
    return split


def _multiplied(
    operands: Sequence[Tensor],
    begin: int,
    end: int,
    split: dict[tuple[int, int], int],
    place: Place,
    done: int,
) -> tuple[Tensor, int]:
    """The product of a part of a chain, and how many products there were until then."""
    if end - begin == 1:
        return operands[begin], done
    cut = split[begin, end]
    x, done = _multiplied(operands, begin, cut, split, place, done)
    w, done = _multiplied(operands, cut, end, split, place, done)
    at = place if len(operands) == 2 else place.part(f"pair{done + 1}")
    return placed_matmul(x, w, at), done + 1


def analog_tensordot(place: Place, a: Tensor, b: Tensor, dims: Any = 2) -> Any:
    """As `torch.tensordot`: all axes that are summed over are the terms of dot products."""
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if not (a.is_floating_point() and b.is_floating_point()):
        return NotImplemented
    if isinstance(dims, int):
        over, against = list(range(a.dim() - dims, a.dim())), list(range(dims))
    else:
        over, against = ([axes] if isinstance(axes, int) else list(axes) for axes in dims)
    over = [axis % a.dim() for axis in over] if a.dim() else []
    against = [axis % b.dim() for axis in against] if b.dim() else []
    if not over or len(over) != len(against):
        return NotImplemented
    rows = [axis for axis in range(a.dim()) if axis not in over]
    columns = [axis for axis in range(b.dim()) if axis not in against]
    if any(a.shape[i] != b.shape[j] for i, j in zip(over, against, strict=True)):
        return NotImplemented  # PyTorch says what does not fit
    terms = math.prod(a.shape[axis] for axis in over)
    x = a.permute(rows + over).reshape(math.prod(a.shape[axis] for axis in rows), terms)
    w = b.permute(against + columns).reshape(terms, math.prod(b.shape[i] for i in columns))
    found = placed_matmul(x, w, place)
    return found.reshape([*(a.shape[i] for i in rows), *(b.shape[i] for i in columns)])


def analog_inner(place: Place, input: Tensor, other: Tensor) -> Any:
    """As `torch.inner`: dot products along the last axes of both."""
    if not (input.dim() and other.dim()):
        return NotImplemented
    return analog_tensordot(place, input, other, ([-1], [-1]))


def analog_vecdot(place: Place, x: Tensor, y: Tensor, dim: int = -1) -> Tensor:
    """As `torch.linalg.vecdot` of real numbers: a product of one dot product for each pair."""
    x, y = torch.broadcast_tensors(x, y)  # type: ignore[no-untyped-call]
    x, y = x.movedim(dim, -1), y.movedim(dim, -1)
    return placed_matmul(x.unsqueeze(-2), y.unsqueeze(-1), place)[..., 0, 0]


def analog_bilinear(
    place: Place, input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None
) -> Tensor:
    """As `torch.nn.functional.bilinear`, ``x1^T A x2 + b``, by two products on the core.

    The stored matrices ``A`` (outputs, inputs 1, inputs 2) are multiplied with x1; the results,
    a matrix (outputs, inputs 2) for each row, with x2.
    """
    outputs, first, second = weight.shape
    stored = weight.permute(1, 0, 2).reshape(first, outputs * second)
    with torch.autocast("cpu", enabled=False):  # which leaves bilinear functions alone
        found = placed_matmul(input1, stored, place.part("first"))
        found = found.reshape(*input1.shape[:-1], outputs, second)
        result = placed_matmul(found, input2.unsqueeze(-1), place.part("second")).squeeze(-1)
    return result if bias is None else result + bias.to(result.dtype)


def analog_grouped(
    place: Place,
    mat_a: Tensor,
    mat_b: Tensor,
    offs: Tensor | None = None,
    bias: Tensor | None = None,
    out_dtype: torch.dtype | None = None,
) -> Any:
    """As `torch.nn.functional.grouped_mm`: a product for each group, such as an expert.

    Groups end at ``offs``: of rows, where ``mat_a`` is one matrix and ``mat_b`` a stack; of
    columns, where it is the other way round; of terms, where both are matrices.
    """
    if not (mat_a.is_floating_point() and mat_b.is_floating_point()):
        return NotImplemented
    if bias is not None or (offs is None) != (mat_a.dim() == mat_b.dim() == 3):
        return NotImplemented
    if offs is None:
        found = placed_matmul(mat_a, mat_b, place)
    else:
        if offs.is_meta:
            return NotImplemented  # nobody knows how large the groups are
        found = _groups(place, mat_a, mat_b, offs.tolist())
    return found if out_dtype is None else found.to(out_dtype)


def _groups(place: Place, a: Tensor, b: Tensor, ends: Sequence[int]) -> Tensor:
    parts = [slice(begin, end) for begin, end in zip([0, *ends], ends, strict=False)]
    results = []
    for index, part in enumerate(parts):
        x = a[index] if a.dim() == 3 else a[part] if b.dim() == 3 else a[:, part]
        w = b[index] if b.dim() == 3 else b[:, part] if a.dim() == 3 else b[part]
        results.append(placed_matmul(x, w, place.part(f"group{index}")))
    if a.dim() == b.dim():
        return torch.stack(results)
    axis = 0 if b.dim() == 3 else 1
    found = torch.cat(results, axis)
    # What is beyond the last group belongs to none.
    rest = (a.shape[0] if axis == 0 else b.shape[1]) - found.shape[axis]
    padding = [0, 0, 0, rest] if axis == 0 else [0, rest]
    return functional.pad(found, padding) if rest else found


class AnalogBilinear(AnalogLayer, nn.Bilinear):
    """``x1^T A x2 + b`` with both products on a core, ``first`` and ``second``.

    The stored matrices ``A`` (outputs, inputs 1, inputs 2) are multiplied with x1; the results,
    a matrix (outputs, inputs 2) for each row, with x2. The bias is added in FP32.

    Parameters
    ----------
    *arguments, **options
        As of `torch.nn.Bilinear`.
    core
        The core, or a `rnscli.Dataflow` on it.

    Examples
    --------
    >>> import rnscli
    >>> layer = AnalogBilinear(3, 4, 2, core=rnscli.analog_core("rns", bits=6))
    >>> layer(torch.ones(5, 3), torch.ones(5, 4)).shape
    torch.Size([5, 2])
    """

    def __init__(self, *arguments: Any, core: CoreOrFlow, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.place = Place(flow_of(core), "bilinear")

    @apart
    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        operands = input1, input2, self.weight, self.bias
        found: Tensor = called(self.place, functional.bilinear, analog_bilinear, *operands)
        return found
