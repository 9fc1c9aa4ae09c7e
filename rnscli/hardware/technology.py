"""A technology of matrix arrays: the energy, time and area of what multiplies and adds.

Profiles of technologies are TOML files. Other packages add theirs as entry points of the group
``rnscli.technologies``, which name a `Profile`.
"""

import math
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from rnscli.base import (
    InputError,
    Registry,
    Uncertain,
    check_choice,
    check_float,
    check_int,
    parse_uncertain,
    read_nested,
    shown,
)
from rnscli.core import Operation
from rnscli.hardware.constants import NODE, Constant, check_constants


@dataclass(frozen=True)
class OperationPrices:
    """Energy and area of integer and floating-point operations, by width and technology node.

    A price is known at 8 and at 32 bits. In between and beyond it follows the power of the width
    that goes through both, ``E(w) = E(8) (w / 8)^a`` with ``a = log_4(E(32) / E(8))``: 0.87 for
    additions and 1.98, almost the square, for multiplications. To another node energies scale in
    proportion to its length (the capacitance of a gate, at the same supply) and areas with its
    square.

    Parameters
    ----------
    add_8, add_32, multiply_8, multiply_32, fp_add_32, fp_multiply_32
        Energies in J at ``reference_node``.
    add_8_area, add_32_area, multiply_8_area, multiply_32_area, fp_add_32_area, fp_multiply_32_area
        Areas in m^2 at ``reference_node``.
    reference_node
        Node in m that the prices are given for.
    node
        Node in m of the design.

    Raises
    ------
    InputError
        If a price is not positive, or that of 32 bits is below that of 8.

    References
    ----------
    Horowitz, "Computing's energy problem (and what we can do about it)", ISSCC 2014 (energies, 45
    nm, 0.9 V); Dally, "High-performance hardware for machine learning", NIPS tutorial 2015 (areas,
    TSMC 45 nm).

    Examples
    --------
    >>> from rnscli.core.cores.kind import add, multiply
    >>> prices = OperationPrices()
    >>> f"{prices.energy(add(8)):.2e} {prices.energy(multiply(32, 32)):.2e}"
    '3.00e-14 3.10e-12'
    >>> f"{prices.energy(add(16)):.2e}"
    '5.48e-14'
    """

    add_8: float = 0.03e-12
    add_32: float = 0.1e-12
    multiply_8: float = 0.2e-12
    multiply_32: float = 3.1e-12
    fp_add_32: float = 0.9e-12
    fp_multiply_32: float = 3.7e-12
    add_8_area: float = 36e-12
    add_32_area: float = 137e-12
    multiply_8_area: float = 282e-12
    multiply_32_area: float = 3495e-12
    fp_add_32_area: float = 4184e-12
    fp_multiply_32_area: float = 7700e-12
    reference_node: float = 45e-9
    node: float = 45e-9

    def __post_init__(self) -> None:
        for name in ENERGIES:
            check_float(name, getattr(self, name), 1e-30, 1.0, "an energy above 0, up to 1 J")
        for name in AREAS:
            check_float(name, getattr(self, name), 1e-30, 1.0, "an area above 0, up to 1 m^2")
        for name in ("add_32", "multiply_32", "add_32_area", "multiply_32_area"):
            least = getattr(self, name.replace("32", "8"))
            check_float(name, getattr(self, name), least, 1.0, "no less than at 8 bits")
        check_constants(self, {"reference_node": NODE, "node": NODE})

    def energy(self, operations: Iterable[Operation]) -> float:
        """Energy in J of all of them."""
        scale = self.node / self.reference_node
        return scale * math.fsum(one.count * self._price(one, "") for one in operations)

    def area(self, operations: Iterable[Operation], uses: float) -> float:
        """Area in m^2 of the units that do all of them ``uses`` times in a cycle of the clock."""
        scale = (self.node / self.reference_node) ** 2
        return scale * math.fsum(
            math.ceil(one.count * uses) * self._price(one, "_area") for one in operations
        )

    def _price(self, one: Operation, what: str) -> float:
        if one.kind.startswith("fp-"):
            if one.width != 32:
                raise InputError(
                    f"an operation {one.kind} of {one.width:g} bits has no price; only 32 bits have"
                )
            return float(getattr(self, f"{one.kind.replace('-', '_')}_32{what}"))
        low = float(getattr(self, f"{one.kind}_8{what}"))
        high = float(getattr(self, f"{one.kind}_32{what}"))
        return float(low * (one.width / 8) ** (math.log(high / low) / math.log(4)))


ENERGIES = ("add_8", "add_32", "multiply_8", "multiply_32", "fp_add_32", "fp_multiply_32")
AREAS = tuple(f"{name}_area" for name in ENERGIES)

KINDS = ("analog", "digital", "logic")
# Numbers of a kind that follow from others: of plain logic, from its operations.
_COMPUTED = {"logic": ("energy_per_mac", "cell_area")}
# How a number grows with the bits of the operands: its factor for one bit more.
SCALINGS = {"constant": 1.0, "2^bits": 2.0, "4^bits": 4.0}
_SCALED = ("energy_scaling", "time_scaling", "area_scaling")
_THEIRS = ("the technology's", "array_")
# The numbers of a technology.
NUMBERS = {
    "energy_per_mac": Constant(
        "J", 0.0, 1.0, "an energy from 0 to 1 J", "10fJ",
        "Energy of a MAC in the array, at the bits that the technology's numbers are for.",
        *_THEIRS,
    ),
    "cycle_time": Constant(
        "s", 1e-15, 1e3, "a time from 1 fs to 1000 s", "10ns",
        "Time of an array operation, at these bits.", *_THEIRS,
    ),
    "cell_area": Constant(
        "m2", 0.0, 1.0, "an area from 0 to 1 m2", "0.1um2",
        "Area of a cell of the array, at these bits.", *_THEIRS,
    ),
    "leakage": Constant(
        "W", 0.0, 1.0, "a power from 0 to 1 W", "1nW", "Power of a cell at all times.", *_THEIRS
    ),
    "node": NODE,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Technology:
    """Numbers of an array at a reference width of operands, and how they grow with it.

    Parameters
    ----------
    name
        What rows call it.
    description
        What it is, in a line.
    kind
        ``analog``: an array that multiplies in one cycle, between DACs and ADCs; ``digital``: a
        memory with digital multipliers, for operands of ``reference_bits``; ``logic``: a
        multiplier and an adder at every weight, whose energy and area are those of the operations.
    energy_per_mac
        Energy in J of a multiplication with its addition, without converters.
    cycle_time
        Time in s of an array operation; of a ``digital`` array, of one step of
        ``parallel_macs`` multiplications.
    cell_area
        Area in m^2 of a cell.
    cells_per_weight
        Cells that hold a weight.
    leakage
        Power in W that a cell takes at all times.
    node
        Technology node in m of the digital logic and the ADCs around the array, whose own numbers
        are for the node that they were measured at.
    rows, columns
        Size of the array that the numbers were published for, beyond which they do not hold.
    reference_bits
        Bits of the operands that the numbers are for.
    energy_scaling, time_scaling, area_scaling
        ``constant``, ``2^bits`` (pulses or capacitors that count) or ``4^bits`` (shot noise).
    parallel_macs
        Multiplications at a time in a ``digital`` array; all of them if not given.
    operations
        Prices of digital operations.
    uncertain
        Ranges of the numbers that are only known to lie in one, by their name.

    Raises
    ------
    InputError
        If a value is out of range.
    """

    name: str
    description: str = ""
    kind: str
    energy_per_mac: float
    cycle_time: float
    cell_area: float
    cells_per_weight: int
    leakage: float
    node: float
    rows: int
    columns: int
    reference_bits: int
    energy_scaling: str = "constant"
    time_scaling: str = "constant"
    area_scaling: str = "constant"
    parallel_macs: int | None = None
    operations: OperationPrices = field(default_factory=OperationPrices)
    uncertain: tuple[tuple[str, Uncertain], ...] = ()

    def __post_init__(self) -> None:
        check_choice("kind", self.kind, KINDS)
        check_constants(self, NUMBERS)
        for name in ("cells_per_weight", "rows", "columns"):
            check_int(name, getattr(self, name), 1, 2**40)
        check_int("reference_bits", self.reference_bits, 1, 64)
        for name in _SCALED:
            check_choice(name, getattr(self, name), tuple(SCALINGS))
        if self.parallel_macs is not None:
            check_int("parallel_macs", self.parallel_macs, 1, 2**40)
        grows = any(getattr(self, name) != "constant" for name in _SCALED)
        if self.kind != "analog" and grows:
            raise InputError(
                f"`kind` is {self.kind}, whose numbers do not grow with the bits of operands; "
                "leave the scaling out"
            )
        if self.kind != "digital" and self.parallel_macs is not None:
            raise InputError(f"`kind` is {self.kind}, which has no `parallel_macs`; leave it out")
        # One node for the array and the logic around it, also where another node is set.
        object.__setattr__(self, "operations", replace(self.operations, node=self.node))

    @property
    def constants(self) -> dict[str, Constant]:
        """Numbers that may be changed or uncertain; those of plain logic are its operations'."""
        computed = _COMPUTED.get(self.kind, ())
        return {name: known for name, known in NUMBERS.items() if name not in computed}

    def growth(self, scaling: str, bits: int) -> float:
        """Factor of a number at ``bits`` bits.

        Raises
        ------
        InputError
            If there are so many bits that it would be beyond a double.
        """
        check_int("bits", bits, 1, 300)
        return float(SCALINGS[scaling] ** (bits - self.reference_bits))

    def outside(self, rows: int, columns: int) -> str | None:
        """What of an h x c array is beyond the one that the numbers are for, in words."""
        holds = f"`technology` {self.name} holds for arrays of up to"
        if rows > self.rows:
            return f"{holds} {self.rows} rows, not for a `vector_size` of {rows}"
        if columns > self.columns:
            return f"{holds} {self.columns} columns, not for `columns` {columns}"
        return None


_SUFFIX = ".toml"
MAX_BYTES = 1 << 20
# Tables of a profile that have other arguments than numbers, by the keys that these have there.
_TABLES = {
    "array": {"rows": "rows", "columns": "columns", "cells_per_weight": "cells_per_weight"},
    "scaling": {
        "reference_bits": "reference_bits",
        "energy": "energy_scaling",
        "cycle_time": "time_scaling",
        "cell_area": "area_scaling",
    },
    "digital": {"parallel_macs": "parallel_macs"},
}
_OPTIONAL_TABLES = ("operations", "digital")


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
    technology = _parsed(profile.file.name, profile.file.read_bytes())
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
        content = path.read_bytes()[: MAX_BYTES + 1] if is_file else b""
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
        technology = _parsed(path.name, content)
    except InputError as error:
        raise InputError(str(error), "technology") from None
    if technology.name in TECHNOLOGIES:
        raise InputError(
            f"{path.name}: 'name' is {technology.name}, which is a profile of the package; give "
            "yours another",
            "technology",
        )
    return technology


def _parsed(file: str, content: bytes) -> Technology:
    try:
        return _described(read_nested(tomllib.loads, content.decode()))
    except UnicodeDecodeError:
        raise InputError(f"{file} is no text in UTF-8") from None
    except _MissingKeyError as missing:
        raise InputError(f"{file} has no '{missing}'; a profile needs it") from None
    except InputError as error:
        raise InputError(f"{file}: {error}") from None
    except ValueError as error:
        raise InputError(f"{file} is not TOML: {error}") from None


class _MissingKeyError(Exception):
    """A key that a profile needs."""


def _described(document: dict[str, Any]) -> Technology:
    """What a profile describes; errors do not name its file."""
    accepted = ("name", "kind", "description", *NUMBERS, "array", "scaling", *_OPTIONAL_TABLES)
    _check_keys("", document, accepted)
    kind = _text("kind", _needed("", document, "kind"))
    values: dict[str, Any] = {"kind": kind, **dict.fromkeys(_COMPUTED.get(kind, ()), 0.0)}
    uncertain = {}
    for key, known in NUMBERS.items():
        if key in values:
            continue
        table = _table(key, document, ("value", "source", "calibrated"))
        _needed(f"{key}.", table, "source")
        number = _quantity(f"{key}.value", _needed(f"{key}.", table, "value"), known.unit)
        values[key] = number.value if isinstance(number, Uncertain) else number
        if isinstance(number, Uncertain):
            uncertain[key] = number
    for name, arguments in _TABLES.items():
        table = _table(name, document, (*arguments, "source"))
        for key, argument in arguments.items():
            if key in table:
                values[argument] = table[key]
            elif name in document and argument not in _SCALED:
                raise _MissingKeyError(f"{name}.{key}")
    prices = _prices(document)
    name = _text("name", _needed("", document, "name"))
    if not name.isprintable() or len(name) > 40:
        raise InputError(f"'name' is {shown(name)}; it must be up to 40 printable characters")
    if "description" in document:
        values["description"] = _text("description", document["description"])
    try:
        for key, one in uncertain.items():
            for end in (one.low, one.high):  # a range may not reach what a number may not be
                NUMBERS[key].option(key).check(end)
        operations = OperationPrices(**prices)
        ranges = tuple(uncertain.items())
        return Technology(name=name, operations=operations, uncertain=ranges, **values)
    except InputError as error:  # about an argument, which is no option here but a key
        text = str(error).replace("`", "'")
        for name, arguments in _TABLES.items():
            for key, argument in arguments.items():
                text = text.replace(f"'{argument}'", f"'{name}.{key}'")
        raise InputError(text) from None


def _prices(document: dict[str, Any]) -> dict[str, float]:
    """Arguments of `OperationPrices`."""
    units = {**dict.fromkeys(ENERGIES, "J"), **dict.fromkeys(AREAS, "m2"), "reference_node": "m"}
    table = _table("operations", document, (*units, "source"))
    prices = {}
    for name in (one for one in units if one in table):
        where = f"operations.{name}"
        price = _quantity(where, table[name], units[name])
        if isinstance(price, Uncertain):
            raise InputError(f"'{where}' may not be a range")
        prices[name] = price
    return prices


def _quantity(where: str, value: Any, unit: str) -> float | Uncertain:
    text = _text(where, value)
    if unit not in text.replace("m^2", "m2").replace("m²", "m2"):
        raise InputError(f"'{where}' is {shown(text)}, without its unit {unit}")
    try:
        parsed = parse_uncertain(text, unit)
    except InputError as error:
        raise InputError(f"'{where}': {error}") from None
    if (parsed.value if isinstance(parsed, Uncertain) else parsed) < 0:
        raise InputError(f"'{where}' is {value}; it must not be negative")
    return parsed


def _table(name: str, document: dict[str, Any], accepted: tuple[str, ...]) -> dict[str, Any]:
    optional = name in _OPTIONAL_TABLES
    table = document.get(name, {}) if optional else _needed("", document, name)
    if not isinstance(table, dict):
        raise InputError(f"'{name}' must be a table [{name}] with {', '.join(accepted)}")
    _check_keys(f"{name}.", table, accepted)
    for key in ("source", "calibrated"):
        if key in table:
            _text(f"{name}.{key}", table[key])
    return table


def _needed(prefix: str, table: dict[str, Any], key: str) -> Any:
    if key not in table:
        raise _MissingKeyError(f"{prefix}{key}")
    return table[key]


def _check_keys(prefix: str, table: dict[str, Any], accepted: tuple[str, ...]) -> None:
    for key in table:
        if key not in accepted:
            raise InputError(
                f"'{prefix}{shown(key)}' is unknown; accepted are {', '.join(accepted)}"
            )


def _text(where: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"'{where}' is {shown(str(value))}; it must be text in quotes")
    return value
