"""Errors that are raised on purpose, and the checks of arguments that raise them.

Each message is one sentence for a person, with the argument, its value and what would be accepted.
"""

import math
import operator
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Self, SupportsFloat, SupportsIndex, TypeVar

MAX_ATTEMPTS = 10**15
T = TypeVar("T")
_NAMES = r"`([a-z]\w*)`|(?<![\w-])--([a-z][a-z0-9-]*)"


class RnscliError(ValueError):
    """What the caller wants is wrong or impossible; the message says what would do.

    Names of arguments stand in backticks: a command line shows the option of that name instead.

    Parameters
    ----------
    message
        The sentence.
    about
        Names of arguments that it is about without saying them.
    """

    def __init__(self, message: str = "", *about: str) -> None:
        super().__init__(message)
        self._about = about

    @property
    def arguments(self) -> tuple[str, ...]:
        """Names of the arguments that the error is about, first those that its message says.

        Examples
        --------
        >>> InputError("`p` and `sigma` are two kinds of noise; leave one out").arguments
        ('p', 'sigma')
        >>> InputError("no set covers a range of 31 values", "max_modulus").arguments
        ('max_modulus',)
        """
        said = (name or option.replace("-", "_") for name, option in re.findall(_NAMES, str(self)))
        return tuple(dict.fromkeys((*said, *self._about)))


class InputError(RnscliError):
    """A value is out of its range, of the wrong kind, or contradicts another one.

    Attributes
    ----------
    value
        The value that is refused, where it is that of a single argument (see `of`).
    accepted
        What would be accepted instead, in words.
    """

    value: object = None
    accepted: str | None = None

    @classmethod
    def of(
        cls, argument: str, value: object, accepted: str, hint: str = "", what: str = ""
    ) -> Self:
        """The error of a single argument, which "must be" what is accepted.

        ``hint`` ends the sentence; ``what`` is wrong with it, as "holds NaN", if not its value.

        Examples
        --------
        >>> error = InputError.of("bits", 40, "a whole number from 2 to 31")
        >>> error
        InputError('`bits` is 40; it must be a whole number from 2 to 31')
        >>> error.arguments, error.value
        (('bits',), 40)
        """
        error = cls(f"`{argument}` {what or f'is {shown(value)}'}; it must be {accepted}{hint}")
        error.value, error.accepted = value, accepted
        return error


class NotFiniteError(InputError):
    """An operand is NaN or too large: given so, or made so by what was computed before."""


class NoSolutionError(RnscliError):
    """The request is well formed, but nothing satisfies it."""


class EngineError(RnscliError):
    """The processes that compute are lost: nothing that is under way can be finished."""


class DivergenceError(RnscliError):
    """A training has left the finite numbers: nothing that follows could mean anything."""


def shown(value: object) -> str:
    """A value as a message shows it: short, on one line, and harmless to a terminal.

    Examples
    --------
    >>> shown(10**40), shown("x" * 100) == "x" * 57 + "..."
    ('a number of 133 bits', True)
    >>> print(shown("a" + chr(27) + "b"))
    a\\x1bb
    """
    if isinstance(value, int) and abs(value) >= 10**30:
        return f"a number of {abs(value).bit_length()} bits"
    text = str(value)
    text = printable(text) if isinstance(value, str) else text
    return text if len(text) <= 60 else text[:57] + "..."


def printable(text: str) -> str:
    """A text with escape sequences in the place of what would move a cursor or change a colour."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def said(error: BaseException) -> str:
    """Kind of an error and the first line of what it says, of a length that a person reads.

    Examples
    --------
    >>> said(RuntimeError("shapes do not match\\nsee the manual")), said(KeyError())
    ('RuntimeError: shapes do not match', 'KeyError')
    """
    kind = type(error).__name__
    lines = str(error).strip().splitlines()
    if not lines:
        return kind
    first = lines[0].strip().rstrip(".")
    return f"{kind}: {first if len(first) <= 200 else first[:197] + '...'}"


def option_name(key: str) -> str:
    """The name of an option, which may be written with dashes."""
    return key.replace("-", "_")


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint at the name that was probably meant, as it begins so or is close; or nothing."""
    import difflib  # only errors need it

    candidates = {option_name(one): one for one in known}
    begun = [one for one in candidates if len(name) > 1 and one.startswith(option_name(name))]
    close = begun or difflib.get_close_matches(option_name(name), candidates, n=1, cutoff=0.6)
    return f"; did you mean {candidates[close[0]]}?" if close else ""


# Checks: each returns the value of the argument of that name, or raises an InputError.


def check_int(name: str, value: object, low: int, high: int | None = None) -> int:
    """A whole number in ``[low, high]``.

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
        return value  # as almost always; the checks for a protocol take long
    if isinstance(value, SupportsIndex) and not isinstance(value, bool):
        with suppress(TypeError):  # of an array of several numbers, which has the method, too
            number = operator.index(value)
            if low <= number and (high is None or number <= high):
                return number
    wanted = f"of at least {low}" if high is None else f"from {low} to {bound(high)}"
    raise InputError.of(name, value, f"a whole number {wanted}")


def bound(high: int) -> str:
    """The largest number that is accepted, exactly, and in as few digits as a person reads.

    Examples
    --------
    >>> bound(65536), bound(2**63), bound(2**63 - 1), bound(10**12)
    ('65536', '2^63', '2^63 - 1', '1e12')
    """
    if high < 10**7:
        return str(high)
    for beyond, less in ((0, ""), (1, " - 1")):
        if (high + beyond) & (high + beyond - 1) == 0:
            return f"2^{(high + beyond).bit_length() - 1}{less}"
    zeros = len(text := str(high)) - len(text.rstrip("0"))
    return f"{text[:-zeros]}e{zeros}" if zeros >= 7 else text


def check_float(name: str, value: object, low: float, high: float, accepted: str) -> float:
    """A finite float in ``[low, high]``; ``accepted`` says these in words.

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
        return value
    if isinstance(value, str | SupportsFloat | SupportsIndex) and not isinstance(value, bool):
        with suppress(TypeError, ValueError, OverflowError):
            number = float(value)
            if math.isfinite(number) and low <= number <= high:
                return number
    raise InputError.of(name, value, accepted)


def check_attempts(value: object) -> float:
    """A number of attempts R: a whole number of at least 1, or ``math.inf``.

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
        accepted = f"a whole number from 1 to {bound(MAX_ATTEMPTS)}, or inf"
        raise InputError.of("attempts", value, accepted) from None


def check_choice(name: str, value: object, choices: tuple[str, ...]) -> str:
    """One of the choices."""
    if isinstance(value, str) and value in choices:
        return value
    hint = nearest(value, choices) if isinstance(value, str) else ""
    raise InputError.of(name, value, f"one of {', '.join(choices)}", hint)


def read_nested(parse: Callable[[str], T], text: str) -> T:
    """What a parser of nested data makes of a text; a ValueError if it is nested too deeply."""
    try:
        return parse(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
