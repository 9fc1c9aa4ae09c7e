"""An analog core by its name, with moduli that are chosen for it."""

from collections.abc import Sequence
from typing import Any

from rnscli.analysis.moduli import DEFAULT_VECTOR_SIZE, ModuliRequest
from rnscli.analysis.networks.rows import FP32
from rnscli.base.checks import check_choice
from rnscli.base.errors import InputError
from rnscli.core.arithmetic.code import RedundantCode
from rnscli.core.cores.bit_sliced import BitSlicedCore
from rnscli.core.cores.core import Core
from rnscli.core.cores.registry import CORES, CoreSpecification
from rnscli.core.cores.rns import RnsCore
from rnscli.core.noise.law import Gaussian, NoiseLaw, Uniform, mean_error_probability
from rnscli.matrix.dataflow import Dataflow
from rnscli.runtime.work import describe


def analog_core(
    name: str = "rns",
    *,
    bits: int | None = None,
    vector_size: int = DEFAULT_VECTOR_SIZE,
    input_bits: int | None = None,
    weight_bits: int | None = None,
    moduli: Sequence[int] | None = None,
    redundant: int = 0,
    p: float | None = None,
    sigma: float | None = None,
    attempts: float = 1,
    decoder: str = "bounded-distance",
    legitimate_range: int | str = "product",
    rule: str = "exact",
    max_modulus: int | None = None,
    slice_bits: int = 1,
    adc_bits: int | None = None,
) -> Core:
    """A core of the name ``rns``, ``fixed-lp``, ``fixed-hp`` or ``bit-sliced``.

    Parameters
    ----------
    name
        The core.
    bits
        Bits b of its converters; needed unless ``moduli`` are given.
    vector_size
        Length h of its dot products, which is the number of rows of its array.
    input_bits, weight_bits
        Bits of the operands; b if not given.
    moduli, redundant, rule, max_modulus
        Of the core ``rns``, as in `rnscli.ModuliRequest`: the best moduli unless they are given.
    p, sigma
        Noise: a probability of errors, or the standard deviation in residue steps; not both.
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
    check_choice("name", name, tuple(CORES))
    if p is not None and sigma is not None:
        raise InputError("`p` and `sigma` are two kinds of noise; leave one of them out")
    noise: NoiseLaw | None = None
    if p is not None:
        noise = Uniform(p)
    elif sigma is not None:
        noise = Gaussian(sigma)
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
    if name == "rns":
        chosen = request.choose()[0]
        size = request.legitimate_range(chosen, legitimate_range)
        code = RedundantCode(chosen, size, decoder)
    return CORES[name](
        CoreSpecification(
            request.dot_product, request.converter_bits, code, noise, attempts, slice_bits, adc_bits
        )
    )


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
        "noise": core.noise.name if core.noise is not None else None,
        "p": error_probability(core, bits),
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
