"""The bill of a dot product, what uncertain constants allow of it, and which of them matters."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import product
from types import MappingProxyType
from typing import Any, TypeVar, cast

from rnscli.analysis.energy.parameters import EnergyParameters
from rnscli.analysis.energy.rows import PART_KEYS, EnergyRow, PartRow, SensitivityRow
from rnscli.base import InputError, NoSolutionError, Uncertain
from rnscli.core import RNS
from rnscli.hardware import (
    CONSTANTS,
    FACTORS,
    AdcModel,
    CapacitiveDac,
    Technology,
    published,
)

Constants = Mapping[str, Uncertain]
_Interval = tuple[float, float]
Model = TypeVar("Model", Technology, AdcModel, CapacitiveDac)


def energy(parameters: EnergyParameters, reference: EnergyParameters | None = None) -> EnergyRow:
    """Energy, latency and area of one dot product, as `rnscli.energy` gives them.

    It is compared with ``reference``, or the same design with the core ``rns``.
    """
    design = parameters.design
    size, converters = design.dot_product.vector_size, design.converters
    parts, timing = design.energies, design.timing
    total, area = parts.total, design.area
    reference = reference or parameters.as_rns()
    base = reference.design.energies if reference is not None else None
    macs = size * len(design.kernels)
    macs_per_second = macs * design.width / timing.interval
    dacs, adcs = design.conversions
    over_best, over_median = _over_published(design.conversion)
    return EnergyRow(
        **design_columns(parameters),
        dac_bits=converters.dac_bits if converters else None,
        adc_bits=converters.adc_bits if converters else None,
        adc_range=design.settings.adc_range if "adc_range" in design.kind.axes else None,
        dac_conversions=dacs,
        adc_conversions=adcs,
        **{key: getattr(parts, group) for group, key in PART_KEYS.items()},
        converter_energy_j=parts.dac + parts.adc,
        retry_energy_j=(total - parts.once) * (1.0 - 1.0 / design.attempts),
        energy_per_dot_product_j=total,
        energy_per_mac_j=total / macs,
        latency_s=timing.latency,
        throughput_macs_per_s=macs_per_second,
        area_m2=area,
        tops_per_w=_ratio(2e-12 * macs, total),
        tops_per_mm2=_ratio(2e-12 * macs_per_second, area * 1e6),
        relative_to_rns=_ratio(total, base.total) if base else None,
        adc_relative_to_rns=_ratio(parts.adc, base.adc) if base and converters else None,
        compared_with_rns=_verdict([((total,) * 2, (base.total,) * 2)]) if base else None,
        relative_to_rns_range=None,
        tops_per_w_range=None,
        tops_per_mm2_range=None,
        energy_range_j=None,
        latency_range_s=None,
        area_range_m2=None,
        adc_over_best=over_best,
        adc_over_median=over_median,
        expected_attempts=design.expected_attempts,
        pass_attempts=design.attempts,
        kernel=design.kernel,
        memory=parameters.memory,
        scales=parameters.scales,
        input_scale=parameters.input_scale,
        segments=design.segments,
        link_sigma=design.link_sigma,
        largest_rows=design.largest_rows if design.technology.link else None,
        extrapolated=bool(design.beyond),
    )


def parts_of(parameters: EnergyParameters) -> tuple[PartRow, ...]:
    """The bill of a pass, part by part: what `energy` adds up.

    Examples
    --------
    >>> from rnscli.core import DotProduct
    >>> design = EnergyParameters(core="fixed-lp", dot_product=DotProduct(128, 8, 8), bits=8)
    >>> rows = parts_of(design)
    >>> row = max(rows, key=lambda row: row.energy_j)
    >>> row.part, row.count, f"{row.energy_each_j * 1e12:.2f} pJ"
    ('ramp ADC', 128.0, '9.22 pJ')
    """
    design = parameters.design
    items = [one for one in design.items if one.energy or one.area]
    total = math.fsum(one.total for one in items)
    return tuple(
        PartRow(
            **design_columns(parameters),
            kernel=design.kernel,
            part=one.part,
            group=one.group,
            per=one.per,
            count=one.count,
            energy_each_j=one.energy,
            repeats=one.repeats,
            energy_j=one.total,
            share=one.total / total if total else 0.0,
            units=one.units,
            area_each_m2=one.area,
            area_m2=one.units * one.area,
            over=one.over,
            source=one.source,
            assumption=one.assumption or None,
        )
        for one in items
    )


def _ratio(value: float, reference: float) -> float | None:
    """A ratio, or ``None`` where all constants are zero."""
    return value / reference if reference > 0 and math.isfinite(reference) else None


def _over_published(conversion: tuple[float, int, float] | None) -> tuple[float | None, ...]:
    """Energy of a conversion over the best and the median that are published of its kind."""
    found = published(*conversion[1:]) if conversion else None
    if conversion is None or found is None:
        return None, None
    return conversion[0] / found.best, conversion[0] / found.median if found.median else None


def design_columns(parameters: EnergyParameters) -> dict[str, Any]:
    """Values of the columns that say which design a row is of, by their keys."""
    design = parameters.design
    moduli = parameters.moduli if design.kind.coded else None
    dot_product, analog = design.dot_product, design.converters is not None
    return {
        "core": parameters.core,
        "bits": parameters.bits,
        "vector_size": dot_product.vector_size,
        "input_bits": dot_product.input_bits if analog else None,
        "weight_bits": dot_product.weight_bits if analog else None,
        "moduli": moduli.information if moduli else None,
        "redundant_moduli": moduli.redundant_moduli if moduli else None,
        "technology": design.technology.name,
        "adc_model": design.adc_name if analog else None,
        "columns": design.width,
    }


def uncertain_energy(
    parameters: EnergyParameters,
    constants: Constants,
    reference: EnergyParameters | None = None,
) -> EnergyRow:
    """The bill with the intervals that uncertain constants allow.

    Energy, latency and area rise or fall with each constant, whatever the others, so that their
    extremes lie where every constant is at one of its ends. Evaluating each alone tells at which;
    where it makes no difference, because another one is zero, both are tried. So does the interval
    between vectors, but not its product with the area, in which units of logic are whole:
    ``tops_per_mm2_range`` has each at its own extreme, and holds at least what is allowed.

    Parameters
    ----------
    parameters
        The design; uncertain constants are set to their values.
    constants
        Ranges by the name of the constant; those of the technology, and of prices, are added.
    reference
        The design with the core ``rns`` that it is compared with; the same one with that core if
        not given.

    Raises
    ------
    InputError
        If the design has no such constant.

    Examples
    --------
    >>> from rnscli.core.arithmetic.dot_product import DotProduct
    >>> row = uncertain_energy(
    ...     EnergyParameters(core="fixed-lp", dot_product=DotProduct(1024, 8, 8), bits=8),
    ...     {"comparator_current": Uncertain(20e-6, 10e-6, 30e-6)})
    >>> [f"{end * 1e12:.2f} pJ" for end in row.energy_range_j]
    ['9.77 pJ', '47.62 pJ']
    """
    reference = reference or _reference(parameters, constants)
    made = parameters.design
    parameters, constants = at_values(parameters, constants)
    row = energy(parameters, reference)
    if made.technology.link:  # which a design with settled rows does not ask for
        row = replace(row, largest_rows=made.largest_rows)
    ranged, mine = row, _extremes(parameters, constants)
    if constants:
        low, high = mine.energy
        macs = row.vector_size * len(parameters.design.kernels)
        operations = 2e-12 * macs
        # Of a time that is longer the area may be smaller, by units of logic that are whole: each
        # has its own extreme, which no corner has where one constant moves both.
        slow, fast = (2e-12 * (macs * parameters.design.width / s) for s in reversed(mine.interval))
        ranged = replace(
            row,
            energy_range_j=mine.energy,
            latency_range_s=mine.latency,
            area_range_m2=mine.area,
            tops_per_w_range=(_over(operations, high), _over(operations, low)),
            tops_per_mm2_range=(
                _over(slow, mine.area[1] * 1e6),
                _over(fast, mine.area[0] * 1e6),
            ),
        )
    if reference is None or row.relative_to_rns is None or parameters.core == RNS.name:
        return ranged
    rns, theirs = at_values(reference, _known_to(reference, constants))
    if not constants and not theirs:
        return ranged
    together = _together(mine, constants, _extremes(rns, theirs), theirs)
    return replace(
        ranged,
        relative_to_rns_range=(
            min(_over(low, most) for (low, _), (_, most) in together),
            max(_over(high, least) for (_, high), (least, _) in together),
        ),
        compared_with_rns=_verdict(together),
    )


def _together(
    mine: "_Extremes", constants: Constants, theirs: "_Extremes", of_theirs: Constants
) -> list[tuple[_Interval, _Interval]]:
    """Both energies at each corner of the constants that they share, wherever the others are.

    What prices of logic and of memory are multiplied by is one number for both. An energy is a sum
    of terms of which each is in proportion to one of these factors or to none, so that a ratio, or
    a difference, of two energies has its extremes at the ends of the factors. Other constants of
    the same name are taken to be independent, which can only widen what is said.
    """
    shared = [
        name for name in FACTORS if name in constants and constants[name] == of_theirs.get(name)
    ]
    ends = ((constants[name].low, constants[name].high) for name in shared)
    corners = (dict(zip(shared, corner, strict=True)) for corner in product(*ends))
    return [(mine.energy_with(corner), theirs.energy_with(corner)) for corner in corners]


def _known_to(parameters: EnergyParameters, constants: Constants) -> Constants:
    """Those of some constants that a design has."""
    known = parameters.design.constants
    return {name: one for name, one in constants.items() if name in known}


def _over(value: float, other: float) -> float:
    return value / other if other else math.inf


def _verdict(together: Sequence[tuple[_Interval, _Interval]]) -> str:
    """Whether one energy is less than another, in all of the pairs of their ranges."""
    if all(mine == theirs and mine[0] == mine[1] for mine, theirs in together):
        return "equal"
    if all(mine[1] < theirs[0] for mine, theirs in together):
        return "less"
    return "more" if all(mine[0] > theirs[1] for mine, theirs in together) else "undecided"


def _reference(parameters: EnergyParameters, constants: Constants) -> EnergyParameters | None:
    """The design with the core ``rns``, made before anything of another one is settled."""
    rns = parameters.as_rns()
    if rns is None or rns is parameters:
        return None
    return at_values(rns, _known_to(rns, constants))[0]


class _Extremes:
    """Least and largest energy, latency, area and interval of a design, and where they are.

    The design is built once, and keeps its rows.
    """

    def __init__(
        self, parameters: EnergyParameters, constants: tuple[tuple[str, Uncertain], ...]
    ) -> None:
        self._parameters = _built(parameters)
        self._ranges = {name: (one.low, one.high) for name, one in constants}
        self._known: dict[tuple[tuple[str, float], ...], tuple[float, ...]] = {}
        alone = {
            name: [self._quantities({name: end}) for end in pair]
            for name, pair in self._ranges.items()
        }
        self._corners = [
            [self._corner(alone, index, best) for best in (min, max)] for index in range(4)
        ]
        self.energy, self.latency, self.area, self.interval = (
            self._at(index) for index in range(4)
        )

    def energy_with(self, values: Mapping[str, float]) -> _Interval:
        """Least and largest energy with some constants at given values."""
        return self._at(0, values)

    def _at(self, index: int, values: Mapping[str, float] = MappingProxyType({})) -> _Interval:
        low, high = (self._quantities({**one, **values})[index] for one in self._corners[index])
        return low, high

    def _quantities(self, values: Mapping[str, float]) -> tuple[float, ...]:
        key = tuple(sorted(values.items()))
        if key not in self._known:
            design = with_constants(self._parameters, values).design
            timing = design.timing
            self._known[key] = (
                design.energies.total, timing.latency, design.area, timing.interval
            )  # fmt: skip
        return self._known[key]

    def _corner(
        self, alone: Mapping[str, list[tuple[float, ...]]], index: int, best: Any
    ) -> dict[str, float]:
        """Where a quantity is at its least, or largest."""
        # Where a constant alone makes no difference, its end is sought with the others set.
        corner: dict[str, float] = {
            name: best(zip(pair, alone[name], strict=True), key=lambda one: one[1][index])[0]
            for name, pair in self._ranges.items()
            if alone[name][0][index] != alone[name][1][index]
        }
        value = self._quantities(corner)[index]
        neutral = [name for name in self._ranges if name not in corner]
        together = (
            self._quantities(corner | {name: self._ranges[name][place] for name in neutral})[index]
            for place in (0, 1)
        )
        if all(one == value for one in together):
            neutral = []  # as each moves it one way, none of them does
        for name in neutral:
            tried = {
                end: self._quantities(corner | {name: end})[index] for end in self._ranges[name]
            }
            end = best(tried, key=tried.__getitem__)
            if best(tried[end], value) != value:
                corner[name], value = end, tried[end]
        return corner


@lru_cache(maxsize=1024)  # of the residues that many rows are compared with
def _known_extremes(
    parameters: EnergyParameters, constants: tuple[tuple[str, Uncertain], ...]
) -> _Extremes:
    return _Extremes(parameters, constants)


def _extremes(parameters: EnergyParameters, constants: Constants) -> _Extremes:
    return _known_extremes(parameters, tuple(constants.items()))


def sensitivity(parameters: EnergyParameters, constants: Constants) -> tuple[SensitivityRow, ...]:
    """How far each uncertain constant alone moves the energy, the largest first.

    The design follows it: where light is weaker a dot product is cut in more pieces, and where no
    row is left the energy is infinite.

    Parameters
    ----------
    parameters, constants
        As in `uncertain_energy`.

    Raises
    ------
    InputError
        If no constant is uncertain.
    """
    parameters, constants = at_values(parameters, constants)
    if not constants:
        raise InputError("no constant is uncertain; give one as a range, such as adc_k1 100fJ±30%")
    nominal = parameters.design.energies.total
    rows = []
    for name, constant in constants.items():
        low, high = (_redesigned(parameters, name, end) for end in (constant.low, constant.high))
        rows.append(
            SensitivityRow(
                constant=name,
                unit=_unit_of(parameters, name),
                constant_low=constant.low,
                constant_value=constant.value,
                constant_high=constant.high,
                energy_at_low_j=low,
                energy_per_dot_product_j=nominal,
                energy_at_high_j=high,
                swing=abs(high - low) / nominal if nominal and low != high else 0.0,
                **design_columns(parameters),
            )
        )
    return tuple(sorted(rows, key=lambda row: -row.swing))


def _redesigned(parameters: EnergyParameters, name: str, value: float) -> float:
    try:
        return with_constants(parameters, {name: value}).design.energies.total
    except NoSolutionError:
        return math.inf


def _unit_of(parameters: EnergyParameters, name: str) -> str:
    known = parameters.design.technology.constants.get(name) or CONSTANTS[name]
    return "" if known.unit == "1" else known.unit


def ranges_of(parameters: EnergyParameters, constants: Constants) -> dict[str, Uncertain]:
    """All uncertain constants of a design: those given, and its own."""
    return parameters.design.uncertain | dict(constants)


def at_values(
    parameters: EnergyParameters, constants: Constants
) -> tuple[EnergyParameters, Constants]:
    """The design with uncertain constants at their values, and all of these."""
    ranges = ranges_of(parameters, constants)
    return with_constants(parameters, {name: one.value for name, one in ranges.items()}), ranges


def _built(parameters: EnergyParameters) -> EnergyParameters:
    """The design as it is built: its arrays and ADCs stay when what is uncertain changes."""
    made = parameters.design
    rate, columns = made.readout or (parameters.adc_rate, parameters.columns_per_adc)
    return replace(parameters, segments=made.segments, adc_rate=rate, columns_per_adc=columns)


def with_constants(parameters: EnergyParameters, values: Mapping[str, float]) -> EnergyParameters:
    """The design with some constants changed, in whichever of its models they are.

    The technology node is one for the array, its logic and the ADCs. The rate of the ADCs and the
    clock are none of them: they are for the designer to choose.
    """
    design = parameters.design
    technology, adc, dac = design.technology, design.adc, design.dac
    models = (technology, adc or technology, dac)
    for name in values:
        if not any(name in model.constants for model in models):
            raise InputError(
                f"`{name}` is no constant of this design ({technology.name}, {design.adc_name})"
            )
    technology = changed(technology, values)
    chosen = parameters.adc
    if chosen is None and adc is not None and values.keys() & adc.constants.keys():
        chosen = adc  # else it follows the technology, and that of a reference its own
    if chosen is not None:
        chosen = changed(chosen, values)
        chosen = chosen.at_node(technology.node) if "node" in values else chosen
    return replace(parameters, technology=technology, adc=chosen, dac=changed(dac, values))


def changed(model: Model, values: Mapping[str, float]) -> Model:
    """A model with those of the values that are constants of it."""
    known = {name: value for name, value in values.items() if name in model.constants}
    if isinstance(model, Technology):
        return model.with_values(known) if known else model
    made: Model = replace(cast(Any, model), **known) if known else model
    return made
