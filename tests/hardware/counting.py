"""Residue arithmetic that is done, and counts what it does.

Every operation checks that its operands fit the width it is counted with, signed or not. What
hardware does with wires and multiplexers (shifts, fields of bits, choosing one of two constants)
is not counted.
"""

import math
from collections import Counter
from collections.abc import Sequence
from itertools import combinations

Counts = Counter[tuple[str, float]]


class Machine:
    """Adders and multipliers with a tally."""

    def __init__(self) -> None:
        self.done: Counts = Counter()

    def add(self, first: int, second: int, width: int) -> int:
        assert fits(first, width) and fits(second, width)
        self.done["add", width] += 1
        return first + second

    def subtract(self, first: int, second: int, width: int) -> int:
        assert fits(first, width) and fits(second, width)
        self.done["add", width] += 1
        return first - second

    def add_modulo(self, first: int, second: int, modulus: int) -> int:
        """With the carry brought round: of 2^j - 1 and 2^j + 1."""
        width = (modulus - 1).bit_length()
        assert fits(first, width) and fits(second, width + 1)
        self.done["add", width] += 1
        return (first + second) % modulus

    def subtract_modulo(self, first: int, second: int, modulus: int) -> int:
        """As one operation, though the borrow adds the modulus."""
        width = (modulus - 1).bit_length()
        return self.subtract(first, second, width) % modulus

    def multiply(self, first: int, width: int, second: int, other: int) -> int:
        assert fits(first, width) and fits(second, other)
        self.done["multiply", math.sqrt(width * other)] += 1
        return first * second


def fits(number: int, width: int) -> bool:
    return number.bit_length() <= width and number >= -(1 << width - 1)


def reduced(machine: Machine, number: int, width: int, modulus: int) -> int:
    """A signed number of ``width`` bits modulo m."""
    assert -(2 ** (width - 1)) <= number < 2 ** (width - 1)
    bits = (modulus - 1).bit_length()
    if modulus == 2**bits:
        return number & (modulus - 1)
    if 2 ** (width - 1) <= modulus:
        return machine.add(number, modulus if number < 0 else 0, bits)
    if modulus == 2**bits - 1 or modulus == 2 ** (bits - 1) + 1:
        return _by_groups(machine, number, width, modulus)
    return _by_barrett(machine, number, width, modulus)


def _by_groups(machine: Machine, number: int, width: int, modulus: int) -> int:
    """2^j is 1 or -1: groups of j bits are added, or added and subtracted."""
    plus = modulus & (modulus - 1) != 0 and modulus & (modulus + 1) == 0  # 2^j - 1
    exponent = modulus.bit_length() if plus else modulus.bit_length() - 1
    pattern, power, total = number & (2**width - 1), 0, 0
    while exponent * power < width:
        group = pattern >> (exponent * power) & (2**exponent - 1)
        sign = 1 if plus or power % 2 == 0 else -1
        total = machine.add_modulo(total, sign * group, modulus) if power else group
        power += 1
    # The pattern of a negative number is 2^width too much.
    return machine.add_modulo(total, -(2**width % modulus) if number < 0 else 0, modulus)


def _by_barrett(machine: Machine, number: int, width: int, modulus: int) -> int:
    bits = (modulus - 1).bit_length()
    quotient_bits = width - bits + 1
    estimate = machine.multiply(number, width, 2**width // modulus, quotient_bits) >> width
    product = machine.multiply(estimate, quotient_bits, modulus, bits)
    # Only the lowest bits + 1 of both are subtracted; the sign of the number says how to read them.
    mask = 2 ** (bits + 1) - 1
    rest = machine.subtract(number & mask, product & mask, bits + 1) & mask
    if number < 0 and rest >> bits:
        rest -= mask + 1
    correction = modulus if rest < 0 else -modulus if rest >= modulus else 0
    return machine.add(rest, correction, bits + 1)


def forward(machine: Machine, number: int, width: int, moduli: Sequence[int]) -> list[int]:
    return [reduced(machine, number, width, modulus) for modulus in moduli]


def _scaled(machine: Machine, residue: int, constant: int, modulus: int) -> int:
    bits = (modulus - 1).bit_length()
    product = machine.multiply(residue, bits, constant, bits)
    return reduced(machine, product, 2 * bits + 1, modulus)


def _signed(machine: Machine, number: int, product: int) -> int:
    """The upper half of the range is negative."""
    width = (product - 1).bit_length()
    return machine.subtract(number, product if number >= (product + 1) // 2 else 0, width)


def _times(machine: Machine, number: int, width: int, constant: int) -> int:
    bits = (constant - 1).bit_length()
    if constant == 2**bits:
        return number << bits
    if constant == 2**bits - 1:
        return machine.subtract(number << bits, number, width + bits)
    if constant == 2 ** (bits - 1) + 1:
        return machine.add(number << (bits - 1), number, width + bits - 1)
    return machine.multiply(number, width, constant, bits)


def by_mixed_radix(machine: Machine, residues: Sequence[int], moduli: Sequence[int]) -> int:
    """Moduli of one width, the largest first."""
    digits: list[int] = []
    for residue, modulus in zip(residues, moduli, strict=True):
        digit = residue
        for earlier, radix in zip(digits, moduli, strict=False):
            difference = machine.subtract_modulo(digit, earlier, modulus)
            digit = _scaled(machine, difference, pow(radix, -1, modulus), modulus)
        digits.append(digit)
    number, count = digits[-1], moduli[-1]
    for digit, modulus in zip(digits[-2::-1], moduli[-2::-1], strict=True):
        width, bits = (count - 1).bit_length(), (modulus - 1).bit_length()
        number = _times(machine, number, width, modulus)
        number = machine.add(number, digit, width + bits)
        count *= modulus
    return _signed(machine, number, math.prod(moduli))


def by_remainders(machine: Machine, residues: Sequence[int], moduli: Sequence[int]) -> int:
    product = math.prod(moduli)
    width = (product - 1).bit_length()
    terms = []
    for residue, modulus in zip(residues, moduli, strict=True):
        bits, rest = (modulus - 1).bit_length(), product // modulus
        scaled = _scaled(machine, residue, pow(rest, -1, modulus), modulus)
        terms.append(machine.multiply(scaled, bits, rest, rest.bit_length()))
    # Sums are wider than their terms by the carries; they are counted at the width of a term.
    total = terms[0]
    for term in terms[1:]:
        machine.done["add", width] += 1
        total += term
    steps = (len(moduli) - 1).bit_length()
    for step in range(steps - 1, -1, -1):
        machine.done["add", width] += 1
        if total >= product << step:
            total -= product << step
    assert 0 <= total < product
    return _signed(machine, total, product)


def by_adders(machine: Machine, residues: Sequence[int], exponent: int) -> int:
    """Of 2^j + 1, 2^j and 2^j - 1: two rows of carry-save adders, an adder, its last carry.

    X = x_0 + 2^j Y with Y = 2^(j-1) ((2^j + 1) x_- - 2 x_0 - 2^j x_+ + x_+) modulo 2^2j - 1, where
    times a power of two is a rotation and minus a complement.
    """
    above, power, below = residues
    width = 2 * exponent
    ring = (1 << width) - 1

    def rotated(number: int, places: int) -> int:
        places %= width
        return (number << places | number >> (width - places)) & ring

    first = rotated(below << exponent | below, exponent - 1)
    second = ring ^ rotated(power, exponent)
    third = ring ^ rotated(above, 2 * exponent - 1)
    fourth = rotated(above, exponent - 1)
    for operand in (first, second, third, fourth):
        assert fits(operand, width)
    machine.done["add", width] += 2
    one, two = _carry_saved(first, second, third, width)
    one, two = _carry_saved(one, two, fourth, width)
    total = machine.add(one, two, width)
    total = machine.add(total & ring, total >> width, width)
    total = 0 if total == ring else total
    moduli = (2**exponent + 1, 2**exponent, 2**exponent - 1)
    return _signed(machine, total << exponent | power, math.prod(moduli))


def by_common_factor(
    machine: Machine, residues: Sequence[int], cofactors: Sequence[int], part: int
) -> int:
    """Moduli ``2^part mu``, of one width: the value, rounded to the mean of what residues say."""
    count = len(residues)
    spare = (count - 1).bit_length()
    total, square, factor = part + spare + 1, 2 * part + spare + 2, 1 << part
    points = [one & (factor - 1) for one in residues]
    order = sorted(range(count), key=points.__getitem__)
    for first, second in combinations(points, 2):
        machine.subtract(first, second, part)
    squares = [machine.multiply(one, part, one, part) for one in points]
    first_sum, second_sum = points[0], squares[0]
    for point, its_square in zip(points[1:], squares[1:], strict=True):
        first_sum = machine.add(first_sum, point, total)
        second_sum = machine.add(second_sum, its_square, square)
    least, chosen, passed = 1 << (square + spare), 0, 0
    for number, index in enumerate(order, 1):  # so many points have passed the cut
        first_sum = machine.add(first_sum, factor, total)
        second_sum = machine.add(second_sum, 2 * factor * points[index], square)
        second_sum = machine.add(second_sum, factor**2, square)
        cost = machine.multiply(second_sum, square, count, spare + 1)
        own = machine.multiply(first_sum, total, first_sum, total)
        cost = machine.subtract(cost, own, square + spare)
        machine.done["add", square + spare] += 1
        if cost < least:
            least, chosen, passed = cost, first_sum, number
    rounded = machine.add(chosen, count // 2, total)
    if count & (count - 1) == 0:
        mean = rounded >> spare
    else:
        shift = total + spare + 1
        mean = machine.multiply(rounded, total, -(-(1 << shift) // count), total + 2) >> shift
    quotients = [
        machine.subtract_modulo(one >> part, int(index in order[:passed]), cofactor)
        for index, (one, cofactor) in enumerate(zip(residues, cofactors, strict=True))
    ]
    number = by_mixed_radix(machine, quotients, cofactors)
    width = (math.prod(cofactors) * factor - 1).bit_length()
    machine.done["add", width] += 1
    return number * factor + mean


def by_shared_factors(
    machine: Machine, residues: Sequence[int], moduli: Sequence[int], table: Sequence[int]
) -> int:
    """The value, with what the table says of the syndrome; residue by residue."""
    number, total, syndrome = residues[0], moduli[0], 0
    for residue, modulus in zip(residues[1:], moduli[1:], strict=True):
        width, common = (total - 1).bit_length(), math.gcd(total, modulus)
        left, bits = modulus // common, (modulus - 1).bit_length()
        behind = reduced(machine, number, width + 1, modulus) if total > modulus else number
        ahead = machine.subtract_modulo(residue, behind, modulus)
        digit = ahead % common
        if 1 < common < modulus:
            assert digit == reduced(machine, ahead, bits + 1, common)
        syndrome = syndrome * common + digit
        if left > 1:
            inverse = pow(total // common, -1, left)
            scaled = ahead // common
            if inverse > 1:
                scaled = _scaled(machine, scaled, inverse, left)
            grown = (total * left - 1).bit_length()
            more = _times(machine, scaled, (left - 1).bit_length(), total)
            number, total = machine.add(number, more, grown), total * left
    half, width = (total + 1) // 2, (total - 1).bit_length()
    shift = table[syndrome] - (total if table[syndrome] >= half else 0)
    number = machine.add(number, shift, width)
    return machine.subtract(number, total if number >= half else 0, width + 1)


def _carry_saved(first: int, second: int, third: int, width: int) -> tuple[int, int]:
    carries = first & second | second & third | first & third
    return first ^ second ^ third, (carries << 1 | carries >> (width - 1)) & ((1 << width) - 1)


def codeword(
    machine: Machine,
    number: int,
    residues: Sequence[int],
    redundant: Sequence[int],
    sizes: tuple[int, int],
) -> bool:
    """Whether a signed number has these redundant residues and is in the legitimate range."""
    product, legitimate = sizes
    width = (product - 1).bit_length()
    agrees = True
    for residue, modulus in zip(residues, redundant, strict=True):
        found = reduced(machine, number, width, modulus)
        bits = (modulus - 1).bit_length()
        agrees &= machine.subtract(found, residue, bits) == 0
    if legitimate < product:
        # Complemented where it is negative, one comparison tells for both ends.
        folded, last = (number, (legitimate - 1) // 2) if number >= 0 else (~number, None)
        last = legitimate // 2 - 1 if last is None else last
        agrees &= machine.subtract(last, folded, width) >= 0
    return agrees
