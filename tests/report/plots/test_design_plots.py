"""The figure of a front: what is drawn where, and that all of it can be seen."""

import math
from typing import Any

import numpy as np
import pytest

from rnscli.core.cores import simulated_cores
from rnscli.report.plots.figure import CORE_COLOURS, Canvas
from rnscli.report.plots.front import plot_front
from rnscli.report.table import Row

pytest.importorskip("matplotlib")


def row(role: str, core: str, energy: float | None, **numbers: float) -> Row:
    values = {"p_err": 0.0, "mean_abs_error": 0.1, "latency_s": 1e-8, "area_m2": 1e-6}
    values |= {"output_error": 0.01, "bits": 6, "vector_size": 128}
    return {"role": role, "core": core, "energy_per_mac_j": energy, **(values | numbers)}


FRONT = [
    row("chosen", "rns", 1e-14, p_err=1e-9, mean_abs_error=0.3),
    row("front", "rns", 2e-14, p_err=1e-12, mean_abs_error=0.2),
    row("front", "digital-int8", 9e-14, p_err=0.0, mean_abs_error=0.01),
    row("neighbour", "fixed-lp", 3e-15, p_err=0.9, mean_abs_error=3.0),
    row("neighbour", "fixed-hp", 3e-12, p_err=1.0, mean_abs_error=0.3),
    row("neighbour", "rns", None),
]


def points_of(axes: Any) -> list[tuple[float, float]]:
    return [tuple(point) for kind in axes.collections for point in kind.get_offsets().tolist()]


def labels_of(axes: Any) -> list[str]:
    return [text.get_text() for text in axes.texts]


@pytest.mark.parametrize("file_format", ["png", "svg"])
def test_formats(file_format: str) -> None:
    start = {"png": b"\x89PNG", "svg": b"<?xml"}[file_format]
    picture = plot_front(FRONT, Canvas(file_format))
    assert picture.startswith(start)
    assert plot_front(FRONT, Canvas(file_format)) == picture


def test_every_design_is_in_every_panel_with_its_name(drawn: list[Any]) -> None:
    plot_front(FRONT, Canvas("png"))
    panels = drawn[0].axes
    assert len(panels) == 2  # latency and area are the same for all
    for axes, key in zip(panels, ("p_err", "mean_abs_error"), strict=True):
        expected = {(r["energy_per_mac_j"], r[key]) for r in FRONT if r["energy_per_mac_j"]}
        found = set(points_of(axes))
        assert len(found) == len(expected)
        if key == "p_err":
            assert found == expected
        assert axes.get_xscale() == "log"
        assert {"rns 6 b", "fixed-lp 6 b", "fixed-hp 6 b", "digital-int8"} <= set(labels_of(axes))
    names = {text.get_text() for text in drawn[0].legends[0].get_texts()}
    assert {"in a ring: chosen", "hollow: neighbour", "rns", "digital-int8"} == names - {
        "fixed-lp", "fixed-hp"
    }  # fmt: skip


def test_all_points_lie_inside_the_panels_and_labels_apart(drawn: list[Any]) -> None:
    from matplotlib.text import Text

    many = [
        row("front", "rns", 1e-14 * 1.3**n, mean_abs_error=0.3 / 1.5**n, bits=4 + n % 4)
        for n in range(20)
    ]
    plot_front([*FRONT, *many], Canvas("png"))
    for axes in drawn[0].axes:
        (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
        for x, y in points_of(axes):
            assert left < x < right
            assert low <= y < high
        boxes = [Text.get_window_extent(text) for text in axes.texts]
        assert len(boxes) >= 6
        for place, one in enumerate(boxes):
            for other in boxes[:place]:
                overlap = (
                    min(one.x1, other.x1) - max(one.x0, other.x0),
                    min(one.y1, other.y1) - max(one.y0, other.y0),
                )
                assert min(overlap) < 1  # pixel


def test_an_outlier_stands_at_the_edge_with_its_value(drawn: list[Any]) -> None:
    rows = [
        row("chosen", "rns", 1e-14, mean_abs_error=0.3),
        row("front", "rns", 2e-14, mean_abs_error=0.2),
        row("neighbour", "fixed-hp", 1e-7, mean_abs_error=0.25),
    ]
    plot_front(rows, Canvas("png"))
    (axes,) = drawn[0].axes
    assert max(x for x, _ in points_of(axes)) == pytest.approx(1e-11)
    assert "fixed-hp 6 b, 100.00 nJ →" in labels_of(axes)


def test_no_negative_probabilities_on_an_axis(drawn: list[Any]) -> None:
    rows = [
        row("chosen", "rns", 1e-14, p_err=1e-9),
        row("front", "rns", 2e-14, p_err=1e-11),
        row("front", "digital-int8", 9e-14, p_err=0.0),
    ]
    plot_front(rows, Canvas("png"))
    axes = drawn[0].axes[0]
    low, high = axes.get_ylim()
    least = 1e-11
    assert low > -least
    ticks = [tick for tick in axes.get_yticks() if low <= tick <= high]
    assert all(tick >= 0 for tick in ticks)
    # Labels are apart: what stands for 0 is not printed over the smallest power.
    heights = sorted(axes.transData.transform([(1e-14, tick) for tick in ticks])[:, 1])
    assert min(np.diff(heights)) > 5


def test_probabilities_that_are_all_zero(drawn: list[Any]) -> None:
    rows = [
        row("chosen", "rns", 1e-14, mean_abs_error=0.3),
        row("front", "rns", 2e-14, mean_abs_error=0.2),
    ]
    plot_front(rows, Canvas("png"))
    (axes,) = drawn[0].axes
    assert "error" in axes.get_ylabel() and "probability" not in axes.get_ylabel()


def test_a_single_design(drawn: list[Any]) -> None:
    plot_front([row("chosen", "digital-int8", 1e-13)], Canvas("png"))
    (axes,) = drawn[0].axes
    assert set(points_of(axes)) == {(1e-13, 0.1)}


def test_a_core_has_its_own_colour(drawn: list[Any]) -> None:
    from matplotlib.colors import to_hex

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
    plot_front(rows, Canvas("png"))
    (axes,) = drawn[0].axes
    faces = [kind.get_facecolor() for kind in axes.collections]
    found = {to_hex(face[0]) for face in faces if len(face)}
    assert found == {CORE_COLOURS[core].lower() for core in cores}
    assert all(math.isfinite(value) for point in points_of(axes) for value in point)


def test_area_is_in_square_millimetres(drawn: list[Any]) -> None:
    rows = [
        row("chosen", "rns", 1e-14, area_m2=2e-6),
        row("front", "rns", 2e-14, area_m2=1e-6),
    ]
    plot_front(rows, Canvas("png"))
    (axes,) = drawn[0].axes
    assert axes.get_ylabel() == "area (mm²)"
    assert {round(y, 9) for _, y in points_of(axes)} == {1.0, 2.0}
