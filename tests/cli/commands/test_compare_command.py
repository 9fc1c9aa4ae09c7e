"""``rnscli compare`` and ``--baseline``: what they find, write, and exit with."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

Run = Callable[..., Any]
Refusal = Callable[..., str]
LINE = ("fault-prob", "--bits", "6", "--redundant", "0..2", "--attempts", "1")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def both(rnscli: Run) -> tuple[str, str]:
    """Results of three probabilities, two of which they have in common."""
    rnscli(*LINE, "--p", "1e-3,1e-2,2e-2", "--output", "old.json")
    rnscli(*LINE, "--p", "1e-1,1e-2,1e-3", "--output", "new.json")
    return "old.json", "new.json"


def edited(name: str, made: str, row: int, **values: Any) -> str:
    document = json.loads(Path(name).read_text())
    document["rows"][row] |= values
    Path(made).write_text(json.dumps(document))
    return made


def test_equal_results(rnscli: Run, both: tuple[str, str]) -> None:
    ran = rnscli("compare", "old.json", "old.json", "--junit", "a.xml")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("9 rows and ") and "no value has changed" in ran.out
    assert ElementTree.parse("a.xml").getroot().get("failures") == "0"
    for form, begin in (("csv", "row,column,old"), ("latex", "% 9 rows"), ("json", "{")):
        assert rnscli("compare", *both[:1] * 2, "--format", form).out.startswith(begin)


def test_rows_are_matched_by_what_was_asked(rnscli: Run, both: tuple[str, str]) -> None:
    ran = rnscli("compare", *both, "--format", "csv")
    assert ran.code == 1 and "--p differs" in ran.err
    found = [(row["row"], row["verdict"]) for row in csv.DictReader(io.StringIO(ran.out))]
    expected = [(f"redundant {k}, p {p}", f"only in {end}") for end, p in
                (("OLD", "0.02"), ("NEW", "0.1")) for k in range(3)]  # fmt: skip
    assert sorted(found) == sorted(expected)


def test_a_change_is_a_row_a_failure_and_a_case(rnscli: Run, both: tuple[str, str]) -> None:
    before = json.loads(Path("old.json").read_text())["rows"][4]
    edited("old.json", "worse.json", 4, p_err=before["p_err"] * 1.02)
    ran = rnscli("compare", "old.json", "worse.json", "--junit", "a.xml")
    assert ran.code == 1 and "p_err" in ran.out and "+2.000%" in ran.out
    assert "1 value is changed, in 1 row" in ran.out
    suite = ElementTree.parse("a.xml").getroot()[0]
    failed = {one.get("name") for one in suite if one.find("failure") is not None}
    assert failed == {"p_err at most ±1e-07 %"} and suite.get("failures") == "1"
    for allowed, code in (("p_err=3%", 0), ("p_err=+1%", 1), ("p_err=-1%", 0), ("1%", 1)):
        assert rnscli("compare", "old.json", "worse.json", "--allow", allowed).code == code
    better = rnscli("compare", "old.json", "worse.json", "--allow", "p_err=-1%")
    assert "better" in better.out


def test_schemas_and_versions_that_differ_are_told(rnscli: Run, both: tuple[str, str]) -> None:
    text = Path("old.json").read_text().replace('"p_err"', '"p_error"')
    text = text.replace('"schema": 2', '"schema": 1').replace('"version": "', '"version": "0.0.')
    Path("older.json").write_text(text)
    ran = rnscli("compare", "older.json", "old.json")
    assert ran.code == 0
    for words in ("has schema 1 of", "is of rnscli 0.0.", "only older.json has the column p_error"):
        assert words in ran.err
    assert "schema 1" in rnscli("rerun", "older.json").err


def test_a_baseline(rnscli: Run, both: tuple[str, str]) -> None:
    line = (*LINE, "--p", "1e-3,1e-2,2e-2")
    plain = rnscli(*line)
    assert rnscli(*line, "--baseline", "old.json") == plain
    edited("old.json", "base.json", 4, p_err=0.5)
    ran = rnscli(*line, "--baseline", "base.json")
    assert (ran.code, ran.out) == (1, plain.out)
    first, last = ran.err.splitlines()
    assert first.startswith("rnscli: redundant 1, p 0.01: p_err was 0.5 and is ")
    assert last.endswith("1 value is changed, in 1 row")
    assert rnscli(*line, "--baseline", "base.json", "--allow", "p_err=any").code == 0


def test_bad_input(rnscli: Run, refusal: Refusal, both: tuple[str, str]) -> None:
    Path("text.json").write_text("p,q\n1,2\n")
    rnscli("moduli", "--output", "moduli.json")
    one_command = "only results of one command can be compared"
    for words, said in (
        (("old.json", "none.json"), "none.json cannot be read"),
        (("old.json", "."), ". cannot be read"),
        (("text.json", "old.json"), "text.json is no result of rnscli"),
        (("old.json", "moduli.json"), one_command),
        (("old.json", "new.json", "--allow", "p_er=1%"), "did you mean p_err?"),
        (("old.json", "new.json", "--allow", "p_err"), "is not a tolerance"),
        (("old.json", "new.json", "--output", "old.json"), "would be written over"),
        (("old.json", "new.json", "--junit", "no/a.xml"), "--junit no/a.xml: the folder "),
    ):
        assert said in refusal("compare", *words)
    for words, said in (
        (("--baseline", "none.json"), "--baseline none.json cannot be read"),
        (("--baseline", "moduli.json"), "is a result of rnscli moduli; it must be one of"),
        (("--allow", "p_err=1%"), "--allow is about --baseline"),
        (("--baseline", "old.json", "--output", "old.json"), "would be written over"),
        (("--baseline", "old.json", "--allow", "x=1%"), "column x does not exist"),
    ):
        assert said in refusal(*LINE, "--p", "1e-2", *words)


PLAN = """
[run.sets]
command = "moduli"
bits = "4..6"
[run.faults]
command = "fault-prob"
moduli = "@sets.moduli"
p = 1e-3
"""


def test_a_batch_against_an_earlier_one(rnscli: Run) -> None:
    Path("plan.toml").write_text(PLAN)
    assert rnscli("batch", "plan.toml", "--output", "before").code == 0
    line = ("batch", "plan.toml", "--output", "now", "--force", "--junit", "a.xml")
    same = rnscli(*line, "--baseline", "before")
    assert (same.code, same.err) == (0, "")
    edited("before/faults.json", "before/faults.json", 0, p_err=0.5)
    Path("before/sets.json").unlink()
    ran = rnscli(*line, "--baseline", "before", "--format", "csv")
    assert ran.code == 1 and "before has no sets.json to compare with" in ran.err
    assert "faults: attempts 1, moduli 15,14,13,11: p_err was 0.5 and is " in ran.err
    cases = {one.get("name"): len(one) for one in ElementTree.parse("a.xml").iter("testcase")}
    assert cases == {"is as in the baseline": 1}
    whole = (*line, "--baseline", "before", "--allow", "p_err=any")
    assert rnscli(*whole).code == 0
    # Rows of another kind than before are a verdict, and not the end of the batch.
    Path("before/faults.json").write_text(
        rnscli("fault-prob", "--bits", "4", "--target", "1e-3", "--format", "json").out
    )
    other = rnscli(*line, "--baseline", "before", "--allow", "p_err=any")
    assert other.code == 1 and "faults: " in other.err and Path("now/faults.json").exists()
    # The folder itself may be the baseline: it is read before it is replaced.
    assert rnscli(*line, "--baseline", "now").code == 0
    for words, said in (
        (("--baseline", "none"), "--baseline none does not exist"),
        (("--baseline", "plan.toml"), "is no folder"),
        (("--baseline", "."), "has results of none of these runs"),
        (("--allow", "1%"), "--allow is about --baseline"),
        (("--baseline", "before", "--allow", "p_er=1%"), "did you mean p_err?"),
    ):
        ran = rnscli("batch", "plan.toml", "--output", "other", *words)
        assert ran.code == 2 and said in ran.err and not Path("other").exists()
    Path("plan.toml").write_text(PLAN + 'baseline = "x.json"\n')
    ran = rnscli("batch", "plan.toml", "--output", "other")
    assert ran.code == 2 and "give --baseline to rnscli batch" in ran.err
