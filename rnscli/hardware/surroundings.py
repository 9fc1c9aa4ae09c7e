"""What surrounds a product: the memory of its operands, and the scales of its outputs."""

from dataclasses import dataclass
from types import MappingProxyType

from rnscli.core import Operation, Operations


@dataclass(frozen=True)
class Memory:
    """Where inputs are read from and outputs are written to.

    Parameters
    ----------
    summary
        What it is, in a line.
    energy
        Energy in J of a bit, read or written, at ``node``.
    node
        Node in m that it is for; to another it scales in proportion. ``None`` where it does not.
    source
        Where the energy is from.
    """

    summary: str
    energy: float
    node: float | None
    source: str

    def at_node(self, node: float) -> float:
        """Energy in J of a bit, at the node of the design."""
        return self.energy * (node / self.node if self.node else 1.0)


_HOROWITZ = "Horowitz, ISSCC 2014, 45 nm, of 64 bits"
MEMORIES = MappingProxyType({
    "none": Memory("operands cost nothing", 0.0, None, "not counted"),
    "register": Memory(
        "registers", 1.7e-15, 28e-9, "Sun et al., ICCAD 2023, table II: a flip-flop in 28 nm"
    ),
    "sram-8k": Memory("a memory of 8 KB", 10e-12 / 64, 45e-9, f"{_HOROWITZ}: 10 pJ"),
    "sram-32k": Memory("a memory of 32 KB", 20e-12 / 64, 45e-9, f"{_HOROWITZ}: 20 pJ"),
    "sram-1m": Memory("a memory of 1 MB", 100e-12 / 64, 45e-9, f"{_HOROWITZ}: 100 pJ"),
    "dram": Memory(
        "a DRAM off the chip", 1950e-12 / 64, None, f"{_HOROWITZ}: 1.3 to 2.6 nJ, their mean"
    ),
})  # fmt: skip


@dataclass(frozen=True)
class Scales:
    """How the integer outputs of a pass become the inputs of the next one.

    ``summary`` says it in a line; ``cycles`` is how many operations wait for one another.
    """

    summary: str
    cycles: int
    floating: bool

    @property
    def applied(self) -> bool:
        """Whether outputs are scaled back at all."""
        return self.cycles > 0

    def operations(self, width: int) -> Operations:
        """Operations for one output, of ``width`` bits.

        With scales in FP32: two products and an addition scale it back and add it up, a comparison
        looks for the largest output, and a product and an addition round it to the width of the
        next inputs. With powers of two the products are shifts.

        A shift counts as two additions of its width: the library of Aladdin (40 nm, 1 ns) has 0.417
        pJ for a shifter of 32 bits and 0.21 pJ for an adder.
        """
        if not self.applied:
            return ()
        if self.floating:
            floats = (Operation("fp-multiply", 32, 3.0), Operation("fp-add", 32))
            return (*floats, Operation("add", 32, 2.0))
        return (Operation("add", width, 2 * 2 + 3.0),)


SCALES = MappingProxyType({
    "fp32": Scales("scales in FP32, applied by products", 6, True),
    "power-of-two": Scales("powers of two, applied by shifts", 5, False),
    "none": Scales("outputs are left as they are", 0, False),
})  # fmt: skip
