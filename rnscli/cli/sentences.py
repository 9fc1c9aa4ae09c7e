"""Sentences on standard error."""

import contextlib
import re
import sys
from collections.abc import Sequence

import click

MAX_SENTENCES = 10  # of one kind


def say(sentences: Sequence[str], more: str) -> None:
    """Some sentences, not too many of them; ``more`` says what the others are."""
    for sentence in sentences[:MAX_SENTENCES]:
        complain(sentence)
    if len(sentences) > MAX_SENTENCES:
        complain(f"{len(sentences) - MAX_SENTENCES} {more}")


def sentence_of(error: click.ClickException) -> str:
    """The message of an error, without click's quotes round the option."""
    if isinstance(error, click.BadParameter) and error.param is not None and error.message:
        named = isinstance(error.param, click.Option)
        name = error.param.opts[0] if named else error.param.human_readable_name
        return f"{name}: {error.message}"
    return error.format_message()


def complain(message: str) -> None:
    """One sentence, with options in the place of the arguments that errors have in backticks."""
    text = " ".join(with_options(message).split()).rstrip(".")
    with contextlib.suppress(OSError, AttributeError):  # standard error may be full or closed
        sys.stderr.write(f"rnscli: {text}\n")
        sys.stderr.flush()


def with_options(message: str) -> str:
    """A message with options in the place of the arguments that errors have in backticks."""
    return re.sub(r"`([a-z]\w*)`", lambda name: "--" + name[1].replace("_", "-"), message)
