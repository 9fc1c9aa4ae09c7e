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

from rnscli.analysis.error.dot_error import DotErrorParameters, dot_error
from rnscli.analysis.faults.fault_probability import FaultParameters, fault_probability
from rnscli.analysis.moduli import ModuliRequest, moduli_table
from rnscli.analysis.statistics import LogHistogram
from rnscli.base.errors import InputError
from rnscli.core.arithmetic.code import RedundantCode
from rnscli.core.arithmetic.dot_product import DotProduct
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.report.plots import curves as plots
from rnscli.report.plots import figure
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
    "moduli": lambda suffix: plots.plot_moduli(MODULI, suffix),
    "errors": lambda suffix: plots.plot_error_histograms(ERRORS, HISTOGRAMS, suffix),
    "faults": lambda suffix: plots.plot_fault_probability(FAULTS, suffix),
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
    assert any(unit in text for unit in ("(bits)", "(%)", "p_err"))


def test_what_the_lines_are_called() -> None:
    assert "62 61 59 55" in words(PLOTS["moduli"]("svg"))
    text = words(PLOTS["errors"]("svg"))
    assert "rns" in text and "fixed-lp" in text
    text = words(PLOTS["faults"]("svg"))
    assert "R 1" in text and "R inf" in text
    assert "bounded-distance" not in text  # all rows have it


@each_plot
def test_a_picture_can_be_read(draw: Plot) -> None:
    from matplotlib.image import imread

    image = imread(io.BytesIO(draw("png")))
    assert image.shape[:2] == (750, 1200)


@pytest.mark.filterwarnings("error")
@each_plot
def test_drawing_warns_of_nothing(draw: Plot) -> None:
    draw("png")


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_lines_without_a_point_on_a_logarithmic_scale(p: float) -> None:
    rows = [row | {"p": p, "p_err": p} for row in FAULTS[:1]]
    assert plots.plot_fault_probability(rows, "png")


def test_errors_of_zero() -> None:
    zero = LogHistogram.of(np.zeros(10))
    assert plots.plot_error_histograms(ERRORS[:1], [zero], "png")
    assert plots.plot_error_histograms(ERRORS, [zero, HISTOGRAMS[1]], "png")


def test_swept_rows_of_errors_have_names_of_their_own() -> None:
    rows = [row | {"redundant": k} for k in (0, 2) for row in ERRORS[:1]]
    text = words(plots.plot_error_histograms(rows, HISTOGRAMS, "svg"))
    assert "k 0" in text and "k 2" in text


def test_one_row_is_enough() -> None:
    assert plots.plot_moduli(MODULI[:1], "png")
    assert plots.plot_fault_probability(FAULTS[1:2], "png")


def test_too_many_lines_are_refused() -> None:
    with pytest.raises(InputError, match=f"59 lines.*at most {plots.MAX_SERIES}"):
        figure.check_number(59, plots.MAX_SERIES, "lines")
    figure.check_number(plots.MAX_SERIES, plots.MAX_SERIES, "lines")
    many: list[Row] = [
        FAULTS[1] | {"attempts": attempts} for attempts in range(1, plots.MAX_SERIES + 1)
    ]
    assert plots.plot_fault_probability(many, "png")


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
    plots.plot_fault_probability(rows, "svg")
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
    drawn = words(plots.plot_error_histograms(rows, histograms, "svg"))
    for label in ("fixed-lp, full", "fixed-lp, calibrated", "fixed-lp, 1/2"):
        assert label in drawn
    methods = [
        row | {"calibration": method, "percentile": percentile}
        for row in rows[2:3]
        for method, percentile in (("max", None), ("percentile", 99.0), ("percentile", 99.98))
    ]
    drawn = words(plots.plot_error_histograms(methods, histograms[1:], "svg"))
    for label in ("max", "percentile, percentile 99", "percentile, percentile 99.98"):
        assert label in drawn
