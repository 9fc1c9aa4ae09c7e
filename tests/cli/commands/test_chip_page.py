"""``rnscli chip --output run.html`` and ``--picture``: what is written, and what is refused."""

import base64
import csv
import io
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from page_outline import Outline

CHIP = ("chip", "--workload", "mnist-cnn", "--core", "fixed-lp")


@pytest.fixture
def page(rnscli: Callable[..., Any], tmp_path: Path) -> str:
    pytest.importorskip("matplotlib")
    pytest.importorskip("jinja2")
    ran = rnscli(*CHIP, "--arrays", 60, "--output", tmp_path / "run.html")
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    return (tmp_path / "run.html").read_text()


def attached(page: str, name: str) -> str:
    found = re.search(rf'href="data:[^"]*;base64,([^"]*)" download="{name}"', page)
    assert found
    return base64.b64decode(found[1]).decode()


def test_the_page_is_one_file_that_stands_alone(
    page: str, rnscli: Callable[..., Any], tmp_path: Path
) -> None:
    outline = Outline(page)
    assert page.startswith("<!DOCTYPE html>\n<html lang=")
    tags = outline.tags
    assert tags["h1"] == tags["main"] == 1 == tags["title"] - tags["circle"]
    assert tags["svg"] == tags["figure"] == 5  # all but the sweep
    outline.check_alone()
    # The numbers are those of the other formats.
    rows = rnscli(*CHIP, "--arrays", 60, "--format", "csv").out
    assert attached(page, "chip.csv").replace("\r\n", "\n") == rows.replace("\r\n", "\n")
    layers = rnscli(*CHIP, "--arrays", 60, "--per-layer", "--format", "json").out
    *expected, total = json.loads(layers)["rows"]
    given = list(csv.DictReader(io.StringIO(attached(page, "layers.csv"))))
    for key in ("layer", "limited_by", "arrays", "time_s", "buffer_traffic_bytes"):
        assert [row[key] for row in given] == [str(row[key]) for row in expected]
    assert f">{total['arrays']}</td>" in page
    # What is typed again gives the same bytes.
    command = re.search(r"<pre><code>(.*?)</code></pre>", page)
    assert command
    words = shlex.split(command[1])
    assert words[0] == "rnscli"
    (tmp_path / "run.html").unlink()
    assert rnscli(*words[1:]).code == 0
    assert (tmp_path / "run.html").read_text() == page


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--picture", "roofline"), "--picture roofline is what --plot draws"),
        (("--picture", "busy", "--output", "a.html"), "leave it out; a page has all pictures"),
        (("--picture", "sweep", "--plot", "a.svg"), "nothing is swept whose values have an order"),
        (("--picture", "layers,busy", "--plot", "a.svg"), "give one value"),
        (("--output", "a.html", "--format", "csv"), "contradicts"),
    ],
)
def test_refused(
    words: tuple[str, ...],
    sentence: str,
    refusal: Callable[..., str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert sentence in refusal(*CHIP, *words)
    assert not list(tmp_path.glob("a.*"))


def test_only_commands_with_a_page_write_one(refusal: Callable[..., str], tmp_path: Path) -> None:
    assert ".html" not in refusal("moduli", "--output", tmp_path / "a.html").split("use one of")[1]
