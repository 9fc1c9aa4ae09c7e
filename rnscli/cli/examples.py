"""Worked examples, which a command's help ends with."""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click

_MARK = "\n\n\b\n"


@dataclass(frozen=True)
class Example:
    """A line for the shell, which may be continued on others, and what it answers."""

    answers: str
    line: str


class WithExamples(click.Command):
    """A command whose docstring ends with examples: what follows ``\\b``.

    Each is a comment and a line for the shell. They come last in the help, below the options,
    because that is what a terminal shows when the help is longer than the screen.
    """

    def __init__(self, *, help: str | None = None, **attributes: Any) -> None:
        """Take the examples out of the text."""
        text, _, examples = inspect.cleandoc(help or "").partition(_MARK)
        super().__init__(help=text, **attributes)
        self.examples = tuple(_examples(examples))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The examples as they are, never wrapped: they are there to be copied."""
        super().format_epilog(ctx, formatter)
        if not self.examples:
            return
        with formatter.section("Examples"):
            for example in self.examples:
                for line in (f"# {example.answers}", *example.line.splitlines()):
                    formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


def _examples(text: str) -> Iterator[Example]:
    answers = ""
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith("#"):
            answers = line.removeprefix("#").strip()
            continue
        lines.append(line)
        if not line.endswith("\\"):
            yield Example(answers, "\n".join(lines))
            answers, lines = "", []
