"""Tables of a user: what is read, and every refusal in one sentence with its place."""

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnscli.base import csv_table
from rnscli.base.csv_table import Kind, Row, label, quantity, read_listing, read_table, whole_number
from rnscli.base.errors import InputError

QUICK = settings(max_examples=100, deadline=None, derandomize=True)

REQUIRED = {"name": label(), "size": whole_number(1, 100)}
OPTIONAL = {"energy_j": quantity(1e-30, 1e3)}


@pytest.fixture
def table(tmp_path: Path) -> Callable[[str | bytes], list[Row]]:
    """Reads what it is given, as a file."""

    def read(content: str | bytes) -> list[Row]:
        path = tmp_path / "given.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_table(path, REQUIRED, OPTIONAL, what="parts")

    return read


Table = Callable[[str | bytes], list[Row]]


def refusal(read: Callable[[], Any]) -> str:
    with pytest.raises(InputError) as caught:
        read()
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 400
    assert not message.endswith(".")
    return message


# What is accepted ---------------------------------------------------------------------------------


def test_rows_have_the_numbers_of_an_editor(table: Table) -> None:
    rows = table("# mine\n\nname,size\na,1\n   \n  # not this\nb,2\n")
    assert rows == [Row(4, {"name": "a", "size": 1}), Row(7, {"name": "b", "size": 2})]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_ends_of_lines(table: Table, end: str) -> None:
    assert [row.line for row in table(end.join(["name,size", "a,1", "", "b,2"]))] == [2, 4]


def test_byte_order_mark_of_spreadsheets(table: Table) -> None:
    assert table(b"\xef\xbb\xbfname,size\na,1\n")[0].cells == {"name": "a", "size": 1}


def test_columns_in_any_order_case_and_spacing(table: Table) -> None:
    (row,) = table(' Energy_J , S I Z E,"NAME"\n2e-12, 7 ,"a, b"\n')
    assert row.cells == {"name": "a, b", "size": 7, "energy_j": 2e-12}
    assert isinstance(row.cells["energy_j"], float)


def test_empty_cell_of_an_optional_column_is_left_out(table: Table) -> None:
    rows = table("name,size,energy_j\na,1,\nb,2,3\n")
    assert [row.cells.get("energy_j") for row in rows] == [None, 3.0]


def test_other_scripts_in_names(table: Table) -> None:
    assert table("name,size\nслой ①,1\n")[0].cells["name"] == "слой ①"


@QUICK
@given(st.floats(min_value=1e-300, max_value=1e300))
def test_quantities_are_read_as_they_are_written(number: float) -> None:
    kind = quantity(1e-300, 1e300)
    assert kind.convert(repr(number)) == number
    assert kind.convert(f"+{number!r}") == number


@QUICK
@given(st.integers(0, 2**40), st.integers(0, 2**40), st.integers(0, 2**40))
def test_whole_numbers_are_read_within_their_range(number: int, one: int, two: int) -> None:
    low, high = min(one, two), max(one, two)
    kind = whole_number(low, high)
    if low <= number <= high:
        assert kind.convert(str(number)) == number
    else:
        with pytest.raises(ValueError):
            kind.convert(str(number))


# Files --------------------------------------------------------------------------------------------


def test_file_that_does_not_exist(tmp_path: Path) -> None:
    path = tmp_path / "none.csv"
    message = refusal(lambda: read_table(path, REQUIRED, OPTIONAL, what="parts"))
    assert f"parts file {path} does not exist" in message
    assert "name, size, energy_j (optional)" in message


def test_directory(tmp_path: Path) -> None:
    assert f"{tmp_path} is a directory" in refusal(lambda: read_table(tmp_path, REQUIRED))


def test_pipe(tmp_path: Path) -> None:
    path = tmp_path / "pipe.csv"
    os.mkfifo(path)
    assert f"{path} is not a regular file" in refusal(lambda: read_table(path, REQUIRED))


def test_file_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret.csv"
    path.touch()

    def deny(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", deny)
    message = refusal(lambda: read_table(path, REQUIRED))
    assert f"{path} cannot be read: Permission denied" in message


def test_name_that_no_file_can_have() -> None:
    with pytest.raises(InputError, match=r"cannot be read|does not exist"):
        read_table("a" * 5000, REQUIRED)


def test_file_that_is_far_too_large(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    content = "name,size\na,1\n"
    monkeypatch.setattr(csv_table, "MAX_BYTES", len(content))
    assert len(table(content)) == 1
    message = refusal(lambda: table(content + "\n"))
    assert f"has {len(content) + 1} bytes; at most {len(content)}" in message


@pytest.mark.parametrize("content", ["", "\n\n", "# only this\n", b"\xef\xbb\xbf", " \r\n"])
def test_empty_file(table: Table, content: str | bytes) -> None:
    message = refusal(lambda: table(content))
    assert "given.csv is empty" in message
    assert "name, size, energy_j (optional)" in message


@pytest.mark.parametrize("content", ["name,size", "name,size\n# none\n\n"])
def test_header_without_rows(table: Table, content: str) -> None:
    assert "given.csv has a header but no rows" in refusal(lambda: table(content))


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"name,size\r\na,1\r\n\xff,2\r\n", 3),
        (b"\xef\xbb\xbfname,size\n\xe9,2\n", 2),
        (b"name,size\na,1\rb\0,2\n", 3),
        ("name,size\na,1\n".encode("utf-16"), 1),
        ("name,size\na,1\n".encode("utf-16-le"), 1),
        (b"PK\x03\x04\x14\x00\x06\x00\x08\x00", 1),  # a spreadsheet
    ],
)
def test_bytes_that_are_no_text(table: Table, content: bytes, line: int) -> None:
    message = refusal(lambda: table(content))
    assert f"given.csv, line {line} has bytes that are no text in UTF-8" in message


def test_number_of_rows(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text("name,size\na,1\nb,2\n\nc,3\n")
    assert len(read_table(path, REQUIRED, max_rows=3)) == 3
    message = refusal(lambda: read_table(path, REQUIRED, max_rows=2))
    assert "long.csv, line 5 is one row too many; at most 2 are accepted" in message


# Columns ------------------------------------------------------------------------------------------


def test_missing_column(table: Table) -> None:
    message = refusal(lambda: table("# mine\nNAME,energy_j,other\na,1,2\n"))
    assert "given.csv, line 2 has no column size" in message
    assert "NAME, energy_j, other" in message
    assert "accepted columns are name, size, energy_j (optional)" in message


def test_cells_separated_by_semicolons(table: Table) -> None:
    message = refusal(lambda: table("name;size\na;1\n"))
    assert "no column name; it has, separated by commas: name;size" in message


def test_missing_column_among_very_many(table: Table) -> None:
    message = refusal(lambda: table(",".join(f"column{i}" for i in range(5000)) + "\n"))
    assert "column7, ...;" in message
    assert "column8" not in message


def test_unknown_column(table: Table) -> None:
    message = refusal(lambda: table("name,size,weight\na,1,2\n"))
    assert "line 1: column weight is unknown" in message
    assert "accepted columns are name, size, energy_j (optional)" in message


def test_optional_columns_are_unknown_where_there_are_none(tmp_path: Path) -> None:
    path = tmp_path / "given.csv"
    path.write_text("name,size,energy_j\na,1,2\n")
    assert "column energy_j is unknown" in refusal(lambda: read_table(path, REQUIRED))


def test_column_without_a_name(table: Table) -> None:
    message = refusal(lambda: table("name,,size\na,,1\n"))
    assert "line 1: column number 2 has no name" in message


def test_a_comma_at_the_end_of_a_line(table: Table) -> None:
    """As other programs write topologies; an empty cell of an optional column is one."""
    rows = [Row(2, {"name": "a", "size": 1}), Row(3, {"name": "b", "size": 2})]
    for text in ("name,size,\na,1,\nb,2\n", "name,size\na,1,\nb,2,\n"):
        assert table(text) == rows
    assert table("name,size,energy_j,\na,1,\nb,2,,\n") == rows
    assert "has 3 cells" in refusal(lambda: table("name,size\na,1,,\n"))


def test_names_that_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "given.csv"
    path.write_text("name\nall\n")
    assert "not all" in refusal(lambda: read_table(path, {"name": label("all")}))


def test_column_twice(table: Table) -> None:
    message = refusal(lambda: table("name,size,Si ze\na,1,1\n"))
    assert "line 1 has column size twice" in message


def test_escape_sequences_do_not_reach_the_terminal(table: Table) -> None:
    assert "column \\x1b[31mred is unknown" in refusal(lambda: table("name,size,\x1b[31mred\n"))


# Cells --------------------------------------------------------------------------------------------


def test_too_few_cells(table: Table) -> None:
    message = refusal(lambda: table("name,size,energy_j\na,1,1\nb,2\n"))
    assert "line 3 has 2 cells, from column energy_j on none; it must have 3" in message
    assert "name, size, energy_j" in message
    assert "line 2 has 1 cell, from column size on none" in refusal(
        lambda: table("name,size\nlonely\n")
    )


def test_too_many_cells(table: Table) -> None:
    message = refusal(lambda: table("name,size\na,1\nb,2,3\n"))
    assert "line 3 has 3 cells; it must have 2: name, size" in message


@pytest.mark.parametrize("bad", ["", "abc", "1.5", "-1", "0", "101", "1e1", "1_0", "٣", "nan",
                                 "1" * 5000, "0x1f", "+", "1 0"])  # fmt: skip
def test_cells_that_are_no_whole_number_in_range(table: Table, bad: str) -> None:
    message = refusal(lambda: table(f"name,size\na,1\nb,{bad}\n"))
    held = "is empty" if not bad else f"is {bad if len(bad) <= 60 else '1' * 57 + '...'}"
    assert f"given.csv, line 3, column size {held}; it must be a whole number from 1 to 100" in (
        message
    )


@pytest.mark.parametrize("bad", ["abc", "nan", "NaN", "inf", "-inf", "Infinity", "-1e-12", "0",
                                 "1e-400", "1e999", "1001", "1_0", "1e", ".", "--1", "0x1p3",
                                 "1e-12 J", "٣", "1" * 100_000 + "x"])  # fmt: skip
def test_cells_that_are_no_quantity_in_range(table: Table, bad: str) -> None:
    message = refusal(lambda: table(f"name,size,energy_j\na,1,{bad}\n"))
    assert "given.csv, line 2, column energy_j is" in message
    assert bad[:57] in message
    assert "it must be a number from 1e-30 to 1000" in message


@pytest.mark.parametrize("bad", ["inf", "1e999"])
def test_quantities_without_a_limit_are_finite(bad: str) -> None:
    with pytest.raises(ValueError):
        quantity(0.0, math.inf).convert(bad)


def test_required_quantity_may_not_be_empty(tmp_path: Path) -> None:
    path = tmp_path / "given.csv"
    path.write_text("rate_hz,enob\n,5\n")
    kinds = {"rate_hz": quantity(1.0, 1e15), "enob": quantity(1.0, 32.0)}
    message = refusal(lambda: read_table(path, kinds))
    assert "line 2, column rate_hz is empty; it must be a number from 1 to 1e+15" in message


@pytest.mark.parametrize("bad", ["", "a\x1bb", "x" * 201, "a\u2028b"])
def test_cells_that_are_no_name(table: Table, bad: str) -> None:
    message = refusal(lambda: table(f"name,size\n{bad},1\n"))
    assert "line 2, column name is" in message
    assert "it must be a name of 1 to 200 printable characters" in message


def test_longest_name(table: Table) -> None:
    assert table(f"name,size\n{'x' * 200},1\n")[0].cells["name"] == "x" * 200


@pytest.mark.parametrize("row", ['"a,1', '"a"b,1', '"a\n",1', "x" * 140_000 + ",1"])
def test_lines_that_are_no_cells(table: Table, row: str) -> None:
    assert "line 2 cannot be split into cells" in refusal(lambda: table(f"name,size\n{row}\n"))


def test_kinds_of_a_caller(tmp_path: Path) -> None:
    path = tmp_path / "given.csv"
    path.write_text("converter\nadc\ndac\n")
    choice = Kind(["dac", "adc"].index, "dac or adc")
    rows = read_table(path, {"converter": choice})
    assert [row.cells for row in rows] == [{"converter": 1}, {"converter": 0}]
    path.write_text("converter\ntdc\n")
    message = refusal(lambda: read_table(path, {"converter": choice}))
    assert message == f"table file {path}, line 2, column converter is tdc; it must be dac or adc"


@QUICK
@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.csv"
    path.write_bytes(b"name,size\na," + content)
    try:
        rows = read_table(path, REQUIRED)
    except InputError as error:
        assert "fuzz.csv" in str(error)
    else:
        assert all(1 <= row.cells["size"] <= 100 for row in rows)


# Files that were not made for this package --------------------------------------------------------


def listing(folder: Path, text: str, *, size: str = "Size") -> list[Row]:
    path = folder / "given.csv"
    path.write_text(text)

    def understood(headings: list[str]) -> dict[str, Kind]:
        if size not in headings:
            raise InputError(f"has no column {size}")
        return {size: whole_number(1, 100)}

    return read_listing(path, understood, size, what="parts")


def test_a_listing_has_what_is_understood_of_it(tmp_path: Path) -> None:
    """Cells in quotes go on over lines, blank ones and such that look like comments."""
    text = '# theirs\n,Title,Size,\n0,"a\n# b\n\n""c""",7,\n\n# not this\n1,d,,\n2,"e",8,\n'
    assert listing(tmp_path, text) == [Row(3, {"Size": 7}), Row(9, {}), Row(10, {"Size": 8})]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Title\na\n", ("line 1 has no column Size",)),
        ("Size,Size\n1,2\n", ("line 1 has column Size twice",)),
        ("Title,Size\n\n\na,x\n", ("line 4, column Size is x", "whole number from 1 to 100")),
        ("Title,Size\na\n", ("line 2 has 1 cell, from column Size on none",)),
        ('Title,Size\n"a\nb,1\nc,2\n', ("line 2 cannot be split", "double quote")),
        ("Title,Size\n", ("no rows",)),
        ("", ("is empty", "Size")),
    ],
)
def test_a_listing_that_is_refused(text: str, parts: tuple[str, ...], tmp_path: Path) -> None:
    message = refusal(lambda: listing(tmp_path, text))
    for part in parts:
        assert part in message.replace(str(tmp_path), "")
