"""What is reported of a network on a core."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AccuracyRow:
    """Accuracy of a network on a core beside FP32, as `rnscli accuracy` reports it.

    ``accuracy`` and ``fp32_accuracy`` are shares of the same ``samples``;
    ``relative_accuracy`` is their ratio, with the score interval of
    `rnscli.analysis.paired_ratio`. ``output_error_rate`` is the share of dot products (of at most
    h terms) that noise spoilt, and ``mean_attempts`` how often one was computed; ``None`` without
    noise. ``gemms`` and ``macs`` are of one inference; ``energy_j`` is that of the run, all
    samples with the attempts that they took. ``digital`` names the products that stay in FP32, and
    that neither counts.
    """

    model: str
    core: str
    bits: int
    vector_size: int
    samples: int
    accuracy: float
    accuracy_ci95: tuple[float, float]
    fp32_accuracy: float
    relative_accuracy: float | None
    relative_accuracy_ci95: tuple[float, float] | None
    input_bits: int
    weight_bits: int
    granularity: str
    moduli: tuple[int, ...] | None
    redundant_moduli: tuple[int, ...] | None
    redundant: int | None
    decoder: str | None
    slice_bits: int | None
    adc_bits: int | None
    residue_error_probability: float | None
    sigma: float | None
    attempts: float | None
    output_error_rate: float | None
    output_error_rate_ci95: tuple[float, float] | None
    mean_attempts: float | None
    gemms: int
    macs: int
    technology: str
    energy_per_inference_j: float
    energy_j: float
    extrapolated: bool
    digital: str | None
