"""Any law of the errors of a residue, given as a table."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from rnscli.base import InputError, Option
from rnscli.core.noise.law import Adc, NoiseLaw

if TYPE_CHECKING:
    import numpy as np

    from rnscli.core.arithmetic import FloatArray, IntArray


@dataclass(frozen=True)
class Tabulated(NoiseLaw):
    """Any error law of a residue: the probabilities of the errors ``0 .. m - 1``.

    It belongs to one modulus, so a code takes a tuple of them, one for each of its moduli.

    Examples
    --------
    >>> Tabulated((0.9, 0.08, 0.02)).error_probability(3)
    0.1
    """

    name: ClassVar[str] = "tabulated"
    summary: ClassVar[str] = "any law, as one probability for each error"
    level: ClassVar[str] = "p"
    equiprobable: ClassVar[bool] = False
    constants: ClassVar[Mapping[str, Option]] = {}

    probabilities: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse what is not a distribution."""
        from rnscli.core.noise.draws import check_distribution

        vector = check_distribution("probabilities", self.probabilities)
        object.__setattr__(self, "probabilities", tuple(vector.tolist()))

    @classmethod
    def of_level(
        cls, level: str, value: float, modulus: int, constants: Mapping[str, float]
    ) -> Self:
        raise InputError("a tabulated law is its table, and has no level")

    @property
    def standard_deviation(self) -> None:
        return None

    def error_probability(self, modulus: int) -> float:
        """Sum over the wrong values."""
        return min(1.0, math.fsum(self.error_distribution(modulus)[1:].tolist()))

    def error_distribution(self, modulus: int) -> FloatArray:
        """The probabilities.

        Raises
        ------
        InputError
            If there are not m of them.
        """
        import numpy as np

        if len(self.probabilities) != modulus:
            raise InputError(
                f"`probabilities` has {len(self.probabilities)} entries; "
                f"modulus {modulus} needs as many as its value"
            )
        return np.array(self.probabilities)

    def draw_errors(self, rng: np.random.Generator, modulus: int, size: int) -> IntArray:
        """Wrong values in proportion to their probabilities."""
        import numpy as np

        from rnscli.core.noise.draws import ErrorTable

        weights = self.error_distribution(modulus)[1:]
        return ErrorTable.of(np.arange(1, modulus), weights).draw(rng, size)

    def convert(
        self,
        rng: np.random.Generator,
        codes: IntArray,
        remainders: FloatArray | float,
        adc: Adc,
    ) -> IntArray:
        """Not defined: a table for a residue says nothing about a conventional converter."""
        del rng, codes, remainders, adc
        raise InputError("a tabulated law is of residues; it does not apply to a conventional core")

    def changed(
        self, codes: IntArray | FloatArray, remainders: FloatArray | float, adc: Adc
    ) -> FloatArray | float:
        raise InputError("a tabulated law is of residues; it does not apply to a conventional core")
