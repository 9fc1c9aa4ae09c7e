"""The rows of a noise budget."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from rnscli.analysis.noise.parameters import NoiseParameters
from rnscli.analysis.noise.rows import NOISE_PARTS, NoiseRow


def noise_table(parameters: NoiseParameters) -> tuple[NoiseRow, ...]:
    """The noise of a core: a row for each modulus, or each slice of its weights.

    Examples
    --------
    >>> from rnscli.core import DotProduct, ModuliSet
    >>> from rnscli.hardware import load_technology
    >>> rows = noise_table(NoiseParameters(
    ...     core="rns", dot_product=DotProduct(16, 6, 6), bits=6, moduli=ModuliSet([63, 62, 61]),
    ...     technology=load_technology("photonic-phase")))
    >>> [f"{row.modulus}: {row.sigma:.4f} {row.p:.1e}" for row in rows]
    ['63: 0.0800 4.1e-10', '62: 0.0787 2.2e-10', '61: 0.0775 1.1e-10']
    """
    budget = parameters.budget
    error, rms = budget.output_error, budget.output_rms
    several = len(budget.readings) > 1
    rows = []
    for index, reading in enumerate(budget.readings):
        coded = bool(reading.modulus)
        parts: dict[str, Any] = {
            f"sigma_{name}": reading.parts.get(name, 0.0) for name in NOISE_PARTS
        }
        rows.append(
            NoiseRow(
                **design_columns(parameters),
                modulus=reading.modulus or None,
                slice=index if several and not coded else None,
                adc_bits=getattr(budget.core, "adc_bits", None),
                step=None if coded else reading.step,
                sigma=reading.sigma,
                sigma_static=reading.static,
                sigma_fresh=reading.fresh,
                bias=reading.bias,
                p=reading.error_probability if coded else None,
                p_fresh=reading.fresh_error_probability if coded else None,
                **parts,
                output_error=error,
                snr_db=None if error is None else _decibels(rms, error),
            )
        )
    return tuple(rows)


def design_columns(parameters: NoiseParameters) -> Mapping[str, Any]:
    """Values of the columns that say which design a row is of."""
    dot, technology = parameters.dot_product, parameters.technology
    moduli = parameters.moduli if parameters.kind.coded else None
    return {
        "core": parameters.core,
        "bits": parameters.bits,
        "vector_size": parameters.size,
        "moduli": moduli.information if moduli else None,
        "redundant_moduli": moduli.redundant_moduli if moduli else None,
        "technology": None if technology is None else technology.name,
        "input_bits": dot.input_bits,
        "weight_bits": dot.weight_bits,
        "columns": parameters.columns or parameters.size,
    }


def _decibels(signal: float, error: float) -> float:
    if math.isinf(error):
        return -math.inf
    return 20 * math.log10(signal / error) if error else math.inf
