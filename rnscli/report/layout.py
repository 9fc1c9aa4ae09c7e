"""What a table of rows shows: the layout of a command, and how a reader wants to see it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rnscli.base import Column, InputError, Uncertain, column_of_end, nearest, value_of

Row = dict[str, object]
Columns = Mapping[str, Column]


@dataclass(frozen=True, eq=False, repr=False)
class Layout:
    """Keys that a command's table shows, in order.

    A parameter that is the same in all rows stands once, above the table; ``optional`` keys are
    left out, first first, where the table would be too wide. ``second`` are results of a second
    table below the first, where there are many rows and a limited width. Where that is still too
    wide, results are left out from the right, but ``essential`` ones. What is ``fixed`` stands
    above the table if all rows agree, and nowhere if not; what was ``asked`` for is shown whatever
    it holds.
    """

    parameters: tuple[str, ...]
    results: tuple[str, ...]
    optional: tuple[str, ...] = ()
    second: tuple[str, ...] = ()
    essential: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        return (*self.parameters, *self.results, *self.second)

    def with_essential(self, keys: Sequence[str]) -> "Layout":
        """With some columns that are never left out, behind the others if it has not got them."""
        if not keys:
            return self
        more = tuple(key for key in keys if key not in self.keys)
        return replace(
            self,
            results=(*self.results, *more),
            essential=(*self.essential, *keys),
            optional=tuple(key for key in self.optional if key not in keys),
            fixed=tuple(key for key in self.fixed if key not in keys),
        )

    @property
    def joined(self) -> "Layout":
        """With the results of both tables in one."""
        return replace(self, results=(*self.results, *self.second), second=())

    @property
    def halves(self) -> "list[Layout]":
        """The layouts of both tables."""
        return [replace(self, second=()), replace(self, results=self.second, second=(), fixed=())]


@dataclass(frozen=True)
class View:
    """How a reader wants to see the rows, whatever the command's layout says.

    ``show`` are the keys of the columns to be shown, in this order; ``sort`` those that rows are
    sorted by, with a minus before a key for the largest first; ``wide`` leaves no column out;
    ``keys`` has keys in the place of headings.

    Examples
    --------
    >>> rows = [{"bits": 4, "p": None}, {"bits": 5, "p": 0.1}, {"bits": 6, "p": 0.2}]
    >>> [row["bits"] for row in View(sort=("-p",)).arranged(rows)]
    [6, 5, 4]
    """

    show: tuple[str, ...] = ()
    sort: tuple[str, ...] = ()
    wide: bool = False
    keys: bool = False

    def check(self, keys: Mapping[str, object], titles: Mapping[str, str]) -> None:
        """Refuse keys that do not exist; ``titles`` of tables are none, but may be meant."""
        named = {"show": self.show, "sort": tuple(one.removeprefix("-") for one in self.sort)}
        for option, given in named.items():
            for key in given:
                if key not in keys:
                    meant = titles.get(key)
                    near = f"; did you mean {meant}?" if meant else nearest(key, keys)
                    every = "; --keys shows those of a table, and rnscli schema COMMAND has all"
                    raise InputError(f"`{option}`: column {key} does not exist{near or every}")
            if len(set(given)) < len(given):
                raise InputError(f"`{option}` names a column twice; leave one of them out")

    def arranged(self, rows: Sequence[Row]) -> Sequence[Row]:
        """The rows as they are to be sorted; those without a value come last."""
        for one in reversed(self.sort):
            key = one.removeprefix("-")
            values = [(value_of(row, key), row) for row in rows]
            known = [(_rank(value), row) for value, row in values if value is not None]
            known.sort(key=lambda pair: pair[0], reverse=one != key)
            rows = [*(row for _, row in known), *(row for value, row in values if value is None)]
        return rows

    def applied(
        self, rows: Sequence[Row], columns: Columns, layout: Layout
    ) -> tuple[Sequence[Row], Columns, Layout]:
        """Rows, columns and layout with the columns to be shown, and what is fixed above them."""
        if not self.show:
            return rows, columns, layout
        # Ends of intervals are columns of CSV only.
        ends = {key: column_of_end(columns, key) for key in self.show if key not in columns}
        if ends:
            rows = [row | {key: value_of(row, key) for key in ends} for row in rows]
        fixed = (*layout.parameters, *layout.fixed)
        shown = Layout(
            parameters=(),
            results=self.show,
            essential=self.show,
            asked=self.show,
            fixed=tuple(key for key in fixed if key not in self.show),
        )
        return rows, {**columns, **ends}, shown


def _rank(value: object) -> tuple[object, ...]:
    """What a value is sorted by: numbers, then texts with numbers in them, then lists."""
    if isinstance(value, Uncertain):
        value = value.value
    if isinstance(value, int | float):
        return 0, value
    if isinstance(value, tuple | list):
        return 2, *map(_rank, value)
    parts = re.split(r"(\d+)", str(value))
    return 1, *((int(one), "") if one.isdigit() else (-1, one) for one in parts)
