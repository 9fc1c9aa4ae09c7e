"""Digital work of a residue core, counted in operations: into residues, out of them, decoding.

Widths are those of the operands. A number is negative in two's complement before conversion, and
comparisons count as additions. Multiplexers, wires and registers are not counted.
"""

import math
from functools import lru_cache

from rnscli.core.arithmetic import ModuliSet, check_patterns, covering
from rnscli.core.cores.operations import Operations, add, merged, multiply, times

METHODS = ("mixed-radix", "crt")


def _form(modulus: int) -> tuple[int, int]:
    """j and the sign of ``modulus - 2^j`` for 2^j - 1, 2^j, 2^j + 1; sign 2 for all others."""
    for offset in (0, -1, 1):
        power = modulus - offset
        if power >= 2 and power & (power - 1) == 0:
            return power.bit_length() - 1, offset
    return (modulus - 1).bit_length(), 2


def residue_width(modulus: int) -> int:
    """Bits of a residue.

    Examples
    --------
    >>> residue_width(63), residue_width(64), residue_width(65)
    (6, 6, 7)
    """
    return max(1, (modulus - 1).bit_length())


def reduction(width: int, modulus: int) -> Operations:
    """Reduction of a signed number of ``width`` bits, sign included, modulo m.

    * 2^j: the lowest j bits are the residue; no operation.
    * A number whose magnitude is below m: m is added to it if it is negative; one addition.
    * 2^j - 1 and 2^j + 1: the number is cut in groups of j bits that are added, or added and
      subtracted in turn, with one more addition for the sign and the last carry.
    * Any other modulus, by Barrett's method: a product with a constant estimates the quotient, a
      second one its multiple of m, a subtraction leaves the residue, and one more corrects it.

    References
    ----------
    Barrett, "Implementing the Rivest Shamir and Adleman public key encryption algorithm on a
    standard digital signal processor", CRYPTO 1986.

    Examples
    --------
    >>> reduction(8, 16), len(reduction(18, 61))
    ((), 3)
    >>> reduction(18, 63)
    (Operation(kind='add', width=6, count=3.0),)
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
    """Residues of one input, of ``input_bits`` bits with its sign.

    Examples
    --------
    >>> forward_conversion(6, ModuliSet([63, 62, 61, 59]))
    (Operation(kind='add', width=6, count=4.0),)
    """
    return merged(*(reduction(input_bits, modulus) for modulus in moduli.moduli))


@lru_cache(maxsize=4096)
def reverse_conversion(moduli: ModuliSet, method: str = "mixed-radix") -> Operations:
    """The signed number of the n information residues.

    * {2^j - 1, 2^j, 2^j + 1}: four additions of 2 j bits, whatever the method.
    * ``mixed-radix``: a triangle of n (n - 1) / 2 steps, each a subtraction modulo m and a product
      modulo m with a constant, gives the digits ``d_1, ..., d_n``; then
      ``X = d_1 + m_1 (d_2 + m_2 (d_3 + ...))`` takes n - 1 products and sums of growing width.
    * ``crt``: each residue is multiplied modulo m with the inverse of M / m, and by M / m itself;
      the n products are added, and ceil(log2 n) conditional subtractions bring the sum below M.

    Both end with a subtraction that makes the upper half of the range negative.

    References
    ----------
    Szabo and Tanaka, "Residue Arithmetic and Its Applications to Computer Technology", 1967; Wang,
    Song, Aboulhamid and Shen, "Adder based residue to binary number converters for
    (2^n - 1, 2^n, 2^n + 1)", IEEE Trans. Signal Processing 2002.

    Examples
    --------
    >>> reverse_conversion(ModuliSet([33, 32, 31]))
    (Operation(kind='add', width=10, count=4.0), Operation(kind='add', width=15, count=1.0))
    """
    members = moduli.information
    range_bits = max(1, (moduli.dynamic_range - 1).bit_length())
    sign = add(range_bits)
    if _special(members):
        return merged(add(2 * _form(members[0])[0], 4.0), sign)
    if method == "crt":
        return merged(*_by_remainders(members, range_bits), sign)
    return merged(*_by_mixed_radix(members), sign)


def _chain(operations: Operations) -> int:
    """Cycles of operations of which each waits for the one before."""
    return round(sum(one.count for one in operations))


def forward_cycles(input_bits: int, moduli: ModuliSet) -> int:
    """Cycles of a forward conversion, whose moduli work at the same time.

    Examples
    --------
    >>> forward_cycles(6, ModuliSet([63, 62, 61, 59])), forward_cycles(8, ModuliSet([63, 61]))
    (1, 4)
    """
    return max(_chain(reduction(input_bits, modulus)) for modulus in moduli.moduli)


@lru_cache(maxsize=4096)
def reverse_cycles(moduli: ModuliSet, method: str = "mixed-radix") -> int:
    """Cycles of a reverse conversion, one for each operation that waits for another.

    In ``mixed-radix`` the subtractions and products of one level are done at the same time, and
    so are the products of all residues in ``crt``; its sums are added in a tree.

    Examples
    --------
    >>> reverse_cycles(ModuliSet([63, 62, 61, 59])), reverse_cycles(ModuliSet([33, 32, 31]))
    (25, 5)
    """
    members = moduli.information
    if _special(members):
        return 5
    products = [_chain(_constant_product(modulus)) for modulus in members]
    count = len(members)
    if method == "crt":
        return max(products) + (count > 1) + 2 * math.ceil(math.log2(count)) + 1
    levels = sum(1 + max(products[level:]) for level in range(1, count))
    joined = sum(_chain(_times_modulus(1, modulus)) + 1 for modulus in members[:-1])
    return levels + joined + 1


@lru_cache(maxsize=4096)
def syndrome_cycles(moduli: ModuliSet, legitimate_range: int) -> int:
    """Cycles of the check of a restored number, against all redundant moduli at the same time.

    Examples
    --------
    >>> syndrome_cycles(ModuliSet([63, 62, 61, 59, 55], redundant=1), 12272590)
    5
    """
    range_bits = max(1, (moduli.dynamic_range - 1).bit_length())
    checks = [_chain(reduction(range_bits, modulus)) + 1 for modulus in moduli.redundant_moduli]
    return max([*checks, int(legitimate_range < moduli.dynamic_range)])


def _special(members: tuple[int, ...]) -> bool:
    """Whether they are 2^j - 1, 2^j and 2^j + 1."""
    forms = [_form(m) for m in members]
    return len({j for j, _ in forms}) == 1 and sorted(o for _, o in forms) == [-1, 0, 1]


def _by_mixed_radix(members: tuple[int, ...]) -> list[Operations]:
    steps: list[Operations] = []
    for index, modulus in enumerate(members):
        steps.append(add(residue_width(modulus), float(index)))
        steps.append(times(_constant_product(modulus), float(index)))
    inner = members[-1]  # the number of values of the innermost bracket
    for modulus in members[-2::-1]:
        bits, inner_bits = residue_width(modulus), residue_width(inner)
        steps.append(_times_modulus(inner_bits, modulus))
        steps.append(add(inner_bits + bits))
        inner *= modulus
    return steps


def _times_modulus(width: int, modulus: int) -> Operations:
    """A number of ``width`` bits times m: a shift, a shift and a sum, or a product."""
    exponent, offset = _form(modulus)
    if offset == 0:
        return ()
    if offset in (-1, 1):
        return add(width + exponent)
    return multiply(width, residue_width(modulus))


def _by_remainders(members: tuple[int, ...], range_bits: int) -> list[Operations]:
    steps: list[Operations] = []
    for modulus in members:
        bits = residue_width(modulus)
        steps.append(_constant_product(modulus))
        if len(members) > 1:
            steps.append(multiply(bits, (math.prod(members) // modulus).bit_length()))
    count = len(members)
    steps.append(add(range_bits, float(count - 1 + math.ceil(math.log2(count)))))
    return steps


def _constant_product(modulus: int) -> Operations:
    """A residue times a constant, modulo m; a product of w bits each has 2 w, and no sign."""
    bits = residue_width(modulus)
    return (*multiply(bits, bits), *reduction(2 * bits + 1, modulus))


@lru_cache(maxsize=4096)
def syndrome(moduli: ModuliSet, legitimate_range: int) -> Operations:
    """Whether a restored number is a codeword.

    The number is reduced modulo each of the k redundant moduli and compared with the residue that
    was read; where the legitimate range is smaller than the product of the information moduli, a
    comparison tells whether the number is in it.

    Examples
    --------
    >>> syndrome(ModuliSet([63, 62, 61, 59]), 14057694)
    ()
    >>> syndrome(ModuliSet([63, 62, 61, 59]), 246017)
    (Operation(kind='add', width=24, count=1.0),)
    """
    range_bits = max(1, (moduli.dynamic_range - 1).bit_length())
    inside = add(range_bits, float(legitimate_range < moduli.dynamic_range))
    checks = [
        (*reduction(range_bits, modulus), *add(residue_width(modulus)))
        for modulus in moduli.redundant_moduli
    ]
    return merged(*checks, inside)


@lru_cache(maxsize=4096)
def other_groups(count: int, redundant: int, radius: int) -> int:
    """How many further groups of n residues a decoder tries where the first one fails.

    Examples
    --------
    >>> other_groups(6, 2, 0), other_groups(6, 2, 1)
    (0, 2)
    """
    check_patterns(count, radius)
    return sum(1 for _ in covering(count, redundant, radius)) - 1
