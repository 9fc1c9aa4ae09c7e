"""Rows of a command in Python: a sequence that is shown as a table, and drawn."""

import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, overload

from rnscli.base import (
    InputError,
    check_choice,
    columns_of,
    flat_row,
    install_command,
    nearest,
    plain_rows,
    value_of,
)
from rnscli.report.layout import Columns, Layout, Row
from rnscli.report.picture import Draw, RowsPicture
from rnscli.report.table import WIDTH, html_text, table_text

if TYPE_CHECKING:
    import pandas

T_co = TypeVar("T_co", covariant=True)

MAX_SHOWN = 60  # rows of a table
_SEEN_BY = "by their keys, as in rows['bits']"


@dataclass(frozen=True, eq=False, repr=False)
class Drawing:
    """How rows are drawn.

    ``draw`` is what ``--plot`` does; ``others`` draw what else there is to be seen, by name. Where
    a picture takes no more than rows, which are ``enough`` then, parts of them can be drawn, too.
    ``problem`` is why there is no picture.
    """

    draw: Draw | None = None
    others: Mapping[str, Draw] = field(default_factory=dict)
    enough: bool = True
    problem: InputError | None = None

    @property
    def of_part(self) -> "Drawing":
        if self.draw is None or self.enough:
            return self
        what = "the picture is of all rows, and not of some of them; draw it before choosing some"
        return Drawing(problem=InputError(what))

    def named(self, picture: str | None) -> Draw:
        """What draws a picture of this name, or the usual one."""
        if self.problem is not None:
            raise self.problem
        if self.draw is None:
            raise InputError("there is no picture of these rows")
        if picture is None:
            return self.draw
        if not self.others:
            raise InputError(f"`picture` is {picture}, but there is only one; leave it out")
        return self.others[check_choice("picture", picture, tuple(self.others))]


@dataclass(frozen=True, repr=False)
class Rows(Sequence[T_co], Generic[T_co]):
    """Rows by their places, columns by their keys; printed as the table that a shell shows.

    A notebook shows a table of HTML.

    Parameters
    ----------
    objects
        The rows as frozen objects.
    table
        The same rows by the keys of ``--format json``, those of the options included.
    columns, layout
        Meaning and heading of each column, and how the table shows them.
    shown
        How many rows it shows, the first ones; as many as can be read if not given.
    footer
        Lines below the table.
    remarks
        Sentences about the rows, which were warnings when they were computed.
    drawing
        How they are drawn.

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
    >>> len(rows.where(bits=[5, 6]))
    2
    """

    objects: Sequence[T_co]
    table: Sequence[Row]
    columns: Columns
    layout: Layout
    shown: int | None = None
    footer: Sequence[str] = ()
    remarks: Sequence[str] = ()
    drawing: Drawing = field(default=Drawing(), compare=False)

    @classmethod
    def of(cls, objects: Iterable[T_co]) -> Self:
        """Rows of one type that come from elsewhere, such as parameter objects in a loop.

        Raises
        ------
        InputError
            If there are none, or they are not rows of one type.

        Examples
        --------
        >>> import rnscli
        >>> moduli = rnscli.ModuliSet([63, 62, 61, 59], redundant=1)
        >>> points = [rnscli.FaultParameters(moduli=moduli, p=p) for p in (1e-3, 1e-2)]
        >>> rows = Rows.of([rnscli.fault_probability(point) for point in points])
        >>> [f"{p_err:.2e}" for p_err in rows["p_err"]]
        ['3.99e-03', '3.94e-02']
        """
        given: list[Any] = list(objects)
        kinds: set[Any] = {type(one) for one in given}
        try:
            (kind,) = kinds
            columns = columns_of(kind)
        except (TypeError, ValueError):
            named = ", ".join(sorted(one.__name__ for one in kinds)) or "nothing"
            raise InputError(f"`objects` are of {named}; give rows of one type") from None
        table = plain_rows(given)
        # What all have in common stands above the table.
        told = tuple(
            key
            for key, one in columns.items()
            if one.identity or all(row[key] == table[0][key] for row in table)
        )
        # Of equal rows it would be all.
        results = tuple(key for key in columns if key not in told) or tuple(columns)
        return cls(given, table, columns, Layout(told if len(told) < len(columns) else (), results))

    def __len__(self) -> int:
        return len(self.objects)

    def __iter__(self) -> Iterator[T_co]:
        return iter(self.objects)

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
            self._check(place)
            return [value_of(row, place) for row in self.table]
        if isinstance(place, slice):
            return self._part(range(len(self))[place])
        return self.objects[place]

    def _check(self, key: str) -> None:
        keys = [key for column in self.columns.values() for key in column.flat_keys]
        if key not in (*self.columns, *keys):
            raise InputError(f"there is no column {key!r}{nearest(key, self.columns)}")

    def _part(self, places: Sequence[int]) -> "Rows[T_co]":
        if list(places) == list(range(len(self))):
            return replace(self)
        # Lines below the table may be about rows that are left out.
        return replace(
            self,
            objects=[self.objects[place] for place in places],
            table=[self.table[place] for place in places],
            shown=None,
            footer=(),
            remarks=(),
            drawing=self.drawing.of_part,
        )

    def where(self, **values: Any) -> "Rows[T_co]":
        """The rows whose columns have these values, or one of those in a list.

        Raises
        ------
        InputError
            If there is no such column.
        """
        kept: Sequence[int] = range(len(self))
        for key, wanted in values.items():
            self._check(key)
            if hasattr(wanted, "tolist"):  # of NumPy, pandas, PyTorch
                wanted = wanted.tolist()
            if callable(wanted) or isinstance(wanted, Iterator):
                raise InputError(f"`{key}` is a value that a column has, or a list of several")
            several = wanted if isinstance(wanted, list | set | range) else [wanted]
            if isinstance(wanted, tuple) and not self.columns[key].is_list:
                several = list(wanted)
            kept = [place for place in kept if value_of(self.table[place], key) in several]
        return self._part(kept)

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
                f"to_pandas needs pandas; install it with: {install_command('pandas')}"
            ) from None
        columns = self.columns.values()
        keys = [key for column in columns for key in column.flat_keys]
        return pandas.DataFrame([flat_row(columns, row) for row in self.table], columns=keys)

    def plot(self, path: str | Path | None = None, picture: str | None = None) -> RowsPicture:
        """The picture that ``--plot`` draws of the rows; a notebook shows it.

        Parameters
        ----------
        path
            Where to save it, as .png, .svg, .pdf or .html (`RowsPicture.save`).
        picture
            Which, where a command draws several: those of ``rnscli chip --picture``.

        Raises
        ------
        InputError
            If there is no such picture, matplotlib is not installed, or the file cannot be
            written.
        """
        if not self.table:
            raise InputError("there are no rows to draw")
        made = RowsPicture(self.drawing.named(picture), self.table)
        if path is not None:
            made.save(path)
        return made

    def _lines(self) -> tuple[Sequence[Row], list[str]]:
        """The rows of the table, and lines below it."""
        cut = self.shown is None and len(self) > MAX_SHOWN
        more = [f"... {len(self)} rows in all"] if cut else []
        return self.table[: self.shown or MAX_SHOWN], [*more, *self.footer]

    def __repr__(self) -> str:
        """The table, or how it begins where it is long."""
        if not self.table:
            return "no rows"
        is_terminal = sys.stdout is not None and sys.stdout.isatty()
        width = shutil.get_terminal_size((WIDTH, 0)).columns if is_terminal else WIDTH
        rows, below = self._lines()
        text = table_text(
            rows, self.columns, self.layout, "plain", seen_by=_SEEN_BY, width=width
        ).rstrip("\n")
        return "\n".join([text, *below])

    def _repr_html_(self) -> str:
        rows, below = self._lines()
        if not rows:
            return "<p>no rows</p>"
        below = [*below, *(f"warning: {one}" for one in self.remarks)]
        name = type(self.objects[0]).__name__ if len(self) == 1 else ""
        return html_text(rows, self.columns, self.layout, _SEEN_BY, below, name)
