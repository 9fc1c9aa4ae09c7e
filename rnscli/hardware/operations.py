"""Energy and area of integer and floating-point operations."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from rnscli.base import InputError, Uncertain, check_float
from rnscli.core import Operation
from rnscli.hardware.constants import FACTORS, LOGIC_FACTOR, NODE, check_constants


@dataclass(frozen=True)
class OperationPrices:
    """Energy and area of integer and floating-point operations, by width and technology node.

    A price is known at 8 and at 32 bits. In between and beyond it follows the power of the width
    that goes through both, ``E(w) = E(8) (w / 8)^a`` with ``a = log_4(E(32) / E(8))``: 0.87 for
    additions and 1.98, almost the square, for multiplications.

    To another node an energy scales with the power of its length that goes through two published
    tables of the same operations, at 45 nm and at 7 nm: 0.65 for additions, 0.56 for
    multiplications, 0.46 and 0.56 in floating point. That holds from 7 to 45 nm. The equations of
    Stillmaker and Baas have a quarter to a fifth of that at 7 nm. Areas follow the table of these
    authors, from 7 to 130 nm, and powers between its nodes.

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
    factor
        What energies are multiplied by.

    Raises
    ------
    InputError
        If a price is not positive, or that of 32 bits is below that of 8.

    References
    ----------
    Horowitz, "Computing's energy problem (and what we can do about it)", ISSCC 2014 (energies, 45
    nm, 0.9 V); Dally, "High-performance hardware for machine learning", NIPS tutorial 2015 (areas,
    TSMC 45 nm); Jouppi et al., "Ten lessons from three generations shaped Google's TPUv4i", ISCA
    2021, table 2 (7 nm; read in a quotation); Stillmaker and Baas, "Scaling equations for the
    accurate prediction of CMOS device performance from 180 nm to 7 nm", Integration 2017 (its
    coefficients read in open code); Shao et al., "Aladdin", ISCA 2014 (its library read in the
    open plug-in of Accelergy).

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
    factor: float = 1.0

    source: ClassVar[str] = (
        "Horowitz, ISSCC 2014, and Dally 2015, at 45 nm; scaled by TPUv4i, ISCA 2021, and "
        "Stillmaker and Baas 2017"
    )

    def __post_init__(self) -> None:
        for name in ENERGIES:
            check_float(name, getattr(self, name), 1e-30, 1.0, "an energy above 0, up to 1 J")
        for name in AREAS:
            check_float(name, getattr(self, name), 1e-30, 1.0, "an area above 0, up to 1 m^2")
        for name in ("add_32", "multiply_32", "add_32_area", "multiply_32_area"):
            least = getattr(self, name.replace("32", "8"))
            check_float(name, getattr(self, name), least, 1.0, "no less than at 8 bits")
        known = {"reference_node": NODE, "node": NODE, "factor": FACTORS[LOGIC_FACTOR]}
        check_constants(self, known)

    @cached_property
    def _known(self) -> dict[tuple[Operation, str], float]:
        """Prices at the node: many designs have the same operations."""
        return {}

    def energy(self, operations: Iterable[Operation]) -> float:
        """Energy in J of all of them."""
        return math.fsum(one.count * self._scaled(one, "") for one in operations)

    def area(self, operations: Iterable[Operation], uses: float) -> float:
        """Area in m^2 of the units that do all of them ``uses`` times in a cycle of the clock."""
        return math.fsum(
            math.ceil(one.count * uses) * self._scaled(one, "_area") for one in operations
        )

    def _scaled(self, one: Operation, what: str) -> float:
        if (one, what) not in self._known:
            scale = self.factor * (self.node / self.reference_node) ** _EXPONENTS[one.kind]
            if what:
                scale = area_scale(self.node) / area_scale(self.reference_node)
            self._known[one, what] = scale * self._price(one, what)
        return self._known[one, what]

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

    @property
    def spread(self) -> Uncertain | None:
        """Between what the factor lies, by what is published; ``None`` of other prices.

        The equations of Stillmaker and Baas take an energy of 45 nm and 0.9 V to 0.068 of it at 7
        nm and 0.7 V, a fifth of what the table of TPUv4i says of a multiplication of 8 bits. Of 32
        bits Aladdin's library, as the plug-in of Accelergy has it for 45 nm, has 4.1 times
        Horowitz's energy (12.68 pJ; of an addition 0.21 pJ, twice his).

        Examples
        --------
        >>> OperationPrices().spread
        Uncertain(value=1.0, low=0.195, high=4.09)
        """
        known = (*ENERGIES, "reference_node")
        own = any(getattr(self, name) != getattr(OperationPrices, name) for name in known)
        return None if own else _SPREAD

    def outside(self) -> str | None:
        """What of the node is beyond the tables, in words."""
        low, high = _NODES
        if low <= self.node <= high:
            return None
        return (
            f"prices of operations hold from {low * 1e9:g} to {high * 1e9:g} nm, not at `node` "
            f"{self.node * 1e9:g} nm"
        )


_NODES = (7e-9, 45e-9)
# Energies at 7 nm over those at 45 nm, of the same operations: TPUv4i's over Horowitz's.
_RATIOS = {
    "add": 0.030 / 0.1,
    "multiply": 0.070 / 0.2,
    "fp-add": 0.38 / 0.9,
    "fp-multiply": 1.31 / 3.7,
}
# Stillmaker and Baas over TPUv4i at 7 nm; Aladdin over Horowitz at 45 nm.
_SPREAD = Uncertain(1.0, round(0.0684 / _RATIOS["multiply"], 3), round(12.68 / 3.1, 2))
_EXPONENTS = {kind: math.log(ratio) / math.log(7 / 45) for kind, ratio in _RATIOS.items()}
# Areas over those at 45 nm, by the node in nm.
_AREAS = (
    (7, 0.059), (10, 0.10), (14, 0.17), (16, 0.19), (20, 0.21), (32, 0.46), (45, 1.0), (65, 1.5),
    (90, 2.8), (130, 6.4),
)  # fmt: skip


def area_scale(node: float) -> float:
    """Area of logic at a node in m over that at 45 nm; beyond the table by its last power.

    Examples
    --------
    >>> area_scale(7e-9), round(area_scale(28e-9), 2)
    (0.059, 0.37)
    """
    length = node * 1e9
    place = next((i for i, (at, _) in enumerate(_AREAS) if at >= length), len(_AREAS) - 1)
    (low, first), (high, second) = _AREAS[max(place - 1, 0)], _AREAS[max(place, 1)]
    share = math.log(length / low) / math.log(high / low)
    return float(first * (second / first) ** share)


ENERGIES = ("add_8", "add_32", "multiply_8", "multiply_32", "fp_add_32", "fp_multiply_32")
AREAS = tuple(f"{name}_area" for name in ENERGIES)
