"""``rnscli examples``."""

from collections.abc import Iterator

import click

from rnscli.cli import (
    COMMANDS,
    Background,
    WithExamples,
    command_named,
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
    if command is not None:
        write_standard_output("\n".join(example_lines(command_named(command).examples)) + "\n")
        return
    every = {"rnscli": context.find_root().command}
    every |= {f"rnscli {name}": command_named(name) for name in COMMANDS}
    parts = ["\n".join([f"# {name}", "", *_lines(one)]) for name, one in every.items()]
    write_standard_output("\n\n\n".join(parts) + "\n")


def _lines(command: click.Command) -> Iterator[str]:
    assert isinstance(command, WithExamples)
    return example_lines(command.examples)
