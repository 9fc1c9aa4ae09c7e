"""What a simulation of dot products reports of a core."""

from dataclasses import dataclass
from typing import Annotated

from rnscli.analysis.columns import (
    CI95,
    AdcBits,
    Attempts,
    Bits,
    Core,
    Decoder,
    InputBits,
    MeanAbsError,
    MeanAbsErrorInterval,
    Moduli,
    Noise,
    OutputErrorRate,
    OutputErrorRateInterval,
    P,
    PrecisionReached,
    Range,
    Redundant,
    RedundantModuli,
    Sigma,
    SimulatedAttempts,
    SliceBits,
    VectorSize,
    WeightBits,
)
from rnscli.base import Column


@dataclass(frozen=True)
class DotErrorRow:
    """Errors of one core against the float64 dot product, as `rnscli error-sim` reports them.

    Errors are in the unit of the operands' products. Intervals of means are Student's t, that of
    the error rate is Clopper and Pearson's; quantiles are within 0.4 %. ``output_error_rate`` is
    the share of results that noise spoilt (`Readout.wrong`). ``precision_reached`` is how far the
    interval of the value with a requested precision (else of the mean absolute error) reaches, as a
    share of its value; ``None`` where that is zero. Without noise its columns are
    ``None``; ``relative_to_rns`` is ``None`` without a moduli set.
    """

    core: Core
    bits: Bits
    vector_size: VectorSize
    pairs: Annotated[int, Column("Number of dot products that were simulated.", low=1)]
    mean_abs_error: MeanAbsError
    mean_abs_error_ci95: MeanAbsErrorInterval
    mean_error: Annotated[float, Column("Mean of the signed error.", "mean e", low=None)]
    rms_error: Annotated[float, Column("Root of the mean squared error.", "rms e")]
    max_abs_error: Annotated[float, Column("Largest absolute error.", "max |e|")]
    p50_abs_error: Annotated[
        float, Column("Median of the absolute error, within 0.4 %.", "p50 |e|")
    ]
    p95_abs_error: Annotated[
        float, Column("95 % quantile of the absolute error, within 0.4 %.", "p95 |e|")
    ]
    p99_abs_error: Annotated[
        float, Column("99 % quantile of the absolute error, within 0.4 %.", "p99 |e|")
    ]
    relative_to_rns: Annotated[
        float | None, Column("mean_abs_error over that of the core rns.", "x rns")
    ]
    noise: Noise | None
    p: P | None
    sigma: Sigma | None
    redundant: Redundant | None
    attempts: Attempts | None
    output_error_rate: OutputErrorRate | None
    expected_attempts: SimulatedAttempts | None
    output_error_rate_ci95: OutputErrorRateInterval | None
    input_bits: InputBits
    weight_bits: WeightBits
    moduli: Moduli | None
    redundant_moduli: RedundantModuli | None
    decoder: Decoder | None
    operands: Annotated[str, Column("Distribution of the operands, or their file.")]
    degrees_of_freedom: Annotated[
        float | None, Column("Degrees of freedom of the distribution student-t.", "nu", low=2)
    ]
    sparsity: Annotated[
        float | None, Column("Probability that a drawn operand is replaced by zero.", high=1)
    ]
    slice_bits: SliceBits | None
    adc_bits: AdcBits | None
    precision_reached: PrecisionReached | None
    std_abs_error: Annotated[float, Column("Standard deviation of the absolute error.")]
    min_abs_error: Annotated[float, Column("Least absolute error.")]
    mean_error_ci95: Annotated[Range, Column(f"{CI95} mean_error (Student's t).", low=None)]
    std_error: Annotated[float, Column("Standard deviation of the signed error.")]
    min_error: Annotated[float, Column("Least signed error.", low=None)]
    max_error: Annotated[float, Column("Largest signed error.", low=None)]
    p5_error: Annotated[float, Column("5 % quantile of the signed error, within 0.4 %.", low=None)]
    p50_error: Annotated[float, Column("Median of the signed error, within 0.4 %.", low=None)]
    p95_error: Annotated[
        float, Column("95 % quantile of the signed error, within 0.4 %.", low=None)
    ]
    expected_attempts_ci95: Annotated[
        Range | None, Column(f"{CI95} expected_attempts (Student's t).", low=None)
    ]
    std_attempts: Annotated[float | None, Column("Standard deviation of the number of attempts.")]
    max_attempts: Annotated[
        int | None,
        Column(
            "Largest number of attempts that a simulated dot product took.",
            "max R",
            low=1,
            usual=1,
        ),
    ]
    p99_attempts: Annotated[int | None, Column("99 % quantile of the number of attempts.", low=1)]
