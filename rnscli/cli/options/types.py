"""Types of the values of options, which may be sweeps: lists, integer ranges, logarithmic grids."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click
from click.shell_completion import CompletionItem

from rnscli import base

if TYPE_CHECKING:
    from rnscli.report import Schema

MAX_POINTS = 100_000
Candidates = list[CompletionItem]
Listed = Sequence[str] | Mapping[str, "Summarised"]


class Summarised(Protocol):
    """What is chosen by name and has a line that says what it is."""

    @property
    def summary(self) -> str: ...


# What a shell offers


def of_list(incomplete: str, names: Listed, suffixes: tuple[str, ...] = ()) -> Candidates:
    """Names and files that may stand behind the last comma, with what stands before it.

    A name that the list already has is not offered again; no files without suffixes.
    """
    before, comma, item = incomplete.rpartition(",")
    given = before.split(",")
    summaries = names if isinstance(names, Mapping) else {}
    offered = [
        CompletionItem(before + comma + name, help=getattr(summaries.get(name), "summary", None))
        for name in names
        if name.startswith(item) and name not in given
    ]
    files = _files(item, suffixes) if suffixes else []
    return offered + [CompletionItem(before + comma + name) for name in files]


def of_names(incomplete: str, names: Iterable[str]) -> Candidates:
    """One name."""
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def of_files(incomplete: str) -> Candidates:
    """Any file, which the shell itself lists."""
    return [CompletionItem(incomplete, type="file")]


def names_or_files(
    names: Listed, suffixes: tuple[str, ...]
) -> Callable[[click.Context, click.Parameter, str], Candidates]:
    """`of_list` for an option that has no type of its own."""
    return lambda ctx, param, incomplete: of_list(incomplete, names, suffixes)


def _files(text: str, suffixes: tuple[str, ...]) -> list[str]:
    """Paths that begin as the text does: shells list either files or names, never both."""
    folder, slash, start = text.rpartition("/")
    # A word that ends in one folder is no answer yet, and shells put a space behind it.
    while len(found := list(_entries(folder + slash, start, suffixes))) == 1:
        if not found[0].endswith("/"):
            break
        folder, slash, start = found[0][:-1], "/", ""
    return found


def _entries(folder: str, start: str, suffixes: tuple[str, ...]) -> Iterable[str]:
    try:
        entries = sorted(Path(folder or ".").expanduser().iterdir())
    except (OSError, RuntimeError):  # no folder, one that is not ours to read, or no such user
        return
    for entry in entries:
        if not entry.name.startswith(start) or entry.name.startswith(".") > start.startswith("."):
            continue
        if entry.is_dir():
            yield f"{folder}{entry.name}/"
        elif entry.name.lower().endswith(suffixes):
            yield folder + entry.name


# One value

if TYPE_CHECKING:
    ParamType = click.ParamType[Any]
else:  # not generic before click 8.4
    ParamType = click.ParamType


class RefusedError(Exception):
    """Why a text is not accepted, where what would be accepted does not tell."""


def list_of(one: "Schema", least: int = 1) -> "Schema":
    """Schema of a list."""
    return {"type": "array", "items": one, "minItems": least}


class TextType(ParamType, ABC):
    """A type whose values are read from a text; ``what`` says in words what is accepted."""

    name: str
    what: str

    @abstractmethod
    def parse(self, text: str) -> Any:
        """The value; a ValueError if the text is not accepted."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value  # click converts defaults again
        try:
            return self.parse(value)
        except (ValueError, OverflowError):
            why = "is not accepted"
        except RefusedError as error:
            why = f"is not accepted: {error}"
        except OSError as error:  # of a file that stands for numbers
            raise click.BadParameter(
                f"{shown(value)} cannot be read: {error.strerror}", ctx, param
            ) from None
        raise click.BadParameter(f"{shown(value)} {why}; it must be {self.what}", ctx, param)

    def schema(self) -> "Schema":
        """JSON Schema of one value in a document."""
        return {"type": "string"}


def shown(value: object) -> str:
    """A value in a message, cut where it would fill the screen."""
    text = str(value)
    return repr(text if len(text) <= 60 else text[:57] + "...")


def check_underflow(text: str, value: float) -> None:
    """Refuse a text that becomes zero only because doubles are no smaller."""
    significand = re.match(r"[-+\s\d._]*", text)
    if value == 0 and significand and re.search("[1-9]", significand[0]):
        raise RefusedError("a number is 0 or at least 5e-324")


class WholeNumber(TextType):
    """One whole number of a range."""

    name = "INT"

    def __init__(self, low: int, high: int) -> None:
        self.low, self.high = low, high
        self.what = f"a whole number from {low} to {base.bound(high)}"

    def parse(self, text: str) -> int:
        return whole_number(text, self.low, self.high)

    def schema(self) -> "Schema":
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


class Number(TextType):
    """One real number of a range, which ``accepted`` says in words."""

    name = "FLOAT"

    def __init__(self, low: float, high: float, accepted: str) -> None:
        self.low, self.high, self.what = low, high, accepted

    def parse(self, text: str) -> float:
        number = float(text)
        check_underflow(text, number)
        if not self.low <= number <= self.high:  # false for NaN
            raise ValueError
        return number

    def schema(self) -> "Schema":
        return {"type": "number", "minimum": self.low, "maximum": self.high}


def whole_number(text: str, low: int, high: int) -> int:
    """A whole number in a range, also written as 1e6; a ValueError if it is not."""
    try:
        number = int(text)
    except ValueError:
        value = float(text)
        if 2**53 < value <= high:  # not every number there is a double
            raise RefusedError("a number above 2^53 must be written in digits") from None
        if not abs(value) <= 2**53 or value != int(value):
            raise ValueError from None
        number = int(value)
    if not low <= number <= high:
        raise ValueError
    return number


class IntSetType(TextType):
    """Whole numbers that belong together, such as a set of moduli: ``63,62,61,59``."""

    name = "INT,INT,.."
    what = "whole numbers such as 63,62,61,59"

    def parse(self, text: str) -> Any:
        members = tuple(int(item) for item in text.replace(",", " ").split())
        if not members:
            raise ValueError
        return members

    def schema(self) -> "Schema":
        return list_of({"type": "integer", "minimum": 0})


class Assignment(TextType):
    """A value for something that has a name: ``shifter_loss=0.1dB``."""

    name = "NAME=VALUE"

    def __init__(self, example: str) -> None:
        self.what = f"a name and its value, such as {example}"

    def parse(self, text: str) -> str:
        name, _, value = text.partition("=")
        if not name.strip() or not value.strip():
            raise ValueError
        return f"{name.strip()}={value.strip()}"


class ShapeType(TextType):
    """The shape of an input of a model: ``ids=1x128:int64``."""

    name = "[NAME=]SIZExSIZE..[:TYPE]"
    what = base.SHAPE

    def parse(self, text: str) -> str:
        return str(base.input_shape(text))


@dataclass(frozen=True)
class SplitSet:
    """Moduli that say themselves which of them are redundant: ``61,59,55,53+63,62``."""

    information: tuple[int, ...]
    redundant: tuple[int, ...]

    def __str__(self) -> str:
        return "+".join(",".join(map(str, part)) for part in (self.information, self.redundant))


class ModuliType(IntSetType):
    """A set of moduli, ``63,62,61,59``, or a `SplitSet`, ``61,59,55,53+63,62``."""

    name = "INT,INT,..[+INT,..]"

    def parse(self, text: str) -> Any:
        whole, *rest = (IntSetType().convert(part, None, None) for part in text.split("+"))
        if not rest:
            return whole
        if len(rest) > 1 or min(rest[0]) < max(whole):
            raise click.BadParameter(
                f"{shown(text)} is not accepted; after a + come the redundant moduli, which are "
                "the largest, as in 61,59,55,53+63,62"
            )
        return SplitSet(whole, rest[0])

    def schema(self) -> "Schema":
        return {"anyOf": [list_of({"type": "integer", "minimum": 2}), {"type": "string"}]}


class Quantity(TextType):
    """One positive physical quantity, ``100fJ``, in base SI."""

    name = "QUANTITY"

    def __init__(self, unit: str, example: str) -> None:
        self.unit = unit
        self.what = f"a positive quantity in {unit} such as {example}"

    def parse(self, text: str) -> float:
        number = base.parse_quantity(text, self.unit)
        check_underflow(text, number)
        if number <= 0:
            raise ValueError
        return number

    def schema(self) -> "Schema":
        return {"type": "number", "exclusiveMinimum": 0}


class NameArgument(TextType):
    """One of some names; ``missing`` begins the sentence that asks for it."""

    name = "name"

    def __init__(self, names: Sequence[str], missing: str) -> None:
        self._names, self._missing = names, missing
        self.what = f"one of {', '.join(names)}"

    def parse(self, text: str) -> str:
        if text not in self._names:
            raise ValueError
        return text

    def get_missing_message(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return f"{self._missing} {self.what}"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> Candidates:
        return of_names(incomplete, self._names)


# Files, which are remembered so that no result is written over them

_FILES = "rnscli.files"


def is_file(text: str) -> bool:
    """Whether a text is the name of a file; one that cannot be a name is not."""
    return not problem_of(text)


def problem_of(name: str) -> str:
    """Why a name cannot be that of a file that is read, or nothing."""
    try:
        return base.problem_of(Path(name))
    except (OSError, ValueError):  # too long for a name, or a NUL in it
        return "cannot be a file"


def files_read() -> dict[str, list[Path]]:
    """The files that options of the running command name, by the option."""
    context = click.get_current_context(silent=True)
    found: dict[str, list[Path]] = context.meta.get(_FILES, {}) if context is not None else {}
    return found


class FileReader(TextType):
    """A type whose values may be files."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, str) and param is not None and ctx is not None:
            ctx.meta.setdefault(_FILES, {})[param.opts[0]] = self.files(value)
        return super().convert(value, param, ctx)

    def files(self, text: str) -> list[Path]:
        return [Path(item) for item in map(str.strip, text.split(",")) if is_file(item)]


class PathName(TextType):
    """A name that a file, or a folder, can have; what may be there is for others to say."""

    name = "FILE"
    what = "the name of a file"

    def parse(self, text: str) -> Path | None:
        if not text or "\0" in text:
            raise ValueError
        return Path(text)

    def get_missing_message(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return f"Give {self.what}"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> Candidates:
        return of_files(incomplete)


class InputFile(PathName, FileReader):
    """A file that is read; whether it can be read is for its reader to say."""

    def files(self, text: str) -> list[Path]:
        return [Path(text)]


class OutputPath(PathName):
    """A file or folder that is written; a result that is text goes to standard output as ``-``."""

    def __init__(self, what: str, is_text: bool = False) -> None:
        self.what, self._is_text = f"the name of {what}", is_text

    def parse(self, text: str) -> Path | None:
        if text == "-":
            if self._is_text:
                return None
            raise RefusedError("it cannot go to standard output")
        return super().parse(text)


# Several values, one after the other
