"""The data behind the pictures of the reproduced results, each a row for a point that is drawn."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rnscli.analysis.energy.energy import energy
from rnscli.analysis.error.dot_error import DotErrorResult
from rnscli.analysis.faults.fault_probability import fault_probability
from rnscli.analysis.faults.rows import FaultProbability
from rnscli.analysis.reproduction_cases import BITS, REDUNDANCIES, bill_of, faults_of

CORES = ("fixed-lp", "rns", "fixed-hp")
_TENTHS = range(-50, -9)  # of decades of p


@dataclass(frozen=True)
class ErrorRange:
    """Distribution of the absolute error of a core, by quantiles within 0.4 %."""

    bits: int
    core: str
    pairs: int
    mean_abs_error: float
    mean_abs_error_ci95: tuple[float, float]
    p5_abs_error: float
    p25_abs_error: float
    p50_abs_error: float
    p75_abs_error: float
    p95_abs_error: float
    max_abs_error: float
    relative_to_rns: float | None


@dataclass(frozen=True)
class EnergyPoint:
    """Energy of one dot product: of its ADCs, and all of it."""

    bits: int
    core: str
    adc_bits: int | None
    adc_conversions: float
    adc_energy_j: float
    energy_per_dot_product_j: float
    adc_relative_to_rns: float | None


@dataclass(frozen=True)
class FaultPoint:
    """Output error probability; simulated as well where the last three are given."""

    redundant: int
    attempts: float
    p: float
    p_err: float
    simulated_p_err: float | None = None
    simulated_p_err_ci999: tuple[float, float] | None = None
    simulated_words: int | None = None


def error_ranges(simulated: Iterable[DotErrorResult]) -> tuple[ErrorRange, ...]:
    """Each core at each b."""
    return tuple(_error_ranges(simulated))


def _error_ranges(simulated: Iterable[DotErrorResult]) -> Iterator[ErrorRange]:
    for result in simulated:
        rows = {row.core: row for row in result.rows}
        for core in CORES:
            row = rows[core]
            p5, p25, p75 = result.statistics[core].absolute_quantiles(0.05, 0.25, 0.75)
            yield ErrorRange(
                bits=row.bits,
                core=core,
                pairs=row.pairs,
                mean_abs_error=row.mean_abs_error,
                mean_abs_error_ci95=row.mean_abs_error_ci95,
                p5_abs_error=p5,
                p25_abs_error=p25,
                p50_abs_error=row.p50_abs_error,
                p75_abs_error=p75,
                p95_abs_error=row.p95_abs_error,
                max_abs_error=row.max_abs_error,
                relative_to_rns=row.relative_to_rns,
            )


def energy_points() -> tuple[EnergyPoint, ...]:
    """Each core at each b."""
    bills = [energy(bill_of(core, bits)) for bits in BITS for core in CORES]
    return tuple(
        EnergyPoint(
            bits=bill.bits,
            core=bill.core,
            adc_bits=bill.adc_bits,
            adc_conversions=bill.adc_conversions,
            adc_energy_j=bill.adc_energy_j,
            energy_per_dot_product_j=bill.energy_per_dot_product_j,
            adc_relative_to_rns=bill.adc_relative_to_rns,
        )
        for bill in bills
    )


def fault_points(simulated: Iterable[FaultProbability]) -> tuple[FaultPoint, ...]:
    """Each code and number of attempts over five decades of p, simulated where that was done."""
    checked = {(row.redundant, row.attempts, row.p): row for row in simulated}
    points = []
    for redundant, attempts in REDUNDANCIES:
        for tenth in _TENTHS:
            p = float(f"{10 ** (tenth / 10):.6g}")
            beside = checked.get((redundant, attempts, p))
            points.append(
                FaultPoint(
                    redundant=redundant,
                    attempts=attempts,
                    p=p,
                    p_err=fault_probability(faults_of(redundant, attempts, p)).p_err,
                    simulated_p_err=beside.simulated_p_err if beside else None,
                    simulated_p_err_ci999=beside.simulated_p_err_ci999 if beside else None,
                    simulated_words=beside.simulated_words if beside else None,
                )
            )
    return tuple(points)
