"""Columns of rows: what a key means, which values it has, and how people read them."""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache, cached_property, reduce
from operator import or_
from types import NoneType, UnionType
from typing import Annotated, Any, TypeGuard, Union, get_args, get_origin, get_type_hints

from rnscli.base.errors import printable
from rnscli.base.units import Uncertain, engineering

_ENDS = ("low", "high")
_DOTS = " .. "  # between the ends of an interval
_UNITS = ("j", "s", "m2")
_RATE = re.compile("_per_(s|w|mm2)(_range)?$")  # which a heading says shorter
# Units at the end of keys, and how people write them.
_WRITTEN = {
    "macs_per_s": "MAC/s", "f_per_m2": "F/m2", "hz": "Hz", "db": "dB", "js": "Js", "m2": "m2",
    "j": "J", "s": "s", "w": "W", "v": "V", "f": "F", "m": "m",
}  # fmt: skip


def plain(value: object) -> str:
    """Texts as they are, numbers in four digits, lists with spaces between their members."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return number(value)
    return sequence(value) if isinstance(value, tuple) else printable(str(value))


@dataclass(frozen=True, eq=False, repr=False)
class Column:
    """All that is said of a column, at the field that it is of.

    A row is a dataclass with fields such as ``bits: Annotated[int, Column("Bits of the ADC.")]``:
    table, CSV, schema, reference and requirements read it there. What several rows share is an
    alias, and ``Annotated[Bits, Column(...)]`` replaces what the alias says.

    Examples
    --------
    >>> @dataclass(frozen=True)
    ... class Point:
    ...     energy_j: Annotated[float | None, Column("Energy, in J.", form=prefixed("J"))]
    >>> column = columns_of(Point)["energy_j"]
    >>> column.title, column.is_number, column.shown(1.5e-12), column.shown(None)
    ('energy', True, '1.500 pJ', '-')
    """

    meaning: str  # in one sentence, with its unit
    heading: str | None = None  # of a table; the key in words, without its unit, if not given
    form: Callable[[Any], str] = plain  # a value as people read it
    # The form in a row, where it depends on another value of that.
    form_in: Callable[[Mapping[str, object]], Callable[[Any], str]] | None = None
    low: float | None = 0  # bounds of a number, and of every member of a list, both included
    high: float | None = None
    infinite: bool = False  # whether a number may be infinite
    empty: bool = False  # whether a list may be empty
    besides: tuple[str, ...] = ()  # texts that it may have, besides those of the option of its name
    # Key of another column: a table leaves this one out where both are equal throughout.
    same_as: str | None = None
    usual: object = None  # a table leaves the column out where nothing has another value
    # Key of the interval of a value, whose width says how many digits of it mean anything.
    interval: str | None = None
    # Key of its unit, where that differs from row to row, and is empty where there is none.
    unit: str | None = None
    # Whether a parameter concerns some rows only, and is common to all if these agree.
    concerns_some: bool = False
    identity: bool = False  # whether it tells a row from others, where a sentence is about one row
    # Key of the column with the values of all, where a list of them is given instead of one.
    of_each: str | None = None
    # Whether a value is good, bad or doubtful, which a terminal may colour.
    tones: Mapping[object, str] = field(default_factory=dict)
    # Where it stands and the type of its values: of the field. An option that makes a column
    # states the key if it is not the name of the option.
    key: str = ""
    hint: Any = None

    def shown(self, value: object, row: Mapping[str, object] | None = None) -> str:
        """A value as people read it, beside the others of its row; a dash for ``None``."""
        if value is None:
            each = self.each(row)
            return "-" if each is None else ends(self.form)((min(each), max(each)))
        if row is not None and isinstance(value, float):
            both = row.get(self.interval) if self.interval else None
            if isinstance(both, tuple):
                return as_precise_as(value, (both[1] - both[0]) / 2)
            if self.unit is not None and row[self.unit]:
                return prefixed(str(row[self.unit]))(value)
        form = self.form if row is None or self.form_in is None else self.form_in(row)
        return form(value)

    def each(self, row: Mapping[str, object] | None) -> tuple[Any, ...] | None:
        """The values of which a row has a list instead of one, if it has."""
        found = row.get(self.of_each) if row is not None and self.of_each else None
        return found if isinstance(found, tuple) else None

    @property
    def title(self) -> str:
        """Its heading in a table."""
        return in_words(self.key) if self.heading is None else self.heading

    def name(self, shown: str) -> str:
        """What stands before a value, as it is ``shown``, where there is room: its key in words.

        Its unit is in brackets if the value comes without it.

        Examples
        --------
        >>> column = Column("Power, in W.", key="power_w")
        >>> column.name("1.500 mW"), column.name("-"), Column("Gain.", key="gain_db").name("3.2")
        ('power', 'power', 'gain (dB)')
        >>> Column("Operations.", "TOPS/W", key="tops_per_w").name("0.4")
        'TOPS/W'
        """
        unit = next((one for one in _WRITTEN if self.key.endswith(f"_{one}")), None)
        words = self.key if unit is None else self.key.removesuffix(f"_{unit}")
        if unit is None or words.endswith("_per"):
            is_rate = self.heading is not None and _RATE.search(self.key)
            return self.title if is_rate else in_words(self.key)
        written = _WRITTEN[unit]
        if shown.endswith(written) or not any(map(str.isdigit, shown)):
            return in_words(words)
        return f"{in_words(words)} ({written})"

    @cached_property
    def kinds(self) -> tuple[Any, ...]:
        """Types of its values, but for ``None``."""
        joined = get_origin(self.hint) in (Union, UnionType)
        kinds = get_args(self.hint) if joined else (self.hint,)
        return tuple(kind for kind in kinds if kind is not NoneType)

    @cached_property
    def is_list(self) -> bool:
        """Whether its values are lists, or pairs."""
        return all(get_origin(kind) is tuple for kind in self.kinds)

    def fits(self, value: object) -> bool:
        """Whether a value, which may come from anywhere, is one that the column can have."""
        if value is None:
            return self.hint is NoneType or NoneType in get_args(self.hint)
        return any(self._is(value, kind) for kind in self.kinds)

    def _is(self, value: object, kind: Any) -> bool:
        if get_origin(kind) is tuple:
            inner = get_args(kind)[0]  # all members are of one type
            return isinstance(value, tuple) and all(self._is(one, inner) for one in value)
        if kind is str:
            return isinstance(value, str) and value.isprintable()
        if kind not in (int, float) or type(value) not in (int, kind):
            return type(value) is kind
        assert isinstance(value, int | float)
        in_bounds = (self.low is None or value >= self.low) and (
            self.high is None or value <= self.high
        )
        return in_bounds and (self.infinite or type(value) is int or math.isfinite(value))

    @property
    def is_number(self) -> bool:
        """Whether its values can be compared with a number."""
        return all(kind in (int, float, bool, Uncertain) for kind in self.kinds)

    @cached_property
    def flat_keys(self) -> tuple[str, ...]:
        """Keys under which CSV has it: two for an interval, three for a number that may be one."""
        ends = tuple(f"{self.key}_{end}" for end in _ENDS)
        if self.is_list and not any(Ellipsis in get_args(kind) for kind in self.kinds):
            return ends
        return (self.key, *ends) if Uncertain in self.kinds else (self.key,)


@cache
def columns_of(row_type: type) -> Mapping[str, Column]:
    """Columns of a type of rows by their keys, in the order of its fields."""
    hints = {one.name: one.type for one in fields(row_type)}
    if any(isinstance(hint, str) for hint in hints.values()):  # else nothing is to be looked up
        hints = get_type_hints(row_type, include_extras=True)
    try:
        return {one.name: column_of(hints[one.name], one.name) for one in fields(row_type)}
    except TypeError as error:
        raise TypeError(f"{row_type.__name__}: {error}") from None


def column_of(hint: Any, key: str) -> Column:
    """The column that a type hint declares, for a field or an option of this name."""
    bare, column = _declared(hint)
    if column is None:
        raise TypeError(f"{key} has no Column in its type hint")
    return replace(column, key=column.key or key, hint=bare)


def option_columns(hints: Mapping[str, Any]) -> dict[str, Column]:
    """Columns that options make, by the option; each may be empty."""
    return {name: column_of(hint | None, name) for name, hint in hints.items()}


def _declared(hint: Any) -> tuple[Any, Column | None]:
    """A type hint without its annotations, and the outermost `Column` among these."""
    if get_origin(hint) is Annotated:
        inner, *annotations = get_args(hint)
        bare, column = _declared(inner)
        return bare, next((a for a in reversed(annotations) if isinstance(a, Column)), column)
    if get_origin(hint) in (Union, UnionType):
        parts = [_declared(part) for part in get_args(hint)]
        return reduce(or_, (bare for bare, _ in parts)), next((c for _, c in parts if c), None)
    return hint, None


def in_words(key: str) -> str:
    """A key in words, without the unit that its values are shown with.

    Examples
    --------
    >>> in_words("energy_per_mac_j"), in_words("throughput_macs_per_s")
    ('energy per mac', 'throughput macs per s')
    """
    words = key.split("_")
    has_unit = len(words) > 1 and words[-1] in _UNITS and words[-2] != "per"
    return " ".join(words[:-1] if has_unit else words)


def unit_of_key(key: str) -> str:
    """Unit of the values of a key, which its end says; empty if they have none.

    Examples
    --------
    >>> unit_of_key("area_m2"), unit_of_key("throughput_macs_per_s"), unit_of_key("tops_per_w")
    ('m2', 'MAC/s', '')
    """
    name = key.removesuffix("_low").removesuffix("_high")
    for end, unit in _WRITTEN.items():
        if name.endswith(f"_{end}"):
            return "" if name.endswith(f"_per_{end}") else unit
    return ""


def with_unit(name: str, text: str) -> tuple[str, str]:
    """The key of a name without a unit, and the unit, which a quantity ends with.

    Examples
    --------
    >>> with_unit("area", "2mm2")
    ('area_m2', 'm2')
    """
    for end, unit in sorted(_WRITTEN.items(), key=lambda one: -len(one[1])):
        if text.endswith(unit):
            return f"{name}_{end}", unit
    raise ValueError(f"{text!r} has no unit")


def numeric_keys(columns: Iterable[Column]) -> dict[str, bool]:
    """Every key that a requirement may name, with whether its values are numbers."""
    return {
        key: column.is_number or key != column.key  # the ends of an interval are numbers
        for column in columns
        for key in (column.key, *column.flat_keys)
    }


def flat_row(columns: Iterable[Column], row: Mapping[str, object]) -> dict[str, object]:
    """A row with its intervals in two columns each, as CSV has it."""
    return {key: value_of(row, key) for column in columns for key in column.flat_keys}


def column_of_end(columns: Mapping[str, Column], key: str) -> Column:
    """The column of an end of an interval, which only CSV has: in the form of what it is about."""
    name, _, end = key.rpartition("_")
    whole = columns[name]
    about = next((one for one in columns.values() if one.interval == name), None)

    def form(value: float) -> str:
        if Uncertain in whole.kinds:
            return whole.form(value)
        first, dots, _ = whole.form((value, value)).partition(_DOTS)
        return first if dots else (plain if about is None else about.form)(value)

    heading = f"{(about or whole).title}, {end}"
    return Column(whole.meaning, heading, form, key=key, hint=float | None)


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a value is a number, which truths are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def value_of(row: Mapping[str, object], key: str) -> object:
    """The value of a key of a row, or the end of an interval that it names with ``_low, _high``.

    Examples
    --------
    >>> value_of({"p_ci95": (0.1, 0.2)}, "p_ci95_high")
    0.2
    """
    if key in row:
        value = row[key]
        return value.value if isinstance(value, Uncertain) else value
    name, _, end = key.rpartition("_")
    if end not in _ENDS:
        raise KeyError(key)
    ends = row[name]
    if isinstance(ends, Uncertain):
        return ends.low if end == "low" else ends.high
    # A value that may be uncertain, and is not.
    return ends[_ENDS.index(end)] if isinstance(ends, tuple | list) else None


# Forms of values


def number(value: float) -> str:
    """Four significant digits; plain integers keep all of theirs while they are readable."""
    if isinstance(value, int):
        if abs(value) < 10**15:
            return str(value)
        from decimal import Decimal  # a float may not reach that far

        return f"{Decimal(value):.5e}"
    if math.isinf(value):
        return "inf"
    magnitude = abs(value)
    if magnitude and not 1e-3 <= magnitude < 1e6:
        return f"{value:.3e}"
    return f"{value:.4g}" if magnitude < 1e4 else f"{value:.0f}"


def as_precise_as(value: float, half_width: float) -> str:
    """A value down to the second digit of what it may be off by."""
    if not 1e-6 < half_width < abs(value):
        return number(value)
    decimals = 1 - math.floor(math.log10(half_width))
    return f"{value:.{max(0, decimals)}f}"


def probability(value: float) -> str:
    """Four significant digits of the value, or of its distance to 1 next to that."""
    if value in (0.0, 1.0):
        return f"{value:.0f}"
    if value > 0.999:
        return f"1 - {1 - value:.2e}" if value < 1 else "1"
    return f"{value:.4g}" if value >= 1e-3 else f"{value:.3e}"


def percent(digits: int, signed: bool = False) -> Callable[[float], str]:
    """A share in percent, to some digits behind the point."""
    sign = "+" if signed else ""
    return lambda value: f"{value:{sign}.{digits}%}"


def points(digits: int, signed: bool = False) -> Callable[[float], str]:
    """A difference of shares in percentage points, to some digits behind the point."""
    sign = "+" if signed else ""
    return lambda value: f"{value * 100:{sign}.{digits}f}"


def decibels(value: float) -> str:
    """A ratio in dB, to a tenth."""
    # Adding zero leaves no minus before a zero.
    return f"{round(value, 1) + 0.0:.1f} dB" if math.isfinite(value) else f"{value} dB"


def sequence(value: Iterable[object]) -> str:
    """The members of a list."""
    return " ".join(str(item) for item in value) or "-"


def numbers(value: Iterable[float]) -> str:
    """The members of a list, in four digits each."""
    return " ".join(map(number, value))


def moment(value: str) -> str:
    """A moment in UTC, to the minute."""
    return value[:16].replace("T", " ")


def prefixed(unit: str) -> Callable[[float | Uncertain], str]:
    """A quantity with an engineering prefix."""

    def form(value: float | Uncertain) -> str:
        if isinstance(value, Uncertain):
            return f"{engineering(value.low, unit)} .. {engineering(value.high, unit)}"
        return area(value) if unit == "m2" else engineering(value, unit)

    return form


joules = prefixed("J")


def area(value: float) -> str:
    """Square millimetres or micrometres: prefixes of a square unit mean something else."""
    return f"{value * 1e6:.4g} mm2" if value >= 1e-8 else f"{value * 1e12:.4g} um2"


_SPANS = (("years", 365.25 * 86400), ("days", 86400.0), ("h", 3600.0), ("min", 60.0))


def span(value: float) -> str:
    """A long time in units that people live by.

    Examples
    --------
    >>> span(12.0), span(2529.0), span(1.2e6)
    ('12.00 s', '42.1 min', '13.9 days')
    """
    for unit, length in _SPANS:
        if value >= length:
            return f"{value / length:.3g} {unit}"
    return engineering(value, "s")


def ends(form: Callable[[float], str] = number) -> Callable[[tuple[float, float]], str]:
    """Both ends of an interval."""
    return lambda value: f"{form(value[0])}{_DOTS}{form(value[1])}"


def half_width(value: tuple[float, float]) -> str:
    """An interval beside its middle, which it is symmetric about."""
    half = (value[1] - value[0]) / 2
    return f"± {half:.2g}" if half < 100 else f"± {half:.0f}"


def reach(value: float) -> str:
    """How far an interval reaches, as a share of its value."""
    return f"± {value * 100:.2g} %"


def mark(text: str, otherwise: str = "") -> Callable[[object], str]:
    """A word where something is the case, and another where it is not."""
    return lambda value: text if value else otherwise
