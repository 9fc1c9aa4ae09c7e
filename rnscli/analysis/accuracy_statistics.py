"""How often a network is right on a core and in FP32, and what was computed for it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rnscli.analysis.paired_ratio import PairedCounts
from rnscli.matrix.counts import ProductCounts


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
