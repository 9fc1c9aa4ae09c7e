from collections.abc import Callable
from functools import cache
from typing import Any

import click
import jsonschema
import pytest

from rnscli.cli.command import AnswerCommand
from rnscli.cli.main import cli
from rnscli.cli.schema import document_schema


@cache
def validator_of(command: str) -> jsonschema.Draft202012Validator:
    found = cli.get_command(click.Context(cli), command)
    assert isinstance(found, AnswerCommand)
    return jsonschema.Draft202012Validator(document_schema(found))


@pytest.fixture(scope="session")
def check_document() -> Callable[[dict[str, Any]], None]:
    """Fails where a JSON document is not as the schema of its command says."""

    def check(document: dict[str, Any]) -> None:
        for error in validator_of(document["command"]).iter_errors(document):
            best = jsonschema.exceptions.best_match([error])
            raise AssertionError(f"{best.json_path}: {best.message}")

    return check
