"""``rnscli glossary``."""

import textwrap
from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

import click

from rnscli import analysis, core, hardware
from rnscli.base import InputError, nearest
from rnscli.cli import (
    ANSWERING,
    WIDE,
    AnswerCommand,
    Background,
    SummaryCommand,
    WithExamples,
    command_named,
    hanging,
    options,
    screen_width,
    write_standard_output,
)
from rnscli.cli.glossary import Term, found, terms


def _named() -> dict[str, tuple[str, str]]:
    """What has a name in options and a line that says what it is: the option, and that line."""
    listed: dict[str, Mapping[str, Any]] = {
        "--core": core.CORES,
        "--decoder": core.DECODERS,
        "--noise": core.NOISE_LAWS,
        "--adc-model": hardware.ADC_MODELS,
        "--technology": hardware.TECHNOLOGIES,
        "--workload": hardware.WORKLOADS,
        "--operands": analysis.DISTRIBUTIONS,
        "--update": core.UPDATE_LAWS,
    }
    return {
        name: (option, one.summary)
        for option, registry in listed.items()
        for name, one in registry.items()
    }


class _Terms(options.ParamType):
    name = "TERM"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> options.Candidates:
        """Terms without blanks, and names of cores, decoders and the like."""
        names = [one.name for one in terms() if " " not in one.name]
        return options.of_names(incomplete, [*names, *_named()])


@click.command("glossary", cls=WithExamples, background=Background(page="glossary.md"))
@click.argument("term", type=_Terms(), metavar="[TERM]...", nargs=-1)
def command(term: tuple[str, ...]) -> None:
    """Say what a word means here: a term, a symbol, a name, or a column of rows.

    Without a TERM it prints all terms. Names are those that options take, such as fixed-lp; columns
    go by their key in JSON and CSV, or by their heading.

    \b
    # What is the legitimate range, and what is p_gross?
    rnscli glossary "legitimate range" p_gross
    # What is the core that the table calls fixed-lp?
    rnscli glossary fixed-lp
    # What does the column sigma_fresh of rnscli noise have?
    rnscli glossary sigma_fresh
    """
    if not term:
        write_standard_output("\n\n".join(map(_said, terms())) + "\n")
        return
    write_standard_output("\n\n".join(_answer(one) for one in term) + "\n")


def _answer(text: str) -> str:
    asked = found(text, terms())
    if asked:
        return "\n\n".join(map(_said, asked))
    named = _named()
    if text in named:
        option, summary = named[text]
        return _entry(f"{text} ({option})", summary)
    columns = _columns()
    if text in columns:
        return "\n\n".join(
            _entry(f"{text} (column of {', '.join(commands)})", meaning)
            for meaning, commands in columns[text].items()
        )
    every = [name for one in terms() for name in one.names] + [*named, *columns]
    raise InputError(
        f"the glossary has no term {text[:60]!r}"
        + (nearest(text.lower(), map(str.lower, every)) or "; rnscli glossary lists all of them")
    )


def _columns() -> dict[str, dict[str, list[str]]]:
    """What columns mean, by key and heading, each with the commands that have it so."""
    known: dict[str, dict[str, list[str]]] = {}
    for name in ANSWERING:
        command = command_named(name)
        assert isinstance(command, AnswerCommand | SummaryCommand)
        for columns in command.columns_by_type.values():
            for key, column in columns.items():
                for word in (key, column.title):
                    commands = known.setdefault(word, {}).setdefault(column.meaning, [])
                    commands += [name] if name not in commands else []
    return known


def _said(term: Term) -> str:
    also = f" ({', '.join(term.also)})" if term.also else ""
    return _entry(f"{term.name}{also}", f"{term.meaning} See docs/{term.page}.")


_COLUMN = 36  # where meanings begin on a wide terminal


def _entry(title: str, text: str) -> str:
    """A title and what it means: below it, or beside it where there is room for two columns."""
    if screen_width() < WIDE:
        return "\n".join([title, *hanging("  ", text)])
    named = textwrap.wrap(title, _COLUMN - 2)
    meant = [line[_COLUMN:] for line in hanging(" " * _COLUMN, text)]
    both = zip_longest(named, meant, fillvalue="")
    return "\n".join(f"{left:{_COLUMN}}{right}".rstrip() for left, right in both)
