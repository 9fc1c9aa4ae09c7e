"""What is reported of a search of designs."""

from dataclasses import dataclass, replace
from typing import Annotated

from rnscli.analysis import columns as c
from rnscli.base import Column, ResultRow, ends, mark, percent, prefixed, probability
from rnscli.hardware import KNOWN


@dataclass(frozen=True, repr=False)
class DesignChoice(ResultRow):
    """What a design of a search is, whatever is asked of it.

    ``role`` is ``chosen``, ``front`` or ``neighbour``; a neighbour differs from the chosen one
    along ``axis``, and ``reason`` says why it is not chosen. What does not concern the core is
    ``None``.
    """

    role: Annotated[
        str,
        Column(
            "chosen, front (Pareto-optimal) or neighbour (of the chosen design).",
            "",
            identity=True,
            tones={"chosen": "good"},
        ),
    ]
    axis: Annotated[
        str | None, Column("The axis along which a neighbour differs from the chosen design.")
    ]
    core: c.Core
    bits: c.Bits
    vector_size: c.VectorSize
    technology: c.Technology
    adc_model: Annotated[
        str | None,
        Column(
            "Model of the ADCs; of several the one with the largest energy.",
            "ADC model",
            usual="own",
            concerns_some=True,
            identity=True,
        ),
    ]
    columns: c.ArrayColumns | None
    columns_per_adc: c.ColumnsPerAdc | None
    adc_rate_hz: Annotated[
        float | None,
        Column("Conversions of an ADC in a second, in Hz.", "ADC rate", prefixed("Hz")),
    ]
    clock_hz: Annotated[
        float | None,
        Column("Clock of the digital logic, in Hz.", "clock", prefixed("Hz"), usual=1e9),
    ]
    # Of designs with light; where these agree it is said once.
    laser_power_w: Annotated[
        float | None, replace(KNOWN["laser_power"].column("laser_power"), concerns_some=True)
    ]
    rate_hz: Annotated[float | None, replace(KNOWN["rate"].column("rate"), concerns_some=True)]
    segments: c.Segments | None
    link_sigma: c.LinkSigma | None
    reverse: c.Reverse | None
    slice_bits: c.SliceBits | None
    adc_bits: c.AdcBits | None
    adc_range: c.AdcRange | None
    factor: Annotated[
        int | None,
        Column("Common factor G of the moduli, 1 if they are coprime.", "G", low=1, usual=1),
    ]
    redundant: c.Redundant | None
    attempts: c.Attempts | None
    # The longest name would push a result out of the table.
    decoder: Annotated[
        str | None,
        Column(
            "How the redundant code is decoded.",
            usual="bounded-distance",
            form=lambda name: str(name).removesuffix("-distance"),
        ),
    ]
    legitimate_range: c.LegitimateRange | None
    moduli: c.Moduli | None
    redundant_moduli: c.RedundantModuli | None
    expected_attempts: c.ExpectedAttempts | None


@dataclass(frozen=True, repr=False)
class DesignRow(DesignChoice):
    """A design of a search, as `rnscli design` reports it; base SI units.

    The numbers of a neighbour that does not exist are ``None``. ``commands`` are command lines that
    reproduce the numbers, of the chosen design only.
    """

    energy_per_mac_j: c.EnergyPerMac | None
    energy_per_mac_range_j: Annotated[
        c.Range | None,
        Column(
            "Least and largest energy per MAC by several models of ADCs, in J.",
            form=ends(prefixed("J")),
        ),
    ]
    latency_s: c.Latency | None
    area_m2: c.Area | None
    mean_abs_error: Annotated[
        float | None,
        Column(
            "Mean absolute error of right outputs against float64, in units of the operands' "
            "product.",
            "mean |e|",
        ),
    ]
    output_error: c.OutputError | None
    output_snr_db: c.OutputSnrDb | None
    p_err: c.PErr | None
    p_gross: c.PGross | None
    mean_abs_output_error: c.MeanAbsOutputError | None
    throughput_macs_per_s: c.Throughput | None
    power_w: Annotated[
        float | None,
        Column(
            "Power of all arrays at full load, or at the wanted throughput, in W.",
            "power",
            prefixed("W"),
        ),
    ]
    edp_js: Annotated[
        float | None,
        Column("Energy times latency of a dot product, in J s.", "EDP", prefixed("Js")),
    ]
    area_per_throughput: Annotated[
        float | None,
        Column(
            "Area over throughput, in m^2 s: half the inverse of TOPS for each area.",
            "area/(MAC/s)",
        ),
    ]
    arrays: Annotated[
        float | None,
        Column("Arrays that there are, for a wanted throughput or in a given area.", usual=1.0),
    ]
    extrapolated: c.Extrapolated | None
    reason: Annotated[str | None, Column("Why a neighbour is not chosen.", "against it")]
    commands: Annotated[
        tuple[str, ...] | None,
        Column("Command lines that reproduce the numbers of the chosen design."),
    ]


def _target(of: str) -> Column:
    return Column(f"Largest {of} that is wanted.", form=probability, identity=True)


_POWER = KNOWN["laser_power"].column("laser_power")


@dataclass(frozen=True, repr=False)
class GainRow(ResultRow):
    """What light and energy a code takes to reach a target, as `rnscli design --coding-gain` says.

    ``laser_power_w`` is the least on as many arrays as the dot product has without redundancy,
    ``segments``, and ``gain_db`` what is saved of it. ``energy_per_mac_j`` is the least, with
    ``best_laser_power_w`` and ``best_segments``, and ``gain_j`` what is saved of that. ``None``
    where no light is enough.
    """

    core: c.Core
    bits: c.Bits
    vector_size: c.VectorSize
    technology: c.Technology
    columns: c.ArrayColumns
    rate_hz: Annotated[float | None, KNOWN["rate"].column("rate")]
    max_p_err: Annotated[float | None, _target("output error probability")]
    max_output_error: Annotated[float | None, _target("relative error of outputs")]
    redundant: c.Redundant
    attempts: c.Attempts
    decoder: c.Decoder | None
    legitimate_range: c.LegitimateRange | None
    moduli: c.Moduli
    redundant_moduli: c.RedundantModuli
    segments: c.Segments
    laser_power_w: Annotated[float | None, _POWER]
    link_sigma: c.LinkSigma | None
    static_share: Annotated[
        float | None,
        Column(
            "Share of the variance of a reading that is fixed for a chip.", "static", percent(0)
        ),
    ]
    p_err: c.PErr | None
    output_error: c.OutputError | None
    gain_db: Annotated[
        float | None,
        Column("Laser power that is saved on the same arrays, in dB.", "gain (dB)", low=None),
    ]
    best_segments: Annotated[
        int | None, Column("Arrays with which a MAC takes the least energy.", "best segments")
    ]
    best_laser_power_w: Annotated[
        float | None,
        Column(
            "Laser power with which a MAC takes the least energy, in W.",
            "best power",
            prefixed("W"),
        ),
    ]
    light_per_mac_j: Annotated[
        float | None, Column("Energy of light for a MAC, in J.", "light", prefixed("J"))
    ]
    energy_per_mac_j: c.EnergyPerMac | None
    gain_j: Annotated[
        float | None,
        Column("Energy of a MAC that is saved, in J.", "saved", prefixed("J"), low=None),
    ]


@dataclass(frozen=True, repr=False)
class FamilyRow(ResultRow):
    """A family of codes at a level of noise, as `rnscli design --families` compares them.

    ``spare`` is the number of redundant moduli of the coprime set whose number of channels all
    families of a group have. The accuracy is that of a network, if one was simulated.
    """

    family: Annotated[
        str, Column("How residues, or numbers, are protected against noise.", identity=True)
    ]
    core: c.Core
    bits: c.Bits
    vector_size: c.VectorSize
    spare: Annotated[
        int,
        Column(
            "Redundant moduli of the coprime set that has as many channels.", "k", identity=True
        ),
    ]
    sigma: c.Sigma
    technology: c.Technology
    moduli: c.Moduli | None
    redundant_moduli: c.RedundantModuli | None
    factor: Annotated[
        int | None,
        Column("Common factor G of the moduli, 1 if they are coprime.", "G", low=1),
    ]
    decoder: c.Decoder | None
    attempts: c.Attempts | None
    p_err: c.PErr | None
    p_gross: Annotated[
        float | None,
        Column(
            "Probability that the output is further off than the tolerance, or rejected to the "
            "last.",
            form=probability,
            high=1,
        ),
    ]
    output_error: c.OutputError
    expected_attempts: c.ExpectedAttempts
    conversions: Annotated[
        float, Column("ADC conversions of a dot product, averaged over its attempts.", low=1)
    ]
    energy_per_mac_j: c.EnergyPerMac | None
    tolerance: c.Tolerance
    model: c.Model | None
    samples: c.Samples | None
    accuracy: c.Accuracy | None
    relative_accuracy: c.RelativeAccuracy | None
    relative_accuracy_ci95: c.RelativeAccuracyInterval | None
    best: Annotated[
        bool,
        Column(
            "Whether its outputs have the least error, or within one per cent of that the least "
            "energy.",
            "",
            mark("best"),
            tones={True: "good"},
        ),
    ]
