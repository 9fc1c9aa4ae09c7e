"""One run of a plan: a subcommand with options, which may refer to the rows of other runs."""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from rnscli.cli.command import AnswerCommand
from rnscli.cli.file_values import is_file
from rnscli.cli.sweep import shown
from rnscli.core.errors import InputError
from rnscli.report.requirements import Requirement
from rnscli.report.table import Row

_REFERENCE = re.compile(r"@([^.\s]+)\.(\w+)")


@dataclass(frozen=True)
class PlannedRun:
    """A run by name: its command, the texts of its options, and what is asked of its rows.

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
        found = [
            (option, _REFERENCE.fullmatch(value))
            for option, values in self.options.items()
            for value in values
        ]
        return [(option, match[1], match[2]) for option, match in found if match]

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
        return self._line({name: found for name, found in texts.items() if found is not None})

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
        words = [word for one in options for word in _words(one, texts[one.name])]
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
                found = _column(rows[match[1]], match[2], parameter)
                if not found:
                    raise InputError(f"run {self.name}: {value} has no value in any row")
                texts += found
        return texts


def _column(rows: Sequence[Row], column: str, parameter: click.Parameter) -> list[str]:
    """The distinct values of a column as options take them, in the order of the rows."""
    if rows and "role" in rows[0]:  # of a search the chosen design
        rows = [row for row in rows if row["role"] == "chosen"]
    texts = []
    for row in rows:
        value = row[column]
        if value is None:
            continue
        text = _inner(value, parameter) if isinstance(value, list | tuple) else str(value)
        redundant = row.get("redundant_moduli") if column == "moduli" else None
        if isinstance(redundant, list | tuple) and redundant:
            text += "+" + ",".join(map(str, redundant))
        texts.append(text)
    return list(dict.fromkeys(texts))


def _words(parameter: click.Parameter, texts: Sequence[str]) -> list[str]:
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
