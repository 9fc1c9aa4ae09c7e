"""Energy and area of integer and floating-point operations."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from rnscli.base import InputError, check_float
from rnscli.core import Operation
from rnscli.hardware.constants import NODE, check_constants


@dataclass(frozen=True)
class OperationPrices:
    """Energy and area of integer and floating-point operations, by width and technology node.

    A price is known at 8 and at 32 bits. In between and beyond it follows the power of the width
    that goes through both, ``E(w) = E(8) (w / 8)^a`` with ``a = log_4(E(32) / E(8))``: 0.87 for
    additions and 1.98, almost the square, for multiplications. To another node energies scale in
    proportion to its length (the capacitance of a gate, at the same supply) and areas with its
    square.

    Parameters
    ----------
    add_8, add_32, multiply_8, multiply_32, fp_add_32, fp_multiply_32
        Energies in J at ``reference_node``.
    add_8_area, add_32_area, multiply_8_area, multiply_32_area, fp_add_32_area, fp_multiply_32_area
        Areas in m^2 at ``reference_node``.
    reference_node
        Node in m that the prices are given for.
    node
        Node in m of the design.

    Raises
    ------
    InputError
        If a price is not positive, or that of 32 bits is below that of 8.

    References
    ----------
    Horowitz, "Computing's energy problem (and what we can do about it)", ISSCC 2014 (energies, 45
    nm, 0.9 V); Dally, "High-performance hardware for machine learning", NIPS tutorial 2015 (areas,
    TSMC 45 nm).

    Examples
    --------
    >>> from rnscli.core.cores.kind import add, multiply
    >>> prices = OperationPrices()
    >>> f"{prices.energy(add(8)):.2e} {prices.energy(multiply(32, 32)):.2e}"
    '3.00e-14 3.10e-12'
    >>> f"{prices.energy(add(16)):.2e}"
    '5.48e-14'
    """

    add_8: float = 0.03e-12
    add_32: float = 0.1e-12
    multiply_8: float = 0.2e-12
    multiply_32: float = 3.1e-12
    fp_add_32: float = 0.9e-12
    fp_multiply_32: float = 3.7e-12
    add_8_area: float = 36e-12
    add_32_area: float = 137e-12
    multiply_8_area: float = 282e-12
    multiply_32_area: float = 3495e-12
    fp_add_32_area: float = 4184e-12
    fp_multiply_32_area: float = 7700e-12
    reference_node: float = 45e-9
    node: float = 45e-9

    source: ClassVar[str] = "Horowitz, ISSCC 2014, and Dally 2015, at 45 nm, scaled to the node"

    def __post_init__(self) -> None:
        for name in ENERGIES:
            check_float(name, getattr(self, name), 1e-30, 1.0, "an energy above 0, up to 1 J")
        for name in AREAS:
            check_float(name, getattr(self, name), 1e-30, 1.0, "an area above 0, up to 1 m^2")
        for name in ("add_32", "multiply_32", "add_32_area", "multiply_32_area"):
            least = getattr(self, name.replace("32", "8"))
            check_float(name, getattr(self, name), least, 1.0, "no less than at 8 bits")
        check_constants(self, {"reference_node": NODE, "node": NODE})

    def energy(self, operations: Iterable[Operation]) -> float:
        """Energy in J of all of them."""
        scale = self.node / self.reference_node
        return scale * math.fsum(one.count * self._price(one, "") for one in operations)

    def area(self, operations: Iterable[Operation], uses: float) -> float:
        """Area in m^2 of the units that do all of them ``uses`` times in a cycle of the clock."""
        scale = (self.node / self.reference_node) ** 2
        return scale * math.fsum(
            math.ceil(one.count * uses) * self._price(one, "_area") for one in operations
        )

    def _price(self, one: Operation, what: str) -> float:
        if one.kind.startswith("fp-"):
            if one.width != 32:
                raise InputError(
                    f"an operation {one.kind} of {one.width:g} bits has no price; only 32 bits have"
                )
            return float(getattr(self, f"{one.kind.replace('-', '_')}_32{what}"))
        low = float(getattr(self, f"{one.kind}_8{what}"))
        high = float(getattr(self, f"{one.kind}_32{what}"))
        return float(low * (one.width / 8) ** (math.log(high / low) / math.log(4)))


ENERGIES = ("add_8", "add_32", "multiply_8", "multiply_32", "fp_add_32", "fp_multiply_32")
AREAS = tuple(f"{name}_area" for name in ENERGIES)
