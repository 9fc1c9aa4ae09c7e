"""Digital cores, which analog ones are compared with: they have no converters and lose nothing."""

from rnscli.core.cores.kind import DigitalKind
from rnscli.core.cores.operations import Operation, add, multiply


class DigitalInt8(DigitalKind):
    """Products of 8 bits, added at 32."""

    name = "digital-int8"
    summary = "digital, 8-bit operands and 32-bit sums"
    operand_bits = 8
    simulated_bits = 8
    max_terms = (2**31 - 1) // 127**2
    mac = (*multiply(8, 8), *add(32))


class DigitalFp32(DigitalKind):
    """Single precision."""

    name = "digital-fp32"
    summary = "digital, single precision"
    operand_bits = 32
    simulated_bits = None
    max_terms = None
    mac = (Operation("fp-multiply", 32), Operation("fp-add", 32))
