"""Rows of results: frozen objects that show themselves."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, Self, overload

from rnscli.base.columns import columns_of
from rnscli.base.described import Described, facts_text
from rnscli.base.errors import InputError


class Picture(Protocol):
    """A picture that a notebook shows."""

    def save(self, path: str | Path) -> Path: ...


class Among(Protocol):
    """Rows that a row came with."""

    @overload
    def __getitem__(self, place: int) -> Any: ...
    @overload
    def __getitem__(self, place: slice) -> "Among": ...

    def plot(self, path: str | Path | None = None, picture: str | None = None) -> Picture: ...
    def _repr_html_(self) -> str: ...


class ResultRow(Described):
    """A row of a result, whose fields are columns (`Column`).

    One that a call with options gave is shown as the shell shows it, and can be drawn; one made in
    another way has all that it holds.
    """

    _among: "tuple[Among, int] | None" = None

    def among(self, rows: Among, place: int) -> Self:
        """The row as one that came with others, at a place of these."""
        made = type(self).__new__(type(self))
        # Not by a constructor: the row is what it was.
        vars(made).update(vars(self), _among=(rows, place))
        return made

    def facts(self) -> list[tuple[str, str]]:
        kind: Any = type(self)
        (row,) = plain_rows([self])
        found = []
        for key, column in columns_of(kind).items():
            value = row[key]
            repeated = column.same_as is not None and value == row.get(column.same_as)
            if value in (None, ()) or value == column.usual or repeated:
                continue
            shown = column.shown(value, row)
            found.append((column.name(shown), shown))
        return found

    def plot(self, path: str | Path | None = None, picture: str | None = None) -> Picture:
        """The picture that ``--plot`` draws of the row; see `rnscli.Rows.plot`.

        Raises
        ------
        InputError
            If the row is not of a call with options, or there is no picture of it.
        """
        alone = self._alone()
        if alone is None:
            raise InputError(
                "only rows of a call with options, such as rnscli.energy(bits=6), can be drawn"
            )
        return alone.plot(path, picture)

    def _alone(self) -> Among | None:
        """Rows with this one only, if it came with others."""
        if self._among is None:
            return None
        rows, place = self._among
        return rows[place : place + 1]

    def __str__(self) -> str:
        alone, name = self._alone(), type(self).__name__
        return facts_text(name, self.facts()) if alone is None else f"{name}\n{alone!r}"

    def _repr_html_(self) -> str:
        alone = self._alone()
        return super()._repr_html_() if alone is None else alone._repr_html_()

    def __getstate__(self) -> dict[str, Any]:
        """Without the others, whose pictures are no data."""
        return {name: value for name, value in vars(self).items() if name != "_among"}


def plain_rows(rows: Sequence[ResultRow]) -> list[dict[str, object]]:
    """Rows of one type by the keys of their columns."""
    kind: Any = type(rows[0]) if rows else None
    keys = tuple(columns_of(kind)) if rows else ()
    return [{key: getattr(row, key) for key in keys} for row in rows]
