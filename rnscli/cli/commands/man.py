"""``rnscli man``: the manual page, made of the same commands and options as ``--help``."""

import re
from collections.abc import Iterable, Iterator

import click

from rnscli.base import InputError
from rnscli.cli import (
    NESTED,
    Background,
    WithExamples,
    command_named,
    grouped,
    title_of,
    write_standard_output,
)

_EXIT_CODES = {
    "0": "Done.",
    "1": "A requirement of --require does not hold, or an exact value and its simulation differ.",
    "2": "Bad input or no solution; one sentence on standard error says which. Where only some "
    "points of a sweep have no solution, the rows of the others are printed; points of a default "
    "that have none are left out, and the code is 0.",
    "130": "Interrupted.",
    "143": "Terminated.",
}
_ENVIRONMENT = {"COLUMNS": "Width of help, and of tables on a terminal."}
_SEE_ALSO = (
    "rnscli COMMAND --help shows the part of this page that is about one command, rnscli help "
    "COMMAND GROUP a group of its options, rnscli glossary what words mean.\n\n"
    'C. Demirkiran, L. Nair, D. Bunandar, A. Joshi, "A Blueprint for Precise and Fault-Tolerant '
    'Analog Neural Networks", Nature Communications 2024, https://arxiv.org/abs/2309.10759: the '
    "model behind all numbers."
)


@click.command("man", cls=WithExamples, background=Background(page="reference.md"))
@click.pass_context
def command(context: click.Context) -> None:
    """Print the manual page rnscli(1), of all commands and options, for man.

    Installing rnscli has put it where man looks, as long as rnscli itself is on the PATH.

    \b
    # Read it where man does not find it
    rnscli man | man -l -
    # Put it where man looks for your own pages
    rnscli man > ~/.local/share/man/man1/rnscli.1
    """
    if __doc__ is None:
        raise InputError("man is made of docstrings, which python -OO leaves out; run it without")
    write_standard_output(page(context.find_root()))


def page(root: click.Context) -> str:
    """The manual page of a group, as roff; it does not depend on the terminal or the version."""
    group = root.command
    assert isinstance(group, click.Group) and root.info_name is not None
    name = root.info_name
    short, *rest = (group.help or "").split("\n\n")
    what = " ".join(short.split()).removesuffix(".")
    parts = [
        r'.\" Made by "rnscli man" of the commands themselves.',
        # No date, so that the same commands make the same page.
        f'.TH {escaped(name.upper())} 1 "" "{escaped(name)}" "User Commands"',
        # Lines are not stretched and words, most of which are names, not cut: HY is what groff
        # goes back to after each heading.
        ".nr HY 0\n.nh\n.ad l",
        _section("NAME"),
        rf"{escaped(name)} \- {escaped(what[0].lower() + what[1:])}",
        _section("SYNOPSIS"),
        f"{bold(name)} {_italic('COMMAND')} [{_italic('OPTION')}]...",
        _section("DESCRIPTION"),
        *_paragraphs("\n\n".join(rest)),
        *_examples(group),
        _section("OPTIONS"),
        *_options(root, group.params),
        _item(bold("-h, --help"), "Show the help, also of a command, and exit."),
        _section("COMMANDS"),
    ]
    for each in group.list_commands(root):
        for one in (each, *(nested for nested in NESTED if nested.startswith(f"{each} "))):
            parts.extend(_command(root, one))
    for heading, listed in (("EXIT STATUS", _EXIT_CODES), ("ENVIRONMENT", _ENVIRONMENT)):
        parts += [_section(heading), *(_item(bold(name), text) for name, text in listed.items())]
    parts += [_section("SEE ALSO"), *_paragraphs(_SEE_ALSO)]
    return "\n".join(parts) + "\n"


def _command(root: click.Context, name: str) -> Iterator[str]:
    command = command_named(name)
    with click.Context(command, parent=root, info_name=name) as context:
        heading = " ".join([context.command_path, *command.collect_usage_pieces(context)])
        yield f".SS {escaped(heading)}"
        yield from _paragraphs(command.help or "")
        yield from _options(context, command.params)
        yield from _examples(command)
        if command.background is not None:
            of = command.background
            sources = f"Formulas and their sources: {of.sources} " if of.sources else ""
            yield from _paragraphs(f"{sources}See docs/{of.page}.")


def _options(context: click.Context, params: list[click.Parameter]) -> Iterator[str]:
    """Options by groups; arguments are in the heading."""
    for group, listed in grouped(params).items():
        if group is not None:
            yield f".PP\n{bold(f'{title_of(group)}:')}"
        for param in listed:
            record = param.get_help_record(context)
            if record is None:
                continue
            names = ", ".join(param.opts)
            value = record[0].removeprefix(names).strip()
            tag = f"{bold(names)} {_italic(value)}" if value else bold(names)
            yield _item(tag, record[1])


def _examples(command: click.Command) -> Iterator[str]:
    if isinstance(command, WithExamples) and command.examples:
        yield _paragraphs("Examples:")[0]
        lines = ((f"# {example.answers}", example.line) for example in command.examples)
        yield _verbatim(line for pair in lines for line in pair)


# Plain characters that roff would print as typographic ones, which no shell knows.
_ESCAPES = {
    "\\": r"\(rs",
    "-": r"\-",
    "'": r"\(aq",
    '"': r"\(dq",
    "`": r"\(ga",
    "^": r"\(ha",
    "~": r"\(ti",
    "±": r"\(+-",
}


def escaped(text: str) -> str:
    """Text that is printed as it is, wherever it stands."""
    plain = "".join(
        _ESCAPES.get(letter, letter if letter.isascii() else f"\\[u{ord(letter):04X}]")
        for letter in text
    )
    return re.sub(r"^(?=\.)", r"\\&", plain, flags=re.MULTILINE)


def bold(text: str) -> str:
    """Text that is typed as it is."""
    return rf"\fB{escaped(text)}\fR"


def _italic(text: str) -> str:
    return rf"\fI{escaped(text)}\fR"


def _section(name: str) -> str:
    return f".SH {escaped(name)}"


def _paragraphs(text: str) -> list[str]:
    """Running text, cut at empty lines."""
    return [f".PP\n{escaped(' '.join(part.split()))}" for part in text.split("\n\n") if part]


def _item(tag: str, text: str) -> str:
    """A hanging paragraph; the tag is escaped already."""
    return f".TP\n{tag}\n{escaped(' '.join(text.split()))}"


def _verbatim(lines: Iterable[str]) -> str:
    """Lines as they are."""
    return "\n".join([".PP", ".EX", *map(escaped, lines), ".EE"])
