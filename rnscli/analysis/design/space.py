"""The space of designs that `rnscli design` searches, and the steps between neighbours in it."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Any

from rnscli.analysis.energy.parameters import EnergyOptions
from rnscli.analysis.error import DotErrorParameters
from rnscli.analysis.moduli import DEFAULT_VECTOR_SIZE, CodeOptions, ModuliOptions
from rnscli.base import InputError, check_choice
from rnscli.core import (
    CORES,
    RNS,
    ConventionalKind,
    CoreOptions,
    DigitalKind,
    DotProduct,
    DotProductOptions,
    NoiseLaw,
    NoiseSetting,
    decoder_named,
    simulated_cores,
)
from rnscli.hardware import AdcModel, CapacitiveDac, MurmannAdc, Technology, load_technology

MAX_DESIGNS = 10_000_000


@dataclass(frozen=True)
class Design:
    """A point of the space; ``None`` where an axis does not concern its core."""

    core: str
    vector_size: int
    technology: str
    bits: int
    columns_per_adc: int | None = None
    adc_model: str | None = None
    slice_bits: int | None = None
    adc_bits: int | None = None
    reverse: str | None = None
    redundant: int | None = None
    decoder: str | None = None
    legitimate_range: str | int | None = None
    attempts: float | None = None

    @property
    def of_code(self) -> tuple[str, str | int]:
        """Decoder and rule of the legitimate range of a design that has a code."""
        if self.decoder is None or self.legitimate_range is None:
            raise InputError(f"core {self.core} has no code")
        return self.decoder, self.legitimate_range


AXES = tuple(axis.name for axis in fields(Design))
# Values of these axes are in an order, so that only the next ones are neighbours.
_ORDERED = (
    "vector_size", "bits", "columns_per_adc", "slice_bits", "adc_bits", "redundant", "attempts"
)  # fmt: skip
_OF_ALL = ("core", "vector_size", "technology")
# Axes of which every value must be one that the other commands accept, too.
_CHECKED = (
    ModuliOptions.bits.within(low=1),  # a core that needs two says so of its designs
    DotProductOptions.vector_size, EnergyOptions.columns_per_adc,
    CoreOptions.slice_bits, ModuliOptions.redundant, CodeOptions.attempts, EnergyOptions.reverse,
)  # fmt: skip


def default_cores() -> tuple[str, ...]:
    """The simulated cores of this package: what another one adds is searched where it is named."""
    return tuple(name for name in simulated_cores() if name in CORES.own)


def _default_technologies() -> tuple[Technology, ...]:
    return (load_technology(RNS.default_technology),)


@dataclass(frozen=True, kw_only=True)
class DesignSpace:
    """Values of every axis, whose combinations are the designs, and what all designs share.

    Parameters
    ----------
    core, bits, vector_size, redundant, attempts, decoder, legitimate_range, columns_per_adc, \
    reverse, slice_bits, adc_bits
        Values of the axes, as in the other parameter objects; an ``adc_bits`` of ``None`` is b.
    technology
        Array technologies. A core that runs on none of them is taken on its default one; those of
        ``default_technologies`` replace these.
    adc
        Models of ADCs, each of which is taken at the node of the technology.
    input_bits, weight_bits, rule, max_modulus, columns, dac, adc_rate, clock, extrapolate
        As in `ModuliRequest` and `EnergyParameters`, for all designs.
    noise
        Law of the errors, or a setting from which that of every residue and of every conventional
        converter follows. ``None`` for no errors.
    pairs, seed
        Of the simulation of the error.

    Raises
    ------
    InputError
        If an axis is empty or a value is out of range.
    """

    core: tuple[str, ...] = field(default_factory=default_cores)
    bits: tuple[int, ...] = (4, 5, 6, 7, 8)
    vector_size: tuple[int, ...] = (DEFAULT_VECTOR_SIZE,)
    redundant: tuple[int, ...] = (0, 1, 2)
    attempts: tuple[float, ...] = (1, 2, math.inf)
    decoder: tuple[str, ...] = ("bounded-distance", "detect")
    legitimate_range: tuple[str | int, ...] = ("product", "operands")
    columns_per_adc: tuple[int, ...] = (1,)
    reverse: tuple[str, ...] = ("mixed-radix",)
    slice_bits: tuple[int, ...] = (1,)
    adc_bits: tuple[int | None, ...] = (None,)
    technology: tuple[Technology, ...] = field(default_factory=_default_technologies)
    default_technologies: tuple[Technology, ...] = ()
    adc: tuple[AdcModel, ...] = (MurmannAdc(),)
    input_bits: int | None = None
    weight_bits: int | None = None
    rule: str = "exact"
    max_modulus: int | None = None
    columns: int | None = None
    dac: CapacitiveDac = field(default_factory=CapacitiveDac)
    adc_rate: float = 1e9
    clock: float = 1e9
    extrapolate: bool = False
    noise: NoiseSetting | NoiseLaw | None = None
    pairs: int = 10_000
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse empty axes, unknown cores and spaces that are too large."""
        for name in (*AXES, "adc"):
            if name == "adc_model":
                continue
            values = getattr(self, name)
            if not isinstance(values, tuple) or not values:
                raise InputError.of(name, values, "a tuple of at least one value")
        for core in self.core:
            check_choice("core", core, simulated_cores())
        for decoder in self.decoder:
            decoder_named(decoder)
        for option in _CHECKED:
            for value in getattr(self, option.name):
                option.check(value)
        # Designs name their hardware.
        for name in ("technology", "adc"):
            names = [model.name for model in getattr(self, name)]
            if len(set(names)) < len(names):
                raise InputError(f"`{name}` has two of the same name; give them different names")
        if self.size > MAX_DESIGNS:
            raise InputError(
                f"the space has {self.size} designs; at most {MAX_DESIGNS} are searched at once"
            )

    def values(self, axis: str) -> tuple[Any, ...]:
        """Values of an axis as designs name them."""
        if axis == "adc_model":
            return tuple(model.name for model in self.adc)
        if axis == "technology":
            return tuple(technology.name for technology in self.technology)
        found: tuple[Any, ...] = getattr(self, axis)
        return found

    def axes_of(self, core: str) -> dict[str, tuple[Any, ...]]:
        """The axes that concern a core, with their values."""
        kind = CORES[core]
        names = tuple(
            one.name for one in self.technology if kind.runs_on(one.kind, one.reference_bits)
        )
        concerned = (*_OF_ALL, *kind.axes)
        axes = {axis: self.values(axis) for axis in AXES if axis in concerned}
        return axes | {"core": (core,), "technology": names or (kind.default_technology,)}

    @property
    def size(self) -> int:
        return sum(math.prod(map(len, self.axes_of(core).values())) for core in self.core)

    def groups(self) -> Iterator[tuple[Design, tuple[float, ...]]]:
        """Designs but for their attempts, which few of their numbers depend on, and these."""
        for core in self.core:
            axes = self.axes_of(core)
            attempts = axes.pop("attempts", (None,))
            for combination in itertools.product(*axes.values()):
                values = dict(zip(axes, combination, strict=True))
                yield Design(**(_bits_of(core) | values)), attempts

    def neighbours(self, design: Design) -> list[tuple[str, Design]]:
        """Designs that differ in one axis, by one step where its values are in an order."""
        found = []
        axes = self.axes_of(design.core)
        for axis, values in axes.items():
            if axis == "core":
                continue
            if axis in _ORDERED:
                values = tuple(sorted(values, key=lambda value: value or 0))
            here = values.index(getattr(design, axis))
            for place, value in enumerate(values):
                if place == here or (axis in _ORDERED and abs(place - here) > 1):
                    continue
                found.append((axis, replace(design, **{axis: value})))
        found.extend(("core", self._as(design, core)) for core in self.core if core != design.core)
        return found

    def _as(self, design: Design, core: str) -> Design:
        """The design with another core: what both have stays, the rest is the first of its axis."""
        values = {}
        for axis, choices in self.axes_of(core).items():
            value = getattr(design, axis)
            values[axis] = value if value in choices else choices[0]
        return Design(**(_bits_of(core) | values))

    def technology_of(self, design: Design) -> Technology:
        for technology in (*self.technology, *self.default_technologies):
            if technology.name == design.technology:
                return technology
        return load_technology(design.technology)

    def adc_of(self, design: Design) -> AdcModel | None:
        """The ADCs of a design, at the node of its technology."""
        for model in self.adc:
            if model.name == design.adc_model:
                return model.at_node(self.technology_of(design).node)
        return None

    def error_parameters(self, design: Design) -> DotErrorParameters:
        """The simulation of a design's error, without noise."""
        digital = isinstance(CORES[design.core], DigitalKind)
        return DotErrorParameters(
            dot_product=DotProduct(
                design.vector_size,
                design.bits if digital else self.input_bits or design.bits,
                design.bits if digital else self.weight_bits or design.bits,
            ),
            bits=design.bits,
            cores=(simulated_core(design.core),),
            pairs=self.pairs,
            slice_bits=design.slice_bits or 1,
            adc_bits=design.adc_bits,
            seed=self.seed,
        )


def _bits_of(core: str) -> dict[str, int]:
    """The bits of designs whose core does not leave them open."""
    kind = CORES[core]
    bits = kind.simulated_bits if isinstance(kind, DigitalKind) else None
    return {} if bits is None else {"bits": bits}


def simulated_core(core: str) -> str:
    """The core whose error is that of another one: whatever loses nothing is simulated alike.

    Examples
    --------
    >>> simulated_core("rns"), simulated_core("bit-sliced")
    ('fixed-hp', 'bit-sliced')
    """
    if not CORES[core].exact:
        return core
    return next(
        name for name, kind in CORES.items() if isinstance(kind, ConventionalKind) and kind.exact
    )
