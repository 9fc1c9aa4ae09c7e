"""Laws with a nonlinearity, of which there is none that would do for every cell."""

from dataclasses import dataclass
from typing import ClassVar, Self

from rnscli.base import InputError
from rnscli.core.updates.law import UpdateLaw


@dataclass(frozen=True)
class NonlinearLaw(UpdateLaw):
    """Cells whose steps depend on where they are, the more the larger a nonlinearity is."""

    in_cells: ClassVar[bool] = True
    nonlinear: ClassVar[bool] = True

    nonlinearity: float

    @classmethod
    def of(cls, nonlinearity: float | None) -> Self:
        if nonlinearity is None:
            raise InputError(
                f"`update` {cls.name} has a nonlinearity, of which there is no usual one; give "
                "`update_nonlinearity`, such as 1 (0 is linear)"
            )
        return cls(nonlinearity)
