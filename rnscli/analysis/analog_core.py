"""An analog core by its name, with moduli that are chosen for it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rnscli import core
from rnscli.analysis.moduli import DEFAULT_VECTOR_SIZE, ModuliRequest
from rnscli.analysis.networks.rows import FP32
from rnscli.base import InputError
from rnscli.hardware import Technology
from rnscli.matrix import Dataflow


def analog_core(
    name: str = "rns",
    *,
    bits: int | None = None,
    vector_size: int = DEFAULT_VECTOR_SIZE,
    input_bits: int | None = None,
    weight_bits: int | None = None,
    moduli: Sequence[int] | None = None,
    redundant: int = 0,
    noise: core.NoiseSetting | str | None = None,
    p: core.Level | None = None,
    sigma: core.Level | None = None,
    snr_db: core.Level | None = None,
    static_share: float = 0.0,
    attempts: float = 1,
    decoder: str | None = None,
    retry_above: float | None = None,
    legitimate_range: int | str = "product",
    rule: str = "exact",
    max_modulus: int | None = None,
    family: str | None = None,
    factor: int | None = None,
    slice_bits: int = 1,
    adc_bits: int | None = None,
    adc_range: str = core.FULL,
    calibration: str = core.CALIBRATIONS[0],
    percentile: float = core.PERCENTILE,
    devices: core.Devices | None = None,
    technology: Technology | None = None,
) -> core.Core:
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
    moduli, redundant, rule, max_modulus, family, factor
        Of the core ``rns``, as in `rnscli.ModuliRequest`: the best moduli unless they are given.
    noise, p, sigma, snr_db
        Law and level of the noise, as in `rnscli.NoiseSetting`, or that; no noise without a level.
        ``device`` is the noise that the technology has, without a level.
    static_share
        Of Gaussian noise, the share of its variance that is drawn once for a dot product and meets
        its every attempt again.
    attempts, decoder, retry_above, legitimate_range
        Of the core ``rns``; the range is ``product``, ``operands`` or a number.
    slice_bits, adc_bits, adc_range, calibration, percentile
        Of the core ``bit-sliced``, and all but the first of ``fixed-lp``. The range is ``full``, a
        fraction of that such as ``1/8``, or ``calibrated``: then it is that for dot products of
        uniform operands, by `rnscli.core.calibrated_shares`.
    devices
        What its arrays are built of; with the noise ``device`` that of the technology if not given.
    technology
        Whose noise it is; the one that the core is shown on if not given.

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
    kind = core.analog_core_named(name)
    levels = {"p": p, "sigma": sigma, "snr_db": snr_db}
    if isinstance(noise, core.NoiseSetting):
        if any(level is not None for level in levels.values()):
            raise InputError("`noise` says the level itself; leave out `p`, `sigma` and `snr_db`")
        setting: core.NoiseSetting | None = noise
    elif noise == core.DEVICE:
        if any(level is not None for level in levels.values()):
            raise InputError("`noise` device has no level; leave out `p`, `sigma` and `snr_db`")
        setting = None
    else:
        setting = core.NoiseSetting.of({"noise": noise, **levels})
    if static_share:
        if setting is None:
            raise InputError("`static_share` is of the noise; give its level, or leave it out")
        setting = replace(setting, constants=(*setting.constants, ("static_share", static_share)))
    request = ModuliRequest(
        bits=bits,
        vector_size=vector_size,
        input_bits=input_bits,
        weight_bits=weight_bits,
        moduli=None if moduli is None else tuple(moduli),
        redundant=redundant,
        rule=rule,
        max_modulus=max_modulus,
        family=family,
        factor=factor,
    )
    code = None
    if kind.coded:
        chosen = request.choose()[0]
        size = request.legitimate_range(chosen, legitimate_range)
        code = core.RedundantCode(chosen, size, decoder, retry_above=retry_above)
    moduli_set = None if code is None else code.moduli
    settings = core.CoreSettings(
        dot_product=request.dot_product,
        bits=request.converter_bits,
        moduli=moduli_set,
        slice_bits=slice_bits,
        adc_bits=adc_bits,
        adc_range=core.CoreOptions.adc_range.check(adc_range),
        calibration=core.CoreOptions.calibration.check(calibration),
        percentile=core.CoreOptions.percentile.check(percentile),
        devices=devices or core.IDEAL,
    )
    if noise == core.DEVICE:
        from rnscli.analysis.noise.device_noise import noise_of_core  # which takes time to load

        found = noise_of_core(settings, kind, technology, devices)
        return kind.build(replace(settings, devices=found.devices), code, found.laws, attempts)
    laws = core.laws_of(setting, settings.bits, moduli_set, kind.name)
    return kind.build(settings, code, laws, attempts)


def core_columns(flow: Dataflow, bits: int | None) -> dict[str, Any]:
    """Values of the columns that describe a dataflow and its core, by their keys."""
    made, settings = flow.core, flow.core.settings
    return {
        "core": made.name,
        "bits": bits,
        "vector_size": made.dot_product.vector_size,
        "input_bits": made.dot_product.input_bits,
        "weight_bits": made.dot_product.weight_bits,
        "granularity": flow.granularity,
        "scales": flow.scales,
        "input_scale": flow.scale_name,
        "rounding": flow.rounding,
        **core.moduli_columns(None if made.code is None else made.code.moduli),
        "decoder": settings.get("decoder"),
        "slice_bits": settings.get("slice_bits"),
        "adc_bits": settings.get("adc_bits"),
        "adc_range": settings.get("adc_range"),
        **made.noise_columns,
        "attempts": settings.get("attempts") if made.noisy else None,
    }


def described_flow(flow: Dataflow | None) -> dict[str, Any]:
    """What a result depends on, under the keys by which a store is listed; FP32 if ``None``."""
    from rnscli.runtime import describe  # which loads sqlite3

    if flow is None:
        return {"core_name": FP32}
    return {
        "core_name": flow.core.name,
        "core": describe(flow.core),
        "dot_product": describe(flow.core.dot_product),
        "granularity": flow.granularity,
        "scales": flow.scales,
        "input_scale": flow.input_scale,
        "rounding": flow.rounding,
        "path": flow.path,
    }
