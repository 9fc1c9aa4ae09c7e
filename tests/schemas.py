"""Compares JSON documents with the schemas of their commands."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import jsonschema
from jsonschema import Draft202012Validator

from rnscli.cli import main
from rnscli.cli.commands.schema import Answering, document_schema


def command_named(name: str) -> Answering:
    """A command that answers with rows."""
    found = main.command_named(name)
    assert isinstance(found, Answering)
    return found


Errors = Iterator[jsonschema.ValidationError]
_fitting: set[tuple[int, type, object]] = set()  # by the identity of the schema, which is kept


def _properties(validator: Any, properties: Mapping[str, Any], row: Any, schema: Any) -> Errors:
    """As of the standard; rows repeat most values, and each is looked at once."""
    if not validator.is_type(row, "object"):
        return
    for name, wanted in properties.items():
        if name not in row:
            continue
        value = row[name]
        key = (id(wanted), type(value), value) if isinstance(value, str | int | None) else None
        if key in _fitting:
            continue
        errors = list(validator.descend(value, wanted, path=name, schema_path=name))
        yield from errors
        if key is not None and not errors:
            _fitting.add(key)


def _any_of(validator: Any, choices: list[Any], value: Any, schema: Any) -> Errors:
    """As of the standard, but that a choice is left at its first error."""
    if not any(validator.evolve(schema=one).is_valid(value) for one in choices):
        yield from Draft202012Validator.VALIDATORS["anyOf"](validator, choices, value, schema)


_Quick: Any = jsonschema.validators.extend(
    Draft202012Validator, {"properties": _properties, "anyOf": _any_of}
)


@cache
def _validator(command: str) -> Any:
    return _Quick(document_schema(command_named(command)))


def check_document(document: dict[str, Any]) -> None:
    """Fail where a document is not as the schema of its command says."""
    error = jsonschema.exceptions.best_match(_validator(document["command"]).iter_errors(document))
    assert error is None, f"{error.json_path}: {error.message}"
