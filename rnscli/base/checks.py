"""Validation shared by every parameter object: one sentence that names the argument and its value.

The name is the keyword argument's, in backticks (see `rnscli.base.errors`).
"""

import math
import operator
from typing import SupportsFloat, SupportsIndex

from rnscli.base.errors import InputError, nearest

MAX_ATTEMPTS = 10**15


def check_int(name: str, value: object, low: int, high: int | None = None) -> int:
    """Return ``value`` as an int if it is a whole number in ``[low, high]``.

    Raises
    ------
    InputError
        If it is not an integer, or out of range.

    Examples
    --------
    >>> check_int("bits", 6, 2, 31)
    6
    >>> check_int("bits", 40, 2, 31)
    Traceback (most recent call last):
        ...
    rnscli.base.errors.InputError: `bits` is 40; it must be a whole number from 2 to 31
    """
    if type(value) is int and low <= value and (high is None or value <= high):
        return value
    # A power of two of so many digits is read as one.
    power = high is not None and high >= 10**30 and high & (high - 1) == 0
    most = f"2^{high.bit_length() - 1}" if high is not None and power else high
    wanted = f"from {low} to {most}" if high is not None else f"of at least {low}"
    refused = InputError.of(name, value, f"a whole number {wanted}")
    if isinstance(value, bool) or not isinstance(value, SupportsIndex):
        raise refused
    try:
        number = operator.index(value)
    except TypeError:  # an array of several numbers has the method, too
        raise refused from None
    if number < low or (high is not None and number > high):
        raise refused
    return number


def check_float(name: str, value: object, low: float, high: float, what: str) -> float:
    """Return ``value`` as a finite float in ``[low, high]``; ``what`` says it in words.

    Raises
    ------
    InputError
        If it is not a number, NaN, infinite, or out of range.

    Examples
    --------
    >>> check_float("p", 0.5, 0.0, 1.0, "a probability from 0 to 1")
    0.5
    >>> check_float("p", float("nan"), 0.0, 1.0, "a probability from 0 to 1")
    Traceback (most recent call last):
        ...
    rnscli.base.errors.InputError: `p` is nan; it must be a probability from 0 to 1
    """
    if type(value) is float and low <= value <= high and math.isfinite(value):
        return value  # as almost always; the checks for a protocol take long
    refused = InputError.of(name, value, what)
    if isinstance(value, bool) or not isinstance(value, str | SupportsFloat | SupportsIndex):
        raise refused
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise refused from None
    if not math.isfinite(number) or not low <= number <= high:
        raise refused
    return number


def check_attempts(value: object) -> float:
    """Return a number of attempts R: a whole number of at least 1, or ``math.inf``.

    Raises
    ------
    InputError
        If it is neither.

    Examples
    --------
    >>> check_attempts(2), check_attempts(math.inf)
    (2, inf)
    """
    if isinstance(value, float) and value == math.inf:
        return value
    try:
        return check_int("attempts", value, 1, MAX_ATTEMPTS)
    except InputError:
        accepted = f"a whole number from 1 to {MAX_ATTEMPTS}, or inf"
        raise InputError.of("attempts", value, accepted) from None


def check_choice(name: str, value: object, choices: tuple[str, ...]) -> str:
    """Return ``value`` if it is one of ``choices``.

    Raises
    ------
    InputError
        If it is not.
    """
    if not isinstance(value, str) or value not in choices:
        hint = nearest(value, choices) if isinstance(value, str) else ""
        raise InputError.of(name, value, f"one of {', '.join(choices)}", hint)
    return value
