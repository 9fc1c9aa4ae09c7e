"""``rnscli man``: the manual page, made of the same commands and options as ``--help``."""

from collections.abc import Iterator

import click

from rnscli.cli import roff
from rnscli.cli.examples import WithExamples
from rnscli.cli.pipe import write_standard_output

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
        roff.title(root.info_name, 1, root.info_name, "User Commands"),
        roff.section("NAME"),
        rf"{roff.escaped(root.info_name)} \- {roff.escaped(what[0].lower() + what[1:])}",
        roff.section("SYNOPSIS"),
        f"{roff.bold(root.info_name)} {roff.italic('COMMAND')} [{roff.italic('OPTION')}]...",
        roff.section("DESCRIPTION"),
        *roff.paragraphs("\n\n".join(rest)),
        *_examples(group),
        roff.section("OPTIONS"),
        *_options(root, group.params),
        roff.item(roff.bold("-h, --help"), "Show the help, also of a command, and exit."),
        roff.section("COMMANDS"),
    ]
    for name in group.list_commands(root):
        parts.extend(_command(root, group, name))
    parts.append(roff.section("EXIT STATUS"))
    parts.extend(roff.item(roff.bold(code), text) for code, text in _EXIT_CODES.items())
    parts.append(roff.section("ENVIRONMENT"))
    parts.extend(roff.item(roff.bold(name), text) for name, text in _ENVIRONMENT.items())
    parts.append(roff.section("SEE ALSO"))
    parts.extend(roff.paragraphs(_SEE_ALSO))
    return "\n".join(parts) + "\n"


def _command(root: click.Context, group: click.Group, name: str) -> Iterator[str]:
    found = group.get_command(root, name)
    assert found is not None
    with click.Context(found, parent=root, info_name=name) as context:
        yield roff.subsection(
            " ".join([context.command_path, *found.collect_usage_pieces(context)])
        )
        yield from roff.paragraphs(found.help or "")
        yield from _options(context, found.params)
        yield from _examples(found)


def _options(context: click.Context, params: list[click.Parameter]) -> Iterator[str]:
    for param in params:
        record = param.get_help_record(context)
        if record is None or not isinstance(param, click.Option):  # the heading has arguments
            continue
        names = ", ".join(param.opts)
        value = record[0].removeprefix(names).strip()
        tag = f"{roff.bold(names)} {roff.italic(value)}" if value else roff.bold(names)
        yield roff.item(tag, record[1])


def _examples(command: click.Command) -> Iterator[str]:
    if isinstance(command, WithExamples) and command.examples:
        yield roff.paragraphs("Examples:")[0]
        lines = ((f"# {example.answers}", example.line) for example in command.examples)
        yield roff.verbatim(line for pair in lines for line in pair)
