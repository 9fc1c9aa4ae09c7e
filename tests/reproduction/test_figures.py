"""Pictures of networks, from results that are made up."""

import re
from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from networks_made_up import measured, trainings

from rnscli.report import Canvas
from rnscli.reproduction.cases import NETWORK_RESULTS, STUDY, NetworkPoint
from rnscli.reproduction.page import FIGURES, Figure
from rnscli.reproduction.reproduce import Reproduction, Request

pytest.importorskip("matplotlib")


def texts(picture: bytes) -> list[str]:
    root = ElementTree.fromstring(picture)
    return [element.text or "" for element in root.iter() if element.tag.endswith("text")]


def of_networks(result: str, ratio: Callable[[NetworkPoint], float]) -> Figure:
    works = Request(NETWORK_RESULTS, [result]).works
    points = [work for work in works if isinstance(work, NetworkPoint)]
    found = Reproduction(done={point: measured(ratio(point)) for point in points})
    return FIGURES[result].of(found, STUDY)


def sizes(ratio: Callable[[NetworkPoint], float]) -> bytes:
    return of_networks("accuracy-h", ratio).draw(Canvas("svg"))


def test_each_line_of_sizes_has_its_name_once() -> None:
    falling = sizes(lambda point: 1.0 if point.vector_size < 2 ** (point.bits - 1) else 0.1)
    found = texts(falling)
    named = [text for text in found if text.startswith("b =")]
    assert sorted(named) == ["b = 2, 3, 4, 5", "b = 6", "b = 7", "b = 8"]
    assert [text for text in found if text in ("16", "512", "99 %", "100 %")] == [
        "16", "512", "99 %", "100 %",
    ]  # fmt: skip


def test_lines_that_do_not_fall_are_named_at_their_end() -> None:
    found = texts(sizes(lambda point: 1.0))
    assert sum(text.startswith("b =") for text in found) == len(STUDY.size_bits)


@pytest.mark.parametrize("ratio", [0.0, 0.5, 1.0, 1.029, 1.03, 1.5])
def test_no_ratio_is_beyond_the_axis(ratio: float) -> None:
    picture = sizes(lambda point: ratio).decode()
    assert "nan" not in picture.lower().replace("font", "") and "inf " not in picture


def test_each_network_has_a_panel_with_all_cores() -> None:
    figure = of_networks("accuracy-b", lambda point: 1.0)
    found = texts(figure.draw(Canvas("svg")))
    for name in (*STUDY.models, "rns", "fixed-lp", "bit-sliced", "calibrated range"):
        assert found.count(name) == 1
    assert found.count("99 %") == 3
    alone = tuple(row for row in figure.rows if row["model"] == "digits-cnn")
    assert texts(replace(figure, rows=alone).draw(Canvas("svg"))).count("99 %") == 1


def test_noise() -> None:
    found = texts(of_networks("accuracy-p", lambda point: 1 - (point.p or 0.0)).draw(Canvas("svg")))
    for name in ("k = 0", "k = 1", "k = 2", "R = 1", "R = 2", "R = 3", "10⁻⁶", "10⁻¹", "99 %"):
        assert name in found


@pytest.mark.thorough
def test_training() -> None:
    pytest.importorskip("torch")
    found = trainings(STUDY, STUDY.trained_with((5, 7), 0), lambda point: 0.9)
    figure = FIGURES["training"].of(Reproduction(done=found), STUDY)
    named = texts(figure.draw(Canvas("svg")))
    models = (one.model for one in STUDY.trainings)
    for name in ("FP32", "rns, b = 5", "rns, b = 7", "epoch", *models):
        assert named.count(name) == 1
    one = tuple(row | {"seeds": 1} for row in figure.rows if row["bits"] in (None, 7))
    assert "rns, b = 7" in texts(replace(figure, rows=one).draw(Canvas("svg")))


def test_cores_have_the_same_colours_in_all_pictures() -> None:
    from rnscli.report.plots.figure import CORE_COLOURS

    on_fixed = sizes(lambda point: 0.5).decode()
    used = set(re.findall(r"stroke: (#[0-9a-f]{6})", on_fixed))
    assert CORE_COLOURS["fixed-lp"].lower() in used
    assert not used & {CORE_COLOURS[core].lower() for core in ("rns", "fixed-hp", "bit-sliced")}
