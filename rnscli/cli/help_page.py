"""A help that can be scanned: options in groups, names with what they are, examples, sources."""

import inspect
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import click

import rnscli
from rnscli.base import OptionGroup
from rnscli.cli.terminal import PROSE, screen_width


class Example(NamedTuple):
    """What a line for the shell answers, and the line, which may be continued on others."""

    answers: str
    line: str


@dataclass(frozen=True)
class Background:
    """Where the formulas of a command are from, if it has any, and its page of the docs."""

    sources: str = ""
    page: str = field(kw_only=True)


class GroupedOption(click.Option):
    """An option of the shell that says in which group a help lists it."""

    def __init__(self, *names: Any, group: OptionGroup, **attributes: Any) -> None:
        super().__init__(*names, **attributes)
        self.group = group

    @property
    def explained(self) -> Mapping[str, Any]:
        """Names that it takes, each a thing with a ``summary``, which a help lists apart."""
        return {}


WIDE, WIDEST = 130, 160  # columns that make room for long names, and of a help at most
_COLUMN, _WIDE_COLUMN = 30, 46  # where the text of an option begins at the latest
_SOURCES = "Formulas and their sources"
_HYPHEN = "\ue000"  # stands for one where no line may be cut; of no text


class _Formatter(click.HelpFormatter):
    """Cuts no name at a hyphen, so that it is found by a search, and can be copied."""

    @property
    def column(self) -> int:
        """Where the text of an option begins at the latest: long names have room on a wide one."""
        return _WIDE_COLUMN if self.width >= WIDE else _COLUMN

    def write_dl(
        self,
        rows: Iterable[tuple[str, str | None]],
        col_max: int | None = None,
        col_spacing: int = 2,
    ) -> None:
        kept = [(first, _kept(second or "")) for first, second in rows]
        super().write_dl(kept, col_max or self.column, col_spacing)

    def write_text(self, text: str) -> None:
        width, self.width = self.width, min(self.width, PROSE)  # longer lines are hard to read
        super().write_text(_kept(text))
        self.width = width

    def getvalue(self) -> str:
        return super().getvalue().replace(_HYPHEN, "-")


def _kept(text: str) -> str:
    """A text whose words stay whole, but for lists of names that no column has room for."""
    return re.sub(
        rf"(?<!\S)\S{{1,{_COLUMN}}}(?!\S)", lambda one: one[0].replace("-", _HYPHEN), text
    )


class _Context(click.Context):
    formatter_class = _Formatter


class WithExamples(click.Command):
    """A command with a help of parts: options by groups, and a docstring that ends with examples.

    What follows ``\\b`` are examples, each a comment and a line for the shell. They stand below the
    options, because that is what a terminal shows when the help is longer than the screen.
    """

    context_class = _Context

    def __init__(
        self, *, help: str | None = None, background: Background | None = None, **attributes: Any
    ) -> None:
        text, _, examples = inspect.cleandoc(help or "").partition("\n\n\b\n")
        super().__init__(help=text, **attributes)
        self._examples, self.background = examples, background

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx  # an option without a value does not know its command
            raise

    @property
    def examples(self) -> tuple[Example, ...]:
        """What stands below the options."""
        found = re.findall(r"^# *(.*)\n((?:.*\\\n)*.*)", self._examples, re.MULTILINE)
        return tuple(Example(answers, line) for answers, line in found)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options by groups, in columns that are the same for all, and names below them."""
        params = self.get_params(ctx)
        write_groups(ctx, formatter, grouped(params))
        for option in params:
            write_names(formatter, option)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The examples as they are, never wrapped: they are there to be copied; and the sources."""
        super().format_epilog(ctx, formatter)
        if self.examples:
            with formatter.section(heading("Examples")):
                for text in example_lines(self.examples, formatter.width):
                    formatter.write(f"{'':>{formatter.current_indent}}{text}\n")
        if self.background is not None:
            sources = self.background.sources
            with formatter.section(heading(_SOURCES if sources else "Documentation")):
                if sources:
                    formatter.write_text(sources)
                # A path is never wrapped, so that a terminal makes a link of it.
                formatter.write(f"{'':>{formatter.current_indent}}{docs(self.background.page)}\n")
        groups = [one.key for one in grouped(self.get_params(ctx)) if one is not None]
        if groups:
            ways = {
                f"help {self.name}": "the names of its options",
                f"help {self.name} GROUP": f"what some do; groups are {', '.join(groups)}",
                f"{self.name} --help": "what all options do",
                f"examples {self.name}": "the examples, to be copied",
                "glossary TERM": "what a word means here",
            }
            with formatter.section(heading("See also")):
                formatter.write_dl([(f"rnscli {line}", text) for line, text in ways.items()])


def grouped(params: Iterable[click.Parameter]) -> dict[OptionGroup | None, list[click.Option]]:
    """Options by their groups, in the order of these; under ``None`` if all are in one.

    What a command has for itself, without a group, is what it is asked; its help comes last.
    """
    found: dict[OptionGroup, list[click.Option]] = {}
    own_help: list[click.Option] = []
    for one in params:
        if not isinstance(one, click.Option) or one.hidden:
            continue
        if "--help" in one.opts:
            own_help.append(one)
        else:
            group = one.group if isinstance(one, GroupedOption) else OptionGroup.ASKED
            found.setdefault(group, []).append(one)
    every: dict[OptionGroup | None, list[click.Option]] = {
        group: found[group] for group in OptionGroup if group in found
    }
    if len(every) < 2:
        every = {None: [one for listed in every.values() for one in listed]}
    *_, last = every
    every[last] = [*every[last], *own_help]
    return every


def title_of(group: OptionGroup | None) -> str:
    """The heading of a group, or of the options of a command that has no groups."""
    return "Options" if group is None else group.value


def heading(text: str) -> str:
    """A heading, bold on a terminal: click removes that elsewhere."""
    return text if os.environ.get("NO_COLOR") else click.style(text, bold=True)


def example_lines(examples: Iterable[Example], width: int | None = None) -> Iterator[str]:
    """What each example answers, as a comment, and the example, to be copied.

    On a wide screen it is one line, also where it is continued on others.
    """
    width = width or screen_width()
    for answers, line in examples:
        yield f"# {answers}"
        joined = re.sub(r" *\\\n *", " ", line)
        yield from [joined] if width >= WIDE and len(joined) < width else line.splitlines()


def write_groups(
    ctx: click.Context,
    formatter: click.HelpFormatter,
    groups: Mapping[OptionGroup | None, Sequence[click.Option]],
) -> None:
    """Sections of options whose texts begin in the same column."""
    written = {
        group: [record for one in listed if (record := one.get_help_record(ctx))]
        for group, listed in groups.items()
    }
    widths = [len(record[0]) for records in written.values() for record in records]
    assert isinstance(formatter, _Formatter)
    column = min(max(widths, default=0), formatter.column)
    for group, records in written.items():
        if records:
            with formatter.section(heading(title_of(group))):
                (name, text), *others = records
                formatter.write_dl([(name.ljust(column), text), *others])


def write_names(formatter: click.HelpFormatter, option: click.Parameter) -> None:
    """What an option takes by name, a line or two for each, if it says what they are."""
    if not isinstance(option, GroupedOption) or not option.explained:
        return
    with formatter.section(heading(f"Names that {option.opts[0]} takes")):
        formatter.write_dl([(name, one.summary) for name, one in option.explained.items()])


# Documents that come with the package


def docs(page: str) -> str:
    """Where a page of the documentation is: its file on this machine, or else its name."""
    folder = checkout()
    found = folder / "docs" / page if folder is not None else installed_file(page)
    return f"docs/{page}" if found is None else str(found)


def checkout() -> Path | None:
    """The repository that this package lies in, if it does."""
    folder = Path(rnscli.__file__).parents[1]
    return folder if (folder / "docs" / "reference.md").is_file() else None


def installed_file(name: str) -> Path | None:
    """Where a wheel has put one of the documents, if it was installed from one."""
    from importlib.metadata import PackageNotFoundError, files

    parts = ("share", "doc", "rnscli", name)
    places = [Path(rnscli.__file__).parents[1].joinpath(*parts)]  # of `pip install --target`
    with suppress(PackageNotFoundError):  # as where the package was copied
        listed = (one for one in files("rnscli") or () if one.parts[-4:] == parts)
        places += [Path(str(one.locate())).resolve() for one in listed]
    return next((one for one in places if one.is_file()), None)
