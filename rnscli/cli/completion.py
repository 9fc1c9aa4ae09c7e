"""``rnscli completion``, and the answers to what its scripts ask."""

import os

import click
from click.shell_completion import add_completion_class, shell_complete

from rnscli.cli.examples import WithExamples
from rnscli.cli.main import COMPLETE, cli
from rnscli.cli.name_argument import NameArgument
from rnscli.cli.pipe import write_standard_output
from rnscli.cli.shells import SHELLS


@click.command("completion", cls=WithExamples)
@click.argument("shell", type=NameArgument(tuple(SHELLS), "Give"), metavar="SHELL")
def command(shell: str) -> None:
    """Print the script with which a shell completes rnscli: bash, zsh or fish.

    It completes commands, options and their values: names, also behind a comma, files, and the
    columns that --require may be about.

    \b
    # bash: put this line into ~/.bashrc
    eval "$(rnscli completion bash)"
    # zsh: put this line into ~/.zshrc, below compinit
    eval "$(rnscli completion zsh)"
    # fish: run this once, and after an update
    rnscli completion fish > ~/.config/fish/completions/rnscli.fish
    """
    write_standard_output(SHELLS[shell](cli, {}, "rnscli", COMPLETE).source())


def answer() -> int:
    """Tell the shell that asks what may stand in the line that is typed; the exit code."""
    for name, kind in SHELLS.items():
        add_completion_class(kind, name)
    try:
        return shell_complete(cli, {}, "rnscli", COMPLETE, os.environ[COMPLETE])
    except Exception:  # whatever it is: a traceback into a line that is being typed helps nobody
        return 1
