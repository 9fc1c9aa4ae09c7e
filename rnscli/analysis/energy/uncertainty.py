"""What constants that are only known within ranges allow, and which of them matters."""

import itertools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar, cast

from rnscli.analysis.energy.bill import area_of, design_columns, energies_of, energy, timing_of
from rnscli.analysis.energy.parameters import EnergyParameters
from rnscli.analysis.energy.rows import EnergyRow, SensitivityRow
from rnscli.base import InputError, Uncertain
from rnscli.hardware import CONSTANTS, AdcModel, CapacitiveDac, Technology

Constants = Mapping[str, Uncertain]
Model = TypeVar("Model", Technology, AdcModel, CapacitiveDac)
Quantities = tuple[float, float, float]


def uncertain_energy(
    parameters: EnergyParameters,
    constants: Constants,
    reference: EnergyParameters | None = None,
) -> EnergyRow:
    """The bill with the intervals that uncertain constants allow.

    Energy, latency and area rise or fall with each constant, whatever the others, so that their
    extremes lie where every constant is at one of its ends. Evaluating each alone tells at which;
    where it makes no difference, because another one is zero, both are tried.

    Parameters
    ----------
    parameters
        The design; uncertain constants are set to their values.
    constants
        Ranges by the name of the constant; those of the technology are added.
    reference
        As in `energy`.

    Raises
    ------
    InputError
        If the design has no such constant.

    Examples
    --------
    >>> from rnscli.core.arithmetic.dot_product import DotProduct
    >>> row = uncertain_energy(
    ...     EnergyParameters(core="fixed-lp", dot_product=DotProduct(1024, 8, 8), bits=8),
    ...     {"energy_per_mac": Uncertain(10e-15, 5e-15, 20e-15)})
    >>> [f"{end * 1e12:.2f} pJ" for end in row.energy_range_j]
    ['6.02 pJ', '21.38 pJ']
    """
    constants = ranges_of(parameters, constants)
    parameters = at_values(parameters, constants)
    row = energy(parameters, reference)
    if not constants:
        return row
    ranges = _extremes(parameters, constants)
    return replace(
        row, energy_range_j=ranges[0], latency_range_s=ranges[1], area_range_m2=ranges[2]
    )


def sensitivity(parameters: EnergyParameters, constants: Constants) -> tuple[SensitivityRow, ...]:
    """How far each uncertain constant alone moves the energy, the largest first.

    Parameters
    ----------
    parameters, constants
        As in `uncertain_energy`.

    Raises
    ------
    InputError
        If no constant is uncertain.
    """
    constants = ranges_of(parameters, constants)
    if not constants:
        raise InputError("no constant is uncertain; give one as a range, such as adc_k1 100fJ±30%")
    parameters = at_values(parameters, constants)
    design = parameters.design
    nominal = energies_of(design).total
    rows = []
    for name, constant in constants.items():
        low, high = (
            energies_of(with_constants(parameters, {name: end}).design).total
            for end in (constant.low, constant.high)
        )
        rows.append(
            SensitivityRow(
                constant=name,
                unit=CONSTANTS[name].unit,
                constant_low=constant.low,
                constant_value=constant.value,
                constant_high=constant.high,
                energy_at_low_j=low,
                energy_per_dot_product_j=nominal,
                energy_at_high_j=high,
                swing=abs(high - low) / nominal if nominal else 0.0,
                **design_columns(parameters),
            )
        )
    return tuple(sorted(rows, key=lambda row: -row.swing))


def ranges_of(parameters: EnergyParameters, constants: Constants) -> dict[str, Uncertain]:
    """All uncertain constants of a design: those given, and those of its technology."""
    return {**dict(parameters.design.technology.uncertain), **constants}


def with_constants(parameters: EnergyParameters, values: Mapping[str, float]) -> EnergyParameters:
    """The design with some constants changed, in whichever of its models they are.

    The technology node is one for the array, its logic and the ADCs. The rate of the ADCs and the
    clock are none of them: they are for the designer to choose.

    Raises
    ------
    InputError
        If there is no constant of that name.
    """
    design = parameters.design
    technology, adc, dac = design.technology, design.adc, design.dac
    for name in values:
        if not any(name in model.constants for model in (technology, adc, dac)):
            raise InputError(
                f"`{name}` is no constant of this design ({technology.name}, {adc.name})"
            )
    technology = changed(technology, values)
    adc = changed(adc, values)
    if "node" in values:
        adc = adc.at_node(technology.node)
    dac = changed(dac, values)
    return replace(parameters, technology=technology, adc=adc, dac=dac)


def _extremes(parameters: EnergyParameters, constants: Constants) -> list[tuple[float, float]]:
    """Least and largest value of each quantity."""
    alone = {
        name: [
            _quantities(with_constants(parameters, {name: end}))
            for end in (constant.low, constant.high)
        ]
        for name, constant in constants.items()
    }
    found = []
    for index in range(len(_quantities(parameters))):
        choices: list[list[tuple[float, ...]]] = [[], []]  # ends that may give the least, the most
        for name, constant in constants.items():
            at_low, at_high = (quantities[index] for quantities in alone[name])
            ends = (constant.low, constant.high)
            if at_low == at_high:
                choices[0].append(ends)
                choices[1].append(ends)
            else:
                falls = at_high < at_low
                choices[0].append((ends[falls],))
                choices[1].append((ends[not falls],))
        least, most = (
            [
                _quantities(with_constants(parameters, dict(zip(constants, corner, strict=True))))[
                    index
                ]
                for corner in itertools.product(*ends)
            ]
            for ends in choices
        )
        found.append((min(least), max(most)))
    return found


def at_values(parameters: EnergyParameters, constants: Constants) -> EnergyParameters:
    """The design with uncertain constants at their values."""
    return with_constants(parameters, {name: one.value for name, one in constants.items()})


def _quantities(parameters: EnergyParameters) -> Quantities:
    design = parameters.design
    return energies_of(design).total, timing_of(design).latency, area_of(design)


def changed(model: Model, values: Mapping[str, float]) -> Model:
    """A model with those of the values that are constants of it."""
    known: dict[str, Any] = {n: value for n, value in values.items() if n in model.constants}
    made: Any = replace(cast(Any, model), **known) if known else model
    return cast(Model, made)
