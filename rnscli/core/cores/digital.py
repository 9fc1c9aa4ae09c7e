"""Digital cores, which analog ones are compared with: they have no converters and lose nothing."""

from rnscli.core.arithmetic import DotProduct
from rnscli.core.cores.kind import DigitalKind, Operation, Operations, add, multiply


class _Accumulating(DigitalKind):
    """Sums have the width of those in a MAC, whatever is added."""

    def accumulation(self, dot: DotProduct, tiles: int) -> Operations:
        return self.mac[-1:]  # its addition


class DigitalInt8(_Accumulating):
    """Products of 8 bits, added at 32."""

    name = "digital-int8"
    summary = "digital, 8-bit operands and 32-bit sums"
    operand_bits = 8
    simulated_bits = 8
    max_terms = (2**31 - 1) // 127**2
    mac = (*multiply(8, 8), *add(32))


class DigitalFp32(_Accumulating):
    """Single precision."""

    name = "digital-fp32"
    summary = "digital, single precision"
    operand_bits = 32
    simulated_bits = None
    max_terms = None
    mac = (Operation("fp-multiply", 32), Operation("fp-add", 32))
