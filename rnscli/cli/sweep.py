"""Option values that may be sweeps: lists, integer ranges, logarithmic grids."""

import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from rnscli.cli import candidates
from rnscli.core.errors import InputError

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
        names: Sequence[str] = (),
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
    ) -> candidates.Candidates:
        """What may stand behind the last comma."""
        return candidates.of_list(incomplete, self.names, self.suffixes)

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

    def __init__(self, choices: Sequence[str]) -> None:
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
