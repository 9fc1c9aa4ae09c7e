"""Digital operations of sets of which pairs share factors.

Residues are joined one after the other. The number X that those before it make is reduced modulo
the modulus of the next one and subtracted. Of what is left, the remainder by what the modulus has
in common with those before is a digit of the syndrome, and the quotient, times a constant, a
mixed-radix digit, whose multiple is added to X. All digits of the syndrome are the address in a
table of what is added in the end (`rnscli.core.arithmetic.shared_factors`).
"""

from functools import lru_cache

from rnscli.core.arithmetic import ModuliSet
from rnscli.core.arithmetic.moduli import Joint, joints
from rnscli.core.cores.kind import Operations, add, merged
from rnscli.core.cores.residue_logic import (
    chain,
    constant_product,
    reduction,
    residue_width,
    times_modulus,
)


@lru_cache(maxsize=4096)
def shared_conversion(moduli: ModuliSet) -> Operations:
    """The signed number of N residues, whatever the method of conversion.

    What the table says is added, and what is too large brought below half of the range.
    """
    range_bits = residue_width(moduli.dynamic_range)
    steps = (operations for one in joints(moduli.moduli) for operations in _steps(one))
    return merged(*steps, add(range_bits), add(range_bits + 1))


@lru_cache(maxsize=4096)
def shared_cycles(moduli: ModuliSet) -> int:
    """Its cycles: each step waits for the one before, and the table takes one."""
    steps = (operations for one in joints(moduli.moduli) for operations in _steps(one))
    return sum(map(chain, steps)) + 3


def _steps(joint: Joint) -> tuple[Operations, ...]:
    """The steps by which a residue is joined to those before it."""
    modulus, common, before, inverse = joint
    width, left = residue_width(modulus), modulus // common
    # Where all of the number is below the modulus it is subtracted as it is.
    reduced = reduction(residue_width(before) + 1, modulus) if before > modulus else ()
    steps = [reduced, add(width)]
    if common > 1 and left > 1:
        steps.append(reduction(width + 1, common))  # quotient and remainder
    if left > 1:
        if inverse > 1:
            steps.append(constant_product(left))
        steps.append(times_modulus(residue_width(left), before))
        steps.append(add(residue_width(before * left)))
    return tuple(steps)
