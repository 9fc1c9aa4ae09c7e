"""The exceptions the package raises on purpose; each message is one sentence for a person."""


class RnscliError(ValueError):
    """Something the caller asked for is wrong or has no answer; the message says what would do."""


class InputError(RnscliError):
    """A value is out of its range, of the wrong kind, or contradicts another one.

    ``argument`` is the name of the argument that the message starts with, if it does, so that a
    command line can show the option of that name instead.
    """

    def __init__(self, message: str, argument: str | None = None) -> None:
        """Keep the message and the argument it is about."""
        super().__init__(message)
        self.argument = argument


class NoSolutionError(RnscliError):
    """The request is well formed, but nothing satisfies it."""
