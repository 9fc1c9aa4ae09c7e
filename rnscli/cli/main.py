"""The ``rnscli`` group: subcommands are loaded when they are used, errors become one sentence."""

import importlib
import io
import os
import sys
import warnings
from typing import Any, TextIO

import click
from click.shell_completion import CompletionItem

from rnscli import __version__
from rnscli.base import RnscliError, nearest
from rnscli.cli.ending import EndedError, end_on_signals, ignore_signals, leave
from rnscli.cli.examples import WithExamples
from rnscli.cli.terminal import ReaderGoneError, complain, sentence_of

# The subcommands with their lines in the help, so that `--help` imports none of them: each is the
# `command` of the module of its name in `rnscli.cli.commands`.
ANSWERING = {  # which answer with rows
    "moduli": "Choose moduli sets for a target precision.",
    "error-sim": "Simulate the dot-product error of each core.",
    "fault-prob": "Compute the output error probability, exactly.",
    "energy": "Estimate energy, latency and area of a design.",
    "accuracy": "Test neural networks on each core.",
    "train": "Train neural networks on each core, beside FP32.",
    "design": "Search for the best design, and say why it is.",
    "batch": "Run a plan of many runs, and gate on its requirements.",
    "reproduce": "Compute published results, beside what is printed.",
    "store": "List and export what --store has recorded.",
}
COMMANDS = ANSWERING | {
    "schema": "Print the JSON Schema of a command's output.",
    "completion": "Print the script that lets a shell complete.",
    "man": "Print the manual page of all commands.",
}
COMPLETE = "_RNSCLI_COMPLETE"  # by this variable a shell asks what it may offer
_warned: set[str] = set()


class _LazyGroup(WithExamples, click.Group):
    """A group whose commands are imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"rnscli.cli.commands.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            near = nearest(name, COMMANDS) or f"; the commands are {', '.join(COMMANDS)}"
            raise click.UsageError(f"there is no command {name[:60]!r}{near}")
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Subcommands and options; click would import every command for its line of help."""
        found = [
            CompletionItem(name, help=text)
            for name, text in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:  # click would print an empty line, also into a pipe
            raise EndedError from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=_LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, "-V", "--version", prog_name="rnscli")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Design residue-number-system analog accelerators: moduli, error, faults, energy.

    Numeric options take a value, a list (4,6,8), an integer range (4..8) or a logarithmic grid
    (1e-6..1e-1:31), and choices take a list: the command prints a row for each combination.

    \b
    # Which moduli cover a dot product of 128 terms
    rnscli moduli --bits 4..8 --vector-size 128
    # How likely a wrong output is, with up to three redundant moduli
    rnscli fault-prob --p 1e-6 --redundant 0..3
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main() -> None:
    """Run the command line and exit with its code."""
    end_on_signals()
    try:
        code = run(sys.argv[1:])
        ignore_signals()
    except EndedError as end:  # as it was about to say something else
        code = end.tell()
    leave(code)


def run(arguments: list[str]) -> int:
    """Exit code: 0 done, 1 a requirement fails, 2 bad input or no solution.

    130 is an interrupt, 143 a termination, and 141 a reader that has gone, as of other programs.
    """
    try:
        _prepare()
        if os.environ.get(COMPLETE):
            from rnscli.cli.commands.completion import answer

            return answer()
        code = cli.main(arguments, prog_name="rnscli", standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except EndedError as end:
        return end.tell()
    except (click.Abort, KeyboardInterrupt):
        return EndedError().tell()
    except click.ClickException as error:
        return _complain(sentence_of(error), 2)
    except RnscliError as error:
        return _complain(str(error), 2)
    except (ReaderGoneError, SystemExit):  # the latter is click's, of help that nobody reads
        # Python must not fail once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141  # as a filter that was ended by SIGPIPE
    except OSError as error:
        return _complain(f"{error.strerror or error}: {error.filename or 'standard output'}", 2)
    except MemoryError:
        return _complain("not enough memory for these sizes; ask for fewer or smaller ones", 2)
    return code if isinstance(code, int) else 0


def _prepare() -> None:
    sys.set_int_max_str_digits(0)  # a range may have more digits than Python prints by default
    warnings.showwarning = _show_warning
    _warned.clear()
    warnings.simplefilter("once", RuntimeWarning)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal may know only ASCII


def _complain(message: str, code: int) -> int:
    complain(message)
    return code


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    # Others are for programmers. Python tells one again for every module that it comes from.
    if issubclass(category, RuntimeWarning | UserWarning) and str(message) not in _warned:
        _warned.add(str(message))
        complain(f"warning: {message}")
