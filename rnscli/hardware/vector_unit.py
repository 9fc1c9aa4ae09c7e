"""Digital lanes that compute what is no matrix product."""

from dataclasses import dataclass

from rnscli.core import Operation, Operations
from rnscli.hardware.operations import OperationPrices

# A lane has one unit of each; in a cycle of the clock it starts one operation.
_LANE: Operations = (
    Operation("fp-multiply", 32), Operation("fp-add", 32), Operation("add", 32),
)  # fmt: skip


@dataclass(frozen=True)
class VectorUnit:
    """Lanes of FP32, each with a multiplier, an adder and an integer unit.

    A lane starts one operation in each cycle of the clock, of any kind. Registers, control and
    tables are not counted.

    Parameters
    ----------
    lanes
        How many there are.
    clock
        Frequency in Hz.
    prices
        Energy and area of operations.

    Examples
    --------
    >>> from rnscli.hardware.workloads import VectorWork
    >>> unit = VectorUnit(64, 1e9, OperationPrices())
    >>> relu = VectorWork("conv1", "relu", 802816)
    >>> f"{unit.time(relu.operations) * 1e6:.2f} us, {unit.area * 1e6:.2f} mm2"
    '12.54 us, 0.77 mm2'
    """

    lanes: int
    clock: float
    prices: OperationPrices

    def energy(self, operations: Operations) -> float:
        """Energy in J of operations, on however many lanes."""
        return self.prices.energy(operations)

    def time(self, operations: Operations) -> float:
        """Time in s in which all lanes do operations together."""
        return sum(one.count for one in operations) / (self.lanes * self.clock)

    @property
    def area(self) -> float:
        """Area in m^2 of all lanes."""
        return self.lanes * self.prices.area(_LANE, 1.0)
