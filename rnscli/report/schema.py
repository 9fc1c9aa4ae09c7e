"""Rows for machines: strict JSON or CSV in base SI units, and the JSON Schema of either."""

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, TypedDict, Union, get_args, get_origin

from rnscli import __version__
from rnscli.base import Column, Uncertain
from rnscli.report.table import Row

Schema = dict[str, Any]


class NamedFile(TypedDict):
    """A file that an option names, and the SHA-256 of its content."""

    option: str
    path: str
    sha256: str


DIALECT = "https://json-schema.org/draft/2020-12/schema"
SCHEMA = 2  # version of the JSON documents
_NAMES = {str: "string", bool: "boolean", NoneType: "null"}


def row_schema(columns: Mapping[str, Column], names: Mapping[str, Sequence[str]]) -> Schema:
    """Schema of a row with these columns, and the ``names`` that a key may have, where known."""
    properties = {}
    for key, column in columns.items():
        listed = (*names[key], *column.besides) if names.get(key) else ()
        of_hint = _of_hint(column.hint, column, listed)
        properties[key] = {"description": column.meaning} | of_hint
    return strict_object(properties)


def uncertain_schema(one: Schema) -> Schema:
    """Schema of a value that lies between two others, each as ``one`` says."""
    return strict_object({"value": one, "low": one, "high": one})


def strict_object(properties: Mapping[str, Schema]) -> Schema:
    """Schema of an object with these keys and no others."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def any_of(*schemas: Schema) -> Schema:
    """What one of several schemas accepts, as short as it can be said."""
    parts = [
        part for one in schemas for part in (one["anyOf"] if list(one) == ["anyOf"] else [one])
    ]
    if len(parts) == 1:
        return parts[0]
    first, *others = parts
    if "type" in first and others == [{"type": "null"}]:
        return first | {"type": [first["type"], "null"]}
    return {"anyOf": parts}


def number_schema(
    kind: str, low: float | None = None, high: float | None = None, infinite: bool = False
) -> Schema:
    """Schema of a number within bounds, which may be infinite, and then is the text ``inf``.

    Without a lower bound it may be ``-inf`` as well.
    """
    bounds = {"minimum": low, "maximum": high}
    schema = {"type": kind} | {name: end for name, end in bounds.items() if end is not None}
    ends = ("inf", "-inf") if low is None else ("inf",)
    return any_of(schema, *({"const": end} for end in ends)) if infinite else schema


def _of_hint(hint: Any, column: Column, names: Sequence[str]) -> Schema:
    """Schema of the values of a type hint."""
    if get_origin(hint) in (Union, UnionType):
        parts = sorted(get_args(hint), key=lambda part: part is NoneType)
        return any_of(*(_of_hint(part, column, names) for part in parts))
    if get_origin(hint) is tuple:
        members = get_args(hint)
        schema = {"type": "array", "items": _of_hint(members[0], column, names)}
        if members[-1] is not Ellipsis:
            return schema | {"minItems": len(members), "maxItems": len(members)}
        return schema if column.empty else schema | {"minItems": 1}
    if hint is str and names:
        return {"enum": list(names)}
    if hint is float:
        return number_schema("number", column.low, column.high, column.infinite)
    if hint is Uncertain:
        return uncertain_schema(number_schema("number", column.low, column.high))
    if hint is int:
        return number_schema("integer", column.low, column.high)
    return {"type": _NAMES[hint]}


def json_text(
    command: str,
    parameters: Mapping[str, object],
    rows: Sequence[Row],
    given: Sequence[str] | None = None,
    files: Sequence[NamedFile] = (),
) -> str:
    """The JSON document of a command's result.

       ``given`` are the parameters with other values than their defaults, where these are options;
       ``files`` are those that they name. Infinity
    is the string ``"inf"``; a NaN cannot occur and would be refused.
    """
    asked: dict[str, Any] = {} if given is None else {"given": list(given)}
    asked |= {"files": list(files)} if files else {}
    document = {
        "schema": SCHEMA, "command": command, "version": __version__,
        "parameters": _plain(parameters), **asked, "rows": _plain(rows),
    }  # fmt: skip
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def csv_text(keys: Sequence[str], rows: Sequence[Row]) -> str:
    """The rows as CSV; the members of a list are separated by spaces, nothing stands for null.

    Intervals are two columns each where the rows come from `rnscli.base.columns.flat_row`.
    """
    text = io.StringIO()
    cells = ([_cell(row[key]) for key in keys] for row in rows)
    csv.writer(text, lineterminator="\n").writerows([keys, *cells])
    return text.getvalue()


def _plain(value: object) -> object:
    if value is None or isinstance(value, str | int):  # most of a long table
        return value
    if isinstance(value, Uncertain):
        return {"value": value.value, "low": value.low, "high": value.high}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return value


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, str | int):
        return value
    value = _plain(value)
    if isinstance(value, list):
        items = [str(_cell(item)) for item in value]
        return ("; " if any(" " in item for item in items) else " ").join(items)
    return value
