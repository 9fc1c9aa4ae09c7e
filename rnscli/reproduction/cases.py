"""The cases of ``published.toml``: what each is computed from, and how.

A case needs works (dot products or words that are simulated, networks that are tested or trained)
and computes its value from what has come of them; where a formula is enough it needs none.
"""

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product, takewhile
from typing import Any

from rnscli.analysis import (
    CONFIDENCE,
    CodeOptions,
    DotErrorParameters,
    DotErrorResult,
    EnergyOptions,
    EnergyParameters,
    ErrorOptions,
    FaultOptions,
    FaultParameters,
    FaultProbability,
    ModuliOptions,
    ModuliRequest,
    NetworkOptions,
    SimulationOptions,
    fault_probability,
    proportion_interval,
)
from rnscli.analysis.energy.bill import energy
from rnscli.base import Option, Values, command_line, engineering, options_of
from rnscli.core import (
    RULES,
    CoreOptions,
    DotProduct,
    DotProductOptions,
    NoiseOptions,
    RedundantCode,
)
from rnscli.hardware import load_technology
from rnscli.networks import RecipeOptions
from rnscli.reproduction.published import (
    CASES,
    CONDITIONS,
    KEPT,
    PUBLISHED,
    VECTOR_SIZE,
    Interval,
    ReproducedRow,
)
from rnscli.reproduction.study import MeasuredAccuracy, NetworkPoint, NetworkStudy, TrainingPoint

BITS: tuple[int, ...] = tuple(CONDITIONS["bits"])
WORDS = 1_000_000  # simulated beside each exact probability
# (k, R): without redundancy nothing is detected, and further attempts change nothing.
REDUNDANCIES = ((0, 1), (1, 1), (1, 2), (1, math.inf), (2, 1), (2, 2), (2, math.inf))
PROBABILITIES = (1e-3, 1e-1)


class ReproductionOptions:
    """What a user chooses of the published values."""

    only = Option(Values(), "Only these rows, by name, or all of a result.")


# Of the commands that print a row alone.
_OPTIONS = options_of(
    ModuliOptions, DotProductOptions, CoreOptions, NoiseOptions, CodeOptions, ErrorOptions,
    FaultOptions, EnergyOptions, NetworkOptions, RecipeOptions, SimulationOptions,
    ReproductionOptions,
)  # fmt: skip

Work = DotErrorParameters | FaultParameters | NetworkPoint | TrainingPoint


@dataclass(frozen=True)
class Computed:
    """The value of a case with its ``evidence``, from which the verdict follows.

    ``simulated`` is p_err with its 99.9 % interval and the number of words, where that was done.
    """

    value: float | tuple[int, ...]
    evidence: tuple[Any, ...]
    interval: Interval | None = None
    remark: str = ""
    simulated: tuple[float, Interval, int] | tuple[None, None, None] = (None, None, None)


@dataclass(frozen=True)
class Case:
    """A published value that can be computed.

    ``columns`` are those of its row that `CASES` give, ``value`` is a key of `PUBLISHED`;
    ``compute`` takes what has come of each of the works that the case ``needs``, in their order.
    """

    columns: Mapping[str, str]
    value: str
    compute: Callable[..., Computed]
    needs: Sequence[Work]

    @property
    def names(self) -> set[str]:
        """What ``--only`` takes for it: its own name, or that of its result."""
        return {self.columns["name"], self.columns["result"]}

    def row(self, done: Mapping[Work, Any]) -> ReproducedRow:
        """The row, from what has come of all works."""
        published = PUBLISHED[self.value]
        computed = self.compute(*(done[work] for work in self.needs))
        verdict, (low, high) = published.judge(*computed.evidence), published.ends
        p_err, p_err_ci999, words = computed.simulated
        return ReproducedRow(
            **self.columns,
            computed=computed.value,
            computed_ci95=computed.interval,
            published=published.text,
            published_low=low,
            published_high=high,
            verdict=verdict.word,
            deviation=verdict.deviation,
            remark="; ".join(filter(None, (computed.remark, verdict.remark))),
            simulated_p_err=p_err,
            simulated_p_err_ci999=p_err_ci999,
            simulated_words=words,
            source=published.paper,
        )


def _case(
    name: str, compute: Callable[..., Computed], needs: Sequence[Work] = (), **variables: Any
) -> Case:
    known = CONDITIONS | variables
    case = dict(CASES[name])
    options = {key: text.format(**known) or None for key, text in case.pop("options").items()}
    texts = {key: text.format(**known) for key, text in case.items()}
    texts["command"] = command_line(texts["command"], _OPTIONS, options)
    value = texts.pop("value")
    return Case({"unit": ""} | texts, value, compute, needs)


# Without networks


def _moduli(study: NetworkStudy, seed: int) -> Iterator[Case]:
    """The moduli chosen for b bits, by both rules of what they must cover."""
    for bits, rule in product(BITS, RULES):
        yield _case("moduli", partial(_chosen, bits, rule), bits=bits, rule=rule)


def _chosen(bits: int, rule: str) -> Computed:
    members = _request(bits, rule=rule).choose()[0].moduli
    return Computed(members, (members,))


def _adc_energy(study: NetworkStudy, seed: int) -> Iterator[Case]:
    """ADC energy of the core ``fixed-hp`` over that of ``rns``."""
    for bits in BITS:
        of = partial(_quantity, bill_of("fixed-hp", bits), "adc_relative_to_rns")
        yield _case("adc-energy", of, bits=bits)


def _error(study: NetworkStudy, seed: int) -> Iterator[Case]:
    """Mean absolute error of the core ``fixed-lp`` over that of ``rns``."""
    for bits in BITS:
        request = _request(bits)
        simulated = DotErrorParameters(
            dot_product=request.dot_product,
            bits=bits,
            pairs=CONDITIONS["error_pairs"],
            code=RedundantCode(request.choose()[0]),
            seed=seed,
        )
        yield _case("error", _error_ratio, [simulated], bits=bits, seed=seed)


def _error_ratio(simulated: DotErrorResult) -> Computed:
    (ratio,) = (row.relative_to_rns for row in simulated.rows if row.core == "fixed-lp")
    return _number(ratio)


def _fault(study: NetworkStudy, seed: int) -> Iterator[Case]:
    """Output error probability with k redundant moduli after R attempts."""
    for p, (redundant, attempts) in product(PROBABILITIES, REDUNDANCIES):
        variables: dict[str, Any] = {"redundant": redundant, "attempts": attempts, "p": p}
        yield _case(
            "p-err", _checked, [faults_of(**variables)], words=WORDS, seed=seed, **variables
        )


def _checked(fault: FaultProbability) -> Computed:
    simulated: Any = (fault.simulated_p_err, fault.simulated_p_err_ci999, fault.simulated_words)
    return Computed(fault.p_err, (fault.agrees, fault.simulated_words), simulated=simulated)


def _array(study: NetworkStudy, seed: int) -> Iterator[Case]:
    """Energy per MAC of the analog block, and ratios of energy and latency to it."""
    analog = _array_bill("fixed-lp", "reram-analog")
    yield _case("array-analog", partial(_quantity, analog, "energy_per_mac_j"))
    columns = {"energy": ("energy_per_mac_j", "J"), "latency": ("latency_s", "s")}
    for technology, quantity in product(("reram-digital", "sram-digital"), columns):
        over = partial(_over, _array_bill("digital-int8", technology), analog, *columns[quantity])
        yield _case("array-ratio", over, technology=technology, quantity=quantity)


def _over(digital: EnergyParameters, analog: EnergyParameters, column: str, unit: str) -> Computed:
    above, below = (getattr(energy(bill), column) for bill in (digital, analog))
    return _number(above / below, f"{engineering(above, unit)} over {engineering(below, unit)}")


def _quantity(bill: EnergyParameters, column: str) -> Computed:
    return _number(getattr(energy(bill), column))


def _number(value: Any, remark: str = "") -> Computed:
    return Computed(value, (value,), remark=remark)


def _array_bill(core: str, technology: str) -> EnergyParameters:
    size, bits = CONDITIONS["array_size"], CONDITIONS["array_bits"]
    return EnergyParameters(
        core=core,
        dot_product=DotProduct(size, bits, bits),
        bits=bits,
        technology=load_technology(technology),
    )


def bill_of(core: str, bits: int) -> EnergyParameters:
    """The published dot product in a core with converters of b bits."""
    request = _request(bits)
    return EnergyParameters(
        core=core, dot_product=request.dot_product, bits=bits, moduli=request.choose()[0]
    )


def faults_of(
    redundant: int, attempts: float, p: float, bits: int = CONDITIONS["fault_bits"]
) -> FaultParameters:
    """The code of the published curves."""
    moduli = _request(bits, redundant).choose()[0]
    return FaultParameters(moduli=moduli, p=p, attempts=attempts)


def _request(bits: int, redundant: int = 0, rule: str = RULES[0]) -> ModuliRequest:
    return ModuliRequest(bits=bits, vector_size=VECTOR_SIZE, redundant=redundant, rule=rule)


# Of networks


def _size(study: NetworkStudy, seed: int) -> Iterator[Case]:
    """Accuracy in a conventional core at the largest h, beside all smaller ones."""
    for bits in study.size_bits:
        yield _case(
            "accuracy-h", partial(_fall, study.sizes), study.in_conventional_core(bits), bits=bits,
            model=study.size_model, largest=study.sizes[-1], samples=_samples(study), seed=seed,
        )  # fmt: skip


def _fall(sizes: Sequence[int], *measured: MeasuredAccuracy) -> Computed:
    (first, *at_first), (last, *at_last) = measured[0].ratios, measured[-1].ratios
    kept = last_kept(sizes, [one.ratios[0] for one in measured], 0)
    said = f"kept up to h = {kept:g}" if kept else "not kept at any h"
    remark = f"{first:.4g} at h = {sizes[0]}; {KEPT:g} is {said}"
    return Computed(last, (at_first, at_last), (at_last[0], at_last[1]), remark)


def _bits(study: NetworkStudy, seed: int) -> Iterator[Case]:
    """Accuracy on residues of few bits, and the fewest bits that a conventional core needs."""
    samples = _samples(study)
    for model in study.models:
        point = NetworkPoint(model, "rns", CONDITIONS["accuracy_bits"])
        yield _case("accuracy-b-rns", _ratio, [point], model=model, samples=samples, seed=seed)
    for model in study.models:
        points = study.on_core(model, "fixed-lp")[::-1]
        fewest = partial(_fewest_bits, study.bits[::-1])
        yield _case("accuracy-b-fixed-lp", fewest, points, model=model, seed=seed)


def _ratio(measured: MeasuredAccuracy) -> Computed:
    ratio, low, high = measured.ratios
    return Computed(ratio, (ratio, (low, high)), (low, high))


def _fewest_bits(bits: Sequence[int], *measured: MeasuredAccuracy) -> Computed:
    """The fewest bits from which on the accuracy is kept; infinite if the most are too few."""
    fewest, interval = _last_kept(bits, measured, math.inf)
    return Computed(fewest, (fewest, interval), interval)


def _samples(study: NetworkStudy) -> str:
    return "" if study.samples is None else str(study.samples)


def _training(study: NetworkStudy, seed: int) -> Iterator[Case]:
    """Accuracy after training on residues, minus that after training in FP32."""
    yield _case(
        "training", _trained, study.trained_with((CONDITIONS["training_bits"],), seed),
        model=study.training_model, epochs=study.epochs,
        seeds=",".join(map(str, study.seeds_from(seed))),
    )  # fmt: skip


def _trained(*trainings: Any) -> Computed:
    from rnscli.analysis import training_row

    in_fp32 = [one for one in trainings if one.parameters.bits is None]
    on_core = [one for one in trainings if one.parameters.bits is not None]
    failed = [one.record.failure for one in (*on_core, *in_fp32) if one.record.failure]
    if failed:  # a network that diverges tells nothing apart
        return Computed(-1.0, (-1.0, (-1.0, -1.0), 0.0), remark=failed[0])
    row: Any = training_row(on_core, in_fp32)
    difference, interval = row.accuracy_difference, row.accuracy_difference_ci95
    remark = (
        f"accuracy {row.test_accuracy:.4f} after {row.epochs} epochs, {row.seeds} seeds; the "
        f"standard error of FP32 is {row.fp32_standard_error:.2g}"
    )
    evidence = (difference, interval, row.fp32_standard_error)
    return Computed(difference, evidence, interval, remark)


def _noise(study: NetworkStudy, seed: int) -> Iterator[Case]:
    """The largest p at which a network keeps its accuracy, with k moduli and R attempts."""
    for redundant, attempts in study.redundancies:
        yield _case(
            "accuracy-p", partial(_largest_p, study, redundant, attempts),
            study.under_noise(redundant, attempts), redundant=redundant, attempts=attempts,
            seed=seed,
        )  # fmt: skip


def _largest_p(
    study: NetworkStudy, redundant: int, attempts: int, *measured: MeasuredAccuracy
) -> Computed:
    """The largest p, and how often outputs are wrong there: this is known exactly as well."""
    largest, interval = _last_kept(study.probabilities, measured, 0.0)
    index = study.probabilities.index(largest) if largest else 0
    p, made = study.probabilities[index], measured[index].products
    exact = fault_probability(faults_of(redundant, attempts, p, study.noise_bits)).p_err
    low, high = proportion_interval(made.wrong, made.dot_products, CONFIDENCE)
    rate = made.output_error_rate
    remark = (
        f"p_err is {exact:.3g} at p = {p:.3g}; in the network {rate:.3g}, from {low:.2g} to "
        f"{high:.2g}"
    )
    simulated = (rate, (low, high), made.dot_products)
    return Computed(largest, (low <= exact <= high,), interval, remark, simulated)


def _last_kept(
    places: Sequence[float], measured: Sequence[MeasuredAccuracy], otherwise: float
) -> tuple[float, Interval]:
    """The last place at which the accuracy is kept, with those that the intervals allow."""
    several = zip(*(one.ratios for one in measured), strict=True)
    place, *ends = (last_kept(places, ratios, otherwise) for ratios in several)
    return place, (min(ends), max(ends))


def last_kept(places: Sequence[float], ratios: Sequence[float], otherwise: float) -> float:
    """The last place up to which the accuracy is kept; ``otherwise`` if it is not at the first.

    Examples
    --------
    >>> last_kept([9, 8, 7, 6], [1.0, 0.991, 0.98, 0.995], math.inf), last_kept([8], [0.5], 0)
    (8.0, 0.0)
    """
    both = zip(places, ratios, strict=True)
    kept = [place for place, _ in takewhile(lambda one: one[1] >= KEPT, both)]
    return float(kept[-1] if kept else otherwise)


# All of them

_WITHOUT_NETWORKS = {
    "moduli": _moduli, "adc-energy": _adc_energy, "error": _error, "p-err": _fault, "array": _array,
}  # fmt: skip
_OF_NETWORKS = {
    "accuracy-h": _size, "accuracy-b": _bits, "training": _training, "accuracy-p": _noise,
}  # fmt: skip
RESULTS, NETWORK_RESULTS = tuple(_WITHOUT_NETWORKS), tuple(_OF_NETWORKS)
EVERY_RESULT = (*RESULTS, *NETWORK_RESULTS)


def cases_of(
    results: Iterable[str], study: NetworkStudy, seed: int = 0, only: Collection[str] = ()
) -> tuple[Case, ...]:
    """The cases of these results; ``only`` those of some names, of a case or of a result."""
    every = _WITHOUT_NETWORKS | _OF_NETWORKS
    cases = (case for result in results for case in every[result](study, seed))
    return tuple(case for case in cases if not only or case.names & set(only))


def works_of(
    cases: Sequence[Case], study: NetworkStudy, seed: int = 0, only: Collection[str] = ()
) -> tuple[Work, ...]:
    """What these cases need, each once, and what pictures show beside it of whole results."""
    works = [work for case in cases for work in case.needs]
    whole = {case.columns["result"] for case in cases if not only or case.columns["result"] in only}
    if "accuracy-b" in whole:
        works += study.on_every_core()
    if "training" in whole:
        works += study.trained_with(study.training_bits, seed)
    return tuple(dict.fromkeys(works))
