"""Prices of digital operations as they were published, in J and m^2, at a node in m.

At 45 nm those of Horowitz and of Dally, at 8 and at 32 bits, with a power of the width between.
An energy follows the power of the node through what Horowitz has at 45 nm and the table of TPUv4i
at 7 nm, an area the table of Stillmaker and Baas and powers between its nodes.
"""

import math

AREAS = {7: 0.059, 10: 0.10, 14: 0.17, 16: 0.19, 20: 0.21, 32: 0.46, 45: 1.0}


def _energy(at_45: float, at_7: float, node: float) -> float:
    """What is 1 at 45 nm."""
    share = math.log(45e-9 / node) / math.log(45 / 7)
    return (at_7 / at_45) ** share


def shrunk(node: float) -> float:
    """An area that is 1 at 45 nm."""
    length = round(node * 1e9, 9)
    if length in AREAS:
        return AREAS[length]
    low = max(one for one in AREAS if one < length)
    high = min(one for one in AREAS if one > length)
    share = (math.log(length) - math.log(low)) / (math.log(high) - math.log(low))
    return math.exp((1 - share) * math.log(AREAS[low]) + share * math.log(AREAS[high]))


def addition(width: float, node: float) -> float:
    """J: 0.03 pJ at 8 and 0.1 pJ at 32 bits."""
    return 0.03e-12 * (0.1 / 0.03) ** math.log(width / 8, 4) * _energy(0.1, 0.03, node)


def product(first: float, second: float, node: float) -> float:
    """J: 0.2 pJ at 8 x 8 and 3.1 pJ at 32 x 32 bits."""
    power = math.log(math.sqrt(first * second) / 8, 4)
    return 0.2e-12 * (3.1 / 0.2) ** power * _energy(0.2, 0.07, node)


def fp_addition(node: float) -> float:
    """J, of 32 bits."""
    return 0.9e-12 * _energy(0.9, 0.38, node)


def fp_product(node: float) -> float:
    """J, of 32 bits."""
    return 3.7e-12 * _energy(3.7, 1.31, node)


def adder(width: float, node: float) -> float:
    """m^2: 36 um^2 at 8 and 137 um^2 at 32 bits."""
    return 36e-12 * (137 / 36) ** math.log(width / 8, 4) * shrunk(node)


def multiplier(first: float, second: float, node: float) -> float:
    """m^2: 282 um^2 at 8 x 8 and 3495 um^2 at 32 x 32 bits."""
    power = math.log(math.sqrt(first * second) / 8, 4)
    return 282e-12 * (3495 / 282) ** power * shrunk(node)


def fp_units(multipliers: int, adders: int, node: float) -> float:
    """m^2, of 32 bits."""
    return (multipliers * 7700e-12 + adders * 4184e-12) * shrunk(node)
