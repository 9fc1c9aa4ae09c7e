"""Digital operations of robust reconstruction, of sets with a common factor G.

Every residue is split in ``G q + c``. The N points c lie on a circle, which may be cut at each of
them: for each cut the sum and the sum of squares follow from those before it, ``N S_2 - S_1^2`` is
compared, and the least gives the common remainder ``S_1 / N``. Quotients of points behind the cut
are one less; they are converted as residues modulo the cofactors, and the value is ``G Q + r``
(`rnscli.core.arithmetic.robust`).
"""

import math
from functools import lru_cache

from rnscli.core.arithmetic import ModuliSet
from rnscli.core.cores.kind import Operations, add, merged, multiply, times
from rnscli.core.cores.residue_logic import (
    chain,
    reduction,
    residue_width,
    reverse_conversion,
    reverse_cycles,
    times_modulus,
)


@lru_cache(maxsize=4096)
def robust_conversion(moduli: ModuliSet, method: str = "mixed-radix") -> Operations:
    """The signed number of N residues, the redundant ones included in the common remainder."""
    count, factor = moduli.count, moduli.factor
    part, spare = residue_width(factor), (count - 1).bit_length()
    total, square = part + spare + 1, 2 * part + spare + 2
    # Of a cut: both sums are updated, a square is subtracted from N times the other, and compared.
    cut = merged(
        add(total), add(square, 2.0), multiply(total, total), multiply(square, spare + 1),
        add(square + spare, 2.0),
    )  # fmt: skip
    inner = moduli.of_cofactors
    range_bits = residue_width(moduli.dynamic_range)
    return merged(
        *(_split(modulus, factor) for modulus in moduli.moduli),
        add(part, count * (count - 1) / 2),
        times(multiply(part, part), float(count)),
        add(total, float(count - 1)),
        add(square, float(count - 1)),
        times(cut, float(count)),
        _mean(count, total),
        *(add(residue_width(cofactor)) for cofactor in moduli.cofactors),
        reverse_conversion(inner, method),
        times_modulus(residue_width(inner.dynamic_range), factor),
        add(range_bits),
    )


@lru_cache(maxsize=4096)
def robust_cycles(moduli: ModuliSet, method: str = "mixed-radix") -> int:
    """Its cycles: all cuts are tried at the same time, and sums are added in trees."""
    count, factor = moduli.count, moduli.factor
    levels = math.ceil(math.log2(count))
    split = max(chain(_split(modulus, factor)) for modulus in moduli.moduli)
    inner = moduli.of_cofactors
    joined = chain(times_modulus(1, factor)) + 1
    mean = chain(_mean(count, 1))
    # Comparison of points, squares, sums; update, square, difference; the least; correction.
    found = split + 2 + levels + 3 + levels + mean + 1
    return found + reverse_cycles(inner, method) + joined


def _split(modulus: int, factor: int) -> Operations:
    """Quotient and remainder of a residue by G: bits of it, if G is a power of two."""
    return reduction(residue_width(modulus) + 1, factor)


def _mean(count: int, width: int) -> Operations:
    """A sum divided by N, rounded: shifted, or multiplied by a constant that makes it exact."""
    rounded = add(width)
    return rounded if count & (count - 1) == 0 else (*multiply(width, width + 2), *rounded)
