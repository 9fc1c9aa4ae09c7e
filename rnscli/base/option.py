"""Options: what a user may choose, declared once beside the parameter object that it belongs to.

From a declaration come the check of the library, and the shell's option with its bounds, help,
schema and completion, and the words of a command line.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from rnscli.base.errors import (
    InputError,
    RnscliError,
    check_attempts,
    check_choice,
    check_float,
    check_int,
    nearest,
    shown,
)
from rnscli.base.option_group import OptionGroup
from rnscli.base.units import exact_quantity

_Listed = Sequence[str] | Mapping[str, Any]


class Values:
    """What an option accepts; of this class itself, any text."""

    def check(self, name: str, value: Any) -> Any:
        """The value, if an argument of that name accepts it; else an InputError."""
        return value


@dataclass(frozen=True, eq=False, repr=False)
class WholeNumbers(Values):
    """Whole numbers of a range."""

    low: int
    high: int

    def check(self, name: str, value: Any) -> int:
        return check_int(name, value, self.low, self.high)


class Attempts(Values):
    """Numbers of attempts, up to infinity."""

    def check(self, name: str, value: Any) -> float:
        return check_attempts(value)


@dataclass(frozen=True, eq=False, repr=False)
class Numbers(Values):
    """Real numbers of a range, which ``accepted`` says in words."""

    low: float
    high: float
    accepted: str

    def check(self, name: str, value: Any) -> float:
        return check_float(name, value, self.low, self.high, self.accepted)


class Decibels(Numbers):
    """Such numbers in dB."""


class PerModulus(Numbers):
    """Such numbers, or one for each modulus."""


@dataclass(frozen=True, eq=False, repr=False)
class Quantities(Numbers):
    """Physical quantities; ``uncertain`` ones may be given as ranges."""

    unit: str
    example: str
    uncertain: bool = False


@dataclass(frozen=True, eq=False, repr=False)
class Names(Values):
    """Names out of a list or a registry; a function gives those that are known later only."""

    listed: _Listed | Callable[[], _Listed]

    @property
    def names(self) -> _Listed:
        return self.listed() if callable(self.listed) else self.listed

    def check(self, name: str, value: Any) -> str:
        return check_choice(name, value, tuple(self.names))


@dataclass(frozen=True, eq=False, repr=False)
class NamesOrFiles(Names):
    """Names, or files of some suffixes; ``accepted`` says both in words."""

    suffixes: tuple[str, ...]
    accepted: str

    check = Values.check  # what a name or a file holds is for its reader to say


class NamesOrFractions(Names):
    """Names, or fractions above 0 and at most 1 (`fraction`), which stay as they are written."""

    @property
    def accepted(self) -> str:
        return f"one of {', '.join(self.names)}, or {FRACTION}"

    def check(self, name: str, value: Any) -> str:
        if isinstance(value, str) and value in self.names:
            return value
        text = repr(value) if type(value) in (int, float) else value
        try:
            fraction(text)
        except ValueError:
            hint = nearest(value, self.names) if isinstance(value, str) else ""
            raise InputError.of(name, value, self.accepted, hint) from None
        return str(text)


@dataclass(frozen=True, eq=False, repr=False)
class NamesOrWholeNumbers(Names):
    """Names, or whole numbers of a range."""

    low: int
    high: int

    @property
    def accepted(self) -> str:
        return f"{', '.join(self.names)} or a whole number from {self.low} to {self.high}"

    def check(self, name: str, value: Any) -> Any:
        if isinstance(value, str) and value in self.names:
            return value
        try:
            return check_int(name, value, self.low, self.high)
        except InputError:
            raise InputError.of(name, value, self.accepted) from None


class NamesOrFunctions(Names):
    """Names, or functions of a user, as ``package.module:function``."""

    check = Values.check  # what a function makes is for its caller to say


FRACTION = "a fraction above 0 and at most 1, such as 1/8 or 0.01"


def fraction(text: str) -> float:
    """The number that a fraction is, as ``3/100`` or ``0.03``; a ValueError if it is none.

    Examples
    --------
    >>> fraction("3/100"), fraction("1e-2"), fraction("1")
    (0.03, 0.01, 1.0)
    """
    digits = r"[0-9]{1,15}"
    if not isinstance(text, str):
        raise ValueError(FRACTION)
    if ratio := re.fullmatch(f"({digits})/({digits})", text):
        above, below = int(ratio[1]), int(ratio[2])
        value = above / below if below else 0.0
    elif re.fullmatch(rf"({digits}\.?|[0-9]{{0,15}}\.[0-9]{{1,40}})(e-?[0-9]{{1,3}})?", text):
        value = float(text)
    else:
        raise ValueError(FRACTION)
    if not 0.0 < value <= 1.0:
        raise ValueError(FRACTION)
    return value


class LegitimateRanges(Values):
    """Rules of how many values of a code are legitimate, or their number."""


class ModuliSets(Values):
    """Sets of moduli, which may say themselves which are redundant."""


class IndexSets(Values):
    """Whole numbers that belong together."""


@dataclass(frozen=True, eq=False, repr=False)
class Assignments(Values):
    """Values of something that has a name: NAME=VALUE."""

    example: str


class InputShapes(Values):
    """Shapes of inputs (`input_shape`), which stay as they are written."""


class Files(Values):
    """Files that are read."""


class Flags(Values):
    """Given or not."""


@dataclass(frozen=True, eq=False, repr=False)
class Option:
    """An option: an attribute of a class of options, which gives it its name, and its group.

    The class has the `OptionGroup` of all of them as ``group``; one may be in another.

    Examples
    --------
    >>> class Options:
    ...     adc_bits = Option(WholeNumbers(1, 64), "Bits of the ADC.", usual="b")
    >>> Options.adc_bits.flag, Options.adc_bits.check(6)
    ('--adc-bits', 6)
    >>> Options.adc_bits.check(65)
    Traceback (most recent call last):
        ...
    rnscli.base.errors.InputError: `adc_bits` is 65; it must be a whole number from 1 to 64
    """

    values: Values
    # A line or two; {names} stands for the names that are accepted, {summaries} for these with
    # what they are.
    help: str
    default: str = ""  # as it is written; empty if it depends on other options
    usual: str = ""  # what then holds, in words
    repeated: bool = False  # whether it may be given several times
    name: str = ""  # of the argument and the attribute
    group: OptionGroup | None = None  # where a help lists it
    explained: bool = False  # whether a help says of each of its names what that is

    def __set_name__(self, owner: type, name: str) -> None:
        object.__setattr__(self, "name", self.name or name)
        object.__setattr__(self, "group", self.group or vars(owner).get("group"))

    @property
    def flag(self) -> str:
        """As the shell spells it."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def text(self) -> str:
        """The help, with the names that are accepted; without the default."""
        if not isinstance(self.values, Names):
            return self.help
        names: Any = self.values.names
        text = self.help.replace("{names}", ", ".join(names))
        if "{summaries}" in text:
            said = "; ".join(f"{name}, {one.summary}" for name, one in names.items())
            text = text.replace("{summaries}", said)
        return text

    def check(self, value: Any) -> Any:
        """The value, if it is accepted; else an InputError."""
        return self.values.check(self.name, value)

    def written(self, value: Any) -> str:
        """A value as a shell reads it back, with its unit and all of its digits.

        Examples
        --------
        >>> class Options:
        ...     area = Option(Quantities(0, 1, "an area", "m2", "1mm2"), "The area.")
        >>> Options.area.written(5e-06)
        '5mm2'
        """
        unit = self.values.unit if isinstance(self.values, Quantities) else "1"
        several = value if isinstance(value, tuple) else (value,)
        plain = all(isinstance(one, float) and math.isfinite(one) for one in several)
        if unit == "1" or not plain:
            return written(value)
        return written(tuple(exact_quantity(one, unit) for one in several))

    def within(self, **bounds: Any) -> Self:
        """This option with other bounds ``low`` or ``high``, where less or more is possible."""
        values: Any = self.values
        return replace(self, values=replace(values, **bounds))


def options_of(*classes: type) -> dict[str, Option]:
    """The options of classes by their names, in the order in which they stand there."""
    attributes = (one for owner in classes for one in vars(owner).values())
    return {one.name: one for one in attributes if isinstance(one, Option)}


def command_line(command: str, options: Mapping[str, Option], values: Mapping[str, Any]) -> str:
    """The line that gives values to options of a command; ``None`` leaves one to its default.

    Examples
    --------
    >>> class Options:
    ...     adc_bits = Option(WholeNumbers(1, 64), "Bits of the ADC.", usual="b")
    >>> command_line("energy", options_of(Options), {"adc_bits": 6})
    'rnscli energy --adc-bits 6'
    """
    words = ["rnscli", command]
    for name, value in values.items():
        if name not in options:
            raise RnscliError(f"rnscli {command} has no option `{name}`")
        if value is None:
            continue
        flag = options[name].flag
        for one in value if options[name].repeated and isinstance(value, tuple) else (value,):
            words += [flag] if one is True else [flag, options[name].written(one)]
    return " ".join(words)


def written(value: Any) -> str:
    """A value as a shell reads it back, without losing a digit.

    Examples
    --------
    >>> written(0.1), written(1 / 3), written(float("inf")), written("my profile.toml")
    ('0.1', '0.33333333333333331', 'inf', "'my profile.toml'")
    """
    if isinstance(value, float):
        return f"{value:.17g}" if float(f"{value:g}") != value else f"{value:g}"
    text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
    if text and all(letter.isalnum() or letter in "-_./+,:=" for letter in text):
        return text
    if "'" in text or not text.isprintable():
        raise RnscliError(f"{shown(text)} cannot be written in a command line; use another name")
    return f"'{text}'"
