"""Cells whose steps fade towards the end that they move to."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rnscli.core.updates.nonlinear import NonlinearLaw

if TYPE_CHECKING:
    from rnscli.core.arithmetic import FloatArray


@dataclass(frozen=True)
class Exponential(NonlinearLaw):
    r"""Up, ``(w0 - g) (1 - exp(-a x))``; down, the mirror image; ``w0 = 1 / (1 - exp(-a))``.

    The asymmetric nonlinear model of Agarwal et al. (IJCNN 2016, doi:10.1109/IJCNN.2016.7727298),
    as CrossSim has it (``backprop/nonlinear.py`` of its first release, "ASYM"). n pulses from
    ``g = 0``, of N that fill the range, give ``(1 - exp(-a n / N)) / (1 - exp(-a))``: steps are
    large at first and fade. Down they fade towards ``g = 0``, so that a step up and one down at
    the same conductance do not cancel, and weights decay to the middle.

    Parameters
    ----------
    nonlinearity
        The a of the formula; 0 is linear.

    Examples
    --------
    >>> import numpy as np
    >>> law = Exponential(3.0)
    >>> law.steps(np.array([0.0, 0.5, 1.0]), np.array([0.1, 0.1, 0.1])).round(3)
    array([0.273, 0.143, 0.014])
    >>> law.steps(np.array([0.0, 0.5, 1.0]), np.array([-0.1, -0.1, -0.1])).round(3)
    array([-0.014, -0.143, -0.273])
    """

    name: ClassVar[str] = "exponential"
    summary: ClassVar[str] = "steps that fade towards the end they move to, unlike up and down"

    def steps(self, g: FloatArray, x: FloatArray) -> FloatArray:
        import numpy as np

        if self.nonlinearity == 0:
            return x
        top = -1.0 / math.expm1(-self.nonlinearity)
        left = np.where(x > 0, top - g, g - (1.0 - top))
        share: FloatArray = -np.expm1(-self.nonlinearity * np.abs(x))
        return np.copysign(left * share, x)
