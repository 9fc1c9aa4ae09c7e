"""A result that a JSON document holds, read back."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnscli import base
from rnscli.base import InputError, shown
from rnscli.report.schema import NamedFile
from rnscli.report.table import Row

_KEYS = ("schema", "command", "version", "parameters", "rows")
_ENDS = {"inf": math.inf, "-inf": -math.inf}
_MOST_BYTES = 1 << 30  # more than that is no result that anybody compares


@dataclass(frozen=True, eq=False, repr=False)
class SavedResult:
    """The rows of a command as ``--format json`` has written them, and what they were asked with.

    Values are those of the rows: lists are tuples again, and infinity is a number.
    """

    path: Path
    schema: int
    command: str
    version: str
    parameters: Mapping[str, Any]
    rows: tuple[Row, ...]
    given: tuple[str, ...] | None = None  # parameters that were not left to their defaults
    files: Sequence[NamedFile] = ()


def read_saved(path: Path, named: str = "") -> SavedResult:
    """Read a document.

    Parameters
    ----------
    path
        The file.
    named
        What stands before its name in a message, such as an option.

    Raises
    ------
    InputError
        If it cannot be read, or holds something else.
    """
    name = f"{named} {path}".strip()
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InputError(f"{name} is too large for a result; it has more than a gigabyte")
        text = path.read_text("utf-8")
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(_no_document(name)) from None
    return saved_of(text, path, name)


def saved_of(text: str, path: Path = Path(), name: str = "") -> SavedResult:
    """The result that the text of a document holds."""
    try:
        found = base.read_nested(
            lambda one: json.loads(one, parse_constant=_refused, parse_float=_finite), text
        )
    except ValueError as error:
        raise InputError(f"{_no_document(name)} ({error})") from None
    if not isinstance(found, dict) or any(key not in found for key in _KEYS):
        raise InputError(_no_document(name))
    schema, command, version, parameters, rows = (found[key] for key in _KEYS)
    texts = (command, version)
    if type(schema) is not int or not all(isinstance(one, str) for one in texts):
        raise InputError(_no_document(name))
    if not isinstance(parameters, dict) or not isinstance(rows, list) or not rows:
        raise InputError(_no_document(name))
    given = found.get("given")
    if given is not None and not (isinstance(given, list) and {*map(str, given)} <= {*parameters}):
        raise InputError(f"{_no_document(name)}: its key given is {shown(given)}")
    files = found.get("files", [])
    keys = NamedFile.__annotations__.keys()
    if not isinstance(files, list) or not all(
        isinstance(one, dict) and one.keys() == keys and all(isinstance(one[k], str) for k in keys)
        for one in files
    ):
        raise InputError(f"{_no_document(name)}: its key files is {shown(files)}")
    asked = None if given is None else tuple(given)
    read = []
    for place, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise InputError(f"{_no_document(name)}: row {place} is {shown(row)}")
        try:
            read.append({key: saved_value(value) for key, value in row.items()})
        except ValueError as error:
            raise InputError(f"{name}: row {place} cannot be read: {error}") from None
        if read[-1].keys() != read[0].keys():
            raise InputError(f"{_no_document(name)}: row {place} has other columns than row 1")
    return SavedResult(path, schema, command, version, parameters, tuple(read), asked, files)


def _no_document(name: str) -> str:
    return f"{name} is no result of rnscli; it must be what --format json of a command has written"


def _refused(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is no finite number")
    return number


def saved_value(value: Any) -> Any:
    """A value of a document as the command has it."""
    if isinstance(value, list):
        return tuple(map(saved_value, value))
    if isinstance(value, dict):
        numbers = {key: one for key, one in value.items() if isinstance(one, int | float)}
        if numbers.keys() != {"value", "low", "high"} or len(value) != len(numbers):
            raise ValueError(f"{shown(value)} is no value of a row")
        return base.Uncertain(**numbers)
    return _ENDS.get(value, value) if isinstance(value, str) else value
