"""What is kept of samples on a core and in FP32, so that a metric and its interval follow."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol, Self

import numpy as np

from rnscli.analysis.statistics import CONFIDENCE, PairedCounts, check_counts, check_reals
from rnscli.core import FloatArray, IntArray

Range = tuple[float, float]


@dataclass(frozen=True)
class Comparison:
    """A metric on a core and in FP32, with 95 % intervals where samples allow any.

    ``relative`` is the ratio of the two; what is not defined is ``None``.
    """

    value: float | None
    interval: Range | None
    fp32: float | None
    relative: float | None
    relative_interval: Range | None


class MetricStatistics(Protocol):
    """Sums over samples that add up, and are written down exactly."""

    @property
    def samples(self) -> int: ...

    def __add__(self, other: Self, /) -> Self: ...

    def record(self) -> dict[str, Any]: ...

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Self: ...


@dataclass(frozen=True)
class PairedRight(PairedCounts):
    """Of samples with one label each: which are right on the core, and which in FP32."""

    @classmethod
    def of(cls, core: Any, fp32: Any) -> "PairedRight":
        return cls(
            samples=len(core),
            both=int(np.count_nonzero(core & fp32)),
            first=int(np.count_nonzero(core & ~fp32)),
            second=int(np.count_nonzero(fp32 & ~core)),
        )

    def record(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> "PairedRight":
        made = cls(**record)
        check_counts(*asdict(made).values())
        if not made.samples >= made.both + made.first + made.second:  # none where no label counts
            raise ValueError("its numbers contradict each other")
        return made


@dataclass(frozen=True)
class SampleSums:
    """Means over samples of several numbers that each of them has, and how they vary together.

    They add as pooled samples do (Chan, Golub and LeVeque 1979), with cross products. ``lost`` of
    the ``count`` are samples whose outputs on the core are not finite; numbers that are not count
    as 0 then, and say nothing.
    """

    count: int
    means: tuple[float, ...]
    products: tuple[tuple[float, ...], ...]  # of the deviations from the means, summed
    lost: int = 0

    @classmethod
    def of(cls, columns: Sequence[FloatArray], lost: Any) -> "SampleSums":
        """Of a number of each sample in each column, and of which samples are lost."""
        table = np.stack(columns, 1)
        table[~np.isfinite(table)] = 0.0
        means = table.mean(0)
        off = table - means
        products = tuple(map(tuple, (off.T @ off).tolist()))
        return cls(len(table), tuple(means.tolist()), products, int(np.count_nonzero(lost)))

    @property
    def samples(self) -> int:
        return self.count

    def __add__(self, other: "SampleSums") -> "SampleSums":
        count, lost = self.count + other.count, self.lost + other.lost
        share = other.count / count
        steps = [b - a for a, b in zip(self.means, other.means, strict=True)]
        means = tuple(a + step * share for a, step in zip(self.means, steps, strict=True))
        products = tuple(
            tuple(
                self.products[i][j] + other.products[i][j] + one * two * self.count * share
                for j, two in enumerate(steps)
            )
            for i, one in enumerate(steps)
        )
        return SampleSums(count, means, products, lost)

    def record(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "means": list(self.means),
            "products": list(map(list, self.products)),
        }

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> "SampleSums":
        means, products = tuple(record["means"]), tuple(map(tuple, record["products"]))
        check_counts(record["count"], record["lost"])
        check_reals(*means, *(one for row in products for one in row))
        fits = [len(row) for row in products] == [len(means)] * len(means)
        if not fits or not 1 <= record["count"] >= record["lost"]:
            raise ValueError("its numbers contradict each other")
        return cls(record["count"], means, products, record["lost"])

    def half_width(self, slopes: Sequence[float]) -> float | None:
        """Half a 95 % interval of a function of the means with such derivatives; by the delta
        method, with samples as what is independent. ``None`` where samples do not differ.
        """
        from scipy.special import stdtrit

        if self.count < 2:
            return None
        slope, products = np.array(slopes), np.array(self.products)
        variance = float(slope @ products @ slope) / (self.count - 1) / self.count
        # What is left by rounding of products that cancel is nothing.
        scale = float(np.abs(slope) @ np.abs(products) @ np.abs(slope)) / self.count**2
        if not variance > 1e-14 * scale:
            return None
        return float(stdtrit(self.count - 1, (1 + CONFIDENCE) / 2)) * math.sqrt(variance)


_Triple = tuple[int, ...]  # a label, an answer on the core, and one in FP32
_Score = Callable[[IntArray, FloatArray], tuple[float, FloatArray]]


_PLACES = {True: "one", False: "several"}


@dataclass(frozen=True)
class JointClasses:
    """How many places have a label, an answer on the core and one in FP32; -1 is no class.

    ``single`` says that samples have one place each, so that places are independent.
    """

    counts: Mapping[_Triple, int]
    number: int  # of samples
    single: bool

    @classmethod
    def of(
        cls, labels: IntArray, core: IntArray, fp32: IntArray, samples: int, single: bool
    ) -> "JointClasses":
        triples, counts = np.unique(np.stack([labels, core, fp32], 1), axis=0, return_counts=True)
        found = {tuple(one): n for one, n in zip(triples.tolist(), counts.tolist(), strict=True)}
        return cls(found, samples, single)

    @property
    def samples(self) -> int:
        return self.number

    def __add__(self, other: "JointClasses") -> "JointClasses":
        counts = Counter(self.counts) + Counter(other.counts)
        ordered = dict(sorted(counts.items()))
        return JointClasses(ordered, self.number + other.number, self.single and other.single)

    def record(self) -> dict[str, Any]:
        counts = [[*triple, count] for triple, count in self.counts.items()]
        places = _PLACES[self.single]
        return {"counts": counts, "number": self.number, "places": places}

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> "JointClasses":
        counts: dict[_Triple, int] = {(a, b, c): n for a, b, c, n in record["counts"]}
        check_counts(record["number"], *counts.values())
        single = {text: one for one, text in _PLACES.items()}[record["places"]]
        if any(
            type(one) is not int or not -1 <= one < 2**31 for triple in counts for one in triple
        ):
            raise ValueError("its classes are none")
        return cls(counts, record["number"], single)

    def compared(self, score: _Score) -> Comparison:
        """A score of both, of an array of labels and answers, with how often each occurs.

        ``score`` gives its value, and how much a place of each row adds to it, times their number:
        the influence, from which intervals follow by the delta method.
        """
        from scipy.special import ndtri

        rows = np.array(list(self.counts), np.int64).reshape(-1, 3)
        times = np.array(list(self.counts.values()), np.float64)
        if not times.size:
            return Comparison(None, None, None, None, None)
        (value, of_core), (fp32, of_fp32) = (score(rows[:, [0, k]], times) for k in (1, 2))
        relative = value / fp32 if fp32 else None
        interval = around = None
        total = float(times.sum())
        limit = float(ndtri((1 + CONFIDENCE) / 2))

        def deviation(influence: FloatArray) -> float:
            return math.sqrt(float(times @ influence**2) / total) / math.sqrt(total)

        if self.single and total > 1:
            error = deviation(of_core)
            if error > 0:
                interval = (max(0.0, value - limit * error), min(1.0, value + limit * error))
            if relative:
                error = deviation(of_core / value - of_fp32 / fp32)
                factor = math.exp(limit * error)
                around = (relative / factor, relative * factor) if error > 0 else None
        return Comparison(value, interval, fp32, relative, around)
