"""An analog core by its name, with moduli that are chosen for it."""

from collections.abc import Sequence

from rnscli.analysis.moduli_choice import DEFAULT_VECTOR_SIZE, ModuliRequest
from rnscli.core.checks import check_choice
from rnscli.core.code import RedundantCode
from rnscli.core.cores import CORES, CoreSpecification
from rnscli.core.errors import InputError
from rnscli.core.noise import Gaussian, NoiseLaw, Uniform
from rnscli.core.readout import Core


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
