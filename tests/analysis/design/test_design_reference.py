"""All numbers of a space, one design after the other by the functions for single points."""

import itertools
import math
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import pytest
from made_cores import reading_error
from simple_arrays import CROSSBAR, LIGHT

from rnscli.analysis.design.evaluation import Evaluator, SimulatedError, error_key
from rnscli.analysis.design.space import Design, DesignSpace
from rnscli.analysis.energy.bill import energy
from rnscli.analysis.energy.parameters import EnergyParameters
from rnscli.analysis.error.dot_error import DotErrorParameters, dot_error
from rnscli.analysis.faults.fault_probability import FaultParameters, fault_probability
from rnscli.analysis.faults.wrong_outputs import wrong_outputs
from rnscli.analysis.moduli import ModuliRequest
from rnscli.base.errors import RnscliError
from rnscli.core.arithmetic.code import RedundantCode
from rnscli.core.arithmetic.decoders import decoder_for
from rnscli.core.arithmetic.dot_product import DotProduct
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.cores import CORES
from rnscli.core.cores.conventional_core import mean_square
from rnscli.core.cores.kind import CoreSettings
from rnscli.core.noise import Gaussian, NoiseLaw, NoiseSetting, Uniform
from rnscli.hardware.adc import AdcModel
from rnscli.hardware.adc.surveyed import MurmannAdc, WaldenAdc
from rnscli.hardware.profile import load_technology
from rnscli.hardware.technology import Technology

METRICS = (
    "energy_per_mac_j", "latency_s", "area_m2", "mean_abs_error", "output_error", "output_snr_db",
    "p_err", "throughput_macs_per_s", "power_w", "edp_js", "area_per_throughput", "arrays",
)  # fmt: skip
Numbers = dict[str, float]
ADCS: dict[str, Callable[[float], AdcModel | None]] = {
    "own": lambda node: None,
    "murmann": lambda node: MurmannAdc(node=node),
    "walden": lambda node: WaldenAdc(node=node),
}
SIMPLE = {one.name: one for one in (CROSSBAR, LIGHT)}
# Every core; at 4 bits two redundant moduli are one too many for h = 256; arrays of light have at
# most 128 rows, so that what is exact is cut in two there, and the others do not exist.
EVERY: dict[str, Any] = {
    "bits": (4, 5),
    "vector_size": (16, 256),
    "redundant": (0, 1, 2),
    "attempts": (1, 2, math.inf),
    "decoder": ("bounded-distance", "detect"),
    "legitimate_range": ("product", "operands"),
    "columns_per_adc": (1, 4),
    "slice_bits": (1, 2),
    "adc_bits": (None, 5),
    "adc_range": ("full", "1/8"),
    "technology": ("crossbar", "light", "digital-logic"),
    "adc": ("murmann", "walden"),
    "memory": "none",
    "scales": "none",
    "pairs": 100,
}
ODD: dict[str, Any] = {
    "bits": (4, 5),
    "factor": (1, 2),
    "redundant": (0, 1, 3),
    "attempts": (1, 3),
    "vector_size": (24,),
    "decoder": ("majority", "detect", "lee", "robust"),
    "legitimate_range": ("operands", 2000),
    "input_bits": 3,
    "weight_bits": 5,
    "rule": "bits",
    "max_modulus": 15,
    "columns": (10, 7),
    "columns_per_adc": (3,),
    "reverse": ("crt", "mixed-radix"),
    "adc_rate": (5e8,),
    "clock": (5e8, 2e9),
    "technology": ("switched-capacitor", "sram-digital"),
    "modulo_energy": 5e-15,
    "memory": "sram-1m",
    "scales": "power-of-two",
    "pairs": 60,
    "seed": 3,
}
# Shipped technologies with ADCs of their own; light that reads few rows, and wraps only residues.
LIT: dict[str, Any] = {
    "bits": (3, 4),
    "vector_size": (16, 100),
    "redundant": (0, 1),
    "attempts": (1, 4, math.inf),
    "decoder": ("detect",),
    "legitimate_range": ("product",),
    "columns": (20,),
    "technology": ("reram-analog", "photonic-phase", "photonic-incoherent", "sram-digital"),
    "adc": ("own", "murmann"),
    "columns_per_adc": (1, 4),
    "max_link_sigma": (0.12,),
    "pairs": 40,
}

# As many arrays as are wanted, or as there is room for; not one of the largest fits.
WANTED = LIT | {"throughput": 3e12}
GIVEN = LIT | {"area": 2e-5}


def noise_of(noise: Any, moduli: ModuliSet) -> NoiseLaw | tuple[NoiseLaw, ...]:
    """The law of every residue, that of Gaussian noise 30 dB below full scale written out."""
    if isinstance(noise, NoiseSetting):
        return tuple(Gaussian(m * 10 ** (-30 / 20)) for m in moduli.moduli)
    return noise


LAWS: dict[str, Any] = {
    "none": None,
    "uniform": Uniform(0.01),
    "gaussian": Gaussian(0.2),
    "snr": NoiseSetting(snr_db=30),
}
AXES_OF = {
    "rns": "reverse factor redundant decoder legitimate_range attempts",
    "fixed-lp": "adc_bits adc_range",
    "fixed-hp": "",
    "bit-sliced": "slice_bits adc_bits adc_range",
    "digital-int8": "",
    "digital-int4": "",
}
DIGITAL = {"digital-int8": 8, "digital-int4": 4}  # bits of their operands
ORDERED = (
    "vector_size", "bits", "columns", "columns_per_adc", "adc_rate", "clock", "slice_bits",
    "adc_bits", "factor", "redundant", "attempts",
)  # fmt: skip
# Left open, it is for the design to say.
OPEN: dict[str, Sequence[Any]] = {
    "columns": (None,), "columns_per_adc": (None, 1), "adc_rate": (None,), "clock": (1e9,)
}  # fmt: skip


def technology_named(name: str) -> Technology:
    return SIMPLE.get(name) or load_technology(name)


def space_of(case: dict[str, Any], law: str) -> DesignSpace:
    values = dict(case)
    values["technology"] = tuple(technology_named(name) for name in case["technology"])
    if "adc" in case:
        values["adc"] = tuple(ADCS[name](1e-8) for name in case["adc"])  # the node is replaced
    return DesignSpace(**values, noise=LAWS[law])


def axes_of(case: dict[str, Any], core: str) -> dict[str, Sequence[Any]]:
    """Axes of a core with their values, as said in the requirement."""
    digital = core in DIGITAL

    def runs(array: Technology) -> bool:
        if digital or array.kind == "digital":
            return digital and array.kind == "digital"
        if core == "rns":
            return array.modulo != "none" or "modulo_energy" in case
        return array.modulo != "phase"

    axes: dict[str, Sequence[Any]] = {
        "core": (core,),
        "vector_size": case["vector_size"],
        "technology": [n for n in case["technology"] if runs(technology_named(n))],
        "bits": (DIGITAL[core],) if digital else case["bits"],
    }
    for axis in ("columns",) if digital else OPEN:
        axes[axis] = case.get(axis) or OPEN[axis]
    default: dict[str, Sequence[Any]] = {
        "reverse": ("mixed-radix",), "slice_bits": (1,), "adc_bits": (None,),
        "adc_range": ("full",), "factor": (1,),
    }  # fmt: skip
    for axis in AXES_OF[core].split():
        axes[axis] = case.get(axis) or default[axis]
    return axes


def every_design(case: dict[str, Any]) -> list[Design]:
    found = []
    for core in AXES_OF:
        axes = axes_of(case, core)
        for values in itertools.product(*axes.values()):
            made = dict(zip(axes, values, strict=True))
            if technology_named(made["technology"]).link:
                (made["max_link_sigma"],) = case.get("max_link_sigma", (None,))
            found.append(Design(**made))
    return found


def attempts_of_pass(rejected: float, attempts: float, columns: int) -> float:
    """Mean of the largest of c numbers of attempts: P(more than i) summed over i < R."""
    mean, power = 1.0, rejected
    done = 1
    while done < attempts and power > 1e-25:
        mean += -math.expm1(columns * math.log1p(-power)) if power < 1 else 1.0
        power *= rejected
        done += 1
    return mean


def numbers_of(case: dict[str, Any], law: str, design: Design) -> Numbers | None:
    """The numbers of a design; ``None`` if there is no such one."""
    digital = design.core in DIGITAL
    operands = {
        f"{name}_bits": case.get(f"{name}_bits") or design.bits for name in ("input", "weight")
    }
    parameters: dict[str, Any] = {
        "core": design.core,
        "dot_product": DotProduct(design.vector_size, **operands),
        "bits": design.bits,
        "technology": technology_named(design.technology),
        "slice_bits": design.slice_bits or 1,
        "adc_bits": design.adc_bits,
        "adc_range": design.adc_range or "full",
        "columns": design.columns,
        "columns_per_adc": design.columns_per_adc,
        "adc_rate": design.adc_rate,
        "clock": design.clock or 1e9,
        "reverse": design.reverse or "mixed-radix",
    }
    parameters |= {name: case[name] for name in ("memory", "scales") if name in case}
    parameters["max_link_sigma"] = design.max_link_sigma
    if design.core == "rns" and "modulo_energy" in case:
        parameters["modulo_energy"] = case["modulo_energy"]
    node = technology_named(design.technology).node
    models = [None] if digital else [ADCS[name](node) for name in case.get("adc", ("own",))]
    p_err, square, code = 0.0, 0.0, None
    noise = LAWS[law]
    try:
        if design.core == "rns":
            request = ModuliRequest(
                bits=design.bits,
                vector_size=design.vector_size,
                factor=design.factor if design.factor != 1 else None,
                redundant=design.redundant or 0,
                **{n: case.get(n) for n in ("input_bits", "weight_bits", "max_modulus")},
                rule=case.get("rule", "exact"),
            )
            moduli = request.choose()[0]
            size = request.legitimate_range(moduli, design.legitimate_range or "product")
            decoder = decoder_for(moduli, design.decoder or "detect")
            parameters |= {
                "moduli": moduli,
                "legitimate_range": size,
                "decoder": decoder.name,
            }
            code = RedundantCode(ModuliSet(moduli.information))
            if noise is not None:
                coded = FaultParameters(
                    moduli=moduli,
                    noise=noise_of(noise, moduli),
                    attempts=design.attempts or 1,
                    decoder=design.decoder or "detect",
                    legitimate_range=size,
                )
                found = fault_probability(coded)
                deviation = sums_of(parameters["dot_product"])
                off = wrong_outputs(coded.point, deviation)
                missed = min(found.p_err, found.p_undetected * found.expected_attempts)
                if design.attempts == math.inf:
                    missed = found.p_err
                if missed:
                    square = missed / found.p_undetected * off.undetected
                if found.p_detected:
                    square += (found.p_err - missed) / found.p_detected * off.rejected
                chances = found.residue_p or (found.p,) * moduli.count
                all_right = math.fsum(math.log1p(-p) for p in chances)
                p_err = found.p_err
                parameters["expected_attempts"] = found.expected_attempts
                parameters["pass_attempts"] = attempts_of_pass(
                    found.p_detected,
                    design.attempts or 1,
                    design.columns or design.vector_size,
                )
                parameters["search_probability"] = -math.expm1(all_right)
        every = [EnergyParameters(**parameters, adc=model) for model in models]
    except RnscliError:
        return None
    made = every[0]
    if noise is not None and made.design.converters is not None and design.core != "rns":
        bits = design.bits
        law = Gaussian(2**bits * 10 ** (-30 / 20)) if isinstance(noise, NoiseSetting) else noise
        chosen: dict[str, Any] = {
            "slice_bits": design.slice_bits or 1,
            "adc_bits": design.adc_bits,
            "adc_range": design.adc_range or "full",
        }
        p_err = reading_error(design.core, made.dot_product, bits, law, **chosen)
        settings = CoreSettings(dot_product=made.dot_product, bits=bits, **chosen)
        square = CORES[design.core].noise_square(settings, law)
    rows = [numbers_by(case, one) for one in every]
    if not all(rows):
        return None
    # As the model says that has the most energy.
    numbers = max(rows, key=lambda one: one["energy_per_mac_j"])
    error, rms = error_of(case, design, code)
    share = 9 * rms**2 / design.vector_size
    share += square / sums_of(parameters["dot_product"]) ** 2
    errors = {"p_err": p_err, "mean_abs_error": error, "output_error": math.sqrt(share)}
    errors["output_snr_db"] = -10 * math.log10(share)
    return numbers | errors


def sums_of(dot: DotProduct) -> float:
    """Standard deviation of the dot products."""
    squares = [mean_square(q, dot.vector_size) for q in (dot.max_input, dot.max_weight)]
    return math.sqrt(dot.vector_size * math.prod(squares))


def numbers_by(case: dict[str, Any], made: EnergyParameters) -> Numbers:
    """What a bill says, but for errors; nothing if not one array fits."""
    row = energy(made)
    # As many arrays as a throughput takes, or as fit in an area; and power at that load.
    area, rate = row.area_m2, row.throughput_macs_per_s
    arrays = 1
    if "throughput" in case:
        arrays = math.ceil(case["throughput"] / rate)
    elif "area" in case:
        arrays = math.floor(case["area"] / area)
        if not arrays:
            return {}
    return {
        "energy_per_mac_j": row.energy_per_mac_j,
        "latency_s": row.latency_s,
        "area_m2": arrays * area,
        "throughput_macs_per_s": arrays * rate,
        "power_w": case.get("throughput", arrays * rate) * row.energy_per_mac_j,
        "edp_js": row.energy_per_dot_product_j * row.latency_s,
        "area_per_throughput": area / rate,
        "arrays": arrays,
    }


def error_of(
    case: dict[str, Any], design: Design, code: RedundantCode | None
) -> tuple[float, float]:
    digital = design.core in DIGITAL
    own = {
        n: DIGITAL[design.core] if digital else case.get(n) or design.bits
        for n in ("input_bits", "weight_bits")
    }
    settings = {
        name: getattr(design, name)
        for name in ("slice_bits", "adc_bits", "adc_range")
        if name in AXES_OF[design.core].split()
    }
    return simulated(
        DotProduct(design.vector_size, **own),
        design.bits,
        "fixed-hp" if digital else design.core,
        code,
        case["pairs"],
        case.get("seed", 0),
        **settings,
    )


@cache
def simulated(
    dot: DotProduct,
    bits: int,
    core: str,
    code: RedundantCode | None,
    pairs: int,
    seed: int,
    **sliced: Any,
) -> tuple[float, float]:
    parameters = DotErrorParameters(
        dot_product=dot, bits=bits, cores=(core,), code=code, pairs=pairs, seed=seed, **sliced
    )
    (row,) = dot_error(parameters).rows
    return row.mean_abs_error, row.rms_error


_TABLES: dict[tuple[int, str], dict[Design, Numbers | None]] = {}


def table(case: dict[str, Any], law: str) -> dict[Design, Numbers | None]:
    """Numbers of every design of a space."""
    key = (id(case), law)
    if key not in _TABLES:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            _TABLES[key] = {d: numbers_of(case, law, d) for d in every_design(case)}
    return _TABLES[key]


def evaluated(case: dict[str, Any], law: str) -> dict[Design, Numbers | None]:
    """The same by the parts of the search, for comparisons that rounding must not disturb."""
    space = space_of(case, law)
    errors = {
        error_key(design): SimulatedError(row.mean_abs_error, row.rms_error)
        for design in {error_key(d): d for d, _ in space.groups()}.values()
        for row in dot_error(space.error_parameters(design)).rows
    }
    evaluator = Evaluator(space, errors)
    found: dict[Design, Numbers | None] = {}
    for group, attempts in space.groups():
        for most in attempts:
            design = Design(**vars(group) | {"attempts": most})
            try:
                made = evaluator.group(group)
            except RnscliError:
                found[design] = None
                continue
            assert made is not None
            metrics = made.metrics(most)
            found[design] = vars(metrics) if metrics.arrays else None
    return found


_EVALUATED: dict[tuple[int, str], dict[Design, Numbers | None]] = {}


def exact_table(case: dict[str, Any], law: str) -> dict[Design, Numbers | None]:
    key = (id(case), law)
    if key not in _EVALUATED:
        _EVALUATED[key] = evaluated(case, law)
    return _EVALUATED[key]


@pytest.mark.parametrize("law", list(LAWS))
@pytest.mark.parametrize(
    "case",
    [pytest.param(EVERY, marks=pytest.mark.thorough), ODD, LIT, WANTED, GIVEN],
    ids=["every", "odd", "lit", "wanted", "given"],
)
def test_every_number_of_every_design(case: dict[str, Any], law: str) -> None:
    expected, found = table(case, law), exact_table(case, law)
    assert set(found) == set(expected) and len(found) == len(every_design(case))
    assert set(AXES_OF) == {d.core for d, n in expected.items() if n is not None}
    if case is not ODD:
        assert None in expected.values()
    for design, numbers in expected.items():
        assert found[design] == (numbers and pytest.approx(numbers, rel=1e-12, abs=0)), design
