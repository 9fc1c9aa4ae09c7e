"""``rnscli man``: the manual page, made of the same commands and options as ``--help``."""

import re
from collections.abc import Iterable, Iterator

import click

from rnscli.cli import WithExamples, write_standard_output

_EXIT_CODES = {
    "0": "Done.",
    "1": "A requirement of --require does not hold, or an exact value and its simulation differ.",
    "2": "Bad input or no solution; one sentence on standard error says which. Where only some "
    "points of a sweep have no solution, the rows of the others are printed.",
    "130": "Interrupted.",
    "143": "Terminated.",
}
_ENVIRONMENT = {
    "COLUMNS": "Width of help, and of tables on a terminal.",
}
_SEE_ALSO = (
    "rnscli COMMAND --help shows the part of this page that is about one command.\n\n"
    'C. Demirkiran, L. Nair, D. Bunandar, A. Joshi, "A Blueprint for Precise and Fault-Tolerant '
    'Analog Neural Networks", Nature Communications 2024, https://arxiv.org/abs/2309.10759: the '
    "model behind all numbers."
)


@click.command("man", cls=WithExamples)
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
    write_standard_output(page(context.find_root()))


def page(root: click.Context) -> str:
    """The manual page of a group, as roff; it does not depend on the terminal or the version."""
    group = root.command
    assert isinstance(group, click.Group) and root.info_name is not None
    short, *rest = (group.help or "").split("\n\n")
    what = " ".join(short.split()).removesuffix(".")
    parts = [
        r'.\" Made by "rnscli man" of the commands themselves.',
        title(root.info_name, 1, root.info_name, "User Commands"),
        section("NAME"),
        rf"{escaped(root.info_name)} \- {escaped(what[0].lower() + what[1:])}",
        section("SYNOPSIS"),
        f"{bold(root.info_name)} {italic('COMMAND')} [{italic('OPTION')}]...",
        section("DESCRIPTION"),
        *paragraphs("\n\n".join(rest)),
        *_examples(group),
        section("OPTIONS"),
        *_options(root, group.params),
        item(bold("-h, --help"), "Show the help, also of a command, and exit."),
        section("COMMANDS"),
    ]
    for name in group.list_commands(root):
        parts.extend(_command(root, group, name))
    parts.append(section("EXIT STATUS"))
    parts.extend(item(bold(code), text) for code, text in _EXIT_CODES.items())
    parts.append(section("ENVIRONMENT"))
    parts.extend(item(bold(name), text) for name, text in _ENVIRONMENT.items())
    parts.append(section("SEE ALSO"))
    parts.extend(paragraphs(_SEE_ALSO))
    return "\n".join(parts) + "\n"


def _command(root: click.Context, group: click.Group, name: str) -> Iterator[str]:
    found = group.get_command(root, name)
    assert found is not None
    with click.Context(found, parent=root, info_name=name) as context:
        yield subsection(" ".join([context.command_path, *found.collect_usage_pieces(context)]))
        yield from paragraphs(found.help or "")
        yield from _options(context, found.params)
        yield from _examples(found)


def _options(context: click.Context, params: list[click.Parameter]) -> Iterator[str]:
    for param in params:
        record = param.get_help_record(context)
        if record is None or not isinstance(param, click.Option):  # the heading has arguments
            continue
        names = ", ".join(param.opts)
        value = record[0].removeprefix(names).strip()
        tag = f"{bold(names)} {italic(value)}" if value else bold(names)
        yield item(tag, record[1])


def _examples(command: click.Command) -> Iterator[str]:
    if isinstance(command, WithExamples) and command.examples:
        yield paragraphs("Examples:")[0]
        lines = ((f"# {example.answers}", example.line) for example in command.examples)
        yield verbatim(line for pair in lines for line in pair)


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
    found = "".join(
        _ESCAPES.get(letter, letter if letter.isascii() else f"\\[u{ord(letter):04X}]")
        for letter in text
    )
    return re.sub(r"^(?=\.)", r"\\&", found, flags=re.MULTILINE)


def bold(text: str) -> str:
    """Text that is typed as it is."""
    return rf"\fB{escaped(text)}\fR"


def italic(text: str) -> str:
    """Text that stands for something."""
    return rf"\fI{escaped(text)}\fR"


def title(name: str, section: int, source: str, manual: str) -> str:
    """The head of the page, without a date, so that the same commands make the same page.

    Lines are not stretched and words, most of which are names, not cut: HY is what groff
    goes back to after each heading.
    """
    head = f'.TH {escaped(name.upper())} {section} "" "{escaped(source)}" "{escaped(manual)}"'
    return f"{head}\n.nr HY 0\n.nh\n.ad l"


def section(name: str) -> str:
    """A heading."""
    return f".SH {escaped(name)}"


def subsection(name: str) -> str:
    """A heading below that."""
    return f".SS {escaped(name)}"


def paragraphs(text: str) -> list[str]:
    """Running text, cut at empty lines."""
    return [f".PP\n{escaped(' '.join(part.split()))}" for part in text.split("\n\n") if part]


def item(tag: str, text: str) -> str:
    """A hanging paragraph; the tag is escaped already."""
    return f".TP\n{tag}\n{escaped(' '.join(text.split()))}"


def verbatim(lines: Iterable[str]) -> str:
    """Lines as they are."""
    return "\n".join([".PP", ".EX", *map(escaped, lines), ".EE"])
