"""Energy of the data converters for one dot product in each core."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from rnscli.core.checks import check_choice, check_float, check_int
from rnscli.core.dot_product import DotProduct
from rnscli.core.errors import InputError
from rnscli.core.moduli import ModuliSet


class ConverterModel(Protocol):
    """What every model of data converters offers: energies in J per conversion."""

    def adc_energy(self, bits: float) -> float:
        """Energy of one analog-to-digital conversion."""
        ...

    def dac_energy(self, bits: float) -> float:
        """Energy of one digital-to-analog conversion."""
        ...


@dataclass(frozen=True)
class MurmannConverters:
    """ADC: ``k1 ENOB + k2 4^ENOB``; DAC: ``ENOB^2 C_u V_dd^2`` (J per conversion).

    Parameters
    ----------
    adc_k1, adc_k2
        Constants of the ADC in J: the first of the digital part, the second of thermal noise.
    dac_unit_capacitance
        C_u in F.
    supply_voltage
        V_dd in V.

    Raises
    ------
    InputError
        If a constant is negative, NaN or infinite.

    References
    ----------
    Murmann, "Mixed-signal computing for deep neural network inference", IEEE Trans. VLSI 2021;
    the DAC as in arXiv:2309.10759.

    Examples
    --------
    >>> model = MurmannConverters()
    >>> f"{model.adc_energy(6):.4e} {model.dac_energy(6):.4e}"
    '6.0410e-13 1.8000e-14'
    """

    adc_k1: float = 100e-15
    adc_k2: float = 1e-18
    dac_unit_capacitance: float = 0.5e-15
    supply_voltage: float = 1.0

    def __post_init__(self) -> None:
        """Refuse constants that make no sense."""
        limits = {
            "adc_k1": (1.0, "an energy from 0 to 1 J"),
            "adc_k2": (1.0, "an energy from 0 to 1 J"),
            "dac_unit_capacitance": (1.0, "a capacitance from 0 to 1 F"),
            "supply_voltage": (1e4, "a voltage from 0 to 10 kV"),
        }
        for name, (high, what) in limits.items():
            object.__setattr__(self, name, check_float(name, getattr(self, name), 0.0, high, what))

    def adc_energy(self, bits: float) -> float:
        """``k1 ENOB + k2 4^ENOB``."""
        return self.adc_k1 * bits + self.adc_k2 * math.pow(4.0, bits)

    def dac_energy(self, bits: float) -> float:
        """``ENOB^2 C_u V_dd^2``."""
        return bits**2 * self.dac_unit_capacitance * self.supply_voltage**2


@dataclass(frozen=True, kw_only=True)
class EnergyParameters:
    """One design whose converter energy is asked for.

    Parameters
    ----------
    core
        ``rns``, ``fixed-lp``, ``fixed-hp`` or ``bit-sliced``.
    dot_product
        Length h and operand bits.
    bits
        Bits b of the converters.
    moduli
        Set of the core ``rns``, which is also the reference of the others; may be ``None`` when
        that core is not asked for.
    columns
        Number c of dot products that share the DACs of an array; h if not given.
    expected_attempts
        Mean number of computations of a dot product in the core ``rns``, at least 1.
    slice_bits
        Bits s of a weight slice in the core ``bit-sliced``.
    adc_bits
        Bits of that core's ADC; b if not given, the same converters as ``rns``.
    converters
        Energy model.

    Raises
    ------
    InputError
        If a value is out of range, or ``rns`` has no moduli.
    """

    core: str
    dot_product: DotProduct
    bits: int
    moduli: ModuliSet | None = None
    columns: int | None = None
    expected_attempts: float = 1.0
    slice_bits: int = 1
    adc_bits: int | None = None
    converters: ConverterModel = field(default_factory=MurmannConverters)

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        check_choice("core", self.core, tuple(CORE_CONVERSIONS))
        check_int("bits", self.bits, 2, 256)
        check_float(
            "expected_attempts", self.expected_attempts, 1.0, 1e300, "a number of at least 1"
        )
        if self.columns is not None:
            check_int("columns", self.columns, 1)
        check_int("slice_bits", self.slice_bits, 1, self.dot_product.max_slice_bits)
        if self.adc_bits is not None:
            check_int("adc_bits", self.adc_bits, 1, 64)
        if self.core == "rns" and self.moduli is None:
            raise InputError("core rns needs a moduli set, and none was given")
        # 4^ENOB overflows a double beyond 511 bits; no converter comes near.
        if self.dot_product.output_bits > 256:
            raise InputError(
                f"the dot product has {self.dot_product.output_bits} output bits; "
                "the energy of converters is computed for at most 256"
            )
        if self.moduli is not None:
            if self.moduli.residue_bits > self.bits:
                raise InputError(
                    f"`bits` is {self.bits}, but residues of {self.moduli.moduli[0]} have "
                    f"{self.moduli.residue_bits}"
                )
            if self.moduli.dynamic_range < self.dot_product.dynamic_range:
                raise InputError(
                    f"the information moduli cover {self.moduli.dynamic_range} values; "
                    f"the dot product needs {self.dot_product.dynamic_range}"
                )


@dataclass(frozen=True)
class Conversions:
    """Converters of a core: their bits, and how many conversions a dot product takes."""

    dac_bits: int
    adc_bits: int
    dac_conversions: float
    adc_conversions: float


def _conventional(adc_bits: int, parameters: EnergyParameters, copies: float = 1.0) -> Conversions:
    """``copies`` ADC conversions a dot product; h inputs are shared by the c columns."""
    size = parameters.dot_product.vector_size
    return Conversions(
        dac_bits=parameters.bits,
        adc_bits=adc_bits,
        dac_conversions=copies * size / (parameters.columns or size),
        adc_conversions=copies,
    )


def _fixed_lp(parameters: EnergyParameters) -> Conversions:
    # An ADC with more bits than the result has would convert nothing but noise (as in the core).
    return _conventional(min(parameters.bits, parameters.dot_product.output_bits), parameters)


def _fixed_hp(parameters: EnergyParameters) -> Conversions:
    return _conventional(parameters.dot_product.output_bits, parameters)


def _rns(parameters: EnergyParameters) -> Conversions:
    assert parameters.moduli is not None
    copies = parameters.moduli.count * parameters.expected_attempts
    return _conventional(parameters.bits, parameters, copies)


def _bit_sliced(parameters: EnergyParameters) -> Conversions:
    dot = parameters.dot_product
    slices = dot.slices(parameters.slice_bits)
    exact = dot.slice_output_bits(parameters.slice_bits)
    return _conventional(min(parameters.adc_bits or parameters.bits, exact), parameters, slices)


CORE_CONVERSIONS: dict[str, Callable[[EnergyParameters], Conversions]] = {
    "rns": _rns,
    "fixed-lp": _fixed_lp,
    "fixed-hp": _fixed_hp,
    "bit-sliced": _bit_sliced,
}


@dataclass(frozen=True)
class EnergyRow:
    """Converter energy of one dot product, in J, as `rnscli energy` reports it.

    ``relative_to_rns`` is the ratio of ``converter_energy_j`` to that of the core ``rns`` on the
    same operands, ``adc_relative_to_rns`` that of ``adc_energy_j`` (the ratio published in
    arXiv:2309.10759); ``None`` without a moduli set.
    """

    core: str
    bits: int
    vector_size: int
    moduli: tuple[int, ...] | None
    redundant_moduli: tuple[int, ...] | None
    dac_bits: int
    adc_bits: int
    dac_conversions: float
    adc_conversions: float
    dac_energy_j: float
    adc_energy_j: float
    converter_energy_j: float
    energy_per_mac_j: float
    relative_to_rns: float | None
    adc_relative_to_rns: float | None
    input_bits: int
    weight_bits: int
    columns: int
    expected_attempts: float


def converter_energy(parameters: EnergyParameters) -> EnergyRow:
    """Energy of the converters for one dot product of h terms in an h x c array.

    Weights stay in the array, so a dot product takes one ADC conversion and, the inputs being
    shared by c columns, h / c DAC conversions: once for each modulus and attempt in ``rns``, once
    for each slice in ``bit-sliced``.

    Parameters
    ----------
    parameters
        The design.

    Returns
    -------
    EnergyRow

    References
    ----------
    arXiv:2309.10759, energy of data converters.

    Examples
    --------
    >>> row = converter_energy(EnergyParameters(
    ...     core="fixed-hp", dot_product=DotProduct(128, 4, 4), bits=4,
    ...     moduli=ModuliSet([15, 14, 13, 11])))
    >>> round(row.adc_relative_to_rns, 2)
    168.54
    """
    conversions = CORE_CONVERSIONS[parameters.core](parameters)
    dac, adc = _energies(conversions, parameters.converters)
    reference = None
    if parameters.moduli is not None:
        reference = _energies(_rns(parameters), parameters.converters)
    coded = parameters.core == "rns"
    moduli = parameters.moduli if coded else None
    size = parameters.dot_product.vector_size
    return EnergyRow(
        core=parameters.core,
        bits=parameters.bits,
        vector_size=size,
        moduli=moduli.information if moduli is not None else None,
        redundant_moduli=moduli.redundant_moduli if moduli is not None else None,
        dac_bits=conversions.dac_bits,
        adc_bits=conversions.adc_bits,
        dac_conversions=conversions.dac_conversions,
        adc_conversions=conversions.adc_conversions,
        dac_energy_j=dac,
        adc_energy_j=adc,
        converter_energy_j=dac + adc,
        energy_per_mac_j=(dac + adc) / size,
        relative_to_rns=_ratio(dac + adc, sum(reference)) if reference else None,
        adc_relative_to_rns=_ratio(adc, reference[1]) if reference else None,
        input_bits=parameters.dot_product.input_bits,
        weight_bits=parameters.dot_product.weight_bits,
        columns=parameters.columns or size,
        expected_attempts=parameters.expected_attempts if coded else 1.0,
    )


def _energies(conversions: Conversions, converters: ConverterModel) -> tuple[float, float]:
    return (
        conversions.dac_conversions * converters.dac_energy(conversions.dac_bits),
        conversions.adc_conversions * converters.adc_energy(conversions.adc_bits),
    )


def _ratio(energy: float, reference: float) -> float | None:
    """A ratio, or ``None`` where all constants are zero."""
    return energy / reference if reference > 0 else None
