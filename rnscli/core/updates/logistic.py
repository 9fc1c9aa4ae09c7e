"""Cells whose steps fade at both ends, alike up and down."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from rnscli.core.updates.exponential import check_nonlinearity
from rnscli.core.updates.law import UpdateLaw

if TYPE_CHECKING:
    from rnscli.core.arithmetic import FloatArray


@dataclass(frozen=True)
class Logistic(UpdateLaw):
    r"""g goes up and down one curve, ``g(t) = B + A / (1 + exp(-2 a (t - 1/2)))``.

    With ``A = (e^a + 1) / (e^a - 1)`` and ``B = -1 / (e^a - 1)``, so that g(0) = 0 and g(1) = 1: a
    step up and the same one down cancel wherever they begin. The symmetric nonlinear model of
    Agarwal et al. (IJCNN 2016), as CrossSim has it ("SYM").

    Parameters
    ----------
    nonlinearity
        The a of the formula; 0 is linear.

    Examples
    --------
    >>> import numpy as np
    >>> law = Logistic(3.0)
    >>> law.steps(np.array([0.0, 0.5, 0.9]), np.array([0.1, 0.1, 0.1])).round(3)
    array([0.039, 0.161, 0.063])
    """

    name: ClassVar[str] = "logistic"
    summary: ClassVar[str] = "steps that fade at both ends, alike up and down"
    in_cells: ClassVar[bool] = True
    nonlinear: ClassVar[bool] = True

    nonlinearity: float

    @classmethod
    def of(cls, nonlinearity: float | None) -> Self:
        return cls(check_nonlinearity(cls.name, nonlinearity))

    def steps(self, g: FloatArray, x: FloatArray) -> FloatArray:
        import numpy as np

        if self.nonlinearity == 0:
            return x
        high = 1.0 / math.tanh(self.nonlinearity / 2)
        low = -1.0 / math.expm1(self.nonlinearity)
        left = high / (g - low) - 1.0
        return high / (1.0 + left * np.exp(-2.0 * self.nonlinearity * x)) + low - g
