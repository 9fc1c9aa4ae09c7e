"""Option values that may be sweeps: lists, integer ranges, logarithmic grids."""

import itertools
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click
from click.shell_completion import CompletionItem

from rnscli.base import (
    Attempts,
    Files,
    Flags,
    IndexSets,
    InputError,
    LegitimateRanges,
    ModuliSets,
    Names,
    NamesOrFiles,
    NamesOrFunctions,
    Numbers,
    PerModulus,
    Quantities,
    Uncertain,
    Values,
    WholeNumbers,
    parse_quantity,
    parse_uncertain,
)

Candidates = list[CompletionItem]


Listed = Sequence[str] | Mapping[str, "Summarised"]


class Summarised(Protocol):
    """What is chosen by name and has a line that says what it is."""

    @property
    def summary(self) -> str: ...


def of_list(incomplete: str, names: Listed, suffixes: tuple[str, ...] = ()) -> Candidates:
    """Names and files that may stand behind the last comma, with what stands before it.

    Parameters
    ----------
    incomplete
        The list so far.
    names
        What an item may be, with a summary where that is known; a name that the list already has
        is not offered again.
    suffixes
        Of the files that an item may be; no files without any.
    """
    before, comma, item = incomplete.rpartition(",")
    given = before.split(",")
    offered = [
        CompletionItem(before + comma + name, help=_summary(names, name))
        for name in names
        if name.startswith(item) and name not in given
    ]
    files = _files(item, suffixes) if suffixes else []
    return offered + [CompletionItem(before + comma + name) for name in files]


def _summary(names: Listed, name: str) -> str | None:
    return names[name].summary if isinstance(names, Mapping) else None


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


MAX_POINTS = 100_000

Point = dict[str, Any]

if TYPE_CHECKING:
    ParamType = click.ParamType[Any]
else:  # not generic before click 8.4
    ParamType = click.ParamType


class Sweep(ParamType, ABC):
    """Base of the sweep types: comma-separated items, each of which may stand for several values.

    Parameters
    ----------
    what
        The values that are accepted, in words: ``a whole number from 2 to 64``.
    names, suffixes
        What a shell offers for an item: names, and files by their suffixes.
    """

    name = "sweep"

    def __init__(
        self,
        what: str,
        metavar: str,
        names: Listed = (),
        suffixes: tuple[str, ...] = (),
    ) -> None:
        """Keep the words for messages and help."""
        self.what = what
        self.name = metavar
        self.names, self.suffixes = names, suffixes

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Any, ...]:
        """All values of the sweep, in the order given."""
        if isinstance(value, tuple):
            return value
        try:
            values = self.values(str(value))
        except (ValueError, OverflowError):
            self.fail(f"{shown(value)} is not accepted; it must be {self.what}", param, ctx)
        except OSError as error:  # of a file that stands for numbers
            self.fail(f"{shown(value)} cannot be read: {error.strerror}", param, ctx)
        if len(values) > MAX_POINTS:
            self.fail(f"{shown(value)} has more than {MAX_POINTS} values", param, ctx)
        return tuple(values)

    def values(self, text: str) -> list[Any]:
        """All values of a sweep, cut beyond what is accepted; raises ValueError like `items`."""
        values: list[Any] = []
        for item in text.split(","):
            values.extend(self.items(item.strip())[: MAX_POINTS + 1])
            if len(values) > MAX_POINTS:
                break
        return values

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """The metavar as it is: choices are accepted in lower case only."""
        return self.name

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> Candidates:
        """What may stand behind the last comma."""
        return of_list(incomplete, self.names, self.suffixes)

    @abstractmethod
    def items(self, text: str) -> Sequence[Any]:
        """Values of one item; raises ValueError if it is not accepted."""


class IntSweep(Sweep):
    """Whole numbers of a range: ``6``, ``4,6``, ``4..8``, ``1e6``."""

    def __init__(self, low: int, high: int) -> None:
        """Accept numbers from ``low`` to ``high``."""
        self.low, self.high = low, high
        super().__init__(
            f"a whole number from {low} to {_limit(high)}, a list of them, or a range such as "
            f"{low}..{min(low + 4, high)}",
            "INT[,..]",
        )

    def items(self, text: str) -> Sequence[int]:
        """One number or a range."""
        first, dots, last = text.partition("..")
        low = whole_number(first, self.low, self.high)
        high = whole_number(last, self.low, self.high) if dots else low
        if high < low:
            raise ValueError
        if high - low > MAX_POINTS:  # such a range may be too long even for len()
            high = low + MAX_POINTS
        return range(low, high + 1)


def whole_number(text: str, low: int, high: int) -> int:
    """A whole number in a range, also written as 1e6; raises ValueError if it is not."""
    try:
        number = int(text)
    except ValueError:
        value = float(text)
        if not abs(value) <= 2**53 or value != int(value):
            raise ValueError from None
        number = int(value)
    if not low <= number <= high:
        raise ValueError
    return number


def shown(value: object) -> str:
    """A value in a message, cut where it would fill the screen."""
    text = str(value)
    return repr(text if len(text) <= 60 else text[:57] + "...")


def _limit(high: int) -> str:
    """A bound in a message."""
    if high < 10**7:
        return str(high)
    return f"2^{high.bit_length() - 1}" if high & (high - 1) == 0 else f"{high:.0e}"


class WholeNumber(ParamType):
    """One whole number of a range."""

    name = "INT"

    def __init__(self, low: int, high: int) -> None:
        """Accept numbers from ``low`` to ``high``."""
        self.low, self.high = low, high

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number."""
        try:
            return whole_number(str(value), self.low, self.high)
        except (ValueError, OverflowError):
            self.fail(
                f"{shown(value)} is not accepted; it must be a whole number from {self.low} to "
                f"{self.high}",
                param,
                ctx,
            )


class FloatSweep(Sweep):
    """Numbers of a range: ``1e-3``, ``1e-3,1e-2``, ``1e-6..1e-1:31`` (logarithmic)."""

    def __init__(self, low: float, high: float, what: str) -> None:
        """Accept numbers from ``low`` to ``high``."""
        self.low, self.high = low, high
        super().__init__(
            f"{what}, a list of them, or a logarithmic grid such as 1e-6..1e-1:31", "FLOAT[,..]"
        )

    def items(self, text: str) -> Sequence[float]:
        """One number or a grid."""
        ends, colon, points = text.partition(":")
        first, dots, last = ends.partition("..")
        if not dots:
            if colon:
                raise ValueError
            return [self._number(first)]
        low, high, count = self._number(first), self._number(last), int(points)
        if not 0 < low < high or not 2 <= count <= MAX_POINTS:
            raise ValueError
        inner = (
            low * math.exp(math.log(high / low) * i / (count - 1)) for i in range(1, count - 1)
        )
        return [low, *(float(f"{value:.12g}") for value in inner), high]

    def _number(self, text: str) -> float:
        number = float(text)
        if not self.low <= number <= self.high:  # false for NaN
            raise ValueError
        return number + 0.0  # of a negative zero, zero


class AttemptsSweep(IntSweep):
    """Numbers of attempts, or ``inf``."""

    def __init__(self) -> None:
        """Accept 1 to a million, and inf."""
        super().__init__(1, 10**6)
        self.what = "a whole number from 1 to 1000000, inf, a list of them, or a range such as 1..4"
        self.names = ("inf",)

    def items(self, text: str) -> Sequence[Any]:
        """One number, a range, or infinity."""
        return [math.inf] if text == "inf" else super().items(text)


class ChoiceSweep(Sweep):
    """Names out of a list."""

    def __init__(self, choices: Listed) -> None:
        """Accept these names."""
        super().__init__(
            f"one of {', '.join(choices)}, or a list of them", "|".join(choices), choices
        )

    def items(self, text: str) -> Sequence[str]:
        """One name."""
        if text not in self.names:
            raise ValueError
        return [text]


class LegitimateRangeSweep(Sweep):
    """``product``, ``operands`` or a number of values."""

    def __init__(self) -> None:
        """Accept numbers of at least 1."""
        super().__init__(
            "product, operands, a whole number of at least 1, or a list of these",
            "product|operands|INT",
            ("product", "operands"),
        )

    def items(self, text: str) -> Sequence[str | int]:
        """One rule or number."""
        if text in self.names:
            return [text]
        return [whole_number(text, 1, 2**4096)]


def points(options: Mapping[str, Any], names: Sequence[str]) -> Iterator[Point]:
    """Every combination of the named options, the last one varying fastest.

    An option that was not given stands for ``None``.

    Raises
    ------
    InputError
        If there are more than 100 000 combinations.
    """
    axes = [options[name] if options[name] else (None,) for name in names]
    total = math.prod(len(axis) for axis in axes)
    if total > MAX_POINTS:
        raise InputError(
            f"the sweep has {total} combinations; at most {MAX_POINTS} are computed at once"
        )
    for combination in itertools.product(*axes):
        yield dict(zip(names, combination, strict=True))


class IntSetType(ParamType):
    """Whole numbers that belong together, such as a set of moduli: ``63,62,61,59``."""

    name = "INT,INT,.."

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """The members as given."""
        if isinstance(value, tuple):
            return value
        try:
            members = tuple(int(item) for item in str(value).replace(",", " ").split())
        except ValueError:
            members = ()
        if not members:
            self.fail(
                f"{shown(value)} is not accepted; it must be whole numbers such as 63,62,61,59",
                param,
                ctx,
            )
        return members


@dataclass(frozen=True)
class SplitSet:
    """Moduli that say themselves which of them are redundant: ``61,59,55,53+63,62``."""

    information: tuple[int, ...]
    redundant: tuple[int, ...]

    def __str__(self) -> str:
        """As it is written."""
        return "+".join(",".join(map(str, part)) for part in (self.information, self.redundant))


class ModuliType(IntSetType):
    """A set of moduli, ``63,62,61,59``, or a `SplitSet`, ``61,59,55,53+63,62``."""

    name = "INT,INT,..[+INT,..]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The members as given, or both parts of them."""
        if isinstance(value, SplitSet):
            return value
        parts = value.split("+") if isinstance(value, str) else [value]
        members = [super(ModuliType, self).convert(part, param, ctx) for part in parts]
        if len(members) == 1:
            return members[0]
        if len(members) > 2 or min(members[1]) < max(members[0]):
            self.fail(
                f"{shown(value)} is not accepted; after a + come the redundant moduli, which are "
                "the largest, as in 61,59,55,53+63,62",
                param,
                ctx,
            )
        return SplitSet(*members)


class QuantitySweep(Sweep):
    """Physical quantities with an optional prefix and unit: ``100fJ``."""

    def __init__(self, unit: str, example: str) -> None:
        """Accept non-negative values in ``unit``."""
        super().__init__(f"a quantity in {unit} such as {example}, or a list of them", "QUANTITY")
        self.unit = unit

    def items(self, text: str) -> Sequence[float | Uncertain]:
        """One quantity."""
        value = parse_quantity(text, self.unit)
        if value < 0:
            raise ValueError
        return [value]


class UncertainSweep(QuantitySweep):
    """Quantities that may be uncertain: ``100fJ``, ``100fJ±30%``, ``100fJ+-20fJ``."""

    def __init__(self, unit: str, example: str) -> None:
        """Accept non-negative values in ``unit``."""
        super().__init__(unit, example)
        self.what = (
            f"a quantity in {unit} such as {example}, or a range such as {example}±30%, or a list "
            "of these"
        )

    def items(self, text: str) -> Sequence[float | Uncertain]:
        """One quantity or range."""
        value = parse_uncertain(text, self.unit)
        if (value.value if isinstance(value, Uncertain) else value) < 0:
            raise ValueError
        return [value]


class Quantity(ParamType):
    """One physical quantity: ``100fJ``."""

    name = "QUANTITY"

    def __init__(self, unit: str, example: str) -> None:
        """Accept positive values in ``unit``."""
        self.unit, self.example = unit, example

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The value in base SI."""
        if isinstance(value, float):
            return value
        try:
            number = parse_quantity(str(value), self.unit)
        except InputError:
            number = 0.0
        if number <= 0:
            self.fail(
                f"{shown(value)} is not accepted; it must be a positive quantity in {self.unit} "
                f"such as {self.example}",
                param,
                ctx,
            )
        return number


class _FileReader(Sweep):
    """A sweep whose items may be files, which are remembered so that they are not written over."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Any, ...]:
        """All values of the sweep, in the order given."""
        if isinstance(value, str) and param is not None and ctx is not None:
            items = (item.strip() for item in value.split(","))
            _remember(ctx, param, [Path(item) for item in items if is_file(item)])
        return super().convert(value, param, ctx)


class InputFile(ParamType):
    """A file that is read, and so not written over."""

    name = "FILE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Its path; whether it can be read is for its reader to say."""
        path = Path(value)
        if param is not None and ctx is not None:
            _remember(ctx, param, [path])
        return path

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> Candidates:
        """Files."""
        return of_files(incomplete)


_FILES = "rnscli.files"


def _remember(context: click.Context, param: click.Parameter, paths: list[Path]) -> None:
    context.meta.setdefault(_FILES, {})[param.opts[0]] = paths


def files_read() -> dict[str, list[Path]]:
    """The files that options of the running command name, by the option."""
    context = click.get_current_context(silent=True)
    found: dict[str, list[Path]] = context.meta.get(_FILES, {}) if context is not None else {}
    return found


class PerModulusSweep(_FileReader, FloatSweep):
    """Numbers, or one for each modulus: ``0.1``, ``[0.1,0.2,0.1]``, or a text file of them."""

    def __init__(self, low: float, high: float, what: str) -> None:
        """Accept numbers from ``low`` to ``high``."""
        super().__init__(low, high, what)
        self.what += "; or one for each modulus, as [0.1,0.2,..] or a file of numbers"
        self.name = "FLOAT[,..]|[FLOAT,..]|FILE"
        self.suffixes = ("",)  # of any kind

    def values(self, text: str) -> list[Any]:
        """Values of the sweep; a tuple for what has one for each modulus."""
        values: list[Any] = []
        for item in re.split(r",(?![^\[]*\])", text):  # at the commas outside brackets
            item = item.strip()
            if item.startswith("[") and item.endswith("]"):
                values.append(tuple(super().values(item[1:-1])))
            elif is_file(item):
                content = Path(item).read_text(errors="replace").replace(",", " ")
                values.append(tuple(super().values(",".join(content.split()))))
            else:
                values.extend(super().values(item))
        return values


def is_file(text: str) -> bool:
    """Whether a text is the name of a file; one that cannot be a name is not."""
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # too long for a name, or a NUL in it
        return False


class NameSweep(_FileReader):
    """Names, or files; any text is accepted, and what it names is looked up later."""

    def items(self, text: str) -> Sequence[str]:
        """One name."""
        if not text:
            raise ValueError
        return [text]


class ModelSweep(Sweep):
    """Names, or functions of a user, as ``package.module:function``."""

    def __init__(self, choices: Listed) -> None:
        """Accept both."""
        super().__init__(
            f"one of {', '.join(choices)}, package.module:function, or a list of these",
            "NAME|MODULE:FUNCTION[,..]",
            choices,
        )

    def items(self, text: str) -> Sequence[str]:
        """One name or function."""
        if text not in self.names and ":" not in text:
            raise ValueError
        return [text]


def type_of(values: Values, swept: bool = True) -> ParamType:
    """The type of an option that accepts these values; of one value where it is not swept."""
    match values:
        case WholeNumbers(low, high):
            return IntSweep(low, high) if swept else WholeNumber(low, high)
        case Quantities(unit=unit, example=example, uncertain=True):
            return UncertainSweep(unit, example)
        case Quantities(unit=unit, example=example):
            return QuantitySweep(unit, example) if swept else Quantity(unit, example)
        case PerModulus(low, high, accepted):
            return PerModulusSweep(low, high, accepted)
        case Numbers(low, high, accepted):
            return FloatSweep(low, high, accepted)
        case NamesOrFiles(suffixes=suffixes, accepted=accepted):
            return NameSweep(accepted, "NAME|FILE[,..]", values.names, suffixes)
        case NamesOrFunctions():
            return ModelSweep(values.names)
        case Names():
            return ChoiceSweep(values.names)
        case _:
            return _OTHERS[type(values)]()


_OTHERS: dict[type[Values], type[ParamType]] = {
    Attempts: AttemptsSweep,
    LegitimateRanges: LegitimateRangeSweep,
    ModuliSets: ModuliType,
    IndexSets: IntSetType,
    Files: InputFile,
    Flags: click.types.BoolParamType,
}


class NameArgument(ParamType):
    """One of some names; ``missing`` begins the sentence that asks for it."""

    name = "name"

    def __init__(self, names: Sequence[str], missing: str) -> None:
        """Accept these names."""
        self._names, self._missing = names, missing
        self._accepted = f"one of {', '.join(names)}"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name."""
        if value not in self._names:
            self.fail(f"{shown(value)} is not accepted; it must be {self._accepted}", param, ctx)
        return str(value)

    def get_missing_message(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """What would be accepted."""
        return f"{self._missing} {self._accepted}"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> Candidates:
        """The names."""
        return of_names(incomplete, self._names)
