"""What is reported of noise: a row for each modulus or slice, and what a budget allows."""

from dataclasses import dataclass, replace
from typing import Annotated

from rnscli.analysis import columns as c
from rnscli.base import Column, ResultRow, probability

# Declarations take as few lines as they need: these are tables.
# fmt: off

# Parts of the noise, whose keys are ``sigma_`` and the part: those that are drawn anew for each
# reading, and those that are fixed for a chip and its operands.
FRESH = ("shot", "thermal", "intensity", "detector", "read")
STATIC = (
    "phase", "cells", "stuck", "wires", "dac", "adc_offset", "adc_gain", "adc_inl", "quantisation",
    "clipping",
)
NOISE_PARTS = (*FRESH, *STATIC)

Technology = Annotated[str, Column(
    "Technology of the array; null where only its devices are given.", identity=True,
    concerns_some=True
)]
_SIGMA = Column(
    "Standard deviation of the error of a reading, in steps of its ADC.", infinite=True
)


def _part(of: str, heading: str) -> Column:
    """Of a part that most designs do not have."""
    return Column(f"That of {of}, in the same steps.", heading, usual=0.0, infinite=True)


@dataclass(frozen=True, repr=False)
class NoiseRow(ResultRow):
    """The noise of one ADC's readings, part by part, in its steps.

    A step is one of a residue, or ``step`` units of the sum S in a conventional core. Parts add up
    in squares: to ``sigma_fresh`` what is drawn anew for each reading, to ``sigma_static`` what is
    fixed for a chip and its operands, and these two to ``sigma``; ``bias`` is the mean error.
    ``p`` is the probability that a residue is wrong, averaged over chips and operands, ``p_fresh``
    the same with ``sigma_fresh`` alone. ``output_error`` is the root mean square of the error of S,
    all slices joined, and ``snr_db`` the ratio of S to it.
    """

    core: c.Core
    bits: c.Bits
    vector_size: c.VectorSize
    moduli: c.Moduli | None
    redundant_moduli: c.RedundantModuli | None
    technology: Technology | None
    modulus: Annotated[int | None, Column("The modulus of the channel.", "m", low=2)]
    slice: Annotated[int | None, Column("Slice of the weights, 0 the lowest.", concerns_some=True)]
    adc_bits: c.AdcBits | None
    step: Annotated[float | None, Column("Units of the sum S in a step of the ADC.", usual=1.0)]
    sigma: Annotated[float, _SIGMA]
    sigma_static: Annotated[float, replace(
        _SIGMA, meaning="That of what is fixed for a chip and its operands.", heading="static"
    )]
    sigma_fresh: Annotated[float, replace(
        _SIGMA, meaning="That of what is drawn anew for each reading.", heading="fresh"
    )]
    bias: Annotated[float, Column(
        "Mean error of a reading, in the same steps.", low=None, usual=0.0
    )]
    p: Annotated[float | None, Column(
        "Probability that the residue is wrong, averaged over chips and operands.",
        form=probability, high=1
    )]
    p_fresh: Annotated[float | None, Column(
        "The same with sigma_fresh alone.", "p fresh", probability, high=1
    )]
    sigma_shot: Annotated[float, _part("shot noise of light", "shot")]
    sigma_thermal: Annotated[float, _part("thermal noise of a detector's load", "thermal")]
    sigma_intensity: Annotated[float, _part("intensity noise of a laser", "intensity")]
    sigma_detector: Annotated[float, _part("light, where it is not divided", "light")]
    sigma_phase: Annotated[float, _part("the phases of the rows", "phase")]
    sigma_cells: Annotated[float, _part("the programming of cells", "cells")]
    sigma_stuck: Annotated[float, _part("stuck cells", "stuck")]
    sigma_read: Annotated[float, _part("the reading of cells", "read")]
    sigma_wires: Annotated[float, _part("the resistance of bit lines, about its mean", "wires")]
    sigma_dac: Annotated[float, _part("DACs", "DAC")]
    sigma_adc_offset: Annotated[float, _part("offsets of ADCs", "offset")]
    sigma_adc_gain: Annotated[float, _part("gains of ADCs", "gain")]
    sigma_adc_inl: Annotated[float, _part("the nonlinearity of ADCs", "INL")]
    sigma_quantisation: Annotated[float, _part("rounding in an ADC", "rounding")]
    sigma_clipping: Annotated[float, _part("sums beyond the range of an ADC", "clipping")]
    output_error: Annotated[float | None, Column(
        "Root mean square of the error of the sum S, in its units.", "rms error of S",
        infinite=True, usual=0.0
    )]
    snr_db: Annotated[float | None, Column(
        "Root mean square of S over that of its error, in dB.", "SNR (dB)", low=None, infinite=True
    )]
    input_bits: c.InputBits | None
    weight_bits: c.WeightBits | None
    columns: c.ArrayColumns


@dataclass(frozen=True, repr=False)
class SolvedRow(ResultRow):
    """What an unknown must be for the residues of all moduli to be wrong with at most ``target``.

    ``value`` is the largest, or least, value of the ``unknown`` in its ``unit``, at which ``p`` of
    the worst ``modulus`` is at most ``target``; ``at_limit`` says that it is the end of the range
    that was looked at.
    """

    core: c.Core
    bits: c.Bits
    vector_size: c.VectorSize
    moduli: c.Moduli | None
    redundant_moduli: c.RedundantModuli | None
    technology: Technology | None
    unknown: Annotated[str, Column("What was looked for.", identity=True)]
    unit: Annotated[str, Column("Unit of its value; empty of a number.")]
    wanted: Annotated[str, Column("Whether the least or the largest value was looked for.")]
    value: Annotated[float, Column("Its value, in its unit.", unit="unit", infinite=True)]
    at_limit: Annotated[bool, Column(
        "Whether it is the end of the range that was looked at.", "at limit",
        lambda value: "yes" if value else "", usual=False
    )]
    target: Annotated[float, Column(
        "Largest probability that a residue is wrong that is wanted.", form=probability, high=1
    )]
    p: Annotated[float, Column(
        "Probability that the residue of the worst modulus is wrong.", form=probability, high=1
    )]
    modulus: Annotated[int, Column("The worst modulus.", "m", low=2)]
    sigma: Annotated[float, replace(_SIGMA, meaning="Standard deviation of its readings' error.")]
    input_bits: c.InputBits | None
    weight_bits: c.WeightBits | None
    columns: c.ArrayColumns
