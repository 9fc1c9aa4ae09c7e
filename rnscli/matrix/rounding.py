"""How operands are rounded to whole steps."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rnscli.matrix.arrays import NumPyArrays

Array = Any


@dataclass(frozen=True)
class Rounding:
    """A way from real numbers to whole ones.

    Attributes
    ----------
    apply
        Rounds an array of `rnscli.matrix.NumPyArrays`, which it may change, and returns it.
    cuts
        Whether nothing is rounded away from 0: then q + 1 steps, but not all of that, are still q.
    draws
        Whether chance decides: the same values are rounded anew each time.
    """

    summary: str
    apply: "Callable[[NumPyArrays, Array], Array]"
    cuts: bool = False
    draws: bool = False


def nearest(arrays: "NumPyArrays", values: Array) -> Array:
    """To the next whole number, ties to the even one."""
    arrays.round(values)
    return values


def stochastic(arrays: "NumPyArrays", values: Array) -> Array:
    """Up with the probability of what is beyond the whole number below, so that means stay.

    ``floor(x + u)`` would do in exact numbers; in floats the sum may round up to more than q.
    """
    whole = values + 0.0
    arrays.floor(whole)
    values -= whole
    whole += arrays.uniform(values) < values
    return whole


def truncate(arrays: "NumPyArrays", values: Array) -> Array:
    """Towards 0: the bits behind the point are left out."""
    arrays.truncate(values)
    return values


ROUNDINGS: Mapping[str, Rounding] = MappingProxyType({
    "nearest": Rounding("to the nearest step, ties to even", nearest),
    "stochastic": Rounding("up or down by chance, so that means stay", stochastic, draws=True),
    "truncate": Rounding("towards 0", truncate, cuts=True),
})  # fmt: skip
