"""The text of a plan: TOML, with the line of each key for those who must correct it."""

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from rnscli.core.errors import InputError

MAX_BYTES = 10**7
_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_TOKEN = re.compile(  # strings and comments, in which brackets and ends of lines do not count
    r'"""(?:\\.|[^\\])*?"{3,5}(?!")|"(?:\\.|[^"\\\n])*"'
    r"|'''.*?'{3,5}(?!')|'[^'\n]*'|#[^\n]*|[\[\]{}\n]",
    re.DOTALL,
)
_TWICE = re.compile(r"Cannot declare \('run', '(.*)'\) twice")


class PlanError(InputError):
    """What is wrong with a plan: all of it, a sentence each."""

    def __init__(self, sentences: Sequence[str]) -> None:
        """With at least one sentence."""
        super().__init__(sentences[0])
        self.sentences = tuple(sentences)


@dataclass(frozen=True)
class PlanFile:
    """The tables of a plan, and the text that they were read from."""

    path: Path
    text: str
    tables: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> "PlanFile":
        """Read a plan.

        Raises
        ------
        PlanError
            If it cannot be read, or is not TOML; with the line.
        """
        try:
            with path.open("rb") as file:
                content = file.read(MAX_BYTES + 1)
            text = content.decode("utf-8-sig")  # some editors begin a file with a mark
        except OSError as error:
            raise PlanError([f"{path} cannot be read: {error.strerror}"]) from None
        except ValueError:
            raise PlanError([f"{path} is not a text in UTF-8, as TOML is"]) from None
        if len(content) > MAX_BYTES:
            raise PlanError([f"{path} has more than {MAX_BYTES} bytes; is it a plan?"])
        try:
            return cls(path, text, tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            raise PlanError([_not_toml(path, text, str(error))]) from None
        except RecursionError:
            raise PlanError([f"{path} is nested too deeply; is it a plan?"]) from None

    def at(self, *keys: str) -> str:
        """Name and line of the statement that first defines a key, to begin a sentence with."""
        return f"{self.path}, line {self.line_of(*keys)}"

    def line_of(self, *keys: str) -> int:
        """Line on which the statement begins that first defines a key."""
        return self._lines.get(keys, 1)

    @cached_property
    def _lines(self) -> dict[tuple[str, ...], int]:
        """Lines of all keys: the parser tells none, but it can be given one statement at a time."""
        found: dict[tuple[str, ...], int] = {}
        header: tuple[str, ...] = ()
        line = 1
        for statement in _statements(self.text):
            paths = list(_paths(tomllib.loads(statement)))
            if statement.lstrip(" \t").startswith("["):
                header = paths[-1]
                paths = [header[:length] for length in range(1, len(header) + 1)]
            else:
                paths = [(*header, *path) for path in paths]
            for path in paths:
                found.setdefault(path, line)
            line += statement.count("\n")
        return found


def _statements(text: str) -> Iterator[str]:
    """The statements of a TOML text, comments, and empty lines, with their ends of lines."""
    begin = depth = 0
    for token in _TOKEN.finditer(text):
        if token[0] in ("[", "{"):
            depth += 1
        elif token[0] in ("]", "}"):
            depth -= 1
        elif token[0] == "\n" and not depth:
            yield text[begin : token.end()]
            begin = token.end()
    yield text[begin:]


def _paths(table: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """The keys of all values of nested tables, the outer ones first."""
    waiting: list[tuple[tuple[str, ...], Any]] = [((), table)]  # deeper than calls can be nested
    while waiting:
        path, value = waiting.pop()
        if path:
            yield path
        if isinstance(value, dict):
            waiting += [((*path, key), inner) for key, inner in reversed(value.items())]


def _not_toml(path: Path, text: str, message: str) -> str:
    place = _PLACE.search(message)
    reason = _PLACE.sub("", message)
    last = text.count("\n") + 1
    line = int(place[1]) if place and place[1] else last
    twice = _TWICE.match(reason)
    if twice:
        return f"{path}, line {line}: there are two runs of the name {twice[1]}; rename one"
    quotes = ""
    if reason.startswith(("Invalid value", "Expected newline")):
        quotes = '; texts, ranges and references stand in straight quotes, as "4..8"'
    return f"{path}, line {line}: it is not TOML: {reason[0].lower()}{reason[1:]}{quotes}"
