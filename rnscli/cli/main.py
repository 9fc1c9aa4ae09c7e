"""The ``rnscli`` group, and how it ends: by an error, Ctrl-C or SIGTERM in one line, and soon.

Subcommands are loaded when they are used.
"""

import atexit
import importlib
import io
import os
import re
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from types import FrameType
from typing import Any

import click
from click.shell_completion import CompletionItem

from rnscli import __version__
from rnscli.base import RnscliError, nearest
from rnscli.cli.help_page import WIDEST, Background, WithExamples, heading
from rnscli.cli.terminal import ReaderGoneError, complain, reason_of, sentence_of

# The subcommands with their lines in the help, so that `--help` imports none of them: each is the
# `command` of the module of its name in `rnscli.cli.commands`.
ANSWERING = {  # which answer with rows
    "moduli": "Choose moduli sets for a target precision.",
    "error-sim": "Simulate the dot-product error of each core.",
    "fault-prob": "Compute the output error probability, exactly.",
    "noise": "Compute what devices make of readings, part by part.",
    "energy": "Estimate energy, latency and area of a design.",
    "chip": "Run a network on a chip of many arrays.",
    "accuracy": "Test neural networks on each core.",
    "train": "Train neural networks on each core, beside FP32.",
    "design": "Search for the best design, and say why it is.",
    "batch": "Run a plan of many runs, and gate on its requirements.",
    "reproduce": "Compute published results, beside what is printed.",
    "store": "List and export what --store has recorded.",
    "compare": "Compare two results, and say what has changed.",
}
_OF_RESULTS = {"rerun": "Compute a saved result again, or draw it."}
COMMANDS = (
    ANSWERING
    | _OF_RESULTS
    | {
        "help": "Show what a command does, or a group of its options.",
        "examples": "Print examples of a command, to be copied.",
        "glossary": "Say what a word means here.",
        "cite": "Print how to cite rnscli and the paper of its model.",
        "schema": "Print the JSON Schema of a command's output.",
        "completion": "Print the script that lets a shell complete.",
        "man": "Print the manual page of all commands.",
    }
)
NESTED = ("store merge",)  # which a word behind another command chooses; they answer with rows
TRACEBACK = "RNSCLI_TRACEBACK"  # where it is set, errors of a user's own code are shown whole
COMPLETE = "_RNSCLI_COMPLETE"  # by this variable a shell asks what it may offer
MAX_DIGITS = 100_000  # of a number
_warned: set[str] = set()


def command_named(name: str) -> WithExamples:
    """The command of a name of `COMMANDS` or `NESTED`."""
    module = importlib.import_module(f"rnscli.cli.commands.{re.sub('[ -]', '_', name)}")
    command: WithExamples = module.command
    return command


class _LazyGroup(WithExamples, click.Group):
    """A group whose commands are imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return command_named(cmd_name) if cmd_name in COMMANDS else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            near = (
                nearest(name, (*COMMANDS, "--version", "--help"))
                or f"; the commands are {', '.join(COMMANDS)}"
            )
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
        width = max(map(len, COMMANDS))
        first = ANSWERING | _OF_RESULTS
        others = {name: text for name, text in COMMANDS.items() if name not in first}
        for title, listed in (("Commands", first), ("About the tool", others)):
            with formatter.section(heading(title)):
                rows = [(name.ljust(width), text) for name, text in listed.items()]
                formatter.write_dl(rows)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        self.format_commands(ctx, formatter)


@click.group(
    cls=_LazyGroup,
    background=Background(
        "Demirkiran, Nair, Bunandar and Joshi, A Blueprint for Precise and Fault-Tolerant Analog "
        "Neural Networks, Nature Communications 2024, arXiv:2309.10759 (rnscli cite). Each command "
        "names its own: rnscli help COMMAND.",
        page="tutorial.md",
    ),
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": WIDEST},
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
        message = sentence_of(error)
    except RnscliError as error:
        message = str(error)
        if os.environ.get(TRACEBACK) and error.__context__ is not None:
            import traceback

            traceback.print_exception(error.__context__)
    except (ReaderGoneError, SystemExit):  # the latter is click's, of help that nobody reads
        # Python must not fail once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141  # as a filter that was ended by SIGPIPE
    except OSError as error:
        message = reason_of(error)
    except MemoryError:
        message = "not enough memory for these sizes; ask for fewer or smaller ones"
    else:
        return code if isinstance(code, int) else 0
    complain(message, "bad")
    return 2


def _prepare() -> None:
    # A range may have more digits than Python prints by default; a file may have even more.
    sys.set_int_max_str_digits(MAX_DIGITS)
    warnings.showwarning = _show_warning
    _warned.clear()
    warnings.simplefilter("once", RuntimeWarning)
    if sys.stderr is None:  # closed; libraries, also in workers, write there without a look
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        os.set_inheritable(2, True)
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal may know only ASCII


def _show_warning(
    message: Warning | str, category: type[Warning], *place: Any, **more: Any
) -> None:
    # Others are for programmers. Python tells one again for every module that it comes from.
    if issubclass(category, RuntimeWarning | UserWarning) and str(message) not in _warned:
        _warned.add(str(message))
        complain(f"warning: {message}", "doubtful")


_ENDS = {signal.SIGINT: ("interrupted", 130), signal.SIGTERM: ("terminated", 143)}
_AGAIN = 0.05  # seconds until an exception that was lost is raised again
_PATIENCE = 1.0  # seconds until a command ends that has not ended by itself
_LAST = 0.2  # seconds for its last line: where nobody reads it, that waits for ever


class EndedError(BaseException):
    """A signal has ended the command; like KeyboardInterrupt, nothing to handle on the way."""

    def __init__(self, number: int = signal.SIGINT) -> None:
        word, self.code = _ENDS[signal.Signals(number)]
        super().__init__(word)
        self.number = number
        self._untold = threading.Lock()

    def tell(self) -> int:
        """Say it, once, and return the code to exit with."""
        if self._untold.acquire(blocking=False):
            complain(str(self))
        return self.code


_ended: list[EndedError] = []  # the first one counts, whichever thread saw it first


def main() -> None:
    """Run the command line and exit with its code; a signal is an `EndedError` in this thread."""
    if os.name == "posix":
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        # Tells of a signal while the main thread is in C, where it runs no handler.
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        threading.Thread(target=_watch, args=[reader], daemon=True).start()
    _handle_signals(_end)
    try:
        code = run(sys.argv[1:])
        _handle_signals(signal.SIG_IGN)  # they come too late: the command has ended
    except EndedError as end:  # as it was about to say something else
        code = end.tell()
    if _ended and code == _ended[0].code:
        # Python would take all modules down, one by one: seconds, with PyTorch on a busy machine.
        atexit._run_exitfuncs()
        os._exit(code)
    sys.exit(code)


def _handle_signals(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    for number in _ENDS:
        signal.signal(number, handler)


def _end(number: int, frame: FrameType | None) -> None:
    _ended.append(EndedError(number))
    # Objects that are half made or half gone have nothing more to say.
    sys.unraisablehook = _raise_again
    threading.excepthook = lambda _: None
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            # Modules in C that are being imported may clear the exception: when they are there.
            _send_again(number)
            return
        frame = frame.f_back
    _handle_signals(signal.SIG_IGN)  # the next one would break into the clearing up
    raise _ended[0]


def _raise_again(lost: "sys.UnraisableHookArgs") -> None:
    """Python drops what is raised in a destructor."""
    if isinstance(lost.exc_value, EndedError):
        _handle_signals(_end)
        _send_again(lost.exc_value.number)


def _send_again(number: int) -> None:
    timer = threading.Timer(_AGAIN, os.kill, (os.getpid(), number))
    timer.daemon = True
    timer.start()


def _watch(signals: int) -> None:
    """End this process if it does not end by itself; workers end with it, as their pipes do."""
    while (number := os.read(signals, 1)[0]) not in _ENDS:
        pass
    _ended.append(EndedError(number))
    time.sleep(_PATIENCE)
    last = threading.Thread(target=_clear_up, daemon=True)
    last.start()
    last.join(_LAST)
    os._exit(_ended[0].code)


def _clear_up() -> None:
    if "multiprocessing.util" in sys.modules:
        from multiprocessing.util import get_temp_dir
        from shutil import rmtree

        rmtree(get_temp_dir(), ignore_errors=True)
    _ended[0].tell()
