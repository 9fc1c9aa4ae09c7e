"""Reads plans, and refuses them as a whole before anything runs."""

import graphlib
import re
from collections.abc import Mapping
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import Any

import click

from rnscli.base import InputError, nearest, numeric_keys, option_name
from rnscli.cli.command import RUN_OPTIONS, AnswerCommand
from rnscli.cli.plan.plan import Plan, PlanError, PlanFile, PlannedRun, texts_of
from rnscli.cli.terminal import sentence_of
from rnscli.report import Requirement

PLOTS = ("svg", "png", "pdf")
_OWN = ("command", "require", "plot")  # keys of a run that are no options
_TOP = ("title", "defaults", "run")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_RESERVED = ("summary", "plan")
_Given = tuple[tuple[str, ...], Any]  # the keys under which a value stands, and the value


def read_plan(path: Path) -> Plan:
    """Read and check a plan.

    Raises
    ------
    PlanError
        With a sentence for each thing that is wrong, and its line.
    """
    file = PlanFile.read(path)
    return _Reader(file).plan()


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
        runs = self._table(("run",), tables.get("run", {}), "a table for each run, [run.NAME]")
        defaults = self._table(("defaults",), tables.get("defaults", {}), "a table of options")
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

    def _table(self, keys: tuple[str, ...], value: Any, wanted: str) -> dict[str, Any]:
        if isinstance(value, dict):
            return value
        self._say(keys, f"{keys[-1]} must be {wanted}")
        return {}

    def _check_names(self, runs: Mapping[str, Any]) -> None:
        taken: dict[str, str] = {}
        for name in runs:
            other = taken.setdefault(name.lower(), name)
            if not _NAME.fullmatch(name) or name.lower() in _RESERVED:
                self._say(
                    ("run", name),
                    f"{name[:70]!r} cannot name a run, whose files have that name; use up to 64 "
                    f"letters, digits, - and _, and not {' or '.join(_RESERVED)}",
                )
            elif other != name:
                self._say(
                    ("run", name),
                    f"runs {other} and {name} would share files where case does not count; "
                    "rename one",
                )

    def _check_defaults(self, defaults: Mapping[str, Any]) -> None:
        commands = _commands()
        known = {key for command in commands.values() for key in _options(command)}
        self._check_twice(("defaults",), defaults)
        for key, value in defaults.items():
            if isinstance(value, dict):
                if key not in commands:
                    what = f"unknown command {key}{nearest(key, commands)}"
                    self._say(("defaults", key), what)
                    continue
                self._check_twice(("defaults", key), value)
                for inner in value:
                    if inner == "command":
                        self._say(("defaults", key, inner), "command belongs to a run")
                    else:
                        self._check_key(("defaults", key, inner), commands[key])
            elif option_name(key) not in known:
                own = _own_reason(key)
                self._say(("defaults", key), own or f"unknown key {key}{nearest(key, known)}")

    def _check_twice(self, keys: tuple[str, ...], table: Mapping[str, Any]) -> None:
        """Refuse an option that a table has with dashes and with underscores."""
        options = [option_name(key) for key in table]
        for number, (key, option) in enumerate(zip(table, options, strict=True)):
            if option in options[:number]:
                first = list(table)[options.index(option)]
                self._say((*keys, key), f"{key} is given twice, also as {first}; remove one")

    def _check_key(self, keys: tuple[str, ...], command: AnswerCommand) -> bool:
        """Whether a key is an option of a command, or one that every run has."""
        key = keys[-1]
        if option_name(key) in _options(command) or key in _OWN:
            return True
        own = _own_reason(key)
        known = (*_options(command), *_OWN)
        of_run = f"run {keys[1]}: " if keys[0] == "run" else ""
        self._say(
            keys, of_run + (own or f"{command.name} has no option {key}{nearest(key, known)}")
        )
        return False

    def _run(self, name: str, table: Any, defaults: Mapping[str, Any]) -> PlannedRun | None:
        at = ("run", name)
        if not isinstance(table, dict):
            self._say(at, f"run {name} must be a table, [run.{name}]")
            return None
        commands = _commands()
        chosen = table.get("command")
        if not isinstance(chosen, str) or chosen not in commands:
            problem = "has no command" if chosen is None else f"unknown command {chosen!r}"
            near = nearest(str(chosen), commands) if chosen is not None else ""
            keys = at if chosen is None else (*at, "command")
            near = near or f"; it is one of {', '.join(commands)}"
            self._say(keys, f"run {name}: {problem}{near}")
            return None
        command = commands[chosen]
        self._check_twice(at, table)
        values: dict[str, _Given] = {}  # by option, with where it stands
        of_command = defaults.get(chosen)
        for where, given in (
            (("defaults",), {k: v for k, v in defaults.items() if not isinstance(v, dict)}),
            (("defaults", chosen), of_command if isinstance(of_command, dict) else {}),
            (at, table),
        ):
            for key, value in given.items():
                if where == ("defaults",):
                    if option_name(key) in _options(command):
                        values[option_name(key)] = ((*where, key), value)
                elif where[0] == "defaults" or self._check_key((*where, key), command):
                    values[option_name(key)] = ((*where, key), value)
        requirements = self._requirements(values.get("require"))
        plots = self._plots(values.get("plot"), command)
        before = len(self._wrong)
        options = self._options_of(values, command)
        places = {option: keys for option, (keys, _) in values.items()}
        run = PlannedRun(name, command, options, requirements, plots, places)
        if len(self._wrong) == before:  # else the command would miss what is wrong
            self._check_values(run)
        return run

    def _options_of(
        self, values: Mapping[str, _Given], command: AnswerCommand
    ) -> dict[str, tuple[str, ...]]:
        parameters = {parameter.name: parameter for parameter in command.params}
        options = {}
        for name, (keys, value) in values.items():
            if name not in parameters or name in _OWN:
                continue
            try:
                texts = texts_of(value, parameters[name])
            except ValueError as error:
                self._say(keys, f"{keys[-1]}: {error}")
                continue
            if texts is not None:
                options[name] = texts
        return options

    def _requirements(self, given: _Given | None) -> tuple[Requirement, ...]:
        keys, value = given or ((), [])
        requirements = []
        for text in value if isinstance(value, list) else [value]:
            try:
                requirements.append(Requirement.parse(str(text)))
            except InputError as error:
                self._say(keys, str(error).replace("`", ""))
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
            if one not in PLOTS:
                self._say(
                    keys, f"plot {one!r} is not accepted; it must be one of {', '.join(PLOTS)}"
                )
                return ()
        from rnscli.report import check_available

        try:
            check_available()
        except InputError as error:
            self._say(keys, str(error))
        return tuple(dict.fromkeys(wanted))

    def _check_values(self, run: PlannedRun) -> None:
        """Refuse what the command line would refuse, and requirements on no column."""
        at: tuple[str, ...] = ("run", run.name)
        try:
            context = run.command.make_context(run.command.name, run.arguments({}))
        except click.ClickException as error:
            name = getattr(getattr(error, "param", None), "name", None)
            keys = run.places.get(str(name), at)
            self._say(keys, f"run {run.name}: {sentence_of(error)}")
            return
        kinds = numeric_keys(run.command.columns(context.params).values())
        self._columns[run.name] = kinds
        for requirement in run.requirements:
            try:
                requirement.check_column(kinds)
            except InputError as error:
                message = str(error).replace("`", "")
                self._say(run.places["require"], f"run {run.name}: {message}")

    def _check_references(self, runs: Mapping[str, PlannedRun], named: Mapping[str, Any]) -> None:
        for run in runs.values():
            for option, other, column in run.references:
                keys = run.places[option]
                if other not in named:
                    self._say(keys, f"run {run.name}: no run {other!r}{nearest(other, named)}")
                elif column not in self._columns.get(other, {column: True}):
                    near = nearest(column, self._columns[other])
                    what = f"run {other} has no column {column!r}{near}"
                    self._say(keys, f"run {run.name}: {what}")
        known = {name: [n for n in run.needs if n in runs] for name, run in runs.items()}
        try:
            graphlib.TopologicalSorter(known).prepare()
        except graphlib.CycleError as error:
            circle = list(reversed(error.args[1]))
            first = min(circle, key=list(runs).index)
            turned = circle[circle.index(first) : -1] + circle[: circle.index(first) + 1]
            self._say(
                ("run", first), f"runs refer to each other in a circle: {' -> '.join(turned)}"
            )


@cache
def _commands() -> dict[str, AnswerCommand]:
    """The commands that a plan may run, by name."""
    from rnscli.cli.main import cli

    context = click.Context(cli)
    commands = {name: cli.get_command(context, name) for name in cli.list_commands(context)}
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
    if name in ("format", "output", "force"):
        return f"{key} is of the batch, which writes JSON and CSV of every run; leave it out"
    return None
