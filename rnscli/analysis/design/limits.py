"""Limits that designs must keep, and which one is in the way where none does."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import numpy as np
import numpy.typing as npt

from rnscli.analysis.design.metrics import Metrics
from rnscli.analysis.design.space import Design
from rnscli.base import Names, Numbers, Option, Quantities, RnscliError, check_choice, engineering
from rnscli.core import CORES, AnalogKind, FloatArray

# What is minimised, with the number it stands for.
OBJECTIVES = {
    "energy": "energy_per_mac_j",
    "latency": "latency_s",
    "area": "area_m2",
    "error": "mean_abs_error",
    "p-err": "p_err",
}


def show(metric: str, value: float) -> str:
    """A number of a design for a person, with its name where the unit does not tell."""
    if metric == "energy_per_mac_j":
        return f"{amount(metric, value)} per MAC"
    name = {"p_err": "p_err ", "mean_abs_error": "error "}.get(metric, "")
    return name + amount(metric, value)


def amount(metric: str, value: float) -> str:
    """A number of a design with its unit."""
    if metric == "energy_per_mac_j":
        return engineering(value, "J", 3)
    if metric == "latency_s":
        return engineering(value, "s", 3)
    if metric == "area_m2":
        # Three digits, without an exponent.
        return f"{value * 1e6:.3g} mm2" if value >= 1e-9 else f"{value * 1e12:.3g} um2"
    if metric == "throughput_macs_per_s":
        return engineering(value, "MAC/s", 3)
    return f"{value:.3g}"


def rounded(value: float, up: bool) -> float:
    """A number to three digits, up or down, so that it would do as a limit.

    Examples
    --------
    >>> rounded(1.0823, up=True), rounded(1.0823, up=False)
    (1.09, 1.08)
    """
    if not value or math.isinf(value):
        return value
    digits = Decimal(value)
    unit = Decimal(1).scaleb(digits.adjusted() - 2)
    return float(digits.quantize(unit, rounding=ROUND_CEILING if up else ROUND_FLOOR))


def comparison(other: Metrics, chosen: Metrics) -> str:
    """In what a design is worse than the chosen one, and in what better."""
    worse, better = [], []
    for name, metric in OBJECTIVES.items():
        mine, theirs = getattr(chosen, metric), getattr(other, metric)
        if theirs > mine:
            worse.append(f"{name} {_change(mine, theirs)}")
        elif theirs < mine:
            better.append(f"{name} {_change(mine, theirs)}")
    if not worse:
        return "the same in every objective" if not better else f"better: {', '.join(better)}"
    if not better:
        return f"worse: {', '.join(worse)}"
    return f"{', '.join(worse)} (but {', '.join(better)})"


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


def named(design: Design) -> str:
    """A design in a few words."""
    said = [design.core]
    if isinstance(CORES[design.core], AnalogKind):
        said.append(f"{design.bits} bits")
    said.append(f"h = {design.vector_size}")
    if design.redundant:
        said.append(f"k = {design.redundant}")
    if design.attempts not in (None, 1):
        said.append(f"R = {design.attempts:g}")
    return ", ".join(said)


def plainly(error: RnscliError) -> str:
    """What is wrong with a design, without what else would do."""
    return str(error).split(";")[0].replace("`", "")


_NOT_NEGATIVE = Numbers(0.0, 1e300, "a number of at least 0")


def _limit(unit: str, example: str, help: str) -> Option:
    of = _NOT_NEGATIVE
    return Option(Quantities(of.low, of.high, of.accepted, unit, example), help)


class LimitOptions:
    """What a user chooses of the design that is best."""

    minimise = Option(
        Names(tuple(OBJECTIVES)),
        "What the chosen design has least of; ties are broken by the others.",
        default="energy",
    )
    max_error = Option(_NOT_NEGATIVE, "Largest mean absolute error of a right output.")
    max_p_err = Option(_NOT_NEGATIVE, "Largest output error probability.")
    max_energy = _limit("J", "100fJ", "Largest energy per MAC.")
    max_latency = _limit("s", "100ns", "Largest latency of a dot product.")
    max_area = _limit("m2", "1mm2", "Largest area of the arrays with their converters.")
    min_throughput = _limit("MAC/s", "1TMAC/s", "Least throughput.")


METRICS = tuple(Metrics.__dataclass_fields__)
# Limits by name: of which number, and whether it is an upper one.
LIMITS = {
    "max_energy": ("energy_per_mac_j", True),
    "max_latency": ("latency_s", True),
    "max_area": ("area_m2", True),
    "max_error": ("mean_abs_error", True),
    "max_p_err": ("p_err", True),
    "min_throughput": ("throughput_macs_per_s", False),
}


@dataclass(frozen=True)
class Limit:
    """A limit of one number of designs."""

    name: str
    value: float

    @property
    def metric(self) -> str:
        """The number that it is about."""
        return LIMITS[self.name][0]

    @property
    def upper(self) -> bool:
        """Whether it is an upper limit."""
        return LIMITS[self.name][1]

    def keeps(self, table: FloatArray) -> npt.NDArray[np.bool_]:
        """Which rows of a table with the columns `METRICS` keep it."""
        column = self.column(table)
        kept: npt.NDArray[np.bool_] = column <= self.value if self.upper else column >= self.value
        return kept

    def column(self, table: FloatArray) -> FloatArray:
        """The column of such a table that it is about."""
        column: FloatArray = table[:, METRICS.index(self.metric)]
        return column

    def best(self, table: FloatArray) -> int:
        """The row of such a table that comes nearest to it."""
        column = self.column(table)
        return int(np.argmin(column) if self.upper else np.argmax(column))

    def breach(self, metrics: Metrics) -> str:
        """How a design breaks it, or nothing."""
        value = getattr(metrics, self.metric)
        if value <= self.value if self.upper else value >= self.value:
            return ""
        return f"{show(self.metric, value)} breaks the limit of {amount(self.metric, self.value)}"

    def __str__(self) -> str:
        return f"`{self.name}` {amount(self.metric, self.value)}"


def limits_of(values: Mapping[str, float]) -> tuple[Limit, ...]:
    """Limits by their names in ``LIMITS``.

    Raises
    ------
    InputError
        If a name is unknown or a value negative.
    """
    limits = []
    for name, value in values.items():
        check_choice("limit", name, tuple(LIMITS))
        limits.append(Limit(name, _NOT_NEGATIVE.check(name, value)))
    return tuple(limits)


def keeping(limits: tuple[Limit, ...], table: FloatArray) -> npt.NDArray[np.bool_]:
    """Which rows of a table keep all limits."""
    kept = np.ones(len(table), dtype=bool)
    for limit in limits:
        kept &= limit.keeps(table)
    return kept


def obstacle(limits: tuple[Limit, ...], table: FloatArray, name_of: Callable[[int], str]) -> str:
    """Which limit no row keeps together with the others, and what comes nearest.

    Of several it is the one that is missed by the smallest factor. Where leaving out any one of
    them is not enough, all are named with the best value that each may have alone.

    Parameters
    ----------
    limits
        Limits that no row keeps together.
    table
        Rows of designs, with the columns `METRICS`; at least one.
    name_of
        The name of a row.
    """
    found: list[tuple[float, str]] = []
    blocking = [limit for limit in limits if not limit.keeps(table).all()]
    for limit in blocking:
        others = tuple(other for other in blocking if other is not limit)
        rows = np.flatnonzero(keeping(others, table))
        if not rows.size:
            continue
        row = int(rows[limit.best(table[rows])])
        nearest = float(limit.column(table)[row])
        missed = abs(math.log((nearest or 1e-300) / (limit.value or 1e-300)))
        kept = "" if len(limits) == 1 else "with the other limits kept, "
        said = show(limit.metric, rounded(nearest, up=limit.upper))
        found.append(
            (missed, f"no design keeps {limit}: {kept}the nearest has {said} ({name_of(row)})")
        )
    if found:
        return min(found)[1]
    parts = []
    for limit in blocking:
        best = float(limit.column(table)[limit.best(table)])
        said = amount(limit.metric, rounded(best, up=limit.upper))
        parts.append(f"{limit} (the best without the others is {said})")
    return f"no design keeps the limits, nor all but one of them: {', '.join(parts)}"
