"""What a simulation of dot products reports of a core."""

import math
from dataclasses import dataclass

from rnscli.analysis.error.operands import SparseOperands
from rnscli.analysis.error.parameters import DotErrorParameters
from rnscli.analysis.error.statistics import ErrorStatistics
from rnscli.analysis.statistics import proportion_interval
from rnscli.core.cores import RNS


@dataclass(frozen=True)
class DotErrorRow:
    """Errors of one core against the float64 dot product, as `rnscli error-sim` reports them.

    Errors are in the unit of the operands' products. Intervals of means are Student's t, that of
    the error rate is Clopper and Pearson's; quantiles are within 0.4 %. ``output_error_rate`` is
    the share of results that noise spoilt (`Readout.wrong`). ``precision_reached`` is how far the
    interval of what a precision was asked for (else of the mean absolute error) reaches, as a
    share of its value; ``None`` where that is zero. Without noise its columns are
    ``None``; ``relative_to_rns`` is ``None`` without a moduli set.
    """

    core: str
    bits: int
    vector_size: int
    pairs: int
    mean_abs_error: float
    mean_abs_error_ci95: tuple[float, float]
    mean_error: float
    rms_error: float
    max_abs_error: float
    p50_abs_error: float
    p95_abs_error: float
    p99_abs_error: float
    relative_to_rns: float | None
    residue_error_probability: float | None
    sigma: float | None
    redundant: int | None
    attempts: float | None
    output_error_rate: float | None
    mean_attempts: float | None
    output_error_rate_ci95: tuple[float, float] | None
    input_bits: int
    weight_bits: int
    moduli: tuple[int, ...] | None
    redundant_moduli: tuple[int, ...] | None
    decoder: str | None
    operands: str
    degrees_of_freedom: float | None
    sparsity: float | None
    slice_bits: int | None
    adc_bits: int | None
    precision_reached: float | None
    std_abs_error: float
    min_abs_error: float
    mean_error_ci95: tuple[float, float]
    std_error: float
    min_error: float
    max_error: float
    p5_error: float
    p50_error: float
    p95_error: float
    mean_attempts_ci95: tuple[float, float] | None
    std_attempts: float | None
    max_attempts: int | None
    p99_attempts: int | None


def row_of(
    parameters: DotErrorParameters,
    name: str,
    statistics: ErrorStatistics,
    reference: ErrorStatistics | None,
) -> DotErrorRow:
    """The row of a core, beside the statistics of the reference core if there is one."""
    absolute, core = statistics.absolute, parameters.point.cores[name]
    noisy, settings = core.noisy, core.settings
    relative = None
    if reference is not None and reference.absolute.mean > 0:
        relative = absolute.mean / reference.absolute.mean
    pairs = absolute.count
    moduli = core.code.moduli if core.code is not None else None
    attempts = statistics.attempts.moments() if noisy else None
    operands = parameters.operands
    dense = operands.dense if isinstance(operands, SparseOperands) else operands
    p50, p95, p99 = statistics.absolute_quantiles(0.50, 0.95, 0.99)
    return DotErrorRow(
        core=name,
        bits=parameters.bits,
        vector_size=parameters.dot_product.vector_size,
        pairs=pairs,
        mean_abs_error=absolute.mean,
        mean_abs_error_ci95=absolute.mean_interval(),
        mean_error=statistics.signed.mean,
        rms_error=math.sqrt(statistics.signed.mean_square),
        max_abs_error=statistics.largest,
        p50_abs_error=p50,
        p95_abs_error=p95,
        p99_abs_error=p99,
        relative_to_rns=relative,
        residue_error_probability=_error_probability(parameters),
        sigma=core.noise_columns["sigma"],
        redundant=moduli.redundant if moduli is not None else None,
        attempts=settings.get("attempts") if noisy else None,
        output_error_rate=statistics.wrong / pairs if noisy else None,
        mean_attempts=attempts.mean if attempts is not None else None,
        output_error_rate_ci95=(proportion_interval(statistics.wrong, pairs) if noisy else None),
        input_bits=parameters.dot_product.input_bits,
        weight_bits=parameters.dot_product.weight_bits,
        moduli=moduli.information if moduli is not None else None,
        redundant_moduli=moduli.redundant_moduli if moduli is not None else None,
        decoder=settings.get("decoder"),
        operands=operands.name,
        degrees_of_freedom=getattr(dense, "degrees_of_freedom", None),
        sparsity=getattr(operands, "sparsity", None),
        slice_bits=settings.get("slice_bits"),
        adc_bits=settings.get("adc_bits"),
        precision_reached=statistics.precision(parameters.precision_of),
        std_abs_error=math.sqrt(absolute.variance),
        min_abs_error=statistics.smallest,
        mean_error_ci95=statistics.signed.mean_interval(),
        std_error=math.sqrt(statistics.signed.variance),
        min_error=statistics.lowest,
        max_error=statistics.highest,
        p5_error=statistics.quantile(0.05),
        p50_error=statistics.quantile(0.50),
        p95_error=statistics.quantile(0.95),
        mean_attempts_ci95=attempts.mean_interval() if attempts is not None else None,
        std_attempts=math.sqrt(attempts.variance) if attempts is not None else None,
        max_attempts=statistics.attempts.most if noisy else None,
        p99_attempts=statistics.attempts.quantile(0.99) if noisy else None,
    )


def _error_probability(parameters: DotErrorParameters) -> float | None:
    """That of the residues, also where a row is of a core that is compared with theirs."""
    cores = parameters.point.cores
    core = cores[RNS.name] if RNS.name in cores else cores[parameters.cores[0]]
    p: float | None = core.noise_columns["p"]
    return p
