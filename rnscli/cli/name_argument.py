"""An argument that is one name out of a list."""

from collections.abc import Sequence
from typing import Any

import click

from rnscli.cli.candidates import Candidates, of_names
from rnscli.cli.sweep import ParamType, shown


class NameArgument(ParamType):
    """One of some names; ``missing`` begins the sentence that asks for it."""

    name = "name"

    def __init__(self, names: Sequence[str], missing: str) -> None:
        """Accept these names."""
        self._names, self._missing = names, missing
        self._accepted = f"one of {', '.join(names)}"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name."""
        if value not in self._names:
            self.fail(f"{shown(value)} is not accepted; it must be {self._accepted}", param, ctx)
        return str(value)

    def get_missing_message(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """What would be accepted."""
        return f"{self._missing} {self._accepted}"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> Candidates:
        """The names."""
        return of_names(incomplete, self._names)
