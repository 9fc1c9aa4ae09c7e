"""Cells that do as they are asked, and numbers that are in no cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from rnscli.core.updates.law import UpdateLaw

if TYPE_CHECKING:
    from rnscli.core.arithmetic import FloatArray


@dataclass(frozen=True)
class Linear(UpdateLaw):
    """A step is the one that is asked for: what is lost is the range, and what noise adds."""

    name: ClassVar[str] = "linear"
    summary: ClassVar[str] = "steps as they are asked for, within the range of a cell"
    in_cells: ClassVar[bool] = True
    nonlinear: ClassVar[bool] = False

    @classmethod
    def of(cls, nonlinearity: float | None) -> Self:
        del nonlinearity
        return cls()

    def steps(self, g: FloatArray, x: FloatArray) -> FloatArray:
        return x


@dataclass(frozen=True)
class Ideal(Linear):
    """Numbers in full precision, without cells: ordinary training."""

    name: ClassVar[str] = "ideal"
    summary: ClassVar[str] = "weights are numbers, without cells"
    in_cells: ClassVar[bool] = False
