"""What a result depends on, as what JSON holds, and its digest: the key of a store."""

import hashlib
import json
import math
import numbers
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from rnscli.base import InputError, registering_packages


def describe(value: object) -> Any:
    """A parameter object as JSON values: of a dataclass its kind and its fields.

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
    """Versions of the packages that determine the bytes of a result."""
    import numpy
    import scipy

    return {"numpy": numpy.__version__, "scipy": scipy.__version__, **registering_packages()}


def digest(description: object) -> str:
    """SHA-256 of a description, the same whatever the order of its keys."""
    text = json.dumps(description, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
