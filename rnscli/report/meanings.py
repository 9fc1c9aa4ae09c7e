"""What each row key means: in one sentence, with its unit, and which values it may have."""

from dataclasses import dataclass

from rnscli.hardware.adc.registry import CONSTANTS


@dataclass(frozen=True)
class Meaning:
    """Meaning of a row key, and what is known of its values whatever the command computes.

    ``low`` and ``high`` hold for a number and for every member of a list, both included;
    ``infinite`` says that a number may be infinite, ``empty`` that a list may be.
    """

    text: str
    low: float | None = 0
    high: float | None = None
    infinite: bool = False
    empty: bool = False


def meaning_of(row_type: str, key: str) -> Meaning:
    """Meaning of a key in rows of a type, by its name.

    Raises
    ------
    KeyError
        If the key has none.
    """
    return OF_A_TYPE.get((row_type, key)) or MEANINGS[key]


def _from_1(text: str) -> Meaning:
    return Meaning(text, low=1)


def _share(text: str) -> Meaning:
    return Meaning(text, high=1)


def _signed(text: str) -> Meaning:
    return Meaning(text, low=None)


def _unlimited(text: str) -> Meaning:
    return Meaning(text, low=1, infinite=True)


_INTERVAL = "95 % confidence interval of"

MEANINGS: dict[str, Meaning] = {
    # The dot product and its operands
    "vector_size": _from_1("Length h of the dot product."),
    "bits": _from_1("Bits b of the converters."),
    "input_bits": _from_1("Bits of the inputs, sign included."),
    "weight_bits": _from_1("Bits of the weights, sign included."),
    "output_bits": _from_1("Bits of an exact result, b_out = b_in + b_w + ceil(log2 h) - 1."),
    "lost_bits": Meaning("Bits of the result that a b-bit ADC drops, b_out - b."),
    "operands": Meaning("Distribution of the operands, or their file."),
    "degrees_of_freedom": Meaning("Degrees of freedom of the distribution student-t.", low=2),
    "sparsity": _share("Probability that a drawn operand is replaced by zero."),
    "pairs": _from_1("Number of dot products that were simulated."),
    "seed": Meaning("Seed of the random numbers."),
    # Moduli sets and the code
    "moduli": Meaning("The n information moduli, largest first.", low=2),
    "redundant_moduli": Meaning("The k redundant moduli, largest first.", low=2, empty=True),
    "redundant": Meaning("Number k of redundant moduli."),
    "count": _from_1("Number N = n + k of moduli."),
    "rank": _from_1("Place of the set among those found, 1 for the best."),
    "dynamic_range": _from_1("Values that the information moduli cover, their product."),
    "log2_dynamic_range": Meaning("Binary logarithm of dynamic_range."),
    "required_range": _from_1("Values that the moduli have to cover."),
    "legitimate_range": _from_1("Number L of legitimate values, or the rule that gives it."),
    "decoder": Meaning("How the redundant code is decoded."),
    "erased": Meaning("Channels known to be dead, as indices into the set, 0 the largest modulus."),
    "attempts": _unlimited("Largest number R of attempts, the first included."),
    "expected_attempts": _unlimited("Mean number of attempts of a dot product."),
    "conversions": _unlimited("ADC conversions of a dot product, in the mean over its attempts."),
    "cheapest": Meaning("With a target: whether no other k reaches it with fewer conversions."),
    # Noise
    "noise": Meaning("Law of the errors of residues."),
    "p": _share("Probability that a residue is wrong; of each where a row has one for each."),
    "sigma": Meaning("Standard deviation of Gaussian noise, in steps of a residue."),
    "residue_p": _share(
        "Probability to be wrong of each residue, largest modulus first, where they differ."
    ),
    "residue_sigma": Meaning(
        "sigma of each residue, largest modulus first, where they differ, in steps of a residue."
    ),
    "residue_error_probability": _share(
        "Probability that a residue is wrong, in the mean over the moduli."
    ),
    # Fault probability
    "p_correct": _share("Probability that one attempt is right, or corrected."),
    "p_detected": _share("Probability that one attempt is rejected by the decoder."),
    "p_undetected": _share("Probability that one attempt gives a wrong value unnoticed."),
    "p_err": _share("Probability that the output is wrong, or still rejected, after R attempts."),
    "simulated_p_undetected": _share("p_undetected, simulated."),
    "simulated_p_undetected_ci999": _share("99.9 % confidence interval of simulated_p_undetected."),
    "simulated_p_err": _share("p_err, simulated."),
    "simulated_p_err_ci999": _share("99.9 % confidence interval of simulated_p_err."),
    "simulated_words": _from_1("Number of words that were simulated."),
    "agrees": Meaning("Whether both intervals hold the exact values."),
    # Error of the dot product against float64, in units of the operands' product
    "mean_abs_error": Meaning(
        "Mean absolute error of the dot product against float64, in units of the operands' product."
    ),
    "mean_abs_error_ci95": _signed(f"{_INTERVAL} mean_abs_error (Student's t)."),
    "std_abs_error": Meaning("Standard deviation of the absolute error."),
    "min_abs_error": Meaning("Least absolute error."),
    "max_abs_error": Meaning("Largest absolute error."),
    "p50_abs_error": Meaning("Median of the absolute error, within 0.4 %."),
    "p95_abs_error": Meaning("95 % quantile of the absolute error, within 0.4 %."),
    "p99_abs_error": Meaning("99 % quantile of the absolute error, within 0.4 %."),
    "mean_error": _signed("Mean of the signed error."),
    "mean_error_ci95": _signed(f"{_INTERVAL} mean_error (Student's t)."),
    "std_error": Meaning("Standard deviation of the signed error."),
    "rms_error": Meaning("Root of the mean squared error."),
    "min_error": _signed("Least signed error."),
    "max_error": _signed("Largest signed error."),
    "p5_error": _signed("5 % quantile of the signed error, within 0.4 %."),
    "p50_error": _signed("Median of the signed error, within 0.4 %."),
    "p95_error": _signed("95 % quantile of the signed error, within 0.4 %."),
    "output_error_rate": _share("Share of the outputs that noise made wrong, or left rejected."),
    "output_error_rate_ci95": _share(f"{_INTERVAL} output_error_rate (Clopper-Pearson)."),
    "mean_attempts": _from_1("Mean number of attempts that the simulated dot products took."),
    "mean_attempts_ci95": _signed(f"{_INTERVAL} mean_attempts (Student's t)."),
    "std_attempts": Meaning("Standard deviation of the number of attempts."),
    "max_attempts": _from_1("Largest number of attempts that a simulated dot product took."),
    "p99_attempts": _from_1("99 % quantile of the number of attempts."),
    "precision_reached": Meaning(
        "How far the interval of what a precision is asked of reaches, as a share of its value."
    ),
    # Hardware
    "core": Meaning("The core that computes the dot product."),
    "technology": Meaning("Technology of the array."),
    "columns": _from_1("Columns c of the array, which share its DACs."),
    "adc_model": Meaning("Model of the ADCs."),
    "columns_per_adc": _from_1("Columns that take turns at an ADC."),
    "dac_bits": _from_1("Bits of a DAC."),
    "adc_bits": _from_1("Bits of an ADC."),
    "slice_bits": _from_1("Bits of a weight slice in the core bit-sliced."),
    "reverse": Meaning("How residues are turned into a number."),
    "dac_conversions": Meaning("DAC conversions of a dot product, in the mean over its attempts."),
    "adc_conversions": Meaning("ADC conversions of a dot product, in the mean over its attempts."),
    "dac_energy_j": Meaning("Energy of the DACs, in J."),
    "adc_energy_j": Meaning("Energy of the ADCs, in J."),
    "converter_energy_j": Meaning("Energy of DACs and ADCs together, in J."),
    "array_energy_j": Meaning("Energy of the multiplications in the array, in J."),
    "leakage_energy_j": Meaning("Energy that the cells take at all times, in J."),
    "forward_energy_j": Meaning("Energy of turning inputs into residues, in J."),
    "reverse_energy_j": Meaning("Energy of turning residues into a number, in J."),
    "decoding_energy_j": Meaning("Energy of checking and decoding the code, in J."),
    "shift_add_energy_j": Meaning("Energy of adding the slices of weights, in J."),
    "retry_energy_j": Meaning("What of the total is of attempts after the first, in J."),
    "energy_per_dot_product_j": Meaning("Energy of one dot product, in J: the sum of its parts."),
    "energy_per_mac_j": Meaning(
        "Energy of a multiplication with its addition, the total over h, in J."
    ),
    "energy_range_j": Meaning("Least and largest total that uncertain constants allow, in J."),
    "latency_s": Meaning("Mean time from an input vector to its dot products, in s."),
    "latency_range_s": Meaning("Least and largest latency that uncertain constants allow, in s."),
    "throughput_macs_per_s": Meaning("Multiplications of the whole array in a second, in MAC/s."),
    "area_m2": Meaning("Area of the arrays with their converters and logic, in m^2."),
    "area_range_m2": Meaning("Least and largest area that uncertain constants allow, in m^2."),
    "tops_per_w": Meaning("Tera-operations per joule, that is TOPS/W; a MAC is two operations."),
    "tops_per_mm2": Meaning("TOPS for each mm^2; a MAC is two operations."),
    "relative_to_rns": Meaning(
        "energy_per_dot_product_j over that of the core rns on the same operands."
    ),
    "adc_relative_to_rns": Meaning("adc_energy_j over that of the core rns on the same operands."),
    "extrapolated": Meaning("Whether a model was used outside of the range that it was made for."),
    # Networks
    "workload": Meaning("The network."),
    "layer": Meaning("The layer, or total for all of them."),
    "m": _from_1("Rows M of the inputs: dot products for each weight column."),
    "k": _from_1("Length K of the layer's dot products."),
    "n": _from_1("Weight columns N: outputs for each row of inputs."),
    "times": _from_1("How often the layer is done."),
    "stationary": Meaning("Whether the weights are stored parameters, and not activations."),
    "macs": _from_1("Multiplications that are needed, each with its addition."),
    "passes": _from_1("Operations of the array, each with one vector of inputs."),
    "utilisation": _share("Share of the multiplications in these passes that is no padding."),
    "digital_energy_j": Meaning("Energy of conversion, decoding and the adding of slices, in J."),
    "accumulation_energy_j": Meaning("Energy of adding the partial sums of tiles, in J."),
    "energy_j": Meaning("Energy of the layer or network, in J."),
    "time_s": Meaning("Time of the layer or network, layer by layer, in s."),
    "arrays": _from_1("Arrays that share the passes."),
    # Sensitivity
    "constant": Meaning("The uncertain constant."),
    "unit": Meaning("Unit of the constant."),
    "constant_low": Meaning("Least value of the constant, in its unit."),
    "constant_value": Meaning("Value of the constant, in its unit."),
    "constant_high": Meaning("Largest value of the constant, in its unit."),
    "energy_at_low_j": Meaning("Energy of the dot product with the constant at its least, in J."),
    "energy_at_high_j": Meaning(
        "Energy of the dot product with the constant at its largest, in J."
    ),
    "swing": Meaning("Width of the interval of the energy over the energy."),
    # Networks
    "model": Meaning("The network: one that is shipped, or package.module:function."),
    "granularity": Meaning("What has a scale of its own: vector, tile, channel or tensor."),
    "accuracy": _share("Share of the samples that the network gets right on the core."),
    "accuracy_ci95": _share(f"{_INTERVAL} accuracy, Clopper and Pearson's."),
    "fp32_accuracy": _share("Share of the same samples that it gets right in FP32."),
    "relative_accuracy": Meaning("accuracy over fp32_accuracy; null if that is zero."),
    "relative_accuracy_ci95": Meaning(f"{_INTERVAL} relative_accuracy, of paired samples."),
    "gemms": _from_1("Matrix products of one inference."),
    "energy_per_inference_j": Meaning("Energy of the matrix products of one inference, in J."),
    "digital": Meaning("Products that stay in FP32 and that no count or energy has; null if none."),
    "seeds": _from_1("Number of seeds, over which losses and accuracies are means."),
    "epochs": _from_1("Times that every sample was seen."),
    "epoch": _from_1("Number of the epoch."),
    "batch_size": _from_1("Samples in a step."),
    "learning_rate": Meaning("The highest learning rate of the schedule."),
    "train_loss": Meaning("Mean cross-entropy of the samples of the last epoch, in nats."),
    "test_loss": Meaning("Mean cross-entropy of the test samples at its end, in nats."),
    "test_accuracy": _share("Share of the test samples that are right at its end."),
    "test_accuracy_ci95": Meaning(f"{_INTERVAL} test_accuracy over the seeds.", low=None),
    "accuracy_difference": _signed("test_accuracy less that of FP32, seed by seed."),
    "accuracy_difference_ci95": _signed(f"{_INTERVAL} accuracy_difference over the seeds."),
    "fp32_standard_error": Meaning("Standard error of the mean accuracy in FP32 over the seeds."),
    "within_standard_error": Meaning("Whether accuracy_difference is at most that, either way."),
    # Designs
    "role": Meaning("chosen, front (Pareto-optimal) or neighbour (of the chosen design)."),
    "axis": Meaning("The axis along which a neighbour differs from the chosen design."),
    "reason": Meaning("Why a neighbour is not chosen."),
    "commands": Meaning("Command lines that reproduce the numbers of the chosen design."),
    # Stores
    "key": Meaning("Beginning of the SHA-256 of all that determines the task."),
    "what": Meaning("What the blocks are of."),
    "blocks": _from_1("Number of blocks that are recorded."),
    "block": Meaning("Number of the block, from 0."),
    "samples": _from_1("Pairs of operands, words, test samples, or epochs of a training."),
    "content": Meaning("Digest of what the block read from a file; empty if nothing."),
    "created": Meaning("When the task was first recorded, in UTC."),
    "finished": Meaning("When the last block was recorded, in UTC."),
    "description": Meaning("JSON text of all that determines the task."),
    "record": Meaning("JSON text of the block's statistics."),
    # Plans
    "run": Meaning("Name of the run in the plan."),
    "command": Meaning("The command of the run."),
    "rows": Meaning("Number of rows that the run found."),
    "requirements": Meaning("Number of requirements on the run."),
    "failed": Meaning("Number of requirements that do not hold."),
    "verdict": Meaning("passed, failed (a requirement does not hold) or error (rows are missing)."),
    "state": Meaning("Whether the run would be computed, or is kept from before."),
    "command_line": Meaning("Command line that gives the same rows in a shell."),
    # Published results
    "result": Meaning("The published result, as --only takes it."),
    "case": Meaning("What the row is about, in words."),
    "computed": Meaning(
        "The value that rnscli computes, in the base unit.", low=None, infinite=True
    ),
    "computed_ci95": Meaning(
        "95 % confidence interval of what is measured with networks.", low=None, infinite=True
    ),
    "published": Meaning("What is published, as it is printed."),
    "published_low": Meaning("Lower end of what is published."),
    "published_high": Meaning("Upper end of what is published."),
    "deviation": Meaning("How far the value lies from what is published, as a share of that."),
    "remark": Meaning("How the verdict comes about, where that is not plain; may be empty."),
    "source": Meaning("Where it is published."),
    "column": Meaning("Row key under which the command line prints the value."),
    "name": Meaning("Name of the row, as --only takes it."),
    # Only of sweeps
    "rule": Meaning("Range that the moduli cover: exact, or bits."),
    "max_modulus": Meaning("Largest modulus that is accepted.", low=2),
    "precision_bits": _from_1("Bits P of the 2^P values that the moduli cover."),
    "family": Meaning("Family of sets that were searched."),
    "snr_db": _signed("Ratio of a residue's full scale to its noise, 20 log10(m / sigma), in dB."),
    "target": _share("Wanted p_err."),
    "rel_precision": _share("Wanted precision, as a share of the value."),
    "precision_of": Meaning("The value that the precision is asked of."),
    "max_pairs": _from_1("Where the simulation stops at the latest, in pairs."),
    "adc_rate_hz": Meaning("Conversions of an ADC in a second, in Hz."),
    "clock_hz": Meaning("Clock of the digital logic, in Hz."),
} | {
    known.key(name): Meaning(f"{known.meaning[:-1]}, in {known.unit}.")
    for name, known in CONSTANTS.items()
}

# Where a key means something else, or is known better, in rows of one type.
OF_A_TYPE: dict[tuple[str, str], Meaning] = {
    ("DotErrorRow", "relative_to_rns"): Meaning("mean_abs_error over that of the core rns."),
    ("EnergyRow", "expected_attempts"): _from_1("Mean number of attempts of a dot product."),
    ("WorkloadRow", "expected_attempts"): _from_1("Mean number of attempts of a dot product."),
    ("TrainingRow", "core"): Meaning("The core that computes every product, or fp32."),
    ("EpochRow", "core"): Meaning("The core that computes every product, or fp32."),
    ("EpochRow", "train_loss"): Meaning("Mean cross-entropy of the samples of the epoch, in nats."),
    ("AccuracyRow", "core"): Meaning("The core that computes the products."),
    ("AccuracyRow", "samples"): _from_1("Test samples."),
    ("AccuracyRow", "macs"): _from_1("Multiplications of one inference, each with its addition."),
    ("AccuracyRow", "energy_j"): Meaning("Energy of all samples, in J, attempts included."),
    ("WorkloadRow", "array_energy_j"): Meaning(
        "Energy of the array, in J: multiplications and what the cells take at all times."
    ),
    ("WorkloadRow", "energy_per_mac_j"): Meaning("Energy over the MACs that are needed, in J."),
    ("FaultProbability", "p"): _share(
        "Probability that a residue is wrong, in the mean over the moduli."
    ),
    ("FaultProbability", "precision_reached"): Meaning(
        "How far the simulated intervals reach, as a share of their values."
    ),
    ("DesignRow", "mean_abs_error"): Meaning(
        "Mean absolute error of right outputs against float64, in units of the operands' product."
    ),
    ("DesignRow", "expected_attempts"): _from_1("Mean number of attempts of a dot product."),
    ("ReproducedRow", "unit"): Meaning(
        "Base SI unit of the value; empty for a ratio, a probability and moduli."
    ),
    ("ReproducedRow", "command"): Meaning("Command line that prints this value alone."),
    ("ReproducedRow", "verdict"): Meaning(
        "same (as the digits printed), within (the published range), close (by a stated "
        "tolerance), agrees (with a simulation), undecided (the interval is on both sides), "
        "not-here (published of larger networks) or different."
    ),
    ("BatchRow", "reason"): Meaning("Why the run has not passed."),
    ("StoredTask", "model"): Meaning("The network that was tested or trained."),
    ("StoredTask", "core"): Meaning("The core, or fp32."),
    ("StoredRecord", "core"): Meaning("The core, or fp32."),
    ("StoredTask", "moduli"): Meaning(
        "All moduli, largest first; the k largest are redundant.", low=2
    ),
    ("StoredTask", "legitimate_range"): _from_1("Number L of legitimate values."),
    ("StoredRecord", "finished"): Meaning("When the block was recorded, in UTC."),
}
