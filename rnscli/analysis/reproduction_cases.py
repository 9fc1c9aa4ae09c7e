"""The published values that can be computed: each as a case, with the parameters that give it."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TypeVar

from rnscli.analysis import published
from rnscli.analysis.energy.parameters import EnergyParameters
from rnscli.analysis.error.parameters import DotErrorParameters
from rnscli.analysis.faults.fault_probability import FaultParameters
from rnscli.analysis.moduli import ModuliRequest
from rnscli.analysis.verdict import Published
from rnscli.core.arithmetic.code import RedundantCode
from rnscli.core.arithmetic.dot_product import RULES, DotProduct
from rnscli.hardware.technology import load_technology

BITS = tuple(published.MODULI)
WORDS = 1_000_000  # simulated beside each exact probability
FAULT_BITS = 6
# (k, R): without redundancy nothing is detected, and further attempts change nothing.
REDUNDANCIES = ((0, 1), (1, 1), (1, 2), (1, math.inf), (2, 1), (2, 2), (2, math.inf))
PROBABILITIES = (1e-3, 1e-1)

Parameters = TypeVar("Parameters")


@dataclass(frozen=True)
class Case:
    """A published value and how to ask for it.

    ``name`` is what ``--only`` takes, ``case`` tells it from others of the ``result``; ``command``
    prints the value alone, in its ``column``.
    """

    name: str
    result: str
    case: str
    printed: Published
    column: str
    command: str
    source: str = published.BLUEPRINT
    unit: str = ""


def chosen(cases: Mapping[Case, Parameters], only: Collection[str]) -> dict[Case, Parameters]:
    """The cases that are named, or all of them."""
    return {
        case: parameters
        for case, parameters in cases.items()
        if not only or case.name in only or case.result in only
    }


def moduli_cases() -> dict[Case, ModuliRequest]:
    """The moduli chosen for b bits, by both rules of what they must cover."""
    return {
        Case(
            name=f"moduli-{bits}-{rule}",
            result="moduli",
            case=f"b = {bits}, rule {rule}",
            printed=published.MODULI[bits],
            column="moduli",
            command=f"rnscli moduli --bits {bits} {_SIZE} --rule {rule}",
        ): request_of(bits, rule=rule)
        for bits in BITS
        for rule in RULES
    }


def adc_energy_cases() -> dict[Case, EnergyParameters]:
    """ADC energy of the core ``fixed-hp`` over that of ``rns``."""
    return {
        Case(
            name=f"adc-energy-{bits}",
            result="adc-energy",
            case=f"b = {bits}",
            printed=published.ADC_ENERGY_RATIO[bits],
            column="adc_relative_to_rns",
            command=f"rnscli energy --core fixed-hp --bits {bits} {_SIZE}",
        ): bill_of("fixed-hp", bits)
        for bits in BITS
    }


def error_cases(seed: int) -> dict[Case, DotErrorParameters]:
    """Mean absolute error of the core ``fixed-lp`` over that of ``rns``."""
    cases = {}
    for bits in BITS:
        request = request_of(bits)
        case = Case(
            name=f"error-{bits}",
            result="error",
            case=f"b = {bits}",
            printed=published.ERROR_RATIO,
            column="relative_to_rns",
            command=f"rnscli error-sim --core fixed-lp --bits {bits} {_SIZE} "
            f"--pairs {published.ERROR_PAIRS} --seed {seed}",
        )
        cases[case] = DotErrorParameters(
            dot_product=request.dot_product,
            bits=bits,
            pairs=published.ERROR_PAIRS,
            code=RedundantCode(request.choose()[0]),
            seed=seed,
        )
    return cases


def fault_cases(seed: int) -> dict[Case, FaultParameters]:
    """Output error probability with k redundant moduli after R attempts."""
    return {
        Case(
            name=f"p-err-k{redundant}-r{attempts:g}-p{p:g}",
            result="p-err",
            case=f"k = {redundant}, R = {attempts:g}, p = {p:g}",
            printed=published.OUTPUT_ERROR,
            column="p_err",
            command=f"rnscli fault-prob --bits {FAULT_BITS} {_SIZE} --redundant {redundant} "
            f"--attempts {attempts:g} --p {p:g} --validate {WORDS} --seed {seed}",
        ): faults_of(redundant, attempts, p)
        for p in PROBABILITIES
        for redundant, attempts in REDUNDANCIES
    }


@dataclass(frozen=True)
class ArrayPair:
    """The analog block and, where a ratio is published, the digital one that it is compared with.

    ``quantity`` is the field of an energy row that is meant, in the base ``unit``.
    """

    analog: EnergyParameters
    digital: EnergyParameters | None = None
    quantity: str = "energy_per_mac_j"
    unit: str = "J"


def array_cases() -> dict[Case, ArrayPair]:
    """Energy per MAC of the analog block, and ratios of energy and latency to it."""
    analog = _array("fixed-lp", "reram-analog")
    quantities = {"energy": ("energy_per_mac_j", "J"), "latency": ("latency_s", "s")}
    energy_per_mac = Case(
        name="array-analog",
        result="array",
        case="energy per MAC, reram-analog",
        printed=published.ARRAY_ENERGY_PER_MAC,
        column="energy_per_mac_j",
        command=f"rnscli energy --core fixed-lp --bits {published.ARRAY_BITS} "
        f"--vector-size {published.ARRAY_SIZE} --technology reram-analog",
        source=published.MARINELLA,
        unit="J",
    )
    ratios = {
        Case(
            name=f"array-{technology}-{quantity}",
            result="array",
            case=f"{quantity}, {technology} over analog",
            printed=value,
            column="computed",
            command=f"rnscli reproduce --only array-{technology}-{quantity}",
            source=published.MARINELLA,
        ): ArrayPair(analog, _array("digital-int8", technology), *quantities[quantity])
        for technology, values in published.ARRAY_RATIOS.items()
        for quantity, value in values.items()
    }
    return {energy_per_mac: ArrayPair(analog), **ratios}


_SIZE = f"--vector-size {published.VECTOR_SIZE}"


def request_of(bits: int, redundant: int = 0, rule: str = RULES[0]) -> ModuliRequest:
    """The moduli of the published dot product with converters of b bits."""
    return ModuliRequest(
        bits=bits, vector_size=published.VECTOR_SIZE, redundant=redundant, rule=rule
    )


def bill_of(core: str, bits: int) -> EnergyParameters:
    """The published dot product in a core with converters of b bits."""
    request = request_of(bits)
    return EnergyParameters(
        core=core, dot_product=request.dot_product, bits=bits, moduli=request.choose()[0]
    )


def faults_of(redundant: int, attempts: float, p: float) -> FaultParameters:
    """The code of the published curves."""
    moduli = request_of(FAULT_BITS, redundant).choose()[0]
    return FaultParameters(moduli=moduli, p=p, attempts=attempts)


def _array(core: str, technology: str) -> EnergyParameters:
    return EnergyParameters(
        core=core,
        dot_product=DotProduct(published.ARRAY_SIZE, published.ARRAY_BITS, published.ARRAY_BITS),
        bits=published.ARRAY_BITS,
        technology=load_technology(technology),
    )
