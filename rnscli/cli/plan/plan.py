"""Plans: runs by name, some of which refer to the rows of others; read and checked as a whole."""

import fnmatch
import graphlib
import re
import shlex
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from operator import itemgetter
from pathlib import Path
from typing import Any

import click

from rnscli import report
from rnscli.base import (
    InputError,
    RnscliError,
    is_number,
    nearest,
    numeric_keys,
    option_name,
    read_nested,
    value_of,
)
from rnscli.cli import RUN_OPTIONS, AnswerCommand, sentence_of
from rnscli.cli.options import is_file, shown

MAX_BYTES = 10**7
_OWN = ("command", "require", "plot")  # keys of a run that are no options
_TOP = ("title", "defaults", "run")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_RESERVED = ("summary", "plan")
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
        """Read a plan; the error of one that is not TOML has the line."""
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
            return cls(path, text, read_nested(tomllib.loads, text))
        except tomllib.TOMLDecodeError as error:
            raise PlanError([_not_toml(path, text, str(error))]) from None
        except ValueError as error:
            raise PlanError([f"{path} is no plan: {error}"]) from None

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
    at_end = text.count("\n") + 1
    line = int(place[1]) if place and place[1] else at_end
    twice = _TWICE.match(reason)
    if twice:
        return f"{path}, line {line}: there are two runs of the name {twice[1]}; rename one"
    unquoted = reason.startswith(("Invalid value", "Expected newline"))
    quotes = '; texts, ranges and references stand in straight quotes, as "4..8"'
    said = reason[0].lower() + reason[1:] + (quotes if unquoted else "")
    return f"{path}, line {line}: it is not TOML: {said}"


_REFERENCE = re.compile(r"@([^.\s]+)\.(\w+)")


@dataclass(frozen=True)
class PlannedRun:
    """A run by name: its command, the texts of its options, and what its rows must fulfil.

    Among the texts of an option, by its name, ``@run.column`` stands for what another run has
    there. ``places`` are the keys under which each option stands in the plan.
    """

    name: str
    command: AnswerCommand
    options: Mapping[str, tuple[str, ...]]
    requirements: tuple[report.Requirement, ...] = ()
    plots: tuple[str, ...] = ()
    places: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def references(self) -> list[tuple[str, str, str]]:
        """Each reference: the option, the run and the column."""
        return [
            (option, match[1], match[2])
            for option, values in self.options.items()
            for match in map(_REFERENCE.fullmatch, values)
            if match
        ]

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

    def arguments(self, rows: Mapping[str, Sequence[report.Row]]) -> list[str]:
        """The command line, without options that refer to other runs than ``rows`` are of."""
        given = [one for one in self.command.params if one.name in self.options]
        return self._line({one.name: self._resolved(one, rows) for one in given})

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
        words: list[str] = []
        arguments: list[str] = []
        for one in self.command.params:
            if isinstance(one, click.Argument):
                arguments += texts.get(one.name, ())
            elif texts.get(one.name):
                words += words_of(one, texts[one.name])
        return words + (["--", *arguments] if arguments else [])

    def _resolved(
        self, parameter: click.Parameter, rows: Mapping[str, Sequence[report.Row]]
    ) -> list[str]:
        """Values with those that references stand for; none where these are not known yet."""
        texts = []
        for value in self.options[parameter.name or ""]:
            match = _REFERENCE.fullmatch(value)
            if match is None:
                texts.append(value)
                continue
            if match[1] not in rows:
                return []
            values = _column(rows[match[1]], match[2], parameter)
            if not values:
                raise InputError(f"run {self.name}: {value} has no value in any row")
            texts += values
        return texts


def _column(rows: Sequence[report.Row], column: str, parameter: click.Parameter) -> list[str]:
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

    A ValueError says why it cannot be a value of the option.
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
    if not is_number(value):
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
        """Runs of these names or patterns, and those that they refer to."""
        named = {run.name: run for run in self.runs}
        wanted: set[str] = set()
        for pattern in names:
            matching = fnmatch.filter(named, pattern)
            if not matching:
                raise InputError(
                    f"`only`: {self.file.path} has no run {pattern!r}"
                    + (nearest(pattern, named) or f"; it has {', '.join(named)}")
                )
            wanted.update(matching)
        for run in reversed(self.ordered()):  # what a run needs comes before it
            if run.name in wanted:
                wanted.update(run.needs)
        return wanted

    def sentence(self, run: PlannedRun, error: RnscliError) -> str:
        """What is wrong with a run, with the line of the option that it is about, or its own."""
        places = (run.places.get(argument) for argument in error.arguments)
        keys = next((place for place in places if place is not None), ("run", run.name))
        return f"{self.file.at(*keys)}: run {run.name}: {error}"


_Given = tuple[tuple[str, ...], Any]  # the keys under which a value stands, and the value


def read_plan(path: Path) -> Plan:
    """Read and check a plan; the error has a sentence for each thing that is wrong."""
    return _Reader(PlanFile.read(path)).plan()


class _Reader:
    """Makes runs of tables, and gathers what is wrong with them."""

    def __init__(self, file: PlanFile) -> None:
        self._file = file
        self._wrong: list[tuple[int, str]] = []  # with the line, for their order
        self._columns: dict[str, dict[str, bool]] = {}  # of each run whose values are accepted

    def plan(self) -> Plan:
        tables = self._file.tables
        for key in tables:
            if key not in _TOP:
                self._say((key,), f"unknown key {key}{_place_of(key, tables[key])}")
        title = tables.get("title", self._file.path.stem)
        if not isinstance(title, str):
            self._say(("title",), "title must be a text")
        runs = self._table("run", "a table for each run, [run.NAME]")
        defaults = self._table("defaults", "a table of options")
        if not runs and not self._wrong:
            self._wrong.append((0, f"{self._file.path} has no runs; add one as [run.NAME]"))
        self._check_names(runs)
        self._check_defaults(defaults)
        made = [self._run(name, table, defaults) for name, table in runs.items()]
        named = {run.name: run for run in made if run is not None}
        self._check_references(named, runs)
        if self._wrong:
            raise PlanError([problem for _, problem in sorted(self._wrong, key=itemgetter(0))])
        return Plan(self._file, title, tuple(named.values()))

    def _say(self, keys: tuple[str, ...], problem: str) -> None:
        self._wrong.append((self._file.line_of(*keys), f"{self._file.at(*keys)}: {problem}"))

    @contextmanager
    def _telling(self, keys: tuple[str, ...], before: str = "") -> Iterator[None]:
        """What is refused meanwhile is wrong with the plan, in which no names are in backticks."""
        try:
            yield
        except ValueError as error:
            self._say(keys, before + re.sub(r"`(\w+)`", r"\1", str(error)))

    def _table(self, key: str, wanted: str) -> dict[str, Any]:
        value = self._file.tables.get(key, {})
        if isinstance(value, dict):
            return value
        self._say((key,), f"{key} must be {wanted}")
        return {}

    def _check_names(self, runs: Mapping[str, Any]) -> None:
        taken: dict[str, str] = {}
        accepted = f"64 letters, digits, - and _, and not {' or '.join(_RESERVED)}"
        for name in runs:
            at = ("run", name)
            other = taken.setdefault(name.lower(), name)
            if not _NAME.fullmatch(name) or name.lower() in _RESERVED:
                what = f"{name[:70]!r} cannot name a run, whose files have that name"
                self._say(at, f"{what}; use up to {accepted}")
            elif other != name:
                what = f"runs {other} and {name} would share files where case does not count"
                self._say(at, f"{what}; rename one")

    def _check_defaults(self, defaults: Mapping[str, Any]) -> None:
        commands = _commands()
        known = {key for command in commands.values() for key in _options(command)}
        self._check_twice(("defaults",), defaults)
        for key, value in defaults.items():
            if not isinstance(value, dict):
                if option_name(key) not in known:
                    own = _own_reason(key)
                    self._say(("defaults", key), own or f"unknown key {key}{nearest(key, known)}")
            elif key not in commands:
                self._say(("defaults", key), f"unknown command {key}{nearest(key, commands)}")
            else:
                self._check_twice(("defaults", key), value)
                for inner in value:
                    if inner == "command":
                        self._say(("defaults", key, inner), "command belongs to a run")
                    else:
                        self._check_key(("defaults", key, inner), commands[key])

    def _check_twice(self, keys: tuple[str, ...], table: Mapping[str, Any]) -> None:
        """Refuse an option that a table has with dashes and with underscores."""
        first: dict[str, str] = {}
        for key in table:
            other = first.setdefault(option_name(key), key)
            if other != key:
                self._say((*keys, key), f"{key} is given twice, also as {other}; remove one")

    def _check_key(self, keys: tuple[str, ...], command: AnswerCommand) -> bool:
        """Whether a key is an option of a command, or one that every run has."""
        key = keys[-1]
        known = (*_options(command), *_OWN)
        if option_name(key) in known:
            return True
        of_run = f"run {keys[1]}: " if keys[0] == "run" else ""
        unknown = f"{command.name} has no option {key}{nearest(key, known)}"
        self._say(keys, of_run + (_own_reason(key) or unknown))
        return False

    def _run(self, name: str, table: Any, defaults: Mapping[str, Any]) -> PlannedRun | None:
        at = ("run", name)
        if not isinstance(table, dict):
            self._say(at, f"run {name} must be a table, [run.{name}]")
            return None
        command = self._command(at, table)
        if command is None:
            return None
        self._check_twice(at, table)
        options = _options(command)
        of_command = defaults.get(str(command.name))
        tables = {  # later ones go before earlier ones
            ("defaults",): {
                key: value
                for key, value in defaults.items()
                if option_name(key) in options and not isinstance(value, dict)
            },
            ("defaults", str(command.name)): of_command if isinstance(of_command, dict) else {},
            at: {key: one for key, one in table.items() if self._check_key((*at, key), command)},
        }
        values: dict[str, _Given] = {
            option_name(key): ((*where, key), value)
            for where, given in tables.items()
            for key, value in given.items()
        }
        requirements = self._requirements(values.get("require"))
        plots = self._plots(values.get("plot"), command)
        before = len(self._wrong)
        texts = self._options_of(values, command)
        places = {option: keys for option, (keys, _) in values.items()}
        run = PlannedRun(name, command, texts, requirements, plots, places)
        if len(self._wrong) == before:  # else the command would miss what is wrong
            self._check_values(run)
        return run

    def _command(self, at: tuple[str, str], table: Mapping[str, Any]) -> AnswerCommand | None:
        commands = _commands()
        chosen = table.get("command")
        if isinstance(chosen, str) and chosen in commands:
            return commands[chosen]
        problem, near = "has no command", ""
        if chosen is not None:
            problem, near = f"unknown command {chosen!r}", nearest(str(chosen), commands)
        keys = at if chosen is None else (*at, "command")
        near = near or f"; it is one of {', '.join(commands)}"
        self._say(keys, f"run {at[1]}: {problem}{near}")
        return None

    def _options_of(
        self, values: Mapping[str, _Given], command: AnswerCommand
    ) -> dict[str, tuple[str, ...]]:
        parameters = {parameter.name: parameter for parameter in command.params}
        options = {}
        for name, (keys, value) in values.items():
            if name not in parameters or name in _OWN:
                continue
            with self._telling(keys, f"{keys[-1]}: "):
                texts = texts_of(value, parameters[name])
                if texts is not None:
                    options[name] = texts
        return options

    def _requirements(self, given: _Given | None) -> tuple[report.Requirement, ...]:
        keys, value = given or ((), [])
        requirements = []
        for text in value if isinstance(value, list) else [value]:
            with self._telling(keys):
                requirements.append(report.Requirement.parse(str(text)))
        return tuple(dict.fromkeys(requirements))

    def _plots(self, given: _Given | None, command: AnswerCommand) -> tuple[str, ...]:
        if given is None:
            return ()
        keys, value = given
        wanted = value if isinstance(value, list) else [value]
        if not any(parameter.name == "plot" for parameter in command.params):
            self._say(keys, f"{command.name} draws no plot; leave it out")
            return ()
        for one in wanted:
            if one not in list(report.PICTURES):  # it may be anything
                accepted = ", ".join(report.PICTURES)
                self._say(keys, f"plot {one!r} is not accepted; it must be one of {accepted}")
                return ()
        with self._telling(keys):
            for one in wanted:
                report.check_available("plot", report.PICTURES[one])
        return tuple(dict.fromkeys(wanted))

    def _check_values(self, run: PlannedRun) -> None:
        """Refuse what the command line would refuse, and requirements on no column."""
        try:
            context = run.command.make_context(run.command.name, run.arguments({}))
        except click.ClickException as error:
            name = getattr(getattr(error, "param", None), "name", None)
            keys = run.places.get(str(name), ("run", run.name))
            self._say(keys, f"run {run.name}: {sentence_of(error)}")
            return
        columns = run.command.columns(context.params).values()
        kinds, titles = numeric_keys(columns), {one.title: one.key for one in columns}
        self._columns[run.name] = kinds
        for requirement in run.requirements:
            with self._telling(run.places["require"], f"run {run.name}: "):
                requirement.check_column(kinds, titles)

    def _check_references(self, runs: Mapping[str, PlannedRun], named: Mapping[str, Any]) -> None:
        for run in runs.values():
            for option, other, column in run.references:
                keys = run.places[option]
                if other not in named:
                    self._say(keys, f"run {run.name}: no run {other!r}{nearest(other, named)}")
                elif column not in self._columns.get(other, {column: True}):
                    what = f"no column {column!r}{nearest(column, self._columns[other])}"
                    self._say(keys, f"run {run.name}: run {other} has {what}")
        known = {name: [n for n in run.needs if n in runs] for name, run in runs.items()}
        try:
            graphlib.TopologicalSorter(known).prepare()
        except graphlib.CycleError as error:
            circle = list(reversed(error.args[1]))
            first = min(circle, key=list(runs).index)
            turned = circle[circle.index(first) : -1] + circle[: circle.index(first) + 1]
            names = " -> ".join(turned)
            self._say(("run", first), f"runs refer to each other in a circle: {names}")


def command_of(name: str) -> AnswerCommand:
    """The command of a name that answers with rows."""
    from rnscli.cli import command_named

    command = command_named(name)
    assert isinstance(command, AnswerCommand)
    return command


@cache
def _commands() -> dict[str, AnswerCommand]:
    """The commands that a plan may run, by name."""
    from rnscli.cli import ANSWERING, command_named

    commands = {name: command_named(name) for name in ANSWERING}
    return {name: one for name, one in commands.items() if isinstance(one, AnswerCommand)}


def _options(command: AnswerCommand) -> list[str]:
    return [option.name for option in command.stated if option.name]


def _place_of(key: str, value: Any) -> str:
    """Where a key that stands outside of all tables was probably meant to stand."""
    if isinstance(value, dict) and "command" in value:
        return f"; a run is [run.{key}]"
    if any(option_name(key) in _options(command) for command in _commands().values()):
        return "; options stand under [defaults] or in a run"
    return nearest(key, _TOP)


def _own_reason(key: str) -> str | None:
    """Why an option of every command is none of a run."""
    name = option_name(key)
    if key in _OWN:
        return f"{key} belongs to a run, or to [defaults.COMMAND]"
    if name in RUN_OPTIONS:
        return f"{key} is for all runs; give --{name} to rnscli batch"
    if name in ("baseline", "allow"):
        return f"{key} is for all runs; give --{name} to rnscli batch"
    # What a document does not state is about the form of the result, and where it is written.
    if any(
        option.name == name and option not in command.stated
        for command in _commands().values()
        for option in command.params
    ):
        return f"{key} is of the batch, which writes JSON and CSV of every run; leave it out"
    return None
