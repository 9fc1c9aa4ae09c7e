"""Where the real-valued operands of a simulation come from: distributions, or one's own arrays.

Operands are worked on in tiles of shape ``(2, pairs, h)``, inputs first and weights second. For
short vectors the pairs are contiguous in memory, so that reductions over h are additions of whole
rows: tiles are filled in whatever order their memory has.

Other packages add distributions as entry points of the group ``rnscli.operands``.
"""

import copy
import hashlib
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from rnscli.base import InputError, Numbers, Option, OptionGroup, Registry
from rnscli.core import FloatArray, draw_positions

_SLICE_VALUES = 1 << 20  # checked at a time, so that the check needs little memory
LABELS = ("x", "w")  # inputs and weights
MAX_MAGNITUDE = 1e70  # squares of dot products stay finite, and so do their sums


class OperandOptions:
    """What a user chooses of operands that are drawn."""

    group = OptionGroup.CORE
    degrees_of_freedom = Option(
        Numbers(math.nextafter(2.0, 3.0), 1e6, "a number above 2 and at most 1e6"),
        "Of the distribution student-t.",
        usual="5",
    )
    sparsity = Option(
        Numbers(0.0, 1.0, "a probability from 0 to 1"),
        "Probability that a drawn operand is replaced by zero, independently for each.",
    )


def refusal(sentence: str) -> InputError:
    """The error of operands, whatever option or argument they came by."""
    return InputError(f"operands {sentence}", "operands")


class Operands(Protocol):
    """What every source of operands offers.

    The numbers in a tile, times ``unit``, are the real operands.
    """

    @property
    def unit(self) -> float:
        """Power of two that the numbers in a tile are multiplied by."""

    @property
    def drawn(self) -> bool:
        """Whether the numbers are random, so that any pair can be drawn from their seed alone."""

    @property
    def name(self) -> str:
        """Name on the command line, or the file."""

    def fill(self, rng: np.random.Generator, start: int, tile: FloatArray) -> None:
        """Fill a tile with pairs ``start`` and following."""

    def rows(self, start: int, count: int) -> "Operands":
        """Only what pairs ``start`` and following need, ready to be read."""


def _memory(tile: FloatArray) -> FloatArray:
    """The same numbers in the order of their memory, contiguous."""
    return tile if tile.flags.c_contiguous else tile.transpose(0, 2, 1)


class _Drawn:
    """A source that any pair can be drawn from."""

    drawn: ClassVar[bool] = True

    def rows(self, start: int, count: int) -> Any:
        return self


class Distribution(_Drawn, ABC):
    """A distribution of operands: its name, its line in lists, and how tiles are drawn.

    ``unit`` is a power of two that the numbers in a tile are multiplied by.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    unit: ClassVar[float]

    @abstractmethod
    def fill(self, rng: np.random.Generator, start: int, tile: FloatArray) -> None:
        """Fill a tile from ``rng`` alone; ``start`` is the number of its first pair."""


@dataclass(frozen=True)
class UniformOperands(Distribution):
    """Independent values, uniform on [-1, 1)."""

    name: ClassVar[str] = "uniform"
    summary: ClassVar[str] = "uniform on [-1, 1)"
    unit: ClassVar[float] = 2.0

    def fill(self, rng: np.random.Generator, start: int, tile: FloatArray) -> None:
        # Half of the values are drawn, which is exact and saves a pass over the tile.
        memory = _memory(tile)
        rng.random(out=memory)
        memory -= 0.5


@dataclass(frozen=True)
class NormalOperands(Distribution):
    """Independent standard normal values."""

    name: ClassVar[str] = "normal"
    summary: ClassVar[str] = "standard normal"
    unit: ClassVar[float] = 1.0

    def fill(self, rng: np.random.Generator, start: int, tile: FloatArray) -> None:
        rng.standard_normal(out=_memory(tile))


@dataclass(frozen=True)
class LaplaceOperands(Distribution):
    """Independent Laplace values with scale 1: heavier tails, as trained weights have."""

    name: ClassVar[str] = "laplace"
    summary: ClassVar[str] = "Laplace with scale 1: heavier tails, as trained weights have"
    unit: ClassVar[float] = 1.0

    def fill(self, rng: np.random.Generator, start: int, tile: FloatArray) -> None:
        tile[...] = rng.laplace(size=tile.shape)


@dataclass(frozen=True)
class ReluNormalOperands(Distribution):
    """Inputs ``max(0, z)`` with z standard normal, as after a ReLU; standard normal weights."""

    name: ClassVar[str] = "relu-normal"
    summary: ClassVar[str] = "normal weights; inputs cut at zero, as after a ReLU"
    unit: ClassVar[float] = 1.0

    def fill(self, rng: np.random.Generator, start: int, tile: FloatArray) -> None:
        rng.standard_normal(out=_memory(tile))
        np.maximum(tile[0], 0.0, out=tile[0])


@dataclass(frozen=True)
class StudentTOperands(Distribution):
    """Independent values of Student's t distribution: outliers, as in large language models.

    Parameters
    ----------
    degrees_of_freedom
        More than 2: otherwise the variance is infinite, and no mean error settles.

    Raises
    ------
    InputError
        If that number is out of range.
    """

    name: ClassVar[str] = "student-t"
    summary: ClassVar[str] = "Student's t: outliers, as in large language models"
    unit: ClassVar[float] = 1.0
    degrees_of_freedom: float = 5.0

    def __post_init__(self) -> None:
        value = OperandOptions.degrees_of_freedom.check(self.degrees_of_freedom)
        object.__setattr__(self, "degrees_of_freedom", value)

    def fill(self, rng: np.random.Generator, start: int, tile: FloatArray) -> None:
        tile[...] = rng.standard_t(self.degrees_of_freedom, size=tile.shape)


@dataclass(frozen=True)
class SparseOperands(_Drawn):
    """Operands of which each is zero with a probability: pruned weights, idle inputs.

    Parameters
    ----------
    dense
        Where the others come from: a distribution.
    sparsity
        The probability, from 0 to 1.

    Raises
    ------
    InputError
        If that is not a probability, or the others are not drawn.
    """

    dense: Operands
    sparsity: float

    def __post_init__(self) -> None:
        if not self.dense.drawn:
            raise InputError("`sparsity` is of drawn operands; given ones are taken as they are")
        value = OperandOptions.sparsity.check(self.sparsity)
        object.__setattr__(self, "sparsity", value)

    @property
    def name(self) -> str:
        return self.dense.name

    @property
    def unit(self) -> float:
        return self.dense.unit

    def fill(self, rng: np.random.Generator, start: int, tile: FloatArray) -> None:
        self.dense.fill(rng, start, tile)
        positions = draw_positions(rng, self.sparsity, tile.size)
        _memory(tile).reshape(-1)[positions] = 0.0


@dataclass(frozen=True, eq=False)
class GivenOperands:
    """The user's own operands, in order.

    Parameters
    ----------
    x, w
        Real arrays of the same shape ``(N, h)``.
    name
        Where they come from, for reports.
    first
        Number of the first row, where this is a part of something larger.

    Raises
    ------
    InputError
        If a shape is wrong, a value is NaN, infinite or above 1e70 in magnitude, or all are
        below 1e-70.
    """

    unit: ClassVar[float] = 1.0
    drawn: ClassVar[bool] = False
    x: FloatArray
    w: FloatArray
    name: str = "given"
    first: int = 0

    def __post_init__(self) -> None:
        for label in LABELS:
            object.__setattr__(self, label, np.asarray(getattr(self, label)))
        check_matrices(self.name, self.x, self.w)
        for label, array in zip(LABELS, (self.x, self.w), strict=True):
            parts = np.array_split(array, -(-array.size // _SLICE_VALUES))
            # NumPy's maximum, which NaN passes through; Python's forgets a NaN that is not first.
            largest = float(
                np.max([np.abs(rows.astype(np.float64)).max() for rows in parts if rows.size])
            )
            if not largest <= MAX_MAGNITUDE:
                raise refusal(
                    f"{self.name}: {label} holds NaN, infinity or a magnitude above "
                    f"{MAX_MAGNITUDE:g}; every value must be finite"
                )
            if not self.first and 0 < largest < 1 / MAX_MAGNITUDE:
                raise refusal(
                    f"{self.name}: no magnitude in {label} is above {largest:.3g}, and squares of "
                    f"errors would underflow; scale it to {1 / MAX_MAGNITUDE:g} or more"
                )

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows N and their length h."""
        return self.x.shape[0], self.x.shape[1]

    def rows(self, start: int, count: int) -> "GivenOperands":
        """Only ``count`` rows from ``start`` on, under the numbers they have here."""
        part = slice(start - self.first, start - self.first + count)
        narrowed = copy.copy(self)
        # Not through the constructor: values that are tiny in all of these rows need not be so in
        # the others.
        for label, value in (("x", self.x[part]), ("w", self.w[part]), ("first", start)):
            object.__setattr__(narrowed, label, value)
        return narrowed

    def fill(self, rng: np.random.Generator, start: int, tile: FloatArray) -> None:
        part = slice(start - self.first, start - self.first + tile.shape[1])
        tile[0], tile[1] = self.x[part], self.w[part]

    def content(self) -> str:
        """SHA-256 of the values, as float64."""
        digest = hashlib.sha256()
        for array in (self.x, self.w):
            digest.update(np.ascontiguousarray(array, dtype="<f8").tobytes())
        return digest.hexdigest()


class Matrix(Protocol):
    """An array, or what a file says of one."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...


def check_matrices(name: str, x: Matrix, w: Matrix) -> None:
    """Refuse what are not vectors of real numbers, as many inputs as weights."""
    for label, matrix in zip(LABELS, (x, w), strict=True):
        if len(matrix.shape) != 2 or min(matrix.shape) < 1:
            raise refusal(
                f"{name}: {label} has shape {matrix.shape}; "
                "it must be (N, h) with at least one row and one column"
            )
        if matrix.dtype.kind not in "fiub":
            raise refusal(f"{name}: {label} has dtype {matrix.dtype}; it must hold real numbers")
    if x.shape != w.shape:
        raise refusal(f"{name}: x has shape {x.shape} and w {w.shape}; they must be equal")


_OWN: list[Distribution] = [
    UniformOperands(), NormalOperands(), LaplaceOperands(), ReluNormalOperands(), StudentTOperands()
]  # fmt: skip
DISTRIBUTIONS = Registry("operands", "operands", Distribution, _OWN)
