"""``rnscli schema``."""

import json
from pathlib import Path
from typing import Any

import click

from rnscli.cli.command import AnswerCommand
from rnscli.cli.option_schema import is_swept, names_of, option_schema, value_schema
from rnscli.cli.pipe import write_standard_output
from rnscli.cli.sweep import ParamType, shown
from rnscli.report.document import SCHEMA
from rnscli.report.files import check_writable, write_atomically
from rnscli.report.schema import DIALECT, Schema, any_of, row_schema, strict_object

# The commands that answer with rows, known without importing them.
ANSWERING = ("moduli", "error-sim", "fault-prob", "energy", "design", "store")


def document_schema(command: AnswerCommand) -> Schema:
    """JSON Schema (draft 2020-12) of the JSON document of a command that answers with rows."""
    options = {option.name: option for option in command.stated if option.name}
    names = {name: names_of(option) for name, option in options.items()}
    values = {name: value_schema(option.type) for name, option in options.items()}
    # One value of what is swept comes several times: alone, in a list, and in rows.
    definitions = {name: values[name] for name, option in options.items() if is_swept(option)}
    values |= {name: {"$ref": f"#/$defs/{name}"} for name in definitions}
    rows = []
    for row_type in command.row_types.values():
        columns = command.swept_columns(row_type).items()
        items = row_schema(row_type, {key: values[name] for name, key in columns}, names)
        rows.append({"type": "array", "items": items, "minItems": 1})
    properties: dict[str, Schema] = {
        "schema": {"description": "Version of this form of documents.", "const": SCHEMA},
        "command": {"description": "The command that answered.", "const": command.name},
        "version": {"description": "Version of rnscli that answered.", "type": "string"},
        "parameters": {"description": "The options, defaults filled in; base SI units."}
        | strict_object({name: option_schema(one, values[name]) for name, one in options.items()}),
        "rows": {"description": "The answer; base SI units, in the order of a sweep."}
        | any_of(*rows),
    }
    heading = {"$schema": DIALECT, "title": f"rnscli {command.name} --format json"}
    return heading | strict_object(properties) | ({"$defs": definitions} if definitions else {})


class _AnsweringType(ParamType):
    """A command that answers with rows."""

    name = "command"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> AnswerCommand:
        if isinstance(value, AnswerCommand):
            return value
        if value not in ANSWERING:
            self.fail(f"{shown(value)} is not accepted; it must be {_ONE}", param, ctx)
        assert ctx is not None
        group = ctx.find_root().command
        assert isinstance(group, click.Group)
        found = group.get_command(ctx, value)
        assert isinstance(found, AnswerCommand)
        return found

    def get_missing_message(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return f"It must be {_ONE}"


_ONE = f"one of {', '.join(ANSWERING)}"


@click.command("schema")
@click.argument("command", type=_AnsweringType(), metavar="COMMAND")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the schema there instead of to standard output.",
)
def command(command: AnswerCommand, output: Path | None) -> None:
    """Print the JSON Schema of the JSON output of a command.

    The schema (draft 2020-12) says what every key means, its type, its unit and its bounds, and
    accepts no other keys.

    \b
    rnscli schema energy
    rnscli schema fault-prob --output fault-prob.schema.json
    """
    if output is not None:
        check_writable(output, "--output")
    text = json.dumps(document_schema(command), indent=2, allow_nan=False) + "\n"
    if output is None:
        write_standard_output(text)
    else:
        write_atomically(output, text.encode())
