"""Scales of the operands of a matrix product, by what shares one."""

from rnscli.core.errors import NotFiniteError
from rnscli.matrix.arrays import Array, Arrays

MAX_OPERAND = 1e15  # FP32 products of two operands, and long sums of them, stay finite


def check_magnitudes(name: str, arrays: Arrays, largest: Array) -> None:
    """Refuse an operand by its largest magnitudes.

    Raises
    ------
    NotFiniteError
        If one is NaN or above 1e15.
    """
    if not arrays.all_below(largest, MAX_OPERAND):
        raise NotFiniteError(
            f"`{name}` holds NaN or a magnitude above {MAX_OPERAND:g}; it must be finite"
        )


class RowScales:
    """Largest magnitudes ``s`` for an operand of shape ``(..., M, K)`` whose rows are multiplied.

    Where all are zero the scale is 1. ``granularity`` is that of `rnscli.Dataflow`, of tiles of
    ``size`` along K and, for ``tile``, along M. Columns are the rows of the transpose.

    Raises
    ------
    NotFiniteError
        If a value is NaN or larger than 1e15 in magnitude.
    """

    def __init__(
        self, name: str, arrays: Arrays, values: Array, granularity: str, size: int
    ) -> None:
        """Find those scales that do not depend on the tile."""
        self._name, self._arrays, self._values = name, arrays, values
        self._granularity, self._size = granularity, size
        self._whole: Array | None = None
        if granularity in ("channel", "tensor"):
            axes = (-1,) if granularity == "channel" else (-2, -1)
            self._whole = self._checked(arrays.largest(values, axes))

    def of(self, terms: slice) -> Array:
        """Scales of a tile, of shape ``(..., M, 1)`` or, if all rows share it, ``(..., 1, 1)``."""
        if self._whole is not None:
            return self._whole
        rows = self._arrays.largest(self._values[..., terms], (-1,))
        if self._granularity == "tile":
            for start in range(0, rows.shape[-2], self._size):
                block = rows[..., start : start + self._size, :]
                rows[..., start : start + self._size, :] = self._arrays.largest(block, (-2,))
        return self._checked(rows)

    def _checked(self, scales: Array) -> Array:
        check_magnitudes(self._name, self._arrays, scales)
        return self._arrays.where(scales != 0, scales, 1.0)
