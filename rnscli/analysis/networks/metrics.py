"""By what a network on a core is judged, beside itself in FP32: each metric is a class."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from rnscli.base import InputError, Registry, decibels, number, percent
from rnscli.networks import CLASSES, IGNORED, NOTHING, VALUES, Task, judged, right_of

if TYPE_CHECKING:
    from rnscli.analysis.networks.metric_statistics import (
        Comparison,
        MetricStatistics,
        Range,
        SampleSums,
    )
    from rnscli.core import FloatArray, IntArray
    from rnscli.networks import Labels, Logits


class Metric(ABC):
    """A number of some samples that tells how good outputs are.

    The relative value in rows is that on the core over that in FP32, where there is one.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    larger_is_better: ClassVar[bool]
    interval: ClassVar[str]  # how its interval comes about
    needs: ClassVar[str]  # what a task must have, for who gives another one
    has_ratio: ClassVar[bool] = True  # whether it is compared with itself in FP32

    @abstractmethod
    def fits(self, task: Task) -> bool:
        """Whether it can be told of a task."""

    @abstractmethod
    def statistics(
        self, task: Task, core: Logits, fp32: Logits, labels: Labels | None
    ) -> MetricStatistics:
        """Of some samples: outputs on the core and in FP32, as the network gives them."""

    def of_record(self, record: Any) -> MetricStatistics:
        """The inverse of the ``record`` of its statistics; of sums over samples unless it says."""
        from rnscli.analysis.networks.metric_statistics import SampleSums

        return SampleSums.of_record(record)

    @abstractmethod
    def compared(self, found: Any) -> Comparison:
        """What its statistics come to."""

    def shown(self, value: float) -> str:
        """A value as people read it."""
        return number(value)

    def check(self, task: Task, outputs: tuple[int, ...]) -> None:
        """Refuse a task, or outputs of a shape, that it cannot be told of."""
        if not self.fits(task):
            raise InputError(
                f"`metric` is {self.name}, which needs {self.needs}; the labels and outputs of "
                f"this network are of the task {task.name}"
            )


class _Shares(Metric):
    """Shares of places whose label is among the largest scores."""

    larger_is_better = True
    interval = (
        "Clopper and Pearson's of samples with one label, of the ratio a score interval for pairs; "
        "else by the delta method, samples being independent and their places not"
    )
    needs = "labels that are classes"
    most: ClassVar[int]

    def shown(self, value: float) -> str:
        return percent(1)(value)

    def fits(self, task: Task) -> bool:
        return task.compared == CLASSES

    def statistics(
        self, task: Task, core: Logits, fp32: Logits, labels: Labels | None
    ) -> MetricStatistics:
        import numpy as np

        from rnscli.analysis.networks.metric_statistics import PairedRight, SampleSums

        assert labels is not None
        wanted = task.wanted(labels)
        right = [right_of(task, task.scores(one), wanted, self.most) for one in (core, fp32)]
        if task.together:
            (core_right, counts), (fp32_right, _) = (judged(task, one, wanted) for one in right)
            return PairedRight.of(core_right[counts], fp32_right[counts])
        if not task.places:
            return PairedRight.of(*(one[:, 0] for one in right))
        counted = wanted != IGNORED
        columns = [one.sum(1).astype(float) for one in (*right, counted)]
        return SampleSums.of(columns, np.zeros(len(wanted), bool))

    def of_record(self, record: Any) -> MetricStatistics:
        from rnscli.analysis.networks.metric_statistics import PairedRight, SampleSums

        return PairedRight.of_record(record) if "both" in record else SampleSums.of_record(record)

    def compared(self, found: Any) -> Comparison:
        from rnscli.analysis.networks.metric_statistics import Comparison, PairedRight
        from rnscli.analysis.statistics import proportion_interval

        if isinstance(found, PairedRight):
            if not found.samples:
                raise InputError(f"`metric` {self.name}: no label counts; all are {IGNORED}")
            right = found.both + found.first
            return Comparison(
                right / found.samples,
                proportion_interval(right, found.samples),
                (found.both + found.second) / found.samples,
                found.ratio,
                found.ratio_interval(),
            )
        core, fp32, places = found.means
        if not places:
            raise InputError(f"`metric` {self.name}: no label counts; all are {IGNORED}")
        value = core / places
        half = found.half_width((1 / places, 0.0, -value / places))
        return Comparison(
            value,
            None if half is None else (max(0.0, value - half), min(1.0, value + half)),
            fp32 / places,
            *_ratio(found),
        )


class Accuracy(_Shares):
    """Share of samples, or of their places, whose largest score is that of their class."""

    name = "accuracy"
    summary = "share that is right"
    most = 1


class Top5(_Shares):
    """Share of samples, or of their places, whose class is among the five largest scores."""

    name = "top5"
    summary = "share whose class is among the five best"
    most = 5

    def check(self, task: Task, outputs: tuple[int, ...]) -> None:
        super().check(task, outputs)
        if (classes := outputs[task.class_axis]) <= self.most:
            raise InputError(
                f"`metric` is {self.name}, and the network has {classes} outputs, so that every "
                "class is among the five best; take accuracy"
            )


class F1(Metric):
    """Macro F1: the mean over classes of 2 TP / (2 TP + FP + FN).

    Classes count that are a label or an answer of any place. Of spans it is the F1 of the positions
    that the span and the right one share, averaged over samples (Rajpurkar et al., "SQuAD",
    arXiv:1606.05250, with positions in the place of words).
    """

    name = "f1"
    summary = "macro F1 of classes, or overlap of spans"
    larger_is_better = True
    interval = "delta method on the counts of labels and answers; null for several places a sample"
    needs = "labels that are classes"

    def shown(self, value: float) -> str:
        return percent(1)(value)

    def fits(self, task: Task) -> bool:
        return task.compared == CLASSES

    def statistics(
        self, task: Task, core: Logits, fp32: Logits, labels: Labels | None
    ) -> MetricStatistics:
        import numpy as np

        from rnscli.analysis.networks.metric_statistics import JointClasses, SampleSums

        assert labels is not None
        wanted = task.wanted(labels).astype(np.int64)
        answers = [_answers(task, one) for one in (core, fp32)]
        if task.together:
            # Of a span of which one end does not count no overlap can be told.
            counted = (wanted != IGNORED).all(1)
            columns = [np.where(counted, _overlap(one, wanted), 0.0) for one in answers]
            columns.append(counted.astype(float))
            return SampleSums.of(columns, np.zeros(len(wanted), bool))
        asked = wanted != IGNORED
        core_answers, fp32_answers = (one[asked] for one in answers)
        single = not task.places
        return JointClasses.of(wanted[asked], core_answers, fp32_answers, len(wanted), single)

    def of_record(self, record: Any) -> MetricStatistics:
        from rnscli.analysis.networks.metric_statistics import JointClasses, SampleSums

        return SampleSums.of_record(record) if "means" in record else JointClasses.of_record(record)

    def compared(self, found: Any) -> Comparison:
        from rnscli.analysis.networks.metric_statistics import Comparison, JointClasses

        if isinstance(found, JointClasses):
            return found.compared(_macro_f1)
        core, fp32, spans = found.means
        if not spans:
            raise InputError(f"`metric` {self.name}: no span counts; all have an end of {IGNORED}")
        value = core / spans
        half = found.half_width((1 / spans, 0.0, -value / spans))
        interval = None if half is None else (max(0.0, value - half), min(1.0, value + half))
        return Comparison(value, interval, fp32 / spans, *_ratio(found))


class Perplexity(Metric):
    """Exponential of the mean cross-entropy of the tokens that count, in nats."""

    name = "perplexity"
    summary = "exponential of the mean cross-entropy of tokens"
    larger_is_better = False
    interval = "delta method on the mean cross-entropy, samples being independent and tokens not"
    needs = "tokens that are classified or followed by others"

    def fits(self, task: Task) -> bool:
        return task.compared == CLASSES and task.places == "tokens"

    def statistics(
        self, task: Task, core: Logits, fp32: Logits, labels: Labels | None
    ) -> MetricStatistics:
        import numpy as np

        from rnscli.analysis.networks.metric_statistics import SampleSums

        assert labels is not None
        asked = labels != IGNORED
        losses = [_surprise(one, labels, asked) for one in (core, fp32)]
        return SampleSums.of([*losses, asked.sum(1).astype(float)], ~np.isfinite(losses[0]))

    def compared(self, found: Any) -> Comparison:
        from rnscli.analysis.networks.metric_statistics import Comparison

        core, fp32, places = found.means
        if not places:
            raise InputError(f"`metric` {self.name}: no label counts; all are {IGNORED}")
        if found.lost:
            return Comparison(math.inf, None, _exp(fp32 / places), None, None)
        logs = core / places, fp32 / places
        half = found.half_width((1 / places, 0.0, -logs[0] / places))
        apart = found.half_width((1 / places, -1 / places, (logs[1] - logs[0]) / places))
        step = logs[0] - logs[1]
        return Comparison(
            _exp(logs[0]),
            None if half is None else (_exp(logs[0] - half), _exp(logs[0] + half)),
            _exp(logs[1]),
            _exp(step),
            None if apart is None else (_exp(step - apart), _exp(step + apart)),
        )


class MeanSquare(Metric):
    """Mean square of the differences between outputs and labels, over samples and values."""

    name = "mse"
    summary = "mean square error of values"
    larger_is_better = False
    interval = "Student's t over the samples; of the ratio by the delta method on its logarithm"
    needs = "labels that are real numbers"

    def fits(self, task: Task) -> bool:
        return task.compared == VALUES

    def statistics(
        self, task: Task, core: Logits, fp32: Logits, labels: Labels | None
    ) -> MetricStatistics:
        import numpy as np

        from rnscli.analysis.networks.metric_statistics import SampleSums

        assert labels is not None
        wanted = task.wanted(labels).astype(float)
        with np.errstate(all="ignore"):
            errors = [((task.scores(one) - wanted) ** 2).mean(1) for one in (core, fp32)]
        return SampleSums.of(errors, ~np.isfinite(errors[0]))

    def compared(self, found: Any) -> Comparison:
        from rnscli.analysis.networks.metric_statistics import Comparison

        core, fp32 = found.means
        if found.lost:
            return Comparison(math.inf, None, fp32, None, None)
        half = found.half_width((1.0, 0.0))
        interval = None if half is None else (max(0.0, core - half), core + half)
        return Comparison(core, interval, fp32, *_ratio(found))


class SignalToNoise(Metric):
    """10 log10 of the energy of the outputs in FP32 over that of their differences, in dB."""

    name = "snr"
    summary = "signal-to-noise ratio of the outputs against FP32, in dB"
    larger_is_better = True
    interval = "delta method on the logarithm of the ratio of the means, over the samples"
    has_ratio = False
    needs = "nothing"

    def shown(self, value: float) -> str:
        return decibels(value)

    def fits(self, task: Task) -> bool:
        return task.compared in (CLASSES, VALUES, NOTHING)

    def statistics(
        self, task: Task, core: Logits, fp32: Logits, labels: Labels | None
    ) -> MetricStatistics:
        import numpy as np

        from rnscli.analysis.networks.metric_statistics import SampleSums

        signal, answer = (one.reshape(len(one), -1).astype(float) for one in (fp32, core))
        with np.errstate(all="ignore"):
            noise = ((answer - signal) ** 2).sum(1)
        return SampleSums.of([(signal**2).sum(1), noise], ~np.isfinite(noise))

    def compared(self, found: Any) -> Comparison:
        from rnscli.analysis.networks.metric_statistics import Comparison

        signal, noise = found.means
        if found.lost:
            return Comparison(-math.inf, None, None, None, None)
        if not noise:  # nothing differs
            return Comparison(math.inf, None, None, None, None)
        if not signal:
            return Comparison(-math.inf, None, None, None, None)
        value = 10 * math.log10(signal / noise)
        half = found.half_width((1 / signal, -1 / noise))
        half = None if half is None else half * 10 / math.log(10)
        interval = None if half is None else (value - half, value + half)
        return Comparison(value, interval, None, None, None)


METRICS: Registry[Metric] = Registry(
    "metric",
    "metrics",
    Metric,
    [Accuracy(), Top5(), F1(), Perplexity(), MeanSquare(), SignalToNoise()],
)


def usual_metric(task: Task) -> Metric:
    """The first one that can be told of a task; the last of this package can of all."""
    return next(one for one in METRICS.values() if one.fits(task))


def _ratio(found: SampleSums) -> tuple[float | None, Range | None]:
    """Ratio of the first two means, with an interval by the delta method on its logarithm."""
    first, second, *others = found.means
    if not second:
        return None, None
    ratio = first / second
    if not first:
        return ratio, None
    half = found.half_width((1 / first, -1 / second, *(0.0 for _ in others)))
    return ratio, None if half is None else (ratio * _exp(-half), ratio * _exp(half))


def _exp(value: float) -> float:
    return math.exp(value) if value < 709 else math.inf


def _surprise(logits: Logits, labels: Labels, asked: Any) -> FloatArray:
    """Cross-entropies of the tokens of each sample, summed; in float64."""
    import numpy as np

    label = np.where(asked, labels, 0).astype(np.int64)[..., None]
    own = np.take_along_axis(logits, label, -1)[..., 0].astype(float)
    with np.errstate(all="ignore"):
        top = logits.max(-1, keepdims=True)
        spread = np.exp((logits - top).astype(float)).sum(-1)
        losses = np.log(spread) + top[..., 0] - own
        losses[~np.isfinite(logits).all(-1)] = math.inf
    summed: FloatArray = np.where(asked, losses, 0.0).sum(1)
    return summed


def _answers(task: Task, outputs: Logits) -> IntArray:
    """The class of each place ``(N, places)``; -1 where scores are not finite."""
    import numpy as np

    scores = task.scores(outputs)
    return np.where(np.isfinite(scores).all(-1), scores.argmax(-1), -1)


def _overlap(answers: IntArray, wanted: IntArray) -> FloatArray:
    """F1 of the positions of spans, ends included; 0 of one that ends before it starts."""
    import numpy as np

    (start, end), (first, last) = answers.T, wanted.T
    common = np.minimum(end, last) - np.maximum(start, first) + 1
    lengths = (end - start + 1) + (last - first + 1)
    good = (common > 0) & (start >= 0) & (end >= start)
    made: FloatArray = np.where(good, 2 * common / np.maximum(lengths, 1), 0.0)
    return made


def _macro_f1(pairs: IntArray, times: FloatArray) -> tuple[float, FloatArray]:
    """Macro F1 of labels and answers, and the influence of each pair on it."""
    import numpy as np

    labels, answers = pairs.T
    known, where = np.unique(pairs[pairs >= 0], return_inverse=True)
    width = len(known)
    place = np.full(pairs.shape, -1)
    place[pairs >= 0] = where
    label, answer = place.T
    hit = labels == answers
    both = np.bincount(label, times, width)
    both += np.bincount(answer[answer >= 0], times[answer >= 0], width)
    scores = 2 * np.bincount(label[hit], times[hit], width) / both
    slope = -(scores / both)[label]
    slope -= np.where(answer >= 0, (scores / both)[answer], 0.0)
    slope += np.where(hit, (2 / both)[label], 0.0)
    return float(scores.mean()), slope * times.sum() / width
