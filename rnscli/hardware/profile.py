"""Profiles of technologies: TOML files, shipped with the package or a user's own.

Other packages add theirs as entry points of the group ``rnscli.technologies``, which name a
`Profile`.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from rnscli.base import (
    InputError,
    Numbers,
    Registry,
    Uncertain,
    options_of,
    parse_uncertain,
    read_nested,
    shown,
)
from rnscli.core import DeviceOptions, Devices
from rnscli.hardware import expression
from rnscli.hardware.constants import FACTORS, KNOWN
from rnscli.hardware.expression import UNITS, Expression
from rnscli.hardware.operations import AREAS, ENERGIES, OperationPrices
from rnscli.hardware.technology import (
    KERNELS,
    LINK,
    LINK_NOISES,
    PRICES,
    VARIABLES,
    WRITE,
    Part,
    Technology,
    Value,
)

_SUFFIX = ".toml"
MAX_BYTES = 1 << 20
# Keys that profiles had when a technology was an energy per MAC.
_FORMER = ("energy_per_mac", "cycle_time", "cell_area", "leakage", "scaling", "digital")
_TABLES = ("limits", "constants", "parts", "link", "devices", "operations")
_KEYS = ("name", "kind", "description", "modulo", "node", "overlapped", *_TABLES)
_LIMITS = ("rows", "columns", "input_bits", "output_bits", "source")
_TEXTS = ("source", "assumption", "fitted")
# Names that mean something else in formulas.
_TAKEN = (*VARIABLES, *expression.CONSTANTS, *expression.FUNCTIONS)
_SPREAD = re.compile(r"±|\+/-|\+-")
_WITHOUT_UNIT = re.compile(r"[-+.\deE±/%\s]{1,100}")


@dataclass(frozen=True, eq=False)
class Profile:
    """A technology by its TOML file, which has its name and is read when it is used."""

    file: Path

    @property
    def name(self) -> str:
        return self.file.name.removesuffix(_SUFFIX)

    @property
    def summary(self) -> str:
        return self.technology().description

    def technology(self) -> Technology:
        return _of_profile(self)


@lru_cache(maxsize=64)
def _of_profile(profile: Profile) -> Technology:
    technology = _parsed(profile.file.name, profile.file.read_bytes(), checked=True)
    if technology.name != profile.name:
        raise InputError(
            f"{profile.file.name}: 'name' is {shown(technology.name)}; it must be {profile.name}, "
            "as that of its file"
        )
    return technology


def _shipped() -> list[Profile]:
    # Not by importlib.resources, which takes as long to load as all of this package's hardware.
    return [
        Profile(f) for f in sorted(Path(__file__).with_name("technologies").glob(f"*{_SUFFIX}"))
    ]


TECHNOLOGIES: Registry[Profile] = Registry("technology", "technologies", Profile, _shipped())


def technology_names() -> tuple[str, ...]:
    """Names of the profiles that come with the package, or with another one."""
    return tuple(TECHNOLOGIES)


def load_technology(name_or_path: str) -> Technology:
    """A technology by its name, or out of a file of one's own.

    Raises
    ------
    InputError
        If there is none of that name, or the file is not a profile: the message names the file and
        the line or the key.

    Examples
    --------
    >>> load_technology("reram-analog").node
    1.4e-08
    """
    if name_or_path in TECHNOLOGIES:
        return TECHNOLOGIES[name_or_path].technology()
    path = Path(name_or_path)
    try:
        is_file = path.is_file()
        content = b""
        if is_file:
            with path.open("rb") as file:
                content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        problem = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"`technology` {shown(name_or_path)} cannot be read: {problem}") from None
    if not is_file:
        raise InputError(
            f"`technology` {shown(name_or_path)} is no profile; give one of "
            f"{', '.join(TECHNOLOGIES)}, or a file {_SUFFIX}"
        )
    if len(content) > MAX_BYTES:
        raise InputError(f"`technology` {path.name} is too long for a profile (over 1 MB)")
    try:
        technology = _parsed(path.name, content, checked=False)
    except InputError as error:
        raise InputError(str(error), "technology") from None
    if technology.name in TECHNOLOGIES:
        raise InputError(
            f"{path.name}: 'name' is {technology.name}, which is a profile of the package; give "
            "yours another",
            "technology",
        )
    return technology


def _parsed(file: str, content: bytes, checked: bool) -> Technology:
    """A profile; the units of those that are ``checked`` by tests are not checked again."""
    try:
        technology = _described(read_nested(tomllib.loads, content.decode()))
        if not checked:
            technology.check_units()
    except UnicodeDecodeError:
        raise InputError(f"{file} is no text in UTF-8") from None
    except _MissingKeyError as missing:
        raise InputError(f"{file} has no '{missing}'; a profile needs it") from None
    except InputError as error:
        raise InputError(f"{file}: {error}") from None
    except ValueError as error:
        raise InputError(f"{file} is not TOML: {error}") from None
    return technology


class _MissingKeyError(Exception):
    """A key that a profile needs."""


def _described(document: dict[str, Any]) -> Technology:
    """What a profile describes; errors do not name its file."""
    former = [key for key in _FORMER if key in document]
    if former and "parts" not in document:
        raise InputError(
            f"'{former[0]}' is of a profile as they were before version 2, of one energy per MAC; "
            'a profile now lists [[parts]]: make it one part, name = "array", group = "array", '
            'per = "cell", energy = "energy_per_mac", area = "cell_area", and a second, per '
            '= "array", time = "cycle_time", with these numbers under [constants] (docs/'
            "energy.md has an example)"
        )
    _check_keys("", document, _KEYS)
    name = _needed("", document, "name")
    if _text("name", name) != name or len(name) > 40:
        raise InputError(f"'name' is {shown(name)}; it must be up to 40 printable characters")
    values = _constants(_table("constants", document, None, optional=True))
    node = _constant("node", _table("node", document, ("value", "range", *_TEXTS)))
    _in_unit("node", node, "m")
    limits = _table("limits", document, _LIMITS)
    arguments: dict[str, Any] = {key: _needed("limits.", limits, key) for key in _LIMITS[:2]}
    arguments |= {k: _pair(f"limits.{k}", limits[k]) for k in _LIMITS[2:4] if k in limits}
    for key in ("description", "modulo"):
        if key in document:
            arguments[key] = _text(key, document[key])
    arguments["overlapped"] = _flag("overlapped", document.get("overlapped", False))
    parts = tuple(_part(index, one) for index, one in enumerate(_listed(document)))
    formulas = (*LINK, *LINK_NOISES)
    link = _table("link", document, (*formulas, "sigma", *_TEXTS), optional=True)
    if link:
        for key in (*LINK, "sigma"):
            _needed("link.", link, key)
        arguments["wanted_sigma"] = _quantity("link.sigma", link["sigma"], "1")
    device_values = _device_values(_table("devices", document, None, optional=True))
    if device_values:
        arguments["devices"] = _devices(device_values)
        arguments["device_values"] = tuple(device_values.items())
    ranged = {"node": node, **values}
    # What is said of a factor goes before its published spread, also where it is one number.
    uncertain = {
        name: Uncertain(one.value, one.low, one.high)
        for name, one in ranged.items()
        if one.low < one.high or name in FACTORS
    }
    arguments |= {name: values.pop(name).value for name in FACTORS if name in values}
    try:
        return Technology(
            name=name,
            kind=_text("kind", _needed("", document, "kind")),
            node=node.value,
            parts=parts,
            values=tuple(values.items()),
            link=tuple(
                (key, _formula(f"link.{key}", link[key])) for key in formulas if key in link
            ),
            operations=OperationPrices(**_prices(document)),
            uncertain=tuple(uncertain.items()),
            **arguments,
        )
    except InputError as error:  # about an argument, which is no option here but a key
        text = str(error).replace("`", "'")
        for key in _LIMITS:
            text = text.replace(f"'{key}'", f"'limits.{key}'")
        raise InputError(text) from None


def _constants(table: Mapping[str, Any]) -> dict[str, Value]:
    found = {}
    for name, one in table.items():
        where = f"constants.{shown(name)}"
        if not name.isidentifier() or not name.isascii() or name in _TAKEN:
            raise InputError(
                f"'{where}' must be a name of letters, digits and _, other than {', '.join(_TAKEN)}"
            )
        if not isinstance(one, dict):
            raise InputError(f"'{where}' must be a table with value and source")
        _check_keys(f"{where}.", one, ("value", "range", *_TEXTS))
        found[name] = _constant(where, one)
        for known in (KNOWN, FACTORS):  # rows and options have it in this unit
            if name in known:
                _in_unit(where, found[name], known[name].unit)
    return found


def _device_values(table: Mapping[str, Any]) -> dict[str, Value]:
    """Values of the fields of `Devices`, numbers without a unit."""
    options = options_of(DeviceOptions).items()
    known = [name for name, one in options if isinstance(one.values, Numbers)]
    _check_keys("devices.", table, tuple(known))
    found = {}
    for name, one in table.items():
        where = f"devices.{name}"
        if not isinstance(one, dict):
            raise InputError(f"'{where}' must be a table with value and source")
        _check_keys(f"{where}.", one, ("value", "range", *_TEXTS))
        found[name] = _constant(where, one)
        _in_unit(where, found[name], "1")
    return found


def _devices(values: Mapping[str, Value]) -> Devices:
    given: dict[str, Any] = {name: one.value for name, one in values.items()}
    try:
        return Devices(**given)
    except InputError as error:
        text = str(error)
        for name in values:
            text = text.replace(f"`{name}`", f"'devices.{name}.value'")
        raise InputError(text) from None


def _in_unit(where: str, one: Value, unit: str) -> None:
    if one.unit != unit:
        found = "" if one.unit == "1" else f" {one.unit}"
        raise InputError(f"'{where}.value' is {one.value:g}{found}, without its unit {unit}")


def _constant(where: str, table: Mapping[str, Any]) -> Value:
    texts = {key: _text(f"{where}.{key}", table[key]) for key in _TEXTS if key in table}
    _needed(f"{where}.", table, "source")
    text = _text(f"{where}.value", _needed(f"{where}.", table, "value"))
    value, unit = _measured(f"{where}.value", text)
    low = high = value.value if isinstance(value, Uncertain) else value
    middle = low
    if isinstance(value, Uncertain):
        low, high = value.low, value.high
    if "range" in table:
        ends = table["range"]
        if not isinstance(ends, list) or len(ends) != 2:
            raise InputError(f"'{where}.range' must be the least and the largest value, in quotes")
        low, high = (_quantity(f"{where}.range", end, unit) for end in ends)
        if not low <= middle <= high:
            raise InputError(f"'{where}.range' does not hold its value {text}")
    return Value(middle, unit, low=low, high=high, **{"source": "", **texts})


def _measured(where: str, text: str) -> tuple[float | Uncertain, str]:
    """A quantity with the unit that its text, or what is before its spread, ends in."""
    ends = [
        one.replace("m^2", "m2").replace("m²", "m2").rstrip()
        for one in (text, _SPREAD.split(text, maxsplit=1)[0])
    ]
    units = [unit for unit in UNITS if unit != "1" and any(one.endswith(unit) for one in ends)]
    if _WITHOUT_UNIT.fullmatch(text):
        units = ["1"]
    for unit in units if len(text) <= 100 else ():
        try:
            value = parse_uncertain(text, unit)
        except InputError:
            continue
        least = value.low if isinstance(value, Uncertain) else value
        if least < 0 and not unit.startswith("dB"):
            raise InputError(f"'{where}' is {text}; it must not be negative")
        return value, unit
    raise InputError(
        f"'{where}' is {shown(text)}; it must be a number, or one with a unit of {', '.join(UNITS)}"
    )


def _quantity(where: str, value: Any, unit: str) -> float:
    """A quantity that is no range, in a unit that it must have."""
    measured, found = _measured(where, _text(where, value))
    if found != unit or isinstance(measured, Uncertain):
        raise InputError(f"'{where}' is {shown(value)}, without its unit {unit}")
    return measured


def _listed(document: dict[str, Any]) -> Sequence[Any]:
    parts = _needed("", document, "parts")
    if not isinstance(parts, list) or not parts:
        raise InputError("'parts' must be tables [[parts]], at least one")
    return parts


def _part(index: int, table: Any) -> Part:
    if not isinstance(table, dict):
        raise InputError("'parts' must be tables [[parts]]")
    where = f"parts[{index}]."
    others = ("name", "group", "per", "kernels", "stage", "over", "source", "assumption")
    _check_keys(where, table, (*others, *PRICES))
    name, group, per, source = (
        _text(f"{where}{key}", _needed(where, table, key))
        for key in ("name", "group", "per", "source")
    )
    kernels = table.get("kernels", list(KERNELS))
    if not isinstance(kernels, list) or not kernels:
        names = ", ".join((*KERNELS, WRITE))
        raise InputError(f"'{where}kernels' must be a list of {names}")
    optional = ("stage", "assumption")
    more: dict[str, Any] = {k: _text(f"{where}{k}", table[k]) for k in optional if k in table}
    more |= {key: _formula(f"{where}{key}", table[key]) for key in PRICES if key in table}
    try:
        return Part(
            name=name,
            group=group,
            per=per,
            kernels=tuple(kernels),
            over=_flag(f"{where}over", table.get("over", False)),
            source=source,
            **more,
        )
    except InputError as error:
        raise InputError(f"part {shown(name)}: {str(error).replace('`', chr(39))}") from None


def _formula(where: str, value: Any) -> Expression:
    text = _text(where, value)
    try:
        return Expression(text)
    except InputError as error:
        raise InputError(f"'{where}': {error}") from None


def _prices(document: dict[str, Any]) -> dict[str, float]:
    """Arguments of `OperationPrices`."""
    units = {**dict.fromkeys(ENERGIES, "J"), **dict.fromkeys(AREAS, "m2"), "reference_node": "m"}
    table = _table("operations", document, (*units, "source"), optional=True)
    return {
        name: _quantity(f"operations.{name}", table[name], unit)
        for name, unit in units.items()
        if name in table
    }


def _table(
    name: str, document: dict[str, Any], accepted: tuple[str, ...] | None, optional: bool = False
) -> dict[str, Any]:
    table = document.get(name, {}) if optional else _needed("", document, name)
    if not isinstance(table, dict):
        raise InputError(f"'{name}' must be a table [{name}]")
    if accepted is not None:
        _check_keys(f"{name}.", table, accepted)
        if "source" in table:
            _text(f"{name}.source", table["source"])
    return table


def _pair(where: str, value: Any) -> tuple[int, int]:
    if not isinstance(value, list) or len(value) != 2 or any(type(one) is not int for one in value):
        raise InputError(f"'{where}' must be the least and the largest whole number, as [2, 8]")
    return value[0], value[1]


def _flag(where: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise InputError(f"'{where}' must be true or false")
    return value


def _needed(prefix: str, table: Mapping[str, Any], key: str) -> Any:
    if key not in table:
        raise _MissingKeyError(f"{prefix}{key}")
    return table[key]


def _check_keys(prefix: str, table: Mapping[str, Any], accepted: tuple[str, ...]) -> None:
    for key in table:
        if key not in accepted:
            raise InputError(
                f"'{prefix}{shown(key)}' is unknown; accepted are {', '.join(accepted)}"
            )


def _text(where: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"'{where}' is {shown(str(value))}; it must be text in quotes")
    text = " ".join(value.split())  # of several lines
    if not text.isprintable():
        raise InputError(f"'{where}' is {shown(value)}; it must be printable")
    return text
