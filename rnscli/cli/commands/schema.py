"""``rnscli schema``."""

import json
from pathlib import Path

import click

from rnscli.base import check_writable, write_atomically
from rnscli.cli.command import AnswerCommand, SummaryCommand
from rnscli.cli.main import ANSWERING
from rnscli.cli.options import NameArgument, is_swept, names_of, option_schema, value_schema
from rnscli.cli.terminal import WithExamples, write_standard_output
from rnscli.report import DIALECT, SCHEMA, Schema, any_of, row_schema, strict_object

Answering = AnswerCommand | SummaryCommand


def document_schema(command: Answering) -> Schema:
    """JSON Schema (draft 2020-12) of the JSON document of a command that answers with rows."""
    parts = _of_summary(command) if isinstance(command, SummaryCommand) else _of_answer(command)
    parameters, items, definitions = parts
    rows = [{"type": "array", "items": one, "minItems": 1} for one in items]
    properties: dict[str, Schema] = {
        "schema": {"description": "Version of this form of documents.", "const": SCHEMA},
        "command": {"description": "The command that answered.", "const": command.name},
        "version": {"description": "Version of rnscli that answered.", "type": "string"},
        "parameters": {"description": "The options, defaults filled in; base SI units."}
        | strict_object(parameters),
        "rows": {"description": "The answer; base SI units, in the order of a sweep."}
        | any_of(*rows),
    }
    heading = {"$schema": DIALECT, "title": f"rnscli {command.name} --format json"}
    return heading | strict_object(properties) | ({"$defs": definitions} if definitions else {})


_Parts = tuple[dict[str, Schema], list[Schema], dict[str, Schema]]


def _of_answer(command: AnswerCommand) -> _Parts:
    """Schemas of the parameters, of each kind of rows, and of what both share."""
    options = {option.name: option for option in command.stated if option.name}
    values = {name: value_schema(option.type) for name, option in options.items()}
    # One value of what is swept comes twice: alone, and in a list.
    definitions = {name: values[name] for name, option in options.items() if is_swept(option)}
    values |= {name: {"$ref": f"#/$defs/{name}"} for name in definitions}
    names = {name: names_of(option) for name, option in options.items()}
    rows = [row_schema(columns, names) for columns in command.columns_by_type.values()]
    parameters = {name: option_schema(one, values[name]) for name, one in options.items()}
    return parameters, rows, definitions


def _of_summary(command: SummaryCommand) -> _Parts:
    parameters: dict[str, Schema] = {
        name: {"description": meaning, "type": "string"}
        for name, meaning in command.parameters.items()
    }
    return parameters, [row_schema(one, {}) for one in command.columns_by_type.values()], {}


@click.command("schema", cls=WithExamples)
@click.argument("command", type=NameArgument(tuple(ANSWERING), "It must be"), metavar="COMMAND")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the schema there instead of to standard output.",
)
@click.pass_context
def command(context: click.Context, command: str, output: Path | None) -> None:
    """Print the JSON Schema of the JSON output of a command.

    The schema (draft 2020-12) says what every key means, its type, its unit and its bounds, and
    accepts no other keys.

    \b
    # What do the keys of a document of energy mean?
    rnscli schema energy
    # A schema for a script that checks the documents that it reads
    rnscli schema fault-prob --output fault-prob.schema.json
    """
    if output is not None:
        check_writable(output, "--output")
    group = context.find_root().command
    assert isinstance(group, click.Group)
    found = group.get_command(context, command)
    assert isinstance(found, Answering)
    text = json.dumps(document_schema(found), indent=2, allow_nan=False) + "\n"
    if output is None:
        write_standard_output(text)
    else:
        write_atomically(output, text.encode())
