"""Any law of the errors of a residue, given as a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rnscli.base import InputError
from rnscli.core.noise.law import ResidueLaw

if TYPE_CHECKING:
    from rnscli.core.arithmetic import FloatArray


@dataclass(frozen=True)
class Tabulated(ResidueLaw):
    """Any error law of a residue: the probabilities of the errors ``0 .. m - 1``.

    It belongs to one modulus, so a code takes a tuple of them, one for each of its moduli.

    Examples
    --------
    >>> Tabulated((0.9, 0.08, 0.02)).error_probability(3)
    0.1
    """

    name: ClassVar[str] = "tabulated"
    summary: ClassVar[str] = "any law, as one probability for each error"

    probabilities: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse what is not a distribution."""
        from rnscli.core.noise.draws import check_distribution

        vector = check_distribution("probabilities", self.probabilities)
        object.__setattr__(self, "probabilities", tuple(vector.tolist()))

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
