"""JSON Schemas of rows, from the type hints of their dataclasses and the meanings of their keys."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from rnscli.report.meanings import Meaning, meaning_of

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def row_schema(
    row_type: type, swept: Mapping[str, Schema], names: Mapping[str, Sequence[str]]
) -> Schema:
    """Schema of a row.

    Parameters
    ----------
    row_type
        Its dataclass.
    swept
        Schemas of the columns that a sweep may add.
    names
        Texts that a key may have, where they are known.

    Examples
    --------
    >>> from rnscli.analysis.moduli import ModuliRow
    >>> row_schema(ModuliRow, {}, {})["properties"]["bits"]
    {'description': 'Bits b of the converters.', 'type': 'integer', 'minimum': 1}
    """
    hints = get_type_hints(row_type)
    properties: dict[str, Schema] = {}
    for field in fields(row_type):
        meaning = meaning_of(row_type.__name__, field.name)
        found = _of_hint(hints[field.name], meaning, names.get(field.name, ()))
        properties[field.name] = {"description": meaning.text} | found
    for key, schema in swept.items():
        properties[key] = {"description": meaning_of(row_type.__name__, key).text} | schema
    return strict_object(properties, required=[field.name for field in fields(row_type)])


def strict_object(properties: Mapping[str, Schema], required: list[str] | None = None) -> Schema:
    """Schema of an object with these keys and no others; all of them unless some are ``required``.

    Examples
    --------
    >>> strict_object({"low": {"type": "number"}})["required"]
    ['low']
    """
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties) if required is None else required,
        "additionalProperties": False,
    }


def any_of(*schemas: Schema) -> Schema:
    """What one of several schemas accepts, as short as it can be said.

    Examples
    --------
    >>> any_of({"type": "integer", "minimum": 1}, {"type": "null"})
    {'type': ['integer', 'null'], 'minimum': 1}
    """
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

    Examples
    --------
    >>> number_schema("number", low=1, infinite=True)
    {'anyOf': [{'type': 'number', 'minimum': 1}, {'const': 'inf'}]}
    """
    schema: Schema = {"type": kind}
    if low is not None:
        schema["minimum"] = low
    if high is not None:
        schema["maximum"] = high
    return any_of(schema, {"const": "inf"}) if infinite else schema


def _of_hint(hint: Any, meaning: Meaning, names: Sequence[str]) -> Schema:
    """Schema of the values of a type hint."""
    if get_origin(hint) in (Union, UnionType):
        parts = sorted(get_args(hint), key=lambda part: part is NoneType)
        return any_of(*(_of_hint(part, meaning, names) for part in parts))
    if get_origin(hint) is tuple:
        members = get_args(hint)
        schema = {"type": "array", "items": _of_hint(members[0], meaning, names)}
        if members[-1] is not Ellipsis:
            return schema | {"minItems": len(members), "maxItems": len(members)}
        return schema if meaning.empty else schema | {"minItems": 1}
    if hint is str and names:
        return {"enum": list(names)}
    if hint is float:
        return number_schema("number", meaning.low, meaning.high, meaning.infinite)
    if hint is int:
        return number_schema("integer", meaning.low, meaning.high)
    return {"type": _NAMES[hint]}


_NAMES = {str: "string", bool: "boolean", NoneType: "null"}
