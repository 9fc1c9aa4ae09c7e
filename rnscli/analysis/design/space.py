"""The space of designs that `rnscli design` searches, and the steps between neighbours in it."""

import itertools
import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache, cached_property
from types import MappingProxyType
from typing import Any

from rnscli.analysis.energy import (
    OWN_ADC,
    EnergyOptions,
    EnergyParameters,
    check_independent,
    runs_on,
)
from rnscli.analysis.error import DotErrorParameters
from rnscli.analysis.moduli import DEFAULT_VECTOR_SIZE, CodeOptions, ModuliOptions, ModuliRequest
from rnscli.base import InputError, check_choice
from rnscli.core import (
    CALIBRATIONS,
    CORES,
    FULL,
    PERCENTILE,
    RNS,
    AnalogKind,
    ConventionalKind,
    CoreOptions,
    DigitalKind,
    DotProduct,
    DotProductOptions,
    ModuliSet,
    NoiseLaw,
    NoiseSetting,
    decoder_named,
    simulated_cores,
)
from rnscli.hardware import DYNAMIC, AdcModel, CapacitiveDac, Technology, load_technology

MAX_DESIGNS = 10_000_000


@dataclass(frozen=True)
class Design:
    """A point of the space; ``None`` where an axis does not concern its core."""

    core: str
    vector_size: int
    technology: str
    bits: int
    columns: int | None = None
    columns_per_adc: int | None = None
    adc_rate: float | None = None
    clock: float | None = None
    slice_bits: int | None = None
    adc_bits: int | None = None
    adc_range: str | None = None
    reverse: str | None = None
    redundant: int | None = None
    decoder: str | None = None
    legitimate_range: str | int | None = None
    attempts: float | None = None

    def __str__(self) -> str:
        """In a few words."""
        said = [self.core]
        if isinstance(CORES[self.core], AnalogKind):
            said.append(f"{self.bits} bits")
        said.append(f"h = {self.vector_size}")
        if self.redundant:
            said.append(f"k = {self.redundant}")
        if self.attempts not in (None, 1):
            said.append(f"R = {self.attempts:g}")
        return ", ".join(said)


AXES = tuple(axis.name for axis in fields(Design))
# Values of these axes are in an order, so that only the next ones are neighbours.
_ORDERED = (
    "vector_size", "bits", "columns", "columns_per_adc", "adc_rate", "clock", "slice_bits",
    "adc_bits", "redundant", "attempts",
)  # fmt: skip
_OF_ALL = ("core", "vector_size", "technology", "columns")
_OPEN = ("columns", "columns_per_adc", "adc_rate")  # may be None, and then follow from the rest
# Axes of which every value must be one that the other commands accept, too.
_CHECKED = (
    ModuliOptions.bits.within(low=1),  # a core that needs two says so of its designs
    DotProductOptions.vector_size, EnergyOptions.columns, EnergyOptions.columns_per_adc,
    EnergyOptions.adc_rate, EnergyOptions.clock, CoreOptions.slice_bits, ModuliOptions.redundant,
    CodeOptions.attempts, EnergyOptions.reverse, CoreOptions.adc_range,
)  # fmt: skip


def default_cores() -> tuple[str, ...]:
    """The simulated cores of this package: what another one adds is searched where it is named."""
    return tuple(name for name in simulated_cores() if name in CORES.own)


@dataclass(frozen=True, kw_only=True)
class DesignSpace:
    """Values of every axis, whose combinations are the designs, and what all designs share.

    Parameters
    ----------
    core, bits, vector_size, redundant, attempts, decoder, legitimate_range, columns, \
    columns_per_adc, adc_rate, clock, reverse, slice_bits, adc_bits, adc_range
        Values of the axes, as in the other parameter objects; an ``adc_bits`` of ``None`` is b,
        ``columns`` are h, and an ADC fits the cycle of the array. Fine ADCs may be leaner when
        they are slow, so that one for each column is tried as well.
    technology
        Array technologies. A core that runs on none of them is taken on its default one; those of
        ``default_technologies`` replace these.
    adc
        Models of ADCs, each of which is taken at the node of the technology; ``None`` is that of
        the technology, or Murmann's where it has none of the bits. Several are no axis: none is
        better because it promises more. A design has a range of energies, and counts as what the
        one with the most energy says; it does not exist where one of them does not hold.
    input_bits, weight_bits, rule, max_modulus, dac, memory, scales, input_scale, modulo_energy, \
    max_link_sigma, extrapolate
        As in `ModuliRequest` and `EnergyParameters`, for all designs.
    throughput, area
        Wanted throughput in MAC/s, or given area in m^2: designs have as many arrays as it takes,
        or as fit. One of them at most.
    calibration, percentile
        How a range that is ``calibrated`` is, for all designs, on uniform operands: see
        `rnscli.core.calibrated_shares`.
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
    columns: tuple[int | None, ...] = (None,)
    columns_per_adc: tuple[int | None, ...] = (None, 1)
    adc_rate: tuple[float | None, ...] = (None,)
    clock: tuple[float, ...] = (1e9,)
    reverse: tuple[str, ...] = ("mixed-radix",)
    slice_bits: tuple[int, ...] = (1,)
    adc_bits: tuple[int | None, ...] = (None,)
    adc_range: tuple[str, ...] = (FULL,)
    technology: tuple[Technology, ...] = field(
        default_factory=lambda: (load_technology(RNS.default_technology),)
    )
    default_technologies: tuple[Technology, ...] = ()
    adc: tuple[AdcModel | None, ...] = (None,)
    input_bits: int | None = None
    weight_bits: int | None = None
    rule: str = "exact"
    max_modulus: int | None = None
    dac: CapacitiveDac = field(default_factory=CapacitiveDac)
    memory: str = "sram-32k"
    scales: str = "fp32"
    input_scale: str = DYNAMIC
    modulo_energy: float | None = None
    max_link_sigma: float | None = None
    extrapolate: bool = False
    throughput: float | None = None
    area: float | None = None
    calibration: str = CALIBRATIONS[0]
    percentile: float = PERCENTILE
    noise: NoiseSetting | NoiseLaw | None = None
    pairs: int = 10_000
    seed: int = 0

    def __post_init__(self) -> None:
        for name in (*AXES, "adc"):
            values = getattr(self, name)
            if not isinstance(values, tuple) or not values:
                raise InputError.of(name, values, "a tuple of at least one value")
        for core in self.core:
            check_choice("core", core, simulated_cores())
        for decoder in self.decoder:
            decoder_named(decoder)
        for option in _CHECKED:
            for value in getattr(self, option.name):
                if value is not None or option.name not in _OPEN:
                    option.check(value)
        # Designs name their hardware.
        for name in ("technology", "adc"):
            names = [model.name if model else OWN_ADC for model in getattr(self, name)]
            if len(set(names)) < len(names):
                raise InputError(f"`{name}` has two of the same name; give them different names")
        ranges = tuple(CoreOptions.adc_range.check(one) for one in self.adc_range)
        object.__setattr__(self, "adc_range", ranges)  # numbers as they would be written
        CoreOptions.calibration.check(self.calibration)
        CoreOptions.percentile.check(self.percentile)
        if self.throughput is not None and self.area is not None:
            raise InputError("`throughput` and `area` both say how many arrays; leave one out")
        if self.noise is not None:
            check_independent(self.noise.has_static_errors, max(self.attempts))
        if self.size > MAX_DESIGNS:
            raise InputError(
                f"the space has {self.size} designs; at most {MAX_DESIGNS} are searched at once"
            )

    def values(self, axis: str) -> tuple[Any, ...]:
        """Values of an axis as designs name them."""
        found: tuple[Any, ...] = getattr(self, axis)
        return tuple(one.name for one in found) if axis == "technology" else found

    def axes_of(self, core: str) -> dict[str, tuple[Any, ...]]:
        """The axes that concern a core, with their values."""
        kind = CORES[core]
        price = self.modulo_energy
        runs = tuple(one.name for one in self.technology if runs_on(kind, one, price))
        axes = {axis: self.values(axis) for axis in AXES if axis in (*_OF_ALL, *kind.axes)}
        return axes | {"core": (core,), "technology": runs or (kind.default_technology,)}

    @property
    def size(self) -> int:
        return sum(math.prod(map(len, self.axes_of(core).values())) for core in self.core)

    @cached_property
    def _groups(self) -> list[tuple[int, dict[str, tuple[Any, ...]], tuple[float, ...]]]:
        """For each core how many groups it has, their axes, and their attempts."""
        found = []
        for core in self.core:
            axes = self.axes_of(core)
            attempts = axes.pop("attempts", (None,))
            bits = {axis: (value,) for axis, value in _bits_of(core).items()}
            found.append((math.prod(map(len, axes.values())), bits | axes, attempts))
        return found

    @cached_property
    def group_ends(self) -> tuple[int, ...]:
        """Number behind the last group of each core."""
        return tuple(itertools.accumulate(count for count, _, _ in self._groups))

    @property
    def group_count(self) -> int:
        return self.group_ends[-1]

    def group(self, number: int) -> tuple[Design, tuple[float, ...]]:
        """A design but for its attempts, which few of its numbers depend on, and these."""
        place = bisect_right(self.group_ends, number)
        count, axes, attempts = self._groups[place]
        number -= self.group_ends[place] - count
        values = {}
        for axis in reversed(axes):  # the last one changes first
            number, choice = divmod(number, len(axes[axis]))
            values[axis] = axes[axis][choice]
        return Design(**values), attempts

    def groups(self) -> Iterator[tuple[Design, tuple[float, ...]]]:
        """All of them, in order."""
        return map(self.group, range(self.group_count))

    def neighbours(
        self, design: Design, best_of: Mapping[str, Design] = MappingProxyType({})
    ) -> list[tuple[str, Design]]:
        """Designs that differ in one axis, by one step where its values are in an order.

        Of another core it is the best design, where one is known.
        """
        found = []
        for axis, values in self.axes_of(design.core).items():
            here = getattr(design, axis)
            if axis in _ORDERED:
                in_order = sorted(values, key=lambda value: value or 0)
                place = in_order.index(here)
                values = (*in_order[:place][-1:], *in_order[place + 1 :][:1])
            found += [(axis, replace(design, **{axis: one})) for one in values if one != here]
        for core in self.core:
            if core != design.core:
                found.append(("core", best_of.get(core) or self._as(design, core)))
        return found

    def _as(self, design: Design, core: str) -> Design:
        """The design with another core: what both have stays, the rest is the first of its axis."""
        values = {
            axis: here if (here := getattr(design, axis)) in choices else choices[0]
            for axis, choices in self.axes_of(core).items()
        }
        return Design(**(_bits_of(core) | values))

    def technology_of(self, design: Design) -> Technology:
        known = (*self.technology, *self.default_technologies)
        named = (one for one in known if one.name == design.technology)
        return next(named, None) or load_technology(design.technology)

    def adcs_of(self, design: Design) -> tuple[AdcModel | None, ...]:
        """The models of the ADCs of a design, at the node of its technology."""
        if not isinstance(CORES[design.core], AnalogKind):
            return (None,)
        node = self.technology_of(design).node
        return tuple(model and model.at_node(node) for model in self.adc)

    def moduli_request(self, design: Design) -> ModuliRequest:
        """What the moduli of a design are for."""
        return ModuliRequest(
            bits=design.bits,
            vector_size=design.vector_size,
            input_bits=self.input_bits,
            weight_bits=self.weight_bits,
            rule=self.rule,
            max_modulus=self.max_modulus,
            redundant=design.redundant or 0,
        )

    def energy_parameters(
        self,
        design: Design,
        moduli: ModuliSet | None,
        legitimate_range: int | None,
        radius: int,
        word_error_probability: float,
    ) -> tuple[EnergyParameters, ...]:
        """The costs of a design by each model of ADCs, with the code of its core if it has one."""
        adc, *more = self.adcs_of(design)
        first = EnergyParameters(
            core=design.core,
            dot_product=DotProduct(
                design.vector_size,
                self.input_bits or design.bits,
                self.weight_bits or design.bits,
            ),
            bits=design.bits,
            technology=self.technology_of(design),
            moduli=moduli,
            legitimate_range=legitimate_range,
            columns=design.columns,
            radius=radius,
            word_error_probability=word_error_probability,
            reverse=design.reverse or "mixed-radix",
            slice_bits=design.slice_bits or 1,
            adc_bits=design.adc_bits,
            adc_range=design.adc_range or FULL,
            calibration=self.calibration,
            percentile=self.percentile,
            adc=adc,
            dac=self.dac,
            adc_rate=design.adc_rate,
            columns_per_adc=design.columns_per_adc,
            clock=design.clock or EnergyParameters.clock,
            memory=self.memory,
            scales=self.scales,
            input_scale=self.input_scale,
            modulo_energy=self.modulo_energy if CORES[design.core].coded else None,
            max_link_sigma=self.max_link_sigma,
            extrapolate=self.extrapolate,
        )
        return (first, *(replace(first, adc=one) for one in more))

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
            adc_range=design.adc_range or FULL,
            calibration=self.calibration,
            percentile=self.percentile,
            seed=self.seed,
        )


def _bits_of(core: str) -> dict[str, int]:
    """The bits of designs whose core does not leave them open."""
    kind = CORES[core]
    bits = kind.simulated_bits if isinstance(kind, DigitalKind) else None
    return {} if bits is None else {"bits": bits}


def simulated_core(core: str) -> str:
    """The core whose error is that of another one: whatever loses nothing is simulated alike."""
    return _lossless_core() if CORES[core].exact else core


@cache
def _lossless_core() -> str:
    return next(n for n in CORES.own if isinstance(CORES[n], ConventionalKind) and CORES[n].exact)
