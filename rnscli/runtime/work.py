"""Work that is cut in blocks: what to compute, and all that determines the result."""

import hashlib
import json
import math
import numbers
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Generic, Protocol, Self, TypeVar

from rnscli.base import InputError, registering_packages


class Mergeable(Protocol):
    """Statistics of samples: two of them add up, and each can be written down exactly."""

    def __add__(self, other: Self, /) -> Self:
        """Statistics of both samples together."""
        ...

    def record(self) -> dict[str, Any]:
        """All of it as what JSON holds; finite numbers only."""
        ...

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Self:
        """The inverse of `record`."""
        ...


Result = TypeVar("Result", bound=Mergeable)


def _nothing(argument: object) -> str:
    return ""


def _never(total: Mapping[str, Any], samples: int) -> bool:
    return False


@dataclass(frozen=True, kw_only=True)
class Work(Generic[Result]):
    """Blocks of samples whose results are added in block order.

    A block is a pure function of its arguments, so that it is the same in any process, on any
    machine, and when it is computed again. Its results come in parts, such as the cores that are
    compared: a part does not depend on which other parts are wanted.

    Parameters
    ----------
    function
        ``function(argument, block, parts)``, importable by name: the result of each part.
    argument
        ``argument(block, shared)``: what a block needs; ``shared`` says that the block will be
        computed where this machine's files can be read, so that it may name a file instead of
        carrying its content.
    blocks
        Number of blocks, at least one.
    samples
        Number of samples of a block.
    parts
        Each part, with what makes its description, in plain JSON values, of everything that
        determines its results but the block: parameters, seed, version of the algorithm.
    result
        Type of the results.
    content
        Digest of what the argument of a block holds and the description does not say, such as
        rows of a file.
    enough
        Whether, after some blocks in order, the total is precise enough to leave out the rest.
    """

    function: Callable[[Any, int, tuple[str, ...]], dict[str, Result]]
    argument: Callable[[int, bool], Any]
    blocks: int
    samples: Callable[[int], int]
    parts: Mapping[str, Callable[[], Mapping[str, Any]]]
    result: type[Result]
    content: Callable[[Any], str] = field(default=_nothing)
    enough: Callable[[Mapping[str, Result], int], bool] = field(default=_never)


def describe(value: object) -> Any:
    """A parameter object as JSON values: of a dataclass its kind and its fields.

    Raises
    ------
    InputError
        If something in it is neither a number, a text, nor a dataclass or tuple of such.

    Examples
    --------
    >>> from rnscli.core.noise import Uniform
    >>> describe((Uniform(1e-3), None))
    [{'kind': 'Uniform', 'p': 0.001}, None]
    """
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, tuple | list):
        return [describe(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): describe(item) for key, item in value.items()}
    # A subclass that is none itself may depend on more than the fields.
    if is_dataclass(value) and "__dataclass_fields__" in vars(type(value)):
        return {"kind": kind_of(type(value))} | {
            f.name: describe(getattr(value, f.name)) for f in fields(value)
        }
    raise InputError(
        f"a store cannot tell what {type(value).__name__} depends on; "
        "use a dataclass of numbers, or no store"
    )


def kind_of(made: type) -> str:
    """Name of a class, as descriptions have it."""
    if made.__module__.startswith("rnscli."):
        return made.__qualname__
    return f"{made.__module__}.{made.__qualname__}"  # which may share a name with one of rnscli


def versions() -> dict[str, str]:
    """Versions of the packages that decide over the bytes of a result."""
    import numpy
    import scipy

    return {"numpy": numpy.__version__, "scipy": scipy.__version__, **registering_packages()}


def digest(description: object) -> str:
    """SHA-256 of a description, the same whatever the order of its keys."""
    text = json.dumps(description, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
