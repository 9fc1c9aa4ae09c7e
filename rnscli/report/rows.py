"""Rows of a command as Python has them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from rnscli.base import InputError, flat_row, nearest, value_of
from rnscli.report.table import Columns, Layout, Row, table_text

if TYPE_CHECKING:
    import pandas

T_co = TypeVar("T_co", covariant=True)
MAX_SHOWN = 60


@dataclass(frozen=True, repr=False)
class Rows(Sequence[T_co], Generic[T_co]):
    """Rows by their places, columns by their keys; printed as the table that a shell shows.

    Parameters
    ----------
    objects
        The rows as frozen objects.
    table
        The same rows by the keys of ``--format json``, those of the options included.
    columns, layout
        What is said of the columns, and how the table shows them.
    shown
        How many rows it shows, the first ones; as many as can be read if not given.
    footer
        Lines below the table.

    Examples
    --------
    >>> import rnscli
    >>> rows = rnscli.moduli(bits=range(5, 8))
    >>> rows[1].moduli, rows["lost_bits"]
    ((63, 62, 61, 59), [11, 12, 13])
    >>> rows
    h = 128
    <BLANKLINE>
    bits  required  b_out  lost  moduli       N     range   log2
    ----  --------  -----  ----  -----------  -  --------  -----
       5     57601     16    11  31 29 28 27  4    679644  19.37
       6    246017     18    12  63 62 61 59  4  14057694  23.74
       7   1016065     20    13  127 126 125  3   2000250  20.93
    """

    objects: Sequence[T_co]
    table: Sequence[Row]
    columns: Columns
    layout: Layout
    shown: int | None = None
    footer: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.objects)

    @overload
    def __getitem__(self, place: int) -> T_co: ...
    @overload
    def __getitem__(self, place: slice) -> "Rows[T_co]": ...
    @overload
    def __getitem__(self, place: str) -> list[Any]: ...
    def __getitem__(self, place: int | slice | str) -> Any:
        """A row, several rows, or the values of a column.

        Raises
        ------
        InputError
            If there is no such column.
        """
        if isinstance(place, str):
            keys = [key for column in self.columns.values() for key in column.flat_keys]
            if place not in (*self.columns, *keys):
                raise InputError(f"there is no column {place!r}{nearest(place, self.columns)}")
            return [value_of(row, place) for row in self.table]
        if isinstance(place, slice):
            return Rows(self.objects[place], self.table[place], self.columns, self.layout)
        return self.objects[place]

    def to_dicts(self) -> list[Row]:
        """Each row by the keys of ``--format json``."""
        return [dict(row) for row in self.table]

    def to_pandas(self) -> "pandas.DataFrame":
        """A table with the columns of ``--format csv``: an interval is two of them.

        Raises
        ------
        InputError
            If pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise InputError(
                "to_pandas needs pandas; install it with: pip install pandas"
            ) from None
        columns = self.columns.values()
        keys = [key for column in columns for key in column.flat_keys]
        return pandas.DataFrame([flat_row(columns, row) for row in self.table], columns=keys)

    def __repr__(self) -> str:
        """The table, or how it begins where it is long."""
        if not self.table:
            return "no rows"
        text = table_text(
            self.table[: self.shown or MAX_SHOWN], self.columns, self.layout, "plain"
        ).rstrip("\n")
        cut = self.shown is None and len(self) > MAX_SHOWN
        return "\n".join([text, *([f"... {len(self)} rows in all"] if cut else []), *self.footer])
