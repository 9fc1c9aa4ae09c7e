"""What is asked of a training on a core."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnscli.core.checks import check_int
from rnscli.matrix.dataflow import Dataflow
from rnscli.networks.data import Dataset
from rnscli.networks.portable import PortableNetwork
from rnscli.networks.recipe import Recipe


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
