"""``rnscli rerun``: the same bytes again, and pictures without computing."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden_runs import RUNS
from schemas import check_document
from simple_technology import SIMPLE

from rnscli.analysis.faults import fault_probability
from rnscli.cli.answer import Answer
from rnscli.cli.asked_again import words_again
from rnscli.cli.main import ANSWERING
from rnscli.cli.plan import check, command_of
from rnscli.report import json_text, saved_of

Run = Callable[..., Any]
Refusal = Callable[..., str]
LINE = ("fault-prob", "--bits", "5", "--redundant", "0,2", "--p", "1e-3,1e-2", "--attempts", "1")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_files_are_found_again_and_looked_at(
    rnscli: Run, refusal: Refusal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = tmp_path / "my.toml"
    profile.write_text(SIMPLE.format(kind="analog"))
    asked = ("energy", "--bits", 6, "--core", "fixed-lp", "--technology", "./my.toml,reram-analog")
    assert rnscli(*asked, "--output", "a.json").code == 0
    document = json.loads((tmp_path / "a.json").read_text())
    check_document(document)
    digest = hashlib.sha256(profile.read_bytes()).hexdigest()
    assert document["files"] == [{"option": "technology", "path": "my.toml", "sha256": digest}]
    again = ("rerun", "a.json", "--format", "json")
    ran = rnscli(*again)
    assert (ran.out, ran.err) == ((tmp_path / "a.json").read_text(), "")
    profile.write_text(SIMPLE.format(kind="analog").replace("10fJ", "20fJ"))
    ran = rnscli(*again)
    assert ran.code == 0 and json.loads(ran.out)["rows"] != document["rows"]
    assert ran.err.startswith("rnscli: warning: my.toml is not what it was when a.json was ")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert "my.toml, which it was computed with, cannot be read" in refusal("rerun", "../a.json")
    ran = rnscli("rerun", "../a.json", "--technology", "reram-analog", "--format", "csv")
    assert (ran.code, ran.err, ran.out.count("\n")) == (0, "", 2)
    (tmp_path / "b.json").write_text(json.dumps(document | {"files": ["my.toml"]}))
    assert "its key files is" in refusal("rerun", "../b.json")


@pytest.mark.parametrize(
    "line",
    [
        *(
            pytest.param(line, marks=pytest.mark.thorough) if name.startswith("design") else line
            for name, line in RUNS.items()
            if name not in ("batch", "compare")
        ),
        "fault-prob --moduli 59,55,53,47+63,61 --p [1e-3,1e-4,1e-3,1e-3,1e-3,1e-2] --erased 0,1",
        "fault-prob --moduli 63,62,61,59,55 --redundant 0..2 --p 1e-3",  # by itself a default
        "fault-prob --moduli 63,62,61,59,55 --moduli 31,30,29,23 --sigma 0.2 --redundant 1",
        "fault-prob --moduli 63,62,61,59 --p [1e-3,1e-4,1e-3,1e-3],[1e-3,1e-2,1e-3,1e-3]",
        "energy --bits 6 --constant shifter_loss=0.1dB --constant coupling_loss=0.2dB "
        "--clock 1GHz --supply-voltage 1V±7%",
        "energy --workload mnist-cnn --batch 1,4 --pass training --core rns",
        "noise --technology photonic-phase,reram-analog --core rns --bits 5 --vector-size 8..10",
        "moduli --bits 6 --count 4,5 --solve vector-size --rule exact,bits",
        "error-sim --bits 4 --snr-db 30..50:3 --noise gaussian --static-share 0.5 --quiet",
    ],
)
def test_the_document_says_what_was_asked(line: str) -> None:
    """Options that it leads to state what it states, and leave what was left to the defaults."""
    name, *words = line.split()
    command = command_of(name)
    asked = check(command, words, drawn=False).question
    stated = command.parameters(asked)
    given = [one for one in command.result(asked, Answer([])).given or () if one in stated]
    row = {f"residue_{one}": (1,) for one in ("p",) if line.count("--p [")}
    saved = saved_of(json_text(name, stated, [row], given))
    options, arguments = words_again(command, saved)
    again = check(command, [*options, *(["--"] if arguments else []), *arguments], drawn=False)
    # But for the last digit of a spread.
    assert json_text(name, command.parameters(again.question), []) == json_text(name, stated, [])
    assert {*again.question.given} <= {*asked.given}


def test_the_same_bytes_and_other_forms(rnscli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = rnscli(*LINE, "--format", "json").out
    table, picture = rnscli(*LINE).out, rnscli(*LINE, "--plot", "a.svg")
    assert picture.code == 0
    Path("a.json").write_text(whole)
    assert rnscli("rerun", "a.json", "--format", "json") == (0, whole, "")
    assert rnscli("rerun", "a.json") == (0, table, "")
    assert rnscli("rerun", "a.json", "--baseline", "a.json").code == 0
    other = rnscli("rerun", "a.json", "--bits", "7", "--p=1e-3", "--format", "csv")
    asked = [*LINE[:2], "7", *LINE[3:6], "1e-3", *LINE[7:], "--format", "csv"]
    assert other.out == rnscli(*asked).out

    def computed(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("rnscli.analysis.faults.fault_probability.fault_probability", computed)
    monkeypatch.setattr(fault_probability, "fault_probability", computed)
    saved = rnscli("rerun", "a.json", "--plot", "b.svg", "--format", "csv")
    assert saved.code == 0 and "drawn from a.json; nothing is computed" in saved.err
    assert Path("b.svg").read_bytes() == Path("a.svg").read_bytes()
    assert rnscli("rerun", "a.json", "--rows", "saved", "--format", "json").out == whole


def test_files_that_are_read_are_not_written_over(rnscli: Run, refusal: Refusal) -> None:
    np.savez("ops.npz", x=np.ones((4, 8)), w=np.ones((4, 8)))
    before = Path("ops.npz").read_bytes()
    asked = ("--core", "rns", "--bits", "4", "--vector-size", "8", "--operands", "ops.npz")
    assert rnscli("error-sim", *asked, "--output", "a.json").code == 0
    words = ("a.json", "--rows", "saved", "--format", "csv", "--output", "ops.npz")
    assert "ops.npz would be written over" in refusal("rerun", *words)
    assert Path("ops.npz").read_bytes() == before


def test_a_chip_is_the_same_whatever_was_drawn(rnscli: Run, refusal: Refusal) -> None:
    line = ("chip", "--workload", "mnist-cnn", "--core", "fixed-lp")
    drawn = ("--plot", "a.svg", "--picture", "parts")
    assert rnscli(*line, *drawn, "--output", "a.json").code == 0
    whole = Path("a.json").read_text()
    assert whole == rnscli(*line, "--format", "json").out
    assert rnscli("rerun", "a.json", "--format", "json").out == whole
    page = ("a.json", "--rows", "saved", "--output", "a.html")
    assert "a page takes more than rows" in refusal("rerun", *page)


@pytest.mark.thorough
def test_a_picture_that_takes_more_than_rows(rnscli: Run) -> None:
    rnscli("chip", "--workload", "mnist-cnn", "--core", "fixed-lp", "--output", "a.json")
    ran = rnscli("rerun", "a.json", "--plot", "a.svg")
    assert ran.code == 0 and "computing again" in ran.err and Path("a.svg").exists()


def test_bad_input(rnscli: Run, refusal: Refusal) -> None:
    text = rnscli(*LINE, "--format", "json").out
    Path("a.json").write_text(text)
    for name, before, after in (
        ("value", '"bits": 5', '"bits": "x"'),
        ("kind", '"attempts": 1,', '"attempts": {"a": 1},'),
        ("option", '"bits"', '"bitz"'),
        ("command", '"fault-prob"', '"batch"'),
        ("unknown", '"fault-prob"', '"rm"'),
        ("given", '"given"', '"gives"'),
    ):
        assert before in text
        times = -1 if name == "option" else 1
        Path(f"{name}.json").write_text(text.replace(before, after, times))
    broken = json.loads(text)
    broken["rows"][1]["p_err"] = 2.0
    Path("row.json").write_text(json.dumps(broken))
    for words, said in (
        (("none.json",), "none.json cannot be read"),
        (("value.json",), "value.json cannot be computed again: --bits: 'x' is not accepted"),
        (("kind.json",), "kind.json cannot be computed again: --attempts"),
        (("option.json",), "has the option --bitz"),
        (("command.json",), "does not say all"),
        (("unknown.json",), "does not say all"),
        (("given.json",), "does not say which options"),
        (("row.json", "--rows", "saved"), "row 2: p_err is 2.0, which it cannot be"),
        (("a.json", "--rows", "saved", "--bits", "7"), "not those of another --bits"),
        (("a.json", "--output", "a.json"), "a.json would be written over"),
        (("a.json", "--bitz", "7"), "has no option --bitz; did you mean --bits?"),
    ):
        assert said in refusal("rerun", *words), words
    assert {"batch", "compare"} < set(ANSWERING)
