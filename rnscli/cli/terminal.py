"""What a person reads: sentences, progress; and standard output."""

import contextlib
import os
import re
import shutil
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import click

from rnscli.base import InputError, nearest, printable, shown


class ReaderGoneError(Exception):
    """Nobody reads standard output any more, as after ``| head``.

    Not an OSError: click would take that for an error of its own and exit with code 1.
    """


def is_terminal() -> bool:
    """Whether a person reads standard output."""
    return sys.stdout is not None and sys.stdout.isatty()


PROSE = 100  # columns of a text at most: longer lines are hard to read


def screen_width() -> int:
    """Columns of the terminal, or those of what is none."""
    return shutil.get_terminal_size().columns if is_terminal() else PROSE


def hanging(start: str, text: str) -> list[str]:
    """Lines of a text as wide as the terminal, up to 100 columns, indented below their start."""
    width = min(PROSE + len(start), screen_width())
    return textwrap.wrap(
        text, width, initial_indent=start, subsequent_indent=" " * len(start),
        break_on_hyphens=False,
    )  # fmt: skip


def write_standard_output(text: str) -> None:
    """Write and flush; a reader that has gone is a `ReaderGoneError`."""
    if sys.stdout is None:
        raise InputError("standard output is closed; give --output FILE")
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise ReaderGoneError from None


_MAX_SENTENCES = 10  # of one kind
_LONGEST_WORD, _LONGEST_SENTENCE = 200, 2000


def say(sentences: Sequence[str], more: str, tone: str = "") -> None:
    """Some sentences, not too many of them; ``more`` says what the others are."""
    for sentence in sentences[:_MAX_SENTENCES]:
        complain(sentence, tone)
    if len(sentences) > _MAX_SENTENCES:
        complain(f"{len(sentences) - _MAX_SENTENCES} {more}")


def sentence_of(error: click.ClickException) -> str:
    """The message of an error, without click's quotes round the option."""
    if isinstance(error, click.BadParameter) and error.param is not None and error.message:
        named = isinstance(error.param, click.Option)
        name = error.param.opts[0] if named else error.param.human_readable_name
        return f"{name.strip('[].')}: {error.message}"
    if isinstance(error, click.BadOptionUsage | click.NoSuchOption) and error.ctx is not None:
        name, context = error.option_name, error.ctx
        known = {option: one for one in context.command.params for option in one.opts}
        if name in known:
            if getattr(known[name], "is_flag", False):
                return f"{name} takes no value; leave that out"
            kind = known[name].type
            accepted = getattr(kind, "what", "") or known[name].make_metavar(context)
            return f"{name} has no value; it must be {accepted}"
        return f"{context.command_path} has no option {shown(name)}{nearest(name, known)}"
    return error.format_message()


# The colours of tables: what a theme makes of its own red may be dark on dark.
_COLOURS = {"bad": "\x1b[1;38;5;196m", "doubtful": "\x1b[38;5;166m"}


def _coloured(text: str, tone: str) -> str:
    """A text for standard error, in a colour if a person sees it there who does not mind."""
    colour = _COLOURS.get(tone)
    unwanted = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    # The console of older Windows shows the codes themselves.
    able = os.name != "nt" or "WT_SESSION" in os.environ
    if colour is None or unwanted or not able or not sys.stderr.isatty():
        return text
    return f"{colour}{text}\x1b[0m"


def complain(message: str, tone: str = "") -> None:
    """One sentence, with options in the place of the arguments that errors have in backticks.

    ``tone`` is ``bad`` of errors and failures, ``doubtful`` of warnings: a terminal shows it. Of
    what the sentence repeats nothing reaches the terminal but letters, and not more than can be
    read.
    """
    words = (_cut(word, _LONGEST_WORD) for word in printable(with_options(message)).split())
    text = _cut(" ".join(words), _LONGEST_SENTENCE).rstrip(".")
    with contextlib.suppress(OSError, AttributeError):  # standard error may be full or closed
        sys.stderr.write(f"{_coloured('rnscli:', tone)} {text}\n")
        sys.stderr.flush()


def _cut(text: str, most: int) -> str:
    """A text without its middle, if it is too long."""
    return text if len(text) <= most else f"{text[: most // 2]}...{text[-most // 2 + 3 :]}"


def reason_of(error: OSError) -> str:
    """Why the system refuses something, and of what."""
    if error.filename is None and isinstance(error, FileNotFoundError):
        return "the current folder has been removed; change to another one"
    return f"{error.strerror or error}: {error.filename or 'standard output'}"


def with_options(message: str) -> str:
    """A message with options in the place of the arguments that errors have in backticks."""
    return re.sub(r"`([a-z]\w*)`", lambda name: "--" + name[1].replace("_", "-"), message)


PATIENCE = 1.0  # seconds without a word


class Advance(Protocol):
    """Says how far a command has come."""

    def __call__(
        self,
        done: float,
        total: float | None = None,
        note: Callable[[], str] | None = None,
        recorded: float = 0,
    ) -> None:
        """``done`` of ``total``, where that has changed, and a line about the result so far.

        ``recorded`` of what is done took no time, as it was done before.
        """
        ...


def _silent(*done: Any, **more: Any) -> None:
    pass


@contextlib.contextmanager
def no_bar(total: float, what: str) -> Iterator[Advance]:
    """A bar that nobody sees."""
    yield _silent


@contextlib.contextmanager
def after_a_moment(show: Callable[[], object]) -> Iterator[None]:
    """Calls a function once patience is over, on a timer, as the first block may take long."""
    starter = threading.Timer(PATIENCE, show)
    starter.daemon = True
    starter.start()
    try:
        yield
    finally:
        starter.cancel()
        starter.join()


@contextlib.contextmanager
def progress_bar(total: float, what: str, quiet: bool = False) -> Iterator[Advance]:
    """A function to call with what is done; it draws nothing when stderr is piped."""
    if quiet or sys.stderr is None or not sys.stderr.isatty():
        yield _silent
        return
    from rich.console import Console, Group
    from rich.live import Live
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    bar = ProgressBar(total=total, width=20)
    words, note_line = Text(), Text(style="dim", no_wrap=True, overflow="ellipsis")
    line = Table.grid(padding=(0, 1))
    line.add_row(bar, words)
    live = Live(
        Group(line, note_line), console=Console(stderr=True), transient=True, refresh_per_second=4
    )
    begin, known = time.monotonic(), total

    def advance(
        done: float,
        total: float | None = None,
        note: Callable[[], str] | None = None,
        recorded: float = 0,
    ) -> None:
        seconds = time.monotonic() - begin
        if not seconds > PATIENCE:
            return
        bar.update(done, total)
        rate = (done - recorded) / (seconds or 1.0)
        words.plain = progress_text(done, bar.total or done, bar.total == known, what, rate)
        if note is not None:
            note_line.plain = note()

    words.plain = f"0 of {total:,.0f} {what}"
    try:
        with after_a_moment(live.start):
            yield advance
    finally:
        if live.is_started:
            live.stop()


def progress_text(done: float, total: float, known: bool, what: str, rate: float) -> str:
    """How much of how much, if that is known and no estimate, how fast, and how long yet."""
    text = f"{done:,.0f} of {f'{total:,.0f}' if known else _rounded(total)} {what}"
    if rate <= 0:
        return text
    left = max(0.0, total - done) / rate
    minutes, seconds = divmod(round(left), 60)
    hours, minutes = divmod(minutes, 60)
    clock = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
    if rate >= 1:
        text += f"  {_rounded(rate)} {what}/s"
    return f"{text}  {clock} left"


def _rounded(value: float) -> str:
    """Three digits, if they are enough: estimates change all the time."""
    return f"{float(f'{value:.3g}'):,.0f}"
