"""What is wanted of networks on cores, and what is counted; PyTorch need not be there."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rnscli.analysis.networks.paired_ratio import PairedCounts
from rnscli.base import InputError, check_int
from rnscli.hardware import Technology
from rnscli.matrix import Dataflow, ProductCounts
from rnscli.networks import Dataset, LabelledData, OpenedNetwork, PortableNetwork, Recipe

BLOCK_SAMPLES = 128


@dataclass(frozen=True, kw_only=True)
class AccuracyParameters:
    """One point: a network, and the core on which its products are computed.

    Parameters
    ----------
    opened
        The network and its data (`rnscli.networks.portable.open_network`).
    flow
        The core, and how products are mapped to it.
    bits
        Bits b of the converters, for the energy.
    samples
        Test samples, the first ones; all if not given.
    strict
        Refuse a network with products that stay digital.
    technology
        Of the array, for the energy; ``reram-analog`` if not given.
    seed
        Of the noise.

    Raises
    ------
    InputError
        If a value is out of range.
    """

    opened: OpenedNetwork
    flow: Dataflow
    bits: int
    samples: int | None = None
    strict: bool = False
    technology: Technology | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what is out of range."""
        check_int("bits", self.bits, 2, 256)
        check_int("seed", self.seed, 0, 2**128 - 1)
        there = len(self.opened.data.test)
        if self.samples is not None and check_int("samples", self.samples, 1) > there:
            raise InputError(
                f"`samples` is {self.samples}, but `data` {self.opened.data.name} has {there} "
                "samples to test with"
            )

    @property
    def count(self) -> int:
        return len(self.opened.data.test) if self.samples is None else self.samples

    @property
    def blocks(self) -> int:
        """Number of blocks of samples; only the last may be smaller."""
        return -(-self.count // BLOCK_SAMPLES)

    def samples_of(self, block: int) -> int:
        """Samples in one of the blocks."""
        return min(BLOCK_SAMPLES, self.count - block * BLOCK_SAMPLES)

    def data_of(self, block: int) -> LabelledData:
        """The samples of a block."""
        start, test = block * BLOCK_SAMPLES, self.opened.data.test
        part = slice(start, start + self.samples_of(block))
        return LabelledData(test.inputs[part], test.labels[part])


@dataclass(frozen=True)
class AccuracyStatistics:
    """Of some samples: which were right, in both, one or none of the two; and the products."""

    right: PairedCounts  # on the core, and in FP32
    products: ProductCounts

    def __add__(self, other: "AccuracyStatistics") -> "AccuracyStatistics":
        """Statistics of both parts of the samples."""
        return AccuracyStatistics(self.right + other.right, self.products + other.products)

    def record(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {"right": asdict(self.right), "products": asdict(self.products)}

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> "AccuracyStatistics":
        """The statistics that were written down."""
        return cls(PairedCounts(**record["right"]), ProductCounts(**record["products"]))


@dataclass(frozen=True, kw_only=True)
class TrainingParameters:
    """One training: a network, its data, its recipe with a seed, and a core, or FP32.

    Parameters
    ----------
    network
        With the weights to begin with, or none: drawn from the seed of the recipe.
    data
        With a part to train with.
    recipe
        How it is trained; its seed decides over the first weights, too.
    flow
        The core on which every product is computed, forward and of gradients; FP32 if ``None``.
    bits
        Bits b of the converters.
    checkpoint
        Folder in which a training is kept after every epoch, and from which it goes on.

    Raises
    ------
    InputError
        If a value is out of range.
    """

    network: PortableNetwork
    data: Dataset
    recipe: Recipe
    flow: Dataflow | None = None
    bits: int | None = None
    checkpoint: Path | None = None

    def __post_init__(self) -> None:
        """Refuse what is out of range."""
        if self.bits is not None:
            check_int("bits", self.bits, 2, 256)


@dataclass(frozen=True)
class TrainingRecord:
    """What a training has come to: its epochs, and a sentence if it ended before the last one.

    ``epochs`` are training loss, test loss and test accuracy, in order.
    """

    epochs: tuple[tuple[float, float, float], ...]
    failure: str = ""

    def __add__(self, other: "TrainingRecord") -> "TrainingRecord":
        """A training that goes on."""
        return TrainingRecord(self.epochs + other.epochs, other.failure)

    def record(self) -> dict[str, Any]:
        """All of it as JSON values; floats are written so that they are read back exactly."""
        return {"epochs": [list(epoch) for epoch in self.epochs], "failure": self.failure}

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> "TrainingRecord":
        """What was written down."""
        epochs = [(float(a), float(b), float(c)) for a, b, c in record["epochs"]]
        return cls(tuple(epochs), str(record["failure"]))


@dataclass(frozen=True)
class TrainingProgress:
    """What is known of a training, and how many of its epochs were computed in this run."""

    parameters: TrainingParameters
    record: TrainingRecord
    computed: int
