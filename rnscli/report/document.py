"""Rows for machines: one strict JSON object, or CSV with the same columns; base SI units."""

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence

from rnscli import __version__
from rnscli.base import Uncertain
from rnscli.report.table import Row

SCHEMA = 2


def json_text(command: str, parameters: Mapping[str, object], rows: Sequence[Row]) -> str:
    """The JSON document of a command's result.

    Infinity is the string ``"inf"``; a NaN cannot occur and would be refused.
    """
    document = {
        "schema": SCHEMA,
        "command": command,
        "version": __version__,
        "parameters": _plain(parameters),
        "rows": _plain(rows),
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def csv_text(keys: Sequence[str], rows: Sequence[Row]) -> str:
    """The rows as CSV; the members of a list are separated by spaces, nothing stands for null.

    Intervals are two columns each where the rows come from `rnscli.base.columns.flat_row`.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(keys)
    for row in rows:
        writer.writerow([_cell(row[key]) for key in keys])
    return text.getvalue()


def _plain(value: object) -> object:
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
    value = _plain(value)
    if isinstance(value, list):
        items = [str(_cell(item)) for item in value]
        return ("; " if any(" " in item for item in items) else " ").join(items)
    return "" if value is None else value
