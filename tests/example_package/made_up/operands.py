from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from rnscli.analysis.error.operands import Distribution
from rnscli.core.arithmetic.residues import FloatArray


@dataclass(frozen=True)
class TriangularOperands(Distribution):
    name: ClassVar[str] = "triangular"
    summary: ClassVar[str] = "triangular on [-1, 1]"
    unit: ClassVar[float] = 1.0

    def fill(self, rng: np.random.Generator, start: int, tile: FloatArray) -> None:
        del start
        tile[...] = rng.triangular(-1.0, 0.0, 1.0, size=tile.shape)


TRIANGULAR = TriangularOperands()
