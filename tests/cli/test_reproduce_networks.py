"""``rnscli reproduce`` of results of networks, a small study of them."""

import csv
import json
import re
import shlex
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from rnscli.reproduction.cases import NETWORK_RESULTS, NetworkStudy
from rnscli.reproduction.reproduce import Request, reproduce_networks

pytest.importorskip("torch")
pytestmark = [pytest.mark.usefixtures("small_study"), pytest.mark.thorough]

Run = Callable[..., Any]

ROWS = (
    "accuracy-h-mnist-4", "accuracy-h-mnist-6", "accuracy-h-mnist-8",
    "accuracy-h-4", "accuracy-h-6", "accuracy-h-8",
    "accuracy-b-rns-digits-cnn", "accuracy-b-fixed-lp-digits-cnn",
    "accuracy-b-calibrated-digits-cnn",
    "training-7-digits-cnn", "accuracy-p-k0-r1", "accuracy-p-k1-r2",
)  # fmt: skip


@pytest.fixture
def document(network_reproduction: Path) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads((network_reproduction / "reproduction.json").read_text())
    return parsed


def test_the_document(document: dict[str, Any], small_study: NetworkStudy) -> None:
    rows = {row["name"]: row for row in document["rows"]}
    assert tuple(rows) == ROWS == Request(NETWORK_RESULTS, study=small_study).names
    assert rows["accuracy-h-4"]["remark"].count("at h = 16")
    assert rows["accuracy-h-8"]["computed"] > rows["accuracy-h-6"]["computed"]
    # Six bits of residues lose nothing, and of 130 samples few differ.
    assert rows["accuracy-b-rns-digits-cnn"]["computed"] > 0.97
    for name in ("accuracy-p-k0-r1", "accuracy-p-k1-r2"):
        assert rows[name]["verdict"] == "agrees"
        low, high = rows[name]["simulated_p_err_ci999"]
        assert low <= rows[name]["simulated_p_err"] <= high
    assert rows["accuracy-p-k1-r2"]["computed"] > rows["accuracy-p-k0-r1"]["computed"]
    for row in rows.values():
        low, high = (float(end) for end in row["computed_ci95"])
        assert low <= float(row["computed"]) <= high


@pytest.mark.parametrize("name", ROWS)
def test_the_command_of_a_row_gives_just_that_row(
    name: str, document: dict[str, Any], rnscli: Run
) -> None:
    (row,) = (row for row in document["rows"] if row["name"] == name)
    program, *arguments = shlex.split(row["command"])
    ran = rnscli(*arguments, "--format", "json")
    assert (program, ran.code, ran.err) == ("rnscli", 0, "")
    (found,) = (one for one in json.loads(ran.out)["rows"] if one.get("core") != "fp32")
    assert found[row["column"]] == row["computed"]
    if arguments[0] == "reproduce":
        assert found == row


@pytest.mark.thorough
def test_the_rows_are_the_same_for_any_number_of_processes_and_from_a_store(
    document: dict[str, Any], rnscli: Run, tmp_path: Path
) -> None:
    only = ("reproduce", "--only", "training,accuracy-p", "--format", "json", "--store",
            tmp_path / "runs.db")  # fmt: skip
    expected = [row for row in document["rows"] if row["result"] in ("training", "accuracy-p")]
    for jobs in (2, 1):
        ran = rnscli(*only, "--jobs", jobs)
        assert (ran.code, ran.err) == (0, "")
        assert json.loads(ran.out)["rows"] == expected


def test_another_seed(document: dict[str, Any], rnscli: Run) -> None:
    ran = rnscli("reproduce", "--only", "accuracy-p-k0-r1", "--seed", 5, "--format", "json")
    (found,) = json.loads(ran.out)["rows"]
    (row,) = (row for row in document["rows"] if row["name"] == "accuracy-p-k0-r1")
    assert found["simulated_p_err"] != row["simulated_p_err"]
    assert found["command"] == row["command"].replace("--seed 0", "--seed 5")


def test_progress_is_counted_in_samples(small_study: NetworkStudy) -> None:
    only = ("accuracy-h-8", "training-7-digits-cnn")
    done: list[int] = []
    reproduce_networks(only, progress=done.append, study=small_study)
    # Of FP32 weights, three sizes of 130 samples at both ranges, and two seeds in FP32 and on
    # residues of 7 and of 5 bits.
    request = Request(NETWORK_RESULTS, only, study=small_study)
    assert request.samples == 20 * 1000 + 2 * 3 * 130 + 2 * 3 * 1000
    assert done == sorted(done) and done[-1] == request.samples


def test_the_folder(network_reproduction: Path) -> None:
    found = {
        str(path.relative_to(network_reproduction))
        for path in network_reproduction.rglob("*")
        if path.is_file()
    }
    assert found == {
        "index.html", "report.md", "reproduction.csv", "reproduction.json",
        *(f"data/{name}.csv" for name in NETWORK_RESULTS),
        *(f"figures/{name}.{kind}" for name in NETWORK_RESULTS for kind in ("png", "svg")),
    }  # fmt: skip
    text = (network_reproduction / "report.md").read_text()
    assert text.count("\n## ") == 5 and "Accuracies are of" in text
    for target in re.findall(r"\]\(([^)]+)\)", text):
        assert (network_reproduction / target).is_file(), target
    points = list(csv.DictReader((network_reproduction / "data" / "accuracy-p.csv").open()))
    assert [(row["redundant"], row["attempts"]) for row in points[::3]] == [("0", "1"), ("1", "2")]
    epochs = list(csv.DictReader((network_reproduction / "data" / "training.csv").open()))
    assert [(row["core"], row["bits"]) for row in epochs] == [("fp32", ""), ("rns", "7")]


def test_no_id_of_the_page_is_used_twice(network_reproduction: Path) -> None:
    ids: list[str] = []

    class Ids(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            ids.extend(value or "" for name, value in attrs if name == "id")

        handle_startendtag = handle_starttag

    Ids().feed((network_reproduction / "index.html").read_text())
    assert len(ids) == len(set(ids)) and {*NETWORK_RESULTS, *ROWS} < set(ids)


def test_the_table(rnscli: Run) -> None:
    ran = rnscli("reproduce", "--only", "accuracy-h")
    lines = ran.out.splitlines()
    assert lines[0].split()[:3] == ["result", "case", "computed"]
    assert max(map(len, lines)) <= 100
    assert lines[-1].startswith("3 published results: ")
