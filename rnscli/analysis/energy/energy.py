"""Energy, latency and area of one dot product in a core, as `rnscli energy` reports them."""

import math
from typing import Any

from rnscli.analysis.energy.bill import area_of, dac_conversions, energies_of, timing_of
from rnscli.analysis.energy.parameters import EnergyParameters
from rnscli.analysis.energy.rows import EnergyRow
from rnscli.core import AnalogKind


def energy(parameters: EnergyParameters, reference: EnergyParameters | None = None) -> EnergyRow:
    """Energy, latency and area of one dot product of h terms in an h x c array.

    Parameters
    ----------
    parameters
        The design.
    reference
        The design with the core ``rns`` that it is compared with; the same one with that core if
        not given.

    Returns
    -------
    EnergyRow

    References
    ----------
    arXiv:2309.10759, energy of data converters; Marinella et al., arXiv:1707.09952, for arrays.

    Examples
    --------
    >>> from rnscli.core.arithmetic.dot_product import DotProduct
    >>> from rnscli.core.arithmetic.moduli import ModuliSet
    >>> row = energy(EnergyParameters(
    ...     core="fixed-hp", dot_product=DotProduct(128, 4, 4), bits=4,
    ...     moduli=ModuliSet([15, 14, 13, 11])))
    >>> round(row.adc_relative_to_rns, 2)
    168.54
    >>> row = energy(EnergyParameters(
    ...     core="fixed-lp", dot_product=DotProduct(1024, 8, 8), bits=8))
    >>> f"{row.energy_per_mac_j * 1e15:.3f} fJ"
    '11.000 fJ'
    """
    design = parameters.design
    size, columns, converters = design.dot_product.vector_size, design.width, design.converters
    parts, timing = energies_of(design), timing_of(design)
    total, area = parts.total, area_of(design)
    reference = reference or parameters.as_rns()
    base = energies_of(reference.design) if reference is not None else None
    macs_per_second = size * columns / timing.interval
    return EnergyRow(
        **design_columns(parameters),
        dac_bits=converters.dac_bits if converters else None,
        adc_bits=converters.adc_bits if converters else None,
        dac_conversions=dac_conversions(design, converters) if converters else 0.0,
        adc_conversions=converters.channels * design.attempts if converters else 0.0,
        dac_energy_j=parts.dac,
        adc_energy_j=parts.adc,
        converter_energy_j=parts.dac + parts.adc,
        array_energy_j=parts.array,
        leakage_energy_j=parts.leakage,
        forward_energy_j=parts.forward,
        reverse_energy_j=parts.reverse,
        decoding_energy_j=parts.decoding,
        shift_add_energy_j=parts.shift_add,
        retry_energy_j=parts.of_retries(design.attempts),
        energy_per_dot_product_j=total,
        energy_per_mac_j=total / size,
        latency_s=timing.latency,
        throughput_macs_per_s=macs_per_second,
        area_m2=area,
        tops_per_w=_ratio(2e-12 * size, total),
        tops_per_mm2=_ratio(2e-12 * macs_per_second, area * 1e6),
        relative_to_rns=_ratio(total, base.total) if base else None,
        adc_relative_to_rns=_ratio(parts.adc, base.adc) if base and converters else None,
        energy_range_j=None,
        latency_range_s=None,
        area_range_m2=None,
        expected_attempts=design.attempts,
        extrapolated=bool(design.beyond),
    )


def design_columns(parameters: EnergyParameters) -> dict[str, Any]:
    """Values of the columns that say which design a row is of, by their keys."""
    design = parameters.design
    coded = isinstance(design.kind, AnalogKind) and design.kind.coded
    moduli = parameters.moduli if coded else None
    dot_product, analog = design.dot_product, design.converters is not None
    return {
        "core": parameters.core,
        "bits": parameters.bits,
        "vector_size": dot_product.vector_size,
        "input_bits": dot_product.input_bits if analog else None,
        "weight_bits": dot_product.weight_bits if analog else None,
        "moduli": moduli.information if moduli is not None else None,
        "redundant_moduli": moduli.redundant_moduli if moduli is not None else None,
        "technology": design.technology.name,
        "adc_model": design.adc.name if analog else None,
        "columns": design.width,
    }


def _ratio(value: float, reference: float) -> float | None:
    """A ratio, or ``None`` where all constants are zero."""
    return value / reference if reference > 0 and math.isfinite(reference) else None
