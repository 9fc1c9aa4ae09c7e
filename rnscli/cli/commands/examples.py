"""``rnscli examples``."""

from collections.abc import Iterator

import click

from rnscli.cli import (
    COMMANDS,
    Background,
    WithExamples,
    example_lines,
    options,
    write_standard_output,
)


@click.command("examples", cls=WithExamples, background=Background(page="reference.md"))
@click.argument(
    "command",
    type=options.NameArgument(tuple(COMMANDS), "Give"),
    metavar="[COMMAND]",
    required=False,
)
@click.pass_context
def command(context: click.Context, command: str | None) -> None:
    """Print the examples of a command, or of all, to be copied.

    They are those that its help ends with. Each is run by the tests of rnscli, as it stands.

    \b
    # What can be asked of fault-prob?
    rnscli examples fault-prob
    # Which examples have to do with light?
    rnscli examples | grep -B1 -A1 -e photonic -e laser
    """
    root = context.find_root()
    if command is not None:
        write_standard_output("\n".join(example_lines(_named(root, command).examples)) + "\n")
        return
    parts = ["\n".join(["# rnscli", "", *_lines(root.command)])]
    parts += ["\n".join([f"# rnscli {name}", "", *_lines(_named(root, name))]) for name in COMMANDS]
    write_standard_output("\n\n\n".join(parts) + "\n")


def _named(root: click.Context, name: str) -> WithExamples:
    group = root.command
    assert isinstance(group, click.Group)
    found = group.get_command(root, name)
    assert isinstance(found, WithExamples)
    return found


def _lines(command: click.Command) -> Iterator[str]:
    assert isinstance(command, WithExamples)
    return example_lines(command.examples)
