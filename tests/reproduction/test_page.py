"""The report as text and as a page, without a browser."""

import base64
import re
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest
from page_outline import Outline

from rnscli.report.table import Row
from rnscli.reproduction.page import summary_sentence, written

pytestmark = pytest.mark.thorough  # all of them look at one report, which takes seconds
ROOT = Path(__file__).parents[2]
SENTENCE = (
    "226 published results: 87 same, 3 within, 107 close, 14 confirmed by simulation, "
    "14 explained, 1 given"
)


@pytest.fixture
def text(reproduction: Path) -> str:
    return (reproduction / "index.html").read_text()


@pytest.fixture
def outline(text: str) -> Outline:
    return Outline(text)


def test_the_page_is_well_formed(text: str, outline: Outline) -> None:
    assert text.startswith("<!DOCTYPE html>\n<html lang=")
    tags = Counter(tag for tag, _ in outline.found)
    assert tags["h1"] == tags["main"] == 1 == tags["title"] - tags["circle"]
    assert tags["h2"] == tags["table"] == 6
    assert tags["svg"] == tags["figure"] == tags["figcaption"] == 3
    assert "{{" not in text and "{%" not in text
    metas = [attributes for tag, attributes in outline.found if tag == "meta"]
    assert any(meta.get("name") == "viewport" for meta in metas)


def test_no_id_is_used_twice_and_every_reference_has_its_target(
    text: str, outline: Outline
) -> None:
    ids = Counter(attributes["id"] for _, attributes in outline.found if "id" in attributes)
    assert max(ids.values()) == 1
    referred = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)|aria-labelledby="([^"]+)"', text)
    assert referred
    for names in referred:
        assert "".join(names) in ids


def test_nothing_is_loaded_from_elsewhere(text: str, outline: Outline) -> None:
    for tag, attributes in outline.found:
        assert "src" not in attributes and "srcset" not in attributes
        target = attributes.get("href") or ""
        if target.startswith("http"):
            assert tag == "a"
    assert not re.search(r"@import|@font-face|url\((?!#)", text)


def test_figures_have_words(outline: Outline) -> None:
    labels = [attributes["aria-label"] for tag, attributes in outline.found if tag == "svg"]
    assert all(label and len(label) > 60 for label in labels)


def test_downloads_are_the_files(reproduction: Path, outline: Outline) -> None:
    links = {
        attributes["download"]: attributes["href"]
        for _, attributes in outline.found
        if "download" in attributes
    }
    assert set(links) == {
        "energy.csv", "errors.csv", "faults.csv", "reproduction.csv", "reproduction.json"
    }  # fmt: skip
    for name, url in links.items():
        assert name is not None and url is not None
        folder = reproduction if name.startswith("reproduction") else reproduction / "data"
        assert base64.b64decode(url.partition("base64,")[2]) == (folder / name).read_bytes()


def test_everything_is_escaped() -> None:
    nasty = "<script>alert('&')</script>"
    row: Row = {
        "name": 'a"b', "result": "moduli", "case": nasty, "computed": 1.0, "unit": nasty,
        "published": nasty, "published_low": None, "verdict": "same", "remark": nasty,
        "command": nasty,
    }  # fmt: skip
    section = {
        "result": "moduli", "title": nasty, "text": nasty, "figure": None, "summary": nasty,
        "columns": ("case", "computed", "published", "remark"),
    }  # fmt: skip
    page = written("index.html", [row], [section], {"a.csv": nasty}, nasty)
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;") >= 6
    Outline(page)


def test_powers_and_indices(text: str) -> None:
    assert "2<sup>b</sup>" in text and "p<sub>err</sub>" in text
    assert "2<sup>b<sub>out</sub></sup>" in text


def test_the_sentence_counts() -> None:
    expected = "1 published result: 1 confirmed by simulation"
    assert summary_sentence([{"verdict": "agrees"}]) == expected
    several = [{"verdict": "same"}, {"verdict": "same"}, {"verdict": "close"}]
    assert summary_sentence(several) == "3 published results: 2 same, 1 close"


def test_a_long_table_is_folded_beside_others(reproduction: Path, text: str) -> None:
    summary = (
        "<summary>149 rows: 59 same, 1 within, 83 close, 5 explained, 1 given; at most 38.70% off "
        "where not same</summary>"
    )
    for page, command in ((text, "<span>--only</span>"), (markdown(reproduction), "| rnscli repr")):
        assert page.count("<details>") == page.count("</details>") == 2  # the other one of chips
        folded = page[page.index("<details>") : page.index("</details>")]
        assert summary in folded
        assert (folded.count(command), page.count(command)) == (149, 149 + 43)


def markdown(reproduction: Path) -> str:
    return (reproduction / "report.md").read_text()


def test_the_text(reproduction: Path) -> None:
    text = (reproduction / "report.md").read_text()
    assert text.startswith("# ") and text.count("\n## ") == 6
    for target in re.findall(r"\]\(([^)]+)\)", text):
        assert (reproduction / target).is_file(), target
    assert text.count("| rnscli ") == 34 + 149 + 43
    assert SENTENCE in text


def shapes(picture: Path) -> tuple[list[str], list[list[float]]]:
    """Texts of a picture, and the vertices of its curves in shares of the extent of all."""
    root = ElementTree.fromstring(picture.read_text())
    texts = [element.text or "" for element in root.iter() if element.tag.endswith("text")]
    curves = [
        [float(number) for number in re.findall(r"-?[\d.]+", path)]
        for path in (element.get("d", "") for element in root.iter())
        if path.count("L") > 20
    ]
    scaled: list[list[float]] = []
    for axis in (0, 1):
        ends = [value for curve in curves for value in curve[axis::2]]
        low, high = min(ends), max(ends)
        scaled += [[(value - low) / (high - low) for value in curve[axis::2]] for curve in curves]
    return texts, scaled


def test_the_picture_of_the_readme_is_what_the_command_draws(reproduction: Path) -> None:
    kept = ROOT / "docs" / "figures" / "faults.svg"
    assert str(kept.relative_to(ROOT)) in (ROOT / "README.md").read_text()
    texts, curves = shapes(kept)
    expected_texts, expected_curves = shapes(reproduction / "figures" / "faults.svg")
    assert texts == expected_texts
    assert len(curves) == len(expected_curves) == 14
    for curve, expected in zip(curves, expected_curves, strict=True):
        assert curve == pytest.approx(expected, abs=2e-3)  # other versions lay out differently
