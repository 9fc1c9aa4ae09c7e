"""Shapes of the inputs of a model, as a user writes them."""

import re
from typing import NamedTuple

TYPES = ("float32", "float16", "bfloat16", "float64", "int64", "int32", "uint8", "bool")
SHAPE = (
    "the sizes of an input, such as 1x3x224x224, with its name before and its type behind where "
    f"they matter, as in ids=1x128:int64 (one of {', '.join(TYPES)})"
)
_SHAPE = re.compile(r"(?:([A-Za-z_]\w{0,99})=)?([0-9]{1,12}(?:x[0-9]{1,12}){0,15})(?::(\w+))?")
_LARGEST = 2**31 - 1


class InputShape(NamedTuple):
    """Sizes of an input, its type, and its name, where it has one."""

    sizes: tuple[int, ...]
    kind: str = TYPES[0]
    name: str | None = None

    def __str__(self) -> str:
        named = "" if self.name is None else f"{self.name}="
        kind = "" if self.kind == TYPES[0] else f":{self.kind}"
        return f"{named}{'x'.join(map(str, self.sizes))}{kind}"


def input_shape(text: str) -> InputShape:
    """The shape that a text says; a ValueError if it says none.

    Examples
    --------
    >>> input_shape("1x3x224x224")
    InputShape(sizes=(1, 3, 224, 224), kind='float32', name=None)
    >>> str(input_shape("ids=1x128:int64"))
    'ids=1x128:int64'
    """
    found = _SHAPE.fullmatch(text)
    if not found or (found[3] or TYPES[0]) not in TYPES:
        raise ValueError(SHAPE)
    sizes = tuple(map(int, found[2].split("x")))
    if not all(0 < size <= _LARGEST for size in sizes):
        raise ValueError(SHAPE)
    return InputShape(sizes, found[3] or TYPES[0], found[1])
