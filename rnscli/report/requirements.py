"""Requirements on result rows, such as ``p_err <= 1e-9``, which make a command a CI gate."""

import contextlib
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rnscli.base import InputError, nearest, value_of
from rnscli.report.layout import Row

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
    "<": operator.lt, ">": operator.gt,
}  # fmt: skip
_SHOWN = 8  # columns, of what may be a hundred
_REQUIREMENT = r"\s*(\w+)\s*(<=|>=|==|!=|<|>)\s*(\S+)\s*"
_WAY = "rows are left out by a condition behind it, such as: where core == rns"
_CONDITION = r"\s*(\w+)\s*(==|!=)\s*(\S+)\s*"


@dataclass(frozen=True)
class Condition:
    """Which rows a requirement is about: those with a value of a column, or another one."""

    column: str
    comparison: str
    value: str

    @classmethod
    def parse(cls, text: str) -> "Condition | None":
        match = re.fullmatch(_CONDITION, text)
        return None if match is None else cls(*match.groups())

    def fits(self, row: Row) -> bool:
        """Whether a row is one; a row without a value has another one than any."""
        value = value_of(row, self.column)
        same = str(value) == self.value
        if isinstance(value, tuple):
            same = ",".join(map(str, value)) == self.value
        elif isinstance(value, bool):
            same = self.value == ("yes" if value else "no")
        elif isinstance(value, int | float):
            with contextlib.suppress(ValueError):
                same = value == float(self.value)
        return same is (self.comparison == "==")

    def __str__(self) -> str:
        return f"{self.column} {self.comparison} {self.value}"


@dataclass(frozen=True)
class Requirement:
    """A bound on a column, of the rows that are ``where``; of all rows without.

    Examples
    --------
    >>> one = Requirement.parse("snr_accumulated_db >= 30 where layer == outputs")
    >>> [one.concerns({"layer": name}) for name in ("conv1", "outputs")]
    [False, True]
    """

    column: str
    comparison: str
    bound: int | float
    where: tuple[Condition, ...] = ()

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
                # Whole numbers stay exact: a range may exceed 2**53.
                bound = int(number) if number.lstrip("+-").isdigit() else float(number)
                if bound == bound:  # not NaN
                    return cls(column, comparison, bound, given)
        raise InputError(
            f"`require` {text!r} is not a requirement; it must be a column, one of "
            f"{' '.join(_COMPARISONS)}, and a number, such as 'p_err <= 1e-9'; of some rows, such "
            "as 'p_err <= 1e-9 where core == rns'"
        )

    def check_column(
        self, kinds: Mapping[str, bool], titles: Mapping[str, str] | None = None
    ) -> None:
        """Refuse a column that does not exist or holds no number, as ``kinds`` of columns say.

        ``titles`` of tables are no names, but may be meant.
        """
        for one in self.where:
            if one.column not in kinds:
                near = nearest(one.column, kinds)
                raise InputError(f"`require`: column {one.column} does not exist{near}")
        if not kinds.get(self.column):
            problem = "holds no number" if self.column in kinds else "does not exist"
            numeric = [name for name, is_number in kinds.items() if is_number]
            ends = {f"{name}_{end}" for name in kinds for end in ("low", "high")}
            whole = [name for name in numeric if name not in ends]
            more = ", .. (rnscli schema COMMAND has all)" if len(whole) > _SHOWN else ""
            meant = (titles or {}).get(self.column, "")
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
        return str(value) if _COMPARISONS[self.comparison](float(short), self.bound) else short

    def __str__(self) -> str:
        where = f" where {' and '.join(map(str, self.where))}" if self.where else ""
        return f"{self.column} {self.comparison} {self.bound}{where}"


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
            identified = _identified(row, identity)
            line = f"row {place}: {one} does not hold, it is {shown} ({identified})"
            # Rows of another kind have none, and there is a way to leave them out.
            way = "" if value is not None or one.where else f"; {_WAY}"
            lines.append(line + way)
    return lines


def _identified(row: Row, identity: Sequence[str]) -> str:
    values = {key: row[key] for key in identity if row[key] is not None}
    return ", ".join(
        f"{key} {','.join(map(str, value)) if isinstance(value, tuple) else value}"
        for key, value in values.items()
    )
