"""Operations of digital logic, counted with their widths."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain


@dataclass(frozen=True)
class Operation:
    """Additions or multiplications of one kind.

    Parameters
    ----------
    kind
        ``add``, ``multiply``, ``fp-add`` or ``fp-multiply``.
    width
        Bits of the operands; of a multiplication the geometric mean of both.
    count
        How many, on average.
    """

    kind: str
    width: float
    count: float = 1.0


Operations = tuple[Operation, ...]


def add(width: int, count: float = 1.0) -> Operations:
    """Additions, subtractions and comparisons of integers; none if ``count`` is zero."""
    return (Operation("add", width, count),) if count else ()


def multiply(first: int, second: int, count: float = 1.0) -> Operations:
    """Products of integers of two widths; none if ``count`` is zero."""
    return (Operation("multiply", math.sqrt(first * second), count),) if count else ()


def times(operations: Iterable[Operation], factor: float) -> Operations:
    """Operations that happen ``factor`` times."""
    return tuple(Operation(one.kind, one.width, one.count * factor) for one in operations if factor)


def merged(*groups: Operations) -> Operations:
    """All operations, those of one kind and width together."""
    counts: dict[tuple[str, float], float] = {}
    for one in chain(*groups):
        counts[one.kind, one.width] = counts.get((one.kind, one.width), 0.0) + one.count
    return tuple(Operation(kind, width, count) for (kind, width), count in counts.items())
