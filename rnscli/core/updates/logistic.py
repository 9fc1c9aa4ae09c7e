"""Cells whose steps fade at both ends, alike up and down."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rnscli.core.updates.nonlinear import NonlinearLaw

if TYPE_CHECKING:
    from rnscli.core.arithmetic import FloatArray


_STRAIGHT = 1e-8  # below, a step differs from the request by a share of some a^2: in doubles not


@dataclass(frozen=True)
class Logistic(NonlinearLaw):
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

    def steps(self, g: FloatArray, x: FloatArray) -> FloatArray:
        import numpy as np

        a = self.nonlinearity
        if a < _STRAIGHT:
            return x
        # With u = tanh(a / 2) (2 g - 1) and v = tanh(a x) a step is
        # (1 - u^2) v / (1 + u v) / (2 tanh(a / 2)): here as sums in which nothing cancels.
        top = math.tanh(a / 2)
        slope = 1.0 / math.cosh(a / 2) ** 2 + 4.0 * top**2 * g * (1.0 - g)
        size = 2.0 * a * np.abs(x)
        gone = np.tanh(size / 2)
        behind = 2.0 / (math.exp(a) + 1.0) + 2.0 * top * np.where(x > 0, g, 1.0 - g)
        moved = slope * gone / (2.0 * top * (2.0 / (np.exp(size) + 1.0) + gone * behind))
        steps: FloatArray = np.copysign(moved, x)
        return steps
