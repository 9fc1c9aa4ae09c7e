"""Limits that designs must keep, and which one is in the way where none does."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from rnscli.base import (
    Decibels,
    Names,
    Numbers,
    Option,
    OptionGroup,
    Quantities,
    check_choice,
    engineering,
)

TOLERANCE = 1e-12  # as a share, within which numbers of designs are equal


@dataclass(frozen=True)
class Metrics:
    """Numbers of a design, in base SI units; all but throughput and SNR are better when smaller.

    ``output_snr_db`` says ``output_error`` as a ratio in dB. Area, throughput and power are of all
    its ``arrays``: one, or as many as a wanted throughput or a given area takes. ``edp_js`` is
    energy times latency of a dot product.
    """

    energy_per_mac_j: float
    latency_s: float
    area_m2: float
    mean_abs_error: float
    output_error: float
    output_snr_db: float
    p_err: float
    throughput_macs_per_s: float
    power_w: float
    edp_js: float
    area_per_throughput: float
    arrays: float


def decibels_of(output_error: float) -> float:
    """The SNR in dB of outputs whose errors are that share of them, as root mean squares.

    Examples
    --------
    >>> decibels_of(0.01)
    40.0
    """
    return -20 * math.log10(output_error) if output_error else math.inf


def compared(chosen: Any, other: Any, objectives: Mapping[str, str]) -> str:
    """In what a design is worse than the chosen one, and in what better; both by their numbers."""
    worse: list[str] = []
    better: list[str] = []
    for name, metric in objectives.items():
        mine, theirs = getattr(chosen, metric), getattr(other, metric)
        if theirs != mine:
            (worse if theirs > mine else better).append(f"{name} {_change(mine, theirs)}")
    if not worse:
        return f"better: {', '.join(better)}" if better else "the same in every objective"
    if not better:
        return f"worse: {', '.join(worse)}"
    return f"{', '.join(worse)} (but {', '.join(better)})"


METRICS = tuple(Metrics.__dataclass_fields__)
Table = npt.NDArray[np.float64]  # designs, with these columns
# What designs on the front are not beaten in, with the number it stands for.
OBJECTIVES = {
    "energy": "energy_per_mac_j",
    "latency": "latency_s",
    "area": "area_m2",
    "error": "mean_abs_error",
    "p-err": "p_err",
}
# With noise there is one more.
NOISE_OBJECTIVES = {"output-error": "output_error"}
# What else may be minimised: it then is an objective, too.
MORE_OBJECTIVES = {
    "edp": "edp_js",
    "area-per-throughput": "area_per_throughput",
    "power": "power_w",
}


@dataclass(frozen=True, eq=False)
class Measures:
    """What is known of designs as numbers, and what limits of them there may be.

    Parameters
    ----------
    metrics
        Names of the numbers, as they stand in a row of a table.
    limits
        Limits by name: of which number, and whether it is an upper one.
    objectives
        What may be minimised: which number it is.
    units
        Units of numbers; an area has its own.
    shown
        What is said of a number whose unit does not tell which it is.
    """

    metrics: tuple[str, ...]
    limits: Mapping[str, tuple[str, bool]]
    objectives: Mapping[str, str]
    units: Mapping[str, str]
    shown: Mapping[str, str]

    def amount(self, metric: str, value: float) -> str:
        """A number of a design with its unit."""
        if metric in self.units:
            return engineering(value, self.units[metric], 3)
        if metric == "area_m2":
            # Three digits, without an exponent.
            return f"{value * 1e6:.3g} mm2" if value >= 1e-9 else f"{value * 1e12:.3g} um2"
        return f"{value:.3g}"


LIMITS = {
    **{
        f"max_{name.replace('-', '_')}": (metric, True)
        for name, metric in (OBJECTIVES | NOISE_OBJECTIVES).items()
    },
    "min_snr_db": ("output_snr_db", False),
    "max_power": ("power_w", True),
    "min_throughput": ("throughput_macs_per_s", False),
}
UNITS = {
    "latency_s": "s",
    "throughput_macs_per_s": "MAC/s",
    "power_w": "W",
    "output_snr_db": "dB",
    "edp_js": "Js",
}
SHOWN = {
    "p_err": "p_err {}",
    "mean_abs_error": "error {}",
    "output_error": "output error {}",
    "output_snr_db": "SNR {}",
}
OF_DOT_PRODUCT = Measures(
    METRICS,
    LIMITS,
    OBJECTIVES | NOISE_OBJECTIVES | MORE_OBJECTIVES,
    UNITS | {"energy_per_mac_j": "J"},
    SHOWN | {"energy_per_mac_j": "{} per MAC"},
)
_NOT_NEGATIVE = Numbers(0.0, 1e300, "a number of at least 0")


def _limit(unit: str, example: str, help: str) -> Option:
    of = _NOT_NEGATIVE
    return Option(Quantities(of.low, of.high, of.accepted, unit, example), help)


class LimitOptions:
    """What a user chooses of the design that is best."""

    group = OptionGroup.ASKED
    minimise = Option(
        Names((*OBJECTIVES, "time", *NOISE_OBJECTIVES, *MORE_OBJECTIVES)),
        "What the chosen design minimises: energy, latency, area, error, p-err, output-error, "
        "edp (energy times latency of a dot product), area-per-throughput (the inverse of "
        "TOPS/mm2) or power; with --workload of a chip, or time, the inverse of its throughput. "
        "Ties are broken by the others.",
        default="energy",
    )
    max_error = Option(
        _NOT_NEGATIVE,
        "Largest mean absolute error of a right output.",
        usual="that of digital-int8, unless cores are named",
    )
    max_p_err = Option(_NOT_NEGATIVE, "Largest output error probability.")
    max_output_error = Option(
        _NOT_NEGATIVE,
        "Largest root mean square of the error of an output, as a share of that of the outputs: "
        "what operands and ADCs lose, and what noise does.",
    )
    min_snr_db = Option(
        Decibels(0.0, 300.0, "an SNR from 0 to 300 dB"),
        "Least SNR of outputs, of which max-output-error is another form: an error of 0.01 is one "
        "of 40 dB.",
    )
    max_energy = _limit("J", "100fJ", "Largest energy per MAC; with --workload per inference.")
    max_latency = _limit(
        "s", "100ns", "Largest latency of a dot product; with --workload of an inference."
    )
    max_area = _limit(
        "m2",
        "1mm2",
        "Largest area of the arrays with their converters; with --workload of the chip.",
    )
    max_power = _limit("W", "1W", "Largest power of all arrays at full load.")
    min_throughput = _limit(
        "MAC/s", "1TMAC/s", "Least throughput; with --workload of MACs of the network."
    )
    throughput = _limit(
        "MAC/s",
        "1TMAC/s",
        "Wanted throughput: each design has as many arrays as it takes, and area and power are "
        "those of all.",
    )
    area = _limit(
        "m2",
        "10mm2",
        "Given area: each design has as many arrays as fit, and throughput and power are those of "
        "all.",
    )


@dataclass(frozen=True)
class _Limit:
    """A limit of one number of designs."""

    name: str
    value: float
    of: Measures

    @property
    def metric(self) -> str:
        return self.of.limits[self.name][0]

    @property
    def upper(self) -> bool:
        return self.of.limits[self.name][1]

    def column(self, table: Table) -> Table:
        column: Table = table[:, self.of.metrics.index(self.metric)]
        return column

    def keeps(self, table: Table) -> npt.NDArray[np.bool_]:
        """Which designs keep it."""
        column = self.column(table)
        kept: npt.NDArray[np.bool_] = column <= self.bound if self.upper else column >= self.bound
        return kept

    @property
    def bound(self) -> float:
        """The value, with room for what rounding adds to a number that is meant to be equal."""
        return self.value * (1 + TOLERANCE if self.upper else 1 - TOLERANCE)

    def best(self, table: Table) -> int:
        """The row that comes nearest to it."""
        column = self.column(table)
        return int(np.argmin(column) if self.upper else np.argmax(column))

    def breach(self, metrics: Any) -> str:
        """How a design breaks it, or nothing."""
        value = getattr(metrics, self.metric)
        if value <= self.bound if self.upper else value >= self.bound:
            return ""
        return f"{self.shown(value)} breaks the limit of {self.amount(self.value)}"

    def amount(self, value: float) -> str:
        return self.of.amount(self.metric, value)

    def shown(self, value: float) -> str:
        return self.of.shown.get(self.metric, "{}").format(self.amount(value))

    def rounded(self, value: float) -> float:
        """A number to three digits, such that it would do as this limit."""
        if not value or math.isinf(value):
            return value
        digits = Decimal(f"{value:.12e}")  # a rounding up is one, but not of the last digits
        unit = Decimal(1).scaleb(digits.adjusted() - 2)
        return float(digits.quantize(unit, ROUND_CEILING if self.upper else ROUND_FLOOR))

    def __str__(self) -> str:
        return f"`{self.name}` {self.amount(self.value)}"


class Limits(tuple[_Limit, ...]):
    """Limits that a design must keep, all of them."""

    __slots__ = ()

    @classmethod
    def of(cls, values: Mapping[str, float], measures: Measures = OF_DOT_PRODUCT) -> "Limits":
        """By their names among the limits of what is measured."""
        for name in values:
            check_choice("limit", name, tuple(measures.limits))
        return cls(
            _Limit(name, _NOT_NEGATIVE.check(name, one), measures) for name, one in values.items()
        )

    def kept_by(self, table: Table) -> npt.NDArray[np.bool_]:
        """Which designs keep all limits."""
        kept = np.ones(len(table), dtype=bool)
        for limit in self:
            kept &= limit.keeps(table)
        return kept

    def breach(self, metrics: Any) -> str:
        """How a design breaks them, or nothing."""
        return "; ".join(filter(None, (limit.breach(metrics) for limit in self)))

    def obstacle(self, table: Table, name_of: Callable[[int], str]) -> str:
        """Which limit none of some designs keeps together with the others, and what comes nearest.

        Of several it is the one that is missed by the smallest factor. Where leaving out any one
        of them is not enough, all are named with the best value that each may have alone.
        """
        nearest_by_miss: list[tuple[float, str]] = []
        # What every design keeps is in nobody's way.
        blocking = [limit for limit in self if not limit.keeps(table).all()]
        for limit in blocking:
            others = Limits(other for other in blocking if other is not limit)
            rows = np.flatnonzero(others.kept_by(table))
            if not rows.size:
                continue
            row = int(rows[limit.best(table[rows])])
            nearest = float(limit.column(table)[row])
            # By a factor, so that numbers of different units compare; zero is far from anything.
            missed = abs(math.log((nearest or 1e-300) / (limit.value or 1e-300)))
            kept = "" if len(self) == 1 else "with the other limits kept, "
            said = f"{limit.shown(limit.rounded(nearest))} ({name_of(row)})"
            nearest_by_miss.append(
                (missed, f"no design keeps {limit}: {kept}the nearest has {said}")
            )
        if nearest_by_miss:
            return min(nearest_by_miss)[1]
        parts = []
        for limit in blocking:
            best = limit.rounded(float(limit.column(table)[limit.best(table)]))
            parts.append(f"{limit} (the best without the others is {limit.amount(best)})")
        return f"no design keeps the limits, nor all but one of them: {', '.join(parts)}"


def _change(before: float, after: float) -> str:
    """By how much a number changes: in per cent, or as a factor."""
    if not before or not after:
        return f"{before:.3g} -> {after:.3g}"
    ratio = after / before
    if abs(ratio - 1) < 1e-4:
        return f"{'+' if ratio > 1 else '-'}<0.01 %"
    if 0.5 <= ratio <= 2:
        share = (ratio - 1) * 100
        return f"{share:+.0f} %" if abs(share) >= 10 else f"{share:+.2g} %"
    return f"x {ratio:.3g}"
