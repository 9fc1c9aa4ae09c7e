"""Small tables of a user: CSV files whose every mistake is named with its line and column."""

import csv
import io
import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from rnscli.base.errors import InputError, bound, printable, shown
from rnscli.base.files import problem_of

MAX_BYTES = 1 << 26
MAX_LABEL = 200

_WHOLE = r"\+?[0-9]+"
_DECIMAL = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"


class Kind(NamedTuple):
    """What the cells of a column hold."""

    convert: Callable[[str], Any]  # makes a value of the text of a cell, or raises ValueError
    wanted: str  # the values that it takes, in words that follow "it must be"


class Row(NamedTuple):
    """A line of a table: its number in the file, from 1, and its values by column."""

    line: int
    cells: dict[str, Any]  # without empty ones of optional columns


def whole_number(low: int, high: int) -> Kind:
    """Cells with a whole number in ``[low, high]``, ``low`` not negative, in plain digits."""

    def convert(text: str) -> int:
        # int() would also take 1_000 and digits of other scripts.
        if not re.fullmatch(_WHOLE, text) or not low <= (number := int(text)) <= high:
            raise ValueError
        return number

    return Kind(convert, f"a whole number from {low} to {bound(high)}")


def signed_number(reach: int) -> Kind:
    """Cells with a whole number from ``-reach`` to ``reach``, in plain digits."""

    def convert(text: str) -> int:
        if not re.fullmatch(f"-?{_WHOLE}", text) or abs(number := int(text)) > reach:
            raise ValueError
        return number

    return Kind(convert, f"a whole number from -{bound(reach)} to {bound(reach)}")


def quantity(low: float, high: float) -> Kind:
    """Cells with a finite number in ``[low, high]``, such as ``0.5`` or ``2e-12``."""

    def convert(text: str) -> float:
        # float() would also take nan, inf, 1_000 and digits of other scripts.
        number = float(text) if re.fullmatch(_DECIMAL, text) else math.nan
        if not math.isfinite(number) or not low <= number <= high:
            raise ValueError
        return number

    return Kind(convert, f"a number from {low:g} to {high:g}")


def label(*taken: str) -> Kind:
    """Cells with a name, but for those taken, which reports can show as it is."""

    def convert(text: str) -> str:
        if not 0 < len(text) <= MAX_LABEL or not text.isprintable() or text in taken:
            raise ValueError
        return text

    besides = f", but not {' or '.join(taken)}" if taken else ""
    return Kind(convert, f"a name of 1 to {MAX_LABEL} printable characters{besides}")


def read_table(
    path: str | Path,
    required: Mapping[str, Kind],
    optional: Mapping[str, Kind] | None = None,
    *,
    what: str = "table",
    max_rows: int = 100_000,
) -> list[Row]:
    """Read a CSV file with a header: a row a line, cells separated by commas, in UTF-8.

    Names of columns are matched whatever their case and spaces, in any order; none beside the
    required and optional ones is accepted. Blank lines, and lines that start with ``#``, are
    skipped; spaces around a cell, and a comma at the end of a line, do not count. Cells may be in
    double quotes, but do not go on in the next line. ``what`` the file holds is for messages.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "layers.csv"
    ...     _ = file.write_text("# mine\\nLayer, M\\nfirst, 64\\n")
    ...     read_table(file, {"layer": label(), "m": whole_number(1, 256)})
    [Row(line=3, cells={'layer': 'first', 'm': 64})]
    """
    kinds = {**required, **(optional or {})}
    accepted = ", ".join(n if n in required else f"{n} (optional)" for n in kinds)
    name = f"{what} file {_shown_path(path)}"

    def header(where: str, cells: list[str]) -> tuple[list[str], Mapping[str, Kind]]:
        return _header(where, cells, required, kinds, accepted), kinds

    lines = enumerate(_lines(Path(path), name, accepted), start=1)
    return _rows(lines, name, accepted, header, required, max_rows)


def read_listing(
    path: str | Path,
    understood: Callable[[list[str]], Mapping[str, Kind]],
    accepted: str,
    *,
    what: str = "table",
    max_rows: int = 100_000,
) -> list[Row]:
    """Read a CSV file that was not made for this package, by the headings that are understood.

    As `read_table`, but other columns are left out and cells may be empty or, in double quotes, go
    on in the next line. ``understood`` gets the headings and says what the cells of those that
    count hold, or raises `InputError`; ``accepted`` says which it would take.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "list.csv"
    ...     _ = file.write_text('Title,M\\n"long,\\ntext",64\\nshort,\\n')
    ...     read_listing(file, lambda headings: {"M": whole_number(1, 256)}, "M")
    [Row(line=2, cells={'M': 64}), Row(line=4, cells={})]
    """
    name = f"{what} file {_shown_path(path)}"

    def header(where: str, cells: list[str]) -> tuple[list[str], Mapping[str, Kind]]:
        try:
            kinds = understood(cells)
        except InputError as error:
            raise InputError(f"{where} {error}") from None
        for heading in kinds:
            if cells.count(heading) > 1:
                raise InputError(f"{where} has column {shown(heading)} twice; give it once")
        return cells, kinds

    lines = _whole(_lines(Path(path), name, accepted))
    return _rows(lines, name, accepted, header, (), max_rows)


def read_cells(
    path: str | Path, accepted: str, *, what: str = "table"
) -> Iterator[tuple[str, list[str]]]:
    """The cells of every line of a CSV file that has any, each with the words for where it is.

    For files whose lines have different numbers of cells; ``accepted`` says which columns they
    must have. What starts with ``#`` is skipped.
    """
    name = f"{what} file {_shown_path(path)}"
    for line, text in enumerate(_lines(Path(path), name, accepted), start=1):
        if text.strip(", \t\n") and not text.lstrip().startswith("#"):
            where = f"{name}, line {line}"
            yield where, _split(where, text)


def _rows(
    lines: Iterable[tuple[int, str]],
    name: str,
    accepted: str,
    header: Callable[[str, list[str]], tuple[list[str], Mapping[str, Kind]]],
    required: Collection[str],
    max_rows: int,
) -> list[Row]:
    """Those of numbered lines, the first of which has the columns."""
    columns: list[str] = []
    kinds: Mapping[str, Kind] = {}
    rows: list[Row] = []
    for line, text in lines:
        if not text.strip() or text.lstrip().startswith("#"):
            continue
        where = f"{name}, line {line}"
        cells = _split(where, text)
        if len(cells) > max(1, len(columns)) and not cells[-1]:
            cells.pop()  # behind a comma at the end of the line
        if not columns:
            columns, kinds = header(where, cells)
            continue
        if len(rows) == max_rows:
            raise InputError(f"{where} is one row too many; at most {max_rows} are accepted")
        rows.append(Row(line, _values(where, cells, columns, kinds, required)))
    if not columns:
        raise InputError(f"{name} is empty; it must start with a line of columns: {accepted}")
    if not rows:
        raise InputError(f"{name} has a header but no rows; give at least one")
    return rows


def _shown_path(path: str | Path) -> str:
    """A path by its end, which says most."""
    text = printable(str(path))
    return text if len(text) <= 160 else f"...{text[-157:]}"


def _lines(path: Path, name: str, accepted: str) -> Iterable[str]:
    """The lines of the file, by any convention of their ends, one after the other."""
    wanted = f"it must be a CSV file with columns {accepted}"
    try:
        if problem := problem_of(path):
            raise InputError(f"{name} {problem}; {wanted}")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise InputError(f"{name} has {size} bytes; at most {MAX_BYTES} are accepted")
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}; {wanted}") from None
    # The mark that spreadsheets begin with is none of it.
    data = data.removeprefix("\ufeff".encode()).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    try:
        text = data.decode("utf-8")
        bad = data.find(b"\0")
    except UnicodeDecodeError as error:
        text, bad = "", error.start
    if bad >= 0:
        line = data.count(b"\n", 0, bad) + 1
        raise InputError(
            f"{name}, line {line} has bytes that are no text in UTF-8; save it as CSV in UTF-8"
        )
    return io.StringIO(text, newline="\n")  # a list of all would take much memory


def _whole(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Lines with their numbers, those joined that a double quote which is not closed goes through.

    A file in which one is never closed ends in one long line, which `_split` refuses.
    """
    first, quoted = 0, False
    parts: list[str] = []
    for line, text in enumerate(lines, start=1):
        if not parts:
            first = line
            if text.lstrip().startswith("#"):
                continue
        parts.append(text)
        quoted ^= text.count('"') % 2 == 1
        if not quoted:
            yield first, "".join(parts)
            parts = []
    if parts:
        yield first, "".join(parts)


def _split(where: str, text: str) -> list[str]:
    try:
        (cells,) = csv.reader([text], skipinitialspace=True, strict=True)
    except csv.Error:
        raise InputError(
            f"{where} cannot be split into cells: a double quote is not closed in the line and "
            f"before a comma, or a cell has more than {csv.field_size_limit()} characters"
        ) from None
    return [cell.strip() for cell in cells]


def _header(
    where: str,
    cells: list[str],
    required: Mapping[str, Kind],
    kinds: Mapping[str, Kind],
    accepted: str,
) -> list[str]:
    """The names of the columns as this package spells them."""
    known = {_key(name): name for name in kinds}
    names = [known.get(_key(cell)) for cell in cells]
    for name in required:
        if name not in names:
            raise InputError(
                f"{where} has no column {name}; it has, separated by commas: {listed(cells)}; "
                f"accepted columns are {accepted}"
            )
    columns: list[str] = []
    for cell, column in zip(cells, names, strict=True):
        if column is None:
            problem = (
                f"{shown(cell)} is unknown" if cell else f"number {len(columns) + 1} has no name"
            )
            raise InputError(f"{where}: column {problem}; accepted columns are {accepted}")
        if column in columns:
            raise InputError(f"{where} has column {column} twice; give it once")
        columns.append(column)
    return columns


def listed(cells: list[str]) -> str:
    """The first of some cells, in words."""
    return ", ".join(shown(cell) for cell in cells[:8]) + (", ..." if len(cells) > 8 else "")


def _values(
    where: str,
    cells: list[str],
    columns: list[str],
    kinds: Mapping[str, Kind],
    required: Collection[str],
) -> dict[str, Any]:
    if len(cells) != len(columns):
        # A cell beyond the last column has none to be named by.
        missing = shown(columns[len(cells)]) if len(cells) < len(columns) else ""
        place = f", from column {missing} on none" if missing else ""
        plural = "" if len(cells) == 1 else "s"
        raise InputError(
            f"{where} has {len(cells)} cell{plural}{place}; it must have {len(columns)}: "
            f"{listed(columns)}"
        )
    values: dict[str, Any] = {}
    for column, cell in zip(columns, cells, strict=True):
        if column not in kinds or (not cell and column not in required):
            continue
        try:
            values[column] = kinds[column].convert(cell)
        except ValueError:
            raise InputError(
                f"{where}, column {shown(column)} is {shown(cell) or 'empty'}; it must be "
                f"{kinds[column].wanted}"
            ) from None
    return values


def _key(name: str) -> str:
    """Of a column, whatever its case and spaces."""
    return "".join(name.split()).casefold()
