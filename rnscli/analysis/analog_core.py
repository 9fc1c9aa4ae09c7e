"""An analog core by its name, with moduli that are chosen for it."""

from collections.abc import Sequence
from typing import Any

from rnscli.analysis.moduli import DEFAULT_VECTOR_SIZE, ModuliRequest
from rnscli.analysis.networks.rows import FP32
from rnscli.base import InputError
from rnscli.core import (
    Core,
    CoreSettings,
    Level,
    NoiseSetting,
    RedundantCode,
    analog_core_named,
    laws_of,
    moduli_columns,
)
from rnscli.matrix import Dataflow
from rnscli.runtime import describe


def analog_core(
    name: str = "rns",
    *,
    bits: int | None = None,
    vector_size: int = DEFAULT_VECTOR_SIZE,
    input_bits: int | None = None,
    weight_bits: int | None = None,
    moduli: Sequence[int] | None = None,
    redundant: int = 0,
    noise: NoiseSetting | str | None = None,
    p: Level | None = None,
    sigma: Level | None = None,
    snr_db: Level | None = None,
    attempts: float = 1,
    decoder: str = "bounded-distance",
    legitimate_range: int | str = "product",
    rule: str = "exact",
    max_modulus: int | None = None,
    slice_bits: int = 1,
    adc_bits: int | None = None,
) -> Core:
    """An analog core by its name, with the moduli that suit it.

    Parameters
    ----------
    name
        One of `rnscli.core.cores.analog_cores`: ``rns``, ``fixed-lp``, ``bit-sliced`` and so on.
    bits
        Bits b of its converters; needed unless ``moduli`` are given.
    vector_size
        Length h of its dot products, which is the number of rows of its array.
    input_bits, weight_bits
        Bits of the operands; b if not given.
    moduli, redundant, rule, max_modulus
        Of the core ``rns``, as in `rnscli.ModuliRequest`: the best moduli unless they are given.
    noise, p, sigma, snr_db
        Law and level of the noise, as in `rnscli.NoiseSetting`, or that; no noise without a level.
    attempts, decoder, legitimate_range
        Of the core ``rns``; the range is ``product``, ``operands`` or a number.
    slice_bits, adc_bits
        Of the core ``bit-sliced``.

    Raises
    ------
    InputError
        If a value is out of range or two of them contradict each other.
    NoSolutionError
        If no moduli serve.

    Examples
    --------
    >>> analog_core("fixed-lp", bits=6).adc_bits
    6
    >>> analog_core(bits=6, redundant=1, p=1e-3, attempts=2).code.moduli.moduli
    (63, 62, 61, 59, 55)
    """
    kind = analog_core_named(name)
    levels = {"p": p, "sigma": sigma, "snr_db": snr_db}
    if isinstance(noise, NoiseSetting):
        if any(level is not None for level in levels.values()):
            raise InputError("`noise` says the level itself; leave out `p`, `sigma` and `snr_db`")
        setting: NoiseSetting | None = noise
    else:
        setting = NoiseSetting.of({"noise": noise, **levels})
    request = ModuliRequest(
        bits=bits,
        vector_size=vector_size,
        input_bits=input_bits,
        weight_bits=weight_bits,
        moduli=None if moduli is None else tuple(moduli),
        redundant=redundant,
        rule=rule,
        max_modulus=max_modulus,
    )
    code = None
    if kind.coded:
        chosen = request.choose()[0]
        size = request.legitimate_range(chosen, legitimate_range)
        code = RedundantCode(chosen, size, decoder)
    settings = CoreSettings(
        dot_product=request.dot_product,
        bits=request.converter_bits,
        slice_bits=slice_bits,
        adc_bits=adc_bits,
    )
    moduli_of_code = code.moduli if code is not None else None
    laws = laws_of(setting, settings.bits, moduli_of_code, kind.name)
    return kind.build(settings, code, laws, attempts)


def core_columns(flow: Dataflow, bits: int | None) -> dict[str, Any]:
    """Values of the columns that describe a dataflow and its core, by their keys.

    Examples
    --------
    >>> from rnscli.analysis.analog_core import analog_core
    >>> columns = core_columns(Dataflow(analog_core("fixed-lp", bits=6)), 6)
    >>> columns["core"], columns["adc_bits"], columns["moduli"]
    ('fixed-lp', 6, None)
    """
    core, settings = flow.core, flow.core.settings
    return {
        "core": core.name,
        "bits": bits,
        "vector_size": core.dot_product.vector_size,
        "input_bits": core.dot_product.input_bits,
        "weight_bits": core.dot_product.weight_bits,
        "granularity": flow.granularity,
        **moduli_columns(None if core.code is None else core.code.moduli),
        "decoder": settings.get("decoder"),
        "slice_bits": settings.get("slice_bits"),
        "adc_bits": settings.get("adc_bits"),
        **core.noise_columns,
        "attempts": settings.get("attempts") if core.noisy else None,
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
