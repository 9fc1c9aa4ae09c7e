"""``--plot x.html``: one file whose points say their values, with the rows beside it."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from browsing import FAINT_TEXTS, VIEWS, asked_of_networks, open_page, started_browser
from page_outline import Outline

pytest.importorskip("matplotlib")
pytest.importorskip("jinja2")

FAULTS = ("fault-prob", "--redundant", "0,1", "--attempts", "1,2", "--p", "1e-4..1e-2:3")
SWEPT = {
    "faults": FAULTS,
    "errors": ("error-sim", "--bits", "4,6", "--core", "rns,fixed-lp", "--pairs", "50"),
    "designs": ("design", "--bits", "8", "--pairs", "50"),
    "moduli": ("moduli", "--bits", "4..7"),
    "noise": ("noise", "--bits", "6"),
    "chips": ("chip", "--workload", "mnist-cnn", "--core", "fixed-lp", "--arrays", "60"),
    "networks": ("accuracy", "--model", "digits-cnn", "--bits", "4..7", "--samples", "10"),
    "energy": ("energy", "--bits", "6", "--core", "rns,fixed-lp", "--workload", "mnist-cnn"),
}


def marks(page: str) -> list[str]:
    return re.findall(r'class="mark"[^>]*><title>([^<]*)</title>', page)


def drawn(rnscli: Callable[..., Any], path: Path, *command: str) -> str:
    ran = rnscli(*command, "--plot", path)
    assert ran.code == 0
    return path.read_text()


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.thorough) if n == "networks" else n for n in SWEPT],
)
def test_the_page_stands_alone(name: str, rnscli: Callable[..., Any], tmp_path: Path) -> None:
    if name == "networks":
        pytest.importorskip("torch")
    page = drawn(rnscli, tmp_path / "a.html", *SWEPT[name])
    outline = Outline(page)
    tags = outline.tags
    assert tags["h1"] == tags["svg"] == tags["main"] == 1 and tags["table"] >= 2
    outline.check_alone()
    assert len(marks(page)) >= 4
    assert f"--plot {tmp_path / 'a.html'}" in page


def test_points_say_what_the_table_says(rnscli: Callable[..., Any], tmp_path: Path) -> None:
    page = drawn(rnscli, tmp_path / "a.html", *FAULTS)
    found = marks(page)
    said = [
        f"k {k}, R {attempts}\nprobability p that a residue is wrong: {p}\n"
        for k in (0, 1)
        for attempts in (1, 2)
        for p in ("0.0001", "0.001", "0.01")
    ]
    assert [one.rpartition("output")[0] for one in found] == said
    shown = [float(one.rpartition(" ")[2]) for one in found]
    rows = rnscli(*FAULTS, "--format", "csv", "--show", "redundant,attempts,p,p_err").out
    lines = [line.split(",") for line in rows.splitlines()[1:]]
    in_order = sorted(lines, key=lambda one: (int(one[0]), float(one[1]), float(one[2])))
    assert shown == pytest.approx([float(one[3]) for one in in_order], rel=1e-3)
    assert "bits = 6, h = 128" in page  # what is fixed


def test_an_outlier_says_its_own_value(rnscli: Callable[..., Any], tmp_path: Path) -> None:
    page = drawn(rnscli, tmp_path / "a.html", *SWEPT["designs"])
    (energy,) = rnscli(
        "energy", "--core", "fixed-hp", "--bits", 8, "--format", "csv", "--show", "energy_per_mac_j"
    ).out.splitlines()[1:]
    beyond = next(one for one in marks(page) if one.startswith("fixed-hp 8 b, front"))
    assert f"per MAC: {float(energy) * 1e9:.1f} nJ" in beyond


@pytest.mark.thorough
def test_in_a_browser(rnscli: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    drawn(rnscli, path, *FAULTS)
    with started_browser(tmp_path / "home") as browser:
        from selenium.webdriver import ActionChains
        from selenium.webdriver.common.by import By
        from selenium.webdriver.common.keys import Keys

        for width, scheme in VIEWS:
            page = open_page(browser, path, width, scheme)
            looked, faint = page.execute_script(FAINT_TEXTS)
            assert looked > 20 and [one for one in faint if one[0] != "text"] == []
            assert page.execute_script("return document.documentElement.scrollWidth") <= width
            assert asked_of_networks(page) == [path.as_uri()]
        page = open_page(browser, path)
        svg = page.find_element(By.CSS_SELECTOR, "figure svg")
        said = page.find_element(By.CSS_SELECTOR, "figure output")
        svg.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
        assert said.text.startswith("k 0, R 1 · probability p that a residue is wrong: 0.001 ·")
        svg.send_keys(Keys.ESCAPE)
        assert "Point at the picture" in said.text
        mark = page.find_elements(By.CSS_SELECTOR, ".mark")[-1]
        ActionChains(page).move_to_element_with_offset(mark, 3, 3).perform()
        assert said.text.startswith("k 1, R 2 · probability p that a residue is wrong: 0.01 ·")
        whole = svg.get_dom_attribute("viewBox")
        page.find_element(By.CSS_SELECTOR, "[aria-label=Enlarge]").click()
        near = svg.get_dom_attribute("viewBox")
        assert float(near.split()[2]) == pytest.approx(float(whole.split()[2]) / 1.5)
        ActionChains(page).drag_and_drop_by_offset(svg, -40, 0).perform()
        assert float(svg.get_dom_attribute("viewBox").split()[0]) > float(near.split()[0])
        svg.send_keys("0")
        numbers = [float(one) for one in svg.get_dom_attribute("viewBox").split()]
        assert numbers == pytest.approx([float(one) for one in whole.split()])
        assert page.get_log("browser") == []
