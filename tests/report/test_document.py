import csv
import io
import json
import math
from typing import Any, NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnscli import __version__
from rnscli.report.schema import any_of, csv_text, json_text, number_schema, strict_object
from rnscli.report.table import Row

QUICK = settings(max_examples=50, deadline=None, derandomize=True)

values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**4000), 2**4000),
        st.floats(allow_nan=False),
        st.text(max_size=10),
    ),
    lambda inner: st.lists(inner, max_size=4).map(tuple),
    max_leaves=6,
)
keys = st.text("abcdefgh_", min_size=1, max_size=8)


def refuse(literal: str) -> NoReturn:
    raise AssertionError(literal)


def plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return value


@QUICK
@given(st.dictionaries(keys, values), st.lists(st.dictionaries(keys, values), max_size=3))
def test_json_round_trip(parameters: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    text = json_text("test", parameters, rows)
    assert text.endswith("}\n")
    assert json.loads(text, parse_constant=refuse) == {
        "schema": 2,
        "command": "test",
        "version": __version__,
        "parameters": {key: plain(value) for key, value in parameters.items()},
        "rows": [{key: plain(value) for key, value in row.items()} for row in rows],
    }


def test_json_infinity_is_text_and_nan_is_refused() -> None:
    text = json_text("test", {"attempts": (1, math.inf)}, [{"least": -math.inf}])
    assert json.loads(text)["parameters"] == {"attempts": [1, "inf"]}
    assert json.loads(text)["rows"] == [{"least": "-inf"}]
    with pytest.raises(ValueError, match="JSON"):
        json_text("test", {}, [{"value": math.nan}])


def test_json_is_plain_ascii() -> None:
    assert json_text("test", {"operands": "größe.npz"}, []).isascii()


def test_csv_cells() -> None:
    row: Row = {
        "none": None,
        "list": (1, 2.5, None),
        "empty": (),
        "infinite": math.inf,
        "text": 'a,"b"\nc',
        "small": 1e-300,
        "integer": 2**70,
        "flag": True,
    }
    text = csv_text(list(row), [row, row])
    header, first, second = csv.reader(io.StringIO(text))
    assert header == list(row)
    assert first == second
    assert first == [
        "", "1 2.5 ", "", "inf", 'a,"b"\nc', "1e-300", "1180591620717411303424", "True",
    ]  # fmt: skip


def test_csv_has_the_keys_it_is_given_in_that_order() -> None:
    rows: list[Row] = [{"a": 1, "b": 2, "c": 3}]
    assert csv_text(["c", "a"], rows) == "c,a\n3,1\n"
    assert csv_text(["a", "b"], []) == "a,b\n"


@QUICK
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=5))
def test_csv_numbers_are_exact(numbers: list[float]) -> None:
    rows: list[Row] = [{"value": number, "all": tuple(numbers)} for number in numbers]
    found = list(csv.DictReader(io.StringIO(csv_text(["value", "all"], rows))))
    assert [float(row["value"]) for row in found] == numbers
    assert [float(item) for item in found[0]["all"].split()] == numbers


def test_schemas_are_short() -> None:
    assert strict_object({"low": {"type": "number"}})["required"] == ["low"]
    either = any_of({"type": "integer", "minimum": 1}, {"type": "null"})
    assert either == {"type": ["integer", "null"], "minimum": 1}
    one = number_schema("number", low=1, infinite=True)
    assert one == {"anyOf": [{"type": "number", "minimum": 1}, {"const": "inf"}]}
