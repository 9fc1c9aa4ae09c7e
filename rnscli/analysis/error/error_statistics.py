"""Errors of a core, counted: moments, extremes, quantiles and intervals, that add up."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnscli.analysis.statistics import (
    BINS,
    AttemptCounts,
    LogHistogram,
    Moments,
    check_counts,
    check_reals,
    proportion_interval,
    recorded_array,
)
from rnscli.core import FloatArray

FEWEST_SPOILT = 50  # results, or there is no interval of a mean under noise
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
    gross
        Of the wrong ones, those of a code that were further off than a tolerance, or rejected.
    """

    signed: Moments
    absolute: Moments
    lowest: float
    highest: float
    smallest: float
    histogram: LogHistogram
    wrong: int
    attempts: AttemptCounts
    gross: int

    @classmethod
    def of(
        cls, errors: FloatArray, wrong: int, attempts: tuple[int, ...], gross: int = 0
    ) -> "ErrorStatistics":
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
            gross=gross,
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
            gross=self.gross + other.gross,
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

    def interval(self, moments: Moments, noisy: bool) -> tuple[float, float] | None:
        """95 % interval of the mean of ``signed`` or ``absolute``.

        ``None`` under noise that has spoilt fewer than `FEWEST_SPOILT` results: their errors are so
        large that the mean is theirs, and neither it nor its variance is known before they are
        seen.
        """
        return None if noisy and self.wrong < FEWEST_SPOILT else moments.mean_interval()

    def attempts_interval(self, may_repeat: bool) -> tuple[float, float] | None:
        """95 % interval of the mean number of attempts; ``None`` where retries are as rare."""
        retried = sum(self.attempts.counts[1:2])
        if may_repeat and retried < FEWEST_SPOILT:
            return None
        return self.attempts.moments().mean_interval()

    def precision(self, of: str, noisy: bool) -> float | None:
        """How far the 95 % interval of a value reaches, as a share of the value.

        ``of`` is one of `PRECISION_OF`. It is ``None`` where there is no interval (see
        `interval`), and where the value is zero, as there is nothing to compare with: no output has
        been wrong yet, or every error is zero.
        """
        if of == "mean_abs_error":
            mean, interval = self.absolute.mean, self.interval(self.absolute, noisy)
        else:
            mean = self.wrong / self.signed.count
            interval = proportion_interval(self.wrong, self.signed.count)
        if not mean or interval is None:
            return None
        return max(interval[1] - mean, mean - interval[0]) / mean

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
            "gross": self.gross,
        }

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> "ErrorStatistics":
        steps = recorded_array([record["first_bin"], *record["bin_steps"]])
        lowest, highest, smallest = record["extremes"]
        made = cls(
            Moments(*record["signed"]),
            Moments(*record["absolute"]),
            lowest,
            highest,
            smallest,
            LogHistogram(np.cumsum(steps), recorded_array(record["bin_counts"])),
            record["wrong"],
            AttemptCounts(tuple(record["attempts"])),
            record["gross"],
        )
        count, counts = made.signed.count, made.histogram.counts
        check_counts(count, made.wrong, made.gross, *made.attempts.counts)
        for moments in (made.signed, made.absolute):
            check_reals(moments.mean, moments.deviations)
        check_reals(made.lowest, made.highest, made.smallest)
        if not (
            count == made.absolute.count == counts.sum() >= made.wrong >= made.gross
            and counts.size == steps.size
            and (counts > 0).all()
            and (steps[1:] > 0).all()
            and (abs(np.cumsum(steps.astype(float))) <= BINS).all()
            and min(made.signed.deviations, made.absolute.deviations, made.smallest) >= 0
            and made.lowest <= made.highest
            and made.attempts.counts[:1] == (count,)
            and list(made.attempts.counts) == sorted(made.attempts.counts, reverse=True)
        ):
            raise ValueError("its numbers contradict each other")
        return made
