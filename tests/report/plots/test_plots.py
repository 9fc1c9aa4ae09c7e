import io
import itertools
import math
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from rnscli.analysis import Calibration, Percentile, SnrDb
from rnscli.analysis.error.dot_error import DotErrorParameters, dot_error
from rnscli.analysis.faults.fault_probability import FaultParameters, fault_probability
from rnscli.analysis.moduli import ModuliRequest, moduli_table
from rnscli.analysis.statistics import LogHistogram
from rnscli.base.columns import option_columns
from rnscli.base.errors import InputError
from rnscli.core.arithmetic.code import RedundantCode
from rnscli.core.arithmetic.dot_product import DotProduct
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.report.plots import figure
from rnscli.report.plots.dot_error import plot_dot_errors, plot_error_histograms
from rnscli.report.plots.fault_probability import plot_fault_probability
from rnscli.report.plots.figure import CORE_COLOURS, Canvas
from rnscli.report.plots.moduli import plot_moduli
from rnscli.report.plots.series import MAX_SERIES, check_number
from rnscli.report.table import Row

pytest.importorskip("matplotlib")

Plot = Callable[[str], bytes]

MODULI: list[Row] = [
    asdict(row)
    for request in (
        ModuliRequest(bits=4, vector_size=128),
        ModuliRequest(bits=6, vector_size=128, redundant=1),
        ModuliRequest(moduli=(15, 14, 13)),  # of which no range is required
    )
    for row in moduli_table(request)
]


def fault(p: float, attempts: float, *moduli: int, redundant: int = 1) -> Row:
    code = ModuliSet(moduli or (15, 14, 13, 11), redundant)
    return asdict(fault_probability(FaultParameters(moduli=code, p=p, attempts=attempts)))


FAULTS = [fault(p, attempts) for attempts in (1, math.inf) for p in (0.0, 1e-3, 1e-2)]
SIMULATED = dot_error(
    DotErrorParameters(
        dot_product=DotProduct(16, 4, 4),
        bits=4,
        cores=("rns", "fixed-lp"),
        pairs=500,
        code=RedundantCode(ModuliSet([15, 14, 13, 11])),
    )
)
ERRORS: list[Row] = [asdict(row) for row in SIMULATED.rows]
HISTOGRAMS = [SIMULATED.statistics[str(row["core"])].histogram for row in ERRORS]
PLOTS: dict[str, Plot] = {
    "moduli": lambda suffix: plot_moduli(MODULI, Canvas(suffix)),
    "errors": lambda suffix: plot_dot_errors(ERRORS, Canvas(suffix)),
    "distribution": lambda suffix: plot_error_histograms(ERRORS, HISTOGRAMS, Canvas(suffix)),
    "faults": lambda suffix: plot_fault_probability(FAULTS, Canvas(suffix)),
}

each_plot = pytest.mark.parametrize("draw", list(PLOTS.values()), ids=list(PLOTS))


def words(picture: bytes) -> str:
    """The text in an SVG."""
    return " ".join("".join(element.itertext()) for element in ElementTree.fromstring(picture))


@pytest.mark.parametrize(
    ("name", "suffix"), list(zip(PLOTS, itertools.cycle(["png", "svg", "pdf"]), strict=False))
)
def test_the_same_rows_give_the_same_bytes(name: str, suffix: str) -> None:
    draw = PLOTS[name]
    picture = draw(suffix)
    start = {"png": b"\x89PNG\r\n\x1a\n", "svg": b"<?xml", "pdf": b"%PDF-"}[suffix]
    assert picture.startswith(start)
    assert draw(suffix) == picture


@each_plot
def test_axes_are_labelled_and_lines_named(draw: Plot) -> None:
    text = words(draw("svg"))
    assert any(unit in text for unit in ("(bits)", "(%)", "p_err", "absolute error"))


def test_what_the_lines_are_called() -> None:
    assert "62 61 59 55" in words(PLOTS["moduli"]("svg"))
    text = words(PLOTS["distribution"]("svg"))
    assert "rns" in text and "fixed-lp" in text
    text = words(PLOTS["faults"]("svg"))
    assert "R 1" in text and "R inf" in text
    assert "bounded-distance" not in text  # all rows have it


@each_plot
def test_a_picture_can_be_read(draw: Plot) -> None:
    from matplotlib.image import imread

    image = imread(io.BytesIO(draw("png")))
    assert image.shape[0] >= 300 and image.shape[1] >= 1200


@pytest.mark.filterwarnings("error")
@each_plot
def test_drawing_warns_of_nothing(draw: Plot) -> None:
    draw("png")


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_lines_without_a_point_on_a_logarithmic_scale(p: float) -> None:
    rows = [row | {"p": p, "p_err": p} for row in FAULTS[:1]]
    assert plot_fault_probability(rows, Canvas("png"))


def test_errors_of_zero() -> None:
    zero = LogHistogram.of(np.zeros(10))
    assert plot_error_histograms(ERRORS[:1], [zero], Canvas("png"))
    assert plot_error_histograms(ERRORS, [zero, HISTOGRAMS[1]], Canvas("png"))


def test_swept_rows_of_errors_have_names_of_their_own() -> None:
    rows = [row | {"redundant": k} for k in (0, 2) for row in ERRORS[:1]]
    text = words(plot_error_histograms(rows, HISTOGRAMS, Canvas("svg")))
    assert "k 0" in text and "k 2" in text


def test_one_row_is_enough() -> None:
    assert plot_moduli(MODULI[:1], Canvas("png"))
    assert plot_fault_probability(FAULTS[1:2], Canvas("png"))


def test_too_many_lines_are_refused() -> None:
    with pytest.raises(InputError, match=f"59 lines.*at most {MAX_SERIES}"):
        check_number(59, MAX_SERIES, "lines")
    check_number(MAX_SERIES, MAX_SERIES, "lines")
    many: list[Row] = [
        FAULTS[1] | {"attempts": attempts, "p": p}
        for attempts in range(1, MAX_SERIES + 2)
        for p in (0.1, 0.2)
    ]
    assert plot_fault_probability(many[:-2], Canvas("png"))
    with pytest.raises(InputError, match="29 lines"):
        plot_fault_probability(many, Canvas("png"))


CODES = [(m, m - 1) for m in range(100, 130, 2)]


@pytest.mark.parametrize(
    "rows",
    [
        [fault(p, 1, *code) for code in CODES for p in (1e-3, 1e-2)],
        [fault(p, attempts) for attempts in range(1, 16) for p in (1e-3, 1e-2)],
        [
            fault(p, attempts, *code)
            for code in CODES[:9]
            for attempts in (1, 2, math.inf)
            for p in (1e-3, 1e-2)
        ],
    ],
    ids=["codes", "attempts", "both"],
)
def test_lines_can_be_told_apart(rows: list[Row], monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib.axes import Axes

    styles = []
    plot = Axes.plot

    def look(self: Axes, *arguments: Any, **more: Any) -> Any:
        styles.append((more["color"], more["linestyle"]))
        return plot(self, *arguments, **more)

    monkeypatch.setattr(Axes, "plot", look)
    plot_fault_probability(rows, Canvas("svg"))
    assert len(styles) == len(rows) // 2
    assert len(set(styles)) == len(styles)


def test_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    figure.check_available()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(InputError, match=r"--plot .*matplotlib.*pip install 'rnscli\[plot\]'"):
        figure.check_available()


def test_the_settings_of_a_script_are_left_alone() -> None:
    import matplotlib

    before = list(matplotlib.rcParams.items())
    PLOTS["faults"]("svg")
    assert list(matplotlib.rcParams.items()) == before


def test_lines_are_told_apart_by_their_ranges() -> None:
    """Of a core with several, and by how they are calibrated."""
    result = dot_error(replace(SIMULATED.parameters, adc_range=("full", "calibrated", "1/2")))
    histograms = [result.statistics[name].histogram for name in result.parameters.labels]
    rows: list[Row] = [asdict(row) for row in result.rows]
    drawn = words(plot_error_histograms(rows, histograms, Canvas("svg")))
    for label in ("fixed-lp, full", "fixed-lp, calibrated", "fixed-lp, 1/2"):
        assert label in drawn
    methods = [
        row | {"calibration": method, "percentile": percentile}
        for row in rows[2:3]
        for method, percentile in (("max", None), ("percentile", 99.0), ("percentile", 99.98))
    ]
    columns = option_columns({"calibration": Calibration, "percentile": Percentile})
    drawn = words(plot_error_histograms(methods, histograms[1:], Canvas("svg", columns=columns)))
    for label in ("max", "percentile, percentile 99", "percentile, percentile 99.98"):
        assert label in drawn


def test_errors_stand_beside_one_another_along_what_is_swept(drawn: list[Any]) -> None:
    """Of the conventional core once, though it was simulated for each redundancy of the other."""
    rows = [
        row | {"bits": bits, "redundant": k, "mean_abs_error": 0.5**bits * (1 + (core == "rns"))}
        for bits in (4, 6, 8)
        for k in (0, 1)
        for row in ERRORS
        for core in [row["core"]]
        if core == "rns" or k == 0
    ]
    assert plot_dot_errors(rows, Canvas("svg", "h = 16"))
    (axes,) = drawn[0].axes
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["4", "6", "8"]
    assert axes.get_xlabel() == "bits b of the converters" and axes.get_yscale() == "log"
    assert drawn[0].get_suptitle() == "h = 16"
    means = [line for line in axes.get_lines() if len(line.get_xdata()) == 3]
    assert len(means) == 3  # rns with k 0 and k 1, fixed-lp
    places = [x for line in means for x in line.get_xdata()]
    assert len(set(places)) == 9  # none is hidden under another
    assert means[2].get_color() == CORE_COLOURS["fixed-lp"]
    assert list(means[2].get_ydata()) == [0.5**bits for bits in (4, 6, 8)]


def test_errors_along_the_snr_that_was_given_not_along_what_follows(drawn: list[Any]) -> None:
    rows = [
        row | {"snr_db": snr, "p": 10.0 ** (-n - place), "sigma": 0.1 * (n + 1)}
        for n, snr in enumerate((30.0, 40.0))
        for place, row in enumerate(ERRORS)
    ]
    plot_dot_errors(
        rows, Canvas("png", columns=option_columns({"snr_db": SnrDb}), swept=("snr_db",))
    )
    (axes,) = drawn[0].axes
    assert axes.get_xlabel() == "SNR of the residues (dB)"
    assert [text.get_text() for text in drawn[0].legends[0].get_texts()] == ["rns", "fixed-lp"]


def test_errors_of_zero_stand_at_the_lower_edge(drawn: list[Any]) -> None:
    zeros = dict.fromkeys(("mean_abs_error", "p50_abs_error", "p95_abs_error", "max_abs_error"), 0)
    plot_dot_errors([ERRORS[0], ERRORS[1] | zeros], Canvas("png"))
    (axes,) = drawn[0].axes
    (exact,) = [line for line in axes.get_lines() if line.get_marker() == "v"]
    assert list(exact.get_ydata()) == [axes.get_ylim()[0]]
    assert plot_dot_errors([ERRORS[1] | zeros], Canvas("png"))


@pytest.mark.parametrize(
    ("swept", "title"),
    [
        ("snr_db", "SNR of the residues (dB)"),
        ("sigma", "sigma, in steps of a residue"),
        ("p", "probability p that a residue is wrong"),
    ],
)
def test_faults_along_the_level_that_was_swept(swept: str, title: str, drawn: list[Any]) -> None:
    values = (0.1, 0.2, 0.3)
    # p follows from the others.
    rows = [FAULTS[1] | {"p": value / 7, "p_err": value / 9, swept: value} for value in values]
    plot_fault_probability(rows, Canvas("png", swept=(swept,)))
    (axes,) = drawn[0].axes
    assert axes.get_xlabel() == title
    assert list(axes.get_lines()[0].get_xdata()) == list(values)
    assert list(axes.get_lines()[0].get_ydata()) == [value / 9 for value in values]


def test_simulated_points_stand_beside_exact_ones(drawn: list[Any]) -> None:
    known = {"simulated_p_err": 0.2, "simulated_p_err_ci999": (0.1, 0.4)}
    nothing_seen = {"simulated_p_err": 0.0, "simulated_p_err_ci999": (0.0, 0.01)}
    swept = [FAULTS[1] | {"p": p} | known for p in (0.1, 0.2)] + [
        FAULTS[1] | {"p": 0.01} | nothing_seen
    ]
    for rows in (swept, swept[:1]):
        plot_fault_probability(rows, Canvas("png"))
    # Where nothing was seen wrong there is an interval, and no point.
    for picture, places in zip(drawn, ([0.2, 0.2], [0.2]), strict=True):
        assert len(picture.axes[0].containers) == len(places) + (len(places) > 1)
        bars = [one for one in picture.axes[0].containers if one[0] is not None]
        axis = "get_ydata" if len(bars) > 1 else "get_xdata"
        assert sorted(float(getattr(bar[0], axis)()[0]) for bar in bars) == sorted(places)
        names = [text.get_text() for text in picture.legends[0].get_texts()]
        assert names[-1] == "simulated, 99.9 %"


def test_faults_without_a_sweep_are_named_dots_with_their_numbers(drawn: list[Any]) -> None:
    rows = [FAULTS[1], FAULTS[4], FAULTS[1] | {"p_err": 0.0, "attempts": 2}]
    plot_fault_probability(rows, Canvas("png"))
    (axes,) = drawn[0].axes
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["R 1", "R inf", "R 2"]
    assert [text.get_text() for text in axes.texts][-1] == "0"
    assert axes.get_xscale() == "log"


def test_names_are_no_mathematics(drawn: list[Any]) -> None:
    rows = [FAULTS[1] | {"decoder": name} for name in (r"$\foo$", "$a_b$")]
    assert r"$\foo$" in words(plot_fault_probability(rows, Canvas("svg", "file = $x_1$.csv")))
    assert plot_fault_probability(rows, Canvas("png", r"file = $\foo$"))


def test_nothing_is_below_zero(drawn: list[Any]) -> None:
    rows = [FAULTS[1] | {"p": p, "p_err": p} for p in (0.0, 1e-6, 1e-3)]
    plot_fault_probability(rows, Canvas("png"))
    plot_fault_probability(rows[:1], Canvas("png"))
    for picture in drawn:
        low, high = picture.axes[0].get_xlim()
        ticks = [tick for tick in picture.axes[0].get_xticks() if low <= tick <= high]
        assert ticks and min(ticks) == 0.0
        marks = [line for line in picture.axes[0].get_lines() if line.get_marker() == "v"]
        assert [list(line.get_xdata()) for line in marks] in ([[0.0]], [])
    assert [text.get_text() for text in drawn[1].axes[0].texts] == ["0"]
