"""Metrics against scikit-learn and plain loops; intervals against their coverage."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import f1_score, top_k_accuracy_score

from rnscli.analysis.networks.metrics import METRICS
from rnscli.analysis.statistics import PairedCounts
from rnscli.base.errors import InputError
from rnscli.networks.tasks import (
    CLASSIFICATION,
    LANGUAGE,
    REGRESSION,
    SEGMENTATION,
    SPANS,
    TASKS,
    TOKENS,
    UNLABELLED,
)

RANDOM = np.random.default_rng(11)
START = RANDOM.bit_generator.state


@pytest.fixture(autouse=True)
def seeded() -> None:
    """The same numbers whichever tests came before."""
    RANDOM.bit_generator.state = START


def compared(name: str, task: Any, core: Any, fp32: Any, labels: Any, cuts: int = 3) -> Any:
    """In parts of different sizes, which are recorded and read back, as blocks are."""
    metric, total = METRICS[name], None
    edges = [0, *sorted(RANDOM.choice(np.arange(1, len(core)), cuts, replace=False)), len(core)]
    for start, stop in itertools.pairwise(edges):
        part = slice(start, stop)
        some = None if labels is None else labels[part]
        found = metric.statistics(task, np.float32(core[part]), np.float32(fp32[part]), some)
        found = metric.of_record(found.record())
        total = found if total is None else total + found
    assert total is not None
    assert total.samples == len(core)
    return metric.compared(total)


def logits(*shape: int, noise: float = 0.7) -> tuple[Any, Any]:
    fp32 = RANDOM.normal(size=shape).astype(np.float32)
    return fp32 + noise * RANDOM.normal(size=shape).astype(np.float32), fp32


def test_accuracy_and_top5_of_samples() -> None:
    core, fp32 = logits(300, 9)
    labels = (fp32.argmax(1) + (RANDOM.random(300) < 0.3)) % 9
    for name, k in (("accuracy", 1), ("top5", 5)):
        found = compared(name, CLASSIFICATION, core, fp32, labels)
        for value, scores in ((found.value, core), (found.fp32, fp32)):
            expected = top_k_accuracy_score(labels, scores, k=k, labels=np.arange(9))
            assert value == pytest.approx(expected, rel=1e-15)
        both = [np.argsort(-one, 1)[:, :k] == labels[:, None] for one in (core, fp32)]
        a, b = (one.any(1) for one in both)
        pairs = PairedCounts(300, (a & b).sum(), (a & ~b).sum(), (b & ~a).sum())
        assert found.relative_interval == pairs.ratio_interval()
        exact = stats.binomtest(int(a.sum()), 300).proportion_ci(0.95, method="exact")
        assert found.interval == pytest.approx((exact.low, exact.high), rel=1e-9)


def test_ties_have_the_rank_of_their_place() -> None:
    """The first of equal scores is the answer, so the sixth is not among the five best."""
    scores, labels = np.zeros((8, 8)), np.arange(8)
    assert compared("accuracy", CLASSIFICATION, scores, scores, labels).value == 1 / 8
    assert compared("top5", CLASSIFICATION, scores, scores, labels).value == 5 / 8


def test_scores_that_are_not_finite_are_wrong() -> None:
    core, fp32 = logits(20, 7)
    labels = core.argmax(1)
    core[3, (labels[3] + 1) % 7] = np.nan
    core[4] = np.inf
    for name in ("accuracy", "top5"):
        assert compared(name, CLASSIFICATION, core, fp32, labels).value == 18 / 20
    answers = np.where(np.isin(np.arange(20), [3, 4]), 99, labels)  # of no class
    expected = f1_score(labels, answers, average="macro", labels=np.unique(labels))
    assert compared("f1", CLASSIFICATION, core, fp32, labels).value == pytest.approx(expected)


@pytest.mark.parametrize("task", [TOKENS, SEGMENTATION, LANGUAGE])
def test_places_that_do_not_count(task: Any) -> None:
    shape = (40, 6, 5, 3) if task is SEGMENTATION else (40, 15, 6)
    core, fp32 = logits(*shape)
    labels = fp32.argmax(task.class_axis)
    labels[RANDOM.random(labels.shape) < 0.3] = -100
    counts = labels != -100
    found = compared("accuracy", task, core, fp32, labels)
    right = (core.argmax(task.class_axis) == labels) & counts
    assert found.value == pytest.approx(right.sum() / counts.sum(), rel=1e-14)
    assert found.fp32 == 1
    scores = compared("f1", task, core, fp32, labels)
    answers = core.argmax(task.class_axis)[counts]
    expected = f1_score(labels[counts], answers, average="macro")
    assert scores.value == pytest.approx(expected, rel=1e-14)
    assert scores.interval is None  # places of a sample are not independent
    # The ratio of two means over samples, whose interval is that of its linear part.
    a, n = (one.reshape(40, -1).sum(1) for one in (right, counts))
    rest = (a - found.value * n) / n.mean()
    half = stats.t.ppf(0.975, 39) * rest.std(ddof=1) / math.sqrt(40)
    assert found.interval == pytest.approx((found.value - half, found.value + half), rel=1e-9)


def test_spans() -> None:
    core, fp32 = logits(50, 12, 2)
    labels = np.sort(fp32.argmax(1), axis=1)
    exact, overlap = (compared(name, SPANS, core, fp32, labels) for name in ("accuracy", "f1"))
    answers = core.argmax(1)
    assert exact.value == (answers == labels).all(1).mean()
    scores = []
    for (start, end), (first, last) in zip(answers.tolist(), labels.tolist(), strict=True):
        found, wanted = set(range(start, end + 1)), set(range(first, last + 1))
        common = len(found & wanted)
        scores.append(2 * common / (len(found) + len(wanted)) if common else 0.0)
    assert overlap.value == pytest.approx(np.mean(scores), rel=1e-14)
    half = stats.t.ppf(0.975, 49) * np.std(scores, ddof=1) / math.sqrt(50)
    assert overlap.interval == pytest.approx((np.mean(scores) - half, np.mean(scores) + half))


def test_spans_with_ends_that_do_not_count() -> None:
    """Against loops: -100 leaves out an end, and a sample where both are left out."""
    core, fp32 = logits(60, 12, 2)
    labels = np.sort(fp32.argmax(1), axis=1)
    labels[::5, 0], labels[::7, 1] = -100, -100
    answers = core.argmax(1)
    right = [
        all(answer == label for answer, label in zip(one, asked, strict=True) if label != -100)
        for one, asked in zip(answers, labels, strict=True)
        if any(asked != -100)
    ]
    metric = METRICS["accuracy"]
    found = metric.statistics(SPANS, core, fp32, labels)
    assert found.samples == len(right) == 58
    assert metric.compared(found).value == sum(right) / len(right)
    whole = (labels != -100).all(1)
    f1 = METRICS["f1"]
    overlap = f1.compared(f1.statistics(SPANS, core, fp32, labels))
    expected = f1.compared(f1.statistics(SPANS, core[whole], fp32[whole], labels[whole]))
    assert overlap.value == pytest.approx(expected.value, rel=1e-14)
    for one in (metric, f1):
        nothing = one.statistics(SPANS, core, fp32, np.full_like(labels, -100))
        with pytest.raises(InputError, match="counts"):
            one.compared(one.of_record(nothing.record()))


def test_f1_of_samples() -> None:
    core, fp32 = logits(200, 5)
    labels = fp32.argmax(1)
    labels[:60] = RANDOM.integers(0, 4, 60)
    found = compared("f1", CLASSIFICATION, core, fp32, labels)
    for value, scores in ((found.value, core), (found.fp32, fp32)):
        expected = f1_score(labels, scores.argmax(1), average="macro")
        assert value == pytest.approx(expected, rel=1e-14)
    # The influence of a sample is what leaving it out changes, times n - 1, to first order.
    left_out = np.array([
        f1_score(np.delete(labels, i), np.delete(core.argmax(1), i), average="macro")
        for i in range(200)
    ])  # fmt: skip
    jackknife = math.sqrt(199 / 200 * ((left_out - left_out.mean()) ** 2).sum())
    half = (found.interval[1] - found.interval[0]) / 2
    assert half == pytest.approx(1.96 * jackknife, rel=0.03)
    assert found.relative == pytest.approx(found.value / found.fp32)


def test_perplexity_is_the_exponential_of_the_mean_cross_entropy() -> None:
    core, fp32 = logits(30, 8, 20)
    labels = RANDOM.integers(0, 20, (30, 8))
    labels[RANDOM.random((30, 8)) < 0.2] = -100
    found = compared("perplexity", TOKENS, core, fp32, labels)
    losses = []
    for scores in (core, fp32):
        wide = scores.astype(float)
        every = np.log(np.exp(wide).sum(-1)) - np.take_along_axis(
            wide, np.maximum(labels, 0)[..., None], -1
        ).squeeze(-1)
        losses.append(np.where(labels != -100, every, 0.0))
    counted = (labels != -100).sum()
    assert found.value == pytest.approx(math.exp(losses[0].sum() / counted), rel=1e-6)
    assert found.fp32 == pytest.approx(math.exp(losses[1].sum() / counted), rel=1e-6)
    assert found.relative == pytest.approx(found.value / found.fp32, rel=1e-12)
    rest = (losses[0] - losses[1]).sum(1)
    rest = (rest - math.log(found.relative) * (labels != -100).sum(1)) / (counted / 30)
    half = stats.t.ppf(0.975, 29) * rest.std(ddof=1) / math.sqrt(30)
    ends = [found.relative * math.exp(sign * half) for sign in (-1, 1)]
    assert found.relative_interval == pytest.approx(ends, rel=1e-6)
    core[4, 0, 0] = np.nan
    lost = compared("perplexity", TOKENS, core, fp32, np.maximum(labels, 0))
    assert (lost.value, lost.interval) == (math.inf, None)


def test_mean_square_error() -> None:
    core, fp32 = logits(60, 3)
    labels = (fp32 + RANDOM.normal(size=fp32.shape)).astype(np.float32)
    found = compared("mse", REGRESSION, core, fp32, labels)
    errors = [((one.astype(float) - labels) ** 2).mean(1) for one in (core, fp32)]
    assert found.value == pytest.approx(errors[0].mean(), rel=1e-6)
    assert found.relative == pytest.approx(errors[0].mean() / errors[1].mean(), rel=1e-6)
    half = stats.t.ppf(0.975, 59) * errors[0].std(ddof=1) / math.sqrt(60)
    ends = errors[0].mean() - half, errors[0].mean() + half
    assert found.interval == pytest.approx(ends, rel=1e-6)
    column = compared("mse", REGRESSION, core[:, :1], fp32[:, :1], labels[:, 0])
    assert column.value == pytest.approx(((core[:, 0] - labels[:, 0]) ** 2).mean(), rel=1e-6)


@pytest.mark.parametrize("task", TASKS)
def test_signal_to_noise(task: Any) -> None:
    core, fp32 = logits(40, 6, 2, noise=0.01)
    found = compared("snr", task, core, fp32, None)
    wide = fp32.astype(float)
    expected = 10 * math.log10((wide**2).sum() / ((core - wide) ** 2).sum())
    assert found.value == pytest.approx(expected, abs=1e-4)
    assert found.interval[0] < found.value < found.interval[1]
    assert (found.fp32, found.relative) == (None, None)
    assert compared("snr", task, fp32, fp32, None).value == math.inf
    core[3, 2, 1] = np.nan
    assert compared("snr", task, core, fp32, None).value == -math.inf


@pytest.mark.parametrize(
    ("name", "task"), [("snr", UNLABELLED), ("mse", REGRESSION), ("perplexity", TOKENS)]
)
def test_intervals_hold_the_truth_as_often_as_they_say(name: str, task: Any) -> None:
    """Of 400 simulations of 60 samples each, whose true value is known from many more samples."""

    def draw(samples: int) -> tuple[Any, Any, Any]:
        shape = (samples, 4, 3)
        size = RANDOM.gamma(4, size=(samples, 1, 1))
        fp32 = size * RANDOM.normal(size=shape)
        core = fp32 + 0.3 * RANDOM.normal(size=shape)
        if task is TOKENS:
            return core, fp32, RANDOM.integers(0, 3, shape[:2])
        return core, fp32, fp32 + RANDOM.normal(size=shape)

    truth = compared(name, task, *draw(100_000)).value
    hits = 0
    for _ in range(400):
        low, high = compared(name, task, *draw(60), cuts=1).interval
        hits += low <= truth <= high
    assert 0.90 <= hits / 400 <= 0.98


@pytest.mark.parametrize(
    ("name", "task", "outputs", "says"),
    [
        (
            "mse",
            CLASSIFICATION,
            (3, 9),
            "`metric` is mse, which needs labels that are real",
        ),
        ("accuracy", REGRESSION, (3, 9), "of the task regression"),
        ("f1", UNLABELLED, (3, 9), "which needs labels that are classes"),
        ("perplexity", CLASSIFICATION, (3, 9), "which needs tokens"),
        ("top5", CLASSIFICATION, (3, 5), "the network has 5 outputs, so that every class"),
        ("top5", TOKENS, (3, 9, 4), "the network has 4 outputs"),
    ],
)
def test_metrics_that_do_not_fit(name: str, task: Any, outputs: tuple[int, ...], says: str) -> None:
    with pytest.raises(InputError, match="`metric`") as caught:
        METRICS[name].check(task, outputs)
    assert says in str(caught.value)


def test_labels_of_which_none_counts() -> None:
    core, fp32 = logits(4, 3, 6)
    for name in ("accuracy", "perplexity"):
        with pytest.raises(InputError, match="no label counts; all are -100"):
            compared(name, TOKENS, core, fp32, np.full((4, 3), -100))


def test_a_lost_sample_leaves_what_fp32_comes_to() -> None:
    labels = np.zeros((2, 1), np.float32)
    fp32 = np.array([[1.0], [3.0]], np.float32)
    core = np.array([[np.nan], [3.0]], np.float32)
    found = compared("mse", REGRESSION, core, fp32, labels, cuts=1)
    assert (found.value, found.fp32) == (math.inf, 5.0)


def test_places_of_a_sample_are_not_independent_however_many_count() -> None:
    core, fp32 = logits(4, 3, 6)
    labels = np.full((4, 3), -100)
    labels[:, 1] = [0, 1, 2, 3]  # one place of each sample
    assert compared("f1", TOKENS, core, fp32, labels).interval is None
