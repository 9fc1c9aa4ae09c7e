"""Where the real-valued operands of a simulation come from."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np

from rnscli.core.errors import InputError
from rnscli.core.quantisation import FloatArray

_SLICE_VALUES = 1 << 20  # checked at a time, so that the check needs little memory
MAX_MAGNITUDE = 1e70  # squares of dot products stay finite, and so do their sums


class Operands(Protocol):
    """What every source of operands offers."""

    @property
    def name(self) -> str:
        """Name on the command line, or the file."""
        ...

    def draw(
        self, rng: np.random.Generator, start: int, pairs: int, vector_size: int
    ) -> tuple[FloatArray, FloatArray]:
        """Inputs x and weights w of pairs ``start`` and following, both ``(pairs, h)``."""
        ...


@dataclass(frozen=True)
class UniformOperands:
    """Independent values, uniform on [-1, 1)."""

    name: ClassVar[str] = "uniform"

    def draw(
        self, rng: np.random.Generator, start: int, pairs: int, vector_size: int
    ) -> tuple[FloatArray, FloatArray]:
        """Draw x, then w."""
        del start
        both = rng.random((2, pairs, vector_size))
        both *= 2.0
        both -= 1.0
        return both[0], both[1]


@dataclass(frozen=True)
class NormalOperands:
    """Independent standard normal values."""

    name: ClassVar[str] = "normal"

    def draw(
        self, rng: np.random.Generator, start: int, pairs: int, vector_size: int
    ) -> tuple[FloatArray, FloatArray]:
        """Draw x, then w."""
        del start
        both = rng.standard_normal((2, pairs, vector_size))
        return both[0], both[1]


@dataclass(frozen=True)
class LaplaceOperands:
    """Independent Laplace values with scale 1: heavier tails, as trained weights have."""

    name: ClassVar[str] = "laplace"

    def draw(
        self, rng: np.random.Generator, start: int, pairs: int, vector_size: int
    ) -> tuple[FloatArray, FloatArray]:
        """Draw x, then w."""
        del start
        both = rng.laplace(size=(2, pairs, vector_size))
        return both[0], both[1]


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

    x: FloatArray
    w: FloatArray
    name: str = "given"
    first: int = 0

    def rows(self, start: int, count: int) -> "GivenOperands":
        """Only ``count`` rows from ``start`` on, under the numbers they have here."""
        part = slice(start - self.first, start - self.first + count)
        return GivenOperands(self.x[part], self.w[part], self.name, start)

    def __post_init__(self) -> None:
        """Refuse what cannot be multiplied."""
        for label in ("x", "w"):
            array = np.asarray(getattr(self, label))
            if array.ndim != 2 or 0 in array.shape:
                raise InputError(
                    f"operands {self.name}: {label} has shape {array.shape}; "
                    "it must be (N, h) with at least one row and one column"
                )
            if array.dtype.kind not in "fiub":
                raise InputError(
                    f"operands {self.name}: {label} has dtype {array.dtype}; "
                    "it must hold real numbers"
                )
            largest = max(
                float(np.abs(rows.astype(np.float64)).max())
                for rows in np.array_split(array, -(-array.size // _SLICE_VALUES) or 1)
                if rows.size
            )
            if not largest <= MAX_MAGNITUDE:
                raise InputError(
                    f"operands {self.name}: {label} holds NaN, infinity or a magnitude above "
                    f"{MAX_MAGNITUDE:g}; every value must be finite"
                )
            if not self.first and 0 < largest < 1 / MAX_MAGNITUDE:
                raise InputError(
                    f"operands {self.name}: no magnitude in {label} is above {largest:.3g}, and "
                    f"squares of errors would underflow; scale it to {1 / MAX_MAGNITUDE:g} or more"
                )
            object.__setattr__(self, label, array)
        if self.x.shape != self.w.shape:
            raise InputError(
                f"operands {self.name}: x has shape {self.x.shape} and w {self.w.shape}; "
                "they must be equal"
            )

    def draw(
        self, rng: np.random.Generator, start: int, pairs: int, vector_size: int
    ) -> tuple[FloatArray, FloatArray]:
        """The rows from ``start`` on."""
        del rng, vector_size
        part = slice(start - self.first, start - self.first + pairs)
        return self.x[part].astype(np.float64), self.w[part].astype(np.float64)


DISTRIBUTIONS: dict[str, Operands] = {
    source.name: source for source in (UniformOperands(), NormalOperands(), LaplaceOperands())
}


def load_operands(path: str | Path) -> GivenOperands:
    """Read operands from an ``.npz`` file with arrays x and w of shape ``(N, h)``.

    Raises
    ------
    InputError
        If the file cannot be read, is not such a file, or holds something else.
    """
    if not Path(path).is_file():
        problem = "is a directory" if Path(path).is_dir() else "does not exist"
        raise InputError(f"operands file {path} {problem}; it must be an .npz file with x and w")
    wanted = "it must be an .npz file with arrays x and w of numbers"
    try:
        archive = np.load(path, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise InputError(f"operands file {path} holds a single array; {wanted}")
        with archive:
            for label in ("x", "w"):
                if label not in archive.files:
                    held = ", ".join(archive.files) or "nothing"
                    raise InputError(f"operands file {path} has no array {label}; it holds {held}")
            x, w = archive["x"], archive["w"]
    except InputError:
        raise
    # Whatever a damaged archive makes NumPy and zipfile raise, from SyntaxError to MemoryError;
    # NumPy's own sentences are for programmers, and advise to load pickles.
    except Exception:
        raise InputError(f"operands file {path} is damaged or of another kind; {wanted}") from None
    return GivenOperands(x, w, str(path))
