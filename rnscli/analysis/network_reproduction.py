"""Published results of networks, computed at a small scale, beside what is printed."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import TYPE_CHECKING

from rnscli.analysis import network_cases as cases
from rnscli.analysis import published
from rnscli.analysis.faults.fault_probability import FaultParameters, fault_probability
from rnscli.analysis.faults.validation import CONFIDENCE
from rnscli.analysis.measured_verdict import PrintedBound, PrintedComparison, PrintedFall
from rnscli.analysis.moduli import ModuliRequest
from rnscli.analysis.network_measurements import (
    Accuracies,
    Done,
    measure_accuracies,
    run_trainings,
    samples_of,
)
from rnscli.analysis.network_study import STUDY, NetworkPoint, NetworkStudy, TrainingPoint
from rnscli.analysis.reproduced_row import ReproducedRow, row_of
from rnscli.analysis.reproduction_cases import Case, chosen
from rnscli.analysis.statistics import proportion_interval
from rnscli.analysis.verdict import DIFFERENT, PrintedCurve, Verdict
from rnscli.runtime.runner import Runner

if TYPE_CHECKING:
    from rnscli.analysis.networks.training import Training

KEPT = published.RELATIVE_ACCURACY.lowest  # share of the accuracy in FP32 that counts as kept


@dataclass(frozen=True)
class NetworkReproduction:
    """The rows, and the networks behind them."""

    rows: tuple[ReproducedRow, ...] = ()
    accuracies: Accuracies = field(default_factory=dict)
    trainings: "Mapping[TrainingPoint, Training]" = field(default_factory=dict)


def network_samples(only: Collection[str] = (), study: NetworkStudy = STUDY) -> int:
    """Samples that `reproduce_networks` sends through networks, of trainings in every epoch."""
    points, trainings = cases.points_of(study, only), cases.trainings_of(study, only, 0)
    return samples_of(study, points, trainings)


def reproduce_networks(
    only: Collection[str] = (),
    seed: int = 0,
    runner: Runner | None = None,
    progress: Callable[[int], None] = lambda done: None,
    study: NetworkStudy = STUDY,
) -> NetworkReproduction:
    """Compute the published results of networks of arXiv:2309.10759 at a small scale.

    Networks are those that are shipped, which tell handwritten digits apart; the published ones
    are much larger. Needs the extra ``rnscli[torch]``.

    Parameters
    ----------
    only
        Names of rows or of results; everything if empty, and nothing if it names others only.
    seed
        Of noise, and the first one of trainings.
    runner
        Where networks are computed and recorded; it does not change the result.
    progress
        Called with the number of samples that have gone through networks so far.
    study
        Which networks, cores and trainings.

    Raises
    ------
    RnscliError
        If the extra is not installed.

    Examples
    --------
    >>> reproduce_networks(["moduli"]).rows
    ()
    """
    points, trainings = cases.points_of(study, only), cases.trainings_of(study, only, seed)
    done = Done(progress)
    accuracies = measure_accuracies(study, points, seed, runner, done) if points else {}
    trained = run_trainings(study, trainings, runner, done) if trainings else {}
    return NetworkReproduction(
        rows=(
            *(
                _size(*one, accuracies)
                for one in chosen(cases.size_cases(study, seed), only).items()
            ),
            *(
                _bits(*one, accuracies)
                for one in chosen(cases.bits_cases(study, seed), only).items()
            ),
            *(
                _training(*one, trained)
                for one in chosen(cases.training_cases(study, seed), only).items()
            ),
            *(
                _noise(*one, accuracies)
                for one in chosen(cases.noise_cases(study, seed), only).items()
            ),
        ),
        accuracies=accuracies,
        trainings=trained,
    )


def _size(case: Case, points: Sequence[NetworkPoint], found: Accuracies) -> ReproducedRow:
    first, last = found[points[0]], found[points[-1]]
    kept = [point.vector_size for point in takewhile(lambda p: found[p].ratio >= KEPT, points)]
    said = f"{KEPT:g} is kept up to h = {kept[-1]}" if kept else f"{KEPT:g} is not kept at any h"
    assert isinstance(case.printed, PrintedFall)
    verdict = case.printed.judge(first.interval, last.interval)
    remark = f"{first.ratio:.4g} at h = {points[0].vector_size}; {said}"
    return row_of(case, last.ratio, replace(verdict, remark=remark), last.interval)


def _bits(case: Case, points: Sequence[NetworkPoint], found: Accuracies) -> ReproducedRow:
    assert isinstance(case.printed, PrintedBound)
    if len(points) == 1:
        (one,) = (found[point] for point in points)
        return row_of(case, one.ratio, case.printed.judge(one.ratio, one.interval), one.interval)
    fewest = fewest_bits([(point.bits, found[point].ratio) for point in points])
    interval = (
        fewest_bits([(point.bits, found[point].interval[1]) for point in points]),
        fewest_bits([(point.bits, found[point].interval[0]) for point in points]),
    )
    return row_of(case, fewest, case.printed.judge(fewest, interval), interval)


def fewest_bits(ratios: Sequence[tuple[int, float]]) -> float:
    """The fewest bits from which on the accuracy is kept; infinite if the most are too few.

    Examples
    --------
    >>> fewest_bits([(6, 0.995), (7, 0.98), (8, 0.991), (9, 1.0)]), fewest_bits([(8, 0.5)])
    (8.0, inf)
    """
    kept = [bits for bits, _ in takewhile(lambda one: one[1] >= KEPT, reversed(ratios))]
    return float(kept[-1]) if kept else math.inf


def largest_p(ratios: Sequence[tuple[float, float]]) -> float:
    """The largest p up to which the accuracy is kept; 0 if the smallest is too large.

    Examples
    --------
    >>> largest_p([(1e-4, 1.0), (1e-3, 0.995), (1e-2, 0.9), (1e-1, 0.1)]), largest_p([(1e-4, 0.5)])
    (0.001, 0.0)
    """
    kept = [p for p, _ in takewhile(lambda one: one[1] >= KEPT, ratios)]
    return kept[-1] if kept else 0.0


def _training(
    case: Case, points: Sequence[TrainingPoint], found: "Mapping[TrainingPoint, Training]"
) -> ReproducedRow:
    from rnscli.analysis.networks.training import training_row

    in_fp32 = [found[point] for point in points if point.bits is None]
    on_core = [found[point] for point in points if point.bits is not None]
    failed = [one.record.failure for one in (*on_core, *in_fp32) if one.record.failure]
    if failed:  # a network that diverges tells nothing apart
        return row_of(case, -1.0, Verdict(DIFFERENT, None, failed[0]))
    row = training_row(on_core, in_fp32)
    difference, interval = row.accuracy_difference, row.accuracy_difference_ci95
    error = row.fp32_standard_error
    assert difference is not None and interval is not None and error is not None
    assert isinstance(case.printed, PrintedComparison)
    verdict = case.printed.judge(difference, interval, error)
    remark = (
        f"accuracy {row.test_accuracy:.4f} after {row.epochs} epochs, {row.seeds} seeds; the "
        f"standard error of FP32 is {error:.2g}"
    )
    return row_of(case, difference, replace(verdict, remark=remark), interval)


def _noise(case: Case, points: Sequence[NetworkPoint], found: Accuracies) -> ReproducedRow:
    """The largest p, and how often outputs are wrong there: this is known exactly as well."""
    p = largest_p([(_p(point), found[point].ratio) for point in points])
    interval = (
        largest_p([(_p(point), found[point].interval[0]) for point in points]),
        largest_p([(_p(point), found[point].interval[1]) for point in points]),
    )
    there = next((point for point in points if _p(point) == p), points[0])
    made, exact = found[there].products, _exact_p_err(there)
    ends = proportion_interval(made.wrong, made.dot_products, CONFIDENCE)
    assert isinstance(case.printed, PrintedCurve)
    verdict = case.printed.judge(ends[0] <= exact <= ends[1], made.dot_products)
    remark = (
        f"p_err is {exact:.3g} at p = {_p(there):.3g}; in the network "
        f"{made.output_error_rate:.3g}, from {ends[0]:.2g} to {ends[1]:.2g}"
    )
    return replace(
        row_of(case, p, replace(verdict, remark=remark), interval),
        simulated_p_err=made.output_error_rate,
        simulated_p_err_ci999=ends,
        simulated_words=made.dot_products,
    )


def _exact_p_err(point: NetworkPoint) -> float:
    request = ModuliRequest(
        bits=point.bits, vector_size=point.vector_size, redundant=point.redundant
    )
    parameters = FaultParameters(moduli=request.choose()[0], p=_p(point), attempts=point.attempts)
    return fault_probability(parameters).p_err


def _p(point: NetworkPoint) -> float:
    assert point.p is not None
    return point.p
