"""Requirements on result rows, such as ``p_err <= 1e-9``, which make a command a CI gate."""

import contextlib
import operator
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import cast

from rnscli.base import (
    InputError,
    exact_quantity,
    in_words,
    is_number,
    nearest,
    parse_quantity,
    unit_of_key,
    value_of,
    with_unit,
)
from rnscli.report.layout import Row

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
    "<": operator.lt, ">": operator.gt,
}  # fmt: skip
_SHOWN = 8  # columns, of what may be a hundred
_MOST_LINES = 10  # of rows that do not meet a requirement, which may be thousands
_REQUIREMENT = r"\s*(\w+)\s*(<=|>=|==|!=|<|>)\s*(\S+(?:\s+\S+)?)\s*"
_WAY = "rows are left out by a condition behind it, such as: where core == rns"
_CONDITION = r"\s*(\w+)\s*(<=|>=|==|!=|<|>)\s*(\S+)\s*"


@dataclass(frozen=True)
class Condition:
    """Which rows a requirement is about: those with a value of a column, or in a range of it."""

    column: str
    comparison: str
    value: str

    @classmethod
    def parse(cls, text: str) -> "Condition | None":
        match = re.fullmatch(_CONDITION, text)
        if match is None:
            return None
        made = cls(*match.groups())
        return made if made.comparison in ("==", "!=") or made._number is not None else None

    @cached_property
    def _number(self) -> int | float | None:
        """The value as a number, if it is one."""
        with contextlib.suppress(ValueError):
            return _bound(self.column, self.value)[1]
        return None

    def fits(self, row: Row) -> bool:
        """Whether a row is one; a row without a value has another one than any."""
        value = value_of(row, self.column)
        if self.comparison not in ("==", "!="):
            number = cast(float, self._number)
            return is_number(value) and _COMPARISONS[self.comparison](value, number)
        same = str(value) == self.value
        if isinstance(value, tuple):
            same = ",".join(map(str, value)) == self.value
        elif isinstance(value, bool):
            same = self.value == ("yes" if value else "no")
        elif is_number(value) and self._number is not None:
            same = value == self._number
        return same is (self.comparison == "==")

    def __str__(self) -> str:
        return f"{self.column} {self.comparison} {self.value}"


def _bound(column: str, text: str) -> tuple[str, int | float]:
    """A column and a number with the unit of that column, which names it if that does not.

    ``energy_j`` and ``2pJ`` are that column and 2e-12, ``energy`` and ``2pJ`` too, and ``50%`` is
    0.5 of a column without a unit.
    """
    unit = unit_of_key(column)
    if unit:
        # Whole numbers stay exact: a range may exceed 2**53.
        whole = text.lstrip("+-").isdigit()
        return column, int(text) if whole else _not_nan(text, unit)
    if re.fullmatch(r"[-+]?[\d.]+(e[-+]?\d+)?\s*%", text):
        return column, float(f"{text[:-1].rstrip()}") / 100
    try:
        bound = int(text) if text.lstrip("+-").isdigit() else float(text)
    except ValueError:
        key, unit = with_unit(column, text)
        return key, parse_quantity(text, unit)
    if bound != bound:
        raise ValueError("it is no number")
    return column, bound


def _not_nan(text: str, unit: str) -> float:
    with contextlib.suppress(ValueError):
        if (value := float(text)) == value:  # infinity is no quantity, but a bound
            return value
    return parse_quantity(text, unit)


@dataclass(frozen=True)
class Requirement:
    """A bound on a column, of the rows that are ``where``; of all rows without.

    A bound may have the unit of its column, with a prefix, and then the name of the column need
    not.

    Examples
    --------
    >>> one = Requirement.parse("snr_accumulated_db >= 30 where layer == outputs")
    >>> [one.concerns({"layer": name}) for name in ("conv1", "outputs")]
    [False, True]
    >>> one = Requirement.parse("area <= 2mm2 where bits >= 6")
    >>> one.column, one.bound, one.holds({"area_m2": 2.5e-6})
    ('area_m2', 2e-06, False)
    """

    column: str
    comparison: str
    bound: int | float
    where: tuple[Condition, ...] = ()
    written: str = ""  # the bound as it was written, if with a unit

    @classmethod
    def parse(cls, text: str) -> "Requirement":
        """Read ``column comparison number``, and ``where column == value and ..`` behind it."""
        begin, *ends = re.split(r"\swhere\s", text, maxsplit=1)
        conditions = [Condition.parse(one) for end in ends for one in re.split(r"\sand\s", end)]
        given = tuple(one for one in conditions if one is not None)
        match = re.fullmatch(_REQUIREMENT, begin)
        if match is not None and len(given) == len(conditions):
            column, comparison, number = match.groups()
            with contextlib.suppress(ValueError):
                key, bound = _bound(column, number)
                has_unit = not re.fullmatch(r"[-+\d.eE]+|[-+]?inf", number)
                return cls(key, comparison, bound, given, number if has_unit else "")
        raise InputError(
            f"`require` {text!r} is not a requirement; it must be a column, one of "
            f"{' '.join(_COMPARISONS)}, and a number, such as 'p_err <= 1e-9', with the unit of "
            "the column if any, such as 'area_m2 <= 2mm2'; of some rows, such as 'p_err <= 1e-9 "
            "where core == rns'"
        )

    def check_column(
        self, kinds: Mapping[str, bool], titles: Mapping[str, str] | None = None
    ) -> None:
        """Refuse a column that does not exist or holds no number, as ``kinds`` of columns say.

        ``titles`` of tables are no names, but may be meant.
        """
        for one in self.where:
            if one.column not in kinds:
                meant = (titles or {}).get(one.column)
                near = f"; did you mean {meant}?" if meant else nearest(one.column, kinds)
                raise InputError(f"`require`: column {one.column} does not exist{near}")
        unit = unit_of_key(self.column)
        short = in_words(self.column).replace(" ", "_")
        if self.written and self.column not in kinds and kinds.get(short):
            raise InputError(f"`require`: column {short} is not in {unit}; leave the unit out")
        if not kinds.get(self.column):
            problem = "holds no number" if self.column in kinds else "does not exist"
            numeric = [name for name, numbers in kinds.items() if numbers]
            ends = {f"{name}_{end}" for name in kinds for end in ("low", "high")}
            whole = [name for name in numeric if name not in ends]
            more = ", .. (rnscli schema COMMAND has all)" if len(whole) > _SHOWN else ""
            # A bound with a unit has made a key of what was written.
            named = [self.column, self.column.rpartition("_")[0]][: 2 if self.written else 1]
            meant = next(((titles or {})[one] for one in named if one in (titles or {})), "")
            near = f"; did you mean {meant}?" if kinds.get(meant) else nearest(self.column, numeric)
            near = near or (f"; those with numbers are {', '.join(whole[:_SHOWN])}{more}")
            raise InputError(f"`require`: column {self.column} {problem}{near}")

    def concerns(self, row: Row) -> bool:
        """Whether it is about a row."""
        return all(one.fits(row) for one in self.where)

    def holds(self, row: Row) -> bool:
        """Whether a row meets it; a row without a value does not."""
        value = value_of(row, self.column)
        if value is None:
            return False
        assert isinstance(value, int | float)
        return _COMPARISONS[self.comparison](value, self.bound)

    def shown(self, value: object) -> str:
        """A value that does not meet it, in as many digits as show that."""
        if not isinstance(value, float):
            return str(value)
        short = f"{value:.6g}"
        digits = str(value) if _COMPARISONS[self.comparison](float(short), self.bound) else short
        unit = unit_of_key(self.column)
        finite = float("-inf") < value < float("inf")
        return exact_quantity(float(digits), unit) if self.written and unit and finite else digits

    def __str__(self) -> str:
        where = f" where {' and '.join(map(str, self.where))}" if self.where else ""
        return f"{self.column} {self.comparison} {self.written or self.bound}{where}"


def conditions_of(option: str, text: str, columns: Collection[str]) -> list[Condition]:
    """Conditions of an option, with ``and`` between them, on columns that exist."""
    found = []
    for part in re.split(r"\sand\s", text):
        one = Condition.parse(part)
        if one is None:
            raise InputError(
                f"`{option}` {text!r} is no condition; it must be a column, one of "
                f"{' '.join(_COMPARISONS)}, and a value, such as 'core == rns', or several with "
                "'and' between them"
            )
        if one.column not in columns:
            raise InputError(
                f"`{option}`: column {one.column} does not exist{nearest(one.column, columns)}"
            )
        found.append(one)
    return found


def failures(
    requirements: Sequence[Requirement], rows: Sequence[Row], identity: Sequence[str]
) -> list[str]:
    """A line for each row and requirement that it does not meet, and for one about no row.

    ``identity`` are keys of the values that tell a row from others.
    """
    lines = [
        f"{one} is about none of the rows"
        for one in requirements
        if one.where and not any(map(one.concerns, rows))
    ]
    for place, row in enumerate(rows, start=1):
        for one in (one for one in requirements if one.concerns(row) and not one.holds(row)):
            value = value_of(row, one.column)
            shown = "no value" if value is None else one.shown(value)
            line = f"row {place}: {one} does not hold, it is {shown} ({identified(row, identity)})"
            # Rows of another kind have none, and there is a way to leave them out.
            way = "" if value is not None or one.where else f"; {_WAY}"
            lines.append(line + way)
    return lines


def in_short(
    lines: Sequence[str], requirements: Sequence[Requirement], rows: Sequence[Row]
) -> list[str]:
    """The first ten failures, and of how many rows each requirement is broken, if there are more.

    Examples
    --------
    >>> rows = [{"p": one / 100} for one in range(40)]
    >>> least = Requirement.parse("p >= 0.2")
    >>> short = in_short(failures([least], rows, []), [least], rows)
    >>> len(short), short[-1]
    (11, 'p >= 0.2 does not hold in 20 of 40 rows, of which the first 10 are above')
    """
    if len(lines) <= _MOST_LINES:
        return list(lines)
    short = list(lines[:_MOST_LINES])
    told = Counter(
        one
        for line in short
        for one in requirements
        if line.partition(": ")[2].startswith(f"{one} does not hold")
    )
    for one in requirements:
        concerned = [row for row in rows if one.concerns(row)]
        broken = sum(not one.holds(row) for row in concerned)
        if broken > told[one]:
            above = f", of which the first {told[one]} are above" if told[one] else ""
            short.append(f"{one} does not hold in {broken} of {len(concerned)} rows{above}")
    return short


def identified(row: Row, identity: Sequence[str]) -> str:
    """The values of a row that tell it from others, in words."""
    values = {key: row[key] for key in identity if row[key] is not None}
    return ", ".join(
        f"{key} {','.join(map(str, value)) if isinstance(value, tuple) else value}"
        for key, value in values.items()
    )
