"""Which data converters each core has; its simulation and its energy both start from here."""

from collections.abc import Callable
from dataclasses import dataclass

from rnscli.base.checks import check_int
from rnscli.base.errors import InputError
from rnscli.core.arithmetic.dot_product import DotProduct


@dataclass(frozen=True)
class Converters:
    """Bits of a core's converters, and its number of channels.

    A channel is an array with converters of its own: one for each modulus in ``rns``, for each
    slice in ``bit-sliced``, a single one in the conventional cores. Where inputs are no residues,
    DACs have as many bits as they.
    """

    dac_bits: int
    adc_bits: int
    channels: int


@dataclass(frozen=True)
class ConverterChoice:
    """What the converters of a core depend on.

    ``bits`` is b, ``moduli`` the number N of moduli of ``rns``; ``slice_bits`` and ``adc_bits``
    concern ``bit-sliced``, whose ADCs have b bits if not said otherwise, so that it is compared at
    equal converters.
    """

    dot_product: DotProduct
    bits: int
    moduli: int | None = None
    slice_bits: int = 1
    adc_bits: int | None = None


def _fixed_lp(choice: ConverterChoice) -> Converters:
    # An ADC with more bits than the result has would convert nothing but noise.
    dot = choice.dot_product
    return Converters(dot.input_bits, min(choice.bits, dot.output_bits), 1)


def _fixed_hp(choice: ConverterChoice) -> Converters:
    return Converters(choice.dot_product.input_bits, choice.dot_product.output_bits, 1)


def _rns(choice: ConverterChoice) -> Converters:
    if choice.moduli is None:
        raise InputError("core rns needs a moduli set, and none was given")
    return Converters(choice.bits, choice.bits, choice.moduli)


def _bit_sliced(choice: ConverterChoice) -> Converters:
    check_int("slice_bits", choice.slice_bits, 1, choice.dot_product.max_slice_bits)
    dot = choice.dot_product
    exact = dot.slice_output_bits(choice.slice_bits)
    adc_bits = min(choice.bits if choice.adc_bits is None else choice.adc_bits, exact)
    return Converters(dot.input_bits, adc_bits, dot.slices(choice.slice_bits))


_CONVERTERS: dict[str, Callable[[ConverterChoice], Converters]] = {
    "rns": _rns,
    "fixed-lp": _fixed_lp,
    "fixed-hp": _fixed_hp,
    "bit-sliced": _bit_sliced,
}
ANALOG_CORES = tuple(_CONVERTERS)


def converters_of(core: str, choice: ConverterChoice) -> Converters:
    """The converters of an analog core.

    Parameters
    ----------
    core
        One of `ANALOG_CORES`.
    choice
        What they depend on.

    Raises
    ------
    InputError
        If ``rns`` has no moduli.

    Examples
    --------
    >>> choice = ConverterChoice(DotProduct(128, 6, 6), bits=6, moduli=4)
    >>> converters_of("rns", choice)
    Converters(dac_bits=6, adc_bits=6, channels=4)
    >>> converters_of("fixed-hp", choice)
    Converters(dac_bits=6, adc_bits=18, channels=1)
    """
    return _CONVERTERS[core](choice)
