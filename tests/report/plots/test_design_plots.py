"""The figure of a front: what is drawn where, and that all of it can be seen."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rnscli.core.cores import simulated_cores
from rnscli.report.plots import curves as design_plots
from rnscli.report.plots.curves import plot_front
from rnscli.report.table import Row

pytest.importorskip("matplotlib")

Draw = Callable[[list[Row]], list[Any]]


def row(role: str, core: str, energy: float | None, **numbers: float) -> Row:
    values = {"p_err": 0.0, "mean_abs_error": 0.1, "latency_s": 1e-8, "area_m2": 1e-6}
    values["output_error"] = 0.01
    return {"role": role, "core": core, "energy_per_mac_j": energy, **(values | numbers)}


FRONT = [
    row("chosen", "rns", 1e-14, p_err=1e-9, mean_abs_error=0.3),
    row("front", "rns", 2e-14, p_err=1e-12, mean_abs_error=0.2),
    row("front", "digital-int8", 9e-14, p_err=0.0, mean_abs_error=0.01),
    row("neighbour", "fixed-lp", 3e-15, p_err=0.9, mean_abs_error=3.0),
    row("neighbour", "fixed-hp", 3e-12, p_err=1.0, mean_abs_error=0.3),
    row("neighbour", "rns", None),
]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Draw:
    """The panels that a plot is made of, drawn on a canvas."""

    def call(rows: list[Row]) -> list[Any]:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        kept: list[Any] = []

        def figure(draw: Callable[..., None], file_format: str, heights: Any) -> bytes:
            made = Figure()
            FigureCanvasAgg(made)
            kept.extend(np.atleast_1d(made.subplots(len(heights), 1)))
            draw(*kept)
            made.canvas.draw()
            return b""

        monkeypatch.setattr(design_plots, "figure", figure)
        assert plot_front(rows, "png") == b""
        return kept

    return call


def points_of(axes: Any) -> list[tuple[float, float]]:
    return [tuple(point) for kind in axes.collections for point in kind.get_offsets().tolist()]


@pytest.mark.parametrize("file_format", ["png", "svg"])
def test_formats(file_format: str) -> None:
    start = {"png": b"\x89PNG", "svg": b"<?xml"}[file_format]
    picture = plot_front(FRONT, file_format)
    assert picture.startswith(start)
    assert plot_front(FRONT, file_format) == picture


def test_every_design_is_in_every_panel(drawn: Draw) -> None:
    panels = drawn(FRONT)
    assert len(panels) == 2  # latency and area are the same for all
    for axes, key in zip(panels, ("p_err", "mean_abs_error"), strict=True):
        expected = {(r["energy_per_mac_j"], r[key]) for r in FRONT if r["energy_per_mac_j"]}
        assert set(points_of(axes)) == expected
        assert axes.get_xscale() == "log"
    labels = {text.get_text() for text in panels[0].get_legend().get_texts()}
    assert {"chosen", "rns", "digital-int8"} <= labels


def test_all_points_lie_inside_the_panels(drawn: Draw) -> None:
    for axes in drawn(FRONT):
        (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
        for x, y in points_of(axes):
            assert left < x < right
            assert low <= y < high


def test_no_negative_probabilities_on_an_axis(drawn: Draw) -> None:
    axes = drawn(FRONT)[0]
    low, high = axes.get_ylim()
    least = 1e-12
    assert low > -least
    ticks = [tick for tick in axes.get_yticks() if low <= tick <= high]
    assert all(tick >= 0 for tick in ticks)
    # Labels are apart: what stands for 0 is not printed over the smallest power.
    heights = sorted(axes.transData.transform([(1e-14, tick) for tick in ticks])[:, 1])
    assert min(np.diff(heights)) > 5


def test_probabilities_that_are_all_zero(drawn: Draw) -> None:
    rows = [
        row("chosen", "rns", 1e-14, mean_abs_error=0.3),
        row("front", "rns", 2e-14, mean_abs_error=0.2),
    ]
    (axes,) = drawn(rows)
    assert "error" in axes.get_ylabel() and "probability" not in axes.get_ylabel()


def test_a_single_design(drawn: Draw) -> None:
    (axes,) = drawn([row("chosen", "digital-int8", 1e-13)])
    assert points_of(axes) == [(1e-13, 0.1)]


def test_every_core_can_be_told_apart(drawn: Draw) -> None:
    cores = simulated_cores()
    rows = [
        row(
            "chosen" if core == "rns" else "front",
            core,
            1e-14 * (i + 1),
            mean_abs_error=1 / (i + 1),
        )
        for i, core in enumerate(cores)
    ]
    rows += [row("neighbour", core, 5e-14, mean_abs_error=0.5) for core in cores]
    (axes,) = drawn(rows)
    colours = {
        tuple(kind.get_edgecolor()[0]): kind.get_label()
        for kind in axes.collections
        if kind.get_label() != "chosen"
    }
    assert len(colours) == len(cores)
    assert all(math.isfinite(value) for point in points_of(axes) for value in point)


def test_area_is_drawn_where_it_differs(drawn: Draw) -> None:
    rows = [
        row("chosen", "rns", 1e-14, area_m2=2e-6),
        row("front", "rns", 2e-14, area_m2=1e-6),
    ]
    (axes,) = drawn(rows)
    assert "area" in axes.get_ylabel()
