"""What a row says of the core that products were computed on."""

from typing import Any

from rnscli.analysis.training_rows import FP32
from rnscli.core.bit_sliced import BitSlicedCore
from rnscli.core.noise import mean_error_probability
from rnscli.core.readout import Core
from rnscli.core.rns_core import RnsCore
from rnscli.matrix.dataflow import Dataflow
from rnscli.runtime.describe import describe


def core_columns(flow: Dataflow, bits: int) -> dict[str, Any]:
    """Values of the columns that describe a dataflow and its core, by their keys.

    Examples
    --------
    >>> from rnscli.analysis.analog_core import analog_core
    >>> columns = core_columns(Dataflow(analog_core("fixed-lp", bits=6)), 6)
    >>> columns["core"], columns["adc_bits"], columns["moduli"]
    ('fixed-lp', 6, None)
    """
    core = flow.core
    code = core.code if isinstance(core, RnsCore) else None
    moduli = code.moduli if code is not None else None
    return {
        "core": core.name,
        "bits": bits,
        "vector_size": core.dot_product.vector_size,
        "input_bits": core.dot_product.input_bits,
        "weight_bits": core.dot_product.weight_bits,
        "granularity": flow.granularity,
        "moduli": moduli.information if moduli is not None else None,
        "redundant_moduli": moduli.redundant_moduli if moduli is not None else None,
        "redundant": moduli.redundant if moduli is not None else None,
        "decoder": code.decoder if code is not None else None,
        "slice_bits": core.slice_bits if isinstance(core, BitSlicedCore) else None,
        "adc_bits": getattr(core, "adc_bits", None),
        "residue_error_probability": error_probability(core, bits),
        "sigma": getattr(core.noise, "sigma", None),
        "attempts": core.attempts if isinstance(core, RnsCore) and core.noise is not None else None,
    }


def described_flow(flow: Dataflow | None) -> dict[str, Any]:
    """What a result depends on, under the keys by which a store is listed; FP32 if ``None``."""
    if flow is None:
        return {"core_name": FP32}
    return {
        "core_name": flow.core.name,
        "core": describe(flow.core),
        "dot_product": describe(flow.core.dot_product),
        "granularity": flow.granularity,
        "path": flow.path,
    }


def error_probability(core: Core, bits: int) -> float | None:
    """Mean over the channels, or of a converter of ``2**b`` codes where there are none."""
    if core.noise is None:
        return None
    moduli = core.code.moduli.moduli if isinstance(core, RnsCore) else (2**bits,)
    return mean_error_probability(core.noise, moduli)
