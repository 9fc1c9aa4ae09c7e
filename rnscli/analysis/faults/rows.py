"""What is reported of a redundant code under noise."""

from dataclasses import dataclass
from typing import Annotated

from rnscli.analysis import columns as c
from rnscli.base import Column, ResultRow, ends, mark, probability, reach


@dataclass(frozen=True, repr=False)
class FaultProbability(ResultRow):
    """How one attempt ends, and the output after R attempts, as `rnscli fault-prob` reports it.

    ``p_correct``, ``p_detected`` and ``p_undetected`` are of one attempt and add up to 1, except
    that errors whose outcome is not known count as detected and as undetected ones;
    ``p_err`` is the probability that the output is wrong or still rejected after ``attempts``,
    or, where ``is_bound``, an upper bound of it, and ``p_err_low`` a lower one. ``p_gross`` is that
    of an output that is further off than ``tolerance`` steps, or rejected.
    ``p`` is the mean over the residues of the probability to be wrong; ``sigma`` is given where
    it is the same for all. ``conversions`` are the ADC conversions of a dot product, one for each
    residue that is read and each attempt; ``cheapest`` marks the answer of `redundancy_frontier`
    with the fewest, and is ``None`` elsewhere. Where residues differ, ``residue_p`` and
    ``residue_sigma`` have the value of each, the redundant moduli first. The last seven are of
    `rnscli.analysis.faults.validation`, where it was requested: simulated values with their 99.9 %
    intervals, the number of words, how far the intervals reach as a share of the values, and
    whether they hold the exact ones.
    """

    moduli: c.Moduli
    redundant_moduli: c.RedundantModuli
    redundant: c.Redundant
    decoder: c.Decoder
    noise: c.Noise
    p: c.P
    sigma: c.Sigma | None
    attempts: c.Attempts
    p_correct: Annotated[
        float,
        Column("Probability that one attempt is right, or corrected.", form=probability, high=1),
    ]
    p_detected: Annotated[
        float,
        Column(
            "Probability that one attempt is rejected by the decoder.", form=probability, high=1
        ),
    ]
    p_undetected: Annotated[
        float,
        Column(
            "Probability that one attempt gives a wrong value unnoticed: the mean over values X "
            "that are uniform in the legitimate range, from which that of dot products, which "
            "crowd round zero, may be far under noise that is not uniform.",
            form=probability,
            high=1,
        ),
    ]
    p_err: c.PErr
    is_bound: Annotated[
        bool,
        Column(
            "Whether p_err is an upper bound, and expected_attempts a lower one: from the third "
            "attempt on it matters that a retry keeps its value, and the mean over values is not "
            "formed; and of a decoder that looks at the size of errors only the likely ones are "
            "followed, and of plurality only those that are surely right: others count as "
            "undetected in p_err, and as detected in expected_attempts.",
            "",
            mark("upper bound"),
            usual=False,
            tones={True: "doubtful"},
        ),
    ]
    p_err_low: Annotated[
        float,
        Column(
            "Lower bound of the output error probability: p_err where that is exact.",
            "p_err at least",
            probability,
            high=1,
            same_as="p_err",
        ),
    ]
    p_gross: c.PGross
    mean_abs_output_error: c.MeanAbsOutputError | None
    rms_output_error: c.RmsOutputError | None
    tolerance: c.Tolerance
    expected_attempts: Annotated[
        float,
        Column(
            "Mean number of attempts of a dot product.", "mean R", low=1, infinite=True, usual=1.0
        ),
    ]
    legitimate_range: Annotated[int, Column("Number L of legitimate values.", "L", low=1)]
    conversions: Annotated[
        float,
        Column(
            "ADC conversions of a dot product, averaged over its attempts.", low=1, infinite=True
        ),
    ]
    cheapest: Annotated[
        bool | None,
        Column(
            "With a target: whether no other k reaches it with fewer conversions.",
            "",
            mark("cheapest"),
            tones={True: "good"},
        ),
    ]
    erased: Annotated[
        tuple[int, ...] | None,
        Column("Channels known to be dead, as indices into the set, 0 the largest modulus."),
    ]
    residue_p: c.ResidueP | None
    residue_sigma: c.ResidueSigma | None
    simulated_p_undetected: Annotated[
        float | None, Column("p_undetected, simulated.", "simulated", probability, high=1)
    ] = None
    simulated_p_undetected_ci999: Annotated[
        c.Range | None,
        Column(
            "99.9 % confidence interval of simulated_p_undetected.",
            "99.9 % interval",
            ends(),
            high=1,
        ),
    ] = None
    simulated_p_err: c.SimulatedPErr | None = None
    simulated_p_err_ci999: c.SimulatedPErrInterval | None = None
    simulated_words: c.SimulatedWords | None = None
    precision_reached: Annotated[
        float | None,
        Column(
            "How far the simulated intervals reach, as a share of their values.", "reached", reach
        ),
    ] = None
    agrees: Annotated[
        bool | None,
        Column(
            "Whether both intervals hold the exact values.",
            "",
            mark("agrees", "DISAGREES"),
            tones={True: "good", False: "bad"},
        ),
    ] = None
