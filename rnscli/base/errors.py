"""The exceptions the package raises on purpose; each message is one sentence for a person."""


class RnscliError(ValueError):
    """What the caller asked for is wrong or has no answer; the message says what would do.

    Names of arguments stand in backticks: a command line shows the option of that name instead.
    """


class InputError(RnscliError):
    """A value is out of its range, of the wrong kind, or contradicts another one."""


class NotFiniteError(InputError):
    """An operand is NaN or too large: given so, or made so by what was computed before."""


class NoSolutionError(RnscliError):
    """The request is well formed, but nothing satisfies it."""


class EngineError(RnscliError):
    """The processes that compute are lost: nothing that is under way can be finished."""


class DivergenceError(RnscliError):
    """A training has left the finite numbers: nothing that follows could mean anything."""
