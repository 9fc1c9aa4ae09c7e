"""What is known of a core's errors after some dot products."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnscli.analysis.statistics import AttemptCounts, LogHistogram, Moments, proportion_interval
from rnscli.core import FloatArray

PRECISION_OF = ("mean_abs_error", "output_error_rate")  # values that a run can be precise in


@dataclass(frozen=True)
class ErrorStatistics:
    """Errors of a core against the float64 dot product; two of these add up.

    Attributes
    ----------
    signed, absolute
        Moments of the error and of its magnitude.
    lowest, highest
        The extremes of the error.
    smallest
        The least magnitude of an error.
    histogram
        Distribution of the signed error.
    wrong
        Number of results that noise spoilt (`rnscli.Readout.wrong`).
    attempts
        How often dot products were computed.
    """

    signed: Moments
    absolute: Moments
    lowest: float
    highest: float
    smallest: float
    histogram: LogHistogram
    wrong: int
    attempts: AttemptCounts

    @classmethod
    def of(cls, errors: FloatArray, wrong: int, attempts: tuple[int, ...]) -> "ErrorStatistics":
        """Statistics of a sample of errors, at least one."""
        magnitude = np.abs(errors)
        return cls(
            signed=Moments.of(errors),
            absolute=Moments.of(magnitude),
            lowest=float(np.min(errors)),
            highest=float(np.max(errors)),
            smallest=float(np.min(magnitude)),
            histogram=LogHistogram.of(errors),
            wrong=wrong,
            attempts=AttemptCounts(attempts),
        )

    def __add__(self, other: "ErrorStatistics") -> "ErrorStatistics":
        return ErrorStatistics(
            signed=self.signed + other.signed,
            absolute=self.absolute + other.absolute,
            lowest=min(self.lowest, other.lowest),
            highest=max(self.highest, other.highest),
            smallest=min(self.smallest, other.smallest),
            histogram=self.histogram + other.histogram,
            wrong=self.wrong + other.wrong,
            attempts=self.attempts + other.attempts,
        )

    @property
    def largest(self) -> float:
        """The largest magnitude of an error."""
        return max(abs(self.lowest), abs(self.highest))

    def quantile(self, share: float) -> float:
        """Quantile of the signed error, within 0.4 % of its value."""
        return min(max(self.histogram.quantile(share), self.lowest), self.highest)

    def absolute_quantiles(self, *shares: float) -> list[float]:
        """Quantiles of the magnitude of the error, within 0.4 % of their values."""
        magnitudes = self.histogram.magnitudes()
        found = (magnitudes.quantile(share) for share in shares)
        return [min(max(value, self.smallest), self.largest) for value in found]

    def precision(self, of: str) -> float | None:
        """How far the 95 % interval of a value reaches, as a share of the value.

        ``of`` is one of `PRECISION_OF`. It is ``None`` where the value is zero, as there is
        nothing to compare with: no output has been wrong yet, or every error is zero.
        """
        if of == "mean_abs_error":
            mean = self.absolute.mean
            low, high = self.absolute.mean_interval()
        else:
            mean = self.wrong / self.signed.count
            low, high = proportion_interval(self.wrong, self.signed.count)
        return max(high - mean, mean - low) / mean if mean else None

    def record(self) -> dict[str, Any]:
        bins = self.histogram.bins
        return {
            "signed": [self.signed.count, self.signed.mean, self.signed.deviations],
            "absolute": [self.absolute.count, self.absolute.mean, self.absolute.deviations],
            "extremes": [self.lowest, self.highest, self.smallest],
            "first_bin": int(bins[0]),
            "bin_steps": np.diff(bins).tolist(),
            "bin_counts": self.histogram.counts.tolist(),
            "wrong": self.wrong,
            "attempts": list(self.attempts.counts),
        }

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> "ErrorStatistics":
        steps = np.array([record["first_bin"], *record["bin_steps"]], dtype=np.int64)
        lowest, highest, smallest = record["extremes"]
        return cls(
            signed=Moments(*record["signed"]),
            absolute=Moments(*record["absolute"]),
            lowest=lowest,
            highest=highest,
            smallest=smallest,
            histogram=LogHistogram(
                np.cumsum(steps), np.array(record["bin_counts"], dtype=np.int64)
            ),
            wrong=record["wrong"],
            attempts=AttemptCounts(tuple(record["attempts"])),
        )
