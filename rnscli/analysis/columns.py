"""Columns that several rows have, each declared once, and those that options make."""

from typing import Annotated

from rnscli import base
from rnscli.base import Column

Range = tuple[float, float]
CI95 = "95 % confidence interval of"

# A declaration takes as few lines as it needs: this is a table.
# fmt: off

# The dot product and its operands

VectorSize = Annotated[int, Column(
    "Length h of the dot product.", "h", low=1, concerns_some=True, identity=True
)]
Bits = Annotated[int, Column("Bits b of the converters.", low=1, concerns_some=True, identity=True)]
InputBits = Annotated[int, Column("Bits of the inputs, sign included.", low=1, same_as="bits")]
WeightBits = Annotated[int, Column("Bits of the weights, sign included.", low=1, same_as="bits")]
Seed = Annotated[int, Column("Seed of the random numbers.", usual=0)]

# Moduli sets and the code

Moduli = Annotated[tuple[int, ...], Column(
    "The n information moduli, largest first.", low=2, identity=True
)]
RedundantModuli = Annotated[tuple[int, ...], Column(
    "The k redundant moduli, largest first.", "redundant", low=2, empty=True, usual=()
)]
Redundant = Annotated[int, Column("Number k of redundant moduli.", "k", identity=True)]
Rule = Annotated[str, Column("Range that the moduli cover: exact, or bits.")]
MaxModulus = Annotated[int, Column("Largest modulus that is accepted; null for 2^b - 1.", low=2)]
Family = Annotated[str, Column("Family of sets that were searched; null for any, or by factor.")]
Factor = Annotated[int, Column("Common factor of the moduli, where one was given.", "G", low=1)]
LegitimateRange = Annotated[str | int, Column(
    "Number L of legitimate values, or the rule that gives it.", "L", low=1
)]
Tolerance = Annotated[int, Column(
    "Steps of the output by which it may be off without being grossly wrong.", low=0, usual=8
)]
RetryAbove = Annotated[float, Column(
    "Sum of the squares of the errors above which a word is rejected, if any."
)]
Decoder = Annotated[str, Column("How the redundant code is decoded.", usual="bounded-distance")]
Attempts = Annotated[float, Column(
    "Largest number R of attempts, the first included.", "R", low=1, infinite=True, identity=True
)]
ExpectedAttempts = Annotated[float, Column(
    "Mean number of attempts of a dot product; from R = 3 on a lower bound.", "mean R", low=1,
    usual=1.0
)]
PassAttempts = Annotated[float, Column(
    "Attempts of a pass, on average: its columns share their inputs and are repeated together.",
    "pass attempts", same_as="expected_attempts"
)]
SimulatedAttempts = Annotated[float, Column(
    "Mean number of attempts that the simulated dot products took.", "mean R", low=1
)]

# Noise

Noise = Annotated[str, Column("Law of the errors of residues.")]
P = Annotated[float, Column(
    "Probability that a residue is wrong, averaged over the moduli.", form=base.probability, high=1,
    concerns_some=True, identity=True, of_each="residue_p"
)]
Sigma = Annotated[float, Column(
    "Standard deviation of Gaussian noise, in steps of a residue; null where it is not the same "
    "for all.", identity=True, of_each="residue_sigma"
)]
ResidueP = Annotated[tuple[float, ...], Column(
    "Probability to be wrong of each residue, largest modulus first, where they differ.",
    form=base.numbers, high=1
)]
ResidueSigma = Annotated[tuple[float, ...], Column(
    "sigma of each residue, largest modulus first, where they differ, in steps of a residue.",
    form=base.numbers
)]
SnrDb = Annotated[float, Column(
    "Ratio of a residue's full scale to its noise, 20 log10(m / sigma), in dB; null where the "
    "noise is not given by it.", "SNR (dB)", low=None
)]
OutputErrorRate = Annotated[float, Column(
    "Share of the outputs that noise made wrong, or left rejected.", "error rate", high=1
)]
OutputErrorRateInterval = Annotated[Range, Column(
    f"{CI95} output_error_rate (Clopper-Pearson).", "95 % interval", base.ends(), high=1
)]
Samples = Annotated[int, Column("Test samples.", low=1)]
Weights = Annotated[str, Column(
    "Where the weights are from: trained here, given in a file, own (the function that makes the "
    "network has them), or drawn at random, so that nothing tells what it would of a trained "
    "network.", usual="trained",
)]
Accuracy = Annotated[float, Column(
    "Share of the samples that the network gets right on the core.", form=base.percent(1), high=1
)]
RelativeAccuracy = Annotated[float, Column(
    "accuracy over fp32_accuracy; null if that is zero.", "over FP32", base.percent(1)
)]
RelativeAccuracyInterval = Annotated[Range, Column(
    f"{CI95} relative_accuracy, of paired samples.", "95 % interval", base.ends(base.percent(1))
)]
GrossErrorRate = Annotated[float, Column(
    "Share of the outputs of a code that are further off than the tolerance, or left rejected.",
    "gross rate", high=1
)]
PGross = Annotated[float, Column(
    "Probability that the output is further off than the tolerance, or still rejected after the "
    "attempts.", "p_gross", base.probability, high=1, same_as="p_err"
)]
MeanAbsOutputError = Annotated[float, Column(
    "Mean over all words of how far an accepted output is off, in steps of the output; 0 for a "
    "right or rejected one.", "mean |e|"
)]
RmsOutputError = Annotated[float, Column("Root of the mean square of the same.", "rms e")]
GrossErrorRateInterval = Annotated[Range, Column(
    f"{CI95} gross_error_rate (Clopper-Pearson).", "95 % interval", base.ends(), high=1
)]

PErr = Annotated[float, Column(
    "Probability that the output is wrong, or still rejected, after R attempts; from R = 3 on an "
    "upper bound.", "p_err", base.probability, high=1
)]
SimulatedPErr = Annotated[float, Column("p_err, simulated.", "simulated", base.probability, high=1)]
SimulatedPErrInterval = Annotated[Range, Column(
    "99.9 % confidence interval of simulated_p_err.", "99.9 % interval", base.ends(), high=1
)]
SimulatedWords = Annotated[int, Column("Number of words that were simulated.", "words", low=1)]

# Errors, against float64 and in units of the operands' product

MeanAbsError = Annotated[float, Column(
    "Mean absolute error of the dot product against float64, in units of the operands' product.",
    "mean |e|", interval="mean_abs_error_ci95"
)]
MeanAbsErrorInterval = Annotated[Range, Column(
    f"{CI95} mean_abs_error (Student's t).", "95 %", base.half_width, low=None
)]

# Cores and hardware

Core = Annotated[str, Column("The core that computes the dot product.", identity=True)]
SliceBits = Annotated[int, Column("Bits of a weight slice in the core bit-sliced.", low=1)]
AdcBits = Annotated[int, Column("Bits of an ADC.", "ADC bits", low=1)]
AdcRange = Annotated[str, Column(
    "Range of the ADCs: full, calibrated or a fraction of the full one.", "ADC range",
    usual="full", concerns_some=True, identity=True
)]
AdcShare = Annotated[float, Column(
    "Share of the full range that the ADCs have; of slices the largest.", "share", low=0, high=1,
    usual=1.0, concerns_some=True
)]
Calibration = Annotated[str, Column(
    "What a calibrated range covers of the values that occur.", usual="percentile",
    concerns_some=True
)]
Percentile = Annotated[float, Column(
    "Per cent of these values, with the calibration percentile.", low=50, high=100, usual=99.98,
    concerns_some=True
)]
CalibrationSamples = Annotated[int, Column(
    "Samples of the training data that calibrated ranges and static scales were found on.", low=1,
    concerns_some=True
)]
Technology = Annotated[str, Column("Technology of the array.", identity=True)]
ArrayColumns = Annotated[int, Column(
    "Columns c of the array, which share its DACs.", low=1, same_as="vector_size"
)]
AdcModel = Annotated[str, Column(
    "Model of the ADCs.", "ADC model", usual="murmann", concerns_some=True, identity=True
)]
ColumnsPerAdc = Annotated[int, Column(
    "Columns that take turns at an ADC.", "c/ADC", low=1, usual=1, concerns_some=True
)]
Reverse = Annotated[str, Column(
    "How residues are turned into a number.", usual="mixed-radix", concerns_some=True
)]
EnergyPerMac = Annotated[float, Column(
    "Energy of a multiplication with its addition, the total over h, in J.", "per MAC", base.joules
)]
EnergyRange = Annotated[Range, Column(
    "Least and largest total that uncertain constants allow, in J.", "total range",
    base.ends(base.joules)
)]
Latency = Annotated[float, Column(
    "Mean time from an input vector to its dot products, in s.", form=base.prefixed("s")
)]
Throughput = Annotated[float, Column(
    "Multiplications of the whole array in a second, in MAC/s.", "MAC/s", base.prefixed("MAC/s")
)]
Area = Annotated[float, Column(
    "Area of the arrays with their converters and logic, in m^2.", form=base.area
)]
Extrapolated = Annotated[bool, Column(
    "Whether a model was used outside of the range that it was made for.", form=base.mark("yes"),
    usual=False, tones={True: "doubtful"}
)]

# Networks

Model = Annotated[str, Column("The network: one that is shipped, or package.module:function.")]
Granularity = Annotated[str, Column(
    "What has a scale of its own: vector, tile, channel or tensor.", usual="vector"
)]
Scales = Annotated[str, Column("How outputs are scaled back: fp32 or power-of-two.", usual="fp32")]
InputScale = Annotated[str, Column(
    "Where scales of inputs come from: dynamic, searched at each product, or static, a constant.",
    usual="dynamic"
)]
Rounding = Annotated[str, Column(
    "How operands become whole steps: nearest, stochastic or truncate.", usual="nearest"
)]


def _or_fp32(bits: int) -> str:
    return "fp32" if bits == 32 else str(bits)


_GRADIENT_BITS = "Bits of the operands of the gradients of {}; 32 in FP32, without a core."
InputGradientBits = Annotated[int, Column(
    _GRADIENT_BITS.format("inputs"), "b of grad x", _or_fp32, low=2, same_as="bits"
)]
WeightGradientBits = Annotated[int, Column(
    _GRADIENT_BITS.format("weights"), "b of grad w", _or_fp32, low=2, same_as="bits"
)]
GradientRounding = Annotated[str, Column(
    "How operands of gradients become whole steps; null where both are in FP32.",
    "grad rounding", same_as="rounding"
)]
Epochs = Annotated[int, Column("Times that every sample was seen.", low=1)]

# Recipes of trainings, by their options

RECIPE_COLUMNS = {
    "epochs": Epochs,
    "batch_size": Annotated[int, Column("Samples in a step.", low=1)],
    "optimiser": Annotated[str, Column("How gradients change weights.")],
    "learning_rate": Annotated[
        float, Column("The highest learning rate of the schedule.", form=str)
    ],
    "momentum": Annotated[float, Column(
        "Share of the last step that the next one has; of momentum and nesterov.", form=str, high=1
    )],
    "weight_decay": Annotated[float, Column("Decay of matrices and kernels.", form=str)],
    "schedule": Annotated[str, Column("What becomes of the learning rate.")],
    "warm_up": Annotated[float, Column(
        "Steps in which the learning rate rises; below 1, the share of all.", "warm-up", str
    )],
    "clip": Annotated[float | None, Column(
        "Largest norm of the gradient of all parameters; null for any.", "clip", str
    )],
    "clip_weights": Annotated[float | None, Column(
        "Largest weight, in root mean squares of its matrix; null for any.", "clip weights", str
    )],
}

# Requested precision

RelPrecision = Annotated[float, Column(
    "Requested precision, as a share of the value.", form=str, high=1
)]
PrecisionReached = Annotated[float, Column(
    "How far the interval of the value with a requested precision reaches, as a share of it.",
    "reached", base.reach
)]

# Light, and what its noise makes of outputs

OutputError = Annotated[float, Column(
    "Root mean square of the error of an output, wrong and rejected ones included, over that of "
    "the outputs.", "rms e / rms"
)]
OutputSnrDb = Annotated[float, Column(
    "The same as the SNR of outputs, in dB.", "SNR", base.decibels, low=None, infinite=True
)]
Segments = Annotated[int, Column(
    "Arrays that a dot product is cut over, and joined from.", low=1, usual=1
)]
LinkSigma = Annotated[float, Column(
    "Standard deviation of a reading of light, in its steps; null without a link.",
    "light sigma", base.number
)]
