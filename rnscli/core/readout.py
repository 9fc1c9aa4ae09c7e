"""What an analog core offers, and what it returns."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from rnscli.core.quantisation import FloatArray, IntArray


@dataclass(frozen=True)
class Readout:
    """What a core returned for a vector of dot products.

    Attributes
    ----------
    values
        The integer results, int64.
    wrong
        Whether noise spoilt a result: it differs from what the core gives without noise, or the
        decoder still rejected it in the last attempt.
    attempts
        How many dot products were computed at least once, at least twice, and so on; their sum is
        the number of computations.
    """

    values: IntArray
    wrong: npt.NDArray[np.bool_]
    attempts: tuple[int, ...]


class Core(Protocol):
    """What every core offers."""

    @property
    def name(self) -> str:
        """Name on the command line."""
        ...

    def dot(self, x: IntArray, w: IntArray, rng: np.random.Generator) -> Readout:
        """Dot products of quantised operands of shape ``(pairs, h)``, as the hardware does it."""
        ...

    def partial_sums(self, x: FloatArray, w: FloatArray, sums: IntArray) -> IntArray:
        """What `read` needs: the exact dot products ``sums``, or those of parts of the weights.

        ``x`` and ``w`` hold whole numbers, of shape ``(pairs, h)``; the last axis of the result
        is that of the pairs.
        """
        ...

    def read(self, sums: IntArray, rng: np.random.Generator) -> Readout:
        """The same as `dot`, from `partial_sums`."""
        ...
