"""``rnscli schema``."""

import json
from pathlib import Path

import click

from rnscli import cli, report
from rnscli.base import InputError, check_writable, shown
from rnscli.cli import options

Answering = cli.AnswerCommand | cli.SummaryCommand
_NAMES = options.NameArgument(tuple(cli.ANSWERING), "It must be")


def document_schema(command: Answering) -> report.Schema:
    """JSON Schema (draft 2020-12) of the JSON document of a command that answers with rows."""
    parameters: dict[str, report.Schema]
    definitions: dict[str, report.Schema] = {}  # which parameters and rows share
    names = {}
    given: dict[str, report.Schema] = {}
    if isinstance(command, cli.SummaryCommand):
        parameters = {
            name: {"description": meaning, "type": "string"}
            for name, meaning in command.parameters.items()
        }
    else:
        stated = {option.name: option for option in command.stated if option.name}
        values = {name: options.value_schema(option.type) for name, option in stated.items()}
        # One value of what is swept comes twice: alone, and in a list.
        definitions = {name: values[name] for name in stated if options.is_swept(stated[name])}
        values |= {name: {"$ref": f"#/$defs/{name}"} for name in definitions}
        parameters = {
            name: options.option_schema(option, values[name]) for name, option in stated.items()
        }
        what = "The options that were given with other values than the defaults of the help."
        asked = {"enum": list(parameters)}
        given["given"] = {"description": what, "type": "array", "items": asked}
        names = {name: options.names_of(option) for name, option in stated.items()}
        what = "Files that options name; not there if there are none."
        digest = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
        file: dict[str, report.Schema] = {
            "option": {"description": "The option that names it."} | asked,
            "path": {"description": "The file, as it was named.", "type": "string"},
            "sha256": {"description": "SHA-256 of its content."} | digest,
        }
        given["files"] = {"description": what, "type": "array", "minItems": 1}
        given["files"] |= {"items": report.strict_object(file)}
    least = 0 if isinstance(command, cli.SummaryCommand) and command.may_be_empty else 1
    rows = [report.row_schema(columns, names) for columns in command.columns_by_type.values()]
    properties: dict[str, report.Schema] = {
        "schema": {"description": "Version of this form of documents.", "const": report.SCHEMA},
        "command": {"description": "The command that answered.", "const": command.name},
        "version": {"description": "Version of rnscli that answered.", "type": "string"},
        "parameters": {"description": "The options, defaults filled in; base SI units."}
        | report.strict_object(parameters),
        **given,
        "rows": {"description": "The answer; base SI units, in the order of a sweep."}
        | report.any_of(*({"type": "array", "items": one, "minItems": least} for one in rows)),
    }
    heading = {"$schema": report.DIALECT, "title": f"rnscli {command.name} --format json"}
    defined = {"$defs": definitions} if definitions else {}
    document = report.strict_object(properties)
    document["required"] = [name for name in properties if name != "files"]
    return heading | document | defined


@click.command("schema", cls=cli.WithExamples, background=cli.Background(page="reference.md"))
@click.argument("command", type=_NAMES, metavar="COMMAND")
@click.argument("word", required=False, metavar="[WORD]")
@click.option(
    "--output",
    type=options.OutputPath("a file", is_text=True),
    metavar="FILE",
    help="Write the schema there instead of to standard output.",
)
def command(command: str, word: str | None, output: Path | None) -> None:
    """Print the JSON Schema of the JSON output of a command.

    The schema (draft 2020-12) says what every key means, its type, its unit and its bounds, and
    accepts no other keys. A WORD behind COMMAND makes it another one, as in store merge.

    \b
    # What do the keys of a document of energy mean?
    rnscli schema energy
    # A schema for a script that checks the documents that it reads
    rnscli schema fault-prob --output fault-prob.schema.json
    """
    name = command if word is None else f"{command} {word}"
    if word is not None and name not in cli.NESTED:
        raise InputError(f"there is no command {shown(name)}; leave {shown(word)} out")
    if output is not None:
        check_writable(output, "--output")
    answering = cli.command_named(name)
    assert isinstance(answering, Answering)
    text = json.dumps(document_schema(answering), indent=2, allow_nan=False) + "\n"
    cli.write_text(text, output)
