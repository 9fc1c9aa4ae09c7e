"""Two results of one command: which values have changed, and by more than they may."""

import fnmatch
import math
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Annotated, Any

from rnscli.base import (
    Column,
    InputError,
    Uncertain,
    engineering,
    is_number,
    nearest,
    parse_quantity,
    unit_of_key,
)
from rnscli.report.layout import Layout, Row
from rnscli.report.requirements import identified
from rnscli.report.saved import SavedResult

ROUNDING = 1e-9  # share by which a number may differ that only another machine has rounded
# Of the difference of two values with intervals of 95 %: 2.94 standard deviations, which one of
# 300 independent values exceeds by chance.
_OF_INTERVALS = 1.5
_INTERVALS = ("_ci95", "_ci999")
_DIGITS = 12  # of numbers that tell rows apart: a grid has the last ones from its logarithms
_WORDS = {"+": "at most +", "-": "at most -", "": "at most ±"}
_TOLERANCE = r"(?:(?P<columns>[\w*?\[\]]+)\s*=)?\s*(?P<sign>[+-]?)(?P<amount>[^+\-=\s].*)"
ANY = "any"


@dataclass(frozen=True)
class Tolerance:
    """By how much the values of some columns may change; ``sign`` is the direction that is worse.

    Examples
    --------
    >>> one = Tolerance.parse("energy_j=+5%")
    >>> [one.verdict(1.0, new) for new in (1.04, 1.06, 0.99, 0.5)]
    [None, 'worse', None, 'better']
    >>> Tolerance.parse("area_m2=2mm2").verdict(1e-6, 2e-6) is None
    True
    """

    columns: str  # a name, or a pattern
    amount: float
    is_share: bool
    sign: str = ""
    written: str = ""  # the amount as it was given

    @classmethod
    def parse(cls, text: str) -> "Tolerance":
        """Read ``COLUMN=5%``, ``COLUMN=+5%``, ``COLUMN=2mm2``, ``COLUMN=any`` or ``5%`` of all."""
        found = re.fullmatch(_TOLERANCE, text.strip())
        if found is not None:
            columns, sign, amount = found["columns"] or "*", found["sign"], found["amount"].strip()
            if amount == ANY and not sign:
                return cls(columns, math.inf, True, "", ANY)
            share = re.fullmatch(r"([\d.]+(?:[eE][+-]?\d+)?)\s*%", amount)
            with suppress(ValueError):
                number = float(share[1]) / 100 if share else _amount(amount, unit_of_key(columns))
                if 0 <= number < math.inf:
                    return cls(columns, number, share is not None, sign, sign + amount)
        raise InputError(
            f"`allow` {text!r} is not a tolerance; it must be a column, = and by how much it may "
            "change, such as energy_j=5%, with a sign that may only rise or fall by as much, such "
            "as accuracy=-0.5%, an amount such as area_m2=0.1mm2, or any; without a column it is "
            "about all"
        )

    def allows(self, old: float, new: float) -> bool:
        """Whether a number is as near to the old one as it must be."""
        if old == new or self.amount == math.inf:
            return True
        if not (math.isfinite(old) and math.isfinite(new)):
            return False
        most = self.amount * abs(old) if self.is_share else self.amount
        # What is as much to the last digit is no more than that.
        return abs(new - old) <= most * (1 + ROUNDING) + ROUNDING * ROUNDING * abs(old)

    def verdict(self, old: float, new: float) -> str | None:
        """What it is if it changed by more than it may, or ``None``."""
        if self.allows(old, new):
            return None
        if not self.sign:
            return "changed"
        return "worse" if (new > old) == (self.sign == "+") else "better"

    def __str__(self) -> str:
        if self.amount == math.inf:
            return ANY
        unit = unit_of_key(self.columns)
        amount = f"{self.amount * 100:.4g} %" if self.is_share else f"{self.amount:.4g} {unit}"
        return _WORDS[self.sign] + amount.rstrip()


def _amount(text: str, unit: str) -> float:
    with suppress(ValueError):
        return float(text)
    return parse_quantity(text, unit)


EXACT = Tolerance("*", ROUNDING, True)


def check_tolerances(tolerances: Sequence[Tolerance], columns: Collection[str]) -> None:
    """Refuse a tolerance of no column."""
    for one in tolerances:
        if not fnmatch.filter(columns, one.columns):
            near = nearest(one.columns, columns)
            raise InputError(f"`allow`: column {one.columns} does not exist{near}")


def fitting_tolerances(
    tolerances: Sequence[Tolerance], columns: Collection[str]
) -> list[Tolerance]:
    """Those that are about one of these columns."""
    ends = ("", "_low", "_high")
    every = [key + end for key in columns for end in ends]
    return [one for one in tolerances if fnmatch.filter(every, one.columns)]


Value = int | float | bool | str


def _form(row: Mapping[str, object]) -> Callable[[Any], str]:
    unit = unit_of_key(str(row["column"] or ""))

    def form(value: Any) -> str:
        if isinstance(value, bool):
            return "yes" if value else "no"
        if not isinstance(value, int | float):
            return str(value)
        return engineering(value, unit, 6) if unit and unit != "m2" else f"{value:.6g}"

    return form


@dataclass(frozen=True)
class ComparedRow:
    """A value that two results differ in by more than it may, or a row that one of them lacks."""

    row: Annotated[str, Column("What tells the row from others.", identity=True)]
    column: Annotated[
        str | None, Column("The column whose value differs; none of a row.", identity=True)
    ]
    old: Annotated[Value | None, Column("The value in OLD.", form_in=_form, low=None)]
    new: Annotated[Value | None, Column("The value in NEW.", form_in=_form, low=None)]
    change: Annotated[
        float | None,
        Column(
            "(new - old) / |old|; none where that is no number.",
            form=lambda value: f"{value:+.3%}" if abs(value) >= 1e-5 else f"{value * 100:+.1e}%",
            low=None,
        ),
    ]
    allowed: Annotated[str | None, Column("By how much the value may change.")]
    verdict: Annotated[
        str,
        Column(
            "changed, worse or better than it may, or only in OLD or NEW.",
            besides=(),
            tones=dict.fromkeys(("changed", "worse", "only in OLD", "only in NEW"), "bad")
            | {"better": "good"},
        ),
    ]
    old_row: Annotated[int | None, Column("Number of the row in OLD, from 1.", low=1)]
    new_row: Annotated[int | None, Column("Number of the row in NEW, from 1.", low=1)]


COMPARED_LAYOUT = Layout(
    parameters=(),
    results=("row", "column", "old", "new", "change", "allowed", "verdict"),
    optional=("allowed",),
    essential=("old", "new", "change", "verdict"),
)
_FINE = "better"


@dataclass(frozen=True)
class Comparison:
    """What two results differ in, and what was compared."""

    rows: tuple[ComparedRow, ...]
    tolerances: Mapping[str, str]  # of each column that was compared, in words
    matched: int  # rows that both have
    remarks: tuple[str, ...]

    @property
    def broken(self) -> tuple[ComparedRow, ...]:
        """What speaks against NEW."""
        return tuple(one for one in self.rows if one.verdict != _FINE)

    def told(self, old: str = "OLD", new: str = "NEW") -> str:
        """What was found, in a sentence."""
        rows = f"{self.matched} row{'s' * (self.matched != 1)}"
        what = f"{rows} and {len(self.tolerances)} columns compared"
        values = [one for one in self.rows if one.column is not None]
        said = []
        for verdict in dict.fromkeys(one.verdict for one in values):
            some = [one for one in values if one.verdict == verdict]
            within = len({one.new_row for one in some})
            several = "s are" if len(some) > 1 else " is"
            said.append(
                f"{len(some)} value{several} {verdict}, in {within} row{'s' * (within > 1)}"
            )
        for end in ("OLD", "NEW"):
            if alone := sum(one.verdict == f"only in {end}" for one in self.rows):
                where = old if end == "OLD" else new
                said.append(f"{alone} row{'s are' if alone > 1 else ' is'} only in {where}")
        return f"{what}: {'; '.join(said) or 'no value has changed by more than it may'}"

    def lines(self, old: str = "OLD", new: str = "NEW", most: int = 10) -> list[str]:
        """A sentence for each thing that speaks against NEW, and one of how many there are.

        Of more than ``most`` it is the largest change of each column.
        """
        if not self.broken:
            return []
        against = replace(self, rows=self.broken)
        places, _ = against.excerpt(most)
        return [
            *(
                f"{one.row}: {_sentence(one)}".replace("OLD", old).replace("NEW", new)
                for one in (self.broken[place] for place in places)
            ),
            self.told(old, new),
        ]

    def cases(self) -> list[tuple[str, tuple[str, ...]]]:
        """What was checked, and the sentences against it: each column, and that rows are there."""
        of_column: dict[str | None, list[str]] = defaultdict(list)
        for one in self.broken:
            of_column[one.column].append(f"{one.row}: {_sentence(one)}")
        named = [(f"{key} {word}", key) for key, word in self.tolerances.items() if word != ANY]
        return [
            (name, tuple(of_column[key])) for name, key in [("has the same rows", None), *named]
        ]

    def excerpt(self, most: int = 20) -> tuple[list[int], str]:
        """Places of what a screen has room for: of each column the largest change."""
        if len(self.rows) <= most:
            return list(range(len(self.rows))), ""
        first: dict[str | None, int] = {}
        for place, one in enumerate(self.rows):
            key = one.column if one.column is not None else one.verdict
            if key not in first or _size(one) > _size(self.rows[first[key]]):
                first[key] = place
        places = sorted(first.values())[:most]
        left = len(self.rows) - len(places)
        return places, (
            f"The largest change of each column; {left} more values differ, and --format csv or "
            "json has all."
        )


def _size(row: ComparedRow) -> float:
    return math.inf if row.change is None else abs(row.change)


def _sentence(one: ComparedRow) -> str:
    if one.column is None:
        return f"the row is {one.verdict}"
    form = _form({"column": one.column})
    old, new = ("no value" if value is None else form(value) for value in (one.old, one.new))
    much = "" if one.change is None else f" ({one.change:+.3%}, {one.allowed})"
    return f"{one.column} was {old} and is {new}{much}"


@dataclass(frozen=True, eq=False)
class ComparedColumns:
    """What is known of the columns of a command: their declarations, and its options.

    ``options`` are keys of columns with the name of the option whose value they show.
    """

    columns: Mapping[str, Column]
    options: Mapping[str, str]

    def parts(self, key: str, value: Any) -> dict[str, Any]:
        """A value in its parts, as CSV has them: of a range, or of a number that is uncertain.

        Intervals of statistics are none that are compared: they say what the values may be off by.
        """
        if key.endswith(_INTERVALS):
            return {}
        if isinstance(value, Uncertain):
            return {key: value.value, f"{key}_low": value.low, f"{key}_high": value.high}
        flat = self.columns[key].flat_keys if key in self.columns else (key,)
        if isinstance(value, tuple) and len(flat) == len(value) == 2:
            return dict(zip(flat, value, strict=True))
        return {key: value}


def compare(
    old: SavedResult,
    new: SavedResult,
    known: ComparedColumns,
    tolerances: Sequence[Tolerance] = (),
) -> Comparison:
    """Compare two results of one command.

    Rows are matched by the columns that are parameters of the question: those that tell a row from
    others (`Column.identity`), and options that have several values, but for what the command
    itself has found, as its option was not given. Several rows that these do not tell apart are
    matched in their order.

    A value may change by its tolerance, the last one that names its column. Without one, a number
    may differ by 1e-9 of itself; and one with an interval by 1.5 times the root of the sum of the
    squares of half the intervals.

    Raises
    ------
    InputError
        If they are of two commands, or no row can be matched.
    """
    if old.command != new.command:
        raise InputError(
            f"{old.path} is of the command {old.command} and {new.path} of {new.command}; only "
            "results of one command can be compared"
        )
    keys = [key for key in old.rows[0] if key in new.rows[0]]
    parts = {key: known.parts(key, old.rows[0][key]) for key in keys}
    check_tolerances(tolerances, [part for key in keys for part in (key, *parts[key])])
    matching = _matching(old, new, known, keys)
    if not matching:
        raise InputError(
            f"{old.path} and {new.path} have no columns in common that tell rows apart; rows of "
            "other options, or of another version, cannot be compared"
        )
    several = _telling((*old.rows, *new.rows), matching, known)
    told = {key for key, option in known.options.items() if _differs(option, old, new)}
    compared = [key for key in keys if key not in {*matching, *told}]
    pairs, gone, come = _matched(old.rows, new.rows, matching)
    made = [
        replace(one, old_row=before + 1, new_row=after + 1)
        for before, after in pairs
        for one in _differences(
            old.rows[before],
            new.rows[after],
            compared,
            known,
            tolerances,
            _named(new.rows[after], several, after),
        )
    ]
    for end, places, rows in (("OLD", gone, old.rows), ("NEW", come, new.rows)):
        for place in places:
            name = _named(rows[place], several, place)
            places_of = (place + 1, None) if end == "OLD" else (None, place + 1)
            made.append(
                ComparedRow(name, None, None, None, None, None, f"only in {end}", *places_of)
            )
    every = {
        part: _in_words(part, old.rows[0], tolerances) for key in compared for part in parts[key]
    }
    return Comparison(tuple(made), every, len(pairs), tuple(_remarks(old, new)))


def _matching(
    old: SavedResult, new: SavedResult, known: ComparedColumns, keys: Sequence[str]
) -> list[str]:
    """Keys of the parameters of the question, which rows are matched by."""

    def is_found(key: str) -> bool:
        """Whether its option is there and was not given, so that the command has found a value."""
        option = known.options.get(key)
        asked = [one.parameters for one in (old, new)]
        return all(option in one and one[option or ""] is None for one in asked)

    def is_swept(key: str) -> bool:
        asked = (one.parameters.get(known.options[key]) for one in (old, new))
        return any(isinstance(value, list) for value in asked)

    def distinct(keys: Sequence[str]) -> int:
        """How many rows these keys tell apart."""
        return sum(len(set(_keys_of(one.rows, keys))) for one in (old, new))

    marked = [key for key in keys if key in known.columns and known.columns[key].identity]
    matching = [key for key in marked if not is_found(key)]
    matching += [
        key for key in keys if key in known.options and key not in marked and is_swept(key)
    ]
    for key in marked:  # what the command has found tells rows apart where nothing else does
        if key not in matching and distinct([*matching, key]) > distinct(matching):
            matching.append(key)
    return matching


def _telling(rows: Sequence[Row], keys: Sequence[str], known: ComparedColumns) -> list[str]:
    """Keys that tell rows apart, as few as will do, lists last."""
    every = sorted(keys, key=lambda key: key in known.columns and known.columns[key].is_list)
    telling: list[str] = []
    distinct = 1
    for key in every:
        found = len(set(_keys_of(rows, [*telling, key])))
        if found > distinct:
            distinct = found
            telling.append(key)
    return telling


def _keys_of(rows: Sequence[Row], keys: Sequence[str]) -> list[tuple[Any, ...]]:
    return [tuple(_as_key(row.get(key)) for key in keys) for row in rows]


def _as_key(value: Any) -> Any:
    """A value that tells rows apart."""
    if isinstance(value, tuple):
        return tuple(map(_as_key, value))
    if isinstance(value, float) and math.isfinite(value):
        return float(f"{value:.{_DIGITS - 1}e}")
    return value


def _matched(
    old: Sequence[Row], new: Sequence[Row], keys: Sequence[str]
) -> tuple[list[tuple[int, int]], list[int], list[int]]:
    """Places of rows that both have, and of those that one of them has."""
    waiting: dict[Any, list[int]] = defaultdict(list)
    for place, key in enumerate(_keys_of(old, keys)):
        waiting[key].append(place)
    for places in waiting.values():
        places.reverse()
    pairs, come = [], []
    for place, key in enumerate(_keys_of(new, keys)):
        places = waiting[key]
        if places:
            pairs.append((places.pop(), place))
        else:
            come.append(place)
    return pairs, sorted(place for places in waiting.values() for place in places), come


def _named(row: Row, keys: Sequence[str], place: int) -> str:
    """A row in words."""
    there = {key: row.get(key) for key in keys}
    return identified(there, keys) or f"row {place + 1}"


def _differences(
    old: Row,
    new: Row,
    keys: Sequence[str],
    known: ComparedColumns,
    tolerances: Sequence[Tolerance],
    name: str,
) -> Iterator[ComparedRow]:
    """Values of two rows that differ by more than they may."""
    for key in keys:
        before, after = known.parts(key, old[key]), known.parts(key, new[key])
        for part in dict.fromkeys((*before, *after)):
            one, other = before.get(part), after.get(part)
            if one == other and type(one) is type(other):
                continue
            tolerance = _tolerance(part, old, new, tolerances)
            verdict = _verdict(one, other, tolerance)
            if verdict is not None:
                yield ComparedRow(
                    name, part, _cell(one), _cell(other), _change(one, other), str(tolerance),
                    verdict, None, None,
                )  # fmt: skip


def _verdict(old: Any, new: Any, tolerance: Tolerance) -> str | None:
    if tolerance.amount == math.inf:
        return None
    if is_number(old) and is_number(new):
        return tolerance.verdict(old, new)
    if isinstance(old, tuple) and isinstance(new, tuple) and len(old) == len(new):
        found = [_verdict(one, other, tolerance) for one, other in zip(old, new, strict=True)]
        told = [one for one in found if one is not None]
        return next((one for one in told if one != _FINE), told[0] if told else None)
    return None if old == new else "changed"


def _tolerance(key: str, old: Row, new: Row, given: Sequence[Tolerance]) -> Tolerance:
    """The last one that names a column; else what its intervals allow, or rounding."""
    for one in reversed(given):
        if fnmatch.fnmatch(key, one.columns):
            # An amount of a pattern is in the unit of each of its columns.
            return replace(one, columns=key)
    for end in _INTERVALS:
        half = [_half_width(row, key, key + end) for row in (old, new)]
        widths = [one for one in half if one is not None]
        before = old.get(key)
        if len(widths) == len(half) and isinstance(before, int | float):
            most = _OF_INTERVALS * math.hypot(*widths)
            return Tolerance(key, max(most, ROUNDING * abs(before)), False)
    return replace(EXACT, columns=key)


def _half_width(row: Row, key: str, interval: str) -> float | None:
    ends, value = row.get(interval), row.get(key)
    if not isinstance(ends, tuple) or len(ends) != 2 or not isinstance(value, int | float):
        return None
    return max(float(ends[1]) - value, value - float(ends[0]))


def _in_words(key: str, row: Row, given: Sequence[Tolerance]) -> str:
    if not any(fnmatch.fnmatch(key, one.columns) for one in given):
        if any(key + end in row for end in _INTERVALS):
            return "within the intervals"
        if not is_number(row.get(key)):
            return "is the same"
    return str(_tolerance(key, {}, {}, given))


def _cell(value: Any) -> Value | None:
    return ",".join(map(str, value)) if isinstance(value, tuple) else value


def _change(old: Any, new: Any) -> float | None:
    if not (is_number(old) and is_number(new)) or not old:
        return None
    with suppress(OverflowError, ZeroDivisionError):
        change = float((new - old) / abs(old))
        return change if math.isfinite(change) else None
    return None


def _remarks(old: SavedResult, new: SavedResult) -> Iterator[str]:
    """What differs besides the rows."""
    if old.schema != new.schema:
        yield (
            f"{old.path} has schema {old.schema} of the documents and {new.path} schema "
            f"{new.schema}, in which columns may have other names; those that both have are "
            "compared"
        )
    if old.version != new.version:
        yield f"{old.path} is of rnscli {old.version} and {new.path} of {new.version}"
    for name in (one for one in new.parameters if _differs(one, old, new)):
        one, other = (_short(result.parameters[name]) for result in (old, new))
        yield f"--{name.replace('_', '-')} differs: {one} in {old.path}, {other} in {new.path}"
    for result, than in ((old, new), (new, old)):
        more = [key for key in result.rows[0] if key not in than.rows[0]]
        if more:
            yield f"only {result.path} has the column{'s' * (len(more) > 1)} {', '.join(more)}"


def _differs(option: str, old: SavedResult, new: SavedResult) -> bool:
    """Whether both state an option, with different values."""
    both = [result.parameters for result in (old, new)]
    return all(option in one for one in both) and both[0][option] != both[1][option]


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
