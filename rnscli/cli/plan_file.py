"""The text of a plan: TOML, with the line of each key for those who must correct it."""

import re
import tomllib
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnscli.core.errors import InputError

MAX_BYTES = 10**7
_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
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
            text = content.decode()
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
        """Line on which the statement begins that first defines a key.

        The parser tells no lines, but it can be asked which lines it needs: the statement begins
        with the first line n so that the text up to it, and to the end of its statement, defines
        the key.
        """
        lines = self.text.split("\n")

        def defined(count: int) -> bool:
            for end in range(count, len(lines) + 1):
                try:
                    return _has(tomllib.loads("\n".join(lines[:end])), keys)
                except tomllib.TOMLDecodeError:
                    continue  # in the midst of a value
            return True

        return bisect_left(range(len(lines)), True, key=defined)


def _not_toml(path: Path, text: str, message: str) -> str:
    place = _PLACE.search(message)
    reason = _PLACE.sub("", message)
    last = text.count("\n") + 1
    line = int(place[1]) if place and place[1] else last
    twice = _TWICE.match(reason)
    if twice:
        return f"{path}, line {line}: there are two runs of the name {twice[1]}; rename one"
    return f"{path}, line {line}: it is not TOML: {reason[0].lower()}{reason[1:]}"


def _has(table: Any, keys: Sequence[str]) -> bool:
    for key in keys:
        if not isinstance(table, dict) or key not in table:
            return False
        table = table[key]
    return True
