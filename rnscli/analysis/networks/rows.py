"""What is reported of a network on a core."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AccuracyRow:
    """Accuracy of a network on a core beside FP32, as `rnscli accuracy` reports it.

    ``accuracy`` and ``fp32_accuracy`` are shares of the same ``samples``;
    ``relative_accuracy`` is their ratio, with the score interval of
    `rnscli.analysis.networks.paired_ratio`. ``output_error_rate`` is the share of dot products (of
    at most h terms) that noise spoilt, and ``mean_attempts`` how often one was computed; ``None``
    without noise. ``gemms`` and ``macs`` are of one inference; ``energy_j`` is that of the run, all
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


FP32 = "fp32"  # in the place of a core


@dataclass(frozen=True)
class TrainingRow:
    """Trainings of a network on a core beside those in FP32, over some seeds.

    Of each seed FP32 and the core begin with the same weights and see the same samples in the same
    order. ``train_loss``, ``test_loss`` and ``test_accuracy`` are means over the ``seeds`` after
    the last epoch; ``accuracy_difference`` is the mean of the differences to FP32, seed by seed,
    which FP32 itself has none of, so that a bound on it holds in every row or says what is wrong.
    Intervals are Student's t over the seeds, ``fp32_standard_error`` is that of the mean of FP32;
    ``None`` for a single seed. The core of FP32 itself is called ``fp32``.
    """

    model: str
    core: str
    bits: int | None
    vector_size: int | None
    seeds: int
    epochs: int
    train_loss: float
    test_loss: float
    test_accuracy: float
    test_accuracy_ci95: tuple[float, float] | None
    accuracy_difference: float | None
    accuracy_difference_ci95: tuple[float, float] | None
    fp32_standard_error: float | None
    within_standard_error: bool | None
    input_bits: int | None
    weight_bits: int | None
    granularity: str | None
    moduli: tuple[int, ...] | None
    redundant_moduli: tuple[int, ...] | None
    redundant: int | None
    decoder: str | None
    slice_bits: int | None
    adc_bits: int | None
    residue_error_probability: float | None
    sigma: float | None
    attempts: float | None


@dataclass(frozen=True)
class EpochRow:
    """An epoch of a training; losses are mean cross-entropies in nats.

    ``train_loss`` is the mean over the samples of the epoch, each in the step that it was part of;
    ``test_loss`` and ``test_accuracy`` are of the network after the epoch.
    """

    model: str
    core: str
    bits: int | None
    vector_size: int | None
    seed: int
    epoch: int
    train_loss: float
    test_loss: float
    test_accuracy: float
    input_bits: int | None
    weight_bits: int | None
    granularity: str | None
    moduli: tuple[int, ...] | None
    redundant_moduli: tuple[int, ...] | None
    redundant: int | None
    decoder: str | None
    slice_bits: int | None
    adc_bits: int | None
    residue_error_probability: float | None
    sigma: float | None
    attempts: float | None
