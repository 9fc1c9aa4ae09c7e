"""The array operations of the dataflow, in NumPy."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rnscli.core import FloatArray, IntArray

Array = Any  # of NumPy, or of the library of a subclass of `NumPyArrays`
Pieces = Callable[[IntArray | None], IntArray]


class NumPyArrays:
    """The few array operations of the dataflow that array libraries spell differently, in NumPy.

    All else is operators and methods that they share, so that there is one dataflow. Another
    library has a subclass. Arrays are of at least two dimensions, the last two are a matrix.
    """

    # How many values are best worked on at a time, or None for all: float32 values that stay in a
    # level-2 cache with what is made of them.
    chunk: int | None = 2**16
    # How many chunks together where nothing is drawn for each of them.
    together = 1
    bytes = False  # whether matrices of bytes are multiplied, exactly, and faster than floats

    def largest(self, values: Array, axes: tuple[int, ...]) -> Array:
        """Largest magnitude over some axes, which are kept with length 1; NaN if one is NaN."""
        # Without an array of magnitudes.
        high = values.max(axis=axes, keepdims=True)
        return np.maximum(high, -values.min(axis=axes, keepdims=True))

    def __init__(self, rng: np.random.Generator | None = None) -> None:
        """``rng`` is drawn from where rounding is by chance; of a fixed seed if not given."""
        self._rng = np.random.default_rng(0) if rng is None else rng

    def round(self, values: Array) -> None:
        """Round to whole numbers in place, ties to even."""
        np.rint(values, out=values)

    def truncate(self, values: Array) -> None:
        """Round towards 0 in place."""
        np.trunc(values, out=values)

    def uniform(self, like: Array) -> Array:
        """Random numbers from 0 to below 1, in the shape and the type of an array of floats."""
        return self._rng.random(like.shape, dtype=like.dtype)

    def floor(self, values: Array) -> None:
        """Round down in place."""
        np.floor(values, out=values)

    def where(self, condition: Array, chosen: Array, other: float) -> Array:
        """An array or a number, by a condition, in the type of the array."""
        return np.where(condition, chosen, chosen.dtype.type(other))

    def product(self, x: Array, w: Array) -> Array:
        """A matrix product of whole-numbered floats, exact where the type holds every sum."""
        return x @ w

    def times(self, sums: Array, steps: Array) -> Array:
        """Sums times steps, as floats of the type that they have, in their place if they are."""
        sums *= steps
        return sums

    def joined(self, parts: Sequence[Array]) -> Array:
        """Arrays one behind the other along the last axis."""
        return np.concatenate(parts, axis=-1)

    def narrow(self, whole: Array) -> Array:
        """Whole numbers up to 127 in magnitude as bytes, where these are multiplied."""
        return whole

    def nearest(self, values: Array, levels: int, scales: Array) -> Array:
        """``values levels / scales`` rounded to whole numbers up to 127, and `narrow`."""
        scaled = values * levels
        scaled /= scales
        self.round(scaled)
        return self.narrow(scaled)

    def exact(self, values: Array, wide: bool) -> Array:
        """The values as float32, or as float64 if ``wide``; a copy only where they are another."""
        return values.astype(np.float64 if wide else np.float32, copy=False)

    def empty(self, shape: tuple[int, ...], like: Array) -> Array:
        """An uninitialised float32 array where ``like`` is."""
        return np.empty(shape, dtype=np.float32)

    def pieces(self, of: Array) -> Pieces:
        """A function that gives values at flat positions in C order, or all, as int64 of NumPy."""
        flat = of.reshape(-1)
        return lambda index: (flat if index is None else flat[index]).astype(np.int64)

    def reals(self, of: Array) -> Callable[[IntArray], FloatArray]:
        """A function that gives magnitudes at flat positions in C order, as a row of float64."""
        flat = of.reshape(-1)
        return lambda index: np.abs(flat[index].astype(np.float64))[np.newaxis]

    def put(self, values: Array, index: IntArray, new: IntArray | FloatArray) -> Array:
        """The array with numbers put at flat positions, in place where it is contiguous."""
        values = np.ascontiguousarray(values)
        values.reshape(-1)[index] = new
        return values

    def plain(self, values: Array) -> FloatArray:
        """The values as float64 of NumPy; a copy only where they are another."""
        return np.asarray(values, dtype=np.float64)

    def like(self, values: FloatArray, other: Array) -> Array:
        """Values of NumPy where another array is, in its shape and type."""
        return values.reshape(other.shape).astype(other.dtype, copy=False)

    def frexp(self, values: Array) -> tuple[Array, Array]:
        """Mantissas f and whole numbers e, ``v = f 2**e`` with ``1/2 <= f < 1``; 0 of 0."""
        return np.frexp(values)

    def all_below(self, values: Array, limit: float) -> bool:
        """Whether all values are at most the limit; never if one is NaN."""
        return bool((values <= limit).all())
