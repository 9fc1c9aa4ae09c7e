"""Values of an option that make a sweep, and the type of every declared option."""

import math
import re
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rnscli import base

if TYPE_CHECKING:
    from rnscli.report import Schema
from rnscli.cli.options.types import (
    MAX_POINTS,
    Assignment,
    Candidates,
    FileReader,
    InputFile,
    IntSetType,
    Listed,
    ModuliType,
    Number,
    ParamType,
    Quantity,
    RefusedError,
    ShapeType,
    TextType,
    WholeNumber,
    check_underflow,
    is_file,
    list_of,
    of_list,
    problem_of,
    shown,
    whole_number,
)


class Sweep(TextType):
    """Base of the sweep types: comma-separated items, each of which may stand for several values.

    ``names`` and files of some ``suffixes`` are what a shell offers for an item.
    """

    def __init__(
        self, what: str, metavar: str, names: Listed = (), suffixes: tuple[str, ...] = ()
    ) -> None:
        self.what, self.name = what, metavar
        self.names, self.suffixes = names, suffixes

    @abstractmethod
    def items(self, text: str) -> Sequence[Any]:
        """Values of one item; a ValueError if it is not accepted."""

    def values(self, text: str) -> list[Any]:
        """All values in the order given, cut beyond what is accepted."""
        values: list[Any] = []
        for item in text.split(","):
            values.extend(self.items(item.strip())[: MAX_POINTS + 1])
            if len(values) > MAX_POINTS:
                break
        return values

    def parse(self, text: str) -> tuple[Any, ...]:
        values = self.values(text)
        if len(values) > MAX_POINTS:
            raise click.BadParameter(f"{shown(text)} has more than {MAX_POINTS} values")
        return tuple(values)

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """The metavar as it is: choices are accepted in lower case only."""
        return self.name

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> Candidates:
        return of_list(incomplete, self.names, self.suffixes)


class IntSweep(Sweep):
    """Whole numbers of a range: ``6``, ``4,6``, ``4..8``, ``1e6``."""

    def __init__(self, low: int, high: int) -> None:
        self.low, self.high = low, high
        super().__init__(
            f"a whole number from {low} to {base.bound(high)}, a list of them, or a range such as "
            f"{low}..{min(low + 4, high)}",
            "INT[,..]",
        )

    def items(self, text: str) -> Sequence[int]:
        first, dots, last = text.partition("..")
        low = whole_number(first, self.low, self.high)
        high = whole_number(last, self.low, self.high) if dots else low
        if high < low:
            raise ValueError
        # A longer range may be too long even for len().
        return range(low, min(high, low + MAX_POINTS) + 1)

    def schema(self) -> "Schema":
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


class AttemptsSweep(IntSweep):
    """Numbers of attempts, or ``inf``."""

    def __init__(self) -> None:
        super().__init__(1, 10**6)
        self.what = "a whole number from 1 to 1000000, inf, a list of them, or a range such as 1..4"
        self.names = ("inf",)

    def items(self, text: str) -> Sequence[Any]:
        return [math.inf] if text == "inf" else super().items(text)

    def schema(self) -> "Schema":
        return {"anyOf": [super().schema(), {"const": "inf"}]}


class NameOrIntSweep(IntSweep):
    """Names out of a list, or whole numbers of a range."""

    def __init__(self, values: base.NamesOrWholeNumbers) -> None:
        super().__init__(values.low, values.high)
        self.what = f"{', '.join(values.names)}, {self.what}"
        self.name, self.names = "|".join(("INT", *values.names)), values.names

    def items(self, text: str) -> Sequence[Any]:
        return [text] if text in self.names else super().items(text)

    def schema(self) -> "Schema":
        return {"anyOf": [super().schema(), {"enum": list(self.names)}]}


class FloatSweep(Sweep):
    """Numbers of a range: ``1e-3``, ``1e-3,1e-2``, ``1e-6..1e-1:31`` (logarithmic)."""

    grid = "a logarithmic grid such as 1e-6..1e-1:31"
    unit = ""

    def __init__(self, low: float, high: float, what: str) -> None:
        self.low, self.high = low, high
        said = "".join(
            f", at {most} {bound:g}"
            for most, bound in (("least", low), ("most", high))
            if not {f"{bound:g}", f"{bound:g}".replace("e+0", "e")} & {*what.split()}
            and bound != math.ulp(0)  # "above 0" says the same
        )
        super().__init__(f"{what}{said}, a list of them, or {self.grid}", "FLOAT[,..]")

    def items(self, text: str) -> Sequence[float]:
        ends, colon, points = text.partition(":")
        first, dots, last = ends.partition("..")
        if not dots:
            if colon:
                raise ValueError
            return [self._number(first)]
        low, high, count = self._number(first), self._number(last), int(points)
        if not low < high or not 2 <= count <= MAX_POINTS:
            raise ValueError
        inner = (self._between(low, high, i / (count - 1)) for i in range(1, count - 1))
        return [low, *(float(f"{value:.12g}") for value in inner), high]

    def _between(self, low: float, high: float, share: float) -> float:
        if low <= 0:
            raise ValueError
        return low * math.exp(math.log(high / low) * share)

    def _number(self, text: str) -> float:
        number = float(text.strip().removesuffix(self.unit))
        check_underflow(text, number)
        if not self.low <= number <= self.high:  # false for NaN
            raise ValueError
        return number + 0.0  # of a negative zero, zero

    def schema(self) -> "Schema":
        return {"type": "number", "minimum": self.low, "maximum": self.high}


class DecibelSweep(FloatSweep):
    """Numbers in dB: ``50``, ``40dB,50dB``, ``30..60:7``, evenly spaced, as dB are logarithms."""

    grid = "an even grid such as 30..60:7"
    unit = "dB"

    def _between(self, low: float, high: float, share: float) -> float:
        return low + (high - low) * share


class PerModulusSweep(FileReader, FloatSweep):
    """Numbers, or one for each modulus: ``0.1``, ``[0.1,0.2,0.1]``, or a text file of them."""

    def __init__(self, low: float, high: float, what: str) -> None:
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
                values.append(tuple(self._of_file(Path(item))))
            else:
                try:
                    values.extend(super().values(item))
                except ValueError:
                    problem = item and problem_of(item)
                    if problem.startswith("is"):
                        raise RefusedError(f"{shown(item)} {problem}") from None
                    if re.search(r"/|\.[A-Za-z]\w*$", item):  # it is meant as a name
                        raise RefusedError(f"there is no file {shown(item)}") from None
                    raise
        return values

    def _of_file(self, path: Path) -> Iterator[float]:
        words = path.read_text(errors="replace").replace(",", " ").split()
        if not words:
            raise RefusedError("the file has no numbers")
        for word in words:
            try:
                yield from self.items(word)
            except (ValueError, OverflowError):
                raise RefusedError(f"{shown(word)} in this file is no such number") from None

    def schema(self) -> "Schema":
        one = super().schema()
        return {"anyOf": [one, list_of(one)]}


class QuantitySweep(Sweep):
    """Physical quantities with an optional prefix and unit: ``100fJ``."""

    def __init__(self, unit: str, example: str) -> None:
        super().__init__(f"a quantity in {unit} such as {example}, or a list of them", "QUANTITY")
        self.unit = unit

    def items(self, text: str) -> Sequence[float | base.Uncertain]:
        value = base.parse_quantity(text, self.unit)
        check_underflow(text, value)
        if value < 0:
            raise ValueError
        return [value]

    def schema(self) -> "Schema":
        return {"type": "number", "minimum": 0}


class UncertainSweep(QuantitySweep):
    """Quantities that may be uncertain: ``100fJ``, ``100fJ±30%``, ``100fJ+-20fJ``."""

    def __init__(self, unit: str, example: str) -> None:
        super().__init__(unit, example)
        self.what = (
            f"a quantity in {unit} such as {example}, or a range such as {example}±30%, or a list "
            "of these"
        )

    def items(self, text: str) -> Sequence[float | base.Uncertain]:
        value = base.parse_uncertain(text, self.unit)
        central = value.value if isinstance(value, base.Uncertain) else value
        check_underflow(text, central)
        if central < 0:
            raise ValueError
        return [value]

    def schema(self) -> "Schema":
        from rnscli.report import uncertain_schema

        one = super().schema()
        return {"anyOf": [one, uncertain_schema(one)]}


_LONG = 72  # letters of a list of names, beyond which a line of help has no room for it


class ChoiceSweep(Sweep):
    """Names out of a list."""

    def __init__(self, choices: Listed) -> None:
        shown = "|".join(choices)
        self.shows_names = len(shown) <= _LONG
        super().__init__(
            f"one of {', '.join(choices)}, or a list of them",
            shown if self.shows_names else "NAME[,..]",
            choices,
        )

    def items(self, text: str) -> Sequence[str]:
        if text not in self.names:
            raise ValueError
        return [text]

    def schema(self) -> "Schema":
        return {"enum": list(self.names)}


class FractionSweep(Sweep):
    """Names out of a list, or fractions above 0 and at most 1."""

    def __init__(self, values: base.NamesOrFractions) -> None:
        metavar = "|".join((*values.names, "FRACTION"))
        super().__init__(f"{values.accepted}, or a list of these", metavar, values.names)

    def items(self, text: str) -> Sequence[str]:
        if text not in self.names:
            base.fraction(text)
        return [text]

    def schema(self) -> "Schema":
        fraction = {"type": "string", "pattern": "^[0-9.e-]+(/[0-9]+)?$"}
        return {"anyOf": [{"enum": list(self.names)}, fraction]}


class LegitimateRangeSweep(Sweep):
    """``product``, ``operands`` or a number of values."""

    def __init__(self) -> None:
        super().__init__(
            "product, operands, a whole number from 1 to 2^4096, or a list of these",
            "product|operands|INT",
            ("product", "operands"),
        )

    def items(self, text: str) -> Sequence[str | int]:
        return [text if text in self.names else whole_number(text, 1, 2**4096)]

    def schema(self) -> "Schema":
        return {"anyOf": [{"enum": list(self.names)}, {"type": "integer", "minimum": 1}]}


class NameSweep(FileReader, Sweep):
    """Names, or files; any text is accepted, and what it names is looked up later."""

    def items(self, text: str) -> Sequence[str]:
        if not text:
            raise ValueError
        return [text]


class ModelSweep(FileReader, Sweep):
    """Names, or functions of a user, as ``package.module:function``."""

    def __init__(self, choices: Listed) -> None:
        super().__init__(
            f"one of {', '.join(choices)}, package.module:function, or a list of these",
            "NAME|MODULE:FUNCTION[,..]",
            choices,
        )

    def files(self, text: str) -> list[Path]:
        """Modules in the current directory, which a batch that is resumed looks at again."""
        modules = (item.partition(":")[0].strip().replace(".", "/") for item in text.split(","))
        return [Path(f"{name}.py") for name in modules if is_file(f"{name}.py")]

    def items(self, text: str) -> Sequence[str]:
        if text not in self.names and ":" not in text:
            raise ValueError
        return [text]


# Of declarations


def type_of(values: base.Values, swept: bool = True) -> ParamType:
    """The type of an option that accepts these values; of one value where it is not swept."""
    match values:
        case base.WholeNumbers(low, high):
            return IntSweep(low, high) if swept else WholeNumber(low, high)
        case base.Quantities(unit=unit, example=example, uncertain=True):
            return UncertainSweep(unit, example)
        case base.Quantities(unit=unit, example=example):
            return QuantitySweep(unit, example) if swept else Quantity(unit, example)
        case base.Decibels(low, high, accepted):
            return DecibelSweep(low, high, accepted)
        case base.PerModulus(low, high, accepted):
            return PerModulusSweep(low, high, accepted)
        case base.Numbers(low, high, accepted):
            return FloatSweep(low, high, accepted) if swept else Number(low, high, accepted)
        case base.NamesOrFiles(suffixes=suffixes, accepted=accepted):
            return NameSweep(accepted, "NAME|FILE[,..]", values.names, suffixes)
        case base.NamesOrFractions():
            return FractionSweep(values)
        case base.NamesOrWholeNumbers():
            return NameOrIntSweep(values)
        case base.NamesOrFunctions():
            return ModelSweep(values.names)
        case base.Names():
            return ChoiceSweep(values.names)
        case base.Assignments(example=example):
            return Assignment(example)
        case base.Flags():
            return click.BOOL
        case _:
            return _OTHERS[type(values)]()


_OTHERS: dict[type[base.Values], type[TextType]] = {
    base.Attempts: AttemptsSweep,
    base.LegitimateRanges: LegitimateRangeSweep,
    base.ModuliSets: ModuliType,
    base.IndexSets: IntSetType,
    base.InputShapes: ShapeType,
    base.Files: InputFile,
}


# Schemas of options in JSON documents


def is_swept(option: click.Parameter) -> bool:
    """Whether an option takes several values, one after the other."""
    return isinstance(option.type, Sweep) or option.multiple


def names_of(option: click.Parameter) -> Sequence[str]:
    """Texts that an option accepts, if these are known."""
    kind = option.type
    return tuple(kind.names) if isinstance(kind, ChoiceSweep | LegitimateRangeSweep) else ()


def value_schema(kind: ParamType) -> "Schema":
    """Schema of one value of a type of options; of any that is not known here, a text."""
    if isinstance(kind, click.types.BoolParamType):
        return {"type": "boolean"}
    return kind.schema() if isinstance(kind, TextType) else {"type": "string"}


def option_schema(option: click.Parameter, one: "Schema") -> "Schema":
    """Schema of an option: of ``one`` value, and of the list of a sweep, or of none."""
    from rnscli.report import any_of

    values = [one]
    if is_swept(option):
        values.append(list_of(one, 2))
    # Whatever click's release keeps there while no default is given.
    if not option.required and option.to_info_dict().get("default") is None:
        values.append({"type": "null"})
    text, _ = described(option)
    return {"description": text} | any_of(*values)


def described(option: click.Parameter) -> tuple[str, str]:
    """Help of an option without its default, and its default in words; empty if it has none.

    Arguments have no help in click: they are explained in that of their command.
    """
    if not isinstance(option, click.Option):
        return f"The argument {option.human_readable_name}.", ""
    text, _, stated = " ".join((option.help or "").split()).partition("[default: ")
    if not stated and option.show_default:
        stated = str(option.default)
    return text.strip(), stated.removesuffix("]")
