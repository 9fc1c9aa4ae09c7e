"""What surrounds a product: the memory of its operands, and the scales of its outputs."""

import math
from dataclasses import dataclass
from types import MappingProxyType

from rnscli.base import Uncertain
from rnscli.core import Operation, Operations
from rnscli.hardware.operations import area_scale

_AREA_NODE = 14e-9


@dataclass(frozen=True)
class Published:
    """Another published energy in J of a bit, at a node in m; ``None`` where it has none."""

    energy: float
    node: float | None
    source: str


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
    low, high
        What else is published that is furthest below and above it; ``None`` if nothing is.
    bandwidth
        Bits in a second, read or written, of a bank or a channel; infinite where none is stated.
    held
        Bits of a bank; infinite of a DRAM.
    bit_area
        Area in m^2 of a bit, with its periphery, at 14 nm; 0 off the chip.
    """

    summary: str
    energy: float
    node: float | None
    source: str
    low: Published | None = None
    high: Published | None = None
    bandwidth: float = math.inf
    held: float = math.inf
    bit_area: float = 0.0

    def bit_area_at(self, node: float) -> float:
        """Area in m^2 of a bit at a node in m, which follows that of logic."""
        return self.bit_area * area_scale(node) / area_scale(_AREA_NODE)

    def at_node(self, node: float) -> float:
        """Energy in J of a bit, at the node of the design."""
        return self.energy * (node / self.node if self.node else 1.0)

    @property
    def spread(self) -> Uncertain | None:
        """Between what a factor of its energy lies, by what is published; ``None`` if unknown.

        Each end is what is published over what `at_node` has at the same node.

        Examples
        --------
        >>> MEMORIES["dram"].spread
        Uncertain(value=1.0, low=0.128, high=1.333)
        """
        low, high = (self._over(one) if one else 1.0 for one in (self.low, self.high))
        return Uncertain(1.0, low, high) if low < high else None

    def _over(self, one: Published) -> float:
        return round(one.energy / (self.at_node(one.node) if one.node else self.energy), 3)


_HOROWITZ = "Horowitz, ISSCC 2014, 45 nm, of 64 bits"
_CACTI = "CACTI 7.0, run at 22 nm with cells of low standby power, 64 bits read"
_TPU = "Jouppi et al., ISCA 2021, table 2 (read in quotations), 7 nm, of 64 bits"
_ALADDIN = "Aladdin's library in the plug-in of Accelergy: 9 fJ at 45 nm"
MEMORIES = MappingProxyType({
    "none": Memory("operands cost nothing", 0.0, None, "not counted"),
    "register": Memory(
        "registers", 1.7e-15, 28e-9, "Sun et al., ICCAD 2023, table II: a flip-flop in 28 nm",
        high=Published(9e-15, 45e-9, _ALADDIN),
    ),
    "sram-8k": Memory(
        "a memory of 8 KB", 10e-12 / 64, 45e-9, f"{_HOROWITZ}: 10 pJ",
        low=Published(1.590e-12 / 64, 22e-9, f"{_CACTI}: 1.59 pJ"),
        high=Published(7.5e-12 / 64, 7e-9, f"{_TPU}: 7.5 pJ"),
    ),
    "sram-32k": Memory(
        "a memory of 32 KB", 20e-12 / 64, 45e-9, f"{_HOROWITZ}: 20 pJ",
        low=Published(3.786e-12 / 64, 22e-9, f"{_CACTI}: 3.79 pJ"),
        high=Published(8.5e-12 / 64, 7e-9, f"{_TPU}: 8.5 pJ"),
    ),
    "sram-1m": Memory(
        "a memory of 1 MB", 100e-12 / 64, 45e-9, f"{_HOROWITZ}: 100 pJ",
        low=Published(23.467e-12 / 64, 22e-9, f"{_CACTI}: 23.5 pJ"),
        # Marinella et al., section IV.H, 14/16 nm: 64 memories of 128 kb, each of 64 bits in 2 ns
        # and of 12 103 um^2.
        bandwidth=64 * 64 / 2e-9, held=2.0**23, bit_area=12103e-12 / 2**17,
    ),
    "dram": Memory(
        "a DRAM off the chip", 1950e-12 / 64, None, f"{_HOROWITZ}: 1.3 to 2.6 nJ, their mean",
        low=Published(250e-12 / 64, None, f"{_TPU}: HBM2, 250 to 450 pJ"),
        high=Published(2600e-12 / 64, None, f"{_HOROWITZ}: 1.3 to 2.6 nJ"),
        bandwidth=64 * 3200e6,  # a channel of 64 bits at 3200 MT/s, as of DDR4-3200
    ),
    "hbm2": Memory(
        "a stack of HBM2 beside the chip", 350e-12 / 64, None, f"{_TPU}: 250 to 450 pJ, their mean",
        low=Published(250e-12 / 64, None, f"{_TPU}: 250 to 450 pJ"),
        high=Published(450e-12 / 64, None, f"{_TPU}: 250 to 450 pJ"),
        bandwidth=1024 * 2e9,  # 1024 bits at 2 Gb/s: 256 GB/s
    ),
})  # fmt: skip


DRAMS = ("dram", "hbm2")


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

    def operations(self, width: int, searched: bool = True) -> Operations:
        """Operations for one output, of ``width`` bits.

        Where the scales of the next inputs are not ``searched``, but known before, the comparison
        is left out.

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
            return (*floats, Operation("add", 32, 1.0 + searched))
        return (Operation("add", width, 2 * 2 + 2.0 + searched),)

    def waits(self, searched: bool = True) -> int:
        """How many operations wait for one another; the comparison is one of them."""
        return self.cycles - (self.applied and not searched)


SCALES = MappingProxyType({
    "fp32": Scales("scales in FP32, applied by products", 6, True),
    "power-of-two": Scales("powers of two, applied by shifts", 5, False),
    "none": Scales("outputs are left as they are", 0, False),
})  # fmt: skip


@dataclass(frozen=True)
class InputScale:
    """Where the scales of inputs come from: ``searched`` in what comes, or known before."""

    summary: str
    searched: bool


DYNAMIC, STATIC = "dynamic", "static"
INPUT_SCALES = MappingProxyType({
    DYNAMIC: InputScale("the largest magnitude that shares it, searched at each product", True),
    STATIC: InputScale("a constant found on samples beforehand; values beyond it clip", False),
})  # fmt: skip
