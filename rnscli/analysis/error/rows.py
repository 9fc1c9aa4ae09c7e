"""What a simulation of dot products reports of a core."""

from dataclasses import dataclass
from typing import Annotated

from rnscli.analysis import columns as c
from rnscli.base import Column, ResultRow


@dataclass(frozen=True, repr=False)
class DotErrorRow(ResultRow):
    """Errors of one core against the float64 dot product, as `rnscli error-sim` reports them.

    Errors are in the unit of the operands' products. Intervals of means are Student's t, that of
    the error rate is Clopper and Pearson's; quantiles are within 0.4 %. ``output_error_rate`` is
    the share of results that noise spoilt (`Readout.wrong`), ``gross_error_rate`` of those that are
    also off the exact sum by more than ``tolerance``, or rejected, in a core with a code.
    ``precision_reached`` is how far the interval of the value with a requested precision (else of
    the mean absolute error) reaches, as a share of its value; ``None`` where that is zero.
    Intervals of means are ``None`` under noise that has spoilt fewer than 50 results, or made fewer
    than 50 be computed again. Without noise its columns are ``None``; ``relative_to_rns`` is
    ``None`` without a moduli set.
    """

    core: c.Core
    bits: c.Bits
    vector_size: c.VectorSize
    pairs: Annotated[int, Column("Number of dot products that were simulated.", low=1)]
    mean_abs_error: c.MeanAbsError
    mean_abs_error_ci95: c.MeanAbsErrorInterval | None
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
    noise: c.Noise | None
    p: c.P | None
    sigma: c.Sigma | None
    residue_p: c.ResidueP | None
    residue_sigma: c.ResidueSigma | None
    redundant: c.Redundant | None
    attempts: c.Attempts | None
    output_error_rate: c.OutputErrorRate | None
    expected_attempts: c.SimulatedAttempts | None
    output_error_rate_ci95: c.OutputErrorRateInterval | None
    tolerance: c.Tolerance | None
    gross_error_rate: c.GrossErrorRate | None
    gross_error_rate_ci95: c.GrossErrorRateInterval | None
    input_bits: c.InputBits
    weight_bits: c.WeightBits
    moduli: c.Moduli | None
    redundant_moduli: c.RedundantModuli | None
    decoder: c.Decoder | None
    operands: Annotated[str, Column("Distribution of the operands, or their file.")]
    degrees_of_freedom: Annotated[
        float | None, Column("Degrees of freedom of the distribution student-t.", "nu", low=2)
    ]
    sparsity: Annotated[
        float | None, Column("Probability that a drawn operand is replaced by zero.", high=1)
    ]
    slice_bits: c.SliceBits | None
    adc_bits: c.AdcBits | None
    adc_range: c.AdcRange | None
    adc_share: c.AdcShare | None
    precision_reached: c.PrecisionReached | None
    std_abs_error: Annotated[float, Column("Standard deviation of the absolute error.")]
    min_abs_error: Annotated[float, Column("Least absolute error.")]
    mean_error_ci95: Annotated[
        c.Range | None, Column(f"{c.CI95} mean_error (Student's t).", low=None)
    ]
    std_error: Annotated[float, Column("Standard deviation of the signed error.")]
    min_error: Annotated[float, Column("Least signed error.", low=None)]
    max_error: Annotated[float, Column("Largest signed error.", low=None)]
    p5_error: Annotated[float, Column("5 % quantile of the signed error, within 0.4 %.", low=None)]
    p50_error: Annotated[float, Column("Median of the signed error, within 0.4 %.", low=None)]
    p95_error: Annotated[
        float, Column("95 % quantile of the signed error, within 0.4 %.", low=None)
    ]
    expected_attempts_ci95: Annotated[
        c.Range | None, Column(f"{c.CI95} expected_attempts (Student's t).", low=None)
    ]
    std_attempts: Annotated[float | None, Column("Standard deviation of the number of attempts.")]
    max_attempts: Annotated[
        int | None,
        Column(
            "Largest number of attempts that a simulated dot product took.", "max R", low=1, usual=1
        ),
    ]
    p99_attempts: Annotated[int | None, Column("99 % quantile of the number of attempts.", low=1)]
