"""Compares JSON documents with the schemas of their commands."""

from functools import cache
from typing import Any

import click
import jsonschema

from rnscli.cli.commands.schema import Answering, document_schema
from rnscli.cli.main import cli


def command_named(name: str) -> Answering:
    """A command that answers with rows."""
    found = cli.get_command(click.Context(cli), name)
    assert isinstance(found, Answering)
    return found


@cache
def _validator(command: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(document_schema(command_named(command)))


def check_document(document: dict[str, Any]) -> None:
    """Fail where a document is not as the schema of its command says."""
    error = jsonschema.exceptions.best_match(_validator(document["command"]).iter_errors(document))
    assert error is None, f"{error.json_path}: {error.message}"
