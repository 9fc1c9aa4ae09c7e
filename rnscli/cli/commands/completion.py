"""``rnscli completion``, and the answers to what its scripts ask."""

import os
import re

import click
from click import shell_completion
from click.shell_completion import CompletionItem, ShellComplete

from rnscli.cli import COMPLETE, Background, WithExamples, cli, options, write_standard_output

_FISH = """\
function %(complete_func)s
    set -l response (env %(complete_var)s=fish_complete COMP_WORDS=(commandline -cp) \
COMP_CWORD=(commandline -t) %(prog_name)s)
    for completion in $response
        set -l found (string split --max 1 "," $completion)
        switch $found[1]
            case file
                __fish_complete_path $found[2]
            case plain
                echo $found[2]
        end
    end
end

complete --keep-order --no-files --command %(prog_name)s --arguments "(%(complete_func)s)"
"""


class Bash(shell_completion.BashComplete):
    """Bash cuts words at ``=`` and wants back what stands behind it."""

    def get_completion_args(self) -> tuple[list[str], str]:
        words, incomplete = super().get_completion_args()
        if words and words[-1] == "=":
            words.pop()
        return words, incomplete


class _WholeWords(ShellComplete):
    """Of shells that keep ``--option=value`` one word, and want all of it back."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        found = super().get_completions(args, incomplete)
        option = re.match(r"--[\w-]+=", incomplete)
        if option is None:
            return found
        return [
            item if item.type == "file" else CompletionItem(option[0] + item.value, help=item.help)
            for item in found
        ]


class Zsh(_WholeWords, shell_completion.ZshComplete):
    """As click's."""


class Fish(_WholeWords, shell_completion.FishComplete):
    """With a script that leaves the commas in a value."""

    source_template = _FISH

    def format_completion(self, item: CompletionItem) -> str:
        """One line, in which fish sees the help behind a tab."""
        described = f"\t{' '.join(item.help.split())}" if item.help else ""
        return f"{item.type},{item.value}{described}"


SHELLS: dict[str, type[ShellComplete]] = {"bash": Bash, "zsh": Zsh, "fish": Fish}


@click.command("completion", cls=WithExamples, background=Background(page="reference.md"))
@click.argument("shell", type=options.NameArgument(tuple(SHELLS), "Give"), metavar="SHELL")
def command(shell: str) -> None:
    """Print the script with which a shell completes rnscli: bash, zsh or fish.

    It completes commands, options and their values: names, also behind a comma, files, and the
    columns that --require may name.

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
        shell_completion.add_completion_class(kind, name)
    try:
        return shell_completion.shell_complete(cli, {}, "rnscli", COMPLETE, os.environ[COMPLETE])
    except Exception:  # whatever it is: a traceback into a line that is being typed helps nobody
        return 1
