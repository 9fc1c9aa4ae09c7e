"""What is reported of trainings on cores."""

from dataclasses import dataclass

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
