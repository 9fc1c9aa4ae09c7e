"""What the report on reproduced results says, in whatever form: sections, captions, downloads."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial

from rnscli.analysis.network_cases import NETWORK_RESULTS
from rnscli.analysis.reproduction_series import CORES, EnergyPoint, ErrorRange, FaultPoint
from rnscli.analysis.verdict import AGREES, NOT_HERE, UNDECIDED, VERDICTS
from rnscli.base.columns import number, probability
from rnscli.base.units import engineering
from rnscli.networks.names import INSTALL
from rnscli.report.document import csv_text
from rnscli.report.plots.figure import Look
from rnscli.report.reproduction_figures import draw_energy, draw_errors, draw_faults
from rnscli.report.table import Row

TITLE = "Published results of residue-number-system accelerators, computed again"
MEANINGS = {
    "same": "equal to the digits printed",
    "within": "inside the published range",
    "close": "outside, by no more than the tolerance that is stated",
    "agrees": "published as a curve; confirmed by a simulation, with its interval",
    "undecided": "measured, and the 95 % intervals do not decide",
    "not-here": "published of larger networks; less is enough for this small one",
    "different": "none of these",
}


@dataclass(frozen=True)
class Figure:
    """A picture, its words and its data.

    ``draw`` makes it in a format and look; ``description`` is for those who cannot see it.
    """

    name: str
    caption: str
    description: str
    rows: tuple[Row, ...]
    draw: Callable[[str, Look], bytes]

    @property
    def csv(self) -> str:
        """The data that is drawn."""
        return csv_text(list(self.rows[0]), self.rows)


@dataclass(frozen=True)
class Section:
    """One of the results: words, the columns of its table, and perhaps a picture."""

    result: str
    title: str
    paragraphs: tuple[str, ...]
    columns: tuple[str, ...]
    figure: Figure | None = None


def summary(rows: Sequence[Row]) -> dict[str, int]:
    """How many rows have each verdict, of all verdicts."""
    counts = Counter(str(row["verdict"]) for row in rows)
    return {verdict: counts[verdict] for verdict in VERDICTS}


_SAID = {
    AGREES: "confirmed by simulation",
    UNDECIDED: "undecided",
    NOT_HERE: "not at this scale",
}


def summary_sentence(rows: Sequence[Row]) -> str:
    """The same in words.

    Examples
    --------
    >>> summary_sentence([{"verdict": "same"}, {"verdict": "same"}, {"verdict": "close"}])
    '3 published results: 2 same, 1 close'
    """
    counted = [
        f"{count} {_SAID.get(verdict, verdict)}"
        for verdict, count in summary(rows).items()
        if count
    ]
    results = "results" if len(rows) != 1 else "result"
    return f"{len(rows)} published {results}: {', '.join(counted)}"


def lead(rows: Sequence[Row], missing: str | None) -> str:
    """What the report is about, and what of it is left out.

    Parameters
    ----------
    rows
        All of its rows.
    missing
        The package without which networks are left out, if that is why.
    """
    if any(row["result"] in NETWORK_RESULTS for row in rows):
        networks = (
            "Accuracies are of three small networks that tell handwritten digits of 8 × 8 pixels "
            "apart; the published ones are of networks such as ResNet-50 and BERT, and of larger "
            "data."
        )
    elif missing is not None:
        networks = (
            f"Accuracies of neural networks are left out, because {missing} is not installed: "
            f"{INSTALL} adds them."
        )
    else:
        networks = "Accuracies of neural networks are not in this report."
    return f"{_LEAD} {networks}"


_LEAD = (
    "Results of arXiv:2309.10759 (Nature Communications 2024) and of the analog block of "
    "arXiv:1707.09952, beside the published values. Dot products have h = 128 terms unless another "
    "size is given; b is the number of bits of operands and converters."
)


def sections(
    rows: Sequence[Row],
    errors: Sequence[ErrorRange],
    energies: Sequence[EnergyPoint],
    faults: Sequence[FaultPoint],
) -> tuple[Section, ...]:
    """The sections of results that need no network and that have rows, in the order of these."""
    sections: dict[str, Callable[[], Section]] = {
        "moduli": _moduli,
        "adc-energy": partial(_adc_energy, energies),
        "error": partial(_error, errors),
        "p-err": partial(_p_err, faults),
        "array": _array,
    }
    there = {row["result"] for row in rows}
    return tuple(make() for result, make in sections.items() if result in there)


def _moduli() -> Section:
    return Section(
        result="moduli",
        title="Moduli",
        paragraphs=(
            "The fewest pairwise coprime moduli up to 2^b − 1 whose product covers the values "
            "of the dot product (rule exact) or all 2^b_out (rule bits); of those the set with "
            "the largest product.",
        ),
        columns=("case", "computed", "published", "verdict"),
    )


def _adc_energy(energies: Sequence[EnergyPoint]) -> Section:
    return Section(
        result="adc-energy",
        title="Energy of the ADCs",
        paragraphs=(
            "Energy of the ADC conversions of one dot product, fixed-hp over rns: one "
            "conversion of b_out bits against one of b bits for each modulus, at 100 fJ × "
            "ENOB + 1 aJ × 4^ENOB each. The paper prints the ratios for b = 4 and 8; for the "
            "others its formula was evaluated by hand.",
        ),
        columns=("case", "computed", "published", "verdict", "remark"),
        figure=_energy_figure(energies),
    )


def _error(errors: Sequence[ErrorRange]) -> Section:
    return Section(
        result="error",
        title="Error of a dot product",
        paragraphs=(
            "Mean absolute error of fixed-lp over that of rns, for pairs of vectors that are "
            "uniform on [-1, 1], against the float64 dot product. The ADC of fixed-lp rounds "
            "to nearest. How the paper draws its operands and rounds is not stated to the last "
            "detail.",
        ),
        columns=("case", "computed", "published", "verdict", "remark"),
        figure=_error_figure(errors),
    )


def _p_err(faults: Sequence[FaultPoint]) -> Section:
    words = min(point.simulated_words for point in faults if point.simulated_words is not None)
    return Section(
        result="p-err",
        title="Output error probability",
        paragraphs=(
            "Probability p_err that the output is wrong, or still rejected, after R attempts, "
            "where each residue is wrong with probability p; b = 6, k redundant moduli. "
            "Published as curves, without numbers: the exact values are compared with a "
            f"simulation of {words} words or more with the real encoder, noise and decoder, "
            "stratified by the number of wrong residues. Without redundancy (k = 0) no error "
            "is detected, and R changes nothing.",
        ),
        columns=(
            "case", "computed", "published", "simulated_p_err", "simulated_p_err_ci999",
            "verdict",
        ),
        figure=_fault_figure(faults),
    )  # fmt: skip


def _array() -> Section:
    return Section(
        result="array",
        title="Analog and digital arrays",
        paragraphs=(
            "An array of 1024 × 1024 weights of 8 bits: energy per MAC of the analog ReRAM "
            "block, and energy and latency of two digital arrays over those of the analog "
            "one. The profiles of these arrays take their constants from the same paper: the "
            "rows check the bill of the block, and not the devices.",
        ),
        columns=("case", "computed", "published", "verdict", "remark"),
    )


def _energy_figure(points: Sequence[EnergyPoint]) -> Figure:
    energies = {
        core: [engineering(point.adc_energy_j, "J") for point in points if point.core == core]
        for core in CORES
    }
    return Figure(
        name="energy",
        caption="Energy of the ADC conversions of one dot product by core and b. The numbers are "
        "the ratios of fixed-hp to rns.",
        description="Points on a logarithmic axis of energy, three for each b. "
        f"From b = {points[0].bits} to {points[-1].bits}: {from_to(energies)}",
        rows=tuple(map(asdict, points)),
        draw=partial(draw_energy, points),
    )


def _error_figure(ranges: Sequence[ErrorRange]) -> Figure:
    means = {core: [f"{r.mean_abs_error:.2g}" for r in ranges if r.core == core] for core in CORES}
    return Figure(
        name="errors",
        caption="Absolute error of a dot product by core and b. rns and fixed-hp lose nothing "
        "after quantisation, so their errors are the same.",
        description="Ranges on a logarithmic axis of the absolute error, three for each b. "
        f"Mean from b = {ranges[0].bits} to {ranges[-1].bits}: {from_to(means)}",
        rows=tuple(map(asdict, ranges)),
        draw=partial(draw_errors, ranges),
    )


def _fault_figure(points: Sequence[FaultPoint]) -> Figure:
    curves: dict[str, list[str]] = {}
    for point in points:
        name = f"k = {point.redundant}, R = {number(point.attempts)}"
        curves.setdefault(name, []).append(probability(point.p_err))
    return Figure(
        name="faults",
        caption="Exact output error probability for k redundant moduli and up to R attempts. "
        "Circles are simulated, with their 99.9 % intervals as lines.",
        description=f"Curves on logarithmic axes, p from {points[0].p:g} to {points[-1].p:g}. "
        f"p_err: {from_to(curves)}",
        rows=tuple(map(asdict, points)),
        draw=partial(draw_faults, points),
    )


def from_to(series: Mapping[str, Sequence[str]]) -> str:
    """First and last value of each series, in words."""
    return "; ".join(f"{name} from {v[0]} to {v[-1]}" for name, v in series.items()) + "."
