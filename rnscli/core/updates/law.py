"""What every law of updates offers: how far a cell moves when it is asked to; NumPy comes later."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Self

if TYPE_CHECKING:
    from rnscli.core.arithmetic import FloatArray


class UpdateLaw(ABC):
    """How far the conductance of a cell moves when pulses ask it to.

    Conductances g = (G - G_min) / (G_max - G_min) are from 0 to 1, and so are the magnitudes of
    requests x: 1 are as many pulses as take an ideal cell from one end to the other.

    Attributes
    ----------
    name
        Name on the command line.
    summary
        What it is, in a line of the help.
    in_cells
        Whether weights are in cells at all: without, they are numbers, as in ordinary training.
    nonlinear
        Whether it has a nonlinearity, which must then be given.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    in_cells: ClassVar[bool]
    nonlinear: ClassVar[bool]

    @classmethod
    @abstractmethod
    def of(cls, nonlinearity: float | None) -> Self:
        """The law with this nonlinearity, of those that have one."""

    @abstractmethod
    def steps(self, g: FloatArray, x: FloatArray) -> FloatArray:
        """How far cells at ``g`` move on average when asked for ``x``, signed; not yet clipped."""

    def variances(self, g: FloatArray, x: FloatArray) -> FloatArray | float:
        """Variances of these steps that belong to the law itself, beside the write noise."""
        return 0.0
