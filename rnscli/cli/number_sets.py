"""Option values that are sets of whole numbers, such as moduli."""

from dataclasses import dataclass
from typing import Any

import click

from rnscli.cli.sweep import ParamType, shown


class IntSetType(ParamType):
    """Whole numbers that belong together, such as a set of moduli: ``63,62,61,59``."""

    name = "INT,INT,.."

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """The members as given."""
        if isinstance(value, tuple):
            return value
        try:
            members = tuple(int(item) for item in str(value).replace(",", " ").split())
        except ValueError:
            members = ()
        if not members:
            self.fail(
                f"{shown(value)} is not accepted; it must be whole numbers such as 63,62,61,59",
                param,
                ctx,
            )
        return members


@dataclass(frozen=True)
class SplitSet:
    """Moduli that say themselves which of them are redundant: ``61,59,55,53+63,62``."""

    information: tuple[int, ...]
    redundant: tuple[int, ...]

    def __str__(self) -> str:
        """As it is written."""
        return "+".join(",".join(map(str, part)) for part in (self.information, self.redundant))


class ModuliType(IntSetType):
    """A set of moduli, ``63,62,61,59``, or a `SplitSet`, ``61,59,55,53+63,62``."""

    name = "INT,INT,..[+INT,..]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The members as given, or both parts of them."""
        if isinstance(value, SplitSet):
            return value
        parts = value.split("+") if isinstance(value, str) else [value]
        members = [super(ModuliType, self).convert(part, param, ctx) for part in parts]
        if len(members) == 1:
            return members[0]
        if len(members) > 2 or min(members[1]) < max(members[0]):
            self.fail(
                f"{shown(value)} is not accepted; after a + come the redundant moduli, which are "
                "the largest, as in 61,59,55,53+63,62",
                param,
                ctx,
            )
        return SplitSet(*members)
