import csv
import io
import json
import shlex
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rnscli.base import install_command
from rnscli.reproduction.cases import PUBLISHED, RESULTS
from rnscli.reproduction.reproduce import Request

Run = Callable[..., Any]
Refusal = Callable[..., str]

WORDS = "rnscli.reproduction.reproduce.WORDS"
MISSING = "rnscli.cli.commands.reproduce.missing_package"

FIGURES = ("energy", "errors", "faults")
FILES = {
    *("index.html", "report.md", "reproduction.csv", "reproduction.json"),
    *(f"data/{name}.csv" for name in FIGURES),
    *(f"figures/{name}.{kind}" for name in FIGURES for kind in ("png", "svg")),
}


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def document(reproduction: Path) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads((reproduction / "reproduction.json").read_text())
    return parsed


# What is computed


def test_the_table(reproduction: Path) -> None:
    lines = (reproduction.parent / "printed.txt").read_text().splitlines()
    assert lines[0].split() == ["result", "case", "computed", "published", "verdict"]
    assert " ".join(lines[-2:]) == (
        "226 published results: 87 same, 3 within, 107 close, 14 confirmed by simulation, "
        "14 explained, 1 given"
    )
    assert max(map(len, lines)) <= 100
    for result in RESULTS:
        assert any(line.startswith(f"{result} ") for line in lines)


def test_why_chips_are_further_off(rnscli: Run) -> None:
    asked = ("reproduce", "--only", "chips")
    rows = list(csv.DictReader(io.StringIO(rnscli(*asked, "--format", "csv").out)))
    said = rnscli(*asked).out
    _, _, below = said.partition("Why some are further off:\n")
    words = " ".join(below.split())
    explained = [row for row in rows if row["verdict"] == "explained"]
    assert explained
    for row in explained:
        assert row["case"] in words and " ".join(row["remark"].split()) in words
    assert not any(row["case"] in words for row in rows if row["verdict"] == "same")
    assert max(map(len, said.splitlines())) <= 100


def test_the_table_of_the_block(rnscli: Run) -> None:
    ran = rnscli("reproduce", "--only", "reram-block")
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0].split() == ["result", "case", "computed", "published", "verdict", "off", "by"]
    assert max(map(len, lines)) <= 100
    assert sum(line.startswith("reram-block ") for line in lines) == 149
    assert lines[-1].endswith(": 59 same, 1 within, 83 close, 5 explained, 1 given")


def test_the_document(document: dict[str, Any]) -> None:
    assert document["command"] == "reproduce"
    assert document["parameters"] == {"only": list(RESULTS), "seed": 0}
    rows = {row["name"]: row for row in document["rows"]}
    assert tuple(rows) == Request().names
    assert rows["moduli-6-exact"]["computed"] == [63, 62, 61, 59]
    mac = rows["reram-block-abstract-mac"]
    assert (mac["unit"], mac["published"], mac["published_low"]) == ("J", "11 fJ", 11e-15)
    assert (mac["computed"], mac["verdict"]) == (pytest.approx(8.8e-15, rel=0.01), "close")
    assert mac["source"] == "arXiv:1707.09952, abstract"
    assert rows["moduli-6-exact"]["source"] == "arXiv:2309.10759, table 1"
    assert rows["adc-energy-4"]["published_low"] == rows["adc-energy-4"]["published_high"] == 168
    assert (rows["error-4"]["published_low"], rows["error-4"]["published_high"]) == (9, 15)


@pytest.mark.parametrize("name", Request().names)
def test_the_command_of_a_row_gives_just_that_row(
    name: str, document: dict[str, Any], rnscli: Run
) -> None:
    (row,) = (row for row in document["rows"] if row["name"] == name)
    program, *arguments = shlex.split(row["command"])
    ran = rnscli(*arguments, "--format", "json")
    assert (program, ran.code, ran.err) == ("rnscli", 0, "")
    (found,) = json.loads(ran.out)["rows"]
    assert found[row["column"]] == row["computed"]
    if row["simulated_words"] is not None:
        for key in ("simulated_p_err", "simulated_p_err_ci999", "simulated_words"):
            assert found[key] == row[key]


def test_only_some(rnscli: Run) -> None:
    ran = rnscli("reproduce", "--only", "reram-block,moduli-6-bits", "--format", "csv")
    assert (ran.code, ran.err) == (0, "")
    found = [row["name"] for row in csv.DictReader(io.StringIO(ran.out))]
    assert found[0] == "moduli-6-bits" and len(found) == 1 + 149
    assert all(name.startswith("reram-block-") for name in found[1:])


@pytest.mark.parametrize("style", ["markdown", "latex", "table"])
def test_formats(style: str, rnscli: Run) -> None:
    ran = rnscli("reproduce", "--only", "adc-energy", "--format", style)
    assert (ran.code, ran.err) == (0, "")
    plain = ran.out.replace("$", "").replace(r"\,", " ")
    assert "6.8 million" in plain and "6775065" in plain


def test_a_requirement(rnscli: Run) -> None:
    chosen = ("reproduce", "--only", "adc-energy")
    assert rnscli(*chosen, "--require", "deviation <= 0.01").code == 0
    ran = rnscli(*chosen, "--require", "deviation <= 0.001")
    assert ran.code == 1 and ran.err.count("\n") == 2


def test_a_different_value_fails(rnscli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PUBLISHED, "moduli-5", replace(PUBLISHED["moduli-5"], text="31 30 29"))
    ran = rnscli("reproduce", "--only", "moduli")
    assert ran.code == 1
    lines = ran.err.splitlines()
    assert len(lines) == 2
    assert lines[0] == ("rnscli: moduli-5-exact is 31 29 28 27, which is different from 31 30 29")
    assert ran.out.splitlines()[-1] == "10 published results: 8 same, 2 different"


def test_a_store_is_used(rnscli: Run, tmp_path: Path) -> None:
    store = tmp_path / "runs.db"
    chosen = ("reproduce", "--only", "error-4,p-err-k1-r2-p0.1", "--store", store)
    first, second = rnscli(*chosen), rnscli(*chosen)
    assert first == second
    assert first.code == 0
    with sqlite3.connect(store) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] > 0


# The folder


def test_the_folder_is_complete(reproduction: Path) -> None:
    found = contents(reproduction)
    assert set(found) == FILES
    assert all(found.values())
    assert found["figures/faults.png"].startswith(b"\x89PNG")


@pytest.mark.thorough
def test_the_files_are_the_same_for_any_number_of_processes(
    reproduction: Path, rnscli: Run, tmp_path: Path
) -> None:
    only = ",".join(RESULTS)
    ran = rnscli("reproduce", "--only", only, "--output", tmp_path / "other", "--jobs", 2)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (reproduction.parent / "printed.txt").read_text()
    assert contents(tmp_path / "other") == contents(reproduction)


def test_the_csv_has_the_same_rows(reproduction: Path, document: dict[str, Any]) -> None:
    rows = list(csv.DictReader((reproduction / "reproduction.csv").open()))
    assert [row["name"] for row in rows] == [row["name"] for row in document["rows"]]
    assert [row["verdict"] for row in rows] == [row["verdict"] for row in document["rows"]]


def test_a_folder_that_exists_is_refused(refusal: Refusal, tmp_path: Path) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    (folder / "reproduction.json").write_text("kept")
    sentence = refusal("reproduce", "--output", folder)
    assert "--output" in sentence and "old" in sentence and "--force" in sentence
    assert contents(folder) == {"reproduction.json": b"kept"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["old", "refused"]


@pytest.mark.parametrize("force", [(), ("--force",)])
def test_a_folder_of_somebody_else_is_never_replaced(
    force: tuple[str, ...], refusal: Refusal, tmp_path: Path
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "me.jpg").write_text("me")
    sentence = refusal("reproduce", "--output", folder, *force)
    assert "photos" in sentence and "not written" in sentence
    assert contents(folder) == {"me.jpg": b"me"}


def test_it_is_replaced_by_force(
    rnscli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "rnscli.cli.commands.reproduce.report_files", lambda *of: {"a/b.txt": b"new"}
    )
    folder = tmp_path / "old"
    folder.mkdir()
    (folder / "reproduction.json").write_text("gone")
    ran = rnscli("reproduce", "--only", "moduli", "--output", folder, "--force")
    assert (ran.code, ran.err) == (0, "")
    assert contents(folder) == {"a/b.txt": b"new"}


def test_a_different_value_is_in_the_folder_too(
    rnscli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PUBLISHED, "moduli-5", replace(PUBLISHED["moduli-5"], text="31 30 29"))
    ran = rnscli("reproduce", "--only", "moduli", "--output", tmp_path / "folder")
    assert ran.code == 1
    page = (tmp_path / "folder" / "index.html").read_text()
    assert page.count('<span class="badge different">different</span></td>') == 2
    assert "2 different" in (tmp_path / "folder" / "report.md").read_text()


def test_folders_that_cannot_be_written(refusal: Refusal, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    for name in ("missing/folder", "file/folder", "file"):
        sentence = refusal("reproduce", "--output", tmp_path / name)
        assert "--output" in sentence and name in sentence
    assert "/dev/null" in refusal("reproduce", "--output", "/dev/null/folder")
    assert "/" in refusal("reproduce", "--output", "/", "--force")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "refused"]


def test_a_full_disk_leaves_nothing(
    rnscli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rnscli.cli.commands.reproduce.report_files", lambda *of: {"a.txt": b"new"})

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    ran = rnscli("reproduce", "--only", "moduli", "--output", tmp_path / "folder")
    assert (ran.code, ran.out) == (2, "")
    assert "No space left on device" in ran.err and ran.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("module", ["matplotlib", "jinja2"])
def test_without_the_extra(
    module: str, refusal: Refusal, rnscli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    sentence = refusal("reproduce")
    assert "--output" in sentence and module in sentence and "rnscli[plot]" in sentence
    assert rnscli("reproduce", "--only", "moduli").code == 0  # a table needs neither


def test_options_that_contradict(refusal: Refusal, tmp_path: Path) -> None:
    sentence = refusal("reproduce", "--only", "error,moduli-6-exact")
    assert "--output" in sentence and "--only moduli-6-exact" in sentence
    folder = tmp_path / "folder"
    folder.mkdir()
    sentence = refusal("reproduce", "--output", folder, "--force", "--store", folder / "runs.db")
    assert "--store" in sentence and "--output" in sentence
    assert list(folder.iterdir()) == []
    sentence = refusal("reproduce", "--output", tmp_path / "new", "--store", tmp_path / "new")
    assert "--store" in sentence and "--output" in sentence


def test_force_is_about_a_folder(rnscli: Run) -> None:
    ran = rnscli("reproduce", "--only", "moduli", "--force")
    assert (ran.code, ran.out) == (2, "")
    assert "--force" in ran.err and "--output" in ran.err


def test_the_help_says_what_is_written(rnscli: Run) -> None:
    ran = rnscli("reproduce", "--help")
    assert ran.code == 0
    for said in ("--output DIR", "--force", "index.html", "--only", "--jobs"):
        assert said in ran.out


# Only some results


def test_a_folder_of_some_results(rnscli: Run, tmp_path: Path) -> None:
    ran = rnscli("reproduce", "--only", "reram-block,adc-energy", "--output", tmp_path / "folder")
    assert (ran.code, ran.err) == (0, "")
    found = contents(tmp_path / "folder")
    assert {name for name in found if name in FILES} == set(found) == {
        "index.html", "report.md", "reproduction.csv", "reproduction.json",
        "data/energy.csv", "figures/energy.png", "figures/energy.svg",
    }  # fmt: skip
    text = found["report.md"].decode()
    assert text.count("\n## ") == 2 and "networks are not in this report" in text
    again = rnscli("reproduce", "--only", "reram-block", "--output", tmp_path / "folder", "--force")
    assert again.code == 0
    found = contents(tmp_path / "folder")
    assert "data/energy.csv" not in found
    # A table that is the only one is not folded.
    assert b"<details>" not in found["index.html"] + found["report.md"]


# Without torch


def test_without_torch_networks_are_left_out(
    rnscli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MISSING, lambda: "torch")
    monkeypatch.setattr(WORDS, 1000)
    ran = rnscli("reproduce", "--output", tmp_path / "folder")
    assert ran.code in (0, 1)  # of 1000 words some intervals may miss
    # The numbers of the block are only counted in a table of everything.
    assert "reram-block  " not in ran.out
    assert " ".join(ran.out.splitlines()[-4:]) == (
        "149 of them only with --only reram-block: 59 same, 1 within, 83 close, 5 explained, "
        "1 given; at most 38.70% off where not same "
        "43 of them only with --only chips: 13 same, 1 within, 20 close, 9 explained; at most "
        "546.75% off where not same"
    )
    rows = (tmp_path / "folder" / "reproduction.csv").read_text().splitlines()
    assert sum(line.startswith("reram-block,") for line in rows) == 149
    remarks = [line for line in ran.err.splitlines() if "left out" in line]
    assert remarks == [
        "rnscli: accuracies of neural networks are left out, as they need torch; install it with: "
        + install_command("rnscli[torch]")
    ]
    assert set(contents(tmp_path / "folder")) == FILES
    for name in ("index.html", "report.md"):
        text = (tmp_path / "folder" / name).read_text().replace("&#39;", "'")
        assert "left out, because torch is not installed: the extra rnscli[torch] adds" in text


def test_what_needs_no_network_says_nothing_of_torch(
    rnscli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert rnscli("reproduce", "--only", "moduli").err == ""


@pytest.mark.parametrize("name", ["accuracy-h", "accuracy-p-k2-r1", "moduli,training"])
@pytest.mark.parametrize("module", ["torch", "sklearn"])
def test_networks_are_refused_without_torch(
    name: str, module: str, rnscli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    ran = rnscli("reproduce", "--only", name)
    assert (ran.code, ran.out) == (2, "")
    network = name.partition(",")[2] or name
    assert ran.err == (
        f"rnscli: --only {network} needs {module}; install it with: "
        f"{install_command('rnscli[torch]')}\n"
    )
