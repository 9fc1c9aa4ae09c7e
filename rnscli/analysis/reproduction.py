"""Published results that need no neural network, computed beside what is printed."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from functools import partial
from itertools import starmap

from rnscli.analysis.energy.energy import energy
from rnscli.analysis.energy.parameters import EnergyParameters
from rnscli.analysis.error.dot_error import DotErrorResult, dot_errors
from rnscli.analysis.error.statistics import ErrorStatistics
from rnscli.analysis.faults.fault_probability import fault_probability
from rnscli.analysis.faults.rows import FaultProbability
from rnscli.analysis.faults.validation import Validation, validate
from rnscli.analysis.moduli import ModuliRequest
from rnscli.analysis.reproduced_row import ReproducedRow, row_of
from rnscli.analysis.reproduction_cases import (
    WORDS,
    ArrayPair,
    Case,
    adc_energy_cases,
    array_cases,
    chosen,
    error_cases,
    fault_cases,
    moduli_cases,
)
from rnscli.analysis.verdict import PrintedCurve, PrintedNumber, PrintedRange, PrintedSet, Verdict
from rnscli.base.units import engineering
from rnscli.runtime.runner import Progress, Runner

RESULTS = ("moduli", "adc-energy", "error", "p-err", "array")


@dataclass(frozen=True)
class Reproduction:
    """The rows, and the simulations behind them: by b, and with the simulated values."""

    rows: tuple[ReproducedRow, ...]
    errors: tuple[DotErrorResult, ...]
    faults: tuple[FaultProbability, ...]


def names() -> tuple[str, ...]:
    """What `reproduce` can compute alone."""
    cases: Iterable[Case] = (
        *moduli_cases(), *adc_energy_cases(), *error_cases(0), *fault_cases(0), *array_cases(),
    )  # fmt: skip
    return tuple(case.name for case in cases)


def samples(only: Collection[str] = ()) -> int:
    """Dot products and words that `reproduce` simulates."""
    errors = chosen(error_cases(0), only)
    return sum(parameters.pairs for parameters in errors.values()) + WORDS * len(
        chosen(fault_cases(0), only)
    )


def reproduce(
    only: Collection[str] = (),
    seed: int = 0,
    runner: Runner | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Reproduction:
    """Compute the published results of arXiv:2309.10759 and arXiv:1707.09952.

    Parameters
    ----------
    only
        Names of rows (`names`) or of results (`RESULTS`); everything if empty.
    seed
        Of the simulations.
    runner
        Where these are computed and recorded; it does not change the result.
    progress
        Called with the number of samples simulated so far, of `samples`.

    Examples
    --------
    >>> [(row.case, row.verdict) for row in reproduce(["moduli-6-exact"]).rows]
    [('b = 6, rule exact', 'same')]
    """
    errors = chosen(error_cases(seed), only)
    faults = chosen(fault_cases(seed), only)
    simulated = tuple(dot_errors(list(errors.values()), runner, _PairsDone(progress)))
    done = sum(parameters.pairs for parameters in errors.values())
    checked = []
    for parameters in faults.values():
        watch = partial(_words_done, progress, done)
        found = validate(parameters, WORDS, seed, runner=runner, progress=watch)
        checked.append(found.beside(fault_probability(parameters)))
        done += WORDS
    return Reproduction(
        rows=(
            *starmap(_moduli, chosen(moduli_cases(), only).items()),
            *starmap(_adc_energy, chosen(adc_energy_cases(), only).items()),
            *map(_error, errors, simulated),
            *map(_fault, faults, checked),
            *starmap(_array, chosen(array_cases(), only).items()),
        ),
        errors=simulated,
        faults=tuple(checked),
    )


class _PairsDone:
    """Adds up the dot products of points that are simulated one after the other."""

    def __init__(self, progress: Callable[[int], None]) -> None:
        self._progress = progress
        self._before = 0

    def __call__(self, update: Progress[ErrorStatistics]) -> None:
        """After a block of a point."""
        self._progress(self._before + update.samples)
        if update.finished:
            self._before += update.samples


def _words_done(
    progress: Callable[[int], None], before: int, words: int, _: Validation | None
) -> None:
    progress(before + words)


def _moduli(case: Case, request: ModuliRequest) -> ReproducedRow:
    found = request.choose()[0].moduli
    assert isinstance(case.printed, PrintedSet)
    return row_of(case, found, case.printed.judge(found))


def _adc_energy(case: Case, parameters: EnergyParameters) -> ReproducedRow:
    ratio = energy(parameters).adc_relative_to_rns
    assert ratio is not None
    return row_of(case, ratio, _judged(case, ratio))


def _error(case: Case, simulated: DotErrorResult) -> ReproducedRow:
    (ratio,) = (row.relative_to_rns for row in simulated.rows if row.core == "fixed-lp")
    assert ratio is not None
    return row_of(case, ratio, _judged(case, ratio))


def _fault(case: Case, checked: FaultProbability) -> ReproducedRow:
    words, agrees = checked.simulated_words, checked.agrees
    assert isinstance(case.printed, PrintedCurve) and words is not None and agrees is not None
    return replace(
        row_of(case, checked.p_err, case.printed.judge(agrees, words)),
        simulated_p_err=checked.simulated_p_err,
        simulated_p_err_ci999=checked.simulated_p_err_ci999,
        simulated_words=words,
    )


def _array(case: Case, pair: ArrayPair) -> ReproducedRow:
    analog: float = getattr(energy(pair.analog), pair.quantity)
    if pair.digital is None:
        return row_of(case, analog, _judged(case, analog))
    digital: float = getattr(energy(pair.digital), pair.quantity)
    ratio = digital / analog
    verdict = _judged(case, ratio)
    parts = f"{engineering(digital, pair.unit)} over {engineering(analog, pair.unit)}"
    remark = f"{parts}; {verdict.remark}" if verdict.remark else parts
    return row_of(case, ratio, replace(verdict, remark=remark))


def _judged(case: Case, computed: float) -> Verdict:
    assert isinstance(case.printed, PrintedNumber | PrintedRange)
    return case.printed.judge(computed)
