"""The exceptions the package raises on purpose; each message is one sentence for a person."""

import re
from collections.abc import Iterable
from typing import Self

_NAMES = re.compile(r"`([a-z]\w*)`|(?<![\w-])--([a-z][a-z0-9-]*)")


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
        said = (name or option.replace("-", "_") for name, option in _NAMES.findall(str(self)))
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
        """The error of a single argument.

        Parameters
        ----------
        argument, value
            Its name and what it is.
        accepted
            What it must be: what follows these words.
        hint
            What ends the sentence.
        what
            What is wrong with it, as "holds NaN"; "is" with the value if not given.

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
    """A value as a message shows it: huge ones are cut, they would fill the screen.

    Examples
    --------
    >>> shown(10**40), shown("x" * 100) == "x" * 57 + "..."
    ('a number of 133 bits', True)
    """
    if isinstance(value, int) and abs(value) >= 10**30:
        return f"a number of {abs(value).bit_length()} bits"
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def option_name(key: str) -> str:
    """The name of an option, which may be written with dashes."""
    return key.replace("-", "_")


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint at the name that was probably meant, or nothing."""
    import difflib  # only errors need it

    candidates = {option_name(one): one for one in known}
    close = difflib.get_close_matches(option_name(name), candidates, n=1, cutoff=0.6)
    return f"; did you mean {candidates[close[0]]}?" if close else ""


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
