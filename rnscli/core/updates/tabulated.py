"""Cells that were measured: mean and deviation of a pulse by the conductance where it began."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

from rnscli.base import InputError, quantity, read_table
from rnscli.core.updates.law import UpdateLaw

if TYPE_CHECKING:
    from rnscli.core.arithmetic import FloatArray

COLUMNS = ("conductance", "up", "up_deviation", "down", "down_deviation")


@dataclass(frozen=True)
class Tabulated(UpdateLaw):
    """Pulses with a mean and a standard deviation at each conductance, and lines in between.

    The table of Burr et al. (IEDM 2014) that Marinella et al. (arXiv:1707.09952, figure 12) train
    with, by its first two moments. A request x is as many pulses, up or down, as take x of the
    range on average over the table; n of them move a cell by n times the mean at its conductance,
    with n times the variance, as CrossSim scales its tables.

    Parameters
    ----------
    rows
        Conductance, mean and deviation of a pulse up, and of one down, by rising conductance, in
        any one unit. The first and the last are the ends of the range.

    Raises
    ------
    InputError
        If there are fewer than two rows, conductances do not rise, deviations are negative, or
        pulses do not go their way on average over the table.

    Examples
    --------
    >>> import numpy as np
    >>> law = Tabulated(((1.0, 0.3, 0.0, -0.1, 0.0), (3.0, 0.1, 0.0, -0.3, 0.0)))
    >>> law.steps(np.array([0.0, 0.5, 1.0]), np.array([0.1, 0.1, -0.1]))
    array([ 0.15,  0.1 , -0.15])
    """

    name: ClassVar[str] = "table"
    summary: ClassVar[str] = "measured pulses"
    in_cells: ClassVar[bool] = True
    nonlinear: ClassVar[bool] = False

    rows: tuple[tuple[float, float, float, float, float], ...]

    def __post_init__(self) -> None:
        """Refuse a table that is none of a cell."""
        if len(self.rows) < 2 or any(b[0] <= a[0] for a, b in pairwise(self.rows)):
            raise InputError("a table of updates needs two rows of different conductance or more")
        if any(row[place] < 0 for row in self.rows for place in (2, 4)):
            raise InputError("a table of updates has a negative deviation; it must be 0 or more")
        for place, sign, way in ((1, 1.0, "up"), (3, -1.0, "down")):
            if not sign * self._mean(place) > 0:
                raise InputError(
                    f"pulses of a table of updates do not go {way} on average over conductances; "
                    "the means of up must be positive, and those of down negative"
                )

    @classmethod
    def of(cls, nonlinearity: float | None) -> Self:
        raise InputError("a table of updates comes from a file; give its name")

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """The law of a CSV file with the columns of `COLUMNS`, in siemens, in any order of rows.

        Raises
        ------
        InputError
            If the file cannot be read as such.
        """
        kinds = {"conductance": quantity(0.0, 1e6)}
        kinds |= {name: quantity(-1e6, 1e6) for name in COLUMNS[1:]}
        found = [row.cells for row in read_table(path, kinds, what="`update`")]
        try:
            rows = sorted(tuple(row[name] for name in COLUMNS) for row in found)
            return cls(tuple((a, b, c, d, e) for a, b, c, d, e in rows))
        except InputError as error:
            raise InputError(f"`update` file {path}: {error}") from None

    @property
    def _range(self) -> float:
        return self.rows[-1][0] - self.rows[0][0]

    def _mean(self, place: int) -> float:
        """The mean of a column over conductances of the range."""
        parts = ((b[0] - a[0]) * (a[place] + b[place]) / 2 for a, b in pairwise(self.rows))
        return sum(parts) / self._range

    def _at(self, g: FloatArray, x: FloatArray, places: tuple[int, int]) -> FloatArray:
        """Values of one column for requests up, and of another one for those down."""
        import numpy as np

        first = self.rows[0][0]
        ends = [(row[0] - first) / self._range for row in self.rows]
        # Both in one line, that of steps down behind the other one.
        line = [*ends, *(2.0 + end for end in ends)]
        values = [row[place] for place in places for row in self.rows]
        return np.interp(g + 2.0 * (x < 0), line, values)

    def steps(self, g: FloatArray, x: FloatArray) -> FloatArray:
        import numpy as np

        return x / np.where(x < 0, self._mean(3), self._mean(1)) * self._at(g, x, (1, 3))

    def variances(self, g: FloatArray, x: FloatArray) -> FloatArray | float:
        import numpy as np

        # A request for x of the range is x range / mean pulses.
        pulses = x / np.where(x < 0, self._mean(3), self._mean(1))
        return pulses * self._at(g, x, (2, 4)) ** 2 / self._range
