"""Published results, for comparison.

Those of arXiv:2309.10759 (Nature Communications 2024) are for dot products of length h = 128 with
operands and converters of b bits; those of arrays are of Marinella et al., arXiv:1707.09952.
"""

from decimal import Decimal

from rnscli.analysis.measured_verdict import PrintedBound, PrintedComparison, PrintedFall
from rnscli.analysis.verdict import PrintedCurve, PrintedNumber, PrintedRange, PrintedSet

BLUEPRINT = "arXiv:2309.10759"
MARINELLA = "arXiv:1707.09952"

VECTOR_SIZE = 128

# Moduli chosen for b bits.
MODULI: dict[int, PrintedSet] = {
    4: PrintedSet((15, 14, 13, 11)),
    5: PrintedSet((31, 29, 28, 27)),
    6: PrintedSet((63, 62, 61, 59)),
    7: PrintedSet((127, 126, 125)),
    8: PrintedSet((255, 254, 253)),
}

# ADC energy of the high-precision fixed-point core over that of RNS. Two of them are printed; the
# others are what the paper's formula and constants, 100 fJ * ENOB + 1 aJ * 4^ENOB, give by hand.
ADC_ENERGY_RATIO: dict[int, PrintedNumber] = {
    4: PrintedNumber("168", Decimal("168")),
    5: PrintedNumber("2143.9 (formula)", Decimal("2143.9")),
    6: PrintedNumber("28439.7 (formula)", Decimal("28439.7")),
    7: PrintedNumber("511603 (formula)", Decimal("511603")),
    8: PrintedNumber("6.8 million", Decimal("6.8E6")),
}

# Mean absolute error of the low-precision fixed-point core over that of RNS: "9 to 15 times" for
# b = 4..8, over this many pairs. How the paper draws operands and rounds in the ADC is not stated
# to the last detail; with uniform operands and rounding to nearest the ratio comes out up to 16.
ERROR_RATIO = PrintedRange("9 to 15", 9.0, 15.0, tolerance=0.1)
ERROR_PAIRS = 10_000

# Output error probability against residue error probability for k redundant moduli and R = 1, 2 and
# unlimited attempts.
OUTPUT_ERROR = PrintedCurve()

# Array of 1024 x 1024 weights of 8 bits: energy of a MAC in the analog block, and how many times
# the energy and the latency of the digital ones are those of the analog one.
ARRAY_SIZE = 1024
ARRAY_BITS = 8
ARRAY_ENERGY_PER_MAC = PrintedNumber("11 fJ", Decimal("11E-15"))
ARRAY_RATIOS: dict[str, dict[str, PrintedNumber]] = {
    "reram-digital": {
        "energy": PrintedNumber("270", Decimal("270")),
        "latency": PrintedNumber("540", Decimal("540")),
    },
    "sram-digital": {
        "energy": PrintedNumber("430", Decimal("430")),
        "latency": PrintedNumber("34", Decimal("34")),
    },
}

# Networks, of the abstract: at least 99 % of the accuracy in FP32 with 6 bits, where a conventional
# core needs more than 8; training with 7 bits comparable with FP32. How accuracy falls with h, and
# what redundancy and repetition save under noise, are curves. All of this is published for
# networks such as ResNet-50 and BERT.
RELATIVE_ACCURACY = PrintedBound(">= 0.99", 0.99)
ACCURACY_BITS = 6
CONVENTIONAL_BITS = PrintedBound("> 8", 9.0, of_larger=True)
ACCURACY_BY_SIZE = PrintedFall("falls with h")
TRAINING = PrintedComparison("comparable")
TRAINING_BITS = 7
