"""The few array operations of the dataflow that NumPy and other libraries spell differently.

All else is operators and methods that array libraries share, so that there is one dataflow.
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from rnscli.core import FloatArray, IntArray

Array = Any  # of the library that an `Arrays` is for


class Arrays(Protocol):
    """An array library; arrays are of at least two dimensions, the last two are a matrix."""

    @property
    def chunk(self) -> int | None:
        """Values that are best worked on at a time, such as fit a cache; ``None`` for all."""
        ...

    def largest(self, values: Array, axes: tuple[int, ...]) -> Array:
        """Largest magnitude over some axes, which are kept with length 1; NaN if one is NaN."""
        ...

    def round(self, values: Array) -> None:
        """Round to whole numbers in place, ties to even."""
        ...

    def floor(self, values: Array) -> None:
        """Round down in place."""
        ...

    def where(self, condition: Array, chosen: Array, other: float) -> Array:
        """An array or a number, by a condition."""
        ...

    def product(self, x: Array, w: Array) -> Array:
        """A matrix product of whole-numbered floats, exact where the type holds every sum."""
        ...

    def exact(self, values: Array, wide: bool) -> Array:
        """The values as float32, or as float64 if ``wide``."""
        ...

    def empty(self, shape: tuple[int, ...], like: Array) -> Array:
        """An uninitialised float32 array where ``like`` is."""
        ...

    def pieces(self, of: Array) -> Callable[[IntArray | None], IntArray]:
        """A function that gives values at flat positions, or all, as int64 of NumPy."""
        ...

    def put(self, values: Array, index: IntArray, new: IntArray) -> Array:
        """The array with whole numbers put at flat positions."""
        ...

    def all_below(self, values: Array, limit: float) -> bool:
        """Whether all values are at most the limit; never if one is NaN."""
        ...


class NumPyArrays:
    """NumPy."""

    chunk = 2**16  # float32 values that stay in a level-2 cache with what is made of them

    def largest(self, values: FloatArray, axes: tuple[int, ...]) -> FloatArray:
        """Without an array of magnitudes."""
        high = values.max(axis=axes, keepdims=True)
        low = values.min(axis=axes, keepdims=True)
        largest: FloatArray = np.maximum(high, -low)
        return largest

    def round(self, values: FloatArray) -> None:
        np.rint(values, out=values)

    def floor(self, values: FloatArray) -> None:
        np.floor(values, out=values)

    def where(self, condition: Array, chosen: FloatArray, other: float) -> FloatArray:
        """`numpy.where`, in the type of the array."""
        return np.where(condition, chosen, chosen.dtype.type(other))

    def product(self, x: FloatArray, w: FloatArray) -> Array:
        return x @ w

    def exact(self, values: FloatArray, wide: bool) -> FloatArray:
        """A copy only where the type is another."""
        dtype: type[Any] = np.float64 if wide else np.float32
        return values.astype(dtype, copy=False)

    def empty(self, shape: tuple[int, ...], like: Array) -> Array:
        return np.empty(shape, dtype=np.float32)

    def pieces(self, of: FloatArray) -> Callable[[IntArray | None], IntArray]:
        """Positions in C order."""
        flat = of.reshape(-1)
        return lambda index: (flat if index is None else flat[index]).astype(np.int64)

    def put(self, values: FloatArray, index: IntArray, new: IntArray) -> FloatArray:
        """In place where the values are contiguous."""
        values = np.ascontiguousarray(values)
        values.reshape(-1)[index] = new
        return values

    def all_below(self, values: FloatArray, limit: float) -> bool:
        """A comparison with NaN is false."""
        return bool((values <= limit).all())
