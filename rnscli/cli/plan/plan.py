"""Plans: runs by name, some of which refer to the rows of others."""

import fnmatch
import re
import shlex
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import click

from rnscli.base import InputError, RnscliError, nearest, value_of
from rnscli.cli.command import AnswerCommand
from rnscli.cli.options import is_file, shown
from rnscli.report import Requirement, Row

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
        lines: dict[tuple[str, ...], int] = {}
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
                lines.setdefault(path, line)
            line += statement.count("\n")
        return lines


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


_REFERENCE = re.compile(r"@([^.\s]+)\.(\w+)")


@dataclass(frozen=True)
class PlannedRun:
    """A run by name: its command, the texts of its options, and what its rows must fulfil.

    ``options`` are the values of each option by its name; a value
    ``@run.column`` stands for those that another run finds. ``places`` are the keys under which
    each option stands in the plan.
    """

    name: str
    command: AnswerCommand
    options: Mapping[str, tuple[str, ...]]
    requirements: tuple[Requirement, ...] = ()
    plots: tuple[str, ...] = ()
    places: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def references(self) -> list[tuple[str, str, str]]:
        """Each reference: the option, the run and the column."""
        matches = [
            (option, _REFERENCE.fullmatch(value))
            for option, values in self.options.items()
            for value in values
        ]
        return [(option, match[1], match[2]) for option, match in matches if match]

    @property
    def needs(self) -> tuple[str, ...]:
        """The runs that it refers to."""
        return tuple(dict.fromkeys(run for _, run, _ in self.references))

    @property
    def files(self) -> list[Path]:
        """Files that its values seem to name, also in lists; more than enough to spare them."""
        texts = [text for values in self.options.values() for text in values]
        named = {part for text in texts for part in (text, *re.split("[,+]", text))}
        return [Path(part) for part in sorted(named) if is_file(part)]

    def arguments(self, rows: Mapping[str, Sequence[Row]]) -> list[str]:
        """The command line, without options whose references ``rows`` do not answer.

        ``rows`` are those of other runs, by name.

        Raises
        ------
        InputError
            If a run that is referred to has no value in that column.
        """
        texts = {
            parameter.name: self._resolved(parameter, rows)
            for parameter in self.command.params
            if parameter.name in self.options
        }
        return self._line({name: values for name, values in texts.items() if values is not None})

    def command_line(self, arguments: Sequence[str] | None = None) -> str:
        """What a shell runs to get the same rows and verdicts; else as in the plan."""
        if arguments is None:
            arguments = self._line(self.options)
        required = [word for one in self.requirements for word in ("--require", str(one))]
        words = list(arguments)
        end = words.index("--") if "--" in words else len(words)  # arguments come last
        words[end:end] = required
        return shlex.join(["rnscli", str(self.command.name), *words])

    def _line(self, texts: Mapping[Any, Sequence[str]]) -> list[str]:
        """The words of options, and behind them those of arguments."""
        given = [one for one in self.command.params if texts.get(one.name)]
        options = [one for one in given if not isinstance(one, click.Argument)]
        words = [word for one in options for word in words_of(one, texts[one.name])]
        arguments = [text for one in given if one not in options for text in texts[one.name]]
        return words + (["--", *arguments] if arguments else [])

    def _resolved(
        self, parameter: click.Parameter, rows: Mapping[str, Sequence[Row]]
    ) -> list[str] | None:
        """Values with those that references stand for; ``None`` where these are not known yet."""
        texts = []
        for value in self.options[parameter.name or ""]:
            match = _REFERENCE.fullmatch(value)
            if match is None:
                texts.append(value)
            elif match[1] not in rows:
                return None
            else:
                values = _column(rows[match[1]], match[2], parameter)
                if not values:
                    raise InputError(f"run {self.name}: {value} has no value in any row")
                texts += values
        return texts


def _column(rows: Sequence[Row], column: str, parameter: click.Parameter) -> list[str]:
    """The distinct values of a column as options take them, in the order of the rows."""
    texts = []
    for row in rows:
        value = value_of(row, column)
        if value is None:
            continue
        text = _inner(value, parameter) if isinstance(value, list | tuple) else str(value)
        redundant = row.get("redundant_moduli") if column == "moduli" else None
        if isinstance(redundant, list | tuple) and redundant:
            text += "+" + ",".join(map(str, redundant))
        texts.append(text)
    return list(dict.fromkeys(texts))


def words_of(parameter: click.Parameter, texts: Sequence[str]) -> list[str]:
    """An option on a command line; several texts are a list, or the option again and again."""
    option = parameter.opts[0]
    if isinstance(parameter, click.Option) and parameter.is_flag:
        return [option]
    values = texts if parameter.multiple else [",".join(texts)]
    # A value that begins like an option is joined to its own.
    return [
        word
        for value in values
        for word in ([f"{option}={value}"] if value.startswith("-") else [option, value])
    ]


def texts_of(value: Any, parameter: click.Parameter) -> tuple[str, ...] | None:
    """The texts that a TOML value gives an option; ``None`` for a flag that is false.

    Raises
    ------
    ValueError
        With a sentence, if it cannot be a value of the option.
    """
    if isinstance(parameter, click.Option) and parameter.is_flag:
        if not isinstance(value, bool):
            raise ValueError(f"{_toml(value)} is not accepted; it must be true or false")
        return ("true",) if value else None
    if not isinstance(value, list):
        return (_text(value),)
    if not value:
        raise ValueError("an empty list is not accepted; leave it out")
    whole = all(isinstance(item, int) and not isinstance(item, bool) for item in value)
    if parameter.multiple and whole:  # one set of moduli
        return (",".join(map(str, value)),)
    return tuple(
        _inner(item, parameter) if isinstance(item, list) else _text(item) for item in value
    )


def _inner(values: Sequence[Any], parameter: click.Parameter) -> str:
    """A list in a list: a set of moduli, or, in brackets, a number for each modulus."""
    text = ",".join(_text(value) for value in values)
    return text if parameter.multiple else f"[{text}]"


def _text(value: Any) -> str:
    if isinstance(value, str):
        if value.startswith("@") and not _REFERENCE.fullmatch(value):
            raise ValueError(f"{shown(value)} is no reference; write @RUN.COLUMN")
        if "\0" in value:
            raise ValueError(f"{shown(value)} is not accepted; no option takes the character 0")
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(
            f"{_toml(value)} is not accepted; it must be a number, a text, or a list of these"
        )
    return repr(value)


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "a table"
    return str(value).lower() if isinstance(value, bool) else shown(value)


@dataclass(frozen=True)
class Plan:
    """Checked runs, in the order of the file."""

    file: PlanFile
    title: str
    runs: tuple[PlannedRun, ...]

    def ordered(self) -> list[PlannedRun]:
        """The runs, each after those that it refers to, and otherwise as in the file."""
        named = {run.name: run for run in self.runs}
        order: dict[str, None] = {}

        waiting = list(reversed(named))  # a chain may be longer than calls can be nested
        while waiting:
            name = waiting.pop()
            missing = [need for need in named[name].needs if need not in order]
            if missing:
                waiting += [name, *reversed(missing)]
            else:
                order[name] = None
        return [named[name] for name in order]

    def with_needs(self, names: Iterable[str]) -> set[str]:
        """Runs of these names or patterns, and those that they refer to.

        Raises
        ------
        InputError
            If there is no run of a name.
        """
        named = {run.name: run for run in self.runs}
        wanted: set[str] = set()
        waiting: list[str] = []
        for pattern in names:
            matching = fnmatch.filter(named, pattern)
            if not matching:
                raise InputError(
                    f"`only`: {self.file.path} has no run {pattern!r}"
                    + (nearest(pattern, named) or f"; it has {', '.join(named)}")
                )
            waiting += matching
        while waiting:
            name = waiting.pop()
            if name not in wanted:
                wanted.add(name)
                waiting.extend(named[name].needs)
        return wanted

    def sentence(self, run: PlannedRun, error: RnscliError) -> str:
        """What is wrong with a run, with the line of the option that it is about, or its own."""
        places = (run.places.get(argument) for argument in error.arguments)
        keys = next((place for place in places if place is not None), ("run", run.name))
        return f"{self.file.at(*keys)}: run {run.name}: {error}"
