"""The space of designs that `rnscli design` searches, and the steps between neighbours in it."""

import itertools
import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache, cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from rnscli.analysis.design.limits import NOISE_OBJECTIVES, OBJECTIVES
from rnscli.analysis.energy import (
    MAX_LINK_SIGMA,
    OWN_ADC,
    EnergyOptions,
    EnergyParameters,
    check_independent,
    runs_on,
)
from rnscli.analysis.error import DotErrorParameters
from rnscli.analysis.moduli import DEFAULT_VECTOR_SIZE, CodeOptions, ModuliOptions, ModuliRequest
from rnscli.base import InputError, Option, WholeNumbers, check_choice
from rnscli.core import (
    CALIBRATIONS,
    CORES,
    DEVICE,
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
from rnscli.hardware import DYNAMIC, KNOWN, AdcModel, CapacitiveDac, Technology, load_technology

MAX_DESIGNS = 10_000_000
_CONSTANTS = ("laser_power", "rate")  # of technologies with light


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
    laser_power: float | None = None
    rate: float | None = None
    max_link_sigma: float | None = None
    segments: int | None = None
    slice_bits: int | None = None
    adc_bits: int | None = None
    adc_range: str | None = None
    reverse: str | None = None
    factor: int | None = None
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
        if self.factor not in (None, 1):
            said.append(f"G = {self.factor}")
        if self.redundant:
            said.append(f"k = {self.redundant}")
        if self.attempts not in (None, 1):
            said.append(f"R = {self.attempts:g}")
        return ", ".join(said)


AXES = tuple(axis.name for axis in fields(Design))
# Values of these axes are in an order, so that only the next ones are neighbours.
LIGHT_AXES = (*_CONSTANTS, "max_link_sigma", "segments")  # of technologies with light
_ORDERED = (
    "vector_size", "bits", "columns", "columns_per_adc", "adc_rate", "clock", *LIGHT_AXES,
    "slice_bits", "adc_bits", "factor", "redundant", "attempts",
)  # fmt: skip
_OF_ALL = ("core", "vector_size", "technology", "columns")
# May be None, and then follow from the rest.
_OPEN = ("columns", "columns_per_adc", "adc_rate", *LIGHT_AXES)
SEGMENTS = Option(WholeNumbers(1, 2**20), "Pieces that a dot product is cut into.", name="segments")
# Axes of which every value must be one that the other commands accept, too.
_CHECKED = (
    ModuliOptions.bits.within(low=1),  # a core that needs two says so of its designs
    DotProductOptions.vector_size, EnergyOptions.columns, EnergyOptions.columns_per_adc,
    EnergyOptions.adc_rate, EnergyOptions.clock, EnergyOptions.max_link_sigma, SEGMENTS,
    *(KNOWN[name].option(name) for name in _CONSTANTS), CoreOptions.slice_bits,
    ModuliOptions.factor.within(low=1), ModuliOptions.redundant, CodeOptions.attempts,
    EnergyOptions.reverse, CoreOptions.adc_range,
)  # fmt: skip


def default_cores() -> tuple[str, ...]:
    """The simulated cores of this package: what another one adds is searched where it is named."""
    return tuple(name for name in simulated_cores() if name in CORES.own)


@dataclass(frozen=True, kw_only=True)
class DesignSpace:
    """Values of every axis, whose combinations are the designs, and what all designs share.

    Parameters
    ----------
    core, bits, vector_size, factor, redundant, attempts, decoder, legitimate_range, columns, \
    columns_per_adc, adc_rate, clock, laser_power, rate, max_link_sigma, segments, reverse, \
    slice_bits, adc_bits, adc_range
        Values of the axes, as in the other parameter objects; an ``adc_bits`` of ``None`` is b,
        ``columns`` are h, a ``factor`` of 1 is that of coprime moduli, and an ADC fits the cycle of
        the array. Fine ADCs may be leaner when they are slow, so that one for each column is tried
        as well. ``laser_power`` in W and ``rate`` in Hz are constants of technologies that have
        them, ``max_link_sigma`` and ``segments`` say how many rows an array of light has; ``None``
        is what the technology says, and with the noise ``device`` as many as a dot product has.
        Technologies without light have one design for all of their values.
    technology
        Array technologies. A core that runs on none of them is taken on its default one; those of
        ``default_technologies`` replace these.
    adc
        Models of ADCs, each of which is taken at the node of the technology; ``None`` is that of
        the technology, or Murmann's where it has none of the bits. Several are no axis: none is
        better because it promises more. A design has a range of energies, and counts as what the
        one with the most energy says; it does not exist where one of them does not hold.
    input_bits, weight_bits, rule, max_modulus, dac, memory, scales, input_scale, modulo_energy, \
    extrapolate
        As in `ModuliRequest` and `EnergyParameters`, for all designs.
    throughput, area
        Wanted throughput in MAC/s, or given area in m^2: designs have as many arrays as it takes,
        or as fit. One of them at most.
    calibration, percentile
        How a range that is ``calibrated`` is, for all designs, on uniform operands: see
        `rnscli.core.calibrated_shares`.
    noise
        Law of the errors, or a setting from which that of every residue and of every conventional
        converter follows; or ``device``, the noise that the technology of each design has. ``None``
        for no errors.
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
    factor: tuple[int, ...] = (1,)
    redundant: tuple[int, ...] = (0, 1, 2)
    attempts: tuple[float, ...] = (1, 2, math.inf)
    decoder: tuple[str, ...] = ("bounded-distance", "detect")
    legitimate_range: tuple[str | int, ...] = ("product", "operands")
    columns: tuple[int | None, ...] = (None,)
    columns_per_adc: tuple[int | None, ...] = (None, 1)
    adc_rate: tuple[float | None, ...] = (None,)
    clock: tuple[float, ...] = (1e9,)
    laser_power: tuple[float | None, ...] = (None,)
    rate: tuple[float | None, ...] = (None,)
    max_link_sigma: tuple[float | None, ...] = (None,)
    segments: tuple[int | None, ...] = (None,)
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
    extrapolate: bool = False
    throughput: float | None = None
    area: float | None = None
    calibration: str = CALIBRATIONS[0]
    percentile: float = PERCENTILE
    noise: NoiseSetting | NoiseLaw | str | None = None
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
        if isinstance(self.noise, str):
            check_choice("noise", self.noise, (DEVICE,))
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
        if self.noise is not None and not isinstance(self.noise, str):
            check_independent(self.noise.has_static_errors, max(self.attempts))
        if self.size > MAX_DESIGNS:
            raise InputError(
                f"the space has {self.size} designs; at most {MAX_DESIGNS} are searched at once"
            )

    def values(self, axis: str) -> tuple[Any, ...]:
        """Values of an axis as designs name them."""
        found: tuple[Any, ...] = getattr(self, axis)
        return tuple(one.name for one in found) if axis == "technology" else found

    @property
    def objectives(self) -> dict[str, str]:
        """What designs on the front are not beaten in, with the number that each stands for."""
        return OBJECTIVES if self.noise is None else OBJECTIVES | NOISE_OBJECTIVES

    def axes_of(self, core: str, technology: str | None = None) -> dict[str, tuple[Any, ...]]:
        """The axes that concern a core, on one of its technologies, with their values."""
        kind, runs = CORES[core], self._runs(core)
        concern = {*_OF_ALL, *kind.axes, *self._light_axes(core, technology or runs[0])}
        axes = {axis: self.values(axis) for axis in AXES if axis in concern}
        return axes | {"core": (core,), "technology": runs}

    def _runs(self, core: str) -> tuple[str, ...]:
        """Names of the technologies that a core runs on, or of the one that it is shown on."""
        kind, price = CORES[core], self.modulo_energy
        runs = tuple(one.name for one in self.technology if runs_on(kind, one, price))
        return runs or (kind.default_technology,)

    def _light_axes(self, core: str, technology: str) -> tuple[str, ...]:
        """What of light concerns a core on a technology."""
        made = self._technology(technology, None, None)
        found = [name for name in _CONSTANTS if name in made.constants]
        if made.link:
            found += ["max_link_sigma", *(["segments"] if CORES[core].exact else [])]
        return tuple(found)

    @property
    def size(self) -> int:
        return sum(count * len(attempts) for _, count, _, attempts in self._groups)

    @cached_property
    def _groups(self) -> list[tuple[str, int, dict[str, tuple[Any, ...]], tuple[float, ...]]]:
        """Cores with technologies that have the same axes: their groups, axes, and attempts."""
        found = []
        for core in self.core:
            alike: dict[tuple[str, ...], list[str]] = {}
            for name in self._runs(core):
                alike.setdefault(self._light_axes(core, name), []).append(name)
            for names in alike.values():
                axes = self.axes_of(core, names[0]) | {"technology": tuple(names)}
                attempts = axes.pop("attempts", (None,))
                bits = {axis: (value,) for axis, value in _bits_of(core).items()}
                count = math.prod(map(len, axes.values()))
                found.append((core, count, bits | axes, attempts))
        return found

    @cached_property
    def _group_ends(self) -> tuple[int, ...]:
        """Number behind the last group of each of these."""
        return tuple(itertools.accumulate(count for _, count, _, _ in self._groups))

    def cores_of(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Places of the cores of groups with these numbers."""
        places = np.array([self.core.index(core) for core, *_ in self._groups])
        found: npt.NDArray[np.int64] = places[
            np.searchsorted(self._group_ends, numbers, side="right")
        ]
        return found

    @property
    def group_count(self) -> int:
        return self._group_ends[-1]

    def group(self, number: int) -> tuple[Design, tuple[float, ...]]:
        """A design but for its attempts, which few of its numbers depend on, and these."""
        place = bisect_right(self._group_ends, number)
        _, count, axes, attempts = self._groups[place]
        number -= self._group_ends[place] - count
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
        for axis, values in self.axes_of(design.core, design.technology).items():
            here = getattr(design, axis)
            if axis in _ORDERED:
                in_order = sorted(values, key=lambda value: value or 0)
                place = in_order.index(here)
                values = (*in_order[:place][-1:], *in_order[place + 1 :][:1])
            others = (one for one in values if one != here)
            if axis == "technology":
                found += [(axis, self._as(design, design.core, one)) for one in others]
            else:
                found += [(axis, replace(design, **{axis: one})) for one in others]
        for core in self.core:
            if core != design.core:
                found.append(("core", best_of.get(core) or self._as(design, core)))
        return found

    def _as(self, design: Design, core: str, technology: str | None = None) -> Design:
        """The design with another core, or technology.

        What both have stays, the rest is the first of its axis.
        """
        runs = self._runs(core)
        wanted = technology or (design.technology if design.technology in runs else runs[0])
        values = {
            axis: here if (here := getattr(design, axis)) in choices else choices[0]
            for axis, choices in self.axes_of(core, wanted).items()
        }
        return Design(**(_bits_of(core) | values | {"technology": wanted}))

    def technology_of(self, design: Design) -> Technology:
        """The technology of a design, with the light that it has."""
        return self._technology(design.technology, design.laser_power, design.rate)

    def _technology(self, name: str, laser_power: float | None, rate: float | None) -> Technology:
        key = name, laser_power, rate
        if key not in self._technologies:
            known = (*self.technology, *self.default_technologies)
            found = next((one for one in known if one.name == name), None)
            values = dict(zip(_CONSTANTS, (laser_power, rate), strict=True))
            given = {name: value for name, value in values.items() if value is not None}
            made = found or load_technology(name)
            if given:
                ranges = tuple(one for one in made.uncertain if one[0] not in given)
                made = replace(made.with_values(given), uncertain=ranges)
            self._technologies[key] = made
        return self._technologies[key]

    @cached_property
    def _technologies(self) -> dict[tuple[str, float | None, float | None], Technology]:
        return {}

    def adcs_of(self, design: Design) -> tuple[AdcModel | None, ...]:
        """The models of the ADCs of a design, at the node of its technology."""
        if not isinstance(CORES[design.core], AnalogKind):
            return (None,)
        node = self.technology_of(design).node
        return tuple(model and model.at_node(node) for model in self.adc)

    def dot_product(self, design: Design) -> DotProduct:
        """Length and operands of an analog design."""
        return DotProduct(
            design.vector_size, self.input_bits or design.bits, self.weight_bits or design.bits
        )

    def moduli_request(self, design: Design) -> ModuliRequest:
        """What the moduli of a design are for."""
        return ModuliRequest(
            bits=design.bits,
            vector_size=design.vector_size,
            input_bits=self.input_bits,
            weight_bits=self.weight_bits,
            rule=self.rule,
            max_modulus=self.max_modulus,
            factor=None if design.factor in (None, 1) else design.factor,
            redundant=design.redundant or 0,
        )

    def energy_parameters(
        self,
        design: Design,
        moduli: ModuliSet | None,
        legitimate_range: int | None,
        decoder: str,
        search_probability: float,
    ) -> tuple[EnergyParameters, ...]:
        """The costs of a design by each model of ADCs, with the code of its core if it has one."""
        adc, *more = self.adcs_of(design)
        first = EnergyParameters(
            core=design.core,
            dot_product=self.dot_product(design),
            bits=design.bits,
            technology=self.technology_of(design),
            moduli=moduli,
            legitimate_range=legitimate_range,
            columns=design.columns,
            decoder=decoder or None,
            search_probability=search_probability,
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
            max_link_sigma=self._link_sigma(design),
            segments=design.segments,
            extrapolate=self.extrapolate,
        )
        return (first, *(replace(first, adc=one) for one in more))

    def _link_sigma(self, design: Design) -> float | None:
        """What is wanted of light; with its noise known there is nothing to be avoided."""
        if self.noise == DEVICE and design.max_link_sigma is None:
            return MAX_LINK_SIGMA
        return design.max_link_sigma

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
