"""``rnscli batch``: what it writes, prints, and exits with."""

import csv
import io
import json
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from plans import contents, names, write_plan

from rnscli.analysis.faults.rows import FaultProbability
from rnscli.analysis.faults.validation import Validation
from rnscli.report.batch import RECORDS

Run = Callable[..., Any]
Refusal = Callable[..., str]

MIXED = """
title = "all commands, <&> ü"
[defaults]
vector-size = 16
[run.table]
command = "moduli"
bits = 5
redundant = "0..2"
[run.faults]
command = "fault-prob"
moduli = "@table.moduli"
p = "1e-3..1e-1:3"
require = ["p_err <= 0.5", "p_correct >= 0.1"]
[run.cost]
command = "energy"
moduli = "@faults.moduli"
core = "rns"
[run.again]
command = "error-sim"
moduli = ["@cost.moduli", [15, 14, 13, 11]]
core = ["rns", "fixed-lp"]
pairs = 300
[run.best]
command = "design"
bits = "4..5"
core = "rns"
[run.of_best]
command = "fault-prob"
moduli = "@best.moduli"
validate = 2000
[run.noisy]
command = "fault-prob"
noise = "gaussian"
bits = 5
redundant = 1
sigma = "0.1..0.3:3"
"""


def summary(folder: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((folder / "summary.json").read_bytes())["rows"]
    return rows


def verdicts(folder: Path) -> dict[str, str]:
    return {row["run"]: row["verdict"] for row in summary(folder)}


def test_a_run_is_byte_for_byte_what_its_command_line_writes(rnscli: Run, tmp_path: Path) -> None:
    folder = tmp_path / "results"
    plan = write_plan(tmp_path, MIXED)
    ran = rnscli("batch", plan, "--output", folder)
    assert (ran.code, ran.err) == (0, "")
    rows = summary(folder)
    order = ["table", "faults", "cost", "again", "best", "of_best", "noisy"]
    assert [row["run"] for row in rows] == order
    files = [RECORDS, "plan.toml", *(f"summary.{kind}" for kind in ("csv", "json", "md"))]
    files += [f"{name}.{kind}" for name in order for kind in ("json", "csv")]
    assert names(folder) == sorted(files)
    for row in rows:
        program, *arguments = shlex.split(row["command_line"])
        assert program == "rnscli"
        for kind in ("json", "csv"):
            alone = tmp_path / f"alone.{kind}"
            assert rnscli(*arguments, "--output", alone).code == 0
            assert (folder / f"{row['run']}.{kind}").read_bytes() == alone.read_bytes()
        assert len(json.loads((folder / f"{row['run']}.json").read_bytes())["rows"]) == row["rows"]
    assert (folder / "plan.toml").read_bytes() == plan.read_bytes()
    lines = {row["run"]: row["command_line"] for row in rows}
    found = json.loads((folder / "table.json").read_bytes())["rows"]
    parts = [(row["moduli"], row["redundant_moduli"]) for row in found]
    assert [len(redundant) for _, redundant in parts] == [0, 1, 2]
    texts = ["+".join(",".join(map(str, part)) for part in both if part) for both in parts]
    for name in ("faults", "cost", "again"):
        words = shlex.split(lines[name])
        given = [words[i + 1] for i, word in enumerate(words) if word == "--moduli"]
        assert given == [*texts, *["15,14,13,11"] * (name == "again")]


def test_of_a_design_only_what_is_chosen_is_referred_to(rnscli: Run, tmp_path: Path) -> None:
    folder = tmp_path / "results"
    rnscli("batch", write_plan(tmp_path, MIXED), "--output", folder, "--only", "of_best")
    assert list(verdicts(folder)) == ["best", "of_best"]
    designs = json.loads((folder / "best.json").read_bytes())["rows"]
    (chosen,) = (row for row in designs if row["role"] == "chosen")
    assert len({tuple(row["moduli"] or ()) for row in designs}) > 1
    (line,) = (row["command_line"] for row in summary(folder) if row["run"] == "of_best")
    assert f"--moduli {','.join(map(str, chosen['moduli']))} " in line
    assert line.count("--moduli") == 1


def test_the_summary_in_all_its_forms(rnscli: Run, tmp_path: Path) -> None:
    plan = write_plan(
        tmp_path,
        '[run.a]\ncommand = "moduli"\nbits = [7, 6]\nrequire = ["count <= 3", "bits <= 8"]\n'
        '[run.b]\ncommand = "energy"\nbits = 4\n',
    )
    folder = tmp_path / "results"
    printed = {}
    for style in ("table", "json", "csv", "markdown", "latex"):
        ran = rnscli("batch", plan, "--output", folder, "--force", "--format", style)
        assert ran.code == 1
        assert ran.err.startswith("rnscli: a: row 2: count <= 3 does not hold, it is 4")
        printed[style] = ran.out
    document = json.loads(printed["json"])
    assert document["command"] == "batch" and document["parameters"]["plan"] == "plan.toml"
    assert document["rows"] == summary(folder)
    a, b = document["rows"]
    assert (a["rows"], a["requirements"], a["failed"], a["verdict"]) == (2, 2, 1, "failed")
    assert a["reason"].startswith("row 2: count <= 3 does not hold")
    assert (b["requirements"], b["failed"], b["verdict"], b["reason"]) == (0, 0, "passed", None)
    written = (folder / "summary.csv").read_text()
    assert printed["csv"] == written
    parsed = list(csv.DictReader(io.StringIO(written)))
    assert [row["command_line"] for row in parsed] == [row["command_line"] for row in (a, b)]
    assert printed["markdown"] == (folder / "summary.md").read_text()
    assert "passed" in printed["latex"] and "\\begin{tabular}" in printed["latex"]
    assert max(map(len, printed["table"].splitlines())) <= 100
    whole = json.loads((folder / "summary.json").read_bytes())
    assert whole["parameters"] == {"plan": "plan.toml", "title": "plan"}


@pytest.mark.parametrize(
    ("runs", "code", "expected"),
    [
        ('[run.a]\ncommand = "moduli"\nbits = 6\nrequire = "count <= 4"', 0, {"a": "passed"}),
        ('[run.a]\ncommand = "moduli"\nbits = 6\nrequire = "count <= 3"', 1, {"a": "failed"}),
        # Some points of a sweep without an answer, as on the command line.
        ('[run.a]\ncommand = "moduli"\nbits = [2, 6]\nrequire = "count <= 3"', 2, {"a": "error"}),
        (
            '[run.a]\ncommand = "moduli"\nbits = 6\nrequire = "count <= 3"\n'
            '[run.b]\ncommand = "moduli"\nbits = [2, 6]\n'
            '[run.c]\ncommand = "energy"\nmoduli = "@b.moduli"\nvector-size = 2\n',
            2,
            {"a": "failed", "b": "error", "c": "passed"},
        ),
    ],
)
def test_the_exit_code(
    runs: str, code: int, expected: dict[str, str], rnscli: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "results"
    ran = rnscli("batch", write_plan(tmp_path, runs), "--output", folder)
    assert (ran.code, verdicts(folder)) == (code, expected)
    assert all(line.startswith("rnscli: ") for line in ran.err.splitlines())
    assert ("no answer for bits 2" in ran.err) == ("error" in expected.values())
    assert names(tmp_path) == ["plan.toml", "results"]


FAILING = """
[run.search]
command = "design"
bits = 4
core = "rns"
max-energy = "1e-30J"
[run.user]
command = "fault-prob"
moduli = "@search.moduli"
require = ["p_err <= 1", "p_correct <= 1"]
[run.user_of_user]
command = "energy"
moduli = "@user.moduli"
[run.other]
command = "moduli"
bits = 6
"""


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_run_that_ends_in_an_error(jobs: int, rnscli: Run, tmp_path: Path) -> None:
    """Those that refer to it are errors, too; others are not concerned."""
    folder, junit = tmp_path / "results", tmp_path / "junit.xml"
    plan = write_plan(tmp_path, FAILING)
    ran = rnscli("batch", plan, "--output", folder, "--junit", junit, "--jobs", jobs)
    assert ran.code == 2
    assert verdicts(folder) == {
        "search": "error", "user": "error", "user_of_user": "error", "other": "passed",
    }  # fmt: skip
    search, user, of_user, _ = summary(folder)
    assert (search["rows"], search["failed"]) == (0, 0)
    assert user["reason"] == "run search, which it refers to, has no rows"
    assert of_user["reason"] == "run user, which it refers to, has no rows"
    assert (user["requirements"], user["failed"]) == (2, 0)
    assert [line.split(":")[1].strip() for line in ran.err.splitlines()] == [
        "search", "user", "user_of_user",
    ]  # fmt: skip
    assert not [name for name in names(folder) if name.startswith(("search", "user"))]
    assert (folder / "other.json").exists()
    assert junit.read_text().count("<error") == 1 + 2 + 1


def test_a_validation_that_disagrees_is_a_failure(
    rnscli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = write_plan(
        tmp_path,
        '[run.a]\ncommand = "fault-prob"\nbits = 5\nvalidate = 2000\nrequire = "p_err <= 1"\n',
    )
    folder, junit = tmp_path / "results", tmp_path / "junit.xml"
    beside = Validation.beside

    def disagree(found: Validation, exact: FaultProbability) -> FaultProbability:
        return replace(beside(found, exact), agrees=False)

    monkeypatch.setattr(Validation, "beside", disagree)
    ran = rnscli("batch", plan, "--output", folder, "--junit", junit)
    assert ran.code == 1
    assert ran.err.startswith("rnscli: a: row 1: the exact value lies outside the 99.9 % interval")
    (row,) = summary(folder)
    assert (row["requirements"], row["failed"], row["verdict"]) == (2, 1, "failed")
    assert 'tests="2" failures="1" errors="0"' in junit.read_text()


@pytest.mark.thorough
def test_pictures(rnscli: Run, tmp_path: Path) -> None:
    text = '[run.{}]\ncommand = "moduli"\nbits = {}\nplot = {}\n'
    runs = (("a", 5, '"svg"'), ("b", 6, '["png", "svg"]'), ("c", 6, "[]"))
    plan = write_plan(tmp_path, "".join(text.format(*run) for run in runs))
    assert rnscli("batch", plan, "--output", tmp_path / "results").code == 0
    found = contents(tmp_path / "results")
    pictures = {name for name in found if name.endswith(("png", "svg"))}
    assert pictures == {"a.svg", "b.png", "b.svg"}
    for name, bits in (("a.svg", 5), ("b.png", 6), ("b.svg", 6)):
        alone = tmp_path / name
        rnscli("moduli", "--bits", bits, "--plot", alone)
        assert found[name] == alone.read_bytes()


# What is not computed


def test_a_dry_run_writes_nothing(rnscli: Run, tmp_path: Path) -> None:
    folder, junit = tmp_path / "results", tmp_path / "junit.xml"
    plan = write_plan(tmp_path, MIXED)
    dry = ("batch", plan, "--output", folder, "--dry-run", "--junit", junit)
    ran = rnscli(*dry)
    assert (ran.code, ran.err) == (0, "")
    assert "rnscli fault-prob --vector-size 16 --moduli 31," in ran.out  # those of the table
    assert names(tmp_path) == ["plan.toml"]
    states = {
        row["run"]: row["state"] for row in json.loads(rnscli(*dry, "--format", "json").out)["rows"]
    }
    assert states["table"] == states["faults"] == "to compute"
    assert states["cost"] == "to compute after faults"
    rnscli("batch", plan, "--output", folder, "--only", "table,cost", "--quiet")
    before = contents(tmp_path)
    rows = json.loads(rnscli(*dry, "--resume", "--format", "json").out)["rows"]
    states = {row["run"]: row["state"] for row in rows}
    assert (states["table"], states["faults"], states["best"]) == ("kept", "kept", "to compute")
    only = json.loads(rnscli(*dry, "--resume", "--only", "of_best", "--format", "json").out)["rows"]
    assert [row["run"] for row in only] == ["best", "of_best"]
    assert rnscli(*dry, "--force").code == 0
    assert rnscli(*dry).code == 0  # a plan may be checked wherever its results are
    assert contents(tmp_path) == before


def test_only_some_runs(rnscli: Run, tmp_path: Path) -> None:
    """And those that they need; what the folder has of others stays."""
    plan = write_plan(tmp_path, MIXED)
    folder = tmp_path / "results"
    only = ("batch", plan, "--output", folder, "--only")
    rnscli(*only, "cost")
    assert list(verdicts(folder)) == ["table", "faults", "cost"]
    rnscli(*only, "noisy", "--only", "best", "--resume")
    assert list(verdicts(folder)) == ["table", "faults", "cost", "best", "noisy"]
    before = contents(folder)
    rnscli(*only, "nois*,best", "--force")
    assert contents(folder) == before
    plan.write_text(MIXED.replace('sigma = "0.1..0.3:3"', "sigma = 0.2"))
    rnscli(*only, "table", "--resume")  # the other one is out of date by now
    assert contents(folder) == before | {"plan.toml": plan.read_bytes()}
    rnscli("batch", plan, "--output", folder, "--resume")
    assert (folder / "noisy.json").read_bytes() != before["noisy.json"]


def test_a_requirement_of_a_kept_run_is_judged_again(rnscli: Run, tmp_path: Path) -> None:
    text = '[run.a]\ncommand = "fault-prob"\nattempts = inf\np = 0.1\nrequire = "p_err <= 1"\n'
    plan = write_plan(tmp_path, text)
    folder = tmp_path / "results"
    assert rnscli("batch", plan, "--output", folder).code == 0
    plan.write_text(text.replace("p_err <= 1", "attempts < 9"))  # which is "inf" in the file
    ran = rnscli("batch", plan, "--output", folder, "--resume")
    assert ran.code == 1
    assert "attempts < 9 does not hold, it is inf (redundant 0, p 0.1, attempts inf" in ran.err
    assert "--require 'attempts < 9'" in summary(folder)[0]["command_line"]
    assert rnscli(*shlex.split(summary(folder)[0]["command_line"])[1:]).code == 1


def test_the_results_of_another_plan_are_not_lost(
    rnscli: Run, refusal: Refusal, tmp_path: Path
) -> None:
    rnscli("batch", write_plan(tmp_path, MIXED), "--output", tmp_path / "results")
    other = tmp_path / "other.toml"
    other.write_text('[run.a]\ncommand = "moduli"\n')
    sentence = refusal("batch", other, "--output", tmp_path / "results", "--resume")
    assert "plan.toml" in sentence and "--force" in sentence


@pytest.mark.parametrize(
    ("name", "said"),
    [("tabel", "no run 'tabel'; did you mean table?"), ("", "no run ''; it has table, faults"),
     ("table,", "no run ''"), ("x", "--only: ")],
)  # fmt: skip
def test_a_name_that_no_run_has(name: str, said: str, refusal: Refusal, tmp_path: Path) -> None:
    plan = write_plan(tmp_path, MIXED)
    assert said in refusal("batch", plan, "--only", name, "--output", tmp_path / "results")
    assert names(tmp_path) == ["plan.toml", "refused"]
