"""What is reported of a network on a core, layer by layer; torch need not be there."""

from dataclasses import dataclass
from typing import Annotated

from rnscli.analysis import columns as c
from rnscli.analysis.networks.rows import MIXED
from rnscli.base import Column, ResultRow, decibels, ends, percent

OUTPUTS, LOGITS = "outputs", "logits"  # name and kind of the row of what the network gives


@dataclass(frozen=True, repr=False)
class LayerRow(ResultRow):
    """How far a layer of a network on a core is from FP32, as `rnscli accuracy --per-layer` tells.

    The SNR of values y' against those of FP32, y, is ``10 log10(sum y^2 / sum (y' - y)^2)``, over
    all values of all ``samples``. The last row of each network and core is of its outputs, the
    logits; it has the shares that are of all layers together.
    """

    model: c.Model
    core: Annotated[
        c.Core,
        Column(
            "The core that computes the products; of the outputs that of all layers, as in the "
            "rows of rnscli accuracy.",
            besides=(MIXED,),
            identity=True,
        ),
    ]
    bits: c.Bits | None
    vector_size: c.VectorSize | None
    samples: c.Samples
    weights: c.Weights
    layer: Annotated[
        str,
        Column("The layer, or the product that a module computes by functions.", identity=True),
    ]
    kind: Annotated[
        str, Column("Type of the layer, or of the module that computes the product; or logits.")
    ]
    shape: Annotated[
        str | None, Column("K x N of its largest product: K terms, N columns.", "K x N")
    ]
    macs: Annotated[
        int | None, Column("Multiplications of one inference, each with its addition.", low=1)
    ]
    macs_share: Annotated[
        float | None, Column("Its share of the MACs on the core.", "MACs", percent(1), high=1)
    ]
    snr_in_place_db: Annotated[
        float | None,
        Column(
            "SNR of its output where its input is that of FP32, in dB: what it loses alone; null "
            "where the output is zero throughout.",
            "in place",
            decibels,
            low=None,
            infinite=True,
        ),
    ]
    snr_accumulated_db: Annotated[
        float | None,
        Column(
            "SNR of its output in the network as it runs on the core, in dB; null where the output "
            "is zero throughout.",
            "accumulated",
            decibels,
            low=None,
            infinite=True,
        ),
    ]
    is_zero: Annotated[
        bool, Column("Whether its output is zero throughout in FP32, so that it has no SNR.")
    ]
    unmatched: Annotated[
        float | None,
        Column(
            "Share of its calls that the network as it runs on the core makes of another shape, or "
            "not at all; snr_accumulated_db is of the others.",
            form=percent(1),
            high=1,
            usual=0.0,
        ),
    ]
    top_class: Annotated[
        float | None,
        Column(
            "Share of the samples whose largest logit is that of FP32.",
            "same class",
            percent(1),
            high=1,
        ),
    ]
    top_class_ci95: Annotated[
        c.Range | None,
        Column(f"{c.CI95} top_class, Wilson's.", "95 % interval", ends(percent(1)), high=1),
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
    digital: Annotated[
        str | None,
        Column("Products that stay in FP32 and that no count has; of the outputs, null if none."),
    ]
