"""A technology of matrix arrays: its parts, with what each costs in energy, time and area."""

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple, Self

from rnscli.base import (
    Described,
    InputError,
    Uncertain,
    check_choice,
    check_int,
    engineering,
    shown,
)
from rnscli.core import Devices
from rnscli.hardware import expression
from rnscli.hardware.constants import FACTORS, KNOWN, LOGIC_FACTOR, Constant, check_constants
from rnscli.hardware.expression import Expression
from rnscli.hardware.operations import OperationPrices

KINDS = ("analog", "digital")
# What a part is one of: how many an array of h rows and c columns has.
UNITS = ("cell", "row", "column", "array")
# What an array does: the product with a vector, with its transpose, the rank-one update.
KERNELS = ("vmm", "mvm", "update")
CYCLE = "cycle"  # one after the other, as in a step of training
WRITE = "write"  # loading of weights into all of its cells, which is in no product
ENDURANCE = "endurance"  # constant of a profile: how often a cell may be written
# Which line of a bill a part is in.
GROUPS = ("dac", "adc", "array", "periphery", "light", "modulo")
# Where sums are reduced modulo m.
MODULO = {
    "phase": "a phase wraps at a full turn by itself",
    "circuit": "a folding stage wraps the signal",
    "none": "nothing wraps the signal",
}
# What formulas may use besides constants, with their units.
VARIABLES = {
    "rows": "1", "columns": "1", "input_bits": "1", "output_bits": "1", "weight_bits": "1",
    "node": "m",
    "modulus": "1", "sum_bits": "1", "mac_energy": "J", "mac_area": "m2", "core_area": "m2",
}  # fmt: skip
# Quantities of a part, with the units that their formulas must have.
PRICES = {"count": "1", "energy": "J", "power": "W", "time": "s", "delay": "s", "area": "m2"}
LINK = {"current": "A", "noise_variance": "A2", "phase_error": "rad"}  # those of a link
# Densities of the kinds of noise that `noise_variance` is made of, which may name them.
LINK_NOISES = ("shot", "thermal", "intensity")
DETECTOR, PHASE = "detector", "phase"  # noise that has no such name, and errors of the rows


class Value(NamedTuple):
    """A constant of a profile: what it is, where that is from, and between what it may lie."""

    value: float
    unit: str
    source: str
    low: float
    high: float
    assumption: str = ""  # what is assumed where nobody has published it
    fitted: str = ""  # to what it was fitted


@dataclass(frozen=True, kw_only=True)
class Part:
    """One kind of component, of which an array has as many as cells, rows, columns, or one.

    Parameters
    ----------
    name
        What the bill calls it.
    group
        The line of the bill that it is in: a name in ``GROUPS``.
    per
        ``cell``, ``row`` (a driven line), ``column`` (a line that is read) or ``array``.
    kernels
        Which of ``vmm``, ``mvm`` and ``update`` use it, or ``write``, which loads all weights. Its
        area is there for all of them.
    count
        How many there are for each.
    energy, power
        Energy of one in a pass, and power that it takes for as long as a pass takes.
    time
        Time that it adds to a pass. Parts of one ``stage`` work at the same time.
    delay
        Time from its input to its output, where it takes new ones before that.
    area
        Area of one.
    stage
        Name of the stage; stages follow one another in the order of the parts.
    over
        Whether it lies over the others, so that the larger of the two areas counts.
    source, assumption
        Where it is from, and what is assumed.
    """

    name: str
    group: str
    per: str
    kernels: tuple[str, ...] = KERNELS
    count: Expression | None = None
    energy: Expression | None = None
    power: Expression | None = None
    time: Expression | None = None
    delay: Expression | None = None
    area: Expression | None = None
    stage: str = ""
    over: bool = False
    source: str = ""
    assumption: str = ""

    def __post_init__(self) -> None:
        check_choice("group", self.group, GROUPS)
        check_choice("per", self.per, UNITS)
        for kernel in self.kernels:
            check_choice("kernels", kernel, (*KERNELS, WRITE))

    @property
    def formulas(self) -> dict[str, Expression]:
        """Its formulas by their names in ``PRICES``."""
        found = {name: getattr(self, name) for name in PRICES}
        return {name: one for name, one in found.items() if one is not None}


@dataclass(frozen=True)
class Priced:
    """A part in a pass: how many there are, and what one of them takes, in base SI units."""

    part: Part
    count: float
    energy: float
    power: float
    time: float
    delay: float
    area: float


@dataclass(frozen=True)
class Pass:
    """What an array does in a pass, as formulas of a profile see it.

    Parameters
    ----------
    rows, columns
        Size h x c of the array: lines that are driven and read in a product with a vector.
    input_bits, output_bits, weight_bits
        Bits of what drives it, of what is read, and of the weights.
    modulus
        Of a residue channel; 0 in others.
    mac_energy, mac_area
        Of a digital multiplication with its addition; 0 where there is none.
    sum_bits
        Bits of the sums that a digital core keeps; 0 where it keeps none.
    """

    rows: int
    columns: int
    input_bits: int
    output_bits: int
    weight_bits: int
    modulus: int = 0
    mac_energy: float = 0.0
    mac_area: float = 0.0
    sum_bits: int = 0


class Parts(tuple[Priced, ...]):
    """The priced parts of an array in a pass."""

    __slots__ = ()

    @property
    def area(self) -> float:
        """Area in m^2: that of the parts side by side, or of those over them if that is larger."""
        areas = [(one.count * one.area, one.part.over) for one in self]
        return max(
            math.fsum(area for area, lies_over in areas if lies_over is over)
            for over in (False, True)
        )

    def stages(self) -> list[float]:
        """Times of the stages in s, in their order; the slowest part of each counts."""
        found: dict[str, float] = {}
        for priced in self:
            if priced.time:
                stage = priced.part.stage or priced.part.name
                found[stage] = max(found.get(stage, 0.0), priced.time)
        return list(found.values())

    def repeated(self, applied: int, read: int) -> Self:
        """These, where inputs are applied, and ADCs read, so often for a result."""
        if applied == read == 1:
            return self
        times = [read if one.part.group == "adc" else applied for one in self]
        return type(self)(
            replace(one, energy=one.energy * often, time=one.time * often)
            for one, often in zip(self, times, strict=True)
        )

    @property
    def delay(self) -> float:
        return math.fsum(priced.delay for priced in self)


_OWN = ("node", *FACTORS)  # constants that every technology has


@dataclass(frozen=True, kw_only=True, repr=False)
class Technology(Described):
    """What arrays of one kind are made of.

    Parameters
    ----------
    name
        What rows call it.
    description
        What it is, in a line.
    kind
        ``analog``: between DACs and ADCs; ``digital``: a memory or cells with multipliers.
    modulo
        Where residues come from: ``phase``, ``circuit`` or ``none``.
    node
        Technology node in m of the digital logic, and of ADCs that are not its own.
    rows, columns
        Size of the largest array that its numbers hold for.
    input_bits, output_bits
        Least and most bits of operands, and of the readings of its own ADC, that they hold for.
    parts
        Its parts.
    values
        Its constants by name.
    link
        Formulas of the detected current, of the variance of its noise, and of the error that each
        row adds to a phase, where residues are phases of light; and of the densities of the kinds
        of that noise, which share its variance in proportion.
    wanted_sigma
        Largest standard deviation of a reading of light, in its steps, that its arrays are for.
    overlapped
        Whether a pass may begin while the one before is read.
    devices
        What its cells, wires and converters do wrong, if that is known, with the values that say
        so.
    device_values
        These values by the field of `Devices`.
    operations
        Prices of digital operations.
    uncertain
        Ranges of some of its constants.
    logic_energy_factor, memory_energy_factor
        What prices of digital operations, and of the memory of operands, are multiplied by. Where
        they are 1 and not among ``uncertain``, they have the spread that is published of these.

    Raises
    ------
    InputError
        If a value is out of range, or a formula has the wrong unit.
    """

    name: str
    description: str = ""
    kind: str
    modulo: str = "none"
    node: float
    rows: int
    columns: int
    input_bits: tuple[int, int] = (1, 64)
    output_bits: tuple[int, int] = (1, 64)
    parts: tuple[Part, ...]
    values: tuple[tuple[str, Value], ...] = ()
    link: tuple[tuple[str, Expression], ...] = ()
    wanted_sigma: float | None = None
    overlapped: bool = False
    devices: Devices | None = None
    device_values: tuple[tuple[str, Value], ...] = ()
    operations: OperationPrices = field(default_factory=OperationPrices)
    uncertain: tuple[tuple[str, Uncertain], ...] = ()
    logic_energy_factor: float = 1.0
    memory_energy_factor: float = 1.0

    def __post_init__(self) -> None:
        check_choice("kind", self.kind, KINDS)
        check_choice("modulo", self.modulo, tuple(MODULO))
        check_constants(self, {"node": KNOWN["node"], **FACTORS})
        for name in ("rows", "columns"):
            check_int(name, getattr(self, name), 1, 2**40)
        for name in ("input_bits", "output_bits"):
            low, high = getattr(self, name)
            check_int(name, low, 1, 256)
            check_int(name, high, low, 256)
        # One node for the array and the logic around it, also where another node is set.
        made = replace(self.operations, node=self.node, factor=getattr(self, LOGIC_FACTOR))
        object.__setattr__(self, "operations", made)

    def facts(self) -> list[tuple[str, str]]:
        found = [
            ("name", self.name),
            ("description", self.description),
            ("kind", self.kind),
            ("modulo", self.modulo),
            ("node", engineering(self.node, "m")),
            ("largest array", f"{self.rows} x {self.columns}"),
            ("parts", ", ".join(part.name for part in self.parts)),
        ]
        return [(name, value) for name, value in found if value]

    def check_units(self) -> None:
        """Refuse formulas whose results have other units than they are for."""
        known = {name: expression.dimension(unit) for name, unit in VARIABLES.items()}
        known |= {n: expression.dimension(u) for n, (_, u) in expression.CONSTANTS.items()}
        known |= {name: expression.dimension(one.unit) for name, one in self.values}
        for part in self.parts:
            for name, formula in part.formulas.items():
                _check_unit(f"part {shown(part.name)}: {name}", formula, known, PRICES[name])
                if name in ("area", "count") and "core_area" in formula.names:
                    raise InputError(
                        f"part {shown(part.name)}: {name} may not depend on core_area, the area "
                        "of all parts"
                    )
        if self.link:
            named = {name: "A2/Hz" for name, _ in self.link if name in LINK_NOISES}
            current = {"current": expression.dimension("A")}
            noises = {name: expression.dimension(unit) for name, unit in named.items()}
            more = dict.fromkeys(named, current) | {"noise_variance": current | noises}
            for name, formula in self.link:
                unit = (LINK | named)[name]
                _check_unit(f"link: {name}", formula, known | more.get(name, {}), unit)

    @cached_property
    def constants(self) -> dict[str, Constant]:
        """Numbers that may be changed or uncertain."""
        found = {"node": KNOWN["node"], **FACTORS}
        for name, one in self.values:
            found[name] = KNOWN.get(name) or Constant.of_unit(one.unit, name, one.value)
        return found

    @cached_property
    def numbers(self) -> dict[str, float]:
        """Values of its constants, and of those of nature, as formulas take them."""
        nature = {name: value for name, (value, _) in expression.CONSTANTS.items()}
        own = {name: getattr(self, name) for name in _OWN}
        return nature | own | {name: one.value for name, one in self.values}

    def value_of(self, name: str) -> float:
        """The value of one of its ``constants``."""
        return self.numbers[name]

    def with_values(self, values: Mapping[str, float]) -> "Technology":
        """The technology with other values of some of its constants; ranges stay."""
        made = tuple((n, v._replace(value=values.get(n, v.value))) for n, v in self.values)
        own: dict[str, Any] = {name: values[name] for name in _OWN if name in values}
        return replace(self, values=made, **own)

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What is assumed of it, each with the part or the constant that it is about."""
        said = [(part.name, part.assumption) for part in self.parts]
        said += [(name.replace("_", " "), one.assumption) for name, one in self.values]
        return tuple(f"{name}: {text}" for name, text in said if text)

    @property
    def device_assumptions(self) -> tuple[str, ...]:
        """What is assumed of its devices, in the same form."""
        said = ((name.replace("_", " "), one.assumption) for name, one in self.device_values)
        return tuple(f"{name}: {text}" for name, text in said if text)

    @property
    def own_adc(self) -> bool:
        """Whether it brings an ADC of its own."""
        return any(part.group == "adc" for part in self.parts)

    @property
    def own_dac(self) -> bool:
        """Whether what drives its rows is among its parts."""
        return any(part.group == "dac" for part in self.parts)

    def reads(self, bits: int) -> bool:
        """Whether its own ADC has so many bits."""
        low, high = self.output_bits
        return self.own_adc and low <= bits <= high

    def does(self, kernel: str) -> bool:
        """Whether some part of it is for a kernel, or for all of a cycle."""
        kernels = KERNELS if kernel == CYCLE else (kernel,)
        return all(any(kernel in part.kernels for part in self.parts) for kernel in kernels)

    def tells(self, kernel: str) -> bool:
        """Whether parts are known by which a kernel differs from others.

        Parts that say nothing are for all of them: their product with a vector is known, and
        whether an array can be read along its rows, or written while it computes, is not.
        """
        return any(kernel in part.kernels != KERNELS for part in self.parts)

    @cached_property
    def _known(self) -> dict[Hashable, Any]:
        """What has been computed: many designs have the same arrays."""
        return {}

    def priced(self, done: Pass, without: Iterable[str] = ()) -> Parts:
        """All parts, with what they take in a pass where they are used, but those of some groups.

        What a part takes of a pass is that of a kernel that uses it; those of other kernels are
        left out by `of_kernel`.
        """
        key = ("priced", done, *without)
        if key not in self._known:
            self._known[key] = self._priced(done, frozenset(without))
        found: Parts = self._known[key]
        return found

    def _priced(self, done: Pass, left: frozenset[str]) -> Parts:
        numbers = self.numbers | vars(done)
        units = {
            "cell": done.rows * done.columns, "row": done.rows, "column": done.columns, "array": 1
        }  # fmt: skip
        found = [
            Priced(
                part,
                units[part.per] * self._price(part, "count", numbers, 1.0),
                *(0.0,) * 4,
                self._price(part, "area", numbers),
            )
            for part in self.parts
            if part.group not in left
        ]
        numbers["core_area"] = Parts(found).area
        return Parts(
            replace(
                one,
                energy=self._price(one.part, "energy", numbers),
                power=self._price(one.part, "power", numbers),
                time=self._price(one.part, "time", numbers),
                delay=self._price(one.part, "delay", numbers),
            )
            for one in found
        )

    def _price(
        self, part: Part, name: str, numbers: Mapping[str, float], usual: float = 0.0
    ) -> float:
        """A quantity of a part; the usual one if it has no formula for it."""
        formula: Expression | None = getattr(part, name)
        if formula is None:
            return usual
        where = f"`technology` {self.name}, part {shown(part.name)}, {name}"
        try:
            found = formula(numbers)
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        if found < 0:
            raise InputError(f"{where}: the formula {shown(formula.text)} is negative here")
        return found

    def readings(self, done: Pass) -> float:
        """Readings of an ADC for each column: two where light is read in quadrature."""
        numbers = self.numbers | vars(done)
        counts = [part.count for part in self.parts if part.group == "adc" and part.count]
        return counts[0](numbers) if counts else 1.0

    def link_sigma(self, done: Pass) -> float | None:
        """Standard deviation of a reading of light, in steps of it; ``None`` if there is no light.

        A phase has ``m`` steps in a turn, so that noise of standard deviation sigma_phi is
        ``m sigma_phi / (2 pi)`` steps, with ``sigma_phi^2 = var(I) / I^2 + h epsilon^2``: the noise
        of the current that is detected, and an error that each row adds. A power is read in
        ``2^output_bits`` steps up to the largest current: ``2^bits sqrt(var(I)) / I``.

        Raises
        ------
        InputError
            If no light is left, in double precision.
        """
        if not self.link:
            return None
        return math.hypot(*self.link_parts(done).values())

    def link_parts(self, done: Pass) -> dict[str, float]:
        """The parts of `link_sigma` by their names, in its steps; they add up in squares.

        ``shot``, ``thermal`` and ``intensity`` are those of the detected current, ``detector`` what
        of its noise the technology does not name, and ``phase`` the error of the rows.

        Examples
        --------
        >>> from rnscli.hardware import load_technology
        >>> parts = load_technology("photonic-phase").link_parts(Pass(16, 16, 6, 6, 6, 63))
        >>> {name: round(sigma, 4) for name, sigma in parts.items()}
        {'shot': 0.0178, 'thermal': 0.0303, 'intensity': 0.0596, 'phase': 0.0401}
        """
        key = ("link", done)
        if key not in self._known:
            self._known[key] = self._link_parts(done)
        found: dict[str, float] = self._known[key]
        return dict(found)

    def _link_parts(self, done: Pass) -> dict[str, float]:
        numbers, link = self.numbers | vars(done), dict(self.link)
        noises = [name for name in LINK_NOISES if name in link]
        current = link["current"](numbers)
        if not current:
            return {**dict.fromkeys(noises or [DETECTOR], math.inf), PHASE: 0.0}
        numbers["current"] = current
        densities = {name: link[name](numbers) for name in noises}
        variance = link["noise_variance"](numbers | densities)
        total = math.fsum(densities.values())
        shares = {name: one / total for name, one in densities.items()} if total else {DETECTOR: 1}
        steps = done.modulus / (2 * math.pi) if self.modulo == "phase" else 2.0**done.output_bits
        found = {
            name: steps * math.sqrt(variance * share) / current for name, share in shares.items()
        }
        return {**found, PHASE: steps * math.sqrt(done.rows) * link["phase_error"](numbers)}

    def largest_rows(self, done: Pass, sigma: float) -> int:
        """The most rows that light reads with at most a deviation; 0 if not even one."""
        key = ("rows", done, sigma)
        if key not in self._known:
            low, high = 0, self.rows + 1  # sigma rises with the rows
            while high - low > 1:
                middle = (low + high) // 2
                found = self.link_sigma(replace(done, rows=middle))
                if found is not None and found <= sigma:
                    low = middle
                else:
                    high = middle
            self._known[key] = low
        most: int = self._known[key]
        return most

    def outside(self, done: Pass) -> str | None:
        """What of a pass is beyond what its numbers are for, in words."""
        holds = f"`technology` {self.name} holds for"
        if done.rows > self.rows:
            return (
                f"{holds} arrays of up to {self.rows} rows, not for a `vector_size` of {done.rows}"
            )
        if done.columns > self.columns:
            return (
                f"{holds} arrays of up to {self.columns} columns, not for `columns` {done.columns}"
            )
        low, high = self.input_bits
        if not low <= done.input_bits <= high:
            return f"{holds} operands of {low} to {high} bits, not of {done.input_bits}"
        return None


def of_kernel(parts: Sequence[Priced], kernel: str) -> Parts:
    """The parts that a kernel uses."""
    return Parts(one for one in parts if kernel in one.part.kernels)


def _check_unit(
    where: str, formula: Expression, known: Mapping[str, expression.Dimension], unit: str
) -> None:
    try:
        found = formula.dimension(known)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    if found != expression.dimension(unit):
        raise InputError(f"{where} {shown(formula.text)} is not in {unit}")
