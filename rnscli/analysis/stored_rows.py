"""What is reported of a store."""

from dataclasses import dataclass
from typing import Annotated

from rnscli.analysis import columns as c
from rnscli.base import Column, moment, probability

Key = Annotated[str, Column("Beginning of the SHA-256 of all that determines the task.")]
What = Annotated[str, Column("What the blocks are of.", "task")]
StoredCore = Annotated[c.Core, Column("The core, or fp32.", identity=True)]
Samples = Annotated[
    int, Column("Pairs of operands, words, test samples, or epochs of a training.", low=1)
]


@dataclass(frozen=True)
class StoredTask:
    """What determines some blocks, and the statistics of these together.

    ``samples`` are pairs of operands, words, test samples, or epochs of a training. Of a block that
    is there with fewer and with more samples, as runs of different lengths leave it, only the
    larger one counts. The strata of a validation, which have different probabilities, are one row
    without statistics. ``bits`` are of
    the converters; in the core ``rns`` of the widest residue. ``description`` is the JSON text of
    all that determines the task; ``key`` begins its SHA-256.
    """

    key: Key
    what: What
    model: Annotated[c.Model | None, Column("The network that was tested or trained.")]
    core: StoredCore | None
    bits: c.Bits | None
    input_bits: c.InputBits | None
    weight_bits: c.WeightBits | None
    vector_size: c.VectorSize | None
    operands: Annotated[str | None, Column("Distribution of the operands, or their file.")]
    moduli: Annotated[
        tuple[int, ...] | None,
        Column("All moduli, largest first; the k largest are redundant.", low=2, identity=True),
    ]
    redundant: c.Redundant | None
    decoder: c.Decoder | None
    legitimate_range: Annotated[int | None, Column("Number L of legitimate values.", "L", low=1)]
    noise: c.Noise | None
    p: Annotated[
        float | None,
        Column("Probability that a residue is wrong.", form=probability, high=1, identity=True),
    ]
    sigma: c.Sigma | None
    attempts: c.Attempts | None
    slice_bits: c.SliceBits | None
    adc_bits: c.AdcBits | None
    seed: c.Seed | None
    blocks: Annotated[int, Column("Number of blocks that are recorded.", low=1)]
    samples: Samples
    mean_abs_error: c.MeanAbsError | None
    mean_abs_error_ci95: c.MeanAbsErrorInterval | None
    output_error_rate: c.OutputErrorRate | None
    created: Annotated[str, Column("When the task was first recorded, in UTC.", form=moment)]
    finished: Annotated[
        str, Column("When the last block was recorded, in UTC.", "last block", moment)
    ]
    description: Annotated[str, Column("JSON text of all that determines the task.")]


@dataclass(frozen=True)
class StoredRecord:
    """A block as it was recorded; ``record`` is the JSON text of its statistics."""

    key: Key
    what: What
    core: StoredCore | None
    block: Annotated[int, Column("Number of the block, from 0.")]
    samples: Samples
    content: Annotated[str, Column("Digest of what the block read from a file; empty if nothing.")]
    finished: Annotated[str, Column("When the block was recorded, in UTC.", "last block", moment)]
    record: Annotated[str, Column("JSON text of the block's statistics.")]
