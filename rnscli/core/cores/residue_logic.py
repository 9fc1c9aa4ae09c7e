"""Digital operations of residues: conversion there and back, and the check of a word.

Widths are those of the operands. A number is negative in two's complement before conversion, and
comparisons count as additions. Multiplexers, wires and registers are not counted.
"""

import math
from functools import lru_cache

from rnscli.core.arithmetic import ModuliSet
from rnscli.core.cores.kind import Operations, add, merged, multiply, times

METHODS = ("mixed-radix", "crt")


def residue_width(modulus: int) -> int:
    """Bits of a residue, or of a number of so many values."""
    return max(1, (modulus - 1).bit_length())


def _form(modulus: int) -> tuple[int, int]:
    """j and the sign of ``modulus - 2^j`` for 2^j - 1, 2^j, 2^j + 1; sign 2 for all others."""
    for offset in (0, -1, 1):
        power = modulus - offset
        if power >= 2 and power & (power - 1) == 0:
            return power.bit_length() - 1, offset
    return (modulus - 1).bit_length(), 2


def _special(members: tuple[int, ...]) -> bool:
    """Whether they are 2^j - 1, 2^j and 2^j + 1."""
    forms = [_form(m) for m in members]
    return len({j for j, _ in forms}) == 1 and sorted(o for _, o in forms) == [-1, 0, 1]


def reduction(width: int, modulus: int) -> Operations:
    """Reduction of a signed number of ``width`` bits, sign included, modulo m.

    * 2^j: the lowest j bits are the residue; no operation.
    * A number whose magnitude is below m: m is added to it if it is negative; one addition.
    * 2^j - 1 and 2^j + 1: the number is cut in groups of j bits that are added, or added and
      subtracted in turn, with one more addition for the sign and the last carry.
    * Any other modulus, by Barrett's method (CRYPTO 1986): a product with a constant estimates the
      quotient, a second one its multiple of m, a subtraction leaves the residue, and one more
      corrects it.
    """
    exponent, offset = _form(modulus)
    if offset == 0:
        return ()
    bits = residue_width(modulus)
    if 2 ** (width - 1) <= modulus:
        return add(bits)
    if offset in (-1, 1):
        return add(bits, float(math.ceil(width / exponent)))
    quotient = max(1, width - bits + 1)
    return (*multiply(width, quotient), *multiply(quotient, bits), *add(bits + 1, 2.0))


@lru_cache(maxsize=4096)
def forward_conversion(input_bits: int, moduli: ModuliSet) -> Operations:
    """Residues of one input, of ``input_bits`` bits with its sign."""
    return merged(*(reduction(input_bits, modulus) for modulus in moduli.moduli))


@lru_cache(maxsize=4096)
def reverse_conversion(moduli: ModuliSet, method: str = "mixed-radix") -> Operations:
    """The signed number of the n information residues.

    * {2^j - 1, 2^j, 2^j + 1}: four additions of 2 j bits, whatever the method (Wang, Song,
      Aboulhamid and Shen, IEEE Trans. Signal Processing 2002).
    * ``mixed-radix``: a triangle of n (n - 1) / 2 steps, each a subtraction modulo m and a product
      modulo m with a constant, gives the digits ``d_1, ..., d_n``; then
      ``X = d_1 + m_1 (d_2 + m_2 (d_3 + ...))`` takes n - 1 products and sums of growing width.
    * ``crt``: each residue is multiplied modulo m with the inverse of M / m, and by M / m itself;
      the n products are added, and ceil(log2 n) conditional subtractions bring the sum below M
      (both in Szabo and Tanaka 1967).

    All end with a subtraction that makes the upper half of the range negative.
    """
    members, count = moduli.information, moduli.information_count
    range_bits = residue_width(moduli.dynamic_range)
    steps: list[Operations] = []
    if _special(members):
        steps.append(add(2 * _form(members[0])[0], 4.0))
    elif method == "crt":
        for modulus in members:
            steps.append(constant_product(modulus))
            if count > 1:
                other_bits = (moduli.dynamic_range // modulus).bit_length()
                steps.append(multiply(residue_width(modulus), other_bits))
        steps.append(add(range_bits, float(count - 1 + math.ceil(math.log2(count)))))
    else:
        for index, modulus in enumerate(members):
            steps.append(add(residue_width(modulus), float(index)))
            steps.append(times(constant_product(modulus), float(index)))
        inner = members[-1]  # the number of values of the innermost bracket
        for modulus in members[-2::-1]:
            inner_bits = residue_width(inner)
            steps.append(times_modulus(inner_bits, modulus))
            steps.append(add(inner_bits + residue_width(modulus)))
            inner *= modulus
    return merged(*steps, add(range_bits))


def times_modulus(width: int, modulus: int) -> Operations:
    """A number of ``width`` bits times m: a shift, a shift and a sum, or a product."""
    exponent, offset = _form(modulus)
    if offset == 0:
        return ()
    if offset in (-1, 1):
        return add(width + exponent)
    return multiply(width, residue_width(modulus))


def constant_product(modulus: int) -> Operations:
    """A residue times a constant, modulo m; a product of w bits each has 2 w, and no sign."""
    bits = residue_width(modulus)
    return (*multiply(bits, bits), *reduction(2 * bits + 1, modulus))


@lru_cache(maxsize=4096)
def syndrome(moduli: ModuliSet, legitimate_range: int) -> Operations:
    """Whether a restored number is a codeword.

    The number is reduced modulo each of the k redundant moduli and compared with the residue that
    was read; where the legitimate range is smaller than the product of the information moduli, a
    comparison tells whether the number is in it.
    """
    range_bits = residue_width(moduli.dynamic_range)
    inside = add(range_bits, float(legitimate_range < moduli.dynamic_range))
    checks = [
        (*reduction(range_bits, modulus), *add(residue_width(modulus)))
        for modulus in moduli.redundant_moduli
    ]
    return merged(*checks, inside)


# Cycles: one for each operation that waits for another.


def chain(operations: Operations) -> int:
    """Cycles of operations of which each waits for the one before."""
    return round(sum(one.count for one in operations))


def forward_cycles(input_bits: int, moduli: ModuliSet) -> int:
    """Cycles of a forward conversion, whose moduli work at the same time."""
    return max(chain(reduction(input_bits, modulus)) for modulus in moduli.moduli)


@lru_cache(maxsize=4096)
def reverse_cycles(moduli: ModuliSet, method: str = "mixed-radix") -> int:
    """Cycles of a reverse conversion.

    In ``mixed-radix`` the subtractions and products of one level are done at the same time, and
    so are the products of all residues in ``crt``; its sums are added in a tree.
    """
    members, count = moduli.information, moduli.information_count
    if _special(members):
        return 5
    products = [chain(constant_product(modulus)) for modulus in members]
    if method == "crt":
        return max(products) + (count > 1) + 2 * math.ceil(math.log2(count)) + 1
    levels = sum(1 + max(products[level:]) for level in range(1, count))
    joined = sum(chain(times_modulus(1, modulus)) + 1 for modulus in members[:-1])
    return levels + joined + 1


@lru_cache(maxsize=4096)
def syndrome_cycles(moduli: ModuliSet, legitimate_range: int) -> int:
    """Cycles of the check of a restored number, against all redundant moduli at the same time."""
    range_bits = residue_width(moduli.dynamic_range)
    checks = [chain(reduction(range_bits, modulus)) + 1 for modulus in moduli.redundant_moduli]
    return max([*checks, int(legitimate_range < moduli.dynamic_range)])
